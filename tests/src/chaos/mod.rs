//! Thousands of requests through the router and real connections to an upstream that fails in every way.
//!
//! ```text
//! Caller ─→ Router ─→ Client ─→ loopback ─→ Upstream: Fault::of(seed, request, attempt)
//!    │        │ facts                          │ what was done
//!    └─ end ──┴─→ Witness ──→ compare ←────────┘
//! ```
//!
//! Sockets are real and time is not: it passes only when everybody waits for it (`motion`).
//!
//! Invariant: the same seed does the same to each attempt of each request; one caller at a time sees the
//! same decisions again.
//! Not here: what a rule of the router says (`host/src/router/tests`).

mod caller;
mod compare;
mod fault;
mod leftovers;
mod motion;
mod upstream;
mod witness;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ax_host::clock::Clock;
use ax_host::provider::Key;
use ax_host::provider::ProviderConfig;
use ax_host::provider::Settings;
use ax_host::provider::Upstream as Provider;
use ax_host::provider::dialect;
use ax_host::router;
use ax_host::router::Options;
use ax_host::router::Parts;
use ax_host::router::Router;
use ax_host::router::Target;
use ax_host::router::backoff::Random;
use ax_host::router::breaker;
use ax_host::router::catalogue::Catalogue;
use ax_host::router::limit::Rate;
use ax_host::secret::value::SecretValue;
use futures_util::StreamExt as _;

use self::caller::Caller;
use self::caller::End;
use self::fault::Fault;
use self::leftovers::Held;
use self::motion::Motion;
use self::upstream::PROVIDERS;
use self::upstream::Upstream;
use self::witness::Witness;

/// Longer than any circuit stays open, and than a minute of any limit.
const QUIET: Duration = Duration::from_secs(2 * 60 * 60);

/// Memory that may be taken between a tenth of the requests and all of them: allocators keep some.
const GROWTH_MAX_KIB: u64 = 8 << 10;

/// What does not fit, as far as it is repeated.
const WRONG_MAX: usize = 20;

/// What one provider may be asked in a minute: enough that it is rarely reached, and that it is.
const RATE: Rate = Rate { requests_per_min: Some(120), tokens_per_min: Some(40_000) };

/// How much chaos.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Requests in all.
    pub requests: u64,
    /// What everything is drawn from.
    pub seed: u64,
    /// Requests at the same time.
    pub at_once: usize,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Requests that were answered, that broke off, that were refused, and whose caller left.
    pub ends: [u64; 4],
    /// How often anybody was asked.
    pub attempts: u64,
    /// How often what was done.
    pub faults: BTreeMap<Fault, u64>,
    /// What all of it cost, as it was settled, in millionths of a dollar.
    pub micro_usd: u64,
    /// The same, as whoever allows was told.
    pub micro_usd_told: u64,
    /// What of it the successes said.
    pub micro_usd_of_successes: u64,
    /// What the router did for each request, without times; only of one caller at a time.
    pub decisions: Vec<String>,
    /// What does not fit.
    pub wrong: Vec<String>,
    /// How much of it there is.
    pub wrong_count: u64,
    connections: u64,
    growth_kib: u64,
}

/// Runs a plan on a runtime of its own, in virtual time.
///
/// # Panics
///
/// When the machine gives no sockets.
#[must_use]
pub fn run(plan: Plan) -> Report {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    let motion = Arc::new(Motion::default());
    runtime.block_on(async {
        tokio::select! {
            () = motion.hold_time() => unreachable!("it never ends"),
            report = Chaos::run(plan, Arc::clone(&motion)) => report,
        }
    })
}

struct Chaos {
    plan: Plan,
    upstream: Arc<Upstream>,
    witness: Arc<Witness>,
    router: Router,
    catalogue: Catalogue,
    report: Report,
}

