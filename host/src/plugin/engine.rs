//! The one engine configuration, and the thread that interrupts spinning guests.
//!
//! The compile jail, one-shot commands and servers share [`base_config`], so code compiled by one
//! runs in the others; only how memory is set aside differs, which is not part of the engine's
//! digest.
//!
//! Invariant: this file and `cache.rs` are the only ones with `unsafe` code: machine code is
//! mapped here, after `cache` found its digest to be the recorded one.

use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;

use ax_manifest::{Digest, DigestHasher};
use wasmtime::component::Component;
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OperatorCost, OptLevel, PoolingAllocationConfig,
    VariableOperatorCost, WasmBacktraceDetails,
};

use super::limits;

/// How instances get their memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// Mapped when needed: right for a command that makes a few calls. Ready in 0.1 ms.
    OnDemand,
    /// Set aside at the start for this many live instances: right for a server. Three to six
    /// times faster per instance; 1,000 slots take about 4 ms to set up.
    Pooled {
        /// Instances alive at once.
        slots: u32,
        /// The highest memory limit any plugin may be given, in bytes.
        memory_bytes_max: u64,
    },
}

/// Memory maps a pool slot can need (Linux allows 65,530 to a process by default).
const MAPS_PER_SLOT: u32 = 6;
/// Memory maps left for the rest of the process.
const MAPS_RESERVED: u32 = 5_000;
/// Memories of all slots together. Each takes 4 GiB of address space, of which there are 128 TiB;
/// 30,000 were seen to fail.
const POOL_MEMORIES: u32 = 16_000;
/// Bytes of a slot kept mapped between instances, which is what makes the pool fast.
const KEEP_RESIDENT_BYTES: usize = 1 << 20;

/// A wasmtime engine with its ticker.
///
/// Cheap to clone; the ticker stops with the last clone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    digest: Digest,
    ticker: Arc<Ticker>,
}

impl Engine {
    /// Creates an engine and starts its ticker.
    ///
    /// # Errors
    ///
    /// When the pool cannot be mapped (too many slots for the address space).
    pub fn new(allocation: Allocation) -> wasmtime::Result<Self> {
        let mut config = base_config();
        if let Allocation::Pooled { slots, memory_bytes_max } = allocation {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(
                slots,
                memory_bytes_max,
            )));
        }
        let inner = wasmtime::Engine::new(&config)?;
        let digest = engine_digest(&inner);
        let ticker = Arc::new(Ticker::start(&inner));
        Ok(Self { inner, digest, ticker })
    }

    /// Returns the wasmtime engine.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Returns what distinguishes compiled code that this engine can run from any other.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Keeps the ticker running until the guard is dropped; a call holds one.
    pub(super) fn tick(&self) -> Ticking {
        Ticking::new(Arc::clone(&self.ticker))
    }

    /// Maps compiled code from a file.
    ///
    /// # Safety
    ///
    /// The file must have been written by this program's own compile jail for an engine of this
    /// digest and must not change while mapped; `cache` sees to both.
    ///
    /// # Errors
    ///
    /// When the file is for another engine or not compiled code at all.
    #[expect(unsafe_code, reason = "mapping machine code cannot be checked by the compiler")]
    pub(super) unsafe fn map_compiled(&self, path: &Path) -> wasmtime::Result<Component> {
        // SAFETY: the caller promises that the file is ours, unchanged and stays so.
        unsafe { Component::deserialize_file(&self.inner, path) }
    }
}

/// Compiles a component. Only the jail's child process calls this: a component of 598 bytes can
/// make it ask for more than 4 GiB.
///
/// # Errors
///
/// When the bytes are not a component this engine accepts.
pub fn compile_here(bytes: &[u8]) -> wasmtime::Result<(Digest, Vec<u8>)> {
    let engine = wasmtime::Engine::new(&base_config())?;
    let compiled = engine.precompile_component(bytes)?;
    Ok((engine_digest(&engine), compiled))
}

/// Returns how many pool slots this machine's limit on memory maps allows.
#[must_use]
pub fn slots_that_fit(map_count_max: u32) -> u32 {
    map_count_max.saturating_sub(MAPS_RESERVED) / MAPS_PER_SLOT
}

