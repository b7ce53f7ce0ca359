//! Guests that keep things open, and guests that ask the host for a lot at once.

use std::time::Duration;

use ax_host::plugin::Folder;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Limit;
use ax_host::plugin::Output;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::verdict::of_call;
use crate::verdict::settle;
use crate::wat;

/// Calls a guest that may read the folder.
fn call(guest: Guest, tool: &str, input: &Value) -> Report {
    let arena = Arena::shared();
    let report = arena.call(&guest.granted(&["fs:workspace:read"]), tool, input);
    arena.still_serves();
    report
}

fn number(report: &Report) -> u64 {
    match report.result.as_ref().expect("an answer") {
        Output::Value(value) => value.as_u64().expect("a number"),
        other @ Output::Content { .. } => panic!("{other:?}"),
    }
}

/// What the engine refuses by itself has no type; that the guest crashed is all there is to say.
fn stopped(report: &Report) -> String {
    match of_call(report).as_str() {
        "trapped" | "exhausted(handles)" => "stopped".to_owned(),
        other => other.to_owned(),
    }
}

#[test]
fn files_are_held_up_to_the_limit() {
    let hostile = Arena::shared().hostile();
    let input = json!({ "path": "/workspace/file", "times": 1_000 });
    let report = call(hostile, "hold", &input);
    let held = number(&report);
    assert!(held <= u64::from(limits::HANDLES) && held > 40, "{held}");
    assert_eq!(report.usage.limits_hit, [Limit::Handles]);
    settle("descriptor-flood", "ok", &of_call(&report));
}

/// The host holds a listing whole, so a folder of many files must not become memory of the host.
#[test]
fn a_folder_is_listed_up_to_the_limit_and_not_one_entry_more() {
    // A folder of its own: others compare theirs before and after.
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let folders = vec![Folder::bind("workspace", folder).expect("a folder")];
    let arena = Arena::with(HostConfig { folders, ..config() });
    let hostile = arena.hostile();
    // `.` and `..` are entries too.
    let most = limits::LISTING_ENTRIES - 2;
    (0..most).for_each(|n| fs_err::write(folder.join(n.to_string()), "").expect("a file"));
    let list = || {
        let guest = hostile.clone().granted(&["fs:workspace:read"]);
        number(&arena.call(&guest, "hold-listings", &json!({ "path": "/workspace", "times": 1 })))
    };
    assert_eq!(list(), 1, "the limit itself");
    fs_err::write(folder.join("one-more"), "").expect("a file");
    let got = if list() == 0 { "refused" } else { "listed" };
    settle("huge-folder", "refused", got);
}

#[test]
fn listings_are_held_up_to_the_limit() {
    let hostile = Arena::shared().hostile();
    let report = call(hostile, "hold-listings", &json!({ "path": "/workspace", "times": 1_000 }));
    let held = number(&report);
    assert!(held <= u64::from(limits::HANDLES) && held > 10, "{held}");
    assert_eq!(report.usage.limits_hit, [Limit::Handles]);
    settle("listing-flood", "ok", &of_call(&report));
}

#[test]
fn asking_for_the_folders_again_and_again_opens_no_more_than_the_limit() {
    let guest = || Guest::new(wat::of_world("preopens", "preopens"));
    assert_eq!(of_call(&call(guest(), "run", &json!({ "times": 40 }))), "ok");
    let report = call(guest(), "run", &json!({ "times": limits::HANDLES + 1 }));
    settle("preopen-flood", "exhausted(handles)", &of_call(&report));
}

#[test]
fn a_stream_keeps_its_file_open_and_counts() {
    let guest = Guest::new(wat::of_world("streams", "streams"));
    let report = call(guest, "run", &json!({ "times": 1_000 }));
    let got = match &report.result {
        Ok(_) if number(&report) > u64::from(limits::HANDLES) => {
            format!("{}-open-files", number(&report))
        }
        _ if report.usage.limits_hit == [Limit::Handles] => "bounded".to_owned(),
        _ => of_call(&report),
    };
    settle("stream-flood", "bounded", &got);
}

#[test]
fn timers_are_held_up_to_the_limit() {
    let report = call(Guest::new(wat::of_world("pollables", "pollables")), "run", &json!({}));
    settle("pollable-flood", "exhausted(handles)", &of_call(&report));
}

#[test]
fn handles_of_its_own_are_held_up_to_the_limit() {
    let report = call(Guest::new(wat::whole("own-handles")), "run", &json!({}));
    settle("own-handle-flood", "stopped", &stopped(&report));
}

#[test]
fn random_bytes_come_in_small_pieces() {
    let guest = || Guest::new(wat::of_world("random", "random"));
    let most = call(guest(), "run", &json!({ "bytes": limits::RANDOM_BYTES }));
    assert_eq!(number(&most), limits::RANDOM_BYTES);
    for bytes in [limits::RANDOM_BYTES + 1, u64::MAX] {
        let report = call(guest(), "run", &json!({ "bytes": bytes.to_string() }));
        settle("random-bytes-demand", "stopped", &stopped(&report));
    }
}

#[test]
fn zeroes_are_not_made_by_the_terabyte() {
    let guest = || Guest::new(wat::of_world("zeroes", "zeroes"));
    assert_eq!(of_call(&call(guest(), "run", &json!({ "bytes": 64 << 10 }))), "ok");
    let report = call(guest(), "run", &json!({ "bytes": 1_u64 << 40 }));
    settle("write-zeroes-demand", "stopped", &stopped(&report));
}

#[test]
fn a_path_of_megabytes_is_refused_quickly() {
    let guest = Guest::new(wat::of_world("long-path", "long-path"));
    let report = call(guest, "run", &json!({ "bytes": 3_500_000 }));
    let took = Duration::from_micros(report.usage.duration_us);
    let got = match (&report.result, took < Duration::from_secs(2)) {
        (Ok(_), true) => "refused".to_owned(),
        (_, true) => of_call(&report),
        (_, false) => format!("busy-for-{}-ms", took.as_millis()),
    };
    settle("huge-path", "refused", &got);
}
