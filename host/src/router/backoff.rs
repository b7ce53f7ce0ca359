//! Whether to wait, to switch or to stop after a failure, and for how long to wait.
//!
//! ```text
//! attempts spent ────────────────────────────────→ Stop
//! another key, and the limit is the key's ───────→ Switch
//! Retry-After short, or backoff; before deadline → Wait
//! somebody else is left ─────────────────────────→ Switch, else Stop
//! ```
//!
//! Invariant: one loop, one budget: no request makes more than [`Policy::attempts_max`] attempts, and
//! none waits past its deadline.
//! Not here: what a failure means (`verdict`), who is next (`driver`).

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::verdict::Retry;

/// The first wait; each further one may be twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait that nobody asked for.
const LAST_WAIT: Duration = Duration::from_secs(8);

/// How much a request may try.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Attempts in all, at every target together. Each is paid for.
    pub attempts_max: u32,
    /// Attempts at one target after its first.
    pub retries_max: u32,
    /// The longest Retry-After that is waited for rather than switched from.
    pub wait_max: Duration,
}

impl Default for Policy {
    /// 8 attempts, 3 retries of one target, 5 s: an SDK above us gives a request up after 10 minutes,
    /// and a person after some seconds.
    fn default() -> Self {
        Self { attempts_max: 8, retries_max: 3, wait_max: Duration::from_secs(5) }
    }
}

/// Where a request stands after a failure.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// Whether the target is worth another try.
    pub retry: Retry,
    /// What the provider said of when.
    pub retry_after: Option<Duration>,
    /// Retries of this target so far.
    pub retries: u32,
    /// Attempts so far.
    pub attempts: u32,
    /// Time until the deadline.
    pub left: Duration,
    /// Another key of the same provider and model is left.
    pub has_other_key: bool,
    /// Another target is left, and the failure lets it be asked.
    pub has_other: bool,
}

/// What is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same target again, after this long.
    Wait(Duration),
    /// Another target.
    Switch,
    /// Nothing.
    Stop,
}

/// Decides what is done after a failure.
#[must_use]
pub fn next(policy: &Policy, at: &Situation, random: &Random) -> Next {
    let elsewhere = if at.has_other { Next::Switch } else { Next::Stop };
    if at.attempts >= policy.attempts_max || at.left.is_zero() {
        return Next::Stop;
    }
    let rotates = at.retry == Retry::OtherKey && at.has_other_key;
    if at.retry == Retry::Never || rotates || at.retries >= policy.retries_max {
        return elsewhere;
    }
    let wait = match at.retry_after {
        Some(asked) if asked > policy.wait_max => return elsewhere,
        Some(asked) => asked,
        None => random.up_to(ceiling(at.retries)),
    };
    if wait < at.left { Next::Wait(wait) } else { elsewhere }
}

/// Gives the longest wait before a retry, from 0: 1, 2, 4, 8, 8, … seconds.
#[must_use]
pub fn ceiling(retries: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << retries.min(8)).min(LAST_WAIT)
}

/// A source of numbers without a pattern, from a seed. Not for secrets.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    /// Begins at a seed; the same seed gives the same numbers.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Gives a time from zero to `most`, each as likely ("full jitter").
    #[must_use]
    pub fn up_to(&self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
        Duration::from_micros(self.number() % (most + 1))
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn number(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut it = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        it ^ (it >> 31)
    }
}
