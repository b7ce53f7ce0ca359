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

use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{Digest, Permission, Span};
use serde::Serialize;
use tokio::sync::{SemaphorePermit, watch};
use wasmtime::component::{Instance, ResourceTableError};
use wasmtime::{CallHook, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use super::account;
use super::error::CallError;
use super::exports::{self, Arguments, Output, Target};
use super::gate::{Allowance, Denial, Gate, Refusal};
use super::guest::{CallFrame, CallId, Guest, Progress, World};
use super::limits::{self, Limit, Limits};
use super::log::{Line, Log};
use super::meter::Meter;
use super::rights::Rights;
use super::secrets::CallSecrets;
use super::text;
use super::warm::Warm;
use super::written::Account;
use super::{Plugin, PluginHost};
use crate::secret::leak::LeakScan;

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
    /// Plugins between this call and whoever began it; 0 from outside.
    pub depth: u8,
    /// Permissions a person allowed for this call alone.
    pub once: Vec<Permission>,
    /// A shorter wall clock than the plugin's own limit.
    pub deadline: Option<Duration>,
    /// Told how far the call is.
    pub progress: Option<watch::Sender<Progress>>,
    /// Turns true when somebody asks to stop.
    pub cancel: Option<watch::Receiver<bool>>,
}

impl Call {
    /// A call from a person, with nothing special about it.
    #[must_use]
    pub fn new(tool: &str, input: &str) -> Self {
        Self {
            tool: tool.to_owned(),
            input: input.to_owned(),
            who: Arc::from("person"),
            task: None,
            depth: 0,
            once: Vec::new(),
            deadline: None,
            progress: None,
            cancel: None,
        }
    }
}

/// What a call used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Fuel, about one unit per instruction.
    pub fuel: u64,
    /// Most bytes of memory at one time.
    pub memory_peak_bytes: u64,
    /// Bytes of input and of what host calls moved.
    pub host_call_bytes: u64,
    /// Bytes of the answer as JSON.
    pub result_bytes: u64,
    /// Microseconds from being asked to having the answer.
    pub duration_us: u64,
    /// Log lines that went beyond the bounds.
    pub log_lines_dropped: u64,
    /// Limits the guest ran into, whether or not the call failed by them.
    pub limits_hit: Vec<Limit>,
}

/// Everything there is to say about a call.
#[derive(Debug)]
pub struct Report {
    /// Names the call in the audit.
    pub id: CallId,
    /// The answer, or why there is none.
    pub result: Result<Output, CallError>,
    /// What it used.
    pub usage: Usage,
    /// What was refused on the way.
    pub denials: Vec<Denial>,
    /// What was allowed, by which rule, how often.
    pub allowances: Vec<Allowance>,
    /// What the guest said.
    pub log: Vec<Line>,
    /// Whether it may have changed something outside this host: the answer waits for its record.
    pub changed_outside: bool,
}

/// A call that may run.
struct Admitted<'a> {
    target: &'a Target,
    arguments: Arguments,
    body: Body,
    rights: Arc<Rights>,
    secrets: CallSecrets,
    _slot: SemaphorePermit<'a>,
}

/// What a call runs in.
enum Body {
    /// An instance to be made, with its place in the host.
    Fresh(Meter),
    /// One that served a call before.
    Warm(Box<Warm>),
}

