//! Transcripts written from the API reference, cut everywhere, and requests as they are sent.

use serde_json::Value;
use serde_json::json;

use super::*;
use crate::chat::{
    Assembly, Class, Finish, Media, Message, Opaque, Part, PartKind, RequestId, Role, Thinking,
    ToolCall, ToolChoice, ToolDef, ToolResult, Usage,
};
use crate::provider::sse::Parser;

fn route() -> Route {
    Route { provider: "claude".to_owned(), model: "claude-sonnet-5-5".to_owned() }
}

/// Makes a stream of events, as the API sends them.
fn events(events: &[Value]) -> String {
    let event =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    events.iter().map(event).collect()
}

/// Reads pieces of a stream; the error, if there is one, ends it.
fn read(pieces: &[&[u8]]) -> (Vec<Chunk>, Option<Error>) {
    let (mut parser, mut reader) = (Parser::default(), Claude.reader(&route()));
    let mut chunks = Vec::new();
    for piece in pieces {
        let mut events = Vec::new();
        parser.push(piece, &mut events).unwrap();
        for event in &events {
            match reader.event(event) {
                Ok(more) => chunks.extend(more),
                Err(error) => return (chunks, Some(error)),
            }
        }
    }
    if let Some(event) = parser.finish().unwrap() {
        match reader.event(&event) {
            Ok(more) => chunks.extend(more),
            Err(error) => return (chunks, Some(error)),
        }
    }
    let error = match reader.end() {
        Ok(more) => {
            chunks.extend(more);
            None
        }
        Err(error) => Some(error),
    };
    (chunks, error)
}

