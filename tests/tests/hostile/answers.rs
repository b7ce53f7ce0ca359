//! Guests whose answers are too long, broken, dirty, or no answer at all.

use ax_host::plugin::CallError;
use ax_host::plugin::Limits;
use ax_host::plugin::Output;
use ax_host::plugin::Report;
use ax_host::plugin::limits;
use ax_manifest::Entry;
use ax_manifest::Field;
use ax_manifest::Signature;
use ax_manifest::WitType;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::of_load;
use crate::verdict::settle;
use crate::wat;

/// Calls a tool of the hostile guest with the default limits.
fn call(tool: &str, input: &Value) -> Report {
    let arena = Arena::shared();
    let guest = arena.hostile().limited(|limits| *limits = Limits::default());
    let report = arena.call(&guest, tool, input);
    arena.still_serves();
    report
}

/// Calls a guest whose answer breaks the rules; the engine may call that a crash or not.
fn broken(name: &str, guest: Guest, input: &Value) {
    let arena = Arena::shared();
    let report = arena.call(&guest, "run", input);
    arena.still_serves();
    let got = match of_call(&report).as_str() {
        "answer" | "trapped" => "crash-or-bad-answer".to_owned(),
        other => other.to_owned(),
    };
    settle(name, "crash-or-bad-answer", &got);
}

#[test]
fn a_result_ends_exactly_at_its_limit() {
    // The quotes of the JSON text count.
    let most = limits::RESULT_BYTES - 2;
    let fits = call("long-text", &json!({ "bytes": most }));
    assert_eq!(fits.usage.result_bytes, limits::RESULT_BYTES);
    assert_eq!(of_call(&fits), "ok");
    let report = call("long-text", &json!({ "bytes": most + 1 }));
    settle("huge-result", "exhausted(result)", &of_call(&report));
    let told = report.result.expect_err("it is too long").to_string();
    assert_eq!(told, "the call used up its limit on result: 1 MiB, and it has 1048577 bytes");
}

#[test]
fn a_result_larger_than_a_host_call_may_copy_is_not_copied() {
    let bytes = limits::HOST_CALL_BYTES + 1;
    let report = call("long-text", &json!({ "bytes": bytes }));
    settle("huge-result-uncopied", "exhausted(bytes)", &of_call(&report));
}

#[test]
fn a_list_that_would_grow_on_the_way_is_not_copied() {
    let report = call("long-list", &json!({ "items": 4 << 20 }));
    settle("huge-list", "exhausted(bytes)", &of_call(&report));
    let report = call("long-bytes", &json!({ "bytes": 8 << 20 }));
    settle("huge-bytes", "exhausted(bytes)", &of_call(&report));
}

#[test]
fn an_error_text_is_cut_and_its_data_is_a_result() {
    let report = call("fail", &json!({ "text": "0123456789abcdef", "times": 1_000 }));
    let Err(CallError::Tool { message, data, .. }) = &report.result else { panic!("{report:?}") };
    assert!(message.len() <= limits::ERROR_TEXT_BYTES + '…'.len_utf8(), "{}", message.len());
    assert_eq!(data.as_ref().and_then(Value::as_str).map(str::len), Some(16_000));
    settle("huge-error", "tool(failed)", &of_call(&report));
    let report = call("fail", &json!({ "text": "0123456789abcdef", "times": 1 << 17 }));
    settle("huge-error-data", "exhausted(result)", &of_call(&report));
}

#[test]
fn an_error_text_cannot_speak_to_the_terminal() {
    let dirty = "safe\u{1b}[2J\u{9b}31m\u{7}\u{202e}txt.exe\u{200b}\u{2066}\r";
    let report = call("fail", &json!({ "text": dirty, "times": 1 }));
    let Err(error) = &report.result else { panic!("{report:?}") };
    let shown = error.to_string();
    assert!(!shown.chars().any(|c| c.is_control() || "\u{202e}\u{200b}\u{2066}".contains(c)));
    assert!(shown.starts_with("safe"), "{shown}");
    settle("ansi-in-error", "tool(failed)", &of_call(&report));
}

#[test]
fn numbers_that_are_none_have_names() {
    let report = call("nans", &json!({}));
    let expected = json!(["NaN", "NaN", "NaN", "Infinity", "-Infinity", -0.0]);
    assert_eq!(report.result.as_ref().expect("an answer"), &Output::Value(expected));
    settle("nan-patterns", "ok", &of_call(&report));
}

#[test]
fn text_that_is_not_utf_8_is_no_answer() {
    let guest = Guest::new(wat::of_world("bad-utf8", "text"));
    broken("invalid-utf8", guest, &json!({ "text": "x" }));
}

