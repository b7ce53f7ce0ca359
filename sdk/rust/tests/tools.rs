//! What `#[tool]`, `#[data]` and `plugin!` make of functions and types.

use ax_sdk::prelude::*;
use ax_sdk::{Tool, fake, http, kv, log, private, secrets, task};
use serde_json::json;

/// Where to look.
#[data]
pub struct Place {
    /// The name of a town.
    town: String,
    #[serde(default)]
    near: bool,
}

/// How it is there.
#[data(open)]
#[derive(Debug, PartialEq, Eq)]
pub struct Weather {
    degrees: i32,
}

/// Says how the weather is.
///
/// Two paragraphs,
/// the second of two lines.
#[tool(title = "The weather", read_only, open_world)]
fn weather_now(
    /// Where.
    place: Place,
    days: Option<u8>,
) -> Result<Json<Weather>> {
    match place.town.as_str() {
        "Nowhere" => Err(Error::not_found("Nowhere", "there is no such town")),
        _ => Ok(Json(Weather { degrees: i32::from(days.unwrap_or(1)) + i32::from(place.near) })),
    }
}

/// Takes the whole input.
#[tool(name = "whole")]
fn takes(input: Place) -> Result<Content> {
    Ok(Content::text(input.town))
}

/// Needs nothing and says nothing.
#[tool(destructive)]
fn nothing() {}

/// Fails as libraries do.
#[tool]
fn fails() -> Result<Vec<Content>> {
    let number: u8 = "many".parse()?;
    Ok(vec![Content::text(number.to_string())])
}

/// Is called like an attribute of the compiler and a macro of the prelude.
#[tool]
fn cfg(derive: Option<String>) -> Result<String> {
    Ok(derive.unwrap_or_default())
}

mod inner {
    use super::*;

    /// Is called as the macro is that makes it.
    #[tool(name = "inner")]
    pub fn tool(test: u8) -> String {
        test.to_string()
    }
}

