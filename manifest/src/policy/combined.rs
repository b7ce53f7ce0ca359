//! Several policies at once: that of the machine, that of the person, one more that was named.
//!
//! ```text
//! plugins     run if every policy admits them
//! effects     deny of any > ask of any > allow
//! limits      the lowest maximum of all
//! trust-min   the highest of all
//! approvals   the strictest of those that say something
//! ```
//!
//! Invariant: adding a policy only takes away, and but for which rule is named the order does not
//! matter: the verdict is that of one file with the rules of all.
//! Not here: where policies are read from, and who may have written them (host, app).

use std::fmt;

use super::rule::Rule;
use super::{GrantVerdict, LimitMaxima, McpApproval, Policy, TrustMin, Verdict};
use crate::name::PluginName;
use crate::permission::Permission;

/// Every policy that is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    file: String,
    policy: Policy,
}

/// A rule and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cited<'p> {
    /// The file.
    pub file: &'p str,
    /// The line in it, from 1.
    pub line: usize,
    /// The rule, as text to show.
    pub rule: &'p str,
}

impl fmt::Display for Cited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}:{})", self.rule, self.file, self.line)
    }
}

impl Policies {
    /// Puts policies together, each with the file it was read from, as text to show.
    #[must_use]
    pub fn new(members: impl IntoIterator<Item = (String, Policy)>) -> Self {
        let members = members.into_iter().map(|(file, policy)| Member { file, policy });
        Self { members: members.collect() }
    }

    /// Tells whether there is none, so that nothing is taken away.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Lists the policies with their files, in the order they were given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.members.iter().map(|member| (member.file.as_str(), &member.policy))
    }

    /// Tells whether `plugin` may run at all.
    ///
    /// # Errors
    ///
    /// The first rule that keeps it out.
    pub fn admits(&self, plugin: &PluginName) -> Result<(), Cited<'_>> {
        self.members.iter().try_for_each(|member| {
            let admitted = member.policy.plugins.admits(plugin);
            admitted.map_err(|(rule, line)| Cited { file: &member.file, line, rule })
        })
    }

    /// Decides about one effect of `plugin`; see [`Policy::decide`]. Allocates nothing.
    #[must_use]
    pub fn decide(&self, plugin: &PluginName, wanted: &Permission) -> Verdict<Cited<'_>> {
        if let Err(rule) = self.admits(plugin) {
            return Verdict::Deny { rule };
        }
        if let Some((rule, _)) = self.denying().find(|(_, rule)| rule.touches(wanted)) {
            return Verdict::Deny { rule };
        }
        match self.asking().find(|(_, rule)| rule.touches(wanted)) {
            Some((rule, _)) => Verdict::Ask { rule },
            None => Verdict::Allow,
        }
    }

    /// Says what is left of `wanted` if it is granted to `plugin`; see [`Policy::judge_grant`].
    #[must_use]
    pub fn judge_grant(&self, plugin: &PluginName, wanted: &Permission) -> GrantVerdict<Cited<'_>> {
        if let Err(rule) = self.admits(plugin) {
            return GrantVerdict::Denied(rule);
        }
        if let Some((rule, _)) = self.denying().find(|(_, rule)| rule.takes_all_of(wanted)) {
            return GrantVerdict::Denied(rule);
        }
        let touching = |(_, rule): &(Cited<'_>, &Rule)| rule.touches(wanted);
        let mut rules: Vec<Cited<'_>> =
            self.denying().filter(touching).map(|(rule, _)| rule).collect();
        if rules.is_empty()
            && let Some((rule, _)) = self.asking().find(|(_, rule)| rule.takes_all_of(wanted))
        {
            return GrantVerdict::Asked(rule);
        }
        rules.extend(self.asking().filter(touching).map(|(rule, _)| rule));
        match rules.is_empty() {
            true => GrantVerdict::Allowed,
            false => GrantVerdict::NarrowedBy(rules),
        }
    }

    /// Returns the lowest maximum of each limit.
    #[must_use]
    pub fn limits(&self) -> LimitMaxima {
        let none = LimitMaxima::default();
        self.members.iter().fold(none, |lowest, member| lowest.lower_of(member.policy.limits()))
    }

    /// Returns how much must be known about who made a plugin.
    #[must_use]
    pub fn trust_min(&self) -> TrustMin {
        let each = self.members.iter().map(|member| member.policy.trust_min());
        each.max().unwrap_or_default()
    }

    /// Returns who allows what a program over MCP wants to destroy.
    #[must_use]
    pub fn mcp_approval(&self) -> McpApproval {
        let said = self.members.iter().filter_map(|member| member.policy.mcp_approval());
        said.max().unwrap_or_default()
    }

    fn denying(&self) -> impl Iterator<Item = (Cited<'_>, &Rule)> {
        self.members.iter().flat_map(|member| member.cited(&member.policy.deny))
    }

    fn asking(&self) -> impl Iterator<Item = (Cited<'_>, &Rule)> {
        self.members.iter().flat_map(|member| member.cited(&member.policy.ask))
    }
}

