//! Turns values into text for people: tables, dates, answers of tools.

use ax_manifest::{ByteSize, Span};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::plugin::{Content, Limits, Output as Answer, scrub};
use crate::router::catalogue::{Basis, Cost};

/// Columns a cell may have; more is cut, since one long text would push all others off the screen.
const CELL: usize = 60;
/// Columns of the table of a tool's answer.
const WIDTH: usize = 110;

/// Lays rows of named cells out as a table; the first row's names are the header. Numbers are
/// aligned to the right.
pub(super) fn table<R, N>(rows: impl Iterator<Item = R>) -> String
where
    R: IntoIterator<Item = (N, String)>,
    N: Into<String>,
{
    let mut header: Vec<String> = Vec::new();
    let mut lines: Vec<Vec<String>> = Vec::new();
    for row in rows {
        let (names, cells): (Vec<String>, Vec<String>) =
            row.into_iter().map(|(name, cell)| (name.into(), cell)).unzip();
        header = if header.is_empty() { names } else { header };
        lines.push(cells);
    }
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.chain(header.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let numeric: Vec<bool> = (0..header.len())
        .map(|column| {
            let mut cells = lines.iter().filter_map(|line| line.get(column)).peekable();
            cells.peek().is_some() && cells.all(|cell| cell.parse::<f64>().is_ok())
        })
        .collect();
    let mut text = String::new();
    for line in std::iter::once(&header).chain(&lines) {
        let cells =
            line.iter().zip(&widths).zip(&numeric).map(|((cell, width), numeric)| match numeric {
                true => format!("{}{cell}", gap(cell, *width)),
                false => format!("{cell}{}", gap(cell, *width)),
            });
        let joined = cells.collect::<Vec<_>>().join("  ");
        text.push_str(joined.trim_end());
        text.push('\n');
    }
    text
}

/// What a cell lacks to its column's width, which may be more than a format takes.
fn gap(cell: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(cell.chars().count()))
}

/// Writes a number of things: `1 plugin`, `2 plugins`.
pub(super) fn counted(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => format!("1 {thing}"),
        many => format!("{many} {thing}s"),
    }
}

/// Writes what something cost, in dollars.
pub(super) fn money(cost: &Cost) -> String {
    let micro = cost.micro_usd;
    let about = match cost.basis {
        Basis::Reported => "",
        Basis::Estimated => "about ",
    };
    format!("{about}{}", dollars(micro))
}

/// Writes millionths of a dollar.
pub(super) fn dollars(micro: u64) -> String {
    format!("${}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

/// Writes a size as people read it, with at most one decimal; [`ByteSize`] is exact, and so often long.
pub(super) fn size(bytes: u64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        // Cut off, not rounded: 1023.99 KiB are not 1024.0.
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} B"),
    }
}

/// Writes a time as people read it, in UTC.
pub(super) fn date(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match at {
        Some(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => format!("{at_ms} ms"),
    }
}

/// Writes the limits of a plugin.
pub(super) fn limits(limits: &Limits) -> String {
    let rows = [
        ("fuel", limits.fuel.to_string()),
        ("deadline", Span(limits.deadline).to_string()),
        ("memory", ByteSize(limits.memory_bytes).to_string()),
        ("input", ByteSize(limits.input_bytes).to_string()),
        ("result", ByteSize(limits.result_bytes).to_string()),
        ("hostcall-bytes", ByteSize(limits.host_call_bytes).to_string()),
        ("log", format!("{} lines, {}", limits.log_lines, ByteSize(limits.log_bytes))),
        ("concurrency", limits.concurrency.to_string()),
    ];
    rows.iter().map(|(name, value)| format!("  {name:<15} {value}\n")).collect()
}

/// Writes the answer of a tool. Whatever a guest put into it, nothing moves the cursor or hides.
pub(super) fn answer(answer: &Answer) -> String {
    let text = match answer {
        Answer::Value(value) => render(value),
        Answer::Content { content, structured } => {
            let pieces: String = content.iter().map(piece).collect();
            match structured {
                Some(value) if pieces.is_empty() => render(value),
                _ => pieces,
            }
        }
    };
    // The size was bounded with the result.
    scrub(&text, usize::MAX)
}

fn piece(content: &Content) -> String {
    match content {
        Content::Text { text } => format!("{text}\n"),
        Content::Image(media) | Content::Audio(media) | Content::File(media) => {
            format!("[{}, {} characters of base64]\n", media.media_type, media.data.len())
        }
        Content::Link { uri, name, .. } => format!("{name}: {uri}\n"),
        Content::Other { value } => format!("{value}\n"),
    }
}

/// Writes any JSON: lists of records as tables, records as lines, the rest as it is.
fn render(value: &Value) -> String {
    match value {
        Value::Object(members) => record(members),
        Value::Array(items) => list(items).unwrap_or_else(|| plain(value)),
        _ => plain(value),
    }
}

fn record(members: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (name, member) in members {
        let block = match member {
            Value::Array(items) => list(items),
            Value::Object(inner) => Some(records_table(&[inner])),
            _ => None,
        };
        match block {
            Some(block) => text.push_str(&format!("{}\n{}\n", on_a_line(name), indent(&block))),
            None if matches!(member, Value::Array(items) if items.is_empty()) => {}
            None => text.push_str(&format!("{}: {}\n", on_a_line(name), cell(member))),
        }
    }
    text
}

/// A list of records is a table; a list of anything else one line each.
fn list(items: &[Value]) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    let records: Option<Vec<_>> = items.iter().map(Value::as_object).collect();
    match records {
        Some(records) => Some(records_table(&records)),
        None => Some(items.iter().map(|item| format!("{}\n", cell(item))).collect()),
    }
}

