//! The plugin's face: WIT types in, WIT types out. Only in the component.
//!
//! Not here: any reading of an answer (`report`).

use bindings::ax::http::client;
use bindings::ax::types::types::Error;
use bindings::ax::types::types::ErrorKind;
use bindings::exports::ax::fetch::fetch as wit;

use crate::media::MediaType;
use crate::report;
use crate::report::Answer;
use crate::report::BODY_BYTES_MAX;
use crate::report::Format;
use crate::report::Refusal;
use crate::report::Wish;
use crate::url;

/// What `wit-bindgen` writes for the world `plugin`.
mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Fetch;
    wit_bindgen::generate!({
        world: "ax:fetch/plugin",
        path: ["../../wit", "wit"],
        generate_all,
    });
    export!(Fetch with_types_in self);
}

/// Redirects that are followed; each needs a permission of its own.
const REDIRECTS: u8 = 5;
/// Milliseconds for the exchange: the call has 30 s, and the text still has to be read.
const TIMEOUT_MS: u32 = 20_000;
/// What servers are told to send. Markdown first: some have it.
const ACCEPT: &str = "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, \
                      application/json;q=0.8, text/*;q=0.8, */*;q=0.1";
/// Who asks.
const USER_AGENT: &str = concat!("ax-fetch/", env!("CARGO_PKG_VERSION"));
/// The headers that `head` reports: what the thing is, how old, and what to do about it.
const HEADERS: [&str; 17] = [
    "accept-ranges",
    "age",
    "allow",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "vary",
    "x-robots-tag",
];
/// Most values that `head` reports, since a header may stand many times.
const VALUES_MAX: usize = 64;
/// Characters of a header's value that are reported.
const VALUE_CHARS_MAX: usize = 1_024;

struct Fetch;

impl wit::Guest for Fetch {
    fn get(request: wit::GetRequest) -> Result<wit::Report, Error> {
        let format = request.format.map(|format| match format {
            wit::Format::Markdown => Format::Markdown,
            wit::Format::Text => Format::Text,
            wit::Format::Raw => Format::Raw,
        });
        let wish = Wish::new(format, request.main_only, request.offset, request.max_chars)
            .map_err(|cause| refused(&cause))?;
        let answer = send("GET", &request.url, BODY_BYTES_MAX)?;
        let report = report::report(answer, &wish).map_err(|cause| refused(&cause))?;
        Ok(told(report))
    }

    fn head(request: wit::HeadRequest) -> Result<wit::HeadReport, Error> {
        let answer = send("HEAD", &request.url, 0)?;
        let media_type = answer.header("content-type").map(|value| MediaType::parse(value).essence);
        let bytes = answer.header("content-length").and_then(|value| value.trim().parse().ok());
        let known = answer.headers.iter().filter(|(name, _)| HEADERS.contains(&name.as_str()));
        let headers = known.take(VALUES_MAX).map(|(name, value)| wit::Header {
            name: name.clone(),
            value: crate::invisible::line(value, VALUE_CHARS_MAX),
        });
        Ok(wit::HeadReport {
            headers: headers.collect(),
            media_type: media_type.filter(|essence| !essence.is_empty()),
            bytes,
            status: answer.status,
            url: answer.url,
        })
    }
}

/// Sends a request. Errors of the host pass as they are: their codes name the missing permission.
fn send(method: &str, url: &str, body_bytes_max: u32) -> Result<Answer, Error> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let response = client::send(&client::Request {
        method: method.to_owned(),
        // A fragment is for the reader, not for the server.
        url: url::without_fragment(url.trim()).to_owned(),
        headers: vec![header("accept", ACCEPT), header("user-agent", USER_AGENT)],
        body: None,
        redirects: REDIRECTS,
        timeout_ms: Some(TIMEOUT_MS),
        body_bytes_max,
    })?;
    let client::Response { status, url, headers, body } = response;
    Ok(Answer { url, status, headers, body })
}

fn refused(cause: &Refusal) -> Error {
    Error {
        kind: ErrorKind::Invalid,
        message: cause.to_string(),
        code: cause.code().to_owned(),
        retry_after_ms: None,
        data: None,
    }
}

fn told(report: report::Report) -> wit::Report {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let links = report.links.into_iter();
    wit::Report {
        url: report.url,
        status: report.status,
        media_type: report.media_type,
        title: report.title,
        description: report.description,
        language: report.language,
        markdown: report.text,
        chars: count(report.chars),
        next_offset: report.next_offset.map(count),
        truncated: report.truncated,
        links: links.map(|link| wit::Link { url: link.url, text: link.text }).collect(),
        notes: report.notes,
    }
}
