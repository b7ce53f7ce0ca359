//! A tool that a task calls.
//!
//! Invariant: the call goes the way of every call of a tool, through its plugin's rights, limits and the
//! audit; the task's name is in its row.

use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{EffectClass, ToolId};

use super::performer::TaskPerformer;
use crate::app::{CatalogueTool, ToolsError};
use crate::plugin::agent::{answer_of, failure_of};
use crate::plugin::schema::violations;
use crate::plugin::{Call, CallError, Plugin, Report, SentEnd};
use crate::runtime::{Done, Performance, Prepared};
use crate::workflow::{self, Failure, FailureKind, Spent};

/// What is wrong with an input: so much is told at once.
const VIOLATIONS_MAX: usize = 5;

/// How often a call is made again because others changed what it had read: as often as a step of a workflow
/// has neighbours, of which one at least gets on each time.
const CONFLICTS_MAX: usize = 8;

impl TaskPerformer {
    /// Finds out what a call of a tool is, and refuses what cannot be called.
    pub(super) fn prepare_tool(&self, call: &workflow::Call) -> Result<Prepared, Failure> {
        let catalogue = self.catalogue()?;
        let tool = find(&catalogue, &call.tool)?;
        let input = call.input.here().map_or("null", |text| text);
        let value = serde_json::from_str(input).map_err(|error| {
            Failure::new(FailureKind::Invalid, format!("the input is no JSON: {error}"))
                .coded("input")
        })?;
        let wrong = violations(&tool.tool.input_schema, &value, VIOLATIONS_MAX);
        if !wrong.is_empty() {
            let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            let message = format!("the input does not fit `{}`: {}", call.tool, lines.join("; "));
            return Err(Failure::new(FailureKind::Invalid, message).coded("input"));
        }
        Ok(Prepared {
            class: catalogue.class(tool),
            component: Some(catalogue.component(tool)),
            reserved: Spent { calls: 1, ..Spent::default() },
        })
    }

    /// Calls a tool.
    pub(super) async fn call_tool(&self, call: &workflow::Call, it: &Performance) -> Done {
        let spent = Spent { calls: 1, ..Spent::default() };
        let refused = |failure| Done { outcome: Err(failure), spent, changed_outside: false };
        let (plugin, once, class) = match self.ready(call) {
            Ok(ready) => ready,
            Err(failure) => return refused(failure),
        };
        if it.component.is_some_and(|pinned| pinned != plugin.release().component) {
            let message = format!("`{}` was replaced before it was called", call.tool);
            return refused(Failure::new(FailureKind::Conflict, message));
        }
        let host = match self.app().host() {
            Ok(host) => Arc::clone(host),
            Err(error) => return refused(unready(error)),
        };
        let input = call.input.here().map_or("null", |text| text);
        let asked = Call {
            who: format!("task:{}", it.task).into(),
            task: Some(it.task.to_string().into()),
            once,
            deadline: it.timeout_ms.map(Duration::from_millis),
            cancel: Some(it.cancel.clone()),
            reads_only: class.reads_only,
            key: Some(it.key),
            ..Call::new(&call.tool.tool, input)
        };
        let mut report = host.call(&plugin, asked.clone()).await;
        for _ in 0..CONFLICTS_MAX {
            if !is_mere_conflict(&report) {
                break;
            }
            report = host.call(&plugin, asked.clone()).await;
        }
        done(report, class.class)
    }

    fn ready(
        &self,
        call: &workflow::Call,
    ) -> Result<(Arc<Plugin>, Vec<ax_manifest::Permission>, ToolClass), Failure> {
        let catalogue = self.catalogue()?;
        let tool = find(&catalogue, &call.tool)?;
        let reads_only = tool.tool.annotations.read_only;
        let class = ToolClass { class: catalogue.class(tool), reads_only };
        let input = call.input.here().map_or("null", |text| text);
        let (plugin, once) = self.app().ready_of(&catalogue, tool, input).map_err(unready)?;
        Ok((plugin, once, class))
    }
}

/// What a tool may do.
struct ToolClass {
    class: EffectClass,
    /// Whether it runs without any right to change something.
    reads_only: bool,
}

