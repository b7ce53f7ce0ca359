//! The SQL that says who owns a task.
//!
//! Invariant: each claim raises the epoch, so that what its predecessor still appends is refused.

use rusqlite::{OptionalExtension as _, params};

use super::alive;
use super::columns::{hash, number, unsigned};
use super::writer::Writing;
use crate::journal::error::JournalError;
use crate::journal::lease::Lease;
use crate::workflow::TaskId;

impl Writing<'_> {
    /// Takes a task for this process.
    pub(super) fn claim(
        &self,
        run: TaskId,
        now_ms: u64,
        until_ms: u64,
    ) -> Result<Lease, JournalError> {
        let sql = "SELECT owner, lease_until_ms, epoch, head_seq, head_hash, is_deleted FROM run \
                   WHERE id = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            let owner: Option<String> = row.get(0)?;
            let (held_until_ms, is_deleted) = (unsigned(row, 1)?, row.get::<_, bool>(5)?);
            let (head_seq, head_hash) = (unsigned(row, 3)?, hash(row, 4)?);
            let epoch = unsigned(row, 2)? + 1;
            let lease = Lease { run, epoch, head_seq, head_hash, until_ms };
            Ok((owner, held_until_ms, is_deleted, lease))
        };
        let found = self.transaction.query_row(sql, [run.as_bytes()], read).optional();
        let found = found.map_err(|source| self.error(source))?;
        let Some((owner, held_until_ms, is_deleted, lease)) = found else {
            return Err(JournalError::Unknown { name: run.to_string() });
        };
        if is_deleted {
            return Err(JournalError::Deleted { run });
        }
        let is_free =
            |owner: &String| held_until_ms <= now_ms || alive::is_gone(self.database.home(), owner);
        if let Some(owner) = owner.filter(|owner| !is_free(owner)) {
            return Err(JournalError::Held { run, owner, until_ms: held_until_ms });
        }
        let sql = "UPDATE run SET owner = ?2, epoch = ?3, lease_until_ms = ?4 WHERE id = ?1";
        let values = params![run.as_bytes(), self.owner, number(lease.epoch), number(until_ms)];
        self.execute(sql, values)?;
        Ok(lease)
    }

    /// Makes a lease last longer.
    pub(super) fn renew(
        &self,
        run: TaskId,
        epoch: u64,
        head_seq: u64,
        until_ms: u64,
    ) -> Result<(), JournalError> {
        let sql = "UPDATE run SET lease_until_ms = ?4 WHERE id = ?1 AND epoch = ?2 AND owner = ?3";
        let values = params![run.as_bytes(), number(epoch), self.owner, number(until_ms)];
        if self.execute(sql, values)? == 1 {
            return Ok(());
        }
        Err(self.stale(run, epoch, head_seq)?)
    }

    /// Gives a task back.
    pub(super) fn release(
        &self,
        run: TaskId,
        epoch: u64,
        head_seq: u64,
    ) -> Result<(), JournalError> {
        let sql = "UPDATE run SET lease_until_ms = 0, owner = NULL \
                   WHERE id = ?1 AND epoch = ?2 AND owner = ?3";
        if self.execute(sql, params![run.as_bytes(), number(epoch), self.owner])? == 1 {
            return Ok(());
        }
        Err(self.stale(run, epoch, head_seq)?)
    }
}
