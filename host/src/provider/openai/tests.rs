use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use super::*;
use crate::chat::{Class, Thinking, ToolChoice};
use crate::provider::golden::{
    conversation, pretty, question, read, read_at_every_cut, route, shown, told, written,
};

const OWN: OpenAi = OpenAi::Own;
const OTHER: OpenAi = OpenAi::Compatible;

/// A stream of these events.
fn stream(events: &[&str]) -> String {
    events.iter().flat_map(|event| ["data: ", event, "\n\n"]).collect()
}

fn chunk(rest: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-6-luna-2026","system_fingerprint":"fp",{rest}}}"#
    )
}

fn delta(delta: &str, finish: &str) -> String {
    chunk(&format!(
        r#""choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}],"usage":null"#
    ))
}

#[test]
fn text_comes_as_it_is_said_and_usage_before_the_end() {
    let text = stream(&[
        &delta(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
        &delta(r#"{"content":"Grüß"}"#, "null"),
        &delta(r#"{"content":" \"Gott\"\n"}"#, "null"),
        &delta("{}", r#""stop""#),
        &chunk(
            r#""choices":[],"usage":{"prompt_tokens":20,"completion_tokens":9,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":16,"cache_write_tokens":2,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":4}}"#,
        ),
        "[DONE]",
    ]);
    insta::assert_snapshot!(read_at_every_cut(&OWN, &text), @r"
    text 'Grüß'
    text ' \'Gott\'\n'
    usage 20 (16 read, 2 written) -> 9 (4 thought)
    done Stop gpt-6-luna-2026 chatcmpl-1
    ");
}

#[test]
fn parallel_calls_keep_their_order_though_their_fragments_do_not() {
    let text = stream(&[
        &delta(r#"{"role":"assistant","content":null}"#, "null"),
        &delta(
            r#"{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"weather","arguments":""}}]}"#,
            "null",
        ),
        &delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]}"#, "null"),
        &delta(
            r#"{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"now","arguments":""}}]}"#,
            "null",
        ),
        &delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"\"Rome\"}"}}]}"#, "null"),
        &delta("{}", r#""tool_calls""#),
        "[DONE]",
    ]);
    insta::assert_snapshot!(read_at_every_cut(&OWN, &text), @r"
    call call_a weather {'city':'Rome'}
    call call_b now {}
    done ToolCalls gpt-6-luna-2026 chatcmpl-1
    ");
}

/// Calls as servers other than OpenAI write them, and what is made of them.
#[test]
fn calls_of_other_servers_are_told_apart() {
    let calls = |fragments: &[&str]| {
        let mut events: Vec<String> = fragments
            .iter()
            .map(|it| format!(r#"{{"id":"x","choices":[{{"delta":{{"tool_calls":[{it}]}}}}]}}"#))
            .collect();
        events.push(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#.to_owned());
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        read_at_every_cut(&OTHER, &stream(&events))
    };
    let same_index = calls(&[
        r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"n\":1}"}}"#,
        r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{\"n\":2}"}}"#,
    ]);
    insta::assert_snapshot!(same_index, @r"
    call a f {'n':1}
    call b f {'n':2}
    done ToolCalls m x
    ");
    let same_id = calls(&[
        r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"n\""}}"#,
        r#"{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}"#,
    ]);
    insta::assert_snapshot!(same_id, @r"
    call a f {'n':1}
    done ToolCalls m x
    ");
    let nameless = calls(&[
        r#"{"function":{"name":"f","arguments":{"n":1}}},{"function":{"name":"f","arguments":{}}}"#,
    ]);
    insta::assert_snapshot!(nameless, @r"
    call x-0 f {'n':1}
    call x-1 f {}
    done ToolCalls m x
    ");
    let twice = calls(&[
        r#"{"index":0,"id":"a","function":{"name":"f","arguments":"null"}}"#,
        r#"{"index":1,"id":"a","function":{"name":"g"}}"#,
    ]);
    insta::assert_snapshot!(twice, @r"
    call a f {}
    call x-1 g {}
    done ToolCalls m x
    ");
}

#[test]
fn a_call_that_is_not_whole_is_no_call() {
    let call = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"f","arguments":"{\"n"}}]}"#;
    let end = |finish: &str| {
        read_at_every_cut(&OWN, &stream(&[&delta(call, "null"), &delta("{}", finish), "[DONE]"]))
    };
    insta::assert_snapshot!(end(r#""tool_calls""#), @"transient garbled: the answer makes no sense: the arguments of a tool call are no JSON");
    insta::assert_snapshot!(end(r#""length""#), @r"
    call a f {}
    done Length gpt-6-luna-2026 chatcmpl-1
    ");
    for (arguments, why) in [("[]", "no object"), ("1", "no object"), ("{} {}", "no JSON")] {
        assert!(call::arguments(arguments).is_err_and(|error| error.message.ends_with(why)));
    }
}

#[test]
fn calls_are_bounded_in_number_and_bytes() {
    let many = |count: usize| {
        let calls: Vec<String> =
            (0..count).map(|at| format!(r#"{{"index":{at},"function":{{"name":"f"}}}}"#)).collect();
        let call = format!(r#"{{"tool_calls":[{}]}}"#, calls.join(","));
        let text = stream(&[&delta(&call, "null"), "[DONE]"]);
        read(&OWN, &[text.as_bytes()])
    };
    assert_eq!((many(256).0.len(), many(256).1), (257, None));
    assert_eq!(many(257).1, Some(garbled("there are too many tool calls")));
    let long = |pieces: usize| {
        let piece = format!(
            r#"{{"tool_calls":[{{"index":0,"function":{{"name":"f","arguments":"{}"}}}}]}}"#,
            " ".repeat((1 << 20) - 1)
        );
        let events = vec![delta(&piece, "null"); pieces];
        let text = stream(&events.iter().map(String::as_str).collect::<Vec<_>>());
        read(&OWN, &[text.as_bytes(), b"data: [DONE]\n\n"]).1
    };
    assert_eq!(long(8), None);
    assert_eq!(long(9), Some(garbled("tool calls are too long")));
}

#[test]
fn a_refusal_is_told_and_is_a_refusal() {
    let text = stream(&[
        &delta(r#"{"role":"assistant","content":null,"refusal":"I will"}"#, "null"),
        &delta(r#"{"refusal":" not."}"#, "null"),
        &delta("{}", r#""stop""#),
        "[DONE]",
    ]);
    insta::assert_snapshot!(read_at_every_cut(&OWN, &text), @r"
    text 'I will'
    text ' not.'
    done Refusal gpt-6-luna-2026 chatcmpl-1
    ");
    let text = stream(&[&delta(r#"{"content":"A"}"#, r#""content_filter""#), "[DONE]"]);
    insta::assert_snapshot!(read_at_every_cut(&OWN, &text), @r"
    text 'A'
    done ContentFilter gpt-6-luna-2026 chatcmpl-1
    ");
}

#[test]
fn other_servers_leave_out_much() {
    // vLLM: thoughts, usage on every chunk; no name of a model; other choices.
    let text = stream(&[
        r#"{"choices":[{"index":0,"delta":{"reasoning":"Hm"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Yes","reasoning":null}},{"index":1,"delta":{"content":"No"}}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","stop_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
    ]);
    insta::assert_snapshot!(read_at_every_cut(&OTHER, &text), @r"
    reasoning 'Hm'
    usage 3 (0 read, 0 written) -> 1 (0 thought)
    text 'Yes'
    usage 3 (0 read, 0 written) -> 2 (0 thought)
    done Stop m -
    ");
    // llama.cpp: `reasoning_content`, timings. Then one that ends without a reason.
    let text = stream(&[
        r#"{"choices":[{"delta":{"reasoning_content":"Hm","content":null}}],"timings":{"n":1}}"#,
        r#"{"choices":[{"delta":{"content":[{"type":"text","text":"Ye"},{"type":"text","text":"s"},{"type":"new"}]}}]}"#,
        "[DONE]",
    ]);
    insta::assert_snapshot!(shown_of(&text), @r"
    reasoning 'Hm'
    text 'Yes'
    done Stop m -
    ");
    assert_eq!(shown_of("data: [DONE]\n\n"), "transient cut: the answer broke off before its end");
}

fn shown_of(text: &str) -> String {
    let (chunks, error) = read(&OTHER, &[text.as_bytes()]);
    shown(&chunks, error)
}

#[test]
fn an_error_in_the_stream_is_the_error() {
    let after = |event: &str| {
        let text = stream(&[&delta(r#"{"content":"A"}"#, "null"), event, "[DONE]"]);
        read_at_every_cut(&OWN, &text)
    };
    insta::assert_snapshot!(after(r#"{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}"#), @r"
    text 'A'
    transient server_error: The server had an error
    ");
    insta::assert_snapshot!(after(r#"{"error":{"message":"Slow","type":"rate_limit_error","code":429}}"#), @r"
    text 'A'
    rate-limit 429 rate_limit_error: Slow
    ");
    insta::assert_snapshot!(after(r#"{"object":"error","message":"","type":"InternalServerError","param":null,"code":500}"#), @r"
    text 'A'
    transient 500 InternalServerError: the provider answered with status 500
    ");
    insta::assert_snapshot!(after(r#"{"error":"out of memory"}"#), @r"
    text 'A'
    transient in-stream: out of memory
    ");
    let stray = "error: {\"code\":400,\"message\":\"the request exceeds the available context size\",\"type\":\"exceed_context_size_error\"}\n\n";
    insta::assert_snapshot!(read_at_every_cut(&OTHER, stray), @"context-too-long 400 exceed_context_size_error: the request exceeds the available context size");
}

#[test]
fn nonsense_is_an_error_and_shows_none_of_its_bytes() {
    for event in [
        "{",
        "null",
        "<html>",
        r#"{"choices":{}}"#,
        r#"{"choices":[{"delta":{"content":7}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":[]}}]}}]}"#,
        r#"{"usage":{"prompt_tokens":-1}}"#,
        &"[".repeat(100_000),
        &format!(r#"{{"error":{}"#, "{\"a\":".repeat(100_000)),
    ] {
        let (_, error) = read(&OWN, &[stream(&[event, "[DONE]"]).as_bytes()]);
        let error = error.unwrap_or_else(|| panic!("{event:.40} was read"));
        assert_eq!((error.class, error.code.as_str()), (Class::Transient, "garbled"));
        assert!(!error.message.contains("html"));
    }
}

#[test]
fn a_whole_answer_says_the_same() {
    let answer = |choice: &str| {
        let body = format!(
            r#"{{"id":"chatcmpl-2","object":"chat.completion","model":"gpt","choices":[{choice}],"usage":{{"prompt_tokens":5,"completion_tokens":7,"prompt_tokens_details":{{"cached_tokens":9}}}}}}"#
        );
        match OWN.answer(&route(), body.as_bytes()) {
            Ok(chunks) => shown(&chunks, None),
            Err(error) => told(&error),
        }
    };
    insta::assert_snapshot!(answer(r#"{"index":0,"message":{"role":"assistant","reasoning":"Hm","content":"Yes","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"n\":1}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}"#), @r"
    reasoning 'Hm'
    text 'Yes'
    usage 5 (5 read, 0 written) -> 7 (0 thought)
    call a f {'n':1}
    call b f {}
    done ToolCalls gpt chatcmpl-2
    ");
    insta::assert_snapshot!(answer(r#"{"message":{"content":null},"finish_reason":"length"}"#), @r"
    usage 5 (5 read, 0 written) -> 7 (0 thought)
    done Length gpt chatcmpl-2
    ");
    insta::assert_snapshot!(answer(""), @"transient garbled: the answer makes no sense: there is no answer in it");
    let page = OWN.answer(&route(), b"<html>").expect_err("no JSON");
    assert_eq!(page.code, "garbled");
}

#[test]
fn a_request_is_written_with_every_part_of_a_conversation() {
    let mut request = conversation("p/m", json!({"id": "rs"}));
    request.stream = true;
    request.max_tokens = Some(100);
    request.temperature = Some(0.5);
    request.top_p = Some(0.25);
    request.stop = vec!["END".to_owned()];
    request.thinking = Some(Thinking::Low);
    request.output_schema = Some(json!({"type": "object"}));
    insta::assert_snapshot!(written(&OWN, &request, &route()), @r"
    POST /chat/completions
    model: 'm'
    messages:
      {'role':'system','content':'Be brief.'}
      {'role':'user','content':[{'type':'text','text':'What is this?'},{'type':'image_url','image_url':{'url':'data:image/png;base64,QUJD'}},{'type':'file','file':{'filename':'file.pdf','file_data':'data:application/pdf;base64,QUJD'}}]}
      {'role':'assistant','content':'Let me look.','tool_calls':[{'id':'c1','type':'function','function':{'name':'weather','arguments':'{\'city\':\'Rome\'}'}},{'id':'c2','type':'function','function':{'name':'weather','arguments':'{\'city\':\'Oslo\'}'}}]}
      {'role':'tool','tool_call_id':'c1','content':'sunny'}
      {'role':'tool','tool_call_id':'c2','content':'error: no such city'}
      {'role':'user','content':[{'type':'text','text':'Pictures of the result of `c1`:'},{'type':'image_url','image_url':{'url':'data:image/png;base64,QUJD'}}]}
      {'role':'user','content':'And now?'}
    tools:
      {'type':'function','function':{'name':'weather','description':'Tells the weather.','parameters':{'type':'object'}}}
    tool_choice: {'type':'function','function':{'name':'weather'}}
    response_format: {'type':'json_schema','json_schema':{'name':'answer','schema':{'type':'object'},'strict':false}}
    max_completion_tokens: 100
    temperature: 0.5
    top_p: 0.25
    stop:
      'END'
    reasoning_effort: 'low'
    stream: true
    stream_options: {'include_usage':true}
    ");
}

#[test]
fn a_question_is_written_with_nothing_but_it() {
    let mut request = question();
    insta::assert_snapshot!(written(&OWN, &request, &route()), @r"
    POST /chat/completions
    model: 'm'
    messages:
      {'role':'user','content':'Hi'}
    ");
    request.max_tokens = Some(9);
    request.messages[0].name = Some("ann".to_owned());
    request.stop = vec!["a".to_owned(); 5];
    request.tool_choice = ToolChoice::Forbidden;
    insta::assert_snapshot!(written(&OTHER, &request, &route()), @r"
    POST /chat/completions
    model: 'm'
    messages:
      {'role':'user','name':'ann','content':'Hi'}
    max_tokens: 9
    stop:
      'a'
      'a'
      'a'
      'a'
      'a'
    ");
    insta::assert_snapshot!(written(&OWN, &request, &route()), @"caller-fault invalid: `stop` has 5 texts, and OpenAI takes 0 to 4");
    request.stop.pop();
    request.messages[0].name = Some("Ann Bee".to_owned());
    insta::assert_snapshot!(written(&OWN, &request, &route()), @r"caller-fault invalid: `messages[0].name` has more than 64 characters, blanks or one of `<|\/>`, which OpenAI does not take");
}

#[test]
fn only_a_closed_schema_is_strict() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let open =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let partly = json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"], "additionalProperties": false});
    let list = |item: &Value| json!({"type": "array", "items": item, "anyOf": [item]});
    assert!(write::is_strict(&closed) && write::is_strict(&list(&closed)));
    for schema in [open, partly] {
        assert!(!write::is_strict(&schema) && !write::is_strict(&list(&schema)), "{schema}");
    }
}

#[test]
fn the_key_and_the_organisation_are_in_headers_that_no_log_shows() {
    let mut headers = HeaderMap::new();
    OWN.authorize("sk-1", Some("org-1"), &mut headers).expect("plain");
    assert_eq!(headers[AUTHORIZATION], "Bearer sk-1");
    assert_eq!(headers[ORGANIZATION], "org-1");
    assert!(headers.values().all(HeaderValue::is_sensitive));
    let error = OWN.authorize("a\nb", None, &mut headers).expect_err("a header of two lines");
    assert_eq!(error.class, Class::Auth);
    let mut headers = HeaderMap::new();
    OTHER.authorize("", None, &mut headers).expect("none is needed");
    assert!(headers.is_empty());
}

#[test]
fn every_error_has_its_class() {
    let told = |status: u16, body: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", HeaderValue::from_static("req_1"));
        told(&OWN.error(status, &headers, body.as_bytes()))
    };
    let error = |status: u16, code: &str, message: &str| {
        let code = if code.is_empty() { "null".to_owned() } else { format!("{code:?}") };
        let body = format!(
            r#"{{"error":{{"message":"{message}","type":"invalid_request_error","param":null,"code":{code}}}}}"#
        );
        told(status, &body)
    };
    let lines = [
        error(400, "", "Bad"),
        error(400, "context_length_exceeded", "Long"),
        error(400, "", "This model's maximum context length is 8192 tokens"),
        error(400, "invalid_prompt", "No"),
        error(401, "invalid_api_key", "Incorrect API key provided: sk-ab***yz. Find yours."),
        error(403, "unsupported_country_region_territory", "Not there"),
        error(403, "", "You are not allowed"),
        error(404, "model_not_found", "The model `x` does not exist"),
        error(429, "rate_limit_exceeded", "Rate limit reached"),
        error(429, "rate_limit_exceeded", "Request too large for gpt-4o on tokens per min"),
        error(429, "insufficient_quota", "Pay"),
        error(429, "credit_balance_exhausted", "Pay"),
        error(429, "slow_down", "Slower"),
        error(500, "", "Oops"),
        error(503, "server_is_overloaded", "Later"),
        told(
            404,
            r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error","param":null,"code":null}}"#,
        ),
        told(
            404,
            r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#,
        ),
        told(
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_ctx":4}}"#,
        ),
        told(401, r#"{"error":"unauthorized"}"#),
        told(402, "{}"),
        told(404, "<html>"),
        told(302, ""),
        told(413, ""),
        told(502, "<html>"),
        told(418, "\u{0}"),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    caller-fault 400 invalid_request_error: Bad [req_1]
    context-too-long 400 context_length_exceeded: Long [req_1]
    context-too-long 400 invalid_request_error: This model's maximum context length is 8192 tokens [req_1]
    policy 400 invalid_prompt: No [req_1]
    auth 401 invalid_api_key: Incorrect API key provided: … Find yours. [req_1]
    region 403 unsupported_country_region_territory: Not there [req_1]
    auth 403 invalid_request_error: You are not allowed [req_1]
    model-gone 404 model_not_found: The model `x` does not exist [req_1]
    rate-limit 429 rate_limit_exceeded: Rate limit reached [req_1]
    context-too-long 429 rate_limit_exceeded: Request too large for gpt-4o on tokens per min [req_1]
    quota 429 insufficient_quota: Pay [req_1]
    quota 429 credit_balance_exhausted: Pay [req_1]
    rate-limit 429 slow_down: Slower [req_1]
    transient 500 invalid_request_error: Oops [req_1]
    transient 503 server_is_overloaded: Later [req_1]
    model-gone 404 api_error: model "x" not found, try pulling it first [req_1]
    model-gone 404 NotFoundError: The model `x` does not exist. [req_1]
    context-too-long 400 exceed_context_size_error: the request exceeds the available context size [req_1]
    auth 401 http-401: unauthorized [req_1]
    quota 402 http-402: the provider answered with status 402 [req_1]
    model-gone 404 http-404: there is no such interface at this address (status 404): check the base URL [req_1]
    model-gone 302 http-302: there is no such interface at this address (status 302): check the base URL [req_1]
    context-too-long 413 http-413: the provider answered with status 413 [req_1]
    transient 502 http-502: the provider answered with status 502 [req_1]
    caller-fault 418 http-418: the provider answered with status 418 [req_1]
    "#);
}

#[test]
fn models_are_listed_with_what_is_known_of_them() {
    let list = OWN.list(None);
    assert_eq!((list.method, list.path.as_str()), (Method::GET, "/models"));
    let body = br#"{"object":"list","data":[{"id":"a","object":"model"},{"id":"b","max_model_len":8},{"id":"c","meta":{"n_ctx_train":9}}]}"#;
    let (models, next) = OWN.listed(body).expect("a list");
    let known: Vec<_> = models.iter().map(|it| (it.name.as_str(), it.context_tokens)).collect();
    assert_eq!((known, next), (vec![("a", None), ("b", Some(8)), ("c", Some(9))], None));
    assert_eq!(OTHER.listed(br#"{"object":"list","data":null}"#), Ok((Vec::new(), None)));
    assert!(OTHER.listed(br#"{"data":[{"id":1}]}"#).is_err());
    assert!(OWN.count(&question(), &route()).is_none());
    let whole = OWN.write(&question(), &route()).expect("plain");
    assert_eq!(whole.headers[ACCEPT], "application/json");
    assert_eq!(pretty(&whole.body).lines().count(), 3);
}