#[test]
fn text_outside_its_memory_is_no_answer() {
    let guest = Guest::new(wat::of_world("bad-pointer", "text"));
    broken("answer-out-of-bounds", guest, &json!({ "text": "x" }));
}

#[test]
fn half_a_character_is_no_answer() {
    broken("bad-char", Guest::new(wat::of_world("bad-char", "letter")), &json!({}));
}

#[test]
fn a_case_that_does_not_exist_is_no_answer() {
    broken("bad-case", Guest::new(wat::of_world("bad-case", "choice")), &json!({}));
}

#[test]
fn a_place_outside_its_memory_takes_no_input() {
    let guest = Guest::new(wat::of_world("realloc-lie", "text"));
    broken("realloc-out-of-bounds", guest, &json!({ "text": "x" }));
}

#[test]
fn an_instruction_that_must_not_run_is_a_crash() {
    settle("unreachable", "trapped", &of_call(&call("trap", &json!({}))));
}

#[test]
fn a_panic_is_a_crash_and_its_message_is_in_the_log() {
    let report = call("die", &json!({ "text": "the reason" }));
    let said = report.log.iter().any(|line| line.message.contains("the reason"));
    assert!(said, "{:?}", report.log);
    settle("panic", "trapped", &of_call(&report));
}

#[test]
fn ending_the_program_is_no_answer_even_with_success() {
    settle("exit-0", "exited(0)", &of_call(&call("leave", &json!({ "code": 0 }))));
    settle("exit-1", "exited(1)", &of_call(&call("leave", &json!({ "code": 1 }))));
}

#[test]
fn an_input_ends_exactly_at_its_limit() {
    let around = r#"{"text":""}"#.len();
    let most = usize::try_from(limits::INPUT_BYTES).expect("it is small") - around;
    let text = |bytes: usize| json!({ "text": "x".repeat(bytes) });
    assert_eq!(of_call(&call("good", &text(most))), "ok");
    let report = call("good", &text(most + 1));
    assert_eq!(report.usage.fuel, 0, "the guest never ran");
    settle("huge-input", "json", &of_call(&report));
}

#[test]
fn an_input_nests_exactly_to_its_limit() {
    let arena = Arena::shared();
    let plugin = arena.load(&arena.hostile()).expect("it loads");
    let nested = |depth: usize| {
        let input = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        of_call(&arena.run(&plugin, ax_host::plugin::Call::new("good", &input)))
    };
    // At the limit it is read, and then it does not fit the tool.
    assert_eq!(nested(limits::JSON_DEPTH), "input");
    assert_eq!(nested(limits::JSON_DEPTH + 1), "json");
    settle("deep-input", "json", &nested(500_000));
}

/// Loads the hostile guest with a lie about one of its tools and calls it.
fn lied_about(tool: &str, signature: &Signature, input: &Value) -> String {
    let arena = Arena::shared();
    let mut guest = arena.hostile();
    for known in &mut guest.release.tools {
        if let Entry::Typed { signature: said, .. } = &mut known.entry
            && known.name == tool
        {
            said.clone_from(signature);
        }
    }
    let got = match arena.load(&guest) {
        Err(refused) => of_load(&Err::<(), _>(refused)),
        Ok(_) => of_call(&arena.call(&guest, tool, input)),
    };
    arena.still_serves();
    got
}

#[test]
fn a_package_that_lies_about_a_type_is_found_out() {
    let field = |ty| vec![Field { name: "text".to_owned(), ty }];
    let lies = [
        ("parameter-kind", field(WitType::U32), Some(WitType::String), json!({ "text": 1 })),
        ("result-kind", field(WitType::String), Some(WitType::U32), json!({ "text": "x" })),
        ("no-result", field(WitType::String), None, json!({ "text": "x" })),
        ("no-parameter", Vec::new(), Some(WitType::String), json!({})),
    ];
    let mut wrong = Vec::new();
    for (lie, params, result, input) in lies {
        let got = lied_about("good", &Signature { params, result }, &input);
        // Any refusal will do that does not blame a limit, a caller or the engine.
        if got == "ok" || got.starts_with("exhausted") || got == "lost" {
            wrong.push(format!("{lie}:{got}"));
        }
    }
    settle("wrong-typed-export", "refused", if wrong.is_empty() { "refused" } else { &wrong[0] });
    assert_eq!(wrong, [] as [&str; 0]);
}

#[test]
fn a_package_that_names_an_export_that_is_not_there_is_found_out() {
    let arena = Arena::shared();
    let mut guest = arena.hostile();
    for tool in &mut guest.release.tools {
        if let Entry::Typed { function, .. } = &mut tool.entry {
            *function = "not-there".to_owned();
        }
    }
    settle("missing-export", "missing-export", &of_load(&arena.load(&guest)));
}
