//! What one call of a plugin may use of models: taken before a request is sent, put right afterwards.
//!
//! ```text
//! open ──→ a call, tokens as estimated     reserve ──→ money as estimated (by whoever answers)
//!   │                                         │
//! close ─→ tokens as they were             reconcile → money as it was, and what was counted
//! ```
//!
//! Invariant: of each budget, what was used and what is reserved are together at most its bound when a
//! request begins. What a request used beyond its reservation counts, and is missing for the next.
//! Not here: estimates of money (`router`), what the guest is told (`imports/model`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ax_manifest::{Ask, Permission, usd};

use super::limits::{self, Limit, Raise};
use crate::chat::{Class, Error, RequestId, Usage};

/// What one call may use of one tier or model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The tier or model, as the permission names it.
    pub model: String,
    /// Requests.
    pub calls: u64,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Millionths of a US dollar.
    pub micro_usd: u64,
}

impl Budget {
    /// What holds where nothing else was asked.
    fn usual(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            calls: limits::MODEL_CALLS,
            tokens: limits::MODEL_TOKENS,
            micro_usd: limits::MODEL_MICRO_USD,
        }
    }

    /// Reads what an ask for models asks for, agreed to or not; none if it is for something else.
    #[must_use]
    pub fn asked(ask: &Ask) -> Option<Self> {
        let Permission::Models { tier } = &ask.permission else { return None };
        let usual = Self::usual(tier);
        Some(Self {
            calls: ask.quota.calls.map_or(usual.calls, u64::from),
            tokens: ask.quota.tokens.unwrap_or(usual.tokens),
            micro_usd: ask.quota.micro_usd.unwrap_or(usual.micro_usd),
            ..usual
        })
    }

    /// Computes what holds for an ask for models: what it asks for where that is less than usual or a
    /// person agreed to it, else the usual; none if it is for something else.
    #[must_use]
    pub fn of(ask: &Ask, is_consented: bool) -> Option<Self> {
        let asked = Self::asked(ask)?;
        let most = if is_consented { asked.clone() } else { Self::usual(&asked.model) };
        Some(Self {
            calls: asked.calls.min(most.calls),
            tokens: asked.tokens.min(most.tokens),
            micro_usd: asked.micro_usd.min(most.micro_usd),
            ..asked
        })
    }

    /// Says it in a few words, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { calls, tokens, micro_usd, .. } = self;
        let calls = format!("{calls} request{}", if *calls == 1 { "" } else { "s" });
        format!("at most {calls}, {tokens} tokens and {} USD a call", usd(*micro_usd))
    }

    /// Lists what an ask for models asks to be raised above the usual, for the permission card.
    #[must_use]
    pub fn raises(ask: &Ask) -> Vec<Raise> {
        let Some(asked) = Self::asked(ask) else { return Vec::new() };
        let usual = Self::usual(&asked.model);
        let count = |amount: u64| amount.to_string();
        let money = |amount: u64| format!("{} USD", usd(amount));
        let rows = [
            ("requests to models", asked.calls, usual.calls, &count as &dyn Fn(u64) -> String),
            ("tokens of models", asked.tokens, usual.tokens, &count),
            ("money for models", asked.micro_usd, usual.micro_usd, &money),
        ];
        let raised = rows.into_iter().filter(|(_, asked, usual, _)| asked > usual);
        let raise = |(key, asked, usual, text): (_, u64, u64, &dyn Fn(u64) -> String)| Raise {
            key,
            default: text(usual),
            asked: text(asked),
        };
        raised.map(raise).collect()
    }
}

/// A budget does not suffice for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "of {} that `models:{model}` has for a call, {} {} left and this takes {}",
    self.amount(*.bound), self.number(*.left), self.verb(), self.number(*.needed)
)]
pub struct Short {
    /// Which budget.
    pub limit: Limit,
    /// Of which tier or model.
    pub model: String,
    /// The whole budget.
    pub bound: u64,
    /// What is left of it.
    pub left: u64,
    /// What the request takes.
    pub needed: u64,
}

