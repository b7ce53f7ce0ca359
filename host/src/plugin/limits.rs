//! What one call, one plugin and the whole host may use, and where each number comes from.
//!
//! Every limit is a named constant here with its unit and reason. A manifest may ask for less at
//! will; asking for more is shown on the permission card and holds only once a person agreed.
//!
//! Not here: how a limit is enforced (`meter` for memory, `engine` for CPU, `imports/*` for logs,
//! `slots` for concurrency).

use std::time::Duration;

use ax_manifest::{ByteSize, LimitMaxima, LimitRequests, Span};
use serde::Serialize;

/// Fuel per call: about one unit per WebAssembly instruction. 10 G is between half a second (a tight
/// loop) and ten seconds (memory-bound code) of one core, so a busy guest ends before its wall clock
/// does.
pub const FUEL: u64 = 10_000_000_000;
/// Wall clock per call, I/O included: what a person or a model is willing to wait for a tool.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of linear memory, over all memories of the instance together.
pub const MEMORY_BYTES: u64 = 64 << 20;
/// Tables per instance. Components made from Python and JavaScript need 2 or 3.
pub const TABLES: u32 = 32;
/// Elements per table. The largest seen is Python's, 5,678.
pub const TABLE_ELEMENTS: u32 = 20_000;
/// Core instances per component instance. A Python component with stubbed WASI has 38.
pub const CORE_INSTANCES: u32 = 64;
/// Linear memories per instance. JavaScript components need 3.
pub const MEMORIES: u32 = 4;
/// Bytes of WebAssembly stack.
pub const STACK_BYTES: usize = 512 << 10;
/// Bytes of fiber stack: the WebAssembly stack and what host functions need on top.
pub const FIBER_STACK_BYTES: usize = 1 << 20;
/// Bytes one host call may copy out of the guest; a result counts as one.
pub const HOST_CALL_BYTES: u64 = 8 << 20;
/// Bytes that files, variables, settings and logs of one call may move in either direction together.
pub const HOST_CALLS_BYTES: u64 = 1 << 30;
/// Bytes of JSON a tool takes.
pub const INPUT_BYTES: u64 = 1 << 20;
/// Levels of nesting in the JSON a tool takes or gives.
pub const JSON_DEPTH: usize = 128;
/// Bytes of JSON a tool gives.
pub const RESULT_BYTES: u64 = 1 << 20;
/// Bytes of an error text; the rest is cut.
pub const ERROR_TEXT_BYTES: usize = 4 << 10;
/// HTTP requests of one call, redirects included: a page and what belongs to it.
pub const REQUESTS: u32 = 32;
/// Bytes of requests of one call, bodies and headers: an upload of some pictures.
pub const SENT_BYTES: u64 = 8 << 20;
/// Bytes of answers of one call, decoded bodies and headers.
pub const RECEIVED_BYTES: u64 = 32 << 20;
/// Redirects that `ax:http` follows, as browsers do at most twice that.
pub const REDIRECTS: u8 = 10;
/// Requests to models of one call and one name, unless its manifest asks for more and a person agreed: as many
/// as requests over HTTP.
pub const MODEL_CALLS: u64 = 32;
/// Tokens, read and written, of one call and one name, unless its manifest asks for more and a person
/// agreed: a long document, read once.
pub const MODEL_TOKENS: u64 = 200_000;
/// Millionths of a US dollar of one call and one name, unless its manifest asks for more and a person
/// agreed: half a dollar.
pub const MODEL_MICRO_USD: u64 = 500_000;
/// Tokens of an answer that neither the guest nor the model bounds: what every model of these years writes.
pub const MODEL_ANSWER_TOKENS: u64 = 4_096;
/// Answers of models that one call reads as they come.
pub const MODEL_STREAMS: usize = 4;
/// Requests to models that one call waits for at once.
pub const MODEL_REQUESTS: usize = 8;
/// Requests of one `complete-all`; the host holds all of them.
pub const MODEL_BATCH: usize = 256;
/// Bytes of one answer of a model: what a host call may move.
pub const MODEL_ANSWER_BYTES: u64 = HOST_CALL_BYTES;
/// Bytes of one document in a request to a model, as `ax:types` promises for JSON.
pub const MODEL_JSON_BYTES: u64 = 1 << 20;
/// Parts of one message to a model.
pub const MODEL_PARTS: usize = 1_000;
/// Models that a guest is told of.
pub const MODELS_LISTED: usize = 1_000;
/// Questions of one run of an agent to its task. Each is at least two rows of a journal, and all are played
/// back when it is run again; 300 turns with ten tools each take a third of it.
pub const QUESTIONS: usize = 10_000;
/// Keys a plugin keeps: a listing of all takes ten calls.
pub const KV_KEYS: u32 = 10_000;
/// Bytes of keys and values a plugin keeps, unless its manifest asks for more and a person agreed.
pub const KV_BYTES: u64 = 10 << 20;
/// Bytes by which the files a plugin writes may grow, over all its calls, per granted folder. Granting
/// anew starts at nothing.
pub const WRITTEN_BYTES: u64 = 256 << 20;
/// Files, folders and links a plugin may add, over all its calls, per granted folder.
pub const WRITTEN_FILES: u64 = 10_000;
/// Calls one warm instance serves before it is replaced: what a guest leaks ends there.
pub const WARM_CALLS: u32 = 1_000;
/// Warm instances one plugin keeps for one task or principal; as many as it may run at once.
pub const WARM_INSTANCES: usize = 16;
/// How long a warm instance is kept without a call.
pub const WARM_IDLE: Duration = Duration::from_secs(300);
/// Log lines per call; further ones are counted and dropped.
pub const LOG_LINES: u32 = 1_000;
/// Bytes of log per call; further ones are counted and dropped.
pub const LOG_BYTES: u64 = 256 << 10;
/// Bytes of one log line; the rest is cut.
pub const LOG_LINE_BYTES: usize = 8 << 10;
/// Calls of one plugin that run at once.
pub const CONCURRENCY: u32 = 16;
/// Calls of one plugin that wait for a slot; one more is refused.
pub const QUEUE: u32 = 256;
/// Plugins calling plugins, counted from the caller outside.
pub const DEPTH: u8 = 8;
/// Files, folders and folder listings a call holds open. With 16 calls this stays well under the
/// 1,024 descriptors a process has by default on Linux.
pub const HANDLES: u32 = 48;
/// Entries in the table of host resources a call holds (streams, pollables, files, requests). What
/// one of them keeps for a guest is at most 64 KiB, so all together 64 MiB.
pub const RESOURCES: usize = 1_024;
/// How long the end of a call waits for what it began to write, be it data, files or accounts: far
/// more than a disk takes, and not for ever on a network mount that is gone. What is written later
/// was charged before.
pub const LAST_WRITE_WAIT: Duration = Duration::from_secs(2);
/// Handles a component instance holds itself, its own resources included. The engine's default is
/// ten times that.
pub const COMPONENT_HANDLES: usize = 10_000;
/// Bytes one request for random numbers may ask for; the host allocates them at once.
pub const RANDOM_BYTES: u64 = 64 << 10;
/// Fuel a call from the guest into the host costs, since the host's work is not metered.
pub const HOST_CALL_FUEL: u64 = 1_000;
/// Fuel per byte that the host copies for a guest.
pub const HOST_BYTE_FUEL: u64 = 1;
/// Denials kept apart per call; a manifest can ask for 128 permissions, each through few interfaces.
/// Further ones are only counted.
pub const DENIALS: usize = 512;
/// Live instances of all plugins in this process.
pub const LIVE_INSTANCES: u32 = 1_000;
/// Share of the machine's memory that the linear memories of all guests of this process may use, in
/// percent. Stacks (1 MiB a running call), tables and what the host holds for a guest come on top;
/// each is bounded by itself.
pub const HOST_MEMORY_PERCENT: u8 = 25;
/// Memory assumed when the machine does not tell its size, in bytes.
pub const HOST_MEMORY_UNKNOWN: u64 = 4 << 30;
/// Functions of a backtrace, the innermost ones. What panics, allocates or formats in between takes
/// some twenty.
pub const BACKTRACE_FRAMES: usize = 64;
/// Bytes of a function's name, mangled or not.
pub const FUNCTION_NAME_BYTES: usize = 512;
/// Host calls of a trace; beyond, they are counted. More than anybody reads.
pub const TRACE_STEPS: usize = 10_000;
/// Bytes of text a trace holds until the call ends: permissions, keys, paths.
pub const TRACE_BYTES: usize = 1 << 20;
/// Bytes of one text of a trace, as it is shown.
pub const TRACE_TEXT_BYTES: usize = 256;
/// Entries of a folder that is listed; the host holds a listing whole. A larger one is an error to
/// the guest.
pub const LISTING_ENTRIES: usize = 20_000;
/// How long a guest that was asked to stop may take to end itself, as `ax:task` promises.
pub const CANCEL_GRACE: Duration = Duration::from_secs(2);
/// How often a spinning guest is interrupted to look at its deadline. At 10 ms runaways were seen
/// to end up to 140 ms late, at 1 ms within 14 ms.
pub const TICK: Duration = Duration::from_millis(1);
/// Bytes of a component that is accepted at all.
pub const COMPONENT_BYTES: u64 = 64 << 20;
/// Address space of the process that compiles a component, in bytes. Python components need 380
/// MiB; bombs ask for more than 4 GiB.
pub const COMPILE_MEMORY_BYTES: u64 = 2 << 30;
/// CPU seconds of the process that compiles a component.
pub const COMPILE_CPU_SECONDS: u64 = 60;
/// Bytes of machine code a component may become. 3.5 MB of empty functions made 253 MB.
pub const COMPILED_BYTES: u64 = 256 << 20;

