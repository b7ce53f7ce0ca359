//! Types of exported functions, from every kind of type to trees that would not fit anywhere.

use super::super::InspectError;
use super::super::TYPE_DEPTH_MAX;
use super::facts;
use super::refused;

/// The signature of a function with one parameter, whose type is the last of `items`.
fn shape(items: &str, ty: &str) -> Result<String, String> {
    let text = format!(
        r#"(component
          (import "acme:test/api@1.0.0" (instance $i {items} (export "f" (func (param "x" {ty})))))
          (export "acme:test/again@1.0.0" (instance $i)))"#
    );
    let facts = facts(&text);
    let export = &facts.exports[0];
    assert_eq!(export.interface.as_deref(), Some("acme:test/again@1.0.0"));
    export.shape.as_ref().map(ToString::to_string).map_err(Clone::clone)
}

#[test]
fn every_plain_type_is_read() {
    let named =
        |definition: &str| format!(r#"(type $d {definition}) (export "t" (type $t (eq $d)))"#);
    let primitives = [
        "bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char",
        "string",
    ];
    for primitive in primitives {
        assert_eq!(shape("", primitive), Ok(format!("(x: {primitive})")));
    }
    let cases = [
        ("(list u8)", "list<u8>"),
        ("(option (option u8))", "option<option<u8>>"),
        ("(tuple u8 string)", "tuple<u8, string>"),
        ("(result)", "result"),
        ("(result u8)", "result<u8>"),
        ("(result (error string))", "result<_, string>"),
        ("(result u8 (error string))", "result<u8, string>"),
    ];
    for (text, wit) in cases {
        assert_eq!(shape("", text), Ok(format!("(x: {wit})")));
    }
    let cases = [
        (r#"(record (field "a" u8) (field "b-c" string))"#, "record { a: u8, b-c: string }"),
        (r#"(variant (case "a") (case "b" u8))"#, "variant { a, b(u8) }"),
        (r#"(enum "a" "b")"#, "enum { a, b }"),
        (r#"(flags "a" "b")"#, "flags { a, b }"),
        ("u8", "u8"),
    ];
    for (text, wit) in cases {
        assert_eq!(shape(&named(text), "$t"), Ok(format!("(x: {wit})")));
    }
}

#[test]
fn types_of_other_interfaces_are_written_out() {
    let text = r#"(component
      (import "acme:test/words@1.0.0" (instance $words
        (type $d (record (field "a" u8)))
        (export "t" (type (eq $d)))))
      (alias export $words "t" (type $t))
      (import "acme:test/api@1.0.0" (instance $i
        (alias outer 1 $t (type $u))
        (export "t" (type $v (eq $u)))
        (export "f" (func (result (list $v))))))
      (export "acme:test/again@1.0.0" (instance $i)))"#;
    let facts = facts(text);
    let shape = facts.exports[0].shape.as_ref().expect("plain types");
    assert_eq!(shape.to_string(), "() -> list<record { a: u8 }>");
}

#[test]
fn resources_are_refused_with_the_reason() {
    for handle in ["(own $r)", "(borrow $r)", "(list (option (own $r)))"] {
        let items = r#"(export "r" (type $r (sub resource)))"#;
        let why = shape(items, handle).expect_err(handle);
        assert_eq!(why, "it takes or returns a resource, which JSON cannot carry");
    }
}

#[test]
fn one_function_that_cannot_be_read_leaves_the_others() {
    let text = r#"(component
      (import "acme:test/api@1.0.0" (instance $i
        (export "r" (type $r (sub resource)))
        (export "bad" (func (param "x" (own $r))))
        (export "good" (func (param "x" u8)))))
      (export "acme:test/again@1.0.0" (instance $i)))"#;
    let facts = facts(text);
    let shapes: Vec<_> = facts.exports.iter().map(|e| (e.name.as_str(), e.shape.is_ok())).collect();
    assert_eq!(shapes, [("bad", false), ("good", true)]);
}

/// A component that exports a function of the last of `levels` types, each made of the one before.
fn chain(levels: usize, next: impl Fn(&str) -> String) -> String {
    let mut types = String::new();
    let mut last = "u8".to_owned();
    for level in 1..levels {
        types += &format!("(type $t{level} {})", next(&last));
        last = format!("$t{level}");
    }
    format!(
        r#"(component {types} (import "f" (func $f (param "x" {last}))) (export "e" (func $f)))"#
    )
}

#[test]
fn depth_is_bounded() {
    let list = |levels| chain(levels, |inner| format!("(list {inner})"));
    assert!(facts(&list(TYPE_DEPTH_MAX)).exports[0].shape.is_ok());
    let why = "its types nest deeper than 64 levels".to_owned();
    assert_eq!(facts(&list(TYPE_DEPTH_MAX + 1)).exports[0].shape, Err(why));
    // The format itself stops at a hundred.
    let error = refused(&list(200));
    assert!(matches!(error, InspectError::Invalid { .. }), "{error}");
}

#[test]
fn a_doubling_type_is_never_written_out() {
    let doubling = |levels| chain(levels, |inner| format!("(tuple {inner} {inner})"));
    // 2^12 leaves and 2^12 − 1 tuples fit, one level more does not.
    assert!(facts(&doubling(13)).exports[0].shape.is_ok());
    let why = "its types have more than 10000 parts".to_owned();
    assert_eq!(facts(&doubling(14)).exports[0].shape, Err(why));
    let error = refused(&doubling(60));
    insta::assert_snapshot!(error, @"the component is invalid at byte 84: effective type size exceeds the limit of 1000000");
}
