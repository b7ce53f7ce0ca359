//! What others want of a task, in the middle of an effect and beside it.

use super::*;
use crate::journal::Request;
use crate::workflow::{Answer, Why};

const ASKING: &str = r#"
name = "asking"
[[step]]
id = "ok"
approve = "May it go on"
details = { n = "{{ input.n }}" }
expires-in = "1 h"
[[step]]
id = "a"
tool = "ax:t.a"
needs = ["ok"]
with = { n = 1 }
"#;

fn is_paused(ended: &Ended, wanted: Why) -> bool {
    matches!(ended.state, State::Paused { why, .. } if why == wanted)
}

impl World {
    fn answer(&self, answer: Answer) {
        let asked = self.journal.questions(Some(task())).unwrap().pop().unwrap();
        let (question, bound_to) = (asked.seq, asked.bound_to);
        self.send(Request::Answer { question, bound_to, answer });
    }
}

#[tokio::test(start_paused = true)]
async fn an_approval_waits_over_restarts_and_is_asked_once() {
    let world = World::new();
    let ended = world.begin(ASKING).await;
    assert!(is_paused(&ended, Why::Approval), "{ended:?}");
    assert!(is_paused(&world.take_on().await, Why::Approval));
    assert_eq!(world.kinds().iter().filter(|kind| **kind == "asked").count(), 1);
    world.answer(Answer::Yes);
    assert_eq!(output(&world.take_on().await), json!({ "a": { "n": 1 } }));
}

#[tokio::test(start_paused = true)]
async fn a_no_and_no_answer_are_refusals() {
    let world = World::new();
    world.begin(ASKING).await;
    world.answer(Answer::No);
    assert_eq!(failure(&world.take_on().await), "step `ok`: a person refused it");
    assert!(world.stage.crossed().is_empty());

    let world = World::new();
    world.begin(ASKING).await;
    tokio::time::advance(Duration::from_secs(3_601)).await;
    assert_eq!(failure(&world.take_on().await), "step `ok`: nobody approved it in time");
}

#[tokio::test(start_paused = true)]
async fn an_approval_of_other_code_is_void() {
    let world = World::new();
    world.begin(ASKING).await;
    world.answer(Answer::Yes);
    *world.stage.code.lock().unwrap() = Digest::of(b"other code");
    let ended = world.take_on().await;
    assert_eq!(failure(&ended), "step `ok`: what was to be approved has changed");
    assert!(world.stage.crossed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_allowed_is_done_by_the_code_that_was_looked_at_or_asked_again() {
    let spec = format!("{ASKING}\n[[step]]\nid = \"b\"\nwait = \"1 m\"\nneeds = [\"ok\"]\n");
    let spec = spec.replace("needs = [\"ok\"]\nwith", "needs = [\"b\"]\nwith");
    let world = World::new();
    world.begin(&spec).await;
    world.answer(Answer::Yes);
    // It rests after the answer, and the plugin is another one when it goes on.
    let (stop, stopped) = watch::channel(false);
    let going_on = world.runtime.take_on(task(), Patience::Never, stopped);
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.send_replace(true);
    };
    let (ended, ()) = tokio::join!(going_on, stopping);
    assert!(is_paused(&ended.unwrap(), Why::Person));
    *world.stage.code.lock().unwrap() = Digest::of(b"other code");
    let told = "step `a`: `ax:t` was replaced since a person allowed what it is to do";
    assert_eq!(failure(&world.take_on().await), told);
    assert!(world.stage.crossed().is_empty());
    // Tried again, it asks again.
    world.send(Request::Retry { anew: false });
    assert!(is_paused(&world.take_on().await, Why::Approval));
    world.answer(Answer::Yes);
    assert_eq!(output(&world.take_on().await), json!({ "a": { "n": 1 } }));
}

#[tokio::test(start_paused = true)]
async fn somebody_who_waits_for_answers_goes_on_with_them() {
    let world = World::new();
    let (_keep, stop) = watch::channel(false);
    let begun =
        world.runtime.begin(started(ASKING, Budget::default()), "t", Patience::Answers, stop);
    let answered = async {
        tokio::time::sleep(Duration::from_secs(600)).await;
        world.answer(Answer::Yes);
    };
    let (ended, ()) = tokio::join!(begun, answered);
    assert_eq!(output(&ended.unwrap()), json!({ "a": { "n": 1 } }));
}

fn slow(world: &World) {
    let outcome = Ok(json!({ "n": 3 }));
    world.stage.act("ax:t.a", Act { after_ms: 3_000, outcome, changed_outside: false });
}

#[tokio::test(start_paused = true)]
async fn a_pause_in_the_middle_of_an_effect_lets_it_end_and_begins_nothing() {
    let world = World::new();
    slow(&world);
    let (stop, stopped) = watch::channel(false);
    let begun =
        world.runtime.begin(started(CHAIN, Budget::default()), "t", Patience::Never, stopped);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stop.send_replace(true);
    };
    let (ended, ()) = tokio::join!(begun, stopping);
    assert!(is_paused(&ended.unwrap(), Why::Person));
    let kinds = world.kinds();
    assert_eq!(kinds[3..], ["intended", "paused", "returned"]);
    assert_eq!(output(&world.take_on().await), json!({ "b": { "from": 3 } }));
    assert_eq!(world.stage.crossed().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_in_the_middle_of_an_effect_stops_it() {
    let world = World::new();
    slow(&world);
    let (_keep, stop) = watch::channel(false);
    let begun = world.runtime.begin(started(CHAIN, Budget::default()), "t", Patience::Never, stop);
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.send(Request::Cancel);
    };
    let (ended, ()) = tokio::join!(begun, cancelling);
    assert_eq!(failure(&ended.unwrap()), "it was cancelled by person");
    assert_eq!(world.kinds()[3..], ["intended", "returned", "cancelled"]);
    assert!(world.runtime.clock.now_ms() - BEGAN_MS < 2_000);
    // The letter is gone with it.
    use crate::journal::Inbox as _;
    assert!(world.journal.letters(None).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_kept_for_the_step_that_will_wait_for_it() {
    let spec = r#"
name = "signalled"
[[step]]
id = "a"
tool = "ax:t.a"
with = { n = 1 }
[[step]]
id = "go"
wait-for = "go"
needs = ["a"]
"#;
    let world = World::new();
    slow(&world);
    let (_keep, stop) = watch::channel(false);
    let begun = world.runtime.begin(started(spec, Budget::default()), "t", Patience::Never, stop);
    let signalling = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.send(Request::Signal { name: "go".to_owned(), data: Text::new("{\"x\":1}") });
    };
    let (ended, ()) = tokio::join!(begun, signalling);
    assert_eq!(output(&ended.unwrap()), json!({ "go": { "x": 1 } }));
}

#[tokio::test(start_paused = true)]
async fn a_retry_repeats_what_failed() {
    let world = World::new();
    let outcome = Err(Failure::new(FailureKind::Failed, "broken"));
    world.stage.act("ax:t.b", Act { after_ms: 1, outcome, changed_outside: false });
    let ended = world.begin(CHAIN).await;
    assert_eq!(failure(&ended), "step `b`: broken");
    world.send(Request::Retry { anew: false });
    assert_eq!(output(&world.take_on().await), json!({ "b": { "from": 3 } }));
    assert_eq!(world.stage.crossed().len(), 3);
}