/// Reads a stream cut in two at every byte and cut at every byte, which must make no difference; and
/// broken off at every byte, which must never look like an end.
fn streamed(text: &str) -> (Vec<Chunk>, Option<Error>) {
    let bytes = text.as_bytes();
    let whole = read(&[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&single), whole);
    for at in 0..bytes.len() {
        assert_eq!(read(&[&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
        let (chunks, error) = read(&[&bytes[..at]]);
        if !chunks.iter().any(|chunk| matches!(chunk, Chunk::Done(_))) {
            assert!(error.is_some(), "broken off at {at}");
        }
        assert!(whole.0.starts_with(&chunks), "broken off at {at}");
    }
    whole
}

fn start() -> Value {
    json!({ "type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "content": [],
        "model": "claude-sonnet-5-5", "stop_reason": null, "stop_sequence": null,
        "usage": {
            "input_tokens": 10, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 100,
            "cache_creation": { "ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0 },
            "output_tokens": 1, "service_tier": "standard"
        }
    }})
}

fn begin(index: u32, block: Value) -> Value {
    json!({ "type": "content_block_start", "index": index, "content_block": block })
}

fn more(index: u32, kind: &str, field: &str, text: &str) -> Value {
    json!({ "type": "content_block_delta", "index": index, "delta": { "type": kind, field: text } })
}

fn stop(index: u32) -> Value {
    json!({ "type": "content_block_stop", "index": index })
}

fn end(reason: &str) -> [Value; 2] {
    let delta = json!({ "stop_reason": reason, "stop_sequence": null });
    let usage = json!({ "output_tokens": 42, "output_tokens_details": { "thinking_tokens": 7 } });
    [
        json!({ "type": "message_delta", "delta": delta, "usage": usage }),
        json!({ "type": "message_stop" }),
    ]
}

fn used(output: u64, reasoning: u64) -> Chunk {
    Chunk::Usage(Usage { input: 115, output, cache_read: 100, cache_write: 5, reasoning })
}

fn done(finish: Finish) -> Chunk {
    let model = "claude-sonnet-5-5".to_owned();
    Chunk::Done(crate::chat::Done { finish, model, provider_request_id: None })
}

fn call(id: &str, name: &str, input: Value) -> Chunk {
    Chunk::ToolCall(ToolCall { id: id.to_owned(), name: name.to_owned(), input })
}

fn opaque(data: Value) -> Chunk {
    Chunk::Opaque(Opaque { owner: "claude/claude-sonnet-5-5".to_owned(), data })
}

fn tool_use(id: &str, name: &str) -> Value {
    json!({ "type": "tool_use", "id": id, "name": name, "input": {} })
}

#[test]
fn text_comes_piece_by_piece_and_usage_adds_up() {
    let text = events(
        &[
            &[start(), begin(0, json!({ "type": "text", "text": "" }))][..],
            &[json!({ "type": "ping" }), more(0, "text_delta", "text", "Hällo")],
            &[more(0, "text_delta", "text", " – 🌍"), stop(0)],
            &end("end_turn"),
        ]
        .concat(),
    );
    let wanted = [
        used(1, 0),
        Chunk::Text("Hällo".to_owned()),
        Chunk::Text(" – 🌍".to_owned()),
        used(42, 7),
        done(Finish::Stop),
    ];
    assert_eq!(streamed(&text), (wanted.to_vec(), None));
}

#[test]
fn thoughts_keep_their_signatures_and_parallel_calls_their_order() {
    let text =
        events(
            &[
                &[
                    start(),
                    begin(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
                ][..],
                &[
                    more(0, "thinking_delta", "thinking", "Both."),
                    more(0, "signature_delta", "signature", "c2ln"),
                ],
                &[
                    stop(0),
                    begin(1, json!({ "type": "redacted_thinking", "data": "AAAA" })),
                    stop(1),
                ],
                &[
                    begin(2, tool_use("toolu_1", "weather")),
                    more(2, "input_json_delta", "partial_json", ""),
                ],
                &[
                    more(2, "input_json_delta", "partial_json", "{\"city\": \"Z"),
                    more(2, "input_json_delta", "partial_json", "ürich\"}"),
                ],
                &[stop(2), begin(3, tool_use("toolu_2", "now")), stop(3)],
                &end("tool_use"),
            ]
            .concat(),
        );
    let wanted = vec![
        used(1, 0),
        Chunk::Reasoning(String::new()),
        Chunk::Reasoning("Both.".to_owned()),
        opaque(json!({ "signature": "c2ln" })),
        Chunk::Reasoning(String::new()),
        opaque(json!({ "redacted": "AAAA" })),
        call("toolu_1", "weather", json!({ "city": "Zürich" })),
        call("toolu_2", "now", json!({})),
        used(42, 7),
        done(Finish::ToolCalls),
    ];
    assert_eq!(streamed(&text), (wanted, None));
}

#[test]
fn a_thought_that_is_not_told_keeps_its_signature_apart_from_the_text() {
    let text = events(
        &[
            &[start(), begin(0, json!({ "type": "text", "text": "a" })), stop(0)][..],
            &[begin(1, json!({ "type": "thinking", "thinking": "", "signature": "s" })), stop(1)],
            &end("end_turn"),
        ]
        .concat(),
    );
    let mut assembly = Assembly::default();
    streamed(&text).0.into_iter().for_each(|chunk| assembly.add(chunk));
    let parts = assembly.finish("claude").unwrap().message.parts;
    assert_eq!(parts[0], Part::from(PartKind::Text("a".to_owned())));
    assert_eq!(parts[1].kind, PartKind::Reasoning(String::new()));
    assert_eq!(parts[1].opaque.as_ref().unwrap().data, json!({ "signature": "s" }));
}

#[test]
fn every_reason_to_stop_is_told() {
    for (reason, wanted) in [
        ("end_turn", Finish::Stop),
        ("stop_sequence", Finish::Stop),
        ("pause_turn", Finish::Stop),
        ("max_tokens", Finish::Length),
        ("model_context_window_exceeded", Finish::Length),
        ("tool_use", Finish::ToolCalls),
        ("refusal", Finish::Refusal),
        ("something_new", Finish::Stop),
    ] {
        let (chunks, error) = read(&[events(&[&[start()][..], &end(reason)].concat()).as_bytes()]);
        assert_eq!((chunks.last(), error), (Some(&done(wanted)), None), "{reason}");
    }
}

#[test]
fn a_call_that_is_cut_by_the_end_of_room_is_left_out_and_another_is_an_error() {
    let with = |reason: &str| {
        let half = more(0, "input_json_delta", "partial_json", "{\"city\": ");
        let begun = [start(), begin(0, tool_use("toolu_1", "weather")), half, stop(0)];
        streamed(&events(&[&begun[..], &end(reason)].concat()))
    };
    let (chunks, error) = with("max_tokens");
    assert_eq!((chunks, error), (vec![used(1, 0), used(42, 7), done(Finish::Length)], None));
    let (chunks, error) = with("tool_use");
    assert_eq!(chunks, [used(1, 0), used(42, 7)]);
    assert_eq!(error.unwrap().code, "garbled");
}

#[test]
fn an_error_may_come_after_success() {
    for (kind, class, status) in [
        ("overloaded_error", Class::Transient, 529),
        ("rate_limit_error", Class::RateLimit, 429),
        ("api_error", Class::Transient, 500),
        ("unheard_of", Class::Transient, 500),
    ] {
        let error = json!({ "type": kind, "message": "Overloaded" });
        let event = json!({ "type": "error", "error": error, "request_id": "req_1" });
        let (chunks, error) = streamed(&events(&[start(), event]));
        let error = error.unwrap();
        assert_eq!(chunks, [used(1, 0)]);
        assert_eq!((error.class, error.status), (class, Some(status)), "{kind}");
        assert_eq!((error.code.as_str(), error.message.as_str()), (kind, "Overloaded"));
        assert_eq!(error.provider_request_id.as_deref(), Some("req_1"));
    }
}

#[test]
fn what_is_unknown_is_passed_over() {
    let text = events(
        &[
            &[start(), json!({ "type": "news", "index": "no number" })][..],
            &[begin(0, json!({ "type": "server_tool_use", "id": "x", "name": "y", "input": {} }))],
            &[more(0, "input_json_delta", "partial_json", "{"), stop(0)],
            &[begin(1, json!({ "type": "text", "text": "a", "citations": null }))],
            &[more(1, "citations_delta", "citation", "x"), more(1, "brand_new", "y", "z"), stop(1)],
            &end("end_turn"),
            &[begin(9, json!({ "type": "text", "text": "after the end" }))],
        ]
        .concat(),
    );
    let wanted = vec![used(1, 0), Chunk::Text("a".to_owned()), used(42, 7), done(Finish::Stop)];
    assert_eq!(streamed(&text), (wanted, None));
}

#[test]
fn what_has_another_form_is_an_error_and_no_panic() {
    let text = more(0, "text_delta", "text", "x");
    for odd in [
        events(&[start(), text.clone()]),
        events(&[start(), stop(0)]),
        events(&[start(), begin(0, tool_use("a", "b")), text]),
        events(&[start(), json!({ "type": "message_stop" })]),
        events(&end("end_turn")),
        events(&[json!({ "type": "message_start", "message": { "model": 5 } })]),
        events(&[json!({ "type": "content_block_start", "index": -1, "content_block": {} })]),
        "data: {\"type\":\n\n".to_owned(),
        "data: []\n\n".to_owned(),
        "data: [DONE]\n\n".to_owned(),
        format!("data: {}\n\n", "[".repeat(100_000)),
        format!("data: {}1{}\n\n", "{\"type\":".repeat(200), "}".repeat(200)),
    ] {
        let error = read(&[odd.as_bytes()]).1.unwrap();
        assert_eq!((error.class, error.code.as_str()), (Class::Transient, "garbled"), "{odd:.60}");
    }
    let blocks: Vec<Value> =
        (0..=64).map(|index| begin(index, json!({ "type": "text", "text": "" }))).collect();
    assert_eq!(read(&[events(&blocks[..64]).as_bytes()]).1.unwrap().code, "cut");
    assert_eq!(read(&[events(&blocks).as_bytes()]).1.unwrap().code, "garbled");
}

#[test]
fn a_whole_answer_is_read_as_its_stream_would_be() {
    let content = json!([
        { "type": "thinking", "thinking": "Hm.", "signature": "c2ln" },
        { "type": "text", "text": "Look:" },
        { "type": "tool_use", "id": "toolu_1", "name": "now", "input": { "zone": "UTC" } },
        { "type": "brand_new", "x": [1] },
    ]);
    let mut message = start()["message"].clone();
    message["content"] = content;
    message["stop_reason"] = json!("tool_use");
    let chunks = Claude.answer(&route(), message.to_string().as_bytes()).unwrap();
    let wanted = [
        Chunk::Reasoning("Hm.".to_owned()),
        opaque(json!({ "signature": "c2ln" })),
        Chunk::Text("Look:".to_owned()),
        call("toolu_1", "now", json!({ "zone": "UTC" })),
        used(1, 0),
        done(Finish::ToolCalls),
    ];
    assert_eq!(chunks, wanted);
    for odd in ["", "{}", "null", "<html>", "{\"content\": 1, \"model\": \"x\"}"] {
        assert_eq!(Claude.answer(&route(), odd.as_bytes()).unwrap_err().code, "garbled");
    }
    let failed = json!({ "type": "error", "error": { "type": "overloaded_error" } }).to_string();
    let error = Claude.answer(&route(), failed.as_bytes()).unwrap_err();
    assert_eq!((error.status, error.code.as_str()), (Some(529), "overloaded_error"));
}

#[test]
fn every_failure_has_its_class() {
    for (status, kind, detail, message, wanted) in [
        (400, "invalid_request_error", "", "max_tokens: too many", Class::CallerFault),
        (
            400,
            "invalid_request_error",
            "",
            "prompt is too long: 203284 tokens > 200000 maximum",
            Class::ContextTooLong,
        ),
        (
            400,
            "invalid_request_error",
            "",
            "input length and `max_tokens` exceed context limit",
            Class::ContextTooLong,
        ),
        (400, "invalid_request_error", "", "Your credit balance is too low", Class::Quota),
        (
            400,
            "invalid_request_error",
            "",
            "You have reached your specified API usage limits",
            Class::Quota,
        ),
        (400, "invalid_request_error", "organization_on_hold", "on hold", Class::Auth),
        (401, "authentication_error", "", "invalid x-api-key", Class::Auth),
        (402, "billing_error", "", "pay", Class::Quota),
        (403, "permission_error", "", "no", Class::Auth),
        (404, "not_found_error", "", "model: claude-nope", Class::ModelGone),
        (409, "conflict_error", "", "again", Class::Transient),
        (413, "request_too_large", "", "32 MB", Class::ContextTooLong),
        (429, "rate_limit_error", "", "slow down", Class::RateLimit),
        (429, "rate_limit_error", "ramp_limit_exceeded", "slower", Class::RateLimit),
        (429, "rate_limit_error", "enforced_spend_limit_reached", "spent", Class::Quota),
        (429, "rate_limit_error", "contract_spend_limit_reached", "spent", Class::Quota),
        (500, "api_error", "", "oops", Class::Transient),
        (504, "timeout_error", "", "late", Class::Transient),
        (529, "overloaded_error", "", "busy", Class::Transient),
        (418, "teapot_error", "", "short", Class::CallerFault),
        (503, "", "", "", Class::Transient),
    ] {
        let details = (!detail.is_empty()).then(|| json!({ "error_code": detail }));
        let error = json!({ "type": kind, "message": message, "details": details });
        let body = json!({ "type": "error", "error": error, "request_id": "req_9" }).to_string();
        let error = Claude.error(status, &HeaderMap::new(), body.as_bytes());
        assert_eq!((error.class, error.status), (wanted, Some(status)), "{body}");
        assert_eq!(error.provider_request_id.as_deref(), Some("req_9"));
        let code = [detail, kind].into_iter().find(|code| !code.is_empty());
        assert_eq!(error.code, code.map_or(format!("http-{status}"), str::to_owned));
    }
}

#[test]
fn a_failure_without_sense_is_told_by_its_status() {
    let headers = HeaderMap::from_iter([(
        HeaderName::from_static("request-id"),
        HeaderValue::from_static("req_7"),
    )]);
    for (status, wanted) in [
        (401, Class::Auth),
        (404, Class::ModelGone),
        (413, Class::ContextTooLong),
        (429, Class::RateLimit),
        (451, Class::Region),
        (422, Class::CallerFault),
        (502, Class::Transient),
        (529, Class::Transient),
    ] {
        for body in ["", "<html>Bad Gateway</html>", "{\"error\": \"text\"}", "\u{fffd}"] {
            let error = Claude.error(status, &headers, body.as_bytes());
            assert_eq!((error.class, error.status), (wanted, Some(status)), "{status} {body}");
            assert_eq!(error.provider_request_id.as_deref(), Some("req_7"));
        }
    }
}

fn request(messages: Vec<Message>) -> Request {
    Request::new(RequestId(uuid::Uuid::nil()), messages)
}

fn hello() -> Request {
    request(vec![Message::text(Role::User, "Hello")])
}

fn of(role: Role, kinds: Vec<PartKind>) -> Message {
    let parts = kinds.into_iter().map(Part::from).collect();
    Message { parts, ..Message::text(role, "") }
}

fn written(request: &Request) -> String {
    let outgoing = Claude.write(request, &route()).unwrap();
    let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
    serde_json::to_string_pretty(&body).unwrap()
}

fn refused(request: &Request) -> String {
    let error = Claude.write(request, &route()).unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::CallerFault, "invalid"));
    error.message
}

fn media(media_type: &str, data: &str) -> Media {
    Media { media_type: media_type.to_owned(), data: data.to_owned() }
}

#[test]
fn the_least_request_is_short() {
    insta::assert_snapshot!(written(&hello()), @r#"
    {
      "model": "claude-sonnet-5-5",
      "messages": [
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "Hello"
            }
          ]
        }
      ],
      "max_tokens": 32000
    }
    "#);
    let outgoing = Claude.write(&hello(), &route()).unwrap();
    assert_eq!((outgoing.method.as_str(), outgoing.path.as_str()), ("POST", "/v1/messages"));
    assert_eq!(outgoing.headers["anthropic-version"], "2026-10-21");
    assert_eq!(outgoing.headers["content-type"], "application/json");
}

