//! Where a request may go: scheme, host, port.
//!
//! Invariant: an [`Origin`] is canonical. Hosts are lower-case ASCII, addresses are in their one
//! usual form, a default port is gone; two origins that mean the same are equal.
//! Not here: what an address belongs to (private, loopback …) and name resolution (host, egress).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::permission::error::{Flaw, without_userinfo};

/// Characters of a host name, as the DNS has it.
const HOST_CHARS_MAX: usize = 253;

/// Characters of one label of a host name, as the DNS has it.
const LABEL_CHARS_MAX: usize = 63;

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// Returns the scheme's name in a URL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// Returns the port that a URL without one means.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// One host, or a pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPattern {
    /// `*`: any name and any address.
    Any,
    /// `*.example.org`: every name under this one, at any depth, but not the name itself.
    Under(String),
    /// One name.
    Name(String),
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// One IPv6 address, never an IPv4 address in disguise.
    V6(Ipv6Addr),
}

impl HostPattern {
    /// Tells whether every host `other` matches is matched by `self`.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Under(above), Self::Under(below)) => above == below || is_under(below, above),
            (Self::Under(above), Self::Name(name)) => is_under(name, above),
            (
                Self::Under(_) | Self::Name(_) | Self::V4(_) | Self::V6(_),
                Self::Any | Self::Under(_) | Self::Name(_) | Self::V4(_) | Self::V6(_),
            ) => self == other,
        }
    }
}

/// Tells whether `name` ends with a full stop and `above`.
pub(crate) fn is_under(name: &str, above: &str) -> bool {
    name.strip_suffix(above).is_some_and(|front| front.ends_with('.'))
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Under(name) => write!(f, "*.{name}"),
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// `scheme://host[:port]`. A host of `*` without a port means any port; any other host without
/// one means the scheme's default port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: Scheme,
    host: HostPattern,
    /// `None` is any port and only occurs with [`HostPattern::Any`].
    port: Option<u16>,
}

impl Origin {
    /// Returns the scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host or pattern of hosts.
    pub fn host(&self) -> &HostPattern {
        &self.host
    }

    /// Returns the port; `None` means any.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Tells whether this is one host and not a pattern.
    pub fn is_exact(&self) -> bool {
        match self.host {
            HostPattern::Any | HostPattern::Under(_) => false,
            HostPattern::Name(_) | HostPattern::V4(_) | HostPattern::V6(_) => true,
        }
    }

    /// Tells whether every place `other` names is also named by `self`.
    pub fn covers(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.host.covers(&other.host)
            && (self.port.is_none() || self.port == other.port)
    }

    /// Takes an origin off the front of `text` and returns it with the rest, which is empty or
    /// starts with the colon that follows the origin.
    pub(crate) fn take(text: &str) -> Result<(Self, &str), Flaw> {
        let (scheme, rest) = take_scheme(text)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        if authority.contains('@') {
            return Err(Flaw::Userinfo { text: without_userinfo(text) });
        }
        if text.contains('#') {
            return Err(Flaw::Fragment { text: text.to_owned() });
        }
        let (host, rest) = take_host(rest)?;
        let (port, rest) = take_port(rest)?;
        if !(rest.is_empty() || rest.starts_with(':')) {
            return Err(Flaw::AfterOrigin { text: rest.to_owned() });
        }
        let port = match (&host, port) {
            (HostPattern::Any, port) => port,
            (_, port) => Some(port.unwrap_or(scheme.default_port())),
        };
        Ok((Self { scheme, host, port }, rest))
    }
}

impl FromStr for Origin {
    type Err = Flaw;

    /// # Errors
    ///
    /// [`Flaw`] for user names, paths, fragments, unknown schemes, and for hosts that have a
    /// second, simpler spelling.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::take(text)? {
            (origin, "") => Ok(origin),
            (_, rest) => Err(Flaw::AfterOrigin { text: rest.to_owned() }),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.word(), self.host)?;
        match self.port {
            None => Ok(()),
            Some(port) if port == self.scheme.default_port() && self.host != HostPattern::Any => {
                Ok(())
            }
            Some(port) => write!(f, ":{port}"),
        }
    }
}

fn take_scheme(text: &str) -> Result<(Scheme, &str), Flaw> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Flaw::NoScheme { text: text.to_owned() });
    };
    let known = [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|known| known.word().eq_ignore_ascii_case(scheme));
    match known {
        Some(known) => Ok((known, rest)),
        None => Err(Flaw::Scheme { text: scheme.to_owned() }),
    }
}

