//! Guests that come in crowds: too many at once, too deep, waiting too long.

use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ax_host::plugin::Call;
use ax_host::plugin::CallError;
use ax_host::plugin::Plugin;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::config;
use crate::verdict::of_call;
use crate::verdict::settle;

/// The hostile guest with one slot and endless fuel.
fn alone(arena: &Arena) -> Arc<Plugin> {
    let guest = arena.hostile().limited(|limits| {
        limits.concurrency = 1;
        limits.fuel = 1_000_000_000_000_000;
    });
    arena.load(&guest).expect("it loads")
}

fn good() -> Call {
    Call::new("good", &json!({ "text": "x" }).to_string())
}

#[test]
fn calls_of_a_plugin_with_one_slot_take_turns() {
    const CALLS: usize = 64;
    let arena = Arena::shared();
    let plugin = alone(arena);
    let words: Vec<String> = std::thread::scope(|scope| {
        let call = || of_call(&arena.run(&plugin, good()));
        let calls: Vec<_> = (0..CALLS).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    assert_eq!(words, vec!["ok"; CALLS]);
    settle("crowd-of-64", "ok", "ok");
}

type Pending<'a> = Pin<Box<dyn Future<Output = Report> + 'a>>;

/// Runs a future as far as it goes at once.
async fn nudge(call: &mut Pending<'_>) -> Option<Report> {
    poll_fn(|context| {
        Poll::Ready(match call.as_mut().poll(context) {
            Poll::Ready(report) => Some(report),
            Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn the_queue_ends_exactly_at_its_limit() {
    let arena = Arena::shared();
    let plugin = alone(arena);
    let refused = arena.host.block_on(async {
        let spin = Call { deadline: Some(Duration::from_secs(20)), ..Call::new("spin", "{}") };
        let mut spinning: Pending<'_> = Box::pin(arena.host.call_here(&plugin, spin));
        assert!(nudge(&mut spinning).await.is_none(), "it has the slot");
        let mut queue = Vec::new();
        for _ in 0..limits::QUEUE {
            let mut call: Pending<'_> = Box::pin(arena.host.call_here(&plugin, good()));
            assert!(nudge(&mut call).await.is_none(), "it waits");
            queue.push(call);
        }
        let refused = arena.host.call_here(&plugin, good()).await;
        // A place that is given up can be taken.
        drop(queue.pop());
        let mut call: Pending<'_> = Box::pin(arena.host.call_here(&plugin, good()));
        assert!(nudge(&mut call).await.is_none(), "there is a place again");
        refused
    });
    assert!(refused.result.as_ref().is_err_and(CallError::is_transient));
    assert_eq!(of_call(&arena.run(&plugin, good())), "ok", "all gone, the slot is free");
    settle("queue-full", "exhausted(concurrency)", &of_call(&refused));
}

#[test]
fn a_call_from_within_a_call_never_waits() {
    let arena = Arena::shared();
    let plugin = alone(arena);
    let nested = arena.host.block_on(async {
        let spin = Call { deadline: Some(Duration::from_secs(20)), ..Call::new("spin", "{}") };
        let mut spinning: Pending<'_> = Box::pin(arena.host.call_here(&plugin, spin));
        assert!(nudge(&mut spinning).await.is_none(), "it has the slot");
        arena.host.call_here(&plugin, Call { depth: 1, ..good() }).await
    });
    settle("nested-call-while-busy", "exhausted(concurrency)", &of_call(&nested));
}

#[test]
fn a_call_that_waits_for_a_slot_ends_at_its_deadline() {
    let arena = Arena::with(config());
    let plugin = alone(&arena);
    let late = arena.host.block_on(async {
        let spin = Call { deadline: Some(Duration::from_secs(2)), ..Call::new("spin", "{}") };
        let spinning = arena.host.call(&plugin, spin);
        let mut spinning: Pending<'_> = Box::pin(spinning);
        assert!(nudge(&mut spinning).await.is_none(), "it was sent on its way");
        while arena.host.meter().instances() == 0 {
            tokio::task::yield_now().await;
        }
        let waiting = Call { deadline: Some(Duration::from_millis(50)), ..good() };
        arena.host.call_here(&plugin, waiting).await
    });
    let took = Duration::from_micros(late.usage.duration_us);
    let got = match of_call(&late) {
        word if took < Duration::from_millis(1_500) => word,
        word => format!("{word}-after-{}-ms", took.as_millis()),
    };
    settle("waiting-past-deadline", "exhausted(time)", &got);
}

#[test]
fn calls_nest_exactly_to_their_limit() {
    let arena = Arena::shared();
    let plugin = arena.load(&arena.hostile()).expect("it loads");
    let deep = |depth: u8| of_call(&arena.run(&plugin, Call { depth, ..good() }));
    assert_eq!(deep(limits::DEPTH), "ok");
    assert_eq!(deep(u8::MAX), "exhausted(depth)");
    settle("call-depth", "exhausted(depth)", &deep(limits::DEPTH + 1));
}

#[test]
fn a_call_that_nobody_waits_for_ends_and_frees_its_slot() {
    let arena = Arena::with(config());
    let plugin = alone(&arena);
    arena.host.block_on(async {
        let mut spinning: Pending<'_> = Box::pin(arena.host.call(&plugin, Call::new("spin", "{}")));
        assert!(nudge(&mut spinning).await.is_none(), "it was sent on its way");
        while arena.host.meter().instances() == 0 {
            tokio::task::yield_now().await;
        }
    });
    let call = Call { deadline: Some(Duration::from_secs(20)), ..good() };
    let after = arena.run(&plugin, call);
    assert_eq!(arena.host.meter().instances(), 0);
    settle("abandoned-call", "ok", &of_call(&after));
}

#[test]
fn a_guest_that_does_not_stop_when_asked_is_ended_after_its_grace() {
    let arena = Arena::shared();
    let plugin = alone(arena);
    let (ask, cancel) = tokio::sync::watch::channel(false);
    ask.send(true).expect("somebody listens");
    let spin = Call { cancel: Some(cancel), ..Call::new("spin", "{}") };
    let report = arena.run(&plugin, spin);
    let took = Duration::from_micros(report.usage.duration_us);
    assert!(took < limits::CANCEL_GRACE + Duration::from_secs(3), "{took:?}");
    settle("deaf-to-cancel", "cancelled", &of_call(&report));
}