#[test]
fn everything_that_can_be_asked_is_written() {
    let weather = ToolDef {
        name: "weather".to_owned(),
        description: "Tells the weather".to_owned(),
        input_schema: json!({ "properties": { "city": { "type": "string" } } }),
    };
    let now = ToolDef {
        name: "now".to_owned(),
        description: String::new(),
        input_schema: json!({ "type": "object" }),
    };
    let asked = Request {
        tools: vec![weather, now],
        tool_choice: ToolChoice::Named("weather".to_owned()),
        output_schema: Some(json!({ "type": "object" })),
        max_tokens: Some(7),
        temperature: Some(1.0),
        top_p: Some(1.0),
        stop: vec!["END".to_owned()],
        thinking: Some(Thinking::Medium),
        stream: true,
        metadata: [("who".to_owned(), "me".to_owned())].into(),
        ..request(vec![
            Message::text(Role::System, "Be brief."),
            Message { name: Some("Ann".to_owned()), ..Message::text(Role::User, "Hello") },
            Message::text(Role::System, "Be kind."),
        ])
    };
    insta::assert_snapshot!(written(&asked), @r#"
    {
      "model": "claude-sonnet-5-5",
      "system": [
        {
          "type": "text",
          "text": "Be brief."
        },
        {
          "type": "text",
          "text": "Be kind."
        }
      ],
      "messages": [
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "Hello"
            }
          ]
        }
      ],
      "tools": [
        {
          "name": "weather",
          "input_schema": {
            "properties": {
              "city": {
                "type": "string"
              }
            },
            "type": "object"
          },
          "description": "Tells the weather"
        },
        {
          "name": "now",
          "input_schema": {
            "type": "object"
          }
        }
      ],
      "tool_choice": {
        "type": "tool",
        "name": "weather"
      },
      "output_config": {
        "format": {
          "type": "json_schema",
          "schema": {
            "type": "object"
          }
        },
        "effort": "medium"
      },
      "thinking": {
        "type": "adaptive"
      },
      "max_tokens": 7,
      "stop_sequences": [
        "END"
      ],
      "stream": true
    }
    "#);
    let counted = Claude.count(&asked, &route()).unwrap().unwrap();
    assert_eq!(counted.path, "/v1/messages/count_tokens");
    let body: Value = serde_json::from_slice(&counted.body).unwrap();
    for left_out in ["max_tokens", "stop_sequences", "stream"] {
        assert_eq!(body.get(left_out), None);
    }
    assert_eq!(Claude.counted(b"{\"input_tokens\": 14}").unwrap(), 14);
    assert_eq!(Claude.counted(b"{\"input_tokens\": -1}").unwrap_err().code, "garbled");
}

