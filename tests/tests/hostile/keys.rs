//! Guests that keep more than they may, write what is no key, and look for what others keep.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ax_host::kv::CHANGES_MAX;
use ax_host::kv::KEY_BYTES_MAX;
use ax_host::kv::PAGE_ENTRIES_MAX;
use ax_host::kv::VALUE_BYTES_MAX;
use ax_host::plugin::Call;
use ax_host::plugin::CallError;
use ax_host::plugin::DenialReason;
use ax_host::plugin::Output;
use ax_host::plugin::Plugin;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use ax_manifest::LimitMaxima;
use ax_manifest::Source;
use ax_manifest::inspect;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;
use crate::wat;

/// A loaded guest with data.
struct Keeper {
    arena: &'static Arena,
    plugin: Arc<Plugin>,
}

impl Keeper {
    fn new(guest: &Guest) -> Self {
        let arena = Arena::shared();
        Self { arena, plugin: arena.load(guest).expect("it loads") }
    }

    fn named(name: &str) -> Self {
        Self::new(&Arena::shared().hoarder(name).keeping())
    }

    fn report(&self, tool: &str, input: &Value) -> Report {
        self.arena.run(&self.plugin, Call::new(tool, &input.to_string()))
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

    /// Puts so many bytes under a key.
    #[track_caller]
    fn put(&self, key: &str, bytes: usize) -> Value {
        self.call("write", &json!({ "changes": [{ "key": key, "bytes": bytes, "when": null }] }))
    }

    #[track_caller]
    fn get(&self, key: &str) -> Value {
        self.call("get", &json!({ "key": key }))
    }

    /// How many keys and bytes it keeps.
    #[track_caller]
    fn used(&self) -> (u64, u64) {
        let used = self.call("usage", &json!({}));
        (used[0].as_u64().expect("keys"), used[1].as_u64().expect("bytes"))
    }
}

#[test]
fn keys_are_kept_up_to_their_number_and_not_one_more() {
    let keeper = Keeper::named("test:many-keys");
    let most = u64::from(limits::KV_KEYS);
    keeper.call("write-many", &json!({ "prefix": "k", "first": 0, "count": most, "bytes": 1 }));
    assert_eq!(keeper.used().0, most);
    let more = keeper.put("one-more", 1);
    assert_eq!(keeper.get("one-more"), Value::Null);
    // What is there can be changed, and one that goes makes room for one.
    assert!(keeper.put("k0", 2).is_u64());
    let swap = json!([{ "key": "k0", "bytes": null, "when": null },
        { "key": "one-more", "bytes": 1, "when": null }]);
    assert!(keeper.call("write", &json!({ "changes": swap })).is_u64());
    assert_eq!(keeper.used().0, most);
    keeper.arena.still_serves();
    settle("kv-key-flood", "exhausted kv-keys", more.as_str().unwrap_or("kept"));
}

#[test]
fn bytes_are_kept_up_to_the_quota_and_not_one_more() {
    let guest = Arena::shared().hoarder("test:many-bytes").keeping();
    let keeper = Keeper::new(&guest.limited(|limits| limits.kv_bytes = 1_000));
    assert!(keeper.put("k", 999).is_u64());
    assert_eq!(keeper.used(), (1, 1_000), "keys count too");
    let more = keeper.put("k", 1_000);
    assert_eq!(keeper.used(), (1, 1_000));
    assert_eq!(keeper.put("l", 0), json!("exhausted kv-bytes"), "the key alone is one byte");
    assert!(keeper.put("k", 998).is_u64());
    assert!(keeper.put("l", 0).is_u64());
    keeper.arena.still_serves();
    settle("kv-byte-flood", "exhausted kv-bytes", more.as_str().unwrap_or("kept"));
}

#[test]
fn a_value_has_its_bytes_and_not_one_more() {
    let keeper = Keeper::named("test:long-value");
    assert!(keeper.put("k", VALUE_BYTES_MAX).is_u64());
    let more = keeper.put("k", VALUE_BYTES_MAX + 1);
    assert_eq!(keeper.get("k")[0], VALUE_BYTES_MAX);
    settle("kv-huge-value", "invalid value", more.as_str().unwrap_or("kept"));
}

#[test]
fn one_write_takes_so_many_bytes_and_changes() {
    let keeper = Keeper::named("test:large-write");
    let change = |n: usize| json!({ "key": n.to_string(), "bytes": 1 << 20, "when": null });
    let changes: Vec<Value> = (0..9).map(change).collect();
    let large = keeper.report("write", &json!({ "changes": changes }));
    settle("kv-huge-write", "exhausted(bytes)", &of_call(&large));
    let small = |count: usize| -> Vec<Value> {
        (0..count).map(|n| json!({ "key": n.to_string(), "bytes": 0, "when": null })).collect()
    };
    assert!(keeper.call("write", &json!({ "changes": small(CHANGES_MAX) })).is_u64());
    let more = keeper.call("write", &json!({ "changes": small(CHANGES_MAX + 1) }));
    assert_eq!(more, "invalid changes");
    assert_eq!(keeper.call("write", &json!({ "changes": [] })), "invalid changes");
    let twice = json!([{ "key": "a", "bytes": 1, "when": null }, { "key": "a", "bytes": null, "when": null }]);
    assert_eq!(keeper.call("write", &json!({ "changes": twice })), "invalid changes");
    // A list of empty changes is small for the guest, and a multiple of that for the host.
    let flood = keeper.report("write-flood", &json!({ "changes": 400_000 }));
    keeper.arena.still_serves();
    settle("kv-change-flood", "exhausted(bytes)", &of_call(&flood));
}

#[test]
fn a_write_is_made_wholly_or_not_at_all() {
    let keeper = Keeper::named("test:all-or-nothing");
    let version = keeper.put("there", 3);
    let write = |changes: Value| keeper.call("write", &json!({ "changes": changes }));
    let refused = write(json!([
        { "key": "new", "bytes": 1, "when": 0 },
        { "key": "there", "bytes": null, "when": null },
        { "key": "other", "bytes": 1, "when": 99 },
    ]));
    assert_eq!(keeper.get("new"), Value::Null);
    assert_eq!(keeper.get("there"), json!([3, version]));
    assert_eq!(write(json!([{ "key": "there", "bytes": 1, "when": 0 }])), "conflict there");
    // Versions are never used twice: what was removed and put again is another.
    write(json!([{ "key": "there", "bytes": null, "when": version }]));
    keeper.put("there", 3);
    let old = write(json!([{ "key": "there", "bytes": 9, "when": version }]));
    assert_eq!(old, "conflict there");
    assert_eq!(keeper.used(), (1, 8));
    settle("kv-torn-write", "conflict other", refused.as_str().unwrap_or("written"));
}

#[test]
fn what_is_no_key_is_refused() {
    let keeper = Keeper::named("test:strange-keys");
    let longest = "k".repeat(KEY_BYTES_MAX);
    assert!(keeper.put(&longest, 1).is_u64());
    assert!(keeper.put("é ../%00 \u{2028}", 1).is_u64(), "any text of one line");
    let longer = "k".repeat(KEY_BYTES_MAX + 1);
    let wide = "é".repeat(KEY_BYTES_MAX / 2) + "k";
    for key in ["", "a\0b", "\n", "a\tb", "\u{7f}", "\u{85}", "\u{1b}[2J", &longer, &wide] {
        assert_eq!(keeper.put(key, 1), "invalid key", "{key:?}");
        assert_eq!(keeper.get(key), "invalid key", "{key:?}");
    }
    assert_eq!(keeper.used().0, 2);
    for prefix in ["a\0", &longer] {
        let input = json!({ "prefix": prefix, "limit": 1, "cursor": null });
        assert_eq!(keeper.call("scan", &input), "invalid key", "{prefix:?}");
    }
    let raw = keeper.report("get-raw", &json!({ "key": [0xff, 0xfe] }));
    keeper.arena.still_serves();
    settle("kv-key-not-utf8", "trapped", &of_call(&raw));
}

#[test]
fn a_forged_cursor_opens_nothing() {
    let keeper = Keeper::named("test:cursors");
    for key in ["a/1", "a/2", "a/3", "b/1"] {
        keeper.put(key, 1);
    }
    let scan = |prefix: &str, limit: u32, cursor: Value| {
        keeper.call("scan", &json!({ "prefix": prefix, "limit": limit, "cursor": cursor }))
    };
    let first = scan("a/", 2, Value::Null);
    assert_eq!(first["keys"], json!(["a/1", "a/2"]));
    let cursor = first["next"].clone();
    assert_eq!(scan("a/", 2, cursor.clone()), json!({ "keys": ["a/3"], "next": null }));
    for prefix in ["", "a", "b/", "a/1"] {
        assert_eq!(scan(prefix, 2, cursor.clone()), "invalid cursor", "{prefix}");
    }
    let damaged = format!("{}A", cursor.as_str().expect("text"));
    for forged in ["", "x", "AQAAYQ", "../..", &damaged, &"A".repeat(1 << 19)] {
        assert_eq!(scan("a/", 2, json!(forged)), "invalid cursor");
    }
    for limit in [0, PAGE_ENTRIES_MAX + 1, u32::MAX] {
        assert_eq!(scan("a/", limit, Value::Null), "invalid limit");
    }
    assert_eq!(scan("", PAGE_ENTRIES_MAX, Value::Null)["keys"].as_array().map(Vec::len), Some(4));
    keeper.arena.still_serves();
    settle("kv-forged-cursor", "ok", "ok");
}

#[test]
fn two_plugins_never_see_each_others_keys() {
    let arena = Arena::shared();
    let guest = arena.hoarder("test:left").keeping();
    let left = Keeper::new(&guest);
    left.put("mine", 7);
    let mut elsewhere = arena.hoarder("test:left");
    elsewhere.release.identity.source = Source::Folder(PathBuf::from("/another"));
    let mut other_state = guest.clone();
    let owner = guest.release.identity.to_string();
    other_state.release.state = Arena::kv().fork(&owner, None).expect("a state").state;
    let others = [arena.hoarder("test:right").keeping(), elsewhere.keeping(), other_state];
    for other in others.iter().map(Keeper::new) {
        assert_eq!(other.get("mine"), Value::Null);
        assert_eq!(other.used(), (0, 0));
        let all = json!({ "prefix": "", "limit": 10, "cursor": null });
        assert_eq!(other.call("scan", &all)["keys"], json!([]));
        other.put("mine", 1);
    }
    assert_eq!(left.get("mine")[0], 7);
    settle("kv-of-another", "ok", "ok");
}

#[test]
fn a_state_that_is_not_there_is_no_data() {
    let mut guest = Arena::shared().hoarder("test:stateless").keeping();
    guest.release.state = 99;
    let keeper = Keeper::new(&guest);
    let got = keeper.put("k", 1);
    assert_eq!(keeper.get("k"), "failed");
    settle("kv-no-state", "failed", got.as_str().unwrap_or("written"));
}

#[test]
fn nothing_is_kept_without_the_permission() {
    let arena = Arena::shared();
    let asks = |guest: &Guest, reason: DenialReason| {
        let keeper = Keeper::new(guest);
        let write = json!({ "changes": [{ "key": "k", "bytes": 1, "when": null }] });
        let scan = json!({ "prefix": "", "limit": 1, "cursor": null });
        for (tool, input) in
            [("write", write), ("get", json!({ "key": "k" })), ("scan", scan), ("usage", json!({}))]
        {
            let report = keeper.report(tool, &input);
            let denied: Vec<_> =
                report.denials.iter().map(|d| (&*d.permission, d.reason)).collect();
            assert_eq!(denied, [("kv", reason)], "{tool}");
            assert_eq!(of_call(&report), "tool(failed)", "{tool}");
        }
        keeper.put("k", 1)
    };
    let mut ungranted = arena.hoarder("test:ungranted").keeping();
    ungranted.release.grants.clear();
    let told = asks(&ungranted, DenialReason::NotGranted);
    settle("kv-not-granted", "denied kv", told.as_str().unwrap_or("written"));
    let mut undeclared = arena.hoarder("test:undeclared").keeping();
    undeclared.release.declared = std::iter::empty().collect();
    let told = asks(&undeclared, DenialReason::NotDeclared);
    let used = Arena::kv().states().expect("the store").into_iter();
    let owners = ["test:ungranted", "test:undeclared"];
    for (owner, _, usage) in used.filter(|(owner, ..)| owners.iter().any(|o| owner.contains(o))) {
        assert_eq!(usage.keys, 0, "{owner}");
    }
    settle("kv-undeclared", "denied kv", told.as_str().unwrap_or("written"));
}

#[test]
fn nothing_is_kept_while_a_plugin_is_described() {
    let bytes = wat::of_world("greedy", "greedy");
    let facts = inspect(&bytes).expect("a component");
    let name = "test:greedy".parse().expect("a name");
    let host = &Arena::shared().host;
    let described =
        host.describe(&name, &facts, &bytes, &LimitMaxima::default()).expect("it answers");
    settle("kv-in-describe", "denied", &described[0].name);
}

#[test]
fn reading_without_end_runs_dry() {
    let guest = Arena::shared().hoarder("test:endless-scan").keeping();
    let fuel = 20_000_000;
    let keeper = Keeper::new(&guest.limited(|limits| limits.fuel = fuel));
    let empty = keeper.report("scan-endlessly", &json!({}));
    assert_eq!(of_call(&empty), "exhausted(fuel)");
    keeper.put("k", VALUE_BYTES_MAX);
    let full = keeper.report("scan-endlessly", &json!({}));
    // A byte costs one unit; the last reading is charged when it was done.
    let most = fuel + 2 * VALUE_BYTES_MAX as u64;
    assert!(full.usage.host_call_bytes <= most, "{:?}", full.usage);
    assert_eq!(full.usage.fuel, fuel);
    keeper.arena.still_serves();
    settle("kv-endless-scan", "exhausted(fuel)", &of_call(&full));
}

#[test]
fn a_call_that_is_ended_while_it_writes_leaves_whole_writes() {
    let guest = Arena::shared().hoarder("test:endless-write").keeping();
    let keeper = Keeper::new(&guest);
    let call = Call {
        deadline: Some(Duration::from_millis(60)),
        ..Call::new("write-endlessly", r#"{"key": "k"}"#)
    };
    let report = keeper.arena.run(&keeper.plugin, call);
    // Both keys of a write carry its number.
    assert_eq!(keeper.get("k"), keeper.get("k-too"));
    assert_eq!(keeper.used(), (2, 2 * 4_096 + "kk-too".len() as u64));
    settle("kv-endless-write", "exhausted(time)", &of_call(&report));
}
