//! One table of a manifest and the keys it may have.
//!
//! Invariant: a section that opened has no unknown key, so a misspelled key is never ignored.
//! Not here: what the values mean.

use std::str::FromStr;

use crate::manifest::error::{Located, ManifestErrorKind};
use crate::manifest::tree::{Entry, Node, Value};
use crate::money::{micro_usd, usd};
use crate::nearest::nearest;
use crate::quantity::QuantityError;
use crate::text::hidden_character;

/// A table whose keys are known.
pub struct Section<'a, 'n> {
    node: &'a Node,
    /// The way to it from the root, like `plugin` or `permissions.fs`; empty for the root.
    name: &'n str,
    entries: &'a [Entry],
}

impl<'a, 'n> Section<'a, 'n> {
    /// Opens the table `node` and refuses keys that are not `known`.
    pub fn open(
        node: &'a Node,
        name: &'n str,
        known: &'static [&'static str],
    ) -> Result<Self, Located> {
        let (section, unknown) = Self::open_noting(node, name, known)?;
        match unknown.into_iter().next() {
            Some(unknown) => Err(unknown),
            None => Ok(section),
        }
    }

    /// As [`Section::open`], for who reports every mistake and not the first: returns all keys that
    /// are not `known` beside the section.
    pub fn open_noting(
        node: &'a Node,
        name: &'n str,
        known: &'static [&'static str],
    ) -> Result<(Self, Vec<Located>), Located> {
        let entries = node.entries(name)?;
        let unknown = entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
        let unknown = unknown.map(|entry| {
            let kind = ManifestErrorKind::UnknownKey {
                key: entry.key.clone(),
                section: name.to_owned(),
                nearest: nearest(&entry.key, known.iter().copied()),
                known,
            };
            Located { at: entry.key_at, kind }
        });
        let unknown = unknown.collect();
        Ok((Self { node, name, entries }, unknown))
    }

    /// Returns the way from the root to `key`.
    pub fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Returns the value of `key`, if it is there.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Returns the value of `key`.
    ///
    /// # Errors
    ///
    /// [`Located`], if it is not there.
    pub fn required(&self, key: &'static str) -> Result<&'a Node, Located> {
        self.get(key).ok_or_else(|| {
            self.node.wrong(ManifestErrorKind::Missing { key, section: self.name.to_owned() })
        })
    }

    /// Reads one line of text that people will see: at least one and at most `chars_max`
    /// characters, none of them hidden.
    pub fn line(&self, key: &str, chars_max: usize) -> Result<Option<String>, Located> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let path = self.path(key);
        shown_line(node, &path, chars_max).map(Some)
    }

    /// As [`Section::line`], but with line breaks.
    pub fn lines(&self, key: &str, chars_max: usize) -> Result<Option<String>, Located> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let path = self.path(key);
        shown_lines(node, &path, chars_max).map(Some)
    }

    /// Reads `true` or `false`.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, Located> {
        match self.get(key) {
            None => Ok(None),
            Some(Node { value: Value::Boolean(boolean), .. }) => Ok(Some(*boolean)),
            Some(node) => Err(node.wrong_type(&self.path(key), "`true` or `false`")),
        }
    }

    /// Reads a whole number from 1 to `max`.
    pub fn count(&self, key: &str, max: u64) -> Result<Option<u64>, Located> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let Value::Integer(given) = node.value else {
            return Err(node.wrong_type(&self.path(key), "a whole number"));
        };
        match u64::try_from(given) {
            Ok(count) if (1..=max).contains(&count) => Ok(Some(count)),
            Ok(_) | Err(_) => Err(self.out_of_range(node, key, given, 1, max)),
        }
    }

    /// As [`Section::count`], for a number that fits 32 bits.
    pub fn small_count(&self, key: &str, max: u32) -> Result<Option<u32>, Located> {
        let count = self.count(key, u64::from(max))?;
        Ok(count.map(|count| u32::try_from(count).unwrap_or(max)))
    }

    /// Reads an amount of US dollars above zero, in millionths.
    pub fn micro_usd(&self, key: &str, max: u64) -> Result<Option<u64>, Located> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let text = match node.value {
            Value::Integer(given) => given.to_string(),
            // The shortest text of a number of up to six places is what was written.
            Value::Float(given) => given.to_string(),
            _ => return Err(node.wrong_type(&self.path(key), "a number like `0.25`")),
        };
        match micro_usd(&text) {
            Some(amount) if (1..=max).contains(&amount) => Ok(Some(amount)),
            None if !text.starts_with('-') => {
                let wanted = "a number of at most six decimal places, like `0.25`";
                Err(node.wrong_type(&self.path(key), wanted))
            }
            _ => Err(self.out_of_range(node, key, text, usd(1), usd(max))),
        }
    }

    /// Reads an amount with its unit from `min` to `max`.
    pub fn amount<T>(
        &self,
        key: &str,
        wanted: &'static str,
        min: T,
        max: T,
    ) -> Result<Option<T>, Located>
    where
        T: FromStr<Err = QuantityError> + Ord + std::fmt::Display,
    {
        let Some(node) = self.get(key) else { return Ok(None) };
        let Value::String(text) = &node.value else {
            return Err(node.wrong_type(&self.path(key), wanted));
        };
        let amount: T =
            text.parse().map_err(|error| node.wrong(ManifestErrorKind::Quantity(error)))?;
        if amount < min || amount > max {
            return Err(self.out_of_range(node, key, amount, min, max));
        }
        Ok(Some(amount))
    }

    fn out_of_range<G: ToString, T: ToString>(
        &self,
        node: &Node,
        key: &str,
        given: G,
        min: T,
        max: T,
    ) -> Located {
        node.wrong(ManifestErrorKind::Range {
            key: self.path(key),
            given: given.to_string(),
            min: min.to_string(),
            max: max.to_string(),
        })
    }
}

/// Reads one line of text that people will see; see [`Section::line`].
pub fn shown_line(node: &Node, path: &str, chars_max: usize) -> Result<String, Located> {
    let text = shown_lines(node, path, chars_max)?;
    if text.contains('\n') {
        let (key, character) = (path.to_owned(), '\n');
        return Err(node.wrong(ManifestErrorKind::HiddenCharacter { key, character }));
    }
    Ok(text)
}

/// Reads lines of text that people will see; see [`Section::lines`].
pub fn shown_lines(node: &Node, path: &str, chars_max: usize) -> Result<String, Located> {
    let text = node.text(path)?;
    let key = path.to_owned();
    if text.trim().is_empty() {
        return Err(node.wrong(ManifestErrorKind::EmptyText { key }));
    }
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(node.wrong(ManifestErrorKind::LongText { key, chars, max: chars_max }));
    }
    if let Some(character) = text.split('\n').find_map(hidden_character) {
        return Err(node.wrong(ManifestErrorKind::HiddenCharacter { key, character }));
    }
    Ok(text.to_owned())
}
