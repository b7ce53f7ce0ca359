//! Builds a project's component with the toolchain of its language.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use ax_manifest::Manifest;

use super::world::world_of;
use super::{BuildFolder, Language, Toolchains, python, rust, sdk, typescript};
use crate::folder::{FileError, OpenFolder};

/// Why a project cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no project.
    #[error("`{folder}` is no project of a language that is known here", folder = .folder.display())]
    NoProject {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A program of the toolchain is not there.
    #[error("`{program}` cannot be started")]
    Program {
        /// Its name.
        program: &'static str,
        /// What to type to get it.
        install: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// A program of the toolchain is too old.
    #[error("`{program}` is {found}, and {needed} or later is needed")]
    TooOld {
        /// Its name.
        program: &'static str,
        /// What it calls itself.
        found: String,
        /// The oldest that is new enough.
        needed: String,
        /// What to type to get it.
        install: &'static str,
    },
    /// A toolchain cannot be installed.
    #[error("`{program}` could not install what this language needs: {said}")]
    Install {
        /// What was run.
        program: &'static str,
        /// The last lines of what it said.
        said: String,
    },
    /// A program of the toolchain lacks a part.
    #[error("`{program}` has no {part}")]
    Part {
        /// Its name.
        program: &'static str,
        /// What it lacks.
        part: &'static str,
        /// What to type to get it.
        install: &'static str,
    },
    /// The packages that the plugin depends on cannot be had.
    #[error("`pip` could not install what the plugin depends on: {said}")]
    Dependencies {
        /// The last lines of what it said.
        said: String,
    },
    /// The author's files are no plugin.
    #[error("{place}: {message}")]
    Source {
        /// File and line, as `tools.py:12`.
        place: String,
        /// What is wrong there.
        message: String,
        /// What to write; empty when nobody can tell.
        help: String,
    },
    /// The compiler cannot build components.
    #[error("the target `wasm32-wasip2` is not installed")]
    NoTarget,
    /// The build failed; the toolchain has said why.
    #[error("`{command}` failed: {status}")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The build did not end.
    #[error("`{command}` did not end within {} s", after.as_secs())]
    Late {
        /// What was run.
        command: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The build made nothing of use.
    #[error("`{command}` made no component")]
    Nothing {
        /// What was run.
        command: String,
    },
    /// Files cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl From<FileError> for BuildError {
    fn from(error: FileError) -> Self {
        Self::File(error.into())
    }
}

impl BuildError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoProject { .. } => {
                Some("type it in a folder that `ax new NAME` made, or name one".to_owned())
            }
            Self::Program { install, .. }
            | Self::TooOld { install, .. }
            | Self::Part { install, .. } => Some((*install).to_owned()),
            Self::Dependencies { .. } => Some(
                "name packages of pure Python in [project] dependencies of pyproject.toml, with a \
                 version that there is"
                    .to_owned(),
            ),
            Self::Source { help, .. } if help.is_empty() => None,
            Self::Source { help, .. } => Some(help.clone()),
            Self::Install { .. } => {
                Some("it is downloaded once; check the network, then type this again".to_owned())
            }
            Self::NoTarget => Some("rustup target add wasm32-wasip2".to_owned()),
            Self::Failed { .. } => Some("mend what is said above, then type this again".to_owned()),
            Self::Late { .. } => {
                let why = "what stands outside of functions runs when the plugin is built, and has to end";
                Some(why.to_owned())
            }
            Self::Nothing { command } if command.starts_with("node") => {
                Some("look at what `node --version` says".to_owned())
            }
            Self::Nothing { .. } => {
                Some("Cargo.toml needs `[lib] crate-type = [\"cdylib\", \"rlib\"]`".to_owned())
            }
            Self::File(_) => None,
        }
    }
}

/// A component that was built.
#[derive(Debug)]
pub struct Built {
    /// Where the toolchain put it.
    pub component: PathBuf,
    /// What is kept of the build. No other build of the project begins while this is there.
    pub kept: BuildFolder,
}

/// Tells the language of a project by the file that its toolchain reads; none if there are no sources.
#[must_use]
pub fn language_of(folder: &Path) -> Option<Language> {
    let told = [
        ("Cargo.toml", Language::Rust),
        ("package.json", Language::TypeScript),
        ("pyproject.toml", Language::Python),
    ];
    told.into_iter().find(|(file, _)| folder.join(file).is_file()).map(|(_, language)| language)
}

/// Builds the project in a folder, whose path is whole and whose manifest this is. What the toolchain says goes to standard
/// error.
///
/// # Errors
///
/// [`BuildError`].
pub fn build(
    project: &OpenFolder,
    manifest: &Manifest,
    toolchains: &Toolchains<'_>,
) -> Result<Built, BuildError> {
    let folder = project.path();
    let Some(language) = language_of(folder) else {
        return Err(BuildError::NoProject { folder: folder.to_owned() });
    };
    let kept = BuildFolder::of(toolchains.folder, folder, toolchains.note)?;
    sdk::write(project, language)?;
    sdk::write_world(project, &world_of(manifest))?;
    let component = match language {
        Language::Rust => rust::build(folder, &kept, toolchains)?,
        Language::TypeScript => typescript::build(project, &kept, toolchains)?,
        Language::Python => python::build(project, &kept, toolchains)?,
    };
    Ok(Built { component, kept })
}
