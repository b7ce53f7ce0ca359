//! What all attempts of one request used and cost.
//!
//! Invariant: every attempt of which something came, or which we cut, is in the sum; a sum with any part
//! that is estimated is estimated.

use super::catalogue::Basis;
use super::catalogue::Cost;
use crate::chat::Usage;

/// The sum over attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Tokens.
    pub usage: Usage,
    /// Whether the providers told all of them.
    pub basis: Basis,
    /// Money, with the prices of the last attempt that is in it; nothing if nothing was used or no price
    /// is known.
    pub cost: Option<Cost>,
    /// The price of a part is not known: it is not in `cost`, which is estimated then.
    pub is_unpriced: bool,
    /// Millionths of a dollar of `cost` that providers' own counts make.
    pub reported_micro_usd: u64,
    /// How often anybody was asked.
    pub attempts: u32,
}

impl Default for Spent {
    fn default() -> Self {
        Self {
            usage: Usage::default(),
            basis: Basis::Reported,
            cost: None,
            is_unpriced: false,
            reported_micro_usd: 0,
            attempts: 0,
        }
    }
}

impl Spent {
    /// Adds what an attempt used, and what that costs where its price is known.
    pub(super) fn add(&mut self, usage: Usage, basis: Basis, cost: Option<Cost>) {
        self.is_unpriced |= cost.is_none();
        self.usage = self.usage.plus(usage);
        if basis == Basis::Estimated {
            self.basis = Basis::Estimated;
        }
        if let Some(cost) = cost {
            let before = self.cost.map_or(0, |it| it.micro_usd);
            let micro_usd = before.saturating_add(cost.micro_usd);
            self.cost = Some(Cost { micro_usd, ..cost });
            if basis == Basis::Reported {
                self.reported_micro_usd = self.reported_micro_usd.saturating_add(cost.micro_usd);
            }
        }
        if let Some(cost) = &mut self.cost {
            cost.basis = if self.is_unpriced { Basis::Estimated } else { self.basis };
        }
    }

    /// Says that nothing of it is final.
    pub(super) fn estimate(&mut self) {
        self.basis = Basis::Estimated;
        if let Some(cost) = &mut self.cost {
            cost.basis = Basis::Estimated;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::catalogue::Prices;

    const USED: Usage = Usage { input: 10, output: 5, cache_read: 1, cache_write: 2, reasoning: 3 };

    fn cost(micro_usd: u64, basis: Basis) -> Option<Cost> {
        Some(Cost { basis, micro_usd, prices: Prices { input: 1, output: 1, cache_read: 1 } })
    }

    /// The sum: basis, cost with its basis, and the reported part of it.
    fn sum(parts: &[(Basis, Option<u64>)]) -> (Basis, Option<(Basis, u64)>, u64) {
        let mut spent = Spent::default();
        for (basis, micro_usd) in parts {
            spent.add(USED, *basis, micro_usd.and_then(|it| cost(it, *basis)));
        }
        let cost = spent.cost.map(|it| (it.basis, it.micro_usd));
        (spent.basis, cost, spent.reported_micro_usd)
    }

    #[test]
    fn a_sum_with_any_estimated_part_is_estimated() {
        use Basis::{Estimated as E, Reported as R};
        assert_eq!(sum(&[]), (R, None, 0));
        assert_eq!(sum(&[(R, Some(7))]), (R, Some((R, 7)), 7));
        assert_eq!(sum(&[(R, Some(7)), (R, Some(1))]), (R, Some((R, 8)), 8));
        assert_eq!(sum(&[(E, Some(7)), (R, Some(1))]), (E, Some((E, 8)), 1));
        assert_eq!(sum(&[(R, Some(7)), (E, Some(1))]), (E, Some((E, 8)), 7));
        assert_eq!(sum(&[(R, None), (R, Some(1))]), (R, Some((E, 1)), 1), "a part has no price");
        assert_eq!(sum(&[(R, Some(1)), (R, None)]), (R, Some((E, 1)), 1));
        assert_eq!(sum(&[(R, Some(1)), (R, None), (R, Some(1))]), (R, Some((E, 2)), 2));
        assert_eq!(sum(&[(R, None), (R, None)]), (R, None, 0));
    }

    #[test]
    fn a_sum_stops_at_its_end() {
        let mut spent = Spent::default();
        spent.add(USED, Basis::Reported, cost(u64::MAX, Basis::Reported));
        spent.add(Usage { input: u64::MAX, ..USED }, Basis::Reported, cost(1, Basis::Reported));
        assert_eq!(spent.usage.input, u64::MAX);
        assert_eq!(spent.usage.output, 10);
        assert_eq!(spent.cost.map(|it| it.micro_usd), Some(u64::MAX));
    }
}
