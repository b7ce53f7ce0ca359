//! The tools and agents of installed plugins, and the workflows on the shelf.
//!
//! Invariant: each call looks whether another generation is current or a policy was written, so a grant that
//! was revoked, a plugin that was switched off or what a policy forbids is so for the next call. What cannot
//! be read, of either, lets nothing be called.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ax_manifest::{Permission, ToolId};
use rmcp::model::{
    CallToolResponse, CallToolResult, DetailedTask, ProgressNotificationParam, ProgressToken,
    ProtocolVersion, Tool,
};
use rmcp::service::Peer;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;
use tokio::sync::watch;

use super::answer::{answered, misfit, refused, too_many_tasks};
use super::edition::Edition;
use super::handler::{Offering, ToolCall};
use super::tasks::{Begun, Caller, Errand, Tasks, Unbegun};
use crate::app::{App, Doing, Misfit, TaskError, ToolsError};
use crate::audit::entry::TraceParent;
use crate::plugin::schema::violations;
use crate::plugin::{Call, Plugin, Progress, Report};
use crate::workflow::{Failure, Reason, TaskId, Why};

/// What is wrong with arguments: so much is told at once.
const VIOLATIONS_MAX: usize = 20;

/// What went wrong, in the words of the command line.
#[derive(Debug)]
pub struct Explained {
    /// The stable code, as `AX-T002`.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// What a person can type.
    pub hint: Option<String>,
    /// What a caller can do, in a word.
    pub kind: &'static str,
}

/// How a task was left that did not come to its end.
#[derive(Debug)]
pub enum Stop {
    /// It failed.
    Failed {
        /// Why, in a word.
        reason: Reason,
        /// What went wrong.
        failure: Failure,
    },
    /// It rests until a person does something.
    Rests {
        /// What it waits for.
        why: Why,
    },
}

/// Finds the words.
pub trait Explain: Send + Sync + 'static {
    /// Says why a tool cannot be called.
    fn unready(&self, error: ToolsError) -> Explained;

    /// Says why a call did not give an answer.
    fn failed(&self, id: &ToolId, report: Report) -> Explained;

    /// Says why a task is not begun, or cannot be looked at.
    fn unbegun(&self, error: TaskError) -> Explained;

    /// Says how a task was left.
    fn stopped(&self, task: TaskId, how: Stop) -> Explained;

    /// Tells the operator of a file that is on the shelf and is not offered.
    fn unfit(&self, misfit: &Misfit);
}

/// The tools of installed plugins.
pub struct Installed {
    app: Arc<App>,
    explain: Arc<dyn Explain>,
    edition: RwLock<Arc<Edition>>,
    /// Held while another edition is made, so that it is made once.
    making: Mutex<()>,
    tasks: Arc<Tasks>,
}

impl Installed {
    /// Lists what is installed now.
    ///
    /// # Errors
    ///
    /// [`ToolsError`] when that cannot be read.
    pub fn new(app: Arc<App>, explain: Arc<dyn Explain>) -> Result<Self, ToolsError> {
        let edition = RwLock::new(Arc::new(Edition::of(&app, &*explain, 0)?));
        let tasks = Arc::new(Tasks::new(Arc::clone(&app), Arc::clone(&explain)));
        Ok(Self { app, explain, edition, making: Mutex::default(), tasks })
    }

    /// Returns the edition of the current generation, under the policies there are. While either cannot be
    /// read, nothing is called.
    fn current(&self) -> Result<Arc<Edition>, ToolsError> {
        let held = self.held();
        if held.is_current(&self.app)? {
            return Ok(held);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held();
        if held.is_current(&self.app)? {
            return Ok(held);
        }
        let edition = Arc::new(Edition::of(&self.app, &*self.explain, held.number + 1)?);
        *self.edition.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&edition);
        Ok(edition)
    }

