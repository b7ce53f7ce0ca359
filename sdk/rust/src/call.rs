//! Finding the tool that is called, and reading its input.

use serde::de::DeserializeOwned;

use crate::read::read;
use crate::{Error, Output, Result};

/// A tool's name, and what runs it on one JSON document. Describing a tool takes a thousand times the
/// fuel of finding it, so a call does without.
pub type Call = (&'static str, fn(&str) -> Result<Output>);

/// Calls one of the tools by name.
///
/// # Errors
///
/// What the tool says, and when there is none of this name.
pub fn call(calls: &[Call], name: &str, input: &str) -> Result<Output> {
    match calls.iter().find(|(known, _)| *known == name) {
        Some((_, run)) => run(input),
        None => Err(Error::not_found(name, format!("there is no tool `{name}`"))),
    }
}

/// Reads the input of a tool.
///
/// # Errors
///
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), with the place of what does not fit as the code.
pub fn parse<T: DeserializeOwned>(input: &str) -> Result<T> {
    let value = serde_json::from_str(input)
        .map_err(|error| Error::invalid("", format!("the input is no JSON: {error}")))?;
    read(value, "").map_err(|misfit| Error::invalid(misfit.place(), misfit.to_string()))
}
