//! How long a call is wanted: until its time is over, somebody asks to stop, or nobody waits for it.

use tokio::sync::watch;

use super::Plugin;
use super::call::Call;
use super::error::CallError;
use super::limits::Limit;

/// Does what comes before a call, as long as the call may take and somebody wants it.
pub(super) async fn while_wanted<T>(
    work: impl Future<Output = Result<T, CallError>>,
    plugin: &Plugin,
    call: &Call,
    gone: Option<watch::Receiver<()>>,
) -> Result<T, CallError> {
    let limits = &plugin.release.limits;
    let wait = call.deadline.map_or(limits.deadline, |asked| asked.min(limits.deadline));
    tokio::select! {
        biased;
        done = tokio::time::timeout(wait, work) => {
            done.unwrap_or_else(|_| Err(CallError::exhausted(Limit::Time, limits)))
        }
        () = asked_to_stop(call.cancel.clone()) => Err(CallError::Cancelled),
        () = abandoned(gone) => Err(CallError::Cancelled),
    }
}

/// Waits until nobody waits for the answer any more.
pub(super) async fn abandoned(gone: Option<watch::Receiver<()>>) {
    let Some(mut gone) = gone else { return std::future::pending().await };
    // Nothing is ever sent: the sender's end is the message.
    while gone.changed().await.is_ok() {}
}

/// Waits until somebody asked to stop.
pub(super) async fn asked_to_stop(cancel: Option<watch::Receiver<bool>>) {
    let Some(mut cancel) = cancel else { return std::future::pending().await };
    if cancel.wait_for(|asked| *asked).await.is_err() {
        // Whoever could have asked is gone.
        std::future::pending().await
    }
}

/// Waits until somebody asked to stop and the guest had its grace.
pub(super) async fn cancelled(call: &Call) {
    asked_to_stop(call.cancel.clone()).await;
    tokio::time::sleep(call.grace).await;
}
