//! Whose keys are meant, and how much they may hold.
//!
//! Not here: counting (`state`), which keeps the sums beside the rows.

use std::sync::Arc;

use crate::kv::error::Counted;
use crate::kv::error::KvError;

/// The keys of one plugin in one state; a release of the plugin sees only these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// The plugin's identity: its name and where it came from. Another source is another owner.
    pub owner: Arc<str>,
    /// The state that the generation names for this plugin.
    pub state: u64,
    /// What the plugin may keep.
    pub quota: Quota,
}

/// The most a plugin may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many keys.
    pub keys_max: u32,
    /// The lengths of all keys and values together, in bytes.
    pub bytes_max: u64,
}

impl Quota {
    /// Refuses to go from `before` to `after` if that is too much and more than it was: a plugin
    /// whose quota was lowered below what it holds can still remove and shrink.
    pub(super) fn admit(&self, before: Usage, after: Usage) -> Result<(), KvError> {
        if after.keys > self.keys_max && after.keys > before.keys {
            return Err(KvError::Full { what: Counted::Keys, max: u64::from(self.keys_max) });
        }
        if after.bytes > self.bytes_max && after.bytes > before.bytes {
            return Err(KvError::Full { what: Counted::Bytes, max: self.bytes_max });
        }
        Ok(())
    }
}

/// What a plugin keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many keys.
    pub keys: u32,
    /// The lengths of all keys and values together, in bytes.
    pub bytes: u64,
}
