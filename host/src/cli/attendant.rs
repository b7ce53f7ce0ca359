//! Waits for calls: shows how far they are, and stops one when a person asks.
//!
//! Not here: signals (`interrupts`), what is called, and what is printed of it (`tool`, `profile`).

use indicatif::ProgressBar;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::fault::CliError;
use super::interrupts::{Interrupts, current_thread};
use super::output::Output;
use super::tool::Callee;
use crate::plugin::{Call, Progress, Report};

/// Waits for the calls of one command.
pub(super) struct Attendant {
    output: Output,
    runtime: Runtime,
    interrupts: Interrupts,
}

impl Attendant {
    /// Listens to signals from now on.
    pub(super) fn new(output: Output) -> Result<Self, CliError> {
        let interrupts = Interrupts::listen()?;
        Ok(Self { output, runtime: current_thread()?, interrupts })
    }

    /// Makes a call and waits for it.
    pub(super) fn attend(&self, callee: &Callee, call: Call) -> Report {
        let (progress, seen) = watch::channel(Progress::default());
        self.interrupts.during(|cancelled| {
            let call = Call { progress: Some(progress), cancel: Some(cancelled), ..call };
            self.runtime.block_on(self.watch(callee, call, seen))
        })
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
}