fn take_host(text: &str) -> Result<(HostPattern, &str), Flaw> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let wrong = |why| Flaw::Host { text: text.to_owned(), why };
        let (address, rest) =
            bracketed.split_once(']').ok_or_else(|| wrong("the `[` is never closed"))?;
        let address: Ipv6Addr =
            address.parse().map_err(|_| wrong("what is in brackets is no IPv6 address"))?;
        if address.to_ipv4_mapped().is_some() {
            return Err(wrong("it is an IPv4 address in disguise; write that one"));
        }
        return Ok((HostPattern::V6(address), rest));
    }
    let end = text.find([':', '/', '?']).unwrap_or(text.len());
    let (host, rest) = text.split_at(end);
    Ok((parse_host(host)?, rest))
}

fn parse_host(text: &str) -> Result<HostPattern, Flaw> {
    let wrong = |why| Flaw::Host { text: text.to_owned(), why };
    if !text.is_ascii() {
        return Err(Flaw::NonAsciiHost { text: text.to_owned() });
    }
    let host = text.to_ascii_lowercase();
    if host == "*" {
        return Ok(HostPattern::Any);
    }
    let (is_pattern, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host.as_str()),
    };
    if name.contains('*') {
        return Err(wrong("`*` stands for a whole first label, as in `*.example.org`"));
    }
    if name.len() > HOST_CHARS_MAX {
        return Err(wrong("it is longer than 253 characters"));
    }
    for label in name.split('.') {
        check_label(label).map_err(wrong)?;
    }
    if ends_in_number(name) {
        let address: Ipv4Addr =
            name.parse().map_err(|_| wrong("an address is four plain numbers from 0 to 255"))?;
        if is_pattern {
            return Err(wrong("an address has nothing under it"));
        }
        return Ok(HostPattern::V4(address));
    }
    let name = name.to_owned();
    Ok(if is_pattern { HostPattern::Under(name) } else { HostPattern::Name(name) })
}

fn check_label(label: &str) -> Result<(), &'static str> {
    if label.is_empty() {
        return Err("a label of it is empty");
    }
    if label.len() > LABEL_CHARS_MAX {
        return Err("a label of it is longer than 63 characters");
    }
    if label.bytes().any(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))) {
        return Err("a host has only letters, digits, hyphens and full stops");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("a label of it starts or ends with a hyphen");
    }
    Ok(())
}

