//! What a client may ask of a task: how it is, that it takes an answer, that it ends.
//!
//! Invariant: to all but its owner a task is not there, and nobody can tell that from one that never was.

use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::model::{DetailedTask, InputRequests, InputResponses, TaskPayload};

use super::look::{questions_of, unanswered};
use super::question::{Inquiry, name};
use super::shown::{self, Answering};
use super::{Owner, TOOL_LABEL, Tasks, blocking};
use crate::app::TaskError;
use crate::journal::{Question, Request, Row};
use crate::runtime::Runtime;
use crate::workflow::TaskId;

/// What a client asks of a task.
pub struct Errand {
    pub(in crate::server::mcp) owner: Owner,
    /// As the client calls it.
    pub(in crate::server::mcp) task: String,
    pub(in crate::server::mcp) wanted: Wanted,
    /// Whether a policy lets the client answer what a person is asked, and it can.
    pub(in crate::server::mcp) may_answer: bool,
}

/// What is wanted.
pub enum Wanted {
    /// To know how it is. It goes on, if it was interrupted.
    Look,
    /// That it takes answers.
    Answers(InputResponses),
    /// That it ends.
    Cancel,
}

/// Says that there is no such task.
pub(in crate::server::mcp) fn no_such_task() -> ErrorData {
    ErrorData::invalid_params("there is no such task", None)
}

fn internal(error: impl Into<TaskError>) -> ErrorData {
    let error: TaskError = error.into();
    let hint = error.hint().map(|hint| format!("; try: {hint}")).unwrap_or_default();
    ErrorData::internal_error(format!("{error}{hint}"), None)
}

impl Errand {
    /// Returns the task, as the client calls it.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.task
    }
}

impl Tasks {
    /// Does what a client asks of a task, and says how that is then. `answering` finds out how what a tool
    /// gives is read, by its wire name.
    pub(in crate::server::mcp) async fn run(
        self: &Arc<Self>,
        errand: Errand,
        answering: impl FnOnce(&str) -> Answering,
    ) -> Result<DetailedTask, ErrorData> {
        let Errand { owner, task, wanted, may_answer } = errand;
        let task: TaskId = task.parse().map_err(|_| no_such_task())?;
        let mut row = self.owned(task, &owner)?;
        match wanted {
            Wanted::Look => {}
            Wanted::Answers(answers) if may_answer => self.take(&row, answers, &owner).await?,
            Wanted::Answers(_) => {
                let why = "the task asks nothing of its client: a person answers, by `ax approve`";
                return Err(ErrorData::invalid_params(why, None));
            }
            Wanted::Cancel if row.status.state.is_terminal() => {}
            Wanted::Cancel => {
                self.end(task, &owner).await?;
                row = self.owned(task, &owner)?;
            }
        }
        if !row.status.state.is_terminal() {
            self.carry_on(task);
        }
        let tool = row.about.labels.get(TOOL_LABEL).map_or("", String::as_str);
        let (tasks, answering) = (Arc::clone(self), answering(tool));
        blocking(move || tasks.shown(&row, &answering, may_answer)).await
    }

    /// Reads the row of a task that belongs to a client.
    fn owned(&self, task: TaskId, owner: &Owner) -> Result<Row, ErrorData> {
        let row = self.runtime().map_err(internal)?.journal.row(task).map_err(internal)?;
        let is_theirs = |row: &Row| !row.is_deleted && owner.owns(&row.about);
        row.filter(is_theirs).ok_or_else(no_such_task)
    }

    async fn end(&self, task: TaskId, owner: &Owner) -> Result<(), ErrorData> {
        let runtime = self.runtime().map_err(internal)?;
        let sent = self.send(runtime, task, &Request::Cancel, owner.who()).await;
        sent.map_err(internal)?;
        match runtime.deliver(task).await {
            Err(error) if !error.is_taken() => Err(internal(error)),
            // Whoever carries it reads its letters.
            _ => Ok(()),
        }
    }

    async fn take(
        &self,
        row: &Row,
        answers: InputResponses,
        owner: &Owner,
    ) -> Result<(), ErrorData> {
        let runtime = self.runtime().map_err(internal)?;
        let asked = questions_of(runtime, row).map_err(internal)?;
        for asked in unanswered(runtime, asked).map_err(internal)? {
            // What else was answered may have been asked before, and a person was quicker.
            if let Some(said) = answers.get(&name(&asked)) {
                self.answer(asked, said, owner).await?;
            }
        }
        Ok(())
    }

    fn shown(
        &self,
        row: &Row,
        answering: &Answering,
        may_answer: bool,
    ) -> Result<DetailedTask, ErrorData> {
        let runtime = self.runtime().map_err(internal)?;
        if row.status.state.is_terminal() {
            return shown::over(runtime, row, answering, &self.explain).map_err(internal);
        }
        let asked = questions_of(runtime, row).map_err(internal)?;
        if may_answer {
            let input_requests = requests(runtime, &asked)?;
            if !input_requests.is_empty() {
                return Ok(shown::with(row, TaskPayload::InputRequired { input_requests }));
            }
        }
        Ok(shown::working(row, asked.first()))
    }
}

/// Writes what a client may answer.
fn requests(runtime: &Runtime, asked: &[Question]) -> Result<InputRequests, ErrorData> {
    let mut requests = InputRequests::new();
    for asked in unanswered(runtime, asked.to_vec()).map_err(internal)? {
        let key = name(&asked);
        let inquiry = Inquiry::of(runtime, asked).map_err(internal)?;
        let request = inquiry.and_then(|inquiry| inquiry.request());
        requests.extend(request.map(|request| (key, request)));
    }
    Ok(requests)
}
