//! Finds the values of secrets in what goes back to a guest or into a log.
//!
//! ```text
//! bytes ─┬─► as they are ─────────────────────────────┐
//!        ├─► percent-decoded, `+` a space   (has `%`) ├─► value, base64, hex ─► Leak
//!        ├─► JSON-unescaped                 (has `\`) │
//!        └─► JSON-unescaped, percent-decoded (both)  ─┘
//! ```
//!
//! A value is recognised by its last 64 bytes; a text that holds those of a
//! longer one is a leak too. What stands before them may have left a stream by then.
//!
//! Invariant: whether a text is found does not depend on how it comes in pieces, and of a text that
//! is found a [`LeakStream`] releases none of those 64 bytes, but for the four bits that base64 may
//! write into one character with what stands before. Until something is found, how much it releases
//! depends on the bytes alone and never on the secrets: a server that sends a guess and waits would
//! else show whoever watches when bytes arrive how much of its guess is right.
//!
//! This keeps an honest server's echo from a guest. It cannot stop a server that wants to tell: one
//! that encodes the value twice, compresses, reverses or splits it. Bodies are decompressed before
//! they come here, or refused.
//!
//! Not here: which texts are looked through (`plugin`), what happens after a find (the caller).

mod form;
mod needles;
mod redact;
mod stream;
#[cfg(test)]
mod tests;
mod view;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::secret::leak::needles::Needles;
pub use crate::secret::leak::stream::LeakStream;
use crate::secret::leak::view::View;
use crate::secret::leak::view::fold_plus;
use crate::secret::value::SecretValue;

/// Bytes decoded at once, so that what a view needs stays bounded and in the processor's cache.
const WINDOW_BYTES: usize = 65_536;

/// Bytes of the longest escape: each character of `%2F` written as `\u0025`.
const ESCAPE_BYTES_MAX: usize = 18;

/// Bytes of the longest text, each character in the longest escape: no unfinished one is longer.
const OPEN_BYTES_MAX: usize = form::TEXT_BYTES_MAX * ESCAPE_BYTES_MAX;

/// Bytes that are ever held back: an unfinished text, and an escape that stands across its front.
const HELD_BYTES_MAX: usize = OPEN_BYTES_MAX + ESCAPE_BYTES_MAX;

/// The value of a secret is where it must not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it holds the value of the secret `{secret}`")]
pub struct Leak {
    /// The secret's name.
    pub secret: Arc<str>,
}

/// Looks for the values of some secrets. Cheap to clone; without secrets it costs nothing.
///
/// Making one takes about a quarter of a millisecond a secret, so make it once for a plugin and not
/// for a request. It holds texts derived from the values; the automaton's are not wiped on drop.
#[derive(Clone)]
pub struct LeakScan {
    scanner: Option<Arc<Scanner>>,
}

/// What is looked for.
struct Scanner {
    secrets: Vec<(Arc<str>, SecretValue)>,
    plain: Needles,
    /// The texts with a space for each `+`, made when first needed.
    folded: OnceLock<Needles>,
}

impl fmt::Debug for LeakScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets = self.scanner.iter().flat_map(|scanner| &scanner.secrets);
        f.debug_set().entries(secrets.map(|(name, _)| name)).finish()
    }
}

impl LeakScan {
    /// Looks for nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { scanner: None }
    }

    /// Looks for the values of `secrets`, given with their names.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = (Arc<str>, SecretValue)>) -> Self {
        let secrets: Vec<_> = secrets.into_iter().collect();
        if secrets.is_empty() {
            return Self::none();
        }
        let plain = Needles::new(secrets.iter().map(|(_, value)| value), |_| {});
        let scanner = Scanner { secrets, plain, folded: OnceLock::new() };
        Self { scanner: Some(Arc::new(scanner)) }
    }

    /// Answers whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scanner.is_none()
    }

    /// Returns the name of a secret whose value `bytes` hold.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Option<Arc<str>> {
        let scanner = self.scanner.as_ref()?;
        scanner.settle(bytes, true).err().map(|leak| leak.secret)
    }

    /// Replaces each value in `text` by `[secret NAME]`, also a longer one of which only the last 64
    /// bytes are there. Of base64, the character at either end stays that holds four bits of the
    /// value, or fewer, beside something else.
    #[must_use]
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.scanner {
            Some(scanner) => redact::redact(scanner, text),
            None => Cow::Borrowed(text),
        }
    }

    /// Begins to look through a text that comes in pieces.
    #[must_use]
    pub fn stream(&self) -> LeakStream {
        LeakStream::new(self.scanner.clone())
    }
}

