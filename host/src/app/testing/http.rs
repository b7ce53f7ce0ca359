//! The requests that a case expects, and what they get.
//!
//! ```toml
//! [[case.http]]
//! url = "https://api.github.com/repos/a/b/releases/latest"
//! status = 200
//! json = { tag_name = "v1" }
//! sent = { headers = { accept = "application/json" } }   # what the request must carry
//! ```
//!
//! Not here: answering (`egress::script`).

use std::collections::BTreeMap;

use ax_manifest::RequestUrl;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::case::Wrong;
use super::given::Given;
use crate::egress::script::{Line, Scripted};

/// The member of a case that this is about.
const MEMBER: &str = "http";

/// A request and its answer, as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exchange {
    url: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    sent: Message,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    json: Option<Value>,
    body_from: Option<String>,
    /// The connection ends without an answer.
    #[serde(default)]
    cut: bool,
    #[serde(default = "once")]
    times: u32,
}

/// What a request must carry.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    json: Option<Value>,
}

fn get() -> String {
    "GET".to_owned()
}

fn once() -> u32 {
    1
}

impl Exchange {
    /// Checks it.
    pub(super) fn line(self, given: &Given<'_>) -> Result<Line, Wrong> {
        let wrong = |why: String| (MEMBER, format!("{}: {why}", self.url));
        let url: RequestUrl = self.url.parse().map_err(|error| wrong(format!("{error}")))?;
        let method = self.method.to_ascii_uppercase();
        if method.parse::<ax_manifest::Method>().is_err() {
            return Err(wrong(format!("`{}` is no method", self.method)));
        }
        if self.times == 0 {
            return Err(wrong("`times` is at least 1".to_owned()));
        }
        let answer = self.answer(given).map_err(wrong)?;
        let Message { headers, body, json } = self.sent;
        let body = match (body, json) {
            (Some(_), Some(_)) => {
                return Err((MEMBER, "`sent` has a body or json, not both".to_owned()));
            }
            (Some(body), None) => Some(Bytes::from(body)),
            (None, Some(json)) => Some(Bytes::from(json.to_string())),
            (None, None) => None,
        };
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        Ok(Line {
            method,
            url: format!("{}{}", url.origin(), url.path_and_query()),
            headers: headers.into_iter().map(lower).collect(),
            body,
            answer,
            times: self.times,
        })
    }

    fn answer(&self, given: &Given<'_>) -> Result<Scripted, String> {
        let is_said = self.status.is_some()
            || !self.headers.is_empty()
            || [self.body.is_some(), self.json.is_some(), self.body_from.is_some()].contains(&true);
        match (self.cut, is_said) {
            (true, true) => return Err("what is cut has no answer".to_owned()),
            (true, false) => return Ok(Scripted::Cut),
            (false, _) => {}
        }
        let status = self.status.unwrap_or(200);
        if !(200..=599).contains(&status) {
            return Err(format!("{status} is no status of an answer"));
        }
        let mut headers: Vec<(String, String)> = self.headers.clone().into_iter().collect();
        let body = match (&self.body, &self.json, &self.body_from) {
            (None, None, None) => Bytes::new(),
            (Some(body), None, None) => Bytes::from(body.clone()),
            (None, Some(json), None) => {
                if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                Bytes::from(json.to_string())
            }
            (None, None, Some(file)) => Bytes::from(given.text(file)?),
            _ => return Err("it has one of body, json and body-from".to_owned()),
        };
        for (name, value) in &headers {
            let is_name = http::HeaderName::try_from(name.as_str()).is_ok();
            if !is_name || http::HeaderValue::try_from(value.as_str()).is_err() {
                return Err(format!("`{name}` is no header"));
            }
        }
        Ok(Scripted::Answer { status, headers, body })
    }
}
