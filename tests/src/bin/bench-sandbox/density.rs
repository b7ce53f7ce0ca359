//! Ten thousand live instances, created and called.

use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::Val;

use crate::Effort;
use crate::sandbox::{Raw, Wasi};
use ax_host::plugin::engine::slots_that_fit;
use ax_tests::row::{Bar, Row};

const INSTANCES: u32 = 10_000;
/// Fuel that no call here uses up.
const FUEL: u64 = 1_000_000;

/// The pool is what carries density, and it is the same on both sides: measured raw, with the
/// engine this host uses. Keeping instances between calls comes with a later host.
pub(crate) fn run(_: Effort) -> Vec<Row> {
    let maps = fs_err::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    let fit = maps.trim().parse().map_or(INSTANCES, slots_that_fit);
    let count = INSTANCES.min(fit);
    let raw = Raw::new(count);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let began = Instant::now();
    let live: Vec<Store<Wasi>> = runtime.block_on(async {
        let mut live = Vec::new();
        for number in 0..count {
            let mut store = Store::new(raw.engine.wasmtime(), Wasi::default());
            store.set_fuel(FUEL).expect("the engine counts fuel");
            store.set_epoch_deadline(u64::MAX / 2);
            let instance = raw.ready.instantiate_async(&mut store).await.expect("it starts");
            let nop = instance.get_func(&mut store, raw.nop).expect("it is a function");
            let mut results = [Val::Bool(false)];
            nop.call_async(&mut store, &[Val::U32(number)], &mut results).await.expect("an answer");
            live.push(store);
        }
        live
    });
    let took = began.elapsed();
    let name = format!("{} live instances", live.len());
    let mut row = Row::time(&name, took, None, Bar::AtMost(Duration::from_secs(1)));
    row.also = live.len() == INSTANCES as usize;
    vec![row]
}
