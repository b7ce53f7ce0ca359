//! Limits per minute reserve before and settle after; estimates are corrected by what was observed.

use proptest::prelude::*;

use super::super::limit::Estimates;
use super::super::limit::Limiter;
use super::super::limit::Rate;
use super::super::limit::Size;
use super::*;

fn rate(requests: Option<u64>, tokens: Option<u64>) -> Rate {
    Rate { requests_per_min: requests, tokens_per_min: tokens }
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_minute_holds_its_requests_and_no_more() {
    let mut limiter = Limiter::new(rate(Some(2), None));
    let _kept = limiter.reserve(s(0), 1).unwrap();
    let _kept = limiter.reserve(s(30), 1).unwrap();
    let reached = limiter.reserve(s(31), 1).unwrap_err();
    assert_eq!((reached.what, reached.wait), ("requests", s(29)));
    let _kept = limiter.reserve(s(60), 1).unwrap();
    assert_eq!(limiter.reserve(s(60), 1).unwrap_err().wait, s(30));
}

#[test]
fn what_was_reserved_too_much_comes_back_and_too_little_counts() {
    let mut limiter = Limiter::new(rate(None, Some(100)));
    let reserved = limiter.reserve(s(0), 80).unwrap();
    assert_eq!(limiter.reserve(s(1), 30).unwrap_err().what, "tokens");
    limiter.settle(&reserved, s(1), 10);
    let reserved = limiter.reserve(s(1), 90).unwrap();
    limiter.settle(&reserved, s(2), 200);
    assert_eq!(limiter.left(s(2)).1.unwrap().remaining, 0);
    assert_eq!(limiter.left(s(61)).1.unwrap().remaining, 100);
}

#[test]
fn what_is_settled_after_its_minute_changes_nothing() {
    let mut limiter = Limiter::new(rate(None, Some(100)));
    let reserved = limiter.reserve(s(0), 80).unwrap();
    limiter.settle(&reserved, s(60), 100);
    assert_eq!(limiter.left(s(60)).1.unwrap().remaining, 100);
}

#[test]
fn a_request_larger_than_a_minute_goes_alone() {
    let mut limiter = Limiter::new(rate(None, Some(100)));
    let _kept = limiter.reserve(s(0), u64::MAX).unwrap();
    assert_eq!(limiter.reserve(s(0), 1).unwrap_err().wait, s(60));
}

proptest! {
    #[test]
    fn no_minute_reserves_more_than_its_limit(asked in proptest::collection::vec((0_u64..9_000, 1_u64..60), 1..80)) {
        let mut limiter = Limiter::new(rate(Some(7), Some(100)));
        let (mut now, mut taken) = (0, Vec::new());
        for (step, tokens) in asked {
            now += step;
            match limiter.reserve(Duration::from_millis(now), tokens) {
                Ok(_reservation) => taken.push((now / 1_000, tokens)),
                Err(reached) => {
                    let later = Duration::from_millis(now) + reached.wait;
                    now = u64::try_from(later.as_millis()).unwrap();
                    prop_assert!(limiter.reserve(later, tokens).is_ok(), "there is room when it says so");
                    taken.push((now / 1_000, tokens));
                }
            }
            let minute = taken.iter().filter(|(at, _)| at + 60 > now / 1_000);
            let (count, sum) = minute.fold((0, 0), |(count, sum), it| (count + 1, sum + it.1));
            prop_assert!(count <= 7 && sum <= 100);
        }
    }
}

#[test]
fn an_estimate_is_corrected_for_its_model_alone() {
    let mut estimates = Estimates::default();
    let size = Size { bytes: 4_000, pictures: 0 };
    assert_eq!(estimates.input("m", size), 1_000);
    estimates.learn("m", size, 1_500);
    assert_eq!((estimates.input("m", size), estimates.input("n", size)), (1_500, 1_000));
    estimates.learn("m", size, 3_100);
    assert_eq!(estimates.input("m", size), 1_700, "one in eight counts for the newest");
    estimates.learn("n", size, u64::MAX);
    assert_eq!(estimates.input("n", size), 5_000);
    estimates.learn("n", size, 0);
    assert_eq!(estimates.input("n", size), 5_000, "nothing was told");
}

fn limits(provider: &str, limit: Rate) -> Options {
    Options { rates: [(provider.to_owned(), limit)].into(), ..Options::default() }
}

#[tokio::test(start_paused = true)]
async fn a_full_minute_sends_elsewhere_without_blame() {
    let options = limits("a", rate(Some(1), None));
    let stage = stage_of(vec![("a/k/m", 1, vec![]), ("b/k/m", 2, vec![])], options);
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!(stage.ask(question()).await, "b");
    pass(60).await;
    assert_eq!(stage.ask(question()).await, "a");
}

#[tokio::test(start_paused = true)]
async fn alone_a_short_wait_is_waited_for_and_a_long_one_told() {
    let stage = stage_of(vec![("a/k/m", 1, vec![])], limits("a", rate(Some(1), None)));
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!(stage.ask(question()).await, "refused: rate-limit limit-requests retry-after 60s");
    pass(57).await;
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!((stage.now(), stage.asked()), (s(60), vec![2]));
}

#[tokio::test(start_paused = true)]
async fn tokens_are_reserved_by_the_estimate_and_settled_by_the_usage() {
    let stage = stage_of(vec![("a/k/m", 1, vec![])], limits("a", rate(None, Some(1_000))));
    let large = || Request { max_tokens: Some(900), ..question() };
    assert_eq!(stage.ask(large()).await, "a");
    let left = stage.router.health()[0].left.1.unwrap();
    assert_eq!(left.remaining, 985, "10 were read and 5 written");
    assert_eq!(stage.ask(large()).await, "a");
    let open = stage.router.ask(Arc::new(large())).await.unwrap();
    let came = stage.ask(large()).await;
    assert!(came.starts_with("refused: rate-limit limit-tokens"), "{came}");
    drop(open);
    let left = stage.router.health()[0].left.1.unwrap().remaining;
    assert!(left < 100, "what was dropped is billed: {left}");
}
