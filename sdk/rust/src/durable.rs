//! The durable task of an agent: waits, approvals, its own record. Part of [`task`](crate::task).
//!
//! Not here: the running call (`task`), tools (`tools`).

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, Result, schema};

/// What a task may still use; none where nothing bounds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remaining {
    /// Tokens of models, read and written.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    pub cost_micro_usd: Option<u64>,
    /// Calls of tools.
    pub calls: Option<u64>,
    /// Milliseconds until the task's deadline.
    pub ms: Option<u64>,
}

/// Waits until a person agrees to something; false when it was refused, or nobody answered in time.
///
/// `action` says in one line what will be done, and `details` is shown with it. What was agreed to is
/// exactly this.
///
/// # Errors
///
/// When there is no task, or what is asked cannot be shown.
pub fn approve(action: &str, details: &impl Serialize) -> Result<bool> {
    host::approve(action, &serde_json::to_string(details)?)
}

/// Waits until a person fills in a form: a type whose members are texts, numbers or booleans.
///
/// # Errors
///
/// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) when nobody did; when there is no task.
pub fn ask<T: DeserializeOwned + JsonSchema>(question: &str) -> Result<T> {
    let answer = host::ask(question, &schema::of::<T>().to_string())?;
    Ok(serde_json::from_str(&answer)?)
}

/// Waits, at most a year.
///
/// # Errors
///
/// When there is no task.
pub fn sleep(time: std::time::Duration) -> Result<()> {
    let ms = u64::try_from(time.as_millis());
    host::sleep(ms.map_err(|_| Error::invalid("ms", "it is more than a year"))?)
}

/// Reads a value of the task's own record; none where nothing was set.
///
/// # Errors
///
/// When the value is not one of this type.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    Ok(host::get(key).map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Sets a value of the task's own record, which is shown to people: at most 64 KiB for all of them.
///
/// # Errors
///
/// [`ErrorKind::Exhausted`](crate::ErrorKind::Exhausted) when they would be more; when there is no task.
pub fn set(key: &str, value: &impl Serialize) -> Result<()> {
    host::set(key, &serde_json::to_string(value)?)
}

/// Shows a piece of the answer, or how far the work is, at once.
pub fn emit(text: &str) {
    host::emit(text);
}

/// Returns what the task may still use.
pub fn budget() -> Remaining {
    host::budget()
}

/// Lists the agents that this one may set to work. Hosts that do not delegate yet list none.
pub fn agents() -> Vec<String> {
    host::agents()
}

/// Sets another agent to work, and waits for its result.
///
/// # Errors
///
/// What the agent failed with; [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) with the code
/// `delegate` on a host that does not delegate yet.
pub fn delegate(agent: &str, goal: &str, input: &impl Serialize) -> Result<Value> {
    let result = host::delegate(agent, goal, &serde_json::to_string(input)?)?;
    Ok(serde_json::from_str(&result)?)
}

#[cfg(target_arch = "wasm32")]
mod host {
    use super::Remaining;
    use crate::Result;
    use crate::bindings::ax::task::task;
    use crate::guest::error;

    pub(super) fn approve(action: &str, details: &str) -> Result<bool> {
        task::approve(action, details).map_err(error)
    }

    pub(super) fn ask(question: &str, schema: &str) -> Result<String> {
        task::ask(question, schema).map_err(error)
    }

    pub(super) fn sleep(ms: u64) -> Result<()> {
        task::sleep(ms).map_err(error)
    }

    pub(super) fn get(key: &str) -> Option<String> {
        task::get(key)
    }

    pub(super) fn set(key: &str, value: &str) -> Result<()> {
        task::set(key, value).map_err(error)
    }

    pub(super) fn emit(text: &str) {
        task::emit(text);
    }

    pub(super) fn budget() -> Remaining {
        let task::Remaining { tokens, cost_micro_usd, calls, ms, .. } = task::budget();
        Remaining { tokens, cost_micro_usd, calls, ms }
    }

    pub(super) fn agents() -> Vec<String> {
        task::agents()
    }

    pub(super) fn delegate(agent: &str, goal: &str, input: &str) -> Result<String> {
        let request = task::Delegation {
            agent: agent.to_owned(),
            goal: goal.to_owned(),
            input: input.to_owned(),
            extra: None,
        };
        task::delegate(&request).map_err(error)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use super::Remaining;
    use crate::fake;
    use crate::{Error, ErrorKind, Result};

    pub(super) fn approve(action: &str, _details: &str) -> Result<bool> {
        Ok(fake::with(|world| {
            world.asked_for.push(action.to_owned());
            !world.is_refusing
        }))
    }

    pub(super) fn ask(question: &str, _schema: &str) -> Result<String> {
        fake::with(|world| {
            world.asked_for.push(question.to_owned());
            let unanswered = || Error::new(ErrorKind::Cancelled, "nobody answered");
            world.form.as_ref().map(ToString::to_string).ok_or_else(unanswered)
        })
    }

    pub(super) fn sleep(_ms: u64) -> Result<()> {
        Ok(())
    }

    pub(super) fn get(key: &str) -> Option<String> {
        fake::with(|world| world.context.get(key).cloned())
    }

    pub(super) fn set(key: &str, value: &str) -> Result<()> {
        fake::with(|world| match value {
            "null" => drop(world.context.remove(key)),
            _ => drop(world.context.insert(key.to_owned(), value.to_owned())),
        });
        Ok(())
    }

    pub(super) fn emit(text: &str) {
        fake::with(|world| world.emitted.push(text.to_owned()));
    }

    pub(super) fn budget() -> Remaining {
        Remaining::default()
    }

    pub(super) fn agents() -> Vec<String> {
        Vec::new()
    }

    pub(super) fn delegate(_agent: &str, _goal: &str, _input: &str) -> Result<String> {
        let message = "this host does not hand work to other agents yet";
        Err(Error::new(ErrorKind::Unavailable, message).code("delegate"))
    }
}