/// Names of the limits a call can run into; the `code` of an `exhausted` error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// [`FUEL`].
    Fuel,
    /// [`DEADLINE`].
    Time,
    /// [`MEMORY_BYTES`].
    Memory,
    /// [`TABLES`], [`TABLE_ELEMENTS`].
    Tables,
    /// [`CORE_INSTANCES`].
    Instances,
    /// [`STACK_BYTES`].
    Stack,
    /// [`HOST_CALL_BYTES`], [`HOST_CALLS_BYTES`].
    Bytes,
    /// [`INPUT_BYTES`], [`JSON_DEPTH`].
    Input,
    /// [`RESULT_BYTES`], [`JSON_DEPTH`].
    Result,
    /// [`LOG_LINES`], [`LOG_BYTES`]. Never ends a call.
    Log,
    /// [`CONCURRENCY`], [`QUEUE`].
    Concurrency,
    /// [`DEPTH`].
    Depth,
    /// [`HANDLES`], [`RESOURCES`].
    Handles,
    /// [`REQUESTS`].
    Requests,
    /// [`SENT_BYTES`].
    BytesOut,
    /// [`RECEIVED_BYTES`], [`MODEL_ANSWER_BYTES`].
    BytesIn,
    /// [`MODEL_CALLS`], [`MODEL_BATCH`].
    Calls,
    /// [`MODEL_TOKENS`].
    Tokens,
    /// [`MODEL_MICRO_USD`].
    Cost,
    /// [`MODEL_STREAMS`].
    Streams,
    /// [`QUESTIONS`].
    Questions,
    /// [`WRITTEN_BYTES`].
    WrittenBytes,
    /// [`WRITTEN_FILES`].
    WrittenFiles,
    /// [`HOST_MEMORY_PERCENT`].
    HostMemory,
    /// [`LIVE_INSTANCES`].
    HostInstances,
}

