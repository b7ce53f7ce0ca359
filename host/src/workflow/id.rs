//! Names of tasks, and keys of effects.

use std::fmt;
use std::str::FromStr;

use ax_manifest::Digest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a task: a UUID of version 7 (RFC 9562 §5.7), so that names sort by the time of their making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(Uuid);

impl TaskId {
    /// Makes a name from the time, in milliseconds since the Unix epoch, and random bytes.
    #[must_use]
    pub fn new(at_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(at_ms, &random).into_uuid())
    }

    /// Returns its 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Returns when it was made, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn began_ms(&self) -> u64 {
        let mut ms = [0; 8];
        ms[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        u64::from_be_bytes(ms)
    }

    /// Takes the 16 bytes of a name.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TaskId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The key of one effect: whoever honours it does the effect once, however often it is asked for.
///
/// It is made of the task and of the number of the intent in its journal, so that the same intent has the
/// same key after every crash, and no two intents share one. Written as 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectKey([u8; 16]);

impl EffectKey {
    /// Computes the key of the intent with this number.
    #[must_use]
    pub fn of(task: TaskId, seq: u64) -> Self {
        let mut hasher = Digest::hasher();
        hasher.update(b"ax effect\0");
        hasher.update(task.as_bytes());
        hasher.update(&seq.to_be_bytes());
        let digest = hasher.finish();
        let mut key = [0; 16];
        key.copy_from_slice(&digest.as_bytes()[..16]);
        Self(key)
    }

    /// Returns its 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
