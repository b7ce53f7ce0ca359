//! What is written of a request: made where the router is, written where the database is.
//!
//! Invariant: names, numbers and the provider's words for errors; of what was said nothing but what the
//! operator wants kept, within its bound.

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::chat::Chunk;
use crate::chat::Error;
use crate::chat::Finish;
use crate::chat::RequestId;
use crate::chat::Usage;
use crate::router::catalogue::Basis;
use crate::router::keeper::Ending;
use crate::router::keeper::Intent;
use crate::router::lifecycle::State as Stage;
use crate::router::trail::Step;

/// The largest time or count in a row.
const NUMBER_MAX: u64 = (1 << 62) - 1;

/// The most tokens, and the most millionths of a dollar, of one request: a million dollars. Whatever a
/// provider says it was, eight million of them add up without an overflow.
const AMOUNT_MAX: u64 = 1 << 40;

/// Bytes of a name in a row. Names of the configuration are shorter.
const NAME_BYTES_MAX: usize = 256;

/// Bytes of one piece of a stream that is kept; longer ones are left out.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// Where a request stands, in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody is asked, or about to be.
    Requesting,
    /// There was an answer.
    Completed,
    /// There was none, or nobody waited for it.
    Failed,
    /// Its process ended before it did. It cost no more than its bound.
    Orphaned,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Requesting, Self::Completed, Self::Failed, Self::Orphaned];

    /// The word for it, as it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Requesting => "requesting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Orphaned => "orphaned",
        }
    }
}

/// Somebody is about to be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Intended {
    pub(super) id: String,
    pub(super) caller: String,
    pub(super) attempt: u32,
    pub(super) provider: String,
    pub(super) key: String,
    pub(super) model: String,
    pub(super) began_ms: i64,
    pub(super) bound_micro_usd: Option<i64>,
}

/// A request is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ended {
    pub(super) id: String,
    pub(super) caller: String,
    pub(super) intents: u32,
    pub(super) is_completed: bool,
    pub(super) began_ms: i64,
    pub(super) at_ms: i64,
    pub(super) duration_ms: i64,
    pub(super) attempts: u32,
    pub(super) steps: Vec<Step>,
    pub(super) finish: Option<Finish>,
    pub(super) error: Option<Error>,
    pub(super) usage: Usage,
    pub(super) cost_micro_usd: Option<i64>,
    pub(super) reported_micro_usd: i64,
    pub(super) basis: Basis,
    pub(super) is_unpriced: bool,
    /// Not in the log: it is kept only if it is wanted, and may be long.
    #[serde(skip)]
    pub(super) body: Option<Body>,
}

/// A whole answer, or as much of it as is kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Body {
    pub(super) text: String,
    /// Bytes that it has in all.
    pub(super) bytes: usize,
}

/// A piece of a stream.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) id: String,
    pub(super) index: i64,
    pub(super) at_ms: i64,
    pub(super) chunk: String,
}

impl Intended {
    pub(super) fn of(intent: &Intent<'_>) -> Self {
        Self {
            id: intent.id.to_string(),
            caller: name(intent.trigger),
            attempt: intent.attempt,
            provider: name(intent.provider),
            key: name(intent.key),
            model: name(intent.model),
            began_ms: number(intent.began_ms),
            bound_micro_usd: intent.bound_micro_usd.map(amount),
        }
    }
}

impl Ended {
    /// Keeps at most `body_bytes_max` of the answer, if it is to be kept.
    pub(super) fn of(ending: &Ending<'_>, body_bytes_max: Option<usize>) -> Self {
        let (context, spent) = (ending.life.context(), ending.spent);
        let is_completed = ending.life.state() == Stage::Completed;
        let response = context.response.as_ref().filter(|_| is_completed);
        let is_free = spent.usage == Usage::default() && !spent.is_unpriced;
        let cost = spent.cost.map(|it| it.micro_usd).or(is_free.then_some(0));
        let duration = context.duration().unwrap_or_default().as_millis();
        Self {
            id: context.request.id.to_string(),
            caller: name(ending.trigger),
            intents: ending.intents,
            is_completed,
            began_ms: number(ending.began_ms),
            at_ms: number(ending.at_ms),
            duration_ms: number(u64::try_from(duration).unwrap_or(u64::MAX)),
            attempts: spent.attempts,
            steps: ending.trail.steps.iter().map(step).collect(),
            finish: response.map(|it| it.finish),
            error: context.error.as_ref().filter(|_| !is_completed).map(error),
            usage: spent.usage,
            cost_micro_usd: cost.map(amount),
            reported_micro_usd: amount(spent.reported_micro_usd.min(cost.unwrap_or_default())),
            basis: spent.basis,
            is_unpriced: spent.is_unpriced,
            body: body_bytes_max.zip(response).and_then(|(most, it)| Body::of(it, most)),
        }
    }

    /// What was left out of the last attempt, as JSON; nothing if nothing was.
    pub(super) fn degradations(&self) -> Option<String> {
        let lost = &self.steps.last()?.degradations;
        (!lost.is_empty()).then(|| Value::from_iter(lost.iter().map(json)).to_string())
    }

    /// The word for where its numbers are from, as it is stored.
    pub(super) fn basis(&self) -> &'static str {
        match self.basis {
            Basis::Reported => "reported",
            Basis::Estimated => "estimated",
        }
    }

    /// The attempts as JSON.
    pub(super) fn trail(&self) -> String {
        serde_json::to_string(&self.steps).unwrap_or_default()
    }
}

impl Body {
    fn of(response: &crate::chat::Response, bytes_max: usize) -> Option<Self> {
        let mut text = serde_json::to_string(response).ok()?;
        let bytes = text.len();
        text.truncate(text.floor_char_boundary(bytes_max));
        Some(Self { text, bytes })
    }
}

impl Piece {
    /// Writes one down, unless it is too long to be kept.
    pub(super) fn of(id: RequestId, index: u64, at_ms: u64, chunk: &Chunk) -> Option<Self> {
        let chunk = serde_json::to_string(chunk).ok()?;
        let is_short = chunk.len() <= PIECE_BYTES_MAX;
        let (index, at_ms) = (number(index), number(at_ms));
        is_short.then(|| Self { id: id.to_string(), index, at_ms, chunk })
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Makes a number one of a row.
pub(super) fn number(it: u64) -> i64 {
    i64::try_from(it.min(NUMBER_MAX)).expect("it is below 2^62")
}

/// Makes tokens or money what a row holds.
pub(super) fn amount(it: u64) -> i64 {
    number(it.min(AMOUNT_MAX))
}

/// Reads a number of a row.
pub(super) fn read(it: i64) -> u64 {
    u64::try_from(it).unwrap_or_default()
}

/// Copies an attempt. A provider's word for what went wrong may be as long as its answer.
fn step(it: &Step) -> Step {
    Step { code: it.code.as_deref().map(name), ..it.clone() }
}

fn error(it: &Error) -> Error {
    Error { code: name(&it.code), ..it.clone() }
}

fn name(text: &str) -> String {
    text[..text.floor_char_boundary(NAME_BYTES_MAX)].to_owned()
}
