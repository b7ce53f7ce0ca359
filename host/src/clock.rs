//! The only source of time.
//!
//! Two kinds, never mixed: *wall* time says when something happened and may jump; *monotonic* time
//! says how long something took and never goes back.
//!
//! Invariant: no other module asks the operating system for the time, so a test that passes a
//! [`SimClock`] decides every timestamp, lease and deadline.
//!
//! Not here: waiting (`tokio::time`), and how time is written for people (`cli`).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Wall time in milliseconds since 1970-01-01 UTC; may jump either way.
    fn now_ms(&self) -> u64;

    /// Monotonic time since this clock was made; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    fn now_ms(&self) -> u64 {
        // A clock set before 1970 reads as 1970: a wrong time stamp must not stop the host.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until a test moves it. Shared by reference or `Arc`.
#[derive(Debug)]
pub struct SimClock {
    wall_ms: AtomicU64,
    monotonic_ns: AtomicU64,
}

impl SimClock {
    /// Starts at `wall_ms` milliseconds since 1970 UTC, with monotonic time zero.
    pub fn at_ms(wall_ms: u64) -> Self {
        Self { wall_ms: AtomicU64::new(wall_ms), monotonic_ns: AtomicU64::new(0) }
    }

    /// Lets `step` pass on both clocks; wall time moves by whole milliseconds.
    pub fn advance(&self, step: Duration) {
        let step_ms = u64::try_from(step.as_millis()).unwrap_or(u64::MAX);
        let step_ns = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
        self.wall_ms.fetch_add(step_ms, Ordering::SeqCst);
        self.monotonic_ns.fetch_add(step_ns, Ordering::SeqCst);
    }

    /// Makes wall time jump, as an operator or a time server does; monotonic time stays.
    pub fn jump_to_ms(&self, wall_ms: u64) {
        self.wall_ms.store(wall_ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic_ns.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Clock;
    use super::SimClock;
    use super::SystemClock;

    #[test]
    fn a_simulated_clock_moves_only_when_told() {
        let clock = SimClock::at_ms(1_000);
        assert_eq!((clock.now_ms(), clock.monotonic()), (1_000, Duration::ZERO));
        clock.advance(Duration::from_millis(250));
        assert_eq!((clock.now_ms(), clock.monotonic()), (1_250, Duration::from_millis(250)));
    }

    #[test]
    fn a_wall_clock_jump_leaves_monotonic_time_alone() {
        let clock = SimClock::at_ms(5_000);
        clock.advance(Duration::from_secs(1));
        clock.jump_to_ms(10);
        assert_eq!((clock.now_ms(), clock.monotonic()), (10, Duration::from_secs(1)));
    }

    #[test]
    fn system_monotonic_time_never_goes_back() {
        let clock = SystemClock::new();
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
        // 2020-01-01: an unset clock would read as 1970.
        assert!(clock.now_ms() > 1_577_836_800_000);
    }
}
