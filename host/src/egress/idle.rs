//! Connections that wait for their next request.
//!
//! Invariant: at most [`LINKS_MAX`] wait, at most [`LINKS_EACH_MAX`] for one owner and origin. One
//! is only taken by its owner, and only when its address is allowed to the request that takes it.
//! Not here: when an idle connection is closed (`link`).

use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use ax_manifest::Origin;

use crate::egress::link::Link;

/// Idle connections in all. Each holds a socket and some 100 KiB at most.
pub(super) const LINKS_MAX: usize = 64;

/// Idle connections of one owner to one origin: what browsers hold, less what a guest with one
/// thread can use.
pub(super) const LINKS_EACH_MAX: usize = 4;

/// Idle connections, the one that was used last at the end.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Link>>);

impl Idle {
    fn links(&self) -> MutexGuard<'_, Vec<Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection that was used last and may be used for this.
    pub(super) fn take(
        &self,
        owner: &str,
        origin: &Origin,
        is_allowed: impl Fn(IpAddr) -> bool,
    ) -> Option<Link> {
        let mut links = self.links();
        links.retain(|link| !link.is_closed());
        let fits = |link: &Link| link.is_for(owner, origin) && is_allowed(link.remote.ip());
        let at = links.iter().rposition(fits)?;
        Some(links.remove(at))
    }

    /// Keeps a connection. The one that waits longest makes room.
    pub(super) fn put(&self, link: Link) {
        if link.is_closed() {
            return;
        }
        link.tap.end();
        let mut links = self.links();
        links.retain(|link| !link.is_closed());
        let same = |other: &Link| other.is_for(&link.key.owner, &link.key.origin);
        if links.iter().filter(|other| same(other)).count() >= LINKS_EACH_MAX {
            if let Some(oldest) = links.iter().position(same) {
                links.remove(oldest);
            }
        } else if links.len() >= LINKS_MAX {
            links.remove(0);
        }
        links.push(link);
    }

    /// Returns how many connections wait.
    pub(super) fn len(&self) -> usize {
        let mut links = self.links();
        links.retain(|link| !link.is_closed());
        links.len()
    }
}
