//! No record, no request; and nothing is final before it is on record.

use tokio::sync::Semaphore;

use super::super::caller::Governor;
use super::super::keeper::Ending;
use super::super::keeper::Intent;
use super::super::keeper::unkept;
use super::super::spent::Spent;
use super::*;

/// Writes down what is to be kept, and keeps it once there is a permit for it.
struct Book {
    lines: Mutex<Vec<String>>,
    permits: Arc<Semaphore>,
    refuses: Mutex<VecDeque<bool>>,
}

impl Book {
    fn new(refuses: &[bool]) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let refuses = Mutex::new(refuses.iter().copied().collect());
        Arc::new(Self { lines: Mutex::default(), permits, refuses })
    }

    fn keep(&self, line: String) -> BoxFuture<'static, Result<(), Error>> {
        self.lines.lock().unwrap().push(line);
        let refuses = self.refuses.lock().unwrap().pop_front().unwrap_or_default();
        let permits = Arc::clone(&self.permits);
        async move {
            permits.acquire().await.unwrap().forget();
            if refuses { Err(unkept("the disk is full")) } else { Ok(()) }
        }
        .boxed()
    }

    fn lines(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    fn ends(&self) -> usize {
        self.lines.lock().unwrap().iter().filter(|it| it.starts_with("end")).count()
    }
}

