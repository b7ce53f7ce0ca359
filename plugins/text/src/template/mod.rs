//! Fills in small templates, in the manner of mustache.
//!
//! ```text
//! text ──parse──► pieces ──fill(data)──► text
//! ```
//!
//! Invariant: every name is in the data or the request is refused, unless it asked otherwise.
//! Not here, on purpose: escaping, partials, other delimiters, calling anything.

mod fill;
mod parse;

use ax_sdk::data;

use crate::document;
use crate::place::TEXT_BYTES_MAX;
use crate::refusal::Refusal;
use crate::refusal::check_length;

/// What a name means that the data does not have.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// The request is refused, with the name's place.
    #[default]
    Error,
    /// It is empty text, or nothing for a section.
    Empty,
}

/// Fills in a template with the data, a JSON object as text.
///
/// # Errors
///
/// [`Refusal::Tag`], [`Refusal::NoName`], [`Refusal::NotPrintable`], [`Refusal::Json`],
/// [`Refusal::TooLong`], [`Refusal::Steps`], [`Refusal::Result`].
pub fn fill(template: &str, data: &str, missing: Missing) -> Result<String, Refusal> {
    check_length("template", template, TEXT_BYTES_MAX)?;
    let pieces = parse::parse(template)?;
    let data = document::read("data", data)?;
    if !data.is_object() {
        let why = format!("{}; it should be an object", document::kind(&data));
        return Err(Refusal::Json { member: "data", why });
    }
    fill::fill(template, &pieces, &data, missing)
}

#[cfg(test)]
mod tests;
