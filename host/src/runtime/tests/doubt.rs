//! Effects of which nobody knows whether they happened.

use super::*;
use crate::journal::Request;
use crate::workflow::{Verdict, Why};

const POST: &str = r#"
name = "post"
[[step]]
id = "post"
tool = "ax:t.post"
with = { n = 1 }
"#;

const READABLE: &str = r#"
name = "readable"
[[step]]
id = "post"
tool = "ax:t.post"
with = { n = 1 }
happened = { tool = "ax:t.look", with = { n = 1 } }
"#;

const UNDONE: &str = r#"
name = "undone"
[[step]]
id = "post"
tool = "ax:t.post"
with = { n = 1 }
undo = { tool = "ax:t.undo", with = { n = 1 } }
"#;

const CLASSES: [(&str, EffectClass); 2] =
    [("ax:t.post", EffectClass::Unsafe), ("ax:t.undo", EffectClass::Keyed)];

fn unknown() -> Act {
    let outcome = Err(Failure::new(FailureKind::InDoubt, "cut off"));
    Act { after_ms: 1, outcome, changed_outside: true }
}

/// A world in which the process was killed while it posted.
async fn killed(spec: &str) -> World {
    let world = World::with(&CLASSES);
    let outcome = Ok(json!("late"));
    world.stage.act("ax:t.post", Act { after_ms: 60_000, outcome, changed_outside: true });
    let (_keep, stop) = watch::channel(false);
    let begun = world.runtime.begin(started(spec, Budget::default()), "t", Patience::Never, stop);
    tokio::time::timeout(Duration::from_millis(100), begun).await.unwrap_err();
    tokio::time::advance(Duration::from_millis(LEASE_MS + 1)).await;
    world
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_repeated_is_never_repeated_unasked() {
    let world = killed(POST).await;
    let ended = world.take_on().await;
    let in_doubt = matches!(ended.state, State::Paused { why: Why::InDoubt, .. });
    assert!(in_doubt, "{:?}", ended.state);
    assert_eq!(world.stage.crossed().len(), 1);
    // Nor when it is resumed without a word.
    let ended = world.take_on().await;
    assert!(matches!(ended.state, State::Paused { why: Why::InDoubt, .. }));
    assert_eq!(world.stage.crossed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_persons_word_settles_it() {
    let settled = async |verdict: Verdict| {
        let world = killed(POST).await;
        world.take_on().await;
        let intent = 4;
        world.send(Request::Settle { intent, verdict });
        let ended = world.take_on().await;
        (ended, world.stage.crossed().len())
    };
    let answer = Text::new(r#"{"content":[],"structured":"mine"}"#);
    let (ended, crossed) = settled(Verdict::Happened(answer)).await;
    assert_eq!((output(&ended), crossed), (json!({ "post": "mine" }), 1));
    let (ended, crossed) = settled(Verdict::Again).await;
    assert_eq!((output(&ended), crossed), (json!({ "post": { "n": 1 } }), 2));
    let (ended, crossed) = settled(Verdict::Failed).await;
    assert_eq!(crossed, 1);
    assert_eq!(failure(&ended), "step `post`: a person said that it counts as failed");
}

#[tokio::test(start_paused = true)]
async fn one_that_can_be_looked_for_is_looked_for_first() {
    let look = |world: &World, answer: Value| {
        let act = Act { after_ms: 1, outcome: Ok(answer), changed_outside: false };
        world.stage.act("ax:t.look", act);
    };
    let world = killed(READABLE).await;
    look(&world, json!({ "happened": true, "output": "found" }));
    assert_eq!(output(&world.take_on().await), json!({ "post": "found" }));
    assert_eq!(world.stage.crossed(), [r#"ax:t.post {"n":1}"#, r#"ax:t.look {"n":1}"#]);

    let world = killed(READABLE).await;
    look(&world, json!({ "happened": false }));
    assert_eq!(output(&world.take_on().await), json!({ "post": { "n": 1 } }));
    let key = |at: usize| world.stage.crossed.lock().unwrap()[at].key;
    assert_eq!(key(0), key(2));

    let world = killed(READABLE).await;
    look(&world, json!({ "who": "knows" }));
    let ended = world.take_on().await;
    assert!(matches!(ended.state, State::Paused { why: Why::InDoubt, .. }));
}

#[tokio::test(start_paused = true)]
async fn one_that_can_be_undone_is_undone_and_done_again() {
    let world = killed(UNDONE).await;
    assert_eq!(output(&world.take_on().await), json!({ "post": { "n": 1 } }));
    let crossed = world.stage.crossed();
    let told = [r#"ax:t.post {"n":1}"#, r#"ax:t.undo {"n":1}"#, r#"ax:t.post {"n":1}"#];
    assert_eq!(crossed, told);
}

#[tokio::test(start_paused = true)]
async fn an_undoing_that_is_cut_off_too_leaves_it_in_doubt() {
    let world = killed(UNDONE).await;
    let outcome = Err(Failure::new(FailureKind::Unavailable, "down"));
    world.stage.act("ax:t.undo", Act { after_ms: 1, outcome, changed_outside: false });
    let ended = world.take_on().await;
    assert!(matches!(ended.state, State::Paused { why: Why::InDoubt, .. }), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_says_it_does_not_know_leaves_the_task_in_doubt() {
    let world = World::with(&CLASSES);
    world.stage.act("ax:t.post", unknown());
    let ended = world.begin(POST).await;
    assert!(matches!(ended.state, State::Paused { why: Why::InDoubt, .. }));
    // Cancelling is a person's word too: what is in doubt stays on record as that.
    world.send(Request::Cancel);
    let ended = world.runtime.deliver(task()).await.unwrap();
    assert_eq!(failure(&ended), "it was cancelled by person");
    assert!(world.runtime.folded(task()).unwrap().is_in_doubt());
}

#[tokio::test(start_paused = true)]
async fn another_plugin_than_before_does_not_repeat_an_effect() {
    let world = World::with(&[("ax:t.post", EffectClass::Keyed)]);
    let outcome = Ok(json!("late"));
    world.stage.act("ax:t.post", Act { after_ms: 60_000, outcome, changed_outside: true });
    let (_keep, stop) = watch::channel(false);
    let begun = world.runtime.begin(started(POST, Budget::default()), "t", Patience::Never, stop);
    tokio::time::timeout(Duration::from_millis(100), begun).await.unwrap_err();
    tokio::time::advance(Duration::from_millis(LEASE_MS + 1)).await;
    *world.stage.code.lock().unwrap() = Digest::of(b"other code");
    let ended = world.take_on().await;
    assert!(matches!(ended.state, State::Paused { why: Why::InDoubt, .. }), "{ended:?}");
    assert_eq!(world.stage.crossed().len(), 1);
}

const OUTER: &str = r#"
name = "outer"
[[step]]
id = "inner"
workflow = "inner.toml"
"#;

#[tokio::test(start_paused = true)]
async fn a_task_rests_once_while_one_of_its_own_is_in_doubt() {
    let world = World::with(&CLASSES);
    world.stage.act("ax:t.post", unknown());
    let outer = started(OUTER, Budget::default());
    let Work::Workflow { spec, digest, .. } = &outer.work else { panic!("it has steps") };
    let inner = Text::new(Value::from(POST).to_string());
    let nested = BTreeMap::from([("inner.toml".to_owned(), inner)]);
    let work = Work::Workflow { spec: spec.clone(), digest: *digest, nested };
    let carried = world.begin_with(Started { work, ..outer });
    let ended = tokio::time::timeout(Duration::from_secs(60), carried).await.unwrap();
    assert!(matches!(ended.state, State::Paused { .. }), "{:?}", ended.state);
    assert_eq!(world.kinds().iter().filter(|kind| **kind == "paused").count(), 1);
    assert_eq!(world.stage.crossed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_own_task_was_in_doubt_goes_on_once_that_is_settled() {
    let outer = r#"
name = "outer"
[[step]]
id = "inner"
workflow = "inner.toml"
with = { n = 1 }
"#;
    let world = World::with(&CLASSES);
    world.stage.act("ax:t.post", unknown());
    let mut begun = started(outer, Budget::default());
    let Work::Workflow { nested, .. } = &mut begun.work else { panic!() };
    nested.insert("inner.toml".to_owned(), Text::new(Value::from(POST).to_string()));
    let ended = world.begin_with(begun).await;
    assert!(matches!(ended.state, State::Paused { why: Why::InDoubt, .. }), "{ended:?}");
    let filter = crate::journal::Filter { parent: Some(task()), ..Default::default() };
    let child = world.journal.list(&filter).unwrap().pop().unwrap().about.run;
    // Settled with the child, which is carried to its end by itself.
    use crate::journal::Inbox as _;
    let answer = Text::new(r#"{"content":[],"structured":"mine"}"#);
    let request = Request::Settle { intent: 4, verdict: Verdict::Happened(answer) };
    world.journal.send(child, &request, "person", world.runtime.clock.now_ms()).await.unwrap();
    let (_keep, stop) = watch::channel(false);
    world.runtime.take_on(child, Patience::Never, stop).await.unwrap();
    assert_eq!(output(&world.take_on().await), json!({ "inner": { "post": "mine" } }));
    assert_eq!(world.stage.crossed().len(), 1);
}
