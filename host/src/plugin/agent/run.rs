//! Runs an agent from its beginning, until it is done, is told to wait, or can not go on.
//!
//! Each run is a row of the audit, also of an agent that is played back: its questions are on record in the
//! journal of its task.
//! Not here: its answers (`seat`), why it is run (`runtime`).

use std::sync::Arc;

use ax_manifest::{Digest, Permission};
use serde_json::{Map, Value};
use tokio::sync::{SemaphorePermit, watch};
use wasmtime::Store;

use super::super::account::Run;
use super::super::backtrace::{self, Frame};
use super::super::error::CallError;
use super::super::exports::{self, Output};
use super::super::gate::Gate;
use super::super::guest::{CallFrame, CallId, Guest, Holdings, World};
use super::super::json;
use super::super::limits::Limit;
use super::super::log::Log;
use super::super::meter::Meter;
use super::super::report::{Report, report};
use super::super::rights::Ruling;
use super::super::secrets::CallSecrets;
use super::super::store::{Stage, confined, explain};
use super::super::wanted::{abandoned, asked_to_stop};
use super::super::{Plugin, PluginHost, schema, text};
use super::seat::Ending;
use super::{AgentEnd, AgentRun, Seat, failure_of};
use crate::secret::leak::LeakScan;
use crate::workflow::Text;

/// What a run of an agent is called in the audit.
pub const RUN: &str = "agent.run";

/// What a guest came to, before anybody looked at it.
type Ended = Option<Result<Result<String, CallError>, Stage>>;

impl Plugin {
    /// Finds one of its agents.
    ///
    /// # Errors
    ///
    /// [`CallError::NoSuchAgent`].
    pub fn agent(&self, name: &str) -> Result<&ax_manifest::Agent, CallError> {
        let agents = &self.release.agents;
        agents.iter().find(|agent| agent.name == name).ok_or_else(|| CallError::NoSuchAgent {
            plugin: self.label.to_string(),
            agent: text::scrub(name, 64),
            known: agents.iter().map(|agent| agent.name.clone()).collect(),
        })
    }

    /// Checks whether an agent is there and takes this input, without running it.
    ///
    /// # Errors
    ///
    /// As the run would.
    pub fn check_agent(&self, name: &str, input: &str) -> Result<(), CallError> {
        let agent = self.agent(name)?;
        let parsed = json::parse(input, self.release.limits.input_bytes)?;
        let misfit = schema::check(&agent.input_schema, &parsed);
        misfit.map_err(|why| CallError::AgentInput { why: why.to_string() })
    }
}

impl PluginHost {
    /// Runs an agent on the guest threads. Dropping the future ends the guest.
    pub async fn run_agent(self: &Arc<Self>, plugin: &Arc<Plugin>, run: AgentRun) -> AgentEnd {
        let (host, plugin) = (Arc::clone(self), Arc::clone(plugin));
        // Held by whoever waits for the end: when it goes, nobody does.
        let (_waiting, gone) = watch::channel(());
        let work = async move { host.recorded_run(&plugin, run, gone).await };
        self.executor.run(work).await.unwrap_or_else(|_| AgentEnd::failed(CallError::Lost))
    }

    /// Answers whether a plugin may do something now, as the gate would decide; nothing is recorded of it.
    #[must_use]
    pub fn may(&self, plugin: &Plugin, wanted: &Permission) -> bool {
        let rights = plugin.rights(&[], self.workspace(), self.clock.now_ms());
        matches!(rights.decide(wanted), Ruling::Allowed(_))
    }

