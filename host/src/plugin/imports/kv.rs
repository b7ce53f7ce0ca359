//! `ax:kv/store`: data the plugin keeps between calls.
//!
//! Permission `kv`, for reading and for writing. Bounds: those of the store (`kv`), and the quota of
//! the plugin. Every call runs on the threads for files, since SQLite blocks. A call with a key has a draft,
//! which is written when it has ended.
//! Not here: which data are whose ([`super::super::guest::Holdings`]), what becomes of drafts
//! ([`super::super::once`]).

use std::sync::{Arc, Mutex};

use ax_manifest::{Capability, Permission};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::super::gate::{Needs, Refusal};
use super::super::guest::Guest;
use super::super::limits;
use super::super::once::{Once, locked};
use super::bindings::ax::kv::store;
use super::bindings::ax::types::types::{Error, ErrorKind};
use super::failure;
use crate::kv::{Change, Condition, Counted, Draft, Entry, Kv, KvError, Page, Space, Usage};

/// What a call reads and writes.
enum Kept {
    /// What is there for every call.
    Now(Kv),
    Draft(Arc<Mutex<Draft>>),
}

impl Kept {
    fn get(&self, space: &Space, key: &str) -> Result<Option<Entry>, KvError> {
        match self {
            Self::Now(kv) => kv.get(space, key),
            Self::Draft(draft) => locked(draft).get(key),
        }
    }

    fn scan(
        &self,
        space: &Space,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, KvError> {
        match self {
            Self::Now(kv) => kv.scan(space, prefix, limit, cursor),
            Self::Draft(draft) => locked(draft).scan(prefix, limit, cursor),
        }
    }

    fn write(&self, space: &Space, changes: &[Change]) -> Result<u64, KvError> {
        match self {
            Self::Now(kv) => kv.write(space, changes),
            Self::Draft(draft) => locked(draft).write(changes),
        }
    }

    fn usage(&self, space: &Space) -> Result<Usage, KvError> {
        match self {
            Self::Now(kv) => kv.usage(space),
            Self::Draft(draft) => locked(draft).usage(),
        }
    }
}

/// Work on the store that a call began.
pub(in super::super) struct Keeping {
    work: AbortHandle,
    /// Nothing is ever sent: the sender's end is the message.
    end: oneshot::Receiver<()>,
}

impl Keeping {
    /// Gives up what was not begun, and waits for what was, for a while: a call that was ended in the
    /// middle of a write is over when the write is.
    pub(in super::super) async fn end(self) {
        self.work.abort();
        tokio::time::timeout(limits::LAST_WRITE_WAIT, self.end).await.ok();
    }
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Guest {
    /// Asks the gate; `Ok(Err)` goes to the guest, `Err` ends the call.
    fn may_keep(&mut self, bytes: u64) -> Answer<()> {
        let needs = Needs::Permission(&Permission::Kv);
        match self.gate.pass(Capability::AxKvStore, needs, bytes) {
            Ok(()) => Ok(Ok(())),
            Err(Refusal::Denied(reason)) => Ok(Err(failure::denied("kv", reason))),
            Err(refusal @ Refusal::Exhausted(_)) => Err(refusal.into()),
        }
    }

    /// Runs a blocking piece of work on the store.
    fn in_store<T, W>(&mut self, work: W) -> impl Future<Output = Answer<T>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: FnOnce(&Kept, &Space) -> Result<T, KvError> + Send + 'static,
    {
        let kept = match self.call.once.as_ref().and_then(Once::draft) {
            Some(draft) => Kept::Draft(draft),
            None => Kept::Now(self.call.outside.kv.clone()),
        };
        let holdings = Arc::clone(&self.call.holdings);
        let (done, end) = oneshot::channel();
        let running = self.call.outside.keeping.spawn_blocking(move || {
            let _dropped_at_the_end: oneshot::Sender<()> = done;
            work(&kept, &holdings.space)
        });
        self.keeping = Some(Keeping { work: running.abort_handle(), end });
        let trouble = Arc::clone(&self.trouble);
        async move {
            match running.await {
                Ok(done) => Ok(done.map_err(|error| {
                    let told = told(&error);
                    if matches!(told.kind, ErrorKind::Failed | ErrorKind::Unavailable) {
                        // What the guest is not told, whoever asked for the call is.
                        trouble.set(error).ok();
                    }
                    told
                })),
                Err(_) => Err(wasmtime::Error::msg("the key-value store stopped")),
            }
        }
    }

    /// Charges what is about to be handed to the guest.
    fn hand_over(&mut self, bytes: usize) -> wasmtime::Result<()> {
        Ok(self.gate.pass(Capability::AxKvStore, Needs::Nothing, bytes as u64)?)
    }
}

impl store::Host for Guest {
    async fn get(&mut self, key: String) -> Answer<Option<store::Entry>> {
        self.gate.called("get", &key);
        if let Err(denied) = self.may_keep(key.len() as u64)? {
            return Ok(Err(denied));
        }
        let found = self.in_store(move |kept, space| kept.get(space, &key)).await?;
        if let Ok(Some(entry)) = &found {
            self.hand_over(size_of(entry))?;
        }
        Ok(found.map(|entry| entry.map(shown)))
    }

