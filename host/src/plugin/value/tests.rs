//! What callers of `value` see: every type with values that fit and values that do not, properties
//! over random types, and round trips through components that return what they are given.

use std::fmt::Write as _;

use ax_manifest::Case;
use ax_manifest::Field;
use ax_manifest::Signature;
use ax_manifest::WitType as T;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;
use wasmtime::component::Val;

use super::Lifted;
use super::error::Flaw;
use super::error::ValueError;
use super::lift_output;
use super::lower::ABSENT_BYTES;
use super::lower_input;
use super::placeholders;
use crate::plugin::limits::JSON_DEPTH;

fn field(name: &str, ty: T) -> Field {
    Field { name: name.to_owned(), ty }
}

fn case(name: &str, ty: Option<T>) -> Case {
    Case { name: name.to_owned(), ty }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn list(item: T) -> T {
    T::List(Box::new(item))
}

fn option(inner: T) -> T {
    T::Option(Box::new(inner))
}

fn result(ok: Option<T>, err: Option<T>) -> T {
    T::Result { ok: ok.map(Box::new), err: err.map(Box::new) }
}

fn person() -> T {
    T::Record(vec![field("full-name", T::String), field("age", option(T::U8))])
}

fn shape() -> T {
    T::Variant(vec![case("point", None), case("circle", Some(T::F64))])
}

fn colour() -> T {
    T::Enum(names(&["red", "dark-green"]))
}

fn rights() -> T {
    T::Flags(names(&["read", "write", "execute"]))
}

/// A second parameter beside the value under test: a lone record would be the whole input, and
/// with a tuple of both as the result, a lone result would be taken apart. Seventeen numbers are
/// too many for registers, so parameters and result have one layout in memory.
fn padding() -> (T, Value) {
    (T::Tuple(vec![T::U8; 17]), json!([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]))
}

fn echo_signature(ty: &T) -> Signature {
    let (padding, _) = padding();
    Signature {
        params: vec![field("v", ty.clone()), field("pad", padding.clone())],
        result: Some(T::Tuple(vec![ty.clone(), padding])),
    }
}

/// Converts `json` to arguments for the echo of `ty`.
fn lower(ty: &T, json: &Value) -> Result<Vec<Val>, ValueError> {
    lower_input(&json!({"v": json, "pad": padding().1}), &echo_signature(ty))
}

/// Converts what the echo of `ty` returned.
fn lift(ty: &T, returned: &[Val]) -> Result<Value, ValueError> {
    match lift_output(returned, &echo_signature(ty))? {
        Lifted::Value(mut value) => Ok(value[0].take()),
        Lifted::Failed(value) => panic!("a tuple does not fail: {value}"),
    }
}

/// JSON → value → JSON, without an engine between.
fn there_and_back(ty: &T, json: &Value) -> Result<Value, ValueError> {
    let arguments = lower(ty, json)?;
    lift(ty, &[Val::Tuple(arguments)])
}

/// What the one line and the hint say about a value that does not fit; paths are below `/v`.
fn refusal(ty: &T, json: Value) -> String {
    let error = lower(ty, &json).expect_err("it does not fit");
    match error.hint() {
        Some(hint) => format!("{error} | {hint}"),
        None => error.to_string(),
    }
}

/// Types, what is written, and what comes back.
fn fitting() -> Vec<(T, Value, Value)> {
    let same = |ty: T, json: Value| (ty, json.clone(), json);
    let mut table = Vec::new();
    for (ty, min, max) in [
        (T::S8, i64::from(i8::MIN), i64::from(i8::MAX)),
        (T::U8, 0, i64::from(u8::MAX)),
        (T::S16, i64::from(i16::MIN), i64::from(i16::MAX)),
        (T::U16, 0, i64::from(u16::MAX)),
        (T::S32, i64::from(i32::MIN), i64::from(i32::MAX)),
        (T::U32, 0, i64::from(u32::MAX)),
        (T::S64, -9_007_199_254_740_991, 9_007_199_254_740_991),
        (T::U64, 0, 9_007_199_254_740_991),
    ] {
        table.push(same(ty.clone(), json!(min)));
        table.push(same(ty.clone(), json!(max)));
        table.push((ty.clone(), json!(3.0), json!(3)));
        table.push((ty.clone(), json!(-0.0), json!(0)));
        table.push((ty, json!(1e2), json!(100)));
    }
    table.extend([
        same(T::Bool, json!(true)),
        same(T::Bool, json!(false)),
        same(T::S64, json!("-9223372036854775808")),
        same(T::S64, json!("9223372036854775807")),
        same(T::S64, json!("-9007199254740992")),
        same(T::U64, json!("18446744073709551615")),
        same(T::U64, json!("9007199254740992")),
        (T::U64, json!("7"), json!(7)),
        (T::S64, json!("-7"), json!(-7)),
        (T::U64, json!("0"), json!(0)),
        (T::U64, json!(u64::MAX), json!("18446744073709551615")),
        (T::S64, json!(i64::MIN), json!("-9223372036854775808")),
        same(T::F64, json!(0.1)),
        same(T::F64, json!(f64::MAX)),
        same(T::F64, json!(-0.0)),
        same(T::F64, json!("NaN")),
        same(T::F64, json!("Infinity")),
        same(T::F64, json!("-Infinity")),
        (T::F64, json!(3), json!(3.0)),
        same(T::F32, json!(0.5)),
        (T::F32, json!(0.1), json!(0.100_000_001_490_116_12)),
        same(T::F32, json!(f64::from(f32::MAX))),
        same(T::F32, json!("NaN")),
        same(T::F32, json!("Infinity")),
        same(T::F32, json!("-Infinity")),
        same(T::Char, json!("a")),
        same(T::Char, json!("\0")),
        same(T::Char, json!("\u{10ffff}")),
        same(T::String, json!("")),
        same(T::String, json!("naïve \u{1f980} \" \\ \n \0")),
        same(list(T::U8), json!("")),
        same(list(T::U8), json!("AP8=")),
        same(list(T::U8), json!("+/+/")),
        (list(T::U8), json!([0, 255]), json!("AP8=")),
        (list(T::U8), json!([]), json!("")),
        same(list(T::S8), json!([])),
        same(list(T::S8), json!([1, -2, 3])),
        same(list(list(T::String)), json!([["a"], [], ["b", "c"]])),
        same(list(list(T::U8)), json!(["AA==", ""])),
        same(T::Tuple(vec![T::Char, T::Bool]), json!(["x", false])),
        same(person(), json!({"full-name": "Ada", "age": 36})),
        same(person(), json!({"full-name": "Ada", "age": null})),
        (person(), json!({"full-name": "Ada"}), json!({"full-name": "Ada", "age": null})),
        (person(), json!({"age": 1, "full-name": "Ada"}), json!({"full-name": "Ada", "age": 1})),
        same(shape(), json!({"tag": "point"})),
        same(shape(), json!({"tag": "circle", "val": 1.5})),
        (shape(), json!({"val": 1.5, "tag": "circle"}), json!({"tag": "circle", "val": 1.5})),
        same(colour(), json!("dark-green")),
        same(rights(), json!([])),
        same(rights(), json!(["read", "execute"])),
        same(option(T::String), json!(null)),
        same(option(T::String), json!("")),
        same(option(option(T::U8)), json!(null)),
        same(option(option(T::U8)), json!({"some": null})),
        same(option(option(T::U8)), json!({"some": 5})),
        same(option(option(option(T::U8))), json!({"some": {"some": 5}})),
        same(option(option(option(T::U8))), json!({"some": {"some": null}})),
        same(option(list(option(T::U8))), json!([null, 1])),
        same(result(Some(T::U8), Some(T::String)), json!({"ok": 1})),
        same(result(Some(T::U8), Some(T::String)), json!({"err": "no"})),
        same(result(None, None), json!({"ok": null})),
        same(result(None, None), json!({"err": null})),
        same(option(result(None, Some(T::Char))), json!({"err": "x"})),
    ]);
    table
}

#[test]
fn what_fits_comes_back_in_its_one_form() {
    for (ty, given, expected) in fitting() {
        let back = there_and_back(&ty, &given).unwrap_or_else(|error| panic!("{ty}: {error}"));
        // As text, so that the order of members and the kind of number count.
        assert_eq!(back.to_string(), expected.to_string(), "{ty} from {given}");
    }
}

#[test]
fn the_canonical_form_stays_as_it_is() {
    for (ty, _, canonical) in fitting() {
        let back = there_and_back(&ty, &canonical).expect("it fits");
        assert_eq!(back.to_string(), canonical.to_string(), "{ty}");
    }
}

#[test]
fn values_of_another_kind_are_refused() {
    let kinds =
        [json!(null), json!(true), json!(1), json!("~"), json!([{"~": 1}]), json!({"~": 1})];
    let accepted = |ty: &T, json: &Value| match ty {
        T::Bool => json.is_boolean(),
        T::String | T::Char => json.is_string(),
        T::Option(_) => json.is_null(),
        T::S8 | T::U8 | T::S16 | T::U16 | T::S32 | T::U32 | T::S64 | T::U64 | T::F32 | T::F64 => {
            json.is_number()
        }
        _ => false,
    };
    for (ty, _, _) in fitting() {
        for json in &kinds {
            let lowered = lower(&ty, json);
            // The inner value of an option is tried by its own type elsewhere in the table.
            if matches!(ty, T::Option(_)) && !json.is_null() {
                continue;
            }
            assert_eq!(lowered.is_ok(), accepted(&ty, json), "{ty} from {json}: {lowered:?}");
        }
    }
}

#[test]
fn integers_end_at_their_bounds() {
    for (ty, below, above) in [
        (T::S8, json!(-129), json!(128)),
        (T::U8, json!(-1), json!(256)),
        (T::S16, json!(-32_769), json!(32_768)),
        (T::U16, json!(-1), json!(65_536)),
        (T::S32, json!(-2_147_483_649_i64), json!(2_147_483_648_i64)),
        (T::U32, json!(-1), json!(4_294_967_296_i64)),
        (T::S64, json!("-9223372036854775809"), json!("9223372036854775808")),
        (T::U64, json!("-1"), json!("18446744073709551616")),
        (T::S64, json!(format!("-{}", "9".repeat(60))), json!(u64::MAX)),
        (T::U64, json!(-1), json!("9".repeat(60))),
    ] {
        let flaw = |json| lower(&ty, json).err().map(|error| error.flaw);
        assert_eq!(flaw(&below), Some(Flaw::Range), "{ty} from {below}");
        assert_eq!(flaw(&above), Some(Flaw::Range), "{ty} from {above}");
    }
}

#[test]
fn fractions_are_no_integers() {
    assert_eq!(refusal(&T::U32, json!(3.5)), "`/v` is not a whole number: wanted u32, found 3.5");
    assert_eq!(lower(&T::S64, &json!(-0.5)).map_err(|error| error.flaw), Err(Flaw::Fraction));
}

/// `-9223372036854775809` is read as the float −2^63, which would fit and be another number.
#[test]
fn integers_that_json_cannot_carry_are_refused_as_numbers() {
    let read: Value = serde_json::from_str("-9223372036854775809").expect("it is JSON");
    assert_eq!(
        refusal(&T::S64, read),
        "`/v` is out of range: wanted s64, found -9.223372036854776e+18 | \
         write it as a decimal string, as \"9007199254740993\""
    );
    let safe = 9_007_199_254_740_991.0;
    assert!(lower(&T::U64, &json!(safe)).is_ok());
    assert!(lower(&T::U64, &json!(safe + 1.0)).is_err());
    assert_eq!(
        refusal(&T::U64, json!(1e30)),
        "`/v` is out of range: wanted u64, found 1e+30 | u64 is 0 to 18446744073709551615"
    );
}

#[test]
fn decimal_strings_are_spelled_one_way() {
    for text in ["", "-", "+1", "01", "-0", "00", " 1", "1 ", "1.0", "1e3", "0x1", "١", "--1"] {
        let flaw = lower(&T::S64, &json!(text)).map_err(|error| error.flaw);
        assert_eq!(flaw, Err(Flaw::Spelling), "{text:?}");
    }
    assert_eq!(
        refusal(&T::U32, json!("1")),
        "`/v` has another type: wanted u32, found \"1\" | write it without quotes"
    );
}

#[test]
fn an_f32_does_not_overflow() {
    assert_eq!(
        refusal(&T::F32, json!(3.5e38)),
        "`/v` is out of range: wanted f32, found 3.5e+38 | \
         f32 ends at 3.4028235e38; \"Infinity\" is what lies beyond"
    );
    assert!(lower(&T::F64, &json!(3.5e38)).is_ok());
    for text in ["nan", "inf", "infinity", "+Infinity", "", "1.5"] {
        assert!(lower(&T::F32, &json!(text)).is_err(), "{text:?}");
    }
}

#[test]
fn every_nan_is_one_nan() {
    let strange = f64::from_bits(0xfff8_dead_beef_0001);
    let result = Some(T::F64);
    let signature = Signature { params: Vec::new(), result };
    let lifted = lift_output(&[Val::Float64(strange)], &signature);
    assert_eq!(lifted, Ok(Lifted::Value(json!("NaN"))));
    let bits = |ty| match lower(&ty, &json!("NaN")).expect("it fits").remove(0) {
        Val::Float32(single) => u64::from(single.to_bits()),
        Val::Float64(double) => double.to_bits(),
        other => panic!("{other:?}"),
    };
    assert_eq!(bits(T::F32), 0x7fc0_0000);
    assert_eq!(bits(T::F64), 0x7ff8_0000_0000_0000);
}

#[test]
fn a_char_is_exactly_one_scalar() {
    for text in ["", "ab", "e\u{301}"] {
        let flaw = lower(&T::Char, &json!(text)).map_err(|error| error.flaw);
        assert_eq!(flaw, Err(Flaw::Spelling), "{text:?}");
    }
}

#[test]
fn bytes_are_strict_base64() {
    for text in ["A", "AP8", "AP8==", "AP9=", "_-_-", "AP 8", "AP8=\n", "=", "é"] {
        let flaw = lower(&list(T::U8), &json!(text)).map_err(|error| error.flaw);
        assert_eq!(flaw, Err(Flaw::Spelling), "{text:?}");
    }
    assert_eq!(
        refusal(&list(T::U8), json!([0, 256])),
        "`/v/1` is out of range: wanted u8, found 256 | u8 is 0 to 255"
    );
    assert!(lower(&list(T::S8), &json!("AP8=")).is_err());
}

#[test]
fn unknown_members_are_refused_with_the_nearest_name() {
    assert_eq!(
        refusal(&person(), json!({"fullName": "Ada"})),
        "`/v/fullName` is not known: wanted a member of record { full-name: string, \
         age: option<u8> }, found \"Ada\" | did you mean `full-name`?"
    );
    assert_eq!(
        refusal(&person(), json!({"full-name": "Ada", "x/~y": 1})),
        "`/v/x~1~0y` is not known: wanted a member of record { full-name: string, \
         age: option<u8> }, found 1 | known: `full-name`, `age`"
    );
    assert_eq!(
        refusal(&person(), json!({"age": 1})),
        "`/v/full-name` is missing: wanted string, found nothing"
    );
}

#[test]
fn a_variant_is_a_tag_and_its_payload() {
    for (json, says) in [
        (
            json!("point"),
            "`/v` has another type: wanted variant { point, circle(f64) }, found \"point\" | \
             write {\"tag\": \"point\"}",
        ),
        (
            json!({"circle": 1}),
            "`/v/tag` is missing: wanted variant { point, circle(f64) }, found {\"circle\":1} | \
             write {\"tag\": \"circle\", \"val\": …}",
        ),
        (
            json!({"tag": "cirle", "val": 1}),
            "`/v/tag` is not known: wanted variant { point, circle(f64) }, found \"cirle\" | \
             did you mean `circle`?",
        ),
        (json!({"tag": "circle"}), "`/v/val` is missing: wanted f64, found nothing"),
        (
            json!({"tag": "point", "val": null}),
            "`/v/val` is not known: wanted nothing, found null | \
             leave `val` out, this case has no payload",
        ),
        (
            json!({"tag": "point", "value": 1}),
            "`/v/value` is not known: wanted a member of variant { point, circle(f64) }, found 1 \
             | known: `tag`, `val`",
        ),
    ] {
        assert_eq!(refusal(&shape(), json), says);
    }
}

#[test]
fn enums_and_flags_know_their_names() {
    assert_eq!(
        refusal(&colour(), json!("DARK_GREEN")),
        "`/v` is not known: wanted enum { red, dark-green }, found \"DARK_GREEN\" | \
         did you mean `dark-green`?"
    );
    assert_eq!(
        refusal(&rights(), json!(["read", "read"])),
        "`/v/1` is there twice: wanted flags { read, write, execute }, found \"read\""
    );
    assert_eq!(
        refusal(&rights(), json!(["delete"])),
        "`/v/0` is not known: wanted flags { read, write, execute }, found \"delete\" | \
         known: `read`, `write`, `execute`"
    );
}

#[test]
fn tuples_have_one_length() {
    let pair = T::Tuple(vec![T::U8, T::U8]);
    for items in [json!([1]), json!([1, 2, 3])] {
        assert_eq!(lower(&pair, &items).map_err(|error| error.flaw), Err(Flaw::Count));
    }
}

#[test]
fn nested_options_and_results_say_which_they_are() {
    let twice = option(option(T::U8));
    for json in [json!(5), json!({}), json!({"some": 1, "more": 2}), json!({"none": null})] {
        let error = lower(&twice, &json).expect_err("it does not fit");
        assert_eq!(
            error.hint().as_deref(),
            Some(r#"an option in an option is null or {"some": …}"#),
            "{json}"
        );
    }
    let half = result(None, Some(T::U8));
    for json in [json!(5), json!({}), json!({"ok": null, "err": 1}), json!({"okay": 1})] {
        let error = lower(&half, &json).expect_err("it does not fit");
        assert_eq!(
            error.hint().as_deref(),
            Some(r#"write {"ok": …} or {"err": …}, with null for no payload"#),
            "{json}"
        );
    }
    assert_eq!(
        refusal(&half, json!({"ok": 1})),
        "`/v/ok` has another type: wanted nothing, found 1 | \
         write null, this side has no payload"
    );
}

#[test]
fn an_object_sent_as_its_text_is_recognised() {
    for ty in [person(), shape(), list(T::Bool), result(None, None), rights()] {
        let error = lower(&ty, &json!(" {\"full-name\": \"Ada\"}")).expect_err("it is a string");
        assert_eq!(
            error.hint().as_deref(),
            Some("give the value itself, not a string that holds its JSON text"),
            "{ty}"
        );
    }
}

#[test]
fn one_record_is_the_whole_input() {
    let one = Signature { params: vec![field("who", person())], result: None };
    let whole = lower_input(&json!({"full-name": "Ada"}), &one).expect("it fits");
    assert_eq!(
        whole,
        [Val::Record(vec![
            ("full-name".to_owned(), Val::String("Ada".to_owned())),
            ("age".to_owned(), Val::Option(None)),
        ])]
    );
    let error = lower_input(&json!({"who": {"full-name": "Ada"}}), &one).expect_err("one deep");
    assert_eq!((&*error.path, error.flaw), ("/who", Flaw::Unknown));
    let error = lower_input(&json!(null), &one).expect_err("no object");
    assert_eq!((&*error.path, error.flaw), ("/", Flaw::Kind));
}

#[test]
fn other_parameters_are_members_of_an_object() {
    let two =
        Signature { params: vec![field("a", T::U8), field("b", option(T::String))], result: None };
    assert_eq!(
        lower_input(&json!({"a": 1}), &two).expect("it fits"),
        [Val::U8(1), Val::Option(None)]
    );
    assert_eq!(
        lower_input(&json!([1]), &two).expect_err("no object").to_string(),
        "`/` has another type: wanted parameters (a: u8, b: option<string>), found [1]"
    );
    assert_eq!(
        lower_input(&json!({"a": 1, "c": 1}), &two).expect_err("not known").to_string(),
        "`/c` is not known: wanted a member of parameters (a: u8, b: option<string>), found 1"
    );
    let maybe = Signature { params: vec![field("who", option(person()))], result: None };
    assert_eq!(lower_input(&json!({}), &maybe), Ok(vec![Val::Option(None)]));
    let none = Signature::default();
    assert_eq!(lower_input(&json!({}), &none), Ok(Vec::new()));
    assert!(lower_input(&json!({"a": 1}), &none).is_err());
    assert!(lower_input(&json!(null), &none).is_err());
}

#[test]
fn a_result_at_the_top_is_taken_apart() {
    let returns = |ty| Signature { params: Vec::new(), result: Some(ty) };
    let full = returns(result(Some(T::U8), Some(T::String)));
    let ok = Val::Result(Ok(Some(Box::new(Val::U8(1)))));
    let err = Val::Result(Err(Some(Box::new(Val::String("no".to_owned())))));
    assert_eq!(lift_output(std::slice::from_ref(&ok), &full), Ok(Lifted::Value(json!(1))));
    assert_eq!(lift_output(&[err], &full), Ok(Lifted::Failed(json!("no"))));
    let bare = returns(result(None, None));
    assert_eq!(lift_output(&[Val::Result(Ok(None))], &bare), Ok(Lifted::Value(json!(null))));
    assert_eq!(lift_output(&[Val::Result(Err(None))], &bare), Ok(Lifted::Failed(json!(null))));
    let inner = returns(result(Some(result(None, Some(T::U8))), None));
    let nested = Val::Result(Ok(Some(Box::new(Val::Result(Err(Some(Box::new(Val::U8(1)))))))));
    assert_eq!(lift_output(&[nested], &inner), Ok(Lifted::Value(json!({"err": 1}))));
    assert_eq!(lift_output(&[], &Signature::default()), Ok(Lifted::Value(json!(null))));
    assert!(lift_output(&[ok], &bare).is_err(), "a payload that the type does not have");
    assert!(lift_output(&[Val::Result(Ok(None))], &full).is_err(), "a payload that is not there");
}

#[test]
fn results_of_another_number_are_refused() {
    let one = Signature { params: Vec::new(), result: Some(T::Bool) };
    let flaw =
        |values: &[Val], signature| lift_output(values, signature).map_err(|error| error.flaw);
    assert_eq!(flaw(&[], &one), Err(Flaw::Count));
    assert_eq!(flaw(&[Val::Bool(true), Val::Bool(true)], &one), Err(Flaw::Count));
    assert_eq!(flaw(&[Val::Bool(true)], &Signature::default()), Err(Flaw::Count));
    assert_eq!(placeholders(&one).len(), 1);
    assert_eq!(placeholders(&Signature::default()).len(), 0);
}

#[test]
fn values_of_another_type_are_errors_on_the_way_out() {
    let text = |text: &str| text.to_owned();
    for (ty, value, says) in [
        (T::U8, Val::U16(1), "`/0` has another type: wanted u8, found u16 1"),
        (
            list(T::U8),
            Val::List(vec![Val::U8(1), Val::S8(-1)]),
            "`/0/1` has another type: wanted u8, found s8 -1",
        ),
        (
            list(T::U8),
            Val::FixedLengthList(Vec::new()),
            "`/0` has another type: wanted list<u8>, found list of always 0",
        ),
        (
            person(),
            Val::Record(vec![(text("age"), Val::Option(None)), (text("x"), Val::U8(1))]),
            "`/0/age` is not known: wanted full-name: string, found none",
        ),
        (
            T::Record(vec![field("a", T::U8)]),
            Val::Record(Vec::new()),
            "`/0` has another number of items: wanted record { a: u8 }, found record of 0",
        ),
        (
            T::Tuple(vec![T::U8]),
            Val::Tuple(Vec::new()),
            "`/0` has another number of items: wanted tuple<u8>, found tuple of 0",
        ),
        (
            shape(),
            Val::Variant(text("\u{1b}"), None),
            "`/0/tag` is not known: wanted variant { point, circle(f64) }, found \"\\u{1b}\"",
        ),
        (
            shape(),
            Val::Variant(text("circle"), None),
            "`/0/val` is missing: wanted f64, found nothing",
        ),
        (
            shape(),
            Val::Variant(text("point"), Some(Box::new(Val::Bool(true)))),
            "`/0/val` has another type: wanted nothing, found bool true",
        ),
        (
            colour(),
            Val::Enum(text("blue")),
            "`/0` is not known: wanted enum { red, dark-green }, found \"blue\"",
        ),
        (
            rights(),
            Val::Flags(vec![text("read"), text("read")]),
            "`/0/1` is there twice: wanted flags { read, write, execute }, found \"read\"",
        ),
    ] {
        let error = lift(&ty, &[Val::Tuple(vec![value, Val::Bool(true)])]);
        assert_eq!(error.expect_err("it does not fit").to_string(), says);
    }
}

/// A type of `levels` lists around an empty one's items, and its value: `[[…[]…]]`.
fn nested(levels: usize) -> (T, Value, Val) {
    let (mut ty, mut json, mut value) = (list(T::Bool), json!([]), Val::List(Vec::new()));
    for _ in 1..levels {
        (ty, json, value) = (list(ty), json!([json]), Val::List(vec![value]));
    }
    (ty, json, value)
}

#[test]
fn nesting_ends_exactly_at_the_limit_on_the_way_in() {
    // The input's own object is a level too.
    let lower_levels = |levels| {
        let (ty, json, _) = nested(levels);
        let signature = Signature { params: vec![field("v", ty)], result: None };
        lower_input(&json!({"v": json}), &signature)
    };
    assert!(lower_levels(JSON_DEPTH - 1).is_ok());
    let error = lower_levels(JSON_DEPTH).expect_err("one too deep");
    assert_eq!(error.flaw, Flaw::Depth);
    assert_eq!(error.path.len(), "/v".len() + "/0".len() * (JSON_DEPTH - 1));
    assert!(lower_levels(JSON_DEPTH * 4).is_err());
}

#[test]
fn nesting_ends_exactly_at_the_limit_on_the_way_out() {
    let lift_levels = |levels| {
        let (ty, _, value) = nested(levels);
        lift_output(&[value], &Signature { params: Vec::new(), result: Some(ty) })
    };
    assert!(lift_levels(JSON_DEPTH).is_ok());
    let error = lift_levels(JSON_DEPTH + 1).expect_err("one too deep");
    assert_eq!(error.flaw, Flaw::Depth);
    assert!(lift_levels(JSON_DEPTH * 4).is_err());
}

#[test]
fn options_do_not_recurse_past_the_limit_either() {
    let (mut ty, mut json, mut value) = (T::Bool, json!(true), Val::Bool(true));
    for level in 0..JSON_DEPTH * 4 {
        ty = option(ty);
        value = Val::Option(Some(Box::new(value)));
        if level > 0 {
            json = json!({"some": json});
        }
    }
    let signature = Signature { params: vec![field("v", ty.clone())], result: Some(ty) };
    let error = lower_input(&json!({"v": json}), &signature).expect_err("too deep");
    assert_eq!(error.flaw, Flaw::Depth);
    let error = lift_output(&[value], &signature).expect_err("too deep");
    assert_eq!(error.flaw, Flaw::Depth);
    assert!(lower_input(&json!({"v": null}), &signature).is_ok());
}

#[test]
fn members_left_out_take_memory_up_to_a_bound() {
    let name = "n".repeat(64);
    let count_max = ABSENT_BYTES / (size_of::<(String, Val)>() + name.len());
    let ty = list(T::Record(vec![field(&name, option(T::Bool))]));
    let objects = |count: usize| Value::Array(vec![json!({}); count]);
    assert!(lower(&ty, &objects(count_max)).is_ok());
    let error = lower(&ty, &objects(count_max + 1)).expect_err("one too many");
    assert_eq!((error.flaw, &*error.path), (Flaw::Absent, &*format!("/v/{count_max}/{name}")));
}

#[test]
fn what_is_quoted_is_cut_and_escaped() {
    let error = lower(&T::Bool, &json!("\u{1b}[2J\u{202e}\u{7f}\n")).expect_err("a string");
    assert_eq!(&*error.found, r#""\u001b[2J\u{202e}\u{7f}\n""#);
    // Two quotes and 78 letters are the whole; one letter more is cut.
    let error = lower(&T::Bool, &json!("é".repeat(78))).expect_err("a string");
    assert_eq!(&*error.found, format!("\"{}\"", "é".repeat(78)));
    let error = lower(&T::Bool, &json!("é".repeat(79))).expect_err("a string");
    assert_eq!(&*error.found, format!("\"{}…", "é".repeat(79)));
    let long = "\u{1b}\r\u{202e}".repeat(1 << 16);
    let error = lower(&person(), &json!({ &long: long })).expect_err("not known");
    for text in [&*error.path, &*error.found, &*error.wanted, &error.hint().expect("one")] {
        assert!(text.chars().count() <= 300, "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    let wide = T::Tuple(vec![T::Bool; 10_000]);
    let error = lower(&wide, &json!(1)).expect_err("a number");
    assert!(error.wanted.chars().count() <= 241);
}

const NAMES: [&str; 6] = ["a", "some", "tag", "val", "full-name", "x9-y"];

fn some_names() -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(&NAMES[..], 1..=NAMES.len()).prop_map(|some| names(&some))
}

fn any_type() -> impl Strategy<Value = T> {
    let leaf = prop_oneof![
        proptest::sample::select(vec![
            T::Bool,
            T::S8,
            T::U8,
            T::S16,
            T::U16,
            T::S32,
            T::U32,
            T::S64,
            T::U64,
            T::F32,
            T::F64,
            T::Char,
            T::String,
        ]),
        some_names().prop_map(T::Enum),
        some_names().prop_map(T::Flags),
        Just(list(T::U8)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let members = (some_names(), proptest::collection::vec(inner.clone(), NAMES.len()));
        let payload = proptest::option::of(inner.clone());
        let payloads = (some_names(), proptest::collection::vec(payload.clone(), NAMES.len()));
        prop_oneof![
            inner.clone().prop_map(list),
            inner.clone().prop_map(option),
            proptest::collection::vec(inner, 1..4).prop_map(T::Tuple),
            (payload.clone(), payload).prop_map(|(ok, err)| result(ok, err)),
            members.prop_map(|(names, types)| {
                let pairs = names.into_iter().zip(types);
                T::Record(pairs.map(|(name, ty)| Field { name, ty }).collect())
            }),
            payloads.prop_map(|(names, types)| {
                let pairs = names.into_iter().zip(types);
                T::Variant(pairs.map(|(name, ty)| Case { name, ty }).collect())
            }),
        ]
    })
}

fn any_float() -> BoxedStrategy<f64> {
    prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY), Just(0.0)].boxed()
}

fn float_json(number: f64) -> Value {
    if number.is_nan() {
        json!("NaN")
    } else if number.is_infinite() {
        json!(if number > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(number)
    }
}

fn wide_json(number: i128) -> Value {
    let small = number.abs() < 1 << 53;
    if small { json!(i64::try_from(number).expect("small")) } else { json!(number.to_string()) }
}

/// JSON in the one form in which values of `ty` come out.
fn canonical(ty: &T) -> BoxedStrategy<Value> {
    use base64::Engine as _;
    let bytes = |bytes: Vec<u8>| json!(base64::prelude::BASE64_STANDARD.encode(bytes));
    let side = |name: &'static str, ty: &Option<Box<T>>| match ty {
        None => Just(json!({ name: null })).boxed(),
        Some(ty) => canonical(ty).prop_map(move |value| json!({ name: value })).boxed(),
    };
    match ty {
        T::Bool => any::<bool>().prop_map(Value::from).boxed(),
        T::S8 => any::<i8>().prop_map(Value::from).boxed(),
        T::U8 => any::<u8>().prop_map(Value::from).boxed(),
        T::S16 => any::<i16>().prop_map(Value::from).boxed(),
        T::U16 => any::<u16>().prop_map(Value::from).boxed(),
        T::S32 => any::<i32>().prop_map(Value::from).boxed(),
        T::U32 => any::<u32>().prop_map(Value::from).boxed(),
        T::S64 => any::<i64>().prop_map(|number| wide_json(number.into())).boxed(),
        T::U64 => any::<u64>().prop_map(|number| wide_json(number.into())).boxed(),
        T::F32 => any_float().prop_map(|number| float_json(f64::from(number as f32))).boxed(),
        T::F64 => any_float().prop_map(float_json).boxed(),
        T::Char => any::<char>().prop_map(|character| json!(character)).boxed(),
        T::String => any::<String>().prop_map(Value::from).boxed(),
        T::List(_) if ty.is_bytes() => any::<Vec<u8>>().prop_map(bytes).boxed(),
        T::List(item) => {
            proptest::collection::vec(canonical(item), 0..4).prop_map(Value::Array).boxed()
        }
        T::Tuple(types) => {
            types.iter().map(canonical).collect::<Vec<_>>().prop_map(Value::Array).boxed()
        }
        T::Record(fields) => {
            let names: Vec<_> = fields.iter().map(|field| field.name.clone()).collect();
            let values: Vec<_> = fields.iter().map(|field| canonical(&field.ty)).collect();
            let object = move |values: Vec<Value>| names.iter().cloned().zip(values).collect();
            values.prop_map(object).prop_map(Value::Object).boxed()
        }
        T::Variant(cases) => {
            let cases = cases.iter().map(|Case { name, ty }| {
                let name = name.clone();
                match ty {
                    None => Just(json!({"tag": name})).boxed(),
                    Some(ty) => canonical(ty)
                        .prop_map(move |value| json!({"tag": name, "val": value}))
                        .boxed(),
                }
            });
            proptest::strategy::Union::new(cases).boxed()
        }
        T::Enum(names) => proptest::sample::select(names.clone()).prop_map(Value::from).boxed(),
        T::Flags(names) => {
            let count = names.len();
            proptest::sample::subsequence(names.clone(), 0..=count).prop_map(Value::from).boxed()
        }
        T::Option(inner) => {
            let wrapped = matches!(**inner, T::Option(_));
            let some = canonical(inner)
                .prop_map(move |value| if wrapped { json!({"some": value}) } else { value });
            prop_oneof![Just(Value::Null), some].boxed()
        }
        T::Result { ok, err } => prop_oneof![side("ok", ok), side("err", err)].boxed(),
    }
}

fn any_type_and_value() -> impl Strategy<Value = (T, Value)> {
    any_type().prop_flat_map(|ty| {
        let value = canonical(&ty);
        (Just(ty), value)
    })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3..300_i32).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(&NAMES[..]).prop_map(Value::from),
        "[A-Za-z0-9+/=]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![
            3 => proptest::sample::select(vec!["ok", "err"].into_iter().chain(NAMES).collect::<Vec<_>>())
                .prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn is_complete(error: &ValueError) -> bool {
    let texts = [&error.path, &error.wanted, &error.found];
    texts.iter().all(|text| !text.is_empty() && !text.contains(char::is_control))
        && error.path.starts_with('/')
        && error.hint().is_none_or(|hint| !hint.is_empty())
}

proptest! {
    #[test]
    fn random_values_come_back_equal((ty, json) in any_type_and_value()) {
        prop_assert_eq!(there_and_back(&ty, &json), Ok(json));
    }

    #[test]
    fn random_json_is_taken_or_refused_in_full(ty in any_type(), json in any_json()) {
        match there_and_back(&ty, &json) {
            // What is read leniently once has its one form from then on.
            Ok(canonical) => prop_assert_eq!(there_and_back(&ty, &canonical), Ok(canonical)),
            Err(error) => prop_assert!(is_complete(&error), "{:?}", error),
        }
    }

    #[test]
    fn random_input_is_taken_or_refused_in_full(
        types in proptest::collection::vec(any_type(), 0..3),
        json in any_json(),
    ) {
        let params = types.into_iter().zip(NAMES).map(|(ty, name)| field(name, ty)).collect();
        let signature = Signature { params, result: None };
        match lower_input(&json, &signature) {
            Ok(values) => prop_assert_eq!(values.len(), signature.params.len()),
            Err(error) => prop_assert!(is_complete(&error), "{:?}", error),
        }
    }

    #[test]
    fn random_values_against_other_types_never_panic(
        (ty, json) in any_type_and_value(),
        other in any_type(),
    ) {
        let arguments = lower(&ty, &json).expect("it fits");
        if let Err(error) = lift(&other, &[Val::Tuple(arguments)]) {
            prop_assert!(is_complete(&error), "{:?}", error);
        }
    }
}

/// Writes a component whose `echo` returns its parameters. They are too many for registers, so
/// they come as a pointer, and what the pointer shows is laid out as the result has to be.
fn echo_component(ty: &T) -> String {
    let mut types = String::new();
    let value = wat_type(ty, &mut types);
    let padding = wat_type(&padding().0, &mut types);
    format!(
        r#"(component
            (core module $m
                (memory (export "memory") 64)
                (global $free (mut i32) (i32.const 16))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and
                        (i32.sub (i32.add (global.get $free) (local.get 2)) (i32.const 1))
                        (i32.sub (i32.const 0) (local.get 2))))
                    (global.set $free (i32.add (local.get $at) (local.get 3)))
                    (local.get $at))
                (func (export "echo") (param i32) (result i32) (local.get 0)))
            (core instance $i (instantiate $m))
            {types}
            (func (export "echo")
                (param "v" {value}) (param "pad" {padding}) (result (tuple {value} {padding}))
                (canon lift (core func $i "echo")
                    (memory $i "memory") (realloc (func $i "realloc")))))"#
    )
}

