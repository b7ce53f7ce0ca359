//! The one function every effect of a guest passes.
//!
//! ```text
//! guest ──→ imports/* ──→ Gate::pass ──→ the effect
//!                          │ permission: rights of this call
//!                          │ budget:     bytes, fuel
//!                          └ record:     what was allowed by which rule, what was denied
//! ```
//!
//! Each call has one gate. At its end the gate's record goes into the audit: every denial as a
//! row of its own, what was allowed as a count per rule with the call's row (a plugin that reads a
//! thousand files makes one line, not a thousand; `docs/decisions/0003` says why).
//!
//! Invariant: no file under `imports/` performs an effect before `pass` said yes.

use std::sync::Arc;

use ax_manifest::{Capability, Permission};

use super::limits::{self, Limit};
use super::outbox::Sent;
use super::rights::{DenialReason, Rights, Ruling};
use super::trace::{Mark, Recorder, Trace};
use crate::secret::leak::LeakScan;

/// What an effect needs to be allowed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Needs<'a> {
    /// No permission: it touches nothing outside the call.
    Nothing,
    /// This permission.
    Permission(&'a Permission),
    /// Something that no permission opens.
    Forbidden,
}

/// Why an effect does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Not permitted; the guest gets the interface's own error and goes on.
    #[error("not permitted: {}", .0.word())]
    Denied(DenialReason),
    /// A limit is used up. The call ends, or the guest gets the interface's own error where it has
    /// one for that.
    #[error("the limit `{}` is used up", .0.word())]
    Exhausted(Limit),
}

/// One kind of thing that was refused in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The permission that was missing, in the manifest's grammar; for what no permission opens,
    /// the interface.
    pub permission: String,
    /// Why.
    pub reason: DenialReason,
    /// The interface through which the guest asked.
    pub interface: &'static str,
    /// How often the guest asked in this call.
    pub count: u64,
    /// What decided, or would beside the missing grant: the rule of a policy, the address, the secret.
    pub rule: Option<String>,
}

impl Denial {
    /// Returns the rule of a policy that decided, with its place, if it was one.
    #[must_use]
    pub fn policy_rule(&self) -> Option<&str> {
        let is_by_policy = matches!(self.reason, DenialReason::Policy | DenialReason::PolicyAsks);
        self.rule.as_deref().filter(|_| is_by_policy)
    }

    /// Names what refused it: the rule of a policy if it was one, else why in a few words.
    #[must_use]
    pub fn decided_by(&self) -> String {
        let word = self.reason.word();
        self.policy_rule().map_or_else(|| word.to_owned(), |rule| format!("{word}: {rule}"))
    }
}

/// What was allowed by one rule in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The permission the rule grants.
    pub permission: String,
    /// The rule.
    pub rule: Arc<str>,
    /// How often it was used.
    pub count: u64,
}

/// Checks, charges and records the effects of one call.
#[derive(Debug)]
pub(super) struct Gate {
    rights: Arc<Rights>,
    /// How often each rule of `rights` was used; empty until the first use.
    used: Vec<u64>,
    denials: Vec<Denial>,
    /// Refusals beyond [`limits::DENIALS`] different ones.
    denials_dropped: u64,
    bytes: u64,
    /// How many of these were moved before the bound began anew.
    bytes_before: u64,
    /// Fuel for the bytes that were moved, not taken off the guest's yet.
    fuel_due: u64,
    /// Whether it is sure that the guest called a function of the host. The engine tells of its own
    /// helpers (growing memory, a tick of the clock) in the same way, and compiled code overwrites
    /// what they take off its fuel.
    is_function: bool,
    hit: Option<Limit>,
    /// There if the call is traced.
    recorder: Option<Box<Recorder>>,
}

impl Gate {
    pub(super) fn new(rights: Arc<Rights>) -> Self {
        Self {
            rights,
            used: Vec::new(),
            denials: Vec::new(),
            denials_dropped: 0,
            bytes: 0,
            bytes_before: 0,
            fuel_due: 0,
            is_function: false,
            hit: None,
            recorder: None,
        }
    }

    /// Records what the guest asks of the host from now on.
    pub(super) fn traced(mut self, recorder: Recorder) -> Self {
        self.recorder = Some(Box::new(recorder));
        self
    }

