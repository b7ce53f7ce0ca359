//! CONTAIN: the sandbox. Loads components, runs calls in it, and answers for what they did.
//!
//! ```text
//! cli ──→ PluginHost::call ──→ call: admit → instantiate → call → account
//!                               │                │                  │
//!                               slots meter      guest ──→ imports  audit
//!                                                           │
//!                                                          gate (the one chokepoint)
//! ```
//!
//! `PluginHost` owns the engine, the linker and the guest threads. A [`Plugin`] is one release with
//! its grants, ready to instantiate; every call gets a fresh instance, unless the plugin asks to be
//! kept warm.
//!
//! Not here: packages and generations (`ax-registry`), who consents (`app`), connections (`egress`),
//! which model answers (`router`).

mod account;
pub mod agent;
mod asked;
mod backtrace;
mod cache;
mod call;
mod compilation;
mod content;
mod describe;
pub mod engine;
mod errand;
mod error;
mod exchange;
mod executor;
mod exports;
mod folder;
// Public for `fuzz/entries` alone, which is a crate of its own because libFuzzer needs one.
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod guest;
mod held;
mod imports;
pub mod jail;
mod json;
pub mod limits;
mod log;
mod meter;
mod migrate;
mod models;
mod once;
mod outbox;
mod profile;
mod purse;
mod ranking;
mod report;
mod rights;
pub(crate) mod schema;
mod secrets;
mod send;
mod slots;
mod standing;
mod store;
mod text;
mod trace;
mod value;
mod wanted;
mod warm;
mod watched;
mod written;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, RwLock};

use ax_manifest::{
    Agent, Digest, Grant, Identity, PermissionSet, PluginName, Policies, Reuse, Tool,
};
use serde_json::{Map, Value};
use wasmtime::component::{Component, InstancePre, Linker};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::egress::error::EgressStartError;
use crate::egress::{Egress, EgressConfig};
use crate::kv::Kv;
use crate::secret::vault::Vault;

pub use asked::{Asked, AskedEnd, SoFar};
pub use backtrace::{Frame, demangled};
pub use cache::{Cache, CacheError, CodeInUse, CompileRecord, Compiler, UnusedCode, unused_code};
pub use call::Call;
pub use compilation::{Compilation, CompileWatch};
pub use describe::{DESCRIBE, DESCRIBE_AGENTS, DescribeError};
pub use engine::{Allocation, Engine};
pub use error::{CallError, ErrorKind, LoadError};
pub use exports::{Content, Media, Output};
pub use folder::{Folder, FolderError};
pub use gate::{Allowance, Denial};
pub use guest::{CallId, EnvironmentLookup, Progress};
pub use jail::{Jail, JailError};
pub use json::JsonError;
pub use limits::{Limit, Limits, Lowered, Raise};
pub use log::{Level, Line};
pub use meter::HostMeter;
pub use migrate::MigrateError;
pub use models::{Asker, Listed, Models};
pub use outbox::{Sent, SentEnd};
pub use profile::{Profile, Profiler};
pub use purse::{Bill, Budget, Purse, Short};
pub use ranking::{RANKS_MAX, RankError};
pub use report::{Report, Usage};
pub use rights::{Bounds, DenialReason, Rights, Ruling};
pub use secrets::Injection;
pub use text::{is_shown_on_a_line, scrub};
pub use trace::{Check, Request, Step, Trace};
pub use value::ValueError;
pub use written::is_account_in_use;

use executor::Executor;
use exports::Target;
use guest::{Guest, Holdings, Outside, World};
use secrets::Secrets;
use slots::CallSlots;
use standing::Standing;
use warm::{Lane, WarmInstances};
use written::Accounts;

/// The name of the folder a project is bound to.
pub const WORKSPACE: &str = "workspace";

/// What a host is built from.
pub struct HostConfig {
    /// `AX_HOME`, where compiled code is kept.
    pub home: PathBuf,
    /// How instances get their memory.
    pub allocation: Allocation,
    /// Threads for guests.
    pub threads: usize,
    /// The program that compiles in a child process, an `ax`.
    pub compiler: PathBuf,
    /// Bytes of memory all guests may use together.
    pub memory_bytes_max: u64,
    /// Instances alive at once.
    pub instances_max: u32,
    /// Folders bound to names.
    pub folders: Vec<Folder>,
    /// Reads a variable of the environment.
    pub environment: EnvironmentLookup,
    /// What plugins keep.
    pub kv: Kv,
    /// Secrets of the operator.
    pub vault: Vault,
    /// How requests find their way.
    pub network: EgressConfig,
    /// Who answers plugins that ask models; none where no model is set up.
    pub models: Option<Arc<dyn Models>>,
    /// Calls rehearse: their time begins here, in milliseconds since the Unix epoch, and moves by
    /// waiting alone.
    pub rehearsal_at_ms: Option<u64>,
}

