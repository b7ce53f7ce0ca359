//! Whoever answers: a provider, a router of several, a test that plays one.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use serde::Serialize;

use super::chunk::Chunk;
use super::error::Error;
use super::request::Request;

/// An answer that has begun. Dropping it tells the provider that nobody listens.
pub struct Answer {
    /// Who answers.
    pub provider: String,
    /// What it says, as it comes; [`Chunk::Done`] is the last of a whole one.
    pub chunks: BoxStream<'static, Result<Chunk, Error>>,
}

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    /// As the provider calls it.
    pub name: String,
    /// Tokens of a conversation, where that is known.
    pub context_tokens: Option<u64>,
    /// Tokens of an answer, where that is known.
    pub output_tokens: Option<u64>,
}

/// Answers requests.
pub trait Model: Send + Sync + 'static {
    /// Begins to answer. Returns when the first of the answer has come.
    fn ask(&self, request: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>>;

    /// Counts the tokens that a request would read.
    fn count_tokens(&self, request: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>>;

    /// Lists the models there are.
    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>>;
}
