//! The two files of the vault: which are trusted, how they are read and how they are replaced.
//!
//! ```text
//! AX_HOME/secrets.age   the secrets, encrypted
//!         secrets.key   what opens them, unless the configuration names another file
//!         secrets.tmp   what is about to become `secrets.age`, encrypted too
//! ```
//!
//! Invariant: nothing is read of a file that others may read or that another user owns, and both
//! are asked of the opened file, so that it cannot be exchanged in between. A file is replaced whole,
//! by rename, after its bytes have reached the disk.
//!
//! Not here: what the files say (`key`, `document`); the home lock, which who writes holds.

use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::secret::error::SecretError;

/// Mode of every file here: its owner's alone.
const PRIVATE_FILE: u32 = 0o600;

/// Permission bits that let others in.
const OTHERS: u32 = 0o077;

/// What a file may be at its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// A link is followed: operators mount keys by links.
    Follow,
    /// A link is refused: replacing the file would leave the old secrets where it leads.
    Refuse,
}

/// Reads the private file at `path`; none if nothing is there.
///
/// # Errors
///
/// Refuses what is no ordinary file, is not ours alone or has more than `bytes_max` bytes.
pub(super) fn read(
    path: &Path,
    bytes_max: u64,
    links: Links,
) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
    // Without waiting: a pipe at the path would never answer.
    let mut flags = OFlags::NONBLOCK;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return absent(path),
        Err(source) => {
            let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
            return Err(if links == Links::Refuse && is_link {
                SecretError::NotAFile { path: path.to_owned() }
            } else {
                failed(path, "open", source)
            });
        }
    };
    let found = file.metadata().map_err(|source| failed(path, "inspect", source))?;
    check(path, &found)?;
    if found.len() > bytes_max {
        return Err(SecretError::TooLarge { path: path.to_owned(), bytes_max });
    }
    // One byte more than there is, and room for the reader to see the end, so that the buffer never
    // moves and leaves a copy behind.
    let bytes = usize::try_from(found.len()).unwrap_or(usize::MAX);
    let mut content = Zeroizing::new(Vec::with_capacity(bytes.saturating_add(1)));
    file.take(found.len() + 1)
        .read_to_end(&mut content)
        .map_err(|source| failed(path, "read", source))?;
    if content.len() > bytes {
        let why = "it changed while it was read";
        return Err(SecretError::Damaged { path: path.to_owned(), why });
    }
    Ok(Some(content))
}

/// Tells nothing from a link to nothing, which is something: the file it names is merely away.
fn absent(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
    match fs::symlink_metadata(path) {
        Ok(_) => {
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            Err(failed(path, "follow", source))
        }
        Err(_) => Ok(None),
    }
}

fn check(path: &Path, found: &std::fs::Metadata) -> Result<(), SecretError> {
    if !found.is_file() {
        return Err(SecretError::NotAFile { path: path.to_owned() });
    }
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user {
        return Err(SecretError::NotOurs { path: path.to_owned(), owner: found.uid(), user });
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Makes the file at `path`, whole and durably; fails if anything is there.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<(), SecretError> {
    let folder = folder_of(path);
    let create = || {
        let mut made = tempfile::Builder::new()
            .prefix(".secret-")
            .permissions(std::fs::Permissions::from_mode(PRIVATE_FILE))
            .tempfile_in(&folder)?;
        made.write_all(bytes)?;
        made.as_file().sync_all()?;
        made.persist_noclobber(path).map_err(|error| error.error)?;
        fs::File::open(&folder)?.sync_all()
    };
    create().map_err(|source| failed(path, "make", source))
}

/// Replaces the file at `path`, whole and durably. The caller holds the home lock.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), SecretError> {
    // One name is enough under the lock, and what a crash leaves of it is removed here.
    let temporary = temporary_of(path);
    remove_if_there(&temporary).map_err(|source| failed(&temporary, "remove", source))?;
    try_replace(path, &temporary, bytes).map_err(|source| {
        // What failed is told; whether its rest could be removed changes nothing.
        remove_if_there(&temporary).ok();
        failed(path, "write", source)
    })
}

/// Returns where the next content of `path` is written.
pub(super) fn temporary_of(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

fn try_replace(path: &Path, temporary: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(PRIVATE_FILE);
    let mut file = options.open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    // The rename itself is durable once the folder is.
    fs::File::open(folder_of(path))?.sync_all()
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn failed(path: &Path, doing: &'static str, source: std::io::Error) -> SecretError {
    SecretError::File { path: path.to_owned(), doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_user_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut path = folder.path().join("file");
        create(&path, b"content").expect("it is made");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(1), None).expect("root may");
        } else {
            path = PathBuf::from("/etc/passwd");
        }
        let error = read(&path, 1 << 20, Links::Follow).expect_err("it is not ours");
        assert!(matches!(error, SecretError::NotOurs { .. }), "{error}");
    }

    #[test]
    fn a_file_is_read_up_to_its_bound_and_no_further() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        create(&path, b"12345678").expect("it is made");
        let content = read(&path, 8, Links::Refuse).expect("it is ours").expect("it is there");
        assert_eq!(content.as_slice(), b"12345678");
        let error = read(&path, 7, Links::Refuse).expect_err("it is too large");
        assert!(matches!(error, SecretError::TooLarge { bytes_max: 7, .. }), "{error}");
    }

    #[test]
    fn making_a_file_overwrites_none_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        create(&path, b"first").expect("it is made");
        assert!(create(&path, b"second").is_err());
        assert_eq!(fs::read(&path).expect("it is there"), b"first");
        replace(&path, b"third").expect("it is replaced");
        assert_eq!(fs::read(&path).expect("it is there"), b"third");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder is there").count(), 1);
    }
}
