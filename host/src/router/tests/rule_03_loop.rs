//! One retry loop with an overall deadline and a budget of attempts; full jitter; wait or switch.

use proptest::prelude::*;

use super::super::backoff;
use super::super::backoff::Next;
use super::super::backoff::Policy;
use super::super::backoff::Situation;
use super::super::verdict::Retry;
use super::*;

fn at() -> Situation {
    Situation {
        retry: Retry::SameKey,
        retry_after: None,
        retries: 0,
        attempts: 1,
        left: Duration::from_secs(60),
        has_other_key: false,
        has_other: true,
    }
}

fn next(at: &Situation) -> Next {
    backoff::next(&Policy::default(), at, &Random::seeded(1))
}

#[test]
fn waits_may_be_one_two_four_and_eight_seconds_long() {
    let seconds: Vec<u64> = (0..6).map(|retries| backoff::ceiling(retries).as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 8, 8]);
    assert_eq!(backoff::ceiling(u32::MAX).as_secs(), 8);
}

#[test]
fn jitter_is_full_and_comes_from_its_seed() {
    let draw = |seed| {
        let random = Random::seeded(seed);
        (0..1_000).map(|_| random.up_to(Duration::from_secs(8)).as_millis()).collect::<Vec<_>>()
    };
    let drawn = draw(3);
    assert_eq!(drawn, draw(3));
    assert_ne!(drawn, draw(4));
    let (least, most) = (*drawn.iter().min().unwrap(), *drawn.iter().max().unwrap());
    assert!(least < 100 && (7_900..=8_000).contains(&most), "{least} to {most}");
    let mean = drawn.iter().sum::<u128>() / 1_000;
    assert!((3_600..4_400).contains(&mean), "{mean}");
}

#[test]
fn a_short_wait_is_waited_for_and_a_long_one_switched_from() {
    let after = |seconds| Situation { retry_after: Some(Duration::from_secs(seconds)), ..at() };
    assert_eq!(next(&after(5)), Next::Wait(Duration::from_secs(5)));
    assert_eq!(next(&after(6)), Next::Switch);
    assert_eq!(next(&Situation { has_other: false, ..after(6) }), Next::Stop);
    assert_eq!(next(&Situation { left: Duration::from_secs(5), ..after(5) }), Next::Switch);
    assert_eq!(next(&after(u64::MAX)), Next::Switch);
}

#[test]
fn another_key_goes_before_a_wait_where_the_limit_is_the_keys() {
    let limited = Situation { retry: Retry::OtherKey, has_other_key: true, ..at() };
    assert_eq!(next(&limited), Next::Switch);
    let retry_after = Some(Duration::from_secs(1));
    let alone = Situation { has_other_key: false, retry_after, ..limited };
    assert_eq!(next(&alone), Next::Wait(Duration::from_secs(1)));
}

#[test]
fn budgets_end_at_their_number() {
    assert!(matches!(next(&Situation { attempts: 7, ..at() }), Next::Wait(_)));
    assert_eq!(next(&Situation { attempts: 8, ..at() }), Next::Stop);
    assert!(matches!(next(&Situation { retries: 2, ..at() }), Next::Wait(_)));
    assert_eq!(next(&Situation { retries: 3, ..at() }), Next::Switch);
    assert_eq!(next(&Situation { left: Duration::ZERO, ..at() }), Next::Stop);
}

proptest! {
    #[test]
    fn no_wait_reaches_past_the_deadline(
        left in 0_u64..20_000, retries in 0_u32..6, seed: u64, asked in proptest::option::of(0_u64..9_000),
    ) {
        let left = Duration::from_millis(left);
        let retry_after = asked.map(Duration::from_millis);
        let situation = Situation { left, retries, retry_after, ..at() };
        if let Next::Wait(wait) = backoff::next(&Policy::default(), &situation, &Random::seeded(seed)) {
            prop_assert!(wait < left);
            prop_assert!(retries < 3);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn four_attempts_and_then_somebody_else() {
    let stage = stage(vec![("a/k/m", 1, vec![fail(overloaded()); 9]), ("b/k/n", 2, vec![])]);
    assert_eq!(stage.ask(question()).await, "b");
    assert_eq!(stage.asked(), [4, 1]);
    assert!(stage.now() > Duration::ZERO && stage.now() < Duration::from_secs(7));
    insta::assert_snapshot!(stage.settled().join("\n"), @"initiate validate-request validation-passed send retry send retry send retry send request-failed fallback send chunk stream-complete complete");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_to_the_second() {
    let stage = stage(vec![("a/k/m", 1, vec![fail(limited(Some(3)))])]);
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!((stage.asked(), stage.now()), (vec![2], Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn the_attempt_budget_is_one_for_all_targets() {
    let cast = ["a/k/m", "b/k/m", "c/k/m", "d/k/m"];
    let cast = cast.map(|path| (path, 1, vec![fail(overloaded()); 9]));
    let stage = stage(cast.into());
    let refused = stage.router.route(Arc::new(question())).await.err().unwrap();
    assert_eq!(stage.asked(), [4, 4, 0, 0]);
    assert_eq!(refused.trail.steps.len(), 8);
    assert_eq!(refused.trail.should_retry(), Some(false));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_one_for_all_attempts() {
    let options = Options { deadline: Duration::from_secs(10), ..Options::default() };
    let slow = Play::Pieces(vec![Piece::Wait(4_000), Piece::Fail(overloaded())]);
    let stage = stage_of(vec![("a/k/m", 1, vec![slow; 9])], options);
    let came = stage.ask(question()).await;
    assert!(
        came == "refused: transient 529 overloaded_error" || came == "refused: transient deadline"
    );
    assert!(stage.now() <= Duration::from_secs(10), "{:?}", stage.now());
}

#[tokio::test(start_paused = true)]
async fn without_fallback_nobody_else_is_asked_but_other_keys_are() {
    let options = Options { fallback: false, ..Options::default() };
    let spent = error(Class::Quota, 429, "insufficient_quota");
    let cast = vec![
        ("a/one/m", 1, vec![fail(spent.clone())]),
        ("b/k/m", 2, vec![]),
        ("a/two/m", 3, vec![fail(spent)]),
    ];
    let stage = stage_of(cast, options);
    assert_eq!(stage.ask(question()).await, "refused: quota 429 insufficient_quota");
    assert_eq!(stage.asked(), [1, 0, 1]);
}
