//! `[tools.<name>]`: what the types of an exported function do not say.
//!
//! Invariant: notes are the author's claims. They describe and annotate; they allow nothing.
//! Not here: whether such a function is exported (`tool`), defaults of annotations (`tool`).

use std::collections::BTreeMap;

use crate::manifest::error::{Located, ManifestErrorKind};
use crate::manifest::section::Section;
use crate::manifest::tree::{Entry, Node};
use crate::name::{NameError, TOOL_NAME_CHARS_MAX, check_kebab};

/// Characters of a tool's title, which clients show on a button.
const TITLE_CHARS_MAX: usize = 100;

/// Characters of a tool's description. A model pays for it with every request.
const DESCRIPTION_CHARS_MAX: usize = 1_000;

/// Notes on one tool; `None` leaves the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolNotes {
    /// `title`: a name for people.
    pub title: Option<String>,
    /// `description`: what it does, in at most 1,000 characters and any number of lines.
    pub description: Option<String>,
    /// `read-only`: it changes nothing.
    pub read_only: Option<bool>,
    /// `destructive`: it may remove or overwrite.
    pub destructive: Option<bool>,
    /// `idempotent`: calling it twice does what calling it once does.
    pub idempotent: Option<bool>,
    /// `open-world`: it deals with things outside the host.
    pub open_world: Option<bool>,
}

pub(super) fn from_node(node: &Node) -> Result<BTreeMap<String, ToolNotes>, Located> {
    node.entries("tools")?.iter().map(|entry| Ok((name(entry)?, notes(entry)?))).collect()
}

fn name(entry: &Entry) -> Result<String, Located> {
    let named = check_kebab(&entry.key, TOOL_NAME_CHARS_MAX);
    named.map(|()| entry.key.clone()).map_err(|why| Located {
        at: entry.key_at,
        kind: ManifestErrorKind::ToolName(NameError::new(&entry.key, why)),
    })
}

fn notes(entry: &Entry) -> Result<ToolNotes, Located> {
    let path = format!("tools.{}", entry.key);
    let section = Section::open(
        &entry.node,
        &path,
        &["title", "description", "read-only", "destructive", "idempotent", "open-world"],
    )?;
    let notes = ToolNotes {
        title: section.line("title", TITLE_CHARS_MAX)?,
        description: section.lines("description", DESCRIPTION_CHARS_MAX)?,
        read_only: section.boolean("read-only")?,
        destructive: section.boolean("destructive")?,
        idempotent: section.boolean("idempotent")?,
        open_world: section.boolean("open-world")?,
    };
    if notes.read_only == Some(true) && notes.destructive == Some(true) {
        let tool = entry.key.clone();
        return Err(Located { at: entry.key_at, kind: ManifestErrorKind::Contradiction { tool } });
    }
    Ok(notes)
}
