//! What serving has in common, over whatever it is done.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use super::handler::{Handler, Offering};

/// How often it is looked for other tools.
const LOOK: Duration = Duration::from_millis(500);

/// Why serving ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The process cannot wait for input and output.
    #[error("cannot serve")]
    Start(#[source] std::io::Error),
    /// The address cannot be had.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A part of the server died; a defect of it.
    #[error("the server lost its work")]
    Lost,
}

impl ServeError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { address, source } if source.kind() == ErrorKind::AddrInUse => {
                let free = SocketAddr::new(address.ip(), 0);
                Some(format!("another program listens there; `--http {free}` takes a free port"))
            }
            Self::Listen { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                Some("choose a port above 1023: --http 127.0.0.1:7420".to_owned())
            }
            Self::Listen { .. } | Self::Start(_) | Self::Lost => None,
        }
    }
}

/// Serves on threads of its own until that ends; what is left then is not waited for.
pub(super) fn run(
    workers: usize,
    serving: impl Future<Output = Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("ax-mcp")
        .enable_all()
        .build()
        .map_err(ServeError::Start)?;
    let served = runtime.block_on(serving);
    runtime.shutdown_background();
    served
}

/// Tells clients when there are other tools, as long as it is awaited.
pub(super) async fn watch<O: Offering>(handler: &Handler<O>) {
    let mut known = handler.offering().edition();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = handler.offering().edition();
        if now != known {
            known = now;
            handler.listeners.tell().await;
        }
    }
}
