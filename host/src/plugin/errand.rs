//! Runs a guest for the host itself: at an installation, to say its tools or to migrate its data; before a
//! question to a model, to say who is asked.
//!
//! ```text
//! what runs, with which rights ──→ fresh instance, confined ──→ row in the audit ──→ the answer
//! ```
//!
//! An errand has no input of a person, no folders, no variables and no secrets.
//!
//! Invariant: none runs that cannot be recorded, and none is answered before it is recorded; one
//! whose effects stay, before they are on disk in the audit.
//! Not here: what is run (`describe`, `migrate`, `ranking`).

use std::sync::Arc;

use ax_manifest::{Digest, PluginName};
use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::PluginHost;
use super::account::Run;
use super::backtrace::{self, Frame};
use super::error::CallError;
use super::exports::Output;
use super::gate::Gate;
use super::guest::{CallFrame, Guest, Holdings, World};
use super::limits::{Limit, Limits};
use super::log::{Line, Log};
use super::report::{Report, report};
use super::rights::Rights;
use super::secrets::CallSecrets;
use super::store::{Stage, broken_off, confined};
use crate::secret::leak::LeakScan;

/// What is run for the host.
pub(super) struct Errand<'a> {
    /// The function, with its interface: no tool has a dot in its name.
    pub(super) name: &'static str,
    pub(super) plugin: &'a PluginName,
    pub(super) component: Digest,
    pub(super) limits: &'a Limits,
    pub(super) world: World,
    pub(super) holdings: Arc<Holdings>,
    pub(super) rights: Rights,
    /// What it is told, in words.
    pub(super) input: &'a str,
    /// Whether what it does stays.
    pub(super) is_kept: bool,
}

/// How an errand ended that gave no answer.
#[derive(Debug)]
pub(super) struct Ended {
    /// Why.
    pub(super) error: CallError,
    /// What the guest said.
    pub(super) log: Vec<Line>,
    /// Where it was when the engine ended it, the innermost function first.
    pub(super) backtrace: Vec<Frame>,
}

impl PluginHost {
    /// Runs `work` in a fresh instance, and records it.
    pub(super) async fn run_errand<T>(
        &self,
        errand: Errand<'_>,
        ready: &InstancePre<Guest>,
        work: impl AsyncFnOnce(&mut Store<Guest>, &Instance) -> wasmtime::Result<Result<T, CallError>>,
    ) -> Result<T, Ended> {
        let silent = |error| Ended { error, log: Vec::new(), backtrace: Vec::new() };
        self.audit.check().map_err(|error| silent(CallError::Audit(error)))?;
        let began = self.clock.monotonic();
        let (who, plugin) = (Arc::from("person"), Arc::from(errand.plugin.as_str()));
        let run = Run {
            who: &who,
            plugin: &plugin,
            component: errand.component,
            tool: errand.name.into(),
            input: Digest::of(errand.input.as_bytes()),
            bytes_in: errand.input.len() as u64,
            trace_parent: None,
            is_kept: errand.is_kept,
        };
        let (answer, mut report) = self.confine_errand(errand, ready, work).await;
        let took = self.clock.monotonic().saturating_sub(began);
        report.usage.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.account(&run, &report).await.map_err(|error| silent(CallError::Audit(error)))?;
        let Report { result, log, backtrace, .. } = report;
        match (answer, result) {
            (Some(answer), _) => Ok(answer),
            (None, Err(error)) => Err(Ended { error, log, backtrace }),
            (None, Ok(_)) => Err(Ended { error: CallError::Lost, log, backtrace }),
        }
    }

    async fn confine_errand<T>(
        &self,
        errand: Errand<'_>,
        ready: &InstancePre<Guest>,
        work: impl AsyncFnOnce(&mut Store<Guest>, &Instance) -> wasmtime::Result<Result<T, CallError>>,
    ) -> (Option<T>, Report) {
        let (id, limits) = (self.next_id(), errand.limits);
        let meter = match self.meter.admit(limits) {
            Ok(meter) => meter,
            Err(limit) => return (None, Report::empty(id, CallError::exhausted(limit, limits))),
        };
        let frame = CallFrame {
            id,
            depth: 0,
            ends_at: self.clock.monotonic() + limits.deadline,
            world: errand.world,
            clock: Arc::clone(&self.clock),
            environment: Arc::new(|_: &str| None),
            progress: None,
            cancel: None,
            holdings: errand.holdings,
            outside: Arc::clone(&self.outside),
            secrets: CallSecrets::default(),
            once: None,
        };
        let gate = Gate::new(Arc::new(errand.rights));
        let log = Log::new(limits, LeakScan::none());
        let guest = Guest::new(gate, meter, log, frame, Arc::from([]));
        let mut store = confined(&self.engine, guest, limits);
        let _ticking = self.engine.tick();
        let working = async {
            let instance = ready.instantiate_async(&mut store).await.map_err(Stage::Start)?;
            work(&mut store, &instance).await.map_err(Stage::Call)
        };
        let ended = tokio::time::timeout(limits.deadline, working).await;
        store.data_mut().end().await;
        let mut backtrace = Vec::new();
        let answered = match ended {
            Err(_) => Err(CallError::exhausted(Limit::Time, limits)),
            Ok(Ok(answer)) => answer,
            Ok(Err(stage)) => {
                backtrace = backtrace::of(stage.error());
                Err(broken_off(stage, store.data(), limits))
            }
        };
        let (answer, result) = match answered {
            // What is answered to the host is no output of the plugin.
            Ok(answer) => (Some(answer), Ok(Output::Value(Value::Null))),
            Err(error) => (None, Err(error)),
        };
        let (mut report, _) = report(id, store, limits.fuel, result, false);
        report.usage.result_bytes = 0;
        (answer, Report { backtrace, ..report })
    }
}
