//! URLs that a plugin requests, and where an answer sends it on to.
//!
//! The other reader is the `url` crate, which reads as browsers and most HTTP clients do. What we
//! show, check and connect to must be what it would have gone to.

use ax_manifest::HostPattern;
use ax_manifest::Method;
use ax_manifest::RequestUrl;

use crate::shown;
use crate::text;

/// References that are followed from the first URL.
const LINES_MAX: usize = 4;

/// Checks that a URL has one text, that the standard reads it as we do, and that a redirect leads
/// where the standard says.
pub fn url(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut lines = text.split('\n').take(LINES_MAX);
    let Some(base) = lines.next().and_then(read) else { return };
    lines.fold(base, |base, location| follow(&base, location));
}

fn read(text: &str) -> Option<RequestUrl> {
    match text.parse::<RequestUrl>() {
        Ok(url) => {
            alone(&url);
            // What was given, too: its other spellings must not lead the other reader elsewhere.
            if let Some(theirs) = standard(text) {
                same(&url, &theirs, text);
            }
            Some(url)
        }
        Err(error) => {
            shown::refusal(&error, error.hint());
            None
        }
    }
}

fn alone(url: &RequestUrl) {
    let whole = url.with_query();
    shown::line(&whole);
    assert_eq!(whole.parse().as_ref(), Ok(url), "the text of a URL is read back");
    let front = url.to_string();
    assert!(whole.starts_with(&front) && !front.contains(['?', '#', '\\']), "{whole}");
    let origin = url.origin();
    assert!(origin.is_exact() && !origin.to_string().contains('@'), "{whole}");
    assert!(front.starts_with(&format!("{origin}/")), "{origin} is shown before {whole}");
    let permission = url.permission(Method::Get);
    assert_eq!(permission.to_string().parse().as_ref(), Ok(&permission), "it can be granted");
    if let Some(theirs) = standard(&whole) {
        same(url, &theirs, &whole);
    }
}

/// Follows one reference; stays where it was if that leads nowhere.
fn follow(base: &RequestUrl, location: &str) -> RequestUrl {
    let next = match base.join(location) {
        Ok(next) => next,
        Err(error) => {
            shown::refusal(&error, error.hint());
            return base.clone();
        }
    };
    alone(&next);
    if let Some(from) = standard(&base.with_query()) {
        match from.join(location) {
            Ok(theirs) => same(&next, &theirs, location),
            Err(error) => assert!(is_punycode(location), "{location:?} from {base}: {error}"),
        }
    }
    next
}

/// Reads a text as browsers do. They check punycode, which to us is a name like any other that no
/// server answers to.
fn standard(text: &str) -> Option<::url::Url> {
    match text.parse() {
        Ok(url) => Some(url),
        Err(error) => {
            assert!(is_punycode(text), "the standard refuses {text:?}: {error}");
            None
        }
    }
}

fn is_punycode(text: &str) -> bool {
    text.to_ascii_lowercase().contains("xn--")
}

/// Checks that both readers go to the same place.
fn same(ours: &RequestUrl, theirs: &::url::Url, given: &str) {
    let origin = ours.origin();
    assert_eq!(origin.scheme().word(), theirs.scheme(), "{given:?}");
    match (origin.host(), theirs.host()) {
        (HostPattern::Name(ours), Some(::url::Host::Domain(theirs))) => {
            assert_eq!(ours.trim_end_matches('.'), theirs.trim_end_matches('.'), "{given:?}");
        }
        (HostPattern::V4(ours), Some(::url::Host::Ipv4(theirs))) => assert_eq!(*ours, theirs),
        (HostPattern::V6(ours), Some(::url::Host::Ipv6(theirs))) => assert_eq!(*ours, theirs),
        (ours, theirs) => panic!("{given:?} goes to {ours:?}, or to {theirs:?}"),
    }
    assert_eq!(origin.port(), theirs.port_or_known_default(), "{given:?}");
    assert_eq!((theirs.username(), theirs.password()), ("", None), "{given:?}");
    // Escapes are spelled differently, so both paths are read once more and then compared.
    let reread: RequestUrl = theirs
        .as_str()
        .parse()
        .unwrap_or_else(|error| panic!("{given:?} is {theirs} to the standard: {error}"));
    assert_eq!(reread.path(), ours.path(), "{given:?}");
}