/// The error with which a guest is ended at its deadline.
#[derive(Debug, thiserror::Error)]
#[error("the deadline passed")]
struct DeadlinePassed;

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
        let input = Digest::of(call.input.as_bytes());
        let mut report = match self.admit(plugin, &call, gone.clone()).await {
            Ok(admitted) => self.run(id, plugin, &call, admitted, began, gone).await,
            Err(error) => Report::empty(id, error),
        };
        let took = self.clock.monotonic().saturating_sub(began);
        report.usage.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Err(error) = self.account(plugin, &call, input, &report).await {
            report.result = Err(CallError::Audit(error));
        }
        report
    }

    async fn admit<'a>(
        &self,
        plugin: &'a Plugin,
        call: &Call,
        gone: Option<watch::Receiver<()>>,
    ) -> Result<Admitted<'a>, CallError> {
        // What cannot be recorded is not done.
        self.audit.check().map_err(CallError::Audit)?;
        let limits = &plugin.release.limits;
        if call.depth > limits::DEPTH {
            return Err(CallError::exhausted(Limit::Depth, limits));
        }
        let target = plugin.target(&call.tool)?;
        let wait = call.deadline.map_or(limits.deadline, |asked| asked.min(limits.deadline));
        let slot = tokio::select! {
            biased;
            slot = tokio::time::timeout(wait, plugin.slots.take(call.depth)) => slot
                .unwrap_or(Err(Limit::Time))
                .map_err(|limit| CallError::exhausted(limit, limits))?,
            () = asked_to_stop(call.cancel.clone()) => return Err(CallError::Cancelled),
            () = abandoned(gone) => return Err(CallError::Cancelled),
        };
        // Only now: values take many times the space of their text, and waiting calls are many.
        let arguments = exports::arguments(target, &call.tool, &call.input, limits)?;
        let rights = plugin.rights(&call.once, self.workspace(), self.clock.now_ms());
        let secrets = self.secrets(&rights).await?;
        let warm = plugin.lane(call).and_then(|lane| self.warm.take(&lane, self.clock.monotonic()));
        let body = match warm {
            Some(warm) => Body::Warm(Box::new(warm)),
            None => Body::Fresh(self.place(limits)?),
        };
        Ok(Admitted { target, arguments, body, rights, secrets, _slot: slot })
    }

    /// Takes a place for one more instance; idle ones make room.
    fn place(&self, limits: &Limits) -> Result<Meter, CallError> {
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
        if rights.secrets().next().is_none() {
            return Ok(CallSecrets::default());
        }
        let (secrets, rights) = (Arc::clone(&self.secrets), Arc::clone(rights));
        let read = tokio::task::spawn_blocking(move || secrets.of(&rights)).await;
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
        let frame = CallFrame {
            id,
            depth: call.depth,
            ends_at: began + deadline,
            world: World::Real,
            clock: Arc::clone(&self.clock),
            environment: self.environment,
            progress: call.progress.clone(),
            cancel: call.cancel.clone(),
            holdings: Arc::clone(&plugin.holdings),
            outside: Arc::clone(&self.outside),
            secrets: admitted.secrets,
        };
        let gate = Gate::new(admitted.rights);
        let (mut store, warm, calls) = self.body(plugin, admitted.body, gate, frame);
        let _ticking = self.engine.tick();
        let target = admitted.target;
        let work = async {
            let instance = match warm {
                Some(instance) => instance,
                None => plugin.ready.instantiate_async(&mut store).await.map_err(Stage::Start)?,
            };
            exports::invoke(&mut store, &instance, target, admitted.arguments)
                .await
                .map(|raw| (raw, instance))
                .map_err(Stage::Call)
        };
        let left = (began + deadline).saturating_sub(self.clock.monotonic());
        let timed = tokio::time::timeout(left, work);
        let ended = tokio::select! {
            biased;
            ended = timed => Some(ended),
            () = cancelled(call.cancel.clone()) => None,
            () = abandoned(gone) => None,
        };
        let mut instance = None;
        let result = match ended {
            None => Err(CallError::Cancelled),
            Some(Err(_)) => Err(CallError::exhausted(Limit::Time, limits)),
            Some(Ok(Err(stage))) => Err(explain(stage, store.data(), plugin)),
            Some(Ok(Ok((raw, whole)))) => {
                instance = Some(whole);
                exports::answer(raw, target, limits)
            }
        };
        // The bound that was hit, which the caller may have set lower than the manifest.
        let result = result.map_err(|error| match error {
            CallError::Exhausted { limit: Limit::Time, .. } => {
                CallError::Exhausted { limit: Limit::Time, bound: Span(deadline).to_string() }
            }
            other => other,
        });
        let written = store.data().files.written();
        let wrote = !written.is_empty();
        self.settle(written).await;
        let lane = plugin.lane(call).filter(|_| store.data().meter.hit().is_none());
        let (mut report, store) = report(id, store, limits.fuel, result, lane.is_some());
        report.changed_outside |= wrote;
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
        drop(tokio::task::spawn_blocking(work).await);
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
                let Warm { mut store, instance, calls, .. } = *warm;
                store.data_mut().begin(gate, frame);
                refuel(&mut store, limits);
                (store, Some(instance), calls)
            }
        }
    }
}

