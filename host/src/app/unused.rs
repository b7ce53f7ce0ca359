//! What `ax plugin prune` may remove: everything that no kept generation names.
//!
//! ```text
//! generations ──kept──→ plugins ──→ packages ──→ blobs
//!                          │   └──→ components ──→ compiled code
//!                          ├──→ states of their data
//!             └──→ grants ──→ accounts of written files
//! ```
//!
//! Data stay that no generation names, too, as long as something of them is nowhere else.
//!
//! Readers take no lock. One that has read a generation goes on to its blobs, its code and its data,
//! perhaps for as long as it runs. So a generation counts as in use for [`GRACE`] after the next one
//! replaced it, and whatever was written within that time stays as well.
//!
//! Invariant: listing changes nothing, and what cannot be understood is taken to be in use.
//! Not here: removing (`prune`), what a generation is kept for (`ax_registry::Retention`).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ax_manifest::{Digest, Identity};
use ax_registry::{
    Generation, InUse, KeptFor, Listing, Retention, Sorted, Sweep, Unused as UnusedFile,
    UnusedKind, blobs_named_by,
};
use fs_err as fs;
use serde::Serialize;

use super::App;
use super::prune::PruneError;
use crate::kv::{self, Kept, Lineage, Writer};
use crate::plugin::{
    Allocation, CodeInUse, Engine, StartError, UnusedCode, is_account_in_use, unused_code,
};

/// How long a process may go on with what it has read: an hour is longer than any command takes. One
/// that runs for longer with data that an update replaced is told to start again.
pub const GRACE: Duration = Duration::from_secs(60 * 60);

/// How names of files begin that are being made in `AX_HOME` itself: what plugins keep, a key of
/// secrets, the probe of `ax doctor`.
const UNFINISHED: [&str; 3] = [kv::UNFINISHED, ".secret-", ".doctor-"];

/// What is to stay.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// How many of the last generations, at least 1.
    pub last: u64,
    /// Whether data stay that no generation names and that are nowhere else: of plugins that are no
    /// longer installed, and what other releases left.
    pub data: bool,
}

/// The kinds of things that may go, in the order of removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What was installed and granted at earlier moments.
    Generations,
    /// What commands that died left behind.
    Leftovers,
    /// Packages and components.
    Blobs,
    /// Machine code.
    Compiled,
    /// Copies of what plugins keep.
    States,
    /// How much was written under grants that are gone.
    Accounts,
}

/// How much of a kind there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// How many things.
    pub count: u64,
    /// Bytes that their removal frees.
    pub bytes: u64,
}

/// A generation that stays, and why.
#[derive(Debug, Clone, Serialize)]
pub struct KeptGeneration {
    /// Its number.
    pub generation: u64,
    /// Why, in words.
    pub why: String,
}

/// Something that cannot be read, and what to do about it.
#[derive(Debug, Clone, Serialize)]
pub struct InTheWay {
    /// What is wrong.
    pub what: String,
    /// What stays because of it, and what to type.
    pub hint: String,
}

/// What may go from a home, and what stays.
#[derive(Debug, Default)]
pub struct Unused {
    /// The generations that stay, newest first.
    pub kept: Vec<KeptGeneration>,
    /// What cannot be read, so that all it may name stays.
    pub in_the_way: Vec<InTheWay>,
    /// How many things nothing names and are too young to go.
    pub young: usize,
    pub(super) files: Vec<UnusedFile>,
    pub(super) leftovers: Vec<(PathBuf, u64)>,
    pub(super) code: Vec<(PathBuf, u64)>,
    pub(super) data: kv::Unused,
}

/// What the kept generations name.
#[derive(Default)]
struct NamedThings {
    /// All blobs; none if a package cannot be read.
    blobs: Option<BTreeSet<Digest>>,
    /// All components; none if a generation cannot be read.
    components: Option<BTreeSet<Digest>>,
    /// All data, by owner and number; none if a generation cannot be read.
    states: Option<BTreeSet<(String, u64)>>,
    /// Who holds grants, and when they were given.
    grants: BTreeSet<(String, u64)>,
}

