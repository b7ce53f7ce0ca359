//! Secrets as calls see them: which may be put where, their values, and the scan for them.
//!
//! ```text
//! manifest asks ──→ Injection (name, origin, header)         live grants ──→ names
//!                        └──────────── a request toward that origin ┘
//!                                          └─→ header, put in after the check (`send`)
//! ```
//!
//! Invariant: a value leaves here only into a header of a request toward an origin it was granted
//! for. A call that may use secrets has all of them in its scan, whether or not it sends anything.
//! Not here: how secrets are kept (`secret`), who may use one (`rights`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ax_manifest::{Ask, Origin, Permission};
use http::{HeaderName, HeaderValue};

use super::rights::Rights;
use crate::secret::error::SecretError;
use crate::secret::leak::LeakScan;
use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;
use crate::secret::vault::Vault;

/// The header a secret goes into when the manifest names none.
const HEADER_DEFAULT: &str = "Authorization: Bearer {}";

/// Sets of secrets whose values are kept in memory, one per set of names; more start anew.
const SETS_MAX: usize = 64;

/// A secret that a manifest asks to have put into requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    asked: Permission,
    name: String,
    to: Origin,
    header: HeaderName,
    before: String,
    after: String,
}

impl Injection {
    /// Returns the header that carries a secret, with `{}` for the value; none for what is no secret.
    #[must_use]
    pub fn header_of(ask: &Ask) -> Option<&str> {
        let is_secret = matches!(ask.permission, Permission::Secret { .. });
        is_secret.then(|| ask.header.as_deref().unwrap_or(HEADER_DEFAULT))
    }

