//! The signals that ask a command to stop, so that it ends by itself and leaves nothing behind.
//!
//! Not here: what is ended then (the commands).

use std::task::Poll;
use std::thread;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::fault::{CliError, exit};

/// Turns true at the first signal, and calls `tell` then. A second one ends the program, whatever it
/// waits for.
///
/// # Errors
///
/// When there is no thread to listen on.
pub(super) fn asked_to_stop(
    tell: impl FnOnce() + Send + 'static,
) -> Result<watch::Receiver<bool>, CliError> {
    let (asked, stop) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(CliError::Start)?;
    let entered = runtime.enter();
    // Before this returns: a signal must not come too early to be heard.
    let mut signals = Stop::listen();
    drop(entered);
    // It waits as long as the process lives, so nobody joins it.
    let listening = thread::Builder::new().name("ax-signals".to_owned()).spawn(move || {
        runtime.block_on(signals.asked());
        asked.send_replace(true);
        tell();
        runtime.block_on(signals.asked());
        end();
    });
    listening.map_err(CliError::Start)?;
    Ok(stop)
}

/// Ends the program as the signal would have, had nobody listened.
#[expect(clippy::disallowed_methods, reason = "`main` may be waiting for a file or a lock")]
pub(super) fn end() -> ! {
    std::process::exit(exit::INTERRUPTED.into())
}

/// The signals that ask a command to stop.
pub(super) struct Stop(Vec<Signal>);

impl Stop {
    /// Listens from now on; what cannot be listened to keeps its usual effect.
    pub(super) fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let kinds = kinds.into_iter().filter(|kind| !is_ignored(*kind));
        Self(kinds.filter_map(|kind| signal(kind).ok()).collect())
    }

    /// Waits for one of them.
    pub(super) async fn asked(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Answers whether this program was started to outlive a signal, as by `nohup`. Where the system does not
/// tell, it was not.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
