//! The tools: what may be asked, and what goes wrong in words that a caller can act on.
//!
//! They are pure: the same request always has the same answer, and nothing else is read or written.
//! Not here: any work on text (all other modules).

use ax_sdk::prelude::*;
use ax_sdk::serde_json::json;
use ax_sdk::task;

use crate::difference::{self, Difference};
use crate::path::{self, Selected};
use crate::pattern::{self, PatternFlag};
use crate::refusal::Refusal;
use crate::replacement::{self, Replaced};
use crate::search::Found;
use crate::table::{self, Table, Written};
use crate::template::{self as templates, Missing};

/// The filled-in template.
#[data]
pub struct Filled {
    /// The text. Values stand in it as they are: nothing is escaped.
    pub text: String,
}

/// How `csv` returns the values.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CsvShape {
    /// As a list for each column, in `column.values`.
    Columns,
    /// As one JSON text: a list of objects with a member for each column.
    Records,
}

/// Compares two texts line by line: a unified diff with context lines, as patch and git apply read
/// it, and the numbers of lines added, removed and unchanged.
#[tool(title = "Compare two texts", read_only, idempotent)]
pub fn diff(
    /// The text before. Both together may have 50,000 lines and 1 MiB.
    old: String,
    /// The text after.
    new: String,
    /// Unchanged lines to show around each change: 0 to 1,000; 3 when absent.
    context: Option<u32>,
    /// What to call the old text in the first line: one line of at most 1,024 bytes; `old` when
    /// absent.
    #[serde(rename = "old-name")]
    old_name: Option<String>,
    /// The same for the new text; `new` when absent.
    #[serde(rename = "new-name")]
    new_name: Option<String>,
) -> Result<Json<Difference>> {
    let comparison = difference::Comparison {
        old: &old,
        new: &new,
        context,
        old_name: old_name.as_deref(),
        new_name: new_name.as_deref(),
    };
    told(difference::compare(&comparison))
}

/// Finds what a regular expression (Rust syntax: Unicode, named groups, no look-around, no back
/// references) matches in a text. Returns each match with byte, line and column, and its groups. `next`
/// is where to read on when there are more than `limit`.
#[tool(title = "Search text", read_only, idempotent)]
pub fn search(
    /// The text to search, at most 1 MiB.
    text: String,
    /// A regular expression in the syntax of Rust's `regex`, at most 4 KiB: Unicode, named groups
    /// `(?<name>…)`, no look-around and no back references.
    pattern: String,
    /// How to read the pattern; nothing of it when absent.
    flags: Option<Vec<PatternFlag>>,
    /// Most matches to return: 1 to 10,000; 100 when absent.
    limit: Option<u32>,
    /// The byte at which to begin, as `next` says; 0 when absent. What stands before it still counts
    /// for `^` and `\b`.
    start: Option<u32>,
) -> Result<Json<Found>> {
    let regex = pattern::compile(&pattern, &flags.unwrap_or_default()).map_err(refused)?;
    told(crate::search::search(&text, &regex, limit, start, &mut go_on))
}

/// Replaces what a regular expression (Rust syntax) matches in a text and returns the new text. In the
/// replacement, $1 or ${name} is a group, $0 the match, $$ a dollar sign. Changes no file.
#[tool(title = "Replace in text", read_only, idempotent)]
pub fn replace(
    /// The text to change, at most 1 MiB.
    text: String,
    /// A regular expression, as in `search`.
    pattern: String,
    /// How to read the pattern; nothing of it when absent.
    flags: Option<Vec<PatternFlag>>,
    /// What to put there, at most 64 KiB: `$1` or `${1}` is a group by number (`$0` the match),
    /// `${name}` one by name, `$$` a dollar sign. A group that took no part is empty; one that the
    /// pattern does not have is refused.
    replacement: String,
    /// Most matches to replace, from the left, 1 or more; all when absent.
    limit: Option<u32>,
) -> Result<Json<Replaced>> {
    let regex = pattern::compile(&pattern, &flags.unwrap_or_default()).map_err(refused)?;
    told(replacement::replace(&text, &regex, &replacement, limit, &mut go_on))
}

