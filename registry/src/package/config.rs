//! `plugin.json`: what a package says about the component beside it.
//!
//! Invariant: one content has one text; [`PluginConfig::parse`] accepts that text alone, so that a
//! key hidden twice, or ignored, or reordered cannot pass.
//! Not here: `plugin.toml`, from which it is made (`ax-manifest`).

use std::collections::BTreeSet;

use ax_manifest::ComponentFacts;
use ax_manifest::Digest;
use ax_manifest::Entry;
use ax_manifest::Manifest;
use ax_manifest::Tool;
use ax_manifest::check_tools;
use ax_manifest::derive_tools;
use ax_manifest::row_of;
use serde::Deserialize;
use serde::Serialize;

use super::error::PackageError;
use super::error::Part;
use crate::printable::printable;

/// The interface through which a component describes tools and answers their calls.
const GUEST_TOOLS: &str = "ax:guest/tools@";

/// The config blob of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginConfig {
    /// What the author declares, as `plugin.toml` said it.
    pub manifest: Manifest,
    /// The tools: those derived from typed exports, then those the component described.
    pub tools: Vec<Tool>,
    /// Digest of what callers depend on: the tools with their schemas, notes left out.
    pub interface_digest: Digest,
    /// The kinds of permission that the component's imports need, as words of the grammar.
    pub derived_permissions: BTreeSet<String>,
    /// The component these words are about.
    pub component: Digest,
}

impl PluginConfig {
    /// Makes the config of a component from what is known about it.
    pub fn new(manifest: Manifest, tools: Vec<Tool>, facts: &ComponentFacts) -> Self {
        Self {
            interface_digest: interface_digest(&tools),
            derived_permissions: derived_permissions(facts),
            component: facts.digest,
            manifest,
            tools,
        }
    }

    /// Writes the one text of this config: compact JSON, keys in a fixed order.
    ///
    /// # Errors
    ///
    /// [`PackageError::NotCanonical`] when the text would not be read back as itself, which a number
    /// without an exact JSON form in the `[config]` schema can cause; [`PackageError::TooLarge`].
    pub fn to_json(&self) -> Result<Vec<u8>, PackageError> {
        let json = self.render()?;
        Self::parse(&json)?;
        Ok(json)
    }

    /// Reads a config of untrusted bytes.
    ///
    /// # Errors
    ///
    /// [`PackageError::TooLarge`] over 1 MiB; [`PackageError::Json`] when it is malformed or one of
    /// its values is refused; [`PackageError::NotCanonical`] when it is written in another way.
    pub fn parse(json: &[u8]) -> Result<Self, PackageError> {
        Part::Config.check(json.len())?;
        let config: Self = read_json(Part::Config, json)?;
        if config.render()? != json {
            return Err(PackageError::NotCanonical { part: Part::Config });
        }
        check_tools(&config.tools).map_err(|error| {
            let why = printable(&error.to_string());
            PackageError::Json { part: Part::Config, why }
        })?;
        if config.interface_digest != interface_digest(&config.tools) {
            return Err(PackageError::DisagreesWithBinary { what: "interface digest" });
        }
        Ok(config)
    }

    /// Compares this config with what the component's bytes say.
    ///
    /// Whoever installs a package inspects its component anyway; this refuses a package whose words
    /// were not derived from that component.
    ///
    /// # Errors
    ///
    /// [`PackageError::WrongComponent`] and [`PackageError::DisagreesWithBinary`].
    pub fn check(&self, facts: &ComponentFacts) -> Result<(), PackageError> {
        if self.component != facts.digest {
            let (declared, actual) = (self.component, facts.digest);
            return Err(PackageError::WrongComponent { declared, actual });
        }
        if self.derived_permissions != derived_permissions(facts) {
            return Err(PackageError::DisagreesWithBinary { what: "permissions" });
        }
        let described = self.tools.iter().any(|tool| matches!(tool.entry, Entry::Described));
        let typed = self.tools.iter().filter(|tool| matches!(tool.entry, Entry::Typed { .. }));
        let derived = derive_tools(facts, Some(&self.manifest));
        let same = derived.is_ok_and(|derived| typed.eq(&derived));
        if !same || (described && !describes_tools(facts)) {
            return Err(PackageError::DisagreesWithBinary { what: "tools" });
        }
        Ok(())
    }

    fn render(&self) -> Result<Vec<u8>, PackageError> {
        write_json(Part::Config, self)
    }
}

/// Digests what a caller of the tools depends on: names, schemas and annotations.
fn interface_digest(tools: &[Tool]) -> Digest {
    let mut hasher = Digest::hasher();
    let mut sorted: Vec<&Tool> = tools.iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    for tool in sorted {
        let notes = &tool.annotations;
        let flags = [notes.read_only, notes.destructive, notes.idempotent, notes.open_world];
        let output = tool.output_schema.as_ref().map(ToString::to_string).unwrap_or_default();
        for text in [tool.name.as_str(), &tool.input_schema.to_string(), &output] {
            // The length in front keeps neighbours from running into each other.
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&flags.map(u8::from));
    }
    hasher.finish()
}

/// Collects the kinds of permission that the imported functions need.
fn derived_permissions(facts: &ComponentFacts) -> BTreeSet<String> {
    let kinds = facts.imports.iter().filter_map(|import| {
        let row = row_of(&import.name)?;
        let gated = |name: &String| row.gated.is_empty() || row.gated.contains(&name.as_str());
        row.kind.filter(|_| import.functions.iter().any(gated))
    });
    kinds.map(|kind| kind.word().to_owned()).collect()
}

/// Tells whether a component answers calls of tools that it described itself.
fn describes_tools(facts: &ComponentFacts) -> bool {
    facts.guest_interfaces.iter().any(|interface| interface.starts_with(GUEST_TOOLS))
}

/// Writes compact JSON; the keys come in the order of the fields.
pub(super) fn write_json(part: Part, value: &impl Serialize) -> Result<Vec<u8>, PackageError> {
    serde_json::to_vec(value).map_err(|error| PackageError::Json { part, why: error.to_string() })
}

/// Reads JSON of untrusted bytes, at most as deep as the parser's own limit of 128.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(
    part: Part,
    json: &[u8],
) -> Result<T, PackageError> {
    part.check(json.len())?;
    serde_json::from_slice(json)
        .map_err(|error| PackageError::Json { part, why: printable(&error.to_string()) })
}
