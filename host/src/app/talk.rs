//! `ax chat`: a person, a model and the installed tools, turn by turn.
//!
//! ```text
//! what a person says ─→ Router ─→ answer ─→ calls? ─→ tools, under their grants ─┐
//!                         ↑                   └ none: the turn is over            │
//!                         └───────────────────────── what they answered ──────────┘
//! ```
//!
//! Invariant: a tool is called as any other program calls it: through the plugin host, with its grants, on
//! record. Every call that stands in a conversation has an answer in it before the model is asked again.
//! What was said is kept after each step, whatever ends the turn.
//! Not here: printing (`cli`), who is asked (`router`), what a tool may do (`plugin`).

mod fitting;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;

use fitting::{cut, fitting, refused, told};

use super::{App, Catalogue, CatalogueTool, Conversation, ConversationError, ReadyModels};
use super::{ModelsError, ToolsError};
use crate::chat::{
    Assembly, Chunk, Error, Finish, LIMITS, Message, Request, RequestId, Role, Thinking, ToolCall,
    ToolDef, ToolResult, Usage,
};
use crate::plugin::schema::violations;
use crate::plugin::{Call, Output};
use crate::router::catalogue::Cost;
use crate::router::trail::Trail;
use crate::router::{Caller, Governor, Router, Spent, Target};

/// What makes a model asked here.
const TRIGGER: &str = "chat";

/// Answers of one turn: after as many rounds of tools a model goes in circles.
pub const ROUNDS_MAX: u32 = 32;

/// Characters of what a tool answered that a model is told: a third of what one message may have.
const RESULT_CHARS_MAX: usize = 300_000;

/// What is wrong with the input of a call: so much is told at once.
const VIOLATIONS_MAX: usize = 20;

/// How a person wants to be answered.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// The provider, and nobody else.
    pub provider: Option<String>,
    /// The model, or a tier.
    pub model: Option<String>,
    /// What the model is told before everything else.
    pub system: Option<String>,
    /// Tokens of one answer at most.
    pub max_tokens: Option<u32>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// How much it thinks before.
    pub thinking: Option<Thinking>,
}

/// One answer, whole.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Names the request.
    pub id: RequestId,
    /// Who answered.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// Why it ends.
    pub finish: Finish,
    /// What was used, where it was told.
    pub usage: Option<Usage>,
    /// What that cost, with all that was tried, where prices are known.
    pub cost: Option<Cost>,
    /// What was tried.
    pub trail: Trail,
    /// From the question to the end of the answer.
    pub duration: Duration,
}

/// Hears and decides for the person while a turn goes on.
pub trait Audience {
    /// A piece of the answer came. Answers whether anybody still listens.
    fn hear(&mut self, chunk: &Chunk) -> bool;

    /// Answers whether a tool may be called that could change something outside of this host.
    fn agrees(&mut self, tool: &CatalogueTool, call: &ToolCall) -> bool;

    /// A tool is called now.
    fn calling(&mut self, call: &ToolCall);

    /// It answered, or did not.
    fn called(&mut self, call: &ToolCall, result: &ToolResult);

    /// An answer is whole.
    fn answered(&mut self, answered: &Answered);

    /// Says in words that a model reads why a tool could not be called or failed.
    fn why(&self, failed: FailedCall) -> String;
}

/// A call that brought no answer.
pub enum FailedCall {
    /// The tool could not be made ready.
    Unready(ToolsError),
    /// It ran, and failed.
    Failed(ax_manifest::ToolId, Box<crate::plugin::Report>),
}

/// Why a turn ended early.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// No model answered.
    #[error(transparent)]
    Asked(Box<Unanswered>),
    /// The turn went in circles.
    #[error("the model called tools {ROUNDS_MAX} times without an answer")]
    Rounds,
    /// The model says more at once than can be sent back to it.
    #[error("the answer is longer than can be sent back to a model")]
    TooLong,
    /// The person stopped it.
    #[error("the answer was stopped")]
    Stopped,
    /// The conversation cannot be kept.
    #[error(transparent)]
    Conversation(#[from] ConversationError),
    /// Nothing can be asked.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The tools cannot be read.
    #[error(transparent)]
    Tools(#[from] ToolsError),
}

/// No answer: why, what was tried, and what to type.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unanswered {
    /// Names the request, if there was one.
    pub id: Option<RequestId>,
    /// Why.
    pub error: Error,
    /// What was tried.
    pub trail: Trail,
    /// What an operator can type.
    pub hint: Option<String>,
}

impl TalkError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Asked(unanswered) => unanswered.hint.clone(),
            Self::Rounds => {
                Some("say what is wanted in smaller steps, or without tools".to_owned())
            }
            Self::TooLong => Some("ask for less, or without tools: --no-tools".to_owned()),
            Self::Stopped => Some("ax chat --continue".to_owned()),
            Self::Conversation(error) => error.hint(),
            Self::Models(error) => error.hint(),
            Self::Tools(error) => error.hint(),
        }
    }
}

