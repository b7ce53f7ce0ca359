//! What is known of a call of a tool when it is interrupted: the worst that its plugin's rights allow.
//!
//! Invariant: a claim never lowers a class. That a tool says it only reads lowers it because the host then
//! takes all rights to change something away from that call ([`crate::plugin::Call::reads_only`]).

use ax_manifest::{Access, EffectClass, Method, Permission, PermissionSet};

/// Returns the class of a call whose plugin asks for and holds these permissions. From one that only reads those
/// to change something outside are taken away.
pub(in crate::app) fn class_of_call<'p>(
    declared: &PermissionSet,
    granted: impl Iterator<Item = &'p Permission>,
    reads_only: bool,
) -> EffectClass {
    let held = granted.filter_map(|permission| match reads_only {
        true => permission.reading(),
        false => Some(permission.clone()),
    });
    let class = |permission| {
        // That a request may be sent again takes both: who asks and who grants (`Rights::honours_key`).
        let says_again = declared.covering(&permission).is_some();
        class_of(&permission, says_again)
    };
    held.map(class).max().unwrap_or(EffectClass::Pure)
}

/// Returns the class of what a permission opens; `says_again` is whether what it says of keys counts.
fn class_of(permission: &Permission, says_again: bool) -> EffectClass {
    use EffectClass as E;
    match permission {
        Permission::Fs { access: Access::Write, .. } => E::Unsafe,
        Permission::Net(rule) => {
            let class = |method: &Method| match method {
                Method::Get | Method::Head | Method::Options => E::Pure,
                // Asked twice, they leave the same behind as asked once (RFC 9110 §9.2.2).
                Method::Put | Method::Delete => E::Keyed,
                Method::Post | Method::Patch if rule.honours_key() && says_again => E::Keyed,
                Method::Post | Method::Patch => E::Unsafe,
            };
            rule.methods().iter().map(class).max().unwrap_or(E::Pure)
        }
        // One transaction, with the key of the effect in it.
        Permission::Kv => E::Keyed,
        Permission::Memory(_) => E::Keyed,
        Permission::Tools(_)
        | Permission::Services { .. }
        | Permission::Events { .. }
        | Permission::Agents { .. } => E::Unsafe,
        Permission::Fs { access: Access::Read, .. }
        | Permission::Secret { .. }
        | Permission::Models { .. }
        | Permission::Env { .. } => E::Pure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_method_of_a_rule_decides() {
        let class = |text: &str| class_of(&text.parse().expect("a permission"), true);
        assert_eq!(class("net:https://a.example"), EffectClass::Pure);
        assert_eq!(class("net:https://a.example:GET,PUT"), EffectClass::Keyed);
        assert_eq!(class("net:https://a.example:PUT,POST"), EffectClass::Unsafe);
        assert_eq!(class("net:https://a.example:POST,idempotency-key"), EffectClass::Keyed);
        assert_eq!(class("net:https://a.example:*,idempotency-key"), EffectClass::Keyed);
        assert_eq!(class("net:*"), EffectClass::Unsafe);
        assert_eq!(class("kv"), EffectClass::Keyed);
        assert_eq!(class("fs:out:write"), EffectClass::Unsafe);
        assert_eq!(class("fs:workspace:read"), EffectClass::Pure);
        assert_eq!(class("tools:ax:fetch.get"), EffectClass::Unsafe);
    }

    #[test]
    fn a_key_counts_only_if_manifest_and_grant_say_so() {
        let (plain, marked) = ("net:https://h:POST", "net:https://h:POST,idempotency-key");
        for (asked, given, class) in [
            (plain, marked, EffectClass::Unsafe),
            (marked, plain, EffectClass::Unsafe),
            (marked, marked, EffectClass::Keyed),
            (marked, "net:https://h:POST,idempotency-key:/a", EffectClass::Keyed),
        ] {
            let declared = [asked.parse().unwrap()].into_iter().collect();
            let given = [given.parse().unwrap()];
            assert_eq!(class_of_call(&declared, given.iter(), false), class, "{asked} {given:?}");
        }
    }

    #[test]
    fn a_call_that_only_reads_has_the_class_of_what_is_left_to_it() {
        let granted = ["kv", "fs:out:write", "net:https://a.example:GET,POST"];
        let granted: Vec<Permission> = granted.iter().map(|it| it.parse().unwrap()).collect();
        let declared = granted.iter().cloned().collect();
        assert_eq!(class_of_call(&declared, granted.iter(), false), EffectClass::Unsafe);
        assert_eq!(class_of_call(&declared, granted.iter(), true), EffectClass::Keyed);
        assert_eq!(class_of_call(&declared, granted[1..].iter(), true), EffectClass::Pure);
        assert_eq!(class_of_call(&declared, [].iter(), false), EffectClass::Pure);
    }
}
