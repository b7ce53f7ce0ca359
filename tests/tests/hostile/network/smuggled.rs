//! Guests that got a secret in halves, which no scan of one answer can see, and try every way out.

use ax_host::plugin::Call;
use ax_host::plugin::CallError;
use ax_host::plugin::Progress;
use ax_host::plugin::Report;
use ax_tests::server::Server;
use ax_tests::server::ok;
use serde_json::json;
use tokio::sync::watch;

use super::ground::OTHER;
use super::ground::PUBLIC;
use super::ground::arena;
use super::ground::get;
use super::ground::holder;
use crate::arena::Arena;
use crate::verdict::of_call;
use crate::verdict::settle;

/// Lets the guest put the halves together and pass them on.
fn smuggle(by: &str) -> (Report, Progress) {
    let halves = OTHER.split_at(11);
    let server = Server::at(PUBLIC, move |heard| match heard.target.as_str() {
        "/first" => ok(halves.0),
        "/second" => ok(halves.1),
        _ => ok("caught"),
    });
    let guest = holder(&[
        &format!("net:{}:GET:/first,/second", server.origin()),
        &format!("secret:other@{}", server.origin()),
    ]);
    let (told, progress) = watch::channel(Progress::default());
    let requests = [get(&server.url("/first")), get(&server.url("/second"))];
    let input = json!({ "requests": requests, "by": by }).to_string();
    let plugin = arena().load(&guest).expect("it loads");
    let report =
        arena().run(&plugin, Call { progress: Some(told), ..Call::new("smuggle", &input) });
    let progress = progress.borrow().clone();
    arena().still_serves();
    (report, progress)
}

#[test]
fn an_answer_or_error_that_holds_a_secret_is_withheld() {
    for (attack, by) in [("smuggle-result", "result"), ("smuggle-error", "error")] {
        let (report, _) = smuggle(by);
        assert!(!format!("{report:?}").contains(OTHER), "{report:?}");
        settle(attack, "leak(other)", &of_call(&report));
    }
}

#[test]
fn a_crash_shows_no_secret() {
    let (report, _) = smuggle("panic");
    assert!(!format!("{report:?}").contains(OTHER), "{report:?}");
    assert!(matches!(report.result, Err(CallError::Trapped { .. } | CallError::Leak { .. })));
    settle("smuggle-panic", "hidden", "hidden");
}

#[test]
fn a_log_shows_the_name_of_a_secret_instead() {
    for (attack, by) in
        [("smuggle-log", "log"), ("smuggle-log-fields", "fields"), ("smuggle-print", "print")]
    {
        let (report, _) = smuggle(by);
        let shown = format!("{report:?}");
        let got = match (shown.contains(OTHER), shown.contains("[secret other]")) {
            (false, true) => "redacted",
            (false, false) => "gone",
            (true, _) => "shown",
        };
        settle(attack, "redacted", got);
    }
}

#[test]
fn progress_shows_the_name_of_a_secret_instead() {
    let (_, progress) = smuggle("progress");
    settle("smuggle-progress", "[secret other]", &progress.note);
}

#[test]
fn a_request_that_names_a_secret_is_recorded_without_it() {
    for (attack, by) in [("smuggle-path", "path"), ("smuggle-query", "query")] {
        let (report, _) = smuggle(by);
        let shown = format!("{report:?}");
        settle(attack, "hidden", if shown.contains(OTHER) { "shown" } else { "hidden" });
    }
}

#[test]
fn no_secret_is_in_any_file_of_the_host() {
    let (report, _) = smuggle("path");
    drop(report);
    let home = Arena::written();
    let mut searched = 0;
    for entry in fs_err::read_dir(&home).expect("the home") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            let bytes = fs_err::read(&path).expect("a file");
            let holds = |value: &str| bytes.windows(value.len()).any(|it| it == value.as_bytes());
            for value in [OTHER, super::ground::TOKEN] {
                assert!(!holds(value), "{}", path.display());
            }
            searched += 1;
        }
    }
    let got = if searched >= 3 { "clean" } else { "nothing-searched" };
    settle("secret-on-disk", "clean", got);
}