/// What a conversation is held with.
pub struct Talk {
    app: Arc<App>,
    models: Arc<ReadyModels>,
    router: Router,
    till: Arc<Till>,
    manner: Manner,
    catalogue: Catalogue,
    tools: Vec<ToolDef>,
}

impl Talk {
    /// Prepares one. `is_wanted` says of each tool's wire name whether the model is told of it.
    ///
    /// # Errors
    ///
    /// When what is installed cannot be read.
    pub fn new(
        app: Arc<App>,
        models: Arc<ReadyModels>,
        manner: Manner,
        is_wanted: impl Fn(&CatalogueTool) -> bool,
    ) -> Result<Self, ToolsError> {
        let catalogue = app.catalogue()?;
        let wanted = catalogue.tools().iter().filter(|(_, tool)| is_wanted(tool));
        let tools = wanted.map(|(name, offered)| ToolDef {
            name: name.clone(),
            description: offered.tool.description.clone(),
            input_schema: offered.tool.input_schema.clone(),
        });
        let tools: Vec<_> = tools.collect();
        let till = Arc::new(Till::default());
        let governor = Arc::clone(&till) as Arc<dyn Governor>;
        let router = models.router.of(Caller { trigger: TRIGGER.to_owned(), governor });
        Ok(Self { app, models, router, till, manner, tools, catalogue })
    }

    /// Returns how many tools the model is told of.
    #[must_use]
    pub fn tools(&self) -> usize {
        self.tools.len()
    }

    /// Says what a person said, and lets the model answer and call tools until it is done.
    ///
    /// # Errors
    ///
    /// [`TalkError`]. The conversation is kept then, too: with what was answered until then, or without
    /// what nobody answered.
    pub async fn turn(
        &self,
        conversation: &mut Conversation,
        said: Message,
        audience: &mut dyn Audience,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), TalkError> {
        let before = conversation.messages.len();
        conversation.messages.push(said);
        let ended = self.rounds(conversation, audience, &mut stop).await;
        // What could not be asked must not stand in the way of what is said next; what was stopped can be
        // gone on with.
        let is_unanswered = conversation.messages.len() == before + 1;
        if is_unanswered && !matches!(ended, Ok(()) | Err(TalkError::Stopped)) {
            conversation.messages.truncate(before);
        }
        let kept = match conversation.messages.is_empty() {
            true => self.app.drop_conversation(conversation),
            false => self.app.keep_conversation(conversation),
        };
        ended.and(kept.map_err(TalkError::from))
    }

    async fn rounds(
        &self,
        conversation: &mut Conversation,
        audience: &mut dyn Audience,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), TalkError> {
        self.app.keep_conversation(conversation)?;
        for _ in 0..ROUNDS_MAX {
            self.ask(conversation, audience, stop).await?;
            let calls: Vec<ToolCall> = conversation.open_calls().cloned().collect();
            if calls.is_empty() {
                return Ok(());
            }
            // Before anything is done: whoever reads this after a crash knows what may have been done.
            self.app.keep_conversation(conversation)?;
            let room = (LIMITS.message_chars_max / 2 / calls.len()).min(RESULT_CHARS_MAX);
            for call in &calls {
                let result = self.call(call, room, audience, stop).await;
                conversation.answer(result);
                self.app.keep_conversation(conversation)?;
            }
            if *stop.borrow() {
                return Err(TalkError::Stopped);
            }
        }
        Err(TalkError::Rounds)
    }

