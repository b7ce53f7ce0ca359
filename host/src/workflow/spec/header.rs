//! What a workflow file says above its steps.

use ax_manifest::Digest;
use ax_manifest::reading::{Node, Section, Value, check_kebab, parse};
use serde_json::Value as Json;

use super::entry::steps;
use super::error::{SpecFlaw, Wrong};
use super::reading::Reading;
use super::{Draft, PARALLEL_DEFAULT, PARALLEL_MAX, SPEC_BYTES_MAX, Spec, value};
use crate::workflow::budget::Budget;

/// Keys of the file.
const KEYS: &[&str] =
    &["name", "title", "summary", "input", "output", "budget", "max-parallel", "step"];

/// Keys under `budget`.
const BUDGET_KEYS: &[&str] = &["usd", "tokens", "calls", "minutes", "at-limit"];

/// Characters of a workflow's name, which is part of a tool's name for MCP clients.
const NAME_CHARS_MAX: usize = 32;

/// Characters of the title: one line of a list.
const TITLE_CHARS_MAX: usize = 80;

/// Characters of the summary, which every model reads that could choose the workflow.
const SUMMARY_CHARS_MAX: usize = 1_000;

/// Tokens of one task that can be asked for: what a large model reads in a day, many times over.
const TOKENS_MAX: u64 = 10_000_000_000;

/// Calls of tools of one task that can be asked for; each is two entries of the journal.
const CALLS_MAX: u64 = 1_000_000;

/// Millionths of a US dollar of one task that can be asked for: 10,000 USD.
const MICRO_USD_MAX: u64 = 10_000_000_000;

/// Minutes of one task that can be asked for: 30 days.
const MINUTES_MAX: u64 = 30 * 24 * 60;

/// Reads a whole file.
pub(super) fn read(reading: &mut Reading<'_>, text: &str) -> Option<Draft> {
    if text.len() > SPEC_BYTES_MAX {
        reading.note_at(0, SpecFlaw::TooLarge { bytes: text.len() });
        return None;
    }
    let root = reading.keep(parse(text))?;
    let section = reading.open(&root, "", KEYS)?;
    let max_parallel = section.small_count("max-parallel", PARALLEL_MAX as u32);
    let max_parallel = reading.keep(max_parallel).flatten().map(|it| it as usize);
    let (budget, fails_at_limit) = budget(reading, &section);
    let mut spec = Spec {
        digest: Digest::of(text.as_bytes()),
        name: name(reading, &section).unwrap_or_default(),
        title: reading.keep(section.line("title", TITLE_CHARS_MAX)).flatten(),
        summary: reading.keep(section.lines("summary", SUMMARY_CHARS_MAX)).flatten(),
        input: section.get("input").and_then(|node| schema(reading, node, "input", true)),
        output: section.get("output").and_then(|node| value::template(reading, node)),
        budget,
        fails_at_limit,
        max_parallel: max_parallel.unwrap_or(PARALLEL_DEFAULT),
        steps: Vec::new(),
    };
    let unread = steps(reading, &section, &mut spec);
    Some(Draft { spec, unread })
}

fn name(reading: &mut Reading<'_>, section: &Section<'_, '_>) -> Option<String> {
    let node = reading.keep(section.required("name"))?;
    kebab(reading, node, "name", NAME_CHARS_MAX)
}

/// Reads a kebab-case name.
pub(super) fn kebab(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    chars_max: usize,
) -> Option<String> {
    let text = reading.keep(node.text(path))?;
    match check_kebab(text, chars_max) {
        Ok(()) => Some(text.to_owned()),
        Err(why) => {
            let (key, text) = (path.to_owned(), text.to_owned());
            reading.note_at(node.at, SpecFlaw::Name { key, text, why, chars_max });
            None
        }
    }
}

/// Reads a JSON Schema, as far as its outside goes; what is inside is somebody else's language.
pub(super) fn schema(
    reading: &mut Reading<'_>,
    node: &Node,
    path: &str,
    is_object: bool,
) -> Option<Json> {
    reading.keep(node.entries(path))?;
    let schema = reading.keep(node.to_json())?;
    let ty = schema.get("type");
    let why = match ty {
        _ if is_object && ty != Some(&Json::from("object")) => "its `type` is not \"object\"",
        _ if schema.get("properties").is_some_and(|it| !it.is_object()) => {
            "its `properties` is no table"
        }
        Some(Json::String(_) | Json::Array(_)) | None => return Some(schema),
        Some(_) => "its `type` is no text",
    };
    reading.note_at(node.at, SpecFlaw::Schema { key: path.to_owned(), why });
    None
}

/// Reads what it may use, and whether it fails at the limit.
fn budget(reading: &mut Reading<'_>, section: &Section<'_, '_>) -> (Budget, bool) {
    let default = Budget::default();
    let nothing = (default, false);
    let Some(node) = section.get("budget") else { return nothing };
    let Some(section) = reading.open(node, "budget", BUDGET_KEYS) else { return nothing };
    let tokens = reading.keep(section.count("tokens", TOKENS_MAX)).flatten();
    let calls = reading.keep(section.count("calls", CALLS_MAX)).flatten();
    let cost = reading.keep(section.micro_usd("usd", MICRO_USD_MAX)).flatten();
    let minutes = reading.keep(section.count("minutes", MINUTES_MAX)).flatten();
    let fails = reading.choice(&section, "at-limit", &["ask", "fail"], &[false, true]);
    let budget = Budget {
        tokens: tokens.or(default.tokens),
        cost_micro_usd: cost.or(default.cost_micro_usd),
        calls: calls.or(default.calls),
        fuel: default.fuel,
        ms: minutes.map(|minutes| minutes * 60_000).or(default.ms),
    };
    (budget, fails.unwrap_or(false))
}

/// Makes the error for a value of another type than is wanted.
pub(super) fn wrong_type(node: &Node, key: &str, wanted: &'static str) -> Wrong {
    node.wrong_type(key, wanted).into()
}

/// Answers whether a value is a table.
pub(super) fn is_table(node: &Node) -> bool {
    matches!(node.value, Value::Table(_))
}
