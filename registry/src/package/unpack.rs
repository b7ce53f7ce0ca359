//! Untrusted bytes to a package, or a refusal.
//!
//! ```text
//! archive ──→ oci-layout, index.json ──→ manifest ──→ config, layers ──→ nothing left over
//! ```
//!
//! Invariant: what is accepted has exactly one identity and no byte that the identity does not
//! cover, the wrapping of the archive aside: packing it again gives the same manifest.
//! Not here: whether the component is valid or may run (`ax_manifest::inspect`, the host).

use std::collections::BTreeMap;

use ax_manifest::Digest;

use super::Package;
use super::archive;
use super::config::PluginConfig;
use super::config::read_json;
use super::config::write_json;
use super::error::PackageError;
use super::error::Part;
use super::layout;
use super::layout::Descriptor;
use super::layout::ImageManifest;
use super::layout::Index;
use super::layout::Layout;
use super::pack::check_text;
use crate::printable::printable;

/// Reads an `.axp` of untrusted bytes and verifies every digest in it.
///
/// # Errors
///
/// A [`PackageError`] for each way in which the bytes are not a package; nothing is half-read.
pub fn unpack(bytes: &[u8]) -> Result<Package, PackageError> {
    let mut contents = Files::read(bytes)?.open()?;
    let manifest = contents.manifest()?;
    let config = PluginConfig::parse(contents.take(Part::Config, &manifest.config)?)?;
    let mut layers = manifest.layers.iter().peekable();

    let component = layers.next().ok_or(PackageError::MissingPart { part: Part::Component })?;
    if part_of(component)? != Part::Component {
        return Err(PackageError::MissingPart { part: Part::Component });
    }
    if config.component != component.digest {
        let (declared, actual) = (config.component, component.digest);
        return Err(PackageError::WrongComponent { declared, actual });
    }
    let component = contents.take(Part::Component, component)?.to_vec();
    let mut package = Package { config, component, wit: None, docs: BTreeMap::new() };
    for layer in layers {
        let part = part_of(layer)?;
        let text = contents.take(part.clone(), layer)?;
        check_text(part.clone(), text)?;
        match part {
            Part::Wit if package.wit.is_none() && package.docs.is_empty() => {
                package.wit = Some(text.to_vec());
            }
            Part::Document(title) if package.docs.keys().all(|earlier| *earlier < title) => {
                package.docs.insert(title, text.to_vec());
            }
            part => return Err(PackageError::LayerOrder { part }),
        }
    }
    contents.end()?;
    Ok(package)
}

/// Gives the identity of an `.axp`: the digest of its OCI manifest, verified against its bytes.
///
/// # Errors
///
/// As [`unpack`], for the archive, the index and the manifest; the layers are not looked at.
pub fn digest_of(axp: &[u8]) -> Result<Digest, PackageError> {
    let contents = Files::read(axp)?.open()?;
    contents.manifest()?;
    Ok(contents.identity.digest)
}

/// Lists the blobs that the OCI manifest of a package names: config and layers, each once.
///
/// # Errors
///
/// As [`unpack`], for the manifest.
pub fn blobs_named_by(manifest: &[u8]) -> Result<Vec<Digest>, PackageError> {
    let manifest = read_manifest(manifest)?;
    let mut digests = vec![manifest.config.digest];
    digests.extend(manifest.layers.iter().map(|layer| layer.digest));
    digests.sort_unstable();
    digests.dedup();
    Ok(digests)
}

/// The files of an archive, whose names belong to the layout.
struct Files<'a> {
    layout: &'a [u8],
    index: &'a [u8],
    blobs: BTreeMap<Digest, &'a [u8]>,
}

impl<'a> Files<'a> {
    /// Sorts the entries of an archive by what their names mean.
    fn read(bytes: &'a [u8]) -> Result<Self, PackageError> {
        Part::Package.check(bytes.len())?;
        let (mut layout, mut index, mut blobs) = (None, None, BTreeMap::new());
        for (name, content) in archive::read(bytes, layout::is_folder)? {
            match (name, layout::blob_digest(name)) {
                (layout::LAYOUT_FILE, _) => layout = Some(content),
                (layout::INDEX_FILE, _) => index = Some(content),
                (_, Some(digest)) => drop(blobs.insert(digest, content)),
                (_, None) => {
                    return Err(PackageError::UnexpectedEntry { name: printable(name) });
                }
            }
        }
        let missing = |part| PackageError::MissingPart { part };
        Ok(Self {
            layout: layout.ok_or(missing(Part::Layout))?,
            index: index.ok_or(missing(Part::Index))?,
            blobs,
        })
    }

