//! `plugin.json`: what a package says about the component beside it.
//!
//! Invariant: one content has one text; [`PluginConfig::parse`] accepts that text alone, so that a
//! key hidden twice, or ignored, or reordered cannot pass.
//! Not here: `plugin.toml`, from which it is made (`ax-manifest`).

use std::collections::BTreeSet;

use ax_manifest::Agent;
use ax_manifest::ComponentFacts;
use ax_manifest::Digest;
use ax_manifest::Entry;
use ax_manifest::Manifest;
use ax_manifest::Tool;
use ax_manifest::check_agents;
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

/// The interface through which a component describes agents and runs them.
const GUEST_AGENT: &str = "ax:guest/agent@";

/// The config blob of a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginConfig {
    /// What the author declares, as `plugin.toml` said it.
    pub manifest: Manifest,
    /// The tools: those derived from typed exports, then those the component described.
    pub tools: Vec<Tool>,
    /// The agents that the component described.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<Agent>,
    /// Digest of what callers depend on: tools and agents with their schemas, notes left out.
    pub interface_digest: Digest,
    /// The kinds of permission that the component's imports need, as words of the grammar.
    pub derived_permissions: BTreeSet<String>,
    /// The component these words are about.
    pub component: Digest,
}

impl PluginConfig {
    /// Makes the config of a component without agents from what is known about it.
    pub fn new(manifest: Manifest, tools: Vec<Tool>, facts: &ComponentFacts) -> Self {
        Self::with_agents(manifest, tools, Vec::new(), facts)
    }

    /// Makes the config of a component from what is known about it.
    pub fn with_agents(
        manifest: Manifest,
        tools: Vec<Tool>,
        agents: Vec<Agent>,
        facts: &ComponentFacts,
    ) -> Self {
        Self {
            interface_digest: interface_digest(&tools, &agents),
            derived_permissions: derived_permissions(facts),
            component: facts.digest,
            manifest,
            tools,
            agents,
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
        check_agents(&config.agents).map_err(|error| {
            let why = printable(&error.to_string());
            PackageError::Json { part: Part::Config, why }
        })?;
        if config.interface_digest != interface_digest(&config.tools, &config.agents) {
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
        if !same || (described && !exports(facts, GUEST_TOOLS)) {
            return Err(PackageError::DisagreesWithBinary { what: "tools" });
        }
        if self.agents.is_empty() == exports(facts, GUEST_AGENT) {
            return Err(PackageError::DisagreesWithBinary { what: "agents" });
        }
        Ok(())
    }

    fn render(&self) -> Result<Vec<u8>, PackageError> {
        write_json(Part::Config, self)
    }
}

/// Digests what callers depend on: names, schemas and annotations.
fn interface_digest(tools: &[Tool], agents: &[Agent]) -> Digest {
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
    let mut sorted: Vec<&Agent> = agents.iter().collect();
    sorted.sort_by(|one, other| one.name.cmp(&other.name));
    for agent in sorted {
        let output = agent.output_schema.as_ref().map(ToString::to_string).unwrap_or_default();
        for text in ["agent", &agent.name, &agent.input_schema.to_string(), &output] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
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

/// Tells whether a component exports an interface, whatever its version.
fn exports(facts: &ComponentFacts, interface: &str) -> bool {
    facts.guest_interfaces.iter().any(|exported| exported.starts_with(interface))
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