/// A turn with thoughts of `owner`, two calls, their results, and what the user says then.
fn talk(owner: &str) -> Vec<Message> {
    let call = |id: &str| {
        let (id, name) = (id.to_owned(), "weather".to_owned());
        PartKind::ToolCall(ToolCall { id, name, input: json!({}) })
    };
    let result = |id: &str, images: Vec<Media>, is_error: bool| {
        let (id, name, text) = (id.to_owned(), "weather".to_owned(), "rain".to_owned());
        PartKind::ToolResult(ToolResult { id, name, text, images, is_error })
    };
    let thought = |text: &str, data: Value| Part {
        kind: PartKind::Reasoning(text.to_owned()),
        opaque: Some(Opaque { owner: owner.to_owned(), data }),
    };
    let mut asks =
        of(Role::Assistant, vec![PartKind::Text(String::new()), call("call.1"), call("b")]);
    asks.parts.insert(0, thought("Hm.", json!({ "signature": "c2ln" })));
    asks.parts.insert(1, thought("", json!({ "redacted": "AAAA" })));
    asks.parts.insert(2, PartKind::Reasoning("unsigned".to_owned()).into());
    let picture = media("image/png", "iVBORw==");
    vec![
        Message::text(Role::User, "Weather?"),
        asks,
        of(Role::Tool, vec![result("call.1", Vec::new(), true)]),
        of(Role::Tool, vec![result("b", vec![picture], false)]),
        Message::text(Role::User, "Well?"),
    ]
}

