//! `ax:task/call`: what is going on around the running call.
//!
//! No permission. Bounds: [`NOTE_BYTES`]. Not here: durable tasks (`task`).
//!
//! In an agent the call is its task, and it is never told to stop: it is ended.

use ax_manifest::Capability;

use super::super::gate::Needs;
use super::super::guest::{CallId, Guest, Progress, World};
use super::super::text;
use super::bindings::ax::task::call;

/// Bytes of a progress note, as `ax:task` promises; the rest is cut.
const NOTE_BYTES: usize = 256;
/// Units are shown as JSON numbers: more than 2^53 - 1 cannot be told apart.
const UNITS_MAX: u64 = (1 << 53) - 1;

impl call::Host for Guest {
    fn current(&mut self) -> wasmtime::Result<call::Info> {
        self.gate.called("current", "");
        self.gate.pass(Capability::AxTaskCall, Needs::Nothing, 0)?;
        let (id, deadline_ms) = match self.call.world {
            World::Task { task, .. } => {
                let task = task.to_string();
                return Ok(call::Info {
                    id: task.clone(),
                    task: Some(task),
                    attempt: 1,
                    depth: 0,
                    // Only fuel limits it between two questions, as far as it can tell.
                    deadline_ms: None,
                    extra: None,
                });
            }
            World::Real => {
                let left = self.call.ends_at.saturating_sub(self.call.clock.monotonic());
                let left_ms = u64::try_from(left.as_millis()).unwrap_or(UNITS_MAX);
                (self.call.id, Some(left_ms))
            }
            // Both would differ from one run to the next.
            World::Frozen | World::Rehearsal { .. } => (CallId::new(0, 0, 0), None),
        };
        Ok(call::Info {
            id: id.to_string(),
            task: None,
            attempt: 1,
            depth: u32::from(self.call.depth),
            deadline_ms,
            extra: None,
        })
    }

    fn progress(&mut self, done: u64, total: Option<u64>, note: String) -> wasmtime::Result<()> {
        self.gate.called("progress", &note);
        self.gate.pass(Capability::AxTaskCall, Needs::Nothing, note.len() as u64)?;
        if let Some(watcher) = &self.call.progress {
            // As with logs: what is cut or replaced afterwards could hide a part of a secret.
            let note = note.replace('\n', " ");
            let note = text::scrub(&self.call.secrets.scan().redact(&note), NOTE_BYTES);
            watcher.send_modify(|seen| {
                *seen = Progress {
                    done: done.min(UNITS_MAX).max(seen.done),
                    total: total.map(|total| total.min(UNITS_MAX)),
                    note,
                };
            });
        }
        Ok(())
    }

    fn cancelled(&mut self) -> wasmtime::Result<bool> {
        self.gate.called("cancelled", "");
        self.gate.pass(Capability::AxTaskCall, Needs::Nothing, 0)?;
        Ok(self.call.cancel.as_ref().is_some_and(|cancel| *cancel.borrow()))
    }
}
