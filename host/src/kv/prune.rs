//! Removing what no generation and no grant names any more.
//!
//! Invariant: only what was there when it was asked about is removed, since numbers of states are
//! never given again. The caller is asked outside every transaction, so that it may take its time,
//! and use the database.
//!
//! Not here: what is still named (`app`), and keeping new names out meanwhile, which takes the
//! lock of the home folder.

use rusqlite::Transaction;

use crate::kv::account;
use crate::kv::database::Database;
use crate::kv::error::Failure;
use crate::kv::error::KvError;
use crate::kv::space::Usage;
use crate::kv::state;

/// Pages (4 KiB) given back to the disk at once: 64 MiB, which takes about as long as a large
/// write. What is left is used again, or given back the next time.
const PAGES_MAX: u32 = 16_384;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// States.
    pub states: u64,
    /// The lengths of their keys and values, in bytes.
    pub bytes: u64,
    /// Accounts of written files.
    pub accounts: u64,
}

/// What is not to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unused {
    /// States, by owner and number, with what they hold.
    pub states: Vec<(String, u64, Usage)>,
    /// Accounts of written files.
    pub accounts: Vec<String>,
}

/// Lists the states and accounts that are not to be kept.
pub(super) fn unused(
    database: &Database,
    keep: &dyn Fn(&str, u64) -> bool,
    keep_account: &dyn Fn(&str) -> bool,
) -> Result<Unused, KvError> {
    let mut states = database.read(state::list)?;
    let mut accounts = database.read(account::names)?;
    states.retain(|(owner, state, _)| !keep(owner, *state));
    accounts.retain(|account| !keep_account(account));
    Ok(Unused { states, accounts })
}

/// Removes what was listed, as one change.
pub(super) fn remove(database: &Database, unused: &Unused) -> Result<Pruned, KvError> {
    if unused.states.is_empty() && unused.accounts.is_empty() {
        return Ok(Pruned::default());
    }
    let pruned = database.write(|transaction| {
        let mut pruned = Pruned::default();
        for (owner, state, _) in &unused.states {
            match state::remove(transaction, owner, *state) {
                Ok(usage) => {
                    pruned.states += 1;
                    pruned.bytes = pruned.bytes.saturating_add(usage.bytes);
                }
                // Somebody else has dropped it since.
                Err(Failure::Refused(KvError::NoState { .. })) => {}
                Err(failure) => return Err(failure),
            }
        }
        for account in &unused.accounts {
            pruned.accounts += u64::from(account::remove(transaction, account)?);
        }
        Ok(pruned)
    })?;
    // It is removed either way; room that cannot be given back now is used again.
    database.write(give_back).ok();
    Ok(pruned)
}

/// Gives free pages back to the disk, which SQLite does one with each row it returns.
fn give_back(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let mut statement = transaction.prepare(&format!("PRAGMA incremental_vacuum({PAGES_MAX})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
