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

use super::handler::{Handler, Offering};
use super::serving::{self, ServeError};
use transport::Strict;

/// Threads for messages; calls have their own.
const WORKERS: usize = 1;

/// How long calls may go on when there is nobody to read their answers any more.
const FAREWELL: Duration = Duration::from_millis(200);

/// Serves one client on standard input and output, until that ends.
///
/// # Errors
///
/// [`ServeError`].
pub fn serve<O: Offering>(offering: Arc<O>) -> Result<(), ServeError> {
    // Whatever still reads standard input waits for ever, and is left alone.
    serving::run(WORKERS, attend(offering))
}

async fn attend<O: Offering>(offering: Arc<O>) -> Result<(), ServeError> {
    let (input, output) = rmcp::transport::io::stdio_pipes();
    let handler = Handler::new(offering, "mcp:stdio");
    let ending = handler.clone();
    let watching = serving::watch(&ending);
    let (transport, ended) = Strict::new(input, output);
    let farewell = async {
        ended.cancelled().await;
        tokio::time::sleep(FAREWELL).await;
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
