//! Why bytes are not a package, or a plugin cannot become one.
//!
//! Invariant: no text of the package reaches an error unescaped or at full length.
//! Not here: exit codes and stable codes (the command line gives them).

use std::fmt;
use std::path::PathBuf;

use ax_manifest::COMPONENT_BYTES_MAX;
use ax_manifest::Digest;

use super::layout::DOCUMENT_BYTES_MAX;
use super::layout::INDEX_FILE;
use super::layout::JSON_BYTES_MAX;
use super::layout::LAYOUT_FILE;
use super::layout::PACKAGE_BYTES_MAX;

/// A part of a package, as errors name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The whole archive.
    Package,
    /// `oci-layout`.
    Layout,
    /// `index.json`.
    Index,
    /// The OCI manifest, whose digest is the package's identity.
    Manifest,
    /// `plugin.json`.
    Config,
    /// The WebAssembly component.
    Component,
    /// The WIT text.
    Wit,
    /// A document, by its title.
    Document(String),
}

impl Part {
    /// Gives the most bytes this part may have.
    pub fn bytes_max(&self) -> u64 {
        match self {
            Self::Package => PACKAGE_BYTES_MAX,
            Self::Component => COMPONENT_BYTES_MAX,
            Self::Layout | Self::Index | Self::Manifest | Self::Config => JSON_BYTES_MAX,
            Self::Wit | Self::Document(_) => DOCUMENT_BYTES_MAX,
        }
    }

    /// Refuses a part that is too large.
    pub(super) fn check(&self, bytes: usize) -> Result<(), PackageError> {
        let max = self.bytes_max();
        match u64::try_from(bytes) {
            Ok(bytes) if bytes <= max => Ok(()),
            _ => Err(PackageError::TooLarge { part: self.clone(), bytes: bytes as u64, max }),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Package => formatter.write_str("package"),
            Self::Layout => write!(formatter, "file `{LAYOUT_FILE}`"),
            Self::Index => write!(formatter, "file `{INDEX_FILE}`"),
            Self::Manifest => formatter.write_str("OCI manifest"),
            Self::Config => formatter.write_str("config `plugin.json`"),
            Self::Component => formatter.write_str("component"),
            Self::Wit => formatter.write_str("WIT text"),
            Self::Document(title) => write!(formatter, "document `{title}`"),
        }
    }
}

/// Why a package could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A part is over its bound.
    #[error("the {part} has {bytes} bytes, more than {max}")]
    TooLarge { part: Part, bytes: u64, max: u64 },
    /// The archive lists too much.
    #[error("the package has more than {max} entries")]
    TooManyEntries { max: usize },
    /// The input ends too early.
    #[error("the package is cut off at byte {offset}, inside {what}")]
    Truncated { offset: usize, what: &'static str },
    /// A header is not what ustar says.
    #[error("the entry at byte {offset} of the package is malformed: {why}")]
    BadHeader { offset: usize, why: &'static str },
    /// An entry is something else than a file or a folder.
    #[error("the package contains `{name}`, a {kind}")]
    ForbiddenEntry { name: String, kind: &'static str },
    /// A name could leave the folder it is unpacked in.
    #[error("the package contains an entry named `{name}`: {why}")]
    UnsafeName { name: String, why: &'static str },
    /// A name has no meaning in the layout.
    #[error("the package contains `{name}`, which belongs to no plugin package")]
    UnexpectedEntry { name: String },
    /// A name occurs twice.
    #[error("the package contains `{name}` twice")]
    DuplicateEntry { name: String },
    /// Something follows the end.
    #[error("the package goes on after its end, at byte {offset}")]
    TrailingBytes { offset: usize },
    /// A file of the layout is not there.
    #[error("the package has no {part}")]
    MissingPart { part: Part },
    /// A blob is named but not there.
    #[error("the package has no blob {digest}, its {part}")]
    MissingBlob { part: Part, digest: Digest },
    /// A blob is there but nothing names it.
    #[error("the package contains the blob {digest}, which nothing in it names")]
    UnreferencedBlob { digest: Digest },
    /// A blob is not what its name says.
    #[error("the {part} has digest {actual}, but its name says {expected}")]
    BlobTampered { part: Part, expected: Digest, actual: Digest },
    /// A descriptor's size is wrong.
    #[error("the {part} has {actual} bytes, but the package declares {declared}")]
    SizeMismatch { part: Part, declared: u64, actual: u64 },
    /// A JSON document cannot be read.
    #[error("the {part} is not valid: {why}")]
    Json { part: Part, why: String },
    /// A JSON document is valid but not written as packages write it.
    #[error("the {part} is not in canonical form")]
    NotCanonical { part: Part },
    /// The layout says it is something else.
    #[error("the {part} is of unknown type `{found}`, not `{wanted}`")]
    UnknownType { part: Part, found: String, wanted: &'static str },
    /// The layers are not component, WIT, documents.
    #[error("the package has an unknown layer `{title}` of type `{media_type}`")]
    UnknownLayer { title: String, media_type: String },
    /// The layers are not in their order, or one occurs twice.
    #[error("the layer of the {part} is out of order")]
    LayerOrder { part: Part },
    /// `plugin.json` names another component than the package holds.
    #[error(
        "the config `plugin.json` names the component {declared}, but the package holds {actual}"
    )]
    WrongComponent { declared: Digest, actual: Digest },
    /// What `plugin.json` derived from the binary is not what the binary says.
    #[error("the config `plugin.json` disagrees with the component about its {what}")]
    DisagreesWithBinary { what: &'static str },
    /// No package carries a document of this name.
    #[error("a package cannot carry a document named `{name}`")]
    UnknownDocument { name: String },
    /// A text is not text.
    #[error("the {part} is not UTF-8 text")]
    NotText { part: Part },
    /// The file cannot be read.
    #[error("cannot read the package `{path}`")]
    Read { path: PathBuf, source: std::io::Error },
}

impl PackageError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { part: Part::Component, .. } => {
                Some("build the component with `--release` and strip its debug names".to_owned())
            }
            Self::TooLarge { part: Part::Document(_) | Part::Wit, .. } => {
                Some("shorten the file or leave it out of the package".to_owned())
            }
            Self::Truncated { .. } => Some("get the file again; its end is missing".to_owned()),
            Self::BadHeader { .. }
            | Self::ForbiddenEntry { .. }
            | Self::UnsafeName { .. }
            | Self::UnexpectedEntry { .. }
            | Self::DuplicateEntry { .. }
            | Self::TrailingBytes { .. }
            | Self::MissingPart { .. }
            | Self::UnknownType { .. }
            | Self::UnknownLayer { .. }
            | Self::LayerOrder { .. }
            | Self::NotCanonical { .. }
            | Self::TooManyEntries { .. }
            | Self::Json { .. } => Some(
                "only packages made by `ax` can be installed; ask the author for one".to_owned(),
            ),
            Self::MissingBlob { .. }
            | Self::UnreferencedBlob { .. }
            | Self::BlobTampered { .. }
            | Self::SizeMismatch { .. }
            | Self::WrongComponent { .. }
            | Self::DisagreesWithBinary { .. } => Some(
                "do not install it: it was changed after it was made; get it again from its author"
                    .to_owned(),
            ),
            Self::UnknownDocument { .. } => {
                Some("use README.md, CHANGELOG.md or LICENSE".to_owned())
            }
            Self::NotText { .. } => Some("save the file as UTF-8".to_owned()),
            Self::TooLarge { .. } | Self::Read { .. } => None,
        }
    }
}