    async fn recorded_run(
        &self,
        plugin: &Plugin,
        agent: AgentRun,
        gone: watch::Receiver<()>,
    ) -> AgentEnd {
        let (began, id) = (self.clock.monotonic(), self.next_id());
        let who = format!("task:{}", agent.task).into();
        let run = Run {
            who: &who,
            plugin: &plugin.label,
            component: plugin.release.component,
            tool: RUN.into(),
            input: Digest::of(agent.input.as_bytes()),
            bytes_in: agent.input.len() as u64,
            trace_parent: None,
            is_kept: false,
        };
        let (mut report, end) = match self.seated(plugin, &agent, gone.clone()).await {
            Ok(Some((meter, _slot))) => self.confine_agent(id, plugin, agent, meter, gone).await,
            Ok(None) => (Report::empty(id, CallError::Cancelled), AgentEnd::Stopped),
            Err(error) => {
                let cause = error.to_string();
                let told = CallError::Start { message: cause };
                (Report::empty(id, told), AgentEnd::failed(error))
            }
        };
        let took = self.clock.monotonic().saturating_sub(began);
        report.usage.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        match self.account(&run, &report).await {
            Ok(()) => end,
            Err(error) => AgentEnd::failed(CallError::Audit(error)),
        }
    }

    /// Takes what a run needs before it can begin; nothing if nobody wants it any more.
    async fn seated<'a>(
        &self,
        plugin: &'a Plugin,
        run: &AgentRun,
        gone: watch::Receiver<()>,
    ) -> Result<Option<(Meter, SemaphorePermit<'a>)>, CallError> {
        // What cannot be recorded is not done.
        self.audit.check().map_err(CallError::Audit)?;
        plugin.check_agent(&run.agent, &run.input)?;
        let limits = &plugin.release.limits;
        let taken = tokio::select! {
            biased;
            slot = plugin.slots.take(0) => slot,
            () = asked_to_stop(Some(run.cancel.clone())) => return Ok(None),
            () = abandoned(Some(gone)) => return Ok(None),
        };
        let slot = taken.map_err(|limit| CallError::exhausted(limit, limits))?;
        Ok(Some((self.place(limits)?, slot)))
    }

    async fn confine_agent(
        &self,
        id: CallId,
        plugin: &Plugin,
        run: AgentRun,
        meter: Meter,
        gone: watch::Receiver<()>,
    ) -> (Report, AgentEnd) {
        let limits = &plugin.release.limits;
        let mut store = self.agent_store(id, plugin, &run, meter);
        let _ticking = self.engine.tick();
        let AgentRun { agent, goal, input, cancel, .. } = run;
        let ended: Ended = {
            let work = std::pin::pin!(async {
                let made = plugin.ready.instantiate_async(&mut store).await;
                let instance = made.map_err(Stage::Start)?;
                let component = plugin.ready.component();
                let told = (agent.clone(), goal, input);
                exports::run_agent(&mut store, &instance, component, told)
                    .await
                    .map_err(Stage::Call)
            });
            tokio::select! {
                biased;
                () = asked_to_stop(Some(cancel)) => None,
                () = abandoned(Some(gone)) => None,
                ended = work => Some(ended),
            }
        };
        store.data_mut().end().await;
        let came_to = came_to(ended, store.data(), plugin, &agent);
        let left = store.get_fuel().unwrap_or(0).saturating_sub(store.data().gate.fuel_due());
        let fuel = store.data().seat.as_ref().map_or((0, 0), |seat| seat.fuel(left));
        let is_replaying = store.data().seat.as_ref().is_some_and(|seat| seat.is_replaying());
        let (mut report, _) = report(id, store, limits.fuel, came_to.reported(), false);
        (report.usage.fuel, report.usage.result_bytes) = (fuel.1, 0);
        let mut log = std::mem::take(&mut report.log);
        if is_replaying {
            log.clear();
        }
        let end = came_to.end(fuel.0, log);
        if let AgentEnd::Failed { backtrace, .. } = &end {
            report.backtrace.clone_from(backtrace);
        }
        (report, end)
    }

    /// Makes the store of an agent: no folders, no variables, no secrets, time and chance of the task.
    fn agent_store(
        &self,
        id: CallId,
        plugin: &Plugin,
        run: &AgentRun,
        meter: Meter,
    ) -> Store<Guest> {
        let limits = &plugin.release.limits;
        let settings = match &run.settings {
            Value::Object(settings) => settings.clone(),
            _ => Map::new(),
        };
        let mut holdings = Holdings::of(&plugin.release);
        holdings.settings = Arc::new(settings);
        let companion = Arc::clone(&run.companion);
        let (began_ms, seed) = (companion.now_ms(), companion.seed());
        let frame = CallFrame {
            id,
            depth: 0,
            ends_at: self.clock.monotonic() + limits.deadline,
            world: World::Task { task: run.task, began_ms, seed },
            clock: Arc::clone(&self.clock),
            environment: Arc::new(|_: &str| None),
            progress: None,
            // It learns that it is to stop by being ended: an answer would depend on when it asks.
            cancel: None,
            holdings: Arc::new(holdings),
            outside: Arc::clone(&self.outside),
            secrets: CallSecrets::default(),
            once: None,
        };
        let rights = plugin.rights(&[], self.workspace(), self.clock.now_ms());
        let log = Log::new(limits, LeakScan::none());
        let mut guest = Guest::new(Gate::new(rights), meter, log, frame, Arc::from([]));
        guest.seat = Some(Box::new(Seat::new(companion, limits.fuel, limits.deadline)));
        confined(&self.engine, guest, limits)
    }
}

