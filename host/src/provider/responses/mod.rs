//! OpenAI's Responses, for models that need it, and for thoughts that come back.
//!
//! ```text
//! POST /responses                 write ──→ wire ──→ read
//! POST /responses/input_tokens    what a request reads
//! GET  /models                    as chat completions list them (openai), errors too
//! ```
//!
//! Nothing is kept by OpenAI (`store: false`): a thought comes as an encrypted item, and goes back with
//! the conversation.
//!
//! Source: the API reference of OpenAI as its Python package 3.54 types it (`openai/types/responses`).
//! Not here: tools that OpenAI runs itself; whatever comes of them is passed over.

mod read;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use http::HeaderMap;

use super::dialect::{Dialect, Outgoing, Reader, Route, parse};
use super::openai::{authorize, error, list, listed};
use crate::chat::{Chunk, Error, ModelInfo, Request};

/// OpenAI's Responses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Responses;

impl Dialect for Responses {
    fn write(&self, request: &Request, route: &Route) -> Result<Outgoing, Error> {
        Ok(Outgoing::post("/responses", &write::body(request, route)?, request.stream))
    }

    fn authorize(
        &self,
        key: &str,
        organisation: Option<&str>,
        headers: &mut HeaderMap,
    ) -> Result<(), Error> {
        authorize(key, organisation, headers)
    }

    fn reader(&self, route: &Route) -> Box<dyn Reader> {
        Box::new(read::Stream::new(route))
    }

    fn answer(&self, route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
        read::whole(route, body)
    }

    fn error(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
        error::refused(status, headers, body)
    }

    fn count(&self, request: &Request, route: &Route) -> Option<Result<Outgoing, Error>> {
        Some(Ok(Outgoing::post("/responses/input_tokens", &write::counted(request, route), false)))
    }

    fn counted(&self, body: &[u8]) -> Result<u64, Error> {
        Ok(parse::<wire::Counted>(body)?.input_tokens)
    }

    fn list(&self, _: Option<&str>) -> Outgoing {
        list()
    }

    fn listed(&self, body: &[u8]) -> Result<(Vec<ModelInfo>, Option<String>), Error> {
        listed(body)
    }
}
