//! Warm instances: whose calls meet which instance, when it goes, and what is left of a call.

use std::sync::Arc;
use std::time::Duration;

use ax_host::clock::SimClock;
use ax_host::plugin::Call;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Limit;
use ax_host::plugin::Output;
use ax_host::plugin::Plugin;
use ax_host::plugin::Progress;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use ax_manifest::Source;
use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::arena::permission;
use crate::verdict::of_call;
use crate::verdict::settle;

const MIB: u64 = 1 << 20;

/// A host of a test's own, so that its instances can be counted.
fn arena() -> Arena {
    Arena::with(config())
}

fn guest(arena: &Arena) -> Guest {
    arena.hoarder("test:lingerer").warm()
}

fn load(arena: &Arena) -> Arc<Plugin> {
    arena.load(&guest(arena)).expect("it loads")
}

fn call(tool: &str, input: &Value) -> Call {
    Call::new(tool, &input.to_string())
}

fn count() -> Call {
    Call::new("count", "{}")
}

#[track_caller]
fn value(report: Report) -> Value {
    match report.result.expect("an answer") {
        Output::Value(value) => value,
        other @ Output::Content { .. } => panic!("{other:?}"),
    }
}

#[test]
fn an_instance_serves_so_many_calls_and_not_one_more() {
    let arena = arena();
    let plugin = load(&arena);
    for expected in 1..=limits::WARM_CALLS {
        assert_eq!(value(arena.run(&plugin, count())), expected);
    }
    assert_eq!((arena.host.warm_instances(), arena.host.meter().instances()), (0, 0));
    settle("warm-calls", "1", &value(arena.run(&plugin, count())).to_string());
}

/// Makes one good call, one that ends badly, and insists that the instance is gone.
#[track_caller]
fn is_given_up(name: &str, change: impl FnOnce(Guest) -> Guest, bad: Call, expected: &str) {
    let arena = arena();
    let plugin = arena.load(&change(guest(&arena))).expect("it loads");
    assert_eq!(value(arena.run(&plugin, count())), 1);
    assert_eq!(arena.host.warm_instances(), 1);
    let report = arena.run(&plugin, bad);
    assert_eq!(arena.host.warm_instances(), 0, "{name}");
    assert_eq!((arena.host.meter().instances(), arena.host.meter().memory_bytes()), (0, 0));
    assert_eq!(value(arena.run(&plugin, count())), 1, "{name}: a new one");
    settle(name, expected, &of_call(&report));
}

#[test]
fn an_instance_that_ended_badly_never_serves_again() {
    let bad = |tool: &str| Call::new(tool, "{}");
    is_given_up("warm-after-trap", |g| g, bad("trap"), "trapped");
    is_given_up("warm-after-exit", |g| g, call("leave", &json!({ "code": 0 })), "exited(0)");
    let short = |guest: Guest| guest.limited(|limits| limits.fuel = 20_000_000);
    is_given_up("warm-after-fuel", short, bad("spin"), "exhausted(fuel)");
    let small = |guest: Guest| guest.limited(|limits| limits.memory_bytes = 8 * MIB);
    let greedy = call("take-memory", &json!({ "mib": 9 }));
    is_given_up("warm-after-memory", small, greedy, "exhausted(memory)");
    let late = Call {
        deadline: Some(Duration::from_millis(30)),
        ..call("sleep", &json!({ "ms": 60_000 }))
    };
    is_given_up("warm-after-time", |g| g, late, "exhausted(time)");
}

