//! What must come of a case, and how it differs.
//!
//! Invariant: comparing changes nothing; a golden answer is written only when somebody asks for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ax_manifest::ByteSize;
use serde_json::{Value, json};

use super::case::{Written, Wrong};
use super::given::{FILE_BYTES_MAX, is_below};
use super::tree::{Tree, TreeError};
use crate::egress::script::Departures;
use crate::plugin::{Content, ErrorKind, Output, Report, scrub};

/// Where golden answers lie, beside the cases.
const GOLDEN: &str = "golden";

/// Bytes of a golden answer; more is nothing that a person looks at before it is taken.
const GOLDEN_BYTES_MAX: u64 = 16 << 20;

/// Lines of a golden answer that are shown where it differs.
const SHOWN_LINES: usize = 12;

/// Bytes of each of them that are shown.
const SHOWN_LINE_BYTES: usize = 200;

/// Bytes that are shown of a value that is not as expected.
const SHOWN_BYTES: usize = 1_024;

/// What is expected.
#[derive(Debug)]
pub(super) struct Expect {
    /// What is read.
    text: Option<String>,
    /// What is computed with.
    structured: Option<Value>,
    /// The name of the file that holds the whole answer.
    golden: Option<String>,
    failure: Option<Failure>,
    /// Texts, each in some line of the log.
    log: Vec<String>,
    /// Permissions that are refused, and no others.
    denied: Vec<String>,
    /// Files of the workspace afterwards.
    wrote: BTreeMap<String, String>,
    fuel_max: Option<u64>,
    memory_max: Option<ByteSize>,
}

/// A failure that is expected.
#[derive(Debug)]
struct Failure {
    kind: ErrorKind,
    code: Option<String>,
    /// A part of the message.
    message: Option<String>,
}

/// What a case came to, to be compared.
pub(super) struct Outcome<'a> {
    pub(super) report: &'a Report,
    pub(super) departures: &'a Departures,
    /// The workspace, if there is one.
    pub(super) workspace: Option<&'a Tree>,
}

impl Expect {
    /// Checks what is written.
    pub(super) fn check(written: &Written) -> Result<Self, Wrong> {
        let Written { text, structured, golden, error, code, message, log, .. } = written;
        if let Some(stray) = golden.iter().find(|name| !is_below(name)) {
            return Err(("golden", format!("`{stray}` is no name of a file")));
        }
        let is_answer = text.is_some() || structured.is_some();
        if is_answer && (error.is_some() || golden.is_some()) {
            let why = "a case expects text and structured, or golden, or error".to_owned();
            return Err((if error.is_some() { "error" } else { "golden" }, why));
        }
        if error.is_none() && (code.is_some() || message.is_some()) {
            let member = if code.is_some() { "code" } else { "message" };
            return Err((member, "it belongs to `error`".to_owned()));
        }
        if let Some(stray) = written.wrote.keys().find(|path| !is_below(path)) {
            return Err(("wrote", format!("`{stray}` does not lie in the workspace")));
        }
        let size = |text: &String| {
            text.parse().map_err(|error| ("memory-max", format!("`{text}`: {error}")))
        };
        let failure = |word: &String| {
            let kind = ErrorKind::parse(word).ok_or_else(|| {
                let known = ErrorKind::ALL.map(|kind| format!("`{}`", kind.word())).join(", ");
                ("error", format!("`{word}` is no kind of error; it is one of {known}"))
            })?;
            Ok::<_, Wrong>(Failure { kind, code: code.clone(), message: message.clone() })
        };
        Ok(Self {
            text: text.clone(),
            structured: structured.clone(),
            golden: golden.clone(),
            failure: error.as_ref().map(failure).transpose()?,
            log: log.clone(),
            denied: written.denied.clone(),
            wrote: written.wrote.clone(),
            fuel_max: written.fuel_max,
            memory_max: written.memory_max.as_ref().map(size).transpose()?,
        })
    }