    fn held(&self) -> Arc<Edition> {
        Arc::clone(&self.edition.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Offering for Installed {
    fn edition(&self) -> u64 {
        // What cannot be read is no other list.
        self.current().unwrap_or_else(|_| self.held()).number
    }

    fn tools(&self) -> Arc<BTreeMap<String, Tool>> {
        match self.current() {
            Ok(edition) => Arc::clone(&edition.tools),
            Err(_) => Arc::default(),
        }
    }

    async fn call(&self, call: ToolCall) -> Result<CallToolResponse, ErrorData> {
        let edition = match self.current() {
            Ok(edition) => edition,
            Err(error) => return Ok(refused(&self.explain.unready(error)).into()),
        };
        let name = &call.name;
        let arguments = Value::Object(call.arguments.clone());
        let schema = match (edition.works.get(name), edition.catalogue.tools().get(name)) {
            (Some(work), _) => &work.input,
            (None, Some(tool)) => &tool.tool.input_schema,
            (None, None) => {
                return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None));
            }
        };
        let wrong = violations(schema, &arguments, VIOLATIONS_MAX);
        if !wrong.is_empty() {
            return Ok(misfit(&wrong).into());
        }
        match edition.doing(name, call.owner.who()) {
            Some(doing) => self.as_task(&edition, &call, doing, &arguments).await,
            None => Ok(Box::pin(self.at_once(&edition, call, &arguments)).await.into()),
        }
    }

    async fn task(&self, errand: Errand) -> Result<DetailedTask, ErrorData> {
        let edition = self.current().unwrap_or_else(|_| self.held());
        let may_answer = errand.may_answer && edition.lets_clients_answer();
        let errand = Errand { may_answer, ..errand };
        self.tasks.run(errand, |tool| edition.answering(tool)).await
    }

    async fn close(&self) {
        self.tasks.close().await;
    }
}

impl Installed {
    /// Calls a tool that waits for nobody.
    async fn at_once(
        &self,
        edition: &Arc<Edition>,
        call: ToolCall,
        arguments: &Value,
    ) -> CallToolResult {
        let ToolCall { name, owner, context, stop, .. } = call;
        let tool = &edition.catalogue.tools()[&name];
        let input = arguments.to_string();
        let (plugin, once) = match self.ready(edition, &name, &input).await {
            Ok(ready) => ready,
            Err(error) => return refused(&self.explain.unready(error)),
        };
        let host = match self.app.host() {
            Ok(host) => Arc::clone(host),
            Err(error) => {
                let error = crate::app::ChangeError::from(error);
                return refused(&self.explain.unready(error.into()));
            }
        };
        let (progress, seen) = watch::channel(Progress::default());
        let (cancel, cancelled) = watch::channel(false);
        let claims_to_read = tool.tool.annotations.read_only;
        let call = Call {
            who: Arc::clone(owner.who()),
            once,
            // Nobody is asked, so the claim has to be true; where nothing can be changed it is.
            reads_only: claims_to_read && edition.catalogue.may_change(tool),
            trace_parent: context.meta.get_traceparent().and_then(TraceParent::read),
            progress: Some(progress),
            cancel: Some(cancelled),
            grace: Duration::ZERO,
            ..Call::new(&tool.tool.name, &input)
        };
        let listener = context.meta.get_progress_token().map(|token| (&context.peer, token));
        let running = attended(host.call(&plugin, call), seen, listener);
        let mut running = std::pin::pin!(running);
        let report = tokio::select! {
            biased;
            report = &mut running => report,
            () = stop.cancelled() => {
                cancel.send_replace(true);
                running.await
            }
        };
        match report.result {
            Ok(output) => answered(output, tool.tool.output_schema.as_ref()),
            Err(_) => refused(&self.explain.failed(&tool.id, report)),
        }
    }