/// The configuration every engine shares; all of it is part of the engine's digest.
///
/// What a default would decide is set all the same: defaults follow crate features, so a feature
/// switched on elsewhere in the workspace would change them.
fn base_config() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(OperatorCost {
            variable: VariableOperatorCost {
                memory_grow_per_page: u8::MAX,
                ..VariableOperatorCost::default()
            },
            ..OperatorCost::default()
        })
        .epoch_interruption(true)
        // Names alone: DWARF of anybody's component is not read in this process.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(limits::BACKTRACE_FRAMES))
        .concurrency_support(false)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .max_wasm_stack(limits::STACK_BYTES)
        .async_stack_size(limits::FIBER_STACK_BYTES)
        .wasm_component_model(true)
        .wasm_multi_memory(true)
        .wasm_tail_call(true)
        .wasm_simd(true)
        .wasm_relaxed_simd(true)
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}

fn pool(slots: u32, memory_bytes_max: u64) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        // A live store keeps its stack.
        .total_stacks(slots)
        .total_core_instances(slots.saturating_mul(limits::CORE_INSTANCES))
        .total_memories(slots.saturating_mul(3).min(POOL_MEMORIES).max(slots))
        .total_tables(slots.saturating_mul(4))
        .max_core_instances_per_component(limits::CORE_INSTANCES)
        .max_memories_per_component(limits::MEMORIES)
        .max_tables_per_component(limits::TABLES)
        .max_tables_per_module(limits::TABLES)
        .max_memories_per_module(limits::MEMORIES)
        .table_elements(limits::TABLE_ELEMENTS as usize)
        .max_core_instance_size(1 << 20)
        .max_component_instance_size(1 << 20)
        .max_memory_size(usize::try_from(memory_bytes_max).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(KEEP_RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    pool
}

fn engine_digest(engine: &wasmtime::Engine) -> Digest {
    /// Feeds whatever the engine hashes into SHA-256; the 64-bit answer is not used.
    struct Sha(DigestHasher);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sha = Sha(Digest::hasher());
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.0.finish()
}

/// Advances the engine's epoch every [`limits::TICK`] while a call is running, else sleeps.
struct Ticker {
    shared: Arc<TickerShared>,
    thread: Option<JoinHandle<()>>,
}

struct TickerShared {
    running_calls: AtomicU32,
    stop: AtomicBool,
}

impl Ticker {
    #[expect(clippy::disallowed_methods, reason = "the ticker outlives every supervised task")]
    fn start(engine: &wasmtime::Engine) -> Self {
        let shared = Arc::new(TickerShared {
            running_calls: AtomicU32::new(0),
            stop: AtomicBool::new(false),
        });
        let (engine, seen) = (engine.weak(), Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            while !seen.stop.load(Ordering::Acquire) {
                if seen.running_calls.load(Ordering::Acquire) == 0 {
                    std::thread::park();
                    continue;
                }
                std::thread::sleep(limits::TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        });
        Self { shared, thread: Some(thread) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread holds no lock and cannot panic; a failed join has nothing to undo.
            drop(thread.join());
        }
    }
}

/// While one of these lives, the ticker ticks.
pub(super) struct Ticking(Arc<Ticker>);

impl Ticking {
    fn new(ticker: Arc<Ticker>) -> Self {
        if ticker.shared.running_calls.fetch_add(1, Ordering::AcqRel) == 0
            && let Some(thread) = &ticker.thread
        {
            thread.thread().unpark();
        }
        Self(ticker)
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.shared.running_calls.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allocation_runs_the_same_compiled_code() {
        let one_shot = Engine::new(Allocation::OnDemand).unwrap();
        let pooled =
            Engine::new(Allocation::Pooled { slots: 4, memory_bytes_max: 64 << 20 }).unwrap();
        assert_eq!(one_shot.digest(), pooled.digest());
        let (jail, _) = compile_here(b"(component)")
            .unwrap_or_else(|_| compile_here(&wat::parse_str("(component)").unwrap()).unwrap());
        assert_eq!(jail, one_shot.digest());
    }

    #[test]
    fn slots_leave_maps_for_the_rest_of_the_process() {
        assert_eq!(slots_that_fit(65_530), 10_088);
        assert_eq!(slots_that_fit(100), 0);
    }
}
