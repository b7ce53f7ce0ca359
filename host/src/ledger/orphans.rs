//! What processes left that are gone.
//!
//! ```text
//! its log ── the records that are not in the database yet ──► requests ── still open? ──► orphaned
//!    └────────────────────── one transaction, then the file goes ─────────────────────────┘
//! ```
//!
//! Invariant: doing it again, or by two at once, comes to the same: an intent whose row is there and the end
//! of a row that ended change nothing. A log of which not all can be read is kept beside the others.
//! Not here: how a log is read (`log`), and whether a process is gone (`alive`).

use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::params;

use crate::ledger::alive;
use crate::ledger::alive::Grave;
use crate::ledger::entry::number;
use crate::ledger::log;
use crate::ledger::log::Record;
use crate::ledger::store;
use crate::ledger::store::Writing;

/// Writes down what processes left that are gone, and ends their requests; says how many were orphaned.
pub(super) fn end(connection: &mut Connection, home: &Path, now_ms: u64) -> rusqlite::Result<u64> {
    let mut orphaned = 0;
    for owner in owners(connection, home)? {
        let Some(grave) = Grave::of(home, &owner) else { continue };
        let (is_whole, ended) = store::transaction(connection, &owner, |store| {
            let is_whole = replay(store, &grave)?;
            Ok((is_whole, orphan(store, &owner, now_ms)?))
        })?;
        orphaned += ended;
        if is_whole { grave.close() } else { grave.set_aside() }
    }
    Ok(orphaned)
}

/// Names everybody who may have left something.
fn owners(connection: &Connection, home: &Path) -> rusqlite::Result<BTreeSet<String>> {
    let sql = "SELECT DISTINCT owner FROM requests WHERE state = 'requesting'";
    let mut statement = connection.prepare_cached(sql)?;
    let owners = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut owners = owners.collect::<rusqlite::Result<BTreeSet<_>>>()?;
    owners.extend(alive::names(home));
    Ok(owners)
}

/// Writes down what is in a log; false if it is damaged.
fn replay(store: &Writing<'_>, grave: &Grave) -> rusqlite::Result<bool> {
    let Some(file) = grave.log() else { return Ok(true) };
    for record in log::read(BufReader::new(file)) {
        // Refused, it is there already.
        match record {
            Ok(Record::Intend(intended)) => store.intend(&intended).map(drop)?,
            Ok(Record::End(ended)) => store.end(&ended).map(drop)?,
            Err(log::Damage) => return Ok(false),
        }
    }
    Ok(true)
}

/// Ends what is still open.
fn orphan(store: &Writing<'_>, owner: &str, now_ms: u64) -> rusqlite::Result<u64> {
    let sql = "UPDATE requests SET state = 'orphaned', ended_ms = max(?2, began_ms), \
               basis = 'estimated' WHERE owner = ?1 AND state = 'requesting'";
    let row = params![owner, number(now_ms)];
    store.connection().prepare_cached(sql)?.execute(row).map(|changed| changed as u64)
}
