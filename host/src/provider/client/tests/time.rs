//! Each of the times, on a clock that stands still until all wait.

use super::*;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Asks a server that hears and then does something, and says what was told and how long it took.
async fn asked(
    acts: Vec<Act>,
    request: Arc<Request>,
    change: impl FnOnce(&mut ProviderConfig, &mut Settings),
) -> (String, Result<Done, Error>, Duration) {
    let server = Server::doing(acts).await;
    let client = client(&server.place(), change);
    let start = tokio::time::Instant::now();
    let (text, done) = told(&client, request).await;
    (text, done, start.elapsed())
}

fn silent() -> Vec<Act> {
    vec![Act::AwaitEnd]
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_is_not_waited_for() {
    let (_, error, took) = asked(silent(), streamed(), |_, it| it.headers = seconds(7)).await;
    let error = error.unwrap_err();
    assert_eq!((error.code.as_str(), error.may_cost), ("timeout-headers", true));
    assert!((seconds(7)..seconds(8)).contains(&took), "{took:?}");
    let (_, error, took) = asked(silent(), whole(), |_, it| it.whole = seconds(7)).await;
    let error = error.unwrap_err();
    assert_eq!((error.code.as_str(), error.may_cost), ("timeout", true));
    assert!((seconds(7)..seconds(8)).contains(&took), "{took:?}");
    let thinking = asking(|it| (it.stream, it.thinking) = (false, Some(Thinking::High)));
    let (_, error, took) = asked(silent(), thinking, |_, it| it.whole = seconds(7)).await;
    assert_eq!(error.unwrap_err().code, "timeout");
    assert!((seconds(14)..seconds(15)).contains(&took), "thoughts take longer: {took:?}");
}

#[test]
fn who_is_not_reached_is_late_before_everybody_else() {
    for timeout_ms in [2, 1_000, 10_000, 60_000] {
        let config = ProviderConfig { timeout_ms, ..ProviderConfig::new("a", Kind::Claude) };
        let Settings { connect, headers, whole, .. } = Settings::of(&config);
        assert!(connect < headers && connect < whole && connect <= seconds(10));
    }
    assert!(!fault::Late::Connect.error().may_cost);
}

#[tokio::test(start_paused = true)]
async fn pings_are_no_words() {
    let ping = chunked("event: ping\ndata: {\"type\":\"ping\"}\n\n");
    let acts = vec![say(stream_of("", &[begun()])), Act::SayEvery(seconds(1), ping)];
    let change = |_: &mut ProviderConfig, it: &mut Settings| it.first_content = seconds(20);
    let (_, error, took) = asked(acts.clone(), streamed(), change).await;
    let error = error.unwrap_err();
    assert_eq!((error.code.as_str(), error.may_cost), ("timeout-first-token", true));
    assert!((seconds(20)..seconds(21)).contains(&took), "{took:?}");
    let thinking = asking(|it| it.thinking = Some(Thinking::Low));
    let (_, error, took) = asked(acts, thinking, change).await;
    assert_eq!(error.unwrap_err().code, "timeout-first-token");
    assert!((seconds(40)..seconds(41)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_being_written_is_a_word() {
    let call = json!({ "type": "tool_use", "id": "t", "name": "f", "input": {} });
    let call = json!({ "type": "content_block_start", "index": 1, "content_block": call });
    let more = json!({ "type": "input_json_delta", "partial_json": " " });
    let more = json!({ "type": "content_block_delta", "index": 1, "delta": more });
    let acts = vec![
        say(stream_of("", &[begun(), format!("data: {call}\n\n")])),
        Act::SayEvery(seconds(1), chunked(format!("data: {more}\n\n"))),
    ];
    let change = |_: &mut ProviderConfig, it: &mut Settings| {
        (it.first_content, it.total) = (seconds(5), seconds(30));
    };
    let (_, error, took) = asked(acts, streamed(), change).await;
    assert_eq!(error.unwrap_err().code, "timeout-total");
    assert!((seconds(30)..seconds(31)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stands_still_ends() {
    let acts = vec![say(stream_of("", &[begun(), text_event("a")])), Act::AwaitEnd];
    let (text, error, took) = asked(acts, streamed(), |_, it| it.between = seconds(9)).await;
    assert_eq!((text.as_str(), error.unwrap_err().code.as_str()), ("a", "timeout-between-chunks"));
    assert!((seconds(9)..seconds(10)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_ends_ends() {
    let more = chunked(text_event("x"));
    let acts = vec![say(stream_of("", &[begun()])), Act::SayEvery(seconds(1), more)];
    let (text, error, took) = asked(acts, streamed(), |_, it| it.total = seconds(30)).await;
    assert_eq!(error.unwrap_err().code, "timeout-total");
    assert!((28..=30).contains(&text.len()), "{text}");
    assert!((seconds(30)..seconds(31)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_drop_by_drop_is_late() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    let acts = vec![say(head), Act::SayEvery(seconds(1), b" ".to_vec())];
    for request in [streamed(), whole()] {
        let (_, error, _) = asked(acts.clone(), request, |_, it| it.whole = seconds(7)).await;
        assert_eq!(error.unwrap_err().code, "timeout");
    }
    let head = "HTTP/1.1 529 Busy\r\n\r\n";
    let acts = vec![say(head), Act::SayEvery(seconds(1), b" ".to_vec())];
    let (_, error, took) = asked(acts, streamed(), |_, _| {}).await;
    assert_eq!(error.unwrap_err().status, Some(529), "the status speaks");
    assert!(took < seconds(6));
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_end_is_missing_holds_nobody_up() {
    let acts = vec![
        say(stream_of("", &[begun(), text_event("a"), finished()])),
        Act::SayEvery(seconds(1), chunked(": ping\n\n")),
    ];
    let (text, done, took) = asked(acts, streamed(), |_, _| {}).await;
    assert_eq!((text.as_str(), done.is_ok()), ("a", true));
    assert!(took < seconds(1));
}
