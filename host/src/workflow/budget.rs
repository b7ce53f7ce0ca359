//! What a task may use, what it has used, and what is set aside for what it is doing.
//!
//! ```text
//! limit ≥ spent + reserved        reserve before an effect, settle after it
//! ```
//!
//! Invariant: what was spent is never given back, and what was reserved for an effect whose end nobody
//! knows counts as spent.
//! Not here: the deadline, which is a moment and not an amount (`run`).

use serde::{Deserialize, Serialize};

/// Something that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    /// Tokens of models.
    Tokens,
    /// Money, in millionths of a US dollar.
    Cost,
    /// Calls of tools.
    Calls,
    /// Fuel of agents.
    Fuel,
    /// Time at work, in milliseconds: what passes while a task is paused, or while no program has it, does
    /// not count.
    Time,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 5] = [Self::Tokens, Self::Cost, Self::Calls, Self::Fuel, Self::Time];

    /// Returns its name for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Cost => "money",
            Self::Calls => "tool calls",
            Self::Fuel => "fuel",
            Self::Time => "time",
        }
    }
}

/// Amounts of everything that is used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Spent {
    /// Tokens of models, in and out.
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// Millionths of a US dollar.
    #[serde(skip_serializing_if = "is_zero")]
    pub cost_micro_usd: u64,
    /// Calls of tools, each try.
    #[serde(skip_serializing_if = "is_zero")]
    pub calls: u64,
    /// Fuel of agents, each recorded segment once.
    #[serde(skip_serializing_if = "is_zero")]
    pub fuel: u64,
    /// Milliseconds at work.
    #[serde(skip_serializing_if = "is_zero")]
    pub ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(amount: &u64) -> bool {
    *amount == 0
}

impl Spent {
    /// Returns the amount of one dimension.
    #[must_use]
    pub fn of(&self, dimension: Dimension) -> u64 {
        match dimension {
            Dimension::Tokens => self.tokens,
            Dimension::Cost => self.cost_micro_usd,
            Dimension::Calls => self.calls,
            Dimension::Fuel => self.fuel,
            Dimension::Time => self.ms,
        }
    }

    /// Adds, and stays at the largest number there is rather than beginning anew.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            cost_micro_usd: self.cost_micro_usd.saturating_add(other.cost_micro_usd),
            calls: self.calls.saturating_add(other.calls),
            fuel: self.fuel.saturating_add(other.fuel),
            ms: self.ms.saturating_add(other.ms),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_sub(other.tokens),
            cost_micro_usd: self.cost_micro_usd.saturating_sub(other.cost_micro_usd),
            calls: self.calls.saturating_sub(other.calls),
            fuel: self.fuel.saturating_sub(other.fuel),
            ms: self.ms.saturating_sub(other.ms),
        }
    }
}

/// What a task may use at most; what is left out has no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Budget {
    /// Tokens of models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<u64>,
    /// Calls of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Fuel of agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Milliseconds at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
}

impl Default for Budget {
    /// What holds when nothing is said: 0.50 USD, 200,000 tokens, 50 calls of tools and 30 minutes.
    fn default() -> Self {
        Self {
            tokens: Some(200_000),
            cost_micro_usd: Some(500_000),
            calls: Some(50),
            fuel: None,
            ms: Some(30 * 60 * 1_000),
        }
    }
}

impl Budget {
    /// No bounds.
    pub const NONE: Self =
        Self { tokens: None, cost_micro_usd: None, calls: None, fuel: None, ms: None };

    /// Returns the bound of one dimension.
    #[must_use]
    pub fn of(&self, dimension: Dimension) -> Option<u64> {
        match dimension {
            Dimension::Tokens => self.tokens,
            Dimension::Cost => self.cost_micro_usd,
            Dimension::Calls => self.calls,
            Dimension::Fuel => self.fuel,
            Dimension::Time => self.ms,
        }
    }
}

/// The account of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// What may be used.
    pub limit: Budget,
    /// What has been used.
    pub spent: Spent,
    /// What is set aside for effects that are not over.
    pub reserved: Spent,
}

impl Account {
    /// An account of which nothing is used.
    #[must_use]
    pub fn new(limit: Budget) -> Self {
        Self { limit, spent: Spent::default(), reserved: Spent::default() }
    }

    /// Finds what would be exceeded if this were set aside too; none if there is room for all of it.
    #[must_use]
    pub fn short_of(&self, need: Spent) -> Option<Dimension> {
        let held = self.spent.plus(self.reserved).plus(need);
        let is_over = |it: &Dimension| {
            // What needs nothing of a dimension does not fail for it.
            need.of(*it) > 0 && self.limit.of(*it).is_some_and(|limit| held.of(*it) > limit)
        };
        Dimension::ALL.into_iter().find(is_over)
    }

    /// Returns what is left of one dimension, nothing being what has no bound.
    #[must_use]
    pub fn left(&self, dimension: Dimension) -> Option<u64> {
        let held = self.spent.plus(self.reserved).of(dimension);
        self.limit.of(dimension).map(|limit| limit.saturating_sub(held))
    }

    /// Finds what is used up to the last unit.
    #[must_use]
    pub fn exhausted(&self) -> Option<Dimension> {
        let is_over =
            |it: &Dimension| self.limit.of(*it).is_some_and(|limit| self.spent.of(*it) >= limit);
        Dimension::ALL.into_iter().find(is_over)
    }

    /// Sets something aside.
    pub fn reserve(&mut self, need: Spent) {
        self.reserved = self.reserved.plus(need);
    }

    /// Takes what was set aside back, and what was used off the account.
    pub fn settle(&mut self, reserved: Spent, used: Spent) {
        self.reserved = self.reserved.minus(reserved);
        self.spent = self.spent.plus(used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(calls: u64) -> Spent {
        Spent { calls, ..Spent::default() }
    }

    #[test]
    fn the_limit_itself_may_be_used_and_one_more_may_not() {
        let mut account = Account::new(Budget { calls: Some(3), ..Budget::NONE });
        account.reserve(calls(2));
        assert_eq!(account.short_of(calls(1)), None);
        assert_eq!(account.short_of(calls(2)), Some(Dimension::Calls));
        account.settle(calls(2), calls(3));
        assert_eq!(account.left(Dimension::Calls), Some(0));
        assert_eq!(account.short_of(calls(1)), Some(Dimension::Calls));
        assert_eq!(account.short_of(Spent { tokens: u64::MAX, ..Spent::default() }), None);
    }

    #[test]
    fn amounts_stay_at_the_largest_number() {
        let mut account = Account::new(Budget { tokens: Some(u64::MAX), ..Budget::NONE });
        let most = Spent { tokens: u64::MAX, ..Spent::default() };
        account.settle(Spent::default(), most);
        account.settle(most, most);
        assert_eq!((account.spent.tokens, account.reserved.tokens), (u64::MAX, 0));
    }
}
