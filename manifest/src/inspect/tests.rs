//! What is accepted, what is refused, and that nothing panics. Files that no tool would write are
//! encoded by hand; the rest is WAT.

mod bounds;
mod features;
mod robust;
mod shapes;

use super::ComponentFacts;
use super::InspectError;
use super::inspect;

/// Assembles WAT.
pub(super) fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Inspects WAT that must be accepted.
pub(super) fn facts(text: &str) -> ComponentFacts {
    inspect(&wat(text)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Inspects WAT that must be refused.
pub(super) fn refused(text: &str) -> InspectError {
    inspect(&wat(text)).expect_err(text)
}

/// A component that uses most of what `inspect` looks at.
pub(super) const ORDINARY: &str = r#"
(component
  (import "wasi:io/error@0.2.6" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "ax:log/log@0.1.0" (instance $log
    (type $level (enum "debug" "info"))
    (export "level" (type $l (eq $level)))
    (export "write" (func (param "level" $l) (param "message" string)))))
  (import "ax:types/types@0.1.0" (instance $types
    (type $json string)
    (export "json" (type (eq $json)))))
  (import "acme:db/api@1.2.3" (instance
    (export "handle" (type $handle (sub resource)))
    (export "[constructor]handle" (func (result (own $handle))))
    (export "[method]handle.size" (func (param "self" (borrow $handle)) (result u32)))))
  (import "now" (func $now (result u64)))
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 0) "hello")
    (func (export "double") (param i32) (result i32)
      local.get 0 i32.const 2 i32.mul))
  (core instance $i (instantiate $m))
  (func $double (param "n" s32) (result s32) (canon lift (core func $i "double")))
  (instance $api (export "double" (func $double)))
  (export "acme:math/twice@1.0.0" (instance $api))
  (export "ax:guest/command@0.1.0" (instance $api))
  (export "now-again" (func $now)))
"#;