/// What a run came to.
enum CameTo {
    Done(Result<Text, CallError>),
    Parked,
    Stopped,
    Failed(CallError, Vec<Frame>),
}

impl CameTo {
    /// Returns it as the audit tells it; the answer itself is the task's.
    fn reported(&self) -> Result<Output, CallError> {
        match self {
            Self::Done(Ok(_)) | Self::Parked | Self::Stopped => Ok(Output::Value(Value::Null)),
            Self::Done(Err(error)) | Self::Failed(error, _) => Err(error.told_again()),
        }
    }

    fn end(self, fuel: u64, log: Vec<super::Line>) -> AgentEnd {
        match self {
            Self::Done(result) => {
                let result = result.map_err(|error| failure_of(&error));
                AgentEnd::Done { result, fuel, log }
            }
            Self::Parked => AgentEnd::Parked,
            Self::Stopped => AgentEnd::Stopped,
            Self::Failed(error, backtrace) => AgentEnd::Failed { error, fuel, log, backtrace },
        }
    }
}

fn came_to(ended: Ended, guest: &Guest, plugin: &Plugin, agent: &str) -> CameTo {
    let limits = &plugin.release.limits;
    let ending = guest.seat.as_ref().and_then(|seat| seat.ending());
    match (ended, ending) {
        (None, _) | (Some(Err(_)), Some(Ending::Stopped)) => CameTo::Stopped,
        (Some(Err(_)), Some(Ending::Parked)) => CameTo::Parked,
        (Some(Err(stage)), None) => {
            let backtrace = backtrace::of(stage.error());
            CameTo::Failed(explain(stage, guest, limits), backtrace)
        }
        // What it would have come to with the memory it was refused, nobody knows.
        (Some(Ok(_)), _) if guest.meter.hit() == Some(Limit::HostMemory) => {
            CameTo::Failed(CallError::exhausted(Limit::HostMemory, limits), Vec::new())
        }
        (Some(Ok(Err(error))), _) => CameTo::Done(Err(error)),
        (Some(Ok(Ok(text))), _) => match judged(&text, plugin, agent) {
            Ok(text) => CameTo::Done(Ok(text)),
            Err(error) => CameTo::Failed(error, Vec::new()),
        },
    }
}

/// Reads what an agent returned, and compares it with the schema it declared.
fn judged(text: &str, plugin: &Plugin, agent: &str) -> Result<Text, CallError> {
    let limits = &plugin.release.limits;
    exports::within(text.len() as u64, limits)?;
    let unusable = |why: String| CallError::Answer { why };
    let value = json::parse(text, limits.result_bytes).map_err(|why| unusable(why.to_string()))?;
    if let Some(schema) = &plugin.agent(agent)?.output_schema {
        schema::check(schema, &value)
            .map_err(|why| unusable(format!("it does not fit the agent's output schema: {why}")))?;
    }
    Ok(Text::new(value.to_string()))
}

impl AgentEnd {
    /// An end before anything of the guest ran.
    fn failed(error: CallError) -> Self {
        Self::Failed { error, fuel: 0, log: Vec::new(), backtrace: Vec::new() }
    }
}
