//! What a tool answered, as a client reads it.
//!
//! A failure of a tool is a result with `isError`, which the model reads and can act on; an error of the
//! protocol is shown to nobody by most clients.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject, Resource, ResourceContents};
use serde_json::{Value, json};

use super::installed::Explained;
use super::offer::{WRAPPED, is_of_objects};
use super::tasks::OPEN_MAX;
use crate::plugin::{Content, Media, Output};

/// Where what has no address is said to be, by its place in the answer.
const ADDRESS: &str = "ax:answer/";

/// The member of `_meta` that says what kind of failure it is.
const META: &str = "dev.automatosx/error";

/// Bytes of an answer as it is sent, as of what is read. Clients are known that drop what is longer than
/// 16 MiB without a word, and then wait; a plugin may be allowed answers of 64 MiB.
const SENT_BYTES_MAX: usize = 8 << 20;

/// Writes what a tool answered, or that it is too much to be sent.
pub(super) fn answered(output: Output, schema: Option<&Value>) -> CallToolResult {
    sendable(written(output, schema))
}

fn sendable(result: CallToolResult) -> CallToolResult {
    let mut counted = Counted(0);
    // What does not serialise is not sent either, and counting never fails.
    match serde_json::to_writer(&mut counted, &result) {
        Ok(()) if counted.0 > SENT_BYTES_MAX => refused(&Explained {
            code: "AX-T003".to_owned(),
            message: format!(
                "the answer is {} bytes as it would be sent, at most {SENT_BYTES_MAX} are",
                counted.0
            ),
            hint: None,
            kind: "exhausted",
        }),
        _ => result,
    }
}

/// Counts what is written.
struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn written(output: Output, schema: Option<&Value>) -> CallToolResult {
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

/// Says that a client has begun more than it may.
pub(super) fn too_many_tasks() -> CallToolResult {
    let text = format!("{OPEN_MAX} tasks of this client are not over; wait for one, or cancel one");
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.meta = Some(meta("AX-T003", "exhausted"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_be_as_long_as_is_sent_and_not_a_byte_longer() {
        let of = |bytes: usize| answered(Output::Value(Value::String("x".repeat(bytes))), None);
        let around = serde_json::to_string(&of(0)).unwrap().len();
        let most = of(SENT_BYTES_MAX - around);
        assert_eq!(serde_json::to_string(&most).unwrap().len(), SENT_BYTES_MAX);
        assert_ne!(most.is_error, Some(true));
        let more = serde_json::to_value(of(SENT_BYTES_MAX - around + 1)).unwrap();
        assert_eq!(more["isError"], true);
        let text = "the answer is 8388609 bytes as it would be sent, at most 8388608 are [AX-T003]";
        assert_eq!(more["content"][0]["text"], text);
        assert_eq!(more["_meta"][META], json!({ "code": "AX-T003", "kind": "exhausted" }));
    }

    #[test]
    fn an_answer_that_is_told_twice_counts_twice() {
        let half = Value::String("x".repeat(SENT_BYTES_MAX / 2));
        assert_ne!(answered(Output::Value(half.clone()), None).is_error, Some(true));
        let schema = json!({ "type": "string" });
        assert_eq!(answered(Output::Value(half), Some(&schema)).is_error, Some(true));
    }
}
