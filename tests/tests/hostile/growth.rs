//! Guests that make a granted folder grow beyond their account, or have it given back what they did
//! not free.
//!
//! Invariant: an account says at least what the folder grew by.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ax_host::plugin::CallError;
use ax_host::plugin::Folder;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Limit;
use ax_host::plugin::Output;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use fs_err as fs;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::SECRET;
use crate::arena::config;
use crate::verdict::of_call;
use crate::verdict::settle;

const WRITE: &str = "fs:workspace:write";
const MIB: u64 = 1 << 20;
/// What a guest's C library makes of any failure of a stream, whatever the interface says of it.
const BY_STREAM: &str = "I/O error (os error 29)";

/// A folder of a test's own, bound to `workspace`, and the guest that may write there.
pub(crate) struct Plot {
    pub(crate) arena: Arena,
    pub(crate) guest: Guest,
    pub(crate) folder: tempfile::TempDir,
}

impl Plot {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let arena = host(folder.path());
        let guest = arena.hoarder("test:grower").granted(&[WRITE]);
        let guest = guest.limited(|limits| limits.fuel = 10_000_000_000);
        Self { arena, guest, folder }
    }

    /// The same folder and grant in another host, as another process has it.
    fn again(self) -> Self {
        let arena = host(self.folder.path());
        Self { arena, ..self }
    }

    pub(crate) fn report(&self, tool: &str, input: &Value) -> Report {
        self.arena.call(&self.guest, tool, input)
    }

    /// Calls a tool; the answer, or what it said when it failed.
    #[track_caller]
    fn call(&self, tool: &str, input: &Value) -> Value {
        match self.report(tool, input).result {
            Ok(Output::Value(value)) => value,
            Err(CallError::Tool { message, .. }) => json!(message),
            other => panic!("{tool}: {other:?}"),
        }
    }

    /// Calls a tool that has no answer; `ok`, or what it said.
    #[track_caller]
    pub(crate) fn word(&self, tool: &str, input: &Value) -> String {
        match self.call(tool, input) {
            Value::String(said) => said,
            _ => "ok".to_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn make(&self, name: &str, bytes: u64) -> String {
        self.word("make", &json!({ "path": at(name), "bytes": bytes }))
    }

    #[track_caller]
    pub(crate) fn resize(&self, name: &str, bytes: u64) -> String {
        self.word("resize", &json!({ "path": at(name), "bytes": bytes }))
    }

    #[track_caller]
    fn pair(&self, tool: &str, from: &str, to: &str) -> String {
        self.word(tool, &json!({ "from": at(from), "to": at(to) }))
    }

    #[track_caller]
    fn on(&self, tool: &str, name: &str) -> String {
        self.word(tool, &json!({ "path": at(name) }))
    }

    /// Bytes and files that the accounts of this folder say.
    pub(crate) fn account(&self) -> (u64, u64) {
        let path = Arena::written().join("plugins.db");
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let folder = self.folder.path().canonicalize().expect("it is there");
        let sql = "SELECT total(bytes), total(files) FROM account WHERE instr(name, ?1)";
        let sums = database.and_then(|database| {
            database.query_row(sql, [folder.to_string_lossy()], |row| {
                Ok((row.get::<_, f64>(0)? as u64, row.get::<_, f64>(1)? as u64))
            })
        });
        sums.expect("the accounts")
    }

    /// Bytes and names that are in the folder; a file of several names has its bytes once.
    pub(crate) fn contents(&self) -> (u64, u64) {
        let (mut bytes, mut names) = (BTreeMap::new(), 0);
        let mut next = vec![self.folder.path().to_owned()];
        while let Some(folder) = next.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let found = entry.metadata().expect("it is there");
                names += 1;
                if found.is_dir() {
                    next.push(entry.path());
                } else if found.is_file() {
                    bytes.insert(found.ino(), found.len());
                }
            }
        }
        (bytes.values().sum(), names)
    }

    /// Insists that the account says exactly what is there.
    #[track_caller]
    fn tallies(&self) {
        assert_eq!(self.account(), self.contents());
    }
}

fn host(folder: &Path) -> Arena {
    let folders = vec![Folder::bind("workspace", folder).expect("a folder")];
    Arena::with(HostConfig { folders, ..config() })
}

