//! The bounds of a request (ROUTER §1 of the design): one table, checked before anything is sent.

use super::message::{Media, Message, PartKind, Role};
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
    /// Characters of each half of a media type (RFC 6838 §4.2).
    pub media_name_chars_max: usize,
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
    media_name_chars_max: 127,
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
            let is_image = !matches!(part.kind, PartKind::File(_));
            let mut media = part.kind.media();
            if let Some(why) = media.find_map(|media| self.media(&field, media, is_image)) {
                return Some(why);
            }
        }
        self.metadata(&format!("{field}.metadata"), &message.metadata)
    }

    /// Says what is wrong with a picture or a file. Its type stands in a URL, and so is no other text
    /// (RFC 6838 §4.2).
    fn media(&self, field: &str, media: &Media, is_image: bool) -> Option<String> {
        let is_name = |name: &str| {
            let is_of_names = |it: u8| it.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&it);
            (1..=self.media_name_chars_max).contains(&name.len()) && name.bytes().all(is_of_names)
        };
        let (kind, subtype) = media.media_type.split_once('/').unwrap_or_default();
        if !is_name(kind) || !is_name(subtype) {
            return Some(format!("`{field}.mediaType` is no media type, as `image/png` is one"));
        }
        if is_image && !kind.eq_ignore_ascii_case("image") {
            return Some(format!("`{field}.mediaType` is no picture's"));
        }
        let bytes = media.data.len();
        if !(1..=self.media_bytes_max).contains(&bytes) {
            return Some(outside(field, bytes, "bytes of base64", 1, self.media_bytes_max));
        }
        (!is_base64(media.data.as_bytes()))
            .then(|| format!("`{field}.data` is no base64 with padding"))
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

/// Answers whether bytes are base64 of the plain alphabet, with padding (RFC 4648 §4).
fn is_base64(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
    let is_digit = |it: &u8| it.is_ascii_alphanumeric() || b"+/".contains(it);
    text.len().is_multiple_of(4) && digits.iter().all(is_digit)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{RequestId, ToolResult};

    /// Says what is wrong with a request that holds a picture, a file, or a picture of a tool's.
    fn faults(media_type: &str, data: &str) -> [Option<String>; 3] {
        let media = || Media { media_type: media_type.to_owned(), data: data.to_owned() };
        let result = ToolResult {
            id: "a".to_owned(),
            name: "f".to_owned(),
            text: String::new(),
            images: vec![media()],
            is_error: false,
        };
        let fault = |role: Role, kind: PartKind| {
            let message = Message { parts: vec![kind.into()], ..Message::text(role, "") };
            LIMITS.violation(&Request::new(RequestId(uuid::Uuid::nil()), vec![message]))
        };
        [
            fault(Role::User, PartKind::Image(media())),
            fault(Role::User, PartKind::File(media())),
            fault(Role::Tool, PartKind::ToolResult(result)),
        ]
    }

    #[test]
    fn media_are_what_they_say() {
        for data in ["QQ==", "QUI=", "QUJD", "+/+/QQ=="] {
            assert_eq!(faults("image/svg+xml", data), [None, None, None], "{data}");
        }
        for data in ["", "Q", "QQ=", "QQ", "====", "=", "QQ==QQ==", "QU-_", "QUJD\n", "Q===", "ÄÄ"]
        {
            assert!(faults("image/png", data).iter().all(Option::is_some), "{data:?}");
        }
        let pdf = faults("application/pdf", "QUJD");
        assert!(pdf[0].is_some() && pdf[1].is_none() && pdf[2].is_some());
        for media_type in
            ["", "png", "image/", "/png", "image/png;base64,AAAA", "image/a b", "a/b/c"]
        {
            assert!(faults(media_type, "QUJD").iter().all(Option::is_some), "{media_type:?}");
        }
    }

    #[test]
    fn media_have_a_bound() {
        let long = |bytes: usize| faults("image/png", &"A".repeat(bytes));
        assert!(long(LIMITS.media_bytes_max).iter().all(Option::is_none));
        assert!(long(LIMITS.media_bytes_max + 4).iter().all(Option::is_some));
        let named =
            |chars: usize| faults(&format!("image/{}", "x".repeat(chars)), "QUJD")[0].is_none();
        assert!(named(127) && !named(128));
    }
}
