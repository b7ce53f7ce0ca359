//! Files of a folder, read, written and removed below it and nowhere else; and files that a person named.
//!
//! Invariant: below a folder that is open no link is followed and no name leads out, whatever lies in it: it
//! may be somebody else's work that was downloaded. Only ordinary files are read, opening one never waits,
//! and a file is replaced whole or not at all.
//! Not here: what plugins do in folders (`plugin`); who else may read or write a file (`secret`, `app`).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, ReadDir};
use fs_err as fs;
use rustix::fs::{Mode, OFlags};

/// Why a file or a folder in a folder is not read or written. Names are as seen from that.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// This part of the name leads elsewhere.
    #[error("`{}` is a link, and nothing is read or written through one", .0.display())]
    Link(PathBuf),
    /// It is a folder, a pipe or a device.
    #[error("`{}` is no file", .0.display())]
    NotAFile(PathBuf),
    /// It has more bytes than this.
    #[error("`{}` has more than {} bytes", .0.display(), .1)]
    TooLong(PathBuf, u64),
    /// The name is none of something below.
    #[error("`{}` leads out of the folder", .0.display())]
    Outside(PathBuf),
    /// The operating system refuses.
    #[error("cannot use `{}`", .0.display())]
    System(PathBuf, #[source] io::Error),
}

impl FileError {
    /// Answers whether there just is nothing of this name.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::System(_, source) if source.kind() == ErrorKind::NotFound)
    }
}

impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::System(_, source) => source,
            other => Self::other(other),
        }
    }
}

/// A folder that is open.
#[derive(Debug)]
pub struct OpenFolder {
    path: PathBuf,
    dir: Dir,
}

impl OpenFolder {
    /// Opens a folder that a person or this program named.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self { path: path.to_owned(), dir })
    }

    /// Returns where it was when it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lists what is in it.
    pub(crate) fn entries(&self) -> io::Result<ReadDir> {
        self.dir.entries()
    }

    /// Opens a folder somewhere below it.
    pub(crate) fn below(&self, name: &Path) -> Result<Self, FileError> {
        self.enter(name, false)
    }

    /// Opens a folder somewhere below it, and makes what is not there.
    pub(crate) fn make(&self, name: &Path) -> Result<Self, FileError> {
        self.enter(name, true)
    }

    /// Opens an ordinary file.
    pub(crate) fn open(&self, name: &Path) -> Result<File, FileError> {
        let (folder, last) = split(name)?;
        let file = open_part(&self.below(folder)?.dir, last, name, OFlags::empty())?;
        match file.metadata().map_err(system(name))?.is_file() {
            true => Ok(file),
            false => Err(FileError::NotAFile(name.to_owned())),
        }
    }

    /// Reads a file of at most `bytes_max`.
    pub(crate) fn read(&self, name: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        let bytes = read(self.open(name)?, bytes_max).map_err(system(name))?;
        bytes.ok_or_else(|| FileError::TooLong(name.to_owned(), bytes_max))
    }

    /// Puts a file in the place of another, or where there was nothing, with the folders it lies in. If
    /// that fails, what was there stays.
    pub(crate) fn replace(&self, name: &Path, bytes: &[u8]) -> Result<(), FileError> {
        let (folder, last) = split(name)?;
        let Self { dir, .. } = self.make(folder)?;
        match dir.symlink_metadata(last) {
            Ok(held) if held.is_symlink() => return Err(FileError::Link(name.to_owned())),
            Ok(held) if !held.is_file() => {
                return Err(FileError::NotAFile(name.to_owned()));
            }
            Ok(_) | Err(_) => {}
        }
        let beside = format!(".ax-{}.tmp", std::process::id());
        // What an ended process of the same number left is nobody's.
        dir.remove_file(&beside).ok();
        let made = dir.open_with(&beside, OpenOptions::new().write(true).create_new(true));
        let put = made.and_then(|mut made| {
            made.write_all(bytes)?;
            dir.rename(&beside, &dir, last)
        });
        put.map_err(|source| {
            dir.remove_file(&beside).ok();
            system(name)(source)
        })
    }

    /// Removes a folder and what is in it, if it is there.
    pub(crate) fn remove(&self, name: &Path) -> Result<(), FileError> {
        let removed = split(name).and_then(|(folder, last)| {
            let Self { dir, .. } = self.below(folder)?;
            match is_link(&dir, last) {
                true => Err(FileError::Link(name.to_owned())),
                false => dir.remove_dir_all(last).map_err(system(name)),
            }
        });
        match removed {
            Err(error) if !error.is_absent() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes every file below a folder that is not among `kept`, which are named as seen from it.
    pub(crate) fn keep_only(&self, name: &Path, kept: &[&str]) -> Result<(), FileError> {
        keep_only(&self.below(name)?.dir, Path::new(""), kept).map_err(system(name))
    }

    /// Goes down a name part by part.
    fn enter(&self, name: &Path, is_made: bool) -> Result<Self, FileError> {
        let (mut dir, mut way) = (self.dir.try_clone().map_err(system(name))?, PathBuf::new());
        for part in name.components() {
            let part = match part {
                Component::Normal(part) => part,
                Component::CurDir => continue,
                _ => return Err(FileError::Outside(name.to_owned())),
            };
            way.push(part);
            if is_made
                && let Err(error) = dir.create_dir(part)
                && error.kind() != ErrorKind::AlreadyExists
            {
                return Err(system(&way)(error));
            }
            dir = Dir::from_std_file(open_part(&dir, part, &way, OFlags::DIRECTORY)?);
        }
        Ok(Self { path: self.path.join(name), dir })
    }
}

/// Opens a file that a person named, also by a link. Should a pipe be there, this does not wait.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

/// Reads a file of at most `bytes_max`; none if it is longer, or grows to be so meanwhile.
pub(crate) fn read(file: File, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    if file.metadata()?.len() > bytes_max {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= bytes_max))
}

