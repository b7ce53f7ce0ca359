//! Reads a plugin from where a person points: a folder, an `.axp` package, or a bare component.
//!
//! Whatever the form, the result is a [`Package`] whose manifest, tools and component were checked
//! against each other. Reading a folder or a bare component asks the sandbox to `describe` its
//! tools; a package has that frozen in, and it is compared with what its component says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ax_manifest::{
    AdmissionError, AgentError, ByteSize, COMPONENT_BYTES_MAX, ComponentFacts, HOST_API,
    HOST_REQUIREMENT, InspectError, MANIFEST_BYTES_MAX, Manifest, ManifestError, PluginName,
    Source, ToolError, Warning, admit, derive_tools, describe_agents, describe_tools, inspect,
};
use ax_registry::{DOCUMENT_BYTES_MAX, DOCUMENTS, Package, PackageError, PluginConfig, unpack};
use semver::VersionReq;

use super::App;
use super::AppError;
use super::bare::{self, Named};
use super::install::serves;
use super::policy::{self, Forbidden};
use crate::folder::{self, FileError, OpenFolder};
use crate::plugin::{DescribeError, PluginHost, is_shown_on_a_line};
use crate::project::language_of;

/// Why a plugin cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is there, or it may not be read.
    #[error("cannot read `{path}`", path = .path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Its path cannot be shown, so nobody could agree to it.
    #[error("the path of `{}` holds characters that cannot be shown", .path.display().to_string().escape_debug())]
    Unshowable {
        /// Where.
        path: PathBuf,
    },
    /// Something other than a file stands where a file must be.
    #[error("`{path}` is not an ordinary file", path = .path.display())]
    NotAFile {
        /// Where.
        path: PathBuf,
    },
    /// A file is larger than any of its kind may be.
    #[error("`{path}` has more than {max}", path = .path.display(), max = ByteSize(*.bytes_max))]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The bound.
        bytes_max: u64,
    },
    /// The folder has no `plugin.toml`.
    #[error("`{folder}` is no plugin: it has no plugin.toml", folder = .folder.display())]
    NoManifest {
        /// The folder.
        folder: PathBuf,
    },
    /// The manifest is not text.
    #[error("`{path}` is not UTF-8 text", path = .path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
    },
    /// The manifest is wrong.
    #[error("`{path}` is not a valid manifest", path = .path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        source: ManifestError,
    },
    /// The folder was not built yet.
    #[error("the component `{path}` is not there", path = .path.display())]
    NotBuilt {
        /// Where it was expected.
        path: PathBuf,
        /// The folder of its project, if `ax build` can build it.
        project: Option<PathBuf>,
    },
    /// The bytes are not a component this host accepts.
    #[error("`{path}` is not a usable component", path = .path.display())]
    Component {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: InspectError,
    },
    /// A bare component needs a name.
    #[error("`{path}` is a bare component and has no name", path = .path.display())]
    Unnamed {
        /// Which file.
        path: PathBuf,
    },
    /// A folder or a package has a name of its own.
    #[error("`{path}` already has the name `{name}`", path = .path.display())]
    NamedTwice {
        /// Which folder or file.
        path: PathBuf,
        /// The name it has.
        name: PluginName,
    },
    /// The package is wrong.
    #[error("`{path}` is not a valid package", path = .path.display())]
    Package {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: PackageError,
    },
    /// The tools cannot be offered.
    #[error("the tools of `{path}` cannot be offered", path = .path.display())]
    Tools {
        /// Which folder or file.
        path: PathBuf,
        /// What is wrong with them.
        source: ToolError,
    },
    /// The agents cannot be offered.
    #[error("the agents of `{path}` cannot be offered", path = .path.display())]
    Agents {
        /// Which folder or file.
        path: PathBuf,
        /// What is wrong with them.
        source: AgentError,
    },
    /// Its imports and its manifest do not fit this host or each other.
    #[error("`{plugin}` is not admitted")]
    Admission {
        /// Which plugin.
        plugin: PluginName,
        /// Why.
        source: AdmissionError,
    },
    /// It needs another host.
    #[error("`{plugin}` needs host version {needs}, this is {HOST_API}")]
    OtherHost {
        /// Which plugin.
        plugin: PluginName,
        /// What it needs.
        needs: VersionReq,
    },
    /// It offers nothing.
    #[error("`{plugin}` offers no tools and no agents")]
    NoTools {
        /// Which plugin.
        plugin: PluginName,
    },
    /// The component did not say what its tools are.
    #[error("cannot learn the tools of `{path}`", path = .path.display())]
    Describe {
        /// Which folder or file.
        path: PathBuf,
        /// Why.
        source: DescribeError,
    },
    /// The package says other tools than its component.
    #[error("the package `{path}` lists other tools than its component has", path = .path.display())]
    ToolsDiffer {
        /// Which file.
        path: PathBuf,
    },
    /// A policy keeps it out.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The sandbox or a policy is not there.
    #[error(transparent)]
    App(#[from] AppError),
}

