//! Compiled code on disk, one file per component and engine.
//!
//! ```text
//! cache/<component>-<engine>.cwasm         machine code, read-only
//! cache/<component>-<engine>.cwasm.sha256  its digest, and how it was made (`record`)
//! ```
//!
//! Compiled code is made here, by the jail, and never comes from anywhere else. Before it is mapped
//! its digest is compared with the recorded one; code that is damaged is made again. Files lie in a
//! folder only this user can write and are replaced by rename alone, so what was compared is what is
//! mapped, unless this very user's own processes interfere.
//!
//! Invariant: a file appears under its final name whole or not at all (temporary file, fsync,
//! rename). Not here: removing what is no longer needed (`app`, which asks `unused`), sharing between
//! machines (never).

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ax_manifest::{Digest, PluginName};
use fs_err as fs;
use wasmtime::component::Component;

use super::compilation::{Compilation, CompileWatch};
use super::engine::Engine;
use super::error::LoadError;
use super::jail::{self, Jail};
use super::limits;
use crate::clock::Clock;

mod record;
mod unused;

pub use record::CompileRecord;
use record::RECORD_BYTES_MAX;
pub use unused::{CodeInUse, UnusedCode, unused_code};

/// The folder below `AX_HOME`.
pub(super) const FOLDER: &str = "cache";
/// What the name of a record adds to that of the code.
const RECORD_SUFFIX: &str = ".sha256";
/// How names of files begin that are being made: code and records.
const UNFINISHED: [&str; 2] = [".compiling-", ".sum-"];

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

/// What compiles, for whom, and who hears of it.
pub struct Compiler<'a> {
    /// The engine the code is for.
    pub engine: &'a Engine,
    /// Where it is made.
    pub jail: &'a Jail,
    /// Tells how long it takes.
    pub clock: &'a dyn Clock,
    /// Who is told, if anybody.
    pub watch: Option<&'a dyn CompileWatch>,
}

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
        compiler: &Compiler<'_>,
        plugin: &PluginName,
        digest: &Digest,
        bytes: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Component, E>
    where
        E: From<LoadError>,
    {
        let engine = compiler.engine;
        let path = self.path_of(engine, digest);
        let mut bytes = Some(bytes);
        if !intact(&path, &engine.digest()).map_err(LoadError::from)?
            && let Some(bytes) = bytes.take()
        {
            self.compile(compiler, plugin, digest, &bytes()?)?;
        }
        let mut mapped = map(engine, &path);
        // Another process may have thought it unused, and removed it since it was looked at.
        if mapped.is_err()
            && !path.exists()
            && let Some(bytes) = bytes.take()
        {
            self.compile(compiler, plugin, digest, &bytes()?)?;
            mapped = map(engine, &path);
        }
        mapped.map_err(|error| {
            E::from(LoadError::Map { component: digest.to_string(), message: format!("{error:#}") })
        })
    }

    /// Answers whether a component is there for this engine, without checking its digest.
    #[must_use]
    pub fn has(&self, engine: &Engine, component: &Digest) -> bool {
        self.path_of(engine, component).exists()
    }

    /// Returns how the code of a component was made, if it is there.
    #[must_use]
    pub fn record(&self, engine: &Engine, component: &Digest) -> Option<CompileRecord> {
        read_record(&self.path_of(engine, component)).ok().flatten()
    }

    fn path_of(&self, engine: &Engine, component: &Digest) -> PathBuf {
        self.folder.join(jail::file_name(component, &engine.digest()))
    }

    /// Compiles a component while whoever watches is told.
    fn compile(
        &self,
        compiler: &Compiler<'_>,
        plugin: &PluginName,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), LoadError> {
        let compilation = Compilation { plugin, component_bytes: bytes.len() as u64 };
        let began = compiler.clock.monotonic();
        if let Some(watch) = compiler.watch {
            watch.began(&compilation);
        }
        let made = self.make(compiler, digest, bytes, began);
        if let Some(watch) = compiler.watch {
            watch.ended(&compilation, compiler.clock.monotonic().saturating_sub(began));
        }
        made
    }

    fn make(
        &self,
        compiler: &Compiler<'_>,
        digest: &Digest,
        bytes: &[u8],
        began: Duration,
    ) -> Result<(), LoadError> {
        let io = |source: std::io::Error| LoadError::Cache(CacheError { source });
        let path = self.path_of(compiler.engine, digest);
        let made = tempfile::Builder::new()
            .prefix(UNFINISHED[0])
            .permissions(PermissionsExt::from_mode(0o600))
            .tempfile_in(&self.folder)
            .map_err(io)?;
        compiler
            .jail
            .compile(bytes, made.as_file())
            .map_err(|source| LoadError::Compile { component: digest.to_string(), source })?;
        let record = CompileRecord {
            code: digest_of(&mut File::open(made.path()).map_err(io)?).map_err(io)?,
            engine: Some(compiler.engine.digest()),
            component_bytes: bytes.len() as u64,
            code_bytes: made.as_file().metadata().map_err(io)?.len(),
            took: compiler.clock.monotonic().saturating_sub(began),
        };
        made.as_file().set_permissions(PermissionsExt::from_mode(0o400)).map_err(io)?;
        made.as_file().sync_all().map_err(io)?;
        self.write_record(&path, &record).map_err(io)?;
        made.persist(&path).map_err(|error| io(error.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(io)
    }

    fn write_record(&self, path: &Path, record: &CompileRecord) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED[1]).tempfile_in(&self.folder)?;
        file.write_all(record.to_string().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(record_path(path)).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Maps compiled code.
#[expect(unsafe_code, reason = "the one place where machine code is mapped")]
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file was written by our own jail for this engine (its name says so and the digest
    // beside it was just compared), lies in a folder only this user can write, and is replaced by
    // rename only, so the mapped file itself never changes.
    unsafe { engine.map_compiled(path) }
}

fn record_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(RECORD_SUFFIX);
    PathBuf::from(name)
}

/// Answers whether the file is there, is what was written, and was written for this engine. A damaged
/// pair is not an error: it is made again.
fn intact(path: &Path, engine: &Digest) -> Result<bool, CacheError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(CacheError { source }),
    };
    let Some(record) = read_record(path)? else { return Ok(false) };
    if file.metadata()?.len() > limits::COMPILED_BYTES {
        return Ok(false);
    }
    Ok(record.fits(&digest_of(&mut file)?, engine))
}

/// Reads the record beside compiled code; nothing when there is none that can be read as one.
fn read_record(path: &Path) -> Result<Option<CompileRecord>, CacheError> {
    let file = match fs::File::open(record_path(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CacheError { source }),
    };
    let mut bytes = Vec::new();
    file.take(RECORD_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(CompileRecord::parse(&bytes))
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
