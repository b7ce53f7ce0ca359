//! One rule about requests: where to, which methods, which paths, and whether who is there does a
//! request once however often it comes (`idempotency-key`).
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

    /// Answers whether it is sent again only under a key (RFC 9110 §9.2.2: the others leave the same behind
    /// when they come twice).
    pub fn needs_key(self) -> bool {
        matches!(self, Self::Post | Self::Patch)
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

/// What stands beside the methods of a rule when whoever is asked honours the header `Idempotency-Key`.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What requests may be sent. `net:*` is everything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetRule {
    /// `None` is everywhere, then with every method and path.
    origin: Option<Origin>,
    /// Never empty.
    methods: BTreeSet<Method>,
    /// Sorted; empty means every path. No member covers another one.
    paths: Vec<PathPattern>,
    /// Whether POST and PATCH may be sent again under the same key. Only with one of the two.
    honours_key: bool,
}

impl NetRule {
    /// Allows every request to everywhere.
    pub fn everything() -> Self {
        Self { origin: None, methods: Method::ALL.into(), paths: Vec::new(), honours_key: false }
    }

    /// Returns the same rule for methods that only read; none if it has no such, or is about everything, which
    /// knows no methods.
    pub fn reading(&self) -> Option<Self> {
        let methods: BTreeSet<Method> =
            self.methods.iter().copied().filter(|it| it.only_reads()).collect();
        let is_left = self.origin.is_some() && !methods.is_empty();
        is_left.then(|| Self { methods, honours_key: false, ..self.clone() })
    }

    /// Allows requests to `origin`. No methods means GET and HEAD; no paths means every path.
    pub fn new(origin: Origin, methods: BTreeSet<Method>, paths: Vec<PathPattern>) -> Self {
        let methods = if methods.is_empty() { Method::DEFAULT.into() } else { methods };
        let (origin, paths) = (Some(origin), canonical_paths(paths));
        Self { origin, methods, paths, honours_key: false }
    }

    /// Says of the same rule that its requests may be sent again, since who is there does each once per
    /// key.
    ///
    /// # Errors
    ///
    /// [`Flaw::NothingToKey`] if none of its methods needs that: the others can be sent again anyway.
    pub fn honouring_key(self) -> Result<Self, Flaw> {
        if self.origin.is_none() || !self.methods.iter().any(|method| method.needs_key()) {
            return Err(Flaw::NothingToKey);
        }
        Ok(Self { honours_key: true, ..self })
    }

    /// Answers whether its requests may be sent again under the same key.
    pub fn honours_key(&self) -> bool {
        self.honours_key
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
    ///
    /// To send a request again is more than to send it, so a rule without `idempotency-key` does not
    /// cover one with it.
    pub fn covers(&self, other: &Self) -> bool {
        let origin = match (&self.origin, &other.origin) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => ours.covers(theirs),
        };
        let key = self.origin.is_none() || self.honours_key || !other.honours_key;
        let methods = self.methods.is_superset(&other.methods);
        origin && key && methods && self.covers_paths(&other.paths)
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

    /// Parses what follows `net:`, `*` or `origin[:methods][:paths]`. One of the words of the methods
    /// may be `idempotency-key`; after the paths it could be part of one.
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
        let (methods, honours_key) = methods.map_or(Ok((BTreeSet::new(), false)), parse_methods)?;
        let paths = match paths {
            None => Vec::new(),
            Some(paths) => paths.split(',').map(str::parse).collect::<Result<_, _>>()?,
        };
        let rule = Self::new(origin, methods, paths);
        if honours_key { rule.honouring_key() } else { Ok(rule) }
    }
}

/// Reads methods, and whether `idempotency-key` stands among them.
fn parse_methods(text: &str) -> Result<(BTreeSet<Method>, bool), Flaw> {
    let words = || text.split(',');
    let mut methods = words().filter(|word| *word != IDEMPOTENCY_KEY).peekable();
    let honours_key = words().any(|word| word == IDEMPOTENCY_KEY);
    if methods.next_if_eq(&"*").is_some() && methods.peek().is_none() {
        return Ok((Method::ALL.into(), honours_key));
    }
    let methods = words().filter(|word| *word != IDEMPOTENCY_KEY).map(str::parse);
    Ok((methods.collect::<Result<_, _>>()?, honours_key))
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
        if self.honours_key {
            write!(f, ",{IDEMPOTENCY_KEY}")?;
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
            ("https://h:POST,idempotency-key", "https://h:POST,idempotency-key"),
            ("https://h:idempotency-key,PUT,POST:/a", "https://h:POST,PUT,idempotency-key:/a"),
            ("https://h:*,idempotency-key", "https://h:*,idempotency-key"),
            ("https://h:POST:/a:idempotency-key", "https://h:POST:/a:idempotency-key"),
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
            "https://h:idempotency-key",
            "https://h:GET,PUT,idempotency-key",
            "https://h:*,POST,idempotency-key",
            "https://h:POST,Idempotency-Key",
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
        https://h:idempotency-key `idempotency-key` is for POST and PATCH, and neither stands beside it
        https://h:GET,PUT,idempotency-key `idempotency-key` is for POST and PATCH, and neither stands beside it
        https://h:*,POST,idempotency-key `*` is not a method that can be granted
        https://h:POST,Idempotency-Key `Idempotency-Key` is not a method that can be granted
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

    #[test]
    fn sending_again_has_to_be_allowed_by_name() {
        let covers = |a: &str, b: &str| rule(a).covers(&rule(b));
        assert!(covers("https://h:POST,idempotency-key", "https://h:POST:/x"));
        assert!(covers("https://h:POST,idempotency-key", "https://h:POST,idempotency-key:/x"));
        assert!(!covers("https://h:POST", "https://h:POST,idempotency-key:/x"));
        assert!(!covers("https://h:*", "https://h:POST,idempotency-key"));
        assert!(covers("*", "https://h:POST,idempotency-key"), "everything is everything");
        assert_eq!(
            rule("https://h:GET,POST,idempotency-key").reading(),
            Some(rule("https://h:GET"))
        );
    }
}
