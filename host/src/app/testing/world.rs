//! What a case has around it, checked: permissions, settings, secrets, variables, files, servers, models.
//!
//! Invariant: nothing is shared with another case, and nothing of it is the operator's.
//! Not here: setting it up (`stage`).

use std::collections::BTreeMap;
use std::path::Path;

use ax_manifest::Permission;
use serde_json::{Map, Value};

use super::case::{Step, Written, Wrong};
use super::given::{Given, is_below};
use super::playing;
use crate::egress::script::Line;
use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;

/// When cases happen that do not say when: 2026-01-01T00:00:00Z, in milliseconds since 1970.
const NOW_MS: u64 = 1_767_225_600_000;

/// What a case has around it.
#[derive(Debug)]
pub(super) struct CaseWorld {
    /// What its calls may do.
    pub(super) allow: Vec<Permission>,
    /// What the operator has set.
    pub(super) config: Map<String, Value>,
    pub(super) secrets: BTreeMap<SecretName, SecretValue>,
    /// All variables there are.
    pub(super) env: BTreeMap<String, String>,
    /// When it begins, in milliseconds since 1970.
    pub(super) now_ms: u64,
    /// A folder beside the cases that is copied into the workspace.
    pub(super) workspace: Option<String>,
    /// Written into the workspace, by their paths.
    pub(super) files: BTreeMap<String, String>,
    /// What requests get.
    pub(super) http: Vec<Line>,
    /// What questions to models get.
    pub(super) model: Vec<playing::Line>,
}

impl CaseWorld {
    /// Checks what is written; returns the calls that are made first, too.
    pub(super) fn check(written: Written, given: &Given<'_>) -> Result<(Vec<Step>, Self), Wrong> {
        let Written {
            before, allow, config, secrets, env, now, workspace, files, http, model, ..
        } = written;
        let secret = |(name, value): (String, String)| {
            let name =
                name.parse::<SecretName>().map_err(|error| ("secrets", error.to_string()))?;
            let value = SecretValue::new(value.as_bytes());
            Ok::<_, Wrong>((name, value.map_err(|error| ("secrets", error.to_string()))?))
        };
        check_files(&files)?;
        if let Some(stray) = env.iter().find(|(name, value)| !is_variable(name, value)) {
            return Err(("env", format!("`{}` is no variable", stray.0)));
        }
        if let Some(name) = &workspace {
            given.look_for_folder(name).map_err(|why| ("workspace", why))?;
        }
        let world = Self {
            allow: allow.iter().map(|text| permission(text, given)).collect::<Result<_, _>>()?,
            config,
            secrets: secrets.into_iter().map(secret).collect::<Result<_, _>>()?,
            env,
            now_ms: now.map_or(Ok(NOW_MS), |text| instant(&text))?,
            workspace,
            files,
            http: http.into_iter().map(|it| it.line(given)).collect::<Result<_, _>>()?,
            model: model.into_iter().map(|it| it.line(given)).collect::<Result<_, _>>()?,
        };
        Ok((before, world))
    }
}

/// Reads a permission that the manifest asks for.
fn permission(text: &str, given: &Given<'_>) -> Result<Permission, Wrong> {
    let wanted: Permission = text.parse().map_err(|error| ("allow", format!("{error}")))?;
    match given.asked.covering(&wanted) {
        Some(_) => Ok(wanted),
        None => {
            Err(("allow", format!("plugin.toml does not ask for `{wanted}` in its [permissions]")))
        }
    }
}

/// Refuses files that lie elsewhere, and one that lies in another.
fn check_files(files: &BTreeMap<String, String>) -> Result<(), Wrong> {
    if let Some(stray) = files.keys().find(|path| !is_below(path)) {
        return Err(("files", format!("`{stray}` does not lie in the workspace")));
    }
    let mut above = files.keys().flat_map(|path| {
        Path::new(path).ancestors().skip(1).filter_map(Path::to_str).map(move |it| (it, path))
    });
    match above.find(|(above, _)| files.contains_key(*above)) {
        Some((above, path)) => {
            Err(("files", format!("`{above}` is a file, so `{path}` cannot lie in it")))
        }
        None => Ok(()),
    }
}

fn is_variable(name: &str, value: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
}

/// Reads a moment after 1970, in milliseconds.
fn instant(text: &str) -> Result<u64, Wrong> {
    let wrong = |why: String| ("now", format!("{why}; write it like 2026-01-01T00:00:00Z"));
    let at: jiff::Timestamp =
        text.parse().map_err(|error: jiff::Error| wrong(error.to_string()))?;
    u64::try_from(at.as_millisecond()).map_err(|_| wrong("it is before 1970".to_owned()))
}
