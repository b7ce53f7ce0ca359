//! What a plugin may do in one call: what it declared and a person granted, and nothing more.
//!
//! ```text
//! declared (manifest) ∩ granted (live grants, or allowed for this call) = rights
//! ```
//!
//! Invariant: a right is never wider than either side. Checking allocates nothing.
//! Not here: who may grant (`app`), where a check happens ([`super::gate`]).

use std::path::Path;
use std::sync::Arc;

use ax_manifest::{Grant, GrantScope, Permission, PermissionSet};

/// A permission that holds, and the rule that makes it hold.
#[derive(Debug, Clone)]
struct Right {
    permission: Permission,
    rule: Arc<str>,
}

/// What a plugin may do in one call.
#[derive(Debug, Clone, Default)]
pub struct Rights {
    declared: PermissionSet,
    live: Vec<Right>,
}

/// The answer to one question of permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Allowed by the rule with this index, see [`Rights::rule`].
    Allowed(usize),
    /// Refused.
    Denied(DenialReason),
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DenialReason {
    /// The manifest does not ask for it, so nobody can have granted it.
    NotDeclared,
    /// The manifest asks for it, and no live grant covers it.
    NotGranted,
    /// No permission opens this; it is closed to every plugin.
    NeverGrantable,
}

impl DenialReason {
    /// Says the rule in a few words, for audit rows and messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotDeclared => "not declared in its manifest",
            Self::NotGranted => "declared, but not granted",
            Self::NeverGrantable => "closed to every plugin",
        }
    }
}

impl Rights {
    /// Computes the rights for a call.
    ///
    /// `once` are permissions a person allowed for this call alone; they too count only as far as
    /// the manifest declares them. `workspace` is the folder that project-wide grants are for.
    #[must_use]
    pub fn new(
        declared: PermissionSet,
        grants: &[Grant],
        once: &[Permission],
        workspace: Option<&Path>,
        now_ms: u64,
    ) -> Self {
        let standing =
            grants.iter().filter(|grant| grant.is_live(now_ms, workspace)).map(|grant| {
                let scope = match &grant.scope {
                    GrantScope::Once => "granted once",
                    GrantScope::Project(_) => "granted in this project",
                    GrantScope::Always => "granted",
                };
                (&grant.permission, scope)
            });
        let allowed = once.iter().map(|permission| (permission, "allowed for this call"));
        let live = standing
            .chain(allowed)
            .map(|(permission, how)| Right {
                permission: permission.clone(),
                rule: format!("{how}: {permission}").into(),
            })
            .collect();
        Self { declared, live }
    }

    /// Decides whether `wanted` may be done. Allocates nothing.
    #[must_use]
    pub fn decide(&self, wanted: &Permission) -> Ruling {
        if self.declared.covering(wanted).is_none() {
            return Ruling::Denied(DenialReason::NotDeclared);
        }
        match self.live.iter().position(|right| right.permission.covers(wanted)) {
            Some(rule) => Ruling::Allowed(rule),
            None => Ruling::Denied(DenialReason::NotGranted),
        }
    }

    /// Returns the text of a rule and the permission it grants.
    #[must_use]
    pub fn rule(&self, index: usize) -> Option<(&Permission, &Arc<str>)> {
        self.live.get(index).map(|right| (&right.permission, &right.rule))
    }

    /// Returns how many rules there are.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.live.len()
    }

    /// Lists what the manifest declares, sorted.
    pub fn declared(&self) -> impl Iterator<Item = &Permission> {
        self.declared.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(text: &str) -> Permission {
        text.parse().unwrap()
    }

    fn declared(texts: &[&str]) -> PermissionSet {
        texts.iter().map(|text| permission(text)).collect()
    }

    fn grant(text: &str, scope: GrantScope, expires_at_ms: Option<u64>) -> Grant {
        Grant { permission: permission(text), scope, expires_at_ms, granted_at_ms: 0 }
    }

    fn check(rights: &Rights, wanted: &str) -> Result<String, DenialReason> {
        match rights.decide(&permission(wanted)) {
            Ruling::Allowed(rule) => Ok(rights.rule(rule).unwrap().1.to_string()),
            Ruling::Denied(reason) => Err(reason),
        }
    }

    #[test]
    fn nothing_is_allowed_without_a_grant() {
        let rights = Rights::new(declared(&["fs:workspace:read"]), &[], &[], None, 0);
        assert_eq!(check(&rights, "fs:workspace:read"), Err(DenialReason::NotGranted));
        assert_eq!(check(&rights, "env:LANG"), Err(DenialReason::NotDeclared));
    }

    #[test]
    fn a_grant_opens_nothing_that_is_not_declared() {
        let grants = [grant("fs:*:write", GrantScope::Always, None)];
        let rights = Rights::new(declared(&["fs:workspace:read"]), &grants, &[], None, 0);
        assert!(check(&rights, "fs:workspace:read").is_ok());
        assert_eq!(check(&rights, "fs:workspace:write"), Err(DenialReason::NotDeclared));
        assert_eq!(check(&rights, "fs:out:read"), Err(DenialReason::NotDeclared));
    }

    #[test]
    fn a_grant_ends_at_its_expiry_and_holds_only_in_its_project() {
        let here = Path::new("/srv/here");
        let grants = [
            grant("env:LANG", GrantScope::Always, Some(100)),
            grant("kv", GrantScope::Project(here.to_owned()), None),
        ];
        let at = |now_ms, workspace| {
            let rights =
                Rights::new(declared(&["env:LANG", "kv"]), &grants, &[], workspace, now_ms);
            (check(&rights, "env:LANG").is_ok(), check(&rights, "kv").is_ok())
        };
        assert_eq!(at(99, Some(here)), (true, true));
        assert_eq!(at(100, Some(here)), (false, true));
        assert_eq!(at(99, Some(Path::new("/srv/there"))), (true, false));
        assert_eq!(at(99, None), (true, false));
    }

    #[test]
    fn a_permission_for_one_call_is_bounded_by_the_manifest_too() {
        let once = [permission("env:LANG"), permission("env:HOME")];
        let rights = Rights::new(declared(&["env:LANG"]), &[], &once, None, 0);
        assert_eq!(check(&rights, "env:LANG").unwrap(), "allowed for this call: env:LANG");
        assert_eq!(check(&rights, "env:HOME"), Err(DenialReason::NotDeclared));
    }
}
