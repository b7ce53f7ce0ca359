//! Where things are: the checkout and its target folder.
//!
//! Invariant: every path is absolute, so that no step depends on the folder it was started in.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::Result;

use crate::failure::Failure;

/// The checkout that `cargo xtask` was started in.
pub(crate) struct Checkout {
    root: PathBuf,
    target: PathBuf,
}

impl Checkout {
    /// Finds the checkout from what cargo says, and the target folder from where this program lies:
    /// that honours every way in which the folder can be configured.
    pub(crate) fn find() -> Result<Self> {
        let hint = "cargo xtask help, inside the checkout";
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .ok_or_else(|| Failure::new("this program was not started by cargo", hint))?;
        let root = Path::new(&manifest).parent().map(Path::to_path_buf);
        let program = env::current_exe().context("cannot tell where this program lies")?;
        let target = program.ancestors().nth(2).map(Path::to_path_buf);
        let (Some(root), Some(target)) = (root, target) else {
            return Err(Failure::new("this program lies outside of a target folder", hint));
        };
        Ok(Self { root, target })
    }

    /// The checkout itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The product, as the dev profile builds it.
    pub(crate) fn ax(&self) -> PathBuf {
        self.target.join("debug").join(format!("ax{}", env::consts::EXE_SUFFIX))
    }

    /// The target folder of guests: apart, so that host and guest builds do not evict each other.
    pub(crate) fn guests(&self) -> PathBuf {
        self.target.join("guests")
    }

    /// A path below the target folder.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.target.join(name)
    }

    /// A path as people want to read it: from the root if it is below.
    pub(crate) fn short<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }

    /// Folders of `folder` that hold a `Cargo.toml`, sorted; none when `folder` does not exist.
    pub(crate) fn crates_in(&self, folder: &str) -> Result<Vec<PathBuf>> {
        let folder = self.root.join(folder);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
        let mut crates = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot list `{}`", folder.display()))?.path();
            if path.join("Cargo.toml").is_file() {
                crates.push(path);
            }
        }
        crates.sort();
        Ok(crates)
    }
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Makes an empty folder, removing what was there.
pub(crate) fn make_empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    make_folder(folder)
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))
}

/// Writes a file unless it holds these bytes already; a reader sees the old or the new content.
/// Answers whether it wrote.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    // In the same folder, since a rename does not cross file systems; one name per process, since
    // two may run at once.
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(true)
}
