//! The one loop that tries.
//!
//! Invariant: every attempt is preceded by a check of the target, a permit of its breaker and a place in
//! the minute, and by a record of the intent; every failure goes through `backoff::next`, which is bounded.
//! Not here: what an answer is held for (`hold`), what a request holds (`journey`).

use std::sync::Arc;

use super::Shared;
use super::attempt::Attempt;
use super::backoff;
use super::backoff::Next;
use super::backoff::Situation;
use super::caller::Caller;
use super::candidates;
use super::candidates::Degradation;
use super::hold;
use super::hold::Opened;
use super::journey::Journey;
use super::keeper;
use super::lifecycle::Event;
use super::limit::Estimates;
use super::observer::Fact;
use super::trail::Step;
use super::trail::Trail;
use super::verdict;
use super::verdict::Retry;
use crate::chat::Answer;
use crate::chat::Assembly;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Request;

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
pub(super) async fn run(
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    request: Arc<Request>,
) -> Result<Routed, Refused> {
    let mut journey = Journey::begin(shared, caller, request);
    if let Err(error) = journey.plan().await {
        journey.tell(Event::ValidationFailed(error.clone()));
        return Err(journey.give_up(error).await);
    }
    loop {
        match journey.once().await {
            Ok(opened) => return Ok(journey.open(opened).await),
            Err(failure) => {
                if let Some(error) = journey.recover(failure).await {
                    return Err(journey.give_up(error).await);
                }
            }
        }
    }
}

/// Why an attempt brought nothing.
struct Failure {
    error: Error,
    /// Somebody was asked; otherwise the error is remembered, or ours.
    was_asked: bool,
}

impl Journey {
    /// Asks the current target once.
    async fn once(&mut self) -> Result<Opened, Failure> {
        let refused = |error| Failure { error, was_asked: false };
        let attempt = self.admission().await.map_err(refused)?;
        let degradations = self.judge(self.current).map_err(|(_, error)| refused(error))?;
        let target = self.shared.targets.get(self.current);
        let asked = Arc::clone(&target.asked);
        let abilities = self.shared.abilities(self.current);
        let owner = self.shared.targets.owner(self.current);
        let sent =
            candidates::adapt(&self.request, owner, &target.model, &abilities, &degradations);
        self.intend_with(attempt, &sent).await.map_err(refused)?;
        self.send(degradations);
        let answer = match tokio::time::timeout(self.left(), asked.ask(sent)).await {
            Ok(Ok(answer)) => {
                self.attempt.iter_mut().for_each(Attempt::bill);
                hold::hold(self, answer).await
            }
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
            // Who else could be asked matters only to a circuit that is open.
            let may_probe = self.is_open(self.current).is_some() && self.is_last();
            let answer = Estimates::answer(self.request.max_tokens);
            let (size, target) = (self.needs.size, self.current);
            let error = match Attempt::begin(&self.shared, target, size, answer, may_probe) {
                Ok(attempt) => return Ok(attempt),
                Err(error) => *error,
            };
            let is_last = self.is_last();
            let situation = Situation {
                retry: verdict::retry(&error),
                retry_after: error.retry_after,
                retries: self.waits,
                attempts: self.attempts(),
                left: self.left(),
                has_other_key: false,
                has_other: !is_last,
            };
            let next =
                backoff::next(&self.shared.policy(self.current), &situation, &self.shared.random);
            match next {
                Next::Wait(wait) if is_last => {
                    self.waits += 1;
                    tokio::time::sleep(wait).await;
                }
                Next::Wait(_) | Next::Switch | Next::Stop => return Err(error),
            }
        }
    }

    /// Answers whether nobody else could be asked now.
    fn is_last(&self) -> bool {
        !self.left.iter().any(|it| self.is_ready(*it))
    }

    /// Puts on record that an attempt is about to be made, and holds it.
    async fn intend_with(&mut self, mut attempt: Attempt, sent: &Request) -> Result<(), Error> {
        if let Err(error) = self.intend(sent).await {
            attempt.withdraw();
            return Err(error);
        }
        attempt.send();
        self.attempt = Some(attempt);
        Ok(())
    }

    fn send(&mut self, degradations: Vec<Degradation>) {
        self.tell(Event::Send);
        let target = self.shared.targets.named(self.current);
        let (provider, key, model) =
            (target.provider.clone(), target.key.clone(), target.model.clone());
        let of_step = degradations.clone();
        let (class, status, code, blame) = (None, None, None, None);
        let step = Step {
            provider,
            key,
            model,
            degradations: of_step,
            class,
            status,
            code,
            blame,
            took_ms: 0,
        };
        self.trail.steps.push(step);
        self.announce(&Fact::Attempt { number: self.attempts(), target, degradations });
    }

    /// Waits or switches after a failure; returns the error if neither helps.
    async fn recover(&mut self, failure: Failure) -> Option<Error> {
        let Failure { error, was_asked } = failure;
        self.learn(&error, was_asked);
        let retry = if was_asked { verdict::retry(&error) } else { Retry::Never };
        let is_unkept = keeper::is_unkept(&error);
        let falls_back = verdict::falls_back(&error) && !is_unkept;
        let other = self.choose(&error).filter(|_| falls_back);
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
        let policy = self.shared.policy(self.current);
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
                let is_last = was_asked || is_unkept;
                Some(if is_last { error } else { self.said.take().unwrap_or(error) })
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

    async fn open(mut self, opened: Opened) -> Routed {
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
        self.succeed().await;
        Routed { answer: opened.whole(), trail }
    }

    async fn give_up(mut self, error: Error) -> Refused {
        self.close().await;
        Refused { error, trail: std::mem::take(&mut self.trail) }
    }
}