impl Short {
    fn number(&self, amount: u64) -> String {
        match self.limit {
            Limit::Cost => usd(amount),
            _ => amount.to_string(),
        }
    }

    fn amount(&self, amount: u64) -> String {
        let unit = match self.limit {
            Limit::Cost => "USD",
            Limit::Calls => "requests",
            _ => "tokens",
        };
        format!("{} {unit}", self.number(amount))
    }

    fn verb(&self) -> &'static str {
        if self.left == 1 && self.limit != Limit::Cost { "is" } else { "are" }
    }
}

/// What a request will need.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    /// Tokens that will be read, as estimated.
    pub(super) input: u64,
    /// Tokens that may be written, if whoever asks said so.
    pub(super) max_tokens: Option<u32>,
    /// Tokens that the model writes at most, where that is known.
    pub(super) model_max: Option<u64>,
    /// Requests that begin together and share what is left, this one among them.
    pub(super) sharers: u64,
}

/// What a request came to, every attempt in it, by the word of whoever answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bill {
    /// Tokens; none where only what is handed on is counted.
    pub usage: Option<Usage>,
    /// Whether any of them are guessed.
    pub is_estimated: bool,
    /// Millionths of a US dollar, where that is known.
    pub micro_usd: Option<u64>,
}

/// What one call used of its budgets, and what is reserved.
#[derive(Debug)]
pub struct Purse {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    used: Vec<Used>,
    open: BTreeMap<RequestId, Open>,
}

/// A budget, and what of it is used or reserved.
#[derive(Debug)]
struct Used {
    budget: Budget,
    calls: u64,
    tokens: u64,
    micro_usd: u64,
}

/// What a request holds.
#[derive(Debug)]
struct Open {
    /// The place of its budget.
    at: usize,
    /// Tokens that are reserved; true ones once it is closed.
    tokens: u64,
    /// Money that is reserved; what it cost once that is known.
    micro_usd: u64,
    /// What it came to, once that is known.
    bill: Option<Bill>,
    /// Why it may not cost what it would.
    short: Option<Short>,
}

