//! Claude's Messages, version 2026-10-21.
//!
//! ```text
//! POST /v1/messages               write ──→ wire ──→ read
//! POST /v1/messages/count_tokens
//! GET  /v1/models                 error: every failure, in a body or in the stream
//! ```
//!
//! Sources: the API reference of platform.claude.com (Messages, Streaming, Errors, Versioning, Models) and
//! the types of the official SDK for Python, 2.10.0; both of November 2026.
//! Invariant: what only Claude understands (signatures of thoughts) goes back to the route that wrote it
//! and to no other.
//! Not here: what a model can do; what is asked is written, and the API says no.

mod error;
mod read;
#[cfg(test)]
mod tests;
mod wire;
mod write;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use super::dialect::{Dialect, Outgoing, Reader, Route, header_value, parse};
use crate::chat::{Chunk, Error, ModelInfo, Request};

/// The version whose words are spoken (API reference, "Versioning").
const VERSION: &str = "2026-10-21";

/// Models of a page: the most that the API gives ("List models", 1 to 1000).
const PAGE_MODELS: u32 = 1_000;

/// Claude's Messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Claude;

impl Dialect for Claude {
    fn write(&self, request: &Request, route: &Route) -> Result<Outgoing, Error> {
        let body = write::message(request, route)?;
        Ok(post("/v1/messages", &body))
    }

    /// The key is a bearer's; Claude knows no header of an organisation, which its key decides.
    fn authorize(&self, key: &str, _: Option<&str>, headers: &mut HeaderMap) -> Result<(), Error> {
        headers.insert(AUTHORIZATION, header_value("key", &format!("Bearer {key}"))?);
        Ok(())
    }

    fn reader(&self, route: &Route) -> Box<dyn Reader> {
        Box::new(read::Stream::new(route))
    }

    fn answer(&self, route: &Route, body: &[u8]) -> Result<Vec<Chunk>, Error> {
        read::whole(route, body)
    }

    fn error(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Error {
        error::of_body(status, headers, body)
    }

    fn count(&self, request: &Request, route: &Route) -> Option<Result<Outgoing, Error>> {
        let body = write::count(request, route);
        Some(body.map(|body| post("/v1/messages/count_tokens", &body)))
    }

    fn counted(&self, body: &[u8]) -> Result<u64, Error> {
        Ok(parse::<wire::Counted>(body)?.input_tokens)
    }

    fn list(&self, page: Option<&str>) -> Outgoing {
        let after = page.map(|id| format!("&after_id={id}")).unwrap_or_default();
        Outgoing {
            method: Method::GET,
            path: format!("/v1/models?limit={PAGE_MODELS}{after}"),
            headers: headers(),
            body: bytes::Bytes::new(),
        }
    }

    fn listed(&self, body: &[u8]) -> Result<(Vec<ModelInfo>, Option<String>), Error> {
        let page: wire::Models = parse(body)?;
        let models = page.data.into_iter().map(|model| ModelInfo {
            name: model.id,
            context_tokens: model.max_input_tokens,
            output_tokens: model.max_tokens,
        });
        // What stands in a query is the API's own id, or nothing.
        let is_plain =
            |id: &String| id.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.:".contains(&it));
        let next = page.last_id.filter(|id| page.has_more && !id.is_empty() && is_plain(id));
        Ok((models.collect(), next))
    }
}

fn post(path: &str, body: &serde_json::Value) -> Outgoing {
    let mut headers = headers();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Outgoing { method: Method::POST, path: path.to_owned(), headers, body: body.to_string().into() }
}

fn headers() -> HeaderMap {
    let version = HeaderName::from_static("anthropic-version");
    HeaderMap::from_iter([(version, HeaderValue::from_static(VERSION))])
}
