//! Why a request is not answered.
//!
//! Invariant: a refusal's texts are bounded: what they quote of a request is cut.

use ax_sdk::ErrorKind;

/// Characters of a request that an error quotes: enough to recognise it, and one line.
const QUOTE_CHARS_MAX: usize = 80;

/// Why a request is not answered. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A member is longer than it may be.
    #[error("`{member}` has {bytes} bytes; it may have {max}")]
    TooLong { member: &'static str, bytes: usize, max: usize },
    /// A number is out of its range.
    #[error("`{member}` is {found}; it may be {min} to {max}")]
    OutOfRange { member: &'static str, found: u32, min: u32, max: u32 },
    /// There are more lines, rows, columns, cells or values than there may be.
    #[error("`{member}` has more than {max} {things}")]
    TooMany { member: &'static str, things: &'static str, max: usize },
    /// A name that must be one line holds a control character.
    #[error("`{member}` holds a control character")]
    NotOneLine { member: &'static str },
    /// The pattern is no regular expression.
    #[error("`pattern` is no regular expression: {why}")]
    Pattern { why: String },
    /// A pattern or a document takes too much memory once it is read.
    #[error("`{member}` takes more than {max} bytes of memory once it is read")]
    TooLarge { member: &'static str, max: usize },
    /// A byte offset lies outside the text or inside a character.
    #[error("`{member}` is {found}, where no character of the text begins")]
    NotAnOffset { member: &'static str, found: u32 },
    /// A dollar sign of the replacement begins nothing.
    #[error("`replacement` has a `$` at byte {byte} that begins no group")]
    Dollar { byte: usize },
    /// The replacement names a group that the pattern does not have.
    #[error("`replacement` names the group `{name}`, which `pattern` does not have")]
    NoGroup { name: String },
    /// A member is no JSON document, or not of the kind wanted.
    #[error("`{member}` is {why}")]
    Json { member: &'static str, why: String },
    /// A tag of the template is wrong.
    #[error("`template` is wrong at line {line}, column {column}: {why}")]
    Tag { line: u32, column: u32, why: String },
    /// The data does not have a name of the template.
    #[error("`template` names `{name}` at line {line}, column {column}; `data` does not have it")]
    NoName { name: String, line: u32, column: u32 },
    /// A name of the template stands for a list or an object.
    #[error("`template` prints `{name}` at line {line}, column {column}, which is {found}")]
    NotPrintable { name: String, line: u32, column: u32, found: &'static str },
    /// The query is not one of RFC 9535.
    #[error("`query` is wrong at byte {byte}: {why}")]
    Query { byte: usize, why: &'static str },
    /// The delimiter cannot be one.
    #[error("`delimiter` is no ASCII character other than a quote or a line break")]
    Delimiter,
    /// A quote is opened and not closed.
    #[error("`text` opens a quote in the row of line {line} and does not close it")]
    OpenQuote { line: u64 },
    /// One of the records cannot be written.
    #[error("`{at}` is {found}; it should be {wanted}")]
    Record { at: String, found: &'static str, wanted: String },
    /// The answer is too long.
    #[error("the answer is longer than 1 MiB")]
    Result,
    /// The request takes too much work.
    #[error("the request takes more than {max} steps")]
    Steps { max: u64 },
    /// Somebody asked to stop.
    #[error("the call was asked to stop")]
    Cancelled,
}

impl Refusal {
    /// Says what sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Result | Self::Steps { .. } => ErrorKind::Exhausted,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::TooLong { .. }
            | Self::OutOfRange { .. }
            | Self::TooMany { .. }
            | Self::NotOneLine { .. }
            | Self::Pattern { .. }
            | Self::TooLarge { .. }
            | Self::NotAnOffset { .. }
            | Self::Dollar { .. }
            | Self::NoGroup { .. }
            | Self::Json { .. }
            | Self::Tag { .. }
            | Self::NoName { .. }
            | Self::NotPrintable { .. }
            | Self::Query { .. }
            | Self::Delimiter
            | Self::OpenQuote { .. }
            | Self::Record { .. } => ErrorKind::Invalid,
        }
    }

    /// Gives the word for programs: the member that is wrong, or the bound that was reached.
    pub fn code(&self) -> &str {
        match self {
            Self::TooLong { member, .. }
            | Self::OutOfRange { member, .. }
            | Self::TooMany { member, .. }
            | Self::NotOneLine { member }
            | Self::TooLarge { member, .. }
            | Self::NotAnOffset { member, .. }
            | Self::Json { member, .. } => member,
            Self::Pattern { .. } => "pattern",
            Self::Dollar { .. } | Self::NoGroup { .. } => "replacement",
            Self::Tag { .. } | Self::NoName { .. } | Self::NotPrintable { .. } => "template",
            Self::Query { .. } => "query",
            Self::Delimiter => "delimiter",
            Self::OpenQuote { .. } => "text",
            Self::Record { at, .. } => at,
            Self::Result => "result",
            Self::Steps { .. } => "steps",
            Self::Cancelled => "",
        }
    }

    /// Says what to write instead, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Dollar { .. } => "write `$1`, `${name}`, or `$$` for a dollar sign",
            Self::NoName { .. } => "set `missing` to `empty` if names may be absent",
            Self::NotPrintable { .. } => "name a member with `a.b`, or repeat with `{{#a}}…{{/a}}`",
            Self::Delimiter => "write `,`, `;`, `|` or a tab",
            Self::Result => "ask for less at a time",
            Self::Pattern { .. } => "there is no look-around and no back reference",
            Self::TooLarge { member: "pattern", .. } => "make the counts in `{…}` smaller",
            Self::TooLarge { .. } => "split it; small lists and objects take the most",
            Self::Steps { .. } => "use fewer `..` in a query, fewer nested sections in a template",
            Self::TooLong { .. }
            | Self::OutOfRange { .. }
            | Self::TooMany { .. }
            | Self::NotOneLine { .. }
            | Self::NotAnOffset { .. }
            | Self::NoGroup { .. }
            | Self::Json { .. }
            | Self::Tag { .. }
            | Self::Query { .. }
            | Self::OpenQuote { .. }
            | Self::Record { .. }
            | Self::Cancelled => return None,
        };
        Some(hint.to_owned())
    }
}

/// Cuts a text of the request to what an error may quote.
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Refuses a member that is longer than it may be.
///
/// # Errors
///
/// [`Refusal::TooLong`].
pub fn check_length(member: &'static str, text: &str, max: usize) -> Result<(), Refusal> {
    let bytes = text.len();
    if bytes > max { Err(Refusal::TooLong { member, bytes, max }) } else { Ok(()) }
}

/// Refuses a number that is out of its range.
///
/// # Errors
///
/// [`Refusal::OutOfRange`].
pub fn check_range(
    member: &'static str,
    found: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<(), Refusal> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(Refusal::OutOfRange { member, found, min: *range.start(), max: *range.end() })
}
