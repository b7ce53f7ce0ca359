//! Reading the log back: the newest rows, what came since, and everything.
//!
//! # Export
//!
//! One JSON object a line, in this order:
//!
//! ```text
//! {"type":"key","public_key":"ed25519:<hex>"}
//! {"type":"row","seq":1,"at_ms":…,"kind":"call","plugin":"ax:echo","decision":"allowed",
//!  "body":"{…}","hash":"sha256:<hex>"}
//! {"type":"checkpoint","seq":1,"hash":"sha256:<hex>","at_ms":…,"key_id":"<hex>",
//!  "signature":"<hex>"}
//! ```
//!
//! `body` is a string holding JSON text, because its exact bytes are hashed; read it with
//! `jq '.body | fromjson'`. To check an export without us: for each row compute the hash that the
//! documentation of [`audit`](crate::audit) gives from the row before, and for each checkpoint
//! the Ed25519 signature it gives; the key must be one you noted earlier.
//!
//! Invariant: the database is opened read-only, and one answer is one snapshot.
//!
//! Not here: whether rows are genuine (`verify`); how they are shown (`cli`).

use std::io::Write;
use std::path::Path;

use ax_manifest::Digest;
use rusqlite::Connection;
use rusqlite::params;
use serde::Serialize;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::encode::RowFields;
use crate::audit::entry::Decision;
use crate::audit::error::AuditError;
use crate::audit::files::Files;
use crate::audit::key::PublicKey;
use crate::audit::schema::CHECKPOINT_COLUMNS;
use crate::audit::schema::ROW_COLUMNS;
use crate::audit::schema::StoredRow;
use crate::audit::schema::open_existing;
use crate::audit::schema::read_checkpoint;

/// Rows in one answer, whatever limit was asked for: some 5 MiB.
pub const PAGE_ROWS_MAX: usize = 10_000;

/// What the body of a rehearsal has in it, and no other: within a text of JSON a quote never stands
/// without a backslash.
const REHEARSAL: &str = "\"rehearsal\":true";

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Position in the chain, from 1.
    pub seq: i64,
    /// When it was handed over, in milliseconds since 1970 UTC. Rows of two processes may be a
    /// little out of order.
    pub at_ms: i64,
    /// `call`, `effect` or `change`.
    pub kind: String,
    /// The plugin concerned; empty if none.
    pub plugin: String,
    /// `allowed`, `denied` or `stopped`.
    pub decision: String,
    /// The rest, as JSON text, exactly as hashed.
    pub body: String,
    /// The hash that chains this row to the one before.
    pub hash: Digest,
}

impl Row {
    /// Parses the body; [`serde_json::Value::Null`] if someone has made it something else.
    pub fn body_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Answers whether it is about a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.body_json()["rehearsal"] == true
    }

    fn of(stored: &StoredRow<'_>) -> Self {
        let RowFields { seq, at_ms, kind, plugin, decision, body } = stored.fields;
        Self {
            seq,
            at_ms,
            kind: kind.to_owned(),
            plugin: plugin.to_owned(),
            decision: decision.to_owned(),
            body: body.to_owned(),
            hash: Digest::from_bytes(stored.hash),
        }
    }
}

/// Which rows to show; a row must match everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// This plugin, as `namespace:name`.
    pub plugin: Option<String>,
    /// This kind of record, one of `Record::KINDS`.
    pub kind: Option<String>,
    /// This decision.
    pub decision: Option<Decision>,
    /// Not before this time, in milliseconds since 1970 UTC.
    pub since_ms: Option<u64>,
    /// No rows of rehearsals.
    pub without_rehearsals: bool,
}

/// Rows, oldest first, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The matching rows.
    pub rows: Vec<Row>,
    /// What to give to [`Reader::rows_after`] next.
    pub next_after: i64,
}

/// How much was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Rows written.
    pub rows: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
}

/// Reads one audit log while others may be writing it.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    files: Files,
}

impl Reader {
    /// Opens the log below `dir`, which is `AX_HOME`, read-only.
    ///
    /// # Errors
    ///
    /// [`AuditError::Absent`] if nothing was ever recorded; the refusals of a database that is
    /// not ours.
    pub fn open(dir: &Path) -> Result<Self, AuditError> {
        let files = Files::of(dir);
        Ok(Self { connection: open_existing(&files)?, files })
    }

    /// Returns the newest `limit` rows that match, oldest first; at most [`PAGE_ROWS_MAX`].
    ///
    /// # Errors
    ///
    /// If the database cannot be read, or a row is malformed.
    pub fn tail(&self, filter: &Filter, limit: usize) -> Result<Page, AuditError> {
        let mut page = self.page(0, filter, limit, "DESC")?;
        page.rows.reverse();
        Ok(page)
    }

