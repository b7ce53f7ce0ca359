//! Journals without files, for tests of what uses them.
//!
//! Each handle is a process of its own, as far as ownership is concerned; it is gone once it is dropped.
//!
//! Invariant: it answers as the one on disk does; one suite of tests holds for both.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ax_manifest::Digest;

use super::context::Message;
use super::entry::{Chain, Entry, Written, conversation, genesis};
use super::error::{Damage, JournalError};
use super::inbox::{self, LETTERS_MAX, Letter, Question, Request};
use super::lease::{Barrier, Batch, Lease, NewRun, Sealed, Turn};
use super::receipt::Receipt;
use super::row::{Filter, Phase, Row};
use super::{Archive, Inbox, Journal, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Retention};
use crate::workflow::{Gate, TaskId, Text};

/// Journals in memory, and an owner of tasks in them.
pub struct MemoryJournal {
    owner: String,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    owners: usize,
    gone: BTreeSet<String>,
    runs: BTreeMap<TaskId, Run>,
    /// With how many entries name it.
    texts: HashMap<Digest, (u64, Arc<str>)>,
    /// With how many entries and messages name it.
    messages: HashMap<Digest, (u64, Message)>,
    letters: BTreeMap<u64, Letter>,
    letters_sent: u64,
}

#[derive(Clone)]
struct Run {
    row: Row,
    entries: Vec<Written>,
    /// With what was answered, and by whom.
    questions: BTreeMap<u64, (Question, Option<(String, String)>)>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJournal").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl MemoryJournal {
    /// Journals without tasks.
    #[must_use]
    pub fn new() -> Self {
        Self { owner: "memory-0".to_owned(), held: Arc::default() }
    }

