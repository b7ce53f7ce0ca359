//! Every grant of one generation, by identity.
//!
//! ```toml
//! [[grant]]
//! name = "ax:metrics"
//! source = "folder:/home/me/plugins/metrics"
//! permission = "fs:workspace:read"
//! scope = "always"
//! granted-at = 1767225600000      # milliseconds since 1970 UTC, as `expires-at`
//! ```
//!
//! Invariant: an identity holds a permission at most once in a scope, and none without a grant.
//! Not here: the file, its generation and its lock (`ax-registry`).

use std::collections::BTreeMap;

use serde::ser::SerializeStruct as _;

use crate::grant::{Grant, GrantScope, Identity, Source};
use crate::name::PluginName;
use crate::permission::Permission;

/// Grants in one file. A person answers for each, so a file with more was not made by answering.
const GRANTS_MAX: usize = 10_000;

/// Milliseconds in a time stamp: the largest integer that TOML holds.
const TIME_MS_MAX: u64 = i64::MAX as u64;

/// Every grant, by the identity that holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeMap<Identity, Vec<Grant>>);

impl Grants {
    /// Makes an empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what `identity` was granted, sorted by permission and scope, live or not.
    pub fn get(&self, identity: &Identity) -> &[Grant] {
        self.0.get(identity).map_or(&[], Vec::as_slice)
    }

    /// Goes through all identities that hold a grant, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Identity, &[Grant])> {
        self.0.iter().map(|(identity, grants)| (identity, grants.as_slice()))
    }

    /// Tells whether nobody holds a grant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts the grants of all identities.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Adds a grant; one of the same permission and scope is replaced and returned.
    pub fn add(&mut self, identity: Identity, grant: Grant) -> Option<Grant> {
        let held = self.0.entry(identity).or_default();
        match held.binary_search_by(|other| key(other).cmp(&key(&grant))) {
            Ok(at) => Some(std::mem::replace(&mut held[at], grant)),
            Err(at) => {
                held.insert(at, grant);
                None
            }
        }
    }

    /// Takes away every grant of `identity` that `permission` covers, in every scope, and returns
    /// them. A grant that is wider than `permission` stays: taking a part out of it is not possible.
    pub fn revoke(&mut self, identity: &Identity, permission: &Permission) -> Vec<Grant> {
        let Some(held) = self.0.get_mut(identity) else { return Vec::new() };
        let (revoked, kept) =
            held.drain(..).partition(|grant| permission.covers(&grant.permission));
        *held = kept;
        if held.is_empty() {
            self.0.remove(identity);
        }
        revoked
    }

    /// Takes away all that `identity` was granted and returns it.
    pub fn remove_identity(&mut self, identity: &Identity) -> Vec<Grant> {
        self.0.remove(identity).unwrap_or_default()
    }
}

/// What makes two grants of one identity the same.
fn key(grant: &Grant) -> (&Permission, &GrantScope) {
    (&grant.permission, &grant.scope)
}

/// Why a list of grants is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantsError {
    /// There are more grants than a person could have given.
    #[error("{count} grants are too many; {max} is the most")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// One identity holds one permission twice in the same scope.
    #[error("`{identity}` holds `{permission}` twice in the scope `{scope}`")]
    Duplicate {
        /// Who holds it.
        identity: Box<Identity>,
        /// What is held.
        permission: Box<Permission>,
        /// The scope of both.
        scope: GrantScope,
    },
    /// A time is beyond what the file can hold.
    #[error("the time {time_ms} ms of a grant for `{identity}` is too large")]
    Time {
        /// Who holds the grant.
        identity: Box<Identity>,
        /// The time, in milliseconds since 1970 UTC.
        time_ms: u64,
    },
}

impl GrantsError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        match self {
            Self::TooMany { .. } => "run `ax permission revoke` for plugins you removed".to_owned(),
            Self::Duplicate { .. } => "delete one of the two `[[grant]]` tables".to_owned(),
            Self::Time { .. } => {
                "write milliseconds since 1970, or leave `expires-at` out".to_owned()
            }
        }
    }
}

/// The file as serde reads it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    grant: Vec<Entry>,
}

/// One `[[grant]]` as serde reads it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: PluginName,
    source: Source,
    permission: Permission,
    scope: GrantScope,
    expires_at: Option<u64>,
    granted_at: u64,
}

impl TryFrom<File> for Grants {
    type Error = GrantsError;

