//! Names of plugins and of their tools.
//!
//! ```text
//! ax:metrics.measure      id: CLI, manifest, grants, journal, audit
//! ── ─────── ───────
//! namespace  plugin  tool
//! ax_metrics_measure      wire name: MCP clients and model APIs
//! ```
//!
//! Invariant: a part is kebab-case ASCII, so a name means the same to a shell, a URL, a file system
//! that folds case and a reader. No part holds `_`, hence the wire name loses nothing.
//! Not here: whether such a plugin exists, who owns a namespace (`ax-registry`).

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;
use crate::text::{Quoted, serde_as_text};

/// Characters of a namespace or of a plugin's name. Two of them, a colon and a tool still fit a
/// table column and a file name.
pub const NAME_PART_CHARS_MAX: usize = 32;

/// Characters of a tool's name. WIT function names are sentences more often than plugin names are.
pub const TOOL_NAME_CHARS_MAX: usize = 64;

/// Characters of a wire name. Clients allow 64 in all and put a prefix of their own before it.
pub const WIRE_NAME_CHARS_MAX: usize = 52;

/// Characters of a wire name that are kept when it is too long: room for `_` and 8 hex digits.
const WIRE_NAME_KEPT: usize = 43;

/// The name of a plugin, `namespace:name`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PluginName {
    text: String,
    /// Where the colon is, in bytes.
    colon: usize,
}

impl PluginName {
    /// Returns the part before the colon.
    pub fn namespace(&self) -> &str {
        &self.text[..self.colon]
    }

    /// Returns the part after the colon.
    pub fn name(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// Returns the whole name, `namespace:name`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for PluginName {
    type Err = NameError;

    /// # Errors
    ///
    /// [`NameError`] unless both parts are `[a-z][a-z0-9-]*` with single inner hyphens, of at most
    /// [`NAME_PART_CHARS_MAX`] characters.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| NameError::new(text, why);
        let (namespace, name) =
            text.split_once(':').ok_or_else(|| wrong("it has no namespace before a colon"))?;
        if name.contains(':') {
            return Err(wrong("it has more than one colon"));
        }
        for part in [namespace, name] {
            check_kebab(part, NAME_PART_CHARS_MAX).map_err(wrong)?;
        }
        Ok(Self { text: text.to_owned(), colon: namespace.len() })
    }
}

impl PartialOrd for PluginName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PluginName {
    /// Orders by namespace, then by name, so that a namespace's plugins stand together.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.namespace(), self.name()).cmp(&(other.namespace(), other.name()))
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The id of one tool of one plugin, `namespace:plugin.tool`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ToolId {
    /// Whose tool it is.
    pub plugin: PluginName,
    /// The tool's own name, kebab-case, at most [`TOOL_NAME_CHARS_MAX`] characters.
    pub tool: String,
}

impl ToolId {
    /// Returns the name used toward MCP clients and model APIs, `namespace_plugin_tool`, which
    /// always matches `^[a-zA-Z0-9_-]{1,52}$`.
    ///
    /// A longer one is cut to 43 characters plus `_` and the first 8 hex digits of the SHA-256 of
    /// the id. A cut name holds three underscores, or its namespace and plugin are the same
    /// author's, so it cannot pass for the short name of somebody else's tool.
    pub fn wire_name(&self) -> String {
        let mut wire = format!("{}_{}_{}", self.plugin.namespace(), self.plugin.name(), self.tool);
        if wire.len() > WIRE_NAME_CHARS_MAX {
            let digest = Digest::of(self.to_string().as_bytes()).hex();
            wire.truncate(WIRE_NAME_KEPT);
            wire.push('_');
            wire.push_str(&digest[..8]);
        }
        wire
    }
}

impl FromStr for ToolId {
    type Err = NameError;

    /// # Errors
    ///
    /// [`NameError`] unless the text is a plugin name, a full stop and a kebab-case tool name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| NameError::new(text, why);
        let (plugin, tool) =
            text.split_once('.').ok_or_else(|| wrong("it has no `.` before the tool's name"))?;
        let plugin = plugin.parse::<PluginName>().map_err(|error| wrong(error.why))?;
        check_kebab(tool, TOOL_NAME_CHARS_MAX).map_err(wrong)?;
        Ok(Self { plugin, tool: tool.to_owned() })
    }
}

impl fmt::Display for ToolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.plugin, self.tool))
    }
}

impl fmt::Debug for ToolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not the name of a plugin or the id of a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a name: {why}", Quoted(.text))]
pub struct NameError {
    /// What was given, at most a few hundred characters of it.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl NameError {
    /// Characters of the given text that are kept: more than any right name has.
    const TEXT_CHARS_MAX: usize = 256;

    pub(crate) fn new(text: &str, why: &'static str) -> Self {
        Self { text: text.chars().take(Self::TEXT_CHARS_MAX).collect(), why }
    }

    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        if self.text.contains('.') {
            "a tool is written `namespace:plugin.tool`, like `ax:metrics.measure`".to_owned()
        } else {
            "a plugin is written `namespace:name`, like `ax:metrics`".to_owned()
        }
    }
}

/// Checks that `part` is `[a-z][a-z0-9-]*` without a trailing or double hyphen and holds at most
/// `chars_max` characters.
///
/// # Errors
///
/// The sentence that says what is wrong, to follow "it is not a name:".
pub fn check_kebab(part: &str, chars_max: usize) -> Result<(), &'static str> {
    if part.is_empty() {
        return Err("a part of it is empty");
    }
    if part.len() > chars_max {
        return Err("a part of it is too long (32 characters in a plugin's name, 64 elsewhere)");
    }
    if part.bytes().any(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
        return Err("only a-z, 0-9 and single hyphens are allowed");
    }
    if !part.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err("each part starts with a letter");
    }
    if part.ends_with('-') || part.contains("--") {
        return Err("hyphens stand alone, between other characters");
    }
    Ok(())
}

