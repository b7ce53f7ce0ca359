//! The SQL that changes the database.
//!
//! Invariant: a row is made `requesting` and ended once; no statement touches one that ended, and a
//! trigger refuses it.
//!
//! Not here: when it is written (`writer`), what is old (`prune`), what others left (`orphans`), the tables
//! (`schema`).

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::params;

use crate::chat::Error;
use crate::chat::Finish;
use crate::ledger::database::Database;
use crate::ledger::entry::Ended;
use crate::ledger::entry::Intended;
use crate::ledger::entry::Piece;
use crate::ledger::entry::State;
use crate::ledger::entry::amount;
use crate::ledger::entry::number;
use crate::ledger::error::LedgerError;
use crate::ledger::health::Check;
use crate::ledger::orphans;
use crate::ledger::queue::Job;
use crate::router::keeper;

/// Statements kept compiled: all there are, with room for more.
const STATEMENTS_MAX: usize = 32;

/// The writing connection.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
    database: Database,
    owner: Arc<str>,
}

/// One transaction.
pub(super) struct Writing<'a> {
    transaction: Transaction<'a>,
    owner: &'a str,
}

impl Store {
    pub(super) fn new(connection: Connection, database: Database, owner: Arc<str>) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Self { connection, database, owner }
    }

    /// Runs `work` as one transaction: on record when this returns, or without a trace if it fails.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Writing<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let Self { connection, database, owner } = self;
        transaction(connection, owner, work).map_err(|source| database.error("write", source))
    }

    /// Ends the requests of processes that are gone.
    pub(super) fn end_orphans(&mut self, now_ms: u64) -> Result<u64, LedgerError> {
        let ended = orphans::end(&mut self.connection, self.database.home(), now_ms);
        ended.map_err(|source| self.database.error("end what was left in", source))
    }
}

