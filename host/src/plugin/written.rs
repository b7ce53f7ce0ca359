//! What plugins have written into granted folders, against their quota.
//!
//! ```text
//! grow(bytes) ──→ account of (plugin, folder, grant) ──→ plugins.db, at the end of the call
//! ```
//!
//! An account belongs to one grant: whoever revokes it and grants it anew starts at nothing. What
//! frees space gives it back, down to zero.
//!
//! Invariant: an account never goes beyond its quota in one process. Several processes that write at
//! once add up when their calls end, so together they can exceed it by what each wrote in one call.
//! Not here: which effects grow a folder (`imports/wasi/files`).

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::limits::{self, Limit};
use crate::kv::{Kv, KvError};

/// Accounts kept in memory; one more starts by forgetting those that owe nothing.
const ACCOUNTS_MAX: usize = 1_024;

/// The accounts that calls of this process have used.
pub(super) struct Accounts {
    kv: Kv,
    open: Mutex<HashMap<String, Arc<Account>>>,
}

/// What was written under one grant.
#[derive(Debug)]
pub(super) struct Account {
    name: String,
    /// As the database and this process's calls have it.
    bytes: AtomicI64,
    files: AtomicI64,
    /// Not in the database yet.
    bytes_due: AtomicI64,
    files_due: AtomicI64,
    is_touched: AtomicBool,
}

impl Accounts {
    pub(super) fn new(kv: Kv) -> Self {
        Self { kv, open: Mutex::new(HashMap::new()) }
    }

    /// Opens an account, reading it the first time. Blocks.
    pub(super) fn open(&self, name: &str) -> Result<Arc<Account>, KvError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = open.get(name) {
            return Ok(Arc::clone(account));
        }
        if open.len() >= ACCOUNTS_MAX {
            open.retain(|_, account| Arc::strong_count(account) > 1 || account.owes());
        }
        let used = self.kv.file_usage(name)?;
        let account = Arc::new(Account {
            name: name.to_owned(),
            bytes: AtomicI64::new(i64::try_from(used.bytes).unwrap_or(i64::MAX)),
            files: AtomicI64::new(i64::try_from(used.files).unwrap_or(i64::MAX)),
            bytes_due: AtomicI64::new(0),
            files_due: AtomicI64::new(0),
            is_touched: AtomicBool::new(false),
        });
        open.insert(name.to_owned(), Arc::clone(&account));
        Ok(account)
    }

    /// Writes down what an account owes. Blocks.
    pub(super) fn settle(&self, account: &Account) -> Result<(), KvError> {
        let bytes = account.bytes_due.swap(0, Ordering::AcqRel);
        let files = account.files_due.swap(0, Ordering::AcqRel);
        if bytes == 0 && files == 0 {
            return Ok(());
        }
        match self.kv.add_file_usage(&account.name, bytes, files) {
            Ok(_) => Ok(()),
            Err(error) => {
                // Still owed; the next call of the plugin tries again.
                account.bytes_due.fetch_add(bytes, Ordering::AcqRel);
                account.files_due.fetch_add(files, Ordering::AcqRel);
                Err(error)
            }
        }
    }
}

impl Account {
    /// Takes room for `bytes` more, or says that there is none.
    pub(super) fn grow(&self, bytes: u64) -> Result<(), Limit> {
        let bytes = i64::try_from(bytes).map_err(|_| Limit::WrittenBytes)?;
        let max = i64::try_from(limits::WRITTEN_BYTES).unwrap_or(i64::MAX);
        take(&self.bytes, bytes, max).map_err(|()| Limit::WrittenBytes)?;
        self.bytes_due.fetch_add(bytes, Ordering::AcqRel);
        self.is_touched.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes room for one more file, folder or link.
    pub(super) fn add_file(&self) -> Result<(), Limit> {
        let max = i64::try_from(limits::WRITTEN_FILES).unwrap_or(i64::MAX);
        take(&self.files, 1, max).map_err(|()| Limit::WrittenFiles)?;
        self.files_due.fetch_add(1, Ordering::AcqRel);
        self.is_touched.store(true, Ordering::Release);
        Ok(())
    }

    /// Gives back what was freed, or what was taken for something that then failed.
    pub(super) fn shrink(&self, bytes: u64) {
        let given = give(&self.bytes, i64::try_from(bytes).unwrap_or(i64::MAX));
        self.bytes_due.fetch_sub(given, Ordering::AcqRel);
        self.is_touched.store(true, Ordering::Release);
    }

    /// Gives back the room of one file.
    pub(super) fn remove_file(&self) {
        let given = give(&self.files, 1);
        self.files_due.fetch_sub(given, Ordering::AcqRel);
        self.is_touched.store(true, Ordering::Release);
    }

    /// Answers whether anything was written since this was last asked.
    pub(super) fn take_touched(&self) -> bool {
        self.is_touched.swap(false, Ordering::AcqRel)
    }

    fn owes(&self) -> bool {
        self.bytes_due.load(Ordering::Acquire) != 0 || self.files_due.load(Ordering::Acquire) != 0
    }
}

/// What an account belongs to.
pub(super) enum AccountOf<'a> {
    /// A grant, known by when it was given, in milliseconds since 1970 UTC.
    Grant(u64),
    /// What was allowed for one call.
    Call(&'a str),
}

/// Names the account of a plugin, a folder bound to a path, and what allows it to write there.
pub(super) fn account_name(
    owner: &str,
    folder: &str,
    path: &Path,
    account_of: AccountOf<'_>,
) -> String {
    let last = match account_of {
        AccountOf::Grant(at_ms) => at_ms.to_string(),
        AccountOf::Call(id) => format!("call {id}"),
    };
    format!("{owner}\n{folder}\n{}\n{last}", path.display())
}

/// Answers whether an account may still be written to, given who holds grants and when they were
/// given. An account whose name is not understood is left to whoever understands it.
pub fn is_account_in_use(name: &str, holds_grant: impl Fn(&str, u64) -> bool) -> bool {
    let (Some((owner, _)), Some((_, last))) = (name.split_once('\n'), name.rsplit_once('\n'))
    else {
        return true;
    };
    match last.parse() {
        Ok(at_ms) => holds_grant(owner, at_ms),
        // A call's own account ends with the call.
        Err(_) => !last.starts_with("call "),
    }
}

fn take(held: &AtomicI64, more: i64, max: i64) -> Result<(), ()> {
    held.fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
        held.checked_add(more).filter(|next| *next <= max)
    })
    .map(drop)
    .map_err(drop)
}

