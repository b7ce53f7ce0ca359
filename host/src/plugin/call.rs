//! One call: admit → instantiate → call → account.
//!
//! ```text
//! admit        tool known, depth, a slot of the plugin, input fits, a place in the host
//! run          fresh instance under fuel, memory, stack, wall clock; the gate at every effect
//! account      usage and denials into the audit; the answer waits for denials to be durable
//! ```
//!
//! Invariant: whatever happens in between, every call that was asked for leaves one audit row, and
//! none runs that cannot be recorded.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use ax_manifest::{Digest, Permission, Span};
use tokio::sync::{SemaphorePermit, watch};
use tokio::time::error::Elapsed;
use wasmtime::Store;
use wasmtime::component::Instance;

use super::account::Run;
use super::backtrace;
use super::error::CallError;
use super::exports::{self, Arguments, Output, Target};
use super::gate::Gate;
use super::guest::{CallFrame, CallId, Guest, Progress};
use super::limits::{self, Limit, Limits};
use super::log::Log;
use super::meter::Meter;
use super::once::Once;
use super::profile::Profiler;
use super::report::{Report, report};
use super::rights::Rights;
use super::secrets::CallSecrets;
use super::store::{Stage, confined, explain, refuel, short_of_memory};
use super::trace::Recorder;
use super::wanted::{abandoned, cancelled, while_wanted};
use super::warm::{Lane, Warm};
use super::written::Account;
use super::{Plugin, PluginHost};
use crate::audit::entry::TraceParent;
use crate::workflow::EffectKey;

/// Who calls when nobody else is named.
static PERSON: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("person"));

/// What is asked of a plugin.
#[derive(Debug, Clone)]
pub struct Call {
    /// The tool's name within the plugin.
    pub tool: String,
    /// Its input, one JSON document.
    pub input: String,
    /// Who asks: `person`, `task:…`, `mcp:…`. Goes into the audit, and a warm instance serves one of
    /// them alone.
    pub who: Arc<str>,
    /// The task it is a step of; none outside tasks.
    pub task: Option<Arc<str>>,
    /// Where it belongs in a trace of whoever asks; goes into the audit.
    pub trace_parent: Option<TraceParent>,
    /// Plugins between this call and whoever began it; 0 from outside.
    pub depth: u8,
    /// Names the effect that the call is, to whatever does an effect once per key: a resent call has the same.
    pub key: Option<EffectKey>,
    /// Whether every right to change something outside is taken away from it.
    pub reads_only: bool,
    /// Permissions a person allowed for this call alone.
    pub once: Vec<Permission>,
    /// A shorter wall clock than the plugin's own limit.
    pub deadline: Option<Duration>,
    /// Whether to record what it asks of the host.
    pub is_traced: bool,
    /// Looks at it while it runs; such a call has an instance of its own.
    pub profiler: Option<Profiler>,
    /// Told how far the call is.
    pub progress: Option<watch::Sender<Progress>>,
    /// Turns true when somebody asks to stop.
    pub cancel: Option<watch::Receiver<bool>>,
    /// How long it may go on then: two seconds, as `ax:task` promises, or none if whoever asked is gone
    /// and reads no answer.
    pub grace: Duration,
}

impl Call {
    /// A call from a person, with nothing special about it.
    #[must_use]
    pub fn new(tool: &str, input: &str) -> Self {
        Self {
            tool: tool.to_owned(),
            input: input.to_owned(),
            who: Arc::clone(&PERSON),
            task: None,
            trace_parent: None,
            depth: 0,
            key: None,
            reads_only: false,
            once: Vec::new(),
            deadline: None,
            is_traced: false,
            profiler: None,
            progress: None,
            cancel: None,
            grace: limits::CANCEL_GRACE,
        }
    }
}

/// A call that may run.
struct Admitted<'a> {
    target: &'a Target,
    arguments: Arguments,
    /// Whose warm instances may serve it, if any may.
    lane: Option<Lane>,
    body: Body,
    rights: Arc<Rights>,
    secrets: CallSecrets,
    once: Option<Once>,
}

/// What an admitted call comes to.
enum Admission<'a> {
    Run(Admitted<'a>),
    /// It was made before, and answered this.
    Known(Result<Output, CallError>),
}

