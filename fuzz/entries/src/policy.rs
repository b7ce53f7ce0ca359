//! `policy.toml`.

use ax_manifest::GrantVerdict;
use ax_manifest::Permission;
use ax_manifest::PermissionKind;
use ax_manifest::PluginName;
use ax_manifest::Policy;
use ax_manifest::Verdict;

use crate::shown;
use crate::text;

/// Checks that the tests of an accepted policy hold, and that what it says of a grant agrees with
/// what it says of its use.
pub fn policy(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Policy::test(text) {
        Ok(results) => {
            let all_hold = results.iter().all(ax_manifest::TestResult::passed);
            assert_eq!(Policy::parse(text).is_ok(), all_hold, "it is one only if its tests hold");
        }
        Err(error) => {
            assert_eq!(Policy::parse(text).as_ref(), Err(&error), "both read alike");
        }
    }
    match Policy::parse(text) {
        Ok(policy) => verdicts(&policy),
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1, "{error}");
            assert!(error.line <= text.split('\n').count(), "line {} of {text:?}", error.line);
            shown::refusal(&error, error.hint());
        }
    }
}

fn verdicts(policy: &Policy) {
    for plugin in ["ax:fetch", "acme:notes", "a:b"] {
        let plugin: PluginName = plugin.parse().expect("the name of a plugin");
        for kind in PermissionKind::ALL {
            let wanted: Permission = kind.example().parse().expect("an example is one");
            verdict(policy, &plugin, &wanted);
        }
    }
}

fn verdict(policy: &Policy, plugin: &PluginName, wanted: &Permission) {
    let used = policy.decide(plugin, wanted);
    let granted = policy.judge_grant(plugin, wanted);
    match &granted {
        GrantVerdict::Allowed => assert_eq!(used, Verdict::Allow, "{wanted}"),
        GrantVerdict::Asked(rule) => {
            shown::line(rule);
            assert!(matches!(used, Verdict::Ask { .. }), "{wanted}: {used:?}");
        }
        GrantVerdict::NarrowedBy(rules) => {
            assert!(!rules.is_empty(), "{wanted}");
            rules.iter().for_each(|rule| shown::line(rule));
            assert!(used != Verdict::Allow, "{wanted}");
        }
        GrantVerdict::Denied(rule) => {
            shown::line(rule);
            assert!(matches!(used, Verdict::Deny { .. }), "{wanted}: {used:?}");
        }
    }
    if policy.admits(plugin).is_err() {
        assert!(matches!(granted, GrantVerdict::Denied(_)), "{plugin} does not run at all");
    }
}
