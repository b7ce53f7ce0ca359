//! OpenAI's chat completions, and those of everybody who offers the same: Ollama, vLLM, llama.cpp.
//!
//! ```text
//! write ──→ POST /chat/completions ──→ data: {…} data: {…} data: [DONE] ──→ read (call) ──→ Chunk
//!           GET  /models                                                    error
//! ```
//!
//! What others leave out is done without: a tool call's `index` or `id`, `usage` (which may also come on
//! any chunk, or on several), `[DONE]`, a `finish_reason` that tells of calls. Thoughts come in
//! `reasoning_content` (llama.cpp, DeepSeek) or `reasoning` (Ollama, vLLM); OpenAI itself keeps them.
//!
//! Facts: the API reference of OpenAI as its Python package 3.54 types it (`openai/types/chat`), and the
//! guide to error codes (developers.openai.com/docs/guides/error-codes).
//! Not here: Responses (`responses`), which alone brings thoughts back.

pub(in crate::provider) mod call;
pub(in crate::provider) mod error;
mod read;
pub(in crate::provider) mod wire;
pub(in crate::provider) mod write;

#[cfg(test)]
mod tests;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::dialect::{Dialect, Outgoing, Reader, Route, garbled, header_value, parse};
use crate::chat::{Chunk, Error, ModelInfo, Request};

/// On whose account a request goes, where a key opens several.
const ORGANIZATION: HeaderName = HeaderName::from_static("openai-organization");

/// Chat completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenAi {
    /// OpenAI's own: `max_completion_tokens`, at most four stop texts.
    Own,
    /// Somebody else's: `max_tokens`, which all of them know.
    Compatible,
}

impl Dialect for OpenAi {
    fn write(&self, request: &Request, route: &Route) -> Result<Outgoing, Error> {
        Ok(Outgoing::post(
            "/chat/completions",
            &write::body(request, route, *self)?,
            request.stream,
        ))
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
        Box::new(read::Chat::new(route))
    }

    fn answer(&self, route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
        read::whole(route, body)
    }

    fn error(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
        error::refused(status, headers, body)
    }

    fn count(&self, _: &Request, _: &Route) -> Option<Result<Outgoing, Error>> {
        None
    }

    fn counted(&self, _: &[u8]) -> Result<u64, Error> {
        Err(garbled("nothing was counted"))
    }

    fn list(&self, _: Option<&str>) -> Outgoing {
        list()
    }

    fn listed(&self, body: &[u8]) -> Result<(Vec<ModelInfo>, Option<String>), Error> {
        listed(body)
    }
}

/// Puts OpenAI's key and organisation into headers. A server that wants no key is given none.
pub(in crate::provider) fn authorize(
    key: &str,
    organisation: Option<&str>,
    headers: &mut HeaderMap,
) -> Result<(), Error> {
    if !key.is_empty() {
        headers.insert(AUTHORIZATION, header_value("key", &format!("Bearer {key}"))?);
    }
    if let Some(organisation) = organisation {
        headers.insert(ORGANIZATION, header_value("organisation", organisation)?);
    }
    Ok(())
}

/// Asks for the models: all of them come on one page.
pub(in crate::provider) fn list() -> Outgoing {
    Outgoing::get("/models")
}

/// Reads the models. How much they read is told by some servers, each in its own field.
pub(in crate::provider) fn listed(body: &[u8]) -> Result<(Vec<ModelInfo>, Option<String>), Error> {
    let models = parse::<wire::Models>(body)?.data.unwrap_or_default();
    let known = models.into_iter().map(|model| ModelInfo {
        context_tokens: model.context_tokens(),
        output_tokens: None,
        name: model.id,
    });
    Ok((known.collect(), None))
}
