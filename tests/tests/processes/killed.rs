//! `kill -9` at any moment leaves the old state or the new, whole, and the next command works.
//!
//! A test watches the files below `AX_HOME` and kills the child at the first change it sees, then
//! another child at the second, and so on, until a child lives to its end. Between two looks several
//! changes may pass; which ones differs from run to run, and what must hold does not.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use ax_tests::home::Home;

use crate::state;
use crate::state::State;

/// Changes after which a child that is still alive is left to finish: it has a handful of files to
/// write, so something else would be wrong.
pub(crate) const CHANGES_MAX: usize = 500;

/// Starts a command and kills it at the `nth` change that can be seen; tells whether it was killed
/// before it ended.
pub(crate) fn kill_at_change(home: &Home, mut command: Command, nth: usize) -> bool {
    let mut seen = files(home.path());
    // Nobody reads what it says.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    let mut changes = 0;
    loop {
        let ended = child.try_wait().expect("it can be asked");
        if let Some(status) = ended {
            assert!(status.success(), "{command:?}: {status}");
            return false;
        }
        let now = files(home.path());
        if now != seen {
            seen = now;
            changes += 1;
            if changes == nth {
                child.kill().expect("it can be killed");
                child.wait().expect("it is gone");
                return true;
            }
        }
        std::thread::yield_now();
    }
}

/// Lists the files below a folder with their sizes. What vanishes meanwhile is left out.
fn files(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    let mut next = vec![folder.to_owned()];
    while let Some(folder) = next.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(data) = entry.metadata() else { continue };
            if data.is_dir() {
                next.push(entry.path());
            }
            found.insert(entry.path(), data.len());
        }
    }
    found
}

/// Kills a command at every moment, each time from the same state. Afterwards the state is one of
/// two; the command, typed again, gives the second; and the audit is unbroken throughout.
fn survives(start: &Home, arguments: &[&str], states: [&State; 2]) {
    for nth in 1..CHANGES_MAX {
        let home = start.copied();
        let was_killed = kill_at_change(&home, home.command(arguments), nth);
        let left = state::read(&home);
        assert!(states.contains(&&left), "killed at change {nth}: {left:?}");
        state::audited(&home);
        // What was done before the kill is done: a removal then finds nothing to remove.
        drop(home.ax(arguments));
        assert_eq!(&state::read(&home), states[1], "typed again after change {nth}");
        state::audited(&home);
        assert_eq!(unfinished(&home), Vec::<PathBuf>::new(), "after change {nth}");
        if !was_killed {
            assert!(nth > 1, "no change was seen");
            return;
        }
    }
    panic!("still alive after {CHANGES_MAX} changes");
}

/// Lists what an interrupted commit left and the next one did not remove.
fn unfinished(home: &Home) -> Vec<PathBuf> {
    let store = home.path().join("store");
    let is_left = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A database that was being made stays until somebody prunes.
        let is_database = name.starts_with(".tmp-plugins.db-");
        name.starts_with(".tmp-") && !is_database && !path.starts_with(&store)
    };
    files(home.path()).into_keys().filter(is_left).collect()
}

fn state(installed: &[&str], granted: &[&str]) -> State {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    State { installed: owned(installed), granted: owned(granted) }
}

const BOTH: &[&str] = &["test:calc", "test:env"];

#[test]
fn an_installation_is_whole_or_not_at_all() {
    let start = state::home();
    start.ax(&["plugin", "remove", "test:env", "--yes"]).ok();
    let arguments = ["plugin", "add", "env", "--allow", "env:LANG"];
    survives(&start, &arguments, [&state(&["test:calc"], &[]), &state(BOTH, &["env:LANG"])]);
}

#[test]
fn the_very_first_installation_is_whole_or_not_at_all() {
    let start = Home::new();
    start.write_plugin("calc", ax_tests::components::CALC_MANIFEST, &ax_tests::components::calc());
    let arguments = ["plugin", "add", "calc"];
    survives(&start, &arguments, [&state(&[], &[]), &state(&["test:calc"], &[])]);
}

#[test]
fn a_grant_is_given_or_not() {
    let start = state::home();
    let arguments = ["permission", "grant", "test:env", "env:LANG"];
    survives(&start, &arguments, [&state(BOTH, &[]), &state(BOTH, &["env:LANG"])]);
}

#[test]
fn a_removal_takes_the_grants_along_or_leaves_both() {
    let start = state::home();
    start.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let arguments = ["plugin", "remove", "test:env", "--yes"];
    survives(&start, &arguments, [&state(BOTH, &["env:LANG"]), &state(&["test:calc"], &[])]);
}

#[test]
fn a_change_that_can_be_seen_was_recorded_before() {
    let start = state::home();
    for nth in 1..CHANGES_MAX {
        let home = start.copied();
        let command = home.command(&["plugin", "disable", "test:calc"]);
        let was_killed = kill_at_change(&home, command, nth);
        let shown = home.ax(&["plugin", "show", "test:calc", "--json"]).ok().json();
        let recorded = state::changes(&state::audited(&home), "plugin.disable");
        if shown["enabled"] == false {
            assert_eq!(recorded, 1, "killed at change {nth}");
        }
        if !was_killed {
            return;
        }
    }
}

#[test]
fn a_grant_for_once_serves_one_call_even_if_that_is_killed() {
    let start = state::home();
    start.ax(&["permission", "grant", "test:env", "env:LANG", "--scope", "once"]).ok();
    for nth in 1..CHANGES_MAX {
        let home = start.copied();
        let mut command = home.command(&["tool", "call", "test:env.count"]);
        command.env("LANG", "C");
        let was_killed = kill_at_change(&home, command, nth);
        let calls = || home.ax_with(("LANG", "C"), &["tool", "call", "test:env.count"]).code;
        let codes = [calls(), calls()];
        // Unless it was used up before the kill, it serves the next one, and only that.
        assert!(codes == [0, 5] || codes == [5, 5], "killed at change {nth}: {codes:?}");
        state::audited(&home);
        if !was_killed {
            return;
        }
    }
}
