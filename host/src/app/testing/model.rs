//! The questions to models that a case expects, and what they get.
//!
//! ```toml
//! [[case.model]]
//! model = "fast"                  # what the request says as its model
//! sent = ["Sum this up", "milk"]  # texts that the conversation must hold
//! answer = "Buy milk."
//! ```
//!
//! Not here: answering (`playing`).

use ax_manifest::DEFAULT_MODEL;
use serde::Deserialize;
use serde_json::Value;

use super::case::Wrong;
use super::given::Given;
use super::playing::{Line, Play};
use crate::chat::{Class, Finish, ToolCall};

/// The member of a case that this is about.
const MEMBER: &str = "model";

/// A question and its answer, as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Question {
    model: Option<String>,
    #[serde(default)]
    sent: Vec<String>,
    answer: Option<String>,
    json: Option<Value>,
    answer_from: Option<String>,
    #[serde(default)]
    calls: Vec<Called>,
    finish: Option<Finish>,
    /// The answer breaks off before its end.
    #[serde(default)]
    cut: bool,
    error: Option<Class>,
    cost_usd: Option<Value>,
    #[serde(default = "once")]
    times: u32,
}

/// A call that the model asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    name: String,
    #[serde(default)]
    input: Value,
}

fn once() -> u32 {
    1
}

impl Question {
    /// Checks it.
    pub(super) fn line(self, given: &Given<'_>) -> Result<Line, Wrong> {
        let wrong = |why: &str| (MEMBER, why.to_owned());
        let model = self.model.as_deref().unwrap_or(DEFAULT_MODEL).to_owned();
        let permission = format!("models:{model}").parse::<ax_manifest::Permission>();
        permission.map_err(|error| (MEMBER, error.to_string()))?;
        if self.times == 0 {
            return Err(wrong("`times` is at least 1"));
        }
        let micro_usd = self.cost_usd.as_ref().map(|cost| {
            ax_manifest::micro_usd(&cost.to_string())
                .ok_or_else(|| wrong("`cost-usd` is a number like 0.25"))
        });
        let (sent, times) = (self.sent.clone(), self.times);
        let micro_usd = micro_usd.transpose()?;
        let play = self.play(given).map_err(|why| (MEMBER, format!("`{model}`: {why}")))?;
        Ok(Line { model, sent, play, micro_usd, times })
    }

    fn play(self, given: &Given<'_>) -> Result<Play, String> {
        let text = match (self.answer, self.json, self.answer_from) {
            (None, None, None) => None,
            (Some(answer), None, None) => Some(answer),
            (None, Some(json), None) => Some(json.to_string()),
            (None, None, Some(file)) => Some(given.text(&file)?),
            _ => return Err("it has one of answer, json and answer-from".to_owned()),
        };
        if let Some(class) = self.error {
            let says = text.is_some() || !self.calls.is_empty() || self.finish.is_some();
            return match says || self.cut {
                true => Err("what fails has no answer".to_owned()),
                false => Ok(Play::Error(class)),
            };
        }
        if text.is_none() && self.calls.is_empty() && !self.cut {
            return Err("it has one of answer, json, answer-from, calls, cut and error".to_owned());
        }
        let call = |(number, call): (usize, Called)| ToolCall {
            id: format!("call-{}", number + 1),
            name: call.name,
            input: if call.input.is_null() {
                Value::Object(Default::default())
            } else {
                call.input
            },
        };
        let usual = if self.calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
        Ok(Play::Answer {
            text: text.unwrap_or_default(),
            calls: self.calls.into_iter().enumerate().map(call).collect(),
            finish: self.finish.unwrap_or(usual),
            is_cut: self.cut,
        })
    }
}