#[test]
fn a_talk_with_tools_goes_back_as_it_came() {
    insta::assert_snapshot!(written(&request(talk("claude/claude-sonnet-5-5"))), @r#"
    {
      "model": "claude-sonnet-5-5",
      "messages": [
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "Weather?"
            }
          ]
        },
        {
          "role": "assistant",
          "content": [
            {
              "type": "thinking",
              "thinking": "Hm.",
              "signature": "c2ln"
            },
            {
              "type": "redacted_thinking",
              "data": "AAAA"
            },
            {
              "type": "tool_use",
              "id": "call_1",
              "name": "weather",
              "input": {}
            },
            {
              "type": "tool_use",
              "id": "b",
              "name": "weather",
              "input": {}
            }
          ]
        },
        {
          "role": "user",
          "content": [
            {
              "type": "tool_result",
              "tool_use_id": "call_1",
              "content": "rain",
              "is_error": true
            },
            {
              "type": "tool_result",
              "tool_use_id": "b",
              "content": [
                {
                  "type": "text",
                  "text": "rain"
                },
                {
                  "type": "image",
                  "source": {
                    "type": "base64",
                    "media_type": "image/png",
                    "data": "iVBORw=="
                  }
                }
              ]
            },
            {
              "type": "text",
              "text": "Well?"
            }
          ]
        }
      ],
      "max_tokens": 32000
    }
    "#);
}

