//! The SQL that forgets.
//!
//! ```text
//! a task that is over, with all that are part of it ──► its entries ──► what they name, once less used
//!                                                                         └─ by nobody: gone
//! ```
//!
//! Invariant: what a task that is kept names stays. What a damaged entry named stays, too: nobody can say
//! what that was.

use rusqlite::params;

use super::columns::{digest, optional_digest, task};
use super::read::written;
use super::writer::Writing;
use crate::journal::entry::conversation;
use crate::journal::error::JournalError;
use crate::workflow::{TaskId, Text};

/// Tasks that are removed in one commit, so that others do not wait for long.
const AT_ONCE: i64 = 16;

/// A task and all that are part of it.
const TREE: &str = "WITH RECURSIVE tree (id) AS (SELECT ?1 UNION SELECT run.id FROM run \
     JOIN tree ON run.parent = tree.id) ";

impl Writing<'_> {
    /// Removes the entries of a task and of those that are part of it. Returns how many tasks.
    pub(super) fn delete(&self, run: TaskId) -> Result<usize, JournalError> {
        let name = run.as_bytes();
        let sql = "SELECT is_deleted FROM run WHERE id = ?1";
        match self.one(sql, [name], |row| row.get::<_, bool>(0))? {
            None => return Err(JournalError::Unknown { name: run.to_string() }),
            Some(true) => return Err(JournalError::Deleted { run }),
            Some(false) => {}
        }
        let tree = |rest: &str| format!("{TREE}{rest}");
        let sql = tree(
            "SELECT run.id FROM run JOIN tree ON run.id = tree.id \
             WHERE run.state NOT IN ('completed', 'failed') AND NOT run.is_deleted LIMIT 1",
        );
        if let Some(run) = self.one(&sql, [name], |row| task(row, 0))? {
            return Err(JournalError::NotOver { run });
        }
        let sql =
            tree("SELECT run.id FROM run JOIN tree ON run.id = tree.id WHERE NOT run.is_deleted");
        let doomed = self.all(&sql, [name], |row| task(row, 0))?;
        for run in &doomed {
            self.forget(*run)?;
        }
        Ok(doomed.len())
    }

    /// Removes some of what was over before a time, but for the newest.
    pub(super) fn prune(&self, before_ms: i64, newest_kept: i64) -> Result<usize, JournalError> {
        // Rows of which something is not over are passed over, so that they do not stand in the way.
        let sql = "SELECT id FROM (SELECT id, updated_ms FROM run \
             WHERE parent IS NULL AND state IN ('completed', 'failed') AND NOT is_deleted \
             ORDER BY id DESC LIMIT -1 OFFSET ?2) AS old WHERE updated_ms < ?1 AND NOT EXISTS \
             (SELECT 1 FROM run WHERE root = old.id AND parent IS NOT NULL AND NOT is_deleted \
             AND state NOT IN ('completed', 'failed')) ORDER BY id LIMIT ?3";
        let values = params![before_ms, newest_kept, AT_ONCE];
        let doomed = self.all(sql, values, |row| task(row, 0))?;
        doomed.iter().try_fold(0, |sum, run| Ok(sum + self.delete(*run)?))
    }

    /// Removes all of one task but its row.
    fn forget(&self, run: TaskId) -> Result<(), JournalError> {
        let name = run.as_bytes();
        let mut after = 0;
        // One at a time: a task may have any number, and a row that is read is not one that goes.
        let sql = "SELECT seq, epoch, at_ms, kind, correlation, before_hash, body FROM journal \
                   WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT 1";
        while let Some(entry) = self.one(sql, params![name, after], written)? {
            after = entry.seq.cast_signed();
            let Some(mut fact) = entry.fact() else { continue };
            for text in fact.texts_mut() {
                if let Text::Kept(digest) = text {
                    self.drop_text(digest.as_bytes())?;
                }
            }
            if let Some(node) = conversation(&fact) {
                self.drop_message(node)?;
            }
        }
        for sql in [
            "DELETE FROM journal WHERE run = ?1",
            "DELETE FROM gate WHERE run = ?1",
            "DELETE FROM inbox WHERE run = ?1",
            "DELETE FROM label WHERE run = ?1",
            "UPDATE run SET is_deleted = 1, title = '', labels = '{}', owner = NULL, \
             lease_until_ms = 0, wake_ms = NULL, epoch = epoch + 1 WHERE id = ?1",
        ] {
            self.execute(sql, [name])?;
        }
        Ok(())
    }

    fn drop_text(&self, hash: &[u8; 32]) -> Result<(), JournalError> {
        self.execute("UPDATE blob SET uses = uses - 1 WHERE hash = ?1", [hash])?;
        self.execute("DELETE FROM blob WHERE hash = ?1 AND uses <= 0", [hash]).map(drop)
    }

    /// Lets go of a message, and of those before it that nobody else names.
    fn drop_message(&self, node: ax_manifest::Digest) -> Result<(), JournalError> {
        let mut next = Some(node);
        while let Some(node) = next {
            let name = digest(Some(&node));
            self.execute("UPDATE context SET uses = uses - 1 WHERE node = ?1", [name])?;
            let sql = "DELETE FROM context WHERE node = ?1 AND uses <= 0 RETURNING parent";
            next = self.one(sql, [name], |row| optional_digest(row, 0))?.flatten();
        }
        Ok(())
    }

    fn all<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, JournalError> {
        let found = self.transaction.prepare_cached(sql);
        let found = found.and_then(|mut it| it.query_map(values, read)?.collect());
        found.map_err(|source| self.error(source))
    }
}
