//! What kind of text an answer holds, by its media type or, without one, by its start.

/// Bytes that are looked at when there is no media type.
const SNIFF_BYTES: usize = 1_024;

/// What is done with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Converted.
    Html,
    /// Indented.
    Json,
    /// Shown as it is.
    Text,
    /// Refused.
    Other,
}

/// A media type (RFC 9110, section 8.3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaType {
    /// As `text/html`, in lower case; empty when it is not known.
    pub essence: String,
    /// The parameter `charset`.
    pub charset: Option<String>,
}

impl MediaType {
    /// Reads the value of `content-type`.
    pub fn parse(value: &str) -> Self {
        let mut parts = value.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/".contains(&byte);
        if essence.len() > 127 || !essence.contains('/') || !essence.bytes().all(is_part) {
            return Self::default();
        }
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty())
                .then(|| value.to_owned())
        });
        Self { essence, charset }
    }

    /// Guesses it from the body, when the answer does not say.
    pub fn sniff(body: &[u8]) -> Self {
        let start = &body[..body.len().min(SNIFF_BYTES)];
        let text = String::from_utf8_lossy(start).trim_start().to_ascii_lowercase();
        let essence = if start.contains(&0) {
            "application/octet-stream"
        } else if ["<!doctype html", "<html", "<head", "<body"]
            .iter()
            .any(|tag| text.starts_with(tag))
        {
            "text/html"
        } else {
            "text/plain"
        };
        Self { essence: essence.to_owned(), charset: None }
    }

    /// Answers what is done with it.
    pub fn body(&self) -> Body {
        match self.essence.as_str() {
            "text/html" | "application/xhtml+xml" => Body::Html,
            "application/json" | "text/json" => Body::Json,
            "application/xml"
            | "application/javascript"
            | "application/ecmascript"
            | "application/yaml"
            | "application/x-yaml"
            | "application/toml"
            | "application/x-ndjson"
            | "application/jsonl"
            | "application/sql"
            | "application/graphql"
            | "application/x-sh" => Body::Text,
            other if other.ends_with("+json") => Body::Json,
            other if other.starts_with("text/") => Body::Text,
            // Pictures are made of this too, but they are text.
            other if other.ends_with("+xml") || other.ends_with("+yaml") => Body::Text,
            _ => Body::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Body;
    use super::MediaType;

    #[test]
    fn types_are_read_with_their_charset() {
        let media = MediaType::parse("Text/HTML; a=b; Charset=\"ISO-8859-1\"");
        assert_eq!(
            (media.essence.as_str(), media.charset.as_deref()),
            ("text/html", Some("ISO-8859-1"))
        );
        assert_eq!(MediaType::parse("text"), MediaType::default());
        assert_eq!(MediaType::parse("text/html\u{1b}[0m"), MediaType::default());
    }

    #[test]
    fn only_text_is_taken() {
        let body = |essence: &str| MediaType::parse(essence).body();
        assert_eq!(body("text/html"), Body::Html);
        assert_eq!(body("application/ld+json"), Body::Json);
        assert_eq!(body("application/atom+xml"), Body::Text);
        assert_eq!(body("text/csv"), Body::Text);
        for other in ["image/png", "application/pdf", "application/octet-stream", "video/mp4", ""] {
            assert_eq!(body(other), Body::Other, "{other}");
        }
    }

    #[test]
    fn without_a_type_the_body_tells() {
        assert_eq!(MediaType::sniff(b" \n<!DOCTYPE html><p>").essence, "text/html");
        assert_eq!(MediaType::sniff(b"hello").essence, "text/plain");
        assert_eq!(MediaType::sniff(b"PK\0").essence, "application/octet-stream");
    }
}
