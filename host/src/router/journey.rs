//! One request on its way: what it holds, and how it ends.
//!
//! Invariant: its lifecycle is settled once, whatever ends it; dropped, it was cut by whoever asked.
//! Not here: what is tried next (`driver`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::Options;
use super::Shared;
use super::attempt::Attempt;
use super::breaker::Ended;
use super::candidates;
use super::candidates::Degradation;
use super::candidates::Needs;
use super::catalogue::Basis;
use super::driver::Refused;
use super::hold;
use super::lifecycle::Event;
use super::lifecycle::Lifecycle;
use super::lifecycle::Provider;
use super::limit::Estimates;
use super::observer::Fact;
use super::observer::Reason;
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
}

impl Journey {
    /// Begins, and chooses who is asked.
    ///
    /// # Errors
    ///
    /// The request must not be sent, or nobody could answer it.
    pub(super) fn begin(shared: Arc<Shared>, request: Arc<Request>) -> Result<Self, Refused> {
        let life = Lifecycle::new(Arc::clone(&request), shared.options.policy.retries_max);
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
            shared,
        };
        journey.tell(Event::Initiate);
        journey.tell(Event::ValidateRequest);
        match journey.plan() {
            Ok(()) => Ok(journey),
            Err(error) => {
                journey.tell(Event::ValidationFailed(error.clone()));
                journey.settle(None, Basis::Estimated);
                Err(Refused { error, trail: Trail::default() })
            }
        }
    }

    /// Chooses who is asked, and in which order.
    fn plan(&mut self) -> Result<(), Error> {
        self.place = Some(place(&self.shared)?);
        self.request.validate()?;
        let targets = &self.shared.targets;
        let order = targets.order(&self.request, &self.needs, &self.shared.options)?;
        let (mut fit, mut unfit, mut why) = (Vec::new(), Vec::new(), None);
        for target in order {
            match self.judge(target) {
                Ok(_) => fit.push(target),
                Err((reason, error)) => {
                    unfit.push((targets.named(target), reason));
                    why.get_or_insert(error);
                }
            }
        }
        let is_open: Vec<_> = fit.iter().map(|target| self.is_open(*target)).collect();
        let first = is_open.iter().position(Option::is_none).unwrap_or(0);
        let reason = |(target, open): (&usize, &Option<_>)| {
            let placed = || targets.reason(*target, &self.request, &self.needs, self.options());
            (targets.named(*target), open.map_or_else(placed, Reason::Open))
        };
        let mut decided: Vec<_> = fit.iter().zip(&is_open).map(reason).collect();
        if !fit.is_empty() {
            decided[..=first].rotate_right(1);
            fit[..=first].rotate_right(1);
        }
        decided.extend(unfit);
        self.announce(&Fact::RoutingDecision { targets: decided });
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
        self.tell(Event::ValidationPassed { providers });
        Ok(())
    }

    /// Checks a target for the request, as it is now.
    pub(super) fn judge(&self, target: usize) -> Result<Vec<Degradation>, (Reason, Error)> {
        let Shared { targets, options, governor, .. } = &*self.shared;
        let (model, owner) = (&targets.get(target).model, targets.owner(target));
        let tokens = self.shared.books().estimates.input(model, self.needs.size).max(self.floor);
        let abilities = self.shared.abilities(target);
        let leeway = options.leeway;
        let fit = candidates::check(&self.request, &self.needs, owner, &abilities, tokens, leeway);
        let degradations = fit.map_err(|it| (Reason::Misfit(it), it.error(owner)))?;
        let output = Estimates::answer(self.request.max_tokens);
        let most = Usage { input: tokens, output, ..Usage::default() };
        let cost = self.shared.cost(target, most, Basis::Estimated).map(|cost| cost.micro_usd);
        match governor.admit(&self.request, targets.get(target), cost) {
            Ok(()) => Ok(degradations),
            Err(error) => Err((Reason::Refused, error)),
        }
    }

    /// Settles an attempt that failed.
    pub(super) fn end_badly(&mut self, error: &Error) {
        let is_ours = error.code == hold::DEADLINE && error.provider.is_none();
        let blame = verdict::blame(error).filter(|_| !is_ours);
        if let Some(attempt) = self.attempt.take() {
            attempt.end(if is_ours { Ended::Unknown } else { Ended::Badly(error) });
        }
        if let Some(step) = self.trail.steps.last_mut() {
            (step.class, step.status) = (Some(error.class), error.status);
        }
        let (class, status, code) = (error.class, error.status, error.code.clone());
        self.announce(&Fact::Error { class, status, code, blame });
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

    /// Settles a stream that is whole.
    pub(super) fn complete(&mut self) {
        self.tell(Event::StreamComplete);
        self.succeed();
    }

    /// Settles a stream that failed after something of it was handed on.
    pub(super) fn break_off(&mut self, error: &Error) {
        let used = self.attempt.as_ref().map(|attempt| attempt.usage().0);
        self.end_badly(error);
        self.tell(Event::RequestFailed(error.clone()));
        self.settle(used, Basis::Estimated);
    }

    pub(super) fn succeed(&mut self) {
        let Some(attempt) = self.attempt.take() else { return };
        let (usage, basis) = attempt.usage();
        attempt.end(Ended::Well);
        self.settle(Some(usage), basis);
        let context = self.life.context();
        let (cost, duration) = (context.cost, context.duration().unwrap_or_default());
        let attempts = self.attempts();
        self.announce(&Fact::Success { duration, usage, cost, attempts });
    }

    pub(super) fn settle(&mut self, usage: Option<Usage>, basis: Basis) {
        let cost = usage.and_then(|usage| self.shared.cost(self.current, usage, basis));
        self.tell(Event::Complete { usage, cost });
        self.shared.observer.settled(&self.life);
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
        self.shared.books().breakers.is_open(target, self.now())
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
        let used = self.attempt.take().map(|attempt| attempt.usage().0);
        let told = self.life.apply(Event::Cancel, self.shared.clock.monotonic());
        debug_assert!(told.is_ok(), "a request that goes on can be cancelled: {told:?}");
        self.settle(used, Basis::Estimated);
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
