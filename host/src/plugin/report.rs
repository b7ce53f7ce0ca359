//! What there is to say about a call when it is over.
//!
//! Invariant: an answer or an error that holds a secret of the call is withheld here, and nothing
//! leaves a call by another way.
//! Not here: the rows that are made of it (`account`).

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use wasmtime::Store;
use wasmtime::component::ResourceTable;

use super::account;
use super::asked::{Asked, AskedEnd};
use super::backtrace::Frame;
use super::error::CallError;
use super::exports::Output;
use super::gate::{Allowance, Denial};
use super::guest::{CallId, Guest};
use super::limits::Limit;
use super::log::Line;
use super::outbox::{Sent, SentEnd};
use super::rights::DenialReason;
use super::trace::{Mark, Trace};
use crate::kv::KvError;
use crate::secret::leak::LeakScan;

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
    /// Why the key-value store could not be used, if it could not: the guest was not told.
    pub trouble: Option<KvError>,
    /// Whether the instance asked which folders there are.
    pub asked_for_folders: bool,
    /// What was refused on the way.
    pub denials: Vec<Denial>,
    /// What was allowed, by which rule, how often.
    pub allowances: Vec<Allowance>,
    /// The requests it sent, redirects each by themselves.
    pub sent: Vec<Arc<Sent>>,
    /// What it asked of models.
    pub asked: Vec<Arc<Asked>>,
    /// What the guest said.
    pub log: Vec<Line>,
    /// Where the guest was when the engine ended it, the innermost function first.
    pub backtrace: Vec<Frame>,
    /// What it asked of the host, in order, if it was to be traced.
    pub trace: Option<Box<Trace>>,
    /// Whether it may have changed something outside this host: the answer waits for its record.
    pub changed_outside: bool,
}

impl Report {
    /// A call that ended before anything of the guest ran.
    pub(super) fn empty(id: CallId, error: CallError) -> Self {
        Self {
            id,
            result: Err(error),
            usage: Usage::default(),
            trouble: None,
            asked_for_folders: false,
            denials: Vec::new(),
            allowances: Vec::new(),
            sent: Vec::new(),
            asked: Vec::new(),
            log: Vec::new(),
            backtrace: Vec::new(),
            trace: None,
            changed_outside: false,
        }
    }

    /// A call that was made before, and what it came to then.
    pub(super) fn known(id: CallId, result: Result<Output, CallError>) -> Self {
        let result_bytes = result.as_ref().map_or(0, account::size_of);
        let usage = Usage { result_bytes, ..Usage::default() };
        Self { result, usage, ..Self::empty(id, CallError::Lost) }
    }
}

/// Sums a call up; gives the store back if its instance is to be kept.
pub(super) fn report(
    id: CallId,
    mut store: Store<Guest>,
    fuel_given: u64,
    result: Result<Output, CallError>,
    is_kept: bool,
) -> (Report, Option<Store<Guest>>) {
    let fuel_left = store.get_fuel().unwrap_or(0).saturating_sub(store.data().gate.fuel_due());
    if is_kept {
        let guest = store.data_mut();
        guest.end_lines();
        let report = sum_up(id, guest, Fuel { given: fuel_given, left: fuel_left }, result);
        return (report, Some(store));
    }
    let mut guest = store.into_data();
    guest.outbox.close();
    // Streams flush their last line when they go, and requests end.
    guest.wasi = None;
    guest.table = ResourceTable::new();
    (sum_up(id, &mut guest, Fuel { given: fuel_given, left: fuel_left }, result), None)
}

/// The fuel of a call.
struct Fuel {
    given: u64,
    left: u64,
}

fn sum_up(id: CallId, guest: &mut Guest, fuel: Fuel, result: Result<Output, CallError>) -> Report {
    let result = withhold(result, guest.call.secrets.scan());
    let (log, log_lines_dropped) = guest.log.take();
    let (sent, asked) = (guest.outbox.take(), guest.asking.take());
    let gate = &mut guest.gate;
    let mark = Mark { fuel: fuel.left, bytes: gate.bytes(), log_lines: log.len() };
    let trace = gate.take_trace(mark, &sent, guest.call.secrets.scan());
    sent.iter().filter_map(|sent| denial_of(sent)).for_each(|denial| gate.note(denial));
    asked.iter().filter_map(|asked| leak_of(asked)).for_each(|denial| gate.note(denial));
    let mut limits_hit: Vec<Limit> =
        [guest.meter.hit(), gate.hit()].into_iter().flatten().collect();
    limits_hit.extend(sent.iter().filter_map(|sent| match sent.end() {
        SentEnd::Failed(word) => Limit::of_request(word),
        _ => None,
    }));
    if let Err(CallError::Exhausted { limit, .. }) = &result {
        limits_hit.push(*limit);
    }
    if log_lines_dropped > 0 {
        limits_hit.push(Limit::Log);
    }
    limits_hit.sort_unstable();
    limits_hit.dedup();
    let usage = Usage {
        fuel: fuel.given.saturating_sub(fuel.left),
        memory_peak_bytes: guest.meter.bytes_peak(),
        host_call_bytes: gate.bytes(),
        result_bytes: result.as_ref().map_or(0, account::size_of),
        duration_us: 0,
        log_lines_dropped,
        limits_hit,
    };
    let changed_outside = sent.iter().any(|sent| sent.may_have_changed());
    let (mut denials, allowances) = gate.take_record();
    for denial in &mut denials {
        // What was asked for is the guest's own text, and a row of the audit.
        denial.permission = guest.call.secrets.scan().redact(&denial.permission).into_owned();
    }
    // The functions that the guest called are over, so nobody else holds this.
    let trouble =
        Arc::into_inner(std::mem::take(&mut guest.trouble)).and_then(OnceLock::into_inner);
    let asked_for_folders = guest.files.is_asked;
    Report {
        id,
        result,
        usage,
        trouble,
        asked_for_folders,
        denials,
        allowances,
        sent,
        asked,
        log,
        backtrace: Vec::new(),
        trace,
        changed_outside,
    }
}

/// Says what was denied after a request had been permitted.
fn denial_of(sent: &Sent) -> Option<Denial> {
    let (reason, rule) = match sent.end() {
        SentEnd::Refused(address) => (DenialReason::Address, address),
        SentEnd::Leaked(secret) => (DenialReason::Leak, secret.to_string()),
        SentEnd::Unanswered | SentEnd::Answered(_) | SentEnd::Failed(_) => return None,
    };
    let permission = sent.permission().to_owned();
    Some(Denial { permission, reason, interface: sent.interface(), count: 1, rule: Some(rule) })
}

/// Says that a question or its answer held a secret.
fn leak_of(asked: &Asked) -> Option<Denial> {
    let AskedEnd::Leaked(secret) = asked.so_far().end else { return None };
    let (permission, interface) = (asked.permission().to_owned(), asked.interface());
    let rule = Some(secret.to_string());
    Some(Denial { permission, reason: DenialReason::Leak, interface, count: 1, rule })
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
