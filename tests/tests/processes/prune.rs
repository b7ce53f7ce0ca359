//! `ax plugin prune` killed at any moment, and beside others.

use std::time::Duration;

use ax_registry::HomeLock;
use ax_tests::components;
use ax_tests::home::Home;

use crate::killed::CHANGES_MAX;
use crate::killed::kill_at_change;
use crate::state;

const PRUNE: [&str; 4] = ["plugin", "prune", "--keep", "1"];

/// A home with much to prune, all of it old.
fn littered() -> Home {
    let home = state::home();
    for n in 0..2 {
        let component = if n == 0 { components::calc_rebuilt() } else { components::calc() };
        home.write_plugin("calc", components::CALC_MANIFEST, &component);
        home.ax(&["plugin", "add", "calc"]).ok();
        home.ax(&["plugin", "disable", "test:env"]).ok();
        home.ax(&["plugin", "enable", "test:env"]).ok();
    }
    home
}

fn two_hours_old(home: &Home) {
    home.age(Duration::from_secs(2 * 60 * 60));
}

#[test]
fn killed_at_any_moment_it_leaves_all_that_is_installed_whole() {
    let start = littered();
    for nth in 1..CHANGES_MAX {
        let home = start.copied();
        two_hours_old(&home);
        let was_killed = kill_at_change(&home, home.command(&PRUNE), nth);
        let left = state::read(&home);
        assert_eq!(left.installed, ["test:calc", "test:env"], "killed at change {nth}");
        state::audited(&home);
        // What the kill left, the next one removes: half removed generations too.
        two_hours_old(&home);
        home.ax(&PRUNE).ok();
        two_hours_old(&home);
        let again = home.ax(&[&PRUNE[..], &["--json"]].concat()).ok().json();
        assert_eq!(again["bytes"], 0, "after change {nth}: {again}");
        let call = home.ax(&["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#]).ok();
        assert_eq!(call.stdout, "5\n");
        let generations = fs_err::read_dir(home.path().join("gen")).expect("a folder").count();
        assert_eq!(generations, 1, "after change {nth}");
        if !was_killed {
            return;
        }
    }
    panic!("still alive after {CHANGES_MAX} changes");
}

#[test]
fn it_waits_for_no_reader_and_takes_nothing_from_one() {
    let home = littered();
    two_hours_old(&home);
    std::thread::scope(|scope| {
        let pruning = scope.spawn(|| {
            for _ in 0..4 {
                home.ax(&PRUNE).ok();
                two_hours_old(&home);
            }
        });
        while !pruning.is_finished() {
            let call = home.ax(&["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#]).ok();
            assert_eq!(call.stdout, "5\n");
        }
        pruning.join().expect("it pruned");
    });
    state::read(&home);
    state::audited(&home);
}

#[test]
fn only_a_dry_run_goes_on_while_another_changes_the_installation() {
    let home = littered();
    let held = HomeLock::acquire(home.path(), "a test that holds on", Duration::ZERO);
    let _held = held.expect("nobody else has it");
    home.ax(&[&PRUNE[..], &["--dry-run"]].concat()).ok();
    let refused = home.ax(&PRUNE).exits(7);
    assert!(refused.stderr.contains("error[AX-L001]"), "{}", refused.stderr);
}
