//! The SQL that adds to a task.
//!
//! Invariant: an entry is put only on the head that its writer knew, in the epoch that holds; all of a batch
//! is written, or the transaction is undone.

use std::collections::HashSet;

use rusqlite::{ErrorCode, OptionalExtension as _, params};

use super::columns::{digest, json, number, words};
use super::schema::CODEC_PLAIN;
use super::writer::Writing;
use crate::journal::context::Message;
use crate::journal::entry::{Kept, Written};
use crate::journal::error::{Damage, JournalError};
use crate::journal::inbox;
use crate::journal::lease::{Sealed, Turn};
use crate::journal::row::{About, Status};
use crate::workflow::{Gate, TaskId};

/// Makes the row of a task, held by this process, without entries.
const CREATE: &str = "INSERT INTO run (id, root, parent, depth, title, work, name, spec, by_whom, labels, \
     created_ms, state, resume_to, why, component, engine, spent, budget, deadline_ms, wake_ms, done, \
     total, told_seq, updated_ms, owner, epoch, lease_until_ms, head_seq, head_hash) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'idle', NULL, NULL, NULL, NULL, '{}', '{}', \
     NULL, NULL, 0, 0, 0, ?11, ?12, ?13, ?14, ?15, ?16)";

/// Changes the row of a task whose head and owner are as they are known.
const MOVE: &str = "UPDATE run SET state = ?6, resume_to = ?7, why = ?8, component = ?9, engine = ?10, \
     spent = ?11, budget = ?12, deadline_ms = ?13, wake_ms = ?14, done = ?15, total = ?16, \
     told_seq = ?17, updated_ms = ?18, head_seq = ?19, head_hash = ?20 \
     WHERE id = ?1 AND epoch = ?2 AND owner = ?3 AND head_seq = ?4 AND head_hash = ?5";

const ENTRY: &str = "INSERT INTO journal (run, seq, epoch, at_ms, kind, correlation, before_hash, body) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const TEXT: &str = "INSERT INTO blob (hash, uses, codec, data) VALUES (?1, 1, ?2, ?3) \
     ON CONFLICT (hash) DO UPDATE SET uses = uses + 1";

const MESSAGE: &str = "INSERT OR IGNORE INTO context (node, parent, uses, message) \
     VALUES (?1, ?2, 0, ?3)";

const NAME: &str = "UPDATE context SET uses = uses + 1 WHERE node = ?1";

