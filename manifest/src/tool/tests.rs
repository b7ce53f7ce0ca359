//! Which functions become which tools, and which answers of a guest are believed.

use serde_json::json;

use super::Annotations;
use super::DERIVED_DEPTH_MAX;
use super::DESCRIPTION_BYTES_MAX;
use super::Described;
use super::Entry;
use super::SCHEMA_BYTES_MAX;
use super::SCHEMA_DEPTH_MAX;
use super::TITLE_BYTES_MAX;
use super::TOOLS_MAX;
use super::Tool;
use super::ToolError;
use super::check_tools;
use super::derive_tools;
use super::describe_tools;
use crate::digest::Digest;
use crate::inspect::ComponentFacts;
use crate::inspect::Counts;
use crate::inspect::ExportedFunction;
use crate::manifest::Manifest;
use crate::wit::Field;
use crate::wit::Signature;
use crate::wit::WitType;

/// A function of one text parameter, named `interface#name` or `name`.
fn function(path: &str) -> ExportedFunction {
    let (interface, name) = match path.split_once('#') {
        Some((interface, name)) => (Some(interface.to_owned()), name),
        None => (None, path),
    };
    let params = vec![Field { name: "text".to_owned(), ty: WitType::String }];
    let shape = Ok(Signature { params, result: Some(WitType::U32) });
    ExportedFunction { interface, name: name.to_owned(), shape }
}

/// Facts about a component that exports these functions; `ax:guest` interfaces are noticed.
fn facts_of(exports: Vec<ExportedFunction>) -> ComponentFacts {
    let mut guest_interfaces: Vec<_> = exports
        .iter()
        .filter_map(|function| function.interface.clone())
        .filter(|interface| interface.starts_with("ax:guest/"))
        .collect();
    guest_interfaces.dedup();
    let counts = Counts::default();
    ComponentFacts {
        digest: Digest::of(b""),
        size: 0,
        imports: Vec::new(),
        exports,
        guest_interfaces,
        counts,
    }
}

fn facts(paths: &[&str]) -> ComponentFacts {
    facts_of(paths.iter().map(|path| function(path)).collect())
}

fn manifest(tools: &str) -> Manifest {
    let text = format!(
        "[plugin]\nname = \"acme:x\"\nversion = \"1.0.0\"\ndescription = \"X\"\nhost = \"^0.1\"\n{tools}"
    );
    Manifest::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The names of the tools of a component without a manifest.
fn names(paths: &[&str]) -> Vec<String> {
    let tools = derive_tools(&facts(paths), None).unwrap_or_else(|error| panic!("{error}"));
    tools.into_iter().map(|tool| tool.name).collect()
}

fn described(name: &str) -> Described {
    Described {
        name: name.to_owned(),
        title: None,
        description: "Does it".to_owned(),
        input_schema: r#"{"type":"object"}"#.to_owned(),
        output_schema: None,
        annotations: Annotations::default(),
    }
}

/// Tries the answer of a guest that describes one tool.
fn answer(change: impl Fn(&mut Described)) -> Result<Vec<Tool>, ToolError> {
    let mut tool = described("count");
    change(&mut tool);
    describe_tools(vec![tool], Vec::new(), None)
}

#[test]
fn every_exported_function_becomes_a_tool() {
    let facts = facts(&["count", "acme:text/words@1.0.0#split-up"]);
    let tools = derive_tools(&facts, None).expect("two plain functions");
    let split = json!({
        "name": "split-up",
        "description": "split-up(text: string) -> u32",
        "input-schema": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
            "additionalProperties": false,
        },
        "output-schema": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32},
        "annotations": {
            "read-only": false, "destructive": true, "idempotent": false, "open-world": true,
        },
        "entry": {
            "kind": "typed",
            "interface": "acme:text/words@1.0.0",
            "function": "split-up",
            "signature": {"params": [{"name": "text", "ty": "string"}], "result": "u32"},
        },
    });
    assert_eq!(tools[0].name, "count");
    assert_eq!(serde_json::to_value(&tools[1]).expect("tools serialise"), split);
    assert_eq!(serde_json::from_value::<Tool>(split).expect("and come back"), tools[1]);
}