/// Takes `less` away, down to zero; returns how much that was.
fn give(held: &AtomicI64, less: i64) -> i64 {
    let before = held
        .fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
            Some(held.saturating_sub(less).max(0))
        })
        .unwrap_or_default();
    before.min(less)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> (tempfile::TempDir, Accounts) {
        let home = tempfile::tempdir().unwrap();
        let accounts = Accounts::new(Kv::at(home.path()));
        (home, accounts)
    }

    #[test]
    fn bytes_are_taken_up_to_the_quota_and_not_one_more() {
        let (_home, accounts) = accounts();
        let account = accounts.open("a").unwrap();
        account.grow(limits::WRITTEN_BYTES).unwrap();
        assert_eq!(account.grow(1), Err(Limit::WrittenBytes));
        account.shrink(1);
        account.grow(1).unwrap();
        assert_eq!(account.grow(u64::MAX), Err(Limit::WrittenBytes));
    }

    #[test]
    fn files_are_taken_up_to_the_quota_and_not_one_more() {
        let (_home, accounts) = accounts();
        let account = accounts.open("a").unwrap();
        (0..limits::WRITTEN_FILES).for_each(|_| account.add_file().unwrap());
        assert_eq!(account.add_file(), Err(Limit::WrittenFiles));
        account.remove_file();
        account.add_file().unwrap();
    }

    #[test]
    fn an_account_is_in_use_as_long_as_its_grant_is_held() {
        let holds = |owner: &str, at_ms| (owner, at_ms) == ("ax:a from folder:/a", 7);
        let name = |owner, account_of| {
            account_name(owner, "workspace", Path::new("/home/me/a\nb"), account_of)
        };
        assert!(is_account_in_use(&name("ax:a from folder:/a", AccountOf::Grant(7)), holds));
        assert!(!is_account_in_use(&name("ax:a from folder:/a", AccountOf::Grant(8)), holds));
        assert!(!is_account_in_use(&name("ax:b from folder:/a", AccountOf::Grant(7)), holds));
        assert!(!is_account_in_use(&name("ax:a from folder:/a", AccountOf::Call("7")), holds));
        for unknown in ["", "of a newer host", "two\nlines"] {
            assert!(is_account_in_use(unknown, holds), "{unknown}");
        }
    }

    #[test]
    fn freeing_what_others_wrote_gives_no_credit() {
        let (_home, accounts) = accounts();
        let account = accounts.open("a").unwrap();
        account.shrink(1 << 40);
        account.grow(limits::WRITTEN_BYTES).unwrap();
        assert_eq!(account.grow(1), Err(Limit::WrittenBytes));
    }

    #[test]
    fn what_was_written_is_remembered_by_the_next_process() {
        let (home, accounts) = accounts();
        let account = accounts.open("a").unwrap();
        account.grow(limits::WRITTEN_BYTES - 1).unwrap();
        accounts.settle(&account).unwrap();
        accounts.settle(&account).unwrap();
        let next = Accounts::new(Kv::at(home.path()));
        let account = next.open("a").unwrap();
        account.grow(1).unwrap();
        assert_eq!(account.grow(1), Err(Limit::WrittenBytes));
        next.open("b").unwrap().grow(limits::WRITTEN_BYTES).unwrap();
    }
}
