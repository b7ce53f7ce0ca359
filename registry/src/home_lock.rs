//! One process at a time changes `AX_HOME`; the others wait, then learn who holds it.
//!
//! ```text
//! AX_HOME/lock    4711<tab>ax plugin add ./plugins/metrics
//! ```
//!
//! The lock is the kernel's on the open file, so it ends with the process however that dies; the
//! text in the file only names the holder, and may be stale or missing. The file is never removed:
//! a second process could then lock a new file while the first holds the old one.
//!
//! Invariant: at most one [`HomeLock`] of a folder exists on a machine.
//! Not here: what is changed under the lock (`generation`, `store`).

use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use fs_err as fs;

use crate::disk;
use crate::printable::printable;

/// Time between two attempts. Kernels offer no wait with a deadline for this lock, so it is polled;
/// 20 ms is below what a person notices, and fifty attempts a second cost nothing.
pub const POLL: Duration = Duration::from_millis(20);

/// Most bytes of the holder's line; enough for a command and a path.
const HOLDER_BYTES_MAX: usize = 200;

const LOCK_FILE: &str = "lock";

/// Proof that this process alone may change `AX_HOME`. Dropping it lets the next one in.
#[derive(Debug)]
pub struct HomeLock {
    file: fs::File,
    home: PathBuf,
}

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HomeLockError {
    /// Another process holds it, and went on holding it.
    #[error("`{home}` is in use by {holder}")]
    Held { home: PathBuf, holder: Holder, waited: Duration },
    /// The folder or the file cannot be made, or the filesystem cannot lock.
    #[error("cannot lock `{path}`")]
    Io { path: PathBuf, source: io::Error },
}

impl HomeLockError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { holder: Holder::Process { pid, .. }, .. } => {
                Some(format!("wait for process {pid} to finish, then type this again"))
            }
            Self::Held { holder: Holder::Unknown, .. } => {
                Some("wait for the other `ax` to finish, then type this again".to_owned())
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::Unsupported => {
                Some("set AX_HOME to a folder on a filesystem that can lock files".to_owned())
            }
            Self::Io { .. } => None,
        }
    }

    /// Tells whether trying again later may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

/// Who holds a lock, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A process that wrote its line.
    Process { pid: u32, what: String },
    /// A process that did not, or not yet.
    Unknown,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Process { pid, what } => write!(formatter, "process {pid} (`{what}`)"),
            Self::Unknown => formatter.write_str("another process"),
        }
    }
}

impl HomeLock {
    /// Takes the lock of a folder, making the folder if it is missing.
    ///
    /// `what` says what for, to whoever waits meanwhile; `wait` is the longest time to wait, rounded
    /// up to whole intervals of [`POLL`]. With zero there is one attempt.
    ///
    /// # Errors
    ///
    /// [`HomeLockError::Held`] after the wait; [`HomeLockError::Io`].
    pub fn acquire(home: &Path, what: &str, wait: Duration) -> Result<Self, HomeLockError> {
        Self::acquire_pausing(home, what, wait, std::thread::sleep)
    }

    /// Takes the lock, pausing between attempts by means of a function.
    fn acquire_pausing(
        home: &Path,
        what: &str,
        wait: Duration,
        mut pause: impl FnMut(Duration),
    ) -> Result<Self, HomeLockError> {
        let path = home.join(LOCK_FILE);
        let failed = |source| HomeLockError::Io { path: path.clone(), source };
        disk::make_home(home).map_err(failed)?;
        let mut file = disk::private_file_options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        // Counted instead of timed: a clock would be one more thing to inject.
        let mut attempts_left = wait.as_nanos().div_ceil(POLL.as_nanos());
        loop {
            match file.file().try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::WouldBlock) if attempts_left > 0 => {
                    attempts_left -= 1;
                    pause(POLL);
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    let holder = read_holder(&mut file);
                    return Err(HomeLockError::Held {
                        home: home.to_owned(),
                        holder,
                        waited: wait,
                    });
                }
                Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        // Best effort: the line is for people, the lock itself is held.
        write_holder(&mut file, what).ok();
        let home = fs::canonicalize(home).map_err(failed)?;
        Ok(Self { file, home })
    }

    /// Tells whether this is the lock of a folder.
    pub(crate) fn covers(&self, home: &Path) -> bool {
        fs::canonicalize(home).is_ok_and(|home| home == self.home)
    }
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        // Best effort: a stale line names nobody while nobody holds the lock.
        self.file.set_len(0).ok();
        // Closing the file would do; said outright, since the file may have been duplicated.
        self.file.file().unlock().ok();
    }
}

/// Writes the holder's line over that of an earlier one.
fn write_holder(file: &mut fs::File, what: &str) -> io::Result<()> {
    let line = format!("{}\t{}", std::process::id(), printable(what));
    let end = line.floor_char_boundary(HOLDER_BYTES_MAX);
    file.set_len(0)?;
    file.write_all(line.get(..end).unwrap_or_default().as_bytes())
}

