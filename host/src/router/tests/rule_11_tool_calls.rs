//! Tool calls are commit units: handed on when they fit their schema; otherwise the attempt failed.

use serde_json::Value;
use serde_json::json;

use super::super::tool_call;
use super::*;
use crate::chat::ToolCall;
use crate::chat::ToolDef;

fn asking() -> Request {
    let input_schema = json!({
        "type": "object",
        "required": ["path"],
        "additionalProperties": false,
        "properties": {
            "path": { "type": "string" },
            "line": { "type": ["integer", "null"] },
            "mode": { "enum": ["read", "write"] },
            "tags": { "type": "array", "items": { "type": "object", "required": ["name"] } },
            "free": { "anyOf": [{ "type": "string" }] }
        }
    });
    let tool = ToolDef { name: "open".to_owned(), description: String::new(), input_schema };
    Request { tools: vec![tool], ..question() }
}

fn call(name: &str, input: Value) -> ToolCall {
    ToolCall { id: "1".to_owned(), name: name.to_owned(), input }
}

fn calls(name: &str, input: Value) -> Piece {
    Piece::Say(Chunk::ToolCall(call(name, input)))
}

#[test]
fn the_faults_that_models_make_are_found() {
    let verdict = |name: &str, input: Value| match tool_call::check(&asking(), &call(name, input)) {
        Ok(()) => "fits".to_owned(),
        Err(error) => error.message,
    };
    let verdicts = [
        verdict("open", json!({ "path": "a", "line": 1.0, "mode": "read", "tags": [], "free": 1 })),
        verdict("open", json!({ "path": "a", "line": null })),
        verdict("close", json!({})),
        verdict("open", json!("path")),
        verdict("open", json!({})),
        verdict("open", json!({ "path": 1 })),
        verdict("open", json!({ "path": "a", "line": 1.5 })),
        verdict("open", json!({ "path": "a", "mode": "append" })),
        verdict("open", json!({ "path": "a", "tags": [{ "name": 1 }, {}] })),
        verdict("open", json!({ "path": "a", "secret of the model": 1 })),
    ];
    insta::assert_snapshot!(verdicts.join("\n"), @r"
    fits
    fits
    the model calls `close`, which is no tool it was given
    the model calls `open`, and `input` is of another type
    the model calls `open`, and `input.path` is missing
    the model calls `open`, and `input.path` is of another type
    the model calls `open`, and `input.line` is of another type
    the model calls `open`, and `input.mode` is none of what is allowed
    the model calls `open`, and `input.tags[1].name` is missing
    the model calls `open`, and `input` has a field that is not allowed
    ");
}

#[test]
fn a_deep_input_is_looked_at_to_a_depth() {
    let (mut schema, mut input) = (json!({ "type": "string" }), json!(1));
    for _ in 0..100 {
        schema = json!({ "type": "array", "items": schema });
        input = json!([input]);
    }
    let mut request = asking();
    request.tools[0].input_schema = schema;
    assert_eq!(tool_call::check(&request, &call("open", input)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_fit_is_tried_again_unseen() {
    let wrong = Play::Pieces(vec![calls("open", json!({})), Piece::Say(done())]);
    let right =
        Play::Pieces(vec![calls("open", json!({ "path": "a" })), text("!"), Piece::Say(done())]);
    let stage = stage(vec![("a/k/m", 1, vec![wrong, right])]);
    assert_eq!(stage.ask(asking()).await, "!");
    assert_eq!(stage.asked(), [2]);
}

#[tokio::test(start_paused = true)]
async fn after_content_a_call_that_does_not_fit_breaks_the_stream() {
    let wrong = Play::Pieces(vec![text("I look"), calls("open", json!({})), Piece::Say(done())]);
    let stage = stage(vec![("a/k/m", 1, vec![wrong])]);
    assert_eq!(stage.ask(asking()).await, "I look | broken: tool-call-invalid");
    assert_eq!(stage.asked(), [1]);
}

#[tokio::test(start_paused = true)]
async fn parallel_calls_keep_their_order() {
    let both = ["a", "b"].map(|path| calls("open", json!({ "path": path })));
    let play = Play::Pieces([both.to_vec(), vec![Piece::Say(done())]].concat());
    let stage = stage(vec![("a/k/m", 1, vec![play])]);
    let answer = stage.router.ask(Arc::new(asking())).await.unwrap();
    let came: Vec<_> = answer.chunks.filter_map(async |it| it.ok()).collect().await;
    let paths = came.iter().filter_map(|it| match it {
        Chunk::ToolCall(call) => call.input["path"].as_str(),
        _ => None,
    });
    let paths: Vec<&str> = paths.collect();
    assert_eq!(paths, ["a", "b"]);
}
