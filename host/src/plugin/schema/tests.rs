//! What is refused, what is not, and in which words.

use serde_json::json;

use super::*;

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "town": { "type": "string", "minLength": 1, "maxLength": 3 },
            "items": { "type": "array", "items": { "$ref": "#/$defs/Item" }, "maxItems": 2 },
            "size": { "enum": ["s", 1] },
            "way": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/Item" }] },
            "one": { "oneOf": [{ "type": "integer" }, { "minimum": 5 }] },
            "never": { "not": { "const": 3 } },
            "pair": { "prefixItems": [{ "type": "string" }], "items": { "type": "boolean" } },
        },
        "required": ["town"],
        "additionalProperties": false,
        "$defs": { "Item": {
            "type": "object",
            "properties": { "price": { "type": ["number", "null"], "exclusiveMinimum": 0 } },
            "required": ["price"],
        } },
    })
}

#[test]
fn what_fits_is_let_through() {
    for answer in [
        json!({ "town": "Ulm" }),
        json!({ "town": "ÄÖÜ", "items": [{ "price": 1.5, "more": 1 }, { "price": null }] }),
        json!({ "town": "a", "size": 1.0, "way": null, "one": 5.5, "never": 4 }),
        json!({ "town": "a", "way": { "price": 1 }, "one": 4.0, "pair": ["a", true, false] }),
    ] {
        assert_eq!(check(&schema(), &answer), Ok(()), "{answer}");
    }
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let with = |name: &str, member: Value| {
        let mut answer = json!({ "town": "Ulm" });
        answer[name] = member;
        answer
    };
    for (answer, why) in [
        (json!([]), "expected an object, got a list"),
        (json!({}), "`town` is missing"),
        (with("town", json!("")), "`town` has 0 characters, at least 1 are expected"),
        (with("town", json!("abcd")), "`town` has 4 characters, at most 3 are expected"),
        (with("far", json!(1)), "`far` is not known there"),
        (with("items", json!([1])), "`items[0]`: expected an object, got 1"),
        (
            with("items", json!([{ "price": 1 }, { "price": "a\nb" }])),
            "`items[1].price`: expected a number or null, got \"a\\nb\"",
        ),
        (with("items", json!([{ "price": 0 }])), "`items[0].price`: expected more than 0, got 0"),
        (
            with("items", json!(vec![json!({ "price": 1 }); 3])),
            "`items` has 3 items, at most 2 are expected",
        ),
        (with("size", json!("m")), "`size`: expected one of \"s\", 1, got \"m\""),
        (with("way", json!({})), "`way`: expected one of the kinds it may be, got an object"),
        (with("one", json!(6)), "`one` fits more than one kind of `oneOf`"),
        (with("never", json!(3.0)), "`never` is what the schema says it is not"),
        (with("pair", json!(["a", 1])), "`pair[1]`: expected true or false, got 1"),
    ] {
        assert_eq!(check(&schema(), &answer).expect_err(why), why);
    }
}

#[test]
fn what_is_not_known_holds_nothing_against_an_answer() {
    for schema in [
        json!({ "$ref": "https://example.org/schema.json" }),
        json!({ "$ref": "#/$defs/none" }),
        json!({ "type": "thing", "pattern": "(", "format": "date", "unevaluatedItems": false }),
        json!({ "patternProperties": { "^a": {} }, "additionalProperties": false }),
        json!(true),
    ] {
        assert_eq!(check(&schema, &json!({ "a": 1 })), Ok(()), "{schema}");
    }
}

