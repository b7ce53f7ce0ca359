//! A project: its component is built, compared with its manifest and put where that names it; its
//! tools can be called before anything is installed.
//!
//! ```text
//! manifest ──→ toolchain ──→ inspect, admit, describe ──→ the file the manifest names
//! ```
//!
//! Invariant: what the manifest names is replaced by a component that could be installed, or not at
//! all.
//! Not here: how it is built (`project`).

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ax_manifest::{
    COMPONENT_BYTES_MAX, Digest, Identity, Manifest, Permission, PluginName, Source, Warning,
    without_debug_info,
};
use ax_registry::PackageError;
use fs_err as fs;
use semver::Version;
use serde_json::{Map, Value};

use super::source::{self, SourceError, SourcePackage};
use super::tools::less_than;
use super::{App, AppError, Ground};
use crate::config::toolchain_environment;
use crate::folder::OpenFolder;
use crate::kv::{Kv, KvError};
use crate::plugin::{Budget, Injection, Limits, LoadError, Plugin, PluginHost, Release};
use crate::project::{self, BuildError, Built, DATA_FOLDER, Toolchains};

/// Why a project gives no plugin.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The manifest is wrong, or what was built does not fit it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// It cannot be made ready to be called.
    #[error("`{plugin}` cannot be called")]
    Load {
        /// Which plugin.
        plugin: PluginName,
        /// Why.
        source: LoadError,
    },
    /// A permission was allowed that its manifest does not ask for.
    #[error("`{plugin}` does not ask for `{permission}`")]
    NotAsked {
        /// Which plugin.
        plugin: PluginName,
        /// The permission.
        permission: Permission,
        /// What it does ask for that is less than that.
        less: Option<Permission>,
    },
    /// It cannot be packed.
    #[error("it cannot be packed")]
    Package(#[from] PackageError),
    /// Its data cannot be kept.
    #[error("the data of the project cannot be used")]
    Kv(#[from] KvError),
    /// The sandbox cannot be set up.
    #[error(transparent)]
    App(#[from] AppError),
    /// The project around this folder is somebody else's.
    #[error("`{path}` belongs to somebody else", path = .folder.join(MANIFEST).display())]
    Stranger {
        /// Its folder.
        folder: PathBuf,
    },
    /// The component cannot be put where the manifest names it.
    #[error("cannot write `{path}`", path = .path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

impl ProjectError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Build(error) => error.hint(),
            Self::Load { source, .. } => source.hint(),
            Self::NotAsked { less: Some(less), .. } => {
                Some(format!("it asks for less: --allow '{less}'"))
            }
            Self::NotAsked { permission, .. } => {
                Some(format!("add `{permission}` to [permissions] of plugin.toml"))
            }
            Self::Package(error) => error.hint(),
            Self::Kv(error) => error.hint(),
            Self::App(error) => error.hint(),
            Self::Stranger { .. } => Some(
                "write the whole name to call an installed plugin: ax tool call NAMESPACE:PLUGIN.TOOL"
                    .to_owned(),
            ),
            // What is no word of the operating system says itself what is in the way.
            Self::Write { source, .. } if source.kind() == std::io::ErrorKind::Other => None,
            Self::Write { path, .. } => Some(format!("check who owns `{}`", path.display())),
        }
    }
}

/// A plugin that was built.
pub struct BuiltPlugin {
    /// Its name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// Where its component lies.
    pub component: PathBuf,
    /// The component's size.
    pub bytes: u64,
    /// Its tools, by name.
    pub tools: Vec<String>,
    /// What is odd about it and no reason to refuse it.
    pub warnings: Vec<Warning>,
    /// The package that it makes, without documents.
    pub(super) made: SourcePackage,
}

impl App {
    /// Reads the manifest of the plugin in `folder`.
    ///
    /// # Errors
    ///
    /// [`ProjectError`].
    pub fn manifest_of(&self, folder: &Path) -> Result<Manifest, ProjectError> {
        match source::manifest_of(folder) {
            // Whoever builds looks for a project, not for a plugin.
            Err(SourceError::NoManifest { folder }) => Err(BuildError::NoProject { folder }.into()),
            read => Ok(read?),
        }
    }

