//! The ledger: a receiver in another process than `ax`, which knows what crossed.
//!
//! ```text
//! PUT, POST /effect/TRIAL/STEP   an effect; with a known key the one there was
//! DELETE    /effect/TRIAL/STEP   takes it back
//! GET       /happened/TRIAL/STEP whether there is one
//! GET       /read/TRIAL/STEP     another value each time
//! POST      /v1/chat/completions another answer each time
//! ```
//!
//! Invariant: what crossed is noted before anything is answered, and before the sender is killed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::server::{Answer, Heard, Server, answer};

/// An effect that crossed.
#[derive(Debug, Clone)]
struct Crossed {
    value: String,
    is_undone: bool,
}

#[derive(Debug, Default)]
struct Books {
    effects: BTreeMap<String, Vec<Crossed>>,
    /// What was answered to questions, by trial and step.
    told: BTreeMap<String, Vec<String>>,
    /// What an effect with a key came to.
    keys: BTreeMap<String, String>,
    /// Who is killed at the next crossing of a trial.
    armed: BTreeMap<String, u32>,
    drawn: u64,
}

/// The ledger.
#[derive(Debug)]
pub(super) struct Ledger {
    server: Server,
    books: Arc<Mutex<Books>>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        let kept = Arc::clone(&books);
        let server = Server::new(move |heard| {
            let mut books = kept.lock().unwrap_or_else(PoisonError::into_inner);
            books.answer(heard)
        });
        Self { server, books }
    }

    pub(super) fn origin(&self) -> String {
        self.server.origin()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the effects of a step that were not taken back.
    pub(super) fn effects(&self, trial: &str, step: &str) -> Vec<String> {
        let books = self.books();
        let all = books.effects.get(&place(trial, step)).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|it| !it.is_undone).map(|it| it.value.clone()).collect()
    }

    /// Returns what was answered to a question.
    pub(super) fn told(&self, trial: &str, step: &str) -> Vec<String> {
        self.books().told.get(&place(trial, step)).cloned().unwrap_or_default()
    }

    /// Counts all that crossed for a trial.
    pub(super) fn crossings(&self, trial: &str) -> usize {
        let (books, begin) = (self.books(), format!("{trial}/"));
        let is_of = |name: &&String| name.starts_with(&begin);
        let effects: usize =
            books.effects.keys().filter(is_of).map(|it| books.effects[it].len()).sum();
        let told: usize = books.told.keys().filter(is_of).map(|it| books.told[it].len()).sum();
        effects + told
    }

    /// Kills a process as soon as something of a trial has crossed.
    pub(super) fn kill_at_crossing(&self, trial: &str, process: u32) {
        self.books().armed.insert(trial.to_owned(), process);
    }

    /// Kills nobody any more.
    pub(super) fn disarm(&self, trial: &str) {
        self.books().armed.remove(trial);
    }
}

fn place(trial: &str, step: &str) -> String {
    format!("{trial}/{step}")
}

/// Answers whether every effect of a trial comes to the same each time.
fn is_fixed(trial: &str) -> bool {
    trial.starts_with("fixed-")
}

fn said(value: &Value) -> Answer {
    Answer::Keep(answer(200, &[("content-type", "application/json")], value.to_string()))
}

impl Books {
    fn answer(&mut self, heard: &Heard) -> Answer {
        let words: Vec<&str> = heard.target.split('/').collect();
        match (heard.method.as_str(), words.as_slice()) {
            ("PUT" | "POST", ["", "effect", trial, step]) => self.effect(heard, trial, step),
            ("DELETE", ["", "effect", trial, step]) => {
                for crossed in self.effects.entry(place(trial, step)).or_default() {
                    crossed.is_undone = true;
                }
                said(&json!({}))
            }
            ("GET", ["", "happened", trial, step]) => {
                let all = self.effects.get(&place(trial, step));
                let last = all.and_then(|all| all.iter().rfind(|it| !it.is_undone));
                let output = last.map(|it| json!({ "value": it.value }));
                said(&json!({ "happened": last.is_some(), "output": output }))
            }
            ("GET", ["", "read", trial, step]) => {
                let value = self.draw(trial);
                self.told.entry(place(trial, step)).or_default().push(value.clone());
                self.crossed(trial);
                said(&json!({ "value": value }))
            }
            ("POST", ["", "v1", ..]) => self.model(heard),
            _ => Answer::Keep(answer(404, &[], "")),
        }
    }

    fn effect(&mut self, heard: &Heard, trial: &str, step: &str) -> Answer {
        let body: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        let value = match is_fixed(trial) {
            true => format!("fixed-{step}"),
            false => body["value"].as_str().unwrap_or("?").to_owned(),
        };
        let key = heard.header("idempotency-key").to_owned();
        if let Some(before) = self.keys.get(&key) {
            return said(&json!({ "value": before }));
        }
        if !key.is_empty() {
            self.keys.insert(key, value.clone());
        }
        let crossed = Crossed { value: value.clone(), is_undone: false };
        self.effects.entry(place(trial, step)).or_default().push(crossed);
        self.crossed(trial);
        said(&json!({ "value": value }))
    }

    fn model(&mut self, heard: &Heard) -> Answer {
        let text = String::from_utf8_lossy(&heard.body).into_owned();
        let trial = text.split_once("trial=").and_then(|(_, rest)| rest.split_once(';'));
        let trial = trial.map_or("?", |(trial, _)| trial).to_owned();
        let value = self.draw(&trial);
        self.told.entry(place(&trial, "s1")).or_default().push(value.clone());
        self.crossed(&trial);
        let chunk = |delta: Value, finish: Option<&str>| {
            json!({
                "id": "c1", "object": "chat.completion.chunk", "model": "m-1",
                "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
            })
        };
        let usage = json!({ "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 });
        let chunks = [
            chunk(json!({ "role": "assistant", "content": value }), None),
            chunk(json!({}), Some("stop")),
            json!({ "id": "c1", "model": "m-1", "choices": [], "usage": usage }),
        ];
        let lines = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
        let body = lines.collect::<String>() + "data: [DONE]\n\n";
        Answer::Keep(answer(200, &[("content-type", "text/event-stream")], body))
    }

    fn draw(&mut self, trial: &str) -> String {
        if is_fixed(trial) {
            return "told-0".to_owned();
        }
        self.drawn += 1;
        format!("told-{:08}", self.drawn)
    }

    /// Kills whoever is to be killed now.
    fn crossed(&mut self, trial: &str) {
        let armed = self.armed.remove(trial).and_then(|it| i32::try_from(it).ok());
        if let Some(process) = armed.and_then(Pid::from_raw) {
            kill_process(process, Signal::KILL).ok();
        }
    }
}
