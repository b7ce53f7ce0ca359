//! What calls with a key came to, so that one that is made again is answered without being run.
//!
//! ```text
//! (owner, key) ──► digest of what was asked, the answer, when
//! ```
//!
//! Invariant: there is one for a key if and only if what that call changed is there too: both are one
//! transaction. It is found whole or not at all, and goes with the last state of its owner.
//!
//! Not here: what the answer says, and which calls have a key (`plugin`).

use rusqlite::Connection;
use rusqlite::Transaction;
use rusqlite::params;

use crate::kv::entry::VALUE_BYTES_MAX;
use crate::kv::error::Failure;
use crate::kv::state::stored;

/// How long an outcome is kept, in milliseconds: 30 days. It is asked for when a task goes on after a
/// crash; nobody is expected to leave one lying for longer and to want it done once all the same.
pub const OUTCOME_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Old outcomes that go with each one that comes: more than one, so that they become fewer, and few,
/// so that no write takes noticeably longer.
const FORGOTTEN_MAX: u32 = 16;

/// What a call with a key came to.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The key of the call.
    pub key: String,
    /// Digest of what was asked: another question with the same key is a mistake.
    pub question: [u8; 32],
    /// What was answered, in the words of whoever keeps it.
    pub answer: Vec<u8>,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// An answer may be secret, so that only its length is shown.
impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcome")
            .field("key", &self.key)
            .field("answer_bytes", &self.answer.len())
            .field("at_ms", &self.at_ms)
            .finish_non_exhaustive()
    }
}

/// Finds what the call with `key` came to.
pub(super) fn get(
    connection: &Connection,
    owner: &str,
    key: &str,
) -> Result<Option<Outcome>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT outcome.question, outcome.at_ms, outcome.answer FROM owner \
         JOIN outcome ON outcome.owner = owner.id AND outcome.key = ?2 \
         WHERE owner.name = ?1 ORDER BY outcome.part",
    )?;
    let mut rows = statement.query(params![owner, key])?;
    let mut found: Option<Outcome> = None;
    while let Some(row) = rows.next()? {
        let part: Vec<u8> = row.get(2)?;
        match &mut found {
            Some(outcome) => outcome.answer.extend(part),
            None => {
                let at_ms: i64 = row.get(1)?;
                found = Some(Outcome {
                    key: key.to_owned(),
                    question: row.get(0)?,
                    answer: part,
                    at_ms: u64::try_from(at_ms).unwrap_or(0),
                });
            }
        }
    }
    Ok(found)
}

/// Keeps what a call came to, and forgets some that are old.
pub(super) fn put(
    transaction: &Transaction<'_>,
    owner: &str,
    outcome: &Outcome,
) -> Result<(), Failure> {
    let Outcome { key, question, answer, at_ms } = outcome;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO outcome (owner, key, part, question, at_ms, answer) \
         SELECT id, ?2, ?3, ?4, ?5, ?6 FROM owner WHERE name = ?1",
    )?;
    // An empty answer is a part too.
    let parts = answer.len().div_ceil(VALUE_BYTES_MAX).max(1);
    for number in 0..parts {
        let begin = number * VALUE_BYTES_MAX;
        let part = &answer[begin..answer.len().min(begin + VALUE_BYTES_MAX)];
        insert.execute(params![
            owner,
            key,
            stored(number as u64),
            question,
            stored(*at_ms),
            part
        ])?;
    }
    transaction
        .prepare_cached(
            "DELETE FROM outcome WHERE (owner, key) IN \
             (SELECT owner, key FROM outcome WHERE at_ms < ?1 AND part = 0 LIMIT ?2)",
        )?
        .execute(params![stored(at_ms.saturating_sub(OUTCOME_KEPT_MS)), FORGOTTEN_MAX])?;
    Ok(())
}
