//! One request on its way: what it holds, and how it ends.
//!
//! Invariant: its lifecycle is settled once, whatever ends it, and only after its end was handed to the
//! keeper; dropped, it was cut by whoever asked, and waits for no record.
//! Not here: what is tried next (`driver`).

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;

use super::Options;
use super::Shared;
use super::attempt::Attempt;
use super::breaker::Ended;
use super::caller::Caller;
use super::candidates::Degradation;
use super::candidates::Needs;
use super::catalogue::Basis;
use super::hold;
use super::keeper::Ending;
use super::keeper::Intent;
use super::lifecycle::Event;
use super::lifecycle::Lifecycle;
use super::lifecycle::Provider;
use super::lifecycle::State;
use super::observer::Fact;
use super::observer::Reason;
use super::plan::Decision;
use super::plan::Plan;
use super::spent::Spent;
use super::trail::Trail;
use super::verdict;
use crate::chat::Chunk;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Request;
use crate::chat::Usage;

/// When a router that is full may be asked again.
const FULL_WAIT: Duration = Duration::from_secs(1);

/// One request on its way.
pub(super) struct Journey {
    pub(super) shared: Arc<Shared>,
    caller: Arc<Caller>,
    pub(super) request: Arc<Request>,
    pub(super) needs: Needs,
    life: Lifecycle,
    pub(super) trail: Trail,
    /// Who is asked, and who is left to be asked: as in the lifecycle.
    pub(super) current: usize,
    pub(super) left: Vec<usize>,
    pub(super) retries: u32,
    /// Waits before anybody was asked.
    pub(super) waits: u32,
    deadline: Duration,
    /// Tokens that the request is known to exceed.
    pub(super) floor: u64,
    /// What the last one who was asked said.
    pub(super) said: Option<Error>,
    pub(super) attempt: Option<Attempt>,
    place: Option<OwnedSemaphorePermit>,
    /// When it began, in wall time.
    began_ms: u64,
    spent: Spent,
    /// What is on record that somebody would be asked.
    intents: u32,
    /// The keeper has its end.
    is_over: bool,
    /// The governor let it go to somebody.
    is_admitted: bool,
}

impl Journey {
    /// Begins. Nobody is chosen yet.
    pub(super) fn begin(shared: Arc<Shared>, caller: Arc<Caller>, request: Arc<Request>) -> Self {
        let life = Lifecycle::new(Arc::clone(&request), shared.retries_max());
        let deadline = shared.clock.monotonic().saturating_add(shared.options.deadline);
        let mut journey = Self {
            needs: Needs::of(&request),
            request,
            life,
            trail: Trail::default(),
            current: 0,
            left: Vec::new(),
            retries: 0,
            waits: 0,
            deadline,
            floor: 0,
            said: None,
            attempt: None,
            place: None,
            began_ms: shared.clock.now_ms(),
            spent: Spent::default(),
            intents: 0,
            is_over: false,
            is_admitted: false,
            shared,
            caller,
        };
        journey.tell(Event::Initiate);
        journey.tell(Event::ValidateRequest);
        journey
    }

    /// Chooses who is asked, and in which order.
    ///
    /// # Errors
    ///
    /// The request must not be sent, or nobody could answer it.
    pub(super) async fn plan(&mut self) -> Result<(), Error> {
        self.place = Some(place(&self.shared)?);
        self.request.validate()?;
        let Decision { mut fit, targets, why, unranked } = self.plan_of_now().decide().await?;
        if let Some(why) = unranked {
            self.trail.unranked = Some(why.clone());
            self.announce(&Fact::Unranked { why });
        }
        self.announce(&Fact::RoutingDecision { targets });
        if let (true, Some(error)) = (fit.is_empty(), why) {
            return Err(error);
        }
        let provider = |at: &usize| {
            let target = self.shared.targets.get(*at);
            Provider {
                name: target.provider.clone(),
                model: target.model.clone(),
                priority: target.priority,
                available: self.is_open(*at).is_none(),
            }
        };
        let providers = fit.iter().map(provider).collect();
        self.current = fit.remove(0);
        self.left = fit;
        self.is_admitted = true;
        self.tell(Event::ValidationPassed { providers });
        Ok(())
    }

