//! `[limits]`: how much a plugin gets at most, whatever its manifest asks and people grant.
//!
//! Invariant: a maximum leaves room for one call to start, and every key is enforced by the host.
//! Not here: the limits of one plugin, which are the lower of this and its own (host, limits).

use std::time::Duration;

use super::error::{PolicyErrorKind, Wrong};
use super::reading::Reading;
use crate::manifest::tree::Node;
use crate::quantity::{ByteSize, Span};

/// The least memory that can be left: one page, without which nothing starts.
const MEMORY_LEAST: ByteSize = ByteSize(64 << 10);

/// The most of any size: above every request a manifest can make, so only a slip is larger.
const SIZE_MOST: ByteSize = ByteSize(1 << 40);

/// The shortest deadline: the engine's clock ticks once in a millisecond.
const DEADLINE_LEAST: Span = Span(Duration::from_millis(1));

/// The longest deadline; a manifest can ask for an hour.
const DEADLINE_MOST: Span = Span(Duration::from_secs(24 * 3600));

/// The most fuel, which is what a manifest can ask.
const FUEL_MOST: u64 = 1_000_000_000_000_000;

/// The most of what is counted, which is what a manifest can ask.
const COUNT_MOST: u32 = 1_000_000;

/// Limits that nothing may exceed; `None` leaves it to the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitMaxima {
    /// `fuel-max`: instructions per call, roughly.
    pub fuel: Option<u64>,
    /// `deadline-max`: wall clock per call, waiting included.
    pub deadline: Option<Span>,
    /// `memory-max`: all memories of an instance together.
    pub memory: Option<ByteSize>,
    /// `input-max`: the input of one call.
    pub input: Option<ByteSize>,
    /// `result-max`: the result of one call.
    pub result: Option<ByteSize>,
    /// `log-lines-max`: log lines per call.
    pub log_lines: Option<u32>,
    /// `log-bytes-max`: log text per call.
    pub log_bytes: Option<ByteSize>,
    /// `concurrency-max`: calls of one plugin at the same time.
    pub concurrency: Option<u32>,
    /// `hostcall-bytes-max`: data handed to the host per call.
    pub hostcall_bytes: Option<ByteSize>,
}

impl LimitMaxima {
    pub(super) fn from_node(reading: &mut Reading<'_>, node: &Node) -> Self {
        let known = &[
            "fuel-max",
            "deadline-max",
            "memory-max",
            "input-max",
            "result-max",
            "log-lines-max",
            "log-bytes-max",
            "concurrency-max",
            "hostcall-bytes-max",
            "task-cost-max-usd",
        ];
        let Some(section) = reading.open(node, "limits", known) else { return Self::default() };
        if let Some(node) = section.get("task-cost-max-usd") {
            let key = section.path("task-cost-max-usd");
            reading.note(Wrong::at(node, PolicyErrorKind::NotEnforced { key }));
        }
        let deadline = section.amount(
            "deadline-max",
            "a length of time like `\"30 s\"`",
            DEADLINE_LEAST,
            DEADLINE_MOST,
        );
        let size = |reading: &mut Reading<'_>, key, least| {
            let size = section.amount(key, "a size like `\"64 MiB\"`", least, SIZE_MOST);
            reading.keep(size).flatten()
        };
        let byte = ByteSize(1);
        Self {
            fuel: reading.keep(section.count("fuel-max", FUEL_MOST)).flatten(),
            deadline: reading.keep(deadline).flatten(),
            memory: size(reading, "memory-max", MEMORY_LEAST),
            input: size(reading, "input-max", byte),
            result: size(reading, "result-max", byte),
            log_lines: reading.keep(section.small_count("log-lines-max", COUNT_MOST)).flatten(),
            log_bytes: size(reading, "log-bytes-max", byte),
            concurrency: reading.keep(section.small_count("concurrency-max", COUNT_MOST)).flatten(),
            hostcall_bytes: size(reading, "hostcall-bytes-max", byte),
        }
    }

    /// Returns the lower of both for each limit.
    #[must_use]
    pub fn lower_of(&self, other: &Self) -> Self {
        Self {
            fuel: lower(self.fuel, other.fuel),
            deadline: lower(self.deadline, other.deadline),
            memory: lower(self.memory, other.memory),
            input: lower(self.input, other.input),
            result: lower(self.result, other.result),
            log_lines: lower(self.log_lines, other.log_lines),
            log_bytes: lower(self.log_bytes, other.log_bytes),
            concurrency: lower(self.concurrency, other.concurrency),
            hostcall_bytes: lower(self.hostcall_bytes, other.hostcall_bytes),
        }
    }

    /// Counts the limits that have a maximum.
    pub(super) fn count(&self) -> usize {
        let Self {
            fuel,
            deadline,
            memory,
            input,
            result,
            log_lines,
            log_bytes,
            concurrency,
            hostcall_bytes,
        } = self;
        let sizes = [memory, input, result, log_bytes, hostcall_bytes];
        sizes.iter().filter(|size| size.is_some()).count()
            + [log_lines, concurrency].iter().filter(|count| count.is_some()).count()
            + usize::from(fuel.is_some())
            + usize::from(deadline.is_some())
    }
}

fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    // `None` is no maximum, which `Option` orders below every other.
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
