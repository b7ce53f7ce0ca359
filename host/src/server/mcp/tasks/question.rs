//! What a task asks a person, put to the client where a policy says so, and what the client says to it.
//!
//! A client can answer by itself: who it asked is not known. So a policy has to allow it.
//!
//! Invariant: an answer holds for the one question it was given to, and that question takes one.

use rmcp::ErrorData;
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitationSchema, InputRequest, JsonObject,
};
use serde_json::{Value, json};

use crate::journal::{Question, Request};
use crate::plugin::schema::violations;
use crate::plugin::scrub;
use crate::runtime::{Runtime, RuntimeError};
use crate::workflow::{Answer, Gate, Text};

/// The member of the form that says whether something is allowed.
const ALLOWED: &str = "confirm";

/// Bytes of what a person is shown of the details: what is longer is for the terminal.
const DETAILS_BYTES: usize = 2_000;

/// What is wrong with a form: so much is told at once.
const MISFITS_MAX: usize = 5;

/// A question that can be put to a client.
#[derive(Debug)]
pub(super) struct Inquiry {
    pub(super) question: Question,
    message: String,
    schema: Value,
}

/// Names a question: `TASK:ENTRY`.
pub(super) fn name(question: &Question) -> String {
    format!("{}:{}", question.run, question.seq)
}

impl Inquiry {
    /// Reads the whole of a question.
    pub(super) fn of(runtime: &Runtime, question: Question) -> Result<Option<Self>, RuntimeError> {
        let run = runtime.folded(question.run)?;
        let Some(asked) = run.questions().get(&question.seq) else { return Ok(None) };
        let details = asked.details.here().map_or("null", |text| text);
        let message = match details {
            "null" => asked.text.clone(),
            details => format!("{}\n\n{}", asked.text, scrub(details, DETAILS_BYTES)),
        };
        let schema = match &asked.gate {
            Gate::Approval => json!({
                "type": "object",
                "properties": { ALLOWED: { "type": "boolean", "title": "Allow it" } },
                "required": [ALLOWED],
            }),
            Gate::Form { schema } => {
                schema.here().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
            }
        };
        Ok(Some(Self { question, message, schema }))
    }

    /// Writes the form; none if it is not one that clients take.
    pub(super) fn form(&self) -> Option<ElicitRequestParams> {
        let schema: JsonObject = serde_json::from_value(self.schema.clone()).ok()?;
        let requested_schema = ElicitationSchema::from_json_schema(schema).ok()?;
        let message = self.message.clone();
        Some(ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema })
    }

    /// Writes it as what has to be answered before something goes on.
    pub(super) fn request(&self) -> Option<InputRequest> {
        Some(InputRequest::Elicitation(ElicitRequest::new(self.form()?)))
    }

    /// Reads what a client said; nothing if it did not decide.
    ///
    /// # Errors
    ///
    /// It is no answer.
    pub(super) fn answer(&self, said: &Value) -> Result<Option<Request>, ErrorData> {
        let answer = match (said["action"].as_str(), said.get("content")) {
            (Some("accept"), Some(content)) => self.accepted(content)?,
            (Some("decline"), _) => Answer::No,
            (Some("cancel"), _) => return Ok(None),
            _ => return Err(ErrorData::invalid_params("it is no answer to what was asked", None)),
        };
        let Question { seq, bound_to, .. } = self.question;
        Ok(Some(Request::Answer { question: seq, bound_to, answer }))
    }

    fn accepted(&self, content: &Value) -> Result<Answer, ErrorData> {
        let wrong = violations(&self.schema, content, MISFITS_MAX);
        if !wrong.is_empty() {
            let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            let told = format!("the answer does not fit: {}", lines.join("; "));
            return Err(ErrorData::invalid_params(told, None));
        }
        Ok(match (self.question.is_form, content[ALLOWED].as_bool()) {
            (true, _) => Answer::Filled(Text::new(content.to_string())),
            (false, Some(true)) => Answer::Yes,
            (false, _) => Answer::No,
        })
    }
}

#[cfg(test)]
mod tests {
    use ax_manifest::Digest;

    use super::*;
    use crate::workflow::TaskId;

    fn inquiry(schema: Option<Value>) -> Inquiry {
        let question = Question {
            run: TaskId::new(0, [7; 10]),
            seq: 4,
            is_form: schema.is_some(),
            bound_to: Digest::of(b"what was looked at"),
            text: "Write it".to_owned(),
            asked_at_ms: 0,
            expires_at_ms: 1,
        };
        let allowed = json!({
            "type": "object",
            "properties": { ALLOWED: { "type": "boolean" } },
            "required": [ALLOWED],
        });
        let (message, schema) = ("Write it".to_owned(), schema.unwrap_or(allowed));
        Inquiry { question, message, schema }
    }

    #[test]
    fn only_a_yes_allows_something() {
        let answered = |said: Value| match inquiry(None).answer(&said) {
            Ok(Some(Request::Answer { question: 4, answer, .. })) => format!("{answer:?}"),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.message.into_owned(),
        };
        let accept = |content: Value| answered(json!({ "action": "accept", "content": content }));
        assert_eq!(accept(json!({ "confirm": true })), "Yes");
        assert_eq!(accept(json!({ "confirm": false })), "No");
        assert!(accept(json!({ "confirm": "true" })).starts_with("the answer does not fit"));
        assert!(accept(json!({})).starts_with("the answer does not fit"));
        assert_eq!(answered(json!({ "action": "decline" })), "No");
        assert_eq!(answered(json!({ "action": "cancel" })), "None");
        for none in [json!({ "action": "accept" }), json!({}), json!("yes"), Value::Null] {
            assert_eq!(answered(none), "it is no answer to what was asked");
        }
    }

    #[test]
    fn a_form_is_filled_in_as_it_asks_to_be() {
        let asked = inquiry(Some(json!({
            "type": "object",
            "properties": { "name": { "type": "string" } },
            "required": ["name"],
        })));
        assert!(asked.form().is_some());
        let said = json!({ "action": "accept", "content": { "name": "Ada" } });
        let answer = asked.answer(&said).unwrap();
        assert!(matches!(answer, Some(Request::Answer { answer: Answer::Filled(_), .. })));
        let said = json!({ "action": "accept", "content": { "confirm": true } });
        assert!(asked.answer(&said).is_err());
    }
}
