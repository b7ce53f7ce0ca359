//! The table of ROUTER §2, cell by cell: every state with every event.

use std::collections::VecDeque;

use super::super::lifecycle::Event;
use super::super::lifecycle::Lifecycle;
use super::super::lifecycle::Provider;
use super::super::lifecycle::State;
use super::super::lifecycle::step;
use super::*;
use crate::chat::Response;

fn providers(names: &[&str]) -> VecDeque<Provider> {
    let provider = |name: &&str| Provider {
        name: (*name).to_owned(),
        model: "m".to_owned(),
        priority: 1,
        available: true,
    };
    names.iter().map(provider).collect()
}

fn chunk(commits: bool) -> Event {
    Event::Chunk { chunk: Chunk::Text("word".to_owned()), commits }
}

fn complete() -> Event {
    Event::Complete { usage: None, cost: None }
}

fn response() -> Event {
    let message = Message::text(Role::Assistant, "word");
    let (provider, model) = ("a".to_owned(), "m".to_owned());
    let finish = Finish::Stop;
    Event::Response(Box::new(Response {
        provider,
        model,
        message,
        finish,
        usage: None,
        provider_request_id: None,
    }))
}

fn events() -> Vec<Event> {
    vec![
        Event::Initiate,
        Event::ValidateRequest,
        Event::ValidationPassed { providers: providers(&["a", "b"]) },
        Event::ValidationFailed(Error::invalid("x".to_owned())),
        Event::Send,
        response(),
        chunk(false),
        Event::StreamComplete,
        Event::RateLimit(limited(None)),
        Event::Retry(Some(overloaded())),
        Event::RequestFailed(overloaded()),
        Event::Fallback { at: 0 },
        Event::Cancel,
        complete(),
        Event::Reset,
    ]
}

fn live(request: Request, path: Vec<Event>) -> Lifecycle {
    let mut life = Lifecycle::new(Arc::new(request), 3);
    for event in path {
        life.apply(event, Duration::ZERO).unwrap();
    }
    life
}

fn sent() -> Vec<Event> {
    let passed = Event::ValidationPassed { providers: providers(&["a", "b"]) };
    vec![Event::Initiate, Event::ValidateRequest, passed, Event::Send]
}

fn then(more: Vec<Event>) -> Vec<Event> {
    let mut path = sent();
    path.extend(more);
    path
}

/// A way into every state.
fn ways() -> Vec<Vec<Event>> {
    vec![
        vec![],
        vec![Event::Initiate],
        sent(),
        then(vec![chunk(false)]),
        then(vec![Event::RateLimit(limited(None))]),
        then(vec![Event::Retry(Some(overloaded()))]),
        then(vec![Event::RequestFailed(overloaded())]),
        then(vec![chunk(true), Event::StreamComplete]),
    ]
}

