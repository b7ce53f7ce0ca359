//! The same without us: SQLite with two tables, and a file that is forced to disk.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use ax_tests::row::percentile;
use rusqlite::{Connection, params};

/// Bytes of an entry as ours are, its columns but the body counted out.
const ENTRY_BYTES: usize = 350;

/// Measures so often and returns the median.
pub(crate) fn median(rounds: usize, mut one: impl FnMut(u64)) -> Duration {
    let mut samples: Vec<Duration> = (0..rounds as u64)
        .map(|round| {
            let begun = Instant::now();
            one(round);
            begun.elapsed()
        })
        .collect();
    percentile(&mut samples, 50)
}

/// Measures two things in turn, so often, and returns both medians: a disk that others use as well is slow or
/// fast for both.
pub(crate) fn in_turn(
    rounds: usize,
    mut one: impl FnMut(u64),
    mut other: impl FnMut(u64),
) -> (Duration, Duration) {
    let (mut ones, mut others) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for round in 0..rounds as u64 {
        let begun = Instant::now();
        one(round);
        ones.push(begun.elapsed());
        let begun = Instant::now();
        other(round);
        others.push(begun.elapsed());
    }
    (percentile(&mut ones, 50), percentile(&mut others, 50))
}

/// A file that is forced to disk.
pub(crate) struct Forced(fs_err::File);

impl Forced {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(fs_err::File::create(folder.join("floor")).expect("a file"))
    }

    /// Writes a page and forces it out.
    pub(crate) fn write(&mut self) {
        self.0.write_all(&[1; 4096]).expect("room");
        self.0.sync_data().expect("a disk");
    }
}

/// A database as one would make it for this.
pub(crate) struct Bare {
    connection: Connection,
    seq: i64,
}

impl Bare {
    /// Makes one; `sync` is SQLite's `synchronous`.
    pub(crate) fn new(folder: &Path, name: &str, sync: &str) -> Self {
        let connection = Connection::open(folder.join(name)).expect("a database");
        let schema = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {sync}; \
             CREATE TABLE entry (run BLOB, seq INTEGER, kind TEXT, at INTEGER, body BLOB, \
             PRIMARY KEY (run, seq)) WITHOUT ROWID; \
             CREATE TABLE saved (id BLOB PRIMARY KEY, body BLOB); \
             CREATE TABLE run (id BLOB PRIMARY KEY, head INTEGER, state TEXT); \
             INSERT INTO run VALUES (x'01', 0, 'executing');"
        );
        connection.execute_batch(&schema).expect("its tables");
        Self { connection, seq: 0 }
    }

    /// Adds an entry.
    pub(crate) fn append(&mut self, run: u8) {
        self.seq += 1;
        let sql = "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut statement = self.connection.prepare_cached(sql).expect("SQL");
        let body = [b'x'; ENTRY_BYTES];
        statement.execute(params![[run; 16], self.seq, "intended", 1, body]).expect("room");
    }

    /// Saves two KiB: the text under its name, an entry that names it, and the row of the task.
    pub(crate) fn save(&mut self, round: u64) {
        self.connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        self.append(1);
        let mut name = [b'n'; 32];
        name[..8].copy_from_slice(&round.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        let sql = "INSERT INTO saved VALUES (?1, ?2)";
        let mut statement = self.connection.prepare_cached(sql).expect("SQL");
        statement.execute(params![name, [b'y'; 2048]]).expect("room");
        let sql = "UPDATE run SET head = ?1 WHERE id = x'01'";
        let mut statement = self.connection.prepare_cached(sql).expect("SQL");
        statement.execute(params![self.seq]).expect("room");
        drop(statement);
        self.connection.execute_batch("COMMIT").expect("room");
    }

    /// Adds an entry to each of 64 runs in one transaction.
    pub(crate) fn group(&mut self) {
        self.connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        for run in 0..64 {
            self.append(run);
        }
        self.connection.execute_batch("COMMIT").expect("room");
    }
}

/// Reads all columns of rows, as values.
pub(crate) fn read(connection: &Connection, sql: &str, id: Option<&[u8]>) -> usize {
    let mut statement = connection.prepare_cached(sql).expect("SQL");
    let columns = statement.column_count();
    let mut rows = match id {
        Some(id) => statement.query([id]),
        None => statement.query([]),
    }
    .expect("rows");
    let mut kept: Vec<Vec<rusqlite::types::Value>> = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let values = (0..columns).map(|at| row.get(at));
        kept.push(values.collect::<Result<_, _>>().expect("values"));
    }
    kept.len()
}
