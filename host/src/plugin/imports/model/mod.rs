//! `ax:model/chat`: questions to models, whole answers and answers as they come.
//!
//! Permission `models:<name>`, for each request; `default` where a request names no model. Bounds: those
//! of `limits`, of the words ([`crate::chat::LIMITS`]) and the budgets of the call ([`purse`]).
//! Not here: who answers ([`models`]), an answer on its way ([`exchange`]).
//!
//! [`purse`]: super::super::purse
//! [`models`]: super::super::models
//! [`exchange`]: super::super::exchange

mod failure;
mod read;
mod recorded;
mod shown;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use ax_manifest::{Capability, DEFAULT_MODEL, Permission};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use wasmtime::component::Resource;

use super::super::asked::{Asked, AskedEnd};
use super::super::exchange::{Exchange, Fault, Parts, Piece, Whole, tokens_of};
use super::super::gate::{Needs, Refusal};
use super::super::guest::Guest;
use super::super::limits::{self, Limit};
use super::super::log::Level;
use super::super::models::{Asker, Listed};
use super::super::purse::{Need, Short};
use super::bindings::ax::model::chat;
use super::bindings::ax::types::types::Error;
use crate::chat::{Class, Request};

/// An answer that a guest reads as it comes.
#[expect(unreachable_pub, reason = "the bindings name it in public, and are not public themselves")]
pub struct Chunks(Coming);

/// Where an answer comes from.
enum Coming {
    /// From whoever is asked.
    Now {
        exchange: Box<Exchange>,
        /// What the request said as its model.
        name: String,
    },
    /// From the record of a task.
    Recorded(VecDeque<Piece>),
}

type Answer<T> = Result<T, Error>;

/// Why a request is not sent.
enum Refused {
    /// The guest is told.
    Told(Error),
    /// The call ends.
    Ended(Refusal),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// How a request is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Whole, together with so many others that begin with it.
    Whole { sharers: u64 },
    /// As it comes.
    Stream,
    /// By the number of its tokens.
    Count,
}

/// An exchange that came to its end.
struct Ended {
    /// Its place among the requests of one call.
    index: usize,
    name: String,
    came_to: Result<Box<Whole>, Fault>,
    exchange: Exchange,
}

type Running = FuturesUnordered<Pin<Box<dyn Future<Output = Ended> + Send>>>;

impl chat::Host for Guest {
    async fn models(&mut self) -> wasmtime::Result<Vec<chat::ModelInfo>> {
        self.gate.called("models", "");
        self.gate.pass(Capability::AxModelChat, Needs::Nothing, 0)?;
        if self.seat.is_some() {
            return self.models_of_task().await;
        }
        let Some(models) = self.call.outside.models.clone() else { return Ok(Vec::new()) };
        let rights = Arc::clone(self.gate.rights());
        // What may not be asked is left out, and looking is no attempt to ask.
        let may_ask = |it: &Listed| {
            permission_of(&it.name).is_some_and(|wanted| rights.rule_for(&wanted).is_some())
        };
        let listed = models.list().into_iter().filter(may_ask).take(limits::MODELS_LISTED);
        let listed: Vec<_> = listed.map(shown::model).collect();
        let bytes: usize = listed.iter().map(|it| it.name.len()).sum();
        self.gate.pass(Capability::AxModelChat, Needs::Nothing, bytes as u64)?;
        Ok(listed)
    }

    async fn complete(
        &mut self,
        request: chat::Request,
    ) -> wasmtime::Result<Answer<chat::Response>> {
        self.gate.called("complete", named(&request));
        let mut answers = self.complete_together(vec![request]).await?;
        answers.pop().ok_or_else(|| wasmtime::Error::msg("one request has one answer"))
    }

    async fn complete_all(
        &mut self,
        requests: Vec<chat::Request>,
    ) -> wasmtime::Result<Vec<Answer<chat::Response>>> {
        self.gate.called("complete-all", requests.first().map_or("", named));
        self.complete_together(requests).await
    }

    async fn begin(
        &mut self,
        request: chat::Request,
    ) -> wasmtime::Result<Answer<Resource<Chunks>>> {
        self.gate.called("begin", named(&request));
        if self.seat.is_some() {
            return match self.complete_in_task(vec![request]).await?.pop() {
                Some(Ok(whole)) => {
                    let coming = Coming::Recorded(recorded::pieces(whole));
                    Ok(Ok(self.table.push(Chunks(coming))?))
                }
                Some(Err(error)) => Ok(Err(error)),
                None => Ok(Err(failure::lost())),
            };
        }
        let name = named(&request).to_owned();
        let mut exchange = match self.exchange(request, Manner::Stream) {
            Ok(exchange) => exchange,
            Err(Refused::Told(error)) => return Ok(Err(error)),
            Err(Refused::Ended(refusal)) => return Err(refusal.into()),
        };
        match exchange.ask().await {
            Ok(()) => {
                let coming = Coming::Now { exchange: Box::new(exchange), name };
                Ok(Ok(self.table.push(Chunks(coming))?))
            }
            Err(fault) => Ok(Err(self.told(fault, &name, &exchange))),
        }
    }

