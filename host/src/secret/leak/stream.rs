//! Looks for values in a text that comes in pieces.
//!
//! ```text
//! pieces   ...\n the pass | word is...
//! released ...\n          | nothing: Leak
//! held         the pass   |
//! ```
//!
//! Invariant: the released bytes and the held ones are what came in, in order. Held are, whatever the
//! secrets are, the bytes behind the last that is in no value (a line break, say), and of these at
//! most the last `HELD_BYTES_MAX`. So lines and events reach a guest when they happen; what ends in
//! mid-line waits for more or for the end.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytes::BytesMut;

use crate::secret::leak::HELD_BYTES_MAX;
use crate::secret::leak::Leak;
use crate::secret::leak::Scanner;

/// Looks through one text piece by piece; made by `LeakScan::stream`.
pub struct LeakStream {
    scanner: Option<Arc<Scanner>>,
    held: Vec<u8>,
    /// What was found; everything after it is refused.
    leak: Option<Leak>,
}

impl fmt::Debug for LeakStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakStream")
            .field("held_bytes", &self.held.len())
            .field("leak", &self.leak)
            .finish_non_exhaustive()
    }
}

impl LeakStream {
    /// Begins a text.
    pub(super) fn new(scanner: Option<Arc<Scanner>>) -> Self {
        Self { scanner, held: Vec::new(), leak: None }
    }

    /// Takes the next piece and returns what may go on: the front of all that was not returned yet.
    ///
    /// # Errors
    ///
    /// [`Leak`] once a value is found; what was held is dropped, and later pieces are refused too.
    pub fn push(&mut self, chunk: Bytes) -> Result<Bytes, Leak> {
        let Some(scanner) = self.scanner.clone() else { return Ok(chunk) };
        let bytes = self.take(chunk)?;
        let settled = self.keep(scanner.settle(&bytes, false))?;
        // A copy, so that a few held bytes do not keep a large piece in memory.
        self.held.extend_from_slice(&bytes[settled..]);
        debug_assert!(self.held.len() <= HELD_BYTES_MAX, "{} bytes are held", self.held.len());
        Ok(bytes.slice(..settled))
    }

    /// Ends the text and returns what was held.
    ///
    /// # Errors
    ///
    /// [`Leak`] if a value is found, or was.
    pub fn finish(&mut self) -> Result<Bytes, Leak> {
        let Some(scanner) = self.scanner.clone() else { return Ok(Bytes::new()) };
        let bytes = self.take(Bytes::new())?;
        self.keep(scanner.settle(&bytes, true))?;
        Ok(bytes)
    }

    /// Puts what was held in front of `chunk`.
    fn take(&mut self, chunk: Bytes) -> Result<Bytes, Leak> {
        if let Some(leak) = &self.leak {
            return Err(leak.clone());
        }
        if self.held.is_empty() {
            return Ok(chunk);
        }
        let mut joined = BytesMut::with_capacity(self.held.len() + chunk.len());
        joined.extend_from_slice(&self.held);
        joined.extend_from_slice(&chunk);
        self.held.clear();
        Ok(joined.freeze())
    }

    fn keep(&mut self, result: Result<usize, Leak>) -> Result<usize, Leak> {
        if let Err(leak) = &result {
            self.leak = Some(leak.clone());
        }
        result
    }
}
