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
//! Not here: running it (`testing`), comparing (`expect`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ax_manifest::Permission;
use fs_err as fs;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::expect::Expect;
use super::http::Exchange;
use crate::egress::script::Line;
use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;

/// Bytes of a file of cases, and of each file that a case names.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// When cases happen that do not say when: 2026-01-01T00:00:00Z, in milliseconds since 1970.
const NOW_MS: u64 = 1_767_225_600_000;

/// Why a file of cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The operating system refuses.
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    /// It is too long.
    #[error("it has {bytes} bytes, at most {FILE_BYTES_MAX} are read")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
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

/// What a case has around it; nothing is shared with another one.
#[derive(Debug)]
pub(super) struct CaseWorld {
    /// What its calls may do.
    pub(super) allow: Vec<Permission>,
    /// What the operator has set.
    pub(super) config: Map<String, Value>,
    pub(super) secrets: BTreeMap<SecretName, SecretValue>,
    /// When it begins, in milliseconds since 1970.
    pub(super) now_ms: u64,
    /// Copied into the workspace.
    pub(super) workspace: Option<PathBuf>,
    /// Written into the workspace, by their paths.
    pub(super) files: BTreeMap<String, String>,
    /// What requests get.
    pub(super) http: Vec<Line>,
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
    before: Vec<Step>,
    tool: String,
    input: Option<Value>,
    input_from: Option<String>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    now: Option<String>,
    workspace: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    http: Vec<Exchange>,
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

/// Reads a file of cases; what they name lies in `folder`.
pub(super) fn read_cases(path: &Path, folder: &Path) -> Result<Vec<Case>, CaseError> {
    let text = read(path)?;
    let file: File = toml::from_str(&text).map_err(|error| CaseError::Syntax(error.to_string()))?;
    let numbered = file.case.into_iter().zip(1..);
    let cases = numbered.map(|(written, number)| {
        let case = checked(written, &format!("case {number}"), folder)?;
        match case.expect.is_empty() {
            true => Err(CaseError::Nothing { case: format!("case {number}") }),
            false => Ok(case),
        }
    });
    cases.collect()
}

/// Reads one case from a line of JSON. It may expect nothing: whoever sends it compares.
pub(super) fn parse_line(line: &str, folder: &Path) -> Result<Case, CaseError> {
    let written: Written =
        serde_json::from_str(line).map_err(|error| CaseError::Syntax(error.to_string()))?;
    checked(written, "the case", folder)
}

fn read(path: &Path) -> Result<String, CaseError> {
    let bytes = fs::metadata(path).map_err(CaseError::Read)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(CaseError::TooLong { bytes });
    }
    fs::read_to_string(path).map_err(CaseError::Read)
}

fn checked(written: Written, number: &str, folder: &Path) -> Result<Case, CaseError> {
    let case = written.name.as_ref().map_or_else(|| number.to_owned(), |name| format!("`{name}`"));
    check(written, folder).map_err(|(member, why)| CaseError::Member { case, member, why })
}

fn check(written: Written, folder: &Path) -> Result<Case, Wrong> {
    let Written { name, tool, input, input_from, .. } = &written;
    let input = match (input, input_from) {
        (Some(_), Some(_)) => return Err(("input-from", "`input` is given too".to_owned())),
        (Some(input), None) => input.clone(),
        (None, Some(file)) => json_in(folder, file).map_err(|why| ("input-from", why))?,
        (None, None) => nothing(),
    };
    let name = name.clone().unwrap_or_else(|| tool.clone());
    let expect = Expect::check(&written)?;
    let step = Step { tool: tool.clone(), input };
    let (before, world) = world(written, folder)?;
    Ok(Case { name, before, step, world, expect })
}

fn world(written: Written, folder: &Path) -> Result<(Vec<Step>, CaseWorld), Wrong> {
    let Written { before, allow, config, secrets, now, workspace, files, http, .. } = written;
    let permission = |text: &String| text.parse().map_err(|error| ("allow", format!("{error}")));
    let secret = |(name, value): (String, String)| {
        let name = name.parse::<SecretName>().map_err(|error| ("secrets", error.to_string()))?;
        let value = SecretValue::new(value.as_bytes());
        Ok::<_, Wrong>((name, value.map_err(|error| ("secrets", error.to_string()))?))
    };
    if let Some(stray) = files.keys().find(|path| !is_below(path)) {
        return Err(("files", format!("`{stray}` does not lie in the workspace")));
    }
    let workspace = match workspace {
        Some(name) if is_below(&name) && folder.join(&name).is_dir() => Some(folder.join(name)),
        Some(name) => return Err(("workspace", format!("there is no folder `{name}` beside it"))),
        None => None,
    };
    let world = CaseWorld {
        allow: allow.iter().map(permission).collect::<Result<_, _>>()?,
        config,
        secrets: secrets.into_iter().map(secret).collect::<Result<_, _>>()?,
        now_ms: now.map_or(Ok(NOW_MS), |text| instant(&text))?,
        workspace,
        files,
        http: http.into_iter().map(|it| it.line(folder)).collect::<Result<_, _>>()?,
    };
    Ok((before, world))
}

/// Reads a moment after 1970, in milliseconds.
fn instant(text: &str) -> Result<u64, Wrong> {
    let wrong = |why: String| ("now", format!("{why}; write it like 2026-01-01T00:00:00Z"));
    let at: jiff::Timestamp =
        text.parse().map_err(|error: jiff::Error| wrong(error.to_string()))?;
    u64::try_from(at.as_millisecond()).map_err(|_| wrong("it is before 1970".to_owned()))
}

/// Answers whether a path leads to something below where it begins.
pub(super) fn is_below(path: &str) -> bool {
    use std::path::Component;
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Reads a file that a case names.
pub(super) fn file_in(folder: &Path, name: &str) -> Result<String, String> {
    if !is_below(name) {
        return Err(format!("`{name}` does not lie beside it"));
    }
    read(&folder.join(name)).map_err(|error| match error {
        CaseError::Read(source) => format!("`{name}` cannot be read: {source}"),
        other => format!("`{name}`: {other}"),
    })
}

fn json_in(folder: &Path, name: &str) -> Result<Value, String> {
    let text = file_in(folder, name)?;
    serde_json::from_str(&text).map_err(|error| format!("`{name}` is no JSON: {error}"))
}
