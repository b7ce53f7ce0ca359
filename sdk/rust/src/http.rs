//! Requests over HTTP. The manifest asks for `net`, and each request and redirect is checked against
//! what was granted.
//!
//! ```
//! # use ax_sdk::{fake, http};
//! # fn main() -> ax_sdk::Result<()> {
//! # fake::http(|_| Ok(fake::page(200, r#"{"stars": 7}"#)));
//! let answer = http::get("https://api.example.org/repo").header("accept", "application/json").send()?;
//! let repo: ax_sdk::serde_json::Value = answer.ok()?.json()?;
//! assert_eq!(repo["stars"], 7);
//! # Ok(())
//! # }
//! ```
//!
//! Any status is an answer; [`Response::ok`] makes an error of those that tell of one. Secrets are never
//! set here: the host puts them into requests toward the places they are granted for, and withholds an
//! answer that holds one.
//!
//! | What | At most |
//! |---|---|
//! | requests of one call, redirects included | 32 |
//! | bytes sent, bytes received in one call | 8 MiB, 32 MiB |
//! | a URL | 8 KiB |
//! | headers of a request | 128, 32 KiB together |
//! | a body that is received | 1 MiB, unless [`Request::body_bytes_max`] says otherwise |

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// Bytes of an answer's body that are taken unless a request says otherwise.
const BODY_BYTES_MAX: u32 = 1 << 20;

/// A request that is not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// An absolute `http` or `https` URL. Refused rather than repaired: user names, `..`, `//` in the
    /// path, hosts that are not ASCII.
    pub url: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// Redirects that are followed, at most 10; each is checked against the grant. With 0 the redirect
    /// itself is the answer.
    pub redirects: u8,
    /// Milliseconds that the whole exchange may take; the call's own deadline where none is set.
    pub timeout_ms: Option<u32>,
    /// Bytes of the answer's body that are taken; a longer one fails.
    pub body_bytes_max: u32,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// As 200 or 404.
    pub status: u16,
    /// Where it came from, redirects followed.
    pub url: String,
    /// Names in lower case, and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

/// Begins a request that only reads.
pub fn get(url: impl Into<String>) -> Request {
    Request::new("GET", url)
}

/// Begins a request that sends something.
///
/// ```
/// # use ax_sdk::{fake, http, serde_json::json};
/// # fn main() -> ax_sdk::Result<()> {
/// # fake::http(|_| Ok(fake::page(201, "")));
/// let note = json!({ "title": "Milk" });
/// let made = http::post("https://api.example.org/notes").json(&note)?.send()?.ok()?;
/// assert_eq!(made.status, 201);
/// # Ok(())
/// # }
/// ```
pub fn post(url: impl Into<String>) -> Request {
    Request::new("POST", url)
}

/// Sends up to 32 requests at the same time; answers come in the order of the requests, each judged by
/// itself.
///
/// ```
/// # use ax_sdk::{fake, http};
/// # fake::http(|request| Ok(fake::page(200, request.url.as_bytes())));
/// let pages = ["https://example.org/a", "https://example.org/b"].map(http::get).to_vec();
/// for answer in http::send_all(pages) {
///     assert_eq!(answer.unwrap().status, 200);
/// }
/// ```
pub fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
    host::send_all(requests)
}

impl Request {
    /// Begins a request of any method: no headers, no body, no redirects followed, a body of 1 MiB taken.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            redirects: 0,
            timeout_ms: None,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }

    /// Adds a header; one of the same name stays. `host`, `content-length` and `accept-encoding` are set
    /// by the host.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets what is sent.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends a value as JSON.
    ///
    /// # Errors
    ///
    /// When it cannot be told as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self> {
        let body = serde_json::to_vec(value)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// Follows redirects, at most so many.
    #[must_use]
    pub fn redirects(mut self, most: u8) -> Self {
        self.redirects = most;
        self
    }

    /// Takes a longer or only a shorter body; one that is longer fails with the code `body`.
    #[must_use]
    pub fn body_bytes_max(mut self, bytes: u32) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Gives up after so many milliseconds.
    #[must_use]
    pub fn timeout_ms(mut self, ms: u32) -> Self {
        self.timeout_ms = Some(ms);
        self
    }

    /// Sends it and waits for the answer; any status is an answer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Denied`] with the missing permission; [`ErrorKind::Invalid`] with the member that is
    /// wrong; [`ErrorKind::Exhausted`] with `requests`, `bytes-out`, `bytes-in`, `body` or `redirects`;
    /// [`ErrorKind::Unavailable`] when there was no whole answer to a request that may be sent again, and
    /// [`ErrorKind::InDoubt`] to another one.
    pub fn send(self) -> Result<Response> {
        host::send(self)
    }
}

impl Response {
    /// Returns the first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// Insists on a status from 200 to 299.
    ///
    /// ```
    /// # use ax_sdk::{ErrorKind, fake};
    /// let error = fake::page(503, "busy").ok().unwrap_err();
    /// assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "503"));
    /// ```
    ///
    /// # Errors
    ///
    /// With the status as code: [`ErrorKind::NotFound`] for 404 and 410, [`ErrorKind::Unavailable`] for
    /// 429 and from 500 on, [`ErrorKind::Failed`] for others.
    pub fn ok(self) -> Result<Self> {
        let kind = match self.status {
            200..=299 => return Ok(self),
            404 | 410 => ErrorKind::NotFound,
            429 | 500.. => ErrorKind::Unavailable,
            _ => ErrorKind::Failed,
        };
        let status = self.status;
        Err(Error::new(kind, format!("{} answered {status}", self.url)).code(status.to_string()))
    }

    /// Returns the body as text.
    ///
    /// # Errors
    ///
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.body)
            .map_err(|error| Error::failed(format!("{} sent no text: {error}", self.url)))
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// When it is none of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::failed(format!("{} sent other JSON: {error}", self.url)))
    }
}

#[cfg(target_arch = "wasm32")]
mod host {
    use super::{Request, Response};
    use crate::Result;
    use crate::bindings::ax::http::client;
    use crate::guest::error;

    fn wanted(request: Request) -> client::Request {
        let Request { method, url, headers, body, redirects, timeout_ms, body_bytes_max } = request;
        client::Request { method, url, headers, body, redirects, timeout_ms, body_bytes_max }
    }

    fn shown(response: client::Response) -> Response {
        let client::Response { status, url, headers, body } = response;
        Response { status, url, headers, body }
    }

    pub(super) fn send(request: Request) -> Result<Response> {
        client::send(&wanted(request)).map(shown).map_err(error)
    }

    pub(super) fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
        let requests: Vec<_> = requests.into_iter().map(wanted).collect();
        let answers = client::send_all(&requests).into_iter();
        answers.map(|answer| answer.map(shown).map_err(error)).collect()
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use super::{Request, Response};
    use crate::{Result, fake};

    pub(super) fn send(request: Request) -> Result<Response> {
        fake::answer(&request)
    }

    pub(super) fn send_all(requests: Vec<Request>) -> Vec<Result<Response>> {
        requests.iter().map(fake::answer).collect()
    }
}
