//! Wherever a task is killed, nothing of it is lost, doubled or guessed.
//!
//! `cargo xtask torture --minutes N --seed S` does the same for longer.

use std::time::Duration;

use ax_tests::torture;
use ax_tests::torture::{Checks, Class, Place, Plan, Verdict};

#[test]
fn whatever_is_killed_ends_as_if_it_had_not_been() {
    let report = torture::run(&Plan {
        trials: 2,
        at_most: Duration::from_secs(600),
        seed: 1,
        classes: Class::ALL.to_vec(),
        places: Place::ALL.to_vec(),
        checks: Checks::Short,
    });
    println!("{report}");
    assert_eq!(report.wrong_in(|_| true), 0, "{report}");
    assert!(report.count(Verdict::InDoubt) > 10, "{report}");
}