#[test]
fn thoughts_of_another_route_are_not_sent() {
    for owner in ["claude/claude-opus-5-5", "other/claude-sonnet-5-5", "gemini/gemini-4-argon"] {
        let text = written(&request(talk(owner)));
        for absent in ["thinking", "c2ln", "AAAA", "unsigned"] {
            assert!(!text.contains(absent), "{owner}: {absent}");
        }
    }
}

#[test]
fn pictures_and_files_are_written_or_refused() {
    let with = |kind: PartKind| request(vec![of(Role::User, vec![kind])]);
    let source = |kind: PartKind| {
        let body: Value = written(&with(kind)).parse().unwrap();
        body["messages"][0]["content"][0].clone()
    };
    assert_eq!(
        source(PartKind::File(media("application/pdf", "JVBERi0="))),
        json!({ "type": "document", "source": {
            "type": "base64", "media_type": "application/pdf", "data": "JVBERi0="
        }}),
    );
    assert_eq!(
        source(PartKind::File(media("text/plain", "aGk="))),
        json!({ "type": "document", "source": {
            "type": "text", "media_type": "text/plain", "data": "hi"
        }}),
    );
    assert_eq!(source(PartKind::Image(media("image/webp", "UklG")))["type"], "image");
    for odd in [
        PartKind::Image(media("image/tiff", "AAAA")),
        PartKind::File(media("application/zip", "AAAA")),
        PartKind::File(media("text/plain", "no base64")),
        PartKind::File(media("text/plain", "/w==")),
    ] {
        assert!(refused(&with(odd)).starts_with("`messages[0].parts[0]` "));
    }
}

