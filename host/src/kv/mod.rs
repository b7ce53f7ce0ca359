//! What plugins keep from call to call, and how much they have written into files.
//!
//! ```text
//! plugin ── Space (owner, state, quota) ──► Kv ──► AX_HOME/plugins.db   (SQLite, WAL)
//! generation ── names one state per plugin ──┘
//! ```
//!
//! | file       | answers                                                |
//! |------------|--------------------------------------------------------|
//! | `space`    | whose keys, and how much may they hold?                |
//! | `entry`    | what is a key, a value, a change?                      |
//! | `rows`     | how are they read and written?                         |
//! | `cursor`   | where does the next page begin?                        |
//! | `draft`    | what does a call write that is made once?               |
//! | `seen`     | what has it seen, and is that still so?                |
//! | `outcome`  | what did such a call come to?                          |
//! | `state`    | which copies of a plugin's keys are there?             |
//! | `lineage`  | who wrote which, and what do others hold of it?        |
//! | `account`  | how much of a grant to write files is used?            |
//! | `prune`    | what may go?                                           |
//! | `database` | where is the file, and who may use the connection?     |
//! | `schema`   | which tables are there, and is this database ours?     |
//!
//! Invariants: no plugin reads or changes keys of another, or of another state of its own; a write
//! is made wholly or not at all, and is on disk when it is answered; the versions of a state only
//! grow, also past what was removed; a database that is newer, damaged or not ours is refused,
//! never repaired or overwritten.
//!
//! Every function blocks, a write for as long as the disk needs, and five seconds at most for
//! another process. Owners and accounts are texts of the host, not of a guest.
//!
//! Not here: which plugin may keep anything at all (`plugin::gate`), and which state is in use,
//! which the generation says (`app`).

mod account;
mod cursor;
mod database;
mod draft;
mod entry;
mod error;
mod lineage;
mod outcome;
mod prune;
mod rows;
mod schema;
mod seen;
mod space;
mod state;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use semver::Version;

pub use crate::kv::account::FileUsage;
use crate::kv::database::BUSY_TIMEOUT;
use crate::kv::database::Database;
pub use crate::kv::database::UNFINISHED;
pub use crate::kv::draft::Committed;
pub use crate::kv::draft::DRAFT_BYTES_MAX;
pub use crate::kv::draft::Draft;
pub use crate::kv::entry::CHANGES_MAX;
pub use crate::kv::entry::Change;
pub use crate::kv::entry::Condition;
pub use crate::kv::entry::Entry;
pub use crate::kv::entry::KEY_BYTES_MAX;
pub use crate::kv::entry::PAGE_BYTES_MAX;
pub use crate::kv::entry::PAGE_ENTRIES_MAX;
pub use crate::kv::entry::Page;
pub use crate::kv::entry::VALUE_BYTES_MAX;
use crate::kv::entry::check_changes;
use crate::kv::entry::check_key;
use crate::kv::entry::check_limit;
use crate::kv::entry::check_prefix;
pub use crate::kv::error::Counted;
pub use crate::kv::error::KvError;
pub use crate::kv::lineage::Kept;
pub use crate::kv::lineage::Lineage;
pub use crate::kv::lineage::Writer;
pub use crate::kv::outcome::OUTCOME_KEPT_MS;
pub use crate::kv::outcome::Outcome;
pub use crate::kv::prune::Pruned;
pub use crate::kv::prune::Unused;
pub use crate::kv::space::Quota;
pub use crate::kv::space::Space;
pub use crate::kv::space::Usage;
pub use crate::kv::state::Forked;

/// A handle to what plugins keep, cheap to clone. Nothing is opened before the first use, which
/// makes folder and database if they are absent.
///
/// Every function can fail because the database cannot be used: [`KvError::Newer`],
/// [`KvError::Foreign`], [`KvError::Damaged`], [`KvError::Busy`] and [`KvError::Io`]. What else can
/// go wrong is said at each.
#[derive(Debug, Clone)]
pub struct Kv {
    database: Arc<Database>,
}

impl Kv {
    /// Creates a handle to the database below `home`, which is `AX_HOME`. Costs no I/O.
    #[must_use]
    pub fn at(home: &Path) -> Self {
        Self { database: Arc::new(Database::at(home, BUSY_TIMEOUT)) }
    }

    /// Reads what is under `key`.
    ///
    /// # Errors
    ///
    /// [`KvError::Key`], [`KvError::NoState`].
    pub fn get(&self, space: &Space, key: &str) -> Result<Option<Entry>, KvError> {
        check_key(key)?;
        self.database.read(|connection| rows::get(connection, space, key))
    }

    /// Reads entries whose keys begin with `prefix`, in the order of the bytes of the keys.
    ///
    /// At most `limit` entries (1 to [`PAGE_ENTRIES_MAX`]) and [`PAGE_BYTES_MAX`] of values are
    /// read, from the beginning or after the page that gave `cursor`. Each page is of one moment;
    /// what is written between two pages is seen if it lies after the first.
    ///
    /// # Errors
    ///
    /// [`KvError::Key`], [`KvError::Limit`], [`KvError::Cursor`], [`KvError::NoState`].
    pub fn scan(
        &self,
        space: &Space,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, KvError> {
        check_prefix(prefix)?;
        check_limit(limit)?;
        let after = cursor.map(|cursor| cursor::decode(prefix, cursor)).transpose()?;
        self.database
            .read(|connection| rows::scan(connection, space, prefix, limit, after.as_deref()))
    }

    /// Makes all `changes` (1 to [`CHANGES_MAX`]) or none, and returns the number of this write,
    /// which is the version of every value it put.
    ///
    /// Conditions are judged by what was there before, and before the quota. A plugin that keeps
    /// more than its quota can still make changes by which it keeps no more than it did.
    ///
    /// # Errors
    ///
    /// [`KvError::TooManyChanges`], [`KvError::TwoChanges`], [`KvError::Key`], [`KvError::Value`],
    /// [`KvError::Conflict`] with the first key that is not as expected, [`KvError::Full`],
    /// [`KvError::NoState`].
    pub fn write(&self, space: &Space, changes: &[Change]) -> Result<u64, KvError> {
        check_changes(changes)?;
        self.database.write(|transaction| rows::write(transaction, space, changes))
    }

    /// Finds what a call with a key came to, if it changed anything and was not forgotten since.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn outcome(&self, owner: &str, key: &str) -> Result<Option<Outcome>, KvError> {
        self.database.read(|connection| outcome::get(connection, owner, key))
    }

