//! BUILD: everything from `Config`, in order; the place where concrete types meet.
//!
//! ```text
//! Config ──→ App ──→ Store, Generations   what is installed and granted
//!                ──→ Audit                what happened
//!                ──→ PluginHost           the sandbox, built when a command needs it
//! ```
//!
//! What people do to the installation lives here, one file per verb family: `install` (package →
//! card → consent → generation), `grants`, `policy`, `secrets`, `switch` (enable, disable, remove),
//! `tools` (load and call), `verify`, `prune`. `cli` only parses and prints.
//!
//! Invariant: whatever changes the installation goes through `change`, which records it before it
//! commits it; `prune` alone removes, of what is not installed. Secrets lie outside of generations:
//! `secrets` keeps the same order under the same lock.

mod backtrace;
mod bare;
mod card;
mod catalogue;
mod change;
mod check;
mod consent;
mod conversation;
mod explained;
mod grants;
mod install;
mod installed;
mod kept;
mod ledger;
mod models;
mod origin;
mod outdated;
mod pack;
mod policy;
mod profile;
mod project;
mod prune;
mod refusal;
mod roots;
mod secrets;
mod shelf;
mod source;
mod start;
mod state;
mod stats;
mod switch;
mod talk;
mod tasks;
mod testing;
mod tokens;
mod tools;
mod unused;
mod verify;
mod workflows;

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ax_manifest::Policies;
use ax_registry::{Generation, GenerationError, Generations, Store};
use serde_json::Value;

use crate::audit::Audit;
use crate::audit::entry::{Action, Change, Decision, Entry, Record};
use crate::audit::error::AuditError;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::egress::EgressConfig;
use crate::journal;
use crate::kv::Kv;
use crate::plugin::{
    Allocation, CompileWatch, EnvironmentLookup, Folder, FolderError, HostConfig, Models,
    PluginHost, StartError, WORKSPACE, jail, limits,
};
use crate::secret::vault::{KEY_FILE, Vault};

pub use backtrace::{Located, SourceMap, shown};
pub use bare::Named;
pub use card::{Card, CardPermission};
pub use catalogue::{Catalogue, CatalogueTool};
pub use change::ChangeError;
pub use check::{CheckFinding, Checked, Severity};
pub use consent::{Allowed, Consent, ConsentError, parse_expiry};
pub use conversation::{CONVERSATION_BYTES_MAX, Conversation, ConversationError, ConversationLock};
pub use explained::{Explained, ExplainedPlugin};
pub use grants::{GrantError, Granted};
pub use install::{Candidate, InstallError, Installed};
pub use installed::{InstalledPlugin, InstalledPlugins, LookupError, find};
pub use kept::KeptError;
pub use models::{AddError, ModelsError, PolicyError, Provider, ReadyModels};
use models::{PluginModels, Sources};
pub use origin::{OriginError, quoted};
pub use outdated::outdated;
pub use pack::Packed;
pub use policy::{Forbidden, PolicyFileError, PolicyFound, PolicyNote, PolicyPlace, PolicyStamp};
pub use profile::{FunctionTime, Profiled};
pub use project::{BuiltPlugin, ProjectError, ReadyProject};
pub use prune::PruneError;
pub use roots::{RootsError, extra_roots};
pub use secrets::{ListedSecret, SecretUse, SecretsError};
pub use shelf::{Misfit, Shelf, ShelfStamp, Shelved};
pub use source::SourceError;
pub use start::LeftBehind;
pub use state::StateError;
pub use stats::{Spread, Stats, ToolStats};
pub use talk::{Answered, Audience, FailedCall, Manner, ROUNDS_MAX, Talk, TalkError, Unanswered};
pub use tasks::{Beginning, Doing, ListedAgent, TaskBudget, TaskError};
pub use testing::{
    CaseError, Played, RanCase, StageError, TestError, TestOptions, Tested, TreeError,
};
pub use tokens::TokensError;
pub use tools::{Listed, Offered, ToolsError};
pub use unused::{Amount, GRACE, InTheWay, Keep, KeptGeneration, Kind, Unused};
pub use verify::Finding;
pub use workflows::{CheckedFile, CheckedWorkflow};

/// Bytes that a memory of 32-bit addresses can have: what a person may let a plugin have at most.
const MEMORY_MAX: u64 = 4 << 30;

