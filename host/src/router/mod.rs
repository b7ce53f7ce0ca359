//! ROUTE: who is asked, how often, and what is done when it fails.
//!
//! ```text
//! Request ─→ driver ─→ candidates ─→ breaker, limit ─→ Target ─→ hold ─→ first content ─→ Answer
//!              ↑            │              │              │        │
//!              └── backoff ─┴── verdict ───┴──── error ───┴────────┘
//! ```
//!
//! | file         | answers                                                     |
//! |--------------|-------------------------------------------------------------|
//! | `lifecycle`  | what may follow what in the life of a request?              |
//! | `verdict`    | is it tried again, elsewhere, and who is to blame?          |
//! | `backoff`    | wait, switch or stop?                                       |
//! | `breaker`    | who is not asked for a while?                               |
//! | `limit`      | is there room in this minute, and for how many tokens?      |
//! | `catalogue`  | what does a model cost, and what can it do?                 |
//! | `candidates` | can this model answer this request, and as what is it sent? |
//! | `tool_call`  | is a call one that its tool takes?                          |
//! | `health`     | how did a provider do?                                      |
//! | `targets`    | who is there, and in which order?                           |
//! | `ranking`    | how does an operator's policy change the order?             |
//! | `plan`       | who of them is asked for this request, and why?             |
//! | `attempt`    | what does one attempt hold, and how is it settled?          |
//! | `hold`       | when is an answer handed on?                                |
//! | `journey`    | what does one request hold, and how does it end?            |
//! | `driver`     | what is tried, and what next?                               |
//! | `count`      | how many tokens would it be?                                |
//! | `trail`      | what was tried?                                             |
//! | `observer`   | who is told?                                                |
//! | `caller`     | who asks, and may they?                                     |
//! | `keeper`     | what is on record before somebody is asked, and at the end? |
//! | `spent`      | what did all attempts use and cost?                         |
//!
//! Invariant: one loop, one deadline, one budget of attempts for each request; nothing is tried again
//! once something of an answer was handed on. Dropping a future or an answer stops what it held.
//! Not here: how a provider says it (`provider`), keys, connections, and how the answer is served.

mod attempt;
pub mod backoff;
pub mod breaker;
pub mod caller;
pub mod candidates;
pub mod catalogue;
mod count;
mod driver;
pub mod health;
mod hold;
mod journey;
pub mod keeper;
pub mod lifecycle;
pub mod limit;
pub mod observer;
mod plan;
pub mod ranking;
pub mod spent;
mod targets;
mod tool_call;
pub mod trail;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use caller::Anything;
pub use caller::Caller;
pub use caller::Governor;
pub use driver::Refused;
pub use driver::Routed;
pub use plan::Explained;
pub use plan::Explanation;
pub use spent::Spent;
pub use targets::NOT_CONFIGURED;
pub use targets::RouterError;
pub use targets::Target;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use self::backoff::Policy;
use self::backoff::Random;
use self::breaker::Breakers;
use self::candidates::Leeway;
use self::candidates::Needs;
use self::catalogue::Abilities;
use self::catalogue::Basis;
use self::catalogue::Catalogue;
use self::catalogue::Cost;
use self::catalogue::Row;
use self::health::Book;
use self::health::Span;
use self::health::Status;
use self::health::Summary;
use self::keeper::Keeper;
use self::limit::Estimates;
use self::limit::Left;
use self::limit::Limiter;
use self::limit::Rate;
use self::observer::Observer;
use self::plan::Plan;
use self::ranking::Ranker;
use self::targets::Targets;
use crate::chat::Answer;
use crate::chat::Error;
use crate::chat::Model;
use crate::chat::ModelInfo;
use crate::chat::Request;
use crate::chat::Usage;
use crate::clock::Clock;