#[test]
fn an_instance_whose_call_nobody_waits_for_never_serves_again() {
    let arena = arena();
    let plugin = load(&arena);
    assert_eq!(value(arena.run(&plugin, count())), 1);
    arena.host.block_on(async {
        let sleeping = arena.host.call(&plugin, call("sleep", &json!({ "ms": 60_000 })));
        let waited = tokio::time::timeout(Duration::from_millis(50), sleeping).await;
        assert!(waited.is_err(), "nobody waits any more");
        while arena.host.meter().instances() > 0 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(arena.host.warm_instances(), 0);
    settle("warm-after-abandoned", "1", &value(arena.run(&plugin, count())).to_string());
}

#[test]
fn an_instance_that_answered_with_an_error_goes_on() {
    let arena = arena();
    let plugin = load(&arena);
    assert_eq!(of_call(&arena.run(&plugin, Call::new("fail", "{}"))), "tool(failed)");
    assert_eq!(value(arena.run(&plugin, count())), 1);
    settle("warm-after-error", "2", &value(arena.run(&plugin, count())).to_string());
}

#[test]
fn a_plugin_that_does_not_ask_is_fresh_each_time() {
    let arena = arena();
    let plugin = arena.load(&arena.hoarder("test:fresh")).expect("it loads");
    assert_eq!(value(arena.run(&plugin, count())), 1);
    assert_eq!(arena.host.warm_instances(), 0);
    settle("not-warm", "1", &value(arena.run(&plugin, count())).to_string());
}

#[test]
fn what_one_call_leaves_is_met_in_its_own_lane_alone() {
    let arena = arena();
    let here = load(&arena);
    let from = |who: &str, task: Option<&str>, call: Call| Call {
        who: Arc::from(who),
        task: task.map(Arc::from),
        ..call
    };
    let secret = || call("remember", &json!({ "text": "between us" }));
    let recall = || Call::new("recall", "{}");
    arena.run(&here, from("person", Some("t1"), secret())).result.expect("it remembers");
    let changed = |change: fn(&mut Guest)| {
        let mut other = guest(&arena);
        change(&mut other);
        arena.load(&other).expect("it loads")
    };
    let elsewhere = [
        changed(|guest| guest.release.identity.name = "test:other".parse().expect("a name")),
        changed(|guest| guest.release.identity.source = Source::Folder("/other".into())),
        changed(|guest| guest.release.state = 7),
    ];
    for other in &elsewhere {
        let found = value(arena.run(other, from("person", Some("t1"), recall())));
        assert_eq!(found, Value::Null);
    }
    for (who, task) in [
        ("mcp:1", Some("t1")),
        ("person", None),
        ("person", Some("t2")),
        ("persont1", None),
        ("", Some("t1")),
    ] {
        assert_eq!(
            value(arena.run(&here, from(who, task, recall()))),
            Value::Null,
            "{who} {task:?}"
        );
    }
    let own = value(arena.run(&here, from("person", Some("t1"), recall())));
    assert_eq!(own, "between us");
    arena.host.end_task("t1");
    assert_eq!(value(arena.run(&here, from("person", Some("t1"), recall()))), Value::Null);
    settle("warm-lanes", "ok", "ok");
}

/// Its grants, settings or limits may be others: an instance is of the load that made it.
#[test]
fn a_plugin_that_is_loaded_anew_starts_anew() {
    let arena = arena();
    let before = load(&arena);
    assert_eq!(value(arena.run(&before, count())), 1);
    let after = load(&arena);
    let got = value(arena.run(&after, count()));
    assert_eq!(value(arena.run(&before, count())), 2);
    assert_eq!(value(arena.run(&after, count())), 2);
    settle("warm-loaded-anew", "1", &got.to_string());
}

#[test]
fn nothing_of_a_calls_account_is_left_for_the_next() {
    let arena = arena();
    let plugin = load(&arena);
    let first = arena.run(&plugin, call("log-lines", &json!({ "lines": limits::LOG_LINES + 5 })));
    assert_eq!((first.log.len(), first.usage.log_lines_dropped), (1_000, 5));
    assert_eq!(first.usage.limits_hit, [Limit::Log]);
    let second = arena.run(&plugin, call("log-lines", &json!({ "lines": limits::LOG_LINES })));
    assert_eq!((second.log.len(), second.usage.log_lines_dropped), (1_000, 0));
    assert!(second.usage.limits_hit.is_empty());
    let bytes = (first.usage.host_call_bytes, second.usage.host_call_bytes);
    assert!(bytes.1 > 0 && bytes.1 < bytes.0, "{bytes:?}");
    let denied = arena.run(&plugin, Call::new("connect", "{}"));
    assert_eq!(denied.denials.len(), 1);
    let after = arena.run(&plugin, count());
    assert_eq!((after.denials.len(), after.log.len(), after.usage.host_call_bytes), (0, 0, 0));
    assert_eq!(arena.host.warm_instances(), 1, "it was one instance");
    settle("warm-accounts", "ok", "ok");
}

#[test]
fn a_line_without_an_end_belongs_to_its_call() {
    let arena = arena();
    let plugin = load(&arena);
    let print = |text: &str| arena.run(&plugin, call("print", &json!({ "text": text })));
    let lines = |report: Report| -> Vec<String> {
        report.log.into_iter().map(|line| line.message).collect()
    };
    assert_eq!(lines(print("one")), ["one"]);
    assert!(lines(arena.run(&plugin, count())).is_empty());
    settle("warm-log", "two", &lines(print("two")).join(" "));
}

#[test]
fn each_call_has_fuel_and_time_of_its_own() {
    let arena = arena();
    let guest = guest(&arena).limited(|limits| limits.fuel = 10_000_000);
    let plugin = arena.load(&guest).expect("it loads");
    let work = |turns: u64| arena.run(&plugin, call("work", &json!({ "turns": turns })));
    let mut fuels = Vec::new();
    for _ in 0..5 {
        let report = work(500_000);
        assert_eq!(of_call(&report), "ok");
        fuels.push(report.usage.fuel);
    }
    let (least, most) = (fuels.iter().min(), fuels.iter().max());
    assert!(most.zip(least).is_some_and(|(most, least)| most - least < 100_000), "{fuels:?}");
    settle("warm-fuel", "exhausted(fuel)", &of_call(&work(10_000_000)));
}

#[test]
fn progress_and_cancellation_end_with_their_call() {
    let arena = arena();
    let plugin = load(&arena);
    let (sender, mut progress) = watch::channel(Progress::default());
    let (ask, cancel) = watch::channel(false);
    let tell = |done: u64| call("tell-progress", &json!({ "done": done }));
    let first = Call { progress: Some(sender), cancel: Some(cancel.clone()), ..tell(1) };
    arena.run(&plugin, first).result.expect("it tells");
    assert_eq!(progress.borrow_and_update().done, 1);
    arena.run(&plugin, tell(2)).result.expect("it tells");
    assert_eq!(progress.borrow().done, 1);
    assert!(progress.has_changed().is_err(), "nobody holds the sender any more");
    ask.send(true).expect("somebody listens");
    let cancelled = |call: Call| value(arena.run(&plugin, call));
    let question = || Call::new("is-cancelled", "{}");
    assert_eq!(cancelled(Call { cancel: Some(cancel), ..question() }), true);
    assert_eq!(arena.host.warm_instances(), 1, "it was one instance");
    settle("warm-cancel", "false", &cancelled(question()).to_string());
}

#[test]
fn who_knew_a_secret_serves_no_call_in_which_it_is_not_looked_for() {
    const SECRET: &str = "secret:token@https://api.example.org";
    let arena = arena();
    let plugin = arena.load(&guest(&arena).declaring(&[SECRET])).expect("it loads");
    let calls = |call: Call| value(arena.run(&plugin, call));
    assert_eq!((calls(count()), calls(count())), (1.into(), 2.into()));
    let once = || Call { once: vec![permission(SECRET)], ..count() };
    assert_eq!((calls(once()), calls(once())), (1.into(), 2.into()));
    settle("warm-after-secret", "3", &calls(count()).to_string());
}

#[test]
fn an_instance_is_kept_for_so_long_and_not_a_moment_more() {
    let clock = Arc::new(SimClock::at_ms(1_700_000_000_000));
    let arena = Arena::with_clock(config(), clock.clone());
    let plugin = load(&arena);
    let count = || value(arena.run(&plugin, count()));
    assert_eq!(count(), 1);
    clock.advance(limits::WARM_IDLE - Duration::from_nanos(1));
    assert_eq!(count(), 2);
    clock.advance(limits::WARM_IDLE);
    assert_eq!(count(), 1);
    // Whoever calls next sweeps out what nobody else comes back for.
    let other = arena.load(&arena.hoarder("test:sweeper").warm()).expect("it loads");
    clock.advance(limits::WARM_IDLE);
    arena.run(&other, Call::new("count", "{}")).result.expect("an answer");
    settle("warm-idle", "1", &arena.host.warm_instances().to_string());
}

#[test]
fn what_an_idle_instance_holds_is_charged_to_the_host() {
    let arena = arena();
    let plugin = load(&arena);
    let taken = call("take-memory", &json!({ "mib": 8 }));
    arena.run(&plugin, Call { task: Some(Arc::from("t")), ..taken }).result.expect("it takes");
    let meter = arena.host.meter();
    assert_eq!((meter.instances(), arena.host.warm_instances()), (1, 1));
    assert!(meter.memory_bytes() >= 8 * MIB, "{}", meter.memory_bytes());
    let peak = arena.run(&plugin, Call { task: Some(Arc::from("t")), ..count() });
    assert!(peak.usage.memory_peak_bytes >= 8 * MIB, "what was there counts for this call too");
    arena.host.end_task("t");
    assert_eq!((meter.instances(), meter.memory_bytes()), (0, 0));
    settle("warm-memory", "ok", "ok");
}

#[test]
fn memory_does_not_add_up_beyond_the_limit_over_calls() {
    let arena = arena();
    let guest = guest(&arena).limited(|limits| limits.memory_bytes = 20 * MIB);
    let plugin = arena.load(&guest).expect("it loads");
    let take = || arena.run(&plugin, call("take-memory", &json!({ "mib": 4 })));
    let mut words = Vec::new();
    while words.len() < 6 && words.last().is_none_or(|word| word == "ok") {
        let report = take();
        assert!(report.usage.memory_peak_bytes <= 20 * MIB);
        words.push(of_call(&report));
    }
    assert_eq!(arena.host.warm_instances(), 0);
    settle("warm-memory-adds-up", "exhausted(memory)", words.last().map_or("", String::as_str));
}

#[test]
fn idle_instances_make_room_and_the_one_idle_longest_goes_first() {
    let arena = Arena::with(HostConfig { instances_max: 3, ..config() });
    let plugin = load(&arena);
    let count = |task: &str| {
        let call = Call { task: Some(Arc::from(task)), ..count() };
        value(arena.run(&plugin, call))
    };
    for task in ["a", "b", "c"] {
        assert_eq!(count(task), 1);
    }
    assert_eq!(count("a"), 2);
    arena.still_serves();
    assert_eq!((arena.host.warm_instances(), arena.host.meter().instances()), (2, 2));
    assert_eq!((count("a"), count("c")), (json!(3), json!(2)));
    settle("warm-make-room", "1", &count("b").to_string());
}
