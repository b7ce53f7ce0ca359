//! `[plugin]`: what the plugin is.
//!
//! Invariant: `component` stays inside the plugin's folder; the version has no build part, so that
//! two releases never differ only in what nobody compares.
//! Not here: whether the file exists, and what it holds.

use semver::{Version, VersionReq};

use crate::manifest::error::{Located, ManifestErrorKind};
use crate::manifest::requirement;
use crate::manifest::section::Section;
use crate::manifest::tree::Node;
use crate::name::PluginName;
use crate::text::hidden_character;

/// Characters of a description: one line in a list, two on a card.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// Characters of a licence: an SPDX expression of several parts.
const LICENSE_CHARS_MAX: usize = 100;

/// Characters of the address of a home page.
const HOMEPAGE_CHARS_MAX: usize = 200;

/// Characters of a version, which file names and tags must hold too.
const VERSION_CHARS_MAX: usize = 64;

/// Bytes of the path of the component, as file systems allow for one name.
const COMPONENT_BYTES_MAX: usize = 255;

/// Where `cargo xtask plugins` and `ax build` put the component.
const COMPONENT_DEFAULT: &str = "plugin.wasm";

/// The version of the host API that plugins are written for now.
pub const HOST_API: Version = Version::new(0, 2, 0);

/// How a new manifest asks for it.
pub const HOST_REQUIREMENT: &str = "^0.2";

/// What the plugin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSection {
    /// Its name, `namespace:name`.
    pub name: PluginName,
    /// Its version, without a build part.
    pub version: Version,
    /// What it is for, in one line of at most 200 characters.
    pub description: String,
    /// Its licence, an SPDX expression.
    pub license: Option<String>,
    /// Its home page, an `https` or `http` address.
    pub homepage: Option<String>,
    /// The versions of the host it works with.
    pub host: VersionReq,
    /// The component's path inside the plugin's folder, with `/` between its parts.
    pub component: String,
    /// How long an instance of it lives.
    pub reuse: Reuse,
}

/// How long an instance of a plugin lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reuse {
    /// For one call: nothing is left from the call before.
    #[default]
    Call,
    /// For the calls of one task, or of one process outside tasks, by the same principal: what the
    /// guest keeps in its memory is there at the next call, most of the time.
    Task,
}

impl Reuse {
    const ALL: [Self; 2] = [Self::Call, Self::Task];

    /// Returns the word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Task => "task",
        }
    }
}

impl PluginSection {
    pub(super) fn from_node(node: &Node) -> Result<Self, Located> {
        let section = Section::open(
            node,
            "plugin",
            &[
                "name",
                "version",
                "description",
                "license",
                "homepage",
                "host",
                "component",
                "reuse",
            ],
        )?;
        let name = section.required("name")?;
        let text = name.text("plugin.name")?;
        let name = text.parse().map_err(|error| name.wrong(ManifestErrorKind::Name(error)))?;
        let version = version(section.required("version")?)?;
        section.required("description")?;
        Ok(Self {
            name,
            version,
            description: section.line("description", DESCRIPTION_CHARS_MAX)?.unwrap_or_default(),
            license: section.line("license", LICENSE_CHARS_MAX)?,
            homepage: section.get("homepage").map(homepage).transpose()?,
            host: requirement(section.required("host")?, "plugin.host")?,
            component: match section.get("component") {
                None => COMPONENT_DEFAULT.to_owned(),
                Some(node) => component(node)?,
            },
            reuse: section.get("reuse").map_or(Ok(Reuse::default()), reuse)?,
        })
    }
}

fn version(node: &Node) -> Result<Version, Located> {
    let text = node.text("plugin.version")?;
    let wrong = |why: String| node.wrong(ManifestErrorKind::Version { text: text.to_owned(), why });
    if text.len() > VERSION_CHARS_MAX {
        return Err(wrong(format!("it is longer than {VERSION_CHARS_MAX} characters")));
    }
    let version = Version::parse(text).map_err(|error| wrong(error.to_string()))?;
    if !version.build.is_empty() {
        return Err(wrong("a build part (`+…`) is not allowed".to_owned()));
    }
    Ok(version)
}

fn homepage(node: &Node) -> Result<String, Located> {
    let text = node.text("plugin.homepage")?;
    let wrong = |why| node.wrong(ManifestErrorKind::Homepage { text: text.to_owned(), why });
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        None => Err(wrong("it does not start with `https://` or `http://`")),
        Some("") => Err(wrong("it has no host")),
        Some(_) if text.len() > HOMEPAGE_CHARS_MAX => {
            Err(wrong("it is longer than 200 characters"))
        }
        Some(rest) if rest.bytes().any(|byte| !byte.is_ascii_graphic()) => {
            Err(wrong("it holds a blank, or a character that is not ASCII"))
        }
        Some(_) => Ok(text.to_owned()),
    }
}

fn reuse(node: &Node) -> Result<Reuse, Located> {
    let text = node.text("plugin.reuse")?;
    Reuse::ALL
        .into_iter()
        .find(|reuse| reuse.word() == text)
        .ok_or_else(|| node.wrong(ManifestErrorKind::Reuse { text: text.to_owned() }))
}

fn component(node: &Node) -> Result<String, Located> {
    let text = node.text("plugin.component")?;
    let wrong = |why| node.wrong(ManifestErrorKind::ComponentPath { text: text.to_owned(), why });
    if text.starts_with('/') {
        return Err(wrong("it is absolute"));
    }
    if text.len() > COMPONENT_BYTES_MAX {
        return Err(wrong("it is longer than 255 bytes"));
    }
    if text.contains(['\\', ':']) {
        return Err(wrong("it holds a backslash or a colon"));
    }
    if hidden_character(text).is_some() {
        return Err(wrong("it holds a control or invisible character"));
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(wrong("a part of it is empty, `.` or `..`"));
    }
    Ok(text.to_owned())
}
