//! What the router itself takes: models that answer at once, within the process.
//!
//! A decision is everything from the question to the model that is asked: the request is checked, targets
//! are put in order and judged, the breaker and the limits let it pass, and it is made fit for the model.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ax_host::chat::{Answer, Chunk, Done, Error, Finish, Model, ModelInfo, Request, Usage};
use ax_host::clock::SystemClock;
use ax_host::router::keeper::Forgetful;
use ax_host::router::limit::Rate;
use ax_host::router::{Options, Target};
use ax_tests::row::{Bar, Row, percentile};
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, ready};
use futures_util::stream;

use crate::ask::{self, MODELS, Shape};

/// Answers at once, and notes when it was asked.
struct Instantly {
    start: Instant,
    asked_ns: Arc<AtomicU64>,
}

impl Model for Instantly {
    fn ask(&self, request: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>> {
        let asked = u64::try_from(self.start.elapsed().as_nanos()).expect("a bench is short");
        self.asked_ns.store(asked, Ordering::Relaxed);
        let usage = Usage { input: 12, output: 3, ..Usage::default() };
        let model = request.model.clone().unwrap_or_default();
        let done = Done { finish: Finish::Stop, model, provider_request_id: None };
        let chunks = [Chunk::Text("yes".to_owned()), Chunk::Usage(usage), Chunk::Done(done)];
        let chunks = stream::iter(chunks.map(Ok)).boxed();
        ready(Ok(Answer { provider: "here".to_owned(), chunks })).boxed()
    }

    fn count_tokens(&self, _: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>> {
        ready(Ok(7)).boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>> {
        ready(Ok(Vec::new())).boxed()
    }
}

pub(crate) fn run(rounds: usize, requests: usize) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a thread").block_on(measure(rounds, requests))
}

async fn measure(rounds: usize, requests: usize) -> Vec<Row> {
    let (start, asked_ns) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let targets = MODELS.map(|(name, _, model)| Target {
        provider: name.to_owned(),
        key: "key".to_owned(),
        model: model.to_owned(),
        priority: 1,
        asked: Arc::new(Instantly { start, asked_ns: Arc::clone(&asked_ns) }),
    });
    let rate = Rate { requests_per_min: Some(u64::MAX >> 8), tokens_per_min: Some(u64::MAX >> 8) };
    let rates = MODELS.map(|(name, ..)| (name.to_owned(), rate)).into();
    let options = Options { rates, ..Options::default() };
    let clock = Arc::new(SystemClock::new());
    let router = ask::of_targets(targets.to_vec(), options, Arc::new(Forgetful), clock);
    let request = ask::request(Shape { dialect: 0, is_stream: true });
    let (mut decisions, mut all) = (Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let (mut decided, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..requests {
            let named = ask::named(&request);
            let began = start.elapsed();
            ask::read(&router, named, Instant::now()).await;
            whole.push(start.elapsed().saturating_sub(began));
            let asked = Duration::from_nanos(asked_ns.load(Ordering::Relaxed));
            decided.push(asked.saturating_sub(began));
        }
        decisions.push(percentile(&mut decided, 50));
        all.push(percentile(&mut whole, 50));
    }
    // The first round warms up.
    let (decision, whole) = (percentile(&mut decisions[1..], 50), percentile(&mut all[1..], 50));
    let bar = Bar::AtMost(Duration::from_micros(2));
    vec![
        Row::time("decision, 2 targets, limits", decision, None, bar),
        Row::time("a request, model in the process", whole, None, Bar::None),
    ]
}
