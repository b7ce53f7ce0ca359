//! What is on record of a request, and how it is read.

use serde_json::json;

use super::*;
use crate::chat::Finish;
use crate::ledger::Keep;
use crate::ledger::account::By;
use crate::ledger::entry::State;
use crate::ledger::health::Check;
use crate::provider::scripted::Act;
use crate::provider::scripted::answer;
use crate::provider::scripted::done;

fn broken(words: &str) -> Vec<Act> {
    let error =
        Error { status: Some(529), ..Error::new(Class::Transient, "overloaded_error", "x") };
    let said = crate::chat::Chunk::Text(words.to_owned());
    vec![Act::Say(said), Act::Fail(error)]
}

fn failing() -> Scripted {
    Scripted::failing(
        "one",
        Error { status: Some(503), ..Error::new(Class::Transient, "down", "x") },
    )
}

/// A request that falls back, one that breaks, one that is dropped, one that is never sent.
async fn morning(home: &Home, settings: Settings) -> Ledger {
    let ledger = home.open(settings);
    let second = Scripted::new("two", vec![answer("yes"), broken("half"), vec![Act::Hang]]);
    let router = router(Arc::new(ledger.clone()), vec![failing(), second]);
    assert!(ask(&router, question(1)).await);
    assert!(!ask(&router, question(2)).await);
    let mut dropped = router.ask(Arc::new(question(3)));
    while ledger_is_without(home, 3) {
        assert!(futures_util::poll!(&mut dropped).is_pending());
        tokio::task::yield_now().await;
    }
    drop(dropped);
    assert!(!ask(&router, Question { messages: vec![], ..question(4) }).await);
    ledger.flush().await;
    ledger
}

/// Nobody of that name was asked yet whom nobody answers.
fn ledger_is_without(home: &Home, number: u128) -> bool {
    let sql = "SELECT count(*) FROM requests WHERE provider = 'two' AND id = ";
    home.count(&format!("{sql}'{}'", name(number))) == 0
}

#[tokio::test]
async fn a_request_is_one_row_from_its_intent_to_its_end() {
    let home = Home::new();
    let _ledger = morning(&home, Settings::default()).await;
    let line = |it: &Request| {
        let error = it.error.as_ref().map(|it| format!("{} {:?}", it.class, it.code));
        format!(
            "{} {}/{}/{} x{} {:?} {:?} in {} out {} {} {:?}",
            it.state,
            it.provider,
            it.key,
            it.model,
            it.attempts,
            it.finish,
            error,
            it.tokens[0],
            it.tokens[1],
            it.cost_micro_usd.unwrap_or_default(),
            it.basis,
        )
    };
    let lines: Vec<_> = home.list().iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    failed // x0 None Some("caller-fault Some(\"invalid\")") in 0 out 0 0 Some("reported")
    failed two/main/claude-opus-5 x2 None Some("cancelled Some(\"cancelled\")") in 1 out 0 5 Some("estimated")
    failed two/main/claude-opus-5 x2 None Some("transient Some(\"overloaded_error\")") in 1 out 1 30 Some("estimated")
    completed two/main/claude-opus-5 x2 Some("stop") None in 2 out 3 85 Some("reported")
    "#);
    let all = home.list();
    assert!(all.iter().all(|it| it.trigger == "test" && it.bound_micro_usd.is_none()));
    let shown = home.reader().show(&name(1).to_string()).unwrap().unwrap();
    assert_eq!(shown.trail[0]["code"], json!("down"));
    assert_eq!(shown.trail[1]["class"], json!(null));
    assert_eq!((shown.body, shown.chunks), (None, 0));
    assert_eq!(home.reader().show("nobody").unwrap(), None);
}

