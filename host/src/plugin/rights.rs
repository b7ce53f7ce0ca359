//! What a plugin may do in one call: what it declared and a person granted, and nothing more.
//!
//! ```text
//! declared (manifest) ∩ granted (live grants, or allowed for this call) ∩ policy = rights
//! ```
//!
//! Invariant: a right is never wider than any side. Checking what is allowed allocates nothing.
//! Not here: who may grant (`app`), where a check happens ([`super::gate`]).

use std::path::Path;
use std::sync::Arc;

use ax_manifest::{
    Cited, Grant, GrantScope, Permission, PermissionSet, PluginName, Policies, Verdict,
};

/// A permission that holds, and the rule that makes it hold.
#[derive(Debug, Clone)]
struct Right {
    permission: Permission,
    rule: Arc<str>,
    /// When it was granted, in milliseconds since 1970; none when it was for one call.
    granted_at_ms: Option<u64>,
}

/// What a plugin may do in one call.
#[derive(Debug, Clone, Default)]
pub struct Rights {
    declared: PermissionSet,
    live: Vec<Right>,
    policy: Option<(Arc<Policies>, PluginName)>,
}

/// What rights are computed from, besides what is granted.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// What the manifest asks for.
    pub declared: PermissionSet,
    /// The policies in force, if there are any, and the plugin they are asked about.
    pub policy: Option<(Arc<Policies>, PluginName)>,
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
    /// The managed policy forbids it, whatever is granted.
    Policy,
    /// The managed policy wants a person to allow it for each call.
    PolicyAsks,
    /// The host name leads to an address that no rule names.
    Address,
    /// What came back held a secret.
    Leak,
}

