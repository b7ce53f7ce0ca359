//! The `.axp` package: a plugin as one file that proves what it contains.
//!
//! An uncompressed tar in OCI image layout (`layout`), so that any OCI registry and its tools can
//! carry it. The identity of a package is the SHA-256 of its OCI manifest, which names everything
//! else by digest.
//!
//! Invariant: `unpack(pack(p)) == p`, packing twice gives the same bytes, and whatever `unpack`
//! accepts packs to a package of the same identity.
//! Not here: signatures and logs of releases; where blobs are kept (`store`).

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use ax_manifest::Digest;

mod archive;
mod config;
mod error;
mod layout;
mod pack;
mod unpack;

pub use config::PluginConfig;
pub use error::PackageError;
pub use error::Part;
pub use layout::ARTIFACT_TYPE;
pub use layout::COMPONENT_TYPE;
pub use layout::CONFIG_TYPE;
pub use layout::DOCUMENT_BYTES_MAX;
pub use layout::DOCUMENTS;
pub use layout::ENTRIES_MAX;
pub use layout::JSON_BYTES_MAX;
pub use layout::MANIFEST_TYPE;
pub use layout::NAME_BYTES_MAX;
pub use layout::PACKAGE_BYTES_MAX;
pub use layout::WIT_TYPE;
pub use pack::pack;
pub use unpack::blobs_named_by;
pub use unpack::digest_of;
pub use unpack::unpack;

/// A plugin, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// What the package says about its component.
    pub config: PluginConfig,
    /// The WebAssembly component.
    pub component: Vec<u8>,
    /// The author's WIT text, which descriptions of tools may come from.
    pub wit: Option<Vec<u8>>,
    /// Documents by name, UTF-8; the names are those of [`DOCUMENTS`].
    pub docs: BTreeMap<String, Vec<u8>>,
}

/// The blobs of a package, ready for a store or an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blobs {
    /// The identity of the package: the digest of its OCI manifest.
    pub package: Digest,
    /// The digest of `plugin.json`.
    pub config: Digest,
    /// The digest of the component.
    pub component: Digest,
    /// Every blob once: manifest, config, component, WIT, documents.
    pub all: Vec<(Digest, Vec<u8>)>,
}

impl Package {
    /// Gives the blobs that the package consists of; the same as an archive of it would hold.
    ///
    /// # Errors
    ///
    /// As [`pack`].
    pub fn blobs(&self) -> Result<Blobs, PackageError> {
        pack::blobs(self)
    }
}

/// Reads a package file into memory, at most [`PACKAGE_BYTES_MAX`] bytes of it.
///
/// # Errors
///
/// [`PackageError::Read`], or [`PackageError::TooLarge`] without having read the rest.
pub fn read_package(path: &Path) -> Result<Vec<u8>, PackageError> {
    let failed = |source| PackageError::Read { path: path.to_owned(), source };
    let file = fs_err::File::open(path).map_err(failed)?;
    let declared = file.metadata().map_err(failed)?.len();
    let too_large =
        |bytes| PackageError::TooLarge { part: Part::Package, bytes, max: PACKAGE_BYTES_MAX };
    if declared > PACKAGE_BYTES_MAX {
        return Err(too_large(declared));
    }
    let mut bytes = Vec::new();
    // A pipe declares no size, and a file may grow while it is read.
    file.take(PACKAGE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 {
        read if read > PACKAGE_BYTES_MAX => Err(too_large(read)),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests;