/// Why the sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refused its configuration.
    #[error("cannot start the WebAssembly engine: {message}")]
    Engine {
        /// What it says.
        message: String,
    },
    /// No threads for guests.
    #[error("cannot start the threads for plugins")]
    Threads(#[source] io::Error),
    /// No cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No way to send requests.
    #[error("cannot prepare requests")]
    Network(#[from] EgressStartError),
}

/// The sandbox.
pub struct PluginHost {
    engine: Engine,
    linker: Linker<Guest>,
    executor: Executor,
    cache: Cache,
    jail: Jail,
    watch: OnceLock<Arc<dyn CompileWatch>>,
    meter: Arc<HostMeter>,
    folders: Arc<[Folder]>,
    environment: EnvironmentLookup,
    /// What guests are shown of the world.
    world: World,
    outside: Arc<Outside>,
    secrets: Arc<Secrets>,
    warm: WarmInstances,
    audit: Audit,
    clock: Arc<dyn Clock>,
    calls: AtomicU32,
    /// The id of this process, which costs a system call to ask for.
    process: u32,
}

/// One installed release, as the sandbox needs to know it.
#[derive(Debug, Clone)]
pub struct Release {
    /// Whose grants, state and settings these are.
    pub identity: Identity,
    /// Its version.
    pub version: semver::Version,
    /// Digest of the component.
    pub component: Digest,
    /// Its tools.
    pub tools: Vec<Tool>,
    /// Its agents.
    pub agents: Vec<Agent>,
    /// What its manifest asks for.
    pub declared: PermissionSet,
    /// What a person granted.
    pub grants: Vec<Grant>,
    /// The limits that hold.
    pub limits: Limits,
    /// What the operator set for it.
    pub settings: Arc<Map<String, Value>>,
    /// How long an instance lives.
    pub reuse: Reuse,
    /// The number of its data in the key-value store.
    pub state: u64,
    /// Secrets it asks to have put into requests.
    pub injections: Vec<Injection>,
    /// What one call may use of models.
    pub budgets: Vec<Budget>,
    /// The policies in force, if there are any.
    pub policy: Option<Arc<Policies>>,
}

impl Release {
    /// A release that asks for nothing and was granted nothing.
    #[must_use]
    pub fn bare(identity: Identity, component: Digest) -> Self {
        Self {
            identity,
            version: semver::Version::new(0, 0, 0),
            component,
            tools: Vec::new(),
            agents: Vec::new(),
            declared: PermissionSet::new(),
            grants: Vec::new(),
            limits: Limits::default(),
            settings: Arc::default(),
            reuse: Reuse::default(),
            state: 0,
            injections: Vec::new(),
            budgets: Vec::new(),
            policy: None,
        }
    }
}

/// A release ready to be called.
pub struct Plugin {
    release: Release,
    label: Arc<str>,
    ready: InstancePre<Guest>,
    targets: BTreeMap<String, Target>,
    slots: CallSlots,
    holdings: Arc<Holdings>,
    standing: RwLock<Option<Standing>>,
}

impl PluginHost {
    /// Builds the sandbox.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn new(
        config: HostConfig,
        audit: Audit,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StartError> {
        let refused = |error: wasmtime::Error| StartError::Engine { message: format!("{error:#}") };
        let engine = Engine::new(config.allocation).map_err(refused)?;
        let mut linker = Linker::new(engine.wasmtime());
        imports::link_all(&mut linker).map_err(refused)?;
        let executor = Executor::new(config.threads).map_err(StartError::Threads)?;
        let egress = Egress::new(config.network, executor.handle())?;
        let keeping = executor.keeping();
        Ok(Arc::new(Self {
            engine,
            linker,
            executor,
            cache: Cache::open(&config.home)?,
            jail: Jail::new(config.compiler, config.threads),
            watch: OnceLock::new(),
            meter: HostMeter::new(config.memory_bytes_max, config.instances_max),
            folders: config.folders.into(),
            environment: config.environment,
            world: config.rehearsal_at_ms.map_or(World::Real, |at_ms| World::Rehearsal { at_ms }),
            outside: Arc::new(Outside {
                accounts: Accounts::new(config.kv.clone()),
                keeping,
                kv: config.kv,
                egress,
                models: config.models,
            }),
            secrets: Arc::new(Secrets::new(config.vault)),
            warm: WarmInstances::default(),
            audit,
            clock,
            calls: AtomicU32::new(0),
            process: std::process::id(),
        }))
    }

    /// Makes a release ready to be called, compiling it if need be. Blocks.
    ///
    /// # Errors
    ///
    /// [`LoadError`], or what reading the bytes gave.
    pub fn load<E>(
        &self,
        release: Release,
        bytes: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Arc<Plugin>, E>
    where
        E: From<LoadError>,
    {
        let component = self.compiled(&release.identity.name, &release.component, bytes)?;
        let ready = self.link(&component)?;
        let find = |tool: &Tool| Ok((tool.name.clone(), Target::find(&component, tool)?));
        let targets = release.tools.iter().map(find).collect::<Result<_, LoadError>>()?;
        Ok(Arc::new(Plugin {
            label: release.identity.name.to_string().into(),
            slots: CallSlots::new(release.limits.concurrency),
            standing: RwLock::new(None),
            holdings: Arc::new(Holdings::of(&release)),
            ready,
            targets,
            release,
        }))
    }

    /// Returns what distinguishes the engine from others that would run the same code another way.
    #[must_use]
    pub fn engine_digest(&self) -> Digest {
        self.engine.digest()
    }

    /// Answers whether a component was compiled before, so that loading it is quick.
    #[must_use]
    pub fn is_compiled(&self, component: &Digest) -> bool {
        self.cache.has(&self.engine, component)
    }

    /// Returns how the code of a component was made, if it was compiled before.
    #[must_use]
    pub fn compile_record(&self, component: &Digest) -> Option<CompileRecord> {
        self.cache.record(&self.engine, component)
    }

    /// Tells `watch` of compilations from now on; the first to ask is the one who is told.
    pub fn watch_compilations(&self, watch: Arc<dyn CompileWatch>) {
        // A second one would fight with the first over the terminal.
        drop(self.watch.set(watch));
    }

    /// Runs a future on this thread, with the timers and file threads of the guests.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.executor.block_on(future)
    }

    /// Returns what all guests hold.
    #[must_use]
    pub fn meter(&self) -> &HostMeter {
        &self.meter
    }

    /// Gives up the warm instances of a task that has ended.
    pub fn end_task(&self, task: &str) {
        self.warm.end_task(task);
    }

    /// Counts the instances that are kept warm.
    #[must_use]
    pub fn warm_instances(&self) -> usize {
        self.warm.len()
    }

    /// Returns the folders that are bound.
    #[must_use]
    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }

    /// Returns the project's folder, if one is bound.
    #[must_use]
    pub fn workspace(&self) -> Option<&Path> {
        self.folders.iter().find(|folder| folder.name() == WORKSPACE).map(Folder::path)
    }

    fn next_id(&self) -> CallId {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        CallId::new(self.clock.now_ms(), self.process, number)
    }

    fn compiled<E>(
        &self,
        plugin: &PluginName,
        digest: &Digest,
        bytes: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Component, E>
    where
        E: From<LoadError>,
    {
        let compiler = Compiler {
            engine: &self.engine,
            jail: &self.jail,
            clock: &*self.clock,
            watch: self.watch.get().map(|watch| &**watch),
        };
        self.cache.component(&compiler, plugin, digest, bytes)
    }

    fn link(&self, component: &Component) -> Result<InstancePre<Guest>, LoadError> {
        if let Some(needs) = component.resources_required() {
            let bound = |what, needed: u32, max: u32| {
                let (needed, max) = (u64::from(needed), u64::from(max));
                if needed > max { Err(LoadError::TooMany { what, needed, max }) } else { Ok(()) }
            };
            bound("memories", needs.num_memories, limits::MEMORIES)?;
            bound("tables", needs.num_tables, limits::TABLES)?;
        }
        self.linker
            .instantiate_pre(component)
            .map_err(|error| LoadError::Link { message: format!("{error:#}") })
    }
}

impl Plugin {
    /// Returns the release.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    fn target(&self, tool: &str) -> Result<&Target, CallError> {
        self.targets.get(tool).ok_or_else(|| CallError::NoSuchTool {
            plugin: self.label.to_string(),
            tool: text::scrub(tool, 64),
            known: self.targets.keys().cloned().collect(),
        })
    }

    /// Returns the lane of a call, if instances of this plugin are kept warm.
    fn lane(&self, call: &Call, rights: &Rights) -> Option<Lane> {
        match self.release.reuse {
            Reuse::Call => None,
            Reuse::Task => Some(Lane {
                owner: Arc::clone(&self.holdings.owner),
                component: self.release.component,
                state: self.release.state,
                who: Arc::clone(&call.who),
                task: call.task.clone(),
                secrets: rights.secrets().map(str::to_owned).collect(),
            }),
        }
    }
}
