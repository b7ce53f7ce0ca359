//! A TOML text and the values in it, each with the place where it stands.
//!
//! Invariant: no text makes this panic, and depth is bounded twice: the parser refuses deep nesting
//! of one kind, [`to_json`] what is left when kinds are mixed.
//! Not here: which keys there are (`user`, `project`), reading (`file`).

use std::ops::RangeInclusive;

use serde_json::Value;
use toml::Spanned;
use toml::de::DeTable;
use toml::de::DeValue;

use crate::config::error::FileFlaw;
use ax_manifest::is_hidden;
use ax_manifest::nearest;

/// Tables and lists inside each other in one plugin's settings. A guest has to parse them, and few
/// parsers of JSON go deeper.
const DEPTH_MAX: usize = 64;

/// What is wrong, and the byte offset where.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) at: usize,
    pub(super) flaw: FileFlaw,
}

/// A value with its key as an error names it, like `sandbox.threads`.
pub(super) struct Entry<'a> {
    pub(super) key: String,
    /// Byte offset of the key.
    pub(super) key_at: usize,
    pub(super) value: &'a Spanned<DeValue<'a>>,
}

/// Parses TOML text.
///
/// # Errors
///
/// The parser's first complaint.
pub(super) fn parse(text: &str) -> Result<DeTable<'_>, Located> {
    let root = DeTable::parse(text).map_err(|error| Located {
        at: error.span().map_or(0, |span| span.start),
        flaw: FileFlaw::Syntax { message: one_line(error.message()) },
    })?;
    Ok(root.into_inner())
}

/// Makes the parser's words fit one line, whatever they repeat of the text.
fn one_line(message: &str) -> String {
    message.chars().map(|character| if is_hidden(character) { ' ' } else { character }).collect()
}

/// Returns the line and the character in it, both from 1, of a byte offset.
pub(super) fn place_of(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Lists the entries of a table, each named behind `section` (empty for the top level).
pub(super) fn entries<'a>(
    table: &'a DeTable<'a>,
    section: &str,
) -> impl Iterator<Item = (&'a str, Entry<'a>)> {
    table.iter().map(move |(name, value)| {
        let name_text: &str = name.get_ref();
        let key = match section {
            "" => name_text.to_owned(),
            section => format!("{section}.{name_text}"),
        };
        (name_text, Entry { key, key_at: name.span().start, value })
    })
}

impl<'a> Entry<'a> {
    /// Makes an error that points at the key.
    pub(super) fn wrong_key(&self, flaw: FileFlaw) -> Located {
        Located { at: self.key_at, flaw }
    }

    /// Makes an error that points at the value.
    pub(super) fn wrong(&self, flaw: FileFlaw) -> Located {
        Located { at: self.value.span().start, flaw }
    }

    /// Makes the error for a key that is none of `known`.
    pub(super) fn unknown(&self, name: &str, known: &'static [&'static str]) -> Located {
        let flaw = FileFlaw::UnknownKey {
            key: self.key.clone(),
            nearest: nearest(name, known.iter().copied()),
            known,
        };
        self.wrong_key(flaw)
    }

    /// Makes the error for a value of another type than `wanted`, which comes with its article.
    pub(super) fn wrong_type(&self, wanted: &'static str) -> Located {
        let found = type_name(self.value.get_ref());
        self.wrong(FileFlaw::WrongType { key: self.key.clone(), wanted, found })
    }

    /// Returns the text, if this is one.
    pub(super) fn text(&self) -> Result<&'a str, Located> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type("a string")),
        }
    }

    /// Returns whether it is so, if this says so.
    pub(super) fn truth(&self) -> Result<bool, Located> {
        match self.value.get_ref() {
            DeValue::Boolean(truth) => Ok(*truth),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// Returns the table, if this is one.
    pub(super) fn table(&self) -> Result<&'a DeTable<'a>, Located> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong_type("a table")),
        }
    }

    /// Returns the items of the list, if this is one; each is named as the list is.
    pub(super) fn list(&self) -> Result<impl Iterator<Item = Self>, Located> {
        let DeValue::Array(items) = self.value.get_ref() else {
            return Err(self.wrong_type("a list"));
        };
        let (key, key_at) = (self.key.clone(), self.key_at);
        Ok(items.iter().map(move |value| Self { key: key.clone(), key_at, value }))
    }

    /// Returns the whole number, if this is one within `range`.
    pub(super) fn number(&self, range: &RangeInclusive<u32>) -> Result<u32, Located> {
        let DeValue::Integer(digits) = self.value.get_ref() else {
            return Err(self.wrong_type("a whole number"));
        };
        let number = u32::from_str_radix(digits.as_str(), digits.radix()).ok();
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            let (key, found) = (self.key.clone(), digits.to_string());
            self.wrong(FileFlaw::Range { key, found, min: *range.start(), max: *range.end() })
        })
    }
}

/// Converts a value into JSON, which has no dates and no infinite numbers.
///
/// # Errors
///
/// For these, for whole numbers beyond 64 bits, and for more than [`DEPTH_MAX`] levels.
pub(super) fn to_json(entry: &Entry<'_>) -> Result<Value, Located> {
    json(entry.value, &entry.key, DEPTH_MAX)
}

fn json(value: &Spanned<DeValue<'_>>, key: &str, depth_left: usize) -> Result<Value, Located> {
    let wrong = |flaw| Located { at: value.span().start, flaw };
    let unsayable = |what| wrong(FileFlaw::NotInJson { key: key.to_owned(), what });
    let depth_left =
        depth_left.checked_sub(1).ok_or_else(|| wrong(FileFlaw::TooDeep { max: DEPTH_MAX }))?;
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
            .map_err(|_| unsayable("a number beyond 64 bits"))?
            .into(),
        DeValue::Float(digits) => {
            let number = digits.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            Value::Number(number.ok_or_else(|| unsayable("infinity or NaN"))?)
        }
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(_) => return Err(unsayable("a date")),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| json(item, key, depth_left));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(members) => {
            let member = |(name, value): (&Spanned<std::borrow::Cow<'_, str>>, &_)| {
                Ok((name.get_ref().clone().into_owned(), json(value, key, depth_left)?))
            };
            Value::Object(members.iter().map(member).collect::<Result<_, _>>()?)
        }
    })
}

/// Names the type of a value, with its article.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        assert_eq!(place_of("", 0), (1, 1));
        assert_eq!(place_of("a\nbé = 1", 6), (2, 4));
        assert_eq!(place_of("a\n", 2), (2, 1));
        assert_eq!(place_of("é", 1), (1, 2), "inside a character");
        assert_eq!(place_of("ab", 99), (1, 3));
    }
}