impl DenialReason {
    /// Says the rule in a few words, for audit rows and messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotDeclared => "not declared in its manifest",
            Self::NotGranted => "declared, but not granted",
            Self::NeverGrantable => "closed to every plugin",
            Self::Policy => "forbidden by the managed policy",
            Self::PolicyAsks => "granted, but the managed policy wants it allowed for each call",
            Self::Address => "the host leads to an address that no rule names",
            Self::Leak => "what came back held a secret",
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
        bounds: Bounds,
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
                (&grant.permission, scope, Some(grant.granted_at_ms))
            });
        let allowed = once.iter().map(|permission| (permission, "allowed for this call", None));
        let live = standing
            .chain(allowed)
            .map(|(permission, how, granted_at_ms)| Right {
                permission: permission.clone(),
                rule: format!("{how}: {permission}").into(),
                granted_at_ms,
            })
            .collect();
        Self { declared: bounds.declared, live, policy: bounds.policy }
    }

    /// Decides whether `wanted` may be done. Allocates nothing when it may.
    #[must_use]
    pub fn decide(&self, wanted: &Permission) -> Ruling {
        if self.declared.covering(wanted).is_none() {
            return Ruling::Denied(DenialReason::NotDeclared);
        }
        let is_asked_each_time = match self.verdict(wanted) {
            Verdict::Allow => false,
            Verdict::Ask { .. } => true,
            Verdict::Deny { .. } => return Ruling::Denied(DenialReason::Policy),
        };
        let covers = |right: &Right| right.permission.covers(wanted);
        let does =
            |right: &Right| covers(right) && (!is_asked_each_time || right.granted_at_ms.is_none());
        match self.live.iter().position(does) {
            Some(rule) => Ruling::Allowed(rule),
            None if self.live.iter().any(covers) => Ruling::Denied(DenialReason::PolicyAsks),
            None => Ruling::Denied(DenialReason::NotGranted),
        }
    }

    fn verdict(&self, wanted: &Permission) -> Verdict<Cited<'_>> {
        match &self.policy {
            Some((policies, plugin)) => policies.decide(plugin, wanted),
            None => Verdict::Allow,
        }
    }

    /// Returns the rule of a policy that keeps `wanted` from being done, if one does, with its place.
    #[must_use]
    pub fn policy_rule(&self, wanted: &Permission) -> Option<String> {
        match self.verdict(wanted) {
            Verdict::Allow => None,
            Verdict::Ask { rule } | Verdict::Deny { rule } => Some(rule.to_string()),
        }
    }

    /// Answers whether `wanted`, a request, may be sent again under the same key: who asks and who grants both
    /// say that whoever gets it honours that.
    #[must_use]
    pub fn honours_key(&self, wanted: &Permission) -> bool {
        wanted.again().is_some_and(|again| matches!(self.decide(&again), Ruling::Allowed(_)))
    }

    /// Answers whether a rule that allows `wanted`, a request, names its very host and no pattern.
    /// Both sides have to: who asks and who grants.
    #[must_use]
    pub fn names_host(&self, wanted: &Permission) -> bool {
        let names = |permission: &Permission| {
            let Permission::Net(rule) = permission else { return false };
            rule.origin().is_some_and(|origin| origin.is_exact()) && permission.covers(wanted)
        };
        let is_asked_each_time = matches!(self.verdict(wanted), Verdict::Ask { .. });
        let counts = |right: &&Right| !is_asked_each_time || right.granted_at_ms.is_none();
        let is_granted = self.live.iter().filter(counts).any(|right| names(&right.permission));
        is_granted && self.declared.iter().any(names)
    }

    /// Returns the text of the rule that allows `wanted`.
    #[must_use]
    pub fn rule_for(&self, wanted: &Permission) -> Option<Arc<str>> {
        match self.decide(wanted) {
            Ruling::Allowed(rule) => Some(Arc::clone(&self.live.get(rule)?.rule)),
            Ruling::Denied(_) => None,
        }
    }

    /// Names the secrets that may be used in this call.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.live.iter().filter_map(|right| match &right.permission {
            Permission::Secret { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    /// Returns when what allows `wanted` was granted, in milliseconds since 1970; none when it was
    /// allowed for this call alone or is not allowed.
    #[must_use]
    pub fn granted_at_ms(&self, wanted: &Permission) -> Option<u64> {
        match self.decide(wanted) {
            Ruling::Allowed(rule) => self.live.get(rule)?.granted_at_ms,
            Ruling::Denied(_) => None,
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
    use ax_manifest::Policy;

    use super::*;

    fn permission(text: &str) -> Permission {
        text.parse().unwrap()
    }

    fn declared(texts: &[&str]) -> Bounds {
        let declared = texts.iter().map(|text| permission(text)).collect();
        Bounds { declared, policy: None }
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
    fn a_policy_takes_away_what_is_granted_and_asks_for_each_call() {
        let policy = Policy::parse("permissions.deny = [\"env:LANG\"]\npermissions.ask = [\"kv\"]");
        let policies = Policies::new([("/p.toml".to_owned(), policy.unwrap())]);
        let bounds = Bounds {
            policy: Some((Arc::new(policies), "a:b".parse().unwrap())),
            ..declared(&["env:LANG", "env:TZ", "kv"])
        };
        let grants = ["env:LANG", "env:TZ", "kv"].map(|text| grant(text, GrantScope::Always, None));
        let standing = Rights::new(bounds.clone(), &grants, &[], None, 0);
        assert_eq!(check(&standing, "env:LANG"), Err(DenialReason::Policy));
        assert_eq!(check(&standing, "kv"), Err(DenialReason::PolicyAsks));
        assert_eq!(check(&standing, "env:TZ").unwrap(), "granted: env:TZ");
        let rule = |wanted| standing.policy_rule(&permission(wanted));
        assert_eq!(rule("kv").unwrap(), "`permissions.ask kv` (/p.toml:2)");
        assert_eq!(rule("env:TZ"), None);
        let once = [permission("env:LANG"), permission("kv")];
        let asked = Rights::new(bounds.clone(), &grants, &once, None, 0);
        assert_eq!(check(&asked, "env:LANG"), Err(DenialReason::Policy));
        assert_eq!(check(&asked, "kv").unwrap(), "allowed for this call: kv");
        // Nothing is granted by being asked for.
        let empty = Rights::new(bounds, &[], &[], None, 0);
        assert_eq!(check(&empty, "kv"), Err(DenialReason::NotGranted));
    }

    #[test]
    fn a_request_is_sent_again_only_if_manifest_and_grant_say_so() {
        let (plain, marked) = ("net:https://h:POST", "net:https://h:POST,idempotency-key");
        for (asked, given, again) in [
            (plain, plain, false),
            (plain, marked, false),
            (marked, plain, false),
            (marked, marked, true),
            (marked, "net:https://h:POST,idempotency-key:/b", false),
        ] {
            let grants = [grant(given, GrantScope::Always, None)];
            let rights = Rights::new(declared(&[asked]), &grants, &[], None, 0);
            let wanted = permission("net:https://h:POST:/a");
            assert_eq!(rights.honours_key(&wanted), again, "{asked} {given}");
            assert!(!rights.honours_key(&permission("net:https://h:PUT:/a")), "it needs no key");
        }
    }

    #[test]
    fn a_permission_for_one_call_is_bounded_by_the_manifest_too() {
        let once = [permission("env:LANG"), permission("env:HOME")];
        let rights = Rights::new(declared(&["env:LANG"]), &[], &once, None, 0);
        assert_eq!(check(&rights, "env:LANG").unwrap(), "allowed for this call: env:LANG");
        assert_eq!(check(&rights, "env:HOME"), Err(DenialReason::NotDeclared));
    }
}
