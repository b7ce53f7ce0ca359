//! What the host keeps for one running instance.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ax_manifest::Capability;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::watch;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use super::folder::Folder;
use super::gate::{Gate, Needs, Refusal};
use super::imports::OpenFiles;
use super::limits;
use super::log::Log;
use super::meter::Meter;
use crate::clock::Clock;

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
}

/// Reads a variable of the host's environment by name.
pub type EnvironmentLookup = fn(&str) -> Option<String>;

/// The call an instance is running.
pub(super) struct CallFrame {
    pub(super) id: CallId,
    pub(super) depth: u8,
    /// When it is ended, on the clock's monotonic time.
    pub(super) ends_at: Duration,
    pub(super) world: World,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Arc<Map<String, Value>>,
    pub(super) environment: EnvironmentLookup,
    pub(super) progress: Option<watch::Sender<Progress>>,
    pub(super) cancel: Option<watch::Receiver<bool>>,
}

/// The data of one store: everything the host knows of a running instance.
pub(super) struct Guest {
    pub(super) gate: Gate,
    pub(super) meter: Meter,
    pub(super) log: Log,
    pub(super) call: CallFrame,
    pub(super) files: OpenFiles,
    pub(super) table: ResourceTable,
    /// Made when the guest first asks for something of it.
    pub(super) wasi: Option<Box<WasiCtx>>,
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
        Self { gate, meter, log, call, files: OpenFiles::new(folders), table, wasi: None }
    }

    /// Charges what streams moved since the last time; returns the fuel that is due.
    pub(super) fn settle(&mut self) -> Result<u64, Refusal> {
        let streamed = self.files.take_streamed_bytes();
        if streamed > 0 {
            self.gate.pass(Capability::WasiIoStreams, Needs::Nothing, streamed)?;
        }
        Ok(self.gate.take_fuel_due())
    }
}
