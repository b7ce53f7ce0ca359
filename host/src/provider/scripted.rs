//! A provider that plays a script, with every fault that a real one has. For tests.
//!
//! Invariant: it waits on tokio's clock alone, so a test that pauses it waits for nothing. The n-th
//! request gets the n-th script, and those after the last get the last again.
//! Not here: bytes (`client` is tested against servers on loopback).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;

use super::dialect::{cut, garbled};
use crate::chat::{Answer, Chunk, Done, Error, Finish, Model, ModelInfo, Request, Usage};

/// One thing that it does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Lets time pass.
    Wait(Duration),
    /// Says a piece of an answer.
    Say(Chunk),
    /// Fails.
    Fail(Error),
    /// Breaks off.
    Cut,
    /// Says what makes no sense.
    Garbage,
    /// Says nothing any more, and does not end.
    Hang,
}

/// Plays scripts.
pub struct Scripted {
    name: String,
    scripts: Mutex<VecDeque<Vec<Act>>>,
    asked: Mutex<Vec<Arc<Request>>>,
    abandoned: Arc<AtomicUsize>,
    models: Vec<ModelInfo>,
}

impl Scripted {
    /// Plays a script for each request; the last is played again.
    #[must_use]
    pub fn new(name: &str, scripts: Vec<Vec<Act>>) -> Self {
        Self {
            name: name.to_owned(),
            scripts: Mutex::new(scripts.into()),
            asked: Mutex::default(),
            abandoned: Arc::default(),
            models: Vec::new(),
        }
    }

    /// Answers every request with a text.
    #[must_use]
    pub fn saying(name: &str, text: &str) -> Self {
        Self::new(name, vec![answer(text)])
    }

    /// Fails every request.
    #[must_use]
    pub fn failing(name: &str, error: Error) -> Self {
        Self::new(name, vec![vec![Act::Fail(error)]])
    }

    /// Has models.
    #[must_use]
    pub fn with_models(mut self, names: &[&str]) -> Self {
        let model = |name: &&str| ModelInfo {
            name: (*name).to_owned(),
            context_tokens: None,
            output_tokens: None,
        };
        self.models = names.iter().map(model).collect();
        self
    }

    /// Returns what it was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Arc<Request>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts requests and answers that were dropped before their end.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::SeqCst)
    }

    fn next(&self) -> VecDeque<Act> {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let script = match scripts.len() {
            0 | 1 => scripts.front().cloned(),
            _ => scripts.pop_front(),
        };
        script.unwrap_or_default().into()
    }
}

/// A whole answer of one text, 3 tokens for 2.
#[must_use]
pub fn answer(text: &str) -> Vec<Act> {
    vec![Act::Say(Chunk::Text(text.to_owned())), usage(2, 3), done(Finish::Stop)]
}

/// Says what was used.
#[must_use]
pub fn usage(input: u64, output: u64) -> Act {
    Act::Say(Chunk::Usage(Usage { input, output, ..Usage::default() }))
}

/// Ends the answer.
#[must_use]
pub fn done(finish: Finish) -> Act {
    let model = "scripted".to_owned();
    Act::Say(Chunk::Done(Done { finish, model, provider_request_id: None }))
}

/// A script that is being played.
struct Play {
    acts: VecDeque<Act>,
    is_over: bool,
    abandoned: Arc<AtomicUsize>,
}

impl Play {
    /// Plays up to the next piece; none at the end.
    async fn next(&mut self) -> Option<Result<Chunk, Error>> {
        if self.is_over {
            return None;
        }
        loop {
            let error = match self.acts.pop_front() {
                Some(Act::Wait(time)) => {
                    tokio::time::sleep(time).await;
                    continue;
                }
                Some(Act::Say(chunk)) => {
                    self.is_over = matches!(chunk, Chunk::Done(_));
                    return Some(Ok(chunk));
                }
                Some(Act::Hang) => std::future::pending().await,
                Some(Act::Fail(error)) => error,
                Some(Act::Garbage) => garbled("it is not JSON"),
                Some(Act::Cut) | None => cut(),
            };
            self.is_over = true;
            return Some(Err(error));
        }
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        if !self.is_over {
            self.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Model for Scripted {
    fn ask(&self, request: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let abandoned = Arc::clone(&self.abandoned);
        let mut play = Play { acts: self.next(), is_over: false, abandoned };
        let provider = self.name.clone();
        Box::pin(async move {
            let named = |error: Error, provider: &str| Error {
                provider: Some(provider.to_owned()),
                ..error
            };
            let first = match play.next().await {
                Some(first) => first.map_err(|error| named(error, &provider))?,
                None => return Err(named(cut(), &provider)),
            };
            let name = provider.clone();
            let rest = stream::unfold(play, |mut play| async move {
                let next = play.next().await?;
                Some((next, play))
            });
            let rest = rest.map(move |next| next.map_err(|error| named(error, &name)));
            let chunks = stream::iter([Ok(first)]).chain(rest).boxed();
            Ok(Answer { provider, chunks })
        })
    }

    fn count_tokens(&self, request: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>> {
        let chars: usize = request.messages.iter().map(|message| message.chars()).sum();
        Box::pin(async move { Ok(chars as u64) })
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>> {
        let models = self.models.clone();
        Box::pin(async move { Ok(models) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Class, Message, RequestId, Role};

    fn request() -> Arc<Request> {
        let messages = vec![Message::text(Role::User, "hello")];
        Arc::new(Request::new(RequestId(uuid::Uuid::nil()), messages))
    }

    async fn played(model: &Scripted) -> Vec<String> {
        let answer = match model.ask(request()).await {
            Ok(answer) => answer,
            Err(error) => return vec![format!("refused {}", error.code)],
        };
        let chunks: Vec<_> = answer.chunks.collect().await;
        let word = |chunk: Result<Chunk, Error>| match chunk {
            Ok(Chunk::Text(text)) => text,
            Ok(Chunk::Done(_)) => "done".to_owned(),
            Ok(Chunk::Usage(usage)) => format!("usage {}", usage.total()),
            Ok(other) => format!("{other:?}"),
            Err(error) => {
                assert_eq!(error.provider.as_deref(), Some("a"));
                error.code
            }
        };
        chunks.into_iter().map(word).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_gets_its_script_and_the_last_one_stays() {
        let say = |text: &str| Act::Say(Chunk::Text(text.to_owned()));
        let busy = Error::new(Class::RateLimit, "busy", "too much");
        let model = Scripted::new(
            "a",
            vec![
                vec![Act::Wait(Duration::from_secs(3600)), say("x"), Act::Cut],
                vec![Act::Fail(busy)],
                vec![say("x"), Act::Garbage],
                answer("y"),
            ],
        );
        assert_eq!(played(&model).await, ["x", "cut"]);
        assert_eq!(played(&model).await, ["refused busy"]);
        assert_eq!(played(&model).await, ["x", "garbled"]);
        for _ in 0..2 {
            assert_eq!(played(&model).await, ["y", "usage 5", "done"]);
        }
        assert_eq!((model.asked().len(), model.abandoned()), (5, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_listening_is_counted() {
        let say = Act::Say(Chunk::Text("x".to_owned()));
        let model = Scripted::new("a", vec![vec![say, Act::Hang], vec![Act::Hang]]);
        drop(model.ask(request()).await);
        assert_eq!(model.abandoned(), 1);
        let waited = tokio::time::timeout(Duration::from_secs(1), model.ask(request())).await;
        assert!(waited.is_err());
        assert_eq!(model.abandoned(), 2);
    }
}
