//! `ax pack`: a project becomes one file that can be given away and installed.
//!
//! What `describe` said is frozen into it, and its bytes depend on nothing but its content: packed
//! twice, it is the same file.
//!
//! Invariant: what is written could be installed.
//! Not here: the file's layout (`ax_registry`), building (`project`).

use std::path::{Path, PathBuf};

use ax_manifest::{Digest, PluginName, Warning};
use ax_registry::pack;
use semver::Version;

use super::App;
use super::project::ProjectError;
use super::source;
use crate::folder;

/// A package that was written.
#[derive(Debug)]
pub struct Packed {
    /// The plugin's name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// Where the package lies.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The digest of the file.
    pub digest: Digest,
    /// The digest that the package has once it is installed, whatever the file's.
    pub package: Digest,
    /// Its tools, by name.
    pub tools: Vec<String>,
    /// What is odd about what was built for it.
    pub warnings: Vec<Warning>,
}

impl App {
    /// Builds the project in `folder`, if it has sources, and packs it into `file`, or into one of its
    /// name and version in the folder, also one that `file` names.
    ///
    /// # Errors
    ///
    /// [`ProjectError`]; a package that was there before stays.
    pub fn pack_project(
        &self,
        folder: &Path,
        file: Option<&Path>,
        note: &dyn Fn(&str),
    ) -> Result<Packed, ProjectError> {
        let (mut made, warnings) = match crate::project::language_of(folder) {
            Some(_) => {
                let built = self.build_project(folder, note)?;
                (built.made, built.warnings)
            }
            None => (self.read_source(folder, None)?, Vec::new()),
        };
        made.package.docs = source::documents_of(&source::real(folder)?)?;
        let section = &made.package.config.manifest.plugin;
        let (name, version) = (section.name.clone(), section.version.clone());
        let bytes = pack(&made.package)?;
        let package = made.package.blobs()?.package;
        let usual = format!("{}-{}-{version}.axp", name.namespace(), name.name());
        let path = match file {
            Some(folder) if folder.is_dir() => folder.join(usual),
            Some(file) => file.to_owned(),
            None => folder.join(usual),
        };
        folder::replace(&path, &bytes)
            .map_err(|source| ProjectError::Write { path: path.clone(), source })?;
        let tools = made.package.config.tools.iter().map(|tool| tool.name.clone()).collect();
        let (digest, bytes) = (Digest::of(&bytes), bytes.len() as u64);
        Ok(Packed { name, version, path, bytes, digest, package, tools, warnings })
    }
}
