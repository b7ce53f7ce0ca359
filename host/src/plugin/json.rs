//! Reads JSON from outside within bounds on length and depth, and measures what goes out.

use std::io;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::limits;
use ax_manifest::ByteSize;

/// Why a text is not usable JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Longer than allowed.
    #[error("it has {found}, at most {max} are read", found = ByteSize(*.bytes), max = ByteSize(*.bytes_max))]
    TooLong {
        /// Its length.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// Nested deeper than allowed.
    #[error("it is nested more than {max} levels deep", max = limits::JSON_DEPTH)]
    TooDeep,
    /// Not JSON.
    #[error("line {line}, column {column}: {why}")]
    Syntax {
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
        /// What the parser says.
        why: String,
    },
}

impl JsonError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { .. } => Some(
                "quote it for the shell: ax tool call PLUGIN.TOOL '{\"name\": \"value\"}'"
                    .to_owned(),
            ),
            Self::TooLong { .. } | Self::TooDeep => None,
        }
    }
}

/// Parses one JSON document.
///
/// # Errors
///
/// [`JsonError`]; nothing is allocated for a text that is too long or too deep.
pub(super) fn parse(text: &str, bytes_max: u64) -> Result<Value, JsonError> {
    if text.len() as u64 > bytes_max {
        return Err(JsonError::TooLong { bytes: text.len() as u64, bytes_max });
    }
    if depth(text) > limits::JSON_DEPTH {
        return Err(JsonError::TooDeep);
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    // Its own bound is one level lower than ours, which was checked above.
    parser.disable_recursion_limit();
    let read = Value::deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    read.map_err(|error| {
        let whole = error.to_string();
        let why = whole.rsplit_once(" at line").map_or(whole.as_str(), |(why, _)| why).to_owned();
        JsonError::Syntax { line: error.line(), column: error.column(), why }
    })
}

/// Counts the deepest nesting of a text without parsing it; strings are skipped.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Returns the bytes that something takes as JSON, which is not written anywhere for that.
pub(super) fn bytes_of(value: &impl Serialize) -> u64 {
    let mut counter = Counter(0);
    // What it counts can always be written, and counting never fails.
    serde_json::to_writer(&mut counter, value).map_or(0, |()| counter.0)
}

struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn depth_ends_exactly_at_the_limit() {
        assert!(parse(&nested(limits::JSON_DEPTH), 1 << 20).is_ok());
        assert!(matches!(parse(&nested(limits::JSON_DEPTH + 1), 1 << 20), Err(JsonError::TooDeep)));
    }

    #[test]
    fn length_ends_exactly_at_the_limit() {
        assert!(parse("[1]", 3).is_ok());
        assert!(matches!(parse("[12]", 3), Err(JsonError::TooLong { bytes: 4, bytes_max: 3 })));
    }

    #[test]
    fn what_goes_out_is_as_long_as_it_is_measured() {
        for value in [serde_json::json!(7), serde_json::json!({"a": ["é\n", null, 1.5]})] {
            assert_eq!(bytes_of(&value), value.to_string().len() as u64);
        }
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        let text = format!("\"{}\\\"{}\"", "[".repeat(300), "{".repeat(300));
        assert!(parse(&text, 1 << 20).is_ok());
    }

    #[test]
    fn a_mistake_is_found_by_line_and_column() {
        let error = parse("{\n  \"a\": 1,,\n}", 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 10: key must be a string");
        assert!(parse("{} {}", 100).is_err());
        assert!(parse("", 100).is_err());
    }
}
