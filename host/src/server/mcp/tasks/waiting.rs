//! A call that waits for a task.
//!
//! Invariants: a call that nobody waits for any more ends what it began; but a task that waits for a person
//! is left as it is, since nothing of it happens before a call waits for it again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{CallToolResponse, CallToolResult, ElicitationAction, InputRequiredResult};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::carriage::{LOOK, Lookout, Seen};
use super::look::Look;
use super::question::{self, Inquiry};
use super::shown::{self, Answering};
use super::told::typed;
use super::{Owner, Tasks, blocking};
use crate::app::TaskError;
use crate::journal::Question;
use crate::runtime::Runtime;
use crate::server::mcp::answer::refused;
use crate::server::mcp::installed::{Stop, attended};
use crate::workflow::{TaskId, Why};

/// How long a call waits for a person when its client hears that it does.
const HEARD_MAX: Duration = Duration::from_secs(10 * 60);

/// How long it waits when its client hears nothing: many give up after a minute, and would never learn what
/// is waited for.
const UNHEARD_MAX: Duration = Duration::from_secs(50);

/// How long a client may take to ask whoever uses it.
const ELICIT_MAX: Duration = Duration::from_secs(10 * 60);

/// The key of a question among those that a call ends with.
const KEY: &str = "approval";

/// Who waits.
pub(in crate::server::mcp) struct Caller<'c> {
    pub(in crate::server::mcp) owner: &'c Owner,
    pub(in crate::server::mcp) context: &'c RequestContext<RoleServer>,
    /// Cancelled when nobody waits any more.
    pub(in crate::server::mcp) stop: &'c CancellationToken,
    /// Whether a policy lets the client answer what a person is asked.
    pub(in crate::server::mcp) may_answer: bool,
    /// Whether it keeps no session, so that it is asked by the answer to its call.
    pub(in crate::server::mcp) is_stateless: bool,
}

/// How a call's waiting ended.
enum Left {
    Over,
    Rests(Why),
    /// Nobody has answered.
    Waits(Box<Question>),
    /// The client has to be asked.
    Asks(Box<Inquiry>),
    /// Nobody waits for the call.
    Gone,
}

impl Tasks {
    /// Waits for a task, and answers with what came of it.
    pub(in crate::server::mcp) async fn wait(
        self: &Arc<Self>,
        task: TaskId,
        caller: &Caller<'_>,
        answering: Answering,
    ) -> Result<CallToolResponse, TaskError> {
        let seen = self.told.listen(task);
        let token = caller.context.meta.get_progress_token();
        let listener = token.map(|token| (&caller.context.peer, token));
        let left = attended(self.carry_for(task, caller), seen, listener).await?;
        Ok(match left {
            Left::Over => {
                let tasks = Arc::clone(self);
                let result = blocking(move || {
                    let runtime = tasks.runtime()?;
                    Ok::<_, TaskError>(shown::result(runtime, task, &answering, &tasks.explain)?)
                });
                result.await?.into()
            }
            Left::Rests(why) => refused(&self.explain.stopped(task, Stop::Rests { why })).into(),
            Left::Waits(question) => self.waits(task, &question).into(),
            Left::Asks(inquiry) => match inquiry.request() {
                Some(request) => {
                    let requests = [(KEY.to_owned(), request)].into();
                    let state = question::name(&inquiry.question);
                    InputRequiredResult::new(Some(requests), Some(state)).into()
                }
                None => self.waits(task, &inquiry.question).into(),
            },
            Left::Gone => {
                refused(&self.explain.stopped(task, Stop::Rests { why: Why::Person })).into()
            }
        })
    }

    /// Takes what came with a call that was asked something before. Answers to anything but the question that
    /// is open now are left alone.
    pub(in crate::server::mcp) async fn take_answer(
        &self,
        task: TaskId,
        caller: &Caller<'_>,
        state: Option<&str>,
        said: Option<&Value>,
    ) -> Result<(), ErrorData> {
        let (Some(state), Some(said), true) = (state, said, caller.may_answer) else {
            return Ok(());
        };
        let internal = |error: TaskError| ErrorData::internal_error(error.to_string(), None);
        let runtime = self.runtime().map_err(internal)?;
        let look = Look::at(runtime, task).map_err(|error| internal(error.into()))?;
        let Look::Waits(asked) = look else { return Ok(()) };
        if question::name(&asked) != state {
            return Ok(());
        }
        self.answer(*asked, said, caller.owner).await
    }

