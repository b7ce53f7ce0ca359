//! Replaces values in a text by their names.
//!
//! Invariant: a text without values comes back as it is. What is replaced begins and ends between
//! characters: whatever is found is ASCII, and so is every escape.

use std::borrow::Cow;

use crate::secret::leak::Scanner;
use crate::secret::leak::form::TAIL_BYTES_MAX;
use crate::secret::leak::needles::Found;
use crate::secret::leak::needles::Needles;
use crate::secret::leak::view::View;
use crate::secret::leak::view::fold_plus;

/// A part of the text to replace, and by which secret's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: usize,
    end: usize,
    secret: usize,
}

/// Replaces each value in `text` by `[secret NAME]`.
pub(super) fn redact<'a>(scanner: &Scanner, text: &'a str) -> Cow<'a, str> {
    // Most texts hold none, and this is the quicker way to know.
    if scanner.settle(text.as_bytes(), true).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut at = 0;
    for span in merged(spans(scanner, text.as_bytes())) {
        redacted.push_str(&text[at..span.start]);
        redacted.push_str("[secret ");
        redacted.push_str(&scanner.secrets[span.secret].0);
        redacted.push(']');
        at = span.end;
    }
    redacted.push_str(&text[at..]);
    Cow::Owned(redacted)
}

/// Finds every value, as every reader would see it.
fn spans(scanner: &Scanner, text: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    look(scanner, &scanner.plain, |_| {}, text, &|at| at, &mut spans);
    if let Some(view) = Scanner::percent(text, true) {
        let back = |at| view.place(at);
        look(scanner, scanner.folded(), fold_plus, &view.bytes, &back, &mut spans);
    }
    if let Some(view) = Scanner::json(text, true) {
        let back = |at| view.place(at);
        look(scanner, &scanner.plain, |_| {}, &view.bytes, &back, &mut spans);
        if let Some(inner) = Scanner::percent(&view.bytes, true) {
            let back = |at| View::place(&view, inner.place(at));
            look(scanner, scanner.folded(), fold_plus, &inner.bytes, &back, &mut spans);
        }
    }
    spans
}

/// Finds every value in `bytes`; `back` leads to the place in the text.
fn look(
    scanner: &Scanner,
    needles: &Needles,
    fold: fn(&mut [u8]),
    bytes: &[u8],
    back: &dyn Fn(usize) -> usize,
    spans: &mut Vec<Span>,
) {
    for found in needles.find_all(bytes) {
        let start = beginning(scanner, needles, fold, bytes, found);
        let secret = needles.get(found.needle).secret;
        let span = Span { start: back(start), end: back(found.end), secret };
        // Where a value repeats itself, each of its places is found; they become one.
        match spans.last_mut() {
            Some(last)
                if last.secret == secret && last.start <= span.end && span.start <= last.end =>
            {
                last.start = last.start.min(span.start);
                last.end = last.end.max(span.end);
            }
            Some(_) | None => spans.push(span),
        }
    }
}

/// Returns where the value begins whose tail was found, as far back as it is there.
fn beginning(
    scanner: &Scanner,
    needles: &Needles,
    fold: fn(&mut [u8]),
    bytes: &[u8],
    found: Found,
) -> usize {
    let needle = needles.get(found.needle);
    let value = scanner.secrets[needle.secret].1.expose();
    if value.len() <= TAIL_BYTES_MAX {
        return found.start;
    }
    let mut whole = needle.form.whole(value);
    fold(&mut whole);
    let before = bytes[..found.end].iter().rev().zip(whole.iter().rev());
    found.end - before.take_while(|(one, other)| one == other).count()
}

/// Joins what overlaps; the secret that begins first gives the name.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            Some(_) | None => merged.push(span),
        }
    }
    merged
}