/// Reads the holder's line as far as it can be read.
fn read_holder(file: &mut fs::File) -> Holder {
    let mut line = Vec::new();
    let bytes_max = HOLDER_BYTES_MAX as u64;
    if file.take(bytes_max).read_to_end(&mut line).is_err() {
        return Holder::Unknown;
    }
    let line = String::from_utf8_lossy(&line);
    let Some((pid, what)) = line.split_once('\t') else { return Holder::Unknown };
    match pid.parse() {
        Ok(pid) => Holder::Process { pid, what: printable(what) },
        Err(_) => Holder::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_once(home: &Path, what: &str) -> Result<HomeLock, HomeLockError> {
        HomeLock::acquire(home, what, Duration::ZERO)
    }

    #[test]
    fn a_second_process_learns_who_holds_the_lock() {
        let home = tempfile::tempdir().unwrap();
        let first = at_once(home.path(), "ax plugin add x").unwrap();
        let refused = at_once(home.path(), "ax plugin list").unwrap_err();
        assert!(refused.is_transient());
        let pid = std::process::id();
        let said = refused.to_string();
        assert!(said.ends_with(&format!("in use by process {pid} (`ax plugin add x`)")), "{said}");
        assert!(refused.hint().unwrap().contains(&pid.to_string()));
        drop(first);
        at_once(home.path(), "ax plugin list").unwrap();
    }

    #[test]
    fn a_waiting_process_gets_the_lock_when_it_is_released() {
        let home = tempfile::tempdir().unwrap();
        let mut first = Some(at_once(home.path(), "first").unwrap());
        let mut pauses = 0;
        let second = HomeLock::acquire_pausing(home.path(), "second", POLL * 10, |length| {
            assert_eq!(length, POLL);
            pauses += 1;
            if pauses == 3 {
                first = None;
            }
        });
        second.unwrap();
        assert_eq!(pauses, 3);
    }

    #[test]
    fn waiting_ends_after_the_time_given() {
        let home = tempfile::tempdir().unwrap();
        let _first = at_once(home.path(), "first").unwrap();
        for (wait, expected) in [(Duration::ZERO, 0), (POLL, 1), (POLL * 2 + POLL / 2, 3)] {
            let mut pauses = 0;
            let refused = HomeLock::acquire_pausing(home.path(), "second", wait, |_| pauses += 1);
            assert!(matches!(refused, Err(HomeLockError::Held { waited, .. }) if waited == wait));
            assert_eq!(pauses, expected);
        }
    }

    #[test]
    fn a_hostile_or_missing_line_names_nobody_and_steers_no_terminal() {
        let home = tempfile::tempdir().unwrap();
        let _first = at_once(home.path(), "first").unwrap();
        let holder = |line: &[u8]| {
            fs::write(home.path().join(LOCK_FILE), line).unwrap();
            match at_once(home.path(), "second") {
                Err(HomeLockError::Held { holder, .. }) => holder,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(holder(b""), Holder::Unknown);
        assert_eq!(holder(b"no tab"), Holder::Unknown);
        assert_eq!(holder(b"-1\tx"), Holder::Unknown);
        assert_eq!(holder(&[0xff; 5000]), Holder::Unknown);
        assert_eq!(
            holder(b"7\t\x1b[2J"),
            Holder::Process { pid: 7, what: "\\u{1b}[2J".to_owned() }
        );
    }

    #[test]
    fn a_long_or_broken_purpose_is_cut_and_escaped() {
        let home = tempfile::tempdir().unwrap();
        let _first = at_once(home.path(), &format!("a\nb{}", "é".repeat(500))).unwrap();
        let line = fs::read(home.path().join(LOCK_FILE)).unwrap();
        assert!(line.len() <= HOLDER_BYTES_MAX);
        assert!(std::str::from_utf8(&line).unwrap().contains("a\\u{a}b"));
    }

    #[test]
    fn the_line_of_a_longer_holder_does_not_shine_through() {
        let home = tempfile::tempdir().unwrap();
        drop(at_once(home.path(), "something rather long").unwrap());
        let _second = at_once(home.path(), "short").unwrap();
        let line = fs::read_to_string(home.path().join(LOCK_FILE)).unwrap();
        assert_eq!(line, format!("{}\tshort", std::process::id()));
    }

    #[test]
    fn a_lock_covers_its_own_folder_alone_however_that_is_spelt() {
        let home = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let lock = at_once(home.path(), "test").unwrap();
        assert!(lock.covers(&home.path().join(".")));
        assert!(!lock.covers(other.path()));
        assert!(!lock.covers(&home.path().join("missing")));
    }

    #[test]
    #[cfg(unix)]
    fn what_is_made_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        let home = base.path().join("new/home");
        let _lock = at_once(&home, "test").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home), 0o700);
        assert_eq!(mode(&home.join(LOCK_FILE)), 0o600);
    }

    #[test]
    fn a_file_in_the_way_is_an_error_that_names_it() {
        let base = tempfile::tempdir().unwrap();
        let home = base.path().join("home");
        fs::write(&home, "").unwrap();
        let refused = at_once(&home, "test").unwrap_err();
        assert!(refused.to_string().contains("home/lock"), "{refused}");
    }
}
