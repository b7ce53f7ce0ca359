//! What a case happens on: data, secrets, a workspace and a script of its own, all gone afterwards.
//!
//! Invariant: nothing of the operator's is used, but the policies that bind everybody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;

use super::TestError;
use super::case::CaseWorld;
use crate::app::Ground;
use crate::egress::EgressConfig;
use crate::egress::script::Script;
use crate::kv::Kv;
use crate::plugin::{Folder, WORKSPACE};
use crate::secret::vault::{KEY_FILE, Vault};

/// Files that may be copied into a workspace: more is no fixture.
const FILES_MAX: usize = 10_000;

/// The stage of one case.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    script: Arc<Script>,
    has_workspace: bool,
}

impl Stage {
    /// Sets a stage up.
    pub(super) fn new(world: &CaseWorld) -> Result<Self, TestError> {
        let folder = tempfile::Builder::new().prefix("ax-case-").tempdir()?;
        let script = Script::new(world.http.clone());
        let asks = |permission: &ax_manifest::Permission| {
            matches!(permission, ax_manifest::Permission::Fs { .. })
        };
        let has_workspace =
            world.workspace.is_some() || !world.files.is_empty() || world.allow.iter().any(asks);
        let stage = Self { folder, script, has_workspace };
        if let Some(from) = &world.workspace {
            copy(from, &stage.workspace_path(), &mut 0)?;
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
    pub(super) fn ground(&self, world: &CaseWorld) -> Result<Ground, TestError> {
        let mut folders = Vec::new();
        if self.has_workspace {
            fs::create_dir_all(self.workspace_path())?;
            let bound = Folder::bind(WORKSPACE, &self.workspace_path());
            folders.push(bound.map_err(|error| TestError::File(error.source))?);
        }
        Ok(Ground {
            kv: Kv::at(&self.folder.path().join("data")),
            vault: self.vault(),
            folders,
            // Nobody's variables: a golden answer would write them down.
            environment: |_| None,
            network: EgressConfig {
                script: Some(Arc::clone(&self.script)),
                ..EgressConfig::default()
            },
            rehearsal_at_ms: Some(world.now_ms),
        })
    }

    /// The script of its requests.
    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// Where the workspace lies, if there is one.
    pub(super) fn workspace(&self) -> Option<PathBuf> {
        self.has_workspace.then(|| self.workspace_path())
    }

    fn workspace_path(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    fn vault(&self) -> Vault {
        Vault::open(self.folder.path(), &self.folder.path().join(KEY_FILE))
    }
}

/// Copies a folder; links are not followed.
fn copy(from: &Path, to: &Path, files: &mut usize) -> Result<(), TestError> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
        *files += 1;
        if *files > FILES_MAX {
            return Err(TestError::ManyFiles { folder: from.to_owned(), max: FILES_MAX });
        }
        if kind.is_dir() {
            copy(&entry.path(), &to, files)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
