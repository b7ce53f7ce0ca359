//! The life of one request, as a table.
//!
//! ```text
//! idle → validating → requesting ─→ streaming ─→ completed
//!             │         ↑  │  ↑         │
//!             │   retrying │  └fallback─┼──────┐
//!             │         ↑  ↓            ↓      │
//!             │       rate_limited ──→ failed ─┘
//!             └───────────────────────→
//! ```
//!
//! [`step`] is pure: what may follow what, under which guard. [`Lifecycle`] folds events over it and keeps
//! what they say, so that a store which replays them comes to the same.
//!
//! Invariant: every pair that the table does not name is an [`IllegalEvent`] and changes nothing. What was
//! handed on is never tried again.
//! Not here: deciding which event comes next (`driver`).

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::catalogue::Cost;
use crate::chat::Assembly;
use crate::chat::Chunk;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Request;
use crate::chat::Response;
use crate::chat::Usage;

/// Rows of a history. An attempt makes about five, and chunks make none.
const HISTORY_MAX: usize = 256;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not begun.
    Idle,
    /// It is looked at.
    Validating,
    /// A provider is asked.
    Requesting,
    /// An answer comes.
    Streaming,
    /// The provider wants it slower.
    RateLimited,
    /// The same provider is asked again soon.
    Retrying,
    /// There is no answer.
    Failed,
    /// There is one.
    Completed,
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// The model.
    pub model: String,
    /// 1 is asked first.
    pub priority: u8,
    /// Whether it could be asked when the request was planned.
    pub available: bool,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// It begins.
    Initiate,
    /// Another look at it.
    ValidateRequest,
    /// It may be sent, to the first of these.
    ValidationPassed {
        /// Who is asked, and who else could be.
        providers: VecDeque<Provider>,
    },
    /// It must not be sent.
    ValidationFailed(Error),
    /// It is on its way.
    Send,
    /// The whole answer came at once.
    Response(Box<Response>),
    /// A piece of the answer came.
    Chunk {
        /// It.
        chunk: Chunk,
        /// The caller gets it now, so that nothing can be taken back.
        commits: bool,
    },
    /// The last piece came.
    StreamComplete,
    /// The provider wants it slower.
    RateLimit(Error),
    /// It is tried again.
    Retry(Option<Error>),
    /// The provider is given up.
    RequestFailed(Error),
    /// Another provider is asked.
    Fallback {
        /// Which of those that are left.
        at: usize,
    },
    /// Nobody waits any more.
    Cancel,
    /// It is over, and this is what it came to.
    Complete {
        /// What was used.
        usage: Option<Usage>,
        /// What it cost.
        cost: Option<Cost>,
    },
    /// The same once more.
    Reset,
}

/// An event that cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event} cannot follow {state:?}{}", why.map(|why| format!(": {why}")).unwrap_or_default())]
pub struct IllegalEvent {
    /// Where the request stands.
    pub state: State,
    /// What was said to have happened.
    pub event: &'static str,
    /// The guard that does not hold, where there is one.
    pub why: Option<&'static str>,
}

/// What is known of a request.
#[derive(Debug)]
pub struct Context {
    /// What is asked: its id, messages, model, bounds and metadata.
    pub request: Arc<Request>,
    /// Who is asked.
    pub provider: Option<Provider>,
    /// Who else could be.
    pub fallbacks: VecDeque<Provider>,
    /// Retries of this provider.
    pub retries: u32,
    /// Retries that one provider gets.
    pub retries_max: u32,
    /// How often anybody was asked.
    pub attempts: u32,
    /// Pieces of the answer.
    pub chunks: u64,
    /// Something of the answer was handed on.
    pub is_committed: bool,
    /// The whole answer.
    pub response: Option<Response>,
    /// What went wrong last.
    pub error: Option<Error>,
    /// When it began and ended, by the clock of the router.
    pub started: Option<Duration>,
    /// See `started`.
    pub ended: Option<Duration>,
    /// What was used.
    pub usage: Option<Usage>,
    /// What it cost.
    pub cost: Option<Cost>,
    /// Usage and cost are final.
    pub is_settled: bool,
    pieces: Assembly,
}

