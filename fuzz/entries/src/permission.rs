//! Permissions: up to four, a line each, alone and against one another.

use ax_manifest::Permission;
use ax_manifest::PermissionSet;

use crate::shown;
use crate::text;

/// Permissions that are compared: three are needed to see a chain.
const LINES_MAX: usize = 4;

/// Checks that a permission has one text, and that `covers` is an order that `overlaps` agrees with.
pub fn permission(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut parsed: Vec<Permission> = Vec::new();
    for line in text.split('\n').take(LINES_MAX) {
        match line.parse::<Permission>() {
            Ok(permission) => parsed.push(permission),
            Err(error) => shown::refusal(&error, Some(error.hint())),
        }
    }
    for one in &parsed {
        alone(one);
        for other in &parsed {
            compared(one, other, &parsed);
        }
    }
    let set: PermissionSet = parsed.iter().cloned().collect();
    for one in &parsed {
        assert!(set.covering(one).is_some(), "a set covers its member {one}");
    }
}

fn alone(one: &Permission) {
    let text = one.to_string();
    shown::line(&text);
    shown::line(&one.plain_words());
    assert_eq!(text.parse().as_ref(), Ok(one), "the text of a permission is read back");
    assert!(one.covers(one), "{one} covers itself");
    assert!(one.overlaps(one), "{one} overlaps itself");
}

fn compared(one: &Permission, other: &Permission, all: &[Permission]) {
    let covers = one.covers(other);
    assert_eq!(covers && other.covers(one), one == other, "{one} and {other}");
    assert_eq!(one.overlaps(other), other.overlaps(one), "{one} and {other}");
    assert!(!covers || one.overlaps(other), "{one} covers {other} and does not overlap it");
    for third in all {
        if covers && other.covers(third) {
            assert!(one.covers(third), "{one} covers {other}, which covers {third}");
        }
        if covers && other.overlaps(third) {
            assert!(one.overlaps(third), "{one} covers {other}, which overlaps {third}");
        }
    }
}
