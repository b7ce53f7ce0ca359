//! Asks one provider with one key, over HTTP.
//!
//! ```text
//! Client ── key ──→ Upstream: settings, one pool of connections
//!   │ ask: validate → write → send → status? ──→ error, wait
//!   │                                 └ 200 ──→ whole, or stream
//! ```
//!
//! Invariant: one request is sent once; nothing is followed, repeated or read without a bound. The key is in
//! a header that no log shows, and is taken out of whatever the provider says as it comes in.
//! Not here: what an error leads to (`router`).

mod fault;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod veil;

pub use settings::Settings;

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tokio::sync::OnceCell;

use self::fault::Late;
use self::stream::{Streaming, Times};
use self::veil::Veil;
use super::config::ProviderConfig;
use super::dialect::{Dialect, Outgoing, Route};
use super::limits::RateLimits;
use crate::chat::{Answer, Chunk, Class, Done, Error, Model, ModelInfo, Request, Thinking};
use crate::clock::Clock;
use crate::secret::value::SecretValue;

/// Bytes of a failure's body that are read: all that is known say it in less.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// Time for the body of a failure; without it the status speaks.
const ERROR_WAIT: Duration = Duration::from_secs(5);

/// Pages of models that are read.
const PAGES_MAX: usize = 20;

/// Models that are read.
const LISTED_MAX: usize = 10_000;

/// The headers in which providers name a request.
const REQUEST_ID: [&str; 2] = ["request-id", "x-request-id"];

/// A key, and the name by which it may be told.
#[derive(Debug, Clone)]
pub struct Key {
    /// The name of the secret.
    pub name: String,
    /// The secret.
    pub value: SecretValue,
}

/// A provider and its pool of connections, which its keys share.
pub struct Upstream {
    config: ProviderConfig,
    /// Where it is, without a slash at the end.
    place: String,
    dialect: Box<dyn Dialect>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    http: OnceCell<reqwest::Client>,
}

/// Asks a provider with one key.
#[derive(Clone)]
pub struct Client {
    upstream: Arc<Upstream>,
    key: Option<Key>,
    veil: Veil,
    limits: Arc<Mutex<RateLimits>>,
}

/// What a provider said when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How long the answer took.
    pub latency: Duration,
    /// The models it has.
    pub models: Vec<ModelInfo>,
    /// The models that its configuration names and it does not have.
    pub missing: Vec<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|key| &key.name);
        f.debug_struct("Client")
            .field("provider", &self.upstream.config.name)
            .field("key", &key)
            .finish()
    }
}

