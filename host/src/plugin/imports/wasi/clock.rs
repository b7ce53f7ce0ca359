//! `wasi:clocks/monotonic-clock`: wasmtime's own, but for waiting in a rehearsal and in a task.
//!
//! There time moves by waiting alone, and in a task with each answer: whoever waits longest is asked last, and no wait takes longer
//! than [`MOMENT`], so that what answers at once has answered.
//!
//! Invariant: virtual time never goes back, and of several waits the one that ends first ends first.
//! Not here: the call's own deadline, which is on the host's clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ax_manifest::Capability;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiView as _};

use super::super::super::guest::Guest;

/// What a wait really takes: time for an answer that is at hand to arrive.
const MOMENT: Duration = Duration::from_millis(1);

/// A clock that moves when somebody waits.
#[derive(Debug, Clone, Default)]
pub(super) struct VirtualClock {
    /// Wall time at the beginning, since the Unix epoch.
    began: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    now: Duration,
    /// How many wait until then.
    waiting: BTreeMap<Duration, u32>,
}

impl VirtualClock {
    pub(super) fn at(began: Duration) -> Self {
        Self { began, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves on to this moment, since the Unix epoch.
    pub(super) fn show(&self, at: Duration) {
        let mut state = self.state();
        state.now = state.now.max(at.saturating_sub(self.began));
    }

    fn elapsed(&self) -> Duration {
        self.state().now
    }

    /// Moves time forward to `until` if nobody waits for less; answers whether it did.
    fn move_to(&self, until: Duration) -> bool {
        let mut state = self.state();
        let is_first = state.waiting.keys().next().is_none_or(|first| *first >= until);
        if is_first {
            state.now = state.now.max(until);
        }
        is_first
    }
}

impl HostWallClock for VirtualClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }
    fn now(&self) -> Duration {
        self.began + self.elapsed()
    }
}

impl HostMonotonicClock for VirtualClock {
    fn resolution(&self) -> u64 {
        1
    }
    fn now(&self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A wait on virtual time.
struct Wait {
    clock: VirtualClock,
    until: Duration,
}

/// Keeps a wait among those that are under way.
struct Waiting<'a>(&'a Wait);

impl<'a> Waiting<'a> {
    fn begin(wait: &'a Wait) -> Self {
        *wait.clock.state().waiting.entry(wait.until).or_default() += 1;
        Self(wait)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Wait { clock, until } = self.0;
        let mut state = clock.state();
        if let Some(count) = state.waiting.get_mut(until) {
            *count -= 1;
            if *count == 0 {
                state.waiting.remove(until);
            }
        }
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Wait {
    async fn ready(&mut self) {
        if self.clock.elapsed() >= self.until {
            return;
        }
        let _waiting = Waiting::begin(self);
        loop {
            tokio::time::sleep(MOMENT).await;
            if self.clock.move_to(self.until) {
                return;
            }
        }
    }
}

/// What the interface is answered from.
pub(super) struct Clocks<'a> {
    guest: &'a mut Guest,
}

pub(super) struct HasClocks;

impl HasData for HasClocks {
    type Data<'a> = Clocks<'a>;
}

/// Links the interface.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    monotonic_clock::add_to_linker::<Guest, HasClocks>(linker, |guest| Clocks {
        guest: guest.seen(Capability::WasiClocksMonotonicClock),
    })
}

impl Clocks<'_> {
    fn usual(&mut self) -> WasiClocksCtxView<'_> {
        use wasmtime_wasi::clocks::WasiClocksView as _;
        self.guest.clocks()
    }

    /// Waits on virtual time, if that is what the guest lives in.
    fn wait(
        &mut self,
        until: impl FnOnce(Duration) -> Duration,
    ) -> Option<wasmtime::Result<Resource<DynPollable>>> {
        self.guest.ctx();
        let clock = self.guest.wasi.as_ref()?.virtual_clock.clone()?;
        let until = until(clock.elapsed());
        let wait = self.guest.table.push(Wait { clock, until });
        Some(wait.map_err(Into::into).and_then(|wait| subscribe(&mut self.guest.table, wait)))
    }
}

impl monotonic_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.usual().now()
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.usual().resolution()
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match self.wait(|_| Duration::from_nanos(when)) {
            Some(waiting) => waiting,
            None => self.usual().subscribe_instant(when),
        }
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match self.wait(|now| now.saturating_add(Duration::from_nanos(duration))) {
            Some(waiting) => waiting,
            None => self.usual().subscribe_duration(duration),
        }
    }
}
