//! Where hostile guests are let loose: one host for all tests, and a folder with traps in it.
//!
//! ```text
//! target/tmp/hostile-<pid>/home      audit and compiled code of this run
//!                         /work      the folder `workspace`, see [`Arena::work`]
//!                         /outside   what no guest may reach
//! target/tmp/hostile-compiled        compiled code, kept from run to run
//! ```
//!
//! Invariant: a test ends with [`Arena::still_serves`]: whatever a guest did, the next call works.
//! Not here: what is expected of a guest (the tests), how that is printed (`verdict`).

use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::LazyLock;

use ax_host::audit::Audit;
use ax_host::clock::Clock;
use ax_host::clock::SystemClock;
use ax_host::egress::EgressConfig;
use ax_host::kv::Kv;
use ax_host::plugin::Allocation;
use ax_host::plugin::Call;
use ax_host::plugin::Folder;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Limits;
use ax_host::plugin::LoadError;
use ax_host::plugin::Output;
use ax_host::plugin::Plugin;
use ax_host::plugin::PluginHost;
use ax_host::plugin::Release;
use ax_host::plugin::Report;
use ax_host::secret::vault::Vault;
use ax_manifest::Grant;
use ax_manifest::GrantScope;
use ax_manifest::Identity;
use ax_manifest::Permission;
use ax_manifest::Reuse;
use ax_manifest::Source;
use ax_manifest::Tool;
use ax_manifest::derive_tools;
use ax_manifest::inspect;
use ax_tests::program;
use serde_json::Value;
use serde_json::json;

/// Guest memory of a host in these tests: several guests take their 64 MiB at once.
const MEMORY_BYTES: u64 = 2 << 30;
/// Live instances of a host in these tests.
const INSTANCES: u32 = 400;
/// Pool slots: more than any test uses at once, few enough to be set up quickly.
const SLOTS: u32 = 100;
/// Threads for guests: two, so that one that spins leaves one.
const THREADS: usize = 2;

/// What the file `outside/secret` holds.
pub(crate) const SECRET: &str = "nobody may read this";

static GROUND: LazyLock<Ground> = LazyLock::new(Ground::make);
static ON_DEMAND: LazyLock<Arena> = LazyLock::new(|| Arena::new(Allocation::OnDemand));
static POOLED: LazyLock<Arena> = LazyLock::new(|| {
    Arena::new(Allocation::Pooled {
        slots: SLOTS,
        memory_bytes_max: Limits::default().memory_bytes,
    })
});

/// A host and what it stands on.
pub(crate) struct Arena {
    pub(crate) host: Arc<PluginHost>,
    hostile: LazyLock<Vec<u8>>,
    hoarder: LazyLock<Vec<u8>>,
}

/// A component with the rights and limits it is to be called under.
#[derive(Clone)]
pub(crate) struct Guest {
    pub(crate) bytes: Vec<u8>,
    pub(crate) release: Release,
}

/// Folders, files and the audit log, shared by all hosts of this process.
struct Ground {
    folder: PathBuf,
    audit: Audit,
    clock: Arc<SystemClock>,
}

