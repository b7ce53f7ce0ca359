//! A breaker per (key, model) and cause; one probe; the last target is never blacked out by one 429.

use super::super::breaker::Breakers;
use super::super::breaker::Ended;
use super::super::breaker::PACE;
use super::super::breaker::Settings;
use super::super::verdict::Cause;
use super::*;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Two models of one key, and one of another.
fn breakers() -> Breakers {
    Breakers::new(Settings::default(), &[0, 0, 1])
}

fn ask(breakers: &mut Breakers, target: usize, now: Duration, error: Option<&Error>) {
    let permit = breakers.admit(target, now, false).expect("it is let through");
    breakers.settle(permit, now, error.map_or(Ended::Well, Ended::Badly));
}

#[test]
fn an_outage_is_five_failures_in_a_row() {
    let mut breakers = breakers();
    for _ in 0..4 {
        ask(&mut breakers, 0, s(0), Some(&overloaded()));
    }
    ask(&mut breakers, 0, s(0), None);
    for _ in 0..4 {
        ask(&mut breakers, 0, s(0), Some(&overloaded()));
    }
    assert_eq!(breakers.is_open(0, s(0)), None);
    ask(&mut breakers, 0, s(0), Some(&overloaded()));
    assert_eq!(breakers.is_open(0, s(0)), Some(Cause::Outage));
    assert_eq!(breakers.is_open(1, s(0)), None, "the other model of the key works");
}

#[test]
fn half_open_lets_exactly_one_probe_through() {
    let mut breakers = breakers();
    ask(&mut breakers, 0, s(0), Some(&limited(Some(10))));
    assert!(breakers.admit(0, Duration::from_millis(9_999), false).is_err());
    let probe = breakers.admit(0, s(10), false).unwrap();
    assert!(probe.is_probe());
    assert!(breakers.admit(0, s(10), false).is_err());
    assert!(breakers.admit(0, s(10), true).is_err(), "not even for the last one");
    breakers.settle(probe, s(11), Ended::Well);
    let next = breakers.admit(0, s(11), false).unwrap();
    assert!(!next.is_probe());
    breakers.settle(next, s(11), Ended::Well);
}

#[test]
fn a_health_read_consumes_no_probe() {
    let mut breakers = breakers();
    ask(&mut breakers, 0, s(0), Some(&limited(Some(10))));
    for _ in 0..100 {
        assert_eq!(breakers.is_open(0, s(10)), None);
    }
    assert!(breakers.admit(0, s(10), false).unwrap().is_probe());
}

#[test]
fn a_probe_that_fails_or_is_given_up_decides_nothing_for_the_better() {
    let mut breakers = breakers();
    ask(&mut breakers, 0, s(0), Some(&limited(Some(10))));
    ask(&mut breakers, 0, s(10), Some(&limited(Some(20))));
    assert_eq!(breakers.is_open(0, s(29)), Some(Cause::RateLimit));
    let dropped = breakers.admit(0, s(30), false).unwrap();
    breakers.settle(dropped, s(31), Ended::Unknown);
    assert!(breakers.admit(0, s(31), false).unwrap().is_probe(), "the next one is the probe");
}

#[test]
fn auth_and_billing_are_the_keys_and_stay_open_until_a_probe_succeeds() {
    for (class, cause) in [(Class::Auth, Cause::Auth), (Class::Quota, Cause::Billing)] {
        let mut breakers = breakers();
        let refused = error(class, 401, "no");
        ask(&mut breakers, 0, s(0), Some(&refused));
        assert_eq!(breakers.is_open(1, s(59)), Some(cause), "every model of the key");
        assert_eq!(breakers.is_open(2, s(59)), None, "no other key");
        assert!(breakers.admit(0, s(59), true).is_err(), "the last one, too");
        for minute in 1..5 {
            ask(&mut breakers, 1, s(60 * minute), Some(&refused));
            assert_eq!(breakers.is_open(0, s(60 * minute)), Some(cause));
        }
        ask(&mut breakers, 1, s(300), None);
        assert_eq!(breakers.is_open(0, s(300)), None);
    }
}