#[test]
fn a_described_tool_survives_json() {
    let tools = answer(|_| {}).expect("a plain answer");
    let text = serde_json::to_string(&tools).expect("tools serialise");
    assert!(text.contains(r#""entry":{"kind":"described"}"#), "{text}");
    assert_eq!(serde_json::from_str::<Vec<Tool>>(&text).expect("and come back"), tools);
}

#[test]
fn methods_and_strays_of_toolchains_are_no_tools() {
    let mut stray = function("init");
    stray.shape = Ok(Signature::default());
    let mut all =
        facts(&["count", "acme:x/y#[method]blob.size", "[constructor]blob", "exports#init"]);
    all.exports.push(stray);
    let tools = derive_tools(&all, None).expect("one plain function");
    assert_eq!(tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["count"]);
    // What jco 1.35 adds takes a script to run: nothing that anybody should call.
    let text = WitType::String;
    let param = |name: &str, ty: WitType| Field { name: name.to_owned(), ty };
    let mut engine = function("init");
    engine.shape = Ok(Signature {
        params: vec![
            param("shim", text.clone()),
            param("script", text.clone()),
            param("entry-path", WitType::Option(Box::new(text.clone()))),
            param("disable-gc", WitType::Bool),
        ],
        result: Some(WitType::Result { ok: None, err: Some(Box::new(text)) }),
    });
    let mut with_engine = facts(&["count"]);
    with_engine.exports.push(engine);
    assert_eq!(derive_tools(&with_engine, None).expect("one plain function").len(), 1);
    // An `init` that takes something else was meant.
    assert_eq!(names(&["init"]), ["init"]);
    // And so is one that the manifest names.
    all.exports.retain(|function| function.interface.as_deref() != Some("exports"));
    let noted = manifest("[tools.init]\nread-only = true\n");
    assert_eq!(derive_tools(&all, Some(&noted)).expect("named").len(), 2);
}

#[test]
fn functions_of_one_name_are_told_apart_by_their_interface() {
    let paths = ["acme:a/words@1.0.0#count", "acme:a/lines@1.0.0#count", "acme:a/lines@1.0.0#sum"];
    assert_eq!(names(&paths), ["words-count", "lines-count", "sum"]);
    assert_eq!(names(&["count", "api#count"]), ["count", "api-count"]);
    // Names in capitals are the same names.
    assert_eq!(names(&["GET-all", "api#get-ALL"]), ["get-all", "api-get-all"]);
}

#[test]
fn functions_that_cannot_be_told_apart_are_refused() {
    let error = derive_tools(&facts(&["acme:a/api@1.0.0#get", "acme:b/api@1.0.0#get"]), None);
    let error = error.expect_err("both are api-get");
    insta::assert_snapshot!(error, @"the functions `acme:a/api@1.0.0#get` and `acme:b/api@1.0.0#get` would both be the tool `api-get`");
}

#[test]
fn a_component_with_guest_interfaces_offers_only_named_functions() {
    let facts = facts(&["ax:guest/tools@0.1.0#call", "count", "sum"]);
    assert_eq!(derive_tools(&facts, None), Ok(Vec::new()));
    let noted = manifest("[tools.count]\ntitle = \"Count\"\n");
    let tools = derive_tools(&facts, Some(&noted)).expect("it is exported");
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0].title.as_deref(), Some("Count"));
}

#[test]
fn the_manifest_describes_and_annotates() {
    let noted = manifest(
        "[tools.count]\ntitle = \"Count\"\ndescription = \"Counts words\"\nread-only = true\n\
         destructive = false\nidempotent = true\nopen-world = false\n",
    );
    let tools = derive_tools(&facts(&["count"]), Some(&noted)).expect("it is exported");
    let tool = &tools[0];
    assert_eq!((tool.title.as_deref(), tool.description.as_str()), (Some("Count"), "Counts words"));
    let claims =
        Annotations { read_only: true, destructive: false, idempotent: true, open_world: false };
    assert_eq!(tool.annotations, claims);
}