#[test]
fn every_pair_is_in_the_table_or_refused() {
    let mut rows = Vec::new();
    for way in 0..ways().len() {
        for (number, _) in events().iter().enumerate() {
            let mut life = live(question(), ways().remove(way));
            let (from, event) = (life.state(), events().remove(number));
            let (name, history) = (event.name(), life.history().len());
            let told = step(from, &event, life.context());
            assert_eq!(told, life.apply(event, Duration::ZERO), "the driver's step is the table's");
            match told {
                Ok(to) => rows.push(format!("{from:?} {name} -> {to:?}")),
                Err(refused) => {
                    assert_eq!((refused.state, refused.event, refused.why), (from, name, None));
                    assert_eq!((life.state(), life.history().len()), (from, history));
                }
            }
        }
    }
    insta::assert_snapshot!(rows.join("\n"), @r"
    Idle initiate -> Validating
    Validating validate-request -> Validating
    Validating validation-passed -> Requesting
    Validating validation-failed -> Failed
    Validating cancel -> Failed
    Requesting send -> Requesting
    Requesting response -> Completed
    Requesting chunk -> Streaming
    Requesting rate-limit -> RateLimited
    Requesting retry -> Retrying
    Requesting request-failed -> Failed
    Requesting cancel -> Failed
    Streaming chunk -> Streaming
    Streaming stream-complete -> Completed
    Streaming rate-limit -> RateLimited
    Streaming retry -> Retrying
    Streaming request-failed -> Failed
    Streaming cancel -> Failed
    RateLimited retry -> Retrying
    RateLimited request-failed -> Failed
    RateLimited cancel -> Failed
    Retrying send -> Requesting
    Retrying request-failed -> Failed
    Retrying cancel -> Failed
    Failed fallback -> Requesting
    Failed complete -> Failed
    Completed complete -> Completed
    Completed reset -> Idle
    ");
    assert_eq!(ways().len() * events().len(), 120);
}

fn refused(mut life: Lifecycle, event: Event) -> String {
    life.apply(event, Duration::ZERO).unwrap_err().to_string()
}

#[test]
fn guards_are_told_where_they_do_not_hold() {
    let silent = Request { messages: vec![], ..question() };
    let passed = || Event::ValidationPassed { providers: providers(&["a"]) };
    let nobody = Event::ValidationPassed { providers: VecDeque::new() };
    let retry = || Event::Retry(Some(overloaded()));
    let three = then((0..3).flat_map(|_| [retry(), Event::Send]).collect());
    let mut limited_too_often: Vec<Event> = three;
    let spent = || then((0..3).flat_map(|_| [retry(), Event::Send]).collect());
    limited_too_often.push(Event::RateLimit(limited(None)));
    let failed = |error| then(vec![Event::RequestFailed(error)]);
    let wrong = || error(Class::CallerFault, 400, "wrong");
    let fallback = || Event::Fallback { at: 0 };
    let rows = [
        refused(live(silent, vec![Event::Initiate]), passed()),
        refused(live(question(), vec![Event::Initiate]), nobody),
        refused(live(whole_question(), sent()), chunk(false)),
        refused(live(question(), spent()), retry()),
        refused(live(question(), limited_too_often), Event::Retry(None)),
        refused(live(question(), then(vec![chunk(true)])), retry()),
        refused(live(question(), then(vec![chunk(true)])), Event::RateLimit(limited(None))),
        refused(live(question(), failed(overloaded())), Event::Fallback { at: 1 }),
        refused(live(question(), failed(wrong())), fallback()),
        refused(live(question(), then(vec![Event::Cancel])), fallback()),
        refused(
            live(question(), vec![Event::Initiate, Event::ValidationFailed(wrong())]),
            fallback(),
        ),
        refused(
            live(question(), then(vec![chunk(true), Event::RequestFailed(overloaded())])),
            fallback(),
        ),
        refused(
            live(question(), then(vec![Event::RequestFailed(overloaded()), complete()])),
            fallback(),
        ),
        refused(live(question(), then(vec![response(), complete()])), complete()),
        refused(live(question(), then(vec![Event::Cancel, complete()])), complete()),
    ];
    insta::assert_snapshot!(rows.join("\n"), @r"
    validation-passed cannot follow Validating: no messages or no provider
    validation-passed cannot follow Validating: no messages or no provider
    chunk cannot follow Requesting: the answer is no stream
    retry cannot follow Requesting: retries are spent
    retry cannot follow RateLimited: retries are spent
    retry cannot follow Streaming: something was handed on, or retries are spent
    rate-limit cannot follow Streaming: something was handed on
    fallback cannot follow Failed: nobody else may be asked
    fallback cannot follow Failed: nobody else may be asked
    fallback cannot follow Failed: nobody else may be asked
    fallback cannot follow Failed: nobody else may be asked
    fallback cannot follow Failed: nobody else may be asked
    fallback cannot follow Failed: nobody else may be asked
    complete cannot follow Completed: it is settled
    complete cannot follow Failed: it is settled
    ");
}

#[test]
fn a_fallback_begins_at_the_first_retry_and_forgets_the_pieces() {
    let usage = Chunk::Usage(Usage { input: 1, ..Usage::default() });
    let life = live(
        question(),
        then(vec![
            Event::Retry(Some(overloaded())),
            Event::Send,
            Event::Chunk { chunk: usage, commits: false },
            Event::RequestFailed(overloaded()),
            Event::Fallback { at: 0 },
            Event::Send,
            chunk(true),
            Event::Chunk { chunk: done(), commits: true },
            Event::StreamComplete,
        ]),
    );
    let context = life.context();
    assert_eq!(context.provider.as_ref().unwrap().name, "b");
    assert_eq!((context.retries, context.attempts, context.chunks), (0, 3, 2));
    let response = context.response.as_ref().unwrap();
    assert_eq!(
        (response.provider.as_str(), response.message.joined_text().as_str()),
        ("b", "word")
    );
    assert_eq!((context.usage, &context.error), (None, &None));
}

#[test]
fn a_reset_keeps_the_request_and_nothing_else() {
    let mut life = live(question(), then(vec![response(), complete()]));
    assert_eq!(life.apply(Event::Reset, Duration::ZERO), Ok(State::Idle));
    let context = life.context();
    assert_eq!(context.request.id, question().id);
    assert!(context.response.is_none() && context.provider.is_none() && !context.is_settled);
    assert_eq!(life.apply(Event::Initiate, Duration::ZERO), Ok(State::Validating));
}

#[test]
fn time_and_tokens_are_kept() {
    let request = Request { max_tokens: Some(5), ..question() };
    let mut life = live(request, then(vec![response()]));
    assert!(life.context().is_within_token_limit());
    let usage = Some(Usage { output: 6, ..Usage::default() });
    life.apply(Event::Complete { usage, cost: None }, Duration::from_secs(9)).unwrap();
    assert!(!life.context().is_within_token_limit());
    assert_eq!(life.context().duration(), Some(Duration::ZERO), "it ended with the answer");
}

#[test]
fn a_history_is_bounded_and_pieces_leave_one_row() {
    let life = live(question(), then((0..10_000).map(|_| chunk(true)).collect()));
    assert_eq!((life.history().len(), life.context().chunks), (5, 10_000));
    let again: Vec<Event> = (0..100).flat_map(|_| then(vec![response(), Event::Reset])).collect();
    assert_eq!(live(question(), again).history().len(), 256);
}