    /// Builds the project in `folder`; `note` is told what takes its time.
    ///
    /// # Errors
    ///
    /// [`ProjectError`]; the component that was there before stays.
    pub fn build_project(
        &self,
        folder: &Path,
        note: &dyn Fn(&str),
    ) -> Result<BuiltPlugin, ProjectError> {
        let folder = source::real(folder)?;
        // What is wrong with the manifest is said before anything is compiled.
        let manifest = self.manifest_of(&folder)?;
        let (name, version) = (manifest.plugin.name.clone(), manifest.plugin.version.clone());
        let place = PathBuf::from(&manifest.plugin.component);
        let component = folder.join(&place);
        let environment: Vec<_> = toolchain_environment().collect();
        let folder_of_all = &self.config().toolchains.value;
        let failed = |source| ProjectError::Write { path: component.clone(), source };
        let project = OpenFolder::at(&folder).map_err(failed)?;
        refuse_other(&project, &place)?;
        let toolchains = Toolchains { folder: folder_of_all, environment: &environment, note };
        let Built { component: built, kept } = project::build(&project, &manifest, &toolchains)?;
        let whole = source::read_file(&built, COMPONENT_BYTES_MAX)?;
        // What is tested is what is packed, to the byte; what only its author needs stays here.
        let bytes = without_debug_info(&whole);
        let made = self.make(&built, manifest, bytes.clone(), Source::Folder(folder.clone()))?;
        if bytes.len() < whole.len() {
            kept.keep_debug_info(&Digest::of(&bytes), &whole).map_err(BuildError::File)?;
        }
        project.replace(&place, &bytes).map_err(|error| failed(error.into()))?;
        let tools = made.package.config.tools.iter().map(|tool| tool.name.clone()).collect();
        let (bytes, warnings) = (bytes.len() as u64, made.warnings.clone());
        Ok(BuiltPlugin { name, version, component, bytes, tools, warnings, made })
    }
}

/// The plugin of a project, ready to be called where it was made.
pub struct ReadyProject {
    /// The sandbox; data of the project lie in its folder, not in the home.
    pub host: Arc<PluginHost>,
    /// The plugin.
    pub plugin: Arc<Plugin>,
}

impl App {
    /// Finds the project that this command acts in, if its plugin has this name after the colon; returns
    /// its folder and the plugin's full name.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Stranger`], and when the manifest is wrong: nobody can say then whose tool was meant.
    pub fn project_here(
        &self,
        plugin: &str,
    ) -> Result<Option<(PathBuf, PluginName)>, ProjectError> {
        let here = &self.config().directory.value;
        let is_project = |folder: &&Path| folder.join(MANIFEST).is_file();
        let Some(folder) = here.ancestors().find(is_project) else { return Ok(None) };
        if !is_own(&folder.join(MANIFEST)) {
            return Err(ProjectError::Stranger { folder: folder.to_owned() });
        }
        let name = self.manifest_of(folder)?.plugin.name;
        Ok((name.name() == plugin).then(|| (folder.to_owned(), name)))
    }

    /// Makes the plugin of a project ready, as it was built last. Nothing is granted but what `allow`
    /// names, for each call anew, and it keeps its data in the project.
    ///
    /// # Errors
    ///
    /// [`ProjectError`].
    pub fn ready_project(
        &self,
        folder: &Path,
        allow: &[Permission],
    ) -> Result<ReadyProject, ProjectError> {
        let made = self.read_source(folder, None)?;
        OpenFolder::at(folder)
            .and_then(|project| Ok(project.make(Path::new(DATA_FOLDER))?))
            .map_err(|source| ProjectError::Write { path: folder.join(DATA_FOLDER), source })?;
        let manifest = &made.package.config.manifest;
        self.load_policy_for(&manifest.plugin.name, &manifest.asked());
        let ground = Ground { kv: Kv::at(&folder.join(DATA_FOLDER)), ..self.ground()? };
        self.load_project(&made, ground, None, allow)
    }