impl Upstream {
    /// Prepares a provider. Nothing is sent, and no certificate is read, before the first request.
    ///
    /// # Errors
    ///
    /// [`super::ConfigError`] if its configuration cannot be meant.
    pub fn new(
        config: ProviderConfig,
        dialect: Box<dyn Dialect>,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, super::ConfigError> {
        config.validate()?;
        let place = config.place().map_err(|why| super::ConfigError {
            provider: config.name.clone(),
            field: "url",
            why,
        })?;
        let http = OnceCell::new();
        Ok(Arc::new(Self { config, place, dialect, settings, clock, http }))
    }

    /// Returns what the operator says of it.
    #[must_use]
    pub fn config(&self) -> &ProviderConfig {
        &self.config
    }

    /// Asks with a key, or without one where the provider wants none.
    #[must_use]
    pub fn client(self: &Arc<Self>, key: Option<Key>) -> Client {
        let veil = Veil::of(key.as_ref());
        Client { upstream: Arc::clone(self), key, veil, limits: Arc::default() }
    }

    async fn http(&self) -> Result<&reqwest::Client, Error> {
        let make = async || {
            let settings = self.settings.clone();
            let is_tls = self.place.starts_with("https:");
            if !is_tls && settings.proxy.is_none() {
                return connect(&settings, tls::none());
            }
            // Reads the authorities of the machine.
            let made = tokio::task::spawn_blocking(move || {
                connect(&settings, tls::trusting(settings.roots.clone()))
            });
            made.await.map_err(|_| Error::cancelled())?
        };
        self.http.get_or_try_init(make).await
    }

    /// Chooses the model of a request.
    fn route(&self, request: &Request) -> Result<Route, Error> {
        let (name, models) = (&self.config.name, &self.config.models);
        let model = request.model.as_ref().or(self.config.default_model.as_ref());
        let Some(model) = model else {
            let why = format!("`model` is missing, and provider `{name}` has no default model");
            return Err(Error::invalid(why));
        };
        if !models.is_empty() && !models.contains(model) {
            let why = format!("provider `{name}` is not set up for model `{model}`");
            return Err(Error::new(Class::ModelGone, "unknown-model", &why));
        }
        Ok(Route { provider: name.clone(), model: model.clone() })
    }
}

impl Client {
    /// Returns what the provider said last of its limits, as seen by this key.
    #[must_use]
    pub fn rate_limits(&self) -> RateLimits {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whether the provider answers, the key opens, and the models are there.
    ///
    /// # Errors
    ///
    /// Whatever is wrong, as a request would be told.
    pub async fn check(&self) -> Result<Health, Error> {
        let clock = &self.upstream.clock;
        let start = clock.monotonic();
        let models = self.list().await?;
        let latency = clock.monotonic().saturating_sub(start);
        let config = &self.upstream.config;
        let named = config.models.iter().chain(&config.default_model);
        let is_there = |name: &String| models.iter().any(|model| model.name == *name);
        let mut missing: Vec<String> = named.filter(|name| !is_there(name)).cloned().collect();
        missing.dedup();
        Ok(Health { latency, models, missing })
    }

    async fn begin(&self, request: &Request) -> Result<Answer, Error> {
        request.validate()?;
        let upstream = &self.upstream;
        let settings = &upstream.settings;
        let route = upstream.route(request)?;
        let outgoing = upstream.dialect.write(request, &route)?;
        let patience = if thinks(request) { 2 } else { 1 };
        let provider = upstream.config.name.clone();
        if !request.stream {
            let answer = async {
                let response = self.send(outgoing).await?;
                let request_id = self.request_id(response.headers());
                let body = self.body(response).await?;
                let chunks = upstream.dialect.answer(&route, &body)?;
                Ok::<_, Error>(named(chunks, request_id.as_ref()))
            };
            let chunks =
                in_time(settings.whole.saturating_mul(patience), Late::Whole, answer).await?;
            let chunks = futures_util::stream::iter(chunks.into_iter().map(Ok)).boxed();
            return Ok(Answer { provider, chunks });
        }
        let first_content = settings.first_content.saturating_mul(patience);
        let times = Times::start(settings, first_content);
        let response = in_time(settings.headers, Late::Headers, self.send(outgoing)).await?;
        let request_id = self.request_id(response.headers());
        if is_json(response.headers()) {
            // Some that are compatible do not stream what they are asked to.
            let body = in_time(settings.whole, Late::Whole, self.body(response)).await?;
            let chunks = named(upstream.dialect.answer(&route, &body)?, request_id.as_ref());
            let chunks = futures_util::stream::iter(chunks.into_iter().map(Ok)).boxed();
            return Ok(Answer { provider, chunks });
        }
        let reader = upstream.dialect.reader(&route);
        let (bytes_max, veil) = (settings.stream_bytes_max, self.veil.clone());
        let mut streaming = Streaming::new(response, reader, veil, times, bytes_max);
        let Some(first) = streaming.next().await else {
            return Err(super::dialect::cut());
        };
        let client = self.clone();
        let first = futures_util::stream::iter([Ok(first?)]);
        let rest = futures_util::stream::unfold(streaming, |mut streaming| async move {
            let next = streaming.next().await?;
            Some((next, streaming))
        });
        let chunks = first.chain(rest).map(move |next| match next {
            Ok(chunk) => Ok(with_request_id(chunk, request_id.as_ref())),
            Err(error) => Err(client.told(error)),
        });
        Ok(Answer { provider, chunks: chunks.boxed() })
    }

    async fn count(&self, request: &Request) -> Result<u64, Error> {
        request.validate()?;
        let upstream = &self.upstream;
        let route = upstream.route(request)?;
        let Some(outgoing) = upstream.dialect.count(request, &route) else {
            let why = format!("provider `{}` does not count tokens", upstream.config.name);
            return Err(Error::new(Class::CallerFault, "unsupported", &why));
        };
        upstream.dialect.counted(&self.fetch(outgoing?).await?)
    }

    async fn list(&self) -> Result<Vec<ModelInfo>, Error> {
        let dialect = &self.upstream.dialect;
        let (mut models, mut page) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let body = self.fetch(dialect.list(page.as_deref())).await.map_err(|e| self.told(e))?;
            let (more, next) = dialect.listed(&body).map_err(|error| self.told(error))?;
            models.extend(more);
            models.truncate(LISTED_MAX);
            page = next;
            if page.is_none() || models.len() == LISTED_MAX {
                break;
            }
        }
        Ok(models)
    }