/// How long a change waits for another process to finish its own.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// The application: what the commands work on.
pub struct App {
    config: Config,
    clock: Arc<dyn Clock>,
    store: Store,
    generations: Generations,
    kv: Kv,
    vault: Vault,
    sources: Sources,
    policies: OnceLock<Arc<Policies>>,
    watch: Option<Arc<dyn CompileWatch>>,
    /// It answers many calls, not a few.
    is_server: bool,
    audit: OnceLock<Audit>,
    host: OnceLock<Arc<PluginHost>>,
    journal: OnceLock<Arc<dyn journal::Store>>,
}

/// What the guests of a sandbox reach.
struct Ground {
    kv: Kv,
    vault: Vault,
    folders: Vec<Folder>,
    environment: EnvironmentLookup,
    network: EgressConfig,
    /// Who answers plugins that ask models.
    models: Option<Arc<dyn Models>>,
    /// When it is, in a rehearsal.
    rehearsal_at_ms: Option<u64>,
}

/// Why a part of the application cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The audit log cannot be opened.
    #[error("cannot open the audit log")]
    Audit(#[from] AuditError),
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// The sandbox cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A folder cannot be bound.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The operator's root certificates cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// Others could put machine code or grants into the home folder.
    #[error("`{path}` is not for this user alone (mode {mode:03o})", path = .path.display())]
    SharedHome {
        /// The home folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// This program cannot find itself.
    #[error("cannot find the program that compiles components")]
    Program(#[source] std::io::Error),
}

impl AppError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Audit(error) => error.hint(),
            Self::Policy(error) => error.hint(),
            Self::Start(_) | Self::Program(_) => Some("ax doctor".to_owned()),
            Self::Roots(error) => error.hint(),
            Self::SharedHome { path, .. } => Some(format!(
                "chmod 700 {}, or set AX_HOME to a folder of your own",
                path.display()
            )),
            Self::Folder(error) if error.name == WORKSPACE => {
                Some("name an existing folder: --workspace DIR".to_owned())
            }
            Self::Folder(error) => Some(format!("--folder {}=DIR", error.name)),
        }
    }
}

impl App {
    /// Names the parts; nothing is opened yet.
    #[must_use]
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Self {
        let home = config.home.value.clone();
        let vault = Vault::open(&home, &home.join(KEY_FILE));
        Self {
            store: Store::open(&home),
            generations: Generations::open(&home),
            kv: Kv::at(&home),
            sources: Sources::new(&config, &vault, &clock),
            vault,
            policies: OnceLock::new(),
            watch: None,
            is_server: false,
            audit: OnceLock::new(),
            host: OnceLock::new(),
            journal: OnceLock::new(),
            clock,
            config,
        }
    }

    /// Lets `watch` hear of components that have to be compiled.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn CompileWatch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Sets memory aside for many calls at once, which makes each of them quicker.
    #[must_use]
    pub fn serving(mut self) -> Self {
        self.is_server = true;
        self
    }

    /// Returns the settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the audit log, opening it the first time.
    ///
    /// # Errors
    ///
    /// When it is damaged, newer than this program or cannot be opened.
    pub fn audit(&self) -> Result<&Audit, AppError> {
        if let Some(audit) = self.audit.get() {
            return Ok(audit);
        }
        self.private_home()?;
        let opened = Audit::open(&self.config.home.value, Arc::clone(&self.clock))?;
        Ok(self.audit.get_or_init(|| opened))
    }

    /// Refuses a home folder that others may write: whoever can rename what lies in it decides what
    /// runs and what is granted.
    fn private_home(&self) -> Result<(), AppError> {
        let path = &self.config.home.value;
        // What is not there yet is made for this user alone.
        let Ok(data) = path.metadata() else { return Ok(()) };
        let mode = data.mode() & 0o777;
        let is_ours = data.uid() == rustix::process::geteuid().as_raw();
        match mode & 0o022 == 0 && is_ours {
            true => Ok(()),
            false => Err(AppError::SharedHome { path: path.clone(), mode }),
        }
    }

