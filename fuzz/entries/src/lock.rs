//! `plugins.lock`.

use ax_registry::LOCK_VERSION;
use ax_registry::Lockfile;

use crate::shown;
use crate::text;

/// Checks that an accepted lock is written in one way, and read back the same.
pub fn lock(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let lock = match Lockfile::parse(text) {
        Ok(lock) => lock,
        Err(error) => return shown::refusal(&error, error.hint()),
    };
    assert_eq!(lock.version, LOCK_VERSION, "an older form becomes the one that is written");
    let written = lock.to_text().unwrap_or_else(|error| panic!("cannot be written: {error}"));
    let read = Lockfile::parse(&written).expect("what was written is a lock");
    assert_eq!(read, lock, "through {written}");
    assert_eq!(read.to_text().as_ref(), Ok(&written), "one lock has one text");
}
