//! What nothing names any more: listed first, then removed.
//!
//! ```text
//! gen/000003                    a generation that was judged to be outlived
//! gen/.tmp-…  .tmp-current-…    what a commit that died left behind
//! store/blobs/sha256/.tmp-…     what a `put` that died left behind
//! store/blobs/sha256/<digest>   a blob that no kept generation names
//! ```
//!
//! Listing changes nothing and takes no lock. Removal goes in this order: a generation is out of
//! sight, on the disk, before anything it names goes; so a death between any two removals leaves
//! every generation that can be seen whole.
//!
//! A blob is read when a plugin is loaded, some time after the generation that names it was read;
//! and it is in place before its generation is. So what is young stays, named or not.
//!
//! Invariant: nothing whose name is not one of ours goes.
//! Not here: which generations are outlived (`generation::retention`), which blobs they name (the
//! host reads packages).

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use ax_manifest::Digest;
use fs_err as fs;

use crate::disk;
use crate::disk::Disk;
use crate::disk::UNFINISHED;
use crate::generation::CURRENT;
use crate::generation::FOLDER;
use crate::home_lock::HomeLock;
use crate::store::Store;

/// How many files and folders deep a generation is counted; it has two files.
const COUNTED_MAX: usize = 1_000;

/// Removes what is not used from a home folder.
#[derive(Clone, Debug)]
pub struct Sweep {
    home: PathBuf,
    disk: Disk,
}

/// What is in use, as far as a sweep needs to know.
#[derive(Debug)]
pub struct InUse<'a> {
    /// The generations that may go.
    pub outlived: &'a [u64],
    /// The blobs that stay; with none at all every blob stays, since it is not known which are
    /// named.
    pub blobs: Option<&'a BTreeSet<Digest>>,
    /// Whatever was changed at this time or since stays, generations excepted.
    pub since: SystemTime,
}

/// Something that may go; only [`Sweep::unused`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    kind: UnusedKind,
    path: PathBuf,
    bytes: u64,
}

/// What kind of thing it is, in the order of removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnusedKind {
    /// A generation.
    Generation,
    /// What a process that died left half done.
    Unfinished,
    /// A blob.
    Blob,
}

/// What may go, and how much does not go yet.
#[derive(Debug, Default)]
pub struct Listing {
    /// What may go, in the order of removal.
    pub unused: Vec<Unused>,
    /// How many things nothing names and are too young to go.
    pub young: usize,
}

/// Why something could not be listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The lock shown is that of another folder.
    #[error("the lock held is not that of `{home}`")]
    WrongLock { home: PathBuf },
    /// A folder cannot be read.
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    /// Something cannot be removed.
    #[error("cannot remove `{path}`")]
    Remove { path: PathBuf, source: io::Error },
}

impl SweepError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { path, .. } | Self::Remove { path, .. } => {
                Some(format!("check who owns `{}`, then type this again", path.display()))
            }
            Self::WrongLock { .. } => None,
        }
    }
}

impl Unused {
    /// Tells what kind of thing it is.
    pub fn kind(&self) -> UnusedKind {
        self.kind
    }

    /// Gives where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives how many bytes its removal frees.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Sweep {
    /// Names a home folder. Nothing is read or made.
    pub fn open(home: &Path) -> Self {
        Self::on(Disk::real(), home)
    }

    fn on(disk: Disk, home: &Path) -> Self {
        Self { home: home.to_owned(), disk }
    }

