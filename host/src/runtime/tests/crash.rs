//! A task that is cut off after any of its entries comes to the same end.

use super::*;
use crate::journal::{Barrier, Batch, Entry, Journal as _};

/// Puts the beginning of a journal into another one, as a process left it that was killed then.
async fn cut(entries: &[Entry]) -> MemoryJournal {
    let journal = MemoryJournal::new();
    let Fact::Started(begun) = &entries[0].event.fact else { panic!() };
    let at_ms = entries[0].event.at_ms;
    let events: Vec<Event> = entries.iter().map(|entry| entry.event.clone()).collect();
    let mut run = Run::default();
    run.apply(&events[0]).unwrap();
    let timers = super::super::driver::Timers::new();
    let status = super::super::record::status_of(&run, &timers);
    let about = About::of(begun, "test", at_ms);
    let new = NewRun { about, status, events: &events[..1], until_ms: 0 };
    let mut lease = journal.create(&new).await.unwrap();
    for event in &events[1..] {
        run.apply(event).unwrap();
        let status = super::super::record::status_of(&run, &timers);
        let batch = Batch::new(std::slice::from_ref(event), status);
        journal.append(&mut lease, batch, Barrier::Ordinary).unwrap().await.unwrap();
    }
    journal
}

const MIXED: &str = r#"
name = "mixed"
[[step]]
id = "list"
tool = "ax:t.list"
with = {}
[[step]]
id = "each"
tool = "ax:t.a"
for-each = "{{ steps.list }}"
with = { of = "{{ item }}" }
[[step]]
id = "pause"
wait = "1 m"
needs = ["each"]
[[step]]
id = "put"
tool = "ax:t.put"
needs = ["pause"]
with = { all = "{{ steps.each }}" }
"#;

const CLASSES: [(&str, EffectClass); 1] = [("ax:t.put", EffectClass::Keyed)];

fn list(world: &World) {
    let outcome = Ok(json!([1, 2, 3]));
    world.stage.act("ax:t.list", Act { after_ms: 1, outcome, changed_outside: false });
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_cut_after_any_entry_comes_to_the_same_end() {
    let whole = World::with(&CLASSES);
    list(&whole);
    let ended = whole.begin(MIXED).await;
    let entries = whole.journal.entries(task(), 0).unwrap();
    let of_put = |world: &World| {
        let crossed = world.stage.crossed.lock().unwrap();
        crossed.iter().filter(|it| it.tool == "ax:t.put").map(|it| it.key).collect::<Vec<_>>()
    };
    for kept in 1..entries.len() {
        let world = World::on(cut(&entries[..kept]).await, &CLASSES);
        list(&world);
        let again = world.take_on().await;
        assert_eq!(output(&again), output(&ended), "cut after {kept}");
        // What crosses again has the key of the intent that is on record.
        let is_intended = |entry: &Entry| match &entry.event.fact {
            Fact::Intended(it) => {
                let tool = match &it.ask {
                    crate::workflow::Ask::Tool { tool, .. } => tool.to_string(),
                    _ => String::new(),
                };
                tool == "ax:t.put"
            }
            _ => false,
        };
        if let Some(intent) = entries[..kept].iter().find(|it| is_intended(it)) {
            let key = EffectKey::of(task(), intent.seq);
            assert!(of_put(&world).iter().all(|crossed| *crossed == key));
        }
        let replayed = world.runtime.replay(task()).await.unwrap();
        assert_eq!((replayed.divergence, replayed.recorded), (None, replayed.replayed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_over_is_only_read() {
    let world = World::new();
    world.begin(CHAIN).await;
    let before = world.kinds();
    let again = world.take_on().await;
    assert_eq!(output(&again), json!({ "b": { "from": 3 } }));
    assert_eq!(world.kinds(), before);
    assert_eq!(world.stage.crossed().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_who_was_thought_to_be_gone_appends_nothing() {
    let world = World::new();
    let outcome = Ok(json!({ "n": 3 }));
    // Longer than a lease, and the owner does not renew it: it is stopped in between.
    world.stage.act("ax:t.a", Act { after_ms: 60_000, outcome, changed_outside: false });
    let (_keep, stop) = watch::channel(false);
    let first = world.runtime.begin(started(CHAIN, Budget::default()), "t", Patience::Never, stop);
    let mut first = Box::pin(first);
    let waited = tokio::time::timeout(Duration::from_millis(100), &mut first).await;
    assert!(waited.is_err());
    // Time goes on while nobody looks at the first one.
    tokio::time::advance(Duration::from_millis(LEASE_MS + 1)).await;
    let other = World {
        runtime: Runtime {
            journal: Arc::new(world.journal.other()),
            clock: Arc::clone(&world.runtime.clock),
            ..World::new().runtime
        },
        journal: world.journal.other(),
        stage: World::new().stage,
    };
    let stage = Arc::new(Stage {
        journal: world.journal.other(),
        classes: BTreeMap::new(),
        acts: Mutex::default(),
        crossed: Mutex::default(),
        at_work: Mutex::default(),
        code: Mutex::new(Digest::of(b"code")),
    });
    let runtime = Runtime { performer: stage, ..other.runtime };
    let (_keep, stop) = watch::channel(false);
    let ended = runtime.take_on(task(), Patience::Never, stop).await.unwrap();
    assert_eq!(ended.state, State::Completed);
    let before = world.kinds();
    let refused = first.await.unwrap_err();
    assert!(refused.is_taken(), "{refused}");
    assert_eq!(world.kinds(), before);
}
