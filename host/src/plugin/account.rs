//! Writes what a call, or an errand of the host, did into the audit.
//!
//! One row per call with counts of what was allowed, one row per request that was sent, to a model too,
//! one row per kind of thing that was denied. The answer to a call with denials, or that may have changed
//! something outside, waits until its rows are on disk; others are batched. Rows of a rehearsal say that
//! they are: its servers, files and clock are made up.

use std::sync::Arc;

use ax_manifest::Digest;

use super::PluginHost;
use super::asked::{Asked, AskedEnd};
use super::error::CallError;
use super::exports::Output;
use super::gate::Denial;
use super::guest::World;
use super::json;
use super::outbox::{Sent, SentEnd};
use super::report::Report;
use super::rights::DenialReason;
use crate::audit::entry::{self, Decision, EffectCount, Entry, Outcome, Record, TraceParent};
use crate::audit::error::AuditError;

/// What ran, and for whom.
pub(super) struct Run<'a> {
    pub(super) who: &'a Arc<str>,
    pub(super) plugin: &'a Arc<str>,
    pub(super) component: Digest,
    pub(super) tool: Arc<str>,
    pub(super) input: Digest,
    pub(super) bytes_in: u64,
    /// Where it belongs in a trace of whoever called.
    pub(super) trace_parent: Option<TraceParent>,
    /// Whether somebody goes on with what it left, so that its row has to be on disk before.
    pub(super) is_kept: bool,
}

impl PluginHost {
    /// Records a run.
    pub(super) async fn account(&self, run: &Run<'_>, report: &Report) -> Result<(), AuditError> {
        let call_id: Arc<str> = report.id.into();
        let tool = Arc::clone(&run.tool);
        let row = |decision, rule: &str, record| Entry {
            who: Arc::clone(run.who),
            plugin: Arc::clone(run.plugin),
            component: Some(run.component),
            decision,
            rule: rule.into(),
            is_rehearsal: matches!(self.world, World::Rehearsal { .. }),
            record,
        };
        for sent in &report.sent {
            let (decision, rule) = match sent.end() {
                SentEnd::Refused(_) => (Decision::Denied, DenialReason::Address.word()),
                SentEnd::Leaked(_) => (Decision::Denied, DenialReason::Leak.word()),
                _ => (Decision::Allowed, &**sent.rule()),
            };
            let record = Record::Effect(request(sent, &call_id, &tool));
            self.audit.record(row(decision, rule, record)).await?;
        }
        for asked in &report.asked {
            let (decision, rule) = match asked.so_far().end {
                AskedEnd::Leaked(_) => (Decision::Denied, DenialReason::Leak.word()),
                _ => (Decision::Allowed, &**asked.rule()),
            };
            let record = Record::Effect(question(asked, &call_id, &tool));
            self.audit.record(row(decision, rule, record)).await?;
        }
        for denial in report.denials.iter().filter(|denial| !has_row(denial)) {
            let record = Record::Effect(effect(denial, &call_id, &tool));
            self.audit.record(row(Decision::Denied, &denial.decided_by(), record)).await?;
        }
        let (decision, rule) = verdict(report);
        let row = row(decision, rule, Record::Call(summary(call_id, run, report)));
        if report.denials.is_empty() && !report.changed_outside && !run.is_kept {
            self.audit.record(row).await
        } else {
            self.audit.record_durable(row).await
        }
    }
}

/// Says whether a call ran to its end, and what stopped it if not.
fn verdict(report: &Report) -> (Decision, &'static str) {
    match &report.result {
        Err(CallError::Exhausted { limit, .. }) => (Decision::Stopped, limit.word()),
        Err(CallError::Cancelled) => (Decision::Stopped, "cancelled"),
        _ => (Decision::Allowed, ""),
    }
}

