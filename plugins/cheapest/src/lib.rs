//! Asks the model that is estimated to cost least: a policy for the router.
//!
//! Invariant: everybody who was listed is in the order once, so that a cheap one that fails is followed by
//! others. What it cannot read it has no opinion on.

use ax_sdk::log::{self, Level};
use serde::Deserialize;

/// What counts of somebody who could answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    /// Millionths of a dollar that the request costs at most, if the price is known.
    estimated_micro_usd: Option<u64>,
    #[serde(default)]
    last_hour: Hour,
}

/// How somebody did in the last hour.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hour {
    #[serde(default)]
    errors_per10000: u64,
}

/// Orders by what it costs, then by errors, then as they were listed.
fn rank(_request: &str, candidates: &str) -> Vec<u32> {
    let candidates: Vec<Candidate> = match serde_json::from_str(candidates) {
        Ok(candidates) => candidates,
        Err(error) => {
            log::write(
                Level::Warn,
                "the candidates cannot be read",
                &[("why", &error.to_string())],
            );
            return Vec::new();
        }
    };
    let mut order: Vec<(u32, &Candidate)> = (0..).zip(&candidates).collect();
    // Sorting is stable: equals keep their order.
    order.sort_by_key(|(_, it)| {
        // A known price is before an unknown one, whatever it is.
        (it.estimated_micro_usd.is_none(), it.estimated_micro_usd, it.last_hour.errors_per10000)
    });
    order.into_iter().map(|(number, _)| number).collect()
}

ax_sdk::policy!(rank: rank);

#[cfg(test)]
mod tests {
    use super::rank;

    /// Ranks candidates of these costs and errors.
    fn ranked(those: &[(Option<u64>, u64)]) -> Vec<u32> {
        let candidate = |(cost, errors): &(Option<u64>, u64)| {
            serde_json::json!({
                "provider": "p",
                "estimatedMicroUsd": cost,
                "lastHour": { "requests": 3, "errorsPer10000": errors, "p50Ms": null },
            })
        };
        let those: Vec<_> = those.iter().map(candidate).collect();
        rank("{}", &serde_json::json!(those).to_string())
    }

    #[test]
    fn who_costs_least_is_first() {
        assert_eq!(ranked(&[(Some(30), 0), (Some(10), 9_000), (Some(20), 0)]), [1, 2, 0]);
    }

    #[test]
    fn an_unknown_price_is_last_and_nothing_is_a_price() {
        assert_eq!(ranked(&[(None, 0), (Some(u64::MAX), 0), (Some(0), 0)]), [2, 1, 0]);
    }

    #[test]
    fn equals_come_by_their_errors_and_then_as_they_were() {
        assert_eq!(ranked(&[(Some(5), 20), (Some(5), 10), (Some(5), 10), (None, 0)]), [1, 2, 0, 3]);
        assert_eq!(ranked(&[(None, 7), (None, 7)]), [0, 1]);
    }

    #[test]
    fn what_cannot_be_read_is_no_opinion() {
        assert_eq!(ranked(&[]), [0u32; 0]);
        for text in ["", "{}", "[1]", r#"[{"estimatedMicroUsd": "dear"}]"#] {
            assert_eq!(rank("{}", text), [0u32; 0], "{text}");
        }
        assert_eq!(rank("", "[{}, {\"more\": 1}]"), [0, 1], "facts may be missing and added");
    }
}
