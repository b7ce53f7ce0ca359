//! Recomputes the whole chain and reports everything that does not fit.
//!
//! | Done to the log                         | Found by                                       |
//! |-----------------------------------------|------------------------------------------------|
//! | any column of a row changed             | its hash                                       |
//! | rows removed at the start or the middle | the gap in `seq`                               |
//! | rows reordered or inserted              | the hashes from there on, or a `seq` below 1   |
//! | a changed row and all after it rehashed | the next checkpoint, which cannot be re-signed |
//! | rows removed at the end                 | a checkpoint, or `audit.head`                  |
//! | a checkpoint forged, moved or removed   | its signature, the gap, `audit.head`           |
//! | a trigger dropped, a column retyped     | the schema                                     |
//!
//! What it cannot find: changes after the last checkpoint by someone who recomputes the hashes
//! (at most a second or 10,000 rows), and an old copy of *all* files put back. Against those, keep
//! exports and `audit.pub` elsewhere and use [`verify_with_key`].
//!
//! Invariant: memory does not grow with the log; nothing is written.
//!
//! Not here: repairing. A log that was tampered with is evidence.

use std::fmt;
use std::path::Path;

use ax_manifest::Digest;
use rusqlite::Connection;
use rusqlite::ErrorCode;
use serde::Serialize;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::encode::GENESIS;
use crate::audit::encode::row_hash;
use crate::audit::error::AuditError;
use crate::audit::files::Files;
use crate::audit::key::PublicKey;
use crate::audit::queue::CHECKPOINT_ROWS;
use crate::audit::schema::CHECKPOINT_COLUMNS;
use crate::audit::schema::ROW_COLUMNS;
use crate::audit::schema::SCHEMA;
use crate::audit::schema::StoredRow;
use crate::audit::schema::open_existing;
use crate::audit::schema::read_checkpoint;

/// Findings listed; the rest is counted. One change already needs a person.
pub const FINDINGS_MAX: usize = 100;

/// Rows without a checkpoint that are suspicious. Ten times what one process leaves, since several
/// may each have a batch under way.
const CHECKPOINT_GAP_ROWS_MAX: i64 = 10 * CHECKPOINT_ROWS;

/// What the whole log looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Rows read.
    pub rows: u64,
    /// Checkpoints read.
    pub checkpoints: u64,
    /// The last row; 0 if there is none.
    pub last_seq: i64,
    /// The hash of the last row: noted elsewhere, it pins everything before.
    pub last_hash: Digest,
    /// The last row that a genuine checkpoint covers.
    pub signed_seq: i64,
    /// The key that checkpoints were checked against.
    pub key_id: String,
    /// What does not fit, in the order it was met; at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    pub findings_omitted: u64,
}

