//! Guests that try to leave their folder, to change what they may only read, and to use folders
//! that are not theirs.

use fs_err as fs;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use ax_host::plugin::Call;
use ax_host::plugin::DenialReason;
use ax_host::plugin::Folder;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Output;
use ax_host::plugin::Report;
use ax_manifest::GrantScope;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::SECRET;
use crate::arena::config;
use crate::arena::grant;
use crate::verdict::of_call;
use crate::verdict::settle;

const READ: &str = "fs:workspace:read";

fn reader() -> Guest {
    Arena::shared().hostile().granted(&[READ])
}

fn call(guest: &Guest, tool: &str, path: &str) -> Report {
    Arena::shared().call(guest, tool, &json!({ "path": path }))
}

/// Insists that a path leads nowhere, whatever is done with it.
#[track_caller]
fn leads_nowhere(name: &str, path: &str) {
    let guest = reader();
    for tool in ["read", "names", "kind"] {
        let report = call(&guest, tool, path);
        let shown = format!("{:?}", report.result);
        assert!(!shown.contains(SECRET) && !shown.contains("root:"), "{tool} {path}: {shown}");
        assert_eq!(of_call(&report), "tool(failed)", "{tool} {path}: {shown}");
    }
    Arena::shared().still_serves();
    settle(name, "tool(failed)", &of_call(&call(&guest, "read", path)));
}

#[test]
fn what_is_inside_is_read() {
    let guest = reader();
    for (path, text) in [
        ("/workspace/file", "inside"),
        ("/workspace/sub/deep", "deep inside"),
        ("/workspace/sub/../file", "inside"),
        ("/workspace/./sub/./deep", "deep inside"),
        ("/workspace/link-in", "inside"),
    ] {
        let report = call(&guest, "read", path);
        assert_eq!(report.result.expect(path), Output::Value(json!(text)), "{path}");
        assert_eq!(report.allowances[0].permission, READ);
    }
    settle("read-inside", "ok", "ok");
}

#[test]
fn no_path_leaves_the_folder() {
    leads_nowhere("dot-dot", "/workspace/../outside/secret");
    leads_nowhere("dot-dot-deep", "/workspace/sub/../../outside/secret");
    leads_nowhere("dot-dot-many", &format!("/workspace/{}etc/passwd", "../".repeat(30)));
    leads_nowhere("absolute-path", "/etc/passwd");
    let secret = Arena::outside().join("secret");
    leads_nowhere("absolute-path-of-host", &secret.to_string_lossy());
    leads_nowhere("host-root", "/proc/self/environ");
}

#[test]
fn no_symlink_made_beforehand_leaves_the_folder() {
    leads_nowhere("symlink-out", "/workspace/link-out");
    leads_nowhere("symlink-absolute", "/workspace/link-absolute");
    leads_nowhere("symlink-folder", "/workspace/folder-out/secret");
    leads_nowhere("symlink-folder-itself", "/workspace/folder-out");
    leads_nowhere("symlink-to-slash", "/workspace/link-slash/secret");
    leads_nowhere("symlink-to-root", "/workspace/link-root/etc/passwd");
    leads_nowhere("symlink-below", "/workspace/sub/link-up");
    leads_nowhere("symlink-loop", "/workspace/link-loop");
}

#[test]
fn no_trailing_slash_leaves_the_folder() {
    leads_nowhere("trailing-slash-link", "/workspace/folder-out/");
    leads_nowhere("trailing-slash-slash", "/workspace/link-slash/");
    leads_nowhere("trailing-slash-file", "/workspace/link-out/");
    leads_nowhere("trailing-dot", "/workspace/folder-out/.");
    leads_nowhere("trailing-dot-dot", "/workspace/folder-out/..");
}

/// A hard link *is* the file; whoever made it put the file into the folder.
#[test]
fn a_hard_link_made_beforehand_is_a_file_of_the_folder() {
    let report = call(&reader(), "read", "/workspace/hard");
    settle("hard-link-beforehand", "ok", &of_call(&report));
}

#[test]
fn a_link_tells_at_most_its_text() {
    let report = call(&reader(), "link-target", "/workspace/link-in");
    assert_eq!(report.result.expect("its text"), Output::Value(json!("file")));
    let secret = call(&reader(), "link-target", "/workspace/folder-out/secret");
    settle("link-target-outside", "tool(failed)", &of_call(&secret));
}

/// Every file below a folder with its content, links as their target.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder").flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("its kind");
        let content = if kind.is_symlink() {
            fs::read_link(&path).expect("a link").to_string_lossy().into_owned()
        } else if kind.is_dir() {
            found.extend(snapshot(&path));
            "folder".to_owned()
        } else if kind.is_file() {
            let changed = entry.metadata().and_then(|data| data.modified()).expect("its time");
            format!("{changed:?} {}", fs::read_to_string(&path).expect("a file"))
        } else {
            "other".to_owned()
        };
        found.insert(path, content);
    }
    found
}

