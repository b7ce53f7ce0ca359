//! A URL that a guest wants to request, in the one form that is checked and sent.
//!
//! ```text
//! text --> RequestUrl --+--> permission(method)   asked: is this covered?
//!                       +--> path_and_query()     sent: the same path, byte for byte
//! ```
//!
//! What two parsers could read in two ways is refused, not repaired. Few things are rewritten,
//! always to a spelling that no server reads otherwise: the case of the host, a default port,
//! escapes of plain characters, `*` and `,` in a path (`%2A`, `%2C`, since they mean something in a
//! permission), and the characters in [`QUERY_ESCAPED`], which every client sends raw and strict
//! servers refuse. A fragment is dropped, as no client ever sends one.
//!
//! Invariant: what is sent parses to itself; the origin is one host and one port; the path, decoded
//! however often, holds no dot segment, no further slash and no control character; the permission
//! of a URL has a text that parses. `Display` and `Debug` never show the query, which
//! may hold secrets.
//! Not here: what the host resolves to, and whether to follow a redirect (host, egress).

mod error;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::permission::origin::Origin;
use crate::permission::path::{PathPattern, hex_value};
use crate::permission::{Flaw, Method, NetRule, PERMISSION_BYTES_MAX, Permission};

pub use error::UrlError;

/// Bytes of a URL, as given and as sent: what common servers accept for the line with the path.
pub const URL_BYTES_MAX: usize = 8 * 1024;

/// Bytes of origin and path together, so that the permission to request them can be written down,
/// granted and recorded whichever the method is.
const PLACE_BYTES_MAX: usize = PERMISSION_BYTES_MAX - "net::OPTIONS:".len();

/// How often a path may be decoded before nothing changes any more: two proxies and a server that
/// decodes twice.
const DECODINGS_MAX: usize = 4;

/// Characters of a query that RFC 3986 wants escaped and browsers send as they are. They are sent
/// escaped: a query is no part of any permission, and to its reader both spellings are equal.
const QUERY_ESCAPED: &[u8] = b"[]|{}^\"<>`";

/// A URL that can be requested: one origin, a canonical path without wildcards, perhaps a query.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestUrl {
    origin: Origin,
    path: PathPattern,
    query: Option<String>,
}

impl RequestUrl {
    /// Returns where the request goes: never a pattern, always with a port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the path, which matches itself alone.
    pub fn path(&self) -> &PathPattern {
        &self.path
    }

    /// Returns what follows the `?`, as it is sent. It may hold secrets.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Writes path and query as they go on the wire. The query may hold secrets.
    pub fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_string(),
        }
    }

    /// Writes the whole URL. The query may hold secrets; to show a URL use `Display`.
    pub fn with_query(&self) -> String {
        format!("{}{}", self.origin, self.path_and_query())
    }

    /// Returns the permission to send this request and no other one; it is what a rule is asked
    /// whether it covers.
    pub fn permission(&self, method: Method) -> Permission {
        let (origin, path) = (self.origin.clone(), self.path.clone());
        Permission::Net(NetRule::new(origin, BTreeSet::from([method]), vec![path]))
    }

    /// Returns the URL that `location` means in an answer to a request of this one: a whole URL,
    /// `//host/path`, `/path`, `path` beside this one's last segment, `?query`, or nothing but a
    /// fragment, which is this URL again.
    ///
    /// # Errors
    ///
    /// [`UrlError`] for whatever is refused in a URL, `..` segments among it.
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        check_length(location)?;
        let reference = location.split('#').next().unwrap_or(location);
        let front = reference.split('?').next().unwrap_or(reference);
        // Every branch makes a whole URL and parses it, so that no way in has fewer checks.
        let absolute = if has_scheme(front) {
            location.to_owned()
        } else if reference.starts_with("//") {
            format!("{}:{location}", self.origin.scheme().word())
        } else if reference.starts_with('/') {
            format!("{}{location}", self.origin)
        } else if reference.is_empty() {
            format!("{}{location}", self.with_query())
        } else if front.is_empty() {
            format!("{self}{location}")
        } else {
            let path = self.path.as_str();
            let folder = &path[..=path.rfind('/').unwrap_or(0)];
            format!("{}{folder}{location}", self.origin)
        };
        absolute.parse()
    }
}

impl FromStr for RequestUrl {
    type Err = UrlError;

    /// # Errors
    ///
    /// [`UrlError`] with the part that is wrong, never with the query.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_length(text)?;
        let (sent, _fragment) = text.split_once('#').unwrap_or((text, ""));
        let (front, query) = match sent.split_once('?') {
            Some((front, query)) => (front, Some(query)),
            None => (sent, None),
        };
        // The whole text, the fragment too: who sends a line break anywhere means no good by it.
        if let Some(character) = text.chars().find(|c| c.is_control() || c.is_whitespace()) {
            return Err(UrlError::Character { text: error::shown(front), character });
        }
        let (origin, path) = parse_front(front)?;
        let query = query.map(|query| canonical_query(query, front)).transpose()?;
        let url = Self { origin, path, query };
        let bytes = url.to_string().len();
        if bytes > PLACE_BYTES_MAX {
            return Err(UrlError::PathTooLong { bytes, max: PLACE_BYTES_MAX });
        }
        // Escapes made it longer; it could not be read back.
        check_length(&url.with_query())?;
        Ok(url)
    }
}

