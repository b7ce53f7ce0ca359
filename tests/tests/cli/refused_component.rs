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
    insta::assert_snapshot!(refused(b"#!/bin/sh\necho hello\n"), @r"
    exit 1
    --- stderr
    error[AX-P005]: `WORK/x.wasm` is not a usable component
    caused by: this is not WebAssembly: it does not begin with `\0asm`

    hint: give the `.wasm` file that the build wrote; in Rust: `cargo build --release --target wasm32-wasip2`
    ");
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(refused(b""), @r"
    exit 1
    --- stderr
    error[AX-P005]: `WORK/x.wasm` is not a usable component
    caused by: the file is empty

    hint: give the `.wasm` file that the build wrote; in Rust: `cargo build --release --target wasm32-wasip2`
    ");
}

#[test]
fn a_core_module() {
    let module = components::component("(module (func (export \"f\")))");
    insta::assert_snapshot!(refused(&module), @r"
    exit 1
    --- stderr
    error[AX-P005]: `WORK/x.wasm` is not a usable component
    caused by: this is a core module, not a component

    hint: build a component: `cargo build --release --target wasm32-wasip2`, or wrap the module with `wasm-tools component new`
    ");
}

#[test]
fn a_component_cut_off_at_any_place() {
    let whole = components::calc();
    let half = refused(&whole[..whole.len() / 2]);
    insta::assert_snapshot!(half, @r"
    exit 1
    --- stderr
    error[AX-P005]: `WORK/x.wasm` is not a usable component
    caused by: the file is cut off: it has 72 bytes and needs at least 81

    hint: copy or download the file again
    ");
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
    insta::assert_snapshot!(home.told(&["plugin", "add", "x.wasm", "--name", "test:x"]), @r"
    exit 1
    --- stderr
    error[AX-P003]: `WORK/x.wasm` has more than 64 MiB

    hint: build it for size and leave debug info out
    ");
}

#[test]
fn a_component_without_functions() {
    insta::assert_snapshot!(refused(&components::component("(component)")), @r"
    exit 1
    --- stderr
    error[AX-P009]: `test:x` offers no tools and no agents

    hint: export a function, or the interface ax:guest/tools or ax:guest/agent
    ");
}

/// Adds a component with one import; gives what was said about it.
fn refused_import(import: &str) -> String {
    let told = refused(&components::component(&format!("(component (import {import}))")));
    assert!(told.contains("error[AX-P007]: "), "{told}");
    assert!(told.contains("\nhint: "), "{told}");
    // Decided from the two lists, before any code of it is compiled or linked.
    assert!(!told.contains("linker"), "{told}");
    told
}

#[test]
fn an_import_that_nobody_offers() {
    let told = refused_import(r#""evil:corp/spy@1.0.0" (instance (export "look" (func)))"#);
    assert!(told.contains("`evil:corp/spy@1.0.0`"), "{told}");
}

#[test]
fn an_import_that_a_later_host_will_offer() {
    let import = r#""ax:events/bus@0.1.0" (instance (export "publish" (func)))"#;
    let told = refused_import(import);
    assert!(told.contains("`ax:events/bus`") && told.contains("0.3"), "{told}");
}

#[test]
fn an_import_of_another_version_than_the_host_offers() {
    let told = refused_import(r#""ax:log/log@7.0.0" (instance (export "write" (func)))"#);
    assert!(told.contains("`ax:log/log@7.0.0`") && told.contains("0.1"), "{told}");
}

#[test]
fn an_import_of_another_type_than_the_host_offers() {
    let bytes = components::component(
        r#"(component
            (import "wasi:clocks/monotonic-clock@0.2.6" (instance
                (export "now" (func (param "x" string) (result u64)))))
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f"))))"#,
    );
    let told = refused(&bytes);
    assert!(told.contains("error[AX-P007]: ") && told.contains("monotonic-clock"), "{told}");
    assert!(told.contains("hint: build it against the WIT packages of this host"), "{told}");
}

#[test]
fn a_variable_that_nobody_asked_for_is_not_seen() {
    let home = Home::new();
    home.write("env.wasm", components::env());
    home.ax(&["plugin", "add", "env.wasm", "--name", "test:env"]).ok();
    // The environment is there for every component, and empty.
    let run = home.ax_with(("LANG", "C"), &["tool", "call", "test:env.count"]).exits(1);
    assert!(run.stderr.contains("no variable is set"), "{}", run.stderr);
}

#[test]
fn a_bare_component_without_a_name() {
    let home = Home::new();
    home.write("calc.wasm", components::calc());
    let run = home.ax(&["plugin", "add", "calc.wasm"]);
    insta::assert_snapshot!(home.tell(&run), @r"
    exit 1
    --- stderr
    error[AX-P003]: `calc.wasm` is a bare component and has no name

    hint: ax plugin add calc.wasm --name NAMESPACE:NAME
    ");
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn a_name_for_something_that_has_one() {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    insta::assert_snapshot!(home.told(&["plugin", "add", "calc", "--name", "me:calc"]), @r"
    exit 1
    --- stderr
    error[AX-P003]: `WORK/calc` already has the name `test:calc`

    hint: ax plugin add WORK/calc
    ");
}

#[test]
fn a_name_that_is_none() {
    let home = Home::new();
    home.write("calc.wasm", components::calc());
    let run = home.ax(&["plugin", "add", "calc.wasm", "--name", "Calc"]).exits(2);
    assert!(run.stderr.contains("`Calc` is not a name"), "{}", run.stderr);
    assert_eq!(home.installed(), Vec::<String>::new());
}
