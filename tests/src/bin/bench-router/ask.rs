//! One request, through the router and without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ax_host::chat::{Chunk, Message, Request, RequestId, Role};
use ax_host::clock::{Clock, SystemClock};
use ax_host::ledger::{self, Ledger};
use ax_host::provider::{Key, Kind, ProviderConfig, Settings, Upstream, dialect};
use ax_host::router::backoff::Random;
use ax_host::router::catalogue::Catalogue;
use ax_host::router::keeper::Keeper;
use ax_host::router::observer::Nobody;
use ax_host::router::{Anything, Caller, Options, Parts, Router, Target};
use ax_host::secret::value::SecretValue;
use futures_util::StreamExt as _;
use tokio_rustls::rustls::crypto::ring;

/// The dialects that are measured: their names in paths, and a model of each.
pub(crate) const MODELS: [(&str, Kind, &str); 2] =
    [("claude", Kind::Claude, "claude-haiku-4-5"), ("chat", Kind::Openai, "gpt-5.4-mini")];

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Its place among [`MODELS`].
    pub(crate) dialect: usize,
    pub(crate) is_stream: bool,
}

impl Shape {
    /// What a path begins with whose stream stays open.
    pub(crate) const HELD: &str = "/held/";

    pub(crate) const ALL: [Self; 4] = [
        Self { dialect: 0, is_stream: false },
        Self { dialect: 1, is_stream: false },
        Self { dialect: 0, is_stream: true },
        Self { dialect: 1, is_stream: true },
    ];

    pub(crate) fn name(self) -> String {
        let (name, ..) = MODELS[self.dialect];
        format!("{name}, {}", if self.is_stream { "streamed" } else { "whole" })
    }
}

/// How long a request took to its first word, and to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    pub(crate) first: Duration,
    pub(crate) all: Duration,
}

/// A ledger in a folder of its own, which goes with it.
pub(crate) struct Kept {
    pub(crate) ledger: Ledger,
    _home: tempfile::TempDir,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ledger = Ledger::open(home.path(), clock, ledger::Settings::default());
        Self { ledger: ledger.expect("a folder that is ours"), _home: home }
    }
}

/// Makes a router of both providers, as `ax` makes it.
pub(crate) fn router(address: &str, prefix: &str, keeper: Arc<dyn Keeper>) -> Router {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let target = |(name, kind, model): (&str, Kind, &str)| {
        let config = ProviderConfig {
            base_url: Some(format!("http://{address}{prefix}{name}")),
            keys: vec!["key".to_owned()],
            ..ProviderConfig::new(name, kind)
        };
        let settings = Settings::of(&config);
        let provider = Upstream::new(config, dialect(kind), settings, Arc::clone(&clock));
        let value = SecretValue::new(b"sk-bench-0123456789").expect("a key");
        let key = Key { name: "key".to_owned(), value };
        Target {
            provider: name.to_owned(),
            key: "key".to_owned(),
            model: model.to_owned(),
            priority: 1,
            asked: Arc::new(provider.expect("it is sound").client(Some(key))),
        }
    };
    let targets = MODELS.map(target).to_vec();
    of_targets(targets, Options::default(), keeper, clock)
}

/// Makes a router of targets.
pub(crate) fn of_targets(
    targets: Vec<Target>,
    options: Options,
    keeper: Arc<dyn Keeper>,
    clock: Arc<dyn Clock>,
) -> Router {
    let parts = Parts {
        targets,
        options,
        catalogue: Catalogue::built_in(),
        clock,
        random: Random::seeded(1),
        observer: Arc::new(Nobody),
        keeper,
        ranker: None,
        caller: Caller { trigger: "bench".to_owned(), governor: Arc::new(Anything) },
    };
    Router::new(parts).expect("the targets are sound")
}

/// Makes a request of a shape, which the router asks one provider for.
pub(crate) fn request(shape: Shape) -> Request {
    let messages = vec![
        Message::text(Role::System, "You answer in one line."),
        Message::text(Role::User, "What do you see from where you stand?"),
    ];
    let mut request = Request::new(RequestId(uuid::Uuid::nil()), messages);
    request.model = Some(MODELS[shape.dialect].2.to_owned());
    request.stream = shape.is_stream;
    request.max_tokens = Some(256);
    request
}

/// Gives a request a name of its own, as each has.
pub(crate) fn named(request: &Request) -> Arc<Request> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let id = RequestId(uuid::Uuid::from_u128(u128::from(number)));
    Arc::new(Request { id, ..request.clone() })
}

/// Asks through the router, and reads the answer to its end.
pub(crate) async fn ours(router: &Router, request: &Request) -> Took {
    let request = named(request);
    read(router, request, Instant::now()).await
}

/// The same, from a moment on.
pub(crate) async fn read(router: &Router, request: Arc<Request>, began: Instant) -> Took {
    let routed = router.route(request).await;
    let mut chunks = routed.map_err(|it| it.error).expect("an answer").answer.chunks;
    let (mut first, mut is_done) = (None, false);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.expect("it goes on");
        first = first.or_else(|| chunk.is_content().then(|| began.elapsed()));
        is_done |= matches!(chunk, Chunk::Done(_));
    }
    assert!(is_done, "it is whole");
    let all = began.elapsed();
    Took { first: first.unwrap_or(all), all }
}

/// What is asked without the router: the same bytes to the same place.
pub(crate) struct Direct {
    client: reqwest::Client,
    url: String,
    body: String,
}

impl Direct {
    pub(crate) fn new(address: &str, shape: Shape) -> Self {
        // The client wants one even where nothing is encrypted; a second has it already.
        drop(ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (name, kind, model) = MODELS[shape.dialect];
        let words = "What do you see from where you stand?";
        let (path, body) = match kind {
            Kind::Claude => (
                "v1/messages",
                serde_json::json!({
                    "model": model, "max_tokens": 256, "stream": shape.is_stream,
                    "system": "You answer in one line.",
                    "messages": [{ "role": "user", "content": words }],
                }),
            ),
            _ => (
                "chat/completions",
                serde_json::json!({
                    "model": model, "max_completion_tokens": 256, "stream": shape.is_stream,
                    "messages": [
                        { "role": "system", "content": "You answer in one line." },
                        { "role": "user", "content": words },
                    ],
                }),
            ),
        };
        let url = format!("http://{address}/{name}/{path}");
        Self { client, url, body: body.to_string() }
    }

    /// Asks, and reads the same bytes.
    pub(crate) async fn ask(&self) -> Took {
        let began = Instant::now();
        let request = self.client.post(&self.url).body(self.body.clone());
        let request = request.header("content-type", "application/json");
        let mut response = request.send().await.expect("an answer");
        assert!(response.status().is_success());
        let (mut bytes, mut first) = (Vec::new(), None);
        while let Some(more) = response.chunk().await.expect("it goes on") {
            bytes.extend_from_slice(&more);
            first.get_or_insert_with(|| began.elapsed());
        }
        assert!(bytes.len() > 100, "it is whole");
        let all = began.elapsed();
        Took { first: first.unwrap_or(all), all }
    }
}