/// Waits until nobody waits for the answer any more.
async fn abandoned(gone: Option<watch::Receiver<()>>) {
    let Some(mut gone) = gone else { return std::future::pending().await };
    // Nothing is ever sent: the sender's end is the message.
    while gone.changed().await.is_ok() {}
}

/// Waits until somebody asked to stop.
async fn asked_to_stop(cancel: Option<watch::Receiver<bool>>) {
    let Some(mut cancel) = cancel else { return std::future::pending().await };
    if cancel.wait_for(|asked| *asked).await.is_err() {
        // Whoever could have asked is gone.
        std::future::pending().await
    }
}

/// Waits until somebody asked to stop and the guest had its grace.
async fn cancelled(cancel: Option<watch::Receiver<bool>>) {
    asked_to_stop(cancel).await;
    tokio::time::sleep(limits::CANCEL_GRACE).await;
}

/// Makes a store in which every limit is set before anything of the guest runs: a start function
/// can already loop.
pub(super) fn confined(
    engine: &super::engine::Engine,
    guest: Guest,
    limits: &super::limits::Limits,
) -> Store<Guest> {
    let mut store = Store::new(engine.wasmtime(), guest);
    store.limiter(|guest| &mut guest.meter);
    store.set_max_component_handles(limits::COMPONENT_HANDLES);
    store.set_hostcall_fuel(usize::try_from(limits.host_call_bytes).unwrap_or(usize::MAX));
    refuel(&mut store, limits);
    store.epoch_deadline_callback(|context| {
        let frame = &context.data().call;
        if frame.clock.monotonic() >= frame.ends_at {
            return Err(DeadlinePassed.into());
        }
        Ok(UpdateDeadline::Yield(1))
    });
    // What the host does for a guest costs it fuel, or a loop of host calls would be nearly free.
    store.call_hook(|mut context, hook| {
        let due = match hook {
            CallHook::CallingHost => limits::HOST_CALL_FUEL,
            CallHook::ReturningFromHost => context.data_mut().settle()?,
            CallHook::CallingWasm | CallHook::ReturningFromWasm => 0,
        };
        if due == 0 {
            return Ok(());
        }
        let left = context.get_fuel()?;
        context.set_fuel(left.saturating_sub(due))?;
        if left <= due { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
    });
    store
}

/// Gives a store what one call may use.
fn refuel(store: &mut Store<Guest>, limits: &super::limits::Limits) {
    store.set_fuel(limits.fuel).expect("the engine is configured to count fuel");
    store.set_epoch_deadline(1);
}

/// Where the engine gave up.
pub(super) enum Stage {
    Start(wasmtime::Error),
    Call(wasmtime::Error),
}

/// Says what an engine error means. Flags and types come first; the one error of the engine whose
/// type is private is told by its name ([`copied_too_much`]).
fn explain(stage: Stage, guest: &Guest, plugin: &Plugin) -> CallError {
    let limits = &plugin.release.limits;
    let (Stage::Start(error) | Stage::Call(error)) = &stage;
    if let Some(limit) = limit_behind(error, guest) {
        return CallError::exhausted(limit, limits);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return CallError::Exited { code: exit.0 };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return CallError::Trapped { message: trap.to_string() };
    }
    let message = text::scrub(&format!("{error:#}"), limits::ERROR_TEXT_BYTES);
    match stage {
        Stage::Start(_) => CallError::Start { message },
        // Values that break the canonical ABI: text that is not UTF-8, places outside memory.
        Stage::Call(_) => CallError::Trapped { message },
    }
}

/// Answers whether the engine refused to copy more bytes. Its error type is private and has no
/// fields, so its name is all there is to tell it by; `tests/hostile` fails if that changes.
fn copied_too_much(error: &wasmtime::Error) -> bool {
    format!("{:?}", error.root_cause()) == "HostcallFuelExhausted"
}

/// Finds the limit that made the engine give up, if it was one.
pub(super) fn limit_behind(error: &wasmtime::Error, guest: &Guest) -> Option<Limit> {
    if let Some(limit) = guest.meter.hit() {
        return Some(limit);
    }
    if error.is::<DeadlinePassed>() {
        return Some(Limit::Time);
    }
    if copied_too_much(error) {
        return Some(Limit::Bytes);
    }
    if let Some(Refusal::Exhausted(limit)) = error.downcast_ref::<Refusal>() {
        return Some(*limit);
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Some(Limit::HostInstances);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
        return Some(Limit::Handles);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Some(Limit::Fuel),
        Some(Trap::StackOverflow) => Some(Limit::Stack),
        _ => None,
    }
}

impl Report {
    fn empty(id: CallId, error: CallError) -> Self {
        Self {
            id,
            result: Err(error),
            usage: Usage::default(),
            denials: Vec::new(),
            allowances: Vec::new(),
            log: Vec::new(),
            changed_outside: false,
        }
    }
}

/// Sums a call up; gives the store back if its instance is to be kept.
fn report(
    id: CallId,
    mut store: Store<Guest>,
    fuel_given: u64,
    result: Result<Output, CallError>,
    is_kept: bool,
) -> (Report, Option<Store<Guest>>) {
    let fuel_left = store.get_fuel().unwrap_or(0);
    let mut kept = None;
    let mut guest = None;
    if is_kept {
        store.data_mut().end_lines();
        kept = Some(store);
    } else {
        let mut whole = store.into_data();
        // Streams flush their last line when they go.
        whole.wasi = None;
        whole.table = wasmtime::component::ResourceTable::new();
        guest = Some(whole);
    }
    let Some(ended) = guest.as_mut().or_else(|| kept.as_mut().map(Store::data_mut)) else {
        return (Report::empty(id, CallError::Lost), None);
    };
    let result = withhold(result, ended.call.secrets.scan());
    let (lines, log_lines_dropped) = ended.log.take();
    let mut limits_hit: Vec<Limit> =
        [ended.meter.hit(), ended.gate.hit()].into_iter().flatten().collect();
    if let Err(CallError::Exhausted { limit, .. }) = &result {
        limits_hit.push(*limit);
    }
    if log_lines_dropped > 0 {
        limits_hit.push(Limit::Log);
    }
    limits_hit.sort_unstable();
    limits_hit.dedup();
    let usage = Usage {
        fuel: fuel_given.saturating_sub(fuel_left),
        memory_peak_bytes: ended.meter.bytes_peak(),
        host_call_bytes: ended.gate.bytes(),
        result_bytes: result.as_ref().map_or(0, account::size_of),
        duration_us: 0,
        log_lines_dropped,
        limits_hit,
    };
    let gate = std::mem::replace(&mut ended.gate, Gate::new(Arc::default()));
    let (denials, allowances) = gate.into_record();
    (Report { id, result, usage, denials, allowances, log: lines, changed_outside: false }, kept)
}

/// Withholds an answer that holds a secret, and takes secrets out of errors.
fn withhold(result: Result<Output, CallError>, scan: &LeakScan) -> Result<Output, CallError> {
    if scan.is_empty() {
        return result;
    }
    let found = match &result {
        Ok(output) => serde_json::to_vec(output).ok().and_then(|text| scan.find(&text)),
        Err(error) => error.said().iter().find_map(|text| scan.find(text.as_bytes())),
    };
    match found {
        Some(secret) => Err(CallError::Leak { secret: secret.to_string() }),
        None => result,
    }
}
