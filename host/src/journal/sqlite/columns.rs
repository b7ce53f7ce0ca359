//! Rows of the database as values, and back.
//!
//! Invariant: what was not written by us is an error, and never a panic or another value.

use std::collections::BTreeMap;

use ax_manifest::Digest;
use rusqlite::types::{FromSqlError, Type};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::journal::row::{About, Kind, Phase, Row, Status};
use crate::workflow::{Parent, Reason, Resting, State, TaskId, Why};

/// All of a row, in the order in which [`row`] reads it.
pub(super) const ROW: &str = "id, root, parent, depth, title, work, name, spec, by_whom, labels, \
     created_ms, state, resume_to, why, component, engine, spent, budget, deadline_ms, wake_ms, done, \
     total, told_seq, updated_ms, owner, epoch, lease_until_ms, head_seq, head_hash, is_deleted";

/// A number that is at most the largest of SQLite.
pub(super) fn number(it: u64) -> i64 {
    i64::try_from(it).unwrap_or(i64::MAX)
}

pub(super) fn json(it: &impl Serialize) -> String {
    serde_json::to_string(it).expect("it is JSON: its keys are texts")
}

pub(super) fn digest(it: Option<&Digest>) -> Option<&[u8; 32]> {
    it.map(Digest::as_bytes)
}

/// The state as its three columns.
pub(super) fn words(state: State) -> (&'static str, Option<&'static str>, Option<&'static str>) {
    let (resume_to, why) = match state {
        State::Paused { resume_to: Resting::Planning, why } => (Some("planning"), Some(why.word())),
        State::Paused { resume_to: Resting::Executing, why } => {
            (Some("executing"), Some(why.word()))
        }
        State::Failed { reason } => (None, Some(reason.word())),
        State::Idle | State::Planning | State::Executing | State::Completed => (None, None),
    };
    (Phase::of(state).word(), resume_to, why)
}

/// Reads the state from its columns.
fn state(word: &str, resume_to: Option<&str>, why: Option<&str>) -> Option<State> {
    let phase = Phase::ALL.into_iter().find(|it| it.word() == word)?;
    Some(match phase {
        Phase::Idle => State::Idle,
        Phase::Planning => State::Planning,
        Phase::Executing => State::Executing,
        Phase::Completed => State::Completed,
        Phase::Paused => {
            let resume_to = match resume_to? {
                "planning" => Resting::Planning,
                "executing" => Resting::Executing,
                _ => return None,
            };
            let why = Why::ALL.into_iter().find(|it| Some(it.word()) == why)?;
            State::Paused { resume_to, why }
        }
        Phase::Failed => {
            let reason = Reason::ALL.into_iter().find(|it| Some(it.word()) == why)?;
            State::Failed { reason }
        }
    })
}

/// Reads a row of [`ROW`].
pub(super) fn row(from: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let run = task(from, 0)?;
    let root = task(from, 1)?;
    let parent = from.get_ref(2)?.as_bytes_or_null()?.map(|it| task_of(2, it)).transpose()?;
    let parent = match parent {
        Some(task) => Some(Parent { task, root, depth: small(from, 3)? }),
        None => None,
    };
    let labels = text(from, 9)?;
    let about = About {
        run,
        parent,
        title: from.get(4)?,
        work: match text(from, 5)? {
            "workflow" => Kind::Workflow,
            "agent" => Kind::Agent,
            _ => return Err(wrong(5)),
        },
        name: from.get(6)?,
        spec: optional_digest(from, 7)?,
        by: from.get(8)?,
        labels: if labels == "{}" { BTreeMap::new() } else { parsed(9, labels)? },
        created_at_ms: unsigned(from, 10)?,
    };
    let words = (text(from, 11)?, optional_text(from, 12)?, optional_text(from, 13)?);
    let status = Status {
        state: state(words.0, words.1, words.2).ok_or_else(|| wrong(11))?,
        component: optional_digest(from, 14)?,
        engine: optional_digest(from, 15)?,
        spent: parsed(16, text(from, 16)?)?,
        limit: parsed(17, text(from, 17)?)?,
        deadline_ms: optional_unsigned(from, 18)?,
        wake_at_ms: optional_unsigned(from, 19)?,
        done: small(from, 20)?,
        total: small(from, 21)?,
        told_seq: unsigned(from, 22)?,
        updated_at_ms: unsigned(from, 23)?,
    };
    Ok(Row {
        about,
        status,
        owner: from.get(24)?,
        epoch: unsigned(from, 25)?,
        lease_until_ms: unsigned(from, 26)?,
        head_seq: unsigned(from, 27)?,
        head_hash: hash(from, 28)?,
        is_deleted: from.get(29)?,
    })
}

pub(super) fn task(from: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<TaskId> {
    task_of(at, from.get_ref(at)?.as_blob()?)
}

fn task_of(at: usize, bytes: &[u8]) -> rusqlite::Result<TaskId> {
    bytes.try_into().map(TaskId::from_bytes).map_err(|_| wrong(at))
}

pub(super) fn hash(from: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Digest> {
    digest_of(at, from.get_ref(at)?.as_blob()?)
}

pub(super) fn optional_digest(
    from: &rusqlite::Row<'_>,
    at: usize,
) -> rusqlite::Result<Option<Digest>> {
    from.get_ref(at)?.as_bytes_or_null()?.map(|it| digest_of(at, it)).transpose()
}

fn digest_of(at: usize, bytes: &[u8]) -> rusqlite::Result<Digest> {
    bytes.try_into().map(Digest::from_bytes).map_err(|_| wrong(at))
}

pub(super) fn unsigned(from: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let number: i64 = from.get(at)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, number))
}

pub(super) fn optional_unsigned(
    from: &rusqlite::Row<'_>,
    at: usize,
) -> rusqlite::Result<Option<u64>> {
    let number: Option<i64> = from.get(at)?;
    let wrong = |it| rusqlite::Error::IntegralValueOutOfRange(at, it);
    number.map(|it| u64::try_from(it).map_err(|_| wrong(it))).transpose()
}

fn small<T: TryFrom<i64>>(from: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<T> {
    let number: i64 = from.get(at)?;
    T::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, number))
}

fn text<'a>(from: &'a rusqlite::Row<'_>, at: usize) -> rusqlite::Result<&'a str> {
    Ok(from.get_ref(at)?.as_str()?)
}

fn optional_text<'a>(from: &'a rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<&'a str>> {
    Ok(from.get_ref(at)?.as_str_or_null()?)
}

pub(super) fn parsed<T: DeserializeOwned>(at: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|source| {
        rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(source))
    })
}

pub(super) fn wrong(at: usize) -> rusqlite::Error {
    let source = Box::new(FromSqlError::InvalidType);
    rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, source)
}