    fn try_from(file: File) -> Result<Self, Self::Error> {
        let (count, max) = (file.grant.len(), GRANTS_MAX);
        if count > max {
            return Err(GrantsError::TooMany { count, max });
        }
        let mut grants = Self::new();
        for entry in file.grant {
            let identity = Identity { name: entry.name, source: entry.source };
            let times = [Some(entry.granted_at), entry.expires_at];
            if let Some(time_ms) = times.into_iter().flatten().find(|time| *time > TIME_MS_MAX) {
                return Err(GrantsError::Time { identity: Box::new(identity), time_ms });
            }
            let grant = Grant {
                permission: entry.permission,
                scope: entry.scope,
                expires_at_ms: entry.expires_at,
                granted_at_ms: entry.granted_at,
            };
            if let Some(replaced) = grants.add(identity.clone(), grant) {
                return Err(GrantsError::Duplicate {
                    identity: Box::new(identity),
                    permission: Box::new(replaced.permission),
                    scope: replaced.scope,
                });
            }
        }
        Ok(grants)
    }
}

impl<'de> serde::Deserialize<'de> for Grants {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = <File as serde::Deserialize>::deserialize(deserializer)?;
        Self::try_from(file).map_err(serde::de::Error::custom)
    }
}

/// One `[[grant]]` as serde writes it.
struct Row<'a>(&'a Identity, &'a Grant);

impl serde::Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(identity, grant) = self;
        let mut row = serializer.serialize_struct("grant", 6)?;
        row.serialize_field("name", &identity.name)?;
        row.serialize_field("source", &identity.source)?;
        row.serialize_field("permission", &grant.permission)?;
        row.serialize_field("scope", &grant.scope)?;
        match grant.expires_at_ms {
            // `None` has no text in TOML: the key stays out.
            None => row.skip_field("expires-at")?,
            Some(expires_at_ms) => row.serialize_field("expires-at", &expires_at_ms)?,
        }
        row.serialize_field("granted-at", &grant.granted_at_ms)?;
        row.end()
    }
}

impl serde::Serialize for Grants {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<Row<'_>> = self
            .0
            .iter()
            .flat_map(|(identity, held)| held.iter().map(move |grant| Row(identity, grant)))
            .collect();
        let mut file = serializer.serialize_struct("grants", 1)?;
        file.serialize_field("grant", &rows)?;
        file.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::{any, proptest};
    use proptest::sample::select;

    use super::Grants;
    use crate::grant::{Grant, Identity};
    use crate::permission::Permission;

    fn identity(name: &str, source: &str) -> Identity {
        Identity { name: name.parse().expect(name), source: source.parse().expect(source) }
    }

    fn grant(permission: &str, scope: &str) -> Grant {
        Grant {
            permission: permission.parse().expect(permission),
            scope: scope.parse().expect(scope),
            expires_at_ms: None,
            granted_at_ms: 7,
        }
    }

    fn texts(grants: &[Grant]) -> Vec<String> {
        grants.iter().map(|grant| format!("{} {}", grant.permission, grant.scope)).collect()
    }

    #[test]
    fn a_namesake_from_elsewhere_has_no_grants() {
        let mut grants = Grants::new();
        grants.add(identity("ax:a", "folder:/a"), grant("kv", "always"));
        assert!(grants.get(&identity("ax:a", "folder:/b")).is_empty());
        assert!(grants.get(&identity("ax:a", "publisher:k")).is_empty());
        assert_eq!(grants.get(&identity("ax:a", "folder:/a")).len(), 1);
    }

    #[test]
    fn a_second_grant_of_the_same_scope_replaces_the_first() {
        let (mut grants, who) = (Grants::new(), identity("ax:a", "folder:/a"));
        assert_eq!(grants.add(who.clone(), grant("kv", "always")), None);
        let newer = Grant { expires_at_ms: Some(9), ..grant("kv", "always") };
        assert_eq!(grants.add(who.clone(), newer.clone()), Some(grant("kv", "always")));
        grants.add(who.clone(), grant("kv", "once"));
        assert_eq!(grants.len(), 2);
        assert!(grants.get(&who).contains(&newer));
    }

    #[test]
    fn revoking_takes_what_the_permission_covers() {
        let (mut grants, who) = (Grants::new(), identity("ax:a", "folder:/a"));
        for (permission, scope) in [
            ("fs:workspace:read", "always"),
            ("fs:workspace:write", "once"),
            ("fs:*:read", "always"),
            ("env:LANG", "always"),
        ] {
            grants.add(who.clone(), grant(permission, scope));
        }
        let revoked = grants.revoke(&who, &"fs:workspace:write".parse().expect("a permission"));
        assert_eq!(texts(&revoked), ["fs:workspace:read always", "fs:workspace:write once"]);
        assert_eq!(texts(grants.get(&who)), ["fs:*:read always", "env:LANG always"]);
        assert!(grants.revoke(&who, &Permission::Kv).is_empty());
        assert_eq!(grants.remove_identity(&who).len(), 2);
        assert!(grants.is_empty() && grants.remove_identity(&who).is_empty());
    }

