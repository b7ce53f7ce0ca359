//! Guests that say too much, and guests that speak to the terminal.

use ax_host::plugin::Limit;
use ax_host::plugin::Limits;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::verdict::of_call;
use crate::verdict::settle;

const DIRTY: &str = "a\u{1b}[31mb\u{9b}2Jc\u{7}d\u{202e}e\u{200b}f\u{2066}g\u{feff}h\u{e0041}i";
const HIDDEN: [char; 8] =
    ['\u{1b}', '\u{9b}', '\u{7}', '\u{202e}', '\u{200b}', '\u{2066}', '\u{feff}', '\u{e0041}'];

/// Calls a tool with the default limits and insists on what holds for every log.
#[track_caller]
fn call(tool: &str, input: &Value) -> Report {
    let arena = Arena::shared();
    let guest = arena.hostile().limited(|limits| *limits = Limits::default());
    let report = arena.call(&guest, tool, input);
    assert!(report.log.len() <= limits::LOG_LINES as usize);
    let field_bytes = |(name, value): &(String, String)| name.len() + value.len();
    let line_bytes = |line: &ax_host::plugin::Line| {
        line.message.len() + line.fields.iter().map(field_bytes).sum::<usize>()
    };
    let bytes: usize = report.log.iter().map(line_bytes).sum();
    // A cut line ends with one character more.
    let ends = report.log.len() * '…'.len_utf8();
    assert!(bytes as u64 <= limits::LOG_BYTES + ends as u64, "{bytes}");
    let text = serde_json::to_string(&report.log).expect("lines are data");
    for hidden in HIDDEN {
        let escaped = format!("\\u{:04x}", u32::from(hidden));
        assert!(!text.contains(hidden) && !text.contains(&escaped), "{hidden:?} is in {text}");
    }
    arena.still_serves();
    report
}

#[test]
fn lines_beyond_the_limit_are_counted_and_dropped() {
    let most = call("log-lines", &json!({ "lines": limits::LOG_LINES, "bytes": 10 }));
    assert_eq!((most.log.len(), most.usage.log_lines_dropped), (1_000, 0));
    assert!(most.usage.limits_hit.is_empty());
    let lines = limits::LOG_LINES + 1;
    let more = call("log-lines", &json!({ "lines": lines, "bytes": 10 }));
    assert_eq!(more.usage.log_lines_dropped, 1);
    let report = call("log-lines", &json!({ "lines": 50_000, "bytes": 10 }));
    assert_eq!(report.usage.log_lines_dropped, 49_000);
    assert_eq!(report.usage.limits_hit, [Limit::Log]);
    settle("log-flood-lines", "ok", &of_call(&report));
}

#[test]
fn bytes_beyond_the_limit_are_counted_and_dropped() {
    let report = call("log-lines", &json!({ "lines": 1_000, "bytes": 4_000 }));
    let kept = limits::LOG_BYTES / 4_000;
    assert_eq!(report.usage.log_lines_dropped, 1_000 - kept);
    assert_eq!(report.usage.limits_hit, [Limit::Log]);
    settle("log-flood-bytes", "ok", &of_call(&report));
}

#[test]
fn a_long_line_is_cut_and_fields_are_few() {
    let long = call("log-lines", &json!({ "lines": 1, "bytes": 1 << 20 }));
    assert!(long.log[0].message.len() <= limits::LOG_LINE_BYTES + '…'.len_utf8());
    let report = call("log-fields", &json!({ "fields": 500 }));
    assert!(report.log[0].fields.len() <= 32, "{}", report.log[0].fields.len());
    settle("log-fields", "ok", &of_call(&report));
}

#[test]
fn a_message_larger_than_a_host_call_may_copy_ends_the_call() {
    let bytes = limits::HOST_CALL_BYTES + 1;
    let report = call("log-lines", &json!({ "lines": 1, "bytes": bytes }));
    assert!(report.log.is_empty());
    settle("host-call-data", "exhausted(bytes)", &of_call(&report));
}

#[test]
fn all_host_calls_together_are_bounded() {
    let arena = Arena::shared();
    let guest = arena.hostile().limited(|limits| limits.fuel = 20_000_000_000);
    let lines = limits::HOST_CALLS_BYTES / (8_000_000) + 1;
    let report = arena.call(&guest, "log-lines", &json!({ "lines": lines, "bytes": 8_000_000 }));
    assert!(report.usage.host_call_bytes <= limits::HOST_CALLS_BYTES + limits::HOST_CALL_BYTES);
    arena.still_serves();
    settle("host-call-data-in-all", "exhausted(bytes)", &of_call(&report));
}

#[test]
fn a_flood_on_standard_output_is_dropped() {
    let report = call("print", &json!({ "text": "a line\n", "times": 200_000 }));
    assert_eq!(report.usage.limits_hit, [Limit::Log]);
    assert_eq!(report.usage.log_lines_dropped, 199_000);
    settle("stdout-flood", "ok", &of_call(&report));
    let report = call("complain", &json!({ "text": "a line\n", "times": 5_000 }));
    assert_eq!(report.usage.log_lines_dropped, 4_000);
    settle("stderr-flood", "ok", &of_call(&report));
}

#[test]
fn a_line_without_an_end_is_cut() {
    let report = call("print", &json!({ "text": "x".repeat(1_000), "times": 4_000 }));
    let longest = report.log.iter().map(|line| line.message.len()).max();
    let most = limits::LOG_LINE_BYTES + '…'.len_utf8();
    assert!(longest.is_some_and(|bytes| bytes <= most), "{longest:?}");
    settle("endless-line", "ok", &of_call(&report));
}

#[test]
fn a_line_that_is_cut_loses_nothing() {
    let pieces = call("print", &json!({ "text": "x".repeat(1_000), "times": 20 }));
    let kept: usize = pieces.log.iter().map(|line| line.message.matches('x').count()).sum();
    let got = if kept == 20_000 { "ok".to_owned() } else { format!("kept-{kept}-of-20000") };
    settle("endless-line-whole", "ok", &got);
}

#[test]
fn what_a_terminal_would_obey_is_replaced() {
    for (tool, input) in [
        ("log-text", json!({ "text": DIRTY })),
        ("print", json!({ "text": DIRTY, "times": 1 })),
        ("complain", json!({ "text": DIRTY, "times": 1 })),
    ] {
        let report = call(tool, &input);
        let message = &report.log[0].message;
        assert!(message.starts_with('a') && message.ends_with('i'), "{tool}: {message:?}");
    }
    settle("ansi-and-bidi-in-log", "ok", "ok");
}

#[test]
fn one_line_stays_one_line() {
    let report = call("log-text", &json!({ "text": "one\nerror: two\u{2028}three\u{2029}four\r" }));
    let message = &report.log[0].message;
    let breaks = ['\u{2028}', '\u{2029}', '\r'];
    let got = if message.contains(breaks) { "forged" } else { "ok" };
    settle("line-break-in-log", "ok", got);
}

#[test]
fn bytes_that_are_no_text_are_shown_as_such() {
    // Base64 of ff fe c0 80 0a.
    let report = call("print-bytes", &json!({ "bytes": "//7AgAo=" }));
    assert!(report.log[0].message.chars().all(|character| character == '\u{fffd}'));
    settle("invalid-utf8-on-stdout", "ok", &of_call(&report));
}
