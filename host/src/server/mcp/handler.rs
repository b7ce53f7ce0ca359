//! What a client may ask, in both revisions; everything else is an unknown method.
//!
//! Invariant: a call that nobody waits for ends: cancelled by its client, or by the end of the connection.
//! Not here: what the tools are (`installed`), reading and writing messages (`stdio`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
    CompleteRequestMethod, CompleteRequestParams, CompleteResult, ContentBlock, DetailedTask,
    GetTaskParams, GetTaskResult, Implementation, InputResponses, JsonObject,
    ListPromptsRequestMethod, ListPromptsResult, ListResourceTemplatesRequestMethod,
    ListResourceTemplatesResult, ListResourcesRequestMethod, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig, SubscriptionFilter,
    Tool, UpdateTaskParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::listeners::Listeners;
use super::tasks::{Errand, Owner, Wanted, no_such_task};

/// Tools of one page. Clients are known that read the first page alone, so it holds more than anybody has.
const PAGE: usize = 500;

/// Milliseconds for which a client may believe a list: it is told of changes.
const FRESH_MS: u64 = 60_000;

/// Calls that run at the same time for all clients of this process; the next ones are told to come again.
const CALLS_MAX: usize = 256;

/// How long it is waited for calls that were asked to end: a guest notices within a tick of 10 ms, a write
/// that blocks later.
const END_MAX: Duration = Duration::from_secs(5);

/// The revisions that are served, oldest first.
const REVISIONS: [ProtocolVersion; 3] =
    [ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];

/// What is told to whoever reads how to use this server.
const INSTRUCTIONS: &str = "Tools of plugins that run in a sandbox, under permissions that a person granted. \
    A tool that is denied something says which command a person would type to allow it; nothing can be \
    granted, installed or configured from here.";

/// A call that a client asked for.
pub struct ToolCall {
    /// The tool's wire name.
    pub name: String,
    /// Its arguments.
    pub arguments: JsonObject,
    /// What a person answered, by the names of the questions that the call before ended with.
    pub answers: InputResponses,
    /// What came with those questions, as the client gives it back: to be trusted as little as the rest.
    pub state: Option<String>,
    /// Who calls.
    pub owner: Owner,
    /// How to tell how far it is, and what else came with it.
    pub context: RequestContext<RoleServer>,
    /// Cancelled when nobody waits for the answer any more: the call has to end then, and be recorded.
    pub stop: CancellationToken,
}

/// Who asks, put beside a request by a transport that has more than one client.
#[derive(Clone)]
pub(super) struct Visitor {
    /// Who it is.
    pub(super) owner: Owner,
    /// Cancelled when what they began is to end.
    pub(super) ended: CancellationToken,
}

/// Something that has tools.
pub trait Offering: Send + Sync + 'static {
    /// Returns a number that is another one whenever the tools may be others.
    fn edition(&self) -> u64;

    /// Returns the tools, by their names and in that order.
    fn tools(&self) -> Arc<BTreeMap<String, Tool>>;

    /// Calls one, until it is to stop.
    fn call(
        &self,
        call: ToolCall,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + Send + '_;

    /// Does what a client asks of a task that a call began, and says how that is then.
    fn task(
        &self,
        _errand: Errand,
    ) -> impl Future<Output = Result<DetailedTask, ErrorData>> + Send + '_ {
        std::future::ready(Err(no_such_task()))
    }

    /// Lets rest what goes on though nobody waits for it.
    fn close(&self) -> impl Future<Output = ()> + Send + '_ {
        std::future::ready(())
    }
}

/// Answers the clients of one server.
pub struct Handler<O> {
    offering: Arc<O>,
    owner: Owner,
    pub(super) listeners: Listeners,
    calls: Arc<Semaphore>,
    /// Cancelled when nothing more is told unasked.
    closing: CancellationToken,
    /// Cancelled when nobody is there to answer.
    gone: CancellationToken,
}

impl<O> Clone for Handler<O> {
    fn clone(&self) -> Self {
        Self {
            offering: Arc::clone(&self.offering),
            owner: self.owner.clone(),
            listeners: self.listeners.clone(),
            calls: Arc::clone(&self.calls),
            closing: self.closing.clone(),
            gone: self.gone.clone(),
        }
    }
}

impl<O: Offering> Handler<O> {
    /// Serves what `offering` has to those who are `who` in the audit.
    pub(super) fn new(offering: Arc<O>, who: &str) -> Self {
        let gone = CancellationToken::new();
        Self {
            offering,
            owner: Owner::new(Arc::from(who), None),
            listeners: Listeners::default(),
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            closing: gone.child_token(),
            gone,
        }
    }

    /// Ends the subscriptions; calls go on.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Waits until no call runs.
    pub(super) async fn idle(&self) {
        let all = u32::try_from(CALLS_MAX).unwrap_or(u32::MAX);
        drop(self.calls.acquire_many(all).await);
    }

    /// Ends all calls, and waits until what they did is recorded, for a while.
    pub(super) async fn end(&self) {
        self.gone.cancel();
        drop(tokio::time::timeout(END_MAX, self.idle()).await);
        self.offering.close().await;
    }

    /// Finds out who sent a request.
    fn visitor(&self, context: &RequestContext<RoleServer>) -> Visitor {
        let parts = context.extensions.get::<http::request::Parts>();
        let visitor = parts.and_then(|parts| parts.extensions.get::<Visitor>()).cloned();
        visitor.unwrap_or_else(|| Visitor { owner: self.owner.clone(), ended: self.gone.clone() })
    }