    /// Writes down what a client said to a question.
    pub(super) async fn answer(
        &self,
        asked: Question,
        said: &Value,
        owner: &Owner,
    ) -> Result<(), ErrorData> {
        let internal = |error: TaskError| ErrorData::internal_error(error.to_string(), None);
        let runtime = self.runtime().map_err(internal)?;
        let run = asked.run;
        let inquiry = Inquiry::of(runtime, asked).map_err(|error| internal(error.into()))?;
        let Some(inquiry) = inquiry else { return Ok(()) };
        let Some(request) = inquiry.answer(said)? else { return Ok(()) };
        let sent = self.send(runtime, run, &request, owner.who()).await;
        sent.map_err(|error| internal(error.into()))
    }

    /// The key under which a call is asked.
    pub(in crate::server::mcp) const fn key() -> &'static str {
        KEY
    }

    fn waits(&self, task: TaskId, asked: &Question) -> CallToolResult {
        let mut explained = self.explain.stopped(task, Stop::Rests { why: Why::Approval });
        explained.message = format!("{}: {}", explained.message, asked.text);
        let typed = typed(asked.run, asked.seq);
        explained.hint = Some(format!(
            "{typed}\nThen call the tool again with the same arguments: the same task goes on"
        ));
        refused(&explained)
    }

    async fn carry_for(&self, task: TaskId, caller: &Caller<'_>) -> Result<Left, TaskError> {
        let runtime = self.runtime()?;
        let mut lookout = Lookout::default();
        let mut asked_before = HashSet::new();
        let is_heard = caller.context.meta.get_progress_token().is_some();
        let mut patience = if is_heard { HEARD_MAX } else { UNHEARD_MAX };
        loop {
            match lookout.look(runtime, task)? {
                Seen::Still(Look::Over) => return Ok(Left::Over),
                Seen::Still(Look::Rests(why)) => return Ok(Left::Rests(why)),
                Seen::Stuck => return Ok(Left::Rests(Why::Approval)),
                Seen::Still(Look::Due { .. }) if !caller.stop.is_cancelled() => {
                    let who = caller.owner.who();
                    self.stretch_for(runtime, task, who, caller.stop.cancelled()).await?;
                    continue;
                }
                Seen::Still(Look::Due { .. }) => return Ok(Left::Gone),
                Seen::Still(Look::Taken) => {}
                Seen::Still(Look::Waits(asked)) => {
                    if caller.may_answer && asked_before.insert((asked.run, asked.seq)) {
                        let Some(inquiry) = Inquiry::of(runtime, (*asked).clone())? else {
                            continue;
                        };
                        if caller.is_stateless {
                            return Ok(Left::Asks(Box::new(inquiry)));
                        }
                        self.ask_now(runtime, &inquiry, caller).await?;
                        continue;
                    }
                    match patience.checked_sub(LOOK) {
                        Some(left) => patience = left,
                        None => return Ok(Left::Waits(asked)),
                    }
                    if asked_before.insert((asked.run, asked.seq)) {
                        let note = format!(
                            "waits for a person: {}; {}",
                            asked.text,
                            typed(asked.run, asked.seq)
                        );
                        self.told.tell(task, asked.seq, &note);
                    }
                }
            }
            tokio::select! {
                biased;
                () = caller.stop.cancelled() => return Ok(Left::Gone),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Asks a client with a session while its call waits. One that does not answer leaves it to a person.
    async fn ask_now(
        &self,
        runtime: &Runtime,
        inquiry: &Inquiry,
        caller: &Caller<'_>,
    ) -> Result<(), TaskError> {
        let Some(form) = inquiry.form() else { return Ok(()) };
        let asked = caller.context.peer.create_elicitation_with_timeout(form, Some(ELICIT_MAX));
        let said = tokio::select! {
            said = asked => said,
            () = caller.stop.cancelled() => return Ok(()),
        };
        let Ok(said) = said else { return Ok(()) };
        let action = match said.action {
            ElicitationAction::Accept => "accept",
            ElicitationAction::Decline => "decline",
            // Whatever is neither leaves it to a person.
            _ => "cancel",
        };
        let said = json!({ "action": action, "content": said.content });
        if let Ok(Some(request)) = inquiry.answer(&said) {
            let run = inquiry.question.run;
            self.send(runtime, run, &request, caller.owner.who()).await?;
        }
        Ok(())
    }
}
