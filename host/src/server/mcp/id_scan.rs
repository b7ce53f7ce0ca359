//! The id of a message that is not read: whoever sent it gets an answer.
//!
//! Invariant: it takes no more memory than the longest id, however long the message is.

use serde_json::Value;

/// Bytes of the text of an id that are kept.
const ID_BYTES: usize = 256;
/// Bytes of a member's name that are kept: enough to know `id`.
const NAME_BYTES: usize = 64;

/// Finds the top-level `id` of a JSON object whose bytes are thrown away.
#[derive(Default)]
pub(super) struct IdScan {
    depth: u32,
    in_text: bool,
    is_escaped: bool,
    /// The text that is being read, and the one before.
    text: Vec<u8>,
    name: Vec<u8>,
    /// The value, while it is read and afterwards.
    id: Vec<u8>,
    state: Found,
}

#[derive(Default, PartialEq)]
enum Found {
    #[default]
    Nothing,
    Reading,
    Whole,
}

impl IdScan {
    /// Finds the id in the whole of a text.
    pub(super) fn of(text: &[u8]) -> Value {
        let mut scan = Self::default();
        scan.feed(text);
        scan.value()
    }

    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.step(*byte);
        }
    }

    fn step(&mut self, byte: u8) {
        if self.state == Found::Whole {
            return;
        }
        if self.state == Found::Reading {
            if !self.in_text && matches!(byte, b',' | b'}') {
                self.state = Found::Whole;
                return;
            }
            if self.id.len() < ID_BYTES {
                self.id.push(byte);
            }
        }
        match self.in_text {
            true => self.step_in_text(byte),
            false => self.step_outside(byte),
        }
    }

    fn step_in_text(&mut self, byte: u8) {
        if self.is_escaped {
            self.is_escaped = false;
        } else if byte == b'\\' {
            self.is_escaped = true;
        } else if byte == b'"' {
            self.in_text = false;
            self.name = std::mem::take(&mut self.text);
            return;
        }
        if self.text.len() < NAME_BYTES {
            self.text.push(byte);
        }
    }

    fn step_outside(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.in_text = true;
                self.text.clear();
            }
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' if self.depth == 1 && self.name == b"id" && self.state == Found::Nothing => {
                self.state = Found::Reading;
            }
            _ => {}
        }
    }

    /// Returns what was found, or null.
    pub(super) fn value(&self) -> Value {
        let read = serde_json::from_slice(&self.id).ok();
        read.filter(|id: &Value| id.is_string() || id.is_number()).unwrap_or(Value::Null)
    }
}