impl VerifyReport {
    /// Whether nothing was found.
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The row concerned, or the first of them; 0 if none is.
    pub seq: i64,
    /// What is wrong with it.
    #[serde(flatten)]
    pub what: Tampering,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Tampering {
    /// The row's hash does not follow from its columns and the row before.
    Changed,
    /// A column holds something the schema does not allow.
    Malformed { column: &'static str },
    /// Rows are missing, up to and including `to`.
    Missing { to: i64 },
    /// A row has a position no row can have.
    Inserted,
    /// Signed rows are missing at the end, up to and including at least `to`.
    TailMissing { to: i64 },
    /// The row is not the one a genuine checkpoint or `audit.head` has signed.
    SignedRowChanged,
    /// A checkpoint's signature is not ours.
    CheckpointForged,
    /// Checkpoints that must exist between here and row `to` do not.
    CheckpointMissing { to: i64 },
    /// `audit.head` does not exist.
    HeadMissing,
    /// `audit.head` is malformed or not signed by us.
    HeadForged,
    /// A table or trigger is not as the host made it.
    SchemaChanged { name: String },
    /// SQLite cannot read on from here.
    Unreadable { why: String },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match &self.what {
            Tampering::Changed => {
                write!(f, "row {seq} was changed, or does not follow the row before it")
            }
            Tampering::Malformed { column } => write!(f, "row {seq} has a malformed `{column}`"),
            Tampering::Missing { to } if *to == seq => write!(f, "row {seq} is missing"),
            Tampering::Missing { to } => write!(f, "rows {seq} to {to} are missing"),
            Tampering::Inserted => write!(f, "row {seq} was inserted"),
            Tampering::TailMissing { to } => {
                write!(f, "rows {seq} to {to} were signed and are missing at the end")
            }
            Tampering::SignedRowChanged => write!(f, "row {seq} is not the one that was signed"),
            Tampering::CheckpointForged => write!(f, "the checkpoint at row {seq} is forged"),
            Tampering::CheckpointMissing { to } if *to == seq => {
                write!(f, "the checkpoint at row {seq} is missing")
            }
            Tampering::CheckpointMissing { to } => {
                write!(f, "checkpoints between rows {seq} and {to} are missing")
            }
            Tampering::HeadMissing => write!(f, "`audit.head` is missing"),
            Tampering::HeadForged => write!(f, "`audit.head` is forged"),
            Tampering::SchemaChanged { name } => write!(f, "`{name}` in the schema was changed"),
            Tampering::Unreadable { why } => {
                write!(f, "nothing can be read from row {seq} on: {why}")
            }
        }
    }
}

/// Checks the log below `dir`, which is `AX_HOME`, against its own `audit.pub`.
///
/// # Errors
///
/// [`AuditError::Absent`] if nothing was ever recorded, [`AuditError::KeyMissing`] without
/// `audit.pub`, and the refusals of a database that is not ours. Tampering is no error: it is in
/// the report.
pub fn verify(dir: &Path) -> Result<VerifyReport, AuditError> {
    let files = Files::of(dir);
    match PublicKey::load(&files)? {
        Some(key) => verify_with_key(dir, &key),
        // Nothing was ever recorded, or only the key is gone.
        None => Err(open_existing(&files)
            .map_or_else(|error| error, |_| AuditError::KeyMissing { path: files.public_key })),
    }
}

/// Checks the log below `dir` against a public key that was kept elsewhere.
///
/// # Errors
///
/// As [`verify`].
pub fn verify_with_key(dir: &Path, key: &PublicKey) -> Result<VerifyReport, AuditError> {
    let files = Files::of(dir);
    let mut walk = Walk::new(key);
    // Before the database, which by then shows at least what the head has signed.
    walk.head = match Checkpoint::load_head(&files, key) {
        Ok(head) => head,
        Err(AuditError::HeadInvalid { .. }) => {
            walk.find(0, Tampering::HeadForged);
            None
        }
        Err(error) => return Err(error),
    };
    match open_existing(&files) {
        Ok(connection) => walk.check(&connection).or_else(|source| {
            if source.sqlite_error_code() != Some(ErrorCode::DatabaseCorrupt) {
                return Err(AuditError::from_sqlite(&files.database, "verify", source));
            }
            walk.find(walk.expected, Tampering::Unreadable { why: source.to_string() });
            Ok(())
        })?,
        // The database was removed and the head was not.
        Err(AuditError::Absent { .. }) if walk.head.as_ref().is_some_and(|head| head.seq > 0) => {}
        Err(error) => return Err(error),
    }
    walk.check_end();
    Ok(walk.report)
}

/// One walk along the chain.
struct Walk<'k> {
    key: &'k PublicKey,
    head: Option<Checkpoint>,
    report: VerifyReport,
    /// The position the next row must have.
    expected: i64,
    /// The hash of the row before, unless that is missing or malformed.
    previous: Option<[u8; 32]>,
    /// The last checkpoint met, genuine or not.
    last_checkpoint: i64,
    head_has_checkpoint: bool,
}

impl<'k> Walk<'k> {
    fn new(key: &'k PublicKey) -> Self {
        Self {
            key,
            head: None,
            report: VerifyReport {
                rows: 0,
                checkpoints: 0,
                last_seq: 0,
                last_hash: Digest::from_bytes(GENESIS),
                signed_seq: 0,
                key_id: key.id(),
                findings: Vec::new(),
                findings_omitted: 0,
            },
            expected: 1,
            previous: Some(GENESIS),
            last_checkpoint: 0,
            head_has_checkpoint: false,
        }
    }