/// Lays nested records flat and shows as many columns as fit on a screen, in their own order.
fn records_table(records: &[&Map<String, Value>]) -> String {
    let mut paths: Vec<String> = Vec::new();
    let rows: Vec<Vec<(String, String)>> = records
        .iter()
        .map(|record| {
            let mut cells = Vec::new();
            flatten("", record, &mut cells);
            cells
        })
        .collect();
    for (path, _) in rows.iter().flatten() {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    let find = |row: &[(String, String)], path: &str| {
        row.iter().find(|(known, _)| known == path).map_or("-".to_owned(), |(_, cell)| cell.clone())
    };
    let mut shown: Vec<(String, Vec<String>)> = Vec::new();
    let mut width = 0;
    for path in &paths {
        let cells: Vec<String> = rows.iter().map(|row| find(row, path)).collect();
        let header = short_name(path, &paths);
        let widest = cells.iter().chain([&header]).map(|cell| cell.chars().count()).max();
        width += widest.unwrap_or(0) + 2;
        if width > WIDTH && !shown.is_empty() {
            break;
        }
        shown.push((header, cells));
    }
    let left_out = paths.len() - shown.len();
    let mut text = table((0..rows.len()).map(|row| {
        shown
            .iter()
            .map(move |(name, cells)| (name.clone(), cells[row].clone()))
            .collect::<Vec<_>>()
    }));
    if left_out > 0 {
        text.push_str(&format!("({left_out} more columns with --json)\n"));
    }
    text
}

/// Collects the leaves of a record with their dotted paths; lists are leaves.
fn flatten(prefix: &str, members: &Map<String, Value>, cells: &mut Vec<(String, String)>) {
    for (name, member) in members {
        match member {
            Value::Object(inner) => flatten(&format!("{prefix}{name}."), inner, cells),
            Value::Array(items) if items.is_empty() => {}
            _ => cells.push((on_a_line(&format!("{prefix}{name}")), cell(member))),
        }
    }
}

/// Returns the shortest end of a path that is the first of its kind.
fn short_name(path: &str, paths: &[String]) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    let ends = (0..parts.len()).rev().map(|from| parts[from..].join("."));
    let is_first = |end: &String| {
        let like = |other: &&String| *other == end || other.ends_with(&format!(".{end}"));
        paths.iter().find(like).is_some_and(|first| first == path)
    };
    ends.into_iter().find(is_first).unwrap_or_else(|| path.to_owned())
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::String(text) => on_a_line(text),
        Value::Null => "-".to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(real) if number.is_f64() => format!("{real:.2}"),
            _ => number.to_string(),
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    if text.chars().count() <= CELL {
        return text;
    }
    text.chars().take(CELL - 1).chain(['…']).collect()
}

/// Keeps a text from going on at the beginning of a line.
fn on_a_line(text: &str) -> String {
    text.replace(['\n', '\t'], " ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Null => String::new(),
        other => format!("{}\n", serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_of_records_is_a_table_with_numbers_to_the_right() {
        let value = json!({
            "languages": [
                { "name": "Rust", "lines": 12, "complexity": { "max": 3, "mean": 1.5 } },
                { "name": "C", "lines": 1234, "complexity": { "max": 10, "mean": 2.0 } },
            ],
            "skipped": [],
            "note": null,
        });
        insta::assert_snapshot!(render(&value), @r"
        languages
          name  lines  max  mean
          Rust     12    3  1.50
          C      1234   10  2.00

        note: -
        ");
    }

    #[test]
    fn an_answer_moves_no_cursor() {
        let value = json!({ "a\u{1b}[2J": "\u{9b}1A\u{202e}x", "list": ["\u{7}"] });
        let text = answer(&Answer::Value(value));
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'));
        let value = json!({ "a\nb": "c\nd", "list\nx": [{ "e\nf": 1 }] });
        insta::assert_snapshot!(answer(&Answer::Value(value)), @r"
        a b: c d
        list x
          e f
            1
        ");
    }

    #[test]
    fn a_long_text_does_not_push_the_table_apart() {
        let value = json!([{ "text": "x".repeat(200) }]);
        assert!(render(&value).lines().all(|line| line.chars().count() <= CELL));
    }

    #[test]
    fn a_size_has_one_decimal_and_is_never_said_too_large() {
        let shown: Vec<String> =
            [0, 1_023, 1_024, 5_000, (1 << 20) - 1, 1 << 20, 13_600_000, u64::MAX]
                .map(size)
                .to_vec();
        let expected = ["0 B", "1023 B", "1.0 KiB", "4.8 KiB", "1023.9 KiB", "1.0 MiB", "12.9 MiB"];
        assert_eq!(shown[..7], expected);
        assert_eq!(shown[7], "17179869183.9 GiB");
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(date(0), "1970-01-01 00:00:00");
        assert_eq!(date(u64::MAX), "18446744073709551615 ms");
    }
}