pub(crate) fn at(name: &str) -> String {
    format!("/workspace/{name}")
}

#[test]
fn bytes_grow_to_the_quota_over_calls_and_processes_and_not_by_one_more() {
    let plot = Plot::new();
    assert_eq!(plot.resize("a", limits::WRITTEN_BYTES - 2), "ok");
    assert_eq!(plot.make("b", 1), "ok");
    let plot = plot.again();
    assert_eq!(plot.word("append", &json!({ "path": at("a"), "bytes": 1 })), "ok");
    plot.tallies();
    assert_eq!(plot.account().0, limits::WRITTEN_BYTES);
    let more = plot.word("append", &json!({ "path": at("a"), "bytes": 1 }));
    assert_eq!(plot.resize("b", 2), "quota");
    assert_eq!(
        plot.report("resize", &json!({ "path": at("b"), "bytes": 2 })).usage.limits_hit,
        [Limit::WrittenBytes]
    );
    assert_eq!(plot.word("patch", &json!({ "path": at("b"), "at": 1, "bytes": 1 })), BY_STREAM);
    let plot = plot.again();
    assert_eq!(plot.resize("a", limits::WRITTEN_BYTES), "quota");
    // Writing over what is there takes no room; what is cut makes room.
    assert_eq!(plot.word("patch", &json!({ "path": at("b"), "at": 0, "bytes": 1 })), "ok");
    assert_eq!(plot.resize("a", 0), "ok");
    assert_eq!(plot.make("c", 100_000), "ok");
    plot.tallies();
    plot.arena.still_serves();
    settle("written-bytes", BY_STREAM, &more);
}

#[test]
fn files_grow_to_the_quota_and_not_by_one_more() {
    let plot = Plot::new();
    let most = limits::WRITTEN_FILES;
    let made = plot.call("make-many", &json!({ "folder": at(""), "count": most + 10 }));
    assert_eq!(plot.contents().1, most);
    let plot = plot.again();
    assert_eq!(plot.make("one-more", 0), "quota");
    assert_eq!(plot.on("make-folder", "one-more"), "quota");
    assert_eq!(plot.pair("link", "0", "one-more"), "quota");
    let link = json!({ "target": "0", "path": at("one-more") });
    assert_eq!(plot.word("symlink", &link), "quota");
    assert_eq!(plot.on("remove", "0"), "ok");
    assert_eq!(plot.on("make-folder", "one-more"), "ok");
    plot.tallies();
    plot.arena.still_serves();
    settle("written-files", "10000", &made.to_string());
}

#[test]
fn what_fails_costs_nothing() {
    let plot = Plot::new();
    assert_eq!(plot.make("file", 10), "ok");
    for (tool, name) in [("make-folder", "file"), ("remove-folder", "file"), ("remove", "gone")] {
        assert_ne!(plot.on(tool, name), "ok", "{tool}");
    }
    assert_ne!(plot.make("no-folder/file", 10), "ok");
    assert_ne!(plot.pair("rename", "gone", "file"), "ok");
    assert_ne!(plot.pair("link", "gone", "new"), "ok");
    assert_ne!(plot.pair("link", "file", "file"), "ok");
    assert_ne!(plot.word("symlink", &json!({ "target": "x", "path": at("file") })), "ok");
    assert_ne!(plot.resize("file", u64::MAX), "ok");
    assert_ne!(
        plot.word("patch", &json!({ "path": at("file"), "at": i64::MAX, "bytes": 1 })),
        "ok"
    );
    plot.tallies();
    settle("written-in-vain", "ok", "ok");
}

#[test]
fn what_is_saved_by_renaming_and_what_is_removed_is_given_back() {
    let plot = Plot::new();
    assert_eq!(plot.make("file", 1_000), "ok");
    assert_eq!(plot.make("new", 3_000), "ok");
    assert_eq!(plot.pair("rename", "new", "file"), "ok");
    plot.tallies();
    assert_eq!(plot.make("file", 20), "ok");
    assert_eq!(plot.on("make-folder", "sub"), "ok");
    assert_eq!(plot.pair("rename", "file", "sub/file"), "ok");
    assert_eq!(plot.pair("link", "sub/file", "other"), "ok");
    assert_eq!(plot.on("remove", "sub/file"), "ok");
    assert_eq!(plot.on("remove-folder", "sub"), "ok");
    plot.tallies();
    assert_eq!(plot.on("cut", "other"), "ok");
    assert_eq!(plot.on("remove", "other"), "ok");
    assert_eq!((plot.account(), plot.contents()), ((0, 0), (0, 0)));
    settle("written-and-freed", "ok", "ok");
}

