//! Whether a target can answer a request, and as what it is sent there.
//!
//! Every target is checked again, whoever failed before it: the size of the conversation, pictures and
//! files, tools, sampling, an answer that is begun, state that another route wrote. What a model does not
//! take is left out only where the answer means the same without it, and each such thing is a
//! [`Degradation`] on record; where the caller forbids them, it is a reason not to ask that model.
//!
//! Invariant: a request is never changed but as its degradations say, and the model's name.
//! Not here: the order of targets, budgets and permissions (`driver`).

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use super::catalogue::Abilities;
use super::catalogue::Thinks;
use super::limit::Size;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Part;
use crate::chat::PartKind;
use crate::chat::Request;
use crate::chat::Role;
use crate::chat::Thinking;

/// What a request needs of whoever answers it; read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// How large it is.
    pub size: Size,
    pub(super) has_images: bool,
    pub(super) has_files: bool,
    has_tools: bool,
    has_sampling: bool,
    is_begun: bool,
    /// The routes that wrote state into it.
    pub owners: BTreeSet<String>,
    /// Whoever wrote the last of it.
    pub last_owner: Option<String>,
}

/// What was left out or made smaller for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Degradation {
    /// What another route wanted back, and the thoughts it belongs to.
    ForeignState,
    /// Temperature and `top_p`.
    Sampling,
    /// How much is thought.
    Thinking,
    /// The bound of the answer is the model's.
    MaxTokens,
}

/// Why a target cannot answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Misfit {
    /// The conversation is longer than the model reads.
    Context,
    /// It sees no pictures.
    Images,
    /// It reads no files.
    Files,
    /// It calls no tools.
    Tools,
    /// It begins its answers itself.
    Prefill,
    /// Another route wrote state that must not be left out.
    ForeignState,
    /// It would do only with a degradation, and those are forbidden.
    Degradation(Degradation),
}

/// What may be done to a request so that it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leeway {
    /// Every degradation there is.
    Full,
    /// All but state of other routes, which stays with whoever wrote it.
    KeepState,
    /// Nothing.
    Exact,
}

impl Needs {
    /// Reads a request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let mut needs = Self {
            has_tools: !request.tools.is_empty(),
            has_sampling: request.temperature.is_some() || request.top_p.is_some(),
            is_begun: request.messages.last().is_some_and(|it| it.role == Role::Assistant),
            ..Self::default()
        };
        for tool in &request.tools {
            let bytes = tool.name.len() + tool.description.len();
            needs.add_bytes(bytes + json_bytes(&tool.input_schema));
        }
        for part in request.messages.iter().flat_map(|message| &message.parts) {
            needs.add(part);
        }
        needs.add_bytes(request.output_schema.as_ref().map_or(0, json_bytes));
        needs
    }

    fn add(&mut self, part: &Part) {
        match &part.kind {
            PartKind::Text(text) | PartKind::Reasoning(text) => self.add_bytes(text.len()),
            PartKind::Image(_) => {}
            // Base64 is four characters for three bytes; a file is read as the text in it.
            PartKind::File(media) => self.add_bytes(media.data.len() / 4 * 3),
            PartKind::ToolCall(call) => self.add_bytes(call.name.len() + json_bytes(&call.input)),
            PartKind::ToolResult(result) => self.add_bytes(result.name.len() + result.text.len()),
        }
        let is_file = matches!(part.kind, PartKind::File(_));
        self.has_files |= is_file;
        let pictures = if is_file { 0 } else { part.kind.media().count() as u64 };
        self.has_images |= pictures > 0;
        self.size.pictures = self.size.pictures.saturating_add(pictures);
        if let Some(opaque) = &part.opaque {
            if !self.owners.contains(&opaque.owner) {
                self.owners.insert(opaque.owner.clone());
            }
            self.last_owner = Some(opaque.owner.clone());
        }
    }

    fn add_bytes(&mut self, bytes: usize) {
        self.size.bytes = self.size.bytes.saturating_add(bytes as u64);
    }

    fn has_state_of_others(&self, owner: &str) -> bool {
        self.owners.iter().any(|it| it != owner)
    }
}

