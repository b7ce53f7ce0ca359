//! What a decision does: nothing that grows, nothing that is copied without need.

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
