//! `ax check`: everything that would keep a plugin from being installed or liked, in one go.
//!
//! Invariant: nothing is written, and nothing is compiled but the component itself.
//! Not here: building (`project`); what an installation refuses is decided where it is done.

use std::path::Path;

use ax_manifest::{Manifest, Permission, PluginName, Warning};
use fs_err as fs;
use serde::Serialize;

use super::App;
use super::outdated::outdated;
use super::project::MANIFEST;
use super::source::{self, SourceError, SourcePackage};
use crate::project::{self, Language};

/// Bytes from which on a component is called large.
const LARGE_BYTES: usize = 8 << 20;

/// The same for a component of Python, 18 MiB of which are the interpreter.
const LARGE_PYTHON_BYTES: usize = 32 << 20;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot be installed like this.
    Error,
    /// It can be, and somebody will ask about it.
    Warning,
}

/// Something that was found.
#[derive(Debug, Clone, Serialize)]
pub struct CheckFinding {
    /// How much it matters.
    pub severity: Severity,
    /// The file and the line it is about, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What it is, with its causes.
    pub what: String,
    /// What to type or to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What a check looked at and found.
#[derive(Debug)]
pub struct Checked {
    /// The plugin's name; none if its manifest cannot be read.
    pub name: Option<PluginName>,
    /// What was found, errors first.
    pub findings: Vec<CheckFinding>,
}

impl App {
    /// Checks the plugin in `folder` as it was built last.
    #[must_use]
    pub fn check_project(&self, folder: &Path) -> Checked {
        let manifest = match source::manifest_of(folder) {
            Ok(manifest) => manifest,
            Err(error) => return Checked { name: None, findings: vec![refused(&error)] },
        };
        let lines = Lines::of(folder);
        let mut findings = Vec::new();
        match self.read_source(folder, None) {
            Ok(made) => {
                findings.extend(odd_in_package(&made, project::language_of(folder), &lines));
                findings.extend(outdated(folder).map(|what| odd(what, "ax build")));
            }
            Err(error) => {
                let at = match &error {
                    SourceError::Admission { .. } => lines.asking(None),
                    SourceError::OtherHost { .. } => lines.of_key("host"),
                    _ => None,
                };
                findings.push(CheckFinding { at, ..refused(&error) });
            }
        }
        findings.extend(odd_in_manifest(&manifest, &lines));
        if !folder.join("README.md").is_file() {
            findings.push(odd("it has no README.md", "write one: who installs it reads it first"));
        }
        Checked { name: Some(manifest.plugin.name), findings }
    }
}

/// The text of a manifest, to point at its lines.
struct Lines(String);

impl Lines {
    fn of(folder: &Path) -> Self {
        // It was read a moment ago; if it is gone, nothing is pointed at.
        Self(fs::read_to_string(folder.join(MANIFEST)).unwrap_or_default())
    }

    /// Points at what asks for a permission, or at the table of them.
    fn asking(&self, permission: Option<&Permission>) -> Option<String> {
        Manifest::line_of(&self.0, permission).map(|line| format!("{MANIFEST}:{line}"))
    }

    /// Points at the first line of a key.
    fn of_key(&self, key: &str) -> Option<String> {
        let is_it = |line: &str| line.split('=').next().is_some_and(|name| name.trim() == key);
        let line = self.0.lines().position(is_it)? + 1;
        Some(format!("{MANIFEST}:{line}"))
    }
}

fn refused(error: &SourceError) -> CheckFinding {
    let mut what = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        what = format!("{what}: {next}");
        cause = next.source();
    }
    CheckFinding { severity: Severity::Error, at: None, what, hint: error.hint() }
}

fn odd(what: impl Into<String>, hint: impl Into<String>) -> CheckFinding {
    let (what, hint) = (what.into(), Some(hint.into()));
    CheckFinding { severity: Severity::Warning, at: None, what, hint }
}

fn odd_in_package(
    made: &SourcePackage,
    language: Option<Language>,
    lines: &Lines,
) -> Vec<CheckFinding> {
    let of_warning = |warning: &Warning| match warning {
        Warning::Unused { permission } => CheckFinding {
            at: lines.asking(Some(permission)),
            ..odd(
                format!("it asks for `{permission}` and imports nothing that could use it"),
                "take it out of [permissions]: people grant less gladly what has no use",
            )
        },
        Warning::Dependency { on } => CheckFinding {
            at: lines.of_key(&format!("\"{on}\"")),
            ..odd(
                format!("it depends on `{on}`, which is not installed with it"),
                "take it out of [dependencies], and say in README.md what else to install",
            )
        },
    };
    let warnings = made.warnings.iter().map(of_warning);
    let bytes = made.package.component.len();
    let (bytes_max, help) = match language {
        Some(Language::Python) => (LARGE_PYTHON_BYTES, "import less: what is imported is in it"),
        Some(Language::Rust | Language::TypeScript) | None => {
            (LARGE_BYTES, "build it in release, without debug information")
        }
    };
    let large =
        (bytes > bytes_max).then(|| odd(format!("its component has {} MiB", bytes >> 20), help));
    warnings.chain(large).collect()
}

fn odd_in_manifest(manifest: &Manifest, lines: &Lines) -> Vec<CheckFinding> {
    let silent =
        manifest.permissions.iter().filter(|ask| ask.reason.is_none()).map(|ask| CheckFinding {
            at: lines.asking(Some(&ask.permission)),
            ..odd(
                format!("it does not say why it asks for `{}`", ask.permission),
                "add `reason = \"…\"`, which is shown to whoever is asked to grant it",
            )
        });
    let license = manifest
        .plugin
        .license
        .is_none()
        .then(|| odd("it has no license", "add `license = \"MIT\"`, or another, to [plugin]"));
    silent.chain(license).collect()
}
