//! The tools of installed plugins.
//!
//! Invariant: each call looks whether another generation is current or a policy was written, so a grant that
//! was revoked, a plugin that was switched off or what a policy forbids is so for the next call. What cannot
//! be read, of either, lets nothing be called.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ax_manifest::{Permission, ToolId};
use rmcp::model::{CallToolResponse, ProgressNotificationParam, ProgressToken, Tool};
use rmcp::service::Peer;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;
use tokio::sync::watch;

use super::answer::{answered, misfit, refused};
use super::handler::{Offering, ToolCall};
use super::offer::offered;
use crate::app::{App, Catalogue, ToolsError};
use crate::audit::entry::TraceParent;
use crate::plugin::schema::violations;
use crate::plugin::{Call, Plugin, Progress, Report};

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

/// Finds the words.
pub trait Explain: Send + Sync + 'static {
    /// Says why a tool cannot be called.
    fn unready(&self, error: ToolsError) -> Explained;

    /// Says why a call did not give an answer.
    fn failed(&self, id: &ToolId, report: Report) -> Explained;
}

/// What was offered at one time.
struct Edition {
    /// Another one for each catalogue.
    number: u64,
    catalogue: Catalogue,
    tools: Arc<BTreeMap<String, Tool>>,
}

/// The tools of installed plugins.
pub struct Installed {
    app: Arc<App>,
    explain: Arc<dyn Explain>,
    edition: RwLock<Arc<Edition>>,
    /// Held while another edition is made, so that it is made once.
    making: Mutex<()>,
}

impl Installed {
    /// Lists what is installed now.
    ///
    /// # Errors
    ///
    /// [`ToolsError`] when that cannot be read.
    pub fn new(app: Arc<App>, explain: Arc<dyn Explain>) -> Result<Self, ToolsError> {
        let edition = RwLock::new(Arc::new(Edition::of(&app, 0)?));
        Ok(Self { app, explain, edition, making: Mutex::default() })
    }

    /// Returns the edition of the current generation, under the policies there are. While either cannot be
    /// read, nothing is called.
    fn current(&self) -> Result<Arc<Edition>, ToolsError> {
        let is_current = |held: &Edition| {
            self.app.is_current(&held.catalogue).map_err(crate::app::ChangeError::from)
        };
        let held = self.held();
        if is_current(&held)? {
            return Ok(held);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held();
        if is_current(&held)? {
            return Ok(held);
        }
        let edition = Arc::new(Edition::of(&self.app, held.number + 1)?);
        *self.edition.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&edition);
        Ok(edition)
    }

    fn held(&self) -> Arc<Edition> {
        Arc::clone(&self.edition.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Edition {
    fn of(app: &App, number: u64) -> Result<Self, ToolsError> {
        let catalogue = app.catalogue()?;
        let tools = catalogue.tools().iter();
        let tools = tools.map(|(name, it)| (name.clone(), offered(&it.id, &it.tool))).collect();
        Ok(Self { number, catalogue, tools: Arc::new(tools) })
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
        let ToolCall { name, arguments, who, context, stop, .. } = call;
        let edition = match self.current() {
            Ok(edition) => edition,
            Err(error) => return Ok(refused(&self.explain.unready(error)).into()),
        };
        let Some(tool) = edition.catalogue.tools().get(&name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool `{name}`"), None));
        };
        let arguments = Value::Object(arguments);
        let wrong = violations(&tool.tool.input_schema, &arguments, VIOLATIONS_MAX);
        if !wrong.is_empty() {
            return Ok(misfit(&wrong).into());
        }
        let input = arguments.to_string();
        let (plugin, once) = match self.ready(&edition, &name, &input).await {
            Ok(ready) => ready,
            Err(error) => return Ok(refused(&self.explain.unready(error)).into()),
        };
        let host = match self.app.host() {
            Ok(host) => Arc::clone(host),
            Err(error) => {
                let error = crate::app::ChangeError::from(error);
                return Ok(refused(&self.explain.unready(error.into())).into());
            }
        };
        let (progress, seen) = watch::channel(Progress::default());
        let (cancel, cancelled) = watch::channel(false);
        let call = Call {
            who,
            once,
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
        Ok(match report.result {
            Ok(output) => answered(output, tool.tool.output_schema.as_ref()),
            Err(_) => refused(&self.explain.failed(&tool.id, report)),
        }
        .into())
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

/// Waits for a call, and tells its client how far it is, if that wants to hear it.
async fn attended(
    running: impl Future<Output = Report>,
    mut seen: watch::Receiver<Progress>,
    listener: Option<(&Peer<RoleServer>, ProgressToken)>,
) -> Report {
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