#[tokio::test]
async fn what_was_said_is_kept_only_if_it_is_wanted() {
    let said = |home: &Home| {
        let dump = fs_err::read(home.path().join("router.db")).unwrap();
        let wal = fs_err::read(home.path().join("router.db-wal")).unwrap_or_default();
        let all = [dump, wal].concat();
        let has = |text: &str| all.windows(text.len()).any(|it| it == text.as_bytes());
        (has("half") || has("yes\\\"") || has("\"yes\""), has("my secret plan"))
    };
    let home = Home::new();
    let _ledger = morning(&home, Settings::default()).await;
    assert_eq!(said(&home), (false, false));
    for (keep, bodies, chunks) in [(Keep::Responses, 1, 0), (Keep::Chunks, 1, 4)] {
        let home = Home::new();
        let _ledger = morning(&home, Settings { keep, ..Settings::default() }).await;
        assert_eq!(said(&home), (true, false));
        assert_eq!(home.count("SELECT count(*) FROM responses"), bodies);
        assert_eq!(home.count("SELECT count(*) FROM chunks"), chunks, "{keep}");
        let shown = home.reader().show(&name(1).to_string()).unwrap().unwrap();
        assert!(shown.is_body_whole && shown.body.unwrap().contains("yes"));
    }
    let home = Home::new();
    let few = Settings { keep: Keep::Responses, body_bytes_max: 10, ..Settings::default() };
    let _ledger = morning(&home, few).await;
    let shown = home.reader().show(&name(1).to_string()).unwrap().unwrap();
    assert_eq!((shown.body.map(|it| it.len()), shown.is_body_whole), (Some(10), false));
}

#[tokio::test]
async fn a_name_is_asked_under_once() {
    let home = Home::new();
    let ledger = home.open(Settings::default());
    let router = router(Arc::new(ledger.clone()), vec![Scripted::saying("one", "yes")]);
    assert!(ask(&router, question(1)).await);
    let refused = router.ask(Arc::new(question(1))).await.err().unwrap();
    assert_eq!(refused.class, Class::CallerFault);
    assert_eq!(refused.message, format!("`id` is `{}`, which was used before", name(1)));
    assert!(ask(&router, question(2)).await, "others go on");
    ledger.flush().await;
    assert_eq!(home.list().len(), 2);
    assert_eq!(home.list()[1].state, "completed", "the first stays what it was");
}

#[tokio::test]
async fn requests_are_found_by_what_is_known_of_them() {
    let home = Home::new();
    let _ledger = morning(&home, Settings::default()).await;
    let reader = home.reader();
    let count = |filter: &Filter| reader.list(filter, 10).unwrap().len();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(count(&Filter { state: Some(State::Failed), ..Filter::default() }), 3);
    assert_eq!(count(&Filter { provider: text("two"), ..Filter::default() }), 3);
    assert_eq!(count(&Filter { provider: text("' OR 1=1 --"), ..Filter::default() }), 0);
    assert_eq!(count(&Filter { model: text("claude-opus-5"), ..Filter::default() }), 3);
    assert_eq!(count(&Filter { trigger: text("chat"), ..Filter::default() }), 0);
    assert_eq!(count(&Filter { since_ms: Some(NOW_MS), ..Filter::default() }), 4);
    assert_eq!(count(&Filter { since_ms: Some(NOW_MS + 1), ..Filter::default() }), 0);
    assert_eq!(reader.list(&Filter::default(), 2).unwrap().len(), 2);
    let newest = &reader.list(&Filter::default(), 1).unwrap()[0];
    assert_eq!(newest.id, name(4).to_string());
}

