//! Signals while something runs that can be stopped.
//!
//! Invariant: a signal stops what runs or, if nothing runs, ends the program: what listens to signals once
//! does so for as long as the process lives.
//! Not here: what is stopped (`attendant`, `chat`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::fault::CliError;
use super::stop::{Stop, end};

/// What asks to stop that which runs; none if nothing does.
type Running = Arc<Mutex<Option<watch::Sender<bool>>>>;

/// Hears signals.
pub(super) struct Interrupts(Running);

impl Interrupts {
    /// Listens to signals from now on.
    pub(super) fn listen() -> Result<Self, CliError> {
        Self::obeying(false)
    }

    /// Does the same; a second signal while something runs ends the program.
    pub(super) fn listen_twice() -> Result<Self, CliError> {
        Self::obeying(true)
    }

    fn obeying(insists: bool) -> Result<Self, CliError> {
        let running = Running::default();
        let (heard, listener) = (Arc::clone(&running), current_thread()?);
        let entered = listener.enter();
        // Before this returns: a signal must not come too early to be heard.
        let stop = Stop::listen();
        drop(entered);
        let listen = move || listener.block_on(obey(stop, &heard, insists));
        thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(CliError::Start)?;
        Ok(Self(running))
    }

    /// Does what can be stopped; what it is given turns true at a signal.
    pub(super) fn during<T>(&self, work: impl FnOnce(watch::Receiver<bool>) -> T) -> T {
        let (cancel, cancelled) = watch::channel(false);
        *hold(&self.0) = Some(cancel);
        let done = work(cancelled);
        *hold(&self.0) = None;
        done
    }
}

/// Makes a runtime for one thread.
pub(super) fn current_thread() -> Result<Runtime, CliError> {
    Builder::new_current_thread().enable_all().build().map_err(CliError::Start)
}

/// Only one value is put in or taken out under it, so it is whole whatever panicked.
fn hold(running: &Running) -> MutexGuard<'_, Option<watch::Sender<bool>>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes signals on until the process ends.
async fn obey(mut stop: Stop, running: &Running, insists: bool) {
    loop {
        stop.asked().await;
        match &*hold(running) {
            Some(cancel) if insists && *cancel.borrow() => end(),
            Some(cancel) => drop(cancel.send_replace(true)),
            None => end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_while_something_runs_asks_it_to_stop() {
        let (cancel, cancelled) = watch::channel(false);
        let running = Running::default();
        *hold(&running) = Some(cancel);
        let runtime = current_thread().unwrap();
        runtime.block_on(async {
            let mut cancelled = cancelled;
            tokio::select! {
                () = obey(Stop::listen(), &running, false) => {}
                () = async {
                    let own = rustix::process::getpid();
                    rustix::process::kill_process(own, rustix::process::Signal::HUP).unwrap();
                    cancelled.wait_for(|asked| *asked).await.unwrap();
                } => {}
            }
        });
    }
}
