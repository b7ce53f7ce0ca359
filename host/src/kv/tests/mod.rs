//! What a caller of [`Kv`] can see: what is kept, what is refused, and what a crash leaves.

mod draft;
mod file;
mod keys;
mod model;
mod race;
mod states;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fs_err as fs;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::kv::Change;
use crate::kv::Condition;
use crate::kv::Entry;
use crate::kv::Kv;
use crate::kv::KvError;
use crate::kv::Outcome;
use crate::kv::Quota;
use crate::kv::Space;
use crate::kv::Usage;
use crate::kv::database::Database;

const OWNER: &str = "ax:notes from registry.example";

const AMPLE: Quota = Quota { keys_max: 10_000, bytes_max: 64 * 1_024 * 1_024 };

/// Pages after which a scan is taken to go round in circles; no test has more.
const PAGES_MAX: usize = 100;

/// An `AX_HOME`.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn file(&self) -> PathBuf {
        self.path().join("plugins.db")
    }

    fn kv(&self) -> Kv {
        Kv::at(self.path())
    }

    /// A handle that does not wait for others.
    fn impatient(&self) -> Kv {
        Kv { database: Arc::new(Database::at(self.path(), Duration::ZERO)) }
    }

    /// A handle with the first state of [`OWNER`].
    fn begun(&self) -> (Kv, Space) {
        let kv = self.kv();
        let space = begin(&kv, OWNER);
        (kv, space)
    }

    fn sql(&self) -> Connection {
        Connection::open(self.file()).expect("the database opens")
    }

    fn run(&self, sql: &str) {
        self.sql().execute_batch(sql).expect(sql);
    }

    /// The state a power cut or `kill -9` leaves now: every file but the shared-memory index.
    fn crashed(&self) -> Self {
        let copy = Self::new();
        for name in self.files() {
            if !name.ends_with("-shm") {
                fs::copy(self.path().join(&name), copy.path().join(&name)).expect("a copy");
            }
        }
        copy
    }

    fn files(&self) -> Vec<String> {
        let folder = fs::read_dir(self.path()).expect("the folder is there");
        let mut names: Vec<_> = folder
            .map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Counts every state anew and compares with the sums beside the rows.
    fn assert_sums(&self, kv: &Kv) {
        let counted = "SELECT count(*), coalesce(sum(octet_length(key) + length(value)), 0) \
             FROM entry WHERE state = (SELECT state.id FROM state \
             JOIN owner ON owner.id = state.owner WHERE owner.name = ?1 AND number = ?2)";
        let sql = self.sql();
        for (owner, state, usage) in kv.states().unwrap() {
            let number = i64::try_from(state).unwrap();
            let (keys, bytes): (u32, i64) = sql
                .query_row(counted, (&owner, number), |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            let bytes = u64::try_from(bytes).unwrap();
            assert_eq!(usage, Usage { keys, bytes }, "{owner} {state}");
        }
        let strays = "SELECT count(*) FROM entry WHERE state NOT IN (SELECT id FROM state)";
        assert_eq!(sql.query_row(strays, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}

/// Makes an empty state.
fn begin(kv: &Kv, owner: &str) -> Space {
    let state = kv.fork(owner, None).unwrap().state;
    Space { owner: owner.into(), state, quota: AMPLE }
}

fn put(key: &str, value: impl AsRef<[u8]>) -> Change {
    put_when(key, value, Condition::Always)
}

fn put_when(key: &str, value: impl AsRef<[u8]>, when: Condition) -> Change {
    Change::Put { key: key.to_owned(), value: value.as_ref().to_vec(), when }
}

fn remove(key: &str) -> Change {
    remove_when(key, Condition::Always)
}

fn remove_when(key: &str, when: Condition) -> Change {
    Change::Remove { key: key.to_owned(), when }
}

fn value(kv: &Kv, space: &Space, key: &str) -> Option<Vec<u8>> {
    kv.get(space, key).unwrap().map(|entry| entry.value)
}

fn version(kv: &Kv, space: &Space, key: &str) -> Option<u64> {
    kv.get(space, key).unwrap().map(|entry| entry.version)
}

/// Follows the cursors from page to page.
fn scan_all(kv: &Kv, space: &Space, prefix: &str, limit: u32) -> Vec<Entry> {
    let (mut entries, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = kv.scan(space, prefix, limit, cursor.as_deref()).unwrap();
        entries.extend(page.entries);
        cursor = page.next;
        if cursor.is_none() {
            return entries;
        }
    }
    panic!("the pages of `{prefix}` do not end")
}

fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

fn outcome(key: &str, answer: &str) -> Outcome {
    let (key, answer) = (key.to_owned(), answer.as_bytes().to_vec());
    Outcome { key, question: [7; 32], answer, at_ms: 0 }
}

/// The name of the refusal, for tables of cases.
fn refusal<T: std::fmt::Debug>(result: Result<T, KvError>) -> String {
    result.expect_err("it is refused").to_string()
}
