//! What plugins have written into granted folders, against their quota.
//!
//! ```text
//! turn ─→ measure ─→ grow(bytes) ─→ change the file ─→ turn ends
//!                       └─→ account of (plugin, folder, grant) ──→ plugins.db, at the end of the call
//! ```
//!
//! An account belongs to one grant: whoever revokes it and grants it anew starts at nothing. What
//! frees space gives it back, down to zero. A file that is removed while a call has it open frees
//! nothing then, and stays counted.
//!
//! Invariant: an account never goes beyond its quota in one process, whatever calls do at the same
//! time: what is measured and what is changed belong to one turn. Several processes that write at
//! once learn of each other when a call first writes and when it ends, so together they can exceed
//! the quota by what each wrote in one call.
//! Not here: which effects grow a folder (`imports/wasi/files`).

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::held::HeldFiles;
use super::limits::{self, Limit};
use crate::kv::{FileUsage, Kv, KvError};

/// Accounts kept in memory; one more starts by forgetting those that owe nothing.
const ACCOUNTS_MAX: usize = 1_024;

/// The accounts that calls of this process have used.
pub(super) struct Accounts {
    kv: Kv,
    open: Mutex<HashMap<String, Arc<Account>>>,
    /// What calls have open of the folders they may write in.
    pub(super) held: HeldFiles,
}

/// What was written under one grant.
#[derive(Debug)]
pub(super) struct Account {
    name: String,
    sums: Mutex<Sums>,
    /// Held while something is measured and changed.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Held while the database is asked, so that nothing is added twice.
    asking: Mutex<()>,
}

#[derive(Debug, Default)]
struct Sums {
    bytes: Sum,
    files: Sum,
}

/// One number of an account.
#[derive(Debug, Default)]
struct Sum {
    /// What the database said last, with what other processes wrote.
    stored: i64,
    /// Not in the database yet; negative when more was freed.
    due: i64,
}

impl Accounts {
    pub(super) fn new(kv: Kv) -> Self {
        Self { kv, open: Mutex::new(HashMap::new()), held: HeldFiles::default() }
    }

    /// Opens an account and asks the database what it says now. Blocks.
    pub(super) fn open(&self, name: &str) -> Result<Arc<Account>, KvError> {
        let account = self.find(name);
        let asking = hold(&account.asking);
        let used = self.kv.file_usage(name)?;
        hold(&account.sums).store(used);
        drop(asking);
        Ok(account)
    }

    fn find(&self, name: &str) -> Arc<Account> {
        let mut open = hold(&self.open);
        if let Some(account) = open.get(name) {
            return Arc::clone(account);
        }
        if open.len() >= ACCOUNTS_MAX {
            open.retain(|_, account| Arc::strong_count(account) > 1 || account.owes());
        }
        let account = Arc::new(Account {
            name: name.to_owned(),
            sums: Mutex::default(),
            turn: Arc::default(),
            asking: Mutex::default(),
        });
        open.insert(name.to_owned(), Arc::clone(&account));
        account
    }

    /// Writes down what an account owes, and learns what others wrote. Blocks. What cannot be
    /// written down is still owed; the next call of the plugin tries again.
    pub(super) fn settle(&self, account: &Account) -> Result<(), KvError> {
        let _asking = hold(&account.asking);
        let (bytes, files) = {
            let sums = hold(&account.sums);
            (sums.bytes.due, sums.files.due)
        };
        if bytes == 0 && files == 0 {
            return Ok(());
        }
        let used = self.kv.add_file_usage(&account.name, bytes, files)?;
        let mut sums = hold(&account.sums);
        sums.bytes.due -= bytes;
        sums.files.due -= files;
        sums.store(used);
        Ok(())
    }
}

impl Account {
    /// Returns what it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until nothing else is measured and changed under this grant, and keeps it so.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Takes room for `bytes` more, or says that there is none.
    pub(super) fn grow(&self, bytes: u64) -> Result<(), Limit> {
        hold(&self.sums).bytes.take(bytes, limits::WRITTEN_BYTES).ok_or(Limit::WrittenBytes)
    }

    /// Takes room for one more file, folder or link.
    pub(super) fn add_file(&self) -> Result<(), Limit> {
        hold(&self.sums).files.take(1, limits::WRITTEN_FILES).ok_or(Limit::WrittenFiles)
    }

    /// Gives back what was freed, or what was taken for something that then failed.
    pub(super) fn shrink(&self, bytes: u64) {
        hold(&self.sums).bytes.give(bytes);
    }

    /// Gives back the room of one file.
    pub(super) fn remove_file(&self) {
        hold(&self.sums).files.give(1);
    }

    fn owes(&self) -> bool {
        let sums = hold(&self.sums);
        sums.bytes.due != 0 || sums.files.due != 0
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

impl Sums {
    fn store(&mut self, used: FileUsage) {
        self.bytes.stored = i64::try_from(used.bytes).unwrap_or(i64::MAX);
        self.files.stored = i64::try_from(used.files).unwrap_or(i64::MAX);
    }
}

impl Sum {
    /// What is used; others may have freed what this process wanted to give back.
    fn used(&self) -> i64 {
        self.stored.saturating_add(self.due).max(0)
    }

    fn take(&mut self, amount: u64, max: u64) -> Option<()> {
        let amount = i64::try_from(amount).ok()?;
        let next = self.used().checked_add(amount)?;
        if amount > 0 && u64::try_from(next).is_ok_and(|next| next > max) {
            return None;
        }
        self.due = self.due.saturating_add(amount);
        Some(())
    }

    /// Gives back down to zero: freeing what others wrote is no credit.
    fn give(&mut self, amount: u64) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX).min(self.used());
        self.due = self.due.saturating_sub(amount);
    }
}

/// A lock that a panic poisoned guards numbers that are whole after each line.
fn hold<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn what_another_process_wrote_counts_from_the_next_call_on() {
        let (home, accounts) = accounts();
        let other = Accounts::new(Kv::at(home.path()));
        accounts.open("a").unwrap();
        let theirs = other.open("a").unwrap();
        theirs.grow(limits::WRITTEN_BYTES).unwrap();
        (0..limits::WRITTEN_FILES).for_each(|_| theirs.add_file().unwrap());
        other.settle(&theirs).unwrap();
        let ours = accounts.open("a").unwrap();
        assert_eq!(ours.grow(1), Err(Limit::WrittenBytes));
        assert_eq!(ours.add_file(), Err(Limit::WrittenFiles));
        theirs.shrink(2);
        other.settle(&theirs).unwrap();
        let ours = accounts.open("a").unwrap();
        ours.grow(1).unwrap();
        accounts.settle(&ours).unwrap();
        let theirs = other.open("a").unwrap();
        theirs.grow(1).unwrap();
        assert_eq!(theirs.grow(1), Err(Limit::WrittenBytes));
    }

    #[test]
    fn what_two_processes_give_back_is_no_credit() {
        let (home, accounts) = accounts();
        let other = Accounts::new(Kv::at(home.path()));
        let ours = accounts.open("a").unwrap();
        ours.grow(10).unwrap();
        accounts.settle(&ours).unwrap();
        let theirs = other.open("a").unwrap();
        ours.shrink(10);
        theirs.shrink(10);
        accounts.settle(&ours).unwrap();
        other.settle(&theirs).unwrap();
        let again = accounts.open("a").unwrap();
        again.grow(limits::WRITTEN_BYTES).unwrap();
        assert_eq!(again.grow(1), Err(Limit::WrittenBytes));
    }
}
