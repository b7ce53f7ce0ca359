//! Tools with effects on a ledger in another process: each draws a value of its own, so that an effect that is
//! performed twice is seen to be two.
//!
//! What is known of a call that was interrupted depends on what the plugin may do, so this component is
//! installed under several names, each with one method of HTTP (`tests/src/torture/ground.rs`).

use std::hash::{BuildHasher as _, RandomState};

use ax_sdk::prelude::*;
use ax_sdk::{http, serde_json::json};

/// What an effect came to.
#[data]
struct Effect {
    /// The value that was drawn for it, as the ledger has it.
    value: String,
}

/// Whether an effect happened.
#[data]
struct Happened {
    /// Whether the ledger has it.
    happened: bool,
    /// What it came to.
    output: Option<Effect>,
}

fn drawn() -> String {
    format!("{:016x}", RandomState::new().hash_one(0))
}

fn at(ledger: &str, what: &str, trial: &str, step: &str) -> String {
    format!("{ledger}/{what}/{trial}/{step}")
}

fn write(method: &str, ledger: &str, trial: &str, step: &str) -> Result<Json<Effect>> {
    let body = json!({ "value": drawn() });
    let request = http::Request::new(method, at(ledger, "effect", trial, step)).json(&body)?;
    Ok(Json(request.send()?.ok()?.json()?))
}

/// Reads a value of the ledger.
#[tool(read_only, idempotent)]
fn read(ledger: String, trial: String, step: String) -> Result<Json<Effect>> {
    Ok(Json(http::get(at(&ledger, "read", &trial, &step)).send()?.ok()?.json()?))
}

/// Finds out whether an effect happened.
#[tool(read_only, idempotent)]
fn happened(ledger: String, trial: String, step: String) -> Result<Json<Happened>> {
    Ok(Json(http::get(at(&ledger, "happened", &trial, &step)).send()?.ok()?.json()?))
}

/// Has an effect by PUT.
#[tool]
fn put(ledger: String, trial: String, step: String) -> Result<Json<Effect>> {
    write("PUT", &ledger, &trial, &step)
}

/// Has an effect by POST.
#[tool]
fn send(ledger: String, trial: String, step: String) -> Result<Json<Effect>> {
    write("POST", &ledger, &trial, &step)
}

/// Takes an effect back.
#[tool]
fn undo(ledger: String, trial: String, step: String) -> Result<String> {
    http::Request::new("DELETE", at(&ledger, "effect", &trial, &step)).send()?.ok()?;
    Ok("taken back".to_owned())
}

ax_sdk::plugin!(tools: [read, happened, put, send, undo]);
