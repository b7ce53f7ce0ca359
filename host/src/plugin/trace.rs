//! What a call asked of the host, in order, for the plugin's author.
//!
//! ```text
//! store's hook: enter ──→ interface, function, subject, checks (gate, imports) ──→ leave
//! ```
//!
//! A gate has a [`Recorder`] if its call is traced, and none otherwise: whoever does not ask pays one
//! comparison for a host call. The engine's own helpers (growing memory, a tick of the clock) come by
//! the same hook and are told by nobody naming an interface; they are left out. Calls without a name
//! of their own (clocks, streams) that follow each other are one step.
//!
//! Invariant: a trace is bounded by [`limits::TRACE_STEPS`] and [`limits::TRACE_BYTES`], and nothing in
//! it leaves before secrets were taken out.
//! Not here: how it is shown (`cli`), what is recorded for good (`account`).

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::limits;
use super::outbox::{Sent, SentEnd};
use super::rights::DenialReason;
use super::text;
use crate::clock::Clock;
use crate::secret::leak::LeakScan;

/// What a call asked of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// The host calls, in order.
    pub steps: Vec<Step>,
    /// Host calls and checks beyond the bounds.
    pub dropped: u64,
    /// Fuel the guest used after the last of them.
    pub fuel_after: u64,
}

/// One host call, or several of one kind in a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Microseconds since the call began.
    pub at_us: u64,
    /// Microseconds it took.
    pub took_us: u64,
    /// The interface, as `ax:kv/store`.
    pub interface: &'static str,
    /// The function, where the host decides something in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<&'static str>,
    /// What it is about: a key, a path, a method and a URL without its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was asked of the gate, and the answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// How many calls this stands for.
    pub times: u64,
    /// Bytes that moved between host and guest.
    pub bytes: u64,
    /// Fuel the guest used since the step before.
    pub fuel_before: u64,
    /// Fuel the step itself cost.
    pub fuel: u64,
    /// Lines of the log that were written before it.
    pub log_lines_before: usize,
}

/// One question of permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was needed.
    pub permission: String,
    /// Whether it was allowed.
    pub is_allowed: bool,
    /// What decided: a grant, a policy, or what was missing.
    pub rule: String,
    /// The request it was for, once it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Its place among those of the call, from 0.
    pub index: usize,
    /// Method and URL, without the query.
    pub target: String,
    /// The status, or a word for how it failed.
    pub end: String,
    /// Bytes of its body.
    pub bytes_out: u64,
    /// Bytes of the answer's body.
    pub bytes_in: u64,
    /// Microseconds to the head of the answer.
    pub took_us: u64,
}

/// Records the host calls of one call.
pub(super) struct Recorder {
    clock: Arc<dyn Clock>,
    began: Duration,
    /// Host calls that are running: helpers run while memory is made for an answer.
    open: Vec<Open>,
    trace: Trace,
    text_bytes: usize,
    /// The guest's fuel when the last step ended.
    fuel_mark: u64,
}

struct Open {
    step: Step,
    fuel: u64,
    bytes: u64,
}