    async fn count_tokens(&mut self, request: chat::Request) -> wasmtime::Result<Answer<u64>> {
        self.gate.called("count-tokens", named(&request));
        if self.seat.is_some() {
            return self.count_in_task(request).await;
        }
        let name = named(&request).to_owned();
        let mut exchange = match self.exchange(request, Manner::Count) {
            Ok(exchange) => exchange,
            Err(Refused::Told(error)) => return Ok(Err(error)),
            Err(Refused::Ended(refusal)) => return Err(refusal.into()),
        };
        let counted = exchange.count().await;
        Ok(counted.map_err(|fault| self.told(fault, &name, &exchange)))
    }
}

impl chat::HostChunks for Guest {
    async fn next(
        &mut self,
        chunks: Resource<Chunks>,
    ) -> wasmtime::Result<Answer<Option<chat::Chunk>>> {
        self.gate.called("chunks.next", "");
        let next = match &mut self.table.get_mut(&chunks)?.0 {
            Coming::Now { exchange, .. } => exchange.next().await,
            Coming::Recorded(pieces) => Ok(pieces.pop_front()),
        };
        match next {
            Ok(piece) => {
                let (piece, bytes) = shown::piece(piece);
                self.gate.pass(Capability::AxModelChat, Needs::Nothing, bytes)?;
                Ok(Ok(piece))
            }
            Err(fault) => {
                self.gate.pass(Capability::AxModelChat, Needs::Nothing, 0)?;
                let Chunks(Coming::Now { name, exchange }) = self.table.get(&chunks)? else {
                    return Ok(Err(failure::lost()));
                };
                let (short, name) = (exchange.short(), name.clone());
                Ok(Err(self.say(fault, &name, short)))
            }
        }
    }

    async fn drop(&mut self, chunks: Resource<Chunks>) -> wasmtime::Result<()> {
        self.table.delete(chunks)?;
        Ok(())
    }
}

