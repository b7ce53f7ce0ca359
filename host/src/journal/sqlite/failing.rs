//! Writes that fail, or kill the process, where a test armed a failpoint.
//!
//! Not here without the feature `failpoints`.

use std::sync::Arc;

use rusqlite::ffi;

use super::writer::{Fault, Point};
use crate::failpoint::{self, Action};

/// Returns what happens at the points of the writer, if anything is armed.
pub(super) fn armed() -> Option<Fault> {
    failpoint::is_armed().then(|| Arc::new(struck) as Fault)
}

fn struck(point: Point) -> rusqlite::Result<()> {
    let place = match point {
        Point::Begin => "before-begin",
        Point::Work => "after-work",
        Point::Commit => "before-commit",
        Point::Committed => "after-commit",
    };
    let code = match failpoint::strike(place) {
        None | Some(Action::Kill) => return Ok(()),
        Some(Action::Full) => ffi::SQLITE_FULL,
        Some(Action::Eio) => ffi::SQLITE_IOERR_FSYNC,
        Some(Action::ReadOnly) => ffi::SQLITE_READONLY,
        Some(Action::Busy) => ffi::SQLITE_BUSY,
    };
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
}
