//! Messages as lines on standard input and output: how programs start a server of their own.
//!
//! ```text
//! input ──→ lines ──→ transport: is it a message, has its id an answer coming ──→ handler
//!                              └─ whatever is none is answered here
//! ```
//!
//! Not here: what a message asks for (`handler`).

mod lines;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::handler::{Handler, Offering};
use transport::Strict;

/// How long calls may go on when there is nobody to read their answers any more.
const FAREWELL: Duration = Duration::from_millis(200);

/// How often it is looked for other tools.
const LOOK: Duration = Duration::from_millis(500);

/// Why serving ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The process cannot wait for input and output.
    #[error("cannot serve")]
    Start(#[source] std::io::Error),
    /// A part of the server died; a defect of it.
    #[error("the server lost its work")]
    Lost,
}

/// Serves one client on standard input and output, until that ends.
///
/// # Errors
///
/// [`ServeError`].
pub fn serve<O: Offering>(offering: Arc<O>) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("ax-mcp")
        .enable_all()
        .build()
        .map_err(ServeError::Start)?;
    let served = runtime.block_on(attend(offering));
    // Whatever still reads standard input waits for ever.
    runtime.shutdown_background();
    served
}

async fn attend<O: Offering>(offering: Arc<O>) -> Result<(), ServeError> {
    let (input, output) = rmcp::transport::io::stdio_pipes();
    let gone = CancellationToken::new();
    let handler = Handler::new(offering, "mcp:stdio", gone.clone());
    let ending = handler.clone();
    let watching = watch(handler.clone());
    let (transport, ended) = Strict::new(input, output);
    let farewell = async {
        ended.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
        gone.cancel();
        std::future::pending::<()>().await;
    };
    let serving = async {
        match rmcp::serve_server(handler, transport).await {
            Ok(running) => running.waiting().await.map(drop).map_err(|_| ServeError::Lost),
            // It ended before it said who it is.
            Err(_) => Ok(()),
        }
    };
    let served = tokio::select! {
        served = serving => served,
        () = watching => Ok(()),
        () = farewell => Ok(()),
    };
    ending.end().await;
    served
}

/// Tells the client when there are other tools.
async fn watch<O: Offering>(handler: Handler<O>) {
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