/// Writes a component whose `echo` passes its parameter on in the one register it takes.
fn flat_component(register: &str, ty: &T) -> String {
    let mut types = String::new();
    let value = wat_type(ty, &mut types);
    format!(
        r#"(component
            (core module $m
                (func (export "echo") (param {register}) (result {register}) (local.get 0)))
            (core instance $i (instantiate $m))
            {types}
            (func (export "echo") (param "v" {value}) (result {value})
                (canon lift (core func $i "echo"))))"#
    )
}

/// Writes a reference to a type; types that need a name are defined and exported in `out`.
fn wat_type(ty: &T, out: &mut String) -> String {
    let labels =
        |names: &[String]| names.iter().map(|name| format!(" \"{name}\"")).collect::<String>();
    let body = match ty {
        T::Char | T::String | T::Bool | T::F32 | T::F64 => return ty.to_string(),
        T::S8 | T::U8 | T::S16 | T::U16 | T::S32 | T::U32 | T::S64 | T::U64 => {
            return ty.to_string();
        }
        T::List(item) => return format!("(list {})", wat_type(item, out)),
        T::Option(inner) => return format!("(option {})", wat_type(inner, out)),
        T::Tuple(types) => {
            let items: String = types.iter().map(|ty| format!(" {}", wat_type(ty, out))).collect();
            return format!("(tuple{items})");
        }
        T::Result { ok, err } => {
            let ok = ok.as_ref().map(|ty| wat_type(ty, out)).unwrap_or_default();
            let err = err.as_ref().map(|ty| format!("(error {})", wat_type(ty, out)));
            return format!("(result {ok} {})", err.unwrap_or_default());
        }
        T::Record(fields) => {
            let fields = fields
                .iter()
                .map(|Field { name, ty }| format!(" (field \"{name}\" {})", wat_type(ty, out)));
            format!("record{}", fields.collect::<String>())
        }
        T::Variant(cases) => {
            let cases = cases.iter().map(|Case { name, ty }| {
                let payload = ty.as_ref().map(|ty| wat_type(ty, out)).unwrap_or_default();
                format!(" (case \"{name}\" {payload})")
            });
            format!("variant{}", cases.collect::<String>())
        }
        T::Enum(names) => format!("enum{}", labels(names)),
        T::Flags(names) => format!("flags{}", labels(names)),
    };
    let number = out.lines().count();
    writeln!(out, "(type $t{number} ({body})) (export $e{number} \"t{number}\" (type $t{number}))")
        .expect("strings can be written");
    format!("$e{number}")
}

