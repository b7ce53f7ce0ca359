//! How a fact comes into the journal.
//!
//! ```text
//! fact ──→ step: may it follow? ──→ handed to the journal ──→ orders
//!                                      │ durable: waited for
//!                                      └ ordinary: looked at later, and always before the next durable one
//! ```
//!
//! Invariant: what the driver knows of a task is what it handed to the journal; once something could not be
//! written the driver ends, so that nothing follows from what is not on record.

use futures_util::StreamExt as _;

use super::driver::Driver;
use super::error::RuntimeError;
use crate::journal::{Barrier, Batch, JournalError, Message, Status};
use crate::workflow::{Event, Fact, Run};

/// Receipts that are not looked at yet. The writer is never further behind than its own queue.
const RECEIPTS_MAX: usize = 64;

/// What is handed to the journal at once.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) facts: Vec<Fact>,
    /// Messages of conversations that the facts name.
    pub(super) context: Vec<Message>,
    /// Letters that are dealt with by it.
    pub(super) letters: Vec<u64>,
}

impl From<Fact> for Facts {
    fn from(fact: Fact) -> Self {
        Self { facts: vec![fact], ..Self::default() }
    }
}

impl Driver {
    /// Records something that needs no barrier.
    pub(super) async fn record(&mut self, facts: impl Into<Facts>) -> Result<(), RuntimeError> {
        self.hand_over(facts.into(), Barrier::Ordinary).await
    }

    /// Records something, and waits until it is on disk.
    pub(super) async fn record_durably(
        &mut self,
        facts: impl Into<Facts>,
    ) -> Result<(), RuntimeError> {
        self.hand_over(facts.into(), Barrier::Durable).await
    }

    async fn hand_over(&mut self, facts: Facts, barrier: Barrier) -> Result<(), RuntimeError> {
        let Facts { facts, context, letters } = facts;
        let mut events = Vec::with_capacity(facts.len());
        for fact in facts {
            // Time never goes back in a journal, whatever the machine's clock does.
            let at_ms = self.runtime.clock.now_ms().max(self.run.at_ms());
            let event = Event { at_ms, fact };
            self.apply(&event)?;
            events.push(event);
        }
        let status = status_of(&self.run, &self.timers);
        let batch = Batch { events: &events, status, context, letters };
        let receipt = self.runtime.journal.append(&mut self.lease, batch, barrier)?;
        match barrier {
            Barrier::Durable => {
                let written = receipt.await;
                // All that was handed over before is on record too, or has failed before this: then it is
                // the reason why this was refused.
                self.settle_receipts().await?;
                written?;
            }
            Barrier::Ordinary => {
                self.receipts.push(receipt);
                if self.receipts.len() >= RECEIPTS_MAX {
                    self.settle_receipts().await?;
                }
            }
        }
        let first = self.run.head() + 1 - events.len() as u64;
        for (seq, event) in (first..).zip(&events) {
            self.runtime.watcher.saw(&self.run, seq, event);
        }
        Ok(())
    }

    /// Applies a fact, and takes the orders that follow from it.
    fn apply(&mut self, event: &Event) -> Result<(), RuntimeError> {
        let commands = self.run.apply(event)?;
        self.feed.push(self.run.head(), event);
        self.order(commands);
        Ok(())
    }

    /// Applies a fact that is on record. Its orders are those of the past.
    pub(super) fn fold(&mut self, event: &Event) -> Result<(), RuntimeError> {
        self.run.apply(event)?;
        self.feed.push(self.run.head(), event);
        Ok(())
    }

    /// Waits until all that was handed over is on record.
    pub(super) async fn settle_receipts(&mut self) -> Result<(), RuntimeError> {
        let mut failed: Option<JournalError> = None;
        while let Some(settled) = self.receipts.next().await {
            let Err(error) = settled else { continue };
            // What follows on something that failed is refused as stale, and says nothing of the reason.
            if failed.as_ref().is_none_or(|it| matches!(it, JournalError::Stale { .. })) {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Returns what the row of a task says.
pub(super) fn status_of(run: &Run, timers: &super::driver::Timers) -> Status {
    let (done, total) = run.progress();
    let bounded = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let asked = run.questions().values().map(|asked| asked.expires_at_ms);
    Status {
        state: run.state(),
        component: run.component(),
        engine: run.planned().map(|planned| planned.engine),
        spent: run.account().spent,
        limit: run.account().limit,
        deadline_ms: run.deadline_ms(),
        wake_at_ms: timers.values().copied().chain(asked).min(),
        done: bounded(done),
        total: total.map_or(0, bounded),
        told_seq: 0,
        updated_at_ms: run.at_ms(),
    }
}