impl Limit {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 25] = [
        Self::Fuel,
        Self::Time,
        Self::Memory,
        Self::Tables,
        Self::Instances,
        Self::Stack,
        Self::Bytes,
        Self::Input,
        Self::Result,
        Self::Log,
        Self::Concurrency,
        Self::Depth,
        Self::Handles,
        Self::Requests,
        Self::BytesOut,
        Self::BytesIn,
        Self::Calls,
        Self::Tokens,
        Self::Cost,
        Self::Streams,
        Self::Questions,
        Self::WrittenBytes,
        Self::WrittenFiles,
        Self::HostMemory,
        Self::HostInstances,
    ];

    /// Returns the key of a manifest's `[limits]` under which a plugin can ask for more.
    #[must_use]
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::Fuel => Some("fuel"),
            Self::Time => Some("deadline"),
            Self::Memory => Some("memory"),
            Self::Bytes => Some("hostcall-bytes"),
            Self::Input => Some("input"),
            Self::Result => Some("result"),
            _ => None,
        }
    }

    /// Finds the limit behind the word that a request failed with.
    pub(super) fn of_request(word: &str) -> Option<Self> {
        [Self::BytesOut, Self::BytesIn].into_iter().find(|limit| limit.word() == word)
    }

    /// Returns the word used in error codes, the audit and the documentation.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Tables => "tables",
            Self::Instances => "instances",
            Self::Stack => "stack",
            Self::Bytes => "bytes",
            Self::Input => "input",
            Self::Result => "result",
            Self::Log => "log",
            Self::Concurrency => "concurrency",
            Self::Depth => "depth",
            Self::Handles => "handles",
            Self::Requests => "requests",
            Self::BytesOut => "bytes-out",
            Self::BytesIn => "bytes-in",
            Self::Calls => "calls",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
            Self::Streams => "streams",
            Self::Questions => "questions",
            Self::WrittenBytes => "written-bytes",
            Self::WrittenFiles => "written-files",
            Self::HostMemory => "host-memory",
            Self::HostInstances => "host-instances",
        }
    }
}