impl Keeper for Book {
    fn intend(&self, it: &Intent<'_>) -> BoxFuture<'static, Result<(), Error>> {
        let Intent { trigger, attempt, provider, key, model, bound_micro_usd, .. } = it;
        self.keep(format!(
            "intend {attempt} {trigger} {provider}/{key}/{model} {bound_micro_usd:?}"
        ))
    }

    fn end(&self, it: &Ending<'_>) -> BoxFuture<'static, Result<(), Error>> {
        let Spent { usage, basis, cost, reported_micro_usd, attempts, .. } = it.spent;
        let cost = cost.map(|it| (it.basis, it.micro_usd, *reported_micro_usd));
        let (state, total) = (it.life.state(), usage.total());
        let intents = it.intents;
        self.keep(format!("end {state:?} {intents}/{attempts} {total} {basis:?} {cost:?}"))
    }

    fn piece(&self, _: RequestId, index: u64, chunk: &Chunk) {
        let what = if chunk.is_content() { "content" } else { "other" };
        self.lines.lock().unwrap().push(format!("piece {index} {what}"));
    }
}

/// Counts what is settled.
#[derive(Default)]
struct Settled(Mutex<Vec<Spent>>);

impl Governor for Settled {
    fn admit(&self, _: &Request, _: &Target, _: Option<u64>) -> Result<(), Error> {
        Ok(())
    }

    fn settled(&self, _: RequestId, spent: &Spent) {
        self.0.lock().unwrap().push(*spent);
    }
}

fn kept(cast: Vec<Cast>, book: &Arc<Book>) -> (Stage, Arc<Settled>) {
    let settled = Arc::new(Settled::default());
    let governor = settled.clone();
    let catalogue = Catalogue::built_in();
    (stage_kept(cast, Options::default(), catalogue, governor, book.clone()), settled)
}

fn half() -> Play {
    Play::Pieces(vec![text("12345678"), Piece::Fail(overloaded())])
}

#[tokio::test(start_paused = true)]
async fn without_a_record_nothing_is_sent_and_nobody_is_blamed() {
    let book = Book::new(&[true, false]);
    let (stage, settled) = kept(vec![("a/k/m", 1, vec![]), ("b/k/m", 2, vec![])], &book);
    assert_eq!(stage.ask(question()).await, "refused: transient ledger");
    assert_eq!(stage.asked(), [0, 0]);
    assert!(stage.router.health().iter().all(|it| it.last_error.is_none()));
    assert_eq!(settled.0.lock().unwrap().as_slice(), [Spent::default()]);
    assert_eq!(stage.ask(question()).await, "a", "nobody is out of it");
    insta::assert_snapshot!(book.lines(), @r"
    intend 1 test a/k/m None
    end Failed 0/0 0 Reported None
    intend 1 test a/k/m None
    piece 0 content
    piece 1 other
    piece 2 other
    end Completed 1/1 15 Reported None
    ");
}

#[tokio::test(start_paused = true)]
async fn a_reservation_for_what_was_not_sent_is_given_back() {
    let rate = super::super::limit::Rate { requests_per_min: None, tokens_per_min: Some(6_000) };
    let options = Options { rates: [("a".to_owned(), rate)].into(), ..Options::default() };
    let book = Book::new(&[true, false, false]);
    let (catalogue, cast) = (Catalogue::built_in(), vec![("a/k/m", 1, vec![])]);
    let stage = stage_kept(cast, options, catalogue, Arc::new(Anything), book);
    let long = || Request { max_tokens: Some(5_000), ..question() };
    assert_eq!(stage.ask(long()).await, "refused: transient ledger");
    assert_eq!(stage.ask(long()).await, "a");
    assert_eq!(stage.now(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_counts_in_what_a_request_cost() {
    let book = Book::new(&[]);
    let path = "a/k/claude-opus-5";
    let (stage, settled) = kept(vec![(path, 1, vec![half(), fail(overloaded())])], &book);
    assert_eq!(stage.ask(whole_question()).await, "a");
    let spent = settled.0.lock().unwrap()[0];
    let cost = spent.cost.unwrap();
    assert_eq!((spent.attempts, spent.usage.input, spent.usage.output), (3, 4 + 10, 2 + 5));
    assert_eq!(cost.basis, super::super::catalogue::Basis::Estimated);
    let row = Catalogue::built_in().row("claude-opus-5").unwrap().clone();
    let of = |input, output| {
        let usage = Usage { input, output, ..Usage::default() };
        row.cost(usage, cost.basis).micro_usd
    };
    assert_eq!((cost.micro_usd, spent.reported_micro_usd), (of(4, 2) + of(10, 5), of(10, 5)));
    let bound = row.bound(4, row.abilities.output_tokens.unwrap_or_default());
    let first = row.abilities.output_tokens.map(|_| bound);
    let later = first.map(|it| it + of(4, 2));
    assert_eq!(
        book.lines(),
        format!(
            "intend 1 test {path} {first:?}\nintend 2 test {path} {later:?}\n\
             intend 3 test {path} {later:?}\nend Completed 3/3 21 Estimated {:?}",
            Some((cost.basis, cost.micro_usd, spent.reported_micro_usd)),
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_bound_is_the_tokens_that_are_asked_for_at_the_dearest_price() {
    let mut catalogue = Catalogue::built_in();
    let row =
        "[[model]]\nname = \"m\"\ninput = 1\noutput = 2\ncache_read = 3\noutput_tokens = 100\n";
    catalogue
        .add(&format!("{row}long = {{ above = 1_000, input = 10, output = 20, cache_read = 0 }}"))
        .unwrap();
    let row = catalogue.row("m").unwrap();
    assert_eq!(row.bound(10, 100), 10 * 3 + 100 * 2);
    assert_eq!(row.bound(200, 100), 200 * 3 + 100 * 2, "an estimate is at most five times wrong");
    assert_eq!(row.bound(201, 100), 201 * 10 + 100 * 20);
    assert_eq!(row.bound(u64::MAX, u64::MAX), u64::MAX);
    let book = Book::new(&[]);
    let stage = stage_kept(
        vec![("a/k/m", 1, vec![])],
        Options::default(),
        catalogue,
        Arc::new(Anything),
        book.clone(),
    );
    stage.ask(question()).await;
    stage.ask(Request { max_tokens: Some(7), ..question() }).await;
    stage.ask(Request { max_tokens: Some(1_000), ..question() }).await;
    let lines = book.lines();
    let intents: Vec<_> = lines.lines().filter(|it| it.starts_with("intend")).collect();
    let bounds: Vec<_> = intents.iter().filter_map(|it| it.split_once("a/k/m ")).collect();
    assert_eq!(bounds[0].1, "Some(212)");
    // The first answer taught how many tokens the question is.
    let input = 10 * 3;
    assert_eq!(bounds[1].1, format!("Some({})", input + 7 * 2), "what is asked for");
    assert_eq!(bounds[2].1, format!("Some({})", input + 100 * 2), "what the model writes");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_stream_waits_for_its_record() {
    let book = Book::new(&[]);
    let (stage, settled) = kept(vec![("a/k/m", 1, vec![])], &book);
    let mut answer = stage.router.ask(Arc::new(question())).await.unwrap();
    book.permits.forget_permits(Semaphore::MAX_PERMITS);
    assert!(matches!(answer.chunks.next().await, Some(Ok(Chunk::Text(_)))));
    assert!(matches!(answer.chunks.next().await, Some(Ok(Chunk::Usage(_)))));
    let mut last = answer.chunks.next();
    assert!(futures_util::poll!(&mut last).is_pending());
    assert!(book.lines().ends_with("end Completed 1/1 15 Reported None"));
    assert!(!stage.log().contains("success") && settled.0.lock().unwrap().is_empty());
    book.permits.add_permits(1);
    assert!(matches!(last.await, Some(Ok(Chunk::Done(_)))));
    assert!(stage.log().contains("success"));
    assert_eq!(settled.0.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_waits_for_its_record() {
    let book = Book::new(&[]);
    let wrong = error(Class::CallerFault, 400, "invalid_request_error");
    let (stage, _) = kept(vec![("a/k/m", 1, vec![fail(wrong)])], &book);
    book.permits.forget_permits(Semaphore::MAX_PERMITS);
    book.permits.add_permits(1);
    let mut asked = stage.router.ask(Arc::new(question()));
    assert!(futures_util::poll!(&mut asked).is_pending());
    assert_eq!(book.ends(), 1);
    book.permits.add_permits(1);
    assert!(asked.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_end_is_not_on_record_is_handed_on_with_an_estimate() {
    let book = Book::new(&[false, true]);
    let (stage, settled) = kept(vec![("a/k/claude-opus-5", 1, vec![])], &book);
    assert_eq!(stage.ask(question()).await, "a");
    let log = stage.log();
    assert!(log.contains("unkept the disk is full") && log.contains("Estimated"), "{log}");
    let spent = settled.0.lock().unwrap()[0];
    assert_eq!(spent.cost.unwrap().basis, super::super::catalogue::Basis::Estimated);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_hands_its_end_over_once_and_waits_for_nothing() {
    let book = Book::new(&[]);
    let (stage, settled) = kept(vec![("a/k/m", 1, vec![])], &book);
    let mut answer = stage.router.ask(Arc::new(question())).await.unwrap();
    assert!(answer.chunks.next().await.is_some());
    drop(answer);
    assert!(book.lines().ends_with("end Failed 1/1 5 Estimated None"), "{}", book.lines());
    // While it waits for its intent.
    book.permits.forget_permits(Semaphore::MAX_PERMITS);
    let mut asked = stage.router.ask(Arc::new(question()));
    assert!(futures_util::poll!(&mut asked).is_pending());
    drop(asked);
    assert!(book.lines().ends_with("end Failed 1/0 0 Reported None"), "{}", book.lines());
    // While its end is being written.
    book.permits.add_permits(1);
    let mut answer = stage.router.ask(Arc::new(question())).await.unwrap();
    answer.chunks.next().await;
    answer.chunks.next().await;
    assert!(futures_util::poll!(&mut answer.chunks.next()).is_pending());
    drop(answer);
    assert_eq!((book.ends(), settled.0.lock().unwrap().len()), (3, 3));
    assert_eq!(stage.settled().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn another_caller_has_its_own_budget_and_the_same_breakers() {
    let book = Book::new(&[]);
    let auth = || error(Class::Auth, 401, "authentication_error");
    let (stage, first) = kept(vec![("a/k/m", 1, vec![fail(auth())])], &book);
    let second = Arc::new(Settled::default());
    let trigger = "plugin:ax:summarise".to_owned();
    let router = stage.router.of(Caller { trigger, governor: second.clone() });
    assert!(router.ask(Arc::new(question())).await.is_err());
    let said = stage.router.ask(Arc::new(question())).await.err().unwrap();
    assert_eq!((said.class, stage.asked()), (Class::Auth, vec![1]), "remembered for both");
    let empty = Request { messages: vec![], ..question() };
    assert!(router.ask(Arc::new(empty)).await.is_err());
    let counts = [&first, &second].map(|it| it.0.lock().unwrap().len());
    assert_eq!(counts, [1, 1], "what was never admitted is not settled");
    assert!(book.lines().starts_with("intend 1 plugin:ax:summarise a/k/m None"));
}

#[tokio::test(start_paused = true)]
async fn what_came_too_late_costs_and_what_was_refused_does_not() {
    let late = Error { may_cost: true, ..Error::new(Class::Transient, "timeout", "no answer") };
    let path = "a/k/claude-opus-5";
    let plays = vec![fail(late), fail(overloaded())];
    let (stage, settled) = kept(vec![(path, 1, plays)], &Book::new(&[]));
    assert_eq!(stage.ask(whole_question()).await, "a");
    let spent = settled.0.lock().unwrap()[0];
    assert_eq!((spent.attempts, spent.usage.input, spent.usage.output), (3, 4 + 10, 5));
    assert_eq!(spent.basis, super::super::catalogue::Basis::Estimated);
    assert!(spent.cost.is_some_and(|cost| cost.micro_usd > spent.reported_micro_usd));
}