#[test]
fn removing_what_others_wrote_is_no_credit() {
    let plot = Plot::new();
    fs::write(plot.folder.path().join("theirs"), vec![0; 1_000]).expect("a file");
    assert_eq!(plot.on("remove", "theirs"), "ok");
    assert_eq!(plot.account(), (0, 0));
    assert_eq!(plot.resize("a", limits::WRITTEN_BYTES), "ok");
    settle("written-credit", "quota", &plot.resize("b", 1));
}

/// Makes a file, does something that frees nothing, and insists that nothing was given back.
#[track_caller]
fn gives_nothing_back(name: &str, trick: impl Fn(&Plot)) {
    let plot = Plot::new();
    assert_eq!(plot.on("make-folder", "sub"), "ok");
    assert_eq!(plot.make("file", 5_000), "ok");
    trick(&plot);
    let (account, contents) = (plot.account(), plot.contents());
    let held = account.0 >= contents.0 && account.1 >= contents.1;
    plot.arena.still_serves();
    settle(name, "held", &if held { "held".to_owned() } else { format!("{account:?}") });
}

#[test]
fn a_file_renamed_to_itself_is_not_freed() {
    for to in ["file", "./file", "sub/../file"] {
        gives_nothing_back("rename-to-itself", |plot| {
            assert_eq!(plot.pair("rename", "file", to), "ok", "{to}");
        });
    }
    gives_nothing_back("rename-to-other-name", |plot| {
        assert_eq!(plot.pair("link", "file", "other"), "ok");
        assert_eq!(plot.pair("rename", "file", "other"), "ok");
    });
    gives_nothing_back("rename-folder-to-itself", |plot| {
        plot.pair("rename", "sub", "sub");
        plot.pair("rename", "sub", "sub/");
    });
}

#[test]
fn a_file_made_through_a_link_that_leads_nowhere_counts() {
    gives_nothing_back("files-through-links", |plot| {
        let made = plot.call("make-through-links", &json!({ "folder": at(""), "count": 20 }));
        assert_eq!(made, 20);
    });
}

#[test]
fn a_file_cut_under_an_open_stream_is_measured_anew() {
    gives_nothing_back("fill-behind-stream", |plot| {
        let filled = plot.word("fill-behind", &json!({ "name": "behind", "bytes": 100_000 }));
        assert_eq!(filled, "ok");
    });
}

#[test]
fn a_file_cut_while_it_is_written_is_measured_in_turn() {
    gives_nothing_back("cut-while-written", |plot| {
        let input = json!({ "name": "raced", "bytes": 60_000, "rounds": 200 });
        plot.call("race", &input);
    });
}

/// A file without a name takes its space until it is closed.
#[test]
fn what_is_removed_and_kept_open_is_not_given_back() {
    let plot = Plot::new();
    let quarter = limits::WRITTEN_BYTES / 4;
    let input = json!({ "folder": at(""), "bytes": quarter, "times": 20 });
    let kept = plot.call("keep-removed", &input);
    // The one that found no room has its name still.
    assert_eq!(plot.account(), (limits::WRITTEN_BYTES, 1));
    plot.arena.still_serves();
    settle("removed-and-open", "4", &kept.to_string());
}

#[test]
fn holes_count_as_bytes() {
    gives_nothing_back("sparse-file", |plot| {
        assert_eq!(plot.word("patch", &json!({ "path": at("file"), "at": MIB, "bytes": 1 })), "ok");
        assert_eq!(plot.contents().0, MIB + 1);
    });
}

