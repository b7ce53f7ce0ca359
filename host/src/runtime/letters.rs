//! What others want of a task: pauses, answers, signals, more of its budget.
//!
//! Invariant: a letter is gone when what came of it is on record. One that makes no sense any more is gone
//! without a trace in the journal; whoever wrote it reads the state of the task.

use super::driver::Driver;
use super::error::RuntimeError;
use super::record::Facts;
use crate::failpoint;
use crate::journal::{Letter, Request};
use crate::workflow::{Answer, Fact, State, Why};

impl Driver {
    /// Deals with all letters there are.
    pub(super) async fn read_letters(&mut self) -> Result<(), RuntimeError> {
        for letter in self.runtime.journal.letters(Some(self.lease.run()))? {
            self.deal_with(letter).await?;
        }
        Ok(())
    }

    async fn deal_with(&mut self, letter: Letter) -> Result<(), RuntimeError> {
        let facts = self.facts_of(&letter);
        let is_pause = matches!(letter.request, Request::Pause) && !facts.is_empty();
        if is_pause {
            self.rest_now();
        }
        if let (Request::Cancel, false) = (&letter.request, self.run.state().is_terminal()) {
            // The letter stays until what is being performed has come to its end.
            if self.closing.is_none() {
                self.close(Fact::Cancelled { by: letter.by });
                self.closing_letter = Some(letter.id);
            }
            return Ok(());
        }
        let letters = vec![letter.id];
        self.record_durably(Facts { facts, context: Vec::new(), letters }).await?;
        failpoint::hit("after-letter");
        self.agent.answered(&self.feed);
        Ok(())
    }

    /// Returns what a letter comes to, if it makes sense now.
    fn facts_of(&self, letter: &Letter) -> Vec<Fact> {
        let (state, by) = (self.run.state(), letter.by.clone());
        let is_closing = self.closing.is_some();
        let is_paused_by =
            |wanted: &[Why]| matches!(state, State::Paused { why, .. } if wanted.contains(&why));
        match &letter.request {
            Request::Pause => match state {
                State::Paused { why: Why::Person, .. } => Vec::new(),
                State::Planning | State::Executing | State::Paused { .. } if !is_closing => {
                    vec![Fact::Paused { why: Why::Person }]
                }
                _ => Vec::new(),
            },
            Request::Resume if is_paused_by(&[Why::Person, Why::Budget]) => {
                vec![Fact::Resumed { by }]
            }
            Request::Retry { anew } if matches!(state, State::Failed { .. }) => {
                vec![Fact::Retried { by, anew: *anew }]
            }
            Request::Answer { question, bound_to, answer } => {
                let Some(asked) = self.run.questions().get(question) else { return Vec::new() };
                let is_same =
                    asked.bound_to == *bound_to && self.bound_to(asked.arguments) == asked.bound_to;
                let answer = match answer {
                    _ if asked.expires_at_ms <= letter.at_ms => Answer::TimedOut,
                    Answer::Yes | Answer::Filled(_) if !is_same => Answer::Void,
                    answer => answer.clone(),
                };
                vec![Fact::Answered { question: *question, answer, by }]
            }
            Request::Settle { intent, verdict } => {
                let is_in_doubt = self.run.open().get(intent).is_some_and(|it| it.is_in_doubt);
                match is_in_doubt && !state.is_terminal() {
                    true => vec![Fact::Settled { intent: *intent, verdict: verdict.clone(), by }],
                    false => Vec::new(),
                }
            }
            Request::Signal { name, data } => {
                let fact = Fact::Signalled { name: name.clone(), data: data.clone(), by };
                let is_heard = self.run.plan().is_some()
                    && matches!(state, State::Executing | State::Paused { .. });
                if is_heard { vec![fact] } else { Vec::new() }
            }
            Request::Raise { budget, deadline_ms } => {
                let raised =
                    Fact::Raised { budget: *budget, deadline_ms: *deadline_ms, by: by.clone() };
                match is_paused_by(&[Why::Budget]) {
                    true => vec![raised, Fact::Resumed { by }],
                    false if state == State::Idle => Vec::new(),
                    false => vec![raised],
                }
            }
            Request::Resume | Request::Retry { .. } | Request::Cancel => Vec::new(),
        }
    }

    /// Refuses what nobody answered in time.
    pub(super) async fn expire_questions(&mut self, now_ms: u64) -> Result<(), RuntimeError> {
        if self.closing.is_some() {
            return Ok(());
        }
        let mut late: Vec<u64> = Vec::new();
        for (question, asked) in self.run.questions() {
            if asked.expires_at_ms <= now_ms {
                late.push(*question);
            }
        }
        for question in late {
            let by = "time".to_owned();
            self.record_durably(Fact::Answered { question, answer: Answer::TimedOut, by }).await?;
            self.agent.answered(&self.feed);
        }
        Ok(())
    }
}