/// Tells whether resolvers would take `name` for an IPv4 address in one of its many spellings
/// (`127.1`, `0x7f000001`, `017700000001`).
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let digits = last.strip_prefix("0x");
    match digits {
        Some(hex) => hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Takes `:8443` off the front; a colon that no digit follows belongs to what comes after.
fn take_port(text: &str) -> Result<(Option<u16>, &str), Flaw> {
    let Some(digits) = text.strip_prefix(':') else { return Ok((None, text)) };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok((None, text));
    }
    let end = digits.find([':', '/', '?']).unwrap_or(digits.len());
    let (port, rest) = digits.split_at(end);
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok((Some(port), rest)),
        Ok(_) | Err(_) => Err(Flaw::Port { text: port.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::Origin;

    fn canonical(text: &str) -> String {
        text.parse::<Origin>().unwrap_or_else(|flaw| panic!("{text}: {flaw}")).to_string()
    }

    fn refused(text: &str) -> String {
        text.parse::<Origin>().expect_err(text).to_string()
    }

    #[test]
    fn one_place_has_one_text() {
        for (given, wanted) in [
            ("https://api.github.com", "https://api.github.com"),
            ("HTTPS://API.GitHub.com:443", "https://api.github.com"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:443", "http://localhost:443"),
            ("https://h:08443", "https://h:8443"),
            ("https://[0:0:0:0:0:0:0:1]:443", "https://[::1]"),
            ("http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080"),
            ("https://10.0.0.1", "https://10.0.0.1"),
            ("https://*.Example.org", "https://*.example.org"),
            ("https://*", "https://*"),
            ("https://*:443", "https://*:443"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(canonical(given), wanted);
            assert_eq!(canonical(wanted), wanted);
        }
    }

    #[test]
    fn every_refusal_says_why() {
        let refusals = [
            "api.github.com",
            "ftp://a",
            "https://",
            "https://:8443",
            "https://u@h",
            "https://u:p@h",
            "https://h/",
            "https://h?x",
            "https://h#x",
            "https://h:0",
            "https://h:65536",
            "https://h:80x",
            "https://h:GET",
            "https://bücher.example",
            "https://h.",
            "https://.h",
            "https://-h",
            "https://h-.org",
            "https://a b",
            "https://a%2eb",
            "https://a*.org",
            "https://*.*.org",
            "https://a.*",
            "https://*.10.0.0.1",
            "https://127.1",
            "https://0x7f000001",
            "https://2130706433",
            "https://010.0.0.1",
            "https://1.2.3.4.5",
            "https://[::1",
            "https://[::g]",
            "https://[::ffff:127.0.0.1]",
            "https://[fe80::1%eth0]",
            "https://[::1]x",
            "https://a\u{0}b",
        ]
        .map(|text| format!("{text:32} {}", refused(text)).escape_debug().to_string());
        insta::assert_snapshot!(refusals.join("\n"), @r"
        api.github.com                   `api.github.com` does not start with `https://` or `http://`
        ftp://a                          `ftp` is not a scheme that can be granted
        https://                         `` is not a host: a label of it is empty
        https://:8443                    `` is not a host: a label of it is empty
        https://u@h                      `https://…@h` holds a user name before the host
        https://u:p@h                    `https://…@h` holds a user name before the host
        https://h/                       `/` does not belong to an origin
        https://h?x                      `?x` does not belong to an origin
        https://h#x                      `https://h#x` holds a fragment (`#`)
        https://h:0                      `0` is not a port
        https://h:65536                  `65536` is not a port
        https://h:80x                    `80x` is not a port
        https://h:GET                    `:GET` does not belong to an origin
        https://bücher.example           `bücher.example` is not a host in ASCII
        https://h.                       `h.` is not a host: a label of it is empty
        https://.h                       `.h` is not a host: a label of it is empty
        https://-h                       `-h` is not a host: a label of it starts or ends with a hyphen
        https://h-.org                   `h-.org` is not a host: a label of it starts or ends with a hyphen
        https://a b                      `a b` is not a host: a host has only letters, digits, hyphens and full stops
        https://a%2eb                    `a%2eb` is not a host: a host has only letters, digits, hyphens and full stops
        https://a*.org                   `a*.org` is not a host: `*` stands for a whole first label, as in `*.example.org`
        https://*.*.org                  `*.*.org` is not a host: `*` stands for a whole first label, as in `*.example.org`
        https://a.*                      `a.*` is not a host: `*` stands for a whole first label, as in `*.example.org`
        https://*.10.0.0.1               `*.10.0.0.1` is not a host: an address has nothing under it
        https://127.1                    `127.1` is not a host: an address is four plain numbers from 0 to 255
        https://0x7f000001               `0x7f000001` is not a host: an address is four plain numbers from 0 to 255
        https://2130706433               `2130706433` is not a host: an address is four plain numbers from 0 to 255
        https://010.0.0.1                `010.0.0.1` is not a host: an address is four plain numbers from 0 to 255
        https://1.2.3.4.5                `1.2.3.4.5` is not a host: an address is four plain numbers from 0 to 255
        https://[::1                     `[::1` is not a host: the `[` is never closed
        https://[::g]                    `[::g]` is not a host: what is in brackets is no IPv6 address
        https://[::ffff:127.0.0.1]       `[::ffff:127.0.0.1]` is not a host: it is an IPv4 address in disguise; write that one
        https://[fe80::1%eth0]           `[fe80::1%eth0]` is not a host: what is in brackets is no IPv6 address
        https://[::1]x                   `x` does not belong to an origin
        https://a\0b                      `a\\u{0}b` is not a host: a host has only letters, digits, hyphens and full stops
        ");
    }

    #[test]
    fn a_label_has_63_characters_and_a_name_253() {
        let label = "a".repeat(63);
        assert!(format!("https://{label}.org").parse::<Origin>().is_ok());
        assert!(refused(&format!("https://{label}a.org")).contains("longer than 63"));
        let name = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert!(format!("https://{name}").parse::<Origin>().is_ok());
        assert!(refused(&format!("https://{name}a")).contains("longer than 253"));
    }

    #[test]
    fn a_pattern_covers_what_is_under_it_and_not_its_root() {
        let covers = |a: &str, b: &str| {
            let parse = |text: &str| text.parse::<Origin>().expect(text);
            parse(a).covers(&parse(b))
        };
        assert!(covers("https://*.example.org", "https://api.example.org"));
        assert!(covers("https://*.example.org", "https://a.b.example.org"));
        assert!(covers("https://*.example.org", "https://*.b.example.org"));
        assert!(!covers("https://*.example.org", "https://example.org"));
        assert!(!covers("https://*.example.org", "https://evilexample.org"));
        assert!(!covers("https://*.example.org", "https://api.example.org.evil.com"));
        assert!(!covers("https://*.b.example.org", "https://*.example.org"));
        assert!(!covers("https://*.example.org", "http://api.example.org"));
        assert!(!covers("https://*.example.org", "https://api.example.org:8443"));
        assert!(covers("https://*", "https://[::1]:8443"));
        assert!(covers("https://*:8443", "https://h:8443"));
        assert!(!covers("https://*:8443", "https://h"));
        assert!(!covers("https://*:8443", "https://*"));
        assert!(!covers("https://*.org", "https://10.0.0.1"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(https?://)?\\PC{0,40}") {
            if let Ok(origin) = text.parse::<Origin>() {
                assert_eq!(origin.to_string().parse::<Origin>().as_ref(), Ok(&origin));
                assert!(origin.covers(&origin));
            }
        }
    }
}