#[test]
fn many_calls_at_once_share_one_account() {
    let plot = Plot::new();
    let input = |n: usize| json!({ "path": at(&n.to_string()), "bytes": 40 * MIB });
    let words: Vec<String> = std::thread::scope(|scope| {
        let resize = |n: usize| plot.word("resize", &input(n));
        let calls: Vec<_> = (0..8).map(|n| scope.spawn(move || resize(n))).collect();
        calls.into_iter().map(|call| call.join().expect("it ends")).collect()
    });
    let fit = (limits::WRITTEN_BYTES / (40 * MIB)) as usize;
    assert_eq!(words.iter().filter(|word| *word == "ok").count(), fit, "{words:?}");
    assert_eq!(plot.contents().0, plot.account().0);
    settle("written-at-once", "ok", "ok");
}

#[test]
fn a_new_grant_starts_at_nothing_and_the_same_one_does_not() {
    let mut plot = Plot::new();
    assert_eq!(plot.resize("a", limits::WRITTEN_BYTES), "ok");
    let plot_again = plot.resize("b", 1);
    assert_eq!(plot_again, "quota");
    // Another permission beside it is no new grant of this one.
    plot.guest = plot.guest.granted(&[WRITE, "kv"]);
    assert_eq!(plot.resize("b", 1), "quota");
    plot.guest.release.grants[0].granted_at_ms = 1;
    settle("written-new-grant", "ok", &plot.resize("b", 1));
}

#[test]
fn writing_for_one_call_is_counted_for_that_call() {
    let mut plot = Plot::new();
    plot.guest.release.grants.clear();
    let once = |tool: &str, input: &Value| {
        let plugin = plot.arena.load(&plot.guest).expect("it loads");
        let call = ax_host::plugin::Call {
            once: vec![crate::arena::permission(WRITE)],
            ..ax_host::plugin::Call::new(tool, &input.to_string())
        };
        of_call(&plot.arena.run(&plugin, call))
    };
    let bytes = |bytes: u64| json!({ "path": at("a"), "bytes": bytes });
    assert_eq!(once("resize", &bytes(limits::WRITTEN_BYTES)), "ok");
    assert_eq!(once("make-folder", &json!({ "path": at("b") })), "ok");
    assert_eq!(plot.account(), (0, 0), "its account ended with it");
    settle("written-once", "tool(failed)", &once("resize", &bytes(2 * limits::WRITTEN_BYTES + 1)));
}

#[test]
fn no_link_leads_what_is_written_out_of_the_folder() {
    let plot = Plot::new();
    let outside = tempfile::tempdir().expect("a folder");
    let secret = outside.path().join("secret");
    fs::write(&secret, SECRET).expect("a file");
    let out = outside.path().to_string_lossy().into_owned();
    // What the guest may not make, made by somebody else in between.
    std::os::unix::fs::symlink(&out, plot.folder.path().join("out")).expect("a link");
    std::os::unix::fs::symlink(&secret, plot.folder.path().join("leak")).expect("a link");
    std::os::unix::fs::symlink(format!("{out}/made"), plot.folder.path().join("dangling"))
        .expect("a link");
    for target in [out.as_str(), "..", "../x", "out/../..", "sub/../../x", "/"] {
        let link = json!({ "target": target, "path": at("link") });
        assert_eq!(plot.word("symlink", &link), "not-permitted", "{target}");
    }
    for name in ["out/made", "leak", "dangling", "out/secret", "../made", "out/../../made"] {
        assert_ne!(plot.make(name, 10), "ok", "{name}");
        assert_ne!(plot.resize(name, 10), "ok", "{name}");
        assert_ne!(plot.on("make-folder", &format!("{name}/x")), "ok", "{name}");
    }
    for name in ["out/secret", "../secret", "out/../secret"] {
        assert_ne!(plot.on("remove", name), "ok", "{name}");
        assert_ne!(plot.pair("link", name, "mine"), "ok", "{name}");
        assert_ne!(plot.pair("rename", name, "mine"), "ok", "{name}");
    }
    assert_eq!(plot.make("file", 1), "ok");
    for to in ["out/file", "../file", "out/../../file"] {
        assert_ne!(plot.pair("rename", "file", to), "ok", "{to}");
        assert_ne!(plot.pair("link", "file", to), "ok", "{to}");
    }
    // A link itself may go, and nothing behind it does.
    assert_eq!(plot.on("remove", "leak"), "ok");
    let left: Vec<_> = fs::read_dir(outside.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1);
    assert_eq!(fs::read_to_string(&secret).expect("it is there"), SECRET);
    plot.arena.still_serves();
    settle("write-through-links", "ok", "ok");
}