    /// Checks a target for the request, as it is now.
    pub(super) fn judge(&self, target: usize) -> Result<Vec<Degradation>, (Reason, Error)> {
        self.plan_of_now().judge(target)
    }

    fn plan_of_now(&self) -> Plan<'_> {
        let Self { shared, caller, request, needs, floor, .. } = self;
        Plan { shared, caller, request, needs, floor: *floor, spent: self.spent_micro_usd() }
    }

    /// Puts on record that the current target is about to be asked.
    ///
    /// # Errors
    ///
    /// It cannot be, so nobody may be asked.
    pub(super) async fn intend(&mut self, sent: &Request) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let target = shared.targets.get(self.current);
        let intent = Intent {
            id: self.request.id,
            trigger: &self.caller.trigger,
            attempt: self.attempts().saturating_add(1),
            provider: &target.provider,
            key: &target.key,
            model: &target.model,
            began_ms: self.began_ms,
            at_ms: shared.clock.now_ms(),
            bound_micro_usd: self.bound(sent),
        };
        // Counted before, since whoever drops us while we wait may leave it on record.
        self.intents = self.intents.saturating_add(1);
        let kept = shared.keeper.intend(&intent).await;
        if kept.is_err() {
            self.intents -= 1;
        }
        kept
    }

    /// Says what it costs at most once `sent` was sent, in millionths of a dollar.
    fn bound(&self, sent: &Request) -> Option<u64> {
        let row = self.shared.known[self.current].1.as_ref()?;
        let most = self.shared.abilities(self.current).output_tokens;
        let output = sent.max_tokens.map(u64::from).or(most)?;
        let before = self.spent_micro_usd();
        let input = self.plan_of_now().tokens(self.current);
        (!self.spent.is_unpriced).then(|| before.saturating_add(row.bound(input, output)))
    }

    /// Says what attempts that are over cost, in millionths of a dollar, as far as prices are known.
    fn spent_micro_usd(&self) -> u64 {
        self.spent.cost.map_or(0, |cost| cost.micro_usd)
    }

    /// Settles an attempt that failed.
    pub(super) fn end_badly(&mut self, error: &Error) {
        let is_ours = error.code == hold::DEADLINE && error.provider.is_none();
        let blame = verdict::blame(error).filter(|_| !is_ours);
        if let Some(mut attempt) = self.attempt.take() {
            if is_ours || error.may_cost {
                attempt.bill();
            }
            self.end_attempt(attempt, if is_ours { Ended::Unknown } else { Ended::Badly(error) });
        }
        if let Some(step) = self.trail.steps.last_mut() {
            (step.class, step.status) = (Some(error.class), error.status);
            (step.code, step.blame) = (Some(error.code.clone()), blame);
        }
        let (class, status, code) = (error.class, error.status, error.code.clone());
        self.announce(&Fact::Error { class, status, code, blame });
    }

    /// Gives back what an attempt holds, and adds what it cost.
    fn end_attempt(&mut self, attempt: Attempt, ended: Ended<'_>) {
        if let Some(step) = self.trail.steps.last_mut() {
            step.took_ms = attempt.took_ms();
        }
        if attempt.is_billed() {
            let (usage, told) = attempt.usage();
            let basis = if matches!(ended, Ended::Well) { told } else { Basis::Estimated };
            self.spent.add(usage, basis, self.shared.cost(self.current, usage, basis));
        }
        attempt.end(ended);
    }

    /// Takes in that a piece was received, which the caller gets now if it `commits`.
    pub(super) fn hand_on(&mut self, chunk: Chunk, commits: bool) {
        self.tell(Event::Chunk { chunk, commits });
    }

    pub(super) fn count(&mut self, chunk: &Chunk) {
        if let Some(attempt) = &mut self.attempt {
            attempt.count(chunk);
        }
    }

    /// Tells the keeper of a piece that is handed on.
    pub(super) fn keep(&self, index: u64, chunk: &Chunk) {
        self.shared.keeper.piece(self.request.id, index, chunk);
    }

    /// Settles a stream that is whole.
    pub(super) async fn complete(&mut self) {
        self.tell(Event::StreamComplete);
        self.succeed().await;
    }

    /// Settles a stream that failed after something of it was handed on.
    pub(super) async fn break_off(&mut self, error: &Error) {
        self.end_badly(error);
        self.tell(Event::RequestFailed(error.clone()));
        self.close().await;
    }

    pub(super) async fn succeed(&mut self) {
        let Some(attempt) = self.attempt.take() else { return };
        self.end_attempt(attempt, Ended::Well);
        self.close().await;
        let Spent { usage, cost, attempts, .. } = self.spent;
        let duration = self.life.context().duration().unwrap_or_default();
        self.announce(&Fact::Success { duration, usage, cost, attempts });
    }

    /// Puts the end on record, and then says what it came to.
    pub(super) async fn close(&mut self) {
        let kept = self.hand_over();
        if let Err(error) = kept.await {
            self.spent.estimate();
            self.announce(&Fact::Unkept { why: error.message });
        }
        self.settle();
    }

    /// Hands the end to the keeper.
    fn hand_over(&mut self) -> BoxFuture<'static, Result<(), Error>> {
        self.spent.attempts = self.attempts();
        self.is_over = true;
        self.shared.keeper.end(&Ending {
            trigger: &self.caller.trigger,
            intents: self.intents,
            began_ms: self.began_ms,
            at_ms: self.shared.clock.now_ms(),
            life: &self.life,
            trail: &self.trail,
            spent: &self.spent,
        })
    }

    fn settle(&mut self) {
        let Spent { usage, cost, .. } = self.spent;
        let usage = (usage != Usage::default()).then_some(usage);
        self.tell(Event::Complete { usage, cost });
        self.shared.observer.settled(&self.life);
        if self.is_admitted {
            self.caller.governor.settled(self.request.id, &self.spent);
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        let told = self.life.apply(event, self.shared.clock.monotonic());
        debug_assert!(told.is_ok(), "the driver keeps to the table: {told:?}");
    }

    pub(super) fn announce(&self, fact: &Fact) {
        self.shared.observer.announce(self.request.id, fact);
    }

    pub(super) fn attempts(&self) -> u32 {
        self.life.context().attempts
    }

    pub(super) fn is_open(&self, target: usize) -> Option<verdict::Cause> {
        self.plan_of_now().is_open(target)
    }

    pub(super) fn is_ready(&self, target: usize) -> bool {
        self.is_open(target).is_none() && self.judge(target).is_ok()
    }

    pub(super) fn now(&self) -> Duration {
        self.shared.clock.monotonic()
    }

    /// Returns the time until the deadline.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.now())
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    pub(super) fn options(&self) -> &Options {
        &self.shared.options
    }
}

impl Drop for Journey {
    /// Whoever asked has gone. What was written until then is billed.
    fn drop(&mut self) {
        if self.life.context().is_settled {
            return;
        }
        if let Some(mut attempt) = self.attempt.take() {
            attempt.bill();
            self.end_attempt(attempt, Ended::Unknown);
        }
        if !matches!(self.life.state(), State::Completed | State::Failed) {
            let told = self.life.apply(Event::Cancel, self.shared.clock.monotonic());
            debug_assert!(told.is_ok(), "a request that goes on can be cancelled: {told:?}");
        }
        if self.is_over {
            // Nobody waited until the end was on record.
            self.spent.estimate();
        } else {
            drop(self.hand_over());
        }
        self.settle();
    }
}

/// Takes one of the places of requests at once.
///
/// # Errors
///
/// All of them are taken.
pub(super) fn place(shared: &Shared) -> Result<OwnedSemaphorePermit, Error> {
    Arc::clone(&shared.in_flight).try_acquire_owned().map_err(|_| {
        let why = "as many requests are being answered as may be at once";
        let mut error = Error::new(Class::RateLimit, "router-full", why);
        error.retry_after = Some(FULL_WAIT);
        error
    })
}
