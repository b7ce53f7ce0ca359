//! `[plugins."ax:metrics"]`: what an operator tells a plugin through `ax:config`.
//!
//! Invariant: what a plugin is told is at most [`SETTINGS_BYTES_MAX`] of JSON, in each file and
//! after the files are laid over each other.
//! Not here: whether the plugin is installed and wants these keys (`app`, with its manifest).

use std::collections::BTreeMap;

use ax_manifest::PluginName;

use crate::config::document::Entry;
use crate::config::document::Located;
use crate::config::document::entries;
use crate::config::document::to_json;
use crate::config::error::FileFlaw;
use crate::config::source::Setting;
use crate::config::source::Source;

/// Bytes of JSON text of all that one plugin is told; the contract `ax:config` promises it.
pub const SETTINGS_BYTES_MAX: usize = 64 * 1024;

/// Bytes of one top-level key; the contract `ax:config` promises it.
pub const SETTINGS_KEY_BYTES_MAX: usize = 128;

/// What a plugin is told: JSON values by top-level key, in the order they were written.
pub type Settings = serde_json::Map<String, serde_json::Value>;

/// What one file says to one plugin.
#[derive(Debug)]
pub(super) struct Section {
    /// Byte offset of the plugin's name.
    pub(super) at: usize,
    pub(super) values: Settings,
}

/// Reads the table `[plugins]`.
///
/// # Errors
///
/// A name that is none, a value that JSON does not have, more than a plugin can be told.
pub(super) fn parse(plugins: &Entry<'_>) -> Result<BTreeMap<PluginName, Section>, Located> {
    let mut sections = BTreeMap::new();
    for (name_text, mut entry) in entries(plugins.table()?, "plugins") {
        let name: PluginName =
            name_text.parse().map_err(|error| entry.wrong_key(FileFlaw::Plugin(error)))?;
        entry.key = key_of(&name);
        let mut values = Settings::new();
        for (key, value) in entries(entry.table()?, &entry.key) {
            if key.len() > SETTINGS_KEY_BYTES_MAX {
                let flaw = FileFlaw::LongKey { plugin: name, bytes_max: SETTINGS_KEY_BYTES_MAX };
                return Err(value.wrong_key(flaw));
            }
            values.insert(key.to_owned(), to_json(&value)?);
        }
        let section = Section { at: entry.key_at, values };
        check_size(&name, &section.values, section.at)?;
        sections.insert(name, section);
    }
    Ok(sections)
}

/// What plugins are told by both files, and who said each key.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) plugins: BTreeMap<PluginName, Setting<Settings>>,
    pub(super) keys: BTreeMap<PluginName, BTreeMap<String, Source>>,
}

impl Told {
    /// Lays a file over what is told so far, top-level key by top-level key: a key replaces all
    /// that was under it, so that what a plugin is told under one key has one author.
    ///
    /// # Errors
    ///
    /// When both together are more than a plugin can be told; it points into the upper file.
    pub(super) fn overlay(
        &mut self,
        sections: BTreeMap<PluginName, Section>,
        source: &Source,
    ) -> Result<(), Located> {
        for (name, section) in sections {
            let keys = self.keys.entry(name.clone()).or_default();
            keys.extend(section.values.keys().map(|key| (key.clone(), source.clone())));
            let is_empty = section.values.is_empty();
            let fresh = || Setting { value: Settings::new(), source: source.clone() };
            let told = self.plugins.entry(name.clone()).or_insert_with(fresh);
            told.value.extend(section.values);
            if !is_empty {
                told.source = source.clone();
            }
            check_size(&name, &told.value, section.at)?;
        }
        Ok(())
    }
}

/// Names the table of a plugin as it stands in a file.
pub(super) fn key_of(name: &PluginName) -> String {
    format!("plugins.\"{name}\"")
}

fn check_size(name: &PluginName, values: &Settings, at: usize) -> Result<(), Located> {
    let mut counter = Counter { bytes: 0 };
    // Counting into nothing cannot fail: the keys are strings and the numbers finite.
    let written = serde_json::to_writer(&mut counter, values);
    if written.is_ok() && counter.bytes <= SETTINGS_BYTES_MAX {
        return Ok(());
    }
    let flaw = FileFlaw::SettingsTooLarge {
        plugin: name.clone(),
        bytes: counter.bytes,
        bytes_max: SETTINGS_BYTES_MAX,
    };
    Err(Located { at, flaw })
}

/// Counts bytes instead of keeping them.
struct Counter {
    bytes: usize,
}

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
