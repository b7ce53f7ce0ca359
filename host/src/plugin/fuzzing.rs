//! What fuzz targets need of the sandbox and nobody else: conversions that have no other way in
//! than a call of a guest, and where compiled code lies.
//!
//! Not here: anything the product uses; the targets themselves (`fuzz/entries`).

use std::path::{Path, PathBuf};

use ax_manifest::{Digest, Signature};
use serde_json::Value;

use super::engine::Engine;
use super::json::{self, JsonError};
use super::value::{self, Lifted, ValueError};
use super::{cache, jail};

/// Parses JSON as the input of a call is.
///
/// # Errors
///
/// [`JsonError`].
pub fn parse_json(text: &str, bytes_max: u64) -> Result<Value, JsonError> {
    json::parse(text, bytes_max)
}

/// An input as the value a guest gets, and as the JSON that value is written in.
#[derive(Debug)]
pub struct Trip {
    /// The value; of a type of the engine's, so that only comparing is possible.
    pub value: Opaque,
    /// Its JSON; the ok or err side alone where the result is a `result`.
    pub json: Value,
}

/// A value of a guest's.
#[derive(Debug, PartialEq)]
pub struct Opaque(Vec<wasmtime::component::Val>);

/// Converts an input to arguments, and those, as if a guest had answered them, to JSON.
///
/// # Errors
///
/// [`ValueError`] if the input does not fit.
///
/// # Panics
///
/// If the arguments do not fit the type that they were made for.
pub fn there_and_back(input: &Value, signature: &Signature) -> Result<Trip, ValueError> {
    let value = value::lower_input(input, signature)?;
    let lifted = value::lift_output(&value, signature)
        .unwrap_or_else(|error| panic!("a value of ours does not fit: {error}"));
    let json = match lifted {
        Lifted::Value(json) | Lifted::Failed(json) => json,
    };
    Ok(Trip { value: Opaque(value), json })
}

/// Returns where the compiled code of a component lies.
#[must_use]
pub fn cached_file(home: &Path, engine: &Engine, component: &Digest) -> PathBuf {
    home.join(cache::FOLDER).join(jail::file_name(component, &engine.digest()))
}
