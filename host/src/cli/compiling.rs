//! Shows that a component is being compiled: a line for a person who waits.
//!
//! ```text
//! 0 s ────── 0.5 s ─────────────────────────────────── end ── more than 2 s: one line stays
//!   nothing        ⠋ compiling ax:fetch (1.3 MiB), 3 s          compiled ax:fetch (1.3 MiB) in 4.2 s
//! ```
//!
//! Only on a terminal, and neither with `--quiet` nor with `--json`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output::Output;
use super::render::size;
use crate::plugin::{Compilation, CompileWatch};

/// Whoever waits less does not wonder: a line that only flashes up is worse than none.
const SHOWN_AFTER: Duration = Duration::from_millis(500);

/// Whoever waited longer wants to know what for, and that it will not be so each time.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// Between two looks at the clock: ten steps of the spinner a second.
const STEP: Duration = Duration::from_millis(100);

/// Draws a line while something is compiled.
pub(super) struct Spinner {
    output: Output,
    bar: Mutex<ProgressBar>,
}

impl Spinner {
    pub(super) fn new(output: Output) -> Self {
        Self { output, bar: Mutex::new(ProgressBar::hidden()) }
    }

    fn replace(&self, bar: ProgressBar) -> ProgressBar {
        std::mem::replace(&mut *self.bar.lock().unwrap_or_else(PoisonError::into_inner), bar)
    }
}

impl CompileWatch for Spinner {
    fn began(&self, compilation: &Compilation<'_>) {
        if !self.output.is_watched() {
            return;
        }
        let what = what(compilation);
        let style = ProgressStyle::with_template("{line}").map(|style| {
            style.with_key("line", move |state: &ProgressState, drawn: &mut dyn std::fmt::Write| {
                // A terminal that is gone is told nothing.
                write!(drawn, "{}", line(&what, state.elapsed()).unwrap_or_default()).ok();
            })
        });
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.enable_steady_tick(STEP);
        self.replace(bar).finish_and_clear();
    }

    fn ended(&self, compilation: &Compilation<'_>, took: Duration) {
        self.replace(ProgressBar::hidden()).finish_and_clear();
        if self.output.is_watched()
            && let Some(told) = told(&what(compilation), took)
        {
            self.output.note(&told);
        }
    }
}

fn what(compilation: &Compilation<'_>) -> String {
    format!("{} ({})", compilation.plugin, size(compilation.component_bytes))
}

/// Writes the line that is drawn after some time; none at first.
fn line(what: &str, elapsed: Duration) -> Option<String> {
    const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
    if elapsed < SHOWN_AFTER {
        return None;
    }
    let step = usize::try_from(elapsed.as_millis() / STEP.as_millis()).unwrap_or_default();
    let frame = FRAMES[step % FRAMES.len()];
    Some(format!("{frame} compiling {what}, {} s", elapsed.as_secs()))
}

/// Writes the line that stays; none after a short time.
fn told(what: &str, took: Duration) -> Option<String> {
    (took > TOLD_AFTER).then(|| format!("compiled {what} in {:.1} s", took.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHAT: &str = "ax:fetch (1.3 MiB)";

    #[test]
    fn nothing_is_drawn_before_half_a_second() {
        for ms in [0, 100, 499] {
            assert_eq!(line(WHAT, Duration::from_millis(ms)), None, "{ms}");
        }
        let first = line(WHAT, Duration::from_millis(500)).unwrap();
        assert_eq!(first, "⠴ compiling ax:fetch (1.3 MiB), 0 s");
        let later = line(WHAT, Duration::from_millis(61_200)).unwrap();
        assert_eq!(later, "⠹ compiling ax:fetch (1.3 MiB), 61 s");
    }

    #[test]
    fn only_what_took_long_is_told() {
        for ms in [0, 500, 2_000] {
            assert_eq!(told(WHAT, Duration::from_millis(ms)), None, "{ms}");
        }
        let line = told(WHAT, Duration::from_millis(2_049)).unwrap();
        assert_eq!(line, "compiled ax:fetch (1.3 MiB) in 2.0 s");
    }

    #[test]
    fn without_a_terminal_nothing_is_drawn_or_told() {
        let spinner = Spinner::new(Output::early(true));
        let plugin = "ax:fetch".parse().unwrap();
        let compilation = Compilation { plugin: &plugin, component_bytes: 1 << 20 };
        spinner.began(&compilation);
        assert!(spinner.bar.lock().unwrap().is_hidden());
        spinner.ended(&compilation, Duration::from_secs(60));
    }
}
