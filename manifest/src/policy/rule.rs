//! One rule of `[permissions]`, and what it takes from a permission.
//!
//! ```text
//! rule                  takes                                            leaves
//! fs:*:write            writing                                          reading
//! fs:out:read           reading, and writing, which includes it          other folders
//! net:http://*          requests with any method, none being named       net:https://*
//! net:http://*:GET      GET                                              HEAD, POST, …
//! ```
//!
//! A grant of `fs:out:write` includes reading and a grant of `net:https://h` means GET and HEAD.
//! Who writes a rule against them means something else: to forbid the writing alone, and to forbid
//! the host with every method. A rule that let POST through would forbid nothing.
//!
//! Invariant: what a rule takes wholly it also touches; for one single effect both are the same.
//! Nothing is allocated by asking.
//! Not here: which of two rules wins ([`super::Policy::decide`]).

use super::error::{PolicyErrorKind, Wrong};
use super::reading::Reading;
use crate::manifest::section::Section;
use crate::permission::{
    ANY, Method, NetRule, Origin, Permission, PermissionError, PermissionKind,
};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    permission: Permission,
    /// The list it stands in and the rule as it was written.
    text: String,
    line: usize,
}

/// Reads the rules of one list.
pub(super) fn list(reading: &mut Reading<'_>, section: &Section<'_, '_>, key: &str) -> Vec<Rule> {
    let rules = reading.each(section, key, |reading, node, text| {
        let permission =
            parse(text).map_err(|error| Wrong::at(node, PolicyErrorKind::Permission(error)))?;
        let line = reading.line(node);
        Ok(Rule { permission, text: format!("{} {text}", section.path(key)), line })
    });
    rules.unwrap_or_default()
}

/// Parses a permission as a rule: a `net` rule that names no method means every method.
fn parse(text: &str) -> Result<Permission, PermissionError> {
    let permission: Permission = text.parse()?;
    let Permission::Net(rule) = &permission else { return Ok(permission) };
    let detail = text.strip_prefix(PermissionKind::Net.word()).unwrap_or(text);
    let rest = detail.strip_prefix(':').and_then(|detail| Origin::take(detail).ok());
    match (rule.origin(), rest) {
        (Some(origin), Some((_, rest))) if rest.is_empty() || rest.starts_with(":/") => {
            let paths = rule.paths().to_vec();
            Ok(Permission::Net(NetRule::new(origin.clone(), Method::ALL.into(), paths)))
        }
        _ => Ok(permission),
    }
}

impl Rule {
    /// Returns the rule as text to show, like `permissions.deny fs:*:write`.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the line it stands in, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Tells whether the rule is about everything that `wanted` names.
    pub(super) fn takes_all_of(&self, wanted: &Permission) -> bool {
        match (&self.permission, wanted) {
            (
                Permission::Fs { folder, access },
                Permission::Fs { folder: theirs, access: wanted },
            ) => (folder == ANY || folder == theirs) && wanted.covers(*access),
            (rule, wanted) => rule.covers(wanted),
        }
    }

    /// Tells whether the rule is about anything that `wanted` names.
    pub(super) fn touches(&self, wanted: &Permission) -> bool {
        let is_reached = match (&self.permission, wanted) {
            (Permission::Fs { access, .. }, Permission::Fs { access: wanted, .. }) => {
                wanted.covers(*access)
            }
            _ => true,
        };
        is_reached && self.permission.overlaps(wanted)
    }
}
