//! The store of one instance: every limit set before anything of the guest runs, and what it means
//! when the engine gives up.
//!
//! Invariant: no instance is made in a store that was not made here.
//! Not here: what a guest may do (`gate`), what it is charged for memory (`meter`).

use wasmtime::component::ResourceTableError;
use wasmtime::{CallHook, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use super::engine::Engine;
use super::error::{CallError, ErrorKind};
use super::gate::Refusal;
use super::guest::Guest;
use super::limits::{self, Limit, Limits};
use super::text;

/// The error with which a guest is ended at its deadline.
#[derive(Debug, thiserror::Error)]
#[error("the deadline passed")]
struct DeadlinePassed;

/// Makes a store in which every limit is set before anything of the guest runs: a start function
/// can already loop.
pub(super) fn confined(engine: &Engine, guest: Guest, limits: &Limits) -> Store<Guest> {
    let mut store = Store::new(engine.wasmtime(), guest);
    store.limiter(|guest| &mut guest.meter);
    store.set_max_component_handles(limits::COMPONENT_HANDLES);
    store.set_hostcall_fuel(usize::try_from(limits.host_call_bytes).unwrap_or(usize::MAX));
    refuel(&mut store, limits);
    store.epoch_deadline_callback(|context| go_on(context.data()));
    // What the host does for a guest costs it fuel, or a loop of host calls would be nearly free. What
    // streams moved may stay due until the next function that asks or answers with text; a guest that
    // only computes from then on uses up to that much more than its limit.
    store.call_hook(|mut context, hook| {
        let guest = context.data_mut();
        let cost = match hook {
            CallHook::CallingHost => guest.gate.enter(),
            CallHook::ReturningFromHost => guest.settle()?,
            CallHook::ReturningFromWasm => {
                guest.gate.go_on();
                return Ok(());
            }
            CallHook::CallingWasm => return Ok(()),
        };
        let due = guest.gate.fuel_due();
        if let Some(fuel) = refill(guest, hook) {
            context.set_fuel(fuel)?;
        }
        let left = context.get_fuel()?;
        if left <= cost.saturating_add(due) {
            context.set_fuel(0)?;
            return Err(Trap::OutOfFuel.into());
        }
        if cost > 0 {
            context.set_fuel(left - cost)?;
        }
        if let (CallHook::CallingHost, Some(seat)) = (hook, &mut context.data_mut().seat) {
            seat.enter(left - cost);
        }
        if context.data_mut().gate.recorder().is_some() {
            // What the call itself costs is the step's, not the guest's before it.
            let fuel = match hook {
                CallHook::CallingHost => left,
                _ => left - cost,
            };
            context.data_mut().trace(hook, fuel);
        }
        Ok(())
    });
    store
}

/// Returns the fuel of an agent whose question was answered, when the function that asked returns.
fn refill(guest: &mut Guest, hook: CallHook) -> Option<u64> {
    let returns = matches!(hook, CallHook::ReturningFromHost) && guest.gate.is_function();
    guest.seat.as_mut().filter(|_| returns)?.take_refill()
}

/// Lets others run when the ticker has ticked, and ends the guest when it is time.
pub(super) fn go_on(guest: &Guest) -> wasmtime::Result<UpdateDeadline> {
    let frame = &guest.call;
    if frame.clock.monotonic() >= frame.ends_at {
        return Err(DeadlinePassed.into());
    }
    Ok(UpdateDeadline::Yield(1))
}

/// Gives a store what one call may use.
pub(super) fn refuel(store: &mut Store<Guest>, limits: &Limits) {
    store.set_fuel(limits.fuel).expect("the engine is configured to count fuel");
    store.set_epoch_deadline(1);
}

/// Where the engine gave up.
pub(super) enum Stage {
    Start(wasmtime::Error),
    Call(wasmtime::Error),
}

impl Stage {
    /// Returns what the engine said.
    pub(super) fn error(&self) -> &wasmtime::Error {
        let (Self::Start(error) | Self::Call(error)) = self;
        error
    }
}

/// Says what an engine error means. Flags and types come first; the one error of the engine whose
/// type is private is told by its name ([`copied_too_much`]).
pub(super) fn explain(stage: Stage, guest: &Guest, limits: &Limits) -> CallError {
    let error = stage.error();
    if let Some(limit) = limit_behind(error, guest) {
        return CallError::exhausted(limit, limits);
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return CallError::Exited { code: exit.0 };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return CallError::Trapped { message: trap.to_string() };
    }
    let message = said(error);
    match stage {
        Stage::Start(_) => CallError::Start { message },
        // Values that break the canonical ABI: text that is not UTF-8, places outside memory.
        Stage::Call(_) => CallError::Trapped { message },
    }
}

/// Says what a failure of a tool means. One that came after the guest was refused memory is that:
/// languages have an error for it each, and some go on for a while.
pub(super) fn short_of_memory(error: CallError, guest: &Guest, limits: &Limits) -> CallError {
    match (&error, guest.meter.hit()) {
        (CallError::Tool { kind: ErrorKind::Failed | ErrorKind::Exhausted, .. }, Some(limit)) => {
            CallError::exhausted(limit, limits)
        }
        _ => error,
    }
}

/// Says what ended a guest that runs for the host itself: a limit, or a crash with all the engine
/// tells of it.
pub(super) fn broken_off(stage: Stage, guest: &Guest, limits: &Limits) -> CallError {
    let (Stage::Start(error) | Stage::Call(error)) = stage;
    match limit_behind(&error, guest) {
        Some(limit) => CallError::exhausted(limit, limits),
        None => CallError::Trapped { message: said(&error) },
    }
}

/// Says what the engine says, without the backtrace, which is told by itself.
fn said(error: &wasmtime::Error) -> String {
    let is_trace = |text: &str| text.starts_with("error while executing at wasm backtrace");
    let texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    let told: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !is_trace(text)).collect();
    text::scrub(&told.join(": "), limits::ERROR_TEXT_BYTES)
}

/// Answers whether the engine refused to copy more bytes. Its error type is private and has no
/// fields, so its name is all there is to tell it by; `tests/hostile` fails if that changes.
fn copied_too_much(error: &wasmtime::Error) -> bool {
    format!("{:?}", error.root_cause()) == "HostcallFuelExhausted"
}

/// Finds the limit that made the engine give up, if it was one.
fn limit_behind(error: &wasmtime::Error, guest: &Guest) -> Option<Limit> {
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
