//! The strict end of a connection: every message that wants an answer gets one, whatever it is.
//!
//! | What comes | What is answered |
//! |---|---|
//! | no JSON | -32700 |
//! | JSON that is no message, or a batch | -32600, with its id if there is one |
//! | a line beyond [`MESSAGE_BYTES_MAX`] | -32600, with its id |
//! | an id that still waits for its answer | -32600, with that id |
//! | a notification before anything was asked, or one that is malformed | nothing, by protocol |
//!
//! Invariant: one line of output is one whole message.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex as Guarded, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{
    ClientNotification, ClientRequest, JsonRpcMessage, JsonRpcNotification, RequestId,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Serialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::lines::{self, Line};
use crate::server::mcp::message::{self, MESSAGE_BYTES_MAX, Refusal};

/// Messages that were read and are not yet looked at.
const QUEUE: usize = 64;

/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// One connection.
pub(super) struct Strict<W> {
    messages: mpsc::Receiver<RxJsonRpcMessage<RoleServer>>,
    shared: Arc<Shared<W>>,
}

struct Shared<W> {
    /// None once it is closed.
    output: Mutex<Option<W>>,
    /// The requests that wait for their answers.
    open: Guarded<HashSet<RequestId>>,
}

impl<W: AsyncWrite + Send + Unpin + 'static> Strict<W> {
    /// Begins to read. The token is cancelled at the end of input.
    pub(super) fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: W,
    ) -> (Self, CancellationToken) {
        let (sender, messages) = mpsc::channel(QUEUE);
        let shared =
            Arc::new(Shared { output: Mutex::new(Some(output)), open: Guarded::default() });
        let ended = CancellationToken::new();
        let (reader, at_end) = (Arc::clone(&shared), ended.clone());
        let read = async move {
            let mut input = BufReader::with_capacity(BUFFER, input);
            let mut has_begun = false;
            while let Ok(Some(line)) = lines::next(&mut input, MESSAGE_BYTES_MAX).await {
                let Some(message) = reader.message(line, &mut has_begun).await else { continue };
                if sender.send(message).await.is_err() {
                    break;
                }
            }
            at_end.cancel();
        };
        #[expect(clippy::disallowed_methods, reason = "it ends with its input or its connection")]
        tokio::spawn(read);
        (Self { messages, shared }, ended)
    }
}

impl<W: AsyncWrite + Unpin> Shared<W> {
    /// Reads a message, or answers what is none.
    async fn message(
        &self,
        line: Line,
        has_begun: &mut bool,
    ) -> Option<RxJsonRpcMessage<RoleServer>> {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong(id) => {
                self.refuse(&Refusal::too_long(id)).await;
                return None;
            }
        };
        let text = line.trim_ascii();
        if text.is_empty() {
            return None;
        }
        let message = match message::read(text) {
            Ok(message) => message,
            Err(refusal) => {
                // A notification is never answered.
                if !refusal.is_of_notification {
                    self.refuse(&refusal).await;
                }
                return None;
            }
        };
        match &message {
            JsonRpcMessage::Request(request) => {
                let id = request.id.clone();
                let is_new = self.open().insert(id.clone());
                if !is_new {
                    let why = "a request with this id waits for its answer";
                    self.refuse(&Refusal::invalid(json!(id), why)).await;
                    return None;
                }
                *has_begun |= !matches!(
                    request.request,
                    ClientRequest::DiscoverRequest(_) | ClientRequest::PingRequest(_)
                );
            }
            // Nothing was asked that it could be about.
            _ if !*has_begun => return None,
            // What is cancelled gets no answer, so its id is free.
            JsonRpcMessage::Notification(JsonRpcNotification {
                notification: ClientNotification::CancelledNotification(cancelled),
                ..
            }) => {
                if let Some(id) = &cancelled.params.request_id {
                    self.open().remove(id);
                }
            }
            _ => {}
        }
        Some(message)
    }

    async fn refuse(&self, refusal: &Refusal) {
        // A client that reads no answers is gone, and that is noticed where it matters.
        drop(self.write(&refusal.to_json()).await);
    }

    async fn write(&self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut output = self.output.lock().await;
        let output = output.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        output.write_all(&line).await?;
        output.flush().await
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashSet<RequestId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> Transport<RoleServer> for Strict<W> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        async move {
            if let Some(id) = answered {
                shared.open().remove(&id);
            }
            shared.write(&message).await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.messages.recv().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.shared.output.lock().await.take();
        Ok(())
    }
}