    /// Sends a small request and reads its whole answer.
    async fn fetch(&self, outgoing: Outgoing) -> Result<Vec<u8>, Error> {
        let settings = &self.upstream.settings;
        let answer = async { self.body(self.send(outgoing).await?).await };
        in_time(settings.whole, Late::Whole, answer).await
    }

    /// Sends a request and reads the head of its answer, which is one of success.
    async fn send(&self, outgoing: Outgoing) -> Result<reqwest::Response, Error> {
        let upstream = &self.upstream;
        let Outgoing { method, path, mut headers, body } = outgoing;
        let is_open = upstream.config.keys.is_empty() && upstream.config.base_url.is_some();
        if self.key.is_none() && !is_open {
            let why = format!("provider `{}` has no key", upstream.config.name);
            return Err(Error::new(Class::Auth, "missing-key", &why));
        }
        if let Some(key) = &self.key {
            let key = std::str::from_utf8(key.value.expose()).expect("a secret is ASCII");
            let organisation = upstream.config.organisation.as_deref();
            upstream.dialect.authorize(key, organisation, &mut headers)?;
        }
        let url = format!("{}{path}", upstream.place);
        let request = upstream.http().await?.request(method, &url).headers(headers);
        let request = if body.is_empty() { request } else { request.body(body) };
        let response =
            request.send().await.map_err(|error| fault::of_sending(&error, &upstream.place))?;
        let now_ms = upstream.clock.now_ms();
        let limits = RateLimits::read(response.headers(), now_ms);
        let wait = limits.wait(now_ms);
        if !limits.is_empty() {
            *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
        }
        let is_page = is_of_type(response.headers(), "text/html");
        let status = response.status();
        if status.is_success() && !is_page {
            return Ok(response);
        }
        let is_elsewhere = status.is_redirection() || status.is_success();
        if is_elsewhere || (matches!(status.as_u16(), 404 | 405) && !is_json(response.headers())) {
            return Err(Error { status: Some(status.as_u16()), ..self.wrong_url() });
        }
        let error = refusal(upstream.dialect.as_ref(), &self.veil, response).await;
        // What the provider says in the body of its answer is its own; most say it in headers.
        let may_wait = matches!(error.class, Class::RateLimit | Class::Transient);
        let wait = wait.filter(|_| may_wait).or(error.retry_after);
        Err(Error { retry_after: wait, ..error })
    }

    fn wrong_url(&self) -> Error {
        let (place, kind) = (&self.upstream.place, self.upstream.config.kind.word());
        let why = format!("what answers at `{place}` does not speak as `{kind}` does");
        Error::new(Class::ModelGone, "wrong-url", &why)
    }