    /// Lists what may go. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`SweepError::Read`].
    pub fn unused(&self, in_use: &InUse<'_>) -> Result<Listing, SweepError> {
        let generations = self.home.join(FOLDER);
        let mut listing = Listing::default();
        for number in in_use.outlived {
            let path = generations.join(format!("{number:06}"));
            if let Some(bytes) = folder_bytes(&path)? {
                listing.unused.push(Unused { kind: UnusedKind::Generation, path, bytes });
            }
        }
        let current = disk::unfinished_prefix(Path::new(CURRENT));
        let unfinished = |kind| move |is_ours: bool| is_ours.then_some(kind);
        let left = unfinished(UnusedKind::Unfinished);
        listing.collect(&self.home, in_use.since, |name| left(name.starts_with(&current)))?;
        listing.collect(&generations, in_use.since, |name| left(name.starts_with(UNFINISHED)))?;
        listing.collect(&Store::open(&self.home).folder(), in_use.since, |name| {
            if name.starts_with(UNFINISHED) {
                return Some(UnusedKind::Unfinished);
            }
            // Anything of another name is not ours to remove.
            let digest = format!("sha256:{name}").parse::<Digest>().ok()?;
            let is_named = in_use.blobs.is_none_or(|named| named.contains(&digest));
            (!is_named).then_some(UnusedKind::Blob)
        })?;
        listing.unused.sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        Ok(listing)
    }

    /// Removes what was listed, in the order of its kinds; content with what is gone already.
    ///
    /// # Errors
    ///
    /// [`SweepError::WrongLock`]; [`SweepError::Remove`], with all that was listed before gone.
    pub fn remove(&self, lock: &HomeLock, unused: &[Unused]) -> Result<(), SweepError> {
        if !lock.covers(&self.home) {
            return Err(SweepError::WrongLock { home: self.home.clone() });
        }
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SweepError::Remove { path, source }
        };
        let of_kind = |kind| unused.iter().filter(move |it| it.kind == kind);
        let folder = self.home.join(FOLDER);
        let mut condemned = Vec::new();
        for (at, generation) in of_kind(UnusedKind::Generation).enumerate() {
            let path = &generation.path;
            // Out of sight first: a generation half removed would look damaged.
            let hidden = folder.join(format!("{UNFINISHED}pruned-{at}"));
            self.disk.remove(&hidden).map_err(failed(&hidden))?;
            match self.disk.rename(path, &hidden) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed.map_err(failed(path))?,
            }
            condemned.push(hidden);
        }
        if !condemned.is_empty() {
            // Otherwise a power cut could bring a generation back without what it names.
            self.disk.sync_folder(&folder).map_err(failed(&folder))?;
        }
        let others = [UnusedKind::Unfinished, UnusedKind::Blob].map(of_kind);
        let others = others.into_iter().flatten().map(|it| &it.path);
        for path in condemned.iter().chain(others) {
            self.disk.remove(path).map_err(failed(path))?;
        }
        Ok(())
    }
}

impl Listing {
    /// Adds what a folder holds and `judge` gives a kind, unless it is young.
    fn collect(
        &mut self,
        folder: &Path,
        since: SystemTime,
        judge: impl Fn(&str) -> Option<UnusedKind>,
    ) -> Result<(), SweepError> {
        for (name, path) in entries(folder)? {
            let Some(kind) = judge(&name) else { continue };
            let read = |source| SweepError::Read { path: path.clone(), source };
            let found = match fs::symlink_metadata(&path) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(read(source)),
            };
            if found.modified().map_err(read)? >= since {
                self.young += 1;
                continue;
            }
            let bytes = if found.is_dir() { folder_bytes(&path)? } else { Some(found.len()) };
            self.unused.extend(bytes.map(|bytes| Unused { kind, path, bytes }));
        }
        Ok(())
    }
}

/// Adds up the files right below a folder; nothing when it is not there.
fn folder_bytes(folder: &Path) -> Result<Option<u64>, SweepError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let entries = entries(folder)?;
    let lengths = entries.iter().take(COUNTED_MAX).filter_map(|(_, path)| {
        fs::symlink_metadata(path).ok().filter(|found| found.is_file()).map(|found| found.len())
    });
    Ok(Some(lengths.sum()))
}

/// Lists a folder by name; a folder that is not there has nothing in it.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, SweepError> {
    let failed = |source| SweepError::Read { path: folder.to_owned(), source };
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.map_err(failed)?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests;
