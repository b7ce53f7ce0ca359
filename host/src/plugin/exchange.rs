//! One request to a model on its way, and its answer as it comes.
//!
//! ```text
//! Exchange ──→ ask ──→ next, next, … ──→ Piece::Done
//!                        │ bounds, leak scan
//! dropped at any time: the provider is told, what was used is settled
//! ```
//!
//! Invariant: whatever becomes of it, its tokens are settled once in the purse and once in its row.
//! Not here: permission and budgets (`imports/model`), which model answers (`models`).

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::asked::{Asked, AskedEnd};
use super::limits;
use super::purse::{Bill, Purse, Short};
use crate::chat::Usage;
use crate::chat::{Assembly, Chunk, Class, Error, Model, Request, RequestId, Response, ToolCall};
use crate::clock::Clock;
use crate::secret::leak::LeakScan;

/// Bytes of a token, where the provider does not tell how many there were.
const BYTES_PER_TOKEN: u64 = 4;

/// Estimates the tokens of a text.
pub(super) fn tokens_of(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// Why there is no answer, or no more of one.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Whoever was asked says so.
    #[error(transparent)]
    Chat(#[from] Error),
    /// The answer held a secret.
    #[error("the answer held the secret `{0}` and was withheld")]
    Leak(Arc<str>),
    /// The answer is longer than anybody may hold.
    #[error("the answer has more than {}", ax_manifest::ByteSize(limits::MODEL_ANSWER_BYTES))]
    TooLong,
}

/// A piece of an answer, as a guest sees it.
#[derive(Debug)]
pub(super) enum Piece {
    /// More text.
    Text(String),
    /// More of what it thinks.
    Reasoning(String),
    /// A call of a tool.
    ToolCall(ToolCall),
    /// The end.
    Done(Box<Whole>),
}

/// A whole answer, and what it took.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) id: RequestId,
    pub(super) response: Response,
    pub(super) usage: Usage,
    /// Whether the tokens were guessed here.
    pub(super) is_estimated: bool,
    pub(super) micro_usd: Option<u64>,
}

/// What an exchange is made of.
pub(super) struct Parts {
    pub(super) request: Arc<Request>,
    /// Bytes of the request.
    pub(super) bytes: u64,
    pub(super) model: Arc<dyn Model>,
    pub(super) purse: Arc<Purse>,
    pub(super) asked: Arc<Asked>,
    pub(super) scan: LeakScan,
    pub(super) clock: Arc<dyn Clock>,
    /// A place among the answers that are read as they come.
    pub(super) place: Option<Arc<()>>,
}

/// A request and its answer.
pub(super) struct Exchange {
    parts: Parts,
    began: Duration,
    provider: String,
    chunks: Option<BoxStream<'static, Result<Chunk, Error>>>,
    assembly: Assembly,
    bytes_in: u64,
    usage: Option<Usage>,
    is_sent: bool,
    is_settled: bool,
}

