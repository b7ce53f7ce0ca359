//! The tokens that let programs in: whoever shows one is called by its name.
//!
//! ```json
//! {"version":1,"tokens":{"laptop":{"digest":"sha256:…","madeAtMs":1767225600000}}}
//! ```
//!
//! Invariant: a token is told once, when it is made. Kept is its digest, which opens nothing; a token has
//! 256 random bits, so its digest cannot be searched for.
//! Not here: the home lock, which whoever writes holds; what those may do who are let in.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ax_manifest::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::error::SecretError;
use crate::secret::files::{self, Links};
use crate::secret::name::flaw;

/// The file's name below the home folder.
pub const TOKEN_FILE: &str = "mcp-tokens.json";

/// Tokens there may be: one for each program of a person, and more.
const TOKENS_MAX: usize = 100;

/// Bytes of the file: a hundred rows of the longest name are a fifth of it.
const FILE_BYTES_MAX: u64 = 128 << 10;

/// What every token begins with, so that whoever searches for lost secrets knows it.
pub const PREFIX: &str = "axmcp_";

/// Random bytes of a token.
const RANDOM_BYTES: usize = 32;

/// The version that is written and the newest that is understood.
const VERSION: u64 = 1;

/// What a token is called: the rule of names of secrets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenName(String);

impl TokenName {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenName {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match flaw(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(SecretError::TokenName { text: text.to_owned(), why }),
        }
    }
}

impl TryFrom<String> for TokenName {
    type Error = SecretError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TokenName> for String {
    fn from(name: TokenName) -> Self {
        name.0
    }
}

/// One token, without what opens anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenInfo {
    digest: Digest,
    /// When it was made, in milliseconds since 1970 UTC.
    pub made_at_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    tokens: BTreeMap<TokenName, TokenInfo>,
}

/// Where the tokens are kept. Holds nothing of them.
#[derive(Debug, Clone)]
pub struct TokenFile(PathBuf);

/// Tells one state of the file from another one without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// Whom a token lets in.
#[derive(Debug, Default)]
pub struct Holders(BTreeMap<String, TokenName>);

impl Holders {
    /// Returns whose token it is.
    #[must_use]
    pub fn of(&self, token: &str) -> Option<&TokenName> {
        // Digests are compared, so the time it takes says nothing about a token.
        self.0.get(&Digest::of(token.as_bytes()).to_string())
    }

    /// Answers whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TokenFile {
    /// Names the file below `home`, which is `AX_HOME`. Does not touch it.
    #[must_use]
    pub fn open(home: &Path) -> Self {
        Self(home.join(TOKEN_FILE))
    }

    /// Lists the tokens.
    ///
    /// # Errors
    ///
    /// [`SecretError`] when the file is damaged, newer, or open to others.
    pub fn list(&self) -> Result<BTreeMap<TokenName, TokenInfo>, SecretError> {
        let Some(bytes) = files::read(&self.0, FILE_BYTES_MAX, Links::Refuse)? else {
            return Ok(BTreeMap::new());
        };
        #[derive(Deserialize)]
        struct Stamped {
            version: u64,
        }
        let damaged =
            || SecretError::Damaged { path: self.0.clone(), why: "it is no list of tokens" };
        let Stamped { version } = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        if version > VERSION {
            let (path, found) = (self.0.clone(), version);
            return Err(SecretError::Newer { path, found, supported: VERSION });
        }
        let document: Document = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        Ok(document.tokens)
    }

    /// Returns whom which token lets in.
    ///
    /// # Errors
    ///
    /// As [`Self::list`].
    pub fn holders(&self) -> Result<Holders, SecretError> {
        let tokens = self.list()?.into_iter();
        Ok(Holders(tokens.map(|(name, info)| (info.digest.to_string(), name)).collect()))
    }

