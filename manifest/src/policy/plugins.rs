//! `[plugins]`: which plugins may run.
//!
//! Invariant: a plugin runs if no pattern of `deny` names it, `allow` is absent or names it, and it
//! is trusted enough. An empty `allow` names nobody.
//! Not here: finding out who signed a plugin; no release has a signature yet.

use super::error::{PolicyErrorKind, Wrong};
use super::reading::Reading;
use crate::manifest::tree::Node;
use crate::name::{NAME_PART_CHARS_MAX, NameError, PluginName, check_kebab};
use crate::permission::ANY;

/// Patterns of `allow` that are repeated when a plugin matches none of them: one line.
const SHOWN_MAX: usize = 8;

/// What is said of every plugin as long as there are no signatures.
const UNSIGNED: &str = "plugins.trust-min signed (this host cannot check signatures yet)";

/// How much must be known about who made a plugin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrustMin {
    /// `none`: nothing.
    #[default]
    None,
    /// `signed`: a key signed it. Nothing is signed yet, so this keeps every plugin out.
    Signed,
}

/// Which plugins may run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PluginRules {
    allow: Option<Allowed>,
    deny: Vec<Denied>,
    trust_min: TrustMin,
    /// The line of `trust-min`, 0 if it is not there.
    trust_line: usize,
}

/// One pattern of `deny`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Denied {
    pattern: NamePattern,
    /// What to show.
    text: String,
    line: usize,
}

/// The plugins of `allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Allowed {
    patterns: Vec<NamePattern>,
    /// What to show to a plugin that matches none.
    text: String,
    line: usize,
}

/// `*`, `ax:*` or `ax:notes`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NamePattern {
    Any,
    Namespace(String),
    One(PluginName),
}

impl PluginRules {
    pub(super) fn from_node(reading: &mut Reading<'_>, node: &Node) -> Self {
        let known = &["allow", "deny", "trust-min", "min-age"];
        let Some(section) = reading.open(node, "plugins", known) else { return Self::default() };
        if let Some(node) = section.get("min-age") {
            let key = section.path("min-age");
            reading.note(Wrong::at(node, PolicyErrorKind::NotEnforced { key }));
        }
        let allow = reading.each(&section, "allow", |_, node, text| {
            Ok((NamePattern::from_text(node, text)?, text))
        });
        let allow_line = section.get("allow").map_or(0, |node| reading.line(node));
        let deny = reading.each(&section, "deny", |reading, node, text| {
            let pattern = NamePattern::from_text(node, text)?;
            let line = reading.line(node);
            Ok(Denied { pattern, text: format!("plugins.deny {text}"), line })
        });
        let trust = section.get("trust-min");
        Self {
            allow: allow.map(|patterns| Allowed::new(patterns, allow_line)),
            deny: deny.unwrap_or_default(),
            trust_min: trust.and_then(|node| reading.keep(trust_min(node))).unwrap_or_default(),
            trust_line: trust.map_or(0, |node| reading.line(node)),
        }
    }

    pub(super) fn trust_min(&self) -> TrustMin {
        self.trust_min
    }

    /// Counts the rules.
    pub(super) fn count(&self) -> usize {
        self.deny.len()
            + usize::from(self.allow.is_some())
            + usize::from(self.trust_min != TrustMin::None)
    }

    /// Tells whether `plugin` may run; if not, by which rule and in which line.
    pub(super) fn admits(&self, plugin: &PluginName) -> Result<(), (&str, usize)> {
        if let Some(denied) = self.deny.iter().find(|denied| denied.pattern.names(plugin)) {
            return Err((&denied.text, denied.line));
        }
        if let Some(allow) = &self.allow
            && !allow.patterns.iter().any(|pattern| pattern.names(plugin))
        {
            return Err((&allow.text, allow.line));
        }
        match self.trust_min {
            TrustMin::None => Ok(()),
            TrustMin::Signed => Err((UNSIGNED, self.trust_line)),
        }
    }
}

fn trust_min(node: &Node) -> Result<TrustMin, Wrong> {
    match node.text("plugins.trust-min")? {
        "none" => Ok(TrustMin::None),
        "signed" => Ok(TrustMin::Signed),
        text => Err(Wrong::choice(node, "plugins.trust-min", text, &["none", "signed"])),
    }
}

impl Allowed {
    fn new(patterns: Vec<(NamePattern, &str)>, line: usize) -> Self {
        let shown: Vec<&str> = patterns.iter().take(SHOWN_MAX).map(|(_, text)| *text).collect();
        let more = if patterns.len() > SHOWN_MAX { ", …" } else { "" };
        let text = match shown.as_slice() {
            [] => "plugins.allow (which is empty)".to_owned(),
            shown => format!("plugins.allow {}{more}", shown.join(", ")),
        };
        Self { patterns: patterns.into_iter().map(|(pattern, _)| pattern).collect(), text, line }
    }
}

impl NamePattern {
    fn from_text(node: &Node, text: &str) -> Result<Self, Wrong> {
        let wrong = |error| Wrong::at(node, PolicyErrorKind::NamePattern(error));
        if text == ANY {
            return Ok(Self::Any);
        }
        match text.strip_suffix(":*") {
            Some(namespace) => {
                check_kebab(namespace, NAME_PART_CHARS_MAX)
                    .map_err(|why| wrong(NameError::new(text, why)))?;
                Ok(Self::Namespace(namespace.to_owned()))
            }
            None => text.parse().map(Self::One).map_err(wrong),
        }
    }

    fn names(&self, plugin: &PluginName) -> bool {
        match self {
            Self::Any => true,
            Self::Namespace(namespace) => namespace == plugin.namespace(),
            Self::One(name) => name == plugin,
        }
    }
}
