//! Where in a JSON value a conversion stands, kept on the stack so that a fit costs nothing.
//!
//! Not here: what went wrong at a place (`error`).

use std::fmt;
use std::fmt::Write as _;

use crate::plugin::limits::JSON_DEPTH;

use super::error::Excerpt;
use super::error::Flaw;
use super::error::ValueError;

/// Characters of one member's name that a path shows; the names of an input may be of any length.
const STEP_CHARS: usize = 80;

/// A value within the whole, as a list of steps that ends at the root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    around: Option<&'a Place<'a>>,
    step: Step<'a>,
    /// Arrays and objects around this value, 0 for the whole.
    depth: usize,
}

/// How a value is reached from what contains it.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Whole,
    Item(usize),
    Member(&'a str),
}

impl<'a> Place<'a> {
    /// The whole input or answer.
    pub(super) fn whole() -> Self {
        Self { around: None, step: Step::Whole, depth: 0 }
    }

    /// The item of the array that stands here, counted from 0.
    pub(super) fn item(&'a self, index: usize) -> Self {
        Self { around: Some(self), step: Step::Item(index), depth: self.depth + 1 }
    }

    /// The member of the object that stands here.
    pub(super) fn member(&'a self, name: &'a str) -> Self {
        Self { around: Some(self), step: Step::Member(name), depth: self.depth + 1 }
    }

    /// Checks that an array or object may stand here: [`JSON_DEPTH`] of them nest at most, the
    /// innermost one counted. Each level of recursion but that into an option opens one, and an
    /// option in an option opens one too, so this bounds the recursion as well.
    ///
    /// # Errors
    ///
    /// [`Flaw::Depth`] with the given texts.
    pub(super) fn open(
        &self,
        wanted: &dyn fmt::Display,
        found: &dyn fmt::Display,
    ) -> Result<(), ValueError> {
        if self.depth >= JSON_DEPTH {
            return Err(self.fail(Flaw::Depth, wanted, found));
        }
        Ok(())
    }

    /// Says what is wrong with the value that stands here.
    pub(super) fn fail(
        &self,
        flaw: Flaw,
        wanted: &dyn fmt::Display,
        found: &dyn fmt::Display,
    ) -> ValueError {
        ValueError::new(flaw, self, wanted, found)
    }
}

/// Writes `/items/3/name`, with `~0` and `~1` for `~` and `/` in names as a JSON pointer has
/// them; unlike there, the whole is `/`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = Vec::with_capacity(self.depth);
        let mut place = Some(self);
        while let Some(Place { around, step, .. }) = place {
            steps.push(*step);
            place = *around;
        }
        if steps.len() == 1 {
            return f.write_str("/");
        }
        for step in steps.into_iter().rev() {
            match step {
                Step::Whole => {}
                Step::Item(index) => write!(f, "/{index}")?,
                Step::Member(name) => {
                    f.write_char('/')?;
                    f.write_str(&Excerpt::of(&Pointer(name), STEP_CHARS))?;
                }
            }
        }
        Ok(())
    }
}

/// A name as JSON pointers write it.
struct Pointer<'a>(&'a str);

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '~' => f.write_str("~0")?,
                '/' => f.write_str("~1")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
