//! One rule about requests: where to, which methods, which paths.
//!
//! Invariant: a rule is canonical (methods sorted, no path inside another one of the same rule), so
//! rules that cover each other are equal.
//! Not here: address checks, redirects and the sending itself (host, egress).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::permission::error::Flaw;
use crate::permission::origin::Origin;
use crate::permission::path::PathPattern;

/// A method that can be granted. `CONNECT` and `TRACE` cannot: one opens a tunnel past every
/// check, the other returns the secrets that were put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Reads without the body.
    Head,
    /// Asks what is allowed.
    Options,
    /// Does anything.
    Post,
    /// Replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// Every method, in the order in which they are written.
    pub const ALL: [Self; 7] =
        [Self::Get, Self::Head, Self::Options, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// What a rule that names no method allows.
    const DEFAULT: [Self; 2] = [Self::Get, Self::Head];

    /// Answers whether it is defined to change nothing (RFC 9110 §9.2.1).
    pub fn only_reads(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }

    /// Returns the method as it is sent.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl FromStr for Method {
    type Err = Flaw;

    /// # Errors
    ///
    /// [`Flaw::Method`] for an unknown method, or one in lower case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|method| method.word() == text)
            .ok_or_else(|| Flaw::Method { text: text.to_owned() })
    }
}

/// What requests may be sent. `net:*` is everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetRule {
    /// `None` is everywhere, then with every method and path.
    origin: Option<Origin>,
    /// Never empty.
    methods: BTreeSet<Method>,
    /// Sorted; empty means every path. No member covers another one.
    paths: Vec<PathPattern>,
}

impl NetRule {
    /// Allows every request to everywhere.
    pub fn everything() -> Self {
        Self { origin: None, methods: Method::ALL.into(), paths: Vec::new() }
    }

    /// Returns the same rule for methods that only read; none if it has no such, or is about everything, which
    /// knows no methods.
    pub fn reading(&self) -> Option<Self> {
        let methods: BTreeSet<Method> =
            self.methods.iter().copied().filter(|it| it.only_reads()).collect();
        let is_left = self.origin.is_some() && !methods.is_empty();
        is_left.then(|| Self { methods, ..self.clone() })
    }

    /// Allows requests to `origin`. No methods means GET and HEAD; no paths means every path.
    pub fn new(origin: Origin, methods: BTreeSet<Method>, paths: Vec<PathPattern>) -> Self {
        let methods = if methods.is_empty() { Method::DEFAULT.into() } else { methods };
        Self { origin: Some(origin), methods, paths: canonical_paths(paths) }
    }

    /// Returns where requests may go; `None` is everywhere.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Returns the methods, at least one.
    pub fn methods(&self) -> &BTreeSet<Method> {
        &self.methods
    }

    /// Returns the paths; none means every path.
    pub fn paths(&self) -> &[PathPattern] {
        &self.paths
    }

    /// Tells whether every request that `other` allows is allowed by `self`. Paths are compared
    /// one by one: a path of `other` that only several paths of `self` cover together is refused.
    pub fn covers(&self, other: &Self) -> bool {
        let origin = match (&self.origin, &other.origin) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => ours.covers(theirs),
        };
        origin && self.methods.is_superset(&other.methods) && self.covers_paths(&other.paths)
    }

    fn covers_paths(&self, paths: &[PathPattern]) -> bool {
        let covered = |path: &PathPattern| self.paths.iter().any(|ours| ours.covers(path));
        self.paths.is_empty() || (!paths.is_empty() && paths.iter().all(covered))
    }
}

/// Sorts paths and drops those that another one covers; none are left when one matches all.
fn canonical_paths(mut paths: Vec<PathPattern>) -> Vec<PathPattern> {
    paths.sort();
    paths.dedup();
    let narrower = |path: &PathPattern| {
        paths.iter().any(|other| other.is_everything() || (other != path && other.covers(path)))
    };
    paths.iter().filter(|path| !narrower(path)).cloned().collect()
}

impl FromStr for NetRule {
    type Err = Flaw;

    /// Parses what follows `net:`, `*` or `origin[:methods][:paths]`.
    ///
    /// # Errors
    ///
    /// [`Flaw`] with the part that is wrong.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self::everything());
        }
        let (origin, rest) = Origin::take(text)?;
        let (methods, paths) = match rest.strip_prefix(':') {
            None => (None, None),
            Some(paths) if paths.starts_with('/') => (None, Some(paths)),
            Some(rest) => match rest.split_once(':') {
                None => (Some(rest), None),
                Some((methods, paths)) => (Some(methods), Some(paths)),
            },
        };
        let methods = methods.map_or(Ok(BTreeSet::new()), parse_methods)?;
        let paths = match paths {
            None => Vec::new(),
            Some(paths) => paths.split(',').map(str::parse).collect::<Result<_, _>>()?,
        };
        Ok(Self::new(origin, methods, paths))
    }
}

