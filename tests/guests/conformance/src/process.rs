//! What happens while a tool works: it fails, it takes time, it says how far it is.

use std::thread::sleep;
use std::time::Duration;

use ax_sdk::prelude::*;
use ax_sdk::{log, task};

/// Fails always.
#[tool(read_only, idempotent)]
pub(crate) fn test_error_handling() -> Result<String> {
    Err(Error::failed("This tool intentionally returns an error for testing"))
}

/// Writes a line for the operator. A client has to hear nothing of it.
#[tool(read_only, idempotent)]
pub(crate) fn test_logging_tool() -> Result<String> {
    log::info("this is for the operator");
    Ok("logged".to_owned())
}

/// Takes its time, so that a client may leave and come again.
#[tool(read_only, idempotent)]
pub(crate) fn test_reconnection() -> Result<String> {
    sleep(Duration::from_millis(100));
    Ok("Reconnection test completed".to_owned())
}

/// Says three times how far it is.
#[tool(read_only, idempotent)]
pub(crate) fn test_tool_with_progress() -> Result<String> {
    for done in [0, 50, 100] {
        task::progress(done, Some(100), "");
        sleep(Duration::from_millis(50));
    }
    Ok("Progress test completed".to_owned())
}

/// Works until it is cancelled, and says first that it began.
#[tool(read_only, idempotent)]
pub(crate) fn test_waiting() -> Result<String> {
    let mut done = 0;
    while !task::cancelled() {
        done += 1;
        task::progress(done, None, "waiting");
        sleep(Duration::from_millis(20));
    }
    Err(Error::new(ErrorKind::Cancelled, "stopped as asked"))
}