fn find<'c>(
    catalogue: &'c crate::app::Catalogue,
    id: &ToolId,
) -> Result<&'c CatalogueTool, Failure> {
    catalogue.tools().get(&id.wire_name()).ok_or_else(|| {
        let message = format!("there is no tool `{id}`: ax tool list");
        Failure::new(FailureKind::NotFound, message).coded(id.to_string())
    })
}

/// Says why a tool cannot be called, with what to type.
fn unready(error: impl Into<Unready>) -> Failure {
    let Unready { message, hint } = error.into();
    let message = match hint {
        Some(hint) => format!("{message}; try: {hint}"),
        None => message,
    };
    Failure::new(FailureKind::Denied, message).coded("unready")
}

struct Unready {
    message: String,
    hint: Option<String>,
}

impl From<ToolsError> for Unready {
    fn from(error: ToolsError) -> Self {
        Self { hint: error.hint(), message: chain(&error) }
    }
}

impl From<crate::app::AppError> for Unready {
    fn from(error: crate::app::AppError) -> Self {
        Self { hint: error.hint(), message: chain(&error) }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}

/// Answers whether all that came of a call is that others were faster: it changed nothing, asked nobody
/// and cost nothing.
fn is_mere_conflict(report: &Report) -> bool {
    let is_alone = report.sent.is_empty() && report.asked.is_empty() && !report.changed_outside;
    is_alone && matches!(report.result, Err(CallError::Conflict { .. }))
}

/// Sums up a call.
fn done(report: Report, class: EffectClass) -> Done {
    let mut spent = Spent { calls: 1, ..Spent::default() };
    for asked in &report.asked {
        let so_far = asked.so_far();
        spent.tokens = spent.tokens.saturating_add(so_far.usage.total());
        spent.cost_micro_usd = spent.cost_micro_usd.saturating_add(so_far.micro_usd.unwrap_or(0));
    }
    let changed_outside = report.changed_outside;
    let outcome = match report.result {
        Ok(output) => Ok(answer_of(&output)),
        Err(error) => {
            let is_open = report.sent.iter().any(|sent| sent.end() == SentEnd::Unanswered);
            Err(failure_in(&error, class, changed_outside, is_open))
        }
    };
    Done { outcome, spent, changed_outside }
}

/// Says why a call gave no answer, and whether anybody knows what it did.
fn failure_in(
    error: &CallError,
    class: EffectClass,
    changed_outside: bool,
    is_open: bool,
) -> Failure {
    let failure = failure_of(error);
    let was_ended = !matches!(error, CallError::Tool { .. } | CallError::Input(_));
    let is_unknown = class > EffectClass::Keyed && was_ended && (changed_outside || is_open);
    match is_unknown {
        true => Failure {
            kind: FailureKind::InDoubt,
            message: format!("{}; it may have changed something before", failure.message),
            ..failure
        },
        false => failure,
    }
}

#[cfg(test)]
mod tests {
    use crate::plugin::{CallId, Usage};

    use super::*;

    fn report(error: CallError, changed_outside: bool) -> Report {
        Report {
            id: CallId::new(0, 0, 0),
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
            changed_outside,
        }
    }

    #[test]
    fn only_a_call_that_did_nothing_else_is_made_again_after_a_conflict() {
        let conflict = || CallError::Conflict { key: "a".to_owned() };
        assert!(is_mere_conflict(&report(conflict(), false)));
        assert!(!is_mere_conflict(&report(conflict(), true)));
        assert!(!is_mere_conflict(&report(CallError::Cancelled, false)));
        let data = None;
        let (code, message) = (String::new(), "the tool's own".to_owned());
        let own = CallError::Tool { kind: crate::plugin::ErrorKind::Conflict, code, message, data };
        assert!(!is_mere_conflict(&report(own, false)), "the tool has answered");
    }

    #[test]
    fn a_conflict_is_a_failure_that_may_be_tried_again_unless_something_else_was_done() {
        let conflict = CallError::Conflict { key: "a".to_owned() };
        let failure = failure_in(&conflict, EffectClass::Keyed, false, false);
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Conflict, "a"));
        let failure = failure_in(&conflict, EffectClass::Unsafe, true, false);
        assert_eq!(failure.kind, FailureKind::InDoubt);
    }
}