#[test]
fn notes_about_no_function_are_refused_with_a_guess() {
    let derive = |paths: &[&str], notes: &str| {
        let error = derive_tools(&facts(paths), Some(&manifest(notes))).expect_err(notes);
        format!("{error}\nhint: {}", error.hint().unwrap_or_default())
    };
    insta::assert_snapshot!(derive(&["count"], "[tools.cuont]\n"), @r#"
    the manifest describes the tool `cuont`, which the component does not have
    hint: did you mean `[tools.count]`?
    "#);
    insta::assert_snapshot!(derive(&["count"], "[tools.weigh]\n"), @r#"
    the manifest describes the tool `weigh`, which the component does not have
    hint: remove `weigh` from the `[tools]` of plugin.toml
    "#);
    insta::assert_snapshot!(derive(&["a#count", "b#count"], "[tools.count]\n"), @r#"
    the manifest describes the tool `count`, which the component does not have
    hint: did you mean `[tools.a-count]`?
    "#);
    insta::assert_snapshot!(derive(&["ax:guest/agent@0.1.0#run"], "[tools.count]\n"), @r#"
    the manifest describes the tool `count`, which the component does not have
    hint: remove `count` from the `[tools]` of plugin.toml
    "#);
}

#[test]
fn notes_may_be_about_a_tool_the_guest_describes_later() {
    let facts = facts(&["ax:guest/tools@0.1.0#call"]);
    let noted = manifest("[tools.count]\ntitle = \"Count\"\n");
    let typed = derive_tools(&facts, Some(&noted)).expect("describe has the last word");
    let tools = describe_tools(vec![described("count")], typed.clone(), Some(&noted));
    assert_eq!(tools.expect("it is described")[0].title.as_deref(), Some("Count"));
    let error =
        describe_tools(vec![described("sum")], typed, Some(&noted)).expect_err("no `count`");
    assert!(matches!(error, ToolError::NoSuchTool { .. }), "{error}");
}

#[test]
fn a_function_that_cannot_be_a_tool_is_left_out_unless_it_is_wanted() {
    let mut bad = function("acme:x/files@1.0.0#open");
    bad.shape = Err("it takes or returns a resource".to_owned());
    let both = facts_of(vec![bad.clone(), function("count")]);
    assert_eq!(derive_tools(&both, None).expect("one is left").len(), 1);
    let error = derive_tools(&both, Some(&manifest("[tools.open]\n"))).expect_err("wanted");
    insta::assert_snapshot!(error, @"the function `acme:x/files@1.0.0#open` cannot be a tool: it takes or returns a resource");
    // With nothing left, the reason is worth more than silence.
    assert_eq!(derive_tools(&facts_of(vec![bad]), None), Err(error));
    assert_eq!(derive_tools(&facts(&[]), None), Ok(Vec::new()));
}

/// A function whose parameter is `levels` records in one another.
fn nested(levels: usize) -> ExportedFunction {
    let mut ty = WitType::U8;
    for _ in 0..levels {
        ty = WitType::Record(vec![Field { name: "a".to_owned(), ty }]);
    }
    let mut nested = function("deep");
    let more = Field { name: "b".to_owned(), ty: WitType::U8 };
    let params = vec![Field { name: "a".to_owned(), ty }, more];
    nested.shape = Ok(Signature { params, result: None });
    nested
}

#[test]
fn every_derived_tool_can_be_read_back() {
    let mut deepest = 0;
    for levels in 0..=64 {
        let Ok(tools) = derive_tools(&facts_of(vec![nested(levels)]), None) else { continue };
        deepest = levels;
        // As deep as in a package: a configuration, its tools, a tool.
        let text = json!({"config": {"tools": tools}}).to_string();
        let back: serde_json::Value =
            serde_json::from_str(&text).expect("within the reader's depth");
        let tools: Vec<Tool> =
            serde_json::from_value(back["config"]["tools"].clone()).expect("tools");
        assert_eq!(check_tools(&tools), Ok(()));
    }
    assert_eq!(deepest, DERIVED_DEPTH_MAX / 3 - 1);
}

#[test]
fn a_schema_that_nobody_could_read_makes_no_tool() {
    let mut wide = function("wide");
    let names = (0..6_000).map(|index| format!("name-{index}")).collect();
    let params = vec![Field { name: "x".to_owned(), ty: WitType::Enum(names) }];
    wide.shape = Ok(Signature { params, result: None });
    let error = derive_tools(&facts_of(vec![wide]), None).expect_err("over 64 KiB");
    assert!(matches!(error, ToolError::Unusable { .. }), "{error}");
}

#[test]
fn a_long_signature_is_cut_to_a_description() {
    let mut long = function("long");
    let name = |index| format!("{}{index}", "a".repeat(100));
    let params = (0..100).map(|index| Field { name: name(index), ty: WitType::U8 }).collect();
    long.shape = Ok(Signature { params, result: None });
    let tools = derive_tools(&facts_of(vec![long]), None).expect("its schema is short enough");
    assert_eq!(tools[0].description.len(), DESCRIPTION_BYTES_MAX);
    assert!(tools[0].description.ends_with(" …"));
}

#[test]
fn a_name_too_long_for_a_tool_makes_none() {
    assert_eq!(names(&["count", &"a".repeat(65)]), ["count"]);
    assert_eq!(names(&[&"a".repeat(64)]), ["a".repeat(64)]);
}

#[test]
fn tools_are_counted() {
    let paths = |count: usize| (0..count).map(|index| function(&format!("f{index}"))).collect();
    assert_eq!(
        derive_tools(&facts_of(paths(TOOLS_MAX)), None).expect("at the bound").len(),
        TOOLS_MAX
    );
    let too_many = ToolError::TooMany { count: TOOLS_MAX + 1, max: TOOLS_MAX };
    assert_eq!(derive_tools(&facts_of(paths(TOOLS_MAX + 1)), None), Err(too_many.clone()));
    let answer = |count: usize| (0..count).map(|index| described(&format!("d{index}"))).collect();
    let typed = derive_tools(&facts(&["count"]), None).expect("one function");
    assert!(describe_tools(answer(TOOLS_MAX - 1), typed.clone(), None).is_ok());
    assert_eq!(describe_tools(answer(TOOLS_MAX), typed, None), Err(too_many));
}

#[test]
fn a_described_tool_may_not_take_a_name() {
    let twice = describe_tools(vec![described("count"), described("count")], Vec::new(), None);
    assert_eq!(twice, Err(ToolError::Duplicate { name: "count".to_owned() }));
    let typed = derive_tools(&facts(&["count"]), None).expect("one function");
    assert!(matches!(typed[0].entry, Entry::Typed { .. }));
    let taken = describe_tools(vec![described("count")], typed, None);
    assert_eq!(taken, Err(ToolError::Duplicate { name: "count".to_owned() }));
}

#[test]
fn described_names_are_kebab_case_and_short() {
    let long = "a".repeat(65);
    for name in [
        "",
        "Count",
        "count_words",
        "count words",
        "-a",
        "a-",
        "a--b",
        "1a",
        "ä",
        "a\u{1b}[2J",
        &long,
    ] {
        let error = answer(|tool| tool.name = name.to_owned()).expect_err(name);
        assert!(matches!(error, ToolError::Name { .. }), "{error}");
        assert!(!error.to_string().contains('\x1b'), "{error}");
    }
    assert!(answer(|tool| tool.name = "a".repeat(64)).is_ok());
}

#[test]
fn described_texts_are_bounded_and_visible() {
    let text = |text: &str| answer(|tool| tool.description = text.to_owned());
    assert!(text(&"a".repeat(DESCRIPTION_BYTES_MAX)).is_ok());
    assert!(text("Two\n\tlines, in öäü and 日本語").is_ok());
    let long = "a".repeat(DESCRIPTION_BYTES_MAX + 1);
    for bad in ["", " \n", "a\u{1b}[31m", "a\u{202e}b", "a\u{200b}b", "a\u{e0041}", "a\rb", &long] {
        let error = text(bad).expect_err(bad);
        assert!(matches!(error, ToolError::Text { part: "description", .. }), "{error}");
        assert!(!error.to_string().contains(|c: char| c.is_control()), "{error}");
    }
    let title = |text: &str| answer(|tool| tool.title = Some(text.to_owned()));
    assert!(title(&"a".repeat(TITLE_BYTES_MAX)).is_ok());
    let long = "a".repeat(TITLE_BYTES_MAX + 1);
    for bad in ["", "two\nlines", "a\u{202e}b", &long] {
        let error = title(bad).expect_err(bad);
        assert!(matches!(error, ToolError::Text { part: "title", .. }), "{error}");
    }
}

#[test]
fn described_schemas_are_small_visible_objects() {
    let schema = |text: &str| answer(|tool| tool.input_schema = text.to_owned());
    let nested = |levels: usize| {
        format!("{}{}", r#"{"a":"#.repeat(levels - 1), "{}") + &"}".repeat(levels - 1)
    };
    assert!(schema(&nested(SCHEMA_DEPTH_MAX)).is_ok());
    let deep = nested(SCHEMA_DEPTH_MAX + 1);
    let deeper = nested(100_000);
    // With the type that is added, exactly as long as it may be.
    let padded = |bytes: usize| {
        let frame = r#"{"type":"object","title":""}"#.len();
        format!(r#"{{"type":"object","title":"{}"}}"#, "a".repeat(bytes - frame))
    };
    assert!(schema(&padded(SCHEMA_BYTES_MAX)).is_ok());
    let long = padded(SCHEMA_BYTES_MAX + 1);
    for bad in [
        "",
        "{",
        "[]",
        "true",
        "null",
        "\"x\"",
        "{} {}",
        r#"{"type":"string"}"#,
        r#"{"title":"\u202e"}"#,
        r#"{"\u200b":1}"#,
        r#"{"enum":["\u001b[2J"]}"#,
        &deep,
        &deeper,
        &long,
    ] {
        let error = schema(bad).expect_err(bad);
        assert!(matches!(error, ToolError::Schema { part: "input schema", .. }), "{error}");
    }
    let output = |text: &str| answer(|tool| tool.output_schema = Some(text.to_owned()));
    assert!(output(r#"{"type":"string"}"#).is_ok());
    let error = output("[]").expect_err("a list");
    assert!(matches!(error, ToolError::Schema { part: "output schema", .. }), "{error}");
}

#[test]
fn what_nobody_sees_in_a_schema_is_refused_with_its_place() {
    let why = |part: &str, schema: &str| {
        let tools = answer(|tool| match part {
            "input schema" => tool.input_schema = schema.to_owned(),
            _ => tool.output_schema = Some(schema.to_owned()),
        });
        match tools.expect_err(schema) {
            ToolError::Schema { part: found, why, .. } if found == part => why,
            other => panic!("{other}"),
        }
    };
    let cases = [
        (
            r#"{"properties":{"a":{"description":"x\u202ey"}}}"#,
            "202E at `/properties/a/description`",
        ),
        (r#"{"properties":{"a\u200b":{}}}"#, r"200B at `/properties/a\u{200b}`"),
        (r#"{"properties":{"a\nb":{}}}"#, r"000A at `/properties/a\u{a}b`"),
        (r#"{"required":["a","\u2066b"]}"#, "2066 at `/required/1`"),
        (
            r#"{"$defs":{"a":{"oneOf":[{"const":1,"title":"\ufeff"}]}}}"#,
            "FEFF at `/$defs/a/oneOf/0/title`",
        ),
        (r#"{"a/b":{"~":"\u00ad"}}"#, "00AD at `/a~1b/~0`"),
        (r#"{"x-more":[[{"enumNames":["\udb40\udc41"]}]]}"#, "E0041 at `/x-more/0/0/enumNames/0`"),
    ];
    for (schema, place) in cases {
        for part in ["input schema", "output schema"] {
            let why = why(part, schema);
            assert_eq!(why, format!("holds the invisible character U+{place}"), "{part}");
        }
    }
    let fine =
        r#"{"properties":{"größe":{"description":"two\n\tlines","enum":["測定","e\u0301"]}}}"#;
    assert!(answer(|tool| tool.input_schema = fine.to_owned()).is_ok());
}

#[test]
fn an_input_schema_without_a_type_is_said_to_be_an_object() {
    let tools = answer(|tool| tool.input_schema = "{}".to_owned()).expect("an object");
    assert_eq!(tools[0].input_schema, json!({"type": "object"}));
}

#[test]
fn tools_of_a_package_are_checked_like_those_of_a_guest() {
    let mut tools = answer(|_| {}).expect("a plain answer");
    assert_eq!(check_tools(&tools), Ok(()));
    tools[0].description = "a\u{202e}b".to_owned();
    assert!(matches!(check_tools(&tools), Err(ToolError::Text { .. })));
}
