//! Turns a name into addresses, once for each connection.
//!
//! Not here: which of the addresses may be used (`address`); literal addresses, which are never
//! looked up.

use std::fmt::Debug;
use std::io;
use std::net::IpAddr;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

/// Lookups in flight. Each holds a thread while the system's resolver waits, which may be for
/// half a minute; more of them wait here, within the time that their request has to connect.
const LOOKUPS_MAX: usize = 32;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync + Debug {
    /// Returns the addresses of `host`, best first.
    ///
    /// # Errors
    ///
    /// What the resolver says; an unknown name may also be an empty list.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver, with its hosts file and its settings.
#[derive(Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl SystemResolver {
    /// Creates a resolver with no lookup in flight.
    #[must_use]
    pub fn new() -> Self {
        Self { lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let permit = Arc::clone(&self.lookups).acquire_owned().await;
            let permit = permit.map_err(io::Error::other)?;
            let host = host.to_owned();
            let lookup = tokio::task::spawn_blocking(move || {
                // Held by the lookup, which goes on when nobody waits for it any more.
                let _permit = permit;
                let found = (host.as_str(), 0).to_socket_addrs()?;
                Ok(found.map(|address| address.ip()).collect())
            });
            lookup.await.map_err(io::Error::other)?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_knows_localhost_as_loopback() {
        let found = SystemResolver::new().resolve("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