/// JSON → component → JSON.
fn call(engine: &wasmtime::Engine, text: &str, signature: &Signature, input: &Value) -> Lifted {
    use wasmtime::component::{Component, Linker};
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let component = Component::new(engine, bytes).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut store = wasmtime::Store::new(engine, ());
    let instance = Linker::new(engine).instantiate(&mut store, &component).expect("no imports");
    let echo = instance.get_func(&mut store, "echo").expect("it is exported");
    let arguments = lower_input(input, signature).expect("it fits");
    let mut results = placeholders(signature);
    echo.call(&mut store, &arguments, &mut results).expect("the engine takes what was lowered");
    lift_output(&results, signature).expect("what the engine gives fits")
}

fn through_memory(engine: &wasmtime::Engine, ty: &T, json: &Value) -> Value {
    let input = json!({"v": json, "pad": padding().1});
    match call(engine, &echo_component(ty), &echo_signature(ty), &input) {
        Lifted::Value(mut pair) => {
            assert_eq!(pair[1], padding().1);
            pair[0].take()
        }
        Lifted::Failed(value) => panic!("a tuple does not fail: {value}"),
    }
}

#[test]
fn every_type_goes_through_a_component_and_back() {
    let engine = wasmtime::Engine::default();
    for (ty, given, expected) in fitting() {
        let back = through_memory(&engine, &ty, &given);
        assert_eq!(back.to_string(), expected.to_string(), "{ty} from {given}");
    }
}

