//! Reads JSON texts of a request into memory that is bounded beforehand.
//!
//! `[[[[…` takes a hundred times its length once it is read, so the length alone bounds nothing.
//! Invariant: no document is read whose values may take more than [`TREE_BYTES_MAX`].

use serde_json::Value;

use crate::place::TEXT_BYTES_MAX;
use crate::refusal::Refusal;
use crate::refusal::check_length;

/// Most bytes that the values of one document may take, by the estimate below: a call has 64 MiB,
/// and its texts take part of them.
pub const TREE_BYTES_MAX: usize = 40 << 20;
/// Bytes for a list: a first allocation of four values.
const LIST_BYTES: usize = 208;
/// Bytes for an object: a first allocation of four members with a key, and an index.
const OBJECT_BYTES: usize = 336;
/// Bytes for each further member: a value, a key, and the same again while the list grows.
const MEMBER_BYTES: usize = 128;

/// Reads a JSON document. Nested at most 128 deep, as every JSON of `ax`.
///
/// # Errors
///
/// [`Refusal::Json`], [`Refusal::TooLong`], [`Refusal::TooLarge`].
pub fn read(member: &'static str, text: &str) -> Result<Value, Refusal> {
    check_length(member, text, TEXT_BYTES_MAX)?;
    if weight(text) > TREE_BYTES_MAX {
        return Err(Refusal::TooLarge { member, max: TREE_BYTES_MAX });
    }
    serde_json::from_str(text).map_err(|cause| {
        let why = if cause.is_eof() { "JSON that ends too early" } else { "no JSON" };
        Refusal::Json {
            member,
            why: format!("{why} at line {}, column {}", cause.line(), cause.column()),
        }
    })
}

/// Estimates the memory for the values of a JSON text from its punctuation.
fn weight(text: &str) -> usize {
    let (mut weight, mut quoted, mut escaped) = (text.len(), false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' if !quoted => weight += LIST_BYTES,
            b'{' if !quoted => weight += OBJECT_BYTES,
            b',' if !quoted => weight += MEMBER_BYTES,
            _ => {}
        }
    }
    weight
}

/// Says what a value is, for people.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_within_strings_weighs_nothing() {
        assert_eq!(weight(r#""[{,\"[""#), 8);
        assert_eq!(weight("[1,{}]"), 6 + LIST_BYTES + MEMBER_BYTES + OBJECT_BYTES);
    }

    #[test]
    fn a_document_that_would_grow_too_large_is_refused_before_it_is_read() {
        let max = (TREE_BYTES_MAX - LIST_BYTES - 3) / (MEMBER_BYTES + 2);
        let full = format!("[0{}]", ",0".repeat(max));
        assert!(read("document", &full).is_ok());
        let over = format!("[0{}]", ",0".repeat(max + 1));
        assert!(matches!(read("document", &over), Err(Refusal::TooLarge { .. })));
    }

    #[test]
    fn nesting_ends_at_127_levels_without_a_panic() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read("data", &nested(127)).is_ok());
        let refused = read("data", &nested(128)).unwrap_err();
        assert_eq!(refused.to_string(), "`data` is no JSON at line 1, column 128");
    }
}
