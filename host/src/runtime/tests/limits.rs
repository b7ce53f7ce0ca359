//! Budgets and times: what happens at the limit, and what a crash gives back, which is nothing.

use super::*;
use crate::journal::Request;
use crate::workflow::Why;

fn calls(calls: u64) -> Budget {
    Budget { calls: Some(calls), ..Budget::default() }
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_a_task_asks_and_goes_on_with_more() {
    let world = World::new();
    let ended = world.begin_with(started(CHAIN, calls(1))).await;
    assert!(matches!(ended.state, State::Paused { why: Why::Budget, .. }), "{ended:?}");
    assert_eq!(world.stage.crossed().len(), 1);
    // Without more it comes no further.
    let ended = world.take_on().await;
    assert!(matches!(ended.state, State::Paused { why: Why::Budget, .. }));
    world.send(Request::Raise { budget: calls(2), deadline_ms: None });
    assert_eq!(output(&world.take_on().await), json!({ "b": { "from": 3 } }));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_told_to_fails_at_its_limit() {
    let world = World::new();
    let begun = Started { fails_at_limit: true, ..started(CHAIN, calls(1)) };
    let ended = world.begin_with(begun).await;
    assert_eq!(failure(&ended), "the task has used up its tool calls");
    assert_eq!(world.stage.crossed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_crash_gives_nothing_back() {
    let world = World::new();
    let outcome = Ok(json!({ "n": 3 }));
    world.stage.act("ax:t.a", Act { after_ms: 60_000, outcome, changed_outside: false });
    for killed in 1..=3 {
        let (_keep, stop) = watch::channel(false);
        let act = Act { after_ms: 60_000, outcome: Ok(json!({ "n": 3 })), changed_outside: false };
        world.stage.act("ax:t.a", act);
        let carried = async {
            match killed {
                1 => {
                    let begun = started(CHAIN, calls(4));
                    world.runtime.begin(begun, "t", Patience::Never, stop).await
                }
                _ => world.runtime.take_on(task(), Patience::Never, stop).await,
            }
        };
        tokio::time::timeout(Duration::from_millis(100), carried).await.unwrap_err();
        tokio::time::advance(Duration::from_millis(LEASE_MS + 1)).await;
        let account = *world.runtime.folded(task()).unwrap().account();
        assert_eq!((account.spent.calls, account.reserved.calls), (killed - 1, 1));
    }
    // Three attempts that were lost, and this one; there is none left for the second step.
    world.stage.acts.lock().unwrap().clear();
    let ended = world.take_on().await;
    assert!(matches!(ended.state, State::Paused { why: Why::Budget, .. }), "{ended:?}");
    let row = world.journal.row(task()).unwrap().unwrap();
    assert_eq!(row.status.spent.calls, 4);
}

#[tokio::test(start_paused = true)]
async fn time_that_is_up_ends_a_task_in_the_middle_of_an_effect() {
    let slow = |world: &World| {
        let outcome = Ok(json!({ "n": 3 }));
        world.stage.act("ax:t.a", Act { after_ms: 600_000, outcome, changed_outside: false });
    };
    let world = World::new();
    slow(&world);
    let deadline_ms = Some(BEGAN_MS + 5_000);
    let begun = Started { deadline_ms, ..started(CHAIN, Budget::default()) };
    let ended = world.begin_with(begun).await;
    assert_eq!(failure(&ended), "the deadline of the task has passed");
    assert!(world.runtime.clock.now_ms() < BEGAN_MS + 6_000);
    // Tried again, what was stopped is performed again under the name it had.
    world.send(Request::Retry { anew: false });
    assert_eq!(output(&world.take_on().await), json!({ "b": { "from": 3 } }));
    let keys: Vec<EffectKey> =
        world.stage.crossed.lock().unwrap().iter().map(|it| it.key).collect();
    assert_eq!((keys.len(), keys[0] == keys[1]), (3, true));

    let world = World::new();
    slow(&world);
    let budget = Budget { ms: Some(5_000), ..Budget::default() };
    let ended = world.begin_with(started(CHAIN, budget)).await;
    assert!(matches!(ended.state, State::Paused { why: Why::Budget, .. }), "{ended:?}");
    // What was begun came to its end first.
    assert!(world.kinds().ends_with(&["paused", "returned"]), "{:?}", world.kinds());
}

#[tokio::test(start_paused = true)]
async fn a_child_has_a_part_of_what_is_left_and_no_more() {
    let outer = r#"
name = "outer"
[[step]]
id = "inner"
workflow = "inner.toml"
with = { n = 1 }
"#;
    let world = World::new();
    let mut begun = started(outer, calls(1));
    let Work::Workflow { nested, .. } = &mut begun.work else { panic!() };
    nested.insert("inner.toml".to_owned(), Text::new(Value::from(CHAIN).to_string()));
    let ended = world.begin_with(begun).await;
    assert!(failure(&ended).contains("used up its tool calls"), "{}", failure(&ended));
    assert_eq!(world.stage.crossed().len(), 1);
}