#[test]
fn values_in_registers_go_through_a_component_and_back() {
    let engine = wasmtime::Engine::default();
    for (ty, given, expected) in fitting() {
        let register = match &ty {
            T::S64 | T::U64 => "i64",
            T::F32 => "f32",
            T::F64 => "f64",
            T::Bool | T::S8 | T::U8 | T::S16 | T::U16 | T::S32 | T::U32 | T::Char => "i32",
            T::Enum(_) | T::Flags(_) | T::Result { ok: None, err: None } => "i32",
            _ => continue,
        };
        let signature =
            Signature { params: vec![field("v", ty.clone())], result: Some(ty.clone()) };
        let back = call(&engine, &flat_component(register, &ty), &signature, &json!({"v": given}));
        let expected = match (&ty, expected) {
            (T::Result { .. }, side) if side.get("ok").is_some() => {
                Lifted::Value(side["ok"].clone())
            }
            (T::Result { .. }, side) => Lifted::Failed(side["err"].clone()),
            (_, expected) => Lifted::Value(expected),
        };
        assert_eq!(back, expected, "{ty} from {given}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn random_types_go_through_a_component_and_back((ty, json) in any_type_and_value()) {
        let engine = wasmtime::Engine::default();
        prop_assert_eq!(through_memory(&engine, &ty, &json), json, "{}", ty);
    }
}
