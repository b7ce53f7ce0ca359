//! Requests and tokens per minute, and how many tokens a request will need.
//!
//! Reserved before, settled after: what was reserved counts until the true number is known, and then that
//! number counts where the reservation stood. A window slides by the second.
//!
//! Invariant: of any 60 s, no more than the limit is reserved (what is settled above its reservation
//! cannot be undone, and counts). Memory: [`SLOTS`] numbers for each limit.
//! Not here: what providers say of their limits (they answer 429; `breaker`).

use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds of a window, and slots of one.
pub const SLOTS: usize = 60;

/// Bytes of a token, until a model taught us better.
const BYTES_PER_TOKEN: u64 = 4;

/// Tokens of a picture. No provider needs more for one at its usual size; it is corrected like the rest.
const PICTURE_TOKENS: u64 = 1_600;

/// Tokens of an answer whose caller did not bound it.
const ANSWER_TOKENS: u64 = 1_024;

/// Models whose corrections are kept. Names come from the configuration.
const MODELS_MAX: usize = 1_000;

/// What one provider may be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    /// Requests in any minute.
    pub requests_per_min: Option<u64>,
    /// Tokens in any minute, read and written.
    pub tokens_per_min: Option<u64>,
}

/// What is left of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Of a minute.
    pub limit: u64,
    /// Now.
    pub remaining: u64,
}

/// The limits of one provider.
#[derive(Debug)]
pub struct Limiter {
    requests: Option<Window>,
    tokens: Option<Window>,
}

/// What a request holds of the limits. Give it back by [`Limiter::settle`].
#[derive(Debug)]
#[must_use]
pub struct Reservation {
    second: u64,
    tokens: u64,
}

/// Which limit is reached, and when there is room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// As in the settings: `requests` or `tokens`.
    pub what: &'static str,
    /// Until there is room.
    pub wait: Duration,
}

impl Limiter {
    /// Begins with nothing used.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let window = |limit: Option<u64>| limit.map(Window::new);
        Self { requests: window(rate.requests_per_min), tokens: window(rate.tokens_per_min) }
    }

    /// Reserves one request and its tokens. What is more than a whole minute's tokens counts as those.
    ///
    /// # Errors
    ///
    /// The limit that is reached; of two, the one that has room later.
    pub fn reserve(&mut self, now: Duration, tokens: u64) -> Result<Reservation, Reached> {
        let second = now.as_secs();
        let tokens = self.tokens.as_ref().map_or(tokens, |window| tokens.min(window.limit));
        let full = |window: Option<&mut Window>, amount, what| {
            let wait = window.and_then(|window| window.room(now, amount));
            wait.map(|wait| Reached { what, wait })
        };
        let requests = full(self.requests.as_mut(), 1, "requests");
        let of_tokens = full(self.tokens.as_mut(), tokens, "tokens");
        if let Some(reached) = requests.into_iter().chain(of_tokens).max_by_key(|it| it.wait) {
            return Err(reached);
        }
        for (window, amount) in [(&mut self.requests, 1), (&mut self.tokens, tokens)] {
            if let Some(window) = window {
                let used = &mut window.used[slot(second)];
                *used = used.saturating_add(amount);
            }
        }
        Ok(Reservation { second, tokens })
    }

    /// Puts what was used in the place of what was reserved.
    pub fn settle(&mut self, reservation: &Reservation, now: Duration, used: u64) {
        if let Some(window) = &mut self.tokens {
            window.turn(now.as_secs());
            if now.as_secs() < reservation.second + SLOTS as u64 {
                let used_then = &mut window.used[slot(reservation.second)];
                *used_then = used_then.saturating_sub(reservation.tokens).saturating_add(used);
            }
        }
    }

    /// Returns what is left of the requests and of the tokens, where they are limited.
    #[must_use]
    pub fn left(&mut self, now: Duration) -> (Option<Left>, Option<Left>) {
        let left = |window: &mut Option<Window>| window.as_mut().map(|window| window.left(now));
        (left(&mut self.requests), left(&mut self.tokens))
    }
}

#[derive(Debug)]
struct Window {
    limit: u64,
    used: [u64; SLOTS],
    /// The second that the newest slot is.
    newest: u64,
}

impl Window {
    fn new(limit: u64) -> Self {
        Self { limit, used: [0; SLOTS], newest: 0 }
    }

    /// Forgets what is older than a minute.
    fn turn(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest).min(SLOTS as u64);
        for later in 0..passed {
            self.used[slot(second - later)] = 0;
        }
        self.newest = self.newest.max(second);
    }

    /// Returns how long there is no room for `amount`; nothing if there is.
    fn room(&mut self, now: Duration, amount: u64) -> Option<Duration> {
        self.turn(now.as_secs());
        let mut used: u64 = self.used.iter().fold(0, |sum, it| sum.saturating_add(*it));
        if used.saturating_add(amount) <= self.limit {
            return None;
        }
        for later in 1..=SLOTS as u64 {
            // The oldest slots go first.
            used = used.saturating_sub(self.used[slot(self.newest + later)]);
            if used.saturating_add(amount) <= self.limit {
                return Some(Duration::from_secs(self.newest + later).saturating_sub(now));
            }
        }
        Some(Duration::from_secs(SLOTS as u64))
    }

    fn left(&mut self, now: Duration) -> Left {
        self.turn(now.as_secs());
        let used: u64 = self.used.iter().fold(0, |sum, it| sum.saturating_add(*it));
        Left { limit: self.limit, remaining: self.limit.saturating_sub(used) }
    }
}

fn slot(second: u64) -> usize {
    usize::try_from(second % SLOTS as u64).expect("it is below 60")
}

/// What is known of how many tokens texts are: for each model, the ratio of what was read to what was
/// guessed, in thousandths.
#[derive(Debug, Default)]
pub struct Estimates(BTreeMap<String, u64>);

/// How large a request is, before any model saw it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes of texts, tools and their results.
    pub bytes: u64,
    /// Pictures.
    pub pictures: u64,
}

impl Size {
    fn tokens(self) -> u64 {
        let pictures = self.pictures.saturating_mul(PICTURE_TOKENS);
        (self.bytes / BYTES_PER_TOKEN).saturating_add(pictures).max(1)
    }
}

impl Estimates {
    /// Estimates the tokens that `model` reads.
    #[must_use]
    pub fn input(&self, model: &str, size: Size) -> u64 {
        let thousandths = self.0.get(model).copied().unwrap_or(1_000);
        (size.tokens().saturating_mul(thousandths) / 1_000).max(1)
    }

    /// Estimates the tokens of `bytes` that a model wrote.
    #[must_use]
    pub fn output(bytes: u64) -> u64 {
        bytes.div_ceil(BYTES_PER_TOKEN)
    }

    /// Estimates the tokens that are to be reserved for an answer.
    #[must_use]
    pub fn answer(max_tokens: Option<u32>) -> u64 {
        max_tokens.map_or(ANSWER_TOKENS, u64::from)
    }

    /// Learns how many tokens a request was. One in eight counts for the newest, so that a strange
    /// request moves little; the correction stays between a fifth and five times.
    pub fn learn(&mut self, model: &str, size: Size, input: u64) {
        if input == 0 || (self.0.len() >= MODELS_MAX && !self.0.contains_key(model)) {
            return;
        }
        let seen = (input.saturating_mul(1_000) / size.tokens()).clamp(200, 5_000);
        match self.0.get_mut(model) {
            Some(known) => *known = (*known * 7 + seen) / 8,
            None => {
                self.0.insert(model.to_owned(), seen);
            }
        }
    }
}
