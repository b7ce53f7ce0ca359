//! The lock of a home: who has to wait learns for whom, and a dead holder holds nothing.

use std::process::Child;
use std::time::Duration;
use std::time::UNIX_EPOCH;

use ax_manifest::Digest;
use ax_registry::Generations;
use ax_registry::HomeLock;
use ax_tests::home::Home;

use crate::state;

#[test]
fn a_held_lock_is_an_error_that_names_its_holder() {
    let home = state::home();
    let held = HomeLock::acquire(home.path(), "a test that holds on", Duration::ZERO);
    let held = held.expect("nobody else has it");
    let refused = home.ax(&["permission", "grant", "test:env", "env:LANG"]).exits(7);
    let pid = std::process::id();
    let expected = format!(
        "error[AX-L001]: `{}` is in use by process {pid} (`a test that holds on`)\n\n\
         hint: wait for process {pid} to finish, then type this again\n",
        home.path().display()
    );
    assert_eq!(refused.stderr, expected);
    drop(held);
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
}

#[test]
fn who_only_reads_or_calls_does_not_wait_for_the_lock() {
    let home = state::home();
    let held = HomeLock::acquire(home.path(), "a test that holds on", Duration::ZERO);
    let _held = held.expect("nobody else has it");
    let commands: [&[&str]; 6] = [
        &["plugin", "list"],
        &["plugin", "verify"],
        &["permission", "show"],
        &["tool", "call", "test:calc.add", r#"{"a": 1, "b": 2}"#],
        &["audit", "verify"],
        &["doctor"],
    ];
    for command in commands {
        home.ax(command).ok();
    }
}

/// Waits until a process waits for the lock: it has the lock's file open as long as it does.
fn wait_for(home: &Home, child: &Child) {
    let lock = home.path().join("lock");
    let folder = format!("/proc/{}/fd", child.id());
    let has_it_open = || {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|file| file == lock)
    };
    while !has_it_open() {
        std::thread::yield_now();
    }
}

#[test]
fn a_release_that_was_replaced_meanwhile_takes_no_grant_of_the_new_one() {
    let home = state::home();
    home.ax(&["permission", "grant", "test:env", "env:LANG", "--scope", "once"]).ok();
    let held = HomeLock::acquire(home.path(), "a test that holds on", Duration::ZERO);
    let held = held.expect("nobody else has it");
    let child = home.command(&["tool", "call", "test:env.count"]).spawn().expect("it starts");
    wait_for(&home, &child);
    let generations = Generations::open(home.path());
    let mut current = generations.current().expect("it is whole");
    let name = "test:env".parse().expect("a name");
    let locked = current.lock.plugins.get_mut(&name).expect("it is installed");
    locked.component = Digest::of(b"another release");
    let (lock, grants) = (&current.lock, &current.grants);
    generations.commit(&held, lock, grants, UNIX_EPOCH).expect("it is written");
    drop(held);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`test:env` was replaced by another `ax`"), "{said}");
    assert_eq!(home.granted("test:env"), ["env:LANG"]);
}

#[test]
fn who_waits_goes_on_when_the_lock_is_released() {
    let home = state::home();
    let held = HomeLock::acquire(home.path(), "a test that holds on", Duration::ZERO);
    let child = home.command(&["permission", "grant", "test:env", "env:LANG"]).spawn();
    let child = child.expect("it starts");
    wait_for(&home, &child);
    drop(held);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(state::read(&home).granted, ["env:LANG"]);
}

#[test]
fn a_lock_of_a_process_that_was_killed_is_free() {
    let home = state::home();
    // The line of a holder that is long gone.
    fs_err::write(home.path().join("lock"), "4194304\tax plugin add x").expect("written");
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let line = fs_err::read_to_string(home.path().join("lock")).expect("it stays");
    assert_eq!(line, "");
}