/// Checks a request against the route `owner` (`provider/model`) and what its model can do.
/// `tokens` is what the request is estimated to be.
///
/// # Errors
///
/// The first reason why it cannot be asked.
pub fn check(
    request: &Request,
    needs: &Needs,
    owner: &str,
    abilities: &Abilities,
    tokens: u64,
    leeway: Leeway,
) -> Result<Vec<Degradation>, Misfit> {
    let lacks = |needed: bool, ability: Option<bool>| needed && ability == Some(false);
    // A guess may be a quarter too high; a provider that refuses is believed, a guess is not.
    let is_too_long = |most: u64| tokens.saturating_sub(tokens / 5) > most;
    let misfit = [
        (abilities.context_tokens.is_some_and(is_too_long), Misfit::Context),
        (lacks(needs.has_images, abilities.images), Misfit::Images),
        (lacks(needs.has_files, abilities.files), Misfit::Files),
        (lacks(needs.has_tools, abilities.tools), Misfit::Tools),
        (lacks(needs.is_begun, abilities.prefill), Misfit::Prefill),
    ];
    if let Some((_, why)) = misfit.into_iter().find(|(is_so, _)| *is_so) {
        return Err(why);
    }
    let most = abilities.output_tokens.unwrap_or(u64::MAX);
    let thinks = match (request.thinking, abilities.thinking) {
        (Some(Thinking::Off), Some(Thinks::Always)) => false,
        (Some(Thinking::Low | Thinking::Medium | Thinking::High), Some(Thinks::Never)) => false,
        (None | Some(_), None | Some(_)) => true,
    };
    let degradations = [
        (needs.has_state_of_others(owner), Degradation::ForeignState),
        (lacks(needs.has_sampling, abilities.sampling), Degradation::Sampling),
        (!thinks, Degradation::Thinking),
        (request.max_tokens.is_some_and(|it| u64::from(it) > most), Degradation::MaxTokens),
    ];
    let needed = degradations.into_iter().filter(|(is_so, _)| *is_so).map(|(_, what)| what);
    let needed: Vec<Degradation> = needed.collect();
    match (needed.first(), leeway) {
        (Some(Degradation::ForeignState), Leeway::KeepState) => Err(Misfit::ForeignState),
        (Some(first), Leeway::Exact) => Err(Misfit::Degradation(*first)),
        _ => Ok(needed),
    }
}

/// Makes a request what is sent to the route `owner` for `model`. Costs nothing if that changes nothing.
#[must_use]
pub fn adapt(
    request: &Arc<Request>,
    owner: &str,
    model: &str,
    abilities: &Abilities,
    degradations: &[Degradation],
) -> Arc<Request> {
    if degradations.is_empty() && request.model.as_deref() == Some(model) {
        return Arc::clone(request);
    }
    let mut sent = Request::clone(request);
    sent.model = Some(model.to_owned());
    for degradation in degradations {
        match degradation {
            Degradation::ForeignState => strip(&mut sent, owner),
            Degradation::Sampling => (sent.temperature, sent.top_p) = (None, None),
            Degradation::Thinking => sent.thinking = None,
            Degradation::MaxTokens => {
                let most = abilities.output_tokens.and_then(|it| u32::try_from(it).ok());
                sent.max_tokens = most.or(sent.max_tokens);
            }
        }
    }
    Arc::new(sent)
}

/// Takes out what other routes want back, and the thoughts that are nothing without it. A message of
/// which nothing is left goes, too.
fn strip(request: &mut Request, owner: &str) {
    let is_foreign = |part: &Part| part.opaque.as_ref().is_some_and(|it| it.owner != owner);
    for message in &mut request.messages {
        let is_thought = |part: &Part| matches!(part.kind, PartKind::Reasoning(_));
        message.parts.retain(|part| !(is_foreign(part) && is_thought(part)));
        for part in message.parts.iter_mut().filter(|part| is_foreign(part)) {
            part.opaque = None;
        }
    }
    request.messages.retain(|message| !message.parts.is_empty());
}

impl Misfit {
    /// Says it as an error, if no target fits.
    #[must_use]
    pub fn error(self, owner: &str) -> Error {
        let (class, why) = match self {
            Self::Context => (Class::ContextTooLong, "reads no conversation that long"),
            Self::Images => (Class::CallerFault, "sees no pictures"),
            Self::Files => (Class::CallerFault, "reads no files"),
            Self::Tools => (Class::CallerFault, "calls no tools"),
            Self::Prefill => (Class::CallerFault, "takes no conversation that ends with its words"),
            Self::ForeignState => {
                (Class::CallerFault, "cannot go on from what another model thought")
            }
            Self::Degradation(Degradation::ForeignState) => {
                (Class::CallerFault, "would have to forget what another model thought")
            }
            Self::Degradation(Degradation::Sampling) => {
                (Class::CallerFault, "takes neither temperature nor top_p")
            }
            Self::Degradation(Degradation::Thinking) => {
                (Class::CallerFault, "does not think as much or as little as is asked")
            }
            Self::Degradation(Degradation::MaxTokens) => {
                (Class::CallerFault, "writes no answer that long")
            }
        };
        let code = if self == Self::Context { "context-too-long" } else { "no-model-fits" };
        Error::new(class, code, &format!("`{owner}` {why}"))
    }
}

/// Counts about how many bytes a value is as JSON, without writing it.
pub(super) fn json_bytes(value: &Value) -> usize {
    let (mut bytes, mut open) = (0_usize, vec![value]);
    while let Some(value) = open.pop() {
        bytes = bytes.saturating_add(match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 5,
            Value::String(text) => text.len() + 3,
            Value::Array(items) => {
                open.extend(items);
                2
            }
            Value::Object(fields) => {
                open.extend(fields.values());
                fields.keys().map(|name| name.len() + 4).sum::<usize>() + 2
            }
        });
    }
    bytes
}
