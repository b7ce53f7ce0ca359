//! What holds for every request, whatever its targets do.

use proptest::prelude::*;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_request_that_names_its_model_is_sent_as_it_is() {
    let stage = stage(vec![("a/k/m", 1, vec![])]);
    let request = Arc::new(Request { model: Some("m".to_owned()), ..question() });
    let answer = stage.router.ask(Arc::clone(&request)).await.unwrap();
    assert_eq!(read(answer).await, "a");
    assert!(Arc::ptr_eq(&request, &stage.last_asked(0)));
}

#[tokio::test(start_paused = true)]
async fn every_request_is_settled_once() {
    let stage =
        stage(vec![("a/k/m", 1, vec![fail(overloaded()), say("x"), fail(limited(Some(60)))])]);
    for _ in 0..3 {
        stage.ask(question()).await;
    }
    stage.ask(whole_question()).await;
    stage.ask(Request { messages: vec![], ..question() }).await;
    insta::assert_snapshot!(stage.settled().join("\n"), @r"
    initiate validate-request validation-passed send retry send chunk stream-complete complete
    initiate validate-request validation-passed send rate-limit request-failed complete
    initiate validate-request validation-passed send chunk stream-complete complete
    initiate validate-request validation-passed send response complete
    initiate validate-request validation-failed complete
    ");
}

/// Whom a router would ask, with the reasons.
pub(super) async fn explained(stage: &Stage, request: Request) -> String {
    let explained = stage.router.explain(&request).await;
    let line = |it: &crate::router::Explained| {
        format!("{}/{}: {:?}", it.target.provider, it.target.model, it.reason)
    };
    explained.map_or_else(
        |it| it.message,
        |it| it.targets.iter().map(line).collect::<Vec<_>>().join("; "),
    )
}

fn routes(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tier_stands_for_its_routes_in_their_order_and_nobody_else() {
    let tiers = [
        ("fast".to_owned(), routes(&["c/small", "a/large"])),
        ("gone".to_owned(), routes(&["x/y"])),
    ];
    let options =
        Options { tiers: tiers.into(), preferred: routes(&["b/mid"]), ..Options::default() };
    let cast = [("a/k/large", 1, vec![]), ("b/k/mid", 1, vec![]), ("c/k/small", 2, vec![])];
    let stage = stage_of(cast.to_vec(), options);
    let named = |name: &str| Request { model: Some(name.to_owned()), ..question() };
    assert_eq!(explained(&stage, named("fast")).await, "c/small: Route; a/large: Route");
    assert_eq!(explained(&stage, question()).await, "b/mid: Route");
    assert_eq!(
        explained(&stage, named("large")).await,
        "a/large: NamedModel; b/mid: Priority(1); c/small: Priority(2)"
    );
    let of_c = Request { provider: Some("c".to_owned()), ..question() };
    assert_eq!(explained(&stage, of_c).await, "c/small: Priority(2)");
    let elsewhere = Request { provider: Some("b".to_owned()), ..named("fast") };
    assert!(explained(&stage, elsewhere).await.contains("nobody who answers to that"));
    assert!(explained(&stage, named("gone")).await.contains("nobody who answers to that"));
    assert!(explained(&stage, named("other")).await.contains("which is not configured"));
    assert_eq!(stage.ask(named("fast")).await, "c");
    assert_eq!(stage.asked(), [0, 0, 1], "nobody was asked to explain");
}

#[tokio::test(start_paused = true)]
async fn without_fallback_the_first_route_of_a_tier_is_all_of_it() {
    let tiers = [("fast".to_owned(), routes(&["b/m", "a/m"]))];
    let options = Options { tiers: tiers.into(), fallback: false, ..Options::default() };
    let cast = [("a/k/m", 1, vec![]), ("b/one/m", 1, vec![]), ("b/two/m", 1, vec![])];
    let stage = stage_of(cast.to_vec(), options);
    let request = Request { model: Some("fast".to_owned()), ..question() };
    assert_eq!(explained(&stage, request).await, "b/m: Route; b/m: Route");
}

#[tokio::test(start_paused = true)]
async fn each_provider_is_tried_again_as_often_as_it_says() {
    let failing = || (0..9).map(|_| fail(overloaded())).collect::<Vec<_>>();
    let retries = [("a".to_owned(), 0), ("b".to_owned(), 5)];
    let options = Options { retries: retries.into(), ..Options::default() };
    let stage = stage_of(vec![("a/k/m", 1, failing()), ("b/k/m", 2, failing())], options);
    stage.ask(question()).await;
    assert_eq!(stage.asked(), [1, 6]);
}

fn any_error() -> impl Strategy<Value = Error> {
    let codes = ["x", "insufficient_quota", "deadline"];
    let parts = (0_usize..10, any::<Option<u16>>(), 0_usize..3, any::<Option<u64>>());
    parts.prop_map(move |(class, status, code, wait)| {
        let retry_after = wait.map(|it| Duration::from_millis(it >> (it % 64)));
        let class = super::rule_02_verdict::CLASSES[class];
        Error { status, retry_after, ..Error::new(class, codes[code], "x") }
    })
}

fn any_piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        (0_u64..20_000).prop_map(Piece::Wait),
        prop_oneof![Just(""), Just("words")].prop_map(text),
        Just(Piece::Say(Chunk::Usage(Usage { input: u64::MAX, output: 3, ..Usage::default() }))),
        Just(Piece::Say(done())),
        any_error().prop_map(Piece::Fail),
    ]
}

