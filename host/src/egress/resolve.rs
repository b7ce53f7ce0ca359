//! Turns a name into addresses, once for each connection.
//!
//! Not here: which of the addresses may be used (`address`); literal addresses, which are never
//! looked up.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::net::IpAddr;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

/// Lookups in flight. Each holds a thread while the system's resolver waits, which may be for
/// half a minute; more of them wait here, within the time that their request has to connect.
const LOOKUPS_MAX: usize = 32;

/// Lookups in flight for one owner: names that never answer stop their owner, and nobody else.
const LOOKUPS_EACH_MAX: usize = 8;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync + Debug {
    /// Returns the addresses of `host`, best first. `owner` asks.
    ///
    /// # Errors
    ///
    /// What the resolver says; an unknown name may also be an empty list.
    fn resolve<'a>(
        &'a self,
        owner: &'a str,
        host: &'a str,
    ) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver, with its hosts file and its settings.
#[derive(Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
    /// Those of each owner that has some in flight.
    owners: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl SystemResolver {
    /// Creates a resolver with no lookup in flight.
    #[must_use]
    pub fn new() -> Self {
        Self { lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)), owners: Mutex::default() }
    }

    /// Returns the places of an owner; those of owners with nothing in flight are forgotten.
    fn places(&self, owner: &str) -> Arc<Semaphore> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.retain(|_, places| Arc::strong_count(places) > 1);
        let fresh = || Arc::new(Semaphore::new(LOOKUPS_EACH_MAX));
        Arc::clone(owners.entry(owner.to_owned()).or_insert_with(fresh))
    }
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        owner: &'a str,
        host: &'a str,
    ) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            // The owner's place first: who waits for its own holds none of the others'.
            let own = self.places(owner).acquire_owned().await.map_err(io::Error::other)?;
            let any = Arc::clone(&self.lookups).acquire_owned().await.map_err(io::Error::other)?;
            let host = host.to_owned();
            let lookup = tokio::task::spawn_blocking(move || {
                // Held by the lookup, which goes on when nobody waits for it any more.
                let _places = (own, any);
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
        let found = SystemResolver::new().resolve("a:plugin", "localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn an_owner_has_places_of_its_own_as_long_as_it_needs_them() {
        let resolver = SystemResolver::new();
        let held = resolver.places("a:plugin").try_acquire_many_owned(8).unwrap();
        assert!(resolver.places("a:plugin").try_acquire_owned().is_err());
        assert!(resolver.places("b:plugin").try_acquire_owned().is_ok());
        drop(held);
        assert!(resolver.places("a:plugin").try_acquire_owned().is_ok());
        assert_eq!(resolver.owners.lock().unwrap().len(), 1, "owners at rest are forgotten");
    }
}
