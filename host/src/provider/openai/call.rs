//! Tool calls, joined from their fragments.
//!
//! A fragment belongs to the call of its `index`; `id` and `name` come with the first. Not everybody
//! keeps to that: an `index` may be missing, or be 0 for every call, and only a new `id` tells that
//! another one begins; or the `id` comes with every fragment, or with none; or there is neither, and only
//! the name tells.
//!
//! Invariant: a call is handed on whole, once, in the order in which the calls began; all of them
//! together hold at most [`CALL_BYTES_MAX`] bytes.

use serde_json::{Map, Value};

use super::wire::Call;
use crate::chat::{Error, ToolCall};
use crate::provider::dialect::{CALL_BYTES_MAX, garbled};

/// Calls of one answer: twice what a model was ever seen to ask for at once.
const CALLS_MAX: usize = 256;

/// The calls of an answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Partial>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Partial {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    /// Adds a fragment.
    ///
    /// # Errors
    ///
    /// [`garbled`] for too many, too much, or arguments that are neither text nor an object.
    pub(super) fn add(&mut self, call: Call) -> Result<(), Error> {
        let Call { index, id, function } = call;
        let id = id.unwrap_or_default();
        let (name, arguments) =
            function.map_or((None, None), |function| (function.name, function.arguments));
        let name = name.unwrap_or_default();
        let more = match arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(object @ Value::Object(_)) => object.to_string(),
            Some(_) => return Err(garbled("the arguments of a tool call are no text")),
        };
        self.bytes += id.len() + name.len() + more.len();
        if self.bytes > CALL_BYTES_MAX {
            return Err(garbled("tool calls are too long"));
        }
        let at = self.place(index, &id, &name)?;
        let partial = &mut self.calls[at];
        if partial.id.is_empty() {
            partial.id = id;
        }
        if partial.name.is_empty() {
            partial.name = name;
        }
        partial.arguments.push_str(&more);
        Ok(())
    }

    /// Finds the call to which a fragment belongs, or begins another.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str) -> Result<usize, Error> {
        let is_its = |call: &Partial| match index {
            Some(_) => call.index == index,
            None => id.is_empty() || call.id == id,
        };
        let found = self.calls.iter().rposition(is_its);
        let is_new = |at: &usize| {
            let known = &self.calls[*at];
            let is_other_id = !id.is_empty() && !known.id.is_empty() && known.id != id;
            let is_nameless = index.is_none() && id.is_empty();
            is_other_id || (is_nameless && !name.is_empty() && !known.name.is_empty())
        };
        if let Some(at) = found.filter(|at| !is_new(at)) {
            return Ok(at);
        }
        if self.calls.len() == CALLS_MAX {
            return Err(garbled("there are too many tool calls"));
        }
        self.calls.push(Partial { index, ..Partial::default() });
        Ok(self.calls.len() - 1)
    }

    /// Answers whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Returns the calls. Where there was `no_room` for more, one that is not whole is left out. A call
    /// without an id of its own is named after `answer`, which is the provider's name of the answer.
    ///
    /// # Errors
    ///
    /// [`garbled`] for a call that is not whole, or has no name.
    pub(super) fn take(&mut self, no_room: bool, answer: &str) -> Result<Vec<ToolCall>, Error> {
        let mut whole: Vec<ToolCall> = Vec::new();
        for (at, call) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            let input = match arguments(&call.arguments) {
                Ok(_) if call.name.is_empty() => Err(garbled("a tool call has no name")),
                read => read,
            };
            let input = match input {
                Ok(input) => input,
                Err(_) if no_room => continue,
                Err(error) => return Err(error),
            };
            let is_known = call.id.is_empty() || whole.iter().any(|other| other.id == call.id);
            let id = if is_known { made_id(answer, at) } else { call.id };
            whole.push(ToolCall { id, name: call.name, input });
        }
        Ok(whole)
    }
}

/// Reads the arguments of a call. None at all are those of a tool that takes none.
///
/// # Errors
///
/// [`garbled`] if they are no JSON object.
pub(in crate::provider) fn arguments(text: &str) -> Result<Value, Error> {
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_str(text) {
        Ok(input @ Value::Object(_)) => Ok(input),
        Ok(Value::Null) => Ok(Value::Object(Map::new())),
        Ok(_) => Err(garbled("the arguments of a tool call are no object")),
        Err(_) => Err(garbled("the arguments of a tool call are no JSON")),
    }
}

/// Makes an id for a call that came without: the same bytes give the same id.
pub(in crate::provider) fn made_id(answer: &str, at: usize) -> String {
    if answer.is_empty() { format!("call-{at}") } else { format!("{answer}-{at}") }
}
