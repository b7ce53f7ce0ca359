//! Sets of permissions: what one allows, and what changes between two.
//!
//! Invariant: sorted and without duplicates, so equal sets have equal texts. Members that another
//! member covers are kept: the set is what somebody wrote or agreed to.
//! Not here: who agreed and for how long (`grant`).

use std::collections::BTreeSet;

use crate::permission::Permission;

/// A set of permissions, in the order of their kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PermissionSet(BTreeSet<Permission>);

/// What changes when one set of permissions replaces another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionDifference {
    /// What the newer set asks and the older one did not cover; needs consent.
    pub added: Vec<Permission>,
    /// What the older set had and the newer one does not cover.
    pub removed: Vec<Permission>,
}

impl PermissionDifference {
    /// Tells whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl PermissionSet {
    /// Makes an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one permission; tells whether it was new.
    pub fn insert(&mut self, permission: Permission) -> bool {
        self.0.insert(permission)
    }

    /// Goes through the members in order.
    pub fn iter(&self) -> std::collections::btree_set::Iter<'_, Permission> {
        self.0.iter()
    }

    /// Tells whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts the members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the first member that covers `wanted`; it is the rule that allows it. Several
    /// members never cover something together.
    pub fn covering(&self, wanted: &Permission) -> Option<&Permission> {
        self.0.iter().find(|member| member.covers(wanted))
    }

    /// Compares with the set that is to replace this one.
    pub fn difference(&self, newer: &Self) -> PermissionDifference {
        let uncovered = |wanted: &Self, by: &Self| {
            wanted.iter().filter(|permission| by.covering(permission).is_none()).cloned().collect()
        };
        PermissionDifference { added: uncovered(newer, self), removed: uncovered(self, newer) }
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}

impl Extend<Permission> for PermissionSet {
    fn extend<I: IntoIterator<Item = Permission>>(&mut self, permissions: I) {
        self.0.extend(permissions);
    }
}

impl IntoIterator for PermissionSet {
    type Item = Permission;
    type IntoIter = std::collections::btree_set::IntoIter<Permission>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a PermissionSet {
    type Item = &'a Permission;
    type IntoIter = std::collections::btree_set::Iter<'a, Permission>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Strategy, proptest};

    use super::PermissionSet;
    use crate::permission::Permission;
    use crate::permission::covers::tests::any_permission;

    fn set(texts: &[&str]) -> PermissionSet {
        texts.iter().map(|text| text.parse::<Permission>().expect(text)).collect()
    }

    fn texts(permissions: &[Permission]) -> Vec<String> {
        permissions.iter().map(Permission::to_string).collect()
    }

    fn any_set() -> impl Strategy<Value = PermissionSet> {
        vec(any_permission(), 0..5).prop_map(|members| members.into_iter().collect())
    }

    #[test]
    fn a_narrower_request_adds_nothing() {
        let old = set(&["fs:workspace:write", "net:https://*.example.org"]);
        let new = set(&["fs:workspace:read", "net:https://api.example.org:GET"]);
        let difference = old.difference(&new);
        assert_eq!(texts(&difference.added), Vec::<String>::new());
        assert_eq!(texts(&difference.removed), ["net:https://*.example.org", "fs:workspace:write"]);
    }

    #[test]
    fn a_wider_request_is_shown_alone() {
        let old = set(&["fs:workspace:read", "env:LANG"]);
        let new = set(&["fs:workspace:write", "env:LANG"]);
        let difference = old.difference(&new);
        assert_eq!(texts(&difference.added), ["fs:workspace:write"]);
        assert!(difference.removed.is_empty());
        assert!(new.difference(&new).is_empty());
    }

    #[test]
    fn the_covering_rule_is_named() {
        let set = set(&["fs:workspace:read", "fs:*:write"]);
        let rule = set.covering(&"fs:workspace:write".parse().expect("a permission"));
        assert_eq!(rule.map(Permission::to_string).as_deref(), Some("fs:*:write"));
        assert!(set.covering(&Permission::Kv).is_none());
    }

    #[test]
    fn a_set_is_a_sorted_list_of_texts() {
        let set = set(&["env:LANG", "kv", "env:LANG"]);
        let json = serde_json::to_string(&set).expect("text");
        assert_eq!(json, r#"["kv","env:LANG"]"#);
        assert_eq!(serde_json::from_str::<PermissionSet>(&json).expect("a set"), set);
        assert!(serde_json::from_str::<PermissionSet>(r#"["kv","nope"]"#).is_err());
    }

    proptest! {
        #[test]
        fn adding_what_was_added_covers_the_newer_set(old in any_set(), new in any_set()) {
            let mut grown = old.clone();
            grown.extend(old.difference(&new).added);
            for permission in &new {
                assert!(grown.covering(permission).is_some(), "{permission}");
            }
        }

        #[test]
        fn what_was_removed_is_not_covered_any_more(old in any_set(), new in any_set()) {
            let difference = old.difference(&new);
            for removed in &difference.removed {
                assert!(new.covering(removed).is_none() && old.covering(removed).is_some());
            }
            let back = new.difference(&old);
            assert_eq!((back.added, back.removed), (difference.removed, difference.added));
        }

        #[test]
        fn a_set_differs_from_itself_in_nothing(set in any_set()) {
            assert!(set.difference(&set).is_empty());
        }
    }
}