/// What is told and never read.
#[data]
pub struct Told {
    #[serde(skip_deserializing)]
    at: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Tells more than it would read.
#[tool]
fn tells() -> Json<Told> {
    Json(Told { at: 1, why: None })
}

ax_sdk::plugin!(tools: [tells, weather_now, takes, nothing, self::fails, cfg, inner::tool]);

fn tool(name: &str) -> Tool {
    tools().into_iter().find(|tool| tool.name == name).expect("a tool")
}

#[test]
fn a_tool_is_described_by_its_function() {
    let weather = tool("weather-now");
    assert_eq!(weather.title.as_deref(), Some("The weather"));
    assert_eq!(
        weather.description,
        "Says how the weather is.\n\nTwo paragraphs, the second of two lines."
    );
    let promises = weather.annotations;
    assert!(promises.read_only && promises.open_world);
    assert!(!promises.destructive && !promises.idempotent);
    assert!(tool("nothing").annotations.destructive);
    assert_eq!(weather.input_schema["type"], "object");
    assert_eq!(weather.input_schema["required"], json!(["place"]));
    assert_eq!(weather.input_schema["additionalProperties"], false);
    let place = &weather.input_schema["$defs"]["Place"];
    assert_eq!(place["properties"]["town"]["description"], "The name of a town.");
    let output = weather.output_schema.expect("it answers with JSON");
    assert_eq!(output["properties"]["degrees"]["type"], "integer");
    assert_eq!(tool("whole").input_schema["required"], json!(["town"]));
    assert!(tool("whole").output_schema.is_none());
    let told = tool("tells").output_schema.expect("it answers with JSON");
    assert_eq!(
        (&told["properties"]["at"]["type"], &told["required"]),
        (&json!("integer"), &json!(["at"]))
    );
    assert_eq!((tool("cfg").name.as_str(), tool("inner").name.as_str()), ("cfg", "inner"));
}

#[test]
fn input_is_read_into_parameters_and_an_answer_is_written() {
    let said = private::call(__AX_CALLS, "weather-now", r#"{"place": {"town": "Ulm"}, "days": 3}"#);
    assert_eq!(said.unwrap().structured, Some(json!({ "degrees": 3 })));
    let whole = private::call(__AX_CALLS, "whole", r#"{"town": "Ulm"}"#).unwrap();
    assert_eq!(whole.content, [Content::text("Ulm")]);
    assert_eq!(private::call(__AX_CALLS, "nothing", "{}").unwrap(), Output::default());
}

#[test]
fn what_does_not_fit_is_invalid_and_names_the_member() {
    let refused = |name: &str, input: &str| private::call(__AX_CALLS, name, input).unwrap_err();
    for (input, code) in [
        ("{}", "place"),
        (r#"{"place": {"town": "Ulm"}, "dais": 1}"#, "dais"),
        (r#"{"place": {"town": "Ulm", "far": 1}}"#, "place.far"),
        (r#"{"place": ["Ulm", true]}"#, "place"),
        (r#"[{"town": "Ulm"}, 1]"#, ""),
        ("[", ""),
    ] {
        let error = refused("weather-now", input);
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, code), "{input}");
    }
    assert_eq!(refused("nobody", "{}").kind, ErrorKind::NotFound);
    let missing = refused("weather-now", r#"{"place": {"town": "Nowhere"}}"#);
    assert_eq!((missing.kind, missing.code.as_str()), (ErrorKind::NotFound, "Nowhere"));
    assert_eq!(refused("fails", "{}").message, "invalid digit found in string");
}

#[test]
fn a_fake_keeps_data_as_the_host_does() {
    kv::put("a/1", &json!({ "n": 1 })).unwrap();
    kv::put("b", "text").unwrap();
    assert_eq!(kv::get::<String>("b").unwrap().as_deref(), Some("text"));
    assert!(kv::get::<u32>("b").is_err(), "it is no number");
    assert_eq!(kv::keys("a/").unwrap(), ["a/1"]);
    let entry = kv::read("b").unwrap().unwrap();
    let change =
        |when| vec![kv::Change::Put { key: "b".to_owned(), value: b"\"new\"".to_vec(), when }];
    kv::write(change(kv::When::AtVersion(entry.version))).unwrap();
    let late = kv::write(change(kv::When::AtVersion(entry.version))).unwrap_err();
    assert_eq!((late.kind, late.code.as_str()), (ErrorKind::Conflict, "b"));
    assert_eq!(kv::update("times", |times: &mut u32| *times += 2).unwrap(), 2);
    kv::remove("b").unwrap();
    assert_eq!((kv::get::<String>("b").unwrap(), kv::usage().unwrap().keys), (None, 2));
    let (first, next) = kv::scan("", 1, None).unwrap();
    assert_eq!(first[0].key, "a/1");
    let (second, end) = kv::scan("", 1, next.as_deref()).unwrap();
    assert_eq!((second[0].key.as_str(), end), ("times", None));
}

#[test]
fn a_fake_keeps_no_more_than_the_host_does() {
    let put = |key: String, bytes: usize| kv::Change::Put {
        key,
        value: vec![b'x'; bytes],
        when: kv::When::Always,
    };
    let refused = |changes: Vec<kv::Change>| {
        let error = kv::write(changes).expect_err("it is refused");
        (error.kind, error.code)
    };
    let invalid = |code: &str| (ErrorKind::Invalid, code.to_owned());
    assert_eq!(refused(vec![put(String::new(), 1)]), invalid("key"));
    assert_eq!(refused(vec![put("a\nb".to_owned(), 1)]), invalid("key"));
    assert_eq!(refused(vec![put("k".repeat(kv::KEY_BYTES_MAX + 1), 1)]), invalid("key"));
    assert_eq!(refused(vec![put("a".to_owned(), kv::VALUE_BYTES_MAX + 1)]), invalid("value"));
    assert_eq!(refused(Vec::new()), invalid("changes"));
    assert_eq!(refused(vec![put("a".to_owned(), 1), put("a".to_owned(), 2)]), invalid("changes"));
    assert_eq!(kv::scan("", 0, None).expect_err("no entries").code, "limit");
    for number in 0..9 {
        kv::write(vec![put(number.to_string(), kv::VALUE_BYTES_MAX)]).expect("there is room");
    }
    // Of a page's 1 MiB each, whatever the limit.
    assert_eq!(kv::scan("", 1_000, None).expect("a page").0.len(), 1);
    assert_eq!(kv::entries("").expect("all of them").len(), 9);
    let full = refused((0..2).map(|n| put(format!("b{n}"), kv::VALUE_BYTES_MAX)).collect());
    assert_eq!(full, (ErrorKind::Exhausted, "kv-bytes".to_owned()));
    assert_eq!(kv::usage().expect("usage").keys, 9, "nothing of it was kept");
}

#[test]
fn a_fake_plays_the_rest_of_the_world() {
    fake::config("depth", 3);
    fake::secret("token");
    fake::http(|request| Ok(fake::page(if request.url.ends_with('/') { 200 } else { 404 }, "hi")));
    assert_eq!(ax_sdk::config::get::<u8>("depth").unwrap(), Some(3));
    assert_eq!(ax_sdk::config::get::<bool>("depth").unwrap_err().code, "depth");
    assert!(secrets::is_set("token") && !secrets::is_set("other"));
    let answers = http::send_all(vec![http::get("https://a.test/"), http::get("https://a.test/x")]);
    assert_eq!(answers[0].as_ref().unwrap().text().unwrap(), "hi");
    let missing = answers[1].clone().unwrap().ok().unwrap_err();
    assert_eq!((missing.kind, missing.code.as_str()), (ErrorKind::NotFound, "404"));
    assert_eq!(fake::sent().len(), 2);
    log::warn("odd");
    assert_eq!(fake::logged()[0].level, log::Level::Warn);
    task::progress(1, Some(2), "half");
    assert_eq!(fake::progress(), [(1, Some(2), "half".to_owned())]);
    assert!(!task::cancelled());
    fake::cancel();
    assert!(task::cancelled());
    fake::reset();
    assert!(!task::cancelled());
    assert_eq!(http::get("https://a.test/").send().unwrap_err().kind, ErrorKind::Unavailable);
}