    /// Checks the layout's version and follows the index to the one manifest.
    fn open(self) -> Result<Contents<'a>, PackageError> {
        let layout: Layout = read_json(Part::Layout, self.layout)?;
        expect_type(Part::Layout, &layout.image_layout_version, layout::LAYOUT_VERSION)?;
        let index: Index = read_json(Part::Index, self.index)?;
        let version = index.schema_version.to_string();
        expect_type(Part::Index, &version, layout::SCHEMA_VERSION_TEXT)?;
        if let Some(media_type) = &index.media_type {
            expect_type(Part::Index, media_type, layout::INDEX_TYPE)?;
        }
        let [identity] = index.manifests.as_slice() else {
            let why = format!("it names {} manifests instead of one", index.manifests.len());
            return Err(PackageError::Json { part: Part::Index, why });
        };
        expect_type(Part::Manifest, &identity.media_type, layout::MANIFEST_TYPE)?;
        if let Some(artifact_type) = &identity.artifact_type {
            expect_type(Part::Manifest, artifact_type, layout::ARTIFACT_TYPE)?;
        }
        Ok(Contents { identity: identity.clone(), unread: self.blobs.clone(), all: self.blobs })
    }
}

/// The blobs of an archive, and which of them nothing has named yet.
struct Contents<'a> {
    identity: Descriptor,
    all: BTreeMap<Digest, &'a [u8]>,
    unread: BTreeMap<Digest, &'a [u8]>,
}

impl<'a> Contents<'a> {
    /// Reads the manifest that the index names.
    fn manifest(&self) -> Result<ImageManifest, PackageError> {
        read_manifest(self.get(Part::Manifest, &self.identity)?)
    }

    /// Gives the blob that a descriptor names and marks it as named.
    fn take(&mut self, part: Part, named: &Descriptor) -> Result<&'a [u8], PackageError> {
        let bytes = self.get(part, named)?;
        self.unread.remove(&named.digest);
        Ok(bytes)
    }

    /// Gives the blob that a descriptor names, with its bound, size and digest verified.
    fn get(&self, part: Part, named: &Descriptor) -> Result<&'a [u8], PackageError> {
        let Some(bytes) = self.all.get(&named.digest) else {
            return Err(PackageError::MissingBlob { part, digest: named.digest });
        };
        part.check(bytes.len())?;
        let (declared, actual) = (named.size, bytes.len() as u64);
        if declared != actual {
            return Err(PackageError::SizeMismatch { part, declared, actual });
        }
        let (expected, actual) = (named.digest, Digest::of(bytes));
        if expected != actual {
            return Err(PackageError::BlobTampered { part, expected, actual });
        }
        Ok(bytes)
    }

    /// Refuses what nothing names: it would travel under an identity that does not cover it.
    fn end(mut self) -> Result<(), PackageError> {
        self.unread.remove(&self.identity.digest);
        match self.unread.keys().next() {
            Some(digest) => Err(PackageError::UnreferencedBlob { digest: *digest }),
            None => Ok(()),
        }
    }
}

/// Reads an OCI manifest, in the one form that packing gives it.
fn read_manifest(json: &[u8]) -> Result<ImageManifest, PackageError> {
    let manifest: ImageManifest = read_json(Part::Manifest, json)?;
    let version = manifest.schema_version.to_string();
    expect_type(Part::Manifest, &version, layout::SCHEMA_VERSION_TEXT)?;
    expect_type(Part::Manifest, &manifest.media_type, layout::MANIFEST_TYPE)?;
    expect_type(Part::Manifest, &manifest.artifact_type, layout::ARTIFACT_TYPE)?;
    expect_type(Part::Config, &manifest.config.media_type, layout::CONFIG_TYPE)?;
    let bare = |named: &Descriptor, titles: usize| {
        named.artifact_type.is_none() && named.annotations.len() == titles
    };
    let canonical = bare(&manifest.config, 0) && manifest.layers.iter().all(|layer| bare(layer, 1));
    if !canonical || write_json(Part::Manifest, &manifest)? != json {
        return Err(PackageError::NotCanonical { part: Part::Manifest });
    }
    Ok(manifest)
}

/// Tells which part a layer is, by its type and title together.
fn part_of(layer: &Descriptor) -> Result<Part, PackageError> {
    match (layer.media_type.as_str(), layer.title()) {
        (layout::COMPONENT_TYPE, layout::COMPONENT_TITLE) => Ok(Part::Component),
        (layout::WIT_TYPE, layout::WIT_TITLE) => Ok(Part::Wit),
        (media_type, title)
            if layout::DOCUMENTS.contains(&title) && media_type == layout::document_type(title) =>
        {
            Ok(Part::Document(title.to_owned()))
        }
        (media_type, title) => Err(PackageError::UnknownLayer {
            title: printable(title),
            media_type: printable(media_type),
        }),
    }
}

/// Refuses a document that calls itself something else.
fn expect_type(part: Part, found: &str, wanted: &'static str) -> Result<(), PackageError> {
    if found == wanted {
        return Ok(());
    }
    Err(PackageError::UnknownType { part, found: printable(found), wanted })
}