/// How the router goes about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether anybody but the first target's provider and model is asked.
    pub fallback: bool,
    /// What may be left out of a request for a model that does not take it.
    pub leeway: Leeway,
    /// How much is tried.
    pub policy: Policy,
    /// When circuits open.
    pub breaker: breaker::Settings,
    /// Time for everything: attempts, waits, and the answer to its end.
    pub deadline: Duration,
    /// How long an answer is held for its first content.
    pub hold: Duration,
    /// Bytes of an answer that are held for its first content.
    pub hold_bytes: usize,
    /// Requests at once. More are refused rather than queued.
    pub in_flight_max: usize,
    /// How often each provider is tried again, where that is another number than the policy's.
    pub retries: BTreeMap<String, u32>,
    /// What each provider may be asked.
    pub rates: BTreeMap<String, Rate>,
    /// Who answers a request that names neither provider nor model, in this order, each as
    /// `provider/model`; everybody if nobody is named here.
    pub preferred: Vec<String>,
    /// Who answers under a name that is given in place of a model, in this order.
    pub tiers: BTreeMap<String, Vec<String>>,
}

impl Default for Options {
    /// Fallback on, every degradation; 10 minutes, as the SDKs give a request; 10 s and 64 KiB of hold;
    /// 1,024 requests at once.
    fn default() -> Self {
        Self {
            fallback: true,
            leeway: Leeway::Full,
            policy: Policy::default(),
            breaker: breaker::Settings::default(),
            deadline: Duration::from_secs(600),
            hold: Duration::from_secs(10),
            hold_bytes: 64 << 10,
            in_flight_max: 1_024,
            retries: BTreeMap::new(),
            rates: BTreeMap::new(),
            preferred: Vec::new(),
            tiers: BTreeMap::new(),
        }
    }
}

/// Asks one of several models, and another if that fails. It is a model itself.
#[derive(Clone)]
pub struct Router {
    shared: Arc<Shared>,
    caller: Arc<Caller>,
}

/// What a router is made of.
pub struct Parts {
    /// Whom it may ask.
    pub targets: Vec<Target>,
    /// How it goes about it.
    pub options: Options,
    /// What models cost and can do.
    pub catalogue: Catalogue,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For waits that nobody can foresee.
    pub random: Random,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// What keeps a record.
    pub keeper: Arc<dyn Keeper>,
    /// The operator's policy, if there is one.
    pub ranker: Option<Arc<dyn Ranker>>,
    /// Who asks, until [`Router::of`] names another.
    pub caller: Caller,
}

struct Shared {
    targets: Targets,
    options: Options,
    /// What is known of the model of each target.
    known: Vec<(Abilities, Option<Row>)>,
    clock: Arc<dyn Clock>,
    random: Random,
    observer: Arc<dyn Observer>,
    keeper: Arc<dyn Keeper>,
    ranker: Option<Arc<dyn Ranker>>,
    in_flight: Arc<Semaphore>,
    books: Mutex<Books>,
}

/// What is learned from traffic.
struct Books {
    breakers: Breakers,
    estimates: Estimates,
    /// For each provider, by its number.
    providers: Vec<(Option<Limiter>, Book)>,
}

/// How one provider does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Which.
    pub provider: String,
    /// How it does now.
    pub status: Status,
    /// The last hour, the last day, the last 30 days.
    pub spans: [Summary; 3],
    /// What is left of its requests and tokens, where they are limited.
    pub left: (Option<Left>, Option<Left>),
    /// When something came of it last, by the clock of the router.
    pub last_checked: Option<Duration>,
    /// The code of its last error.
    pub last_error: Option<String>,
}

impl Router {
    /// Makes a router.
    ///
    /// # Errors
    ///
    /// [`RouterError`] if its targets are no list that can be asked.
    pub fn new(parts: Parts) -> Result<Self, RouterError> {
        let Parts { targets, options, catalogue, clock, random, observer, keeper, ranker, caller } =
            parts;
        let targets = Targets::new(targets)?;
        let providers = targets
            .providers()
            .map(|name| (options.rates.get(name).map(|rate| Limiter::new(*rate)), Book::default()));
        let known = targets.all().iter().map(|it| &it.model);
        let known = known.map(|it| (catalogue.abilities(it), catalogue.row(it).cloned())).collect();
        let books = Mutex::new(Books {
            breakers: Breakers::new(options.breaker, targets.keys()),
            estimates: Estimates::default(),
            providers: providers.collect(),
        });
        let in_flight = Arc::new(Semaphore::new(options.in_flight_max.min(Semaphore::MAX_PERMITS)));
        let shared = Arc::new(Shared {
            targets,
            options,
            known,
            clock,
            random,
            observer,
            keeper,
            ranker,
            in_flight,
            books,
        });
        Ok(Self { shared, caller: Arc::new(caller) })
    }

