//! What goes, oldest first, a little at a time.
//!
//! Invariant: a request that goes on never goes, and what a day came to stays.

use rusqlite::Connection;
use rusqlite::params;

use crate::ledger::Settings;
use crate::ledger::entry::number;

/// Rows that one statement removes: a millisecond or two, in which others wait.
const ROWS_AT_ONCE: i64 = 500;

/// Rows of health that are kept: at 100 attempts in a minute the last 16 hours, at one in a minute all of
/// [`HEALTH_MS`].
const HEALTH_ROWS_MAX: i64 = 100_000;

/// How long health is kept: 30 days are asked for, and one more.
const HEALTH_MS: u64 = 31 * DAY_MS;

pub(super) const DAY_MS: u64 = 86_400_000;

/// Removes some of what is old; false if there is more.
pub(super) fn some(
    connection: &Connection,
    now_ms: u64,
    settings: &Settings,
) -> rusqlite::Result<bool> {
    let since = |ms: u64| number(now_ms.saturating_sub(ms));
    let before = since(u64::from(settings.keep_days).saturating_mul(DAY_MS));
    let old = "DELETE FROM requests WHERE seq IN (SELECT seq FROM requests \
               WHERE ended_ms < ?1 AND state <> 'requesting' ORDER BY ended_ms LIMIT ?2)";
    let mut removed = connection.prepare_cached(old)?.execute(params![before, ROWS_AT_ONCE])?;
    for table in ["responses", "chunks"] {
        removed = removed.max(said(connection, table, before, settings)?);
    }
    let old = "DELETE FROM health WHERE seq IN (SELECT seq FROM health WHERE at_ms < ?1 \
               OR seq <= (SELECT max(seq) FROM health) - ?2 ORDER BY seq LIMIT ?3)";
    let row = params![since(HEALTH_MS), HEALTH_ROWS_MAX, ROWS_AT_ONCE];
    removed = removed.max(connection.prepare_cached(old)?.execute(row)?);
    Ok((removed as u64) < ROWS_AT_ONCE as u64)
}

/// Removes some of what was said: what is old, and the oldest of what is too much.
fn said(
    connection: &Connection,
    table: &str,
    before: i64,
    settings: &Settings,
) -> rusqlite::Result<usize> {
    let rows_max = if table == "responses" { settings.bodies_max } else { settings.chunks_max };
    let sum = format!("SELECT count(*), coalesce(sum(bytes), 0) FROM {table}");
    let (mut rows, mut bytes) = connection
        .prepare_cached(&sum)?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let sql = format!("SELECT at_ms, bytes FROM {table} ORDER BY at_ms LIMIT ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut oldest = statement.query([ROWS_AT_ONCE])?;
    let mut until = None;
    while let Some(row) = oldest.next()? {
        let (at_ms, size) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
        let is_too_much = rows > number(rows_max) || bytes > number(settings.bytes_max);
        if at_ms >= before && !is_too_much {
            break;
        }
        (rows, bytes, until) = (rows - 1, bytes - size, Some(at_ms));
    }
    let Some(until) = until else { return Ok(0) };
    let sql = format!("DELETE FROM {table} WHERE at_ms <= ?1");
    connection.prepare_cached(&sql)?.execute([until])
}