/// Answers that keep their schemas by the standard, keyword by keyword.
#[test]
fn every_valid_answer_is_let_through() {
    let tagged = json!({ "oneOf": [
        { "type": "object", "properties": { "kind": { "const": "a" }, "n": { "format": "uint8" } },
          "required": ["kind"] },
        { "type": "object", "properties": { "kind": { "const": "b" } }, "required": ["kind"] },
    ] });
    let tree = json!({ "type": "array", "items": { "$ref": "#" } });
    for (schema, value) in [
        (json!({}), json!(null)),
        (json!({ "type": ["string", "null"], "minLength": 1 }), json!(null)),
        (json!({ "minLength": 2, "maxLength": 2 }), json!("\u{1f600}\u{1f600}")),
        (json!({ "minimum": -1, "exclusiveMaximum": 1 }), json!(-1.0)),
        (json!({ "minimum": 5, "maxItems": 0, "required": ["a"] }), json!("other types")),
        (json!({ "multipleOf": 0.1 }), json!(0.3)),
        (json!({ "pattern": "^\\p{L}+$", "format": "email" }), json!("a")),
        (json!({ "minProperties": 1, "propertyNames": { "maxLength": 1 } }), json!({ "a": 1 })),
        (json!({ "additionalProperties": { "type": "integer" } }), json!({ "a": 1, "b": 2.0 })),
        (json!({ "properties": { "a": false } }), json!({ "b": 1 })),
        (json!({ "prefixItems": [true, { "type": "null" }], "items": false }), json!([1])),
        (json!({ "contains": { "const": 1 }, "uniqueItems": true }), json!([2, 1])),
        (json!({ "enum": [null, 1, "a", [], {}] }), json!({})),
        (
            json!({ "allOf": [{ "properties": { "a": true } }], "unevaluatedProperties": false }),
            json!({ "a": 1 }),
        ),
        (json!({ "dependentSchemas": { "a": { "required": ["b"] } } }), json!({ "a": 1, "b": 2 })),
        (json!({ "$defs": { "a b": { "type": "null" } }, "$ref": "#/$defs/a%20b" }), json!(null)),
        (json!({ "$defs": { "a/b": { "type": "null" } }, "$ref": "#/$defs/a~1b" }), json!(null)),
        (json!({ "$dynamicAnchor": "a", "items": { "$dynamicRef": "#a" } }), json!([[], [[]]])),
        (json!({ "if": { "required": ["a"] }, "then": { "required": ["b"] } }), json!({ "c": 1 })),
        (tagged.clone(), json!({ "kind": "a", "n": 1 })),
        (tagged, json!({ "kind": "b", "n": "any" })),
        (tree, json!([[], [[], [[]]]])),
    ] {
        assert_eq!(check(&schema, &value), Ok(()), "{schema} of {value}");
    }
}

#[test]
fn only_what_surely_fits_counts_against_a_value() {
    let anchors = json!({ "$defs": { "a": { "$anchor": "a" }, "b": { "$anchor": "b" } },
        "oneOf": [{ "$ref": "#a" }, { "$ref": "#b" }] });
    for (schema, value) in [
        (json!({ "oneOf": [{ "multipleOf": 3 }, { "multipleOf": 5 }] }), json!(9)),
        (json!({ "oneOf": [{ "pattern": "^user-" }, { "pattern": "^team-" }] }), json!("user-1")),
        (json!({ "not": { "pattern": "\\.\\." } }), json!("a/b")),
        (json!({ "not": { "type": "array", "contains": { "const": 3 } } }), json!([1, 2])),
        (json!({ "not": { "not": { "multipleOf": 2 } } }), json!(4)),
        (anchors, json!(1)),
        (
            json!({ "oneOf": [
                { "required": ["a"], "dependentRequired": { "a": ["b"] } },
                { "required": ["a"], "dependentRequired": { "a": ["c"] } },
            ] }),
            json!({ "a": 1, "c": 2 }),
        ),
        (
            json!({ "oneOf": [
                { "patternProperties": { "^a": true }, "additionalProperties": false },
                { "patternProperties": { "^b": true }, "additionalProperties": false },
            ] }),
            json!({ "b": 1 }),
        ),
        (
            json!({ "if": { "pattern": "^a" }, "then": { "minLength": 9 }, "else": false }),
            json!("ab"),
        ),
        (json!({ "if": { "minLength": 3 }, "then": { "maxLength": 1 } }), json!("ab")),
        (json!({ "if": { "minLength": 2 }, "then": true, "else": false }), json!("ab")),
        (json!({ "oneOf": [{ "enum": [] }, { "anyOf": [] }, { "type": "integer" }] }), json!(1)),
        (json!({ "oneOf": [{ "minLength": 1.0 }, { "type": "string" }] }), json!("a")),
        (json!({ "not": { "type": "int64" } }), json!(1)),
    ] {
        assert_eq!(check(&schema, &value), Ok(()), "{schema} of {value}");
    }
}