    /// Returns what a plugin keeps.
    ///
    /// # Errors
    ///
    /// [`KvError::NoState`].
    pub fn usage(&self, space: &Space) -> Result<Usage, KvError> {
        let find = |connection: &_| state::find(connection, &space.owner, space.state);
        self.database.read(find).map(|state| state.usage)
    }

    /// Reads how the states of all plugins came to be, by owner. Nothing is read, and nothing made,
    /// where there is no database.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn lineages(&self) -> Result<BTreeMap<String, Lineage>, KvError> {
        match self.database.is_there() {
            true => self.database.read(state::lineages),
            false => Ok(BTreeMap::new()),
        }
    }

    /// Lists all states with what they hold, by owner and number. Makes no database.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn states(&self) -> Result<Vec<(String, u64, Usage)>, KvError> {
        match self.database.is_there() {
            true => self.database.read(state::list),
            false => Ok(Vec::new()),
        }
    }

    /// Makes the next state of `owner`, as a copy of `from` or empty. This is the only way in
    /// which states come to be; the first is number 1. It is nobody's until [`Kv::settle`].
    ///
    /// It is on disk when this returns. Other writers wait while the copy is made.
    ///
    /// # Errors
    ///
    /// [`KvError::NoState`] if `from` is not there.
    pub fn fork(&self, owner: &str, from: Option<u64>) -> Result<Forked, KvError> {
        self.database.write(|transaction| state::fork(transaction, owner, from))
    }

    /// Gives a state that is in the form of a version to its releases: what is written from now on
    /// is their own.
    ///
    /// # Errors
    ///
    /// [`KvError::NoState`].
    pub fn settle(&self, owner: &str, state: u64, version: &Version) -> Result<(), KvError> {
        self.database.write(|transaction| state::settle(transaction, owner, state, version))
    }

    /// Writes down whose a state is that an earlier host made without saying so. One of which it is
    /// known stays as it is.
    ///
    /// # Errors
    ///
    /// [`KvError::NoState`].
    pub fn attribute(&self, owner: &str, state: u64, version: &Version) -> Result<(), KvError> {
        self.database.write(|transaction| state::attribute(transaction, owner, state, version))
    }

    /// Returns the number of the last write to a state, zero if there was none.
    ///
    /// # Errors
    ///
    /// [`KvError::NoState`].
    pub fn revision(&self, owner: &str, state: u64) -> Result<u64, KvError> {
        let find = |connection: &_| state::find(connection, owner, state);
        self.database.read(find).map(|state| state.revision)
    }

    /// Removes a state with its entries. Its number is not given again.
    ///
    /// # Errors
    ///
    /// [`KvError::NoState`].
    pub fn drop_state(&self, owner: &str, state: u64) -> Result<(), KvError> {
        self.database.write(|transaction| state::remove(transaction, owner, state)).map(drop)
    }

    /// Returns what was written into files under `account`; nothing if there is no such account.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn file_usage(&self, account: &str) -> Result<FileUsage, KvError> {
        self.database.read(|connection| account::get(connection, account))
    }

    /// Adds to `account`, or takes away down to zero, and returns what it then says.
    ///
    /// To hold a maximum against others, add first, compare what is returned, and take it back.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn add_file_usage(
        &self,
        account: &str,
        bytes: i64,
        files: i64,
    ) -> Result<FileUsage, KvError> {
        self.database.write(|transaction| account::add(transaction, account, bytes, files))
    }

    /// Lists the states for which `keep` says no to owner and number, and the accounts for which
    /// `keep_account` says no. Nothing is listed, and nothing made, where there is no database.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn unused(
        &self,
        keep: &dyn Fn(&str, u64) -> bool,
        keep_account: &dyn Fn(&str) -> bool,
    ) -> Result<Unused, KvError> {
        match self.database.is_there() {
            true => prune::unused(&self.database, keep, keep_account),
            false => Ok(Unused::default()),
        }
    }

    /// Removes what was listed. The caller has held the lock of the home folder since before that.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn remove_unused(&self, unused: &Unused) -> Result<Pruned, KvError> {
        prune::remove(&self.database, unused)
    }

    /// Removes the states for which `keep` says no to owner and number, and the accounts for
    /// which `keep_account` says no. The caller holds the lock of the home folder.
    ///
    /// # Errors
    ///
    /// Only those of every function.
    pub fn prune(
        &self,
        keep: &dyn Fn(&str, u64) -> bool,
        keep_account: &dyn Fn(&str) -> bool,
    ) -> Result<Pruned, KvError> {
        self.remove_unused(&prune::unused(&self.database, keep, keep_account)?)
    }
}
