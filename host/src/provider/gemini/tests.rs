use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::chat::{Assembly, Class, Thinking, ToolChoice};
use crate::provider::golden::{
    conversation, pretty, question, read, read_at_every_cut, route, shown, told, written,
};

/// A stream of these, as Gemini writes it: with CRLF, and no end of its own.
fn stream(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\r\n\r\n")).collect()
}

fn parts(parts: Value) -> Value {
    json!({
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
        "usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 10},
        "modelVersion": "gemini-3.8-flash-002",
        "responseId": "r1",
    })
}

fn end(finish: &str) -> Value {
    json!({
        "candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": finish, "index": 0}],
        "usageMetadata": {
            "promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7,
            "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 2, "totalTokenCount": 24,
        },
        "responseId": "r1",
    })
}

#[test]
fn thoughts_and_text_come_as_they_are_said() {
    let text = stream(&[
        parts(json!([{"text": "Hm", "thought": true}])),
        parts(json!([{"text": "Grüß"}, {"executableCode": {"code": "1"}}])),
        parts(json!([{"text": " Gott"}])),
        end("STOP"),
    ]);
    insta::assert_snapshot!(read_at_every_cut(&Gemini, &text), @r"
    reasoning 'Hm'
    usage 10 (0 read, 0 written) -> 0 (0 thought)
    text 'Grüß'
    text ' Gott'
    usage 12 (4 read, 0 written) -> 12 (7 thought)
    done Stop gemini-3.8-flash-002 r1
    ");
}

#[test]
fn parallel_calls_carry_the_signature_on_the_first() {
    let call = |id: &str, city: &str| json!({"id": id, "name": "weather", "args": {"city": city}});
    let text = stream(&[
        parts(json!([{"functionCall": call("a", "Rome"), "thoughtSignature": "sig"}])),
        parts(json!([{"functionCall": call("b", "Oslo")}, {"functionCall": {"name": "now"}}])),
        end("STOP"),
    ]);
    insta::assert_snapshot!(read_at_every_cut(&Gemini, &text), @r"
    call a weather {'city':'Rome'}
    opaque of p/m {'thoughtSignature':'sig'}
    usage 10 (0 read, 0 written) -> 0 (0 thought)
    call b weather {'city':'Oslo'}
    call r1-2 now {}
    usage 12 (4 read, 0 written) -> 12 (7 thought)
    done ToolCalls gemini-3.8-flash-002 r1
    ");
}

/// Every signature goes back in the part in which it came; parts with and without are not joined.
#[test]
fn an_answer_goes_back_as_it_came() {
    let came = json!([
        {"text": "Think", "thought": true, "thoughtSignature": "s0"},
        {"text": "A"},
        {"text": "B"},
        {"text": "C", "thoughtSignature": "s1"},
        {"text": "D"},
        {"text": "", "thoughtSignature": "s2"},
        {"functionCall": {"id": "a", "name": "f", "args": {"n": 1}}, "thoughtSignature": "s3"},
        {"functionCall": {"id": "b", "name": "f", "args": {}}},
        {"thoughtSignature": "s4"},
        {"thoughtSignature": "s5"},
    ]);
    let (chunks, error) = read(&Gemini, &[stream(&[parts(came), end("STOP")]).as_bytes()]);
    assert_eq!(error, None);
    let mut assembly = Assembly::default();
    chunks.into_iter().for_each(|chunk| assembly.add(chunk));
    let mut request = question();
    request.messages.push(assembly.finish("p").expect("it is whole").message);
    let outgoing = Gemini.write(&request, &route()).expect("it is plain");
    let body: Value = serde_json::from_slice(&outgoing.body).expect("JSON");
    let parts = body["contents"][1]["parts"].as_array().expect("parts");
    let lines: Vec<String> = parts.iter().map(|it| it.to_string().replace('"', "'")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    {'text':'Think','thought':true,'thoughtSignature':'s0'}
    {'text':'AB'}
    {'text':'C','thoughtSignature':'s1'}
    {'text':'D'}
    {'text':'','thoughtSignature':'s2'}
    {'functionCall':{'id':'a','name':'f','args':{'n':1}},'thoughtSignature':'s3'}
    {'functionCall':{'id':'b','name':'f','args':{}}}
    {'text':'','thoughtSignature':'s4'}
    {'text':'','thoughtSignature':'s5'}
    ");
}

#[test]
fn every_end_has_its_word() {
    let ended = |finish: &str| {
        let (chunks, error) = read(&Gemini, &[stream(&[end(finish)]).as_bytes()]);
        shown(&chunks[1.min(chunks.len())..], error)
    };
    let words = [
        "STOP",
        "MAX_TOKENS",
        "CONTINUATION",
        "SAFETY",
        "RECITATION",
        "FINISH_REASON_UNSPECIFIED",
        "FUNCTION_CALL",
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "MISSING_THOUGHT_SIGNATURE",
        "PUP_LIMITED_DISABLED",
    ];
    insta::assert_snapshot!(words.map(ended).join("\n"), @r"
    done Stop m r1
    done Length m r1
    done Length m r1
    done ContentFilter m r1
    done ContentFilter m r1
    done Stop m r1
    done Stop m r1
    transient MALFORMED_FUNCTION_CALL: the model wrote a call that is none
    transient UNEXPECTED_TOOL_CALL: the model called a tool that is not there
    caller-fault MISSING_THOUGHT_SIGNATURE: the signature of an earlier thought is missing
    auth PUP_LIMITED_DISABLED: the account is limited or disabled
    ");
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 3}});
    insta::assert_snapshot!(read_at_every_cut(&Gemini, &stream(&[blocked])), @"policy PROHIBITED_CONTENT: the prompt was blocked");
    assert_eq!(read(&Gemini, &[]).1.expect("cut").code, "cut");
}

#[test]
fn an_error_in_the_stream_is_the_error_in_whatever_form() {
    let error = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    let begun = stream(&[parts(json!([{"text": "A"}]))]);
    let wanted = "text 'A'\nusage 10 (0 read, 0 written) -> 0 (0 thought)\ntransient 503 UNAVAILABLE: The model is overloaded.";
    assert_eq!(
        read_at_every_cut(&Gemini, &(begun.clone() + &stream(std::slice::from_ref(&error)))),
        wanted
    );
    for stray in
        [error.to_string(), format!("[{error}]"), format!("{error:#}"), format!("{error:#}\n")]
    {
        let text = begun.clone() + &stray;
        let (chunks, error) = read(&Gemini, &[text.as_bytes()]);
        assert_eq!(shown(&chunks, error), wanted, "{stray}");
    }
}

#[test]
fn nonsense_is_an_error() {
    for event in [
        "{",
        "null",
        r#"{"candidates":{}}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":1}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":[]}}]}}]}"#,
        r#"{"usageMetadata":{"promptTokenCount":"1"}}"#,
        &"[".repeat(100_000),
    ] {
        let text = format!("data: {event}\n\n");
        let error = read(&Gemini, &[text.as_bytes()]).1.expect("an error");
        assert_eq!(
            (error.class, error.code.as_str()),
            (Class::Transient, "garbled"),
            "{event:.40}"
        );
    }
    let calls = |count: usize| {
        let call = json!({"functionCall": {"name": "f", "args": {"a": "x".repeat((1 << 20) - 8)}}});
        let text = stream(&[vec![parts(json!([call])); count], vec![end("STOP")]].concat());
        read(&Gemini, &[text.as_bytes()]).1.map(|error| error.message)
    };
    assert_eq!(calls(8), None);
    assert!(calls(9).is_some_and(|why| why.ends_with("tool calls are too long")));
    let many = |count: usize| {
        let calls = json!(vec![json!({"functionCall": {"name": "f"}}); count]);
        read(&Gemini, &[stream(&[parts(calls), end("STOP")]).as_bytes()]).1
    };
    assert!(many(256).is_none() && many(257).is_some());
}

#[test]
fn a_whole_answer_says_the_same() {
    let mut whole = end("STOP");
    let said = json!([{"text": "Hm", "thought": true}, {"text": "Yes", "thoughtSignature": "s"}]);
    whole["candidates"][0]["content"]["parts"] = said;
    let answer = |body: &str| match Gemini.answer(&route(), body.as_bytes()) {
        Ok(chunks) => shown(&chunks, None),
        Err(error) => told(&error),
    };
    insta::assert_snapshot!(answer(&whole.to_string()), @r"
    reasoning 'Hm'
    text 'Yes'
    opaque of p/m {'thoughtSignature':'s'}
    usage 12 (4 read, 0 written) -> 12 (7 thought)
    done Stop m r1
    ");
    insta::assert_snapshot!(answer("{}"), @"transient garbled: the answer makes no sense: there is no answer in it");
    insta::assert_snapshot!(answer(r#"{"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"Unsafe"}}"#), @"policy SAFETY: Unsafe");
}

#[test]
fn a_request_is_written_with_every_part_of_a_conversation() {
    let mut request = conversation("p/gemini-3.8-flash", json!({"thoughtSignature": "mine"}));
    request.stream = true;
    request.max_tokens = Some(100);
    request.temperature = Some(0.5);
    request.top_p = Some(0.25);
    request.stop = vec!["END".to_owned()];
    request.thinking = Some(Thinking::Low);
    request.output_schema = Some(json!({"type": "object"}));
    let route = |model: &str| Route { model: model.to_owned(), ..route() };
    insta::assert_snapshot!(written(&Gemini, &request, &route("gemini-3.8-flash")), @r"
    POST /models/gemini-3.8-flash:streamGenerateContent?alt=sse
    systemInstruction: {'parts':[{'text':'Be brief.'}]}
    contents:
      {'role':'user','parts':[{'text':'What is this?'},{'inlineData':{'mimeType':'image/png','data':'QUJD'}},{'inlineData':{'mimeType':'application/pdf','data':'QUJD'}}]}
      {'role':'model','parts':[{'text':'They ask.','thought':true,'thoughtSignature':'mine'},{'text':'Let me look.'},{'functionCall':{'id':'c1','name':'weather','args':{'city':'Rome'}},'thoughtSignature':'skip_thought_signature_validator'},{'functionCall':{'id':'c2','name':'weather','args':{'city':'Oslo'}}}]}
      {'role':'user','parts':[{'functionResponse':{'id':'c1','name':'weather','response':{'output':'sunny'},'parts':[{'inlineData':{'mimeType':'image/png','data':'QUJD'}}]}},{'functionResponse':{'id':'c2','name':'weather','response':{'error':'no such city'}}}]}
      {'role':'user','parts':[{'text':'And now?'}]}
    tools:
      {'functionDeclarations':[{'name':'weather','description':'Tells the weather.','parametersJsonSchema':{'type':'object'}}]}
    toolConfig: {'functionCallingConfig':{'mode':'ANY','allowedFunctionNames':['weather']}}
    generationConfig: {'temperature':0.5,'topP':0.25,'maxOutputTokens':100,'stopSequences':['END'],'responseMimeType':'application/json','responseJsonSchema':{'type':'object'},'thinkingConfig':{'thinkingLevel':'LOW','includeThoughts':true}}
    ");
    request.stream = false;
    request.output_schema = None;
    request.stop = Vec::new();
    request.thinking = Some(Thinking::Off);
    request.tool_choice = ToolChoice::Forbidden;
    insta::assert_snapshot!(written(&Gemini, &request, &route("gemini-2.5-flash")), @r"
    POST /models/gemini-2.5-flash:generateContent
    systemInstruction: {'parts':[{'text':'Be brief.'}]}
    contents:
      {'role':'user','parts':[{'text':'What is this?'},{'inlineData':{'mimeType':'image/png','data':'QUJD'}},{'inlineData':{'mimeType':'application/pdf','data':'QUJD'}}]}
      {'role':'model','parts':[{'text':'Let me look.'},{'functionCall':{'id':'c1','name':'weather','args':{'city':'Rome'}}},{'functionCall':{'id':'c2','name':'weather','args':{'city':'Oslo'}}}]}
      {'role':'user','parts':[{'functionResponse':{'id':'c1','name':'weather','response':{'output':'sunny'}}},{'inlineData':{'mimeType':'image/png','data':'QUJD'}},{'functionResponse':{'id':'c2','name':'weather','response':{'error':'no such city'}}}]}
      {'role':'user','parts':[{'text':'And now?'}]}
    tools:
      {'functionDeclarations':[{'name':'weather','description':'Tells the weather.','parametersJsonSchema':{'type':'object'}}]}
    toolConfig: {'functionCallingConfig':{'mode':'NONE'}}
    generationConfig: {'temperature':0.5,'topP':0.25,'maxOutputTokens':100,'thinkingConfig':{'thinkingBudget':0,'includeThoughts':false}}
    ");
}

#[test]
fn what_gemini_would_refuse_is_not_sent() {
    let mut request = question();
    request.stop = vec!["a".to_owned(); 5];
    assert!(Gemini.write(&request, &route()).is_ok());
    request.stop.push("b".to_owned());
    insta::assert_snapshot!(written(&Gemini, &request, &route()), @"caller-fault invalid: `stop` has 6 texts, and Gemini takes 0 to 5");
}

#[test]
fn no_name_of_a_model_leads_elsewhere() {
    let path = |model: &str| write::model_path(model).map_err(|error| error.class);
    assert_eq!(path("tunedModels/mine"), Ok("tunedModels/mine".to_owned()));
    assert_eq!(path("a?b#c:d e"), Ok("models/a%3Fb%23c%3Ad%20e".to_owned()));
    for model in ["..", "models/..", "a/b/c", "/a", "a/", "."] {
        assert_eq!(path(model), Err(Class::CallerFault), "{model}");
    }
}

#[test]
fn tokens_are_counted_of_the_whole_request() {
    let asked = Gemini.count(&question(), &route()).expect("it counts").expect("it is plain");
    assert_eq!(asked.path, "/models/m:countTokens");
    insta::assert_snapshot!(pretty(&asked.body), @"generateContentRequest: {'contents':[{'role':'user','parts':[{'text':'Hi'}]}],'model':'models/m'}");
    assert_eq!(Gemini.counted(br#"{"totalTokens":31,"promptTokensDetails":[]}"#), Ok(31));
    assert_eq!(Gemini.counted(b"{}"), Ok(0));
    assert!(Gemini.counted(br#"{"totalTokens":"x"}"#).is_err());
}

#[test]
fn models_come_in_pages() {
    assert_eq!(Gemini.list(None).path, "/models?pageSize=1000");
    assert_eq!(Gemini.list(Some("a&b=")).path, "/models?pageSize=1000&pageToken=a%26b%3D");
    let body = br#"{"models":[{"name":"models/gemini-3.8-flash","inputTokenLimit":1048576,"outputTokenLimit":65536}],"nextPageToken":"t"}"#;
    let (models, next) = Gemini.listed(body).expect("a page");
    let row = &models[0];
    assert_eq!((row.name.as_str(), next.as_deref()), ("gemini-3.8-flash", Some("t")));
    assert_eq!((row.context_tokens, row.output_tokens), (Some(1_048_576), Some(65_536)));
    assert_eq!(Gemini.listed(b"{}"), Ok((Vec::new(), None)));
    let long = |chars: usize| format!(r#"{{"nextPageToken":"{}"}}"#, "x".repeat(chars));
    assert!(Gemini.listed(long(2_000).as_bytes()).is_ok());
    assert!(Gemini.listed(long(2_001).as_bytes()).is_err());
}

#[test]
fn the_key_has_a_header_of_its_own() {
    let mut headers = HeaderMap::new();
    Gemini.authorize("AIza", Some("unknown here"), &mut headers).expect("plain");
    assert_eq!((headers.len(), &headers[KEY]), (1, &"AIza".parse().expect("plain")));
    assert!(headers[KEY].is_sensitive());
}

#[test]
fn every_error_has_its_class() {
    let error = |code: u16, status: &str, message: &str, details: Value| {
        let body = json!({"error": {"code": code, "message": message, "status": status, "details": details}});
        let list = Gemini.error(code, &HeaderMap::new(), json!([body]).to_string().as_bytes());
        let one = Gemini.error(code, &HeaderMap::new(), body.to_string().as_bytes());
        assert_eq!(one, list, "a list of one is the same");
        told(&one)
    };
    let info = |reason: &str| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]);
    let retry = |wait: &str| json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": wait});
    let quota = |id: &str, value: &str| json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id, "quotaValue": value}]});
    let per_minute = "GenerateRequestsPerMinutePerProjectPerModel";
    let per_day = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
    let none = || json!([]);
    let lines = [
        error(400, "INVALID_ARGUMENT", "Bad", none()),
        error(400, "INVALID_ARGUMENT", "API key not valid.", info("API_KEY_INVALID")),
        error(400, "INVALID_ARGUMENT", "API key expired.", none()),
        error(
            400,
            "INVALID_ARGUMENT",
            "The input token count (9) exceeds the maximum number of tokens allowed (8).",
            none(),
        ),
        error(
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
            none(),
        ),
        error(400, "FAILED_PRECONDITION", "Enable billing.", none()),
        error(403, "PERMISSION_DENIED", "No", none()),
        error(404, "NOT_FOUND", "models/x is not found", none()),
        error(
            429,
            "RESOURCE_EXHAUSTED",
            "Slower",
            json!([quota(per_minute, "10"), retry("34.5s")]),
        ),
        error(
            429,
            "RESOURCE_EXHAUSTED",
            "Quota. Please retry in 1.5s.",
            json!([quota(per_minute, "10")]),
        ),
        error(
            429,
            "RESOURCE_EXHAUSTED",
            "Quota. Please retry in 10h2m.",
            json!([quota(per_day, "50")]),
        ),
        error(429, "RESOURCE_EXHAUSTED", "Quota", json!([quota(per_minute, "0")])),
        error(
            429,
            "RESOURCE_EXHAUSTED",
            "Slower",
            json!([{"retryDelay": "soon"}, {"violations": 7}]),
        ),
        error(499, "CANCELLED", "Gone", none()),
        error(500, "INTERNAL", "Oops", none()),
        error(503, "UNAVAILABLE", "Overloaded", none()),
        error(504, "DEADLINE_EXCEEDED", "Late", none()),
        told(&Gemini.error(404, &HeaderMap::new(), b"<html>")),
        told(&Gemini.error(502, &HeaderMap::new(), b"")),
        told(&Gemini.error(429, &HeaderMap::new(), b"[]")),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    caller-fault 400 INVALID_ARGUMENT: Bad
    auth 400 INVALID_ARGUMENT: API key not valid.
    auth 400 INVALID_ARGUMENT: API key expired.
    context-too-long 400 INVALID_ARGUMENT: The input token count (9) exceeds the maximum number of tokens allowed (8).
    region 400 FAILED_PRECONDITION: User location is not supported for the API use.
    quota 400 FAILED_PRECONDITION: Enable billing.
    auth 403 PERMISSION_DENIED: No
    model-gone 404 NOT_FOUND: models/x is not found
    rate-limit 429 RESOURCE_EXHAUSTED: Slower (wait 34.5s)
    rate-limit 429 RESOURCE_EXHAUSTED: Quota. Please retry in 1.5s. (wait 1.5s)
    quota 429 RESOURCE_EXHAUSTED: Quota. Please retry in 10h2m. (wait 36120s)
    quota 429 RESOURCE_EXHAUSTED: Quota
    rate-limit 429 RESOURCE_EXHAUSTED: Slower
    transient 499 CANCELLED: Gone
    transient 500 INTERNAL: Oops
    transient 503 UNAVAILABLE: Overloaded
    transient 504 DEADLINE_EXCEEDED: Late
    model-gone 404 http-404: there is no such interface at this address (status 404): check the base URL, which ends in a version
    transient 502 http-502: the provider answered with status 502
    rate-limit 429 http-429: the provider answered with status 429
    ");
    let forever = Gemini.error(
        429,
        &HeaderMap::new(),
        br#"{"error":{"details":[{"retryDelay":"99999999999999999999h"}]}}"#,
    );
    assert!(forever.retry_after.is_some_and(|wait| wait < Duration::from_secs(32 * 24 * 3600)));
}
