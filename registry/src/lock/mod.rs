//! `plugins.lock`: which plugins are installed, and exactly what that means.
//!
//! ```toml
//! version = 1
//!
//! [plugins."ax:metrics"]
//! version = "0.3.1"
//! source = "folder:/home/me/metrics"
//! package = "sha256:…"
//! …
//! ```
//!
//! Invariant: reading what was written gives the same lock, and one lock has one text: plugins by
//! name, keys in one order.
//! Not here: the file and its generations (`generation`), the grants beside it (`ax-manifest`), which
//! version is chosen (a resolver, later).

use std::collections::BTreeMap;

use ax_manifest::ByteSize;
use ax_manifest::Digest;
use ax_manifest::LimitRequests;
use ax_manifest::PermissionSet;
use ax_manifest::PluginName;
use ax_manifest::Source;
use semver::Version;
use serde::Deserialize;
use serde::Serialize;

mod difference;
mod read;
mod write;

pub use difference::LockDifference;
pub use difference::PluginChange;
pub use read::LOCK_BYTES_MAX;
pub use read::LockError;
pub(crate) use read::position;

/// The version of the form that is written. Version 1, without `state` and `kv-bytes`, is read too.
pub const LOCK_VERSION: u32 = 2;

/// What is installed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockfile {
    /// The version of the form, [`LOCK_VERSION`].
    pub version: u32,
    /// The plugins by name; one release of each.
    #[serde(default)]
    pub plugins: BTreeMap<PluginName, LockedPlugin>,
}

/// One plugin, as it was installed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockedPlugin {
    /// Its release.
    pub version: Version,
    /// Where it came from; with the name, its identity.
    pub source: Source,
    /// Digest of the OCI manifest of its package.
    pub package: Digest,
    /// Digest of the component, which is what runs.
    pub component: Digest,
    /// Digest of the tools it offers.
    pub interface: Digest,
    /// Digest of its `plugin.json`.
    pub config: Digest,
    /// Digest of the permission card that the person saw.
    pub card: Digest,
    /// When it was installed, in milliseconds since 1970.
    #[serde(rename = "installed-at")]
    pub installed_at_ms: u64,
    /// Whether its tools are offered.
    pub enabled: bool,
    /// What it asked for; what it was granted stands in `grants.toml`.
    pub permissions: PermissionSet,
    /// The raised limits that the person agreed to.
    #[serde(default)]
    pub limits: LimitRequests,
    /// The raised quota on its key-value data that the person agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_bytes: Option<ByteSize>,
    /// Whether the person agreed to what it asks to use of models beyond the usual.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub models_raised: bool,
    /// The number of its data in the key-value store; 0 when it keeps none. Going back to an
    /// earlier generation goes back to its data.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub state: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Lockfile {
    /// Gives a lock without plugins.
    pub fn empty() -> Self {
        Self { version: LOCK_VERSION, plugins: BTreeMap::new() }
    }
}

impl Default for Lockfile {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
