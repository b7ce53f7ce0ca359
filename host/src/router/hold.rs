//! When an answer is handed on.
//!
//! A stream is held until its first content, so that what fails before can be tried again unseen. The hold
//! is bounded by bytes and by time from the first of the answer; when it ends, the answer is handed on as
//! it is. An answer that nobody reads while it comes is held to its end.
//!
//! Invariant: after something was handed on nothing is tried again; what fails then is the last item of
//! the stream, an error, and no [`Chunk::Done`] comes after it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use futures_util::stream::BoxStream;
use tokio::time::Sleep;

use super::candidates::json_bytes;
use super::journey::Journey;
use super::tool_call;
use crate::chat::Answer;
use crate::chat::Chunk;
use crate::chat::Class;
use crate::chat::Error;

/// Bytes of one answer: ten times 200,000 tokens of eight bytes. Whoever sends more has lost its way.
pub(super) const ANSWER_BYTES_MAX: usize = 16 << 20;

/// What a piece counts at least: an empty one takes memory, too. An answer of 200,000 tokens that come one
/// by one stays far below [`ANSWER_BYTES_MAX`].
const CHUNK_BYTES_MIN: usize = 32;

/// An answer that may be handed on.
pub(super) struct Opened {
    provider: String,
    held: VecDeque<Chunk>,
    rest: Option<Chunks>,
    bytes: usize,
}

type Chunks = BoxStream<'static, Result<Chunk, Error>>;

/// Reads an answer until it may be handed on.
///
/// # Errors
///
/// Why it was not worth handing on.
pub(super) async fn hold(journey: &mut Journey, answer: Answer) -> Result<Opened, Error> {
    let Answer { provider, mut chunks } = answer;
    let is_stream = journey.request().stream;
    let until = journey.now().saturating_add(journey.options().hold);
    let (mut held, mut bytes) = (VecDeque::new(), 0);
    loop {
        let left = journey.left();
        let held_for = if is_stream { until.saturating_sub(journey.now()) } else { Duration::MAX };
        let chunk = match tokio::time::timeout(left.min(held_for), chunks.next()).await {
            Ok(chunk) => received(journey, chunk, &mut bytes)?,
            Err(_) if left <= held_for => return Err(late()),
            Err(_) => {
                journey.hand_on(Chunk::Text(String::new()), true);
                break;
            }
        };
        let is_done = matches!(chunk, Chunk::Done(_));
        let commits = chunk.is_content() || is_done || bytes > journey.options().hold_bytes;
        if is_stream {
            journey.hand_on(chunk.clone(), commits);
        }
        held.push_back(chunk);
        if is_done || (is_stream && commits) {
            let rest = (!is_done).then_some(chunks);
            return Ok(Opened { provider, held, rest, bytes });
        }
    }
    Ok(Opened { provider, held, rest: Some(chunks), bytes })
}

/// Checks what came next.
fn received(
    journey: &mut Journey,
    chunk: Option<Result<Chunk, Error>>,
    bytes: &mut usize,
) -> Result<Chunk, Error> {
    let Some(chunk) = chunk else {
        let why = "the answer ended before it was complete";
        return Err(Error::new(Class::Transient, "cut", why));
    };
    let chunk = chunk?;
    *bytes = bytes.saturating_add(bytes_of(&chunk).max(CHUNK_BYTES_MIN));
    if *bytes > ANSWER_BYTES_MAX {
        let why = format!("the answer is longer than {ANSWER_BYTES_MAX} bytes");
        return Err(Error::new(Class::Transient, "answer-too-large", &why));
    }
    if let Chunk::ToolCall(call) = &chunk {
        tool_call::check(journey.request(), call)?;
    }
    journey.count(&chunk);
    Ok(chunk)
}

/// Says that the time of a request is over.
pub(super) fn late() -> Error {
    Error::new(Class::Transient, DEADLINE, "no time is left for the request")
}

/// The code of [`late`]: nobody is to blame for it.
pub(super) const DEADLINE: &str = "deadline";

/// Hands an answer on. Dropping it cuts the request.
pub(super) fn answer(opened: Opened, journey: Journey) -> Answer {
    let Opened { provider, held, rest, bytes } = opened;
    let deadline = Box::pin(tokio::time::sleep(journey.left()));
    // In a box, since it is moved with every piece.
    let handing = Box::new(Handing { journey, held, rest, bytes, index: 0, deadline });
    let chunks = stream::unfold(Some(handing), |handing| async move {
        let mut handing = handing?;
        let chunk = handing.next().await?;
        let is_last = matches!(chunk, Ok(Chunk::Done(_)) | Err(_));
        Some((chunk, (!is_last).then_some(handing)))
    });
    Answer { provider, chunks: chunks.boxed() }
}

/// An answer that is handed on.
struct Handing {
    journey: Journey,
    held: VecDeque<Chunk>,
    rest: Option<Chunks>,
    bytes: usize,
    /// The number of the next piece.
    index: u64,
    /// One timer for all pieces.
    deadline: Pin<Box<Sleep>>,
}

impl Handing {
    /// Waits for the next piece. The last one is on record when this returns it.
    async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        let chunk = match self.held.pop_front() {
            Some(chunk) => Ok(chunk),
            None => self.receive().await?,
        };
        match &chunk {
            Ok(piece) => {
                self.journey.keep(self.index, piece);
                self.index += 1;
                if matches!(piece, Chunk::Done(_)) {
                    self.journey.complete().await;
                }
            }
            Err(error) => self.journey.break_off(error).await,
        }
        Some(chunk)
    }

    async fn receive(&mut self) -> Option<Result<Chunk, Error>> {
        let chunks = self.rest.as_mut()?;
        let chunk = tokio::select! {
            // The time comes first, or an answer that never pauses would never be late.
            biased;
            () = &mut self.deadline => return Some(Err(late())),
            chunk = chunks.next() => chunk,
        };
        let received = received(&mut self.journey, chunk, &mut self.bytes);
        Some(received.inspect(|chunk| self.journey.hand_on(chunk.clone(), true)))
    }
}

impl Opened {
    /// Returns the pieces of an answer that is here to its end.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Chunk> {
        self.held.iter()
    }

    /// Returns who answers.
    pub(super) fn provider(&self) -> &str {
        &self.provider
    }

    /// Hands an answer on that is settled already.
    pub(super) fn whole(self) -> Answer {
        Answer {
            provider: self.provider,
            chunks: stream::iter(self.held.into_iter().map(Ok)).boxed(),
        }
    }
}

/// Counts about how many bytes a piece is.
pub(super) fn bytes_of(chunk: &Chunk) -> usize {
    match chunk {
        Chunk::Text(text) | Chunk::Reasoning(text) => text.len(),
        Chunk::Opaque(opaque) => opaque.owner.len() + json_bytes(&opaque.data),
        Chunk::ToolCall(call) => call.id.len() + call.name.len() + json_bytes(&call.input),
        // As they are written: a stream of nothing else must end, too.
        Chunk::Usage(_) | Chunk::Done(_) => 64,
    }
}
