//! Whatever an upstream does, every request ends once, says what it was, and leaves nothing behind.
//!
//! `cargo xtask chaos --requests N --seed S` does the same for longer.

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use ax_tests::chaos;
use ax_tests::chaos::Plan;

/// What is held is counted for the whole process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn every_request_ends_once_and_leaves_nothing_behind() {
    let _alone = alone();
    let report = chaos::run(Plan { requests: 2_000, seed: 1, at_once: 16 });
    assert_eq!(report.wrong_count, 0, "{report}");
    assert_eq!(report.ends.iter().sum::<u64>(), 2_000);
    assert!(report.ends.iter().all(|count| *count > 100), "{report}");
    assert!(report.faults.len() == 26 && report.faults.values().all(|it| *it > 40), "{report}");
}

#[test]
fn the_same_seed_decides_the_same() {
    let _alone = alone();
    let plan = Plan { requests: 300, seed: 2, at_once: 1 };
    let (one, other) = (chaos::run(plan), chaos::run(plan));
    assert_eq!((one.wrong_count, other.wrong_count), (0, 0), "{one}\n{other}");
    for (one, other) in one.decisions.iter().zip(&other.decisions) {
        assert_eq!(one, other);
    }
    let another = chaos::run(Plan { seed: 3, ..plan });
    assert_ne!(one.decisions, another.decisions);
}