/// The limits of one plugin's calls, as they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Fuel per call.
    pub fuel: u64,
    /// Wall clock per call.
    pub deadline: Duration,
    /// Bytes over all memories of an instance.
    pub memory_bytes: u64,
    /// Bytes of JSON input.
    pub input_bytes: u64,
    /// Bytes of JSON result.
    pub result_bytes: u64,
    /// Bytes one host call may copy.
    pub host_call_bytes: u64,
    /// Log lines per call.
    pub log_lines: u32,
    /// Bytes of log per call.
    pub log_bytes: u64,
    /// Calls at once.
    pub concurrency: u32,
    /// Bytes of keys and values it keeps.
    pub kv_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: FUEL,
            deadline: DEADLINE,
            memory_bytes: MEMORY_BYTES,
            input_bytes: INPUT_BYTES,
            result_bytes: RESULT_BYTES,
            host_call_bytes: HOST_CALL_BYTES,
            log_lines: LOG_LINES,
            log_bytes: LOG_BYTES,
            concurrency: CONCURRENCY,
            kv_bytes: KV_BYTES,
        }
    }
}

/// One limit that a manifest asks to be higher than its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Raise {
    /// Key in the manifest's `[limits]`.
    pub key: &'static str,
    /// The default, as text with its unit.
    pub default: String,
    /// What is asked for, as text with its unit.
    pub asked: String,
}

/// One limit that the policies in force hold below what a plugin would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lowered {
    /// Key in the manifest's `[limits]`.
    pub key: &'static str,
    /// What is left, as text with its unit.
    pub max: String,
}

impl Limits {
    /// Computes what holds: the request where it is lower than the default or was consented to,
    /// else the default.
    #[must_use]
    pub fn effective(asked: &LimitRequests, consented: bool) -> Self {
        let base = Self::default();
        let pick = |asked: Option<u64>, default: u64| match asked {
            Some(asked) if asked < default || consented => asked,
            _ => default,
        };
        let pick_small = |asked: Option<u32>, default: u32| match asked {
            Some(asked) if asked < default || consented => asked,
            _ => default,
        };
        Self {
            fuel: pick(asked.fuel, base.fuel),
            deadline: match asked.deadline {
                Some(asked) if asked.0 < base.deadline || consented => asked.0,
                _ => base.deadline,
            },
            memory_bytes: pick(asked.memory.map(|size| size.0), base.memory_bytes),
            input_bytes: pick(asked.input.map(|size| size.0), base.input_bytes),
            result_bytes: pick(asked.result.map(|size| size.0), base.result_bytes),
            host_call_bytes: pick(asked.hostcall_bytes.map(|size| size.0), base.host_call_bytes),
            log_lines: pick_small(asked.log_lines, base.log_lines),
            log_bytes: pick(asked.log_bytes.map(|size| size.0), base.log_bytes),
            concurrency: pick_small(asked.concurrency, base.concurrency),
            kv_bytes: base.kv_bytes,
        }
    }