fn summary(call_id: Arc<str>, run: &Run<'_>, report: &Report) -> entry::Call {
    let outcome = match &report.result {
        Ok(_) => Outcome::Ok,
        Err(error) => Outcome::error(error.kind().word()),
    };
    // Requests have rows of their own.
    let has_rows =
        |permission: &str| permission.starts_with("net:") || permission.starts_with("models:");
    let counted = report.allowances.iter().filter(|it| !has_rows(&it.permission));
    let effects = counted.map(|allowed| EffectCount {
        permission: allowed.permission.as_str().into(),
        rule: Arc::clone(&allowed.rule),
        count: allowed.count,
    });
    entry::Call {
        call_id,
        tool: Arc::clone(&run.tool),
        input: run.input,
        outcome,
        trace_parent: run.trace_parent.clone(),
        usage: entry::Usage {
            fuel: report.usage.fuel,
            memory_peak_bytes: report.usage.memory_peak_bytes,
            bytes_in: run.bytes_in,
            bytes_out: report.usage.result_bytes,
            duration_us: report.usage.duration_us,
            cost_micro_usd: cost_of(&report.asked),
        },
        effects: effects.collect(),
    }
}

/// Answers whether a denial is told by the row of its request.
fn has_row(denial: &Denial) -> bool {
    matches!(denial.reason, DenialReason::Address | DenialReason::Leak)
}

fn request(sent: &Sent, call_id: &Arc<str>, tool: &Arc<str>) -> entry::Effect {
    let outcome = match sent.end() {
        SentEnd::Answered(_) => Outcome::Ok,
        SentEnd::Unanswered => Outcome::error("unanswered"),
        SentEnd::Failed(word) => Outcome::error(word),
        SentEnd::Refused(_) => Outcome::error("address"),
        SentEnd::Leaked(_) => Outcome::error("leak"),
    };
    entry::Effect {
        call_id: Arc::clone(call_id),
        tool: Arc::clone(tool),
        permission: sent.permission().into(),
        target: sent.target().into(),
        input: None,
        outcome,
        usage: entry::Usage {
            bytes_in: sent.bytes_in(),
            bytes_out: sent.bytes_out(),
            duration_us: sent.took_us(),
            ..entry::Usage::default()
        },
    }
}

/// Adds up what questions cost, as far as that is known; a provider may say anything.
fn cost_of(asked: &[Arc<Asked>]) -> u64 {
    let costs = asked.iter().filter_map(|it| it.so_far().micro_usd);
    costs.fold(0, u64::saturating_add)
}

fn question(asked: &Asked, call_id: &Arc<str>, tool: &Arc<str>) -> entry::Effect {
    let so_far = asked.so_far();
    let outcome = match so_far.end {
        AskedEnd::Answered => Outcome::Ok,
        AskedEnd::Unanswered => Outcome::error("unanswered"),
        AskedEnd::Failed(word) => Outcome::error(word),
        AskedEnd::Leaked(_) => Outcome::error("leak"),
    };
    entry::Effect {
        call_id: Arc::clone(call_id),
        tool: Arc::clone(tool),
        permission: asked.permission().into(),
        target: asked.target().into(),
        input: None,
        outcome,
        usage: entry::Usage {
            bytes_in: so_far.bytes_in,
            bytes_out: so_far.bytes_out,
            duration_us: u64::try_from(so_far.took.as_micros()).unwrap_or(u64::MAX),
            // What is not known is told by the target.
            cost_micro_usd: so_far.micro_usd.unwrap_or(0),
            ..entry::Usage::default()
        },
    }
}

fn effect(denial: &Denial, call_id: &Arc<str>, tool: &Arc<str>) -> entry::Effect {
    entry::Effect {
        call_id: Arc::clone(call_id),
        tool: Arc::clone(tool),
        permission: denial.permission.as_str().into(),
        target: denial.interface.into(),
        input: None,
        outcome: Outcome::error("denied"),
        usage: entry::Usage::default(),
    }
}

/// Counts the bytes of an answer as it goes out.
pub(super) fn size_of(output: &Output) -> u64 {
    match output {
        Output::Value(value) => json::bytes_of(value),
        Output::Content { .. } => json::bytes_of(output),
    }
}
