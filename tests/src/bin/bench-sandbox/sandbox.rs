//! The two sides: this host, and raw wasmtime with the same engine and guest.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ax_host::audit::Audit;
use ax_host::clock::SystemClock;
use ax_host::egress::EgressConfig;
use ax_host::kv::Kv;
use ax_host::plugin::{
    Allocation, Call, Engine, HostConfig, Limits, LoadError, Plugin, PluginHost, Release,
};
use ax_host::secret::vault::KEY_FILE;
use ax_host::secret::vault::Vault;
use ax_manifest::{Identity, Reuse, Source, derive_tools, inspect};
use tempfile::TempDir;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// Memory any guest here may have: what a slot of the pool is laid out for.
pub(crate) const MEMORY_BYTES_MAX: u64 = 64 << 20;

/// This host, with a pool of `slots`, in a home of its own.
pub(crate) struct Ours {
    pub(crate) host: Arc<PluginHost>,
    pub(crate) plugin: Arc<Plugin>,
    audit: Audit,
    _home: TempDir,
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.audit.close().expect("the audit log of the bench can be written");
    }
}

impl Ours {
    pub(crate) fn new(slots: u32, threads: usize, limits: Limits) -> Self {
        Self::of(guest_bytes(), slots, threads, limits, Reuse::Call)
    }

    /// The same with instances that are kept.
    pub(crate) fn kept(slots: u32, threads: usize, limits: Limits) -> Self {
        Self::of(guest_bytes(), slots, threads, limits, Reuse::Task)
    }

    /// The same with instances of another guest.
    pub(crate) fn kept_of(bytes: Vec<u8>, slots: u32, threads: usize, limits: Limits) -> Self {
        Self::of(bytes, slots, threads, limits, Reuse::Task)
    }

    fn of(bytes: Vec<u8>, slots: u32, threads: usize, limits: Limits, reuse: Reuse) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(SystemClock::new());
        let audit = Audit::open(home.path(), clock.clone()).expect("a new audit log");
        let config = HostConfig {
            home: home.path().to_owned(),
            allocation: Allocation::Pooled { slots, memory_bytes_max: MEMORY_BYTES_MAX },
            threads,
            compiler: ax_program(),
            memory_bytes_max: u64::MAX / 2,
            instances_max: slots,
            folders: Vec::new(),
            environment: Arc::new(|_: &str| None),
            kv: Kv::at(home.path()),
            vault: Vault::open(home.path(), &home.path().join(KEY_FILE)),
            network: EgressConfig::default(),
            models: None,
            rehearsal_at_ms: None,
        };
        let host = PluginHost::new(config, audit.clone(), clock).expect("a sandbox");
        let facts = inspect(&bytes).expect("the guest is a component");
        let identity = Identity {
            name: "bench:guest".parse().expect("a name"),
            source: Source::Folder(PathBuf::from("/bench")),
        };
        let release = Release {
            tools: derive_tools(&facts, None).expect("tools"),
            declared: ["env:LANG".parse().expect("a permission")].into_iter().collect(),
            limits,
            reuse,
            ..Release::bare(identity, facts.digest)
        };
        let plugin = host.load(release, || Ok::<_, LoadError>(bytes)).expect("it loads");
        Self { host, plugin, audit, _home: home }
    }

    /// Calls `nop` through everything the host does, audit included; times each call.
    pub(crate) fn time_calls(&self, calls: usize) -> Vec<Duration> {
        self.host.block_on(async {
            let mut times = Vec::with_capacity(calls);
            for _ in 0..calls {
                let began = Instant::now();
                let report = self.host.call_here(&self.plugin, Call::new("nop", "{\"x\":7}")).await;
                times.push(began.elapsed());
                assert!(report.result.is_ok(), "{:?}", report.result);
            }
            times
        })
    }
}

/// Raw wasmtime: the same engine settings and guest, nothing of ours around the call.
pub(crate) struct Raw {
    pub(crate) engine: Engine,
    pub(crate) ready: InstancePre<Wasi>,
    pub(crate) nop: ComponentExportIndex,
}

/// What a guest of the Rust toolchain needs to be instantiated.
#[derive(Default)]
pub(crate) struct Wasi {
    ctx: LazyCtx,
    table: ResourceTable,
}

/// Built on first use, as this host does: the bench guest never asks.
#[derive(Default)]
struct LazyCtx(Option<Box<WasiCtx>>);

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ctx = self.ctx.0.get_or_insert_with(|| Box::new(WasiCtx::builder().build()));
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl Raw {
    pub(crate) fn new(slots: u32) -> Self {
        let allocation = Allocation::Pooled { slots, memory_bytes_max: MEMORY_BYTES_MAX };
        let engine = Engine::new(allocation).expect("an engine");
        let component =
            Component::new(engine.wasmtime(), guest_bytes()).expect("the guest compiles");
        let mut linker: Linker<Wasi> = Linker::new(engine.wasmtime());
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI links");
        let ready = linker.instantiate_pre(&component).expect("the guest links");
        let nop = component.get_export_index(None, "nop").expect("it exports nop");
        Self { engine, ready, nop }
    }
}

fn guest_bytes() -> Vec<u8> {
    let path = target().join("guests/tests/bench.wasm");
    fs_err::read(&path).unwrap_or_else(|error| panic!("{error}\n\nhint: cargo xtask plugins"))
}

/// Finds the `ax` of this very build, next to the bench.
pub(crate) fn ax_program() -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    let program = own.with_file_name("ax");
    assert!(
        program.exists(),
        "`{}` is not built; cargo build --release -p ax-host",
        program.display()
    );
    program
}

fn target() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout");
    root.join("target")
}
