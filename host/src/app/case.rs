//! One case of `ax test`: what is called, what it may do, and what must come of it.
//!
//! ```toml
//! [[case]]
//! name = "greets by name"       # else the tool's name
//! tool = "greet"
//! input = { name = "Ada" }
//! text = "Hello, Ada!"          # what is read; or structured = { … }, or error = "invalid"
//! allow = ["kv"]                # what it may do
//! config = { greeting = "Hi" }  # what the operator has set
//! fuel-max = 1_000_000          # what it may cost
//! ```

use std::path::Path;

use ax_manifest::Permission;
use fs_err as fs;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::plugin::{Content, Output, Report};

/// Bytes of a file of cases.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why a file of cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The operating system refuses.
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    /// It is too long.
    #[error("it has {bytes} bytes, at most {FILE_BYTES_MAX} are read")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// It is no TOML, or has members that are not known.
    #[error("{0}")]
    Syntax(String),
    /// A permission cannot be read.
    #[error("case {case}: {source}")]
    Permission {
        /// Which case, from 1.
        case: usize,
        /// Why.
        source: ax_manifest::PermissionError,
    },
    /// Nothing is expected, so nothing could fail.
    #[error("case {case} expects nothing; add text, structured or error")]
    Nothing {
        /// Which case, from 1.
        case: usize,
    },
}

/// A case, checked.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) tool: String,
    pub(super) input: Value,
    pub(super) allow: Vec<Permission>,
    pub(super) config: Map<String, Value>,
    text: Option<String>,
    structured: Option<Value>,
    error: Option<String>,
    fuel_max: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Written>,
}

/// A case as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: Option<String>,
    tool: String,
    input: Option<Value>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    config: Map<String, Value>,
    text: Option<String>,
    structured: Option<Value>,
    error: Option<String>,
    fuel_max: Option<u64>,
}

/// Reads a file of cases.
pub(super) fn read_cases(path: &Path) -> Result<Vec<Case>, CaseError> {
    let bytes = fs::metadata(path).map_err(CaseError::Read)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(CaseError::TooLong { bytes });
    }
    let text = fs::read_to_string(path).map_err(CaseError::Read)?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Case>, CaseError> {
    let file: File = toml::from_str(text).map_err(|error| CaseError::Syntax(error.to_string()))?;
    file.case.into_iter().zip(1..).map(|(written, case)| checked(written, case)).collect()
}

fn checked(written: Written, case: usize) -> Result<Case, CaseError> {
    let Written { name, tool, input, allow, config, text, structured, error, fuel_max } = written;
    if text.is_none() && structured.is_none() && error.is_none() {
        return Err(CaseError::Nothing { case });
    }
    let permission =
        |text: &String| text.parse().map_err(|source| CaseError::Permission { case, source });
    Ok(Case {
        name: name.unwrap_or_else(|| tool.clone()),
        tool,
        input: input.unwrap_or_else(|| json!({})),
        allow: allow.iter().map(permission).collect::<Result<_, _>>()?,
        config,
        text,
        structured,
        error,
        fuel_max,
    })
}

impl Case {
    /// Says what is not as expected, a line each.
    pub(super) fn compare(&self, report: &Report) -> Vec<String> {
        let mut failures = Vec::new();
        match (&report.result, &self.error) {
            (Ok(output), None) => self.compare_output(output, &mut failures),
            (Ok(_), Some(kind)) => {
                failures.push(format!("it should fail with `{kind}`, and did not"))
            }
            (Err(error), Some(kind)) if error.kind().word() == kind => {}
            (Err(error), Some(kind)) => failures.push(format!(
                "it should fail with `{kind}`, and failed with `{}`: {error}",
                error.kind().word()
            )),
            (Err(error), None) => {
                failures.push(format!("it failed with `{}`: {error}", error.kind().word()));
            }
        }
        if let Some(max) = self.fuel_max.filter(|max| report.usage.fuel > *max) {
            failures
                .push(format!("it used {} fuel, at most {max} was expected", report.usage.fuel));
        }
        failures
    }

    fn compare_output(&self, output: &Output, failures: &mut Vec<String>) {
        let (text, structured) = match output {
            Output::Value(value) => (value.as_str().map(str::to_owned), Some(value)),
            Output::Content { content, structured } => (Some(read(content)), structured.as_ref()),
        };
        if let Some(expected) = &self.text
            && text.as_ref() != Some(expected)
        {
            failures.push(format!("expected {expected:?}, got {}", shown(text.map(Value::from))));
        }
        if let Some(expected) = &self.structured
            && structured != Some(expected)
        {
            failures.push(format!("expected {expected}, got {}", shown(structured.cloned())));
        }
    }
}

/// Joins the pieces of text of an answer.
fn read(content: &[Content]) -> String {
    let pieces = content.iter().filter_map(|piece| match piece {
        Content::Text { text } => Some(text.as_str()),
        _ => None,
    });
    pieces.collect::<Vec<_>>().join("\n")
}

fn shown(value: Option<Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_called_by_its_name_or_its_tool() {
        let cases = parse(
            "[[case]]\ntool = \"a\"\ntext = \"x\"\n\
             [[case]]\nname = \"b\"\ntool = \"a\"\nerror = \"invalid\"\nallow = [\"kv\"]\n",
        )
        .unwrap();
        assert_eq!((cases[0].name.as_str(), cases[1].name.as_str()), ("a", "b"));
        assert_eq!(cases[1].allow, [Permission::Kv]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        assert!(refused("[[case]]\ntool = \"a\"\n").contains("case 1 expects nothing"));
        assert!(refused("[[case]]\ntool = \"a\"\ntext = \"\"\nalow = []\n").contains("alow"));
        assert!(
            refused("[[case]]\ntool = \"a\"\ntext = \"\"\nallow = [\"no\"]\n").contains("case 1: ")
        );
    }
}
