//! Who is let in: the holder of a token, or everybody where no token is asked for.
//!
//! Invariant: a token that was removed, or whose file others may read, opens nothing from the next request on, and while the tokens cannot
//! be read nobody is let in.

use std::sync::{Arc, Mutex, PoisonError};

use ax_manifest::Digest;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::secret::tokens::{Holders, Stamp, TokenFile};

/// Who everybody is in the audit where no token is asked for.
const EVERYBODY: &str = "mcp:http";

/// Who may come in.
pub(super) enum Keys {
    Everybody(Guest),
    Holders { file: TokenFile, read: Mutex<Option<(Stamp, Arc<Holders>)>> },
}

/// Who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guest {
    /// As the audit calls them.
    pub(super) name: Arc<str>,
    /// What tells them from others of that name: the digest of the token, if there is one.
    pub(super) key: Option<Digest>,
}

/// Why somebody is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// No token, or none that opens.
    NoToken,
    /// It is not known which tokens open.
    Unreadable,
}

impl Keys {
    /// Asks for the tokens of this file; for none if there is no file.
    pub(super) fn new(tokens: Option<TokenFile>) -> Self {
        match tokens {
            Some(file) => Self::Holders { file, read: Mutex::default() },
            None => Self::Everybody(Guest { name: Arc::from(EVERYBODY), key: None }),
        }
    }

    /// Returns who it is.
    pub(super) fn who(&self, headers: &HeaderMap) -> Result<Guest, Closed> {
        let (file, read) = match self {
            Self::Everybody(who) => return Ok(who.clone()),
            Self::Holders { file, read } => (file, read),
        };
        let shown = shown(headers).ok_or(Closed::NoToken)?;
        let stamp = file.stamp().ok_or(Closed::NoToken)?;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        let holders = match &*read {
            Some((of, holders)) if *of == stamp => Arc::clone(holders),
            _ => {
                let holders = Arc::new(file.holders().map_err(|_| Closed::Unreadable)?);
                *read = Some((stamp, Arc::clone(&holders)));
                holders
            }
        };
        drop(read);
        let name = holders.of(shown).ok_or(Closed::NoToken)?;
        let name = Arc::from(format!("{EVERYBODY}:{name}"));
        Ok(Guest { name, key: Some(Digest::of(shown.as_bytes())) })
    }
}

/// The token that a request shows: one `Authorization: Bearer …` (RFC 6750 §2.1).
fn shown(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (one, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    fn name_of(guest: Result<Guest, Closed>) -> String {
        guest.expect("somebody").name.to_string()
    }

    #[test]
    fn one_bearer_token_is_shown_or_none() {
        assert_eq!(shown(&headers(&["Bearer abc"])), Some("abc"));
        assert_eq!(shown(&headers(&["bearer  abc "])), Some("abc"));
        for none in [&[][..], &["abc"], &["Basic abc"], &["Bearer"], &["Bearer abc", "Bearer abc"]]
        {
            assert_eq!(shown(&headers(none)), None, "{none:?}");
        }
    }

    #[test]
    fn a_removed_token_opens_nothing_and_a_file_that_cannot_be_read_lets_nobody_in() {
        let home = tempfile::tempdir().unwrap();
        let file = TokenFile::open(home.path());
        let keys = Keys::new(Some(file.clone()));
        let name = |text: &str| text.parse().unwrap();
        assert_eq!(keys.who(&headers(&["Bearer axmcp_x"])), Err(Closed::NoToken));
        let token = file.add(&name("laptop"), 0).unwrap();
        let bearing = headers(&[&format!("Bearer {}", *token)]);
        assert_eq!(name_of(keys.who(&bearing)), "mcp:http:laptop");
        assert_eq!(keys.who(&headers(&[])), Err(Closed::NoToken));
        file.add(&name("phone"), 0).unwrap();
        assert_eq!(name_of(keys.who(&bearing)), "mcp:http:laptop");
        file.remove(&name("laptop")).unwrap();
        assert_eq!(keys.who(&bearing), Err(Closed::NoToken));
        fs_err::write(home.path().join(crate::secret::tokens::TOKEN_FILE), "{").unwrap();
        assert_eq!(keys.who(&bearing), Err(Closed::Unreadable));
    }
}
