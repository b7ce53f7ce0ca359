//! CPU time of the processes that were started from here.

use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use nix::sys::resource::UsageWho;
use nix::sys::resource::getrusage;
use nix::sys::time::TimeVal;

/// User and system time of all ended children and their children, since this process began.
///
/// `cargo run` becomes this program without a new process, so the figure includes the compilation
/// of xtask itself.
pub(crate) fn of_children() -> Result<Duration> {
    let usage =
        getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot read the CPU time of children")?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}