impl Chaos {
    async fn run(plan: Plan, motion: Arc<Motion>) -> Report {
        let before = Held::now();
        let listening = Upstream::listen(plan.seed, Arc::clone(&motion)).await;
        let (upstream, accepting) = listening.expect("a port");
        let witness = Arc::new(Witness::new(motion));
        let catalogue = Catalogue::built_in();
        let router = router_of(plan, &upstream, &witness, catalogue.clone());
        let report = Report::default();
        let mut chaos = Self { plan, upstream, witness, router, catalogue, report };
        let first = plan.requests / 10;
        chaos.ask(1..=first).await;
        let memory = leftovers::resident_kib();
        chaos.ask(first + 1..=plan.requests).await;
        chaos.report.growth_kib = leftovers::resident_kib().saturating_sub(memory);
        let growth = chaos.report.growth_kib;
        chaos.claim(growth <= GROWTH_MAX_KIB, || format!("{growth} KiB more are in use"));
        chaos.look_after().await;
        let Self { upstream, witness, router, mut report, .. } = chaos;
        report.connections = upstream.connections();
        if report.micro_usd != report.micro_usd_told {
            let (settled, told) = (report.micro_usd, report.micro_usd_told);
            report.blame(format!("{settled} micro USD were settled, and {told} were told"));
        }
        if witness.left() > 0 {
            report.blame(format!("{} requests were heard of again", witness.left()));
        }
        drop((router, upstream, witness));
        accepting.abort();
        let mut after = Held::now();
        for _ in 0..10_000 {
            if after == before {
                break;
            }
            Motion::settle().await;
            after = Held::now();
        }
        if after != before {
            report.blame(format!("{after:?} is held, and {before:?} was before"));
        }
        report
    }

    /// Asks, so many at once, and compares.
    async fn ask(&mut self, requests: std::ops::RangeInclusive<u64>) {
        let (seed, router) = (self.plan.seed, self.router.clone());
        let asked = futures_util::stream::iter(requests).map(move |request| {
            let router = router.clone();
            async move {
                let caller = Caller::of(seed, request);
                (request, caller.ask(&router).await)
            }
        });
        let mut ended = asked.buffer_unordered(self.plan.at_once);
        while let Some((request, end)) = ended.next().await {
            self.compare(request, &end);
        }
    }

    fn compare(&mut self, request: u64, end: &End) {
        let (account, plays) = (self.witness.take(request), self.upstream.take(request));
        let wrong = compare::compare(end, &account, &plays, &self.catalogue);
        let report = &mut self.report;
        report.ends[match end {
            End::Whole(_) => 0,
            End::Broken(..) => 1,
            End::Refused(_) => 2,
            End::Left(_) => 3,
        }] += 1;
        report.attempts += u64::from(account.attempts);
        for play in &plays {
            *report.faults.entry(play.fault).or_default() += 1;
        }
        let success = account.success.and_then(|(_, cost)| cost);
        report.micro_usd_of_successes += success.map_or(0, |cost| cost.micro_usd);
        let settled = account.settled.iter().filter_map(|it| it.cost).map(|it| it.micro_usd);
        report.micro_usd += settled.sum::<u64>();
        let told = account.spent.iter().filter_map(|it| it.cost).map(|it| it.micro_usd);
        report.micro_usd_told += told.sum::<u64>();
        if self.plan.at_once == 1 {
            let lines = account.lines.join("\n  ");
            report.decisions.push(format!("request {request}: {end}\n  {lines}"));
        }
        for what in wrong {
            let done: Vec<_> = plays.iter().map(|play| play.fault).collect();
            report.blame(format!(
                "request {request}: {what} ({end:?}; {done:?}; {:?})",
                account.lines
            ));
        }
    }

    /// Looks whether everything that was held for a request was given back.
    async fn look_after(&mut self) {
        self.upstream.calm();
        tokio::time::sleep(QUIET).await;
        for (at, (provider, ..)) in PROVIDERS.into_iter().enumerate() {
            let left = |chaos: &Self| {
                let health = chaos.router.health();
                let own = health.iter().find(|it| it.provider == provider);
                let (requests, tokens) = own.map(|it| it.left).unwrap_or_default();
                (requests.map(|it| it.remaining), tokens.map(|it| it.remaining))
            };
            let before = left(self);
            let all = (RATE.requests_per_min, RATE.tokens_per_min);
            self.claim(before == all, || format!("`{provider}` has {before:?} left of {all:?}"));
            let request = self.plan.requests + 1 + at as u64;
            let caller = Caller::of_provider(request, at);
            let end = caller.ask(&self.router).await;
            let (account, plays) = (self.witness.take(request), self.upstream.take(request));
            let wrong = compare::compare(&end, &account, &plays, &self.catalogue);
            let is_whole = matches!(end, End::Whole(_)) && account.attempts == 1;
            self.claim(wrong.is_empty() && is_whole, || {
                format!("`{provider}` does not answer after all: {end:?} {wrong:?}")
            });
            let used = plays.first().map_or(0, |play| play.said.input + play.said.output);
            let rest = (all.0.map(|it| it - 1), all.1.map(|it| it - used));
            let after = left(self);
            self.claim(after == rest, || format!("`{provider}` has {after:?} left, not {rest:?}"));
        }
    }

