//! Waits for calls: shows how far they are, and stops one when a person asks.
//!
//! Invariant: a signal that asks to stop ends the call that runs or, between calls and after the last,
//! the program: what listens to signals once does so for as long as the process lives.
//! Not here: what is called, and what is printed of it (`tool`, `profile`).

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use indicatif::ProgressBar;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::fault::CliError;
use super::output::Output;
use super::stop::{Stop, end};
use super::tool::Callee;
use crate::plugin::{Call, Progress, Report};

/// What asks the call that runs to stop; none between calls.
type Running = Arc<Mutex<Option<watch::Sender<bool>>>>;

/// Waits for the calls of one command.
pub(super) struct Attendant {
    output: Output,
    runtime: Runtime,
    running: Running,
}

impl Attendant {
    /// Listens to signals from now on.
    pub(super) fn new(output: Output) -> Result<Self, CliError> {
        let running = Running::default();
        let (heard, listener) = (Arc::clone(&running), current_thread()?);
        let entered = listener.enter();
        // Before this returns: a signal must not come too early to be heard.
        let stop = Stop::listen();
        drop(entered);
        let listen = move || listener.block_on(obey(stop, &heard));
        thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(CliError::Start)?;
        Ok(Self { output, runtime: current_thread()?, running })
    }

    /// Makes a call and waits for it.
    pub(super) fn attend(&self, callee: &Callee, call: Call) -> Report {
        let (progress, seen) = watch::channel(Progress::default());
        let (cancel, cancelled) = watch::channel(false);
        let call = Call { progress: Some(progress), cancel: Some(cancelled), ..call };
        *hold(&self.running) = Some(cancel);
        let report = self.runtime.block_on(self.watch(callee, call, seen));
        *hold(&self.running) = None;
        report
    }

    async fn watch(
        &self,
        callee: &Callee,
        call: Call,
        mut progress: watch::Receiver<Progress>,
    ) -> Report {
        let mut running = std::pin::pin!(callee.host.call(&callee.plugin, call));
        // Whoever tells nothing of how far they are has no bar.
        let mut bar = ProgressBar::hidden();
        let mut watching = true;
        loop {
            tokio::select! {
                report = &mut running => {
                    bar.finish_and_clear();
                    return report;
                }
                changed = progress.changed(), if watching => {
                    watching = changed.is_ok();
                    if watching && self.output.is_watched() && bar.is_hidden() {
                        bar = ProgressBar::new_spinner();
                    }
                    bar.set_message(line(&progress.borrow_and_update()));
                }
            }
        }
    }
}

fn current_thread() -> Result<Runtime, CliError> {
    Builder::new_current_thread().enable_all().build().map_err(CliError::Start)
}

/// Only one value is put in or taken out under it, so it is whole whatever panicked.
fn hold(running: &Running) -> std::sync::MutexGuard<'_, Option<watch::Sender<bool>>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes signals on until the process ends.
async fn obey(mut stop: Stop, running: &Running) {
    loop {
        stop.asked().await;
        match &*hold(running) {
            Some(cancel) => drop(cancel.send_replace(true)),
            None => end(),
        }
    }
}

/// Writes how far a call is; of how much only if that is known.
fn line(progress: &Progress) -> String {
    let Progress { done, total, note } = progress;
    let far = match total.filter(|total| *total > 0) {
        Some(total) => format!("{done} of {total}"),
        None if *done > 0 => done.to_string(),
        None => String::new(),
    };
    [far.as_str(), note].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_progress_is_not_shown() {
        let told = |done, total, note: &str| line(&Progress { done, total, note: note.to_owned() });
        assert_eq!(told(0, None, ""), "");
        assert_eq!(told(0, Some(0), "reads"), "reads");
        assert_eq!(told(3, None, "reads"), "3  reads");
        assert_eq!(told(0, Some(9), ""), "0 of 9");
    }

    #[test]
    fn a_signal_in_a_call_asks_it_to_stop() {
        let (cancel, cancelled) = watch::channel(false);
        let running = Running::default();
        *hold(&running) = Some(cancel);
        let runtime = current_thread().unwrap();
        runtime.block_on(async {
            let mut cancelled = cancelled;
            tokio::select! {
                () = obey(Stop::listen(), &running) => {}
                () = async {
                    let own = rustix::process::getpid();
                    rustix::process::kill_process(own, rustix::process::Signal::HUP).unwrap();
                    cancelled.wait_for(|asked| *asked).await.unwrap();
                } => {}
            }
        });
    }
}
