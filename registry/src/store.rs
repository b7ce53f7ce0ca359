//! The content store: every byte string that a lock file names, under its own digest.
//!
//! ```text
//! AX_HOME/store/blobs/sha256/<64 hex digits>      mode 0400, written once
//! ```
//!
//! Invariant: a blob is in place whole or not at all, and what [`Store::get`] answers has the digest
//! that was asked for, whoever touched the disk meanwhile.
//! Not here: which blobs are in use (`generation`) and removing the others (`sweep`); what they mean
//! (`package`).

use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use ax_manifest::Digest;
use fs_err as fs;

use crate::disk::Disk;
use crate::disk::SEALED_FILE;
use crate::package::PACKAGE_BYTES_MAX;

/// Most bytes of a blob; nothing in a package is larger than a package.
pub const BLOB_BYTES_MAX: u64 = PACKAGE_BYTES_MAX;

/// Bytes read at once while a digest is verified without keeping the content.
const CHUNK_BYTES: usize = 64 * 1024;

/// The folders of the store, from `AX_HOME` down.
const FOLDERS: [&str; 3] = ["store", "blobs", "sha256"];

/// Blobs under `AX_HOME`.
#[derive(Clone, Debug)]
pub struct Store {
    home: PathBuf,
    disk: Disk,
}

/// Why a blob could not be kept or given.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was stored under this digest, or it was removed.
    #[error("the store has no blob {digest}")]
    Missing { digest: Digest, path: PathBuf },
    /// The disk holds something else.
    #[error("the blob `{path}` has digest {actual}, but its name says {expected}")]
    Tampered { path: PathBuf, expected: Digest, actual: Digest },
    /// It is larger than any blob may be.
    #[error("the blob `{path}` has more than {max} bytes")]
    TooLarge { path: PathBuf, max: u64 },
    /// It is there but cannot be read.
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    /// It cannot be written.
    #[error("cannot change `{path}`")]
    Write { path: PathBuf, source: io::Error },
}

impl StoreError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("add the plugin again with `ax plugin add`".to_owned()),
            Self::Tampered { path, .. } | Self::TooLarge { path, .. } => Some(format!(
                "the file was changed after it was stored: move `{}` away, then add the plugin \
                 again with `ax plugin add`",
                path.display()
            )),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space, then type this again".to_owned())
            }
            Self::Read { .. } | Self::Write { .. } => None,
        }
    }
}

impl Store {
    /// Names the store of a home folder. Nothing is made before something is stored.
    pub fn open(home: &Path) -> Self {
        Self::on(Disk::real(), home)
    }

    pub(crate) fn on(disk: Disk, home: &Path) -> Self {
        Self { home: home.to_owned(), disk }
    }

