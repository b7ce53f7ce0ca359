//! Guests that burn time: instructions, host calls, bulk instructions, stack, sleep.

use std::time::Duration;

use ax_host::plugin::Call;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;
use crate::wat;

/// Fuel of a guest that is to run out of it: some 50 ms.
const FUEL: u64 = 50_000_000;
/// More fuel than anybody burns within a test.
const ENDLESS_FUEL: u64 = 1_000_000_000_000_000;
/// Wall clock of a guest that is to be killed.
const DEADLINE: Duration = Duration::from_millis(100);
/// How late a kill may be while all tests share two cores; the bench measures it alone.
const LATE: Duration = Duration::from_secs(3);

/// Calls a tool with little fuel and insists that the answer is `exhausted(fuel)`.
#[track_caller]
fn runs_dry(name: &str, tool: &str, input: serde_json::Value) {
    let arena = Arena::shared();
    let guest = arena.hostile().limited(|limits| limits.fuel = FUEL);
    let report = arena.call(&guest, tool, &input);
    assert_eq!(report.usage.fuel, FUEL, "all of it and no more");
    arena.still_serves();
    settle(name, "exhausted(fuel)", &of_call(&report));
}

/// Calls a tool with endless fuel and a short deadline and insists that it is killed in time.
#[track_caller]
fn runs_out_of_time(name: &str, guest: Guest, tool: &str, input: serde_json::Value) {
    let arena = Arena::shared();
    let guest = guest.limited(|limits| limits.fuel = ENDLESS_FUEL);
    let plugin = arena.load(&guest).expect("it loads");
    let call = Call { deadline: Some(DEADLINE), ..Call::new(tool, &input.to_string()) };
    let report = arena.run(&plugin, call);
    let took = Duration::from_micros(report.usage.duration_us);
    assert!(took >= DEADLINE && took < DEADLINE + LATE, "{took:?}");
    arena.still_serves();
    settle(name, "exhausted(time)", &of_call(&report));
}

#[test]
fn an_endless_loop_ends_with_its_fuel() {
    runs_dry("infinite-loop", "spin", json!({}));
}

#[test]
fn an_endless_loop_with_endless_fuel_ends_at_its_deadline() {
    runs_out_of_time("infinite-loop-rich", Arena::shared().hostile(), "spin", json!({}));
}

#[test]
fn a_loop_of_host_calls_pays_for_each() {
    let arena = Arena::shared();
    let calls = 1_000;
    let some = arena.call(&arena.hostile(), "ask-host", &json!({ "times": calls }));
    let least = calls * ax_host::plugin::limits::HOST_CALL_FUEL;
    assert!(some.usage.fuel >= least, "{} of {least}", some.usage.fuel);
    runs_dry("host-call-loop", "ask-host", json!({ "times": u64::MAX.to_string() }));
}

#[test]
fn bulk_instructions_pay_for_each_byte() {
    let arena = Arena::shared();
    let some = arena.call(&arena.hostile(), "fill", &json!({ "times": 20 }));
    assert!(some.usage.fuel >= 20 << 20, "{}", some.usage.fuel);
    runs_dry("bulk-memory-burn", "fill", json!({ "times": u64::MAX.to_string() }));
}

#[test]
fn deep_recursion_ends_with_the_stack() {
    let arena = Arena::shared();
    let report = arena.call(&arena.hostile(), "recurse", &json!({ "depth": 1_000_000_000 }));
    arena.still_serves();
    settle("deep-recursion", "exhausted(stack)", &of_call(&report));
}

#[test]
fn sleep_in_a_host_call_ends_at_the_deadline() {
    let input = json!({ "ms": 3_600_000 });
    runs_out_of_time("sleep", Arena::shared().hostile(), "sleep", input);
}

#[test]
fn waiting_for_a_timer_that_never_fires_ends_at_the_deadline() {
    let guest = Guest::new(wat::of_world("sleeper", "sleeper"));
    runs_out_of_time("sleep-forever-in-poll", guest, "run", json!({}));
}

#[test]
fn a_loop_in_a_start_function_ends_with_the_fuel() {
    let arena = Arena::shared();
    let guest = Guest::new(wat::whole("start-loop")).limited(|limits| limits.fuel = FUEL);
    let report = arena.call(&guest, "run", &json!({}));
    assert_eq!(report.usage.fuel, FUEL);
    arena.still_serves();
    settle("start-loop", "exhausted(fuel)", &of_call(&report));
}

#[test]
fn a_loop_in_a_start_function_with_endless_fuel_ends_at_the_deadline() {
    let guest = Guest::new(wat::whole("start-loop"));
    runs_out_of_time("start-loop-rich", guest, "run", json!({}));
}

#[test]
fn a_loop_while_input_is_handed_over_ends_with_the_fuel() {
    let arena = Arena::shared();
    let guest = Guest::new(wat::of_world("realloc-loop", "text"));
    let report = arena.call(&guest, "run", &json!({ "text": "x" }));
    arena.still_serves();
    settle("realloc-loop", "exhausted(fuel)", &of_call(&report));
}

#[test]
fn a_loop_after_the_answer_ends_with_the_fuel() {
    let arena = Arena::shared();
    let guest = Guest::new(wat::of_world("post-return-loop", "text"));
    let report = arena.call(&guest, "run", &json!({ "text": "x" }));
    arena.still_serves();
    settle("post-return-loop", "exhausted(fuel)", &of_call(&report));
}

#[test]
fn eight_runaways_per_core_are_all_killed() {
    const RUNAWAYS: usize = 16;
    let arena = Arena::shared();
    let guest = arena.hostile().limited(|limits| limits.fuel = ENDLESS_FUEL);
    let plugin = arena.load(&guest).expect("it loads");
    let reports: Vec<_> = std::thread::scope(|scope| {
        let call = || {
            let call = Call { deadline: Some(DEADLINE), ..Call::new("spin", "{}") };
            arena.run(&plugin, call)
        };
        let runaways: Vec<_> = (0..RUNAWAYS).map(|_| scope.spawn(call)).collect();
        runaways.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    for report in &reports {
        assert!(Duration::from_micros(report.usage.duration_us) < DEADLINE + LATE);
    }
    let mut words: Vec<_> = reports.iter().map(of_call).collect();
    words.dedup();
    arena.still_serves();
    settle("eight-runaways-per-core", "exhausted(time)", &words.join(" "));
}
