//! The one loop that tries.
//!
//! Invariant: every attempt is preceded by a check of the target, a permit of its breaker and a place in
//! the minute; every failure goes through `backoff::next`, which is bounded. Whatever ends a request,
//! its lifecycle is settled once.
//! Not here: what an answer is held for (`hold`).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::Options;
use super::Shared;
use super::attempt::Attempt;
use super::backoff;
use super::backoff::Next;
use super::backoff::Situation;
use super::breaker::Ended;
use super::candidates;
use super::candidates::Degradation;
use super::candidates::Needs;
use super::catalogue::Basis;
use super::hold;
use super::hold::Opened;
use super::lifecycle::Event;
use super::lifecycle::Lifecycle;
use super::lifecycle::Provider;
use super::limit::Estimates;
use super::observer::Fact;
use super::observer::Reason;
use super::trail::Step;
use super::trail::Trail;
use super::verdict;
use super::verdict::Retry;
use crate::chat::Answer;
use crate::chat::Assembly;
use crate::chat::Chunk;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Request;
use crate::chat::Usage;

/// When a router that is full may be asked again.
const FULL_WAIT: Duration = Duration::from_secs(1);

/// An answer, and what was tried for it.
pub struct Routed {
    /// It. Dropping it cuts the request.
    pub answer: Answer,
    /// What was tried until it began.
    pub trail: Trail,
}

/// No answer, and what was tried for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why, as the provider said it.
    pub error: Error,
    /// What was tried.
    pub trail: Trail,
}

/// Asks until there is an answer or nothing is left to try.
pub(super) async fn run(shared: Arc<Shared>, request: Arc<Request>) -> Result<Routed, Refused> {
    let mut journey = Journey::begin(shared, request)?;
    loop {
        match journey.once().await {
            Ok(opened) => return Ok(journey.open(opened)),
            Err(failure) => {
                if let Some(error) = journey.recover(failure).await {
                    return Err(journey.give_up(error));
                }
            }
        }
    }
}

/// One request on its way.
pub(super) struct Journey {
    shared: Arc<Shared>,
    request: Arc<Request>,
    needs: Needs,
    life: Lifecycle,
    trail: Trail,
    /// Who is asked, and who is left to be asked: as in the lifecycle.
    current: usize,
    left: Vec<usize>,
    retries: u32,
    /// Waits before anybody was asked.
    waits: u32,
    deadline: Duration,
    /// Tokens that the request is known to exceed.
    floor: u64,
    /// What the last one who was asked said.
    said: Option<Error>,
    attempt: Option<Attempt>,
    place: Option<OwnedSemaphorePermit>,
}

/// Why an attempt brought nothing.
pub(super) struct Failure {
    error: Error,
    /// Somebody was asked; otherwise the error is remembered, or ours.
    was_asked: bool,
}

