//! Tools with effects on the plugin's own keys: each adds a value of its own to a list, so that an effect that
//! is performed twice is seen to be two.

use std::hash::{BuildHasher as _, RandomState};

use ax_sdk::kv;
use ax_sdk::prelude::*;

/// What an effect came to.
#[data]
struct Effect {
    /// The value that was drawn for it.
    value: String,
}

/// What is kept.
#[data]
struct Kept {
    /// The values, oldest first.
    values: Vec<String>,
}

/// Adds a value.
#[tool]
fn add(trial: String, step: String) -> Result<Json<Effect>> {
    let value = format!("{:016x}", RandomState::new().hash_one(0));
    kv::update(&format!("{trial}/{step}"), |kept: &mut Vec<String>| kept.push(value.clone()))?;
    Ok(Json(Effect { value }))
}

/// Reads what is kept.
#[tool(read_only, idempotent)]
fn kept(trial: String, step: String) -> Result<Json<Kept>> {
    Ok(Json(Kept { values: kv::get(&format!("{trial}/{step}"))?.unwrap_or_default() }))
}

ax_sdk::plugin!(tools: [add, kept]);
