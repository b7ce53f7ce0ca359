//! Why the cases of a project cannot be run.
//!
//! Not here: why a case does not hold, which is no error (`expect`).

use std::path::PathBuf;

use super::case::CaseError;
use super::stage::StageError;
use super::tree::TreeError;
use crate::app::project::ProjectError;

/// Why the cases of a project cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The plugin cannot be made ready.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A file of cases is wrong.
    #[error("`{path}` is not a file of cases", path = .path.display())]
    Cases {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        source: CaseError,
    },
    /// A case that was sent is wrong.
    #[error("that is no case")]
    Line(#[source] CaseError),
    /// There is nothing to run.
    #[error("there are no cases in `{folder}`", folder = .folder.display())]
    None {
        /// Where they were looked for.
        folder: PathBuf,
    },
    /// There are cases, and none is meant.
    #[error("no case has {only:?} in its name")]
    NoneOf {
        /// What was looked for.
        only: String,
    },
    /// The folder of the cases cannot be used.
    #[error("the cases in `{folder}` cannot be read", folder = .folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: TreeError,
    },
    /// The world of a case cannot be set up.
    #[error("the case cannot be set up")]
    Stage(#[from] StageError),
    /// Somebody asked to stop.
    #[error("the cases were stopped before all had run")]
    Stopped,
}

impl TestError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Project(error) => error.hint(),
            Self::Cases { .. } | Self::Line(_) => Some(
                "a case is a table: [[case]] with tool, input, and text, structured, golden or error"
                    .to_owned(),
            ),
            Self::None { folder } => Some(format!(
                "write one into {}/NAME.toml: [[case]] tool = \"…\", input = {{ … }}, text = \"…\"",
                folder.display()
            )),
            Self::NoneOf { .. } => Some("ax test, to see their names".to_owned()),
            Self::Folder { .. } => Some("put the files themselves into it".to_owned()),
            Self::Stage(StageError::Fixture(_)) => {
                Some("make a smaller folder for the case".to_owned())
            }
            Self::Stage(StageError::Secrets(error)) => error.hint(),
            Self::Stage(_) | Self::Stopped => None,
        }
    }
}