impl Journey {
    fn begin(shared: Arc<Shared>, request: Arc<Request>) -> Result<Self, Refused> {
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
        let place = Arc::clone(&self.shared.in_flight).try_acquire_owned();
        self.place = Some(place.map_err(|_| {
            let why = "as many requests are being answered as may be at once";
            let mut error = Error::new(Class::RateLimit, "router-full", why);
            error.retry_after = Some(FULL_WAIT);
            error
        })?);
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
            let placed = || targets.reason(*target, &self.request, &self.needs);
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
    fn judge(&self, target: usize) -> Result<Vec<Degradation>, (Reason, Error)> {
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

    /// Asks the current target once.
    async fn once(&mut self) -> Result<Opened, Failure> {
        let refused = |error| Failure { error, was_asked: false };
        let attempt = self.admission().await.map_err(refused)?;
        let degradations = self.judge(self.current).map_err(|(_, error)| refused(error))?;
        self.attempt = Some(attempt);
        let target = self.shared.targets.get(self.current);
        let asked = Arc::clone(&target.asked);
        let abilities = self.shared.abilities(self.current);
        let owner = self.shared.targets.owner(self.current);
        let sent =
            candidates::adapt(&self.request, owner, &target.model, &abilities, &degradations);
        self.send(degradations);
        let answer = match tokio::time::timeout(self.left(), asked.ask(sent)).await {
            Ok(Ok(answer)) => hold::hold(self, answer).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(hold::late()),
        };
        answer.map_err(|error| {
            self.end_badly(&error);
            Failure { error, was_asked: true }
        })
    }

    /// Waits for the right to ask the current target, if nobody else could be asked instead.
    async fn admission(&mut self) -> Result<Attempt, Error> {
        loop {
            let is_last = !self.left.iter().any(|it| self.is_ready(*it));
            let answer = Estimates::answer(self.request.max_tokens);
            let (size, target) = (self.needs.size, self.current);
            let error = match Attempt::begin(&self.shared, target, size, answer, is_last) {
                Ok(attempt) => return Ok(attempt),
                Err(error) => *error,
            };
            let situation = Situation {
                retry: verdict::retry(&error),
                retry_after: error.retry_after,
                retries: self.waits,
                attempts: self.attempts(),
                left: self.left(),
                has_other_key: false,
                has_other: !is_last,
            };
            let next = backoff::next(&self.options().policy, &situation, &self.shared.random);
            match next {
                Next::Wait(wait) if is_last => {
                    self.waits += 1;
                    tokio::time::sleep(wait).await;
                }
                Next::Wait(_) | Next::Switch | Next::Stop => return Err(error),
            }
        }
    }

    fn send(&mut self, degradations: Vec<Degradation>) {
        self.tell(Event::Send);
        let target = self.shared.targets.named(self.current);
        let (provider, key, model) =
            (target.provider.clone(), target.key.clone(), target.model.clone());
        let of_step = degradations.clone();
        let step = Step { provider, key, model, degradations: of_step, class: None, status: None };
        self.trail.steps.push(step);
        self.announce(&Fact::Attempt { number: self.attempts(), target, degradations });
    }

    /// Settles an attempt that failed.
    fn end_badly(&mut self, error: &Error) {
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

    /// Waits or switches after a failure; returns the error if neither helps.
    async fn recover(&mut self, failure: Failure) -> Option<Error> {
        let Failure { error, was_asked } = failure;
        self.learn(&error, was_asked);
        let retry = if was_asked { verdict::retry(&error) } else { Retry::Never };
        let other = self.choose(&error).filter(|_| verdict::falls_back(&error));
        let owner = |target: &usize| self.shared.targets.owner(*target);
        let is_key = |it: &&usize| owner(it) == owner(&self.current) && self.is_ready(**it);
        let situation = Situation {
            retry,
            retry_after: error.retry_after,
            retries: self.retries,
            attempts: self.attempts(),
            left: self.left(),
            has_other_key: self.left.iter().any(|it| is_key(&it)),
            has_other: other.is_some(),
        };
        let policy = self.options().policy;
        let next = backoff::next(&policy, &situation, &self.shared.random);
        match (next, other) {
            (Next::Wait(wait), _) => {
                if error.class == Class::RateLimit {
                    self.tell(Event::RateLimit(error));
                    self.tell(Event::Retry(None));
                } else {
                    self.tell(Event::Retry(Some(error)));
                }
                self.retries += 1;
                tokio::time::sleep(wait).await;
                None
            }
            (Next::Switch, Some(at)) => {
                self.switch(at, error, was_asked);
                None
            }
            (Next::Switch | Next::Stop, _) => {
                let is_retried = was_asked && retry != Retry::Never;
                self.trail.is_spent = self.attempts() >= policy.attempts_max
                    || self.left().is_zero()
                    || (is_retried && self.retries >= policy.retries_max);
                self.leave(error.clone(), was_asked);
                Some(if was_asked { error } else { self.said.take().unwrap_or(error) })
            }
        }
    }

    /// Remembers what a failure says of the request.
    fn learn(&mut self, error: &Error, was_asked: bool) {
        if !was_asked {
            return;
        }
        self.said = Some(error.clone());
        if error.class == Class::ContextTooLong {
            let most = self.shared.abilities(self.current).context_tokens.unwrap_or(0);
            // As much as `candidates::check` needs to see to believe that it is longer.
            self.floor = self.floor.max(most.saturating_add(most / 4).saturating_add(2));
        }
    }

    /// Finds who is asked next, by its place among those who are left. Those who are not asked at the
    /// moment come last; another key comes first for what is of the key, and last for what is not.
    fn choose(&self, error: &Error) -> Option<usize> {
        let targets = &self.shared.targets;
        let (own, model) = (targets.owner(self.current), &targets.get(self.current).model);
        let retry = verdict::retry(error);
        let rank = |target: usize| {
            let is_same = targets.owner(target) == own;
            let is_disliked = match retry {
                Retry::OtherKey => !is_same,
                Retry::SameKey => is_same,
                Retry::Never => false,
            };
            (self.is_open(target).is_some(), is_disliked)
        };
        let is_too_small = |target: usize| {
            error.class == Class::ContextTooLong && targets.get(target).model == *model
        };
        let fitting = self
            .left
            .iter()
            .enumerate()
            .filter(|(_, target)| !is_too_small(**target) && self.judge(**target).is_ok());
        fitting.min_by_key(|(_, target)| rank(**target)).map(|(at, _)| at)
    }

    /// Gives the current target up.
    fn leave(&mut self, error: Error, was_asked: bool) {
        if was_asked && error.class == Class::RateLimit {
            self.tell(Event::RateLimit(error.clone()));
        }
        self.tell(Event::RequestFailed(error));
    }

    fn switch(&mut self, at: usize, error: Error, was_asked: bool) {
        let from = self.shared.targets.named(self.current);
        self.current = self.left.remove(at);
        self.retries = 0;
        let to = self.shared.targets.named(self.current);
        self.announce(&Fact::Fallback { from, to, reason: error.code.clone() });
        self.leave(error, was_asked);
        self.tell(Event::Fallback { at });
    }

    fn open(mut self, opened: Opened) -> Routed {
        let trail = self.trail.clone();
        if self.request.stream {
            if let Some(attempt) = &mut self.attempt {
                attempt.prove();
            }
            return Routed { answer: hold::answer(opened, self), trail };
        }
        let mut pieces = Assembly::default();
        for chunk in opened.pieces() {
            pieces.add(chunk.clone());
        }
        let response = pieces.finish(opened.provider()).expect("it was held to its end");
        self.tell(Event::Response(Box::new(response)));
        self.succeed();
        Routed { answer: opened.whole(), trail }
    }

    fn give_up(mut self, error: Error) -> Refused {
        self.settle(None, Basis::Estimated);
        Refused { error, trail: std::mem::take(&mut self.trail) }
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

    fn succeed(&mut self) {
        let Some(attempt) = self.attempt.take() else { return };
        let (usage, basis) = attempt.usage();
        attempt.end(Ended::Well);
        self.settle(Some(usage), basis);
        let context = self.life.context();
        let (cost, duration) = (context.cost, context.duration().unwrap_or_default());
        let attempts = self.attempts();
        self.announce(&Fact::Success { duration, usage, cost, attempts });
    }

    fn settle(&mut self, usage: Option<Usage>, basis: Basis) {
        let cost = usage.and_then(|usage| self.shared.cost(self.current, usage, basis));
        self.tell(Event::Complete { usage, cost });
        self.shared.observer.settled(&self.life);
    }

    fn tell(&mut self, event: Event) {
        let told = self.life.apply(event, self.shared.clock.monotonic());
        debug_assert!(told.is_ok(), "the driver keeps to the table: {told:?}");
    }

    fn announce(&self, fact: &Fact) {
        self.shared.observer.announce(self.request.id, fact);
    }

    fn attempts(&self) -> u32 {
        self.life.context().attempts
    }

    fn is_open(&self, target: usize) -> Option<verdict::Cause> {
        self.shared.books().breakers.is_open(target, self.now())
    }

    fn is_ready(&self, target: usize) -> bool {
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
