//! `policy.toml`: what the operator of a host allows at most, whatever people grant.
//!
//! ```text
//! [plugins] allow, deny, trust-min      which plugins run at all
//! [permissions] deny                    what no grant allows
//! [permissions] ask                     what only a person allows, for the one call
//! [limits] memory-max, …                how much at most
//! [[test]]                              what the author of the file expects of it
//! ```
//!
//! The grammar is that of permissions, read as the author of a rule means it. Where that differs
//! from the reading of a grant (methods left out, `fs`), [`rule`] says how.
//!
//! Invariant: a policy only takes away; `deny` beats `ask`, and no rule allows anything. A policy
//! exists only if every test in it holds and the host can enforce every line of it.
//! Not here: grants, and what the host does with a verdict (host, rights).

mod error;
mod limits;
mod plugins;
mod rule;
mod trial;

use crate::manifest::section::Section;
use crate::manifest::tree;
use crate::manifest::tree::Value;
use crate::name::PluginName;
use crate::permission::Permission;

pub use error::{PolicyError, PolicyErrorKind};
pub use limits::LimitMaxima;
pub use plugins::TrustMin;
pub use trial::{Outcome, TestResult};

use error::Wrong;
use plugins::PluginRules;
use rule::Rule;
use trial::Trial;

/// Bytes of a `policy.toml`: 60 rules fit ten times over.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;

/// Entries of one list: each is looked at for every effect of every plugin.
const ENTRIES_MAX: usize = 256;

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
    trials: Vec<Trial>,
}

/// What a policy says about one effect. A rule is text to show, like
/// `permissions.deny fs:*:write`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'p> {
    /// It takes nothing away; the grants decide.
    Allow,
    /// A standing grant does not do; a person must have allowed it for this call.
    Ask {
        /// The rule that says so.
        rule: &'p str,
    },
    /// Nobody can allow it.
    Deny {
        /// The rule that says so.
        rule: &'p str,
    },
}

/// What a policy leaves of a permission that is to be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantVerdict<'p> {
    /// All of it.
    Allowed,
    /// All of it, but for one call at a time: a standing grant would have no effect.
    Asked(&'p str),
    /// A part of it: some of what it names is denied or must be allowed call by call. The grant
    /// can be made; the rules are to be shown with it, those that deny first.
    NarrowedBy(Vec<&'p str>),
    /// Nothing of it.
    Denied(&'p str),
}

impl Policy {
    /// Parses the text of a `policy.toml` and runs its tests.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with the line and column of the first value that is wrong, or of the first
    /// test that does not hold.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy = Self::read(text)?;
        let failed = policy.trials.iter().find_map(|trial| {
            let result = trial.run(&policy);
            (!result.passed()).then(|| trial.failed(result))
        });
        match failed {
            Some(wrong) => Err(wrong.in_text(text)),
            None => Ok(policy),
        }
    }

    /// Runs the tests of a `policy.toml`, whether they hold or not, in the order of the file.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if the text is no policy.
    pub fn test(text: &str) -> Result<Vec<TestResult>, PolicyError> {
        Self::read(text).map(|policy| policy.run_tests())
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
        self.plugins.admits(plugin)
    }

    /// Decides about one effect of `plugin`. Allocates nothing.
    ///
    /// `wanted` is one request, one file, one tool. If it names more than one of them, whatever is
    /// said about any of them holds for all.
    pub fn decide(&self, plugin: &PluginName, wanted: &Permission) -> Verdict<'_> {
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
    pub fn judge_grant(&self, plugin: &PluginName, wanted: &Permission) -> GrantVerdict<'_> {
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

    /// Returns how much must be known about who made a plugin.
    pub fn trust_min(&self) -> TrustMin {
        self.plugins.trust_min()
    }

    /// Reads a policy without running its tests.
    fn read(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_BYTES_MAX {
            let kind = PolicyErrorKind::TooLarge { bytes: text.len(), max: POLICY_BYTES_MAX };
            return Err(PolicyError { line: 1, column: 1, kind });
        }
        let root = tree::parse(text).map_err(|located| Wrong::from(located).in_text(text))?;
        Self::from_tree(&root).map_err(|wrong| wrong.in_text(text))
    }

    fn from_tree(root: &tree::Node) -> Result<Self, Wrong> {
        let known = &["version", "plugins", "permissions", "limits", "test"];
        let file = Section::open(root, "", known)?;
        if let Some(node) = file.get("version") {
            match node.value {
                Value::Integer(VERSION) => {}
                Value::Integer(given) => {
                    return Err(Wrong::at(node, PolicyErrorKind::Version { given }));
                }
                _ => return Err(node.wrong_type("version", "a whole number").into()),
            }
        }
        let (deny, ask) = match file.get("permissions") {
            None => (Vec::new(), Vec::new()),
            Some(node) => {
                let section = Section::open(node, "permissions", &["deny", "ask"])?;
                (rule::list(&section, "deny")?, rule::list(&section, "ask")?)
            }
        };
        Ok(Self {
            plugins: file
                .get("plugins")
                .map_or(Ok(PluginRules::default()), PluginRules::from_node)?,
            deny,
            ask,
            limits: file
                .get("limits")
                .map_or(Ok(LimitMaxima::default()), LimitMaxima::from_node)?,
            trials: file.get("test").map_or(Ok(Vec::new()), trial::from_node)?,
        })
    }
}

/// Reads each text of a list; `None` if the list is not there.
fn each<'a, T>(
    section: &Section<'a, '_>,
    key: &str,
    read: impl Fn(&'a tree::Node, &'a str) -> Result<T, Wrong>,
) -> Result<Option<Vec<T>>, Wrong> {
    let Some(node) = section.get(key) else { return Ok(None) };
    let path = section.path(key);
    let items = node.items(&path)?;
    if items.len() > ENTRIES_MAX {
        let (what, count, max) = (path, items.len(), ENTRIES_MAX);
        return Err(Wrong::at(node, PolicyErrorKind::TooMany { what, count, max }));
    }
    let item = |(index, item): (usize, &'a tree::Node)| {
        read(item, item.text(&format!("{path}[{index}]"))?)
    };
    items.iter().enumerate().map(item).collect::<Result<_, Wrong>>().map(Some)
}

#[cfg(test)]
mod tests;