    async fn errand(
        &self,
        task: String,
        wanted: Wanted,
        context: &RequestContext<RoleServer>,
    ) -> Result<DetailedTask, ErrorData> {
        let Ok(_place) = self.calls.try_acquire() else {
            return Err(ErrorData::internal_error("too many requests run already", None));
        };
        let client = context.client_capabilities().unwrap_or_default();
        let may_answer = client.elicitation.is_some();
        let owner = self.visitor(context).owner;
        self.offering.task(Errand { owner, task, wanted, may_answer }).await
    }

    /// Returns what it serves.
    pub(super) fn offering(&self) -> &O {
        &self.offering
    }
}

impl<O: Offering> ServerHandler for Handler<O> {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .build();
        let mut server = Implementation::new("ax", env!("CARGO_PKG_VERSION"));
        server.title = Some("AutomatosX".to_owned());
        ServerConfig::new(capabilities).with_server_info(server).with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&REVISIONS)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.offering.tools().get(name).cloned()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        page(&self.offering.tools(), request.and_then(|request| request.cursor))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Ok(_place) = self.calls.try_acquire() else { return Ok(busy().into()) };
        let (cancelled, stop) = (context.ct.clone(), CancellationToken::new());
        let Visitor { owner, ended } = self.visitor(&context);
        let call = ToolCall {
            name: request.name.into_owned(),
            arguments: request.arguments.unwrap_or_default(),
            answers: request.input_responses.unwrap_or_default(),
            state: request.request_state,
            owner,
            context,
            stop: stop.clone(),
        };
        let mut answering = std::pin::pin!(self.offering.call(call));
        tokio::select! {
            biased;
            answer = &mut answering => return answer,
            () = cancelled.cancelled() => {}
            () = ended.cancelled() => {}
            () = self.gone.cancelled() => {}
        }
        stop.cancel();
        // Nobody reads it, but what was done is recorded when it comes.
        answering.await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let task = self.errand(request.task_id, Wanted::Look, &context).await?;
        Ok(GetTaskResult::new(task))
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let wanted = Wanted::Answers(request.input_responses);
        self.errand(request.task_id, wanted, &context).await.map(drop)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.errand(request.task_id, Wanted::Cancel, &context).await.map(drop)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        // What is not offered is taken out of it by the library.
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let Some(number) = self.listeners.add_subscription(context.sink().clone()) else {
            return Err(ErrorData::internal_error("there are too many subscriptions", None));
        };
        tokio::select! {
            () = context.cancelled() => {}
            () = self.closing.cancelled() => {}
        }
        self.listeners.remove(number);
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.listeners.add_session(context.peer);
    }

    // An empty list would say that there could be some.

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourceTemplatesRequestMethod>())
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }
}

/// One page of tools. The cursor is the last name of the page before, so a list that changes in between
/// loses none that stays.
fn page(
    tools: &BTreeMap<String, Tool>,
    cursor: Option<String>,
) -> Result<ListToolsResult, ErrorData> {
    let after = match &cursor {
        Some(name) if !is_name(name) => {
            return Err(ErrorData::invalid_params("there is no such cursor", None));
        }
        Some(name) => Bound::Excluded(name.as_str()),
        None => Bound::Unbounded,
    };
    let mut rest = tools.range::<str, _>((after, Bound::Unbounded)).map(|(_, tool)| tool);
    let page: Vec<Tool> = rest.by_ref().take(PAGE).cloned().collect();
    let more = rest.next().is_some();
    let next = page.last().filter(|_| more).map(|tool| tool.name.clone().into_owned());
    let mut result = ListToolsResult::with_all_items(page);
    result.next_cursor = next;
    // Whose grants it is about is nobody else's business.
    Ok(result.with_ttl_ms(FRESH_MS).with_cache_scope(CacheScope::Private))
}

fn is_name(text: &str) -> bool {
    let is_of_names = |it: char| it.is_ascii_alphanumeric() || "_-".contains(it);
    (1..=128).contains(&text.len()) && text.chars().all(is_of_names)
}

fn busy() -> CallToolResult {
    let text = format!("{CALLS_MAX} calls run already; try again when one has ended");
    CallToolResult::error(vec![ContentBlock::text(text)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools(count: usize) -> BTreeMap<String, Tool> {
        let tool = |number: usize| {
            let name = format!("ax_many_tool-{number:04}");
            (name.clone(), Tool::new(name, "A tool.", Arc::new(JsonObject::new())))
        };
        (0..count).map(tool).collect()
    }

    #[test]
    fn every_tool_is_on_one_page() {
        for (count, pages) in [(0, 1), (PAGE, 1), (PAGE + 1, 2), (3 * PAGE, 3)] {
            let tools = tools(count);
            let (mut seen, mut cursor, mut read) = (Vec::new(), None, 0);
            loop {
                let page = page(&tools, cursor).unwrap();
                seen.extend(page.tools.into_iter().map(|tool| tool.name.into_owned()));
                read += 1;
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!((seen, read), (tools.into_keys().collect(), pages));
        }
    }

    #[test]
    fn a_cursor_that_is_none_is_refused_and_one_of_a_tool_that_went_is_not() {
        let tools = tools(3);
        assert!(page(&tools, Some("no cursor!".to_owned())).is_err());
        let rest = page(&tools, Some("ax_many_tool-0000x".to_owned())).unwrap();
        assert_eq!(rest.tools.len(), 2);
    }
}
