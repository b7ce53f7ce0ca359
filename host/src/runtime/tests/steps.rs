//! Steps of a spec, from their order to the end of the task.

use super::*;

#[tokio::test(start_paused = true)]
async fn each_effect_has_its_intent_before_and_its_end_after() {
    let world = World::new();
    let ended = world.begin(CHAIN).await;
    assert_eq!(output(&ended), json!({ "b": { "from": 3 } }));
    assert_eq!(
        world.kinds(),
        [
            "started",
            "planned",
            "executing",
            "intended",
            "returned",
            "intended",
            "returned",
            "completed"
        ]
    );
    assert_eq!(world.stage.crossed(), [r#"ax:t.a {"n":3}"#, r#"ax:t.b {"from":3}"#]);
    let row = world.journal.row(task()).unwrap().unwrap();
    assert_eq!((row.status.state, row.status.done, row.owner), (State::Completed, 2, None));
}

const MANY: &str = r#"
name = "many"
max-parallel = 3
[[step]]
id = "each"
tool = "ax:t.a"
for-each = "{{ input.list }}"
with = { of = "{{ item }}" }
"#;

#[tokio::test(start_paused = true)]
async fn no_more_are_at_work_than_may_be_and_outputs_stand_in_their_order() {
    let world = World::new();
    for after_ms in [90, 10, 50, 30, 70, 20, 40] {
        let act = |value: Value| Act { after_ms, outcome: Ok(value), changed_outside: false };
        world.stage.act("ax:t.a", act(json!(after_ms)));
    }
    let input = Text::new(r#"{"list":[0,1,2,3,4,5,6]}"#);
    let begun = Started { input, ..started(MANY, Budget::default()) };
    let ended = world.begin_with(begun).await;
    assert_eq!(output(&ended), json!({ "each": [90, 10, 50, 30, 70, 20, 40] }));
    assert_eq!(world.stage.at_work.lock().unwrap().1, 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_do_something_for_is_an_empty_list() {
    let world = World::new();
    let input = Text::new(r#"{"list":[]}"#);
    let ended = world.begin_with(Started { input, ..started(MANY, Budget::default()) }).await;
    assert_eq!(output(&ended), json!({ "each": [] }));
    assert!(world.stage.crossed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_before_it_begins_is_on_record_and_crosses_nothing() {
    let world = World::new();
    let spec = "name = \"x\"\n[[step]]\nid = \"a\"\ntool = \"ax:no.tool\"\nwith = {}\n";
    let ended = world.begin(spec).await;
    assert_eq!(failure(&ended), "step `a`: there is no tool `ax:no.tool`");
    assert!(world.stage.crossed().is_empty());
    assert!(world.kinds().contains(&"intended"));
}

const WAITING: &str = r#"
name = "waiting"
[[step]]
id = "pause"
wait = "10 m"
[[step]]
id = "a"
tool = "ax:t.a"
needs = ["pause"]
with = { n = 1 }
retry = { max = 2, backoff = "1 m" }
"#;

#[tokio::test(start_paused = true)]
async fn waits_and_pauses_before_another_try_take_their_time() {
    let world = World::new();
    let broken = Failure::new(FailureKind::Unavailable, "busy");
    for _ in 0..2 {
        let outcome = Err(broken.clone());
        world.stage.act("ax:t.a", Act { after_ms: 5, outcome, changed_outside: false });
    }
    let budget = Budget { ms: None, ..Budget::default() };
    let ended = world.begin_with(started(WAITING, budget)).await;
    assert_eq!(output(&ended), json!({ "a": { "n": 1 } }));
    let took_ms = world.runtime.clock.now_ms() - BEGAN_MS;
    // Ten minutes, half a minute to one, and one to two.
    assert!((690_000..=781_000).contains(&took_ms), "{took_ms}");
    assert_eq!(world.stage.crossed().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_workflow_within_another_is_a_task_of_its_own() {
    let outer = r#"
name = "outer"
[[step]]
id = "inner"
workflow = "inner.toml"
with = { n = "{{ input.n }}" }
[[step]]
id = "after"
tool = "ax:t.b"
with = { got = "{{ steps.inner }}" }
"#;
    let world = World::new();
    let mut begun = started(outer, Budget::default());
    let Work::Workflow { nested, .. } = &mut begun.work else { panic!() };
    nested.insert("inner.toml".to_owned(), Text::new(Value::from(CHAIN).to_string()));
    let ended = world.begin_with(begun).await;
    assert_eq!(output(&ended), json!({ "after": { "got": { "b": { "from": 3 } } } }));
    let filter = crate::journal::Filter { parent: Some(task()), ..Default::default() };
    let children = world.journal.list(&filter).unwrap();
    assert_eq!(children.len(), 1);
    let parent = children[0].about.parent.unwrap();
    assert_eq!((parent.task, parent.depth), (task(), 1));
    // What the child used is its parent's.
    let row = world.journal.row(task()).unwrap().unwrap();
    assert_eq!(row.status.spent.calls, 3);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_its_own_that_takes_too_long_is_cancelled_and_over() {
    let outer = r#"
name = "outer"
[[step]]
id = "inner"
workflow = "inner.toml"
with = { n = 1 }
timeout = "2 s"
"#;
    let world = World::new();
    let outcome = Ok(json!({ "n": 3 }));
    world.stage.act("ax:t.a", Act { after_ms: 600_000, outcome, changed_outside: false });
    let mut begun = started(outer, Budget::default());
    let Work::Workflow { nested, .. } = &mut begun.work else { panic!() };
    nested.insert("inner.toml".to_owned(), Text::new(Value::from(CHAIN).to_string()));
    let ended = world.begin_with(begun).await;
    assert!(failure(&ended).contains("took longer than its step may"), "{}", failure(&ended));
    let filter = crate::journal::Filter { parent: Some(task()), ..Default::default() };
    let child = world.journal.list(&filter).unwrap().pop().unwrap();
    assert!(child.status.state.is_terminal());
    assert_eq!(child.owner, None);
}
