//! Calls that are made once, however often they are asked for: those with a key.
//!
//! ```text
//! asked for ──► its key is known? ── yes ──► what it came to then; nothing runs
//!                    │ no                     (another input: refused)
//!                    ▼
//!               it runs ── writes of ax:kv ──► draft
//!                    │  ── PUT, DELETE, … ──► Idempotency-Key: "<key>-<n>"
//!                    ▼
//!               it ended by itself? ── yes ──► draft and answer are written as one
//!                                   └─ no ───► the draft is dropped, nothing was changed
//! ```
//!
//! Invariant: what such a call keeps is there if and only if its answer is, under its key. One that keeps
//! nothing may be run again, so nothing is written down for it.
//!
//! Not here: drafts (`kv::draft`); which calls have a key (`app::tasks`).

use std::sync::{Arc, Mutex, PoisonError};

use ax_manifest::{Digest, Method, Permission};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::call::Call;
use super::error::{CallError, ErrorKind};
use super::exports::{Content, Output};
use super::rights::{Rights, Ruling};
use super::{Plugin, PluginHost};
use crate::kv::{Committed, Draft, Kv, KvError, Outcome};
use crate::workflow::EffectKey;

/// Tells whoever is asked that they have seen a request before (draft-ietf-httpapi-idempotency-key-header-07):
/// a string of structured fields (RFC 9651 §3.3.3).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What belongs to a call with a key.
pub(super) struct Once {
    key: EffectKey,
    /// Digest of what is asked.
    question: [u8; 32],
    /// Requests so far that carry the key.
    requests: u32,
    /// What it keeps; none if it may keep nothing.
    draft: Option<Arc<Mutex<Draft>>>,
}

impl Once {
    /// Prepares a call, if it has a key.
    pub(super) fn of(call: &Call, plugin: &Plugin, rights: &Rights, kv: &Kv) -> Option<Self> {
        let key = call.key?;
        let mut question = Digest::hasher();
        question.update(call.tool.as_bytes());
        // No tool's name holds one, so this ends it.
        question.update(b"\0");
        question.update(call.input.as_bytes());
        let may_keep = matches!(rights.decide(&Permission::Kv), Ruling::Allowed(_));
        let draft = may_keep.then(|| {
            let draft = Draft::new(kv.clone(), plugin.holdings.space.clone());
            Arc::new(Mutex::new(draft))
        });
        Some(Self { key, question: *question.finish().as_bytes(), requests: 0, draft })
    }

    /// Returns what stands between the call and what its plugin keeps.
    pub(super) fn draft(&self) -> Option<Arc<Mutex<Draft>>> {
        self.draft.clone()
    }

    /// Puts the key into the headers of a request if it is one that changes something once per key, unless
    /// the guest has put its own. Returns the number that it has then, which a redirect goes on with.
    pub(super) fn mark(
        &mut self,
        rights: &Rights,
        method: Method,
        wanted: &Permission,
        headers: &mut HeaderMap,
        number: Option<u32>,
    ) -> Option<u32> {
        let is_keyed = match method {
            Method::Get | Method::Head | Method::Options => false,
            Method::Put | Method::Delete => true,
            Method::Post | Method::Patch => rights.honours_key(wanted),
        };
        if !is_keyed || headers.contains_key(IDEMPOTENCY_KEY) {
            return number;
        }
        let number = number.unwrap_or_else(|| {
            self.requests += 1;
            self.requests
        });
        let value = format!("\"{}-{number}\"", self.key);
        let value = HeaderValue::try_from(value).expect("hex digits and a number fit a header");
        headers.insert(IDEMPOTENCY_KEY, value);
        Some(number)
    }

    /// Finds what the call came to when it was made before.
    fn known(&self, outcome: &Outcome) -> Result<Result<Output, CallError>, CallError> {
        if outcome.question != self.question {
            return Err(CallError::KeyUsed);
        }
        Answer::read(&outcome.answer)
    }
}

impl PluginHost {
    /// Looks up what a call with a key came to when it was made before.
    pub(super) async fn known(
        &self,
        once: Option<&Once>,
    ) -> Result<Option<Result<Output, CallError>>, CallError> {
        let Some(once) = once else { return Ok(None) };
        let Some(draft) = once.draft() else { return Ok(None) };
        let key = once.key.to_string();
        let looking = move || locked(&draft).outcome(&key);
        let found = self.outside.keeping.spawn_blocking(looking).await;
        let found = found
            .map_err(|_| CallError::Lost)?
            .map_err(|error| CallError::Keep(Box::new(error)))?;
        found.map(|outcome| once.known(&outcome)).transpose()
    }

