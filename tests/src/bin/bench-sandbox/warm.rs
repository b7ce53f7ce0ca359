//! Calls that reuse an instance, against calls of a raw instance that is simply kept.

use std::time::{Duration, Instant};

use ax_host::plugin::Limits;
use wasmtime::Store;
use wasmtime::component::Val;

use crate::Effort;
use crate::sandbox::{Ours, Raw, Wasi};
use ax_tests::row::{Bar, Row, percentile};

const SLOTS: u32 = 100;
/// Fuel for all raw calls together; a governed call is given its own each time.
const FUEL: u64 = u64::MAX / 2;

pub(crate) fn run(effort: Effort) -> Vec<Row> {
    let ours = Ours::kept(SLOTS, 2, Limits::default());
    let raw = Raw::new(SLOTS);
    let rounds = effort.rounds(200_000);
    let (mut our_times, mut raw_times) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        our_times.extend(ours.time_calls(rounds / 10));
        raw_times.extend(time_raw(&raw, rounds / 10));
    }
    assert!(ours.host.warm_instances() <= 1, "one caller needs one instance");
    let ours_p50 = percentile(&mut our_times, 50);
    let raw_p50 = percentile(&mut raw_times, 50);
    let added =
        Row::time("warm call p50", ours_p50, Some(raw_p50), Bar::Added(Duration::from_micros(2)));
    let p99 = Row::time(
        "warm call p99",
        percentile(&mut our_times, 99),
        Some(percentile(&mut raw_times, 99)),
        Bar::None,
    );
    vec![added, p99]
}

fn time_raw(raw: &Raw, calls: usize) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut store = Store::new(raw.engine.wasmtime(), Wasi::default());
        store.set_fuel(FUEL).expect("the engine counts fuel");
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = raw.ready.instantiate_async(&mut store).await.expect("it starts");
        let nop = instance.get_func(&mut store, raw.nop).expect("it is a function");
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let began = Instant::now();
            let mut results = [Val::Bool(false)];
            nop.call_async(&mut store, &[Val::U32(7)], &mut results).await.expect("it answers");
            times.push(began.elapsed());
        }
        times
    })
}
