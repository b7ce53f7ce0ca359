//! Where a guest was when the engine ended it.
//!
//! Names come from the component, so they are anybody's text: bounded, demangled and scrubbed here.
//!
//! Not here: files and lines (`project`), what is worth showing (`app`).

use serde::Serialize;
use wasmtime::{AsContext, WasmBacktrace};

use super::limits;
use super::text;

/// One function that was running.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Frame {
    /// Its name, demangled; none if the component gives it none.
    pub function: Option<String>,
    /// Where in the component's file the code is that it was in.
    pub offset: Option<u64>,
}

/// Reads the backtrace that came with an error of the engine, the innermost function first.
pub(super) fn of(error: &wasmtime::Error) -> Vec<Frame> {
    error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default()
}

/// Takes a backtrace of a guest that is running.
pub(super) fn now(store: impl AsContext) -> Vec<Frame> {
    frames(&WasmBacktrace::force_capture(store))
}

fn frames(backtrace: &WasmBacktrace) -> Vec<Frame> {
    let frame = |frame: &wasmtime::FrameInfo| Frame {
        function: frame.func_name().map(demangled),
        offset: frame.module_offset().map(|offset| offset as u64),
    };
    backtrace.frames().iter().take(limits::BACKTRACE_FRAMES).map(frame).collect()
}

/// Writes the name of a function as its author does, if it is one of Rust; scrubbed and cut.
#[must_use]
pub fn demangled(name: &str) -> String {
    // A short name can stand for a very long one.
    let is_short = name.len() <= limits::FUNCTION_NAME_BYTES;
    let shown = match rustc_demangle::try_demangle(name) {
        Ok(known) if is_short => format!("{known:#}"),
        _ => name.to_owned(),
    };
    text::scrub(&shown.replace(['\n', '\t'], " "), limits::FUNCTION_NAME_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_are_shown_as_they_are_written() {
        assert_eq!(demangled("_ZN5hello5greet17h0123456789abcdefE"), "hello::greet");
        assert_eq!(demangled("_RNvC5hello5greet"), "hello::greet");
        assert_eq!(demangled("memcpy"), "memcpy");
    }

    #[test]
    fn a_name_is_anybodys_text() {
        assert_eq!(demangled("a\u{1b}[2J\nb\u{202e}"), "a\u{fffd}[2J b\u{fffd}");
        assert_eq!(demangled(&"x".repeat(10_000)).len(), limits::FUNCTION_NAME_BYTES);
        // Each back reference doubles what comes before it.
        let bomb = format!("_RMC0{}p", "TB_".repeat(80));
        assert!(demangled(&bomb).len() <= limits::FUNCTION_NAME_BYTES);
    }
}