impl Arena {
    /// Returns the host that maps memory when it is needed.
    pub(crate) fn shared() -> &'static Self {
        &ON_DEMAND
    }

    /// Returns the host that sets memory aside.
    pub(crate) fn pooled() -> &'static Self {
        &POOLED
    }

    fn new(allocation: Allocation) -> Self {
        Self::with(HostConfig { allocation, ..config() })
    }

    /// Builds a host of a test's own.
    pub(crate) fn with(config: HostConfig) -> Self {
        Self::with_clock(config, GROUND.clock.clone())
    }

    /// Builds a host with a clock of a test's own.
    pub(crate) fn with_clock(config: HostConfig, clock: Arc<dyn Clock>) -> Self {
        let host = PluginHost::new(config, GROUND.audit.clone(), clock);
        Self {
            host: host.expect("a host"),
            hostile: LazyLock::new(|| program::guest("hostile")),
            hoarder: LazyLock::new(|| program::guest("hoarder")),
        }
    }

    /// What plugins of these tests keep.
    pub(crate) fn kv() -> Kv {
        Kv::at(&GROUND.folder.join("home"))
    }

    /// Waits until all that was recorded is on disk; returns the home it is in.
    pub(crate) fn written() -> PathBuf {
        GROUND.audit.flush_blocking().expect("the log is written");
        GROUND.folder.join("home")
    }

    /// The folder bound to `workspace`: `file`, `sub/deep`, links to both and links out of it.
    pub(crate) fn work() -> PathBuf {
        GROUND.folder.join("work")
    }

    /// A folder no guest is granted.
    pub(crate) fn outside() -> PathBuf {
        GROUND.folder.join("outside")
    }

    /// The guest of `tests/guests/hostile`, with no rights and short limits.
    pub(crate) fn hostile(&self) -> Guest {
        Guest::new(self.hostile.clone())
    }

    /// The guest of `tests/guests/hoarder` under a name of a test's own, with no rights and short
    /// limits.
    pub(crate) fn hoarder(&self, name: &str) -> Guest {
        let mut guest = Guest::new(self.hoarder.clone());
        guest.release.identity.name = name.parse().expect("a name");
        guest
    }

    /// Makes a guest ready to be called.
    pub(crate) fn load(&self, guest: &Guest) -> Result<Arc<Plugin>, LoadError> {
        self.host.load(guest.release.clone(), || Ok(guest.bytes.clone()))
    }

    /// Loads a guest and calls one of its tools.
    pub(crate) fn call(&self, guest: &Guest, tool: &str, input: &Value) -> Report {
        let plugin = self.load(guest).unwrap_or_else(|error| panic!("{error:?}"));
        self.run(&plugin, Call::new(tool, &input.to_string()))
    }

    /// Makes a call of a loaded guest.
    pub(crate) fn run(&self, plugin: &Arc<Plugin>, call: Call) -> Report {
        self.host.block_on(self.host.call(plugin, call))
    }

    /// Insists that an honest call on this host gets its answer.
    #[track_caller]
    pub(crate) fn still_serves(&self) {
        let mut honest = self.hostile();
        honest.release.limits = Limits::default();
        let report = self.call(&honest, "good", &json!({ "text": "still here" }));
        assert_eq!(report.result.expect("an answer"), Output::Value(json!("still here")));
    }
}

impl Guest {
    /// Takes the tools from the component's types.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let facts = inspect(&bytes).unwrap_or_else(|error| panic!("{error}"));
        let tools = derive_tools(&facts, None).unwrap_or_else(|error| panic!("{error}"));
        Self::unchecked(bytes, tools)
    }

    /// Takes the tools as given, whatever the component is.
    pub(crate) fn unchecked(bytes: Vec<u8>, tools: Vec<Tool>) -> Self {
        let identity = Identity {
            name: "test:hostile".parse().expect("a name"),
            source: Source::Folder(PathBuf::from("/hostile")),
        };
        let release = Release {
            version: semver::Version::new(1, 0, 0),
            tools,
            limits: Limits { fuel: 500_000_000, ..Limits::default() },
            ..Release::bare(identity, ax_manifest::Digest::of(&bytes))
        };
        Self { bytes, release }
    }

    /// Changes the limits.
    pub(crate) fn limited(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.release.limits);
        self
    }

    /// Gives it data of its own and the right to use them.
    pub(crate) fn keeping(self) -> Self {
        let mut guest = self.granted(&["kv"]);
        let owner = guest.release.identity.to_string();
        guest.release.state = Arena::kv().fork(&owner, None).expect("a state").state;
        guest
    }

    /// Keeps its instances warm.
    pub(crate) fn warm(mut self) -> Self {
        self.release.reuse = Reuse::Task;
        self
    }

    /// Declares permissions, as a manifest does.
    pub(crate) fn declaring(mut self, permissions: &[&str]) -> Self {
        self.release.declared = permissions.iter().map(|text| permission(text)).collect();
        self
    }

    /// Declares and grants permissions.
    pub(crate) fn granted(self, permissions: &[&str]) -> Self {
        let grants = permissions.iter().map(|text| grant(text, GrantScope::Always)).collect();
        let mut guest = self.declaring(permissions);
        guest.release.grants = grants;
        guest
    }
}

