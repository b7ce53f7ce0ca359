//! Several `ax` at once: each succeeds or says who is in the way, and nothing is lost.

use std::process::Child;

use ax_tests::components;
use ax_tests::home::Home;
use ax_tests::home::Run;

use crate::state;

/// Rounds of each loop: enough for every pair of commands to meet.
const ROUNDS: usize = 8;

/// Insists that a command succeeded or was refused because another one holds the lock; tells which.
fn succeeded(run: &Run) -> bool {
    if run.code == 0 {
        return true;
    }
    assert!(run.code == 7 && run.stderr.contains("error[AX-L001]"), "{run:?}");
    false
}

#[test]
fn changes_and_calls_at_once_lose_nothing() {
    let home = state::home();
    home.write_plugin("calc-2", components::CALC_MANIFEST, &components::calc_rebuilt());
    let (mut adds, mut grants, mut calls) = (0, 0, 0);
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| {
            let folders = ["calc-2", "calc"].into_iter().cycle().take(ROUNDS);
            folders.filter(|folder| succeeded(&home.ax(&["plugin", "add", folder]))).count()
        });
        let granting = scope.spawn(|| {
            let verbs = ["grant", "revoke"].into_iter().cycle().take(ROUNDS);
            let ran = verbs.map(|verb| home.ax(&["permission", verb, "test:env", "env:LANG"]));
            ran.filter(succeeded).count()
        });
        let calling = scope.spawn(|| {
            let call = ["tool", "call", "test:calc.add", r#"{"a": 2, "b": 3}"#];
            let ran = (0..ROUNDS).map(|_| home.ax(&call).ok());
            ran.filter(|run| run.stdout == "5\n").count()
        });
        adds = adding.join().expect("all were added");
        grants = granting.join().expect("all were granted");
        calls = calling.join().expect("all were called");
    });
    assert_eq!(calls, ROUNDS);
    let left = state::read(&home);
    assert_eq!(left.installed, ["test:calc", "test:env"]);
    let rows = state::audited(&home);
    assert_eq!(state::changes(&rows, "plugin.add"), 2 + adds);
    let granted = state::changes(&rows, "permission.grant");
    assert_eq!(granted + state::changes(&rows, "permission.revoke"), grants);
    assert_eq!(rows.iter().filter(|row| row["kind"] == "call").count(), calls);
    // Each change made one generation, on top of the one before.
    let next = home.ax(&["plugin", "disable", "test:calc"]).ok();
    assert_eq!(next.code, 0);
    let current = fs_err::read_to_string(home.path().join("current")).expect("it is there");
    assert_eq!(current.trim().parse(), Ok(2 + adds + grants + 1));
}

#[test]
fn the_same_plugin_added_by_many_at_once_is_installed_once() {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    let children: Vec<Child> = (0..4)
        .map(|_| home.command(&["plugin", "add", "calc"]).spawn().expect("it starts"))
        .collect();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(state::read(&home).installed, ["test:calc"]);
    assert_eq!(state::changes(&state::audited(&home), "plugin.add"), 1);
}

#[test]
fn a_grant_for_once_serves_one_of_many_calls_at_once() {
    let home = state::home();
    home.ax(&["permission", "grant", "test:env", "env:LANG", "--scope", "once"]).ok();
    let call = || {
        let mut command = home.command(&["tool", "call", "test:env.count"]);
        command.env("LANG", "C").stderr(std::process::Stdio::piped());
        command.spawn().expect("it starts")
    };
    let children: Vec<Child> = (0..4).map(|_| call()).collect();
    let (mut codes, mut said) = (Vec::new(), String::new());
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        codes.push(output.status.code().unwrap_or(-1));
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    codes.sort_unstable();
    assert_eq!(codes, [0, 5, 5, 5], "{said}");
    state::audited(&home);
}

#[test]
fn readers_see_whole_states_while_everything_changes() {
    let home = state::home();
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for _ in 0..ROUNDS {
                home.ax(&["plugin", "remove", "test:env", "--yes"]).ok();
                home.ax(&["plugin", "add", "env", "--allow", "env:LANG"]).ok();
            }
        });
        while !writing.is_finished() {
            let shown = home.ax(&["permission", "show", "--json"]).ok().json();
            for plugin in shown.as_array().expect("plugins") {
                // Installed with its grant, or not installed: never one without the other.
                let grants = plugin["grants"].as_array().map_or(0, Vec::len);
                assert_eq!(grants, usize::from(plugin["plugin"] == "test:env"), "{shown}");
            }
        }
        writing.join().expect("it wrote");
    });
    assert_eq!(state::read(&home).granted, ["env:LANG"]);
    state::audited(&home);
}