fn parse_methods(text: &str) -> Result<BTreeSet<Method>, Flaw> {
    if text == "*" {
        return Ok(Method::ALL.into());
    }
    text.split(',').map(str::parse).collect()
}

impl fmt::Display for NetRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(origin) = &self.origin else { return f.write_str("*") };
        write!(f, "{origin}")?;
        if self.methods.len() == Method::ALL.len() {
            f.write_str(":*")?;
        } else if !(self.paths.is_empty() && self.methods == Method::DEFAULT.into()) {
            f.write_str(":")?;
            write_separated(f, self.methods.iter().map(|method| method.word()))?;
        }
        if !self.paths.is_empty() {
            f.write_str(":")?;
            write_separated(f, self.paths.iter().map(PathPattern::as_str))?;
        }
        Ok(())
    }
}

fn write_separated<'a>(
    f: &mut fmt::Formatter<'_>,
    words: impl Iterator<Item = &'a str>,
) -> fmt::Result {
    for (index, word) in words.enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        f.write_str(word)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::NetRule;

    fn rule(text: &str) -> NetRule {
        text.parse().unwrap_or_else(|flaw| panic!("{text}: {flaw}"))
    }

    #[test]
    fn one_rule_has_one_text() {
        for (given, wanted) in [
            ("*", "*"),
            ("https://h", "https://h"),
            ("https://h:GET,HEAD", "https://h"),
            ("https://h:HEAD,GET,GET", "https://h"),
            ("https://h:/a", "https://h:GET,HEAD:/a"),
            ("https://h:GET", "https://h:GET"),
            ("https://h:8443:POST:/a", "https://h:8443:POST:/a"),
            ("https://h:*", "https://h:*"),
            ("https://h:DELETE,PATCH,PUT,POST,OPTIONS,HEAD,GET", "https://h:*"),
            ("https://h:*:/b,/a", "https://h:*:/a,/b"),
            ("https://h:GET:/**", "https://h:GET"),
            ("https://h:GET:/a/b,/a/**,/a/*", "https://h:GET:/a/**"),
            ("https://h:GET:/a:b", "https://h:GET:/a:b"),
            ("https://[::1]:8443:GET:/a", "https://[::1]:8443:GET:/a"),
            ("https://*:*", "https://*:*"),
        ] {
            assert_eq!(rule(given).to_string(), wanted);
            assert_eq!(rule(wanted), rule(given));
        }
    }

    #[test]
    fn every_refusal_says_why() {
        let refusals = [
            "",
            "**",
            "*:GET",
            "https://h:",
            "https://h:get",
            "https://h:CONNECT",
            "https://h:GET:",
            "https://h:GET,",
            "https://h:GET:a",
            "https://h:GET:/a,",
            "https://h::/a",
            "https://h:GET:/a#b",
            "https://h:GET:/a?b",
            "https://h:8443:",
        ]
        .map(|text| format!("{text:20} {}", text.parse::<NetRule>().expect_err(text)));
        insta::assert_snapshot!(refusals.join("\n"), @"
                             `` does not start with `https://` or `http://`
        **                   `**` does not start with `https://` or `http://`
        *:GET                `*:GET` does not start with `https://` or `http://`
        https://h:           `` is not a method that can be granted
        https://h:get        `get` is not a method that can be granted
        https://h:CONNECT    `CONNECT` is not a method that can be granted
        https://h:GET:       `` is not a path pattern: it does not start with `/`
        https://h:GET,       `` is not a method that can be granted
        https://h:GET:a      `a` is not a path pattern: it does not start with `/`
        https://h:GET:/a,    `` is not a path pattern: it does not start with `/`
        https://h::/a        `` is not a method that can be granted
        https://h:GET:/a#b   `https://h:GET:/a#b` holds a fragment (`#`)
        https://h:GET:/a?b   `/a?b` is not a path pattern: a query cannot be granted; it is always part of the request
        https://h:8443:      `` is not a method that can be granted
        ");
    }

    #[test]
    fn a_rule_covers_only_what_each_part_covers() {
        let covers = |a: &str, b: &str| rule(a).covers(&rule(b));
        assert!(covers("*", "https://h:DELETE:/x"));
        assert!(!covers("https://*:*", "*"));
        assert!(covers("https://h", "https://h:GET:/x"));
        assert!(!covers("https://h", "https://h:POST:/x"));
        assert!(!covers("https://h:GET:/x", "https://h:GET"));
        assert!(covers("https://h:GET:/a/*,/b", "https://h:GET:/a/x,/b"));
        assert!(!covers("https://h:GET:/a/*,/b", "https://h:GET:/a/x,/c"));
        assert!(!covers("https://h", "http://h"));
    }
}
