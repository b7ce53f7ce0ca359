//! Generations: the lock and the grants of one moment, switched together.
//!
//! ```text
//! AX_HOME/gen/000041/{plugins.lock, grants.toml}
//! AX_HOME/gen/000042/{plugins.lock, grants.toml}     files and folders forced out first,
//! AX_HOME/current                  "000042\n"        then renamed over: the only commit
//! ```
//!
//! A commit takes the next number. A folder above the current number belongs to a commit that died,
//! or to the time before a person went back from a damaged one, as the error told them: by writing an
//! older number into `current`. It is ignored, and the next commit removes it.
//!
//! Invariant: at every moment `current` names a generation that is whole on the disk, or no commit
//! was ever begun.
//! Not here: what a lock says (`lock`), the bytes it names (`store`), plugin state (the host).

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use ax_manifest::Grants;

use crate::disk;
use crate::disk::Disk;
use crate::disk::PRIVATE_FILE;
use crate::disk::UNFINISHED;
use crate::home_lock::HomeLock;
use crate::lock::Lockfile;

mod error;
mod read;
mod retention;

pub use error::Damage;
pub use error::GenerationError;
pub use read::GRANTS_BYTES_MAX;
pub use retention::KeptFor;
pub use retention::Retention;
pub use retention::Sorted;

/// Earlier generations kept beside the current one: enough to go back over a bad afternoon, and
/// small, since generations share the blobs they name.
pub const EARLIER_KEPT: u64 = 10;

/// Earlier generations kept, however recent they are: more than people commit in an hour, so that a
/// script that commits without end does not fill the disk.
const RECENT_KEPT: u64 = 1_000;

/// Above every number in use; there is no wrap-around to reason about.
const NUMBER_END: u64 = 1_000_000_000_000;

pub(crate) const FOLDER: &str = "gen";
pub(crate) const CURRENT: &str = "current";
const LOCK: &str = "plugins.lock";
const GRANTS: &str = "grants.toml";

/// The generations of one home folder.
#[derive(Clone, Debug)]
pub struct Generations {
    home: PathBuf,
    disk: Disk,
}

/// What was installed and granted at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// Its number; 0 before anything was committed.
    pub number: u64,
    /// What is installed.
    pub lock: Lockfile,
    /// What is granted.
    pub grants: Grants,
}

impl Generations {
    /// Names the generations of a home folder. Nothing is made before the first commit.
    pub fn open(home: &Path) -> Self {
        Self::on(Disk::real(), home)
    }

    fn on(disk: Disk, home: &Path) -> Self {
        Self { home: home.to_owned(), disk }
    }

    /// Commits a lock and grants as the next generation, and gives its number.
    ///
    /// Of the earlier generations the last [`EARLIER_KEPT`] stay; of those before, the ones that were
    /// current at `in_use_since` or later, the ones that cannot be read and the ones that alone name a
    /// state of a plugin's data: it gets them back when it is installed again.
    ///
    /// # Errors
    ///
    /// [`GenerationError::WrongLock`]; [`GenerationError::Current`] when it cannot be told which
    /// number is next; [`GenerationError::Unwritable`] and [`GenerationError::UnwritableGrants`]
    /// before anything is written; [`GenerationError::Write`].
    pub fn commit(
        &self,
        home_lock: &HomeLock,
        lock: &Lockfile,
        grants: &Grants,
        in_use_since: SystemTime,
    ) -> Result<u64, GenerationError> {
        if !home_lock.covers(&self.home) {
            return Err(GenerationError::WrongLock { home: self.home.clone() });
        }
        let last = self.current_number()?;
        let number = last + 1;
        if number >= NUMBER_END {
            let why = "its number is too large".to_owned();
            let path = self.home.join(CURRENT);
            return Err(GenerationError::Current { path, why, intact: None });
        }
        let stale = self.stale(last, lock, in_use_since)?;
        let lock =
            lock.to_text().map_err(|source| GenerationError::Unwritable { number, source })?;
        let grants = read::grants_text(grants)
            .map_err(|why| GenerationError::UnwritableGrants { number, why })?;
        self.write(number, &stale, lock.as_bytes(), grants.as_bytes())
            .map_err(|source| GenerationError::Write { number, path: self.home.clone(), source })?;
        Ok(number)
    }

    /// Makes the changes, in the only order that survives a death between any two of them.
    fn write(&self, number: u64, stale: &[PathBuf], lock: &[u8], grants: &[u8]) -> io::Result<()> {
        let (folder, current) = (self.home.join(FOLDER), self.home.join(CURRENT));
        if number == 1 && !current.exists() {
            // From here on, a folder without `current` is damage and not a first commit that died.
            self.disk.replace(&current, number_text(0).as_bytes(), PRIVATE_FILE)?;
        }
        self.disk.make_folders(&self.home, &[FOLDER])?;
        for (at, path) in stale.iter().enumerate() {
            // Out of sight first: a generation half removed would look damaged.
            let condemned = folder.join(format!("{UNFINISHED}removed-{at}"));
            if path.starts_with(&folder) && !is_unfinished(path) {
                self.disk.remove(&condemned)?;
                self.disk.rename(path, &condemned)?;
                self.disk.remove(&condemned)?;
            } else {
                self.disk.remove(path)?;
            }
        }
        let unfinished = folder.join(format!("{UNFINISHED}{number:06}"));
        self.disk.make_folder(&unfinished)?;
        self.disk.write_new(&unfinished.join(LOCK), lock)?;
        self.disk.write_new(&unfinished.join(GRANTS), grants)?;
        self.disk.sync_folder(&unfinished)?;
        self.disk.publish_folder(&unfinished, &self.path_of(number))?;
        self.disk.replace(&current, number_text(number).as_bytes(), PRIVATE_FILE)
    }

    /// Lists what commits that died left behind, and generations that become too old.
    ///
    /// They are removed before the new one is written, so that a failure leaves the old state whole
    /// and says so, rather than failing after the switch.
    fn stale(
        &self,
        last: u64,
        coming: &Lockfile,
        in_use_since: SystemTime,
    ) -> Result<Vec<PathBuf>, GenerationError> {
        let mut stale = Vec::new();
        let prefix = disk::unfinished_prefix(Path::new(CURRENT));
        for (name, path) in read::entries(&self.home)? {
            if name.starts_with(&prefix) {
                stale.push(path);
            }
        }
        let outlived = self.outlived(last, coming, in_use_since)?;
        for (name, path) in read::entries(&self.home.join(FOLDER))? {
            let goes = |number: u64| number > last || outlived.contains(&number);
            if name.starts_with(UNFINISHED) || read::number(&name).is_some_and(goes) {
                stale.push(path);
            }
        }
        // The order of a listing is the filesystem's; removals should not depend on it.
        stale.sort_unstable();
        Ok(stale)
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.home.join(FOLDER).join(format!("{number:06}"))
    }
}

/// Writes a number as `current` holds it.
fn number_text(number: u64) -> String {
    format!("{number:06}\n")
}

fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED))
}

#[cfg(test)]
mod tests;