impl Purse {
    pub(super) fn new(budgets: &[Budget]) -> Arc<Self> {
        let unused =
            |budget: &Budget| Used { budget: budget.clone(), calls: 0, tokens: 0, micro_usd: 0 };
        let used = budgets.iter().map(unused).collect();
        Arc::new(Self { state: Mutex::new(State { used, open: BTreeMap::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one call and the tokens of a request; returns how many it may write, if that is less than
    /// its model would.
    pub(super) fn open(
        &self,
        id: RequestId,
        model: &str,
        need: Need,
    ) -> Result<Option<u32>, Short> {
        let mut state = self.state();
        let at = match state.used.iter().position(|used| used.budget.model == model) {
            Some(at) => at,
            None => {
                let budget = Budget::usual(model);
                state.used.push(Used { budget, calls: 0, tokens: 0, micro_usd: 0 });
                state.used.len() - 1
            }
        };
        let used = &mut state.used[at];
        used.check(Limit::Calls, 1)?;
        let (max_tokens, tokens) = used.tokens_of(need)?;
        used.calls += 1;
        used.tokens = used.tokens.saturating_add(tokens);
        state.open.insert(id, Open { at, tokens, micro_usd: 0, bill: None, short: None });
        Ok(max_tokens)
    }

    /// Puts the tokens that a request really used in the place of those that were reserved.
    pub(super) fn close(&self, id: RequestId, tokens: u64) {
        let mut state = self.state();
        let State { used, open } = &mut *state;
        let Some(held) = open.get_mut(&id) else { return };
        let of = &mut used[held.at];
        of.tokens = of.tokens.saturating_sub(held.tokens).saturating_add(tokens);
        held.tokens = tokens;
    }

    /// Takes what a request may cost, in millionths of a US dollar. Said again, as before another
    /// attempt, the most that was said holds. Without a price nothing is taken.
    ///
    /// # Errors
    ///
    /// [`Error`] of the class quota, code `cost`, if that is more than is left.
    pub fn reserve(&self, id: RequestId, micro_usd: Option<u64>) -> Result<(), Error> {
        let mut state = self.state();
        let State { used, open } = &mut *state;
        let (Some(held), Some(micro_usd)) = (open.get_mut(&id), micro_usd) else { return Ok(()) };
        let more = micro_usd.saturating_sub(held.micro_usd);
        let of = &mut used[held.at];
        if let Err(mut short) = of.check(Limit::Cost, more) {
            // What it holds already is its own.
            short.left = short.left.saturating_add(held.micro_usd);
            short.needed = micro_usd;
            let told = Error::new(Class::Quota, Limit::Cost.word(), &short.to_string());
            held.short = Some(short);
            return Err(told);
        }
        of.micro_usd = of.micro_usd.saturating_add(more);
        held.micro_usd += more;
        Ok(())
    }

    /// Puts the money that a request cost in the place of what was reserved, and keeps the rest for
    /// [`Self::bill`]; the first word counts. Where nobody knows, what was reserved stays taken.
    pub fn reconcile(&self, id: RequestId, bill: Bill) {
        let mut state = self.state();
        let State { used, open } = &mut *state;
        let Some(held) = open.get_mut(&id).filter(|held| held.bill.is_none()) else { return };
        held.bill = Some(bill);
        let Some(cost) = bill.micro_usd else { return };
        let of = &mut used[held.at];
        of.micro_usd = of.micro_usd.saturating_sub(held.micro_usd).saturating_add(cost);
        held.micro_usd = cost;
    }

    /// Returns what a request came to, once whoever answers has said so.
    pub(super) fn bill(&self, id: RequestId) -> Option<Bill> {
        self.state().open.get(&id)?.bill
    }

    /// Returns what a request cost, once that is known.
    pub(super) fn cost(&self, id: RequestId) -> Option<u64> {
        self.bill(id)?.micro_usd
    }

    /// Returns why a request was not allowed its money, if it was not.
    pub(super) fn short(&self, id: RequestId) -> Option<Short> {
        self.state().open.get(&id)?.short.clone()
    }
}

impl Used {
    fn left(&self, limit: Limit) -> (u64, u64) {
        let (bound, used) = match limit {
            Limit::Calls => (self.budget.calls, self.calls),
            Limit::Cost => (self.budget.micro_usd, self.micro_usd),
            _ => (self.budget.tokens, self.tokens),
        };
        (bound, bound.saturating_sub(used))
    }

    fn check(&self, limit: Limit, needed: u64) -> Result<(), Short> {
        let (bound, left) = self.left(limit);
        if needed <= left {
            return Ok(());
        }
        Err(Short { limit, model: self.budget.model.clone(), bound, left, needed })
    }

    /// Returns how many tokens a request may write, if it has to be told, and how many it takes in all.
    fn tokens_of(&self, need: Need) -> Result<(Option<u32>, u64), Short> {
        if let Some(max) = need.max_tokens {
            let all = need.input.saturating_add(u64::from(max));
            self.check(Limit::Tokens, all)?;
            return Ok((Some(max), all));
        }
        // At least one token has to be left to write.
        self.check(Limit::Tokens, need.input.saturating_add(1))?;
        let (_, left) = self.left(Limit::Tokens);
        let share = left.saturating_sub(need.input) / need.sharers.max(1);
        let most = need.model_max.unwrap_or(limits::MODEL_ANSWER_TOKENS);
        let written = share.clamp(1, most.max(1));
        let is_told = need.model_max.is_none_or(|most| written < most);
        let told = u32::try_from(written).unwrap_or(u32::MAX);
        Ok((is_told.then_some(told), need.input.saturating_add(written)))
    }
}

#[cfg(test)]
mod tests {
    use ax_manifest::Quota;

    use super::*;

    fn purse(tokens: u64, micro_usd: u64) -> Arc<Purse> {
        let budget = Budget { model: "fast".to_owned(), calls: 9, tokens, micro_usd };
        Purse::new(&[budget])
    }

    fn id(number: u128) -> RequestId {
        RequestId(uuid::Uuid::from_u128(number))
    }

    fn need(input: u64, max_tokens: u32) -> Need {
        Need { input, max_tokens: Some(max_tokens), model_max: None, sharers: 1 }
    }

    fn ask(calls: Option<u32>, tokens: Option<u64>, micro_usd: Option<u64>) -> Ask {
        Ask {
            permission: "models:fast".parse().unwrap(),
            reason: None,
            quota: Quota { bytes: None, calls, tokens, micro_usd },
            header: None,
        }
    }

    #[test]
    fn requests_at_the_same_time_share_what_is_left() {
        let purse = purse(100, 0);
        purse.open(id(1), "fast", need(10, 50)).unwrap();
        let short = purse.open(id(2), "fast", need(10, 31)).unwrap_err();
        assert_eq!((short.limit, short.left, short.needed), (Limit::Tokens, 40, 41));
        purse.open(id(2), "fast", need(10, 30)).unwrap();
        // What was not used is there again, and what was used beyond is missing.
        purse.close(id(1), 5);
        assert_eq!(purse.open(id(3), "fast", need(0, 56)).unwrap_err().left, 55);
        purse.close(id(2), 200);
        assert_eq!(purse.open(id(3), "fast", need(0, 1)).unwrap_err().left, 0);
    }

    #[test]
    fn of_what_a_request_may_cost_the_most_counts_once() {
        let purse = purse(1_000, 100);
        purse.open(id(1), "fast", need(0, 1)).unwrap();
        purse.reserve(id(1), Some(60)).unwrap();
        purse.reserve(id(1), Some(40)).unwrap();
        purse.reserve(id(1), None).unwrap();
        purse.reserve(id(1), Some(100)).unwrap();
        let refused = purse.reserve(id(1), Some(101)).unwrap_err();
        assert_eq!((refused.class, refused.code.as_str()), (Class::Quota, "cost"));
        let short = purse.short(id(1)).unwrap();
        assert_eq!((short.left, short.needed), (100, 101));
        let cost = |micro_usd| Bill { micro_usd, ..Bill::default() };
        purse.reconcile(id(1), cost(Some(30)));
        // A later word changes nothing.
        purse.reconcile(id(1), cost(Some(3)));
        assert_eq!(purse.cost(id(1)), Some(30));
        purse.open(id(2), "fast", need(0, 1)).unwrap();
        assert!(purse.reserve(id(2), Some(71)).is_err());
        purse.reserve(id(2), Some(70)).unwrap();
        // Nobody knows a request that was not opened.
        purse.reserve(id(3), Some(1_000)).unwrap();
        purse.reconcile(id(3), cost(Some(1_000)));
        purse.close(id(3), 1_000);
    }

    #[test]
    fn more_than_the_usual_holds_only_for_who_agreed() {
        let more = ask(Some(64), Some(1_000_000), Some(2_000_000));
        let usual = Budget::of(&more, false).unwrap();
        assert_eq!(usual, Budget::usual("fast"));
        assert_eq!(Budget::of(&more, true), Budget::asked(&more));
        let raises = Budget::raises(&more);
        let said = raises.iter().map(|it| format!("{}: {} > {}", it.key, it.asked, it.default));
        insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @"
        requests to models: 64 > 32
        tokens of models: 1000000 > 200000
        money for models: 2 USD > 0.5 USD
        ");
        let less = ask(Some(1), Some(10), Some(1));
        let held = Budget::of(&less, false).unwrap();
        assert_eq!(held.words(), "at most 1 request, 10 tokens and 0.000001 USD a call");
        assert!(Budget::raises(&less).is_empty());
        assert_eq!(Budget::of(&ask(None, None, None), true).unwrap(), Budget::usual("fast"));
    }
}
