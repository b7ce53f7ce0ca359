//! One client per target, and no queue: what is too much at once is refused.

use super::super::RouterError;
use super::*;

#[tokio::test(start_paused = true)]
async fn requests_at_once_are_bounded_and_more_are_refused() {
    let options = Options { in_flight_max: 2, ..Options::default() };
    let stage = stage_of(vec![("a/k/m", 1, vec![])], options);
    let first = stage.router.ask(Arc::new(question())).await.unwrap();
    let second = stage.router.ask(Arc::new(question())).await.unwrap();
    assert_eq!(stage.ask(question()).await, "refused: rate-limit router-full retry-after 1s");
    assert_eq!(read(first).await, "a");
    assert_eq!(stage.ask(question()).await, "a", "an answer that is read makes room");
    drop(second);
    let third = stage.router.ask(Arc::new(question())).await;
    let fourth = stage.router.ask(Arc::new(question())).await;
    assert!(third.is_ok() && fourth.is_ok(), "one that is dropped does, too");
    assert_eq!(stage.asked(), [5]);
}

#[test]
fn targets_are_a_list_that_can_be_asked() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _entered = runtime.enter();
    let made = |paths: &[(&str, u8)]| {
        let target = |(path, priority): &(&str, u8)| {
            let actor = Actor {
                name: (*path).to_owned(),
                plays: Mutex::default(),
                asked: Mutex::default(),
                held: Arc::default(),
            };
            Target {
                provider: (*path).to_owned(),
                key: "k".to_owned(),
                model: "m".to_owned(),
                priority: *priority,
                asked: Arc::new(Shown(Arc::new(actor))),
            }
        };
        let parts = Parts {
            targets: paths.iter().map(target).collect(),
            options: Options::default(),
            catalogue: Catalogue::built_in(),
            clock: Arc::new(TokioClock::new()),
            random: Random::seeded(1),
            observer: Arc::new(Log::default()),
            keeper: Arc::new(Forgetful),
            ranker: None,
            caller: caller(Arc::new(Anything)),
        };
        Router::new(parts).err()
    };
    assert_eq!(made(&[("a", 1), ("b", 10)]), None);
    assert_eq!(made(&[]), Some(RouterError::Empty));
    assert!(matches!(made(&[("a", 1), ("a", 2)]), Some(RouterError::Twice { .. })));
    assert!(matches!(made(&[("a", 0)]), Some(RouterError::Priority { found: 0, .. })));
    assert!(matches!(made(&[("a", 11)]), Some(RouterError::Priority { found: 11, .. })));
    let names: Vec<String> = (0..257).map(|it| it.to_string()).collect();
    let all: Vec<(&str, u8)> = names.iter().map(|it| (it.as_str(), 1)).collect();
    assert_eq!(made(&all[..256]), None);
    assert_eq!(made(&all), Some(RouterError::Many { found: 257 }));
}
