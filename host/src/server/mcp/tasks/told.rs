//! Tells those who wait for a task how far it is.
//!
//! Invariant: nobody waits for who listens: only the newest is kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::plugin::{Progress, scrub};
use crate::runtime::Watcher;
use crate::runtime::events::{place, subject};
use crate::workflow::{Event, Fact, Run, TaskId};

/// Bytes of what is told at once.
const NOTE_BYTES: usize = 256;

/// Who listens to which task.
#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<TaskId, watch::Sender<Progress>>>);

impl Told {
    /// Listens to a task from now on.
    pub(super) fn listen(&self, task: TaskId) -> watch::Receiver<Progress> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, sender| sender.receiver_count() > 0);
        all.entry(task).or_insert_with(|| watch::Sender::new(Progress::default())).subscribe()
    }

    /// Tells something of a task.
    pub(super) fn tell(&self, task: TaskId, seq: u64, note: &str) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = all.get(&task) {
            let note = scrub(note, NOTE_BYTES);
            sender.send_replace(Progress { done: seq, total: None, note });
        }
    }
}

impl Watcher for Told {
    fn saw(&self, run: &Run, seq: u64, event: &Event) {
        let Some(started) = run.started() else { return };
        if let Some(note) = note(run, seq, &event.fact) {
            self.tell(started.task, seq, &note);
        }
    }
}

/// Says what a client wants to hear of a fact.
fn note(run: &Run, seq: u64, fact: &Fact) -> Option<String> {
    match fact {
        Fact::Intended(it) => Some(format!("{}: {}", place(run, it.origin), subject(&it.ask))),
        Fact::Asked(it) => {
            let task = run.started()?.task;
            Some(format!("waits for a person: {}; {}", it.text, typed(task, seq)))
        }
        Fact::Noted(it) if it.import == "task.emit" => {
            let said = it.said.as_ref()?.here()?;
            let said: serde_json::Value = serde_json::from_str(said).ok()?;
            Some(said.get("text")?.as_str()?.to_owned())
        }
        _ => None,
    }
}

/// Says what a person types to answer a question.
pub(super) fn typed(task: TaskId, seq: u64) -> String {
    format!("ax approve yes {task}:{seq}, or ax approve no {task}:{seq}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_hears_the_newest_and_who_left_is_forgotten() {
        let (told, task) = (Told::default(), TaskId::new(0, [1; 10]));
        told.tell(task, 1, "nobody hears it");
        let heard = told.listen(task);
        let again = told.listen(task);
        told.tell(task, 2, "two");
        told.tell(task, 3, &"x".repeat(1_000));
        for mut heard in [heard, again] {
            let progress = heard.borrow_and_update().clone();
            assert_eq!((progress.done, progress.note.len()), (3, NOTE_BYTES));
        }
        drop(told.listen(TaskId::new(0, [2; 10])));
        assert_eq!(told.0.lock().unwrap().len(), 1);
    }
}