    /// Checks, charges and records one effect that moves `bytes` between host and guest.
    pub(super) fn pass(
        &mut self,
        capability: Capability,
        needs: Needs<'_>,
        bytes: u64,
    ) -> Result<(), Refusal> {
        self.is_function = true;
        if let Some(recorder) = &mut self.recorder {
            recorder.interface(capability.row().interface);
        }
        self.charge(bytes)?;
        match needs {
            Needs::Nothing => Ok(()),
            Needs::Permission(wanted) => match self.rights.decide(wanted) {
                Ruling::Allowed(rule) => {
                    if self.used.is_empty() {
                        self.used = vec![0; self.rights.rules()];
                    }
                    if let Some(count) = self.used.get_mut(rule) {
                        *count += 1;
                    }
                    if let Some(recorder) = &mut self.recorder
                        && let Some((_, text)) = self.rights.rule(rule)
                    {
                        recorder.check(wanted.to_string(), true, text.to_string());
                    }
                    Ok(())
                }
                Ruling::Denied(reason) => Err(self.deny(capability, Some(wanted), reason)),
            },
            Needs::Forbidden => Err(self.deny(capability, None, DenialReason::NeverGrantable)),
        }
    }

    /// Notes that the call ran into a limit that an import enforces.
    pub(super) fn exhaust(&mut self, limit: Limit) -> Refusal {
        self.hit = Some(limit);
        Refusal::Exhausted(limit)
    }

    /// Returns the limit this gate enforced, if any.
    pub(super) fn hit(&self) -> Option<Limit> {
        self.hit
    }

    /// Returns the bytes host calls moved so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The guest calls a function of the host, or a helper of the engine; returns the fuel to take.
    /// Of a helper's the guest gets it back.
    pub(super) fn enter(&mut self) -> u64 {
        self.is_function = false;
        limits::HOST_CALL_FUEL
    }

    /// The host called the guest, for memory to put an answer in, and goes on: helpers never do.
    pub(super) fn go_on(&mut self) {
        self.is_function = true;
    }

    /// Answers whether it is sure that what returns to the guest is a function.
    pub(super) fn is_function(&self) -> bool {
        self.is_function
    }

    /// Begins the bound on bytes anew: what an agent moves is bounded between two questions.
    pub(super) fn begin_anew(&mut self) {
        self.bytes_before = self.bytes;
    }

    /// Returns the fuel that is due, and is not taken off the guest's yet.
    pub(super) fn fuel_due(&self) -> u64 {
        self.fuel_due
    }

    /// Takes the fuel that is due, if what returns to the guest is surely a function.
    pub(super) fn take_fuel(&mut self) -> u64 {
        if self.is_function { std::mem::take(&mut self.fuel_due) } else { 0 }
    }

    /// Takes the record at the end of the call: what was refused, what was allowed.
    pub(super) fn take_record(&mut self) -> (Vec<Denial>, Vec<Allowance>) {
        let allowances = std::mem::take(&mut self.used)
            .into_iter()
            .enumerate()
            .filter(|(_, count)| *count > 0)
            .filter_map(|(index, count)| {
                let (permission, rule) = self.rights.rule(index)?;
                Some(Allowance {
                    permission: permission.to_string(),
                    rule: Arc::clone(rule),
                    count,
                })
            })
            .collect();
        (std::mem::take(&mut self.denials), allowances)
    }

    /// Names the function that asks, and what it is about, for the trace.
    pub(super) fn called(&mut self, function: &'static str, subject: &str) {
        if let Some(recorder) = &mut self.recorder {
            recorder.function(function, subject);
        }
    }

    /// Returns what records this call, if it is traced.
    pub(super) fn recorder(&mut self) -> Option<&mut Recorder> {
        self.recorder.as_deref_mut()
    }

    /// Takes the trace at the end of the call, if there is one.
    pub(super) fn take_trace(
        &mut self,
        mark: Mark,
        sent: &[Arc<Sent>],
        scan: &LeakScan,
    ) -> Option<Box<Trace>> {
        self.recorder.take().map(|recorder| Box::new(recorder.end(mark, sent, scan)))
    }

    /// Returns the rights of this call.
    pub(super) fn rights(&self) -> &Arc<Rights> {
        &self.rights
    }

