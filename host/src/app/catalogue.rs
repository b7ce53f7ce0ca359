//! What is offered to programs, by wire names: the tools of one generation, each plugin made ready once.
//!
//! ```text
//! generation N ──→ catalogue N: wire name → tool ──→ plugin, loaded at its first call
//! ```
//!
//! Invariant: a catalogue never changes. Whoever serves looks before each call whether it still holds
//! ([`App::is_current`]), so that nothing is called with rights that were revoked or are forbidden since.
//! Not here: how tools are told to a client (`server`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ax_manifest::{
    Digest, EffectClass, GrantScope, Identity, McpApproval, Permission, Policies, Tool, ToolId,
};
use ax_registry::{Generation, GenerationError};

use super::App;
use super::change::ChangeError;
use super::installed::{InstalledPlugin, LookupError};
use super::policy::PolicyStamp;
use super::tasks::{ListedAgent, class_of_call};
use super::tools::ToolsError;
use crate::plugin::Plugin;

/// The tools of a generation.
pub struct Catalogue {
    generation: Generation,
    policies: Arc<Policies>,
    /// What the policies looked like before they were read.
    stamp: PolicyStamp,
    tools: BTreeMap<String, CatalogueTool>,
    agents: Vec<ListedAgent>,
    damaged: Vec<LookupError>,
}

/// A tool that is offered.
pub struct CatalogueTool {
    /// Its id.
    pub id: ToolId,
    /// What it is.
    pub tool: Tool,
    plugin: Arc<CataloguePlugin>,
}

struct CataloguePlugin {
    installed: InstalledPlugin,
    /// Whether something is granted for one call alone, which is looked up for each.
    has_once: bool,
    ready: Mutex<Option<Arc<Plugin>>>,
}

impl Catalogue {
    /// Returns its tools, by their wire names and in that order.
    #[must_use]
    pub fn tools(&self) -> &BTreeMap<String, CatalogueTool> {
        &self.tools
    }

    /// Returns the agents of the same plugins.
    #[must_use]
    pub fn agents(&self) -> &[ListedAgent] {
        &self.agents
    }

    /// Returns the plugins whose tools would be here if their packages could be read.
    #[must_use]
    pub fn damaged(&self) -> &[LookupError] {
        &self.damaged
    }

    /// Answers whether a call of a tool may change something that lasts. What its plugin is granted decides,
    /// and what it claims can only make it worse: nothing granted changes nothing.
    #[must_use]
    pub fn may_change(&self, tool: &CatalogueTool) -> bool {
        let claims = &tool.tool.annotations;
        let destroys = claims.destructive && !claims.read_only;
        let keeps = |it: &Permission| matches!(it, Permission::Kv | Permission::Memory(_));
        let grants = self.generation.grants.get(&tool.plugin.installed.identity);
        let mut granted = grants.iter().map(|grant| &grant.permission);
        granted.any(|it| it.changes_outside() || (destroys && keeps(it)))
    }
}

impl Catalogue {
    /// Answers whether a program that calls a tool has to wait for somebody to allow it: by what it claims it
    /// may destroy something, and something that lasts is within its reach.
    #[must_use]
    pub fn may_destroy(&self, tool: &CatalogueTool) -> bool {
        let claims = &tool.tool.annotations;
        claims.destructive && !claims.read_only && self.may_change(tool)
    }

    /// Returns who allows such a call.
    #[must_use]
    pub fn mcp_approval(&self) -> McpApproval {
        self.policies.mcp_approval()
    }

    /// Answers whether nothing that an agent of a plugin calls can change anything outside: neither by what
    /// the plugin is granted itself nor by the tools it may call.
    #[must_use]
    pub fn agent_only_reads(&self, plugin: &Identity) -> bool {
        let grants = self.generation.grants.get(plugin);
        let only_reads = |granted: &Permission| match granted {
            Permission::Tools(_) => {
                let called = self.tools.values().filter(|tool| {
                    let wanted = format!("tools:{}", tool.id).parse::<Permission>();
                    wanted.is_ok_and(|wanted| granted.covers(&wanted))
                });
                called.into_iter().all(|tool| self.class(tool) == EffectClass::Pure)
            }
            other => !other.changes_outside() && !matches!(other, Permission::Kv),
        };
        grants.iter().all(|grant| only_reads(&grant.permission))
    }