impl SourceError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => {
                Some("name a folder with a plugin.toml, an .axp file or a .wasm component".into())
            }
            Self::Unshowable { .. } => Some("rename the folder or file".to_owned()),
            Self::NotAFile { .. } => {
                Some("put the file itself there: links and pipes are not followed".to_owned())
            }
            Self::TooLarge { path, .. } => Some(match path.extension() {
                Some(kind) if kind == "wasm" => "build it for size and leave debug info out".into(),
                _ => "make it shorter".into(),
            }),
            Self::NoManifest { folder } => {
                Some(format!("write {}/plugin.toml with a [plugin] table", folder.display()))
            }
            Self::NotText { .. } => Some("save it as UTF-8".to_owned()),
            Self::Manifest { source, .. } => Some(source.hint()),
            Self::NotBuilt { project: Some(project), .. } => {
                Some(format!("ax build {}", project.display()))
            }
            Self::NotBuilt { project: None, .. } => Some(
                "build it for wasm32-wasip2, or name it in plugin.toml: [plugin] component = \
                 \"PATH\""
                    .to_owned(),
            ),
            Self::Component { source, .. } => source.hint(),
            Self::Unnamed { path } => {
                Some(format!("ax plugin add {} --name NAMESPACE:NAME", path.display()))
            }
            Self::NamedTwice { path, .. } => Some(format!("ax plugin add {}", path.display())),
            Self::Package { source, .. } => source.hint(),
            Self::Tools { source, .. } => source.hint(),
            Self::Agents { source, .. } => source.hint(),
            Self::Admission { source, .. } => source.hint(),
            Self::OtherHost { needs, .. } => Some(format!(
                "its author writes `host = \"{}\"` if it works with this one; else install an ax \
                 with a host version {needs}, or another release of it",
                HOST_REQUIREMENT
            )),
            Self::NoTools { .. } => Some(
                "export a function, or the interface ax:guest/tools or ax:guest/agent".to_owned(),
            ),
            Self::Describe { source, .. } => source.hint(),
            Self::ToolsDiffer { .. } => {
                Some("do not install it; ask its author for a new package".to_owned())
            }
            Self::Forbidden(error) => error.hint(),
            Self::App(error) => error.hint(),
        }
    }
}

/// A package, where it came from, and what its component's bytes say.
pub(super) struct SourcePackage {
    pub(super) package: Package,
    pub(super) source: Source,
    pub(super) facts: ComponentFacts,
    /// What is odd about it and no reason to refuse it.
    pub(super) warnings: Vec<Warning>,
}

impl App {
    /// Reads a plugin from a folder or a file.
    pub(super) fn read_source(
        &self,
        path: &Path,
        named: Option<&Named>,
    ) -> Result<SourcePackage, SourceError> {
        let real = real(path)?;
        if real.is_dir() {
            let (manifest, component, docs) = read_folder(&real)?;
            refuse_name(&real, named, &manifest)?;
            let mut made = self.make(&real, manifest, component, Source::Folder(real.clone()))?;
            made.package.docs = docs;
            return Ok(made);
        }
        let is_named_wasm = real.extension().is_some_and(|kind| kind == "wasm");
        let bytes_max =
            if is_named_wasm { COMPONENT_BYTES_MAX } else { ax_registry::PACKAGE_BYTES_MAX };
        let bytes = read_file(&real, bytes_max)?;
        let source = Source::File(real.clone());
        if bytes.starts_with(b"\0asm") || is_named_wasm {
            let manifest = match named {
                Some(named) => bare::manifest(&real, named),
                // A file that is no component at all should hear that first.
                None => {
                    examine(&real, &bytes)?;
                    return Err(SourceError::Unnamed { path: path.to_owned() });
                }
            };
            return self.make(&real, manifest, bytes, source);
        }
        let package =
            unpack(&bytes).map_err(|source| SourceError::Package { path: real.clone(), source })?;
        refuse_name(&real, named, &package.config.manifest)?;
        self.check_package(&real, package, source)
    }

