//! What became of all requests, and what they cost.
//!
//! Invariant: an account is one look at the database: every request in it is completed, failed, orphaned,
//! or goes on in a process that lives.

use rusqlite::Row;
use rusqlite::params;
use serde::Serialize;

use crate::ledger::entry::number;
use crate::ledger::entry::read;
use crate::ledger::error::LedgerError;
use crate::ledger::prune::DAY_MS;
use crate::ledger::read::Reader;

/// Rows of a sum by something.
const USAGE_ROWS_MAX: i64 = 10_000;

/// What sums are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The day a request began, in UTC.
    Day,
    /// The model that was asked last.
    Model,
    /// Its provider.
    Provider,
    /// What made it ask.
    Trigger,
}

/// What requests came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The day as `2026-11-22`, the model, the provider or the trigger. Empty where nobody was asked.
    pub name: String,
    /// Requests that are over.
    pub requests: u64,
    /// Those that were answered.
    pub completed: u64,
    /// Those that were not.
    pub failed: u64,
    /// Those whose process ended before.
    pub orphaned: u64,
    /// How often anybody was asked.
    pub attempts: u64,
    /// Tokens: read, written, from the cache, into the cache, of thoughts.
    pub tokens: [u64; 5],
    /// Cost by providers' own counts, in millionths of a dollar.
    pub reported_micro_usd: u64,
    /// Cost that is estimated.
    pub estimated_micro_usd: u64,
    /// Requests with a part whose price is not known.
    pub unpriced: u64,
    /// What the orphaned cost at most.
    pub bound_micro_usd: u64,
    /// The orphaned of which no bound is known.
    pub unbounded: u64,
}

/// What became of all requests that are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// All that are over.
    pub ended: Usage,
    /// Those that go on.
    pub requesting: u64,
    /// What these cost at most, as far as that is known.
    pub requesting_bound_micro_usd: u64,
}

/// The sums of `daily`, in the order of [`usage`].
const DAILY: &str = "sum(requests), sum(completed), sum(failed), sum(orphaned), sum(attempts), \
    sum(input), sum(output), sum(cache_read), sum(cache_write), sum(reasoning), \
    sum(reported_micro_usd), sum(estimated_micro_usd), sum(unpriced), sum(bound_micro_usd), \
    sum(unbounded)";

/// The same of `requests` that are over.
const REQUESTS: &str = "count(*), sum(state = 'completed'), sum(state = 'failed'), \
    sum(state = 'orphaned'), sum(attempts), sum(input), sum(output), sum(cache_read), \
    sum(cache_write), sum(reasoning), sum(reported_micro_usd), \
    sum(coalesce(cost_micro_usd, 0) - reported_micro_usd), \
    sum(state <> 'orphaned' AND (cost_micro_usd IS NULL OR is_unpriced)), \
    sum(iif(state = 'orphaned', coalesce(bound_micro_usd, 0), 0)), \
    sum(state = 'orphaned' AND bound_micro_usd IS NULL)";

impl Reader {
    /// Says what became of all requests that are kept, after ending those of processes that are gone.
    ///
    /// # Errors
    ///
    /// The database cannot be read or written.
    pub fn account(&mut self, now_ms: u64) -> Result<Account, LedgerError> {
        self.end_orphans(now_ms)?;
        let sql = format!(
            "SELECT '', {REQUESTS}, (SELECT count(*) FROM requests WHERE state = 'requesting'), \
             (SELECT coalesce(sum(bound_micro_usd), 0) FROM requests WHERE state = 'requesting') \
             FROM requests WHERE state <> 'requesting'"
        );
        self.run("read", |connection| {
            connection.prepare_cached(&sql)?.query_row([], |row| {
                Ok(Account {
                    ended: usage(row)?,
                    requesting: sum(row, 16)?,
                    requesting_bound_micro_usd: sum(row, 17)?,
                })
            })
        })
    }

    /// Sums the days up, since the day of `since_ms` if that is given; the newest day first, otherwise by
    /// name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn usage(&self, by: By, since_ms: Option<u64>) -> Result<Vec<Usage>, LedgerError> {
        let (name, order) = match by {
            By::Day => ("date(day * 86400, 'unixepoch')", "day DESC"),
            By::Model => ("model", "model"),
            By::Provider => ("provider", "provider"),
            By::Trigger => ("caller", "caller"),
        };
        let sql = format!(
            "SELECT {name}, {DAILY} FROM daily WHERE day >= ?1 GROUP BY 1 ORDER BY {order} LIMIT ?2"
        );
        let since = number(since_ms.unwrap_or(0) / DAY_MS);
        self.run("read", |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![since, USAGE_ROWS_MAX], usage)?;
            rows.collect()
        })
    }
}

fn usage(row: &Row<'_>) -> rusqlite::Result<Usage> {
    let mut tokens = [0; 5];
    for (at, count) in tokens.iter_mut().enumerate() {
        *count = sum(row, 6 + at)?;
    }
    Ok(Usage {
        name: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
        requests: sum(row, 1)?,
        completed: sum(row, 2)?,
        failed: sum(row, 3)?,
        orphaned: sum(row, 4)?,
        attempts: sum(row, 5)?,
        tokens,
        reported_micro_usd: sum(row, 11)?,
        estimated_micro_usd: sum(row, 12)?,
        unpriced: sum(row, 13)?,
        bound_micro_usd: sum(row, 14)?,
        unbounded: sum(row, 15)?,
    })
}

/// Reads a sum, of nothing too.
fn sum(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, Option<i64>>(at).map(|it| it.map_or(0, read))
}
