//! Takes the key out of what a provider says.
//!
//! Invariant: what comes in is looked through as it was sent, before anything is cut, parsed or kept, so that
//! no part of a key stays where only its beginning fits. Found is the key as it is and as a server may write
//! it (base64, hex, escaped).
//! Not here: a key that comes in pieces, as of a stream's events; nobody but a provider that wants to tell
//! does that.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderMap;
use http::HeaderValue;

use super::Key;
use crate::provider::sse::Event;
use crate::secret::leak::LeakScan;

/// Replaces one key by its name. Cheap to clone.
#[derive(Clone)]
pub(super) struct Veil(LeakScan);

impl Veil {
    /// Looks for `key`; for nothing where there is none.
    pub(super) fn of(key: Option<&Key>) -> Self {
        Self(LeakScan::new(key.map(|key| (Arc::from(key.name.as_str()), key.value.clone()))))
    }

    /// Returns `text` without the key.
    pub(super) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.redact(text)
    }

    /// Takes the key out of `text`.
    pub(super) fn cover(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.0.redact(text) {
            *text = clean;
        }
    }

    /// Takes the key out of a body. One that is not UTF-8 has no dialect that could read it.
    pub(super) fn body(&self, body: Vec<u8>) -> Vec<u8> {
        let clean = match String::from_utf8_lossy(&body) {
            Cow::Borrowed(text) => match self.text(text) {
                Cow::Borrowed(_) => None,
                Cow::Owned(clean) => Some(clean),
            },
            Cow::Owned(text) => Some(self.text(&text).into_owned()),
        };
        clean.map_or(body, String::into_bytes)
    }

    /// Takes the key out of an event.
    pub(super) fn event(&self, event: &mut Event) {
        self.cover(&mut event.data);
        self.cover(&mut event.stray);
    }

    /// Takes the key out of headers.
    pub(super) fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        for value in headers.values_mut() {
            let clean = match value.to_str().map(|text| self.text(text)) {
                Ok(Cow::Owned(clean)) => HeaderValue::from_str(&clean),
                Ok(Cow::Borrowed(_)) | Err(_) => continue,
            };
            *value = clean.unwrap_or(HeaderValue::from_static(""));
        }
        headers
    }
}
