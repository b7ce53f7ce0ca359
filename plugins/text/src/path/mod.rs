//! JSONPath queries of RFC 9535.
//!
//! ```text
//! query ──parse──► segments ──evaluate(document)──► nodes, one after the other
//! ```
//!
//! Written here because no library bounds its work: `$..*..*..*` is short and selects millions of
//! nodes. Invariant: nodes are made one at a time, each costs steps, and there are
//! `evaluate::STEPS_MAX` of them.

mod compare;
mod evaluate;
mod function;
mod lexer;
mod normal;
mod parse;
mod query;

use ax_sdk::data;

use crate::document;
use crate::output::RESULT_BYTES_MAX;
use crate::output::escaped_bytes;
use crate::refusal::Refusal;
use crate::refusal::check_length;
use crate::refusal::check_range;

/// Longest query, in bytes. The parser recurses and evaluation multiplies.
const QUERY_BYTES_MAX: usize = 1 << 10;
/// Nodes to return unless the request says otherwise: most queries have fewer.
const LIMIT: u32 = 1_000;
/// What `limit` may be: each node is some fifty bytes of answer at least.
const LIMITS: std::ops::RangeInclusive<u32> = 1..=10_000;
/// Bytes of JSON that a node takes besides its texts.
const NODE_BYTES: usize = 24;
/// Bytes of JSON around all nodes.
const FRAME_BYTES: usize = 64;

/// A value that the query selects.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it is, as a normalized path: `$['items'][0]['name']`.
    pub path: String,
    /// The value, as JSON text.
    pub value: String,
}

/// What the query selects.
#[data]
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// The nodes, in the order of the RFC, members in the order of the document. A node that is
    /// selected twice stands there twice.
    pub nodes: Vec<Node>,
    /// Whether there are more than `limit`, or than 1 MiB holds.
    pub more: bool,
}

/// Selects nodes of a document. `go_on` is asked now and then.
///
/// # Errors
///
/// [`Refusal::Query`], [`Refusal::Json`], [`Refusal::TooLong`], [`Refusal::OutOfRange`],
/// [`Refusal::Steps`], [`Refusal::Cancelled`]; [`Refusal::Result`] when not even the first node
/// fits.
pub fn select(
    document: &str,
    query: &str,
    limit: Option<u32>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Selected, Refusal> {
    check_length("query", query, QUERY_BYTES_MAX)?;
    let limit = limit.unwrap_or(LIMIT);
    check_range("limit", limit, LIMITS)?;
    let query = parse::parse(query)?;
    let document = document::read("document", document)?;
    let mut selected = Selected::default();
    let mut bytes = FRAME_BYTES;
    evaluate::evaluate(&query, &document, go_on, &mut |value, trail| {
        selected.more = selected.nodes.len() == limit as usize;
        if selected.more {
            return Ok(false);
        }
        let (path, value) = (normal::path(trail)?, normal::value(value)?);
        bytes += NODE_BYTES + escaped_bytes(&path) + escaped_bytes(&value);
        if bytes > RESULT_BYTES_MAX {
            selected.more = true;
            return if selected.nodes.is_empty() { Err(Refusal::Result) } else { Ok(false) };
        }
        selected.nodes.push(Node { path, value });
        Ok(true)
    })?;
    Ok(selected)
}

#[cfg(test)]
mod tests;
