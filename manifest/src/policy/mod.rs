//! `policy.toml`: what the operator of a host allows at most, whatever people grant.
//!
//! ```text
//! [plugins] allow, deny, trust-min      which plugins run at all
//! [permissions] deny                    what no grant allows
//! [permissions] ask                     what only a person allows, for the one call
//! [limits] memory-max, …                how much at most
//! [approvals] mcp                       who allows what a program over MCP wants to destroy
//! [[test]]                              what the author of the file expects of it
//! ```
//!
//! The grammar is that of permissions, read as the author of a rule means it. Where that differs
//! from the reading of a grant (methods left out, `fs`), [`rule`] says how.
//!
//! Invariant: a policy only takes away; `deny` beats `ask`, and no rule allows anything. A policy
//! exists only if every test in it holds and the host can enforce every line of it.
//! Not here: grants, and what the host does with a verdict (host, rights).

mod approvals;
mod combined;
mod error;
mod limits;
mod plugins;
mod reading;
mod rule;
mod trial;

use crate::manifest::tree;
use crate::manifest::tree::Value;
use crate::name::PluginName;
use crate::permission::Permission;

pub use approvals::McpApproval;
pub use combined::{Cited, Policies};
pub use error::{PolicyError, PolicyErrorKind};
pub use limits::LimitMaxima;
pub use plugins::TrustMin;
pub use trial::{Outcome, TestResult};

use error::Wrong;
use plugins::PluginRules;
use reading::Reading;
use rule::Rule;
use trial::Trial;

/// Bytes of a `policy.toml`: 60 rules fit ten times over.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;

/// Entries of one list: each is looked at for every effect of every plugin.
const ENTRIES_MAX: usize = 256;

/// Mistakes that are told of one file; who has more made one mistake many times.
const MISTAKES_MAX: usize = 100;

/// The version of the file's shape that is read.
const VERSION: i64 = 1;

/// What is read from `policy.toml`. The default one is that of a host without the file: it takes
/// nothing away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    plugins: PluginRules,
    deny: Vec<Rule>,
    ask: Vec<Rule>,
    limits: LimitMaxima,
    mcp_approval: Option<McpApproval>,
    trials: Vec<Trial>,
}

/// What a policy says about one effect. `R` names a rule: text to show like
/// `permissions.deny fs:*:write`, or such a text with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<R> {
    /// It takes nothing away; the grants decide.
    Allow,
    /// A standing grant does not do; a person must have allowed it for this call.
    Ask {
        /// The rule that says so.
        rule: R,
    },
    /// Nobody can allow it.
    Deny {
        /// The rule that says so.
        rule: R,
    },
}

/// How much a policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyCounts {
    /// Rules about plugins and permissions.
    pub rules: usize,
    /// Limits with a maximum.
    pub limits: usize,
    /// Tests.
    pub tests: usize,
}

/// What a policy leaves of a permission that is to be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantVerdict<R> {
    /// All of it.
    Allowed,
    /// All of it, but for one call at a time: a standing grant would have no effect.
    Asked(R),
    /// A part of it: some of what it names is denied or must be allowed call by call. The grant
    /// can be made; the rules are to be shown with it, those that deny first.
    NarrowedBy(Vec<R>),
    /// Nothing of it.
    Denied(R),
}

