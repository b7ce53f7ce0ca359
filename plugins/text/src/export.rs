//! The plugin's face: WIT types in, WIT types out. Only in the component.
//!
//! Not here: any work on text (all other modules).

use bindings::ax::task::call;
use bindings::ax::types::types::Error;
use bindings::ax::types::types::ErrorKind;
use bindings::exports::ax::text::text as wit;

use crate::difference;
use crate::path;
use crate::pattern;
use crate::place::Place;
use crate::refusal::Refusal;
use crate::refusal::Sort;
use crate::replacement;
use crate::search;
use crate::table;
use crate::template;

/// What `wit-bindgen` writes for the world `plugin`.
mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Text;
    wit_bindgen::generate!({
        world: "ax:text/plugin",
        path: ["../../wit", "wit"],
        generate_all,
    });
    export!(Text with_types_in self);
}

struct Text;

impl wit::Guest for Text {
    fn diff(request: wit::DiffRequest) -> Result<wit::DiffAnswer, Error> {
        let difference = difference::compare(&difference::Comparison {
            old: &request.old,
            new: &request.new,
            context: request.context,
            old_name: request.old_name.as_deref(),
            new_name: request.new_name.as_deref(),
        })?;
        let hunks = difference.hunks.iter().map(|hunk| wit::Hunk {
            old_start: count(hunk.old_start),
            old_lines: count(hunk.old_lines),
            new_start: count(hunk.new_start),
            new_lines: count(hunk.new_lines),
        });
        Ok(wit::DiffAnswer {
            added: count(difference.added),
            removed: count(difference.removed),
            unchanged: count(difference.unchanged),
            hunks: hunks.collect(),
            unified: difference.unified,
        })
    }

    fn search(request: wit::SearchRequest) -> Result<wit::SearchAnswer, Error> {
        let regex = pattern::compile(&request.pattern, flags(request.flags))?;
        let (limit, start) = (request.limit, request.start);
        let found = search::search(&request.text, &regex, limit, start, &mut go_on)?;
        Ok(wit::SearchAnswer {
            matches: found.matches.into_iter().map(matched).collect(),
            next: found.next.map(count),
        })
    }

    fn replace(request: wit::ReplaceRequest) -> Result<wit::ReplaceAnswer, Error> {
        let regex = pattern::compile(&request.pattern, flags(request.flags))?;
        let (text, replacement) = (&request.text, &request.replacement);
        let replaced = replacement::replace(text, &regex, replacement, request.limit, &mut go_on)?;
        Ok(wit::ReplaceAnswer { text: replaced.text, count: count(replaced.count) })
    }

    fn template(request: wit::TemplateRequest) -> Result<wit::TemplateAnswer, Error> {
        let missing = match request.missing {
            None | Some(wit::Missing::Error) => template::Missing::Error,
            Some(wit::Missing::Empty) => template::Missing::Empty,
        };
        let text = template::fill(&request.template, &request.data, missing)?;
        Ok(wit::TemplateAnswer { text })
    }

    fn json_path(request: wit::JsonPathRequest) -> Result<wit::JsonPathAnswer, Error> {
        let selected = path::select(&request.document, &request.query, request.limit, &mut go_on)?;
        let nodes = selected.nodes.into_iter();
        Ok(wit::JsonPathAnswer {
            nodes: nodes.map(|node| wit::Node { path: node.path, value: node.value }).collect(),
            more: selected.more,
        })
    }

    fn csv(request: wit::CsvRequest) -> Result<wit::CsvAnswer, Error> {
        let records = matches!(request.shape, Some(wit::CsvShape::Records));
        let reading = table::Reading {
            delimiter: request.delimiter,
            header: request.header.unwrap_or(true),
            typed: request.typed.unwrap_or(true),
            records,
        };
        let table = table::read(&request.text, reading)?;
        let ragged = table.ragged.iter().map(|ragged| wit::RaggedRow {
            row: count(ragged.row),
            line: ragged.line,
            cells: count(ragged.cells),
        });
        Ok(wit::CsvAnswer {
            ragged: ragged.collect(),
            ragged_count: count(table.ragged_count),
            columns: table.columns.into_iter().map(|each| column(each, !records)).collect(),
            records: table.records,
            rows: count(table.rows),
        })
    }

    fn csv_write(request: wit::CsvWriteRequest) -> Result<wit::CsvWriteAnswer, Error> {
        let writing = table::Writing {
            columns: request.columns,
            delimiter: request.delimiter,
            header: request.header.unwrap_or(true),
            crlf: request.crlf.unwrap_or(false),
        };
        let written = table::write(&request.records, writing)?;
        Ok(wit::CsvWriteAnswer {
            text: written.text,
            rows: count(written.rows),
            columns: written.columns,
        })
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.sort() {
            Sort::Invalid => ErrorKind::Invalid,
            Sort::Exhausted => ErrorKind::Exhausted,
            Sort::Cancelled => ErrorKind::Cancelled,
        };
        let data = refusal.hint().map(|hint| serde_json::json!({ "hint": hint }).to_string());
        let (message, code) = (refusal.to_string(), refusal.code().to_owned());
        Self { kind, message, code, retry_after_ms: None, data }
    }
}

fn go_on() -> bool {
    !call::cancelled()
}

/// Gives a number of bytes, lines or items, all of which fit since texts have at most 1 MiB.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn flags(flags: Option<Vec<wit::PatternFlag>>) -> pattern::PatternFlags {
    let flags = flags.unwrap_or_default();
    pattern::PatternFlags {
        ignore_case: flags.contains(&wit::PatternFlag::IgnoreCase),
        multi_line: flags.contains(&wit::PatternFlag::MultiLine),
        dot_all: flags.contains(&wit::PatternFlag::DotAll),
        extended: flags.contains(&wit::PatternFlag::Extended),
    }
}

fn matched(found: search::Match<'_>) -> wit::Match {
    let groups = found.groups.into_iter().map(|group| wit::Group {
        number: count(group.number),
        name: group.name,
        start: count(group.start),
        end: count(group.start + group.text.len()),
        text: group.text.to_owned(),
    });
    wit::Match {
        start: place(found.start),
        end: place(found.end),
        text: found.text.to_owned(),
        groups: groups.collect(),
    }
}

fn place(place: Place) -> wit::Place {
    wit::Place { byte: count(place.byte), line: place.line, column: place.column }
}

fn column(column: table::Column, with_values: bool) -> wit::Column {
    let (type_, values) = match column.values {
        table::Values::Booleans(cells) => (wit::ColumnType::Boolean, wit::Values::Booleans(cells)),
        table::Values::Integers(cells) => (wit::ColumnType::Integer, wit::Values::Integers(cells)),
        table::Values::Numbers(cells) => (wit::ColumnType::Number, wit::Values::Numbers(cells)),
        table::Values::Texts(cells) => (wit::ColumnType::Text, wit::Values::Texts(cells)),
    };
    wit::Column {
        name: column.name,
        type_,
        empty: count(column.empty),
        values: with_values.then_some(values),
    }
}
