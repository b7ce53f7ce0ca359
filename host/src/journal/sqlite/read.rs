//! The SQL that reads, on connections of their own: nobody who reads waits for a write.
//!
//! Invariant: what belongs together is read as of one moment. What was never made is empty, and reading does
//! not make it.

use std::sync::{Mutex, PoisonError};

use ax_manifest::Digest;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::columns::{self, ROW, hash, number, optional_digest, parsed, task, unsigned, wrong};
use super::database::{Database, Use};
use super::schema::CODEC_PLAIN;
use crate::journal::context::Message;
use crate::journal::entry::{Chain, Entry, Written};
use crate::journal::error::{Damage, JournalError};
use crate::journal::inbox::{Letter, Question};
use crate::journal::row::{Filter, LIST_MAX, Row};
use crate::journal::{Archive, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use crate::workflow::TaskId;

/// Connections that are kept open while nobody reads: as many as commands and tasks usually look at once.
const IDLE_MAX: usize = 4;

/// The readers of a database.
#[derive(Debug)]
pub(super) struct Readers {
    database: Database,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(database: Database) -> Self {
        Self { database, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `work` on what is there at one moment; none if there is no database.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<Option<T>, JournalError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None if self.database.is_there() => self.database.open(Use::Reading)?,
            None => return Ok(None),
        };
        let sql = |source| self.database.error("read", source);
        let transaction = connection.unchecked_transaction().map_err(sql)?;
        let result = work(&transaction).map_err(|failure| match failure {
            Failure::Sql(source) => sql(source),
            Failure::Refused(error) => error,
        });
        // Nothing to undo: this connection changes nothing.
        transaction.finish().map_err(sql)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        drop(idle);
        result.map(Some)
    }

    /// Lists letters.
    pub(super) fn letters(&self, run: Option<TaskId>) -> Result<Vec<Letter>, JournalError> {
        let found = self.read(|connection| {
            let sql = "SELECT id, run, by_whom, at_ms, body FROM inbox \
                       WHERE ?1 IS NULL OR run = ?1 ORDER BY id LIMIT ?2";
            let read = |row: &rusqlite::Row<'_>| {
                let request = parsed(4, row.get_ref(4)?.as_str()?)?;
                let (id, run, at_ms) = (unsigned(row, 0)?, task(row, 1)?, unsigned(row, 3)?);
                Ok(Letter { id, run, request, by: row.get(2)?, at_ms })
            };
            all(connection, sql, params![run.as_ref().map(TaskId::as_bytes), LIST_MAX as i64], read)
        })?;
        Ok(found.unwrap_or_default())
    }
}

/// Why nothing was read.
enum Failure {
    Sql(rusqlite::Error),
    Refused(JournalError),
}

impl From<rusqlite::Error> for Failure {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sql(source)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::Refused(error)
    }
}

impl Archive for Readers {
    fn is_held(&self, row: &Row, now_ms: u64) -> bool {
        let is_alive = |owner: &String| !super::alive::is_gone(self.database.home(), owner);
        row.lease_until_ms > now_ms && row.owner.as_ref().is_some_and(is_alive)
    }

    fn row(&self, run: TaskId) -> Result<Option<Row>, JournalError> {
        let found = self.read(|connection| {
            let sql = format!("SELECT {ROW} FROM run WHERE id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row([run.as_bytes()], columns::row).optional()?)
        })?;
        Ok(found.flatten())
    }

    fn list(&self, filter: &Filter) -> Result<Vec<Row>, JournalError> {
        let (sql, values) = query(filter);
        let values = params_from_iter(values);
        let found = self.read(|connection| all(connection, &sql, values, columns::row))?;
        Ok(found.unwrap_or_default())
    }

    fn entries(&self, run: TaskId, after: u64) -> Result<Vec<Entry>, JournalError> {
        let unknown = || JournalError::Unknown { name: run.to_string() };
        self.read(|connection| page(connection, run, after))?.ok_or_else(unknown)
    }

    fn messages(&self, node: Digest) -> Result<Vec<Vec<u8>>, JournalError> {
        let missing = |node| JournalError::Context { node, what: Damage::Missing };
        let found = self.read(|connection| {
            let sql = "SELECT parent, message FROM context WHERE node = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let (mut bodies, mut next) = (Vec::new(), Some(node));
            while let Some(node) = next {
                let read = |row: &rusqlite::Row<'_>| {
                    Ok(Message { node, parent: optional_digest(row, 0)?, body: row.get(1)? })
                };
                let found = statement.query_row([node.as_bytes()], read).optional()?;
                let message = found.ok_or_else(|| missing(node))?;
                // So there is an end, too: nobody can make a list that comes back to itself.
                if !message.is_whole() {
                    return Err(JournalError::Context { node, what: Damage::Altered }.into());
                }
                next = message.parent;
                bodies.push(message.body);
            }
            bodies.reverse();
            Ok(bodies)
        })?;
        found.ok_or_else(|| missing(node))
    }