    /// Lowers what is above the maxima of the policies in force.
    #[must_use]
    pub fn at_most(self, maxima: &LimitMaxima) -> Self {
        let size = |own: u64, max: Option<ByteSize>| max.map_or(own, |max| own.min(max.0));
        let count = |own: u32, max: Option<u32>| max.map_or(own, |max| own.min(max));
        Self {
            fuel: maxima.fuel.map_or(self.fuel, |max| self.fuel.min(max)),
            deadline: maxima.deadline.map_or(self.deadline, |max| self.deadline.min(max.0)),
            memory_bytes: size(self.memory_bytes, maxima.memory),
            input_bytes: size(self.input_bytes, maxima.input),
            result_bytes: size(self.result_bytes, maxima.result),
            host_call_bytes: size(self.host_call_bytes, maxima.hostcall_bytes),
            log_lines: count(self.log_lines, maxima.log_lines),
            log_bytes: size(self.log_bytes, maxima.log_bytes),
            concurrency: count(self.concurrency, maxima.concurrency),
            kv_bytes: self.kv_bytes,
        }
    }

    /// Lists the limits that maxima lower, for the permission card: the key in the manifest and
    /// what is left.
    #[must_use]
    pub fn lowered(&self, maxima: &LimitMaxima) -> Vec<Lowered> {
        let left = self.clone().at_most(maxima);
        let size = |bytes: u64| ByteSize(bytes).to_string();
        let rows = [
            ("fuel", self.fuel > left.fuel, left.fuel.to_string()),
            ("deadline", self.deadline > left.deadline, Span(left.deadline).to_string()),
            ("memory", self.memory_bytes > left.memory_bytes, size(left.memory_bytes)),
            ("input", self.input_bytes > left.input_bytes, size(left.input_bytes)),
            ("result", self.result_bytes > left.result_bytes, size(left.result_bytes)),
            ("log-lines", self.log_lines > left.log_lines, left.log_lines.to_string()),
            ("log-bytes", self.log_bytes > left.log_bytes, size(left.log_bytes)),
            ("concurrency", self.concurrency > left.concurrency, left.concurrency.to_string()),
            (
                "hostcall-bytes",
                self.host_call_bytes > left.host_call_bytes,
                size(left.host_call_bytes),
            ),
        ];
        let lowered = rows.into_iter().filter(|(_, is_lower, _)| *is_lower);
        lowered.map(|(key, _, max)| Lowered { key, max }).collect()
    }

    /// Sets what it may keep: what it asks for where that is less than the default, else what a
    /// person agreed to.
    #[must_use]
    pub fn keeping(self, asked: Option<ByteSize>, consented: Option<ByteSize>) -> Self {
        let asked = asked.map_or(KV_BYTES, |asked| asked.0);
        let max = consented.map_or(KV_BYTES, |consented| consented.0);
        Self { kv_bytes: asked.min(max.max(KV_BYTES)), ..self }
    }

    /// Says that a manifest asks to keep more than the default, for the permission card.
    #[must_use]
    pub fn kv_raise(asked: Option<ByteSize>) -> Option<Raise> {
        let asked = asked.filter(|asked| asked.0 > KV_BYTES)?;
        let default = ByteSize(KV_BYTES).to_string();
        Some(Raise { key: "kv", default, asked: asked.to_string() })
    }