impl Exchange {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            began: parts.clock.monotonic(),
            parts,
            provider: String::new(),
            chunks: None,
            assembly: Assembly::default(),
            bytes_in: 0,
            usage: None,
            is_sent: false,
            is_settled: false,
        }
    }

    /// Returns why it was not allowed its money, if it was not.
    pub(super) fn short(&self) -> Option<Short> {
        self.parts.purse.short(self.id())
    }

    fn id(&self) -> RequestId {
        self.parts.request.id
    }

    /// Sends it and waits for the answer to begin.
    pub(super) async fn ask(&mut self) -> Result<(), Fault> {
        self.is_sent = true;
        match self.parts.model.ask(Arc::clone(&self.parts.request)).await {
            Ok(answer) => {
                self.provider = answer.provider;
                self.chunks = Some(answer.chunks);
                Ok(())
            }
            Err(error) => {
                // Nothing of an answer came. What was billed all the same is in the bill.
                self.is_sent = false;
                Err(self.failed(error.into()))
            }
        }
    }

    /// Sends it and waits for the whole answer.
    pub(super) async fn whole(&mut self) -> Result<Box<Whole>, Fault> {
        self.ask().await?;
        loop {
            match self.next().await? {
                Some(Piece::Done(whole)) => return Ok(whole),
                Some(Piece::Text(_) | Piece::Reasoning(_) | Piece::ToolCall(_)) => {}
                None => return Err(self.failed(cut().into())),
            }
        }
    }

    /// Asks how many tokens the request would be.
    pub(super) async fn count(&mut self) -> Result<u64, Fault> {
        let counted = self.parts.model.count_tokens(Arc::clone(&self.parts.request)).await;
        match counted {
            Ok(tokens) => {
                self.end(AskedEnd::Answered);
                Ok(tokens)
            }
            Err(error) => Err(self.failed(error.into())),
        }
    }

    /// Waits for the next piece; none after the end and after a failure.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, Fault> {
        loop {
            let Some(chunks) = &mut self.chunks else { return Ok(None) };
            let chunk = match chunks.next().await {
                Some(Ok(chunk)) => chunk,
                Some(Err(error)) => return Err(self.failed(error.into())),
                None => return Err(self.failed(cut().into())),
            };
            if let Err(fault) = self.look_through(&chunk) {
                return Err(self.failed(fault));
            }
            let piece = match &chunk {
                Chunk::Text(text) => Some(Piece::Text(text.clone())),
                Chunk::Reasoning(text) => Some(Piece::Reasoning(text.clone())),
                Chunk::ToolCall(call) => Some(Piece::ToolCall(call.clone())),
                Chunk::Usage(usage) => {
                    self.usage = Some(*usage);
                    None
                }
                Chunk::Opaque(_) => None,
                Chunk::Done(_) => {
                    self.assembly.add(chunk);
                    return self.finish().map(|whole| Some(Piece::Done(whole)));
                }
            };
            self.assembly.add(chunk);
            if piece.is_some() {
                return Ok(piece);
            }
        }
    }

    /// Counts a chunk and looks for secrets in it; one that comes in pieces is found at the end.
    fn look_through(&mut self, chunk: &Chunk) -> Result<(), Fault> {
        let held;
        let text = match chunk {
            Chunk::Text(text) | Chunk::Reasoning(text) => text,
            Chunk::ToolCall(call) => {
                held = format!("{}{}{}", call.id, call.name, call.input);
                &held
            }
            Chunk::Opaque(opaque) => {
                held = opaque.data.to_string();
                &held
            }
            Chunk::Usage(_) | Chunk::Done(_) => return Ok(()),
        };
        self.bytes_in = self.bytes_in.saturating_add(text.len() as u64);
        if self.bytes_in > limits::MODEL_ANSWER_BYTES {
            return Err(Fault::TooLong);
        }
        match self.parts.scan.find(text.as_bytes()) {
            Some(secret) => Err(Fault::Leak(secret)),
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<Box<Whole>, Fault> {
        let whole = std::mem::take(&mut self.assembly).finish(&self.provider);
        let Some(response) = whole else { return Err(self.failed(cut().into())) };
        if !self.parts.scan.is_empty()
            && let Ok(text) = serde_json::to_vec(&response.message)
            && let Some(secret) = self.parts.scan.find(&text)
        {
            return Err(self.failed(Fault::Leak(secret)));
        }
        let by = format!("{}/{}", response.provider, response.model);
        self.parts.asked.note(|so_far| so_far.by = Some(by));
        self.end(AskedEnd::Answered);
        let (usage, is_estimated) = self.used();
        Ok(Box::new(Whole {
            id: self.id(),
            usage,
            is_estimated,
            micro_usd: self.parts.purse.cost(self.id()),
            response,
        }))
    }

    fn failed(&mut self, fault: Fault) -> Fault {
        let end = match &fault {
            Fault::Chat(error) => AskedEnd::Failed(error.class.word()),
            Fault::Leak(secret) => AskedEnd::Leaked(Arc::clone(secret)),
            Fault::TooLong => AskedEnd::Failed("answer"),
        };
        self.end(end);
        fault
    }

    /// Returns the tokens that it used, and whether any are guessed: by the word of whoever answers, who
    /// counts every attempt, else as far as anybody knows.
    fn used(&self) -> (Usage, bool) {
        let bill = self.parts.purse.bill(self.id());
        if let Some(Bill { usage: Some(usage), is_estimated, .. }) = bill {
            return (usage, is_estimated);
        }
        let guessed = || Usage {
            input: tokens_of(self.parts.bytes),
            output: tokens_of(self.bytes_in),
            ..Usage::default()
        };
        match (self.is_sent, self.usage) {
            (true, Some(usage)) => (usage, false),
            (true, None) => (guessed(), true),
            (false, _) => (Usage::default(), false),
        }
    }

    fn end(&mut self, end: AskedEnd) {
        if std::mem::replace(&mut self.is_settled, true) {
            return;
        }
        // First: whoever answers settles what it cost when nobody listens any more.
        self.chunks = None;
        self.parts.place = None;
        let ((used, _), id) = (self.used(), self.id());
        self.parts.purse.close(id, used.total());
        let cost = self.parts.purse.cost(id);
        let took = self.parts.clock.monotonic().saturating_sub(self.began);
        self.parts.asked.note(|so_far| {
            so_far.usage = used;
            so_far.micro_usd = cost;
            so_far.bytes_out = self.parts.bytes;
            so_far.bytes_in = self.bytes_in;
            so_far.took = took;
            so_far.end = end;
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(AskedEnd::Unanswered);
    }
}

fn cut() -> Error {
    Error::new(Class::Transient, "cut", "the answer broke off")
}