    /// Reads a whole body.
    async fn body(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
        let bytes_max = self.upstream.settings.answer_bytes_max;
        let mut body = Vec::new();
        while let Some(more) = response.chunk().await.map_err(|error| fault::of_reading(&error))? {
            if body.len() + more.len() > bytes_max {
                return Err(stream::too_large());
            }
            body.extend_from_slice(&more);
        }
        Ok(self.veil.body(body))
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        request_id(&self.veil, headers)
    }

    /// Says who failed, and takes the key out of what they said.
    fn told(&self, error: Error) -> Error {
        let provider = Some(self.upstream.config.name.clone());
        let mut error = Error { provider, ..error };
        // Once more, of what only reading made a key.
        for text in [&mut error.message, &mut error.code] {
            self.veil.cover(text);
        }
        error.provider_request_id.iter_mut().for_each(|id| self.veil.cover(id));
        error
    }
}

impl Model for Client {
    fn ask(&self, request: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>> {
        let client = self.clone();
        Box::pin(async move { client.begin(&request).await.map_err(|error| client.told(error)) })
    }

    fn count_tokens(&self, request: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>> {
        let client = self.clone();
        Box::pin(async move { client.count(&request).await.map_err(|error| client.told(error)) })
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>> {
        let client = self.clone();
        Box::pin(async move { client.list().await })
    }
}

fn connect(
    settings: &Settings,
    tls: Result<tokio_rustls::rustls::ClientConfig, tokio_rustls::rustls::Error>,
) -> Result<reqwest::Client, Error> {
    let broken = |why: &str| Error::new(Class::Transient, "no-client", why);
    let tls =
        tls.map_err(|_| broken("no authorities can be read that certificates are checked by"))?;
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("ax/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.connect)
        .pool_idle_timeout(settings.idle)
        .pool_max_idle_per_host(settings.idle_max)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy();
    if let Some(proxy) = &settings.proxy {
        let proxy = reqwest::Proxy::all(proxy).map_err(|_| broken("the proxy's URL is none"))?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|_| broken("no connections can be made here"))
}

async fn in_time<T>(
    time: Duration,
    late: Late,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(late.error()))
}

/// Reads a failure; of a body that is too long or too late, the beginning.
async fn refusal(dialect: &dyn Dialect, veil: &Veil, mut response: reqwest::Response) -> Error {
    let status = response.status().as_u16();
    let headers = veil.headers(response.headers().clone());
    let mut body = Vec::new();
    let read = async {
        while let Ok(Some(more)) = response.chunk().await {
            let room = ERROR_BYTES_MAX - body.len();
            body.extend_from_slice(&more[..more.len().min(room)]);
            if body.len() == ERROR_BYTES_MAX {
                break;
            }
        }
    };
    // What has come by then is read.
    drop(tokio::time::timeout(ERROR_WAIT, read).await);
    let error = dialect.error(status, &headers, &veil.body(body));
    let provider_request_id = error.provider_request_id.or_else(|| request_id(veil, &headers));
    Error { provider_request_id, ..error }
}

fn thinks(request: &Request) -> bool {
    request.thinking.is_some_and(|thinking| thinking != Thinking::Off)
}

fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, "application/json")
}

fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(wanted)
}

fn request_id(veil: &Veil, headers: &HeaderMap) -> Option<String> {
    /// Characters of a request's name.
    const CHARS_MAX: usize = 200;
    let found = REQUEST_ID.into_iter().find_map(|name| headers.get(name)?.to_str().ok())?;
    Some(veil.text(found).chars().take(CHARS_MAX).collect())
}

fn named(chunks: Vec<Chunk>, request_id: Option<&String>) -> Vec<Chunk> {
    chunks.into_iter().map(|chunk| with_request_id(chunk, request_id)).collect()
}

fn with_request_id(chunk: Chunk, request_id: Option<&String>) -> Chunk {
    match chunk {
        Chunk::Done(done) if done.provider_request_id.is_none() => {
            Chunk::Done(Done { provider_request_id: request_id.cloned(), ..done })
        }
        chunk => chunk,
    }
}