/// Makes a grant that does not end.
pub(crate) fn grant(text: &str, scope: GrantScope) -> Grant {
    Grant { permission: permission(text), scope, expires_at_ms: None, granted_at_ms: 0 }
}

/// Parses a permission.
pub(crate) fn permission(text: &str) -> Permission {
    text.parse().expect("a permission")
}

/// Returns the configuration that tests change one thing of.
pub(crate) fn config() -> HostConfig {
    let ground = &*GROUND;
    HostConfig {
        home: ground.folder.join("home"),
        allocation: Allocation::OnDemand,
        threads: THREADS,
        compiler: program::ax(),
        memory_bytes_max: MEMORY_BYTES,
        instances_max: INSTANCES,
        folders: vec![Folder::bind("workspace", &ground.folder.join("work")).expect("a folder")],
        environment: Arc::new(|name: &str| match name {
            "GRANTED" => Some("granted".to_owned()),
            "OTHER" => Some("other".to_owned()),
            _ => None,
        }),
        kv: Kv::at(&ground.folder.join("home")),
        vault: Vault::open(&ground.folder.join("home"), &ground.folder.join("home/secrets.key")),
        network: EgressConfig::default(),
        models: None,
        rehearsal_at_ms: None,
    }
}

impl Ground {
    fn make() -> Self {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
        forget_ended(all);
        let folder = all.join(format!("hostile-{}", std::process::id()));
        let compiled = all.join("hostile-compiled");
        for made in [&folder.join("home"), &folder.join("outside"), &compiled] {
            fs_err::create_dir_all(made).expect("a folder");
        }
        symlink(&compiled, folder.join("home/cache")).expect("a link to the compiled code");
        lay_traps(&folder);
        let clock = Arc::new(SystemClock::new());
        let audit = Audit::open(&folder.join("home"), clock.clone()).expect("an audit log");
        Self { folder, audit, clock }
    }
}

/// Removes what earlier runs left; statics are never dropped.
fn forget_ended(all: &Path) {
    let Ok(entries) = fs_err::read_dir(all) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(process) = name.strip_prefix("hostile-") else { continue };
        if process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists() {
            // Another run may be removing it too.
            fs_err::remove_dir_all(entry.path()).ok();
        }
    }
}

fn lay_traps(folder: &Path) {
    let (work, outside) = (folder.join("work"), folder.join("outside"));
    let write = |path: PathBuf, text: &str| fs_err::write(path, text).expect("a file");
    fs_err::create_dir_all(work.join("sub")).expect("a folder");
    write(work.join("file"), "inside");
    write(work.join("sub/deep"), "deep inside");
    write(outside.join("secret"), SECRET);
    write(outside.join("shared"), "shared by a hard link");
    for (name, target) in [
        ("link-in", "file"),
        ("link-out", "../outside/secret"),
        ("link-slash", "../outside/"),
        ("folder-out", "../outside"),
        ("link-root", "/"),
        ("link-loop", "link-loop"),
        ("sub/link-up", "../../outside/secret"),
    ] {
        symlink(target, work.join(name)).expect("a link");
    }
    symlink(outside.join("secret"), work.join("link-absolute")).expect("a link");
    fs_err::hard_link(outside.join("shared"), work.join("hard")).expect("a hard link");
    let made = Command::new("mkfifo").arg(work.join("pipe")).status().expect("mkfifo");
    assert!(made.success(), "a named pipe");
}
