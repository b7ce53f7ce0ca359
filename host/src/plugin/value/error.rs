//! Why a value does not fit its type, in words that let a person or a model mend it.
//!
//! Invariant: the texts are bounded in length whatever they quote, and show no control, invisible
//! or direction-changing character.
//! Not here: what to write instead (`hint`).

use std::fmt;
use std::fmt::Write as _;

use crate::plugin::limits::JSON_DEPTH;
use crate::plugin::text;

use super::place::Place;

/// Characters of the value that an error quotes: enough to recognise it, and one line.
const FOUND_CHARS: usize = 80;
/// Characters of the type that an error quotes: records of ten members fit.
const WANTED_CHARS: usize = 240;
/// Characters of the path; only 128 levels of long names are longer.
const PATH_CHARS: usize = 1_024;

/// A value that does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {flaw}: wanted {wanted}, found {found}")]
pub struct ValueError {
    /// Where, as `/items/3/name`; `/` is the whole.
    pub path: Box<str>,
    /// The type wanted there, as WIT text.
    pub wanted: Box<str>,
    /// What is there, cut and escaped; JSON text for an input.
    pub found: Box<str>,
    /// What is wrong with it.
    pub flaw: Flaw,
    hint: Option<Box<str>>,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is of another kind.
    Kind,
    /// It is a number the type does not reach to.
    Range,
    /// It has a fraction where only whole numbers fit.
    Fraction,
    /// It is text that does not spell such a value: no base64, no decimal number, not one char.
    Spelling,
    /// No member, case or flag has that name, or none may stand there.
    Unknown,
    /// A member that must be there is not.
    Missing,
    /// A flag is named twice.
    Repeated,
    /// A tuple of another length, or another number of results.
    Count,
    /// Arrays and objects nest more than [`JSON_DEPTH`] deep.
    Depth,
    /// So many option members are left out that filling them in takes too much memory.
    Absent,
}

impl ValueError {
    pub(super) fn new(
        flaw: Flaw,
        place: &Place<'_>,
        wanted: &dyn fmt::Display,
        found: &dyn fmt::Display,
    ) -> Self {
        Self {
            path: Excerpt::of(place, PATH_CHARS).into(),
            wanted: Excerpt::of(wanted, WANTED_CHARS).into(),
            found: Excerpt::of(found, FOUND_CHARS).into(),
            flaw,
            hint: None,
        }
    }

    /// Adds what to write instead, if that is known.
    pub(super) fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint: hint.map(String::into_boxed_str), ..self }
    }

    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.hint.as_deref().map(str::to_owned)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "has another type",
            Self::Range => "is out of range",
            Self::Fraction => "is not a whole number",
            Self::Spelling => "is not spelled right",
            Self::Unknown => "is not known",
            Self::Missing => "is missing",
            Self::Repeated => "is there twice",
            Self::Count => "has another number of items",
            Self::Depth => return write!(f, "is nested more than {JSON_DEPTH} levels deep"),
            Self::Absent => "leaves too many members out",
        })
    }
}

/// The beginning of a text, fit to be shown. Writing to it fails once it is full, which ends the
/// writer's work (and its recursion) there.
pub(super) struct Excerpt {
    text: String,
    chars_left: usize,
}

impl Excerpt {
    /// Writes `whole`, cut to `chars_max` characters and then marked with `…`. What is not shown
    /// by itself is escaped as in Rust (`\u{1b}`), and counts as it is written.
    pub(super) fn of(whole: &dyn fmt::Display, chars_max: usize) -> String {
        let mut excerpt = Self { text: String::new(), chars_left: chars_max };
        if write!(excerpt, "{whole}").is_err() {
            excerpt.text.push('…');
        }
        excerpt.text
    }

    fn push(&mut self, piece: impl ExactSizeIterator<Item = char>) -> fmt::Result {
        self.chars_left = self.chars_left.checked_sub(piece.len()).ok_or(fmt::Error)?;
        self.text.extend(piece);
        Ok(())
    }
}

impl fmt::Write for Excerpt {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        for character in piece.chars() {
            if text::is_shown(character) && !character.is_control() {
                self.push([character].into_iter())?;
            } else {
                self.push(character.escape_default())?;
            }
        }
        Ok(())
    }
}