#[test]
fn what_claude_has_no_word_for_is_refused_by_its_field() {
    let warm = Request { temperature: Some(0.5), ..hello() };
    insta::assert_snapshot!(
        refused(&warm),
        @"`temperature` is 0.5, and Claude takes none but 1 since its version 2026-10-21"
    );
    assert!(refused(&Request { top_p: Some(0.9), ..hello() }).starts_with("`topP` is 0.9"));
    assert!(Claude.count(&warm, &route()).unwrap().is_err());
    let alone = request(vec![Message::text(Role::System, "Be brief.")]);
    insta::assert_snapshot!(refused(&alone), @"`messages` has nothing that a user says");
    let call = PartKind::ToolCall(ToolCall {
        id: "a".to_owned(),
        name: "b".to_owned(),
        input: json!([1]),
    });
    let odd = request(vec![Message::text(Role::User, "x"), of(Role::Assistant, vec![call])]);
    insta::assert_snapshot!(refused(&odd), @"`messages[1].parts[0]` has an input that is no object");
}

#[test]
fn each_choice_of_tools_has_its_word() {
    let tool = ToolDef {
        name: "now".to_owned(),
        description: String::new(),
        input_schema: json!({ "type": "object" }),
    };
    for (choice, wanted) in [
        (ToolChoice::Auto, Value::Null),
        (ToolChoice::Required, json!({ "type": "any" })),
        (ToolChoice::Forbidden, json!({ "type": "none" })),
    ] {
        let asked = Request { tools: vec![tool.clone()], tool_choice: choice, ..hello() };
        let body: Value = written(&asked).parse().unwrap();
        assert_eq!(body["tool_choice"], wanted);
    }
    let none = Request { tool_choice: ToolChoice::Forbidden, ..hello() };
    assert!(!written(&none).contains("tool_choice"), "there is nothing to choose from");
}