    async fn scan(
        &mut self,
        prefix: String,
        limit: u32,
        cursor: Option<String>,
    ) -> Answer<store::Page> {
        self.gate.called("scan", &prefix);
        let bytes = prefix.len() + cursor.as_ref().map_or(0, String::len);
        if let Err(denied) = self.may_keep(bytes as u64)? {
            return Ok(Err(denied));
        }
        let work =
            move |kept: &Kept, space: &Space| kept.scan(space, &prefix, limit, cursor.as_deref());
        let found = self.in_store(work).await?;
        if let Ok(page) = &found {
            self.hand_over(page.entries.iter().map(size_of).sum())?;
        }
        Ok(found.map(|Page { entries, next }| store::Page {
            entries: entries.into_iter().map(shown).collect(),
            next,
        }))
    }

    async fn write(&mut self, changes: Vec<store::Change>) -> Answer<u64> {
        let changes: Vec<Change> = changes.into_iter().map(wanted).collect();
        self.gate.called("write", changes.first().map_or("", key_of));
        let size = |change: &Change| match change {
            Change::Put { key, value, .. } => key.len() + value.len(),
            Change::Remove { key, .. } => key.len(),
        };
        let bytes: usize = changes.iter().map(size).sum();
        if let Err(denied) = self.may_keep(bytes as u64)? {
            return Ok(Err(denied));
        }
        self.in_store(move |kept, space| kept.write(space, &changes)).await
    }

    async fn usage(&mut self) -> Answer<store::Quota> {
        self.gate.called("usage", "");
        if let Err(denied) = self.may_keep(0)? {
            return Ok(Err(denied));
        }
        let quota = self.call.holdings.space.quota;
        let used = self.in_store(Kept::usage).await?;
        Ok(used.map(|used| store::Quota {
            keys: used.keys,
            bytes: used.bytes,
            keys_max: quota.keys_max,
            bytes_max: quota.bytes_max,
        }))
    }
}

/// Names the key of a change; of several, the trace has room for one.
fn key_of(change: &Change) -> &str {
    match change {
        Change::Put { key, .. } | Change::Remove { key, .. } => key,
    }
}

fn size_of(entry: &Entry) -> usize {
    entry.key.len() + entry.value.len()
}

fn shown(entry: Entry) -> store::Entry {
    store::Entry { key: entry.key, value: entry.value, version: entry.version }
}

fn wanted(change: store::Change) -> Change {
    let when = |condition| match condition {
        store::Condition::Always => Condition::Always,
        store::Condition::Absent => Condition::Absent,
        store::Condition::AtVersion(version) => Condition::AtVersion(version),
    };
    match change {
        store::Change::Put(put) => {
            Change::Put { key: put.key, value: put.value, when: when(put.when) }
        }
        store::Change::Remove(remove) => {
            Change::Remove { key: remove.key, when: when(remove.when) }
        }
    }
}

/// Says a failure of the store in the words of `ax:types`.
fn told(error: &KvError) -> Error {
    let (kind, code) = match error {
        KvError::Conflict { key } => (ErrorKind::Conflict, key.clone()),
        KvError::Full { what: Counted::Keys, .. } => (ErrorKind::Exhausted, "kv-keys".to_owned()),
        KvError::Full { what: Counted::Bytes, .. } | KvError::DraftFull { .. } => {
            (ErrorKind::Exhausted, "kv-bytes".to_owned())
        }
        KvError::Key { .. } => (ErrorKind::Invalid, "key".to_owned()),
        KvError::Value { .. } => (ErrorKind::Invalid, "value".to_owned()),
        KvError::Limit { .. } => (ErrorKind::Invalid, "limit".to_owned()),
        KvError::Cursor => (ErrorKind::Invalid, "cursor".to_owned()),
        KvError::TooManyChanges { .. } | KvError::TwoChanges { .. } => {
            (ErrorKind::Invalid, "changes".to_owned())
        }
        other if other.is_transient() => (ErrorKind::Unavailable, String::new()),
        _ => (ErrorKind::Failed, String::new()),
    };
    // Errors of the database name paths of the host.
    let message = match kind {
        ErrorKind::Failed | ErrorKind::Unavailable => {
            "the key-value store cannot be used".to_owned()
        }
        _ => error.to_string(),
    };
    failure::of(kind, &code, &message)
}
