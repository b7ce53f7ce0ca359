//! A project's folder, as this program writes into it and reads what it wrote.
//!
//! Invariant: nothing is read, written or removed through a link, and nothing outside of the folder is
//! reached, whatever lies in it: it may be somebody else's work that was downloaded.
//! Not here: what toolchains write, which is not in the project (`build_folder`) but for cargo's `target`.

use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};

/// `O_NONBLOCK`, which changes nothing for ordinary files: opening a pipe must not wait.
const NO_WAIT: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// A project's folder.
pub struct ProjectFolder {
    dir: Dir,
}

impl ProjectFolder {
    /// Opens a folder.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { dir: Dir::open_ambient_dir(path, ambient_authority())? })
    }

    /// Reads a file of at most `bytes_max`; none if nothing is there.
    ///
    /// # Errors
    ///
    /// When it is no file or longer, or lies behind a link.
    pub(super) fn read(&self, name: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let bytes = self.begins(name, bytes_max + 1)?;
        match bytes.as_ref().is_some_and(|bytes| bytes.len() as u64 > bytes_max) {
            true => Err(wrong(name, &format!("has more than {bytes_max} bytes"))),
            false => Ok(bytes),
        }
    }

    /// Reads the beginning of a file, at most `bytes_max`; none if nothing is there.
    ///
    /// # Errors
    ///
    /// When it is no file, or lies behind a link.
    pub fn begins(&self, name: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        self.refuse_links(name)?;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(NO_WAIT);
        let file = match self.dir.open_with(name, &options) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Err(wrong(name, "is no file"));
        }
        let mut bytes = Vec::new();
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Replaces a file by a whole other one; the folders on the way are made.
    ///
    /// # Errors
    ///
    /// When there is something else, a link is on the way, or the operating system refuses.
    pub fn write(&self, name: &Path, bytes: &[u8]) -> io::Result<()> {
        self.refuse_links(name)?;
        let Some(last) = name.file_name() else { return Err(wrong(name, "is no file")) };
        if let Some(below) = name.parent() {
            self.dir.create_dir_all(below)?;
        }
        let mut beside = OsStr::new(".").to_owned();
        beside.push(last);
        beside.push(format!(".{}", std::process::id()));
        let beside = name.with_file_name(beside);
        let written = self.write_new(&beside, bytes);
        let put = written.and_then(|()| self.dir.rename(&beside, &self.dir, name));
        if put.is_err() {
            self.dir.remove_file(&beside).ok();
        }
        put
    }

    fn write_new(&self, name: &Path, bytes: &[u8]) -> io::Result<()> {
        // Of a process that had this number and was killed.
        match self.dir.remove_file(name) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = self.dir.open_with(name, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(bytes)
    }

    /// Makes a folder, where there is none.
    ///
    /// # Errors
    ///
    /// When there is something else, a link is on the way, or the operating system refuses.
    pub fn make(&self, name: &Path) -> io::Result<()> {
        self.refuse_links(name)?;
        self.dir.create_dir_all(name)
    }

    /// Removes a folder and what is in it, if it is there.
    ///
    /// # Errors
    ///
    /// When it is no folder, a link is on the way, or the operating system refuses.
    pub(super) fn remove(&self, name: &Path) -> io::Result<()> {
        self.refuse_links(name)?;
        match self.dir.remove_dir_all(name) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes every file below a folder that is not among `kept`, which are named as seen from it.
    ///
    /// # Errors
    ///
    /// When a link is on the way, or the operating system refuses.
    pub(super) fn keep_only(&self, name: &Path, kept: &[&str]) -> io::Result<()> {
        self.refuse_links(name)?;
        keep_only(&self.dir.open_dir(name)?, Path::new(""), kept)
    }

    /// Refuses a name that leads out of the folder or through a link.
    fn refuse_links(&self, name: &Path) -> io::Result<()> {
        let mut way = PathBuf::new();
        for part in name.components() {
            match part {
                Component::Normal(part) => way.push(part),
                Component::CurDir => continue,
                _ => return Err(wrong(name, "leads out of the project")),
            }
            match self.dir.symlink_metadata(&way) {
                Ok(data) if data.is_symlink() => {
                    return Err(wrong(
                        &way,
                        "is a link, and nothing is read or written through one",
                    ));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
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

fn wrong(name: &Path, why: &str) -> io::Error {
    io::Error::other(format!("`{}` {why}", name.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;
    use fs_err::os::unix::fs::symlink;

    /// A project, and a folder beside it that is none of its business.
    fn project() -> (tempfile::TempDir, ProjectFolder, PathBuf, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("elsewhere");
        fs::create_dir_all(elsewhere.join("sdk")).unwrap();
        fs::write(elsewhere.join("sdk/mine"), "mine").unwrap();
        let path = home.path().join("project");
        fs::create_dir(&path).unwrap();
        let folder = ProjectFolder::open(&path).unwrap();
        (home, folder, path, elsewhere)
    }

    fn name(text: &str) -> &Path {
        Path::new(text)
    }

    #[test]
    fn what_is_written_is_read() {
        let (_home, folder, path, _) = project();
        assert_eq!(folder.read(name(".ax/a"), 9).unwrap(), None);
        folder.write(name(".ax/a"), b"12345678").unwrap();
        folder.write(name(".ax/a"), b"123456789").unwrap();
        assert_eq!(folder.read(name(".ax/a"), 9).unwrap().unwrap(), b"123456789");
        let told = folder.read(name(".ax/a"), 8).unwrap_err().to_string();
        assert_eq!(told, "`.ax/a` has more than 8 bytes");
        assert_eq!(fs::read_dir(path.join(".ax")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_happens_through_links() {
        let (_home, folder, path, elsewhere) = project();
        symlink(&elsewhere, path.join(".ax")).unwrap();
        fs::write(path.join("file"), "x").unwrap();
        symlink("file", path.join("inside")).unwrap();
        for through in [".ax", ".ax/sdk", ".ax/sdk/mine", "inside"] {
            let through = name(through);
            let told = [
                folder.read(through, 9).map(drop),
                folder.write(through, b"other"),
                folder.make(through),
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
        }
    }

    #[test]
    fn a_pipe_is_no_file_and_nobody_waits_for_it() {
        let (_home, folder, path, _) = project();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, path.join("pipe"), mode).unwrap();
        let told = folder.read(name("pipe"), 9).unwrap_err().to_string();
        assert_eq!(told, "`pipe` is no file");
    }

    #[test]
    fn only_what_is_named_stays() {
        let (_home, folder, path, elsewhere) = project();
        for file in ["sdk/src/a", "sdk/src/b", "sdk/other/c", "sdk/d"] {
            folder.write(name(file), b"x").unwrap();
        }
        symlink(elsewhere.join("sdk"), path.join("sdk/link")).unwrap();
        folder.keep_only(name("sdk"), &["src/a", "missing"]).unwrap();
        let left: Vec<_> = ["src/a", "src/b", "other", "d", "link"]
            .into_iter()
            .filter(|file| fs::symlink_metadata(path.join("sdk").join(file)).is_ok())
            .collect();
        assert_eq!(left, ["src/a"]);
        assert!(elsewhere.join("sdk/mine").is_file());
    }
}
