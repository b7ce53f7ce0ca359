//! Turns what a link says into an absolute URL (RFC 3986, section 5).
//!
//! Only `http` and `https` come out; everything else is no link. The result is ASCII: what is not is
//! percent-encoded, so that it can stand in Markdown and cannot hide characters.
//!
//! Not here: whether a URL may be requested (the host), hosts in other scripts (no link).

use std::fmt::Write as _;

/// Longest URL that comes out, in bytes: what common browsers and servers take.
pub const URL_BYTES_MAX: usize = 2_048;

/// An absolute URL that links are relative to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// `http` or `https`.
    scheme: &'static str,
    /// Host and port.
    authority: String,
    /// Begins with `/`.
    path: String,
    /// With its `?`; empty when there is none.
    query: String,
}

impl Base {
    /// Takes an absolute URL apart; none when it is not one with `http` or `https`, names a user, or
    /// has a host that is not ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let text = clean(text);
        let (scheme, rest) = split_scheme(&text)?;
        let rest = rest.strip_prefix("//")?;
        Self::from_authority(web_scheme(scheme)?, rest)
    }

    /// Resolves what a link says; none when that is no link to the web or to this very page.
    pub fn join(&self, reference: &str) -> Option<String> {
        let reference = clean(reference);
        if reference.is_empty() || reference.starts_with('#') {
            return None;
        }
        let (target, fragment) = split_fragment(&reference);
        let mut url = match split_scheme(target) {
            // `https:page` is relative in browsers when the schemes agree; nobody writes it.
            Some((scheme, rest)) => {
                Self::from_authority(web_scheme(scheme)?, rest.strip_prefix("//")?)?
            }
            None => self.relative(target)?,
        }
        .into_text();
        if !fragment.is_empty() {
            url.push('#');
            encode(fragment, &mut url);
        }
        (url.len() <= URL_BYTES_MAX).then_some(url)
    }

    /// Bytes that a relative link is added to.
    pub fn bytes(&self) -> usize {
        self.authority.len() + self.path.len() + self.query.len()
    }

    /// Returns the URL as text.
    pub fn into_text(self) -> String {
        format!("{}://{}{}{}", self.scheme, self.authority, self.path, self.query)
    }

    fn relative(&self, target: &str) -> Option<Self> {
        if let Some(rest) = target.strip_prefix("//") {
            return Self::from_authority(self.scheme, rest);
        }
        let (path, query) = split_query(target);
        let mut base = self.clone();
        if !path.is_empty() || !query.is_empty() {
            base.query = encoded(query);
        }
        if path.starts_with('/') {
            base.path = without_dots(&encoded(path));
        } else if !path.is_empty() {
            let folder = self.path.rfind('/').map_or("/", |at| &self.path[..=at]);
            base.path = without_dots(&format!("{folder}{}", encoded(path)));
        }
        Some(base)
    }

    /// Reads what follows `//`.
    fn from_authority(scheme: &'static str, rest: &str) -> Option<Self> {
        let (rest, _) = split_fragment(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(is_plain) {
            return None;
        }
        let (path, query) = split_query(rest);
        let path = if path.is_empty() { "/".to_owned() } else { without_dots(&encoded(path)) };
        let authority = authority.to_ascii_lowercase();
        Some(Self { scheme, authority, path, query: encoded(query) })
    }
}

/// Takes a URL's fragment off, which is not for servers.
pub fn without_fragment(url: &str) -> &str {
    split_fragment(url).0
}

/// Does to a reference what browsers do first: white space around it and line breaks in it go, `\`
/// outside the query is `/`.
fn clean(text: &str) -> String {
    let text = text.trim_matches(|c: char| c <= ' ');
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (front, rest) = text.split_at(end);
    let front = front.replace('\\', "/");
    front.chars().chain(rest.chars()).filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect()
}

/// Splits `scheme:rest`.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_scheme && scheme.bytes().all(is_part)).then_some((scheme, rest))
}

fn web_scheme(scheme: &str) -> Option<&'static str> {
    ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))
}

fn split_fragment(text: &str) -> (&str, &str) {
    text.split_once('#').unwrap_or((text, ""))
}

/// Splits a path from its query, which keeps the `?`.
fn split_query(text: &str) -> (&str, &str) {
    text.split_at(text.find('?').unwrap_or(text.len()))
}

/// Takes `.` and `..` out of a path that begins with `/`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut is_folder = false;
    for part in path.split('/').skip(1) {
        is_folder = matches!(part, "." | "..");
        match part {
            "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    let mut text = String::with_capacity(path.len());
    for part in &kept {
        text.push('/');
        text.push_str(part);
    }
    if is_folder || text.is_empty() {
        text.push('/');
    }
    text
}

fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    encode(text, &mut url);
    url
}

/// Percent-encodes what may not stand in a URL. A `%` stays: it is a code already.
fn encode(text: &str, url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            write!(url, "%{byte:02X}").unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Base;
    use super::URL_BYTES_MAX;

    fn base() -> Base {
        Base::parse("http://a/b/c/d;p?q").expect("a base")
    }

    #[test]
    fn references_resolve_as_the_rfc_says() {
        // The examples of RFC 3986, sections 5.4.1 and 5.4.2, for http.
        let examples = [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g#s", "http://a/b/c/g#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("g;x?y#s", "http://a/b/c/g;x?y#s"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s/../x", "http://a/b/c/g#s/../x"),
        ];
        for (reference, url) in examples {
            assert_eq!(base().join(reference).as_deref(), Some(url), "{reference}");
        }
    }

    #[test]
    fn what_is_not_the_web_is_no_link() {
        for reference in [
            "javascript:alert(1)",
            " java\nscript:alert(1)",
            "JAVASCRIPT:1",
            "data:text/html,x",
            "mailto:a@b",
            "vbscript:x",
            "blob:https://a/1",
            "file:///etc/passwd",
            "#top",
            "",
            "  ",
            "https:",
            "https://",
            "https://user:secret@host/",
            "https://bücher.example/",
        ] {
            assert_eq!(base().join(reference), None, "{reference}");
        }
    }

    #[test]
    fn links_are_cleaned_and_ascii() {
        let joined = |reference: &str| base().join(reference).expect("a link");
        assert_eq!(joined(" /a b\u{200b}ü "), "http://a/a%20b%E2%80%8B%C3%BC");
        assert_eq!(joined("\\\\Host\\x?a\\b"), "http://host/x?a%5Cb");
        assert_eq!(joined("HTTPS://Example.ORG"), "https://example.org/");
        assert_eq!(joined("/a%20b(c)"), "http://a/a%20b(c)");
        assert_eq!(joined("/<x>\"`"), "http://a/%3Cx%3E%22%60");
    }

    #[test]
    fn a_url_may_be_as_long_as_the_bound_and_no_longer() {
        let front = "http://a/".len();
        let path = format!("/{}", "x".repeat(URL_BYTES_MAX - front));
        assert_eq!(base().join(&path).map(|url| url.len()), Some(URL_BYTES_MAX));
        assert_eq!(base().join(&format!("{path}x")), None);
    }
}