    /// Returns the sandbox, building it the first time.
    ///
    /// # Errors
    ///
    /// [`AppError`].
    pub fn host(&self) -> Result<&Arc<PluginHost>, AppError> {
        if let Some(host) = self.host.get() {
            return Ok(host);
        }
        let built = self.host_on(self.ground()?)?;
        Ok(self.host.get_or_init(|| built))
    }

    /// What the sandbox of installed plugins stands on.
    fn ground(&self) -> Result<Ground, AppError> {
        let mut folders = Vec::new();
        if let Some(workspace) = &self.config.workspace {
            folders.push(Folder::bind(WORKSPACE, &workspace.value)?);
        }
        for (name, path) in &self.config.folders {
            folders.push(Folder::bind(name, &path.value)?);
        }
        Ok(Ground {
            kv: self.kv.clone(),
            vault: self.vault.clone(),
            folders,
            environment: Arc::new(config::environment_variable),
            network: self.network()?,
            models: Some(Arc::new(PluginModels(self.sources.clone()))),
            rehearsal_at_ms: None,
        })
    }

    /// Builds a sandbox.
    fn host_on(&self, ground: Ground) -> Result<Arc<PluginHost>, AppError> {
        let Ground { kv, vault, folders, environment, network, models, rehearsal_at_ms } = ground;
        let sandbox = &self.config.sandbox;
        let allocation = match self.is_server {
            true => {
                Allocation::Pooled { slots: sandbox.instances.value, memory_bytes_max: MEMORY_MAX }
            }
            false => Allocation::OnDemand,
        };
        let host = HostConfig {
            home: self.config.home.value.clone(),
            allocation,
            threads: sandbox.threads.value as usize,
            compiler: jail::own_program().map_err(AppError::Program)?,
            memory_bytes_max: memory_for_guests(sandbox.memory_percent.value),
            instances_max: sandbox.instances.value,
            folders,
            environment,
            kv,
            vault,
            network,
            models,
            rehearsal_at_ms,
        };
        let host = PluginHost::new(host, self.audit()?.clone(), Arc::clone(&self.clock))?;
        if let Some(watch) = &self.watch {
            host.watch_compilations(Arc::clone(watch));
        }
        Ok(host)
    }

    /// Returns how requests find their way, as the operator set it.
    fn network(&self) -> Result<EgressConfig, AppError> {
        let settings = &self.config.network;
        let roots = settings.ca_file.as_ref().map(|file| extra_roots(&file.value)).transpose()?;
        Ok(EgressConfig {
            extra_roots: roots.unwrap_or_default(),
            opened: settings.open.value.clone(),
            ..EgressConfig::default()
        })
    }

    /// Reads what is installed and granted now.
    ///
    /// # Errors
    ///
    /// When the current generation is damaged; the error says which earlier one is whole.
    pub fn current(&self) -> Result<Generation, GenerationError> {
        self.generations.current()
    }

    /// Writes what is queued for the audit; a command calls it before it ends.
    ///
    /// # Errors
    ///
    /// When something could not be written.
    pub fn close(&self) -> Result<(), AppError> {
        match self.audit.get() {
            Some(audit) => Ok(audit.close()?),
            None => Ok(()),
        }
    }

    /// Records an operator's change; on disk when it returns. One that concerns no plugin has an
    /// empty `plugin` and no `component`.
    fn record(
        &self,
        action: Action,
        decision: Decision,
        plugin: &str,
        component: Option<ax_manifest::Digest>,
        subject: &str,
        detail: Value,
    ) -> Result<(), AppError> {
        let entry = Entry {
            who: Arc::from("person"),
            plugin: Arc::from(plugin),
            component,
            rule: Arc::from(match decision {
                Decision::Stopped => "the change could not be committed",
                Decision::Allowed | Decision::Denied => "",
            }),
            decision,
            is_rehearsal: false,
            record: Record::Change(Change { action, subject: Arc::from(subject), detail }),
        };
        Ok(self.audit()?.record_durable_blocking(entry)?)
    }
}

/// Computes how much memory all guests may use together, in bytes.
fn memory_for_guests(percent: u8) -> u64 {
    let total = machine_memory().unwrap_or(limits::HOST_MEMORY_UNKNOWN);
    total / 100 * u64::from(percent)
}

/// Reads the machine's memory, in bytes, where the system tells it.
fn machine_memory() -> Option<u64> {
    let text = fs_err::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1024)
}
