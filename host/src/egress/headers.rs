//! Which headers go out, and which of an answer's are passed on.
//!
//! | header                                          | given by the caller                  |
//! |-------------------------------------------------|--------------------------------------|
//! | names in [`REFUSED`]: routing, framing, hops    | refused, since dropping one silently would change what was asked for |
//! | `accept-encoding`                               | replaced by `gzip`: what cannot be decoded cannot be scanned |
//! | `content-length`                                | taken as a promise: it must fit the body |
//! | `user-agent`                                    | kept; else `ax/<version>`            |
//!
//! Of an answer, what concerns the connection is stripped, and what a decoded body makes untrue.
//!
//! Invariant: a message has one framing. A request has a length or is chunked; an answer with two
//! framings, or one that nobody asked for, is refused.

use ax_manifest::Method;
use ax_manifest::Origin;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;

use crate::egress::decode::Encoding;
use crate::egress::error::EgressError;
use crate::egress::payload::OutgoingBody;

/// Headers of a request, and of an answer: more than any honest one has.
pub const HEADERS_MAX: usize = 128;

/// Bytes of a request's headers: four times what common servers take for a line, and what they
/// take for all of them.
pub const REQUEST_HEADER_BYTES_MAX: usize = 32 * 1024;

/// Bytes of an answer's head, status line included: room for long policies and many cookies.
pub const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

/// Encodings that an error may name. Any other text of a server stays out of errors, which are not
/// searched for secrets.
const NAMED_ENCODINGS: [&str; 10] =
    ["aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "x-gzip", "zstd"];

/// Headers that a caller may not set: they say where a request goes or where it ends, or concern
/// the connection, which is the host's. All of `proxy-` belongs to them too.
const REFUSED: [HeaderName; 9] = [
    header::CONNECTION,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
];

/// Headers of an answer that concern the connection and not the reader.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Tells whether a request with this header is refused.
#[must_use]
pub fn is_refused(name: &HeaderName) -> bool {
    REFUSED.contains(name) || name.as_str().starts_with("proxy-")
}

/// How the server learns where a request's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Empty,
    /// It has this many bytes.
    Length(u64),
    /// It comes in chunks until it ends.
    Chunked,
}

/// Checks what the caller gave and adds what the host sets.
///
/// # Errors
///
/// [`EgressError::Header`], [`EgressError::RequestHeaders`].
pub(super) fn prepare(
    mut headers: HeaderMap,
    method: Method,
    origin: &Origin,
    body: &OutgoingBody,
) -> Result<(HeaderMap, Framing), EgressError> {
    if headers.len() > HEADERS_MAX || header_bytes(&headers) > REQUEST_HEADER_BYTES_MAX {
        return Err(EgressError::RequestHeaders {
            count_max: HEADERS_MAX,
            bytes_max: REQUEST_HEADER_BYTES_MAX,
        });
    }
    if let Some(name) = headers.keys().find(|name| is_refused(name)) {
        return Err(EgressError::Header { name: name.to_string() });
    }
    let framing = framing(&headers, method, body)?;
    match framing {
        Framing::Chunked => {
            headers.remove(header::CONTENT_LENGTH);
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        Framing::Length(length) => {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        Framing::Empty => {
            headers.remove(header::CONTENT_LENGTH);
        }
    }
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    let agent = HeaderValue::from_static(concat!("ax/", env!("CARGO_PKG_VERSION")));
    headers.entry(header::USER_AGENT).or_insert(agent);
    headers.insert(header::HOST, host(origin));
    Ok((headers, framing))
}

/// Writes an origin's host and port as they stand in `Host`.
fn host(origin: &Origin) -> HeaderValue {
    let text = origin.to_string();
    let authority = text.split_once("://").map_or(text.as_str(), |(_, authority)| authority);
    HeaderValue::from_str(authority).expect("a canonical origin is visible ASCII")
}

fn framing(
    headers: &HeaderMap,
    method: Method,
    body: &OutgoingBody,
) -> Result<Framing, EgressError> {
    let wrong = || EgressError::Header { name: header::CONTENT_LENGTH.to_string() };
    let promised = match headers.get(header::CONTENT_LENGTH) {
        None => None,
        Some(value) => Some(parse_length(value).ok_or_else(wrong)?),
    };
    if headers.get_all(header::CONTENT_LENGTH).iter().count() > 1 {
        return Err(wrong());
    }
    let length = match (promised, body.length()) {
        (Some(promised), Some(actual)) if promised != actual => return Err(wrong()),
        (promised, actual) => promised.or(actual),
    };
    let is_bodiless = match method {
        Method::Get | Method::Head | Method::Options | Method::Delete => true,
        Method::Post | Method::Put | Method::Patch => false,
    };
    Ok(match (method, length) {
        (_, Some(0)) if is_bodiless => Framing::Empty,
        (_, Some(length)) => Framing::Length(length),
        // Nobody knows yet whether there is a body at all, and servers refuse even an empty
        // chunked one here. Clients send none; the writer finds its stream closed.
        (Method::Get | Method::Head, None) => Framing::Empty,
        (_, None) => Framing::Chunked,
    })
}

fn parse_length(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// Returns the bytes of header lines on the wire: name, colon, blank, value, line end.
pub(super) fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Checks an answer's framing and encoding, and strips what is not the reader's. Returns the
/// encoding to take off its body.
///
/// # Errors
///
/// [`EgressError::Protocol`], [`EgressError::Encoding`].
pub(super) fn clean_answer(
    headers: &mut HeaderMap,
    has_body: bool,
    host: &str,
) -> Result<Option<Encoding>, EgressError> {
    check_framing(headers).map_err(|why| EgressError::Protocol { host: host.to_owned(), why })?;
    strip_hops(headers);
    if !has_body {
        return Ok(None);
    }
    let encoding = encoding(headers)
        .map_err(|encoding| EgressError::Encoding { host: host.to_owned(), encoding })?;
    // `identity` too: it says nothing, and a reader may not know it.
    headers.remove(header::CONTENT_ENCODING);
    if encoding.is_some() {
        headers.remove(header::CONTENT_LENGTH);
    }
    Ok(encoding)
}

fn check_framing(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let Some(first) = codings.next() else { return Ok(()) };
    if codings.next().is_some() || !first.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") {
        return Err("a transfer encoding that was not asked for");
    }
    // Between two servers that prefer different ones, this is how an answer is smuggled.
    if headers.contains_key(header::CONTENT_LENGTH) {
        return Err("both a length and a transfer encoding");
    }
    Ok(())
}

fn strip_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // What says how to read the body is not the connection's, whatever the server claims.
        .filter(|name| *name != header::CONTENT_ENCODING && *name != header::CONTENT_LENGTH)
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Returns what a body is encoded with, or the text of what cannot be taken off.
fn encoding(headers: &HeaderMap) -> Result<Option<Encoding>, &'static str> {
    let mut found = None;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for token in value.as_bytes().split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.is_empty() || token.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            // Two layers multiply what a bomb can do, and nobody honest sends them.
            match (Encoding::of(token), found) {
                (Some(encoding), None) => found = Some(encoding),
                (_, _) => return Err(shown(value)),
            }
        }
    }
    Ok(found)
}

fn shown(value: &HeaderValue) -> &'static str {
    let said = value.as_bytes().trim_ascii();
    if said.contains(&b',') {
        return "several encodings";
    }
    let known = NAMED_ENCODINGS.iter().find(|name| said.eq_ignore_ascii_case(name.as_bytes()));
    known.copied().unwrap_or("unknown")
}
