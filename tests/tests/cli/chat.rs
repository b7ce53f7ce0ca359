//! `ax chat`: a model that a test plays, the installed tools, and what is kept of it.

use ax_tests::home::Home;
use ax_tests::program;
use ax_tests::server::{Answer, Heard, Server, answer};
use serde_json::{Value, json};

use crate::setup;

/// Writes the events of a stream as OpenAI does.
pub(crate) fn events(chunks: &[Value]) -> Answer {
    let lines = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    let body = lines.collect::<String>() + "data: [DONE]\n\n";
    Answer::Keep(answer(200, &[("content-type", "text/event-stream")], body))
}

fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "id": "c1", "object": "chat.completion.chunk", "model": "m-1",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}

/// An answer of one text.
pub(crate) fn says(text: &str) -> Answer {
    let usage = json!({ "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 });
    events(&[
        chunk(&json!({ "role": "assistant", "content": text }), None),
        chunk(&json!({}), Some("stop")),
        json!({ "id": "c1", "model": "m-1", "choices": [], "usage": usage }),
    ])
}

/// An answer that calls tools.
fn calls(calls: &[(&str, Value)]) -> Answer {
    let called = calls.iter().enumerate().map(|(index, (name, input))| {
        let function = json!({ "name": name, "arguments": input.to_string() });
        json!({ "index": index, "id": format!("call_{index}"), "type": "function", "function": function })
    });
    let delta = json!({ "role": "assistant", "tool_calls": called.collect::<Vec<_>>() });
    events(&[chunk(&delta, None), chunk(&json!({}), Some("tool_calls"))])
}

pub(crate) fn body(heard: &Heard) -> Value {
    serde_json::from_slice(&heard.body).expect("a request is JSON")
}

/// The last thing that a request says.
fn last(heard: &Heard) -> Value {
    body(heard)["messages"].as_array().and_then(|all| all.last().cloned()).expect("a message")
}

/// A home whose one model is the server.
pub(crate) fn asking(home: Home, server: &Server) -> Home {
    let url = server.url("/v1");
    home.ax(&["provider", "add", "local", "--kind", "compatible", "--url", &url, "--model", "m-1"])
        .ok();
    home
}

#[test]
fn what_a_model_says_is_printed_and_what_it_costs_is_told() {
    let server = Server::new(|_| says("Hello\u{1b}[2J you."));
    let home = asking(Home::new(), &server);
    home.write("prices.toml", "[[model]]\nname = 'm-1'\ninput = 1\noutput = 2\n");
    let file = home.path().join("config.toml");
    let settings = fs_err::read_to_string(&file).expect("settings");
    let prices = home.work().join("prices.toml");
    let routed = format!("{settings}[router]\nprices = '{}'\n", prices.display());
    fs_err::write(&file, routed).expect("written");
    let run = home.ax(&["chat", "Hi", "there"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "Hello[2J you.\n"), "{}", run.stderr);
    assert!(run.stderr.starts_with("[local/m-1, 7 + 3 tokens, $0.000013, "), "{}", run.stderr);
    let asked = body(&server.heard()[0]);
    assert_eq!(asked["messages"], json!([{ "role": "user", "content": "Hi there" }]));
    assert_eq!(asked["stream"], true);
    let told = home.ax(&["chat", "--json", "Hi"]).json();
    assert_eq!(told["text"], "Hello\u{1b}[2J you.");
    assert_eq!(told["answers"][0]["cost"]["microUsd"], 13);
    assert_eq!(told["answers"][0]["attempts"][0]["provider"], "local");
}

#[test]
fn a_conversation_goes_on_where_it_was() {
    let server = Server::new(|heard| {
        says(&format!("{} words", body(heard)["messages"].as_array().map_or(0, Vec::len)))
    });
    let home = asking(Home::new(), &server);
    assert_eq!(home.ax(&["chat", "--continue", "and?"]).code, 3, "there is none");
    let first = home.ax(&["chat", "--json", "one"]).json();
    assert_eq!(home.ax(&["chat", "another"]).stdout, "1 words\n");
    let id = first["conversation"].as_str().expect("an id").to_owned();
    assert_eq!(home.ax(&["chat", &format!("--continue={id}"), "two"]).stdout, "3 words\n");
    assert_eq!(home.ax(&["chat", "--continue", "three"]).stdout, "5 words\n", "the last changed");
    let nobody = "--continue=00000000-0000-0000-0000-000000000000";
    assert_eq!(home.ax(&["chat", nobody, "x"]).code, 3);
    assert_eq!(home.ax(&["chat", "--continue=../../etc/passwd", "x"]).code, 3);
    let file = home.path().join(format!("conversations/{id}.json"));
    fs_err::write(&file, "{\"version\": 2}").expect("written");
    let newer = home.ax(&["chat", &format!("--continue={id}"), "x"]);
    assert!(newer.stderr.contains("written by a newer ax"), "{}", newer.stderr);
    assert_eq!(fs_err::read_to_string(&file).expect("still there"), "{\"version\": 2}");
}

#[test]
fn a_model_calls_the_installed_tools_and_reads_what_they_answer() {
    let server = Server::new(|heard| match last(heard)["role"].as_str() {
        Some("tool") => says("It is done."),
        _ if body(heard)["tools"].is_null() => says("I cannot."),
        _ => calls(&[
            ("test_calc_add", json!({ "a": 2, "b": 3 })),
            ("test_calc_add", json!({ "a": 40, "b": 2 })),
        ]),
    });
    let home = asking(setup::with_calc(), &server);
    let told = home.ax(&["chat", "--json", "2 + 3?"]).json();
    assert_eq!(told["text"], "It is done.");
    let inputs: Vec<_> = told["toolCalls"].as_array().expect("calls").iter().collect();
    assert_eq!(inputs.len(), 2);
    assert!(inputs.iter().all(|call| call["isError"] == false), "{told}");
    let heard = server.heard();
    let messages = body(&heard[1])["messages"].clone();
    let results: Vec<_> = messages.as_array().expect("messages")[2..].to_vec();
    let said: Vec<_> = results.iter().map(|it| (&it["tool_call_id"], &it["content"])).collect();
    assert_eq!(said, [(&json!("call_0"), &json!("5")), (&json!("call_1"), &json!("42"))]);
    let audit = home.ax(&["audit", "tail", "--json"]).stdout;
    assert!(audit.contains("\"who\":\"chat\""), "{audit}");
    assert!(body(&heard[0])["tools"].is_array());
    home.ax(&["chat", "--no-tools", "2 + 3?"]).ok();
    assert!(body(&server.heard()[2])["tools"].is_null(), "no tools were offered");
}

#[test]
fn what_a_tool_may_not_do_is_told_to_the_model_and_not_done() {
    let server = Server::new(|heard| match last(heard)["role"].as_str() {
        Some("tool") => says("A pity."),
        _ => calls(&[("test_env_count", json!({}))]),
    });
    let home = asking(setup::with_env(), &server);
    let run = home.ax(&["chat", "count"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "A pity.\n"), "{}", run.stderr);
    let told = last(&server.heard()[1])["content"].to_string();
    assert!(told.contains("may not") && told.contains("ax permission grant"), "{told}");
}

#[test]
fn a_failing_provider_is_told_with_what_to_type_and_nothing_is_kept() {
    let refusal = |status: u16, kind: &'static str| {
        let body = json!({ "error": { "message": "no", "type": kind, "code": kind } });
        Server::new(move |_| {
            let json = [("content-type", "application/json")];
            Answer::Keep(answer(status, &json, body.to_string()))
        })
    };
    let server = refusal(401, "invalid_api_key");
    let home = asking(Home::new(), &server);
    let run = home.ax(&["chat", "Hi"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("AX-M005") && run.stderr.contains("ax secret set"),
        "{}",
        run.stderr
    );
    let file = fs_err::read_dir(home.path().join("conversations")).expect("a folder").count();
    assert_eq!(file, 0, "nothing was answered");
    let server = refusal(404, "model_not_found");
    let home = asking(Home::new(), &server);
    let told = home.ax(&["chat", "--json", "Hi"]);
    assert_eq!((told.code, &told.json()["details"]["class"]), (3, &json!("model-gone")));
    assert_eq!(told.json()["details"]["attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn without_a_provider_the_line_is_told_that_adds_one() {
    let home = Home::new();
    let run = home.ax(&["chat", "Hi"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("AX-M001") && run.stderr.contains("ax provider add"),
        "{}",
        run.stderr
    );
    assert!(!home.path().join("conversations").exists());
}

#[test]
fn a_file_goes_along_and_what_is_none_is_refused() {
    let server = Server::new(|_| says("Seen."));
    let home = asking(Home::new(), &server);
    home.write("notes.txt", "the notes");
    home.write("a.png", b"\x89PNG\r\n\x1a\nxx");
    home.ax(&["chat", "-f", "notes.txt", "-f", "a.png", "look"]).ok();
    let content = last(&server.heard()[0])["content"].to_string();
    assert!(
        content.contains("notes.txt:\\nthe notes") && content.contains("data:image/png;base64,")
    );
    home.write("noise.bin", b"\xff\x00\xfe");
    assert_eq!(home.ax(&["chat", "-f", "noise.bin", "look"]).code, 2);
    home.write("sound.wav", b"RIFF\x00\x00\x00\x00WAVE\xff");
    assert_eq!(home.ax(&["chat", "-f", "sound.wav", "look"]).code, 2);
    assert_eq!(home.ax(&["chat", "-f", "none.txt", "look"]).code, 3);
    assert_eq!(server.heard().len(), 1, "nothing was asked");
}

#[test]
fn what_is_out_of_bounds_is_refused_before_anybody_is_asked() {
    let server = Server::new(|_| says("Hi."));
    let home = asking(Home::new(), &server);
    for (flag, value, field) in
        [("--temperature", "2.5", "temperature"), ("--max-tokens", "200001", "maxTokens")]
    {
        let run = home.ax(&["chat", flag, value, "Hi"]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("AX-M009") && run.stderr.contains(field), "{}", run.stderr);
    }
    let run = home.ax(&["chat", "--model", "other", "Hi"]);
    assert!(run.code == 2 && run.stderr.contains("ax model list"), "{}", run.stderr);
    assert!(server.heard().is_empty());
}

#[test]
fn questions_on_standard_input_are_answered_line_by_line() {
    let server = Server::new(|heard| says(&last(heard)["content"].to_string()));
    let home = asking(Home::new(), &server);
    let run = home.ax_reading(b"one\n\n  two  \n", &["chat"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "\"one\"\n\"two\"\n"), "{}", run.stderr);
    assert_eq!(body(&server.heard()[1])["messages"].as_array().map(Vec::len), Some(3));
}

#[test]
fn what_may_change_something_is_called_only_if_somebody_agrees() {
    let server = Server::new(|heard| match last(heard)["role"].as_str() {
        Some("tool") => says("So be it."),
        _ => calls(&[("ax_notes_remove", json!({ "id": 1 }))]),
    });
    let home = asking(Home::new(), &server);
    let notes = program::plugin("notes");
    let notes = notes.to_str().expect("a path");
    home.ax(&["plugin", "add", notes, "--allow", "kv"]).ok();
    let run = home.ax(&["chat", "remove it"]);
    assert!(run.stderr.contains("nobody is there to agree"), "{}", run.stderr);
    let told = last(&server.heard()[1])["content"].to_string();
    assert!(told.contains("did not agree"), "{told}");
    let before = home.ax(&["audit", "tail", "--json"]).stdout;
    assert!(!before.contains("\"tool\":\"remove\""), "{before}");
    home.ax(&["--yes", "chat", "remove it"]).ok();
    let after = home.ax(&["audit", "tail", "--json"]).stdout;
    assert!(after.contains("\"tool\":\"remove\""), "{after}");
}

#[test]
fn an_answer_that_says_nothing_does_not_stand_in_the_way() {
    let server = Server::new(|heard| match last(heard)["content"].as_str() {
        Some("nothing") => says(""),
        _ => says("Something."),
    });
    let home = asking(Home::new(), &server);
    home.ax(&["chat", "nothing"]).ok();
    assert_eq!(home.ax(&["chat", "--continue", "more"]).stdout, "Something.\n");
}

#[test]
fn an_answer_that_is_too_long_to_be_sent_back_is_kept_in_part() {
    let server = Server::new(|heard| match last(heard)["content"].as_str() {
        Some("much") => says(&"word ".repeat(220_000)),
        _ => says("Enough."),
    });
    let home = asking(Home::new(), &server);
    let run = home.ax(&["chat", "much"]);
    assert_eq!((run.code, run.stdout.len()), (0, 1_100_001), "all of it is printed");
    assert_eq!(home.ax(&["chat", "--continue", "more"]).stdout, "Enough.\n");
    let sent = body(&server.heard()[1])["messages"][1]["content"].to_string();
    assert!(sent.contains("more bytes were left out]"), "it says that it was cut");
}

#[test]
fn two_programs_do_not_write_over_one_conversation() {
    let server = Server::new(|_| says("Hi."));
    let home = asking(Home::new(), &server);
    let told = home.ax(&["chat", "--json", "one"]).json();
    let id = told["conversation"].as_str().expect("an id");
    let path = home.path().join(format!("conversations/{id}.lock"));
    assert!(!path.exists(), "it is gone with its program");
    let file = fs_err::File::create(&path).expect("a lock");
    file.file().lock().expect("ours");
    let run = home.ax(&["chat", "--continue", "two"]);
    assert!(run.code == 1 && run.stderr.contains("another ax goes on with"), "{}", run.stderr);
    drop(file);
    assert_eq!(
        home.ax(&["chat", "--continue", "two"]).stdout,
        "Hi.\n",
        "a killed one holds nothing"
    );
}

#[test]
fn what_a_killed_program_left_open_is_told_as_unknown() {
    let server = Server::new(|_| says("Hi."));
    let home = asking(Home::new(), &server);
    let id = "01a20265-a823-7d13-a907-fae6f085ce22";
    let call = json!({ "type": "tool-call", "value": { "id": "c1", "name": "t", "input": {} } });
    let messages = json!([
        { "role": "user", "parts": [{ "type": "text", "value": "do it" }] },
        { "role": "assistant", "parts": [call] },
    ]);
    let file = json!({ "version": 1, "id": id, "beganAtMs": 1, "messages": messages });
    fs_err::create_dir_all(home.path().join("conversations")).expect("a folder");
    let path = home.path().join(format!("conversations/{id}.json"));
    fs_err::write(path, file.to_string()).expect("written");
    home.ax(&["chat", "--continue", "and?"]).ok();
    let sent = body(&server.heard()[0])["messages"].to_string();
    assert!(sent.contains("whether it was done is not known"), "{sent}");
}

#[test]
fn a_question_of_any_length_is_no_reason_to_grow() {
    let server = Server::new(|_| says("Hi."));
    let home = asking(Home::new(), &server);
    let line = vec![b'x'; (4 << 20) + 2];
    let run = home.ax_reading(&line, &["chat"]);
    assert!(run.code == 2 && run.stderr.contains("--file"), "{}", run.stderr);
    assert!(server.heard().is_empty());
}
