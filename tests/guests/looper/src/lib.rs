//! An agent that has one effect after the other, each named by its place.

use ax_sdk::prelude::*;
use ax_sdk::serde_json::{Value, json};
use ax_sdk::{task, tools};

/// Has effects on a ledger, one after the other.
#[agent]
fn run(
    /// Where the ledger is.
    ledger: String,
    /// The trial.
    trial: String,
    /// How many effects.
    times: u32,
) -> Result<Json<Looped>> {
    let mut values = Vec::new();
    for number in 1..=times {
        let input = json!({ "ledger": ledger, "trial": trial, "step": format!("s{number}") });
        let effect: Value = tools::call("test:post.send", &input)?;
        task::set("done", &number)?;
        values.push(effect["value"].as_str().unwrap_or_default().to_owned());
    }
    Ok(Json(Looped { values }))
}

/// What came of it.
#[data]
struct Looped {
    /// What each effect came to.
    values: Vec<String>,
}

ax_sdk::agents!(agents: [run]);
