//! Guests that misbehave while they are asked what they are.

use std::fmt::Write as _;
use std::time::Duration;

use ax_host::audit::read::Filter;
use ax_host::audit::read::Reader;
use ax_host::clock::Clock;
use ax_host::clock::SystemClock;
use ax_host::plugin::DescribeError;
use ax_manifest::Described;
use ax_manifest::LimitMaxima;
use ax_manifest::describe_tools;
use ax_manifest::inspect;

use crate::arena::Arena;
use crate::verdict::of_error;
use crate::verdict::of_load;
use crate::verdict::of_variant;
use crate::verdict::settle;
use crate::wat;

/// Where the records of described tools begin in memory, and their length.
const TOOLS_AT: usize = 64 << 10;
const TOOL_BYTES: usize = 76;
/// Where the text that all of them share begins.
const TEXT_AT: usize = 1 << 10;

fn describe(component: &[u8]) -> Result<Vec<Described>, DescribeError> {
    let arena = Arena::shared();
    let facts = inspect(component).unwrap_or_else(|error| panic!("{error}"));
    let described = {
        let name = "test:described".parse().expect("a name");
        arena.host.describe(&name, &facts, component, &LimitMaxima::default())
    };
    arena.still_serves();
    described
}

fn word(described: &Result<Vec<Described>, DescribeError>) -> String {
    match described {
        Ok(_) => "ok".to_owned(),
        Err(DescribeError::Call(error)) => of_error(error),
        Err(DescribeError::Load(error)) => format!("{error:?}"),
    }
}

/// A component whose `describe` runs this.
fn describing(body: &str) -> Vec<u8> {
    wat::of_tools(&format!(
        r#"(module
          (memory (export "memory") 64)
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
          (func (export "ax:guest/tools@0.1.3#describe") (result i32) {body})
          (func (export "ax:guest/tools@0.1.3#call") (param i32 i32 i32 i32) (result i32)
            unreachable))"#
    ))
}

/// A component that describes `count` tools of this name and description.
fn telling(count: usize, name: &str, description: &str) -> Vec<u8> {
    let schema = r#"{"type":"object"}"#;
    let texts = [name, description, schema];
    let mut record = Vec::new();
    let mut at = TEXT_AT;
    let mut places = Vec::new();
    for text in texts {
        places.push([at as u32, text.len() as u32]);
        at += text.len();
    }
    assert!(at < TOOLS_AT, "the texts fit before the records");
    // name, no title, description, input schema, no output schema, annotations, no extra.
    for word in [places[0][0], places[0][1], 0, 0, 0] {
        record.extend(word.to_le_bytes());
    }
    for word in [places[1][0], places[1][1], places[2][0], places[2][1]] {
        record.extend(word.to_le_bytes());
    }
    record.resize(TOOL_BYTES, 0);
    let data = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\{byte:02x}").expect("strings grow");
            text
        })
    };
    let (texts, records) = (data(texts.concat().as_bytes()), data(&record.repeat(count)));
    wat::of_tools(&format!(
        r#"(module
          (memory (export "memory") 64)
          (data (i32.const {TEXT_AT}) "{texts}")
          (data (i32.const {TOOLS_AT}) "{records}")
          (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
          (func (export "ax:guest/tools@0.1.3#describe") (result i32)
            (i32.store (i32.const 0) (i32.const {TOOLS_AT}))
            (i32.store (i32.const 4) (i32.const {count}))
            (i32.const 0))
          (func (export "ax:guest/tools@0.1.3#call") (param i32 i32 i32 i32) (result i32)
            unreachable))"#
    ))
}

#[test]
fn a_crash_in_describe_is_a_crash() {
    settle("trap-in-describe", "trapped", &word(&describe(&describing("unreachable"))));
}

#[test]
fn a_loop_in_describe_ends_soon() {
    let clock = SystemClock::new();
    let described = describe(&describing("(loop (br 0)) unreachable"));
    // Two seconds is its wall clock; its fuel ends long before.
    assert!(clock.monotonic() < Duration::from_secs(8));
    settle("loop-in-describe", "exhausted(fuel)", &word(&described));
}

