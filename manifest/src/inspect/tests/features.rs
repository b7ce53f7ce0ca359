//! Each feature the engine has switched off is refused by name; those it has are accepted.

use super::super::InspectError;
use super::facts;
use super::refused;

/// WAT of a component around a core module.
fn module(body: &str) -> String {
    format!("(component (core module {body}))")
}

#[test]
fn features_of_the_engine_are_accepted() {
    for body in [
        "(memory 1) (memory 1)",
        "(func $f return_call $f)",
        "(func (result v128) v128.const i64x2 0 0)",
        "(func (param v128 v128 v128) (result v128) local.get 0 local.get 1 local.get 2 f32x4.relaxed_madd)",
        "(memory 1) (func i32.const 0 i32.const 0 i32.const 0 memory.fill)",
        "(table 1 funcref) (func (result funcref) ref.null func)",
        "(func (result i32 i32) i32.const 0 i32.const 0)",
        "(func (param i32) (result i32) local.get 0 i32.extend8_s)",
        "(func (param f32) (result i32) local.get 0 i32.trunc_sat_f32_s)",
        "(import \"m\" \"g\" (global (mut i32)))",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    ] {
        facts(&module(body));
    }
}

#[test]
fn a_feature_that_is_off_is_named() {
    let component = |text: &str| format!("(component {text})");
    let texts = [
        module("(memory i64 1)"),
        module("(memory 1 1 shared)"),
        module("(memory 1) (func i32.const 0 i32.atomic.load drop)"),
        module("(memory 1 (pagesize 1))"),
        module("(tag)"),
        module("(func try catch_all end)"),
        module("(type (struct))"),
        module("(func (param externref))"),
        module("(type $f (func)) (func (param (ref $f)))"),
        module(
            "(func (param i64 i64 i64 i64) (result i64 i64) local.get 0 local.get 1 local.get 2 local.get 3 i64.add128)",
        ),
        component("(type (list u8 4))"),
        component("(type (map string u8))"),
        component(r#"(import "f" (func (param "e" error-context)))"#),
        component(r#"(import "v" (value u8))"#),
    ];
    let lines: Vec<_> = texts
        .iter()
        .map(|text| match refused(text) {
            InspectError::NeedsFeature { feature, .. } => feature.to_owned(),
            InspectError::NeedsAsync { .. } => "async".to_owned(),
            other => format!("? {other}"),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    64-bit memories (memory64)
    threads and shared memory
    threads and shared memory
    custom page sizes
    exception handling
    legacy exception handling
    garbage-collected types (GC)
    garbage-collected types (GC)
    typed function references
    wide arithmetic
    lists of a fixed length
    component maps
    async
    component values
    "#);
}

#[test]
fn async_gets_the_flag_that_turns_it_off() {
    for text in [
        "(component (core func (canon task.cancel)))",
        "(component (core func (canon task.return)))",
        "(component (core func (canon subtask.drop)))",
        r#"(component (import "f" (func async)))"#,
        "(component (type (stream u8)))",
        "(component (type (future)))",
    ] {
        let error = refused(text);
        assert!(matches!(error, InspectError::NeedsAsync { .. }), "{error}");
        let hint = error.hint().expect("there is a way out");
        assert!(hint.contains("--backend-qjs-disable-async"), "{hint}");
    }
}
