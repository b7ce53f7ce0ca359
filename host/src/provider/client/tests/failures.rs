//! What providers refuse, and what answers that is none.

use super::*;
use crate::provider::hint::hint;

fn failure(head: &str, kind: &str, message: &str) -> String {
    let error = json!({ "type": kind, "message": message });
    let body = json!({ "type": "error", "error": error }).to_string();
    with_body(&format!("{head}\r\ncontent-type: application/json\r\nrequest-id: req_3"), &body)
}

#[tokio::test]
async fn a_failure_keeps_its_status_its_name_and_its_wait_and_is_sent_once() {
    for (head, kind, class, status, wait_ms) in [
        ("429 Slow\r\nretry-after: 2", "rate_limit_error", Class::RateLimit, 429, Some(2_000)),
        (
            "429 Slow\r\nanthropic-ratelimit-tokens-remaining: 0\r\n\
             anthropic-ratelimit-tokens-reset: 2026-11-22T05:00:09Z",
            "rate_limit_error",
            Class::RateLimit,
            429,
            Some(9_000),
        ),
        ("529 Busy", "overloaded_error", Class::Transient, 529, None),
        ("500 Oops", "api_error", Class::Transient, 500, None),
        ("401 No\r\nretry-after: 2", "authentication_error", Class::Auth, 401, None),
    ] {
        for request in [streamed(), whole()] {
            let server = Server::saying(failure(head, kind, "sorry")).await;
            let client = server.client();
            let error = refused(&client, request).await;
            assert_eq!((error.class, error.status), (class, Some(status)));
            assert_eq!((error.code.as_str(), error.message.as_str()), (kind, "sorry"));
            assert_eq!(error.retry_after.map(|wait| wait.as_millis()), wait_ms);
            assert_eq!(error.provider_request_id.as_deref(), Some("req_3"));
            assert_eq!(server.heard().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_said_back_is_taken_out() {
    let message = format!("`{KEY}` is no key, says {KEY}");
    let server = Server::saying(failure("401 No", "authentication_error", &message)).await;
    let client = server.client();
    let error = refused(&client, streamed()).await;
    assert_eq!(error.message, "`[secret claude-key]` is no key, says [secret claude-key]");
    let hint = hint(&error, client.upstream.config()).unwrap();
    assert_eq!(hint, "type `ax secret set claude-key` to replace the key");

    let event = json!({ "type": "error", "error": { "type": KEY, "message": KEY } });
    let events = format!("{}data: {event}\n\n", begun());
    let server = Server::saying(stream_of("", &[events])).await;
    assert_eq!(refused(&server.client(), streamed()).await.message, "[secret claude-key]");
}

#[tokio::test]
async fn no_part_of_a_key_stays_where_a_message_or_a_code_is_cut() {
    // A message is cut after 2,048 bytes, a code after 64 characters.
    let after = |bytes: usize| "x".repeat(bytes) + KEY;
    let plain = "authentication_error";
    let messages = (2_048 - KEY.len()..=2_048).map(|bytes| (plain.to_owned(), after(bytes)));
    let codes =
        (64_usize.saturating_sub(KEY.len())..=64).map(|bytes| (after(bytes), "no".to_owned()));
    for (kind, message) in messages.chain(codes) {
        let server = Server::saying(failure("401 No", &kind, &message)).await;
        let of_status = refused(&server.client(), streamed()).await;
        let error = json!({ "type": "error", "error": { "type": kind, "message": message } });
        let event = format!("data: {error}\n\n");
        let server = Server::saying(stream_of("", &[begun(), text_event("a"), event])).await;
        let of_event = told(&server.client(), streamed()).await.1.unwrap_err();
        for error in [of_status, of_event] {
            let shown = format!("{error:?}");
            assert!(!shown.contains(&KEY[..6]), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_key_is_found_however_a_server_writes_it_and_wherever() {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(KEY);
    let escaped = KEY.replace('-', "%2d");
    let message = format!("{encoded} {escaped}");
    let answer = failure("401 No", "authentication_error", &message);
    let error = refused(&Server::saying(&answer).await.client(), whole()).await;
    assert_eq!(error.message, "[secret claude-key] [secret claude-key]");
    let named = answer.replace("req_3", &format!("Bearer {KEY}"));
    let error = refused(&Server::saying(named).await.client(), whole()).await;
    let id = "Bearer [secret claude-key]";
    assert_eq!(error.provider_request_id.as_deref(), Some(id));
    // In an answer, too.
    for (answer, request, own) in [
        (stream("", KEY), streamed(), "req_1"),
        (answer_of(KEY), whole(), "req_2"),
        (answer_of(KEY), streamed(), "req_2"),
    ] {
        let answer = String::from_utf8(answer).unwrap();
        let answer = answer.replace(&format!("{own}\r\n"), &format!("Bearer {KEY}\r\n"));
        let (text, done) = told(&Server::saying(answer).await.client(), request).await;
        assert_eq!(text, "[secret claude-key]");
        assert_eq!(done.unwrap().provider_request_id.as_deref(), Some(id));
    }
}

fn answer_of(text: &str) -> Vec<u8> {
    answer(text).into_bytes()
}

#[tokio::test]
async fn what_is_no_interface_is_told_as_a_wrong_url() {
    let page = "<!doctype html>";
    for answer in [
        with_body("200 OK\r\ncontent-type: text/html; charset=utf-8", page),
        with_body("404 Not Found\r\ncontent-type: text/html", page),
        with_body("405 Method Not Allowed", ""),
        with_body("302 Found\r\nlocation: http://127.0.0.1:9/", ""),
        with_body("307 Temporary Redirect\r\nlocation: /", ""),
    ] {
        for request in [streamed(), whole()] {
            let server = Server::saying(&answer).await;
            let client = server.client();
            let error = refused(&client, request).await;
            assert_eq!((error.class, error.code.as_str()), (Class::ModelGone, "wrong-url"));
            assert!(error.message.contains(&server.place()));
            assert!(hint(&error, client.upstream.config()).unwrap().contains("`url`"));
            assert_eq!(server.heard().len(), 1, "nothing is followed");
        }
    }
    let gone = failure("404 Not Found", "not_found_error", "model: claude-nope");
    let error = refused(&Server::saying(gone).await.client(), streamed()).await;
    assert_eq!(error.code, "not_found_error", "but a model may be gone");
}

#[tokio::test]
async fn a_place_where_nobody_is_is_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    // No label of a name has 64 characters, so that nobody is asked for it.
    let nowhere = format!("http://{}.invalid", "x".repeat(64));
    for (place, wanted) in [(closed, "connect"), (nowhere, "dns")] {
        let client = client(&place, |_, _| {});
        let error = refused(&client, streamed()).await;
        assert_eq!((error.class, error.code.as_str()), (Class::Transient, wanted), "{error:?}");
        assert!(!error.may_cost, "nobody was reached");
        assert!(hint(&error, client.upstream.config()).unwrap().contains(&place));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_wherever_it_does() {
    let answer = stream("", "abc");
    let end = answer.len() - finished().len();
    for at in [0, 5, 40, STREAM_HEAD.len(), STREAM_HEAD.len() + 2, end - 30, end] {
        let server = Server::saying(&answer[..at]).await;
        let error = refused(&server.client(), streamed()).await;
        assert_eq!((error.class, error.code.as_str()), (Class::Transient, "cut"), "at {at}");
        let has_begun = at >= STREAM_HEAD.len() + 2;
        assert_eq!(error.may_cost, has_begun, "at {at}");
        assert_eq!(server.heard().len(), 1, "it is not sent again");
    }
    let server = Server::saying(&answer[..answer.len() - 5]).await;
    let (text, done) = told(&server.client(), streamed()).await;
    assert_eq!((text.as_str(), done.is_ok()), ("abc", true), "only the body's end is missing");

    let short = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    let server = Server::saying(short).await;
    let error = refused(&server.client(), whole()).await;
    assert_eq!((error.code.as_str(), error.may_cost), ("cut", true));
    let server = Server::saying(with_body("200 OK\r\ncontent-type: application/json", "{")).await;
    let error = refused(&server.client(), whole()).await;
    assert_eq!((error.code.as_str(), error.may_cost), ("garbled", true));
}

#[tokio::test]
async fn an_error_in_the_stream_comes_after_what_was_said() {
    let error = json!({ "type": "overloaded_error", "message": "busy" });
    let event = format!("data: {}\n\n", json!({ "type": "error", "error": error }));
    let server = Server::saying(stream_of("", &[begun(), text_event("abc"), event])).await;
    let (text, error) = told(&server.client(), streamed()).await;
    let error = error.unwrap_err();
    assert_eq!((text.as_str(), error.status), ("abc", Some(529)));
    assert_eq!(error.provider.as_deref(), Some("claude"));
}
