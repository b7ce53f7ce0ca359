//! Grants: what a person agreed that a plugin may do.
//!
//! ```text
//! identity (name + where it comes from)  ->  grants (permission + scope + expiry)
//! ```
//!
//! Invariant: grants belong to an identity, never to a name. A plugin of the same name from another
//! folder or publisher has none.
//! Not here: reading and writing `grants.toml` (`ax-registry`), the question itself (host, cli),
//! what the manifest asks and policy allows, with which a grant is intersected.

mod grants;
mod scope;
mod source;

pub use grants::{Grants, GrantsError};
pub use scope::GrantScope;
pub use source::{Identity, Source, SourceError};

use std::path::Path;

use crate::permission::Permission;

/// One permission that a person granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is allowed.
    pub permission: Permission,
    /// Where it counts.
    pub scope: GrantScope,
    /// When it ends, in milliseconds since 1970 UTC; never, if `None`.
    pub expires_at_ms: Option<u64>,
    /// When it was given, in milliseconds since 1970 UTC.
    pub granted_at_ms: u64,
}

impl Grant {
    /// Tells whether the grant counts at `now_ms` (milliseconds since 1970 UTC) in the project
    /// folder `workspace`, which is absolute. A grant for one project does not count outside
    /// projects. [`GrantScope::Once`] counts until its holder removes it after the run.
    pub fn is_live(&self, now_ms: u64, workspace: Option<&Path>) -> bool {
        let in_time = self.expires_at_ms.is_none_or(|expires_at_ms| now_ms < expires_at_ms);
        let in_place = match &self.scope {
            GrantScope::Once | GrantScope::Always => true,
            GrantScope::Project(folder) => workspace == Some(folder.as_path()),
        };
        in_time && in_place
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Grant;
    use crate::permission::Permission;

    fn grant(scope: &str, expires_at_ms: Option<u64>) -> Grant {
        let scope = scope.parse().expect(scope);
        Grant { permission: Permission::Kv, scope, expires_at_ms, granted_at_ms: 0 }
    }

    #[test]
    fn a_grant_ends_at_its_expiry() {
        let grant = grant("always", Some(1000));
        assert!(grant.is_live(999, None));
        assert!(!grant.is_live(1000, None));
    }

    #[test]
    fn a_project_grant_counts_in_that_project_only() {
        let grant = grant("project:/home/me/app", None);
        assert!(grant.is_live(0, Some(Path::new("/home/me/app"))));
        assert!(!grant.is_live(0, Some(Path::new("/home/me/app/sub"))));
        assert!(!grant.is_live(0, Some(Path::new("/home/me"))));
        assert!(!grant.is_live(0, None));
    }

    #[test]
    fn other_grants_count_everywhere() {
        assert!(grant("once", None).is_live(u64::MAX, None));
        assert!(grant("always", None).is_live(0, Some(Path::new("/x"))));
    }
}
