//! Warm instances that hold files, streams and handles of a call before.

use std::sync::Arc;
use std::time::Duration;

use ax_host::clock::SimClock;
use ax_host::plugin::Call;
use ax_host::plugin::CallError;
use ax_host::plugin::Folder;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Limit;
use ax_host::plugin::Output;
use ax_host::plugin::Plugin;
use ax_host::plugin::limits;
use ax_manifest::Grant;
use ax_manifest::GrantScope;
use fs_err as fs;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::config;
use crate::arena::grant;
use crate::arena::permission;
use crate::verdict::settle;

const READ: &str = "fs:workspace:read";
const WRITE: &str = "fs:workspace:write";

/// When some grants of these tests end, in milliseconds since 1970.
const END_MS: u64 = 1_700_000_000_000;

/// A host with a folder that has one file, and a clock that stands before the end of some grants:
/// when it moves on, the instance is the same and the rights are not.
struct Pocket {
    arena: Arena,
    clock: Arc<SimClock>,
    folder: tempfile::TempDir,
}

impl Pocket {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), "as it was").expect("a file");
        let folders = vec![Folder::bind("workspace", folder.path()).expect("a folder")];
        let clock = Arc::new(SimClock::at_ms(END_MS - 1));
        let arena = Arena::with_clock(HostConfig { folders, ..config() }, clock.clone());
        Self { arena, clock, folder }
    }

    /// Loads the plugin with grants that last and grants that end.
    fn plugin(&self, lasting: &[&str], ending: &[&str]) -> Arc<Plugin> {
        let mut guest = self.arena.hoarder("test:holder").warm();
        guest.release.declared = [READ, WRITE].iter().map(|text| permission(text)).collect();
        let lasting = lasting.iter().map(|text| grant(text, GrantScope::Always));
        let ending = ending
            .iter()
            .map(|text| Grant { expires_at_ms: Some(END_MS), ..grant(text, GrantScope::Always) });
        guest.release.grants = lasting.chain(ending).collect();
        self.arena.load(&guest).expect("it loads")
    }

    /// Lets grants end.
    fn end(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    fn word(&self, plugin: &Arc<Plugin>, call: Call) -> String {
        match self.arena.run(plugin, call).result {
            Ok(Output::Value(Value::String(said))) => said,
            Ok(Output::Value(Value::Number(number))) => number.to_string(),
            Ok(_) => "ok".to_owned(),
            Err(CallError::Tool { message, .. }) => message,
            Err(error) => format!("{error:?}"),
        }
    }

    fn hold(&self, plugin: &Arc<Plugin>, writes: bool) {
        let input = json!({ "name": "file", "writes": writes });
        assert_eq!(self.word(plugin, Call::new("hold", &input.to_string())), "ok");
        assert_eq!(self.arena.host.warm_instances(), 1);
    }

    fn used(&self, plugin: &Arc<Plugin>, how: &str) -> String {
        self.word(plugin, Call::new("use", &json!({ "how": how }).to_string()))
    }

    fn file(&self) -> String {
        fs::read_to_string(self.folder.path().join("file")).expect("the file")
    }
}

#[test]
fn nothing_that_is_held_keeps_a_right_that_ended() {
    let pocket = Pocket::new();
    let plugin = pocket.plugin(&[], &[WRITE]);
    pocket.hold(&plugin, true);
    pocket.end();
    let ways = [
        ("read", "not-permitted"),
        ("write", "not-permitted"),
        ("grow", "not-permitted"),
        ("read-stream", "stream-failed"),
        ("write-stream", "stream-failed"),
        ("new-read-stream", "not-permitted"),
        ("new-write-stream", "not-permitted"),
        ("open", "not-permitted"),
        ("folders", "0"),
    ];
    let mut opened = Vec::new();
    for (how, expected) in ways {
        let got = pocket.used(&plugin, how);
        if got != expected {
            opened.push(format!("{how}: {got}"));
        }
    }
    assert_eq!(pocket.file(), "as it was");
    assert_eq!(pocket.arena.host.warm_instances(), 1, "it was the same instance");
    pocket.arena.still_serves();
    settle("held-after-right", "", &opened.join(", "));
}

