//! Says too much: through the log, standard output and standard error.

use std::io::Write;

use crate::bindings::ax::log::log;

pub(crate) fn lines(lines: u32, bytes: u32) {
    let text = "x".repeat(bytes as usize);
    for _ in 0..lines {
        log::write(log::Level::Info, &text, &[]);
    }
}

pub(crate) fn fields(fields: u32) {
    let field = |number: u32| (format!("name-{number}"), "v".repeat(4096));
    let fields: Vec<_> = (0..fields).map(field).collect();
    log::write(log::Level::Info, "fields", &fields);
}

pub(crate) fn text(text: &str) {
    log::write(log::Level::Warn, text, &[(text.to_owned(), text.to_owned())]);
}

pub(crate) fn print(text: &str, times: u32) {
    let mut out = std::io::stdout().lock();
    for _ in 0..times {
        // A host that closes the stream is as good as one that takes it all.
        out.write_all(text.as_bytes()).ok();
    }
    out.flush().ok();
}

pub(crate) fn print_bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).ok();
    out.flush().ok();
}

pub(crate) fn complain(text: &str, times: u32) {
    for _ in 0..times {
        eprint!("{text}");
    }
}
