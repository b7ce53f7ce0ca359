//! Models that a script plays, for rehearsals.
//!
//! ```text
//! a question ──→ the first line that is meant and not used up ──→ its answer, word by word
//! ```
//!
//! Permissions, budgets and bounds are as ever: they are asked before (`plugin`). Tokens are counted as
//! four bytes each.
//!
//! Invariant: nothing leaves this process.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ax_manifest::DEFAULT_MODEL;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};

use crate::chat::{
    Answer, Chunk, Class, Done, Error, Finish, Model, ModelInfo, Request, ToolCall, Usage,
};
use crate::plugin::{Asker, Bill, Listed, Models, Purse};

/// Who answers.
const PROVIDER: &str = "scripted";

/// Bytes of a token.
const BYTES_PER_TOKEN: usize = 4;

/// Questions without an answer that are told apart.
const STRAYS_MAX: usize = 32;

/// A question that is expected, and what it gets.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// What it says as its model; `default` for none.
    pub(super) model: String,
    /// Texts that the conversation must hold.
    pub(super) sent: Vec<String>,
    pub(super) play: Play,
    /// What it costs.
    pub(super) micro_usd: Option<u64>,
    /// How often it may come.
    pub(super) times: u32,
}

/// What a question gets.
#[derive(Debug, Clone)]
pub(super) enum Play {
    Answer { text: String, calls: Vec<ToolCall>, finish: Finish, is_cut: bool },
    Error(Class),
}

/// The lines that are left.
pub(super) struct Playing(Arc<Mutex<State>>);

struct State {
    lines: Vec<Line>,
    strays: Vec<String>,
}

impl Playing {
    pub(super) fn new(lines: Vec<Line>) -> Self {
        Self(Arc::new(Mutex::new(State { lines, strays: Vec::new() })))
    }

    /// Says what was not as the script says.
    pub(super) fn departures(&self) -> Vec<String> {
        let state = locked(&self.0);
        let strays = state.strays.iter();
        let strays = strays
            .map(|it| format!("the model `{it}` was asked something that no model of it answers"));
        let unused = state.lines.iter().filter(|line| line.times > 0);
        let unused =
            unused.map(|it| format!("the model `{}` should be asked, and was not", it.model));
        strays.chain(unused).collect()
    }

    /// Returns who plays them; nobody where there is no line.
    pub(super) fn models(&self) -> Option<Arc<dyn Models>> {
        let names: BTreeSet<String> =
            locked(&self.0).lines.iter().map(|line| line.model.clone()).collect();
        let models = Lines { state: Arc::clone(&self.0), names };
        (!models.names.is_empty()).then(|| Arc::new(models) as Arc<dyn Models>)
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing that holds the lock can panic.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Lines {
    state: Arc<Mutex<State>>,
    names: BTreeSet<String>,
}

impl Models for Lines {
    fn of(&self, _: Asker, purse: Arc<Purse>) -> Arc<dyn Model> {
        Arc::new(Player { state: Arc::clone(&self.state), purse })
    }

    fn list(&self) -> Vec<Listed> {
        let listed = |name: &String| Listed { name: name.clone(), ..Listed::default() };
        self.names.iter().map(listed).collect()
    }
}

/// Plays the lines for one call.
struct Player {
    state: Arc<Mutex<State>>,
    purse: Arc<Purse>,
}

impl Player {
    /// Finds the line about a question and uses it up once.
    fn take(&self, request: &Request) -> Result<Line, Error> {
        let model = request.model.as_deref().unwrap_or(DEFAULT_MODEL);
        let said = said(request);
        let mut state = locked(&self.state);
        let is_meant = |line: &&mut Line| {
            line.times > 0
                && line.model == model
                && line.sent.iter().all(|part| said.contains(part.as_str()))
        };
        if let Some(line) = state.lines.iter_mut().find(is_meant) {
            line.times -= 1;
            return Ok(line.clone());
        }
        if state.strays.len() < STRAYS_MAX {
            state.strays.push(model.to_owned());
        }
        Err(Error::new(Class::Transient, "stray", "no model of the case answers this"))
    }
}

/// Joins all that a conversation says.
fn said(request: &Request) -> String {
    serde_json::to_value(&request.messages)
        .map(|messages| {
            let mut texts = Vec::new();
            collect(&messages, &mut texts);
            texts.join("\n")
        })
        .unwrap_or_default()
}

fn collect(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        serde_json::Value::Object(members) => {
            members.values().for_each(|member| collect(member, texts));
        }
        _ => {}
    }
}

fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN) as u64
}

impl Model for Player {
    fn ask(&self, request: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>> {
        let played = self.take(&request).and_then(|line| {
            self.purse.reserve(request.id, line.micro_usd)?;
            let bill = Bill { micro_usd: line.micro_usd, ..Bill::default() };
            self.purse.reconcile(request.id, bill);
            match line.play {
                Play::Error(class) => {
                    let error = Error::new(class, class.word(), "the case says so");
                    Err(Error { provider: Some(PROVIDER.to_owned()), ..error })
                }
                Play::Answer { text, calls, finish, is_cut } => {
                    let input = tokens(said(&request).len());
                    let usage = Usage { input, output: tokens(text.len()), ..Usage::default() };
                    let words = text.split_inclusive(' ').map(|it| Chunk::Text(it.to_owned()));
                    let mut chunks: Vec<_> =
                        words.chain(calls.into_iter().map(Chunk::ToolCall)).collect();
                    chunks.push(Chunk::Usage(usage));
                    if !is_cut {
                        let model = request.model.as_deref().unwrap_or(DEFAULT_MODEL).to_owned();
                        chunks.push(Chunk::Done(Done { finish, model, provider_request_id: None }));
                    }
                    let chunks = stream::iter(chunks.into_iter().map(Ok)).boxed();
                    Ok(Answer { provider: PROVIDER.to_owned(), chunks })
                }
            }
        });
        std::future::ready(played).boxed()
    }

    fn count_tokens(&self, request: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>> {
        std::future::ready(Ok(tokens(said(&request).len()))).boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }
}