    /// Returns what is known of a call when it is interrupted: the worst that is granted to its plugin, less
    /// what is taken away from a tool that says it only reads.
    #[must_use]
    pub fn class(&self, tool: &CatalogueTool) -> EffectClass {
        let reads_only = tool.tool.annotations.read_only;
        let grants = self.generation.grants.get(&tool.plugin.installed.identity);
        let declared = &tool.plugin.installed.locked.permissions;
        class_of_call(declared, grants.iter().map(|grant| &grant.permission), reads_only)
    }

    /// Returns the code of a tool.
    #[must_use]
    pub fn component(&self, tool: &CatalogueTool) -> Digest {
        tool.plugin.installed.locked.component
    }

    /// Returns what distinguishes the policies in force, and all that is installed and granted, from others.
    #[must_use]
    pub fn policy_digest(&self) -> Digest {
        Digest::of(format!("{:?}", self.policies).as_bytes())
    }
}

impl CatalogueTool {
    /// Returns its plugin if it is ready and nothing of its grants has to be used up.
    #[must_use]
    pub fn ready(&self) -> Option<Arc<Plugin>> {
        let ready = self.plugin.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.clone().filter(|_| !self.plugin.has_once)
    }
}

impl App {
    /// Answers whether a catalogue is what there is now: nothing was installed, granted or revoked since,
    /// and no policy written. Cheap: what serves asks it before each call.
    ///
    /// # Errors
    ///
    /// [`GenerationError`].
    pub fn is_current(&self, catalogue: &Catalogue) -> Result<bool, GenerationError> {
        let number = self.generations.current_number()?;
        Ok(number == catalogue.generation.number && self.policy_stamp() == catalogue.stamp)
    }

    /// Lists what plugins offer now that are switched on and that no policy keeps out.
    ///
    /// # Errors
    ///
    /// [`ToolsError`].
    pub fn catalogue(&self) -> Result<Catalogue, ToolsError> {
        let generation = self.current().map_err(ChangeError::from)?;
        // Before they are read: what is written meanwhile is another stamp.
        let stamp = self.policy_stamp();
        let policies = self.read_policies().map_err(ChangeError::from)?;
        let found = self.offering(&generation, &policies);
        let (mut tools, mut agents) = (BTreeMap::new(), Vec::new());
        for installed in found.whole {
            agents.extend(ListedAgent::all(&installed));
            let mut grants = generation.grants.get(&installed.identity).iter();
            let has_once = grants.any(|grant| grant.scope == GrantScope::Once);
            let plugin = CataloguePlugin { installed, has_once, ready: Mutex::default() };
            let plugin = Arc::new(plugin);
            for tool in &plugin.installed.config.tools {
                let name = plugin.installed.identity.name.clone();
                let id = ToolId { plugin: name, tool: tool.name.clone() };
                let offered = CatalogueTool { id, tool: tool.clone(), plugin: Arc::clone(&plugin) };
                tools.insert(offered.id.wire_name(), offered);
            }
        }
        Ok(Catalogue { generation, policies, stamp, tools, agents, damaged: found.damaged })
    }

    /// Makes the plugin of a tool ready, and returns what was granted for this one call. May compile, so
    /// it takes its time.
    ///
    /// # Errors
    ///
    /// [`ToolsError`].
    pub fn ready_of(
        &self,
        catalogue: &Catalogue,
        tool: &CatalogueTool,
        input: &str,
    ) -> Result<(Arc<Plugin>, Vec<Permission>), ToolsError> {
        let CataloguePlugin { installed, has_once, ready } = &*tool.plugin;
        if *has_once {
            return self.ready_under(&catalogue.policies, &tool.id, input, &[]);
        }
        let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = &*ready {
            return Ok((Arc::clone(plugin), Vec::new()));
        }
        let loaded = self.load(&catalogue.policies, &catalogue.generation, installed)?;
        *ready = Some(Arc::clone(&loaded));
        Ok((loaded, Vec::new()))
    }
}
