//! Wrong components: what, why, what to type; and nothing is installed.

use ax_tests::components;
use ax_tests::home::Home;

/// Adds a bare component of these bytes; gives what was said, once it is sure nothing was installed.
fn refused(bytes: &[u8]) -> String {
    let home = Home::new();
    home.write("x.wasm", bytes);
    let told = home.told(&["plugin", "add", "x.wasm", "--name", "test:x"]);
    assert_eq!(home.installed(), Vec::<String>::new());
    told
}

#[test]
fn a_file_that_is_no_wasm() {
    insta::assert_snapshot!(refused(b"#!/bin/sh\necho hello\n"), @"");
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(refused(b""), @"");
}

#[test]
fn a_core_module() {
    let module = components::component("(module (func (export \"f\")))");
    insta::assert_snapshot!(refused(&module), @"");
}

#[test]
fn a_component_cut_off_at_any_place() {
    let whole = components::calc();
    let half = refused(&whole[..whole.len() / 2]);
    insta::assert_snapshot!(half, @"");
    let home = Home::new();
    for length in (0..whole.len()).step_by(23) {
        home.write("x.wasm", &whole[..length]);
        let run = home.ax(&["plugin", "add", "x.wasm", "--name", "test:x"]);
        assert_eq!(run.code, 1, "{length}: {}", run.stderr);
        assert!(run.stderr.contains("error[AX-P0"), "{length}: {}", run.stderr);
    }
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn a_file_over_the_bound_is_not_read() {
    let home = Home::new();
    let path = home.write("x.wasm", "");
    let file = fs_err::OpenOptions::new().write(true).open(path).expect("the file");
    file.set_len(1 << 40).expect("a sparse file");
    insta::assert_snapshot!(home.told(&["plugin", "add", "x.wasm", "--name", "test:x"]), @"");
}

#[test]
fn a_component_without_functions() {
    insta::assert_snapshot!(refused(&components::component("(component)")), @"");
}

#[test]
fn an_import_that_nobody_offers() {
    let bytes = components::component(
        r#"(component (import "evil:corp/spy@1.0.0" (instance (export "look" (func)))))"#,
    );
    insta::assert_snapshot!(refused(&bytes), @"");
}

#[test]
fn an_import_that_a_later_host_will_offer() {
    let bytes = components::component(
        r#"(component (import "wasi:http/outgoing-handler@0.2.6" (instance (export "handle" (func)))))"#,
    );
    insta::assert_snapshot!(refused(&bytes), @"");
}

#[test]
fn an_import_whose_permission_is_not_asked_for() {
    insta::assert_snapshot!(refused(&components::env()), @"");
}

#[test]
fn an_import_of_another_type_than_the_host_offers() {
    let bytes = components::component(
        r#"(component
            (import "wasi:clocks/monotonic-clock@0.2.6" (instance $c
                (export "now" (func (param "x" string) (result u64)))))
            (core module $m (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "f")))
            (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f"))))"#,
    );
    insta::assert_snapshot!(refused(&bytes), @"");
}

#[test]
fn a_bare_component_without_a_name() {
    let home = Home::new();
    home.write("calc.wasm", components::calc());
    let run = home.ax(&["plugin", "add", "calc.wasm"]);
    insta::assert_snapshot!(home.tell(&run), @"");
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn a_name_for_something_that_has_one() {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    insta::assert_snapshot!(home.told(&["plugin", "add", "calc", "--name", "me:calc"]), @"");
}

#[test]
fn a_name_that_is_none() {
    let home = Home::new();
    home.write("calc.wasm", components::calc());
    insta::assert_snapshot!(home.told(&["plugin", "add", "calc.wasm", "--name", "Calc"]), @"");
}