impl fmt::Display for RequestUrl {
    /// Writes the URL without its query, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

impl fmt::Debug for RequestUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}{}", if self.query.is_some() { "?…" } else { "" })
    }
}

fn check_length(text: &str) -> Result<(), UrlError> {
    if text.len() > URL_BYTES_MAX {
        return Err(UrlError::TooLong { bytes: text.len(), max: URL_BYTES_MAX });
    }
    Ok(())
}

/// Tells whether a reference starts with a scheme and a colon, which makes it absolute.
fn has_scheme(front: &str) -> bool {
    let Some((scheme, _)) = front.split_once(':') else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Parses all that stands before the query.
fn parse_front(front: &str) -> Result<(Origin, PathPattern), UrlError> {
    if front.contains('\\') {
        return Err(UrlError::Backslash { text: error::shown(front) });
    }
    let Some((scheme, rest)) = front.split_once("://") else {
        return Err(UrlError::Origin(Flaw::NoScheme { text: error::shown(front) }));
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let path = &rest[authority.len()..];
    let origin: Origin = format!("{scheme}://{authority}").parse().map_err(UrlError::Origin)?;
    if !origin.is_exact() {
        return Err(UrlError::Pattern { text: authority.to_owned() });
    }
    if path.is_empty() {
        return Ok((origin, PathPattern::root()));
    }
    let wrong = |why| UrlError::Path { text: path.to_owned(), why };
    let canonical = PathPattern::literal(path).map_err(wrong)?;
    check_decodings(&canonical).map_err(wrong)?;
    Ok((origin, canonical))
}

/// Refuses a path that some server reads as another one. Servers decode once, those behind a proxy
/// twice, and they look for `..` before or after that; so each stage is checked.
fn check_decodings(path: &PathPattern) -> Result<(), &'static str> {
    let mut stage = path.as_str().as_bytes().to_vec();
    let slashes = count_slashes(&stage);
    for _ in 0..=DECODINGS_MAX {
        check_stage(&stage, slashes)?;
        let decoded = decode(&stage);
        if decoded.len() == stage.len() {
            return Ok(());
        }
        stage = decoded;
    }
    Err("it is escaped more than four times over")
}

fn check_stage(stage: &[u8], slashes: usize) -> Result<(), &'static str> {
    if count_slashes(stage) != slashes || stage.contains(&b'\\') {
        return Err("it hides `/` or a backslash behind `%` escapes");
    }
    if stage.iter().any(u8::is_ascii_control) {
        return Err("it hides a control character behind `%` escapes");
    }
    if stage.windows(2).any(is_overlong) {
        return Err("it hides a character behind overlong UTF-8");
    }
    for segment in stage.split(|&byte| byte == b'/').filter(|segment| !segment.is_empty()) {
        // Parameters (`;…`) are cut off by some servers, the rest by whoever parses a decoded path
        // again; blanks and full stops at the end of a name vanish on Windows.
        let end = segment.iter().position(|byte| b";?#".contains(byte)).unwrap_or(segment.len());
        if segment[..end].iter().all(|byte| b". ".contains(byte)) {
            return Err("a segment of it is nothing but full stops or blanks, or empty before `;`");
        }
    }
    Ok(())
}

fn count_slashes(stage: &[u8]) -> usize {
    stage.iter().filter(|&&byte| byte == b'/').count()
}

/// Tells whether two bytes start a character that has a shorter encoding in UTF-8; careless
/// decoders take `C0 AE` for a full stop.
fn is_overlong(pair: &[u8]) -> bool {
    matches!(pair, [0xc0 | 0xc1, 0x80..=0xbf] | [0xe0, 0x80..=0x9f] | [0xf0, 0x80..=0x8f])
}

/// Undoes every escape once; what is no escape stays.
fn decode(stage: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(stage.len());
    let mut rest = stage;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = if byte == b'%' { escaped_byte(after) } else { None };
        decoded.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// Returns the byte that two hex digits at the front of `digits` stand for.
fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let &[high, low, ..] = digits else { return None };
    Some(hex_value(high)? << 4 | hex_value(low)?)
}

/// Checks a query and escapes [`QUERY_ESCAPED`]; all else stays as it is, escapes too.
fn canonical_query(query: &str, front: &str) -> Result<String, UrlError> {
    let wrong = |why| UrlError::Query { text: error::shown(front), why };
    let mut canonical = String::with_capacity(query.len());
    for (at, byte) in query.bytes().enumerate() {
        match byte {
            b'%' if escaped_byte(&query.as_bytes()[at + 1..]).is_none() => {
                return Err(wrong("a `%` is not followed by two hex digits"));
            }
            b'\\' => return Err(wrong("it holds a backslash")),
            _ if !byte.is_ascii() => return Err(wrong("it holds a character that is not ASCII")),
            _ if QUERY_ESCAPED.contains(&byte) => canonical.push_str(&format!("%{byte:02X}")),
            _ => canonical.push(char::from(byte)),
        }
    }
    Ok(canonical)
}

#[cfg(test)]
mod tests;
