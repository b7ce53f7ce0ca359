//! Finding the tool that is called, and reading its input.

use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Output, Result};

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
/// [`ErrorKind::Invalid`], with the member that does not fit as the code.
pub fn parse<T: DeserializeOwned>(input: &str) -> Result<T> {
    serde_json::from_str(input).map_err(|error| {
        let message = format!("the input does not fit: {error}");
        let member = quoted(&error.to_string()).unwrap_or_default().to_owned();
        Error::new(ErrorKind::Invalid, message).code(member)
    })
}

/// Finds what serde puts between back quotes: the member that is missing or not known.
fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" field `")?;
    rest.split_once('`').map(|(name, _)| name)
}