    /// Makes a package from its parts, asking the component for its tools.
    pub(super) fn make(
        &self,
        path: &Path,
        manifest: Manifest,
        component: Vec<u8>,
        source: Source,
    ) -> Result<SourcePackage, SourceError> {
        let facts = examine(path, &component)?;
        let warnings = admitted(&manifest, &facts)?;
        let config = self.config_of(path, manifest, &facts, &component)?;
        let package = Package { config, component, wit: None, docs: Default::default() };
        Ok(SourcePackage { package, source, facts, warnings })
    }

    fn config_of(
        &self,
        path: &Path,
        manifest: Manifest,
        facts: &ComponentFacts,
        component: &[u8],
    ) -> Result<PluginConfig, SourceError> {
        // Who is kept out is neither compiled nor run.
        let policies = self.policies()?;
        self.change_on_record(policy::admit(policies, &manifest.plugin.name))??;
        let wrong = |source| SourceError::Tools { path: path.to_owned(), source };
        let typed = derive_tools(facts, Some(&manifest)).map_err(wrong)?;
        let described = self
            .host()?
            .describe(&manifest.plugin.name, facts, component, &policies.limits())
            .map_err(|source| SourceError::Describe { path: path.to_owned(), source })?;
        let tools = describe_tools(described, typed, Some(&manifest)).map_err(wrong)?;
        let maxima = policies.limits();
        let agents = self
            .host()?
            .describe_agents(&manifest.plugin.name, facts, component, &maxima)
            .map_err(|source| SourceError::Describe { path: path.to_owned(), source })?;
        let agents = match PluginHost::has_agents(facts) {
            true => describe_agents(agents)
                .map_err(|source| SourceError::Agents { path: path.to_owned(), source })?,
            false => Vec::new(),
        };
        if tools.is_empty() && agents.is_empty() && !PluginHost::can_rank(facts) {
            return Err(SourceError::NoTools { plugin: manifest.plugin.name });
        }
        Ok(PluginConfig::with_agents(manifest, tools, agents, facts))
    }

    /// Recomputes what a package says about its component and refuses any difference.
    fn check_package(
        &self,
        path: &Path,
        package: Package,
        source: Source,
    ) -> Result<SourcePackage, SourceError> {
        let facts = examine(path, &package.component)?;
        let config = &package.config;
        let warnings = admitted(&config.manifest, &facts)?;
        let again = self.config_of(path, config.manifest.clone(), &facts, &package.component)?;
        if again.tools != config.tools || again != *config {
            return Err(SourceError::ToolsDiffer { path: path.to_owned() });
        }
        Ok(SourcePackage { package, source, facts, warnings })
    }
}

/// Returns the whole path without links of what a person named. It is shown on cards and in errors, so
/// it must read as what it is.
pub(super) fn real(path: &Path) -> Result<PathBuf, SourceError> {
    let read = |source| SourceError::Read { path: path.to_owned(), source };
    let real = path.canonicalize().map_err(read)?;
    match real.to_str().is_some_and(|text| text.chars().all(is_shown_on_a_line)) {
        true => Ok(real),
        false => Err(SourceError::Unshowable { path: path.to_owned() }),
    }
}