    /// Lists what a manifest asks to be raised above the defaults, for the permission card.
    #[must_use]
    pub fn raises(asked: &LimitRequests) -> Vec<Raise> {
        let base = Self::default();
        let mut raises = Vec::new();
        let mut note = |key, default: String, asked: String| {
            raises.push(Raise { key, default, asked });
        };
        let count = |asked: Option<u64>, default: u64| asked.filter(|asked| *asked > default);
        let size = |asked: Option<ByteSize>, default: u64| asked.filter(|asked| asked.0 > default);
        if let Some(fuel) = count(asked.fuel, base.fuel) {
            note("fuel", base.fuel.to_string(), fuel.to_string());
        }
        if let Some(deadline) = asked.deadline.filter(|asked| asked.0 > base.deadline) {
            note("deadline", Span(base.deadline).to_string(), deadline.to_string());
        }
        for (key, asked, default) in [
            ("memory", asked.memory, base.memory_bytes),
            ("input", asked.input, base.input_bytes),
            ("result", asked.result, base.result_bytes),
            ("hostcall-bytes", asked.hostcall_bytes, base.host_call_bytes),
            ("log-bytes", asked.log_bytes, base.log_bytes),
        ] {
            if let Some(asked) = size(asked, default) {
                note(key, ByteSize(default).to_string(), asked.to_string());
            }
        }
        for (key, asked, default) in [
            ("log-lines", asked.log_lines, base.log_lines),
            ("concurrency", asked.concurrency, base.concurrency),
        ] {
            if let Some(asked) = count(asked.map(u64::from), u64::from(default)) {
                note(key, default.to_string(), asked.to_string());
            }
        }
        raises
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_request_holds_without_consent() {
        let asked =
            LimitRequests { memory: Some(ByteSize(1 << 20)), fuel: Some(5), ..Default::default() };
        let limits = Limits::effective(&asked, false);
        assert_eq!((limits.memory_bytes, limits.fuel), (1 << 20, 5));
        assert!(Limits::raises(&asked).is_empty());
    }

    #[test]
    fn a_higher_request_holds_only_with_consent() {
        let asked = LimitRequests {
            memory: Some(ByteSize(MEMORY_BYTES + 1)),
            concurrency: Some(CONCURRENCY + 1),
            ..Default::default()
        };
        assert_eq!(Limits::effective(&asked, false), Limits::default());
        assert_eq!(Limits::effective(&asked, true).memory_bytes, MEMORY_BYTES + 1);
        let keys: Vec<_> = Limits::raises(&asked).into_iter().map(|raise| raise.key).collect();
        assert_eq!(keys, ["memory", "concurrency"]);
    }

    #[test]
    fn what_is_kept_grows_only_with_consent() {
        let kept = |asked: Option<u64>, agreed: Option<u64>| {
            Limits::default().keeping(asked.map(ByteSize), agreed.map(ByteSize)).kv_bytes
        };
        assert_eq!(kept(None, None), KV_BYTES);
        assert_eq!(kept(Some(5), None), 5);
        assert_eq!(kept(Some(KV_BYTES + 1), None), KV_BYTES);
        assert_eq!(kept(Some(KV_BYTES + 1), Some(KV_BYTES + 1)), KV_BYTES + 1);
        assert_eq!(kept(Some(KV_BYTES + 2), Some(KV_BYTES + 1)), KV_BYTES + 1);
        assert!(Limits::kv_raise(Some(ByteSize(KV_BYTES))).is_none());
        assert!(Limits::kv_raise(Some(ByteSize(KV_BYTES + 1))).is_some());
    }

    #[test]
    fn a_maximum_lowers_and_never_raises() {
        let own = Limits { memory_bytes: 5 << 20, concurrency: 2, ..Limits::default() };
        let max = |bytes, count| LimitMaxima {
            memory: Some(ByteSize(bytes)),
            concurrency: Some(count),
            fuel: Some(u64::MAX),
            ..LimitMaxima::default()
        };
        assert_eq!(own.clone().at_most(&LimitMaxima::default()), own);
        assert_eq!(own.clone().at_most(&max(5 << 20, 2)), own);
        assert!(own.lowered(&max(5 << 20, 2)).is_empty());
        let left = own.clone().at_most(&max((5 << 20) - 1, 1));
        assert_eq!((left.memory_bytes, left.concurrency, left.fuel), ((5 << 20) - 1, 1, FUEL));
        let lowered = own.lowered(&max(4 << 20, 1));
        let shown: Vec<_> = lowered.iter().map(|it| (it.key, it.max.as_str())).collect();
        assert_eq!(shown, [("memory", "4 MiB"), ("concurrency", "1")]);
    }

    #[test]
    fn the_default_itself_is_no_raise() {
        let asked = LimitRequests { memory: Some(ByteSize(MEMORY_BYTES)), ..Default::default() };
        assert!(Limits::raises(&asked).is_empty());
    }
}
