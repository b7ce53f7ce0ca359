//! Private memory of instances that are kept between calls.
//!
//! Each instance belongs to a task of its own, so that none is reused. What the process had before
//! the first of them (compiled code, the pool, the threads) is not counted.

use std::path::{Path, PathBuf};

use ax_host::plugin::{Call, Limits};

use crate::Effort;
use crate::sandbox::Ours;
use ax_tests::row::{Bar, Row};

/// Instances of each language that lie idle when memory is read.
const INSTANCES: u32 = 100;
/// Instances made and given up first, so that what is made once is not counted.
const BEFORE: u32 = 8;

/// A component, a call of it, and what one idle instance may hold.
struct Subject {
    name: &'static str,
    path: PathBuf,
    tool: &'static str,
    input: &'static str,
    kib_max: f64,
}

pub(crate) fn run(_: Effort) -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the checkout");
    let accept = root.join("target/accept/components");
    let desk = |name, file: &str, kib_max| Subject {
        name,
        path: accept.join(file),
        tool: "greet",
        input: "{\"name\":\"Ada\"}",
        kib_max,
    };
    let subjects = [
        Subject {
            name: "idle warm instance, Rust",
            path: root.join("target/guests/tests/bench.wasm"),
            tool: "nop",
            input: "{\"x\":7}",
            kib_max: 40.0,
        },
        desk("idle warm instance, JavaScript", "js.wasm", 256.0),
        desk("idle warm instance, Python", "python.wasm", 768.0),
    ];
    subjects.iter().filter_map(measure).collect()
}

fn measure(subject: &Subject) -> Option<Row> {
    let Ok(bytes) = fs_err::read(&subject.path) else {
        println!(
            "{:<38} not measured: `{}` is missing; cargo xtask accept languages",
            subject.name,
            subject.path.display()
        );
        return None;
    };
    let ours = Ours::kept_of(bytes, INSTANCES + BEFORE, 2, Limits::default());
    call(&ours, subject, 0..BEFORE);
    (0..BEFORE).for_each(|task| ours.host.end_task(&task.to_string()));
    let before = private_dirty_kib();
    call(&ours, subject, BEFORE..BEFORE + INSTANCES);
    assert_eq!(ours.host.warm_instances(), INSTANCES as usize, "each is kept");
    let each = (private_dirty_kib() - before) / f64::from(INSTANCES);
    Some(Row::memory(subject.name, each, Bar::Kib(subject.kib_max)))
}

fn call(ours: &Ours, subject: &Subject, tasks: std::ops::Range<u32>) {
    ours.host.block_on(async {
        for task in tasks {
            let mut call = Call::new(subject.tool, subject.input);
            call.task = Some(task.to_string().into());
            let report = ours.host.call_here(&ours.plugin, call).await;
            assert!(report.result.is_ok(), "{:?}", report.result);
        }
    });
}

/// Reads the memory of this process that belongs to it alone and has to be kept, in KiB.
fn private_dirty_kib() -> f64 {
    let text = fs_err::read_to_string("/proc/self/smaps_rollup").expect("Linux tells it");
    let line = text.lines().find(|line| line.starts_with("Private_Dirty:")).expect("its line");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
