//! A package to bytes.
//!
//! Invariant: the same package gives the same bytes, and `unpack` gives it back.
//! Not here: where its parts come from (a folder, a build: the host).

use std::collections::BTreeSet;

use ax_manifest::Digest;

use super::Blobs;
use super::Package;
use super::archive;
use super::config::write_json;
use super::error::PackageError;
use super::error::Part;
use super::layout;
use super::layout::Descriptor;
use super::layout::ImageManifest;
use super::layout::Index;
use super::layout::Layout;
use crate::printable::printable;

/// Writes a package as `.axp`.
///
/// # Errors
///
/// [`PackageError::TooLarge`] for each part over its bound, [`PackageError::WrongComponent`] when
/// the config is about another component, [`PackageError::UnknownDocument`] and
/// [`PackageError::NotText`] for documents, [`PackageError::NotCanonical`] as
/// [`super::PluginConfig::to_json`] gives it.
pub fn pack(package: &Package) -> Result<Vec<u8>, PackageError> {
    let blobs = blobs(package)?;
    let layout = Layout { image_layout_version: layout::LAYOUT_VERSION.to_owned() };
    let layout = write_json(Part::Layout, &layout)?;
    let index = write_json(Part::Index, &index(&blobs))?;
    let mut entries: Vec<(String, &[u8])> =
        vec![(layout::LAYOUT_FILE.to_owned(), &layout), (layout::INDEX_FILE.to_owned(), &index)];
    for (digest, bytes) in &blobs.all {
        entries.push((layout::blob_name(digest), bytes));
    }
    let archive = archive::write(&entries)?;
    Part::Package.check(archive.len())?;
    Ok(archive)
}

/// Gives the blobs that a package consists of.
///
/// # Errors
///
/// As [`pack`].
pub(super) fn blobs(package: &Package) -> Result<Blobs, PackageError> {
    check(package)?;
    let config = package.config.to_json()?;
    let component =
        Descriptor::of(layout::COMPONENT_TYPE, &package.component).titled(layout::COMPONENT_TITLE);
    if component.digest != package.config.component {
        let (declared, actual) = (package.config.component, component.digest);
        return Err(PackageError::WrongComponent { declared, actual });
    }
    let config_digest = Digest::of(&config);
    let component_digest = component.digest;

    let mut layers = vec![component];
    let mut contents = vec![package.component.clone()];
    if let Some(wit) = &package.wit {
        layers.push(Descriptor::of(layout::WIT_TYPE, wit).titled(layout::WIT_TITLE));
        contents.push(wit.clone());
    }
    for (title, text) in &package.docs {
        layers.push(Descriptor::of(layout::document_type(title), text).titled(title));
        contents.push(text.clone());
    }
    let digests: Vec<Digest> = layers.iter().map(|layer| layer.digest).collect();
    let manifest = ImageManifest::new(Descriptor::of(layout::CONFIG_TYPE, &config), layers);
    let manifest = write_json(Part::Manifest, &manifest)?;
    Part::Manifest.check(manifest.len())?;

    let package = Digest::of(&manifest);
    let mut all = vec![(package, manifest), (config_digest, config)];
    all.extend(digests.into_iter().zip(contents));
    // Two documents of one content are one blob.
    let mut seen = BTreeSet::new();
    all.retain(|(digest, _)| seen.insert(*digest));
    Ok(Blobs { package, config: config_digest, component: component_digest, all })
}

/// Makes the index, which names the manifest alone.
fn index(blobs: &Blobs) -> Index {
    let manifests =
        blobs.all.iter().filter(|(digest, _)| *digest == blobs.package).map(|(_, manifest)| {
            Descriptor {
                artifact_type: Some(layout::ARTIFACT_TYPE.to_owned()),
                ..Descriptor::of(layout::MANIFEST_TYPE, manifest)
            }
        });
    Index {
        schema_version: layout::SCHEMA_VERSION,
        media_type: Some(layout::INDEX_TYPE.to_owned()),
        manifests: manifests.collect(),
        annotations: std::collections::BTreeMap::new(),
    }
}

/// Refuses parts that no package may hold.
fn check(package: &Package) -> Result<(), PackageError> {
    Part::Component.check(package.component.len())?;
    if let Some(wit) = &package.wit {
        check_text(Part::Wit, wit)?;
    }
    for (name, text) in &package.docs {
        if !layout::DOCUMENTS.contains(&name.as_str()) {
            return Err(PackageError::UnknownDocument { name: printable(name) });
        }
        check_text(Part::Document(name.clone()), text)?;
    }
    Ok(())
}

/// Refuses a text that is too long or not UTF-8.
pub(super) fn check_text(part: Part, text: &[u8]) -> Result<(), PackageError> {
    part.check(text.len())?;
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(PackageError::NotText { part }),
    }
}