    /// Keeps bytes, durably, and gives their digest. A blob that is there already stays as it is.
    ///
    /// Blobs are kept one by one; it is the lock file, written last, that makes them matter. Whoever
    /// is about to commit that holds the home lock from before the first `put`, or a sweep could take
    /// the blobs for leftovers.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] over [`BLOB_BYTES_MAX`], [`StoreError::Write`].
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let path = self.path_of(&digest);
        if bytes.len() as u64 > BLOB_BYTES_MAX {
            return Err(StoreError::TooLarge { path, max: BLOB_BYTES_MAX });
        }
        // Other bytes under this name are replaced: that is how a damaged plugin is mended.
        let kept = if self.verify(&digest).is_ok() {
            // The process that wrote it may have died before its name was forced out.
            self.disk.sync_folder(&self.folder())
        } else {
            self.disk
                .make_folders(&self.home, &FOLDERS)
                .and_then(|()| self.disk.replace(&path, bytes, SEALED_FILE))
        };
        kept.map_err(|source| StoreError::Write { path, source })?;
        Ok(digest)
    }

    /// Gives the bytes of a digest, verified.
    ///
    /// # Errors
    ///
    /// [`StoreError::Missing`], [`StoreError::Tampered`], [`StoreError::TooLarge`],
    /// [`StoreError::Read`].
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.read(digest, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(bytes)
    }

    /// Verifies the bytes of a digest without keeping them.
    ///
    /// # Errors
    ///
    /// As [`Store::get`].
    pub fn verify(&self, digest: &Digest) -> Result<(), StoreError> {
        self.read(digest, |_| ())
    }

    /// Tells whether there is a blob of this digest; says nothing about its content.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.path_of(digest).is_file()
    }

    /// Gives the path of a blob, present or not. What is read there is not verified.
    pub fn path_of(&self, digest: &Digest) -> PathBuf {
        self.folder().join(digest.hex())
    }

    /// Gives the folder of the blobs, present or not.
    pub(crate) fn folder(&self) -> PathBuf {
        let mut folder = self.home.clone();
        folder.extend(FOLDERS);
        folder
    }

    /// Reads a blob in chunks, and verifies its digest at the end.
    fn read(&self, digest: &Digest, mut keep: impl FnMut(&[u8])) -> Result<(), StoreError> {
        let path = self.path_of(digest);
        let mut file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { digest: *digest, path });
            }
            Err(source) => return Err(StoreError::Read { path, source }),
        };
        let mut hasher = Digest::hasher();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut total = 0;
        loop {
            let count = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(StoreError::Read { path, source }),
            };
            total += count as u64;
            if total > BLOB_BYTES_MAX {
                return Err(StoreError::TooLarge { path, max: BLOB_BYTES_MAX });
            }
            let read = chunk.get(..count).unwrap_or_default();
            hasher.update(read);
            keep(read);
        }
        let actual = hasher.finish();
        if actual != *digest {
            return Err(StoreError::Tampered { path, expected: *digest, actual });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use super::*;

    fn home() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Writes over a sealed blob, as somebody with a root shell would.
    fn overwrite(path: &Path, content: &[u8]) {
        fs::remove_file(path).unwrap();
        fs::write(path, content).unwrap();
    }

    #[test]
    fn what_was_put_is_got_and_putting_it_again_changes_nothing() {
        let home = home();
        let store = Store::open(home.path());
        for content in [b"".as_slice(), b"one", &[0xff; 3 * CHUNK_BYTES]] {
            let digest = store.put(content).unwrap();
            assert_eq!(digest, Digest::of(content));
            assert_eq!(store.put(content).unwrap(), digest);
            assert!(store.contains(&digest));
            assert_eq!(store.get(&digest).unwrap(), content);
            store.verify(&digest).unwrap();
        }
        assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 3);
    }

    #[test]
    fn an_empty_store_has_nothing_and_makes_nothing() {
        let home = home();
        let store = Store::open(home.path());
        let digest = Digest::of(b"absent");
        assert!(!store.contains(&digest));
        let refused = store.get(&digest).unwrap_err();
        assert!(matches!(refused, StoreError::Missing { digest: named, .. } if named == digest));
        assert!(refused.hint().is_some());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_changed_blob_is_refused_naming_path_expected_and_actual() {
        let home = home();
        let store = Store::open(home.path());
        let digest = store.put(b"honest").unwrap();
        let path = store.path_of(&digest);
        for forged in [b"forged".as_slice(), b"", b"hones", b"honest "] {
            overwrite(&path, forged);
            for refused in [store.get(&digest).unwrap_err(), store.verify(&digest).unwrap_err()] {
                let StoreError::Tampered { path: named, expected, actual } = &refused else {
                    panic!("{refused:?}")
                };
                assert_eq!((named, *expected, *actual), (&path, digest, Digest::of(forged)));
                assert!(refused.hint().unwrap().contains(&path.display().to_string()));
            }
        }
    }

    #[test]
    fn an_oversized_file_in_the_store_is_not_read_whole() {
        let home = home();
        let store = Store::open(home.path());
        let digest = store.put(b"small").unwrap();
        overwrite(&store.path_of(&digest), b"");
        let file = fs::OpenOptions::new().write(true).open(store.path_of(&digest)).unwrap();
        file.set_len(1 << 40).unwrap();
        assert!(matches!(store.verify(&digest), Err(StoreError::TooLarge { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn blobs_are_sealed_and_folders_private() {
        use std::os::unix::fs::PermissionsExt;
        let home = home();
        let store = Store::open(home.path());
        let digest = store.put(b"content").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&store.path_of(&digest)), 0o400);
        for folder in ["store", "store/blobs", "store/blobs/sha256"] {
            assert_eq!(mode(&home.path().join(folder)), 0o700);
        }
    }

    #[test]
    fn a_death_at_any_step_of_putting_leaves_the_blob_whole_or_absent() {
        for deadly in 0.. {
            let home = home();
            let steps = AtomicUsize::new(0);
            let mortal = Disk::watched(move |_| match steps.fetch_add(1, Ordering::Relaxed) {
                step if step >= deadly => Err(io::Error::other("dead")),
                _ => Ok(()),
            });
            let outcome = Store::on(mortal, home.path()).put(b"content");
            let store = Store::open(home.path());
            match store.get(&Digest::of(b"content")) {
                Ok(content) => assert_eq!(content, b"content"),
                Err(StoreError::Missing { .. }) => assert!(outcome.is_err()),
                Err(other) => panic!("after {deadly} steps: {other}"),
            }
            // Whoever comes next is not in the way of what the dead one left.
            let digest = store.put(b"content").unwrap();
            store.verify(&digest).unwrap();
            if outcome.is_ok() {
                assert_eq!(deadly, 10);
                return;
            }
        }
    }

    #[test]
    fn a_blob_over_the_bound_is_not_stored() {
        let home = home();
        let store = Store::open(home.path());
        let max = usize::try_from(BLOB_BYTES_MAX).unwrap();
        let refused = store.put(&vec![0; max + 1]);
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
