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
use wasmtime::component::ResourceTableError;
use wasmtime::{CallHook, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use super::account;
use super::error::CallError;
use super::exports::{self, Arguments, Output, Target};
use super::gate::{Allowance, Denial, Gate, Refusal};
use super::guest::{CallFrame, CallId, Guest, Progress, World};
use super::limits::{self, Limit};
use super::log::{Line, Log};
use super::meter::Meter;
use super::rights::Rights;
use super::text;
use super::{Plugin, PluginHost};

/// What is asked of a plugin.
#[derive(Debug, Clone)]
pub struct Call {
    /// The tool's name within the plugin.
    pub tool: String,
    /// Its input, one JSON document.
    pub input: String,
    /// Who asks: `person`, `task:…`, `mcp:…`. Goes into the audit.
    pub who: Arc<str>,
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
}

/// A call that may run.
struct Admitted<'a> {
    target: &'a Target,
    arguments: Arguments,
    meter: Meter,
    _slot: SemaphorePermit<'a>,
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
        let meter =
            self.meter.admit(limits).map_err(|limit| CallError::exhausted(limit, limits))?;
        Ok(Admitted { target, arguments, meter, _slot: slot })
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
            settings: Arc::clone(&plugin.release.settings),
            environment: self.environment,
            progress: call.progress.clone(),
            cancel: call.cancel.clone(),
        };
        let rights = plugin.rights(&call.once, self.workspace(), self.clock.now_ms());
        let mut store = self.store(plugin, admitted.meter, rights, frame);
        let _ticking = self.engine.tick();
        let target = admitted.target;
        let work = async {
            let instance =
                plugin.ready.instantiate_async(&mut store).await.map_err(Stage::Start)?;
            exports::invoke(&mut store, &instance, target, admitted.arguments)
                .await
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
        let result = match ended {
            None => Err(CallError::Cancelled),
            Some(Err(_)) => Err(CallError::exhausted(Limit::Time, limits)),
            Some(Ok(Err(stage))) => Err(explain(stage, store.data(), plugin)),
            Some(Ok(Ok(raw))) => exports::answer(raw, target, limits),
        };
        // The bound that was hit, which the caller may have set lower than the manifest.
        let result = result.map_err(|error| match error {
            CallError::Exhausted { limit: Limit::Time, .. } => {
                CallError::Exhausted { limit: Limit::Time, bound: Span(deadline).to_string() }
            }
            other => other,
        });
        report(id, store, limits.fuel, result)
    }

    fn store(
        &self,
        plugin: &Plugin,
        meter: Meter,
        rights: Arc<Rights>,
        frame: CallFrame,
    ) -> Store<Guest> {
        let limits = &plugin.release.limits;
        let guest = Guest::new(
            Gate::new(rights),
            meter,
            Log::new(limits),
            frame,
            Arc::clone(&self.folders),
        );
        confined(&self.engine, guest, limits)
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
    store.set_fuel(limits.fuel).expect("the engine is configured to count fuel");
    store.set_epoch_deadline(1);
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
        }
    }
}

fn report(
    id: CallId,
    store: Store<Guest>,
    fuel_given: u64,
    result: Result<Output, CallError>,
) -> Report {
    let fuel_left = store.get_fuel().unwrap_or(0);
    let Guest { gate, meter, log, wasi, table, .. } = store.into_data();
    // Streams flush their last line when they go.
    drop((wasi, table));
    let (lines, log_lines_dropped) = log.take();
    let mut limits_hit: Vec<Limit> = [meter.hit(), gate.hit()].into_iter().flatten().collect();
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
        memory_peak_bytes: meter.bytes_peak(),
        host_call_bytes: gate.bytes(),
        result_bytes: result.as_ref().map_or(0, account::size_of),
        duration_us: 0,
        log_lines_dropped,
        limits_hit,
    };
    let (denials, allowances) = gate.into_record();
    Report { id, result, usage, denials, allowances, log: lines }
}
