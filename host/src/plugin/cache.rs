//! Compiled code on disk, one file per component and engine.
//!
//! ```text
//! cache/<component>-<engine>.cwasm         machine code, read-only
//! cache/<component>-<engine>.cwasm.sha256  its digest
//! ```
//!
//! Compiled code is made here, by the jail, and never comes from anywhere else. Before it is mapped
//! its digest is compared with the recorded one; code that is damaged is made again. Files lie in a
//! folder only this user can write and are replaced by rename alone, so what was compared is what is
//! mapped, unless this very user's own processes interfere.
//!
//! Invariant: a file appears under its final name whole or not at all (temporary file, fsync,
//! rename). Not here: pruning (a later issue), sharing between machines (never).

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ax_manifest::Digest;
use fs_err as fs;
use wasmtime::component::Component;

use super::engine::Engine;
use super::error::LoadError;
use super::jail::{self, Jail};
use super::limits;

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the cache of compiled code")]
pub struct CacheError {
    /// What the operating system says, with the path.
    #[from]
    pub source: std::io::Error,
}

impl CacheError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("ax doctor".to_owned())
    }
}

/// The name of the folder below `AX_HOME`.
pub(super) const FOLDER: &str = "cache";

/// The folder of compiled code.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the cache in `home`, creating it for this user alone.
    ///
    /// # Errors
    ///
    /// When the folder cannot be created.
    pub fn open(home: &Path) -> Result<Self, CacheError> {
        let folder = home.join(FOLDER);
        // Machine code is mapped from here: nobody else may write, and nobody else need look.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o700))?;
        Ok(Self { folder })
    }

    /// Returns a component ready to instantiate, compiling it if it is not there yet.
    ///
    /// `bytes` is asked for only when it has to be compiled. Blocks.
    ///
    /// # Errors
    ///
    /// [`LoadError::Compile`], [`LoadError::Map`], [`LoadError::Cache`].
    pub fn component<E>(
        &self,
        engine: &Engine,
        jail: &Jail,
        digest: &Digest,
        bytes: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Component, E>
    where
        E: From<LoadError>,
    {
        let path = self.folder.join(jail::file_name(digest, &engine.digest()));
        if !intact(&path).map_err(LoadError::from)? {
            let bytes = bytes()?;
            self.compile(jail, digest, &bytes, &path)?;
        }
        // SAFETY: the file was written by our own jail for this engine (its name says so and the
        // digest beside it was just compared), lies in a folder only this user can write, and is
        // replaced by rename only, so the mapped file itself never changes.
        #[expect(unsafe_code, reason = "the one place where machine code is mapped")]
        let component = unsafe { engine.map_compiled(&path) };
        component.map_err(|error| {
            E::from(LoadError::Map { component: digest.to_string(), message: format!("{error:#}") })
        })
    }

    /// Answers whether a component is there for this engine, without checking its digest.
    #[must_use]
    pub fn has(&self, engine: &Engine, component: &Digest) -> bool {
        self.folder.join(jail::file_name(component, &engine.digest())).exists()
    }

    fn compile(
        &self,
        jail: &Jail,
        digest: &Digest,
        bytes: &[u8],
        path: &Path,
    ) -> Result<(), LoadError> {
        let io = |source: std::io::Error| LoadError::Cache(CacheError { source });
        let made = tempfile::Builder::new()
            .prefix(".compiling-")
            .permissions(PermissionsExt::from_mode(0o600))
            .tempfile_in(&self.folder)
            .map_err(io)?;
        jail.compile(bytes, made.as_file())
            .map_err(|source| LoadError::Compile { component: digest.to_string(), source })?;
        let sum = digest_of(&mut File::open(made.path()).map_err(io)?).map_err(io)?;
        made.as_file().set_permissions(PermissionsExt::from_mode(0o400)).map_err(io)?;
        made.as_file().sync_all().map_err(io)?;
        self.write_sum(path, &sum).map_err(io)?;
        made.persist(path).map_err(|error| io(error.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    fn write_sum(&self, path: &Path, sum: &Digest) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".sum-").tempfile_in(&self.folder)?;
        file.write_all(sum.to_string().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(sum_path(path)).map_err(|error| error.error)?;
        Ok(())
    }
}

fn sum_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

/// Answers whether the file is there and is what was written. A damaged pair is not an error: it
/// is made again.
fn intact(path: &Path) -> Result<bool, CacheError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(CacheError { source }),
    };
    let recorded = match fs::read(sum_path(path)) {
        Ok(text) => str::from_utf8(&text).ok().and_then(|text| text.parse::<Digest>().ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(CacheError { source }),
    };
    if file.metadata()?.len() > limits::COMPILED_BYTES {
        return Ok(false);
    }
    Ok(recorded == Some(digest_of(&mut file)?))
}

fn digest_of(file: &mut File) -> std::io::Result<Digest> {
    let mut hasher = Digest::hasher();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(&buffer[..n]),
        }
    }
}
