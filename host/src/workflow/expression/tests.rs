use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Values that the expressions of these tests name.
struct World {
    input: Value,
    steps: BTreeMap<&'static str, Value>,
}

fn world() -> World {
    let files = json!([{ "path": "a.rs" }, { "path": "b.rs", "lines": 3 }]);
    World {
        input: json!({ "path": "src", "a b": 1, "deep": { "er": [10, 20.0] }, "none": null }),
        steps: BTreeMap::from([
            ("files", files),
            ("judge", json!({ "findings": 2 })),
            ("off", Value::Null),
        ]),
    }
}

impl World {
    fn come_to(&self, text: &str) -> Result<Value, EvaluationError> {
        let item = json!({ "path": "x" });
        let scope = Scope {
            input: &self.input,
            steps: &|name| self.steps.get(name),
            item: Some(&item),
            index: Some(7),
        };
        Template::parse(0, text)
            .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
            .evaluate(&scope)
    }
}

fn comes_to(text: &str) -> Value {
    world().come_to(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fails(text: &str) -> String {
    let error = world().come_to(text).expect_err(text);
    match error.hint() {
        Some(hint) => format!("{}; {hint}", error.flaw),
        None => error.flaw.to_string(),
    }
}

fn refused(text: &str) -> String {
    let errors = Template::parse(0, text).expect_err(text);
    let shown =
        errors.iter().map(|error| format!("{}: {}; {}", error.at, error.flaw, error.flaw.hint()));
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_text_that_is_one_expression_gives_the_value_itself() {
    for (text, value) in [
        ("{{ input.path }}", json!("src")),
        ("{{input['a b']}}", json!(1)),
        ("{{ input.deep.er[1] }}", json!(20.0)),
        ("{{ steps.files[1] }}", json!({ "path": "b.rs", "lines": 3 })),
        ("{{ item.path }}", json!("x")),
        ("{{ index }}", json!(7)),
        ("{{ -1.5e2 }}", json!(-150.0)),
        ("{{ '{{ no }} ' }}", json!("{{ no }} ")),
        ("{{ keys(input.deep) }}", json!(["er"])),
        ("", json!("")),
        ("plain } text {", json!("plain } text {")),
    ] {
        assert_eq!(comes_to(text), value, "{text}");
    }
}

#[test]
fn any_other_text_holds_strings_as_they_are_and_all_else_as_json() {
    assert_eq!(
        comes_to("in {{ input.path }}: {{ steps.judge }}!"),
        json!("in src: {\"findings\":2}!")
    );
    assert_eq!(comes_to(" {{ index }}"), json!(" 7"));
}

#[test]
fn values_are_compared_and_joined() {
    for (text, value) in [
        ("steps.judge.findings > 0", true),
        ("steps.judge.findings >= 2 and steps.judge.findings <= 2.0", true),
        ("1 == 1.0 and 'a' < 'b' and not ('a' == \"b\")", true),
        ("9007199254740993 > 9007199254740992", true),
        ("false or false or 1 != '1'", true),
        ("true and false or true", true),
        ("not true or true", true),
        ("not (true or true)", false),
        ("length(steps.files) == 2 and length('äö') == 2 and length(input) == 4", true),
        ("input.deep == input.deep", true),
    ] {
        assert_eq!(comes_to(&format!("{{{{ {text} }}}}")), json!(value), "{text}");
    }
}

#[test]
fn null_is_gentle() {
    for (text, value) in [
        ("steps.off.findings[3].x", Value::Null),
        ("steps.off.findings > 0", json!(false)),
        ("steps.off.findings < 0", json!(false)),
        ("not steps.off", json!(true)),
        ("steps.off == null and input.none == null", json!(true)),
        ("length(steps.off)", json!(0)),
        ("keys(steps.off)", json!([])),
    ] {
        assert_eq!(comes_to(&format!("{{{{ {text} }}}}")), value, "{text}");
    }
}

#[test]
fn only_what_decides_is_looked_at() {
    assert_eq!(comes_to("{{ false and input.nowhere }}"), json!(false));
    assert_eq!(comes_to("{{ true or input.nowhere }}"), json!(true));
}

#[test]
fn an_expression_that_comes_to_nothing_says_why() {
    for (text, why) in [
        ("{{ input.pth }}", "`input` has no member `pth`; did you mean `path`?"),
        ("{{ steps.judge.x }}", "`steps.judge` has no member `x`; it has `findings`"),
        ("{{ steps.files[2] }}", "`steps.files` has 2 items, hence none at 2"),
        ("{{ steps.files.path }}", "`steps.files` is a list, not an object"),
        ("{{ input[0] }}", "`input` is an object, not a list"),
        ("{{ index.x }}", "`index` is a number, not an object or a list"),
        ("{{ steps.later }}", "no step `later` has ended"),
        ("{{ 1 < 'a' }}", "a number and a text have no order; compare two numbers or two texts"),
        (
            "{{ steps.judge.findings and true }}",
            "a condition is a number, not true or false; \
             compare it, like `{{ steps.judge.findings > 0 }}`",
        ),
        ("{{ length(1) }}", "what length(…) is given is a number, not a list, an object or a text"),
    ] {
        assert_eq!(fails(text), why, "{text}");
    }
}

#[test]
fn a_wrong_expression_says_where_and_what_to_type() {
    insta::assert_snapshot!(
        [
            "a {{ input.x", "{{ }}", "{{ inptu.x }}", "{{ x }}", "{{ steps }}", "{{ a = 1 }}",
            "{{ index && 1 }}", "{{ 1 + 1 }}", "{{ 1 2 }}", "{{ (1 }}", "{{ input. }}",
            "{{ input[-1] }}", "{{ input[x] }}", "{{ size(input) }}", "{{ 'a }}", "{{ 1a }}",
            "{{ 99999999999999999999 }}", "{{ 1 == 1 == 1 }}", "{{ ä }}", "{{ not }}", "{{ x }} {{ y }}",
        ]
        .map(refused)
        .join("\n"),
        @r#"
        2: `{{` is never closed; close it with `}}`; two braces that mean themselves are `{{ '{{' }}`
        2: nothing stands between `{{` and `}}`; write what is meant, like `{{ input.path }}`
        3: `inptu` names nothing in an expression; did you mean `input`?
        3: `x` names nothing in an expression; a value is `input`, `steps.NAME`, `item` or `index`; a text stands in quotes: 'x'
        3: `steps` is followed by no name of a step; write it like `steps.files`
        5: `=` has no meaning in an expression; write `==`
        9: `&&` has no meaning in an expression; write `and`
        5: `+` has no meaning in an expression; an expression compares and names values; let a tool compute
        5: a number stands where `and`, `or`, a comparison or the end is expected; write `and`, `or`, a comparison or the end there
        6: the end stands where `)` is expected; write `)` there
        10: the end stands where a name, or `[0]` for an item, is expected; write a name, or `[0]` for an item, there
        9: a number stands where a number from 0 or a text is expected; write a number from 0 or a text there
        9: `x` stands where a number from 0 or a text is expected; write a number from 0 or a text there
        3: there is no function `size`; the functions are length(…) and keys(…)
        3: a text in an expression is never closed; close it with the quote it begins with
        3: `1` is no number that can be held; write it as text, in quotes
        3: `99999999999999999999` is no number that can be held; write it as text, in quotes
        10: `==` stands where `and`, `or`, a comparison or the end is expected; write `and`, `or`, a comparison or the end there
        3: `ä` has no meaning in an expression; an expression compares and names values; let a tool compute
        7: the end stands where a value is expected; write a value there
        3: `x` names nothing in an expression; a value is `input`, `steps.NAME`, `item` or `index`; a text stands in quotes: 'x'
        11: `y` names nothing in an expression; a value is `input`, `steps.NAME`, `item` or `index`; a text stands in quotes: 'y'
        "#
    );
}

#[test]
fn an_expression_has_a_length_and_a_depth() {
    let of_bytes = |bytes: usize| format!("{{{{{}1}}}}", " ".repeat(bytes - 1));
    assert_eq!(comes_to(&of_bytes(EXPRESSION_BYTES_MAX)), json!(1));
    assert!(refused(&of_bytes(EXPRESSION_BYTES_MAX + 1)).contains("too long"));
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{{{{ {}true{} }}}}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("(", ")"), ("not ", "")] {
        assert_eq!(comes_to(&nested(open, close, EXPRESSION_DEPTH_MAX)), json!(true));
        assert!(refused(&nested(open, close, EXPRESSION_DEPTH_MAX + 1)).contains("deep"));
    }
    assert!(refused(&nested("length(", ")", EXPRESSION_DEPTH_MAX + 1)).contains("deep"));
}

#[test]
fn what_a_template_comes_to_has_a_size_and_a_depth() {
    let mut world = world();
    let of = |bytes: usize| json!("x".repeat(bytes - 2));
    world.steps.insert("much", of(VALUE_BYTES_MAX));
    assert!(world.come_to("{{ steps.much }}").is_ok());
    assert_eq!(
        world.come_to("{{ steps.much }}.{{ 1 }}").unwrap_err().flaw,
        EvaluationFlaw::TooLarge
    );
    world.steps.insert("more", of(VALUE_BYTES_MAX + 1));
    assert_eq!(world.come_to("{{ steps.more }}").unwrap_err().flaw, EvaluationFlaw::TooLarge);
    assert_eq!(world.come_to("{{ length(steps.more) }}").unwrap(), json!(VALUE_BYTES_MAX - 1));
    let deep = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    world.steps.insert("deep", deep(VALUE_DEPTH_MAX));
    assert!(world.come_to("{{ steps.deep }}").is_ok());
    world.steps.insert("deeper", deep(VALUE_DEPTH_MAX + 1));
    assert_eq!(world.come_to("{{ steps.deeper }}").unwrap_err().flaw, EvaluationFlaw::TooDeep);
}

#[test]
fn a_step_is_done_for_a_list_of_so_many_items() {
    let items = |value: Value| {
        let scope = Scope { input: &value, steps: &|_| None, item: None, index: None };
        Template::parse(0, "{{ input }}").unwrap().items(&scope).map(|items| items.len())
    };
    assert_eq!(items(json!(vec![1; ITEMS_MAX])), Ok(ITEMS_MAX));
    let many = items(json!(vec![1; ITEMS_MAX + 1])).unwrap_err();
    assert_eq!(many.flaw, EvaluationFlaw::TooMany { count: ITEMS_MAX + 1 });
    assert_eq!(items(Value::Null), Ok(0));
    assert!(items(json!({})).unwrap_err().to_string().contains("an object, not a list"));
}

#[test]
fn what_is_mentioned_is_listed_in_order() {
    let text = "{{ steps.b.x[0] == input['a b'] }} {{ length(item) }} {{ steps.a }}";
    let template = Template::parse(0, text).unwrap();
    let names: Vec<String> =
        template.references().iter().map(|path| path.up_to(usize::MAX)).collect();
    assert_eq!(names, ["steps.b.x[0]", "input[\"a b\"]", "item", "steps.a"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\"\\\\\n\u{1}ä]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "input", "steps", "steps.a", "item", "index", ".a", ".b", "[0]", "['c']", "(", ")", "not",
        "and", "or", "==", "!=", "<", "<=", ">", ">=", "1", "-2.5", "'x'", "true", "null",
        "length(", "keys(", "{{", "}}", "\"", "ä", "",
    ]);
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn every_text_is_read_and_evaluated_without_a_panic(
        words in any_words(), noise in ".{0,40}", input in any_json(), step in any_json(),
    ) {
        for text in [format!("{{{{ {words} }}}}"), words.clone(), noise, format!("{{{{{words}")] {
            if let Ok(template) = Template::parse(0, &text) {
                let scope = Scope { input: &input, steps: &|_| Some(&step), item: Some(&step), index: Some(0) };
                if let Ok(value) = template.evaluate(&scope) {
                    prop_assert!(value.to_string().len() <= VALUE_BYTES_MAX);
                }
            }
        }
    }

    #[test]
    fn the_room_for_a_value_is_that_of_its_json(value in any_json()) {
        let mut room = room::Room::new();
        let needed = value.to_string().len();
        prop_assert!(room.take_for(&value, 0).is_ok());
        // Numbers and truths are counted by their longest form.
        prop_assert!(room.take(VALUE_BYTES_MAX - needed + 1).is_err());
    }
}