    fn claim(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.report.blame(what());
        }
    }
}

impl Report {
    fn blame(&mut self, what: String) {
        self.wrong_count += 1;
        if self.wrong.len() < WRONG_MAX {
            self.wrong.push(what);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fault, count) in &self.faults {
            writeln!(f, "{:<16} {count}", fault.to_string())?;
        }
        let [whole, broken, refused, left] = self.ends;
        writeln!(
            f,
            "{} requests: {whole} answered, {broken} broke off, {refused} refused, {left} left",
            whole + broken + refused + left
        )?;
        writeln!(
            f,
            "{} attempts on {} connections; {} KiB more in use",
            self.attempts, self.connections, self.growth_kib
        )?;
        writeln!(
            f,
            "{} micro USD settled, {} of them for whole answers",
            self.micro_usd, self.micro_usd_of_successes
        )?;
        for wrong in &self.wrong {
            writeln!(f, "WRONG {wrong}")?;
        }
        write!(f, "{} wrong", self.wrong_count)
    }
}

/// Time as tokio's timers see it.
struct VirtualClock(tokio::time::Instant);

impl Clock for VirtualClock {
    fn now_ms(&self) -> u64 {
        // 2026-11-22T05:00:00Z, and from there on.
        1_795_323_600_000 + u64::try_from(self.monotonic().as_millis()).expect("a run is short")
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn router_of(
    plan: Plan,
    upstream: &Upstream,
    witness: &Arc<Witness>,
    catalogue: Catalogue,
) -> Router {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock(tokio::time::Instant::now()));
    let mut targets = Vec::new();
    for (at, (name, kind, model)) in PROVIDERS.into_iter().enumerate() {
        // One of them has a second key.
        let keys: &[&str] = if at == 0 { &["first", "second"] } else { &["only"] };
        let config = ProviderConfig {
            base_url: Some(format!("http://{}/{name}", upstream.address)),
            keys: keys.iter().map(|&key| key.to_owned()).collect(),
            ..ProviderConfig::new(name, kind)
        };
        let settings = settings(&config);
        let provider = Provider::new(config, dialect(kind), settings, Arc::clone(&clock));
        let provider = provider.expect("the configuration is sound");
        targets.extend(keys.iter().map(|key| {
            let value = SecretValue::new(format!("sk-{name}-{key}").as_bytes()).expect("a key");
            let asked = provider.client(Some(Key { name: (*key).to_owned(), value }));
            Target {
                provider: name.to_owned(),
                key: (*key).to_owned(),
                model: model.to_owned(),
                priority: u8::try_from(at + 1).expect("they are few"),
                asked: Arc::new(asked),
            }
        }));
    }
    let options = Options {
        breaker: breaker::Settings {
            cooldown: Duration::from_secs(2),
            ..breaker::Settings::default()
        },
        deadline: Duration::from_secs(60),
        // One place that is not given back is one that is missing.
        in_flight_max: plan.at_once,
        rates: PROVIDERS.into_iter().map(|(name, ..)| (name.to_owned(), RATE)).collect(),
        ..Options::default()
    };
    let parts = Parts {
        targets,
        options,
        catalogue,
        clock,
        random: Random::seeded(plan.seed),
        observer: Arc::clone(witness) as _,
        keeper: Arc::clone(witness) as _,
        ranker: None,
        caller: router::Caller { trigger: "chaos".to_owned(), governor: Arc::clone(witness) as _ },
    };
    Router::new(parts).expect("the targets are sound")
}

/// Bounds that a fault reaches soon.
fn settings(config: &ProviderConfig) -> Settings {
    Settings {
        headers: Duration::from_secs(2),
        first_content: Duration::from_secs(3),
        between: Duration::from_secs(5),
        total: Duration::from_secs(20),
        whole: Duration::from_secs(4),
        answer_bytes_max: 256 << 10,
        stream_bytes_max: 256 << 10,
        ..Settings::of(config)
    }
}
