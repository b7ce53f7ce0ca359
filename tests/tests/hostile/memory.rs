//! Guests that take memory, tables and instances, and guests that look for what others left.

use ax_host::plugin::HostConfig;
use ax_host::plugin::Limit;
use ax_host::plugin::limits;
use ax_manifest::inspect;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::verdict::of_call;
use crate::verdict::of_load;
use crate::verdict::of_variant;
use crate::verdict::settle;
use crate::wat;

const MIB: u64 = 1 << 20;
const PAGE_BYTES: u64 = 64 << 10;

/// The value a call answered.
fn answer(report: &ax_host::plugin::Report) -> u64 {
    match report.result.as_ref().expect("an answer") {
        ax_host::plugin::Output::Value(value) => value.as_u64().expect("a number"),
        other @ ax_host::plugin::Output::Content { .. } => panic!("{other:?}"),
    }
}

#[test]
fn a_guest_that_allocates_without_end_runs_out_of_memory() {
    let arena = Arena::shared();
    let report = arena.call(&arena.hostile(), "hoard", &json!({}));
    let (peak, most) = (report.usage.memory_peak_bytes, limits::MEMORY_BYTES);
    assert!(peak <= most && peak > most / 2, "{peak}");
    arena.still_serves();
    settle("memory-bomb", "exhausted(memory)", &of_call(&report));
}

#[test]
fn a_guest_that_is_refused_memory_may_go_on_and_the_limit_is_noted() {
    let arena = Arena::shared();
    let report = arena.call(&arena.hostile(), "grow", &json!({ "pages": 16, "times": 10_000 }));
    assert!(answer(&report) * PAGE_BYTES <= limits::MEMORY_BYTES);
    assert!(report.usage.memory_peak_bytes <= limits::MEMORY_BYTES);
    assert_eq!(report.usage.limits_hit, [Limit::Memory]);
    arena.still_serves();
    settle("memory-bomb-polite", "ok", &of_call(&report));
}

#[test]
fn growth_that_cannot_succeed_gives_nothing_back() {
    for arena in [Arena::shared(), Arena::pooled()] {
        let input = json!({ "pages": 64, "times": 100 });
        let guest = arena.hostile().limited(|limits| limits.fuel = 10_000_000_000);
        let report = arena.call(&guest, "grow-around", &input);
        assert!(answer(&report) * PAGE_BYTES <= limits::MEMORY_BYTES);
        assert!(report.usage.memory_peak_bytes <= limits::MEMORY_BYTES);
        arena.still_serves();
    }
    settle("memory-bomb-around", "ok", "ok");
}

#[test]
fn all_memories_of_a_guest_count_together() {
    for arena in [Arena::shared(), Arena::pooled()] {
        let guest = Guest::new(wat::whole("memories")).limited(|limits| {
            limits.memory_bytes = 20 * MIB;
        });
        let report = arena.call(&guest, "run", &json!({}));
        assert!(answer(&report) * PAGE_BYTES <= 20 * MIB);
        assert!(report.usage.memory_peak_bytes <= 20 * MIB);
        assert_eq!(report.usage.limits_hit, [Limit::Memory]);
        arena.still_serves();
    }
    settle("memory-bomb-many-memories", "ok", "ok");
}

