//! A file that is held while something is made, so that whoever comes second waits.
//!
//! Invariant: what is started meanwhile holds it too, as its standard input. So a program that outlives
//! this one, which was killed, still keeps others away from what it writes.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::process::Stdio;

use fs_err as fs;

/// A file that is held, until this and every program that was given it are gone.
#[derive(Debug)]
pub(super) struct Hold(File);

impl Hold {
    /// Takes hold of a file; `waiting` is called once if somebody else has it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(super) fn of(path: &Path, waiting: impl FnOnce()) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Opened to be read as well: programs find the end of it, as in a terminal nobody types at.
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self(file))
    }

    /// Gives it to a program that is about to be started, as what it reads: nothing.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(super) fn as_input(&self) -> io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::process::Command;

    #[test]
    fn a_program_holds_on_when_whoever_started_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let hold = Hold::of(&path, || panic!("nobody has it")).unwrap();
        let mut command = Command::new("sleep");
        let mut sleeper = command.arg("600").stdin(hold.as_input().unwrap()).spawn().unwrap();
        drop((hold, command));
        assert!(File::open(&path).unwrap().try_lock().is_err());
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        // Would wait for ever, were it still held.
        File::open(&path).unwrap().lock().unwrap();
    }

    #[test]
    fn a_program_has_nothing_to_read_and_whoever_waits_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock");
        let hold = Hold::of(&path, || panic!("nobody has it")).unwrap();
        let cat = Command::new("cat").stdin(hold.as_input().unwrap()).output().unwrap();
        assert!(cat.status.success() && cat.stdout.is_empty());
        let told = std::sync::Barrier::new(2);
        std::thread::scope(|threads| {
            let waiter = threads.spawn(|| Hold::of(&path, || _ = told.wait()).map(drop));
            told.wait();
            drop(hold);
            waiter.join().unwrap().unwrap();
        });
        let mut nothing = String::new();
        File::open(&path).unwrap().read_to_string(&mut nothing).unwrap();
        assert_eq!(nothing, "");
    }
}
