//! `[[test]]`: what the author of a policy expects it to decide.
//!
//! Invariant: a test about many things at once holds only if all of them are decided alike, so
//! that a rule for one host never makes a test about every host hold. A test's permission is read
//! as a grant is: `net:https://h` is GET and HEAD.
//! Not here: what becomes of a policy whose tests fail ([`Policy::parse`]).

use super::error::{PolicyErrorKind, Wrong};
use super::reading::Reading;
use super::{GrantVerdict, Policy};
use crate::manifest::section::{Section, shown_line};
use crate::manifest::tree::Node;
use crate::name::PluginName;
use crate::permission::Permission;

/// Tests of one file.
const TRIALS_MAX: usize = 256;

/// Characters of a test's name: one line.
const NAME_CHARS_MAX: usize = 100;

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trial {
    name: String,
    plugin: PluginName,
    permission: Permission,
    expected: Outcome,
    /// Where the expectation stands, in bytes.
    at: usize,
}

/// What a policy makes of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// `allow`: it takes nothing away.
    Allow,
    /// `ask`: a person must allow it for each call.
    Ask,
    /// `deny`: nobody can allow it.
    Deny,
    /// Some of it is decided otherwise than the rest; nobody can expect that.
    Mixed,
}

impl Outcome {
    /// What can be expected.
    const EXPECTED: [Self; 3] = [Self::Allow, Self::Ask, Self::Deny];

    /// Returns the word in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
            Self::Mixed => "mixed",
        }
    }
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The name in the file.
    pub name: String,
    /// What it expects.
    pub expected: Outcome,
    /// What the policy decides.
    pub found: Outcome,
    /// The rule that decides, if one does; the first of them if it is mixed.
    pub rule: Option<String>,
}

impl TestResult {
    /// Tells whether the test holds.
    pub fn passed(&self) -> bool {
        self.expected == self.found
    }
}

impl Trial {
    pub(super) fn run(&self, policy: &Policy) -> TestResult {
        let (found, rule) = match policy.judge_grant(&self.plugin, &self.permission) {
            GrantVerdict::Allowed => (Outcome::Allow, None),
            GrantVerdict::Asked(rule) => (Outcome::Ask, Some(rule)),
            GrantVerdict::Denied(rule) => (Outcome::Deny, Some(rule)),
            GrantVerdict::NarrowedBy(rules) => (Outcome::Mixed, rules.first().copied()),
        };
        let (name, rule) = (self.name.clone(), rule.map(str::to_owned));
        TestResult { name, expected: self.expected, found, rule }
    }

    /// Makes the error of a test that does not hold.
    pub(super) fn failed(&self, result: TestResult) -> Wrong {
        Wrong { at: self.at, kind: PolicyErrorKind::TestFailed(Box::new(result)) }
    }
}

pub(super) fn from_node(reading: &mut Reading<'_>, node: &Node) -> Vec<Trial> {
    let Some(items) = reading.keep(node.items("test")) else { return Vec::new() };
    if items.len() > TRIALS_MAX {
        let (what, count, max) = ("test".to_owned(), items.len(), TRIALS_MAX);
        reading.note(Wrong::at(node, PolicyErrorKind::TooMany { what, count, max }));
        return Vec::new();
    }
    let trials = items.iter().enumerate();
    trials
        .filter_map(|(index, item)| reading.keep(trial(item, &format!("test[{index}]"))))
        .collect()
}

fn trial(node: &Node, path: &str) -> Result<Trial, Wrong> {
    let section = Section::open(node, path, &["name", "plugin", "permission", "expect"])?;
    let name = shown_line(section.required("name")?, &section.path("name"), NAME_CHARS_MAX)?;
    let plugin = section.required("plugin")?;
    let text = plugin.text(&section.path("plugin"))?;
    let named = text.parse().map_err(|error| Wrong::at(plugin, PolicyErrorKind::Name(error)))?;
    let permission = section.required("permission")?;
    let text = permission.text(&section.path("permission"))?;
    let wanted =
        text.parse().map_err(|error| Wrong::at(permission, PolicyErrorKind::Permission(error)))?;
    let expect = section.required("expect")?;
    let key = section.path("expect");
    let text = expect.text(&key)?;
    let expected = Outcome::EXPECTED
        .into_iter()
        .find(|outcome| outcome.word() == text)
        .ok_or_else(|| Wrong::choice(expect, &key, text, &["allow", "ask", "deny"]))?;
    Ok(Trial { name, plugin: named, permission: wanted, expected, at: expect.at })
}
