//! Every bound of `inspect` at its maximum and one above.

use std::fmt::Write as _;

use super::super::COMPONENT_BYTES_MAX;
use super::super::CORE_IMPORTS_MAX;
use super::super::CORE_INSTANCES_MAX;
use super::super::DATA_SEGMENTS_MAX;
use super::super::EXPORTS_MAX;
use super::super::FUNCTIONS_MAX;
use super::super::IMPORTS_MAX;
use super::super::INSTANCES_MAX;
use super::super::InspectError;
use super::super::NAME_BYTES_MAX;
use super::super::NESTING_MAX;
use super::super::SECTIONS_MAX;
use super::super::TYPE_NODES_MAX;
use super::super::TYPE_NODES_TOTAL_MAX;
use super::super::inspect;
use super::facts;
use super::refused;
use super::wat;

/// A number as WebAssembly writes it.
fn leb(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// A section of `count` items.
fn section(id: u8, count: u64, items: &[u8]) -> Vec<u8> {
    let mut body = leb(count);
    body.extend_from_slice(items);
    [vec![id], leb(body.len() as u64), body].concat()
}

/// A component that holds `inner`: in section 1 a core module, in section 4 a component.
fn around(id: u8, inner: &[u8]) -> Vec<u8> {
    [b"\0asm\x0d\0\x01\0", [id].as_slice(), &leb(inner.len() as u64), inner].concat()
}

/// A component that holds one core module of these sections.
fn around_module(sections: &[Vec<u8>]) -> Vec<u8> {
    around(1, &[b"\0asm\x01\0\0\0".to_vec(), sections.concat()].concat())
}

/// The section with the type `func()`.
fn unit_type() -> Vec<u8> {
    section(1, 1, &[0x60, 0, 0])
}

/// A component with `count` empty functions.
fn functions(count: u64) -> Vec<u8> {
    around_module(&[
        unit_type(),
        section(3, count, &vec![0; count as usize]),
        section(10, count, &[2, 0, 0x0b].repeat(count as usize)),
    ])
}

/// A component with `count` passive data segments.
fn data_segments(count: u64) -> Vec<u8> {
    around_module(&[section(11, count, &[1, 0].repeat(count as usize))])
}

/// A component whose module exports one function under `count` names.
fn core_exports(count: u64) -> Vec<u8> {
    let mut names = Vec::new();
    for index in 0..count {
        let name = index.to_string();
        names.extend(leb(name.len() as u64));
        names.extend(name.as_bytes());
        names.extend([0, 0]);
    }
    around_module(&[
        unit_type(),
        section(3, 1, &[0]),
        section(7, count, &names),
        section(10, 1, &[2, 0, 0x0b]),
    ])
}

/// A component whose module imports `count` functions.
fn core_imports(count: u64) -> Vec<u8> {
    let mut names = Vec::new();
    for index in 0..count {
        let name = index.to_string();
        names.extend([1, b'm']);
        names.extend(leb(name.len() as u64));
        names.extend(name.as_bytes());
        names.extend([0, 0]);
    }
    around_module(&[unit_type(), section(2, count, &names)])
}

/// WAT of a component with `count` lines.
fn lines(head: &str, count: u64, line: impl Fn(u64) -> String) -> String {
    let mut text = format!("(component {head}");
    for index in 0..count {
        writeln!(text, "{}", line(index)).expect("strings grow");
    }
    text + ")"
}

/// Asserts that the bytes are refused for having one more than `max` of `what`.
fn one_too_many(bytes: &[u8], what: &str, max: u64) {
    let error = inspect(bytes).expect_err(what);
    let InspectError::TooMany { what: found, count, max: bound } = error else {
        panic!("{error}");
    };
    assert_eq!((found, count, bound), (what, max + 1, max));
    let hint = InspectError::TooMany { what: found, count, max }.hint();
    assert_eq!(hint.as_deref(), Some("split it into several plugins"));
}

#[test]
fn a_component_may_have_64_mib_and_no_more() {
    let padded = |size: u64| {
        let mut bytes = b"\0asm\x0d\0\x01\0\0".to_vec();
        // A custom section of the rest: five bytes of length in full width, then an empty name.
        let body = size - bytes.len() as u64 - 5;
        for index in 0..5 {
            let more = if index < 4 { 0x80 } else { 0 };
            bytes.push((body >> (7 * index)) as u8 & 0x7f | more);
        }
        bytes.resize(size as usize, 0);
        bytes
    };
    let facts = inspect(&padded(COMPONENT_BYTES_MAX)).expect("as large as it may be");
    assert_eq!(facts.size, COMPONENT_BYTES_MAX);
    let (size, max) = (COMPONENT_BYTES_MAX + 1, COMPONENT_BYTES_MAX);
    assert_eq!(inspect(&padded(size)), Err(InspectError::TooLarge { size, max }));
}

#[test]
fn functions_are_bounded() {
    let counts = inspect(&functions(FUNCTIONS_MAX)).expect("at the bound").counts;
    assert_eq!(counts.functions, FUNCTIONS_MAX);
    one_too_many(&functions(FUNCTIONS_MAX + 1), "functions", FUNCTIONS_MAX);
    assert!(inspect(&functions(100_000)).is_err());
}

#[test]
fn adapters_count_as_functions_each_time_they_are_made() {
    // Ten adapters, instantiated twice, and once more at the outside.
    let lift = "(func (canon lift (core func $i \"f\")))";
    let inner = format!(
        "(component $c (core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) {})",
        lift.repeat(10)
    );
    let text =
        format!("(component {inner} (instance (instantiate $c)) (instance (instantiate $c)))");
    // One function of the module and, for each instance, ten.
    assert_eq!(facts(&text).counts.functions, 1 + 2 * 10);
}

#[test]
fn data_segments_are_bounded() {
    let counts = inspect(&data_segments(DATA_SEGMENTS_MAX)).expect("at the bound").counts;
    assert_eq!(counts.data_segments, DATA_SEGMENTS_MAX);
    one_too_many(&data_segments(DATA_SEGMENTS_MAX + 1), "data segments", DATA_SEGMENTS_MAX);
}

#[test]
fn exports_are_bounded() {
    let counts = inspect(&core_exports(EXPORTS_MAX)).expect("at the bound").counts;
    assert_eq!(counts.exports, EXPORTS_MAX);
    one_too_many(&core_exports(EXPORTS_MAX + 1), "exports", EXPORTS_MAX);
    assert!(inspect(&core_exports(100_000)).is_err());
}

#[test]
fn component_exports_are_bounded() {
    let text = |count| {
        lines(r#"(import "f" (func $f))"#, count, |index| {
            format!(r#"(export "e{index}" (func $f))"#)
        })
    };
    assert_eq!(facts(&text(EXPORTS_MAX)).exports.len() as u64, EXPORTS_MAX);
    one_too_many(&wat(&text(EXPORTS_MAX + 1)), "exports", EXPORTS_MAX);
}

#[test]
fn functions_in_exported_interfaces_are_bounded_over_all_interfaces() {
    // 100 functions in an instance that is exported under many names.
    let inner = (0..100)
        .fold(String::new(), |text, index| text + &format!(r#"(export "f{index}" (func))"#));
    let head = format!(r#"(import "i" (instance $i {inner}))"#);
    let text = |count| lines(&head, count, |index| format!(r#"(export "e{index}" (instance $i))"#));
    assert_eq!(facts(&text(EXPORTS_MAX / 100)).exports.len() as u64, EXPORTS_MAX);
    one_too_many(&wat(&text(EXPORTS_MAX / 100 + 1)), "exported functions", EXPORTS_MAX);
}

#[test]
fn functions_in_imported_interfaces_are_bounded_over_all_interfaces() {
    let inner = (0..100)
        .fold(String::new(), |text, index| text + &format!(r#"(export "f{index}" (func))"#));
    let head = format!("(type $t (instance {inner}))");
    let text =
        |count| lines(&head, count, |index| format!(r#"(import "i{index}" (instance (type $t)))"#));
    assert_eq!(facts(&text(EXPORTS_MAX / 100)).imports.len() as u64, EXPORTS_MAX / 100);
    one_too_many(&wat(&text(EXPORTS_MAX / 100 + 1)), "imported functions", EXPORTS_MAX);
}

#[test]
fn imports_are_bounded() {
    let text = |count| lines("", count, |index| format!(r#"(import "i{index}" (func))"#));
    assert_eq!(facts(&text(IMPORTS_MAX)).imports.len() as u64, IMPORTS_MAX);
    one_too_many(&wat(&text(IMPORTS_MAX + 1)), "imports", IMPORTS_MAX);
}

#[test]
fn core_imports_are_bounded() {
    let counts = inspect(&core_imports(CORE_IMPORTS_MAX)).expect("at the bound").counts;
    assert_eq!(counts.core_imports, CORE_IMPORTS_MAX);
    one_too_many(&core_imports(CORE_IMPORTS_MAX + 1), "core imports", CORE_IMPORTS_MAX);
}

#[test]
fn a_count_that_lies_is_refused_before_it_is_believed() {
    let liar = around_module(&[section(3, u64::from(u32::MAX), &[])]);
    let error = inspect(&liar).expect_err("four billion functions in no bytes");
    assert!(matches!(error, InspectError::TooMany { .. }), "{error}");
}

#[test]
fn nesting_is_bounded() {
    let nested =
        |levels: u64, inner: Vec<u8>| (1..levels).fold(inner, |inner, _| around(4, &inner));
    let empty = || wat("(component)");
    let counts = inspect(&nested(NESTING_MAX, empty())).expect("at the bound").counts;
    assert_eq!(counts.nesting, NESTING_MAX);
    let deep = nested(NESTING_MAX + 1, empty());
    one_too_many(&deep, "components inside one another", NESTING_MAX);
    assert!(inspect(&nested(100_000, empty())).is_err());
    // A module at the bottom is no level of its own.
    let counts = inspect(&nested(NESTING_MAX, around_module(&[]))).expect("at the bound").counts;
    assert_eq!(counts.nesting, NESTING_MAX);
}

#[test]
fn sections_are_bounded() {
    // Header and end are counted too.
    let empty =
        |count: u64| [b"\0asm\x0d\0\x01\0".to_vec(), [0, 1, 0].repeat(count as usize)].concat();
    assert!(inspect(&empty(SECTIONS_MAX - 2)).is_ok());
    one_too_many(&empty(SECTIONS_MAX - 1), "sections", SECTIONS_MAX);
}

const INSTANCES: &str = "instances after multiplying through nesting";
const CORE_INSTANCES: &str = "core instances after multiplying through nesting";

#[test]
fn instances_are_bounded() {
    let core =
        |count| lines("(core module $m)", count, |_| "(core instance (instantiate $m))".to_owned());
    // The component itself is the first instance.
    let counts = facts(&core(CORE_INSTANCES_MAX)).counts;
    assert_eq!((counts.component_instances, counts.core_instances), (1, CORE_INSTANCES_MAX));
    one_too_many(&wat(&core(CORE_INSTANCES_MAX + 1)), CORE_INSTANCES, CORE_INSTANCES_MAX);
    let nested =
        |count| lines("(component $c)", count, |_| "(instance (instantiate $c))".to_owned());
    assert_eq!(facts(&nested(INSTANCES_MAX - 1)).counts.component_instances, INSTANCES_MAX);
    one_too_many(&wat(&nested(INSTANCES_MAX)), INSTANCES, INSTANCES_MAX);
}

#[test]
fn bundles_of_exports_are_no_instances() {
    let text = lines("", 500, |_| "(core instance) (instance)".to_owned());
    assert_eq!(facts(&text).counts.core_instances, 0);
}

/// `levels` of components, each instantiating the next one ten times.
fn bomb(levels: usize) -> Vec<u8> {
    let inner = "(component $c (core module $m) (core instance (instantiate $m)))".to_owned();
    let ten = "(instance (instantiate $c))".repeat(10);
    wat(&(0..levels)
        .fold(inner, |inner, _| format!("(component $c {inner} {ten})"))
        .replacen("$c", "", 1))
}

#[test]
fn a_small_file_of_many_instances_is_refused_without_making_them() {
    let bytes = bomb(10);
    assert!(bytes.len() < 800, "{}", bytes.len());
    let error = inspect(&bytes).expect_err("ten billion instances");
    // 1 + 10 + … + 10^10 components and 10^10 modules.
    let count = 11_111_111_111 + 10_000_000_000;
    let max = INSTANCES_MAX;
    assert_eq!(error, InspectError::TooMany { what: INSTANCES, count, max });
    let error = inspect(&bomb(60)).expect_err("more than a number can hold");
    assert_eq!(error, InspectError::TooMany { what: INSTANCES, count: u64::MAX, max });
    insta::assert_snapshot!(error, @"the component has at least 18446744073709551615 instances after multiplying through nesting; at most 100 are accepted");
}

#[test]
fn nesting_multiplies_and_definitions_alone_cost_nothing() {
    let text = "(component
      (component $unused (core module $m) (core instance (instantiate $m)))
      (component $a (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)))
      (component $b (alias outer 1 $a (component $x)) (instance (instantiate $x)) (instance (instantiate $x)))
      (instance (instantiate $b)) (instance (instantiate $b)) (instance (instantiate $b)))";
    let counts = facts(text).counts;
    // Three of b, each with two of a, each with two core instances.
    assert_eq!((counts.component_instances, counts.core_instances), (1 + 3 + 6, 12));
}

#[test]
fn an_exported_component_keeps_its_cost_under_its_new_index() {
    let ten = "(instance (instantiate $again))".repeat(99);
    let text = format!(
        r#"(component (component $c (component $d) (instance (instantiate $d))) (export $again "c" (component $c)) {ten})"#
    );
    let error = refused(&text);
    let InspectError::TooMany { count, .. } = error else { panic!("{error}") };
    assert_eq!(count, 1 + 99 * 2);
}

#[test]
fn a_component_from_elsewhere_cannot_be_instantiated() {
    for text in [
        // Imported, so that whoever passes it decides how large it is.
        r#"(component (component $a (import "c" (component $c)) (instance (instantiate $c))))"#,
        r#"(component (import "c" (component $c)) (instance (instantiate $c)))"#,
        // Taken from an instance.
        r#"(component
          (component $a (component $x) (export "x" (component $x)))
          (instance $i (instantiate $a))
          (alias export $i "x" (component $c))
          (instance (instantiate $c)))"#,
    ] {
        let error = refused(text);
        assert!(matches!(error, InspectError::ForeignComponent { .. }), "{error}");
    }
}

#[test]
fn names_are_bounded() {
    let text = |length: usize| {
        let name = "a".repeat(length);
        format!(r#"(component (import "{name}" (func $f)) (export "e" (func $f)))"#)
    };
    assert_eq!(facts(&text(NAME_BYTES_MAX)).imports[0].name.len(), NAME_BYTES_MAX);
    let error = refused(&text(NAME_BYTES_MAX + 1));
    assert!(matches!(error, InspectError::LongName { .. }), "{error}");
    assert!(error.to_string().len() < 200, "{error}");
}

/// `count` exported functions whose only parameter has `items` items, so `items` + 2 nodes each.
fn tuples(count: u64, items: usize) -> String {
    let head = format!(
        r#"(type $t (tuple {})) (import "f" (func $f (param "x" $t)))"#,
        "u8 ".repeat(items)
    );
    lines(&head, count, |index| format!(r#"(export "e{index}" (func $f))"#))
}

#[test]
fn the_tree_of_one_function_is_bounded() {
    let at = facts(&tuples(1, TYPE_NODES_MAX - 2));
    assert!(at.exports[0].shape.is_ok());
    let above = facts(&tuples(1, TYPE_NODES_MAX - 1));
    assert_eq!(above.exports[0].shape, Err("its types have more than 10000 parts".to_owned()));
}

#[test]
fn the_trees_of_all_functions_are_bounded_together() {
    let count = TYPE_NODES_TOTAL_MAX / TYPE_NODES_MAX as u64;
    assert_eq!(facts(&tuples(count, TYPE_NODES_MAX - 2)).exports.len() as u64, count);
    let error = refused(&tuples(count + 1, TYPE_NODES_MAX - 2));
    assert!(matches!(error, InspectError::TooMany { max: TYPE_NODES_TOTAL_MAX, .. }), "{error}");
}
