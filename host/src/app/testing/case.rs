//! One case of `ax test`: the world it happens in, what is called, what must come of it.
//!
//! ```toml
//! [[case]]
//! name = "what was remembered is recalled"    # else the tool's name
//! before = [{ tool = "remember", input = { key = "milk", text = "2 l" } }]
//! tool = "recall"
//! input = { key = "milk" }                    # or input-from = "order.json"
//! allow = ["kv"]
//! text = "2 l"
//! ```
//!
//! A line of JSON with the same members is a case too.
//!
//! Invariant: a case of a file expects something, and whatever it names is checked before it runs.
//! Not here: what it has around it (`world`), running it (`testing`), comparing (`expect`).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::expect::Expect;
use super::given::Given;
use super::http::Exchange;
use super::model::Question;
use super::tree::TreeError;
use super::world::CaseWorld;
use crate::plugin::scrub;

/// Cases of a project. All of them are held while they run.
pub(super) const CASES_MAX: usize = 10_000;

/// Bytes of a case's name that are kept: it stands on one line.
const NAME_BYTES_MAX: usize = 200;

/// Bytes of what a parser says. The names of all members fit.
const SYNTAX_BYTES_MAX: usize = 1_024;

/// Why cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] TreeError),
    /// A line that a program sent is too long.
    #[error("it has more than {}", ax_manifest::ByteSize(*.bytes_max))]
    TooLong {
        /// The bound.
        bytes_max: u64,
    },
    /// All files together are too much.
    #[error(
        "all cases and what they name have more than {} together",
        ax_manifest::ByteSize(super::given::ALL_BYTES_MAX)
    )]
    TooMuch,
    /// There are too many.
    #[error("there are more than {CASES_MAX} cases")]
    TooMany,
    /// It is no TOML or JSON, or has members that are not known.
    #[error("{0}")]
    Syntax(String),
    /// A member of a case is wrong.
    #[error("{case}: `{member}`: {why}")]
    Member {
        /// Which case: its name, or its number from 1.
        case: String,
        /// Which member.
        member: &'static str,
        /// Why.
        why: String,
    },
    /// Nothing is expected, so nothing could fail.
    #[error("{case} expects nothing; add text, structured, golden or error")]
    Nothing {
        /// Which case.
        case: String,
    },
}

/// A call of a tool.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) tool: String,
    #[serde(default = "nothing")]
    pub(super) input: Value,
}

/// A case, checked.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// Calls that are made first, and have to succeed.
    pub(super) before: Vec<Step>,
    pub(super) step: Step,
    pub(super) world: CaseWorld,
    pub(super) expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Written>,
}

/// A case as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    name: Option<String>,
    #[serde(default)]
    pub(super) before: Vec<Step>,
    tool: String,
    input: Option<Value>,
    input_from: Option<String>,
    #[serde(default)]
    pub(super) allow: Vec<String>,
    #[serde(default)]
    pub(super) config: Map<String, Value>,
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) now: Option<String>,
    pub(super) workspace: Option<String>,
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) http: Vec<Exchange>,
    #[serde(default)]
    pub(super) model: Vec<Question>,
    pub(super) text: Option<String>,
    pub(super) structured: Option<Value>,
    pub(super) golden: Option<String>,
    pub(super) error: Option<String>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) log: Vec<String>,
    #[serde(default)]
    pub(super) denied: Vec<String>,
    #[serde(default)]
    pub(super) wrote: BTreeMap<String, String>,
    pub(super) fuel_max: Option<u64>,
    pub(super) memory_max: Option<String>,
}

/// Says what is wrong with a member.
pub(super) type Wrong = (&'static str, String);

fn nothing() -> Value {
    json!({})
}

/// Reads a file of cases.
pub(super) fn read_cases(name: &Path, given: &Given<'_>) -> Result<Vec<Case>, CaseError> {
    let text = given.read(name)?;
    let file: File = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        syntax(&format!("line {line}: {}", error.message()))
    })?;
    if file.case.len() > CASES_MAX {
        return Err(CaseError::TooMany);
    }
    let numbered = file.case.into_iter().zip(1..);
    let cases = numbered.map(|(written, number)| {
        let case = checked(written, &format!("case {number}"), given)?;
        match case.expect.is_empty() {
            true => Err(CaseError::Nothing { case: format!("case {number}") }),
            false => Ok(case),
        }
    });
    cases.collect()
}

/// Reads one case from a line of JSON. It may expect nothing: whoever sends it compares.
pub(super) fn parse_line(line: &str, given: &Given<'_>) -> Result<Case, CaseError> {
    let written: Written =
        serde_json::from_str(line).map_err(|error| syntax(&error.to_string()))?;
    checked(written, "the case", given)
}

/// What a parser says, which may quote the file, on one line.
fn syntax(said: &str) -> CaseError {
    CaseError::Syntax(on_a_line(said, SYNTAX_BYTES_MAX))
}

/// Makes text of the project fit to stand on a line.
pub(super) fn on_a_line(text: &str, bytes_max: usize) -> String {
    scrub(&text.replace(['\n', '\t'], " "), bytes_max)
}

fn checked(written: Written, number: &str, given: &Given<'_>) -> Result<Case, CaseError> {
    let name = written.name.as_ref().map(|name| on_a_line(name, NAME_BYTES_MAX));
    let case = name.as_ref().map_or_else(|| number.to_owned(), |name| format!("`{name}`"));
    check(name, written, given).map_err(|(member, why)| CaseError::Member { case, member, why })
}

fn check(name: Option<String>, written: Written, given: &Given<'_>) -> Result<Case, Wrong> {
    let Written { tool, input, input_from, .. } = &written;
    let input = match (input, input_from) {
        (Some(_), Some(_)) => return Err(("input-from", "`input` is given too".to_owned())),
        (Some(input), None) => input.clone(),
        (None, Some(file)) => given.json(file).map_err(|why| ("input-from", why))?,
        (None, None) => nothing(),
    };
    let name = name.unwrap_or_else(|| on_a_line(tool, NAME_BYTES_MAX));
    let expect = Expect::check(&written)?;
    let step = Step { tool: tool.clone(), input };
    let (before, world) = CaseWorld::check(written, given)?;
    Ok(Case { name, before, step, world, expect })
}
