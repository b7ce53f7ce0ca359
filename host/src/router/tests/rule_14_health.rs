//! Health is learned from traffic: healthy, degraded, down; p50, p95, errors over 1 h, 24 h and 30 d.

use super::super::health::Book;
use super::super::health::Span;
use super::super::health::Status;
use super::*;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn percentiles_are_right_to_a_quarter() {
    let mut book = Book::default();
    for ms in 1..=1_000 {
        book.answered(s(10), Duration::from_millis(ms));
    }
    let summary = book.summary(Span::Hour, s(10));
    let within = |found: Option<Duration>, ms: u128| {
        let found = found.unwrap().as_millis();
        assert!((ms..=ms * 126 / 100).contains(&found), "{found} for {ms}");
    };
    within(summary.p50, 500);
    within(summary.p95, 950);
    assert_eq!((summary.requests, summary.errors, summary.availability()), (1_000, 0, 10_000));
}

#[test]
fn each_span_forgets_what_is_older() {
    let mut book = Book::default();
    let (hour, day) = (60 * 60, 24 * 60 * 60);
    book.failed(s(0), "x");
    let errors = |book: &Book, at: u64| {
        [Span::Hour, Span::Day, Span::Month].map(|span| book.summary(span, s(at)).errors)
    };
    assert_eq!(errors(&book, hour - 1), [1, 1, 1]);
    assert_eq!(errors(&book, hour), [0, 1, 1]);
    assert_eq!(errors(&book, day - 1), [0, 1, 1]);
    assert_eq!(errors(&book, day), [0, 0, 1]);
    assert_eq!(errors(&book, 30 * day - 1), [0, 0, 1]);
    assert_eq!(errors(&book, 30 * day), [0, 0, 0]);
    assert_eq!((book.last_error(), book.last_checked()), (Some("x"), Some(s(0))));
}

#[test]
fn memory_does_not_grow_with_traffic_or_time() {
    let mut book = Book::default();
    for second in 0..200_000 {
        book.answered(s(second * 60), Duration::from_secs(second));
    }
    assert_eq!(book.summary(Span::Hour, s(199_999 * 60)).requests, 60);
    assert_eq!(
        book.summary(Span::Day, s(199_999 * 60)).requests,
        96 * 15 - (15 - 199_999 % 15 - 1)
    );
    book.failed(s(0), &"long ".repeat(1_000));
    assert_eq!(book.last_error().map(str::len), Some(100));
}

#[test]
fn a_few_errors_degrade_and_many_are_down() {
    let status = |answers: u64, errors: u64| {
        let mut book = Book::default();
        (0..answers).for_each(|_| book.answered(s(0), s(1)));
        (0..errors).for_each(|_| book.failed(s(0), "x"));
        book.status(s(1), 0, 1)
    };
    assert_eq!(status(0, 0), Status::Healthy);
    assert_eq!(status(0, 4), Status::Healthy, "four say nothing yet");
    assert_eq!(status(0, 5), Status::Down);
    assert_eq!(status(91, 9), Status::Healthy);
    assert_eq!(status(90, 10), Status::Degraded);
    assert_eq!(status(51, 49), Status::Degraded);
    assert_eq!(status(50, 50), Status::Down);
    let book = Book::default();
    assert_eq!(
        (book.status(s(0), 1, 2), book.status(s(0), 2, 2)),
        (Status::Degraded, Status::Down)
    );
}

#[tokio::test(start_paused = true)]
async fn traffic_tells_how_a_provider_does_and_reading_asks_nobody() {
    let slow = Play::Pieces(vec![Piece::Wait(1_000), text("a"), Piece::Say(done())]);
    let stage = stage(vec![
        ("a/k/m", 1, vec![fail(limited(Some(30))), slow]),
        ("b/k/m", 2, vec![fail(error(Class::CallerFault, 400, "wrong"))]),
    ]);
    stage.ask(question()).await;
    let health = stage.router.health();
    assert_eq!((health[0].status, health[1].status), (Status::Down, Status::Healthy));
    assert_eq!(health[0].last_error.as_deref(), Some("rate_limit_error"));
    assert_eq!(health[1].spans[0].requests, 0, "what a caller did wrong says nothing");
    pass(30).await;
    for _ in 0..10 {
        assert_eq!(
            stage.router.health()[0].status,
            Status::Healthy,
            "half-open is not closed to all"
        );
    }
    assert_eq!(stage.ask(question()).await, "a", "the probe was not used up");
    let health = stage.router.health();
    let first = &health[0];
    assert!((s(1)..=Duration::from_millis(1_260)).contains(&first.spans[0].p50.unwrap()));
    assert_eq!((first.spans[0].requests, first.spans[0].errors), (2, 1));
    assert_eq!(stage.asked(), [2, 1]);
}

#[tokio::test(start_paused = true)]
async fn counting_and_listing_use_no_probe() {
    let stage = stage(vec![("a/k/m", 1, vec![fail(limited(Some(30)))]), ("b/k/n", 2, vec![])]);
    stage.ask(question()).await;
    pass(30).await;
    assert_eq!(stage.router.count_tokens(Arc::new(question())).await, Ok(7));
    let names: Vec<String> =
        stage.router.models().await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["m", "n"]);
    assert_eq!(stage.asked(), [1, 1]);
    assert_eq!(stage.ask(question()).await, "a", "the probe is still there");
}