impl Guest {
    /// Asks at most [`limits::MODEL_REQUESTS`] at the same time and answers in order. `Err` ends the
    /// call.
    async fn complete_together(
        &mut self,
        requests: Vec<chat::Request>,
    ) -> wasmtime::Result<Vec<Answer<chat::Response>>> {
        if self.seat.is_some() {
            return self.shown_in_task(requests).await;
        }
        let mut answers: Vec<Option<Answer<chat::Response>>> = Vec::new();
        answers.resize_with(requests.len(), || None);
        let mut running = Running::new();
        let mut waiting = requests.into_iter().enumerate();
        loop {
            while running.len() < limits::MODEL_REQUESTS {
                let Some((index, request)) = waiting.next() else { break };
                let left = (waiting.len() + 1).min(limits::MODEL_REQUESTS - running.len());
                answers[index] = self.begin_whole(index, request, left as u64, &running)?;
            }
            let Some(Ended { index, name, came_to, exchange }) = running.next().await else {
                break;
            };
            answers[index] = Some(match came_to {
                Ok(whole) => {
                    let (response, bytes) = shown::response(*whole);
                    self.gate.pass(Capability::AxModelChat, Needs::Nothing, bytes)?;
                    Ok(response)
                }
                Err(fault) => Err(self.told(fault, &name, &exchange)),
            });
        }
        let lost = || Err(failure::lost());
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect())
    }

    /// Checks a request and sets it going; returns its answer if there is one at once, which is a
    /// refusal.
    fn begin_whole(
        &mut self,
        index: usize,
        request: chat::Request,
        sharers: u64,
        running: &Running,
    ) -> wasmtime::Result<Option<Answer<chat::Response>>> {
        // Not even looked at: looking costs, and nothing of the guest is charged meanwhile.
        if index >= limits::MODEL_BATCH {
            self.gate.exhaust(Limit::Calls);
            return Ok(Some(Err(failure::exhausted(Limit::Calls))));
        }
        let name = named(&request).to_owned();
        match self.exchange(request, Manner::Whole { sharers }) {
            Ok(mut exchange) => {
                running.push(Box::pin(async move {
                    let came_to = exchange.whole().await;
                    Ended { index, name, came_to, exchange }
                }));
                Ok(None)
            }
            Err(Refused::Told(error)) => Ok(Some(Err(error))),
            Err(Refused::Ended(refusal)) => Err(refusal.into()),
        }
    }

    /// Checks a request, takes what it needs of the budgets, and makes it ready to be sent.
    fn exchange(&mut self, request: chat::Request, manner: Manner) -> Result<Exchange, Refused> {
        let name = named(&request).to_owned();
        let wanted = permission_of(&name).ok_or_else(failure::model)?;
        let bytes = read::bytes_of(&request);
        let needs = Needs::Permission(&wanted);
        match self.gate.pass(Capability::AxModelChat, needs, bytes) {
            Ok(()) => {}
            Err(Refusal::Denied(reason)) => {
                return Err(super::failure::denied(&wanted.to_string(), reason).into());
            }
            Err(refusal @ Refusal::Exhausted(_)) => return Err(Refused::Ended(refusal)),
        }
        let number = self.asking.count();
        let mut request = read::request(request, self.call.id.request(number))?;
        request.stream = manner == Manner::Stream;
        request.validate().map_err(|error| failure::invalid(&error))?;
        let models = self.call.outside.models.clone();
        let listed = models.as_ref().map(|models| models.list()).unwrap_or_default();
        let Some(models) = models.filter(|_| !listed.is_empty()) else {
            let line = "no model is set up: ax provider add";
            self.log.push(Level::Warn, line, &[]);
            return Err(failure::no_models().into());
        };
        let place = match manner {
            Manner::Stream => Some(self.asking.stream().ok_or_else(|| {
                self.gate.exhaust(Limit::Streams);
                failure::exhausted(Limit::Streams)
            })?),
            Manner::Whole { .. } | Manner::Count => None,
        };
        let rule = self.gate.rights().rule_for(&wanted).unwrap_or_else(|| Arc::from(""));
        let interface = Capability::AxModelChat.row().interface;
        let asked = Arc::new(Asked::new(wanted.to_string(), rule, interface));
        let purse = self.asking.purse(&self.call.holdings.budgets);
        let known = listed.iter().find(|it| it.name == name);
        let need = match manner {
            Manner::Count => Need { input: 0, max_tokens: Some(0), model_max: None, sharers: 1 },
            Manner::Whole { .. } | Manner::Stream => Need {
                input: tokens_of(bytes),
                max_tokens: request.max_tokens,
                model_max: known.and_then(|it| it.output_tokens),
                sharers: if let Manner::Whole { sharers } = manner { sharers } else { 1 },
            },
        };
        let max_tokens = purse.open(request.id, &name, need).map_err(|short| {
            self.gate.exhaust(short.limit);
            failure::short(&short)
        })?;
        self.asking.keep(Arc::clone(&asked));
        if let Err(leak) = self.withhold(&request, &asked) {
            purse.close(request.id, 0);
            return Err(leak.into());
        }
        if manner != Manner::Count {
            request.max_tokens = max_tokens;
        }
        let (plugin, call) = (Arc::clone(&self.call.holdings.name), self.call.id);
        Ok(Exchange::new(Parts {
            request: Arc::new(request),
            bytes,
            model: models.of(Asker { plugin, call }, Arc::clone(&purse)),
            purse,
            asked,
            scan: self.call.secrets.scan().clone(),
            clock: Arc::clone(&self.call.clock),
            place,
        }))
    }

    /// Refuses a request that holds a secret. A guest may have been told one in pieces.
    fn withhold(&self, request: &Request, asked: &Asked) -> Result<(), Error> {
        let scan = self.call.secrets.scan();
        if scan.is_empty() {
            return Ok(());
        }
        let text = serde_json::to_vec(request).unwrap_or_default();
        let Some(secret) = scan.find(&text) else { return Ok(()) };
        let error = failure::leak(&secret, "the request");
        asked.note(|so_far| so_far.end = AskedEnd::Leaked(secret));
        Err(error)
    }

    fn told(&mut self, fault: Fault, name: &str, exchange: &Exchange) -> Error {
        self.say(fault, name, exchange.short())
    }

    /// Says a failure in the words of `ax:types`; what only the operator can mend stands in the log.
    fn say(&mut self, fault: Fault, name: &str, short: Option<Short>) -> Error {
        // A dear model may have been refused and a cheap one have failed since.
        if let Some(short) = short.filter(|_| is_of_purse(&fault)) {
            self.gate.exhaust(short.limit);
            return failure::short(&short);
        }
        match &fault {
            Fault::Chat(error)
                if matches!(error.class, Class::Auth | Class::Quota | Class::Region) =>
            {
                let line = format!("`{name}` did not answer: {}", error.message);
                self.log.push(Level::Warn, &line, &[]);
            }
            Fault::TooLong => {
                self.gate.exhaust(Limit::BytesIn);
            }
            Fault::Chat(_) | Fault::Leak(_) => {}
        }
        failure::told(&fault, name, self.call.secrets.scan())
    }
}

/// Answers whether a failure is what the purse said, and not a provider.
fn is_of_purse(fault: &Fault) -> bool {
    matches!(fault, Fault::Chat(error) if error.provider.is_none() && error.code == Limit::Cost.word())
}

/// Returns what a request says as its model.
fn named(request: &chat::Request) -> &str {
    request.model.as_deref().unwrap_or(DEFAULT_MODEL)
}

/// Returns the permission for a model; none if that is no name.
fn permission_of(name: &str) -> Option<Permission> {
    let is_short = name.len() <= crate::chat::LIMITS.model_chars_max;
    let wanted: Permission = is_short.then(|| format!("models:{name}").parse().ok())??;
    // Everything is what a policy can name, and nobody can ask.
    matches!(&wanted, Permission::Models { tier } if tier == name && name != "*").then_some(wanted)
}

#[cfg(test)]
mod tests;
