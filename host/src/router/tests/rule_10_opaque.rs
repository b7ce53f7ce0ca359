//! Opaque state belongs to the route that wrote it: that route goes first, the others get it never.

use super::super::candidates::Leeway;
use super::*;
use crate::chat::Opaque;
use crate::chat::Part;
use crate::chat::PartKind;
use crate::chat::ToolCall;
use crate::chat::ToolResult;

fn signed(kind: PartKind, owner: &str) -> Part {
    let data = serde_json::json!({ "signature": "c2lnbmVk" });
    Part { kind, opaque: Some(Opaque { owner: owner.to_owned(), data }) }
}

/// A conversation in which `b/m` thought and called a tool.
fn conversation() -> Request {
    let mut request = question();
    let call =
        ToolCall { id: "1".to_owned(), name: "look".to_owned(), input: serde_json::json!({}) };
    let result = ToolResult {
        id: "1".to_owned(),
        name: "look".to_owned(),
        text: "a cat".to_owned(),
        images: vec![],
        is_error: false,
    };
    let parts = |parts| Message { parts, ..Message::text(Role::Assistant, "") };
    let thought = || signed(PartKind::Reasoning("hm".to_owned()), "b/m");
    let called = signed(PartKind::ToolCall(call), "b/m");
    request.messages.push(parts(vec![thought()]));
    request.messages.push(parts(vec![thought(), called]));
    let answered = parts(vec![Part::from(PartKind::ToolResult(result))]);
    request.messages.push(Message { role: Role::Tool, ..answered });
    request
}

fn cast(plays_of_b: Vec<Play>) -> Vec<Cast> {
    vec![("a/k/m", 1, vec![]), ("b/k/m", 2, plays_of_b)]
}

#[tokio::test(start_paused = true)]
async fn the_route_that_wrote_it_goes_first_and_gets_it_back() {
    let stage = stage(cast(vec![]));
    assert_eq!(stage.ask(conversation()).await, "b");
    assert_eq!(stage.last_asked(1).messages, conversation().messages);
    let log = stage.log();
    assert!(log.starts_with("route b/k/m OwnsState, a/k/m Priority(1)"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn another_route_gets_the_conversation_without_it_on_record() {
    let stage = stage(cast(vec![fail(error(Class::Region, 403, "region"))]));
    assert_eq!(stage.ask(conversation()).await, "a");
    let sent = stage.last_asked(0);
    let parts: Vec<&Part> = sent.messages.iter().flat_map(|it| &it.parts).collect();
    assert!(parts.iter().all(|it| it.opaque.is_none()));
    assert!(!parts.iter().any(|it| matches!(it.kind, PartKind::Reasoning(_))));
    assert!(parts.iter().any(|it| matches!(it.kind, PartKind::ToolCall(_))), "the call stays");
    assert_eq!(sent.messages.len(), 3, "a message of thoughts alone goes");
    assert_eq!(sent.validate(), Ok(()));
    assert!(stage.log().contains("attempt 2 a/k/m without [ForeignState]"));
}

#[tokio::test(start_paused = true)]
async fn where_it_must_be_kept_nobody_else_is_asked() {
    let options = || Options { leeway: Leeway::KeepState, ..Options::default() };
    let gone = fail(error(Class::Region, 403, "region"));
    let stage = stage_of(cast(vec![gone]), options());
    assert_eq!(stage.ask(conversation()).await, "refused: region 403 region");
    assert_eq!(stage.asked(), [0, 1]);
    let stage = stage_of(vec![("a/k/m", 1, vec![])], options());
    assert_eq!(stage.ask(conversation()).await, "refused: caller-fault no-model-fits");
    let sampled = Request { temperature: Some(1.0), ..question() };
    assert_eq!(stage.ask(sampled).await, "a", "other degradations are allowed");
}

#[tokio::test(start_paused = true)]
async fn another_key_of_the_same_route_may_have_it() {
    let stage = stage(vec![
        ("b/one/m", 2, vec![fail(limited(Some(60)))]),
        ("b/two/m", 2, vec![]),
        ("a/k/m", 1, vec![]),
    ]);
    assert_eq!(stage.ask(conversation()).await, "b");
    assert_eq!(stage.asked(), [1, 1, 0]);
    assert_eq!(stage.last_asked(1).messages, conversation().messages);
}
