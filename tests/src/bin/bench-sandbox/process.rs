//! `ax tool call`, the whole process, for components that were compiled before.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Effort;
use crate::sandbox::ax_program;
use ax_tests::row::{Bar, Row, percentile};

/// A component, the tool to call, and how long the process may take.
struct Subject {
    name: &'static str,
    path: PathBuf,
    call: Vec<&'static str>,
    bar: Duration,
}

pub(crate) fn run(effort: Effort) -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout");
    let accept = root.join("target/accept/components");
    let (quick, slow) = (Duration::from_millis(30), Duration::from_millis(100));
    let desk = |name, file: &str, bar| Subject {
        name,
        path: accept.join(file),
        call: vec!["bench:desk.greet", "{\"name\":\"Ada\"}"],
        bar,
    };
    let subjects = [
        Subject {
            name: "ax tool call, Rust",
            path: root.join("target/guests/tests/bench.wasm"),
            call: vec!["bench:desk.nop", "{\"x\":7}"],
            bar: quick,
        },
        desk("ax tool call, JavaScript", "js.wasm", quick),
        desk("ax tool call, Python", "python.wasm", slow),
    ];
    subjects.iter().filter_map(|subject| measure(subject, effort)).collect()
}

fn measure(subject: &Subject, effort: Effort) -> Option<Row> {
    if !subject.path.exists() {
        println!(
            "{:<38} not measured: `{}` is missing; cargo xtask accept languages",
            subject.name,
            subject.path.display()
        );
        return None;
    }
    let home = tempfile::tempdir().expect("a temporary folder");
    let ax = |arguments: &[&str]| {
        let status = Command::new(ax_program())
            .args(arguments)
            .env_clear()
            .env("AX_HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("ax can be started");
        assert!(status.success(), "ax {arguments:?}: {status}");
    };
    let path = subject.path.to_string_lossy();
    ax(&["plugin", "add", &path, "--name", "bench:desk"]);
    let mut call = vec!["tool", "call"];
    call.extend(&subject.call);
    let mut times: Vec<Duration> = (0..effort.rounds(100))
        .map(|_| {
            let began = Instant::now();
            ax(&call);
            began.elapsed()
        })
        .collect();
    Some(Row::time(subject.name, percentile(&mut times, 50), None, Bar::AtMost(subject.bar)))
}