/// A row of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// When, by the clock of the router.
    pub at: Duration,
    /// What.
    pub event: &'static str,
    /// What then.
    pub state: State,
}

/// One request from its beginning to its end.
#[derive(Debug)]
pub struct Lifecycle {
    state: State,
    context: Context,
    history: Vec<Moment>,
}

/// Says what follows. Changes nothing.
///
/// # Errors
///
/// [`IllegalEvent`] for what the table does not name, and where a guard does not hold.
pub fn step(state: State, event: &Event, context: &Context) -> Result<State, IllegalEvent> {
    use Event as E;
    use State as S;
    let refused = |why| Err(IllegalEvent { state, event: event.name(), why });
    let guard = |holds: bool, why: &'static str, next| {
        if holds { Ok(next) } else { refused(Some(why)) }
    };
    let can_retry = context.retries < context.retries_max;
    let is_open = !context.is_committed;
    match (state, event) {
        (S::Idle, E::Initiate) => Ok(S::Validating),

        (S::Validating, E::ValidateRequest) => Ok(S::Validating),
        (S::Validating, E::ValidationPassed { providers }) => {
            let can_validate = !context.request.messages.is_empty();
            guard(
                can_validate && !providers.is_empty(),
                "no messages or no provider",
                S::Requesting,
            )
        }
        (S::Validating, E::ValidationFailed(_) | E::Cancel) => Ok(S::Failed),

        (S::Requesting, E::Send) => Ok(S::Requesting),
        (S::Requesting, E::Response(_)) => Ok(S::Completed),
        (S::Requesting, E::Chunk { .. }) => {
            guard(context.request.stream, "the answer is no stream", S::Streaming)
        }
        (S::Requesting, E::RateLimit(_)) => Ok(S::RateLimited),
        (S::Requesting, E::Retry(_)) => guard(can_retry, "retries are spent", S::Retrying),
        (S::Requesting, E::RequestFailed(_) | E::Cancel) => Ok(S::Failed),

        (S::Streaming, E::Chunk { .. }) => Ok(S::Streaming),
        (S::Streaming, E::StreamComplete) => Ok(S::Completed),
        (S::Streaming, E::RateLimit(_)) => {
            guard(is_open, "something was handed on", S::RateLimited)
        }
        (S::Streaming, E::Retry(_)) => guard(
            is_open && can_retry,
            "something was handed on, or retries are spent",
            S::Retrying,
        ),
        (S::Streaming, E::RequestFailed(_) | E::Cancel) => Ok(S::Failed),

        (S::RateLimited, E::Retry(_)) => guard(can_retry, "retries are spent", S::Retrying),
        (S::RateLimited, E::RequestFailed(_) | E::Cancel) => Ok(S::Failed),

        (S::Retrying, E::Send) => Ok(S::Requesting),
        (S::Retrying, E::RequestFailed(_) | E::Cancel) => Ok(S::Failed),

        (S::Failed, E::Fallback { at }) => {
            let is_final =
                |error: &Error| matches!(error.class, Class::CallerFault | Class::Cancelled);
            let may =
                is_open && !context.is_settled && !context.error.as_ref().is_some_and(is_final);
            guard(may && *at < context.fallbacks.len(), "nobody else may be asked", S::Requesting)
        }
        (S::Failed, E::Complete { .. }) => guard(!context.is_settled, "it is settled", S::Failed),

        (S::Completed, E::Complete { .. }) => {
            guard(!context.is_settled, "it is settled", S::Completed)
        }
        (S::Completed, E::Reset) => Ok(S::Idle),

        _ => refused(None),
    }
}

impl Context {
    fn new(request: Arc<Request>, retries_max: u32) -> Self {
        Self {
            request,
            provider: None,
            fallbacks: VecDeque::new(),
            retries: 0,
            retries_max,
            attempts: 0,
            chunks: 0,
            is_committed: false,
            response: None,
            error: None,
            started: None,
            ended: None,
            usage: None,
            cost: None,
            is_settled: false,
            pieces: Assembly::default(),
        }
    }