    /// Charges bytes that moved without a question of the guest: streams go on by themselves.
    pub(super) fn charge(&mut self, bytes: u64) -> Result<(), Refusal> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.fuel_due = self.fuel_due.saturating_add(bytes.saturating_mul(limits::HOST_BYTE_FUEL));
        if self.bytes - self.bytes_before > limits::HOST_CALLS_BYTES {
            return Err(self.exhaust(Limit::Bytes));
        }
        Ok(())
    }

    fn deny(
        &mut self,
        capability: Capability,
        wanted: Option<&Permission>,
        reason: DenialReason,
    ) -> Refusal {
        let interface = capability.row().interface;
        let permission = wanted.map_or_else(|| interface.to_owned(), ToString::to_string);
        let rule = match reason {
            // Who lacks a grant should know that a standing one would not be enough.
            DenialReason::Policy | DenialReason::PolicyAsks | DenialReason::NotGranted => {
                wanted.and_then(|wanted| self.rights.policy_rule(wanted))
            }
            _ => None,
        };
        let denial = Denial { permission, reason, interface, count: 1, rule };
        if let Some(recorder) = &mut self.recorder {
            recorder.check(denial.permission.clone(), false, denial.decided_by());
        }
        self.note(denial);
        Refusal::Denied(reason)
    }

    /// Keeps a denial that was decided after the permission was checked: a closed address, a
    /// secret in an answer.
    pub(super) fn note(&mut self, denial: Denial) {
        let known = self.denials.iter().position(|held| {
            (&held.permission, held.interface, held.reason)
                == (&denial.permission, denial.interface, denial.reason)
        });
        match known {
            Some(at) => self.denials[at].count += 1,
            None if self.denials.len() < limits::DENIALS => self.denials.push(denial),
            None => self.denials_dropped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rights::Bounds;
    use super::*;
    use ax_manifest::PermissionSet;

    fn gate(granted: &[&str]) -> Gate {
        let all: Vec<Permission> = granted.iter().map(|text| text.parse().unwrap()).collect();
        let declared: PermissionSet =
            all.iter().cloned().chain(["env:DECLARED".parse().unwrap()]).collect();
        let bounds = Bounds { declared, policy: None };
        Gate::new(Arc::new(Rights::new(bounds, &[], &all, None, 0)))
    }

    fn ask(gate: &mut Gate, text: &str) -> Result<(), Refusal> {
        let permission: Permission = text.parse().unwrap();
        gate.pass(Capability::WasiCliEnvironment, Needs::Permission(&permission), 0)
    }

    #[test]
    fn what_is_allowed_is_counted_per_rule_and_what_is_denied_per_permission() {
        let mut gate = gate(&["env:LANG"]);
        ask(&mut gate, "env:LANG").unwrap();
        ask(&mut gate, "env:LANG").unwrap();
        ask(&mut gate, "env:DECLARED").unwrap_err();
        ask(&mut gate, "env:DECLARED").unwrap_err();
        ask(&mut gate, "env:OTHER").unwrap_err();
        let (denials, allowances) = gate.take_record();
        assert_eq!(allowances.len(), 1);
        assert_eq!((allowances[0].permission.as_str(), allowances[0].count), ("env:LANG", 2));
        let seen: Vec<_> =
            denials.iter().map(|d| (d.permission.as_str(), d.reason, d.count)).collect();
        assert_eq!(
            seen,
            [
                ("env:DECLARED", DenialReason::NotGranted, 2),
                ("env:OTHER", DenialReason::NotDeclared, 1),
            ]
        );
    }

    #[test]
    fn what_no_permission_opens_is_denied_whatever_is_granted() {
        let mut gate = gate(&["env:LANG"]);
        let answer = gate.pass(Capability::WasiSocketsTcpCreateSocket, Needs::Forbidden, 0);
        assert_eq!(answer, Err(Refusal::Denied(DenialReason::NeverGrantable)));
    }

    #[test]
    fn bytes_are_charged_up_to_the_limit_and_not_one_more() {
        let mut gate = gate(&[]);
        let all = limits::HOST_CALLS_BYTES;
        gate.pass(Capability::AxLog, Needs::Nothing, all).unwrap();
        assert_eq!(gate.fuel_due(), all * limits::HOST_BYTE_FUEL);
        let answer = gate.pass(Capability::AxLog, Needs::Nothing, 1);
        assert_eq!(answer, Err(Refusal::Exhausted(Limit::Bytes)));
        assert_eq!(gate.hit(), Some(Limit::Bytes));
    }

    #[test]
    fn fuel_is_taken_when_a_function_returns_and_not_when_a_helper_does() {
        let mut gate = gate(&[]);
        assert_eq!(gate.enter(), limits::HOST_CALL_FUEL);
        gate.pass(Capability::AxLog, Needs::Nothing, 5).unwrap();
        // The answer is put into the guest's memory, which grows for it.
        gate.enter();
        assert_eq!((gate.take_fuel(), gate.fuel_due()), (0, 5 * limits::HOST_BYTE_FUEL));
        gate.go_on();
        assert_eq!((gate.take_fuel(), gate.fuel_due()), (5 * limits::HOST_BYTE_FUEL, 0));
        // A stream moved something in the meantime; what returns may be a tick of the clock.
        gate.enter();
        gate.charge(7).unwrap();
        assert_eq!((gate.take_fuel(), gate.fuel_due()), (0, 7 * limits::HOST_BYTE_FUEL));
    }

    #[test]
    fn a_flood_of_different_denials_is_bounded() {
        let mut gate = gate(&[]);
        for number in 0..=limits::DENIALS {
            ask(&mut gate, &format!("env:V{number}")).unwrap_err();
        }
        assert_eq!(gate.denials_dropped, 1);
        assert_eq!(gate.take_record().0.len(), limits::DENIALS);
    }
}
