//! How providers did: a row for each attempt that tells something, and for each time somebody looked.
//!
//! Invariant: an attempt tells something if the provider answered or is to blame; what a caller did wrong
//! does not count, and neither does what nobody waited for.
//!
//! Not here: the health of a router that runs (`router::health`), which forgets with its process.

use rusqlite::params;
use serde::Serialize;

use crate::ledger::entry::Ended;
use crate::ledger::entry::number;
use crate::ledger::entry::read;
use crate::ledger::error::LedgerError;
use crate::ledger::prune::DAY_MS;
use crate::ledger::read::Reader;

/// How a provider was found once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its name.
    pub provider: String,
    /// When, in wall time.
    pub at_ms: u64,
    /// Somebody looked; otherwise a request told.
    pub is_probe: bool,
    /// It answered.
    pub is_well: bool,
    /// Milliseconds until the first of the answer, or until it failed.
    pub latency_ms: u64,
    /// Requests that it said are left.
    pub remaining: Option<u64>,
    /// When there are more, in wall time.
    pub reset_ms: Option<u64>,
    /// The code of what went wrong.
    pub error: Option<String>,
}

/// How a provider did over a while.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// Hours until now.
    pub hours: u64,
    /// Attempts that tell something.
    pub attempts: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Parts of a million that were answered; nothing without attempts.
    pub availability_ppm: Option<u64>,
    /// Milliseconds until the first of the answer, in half of what was answered.
    pub p50_ms: Option<u64>,
    /// The same in 95 of 100.
    pub p95_ms: Option<u64>,
}

/// How a provider did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sla {
    /// Its name.
    pub provider: String,
    /// The last hour, the last day, the last 30 days, as far as rows are kept.
    pub spans: [Span; 3],
    /// How it was found last.
    pub last: Check,
}

impl Check {
    /// Says what the attempts of a request tell.
    pub(super) fn of(ended: &Ended) -> impl Iterator<Item = Self> {
        let last = ended.steps.len().saturating_sub(1);
        let telling = ended.steps.iter().enumerate().filter(move |(at, step)| {
            // A last step without an error of a request that failed is one that nobody waited for.
            let is_answer = step.class.is_none() && *at == last && ended.is_completed;
            is_answer || step.blame.is_some()
        });
        telling.map(|(_, step)| Self {
            provider: step.provider.clone(),
            at_ms: read(ended.at_ms),
            is_well: step.class.is_none(),
            latency_ms: step.took_ms,
            error: step.code.clone(),
            ..Self::default()
        })
    }
}

impl Reader {
    /// Says how each provider did that there are rows of, by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn sla(&self, now_ms: u64) -> Result<Vec<Sla>, LedgerError> {
        self.run("read", |connection| {
            let sql = "SELECT DISTINCT provider FROM health ORDER BY provider";
            let mut statement = connection.prepare_cached(sql)?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            let names = names.collect::<rusqlite::Result<Vec<_>>>()?;
            let of = |provider: String| {
                let span = |hours: u64| {
                    let since = now_ms.saturating_sub(hours * (DAY_MS / 24));
                    span(connection, &provider, hours, since)
                };
                let spans = [span(1)?, span(24)?, span(30 * 24)?];
                let last = last(connection, &provider)?;
                Ok(Sla { provider, spans, last })
            };
            names.into_iter().map(of).collect()
        })
    }
}

fn span(
    connection: &rusqlite::Connection,
    provider: &str,
    hours: u64,
    since_ms: u64,
) -> rusqlite::Result<Span> {
    let sql = "SELECT count(*), coalesce(sum(is_well), 0) FROM health \
               WHERE provider = ?1 AND at_ms >= ?2";
    let key = params![provider, number(since_ms)];
    let count = |row: &rusqlite::Row<'_>| Ok((read(row.get(0)?), read(row.get(1)?)));
    let (attempts, answered) = connection.prepare_cached(sql)?.query_row(key, count)?;
    let rank = |percent: u64| -> rusqlite::Result<Option<u64>> {
        let Some(at) = (answered * percent).div_ceil(100).checked_sub(1) else { return Ok(None) };
        let sql = "SELECT latency_ms FROM health WHERE provider = ?1 AND at_ms >= ?2 AND is_well \
                   ORDER BY latency_ms LIMIT 1 OFFSET ?3";
        let key = params![provider, number(since_ms), number(at)];
        connection.prepare_cached(sql)?.query_row(key, |row| row.get(0).map(read)).map(Some)
    };
    Ok(Span {
        hours,
        attempts,
        answered,
        availability_ppm: (answered * 1_000_000).checked_div(attempts),
        p50_ms: rank(50)?,
        p95_ms: rank(95)?,
    })
}

fn last(connection: &rusqlite::Connection, provider: &str) -> rusqlite::Result<Check> {
    let sql = "SELECT at_ms, is_probe, is_well, latency_ms, remaining, reset_ms, error FROM health \
               WHERE provider = ?1 ORDER BY at_ms DESC, seq DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row([provider], |row| {
        Ok(Check {
            provider: provider.to_owned(),
            at_ms: read(row.get(0)?),
            is_probe: row.get(1)?,
            is_well: row.get(2)?,
            latency_ms: read(row.get(3)?),
            remaining: row.get::<_, Option<i64>>(4)?.map(read),
            reset_ms: row.get::<_, Option<i64>>(5)?.map(read),
            error: row.get(6)?,
        })
    })
}