    /// Reads what a manifest asks; none for what is no secret.
    #[must_use]
    pub fn of(ask: &Ask) -> Option<Self> {
        let Permission::Secret { name, to } = &ask.permission else { return None };
        let text = Self::header_of(ask)?;
        // The manifest was checked: a name, `: `, and a value with one `{}`.
        let (header, value) = text.split_once(": ")?;
        let (before, after) = value.split_once("{}")?;
        Some(Self {
            asked: ask.permission.clone(),
            name: name.clone(),
            to: to.clone(),
            header: HeaderName::try_from(header).ok()?,
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// Returns the secret's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the permission as the manifest asks for it.
    pub(super) fn asked(&self) -> &Permission {
        &self.asked
    }

    /// Answers whether it belongs into requests toward `origin`.
    pub(super) fn is_for(&self, origin: &Origin) -> bool {
        self.to.covers(origin)
    }

    /// Returns what a call needs to have it put in toward `origin`.
    pub(super) fn permission(&self, origin: &Origin) -> Permission {
        Permission::Secret { name: self.name.clone(), to: origin.clone() }
    }

    /// Returns the header it goes into.
    pub(super) fn header(&self) -> &HeaderName {
        &self.header
    }

    /// Makes the header's value, which never shows itself. None when the secret holds a byte that
    /// no header may hold.
    pub(super) fn filled(&self, secret: &SecretValue) -> Option<HeaderValue> {
        let bytes = [self.before.as_bytes(), secret.expose(), self.after.as_bytes()].concat();
        let mut value = HeaderValue::from_bytes(&bytes).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// The secrets one call may use.
#[derive(Clone, Default)]
pub(super) struct CallSecrets(Option<Arc<Values>>);

struct Values {
    by_name: BTreeMap<String, SecretValue>,
    scan: LeakScan,
}

static NO_SCAN: LazyLock<LeakScan> = LazyLock::new(LeakScan::none);

impl CallSecrets {
    /// No values, and the scan for some.
    #[cfg(test)]
    pub(super) fn looking_for(scan: LeakScan) -> Self {
        Self(Some(Arc::new(Values { by_name: BTreeMap::new(), scan })))
    }

    /// Returns the scan for what must not get out.
    pub(super) fn scan(&self) -> &LeakScan {
        self.0.as_ref().map_or(&NO_SCAN, |values| &values.scan)
    }

    /// Returns a value, if it is set.
    pub(super) fn value(&self, name: &str) -> Option<&SecretValue> {
        self.0.as_ref()?.by_name.get(name)
    }
}

/// The vault, as the sandbox reads it: values are kept until the file changes.
pub(super) struct Secrets {
    vault: Vault,
    read: Mutex<Read>,
}

/// Tells one state of the vault's file from another: it is replaced by rename, so a change has
/// another inode. Nothing when there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp(Option<(u64, u64, i64, i64)>);

impl Stamp {
    fn of(vault: &Vault) -> Self {
        let data = std::fs::symlink_metadata(vault.path()).ok();
        Self(data.map(|data| (data.ino(), data.size(), data.mtime(), data.mtime_nsec())))
    }
}

#[derive(Default)]
struct Read {
    stamp: Option<Stamp>,
    sets: HashMap<BTreeSet<String>, Arc<Values>>,
}

impl Secrets {
    pub(super) fn new(vault: Vault) -> Self {
        Self { vault, read: Mutex::new(Read::default()) }
    }

    /// Returns the secrets that `rights` allow. Blocks on the disk, but only when a secret is
    /// granted; callers go through `spawn_blocking` then ([`Rights::uses_secrets`]).
    pub(super) fn of(&self, rights: &Rights) -> Result<CallSecrets, SecretError> {
        let names: BTreeSet<String> = rights.secrets().map(str::to_owned).collect();
        if names.is_empty() {
            return Ok(CallSecrets::default());
        }
        let stamp = Stamp::of(&self.vault);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.stamp != Some(stamp) || read.sets.len() >= SETS_MAX {
            *read = Read { stamp: Some(stamp), sets: HashMap::new() };
        }
        if let Some(values) = read.sets.get(&names) {
            return Ok(CallSecrets(Some(Arc::clone(values))));
        }
        let values = Arc::new(self.load(&names)?);
        read.sets.insert(names, Arc::clone(&values));
        Ok(CallSecrets(Some(values)))
    }

    fn load(&self, names: &BTreeSet<String>) -> Result<Values, SecretError> {
        // A name the grammar allows and the vault does not cannot have been set.
        let wanted: Vec<SecretName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        let found = self.vault.get(&wanted)?;
        let named = found.iter().map(|(name, value)| (Arc::from(name.as_str()), value.clone()));
        let scan = LeakScan::new(named);
        let by_name =
            found.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
        Ok(Values { by_name, scan })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn injection(header: Option<&str>) -> Injection {
        let permission = "secret:token@https://api.example.org".parse().unwrap();
        let ask = Ask {
            permission,
            reason: None,
            quota: ax_manifest::Quota::default(),
            header: header.map(str::to_owned),
        };
        Injection::of(&ask).unwrap()
    }

    #[test]
    fn a_secret_goes_where_its_manifest_says() {
        let value = SecretValue::new(b"tOk3n-value").unwrap();
        let usual = injection(None);
        assert_eq!(usual.header(), "authorization");
        assert_eq!(usual.filled(&value).unwrap().as_bytes(), b"Bearer tOk3n-value");
        let other = injection(Some("X-Api-Key: {}"));
        assert_eq!(other.header(), "x-api-key");
        assert_eq!(other.filled(&value).unwrap().as_bytes(), b"tOk3n-value");
    }

    #[test]
    fn it_belongs_to_its_own_origin_only() {
        let injection = injection(None);
        let is_for = |text: &str| injection.is_for(&text.parse().unwrap());
        assert!(is_for("https://api.example.org"));
        for other in
            ["http://api.example.org", "https://api.example.org:8443", "https://example.org"]
        {
            assert!(!is_for(other), "{other}");
        }
    }

    #[test]
    fn its_value_is_not_shown() {
        let value = SecretValue::new(b"tOk3n-value").unwrap();
        let header = injection(None).filled(&value).unwrap();
        assert!(!format!("{header:?}").contains("tOk3n"));
    }
}