/// Where a call stands when the engine goes from guest to host or back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// Fuel the guest has left.
    pub(super) fuel: u64,
    /// Bytes that host calls moved so far.
    pub(super) bytes: u64,
    /// Lines of the log so far.
    pub(super) log_lines: usize,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    pub(super) fn new(clock: Arc<dyn Clock>, began: Duration, fuel: u64) -> Self {
        let (open, trace) = (Vec::new(), Trace::default());
        Self { clock, began, open, trace, text_bytes: 0, fuel_mark: fuel }
    }

    fn now_us(&self) -> u64 {
        let passed = self.clock.monotonic().saturating_sub(self.began);
        u64::try_from(passed.as_micros()).unwrap_or(u64::MAX)
    }

    /// The guest calls the host.
    pub(super) fn enter(&mut self, mark: Mark) {
        let step = Step {
            at_us: self.now_us(),
            fuel_before: self.fuel_mark.saturating_sub(mark.fuel),
            log_lines_before: mark.log_lines,
            times: 1,
            ..Step::default()
        };
        self.open.push(Open { step, fuel: mark.fuel, bytes: mark.bytes });
    }

    /// The host goes back to the guest.
    pub(super) fn leave(&mut self, mark: Mark) {
        let Some(Open { mut step, fuel, bytes }) = self.open.pop() else { return };
        // Nobody named it: a helper of the engine.
        if step.interface.is_empty() {
            return;
        }
        step.took_us = self.now_us().saturating_sub(step.at_us);
        step.bytes = mark.bytes.saturating_sub(bytes);
        step.fuel = fuel.saturating_sub(mark.fuel);
        self.fuel_mark = mark.fuel;
        self.keep(step);
    }

    fn keep(&mut self, step: Step) {
        if let Some(last) = self.trace.steps.last_mut()
            && last.is_followed_by(&step)
        {
            last.times += 1;
            last.took_us += step.took_us;
            last.bytes += step.bytes;
            last.fuel_before += step.fuel_before;
            last.fuel += step.fuel;
            return;
        }
        if self.trace.steps.len() < limits::TRACE_STEPS {
            self.trace.steps.push(step);
        } else {
            self.trace.dropped += 1;
        }
    }

    /// Names the interface of the call that is running.
    pub(super) fn interface(&mut self, interface: &'static str) {
        if let Some(open) = self.open.last_mut() {
            open.step.interface = interface;
        }
    }

    /// Names the function that is running, and what it is about.
    pub(super) fn function(&mut self, function: &'static str, subject: &str) {
        let has_room = self.takes(subject.len());
        if let Some(Open { step, .. }) = self.open.last_mut() {
            step.function = Some(function);
            step.subject = (has_room && !subject.is_empty()).then(|| subject.to_owned());
        }
    }

    /// Notes what the gate answered.
    pub(super) fn check(&mut self, permission: String, is_allowed: bool, rule: String) {
        let has_room = self.takes(permission.len() + rule.len());
        match self.open.last_mut() {
            Some(Open { step, .. }) if has_room => {
                step.checks.push(Check { permission, is_allowed, rule, request: None });
            }
            _ => self.trace.dropped += 1,
        }
    }

    /// Notes that what was checked last is the request of this index.
    pub(super) fn request(&mut self, index: usize) {
        let check = self.open.last_mut().and_then(|open| open.step.checks.last_mut());
        if let Some(check) = check {
            let (target, end) = (String::new(), String::new());
            check.request =
                Some(Request { index, target, end, bytes_out: 0, bytes_in: 0, took_us: 0 });
        }
    }

    /// Answers whether there is room for so much more text.
    fn takes(&mut self, bytes: usize) -> bool {
        let has_room = self.text_bytes + bytes <= limits::TRACE_BYTES;
        self.text_bytes += if has_room { bytes } else { 0 };
        has_room
    }

    /// Ends the trace: whatever was running is over, and secrets are taken out.
    pub(super) fn end(mut self, mark: Mark, sent: &[Arc<Sent>], scan: &LeakScan) -> Trace {
        while !self.open.is_empty() {
            self.leave(mark);
        }
        let mut trace = mem::take(&mut self.trace);
        trace.fuel_after = self.fuel_mark.saturating_sub(mark.fuel);
        // Secrets first: what is cut or replaced afterwards could hide a part of one.
        let clean = |text: &mut String| {
            *text = text::scrub(&scan.redact(text).replace('\n', " "), limits::TRACE_TEXT_BYTES);
        };
        for step in &mut trace.steps {
            step.subject.iter_mut().for_each(clean);
            for check in &mut step.checks {
                follow(check, sent);
                clean(&mut check.permission);
                clean(&mut check.rule);
            }
        }
        trace
    }
}

impl Step {
    /// Answers whether another step says the same: no more than that the interface was used.
    fn is_followed_by(&self, next: &Self) -> bool {
        let is_plain = |step: &Self| step.function.is_none() && step.checks.is_empty();
        let is_same = self.interface == next.interface && is_plain(self) && is_plain(next);
        is_same && self.log_lines_before == next.log_lines_before
    }
}