impl Scanner {
    /// Returns how many of `bytes` can be no part of a value, whatever the secrets are and whatever
    /// follows; all if nothing does.
    ///
    /// # Errors
    ///
    /// [`Leak`] if they hold a value.
    fn settle(&self, bytes: &[u8], is_last: bool) -> Result<usize, Leak> {
        let mut settled = 0;
        loop {
            let end = bytes.len().min(settled + WINDOW_BYTES);
            let is_end = end == bytes.len();
            settled += self.settle_window(&bytes[settled..end], is_last && is_end)?;
            if is_end {
                return Ok(settled);
            }
        }
    }

    /// As [`Self::settle`], for at most [`WINDOW_BYTES`]; all but [`HELD_BYTES_MAX`] are settled.
    fn settle_window(&self, window: &[u8], is_last: bool) -> Result<usize, Leak> {
        self.look(&self.plain, window)?;
        let percent = Self::percent(window, is_last);
        if let Some(view) = &percent {
            self.look(self.folded(), &view.bytes)?;
        }
        let json = Self::json(window, is_last);
        let mut both = None;
        if let Some(view) = &json {
            self.look(&self.plain, &view.bytes)?;
            both = Self::percent(&view.bytes, is_last).map(|inner| (view, inner));
        }
        if let Some((_, inner)) = &both {
            self.look(self.folded(), &inner.bytes)?;
        }
        if is_last {
            return Ok(window.len());
        }
        let mut settled = open_from(window);
        // No reader's escape is cut in two: its second half would be read as characters. Of the three
        // only the last has escapes made of others'.
        for view in [&percent, &json].into_iter().flatten() {
            settled = view.place(view.holder(settled));
        }
        if let Some((outer, inner)) = &both {
            settled = outer.place(inner.place(inner.holder(outer.holder(settled))));
        }
        Ok(settled)
    }

    /// Refuses `bytes` that hold a text.
    fn look(&self, needles: &Needles, bytes: &[u8]) -> Result<(), Leak> {
        let Some(found) = needles.find(bytes) else { return Ok(()) };
        let secret = needles.get(found.needle).secret;
        Err(Leak { secret: Arc::clone(&self.secrets[secret].0) })
    }

    /// Percent-decodes `bytes` if that changes anything.
    fn percent(bytes: &[u8], is_last: bool) -> Option<View> {
        let is_needed = bytes.iter().any(|byte| matches!(byte, b'%' | b'+'));
        is_needed.then(|| View::percent(bytes, is_last))
    }

    /// Unescapes `bytes` as JSON does if that changes anything.
    fn json(bytes: &[u8], is_last: bool) -> Option<View> {
        bytes.contains(&b'\\').then(|| View::json(bytes, is_last))
    }

    /// Returns the texts to look for where `+` has become a space.
    fn folded(&self) -> &Needles {
        self.folded
            .get_or_init(|| Needles::new(self.secrets.iter().map(|(_, value)| value), fold_plus))
    }
}

/// Returns from where the end of `bytes` may be the beginning of a text of some value there may be,
/// in whatever escapes. Does not know the secrets, so that it cannot tell of them.
fn open_from(bytes: &[u8]) -> usize {
    let first = bytes.len().saturating_sub(OPEN_BYTES_MAX);
    bytes[first..].iter().rposition(ends_texts).map_or(first, |at| first + at + 1)
}

/// Answers whether a byte is in no value, encoding or escape: a control or not ASCII.
fn ends_texts(byte: &u8) -> bool {
    !matches!(byte, b' '..=b'~')
}
