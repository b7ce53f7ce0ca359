use http::header::ACCEPT;
use serde_json::{Value, json};

use super::*;
use crate::chat::{Class, Thinking, ToolChoice};
use crate::provider::golden::{
    conversation, pretty, question, read, read_at_every_cut, route, shown, told, written,
};

/// A stream of these events, numbered as OpenAI does.
fn stream(events: &[Value]) -> String {
    let numbered = events.iter().enumerate().map(|(at, event)| {
        let mut event = event.clone();
        event["sequence_number"] = json!(at);
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("none"))
    });
    numbered.collect()
}

fn created() -> Value {
    let response =
        json!({"id": "resp_1", "model": "gpt-6-sol-2026", "status": "in_progress", "output": []});
    json!({"type": "response.created", "response": response})
}

fn end(status: &str, rest: Value) -> Value {
    let mut response = json!({
        "id": "resp_1", "model": "gpt-6-sol-2026", "status": status, "output": [], "error": null,
        "usage": {
            "input_tokens": 30, "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 5},
            "output_tokens": 12, "output_tokens_details": {"reasoning_tokens": 8}, "total_tokens": 42,
        },
    });
    for (name, value) in rest.as_object().into_iter().flatten() {
        response[name] = value.clone();
    }
    json!({"type": format!("response.{status}"), "response": response})
}

fn delta(kind: &str, text: &str) -> Value {
    json!({"type": kind, "item_id": "i", "output_index": 0, "content_index": 0, "delta": text})
}

fn added() -> Value {
    json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "i"}})
}

fn done(item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": 0, "item": item})
}

fn message(text: &str) -> Value {
    let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content})
}

fn thought(summary: &[&str]) -> Value {
    let summary: Value =
        summary.iter().map(|text| json!({"type": "summary_text", "text": text})).collect();
    json!({"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": "gAAA"})
}

fn call(id: &str, arguments: &str) -> Value {
    json!({"id": "fc_1", "type": "function_call", "call_id": id, "name": "weather", "arguments": arguments, "status": "completed"})
}

#[test]
fn thoughts_text_and_parallel_calls_come_in_their_order() {
    let mut last = message("Let me look.");
    last["phase"] = json!("commentary");
    let text = stream(&[
        created(),
        json!({"type": "response.in_progress", "response": {"id": "resp_1"}}),
        added(),
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 0}),
        delta("response.reasoning_summary_text.delta", "They"),
        delta("response.reasoning_summary_text.delta", " ask."),
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 1}),
        delta("response.reasoning_summary_text.delta", "So."),
        done(&thought(&["They ask.", "So."])),
        added(),
        json!({"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}}),
        delta("response.output_text.delta", "Let me "),
        delta("response.output_text.delta", "look."),
        json!({"type": "response.output_text.done", "text": "Let me look."}),
        done(&last),
        added(),
        delta("response.function_call_arguments.delta", "{\"city\":"),
        done(&call("call_a", "{\"city\":\"Rome\"}")),
        added(),
        done(&call("call_b", "")),
        json!({"type": "response.something_new", "delta": {"a": 1}}),
        end(
            "completed",
            json!({"output": [thought(&["They ask."]), last, call("call_a", "{}"), call("call_b", "")]}),
        ),
    ]);
    insta::assert_snapshot!(read_at_every_cut(&Responses, &text), @r"
    reasoning 'They'
    reasoning ' ask.'
    reasoning '\n\n'
    reasoning 'So.'
    opaque of p/m {'id':'rs_1','type':'reasoning','summary':[{'type':'summary_text','text':'They ask.'},{'type':'summary_text','text':'So.'}],'encrypted_content':'gAAA'}
    text 'Let me '
    text 'look.'
    opaque of p/m {'phase':'commentary'}
    call call_a weather {'city':'Rome'}
    call call_b weather {}
    usage 30 (20 read, 5 written) -> 12 (8 thought)
    done ToolCalls gpt-6-sol-2026 resp_1
    ");
}

