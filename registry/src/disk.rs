//! Changes files so that a death at any moment leaves the old or the new, never a mixture.
//!
//! ```text
//! write beside it ──→ fsync the file ──→ rename over it ──→ fsync the folder
//! ```
//!
//! Each step is announced to a hook before it is done. The running program's hook does nothing; a
//! test's hook dies there, and the disk is then what a killed process would leave.
//!
//! Invariant: nothing outside this file writes under `AX_HOME`, the lock's own text excepted.
//! Files are made 0600 and folders 0700: what `ax` keeps is its owner's business.
//! Not here: what is written (`store`, `generation`), who may write (`home_lock`).

use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use fs_err as fs;

/// How names of unfinished files and folders begin; nothing finished begins so.
pub(crate) const UNFINISHED: &str = ".tmp-";

/// Permission bits of a file that will change.
pub(crate) const PRIVATE_FILE: u32 = 0o600;

/// Permission bits of a file that never changes, so that an editor warns.
pub(crate) const SEALED_FILE: u32 = 0o400;

/// Permission bits of every folder.
#[cfg(unix)]
const PRIVATE_FOLDER: u32 = 0o700;

/// One change, about to be made.
#[derive(Debug)]
#[expect(dead_code, reason = "only a test's hook looks at the paths, some of them through Debug")]
pub(crate) enum Step<'a> {
    /// A folder is made.
    MakeFolder(&'a Path),
    /// A file is created and filled.
    Write(&'a Path),
    /// A file's content is forced out.
    SyncFile(&'a Path),
    /// A name is given to what another name had.
    Rename(&'a Path, &'a Path),
    /// A folder's names are forced out.
    SyncFolder(&'a Path),
    /// A file, or a folder with all in it, is removed.
    Remove(&'a Path),
}

/// Hears of each step before it is done; an error stands for the death of the process.
type Hook = dyn Fn(&Step<'_>) -> io::Result<()> + Send + Sync;

/// The way to change files.
#[derive(Clone)]
pub(crate) struct Disk {
    hook: Arc<Hook>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Disk")
    }
}

impl Disk {
    /// Gives the disk as it is.
    pub(crate) fn real() -> Self {
        Self { hook: Arc::new(|_| Ok(())) }
    }

    /// Gives a disk that asks a hook before each step.
    #[cfg(test)]
    pub(crate) fn watched(
        hook: impl Fn(&Step<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { hook: Arc::new(hook) }
    }

    /// Makes a folder below `base`, and those on the way that are missing. `base` must exist.
    pub(crate) fn make_folders(&self, base: &Path, names: &[&str]) -> io::Result<()> {
        let mut folder = base.to_owned();
        for name in names {
            let parent = folder.clone();
            folder.push(name);
            if !folder.is_dir() {
                self.make_folder(&folder)?;
                self.sync_folder(&parent)?;
            }
        }
        Ok(())
    }

    /// Makes one folder; content with one that another process has just made.
    pub(crate) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        (self.hook)(&Step::MakeFolder(folder))?;
        match create_private_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            other => other,
        }
    }

    /// Writes a file of which nobody knows yet, inside an unfinished folder.
    pub(crate) fn write_new(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        (self.hook)(&Step::Write(path))?;
        let mut file = create_private_file(path)?;
        file.write_all(content)?;
        (self.hook)(&Step::SyncFile(path))?;
        file.sync_all()
    }

    /// Puts a file in place, whole, over what was there; `mode` gives its permission bits on Unix.
    ///
    /// The folder must exist. After an error the file is the old or the new.
    pub(crate) fn replace(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        // A random end: a process that died may have left any other name, its number reused.
        let mut temporary = tempfile::Builder::new()
            .prefix(&unfinished_prefix(path))
            .disable_cleanup(true)
            .tempfile_in(folder)?;
        let unfinished = temporary.path().to_owned();
        let written = self.fill(&mut temporary, &unfinished, content, mode).and_then(|()| {
            (self.hook)(&Step::Rename(&unfinished, path))?;
            fs::rename(&unfinished, path)
        });
        if let Err(error) = written {
            // Best effort: what cannot be removed now is swept later, and the first error counts.
            self.remove(&unfinished).ok();
            return Err(error);
        }
        self.sync_folder(folder)
    }

    fn fill(
        &self,
        temporary: &mut tempfile::NamedTempFile,
        path: &Path,
        content: &[u8],
        mode: u32,
    ) -> io::Result<()> {
        (self.hook)(&Step::Write(path))?;
        temporary.write_all(content)?;
        set_mode(path, mode)?;
        (self.hook)(&Step::SyncFile(path))?;
        temporary.as_file().sync_all()
    }

    /// Gives a finished folder its name, and forces that out.
    pub(crate) fn publish_folder(&self, unfinished: &Path, path: &Path) -> io::Result<()> {
        (self.hook)(&Step::Rename(unfinished, path))?;
        fs::rename(unfinished, path)?;
        self.sync_folder(path.parent().unwrap_or(Path::new(".")))
    }

    /// Renames without forcing it out; for what is on its way to removal.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (self.hook)(&Step::Rename(from, to))?;
        fs::rename(from, to)
    }

    /// Removes a file, or a folder with all in it; content when it is gone already.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        (self.hook)(&Step::Remove(path))?;
        let removed = match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Forces the names in a folder out to the disk.
    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        (self.hook)(&Step::SyncFolder(folder))?;
        // Windows offers no such call; NTFS keeps renames in its own journal.
        #[cfg(unix)]
        fs::File::open(folder)?.sync_all()?;
        Ok(())
    }
}

/// Gives how the names of unfinished versions of a file begin.
pub(crate) fn unfinished_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{UNFINISHED}{name}-")
}

/// Makes `AX_HOME` itself and what is missing above it.
pub(crate) fn make_home(home: &Path) -> io::Result<()> {
    if home.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    private_folder(&mut builder);
    builder.create(home)
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    private_folder(&mut builder);
    builder.create(folder)
}

#[cfg(unix)]
fn private_folder(builder: &mut std::fs::DirBuilder) {
    std::os::unix::fs::DirBuilderExt::mode(builder, PRIVATE_FOLDER);
}

#[cfg(not(unix))]
fn private_folder(_: &mut std::fs::DirBuilder) {}

fn create_private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = private_file_options();
    options.write(true).create_new(true).open(path)
}

/// Gives options under which a file that is created is its owner's alone.
pub(crate) fn private_file_options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    #[cfg(unix)]
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    options
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
