//! An overall deadline; a caller that goes cancels upstream; usage may come late, partly or never.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_an_attempt_that_hangs() {
    let options = Options { deadline: Duration::from_secs(30), ..Options::default() };
    let stage = stage_of(vec![("a/k/m", 1, vec![Play::Hang]), ("b/k/m", 2, vec![])], options);
    assert_eq!(stage.ask(question()).await, "refused: transient deadline");
    assert_eq!((stage.now(), stage.held(0)), (Duration::from_secs(30), 0));
    let log = stage.log();
    assert!(log.ends_with("error transient None deadline blame None"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_stream_that_hangs() {
    let options = Options { deadline: Duration::from_secs(30), ..Options::default() };
    let slow = Play::Pieces(vec![text("half"), Piece::Wait(1 << 40)]);
    let stage = stage_of(vec![("a/k/m", 1, vec![slow])], options);
    assert_eq!(stage.ask(question()).await, "half | broken: deadline");
    assert_eq!((stage.now(), stage.held(0)), (Duration::from_secs(30), 0));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_while_it_waits_cancels_upstream() {
    let stage = stage(vec![("a/k/m", 1, vec![Play::Hang])]);
    let asked = stage.router.ask(Arc::new(question()));
    assert!(tokio::time::timeout(Duration::from_secs(1), asked).await.is_err());
    assert_eq!(stage.held(0), 0);
    assert_eq!(
        stage.settled(),
        ["initiate validate-request validation-passed send cancel complete"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_between_two_attempts_asks_nobody_more() {
    let stage = stage(vec![("a/k/m", 1, vec![fail(limited(Some(5)))])]);
    let asked = stage.router.ask(Arc::new(question()));
    assert!(tokio::time::timeout(Duration::from_secs(1), asked).await.is_err());
    pass(60).await;
    assert_eq!(stage.asked(), [1]);
    let story = "initiate validate-request validation-passed send rate-limit retry cancel complete";
    assert_eq!(stage.settled(), [story]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_while_it_reads_cancels_upstream() {
    let slow = Play::Pieces(vec![text("half"), Piece::Wait(60_000), Piece::Say(done())]);
    let stage = stage(vec![("a/k/m", 1, vec![slow])]);
    let mut answer = stage.router.ask(Arc::new(question())).await.unwrap();
    assert!(answer.chunks.next().await.is_some());
    assert_eq!(stage.held(0), 1);
    drop(answer);
    assert_eq!(stage.held(0), 0);
    assert_eq!(
        stage.settled(),
        ["initiate validate-request validation-passed send chunk cancel complete"]
    );
}

fn cost(stage: &Stage) -> String {
    let log = stage.log();
    log.lines().last().unwrap().rsplit(": ").next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn usage_that_never_comes_is_estimated() {
    let bare = Play::Pieces(vec![text("twelve bytes"), Piece::Say(done())]);
    let stage = stage(vec![("a/k/claude-opus-5", 1, vec![bare])]);
    stage.ask(question()).await;
    // 16 bytes were asked and 12 answered: 4 tokens at $5 and 3 at $25 a million.
    assert_eq!(cost(&stage), "7 tokens Estimated 95");
}

#[tokio::test(start_paused = true)]
async fn usage_of_nothing_is_estimated() {
    let nothing = Piece::Say(Chunk::Usage(Usage::default()));
    let play = Play::Pieces(vec![text("twelve bytes"), nothing, Piece::Say(done())]);
    let stage = stage(vec![("a/k/claude-opus-5", 1, vec![play])]);
    stage.ask(question()).await;
    assert_eq!(cost(&stage), "7 tokens Estimated 95");
}

#[tokio::test(start_paused = true)]
async fn of_several_usages_the_last_counts() {
    let used = |output| {
        Piece::Say(Chunk::Usage(Usage { input: 100, output, cache_read: 60, ..Usage::default() }))
    };
    let play = Play::Pieces(vec![used(1), text("hi"), used(20), Piece::Say(done())]);
    let stage = stage(vec![("a/k/claude-opus-5", 1, vec![play])]);
    stage.ask(question()).await;
    // 40 × $5 + 60 × $0.5 + 20 × $25 a million.
    assert_eq!(cost(&stage), "120 tokens Reported 730");
}
