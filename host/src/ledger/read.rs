//! Which requests there were.
//!
//! Invariant: reading writes down what processes left that are gone, and changes nothing else; there is
//! nothing to read where nothing was asked, and no file is made for it. What a process that lives told
//! within the last moment may be missing.
//!
//! Not here: sums (`account`), providers (`health`).

use std::path::Path;

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Row;
use rusqlite::params;
use serde::Serialize;
use serde_json::Value;

use crate::ledger::alive;
use crate::ledger::database::Database;
use crate::ledger::entry::State;
use crate::ledger::entry::number;
use crate::ledger::entry::read;
use crate::ledger::error::LedgerError;
use crate::ledger::orphans;

/// Requests that are listed at most.
pub const LIST_MAX: usize = 10_000;

/// Reads the ledger.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    database: Database,
}

/// Which requests are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those that stand there.
    pub state: Option<State>,
    /// Those of a provider.
    pub provider: Option<String>,
    /// Those of a model.
    pub model: Option<String>,
    /// Those of a caller.
    pub trigger: Option<String>,
    /// Those that began since, in wall time.
    pub since_ms: Option<u64>,
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Its name.
    pub id: String,
    /// What made it ask.
    pub trigger: String,
    /// Where it stands: `requesting`, `completed`, `failed`, `orphaned`.
    pub state: String,
    /// Who was asked last; empty if nobody was.
    pub provider: String,
    /// By the name of which key.
    pub key: String,
    /// The model.
    pub model: String,
    /// When it began, in wall time.
    pub began_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// How often anybody was asked.
    pub attempts: u64,
    /// Why the answer ends.
    pub finish: Option<String>,
    /// Why there is none.
    pub error: Option<Failure>,
    /// Tokens: read, written, from the cache, into the cache, of thoughts.
    pub tokens: [u64; 5],
    /// What it cost in millionths of a dollar, where prices are known.
    pub cost_micro_usd: Option<u64>,
    /// Of that, what providers' own counts make.
    pub reported_micro_usd: u64,
    /// `reported` or `estimated`.
    pub basis: Option<String>,
    /// What it costs at most, while it goes on and if it is orphaned.
    pub bound_micro_usd: Option<u64>,
    /// What was left out for the last who was asked.
    pub degradations: Value,
    /// The process that asked.
    pub owner: String,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Its class.
    pub class: String,
    /// The status, where there was one.
    pub status: Option<u16>,
    /// The word for it.
    pub code: Option<String>,
    /// What happened.
    pub message: Option<String>,
}

/// One request in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// What is listed of it.
    #[serde(flatten)]
    pub request: Request,
    /// Its attempts, oldest first.
    pub trail: Value,
    /// The answer, if it was kept; cut if `is_body_whole` is false.
    pub body: Option<String>,
    /// All of it was kept.
    pub is_body_whole: bool,
    /// Pieces of it that were kept.
    pub chunks: u64,
}

const COLUMNS: &str = "id, caller, state, provider, key, model, began_ms, ended_ms, duration_ms, \
    attempts, finish, error_class, error_status, error_code, error_message, input, output, \
    cache_read, cache_write, reasoning, cost_micro_usd, reported_micro_usd, basis, \
    bound_micro_usd, degradations, owner";

impl Reader {
    /// Opens the ledger below `home`, which is `AX_HOME`, and ends what processes left that are gone;
    /// nothing if there is none.
    ///
    /// # Errors
    ///
    /// The database is damaged, newer, not ours, or cannot be read.
    pub fn open(home: &Path, now_ms: u64) -> Result<Option<Self>, LedgerError> {
        let database = Database::at(home);
        let Some(connection) = database.open_existing()? else { return Ok(None) };
        let mut reader = Self { connection, database };
        reader.end_orphans(now_ms)?;
        Ok(Some(reader))
    }

    /// Ends the requests of processes that are gone; says how many there were.
    pub(super) fn end_orphans(&mut self, now_ms: u64) -> Result<u64, LedgerError> {
        let Self { connection, database } = self;
        let ended = orphans::end(connection, database.home(), now_ms);
        ended.map_err(|source| database.error("end what was left in", source))
    }

    pub(super) fn run<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        work(&self.connection).map_err(|source| self.database.error(doing, source))
    }

    /// Says which processes left a log that is damaged: what they told last may be missing.
    #[must_use]
    pub fn damaged(&self) -> Vec<LedgerError> {
        let damaged = alive::damaged(self.database.home()).into_iter();
        damaged.map(|path| LedgerError::Log { path }).collect()
    }

    /// Lists requests, the newest first, `limit` at most and never more than [`LIST_MAX`].
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Request>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM requests WHERE (?1 IS NULL OR state = ?1) \
             AND (?2 IS NULL OR provider = ?2) AND (?3 IS NULL OR model = ?3) \
             AND (?4 IS NULL OR caller = ?4) AND began_ms >= ?5 ORDER BY seq DESC LIMIT ?6"
        );
        let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(0);
        self.run("read", |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(
                params![
                    filter.state.map(State::word),
                    filter.provider,
                    filter.model,
                    filter.trigger,
                    number(filter.since_ms.unwrap_or(0)),
                    limit,
                ],
                request,
            )?;
            rows.collect()
        })
    }

    /// Finds one request; nothing if there is none of that name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub fn show(&self, id: &str) -> Result<Option<Shown>, LedgerError> {
        let sql = format!(
            "SELECT {COLUMNS}, trail, body, coalesce(is_whole, 0), \
             (SELECT count(*) FROM chunks WHERE chunks.request = requests.id) \
             FROM requests LEFT JOIN responses ON responses.request = requests.id WHERE id = ?1"
        );
        self.run("read", |connection| {
            let shown = |row: &Row<'_>| {
                Ok(Shown {
                    request: request(row)?,
                    trail: json(row.get(26)?),
                    body: row.get(27)?,
                    is_body_whole: row.get(28)?,
                    chunks: read(row.get(29)?),
                })
            };
            connection.prepare_cached(&sql)?.query_row([id], shown).optional()
        })
    }
}

fn request(row: &Row<'_>) -> rusqlite::Result<Request> {
    let maybe = |at: usize| row.get::<_, Option<i64>>(at).map(|it| it.map(read));
    let error = match row.get::<_, Option<String>>(11)? {
        None => None,
        Some(class) => {
            Some(Failure { class, status: row.get(12)?, code: row.get(13)?, message: row.get(14)? })
        }
    };
    let mut tokens = [0; 5];
    for (at, count) in tokens.iter_mut().enumerate() {
        *count = read(row.get(15 + at)?);
    }
    Ok(Request {
        id: row.get(0)?,
        trigger: row.get(1)?,
        state: row.get(2)?,
        provider: row.get(3)?,
        key: row.get(4)?,
        model: row.get(5)?,
        began_ms: read(row.get(6)?),
        ended_ms: maybe(7)?,
        duration_ms: maybe(8)?,
        attempts: read(row.get(9)?),
        finish: row.get(10)?,
        error,
        tokens,
        cost_micro_usd: maybe(20)?,
        reported_micro_usd: read(row.get(21)?),
        basis: row.get(22)?,
        bound_micro_usd: maybe(23)?,
        degradations: json(row.get(24)?),
        owner: row.get(25)?,
    })
}

/// Reads a column of JSON; an empty list where there is none.
fn json(text: Option<String>) -> Value {
    text.and_then(|it| serde_json::from_str(&it).ok()).unwrap_or_else(|| Value::Array(Vec::new()))
}