    /// Returns what is another value whenever the file is another one; none while there is none.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        let found = fs_err::symlink_metadata(&self.0).ok()?;
        // Changes of who may read it are such, too, and nobody sets it at will.
        let changed = (found.ctime(), found.ctime_nsec());
        Some(Stamp { inode: found.ino(), bytes: found.len(), changed })
    }

    /// Makes a token and returns it: it is not to be had again. The caller holds the home lock.
    ///
    /// # Errors
    ///
    /// [`SecretError`], when there is one of that name, too; the file is then as it was.
    pub fn add(&self, name: &TokenName, now_ms: u64) -> Result<Zeroizing<String>, SecretError> {
        let mut tokens = self.list()?;
        if tokens.contains_key(name) {
            return Err(SecretError::TokenExists { name: name.clone() });
        }
        if tokens.len() >= TOKENS_MAX {
            return Err(SecretError::TooManyTokens { count_max: TOKENS_MAX });
        }
        let mut random = Zeroizing::new([0_u8; RANDOM_BYTES]);
        getrandom::fill(&mut *random).map_err(|error| SecretError::Random(error.into()))?;
        let token = Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*random)));
        let digest = Digest::of(token.as_bytes());
        tokens.insert(name.clone(), TokenInfo { digest, made_at_ms: now_ms });
        self.write(tokens)?;
        Ok(token)
    }

    /// Removes a token: whoever holds it is not let in any more. The caller holds the home lock.
    ///
    /// # Errors
    ///
    /// [`SecretError`]; the file is then as it was.
    pub fn remove(&self, name: &TokenName) -> Result<(), SecretError> {
        let mut tokens = self.list()?;
        tokens.remove(name);
        self.write(tokens)
    }

    fn write(&self, tokens: BTreeMap<TokenName, TokenInfo>) -> Result<(), SecretError> {
        #[expect(clippy::expect_used, reason = "names and numbers")]
        let bytes = serde_json::to_vec(&Document { version: VERSION, tokens })
            .expect("a list of tokens is JSON");
        files::replace(&self.0, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> TokenName {
        text.parse().expect("a name")
    }

    #[test]
    fn a_token_lets_its_holder_in_until_it_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let file = TokenFile::open(home.path());
        assert!(file.holders().unwrap().is_empty());
        assert_eq!(file.stamp(), None);
        let laptop = file.add(&name("laptop"), 5).unwrap();
        let phone = file.add(&name("phone"), 6).unwrap();
        assert_ne!(laptop, phone);
        assert!(laptop.starts_with(PREFIX) && laptop.len() == PREFIX.len() + 43, "{}", *laptop);
        let before = file.stamp();
        let holders = file.holders().unwrap();
        assert_eq!(holders.of(&laptop), Some(&name("laptop")));
        assert_eq!(holders.of(&phone), Some(&name("phone")));
        for wrong in ["", "axmcp_", &laptop[..laptop.len() - 1], &format!("{} ", *laptop)] {
            assert_eq!(holders.of(wrong), None, "{wrong}");
        }
        file.remove(&name("laptop")).unwrap();
        assert_ne!(file.stamp(), before);
        assert_eq!(file.holders().unwrap().of(&laptop), None);
        assert_eq!(file.holders().unwrap().of(&phone), Some(&name("phone")));
    }

    #[test]
    fn no_byte_of_a_token_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let file = TokenFile::open(home.path());
        let token = file.add(&name("laptop"), 5).unwrap();
        let kept = fs_err::read_to_string(home.path().join(TOKEN_FILE)).unwrap();
        assert!(!kept.contains(&token[PREFIX.len()..PREFIX.len() + 8]), "{kept}");
    }

    #[test]
    fn a_name_is_given_once_and_a_hundred_in_all() {
        let home = tempfile::tempdir().unwrap();
        let file = TokenFile::open(home.path());
        for number in 0..TOKENS_MAX {
            file.add(&name(&format!("t{number}")), 0).unwrap();
        }
        let again = file.add(&name("t0"), 0).unwrap_err().to_string();
        assert_eq!(again, "there is a token `t0` already");
        let more = file.add(&name("more"), 0).unwrap_err().to_string();
        assert_eq!(more, "there are 100 tokens already");
    }

    #[test]
    fn what_is_no_list_of_tokens_lets_nobody_in_and_is_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let file = TokenFile::open(home.path());
        file.add(&name("laptop"), 5).unwrap();
        let path = home.path().join(TOKEN_FILE);
        for (text, why) in [
            ("", "damaged"),
            ("{}", "damaged"),
            (r#"{"version":1,"tokens":{"a b":{"digest":"sha256:0","madeAtMs":0}}}"#, "damaged"),
            (r#"{"version":1,"tokens":{},"more":1}"#, "damaged"),
            (r#"{"version":2,"tokens":7}"#, "has version 2"),
        ] {
            fs_err::write(&path, text).unwrap();
            let error = file.holders().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            file.add(&name("phone"), 5).unwrap_err();
            assert_eq!(fs_err::read_to_string(&path).unwrap(), text);
        }
    }
}