/// Runs `work` on the rows of `owner` as one transaction.
pub(super) fn transaction<T>(
    connection: &mut Connection,
    owner: &str,
    work: impl FnOnce(&Writing<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let writing = Writing { transaction, owner };
    let result = work(&writing)?;
    writing.transaction.commit()?;
    Ok(result)
}

impl Writing<'_> {
    pub(super) fn connection(&self) -> &Connection {
        &self.transaction
    }

    /// Does one job; says what is told to whoever waits for it.
    pub(super) fn take(&self, job: &Job) -> rusqlite::Result<Result<(), Error>> {
        match job {
            Job::Intend(intended, _) => self.intend(intended),
            Job::End(ended, _) => self.end(ended),
            Job::Piece(piece) => self.piece(piece).map(Ok),
            Job::Check(check) => self.check(check).map(Ok),
            Job::Flush(_) => Ok(Ok(())),
        }
    }

    /// Makes the row of a request, or says who is asked now.
    pub(super) fn intend(&self, it: &Intended) -> rusqlite::Result<Result<(), Error>> {
        if it.attempt > 1 {
            let sql = "UPDATE requests SET provider = ?3, key = ?4, model = ?5, attempts = ?6, \
                       bound_micro_usd = ?7 \
                       WHERE id = ?1 AND owner = ?2 AND state = 'requesting' AND attempts < ?6";
            let Intended { id, provider, key, model, attempt, bound_micro_usd, .. } = it;
            let row = params![id, self.owner, provider, key, model, attempt, bound_micro_usd];
            let changed = self.transaction.prepare_cached(sql)?.execute(row)?;
            let gone = || Err(keeper::unkept("the first attempt of the request is not on record"));
            return Ok(if changed == 1 { Ok(()) } else { gone() });
        }
        let sql = "INSERT INTO requests (id, caller, owner, state, provider, key, model, began_ms, \
                   attempts, bound_micro_usd) VALUES (?1, ?2, ?3, 'requesting', ?4, ?5, ?6, ?7, 1, ?8)";
        let Intended { id, caller, provider, key, model, began_ms, bound_micro_usd, .. } = it;
        let row = params![id, caller, self.owner, provider, key, model, began_ms, bound_micro_usd];
        match self.transaction.prepare_cached(sql)?.execute(row) {
            Ok(_) => Ok(Ok(())),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(Err(Error::invalid(format!("`id` is `{id}`, which was used before"))))
            }
            Err(error) => Err(error),
        }
    }

    /// Ends a request, in its row if somebody may have been asked.
    pub(super) fn end(&self, it: &Ended) -> rusqlite::Result<Result<(), Error>> {
        if it.intents == 0 {
            self.never_sent(it)?;
            return Ok(Ok(()));
        }
        let sql = "UPDATE requests SET state = ?3, ended_ms = ?4, duration_ms = ?5, attempts = ?6, \
                   trail = ?7, finish = ?8, error_class = ?9, error_status = ?10, error_code = ?11, \
                   error_message = ?12, input = ?13, output = ?14, cache_read = ?15, \
                   cache_write = ?16, reasoning = ?17, cost_micro_usd = ?18, \
                   reported_micro_usd = ?19, basis = ?20, is_unpriced = ?21, degradations = ?22, \
                   bound_micro_usd = NULL WHERE id = ?1 AND owner = ?2 AND state = 'requesting'";
        let (state, error, usage) = (state(it), it.error.as_ref(), it.usage);
        let changed = self.transaction.prepare_cached(sql)?.execute(params![
            it.id,
            self.owner,
            state.word(),
            it.at_ms,
            it.duration_ms,
            it.attempts,
            it.trail(),
            it.finish.map(Finish::word),
            error.map(|it| it.class.word()),
            error.and_then(|it| it.status),
            error.map(|it| &it.code),
            error.map(|it| &it.message),
            amount(usage.input),
            amount(usage.output),
            amount(usage.cache_read),
            amount(usage.cache_write),
            amount(usage.reasoning),
            it.cost_micro_usd,
            it.reported_micro_usd,
            it.basis(),
            it.is_unpriced,
            it.degradations(),
        ])?;
        if changed == 0 {
            return Ok(Err(keeper::unkept("the request is not on record as one that goes on")));
        }
        for check in Check::of(it) {
            self.check(&check)?;
        }
        if let Some(body) = &it.body {
            let sql = "INSERT OR IGNORE INTO responses VALUES (?1, ?2, ?3, ?4, ?5)";
            let is_whole = body.text.len() == body.bytes;
            let bytes = i64::try_from(body.text.len()).unwrap_or(i64::MAX);
            let row = params![it.id, it.at_ms, bytes, is_whole, body.text];
            self.transaction.prepare_cached(sql)?.execute(row)?;
        }
        Ok(Ok(()))
    }

    /// Writes down that nobody was asked. A name that was used before stays what it was.
    fn never_sent(&self, it: &Ended) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO requests (id, caller, owner, state, began_ms, ended_ms, \
                   duration_ms, error_class, error_status, error_code, error_message, \
                   cost_micro_usd, basis) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 'reported')";
        let (state, error) = (state(it), it.error.as_ref());
        self.transaction.prepare_cached(sql)?.execute(params![
            it.id,
            it.caller,
            self.owner,
            state.word(),
            it.began_ms,
            it.at_ms,
            it.duration_ms,
            error.map(|it| it.class.word()),
            error.and_then(|it| it.status),
            error.map(|it| &it.code),
            error.map(|it| &it.message),
        ])?;
        Ok(())
    }

    fn piece(&self, it: &Piece) -> rusqlite::Result<()> {
        let sql = "INSERT OR IGNORE INTO chunks VALUES (?1, ?2, ?3, ?4, ?5)";
        let bytes = i64::try_from(it.chunk.len()).unwrap_or(i64::MAX);
        let row = params![it.id, it.index, it.at_ms, bytes, it.chunk];
        self.transaction.prepare_cached(sql)?.execute(row).map(drop)
    }

    fn check(&self, it: &Check) -> rusqlite::Result<()> {
        let sql = "INSERT INTO health (provider, at_ms, is_probe, is_well, latency_ms, remaining, \
                   reset_ms, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.transaction.prepare_cached(sql)?.execute(params![
            it.provider,
            number(it.at_ms),
            it.is_probe,
            it.is_well,
            number(it.latency_ms),
            it.remaining.map(number),
            it.reset_ms.map(number),
            it.error,
        ])?;
        Ok(())
    }
}

fn state(ended: &Ended) -> State {
    if ended.is_completed { State::Completed } else { State::Failed }
}
