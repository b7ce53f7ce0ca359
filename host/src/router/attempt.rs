//! What one attempt holds: the right to ask, a place in the minute, and the count of what came back.
//!
//! Invariant: everything it holds is given back once, however it ends; dropped, it was cut by whoever
//! asked, and what was reserved stays used, since a provider bills what it wrote until then.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::breaker::Ended;
use super::breaker::Permit;
use super::catalogue::Basis;
use super::hold;
use super::limit::Estimates;
use super::limit::Reservation;
use super::limit::Size;
use super::verdict;
use crate::chat::Chunk;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Usage;

pub(super) struct Attempt {
    shared: Arc<Shared>,
    target: usize,
    size: Size,
    /// Tokens that the request is estimated to be.
    input: u64,
    began: Duration,
    /// When the first of the answer came.
    first_at: Option<Duration>,
    usage: Option<Usage>,
    /// The provider began to answer, or we cut it: it may be billed.
    is_billed: bool,
    /// The provider said that this is all.
    is_whole: bool,
    bytes: u64,
    permit: Option<Permit>,
    reservation: Option<Reservation>,
}

impl Attempt {
    /// Takes what an attempt needs. `is_last` says that nobody else could be asked.
    ///
    /// # Errors
    ///
    /// What the target said last if its circuit is open, or the limit of ours that is reached.
    pub(super) fn begin(
        shared: &Arc<Shared>,
        target: usize,
        size: Size,
        answer: u64,
        is_last: bool,
    ) -> Result<Self, Box<Error>> {
        let now = shared.clock.monotonic();
        let model = &shared.targets.get(target).model;
        let mut books = shared.books();
        let input = books.estimates.input(model, size);
        let permit = books.breakers.admit(target, now, is_last)?;
        let (limiter, _) = &mut books.providers[shared.targets.provider_of(target)];
        let tokens = input.saturating_add(answer);
        let reserved = limiter.as_mut().map(|it| it.reserve(now, tokens)).transpose();
        let reservation = match reserved {
            Ok(reservation) => reservation,
            Err(reached) => {
                books.breakers.settle(permit, now, Ended::Unknown);
                let provider = &shared.targets.get(target).provider;
                let why = format!("`{provider}` may be asked no more {} this minute", reached.what);
                let code = format!("limit-{}", reached.what);
                let mut error = Error::new(Class::RateLimit, code, &why);
                error.retry_after = Some(reached.wait);
                return Err(Box::new(error));
            }
        };
        Ok(Self {
            shared: Arc::clone(shared),
            target,
            size,
            input,
            began: now,
            first_at: None,
            usage: None,
            is_billed: false,
            is_whole: false,
            bytes: 0,
            permit: Some(permit),
            reservation,
        })
    }

    /// Says that it is on its way.
    pub(super) fn send(&mut self) {
        self.began = self.shared.clock.monotonic();
    }

    /// Gives everything back of what was never sent.
    pub(super) fn withdraw(mut self) {
        let Some(permit) = self.permit.take() else { return };
        let now = self.shared.clock.monotonic();
        let mut books = self.shared.books();
        books.breakers.settle(permit, now, Ended::Unknown);
        let (limiter, _) = &mut books.providers[self.shared.targets.provider_of(self.target)];
        if let (Some(limiter), Some(reservation)) = (limiter, &self.reservation) {
            limiter.settle(reservation, now, 0);
        }
    }

    /// Says that a provider began to answer, or that we cut it, so that it may be billed.
    pub(super) fn bill(&mut self) {
        self.is_billed = true;
    }

    pub(super) fn is_billed(&self) -> bool {
        self.is_billed
    }

    /// Returns the milliseconds until the first of the answer came, or until now.
    pub(super) fn took_ms(&self) -> u64 {
        let until = self.first_at.unwrap_or_else(|| self.shared.clock.monotonic());
        u64::try_from(until.saturating_sub(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// Counts a piece of the answer.
    pub(super) fn count(&mut self, chunk: &Chunk) {
        self.first_at.get_or_insert_with(|| self.shared.clock.monotonic());
        match chunk {
            // Translators write zeros for what they were not told: nothing is read and written for nothing.
            Chunk::Usage(usage) if usage.total() == 0 => {}
            Chunk::Usage(usage) => self.usage = Some(*usage),
            Chunk::Done(_) => self.is_whole = true,
            Chunk::Opaque(_) => {}
            Chunk::Text(_) | Chunk::Reasoning(_) | Chunk::ToolCall(_) => {
                self.bytes = self.bytes.saturating_add(hold::bytes_of(chunk) as u64);
            }
        }
    }

    /// Says that an answer is being handed on: if this was a probe, the target works.
    pub(super) fn prove(&mut self) {
        if let Some(permit) = self.permit.as_mut().filter(|permit| permit.is_probe()) {
            self.shared.books().breakers.prove(permit);
        }
    }

    /// Says what was used, and whether it is the provider's word for a whole answer.
    pub(super) fn usage(&self) -> (Usage, Basis) {
        let output = Estimates::output(self.bytes);
        match self.usage {
            Some(usage) if self.is_whole => (usage, Basis::Reported),
            Some(usage) => {
                let output = usage.output.max(output);
                (Usage { output, ..usage }, Basis::Estimated)
            }
            None => (Usage { input: self.input, output, ..Usage::default() }, Basis::Estimated),
        }
    }

    /// Gives everything back.
    pub(super) fn end(mut self, ended: Ended<'_>) {
        self.settle(ended);
    }

    fn settle(&mut self, ended: Ended<'_>) {
        let Some(permit) = self.permit.take() else { return };
        let shared = Arc::clone(&self.shared);
        let now = shared.clock.monotonic();
        let total = self.usage().0.total();
        let mut books = shared.books();
        let books = &mut *books;
        books.breakers.settle(permit, now, ended);
        let (limiter, health) = &mut books.providers[shared.targets.provider_of(self.target)];
        let used = match ended {
            Ended::Well => Some(total),
            Ended::Badly(_) => Some(if self.first_at.is_some() { total } else { 0 }),
            Ended::Unknown => None,
        };
        if let (Some(limiter), Some(reservation), Some(used)) = (limiter, &self.reservation, used) {
            limiter.settle(reservation, now, used);
        }
        match ended {
            Ended::Well => {
                let first_at = self.first_at.unwrap_or(now);
                health.answered(now, first_at.saturating_sub(self.began));
                let told = self.usage.filter(|_| self.is_whole).map_or(0, |usage| usage.input);
                let model = &shared.targets.get(self.target).model;
                books.estimates.learn(model, self.size, told);
            }
            Ended::Badly(error) if verdict::blame(error).is_some() => {
                health.failed(now, &error.code);
            }
            Ended::Badly(_) | Ended::Unknown => {}
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.settle(Ended::Unknown);
    }
}
