//! CPU time of the processes that were started from here.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;

/// User and system time of all ended children and their children, since this process began.
///
/// `cargo run` becomes this program without a new process, so the figure includes the compilation
/// of xtask itself.
pub(crate) fn of_children() -> Result<Duration> {
    let usage = usage_of_children().context("cannot read the CPU time of children")?;
    Ok(duration(usage.ru_utime) + duration(usage.ru_stime))
}

fn usage_of_children() -> io::Result<libc::rusage> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    #[expect(unsafe_code, reason = "no crate of the tree wraps getrusage")]
    // SAFETY: the pointer is valid for a write of one `rusage`, which holds only integers, so that
    // zeroes are a value of it even where the call leaves a field out.
    let (status, usage) = unsafe {
        let status = libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr());
        (status, usage.assume_init())
    };
    if status == 0 { Ok(usage) } else { Err(io::Error::last_os_error()) }
}

fn duration(time: libc::timeval) -> Duration {
    // The types differ by system; neither figure is negative.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_work_of_an_ended_child_counts() -> Result<()> {
        let before = of_children()?;
        let mut busy = Command::new("sh");
        busy.args(["-c", "i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done"]);
        assert!(busy.status()?.success());
        assert!(of_children()? > before);
        Ok(())
    }
}
