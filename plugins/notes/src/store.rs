//! The seam to `ax_sdk::kv`: what tests replace by stores that fill up, die and take turns.
//!
//! Invariant: an implementation makes all changes of a write or none.
//! Not here: which keys there are (`layout`).

use ax_sdk::Result;
use ax_sdk::kv;
pub use ax_sdk::kv::Change;
pub use ax_sdk::kv::Entry;
pub use ax_sdk::kv::When;

/// A part of a listing, and where to read on if it goes on.
pub type Page = (Vec<Entry>, Option<String>);

/// Keys and bytes, belonging to this plugin alone. Errors are those of `ax_sdk::kv`.
pub trait Store {
    /// Returns a value, or none.
    fn get(&self, key: &str) -> Result<Option<Entry>>;

    /// Lists what starts with `prefix`, in the order of the bytes of the keys: at most `limit`
    /// entries and 1 MiB of values. `cursor` is where the page of the same prefix before it ended.
    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page>;

    /// Makes all changes or none: 1 to [`kv::CHANGES_MAX`] of them, no key twice.
    fn write(&self, changes: Vec<Change>) -> Result<()>;
}

/// What the host keeps for this plugin.
#[derive(Debug, Clone, Copy)]
pub struct Kept;

impl Store for Kept {
    fn get(&self, key: &str) -> Result<Option<Entry>> {
        kv::read(key)
    }

    fn scan(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<Page> {
        kv::scan(prefix, limit, cursor)
    }

    fn write(&self, changes: Vec<Change>) -> Result<()> {
        kv::write(changes).map(drop)
    }
}