impl Policy {
    /// Parses the text of a `policy.toml` and runs its tests.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with the line and column of the first value that is wrong, or of the first
    /// test that does not hold.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy = Self::read(text).map_err(first)?;
        match policy.failed(text).into_iter().next() {
            Some(failed) => Err(failed),
            None => Ok(policy),
        }
    }

    /// Lists all that is wrong with the text of a `policy.toml`, in its order, at most
    /// [`MISTAKES_MAX`]; nothing if [`Policy::parse`] takes it. Its tests are run if that is all
    /// that could be wrong.
    pub fn mistakes(text: &str) -> Vec<PolicyError> {
        let mut mistakes = match Self::read(text) {
            Ok(policy) => policy.failed(text),
            Err(mistakes) => mistakes,
        };
        mistakes.truncate(MISTAKES_MAX);
        mistakes
    }

    /// Runs the tests of a `policy.toml`, whether they hold or not, in the order of the file.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if the text is no policy.
    pub fn test(text: &str) -> Result<Vec<TestResult>, PolicyError> {
        Self::read(text).map(|policy| policy.run_tests()).map_err(first)
    }

    /// Runs the tests that came with this policy; all of them held when it was parsed.
    pub fn run_tests(&self) -> Vec<TestResult> {
        self.trials.iter().map(|trial| trial.run(self)).collect()
    }

    /// Tells whether `plugin` may run at all.
    ///
    /// # Errors
    ///
    /// The rule that keeps it out, as text to show.
    pub fn admits(&self, plugin: &PluginName) -> Result<(), &str> {
        self.plugins.admits(plugin).map_err(|(rule, _)| rule)
    }

    /// Decides about one effect of `plugin`. Allocates nothing.
    ///
    /// `wanted` is one request, one file, one tool. If it names more than one of them, whatever is
    /// said about any of them holds for all.
    pub fn decide(&self, plugin: &PluginName, wanted: &Permission) -> Verdict<&str> {
        if let Err(rule) = self.admits(plugin) {
            return Verdict::Deny { rule };
        }
        if let Some(rule) = self.deny.iter().find(|rule| rule.touches(wanted)) {
            return Verdict::Deny { rule: rule.text() };
        }
        match self.ask.iter().find(|rule| rule.touches(wanted)) {
            Some(rule) => Verdict::Ask { rule: rule.text() },
            None => Verdict::Allow,
        }
    }

    /// Says what is left of `wanted` if it is granted to `plugin`. Several rules that deny a part
    /// each are never added up to a denial of the whole.
    pub fn judge_grant(&self, plugin: &PluginName, wanted: &Permission) -> GrantVerdict<&str> {
        if let Err(rule) = self.admits(plugin) {
            return GrantVerdict::Denied(rule);
        }
        if let Some(rule) = self.deny.iter().find(|rule| rule.takes_all_of(wanted)) {
            return GrantVerdict::Denied(rule.text());
        }
        let touching = self.deny.iter().chain(&self.ask).filter(|rule| rule.touches(wanted));
        let rules: Vec<&str> = touching.map(Rule::text).collect();
        if rules.is_empty() {
            return GrantVerdict::Allowed;
        }
        let is_denied_in_part = self.deny.iter().any(|rule| rule.touches(wanted));
        match self.ask.iter().find(|rule| rule.takes_all_of(wanted)) {
            Some(rule) if !is_denied_in_part => GrantVerdict::Asked(rule.text()),
            Some(_) | None => GrantVerdict::NarrowedBy(rules),
        }
    }

    /// Returns the limits that nothing may exceed.
    pub fn limits(&self) -> &LimitMaxima {
        &self.limits
    }

    /// Returns who allows what a program over MCP wants to destroy, if that is said.
    pub fn mcp_approval(&self) -> Option<McpApproval> {
        self.mcp_approval
    }

    /// Returns how much must be known about who made a plugin.
    pub fn trust_min(&self) -> TrustMin {
        self.plugins.trust_min()
    }

    /// PolicyCounts the rules, the maxima of limits and the tests.
    pub fn counts(&self) -> PolicyCounts {
        PolicyCounts {
            rules: self.plugins.count()
                + self.deny.len()
                + self.ask.len()
                + usize::from(self.mcp_approval.is_some()),
            limits: self.limits.count(),
            tests: self.trials.len(),
        }
    }

    /// Runs the tests and returns those that do not hold.
    fn failed(&self, text: &str) -> Vec<PolicyError> {
        let failed = self.trials.iter().filter_map(|trial| {
            let result = trial.run(self);
            (!result.passed()).then(|| trial.failed(result).in_text(text))
        });
        failed.collect()
    }

    /// Reads a policy without running its tests; all mistakes if there are any, at least one.
    fn read(text: &str) -> Result<Self, Vec<PolicyError>> {
        if text.len() > POLICY_BYTES_MAX {
            let kind = PolicyErrorKind::TooLarge { bytes: text.len(), max: POLICY_BYTES_MAX };
            return Err(vec![PolicyError { line: 1, column: 1, kind }]);
        }
        let root = tree::parse(text).map_err(|located| vec![Wrong::from(located).in_text(text)])?;
        let mut reading = Reading::of(text);
        let policy = Self::from_tree(&mut reading, &root);
        let wrongs = reading.into_wrongs();
        match wrongs.is_empty() {
            true => Ok(policy),
            // Only what is told is given its place, which looks through the text.
            false => {
                Err(wrongs.into_iter().take(MISTAKES_MAX).map(|it| it.in_text(text)).collect())
            }
        }
    }

    fn from_tree(reading: &mut Reading<'_>, root: &tree::Node) -> Self {
        let known = &["version", "plugins", "permissions", "limits", "approvals", "test"];
        let Some(file) = reading.open(root, "", known) else { return Self::default() };
        if let Some(node) = file.get("version") {
            match node.value {
                Value::Integer(VERSION) => {}
                Value::Integer(given) => {
                    reading.note(Wrong::at(node, PolicyErrorKind::Version { given }));
                }
                _ => reading.note(node.wrong_type("version", "a whole number")),
            }
        }
        let mut policy = Self::default();
        if let Some(node) = file.get("plugins") {
            policy.plugins = PluginRules::from_node(reading, node);
        }
        if let Some(node) = file.get("permissions")
            && let Some(section) = reading.open(node, "permissions", &["deny", "ask"])
        {
            policy.deny = rule::list(reading, &section, "deny");
            policy.ask = rule::list(reading, &section, "ask");
        }
        if let Some(node) = file.get("limits") {
            policy.limits = LimitMaxima::from_node(reading, node);
        }
        if let Some(node) = file.get("approvals") {
            policy.mcp_approval = approvals::from_node(reading, node);
        }
        if let Some(node) = file.get("test") {
            policy.trials = trial::from_node(reading, node);
        }
        policy
    }
}

fn first(mistakes: Vec<PolicyError>) -> PolicyError {
    mistakes.into_iter().next().expect("what is not read has a mistake")
}

#[cfg(test)]
mod tests;
