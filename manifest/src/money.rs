//! Amounts of US dollars, kept as whole millionths.
//!
//! Invariant: every amount survives its text.
//! Not here: what costs how much (host).

/// Decimal places of an amount.
const PLACES: usize = 6;

/// Writes millionths of a US dollar as dollars, with no more places than needed: `0.25`.
#[must_use]
pub fn usd(micro_usd: u64) -> String {
    let (whole, rest) = (micro_usd / 1_000_000, micro_usd % 1_000_000);
    match rest {
        0 => whole.to_string(),
        rest => format!("{whole}.{rest:06}").trim_end_matches('0').to_owned(),
    }
}

/// Reads dollars of at most six decimal places as millionths; none if they are not that.
#[must_use]
pub fn micro_usd(text: &str) -> Option<u64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    if !is_digits(whole) || !is_digits(places) || places.len() > PLACES {
        return None;
    }
    let rest: u64 = format!("{places:0<PLACES$}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{micro_usd, usd};

    #[test]
    fn dollars_are_read_to_the_sixth_place_and_no_further() {
        let amounts = [("0.5", 500_000), ("1", 1_000_000), ("0.000001", 1), ("12.34", 12_340_000)];
        for (text, amount) in amounts {
            assert_eq!((micro_usd(text), usd(amount)), (Some(amount), text.to_owned()));
        }
        for text in ["", ".", "1.", ".5", "0.0000001", "-1", "+1", "1e3", "NaN", "inf", "1,5", " 1"]
        {
            assert_eq!(micro_usd(text), None, "{text:?}");
        }
        assert_eq!(micro_usd("18446744073709.551616"), None);
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(amount: u64) {
            assert_eq!(micro_usd(&usd(amount)), Some(amount));
        }
    }
}