/// Puts a file where a person or this program named it, as [`OpenFolder::replace`] does.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = Path::new(path.file_name().unwrap_or_default());
    Ok(OpenFolder::at(folder)?.replace(name, bytes)?)
}

/// Puts a file of ours in the place of another and forces it out to the disk, in a folder that is there. It has
/// that mode, or else that of the file before, or else the usual one. If this fails, what was there stays.
pub(crate) fn replace_synced(path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    /// What the umask leaves the usual one of.
    const USUAL: u32 = 0o666;
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(mode.unwrap_or(USUAL));
    let put = options.open(&beside).and_then(|mut made| {
        if let (None, Ok(held)) = (mode, fs::metadata(path)) {
            made.set_permissions(held.permissions())?;
        }
        made.write_all(bytes)?;
        made.sync_all()?;
        fs::rename(&beside, path)
    });
    put.inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// Parts a name into that of a folder and what it is called there.
fn split(name: &Path) -> Result<(&Path, &OsStr), FileError> {
    let last = name.file_name().ok_or_else(|| FileError::NotAFile(name.to_owned()))?;
    Ok((name.parent().unwrap_or(Path::new("")), last))
}

/// Opens what is no link, and does not wait for it.
fn open_part(dir: &Dir, part: &OsStr, way: &Path, kind: OFlags) -> Result<File, FileError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(dir, part, flags | kind, Mode::empty()) {
        Ok(opened) => Ok(File::from(opened)),
        // Links answer the system in different ways.
        Err(_) if is_link(dir, part) => Err(FileError::Link(way.to_owned())),
        Err(error) => Err(system(way)(error.into())),
    }
}

fn is_link(dir: &Dir, part: &OsStr) -> bool {
    dir.symlink_metadata(part).is_ok_and(|held| held.is_symlink())
}

fn keep_only(dir: &Dir, below: &Path, kept: &[&str]) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), below.join(entry.file_name()));
        let holds_kept = || kept.iter().any(|kept| Path::new(kept).starts_with(&path));
        match entry.file_type()?.is_dir() {
            true if holds_kept() => keep_only(&entry.open_dir()?, &path, kept)?,
            true => dir.remove_dir_all(name)?,
            false if kept.iter().any(|kept| Path::new(kept) == path) => {}
            false => dir.remove_file(name)?,
        }
    }
    Ok(())
}

fn system(name: &Path) -> impl Fn(io::Error) -> FileError {
    |source| FileError::System(name.to_owned(), source)
}