#[test]
fn each_model_thinks_in_its_own_way() {
    let thinking = |model: &str, thinking: Thinking, max_tokens: Option<u32>| {
        let asked = Request { thinking: Some(thinking), max_tokens, ..hello() };
        let route = Route { model: model.to_owned(), ..route() };
        let outgoing = Claude.write(&asked, &route)?;
        let body: Value = serde_json::from_slice(&outgoing.body).unwrap();
        Ok::<_, Error>((body["thinking"].clone(), body["output_config"]["effort"].clone()))
    };
    let budget = |tokens: u32| json!({ "type": "enabled", "budget_tokens": tokens });
    for (model, how, room, wanted) in [
        ("claude-opus-5-5", Thinking::Low, None, (json!({ "type": "adaptive" }), json!("low"))),
        ("claude-opus-5-5", Thinking::High, None, (json!({ "type": "adaptive" }), json!("high"))),
        ("claude-opus-5-5", Thinking::Off, None, (json!({ "type": "disabled" }), Value::Null)),
        ("claude-haiku-4-5-20251001", Thinking::Low, None, (budget(1_024), Value::Null)),
        ("claude-haiku-4-5", Thinking::High, None, (budget(16_384), Value::Null)),
        ("claude-haiku-4-5", Thinking::High, Some(1_025), (budget(1_024), Value::Null)),
        ("claude-haiku-4-5", Thinking::Off, Some(1), (json!({ "type": "disabled" }), Value::Null)),
    ] {
        assert_eq!(thinking(model, how, room).unwrap(), wanted, "{model} {how:?}");
    }
    let error = thinking("claude-haiku-4-5", Thinking::Low, Some(1_024)).unwrap_err();
    assert_eq!(error.class, Class::CallerFault);
}

#[test]
fn the_key_is_a_bearer_and_no_log_shows_it() {
    let mut headers = HeaderMap::new();
    Claude.authorize("sk-ant-secret", Some("org"), &mut headers).unwrap();
    assert_eq!(headers["authorization"], "Bearer sk-ant-secret");
    assert!(!format!("{headers:?}").contains("secret"));
    let error = Claude.authorize("sk\nant", None, &mut headers).unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (Class::Auth, "malformed-key"));
    assert!(!error.message.contains("ant"));
}

#[test]
fn models_are_listed_page_by_page() {
    assert_eq!(Claude.list(None).path, "/v1/models?limit=1000");
    let page = json!({
        "data": [
            { "type": "model", "id": "claude-opus-5-5", "max_input_tokens": 1_000_000, "max_tokens": 128_000 },
            { "type": "model", "id": "claude-haiku-4-5", "max_input_tokens": null },
        ],
        "has_more": true, "first_id": "claude-opus-5-5", "last_id": "claude-haiku-4-5",
    });
    let (models, next) = Claude.listed(page.to_string().as_bytes()).unwrap();
    assert_eq!(
        (models[0].context_tokens, models[0].output_tokens),
        (Some(1_000_000), Some(128_000))
    );
    assert_eq!((models[1].name.as_str(), models[1].context_tokens), ("claude-haiku-4-5", None));
    assert_eq!(
        Claude.list(next.as_deref()).path,
        "/v1/models?limit=1000&after_id=claude-haiku-4-5"
    );
    for last in [
        "{\"data\": [], \"last_id\": \"x\"}",
        "{\"data\": [], \"has_more\": true, \"last_id\": \"a&b\"}",
    ] {
        assert_eq!(Claude.listed(last.as_bytes()).unwrap().1, None, "{last}");
    }
    assert_eq!(Claude.listed(b"{\"data\": {}}").unwrap_err().code, "garbled");
}
