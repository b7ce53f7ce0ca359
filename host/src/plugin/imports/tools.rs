//! `ax:tools/tools`: tools of other plugins, each call a question to the task of the agent.
//!
//! Permission `tools:<plugin>.<tool>`, for each call, with the name of the tool. Bounds:
//! [`BATCH`], [`TOOLS_LISTED`], and those of a tool's input. Not here: which tools there are
//! and how they run (`runtime`).

use ax_manifest::{Capability, Permission, ToolId};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json as object;

use super::super::agent::{Answer, Answered, Import, Offered, Wanted};
use super::super::exports::{Content, Media};
use super::super::gate::Needs;
use super::super::guest::Guest;
use super::super::json;
use super::super::limits;
use super::bindings::ax::tools::tools;
use super::bindings::ax::types::types as wit;
use super::failure;

/// Calls of tools that an agent makes side by side: more than a task may make, unless somebody says so.
const BATCH: usize = 64;
/// Tools that an agent is told of, as `ax:tools` promises.
const TOOLS_LISTED: usize = 1_000;

type Outcome = Result<wit::Output, wit::Error>;

impl tools::Host for Guest {
    async fn available(&mut self) -> wasmtime::Result<Vec<wit::Tool>> {
        self.gate.called("available", "");
        self.gate.pass(Capability::AxTools, Needs::Nothing, 0)?;
        if self.seat.is_none() {
            return Ok(Vec::new());
        }
        let mut answers =
            self.ask_companion(vec![Wanted::new(Import::ToolsAvailable, "{}")]).await?;
        let Some(Ok(text)) = answers.pop() else { return Ok(Vec::new()) };
        self.gate.pass(Capability::AxTools, Needs::Nothing, text.len() as u64)?;
        let offered: Vec<Offered> = serde_json::from_str(&text).unwrap_or_default();
        Ok(offered.into_iter().take(TOOLS_LISTED).map(tool).collect())
    }

    async fn call(&mut self, invocation: tools::Invocation) -> wasmtime::Result<Outcome> {
        self.gate.called("call", &invocation.name);
        let mut outcomes = self.call_together(vec![invocation]).await?;
        outcomes.pop().ok_or_else(|| wasmtime::Error::msg("one call has one answer"))
    }

    async fn call_all(
        &mut self,
        invocations: Vec<tools::Invocation>,
    ) -> wasmtime::Result<Vec<Outcome>> {
        self.gate.called("call-all", invocations.first().map_or("", |first| &first.name));
        self.call_together(invocations).await
    }
}

impl Guest {
    async fn call_together(
        &mut self,
        invocations: Vec<tools::Invocation>,
    ) -> wasmtime::Result<Vec<Outcome>> {
        if self.seat.is_none() {
            self.gate.pass(Capability::AxTools, Needs::Nothing, 0)?;
            return Ok(invocations.iter().map(|_| Err(failure::no_task())).collect());
        }
        let mut asked = Vec::new();
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        for (index, invocation) in invocations.into_iter().enumerate() {
            // Not even looked at: looking costs, and nothing of the guest is charged meanwhile.
            let read = match index < BATCH {
                true => self.call_of(&invocation)?,
                false => Err(failure::too_many(BATCH, "calls")),
            };
            match read {
                Ok(wanted) => {
                    asked.push(wanted);
                    outcomes.push(None);
                }
                Err(error) => outcomes.push(Some(Err(error))),
            }
        }
        let mut answers = match asked.is_empty() {
            true => Vec::new(),
            false => self.ask_companion(asked).await?,
        }
        .into_iter();
        let mut all = Vec::new();
        for outcome in outcomes {
            all.push(match (outcome, &mut answers) {
                (Some(outcome), _) => outcome,
                (None, answers) => self.outcome(answers.next())?,
            });
        }
        Ok(all)
    }

    /// Reads what is asked of a tool, and checks whether it may be.
    fn call_of(
        &mut self,
        invocation: &tools::Invocation,
    ) -> wasmtime::Result<Result<Wanted, wit::Error>> {
        let tools::Invocation { name, input, extra: _ } = invocation;
        let bytes = (name.len() + input.len()) as u64;
        let Some(wanted) = permission_of(name) else {
            self.gate.pass(Capability::AxTools, Needs::Nothing, bytes)?;
            let why = "it is no name of a tool; one is like `ax:fetch.get`";
            return Ok(Err(failure::of(wit::ErrorKind::Invalid, "name", why)));
        };
        let refused = self.rule_on(Capability::AxTools, &wanted, bytes)?;
        Ok(match json::parse(input, limits::INPUT_BYTES) {
            Ok(input) => {
                let arguments = object!({ "name": name, "input": input });
                Ok(Wanted { refused, ..Wanted::new(Import::ToolsCall, arguments) })
            }
            Err(error) => {
                let why = format!("the input is no JSON: {error}");
                Err(failure::of(wit::ErrorKind::Invalid, "input", &why))
            }
        })
    }

    fn outcome(&mut self, answer: Option<Answer>) -> wasmtime::Result<Outcome> {
        let text = match answer {
            Some(Ok(text)) => text,
            Some(Err(error)) => return Ok(Err(failure::recorded(error))),
            None => return Ok(Err(failure::garbled())),
        };
        self.gate.pass(Capability::AxTools, Needs::Nothing, text.len() as u64)?;
        let Ok(Answered { content, structured }) = serde_json::from_str(&text) else {
            return Ok(Err(failure::garbled()));
        };
        Ok(Ok(wit::Output {
            content: content.into_iter().map(piece).collect(),
            structured: structured.map(|value| value.to_string()),
            extra: None,
        }))
    }
}

/// Returns the permission for a tool; none if that is no name of one.
fn permission_of(name: &str) -> Option<Permission> {
    // A pattern is what a policy can name, and nobody can call.
    let _: ToolId = name.parse().ok()?;
    format!("tools:{name}").parse().ok()
}

fn tool(offered: Offered) -> wit::Tool {
    wit::Tool {
        name: offered.name,
        title: offered.title,
        description: offered.description,
        input_schema: offered.input_schema.to_string(),
        output_schema: offered.output_schema.map(|schema| schema.to_string()),
        annotations: wit::Annotations {
            read_only: offered.read_only,
            destructive: offered.destructive,
            idempotent: offered.idempotent,
            open_world: offered.open_world,
            extra: None,
        },
        extra: None,
    }
}

fn piece(content: Content) -> wit::Content {
    match content {
        Content::Text { text } => wit::Content::Text(text),
        Content::Image(it) => wit::Content::Image(media(it)),
        Content::Audio(it) => wit::Content::Audio(media(it)),
        Content::File(it) => wit::Content::File(media(it)),
        Content::Link { uri, name, media_type, description } => {
            wit::Content::Link(wit::Link { uri, name, media_type, description, extra: None })
        }
        Content::Other { value } => wit::Content::Other(value.to_string()),
    }
}

/// What was recorded is base64; what is none is empty.
fn media(media: Media) -> wit::Media {
    let data = BASE64_STANDARD.decode(&media.data).unwrap_or_default();
    wit::Media { media_type: media.media_type, data, extra: None }
}