    /// Returns the first `limit` rows after row `seq` that match; at most [`PAGE_ROWS_MAX`].
    ///
    /// Following the log is calling this again with [`Page::next_after`].
    ///
    /// # Errors
    ///
    /// As [`Self::tail`].
    pub fn rows_after(&self, seq: i64, filter: &Filter, limit: usize) -> Result<Page, AuditError> {
        let mut page = self.page(seq, filter, limit, "ASC")?;
        let is_full = page.rows.len() == limit.min(PAGE_ROWS_MAX);
        if let Some(last) = page.rows.last()
            && is_full
        {
            page.next_after = last.seq;
        }
        Ok(page)
    }

    fn page(
        &self,
        after: i64,
        filter: &Filter,
        limit: usize,
        order: &'static str,
    ) -> Result<Page, AuditError> {
        let snapshot = self.connection.unchecked_transaction().map_err(|e| self.error(e))?;
        let newest: Option<i64> = snapshot
            .query_row("SELECT max(seq) FROM audit", [], |row| row.get(0))
            .map_err(|source| self.error(source))?;
        let sql = format!(
            "SELECT {ROW_COLUMNS} FROM audit WHERE seq > ?1 AND (?2 IS NULL OR plugin = ?2) \
             AND (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR decision = ?4) \
             AND (?5 IS NULL OR at_ms >= ?5) AND (NOT ?6 OR instr(body, ?7) = 0) \
             ORDER BY seq {order} LIMIT ?8"
        );
        let mut statement = snapshot.prepare(&sql).map_err(|source| self.error(source))?;
        let since = filter.since_ms.map(|since| i64::try_from(since).unwrap_or(i64::MAX));
        let limit = i64::try_from(limit.min(PAGE_ROWS_MAX)).unwrap_or(i64::MAX);
        let decision = filter.decision.map(Decision::word);
        let Filter { plugin, kind, without_rehearsals, .. } = filter;
        let mut found = statement
            .query(params![
                after,
                plugin,
                kind,
                decision,
                since,
                without_rehearsals,
                REHEARSAL,
                limit
            ])
            .map_err(|source| self.error(source))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(|source| self.error(source))? {
            rows.push(Row::of(&self.stored(row)?));
        }
        Ok(Page { rows, next_after: newest.unwrap_or(0).max(after) })
    }

    /// Writes everything to `out` as described at the top of this file.
    ///
    /// # Errors
    ///
    /// [`AuditError::Output`] if `out` fails; else as [`Self::tail`].
    pub fn export(&self, out: &mut dyn Write) -> Result<Exported, AuditError> {
        let snapshot = self.connection.unchecked_transaction().map_err(|e| self.error(e))?;
        let mut exported = Exported { rows: 0, checkpoints: 0 };
        if let Some(key) = PublicKey::load(&self.files)? {
            write_line(out, &Line::Key { public_key: key.to_string() })?;
        }
        let sql = format!("SELECT {ROW_COLUMNS} FROM audit ORDER BY seq");
        let mut statement = snapshot.prepare(&sql).map_err(|source| self.error(source))?;
        let mut found = statement.query([]).map_err(|source| self.error(source))?;
        while let Some(row) = found.next().map_err(|source| self.error(source))? {
            write_line(out, &Line::Row(Row::of(&self.stored(row)?)))?;
            exported.rows += 1;
        }
        let sql = format!("SELECT {CHECKPOINT_COLUMNS} FROM checkpoint ORDER BY seq");
        let mut statement = snapshot.prepare(&sql).map_err(|source| self.error(source))?;
        let checkpoints =
            statement.query_map([], read_checkpoint).map_err(|source| self.error(source))?;
        for checkpoint in checkpoints {
            let checkpoint = checkpoint.map_err(|source| self.error(source))?;
            write_line(out, &Line::Checkpoint(checkpoint))?;
            exported.checkpoints += 1;
        }
        out.flush().map_err(|source| AuditError::Output { source })?;
        Ok(exported)
    }

    fn stored<'a>(&self, row: &'a rusqlite::Row<'_>) -> Result<StoredRow<'a>, AuditError> {
        StoredRow::read(row).map_err(|column| AuditError::RowMalformed {
            path: self.files.database.clone(),
            seq: row.get(0).unwrap_or_default(),
            column: column.0,
        })
    }

    fn error(&self, source: rusqlite::Error) -> AuditError {
        AuditError::from_sqlite(&self.files.database, "read", source)
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Key { public_key: String },
    Row(Row),
    Checkpoint(Checkpoint),
}

fn write_line(out: &mut dyn Write, line: &Line) -> Result<(), AuditError> {
    let output = |source| AuditError::Output { source };
    let mut text = serde_json::to_vec(line).map_err(|error| output(error.into()))?;
    text.push(b'\n');
    out.write_all(&text).map_err(output)
}
