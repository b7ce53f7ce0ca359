//! Places at which a test lets the program die or a disk fail, by name.
//!
//! ```text
//! AX_FAILPOINT="after-intent:2"        the second time this place is reached the process kills itself
//! AX_FAILPOINT="before-commit:3:eio"   the third commit fails as if the disk had
//! ```
//!
//! Nothing of it is in a release: without the feature `failpoints` of this crate a place is an empty function and
//! the variable is not read. A place has to be reachable from everywhere, so what is armed is the one value of
//! the process that nobody hands down; it is set once and read only.
//!
//! Not here: which places there are (they are where they are hit), who reads the variable (`config`), what is
//! done with them (`tests/src/torture`).

#[cfg(feature = "failpoints")]
use std::sync::OnceLock;
#[cfg(feature = "failpoints")]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "failpoints")]
static ARMED: OnceLock<Failpoint> = OnceLock::new();
#[cfg(feature = "failpoints")]
static REACHED: AtomicU64 = AtomicU64::new(0);

/// What happens at a place.
#[cfg(feature = "failpoints")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process kills itself, as `kill -9` does.
    Kill,
    /// The disk is full.
    Full,
    /// The disk fails while it is told to keep what was written.
    Eio,
    /// The disk may only be read.
    ReadOnly,
    /// Another process holds the database.
    Busy,
}

/// A place with what happens there, and when.
#[cfg(feature = "failpoints")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failpoint {
    name: String,
    /// Which time that it is reached, from 1.
    count: u64,
    action: Action,
}

#[cfg(feature = "failpoints")]
impl Failpoint {
    /// Reads `name`, `name:count` or `name:count:action`; nothing if it is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
        let count = parts.next().map_or(Some(1), |it| it.parse().ok().filter(|it| *it > 0))?;
        let action = match parts.next() {
            None | Some("kill") => Action::Kill,
            Some("enospc") => Action::Full,
            Some("eio") => Action::Eio,
            Some("readonly") => Action::ReadOnly,
            Some("busy") => Action::Busy,
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Self { name, count, action })
    }
}

/// Arms a place for the rest of this process. The first one counts.
#[cfg(feature = "failpoints")]
pub fn arm(failpoint: Failpoint) {
    ARMED.get_or_init(|| failpoint);
}

/// Answers whether any place is armed.
#[cfg(feature = "failpoints")]
pub fn is_armed() -> bool {
    ARMED.get().is_some()
}

/// Says that a place was reached: returns how the disk fails there now. A process that is to be killed is.
#[cfg(feature = "failpoints")]
pub fn strike(name: &str) -> Option<Action> {
    let armed = ARMED.get().filter(|armed| armed.name == name)?;
    if REACHED.fetch_add(1, Ordering::SeqCst) + 1 != armed.count {
        return None;
    }
    if armed.action == Action::Kill {
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::KILL).ok();
    }
    Some(armed.action)
}

/// Says that a place was reached. Nothing at all without the feature `failpoints`.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    strike(name);
}

/// Says that a place was reached. Nothing at all without the feature `failpoints`.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub const fn hit(_name: &str) {}

#[cfg(all(test, feature = "failpoints"))]
mod tests {
    use super::{Action, Failpoint};

    #[test]
    fn a_place_is_read_with_its_count_and_action_and_anything_else_is_none() {
        let read = |text: &str| Failpoint::parse(text).map(|it| (it.name, it.count, it.action));
        let name = || "after-intent".to_owned();
        assert_eq!(read("after-intent"), Some((name(), 1, Action::Kill)));
        assert_eq!(read("after-intent:3"), Some((name(), 3, Action::Kill)));
        assert_eq!(read("after-intent:1:eio"), Some((name(), 1, Action::Eio)));
        for wrong in ["", ":1", "a:0", "a:x", "a:1:explode", "a:1:kill:"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
