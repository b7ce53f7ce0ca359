//! The tables of `router.db`, and how an existing database is recognised.
//!
//! ```text
//! requests ── ended ──(trigger)──► daily         responses, chunks       health
//! one row each                     day × caller × what was said,         one row each attempt
//!                                  provider × model  if it is wanted     that tells something
//! ```
//!
//! `caller` is what made a request ask; days are counted from 1970 in UTC and are those of a request's
//! beginning; all money of a request is counted at the provider and model it was asked of last.

use std::path::Path;

use rusqlite::Connection;

use crate::ledger::error::LedgerError;

/// Marks a database as a ledger: `AXRT`.
pub(super) const APPLICATION_ID: i32 = 0x4158_5254;

/// The schema below; a database with a higher number is refused.
pub(super) const SCHEMA_VERSION: i32 = 1;

/// What a request adds to its day, in the order of the columns of `daily` behind its key.
macro_rules! add_to_daily {
    () => {
        "INSERT INTO daily VALUES (NEW.began_ms / 86400000, NEW.caller, NEW.provider, NEW.model, \
         1, NEW.state = 'completed', NEW.state = 'failed', NEW.state = 'orphaned', NEW.attempts, \
         NEW.input, NEW.output, NEW.cache_read, NEW.cache_write, NEW.reasoning, \
         NEW.reported_micro_usd, coalesce(NEW.cost_micro_usd, 0) - NEW.reported_micro_usd, \
         NEW.state <> 'orphaned' AND (NEW.cost_micro_usd IS NULL OR NEW.is_unpriced), \
         iif(NEW.state = 'orphaned', coalesce(NEW.bound_micro_usd, 0), 0), \
         NEW.state = 'orphaned' AND NEW.bound_micro_usd IS NULL) \
         ON CONFLICT DO UPDATE SET \
         requests = requests + 1, completed = completed + excluded.completed, \
         failed = failed + excluded.failed, orphaned = orphaned + excluded.orphaned, \
         attempts = attempts + excluded.attempts, \
         input = min(input + excluded.input, 1125899906842624), \
         output = min(output + excluded.output, 1125899906842624), \
         cache_read = min(cache_read + excluded.cache_read, 1125899906842624), \
         cache_write = min(cache_write + excluded.cache_write, 1125899906842624), \
         reasoning = min(reasoning + excluded.reasoning, 1125899906842624), \
         reported_micro_usd = min(reported_micro_usd + excluded.reported_micro_usd, 1125899906842624), \
         estimated_micro_usd = min(estimated_micro_usd + excluded.estimated_micro_usd, 1125899906842624), \
         unpriced = unpriced + excluded.unpriced, \
         bound_micro_usd = min(bound_micro_usd + excluded.bound_micro_usd, 1125899906842624), \
         unbounded = unbounded + excluded.unbounded; END"
    };
}

