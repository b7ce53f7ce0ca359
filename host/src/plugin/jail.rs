//! Compiles untrusted components in a child process with hard limits.
//!
//! ```text
//! host ── component on stdin ──→ `ax __compile` (2 GiB, 60 s CPU, 256 MiB of output) ──→ file
//! ```
//!
//! A component of 598 bytes can make the compiler ask for more memory than there is, which aborts
//! the process it runs in. So it never runs in the host's. The child sets its own limits before it
//! reads a byte, reads no configuration and knows no plugin.
//!
//! Not here: what may be compiled at all (`ax_manifest::inspect` refuses the worst beforehand).

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};

use ax_manifest::{ByteSize, Digest};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::engine;
use super::limits;
use super::text;

/// The hidden command of `ax` that the child runs.
pub const COMMAND: &str = "__compile";

/// Exit code of a child whose component the compiler refused, with the reason on standard error.
const REFUSED: u8 = 3;
/// Bytes of the child's standard error that are read.
const REASON_BYTES: u64 = 4 << 10;

/// Why a component could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum JailError {
    /// The compiler says the component is wrong.
    #[error("the compiler refused it: {reason}")]
    Refused {
        /// What the compiler says.
        reason: String,
    },
    /// The child used up memory, time or output, or ended in another abnormal way.
    #[error(
        "it is too expensive to compile (stopped by {how}; allowed are {memory} of memory, \
         {cpu} s of CPU and {output} of machine code)",
        memory = ByteSize(limits::COMPILE_MEMORY_BYTES),
        cpu = limits::COMPILE_CPU_SECONDS,
        output = ByteSize(limits::COMPILED_BYTES)
    )]
    TooExpensive {
        /// The signal or code that ended it.
        how: String,
    },
    /// The child could not be started or spoken to.
    #[error("cannot run the compile process `{program}`", program = .program.display())]
    Process {
        /// The program.
        program: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

impl JailError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { reason } if reason.contains("component model async") => Some(
                "for a QuickJS build add the flag `--backend-qjs-disable-async` to \
                 `jco componentize`"
                    .to_owned(),
            ),
            Self::Refused { .. } => Some("build it for the target wasm32-wasip2".to_owned()),
            Self::TooExpensive { .. } => {
                Some("build it with optimisation for size and without debug info".to_owned())
            }
            Self::Process { .. } => Some("ax doctor".to_owned()),
        }
    }
}

/// Where the jail's child comes from and how many run at once.
#[derive(Debug)]
pub struct Jail {
    program: PathBuf,
    slots: Slots,
}

impl Jail {
    /// Uses `program` (an `ax` binary) as the child; one at a time for every two cores.
    #[must_use]
    pub fn new(program: PathBuf, cores: usize) -> Self {
        Self { program, slots: Slots::new((cores / 2).max(1)) }
    }

    /// Compiles `component` into `output`, a file the caller created and will check and rename.
    ///
    /// Blocks; a slow component takes seconds. Call it outside the executors.
    ///
    /// # Errors
    ///
    /// [`JailError`].
    pub fn compile(&self, component: &[u8], output: &File) -> Result<(), JailError> {
        let _slot = self.slots.take();
        let fail = |source| JailError::Process { program: self.program.clone(), source };
        let mut child = Command::new(&self.program)
            .arg(COMMAND)
            // Nothing of the operator's environment reaches a process that reads foreign bytes.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::from(output.try_clone().map_err(fail)?))
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A child that ended early closes the pipe; its exit says why.
            match stdin.write_all(component) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
                Err(error) => return Err(fail(error)),
            }
        }
        let mut reason = Vec::new();
        if let Some(stderr) = child.stderr.take() {
            stderr.take(REASON_BYTES).read_to_end(&mut reason).map_err(fail)?;
        }
        let status = child.wait().map_err(fail)?;
        verdict(status, &reason)
    }
}

fn verdict(status: ExitStatus, reason: &[u8]) -> Result<(), JailError> {
    if status.success() {
        return Ok(());
    }
    if status.code() == Some(i32::from(REFUSED)) {
        let reason = String::from_utf8_lossy(reason);
        let reason = text::scrub(reason.trim(), limits::ERROR_TEXT_BYTES).replace('\n', " ");
        return Err(JailError::Refused { reason });
    }
    // Running out of memory aborts, running out of time or output is a signal; whatever else ends
    // a compiler abnormally is treated the same.
    Err(JailError::TooExpensive { how: status.to_string() })
}

/// The child's side: sets its limits, compiles standard input, writes machine code to standard
/// output. Returns the exit code.
pub fn run_child() -> u8 {
    let outcome = confine().and_then(|()| compile_streams());
    match outcome {
        Ok(()) => 0,
        Err(reason) => {
            // The parent may have gone; then nobody needs the reason.
            drop(writeln!(std::io::stderr(), "{reason}"));
            REFUSED
        }
    }
}

fn confine() -> Result<(), String> {
    let limit = |resource, value: u64| {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
            .map_err(|error| format!("cannot limit the compile process: {error}"))
    };
    limit(Resource::As, limits::COMPILE_MEMORY_BYTES)?;
    limit(Resource::Cpu, limits::COMPILE_CPU_SECONDS)?;
    limit(Resource::Fsize, limits::COMPILED_BYTES)?;
    limit(Resource::Core, 0)?;
    die_with_parent()
}

/// Ends the child when the host dies: nobody would read what it makes.
#[cfg(target_os = "linux")]
fn die_with_parent() -> Result<(), String> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(|error| format!("cannot tie the compile process to its host: {error}"))
}

/// Elsewhere the limit on CPU ends it.
#[cfg(not(target_os = "linux"))]
fn die_with_parent() -> Result<(), String> {
    Ok(())
}

fn compile_streams() -> Result<(), String> {
    let mut component = Vec::new();
    std::io::stdin()
        .lock()
        .take(limits::COMPONENT_BYTES + 1)
        .read_to_end(&mut component)
        .map_err(|error| format!("cannot read the component: {error}"))?;
    if component.len() as u64 > limits::COMPONENT_BYTES {
        return Err(format!("it is larger than {}", ByteSize(limits::COMPONENT_BYTES)));
    }
    let (_, compiled) = engine::compile_here(&component).map_err(|error| format!("{error:#}"))?;
    std::io::stdout()
        .lock()
        .write_all(&compiled)
        .map_err(|error| format!("cannot write the machine code: {error}"))
}

/// Counts children that may run at once.
#[derive(Debug)]
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    fn take(&self) -> Slot<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Slot(self)
    }
}

struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

/// Returns the name compiled code has in the cache: what it was made from and for.
#[must_use]
pub(super) fn file_name(component: &Digest, engine: &Digest) -> String {
    format!("{}-{}.cwasm", component.hex(), engine.short())
}

/// Returns the program of this process, which is the jail's child too.
///
/// # Errors
///
/// When the operating system does not tell.
pub fn own_program() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    // A binary replaced by an upgrade while it runs keeps working under this name on Linux.
    let running = Path::new("/proc/self/exe");
    Ok(if running.exists() { running.to_owned() } else { program })
}