serde_as_text!(PluginName, ToolId);

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{PluginName, ToolId};

    fn why_plugin(text: &str) -> &'static str {
        text.parse::<PluginName>().expect_err(text).why
    }

    #[test]
    fn a_name_is_a_namespace_and_a_name() {
        let name: PluginName = "ax:code-metrics2".parse().expect("a name");
        assert_eq!((name.namespace(), name.name()), ("ax", "code-metrics2"));
        assert_eq!(name.to_string(), "ax:code-metrics2");
    }

    #[test]
    fn a_part_may_have_32_characters_and_not_33() {
        let at_most = "a".repeat(32);
        assert!(format!("{at_most}:{at_most}").parse::<PluginName>().is_ok());
        assert!(why_plugin(&format!("{at_most}a:b")).starts_with("a part of it is too long"));
        assert!(why_plugin(&format!("b:{at_most}a")).starts_with("a part of it is too long"));
        assert!(format!("a:b.{}", "c".repeat(64)).parse::<ToolId>().is_ok());
        assert!(format!("a:b.{}", "c".repeat(65)).parse::<ToolId>().is_err());
    }

    #[test]
    fn a_wrong_name_says_why() {
        assert_eq!(why_plugin(""), "it has no namespace before a colon");
        assert_eq!(why_plugin("metrics"), "it has no namespace before a colon");
        assert_eq!(why_plugin("a:b:c"), "it has more than one colon");
        assert_eq!(why_plugin(":b"), "a part of it is empty");
        assert_eq!(why_plugin("a:"), "a part of it is empty");
        assert_eq!(why_plugin("ax:Metrics"), "only a-z, 0-9 and single hyphens are allowed");
        assert_eq!(why_plugin("ax:mé"), "only a-z, 0-9 and single hyphens are allowed");
        assert_eq!(why_plugin("ax:a_b"), "only a-z, 0-9 and single hyphens are allowed");
        assert_eq!(why_plugin("ax:../x"), "only a-z, 0-9 and single hyphens are allowed");
        assert_eq!(why_plugin("ax:1a"), "each part starts with a letter");
        assert_eq!(why_plugin("ax:-a"), "each part starts with a letter");
        assert_eq!(why_plugin("ax:a-"), "hyphens stand alone, between other characters");
        assert_eq!(why_plugin("ax:a--b"), "hyphens stand alone, between other characters");
    }

    #[test]
    fn the_error_repeats_the_text_safely() {
        let error = "ax:\u{202e}a".parse::<PluginName>().expect_err("bidi");
        insta::assert_snapshot!(format!("{error}\nhint: {}", error.hint()), @r"
        `ax:\u{202e}a` is not a name: only a-z, 0-9 and single hyphens are allowed
        hint: a plugin is written `namespace:name`, like `ax:metrics`
        ");
        let error = "ax:a.B".parse::<ToolId>().expect_err("upper case");
        insta::assert_snapshot!(format!("{error}\nhint: {}", error.hint()), @r"
        `ax:a.B` is not a name: only a-z, 0-9 and single hyphens are allowed
        hint: a tool is written `namespace:plugin.tool`, like `ax:metrics.measure`
        ");
    }

    #[test]
    fn plugins_of_one_namespace_stand_together() {
        // As bytes `-` sorts before `:`, which would put `a-b:a` before `a:z`.
        let mut names: Vec<PluginName> =
            ["a-b:a", "a:z", "a:b"].map(|name| name.parse().expect("a name")).into();
        names.sort();
        assert_eq!(
            names.iter().map(PluginName::as_str).collect::<Vec<_>>(),
            ["a:b", "a:z", "a-b:a"]
        );
    }

    #[test]
    fn a_wire_name_has_at_most_52_characters() {
        let wire = |id: &str| id.parse::<ToolId>().expect(id).wire_name();
        assert_eq!(wire("ax:metrics.measure"), "ax_metrics_measure");
        let fits = format!("ax:metrics.{}", "a".repeat(41));
        assert_eq!(wire(&fits), format!("ax_metrics_{}", "a".repeat(41)));
        let cut = wire(&format!("{fits}a"));
        assert_eq!(cut.len(), 52);
        assert!(cut.starts_with(&format!("ax_metrics_{}_", "a".repeat(32))), "{cut}");
        assert_ne!(cut, wire(&format!("{fits}b")));
    }

    #[test]
    fn json_is_as_strict_as_the_text() {
        assert!(serde_json::from_str::<PluginName>("\"ax:metrics\"").is_ok());
        assert!(serde_json::from_str::<PluginName>("\"metrics\"").is_err());
        assert!(serde_json::from_str::<ToolId>("\"ax:metrics.measure\"").is_ok());
        assert!(serde_json::from_str::<ToolId>("\"ax:metrics\"").is_err());
        assert!(serde_json::from_str::<ToolId>("7").is_err());
    }

    proptest! {
        #[test]
        fn every_id_survives_its_text(
            id in "[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}:[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}\\.[a-z][a-z0-9]{0,19}(-[a-z0-9]{1,20}){0,2}"
        ) {
            let parsed: ToolId = id.parse().expect("it follows the grammar");
            assert_eq!(parsed.to_string(), id);
            let wire = parsed.wire_name();
            assert!((1..=52).contains(&wire.len()));
            assert!(wire.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,80}") {
            drop(text.parse::<PluginName>());
            drop(text.parse::<ToolId>());
        }
    }
}