/// The statements that make the schema. The sums of a day stay at or below 2^50, so that the
/// days of years add up.
pub(super) const SCHEMA: [&str; 13] = [
    "CREATE TABLE requests (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, \
     caller TEXT NOT NULL, owner TEXT NOT NULL, \
     state TEXT NOT NULL CHECK (state IN ('requesting', 'completed', 'failed', 'orphaned')), \
     provider TEXT NOT NULL DEFAULT '', key TEXT NOT NULL DEFAULT '', \
     model TEXT NOT NULL DEFAULT '', began_ms INTEGER NOT NULL, ended_ms INTEGER, \
     duration_ms INTEGER, attempts INTEGER NOT NULL DEFAULT 0, trail TEXT, finish TEXT, \
     error_class TEXT, error_status INTEGER, error_code TEXT, error_message TEXT, \
     input INTEGER NOT NULL DEFAULT 0, output INTEGER NOT NULL DEFAULT 0, \
     cache_read INTEGER NOT NULL DEFAULT 0, cache_write INTEGER NOT NULL DEFAULT 0, \
     reasoning INTEGER NOT NULL DEFAULT 0, cost_micro_usd INTEGER, \
     reported_micro_usd INTEGER NOT NULL DEFAULT 0, basis TEXT, \
     is_unpriced INTEGER NOT NULL DEFAULT 0, bound_micro_usd INTEGER, degradations TEXT) STRICT",
    "CREATE INDEX requests_open ON requests (owner) WHERE state = 'requesting'",
    "CREATE INDEX requests_ended ON requests (ended_ms)",
    "CREATE TABLE responses (request TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, \
     bytes INTEGER NOT NULL, is_whole INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX responses_age ON responses (at_ms, bytes)",
    "CREATE TABLE chunks (request TEXT NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, \
     bytes INTEGER NOT NULL, chunk TEXT NOT NULL, PRIMARY KEY (request, number)) \
     STRICT, WITHOUT ROWID",
    "CREATE INDEX chunks_age ON chunks (at_ms, bytes)",
    "CREATE TABLE daily (day INTEGER NOT NULL, caller TEXT NOT NULL, provider TEXT NOT NULL, \
     model TEXT NOT NULL, requests INTEGER NOT NULL, completed INTEGER NOT NULL, \
     failed INTEGER NOT NULL, orphaned INTEGER NOT NULL, attempts INTEGER NOT NULL, \
     input INTEGER NOT NULL, output INTEGER NOT NULL, cache_read INTEGER NOT NULL, \
     cache_write INTEGER NOT NULL, reasoning INTEGER NOT NULL, \
     reported_micro_usd INTEGER NOT NULL, estimated_micro_usd INTEGER NOT NULL, \
     unpriced INTEGER NOT NULL, bound_micro_usd INTEGER NOT NULL, unbounded INTEGER NOT NULL, \
     PRIMARY KEY (day, caller, provider, model)) STRICT, WITHOUT ROWID",
    "CREATE TABLE health (seq INTEGER PRIMARY KEY, provider TEXT NOT NULL, at_ms INTEGER NOT NULL, \
     is_probe INTEGER NOT NULL, is_well INTEGER NOT NULL, latency_ms INTEGER NOT NULL, \
     remaining INTEGER, reset_ms INTEGER, error TEXT) STRICT",
    "CREATE INDEX health_of ON health (provider, at_ms, is_well, latency_ms)",
    concat!(
        "CREATE TRIGGER requests_end AFTER UPDATE OF state ON requests \
         WHEN OLD.state = 'requesting' AND NEW.state <> 'requesting' BEGIN ",
        add_to_daily!()
    ),
    concat!(
        "CREATE TRIGGER requests_never_sent AFTER INSERT ON requests \
         WHEN NEW.state <> 'requesting' BEGIN ",
        add_to_daily!()
    ),
    "CREATE TRIGGER requests_stay BEFORE UPDATE ON requests WHEN OLD.state <> 'requesting' \
     BEGIN SELECT raise(ABORT, 'a request that ended does not change'); END",
];

/// What is in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Our tables.
    Ours,
    /// Nothing at all.
    Empty,
}

/// Refuses what is not a database of ours, or newer than we are.
pub(super) fn probe(connection: &Connection, path: &Path) -> Result<Content, LedgerError> {
    let read = |sql| {
        let number = connection.query_row(sql, [], |row| row.get::<_, i32>(0));
        number.map_err(|source| LedgerError::from_sqlite(path, "read", source))
    };
    let (application_id, found) = (read("PRAGMA application_id")?, read("PRAGMA user_version")?);
    match (application_id, found) {
        (APPLICATION_ID, SCHEMA_VERSION) => Ok(Content::Ours),
        (APPLICATION_ID, _) if found > SCHEMA_VERSION => {
            Err(LedgerError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION })
        }
        (0, 0) if read("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(Content::Empty),
        _ => Err(LedgerError::Foreign { path: path.to_owned(), source: None }),
    }
}