#[test]
fn each_run_of_describe_leaves_a_row() {
    let arena = Arena::shared();
    let name = "test:told".parse().expect("a name");
    for component in [telling(1, "good", "fine"), describing("unreachable")] {
        let facts = inspect(&component).expect("a component");
        drop(arena.host.describe(&name, &facts, &component, &LimitMaxima::default()));
    }
    let filter = Filter { plugin: Some("test:told".to_owned()), ..Filter::default() };
    let page = Reader::open(&Arena::written()).and_then(|reader| reader.tail(&filter, 100));
    let rows = page.expect("the log is read").rows.into_iter().map(|row| row.body_json());
    let told: Vec<_> =
        rows.map(|body| format!("{} {}", body["tool"], body["outcome"]).replace('"', "")).collect();
    assert_eq!(told, ["tools.describe ok", "tools.describe error:failed"]);
    settle("describe-trail", "ok", "ok");
}

#[test]
fn describe_gets_no_variable_and_no_folder() {
    let described = describe(&wat::of_world("nosy", "nosy"));
    assert_eq!(described.as_ref().expect("it saw nothing")[0].name, "nothing-seen");
    settle("nosy-describe", "ok", &word(&described));
}

/// Describes tools and has them checked.
fn checked(count: usize, name: &str, description: &str) -> String {
    let described = describe(&telling(count, name, description)).expect("it answers");
    assert_eq!(described.len(), count);
    of_variant(&describe_tools(described, Vec::new(), None))
}

#[test]
fn an_honest_description_is_accepted() {
    settle("honest-describe", "ok", &checked(1, "tool", "What it does"));
}

#[test]
fn a_description_cannot_speak_to_the_terminal() {
    settle("ansi-in-description", "Text", &checked(1, "tool", "safe\u{1b}[2Jtext"));
    settle("bidi-in-description", "Text", &checked(1, "tool", "safe\u{202e}txt.exe"));
    settle("invisible-in-description", "Text", &checked(1, "tool", "ignore\u{e0041}this"));
    settle("endless-description", "Text", &checked(1, "tool", &"x".repeat(4_097)));
}

#[test]
fn a_tools_name_is_a_word() {
    settle("escape-in-tool-name", "Name", &checked(1, "to\u{1b}[31mol", "What it does"));
    settle("dots-in-tool-name", "Name", &checked(1, "../tool", "What it does"));
    settle("same-tool-twice", "Duplicate", &checked(2, "tool", "What it does"));
}

#[test]
fn a_plugin_has_so_many_tools_and_no_more() {
    settle("tool-flood", "TooMany", &checked(257, "tool", "What it does"));
}

#[test]
fn an_answer_of_megabytes_is_not_copied() {
    // The records overlap the end of memory only after all that may be copied was copied.
    let described = describe(&telling(50, "tool", &"x".repeat(60_000)));
    assert!(described.is_ok(), "3 MB are copied: {described:?}");
    let body = "(i32.store (i32.const 0) (i32.const 65536))
        (i32.store (i32.const 4) (i32.const 50000)) (i32.const 0)";
    settle("huge-describe", "exhausted(bytes)", &word(&describe(&describing(body))));
}

#[test]
fn an_export_of_another_type_is_no_describe() {
    let component = wat::assemble(
        r#"(component
          (core module $m (func (export "f") (result i32) (i32.const 1)))
          (core instance $i (instantiate $m))
          (func $f (result u32) (canon lift (core func $i "f")))
          (instance $tools (export "describe" (func $f)) (export "call" (func $f)))
          (export "ax:guest/tools@0.1.0" (instance $tools)))"#,
    );
    let got = match describe(&component) {
        Ok(_) => "ok".to_owned(),
        Err(DescribeError::Load(refused)) => of_load(&Err::<(), _>(refused)),
        Err(DescribeError::Call(error)) if of_error(&error).starts_with("exhausted") => {
            of_error(&error)
        }
        Err(DescribeError::Call(_)) => "refused".to_owned(),
    };
    settle("describe-of-other-type", "refused", &got);
}
