//! Where a guest was when it was ended, as a person reads it.
//!
//! Not here: what is shown and what is left out (`app`).

use std::path::Path;

use ax_manifest::Digest;

use crate::app::{App, Located, SourceMap, shown};
use crate::plugin::Frame;

/// Columns after which a name pushes its place to the right.
const FUNCTION_WIDTH: usize = 40;

/// What is shown of a backtrace.
#[derive(Debug, Default)]
pub(super) struct Backtrace {
    pub(super) shown: Vec<Located>,
    /// Functions that are not.
    left_out: usize,
}

impl Backtrace {
    /// Finds out what there is to know of `frames` of a component, if it was built in a project that
    /// `here` lies in, and chooses the plugin's own functions or `all`.
    pub(super) fn of(
        app: &App,
        here: &Path,
        component: &Digest,
        frames: &[Frame],
        all: bool,
    ) -> Self {
        if frames.is_empty() {
            return Self::default();
        }
        let source = SourceMap::of(&app.config().toolchains.value, here, component, frames);
        let located: Vec<Located> = frames.iter().flat_map(|frame| source.locate(frame)).collect();
        let shown = shown(&located, all);
        Self { left_out: located.len() - shown.len(), shown }
    }

    /// Writes it; nothing if there is nothing worth reading.
    pub(super) fn text(&self) -> String {
        if self.shown.is_empty() {
            return String::new();
        }
        let longest = self.shown.iter().map(|it| it.function.chars().count()).max();
        let width = longest.unwrap_or(0).min(FUNCTION_WIDTH);
        let lines = self.shown.iter().map(|it| {
            let line = format!("  {:<width$}  {}", it.function, place(it));
            format!("{}\n", line.trim_end())
        });
        let rest = match self.left_out {
            0 => String::new(),
            count => format!("  and {count} more, of libraries and of what calls it: -v\n"),
        };
        format!("where it was, the innermost first:\n{}{rest}", lines.collect::<String>())
    }
}

/// Writes a place as compilers do: `src/lib.rs:7:5`.
pub(super) fn place(located: &Located) -> String {
    let number = |number: Option<u32>| number.map_or_else(String::new, |it| format!(":{it}"));
    let Some(file) = &located.file else { return String::new() };
    format!("{file}{}{}", number(located.line), number(located.column))
}
