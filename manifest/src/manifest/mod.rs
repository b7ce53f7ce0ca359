//! `plugin.toml`: what an author says about a plugin.
//!
//! ```text
//! plugin.toml --+                      +-- plugin   asks   limits   tools
//!               +--> tree --> section -+
//! plugin.json --+   (one shape)        +--> Manifest, or what is wrong and where
//! ```
//!
//! Both files have the same shape and go through the same checks; only the text file has lines.
//!
//! Invariant: a [`Manifest`] that was parsed is right in itself: names, permissions and amounts are
//! canonical, texts show what they hold, nothing was skipped as unknown.
//! Not here: whether it is true of the component (`capability`, `tool`), what the operator allows.

mod asks;
pub(crate) mod error;
mod limits;
mod plugin;
pub(crate) mod section;
mod settings;
mod tools;
pub(crate) mod tree;
mod write;

use std::collections::BTreeMap;

use semver::VersionReq;

use crate::name::PluginName;
use crate::permission::Permission;
use crate::permission::PermissionSet;

pub use asks::{Ask, Quota};
pub use error::{ManifestError, ManifestErrorKind};
pub use limits::LimitRequests;
pub use plugin::{HOST_API, HOST_REQUIREMENT, PluginSection, Reuse};
pub use tools::ToolNotes;

use error::Located;
use error::place;
use section::Section;
use tree::Node;

/// Bytes of a `plugin.toml`: a hundred tools with long descriptions fit many times over.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;

/// Dependencies of one plugin. Each is installed and called on its own; more is a mistake.
const DEPENDENCIES_MAX: usize = 100;

/// Characters of a version requirement, which is a few comparators.
const REQUIREMENT_CHARS_MAX: usize = 128;

/// A whole manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `[plugin]`: what it is.
    pub plugin: PluginSection,
    /// `[dependencies]`: plugins that are installed with it and called through permissions.
    pub dependencies: BTreeMap<PluginName, VersionReq>,
    /// `[permissions]`: what it asks, sorted by permission, none twice.
    pub permissions: Vec<Ask>,
    /// `[limits]`: lower limits than the defaults, or requests to raise them.
    pub limits: LimitRequests,
    /// `[tools.<name>]`: notes on typed exports, by the name of the tool.
    pub tools: BTreeMap<String, ToolNotes>,
    /// `[config]`: the JSON Schema, an object, of what the operator may set.
    pub config: Option<serde_json::Value>,
}

impl Manifest {
    /// Parses the text of a `plugin.toml`.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] with the line and column of the first value that is wrong.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MANIFEST_BYTES_MAX {
            let kind = ManifestErrorKind::TooLarge { bytes: text.len(), max: MANIFEST_BYTES_MAX };
            return Err(ManifestError { line: 1, column: 1, kind });
        }
        tree::parse(text)
            .and_then(|root| Self::from_tree(&root))
            .map_err(|located| located.in_text(text))
    }

    /// Finds the line of `text`, from 1, that asks for a permission; without one, the line of the table
    /// `[permissions]`. None if neither is there.
    pub fn line_of(text: &str, permission: Option<&Permission>) -> Option<usize> {
        let root = tree::parse(text).ok()?;
        let entries = root.entries("").ok()?;
        let section = entries.iter().find(|entry| entry.key == "permissions")?;
        let at = match permission {
            None => section.key_at,
            Some(wanted) => {
                let asked = asks::offsets(&section.node).ok()?;
                asked.into_iter().find(|(asked, _)| asked == wanted)?.1
            }
        };
        Some(place(at, text).0)
    }

    /// Returns the permissions that are asked, without reasons and quotas.
    pub fn asked(&self) -> PermissionSet {
        self.permissions.iter().map(|ask| ask.permission.clone()).collect()
    }

    fn from_tree(root: &Node) -> Result<Self, Located> {
        let file = Section::open(
            root,
            "",
            &["plugin", "dependencies", "permissions", "limits", "tools", "config"],
        )?;
        let plugin = PluginSection::from_node(file.required("plugin")?)?;
        Ok(Self {
            dependencies: match file.get("dependencies") {
                None => BTreeMap::new(),
                Some(node) => dependencies(node, &plugin.name)?,
            },
            permissions: file.get("permissions").map_or(Ok(Vec::new()), asks::from_node)?,
            limits: file
                .get("limits")
                .map_or(Ok(LimitRequests::default()), LimitRequests::from_node)?,
            tools: file.get("tools").map_or(Ok(BTreeMap::new()), tools::from_node)?,
            config: file.get("config").map(settings::from_node).transpose()?,
            plugin,
        })
    }
}

fn dependencies(
    node: &Node,
    own: &PluginName,
) -> Result<BTreeMap<PluginName, VersionReq>, Located> {
    let entries = node.entries("dependencies")?;
    if entries.len() > DEPENDENCIES_MAX {
        let (count, max) = (entries.len(), DEPENDENCIES_MAX);
        return Err(node.wrong(ManifestErrorKind::TooMany { what: "dependencies", count, max }));
    }
    let mut dependencies = BTreeMap::new();
    for entry in entries {
        let at_key = |kind| Located { at: entry.key_at, kind };
        let name: PluginName =
            entry.key.parse().map_err(|error| at_key(ManifestErrorKind::Name(error)))?;
        if name == *own {
            return Err(at_key(ManifestErrorKind::OwnDependency { name }));
        }
        let requirement = requirement(&entry.node, &format!("dependencies.\"{name}\""))?;
        dependencies.insert(name, requirement);
    }
    Ok(dependencies)
}

/// Reads a version requirement like `^1.2`.
fn requirement(node: &Node, key: &str) -> Result<VersionReq, Located> {
    let text = node.text(key)?;
    let wrong = |why: String| {
        node.wrong(ManifestErrorKind::Requirement {
            key: key.to_owned(),
            text: text.to_owned(),
            why,
        })
    };
    if text.len() > REQUIREMENT_CHARS_MAX {
        return Err(wrong(format!("it is longer than {REQUIREMENT_CHARS_MAX} characters")));
    }
    VersionReq::parse(text).map_err(|error| wrong(error.to_string()))
}

impl serde::Serialize for Manifest {
    /// Writes the shape of `plugin.toml`, in JSON or TOML.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write::to_json(self).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Manifest {
    /// Reads the shape of `plugin.toml` with the checks of [`Manifest::parse`]; errors have no line.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let root = <Node as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_tree(&root).map_err(|located| serde::de::Error::custom(located.kind))
    }
}

#[cfg(test)]
mod tests;
