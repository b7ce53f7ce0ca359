//! JSON Schema (draft 2020-12) of the JSON that stands for WIT values.
//!
//! | WIT | JSON |
//! |---|---|
//! | integers up to 32 bits, `bool`, `string` | number, boolean, string |
//! | `s64`, `u64` | integer within ±(2^53 − 1), else decimal string |
//! | `f32`, `f64` | number, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `char` | string of one scalar value |
//! | `list<u8>` | base64 string; as input also an array |
//! | `list`, `tuple` | array |
//! | `record` | object with WIT names; an option member may be missing |
//! | `variant` | `{"tag": case}` or `{"tag": case, "val": payload}` |
//! | `enum`, `flags` | string, array of strings |
//! | `option` | value or `null`; an option in an option is `{"some": value}` or `null` |
//! | `result` inside something | `{"ok": payload}` or `{"err": payload}`, `null` without payload |
//!
//! Invariant: the schema of a value the host produces accepts that value, and the host accepts
//! every value that the schema of an input accepts.
//! Not here: converting values (the host), describing tools (`tool`).

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::wit::Field;
use crate::wit::Signature;
use crate::wit::WitType;

/// Largest integer that every JSON reader keeps exactly: 2^53 − 1.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// Which way the value goes: input is read leniently, output is written one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Input,
    Output,
}

/// Describes the input of a tool, which is always an object: the only parameter if it is a
/// record, else an object with one member for each parameter.
pub fn input_schema(signature: &Signature) -> Value {
    match signature.params.as_slice() {
        [Field { ty: WitType::Record(fields), .. }] => object(fields, Direction::Input),
        params => object(params, Direction::Input),
    }
}

/// Describes what a tool answers, `None` when that is nothing. Of a `result` only the ok side is
/// described: the other becomes a tool error.
pub fn output_schema(signature: &Signature) -> Option<Value> {
    let answer = match signature.result.as_ref()? {
        WitType::Result { ok, .. } => ok.as_deref()?,
        other => other,
    };
    Some(value(answer, Direction::Output))
}

/// Describes one value. Recursion ends with the type, whose depth is bounded where it is read.
fn value(ty: &WitType, way: Direction) -> Value {
    match ty {
        WitType::Bool => json!({"type": "boolean"}),
        WitType::S8 => integer(i8::MIN.into(), i8::MAX.into()),
        WitType::U8 => integer(0, u8::MAX.into()),
        WitType::S16 => integer(i16::MIN.into(), i16::MAX.into()),
        WitType::U16 => integer(0, u16::MAX.into()),
        WitType::S32 => integer(i32::MIN.into(), i32::MAX.into()),
        WitType::U32 => integer(0, u32::MAX.into()),
        WitType::S64 => json!({"anyOf": [
            integer(-SAFE_INTEGER_MAX, SAFE_INTEGER_MAX),
            {"type": "string", "pattern": "^(0|-?[1-9][0-9]{0,18})$"},
        ]}),
        WitType::U64 => json!({"anyOf": [
            integer(0, SAFE_INTEGER_MAX),
            {"type": "string", "pattern": "^(0|[1-9][0-9]{0,19})$"},
        ]}),
        WitType::F32 | WitType::F64 => json!({"anyOf": [
            {"type": "number"},
            {"enum": ["NaN", "Infinity", "-Infinity"]},
        ]}),
        WitType::Char => json!({"type": "string", "minLength": 1, "maxLength": 1}),
        WitType::String => json!({"type": "string"}),
        WitType::List(item) => list(ty, item, way),
        WitType::Record(fields) => object(fields, way),
        WitType::Tuple(items) => tuple(items, way),
        WitType::Variant(cases) => {
            let cases = cases.iter().map(|case| match &case.ty {
                None => closed(vec![("tag", json!({"const": case.name}))]),
                Some(ty) => {
                    closed(vec![("tag", json!({"const": case.name})), ("val", value(ty, way))])
                }
            });
            json!({"oneOf": cases.collect::<Vec<_>>()})
        }
        WitType::Enum(names) => json!({"type": "string", "enum": names}),
        WitType::Option(inner) => {
            let some = match &**inner {
                // `null` must stay the outer option, so the inner one is wrapped.
                WitType::Option(_) => closed(vec![("some", value(inner, way))]),
                _ => value(inner, way),
            };
            json!({"anyOf": [some, {"type": "null"}]})
        }
        WitType::Result { ok, err } => {
            let side = |ty: &Option<Box<WitType>>| match ty {
                None => json!({"type": "null"}),
                Some(ty) => value(ty, way),
            };
            json!({"oneOf": [closed(vec![("ok", side(ok))]), closed(vec![("err", side(err))])]})
        }
        WitType::Flags(names) => json!({
            "type": "array",
            "items": {"type": "string", "enum": names},
            "uniqueItems": true,
        }),
    }
}

