//! `[limits]`: how much a plugin gets at most, whatever its manifest asks and people grant.
//!
//! Invariant: a maximum leaves room for one call to start, and every key is enforced by the host.
//! Not here: the limits of one plugin, which are the lower of this and its own (host, limits).

use std::time::Duration;

use super::error::{PolicyErrorKind, Wrong};
use crate::manifest::section::Section;
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
    pub(super) fn from_node(node: &Node) -> Result<Self, Wrong> {
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
        let section = Section::open(node, "limits", known)?;
        if let Some(node) = section.get("task-cost-max-usd") {
            let key = section.path("task-cost-max-usd");
            return Err(Wrong::at(node, PolicyErrorKind::NotEnforced { key }));
        }
        let size = |key, least| section.amount(key, "a size like `\"64 MiB\"`", least, SIZE_MOST);
        let byte = ByteSize(1);
        Ok(Self {
            fuel: section.count("fuel-max", FUEL_MOST)?,
            deadline: section.amount(
                "deadline-max",
                "a length of time like `\"30 s\"`",
                DEADLINE_LEAST,
                DEADLINE_MOST,
            )?,
            memory: size("memory-max", MEMORY_LEAST)?,
            input: size("input-max", byte)?,
            result: size("result-max", byte)?,
            log_lines: section.small_count("log-lines-max", COUNT_MOST)?,
            log_bytes: size("log-bytes-max", byte)?,
            concurrency: section.small_count("concurrency-max", COUNT_MOST)?,
            hostcall_bytes: size("hostcall-bytes-max", byte)?,
        })
    }
}
