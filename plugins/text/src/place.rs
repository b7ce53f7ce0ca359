//! Lines and columns of a text, found while going through it once.

use ax_sdk::data;

/// Longest text of a request, in bytes: a call takes no more, and offsets fit in 32 bits.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// A place in a text.
#[data]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes of UTF-8 before it.
    pub byte: usize,
    /// The line, from 1. Lines end with LF.
    pub line: u32,
    /// The column, from 1, in Unicode scalar values.
    pub column: u32,
}

/// A place that moves forward through a text, so that all places together take linear time.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    place: Place,
}

impl<'a> Cursor<'a> {
    /// Begins at the start of the text.
    pub fn new(text: &'a str) -> Self {
        Self { text, place: Place { byte: 0, line: 1, column: 1 } }
    }

    /// Moves to a byte at which a character begins, not before where the cursor is.
    pub fn advance(&mut self, byte: usize) -> Place {
        for character in self.text[self.place.byte..byte].chars() {
            if character == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.place.byte = byte;
        self.place
    }
}

/// Finds one place.
pub fn place_of(text: &str, byte: usize) -> Place {
    Cursor::new(text).advance(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_with_lf() {
        let text = "aé\r\nb";
        assert_eq!(place_of(text, 3), Place { byte: 3, line: 1, column: 3 });
        assert_eq!(place_of(text, 5), Place { byte: 5, line: 2, column: 1 });
        assert_eq!(place_of(text, 6), Place { byte: 6, line: 2, column: 2 });
    }
}