/// Describes an integer of at most 53 bits.
fn integer(minimum: i64, maximum: i64) -> Value {
    json!({"type": "integer", "minimum": minimum, "maximum": maximum})
}

/// Describes a list; one of bytes is base64 text.
fn list(ty: &WitType, item: &WitType, way: Direction) -> Value {
    let array = json!({"type": "array", "items": value(item, way)});
    let text = json!({"type": "string", "contentEncoding": "base64"});
    match (ty.is_bytes(), way) {
        (false, _) => array,
        (true, Direction::Output) => text,
        (true, Direction::Input) => json!({"anyOf": [text, array]}),
    }
}

/// Describes a tuple: an array of exactly these items.
fn tuple(items: &[WitType], way: Direction) -> Value {
    let count = items.len();
    let items: Vec<_> = items.iter().map(|ty| value(ty, way)).collect();
    json!({
        "type": "array",
        "prefixItems": items,
        "items": false,
        "minItems": count,
        "maxItems": count,
    })
}

/// Describes named members of which only options may be missing.
fn object(fields: &[Field], way: Direction) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        properties.insert(field.name.clone(), value(&field.ty, way));
        if !matches!(field.ty, WitType::Option(_)) {
            required.push(Value::from(field.name.clone()));
        }
    }
    shut(properties, required)
}

/// Describes an object of exactly these members.
fn closed(members: Vec<(&str, Value)>) -> Value {
    let required = members.iter().map(|(name, _)| Value::from(*name)).collect();
    shut(members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect(), required)
}

