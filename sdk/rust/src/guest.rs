//! Between the types of this crate and those that `wit-bindgen` wrote. Only in the sandbox.

use std::sync::Once;

use crate::bindings::agent::exports::ax::guest::agent::Description;
use crate::bindings::ax::types::types as wit;
use crate::call::Call;
use crate::{Agent, Content, Error, ErrorKind, Link, Media, Output, Result, Tool};

/// Says what tools there are.
pub fn described(tools: &[Tool]) -> Vec<wit::Tool> {
    let shown = |tool: &Tool| wit::Tool {
        name: tool.name.clone(),
        title: tool.title.clone(),
        description: tool.description.clone(),
        input_schema: tool.input_schema.to_string(),
        output_schema: tool.output_schema.as_ref().map(ToString::to_string),
        annotations: wit::Annotations {
            read_only: tool.annotations.read_only,
            destructive: tool.annotations.destructive,
            idempotent: tool.annotations.idempotent,
            open_world: tool.annotations.open_world,
            extra: None,
        },
        extra: None,
    };
    tools.iter().map(shown).collect()
}

/// Calls one tool.
///
/// # Errors
///
/// What the tool says.
pub fn answered(calls: &[Call], name: &str, input: &str) -> Result<wit::Output, wit::Error> {
    name_panics();
    crate::call::call(calls, name, input).map(output).map_err(told)
}

/// Makes a panic say its place and its message. The standard library would add how to run the program
/// for more, which nobody can do here: the host adds the backtrace.
fn name_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))));
}

/// Says how a migration ended.
///
/// # Errors
///
/// What it says.
pub fn migrated(result: Result<()>) -> Result<(), wit::Error> {
    result.map_err(told)
}

/// Says what agents there are.
pub fn described_agents(agents: &[Agent]) -> Vec<Description> {
    let shown = |agent: &Agent| Description {
        name: agent.name.clone(),
        summary: agent.summary.clone(),
        input_schema: agent.input_schema.to_string(),
        output_schema: agent.output_schema.as_ref().map(ToString::to_string),
        extra: None,
    };
    agents.iter().map(shown).collect()
}

/// Runs one agent.
///
/// # Errors
///
/// What the agent says.
pub fn ran(agents: &[Agent], name: &str, goal: &str, input: &str) -> Result<String, wit::Error> {
    name_panics();
    crate::agent::run(agents, name, goal, input).map(|value| value.to_string()).map_err(told)
}

/// Reads what another plugin's tool answered.
pub(crate) fn heard(output: wit::Output) -> Output {
    let media = |it: wit::Media| Media { media_type: it.media_type, data: it.data };
    let piece = |content| match content {
        wit::Content::Text(text) => Some(Content::Text(text)),
        wit::Content::Image(image) => Some(Content::Image(media(image))),
        wit::Content::Audio(audio) => Some(Content::Audio(media(audio))),
        wit::Content::File(file) => Some(Content::File(media(file))),
        wit::Content::Link(wit::Link { uri, name, media_type, description, .. }) => {
            Some(Content::Link(Link { uri, name, media_type, description }))
        }
        wit::Content::Other(_) => None,
    };
    Output {
        content: output.content.into_iter().filter_map(piece).collect(),
        structured: output.structured.and_then(|text| serde_json::from_str(&text).ok()),
    }
}

/// Reads what the host says.
pub(crate) fn error(error: wit::Error) -> Error {
    let kind = match error.kind {
        wit::ErrorKind::Invalid => ErrorKind::Invalid,
        wit::ErrorKind::Denied => ErrorKind::Denied,
        wit::ErrorKind::Exhausted => ErrorKind::Exhausted,
        wit::ErrorKind::NotFound => ErrorKind::NotFound,
        wit::ErrorKind::Conflict => ErrorKind::Conflict,
        wit::ErrorKind::Unavailable => ErrorKind::Unavailable,
        wit::ErrorKind::Failed => ErrorKind::Failed,
        wit::ErrorKind::InDoubt => ErrorKind::InDoubt,
        wit::ErrorKind::Cancelled => ErrorKind::Cancelled,
        wit::ErrorKind::Other => ErrorKind::Other,
    };
    Error {
        kind,
        message: error.message,
        code: error.code,
        data: error.data.and_then(|data| serde_json::from_str(&data).ok()),
        retry_after_ms: error.retry_after_ms,
    }
}

fn told(error: Error) -> wit::Error {
    let kind = match error.kind {
        ErrorKind::Invalid => wit::ErrorKind::Invalid,
        ErrorKind::Denied => wit::ErrorKind::Denied,
        ErrorKind::Exhausted => wit::ErrorKind::Exhausted,
        ErrorKind::NotFound => wit::ErrorKind::NotFound,
        ErrorKind::Conflict => wit::ErrorKind::Conflict,
        ErrorKind::Unavailable => wit::ErrorKind::Unavailable,
        ErrorKind::Failed => wit::ErrorKind::Failed,
        ErrorKind::InDoubt => wit::ErrorKind::InDoubt,
        ErrorKind::Cancelled => wit::ErrorKind::Cancelled,
        ErrorKind::Other => wit::ErrorKind::Other,
    };
    wit::Error {
        kind,
        message: error.message,
        code: error.code,
        retry_after_ms: error.retry_after_ms,
        data: error.data.map(|data| data.to_string()),
    }
}

fn output(output: Output) -> wit::Output {
    wit::Output {
        content: output.content.into_iter().map(content).collect(),
        structured: output.structured.map(|value| value.to_string()),
        extra: None,
    }
}

fn content(content: Content) -> wit::Content {
    match content {
        Content::Text(text) => wit::Content::Text(text),
        Content::Image(image) => wit::Content::Image(media(image)),
        Content::Audio(audio) => wit::Content::Audio(media(audio)),
        Content::File(file) => wit::Content::File(media(file)),
        Content::Link(Link { uri, name, media_type, description }) => {
            wit::Content::Link(wit::Link { uri, name, media_type, description, extra: None })
        }
    }
}

fn media(media: Media) -> wit::Media {
    wit::Media { media_type: media.media_type, data: media.data, extra: None }
}