/// Fills in a mustache-like template from a JSON object given as text: {{name}}, {{a.b}}, {{.}},
/// {{#list}}...{{/list}}, {{^none}}...{{/none}}, {{! comment }}. Nothing is escaped. A name that the
/// data does not have is an error unless `missing` is "empty".
#[tool(title = "Fill in a template", read_only, idempotent)]
pub fn template(
    /// The template, at most 1 MiB. Sections nest at most 32 deep.
    template: String,
    /// The data, as the text of a JSON object.
    data: String,
    /// What a name means that the data does not have; `error` when absent.
    missing: Option<Missing>,
) -> Result<Json<Filled>> {
    let filled = templates::fill(&template, &data, missing.unwrap_or_default());
    told(filled.map(|text| Filled { text }))
}

/// Selects values of a JSON document given as text with a JSONPath query (RFC 9535), as
/// `$.items[?@.price < 10].name`. Returns each value as JSON text with its normalized path.
#[tool(title = "Query JSON", read_only, idempotent)]
pub fn json_path(
    /// The document, as text.
    document: String,
    /// A JSONPath query (RFC 9535) of at most 1 KiB, as `$.items[?@.price < 10].name`.
    query: String,
    /// Most nodes to return: 1 to 10,000; 1,000 when absent.
    limit: Option<u32>,
) -> Result<Json<Selected>> {
    told(path::select(&document, &query, limit, &mut go_on))
}

/// Reads CSV or TSV text into typed columns, or with shape "records" into JSON objects. Rows with too
/// few or too many cells are reported and kept. Numbers that would not survive, such as 007, stay text.
#[tool(title = "Read CSV", read_only, idempotent)]
pub fn csv(
    /// CSV as in RFC 4180, with LF or CR LF. At most 50,000 rows, 1,000 columns, 100,000 cells.
    text: String,
    /// What stands between cells, one ASCII character: `,` when absent, a tab for TSV.
    delimiter: Option<char>,
    /// Whether the first row holds the names; true when absent.
    header: Option<bool>,
    /// Whether to tell numbers and truth values from text; true when absent.
    typed: Option<bool>,
    /// How to return the values; `columns` when absent.
    shape: Option<CsvShape>,
) -> Result<Json<Table>> {
    let reading = table::Reading {
        delimiter,
        header: header.unwrap_or(true),
        typed: typed.unwrap_or(true),
        records: shape == Some(CsvShape::Records),
    };
    told(table::read(&text, reading))
}

/// Writes a JSON list of objects or of lists, given as text, as CSV or TSV. Returns the text; writes
/// no file.
#[tool(title = "Write CSV", read_only, idempotent)]
pub fn csv_write(
    /// The rows, as the text of a JSON list: of objects, or of lists of cells of one length. A cell
    /// is text, a number, a truth value or `null`, which is empty.
    records: String,
    /// The columns to write, in this order, 1 to 1,000. When absent: of objects every member, in
    /// the order in which they first come; of lists no header.
    columns: Option<Vec<String>>,
    /// What to put between cells, one ASCII character: `,` when absent.
    delimiter: Option<char>,
    /// Whether to write the names first; true when absent.
    header: Option<bool>,
    /// Whether lines end with CR LF, as RFC 4180 has it, rather than LF; false when absent.
    crlf: Option<bool>,
) -> Result<Json<Written>> {
    let (header, crlf) = (header.unwrap_or(true), crlf.unwrap_or(false));
    told(table::write(&records, table::Writing { columns, delimiter, header, crlf }))
}

fn told<T>(answer: Result<T, Refusal>) -> Result<Json<T>> {
    answer.map(Json).map_err(refused)
}

fn refused(refusal: Refusal) -> Error {
    let error = Error::new(refusal.kind(), refusal.to_string()).code(refusal.code());
    match refusal.hint() {
        Some(hint) => error.data(json!({ "hint": hint })),
        None => error,
    }
}

fn go_on() -> bool {
    !task::cancelled()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_member_and_what_to_write_instead() {
        let error = replace("a".to_owned(), "a".to_owned(), None, "$x".to_owned(), None)
            .map(drop)
            .expect_err("`$x` is no group");
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, "replacement"));
        assert!(error.data.expect("a hint")["hint"].is_string());
        let open = csv("\"a".to_owned(), None, None, None, None).map(drop).expect_err("open");
        assert_eq!((open.code.as_str(), open.data), ("text", None));
    }
}