#[test]
fn what_surely_fits_counts_against_a_value() {
    for (schema, value) in [
        (json!({ "oneOf": [{ "multipleOf": 3 }, true, { "title": "any" }] }), json!(9)),
        (json!({ "not": { "minimum": 3, "maxLength": 1, "description": "a" } }), json!(3)),
        (json!({ "not": { "not": { "type": "array" } } }), json!(1)),
        (json!({ "if": { "minLength": 2 }, "then": { "maxLength": 1 } }), json!("ab")),
        (json!({ "if": { "minLength": 3 }, "else": { "const": "" } }), json!("ab")),
    ] {
        assert!(check(&schema, &value).is_err(), "{schema} of {value}");
    }
}

#[test]
fn numbers_are_compared_by_their_value() {
    let end = 9_007_199_254_740_992_u64;
    for (schema, value) in [
        (json!({ "exclusiveMinimum": end }), json!(end + 1)),
        (json!({ "maximum": u64::MAX }), json!(u64::MAX)),
        (json!({ "enum": [[1], { "a": [1.0] }] }), json!({ "a": [1] })),
        (json!({ "const": [1, { "b": 2.0 }] }), json!([1.0, { "b": 2 }])),
        (json!({ "type": "integer" }), json!(3.0)),
    ] {
        assert_eq!(check(&schema, &value), Ok(()), "{schema} of {value}");
    }
    for (schema, value) in [
        (json!({ "exclusiveMinimum": end + 1 }), json!(end + 1)),
        (json!({ "maximum": u64::MAX - 1 }), json!(u64::MAX)),
        (json!({ "const": [1, { "b": 2.0 }] }), json!([1.0, { "b": 3 }])),
        (json!({ "const": { "a": 1 } }), json!({ "b": 1 })),
    ] {
        assert!(check(&schema, &value).is_err(), "{schema} of {value}");
    }
}

#[test]
fn references_of_other_documents_are_passed_over() {
    let schema = json!({
        "$id": "https://example.org/root",
        "$defs": {
            "x": { "type": "string" },
            "own": {
                "$id": "own",
                "$defs": { "x": { "type": "integer" } },
                "properties": { "x": { "$ref": "#/$defs/x" } },
            },
        },
        "properties": {
            "own": { "$ref": "#/$defs/own" },
            "into": { "$ref": "#/$defs/own/properties/x" },
            "after": { "$ref": "#/$defs/x" },
        },
    });
    assert_eq!(check(&schema, &json!({ "own": { "x": 1 }, "into": 1, "after": "" })), Ok(()));
    assert!(check(&schema, &json!({ "own": { "x": 1 }, "after": 1 })).is_err());
}

/// A list whose items hold the next one, and the schema of it.
fn chain(levels: usize) -> (Value, Value) {
    let schema = json!({
        "$ref": "#/$defs/Node",
        "$defs": { "Node": {
            "type": "object",
            "properties": { "next": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/Node" }] } },
            "required": ["next"],
        } },
    });
    (schema, (0..levels).fold(Value::Null, |next, _| json!({ "next": next })))
}

#[test]
fn a_chain_may_be_as_long_as_a_document_is_deep() {
    let (schema, value) = chain(crate::plugin::limits::JSON_DEPTH);
    assert_eq!(check(&schema, &value), Ok(()));
    let (schema, value) = chain(1);
    assert!(check(&schema, &json!({ "next": { "next": value, "other": 1 } })).is_ok());
    assert!(check(&schema, &json!({ "next": { "next": 1 } })).is_err());
}

#[test]
fn what_is_too_much_to_compare_is_let_through() {
    let enumerated: Vec<String> = (0..200).map(|index| format!("choice {index}")).collect();
    let strings = vec!["choice 199"; 20_000];
    let big = json!(vec!["x"; 10_000]);
    for (schema, value) in [
        (json!({ "items": { "enum": enumerated } }), json!(strings)),
        (json!({ "items": { "enum": [big, 1] } }), json!(vec![vec!["x"; 10_000]; 300])),
        (json!({ "$ref": "#" }), json!({})),
        (json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }), json!({})),
        (json!({ "oneOf": [{ "$ref": "#" }, { "$ref": "#" }, { "type": "null" }] }), json!(null)),
        (json!({ "not": { "$ref": "#" } }), json!({})),
    ] {
        assert_eq!(check(&schema, &value), Ok(()));
    }
}