#[test]
fn what_had_no_deltas_is_read_from_what_is_done() {
    let text = stream(&[created(), added(), done(&message("Whole.")), end("completed", json!({}))]);
    insta::assert_snapshot!(read_at_every_cut(&Responses, &text), @r"
    text 'Whole.'
    usage 30 (20 read, 5 written) -> 12 (8 thought)
    done Stop gpt-6-sol-2026 resp_1
    ");
    let output = json!({"output": [thought(&["Hm."]), message("Late."), call("c", "{}")]});
    let text = stream(&[end("completed", output.clone())]);
    let late = read_at_every_cut(&Responses, &text);
    insta::assert_snapshot!(late, @r"
    reasoning 'Hm.'
    opaque of p/m {'id':'rs_1','type':'reasoning','summary':[{'type':'summary_text','text':'Hm.'}],'encrypted_content':'gAAA'}
    text 'Late.'
    call c weather {}
    usage 30 (20 read, 5 written) -> 12 (8 thought)
    done ToolCalls gpt-6-sol-2026 resp_1
    ");
    let whole = end("completed", output)["response"].to_string();
    let whole = Responses.answer(&route(), whole.as_bytes()).expect("an answer");
    assert_eq!(shown(&whole, None), late, "a whole answer says the same");
    // Heard, but never done: it is not said again.
    let heard = stream(&[
        delta("response.output_text.delta", "Late."),
        end("completed", json!({"output": [message("Late.")]})),
    ]);
    insta::assert_snapshot!(read_at_every_cut(&Responses, &heard), @r"
    text 'Late.'
    usage 30 (20 read, 5 written) -> 12 (8 thought)
    done Stop gpt-6-sol-2026 resp_1
    ");
}

#[test]
fn every_end_has_its_word() {
    let ended = |events: &[Value]| read_at_every_cut(&Responses, &stream(events));
    let mut half = call("call_a", "{\"ci");
    half["status"] = json!("incomplete");
    let reason = |word: &str| json!({"incomplete_details": {"reason": word}, "usage": null});
    insta::assert_snapshot!(ended(&[done(&half), end("incomplete", reason("max_output_tokens"))]), @"done Length gpt-6-sol-2026 resp_1");
    insta::assert_snapshot!(ended(&[end("incomplete", reason("content_filter"))]), @"done ContentFilter gpt-6-sol-2026 resp_1");
    insta::assert_snapshot!(ended(&[delta("response.refusal.delta", "No."), end("completed", json!({"usage": null}))]), @r"
    text 'No.'
    done Refusal gpt-6-sol-2026 resp_1
    ");
    let error = |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
    insta::assert_snapshot!(ended(&[created(), end("failed", error("server_error", "Oops"))]), @"transient server_error: Oops [resp_1]");
    insta::assert_snapshot!(ended(&[created(), end("failed", error("rate_limit_exceeded", "Slower"))]), @"rate-limit rate_limit_exceeded: Slower [resp_1]");
    insta::assert_snapshot!(ended(&[end("failed", error("invalid_request_error", "Odd"))]), @"caller-fault invalid_request_error: Odd [resp_1]");
    insta::assert_snapshot!(ended(&[end("failed", error("bio_policy", "No"))]), @"policy bio_policy: No [resp_1]");
    insta::assert_snapshot!(ended(&[json!({"type": "error", "code": "server_is_overloaded", "message": "Later", "param": null})]), @"transient server_is_overloaded: Later");
    insta::assert_snapshot!(ended(&[json!({"type": "error", "error": {"type": "invalid_request_error", "code": "context_length_exceeded", "message": "Long"}})]), @"context-too-long context_length_exceeded: Long");
    insta::assert_snapshot!(ended(&[created()]), @"transient cut: the answer broke off before its end");
    insta::assert_snapshot!(ended(&[json!({"type": "response.completed", "response": {"status": "cancelled"}})]), @"transient cancelled: the provider cancelled its answer");
}

#[test]
fn nonsense_is_an_error() {
    let mut broken = call("a", "{\"n");
    for event in [
        json!({"type": "response.output_item.done"}),
        json!({"type": "response.completed"}),
        json!({"type": 1}),
        done(&broken),
        done(&json!({"type": "function_call", "call_id": "a", "arguments": "{}"})),
        done(&json!({"type": "message", "content": "text"})),
        done(&json!([])),
        json!({"type": "response.completed", "response": {"usage": {"input_tokens": "many"}}}),
    ] {
        let (_, error) = read(&Responses, &[stream(std::slice::from_ref(&event)).as_bytes()]);
        let error = error.unwrap_or_else(|| panic!("{event} was read"));
        assert_eq!((error.class, error.code.as_str()), (Class::Transient, "garbled"), "{event}");
    }
    broken["arguments"] = json!(" ".repeat((1 << 20) - 1));
    let calls = |count: usize| {
        let text =
            stream(&[vec![done(&broken); count], vec![end("completed", json!({}))]].concat());
        read(&Responses, &[text.as_bytes()]).1.map(|error| error.message)
    };
    assert_eq!(calls(8), None);
    assert!(calls(9).is_some_and(|why| why.ends_with("tool calls are too long")));
    broken["arguments"] = json!("");
    assert!(read(&Responses, &[stream(&vec![done(&broken); 257]).as_bytes()]).1.is_some());
    for body in ["", "<html>", "{}", "[]", r#"{"output":1}"#] {
        assert!(Responses.answer(&route(), body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_request_is_written_with_every_part_of_a_conversation() {
    let mut request = conversation("p/m", thought(&[]));
    request.stream = true;
    request.max_tokens = Some(100);
    request.temperature = Some(0.5);
    request.top_p = Some(0.25);
    request.thinking = Some(Thinking::High);
    request.output_schema = Some(json!({"type": "string"}));
    insta::assert_snapshot!(written(&Responses, &request, &route()), @r"
    POST /responses
    model: 'm'
    input:
      {'role':'system','content':[{'type':'input_text','text':'Be brief.'}]}
      {'role':'user','content':[{'type':'input_text','text':'What is this?'},{'type':'input_image','image_url':'data:image/png;base64,QUJD'},{'type':'input_file','filename':'file.pdf','file_data':'data:application/pdf;base64,QUJD'}]}
      {'id':'rs_1','type':'reasoning','summary':[],'encrypted_content':'gAAA'}
      {'role':'assistant','content':'Let me look.'}
      {'type':'function_call','call_id':'c1','name':'weather','arguments':'{\'city\':\'Rome\'}'}
      {'type':'function_call','call_id':'c2','name':'weather','arguments':'{\'city\':\'Oslo\'}'}
      {'type':'function_call_output','call_id':'c1','output':[{'type':'input_text','text':'sunny'},{'type':'input_image','image_url':'data:image/png;base64,QUJD'}]}
      {'type':'function_call_output','call_id':'c2','output':'error: no such city'}
      {'role':'user','content':[{'type':'input_text','text':'And now?'}]}
    tools:
      {'type':'function','name':'weather','description':'Tells the weather.','parameters':{'type':'object'},'strict':false}
    tool_choice: {'type':'function','name':'weather'}
    text: {'format':{'type':'json_schema','name':'answer','schema':{'type':'string'},'strict':true}}
    reasoning: {'effort':'high'}
    max_output_tokens: 100
    temperature: 0.5
    top_p: 0.25
    store: false
    include:
      'reasoning.encrypted_content'
    stream: true
    ");
}

#[test]
fn what_only_another_route_understands_is_left_out() {
    let mut request = conversation("p/other", thought(&[]));
    let text = written(&Responses, &request, &route());
    assert!(!text.contains("gAAA") && !text.contains("theirs"), "{text}");
    request.stop = vec!["END".to_owned()];
    insta::assert_snapshot!(written(&Responses, &request, &route()), @"caller-fault invalid: `stop` has texts, and OpenAI's Responses takes none: use the kind `openai`");
}

/// What was read goes back as it came, whatever joined it in between.
#[test]
fn an_answer_goes_back_as_it_came() {
    let mut said = message("Hm");
    said["phase"] = json!("final_answer");
    let text = stream(&[
        done(&thought(&[])),
        done(&thought(&["B"])),
        done(&said),
        done(&message("Second")),
        done(&call("c", "{\"a\":1}")),
        end("completed", json!({})),
    ]);
    let mut assembly = crate::chat::Assembly::default();
    let (chunks, error) = read(&Responses, &[text.as_bytes()]);
    assert_eq!(error, None);
    chunks.into_iter().for_each(|chunk| assembly.add(chunk));
    let mut request = question();
    request.messages.push(assembly.finish("p").expect("it is whole").message);
    request.tool_choice = ToolChoice::Auto;
    insta::assert_snapshot!(written(&Responses, &request, &route()), @r"
    POST /responses
    model: 'm'
    input:
      {'role':'user','content':[{'type':'input_text','text':'Hi'}]}
      {'id':'rs_1','type':'reasoning','summary':[],'encrypted_content':'gAAA'}
      {'id':'rs_1','type':'reasoning','summary':[{'type':'summary_text','text':'B'}],'encrypted_content':'gAAA'}
      {'role':'assistant','content':'Hm','phase':'final_answer'}
      {'role':'assistant','content':'Second'}
      {'type':'function_call','call_id':'c','name':'weather','arguments':'{\'a\':1}'}
    store: false
    include:
      'reasoning.encrypted_content'
    ");
}

#[test]
fn tokens_are_counted_of_what_is_read() {
    let mut request = question();
    request.max_tokens = Some(5);
    request.thinking = Some(Thinking::Off);
    let asked = Responses.count(&request, &route()).expect("it counts").expect("it is plain");
    assert_eq!(
        (asked.path.as_str(), &asked.headers[ACCEPT]),
        ("/responses/input_tokens", &"application/json".parse().expect("plain"))
    );
    insta::assert_snapshot!(pretty(&asked.body), @r"
    model: 'm'
    input:
      {'role':'user','content':[{'type':'input_text','text':'Hi'}]}
    reasoning: {'effort':'none'}
    ");
    let counted = |body: &str| Responses.counted(body.as_bytes());
    assert_eq!(counted(r#"{"object":"response.input_tokens","input_tokens":11}"#), Ok(11));
    assert!(counted("{}").is_err() && counted(r#"{"input_tokens":-1}"#).is_err());
}

#[test]
fn the_rest_is_as_chat_completions_have_it() {
    let error = Responses.error(
        429,
        &HeaderMap::new(),
        br#"{"error":{"message":"Pay","type":"insufficient_quota","code":"insufficient_quota"}}"#,
    );
    insta::assert_snapshot!(told(&error), @"quota 429 insufficient_quota: Pay");
    assert_eq!(Responses.list(None).path, "/models");
    assert_eq!(Responses.listed(br#"{"data":[]}"#), Ok((Vec::new(), None)));
}
