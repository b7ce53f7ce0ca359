//! Who wants to hear that there are other tools.
//!
//! A client of 2026-07-28 asks with a request that stays open; one of 2025-11-25 is told as long as its
//! session lives.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::service::{Peer, SubscriptionSink};

/// Clients that are told; more than these connections are not served either.
const LISTENERS_MAX: usize = 1_000;

/// How long a client may take to read that there is news, before the next one is told.
const SEND_MAX: Duration = Duration::from_secs(5);

#[derive(Clone)]
enum Listener {
    Session(Peer<RoleServer>),
    Subscription(u64, SubscriptionSink),
}

/// The clients that listen.
#[derive(Clone, Default)]
pub(super) struct Listeners(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    next: u64,
    all: Vec<Listener>,
}

impl Listeners {
    /// Adds a session; it is forgotten when its connection is closed.
    pub(super) fn add_session(&self, peer: Peer<RoleServer>) {
        self.hold(|held| held.add(Listener::Session(peer)));
    }

    /// Adds a subscription; returns what removes it.
    pub(super) fn add_subscription(&self, sink: SubscriptionSink) -> Option<u64> {
        self.hold(|held| {
            held.next += 1;
            let number = held.next;
            held.add(Listener::Subscription(number, sink)).then_some(number)
        })
    }

    /// Removes a subscription.
    pub(super) fn remove(&self, number: u64) {
        let is_it = |it: &Listener| matches!(it, Listener::Subscription(of, _) if *of == number);
        self.hold(|held| held.all.retain(|it| !is_it(it)));
    }

    /// Tells all of them that there are other tools.
    pub(super) async fn tell(&self) {
        let all = self.hold(|held| {
            held.forget_the_gone();
            held.all.clone()
        });
        for listener in all {
            let told = async {
                match listener {
                    Listener::Session(peer) => drop(peer.notify_tool_list_changed().await),
                    Listener::Subscription(_, sink) => drop(sink.notify_tool_list_changed().await),
                }
            };
            drop(tokio::time::timeout(SEND_MAX, told).await);
        }
    }

    fn hold<T>(&self, with: impl FnOnce(&mut Held) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    fn add(&mut self, listener: Listener) -> bool {
        self.forget_the_gone();
        let has_room = self.all.len() < LISTENERS_MAX;
        if has_room {
            self.all.push(listener);
        }
        has_room
    }

    fn forget_the_gone(&mut self) {
        self.all.retain(|it| match it {
            Listener::Session(peer) => !peer.is_transport_closed(),
            Listener::Subscription(..) => true,
        });
    }
}
