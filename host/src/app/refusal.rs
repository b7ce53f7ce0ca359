//! What is refused a person before anything runs is a row of the audit, as what is refused a plugin
//! in a call is.
//!
//! Invariant: the row is on disk before the person is told.
//! Not here: the deciding (`policy`), what a plugin is refused in a call (`plugin::account`).

use std::sync::Arc;

use ax_manifest::{Digest, PluginName, ToolId};
use serde_json::Value;

use super::policy::Forbidden;
use super::{App, AppError};
use crate::audit::entry::{Action, Call, Change, Decision, Entry, Outcome, Record, Usage};

impl App {
    /// Records a change that a policy refuses, and gives the ruling back.
    pub(super) fn change_on_record<T>(
        &self,
        ruling: Result<T, Forbidden>,
    ) -> Result<Result<T, Forbidden>, AppError> {
        if let Err(refusal) = &ruling {
            let (action, subject) = match refusal {
                Forbidden::Plugin { plugin, .. } => (Action::PluginAdd, plugin.to_string()),
                Forbidden::Permission { permission, .. } => {
                    (Action::PermissionGrant, permission.to_string())
                }
            };
            let change = Change { action, subject: subject.into(), detail: Value::Null };
            self.record_refusal(refusal, Record::Change(change))?;
        }
        Ok(ruling)
    }

    /// Records a call that a policy refuses, and gives the ruling back.
    pub(super) fn call_on_record<T>(
        &self,
        ruling: Result<T, Forbidden>,
        id: &ToolId,
        input: &str,
    ) -> Result<Result<T, Forbidden>, AppError> {
        if let Err(refusal) = &ruling {
            self.record_refusal(refusal, not_run(id, input, "denied"))?;
        }
        Ok(ruling)
    }

    /// Records a call that cannot be made since its secrets cannot be read.
    pub(super) fn record_unreadable(&self, id: &ToolId, input: &str) -> Result<(), AppError> {
        self.record_of(&id.plugin, Decision::Allowed, "", not_run(id, input, "unavailable"))
    }

    fn record_refusal(&self, refusal: &Forbidden, record: Record) -> Result<(), AppError> {
        let (Forbidden::Plugin { plugin, .. } | Forbidden::Permission { plugin, .. }) = refusal;
        self.record_of(plugin, Decision::Denied, refusal.rule(), record)
    }

    fn record_of(
        &self,
        plugin: &PluginName,
        decision: Decision,
        rule: &str,
        record: Record,
    ) -> Result<(), AppError> {
        let entry = Entry {
            who: Arc::from("person"),
            plugin: Arc::from(plugin.as_str()),
            component: None,
            decision,
            rule: Arc::from(rule),
            is_rehearsal: false,
            record,
        };
        Ok(self.audit()?.record_durable_blocking(entry)?)
    }
}

/// Makes the row of a call of which nothing ran.
fn not_run(id: &ToolId, input: &str, kind: &'static str) -> Record {
    Record::Call(Call {
        // So nothing else is to be found under an id.
        call_id: Arc::from(""),
        tool: id.tool.as_str().into(),
        input: Digest::of(input.as_bytes()),
        outcome: Outcome::error(kind),
        trace_parent: None,
        usage: Usage { bytes_in: input.len() as u64, ..Usage::default() },
        effects: Vec::new(),
    })
}