#[test]
fn large_values_cost_as_many_steps_as_they_have_parts() {
    let cost = |value: Value| {
        let schema = json!({ "const": value });
        let mut comparison = Comparison::new(&schema, 1);
        assert_eq!(comparison.fits(&schema, &value, &Place::Whole), Verdict::Fits);
        STEPS_MAX - comparison.steps_left
    };
    assert!(cost(json!(vec![0; 1_000])) > 1_000);
    assert!(cost(json!("x".repeat(64_000))) > 1_000);
    assert!(cost(json!({ "x".repeat(64_000): 1 })) > 1_000);
    assert!(cost(json!(1)) < 10);
}

#[test]
fn everything_that_does_not_fit_is_told() {
    let mut schema = schema();
    schema["allOf"] = json!([{ "required": ["town", "land"] }]);
    let value = json!({
        "town": 5, "items": [{ "price": "a" }, {}, 3], "far": 1, "near": 2, "way": 7, "one": 6,
    });
    let told = [
        "`town`: expected text, got 5",
        "`items` has 3 items, at most 2 are expected",
        "`items[0].price`: expected a number or null, got \"a\"",
        "`items[1].price` is missing",
        "`items[2]`: expected an object, got 3",
        "`way`: expected one of the kinds it may be, got 7",
        "`one` fits more than one kind of `oneOf`",
        "`far` is not known there",
        "`near` is not known there",
        "`land` is missing",
    ];
    let mut all = violations(&schema, &value, 100);
    all.sort_unstable();
    let mut wanted = told.to_vec();
    wanted.sort_unstable();
    assert_eq!(all, wanted);
    assert_eq!(violations(&schema, &value, 3).len(), 3);
    assert_eq!(violations(&schema, &value, 1).pop(), check(&schema, &value).err());
    assert!(violations(&schema, &value, 0).is_empty());
    assert_eq!(violations(&json!({ "allOf": [false, false] }), &json!(1), 9).len(), 1);
    assert_eq!(violations(&schema, &json!({}), 9), ["`town` is missing", "`land` is missing"]);
}

#[test]
fn a_misfit_is_told_in_a_short_line() {
    let many: Vec<usize> = (0..1_000).collect();
    let name = "n".repeat(10_000);
    let schema = json!({ "additionalProperties": { "enum": many } });
    let told = check(&schema, &json!({ name: -1 })).expect_err("it is none of them");
    assert!(told.ends_with("14, 15 or 984 more, got -1") && told.len() < 500, "{told}");
}

#[test]
fn the_deepest_comparison_fits_half_of_a_thread() {
    let deep = (0..400).fold(json!({ "type": "object" }), |schema, _| json!({ "allOf": [schema] }));
    assert_eq!(check(&deep, &json!(1)), Ok(()));
    let nested = (0..crate::plugin::limits::JSON_DEPTH).fold(json!(1), |value, _| json!([value]));
    let around = json!({ "items": { "not": { "anyOf": [
        { "if": false, "else": { "oneOf": [false, { "$ref": "#" }] } }, false,
    ] } } });
    let compare = move || check(&around, &nested);
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(compare);
    thread.expect("a thread").join().expect("it fits").expect("it is let through");
}