    /// Gives the same router to another caller: its limits and breakers are those of all.
    #[must_use]
    pub fn of(&self, caller: Caller) -> Self {
        Self { shared: Arc::clone(&self.shared), caller: Arc::new(caller) }
    }

    /// Asks, and says what was tried.
    ///
    /// # Errors
    ///
    /// [`Refused`]: why there is no answer, and what was tried.
    pub async fn route(&self, request: Arc<Request>) -> Result<Routed, Refused> {
        driver::run(Arc::clone(&self.shared), Arc::clone(&self.caller), request).await
    }

    /// Says who would be asked for a request, in which order, and why. Asks nobody.
    ///
    /// # Errors
    ///
    /// The request must not be sent, or names what is not configured.
    pub async fn explain(&self, request: &Request) -> Result<Explanation, Error> {
        let needs = Needs::of(request);
        let (shared, caller) = (&self.shared, &self.caller);
        Plan { shared, caller, request, needs: &needs, floor: 0, spent: 0 }.explain().await
    }

    /// Returns who may be asked.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        self.shared.targets.all()
    }

    /// Says how every provider does. Asks nobody, and starts no probe.
    #[must_use]
    pub fn health(&self) -> Vec<Health> {
        let now = self.shared.clock.monotonic();
        let mut books = self.shared.books();
        let Books { breakers, providers, .. } = &mut *books;
        let named = self.shared.targets.providers().zip(providers).enumerate();
        let of =
            |(number, (name, (limiter, book))): (usize, (&str, &mut (Option<Limiter>, Book)))| {
                let own = self.shared.targets.of_provider(number);
                let (open, all) = own.fold((0, 0), |(open, all), target| {
                    (open + usize::from(breakers.is_open(target, now).is_some()), all + 1)
                });
                Health {
                    provider: name.to_owned(),
                    status: book.status(now, open, all),
                    spans: [Span::Hour, Span::Day, Span::Month].map(|span| book.summary(span, now)),
                    left: limiter.as_mut().map(|it| it.left(now)).unwrap_or_default(),
                    last_checked: book.last_checked(),
                    last_error: book.last_error().map(str::to_owned),
                }
            };
        named.map(of).collect()
    }
}

impl Shared {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how much is tried at a target.
    fn policy(&self, target: usize) -> Policy {
        let provider = &self.targets.get(target).provider;
        let policy = self.options.policy;
        let retries_max = self.options.retries.get(provider).copied();
        Policy { retries_max: retries_max.unwrap_or(policy.retries_max), ..policy }
    }

    /// Returns how often any target is tried again.
    fn retries_max(&self) -> u32 {
        let named = self.options.retries.values().copied();
        named.chain([self.options.policy.retries_max]).max().unwrap_or(0)
    }

    fn abilities(&self, target: usize) -> Abilities {
        self.known[target].0
    }

    fn cost(&self, target: usize, usage: Usage, basis: Basis) -> Option<Cost> {
        self.known[target].1.as_ref().map(|row| row.cost(usage, basis))
    }
}

impl Model for Router {
    fn ask(&self, request: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>> {
        let (shared, caller) = (Arc::clone(&self.shared), Arc::clone(&self.caller));
        let asked = driver::run(shared, caller, request);
        asked.map(|it| it.map(|it| it.answer).map_err(|it| it.error)).boxed()
    }

    fn count_tokens(&self, request: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>> {
        count::tokens(Arc::clone(&self.shared), Arc::clone(&self.caller), request).boxed()
    }

    /// Lists the models that may be asked; asks nobody.
    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>> {
        let of = |(target, (abilities, _)): (&Target, &(Abilities, Option<Row>))| ModelInfo {
            name: target.model.clone(),
            context_tokens: abilities.context_tokens,
            output_tokens: abilities.output_tokens,
        };
        let mut models: Vec<_> =
            self.shared.targets.all().iter().zip(&self.shared.known).map(of).collect();
        models.sort_by(|one, other| one.name.cmp(&other.name));
        models.dedup();
        futures_util::future::ready(Ok(models)).boxed()
    }
}
