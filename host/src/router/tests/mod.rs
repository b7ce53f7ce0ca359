//! A module for each rule of ROUTER §3 that the router keeps, in virtual time, and one for each table.
//!
//! Models play scripts; the clock is tokio's, paused: it jumps to the next timer when nothing else is to
//! be done.

mod catalogue;
mod decision;
mod lifecycle;
mod ranking;
mod record;
mod rule_01_commit;
mod rule_02_verdict;
mod rule_03_loop;
mod rule_04_breaker;
mod rule_05_candidates;
mod rule_06_status;
mod rule_08_timeouts;
mod rule_09_limits;
mod rule_10_opaque;
mod rule_11_tool_calls;
mod rule_13_bounds;
mod rule_14_health;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;

use super::Anything;
use super::Caller;
use super::Governor;
use super::Options;
use super::Parts;
use super::Router;
use super::Target;
use super::backoff::Random;
use super::catalogue::Catalogue;
use super::keeper::Forgetful;
use super::keeper::Keeper;
use super::lifecycle::Lifecycle;
use super::observer::Fact;
use super::observer::Observer;
use super::ranking::Ranker;
use crate::chat::Answer;
use crate::chat::Assembly;
use crate::chat::Chunk;
use crate::chat::Class;
use crate::chat::Done;
use crate::chat::Error;
use crate::chat::Finish;
use crate::chat::Message;
use crate::chat::Model;
use crate::chat::ModelInfo;
use crate::chat::Request;
use crate::chat::RequestId;
use crate::chat::Role;
use crate::chat::Usage;
use crate::clock::Clock;

/// Time as tokio's timers see it.
struct TokioClock(tokio::time::Instant);

impl TokioClock {
    fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.monotonic().as_millis()).expect("a test is short")
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// One thing a scripted model does.
#[derive(Debug, Clone)]
enum Piece {
    Wait(u64),
    Say(Chunk),
    Fail(Error),
}

/// One answer of a scripted model.
#[derive(Debug, Clone)]
enum Play {
    /// Fails before the first of the answer.
    Fail(Error),
    /// Begins at once, plays the pieces, and ends.
    Pieces(Vec<Piece>),
    /// Never begins.
    Hang,
}

fn done() -> Chunk {
    let model = "as the provider calls it".to_owned();
    Chunk::Done(Done { finish: Finish::Stop, model, provider_request_id: None })
}

fn text(text: &str) -> Piece {
    Piece::Say(Chunk::Text(text.to_owned()))
}

/// An answer that is whole.
fn say(words: &str) -> Play {
    let usage = Usage { input: 10, output: 5, ..Usage::default() };
    Play::Pieces(vec![text(words), Piece::Say(Chunk::Usage(usage)), Piece::Say(done())])
}

fn error(class: Class, status: u16, code: &str) -> Error {
    Error { status: Some(status), ..Error::new(class, code, "the provider says so") }
}

fn overloaded() -> Error {
    error(Class::Transient, 529, "overloaded_error")
}

fn limited(retry_after_s: Option<u64>) -> Error {
    let retry_after = retry_after_s.map(Duration::from_secs);
    Error { retry_after, ..error(Class::RateLimit, 429, "rate_limit_error") }
}

fn fail(error: Error) -> Play {
    Play::Fail(error)
}

/// Plays its answers in order, and then says its own name for ever.
struct Actor {
    name: String,
    plays: Mutex<VecDeque<Play>>,
    asked: Mutex<Vec<Arc<Request>>>,
    /// Answers that somebody still holds.
    held: Arc<AtomicU32>,
}

struct Holding(Arc<AtomicU32>);

