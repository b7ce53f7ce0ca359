//! What can be done with a task now, as far as its row and the letter box say.

use crate::journal::{Filter, JournalError, Phase, Question, Request, Row};
use crate::runtime::Runtime;
use crate::workflow::{State, TaskId, Why};

/// Tasks inside of tasks: no more can be.
const DEPTH_MAX: u8 = 8;

/// What can be done with a task.
#[derive(Debug)]
pub(super) enum Look {
    /// Nothing: it is over, or not there any more.
    Over,
    /// It can go on.
    Due {
        /// The last entry, by which it is seen whether it did.
        head: u64,
    },
    /// Somebody carries it.
    Taken,
    /// It waits for an answer.
    Waits(Box<Question>),
    /// It rests until a person does something else.
    Rests(Why),
}

impl Look {
    /// Looks at a task.
    pub(super) fn at(runtime: &Runtime, task: TaskId) -> Result<Self, JournalError> {
        let now_ms = runtime.clock.now_ms();
        let row = runtime.journal.row(task)?;
        let Some(row) = row.filter(|row| !row.is_deleted) else { return Ok(Self::Over) };
        let head = row.head_seq;
        if row.status.state.is_terminal() {
            return Ok(Self::Over);
        }
        if runtime.journal.is_held(&row, now_ms) {
            return Ok(Self::Taken);
        }
        let State::Paused { why, .. } = row.status.state else { return Ok(Self::Due { head }) };
        let has_letters = |run| Ok(!runtime.journal.letters(Some(run))?.is_empty());
        if has_letters(task)? {
            return Ok(Self::Due { head });
        }
        match (why, questions_of(runtime, &row)?.into_iter().next()) {
            (Why::Approval | Why::Form, Some(question)) => {
                let is_late = question.expires_at_ms <= now_ms;
                match is_late || has_letters(question.run)? {
                    true => Ok(Self::Due { head }),
                    false => Ok(Self::Waits(Box::new(question))),
                }
            }
            (Why::Approval | Why::Form, None) => Ok(Self::Due { head }),
            (Why::Person | Why::Budget | Why::InDoubt, _) => Ok(Self::Rests(why)),
        }
    }
}

/// Finds what a task, or one that is part of it, asks a person.
pub(super) fn questions_of(runtime: &Runtime, row: &Row) -> Result<Vec<Question>, JournalError> {
    within(runtime, row, DEPTH_MAX)
}

fn within(runtime: &Runtime, row: &Row, depth: u8) -> Result<Vec<Question>, JournalError> {
    let State::Paused { why: Why::Approval | Why::Form, .. } = row.status.state else {
        return Ok(Vec::new());
    };
    let task = row.about.run;
    let own = runtime.journal.questions(Some(task))?;
    if !own.is_empty() || depth == 0 {
        return Ok(own);
    }
    let filter = Filter { parent: Some(task), states: vec![Phase::Paused], ..Filter::default() };
    for part in runtime.journal.list(&filter)? {
        let asked = within(runtime, &part, depth - 1)?;
        if !asked.is_empty() {
            return Ok(asked);
        }
    }
    Ok(Vec::new())
}

/// Leaves out those to which an answer is on its way.
pub(super) fn unanswered(
    runtime: &Runtime,
    mut asked: Vec<Question>,
) -> Result<Vec<Question>, JournalError> {
    let Some(first) = asked.first() else { return Ok(asked) };
    for letter in runtime.journal.letters(Some(first.run))? {
        if let Request::Answer { question, .. } = letter.request {
            asked.retain(|it| it.seq != question);
        }
    }
    Ok(asked)
}
