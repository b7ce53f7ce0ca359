//! Agents of installed plugins.

use ax_manifest::{Agent, Identity, ToolId, nearest};
use serde_json::Value;

use super::TaskError;
use crate::app::change::ChangeError;
use crate::app::{App, InstalledPlugin};
use crate::plugin::schema::violations;
use crate::plugin::{Listed, Models as _};
use crate::runtime::Guest;
use crate::workflow::{Failure, FailureKind, Program};

/// What is wrong with an input: so much is told at once.
const VIOLATIONS_MAX: usize = 20;

/// An agent that can be run.
#[derive(Debug, Clone)]
pub struct ListedAgent {
    /// Its plugin and name.
    pub id: ToolId,
    /// What it is.
    pub agent: Agent,
    /// Whose it is.
    pub identity: Identity,
}

impl ListedAgent {
    /// Lists those of a plugin.
    pub(in crate::app) fn all(plugin: &InstalledPlugin) -> impl Iterator<Item = Self> {
        let identity = &plugin.identity;
        plugin.config.agents.iter().map(|agent| Self {
            id: ToolId { plugin: identity.name.clone(), tool: agent.name.clone() },
            agent: agent.clone(),
            identity: identity.clone(),
        })
    }
}

impl App {
    /// Lists the agents of all plugins that are switched on and that no policy keeps out, by their names.
    ///
    /// # Errors
    ///
    /// [`TaskError`] if what is installed cannot be read.
    pub fn agents(&self) -> Result<Vec<ListedAgent>, TaskError> {
        let policies = self.policies().map_err(ChangeError::from)?;
        let found = self.offering(&self.current().map_err(ChangeError::from)?, policies);
        let mut agents = Vec::new();
        for plugin in found.whole {
            agents.extend(ListedAgent::all(&plugin));
        }
        agents.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(agents)
    }

    /// Finds the plugin of an agent.
    pub(super) fn installed_agent(&self, agent: &ToolId) -> Result<InstalledPlugin, TaskError> {
        let generation = self.current().map_err(ChangeError::from)?;
        let installed = self.installed(&generation, &agent.plugin).map_err(ChangeError::from)?;
        if installed.config.agents.iter().any(|it| it.name == agent.tool) {
            return Ok(installed);
        }
        let known = self.agents()?;
        let names: Vec<String> = known.iter().map(|it| it.id.to_string()).collect();
        let near = nearest(&agent.to_string(), names.iter().map(String::as_str));
        Err(TaskError::NoAgent { agent: agent.to_string(), near: near.map(str::to_owned) })
    }

    /// Checks what an agent is given.
    pub(super) fn check_agent_input(&self, id: &ToolId, input: &Value) -> Result<(), TaskError> {
        let installed = self.installed_agent(id)?;
        let agent = installed.config.agents.iter().find(|it| it.name == id.tool);
        let Some(agent) = agent else { return Ok(()) };
        let wrong = violations(&agent.input_schema, input, VIOLATIONS_MAX);
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(TaskError::Input {
                name: id.to_string(),
                refusals: wrong.iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// Makes an agent ready to run, if it is the one that its task began with.
    pub(super) fn agent_guest(&self, program: &Program) -> Result<Guest, Failure> {
        let unready = |error: String, hint: Option<String>| {
            let hint = hint.map(|hint| format!("; try: {hint}")).unwrap_or_default();
            Failure::new(FailureKind::NotFound, format!("{error}{hint}")).coded("agent")
        };
        let id = ToolId { plugin: program.plugin.clone(), tool: program.agent.clone() };
        let installed =
            self.installed_agent(&id).map_err(|it| unready(it.to_string(), it.hint()))?;
        if installed.locked.component != program.component {
            let plugin = &program.plugin;
            let message =
                format!("`{plugin}` is another release than the one this task began with");
            let hint = format!("ax plugin rollback {plugin}, or begin the task anew");
            return Err(unready(message, Some(hint)));
        }
        let generation = self.current().map_err(|error| unready(error.to_string(), None))?;
        let policies = self.policies().map_err(|it| unready(it.to_string(), it.hint()))?;
        let plugin = self
            .load(policies, &generation, &installed)
            .map_err(|error| unready(error.to_string(), error.hint()))?;
        let host = self.host().map_err(|error| unready(error.to_string(), error.hint()))?;
        Ok(Guest { host: std::sync::Arc::clone(host), plugin })
    }

    /// Lists the models that can be asked; none where none is set up.
    pub(super) fn listed_models(&self) -> Vec<Listed> {
        crate::app::PluginModels(self.sources.clone()).list()
    }
}