impl Unused {
    /// Adds up what may go, by kind.
    #[must_use]
    pub fn amounts(&self) -> BTreeMap<Kind, Amount> {
        let mut amounts = BTreeMap::new();
        let mut add_some = |kind, count, bytes| {
            let amount: &mut Amount = amounts.entry(kind).or_default();
            amount.count += count;
            amount.bytes = amount.bytes.saturating_add(bytes);
        };
        for (path, bytes) in &self.code {
            // The record beside it is no second piece of code.
            let is_code = path.extension().is_some_and(|kind| kind == "cwasm");
            add_some(Kind::Compiled, u64::from(is_code), *bytes);
        }
        let mut add = |kind, bytes| add_some(kind, 1, bytes);
        for file in &self.files {
            let kind = match file.kind() {
                UnusedKind::Generation => Kind::Generations,
                UnusedKind::Unfinished => Kind::Leftovers,
                UnusedKind::Blob => Kind::Blobs,
            };
            add(kind, file.bytes());
        }
        self.leftovers.iter().for_each(|(_, bytes)| add(Kind::Leftovers, *bytes));
        self.data.states.iter().for_each(|(_, _, usage)| add(Kind::States, usage.bytes));
        self.data.accounts.iter().for_each(|_| add(Kind::Accounts, 0));
        amounts
    }

    /// Answers whether there is nothing to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.amounts().is_empty()
    }

    /// Lists whose data may go, with the number of each copy.
    #[must_use]
    pub fn states(&self) -> Vec<(&str, u64)> {
        self.data.states.iter().map(|(owner, state, _)| (owner.as_str(), *state)).collect()
    }
}

impl App {
    /// Lists what no kept generation names. Takes no lock and changes nothing.
    ///
    /// # Errors
    ///
    /// [`PruneError`], above all when the current generation cannot be read.
    pub fn unused(&self, keep: Keep) -> Result<Unused, PruneError> {
        let home = &self.config.home.value;
        let since = self.in_use_since();
        let retention = Retention { last: keep.last, in_use_since: since, data: keep.data };
        let sorted = self.generations.sorted(&retention)?;
        let mut unused = Unused::default();
        let named = self.named_by(&sorted, &mut unused);
        let in_use = InUse { outlived: &sorted.outlived, blobs: named.blobs.as_ref(), since };
        let Listing { unused: files, young } = Sweep::open(home).unused(&in_use)?;
        let code = self.unused_code(&named, since)?;
        let (mut leftovers, young_leftovers) = leftovers(home, since)?;
        leftovers.extend(code.unfinished);
        unused.young = young + code.young + young_leftovers;
        unused.files = files;
        unused.leftovers = leftovers;
        unused.code = code.code;
        unused.data = self.unused_data(&named, keep)?;
        Ok(unused)
    }

    /// Collects what the kept generations name, and tells what cannot be read.
    fn named_by(&self, sorted: &Sorted, unused: &mut Unused) -> NamedThings {
        let mut named = NamedThings {
            blobs: Some(BTreeSet::new()),
            components: Some(BTreeSet::new()),
            states: Some(BTreeSet::new()),
            grants: BTreeSet::new(),
        };
        let mut packages = BTreeSet::new();
        for (generation, kept_for) in &sorted.kept {
            let why = why(kept_for);
            unused.kept.push(KeptGeneration { generation: generation.number, why });
            named.note(generation, &mut packages);
        }
        for package in &packages {
            let listed = self.store.get(package).map_err(|error| error.to_string());
            let listed =
                listed.and_then(|bytes| blobs_named_by(&bytes).map_err(|error| error.to_string()));
            match (listed, &mut named.blobs) {
                (Ok(listed), Some(blobs)) => blobs.extend(listed),
                (Ok(_), None) => {}
                (Err(what), _) => {
                    named.blobs = None;
                    let hint = "all packages stay: `ax plugin verify` says which to install again, \
                                or keep fewer generations with --keep";
                    unused.in_the_way.push(InTheWay { what, hint: hint.to_owned() });
                }
            }
        }
        for (number, damage) in &sorted.damaged {
            (named.blobs, named.components, named.states) = (None, None, None);
            let folder = self.config.home.value.join(format!("gen/{number:06}"));
            unused.in_the_way.push(InTheWay {
                what: format!("generation {number:06} is damaged: {damage}"),
                hint: format!(
                    "all that it may name stays: mend it, or move it away, `mv '{0}' '{0}.damaged'`",
                    folder.display()
                ),
            });
        }
        named
    }

    fn unused_code(
        &self,
        named: &NamedThings,
        since: SystemTime,
    ) -> Result<UnusedCode, PruneError> {
        let engine = Engine::new(Allocation::OnDemand)
            .map_err(|error| StartError::Engine { message: format!("{error:#}") })?;
        let components = named.components.as_ref();
        let in_use = CodeInUse { engine: engine.digest(), components, since };
        Ok(unused_code(&self.config.home.value, &in_use)?)
    }