    /// Makes a project's plugin ready on this ground, and with these settings instead of the
    /// operator's.
    pub(super) fn load_project(
        &self,
        made: &SourcePackage,
        ground: Ground,
        settings: Option<Map<String, Value>>,
        allow: &[Permission],
    ) -> Result<ReadyProject, ProjectError> {
        let SourcePackage { package, source, .. } = made;
        let manifest = &package.config.manifest;
        let name = manifest.plugin.name.clone();
        let declared = manifest.asked();
        if let Some(stray) = allow.iter().find(|wanted| declared.covering(wanted).is_none()) {
            let (permission, less) = (stray.clone(), less_than(&declared, stray));
            return Err(ProjectError::NotAsked { plugin: name, permission, less });
        }
        let policies = self.policies()?;
        let identity = Identity { name: name.clone(), source: source.clone() };
        let state = match declared.covering(&Permission::Kv) {
            Some(_) => state_of(&ground.kv, &identity.to_string(), &manifest.plugin.version)?,
            None => 0,
        };
        let set = || self.config().plugins.get(&name).map(|set| set.value.clone());
        let settings = settings.or_else(set).unwrap_or_default();
        let release = Release {
            version: manifest.plugin.version.clone(),
            tools: package.config.tools.clone(),
            agents: package.config.agents.clone(),
            limits: Limits::effective(&manifest.limits, true).at_most(&policies.limits()),
            settings: Arc::new(settings),
            reuse: manifest.plugin.reuse,
            state,
            injections: manifest.permissions.iter().filter_map(Injection::of).collect(),
            budgets: manifest.permissions.iter().filter_map(Budget::asked).collect(),
            policy: (!policies.is_empty()).then(|| Arc::clone(policies)),
            declared,
            ..Release::bare(identity, Digest::of(&package.component))
        };
        let host = self.host_on(ground)?;
        let loaded = host.load(release, || Ok::<_, LoadError>(package.component.clone()));
        let plugin = loaded.map_err(|source| ProjectError::Load { plugin: name, source })?;
        Ok(ReadyProject { host, plugin })
    }
}

/// Refuses to write a component over what is none: a slip in the manifest would cost a source.
fn refuse_other(project: &OpenFolder, place: &Path) -> Result<(), ProjectError> {
    let failed = |source| ProjectError::Write { path: project.path().join(place), source };
    let mut begins = Vec::new();
    match project.open(place) {
        Ok(file) => drop(file.take(4).read_to_end(&mut begins).map_err(failed)?),
        Err(error) if error.is_absent() => {}
        Err(error) => return Err(failed(error.into())),
    }
    match begins.is_empty() || begins == *b"\0asm" {
        true => Ok(()),
        false => Err(failed(std::io::Error::other(
            "it is there and no component; name another file: [plugin] component = \"plugin.wasm\"",
        ))),
    }
}

/// Answers whether a file belongs to this person, or to the one who administers the machine. Others may
/// put one into a folder that everybody writes into.
fn is_own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let own = [0, rustix::process::geteuid().as_raw()];
    fs::metadata(path).is_ok_and(|data| own.contains(&data.uid()))
}

/// Returns the state that a project keeps its data in, making it the first time.
fn state_of(kv: &Kv, owner: &str, version: &Version) -> Result<u64, KvError> {
    let held = kv.states()?.into_iter().filter(|(known, ..)| known == owner);
    if let Some(state) = held.map(|(_, state, _)| state).max() {
        return Ok(state);
    }
    let state = kv.fork(owner, None)?.state;
    kv.settle(owner, state, version)?;
    Ok(state)
}

/// What makes a folder a plugin's.
pub(super) const MANIFEST: &str = "plugin.toml";