#[test]
fn what_is_held_for_writing_only_reads_under_a_read_grant() {
    let pocket = Pocket::new();
    let reader = pocket.plugin(&[READ], &[WRITE]);
    pocket.hold(&reader, true);
    pocket.end();
    assert_eq!(pocket.used(&reader, "read"), "1");
    assert_eq!(pocket.used(&reader, "new-read-stream"), "1");
    for how in ["write", "grow", "new-write-stream"] {
        assert_eq!(pocket.used(&reader, how), "not-permitted", "{how}");
    }
    assert_eq!(pocket.used(&reader, "write-stream"), "stream-failed");
    assert_eq!(pocket.file(), "as it was");
    settle("held-after-write-right", "ok", "ok");
}

#[test]
fn what_was_opened_under_a_right_for_one_call_is_of_no_use_after_it() {
    let pocket = Pocket::new();
    let plugin = pocket.plugin(&[], &[]);
    let input = json!({ "name": "file", "writes": true });
    let once = vec![permission(WRITE)];
    let call = Call { once: once.clone(), ..Call::new("hold", &input.to_string()) };
    assert_eq!(pocket.word(&plugin, call), "ok");
    assert_eq!(pocket.used(&plugin, "write"), "not-permitted");
    assert_eq!(pocket.used(&plugin, "write-stream"), "stream-failed");
    assert_eq!(pocket.file(), "as it was");
    let input = json!({ "how": "write" }).to_string();
    let again = pocket.word(&plugin, Call { once, ..Call::new("use", &input) });
    assert_eq!(pocket.file(), "ws it was");
    settle("held-after-once", "1", &again);
}

#[test]
fn what_is_held_goes_on_under_a_right_that_lasts() {
    let pocket = Pocket::new();
    let plugin = pocket.plugin(&[WRITE], &[]);
    pocket.hold(&plugin, true);
    assert_eq!(pocket.used(&plugin, "new-write-stream"), "1");
    assert_eq!(pocket.file(), "ns it was");
    assert_eq!(pocket.used(&plugin, "write"), "1");
    assert_eq!(pocket.used(&plugin, "new-write-stream"), "1");
    assert_eq!(pocket.file(), "ns it was");
    // A call that only reads, or does nothing, is in between.
    assert_eq!(pocket.used(&plugin, "read"), "1");
    assert_eq!(pocket.used(&plugin, "folders"), "1");
    assert_eq!(pocket.used(&plugin, "new-write-stream"), "1");
    // A stream is asked nothing when it is used, so it ends with its call whatever is granted.
    settle("held-stream", "stream-failed", &pocket.used(&plugin, "write-stream"));
}

#[test]
fn what_is_held_counts_with_what_is_opened_later() {
    let pocket = Pocket::new();
    let plugin = pocket.plugin(&[READ], &[]);
    pocket.hold(&plugin, false);
    let input = json!({ "times": 20 }).to_string();
    let hold = || pocket.arena.run(&plugin, Call::new("hold-streams", &input));
    assert_eq!(hold().result.expect("an answer"), Output::Value(json!(20)));
    let mut held = 20;
    for _ in 0..4 {
        let report = hold();
        let Ok(Output::Value(value)) = &report.result else { panic!("{report:?}") };
        held += value.as_u64().expect("a number");
        if !report.usage.limits_hit.is_empty() {
            assert_eq!(report.usage.limits_hit, [Limit::Handles]);
            // An instance that hit a limit serves no other call.
            break;
        }
    }
    // A folder, a file and a stream came before.
    let most = u64::from(limits::HANDLES) - 3;
    pocket.arena.still_serves();
    settle("held-handles", &most.to_string(), &held.to_string());
}