impl Holding {
    fn new(held: &Arc<AtomicU32>) -> Self {
        held.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(held))
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Shown(Arc<Actor>);

impl Model for Shown {
    fn ask(&self, request: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>> {
        let actor = Arc::clone(&self.0);
        actor.asked.lock().unwrap().push(request);
        let play = actor.plays.lock().unwrap().pop_front();
        let play = play.unwrap_or_else(|| say(&actor.name));
        let holding = Holding::new(&actor.held);
        let name = actor.name.clone();
        async move {
            let pieces = match play {
                Play::Fail(error) => return Err(error),
                Play::Hang => futures_util::future::pending().await,
                Play::Pieces(pieces) => pieces,
            };
            let chunks = stream::unfold(
                (VecDeque::from(pieces), holding),
                |(mut pieces, holding)| async move {
                    loop {
                        let chunk = match pieces.pop_front()? {
                            Piece::Wait(ms) => {
                                tokio::time::sleep(Duration::from_millis(ms)).await;
                                continue;
                            }
                            Piece::Say(chunk) => Ok(chunk),
                            Piece::Fail(error) => Err(error),
                        };
                        return Some((chunk, (pieces, holding)));
                    }
                },
            );
            Ok(Answer { provider: name, chunks: chunks.boxed() })
        }
        .boxed()
    }

    fn count_tokens(&self, _: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>> {
        futures_util::future::ready(Ok(7)).boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>> {
        futures_util::future::ready(Ok(Vec::new())).boxed()
    }
}

/// Writes down what is announced, and when.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    settled: Mutex<Vec<String>>,
}

impl Observer for Log {
    fn announce(&self, _: RequestId, fact: &Fact) {
        let line = match fact {
            Fact::RoutingDecision { targets } => {
                let rows = targets.iter().map(|(it, reason)| {
                    format!("{}/{}/{} {reason:?}", it.provider, it.key, it.model)
                });
                format!("route {}", rows.collect::<Vec<_>>().join(", "))
            }
            Fact::Attempt { number, target, degradations } => {
                let lost = if degradations.is_empty() {
                    String::new()
                } else {
                    format!(" without {degradations:?}")
                };
                format!(
                    "attempt {number} {}/{}/{}{lost}",
                    target.provider, target.key, target.model
                )
            }
            Fact::Success { usage, cost, attempts, .. } => {
                let cost = cost.map(|it| format!(" {:?} {}", it.basis, it.micro_usd));
                format!(
                    "success after {attempts}: {} tokens{}",
                    usage.total(),
                    cost.unwrap_or_default()
                )
            }
            Fact::Error { class, status, code, blame } => {
                format!("error {} {status:?} {code} blame {blame:?}", class.word())
            }
            Fact::Unkept { why } => format!("unkept {why}"),
            Fact::Unranked { why } => format!("unranked {why}"),
            Fact::Fallback { from, to, reason } => {
                format!(
                    "fallback {}/{} -> {}/{} {reason}",
                    from.provider, from.key, to.provider, to.key
                )
            }
        };
        self.lines.lock().unwrap().push(line);
    }

    fn settled(&self, life: &Lifecycle) {
        let states = life.history().iter().map(|it| it.event);
        self.settled.lock().unwrap().push(states.collect::<Vec<_>>().join(" "));
    }
}

fn caller(governor: Arc<dyn Governor>) -> Caller {
    Caller { trigger: "test".to_owned(), governor }
}

/// A router of scripted models.
struct Stage {
    router: Router,
    actors: Vec<Arc<Actor>>,
    log: Arc<Log>,
    clock: Arc<TokioClock>,
}

/// A target: `provider/key/model`, its priority, and what it plays.
type Cast = (&'static str, u8, Vec<Play>);

fn stage(cast: Vec<Cast>) -> Stage {
    stage_of(cast, Options::default())
}

fn stage_of(cast: Vec<Cast>, options: Options) -> Stage {
    stage_with(cast, options, Catalogue::built_in(), Arc::new(Anything))
}

fn stage_with(
    cast: Vec<Cast>,
    options: Options,
    catalogue: Catalogue,
    governor: Arc<dyn Governor>,
) -> Stage {
    stage_kept(cast, options, catalogue, governor, Arc::new(Forgetful))
}

fn stage_kept(
    cast: Vec<Cast>,
    options: Options,
    catalogue: Catalogue,
    governor: Arc<dyn Governor>,
    keeper: Arc<dyn Keeper>,
) -> Stage {
    stage_ranked(cast, options, catalogue, governor, keeper, None)
}

fn stage_ranked(
    cast: Vec<Cast>,
    options: Options,
    catalogue: Catalogue,
    governor: Arc<dyn Governor>,
    keeper: Arc<dyn Keeper>,
    ranker: Option<Arc<dyn Ranker>>,
) -> Stage {
    let (mut targets, mut actors) = (Vec::new(), Vec::new());
    for (path, priority, plays) in cast {
        let mut names = path.split('/').map(str::to_owned);
        let mut next = || names.next().expect("provider/key/model");
        let (provider, key, model) = (next(), next(), next());
        let actor = Arc::new(Actor {
            name: provider.clone(),
            plays: Mutex::new(plays.into()),
            asked: Mutex::default(),
            held: Arc::default(),
        });
        actors.push(Arc::clone(&actor));
        targets.push(Target { provider, key, model, priority, asked: Arc::new(Shown(actor)) });
    }
    let (log, clock) = (Arc::new(Log::default()), Arc::new(TokioClock::new()));
    let router = Router::new(Parts {
        targets,
        options,
        catalogue,
        clock: clock.clone(),
        random: Random::seeded(7),
        observer: log.clone(),
        keeper,
        ranker,
        caller: caller(governor),
    });
    Stage { router: router.expect("the targets are sound"), actors, log, clock }
}

impl Stage {
    /// Asks, reads the answer to its end, and writes what came.
    async fn ask(&self, request: Request) -> String {
        match self.router.ask(Arc::new(request)).await {
            Err(error) => refusal(&error),
            Ok(answer) => read(answer).await,
        }
    }

    fn log(&self) -> String {
        self.log.lines.lock().unwrap().join("\n")
    }

    fn settled(&self) -> Vec<String> {
        self.log.settled.lock().unwrap().clone()
    }

    /// How often each was asked.
    fn asked(&self) -> Vec<usize> {
        self.actors.iter().map(|it| it.asked.lock().unwrap().len()).collect()
    }

    /// What one was asked last.
    fn last_asked(&self, actor: usize) -> Arc<Request> {
        Arc::clone(self.actors[actor].asked.lock().unwrap().last().expect("it was asked"))
    }

    /// Answers of one that somebody still holds.
    fn held(&self, actor: usize) -> u32 {
        self.actors[actor].held.load(Ordering::SeqCst)
    }

    fn now(&self) -> Duration {
        self.clock.monotonic()
    }
}

fn refusal(error: &Error) -> String {
    let wait = error.retry_after.map(|it| format!(" retry-after {it:?}")).unwrap_or_default();
    let status = error.status.map(|it| format!(" {it}")).unwrap_or_default();
    format!("refused: {}{status} {}{wait}", error.class.word(), error.code)
}

async fn read(mut answer: Answer) -> String {
    let (mut words, mut pieces) = (String::new(), Assembly::default());
    while let Some(chunk) = answer.chunks.next().await {
        match chunk {
            Err(error) => return format!("{words} | broken: {}", error.code),
            Ok(chunk) => {
                if let Chunk::Text(text) = &chunk {
                    words.push_str(text);
                }
                pieces.add(chunk);
            }
        }
    }
    match pieces.finish("") {
        Some(_) => words,
        None => format!("{words} | cut"),
    }
}

/// A streamed question.
fn question() -> Request {
    let id = RequestId(uuid::Uuid::nil());
    let messages = vec![Message::text(Role::User, "What do you see?")];
    Request { stream: true, ..Request::new(id, messages) }
}

/// A question whose answer is read at its end.
fn whole_question() -> Request {
    Request { stream: false, ..question() }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