    #[test]
    fn the_file_reads_like_the_design() {
        let mut grants = Grants::new();
        let who = identity("ax:metrics", "folder:/p/metrics");
        let expiring = Grant { expires_at_ms: Some(99), ..grant("kv", "project:/w") };
        grants.add(who.clone(), expiring);
        grants.add(who, grant("fs:workspace:read", "always"));
        insta::assert_snapshot!(toml::to_string(&grants).expect("TOML"), @r#"
        [[grant]]
        name = "ax:metrics"
        source = "folder:/p/metrics"
        permission = "kv"
        scope = "project:/w"
        expires-at = 99
        granted-at = 7

        [[grant]]
        name = "ax:metrics"
        source = "folder:/p/metrics"
        permission = "fs:workspace:read"
        scope = "always"
        granted-at = 7
        "#);
        assert_eq!(toml::to_string(&Grants::new()).expect("TOML"), "grant = []\n");
        assert_eq!(toml::from_str::<Grants>(""), Ok(Grants::new()));
    }

    #[test]
    fn a_wrong_file_is_refused() {
        let good = "[[grant]]\nname = \"ax:a\"\nsource = \"folder:/a\"\npermission = \"kv\"\n\
                    scope = \"once\"\ngranted-at = 1\n";
        assert!(toml::from_str::<Grants>(good).is_ok());
        let refused =
            |text: &str| toml::from_str::<Grants>(text).expect_err(text).message().to_owned();
        let lines = [
            refused(&format!("{good}note = \"x\"\n")),
            refused(&format!("version = 1\n{good}")),
            refused(&format!("{good}{good}")),
            refused(&good.replace("kv", "all")),
            refused(&good.replace("folder:/a", "folder:a")),
            refused(&good.replace("ax:a", "a")),
            refused(&good.replace("once", "twice")),
            refused(&good.replace("granted-at = 1\n", "")),
            refused(&good.replace("= 1\n", "= -1\n")),
            refused(&good.replace("= 1\n", "= 9223372036854775808\n")),
        ];
        insta::assert_snapshot!(lines.join("\n"), @"
        unknown field `note`, expected one of `name`, `source`, `permission`, `scope`, `expires-at`, `granted-at`
        unknown field `version`, expected `grant`
        `ax:a from folder:/a` holds `kv` twice in the scope `once`
        unknown permission kind `all`
        `folder:a` is not a source: the path is not absolute
        `a` is not a name: it has no namespace before a colon
        `twice` is not the scope of a grant: it is none of `once`, `project:<folder>`, `always`
        missing field `granted-at`
        invalid value: integer `-1`, expected u64
        the time 9223372036854775808 ms of a grant for `ax:a from folder:/a` is too large
        ");
    }

    #[test]
    fn ten_thousand_grants_are_the_most() {
        let row = |n: usize| {
            format!(
                r#"{{"name":"ax:a","source":"folder:/a","permission":"env:V{n}","scope":"once","granted-at":1}}"#
            )
        };
        let json = |count: usize| {
            format!(r#"{{"grant":[{}]}}"#, (0..count).map(row).collect::<Vec<_>>().join(","))
        };
        assert_eq!(serde_json::from_str::<Grants>(&json(10_000)).expect("at most").len(), 10_000);
        let error = serde_json::from_str::<Grants>(&json(10_001)).expect_err("one more");
        assert!(error.to_string().starts_with("10001 grants are too many"), "{error}");
    }

    proptest! {
        #[test]
        fn grants_survive_their_file(
            rows in vec(
                (
                    select(vec!["ax:a", "ax:b", "me:a"]),
                    select(vec!["folder:/a b", "file:/x.axp", "publisher:k=="]),
                    select(vec!["kv", "fs:workspace:read", "net:https://h:GET:/a", "env:LANG"]),
                    select(vec!["once", "always", "project:/tmp/\"quoted\""]),
                    option::of(0_u64..=i64::MAX as u64),
                    any::<u32>(),
                ),
                0..12,
            )
        ) {
            let mut grants = Grants::new();
            for (name, source, permission, scope, expires_at_ms, granted) in rows {
                let granted_at_ms = u64::from(granted);
                let grant = Grant { expires_at_ms, granted_at_ms, ..grant(permission, scope) };
                grants.add(identity(name, source), grant);
            }
            let text = toml::to_string(&grants).expect("TOML");
            assert_eq!(toml::from_str::<Grants>(&text).expect(&text), grants);
        }
    }
}
