//! What is listed, what stays, and deaths in the middle of a removal.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use ax_manifest::Grants;

use super::*;
use crate::generation::Generations;
use crate::lock::sample;

struct Home {
    folder: tempfile::TempDir,
    lock: HomeLock,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lock = HomeLock::acquire(folder.path(), "test", Duration::ZERO).unwrap();
        Self { folder, lock }
    }

    /// A home with generations 1 to 3, a blob each, and something left half done in each folder.
    fn littered() -> (Self, Vec<Digest>) {
        let home = Self::new();
        let blobs = ["one", "two", "three"];
        let blobs = blobs.map(|text| home.store().put(text.as_bytes()).unwrap()).to_vec();
        for seed in 1..=3 {
            let generations = home.generations();
            generations
                .commit(&home.lock, &sample::lock(seed), &Grants::default(), later())
                .unwrap();
        }
        fs::create_dir(home.path("gen/.tmp-000009")).unwrap();
        for left in
            ["gen/.tmp-000009/plugins.lock", ".tmp-current-abc", "store/blobs/sha256/.tmp-x"]
        {
            fs::write(home.path(left), "half").unwrap();
        }
        (home, blobs)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> Store {
        Store::open(self.folder.path())
    }

    fn generations(&self) -> Generations {
        Generations::open(self.folder.path())
    }

    fn sweep(&self) -> Sweep {
        Sweep::open(self.folder.path())
    }
}

/// Later than anything a test makes.
fn later() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(100_000_000_000)
}

fn in_use<'a>(outlived: &'a [u64], blobs: &'a BTreeSet<Digest>) -> InUse<'a> {
    InUse { outlived, blobs: Some(blobs), since: later() }
}

fn count(listing: &Listing, kind: UnusedKind) -> usize {
    listing.unused.iter().filter(|unused| unused.kind() == kind).count()
}

#[test]
fn what_is_not_named_is_listed_with_its_bytes_and_nothing_is_changed() {
    let (home, blobs) = Home::littered();
    let named = BTreeSet::from([blobs[2]]);
    let listing = home.sweep().unused(&in_use(&[1, 2], &named)).unwrap();
    assert_eq!(count(&listing, UnusedKind::Generation), 2);
    assert_eq!(count(&listing, UnusedKind::Unfinished), 3);
    assert_eq!(count(&listing, UnusedKind::Blob), 2);
    let blob = |unused: &&Unused| unused.kind() == UnusedKind::Blob;
    let bytes: u64 = listing.unused.iter().filter(blob).map(Unused::bytes).sum();
    assert_eq!((bytes, listing.young), (6, 0));
    assert!(listing.unused.iter().all(|unused| unused.bytes() > 0), "{listing:?}");
    assert_eq!(home.generations().list().unwrap(), [1, 2, 3]);
    assert!(home.store().contains(&blobs[0]));
}

#[test]
fn what_was_listed_goes_and_a_second_sweep_finds_nothing() {
    let (home, blobs) = Home::littered();
    let stranger = home.path("store/blobs/sha256/notes.txt");
    fs::write(&stranger, "mine").unwrap();
    let named = BTreeSet::from([blobs[2]]);
    let sweep = home.sweep();
    let listing = sweep.unused(&in_use(&[1, 2], &named)).unwrap();
    sweep.remove(&home.lock, &listing.unused).unwrap();
    assert_eq!(home.generations().list().unwrap(), [3]);
    assert!(home.store().contains(&blobs[2]) && stranger.exists());
    assert!(!home.store().contains(&blobs[0]) && !home.store().contains(&blobs[1]));
    assert!(!home.path(".tmp-current-abc").exists() && !home.path("gen/.tmp-000009").exists());
    let listing = sweep.unused(&in_use(&[1, 2], &named)).unwrap();
    assert_eq!(listing.unused, []);
    // What was listed twice is not missed.
    sweep.remove(&home.lock, &listing.unused).unwrap();
}

#[test]
fn what_is_young_stays_and_is_counted() {
    let (home, _) = Home::littered();
    let named = BTreeSet::new();
    let in_use = InUse { since: UNIX_EPOCH, ..in_use(&[1], &named) };
    let listing = home.sweep().unused(&in_use).unwrap();
    assert_eq!(listing.young, 6);
    // Who is outlived was judged already.
    assert_eq!((listing.unused.len(), count(&listing, UnusedKind::Generation)), (1, 1));
}

#[test]
fn without_knowing_what_is_named_every_blob_stays() {
    let (home, _) = Home::littered();
    let in_use = InUse { outlived: &[], blobs: None, since: later() };
    let listing = home.sweep().unused(&in_use).unwrap();
    assert_eq!(count(&listing, UnusedKind::Blob), 0);
    assert_eq!(count(&listing, UnusedKind::Unfinished), 3);
}

#[test]
fn an_empty_home_has_nothing_to_remove_and_stays_empty() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = Sweep::open(&folder.path().join("never made"));
    assert_eq!(sweep.unused(&in_use(&[1], &BTreeSet::new())).unwrap().unused, []);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn removal_needs_the_lock_of_this_home() {
    let ((home, blobs), other) = (Home::littered(), Home::new());
    let listing = home.sweep().unused(&in_use(&[1], &BTreeSet::new())).unwrap();
    let refused = home.sweep().remove(&other.lock, &listing.unused);
    assert!(matches!(refused, Err(SweepError::WrongLock { .. })));
    assert!(home.store().contains(&blobs[0]));
}

#[test]
fn a_death_at_any_step_leaves_every_generation_whole_with_what_it_names() {
    for deadly in 0.. {
        let (home, blobs) = Home::littered();
        let named = BTreeSet::from([blobs[2]]);
        let listing = home.sweep().unused(&in_use(&[1, 2], &named)).unwrap();
        let steps = AtomicUsize::new(0);
        let mortal = Disk::watched(move |_| match steps.fetch_add(1, Ordering::Relaxed) {
            step if step >= deadly => Err(io::Error::other("dead")),
            _ => Ok(()),
        });
        let outcome = Sweep::on(mortal, home.folder.path()).remove(&home.lock, &listing.unused);
        for number in home.generations().list().unwrap() {
            home.generations().read(number).unwrap();
            let blob = &blobs[usize::try_from(number).unwrap() - 1];
            home.store().verify(blob).unwrap();
        }
        assert_eq!(home.generations().current().unwrap().number, 3);
        // Whoever comes next removes the rest.
        let listing = home.sweep().unused(&in_use(&[1, 2], &named)).unwrap();
        home.sweep().remove(&home.lock, &listing.unused).unwrap();
        assert_eq!(home.sweep().unused(&in_use(&[1, 2], &named)).unwrap().unused, []);
        if outcome.is_ok() {
            assert_eq!(deadly, 12);
            return;
        }
    }
}
