//! Answers of models while they come, in every provider's words.

use ax_host::chat::Chunk;
use ax_host::chat::Error;
use ax_host::provider::Kind;
use ax_host::provider::Route;
use ax_host::provider::dialect;
use ax_host::provider::sse::Event;
use ax_host::provider::sse::Parser;
use ax_host::provider::sse::SseError;

use crate::INPUT_BYTES_MAX;

/// Checks that events and what they mean do not depend on where the bytes are cut, that an answer ends
/// once, and that nothing comes after its end.
pub fn model_stream(data: &[u8]) {
    if data.len() > INPUT_BYTES_MAX {
        return;
    }
    let whole = parsed([data].into_iter());
    assert_eq!(parsed(data.chunks(1)), whole, "cut at every byte");
    let (front, back) = data.split_at(data.len() / 2);
    assert_eq!(parsed([front, back].into_iter()), whole, "cut in the middle");
    for kind in Kind::ALL {
        let (chunks, error) = read(kind, &whole.0);
        let end = chunks.iter().position(|chunk| matches!(chunk, Chunk::Done(_)));
        match error {
            Some(_) => assert_eq!(end, None, "nothing goes wrong after the end"),
            None => {
                assert_eq!(end, Some(chunks.len() - 1), "an answer ends once, and then it ends")
            }
        }
        // A whole answer is other bytes; these are hostile to it.
        drop(dialect(kind).answer(&route(), data));
        drop(dialect(kind).error(429, &Default::default(), data));
    }
}

fn route() -> Route {
    Route { provider: "p".to_owned(), model: "m".to_owned() }
}

fn parsed<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Option<SseError>) {
    let (mut parser, mut events) = (Parser::default(), Vec::new());
    for piece in pieces {
        if let Err(error) = parser.push(piece, &mut events) {
            return (events, Some(error));
        }
    }
    match parser.finish() {
        Ok(last) => events.extend(last),
        Err(error) => return (events, Some(error)),
    }
    (events, None)
}

/// Reads events as a client does: up to the end of the answer, or to an error.
fn read(kind: Kind, events: &[Event]) -> (Vec<Chunk>, Option<Error>) {
    let mut reader = dialect(kind).reader(&route());
    let mut chunks = Vec::new();
    let is_over = |chunks: &[Chunk]| matches!(chunks.last(), Some(Chunk::Done(_)));
    for event in events {
        match reader.event(event) {
            Ok(more) => chunks.extend(more),
            Err(error) => return (chunks, Some(error)),
        }
        if is_over(&chunks) {
            return (chunks, None);
        }
    }
    match reader.end() {
        Ok(more) => chunks.extend(more),
        Err(error) => return (chunks, Some(error)),
    }
    (chunks, None)
}
