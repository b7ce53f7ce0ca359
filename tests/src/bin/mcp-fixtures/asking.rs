//! Tools that ask the person before they answer.
//!
//! A client of 2026-07-28 gets the questions as the answer, and calls again with what the person said; one of
//! 2025-11-25 is asked while the call runs.

use std::time::Duration;

use ax_host::server::mcp::ToolCall;
use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, ElicitRequest,
    ElicitRequestParams, ElicitationCapability, ElicitationSchema, InputRequest,
    InputRequiredResult, JsonObject, ProtocolVersion,
};
use serde_json::{Value, json};

use crate::states::States;

/// How long a person may think.
const THINK_MAX: Duration = Duration::from_secs(30);

/// A question of one member.
pub(crate) struct Question {
    /// Its key among the questions of a round.
    pub(crate) key: &'static str,
    /// The member that is wanted.
    pub(crate) member: &'static str,
    /// The JSON type of that member.
    pub(crate) kind: &'static str,
}

/// What is asked, one question each round.
pub(crate) struct Asking {
    pub(crate) rounds: &'static [Question],
    /// Whether a client has to give back a state that it was given.
    pub(crate) has_state: bool,
}

impl Asking {
    /// Takes the answers that came with a call; asks what is missing.
    pub(crate) fn call(
        &self,
        call: &ToolCall,
        states: &States,
    ) -> Result<CallToolResponse, ErrorData> {
        if !is_modern(call) {
            return Ok(failed("clients of this revision are asked otherwise"));
        }
        needs_elicitation(call)?;
        let round = match (&call.state, self.has_state) {
            (Some(state), true) => states.take(&call.name, state).ok_or_else(|| {
                ErrorData::invalid_params("the state is none that was given out for this", None)
            })?,
            (None, _) | (_, false) => 0,
        };
        let is_right = call.state.is_some() || !self.has_state;
        let said = self.rounds.get(round).and_then(|question| question.said(call));
        let next = round + usize::from(is_right && said.is_some());
        match (self.rounds.get(next), said) {
            (Some(question), _) => {
                let state = match self.has_state {
                    true => Some(states.give(&call.name, next).map_err(unusable)?),
                    false => None,
                };
                let questions = [(question.key.to_owned(), question.request()?)];
                Ok(InputRequiredResult::new(Some(questions.into()), state).into())
            }
            (None, said) => Ok(text(&format!("Hello, {}!", said.unwrap_or_default()))),
        }
    }
}

impl Question {
    /// Returns what the person said, if that is an answer.
    pub(crate) fn said(&self, call: &ToolCall) -> Option<Value> {
        let answer = call.answers.get(self.key)?;
        let said = answer.get("content")?.get(self.member)?;
        let is_right = match self.kind {
            "boolean" => said.is_boolean(),
            _ => said.is_string(),
        };
        (answer["action"] == "accept" && is_right).then(|| said.clone())
    }

    fn request(&self) -> Result<InputRequest, ErrorData> {
        let schema = json!({
            "type": "object",
            "properties": { self.member: { "type": self.kind } },
            "required": [self.member],
        });
        let form = form("What is it to be?", schema)?;
        Ok(InputRequest::Elicitation(ElicitRequest::new(form)))
    }
}

/// Asks while the call runs, and answers with what the person said.
pub(crate) async fn ask_now(call: &ToolCall, schema: Value) -> Result<CallToolResponse, ErrorData> {
    if is_modern(call) {
        return Ok(failed("clients of this revision are asked otherwise"));
    }
    needs_elicitation(call)?;
    let message = call.arguments.get("message").and_then(Value::as_str);
    let form = form(message.unwrap_or("Please fill this in."), schema)?;
    let asked = call.context.peer.create_elicitation_with_timeout(form, Some(THINK_MAX));
    let said = tokio::select! {
        said = asked => said,
        () = call.stop.cancelled() => return Ok(failed("cancelled")),
    };
    match said {
        Ok(said) => {
            let content = said.content.unwrap_or_default();
            Ok(text(&format!("User response: {:?}, {content}", said.action)))
        }
        Err(error) => Ok(failed(&error.to_string())),
    }
}

fn form(message: &str, schema: Value) -> Result<ElicitRequestParams, ErrorData> {
    let schema: JsonObject = serde_json::from_value(schema).map_err(unusable)?;
    let requested_schema = ElicitationSchema::from_json_schema(schema).map_err(unusable)?;
    let message = message.to_owned();
    Ok(ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema })
}

fn is_modern(call: &ToolCall) -> bool {
    call.context.protocol_version().is_some_and(|it| it >= ProtocolVersion::V_2026_07_28)
}

fn needs_elicitation(call: &ToolCall) -> Result<(), ErrorData> {
    let has_it = call.context.client_capabilities().is_some_and(|it| it.elicitation.is_some());
    let mut needed = ClientCapabilities::default();
    needed.elicitation = Some(ElicitationCapability::default());
    match has_it {
        true => Ok(()),
        false => Err(ErrorData::missing_required_client_capability(needed)),
    }
}

fn unusable(error: impl std::error::Error) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// Answers with a text.
pub(crate) fn text(text: &str) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

fn failed(why: &str) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(why)]).into()
}
