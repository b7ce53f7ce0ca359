//! Tools of other plugins, from an agent. The manifest asks for each: `tools = ["ax:files.list"]`.
//!
//! ```
//! use ax_sdk::{fake, tools};
//! use serde_json::json;
//!
//! fake::tool("ax:text.count", |input| Ok(json!({ "words": input["text"].as_str().unwrap().len() })));
//!
//! #[derive(serde::Deserialize)]
//! struct Count {
//!     words: usize,
//! }
//! let count: Count = tools::call("ax:text.count", &json!({ "text": "abc" })).unwrap();
//! assert_eq!(count.words, 3);
//! ```
//!
//! Each call is one step of the agent's task: it is made once, and answered from the record when the agent
//! is run again. A task may make 50 unless whoever began it says otherwise, so ask a tool for much at once.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Content, Error, Output, Result};

/// A tool that may be called.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// Its whole name, as `ax:files.list`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its input.
    pub input_schema: Value,
    /// JSON Schema of its answer for programs.
    pub output_schema: Option<Value>,
}

/// Lists the tools that this agent may call.
pub fn available() -> Vec<Offered> {
    host::available()
}

/// Calls a tool, and reads its answer for programs; a tool that only tells something gives that text.
///
/// # Errors
///
/// What the tool failed with; [`ErrorKind::Denied`](crate::ErrorKind::Denied) with the missing permission as
/// the code; when the answer is not of this type.
pub fn call<T: DeserializeOwned>(name: &str, input: &impl Serialize) -> Result<T> {
    read(name, call_whole(name, input)?)
}

/// Calls a tool, and gives its answer whole.
///
/// # Errors
///
/// As [`call`], but for the type.
pub fn call_whole(name: &str, input: &impl Serialize) -> Result<Output> {
    let mut answers = host::call_all(vec![(name.to_owned(), serde_json::to_value(input)?)]);
    answers.pop().unwrap_or_else(|| Err(Error::failed("one call has one answer")))
}

/// Calls tools side by side, at most 64; answers stand in the order of the calls.
///
/// # Errors
///
/// When an input cannot be told as JSON; each answer has its own.
pub fn call_all<T: DeserializeOwned, I: Serialize>(
    calls: impl IntoIterator<Item = (impl Into<String>, I)>,
) -> Result<Vec<Result<T>>> {
    let asked = calls.into_iter().map(|(name, input)| {
        let input = serde_json::to_value(input)?;
        Ok((name.into(), input))
    });
    let asked: Vec<(String, Value)> = asked.collect::<Result<_>>()?;
    let names: Vec<String> = asked.iter().map(|(name, _)| name.clone()).collect();
    let answers = names.iter().zip(host::call_all(asked));
    Ok(answers.map(|(name, answer)| read(name, answer?)).collect())
}

fn read<T: DeserializeOwned>(name: &str, output: Output) -> Result<T> {
    let value = match output.structured {
        Some(value) => value,
        None => {
            let texts = output.content.into_iter().filter_map(|piece| match piece {
                Content::Text(text) => Some(text),
                _ => None,
            });
            Value::String(texts.collect::<Vec<_>>().join("\n"))
        }
    };
    serde_json::from_value(value)
        .map_err(|error| Error::failed(format!("`{name}` answered something else: {error}")))
}

#[cfg(target_arch = "wasm32")]
mod host {
    use serde_json::Value;

    use super::Offered;
    use crate::bindings::ax::tools::tools as wit;
    use crate::guest::{error, heard};
    use crate::{Output, Result};

    pub(super) fn available() -> Vec<Offered> {
        let schema = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let shown = |tool: wit::Tool| Offered {
            input_schema: schema(&tool.input_schema),
            output_schema: tool.output_schema.as_deref().map(schema),
            name: tool.name,
            description: tool.description,
        };
        wit::available().into_iter().map(shown).collect()
    }

    pub(super) fn call_all(calls: Vec<(String, Value)>) -> Vec<Result<Output>> {
        let asked = |(name, input): (String, Value)| wit::Invocation {
            name,
            input: input.to_string(),
            extra: None,
        };
        let mut asked: Vec<wit::Invocation> = calls.into_iter().map(asked).collect();
        let answers = match (asked.len(), asked.pop()) {
            (1, Some(one)) => vec![wit::call(&one)],
            (_, None) => Vec::new(),
            (_, Some(last)) => {
                asked.push(last);
                wit::call_all(&asked)
            }
        };
        answers.into_iter().map(|answer| answer.map(heard).map_err(error)).collect()
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use serde_json::Value;

    use super::Offered;
    use crate::fake;
    use crate::{Output, Result};

    pub(super) fn available() -> Vec<Offered> {
        let names = fake::with(|world| world.tools.keys().cloned().collect::<Vec<_>>());
        let offered = |name| Offered {
            name,
            description: String::new(),
            input_schema: Value::default(),
            output_schema: None,
        };
        names.into_iter().map(offered).collect()
    }

    pub(super) fn call_all(calls: Vec<(String, Value)>) -> Vec<Result<Output>> {
        let answer = |(name, input): (String, Value)| {
            let structured = fake::call_tool(&name, &input)?;
            Ok(Output { content: Vec::new(), structured: Some(structured) })
        };
        calls.into_iter().map(answer).collect()
    }
}