    fn find(&mut self, seq: i64, what: Tampering) {
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(Finding { seq, what });
        } else {
            self.report.findings_omitted += 1;
        }
    }

    fn check(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let snapshot = connection.unchecked_transaction()?;
        self.check_schema(&snapshot)?;
        let by_seq = |columns, table| format!("SELECT {columns} FROM {table} ORDER BY seq");
        let mut rows = snapshot.prepare(&by_seq(ROW_COLUMNS, "audit"))?;
        let mut rows = rows.query([])?;
        let mut checkpoints = snapshot.prepare(&by_seq(CHECKPOINT_COLUMNS, "checkpoint"))?;
        let mut checkpoints = checkpoints.query_map([], |row| {
            let seq: i64 = row.get(0)?;
            Ok((seq, read_checkpoint(row).ok()))
        })?;
        let mut next_checkpoint = checkpoints.next().transpose()?;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(0)?;
            // Checkpoints of rows that are missing come before this one.
            while let Some((at, checkpoint)) = next_checkpoint.take_if(|(at, _)| *at < seq) {
                self.check_checkpoint(at, checkpoint.as_ref(), None);
                next_checkpoint = checkpoints.next().transpose()?;
            }
            let hash = self.check_row(seq, StoredRow::read(row).map_err(|column| column.0));
            if let Some((at, checkpoint)) = next_checkpoint.take_if(|(at, _)| *at == seq) {
                self.check_checkpoint(at, checkpoint.as_ref(), hash);
                next_checkpoint = checkpoints.next().transpose()?;
            }
        }
        while let Some((at, checkpoint)) = next_checkpoint {
            self.check_checkpoint(at, checkpoint.as_ref(), None);
            next_checkpoint = checkpoints.next().transpose()?;
        }
        Ok(())
    }

    fn check_schema(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        // SQLite's own tables (statistics) hold no rows of ours.
        let made = "SELECT name, coalesce(sql, '') FROM sqlite_schema \
                    WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let mut missing: Vec<_> = SCHEMA.to_vec();
        let mut statement = connection.prepare(made)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
            match missing.iter().position(|wanted| *wanted == (name.as_str(), sql.as_str())) {
                Some(index) => drop(missing.swap_remove(index)),
                None => self.find(0, Tampering::SchemaChanged { name }),
            }
        }
        for (name, _) in missing {
            self.find(0, Tampering::SchemaChanged { name: name.to_owned() });
        }
        Ok(())
    }

    /// Checks a row and returns its stored hash, if it has one.
    fn check_row(
        &mut self,
        seq: i64,
        row: Result<StoredRow<'_>, &'static str>,
    ) -> Option<[u8; 32]> {
        self.report.rows += 1;
        if seq < self.expected {
            self.find(seq, Tampering::Inserted);
            return None;
        }
        if seq > self.expected {
            self.find(self.expected, Tampering::Missing { to: seq - 1 });
            self.previous = None;
        }
        self.expected = seq.saturating_add(1);
        self.report.last_seq = seq;
        let row = match row {
            Ok(row) => row,
            Err(column) => {
                self.find(seq, Tampering::Malformed { column });
                self.previous = None;
                return None;
            }
        };
        let is_genuine =
            self.previous.is_none_or(|previous| row_hash(&previous, &row.fields) == row.hash);
        if !is_genuine {
            self.find(seq, Tampering::Changed);
        }
        let signed = self.head.as_ref().filter(|head| head.seq == seq);
        if signed.is_some_and(|head| *head.hash.as_bytes() != row.hash) {
            self.find(seq, Tampering::SignedRowChanged);
        }
        // Going on from the stored hash reports one change once.
        self.previous = Some(row.hash);
        self.report.last_hash = Digest::from_bytes(row.hash);
        Some(row.hash)
    }

    /// Checks the checkpoint at `seq`, whose row has `hash` if it exists.
    fn check_checkpoint(
        &mut self,
        seq: i64,
        checkpoint: Option<&Checkpoint>,
        hash: Option<[u8; 32]>,
    ) {
        self.report.checkpoints += 1;
        self.check_gap(seq);
        self.last_checkpoint = seq;
        let Some(checkpoint) = checkpoint.filter(|found| found.is_signed_by(self.key)) else {
            self.find(seq, Tampering::CheckpointForged);
            return;
        };
        self.head_has_checkpoint |= self.head.as_ref().is_some_and(|head| head.seq == seq);
        self.report.signed_seq = self.report.signed_seq.max(seq);
        let hash = if seq == 0 { Some(GENESIS) } else { hash };
        if hash.is_some_and(|hash| hash != *checkpoint.hash.as_bytes()) {
            self.find(seq, Tampering::SignedRowChanged);
        }
    }

    fn check_gap(&mut self, to: i64) {
        if to.saturating_sub(self.last_checkpoint) > CHECKPOINT_GAP_ROWS_MAX {
            self.find(self.last_checkpoint, Tampering::CheckpointMissing { to });
        }
    }

    /// Compares where the chain ends with what was signed.
    fn check_end(&mut self) {
        self.check_gap(self.report.last_seq);
        let head_seq = self.head.as_ref().map(|head| head.seq);
        let signed = self.report.signed_seq.max(head_seq.unwrap_or(0));
        if signed > self.report.last_seq {
            self.find(self.report.last_seq + 1, Tampering::TailMissing { to: signed });
        }
        let is_head_forged =
            self.report.findings.iter().any(|found| found.what == Tampering::HeadForged);
        match head_seq {
            Some(seq) if !self.head_has_checkpoint && seq <= self.report.last_seq => {
                self.find(seq, Tampering::CheckpointMissing { to: seq });
            }
            None if self.report.rows > 0 && !is_head_forged => {
                self.find(0, Tampering::HeadMissing);
            }
            Some(_) | None => {}
        }
    }
}
