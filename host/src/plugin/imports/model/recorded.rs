//! Questions of an agent to models: each is one of its task, and answered from the record when the agent is
//! run again.
//!
//! Permission and bounds are those of every plugin; what it costs is the task's, whose budget holds instead
//! of the plugin's own. An answer that is read as it comes is there at once, as a whole.
//! Not here: who answers, and what is recorded of it (`runtime`).

use std::collections::VecDeque;

use ax_manifest::Capability;
use serde::de::DeserializeOwned;

use super::super::super::agent::{Answer, Completed, Import, Wanted};
use super::super::super::exchange::{Piece, Whole};
use super::super::super::gate::Needs;
use super::super::super::guest::Guest;
use super::super::super::limits::{self, Limit};
use super::super::super::models::Listed;
use super::super::bindings::ax::model::chat;
use super::super::bindings::ax::types::types::Error;
use super::{failure, named, permission_of, read, shown};
use crate::chat::{PartKind, RequestId};

type Told<T> = Result<T, Error>;

impl Guest {
    /// Lists what the task may ask.
    pub(super) async fn models_of_task(&mut self) -> wasmtime::Result<Vec<chat::ModelInfo>> {
        let answer = self.ask_companion(vec![Wanted::new(Import::ModelModels, "{}")]).await?.pop();
        let listed: Vec<Listed> = self.read_answer(answer)?.unwrap_or_default();
        Ok(listed.into_iter().take(limits::MODELS_LISTED).map(shown::model).collect())
    }

    /// Asks all together; answers stand in the order of the requests.
    pub(super) async fn complete_in_task(
        &mut self,
        requests: Vec<chat::Request>,
    ) -> wasmtime::Result<Vec<Told<Whole>>> {
        let (mut asked, mut refused) = (Vec::new(), Vec::new());
        for (index, request) in requests.into_iter().enumerate() {
            let read = match index < limits::MODEL_BATCH {
                true => self.wanted_of(request, Import::ModelComplete)?,
                false => Err(failure::exhausted(Limit::Calls)),
            };
            match read {
                Ok(wanted) => {
                    asked.push(wanted);
                    refused.push(None);
                }
                Err(error) => refused.push(Some(error)),
            }
        }
        let answers = match asked.is_empty() {
            true => Vec::new(),
            false => self.ask_companion(asked).await?,
        };
        let mut answers = answers.into_iter();
        let mut all = Vec::new();
        for error in refused {
            all.push(match error {
                Some(error) => Err(error),
                None => self.read_answer::<Completed>(answers.next())?.map(whole),
            });
        }
        Ok(all)
    }

    /// The same, as the guest reads it.
    pub(super) async fn shown_in_task(
        &mut self,
        requests: Vec<chat::Request>,
    ) -> wasmtime::Result<Vec<Told<chat::Response>>> {
        let all = self.complete_in_task(requests).await?;
        Ok(all.into_iter().map(|one| one.map(|whole| shown::response(whole).0)).collect())
    }

    /// Counts the tokens of a request.
    pub(super) async fn count_in_task(
        &mut self,
        request: chat::Request,
    ) -> wasmtime::Result<Told<u64>> {
        let wanted = match self.wanted_of(request, Import::ModelCountTokens)? {
            Ok(wanted) => wanted,
            Err(error) => return Ok(Err(error)),
        };
        let answer = self.ask_companion(vec![wanted]).await?.pop();
        self.read_answer(answer)
    }

    /// Checks a request, and writes it as a question.
    fn wanted_of(
        &mut self,
        request: chat::Request,
        import: Import,
    ) -> wasmtime::Result<Told<Wanted>> {
        let bytes = read::bytes_of(&request);
        let Some(wanted) = permission_of(named(&request)) else {
            self.gate.pass(Capability::AxModelChat, Needs::Nothing, bytes)?;
            return Ok(Err(failure::model()));
        };
        let refused = self.rule_on(Capability::AxModelChat, &wanted, bytes)?;
        // Whoever answers names it: a name of here would be another one in each run.
        let request = match read::request(request, RequestId(uuid::Uuid::nil())) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = request.validate() {
            return Ok(Err(failure::invalid(&error)));
        }
        let arguments = serde_json::to_string(&request)?;
        Ok(Ok(Wanted { refused, ..Wanted::new(import, arguments) }))
    }

    fn read_answer<T: DeserializeOwned>(
        &mut self,
        answer: Option<Answer>,
    ) -> wasmtime::Result<Told<T>> {
        let text = match answer {
            Some(Ok(text)) => text,
            Some(Err(error)) => return Ok(Err(super::super::failure::recorded(error))),
            None => return Ok(Err(super::super::failure::garbled())),
        };
        self.gate.pass(Capability::AxModelChat, Needs::Nothing, text.len() as u64)?;
        Ok(serde_json::from_str(&text).map_err(|_| super::super::failure::garbled()))
    }
}

fn whole(completed: Completed) -> Whole {
    let Completed { id, response, usage, is_estimated, cost_micro_usd } = completed;
    Whole { id, response, usage, is_estimated, micro_usd: cost_micro_usd }
}

/// Takes an answer apart, as it would have come.
pub(super) fn pieces(whole: Whole) -> VecDeque<Piece> {
    let parts = whole.response.message.parts.iter();
    let mut pieces: VecDeque<Piece> = parts
        .filter_map(|part| match &part.kind {
            PartKind::Text(text) => Some(Piece::Text(text.clone())),
            PartKind::Reasoning(text) => Some(Piece::Reasoning(text.clone())),
            PartKind::ToolCall(call) => Some(Piece::ToolCall(call.clone())),
            PartKind::Image(_) | PartKind::File(_) | PartKind::ToolResult(_) => None,
        })
        .collect();
    pieces.push_back(Piece::Done(Box::new(whole)));
    pieces
}