/// A call whose guest has ended.
struct Finished<'a> {
    id: CallId,
    plugin: &'a Plugin,
    lane: Option<Lane>,
    store: Store<Guest>,
    result: Result<Output, CallError>,
    /// The instance, if it is whole.
    instance: Option<Instance>,
    /// Calls it had served before.
    calls: u32,
}

/// What a call runs in.
enum Body {
    /// An instance to be made, with its place in the host.
    Fresh(Meter),
    /// One that served a call before.
    Warm(Warm),
}

impl Plugin {
    /// Checks whether a tool is there and takes this input, without calling it.
    ///
    /// # Errors
    ///
    /// As the call would.
    pub fn check(&self, tool: &str, input: &str) -> Result<(), CallError> {
        exports::arguments(self.target(tool)?, tool, input, &self.release.limits).map(drop)
    }
}

impl PluginHost {
    /// Calls a tool on the guest threads. Dropping the future ends the guest; the call is recorded
    /// as cancelled then.
    pub async fn call(self: &Arc<Self>, plugin: &Arc<Plugin>, call: Call) -> Report {
        let (host, plugin) = (Arc::clone(self), Arc::clone(plugin));
        let id = self.next_id();
        // Held by whoever waits for the answer: when it goes, nobody does.
        let (_waiting, gone) = watch::channel(());
        let work = async move { host.recorded(id, &plugin, call, Some(gone)).await };
        self.executor.run(work).await.unwrap_or_else(|_| Report::empty(id, CallError::Lost))
    }

    /// Calls a tool on this thread, which must be one of the guest threads
    /// ([`PluginHost::block_on`]).
    pub async fn call_here(&self, plugin: &Plugin, call: Call) -> Report {
        self.recorded(self.next_id(), plugin, call, None).await
    }

    /// Makes a call, or gives it up when whoever waits is `gone`; records it either way, with all
    /// it did until then.
    async fn recorded(
        &self,
        id: CallId,
        plugin: &Plugin,
        call: Call,
        gone: Option<watch::Receiver<()>>,
    ) -> Report {
        let began = self.clock.monotonic();
        let run = Run {
            who: &call.who,
            plugin: &plugin.label,
            component: plugin.release.component,
            tool: call.tool.as_str().into(),
            input: Digest::of(call.input.as_bytes()),
            bytes_in: call.input.len() as u64,
            trace_parent: call.trace_parent.clone(),
            is_kept: false,
        };
        // Held until the row is written: who calls a plugin faster than its calls are recorded waits.
        let (mut report, _slot) = match self.admit(plugin, &call, began, gone.clone()).await {
            Ok((Admission::Run(admitted), slot)) => {
                (self.run(id, plugin, &call, admitted, began, gone).await, Some(slot))
            }
            Ok((Admission::Known(result), slot)) => (Report::known(id, result), Some(slot)),
            Err(error) => (Report::empty(id, error), None),
        };
        let took = self.clock.monotonic().saturating_sub(began);
        report.usage.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Err(error) = self.account(&run, &report).await {
            report.result = Err(CallError::Audit(error));
        }
        report
    }

