//! How providers do, learned from traffic alone.
//!
//! Three windows slide over each provider: an hour by minutes, a day by quarters of an hour, thirty days
//! by days. A slot counts answers, errors and how long answers took, in classes each a quarter wider than
//! the one before; so percentiles are off by a quarter at most, and memory does not depend on traffic:
//! [`Book`] takes about 30 KB for each provider.
//!
//! Invariant: reading changes nothing that a request could notice. What a caller did wrong is no error.
//! Not here: whether a target is asked (`breaker`).

use std::time::Duration;

use serde::Serialize;

/// Classes of times: 1 ms to 15 minutes, three to a doubling.
const CLASSES: usize = 61;

/// Errors of a hundred requests that are too many, and that are as good as none answered.
const DEGRADED_PERCENT: u64 = 10;
const DOWN_PERCENT: u64 = 50;

/// Requests before errors say anything.
const REQUESTS_MIN: u64 = 5;

/// How far back errors count for the state of now.
const RECENT_MIN: u64 = 5;

/// How a provider does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should.
    Healthy,
    /// Some of it fails.
    Degraded,
    /// Nothing works, or nothing is asked.
    Down,
}

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// 1 h.
    Hour,
    /// 24 h.
    Day,
    /// 30 d.
    Month,
}

/// What happened in a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Answers and errors.
    pub requests: u64,
    /// Errors that were not the caller's.
    pub errors: u64,
    /// Half of the answers came faster.
    pub p50: Option<Duration>,
    /// 95 of a hundred came faster.
    pub p95: Option<Duration>,
}

impl Summary {
    /// Returns errors in ten thousand requests.
    #[must_use]
    pub fn error_rate(&self) -> u64 {
        (self.errors * 10_000).checked_div(self.requests).unwrap_or(0)
    }

    /// Returns answers in ten thousand requests; all of them if there was none.
    #[must_use]
    pub fn availability(&self) -> u64 {
        10_000 - self.error_rate()
    }
}

/// What is known of one provider.
#[derive(Debug)]
pub struct Book {
    minutes: Ring,
    quarters: Ring,
    days: Ring,
    last_checked: Option<Duration>,
    last_error: Option<String>,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            minutes: Ring::new(60, 60),
            quarters: Ring::new(15 * 60, 96),
            days: Ring::new(24 * 60 * 60, 30),
            last_checked: None,
            last_error: None,
        }
    }
}

impl Book {
    /// Notes an answer, and how long the first of it took.
    pub fn answered(&mut self, now: Duration, took: Duration) {
        self.note(now, |slot| {
            slot.answers = slot.answers.saturating_add(1);
            let class = &mut slot.classes[class_of(took)];
            *class = class.saturating_add(1);
        });
    }

    /// Notes an error, by its code.
    pub fn failed(&mut self, now: Duration, code: &str) {
        self.note(now, |slot| slot.errors = slot.errors.saturating_add(1));
        self.last_error = Some(code.chars().take(100).collect());
    }

    fn note(&mut self, now: Duration, change: impl Fn(&mut Slot)) {
        for ring in [&mut self.minutes, &mut self.quarters, &mut self.days] {
            change(ring.slot(now));
        }
        self.last_checked = Some(now);
    }

    /// Sums a span up.
    #[must_use]
    pub fn summary(&self, span: Span, now: Duration) -> Summary {
        match span {
            Span::Hour => self.minutes.sum(now, 60),
            Span::Day => self.quarters.sum(now, 96),
            Span::Month => self.days.sum(now, 30),
        }
    }

    /// Says how the provider does. `open` of `targets` are not asked at the moment.
    #[must_use]
    pub fn status(&self, now: Duration, open: usize, targets: usize) -> Status {
        let recent = self.minutes.sum(now, RECENT_MIN);
        let percent = recent.error_rate() / 100;
        let is_known = recent.requests >= REQUESTS_MIN;
        if (targets > 0 && open == targets) || (is_known && percent >= DOWN_PERCENT) {
            Status::Down
        } else if open > 0 || (is_known && percent >= DEGRADED_PERCENT) {
            Status::Degraded
        } else {
            Status::Healthy
        }
    }

    /// Returns when something came of it last.
    #[must_use]
    pub fn last_checked(&self) -> Option<Duration> {
        self.last_checked
    }

    /// Returns the code of its last error.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

#[derive(Debug)]
struct Ring {
    /// Seconds of a slot.
    width: u64,
    slots: Vec<Slot>,
}

#[derive(Debug, Clone)]
struct Slot {
    /// Which slot since the clock began.
    number: u64,
    answers: u32,
    errors: u32,
    classes: [u32; CLASSES],
}

impl Ring {
    fn new(width: u64, count: usize) -> Self {
        let empty = Slot { number: 0, answers: 0, errors: 0, classes: [0; CLASSES] };
        Self { width, slots: vec![empty; count] }
    }

    fn slot(&mut self, now: Duration) -> &mut Slot {
        let number = now.as_secs() / self.width;
        let at = usize::try_from(number % self.slots.len() as u64).expect("it is an index");
        let slot = &mut self.slots[at];
        if slot.number != number {
            *slot = Slot { number, answers: 0, errors: 0, classes: [0; CLASSES] };
        }
        slot
    }

    /// Sums the newest `count` slots.
    fn sum(&self, now: Duration, count: u64) -> Summary {
        let number = now.as_secs() / self.width;
        let is_in = |slot: &&Slot| slot.number <= number && number - slot.number < count;
        let (mut answers, mut errors, mut classes) = (0_u64, 0_u64, [0_u64; CLASSES]);
        for slot in self.slots.iter().filter(is_in) {
            answers += u64::from(slot.answers);
            errors += u64::from(slot.errors);
            for (sum, class) in classes.iter_mut().zip(slot.classes) {
                *sum += u64::from(class);
            }
        }
        let at = |percent| percentile(&classes, answers, percent);
        Summary { requests: answers + errors, errors, p50: at(50), p95: at(95) }
    }
}

/// Returns the upper end of the class that `percent` of the answers are within.
fn percentile(classes: &[u64; CLASSES], answers: u64, percent: u64) -> Option<Duration> {
    let rank = (answers * percent).div_ceil(100).max(1);
    let mut below = 0;
    let class = classes.iter().position(|count| {
        below += count;
        below >= rank
    })?;
    Some(end_of(class))
}

fn class_of(took: Duration) -> usize {
    (0..CLASSES).find(|class| took <= end_of(*class)).unwrap_or(CLASSES - 1)
}

/// Gives the upper end of a class: 1, 1.26, 1.59, 2, … ms.
fn end_of(class: usize) -> Duration {
    /// The third roots of 1, 2 and 4, in millionths.
    const THIRDS: [u64; 3] = [1_000_000, 1_259_921, 1_587_401];
    Duration::from_nanos(THIRDS[class % 3] << (class / 3))
}