    /// Another owner of the same tasks.
    #[must_use]
    pub fn other(&self) -> Self {
        let mut held = self.held();
        held.owners += 1;
        Self { owner: format!("memory-{}", held.owners), held: Arc::clone(&self.held) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MemoryJournal {
    fn drop(&mut self) {
        let owner = self.owner.clone();
        self.held().gone.insert(owner);
    }
}

impl Held {
    fn run(&mut self, run: TaskId) -> Result<&mut Run, JournalError> {
        let found = self.runs.get_mut(&run);
        let found = found.ok_or_else(|| JournalError::Unknown { name: run.to_string() })?;
        if found.row.is_deleted { Err(JournalError::Deleted { run }) } else { Ok(found) }
    }

    /// Finds the task of an owner in the epoch that holds.
    fn owned(&mut self, owner: &str, lease: &Lease) -> Result<&mut Row, JournalError> {
        let Lease { run, epoch, head_seq, .. } = *lease;
        let row = &mut self.run(run)?.row;
        if row.epoch == epoch && row.owner.as_deref() == Some(owner) {
            return Ok(row);
        }
        let (held_epoch, held_seq) = (row.epoch, row.head_seq);
        Err(JournalError::Stale { run, epoch, held_epoch, head_seq, held_seq })
    }

    fn append(&mut self, owner: &str, it: Sealed) -> Result<(), JournalError> {
        let known = Lease { head_seq: it.from.0, head_hash: it.from.1, ..it.lease(0) };
        let row = self.owned(owner, &known)?;
        if (row.head_seq, row.head_hash) != it.from {
            let (epoch, held_epoch) = (it.epoch, row.epoch);
            let (head_seq, held_seq) = (it.from.0, row.head_seq);
            return Err(JournalError::Stale { run: it.run, epoch, held_epoch, head_seq, held_seq });
        }
        self.check(&it)?;
        for kept in it.kept {
            let uses = match kept.text {
                Some(text) => &mut self.texts.entry(kept.digest).or_insert((0, text)).0,
                None => &mut self.texts.get_mut(&kept.digest).expect("it was looked for").0,
            };
            *uses += 1;
        }
        for message in it.context {
            if self.messages.contains_key(&message.node) {
                continue;
            }
            if let Some(parent) = message.parent {
                self.messages.get_mut(&parent).expect("it was looked for").0 += 1;
            }
            self.messages.insert(message.node, (0, message));
        }
        for node in it.conversations {
            self.messages.get_mut(&node).expect("it was looked for").0 += 1;
        }
        self.letters.retain(|id, letter| letter.run != it.run || !it.letters.contains(id));
        let run = self.run(it.run)?;
        run.entries.extend(it.entries);
        it.gates.into_iter().for_each(|turn| run.turn(it.run, turn));
        if it.status.state.is_terminal() {
            for (_, answer) in run.questions.values_mut().filter(|(_, answer)| answer.is_none()) {
                *answer = Some(("void".to_owned(), String::new()));
            }
        }
        (run.row.head_seq, run.row.head_hash) = it.to;
        run.row.status = it.status;
        Ok(())
    }

    /// Refuses a batch that names what is not there, before anything is changed.
    fn check(&self, it: &Sealed) -> Result<(), JournalError> {
        let lost = |digest: &Digest| JournalError::NotKept { run: it.run, digest: *digest };
        for (at, kept) in it.kept.iter().enumerate() {
            let comes =
                |other: &super::entry::Kept| other.digest == kept.digest && other.text.is_some();
            let is_known = kept.text.is_some()
                || self.texts.contains_key(&kept.digest)
                || it.kept[..at].iter().any(comes);
            if !is_known {
                return Err(lost(&kept.digest));
            }
        }
        let is_known = |node: &Digest, before: &[Message]| {
            self.messages.contains_key(node) || before.iter().any(|it| it.node == *node)
        };
        for (at, message) in it.context.iter().enumerate() {
            let parent = message.parent.filter(|_| !self.messages.contains_key(&message.node));
            if let Some(parent) = parent.filter(|parent| !is_known(parent, &it.context[..at])) {
                return Err(lost(&parent));
            }
        }
        match it.conversations.iter().find(|node| !is_known(node, &it.context)) {
            Some(node) => Err(lost(node)),
            None => Ok(()),
        }
    }

    /// Lists a task and all that are part of it.
    fn tree(&self, run: TaskId) -> Vec<TaskId> {
        let mut tree = vec![run];
        let mut at = 0;
        while let Some(above) = tree.get(at).copied() {
            let is_part = |row: &Row| row.about.parent.is_some_and(|it| it.task == above);
            tree.extend(
                self.runs.values().filter(|it| is_part(&it.row)).map(|it| it.row.about.run),
            );
            at += 1;
        }
        tree.retain(|run| self.runs.get(run).is_some_and(|it| !it.row.is_deleted));
        tree
    }

    fn delete(&mut self, run: TaskId) -> Result<usize, JournalError> {
        self.run(run)?;
        let doomed = self.tree(run);
        let is_over = |run: &TaskId| self.runs[run].row.status.state.is_terminal();
        if let Some(run) = doomed.iter().find(|run| !is_over(run)) {
            return Err(JournalError::NotOver { run: *run });
        }
        doomed.iter().for_each(|run| self.forget(*run));
        Ok(doomed.len())
    }

    fn forget(&mut self, name: TaskId) {
        self.letters.retain(|_, letter| letter.run != name);
        let Some(run) = self.runs.get_mut(&name) else { return };
        run.questions.clear();
        let row = &mut run.row;
        (row.is_deleted, row.owner, row.lease_until_ms) = (true, None, 0);
        row.epoch += 1;
        row.status.wake_at_ms = None;
        row.about.title.clear();
        row.about.labels.clear();
        for entry in std::mem::take(&mut run.entries) {
            let Some(mut fact) = entry.fact() else { continue };
            for text in fact.texts_mut() {
                let Text::Kept(digest) = text else { continue };
                if let Some((uses, _)) = self.texts.get_mut(digest) {
                    *uses -= 1;
                }
            }
            let mut next = conversation(&fact);
            while let Some((uses, message)) = next.and_then(|it| self.messages.get_mut(&it)) {
                *uses -= 1;
                let (node, parent) = (message.node, message.parent);
                next = parent.filter(|_| *uses == 0);
                if *uses == 0 {
                    self.messages.remove(&node);
                }
            }
        }
        self.texts.retain(|_, (uses, _)| *uses > 0);
    }
}

impl Run {
    fn turn(&mut self, run: TaskId, turn: Turn) {
        match turn {
            Turn::Opened(seq, asked, asked_at_ms) => {
                let is_form = matches!(asked.gate, Gate::Form { .. });
                let (bound_to, expires_at_ms) = (asked.bound_to, asked.expires_at_ms);
                let text = asked.text;
                let question =
                    Question { run, seq, is_form, bound_to, text, asked_at_ms, expires_at_ms };
                self.questions.insert(seq, (question, None));
            }
            Turn::Closed { question, answer, by } => {
                if let Some((_, answered)) = self.questions.get_mut(&question) {
                    *answered = Some((inbox::word(&answer).to_owned(), by));
                }
            }
        }
    }
}

impl Journal for MemoryJournal {
    fn create(&self, new: &NewRun<'_>) -> Receipt<Lease> {
        let create = || {
            let sealed = Sealed::first(new)?;
            let (run, lease) = (new.about.run, sealed.lease(new.until_ms));
            let mut held = self.held();
            if held.runs.contains_key(&run) {
                return Err(JournalError::Exists { run });
            }
            let row = Row {
                about: new.about.clone(),
                status: new.status.clone(),
                owner: Some(self.owner.clone()),
                epoch: sealed.epoch,
                lease_until_ms: new.until_ms,
                head_seq: 0,
                head_hash: genesis(),
                is_deleted: false,
            };
            let made = Run { row, entries: Vec::new(), questions: BTreeMap::new() };
            held.runs.insert(run, made);
            let appended = held.append(&self.owner, sealed);
            if appended.is_err() {
                held.runs.remove(&run);
            }
            appended.map(|()| lease)
        };
        Receipt::of(create())
    }

    fn claim(&self, run: TaskId, now_ms: u64, until_ms: u64) -> Receipt<Lease> {
        let claim = || {
            let mut held = self.held();
            let gone = std::mem::take(&mut held.gone);
            let is_gone = |owner: &String| gone.contains(owner);
            let row = held.run(run).map(|it| &mut it.row);
            let claimed = row.and_then(|row| {
                let is_free = row.lease_until_ms <= now_ms;
                match row.owner.clone().filter(|owner| !is_free && !is_gone(owner)) {
                    Some(owner) => {
                        Err(JournalError::Held { run, owner, until_ms: row.lease_until_ms })
                    }
                    None => {
                        row.owner = Some(self.owner.clone());
                        row.epoch += 1;
                        row.lease_until_ms = until_ms;
                        let Row { epoch, head_seq, head_hash, .. } = *row;
                        Ok(Lease { run, epoch, head_seq, head_hash, until_ms })
                    }
                }
            });
            held.gone = gone;
            claimed
        };
        Receipt::of(claim())
    }

    fn append(
        &self,
        lease: &mut Lease,
        batch: Batch<'_>,
        _barrier: Barrier,
    ) -> Result<Receipt<()>, JournalError> {
        let from = (lease.head_seq, lease.head_hash);
        let sealed = Sealed::new(lease.run, lease.epoch, from, batch)?;
        *lease = sealed.lease(lease.until_ms);
        Ok(Receipt::of(self.held().append(&self.owner, sealed)))
    }

    fn renew(&self, lease: &mut Lease, until_ms: u64) -> Receipt<()> {
        lease.until_ms = until_ms;
        let mut held = self.held();
        let row = held.owned(&self.owner, lease);
        Receipt::of(row.map(|row| row.lease_until_ms = until_ms))
    }

    fn release(&self, lease: Lease) -> Receipt<()> {
        let mut held = self.held();
        let row = held.owned(&self.owner, &lease);
        Receipt::of(row.map(|row| (row.owner, row.lease_until_ms) = (None, 0)))
    }
}

impl Archive for MemoryJournal {
    fn row(&self, run: TaskId) -> Result<Option<Row>, JournalError> {
        Ok(self.held().runs.get(&run).map(|it| it.row.clone()))
    }

    fn list(&self, filter: &Filter) -> Result<Vec<Row>, JournalError> {
        let held = self.held();
        let rows = held.runs.values().rev().map(|it| &it.row).filter(|row| fits(filter, row));
        Ok(rows.take(filter.limit()).cloned().collect())
    }

    fn entries(&self, run: TaskId, after: u64) -> Result<Vec<Entry>, JournalError> {
        let mut held = self.held();
        let Run { row, entries, .. } = held.run(run)?.clone();
        let mut chain = Chain::new(run, (row.head_seq, row.head_hash), after);
        let (mut page, mut bytes) = (Vec::new(), 0);
        let mut add = |entry: Written| {
            bytes += entry.body.len();
            let read = entry.read(run, |digest| {
                let text = held.texts.get(digest).map(|(_, text)| text.as_bytes().to_vec());
                bytes += text.as_ref().map_or(0, Vec::len);
                Ok(text)
            })?;
            page.push(read);
            Ok::<_, JournalError>(page.len() >= PAGE_ENTRIES_MAX || bytes >= PAGE_BYTES_MAX)
        };
        for entry in entries.into_iter().filter(|it| it.seq > after) {
            if let Some(entry) = chain.take(entry)?
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

    fn is_held(&self, row: &Row, now_ms: u64) -> bool {
        row.owner.is_some() && row.lease_until_ms > now_ms
    }

    fn messages(&self, node: Digest) -> Result<Vec<Vec<u8>>, JournalError> {
        let held = self.held();
        let (mut bodies, mut next) = (Vec::new(), Some(node));
        while let Some(node) = next {
            let missing = || JournalError::Context { node, what: Damage::Missing };
            let (_, message) = held.messages.get(&node).ok_or_else(missing)?;
            next = message.parent;
            bodies.push(message.body.clone());
        }
        bodies.reverse();
        Ok(bodies)
    }

    fn questions(&self, run: Option<TaskId>) -> Result<Vec<Question>, JournalError> {
        let held = self.held();
        let runs = held.runs.values().filter(|it| run.is_none_or(|run| run == it.row.about.run));
        let questions = runs.flat_map(|it| it.questions.values());
        let open = questions.filter(|(_, answer)| answer.is_none()).map(|(it, _)| it.clone());
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|it| (it.asked_at_ms, it.run, it.seq));
        Ok(open)
    }
}

fn fits(filter: &Filter, row: &Row) -> bool {
    let Row { about, status, .. } = row;
    let is_named = |name: String| {
        let digits: String = about.run.to_string().chars().filter(|it| *it != '-').collect();
        let digits = digits.to_ascii_uppercase();
        digits.starts_with(&name) || digits.ends_with(&name)
    };
    let is_labelled = |(key, value): &(String, String)| about.labels.get(key) == Some(value);
    (filter.states.is_empty() || filter.states.contains(&Phase::of(status.state)))
        && filter.label.as_ref().is_none_or(is_labelled)
        && filter.by.as_ref().is_none_or(|by| *by == about.by)
        && filter.parent.is_none_or(|parent| about.parent.is_some_and(|it| it.task == parent))
        && !(filter.roots && about.parent.is_some())
        && filter.named().is_none_or(is_named)
        && filter.wakes_by_ms.is_none_or(|at| status.wake_at_ms.is_some_and(|wake| wake <= at))
        && filter.before.is_none_or(|before| about.run < before)
        && (filter.deleted || !row.is_deleted)
}

impl Inbox for MemoryJournal {
    fn send(&self, run: TaskId, request: &Request, by: &str, at_ms: u64) -> Receipt<u64> {
        let send = || {
            let mut held = self.held();
            let waiting = held.letters.values().filter(|it| it.run == run).count();
            let found = held.run(run)?;
            if waiting >= LETTERS_MAX {
                return Err(JournalError::Full { what: "the task", max: LETTERS_MAX });
            }
            if let Request::Answer { question, bound_to, answer } = request {
                let question = *question;
                let asked = found.questions.get_mut(&question);
                let (asked, answered) = asked.ok_or(JournalError::NotAsked { run, question })?;
                if let Some((answer, by)) = answered.clone() {
                    return Err(JournalError::Answered { run, question, answer, by });
                }
                if asked.bound_to != *bound_to {
                    return Err(JournalError::Changed { run, question });
                }
                if asked.expires_at_ms <= at_ms {
                    return Err(JournalError::Expired { run, question });
                }
                *answered = Some((inbox::word(answer).to_owned(), by.to_owned()));
            }
            held.letters_sent += 1;
            let id = held.letters_sent;
            let letter = Letter { id, run, request: request.clone(), by: by.to_owned(), at_ms };
            held.letters.insert(id, letter);
            Ok(id)
        };
        Receipt::of(send())
    }

    fn letters(&self, run: Option<TaskId>) -> Result<Vec<Letter>, JournalError> {
        let held = self.held();
        let letters = held.letters.values().filter(|it| run.is_none_or(|run| run == it.run));
        Ok(letters.cloned().collect())
    }
}

impl Retention for MemoryJournal {
    fn delete(&self, run: TaskId) -> Receipt<usize> {
        Receipt::of(self.held().delete(run))
    }

    fn prune(&self, before_ms: u64, newest_kept: usize) -> Receipt<usize> {
        let mut held = self.held();
        let filter = Filter {
            roots: true,
            states: vec![Phase::Completed, Phase::Failed],
            ..Filter::default()
        };
        let over = held.runs.values().rev().map(|it| &it.row).filter(|row| fits(&filter, row));
        let old = over.skip(newest_kept).filter(|row| row.status.updated_at_ms < before_ms);
        let doomed: Vec<_> = old.map(|row| row.about.run).collect();
        // Something of one that is not over keeps all of it.
        Receipt::of(Ok(doomed.into_iter().filter_map(|run| held.delete(run).ok()).sum()))
    }
}
