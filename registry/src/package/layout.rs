//! The names, media types and bounds of a package: what an OCI image layout is to us.
//!
//! ```text
//! oci-layout                  {"imageLayoutVersion":"1.0.0"}
//! index.json                  names the one manifest
//! blobs/sha256/<manifest>     names the config and the layers; its digest is the package's identity
//! blobs/sha256/<config>       plugin.json
//! blobs/sha256/<component>    application/wasm
//! blobs/sha256/<…>            WIT, README.md, CHANGELOG.md, LICENSE
//! ```
//!
//! Invariant: the JSON written here is compact and in one key order, so that one content has one
//! digest.
//! Not here: the order of work (`pack`, `unpack`), what `plugin.json` says (`config`).

use std::collections::BTreeMap;

use ax_manifest::Digest;
use serde::Deserialize;
use serde::Serialize;

/// Most bytes of a whole package: the largest component, its papers and room for the archive.
pub const PACKAGE_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// Most bytes of each JSON document; a manifest with a hundred described tools has a tenth of it.
pub const JSON_BYTES_MAX: u64 = 1024 * 1024;

/// Most bytes of each document and of the WIT; a long changelog has a tenth of it.
pub const DOCUMENT_BYTES_MAX: u64 = 1024 * 1024;

/// Most entries of an archive, folders counted; a full package has eleven.
pub const ENTRIES_MAX: usize = 64;

/// Most bytes of an entry's name: the name field of a ustar header. The longest we write has 77.
pub const NAME_BYTES_MAX: usize = 100;

/// The documents that a package may carry, in the order of their layers.
pub const DOCUMENTS: [&str; 3] = ["CHANGELOG.md", "LICENSE", "README.md"];

/// Media type of the package's manifest, as OCI names it.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// What the manifest says the package is.
pub const ARTIFACT_TYPE: &str = "application/vnd.automatosx.plugin.v1";
/// Media type of `plugin.json`.
pub const CONFIG_TYPE: &str = "application/vnd.automatosx.plugin.config.v1+json";
/// Media type of the component; the same that other Wasm tools give it.
pub const COMPONENT_TYPE: &str = "application/wasm";
/// Media type of the WIT text.
pub const WIT_TYPE: &str = "application/vnd.automatosx.plugin.wit.v1";
/// Media type of the index.
pub(super) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

pub(super) const LAYOUT_FILE: &str = "oci-layout";
pub(super) const INDEX_FILE: &str = "index.json";
pub(super) const COMPONENT_TITLE: &str = "plugin.wasm";
pub(super) const WIT_TITLE: &str = "plugin.wit";
pub(super) const LAYOUT_VERSION: &str = "1.0.0";
pub(super) const SCHEMA_VERSION: u32 = 2;
/// [`SCHEMA_VERSION`] as an error shows it.
pub(super) const SCHEMA_VERSION_TEXT: &str = "2";

const BLOB_FOLDER: &str = "blobs/sha256/";
const TITLE: &str = "org.opencontainers.image.title";

/// Gives the entry's name of a blob.
pub(super) fn blob_name(digest: &Digest) -> String {
    format!("{BLOB_FOLDER}{}", digest.hex())
}

/// Reads a blob's name back; nothing when it is not one, spelt exactly.
pub(super) fn blob_digest(name: &str) -> Option<Digest> {
    let hex = name.strip_prefix(BLOB_FOLDER)?;
    let digest: Digest = format!("sha256:{hex}").parse().ok()?;
    (digest.hex() == hex).then_some(digest)
}

/// Tells whether a name is one of the layout's folders.
pub(super) fn is_folder(name: &str) -> bool {
    matches!(name, "blobs" | "blobs/" | "blobs/sha256" | "blobs/sha256/")
}

/// Gives the media type of a document of [`DOCUMENTS`].
pub(super) fn document_type(title: &str) -> &'static str {
    if title.ends_with(".md") { "text/markdown" } else { "text/plain" }
}

/// The file `oci-layout`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Layout {
    pub(super) image_layout_version: String,
}

/// The file `index.json`. Other tools may annotate it: it is not part of the identity.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Index {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) manifests: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// The OCI manifest: the package's identity is the digest of its bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImageManifest {
    pub(super) schema_version: u32,
    pub(super) media_type: String,
    pub(super) artifact_type: String,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

impl ImageManifest {
    /// Makes the manifest of a plugin.
    pub(super) fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: ARTIFACT_TYPE.to_owned(),
            config,
            layers,
        }
    }
}

/// A blob as a manifest or an index names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<String>,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Describes bytes.
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            artifact_type: None,
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            annotations: BTreeMap::new(),
        }
    }

    /// Adds the title under which other tools show and save the blob.
    pub(super) fn titled(mut self, title: &str) -> Self {
        self.annotations.insert(TITLE.to_owned(), title.to_owned());
        self
    }

    /// Gives the title; empty when there is none.
    pub(super) fn title(&self) -> &str {
        self.annotations.get(TITLE).map_or("", String::as_str)
    }
}