/// Describes an object that refuses members it does not know.
fn shut(properties: Map<String, Value>, required: Vec<Value>) -> Value {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), Value::from("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::input_schema;
    use super::output_schema;
    use crate::wit::Case;
    use crate::wit::Field;
    use crate::wit::Signature;
    use crate::wit::WitType;

    fn field(name: &str, ty: WitType) -> Field {
        Field { name: name.to_owned(), ty }
    }

    fn boxed(ty: WitType) -> Option<Box<WitType>> {
        Some(Box::new(ty))
    }

    /// The schema of one value as input and as output, one line each when they differ.
    fn both(ty: WitType) -> String {
        let params = vec![field("a", ty.clone()), field("b", WitType::Bool)];
        // A result at the top would be unwrapped, so the value is looked at inside a tuple.
        let result = Some(WitType::Tuple(vec![ty]));
        let signature = Signature { params, result };
        let input = input_schema(&signature)["properties"]["a"].to_string();
        let output = output_schema(&signature).expect("it returns")["prefixItems"][0].to_string();
        if input == output { input } else { format!("in  {input}\nout {output}") }
    }

    fn answers(result: Option<WitType>) -> Option<serde_json::Value> {
        output_schema(&Signature { params: Vec::new(), result })
    }

    #[test]
    fn numbers_state_their_range() {
        use WitType as T;
        let all = [T::S8, T::U8, T::S16, T::U16, T::S32, T::U32, T::S64, T::U64, T::F32, T::F64];
        let lines: Vec<_> = all.into_iter().map(both).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"type":"integer","minimum":-128,"maximum":127}
        {"type":"integer","minimum":0,"maximum":255}
        {"type":"integer","minimum":-32768,"maximum":32767}
        {"type":"integer","minimum":0,"maximum":65535}
        {"type":"integer","minimum":-2147483648,"maximum":2147483647}
        {"type":"integer","minimum":0,"maximum":4294967295}
        {"anyOf":[{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991},{"type":"string","pattern":"^(0|-?[1-9][0-9]{0,18})$"}]}
        {"anyOf":[{"type":"integer","minimum":0,"maximum":9007199254740991},{"type":"string","pattern":"^(0|[1-9][0-9]{0,19})$"}]}
        {"anyOf":[{"type":"number"},{"enum":["NaN","Infinity","-Infinity"]}]}
        {"anyOf":[{"type":"number"},{"enum":["NaN","Infinity","-Infinity"]}]}
        "#);
    }

    #[test]
    fn text_and_truth_are_themselves() {
        let lines = [WitType::Bool, WitType::Char, WitType::String].map(both);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"type":"boolean"}
        {"type":"string","minLength":1,"maxLength":1}
        {"type":"string"}
        "#);
    }

    #[test]
    fn bytes_are_base64_and_may_come_as_an_array() {
        insta::assert_snapshot!(both(WitType::List(Box::new(WitType::U8))), @r#"
        in  {"anyOf":[{"type":"string","contentEncoding":"base64"},{"type":"array","items":{"type":"integer","minimum":0,"maximum":255}}]}
        out {"type":"string","contentEncoding":"base64"}
        "#);
    }

    #[test]
    fn lists_and_tuples_are_arrays() {
        insta::assert_snapshot!(both(WitType::List(Box::new(WitType::S8))), @r#"{"type":"array","items":{"type":"integer","minimum":-128,"maximum":127}}"#);
        let pair = WitType::Tuple(vec![WitType::String, WitType::Bool]);
        insta::assert_snapshot!(both(pair), @r#"{"type":"array","prefixItems":[{"type":"string"},{"type":"boolean"}],"items":false,"minItems":2,"maxItems":2}"#);
    }

    #[test]
    fn only_option_members_of_a_record_may_be_missing() {
        let record = WitType::Record(vec![
            field("name", WitType::String),
            field("age", WitType::Option(Box::new(WitType::U8))),
        ]);
        insta::assert_snapshot!(both(record), @r#"{"type":"object","properties":{"name":{"type":"string"},"age":{"anyOf":[{"type":"integer","minimum":0,"maximum":255},{"type":"null"}]}},"required":["name"],"additionalProperties":false}"#);
    }

    #[test]
    fn a_variant_has_a_tag_and_perhaps_a_value() {
        let shape = WitType::Variant(vec![
            Case { name: "point".to_owned(), ty: None },
            Case { name: "circle".to_owned(), ty: Some(WitType::U8) },
        ]);
        insta::assert_snapshot!(both(shape), @r#"{"oneOf":[{"type":"object","properties":{"tag":{"const":"point"}},"required":["tag"],"additionalProperties":false},{"type":"object","properties":{"tag":{"const":"circle"},"val":{"type":"integer","minimum":0,"maximum":255}},"required":["tag","val"],"additionalProperties":false}]}"#);
    }

    #[test]
    fn enums_are_strings_and_flags_are_arrays() {
        let names = || vec!["left".to_owned(), "right".to_owned()];
        insta::assert_snapshot!(both(WitType::Enum(names())), @r#"{"type":"string","enum":["left","right"]}"#);
        insta::assert_snapshot!(both(WitType::Flags(names())), @r#"{"type":"array","items":{"type":"string","enum":["left","right"]},"uniqueItems":true}"#);
    }

    #[test]
    fn null_always_means_the_outer_option() {
        let once = WitType::Option(Box::new(WitType::Bool));
        insta::assert_snapshot!(both(once.clone()), @r#"{"anyOf":[{"type":"boolean"},{"type":"null"}]}"#);
        insta::assert_snapshot!(both(WitType::Option(Box::new(once))), @r#"{"anyOf":[{"type":"object","properties":{"some":{"anyOf":[{"type":"boolean"},{"type":"null"}]}},"required":["some"],"additionalProperties":false},{"type":"null"}]}"#);
    }

    #[test]
    fn a_result_inside_something_says_which_side() {
        let full = WitType::Result { ok: boxed(WitType::Bool), err: boxed(WitType::String) };
        insta::assert_snapshot!(both(full), @r#"{"oneOf":[{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"],"additionalProperties":false},{"type":"object","properties":{"err":{"type":"string"}},"required":["err"],"additionalProperties":false}]}"#);
        insta::assert_snapshot!(both(WitType::Result { ok: None, err: None }), @r#"{"oneOf":[{"type":"object","properties":{"ok":{"type":"null"}},"required":["ok"],"additionalProperties":false},{"type":"object","properties":{"err":{"type":"null"}},"required":["err"],"additionalProperties":false}]}"#);
    }

    #[test]
    fn a_result_at_the_top_is_its_ok_side() {
        let full = WitType::Result { ok: boxed(WitType::Bool), err: boxed(WitType::String) };
        assert_eq!(answers(Some(full)), Some(json!({"type": "boolean"})));
        assert_eq!(answers(Some(WitType::Result { ok: None, err: boxed(WitType::U8) })), None);
        assert_eq!(answers(None), None);
    }

    #[test]
    fn one_record_parameter_is_the_whole_input() {
        let record = WitType::Record(vec![field("name", WitType::String)]);
        let one = Signature { params: vec![field("request", record.clone())], result: None };
        assert_eq!(
            input_schema(&one),
            json!({
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "required": ["name"],
                "additionalProperties": false,
            })
        );
        let params = vec![field("request", record.clone()), field("more", WitType::Bool)];
        let two = Signature { params, result: None };
        assert_eq!(input_schema(&two)["required"], json!(["request", "more"]));
        let optional = field("request", WitType::Option(Box::new(record)));
        let maybe = Signature { params: vec![optional], result: None };
        assert_eq!(input_schema(&maybe).get("required"), None);
    }

    #[test]
    fn no_parameters_are_an_empty_object() {
        assert_eq!(
            input_schema(&Signature::default()),
            json!({"type": "object", "properties": {}, "additionalProperties": false})
        );
    }
}