    /// Answers whether the answer is within the tokens that were asked for; nothing says that it is not
    /// while its usage is unknown.
    #[must_use]
    pub fn is_within_token_limit(&self) -> bool {
        let most = self.request.max_tokens.map_or(u64::MAX, u64::from);
        self.usage.is_none_or(|usage| usage.output <= most)
    }

    /// Returns how long it took.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        Some(self.ended?.saturating_sub(self.started?))
    }

    fn take(&mut self, event: Event, at: Duration) {
        match event {
            Event::Initiate => self.started = Some(at),
            Event::ValidateRequest => {}
            Event::ValidationPassed { providers } => {
                self.fallbacks = providers;
                self.provider = self.fallbacks.pop_front();
            }
            Event::Send => self.attempts = self.attempts.saturating_add(1),
            Event::Response(response) => {
                self.usage = response.usage;
                self.response = Some(*response);
                (self.error, self.ended) = (None, Some(at));
            }
            Event::Chunk { chunk, commits } => {
                self.chunks = self.chunks.saturating_add(1);
                self.is_committed |= commits;
                self.pieces.add(chunk);
            }
            Event::StreamComplete => {
                let provider = self.provider.as_ref().map_or("", |it| it.name.as_str());
                let pieces = std::mem::take(&mut self.pieces);
                self.usage = pieces.usage();
                self.response = pieces.finish(provider);
                (self.error, self.ended) = (None, Some(at));
            }
            Event::RateLimit(error) => self.error = Some(error),
            Event::Retry(error) => {
                self.error = error.or(self.error.take());
                self.retries = self.retries.saturating_add(1);
                (self.chunks, self.pieces) = (0, Assembly::default());
            }
            Event::ValidationFailed(error) | Event::RequestFailed(error) => {
                (self.error, self.ended) = (Some(error), Some(at));
            }
            Event::Cancel => (self.error, self.ended) = (Some(Error::cancelled()), Some(at)),
            Event::Fallback { at } => {
                self.provider = self.fallbacks.remove(at);
                (self.retries, self.ended) = (0, None);
                (self.chunks, self.pieces) = (0, Assembly::default());
            }
            Event::Complete { usage, cost } => {
                self.usage = usage.or(self.usage);
                (self.cost, self.is_settled) = (cost, true);
            }
            Event::Reset => *self = Self::new(Arc::clone(&self.request), self.retries_max),
        }
    }
}

impl Lifecycle {
    /// Begins a life, idle.
    #[must_use]
    pub fn new(request: Arc<Request>, retries_max: u32) -> Self {
        let context = Context::new(request, retries_max);
        Self { state: State::Idle, context, history: Vec::new() }
    }

    /// Takes an event in.
    ///
    /// # Errors
    ///
    /// [`IllegalEvent`]; then nothing has changed.
    pub fn apply(&mut self, event: Event, at: Duration) -> Result<State, IllegalEvent> {
        let next = step(self.state, &event, &self.context)?;
        let is_silent = self.state == State::Streaming && next == State::Streaming;
        if !is_silent && self.history.len() < HISTORY_MAX {
            self.history.push(Moment { at, event: event.name(), state: next });
        }
        self.state = next;
        self.context.take(event, at);
        Ok(next)
    }

    /// Returns where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Returns what is known.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns what happened, oldest first; of a stream's pieces the first alone.
    #[must_use]
    pub fn history(&self) -> &[Moment] {
        &self.history
    }
}

impl Event {
    /// Names it as the table does.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Initiate => "initiate",
            Self::ValidateRequest => "validate-request",
            Self::ValidationPassed { .. } => "validation-passed",
            Self::ValidationFailed(_) => "validation-failed",
            Self::Send => "send",
            Self::Response(_) => "response",
            Self::Chunk { .. } => "chunk",
            Self::StreamComplete => "stream-complete",
            Self::RateLimit(_) => "rate-limit",
            Self::Retry(_) => "retry",
            Self::RequestFailed(_) => "request-failed",
            Self::Fallback { .. } => "fallback",
            Self::Cancel => "cancel",
            Self::Complete { .. } => "complete",
            Self::Reset => "reset",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
