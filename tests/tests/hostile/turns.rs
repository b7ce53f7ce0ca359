//! Guests that write, remove, link and cut at the same time, or when their call is over.
//!
//! Invariant: what all accounts of a disk say together is at least what is there.
//! Not here: what a single call does after another (`growth`).

use ax_host::plugin::Call;
use ax_host::plugin::CallError;
use ax_host::plugin::Folder;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Limit;
use ax_host::plugin::Output;
use ax_host::plugin::limits;
use fs_err as fs;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::growth::Plot;
use crate::growth::at;
use crate::verdict::settle;

/// How often something is tried that goes wrong only now and then.
const ROUNDS: u32 = 1_500;

/// Two folders beside each other, `workspace` and `other`; the plot's own holds both.
fn of_two() -> Plot {
    let folder = tempfile::tempdir().expect("a folder");
    let bind = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).expect("a folder");
        Folder::bind(name, &path).expect("a folder")
    };
    let folders = ["workspace", "other"].map(bind).to_vec();
    let arena = Arena::with(HostConfig { folders, ..config() });
    let guest = arena.hoarder("test:grower").granted(&["fs:workspace:write", "fs:other:write"]);
    let guest = guest.limited(|limits| limits.fuel = 10_000_000_000);
    Plot { arena, guest, folder }
}

/// Another plugin with the same rights.
fn accomplice(plot: &Plot) -> Guest {
    let mut guest = plot.guest.clone();
    guest.release.identity.name = "test:accomplice".parse().expect("a name");
    guest
}

/// Lets two guests loose on the same files at once, and insists that the accounts say at least what
/// is there in the end.
#[track_caller]
fn at_once(name: &str, plot: &Plot, guests: [(&Guest, &str, Value); 2]) {
    std::thread::scope(|scope| {
        for (guest, tool, input) in &guests {
            scope.spawn(move || plot.arena.call(guest, tool, input).result.expect("an answer"));
        }
    });
    let (account, contents) = (plot.account().0, plot.contents().0);
    plot.arena.still_serves();
    let said = format!("{account} for {contents}");
    settle(name, "held", if account >= contents { "held" } else { &said });
}

/// What waits for its turn when the answer is given is written neither then nor for a later call.
#[test]
fn what_is_still_to_be_written_ends_with_its_call() {
    for is_warm in [false, true] {
        let mut plot = Plot::new();
        if is_warm {
            plot.guest = plot.guest.warm();
        }
        let plugin = plot.arena.load(&plot.guest).expect("it loads");
        let call = |tool: &str, input: Value| {
            plot.arena.run(&plugin, Call::new(tool, &input.to_string())).result.expect("an answer")
        };
        for name in ["one", "two"] {
            // The folder and two files are open beside the streams, and those of the call before.
            let streams = if is_warm { 15 } else { 45 };
            let left = call("leave-writing", json!({ "name": name, "streams": streams }));
            assert_eq!(left, Output::Value(json!(streams)));
            let before = plot.contents();
            assert_eq!(plot.account(), before, "{name} {is_warm}");
            // Whoever writes next comes after all that waits for its turn.
            call("make", json!({ "path": at(&format!("{name}-next")), "bytes": 1 }));
            assert_eq!(plot.contents(), (before.0 + 1, before.1 + 1), "{name} {is_warm}");
            assert_eq!(plot.account(), plot.contents(), "{name} {is_warm}");
        }
        assert_eq!(plot.arena.host.warm_instances(), usize::from(is_warm));
        plot.arena.still_serves();
    }
    settle("written-after-answer", "ok", "ok");
}

#[test]
fn a_file_linked_into_another_folder_while_it_is_removed_is_not_given_back() {
    let plot = of_two();
    let remove = json!({ "path": at("file"), "bytes": 10_000, "rounds": ROUNDS });
    let link = json!({ "from": at("file"), "to": "/other/file", "rounds": ROUNDS });
    let guests = [(&plot.guest, "make-and-remove", remove), (&plot.guest, "link-many", link)];
    at_once("remove-beside-link", &plot, guests);
}

#[test]
fn a_file_linked_by_another_plugin_while_it_is_removed_is_not_given_back() {
    let plot = Plot::new();
    let remove = json!({ "path": at("file"), "bytes": 10_000, "rounds": ROUNDS });
    let link = json!({ "from": at("file"), "to": at("other"), "rounds": ROUNDS });
    let other = accomplice(&plot);
    let guests = [(&plot.guest, "make-and-remove", remove), (&other, "link-many", link)];
    at_once("remove-beside-plugin", &plot, guests);
}

#[test]
fn a_file_that_two_plugins_cut_at_once_is_given_back_once() {
    let plot = Plot::new();
    assert_eq!(plot.make("mine", 100_000), "ok");
    let other = accomplice(&plot);
    let theirs = json!({ "path": at("theirs"), "bytes": 100_000 });
    plot.arena.call(&other, "make", &theirs).result.expect("an answer");
    let cut = json!({ "path": at("both"), "bytes": 500, "rounds": ROUNDS });
    let guests = [(&plot.guest, "make-and-cut", cut.clone()), (&other, "make-and-cut", cut)];
    at_once("cut-twice", &plot, guests);
}

#[test]
fn renames_between_two_folders_in_both_directions_end() {
    let plot = of_two();
    assert_eq!(plot.make("file", 3_000), "ok");
    let (plot, here, there) = (&plot, at("file"), "/other/file".to_owned());
    std::thread::scope(|scope| {
        for (from, to) in [(&here, &there), (&there, &here)] {
            let input = json!({ "from": from, "to": to });
            scope.spawn(move || (0..20).for_each(|_| drop(plot.word("rename", &input))));
        }
    });
    assert_eq!(plot.contents().0, 3_000);
    settle("rename-both-ways", "held", if plot.account().0 >= 3_000 { "held" } else { "freed" });
}

#[test]
fn a_stream_says_that_the_quota_is_used_up() {
    let mut plot = Plot::new();
    assert_eq!(plot.resize("a", limits::WRITTEN_BYTES), "ok");
    plot.guest = plot.guest.warm();
    let plugin = plot.arena.load(&plot.guest).expect("it loads");
    let call =
        |tool: &str, input: Value| plot.arena.run(&plugin, Call::new(tool, &input.to_string()));
    let held = call("hold", json!({ "name": "b", "writes": true }));
    assert!(held.result.is_ok() && held.usage.limits_hit.is_empty(), "{held:?}");
    let used = call("use", json!({ "how": "new-write-stream" }));
    assert_eq!(used.usage.limits_hit, [Limit::WrittenBytes]);
    let Err(CallError::Tool { message, .. }) = used.result else { panic!("{used:?}") };
    assert!(call("count", json!({})).usage.limits_hit.is_empty());
    let appended = plot.report("append", &json!({ "path": at("a"), "bytes": 1 }));
    assert_eq!(appended.usage.limits_hit, [Limit::WrittenBytes]);
    settle("stream-beyond-quota", "stream-quota", &message);
}