#[test]
fn the_last_one_gets_paced_probes() {
    let mut breakers = breakers();
    ask(&mut breakers, 0, s(0), Some(&limited(Some(30))));
    let first = breakers.admit(0, s(0), true).expect("at once");
    breakers.settle(first, s(0), Ended::Badly(&limited(Some(30))));
    let said = breakers.admit(0, Duration::from_millis(999), true).unwrap_err();
    assert_eq!((said.status, said.retry_after), (Some(429), Some(Duration::from_millis(29_001))));
    let second = breakers.admit(0, PACE, true).expect("a second later");
    breakers.settle(second, s(1), Ended::Well);
    assert_eq!(breakers.is_open(0, s(1)), None);
}

#[test]
fn an_absurd_wait_ends_within_the_hour() {
    let mut breakers = breakers();
    ask(&mut breakers, 0, s(0), Some(&limited(Some(u64::MAX))));
    assert_eq!(breakers.is_open(0, s(3_599)), Some(Cause::RateLimit));
    assert_eq!(breakers.is_open(0, s(3_600)), None);
}

#[test]
fn a_breaker_that_is_off_lets_everything_through() {
    let settings = Settings { enabled: false, ..Settings::default() };
    let mut breakers = Breakers::new(settings, &[0]);
    for _ in 0..20 {
        ask(&mut breakers, 0, s(0), Some(&error(Class::Auth, 401, "no")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_429_blocks_nobody() {
    let stage = stage(vec![("a/k/m", 1, vec![fail(limited(Some(30)))])]);
    assert_eq!(
        stage.ask(question()).await,
        "refused: rate-limit 429 rate_limit_error retry-after 30s"
    );
    assert_eq!(stage.ask(question()).await, "a", "the very next one passes");
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!(stage.now(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_probe_gets_the_true_status_and_the_time_that_is_left() {
    let stage = stage(vec![("a/k/m", 1, vec![fail(limited(Some(30))), fail(limited(Some(30)))])]);
    stage.ask(question()).await;
    stage.ask(question()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let came = stage.ask(question()).await;
    assert_eq!(came, "refused: rate-limit 429 rate_limit_error retry-after 29.5s");
    assert_eq!(stage.asked(), [2]);
    pass(1).await;
    assert_eq!(stage.ask(question()).await, "a");
}

#[tokio::test(start_paused = true)]
async fn of_two_the_open_one_is_not_asked_and_comes_back_by_a_probe() {
    let stage = stage(vec![("a/k/m", 1, vec![fail(limited(Some(30)))]), ("b/k/m", 2, vec![])]);
    assert_eq!(stage.ask(question()).await, "b");
    assert_eq!(stage.ask(question()).await, "b");
    assert_eq!(stage.asked(), [1, 2]);
    pass(30).await;
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!(stage.ask(question()).await, "a");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_streams_keeps_nobody_waiting() {
    let slow = Play::Pieces(vec![text("a"), Piece::Wait(60_000), Piece::Say(done())]);
    let stage =
        stage(vec![("a/k/m", 1, vec![fail(limited(Some(30))), slow]), ("b/k/m", 2, vec![])]);
    assert_eq!(stage.ask(question()).await, "b");
    pass(30).await;
    let streaming = stage.router.ask(Arc::new(question())).await.unwrap();
    assert_eq!(stage.ask(question()).await, "a");
    assert_eq!(read(streaming).await, "a");
    assert_eq!(stage.asked(), [3, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_is_given_back() {
    let stage =
        stage(vec![("a/k/m", 1, vec![fail(limited(Some(30))), Play::Hang]), ("b/k/m", 2, vec![])]);
    assert_eq!(stage.ask(question()).await, "b");
    pass(30).await;
    let hanging = stage.router.ask(Arc::new(question()));
    assert!(tokio::time::timeout(s(1), hanging).await.is_err());
    assert_eq!(stage.ask(question()).await, "a");
}
