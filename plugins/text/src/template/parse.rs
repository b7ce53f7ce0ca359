//! Reads a template.
//!
//! A section's tag or a comment that stands alone on its line takes the whole line with it, as in
//! mustache, so that a template of lines makes a text of lines.
//! Invariant: sections are closed in order and nest at most [`SECTIONS_MAX`] deep.

use crate::place::place_of;
use crate::refusal::Refusal;
use crate::refusal::quote;

/// Sections within each other. Each is a level of recursion and of data.
const SECTIONS_MAX: usize = 32;
/// Longest name, in bytes; an error quotes it.
const NAME_BYTES_MAX: usize = 256;
/// Pieces of a template: a piece takes 50 bytes of memory and 5 of template.
const PIECES_MAX: usize = 100_000;

/// One piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text to copy.
    Text(&'a str),
    /// A value to print.
    Value(Name<'a>),
    /// A part to repeat, or to show if there is nothing.
    Section { name: Name<'a>, inverted: bool, body: Vec<Piece<'a>> },
}

/// A name in a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// Parts with `.` between them; `.` alone is the current item.
    pub text: &'a str,
    /// The byte at which its tag begins.
    pub at: usize,
}

/// A section that is not closed yet.
struct Open<'a> {
    name: Name<'a>,
    inverted: bool,
    /// What was read before it on its own level.
    before: Vec<Piece<'a>>,
}

/// What a tag is.
enum Tag<'a> {
    Value(&'a str),
    Open { name: &'a str, inverted: bool },
    Close(&'a str),
    Comment,
}

/// Reads a template.
///
/// # Errors
///
/// [`Refusal::Tag`] at the first tag that is wrong, [`Refusal::TooMany`].
pub(super) fn parse(template: &str) -> Result<Vec<Piece<'_>>, Refusal> {
    let mut stack: Vec<Open<'_>> = Vec::new();
    let mut pieces = Vec::new();
    let (mut copied, mut count) = (0, 0);
    while let Some(found) = template[copied..].find("{{") {
        let start = copied + found;
        let inner = start + 2;
        let Some(length) = template[inner..].find("}}") else {
            return Err(wrong(template, start, "the tag is not closed with `}}`"));
        };
        let end = inner + length + 2;
        let tag = tag(template, start, &template[inner..inner + length])?;
        let (text_end, next) = match tag {
            Tag::Value(_) => (start, end),
            Tag::Open { .. } | Tag::Close(_) | Tag::Comment => alone(template, copied, start, end),
        };
        if copied < text_end {
            pieces.push(Piece::Text(&template[copied..text_end]));
        }
        copied = next;
        count += 1;
        if count > PIECES_MAX {
            return Err(Refusal::TooMany { member: "template", things: "tags", max: PIECES_MAX });
        }
        match tag {
            Tag::Value(text) => pieces.push(Piece::Value(Name { text, at: start })),
            Tag::Comment => {}
            Tag::Open { name, inverted } => {
                if stack.len() == SECTIONS_MAX {
                    let why = format!("sections nest more than {SECTIONS_MAX} deep");
                    return Err(wrong(template, start, &why));
                }
                let name = Name { text: name, at: start };
                let before = std::mem::take(&mut pieces);
                stack.push(Open { name, inverted, before });
            }
            Tag::Close(name) => {
                let open = stack.pop().filter(|open| open.name.text == name);
                let Some(Open { name, inverted, before }) = open else {
                    let why = format!("`{{{{/{}}}}}` closes no section", quote(name));
                    return Err(wrong(template, start, &why));
                };
                let body = std::mem::replace(&mut pieces, before);
                pieces.push(Piece::Section { name, inverted, body });
            }
        }
    }
    if let Some(open) = stack.pop() {
        let why = format!("the section `{}` is not closed", quote(open.name.text));
        return Err(wrong(template, open.name.at, &why));
    }
    if copied < template.len() {
        pieces.push(Piece::Text(&template[copied..]));
    }
    Ok(pieces)
}

fn tag<'a>(template: &str, at: usize, inner: &'a str) -> Result<Tag<'a>, Refusal> {
    let trimmed = inner.trim();
    let mut rest = trimmed.chars();
    let sign = rest.next();
    let name = rest.as_str().trim_start();
    let tag = match sign {
        Some('!') => return Ok(Tag::Comment),
        Some('#') => Tag::Open { name, inverted: false },
        Some('^') => Tag::Open { name, inverted: true },
        Some('/') => Tag::Close(name),
        Some('{' | '&' | '>' | '=') => {
            let why = "`{`, `&`, `>` and `=` begin no tag here: nothing is escaped or included";
            return Err(wrong(template, at, why));
        }
        Some(_) | None => Tag::Value(trimmed),
    };
    match &tag {
        Tag::Value(name) | Tag::Open { name, .. } | Tag::Close(name) => {
            check_name(name).map_err(|why| wrong(template, at, why))?;
        }
        Tag::Comment => {}
    }
    Ok(tag)
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.len() > NAME_BYTES_MAX {
        return Err("the name is longer than 256 bytes");
    }
    if name.contains(|character: char| character.is_control() || matches!(character, '{' | '}')) {
        return Err("the name holds a brace or a control character");
    }
    if name != "." && name.split('.').any(str::is_empty) {
        return Err("a part of the name is empty");
    }
    Ok(())
}

/// Says where the text before a tag ends and the text after it begins: the line's ends when nothing
/// but blanks stands beside the tag, else the tag's own.
fn alone(template: &str, copied: usize, start: usize, end: usize) -> (usize, usize) {
    let before = &template[copied..start];
    let line = match before.rfind('\n') {
        Some(line_end) => copied + line_end + 1,
        // The line began before the tag before this one, unless that took its line with it.
        None if copied == 0 || template.as_bytes()[copied - 1] == b'\n' => copied,
        None => return (start, end),
    };
    let is_blank = |text: &str| text.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    // Only the blanks are looked at: looking for the line's end each time would take square time.
    let after = template[end..].trim_start_matches([' ', '\t']);
    let rest = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n'));
    let rest = rest.or_else(|| after.is_empty().then_some(after));
    match rest {
        Some(rest) if is_blank(&template[line..start]) => (line, template.len() - rest.len()),
        _ => (start, end),
    }
}

fn wrong(template: &str, at: usize, why: &str) -> Refusal {
    let place = place_of(template, at);
    Refusal::Tag { line: place.line, column: place.column, why: why.to_owned() }
}
