//! Text that grows up to a bound: what an answer is written into.
//!
//! Invariant: an [`Output`] never holds more than [`RESULT_BYTES_MAX`].

use std::io;

use crate::refusal::Refusal;

/// Most bytes of an answer: what the host takes as a result by default. JSON's escapes come on top,
/// so the host may still refuse what is close to it.
pub const RESULT_BYTES_MAX: usize = 1 << 20;

/// Text that grows up to [`RESULT_BYTES_MAX`].
#[derive(Debug, Default)]
pub struct Output {
    text: String,
}

impl Output {
    /// Adds to the end.
    ///
    /// # Errors
    ///
    /// [`Refusal::Result`] when it would be too long; nothing is added then.
    pub fn push(&mut self, text: &str) -> Result<(), Refusal> {
        if text.len() > RESULT_BYTES_MAX - self.text.len() {
            return Err(Refusal::Result);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// The text so far.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Says how many bytes a text takes within JSON, quotes not counted.
pub fn escaped_bytes(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | b'\x08' | b'\x0c' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    bytes.sum()
}

/// For writers of JSON, which write whole characters.
impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.push(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_takes_its_last_byte_and_no_more() {
        let mut output = Output::default();
        output.push(&"a".repeat(RESULT_BYTES_MAX)).unwrap();
        assert_eq!(output.push("a"), Err(Refusal::Result));
        assert_eq!(output.push(""), Ok(()));
        assert_eq!(output.into_text().len(), RESULT_BYTES_MAX);
    }

    #[test]
    fn escapes_are_counted_as_they_are_written() {
        let text: String = (0..0x100).filter_map(char::from_u32).collect();
        assert_eq!(escaped_bytes(&text) + 2, serde_json::to_string(&text).unwrap().len());
    }
}
