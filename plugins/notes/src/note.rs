//! A note: what it may hold and how it is kept.
//!
//! Invariant: what [`Note::encode`] writes, [`Note::decode`] reads, and a reader ignores members that
//! it does not know.
//! Not here: where notes are kept (`layout`), their tags (`tag`), their words (`block`).

use ax_sdk::data;
use serde::Deserialize;
use serde::Serialize;

use crate::error::NotesError;
use crate::error::damaged;
use crate::error::invalid;
use crate::tag;

/// Bytes of a title: one line.
pub const TITLE_BYTES_MAX: usize = 256;
/// Bytes of a body: some ten pages. With eight notes of this size, a block of the index still fits a
/// value of the store, whatever their words.
pub const BODY_BYTES_MAX: usize = 32 << 10;

/// A note, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// 1 when added, one more with each update.
    pub version: u64,
    /// One line.
    pub title: String,
    /// The text.
    pub body: String,
    /// Sorted, in lower case, each once.
    pub tags: Vec<String>,
}

/// What somebody wants a note to hold; absent members stay as they are.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// All tags.
    pub tags: Option<Vec<String>>,
}

/// A note's number and version after a change.
#[data]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Its number, from 1; never given to another note.
    pub id: u64,
    /// Its version: 1 when added, one more with each update. Of a removed note, the last.
    pub version: u64,
}

impl Draft {
    /// Refuses what a note may not hold and brings tags to the form they are kept in.
    ///
    /// # Errors
    ///
    /// [`NotesError::Invalid`].
    pub fn checked(self) -> Result<Self, NotesError> {
        if let Some(title) = &self.title {
            check_title(title)?;
        }
        if let Some(body) = &self.body {
            check_body(body)?;
        }
        let tags = self.tags.map(|tags| tag::tags(&tags)).transpose()?;
        Ok(Self { tags, ..self })
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.title.is_none() && self.body.is_none() && self.tags.is_none()
    }

    /// Returns `note` with what this holds, one version on.
    pub fn applied_to(&self, note: Note) -> Note {
        Note {
            version: note.version.saturating_add(1),
            title: self.title.clone().unwrap_or(note.title),
            body: self.body.clone().unwrap_or(note.body),
            tags: self.tags.clone().unwrap_or(note.tags),
        }
    }
}

impl Note {
    /// Returns the bytes to keep, at `key`.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers have a JSON form")
    }

    /// Reads what is kept at `key`.
    ///
    /// # Errors
    ///
    /// [`NotesError::Damaged`].
    pub fn decode(key: &str, value: &[u8]) -> Result<Self, NotesError> {
        serde_json::from_slice(value).map_err(|cause| damaged(key, cause))
    }
}

fn check_title(title: &str) -> Result<(), NotesError> {
    if title.len() > TITLE_BYTES_MAX {
        return Err(invalid(
            "title",
            format!("has {} bytes; 1 to {TITLE_BYTES_MAX} are allowed", title.len()),
        ));
    }
    if title.trim().is_empty() {
        return Err(invalid("title", "is empty"));
    }
    match title.chars().any(char::is_control) {
        true => Err(invalid("title", "has a line break or another control character")),
        false => Ok(()),
    }
}

fn check_body(body: &str) -> Result<(), NotesError> {
    if body.len() > BODY_BYTES_MAX {
        let why = format!(
            "has {} bytes; {BODY_BYTES_MAX} are allowed, so make it several notes",
            body.len()
        );
        return Err(invalid("body", why));
    }
    match body.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        true => Err(invalid("body", "has a control character other than tabs and line breaks")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(text: &str) -> Result<Draft, NotesError> {
        Draft { title: Some(text.to_owned()), ..Draft::default() }.checked()
    }

    fn body(text: &str) -> Result<Draft, NotesError> {
        Draft { body: Some(text.to_owned()), ..Draft::default() }.checked()
    }

    #[test]
    fn a_title_is_one_line_of_256_bytes() {
        assert!(title("a").is_ok());
        assert!(title(&"a".repeat(256)).is_ok());
        for text in ["", "  ", "a\nb", "a\u{1b}[1m", &"a".repeat(257)] {
            assert!(matches!(title(text), Err(NotesError::Invalid { member: "title", .. })));
        }
    }

    #[test]
    fn a_body_is_text_of_32_kib() {
        assert!(body("").is_ok());
        assert!(body("a\r\n\tb").is_ok());
        assert!(body(&"a".repeat(32 << 10)).is_ok());
        for text in ["\0", "\u{1b}[1m", &"a".repeat((32 << 10) + 1)] {
            assert!(matches!(body(text), Err(NotesError::Invalid { member: "body", .. })));
        }
    }

    #[test]
    fn what_a_later_release_adds_is_passed_over() {
        let value = br#"{"version": 3, "title": "a", "body": "b", "tags": [], "colour": "red"}"#;
        assert_eq!(Note::decode("note/1", value).unwrap().version, 3);
    }

    #[test]
    fn what_is_no_note_is_told_with_its_key() {
        for value in [&b""[..], b"{}", b"[]", b"\xff", br#"{"version": -1}"#] {
            let error = Note::decode("note/1", value).unwrap_err();
            assert!(matches!(error, NotesError::Damaged { key, .. } if key == "note/1"));
        }
    }
}
