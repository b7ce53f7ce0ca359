//! What a tool answered, as a client reads it.
//!
//! A failure of a tool is a result with `isError`, which the model reads and can act on; an error of the
//! protocol is shown to nobody by most clients.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject, Resource, ResourceContents};
use serde_json::{Value, json};

use super::installed::Explained;
use super::offer::{WRAPPED, is_of_objects};
use crate::plugin::{Content, Media, Output};

/// Where what has no address is said to be, by its place in the answer.
const ADDRESS: &str = "ax:answer/";

/// The member of `_meta` that says what kind of failure it is.
const META: &str = "dev.automatosx/error";

/// Writes what a tool answered.
pub(super) fn answered(output: Output, schema: Option<&Value>) -> CallToolResult {
    match output {
        Output::Value(value) => {
            let text = match &value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let structured = match schema {
                Some(schema) if is_of_objects(schema) => Some(value),
                Some(_) => Some(json!({ WRAPPED: value })),
                None => None,
            };
            result(vec![ContentBlock::text(text)], structured)
        }
        Output::Content { content, structured } => {
            let mut blocks: Vec<_> = content.into_iter().zip(1..).map(block).collect();
            // Clients that know no structured answers read the text.
            if let (true, Some(structured)) = (blocks.is_empty(), &structured) {
                blocks.push(ContentBlock::text(structured.to_string()));
            }
            result(blocks, structured)
        }
    }
}

fn result(content: Vec<ContentBlock>, structured: Option<Value>) -> CallToolResult {
    let mut result = CallToolResult::success(content);
    result.structured_content = structured;
    result
}

fn block((content, number): (Content, u32)) -> ContentBlock {
    match content {
        Content::Text { text } => ContentBlock::text(text),
        Content::Image(Media { media_type, data }) => ContentBlock::image(data, media_type),
        Content::Audio(Media { media_type, data }) => ContentBlock::audio(data, media_type),
        Content::File(Media { media_type, data }) => {
            let address = format!("{ADDRESS}{number}");
            let held = ResourceContents::blob(data, address).with_mime_type(media_type);
            ContentBlock::resource(held)
        }
        Content::Link { uri, name, media_type, description } => {
            let mut link = Resource::new(uri, name);
            link.mime_type = media_type;
            link.description = description;
            ContentBlock::resource_link(link)
        }
        Content::Other { value } => ContentBlock::text(value.to_string()),
    }
}

/// Writes all that is wrong with the arguments of a call, so that a model mends it in one go.
pub(super) fn misfit(wrong: &[String]) -> CallToolResult {
    let lines: Vec<String> = wrong.iter().map(|wrong| format!("- {wrong}")).collect();
    let text = format!("the arguments do not fit the tool's schema:\n{}", lines.join("\n"));
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.meta = Some(meta("AX-T002", "invalid"));
    result
}

fn meta(code: &str, kind: &str) -> MetaObject {
    let mut meta = MetaObject::default();
    meta.insert(META.to_owned(), json!({ "code": code, "kind": kind }));
    meta
}

/// Writes why a tool did not answer, and what a person could type.
pub(super) fn refused(explained: &Explained) -> CallToolResult {
    let Explained { code, message, hint, kind } = explained;
    let mut text = format!("{message} [{code}]");
    if let Some(hint) = hint {
        text.push_str(&format!("\nA person at the terminal can act on it: {hint}"));
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.meta = Some(meta(code, kind));
    result
}