    /// Asks for one answer, and puts it into the conversation: also the beginning of one that was cut.
    async fn ask(
        &self,
        conversation: &mut Conversation,
        audience: &mut dyn Audience,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), TalkError> {
        let request = self.request(conversation)?;
        let id = request.id;
        let began = self.app.clock.monotonic();
        let unanswered = |error: Error, trail| {
            let is_too_long = error.message.starts_with("`messages");
            let hint = match is_too_long {
                true => Some("ax chat begins another conversation".to_owned()),
                false => self.models.hint(&error),
            };
            TalkError::Asked(Box::new(Unanswered { id: Some(id), error, trail, hint }))
        };
        let routed = tokio::select! {
            biased;
            () = stopped(stop) => return Err(TalkError::Stopped),
            routed = self.router.route(Arc::new(request)) => routed,
        };
        let routed = routed.map_err(|refused| unanswered(refused.error, refused.trail))?;
        let (provider, mut chunks) = (routed.answer.provider, routed.answer.chunks);
        let mut pieces = Assembly::default();
        let cut = loop {
            let next = tokio::select! {
                biased;
                () = stopped(stop) => break Some(TalkError::Stopped),
                next = chunks.next() => next,
            };
            match next {
                Some(Ok(chunk)) => {
                    let is_heard = audience.hear(&chunk);
                    pieces.add(chunk);
                    if !is_heard {
                        break Some(TalkError::Stopped);
                    }
                }
                Some(Err(error)) => break Some(unanswered(error, routed.trail.clone())),
                None => break None,
            }
        };
        // What is not read any more is not to be written either.
        drop(chunks);
        if let Some(error) = cut {
            conversation.messages.extend(pieces.begun().and_then(|it| fitting(it).ok().flatten()));
            return Err(error);
        }
        let response = pieces.finish(&provider).expect("a whole answer has an end");
        let duration = self.app.clock.monotonic().saturating_sub(began);
        let spent = self.till.take(id).unwrap_or_default();
        let (usage, cost) = (Some(spent.usage), spent.cost);
        let (model, finish) = (response.model, response.finish);
        let kept = fitting(response.message);
        let trail = routed.trail;
        let answered = Answered { id, provider, model, finish, usage, cost, trail, duration };
        audience.answered(&answered);
        conversation.messages.extend(kept?);
        Ok(())
    }

    fn request(&self, conversation: &Conversation) -> Result<Request, ModelsError> {
        let Manner { provider, model, system, max_tokens, temperature, thinking } = &self.manner;
        let system = system.iter().map(|text| Message::text(Role::System, text));
        let messages = system.chain(conversation.messages.iter().cloned()).collect();
        Ok(Request {
            provider: provider.clone(),
            model: model.clone(),
            tools: self.tools.clone(),
            max_tokens: *max_tokens,
            temperature: *temperature,
            thinking: *thinking,
            stream: true,
            ..Request::new(self.app.request_id()?, messages)
        })
    }

    /// Calls a tool, if the person does not mind.
    async fn call(
        &self,
        call: &ToolCall,
        room: usize,
        audience: &mut dyn Audience,
        stop: &mut watch::Receiver<bool>,
    ) -> ToolResult {
        let result = match self.outcome(call, audience, stop).await {
            Ok(output) => told(call, output, room),
            Err(why) => refused(call, cut(why, room)),
        };
        audience.called(call, &result);
        result
    }

    async fn outcome(
        &self,
        call: &ToolCall,
        audience: &mut dyn Audience,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Output, String> {
        if *stop.borrow() {
            return Err("the person stopped it before it was called".to_owned());
        }
        let catalogue = &self.catalogue;
        let is_offered = self.tools.iter().any(|tool| tool.name == call.name);
        let found = catalogue.tools().get(&call.name).filter(|_| is_offered);
        let tool = found.ok_or_else(|| format!("there is no tool `{}`", call.name))?;
        let wrong = violations(&tool.tool.input_schema, &call.input, VIOLATIONS_MAX);
        if !wrong.is_empty() {
            let lines: String = wrong.iter().map(|it| format!("\n- {it}")).collect();
            return Err(format!("the input does not fit the tool's schema:{lines}"));
        }
        if catalogue.may_change(tool) && !audience.agrees(tool, call) {
            return Err("the person did not agree to this call".to_owned());
        }
        audience.calling(call);
        let unready = |error| audience.why(FailedCall::Unready(error));
        let input = call.input.to_string();
        let (plugin, once) = self.app.ready_of(catalogue, tool, &input).map_err(unready)?;
        let host = self.app.host().map_err(|error| {
            audience.why(FailedCall::Unready(super::ChangeError::from(error).into()))
        })?;
        let asked = Call {
            who: Arc::from("chat"),
            once,
            cancel: Some(stop.clone()),
            ..Call::new(&tool.tool.name, &input)
        };
        let mut report = host.call(&plugin, asked).await;
        match std::mem::replace(&mut report.result, Err(crate::plugin::CallError::Lost)) {
            Ok(output) => Ok(output),
            Err(error) => {
                report.result = Err(error);
                Err(audience.why(FailedCall::Failed(tool.id.clone(), Box::new(report))))
            }
        }
    }
}

/// Hears what answers cost. A person may spend what they like.
#[derive(Default)]
struct Till(Mutex<Option<(RequestId, Spent)>>);

impl Till {
    /// Returns what a request cost, once.
    fn take(&self, id: RequestId) -> Option<Spent> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.take().filter(|(of, _)| *of == id).map(|(_, spent)| spent)
    }
}

impl Governor for Till {
    fn admit(&self, _: &Request, _: &Target, _: Option<u64>) -> Result<(), Error> {
        Ok(())
    }

    fn settled(&self, id: RequestId, spent: &Spent) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, *spent));
    }
}

/// Waits until somebody asks to stop; for ever if nobody can.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|asked| *asked).await.is_err() {
        std::future::pending().await
    }
}