    /// Begins a task. A client that knows tasks gets a handle, any other waits for what comes of it; if the
    /// same call began one that is not over, for that.
    async fn as_task(
        &self,
        edition: &Edition,
        call: &ToolCall,
        doing: Doing,
        arguments: &Value,
    ) -> Result<CallToolResponse, ErrorData> {
        let ToolCall { name, owner, context, stop, .. } = call;
        let client = context.client_capabilities().unwrap_or_default();
        let is_stateless =
            context.protocol_version().is_some_and(|it| it >= ProtocolVersion::V_2026_07_28);
        let begun = Begun { owner, tool: name, doing, arguments };
        if is_stateless && client.supports_tasks() {
            return Ok(match self.tasks.hand_over(begun).await {
                Ok(handle) => handle.into(),
                Err(unbegun) => self.unbegun(unbegun).into(),
            });
        }
        let may_answer = edition.lets_clients_answer() && client.elicitation.is_some();
        let caller = Caller { owner, context, stop, may_answer, is_stateless };
        let task = match self.tasks.same(owner, name, arguments) {
            Err(error) => return Ok(refused(&self.explain.unbegun(error)).into()),
            Ok(Some(task)) => {
                let said = call.answers.get(Tasks::key());
                self.tasks.take_answer(task, &caller, call.state.as_deref(), said).await?;
                task
            }
            Ok(None) => match self.tasks.begin(begun).await {
                Ok(task) => task,
                Err(unbegun) => return Ok(self.unbegun(unbegun).into()),
            },
        };
        let answering = edition.answering(name);
        match self.tasks.wait(task, &caller, answering).await {
            Ok(answer) => Ok(answer),
            Err(error) => Ok(refused(&self.explain.unbegun(error)).into()),
        }
    }

    fn unbegun(&self, unbegun: Unbegun) -> CallToolResult {
        match unbegun {
            Unbegun::TooMany => too_many_tasks(),
            Unbegun::Task(error) => refused(&self.explain.unbegun(*error)),
        }
    }
}

impl Installed {
    async fn ready(
        &self,
        edition: &Arc<Edition>,
        name: &str,
        input: &str,
    ) -> Result<(Arc<Plugin>, Vec<Permission>), ToolsError> {
        let tools = edition.catalogue.tools();
        if let Some(plugin) = tools.get(name).and_then(|tool| tool.ready()) {
            return Ok((plugin, Vec::new()));
        }
        let (app, edition) = (Arc::clone(&self.app), Arc::clone(edition));
        let (name, input) = (name.to_owned(), input.to_owned());
        let work = move || {
            let tool = &edition.catalogue.tools()[&name];
            app.ready_of(&edition.catalogue, tool, &input)
        };
        // It may compile for seconds. The panic of one call is not that of the server.
        match tokio::task::spawn_blocking(work).await {
            Ok(ready) => ready,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Waits for a call or a task, and tells its client how far it is, if that wants to hear it.
pub(super) async fn attended<T>(
    running: impl Future<Output = T>,
    mut seen: watch::Receiver<Progress>,
    listener: Option<(&Peer<RoleServer>, ProgressToken)>,
) -> T {
    let Some((peer, token)) = listener else { return running.await };
    let mut running = std::pin::pin!(running);
    let mut told = None;
    let mut watching = true;
    loop {
        tokio::select! {
            biased;
            changed = seen.changed(), if watching => {
                watching = changed.is_ok();
                let Progress { done, total, note } = seen.borrow_and_update().clone();
                // The protocol wants each to be more than the one before.
                if !watching || told.is_some_and(|told| told >= done) {
                    continue;
                }
                told = Some(done);
                #[expect(clippy::cast_precision_loss, reason = "for people, by protocol")]
                let mut far = ProgressNotificationParam::new(token.clone(), done as f64);
                #[expect(clippy::cast_precision_loss, reason = "for people, by protocol")]
                let all = total.map(|total| total as f64);
                far.total = all;
                far.message = Some(note).filter(|note| !note.is_empty());
                drop(peer.notify_progress(far).await);
            }
            report = &mut running => return report,
        }
    }
}