#[test]
fn memory_wanted_at_the_start_counts_too() {
    let arena = Arena::shared();
    let component = |pages: u64| {
        Guest::new(wat::assemble(&format!(
            "(component (core module $m (memory {pages}) (func (export \"run\")))
               (core instance $i (instantiate $m))
               (func (export \"run\") (canon lift (core func $i \"run\"))))"
        )))
    };
    let most = limits::MEMORY_BYTES / PAGE_BYTES;
    let fits = arena.call(&component(most), "run", &json!({}));
    assert_eq!(fits.usage.memory_peak_bytes, limits::MEMORY_BYTES);
    assert_eq!(of_call(&fits), "ok");
    let report = arena.call(&component(most + 1), "run", &json!({}));
    assert_eq!(report.usage.memory_peak_bytes, 0);
    arena.still_serves();
    settle("memory-bomb-at-start", "exhausted(memory)", &of_call(&report));
}

/// A component with `count` of something in one module.
fn many(item: &str, count: u32) -> Vec<u8> {
    let items = item.repeat(count as usize);
    wat::assemble(&format!(
        "(component (core module $m {items} (func (export \"run\")))
           (core instance $i (instantiate $m))
           (func (export \"run\") (canon lift (core func $i \"run\"))))"
    ))
}

#[test]
fn more_memories_than_allowed_are_refused_before_any_call() {
    let arena = Arena::shared();
    let most = Guest::new(many("(memory 1)", limits::MEMORIES));
    assert_eq!(of_call(&arena.call(&most, "run", &json!({}))), "ok");
    let more = Guest::new(many("(memory 1)", limits::MEMORIES + 1));
    settle("too-many-memories", "too-many(memories)", &of_load(&arena.load(&more)));
}

#[test]
fn more_tables_than_allowed_are_refused_before_any_call() {
    let arena = Arena::shared();
    let most = Guest::new(many("(table 1 funcref)", limits::TABLES));
    assert_eq!(of_call(&arena.call(&most, "run", &json!({}))), "ok");
    // A server must take whatever a single command takes.
    let pooled = Arena::pooled().load(&most);
    settle("tables-at-limit-pooled", "loaded", &of_load(&pooled));
    let more = Guest::new(many("(table 1 funcref)", limits::TABLES + 1));
    settle("too-many-tables", "too-many(tables)", &of_load(&arena.load(&more)));
}

#[test]
fn a_table_grows_to_its_limit_and_not_by_one_more() {
    for arena in [Arena::shared(), Arena::pooled()] {
        let guest = Guest::new(wat::whole("tables"));
        let grow = |elements: u32| arena.call(&guest, "run", &json!({ "elements": elements }));
        let most = grow(limits::TABLE_ELEMENTS);
        assert_eq!(most.result.expect("it may"), ax_host::plugin::Output::Value(json!(0)));
        assert!(most.usage.limits_hit.is_empty());
        // Each element costs fuel, so what is far beyond is not even asked for.
        for elements in [limits::TABLE_ELEMENTS + 1, 1_000_000] {
            let more = grow(elements);
            let refused = ax_host::plugin::Output::Value(json!(-1));
            assert_eq!(more.result.expect("it goes on"), refused);
            assert_eq!(more.usage.limits_hit, [Limit::Tables]);
        }
        arena.still_serves();
    }
    settle("table-bomb", "ok", "ok");
}

#[test]
fn a_table_too_large_at_the_start_is_a_limit() {
    let arena = Arena::shared();
    let component = many(&format!("(table {} funcref)", limits::TABLE_ELEMENTS + 1), 1);
    let report = arena.call(&Guest::new(component), "run", &json!({}));
    arena.still_serves();
    settle("table-bomb-at-start", "exhausted(tables)", &of_call(&report));
}

/// A component that makes `count` instances of one module.
fn core_instances(count: u32) -> Vec<u8> {
    let instances = "(core instance (instantiate $m))".repeat(count as usize - 1);
    wat::assemble(&format!(
        "(component (core module $m (func (export \"run\"))) {instances}
           (core instance $i (instantiate $m))
           (func (export \"run\") (canon lift (core func $i \"run\"))))"
    ))
}

#[test]
fn more_core_instances_than_allowed_are_a_limit() {
    let arena = Arena::shared();
    let most = Guest::new(core_instances(limits::CORE_INSTANCES));
    assert_eq!(of_call(&arena.call(&most, "run", &json!({}))), "ok");
    let more = core_instances(limits::CORE_INSTANCES + 1);
    let got = match inspect(&more) {
        Err(refused) => of_variant(&Err::<(), _>(refused)),
        Ok(_) => of_call(&arena.call(&Guest::new(more), "run", &json!({}))),
    };
    arena.still_serves();
    settle("too-many-core-instances", "TooMany", &got);
}

#[test]
fn memory_of_one_call_is_never_seen_by_the_next() {
    const ROUNDS: usize = 40;
    for arena in [Arena::shared(), Arena::pooled()] {
        let writer = arena.load(&arena.hostile()).expect("it loads");
        let look = Guest::new(wat::whole("look"));
        let reader = arena.load(&look).expect("it loads");
        for _ in 0..ROUNDS {
            let call = |tool: &str, input| ax_host::plugin::Call::new(tool, input);
            let marked = arena.run(&writer, call("mark", r#"{"mib": 20, "byte": 165}"#));
            assert_eq!(answer(&marked), 20 * MIB);
            assert_eq!(answer(&arena.run(&writer, call("look", r#"{"mib": 20}"#))), 0);
            assert_eq!(answer(&arena.run(&reader, call("run", "{}"))), 0);
        }
    }
    settle("state-bleed-memory", "ok", "ok");
}

#[test]
fn variables_of_one_call_are_never_seen_by_the_next() {
    for arena in [Arena::shared(), Arena::pooled()] {
        let plugin = arena.load(&arena.hostile()).expect("it loads");
        for _ in 0..3 {
            let call = ax_host::plugin::Call::new("count", "{}");
            assert_eq!(answer(&arena.run(&plugin, call)), 1);
        }
    }
    settle("state-bleed-statics", "ok", "ok");
}

#[test]
fn all_guests_together_stay_within_the_hosts_memory() {
    let arena = Arena::with(HostConfig { memory_bytes_max: 24 * MIB, ..config() });
    let report = arena.call(&arena.hostile(), "hoard", &json!({}));
    assert!(report.usage.memory_peak_bytes <= 24 * MIB);
    assert_eq!((arena.host.meter().memory_bytes(), arena.host.meter().instances()), (0, 0));
    assert!(report.result.as_ref().is_err_and(ax_host::plugin::CallError::is_transient));
    arena.still_serves();
    settle("host-wide-memory", "exhausted(host-memory)", &of_call(&report));
}

#[test]
fn a_host_with_all_instances_alive_refuses_one_more() {
    let arena = Arena::with(HostConfig { instances_max: 0, ..config() });
    let report = arena.call(&arena.hostile(), "good", &json!({ "text": "x" }));
    assert!(report.result.as_ref().is_err_and(ax_host::plugin::CallError::is_transient));
    let one = Arena::with(HostConfig { instances_max: 1, ..config() });
    one.still_serves();
    one.still_serves();
    settle("host-wide-instances", "exhausted(host-instances)", &of_call(&report));
}
