//! Calls with a key: made once, however often they are asked for and wherever they were ended.

use std::sync::Arc;
use std::time::Duration;

use ax_host::plugin::Call;
use ax_host::plugin::CallError;
use ax_host::plugin::Output;
use ax_host::plugin::Plugin;
use ax_host::plugin::Report;
use ax_host::workflow::EffectKey;
use ax_host::workflow::TaskId;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::growth::Plot;
use crate::verdict::of_call;
use crate::verdict::settle;

/// The key of an effect of a test's task.
pub(crate) fn key(number: u64) -> EffectKey {
    EffectKey::of(TaskId::new(0, [7; 10]), number)
}

fn keeper(name: &str) -> Arc<Plugin> {
    Arena::shared().load(&Arena::shared().hoarder(name).keeping()).expect("it loads")
}

fn report(plugin: &Arc<Plugin>, number: Option<u64>, tool: &str, input: &Value) -> Report {
    let call = Call { key: number.map(key), ..Call::new(tool, &input.to_string()) };
    Arena::shared().run(plugin, call)
}

/// The answer of a tool, or what it said when it failed.
#[track_caller]
fn said(report: &Report) -> Value {
    match &report.result {
        Ok(Output::Value(value)) => value.clone(),
        Err(CallError::Tool { message, .. }) => json!(message),
        other => panic!("{other:?}"),
    }
}

/// What is under a key: bytes and version.
#[track_caller]
fn kept(plugin: &Arc<Plugin>, key: &str) -> Value {
    said(&report(plugin, None, "get", &json!({ "key": key })))
}

#[test]
fn a_call_that_is_made_again_is_answered_and_not_run() {
    let plugin = keeper("test:once");
    let input = json!({ "key": "n", "text": "once" });
    let first = report(&plugin, Some(1), "write-text", &input);
    let version = said(&first);
    assert_eq!(kept(&plugin, "n"), json!([4, version]), "the version is the one that was told");
    let again = report(&plugin, Some(1), "write-text", &input);
    assert_eq!((said(&again), again.usage.fuel), (version.clone(), 0), "nothing ran");
    assert_eq!(kept(&plugin, "n"), json!([4, version]), "one write");
    let other = said(&report(&plugin, Some(2), "write-text", &input));
    assert!(other.as_u64() > version.as_u64(), "another key is another call");

    let changed = json!({ "key": "n", "text": "other" });
    let used = report(&plugin, Some(1), "write-text", &changed);
    let of_tool = report(&plugin, Some(1), "get", &json!({ "key": "n" }));
    assert_eq!(of_call(&of_tool), "key-used");
    assert_eq!(kept(&plugin, "n"), json!([4, other]));
    settle("key-with-other-input", "key-used", &of_call(&used));
}

#[test]
fn an_error_of_the_tool_is_answered_again_with_what_it_had_written() {
    let guest = Arena::shared().hoarder("test:once-failed").keeping();
    let guest = guest.limited(|limits| limits.kv_bytes = 10_000);
    let plugin = Arena::shared().load(&guest).expect("it loads");
    // The second thousand finds no room.
    let input = json!({ "prefix": "k", "first": 0, "count": 2_000, "bytes": 1 });
    let first = report(&plugin, Some(1), "write-many", &input);
    assert_eq!(said(&first), "exhausted kv-bytes");
    assert_eq!(kept(&plugin, "k999")[0], 1, "the first one has been written");
    assert_eq!(kept(&plugin, "k1000"), Value::Null);
    let again = report(&plugin, Some(1), "write-many", &input);
    assert_eq!((said(&again), again.usage.fuel), (json!("exhausted kv-bytes"), 0));
}

#[test]
fn what_a_call_wrote_that_was_ended_is_not_there() {
    let plugin = keeper("test:once-ended");
    let input = json!({ "key": "endless" });
    let call = Call {
        key: Some(key(1)),
        deadline: Some(Duration::from_millis(300)),
        ..Call::new("write-endlessly", &input.to_string())
    };
    let ended = Arena::shared().run(&plugin, call.clone());
    assert_eq!(kept(&plugin, "endless"), Value::Null);
    let direct = Arena::shared().run(&plugin, Call { key: None, ..call });
    assert_eq!(of_call(&direct), "exhausted(time)");
    assert_ne!(kept(&plugin, "endless"), Value::Null, "without a key every write counts");
    Arena::shared().still_serves();
    settle("kv-ended-under-key", "exhausted(time)", &of_call(&ended));
}

#[test]
fn two_tasks_at_once_lose_nothing() {
    let plugin = keeper("test:once-two");
    let count_up = |number: u64| {
        let input = json!({ "key": "n", "times": 20 });
        loop {
            let report = report(&plugin, Some(number), "count-up", &input);
            match &report.result {
                Ok(_) => return,
                Err(CallError::Conflict { key }) => assert_eq!(key, "n"),
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    std::thread::scope(|scope| {
        let count_up = &count_up;
        (0..4).for_each(|number| drop(scope.spawn(move || count_up(number))));
    });
    assert_eq!(kept(&plugin, "n")[0], 2, "a number of two digits");
    let next = said(&report(&plugin, None, "count-up", &json!({ "key": "n", "times": 20 })));
    assert_eq!((next, &kept(&plugin, "n")[0]), (json!(0), &json!(3)), "80 and 20 are 100");
}

#[test]
fn a_call_without_data_of_its_own_has_nothing_to_be_answered_from() {
    let arena = Arena::shared();
    let plugin = arena.load(&arena.hostile()).expect("it loads");
    for text in ["one", "two"] {
        let call =
            Call { key: Some(key(1)), ..Call::new("good", &json!({ "text": text }).to_string()) };
        assert_eq!(arena.run(&plugin, call).result.expect("an answer"), Output::Value(json!(text)));
    }
}

#[test]
fn a_tool_that_says_it_only_reads_writes_into_no_folder() {
    let plot = Plot::new();
    let plugin = plot.arena.load(&plot.guest).expect("it loads");
    let make = |reads_only, path: &str| {
        let input = json!({ "path": path, "bytes": 1 }).to_string();
        let call = Call { reads_only, key: Some(key(1)), ..Call::new("make", &input) };
        of_call(&plot.arena.run(&plugin, call))
    };
    let refused = make(true, "/workspace/a");
    assert!(!plot.folder.path().join("a").exists());
    assert_eq!(make(false, "/workspace/b"), "ok");
    assert!(plot.folder.path().join("b").exists());
    settle("write-while-reading", "tool(failed)", &refused);
}