#[test]
fn an_ordinary_component_is_read() {
    let facts = facts(ORDINARY);
    assert_eq!(facts.size, wat(ORDINARY).len() as u64);
    assert_eq!(facts.digest, crate::digest::Digest::of(&wat(ORDINARY)));
    assert_eq!(facts.guest_interfaces, ["ax:guest/command@0.1.0"]);
    let imports: Vec<_> = facts
        .imports
        .iter()
        .map(|import| format!("{} {:?}", import.name, import.functions))
        .collect();
    insta::assert_snapshot!(imports.join("\n"), @r#"
    wasi:io/error@0.2.6 ["[resource-drop]error"]
    ax:log/log@0.1.0 ["write"]
    ax:types/types@0.1.0 []
    acme:db/api@1.2.3 ["[resource-drop]handle", "[constructor]handle", "[method]handle.size"]
    now ["now"]
    "#);
    let exports: Vec<_> = facts
        .exports
        .iter()
        .map(|export| {
            let interface = export.interface.as_deref().unwrap_or("-");
            let shape = export.shape.as_ref().expect("plain types");
            format!("{interface} {}{shape}", export.name)
        })
        .collect();
    insta::assert_snapshot!(exports.join("\n"), @r#"
    acme:math/twice@1.0.0 double(n: s32) -> s32
    ax:guest/command@0.1.0 double(n: s32) -> s32
    - now-again() -> u64
    "#);
    insta::assert_debug_snapshot!(facts.counts, @r#"
    Counts {
        component_instances: 1,
        core_instances: 1,
        functions: 2,
        data_segments: 1,
        exports: 5,
        imports: 5,
        core_imports: 0,
        nesting: 1,
    }
    "#);
}

#[test]
fn an_import_for_its_types_alone_has_no_functions() {
    let facts = facts(ORDINARY);
    let types = facts.imports.iter().find(|import| import.name == "ax:types/types@0.1.0");
    assert_eq!(types.expect("it is imported").functions, Vec::<String>::new());
}

#[test]
fn a_resource_belongs_to_the_interface_that_defines_it() {
    let text = r#"(component
      (import "acme:io/error@1.0.0" (instance $error (export "error" (type (sub resource)))))
      (alias export $error "error" (type $e))
      (import "acme:io/words@1.0.0" (instance
        (alias outer 1 $e (type $outer))
        (export "error" (type (eq $outer))))))"#;
    let facts = facts(text);
    assert_eq!(facts.imports[0].functions, ["[resource-drop]error"]);
    assert_eq!(facts.imports[1].functions, Vec::<String>::new());
}

#[test]
fn the_same_bytes_give_the_same_facts() {
    assert_eq!(facts(ORDINARY), facts(ORDINARY));
}

#[test]
fn an_empty_component_is_a_component() {
    let facts = facts("(component)");
    assert!(facts.imports.is_empty() && facts.exports.is_empty());
    assert_eq!(facts.counts.component_instances, 1);
}

#[test]
fn what_is_no_component_is_named() {
    let module = wat("(module)");
    let cases: [(&[u8], &str); 8] = [
        (b"", "empty"),
        (b"\x7fELF\x02\x01\x01\x00", "an executable"),
        (b"(component)", "text"),
        (b"{\"name\": 1}", "json"),
        (&module, "core module"),
        (b"\0as", "three bytes"),
        (b"\0asm\x0d\0", "half a header"),
        (b"\0asm\x0c\0\x01\0", "an old draft"),
    ];
    let lines: Vec<_> = cases
        .iter()
        .map(|(bytes, what)| {
            let error = inspect(bytes).expect_err(what);
            format!("{what}: {error}\n  hint: {}", error.hint().unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    empty: the file is empty
      hint: give the `.wasm` file that the build wrote; in Rust: `cargo build --release --target wasm32-wasip2`
    an executable: this is not WebAssembly: it does not begin with `\0asm`
      hint: give the `.wasm` file that the build wrote; in Rust: `cargo build --release --target wasm32-wasip2`
    text: this is not WebAssembly: it does not begin with `\0asm`
      hint: give the `.wasm` file that the build wrote; in Rust: `cargo build --release --target wasm32-wasip2`
    json: this is not WebAssembly: it does not begin with `\0asm`
      hint: give the `.wasm` file that the build wrote; in Rust: `cargo build --release --target wasm32-wasip2`
    core module: this is a core module, not a component
      hint: build a component: `cargo build --release --target wasm32-wasip2`, or wrap the module with `wasm-tools component new`
    three bytes: the file is cut off: it has 3 bytes and needs at least 8
      hint: copy or download the file again
    half a header: the file is cut off: it has 6 bytes and needs at least 8
      hint: copy or download the file again
    an old draft: this is WebAssembly version 12, layer 1; components are 13, layer 1
      hint: build it again with a current toolchain
    "#);
}

#[test]
fn an_import_that_is_no_interface_is_refused() {
    for text in [
        r#"(component (import "m" (core module)))"#,
        r#"(component (import "c" (component)))"#,
        r#"(component (import "url=<https://example.com/x.wasm>" (instance)))"#,
        r#"(component (import "locked-dep=<acme:x@1.0.0>" (instance)))"#,
        r#"(component (import "i" (instance (export "m" (core module)))))"#,
    ] {
        let error = refused(text);
        assert!(matches!(error, InspectError::UnsupportedImport { .. }), "{error}");
    }
}

#[test]
fn terminal_escapes_reach_neither_facts_nor_errors() {
    // The name is written after assembling: WAT would refuse it.
    let mut bytes = wat(r#"(component (import "f" (func $f)) (export "aaaaaa" (func $f)))"#);
    let at = bytes.windows(6).position(|window| window == b"aaaaaa").expect("the name is there");
    bytes[at..at + 6].copy_from_slice(b"\x1b[2Jaa");
    let error = inspect(&bytes).expect_err("a name with an escape");
    assert!(matches!(error, InspectError::Invalid { .. }), "{error}");
    assert!(!error.to_string().contains('\x1b'), "{error:?}");
    // Names inside modules may be any text and are never shown.
    let facts = facts(r#"(component (core module (func (export "\1b[2J"))))"#);
    assert_eq!(facts.counts.exports, 1);
}