#[cfg(test)]
mod tests {
    use fs_err::os::unix::fs::symlink;

    use super::*;

    /// A folder, and one beside it that is none of its business.
    fn ground() -> (tempfile::TempDir, OpenFolder, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("elsewhere");
        fs::create_dir_all(elsewhere.join("sdk")).unwrap();
        fs::write(elsewhere.join("sdk/mine"), "mine").unwrap();
        let path = home.path().join("project");
        fs::create_dir(&path).unwrap();
        let folder = OpenFolder::at(&path).unwrap();
        (home, folder, elsewhere)
    }

    fn name(text: &str) -> &Path {
        Path::new(text)
    }

    #[test]
    fn what_is_written_is_read() {
        let (_home, folder, _) = ground();
        assert!(folder.read(name(".ax/a"), 9).unwrap_err().is_absent());
        folder.replace(name(".ax/a"), b"12345678").unwrap();
        folder.replace(name("./.ax/a"), b"123456789").unwrap();
        assert_eq!(folder.read(name(".ax/a"), 9).unwrap(), b"123456789");
        let told = folder.read(name(".ax/a"), 8).unwrap_err().to_string();
        assert_eq!(told, "`.ax/a` has more than 8 bytes");
        assert_eq!(fs::read_dir(folder.path().join(".ax")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_happens_through_links() {
        let (_home, folder, elsewhere) = ground();
        symlink(&elsewhere, folder.path().join(".ax")).unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        symlink("file", folder.path().join("inside")).unwrap();
        for through in [".ax", ".ax/sdk", ".ax/sdk/mine", "inside"] {
            let through = name(through);
            let told = [
                folder.read(through, 9).map(drop),
                folder.replace(through, b"other"),
                folder.make(through).map(drop),
                folder.remove(through),
                folder.keep_only(through, &[]),
            ];
            for told in told {
                let told = told.unwrap_err().to_string();
                assert!(told.contains("is a link, and nothing is read or written"), "{told}");
            }
        }
        assert_eq!(fs::read_to_string(elsewhere.join("sdk/mine")).unwrap(), "mine");
        for out in ["../elsewhere/sdk/mine", "/etc/passwd"] {
            assert!(folder.read(name(out), 9).unwrap_err().to_string().contains("leads out"));
            assert!(matches!(folder.make(name(out)), Err(FileError::Outside(_))));
        }
    }

    #[test]
    fn a_pipe_is_no_file_and_nobody_waits_for_it() {
        let (_home, folder, _) = ground();
        let (pipe, mode) = (folder.path().join("pipe"), Mode::from_raw_mode(0o600));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        for told in [folder.read(name("pipe"), 9).map(drop), folder.replace(name("pipe"), b"x")] {
            assert_eq!(told.unwrap_err().to_string(), "`pipe` is no file");
        }
        assert!(!open(&pipe).unwrap().metadata().unwrap().is_file());
    }

    #[test]
    fn a_path_is_replaced_unless_it_is_a_link() {
        let (_home, folder, elsewhere) = ground();
        let path = folder.path().join("new/file");
        replace(&path, b"1").unwrap();
        replace(&path, b"2").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        let link = folder.path().join("link");
        symlink(elsewhere.join("sdk/mine"), &link).unwrap();
        let told = replace(&link, b"3").unwrap_err().to_string();
        assert_eq!(told, "`link` is a link, and nothing is read or written through one");
        assert_eq!(fs::read_to_string(&link).unwrap(), "mine");
    }

    #[test]
    fn only_what_is_named_stays() {
        let (_home, folder, elsewhere) = ground();
        for file in ["sdk/src/a", "sdk/src/b", "sdk/other/c", "sdk/d"] {
            folder.replace(name(file), b"x").unwrap();
        }
        symlink(elsewhere.join("sdk"), folder.path().join("sdk/link")).unwrap();
        folder.keep_only(name("sdk"), &["src/a", "missing"]).unwrap();
        let left: Vec<_> = ["src/a", "src/b", "other", "d", "link"]
            .into_iter()
            .filter(|file| fs::symlink_metadata(folder.path().join("sdk").join(file)).is_ok())
            .collect();
        assert_eq!(left, ["src/a"]);
        assert!(elsewhere.join("sdk/mine").is_file());
    }
}