    fn questions(&self, run: Option<TaskId>) -> Result<Vec<Question>, JournalError> {
        let found = self.read(|connection| {
            let sql = "SELECT run, seq, is_form, bound_to, text, asked_ms, expires_ms FROM gate \
                       WHERE answer IS NULL AND (?1 IS NULL OR run = ?1) ORDER BY asked_ms, run, seq \
                       LIMIT ?2";
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Question {
                    run: task(row, 0)?,
                    seq: unsigned(row, 1)?,
                    is_form: row.get(2)?,
                    bound_to: hash(row, 3)?,
                    text: row.get(4)?,
                    asked_at_ms: unsigned(row, 5)?,
                    expires_at_ms: unsigned(row, 6)?,
                })
            };
            all(connection, sql, params![run.as_ref().map(TaskId::as_bytes), LIST_MAX as i64], read)
        })?;
        Ok(found.unwrap_or_default())
    }
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_map(values, read)?.collect::<rusqlite::Result<_>>()?)
}

/// Reads a page of entries, every one of which the next one vouched for.
fn page(connection: &Connection, run: TaskId, after: u64) -> Result<Vec<Entry>, Failure> {
    let sql = "SELECT head_seq, head_hash, is_deleted FROM run WHERE id = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((unsigned(row, 0)?, hash(row, 1)?, row.get(2)?));
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([run.as_bytes()], read).optional()?;
    let unknown = || JournalError::Unknown { name: run.to_string() };
    let (head_seq, head_hash, is_deleted): (u64, Digest, bool) = found.ok_or_else(unknown)?;
    if is_deleted {
        return Err(JournalError::Deleted { run }.into());
    }
    let mut chain = Chain::new(run, (head_seq, head_hash), after);
    let sql = "SELECT seq, epoch, at_ms, kind, correlation, before_hash, body FROM journal \
               WHERE run = ?1 AND seq > ?2 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![run.as_bytes(), number(after)])?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    let mut add = |entry: Written| -> Result<bool, Failure> {
        bytes += entry.body.len();
        let read = entry.read(run, |digest| {
            let text = text(connection, digest).map_err(|source| {
                JournalError::from_sqlite(
                    connection.path().unwrap_or_default().as_ref(),
                    "read",
                    source,
                )
            })?;
            bytes += text.as_ref().map_or(0, Vec::len);
            Ok(text)
        })?;
        page.push(read);
        Ok(page.len() >= PAGE_ENTRIES_MAX || bytes >= PAGE_BYTES_MAX)
    };
    while let Some(row) = rows.next()? {
        let entry = chain.take(written(row)?)?;
        if let Some(entry) = entry
            && add(entry)?
        {
            return Ok(page);
        }
    }
    if let Some(entry) = chain.end()? {
        add(entry)?;
    }
    Ok(page)
}

/// Reads an entry as it was written.
pub(super) fn written(row: &rusqlite::Row<'_>) -> rusqlite::Result<Written> {
    let signed = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
    Ok(Written {
        seq: signed(0)?,
        epoch: signed(1)?,
        at_ms: signed(2)?,
        kind: row.get::<_, String>(3)?.into(),
        correlation: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
        before: hash(row, 5)?,
        body: row.get(6)?,
    })
}

fn text(connection: &Connection, digest: &Digest) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT codec, data FROM blob WHERE hash = ?1";
    let read = |row: &rusqlite::Row<'_>| match row.get::<_, i64>(0)? {
        CODEC_PLAIN => row.get(1),
        _ => Err(wrong(0)),
    };
    connection.prepare_cached(sql)?.query_row([digest.as_bytes()], read).optional()
}

/// Writes a filter as SQL.
fn query(filter: &Filter) -> (String, Vec<Value>) {
    let (mut parts, mut values) = (vec!["1".to_owned()], Vec::new());
    // Each `@` stands for one of the values, in their order.
    let mut part = |sql: &str, added: Vec<Value>| {
        let mut sql = sql.to_owned();
        for value in added {
            values.push(value);
            sql = sql.replacen('@', &format!("?{}", values.len()), 1);
        }
        parts.push(sql);
    };
    let blob = |run: &TaskId| vec![Value::Blob(run.as_bytes().to_vec())];
    if let Some(run) = &filter.before {
        part("id < @", blob(run));
    }
    if let Some(run) = &filter.parent {
        part("parent = @", blob(run));
    }
    if let Some(by) = &filter.by {
        part("by_whom = @", vec![Value::Text(by.clone())]);
    }
    if let Some(at_ms) = filter.wakes_by_ms {
        part("wake_ms <= @", vec![Value::Integer(number(at_ms))]);
    }
    if let Some((key, value)) = &filter.label {
        let both = vec![Value::Text(key.clone()), Value::Text(value.clone())];
        part("id IN (SELECT run FROM label WHERE key = @ AND value = @)", both);
    }
    if let Some(name) = filter.named() {
        // Not `LIKE`, in which some characters stand for others.
        let (name, len) = (Value::Text(name.clone()), Value::Integer(number(name.len() as u64)));
        let sql = "(substr(hex(id), 1, @) = @ OR substr(hex(id), -@) = @)";
        part(sql, vec![len.clone(), name.clone(), len, name]);
    }
    if !filter.states.is_empty() {
        let marks = vec!["@"; filter.states.len()].join(", ");
        let words = filter.states.iter().map(|it| Value::Text(it.word().to_owned()));
        part(&format!("state IN ({marks})"), words.collect());
    }
    if filter.roots {
        part("parent IS NULL", Vec::new());
    }
    if !filter.deleted {
        part("NOT is_deleted", Vec::new());
    }
    let (parts, limit) = (parts.join(" AND "), filter.limit());
    (format!("SELECT {ROW} FROM run WHERE {parts} ORDER BY id DESC LIMIT {limit}"), values)
}
