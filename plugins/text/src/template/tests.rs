use proptest::prelude::*;

use super::*;
use crate::output::RESULT_BYTES_MAX;

fn filled(template: &str, data: &str) -> Result<String, String> {
    fill(template, data, Missing::Error).map_err(|refusal| refusal.to_string())
}

#[test]
fn values_are_printed_as_they_are() {
    let data = r#"{"a": {"b": "<&>"}, "n": 1.5, "i": -3, "t": true, "z": null}"#;
    assert_eq!(filled("{{a.b}} {{ n }} {{i}} {{t}} [{{z}}]", data).unwrap(), "<&> 1.5 -3 true []");
    assert_eq!(filled("{\"x\": {{n}}}", data).unwrap(), "{\"x\": 1.5}");
}

#[test]
fn sections_repeat_enter_and_invert() {
    let data = r#"{"s": "-", "l": [{"n": 1}, {"n": 2, "s": "+"}], "o": {"n": 3}, "e": [], "p": ["a", "b"]}"#;
    assert_eq!(filled("{{#l}}{{n}}{{s}}{{/l}}", data).unwrap(), "1-2+");
    assert_eq!(filled("{{#o}}{{n}}{{/o}}{{#p}}{{.}},{{/p}}", data).unwrap(), "3a,b,");
    assert_eq!(filled("{{^e}}none{{/e}}{{^l}}no{{/l}}{{#e}}no{{/e}}", data).unwrap(), "none");
    assert_eq!(filled("{{#l}}{{#p}}{{n}}{{.}} {{/p}}{{/l}}", data).unwrap(), "1a 1b 2a 2b ");
}

#[test]
fn null_false_and_empty_are_nothing_and_zero_is_something() {
    let data = r#"{"a": null, "b": false, "c": "", "d": [], "e": 0, "f": {}}"#;
    for (name, shown) in
        [("a", "no"), ("b", "no"), ("c", "no"), ("d", "no"), ("e", "yes"), ("f", "yes")]
    {
        let template = format!("{{{{#{name}}}}}yes{{{{/{name}}}}}{{{{^{name}}}}}no{{{{/{name}}}}}");
        assert_eq!(filled(&template, data).unwrap(), shown, "{name}");
    }
}

#[test]
fn tags_alone_on_a_line_take_the_line() {
    let template = "a\n  {{#l}}  \r\n- {{.}}\n{{/l}}\n{{! one\n two }}\nb {{! c }}d\n{{#l}}{{/l}}";
    assert_eq!(filled(template, r#"{"l": [1, 2]}"#).unwrap(), "a\n- 1\n- 2\nb d\n");
    assert_eq!(filled("x {{#l}}\n{{.}}{{/l}}\ny", r#"{"l": [1]}"#).unwrap(), "x \n1\ny");
}

#[test]
fn unknown_names_are_errors_unless_asked_otherwise() {
    let refused = "`template` names `a.c` at line 2, column 2; `data` does not have it";
    assert_eq!(filled("\n {{a.c}}", r#"{"a": {"b": 1}}"#).unwrap_err(), refused);
    assert!(filled("{{^none}}x{{/none}}", "{}").unwrap_err().contains("`none`"));
    assert!(filled("{{a.b.c}}", r#"{"a": {"b": 1}}"#).unwrap_err().contains("`a.b.c`"));
    let empty = fill("[{{a.c}}{{#b}}no{{/b}}{{^b}}yes{{/b}}]", r#"{"a": 1}"#, Missing::Empty);
    assert_eq!(empty.unwrap(), "[yes]");
}

#[test]
fn what_cannot_be_printed_is_refused() {
    let refused = "`template` prints `a` at line 1, column 1, which is a list";
    assert_eq!(filled("{{a}}", r#"{"a": []}"#).unwrap_err(), refused);
    assert!(filled("{{.}}", "{}").unwrap_err().ends_with("which is an object"));
}

#[test]
fn wrong_tags_are_refused_with_their_place() {
    for (template, why) in [
        ("a {{b", "line 1, column 3: the tag is not closed with `}}`"),
        ("{{#a}}", "line 1, column 1: the section `a` is not closed"),
        ("{{#a}}{{/b}}", "line 1, column 7: `{{/b}}` closes no section"),
        ("{{/a}}", "line 1, column 1: `{{/a}}` closes no section"),
        ("{{}}", "line 1, column 1: a part of the name is empty"),
        ("{{#}}{{/}}", "line 1, column 1: a part of the name is empty"),
        ("{{a..b}}", "line 1, column 1: a part of the name is empty"),
        ("{{a\nb}}", "line 1, column 1: the name holds a brace or a control character"),
        (
            "{{{a}}}",
            "line 1, column 1: `{`, `&`, `>` and `=` begin no tag here: nothing is escaped or included",
        ),
        (
            "{{> a}}",
            "line 1, column 1: `{`, `&`, `>` and `=` begin no tag here: nothing is escaped or included",
        ),
    ] {
        assert_eq!(filled(template, "{}").unwrap_err(), format!("`template` is wrong at {why}"));
    }
}

#[test]
fn data_is_an_object() {
    assert_eq!(filled("", "[]").unwrap_err(), "`data` is a list; it should be an object");
    assert_eq!(
        filled("", "{").unwrap_err(),
        "`data` is JSON that ends too early at line 1, column 1"
    );
}

#[test]
fn sections_nest_32_deep_and_no_deeper() {
    let nested = |depth: usize| "{{#a}}".repeat(depth) + &"{{/a}}".repeat(depth);
    assert!(filled(&nested(32), r#"{"a": true}"#).is_ok());
    let refused = filled(&nested(33), r#"{"a": true}"#).unwrap_err();
    assert!(refused.ends_with("sections nest more than 32 deep"), "{refused}");
}

#[test]
fn sections_that_multiply_run_out_of_steps() {
    let items = vec!["0"; 100].join(",");
    let template = "{{#a}}".repeat(10) + &"{{/a}}".repeat(10);
    let refused = fill(&template, &format!("{{\"a\": [{items}]}}"), Missing::Error);
    assert_eq!(refused, Err(Refusal::Steps { max: 1_000_000 }));
    let long =
        format!("{{\"a\": [{items}], \"b\": \"{}\"}}", "b".repeat(RESULT_BYTES_MAX / 100 + 1));
    assert_eq!(fill("{{#a}}{{b}}{{/a}}", &long, Missing::Error), Err(Refusal::Result));
}

proptest! {
    #[test]
    fn no_template_panics(template in "[{}#^/!.a é\r\n]{0,30}", any in ".{0,40}") {
        for template in [template, any] {
            for missing in [Missing::Error, Missing::Empty] {
                let _any = fill(&template, r#"{"a": [{"a": 1}, "é"]}"#, missing);
            }
        }
    }

    #[test]
    fn text_without_tags_stays(template in "[^{]{0,60}") {
        prop_assert_eq!(filled(&template, "{}").unwrap(), template);
    }
}