impl Member {
    fn cited<'p>(&'p self, rules: &'p [Rule]) -> impl Iterator<Item = (Cited<'p>, &'p Rule)> {
        rules
            .iter()
            .map(|rule| (Cited { file: &self.file, line: rule.line(), rule: rule.text() }, rule))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use proptest::sample::select;

    use super::*;
    use crate::policy::tests::{EFFECTS, PATTERNS, any_policy, notes, permission, policy, rules};

    fn both(one: &str, other: &str) -> Policies {
        let members = [("/etc/one.toml", one), ("/home/other.toml", other)];
        Policies::new(members.map(|(file, text)| (file.to_owned(), policy(text))))
    }

    fn named(policies: &[&Policy]) -> Policies {
        let named = policies.iter().enumerate();
        Policies::new(named.map(|(at, policy)| (format!("{at}.toml"), (*policy).clone())))
    }

    fn decided(policies: &Policies, wanted: &str) -> String {
        match policies.decide(&notes(), &permission(wanted)) {
            Verdict::Allow => "allow".to_owned(),
            Verdict::Ask { rule } => format!("ask {rule}"),
            Verdict::Deny { rule } => format!("deny {rule}"),
        }
    }

    #[test]
    fn no_policy_takes_nothing_away() {
        let none = Policies::default();
        assert!(none.is_empty());
        assert_eq!(none.admits(&notes()), Ok(()));
        assert_eq!(decided(&none, "net:*"), "allow");
        assert_eq!(none.judge_grant(&notes(), &permission("fs:*:write")), GrantVerdict::Allowed);
        assert_eq!((none.limits(), none.trust_min()), (LimitMaxima::default(), TrustMin::None));
    }

    #[test]
    fn deny_of_one_beats_ask_of_another_and_the_rule_is_cited_with_its_place() {
        let asks = "[permissions]\n\nask = [\n  \"kv\",\n  \"env:*\"]";
        let denies = "permissions.deny = [\"env:HOME\"]";
        for policies in [both(asks, denies), both(denies, asks)] {
            assert!(decided(&policies, "env:HOME").starts_with("deny `permissions.deny env:HOME`"));
            assert!(decided(&policies, "kv").starts_with("ask `permissions.ask kv`"));
            assert_eq!(decided(&policies, "memory:private"), "allow");
        }
        let policies = both(asks, denies);
        assert_eq!(decided(&policies, "env:A"), "ask `permissions.ask env:*` (/etc/one.toml:5)");
        assert_eq!(
            decided(&policies, "env:HOME"),
            "deny `permissions.deny env:HOME` (/home/other.toml:1)"
        );
    }

    #[test]
    fn a_plugin_runs_if_every_policy_admits_it() {
        let admits =
            |one, other| both(one, other).admits(&notes()).map_err(|rule| rule.to_string());
        let (ours, all) = ("plugins.allow = [\"acme:*\"]", "plugins.allow = [\"*\"]");
        let (others, signed) =
            ("[plugins]\nallow = [\"ax:*\"]", "\nplugins.trust-min = \"signed\"");
        assert_eq!(admits(ours, all), Ok(()));
        let refused = "`plugins.allow ax:*` (/home/other.toml:2)".to_owned();
        assert_eq!(admits(ours, others), Err(refused));
        let refused = "`plugins.deny acme:notes` (/etc/one.toml:1)".to_owned();
        assert_eq!(admits("plugins.deny = [\"acme:notes\"]", ours), Err(refused));
        assert!(admits(signed, ours).is_err_and(|rule| rule.ends_with("(/etc/one.toml:2)")));
        let policies = both(ours, others);
        assert!(decided(&policies, "kv").starts_with("deny `plugins.allow ax:*`"));
        assert_eq!(both(signed, ours).trust_min(), TrustMin::Signed);
    }