/// Tries every change under these rights and insists that none worked.
#[track_caller]
fn changes_nothing(name: &str, guest: &Guest, reason: Option<DenialReason>) {
    let arena = Arena::shared();
    let before = (snapshot(&Arena::work()), snapshot(&Arena::outside()));
    let report = arena.call(guest, "change", &json!({ "folder": "/workspace" }));
    assert_eq!(report.result.as_ref().expect("an answer"), &Output::Value(json!([])));
    assert_eq!((snapshot(&Arena::work()), snapshot(&Arena::outside())), before);
    let write = report.denials.iter().find(|denial| denial.permission == "fs:workspace:write");
    assert_eq!(write.map(|denial| denial.reason), reason);
    arena.still_serves();
    settle(name, "ok", &of_call(&report));
}

#[test]
fn nothing_is_changed_under_a_read_grant() {
    changes_nothing("write-under-read-grant", &reader(), Some(DenialReason::NotDeclared));
    let mut declared = Arena::shared().hostile().declaring(&["fs:workspace:write"]);
    declared.release.grants = vec![grant(READ, GrantScope::Always)];
    changes_nothing("write-declared-only", &declared, Some(DenialReason::NotGranted));
}

#[test]
fn a_write_grant_changes_its_own_folder_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs_err::write(folder.path().join("file"), "as it was").expect("a file");
    let folders = vec![Folder::bind("workspace", folder.path()).expect("a folder")];
    let arena = Arena::with(HostConfig { folders, ..config() });
    let before = (snapshot(&Arena::work()), snapshot(&Arena::outside()));
    let guest = arena.hostile().granted(&["fs:workspace:write"]);
    let report = arena.call(&guest, "change", &json!({ "folder": "/workspace" }));
    let Ok(Output::Value(Value::Array(worked))) = &report.result else { panic!("{report:?}") };
    let worked: Vec<&str> = worked.iter().filter_map(Value::as_str).collect();
    assert!(worked.contains(&"create") && worked.contains(&"symlink"), "{worked:?}");
    // A terabyte is more than the quota; the others lead out of the folder.
    for refused in ["set-length", "rename-out", "hard-link-out", "symlink-out"] {
        assert!(!worked.contains(&refused), "{worked:?}");
    }
    assert_eq!(report.denials, []);
    assert_eq!((snapshot(&Arena::work()), snapshot(&Arena::outside())), before);
    settle("write-under-write-grant", "ok", &of_call(&report));
}

/// Insists that the folder is not there for this guest.
#[track_caller]
fn has_no_folder(name: &str, guest: &Guest, reason: Option<DenialReason>) {
    let report = call(guest, "read", "/workspace/file");
    let denied = report.denials.iter().find(|denial| denial.permission == READ);
    assert_eq!(denied.map(|denial| denial.reason), reason);
    Arena::shared().still_serves();
    settle(name, "tool(failed)", &of_call(&report));
}

#[test]
fn a_folder_that_is_not_granted_is_not_there() {
    has_no_folder("folder-undeclared", &Arena::shared().hostile(), None);
    let declared = Arena::shared().hostile().declaring(&[READ]);
    has_no_folder("folder-not-granted", &declared, Some(DenialReason::NotGranted));
    let mut undeclared = reader();
    undeclared.release.declared = std::iter::empty().collect();
    has_no_folder("folder-granted-undeclared", &undeclared, None);
    let other = Arena::shared().hostile().granted(&["fs:other:read"]);
    has_no_folder("other-folder-granted", &other, None);
}

#[test]
fn a_folder_granted_to_another_project_is_not_there() {
    let mut guest = reader();
    let project = |path: PathBuf| vec![grant(READ, GrantScope::Project(path))];
    guest.release.grants = project(Arena::outside());
    has_no_folder("folder-of-other-project", &guest, Some(DenialReason::NotGranted));
    guest.release.grants = project(Arena::work().canonicalize().expect("it is there"));
    assert_eq!(of_call(&call(&guest, "read", "/workspace/file")), "ok");
}

#[test]
fn a_grant_that_expired_opens_nothing() {
    let mut guest = reader();
    guest.release.grants[0].expires_at_ms = Some(1);
    has_no_folder("grant-expired", &guest, Some(DenialReason::NotGranted));
}

/// Opening a named pipe waits for the other side for ever. Threads that wait must not run out.
#[test]
fn named_pipes_do_not_use_up_the_threads_for_files() {
    const CALLS: u32 = 40;
    let arena = Arena::with(config());
    let plugin = arena.load(&reader()).expect("it loads");
    let read = |path: &str, deadline| {
        let input: Value = json!({ "path": path });
        let call = Call { deadline: Some(deadline), ..Call::new("read", &input.to_string()) };
        arena.run(&plugin, call)
    };
    for _ in 0..CALLS {
        read("/workspace/pipe", Duration::from_millis(20));
    }
    let after = read("/workspace/file", Duration::from_secs(3));
    settle("named-pipes", "ok", &of_call(&after));
}