fn any_play() -> impl Strategy<Value = Play> {
    prop_oneof![
        4 => any_error().prop_map(Play::Fail),
        4 => proptest::collection::vec(any_piece(), 0..5).prop_map(Play::Pieces),
        1 => Just(Play::Hang),
    ]
}

/// Asks several times, whatever is answered, and gives some answers up.
async fn whatever(plays: Vec<Vec<Play>>, patience_s: Vec<Option<u64>>, rate: Option<u64>) {
    let paths = ["a/one/m", "a/two/m", "a/one/n", "b/k/claude-opus-5"];
    let cast = paths.into_iter().zip(plays).map(|(path, plays)| (path, 1, plays));
    let limit = super::super::limit::Rate { requests_per_min: rate, tokens_per_min: Some(5_000) };
    let options = Options { rates: [("a".to_owned(), limit)].into(), ..Options::default() };
    let stage = stage_of(cast.collect(), options);
    for (number, patience) in patience_s.iter().enumerate() {
        let before = stage.asked().iter().sum::<usize>();
        let request = if number % 2 == 0 { question() } else { whole_question() };
        let began = stage.now();
        match patience {
            None => drop(stage.ask(request).await),
            Some(seconds) => {
                let patience = Duration::from_secs(*seconds);
                drop(tokio::time::timeout(patience, stage.ask(request)).await);
            }
        }
        assert!(stage.asked().iter().sum::<usize>() - before <= 8, "attempts");
        assert!(stage.now() - began <= Duration::from_secs(601), "time");
        assert_eq!(stage.settled().len(), number + 1, "settled once");
        assert!(stage.actors.iter().all(|it| it.held.load(Ordering::SeqCst) == 0), "dropped");
    }
    // Whatever happened, nobody is out for ever.
    pass(60 * 60).await;
    for _ in 0..40 {
        stage.ask(question()).await;
        pass(60 * 60).await;
    }
    assert_eq!(stage.ask(question()).await, "a");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn whatever_targets_do_a_request_ends_once_within_its_budgets(
        plays in proptest::collection::vec(proptest::collection::vec(any_play(), 0..7), 4),
        patience in proptest::collection::vec(proptest::option::of(0_u64..30), 1..5),
        rate in proptest::option::of(1_u64..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(whatever(plays, patience, rate));
    }
}