    #[test]
    fn the_lowest_maximum_of_each_limit_holds() {
        let one = "[limits]\nmemory-max = \"8 MiB\"\nfuel-max = 7\nlog-lines-max = 3";
        let other = "[limits]\nmemory-max = \"4 MiB\"\nfuel-max = 9\ndeadline-max = \"1 s\"";
        assert_eq!(both(one, other).limits(), both(other, one).limits());
        let limits = both(one, other).limits();
        let memory = limits.memory.map(|size| size.to_string());
        assert_eq!((memory.as_deref(), limits.fuel), (Some("4 MiB"), Some(7)));
        assert_eq!(limits.deadline.map(|span| span.to_string()).as_deref(), Some("1 s"));
        assert_eq!((limits.log_lines, limits.concurrency), (Some(3), None));
    }

    /// Writes a verdict on a grant without the places, which differ between one file and two.
    fn said(verdict: &GrantVerdict<&str>) -> (&'static str, Vec<String>) {
        let sorted = |rules: &[&str]| {
            let mut rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
            rules.sort();
            rules
        };
        match verdict {
            GrantVerdict::Allowed => ("allowed", Vec::new()),
            GrantVerdict::Asked(_) => ("asked", Vec::new()),
            GrantVerdict::NarrowedBy(rules) => ("narrowed", sorted(rules)),
            GrantVerdict::Denied(_) => ("denied", Vec::new()),
        }
    }

    fn uncited(verdict: GrantVerdict<Cited<'_>>) -> GrantVerdict<&str> {
        match verdict {
            GrantVerdict::Allowed => GrantVerdict::Allowed,
            GrantVerdict::Asked(cited) => GrantVerdict::Asked(cited.rule),
            GrantVerdict::NarrowedBy(all) => {
                GrantVerdict::NarrowedBy(all.iter().map(|cited| cited.rule).collect())
            }
            GrantVerdict::Denied(cited) => GrantVerdict::Denied(cited.rule),
        }
    }

    fn strictness<R>(verdict: &Verdict<R>) -> u8 {
        match verdict {
            Verdict::Allow => 0,
            Verdict::Ask { .. } => 1,
            Verdict::Deny { .. } => 2,
        }
    }

    proptest! {
        #[test]
        fn the_strictest_policy_decides_in_any_order(
            (a, b, c) in (any_policy(), any_policy(), any_policy())
        ) {
            let [a, b, c] = [a, b, c].map(|(deny, ask)| rules(&deny, &ask));
            let orders = [[&a, &b, &c], [&c, &a, &b], [&b, &c, &a], [&c, &b, &a]];
            for effect in EFFECTS.map(permission) {
                let alone = [&a, &b, &c].map(|it| strictness(&it.decide(&notes(), &effect)));
                for order in orders {
                    let together = named(&order);
                    let decided = strictness(&together.decide(&notes(), &effect));
                    assert_eq!(Some(decided), alone.into_iter().max(), "{effect}");
                }
            }
        }

        #[test]
        fn two_files_judge_grants_as_one_file_with_all_rules_does(
            (one, other) in (any_policy(), any_policy())
        ) {
            let whole = rules(
                &[one.0.clone(), other.0.clone()].concat(),
                &[one.1.clone(), other.1.clone()].concat(),
            );
            let [one, other] = [one, other].map(|(deny, ask)| rules(&deny, &ask));
            for order in [[&one, &other], [&other, &one]] {
                let together = named(&order);
                for wanted in PATTERNS.iter().chain(&EFFECTS).map(|text| permission(text)) {
                    let verdict = uncited(together.judge_grant(&notes(), &wanted));
                    let as_one = whole.judge_grant(&notes(), &wanted);
                    assert_eq!(said(&verdict), said(&as_one), "{wanted}");
                }
            }
        }

        #[test]
        fn another_policy_never_gives_back_what_one_denies(
            (deny, ask) in any_policy(), more in any_policy(), wanted in select(&PATTERNS[..])
        ) {
            let (one, other) = (rules(&deny, &ask), rules(&more.0, &more.1));
            let wanted = permission(wanted);
            if let GrantVerdict::Denied(_) = one.judge_grant(&notes(), &wanted) {
                let together = named(&[&other, &one]);
                let verdict = together.judge_grant(&notes(), &wanted);
                assert!(matches!(verdict, GrantVerdict::Denied(_)), "{wanted}");
            }
        }
    }
}
