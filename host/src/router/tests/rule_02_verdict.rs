//! Retry, fall back and blame are three functions of one taxonomy.

use super::super::verdict;
use super::*;

pub(super) const CLASSES: [Class; 10] = [
    Class::Transient,
    Class::RateLimit,
    Class::Quota,
    Class::Auth,
    Class::ModelGone,
    Class::Region,
    Class::ContextTooLong,
    Class::Policy,
    Class::CallerFault,
    Class::Cancelled,
];

fn row(error: &Error) -> String {
    let (retry, blame) = (verdict::retry(error), verdict::blame(error));
    let blame = blame.map_or("nobody".to_owned(), |cause| format!("{cause:?}"));
    let falls_back = if verdict::falls_back(error) { "falls back" } else { "stays" };
    format!("{} {}: {retry:?}, {falls_back}, {blame}", error.class.word(), error.code)
}

#[test]
fn the_table_of_classes() {
    let rows: Vec<String> = CLASSES.map(|class| row(&Error::new(class, "x", ""))).into();
    insta::assert_snapshot!(rows.join("\n"), @r"
    transient x: SameKey, falls back, Outage
    rate-limit x: OtherKey, falls back, RateLimit
    quota x: Never, falls back, Billing
    auth x: Never, falls back, Auth
    model-gone x: Never, falls back, ModelGone
    region x: Never, falls back, Region
    context-too-long x: Never, falls back, nobody
    policy x: Never, falls back, nobody
    caller-fault x: Never, stays, nobody
    cancelled x: Never, stays, nobody
    ");
}

#[test]
fn a_spent_account_is_never_asked_again_whatever_its_class() {
    for code in ["insufficient_quota", "credit_balance_exhausted", "enforced_spend_limit_reached"] {
        for class in [Class::RateLimit, Class::Quota, Class::Transient] {
            let error = error(class, 429, code);
            assert_eq!(verdict::retry(&error), verdict::Retry::Never, "{code}");
            assert_eq!(verdict::blame(&error), Some(verdict::Cause::Billing), "{code}");
        }
    }
    let ramp = error(Class::RateLimit, 429, "ramp_limit_exceeded");
    assert_eq!(verdict::retry(&ramp), verdict::Retry::OtherKey);
}

#[test]
fn an_overload_keeps_the_key_whatever_its_class() {
    for class in [Class::Transient, Class::RateLimit] {
        let error = error(class, 529, "overloaded_error");
        assert_eq!(verdict::retry(&error), verdict::Retry::SameKey);
        assert_eq!(verdict::blame(&error), Some(verdict::Cause::Outage));
    }
}

#[tokio::test(start_paused = true)]
async fn a_429_rotates_the_key_at_once() {
    let stage = stage(vec![
        ("a/one/m", 1, vec![fail(limited(Some(2)))]),
        ("b/k/m", 1, vec![]),
        ("a/two/m", 2, vec![]),
    ]);
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!((stage.asked(), stage.now()), (vec![1, 0, 1], Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_529_keeps_the_key_and_then_leaves_the_provider() {
    let stage = stage(vec![
        ("a/one/m", 1, vec![fail(overloaded()); 4]),
        ("a/two/m", 1, vec![]),
        ("b/k/m", 2, vec![]),
    ]);
    assert_eq!(stage.ask(question()).await, "b");
    assert_eq!(stage.asked(), [4, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_401_is_not_tried_again_and_benches_the_key_for_every_model() {
    let stage = stage(vec![
        ("a/k/m", 1, vec![fail(error(Class::Auth, 401, "authentication_error"))]),
        ("a/k/n", 2, vec![]),
        ("b/k/m", 3, vec![]),
    ]);
    assert_eq!(stage.ask(question()).await, "b");
    assert_eq!(stage.ask(question()).await, "b");
    assert_eq!(stage.asked(), [1, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_too_long_is_sent_elsewhere_and_nobody_is_blamed() {
    let long = error(Class::ContextTooLong, 400, "context_length_exceeded");
    let stage =
        stage(vec![("a/one/m", 1, vec![fail(long)]), ("a/two/m", 1, vec![]), ("b/k/n", 2, vec![])]);
    assert_eq!(stage.ask(question()).await, "b", "another key of the same model reads no more");
    assert_eq!(stage.ask(question()).await, "a", "the next request is another");
    assert_eq!(stage.asked(), [2, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_did_wrong_stays_with_the_caller() {
    let wrong = error(Class::CallerFault, 400, "invalid_request_error");
    let stage = stage(vec![("a/k/m", 1, vec![fail(wrong)]), ("b/k/m", 2, vec![])]);
    assert_eq!(stage.ask(question()).await, "refused: caller-fault 400 invalid_request_error");
    assert_eq!(stage.asked(), [1, 0]);
    insta::assert_snapshot!(stage.log(), @r"
    route a/k/m Priority(1), b/k/m Priority(2)
    attempt 1 a/k/m
    error caller-fault Some(400) invalid_request_error blame None
    ");
}