    /// Writes what a call has drafted if it ended by itself, together with its result; else drops it. What
    /// cannot be written takes the result's place. Answers whether all that the guest did counts.
    pub(super) async fn conclude(
        &self,
        once: Option<Once>,
        result: &mut Result<Output, CallError>,
    ) -> bool {
        let Some(once) = once else { return true };
        let Some(draft) = once.draft() else { return true };
        // One that was ended may still hold its draft.
        if !matches!(result, Ok(_) | Err(CallError::Tool { .. })) {
            return false;
        }
        if locked(&draft).is_empty() {
            return true;
        }
        let Some(answer) = Answer::of(result) else { return false };
        let outcome = Outcome {
            key: once.key.to_string(),
            question: once.question,
            answer: answer.written(),
            at_ms: self.clock.now_ms(),
        };
        let committing = move || locked(&draft).commit(&outcome);
        let instead = match self.outside.keeping.spawn_blocking(committing).await {
            Ok(Ok(Committed::Now)) => return true,
            Ok(Ok(Committed::Before(outcome))) => once.known(&outcome).and_then(|known| known),
            Ok(Err(KvError::Conflict { key })) => Err(CallError::Conflict { key }),
            Ok(Err(error)) => Err(CallError::Keep(Box::new(error))),
            Err(_) => Err(CallError::Lost),
        };
        *result = instead;
        false
    }
}

/// Takes a draft. After a panic in the middle of something its call is ended, and it is dropped.
pub(super) fn locked(draft: &Mutex<Draft>) -> std::sync::MutexGuard<'_, Draft> {
    draft.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A result as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Value(Value),
    Content {
        content: Vec<Content>,
        #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
        structured: Option<Value>,
    },
    Failed {
        kind: String,
        code: String,
        message: String,
        #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
        data: Option<Value>,
    },
}

/// Reads a member that is there, also one that is `null`.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Answer {
    /// Returns the result of a call that ended by itself.
    fn of(result: &Result<Output, CallError>) -> Option<Self> {
        match result.as_ref() {
            Ok(Output::Value(value)) => Some(Self::Value(value.clone())),
            Ok(Output::Content { content, structured }) => {
                let (content, structured) = (content.clone(), structured.clone());
                Some(Self::Content { content, structured })
            }
            Err(CallError::Tool { kind, code, message, data }) => Some(Self::Failed {
                kind: kind.word().to_owned(),
                code: code.clone(),
                message: message.clone(),
                data: data.clone(),
            }),
            Err(_) => None,
        }
    }

    fn written(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and JSON can be written as JSON")
    }

    fn read(bytes: &[u8]) -> Result<Result<Output, CallError>, CallError> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        // An answer is as deep as one may be already, and it was written here.
        deserializer.disable_recursion_limit();
        let unreadable =
            |_| CallError::Answer { why: "what was kept of it cannot be read".to_owned() };
        Ok(match Self::deserialize(&mut deserializer).map_err(unreadable)? {
            Self::Value(value) => Ok(Output::Value(value)),
            Self::Content { content, structured } => Ok(Output::Content { content, structured }),
            Self::Failed { kind, code, message, data } => {
                let kind = ErrorKind::parse(&kind).unwrap_or(ErrorKind::Other);
                Err(CallError::Tool { kind, code, message, data })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::exports::Media;
    use super::*;

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let mut deep = json!(1.1);
        for _ in 0..130 {
            deep = json!([deep]);
        }
        let media = Media { media_type: "image/png".to_owned(), data: "AAE=".to_owned() };
        let link = Content::Link {
            uri: "https://a.example".to_owned(),
            name: "a".to_owned(),
            media_type: None,
            description: Some("b".to_owned()),
        };
        let content = vec![
            Content::Text { text: "\u{1f600}\n".to_owned() },
            Content::Image(media),
            link,
            Content::Other { value: json!({ "type": "new" }) },
        ];
        let outputs = [
            Output::Value(Value::Null),
            Output::Value(deep),
            Output::Value(json!({ "a": 0.1, "b": u64::MAX, "c": -0.0, "é": [] })),
            Output::Content { content: content.clone(), structured: None },
            Output::Content { content, structured: Some(json!({ "n": 5e-324 })) },
        ];
        for output in outputs {
            let written = Answer::of(&Ok(output.clone())).unwrap().written();
            assert_eq!(Answer::read(&written).unwrap().unwrap(), output);
        }
        for data in [None, Some(Value::Null), Some(json!({ "a": 1 }))] {
            let (code, message) = ("c".to_owned(), "m".to_owned());
            let failed = CallError::Tool { kind: ErrorKind::NotFound, code, message, data };
            let shown = format!("{failed:?}");
            let written = Answer::of(&Err(failed)).unwrap().written();
            assert_eq!(format!("{:?}", Answer::read(&written).unwrap().unwrap_err()), shown);
        }
    }

    #[test]
    fn what_did_not_end_by_itself_is_not_written_down() {
        for error in [CallError::Cancelled, CallError::Lost, CallError::Exited { code: 1 }] {
            assert!(Answer::of(&Err(error)).is_none());
        }
    }

    #[test]
    fn what_was_changed_by_others_is_an_error_and_no_panic() {
        for bytes in ["", "{}", "null", "{\"failed\":{}}", "{\"value\":1", "\u{0}"] {
            assert!(matches!(Answer::read(bytes.as_bytes()), Err(CallError::Answer { .. })));
        }
    }
}
