//! What is offered at one time: tools, agents and workflows, by their wire names.
//!
//! | what              | wire name            | is                                   |
//! |-------------------|----------------------|--------------------------------------|
//! | `ax:files.read`   | `ax_files_read`      | a call, or a task that asks before   |
//! | `ax:lint.repair`  | `ax_lint_repair`     | a task that runs an agent            |
//! | `review.toml`     | `workflow_review`    | a task that does the steps of a file |
//!
//! Invariant: an edition never changes, and no two of what it offers share a name: a plugin's names have two
//! underscores, a workflow's has one, and an agent called as a tool of its plugin is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use ax_manifest::McpApproval;
use rmcp::model::Tool;
use serde_json::{Value, json};

use super::installed::Explain;
use super::offer::{Worded, offered, worded};
use super::tasks::Answering;
use crate::app::{App, Catalogue, ChangeError, Doing, ShelfStamp, ToolsError};

/// What is before the name of a workflow. No plugin's wire name has one underscore alone.
const WORKFLOW: &str = "workflow_";

/// What was offered at one time.
pub(super) struct Edition {
    /// Another one for each.
    pub(super) number: u64,
    pub(super) catalogue: Catalogue,
    pub(super) tools: Arc<BTreeMap<String, Tool>>,
    /// What is carried as a task whoever calls it.
    pub(super) works: BTreeMap<String, Work>,
    shelf: ShelfStamp,
}

/// An agent or a workflow.
pub(super) struct Work {
    pub(super) doing: Doing,
    /// The schema of what it is given.
    pub(super) input: Value,
    /// The schema of what it gives, if that is known.
    pub(super) output: Option<Value>,
}

impl Edition {
    /// Reads what is there now, and tells of files that are no workflows.
    pub(super) fn of(app: &App, explain: &dyn Explain, number: u64) -> Result<Self, ToolsError> {
        // Before they are read: what is written meanwhile is another stamp.
        let stamp = app.shelf_stamp();
        let catalogue = app.catalogue()?;
        let each = catalogue.tools().iter();
        let mut tools: BTreeMap<String, Tool> =
            each.map(|(name, it)| (name.clone(), offered(&it.id, &it.tool))).collect();
        let mut works = BTreeMap::new();
        for listed in catalogue.agents() {
            let (name, agent) = (listed.id.wire_name(), &listed.agent);
            if tools.contains_key(&name) {
                continue;
            }
            let written = worded(Worded {
                name: name.clone(),
                title: listed.id.to_string(),
                description: agent.summary.clone(),
                input: &agent.input_schema,
                output: agent.output_schema.as_ref(),
                only_reads: catalogue.agent_only_reads(&listed.identity),
            });
            tools.insert(name.clone(), written);
            let doing = Doing::Agent { agent: listed.id.clone(), goal: String::new() };
            let (input, output) = (agent.input_schema.clone(), agent.output_schema.clone());
            works.insert(name, Work { doing, input, output });
        }
        let shelf = app.shelf().map_err(ToolsError::from)?;
        shelf.misfits.iter().for_each(|misfit| explain.unfit(misfit));
        for workflow in shelf.workflows {
            let (name, spec) = (format!("{WORKFLOW}{}", workflow.name), workflow.spec);
            let id = format!("workflow {}", workflow.name);
            let title = match &spec.title {
                Some(title) => format!("{title} ({id})"),
                None => id,
            };
            let input = spec.input.unwrap_or_else(|| json!({ "type": "object" }));
            let written = worded(Worded {
                name: name.clone(),
                description: spec.summary.unwrap_or_else(|| title.clone()),
                title,
                input: &input,
                output: None,
                only_reads: workflow.only_reads,
            });
            tools.insert(name.clone(), written);
            works.insert(name, Work { doing: Doing::Workflow(workflow.path), input, output: None });
        }
        Ok(Self { number, catalogue, tools: Arc::new(tools), works, shelf: stamp })
    }

    /// Answers whether it is what there is now. Cheap: it is asked before each call.
    pub(super) fn is_current(&self, app: &App) -> Result<bool, ToolsError> {
        let is_current = app.is_current(&self.catalogue).map_err(ChangeError::from)?;
        Ok(is_current && app.shelf_stamp() == self.shelf)
    }

    /// Returns the task that a call is; none for one that waits for nobody.
    pub(super) fn doing(&self, name: &str, caller: &str) -> Option<Doing> {
        if let Some(work) = self.works.get(name) {
            return Some(work.doing.clone());
        }
        let tool = self.catalogue.tools().get(name)?;
        let waits =
            self.catalogue.mcp_approval() != McpApproval::None && self.catalogue.may_destroy(tool);
        let call = || Doing::Call { tool: tool.id.clone(), caller: caller.to_owned() };
        waits.then(call)
    }

    /// Answers whether a client may answer what a person is asked.
    pub(super) fn lets_clients_answer(&self) -> bool {
        self.catalogue.mcp_approval() == McpApproval::Elicit
    }

    /// Says how the answer of what is called so is read.
    pub(super) fn answering(&self, name: &str) -> Answering {
        if let Some(work) = self.works.get(name) {
            return Answering { schema: work.output.clone(), call: None };
        }
        let tool = self.catalogue.tools().get(name).map(|it| &it.tool);
        Answering {
            schema: tool.and_then(|tool| tool.output_schema.clone()),
            call: tool.map(|tool| tool.entry.clone()),
        }
    }
}
