//! The calls that every language's `acme:desk` must answer alike: tool, input, outcome.
//!
//! What each function does is said in `tests/accept/languages/wit/desk.wit`.

use serde_json::Value;
use serde_json::json;

/// One call of a tool.
pub(super) struct Call {
    /// The name of the check.
    pub(super) claim: &'static str,
    /// The tool, without its plugin.
    pub(super) tool: &'static str,
    /// What it is given.
    pub(super) input: Value,
    /// What must come back.
    pub(super) outcome: Outcome,
    /// Whether it needs integers beyond 2^53.
    pub(super) is_wide: bool,
}

/// What a call comes to.
pub(super) enum Outcome {
    /// This value.
    Answer(Value),
    /// The `err` side of the tool's result, with this value.
    Err(Value),
    /// The host refuses the input before the guest sees it.
    Refused,
}

/// The tools of `acme:desk/desk`, sorted.
pub(super) const TOOLS: &[&str] =
    &["amend", "divide", "greet", "others", "raise", "reverse", "successor", "switch-payment"];

/// Lists the calls: each kind of value in and out, then what must be refused.
pub(super) fn calls() -> Vec<Call> {
    let order = |id: u64, note: Option<&str>, totals: &[u32]| json!({ "id": id, "customer": "Zoë", "note": note, "line-totals": totals });
    let answers = [
        ("a string", "greet", json!({ "name": "Ada ☂" }), json!("Hello, Ada ☂!")),
        ("bytes as base64", "reverse", json!({ "data": "AQID" }), json!("AwIB")),
        ("bytes as an array", "reverse", json!({ "data": [0, 255] }), json!("/wA=")),
        ("no bytes", "reverse", json!({ "data": "" }), json!("")),
        (
            "a record, none in",
            "amend",
            order(41, None, &[1, 2, 3]),
            order(42, Some("none"), &[1, 2, 3, 6]),
        ),
        ("a record, none out", "amend", order(0, Some("fragile"), &[]), order(1, None, &[0])),
        (
            "a case without a value",
            "switch-payment",
            json!({ "payment": { "tag": "cash" } }),
            json!({ "tag": "card", "val": "<no card>" }),
        ),
        (
            "a case with a string",
            "switch-payment",
            json!({ "payment": { "tag": "card", "val": "4000" } }),
            json!({ "tag": "cash" }),
        ),
        (
            "a case with a record",
            "switch-payment",
            json!({ "payment": { "tag": "transfer", "val": order(7, None, &[9]) } }),
            json!({ "tag": "transfer", "val": order(7, None, &[9]) }),
        ),
        ("an enum", "raise", json!({ "urgency": "low" }), json!("normal")),
        ("flags", "others", json!({ "extras": ["insured"] }), json!(["gift-wrap", "express"])),
        ("no flags", "others", json!({ "extras": ["express", "insured", "gift-wrap"] }), json!([])),
        (
            "an integer up to 2^53",
            "successor",
            json!({ "value": 9_007_199_254_740_990_u64 }),
            json!(9_007_199_254_740_991_u64),
        ),
        ("a result that is ok", "divide", json!({ "dividend": 7, "divisor": 2 }), json!(3)),
    ];
    let mut calls: Vec<Call> = answers
        .into_iter()
        .map(|(claim, tool, input, answer)| Call {
            claim,
            tool,
            input,
            outcome: Outcome::Answer(answer),
            is_wide: false,
        })
        .collect();
    calls.push(Call {
        claim: "an integer beyond 2^53, as text",
        tool: "successor",
        input: json!({ "value": "18446744073709551614" }),
        outcome: Outcome::Answer(json!("18446744073709551615")),
        is_wide: true,
    });
    calls.push(Call {
        claim: "a result that is an error",
        tool: "divide",
        input: json!({ "dividend": 7, "divisor": 0 }),
        outcome: Outcome::Err(json!("cannot divide 7 by zero")),
        is_wide: false,
    });
    let refused = [
        ("an unknown case is refused", "raise", json!({ "urgency": "never" })),
        ("a missing member is refused", "divide", json!({ "dividend": 7 })),
        ("an unknown member is refused", "greet", json!({ "name": "Ada", "age": 36 })),
        ("a negative for an unsigned is refused", "successor", json!({ "value": -1 })),
    ];
    calls.extend(refused.into_iter().map(|(claim, tool, input)| Call {
        claim,
        tool,
        input,
        outcome: Outcome::Refused,
        is_wide: false,
    }));
    calls
}
