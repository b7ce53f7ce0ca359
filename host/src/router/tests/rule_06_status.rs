//! Status, code, request id and Retry-After stay what the provider said; the trail tells what was tried.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_error_is_handed_on_as_it_came() {
    for (status, class) in
        [(429, Class::RateLimit), (529, Class::Transient), (500, Class::Transient)]
    {
        let said = Error {
            provider: Some("a".to_owned()),
            provider_request_id: Some("req_1".to_owned()),
            retry_after: Some(Duration::from_secs(77)),
            ..error(class, status, "as_it_is_called")
        };
        let stage = stage(vec![("a/k/m", 1, vec![fail(said.clone()); 9])]);
        let refused = stage.router.route(Arc::new(question())).await.err().unwrap();
        assert_eq!(refused.error, said);
        assert_eq!(stage.asked(), [1], "77 s are not waited for");
        assert_eq!(refused.trail.header(), format!("a/m {status}"));
        assert_eq!(refused.trail.should_retry(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_is_that_of_whoever_was_asked_last() {
    let spent = error(Class::Quota, 429, "insufficient_quota");
    let stage =
        stage(vec![("a/k/m", 1, vec![fail(limited(Some(60)))]), ("b/k/m", 2, vec![fail(spent)])]);
    assert_eq!(stage.ask(question()).await, "refused: quota 429 insufficient_quota");
    // The first is asked again although it is open, since the other is benched.
    assert_eq!(stage.ask(question()).await, "a");
}

#[tokio::test(start_paused = true)]
async fn the_trail_names_every_attempt() {
    let stage = stage(vec![
        ("a/k/m", 1, vec![fail(overloaded()), fail(limited(Some(9)))]),
        ("b/k/n", 2, vec![fail(Error::new(Class::Transient, "connect", ""))]),
    ]);
    let routed = stage.router.route(Arc::new(question())).await.ok().unwrap();
    assert_eq!(routed.trail.header(), "a/m 529, a/m 429, b/n transient, b/n ok");
    assert_eq!(read(routed.answer).await, "b");
    assert_eq!(routed.trail.should_retry(), None);
}

#[tokio::test(start_paused = true)]
async fn what_happened_is_announced_in_order() {
    let stage = stage(vec![
        ("a/one/claude-opus-5", 1, vec![fail(limited(Some(9)))]),
        ("b/k/gpt-6-sol", 2, vec![]),
    ]);
    assert_eq!(stage.ask(question()).await, "b");
    insta::assert_snapshot!(stage.log(), @r"
    route a/one/claude-opus-5 Priority(1), b/k/gpt-6-sol Priority(2)
    attempt 1 a/one/claude-opus-5
    error rate-limit Some(429) rate_limit_error blame Some(RateLimit)
    fallback a/one -> b/k rate_limit_error
    attempt 2 b/k/gpt-6-sol
    success after 2: 15 tokens Reported 70
    ");
}
