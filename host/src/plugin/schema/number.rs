//! Orders the numbers of JSON as JSON Schema does, for which 1 and 1.0 are one number.
//!
//! Invariant: what is said of two numbers holds for those that were written, of which a real of 64 bits
//! may be only the nearest.

use std::cmp::Ordering;

use serde_json::Number;

/// 2^53: from here on a real may stand for several whole numbers.
const EXACT_END: f64 = 9_007_199_254_740_992.0;

/// Says how a number stands to another, if that is sure.
pub(super) fn order(one: &Number, other: &Number) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (whole(one), whole(other)) {
        return Some(one.cmp(&other));
    }
    // What is rounded may become equal, but never change its order.
    let (one, other) = (one.as_f64()?, other.as_f64()?);
    one.partial_cmp(&other).filter(|order| order.is_ne() || one.abs() < EXACT_END)
}

/// Answers whether it is a whole number, if that is sure.
pub(super) fn is_whole(number: &Number) -> Option<bool> {
    if whole(number).is_some() {
        return Some(true);
    }
    number.as_f64().filter(|real| real.abs() < EXACT_END).map(|real| real.fract() == 0.0)
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).expect("a number")
    }

    #[test]
    fn whole_numbers_are_compared_to_their_last_digit() {
        for (one, other, wanted) in [
            ("1", "1.0", Some(Ordering::Equal)),
            ("-0.0", "0", Some(Ordering::Equal)),
            ("9007199254740993", "9007199254740992", Some(Ordering::Greater)),
            ("18446744073709551615", "-1", Some(Ordering::Greater)),
            ("9007199254740993", "9007199254740992.0", None),
            ("18446744073709551616", "18446744073709551617", None),
            ("1e300", "18446744073709551615", Some(Ordering::Greater)),
            ("0.5", "1", Some(Ordering::Less)),
        ] {
            assert_eq!(order(&number(one), &number(other)), wanted, "{one} and {other}");
        }
    }

    #[test]
    fn a_number_is_whole_if_nothing_was_rounded_away() {
        for (text, wanted) in [
            ("18446744073709551615", Some(true)),
            ("3.0", Some(true)),
            ("-3.5", Some(false)),
            ("9007199254740992.5", None),
        ] {
            assert_eq!(is_whole(&number(text)), wanted, "{text}");
        }
    }
}
