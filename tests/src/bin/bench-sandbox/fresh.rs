//! Fresh calls: a new instance each, one thread and two.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use ax_host::plugin::{Call, Limits};
use wasmtime::Store;
use wasmtime::component::Val;

use crate::Effort;
use crate::sandbox::{Ours, Raw, Wasi};
use ax_tests::row::{Bar, Row, percentile};

const SLOTS: u32 = 1_000;
/// Fuel that no call here uses up.
const FUEL: u64 = 10_000_000_000;

pub(crate) fn run(effort: Effort) -> Vec<Row> {
    let ours = Ours::new(SLOTS, 2, Limits::default());
    let raw = Raw::new(SLOTS);
    let rounds = effort.rounds(100_000);
    // Alternating blocks, so that both sides see the same machine.
    let (mut our_times, mut raw_times) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        our_times.extend(ours.time_calls(rounds / 10));
        raw_times.extend(time_raw(&raw, rounds / 10));
    }
    let p50 = |times: &mut [Duration]| percentile(times, 50);
    let added = Row::time(
        "fresh call p50",
        p50(&mut our_times),
        Some(p50(&mut raw_times)),
        Bar::Added(Duration::from_micros(10)),
    );
    let p99 = Row::time(
        "fresh call p99",
        percentile(&mut our_times, 99),
        Some(percentile(&mut raw_times, 99)),
        Bar::None,
    );
    let calls = effort.rounds(200_000);
    let rate = |one: &(dyn Fn(usize) + Sync)| {
        let start = Barrier::new(3);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    start.wait();
                    one(calls);
                });
            }
            start.wait();
            Instant::now()
        })
        .elapsed()
    };
    let our_rate = per_second(2 * calls, rate(&|calls| drop(ours.time_calls(calls))));
    let raw_rate = per_second(2 * calls, rate(&|calls| drop(time_raw(&raw, calls))));
    let throughput = Row {
        name: "fresh calls a second, 2 threads".to_owned(),
        ours: our_rate,
        raw: Some(raw_rate),
        unit: "/s",
        bar: Bar::Rate { per_second: 80_000.0, share: 0.35 },
        also: true,
    };
    let hop =
        Row::time("fresh call p50 from another runtime", hop(&ours, rounds / 10), None, Bar::None);
    vec![added, p99, throughput, hop]
}

fn per_second(calls: usize, took: Duration) -> f64 {
    calls as f64 / took.as_secs_f64()
}

/// Calls on the runtime of a server, from which the call hops to the guest threads and back.
fn hop(ours: &Ours, calls: usize) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut times = runtime.block_on(async {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let began = Instant::now();
            let report = ours.host.call(&ours.plugin, Call::new("nop", "{\"x\":7}")).await;
            times.push(began.elapsed());
            assert!(report.result.is_ok(), "{:?}", report.result);
        }
        times
    });
    percentile(&mut times, 50)
}

fn time_raw(raw: &Raw, calls: usize) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let began = Instant::now();
            let mut store = Store::new(raw.engine.wasmtime(), Wasi::default());
            store.set_fuel(FUEL).expect("the engine counts fuel");
            store.set_epoch_deadline(u64::MAX / 2);
            let instance = raw.ready.instantiate_async(&mut store).await.expect("it starts");
            let nop = instance.get_func(&mut store, raw.nop).expect("it is a function");
            let mut results = [Val::Bool(false)];
            nop.call_async(&mut store, &[Val::U32(7)], &mut results).await.expect("it answers");
            drop(store);
            times.push(began.elapsed());
        }
        times
    })
}