    /// Answers whether nothing is expected of the answer.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none()
            && self.structured.is_none()
            && self.golden.is_none()
            && self.failure.is_none()
    }

    /// Says what is not as expected, a line each; the golden answer is compared by
    /// [`Expect::compare_golden`]. What is quoted is cut.
    pub(super) fn compare(&self, outcome: &Outcome<'_>) -> Vec<String> {
        let report = outcome.report;
        let mut failures = self.compare_result(report);
        failures.extend(self.compare_effects(outcome));
        if let Some(max) = self.fuel_max.filter(|max| report.usage.fuel > *max) {
            let fuel = report.usage.fuel;
            failures.push(format!("it used {fuel} fuel, at most {max} was expected"));
        }
        let peak = ByteSize(report.usage.memory_peak_bytes);
        if let Some(max) = self.memory_max.filter(|max| peak > *max) {
            failures.push(format!("it used {peak} of memory, at most {max} was expected"));
        }
        failures
    }

    /// Says where the answer differs from the golden one, which lies beside the cases.
    pub(super) fn compare_golden(&self, report: &Report, tests: Option<&Tree>) -> Option<String> {
        self.golden.as_ref().and_then(|name| differs(tests, name, report))
    }

    fn compare_result(&self, report: &Report) -> Vec<String> {
        match (&report.result, &self.failure) {
            (Ok(output), None) => self.compare_output(output),
            (Ok(_), Some(Failure { kind, .. })) => {
                vec![format!("it should fail with `{}`, and did not", kind.word())]
            }
            // A golden answer says itself what is in it, and who expects nothing compares elsewhere.
            (Err(_), None) if self.golden.is_some() || self.is_empty() => Vec::new(),
            (Err(error), None) => {
                vec![format!("it failed with `{}`: {error}", error.kind().word())]
            }
            (Err(error), Some(Failure { kind, .. })) if error.kind() != *kind => {
                let (kind, got) = (kind.word(), error.kind().word());
                vec![format!("it should fail with `{kind}`, and failed with `{got}`: {error}")]
            }
            (Err(error), Some(Failure { code, message, .. })) => {
                let said = error.to_string();
                let got = error.code();
                let code = code.as_ref().filter(|code| *code != got);
                let message = message.as_ref().filter(|part| !said.contains(part.as_str()));
                let code = code.map(|code| format!("expected the code `{code}`, got `{got}`"));
                let message = message.map(|part| format!("expected {part:?} in {said:?}"));
                code.into_iter().chain(message).collect()
            }
        }
    }

    fn compare_output(&self, output: &Output) -> Vec<String> {
        let mut failures = Vec::new();
        let (text, structured) = match output {
            Output::Value(value) => (value.as_str().map(str::to_owned), Some(value)),
            Output::Content { content, structured } => (Some(read(content)), structured.as_ref()),
        };
        if let Some(expected) = &self.text
            && text.as_ref() != Some(expected)
        {
            let got = shown(text.map(Value::from));
            failures.push(format!("expected {}, got {got}", quoted(expected)));
        }
        if let Some(expected) = &self.structured
            && structured != Some(expected)
        {
            let (expected, got) = (shown(Some(expected.clone())), shown(structured.cloned()));
            failures.push(format!("expected {expected}, got {got}"));
        }
        failures
    }

    /// Compares what was logged, refused, asked of servers and written.
    fn compare_effects(&self, outcome: &Outcome<'_>) -> Vec<String> {
        let Outcome { report, departures, workspace } = outcome;
        let mut failures = Vec::new();
        let is_logged =
            |part: &&String| report.log.iter().any(|line| line.message.contains(part.as_str()));
        let unlogged = self.log.iter().filter(|part| !is_logged(part));
        failures.extend(unlogged.map(|part| format!("nothing in the log has {}", quoted(part))));
        let denied: Vec<String> =
            report.denials.iter().map(|denial| denial.permission.to_string()).collect();
        let granted = self.denied.iter().filter(|it| !denied.contains(it));
        failures.extend(granted.map(|it| format!("`{it}` should be refused, and was not")));
        let strays = departures.strays.iter();
        failures.extend(strays.map(|it| format!("`{it}` was asked, which no http of it answers")));
        let unused = departures.unused.iter();
        failures.extend(unused.map(|it| format!("`{it}` should be asked, and was not")));
        for (name, expected) in &self.wrote {
            let held = workspace.map(|folder| folder.read(Path::new(name), FILE_BYTES_MAX));
            let holds = match held {
                Some(Ok(held)) if held == *expected => continue,
                Some(Ok(held)) => format!("holds {}", quoted(&held)),
                Some(Err(error)) if !error.is_absent() => {
                    format!("cannot be compared: {}", error.in_full())
                }
                Some(Err(_)) | None => "is not there".to_owned(),
            };
            failures.push(format!("`{name}` should hold {}, and {holds}", quoted(expected)));
        }
        failures
    }

    /// Writes the golden answer, if there is to be one; answers whether it was another before.
    pub(super) fn bless(&self, tests: &Tree, report: &Report) -> Result<bool, TreeError> {
        let Some(name) = &self.golden else { return Ok(false) };
        let (name, text) = (golden_name(name), golden_text(report));
        match tests.read(&name, GOLDEN_BYTES_MAX) {
            Ok(held) if held == text => return Ok(false),
            Ok(_) | Err(TreeError::TooLong { .. } | TreeError::NotText { .. }) => {}
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error),
        }
        if text.len() as u64 > GOLDEN_BYTES_MAX {
            let name = name.display().to_string();
            return Err(TreeError::TooLong { name, bytes_max: GOLDEN_BYTES_MAX });
        }
        tests.replace(&name, &text)?;
        Ok(true)
    }
}

