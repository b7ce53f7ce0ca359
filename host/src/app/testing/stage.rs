//! What a case happens on: data, secrets, a workspace and a script of its own, all gone afterwards.
//!
//! Invariant: nothing of the operator's is used, but the policies that bind everybody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;

use super::playing::Playing;
use super::tree::{Room, Tree, TreeError};
use super::world::CaseWorld;
use crate::app::Ground;
use crate::egress::EgressConfig;
use crate::egress::script::Script;
use crate::kv::Kv;
use crate::plugin::{Folder, FolderError, WORKSPACE};
use crate::secret::error::SecretError;
use crate::secret::vault::{KEY_FILE, Vault};

/// What may be copied into a workspace: more is no fixture, and each case has a copy of its own.
const FIXTURE: Room = Room { files_max: 10_000, bytes_max: 64 << 20 };

/// Why the world of a case cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The folder that is its workspace cannot be copied.
    #[error("its workspace cannot be copied")]
    Fixture(#[from] TreeError),
    /// A file cannot be written, or there is no room for its data.
    #[error("its files cannot be written")]
    File(#[from] std::io::Error),
    /// The workspace cannot be bound.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Its secrets cannot be kept.
    #[error("its secrets cannot be kept")]
    Secrets(#[from] SecretError),
}

/// The stage of one case.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    script: Arc<Script>,
    playing: Playing,
    has_workspace: bool,
}

impl Stage {
    /// Sets a stage up; what it copies lies in `tests`.
    pub(super) fn new(world: &CaseWorld, tests: Option<&Tree>) -> Result<Self, StageError> {
        let folder = tempfile::Builder::new().prefix("ax-case-").tempdir()?;
        let script = Script::new(world.http.clone());
        let playing = Playing::new(world.model.clone());
        let asks = |permission: &ax_manifest::Permission| {
            matches!(permission, ax_manifest::Permission::Fs { .. })
        };
        let has_workspace =
            world.workspace.is_some() || !world.files.is_empty() || world.allow.iter().any(asks);
        let stage = Self { folder, script, playing, has_workspace };
        if let (Some(from), Some(tests)) = (&world.workspace, tests) {
            tests.folder(Path::new(from))?.copy_to(&stage.workspace_path(), &FIXTURE)?;
        }
        for (name, text) in &world.files {
            let path = stage.workspace_path().join(name);
            if let Some(below) = path.parent() {
                fs::create_dir_all(below)?;
            }
            fs::write(path, text)?;
        }
        for (name, value) in &world.secrets {
            stage.vault().set(name, value, world.now_ms)?;
        }
        Ok(stage)
    }

    /// What a sandbox stands on here.
    pub(super) fn ground(&self, world: &CaseWorld) -> Result<Ground, StageError> {
        let mut folders = Vec::new();
        if self.has_workspace {
            fs::create_dir_all(self.workspace_path())?;
            folders.push(Folder::bind(WORKSPACE, &self.workspace_path())?);
        }
        let variables = world.env.clone();
        Ok(Ground {
            kv: Kv::at(&self.folder.path().join("data")),
            vault: self.vault(),
            folders,
            // Nobody's variables: a golden answer would write them down.
            environment: Arc::new(move |name: &str| variables.get(name).cloned()),
            network: EgressConfig {
                script: Some(Arc::clone(&self.script)),
                ..EgressConfig::default()
            },
            models: self.playing.models(),
            rehearsal_at_ms: Some(world.now_ms),
        })
    }

    /// The script of its requests.
    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// The script of its questions to models.
    pub(super) fn playing(&self) -> &Playing {
        &self.playing
    }

    /// Opens the workspace, if there is one.
    pub(super) fn workspace(&self) -> Result<Option<Tree>, TreeError> {
        self.has_workspace.then(|| Tree::at(&self.workspace_path())).transpose()
    }

    fn workspace_path(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    fn vault(&self) -> Vault {
        Vault::open(self.folder.path(), &self.folder.path().join(KEY_FILE))
    }
}
