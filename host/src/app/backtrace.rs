//! Where a guest was, as its author knows it: functions, files and lines, without those of libraries.
//!
//! ```text
//! frames ──→ lines of source, if the component was built in a project here ──→ whose is each
//! ```
//!
//! Invariant: what is shown of a component is bounded by [`FRAMES_SHOWN`] and [`TEXT_BYTES`]; names
//! and paths are scrubbed.
//! Not here: reading DWARF (`project`), how it is printed (`cli`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ax_manifest::{Digest, without_debug_info};
use serde::Serialize;

use crate::plugin::{Frame, demangled, scrub};
use crate::project::{Place, debug_info, places};

/// Functions that are shown.
const FRAMES_SHOWN: usize = 32;

/// Bytes of all that is shown of a backtrace.
const TEXT_BYTES: usize = 4 << 10;

/// Bytes of a path.
const PATH_BYTES: usize = 256;

/// How functions begin that are nobody's own: the libraries of Rust, the SDK, what compilers write.
const LIBRARIES: [&str; 22] = [
    "<",
    "std::",
    "core::",
    "alloc::",
    "__rust",
    "__rustc",
    "rust_",
    "_rust",
    "panic_",
    "hashbrown::",
    "serde_json::",
    "serde_core::",
    "serde::",
    "dlmalloc::",
    "wit_bindgen::",
    "wasip2::",
    "ax_sdk::",
    "cabi_",
    "__wasm",
    "__wasi",
    "wasi_snapshot_preview1",
    "abort",
];

/// How functions of interpreters begin: what they run is told by their own stacks.
const INTERPRETERS: [&str; 7] = ["JS_", "js_", "js::", "Py", "_Py", "qjs_", "__JS_"];

/// One function that was running.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Located {
    /// Its name.
    pub function: String,
    /// The file, as seen from the project; whole if it lies elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Whether it is of the plugin itself, as far as can be told, and of no library.
    pub is_own: bool,
}

/// What is known of the source of a component.
#[derive(Debug, Default)]
pub struct SourceMap {
    /// The project it was built in; none if nothing is known.
    project: Option<PathBuf>,
    places: BTreeMap<u64, Vec<Place>>,
}

impl SourceMap {
    /// Looks where the code of `frames` came from, if `component` was built in a project that `here`
    /// lies in; `toolchains` keep what was built.
    #[must_use]
    pub fn of<'a>(
        toolchains: &Path,
        here: &Path,
        component: &Digest,
        frames: impl IntoIterator<Item = &'a Frame>,
    ) -> Self {
        let Ok(here) = here.canonicalize() else { return Self::default() };
        let found = here.ancestors().find_map(|folder| {
            debug_info(toolchains, folder, component).map(|bytes| (folder.to_owned(), bytes))
        });
        let Some((project, bytes)) = found else { return Self::default() };
        let ran = without_debug_info(&bytes);
        // Anybody may have changed the file: a wrong line is worse than none.
        if Digest::of(&ran) != *component {
            return Self::default();
        }
        let offsets = frames.into_iter().filter_map(|frame| frame.offset);
        Self { project: Some(project), places: places(&bytes, &ran, offsets) }
    }

    /// Says which functions a frame stands for, the innermost first: compilers put one into another.
    #[must_use]
    pub fn locate(&self, frame: &Frame) -> Vec<Located> {
        let places = frame.offset.and_then(|offset| self.places.get(&offset));
        match (places, &self.project) {
            (Some(places), Some(project)) => {
                places.iter().map(|place| located(project, place, frame)).collect()
            }
            _ => {
                let function = frame.function.clone().unwrap_or_else(|| "?".to_owned());
                let is_own = is_own(&function);
                vec![Located { function, file: None, line: None, column: None, is_own }]
            }
        }
    }
}

/// Says where a guest of the project in `here` was: the plugin's own functions.
pub(super) fn own(
    toolchains: &Path,
    here: &Path,
    component: &Digest,
    frames: &[Frame],
) -> Vec<Located> {
    let source = SourceMap::of(toolchains, here, component, frames);
    let located: Vec<_> = frames.iter().flat_map(|frame| source.locate(frame)).collect();
    shown(&located, false)
}

/// Chooses what is shown of a backtrace: the plugin's own functions, or `all`.
#[must_use]
pub fn shown(located: &[Located], all: bool) -> Vec<Located> {
    let is_interpreted = located.iter().any(|it| starts_with_any(&it.function, &INTERPRETERS));
    let chosen = located.iter().filter(|it| all || (it.is_own && !is_interpreted));
    let mut room = TEXT_BYTES;
    let fits = |it: &&Located| {
        let bytes = it.function.len() + it.file.as_ref().map_or(0, String::len);
        let left = room.checked_sub(bytes);
        room = left.unwrap_or(0);
        left.is_some()
    };
    chosen.take(FRAMES_SHOWN).take_while(fits).cloned().collect()
}

fn located(project: &Path, place: &Place, frame: &Frame) -> Located {
    let named = place.function.as_deref().map(demangled).or_else(|| frame.function.clone());
    let function = named.unwrap_or_else(|| "?".to_owned());
    let below = place.file.as_ref().and_then(|file| Path::new(file).strip_prefix(project).ok());
    // The SDK and what the toolchain fetched or made lie in the project too.
    let is_source = |path: &&Path| !path.starts_with(".ax") && !path.starts_with("target");
    let own = below.filter(is_source);
    let file = own.map(|path| path.display().to_string()).or_else(|| place.file.clone());
    Located {
        is_own: own.is_some() && !function.contains('#'),
        function,
        file: file.map(|file| scrub(&file.replace('\n', " "), PATH_BYTES)),
        line: place.line,
        column: place.column,
    }
}

/// Guesses by its name whether a function is the plugin's own.
fn is_own(function: &str) -> bool {
    // Names of exports have a `#`; they only call what is behind them.
    let is_told = function == "?" || function.contains('#');
    !is_told && !starts_with_any(function, &LIBRARIES)
}

fn starts_with_any(name: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(names: &[&str]) -> Vec<Located> {
        let frame = |name: &&str| Frame { function: Some((*name).to_owned()), offset: None };
        names.iter().map(frame).flat_map(|frame| SourceMap::default().locate(&frame)).collect()
    }

    fn names(shown: &[Located]) -> Vec<&str> {
        shown.iter().map(|it| it.function.as_str()).collect()
    }

    #[test]
    fn functions_of_libraries_are_left_out_unless_all_are_asked_for() {
        let all = bare(&["core::panicking::panic", "hello::deep", "ax:guest/tools@0.1.1#call"]);
        assert_eq!(names(&shown(&all, false)), ["hello::deep"]);
        assert_eq!(shown(&all, true).len(), 3);
    }

    #[test]
    fn an_interpreter_is_not_what_the_author_wrote() {
        let all = bare(&["JS_CallInternal", "async_func_resume"]);
        assert_eq!(names(&shown(&all, false)), [""; 0]);
    }

    #[test]
    fn what_is_shown_is_bounded() {
        let deep = vec!["recurse"; 1_000];
        assert_eq!(shown(&bare(&deep), true).len(), FRAMES_SHOWN);
        let long = "x".repeat(TEXT_BYTES / 4);
        assert_eq!(shown(&bare(&[long.as_str(); 5]), true).len(), 4);
    }
}