    /// Lists data and accounts that nothing names. Unless data are to go, those stay even so that
    /// are nowhere else.
    fn unused_data(&self, named: &NamedThings, keep: Keep) -> Result<kv::Unused, PruneError> {
        let Some(states) = &named.states else { return Ok(kv::Unused::default()) };
        let mut goes = BTreeSet::new();
        for (owner, lineage) in self.kv.lineages()? {
            let is_named = |state| states.contains(&(owner.clone(), state));
            let spared = if keep.data { spared(&lineage, is_named) } else { BTreeSet::new() };
            let is_kept = |state: &u64| is_named(*state) || spared.contains(state);
            let gone = lineage.0.into_keys().filter(|state| !is_kept(state));
            goes.extend(gone.map(|state| (owner.clone(), state)));
        }
        let holds = |owner: &str, at_ms| named.grants.contains(&(owner.to_owned(), at_ms));
        // What was made since it was looked at is not among them.
        let stays = |owner: &str, state| !goes.contains(&(owner.to_owned(), state));
        Ok(self.kv.unused(&stays, &|account| is_account_in_use(account, holds))?)
    }

    /// Returns the time since when whoever was current may still be in use.
    pub(super) fn in_use_since(&self) -> SystemTime {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.clock.now_ms());
        now.checked_sub(GRACE).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// Lists the states of a plugin that no generation has to name: the newest of each version, which
/// finds them when it is installed again; those with changes that no other that stays holds; and
/// those of which it is not known whose they are.
fn spared(states: &Lineage, is_named: impl Fn(u64) -> bool) -> BTreeSet<u64> {
    let is_newest = |state, kept: &Kept| match &kept.writer {
        Writer::Release(version) => states.newest_of(version) == Some(state),
        Writer::Unknown => true,
        Writer::Unfinished => false,
    };
    let mut spared: BTreeSet<u64> = states
        .0
        .iter()
        .filter(|(state, kept)| is_newest(**state, kept))
        .map(|(state, _)| *state)
        .collect();
    let stays: Vec<u64> =
        states.0.keys().copied().filter(|it| is_named(*it) || spared.contains(it)).collect();
    for (state, kept) in &states.0 {
        let is_missing = stays.iter().all(|within| states.missing(*state, Some(*within)) > 0);
        if kept.writer != Writer::Unfinished && is_missing && states.missing(*state, None) > 0 {
            spared.insert(*state);
        }
    }
    spared
}

impl NamedThings {
    fn note(&mut self, generation: &Generation, packages: &mut BTreeSet<Digest>) {
        for (name, locked) in &generation.lock.plugins {
            packages.insert(locked.package);
            if let Some(blobs) = &mut self.blobs {
                blobs.extend([locked.package, locked.component, locked.config]);
            }
            if let Some(components) = &mut self.components {
                components.insert(locked.component);
            }
            if let Some(states) = &mut self.states {
                let owner = Identity { name: name.clone(), source: locked.source.clone() };
                states.insert((owner.to_string(), locked.state));
            }
        }
        for (identity, grants) in generation.grants.iter() {
            let owner = identity.to_string();
            self.grants.extend(grants.iter().map(|grant| (owner.clone(), grant.granted_at_ms)));
        }
    }
}

fn why(kept_for: &KeptFor) -> String {
    match kept_for {
        KeptFor::Current => "it is the current one".to_owned(),
        KeptFor::Last => "it is among the last".to_owned(),
        KeptFor::Recent => "it was current less than an hour ago".to_owned(),
        KeptFor::Data(plugin) => format!("it is the last to name the data of `{plugin}`"),
    }
}

/// Lists what commands that died left in `AX_HOME` itself; returns how many are too young to go.
fn leftovers(home: &Path, since: SystemTime) -> Result<(Vec<(PathBuf, u64)>, usize), PruneError> {
    let read = |source| PruneError::Read { path: home.to_owned(), source };
    let (mut left, mut young) = (Vec::new(), 0);
    let listing = match fs::read_dir(home) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((left, young)),
        Err(source) => return Err(read(source)),
    };
    for entry in listing {
        let entry = entry.map_err(read)?;
        let name = entry.file_name();
        if !UNFINISHED.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            continue;
        }
        // Gone meanwhile, or no file: then it is not what is looked for.
        let Some(found) = entry.metadata().ok().filter(std::fs::Metadata::is_file) else {
            continue;
        };
        match found.modified().map_err(read)? < since {
            true => left.push((entry.path(), found.len())),
            false => young += 1,
        }
    }
    left.sort();
    Ok((left, young))
}