fn golden_name(name: &str) -> PathBuf {
    PathBuf::from(format!("{GOLDEN}/{name}.json"))
}

/// The whole answer, or why there is none, as a person would review it.
fn golden_text(report: &Report) -> String {
    let value = match &report.result {
        Ok(output) => json!({ "output": output }),
        Err(error) => json!({ "error": {
            "kind": error.kind().word(), "code": error.code(), "message": error.to_string(),
        } }),
    };
    format!("{value:#}\n")
}

/// Says where an answer differs from the golden one.
fn differs(tests: Option<&Tree>, name: &str, report: &Report) -> Option<String> {
    let held = match tests.map(|tests| tests.read(&golden_name(name), GOLDEN_BYTES_MAX)) {
        Some(Ok(held)) => held,
        Some(Err(error)) if !error.is_absent() => return Some(error.in_full()),
        Some(Err(_)) | None => {
            return Some(format!(
                "there is no {GOLDEN}/{name}.json; write it with `ax test --bless`"
            ));
        }
    };
    let got = golden_text(report);
    if held == got {
        return None;
    }
    let (held, got): (Vec<&str>, Vec<&str>) = (held.lines().collect(), got.lines().collect());
    let same = held.iter().zip(&got).take_while(|(held, got)| held == got).count();
    let lines = |mark: char, lines: &[&str]| -> String {
        let shown = lines.iter().skip(same).take(SHOWN_LINES);
        shown.map(|line| format!("\n  {mark} {}", scrub(line, SHOWN_LINE_BYTES))).collect()
    };
    Some(format!(
        "it differs from {GOLDEN}/{name}.json at line {}; take it with `ax test --bless`{}{}",
        same + 1,
        lines('-', &held),
        lines('+', &got)
    ))
}

/// Joins the pieces of text of an answer.
fn read(content: &[Content]) -> String {
    let pieces = content.iter().filter_map(|piece| match piece {
        Content::Text { text } => Some(text.as_str()),
        _ => None,
    });
    pieces.collect::<Vec<_>>().join("\n")
}

fn shown(value: Option<Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| scrub(&value.to_string(), SHOWN_BYTES))
}

fn quoted(text: &str) -> String {
    scrub(&format!("{text:?}"), SHOWN_BYTES)
}
