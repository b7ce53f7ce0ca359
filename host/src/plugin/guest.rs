//! What the host keeps for one running instance, and for the call it runs.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ax_manifest::Capability;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::watch;
use wasmtime::CallHook;
use wasmtime::component::ResourceTable;

use super::Release;
use super::agent::Seat;
use super::asked::Asking;
use super::folder::Folder;
use super::gate::{Gate, Refusal};
use super::imports::{Ended, Http, Keeping, OpenFiles, Wasi};
use super::limits;
use super::log::Log;
use super::meter::Meter;
use super::models::Models;
use super::once::Once;
use super::outbox::Outbox;
use super::purse::Budget;
use super::secrets::{CallSecrets, Injection};
use super::trace::Mark;
use super::written::Accounts;
use crate::chat::RequestId;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::kv::{Kv, KvError, Quota, Space};
use crate::workflow::TaskId;

/// Names one call, everywhere: 26 characters, sorted by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// Milliseconds since the Unix epoch when the process began to number its calls.
    at_ms: u64,
    /// Tells processes apart that began in the same millisecond.
    process: u32,
    number: u32,
}

impl CallId {
    /// Makes an id from the time, the process and a number that the process counts up.
    #[must_use]
    pub fn new(at_ms: u64, process: u32, number: u32) -> Self {
        Self { at_ms, process, number }
    }
}

impl CallId {
    /// Names the request of this call with that number, from 0, to models: a UUID of the version for
    /// layouts of one's own (RFC 9562 §5.8), sorted by time.
    pub(super) fn request(self, number: usize) -> RequestId {
        let (process, number) = (u128::from(self.process), number as u128);
        // 48 bits of time, 22 of the process, 32 of the call and 20 of the request, around the six
        // that say what it is. No manifest asks for as many as 2^20 requests.
        let high = u128::from(self.at_ms & 0xffff_ffff_ffff) << 16 | (process >> 10 & 0xfff);
        let low = (process & 0x3ff) << 52 | u128::from(self.number) << 20 | (number & 0xf_ffff);
        let bits = high << 64 | low;
        RequestId(uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid())
    }
}

impl From<CallId> for Arc<str> {
    fn from(id: CallId) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(26);
        // A text takes whatever is written.
        write!(text, "{id}").ok();
        text.into()
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:011x}{:06x}{:08x}", self.at_ms, self.process & 0xff_ffff, self.number)
    }
}

/// How far a call says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
    /// One line for people.
    pub note: String,
}

/// What a guest is shown of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum World {
    /// The host's clock and random numbers.
    Real,
    /// Time stands still and random numbers repeat, so that `describe` gives the same answer
    /// everywhere.
    Frozen,
    /// Time begins here, in milliseconds since the Unix epoch, and moves by waiting alone; random
    /// numbers repeat.
    Rehearsal {
        /// When it begins.
        at_ms: u64,
    },
    /// Time is that of the task's last entry, and moves by waiting beside; random numbers are the task's.
    Task {
        /// The task.
        task: TaskId,
        /// When the run of its agent begins, in milliseconds since the Unix epoch.
        began_ms: u64,
        /// What random numbers are made of.
        seed: u64,
    },
}

/// Reads a variable of the host's environment by name.
pub type EnvironmentLookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What the functions of this host reach outside a call; one for all plugins.
pub(super) struct Outside {
    pub(super) kv: Kv,
    /// Runs what blocks on the data.
    pub(super) keeping: Handle,
    pub(super) accounts: Accounts,
    pub(super) egress: Arc<Egress>,
    /// None where no model is set up.
    pub(super) models: Option<Arc<dyn Models>>,
}

/// What belongs to a release, whatever the call.
pub(super) struct Holdings {
    /// Who the plugin is, where it keeps data and connections: its name and source.
    pub(super) owner: Arc<str>,
    /// Its name.
    pub(super) name: Arc<str>,
    /// Its data in the key-value store.
    pub(super) space: Space,
    /// What the operator set for it.
    pub(super) settings: Arc<Map<String, Value>>,
    /// Secrets it asks to have put into requests.
    pub(super) injections: Vec<Injection>,
    /// What one call may use of models.
    pub(super) budgets: Vec<Budget>,
}

impl Holdings {
    pub(super) fn of(release: &Release) -> Self {
        let owner: Arc<str> = release.identity.to_string().into();
        let quota = Quota { keys_max: limits::KV_KEYS, bytes_max: release.limits.kv_bytes };
        Self {
            space: Space { owner: Arc::clone(&owner), state: release.state, quota },
            owner,
            name: release.identity.name.to_string().into(),
            settings: Arc::clone(&release.settings),
            injections: release.injections.clone(),
            budgets: release.budgets.clone(),
        }
    }

