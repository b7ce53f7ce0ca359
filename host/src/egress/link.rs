//! One open connection, with the task that drives it.
//!
//! Invariant: the task lives as long as its [`Link`] and no longer. Dropping the link, in whatever
//! state, closes the connection; so does lying idle for two ticks of [`IDLE_TICK`].
//! Not here: which links lie idle (`idle`).

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ax_manifest::Origin;
use http::Request;
use hyper::client::conn::http1;
use hyper::client::conn::http1::SendRequest;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::egress::connect::Stream;
use crate::egress::headers::ANSWER_HEAD_BYTES_MAX;
use crate::egress::headers::HEADERS_MAX;
use crate::egress::payload::Payload;
use crate::egress::wire::Tap;
use crate::egress::wire::Wire;

/// How often an idle connection is looked at. It is closed when a whole tick found it idle, so
/// after 15 to 30 seconds: less than the minute after which common servers close it themselves.
const IDLE_TICK: Duration = Duration::from_secs(15);

/// Bytes that hyper reads ahead: room for the longest head, and for a read beyond it, so that the
/// bound on heads is met exactly.
const READ_AHEAD_BYTES: usize = ANSWER_HEAD_BYTES_MAX + 16 * 1024;

/// How long a connection may take to notice that its last exchange is over. The body's last piece
/// is handed over a moment before.
const SETTLE: Duration = Duration::from_millis(20);

/// Who a connection belongs to and where it leads.
#[derive(Debug)]
pub(super) struct Key {
    /// Connections are never shared between owners: a server could tie them together by it.
    pub(super) owner: Arc<str>,
    pub(super) origin: Origin,
}

/// Ends a task when it is dropped.
#[derive(Debug)]
pub(super) struct Task(AbortHandle);

impl Task {
    pub(super) fn new(handle: AbortHandle) -> Self {
        Self(handle)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An open connection.
pub(super) struct Link {
    pub(super) key: Key,
    pub(super) remote: SocketAddr,
    pub(super) tap: Arc<Tap>,
    pub(super) sender: SendRequest<Payload>,
    _driver: Task,
}

impl Link {
    /// Begins to speak HTTP/1.1 over `stream`, driven by `runtime`.
    pub(super) async fn new(
        key: Key,
        remote: SocketAddr,
        stream: Stream,
        runtime: &Handle,
    ) -> hyper::Result<Self> {
        let tap = Arc::new(Tap::default());
        let (sender, connection) = http1::Builder::new()
            .max_headers(HEADERS_MAX)
            .max_buf_size(READ_AHEAD_BYTES)
            .max_header_size(ANSWER_HEAD_BYTES_MAX)
            .handshake(Wire::new(stream, Arc::clone(&tap)))
            .await?;
        let driven = drive(connection, Arc::clone(&tap));
        #[expect(clippy::disallowed_methods, reason = "the link owns the task and ends it")]
        let task = runtime.spawn(driven);
        Ok(Self { key, remote, tap, sender, _driver: Task::new(task.abort_handle()) })
    }

    /// Tells whether the connection belongs to `owner` and leads to `origin`.
    pub(super) fn is_for(&self, owner: &str, origin: &Origin) -> bool {
        *self.key.owner == *owner && self.key.origin == *origin
    }

    /// Tells whether the connection is closed, as far as is known.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until the last exchange is over on this side too. Returns whether a new one can begin.
    pub(super) async fn settle(&mut self) -> bool {
        if self.sender.is_ready() {
            return true;
        }
        matches!(tokio::time::timeout(SETTLE, self.sender.ready()).await, Ok(Ok(())))
    }

    /// Sends a request on a connection that is ready.
    pub(super) fn send(
        &mut self,
        mut request: Request<Payload>,
    ) -> impl Future<Output = Sent> + use<> {
        request.body_mut().attach(&self.tap);
        self.sender.try_send_request(request)
    }
}

/// What came of a request: an answer, or an error and the request if no byte of it was written.
pub(super) type Sent = Result<
    http::Response<hyper::body::Incoming>,
    hyper::client::conn::TrySendError<Request<Payload>>,
>;

/// Drives a connection until it ends or has been idle for long enough.
async fn drive(connection: impl Future<Output = hyper::Result<()>>, tap: Arc<Tap>) {
    let mut connection = pin!(connection);
    let mut seen = None;
    loop {
        let ended = tokio::time::timeout(IDLE_TICK, connection.as_mut()).await;
        // Its error, if any, went to whoever waited for the answer.
        if ended.is_ok() {
            return;
        }
        let idle = tap.idle_since_exchange();
        if idle.is_some() && idle == seen {
            return;
        }
        seen = idle;
    }
}
