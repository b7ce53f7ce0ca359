//! Lines for the operator. They are kept with the audit of the call and are no part of the answer.
//!
//! ```
//! use ax_sdk::log::{self, Level};
//!
//! log::info("read the list");
//! log::write(Level::Warn, "left out a row", &[("row", "7"), ("why", "it is empty")]);
//! ```
//!
//! `println!` and `eprintln!` go to the same log, as the levels info and error. One call may write 1,000
//! lines and 256 KiB; what is over is dropped and counted, and the call goes on.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For the plugin's author.
    Debug,
    /// For the operator.
    Info,
    /// Something is wrong and the call goes on.
    Warn,
    /// Something is wrong and the answer suffers.
    Error,
}

/// Writes a line with names and values that go with it, for queries. It never fails and never waits.
///
/// The message is cut after 4 KiB, a name after 64 bytes, a value after 1 KiB; there are at most 32 pairs.
pub fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
    let fields: Vec<(String, String)> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    host::write(level, message, &fields);
}

/// Writes a line for the plugin's author.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref(), &[]);
}

/// Writes a line for the operator.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref(), &[]);
}

/// Says that something is odd.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref(), &[]);
}

/// Says that something failed.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref(), &[]);
}

#[cfg(target_arch = "wasm32")]
mod host {
    use super::Level;
    use crate::bindings::ax::log::log;

    pub(super) fn write(level: Level, message: &str, fields: &[(String, String)]) {
        let level = match level {
            Level::Trace => log::Level::Trace,
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        log::write(level, message, fields);
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use super::Level;
    use crate::fake;

    pub(super) fn write(level: Level, message: &str, fields: &[(String, String)]) {
        fake::with(|world| {
            world.log.push(fake::Line {
                level,
                message: message.to_owned(),
                fields: fields.to_vec(),
            });
        });
    }
}