/// Compares what is needed with this host, and imports with what is asked for, before anything of the
/// component is compiled or run.
fn admitted(manifest: &Manifest, facts: &ComponentFacts) -> Result<Vec<Warning>, SourceError> {
    let plugin = || manifest.plugin.name.clone();
    if !serves(&manifest.plugin.host) {
        let needs = manifest.plugin.host.clone();
        return Err(SourceError::OtherHost { plugin: plugin(), needs });
    }
    let mut warnings = admit(facts, &manifest.asked())
        .map_err(|source| SourceError::Admission { plugin: plugin(), source })?;
    let named = manifest.dependencies.keys();
    warnings.extend(named.map(|on| Warning::Dependency { on: on.clone() }));
    Ok(warnings)
}

fn examine(path: &Path, bytes: &[u8]) -> Result<ComponentFacts, SourceError> {
    inspect(bytes).map_err(|source| SourceError::Component { path: path.to_owned(), source })
}

fn refuse_name(path: &Path, named: Option<&Named>, manifest: &Manifest) -> Result<(), SourceError> {
    match named {
        Some(_) => Err(SourceError::NamedTwice {
            path: path.to_owned(),
            name: manifest.plugin.name.clone(),
        }),
        None => Ok(()),
    }
}

type Documents = BTreeMap<String, Vec<u8>>;

/// Reads the manifest of a plugin's folder.
pub(super) fn manifest_of(path: &Path) -> Result<Manifest, SourceError> {
    manifest_in(&open(path)?)
}

/// Reads a file of at most `bytes_max` that a person named.
pub(super) fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, SourceError> {
    let failed = |source| SourceError::Read { path: path.to_owned(), source };
    let file = folder::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(SourceError::NotAFile { path: path.to_owned() });
    }
    let bytes = folder::read(file, bytes_max).map_err(failed)?;
    bytes.ok_or_else(|| SourceError::TooLarge { path: path.to_owned(), bytes_max })
}

fn read_folder(path: &Path) -> Result<(Manifest, Vec<u8>, Documents), SourceError> {
    let folder = open(path)?;
    let manifest = manifest_in(&folder)?;
    let component = &manifest.plugin.component;
    let Some(component) = read_in(&folder, component, COMPONENT_BYTES_MAX)? else {
        let project = language_of(path).map(|_| path.to_owned());
        return Err(SourceError::NotBuilt { path: path.join(component), project });
    };
    let documents = documents_in(&folder)?;
    Ok((manifest, component, documents))
}

/// Reads the documents that lie in a plugin's folder.
pub(super) fn documents_of(path: &Path) -> Result<Documents, SourceError> {
    documents_in(&open(path)?)
}

fn open(path: &Path) -> Result<OpenFolder, SourceError> {
    OpenFolder::at(path).map_err(|source| SourceError::Read { path: path.to_owned(), source })
}

fn documents_in(folder: &OpenFolder) -> Result<Documents, SourceError> {
    let mut documents = Documents::new();
    for name in DOCUMENTS {
        if let Some(document) = read_in(folder, name, DOCUMENT_BYTES_MAX)? {
            documents.insert(name.to_owned(), document);
        }
    }
    Ok(documents)
}

fn manifest_in(folder: &OpenFolder) -> Result<Manifest, SourceError> {
    let path = folder.path().join("plugin.toml");
    let Some(text) = read_in(folder, "plugin.toml", MANIFEST_BYTES_MAX as u64)? else {
        return Err(SourceError::NoManifest { folder: folder.path().to_owned() });
    };
    let text = String::from_utf8(text).map_err(|_| SourceError::NotText { path: path.clone() })?;
    Manifest::parse(&text).map_err(|source| SourceError::Manifest { path, source })
}

/// Reads a file of a plugin's folder; none if nothing is there.
fn read_in(
    folder: &OpenFolder,
    name: &str,
    bytes_max: u64,
) -> Result<Option<Vec<u8>>, SourceError> {
    let path = folder.path().join(name);
    match folder.read(Path::new(name), bytes_max) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_absent() => Ok(None),
        Err(FileError::System(_, source)) => Err(SourceError::Read { path, source }),
        Err(FileError::TooLong(..)) => Err(SourceError::TooLarge { path, bytes_max }),
        Err(FileError::Link(_) | FileError::NotAFile(_) | FileError::Outside(_)) => {
            Err(SourceError::NotAFile { path })
        }
    }
}