    async fn admit<'a>(
        &self,
        plugin: &'a Plugin,
        call: &Call,
        began: Duration,
        gone: Option<watch::Receiver<()>>,
    ) -> Result<(Admission<'a>, SemaphorePermit<'a>), CallError> {
        // What cannot be recorded is not done.
        self.audit.check().map_err(CallError::Audit)?;
        let limits = &plugin.release.limits;
        if call.depth > limits::DEPTH {
            return Err(CallError::exhausted(Limit::Depth, limits));
        }
        let target = plugin.target(&call.tool)?;
        let slot = match plugin.slots.try_take() {
            Some(slot) => slot,
            None => {
                let taking = async {
                    let slot = plugin.slots.take(call.depth).await;
                    slot.map_err(|limit| CallError::exhausted(limit, limits))
                };
                while_wanted(taking, plugin, call, gone.clone()).await?
            }
        };
        // Only now: values take many times the space of their text, and waiting calls are many.
        let arguments = exports::arguments(target, &call.tool, &call.input, limits)?;
        let (workspace, now_ms) = (self.workspace(), self.clock.now_ms());
        let rights = match call.reads_only {
            true => plugin.reading_rights(&call.once, workspace, now_ms),
            false => plugin.rights(&call.once, workspace, now_ms),
        };
        let once = Once::of(call, plugin, &rights, &self.outside.kv);
        if let Some(result) = self.known(once.as_ref()).await? {
            return Ok((Admission::Known(result), slot));
        }
        let secrets = match rights.secrets().next() {
            Some(_) => while_wanted(self.secrets(&rights), plugin, call, gone).await?,
            None => CallSecrets::default(),
        };
        // An instance that was warmed with more rights may hold what they opened.
        let is_plain = call.profiler.is_none() && !call.reads_only;
        let lane = plugin.lane(call, &rights).filter(|_| is_plain);
        let body = match lane.as_ref().and_then(|lane| self.warm.take(lane, began)) {
            Some(warm) => Body::Warm(warm),
            None => Body::Fresh(self.place(limits)?),
        };
        let admitted = Admitted { target, arguments, lane, body, rights, secrets, once };
        Ok((Admission::Run(admitted), slot))
    }

    /// Takes a place for one more instance; idle ones make room for it and for the memory it may
    /// come to have.
    pub(super) fn place(&self, limits: &Limits) -> Result<Meter, CallError> {
        self.warm.sweep(self.clock.monotonic());
        while !self.meter.has_room(limits.memory_bytes) && self.warm.evict() {}
        loop {
            match self.meter.admit(limits) {
                Ok(meter) => return Ok(meter),
                Err(Limit::HostInstances) if self.warm.evict() => {}
                Err(limit) => return Err(CallError::exhausted(limit, limits)),
            }
        }
    }

    /// Reads the secrets a call may use. What cannot be looked for in its answers is not run.
    async fn secrets(&self, rights: &Arc<Rights>) -> Result<CallSecrets, CallError> {
        let (secrets, rights) = (Arc::clone(&self.secrets), Arc::clone(rights));
        let read = self.outside.keeping.spawn_blocking(move || secrets.of(&rights)).await;
        read.map_err(|_| CallError::Lost)?.map_err(CallError::Secrets)
    }

    async fn run(
        &self,
        id: CallId,
        plugin: &Plugin,
        call: &Call,
        admitted: Admitted<'_>,
        began: Duration,
        gone: Option<watch::Receiver<()>>,
    ) -> Report {
        let limits = &plugin.release.limits;
        let deadline = call.deadline.map_or(limits.deadline, |asked| asked.min(limits.deadline));
        let once = admitted.once;
        let frame = self.frame(id, plugin, call, began + deadline, admitted.secrets);
        let frame = CallFrame { once, ..frame };
        let mut gate = Gate::new(admitted.rights);
        if call.is_traced {
            gate = gate.traced(Recorder::new(Arc::clone(&self.clock), began, limits.fuel));
        }
        let (mut store, warm, calls) = self.body(plugin, admitted.body, gate, frame);
        if let Some(profiler) = &call.profiler {
            profiler.attach(&mut store);
        }
        let _ticking = self.engine.tick();
        let target = admitted.target;
        let ended = {
            // Pinned here: it is large, and whatever is passed on is copied.
            let work = std::pin::pin!(async {
                let instance = match warm {
                    Some(instance) => instance,
                    None => {
                        plugin.ready.instantiate_async(&mut store).await.map_err(Stage::Start)?
                    }
                };
                exports::invoke(&mut store, &instance, target, admitted.arguments)
                    .await
                    .map(|raw| (raw, instance))
                    .map_err(Stage::Call)
            });
            self.in_time(work, began + deadline, call, gone).await
        };
        let mut instance = None;
        let mut backtrace = Vec::new();
        let result = match ended {
            None => Err(CallError::Cancelled),
            Some(Err(_)) => Err(CallError::exhausted(Limit::Time, limits)),
            Some(Ok(Err(stage))) => {
                backtrace = backtrace::of(stage.error());
                Err(explain(stage, store.data(), limits))
            }
            Some(Ok(Ok((raw, whole)))) => {
                instance = Some(whole);
                let answer = exports::answer(raw, target, limits);
                answer.map_err(|error| short_of_memory(error, store.data(), limits))
            }
        };
        // The bound that was hit, which the caller may have set lower than the manifest.
        let result = result.map_err(|error| match error {
            CallError::Exhausted { limit: Limit::Time, .. } => {
                let bound = Span(deadline).to_string();
                CallError::Exhausted { limit: Limit::Time, bound, bytes: None }
            }
            other => other,
        });
        let lane = admitted.lane;
        let finished = Finished { id, plugin, lane, store, result, instance, calls };
        Report { backtrace, ..self.finish(finished).await }
    }

    fn frame(
        &self,
        id: CallId,
        plugin: &Plugin,
        call: &Call,
        ends_at: Duration,
        secrets: CallSecrets,
    ) -> CallFrame {
        CallFrame {
            id,
            depth: call.depth,
            ends_at,
            world: self.world,
            clock: Arc::clone(&self.clock),
            environment: Arc::clone(&self.environment),
            progress: call.progress.clone(),
            cancel: call.cancel.clone(),
            holdings: Arc::clone(&plugin.holdings),
            outside: Arc::clone(&self.outside),
            secrets,
            once: None,
        }
    }

    /// Runs a guest until it ends, it is time, or nobody wants it any more; none then.
    async fn in_time<T>(
        &self,
        mut guest: Pin<&mut impl Future<Output = T>>,
        ends_at: Duration,
        call: &Call,
        gone: Option<watch::Receiver<()>>,
    ) -> Option<Result<T, Elapsed>> {
        // Most never wait; only those that do need a timer.
        let begun = std::future::poll_fn(|context| Poll::Ready(guest.as_mut().poll(context)));
        if let Poll::Ready(ended) = begun.await {
            return Some(Ok(ended));
        }
        let left = ends_at.saturating_sub(self.clock.monotonic());
        tokio::select! {
            biased;
            ended = tokio::time::timeout(left, guest) => Some(ended),
            () = cancelled(call) => None,
            () = abandoned(gone) => None,
        }
    }

    /// Ends and settles what the call writes, sums it up, and keeps the instance if it may serve
    /// another one.
    async fn finish(&self, finished: Finished<'_>) -> Report {
        let Finished { id, plugin, lane, mut store, result, instance, calls } = finished;
        let guest = store.data_mut();
        let ended = guest.end().await;
        let once = guest.call.once.take();
        if ended.is_full {
            guest.gate.exhaust(Limit::WrittenBytes);
        }
        let wrote = !ended.accounts.is_empty();
        self.settle(ended.accounts).await;
        // An instance that goes on with something of this call does not serve another one.
        let guest = store.data();
        let is_within = guest.meter.hit().is_none() && guest.gate.hit().is_none();
        let is_at_rest = is_within && guest.outbox.is_over() && guest.asking.is_over();
        let lane = lane.filter(|_| is_at_rest && instance.is_some());
        let fuel_given = plugin.release.limits.fuel;
        let (mut report, store) = report(id, store, fuel_given, result, lane.is_some());
        report.changed_outside |= wrote;
        let is_kept = self.conclude(once, &mut report.result).await;
        // An instance whose call did not happen remembers what is not so.
        let lane = lane.filter(|_| is_kept);
        if let (Some(lane), Some(instance), Some(store)) = (lane, instance, store) {
            let idle_since = self.clock.monotonic();
            self.warm.put(lane, Warm { store, instance, calls: calls + 1, idle_since });
        }
        report
    }

    /// Writes down what the call wrote into folders. What cannot be written down now is owed, and
    /// still counts in this process.
    async fn settle(&self, written: Vec<Arc<Account>>) {
        if written.is_empty() {
            return;
        }
        let outside = Arc::clone(&self.outside);
        let work = move || {
            let settled = written.iter().map(|account| outside.accounts.settle(account));
            settled.filter(Result::is_err).count()
        };
        let settled = self.outside.keeping.spawn_blocking(work);
        tokio::time::timeout(limits::LAST_WRITE_WAIT, settled).await.ok();
    }

    /// Makes the store of a call, or readies the one of a warm instance; returns that instance and
    /// the calls it has served.
    fn body(
        &self,
        plugin: &Plugin,
        body: Body,
        gate: Gate,
        frame: CallFrame,
    ) -> (Store<Guest>, Option<Instance>, u32) {
        let limits = &plugin.release.limits;
        match body {
            Body::Fresh(meter) => {
                let log = Log::new(limits, frame.secrets.scan().clone());
                let folders = Arc::clone(&self.folders);
                let guest = Guest::new(gate, meter, log, frame, folders);
                (confined(&self.engine, guest, limits), None, 0)
            }
            Body::Warm(warm) => {
                let Warm { mut store, instance, calls, .. } = warm;
                store.data_mut().begin(gate, frame);
                refuel(&mut store, limits);
                (store, Some(instance), calls)
            }
        }
    }
}
