//! What goes into a conversation: results of tools and answers, each such that it can be sent again.
//!
//! Invariant: what is kept passes the bounds of the next request, or the turn ends and says so.
//! Not here: when it is kept (`talk`, `conversation`).

use super::TalkError;
use crate::chat::{LIMITS, Media, Message, PartKind, ToolCall, ToolResult};
use crate::plugin::{Content, Output};

/// Writes why a call brought nothing.
pub(super) fn refused(call: &ToolCall, why: String) -> ToolResult {
    let (id, name) = (call.id.clone(), call.name.clone());
    ToolResult { id, name, text: why, images: Vec::new(), is_error: true }
}

/// Writes what a tool answered as a model reads it.
pub(super) fn told(call: &ToolCall, output: Output, room: usize) -> ToolResult {
    let (mut text, mut images) = (String::new(), Vec::new());
    match output {
        Output::Value(serde_json::Value::String(value)) => text = value,
        Output::Value(value) => text = value.to_string(),
        Output::Content { content, structured } => {
            for piece in content {
                match piece {
                    Content::Text { text: more } => text.push_str(&more),
                    Content::Image(media) => {
                        images.push(Media { media_type: media.media_type, data: media.data })
                    }
                    other => text.push_str(&serde_json::json!(other).to_string()),
                }
            }
            if let (true, Some(structured)) = (text.is_empty(), structured) {
                text = structured.to_string();
            }
        }
    }
    let text = cut(text, room);
    ToolResult { id: call.id.clone(), name: call.name.clone(), text, images, is_error: false }
}

/// Cuts a text to so many characters, and says so in it.
pub(super) fn cut(mut text: String, chars_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        let more = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("\n[{more} more bytes were left out]"));
    }
    text
}

/// Makes an answer one that can be sent back with the next question; nothing of one that says nothing.
pub(super) fn fitting(mut message: Message) -> Result<Option<Message>, TalkError> {
    let said = |message: &Message| message.chars();
    if said(&message) == 0
        && !message.parts.iter().any(|it| matches!(it.kind, PartKind::ToolCall(_)))
    {
        return Ok(None);
    }
    // With room for what a cut says.
    let most = LIMITS.message_chars_max - 100;
    while said(&message) > LIMITS.message_chars_max {
        let excess = said(&message) - most;
        let longest = message.parts.iter_mut().filter_map(|part| match &mut part.kind {
            PartKind::Text(text) => Some(text),
            _ => None,
        });
        let Some(text) = longest.max_by_key(|text| text.len()).filter(|text| text.len() > 100)
        else {
            return Err(TalkError::TooLong);
        };
        let chars = text.chars().count();
        *text = cut(std::mem::take(text), chars.saturating_sub(excess));
    }
    Ok(Some(message))
}
