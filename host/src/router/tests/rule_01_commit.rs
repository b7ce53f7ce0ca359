//! Commit at the first content delta; hold at most 64 KiB and 10 s; after it, never splice.

use super::*;
use crate::chat::Opaque;

fn usage() -> Piece {
    Piece::Say(Chunk::Usage(Usage::default()))
}

fn state(bytes: usize) -> Piece {
    let data = serde_json::Value::String("s".repeat(bytes));
    Piece::Say(Chunk::Opaque(Opaque { owner: "a/m".to_owned(), data }))
}

fn two(first: Vec<Piece>) -> Stage {
    let one = Options { policy: no_retries(), ..Options::default() };
    stage_of(vec![("a/k/m", 1, vec![Play::Pieces(first)]), ("b/k/m", 2, vec![])], one)
}

fn no_retries() -> super::super::backoff::Policy {
    super::super::backoff::Policy { retries_max: 0, ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn what_fails_before_content_is_never_seen() {
    let stage = two(vec![usage(), text(""), state(10), Piece::Fail(overloaded())]);
    assert_eq!(stage.ask(question()).await, "b");
    assert_eq!(stage.asked(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_end_without_content_or_end_is_a_failure_that_is_never_seen() {
    let stage = two(vec![usage()]);
    assert_eq!(stage.ask(question()).await, "b");
}

#[tokio::test(start_paused = true)]
async fn after_content_nothing_is_spliced() {
    let stage = two(vec![text("half"), Piece::Fail(overloaded())]);
    assert_eq!(stage.ask(question()).await, "half | broken: overloaded_error");
    assert_eq!(stage.asked(), [1, 0]);
    let stage = two(vec![text("half")]);
    assert_eq!(stage.ask(question()).await, "half | broken: cut");
    assert_eq!(stage.asked(), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_after_the_error_of_a_broken_stream() {
    let stage = two(vec![text("half"), Piece::Fail(overloaded()), text("more")]);
    let mut answer = stage.router.ask(Arc::new(question())).await.unwrap();
    assert!(matches!(answer.chunks.next().await, Some(Ok(Chunk::Text(_)))));
    assert!(matches!(answer.chunks.next().await, Some(Err(_))));
    assert!(answer.chunks.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_hold_ends_after_ten_seconds_and_later_failures_are_in_band() {
    let stage = two(vec![usage(), Piece::Wait(9_999), Piece::Fail(overloaded())]);
    assert_eq!(stage.ask(question()).await, "b", "just in time");
    let stage = two(vec![usage(), Piece::Wait(10_001), Piece::Fail(overloaded())]);
    let answer = stage.router.ask(Arc::new(question())).await.unwrap();
    assert_eq!(stage.now(), Duration::from_secs(10));
    assert_eq!(read(answer).await, " | broken: overloaded_error");
    assert_eq!(stage.asked(), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_hold_ends_after_64_kib() {
    // The name of the owner counts, and a text of JSON has three bytes more.
    let stage = two(vec![state((64 << 10) - 6), Piece::Fail(overloaded())]);
    assert_eq!(stage.ask(question()).await, "b", "at most");
    let stage = two(vec![state((64 << 10) - 5), Piece::Fail(overloaded())]);
    assert_eq!(stage.ask(question()).await, " | broken: overloaded_error", "one more");
}

#[tokio::test(start_paused = true)]
async fn the_hold_is_a_setting() {
    let options =
        Options { hold: Duration::from_secs(60), policy: no_retries(), ..Options::default() };
    let late = Play::Pieces(vec![Piece::Wait(59_000), Piece::Fail(overloaded())]);
    let stage = stage_of(vec![("a/k/m", 1, vec![late]), ("b/k/m", 2, vec![])], options);
    assert_eq!(stage.ask(question()).await, "b");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_streamed_is_held_to_its_end() {
    let stage = two(vec![text("half"), Piece::Wait(30_000), Piece::Fail(overloaded())]);
    assert_eq!(stage.ask(whole_question()).await, "b");
    assert_eq!(stage.asked(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_an_answer() {
    let stage = two(vec![Piece::Say(done())]);
    assert_eq!(stage.ask(question()).await, "");
    assert_eq!(stage.asked(), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_broken_off_at_its_bound() {
    let mib = text(&"x".repeat(1 << 20));
    let stage = two(vec![mib; 17]);
    let came = stage.ask(question()).await;
    assert_eq!(came.len(), (16 << 20) + " | broken: answer-too-large".len());
    let stage = two(vec![Piece::Say(Chunk::Usage(Usage::default())); (16 << 20) / 64 + 1]);
    assert_eq!(stage.ask(whole_question()).await, "b");
}

#[tokio::test(start_paused = true)]
async fn empty_pieces_count_so_that_no_hold_grows() {
    let empty = |count| [vec![text(""); count], vec![Piece::Fail(overloaded())]].concat();
    // Each is 32 bytes.
    assert_eq!(two(empty(2_048)).ask(question()).await, "b", "at most");
    assert_eq!(two(empty(2_049)).ask(question()).await, " | broken: overloaded_error", "one more");
    assert_eq!(two(empty(524_289)).ask(whole_question()).await, "b");
}