impl Writing<'_> {
    /// Runs a statement, and returns how many rows it changed.
    pub(super) fn execute(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<usize, JournalError> {
        let done = self.transaction.prepare_cached(sql).and_then(|mut it| it.execute(values));
        done.map_err(|source| self.error(source))
    }

    /// Makes a task with its first entries.
    pub(super) fn create(
        &self,
        about: &About,
        sealed: &Sealed,
        until_ms: u64,
    ) -> Result<(), JournalError> {
        let run = about.run;
        let known = "SELECT 1 FROM run WHERE id = ?1";
        let known =
            self.transaction.prepare_cached(known).and_then(|mut it| it.exists([run.as_bytes()]));
        if known.map_err(|source| self.error(source))? {
            return Err(JournalError::Exists { run });
        }
        let (root, parent) = (about.root(), about.parent.as_ref());
        let values = params![
            run.as_bytes(),
            root.as_bytes(),
            parent.map(|it| it.task.as_bytes()),
            parent.map_or(0, |it| it.depth),
            about.title,
            about.work.word(),
            about.name,
            digest(about.spec.as_ref()),
            about.by,
            json(&about.labels),
            number(about.created_at_ms),
            self.owner,
            number(sealed.epoch),
            number(until_ms),
            number(sealed.from.0),
            sealed.from.1.as_bytes(),
        ];
        self.execute(CREATE, values)?;
        for (key, value) in &about.labels {
            let sql = "INSERT INTO label (key, value, run) VALUES (?1, ?2, ?3)";
            self.execute(sql, params![key, value, run.as_bytes()])?;
        }
        self.append(sealed)
    }

    /// Appends a batch.
    pub(super) fn append(&self, it: &Sealed) -> Result<(), JournalError> {
        self.advance(it)?;
        for entry in &it.entries {
            self.entry(it.run, entry)?;
        }
        for kept in &it.kept {
            self.keep(it.run, kept)?;
        }
        self.converse(it.run, &it.context)?;
        for node in &it.conversations {
            if self.execute(NAME, [node.as_bytes()])? == 0 {
                return Err(JournalError::NotKept { run: it.run, digest: *node });
            }
        }
        for turn in &it.gates {
            self.turn(it.run, turn)?;
        }
        if it.status.state.is_terminal() {
            let sql = "UPDATE gate SET answer = 'void', answered_by = '' \
                       WHERE run = ?1 AND answer IS NULL";
            self.execute(sql, [it.run.as_bytes()])?;
        }
        for letter in &it.letters {
            let sql = "DELETE FROM inbox WHERE id = ?1 AND run = ?2";
            self.execute(sql, params![number(*letter), it.run.as_bytes()])?;
        }
        Ok(())
    }

    /// Moves the head, if it is where the batch says.
    fn advance(&self, it: &Sealed) -> Result<(), JournalError> {
        let Status { state, component, engine, spent, limit, .. } = &it.status;
        let (state, resume_to, why) = words(*state);
        let values = params![
            it.run.as_bytes(),
            number(it.epoch),
            self.owner,
            number(it.from.0),
            it.from.1.as_bytes(),
            state,
            resume_to,
            why,
            digest(component.as_ref()),
            digest(engine.as_ref()),
            json(spent),
            json(limit),
            it.status.deadline_ms.map(number),
            it.status.wake_at_ms.map(number),
            it.status.done,
            it.status.total,
            number(it.status.told_seq),
            number(it.status.updated_at_ms),
            number(it.to.0),
            it.to.1.as_bytes(),
        ];
        if self.execute(MOVE, values)? == 1 {
            return Ok(());
        }
        Err(self.stale(it.run, it.epoch, it.from.0)?)
    }

    /// Finds out why a task is not where somebody thought.
    pub(super) fn stale(
        &self,
        run: TaskId,
        epoch: u64,
        head_seq: u64,
    ) -> Result<JournalError, JournalError> {
        let sql = "SELECT epoch, head_seq, is_deleted FROM run WHERE id = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found: Option<(i64, i64, bool)> = self
            .transaction
            .query_row(sql, [run.as_bytes()], read)
            .optional()
            .map_err(|source| self.error(source))?;
        Ok(match found {
            None => JournalError::Unknown { name: run.to_string() },
            Some((_, _, true)) => JournalError::Deleted { run },
            Some((held_epoch, held_seq, false)) => JournalError::Stale {
                run,
                epoch,
                held_epoch: held_epoch.cast_unsigned(),
                head_seq,
                held_seq: held_seq.cast_unsigned(),
            },
        })
    }

    fn entry(&self, run: TaskId, it: &Written) -> Result<(), JournalError> {
        let values = params![
            run.as_bytes(),
            it.seq.cast_signed(),
            it.epoch.cast_signed(),
            it.at_ms.cast_signed(),
            it.kind,
            it.correlation.map(u64::cast_signed),
            it.before.as_bytes(),
            it.body,
        ];
        let done = self.transaction.prepare_cached(ENTRY).and_then(|mut sql| sql.execute(values));
        done.map(drop).map_err(|source| match source.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => {
                JournalError::Damaged { run, seq: it.seq, what: Damage::Beyond }
            }
            _ => self.error(source),
        })
    }

    fn keep(&self, run: TaskId, kept: &Kept) -> Result<(), JournalError> {
        let name = kept.digest.as_bytes();
        if let Some(text) = &kept.text {
            return self.execute(TEXT, params![name, CODEC_PLAIN, text.as_bytes()]).map(drop);
        }
        let sql = "UPDATE blob SET uses = uses + 1 WHERE hash = ?1";
        match self.execute(sql, [name])? {
            0 => Err(JournalError::NotKept { run, digest: kept.digest }),
            _ => Ok(()),
        }
    }

    /// Keeps messages, from the newest on: where one is kept, so are all before it.
    fn converse(&self, run: TaskId, messages: &[Message]) -> Result<(), JournalError> {
        let mut known = None;
        let (mut added, mut parents) = (HashSet::new(), Vec::new());
        for it in messages.iter().rev() {
            if known == Some(it.node) {
                known = it.parent;
                continue;
            }
            let parent = digest(it.parent.as_ref());
            if self.execute(MESSAGE, params![it.node.as_bytes(), parent, it.body])? == 1 {
                added.insert(it.node);
                parents.extend(it.parent);
            } else if !added.contains(&it.node) {
                known = it.parent;
            }
        }
        for parent in parents {
            if self.execute(NAME, [parent.as_bytes()])? == 0 {
                return Err(JournalError::NotKept { run, digest: parent });
            }
        }
        Ok(())
    }

    fn turn(&self, run: TaskId, turn: &Turn) -> Result<(), JournalError> {
        match turn {
            Turn::Opened(seq, asked, at_ms) => {
                let sql = "INSERT INTO gate (run, seq, is_form, bound_to, text, asked_ms, expires_ms) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
                let values = params![
                    run.as_bytes(),
                    number(*seq),
                    matches!(asked.gate, Gate::Form { .. }),
                    asked.bound_to.as_bytes(),
                    asked.text,
                    number(*at_ms),
                    number(asked.expires_at_ms),
                ];
                self.execute(sql, values).map(drop)
            }
            Turn::Closed { question, answer, by } => {
                let sql =
                    "UPDATE gate SET answer = ?3, answered_by = ?4 WHERE run = ?1 AND seq = ?2";
                let (seq, answer) = (number(*question), inbox::word(answer));
                self.execute(sql, params![run.as_bytes(), seq, answer, by]).map(drop)
            }
        }
    }
}
