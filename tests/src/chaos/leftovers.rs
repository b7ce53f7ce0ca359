//! What a process holds: open files, tasks, memory.

/// What a process holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// Open files, sockets among them.
    pub(super) files: usize,
    /// Tasks of the runtime.
    pub(super) tasks: usize,
}

impl Held {
    /// Counts.
    pub(super) fn now() -> Self {
        let files = fs_err::read_dir("/proc/self/fd").expect("Linux tells it").count();
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Self { files, tasks }
    }
}

/// Reads the memory of this process that is in use, in KiB.
pub(super) fn resident_kib() -> u64 {
    let text = fs_err::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("its line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
