//! The sessions of clients that still have them (revisions before 2026-07-28).
//!
//! Invariants: a session belongs to the holder of one token, and to others it does not exist; when it
//! ends, by its client, by idleness or with the server, the calls within it end.
//! Not here: messages and streams of a session (rmcp).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use rmcp::model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError,
};
use rmcp::transport::streamable_http_server::session::{
    ServerSseMessage, SessionId, SessionManager,
};
use tokio_util::sync::CancellationToken;

use super::keys::Guest;

/// Sessions at the same time: about 55 KB each.
pub(super) const SESSIONS_MAX: usize = 500;

/// Those of one of them: nobody keeps the others out.
pub(super) const SESSIONS_OF_ONE_MAX: usize = 100;

/// How long a session may be silent: longer than a call may take, for clients seldom say goodbye.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);

/// The sessions there are.
pub(super) struct Sessions {
    local: LocalSessionManager,
    held: Mutex<HashMap<SessionId, Session>>,
}

#[derive(Default)]
struct Session {
    /// None until its client was told its id.
    owner: Option<Guest>,
    ended: CancellationToken,
    /// The requests that wait for their answers.
    open: HashSet<RequestId>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionsError {
    #[error("there are too many sessions")]
    Full,
    #[error(transparent)]
    Local(#[from] LocalSessionManagerError),
}

/// A request that waits for its answer; its id is free again when this is dropped.
pub(super) struct OpenRequest {
    sessions: Arc<Sessions>,
    session: SessionId,
    request: RequestId,
}

impl Sessions {
    pub(super) fn new() -> Self {
        let mut local = LocalSessionManager::default();
        local.session_config.keep_alive = Some(IDLE_MAX);
        Self { local, held: Mutex::default() }
    }

    /// Answers whether `who` may begin one more.
    pub(super) fn has_room(&self, who: &Guest) -> bool {
        self.hold(|held| {
            let own = held.values().filter(|it| it.owner.as_ref() == Some(who)).count();
            own < SESSIONS_OF_ONE_MAX && held.len() < SESSIONS_MAX
        })
    }

    /// Notes whose session it is.
    pub(super) fn own(&self, id: &str, owner: &Guest) {
        self.hold(|held| {
            if let Some(session) = held.get_mut(id) {
                session.owner = Some(owner.clone());
            }
        });
    }

    /// Returns what is cancelled when the session ends; none where `who` has no such session.
    pub(super) fn of(&self, id: &str, who: &Guest) -> Option<CancellationToken> {
        self.hold(|held| {
            let session = held.get(id).filter(|it| it.owner.as_ref() == Some(who))?;
            Some(session.ended.clone())
        })
    }

    /// Notes that a request waits; none if one of that id does already.
    pub(super) fn open(self: &Arc<Self>, id: &str, request: &RequestId) -> Option<OpenRequest> {
        let is_new = self.hold(|held| {
            held.get_mut(id).is_some_and(|session| session.open.insert(request.clone()))
        });
        is_new.then(|| OpenRequest {
            sessions: Arc::clone(self),
            session: Arc::from(id),
            request: request.clone(),
        })
    }

    fn hold<T>(&self, with: impl FnOnce(&mut HashMap<SessionId, Session>) -> T) -> T {
        with(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.sessions.hold(|held| {
            if let Some(session) = held.get_mut(&self.session) {
                session.open.remove(&self.request);
            }
        });
    }
}

impl SessionManager for Sessions {
    type Error = SessionsError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        let (id, transport) = self.local.create_session().await?;
        let is_held = self.hold(|held| {
            let has_room = held.len() < SESSIONS_MAX;
            if has_room {
                held.insert(Arc::clone(&id), Session::default());
            }
            has_room
        });
        match is_held {
            true => Ok((id, transport)),
            false => {
                self.local.close_session(&id).await?;
                Err(SessionsError::Full)
            }
        }
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        Ok(self.local.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        Ok(self.local.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        if let Some(session) = self.hold(|held| held.remove(id)) {
            session.ended.cancel();
        }
        Ok(self.local.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.local.create_stream(id, message).await?)
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Self::Error> {
        Ok(self.local.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.local.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        Ok(self.local.resume(id, last_event_id).await?)
    }
}
