//! The order that an operator's policy gives.

use std::future::ready;

use serde_json::Value;

use super::decision::explained;
use super::*;

/// What a policy does.
enum Mind {
    Says(Vec<u32>),
    Fails,
    Sleeps,
}

struct Policy {
    mind: Mind,
    told: Mutex<Vec<(Value, Value)>>,
}

impl Ranker for Policy {
    fn rank(&self, request: Value, those: Value) -> BoxFuture<'static, Result<Vec<u32>, String>> {
        self.told.lock().unwrap().push((request, those));
        match &self.mind {
            Mind::Says(order) => ready(Ok(order.clone())).boxed(),
            Mind::Fails => ready(Err("the plugin crashed".to_owned())).boxed(),
            Mind::Sleeps => futures_util::future::pending().boxed(),
        }
    }
}

fn under(mind: Mind) -> (Stage, Arc<Policy>) {
    let policy = Arc::new(Policy { mind, told: Mutex::default() });
    let cast = vec![("a/k/m", 1, vec![]), ("b/k/m", 1, vec![]), ("c/k/m", 1, vec![])];
    let (catalogue, ranker) = (Catalogue::built_in(), Arc::clone(&policy) as Arc<dyn Ranker>);
    let (governor, keeper) = (Arc::new(Anything), Arc::new(Forgetful));
    let stage = stage_ranked(cast, Options::default(), catalogue, governor, keeper, Some(ranker));
    (stage, policy)
}

#[tokio::test(start_paused = true)]
async fn a_policy_chooses_the_order_and_who_is_left_out() {
    let (stage, _) = under(Mind::Says(vec![2, 0]));
    assert_eq!(explained(&stage, question()).await, "c/m: Policy; a/m: Policy");
    assert_eq!(stage.ask(question()).await, "c");
}

#[tokio::test(start_paused = true)]
async fn whatever_a_policy_does_somebody_is_asked() {
    let nonsense = [vec![0, 0], vec![3], vec![u32::MAX]].map(Mind::Says);
    for mind in nonsense.into_iter().chain([Mind::Fails, Mind::Sleeps]) {
        let (stage, _) = under(mind);
        assert_eq!(stage.ask(question()).await, "a", "the usual order");
        assert!(stage.log().contains("unranked"), "{}", stage.log());
        let explained = stage.router.explain(&question()).await.unwrap();
        assert!(explained.unranked.is_some_and(|why| why.contains("the ")));
    }
}

#[tokio::test(start_paused = true)]
async fn no_opinion_is_the_usual_order_and_no_failure() {
    let (stage, _) = under(Mind::Says(vec![]));
    assert_eq!(stage.ask(question()).await, "a");
    assert!(!stage.log().contains("unranked"), "{}", stage.log());
    assert!(!explained(&stage, question()).await.contains("Policy"));
}

#[tokio::test(start_paused = true)]
async fn who_asked_hears_why_a_policy_was_not_followed() {
    let (stage, _) = under(Mind::Fails);
    let routed = stage.router.route(Arc::new(question())).await.expect("an answer");
    assert_eq!(routed.trail.unranked.as_deref(), Some("the plugin crashed"));
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_told_facts_and_no_word_of_what_is_said() {
    let (stage, policy) = under(Mind::Says(vec![1]));
    let secret = "the words of a person";
    let request = Request { messages: vec![Message::text(Role::User, secret)], ..question() };
    assert_eq!(stage.ask(request).await, "b");
    let told = policy.told.lock().unwrap();
    let (request, those) = &told[0];
    assert!(!format!("{request}{those}").contains("words of"), "{request}");
    assert_eq!(request["trigger"], "test");
    assert_eq!(those.as_array().map(Vec::len), Some(3));
    assert_eq!(those[1]["provider"], "b");
}

#[tokio::test(start_paused = true)]
async fn one_that_could_answer_needs_no_policy() {
    let (stage, policy) = under(Mind::Says(vec![0]));
    let request = Request { provider: Some("b".to_owned()), ..question() };
    assert_eq!(stage.ask(request).await, "b");
    assert!(policy.told.lock().unwrap().is_empty());
}
