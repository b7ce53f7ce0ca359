//! What performs the effects of tasks: tools of installed plugins, and models.
//!
//! Invariant: before each effect it is looked whether what is installed, granted and forbidden is still the
//! same, so that what was revoked is so for the next one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ax_manifest::{Digest, PluginName};
use futures_util::future::BoxFuture;

use super::TaskError;
use super::work;
use crate::app::{App, Catalogue};
use crate::plugin::Listed;
use crate::plugin::agent::Offered;
use crate::runtime::{Done, Guest, Performance, Performer, Prepared};
use crate::workflow::spec::{AgentName, StepKind};
use crate::workflow::{
    Failure, FailureKind, Order, Planned, Program, Run, Spent, Started, Text, Work,
};

/// Performs effects of tasks.
pub(super) struct TaskPerformer {
    app: Arc<App>,
    catalogue: Mutex<Option<Arc<Catalogue>>>,
}

impl TaskPerformer {
    pub(super) fn new(app: Arc<App>) -> Self {
        Self { app, catalogue: Mutex::default() }
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// Returns what is installed now.
    pub(super) fn catalogue(&self) -> Result<Arc<Catalogue>, Failure> {
        let mut held = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(catalogue) = &*held
            && self.app.is_current(catalogue).is_ok_and(|is_current| is_current)
        {
            return Ok(Arc::clone(catalogue));
        }
        let read = self.app.catalogue().map(Arc::new).map_err(|error| {
            let hint = error.hint().map(|hint| format!("; try: {hint}")).unwrap_or_default();
            Failure::new(FailureKind::Unavailable, format!("{error}{hint}"))
        })?;
        *held = Some(Arc::clone(&read));
        Ok(read)
    }

    /// Returns the code of the plugins that a task names.
    fn components(&self, run: &Run) -> BTreeMap<PluginName, Digest> {
        let Ok(catalogue) = self.catalogue() else { return BTreeMap::new() };
        let mut components = BTreeMap::new();
        let mut add = |plugin: &PluginName| {
            let found = catalogue.tools().values().find(|tool| tool.id.plugin == *plugin);
            components.extend(found.map(|tool| (plugin.clone(), catalogue.component(tool))));
        };
        let steps = run.plan().map(|plan| &plan.spec().steps).into_iter().flatten();
        for step in steps {
            match &step.kind {
                StepKind::Tool { call, happened, undo } => {
                    add(&call.tool.plugin);
                    happened.iter().chain(undo).for_each(|call| add(&call.tool.plugin));
                }
                StepKind::Agent { agent: AgentName::Programmed(agent), .. } => add(&agent.plugin),
                _ => {}
            }
        }
        if let Some(program) = run.program() {
            components.insert(program.plugin.clone(), program.component);
        }
        components
    }
}

impl Performer for TaskPerformer {
    fn plan(&self, run: &Run) -> Result<Planned, Failure> {
        let host = self
            .app
            .host()
            .map_err(|error| Failure::new(FailureKind::Unavailable, error).coded("host"))?;
        Ok(Planned { engine: host.engine_digest(), components: self.components(run) })
    }

    fn prepare<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Prepared, Failure>> {
        Box::pin(async move {
            match order {
                Order::Tool(call) => self.prepare_tool(call),
                Order::Model { request } => self.prepare_model(request),
                Order::Agent { .. } | Order::Workflow { .. } => Err(not_here()),
            }
        })
    }

    fn perform(&self, performance: Performance) -> BoxFuture<'_, Done> {
        Box::pin(async move {
            match &performance.order {
                Order::Tool(call) => self.call_tool(call, &performance).await,
                Order::Model { request } => self.ask_model(request, &performance).await,
                Order::Agent { .. } | Order::Workflow { .. } => {
                    let (outcome, spent) = (Err(not_here()), Spent::default());
                    Done { outcome, spent, changed_outside: false }
                }
            }
        })
    }

    fn guest(&self, program: &Program) -> Result<Guest, Failure> {
        self.app.agent_guest(program)
    }

    fn offered(&self) -> (Vec<Offered>, Vec<Listed>) {
        let tools = self.catalogue().map(|catalogue| {
            let tools = catalogue.tools().values();
            tools.map(|it| Offered::new(&it.id.plugin, &it.tool)).collect()
        });
        (tools.unwrap_or_default(), self.app.listed_models())
    }

    fn count(&self, request: String) -> BoxFuture<'_, Result<Text, Failure>> {
        Box::pin(self.count_tokens(request))
    }

    fn work_of(
        &self,
        parent: &Started,
        order: &Order,
    ) -> Result<(Work, String, String, Text), Failure> {
        let (work, input) = match order {
            Order::Agent { agent, goal, input } => (self.app.agent_work(agent, goal), input),
            Order::Workflow { file, input } => (work::nested(parent, file), input),
            Order::Tool(_) | Order::Model { .. } => return Err(not_here()),
        };
        let pinned = work.map_err(|error: TaskError| {
            let hint = error.hint().map(|hint| format!("; try: {hint}")).unwrap_or_default();
            Failure::new(FailureKind::NotFound, format!("{error}{hint}"))
        })?;
        Ok((pinned.work, pinned.title, pinned.name, input.clone()))
    }

    fn ground(&self, run: &Run) -> Digest {
        let mut hasher = Digest::hasher();
        for (plugin, component) in self.components(run) {
            hasher.update(plugin.to_string().as_bytes());
            hasher.update(component.as_bytes());
        }
        if let Ok(catalogue) = self.catalogue() {
            hasher.update(catalogue.policy_digest().as_bytes());
        }
        hasher.finish()
    }
}

/// What the runtime carries itself.
fn not_here() -> Failure {
    Failure::new(FailureKind::Invalid, "a task of its own is carried by the runtime")
}
