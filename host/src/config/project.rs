//! `ax.toml`, which came with a folder, perhaps from a stranger.
//!
//! ```toml
//! [project]
//! name = "shop"
//!
//! [plugins."ax:metrics"]
//! depth = 3
//! ```
//!
//! Invariant: whatever it says, no plugin may do more than without it. So it has no keys but what
//! plugins are told and a name to show.
//! Not here: where it is looked for (`workspace`), which source wins (`load`).

use std::collections::BTreeMap;
use std::path::Path;

use ax_manifest::PluginName;

use crate::config::document;
use crate::config::document::Entry;
use crate::config::document::Located;
use crate::config::document::entries;
use crate::config::error::FileFlaw;
use crate::config::plugins;
use crate::config::plugins::Section;
use crate::config::user;
use ax_manifest::is_hidden;
use ax_manifest::nearest;

/// Characters of a project's name: it stands in one line of a listing.
pub const PROJECT_NAME_CHARS_MAX: usize = 64;

/// The keys at the top of the file.
const KEYS: &[&str] = &["plugins", "project"];

/// The keys of `[project]`.
const PROJECT_KEYS: &[&str] = &["name"];

/// What a project's file says.
#[derive(Debug, Default)]
pub(super) struct ProjectFile {
    pub(super) name: Option<String>,
    pub(super) plugins: BTreeMap<PluginName, Section>,
}

/// Reads the text of the file; errors name `user_file` for what belongs there.
///
/// # Errors
///
/// The first thing that is wrong, and where.
pub(super) fn parse(text: &str, user_file: &Path) -> Result<ProjectFile, Located> {
    let mut file = ProjectFile::default();
    let root = document::parse(text)?;
    for (name, entry) in entries(&root, "") {
        match name {
            "project" => file.name = project(&entry)?,
            "plugins" => file.plugins = plugins::parse(&entry)?,
            other => return Err(refusal(other, &entry, user_file)),
        }
    }
    Ok(file)
}

/// Tells a slip from a setting that a project may not make.
fn refusal(name: &str, entry: &Entry<'_>, user_file: &Path) -> Located {
    let is_a_setting = user::KEYS.contains(&name) || user::elsewhere(name).is_some();
    if !is_a_setting && nearest(name, KEYS.iter().copied()).is_some() {
        return entry.unknown(name, KEYS);
    }
    entry.wrong_key(FileFlaw::NotInProject {
        key: name.to_owned(),
        user_file: user_file.to_owned(),
        instead: user::elsewhere(name),
        is_known: is_a_setting,
    })
}

fn project(section: &Entry<'_>) -> Result<Option<String>, Located> {
    let mut project_name = None;
    for (name, entry) in entries(section.table()?, "project") {
        match name {
            "name" => {
                let text = entry.text()?;
                let chars = text.chars().take(PROJECT_NAME_CHARS_MAX + 1).count();
                let is_blank = text.trim().is_empty();
                if is_blank || chars > PROJECT_NAME_CHARS_MAX || text.chars().any(is_hidden) {
                    let flaw = FileFlaw::ProjectName { chars_max: PROJECT_NAME_CHARS_MAX };
                    return Err(entry.wrong(flaw));
                }
                project_name = Some(text.to_owned());
            }
            other => return Err(entry.unknown(other, PROJECT_KEYS)),
        }
    }
    Ok(project_name)
}