    /// What a component has that is only described.
    pub(super) fn none() -> Self {
        let (owner, quota) = (Arc::from(""), Quota { keys_max: 0, bytes_max: 0 });
        Self {
            space: Space { owner: Arc::clone(&owner), state: 0, quota },
            owner,
            name: Arc::from(""),
            settings: Arc::default(),
            injections: Vec::new(),
            budgets: Vec::new(),
        }
    }
}

/// The call an instance is running.
pub(super) struct CallFrame {
    pub(super) id: CallId,
    pub(super) depth: u8,
    /// When it is ended, on the clock's monotonic time.
    pub(super) ends_at: Duration,
    pub(super) world: World,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) environment: EnvironmentLookup,
    pub(super) progress: Option<watch::Sender<Progress>>,
    pub(super) cancel: Option<watch::Receiver<bool>>,
    pub(super) holdings: Arc<Holdings>,
    pub(super) outside: Arc<Outside>,
    /// Values of the secrets that may be used, and the scan for them.
    pub(super) secrets: CallSecrets,
    /// There if it has a key.
    pub(super) once: Option<Once>,
}

/// The data of one store: everything the host knows of a running instance.
///
/// `gate`, `outbox`, `asking`, `trouble` and `call` belong to one call and are replaced when a warm instance serves the
/// next; the rest lives as long as the instance.
pub(super) struct Guest {
    pub(super) gate: Gate,
    pub(super) outbox: Outbox,
    pub(super) asking: Asking,
    pub(super) call: CallFrame,
    pub(super) meter: Meter,
    pub(super) log: Log,
    pub(super) files: OpenFiles,
    pub(super) http: Http,
    /// What the key-value store was last asked to do.
    pub(super) keeping: Option<Keeping>,
    /// Why the key-value store could not be used, the first time.
    pub(super) trouble: Arc<OnceLock<KvError>>,
    pub(super) table: ResourceTable,
    /// Its place in a task; none of guests that are no agents.
    pub(super) seat: Option<Box<Seat>>,
    /// Made when the guest first asks for something of it.
    pub(super) wasi: Option<Box<Wasi>>,
}

impl Guest {
    pub(super) fn new(
        gate: Gate,
        meter: Meter,
        log: Log,
        call: CallFrame,
        folders: Arc<[Folder]>,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::RESOURCES);
        Self {
            gate,
            outbox: Outbox::default(),
            asking: Asking::default(),
            call,
            meter,
            log,
            files: OpenFiles::new(folders),
            http: Http::default(),
            keeping: None,
            trouble: Arc::default(),
            table,
            seat: None,
            wasi: None,
        }
    }

    /// Makes a warm instance ready for its next call: nothing of the call before is left here.
    pub(super) fn begin(&mut self, gate: Gate, call: CallFrame) {
        self.log.restart(call.secrets.scan().clone());
        self.meter.restart();
        self.files.restart();
        self.gate = gate;
        self.outbox = Outbox::default();
        self.asking = Asking::default();
        self.trouble = Arc::default();
        self.call = call;
    }

    /// Says that a function of an interface is called, for the trace: not every function passes the
    /// gate.
    pub(super) fn seen(&mut self, capability: Capability) -> &mut Self {
        if let Some(recorder) = self.gate.recorder() {
            recorder.interface(capability.row().interface);
        }
        self
    }

    /// Tells the trace that the engine goes from guest to host or back, with this much fuel left.
    pub(super) fn trace(&mut self, hook: CallHook, fuel: u64) {
        let (bytes, log_lines) = (self.gate.bytes(), self.log.count());
        let mark = Mark { fuel, bytes, log_lines };
        match (hook, self.gate.recorder()) {
            (CallHook::CallingHost, Some(recorder)) => recorder.enter(mark),
            (CallHook::ReturningFromHost, Some(recorder)) => recorder.leave(mark),
            _ => {}
        }
    }

    /// Ends what the call sends, keeps and writes: nothing new begins, and what has begun is given
    /// time to be done.
    pub(super) async fn end(&mut self) -> Ended {
        self.outbox.close();
        match self.keeping.take() {
            None => self.files.end().await,
            Some(keeping) => tokio::join!(self.files.end(), keeping.end()).0,
        }
    }

    /// Puts what was written without a line's end into the log.
    pub(super) fn end_lines(&mut self) {
        if let Some(wasi) = &self.wasi {
            wasi.end_lines();
        }
    }

    /// Charges what streams and bodies moved since the last time; returns the fuel to take now.
    pub(super) fn settle(&mut self) -> Result<u64, Refusal> {
        let said = self.wasi.as_ref().map_or(0, |wasi| wasi.take_moved_bytes());
        let moved = self.files.take_streamed_bytes() + self.outbox.take_moved_bytes() + said;
        if moved > 0 {
            self.gate.charge(moved)?;
        }
        Ok(self.gate.take_fuel())
    }
}
