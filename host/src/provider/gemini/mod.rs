//! Gemini's `generateContent`.
//!
//! ```text
//! POST /models/M:generateContent                    write ──→ wire ──→ read
//! POST /models/M:streamGenerateContent?alt=sse      bare `data:` lines, no name, no end but the close
//! POST /models/M:countTokens
//! GET  /models                                      error: every failure, in a body or in the stream
//! ```
//!
//! The base URL ends in the version, `v1` since google-genai 3; `v1beta` has the same words.
//!
//! Sources: ai.google.dev/gemini-api (generate content, thinking, thought signatures) and the types of
//! the official SDK for Python, google-genai 3.4.
//! Invariant: a signature goes back in the part in which it came, to the route that wrote it.
//! Not here: what a model can do; what is asked is written, and the API says no.

mod error;
mod read;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use http::{HeaderMap, HeaderName};
use serde_json::json;

use super::dialect::{Dialect, Outgoing, Reader, Route, garbled, header_value, parse};
use crate::chat::{Chunk, Error, ModelInfo, Request};

/// Where the key stands.
const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Models of a page: the most that the API gives (`models.list`, `pageSize`).
const PAGE_MODELS: u32 = 1_000;

/// Gemini's `generateContent`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gemini;

impl Dialect for Gemini {
    fn write(&self, request: &Request, route: &Route) -> Result<Outgoing, Error> {
        let model = write::model_path(&route.model)?;
        let body = write::body(request, route)?;
        let method =
            if request.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        Ok(Outgoing::post(&format!("/{model}:{method}"), &body, request.stream))
    }

    /// The key has a header of its own; there is none for an organisation, which its key decides.
    fn authorize(&self, key: &str, _: Option<&str>, headers: &mut HeaderMap) -> Result<(), Error> {
        headers.insert(KEY, header_value("key", key)?);
        Ok(())
    }

    fn reader(&self, route: &Route) -> Box<dyn Reader> {
        Box::new(read::Stream::new(route))
    }

    fn answer(&self, route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
        read::whole(route, body)
    }

    fn error(&self, status: u16, _: &HeaderMap, body: &[u8]) -> Error {
        error::of_body(status, body)
    }

    fn count(&self, request: &Request, route: &Route) -> Option<Result<Outgoing, Error>> {
        let counted = || {
            let path = write::model_path(&route.model)?;
            let mut body = write::body(request, route)?;
            body["model"] = json!(write::model_name(&route.model));
            let body = json!({ "generateContentRequest": body });
            Ok(Outgoing::post(&format!("/{path}:countTokens"), &body, false))
        };
        Some(counted())
    }

    fn counted(&self, body: &[u8]) -> Result<u64, Error> {
        // Zero is left out of what is written from protocol buffers.
        Ok(parse::<wire::Counted>(body)?.total_tokens.unwrap_or_default())
    }

    fn list(&self, page: Option<&str>) -> Outgoing {
        let from = page.map(|page| format!("&pageToken={}", write::encoded(page)));
        Outgoing::get(&format!("/models?pageSize={PAGE_MODELS}{}", from.unwrap_or_default()))
    }

    fn listed(&self, body: &[u8]) -> Result<(Vec<ModelInfo>, Option<String>), Error> {
        /// Characters of a page's name: it goes into a URL.
        const PAGE_CHARS_MAX: usize = 2_000;
        let page: wire::Models = parse(body)?;
        let next = page.next_page_token.filter(|token| !token.is_empty());
        if next.as_ref().is_some_and(|token| token.len() > PAGE_CHARS_MAX) {
            return Err(garbled("the name of a page is too long"));
        }
        let models = page.models.unwrap_or_default().into_iter().map(|model| ModelInfo {
            name: model.name.strip_prefix("models/").unwrap_or(&model.name).to_owned(),
            context_tokens: model.input_token_limit,
            output_tokens: model.output_token_limit,
        });
        Ok((models.collect(), next))
    }
}
