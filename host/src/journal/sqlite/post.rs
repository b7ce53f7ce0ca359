//! The SQL of letters to tasks.
//!
//! Invariant: an answer is taken once, for what is asked, as long as it may be given.

use rusqlite::{OptionalExtension as _, params};

use super::columns::{hash, json, number, unsigned};
use super::writer::Writing;
use crate::journal::error::JournalError;
use crate::journal::inbox::{self, LETTERS_MAX, Request};
use crate::workflow::TaskId;

impl Writing<'_> {
    /// Writes a letter to a task.
    pub(super) fn send(
        &self,
        run: TaskId,
        request: &Request,
        by: &str,
        at_ms: u64,
    ) -> Result<u64, JournalError> {
        let sql = "SELECT is_deleted, (SELECT count(*) FROM inbox WHERE run = ?1) FROM run \
                   WHERE id = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let found: Option<(bool, i64)> = self.one(sql, [run.as_bytes()], read)?;
        match found {
            None => return Err(JournalError::Unknown { name: run.to_string() }),
            Some((true, _)) => return Err(JournalError::Deleted { run }),
            Some((false, waiting)) if waiting >= LETTERS_MAX as i64 => {
                return Err(JournalError::Full { what: "the task", max: LETTERS_MAX });
            }
            Some((false, _)) => {}
        }
        if let Request::Answer { question, bound_to, answer } = request {
            self.check(run, *question, bound_to, at_ms)?;
            let sql = "UPDATE gate SET answer = ?3, answered_by = ?4 WHERE run = ?1 AND seq = ?2";
            let answer = inbox::word(answer);
            self.execute(sql, params![run.as_bytes(), number(*question), answer, by])?;
        }
        let sql = "INSERT INTO inbox (run, kind, by_whom, at_ms, body) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![run.as_bytes(), request.kind(), by, number(at_ms), json(request)];
        self.execute(sql, values)?;
        Ok(self.transaction.last_insert_rowid().cast_unsigned())
    }

    /// Refuses an answer that cannot be taken.
    fn check(
        &self,
        run: TaskId,
        question: u64,
        bound_to: &ax_manifest::Digest,
        at_ms: u64,
    ) -> Result<(), JournalError> {
        let sql = "SELECT bound_to, expires_ms, answer, answered_by FROM gate \
                   WHERE run = ?1 AND seq = ?2";
        let read = |row: &rusqlite::Row<'_>| {
            let answered: (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            Ok((hash(row, 0)?, unsigned(row, 1)?, answered))
        };
        let found = self.one(sql, params![run.as_bytes(), number(question)], read)?;
        match found {
            None => Err(JournalError::NotAsked { run, question }),
            Some((_, _, (Some(answer), by))) => {
                let by = by.unwrap_or_default();
                Err(JournalError::Answered { run, question, answer, by })
            }
            Some((held, ..)) if held != *bound_to => Err(JournalError::Changed { run, question }),
            Some((_, expires_ms, _)) if expires_ms <= at_ms => {
                Err(JournalError::Expired { run, question })
            }
            Some(_) => Ok(()),
        }
    }

    /// Reads a row, if there is one.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, JournalError> {
        let found = self.transaction.prepare_cached(sql);
        let found = found.and_then(|mut it| it.query_row(values, read).optional());
        found.map_err(|source| self.error(source))
    }
}
