//! What of tasks no agent can be: one that breaks, one that needs a client with tasks, one that asks before it
//! is a task.

use std::sync::Arc;

use ax_host::server::mcp::ToolCall;
use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, ClientCapabilities, CreateTaskResult, DetailedTask, JsonObject, Task,
    TaskPayload, TaskStatus, Tool,
};
use serde_json::{Value, json};

use crate::asking::{Asking, Question};
use crate::states::States;

/// The tool whose task breaks; its task is called so, too.
pub(crate) const BROKEN: &str = "protocol_error_job";

/// The tool that asks, and is a task then.
pub(crate) const ASKING: &str = "test_tool_with_task";

/// The agent that it is.
const AGENT: &str = "greet_later";

/// Those that are for clients with tasks alone.
const NEEDS_TASKS: [&str; 3] = [BROKEN, ASKING, "failing_job"];

/// What is asked.
const NAME: Question = Question { key: "user_name", member: "name", kind: "string" };

/// A moment that is as good as any.
const AT: &str = "2026-01-01T00:00:00Z";

/// Lists those that are no agents.
pub(crate) fn tools() -> [Tool; 2] {
    [BROKEN, ASKING].map(|name| {
        let schema = JsonObject::from_iter([("type".to_owned(), json!("object"))]);
        Tool::new(name, "A fixture of this program.", Arc::new(schema))
    })
}

/// Refuses a client that has no tasks, where that matters.
pub(crate) fn needs_tasks(call: &ToolCall) -> Result<(), ErrorData> {
    let client = call.context.client_capabilities().unwrap_or_default();
    match NEEDS_TASKS.contains(&call.name.as_str()) && !client.supports_tasks() {
        false => Ok(()),
        true => {
            let needed = ClientCapabilities::builder().enable_tasks().build();
            Err(ErrorData::missing_required_client_capability(needed))
        }
    }
}

/// Begins the task that breaks.
pub(crate) fn begun() -> CreateTaskResult {
    CreateTaskResult::new(Task::new(BROKEN, TaskStatus::Working, AT, AT))
}

/// Tells that it broke.
pub(crate) fn broken() -> DetailedTask {
    let error = [("code", json!(-32603)), ("message", json!("it broke on purpose"))];
    let error = error.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let task = Task::new(BROKEN, TaskStatus::Failed, AT, AT);
    DetailedTask::new(task, TaskPayload::Failed { error })
}

/// Asks, or makes a call of the agent of what was answered.
pub(crate) fn asked(
    call: &mut ToolCall,
    states: &States,
) -> Result<Option<CallToolResponse>, ErrorData> {
    let Some(name) = NAME.said(call) else {
        let asking = Asking { rounds: &[NAME], has_state: false };
        return asking.call(call, states).map(Some);
    };
    call.name = AGENT.to_owned();
    call.arguments = JsonObject::from_iter([("name".to_owned(), Value::clone(&name))]);
    Ok(None)
}
