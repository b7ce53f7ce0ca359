//! Templates as they stand in a file, and where exactly.

use ax_manifest::reading::{Node, Section, Value};

use super::error::SpecFlaw;
use super::reading::Reading;
use crate::workflow::expression::Template;

/// Reads any value as a template; notes every mistake in it.
pub(super) fn template(reading: &mut Reading<'_>, node: &Node) -> Option<Template> {
    match &node.value {
        Value::String(text) => text_template(reading, node, text),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|item| template(reading, item)).collect();
            let items: Option<Vec<_>> = items.into_iter().collect();
            Some(Template::list(node.at, items?))
        }
        Value::Table(entries) => {
            let mut members = Vec::with_capacity(entries.len());
            for entry in entries {
                let member = template(reading, &entry.node);
                let member = member.unwrap_or_else(|| Template::unread(entry.node.at));
                members.push((entry.key.clone(), member));
            }
            Some(Template::table(node.at, members))
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime => {
            let value = reading.keep(node.to_json())?;
            Some(Template::value(node.at, value))
        }
    }
}

fn text_template(reading: &mut Reading<'_>, node: &Node, text: &str) -> Option<Template> {
    match Template::parse(node.at, text) {
        Ok(template) => Some(template),
        Err(errors) => {
            for error in errors {
                reading.note_inside(node.at, error.at, SpecFlaw::Expression(error.flaw));
            }
            None
        }
    }
}

/// Reads the template of a key that holds text.
pub(super) fn text(
    reading: &mut Reading<'_>,
    section: &Section<'_, '_>,
    key: &str,
) -> Option<Template> {
    let node = section.get(key)?;
    let text = reading.keep(node.text(&section.path(key)))?;
    if text.trim().is_empty() {
        reading.note_at(node.at, SpecFlaw::Empty { key: section.path(key) });
        return None;
    }
    text_template(reading, node, text)
}

/// Reads the template of a key that holds a table; an empty one if it is not there.
pub(super) fn table(
    reading: &mut Reading<'_>,
    section: &Section<'_, '_>,
    key: &str,
    at: usize,
) -> Template {
    let Some(node) = section.get(key) else { return Template::table(at, Vec::new()) };
    let template = match &node.value {
        Value::Table(_) => template(reading, node),
        // The whole of it may come from elsewhere.
        Value::String(text) if text.contains("{{") => text_template(reading, node, text),
        _ => {
            reading.note(node.wrong_type(&section.path(key), "a table"));
            None
        }
    };
    template.unwrap_or_else(|| Template::unread(node.at))
}

/// Finds where in a file the byte `offset` of a text stands whose value begins at `at`.
///
/// Escapes of TOML are longer than what they stand for, and the first line break of a text in three quotes
/// is not part of it.
pub(super) fn inside(file: &str, at: usize, offset: usize) -> usize {
    let raw = file.get(at..).unwrap_or_default();
    let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let has_escapes = raw.starts_with('"');
    let mut rest = raw.get(quotes..).unwrap_or_default();
    let mut passed = quotes;
    if quotes == 3 {
        let line_break = ["\r\n", "\n"].into_iter().find(|it| rest.starts_with(it));
        passed += line_break.map_or(0, str::len);
        rest = raw.get(passed..).unwrap_or_default();
    }
    let mut read = 0;
    while read < offset {
        let Some(next) = rest.chars().next() else { break };
        let (raw_bytes, bytes) = match next {
            '\\' if has_escapes => escape(rest),
            // A line break may be written as two characters and is read as one or two; both are kept.
            other => (other.len_utf8(), other.len_utf8()),
        };
        read += bytes;
        passed += raw_bytes;
        rest = raw.get(passed..).unwrap_or_default();
    }
    at + passed
}

/// Returns how many bytes an escape has, and how many it stands for.
fn escape(rest: &str) -> (usize, usize) {
    let digits = match rest.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(b'\n' | b'\r' | b' ' | b'\t') => {
            let blanks = rest[1..].len() - rest[1..].trim_start().len();
            return (1 + blanks, 0);
        }
        _ => return (rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end), 1),
    };
    let value = rest.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    (2 + digits, value.and_then(char::from_u32).map_or(1, char::len_utf8))
}
