//! What plugins have written into granted folders, against their quota.
//!
//! ```text
//! turn ─→ measure ─→ grow(bytes) ─→ change the file ─→ turn ends
//!                       └─→ account of (plugin, folder, grant) ──→ plugins.db, at the end of the call
//! ```
//!
//! A turn belongs to a device: a file has names in several folders, and several plugins may write in
//! one, so what one of them measures another could change. Between devices nothing is linked or
//! renamed, and a network mount that is gone holds up nobody else.
//!
//! An account belongs to one grant: whoever revokes it and grants it anew starts at nothing. What
//! frees space gives it back, down to zero. An account of one call ends with it. A file that is removed while a call has it open frees
//! nothing then, and stays counted.
//!
//! Invariant: an account never goes beyond its quota in one process, whatever calls do at the same
//! time: what is measured and what is changed belong to one turn. Several processes that write at
//! once learn of each other when a call first writes and when it ends, so together they can exceed
//! the quota by what each wrote in one call.
//! Not here: which effects grow a folder (`imports/wasi/files`).

use std::cmp::Ordering;
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
    /// One for each device that has a folder of those a person bound.
    turns: Mutex<HashMap<u64, Arc<tokio::sync::Mutex<()>>>>,
    /// What calls have open of the folders they may write in.
    pub(super) held: HeldFiles,
}

/// What was written under one grant.
#[derive(Debug)]
pub(super) struct Account {
    name: String,
    sums: Mutex<Sums>,
    device: u64,
    /// Held while something on the device is measured and changed.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Held while the database is asked, so that nothing is added twice.
    asking: Mutex<()>,
}

#[derive(Debug, Default)]
struct Sums {
    bytes: Sum,
    files: Sum,
}