#[tokio::test]
async fn days_models_and_callers_are_summed_up() {
    let home = Home::new();
    let _ledger = morning(&home, Settings::default()).await;
    let usage = |by| {
        let rows = home.reader().usage(by, Some(NOW_MS)).unwrap();
        let row = |it: &crate::ledger::account::Usage| {
            let ends = (it.completed, it.failed, it.orphaned);
            format!("{} {ends:?} {} {}", it.name, it.reported_micro_usd, it.estimated_micro_usd)
        };
        rows.iter().map(row).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(usage(By::Day), "2026-11-22 (1, 3, 0) 85 35");
    assert_eq!(usage(By::Model), " (0, 1, 0) 0 0; claude-opus-5 (1, 2, 0) 85 35");
    assert_eq!(usage(By::Provider), " (0, 1, 0) 0 0; two (1, 2, 0) 85 35");
    assert_eq!(usage(By::Trigger), "test (1, 3, 0) 85 35");
    let tomorrow = Some(NOW_MS + 86_400_000);
    assert!(home.reader().usage(By::Day, tomorrow).unwrap().is_empty());
}

#[tokio::test]
async fn providers_are_known_by_what_came_of_asking_them() {
    let home = Home::new();
    let ledger = morning(&home, Settings::default()).await;
    let at = |minutes: u64, is_well, latency_ms| Check {
        provider: "three".to_owned(),
        at_ms: NOW_MS - minutes * 60_000,
        is_well,
        latency_ms,
        ..Check::default()
    };
    for check in [at(90, true, 1_000), at(30, true, 10), at(20, true, 30), at(10, false, 5)] {
        ledger.check(check);
    }
    let (remaining, reset_ms) = (Some(7), Some(NOW_MS + 1));
    ledger.check(Check { is_probe: true, remaining, reset_ms, ..at(0, true, 20) });
    ledger.flush().await;
    let slas = home.reader().sla(NOW_MS).unwrap();
    let line = |sla: &crate::ledger::health::Sla| {
        let spans = sla
            .spans
            .iter()
            .map(|it| format!("{}/{} {:?} {:?}", it.answered, it.attempts, it.p50_ms, it.p95_ms));
        format!("{}: {}", sla.provider, spans.collect::<Vec<_>>().join(", "))
    };
    insta::assert_snapshot!(slas.iter().map(line).collect::<Vec<_>>().join("\n"), @r"
    one: 0/3 None None, 0/3 None None, 0/3 None None
    three: 3/4 Some(20) Some(30), 4/5 Some(20) Some(1000), 4/5 Some(20) Some(1000)
    two: 1/2 Some(0) Some(0), 1/2 Some(0) Some(0), 1/2 Some(0) Some(0)
    ");
    assert_eq!(slas[1].spans[0].availability_ppm, Some(750_000));
    assert_eq!((slas[1].last.remaining, slas[1].last.is_probe), (Some(7), true));
    assert_eq!(slas[0].last.error.as_deref(), Some("down"));
}

#[tokio::test]
async fn an_end_without_words_costs_what_the_provider_says() {
    let home = Home::new();
    let ledger = home.open(Settings::default());
    let huge = vec![crate::provider::scripted::usage(u64::MAX, u64::MAX), done(Finish::Stop)];
    let router = router(Arc::new(ledger.clone()), vec![Scripted::new("one", vec![huge])]);
    for number in 1..=3 {
        assert!(ask(&router, question(number)).await);
    }
    ledger.flush().await;
    let account = home.reader().account(NOW_MS).unwrap();
    assert_eq!(account.ended.tokens[0], 3 << 40, "whatever it says");
    assert_eq!(account.ended.reported_micro_usd, 3 << 40);
    assert_eq!(home.reader().usage(By::Day, None).unwrap()[0].tokens, account.ended.tokens);
}

#[tokio::test]
async fn what_is_old_goes_and_what_its_day_came_to_stays() {
    let home = Home::new();
    drop(morning(&home, Settings { keep: Keep::Chunks, ..Settings::default() }).await);
    let days = |days: u64| home.clock.advance(std::time::Duration::from_secs(days * 86_400));
    let later = |number: u128| {
        let settings = Settings { keep: Keep::Chunks, ..Settings::default() };
        let ledger = home.open(settings);
        let router = router(Arc::new(ledger.clone()), vec![Scripted::saying("one", "yes")]);
        async move {
            // What is old goes after the first batch, which must not be the one that makes a row.
            ledger.flush().await;
            assert!(ask(&router, question(number)).await);
            drop(router);
            ledger.close();
        }
    };
    days(90);
    later(5).await;
    assert_eq!(home.list().len(), 5, "90 days are kept");
    days(1);
    later(6).await;
    let ids: Vec<_> = home.list().into_iter().map(|it| it.id).collect();
    assert_eq!(ids, [name(6).to_string()], "the router's own clock stands still");
    assert_eq!(home.reader().usage(By::Trigger, None).unwrap()[0].requests, 6);
}

#[test]
fn nothing_was_asked_where_there_is_no_ledger() {
    let home = Home::new();
    assert!(Reader::open(home.path(), NOW_MS).unwrap().is_none());
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
