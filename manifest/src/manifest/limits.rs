//! `[limits]`: how much the plugin needs, where the defaults do not fit.
//!
//! Invariant: a request lies between 1 and a maximum that no operator could mean to exceed, so that
//! arithmetic on it never overflows and a slip of the keyboard is found at once.
//! Not here: the defaults, and consent to what is above them (host, budget).

use std::time::Duration;

use crate::manifest::error::Located;
use crate::manifest::section::Section;
use crate::manifest::tree::Node;
use crate::quantity::{ByteSize, Span};

/// Fuel per call: about a day and a half of one core.
const REQUESTED_FUEL_MAX: u64 = 1_000_000_000_000_000;

/// Wall clock per call: whatever takes longer is a task, which survives a restart.
const REQUESTED_DEADLINE_MAX: Span = Span(Duration::from_secs(3600));

/// Wall clock per call: the engine's clock ticks once in a millisecond.
const REQUESTED_DEADLINE_MIN: Span = Span(Duration::from_millis(1));

/// Memory of an instance: all that 32-bit addresses reach.
const REQUESTED_MEMORY_MAX: ByteSize = ByteSize(4 << 30);

/// Memory of an instance: one page.
const REQUESTED_MEMORY_MIN: ByteSize = ByteSize(64 << 10);

/// Input or result of one call: it is parsed as a whole, several times its size in memory.
const REQUESTED_MESSAGE_MAX: ByteSize = ByteSize(64 << 20);

/// Data of all host calls of one call.
const REQUESTED_HOSTCALL_MAX: ByteSize = ByteSize(1 << 30);

/// Log lines per call: a thousand times the default is for debugging already.
const REQUESTED_LOG_LINES_MAX: u32 = 1_000_000;

/// Log text per call.
const REQUESTED_LOG_BYTES_MAX: ByteSize = ByteSize(256 << 20);

/// Calls at the same time: as many as a host keeps instances alive.
const REQUESTED_CONCURRENCY_MAX: u32 = 1_000;

/// Limits that the author asks for; `None` takes the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitRequests {
    /// `fuel`: instructions per call, roughly.
    pub fuel: Option<u64>,
    /// `deadline`: wall clock per call, waiting included.
    pub deadline: Option<Span>,
    /// `memory`: all memories of an instance together.
    pub memory: Option<ByteSize>,
    /// `input`: the input of one call.
    pub input: Option<ByteSize>,
    /// `result`: the result of one call.
    pub result: Option<ByteSize>,
    /// `log-lines`: log lines per call.
    pub log_lines: Option<u32>,
    /// `log-bytes`: log text per call.
    pub log_bytes: Option<ByteSize>,
    /// `concurrency`: calls at the same time.
    pub concurrency: Option<u32>,
    /// `hostcall-bytes`: data handed to the host per call.
    pub hostcall_bytes: Option<ByteSize>,
}

impl LimitRequests {
    pub(super) fn from_node(node: &Node) -> Result<Self, Located> {
        let section = Section::open(
            node,
            "limits",
            &[
                "fuel",
                "deadline",
                "memory",
                "input",
                "result",
                "log-lines",
                "log-bytes",
                "concurrency",
                "hostcall-bytes",
            ],
        )?;
        let size = |key, min, max| section.amount(key, "a size like `\"64 MiB\"`", min, max);
        let byte = ByteSize(1);
        Ok(Self {
            fuel: section.count("fuel", REQUESTED_FUEL_MAX)?,
            deadline: section.amount(
                "deadline",
                "a length of time like `\"30 s\"`",
                REQUESTED_DEADLINE_MIN,
                REQUESTED_DEADLINE_MAX,
            )?,
            memory: size("memory", REQUESTED_MEMORY_MIN, REQUESTED_MEMORY_MAX)?,
            input: size("input", byte, REQUESTED_MESSAGE_MAX)?,
            result: size("result", byte, REQUESTED_MESSAGE_MAX)?,
            log_lines: section.small_count("log-lines", REQUESTED_LOG_LINES_MAX)?,
            log_bytes: size("log-bytes", byte, REQUESTED_LOG_BYTES_MAX)?,
            concurrency: section.small_count("concurrency", REQUESTED_CONCURRENCY_MAX)?,
            hostcall_bytes: size("hostcall-bytes", byte, REQUESTED_HOSTCALL_MAX)?,
        })
    }
}

impl serde::Serialize for LimitRequests {
    /// Writes the shape of `[limits]`: kebab-case keys, amounts as text, defaults left out.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        crate::manifest::write::limits(self).serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for LimitRequests {
    /// Reads the shape of `[limits]` with the checks of the manifest; errors have no line.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let node = <Node as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_node(&node).map_err(|located| serde::de::Error::custom(located.kind))
    }
}