/// Lasts while something is measured and changed.
pub(super) type Turn = OwnedMutexGuard<()>;

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
        Self { kv, open: Mutex::default(), turns: Mutex::default(), held: HeldFiles::default() }
    }

    /// Opens the account of a folder on `device` and asks the database what it says now. Blocks.
    pub(super) fn open(&self, name: &str, device: u64) -> Result<Arc<Account>, KvError> {
        let account = self.find(name, device);
        let asking = hold(&account.asking);
        let used = self.kv.file_usage(name)?;
        hold(&account.sums).store(used);
        drop(asking);
        Ok(account)
    }

    fn find(&self, name: &str, device: u64) -> Arc<Account> {
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
            device,
            turn: Arc::clone(hold(&self.turns).entry(device).or_default()),
            asking: Mutex::default(),
        });
        open.insert(name.to_owned(), Arc::clone(&account));
        account
    }

    /// Writes down what an account owes, and learns what others wrote. Blocks. What cannot be
    /// written down is still owed; the next call of the plugin tries again. The account of one call is
    /// forgotten.
    pub(super) fn settle(&self, account: &Account) -> Result<(), KvError> {
        if account.is_of_one_call() {
            hold(&self.open).remove(&account.name);
            return Ok(());
        }
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

    fn is_of_one_call(&self) -> bool {
        self.name.rsplit_once('\n').is_some_and(|(_, last)| last.starts_with(OF_ONE_CALL))
    }

    /// Waits until nothing else is measured and changed on the device, and keeps it so.
    pub(super) async fn turn(&self) -> Turn {
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

/// Waits for the turns of two accounts, which may be one; in the order of their devices whichever
/// comes first, as two calls that each wait for the other would wait for ever.
pub(super) async fn turns(one: &Account, other: &Account) -> (Turn, Option<Turn>) {
    match one.device.cmp(&other.device) {
        Ordering::Less => (one.turn().await, Some(other.turn().await)),
        Ordering::Equal => (one.turn().await, None),
        Ordering::Greater => (other.turn().await, Some(one.turn().await)),
    }
}

/// How the last line of an account's name begins if it belongs to one call.
const OF_ONE_CALL: &str = "call ";

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
        AccountOf::Call(id) => format!("{OF_ONE_CALL}{id}"),
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
        Err(_) => !last.starts_with(OF_ONE_CALL),
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

    const DEVICE: u64 = 1;

    fn accounts() -> (tempfile::TempDir, Accounts) {
        let home = tempfile::tempdir().unwrap();
        let accounts = Accounts::new(Kv::at(home.path()));
        (home, accounts)
    }

    #[test]
    fn bytes_are_taken_up_to_the_quota_and_not_one_more() {
        let (_home, accounts) = accounts();
        let account = accounts.open("a", DEVICE).unwrap();
        account.grow(limits::WRITTEN_BYTES).unwrap();
        assert_eq!(account.grow(1), Err(Limit::WrittenBytes));
        account.shrink(1);
        account.grow(1).unwrap();
        assert_eq!(account.grow(u64::MAX), Err(Limit::WrittenBytes));
    }

    #[test]
    fn files_are_taken_up_to_the_quota_and_not_one_more() {
        let (_home, accounts) = accounts();
        let account = accounts.open("a", DEVICE).unwrap();
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
        let account = accounts.open("a", DEVICE).unwrap();
        account.shrink(1 << 40);
        account.grow(limits::WRITTEN_BYTES).unwrap();
        assert_eq!(account.grow(1), Err(Limit::WrittenBytes));
    }

    #[test]
    fn what_was_written_is_remembered_by_the_next_process() {
        let (home, accounts) = accounts();
        let account = accounts.open("a", DEVICE).unwrap();
        account.grow(limits::WRITTEN_BYTES - 1).unwrap();
        accounts.settle(&account).unwrap();
        accounts.settle(&account).unwrap();
        let next = Accounts::new(Kv::at(home.path()));
        let account = next.open("a", DEVICE).unwrap();
        account.grow(1).unwrap();
        assert_eq!(account.grow(1), Err(Limit::WrittenBytes));
        next.open("b", DEVICE).unwrap().grow(limits::WRITTEN_BYTES).unwrap();
    }

    #[test]
    fn what_another_process_wrote_counts_from_the_next_call_on() {
        let (home, accounts) = accounts();
        let other = Accounts::new(Kv::at(home.path()));
        accounts.open("a", DEVICE).unwrap();
        let theirs = other.open("a", DEVICE).unwrap();
        theirs.grow(limits::WRITTEN_BYTES).unwrap();
        (0..limits::WRITTEN_FILES).for_each(|_| theirs.add_file().unwrap());
        other.settle(&theirs).unwrap();
        let ours = accounts.open("a", DEVICE).unwrap();
        assert_eq!(ours.grow(1), Err(Limit::WrittenBytes));
        assert_eq!(ours.add_file(), Err(Limit::WrittenFiles));
        theirs.shrink(2);
        other.settle(&theirs).unwrap();
        let ours = accounts.open("a", DEVICE).unwrap();
        ours.grow(1).unwrap();
        accounts.settle(&ours).unwrap();
        let theirs = other.open("a", DEVICE).unwrap();
        theirs.grow(1).unwrap();
        assert_eq!(theirs.grow(1), Err(Limit::WrittenBytes));
    }

    #[test]
    fn what_two_processes_give_back_is_no_credit() {
        let (home, accounts) = accounts();
        let other = Accounts::new(Kv::at(home.path()));
        let ours = accounts.open("a", DEVICE).unwrap();
        ours.grow(10).unwrap();
        accounts.settle(&ours).unwrap();
        let theirs = other.open("a", DEVICE).unwrap();
        ours.shrink(10);
        theirs.shrink(10);
        accounts.settle(&ours).unwrap();
        other.settle(&theirs).unwrap();
        let again = accounts.open("a", DEVICE).unwrap();
        again.grow(limits::WRITTEN_BYTES).unwrap();
        assert_eq!(again.grow(1), Err(Limit::WrittenBytes));
    }

    #[test]
    fn an_account_of_one_call_is_forgotten_when_it_is_settled() {
        let (home, accounts) = accounts();
        let name = account_name("ax:a", "workspace", Path::new("/a"), AccountOf::Call("7"));
        let account = accounts.open(&name, DEVICE).unwrap();
        account.grow(limits::WRITTEN_BYTES).unwrap();
        accounts.settle(&account).unwrap();
        assert!(hold(&accounts.open).is_empty());
        assert_eq!(Kv::at(home.path()).file_usage(&name).unwrap(), FileUsage::default());
    }

    #[tokio::test]
    async fn accounts_of_one_device_share_a_turn_and_those_of_two_do_not() {
        let (_home, accounts) = accounts();
        let [a, b] = ["a", "b"].map(|name| accounts.open(name, DEVICE).unwrap());
        let far = accounts.open("far", DEVICE + 1).unwrap();
        let held = a.turn().await;
        assert!(b.turn.try_lock().is_err());
        drop(far.turn().await);
        drop(held);
        for (one, other, are_two) in [(&a, &a, false), (&a, &b, false), (&a, &far, true)] {
            assert_eq!(turns(one, other).await.1.is_some(), are_two);
            assert_eq!(turns(other, one).await.1.is_some(), are_two);
            let _held = turns(one, other).await;
            assert!(one.turn.try_lock().is_err() && other.turn.try_lock().is_err());
        }
    }
}
