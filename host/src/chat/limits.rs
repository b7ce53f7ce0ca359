//! The bounds of a request (ROUTER §1 of the design): one table, checked before anything is sent.

use super::message::{Message, PartKind, Role};
use super::request::{Request, ToolChoice};

/// The bounds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Characters of a model's name.
    pub model_chars_max: usize,
    /// Messages of a conversation.
    pub messages_max: usize,
    /// Characters of one message.
    pub message_chars_max: usize,
    /// Tokens that may be written.
    pub max_tokens_max: u32,
    /// The highest temperature.
    pub temperature_max: f64,
    /// Stop sequences.
    pub stop_max: usize,
    /// Characters of a stop sequence.
    pub stop_chars_max: usize,
    /// Tools of one request.
    pub tools_max: usize,
    /// Characters of a tool's name.
    pub tool_name_chars_max: usize,
    /// Bytes of one picture or file in base64: what the providers take in one request.
    pub media_bytes_max: usize,
    /// Rows of metadata, of a message or of the request.
    pub metadata_max: usize,
    /// Characters of a key or a value of it.
    pub metadata_chars_max: usize,
}

/// The bounds in force.
pub const LIMITS: Limits = Limits {
    model_chars_max: 100,
    messages_max: 1_000,
    message_chars_max: 1_000_000,
    max_tokens_max: 200_000,
    temperature_max: 2.0,
    stop_max: 10,
    stop_chars_max: 500,
    tools_max: 512,
    tool_name_chars_max: 64,
    media_bytes_max: 20 << 20,
    metadata_max: 50,
    metadata_chars_max: 1_000,
};

impl Limits {
    /// Says what is wrong with a request, by its field.
    #[must_use]
    pub fn violation(&self, request: &Request) -> Option<String> {
        let model = request.model.as_ref().map(|model| model.chars().count());
        if let Some(chars) = model.filter(|chars| !(1..=self.model_chars_max).contains(chars)) {
            return Some(outside("model", chars, "characters", 1, self.model_chars_max));
        }
        let count = request.messages.len();
        if !(1..=self.messages_max).contains(&count) {
            return Some(outside("messages", count, "messages", 1, self.messages_max));
        }
        let mut messages = request.messages.iter().enumerate();
        messages
            .find_map(|(at, message)| self.message(at, message))
            .or_else(|| self.numbers(request))
            .or_else(|| self.stops(request))
            .or_else(|| self.tools(request))
            .or_else(|| self.metadata("metadata", &request.metadata))
    }

    fn message(&self, at: usize, message: &Message) -> Option<String> {
        let field = format!("messages[{at}]");
        let chars = message.chars();
        if chars > self.message_chars_max {
            return Some(outside(&field, chars, "characters", 1, self.message_chars_max));
        }
        let has_more = message
            .parts
            .iter()
            .any(|part| !matches!(part.kind, PartKind::Text(_) | PartKind::Reasoning(_)));
        if chars == 0 && !has_more {
            return Some(format!("`{field}` is empty"));
        }
        let is_odd = |kind: &PartKind| match kind {
            PartKind::Text(_) => false,
            PartKind::Image(_) | PartKind::File(_) => message.role != Role::User,
            PartKind::ToolCall(_) | PartKind::Reasoning(_) => message.role != Role::Assistant,
            PartKind::ToolResult(_) => message.role != Role::Tool,
        };
        for (number, part) in message.parts.iter().enumerate() {
            let field = format!("{field}.parts[{number}]");
            if is_odd(&part.kind) || (message.role == Role::Tool && !part.kind.is_result()) {
                return Some(format!("`{field}` is no part of a message of its role"));
            }
            if let Some(media) = part.kind.media().find(|it| it.data.len() > self.media_bytes_max) {
                let bytes = media.data.len();
                return Some(outside(&field, bytes, "bytes of base64", 1, self.media_bytes_max));
            }
        }
        self.metadata(&format!("{field}.metadata"), &message.metadata)
    }

    fn numbers(&self, request: &Request) -> Option<String> {
        let tokens = request.max_tokens.filter(|it| !(1..=self.max_tokens_max).contains(it));
        let temperature = request.temperature;
        let temperature = temperature.filter(|it| !(0.0..=self.temperature_max).contains(it));
        let top_p = request.top_p.filter(|it| !(0.0..=1.0).contains(it));
        if let Some(tokens) = tokens {
            return Some(outside("maxTokens", tokens, "tokens", 1, self.max_tokens_max));
        }
        if let Some(temperature) = temperature {
            let most = self.temperature_max;
            return Some(format!("`temperature` is {temperature}, and 0 to {most} are allowed"));
        }
        top_p.map(|top_p| format!("`topP` is {top_p}, and 0 to 1 are allowed"))
    }

    fn stops(&self, request: &Request) -> Option<String> {
        let count = request.stop.len();
        if count > self.stop_max {
            return Some(outside("stop", count, "texts", 0, self.stop_max));
        }
        let mut sizes = request.stop.iter().map(|text| text.chars().count()).enumerate();
        let (at, chars) = sizes.find(|(_, it)| !(1..=self.stop_chars_max).contains(it))?;
        Some(outside(&format!("stop[{at}]"), chars, "characters", 1, self.stop_chars_max))
    }

    fn tools(&self, request: &Request) -> Option<String> {
        let count = request.tools.len();
        if count > self.tools_max {
            return Some(outside("tools", count, "tools", 0, self.tools_max));
        }
        let is_name = |name: &str| {
            let is_of_names = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
            (1..=self.tool_name_chars_max).contains(&name.len()) && name.bytes().all(is_of_names)
        };
        let mut seen = std::collections::BTreeSet::new();
        for (at, tool) in request.tools.iter().enumerate() {
            let field = format!("tools[{at}].name");
            if !is_name(&tool.name) {
                return Some(format!(
                    "`{field}` is no name of 1 to {} letters, digits, `_` and `-`",
                    self.tool_name_chars_max
                ));
            }
            if !seen.insert(&tool.name) {
                return Some(format!("`{field}` is the name of another tool, too"));
            }
            if !tool.input_schema.is_object() {
                return Some(format!("`tools[{at}].inputSchema` is no object"));
            }
        }
        match &request.tool_choice {
            ToolChoice::Named(name) if !seen.contains(name) => {
                Some("`toolChoice` names a tool that is not there".to_owned())
            }
            ToolChoice::Required if seen.is_empty() => {
                Some("`toolChoice` requires a tool, and there is none".to_owned())
            }
            _ => None,
        }
    }

    fn metadata(
        &self,
        field: &str,
        rows: &std::collections::BTreeMap<String, String>,
    ) -> Option<String> {
        if rows.len() > self.metadata_max {
            return Some(outside(field, rows.len(), "rows", 0, self.metadata_max));
        }
        let mut sizes =
            rows.iter().flat_map(|(key, value)| [key, value]).map(|it| it.chars().count());
        let chars = sizes.find(|it| *it > self.metadata_chars_max)?;
        Some(outside(field, chars, "characters in one text", 0, self.metadata_chars_max))
    }
}

fn outside(
    field: &str,
    found: impl std::fmt::Display,
    unit: &str,
    least: u32,
    most: impl std::fmt::Display,
) -> String {
    format!("`{field}` has {found} {unit}, and {least} to {most} are allowed")
}