/// Says what became of the request that a check was for. What was decided on the way decides.
fn follow(check: &mut Check, sent: &[Arc<Sent>]) {
    let Some(request) = &mut check.request else { return };
    let Some(sent) = sent.get(request.index) else {
        // It was allowed, and refused before anything was sent.
        check.request = None;
        return;
    };
    request.target = sent.target();
    request.bytes_out = sent.bytes_out();
    request.bytes_in = sent.bytes_in();
    request.took_us = sent.took_us();
    let denied = match sent.end() {
        SentEnd::Answered(status) => {
            request.end = status.to_string();
            return;
        }
        SentEnd::Unanswered => {
            request.end = "unanswered".to_owned();
            return;
        }
        SentEnd::Failed(word) => {
            request.end = word.to_owned();
            return;
        }
        SentEnd::Refused(_) => DenialReason::Address,
        SentEnd::Leaked(_) => DenialReason::Leak,
    };
    request.end = denied.word().to_owned();
    check.is_allowed = false;
    check.rule = denied.word().to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimClock;

    fn recorder() -> Recorder {
        Recorder::new(Arc::new(SimClock::at_ms(0)), Duration::ZERO, 1_000)
    }

    fn mark(fuel: u64, bytes: u64) -> Mark {
        Mark { fuel, bytes, log_lines: 0 }
    }

    fn ended(recorder: Recorder) -> Trace {
        recorder.end(mark(0, 0), &[], &LeakScan::none())
    }

    #[test]
    fn fuel_is_the_guests_before_a_step_and_the_hosts_in_it() {
        let mut recorder = recorder();
        recorder.enter(mark(900, 0));
        recorder.interface("ax:kv/store");
        recorder.function("get", "key");
        recorder.check("kv".to_owned(), true, "granted: kv".to_owned());
        recorder.leave(mark(700, 12));
        // A helper of the engine, which nobody names.
        recorder.enter(mark(650, 12));
        recorder.leave(mark(650, 12));
        recorder.enter(mark(600, 12));
        recorder.interface("ax:log/log");
        recorder.leave(mark(550, 15));
        let trace = ended(recorder);
        let seen: Vec<_> = trace
            .steps
            .iter()
            .map(|step| (step.interface, step.fuel_before, step.fuel, step.bytes))
            .collect();
        assert_eq!(seen, [("ax:kv/store", 100, 200, 12), ("ax:log/log", 100, 50, 3)]);
        assert_eq!(trace.fuel_after, 550);
    }

    #[test]
    fn what_has_no_name_of_its_own_is_one_step() {
        let mut recorder = recorder();
        for _ in 0..3 {
            recorder.enter(mark(900, 0));
            recorder.interface("wasi:io/streams");
            recorder.leave(mark(900, 0));
        }
        let trace = ended(recorder);
        assert_eq!((trace.steps.len(), trace.steps[0].times), (1, 3));
    }

    #[test]
    fn a_flood_is_counted_and_not_kept() {
        let mut recorder = recorder();
        for _ in 0..limits::TRACE_STEPS + 5 {
            recorder.enter(mark(900, 0));
            recorder.interface("ax:kv/store");
            recorder.function("get", "key");
            recorder.leave(mark(900, 0));
        }
        recorder.enter(mark(900, 0));
        recorder.check("x".repeat(limits::TRACE_BYTES), true, String::new());
        let trace = ended(recorder);
        assert_eq!((trace.steps.len(), trace.dropped), (limits::TRACE_STEPS, 6));
    }

    #[test]
    fn what_the_end_cut_off_is_there_and_moves_no_cursor() {
        let mut recorder = recorder();
        recorder.enter(mark(900, 0));
        recorder.interface("ax:kv/store");
        recorder.function("get", "a\u{1b}[2J\nb");
        let trace = ended(recorder);
        assert_eq!(trace.steps[0].subject.as_deref(), Some("a\u{fffd}[2J b"));
    }
}
