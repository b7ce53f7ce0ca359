//! Why a secret cannot be kept, read or named.
//!
//! Invariant: no variant carries a byte of a value, a key or an opened vault, so an error may be
//! printed and logged. None is fixed by overwriting a file.
//!
//! Not here: a secret found where it must not be (`leak::Leak`); codes and exit statuses (`cli`).

use std::path::Path;
use std::path::PathBuf;

use ax_manifest::Quoted;

use crate::secret::tokens::TokenName;

/// Why a secret cannot be kept, read or named.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The text is no name.
    #[error("{} is not the name of a secret: {why}", Quoted(text))]
    Name { text: String, why: &'static str },
    /// The value is too short to be looked for, or too long for a header.
    #[error("the value has {bytes} bytes, and 8 to 65536 are allowed")]
    ValueLength { bytes: usize },
    /// The value holds what no header carries unchanged; `at` is the offset of the byte.
    #[error("byte {} of the value is neither visible ASCII nor a space inside", at + 1)]
    ValueCharacter { at: usize },
    /// A file cannot be read or written.
    #[error("cannot {doing} `{path}`")]
    File { path: PathBuf, doing: &'static str, source: std::io::Error },
    /// What is at the path is a folder, pipe, device or link.
    #[error("`{path}` is not an ordinary file")]
    NotAFile { path: PathBuf },
    /// Other users may read or change the file.
    #[error("`{path}` is open to other users (mode {mode:03o})")]
    Exposed { path: PathBuf, mode: u32 },
    /// Another user owns the file.
    #[error("`{path}` belongs to user {owner}, and `ax` runs as user {user}")]
    NotOurs { path: PathBuf, owner: u32, user: u32 },
    /// The file is larger than anything `ax` writes there.
    #[error("`{path}` is larger than {bytes_max} bytes")]
    TooLarge { path: PathBuf, bytes_max: u64 },
    /// There are secrets, but not the key that opens them.
    #[error("the key `{key_file}` that opens `{vault}` is missing")]
    KeyMissing { key_file: PathBuf, vault: PathBuf },
    /// The key file holds no key.
    #[error("`{path}` does not hold an age identity: {why}")]
    KeyInvalid { path: PathBuf, why: &'static str },
    /// The key is not one that the secrets were encrypted to.
    #[error("the key `{key_file}` does not open `{vault}`")]
    KeyMismatch { key_file: PathBuf, vault: PathBuf },
    /// The key file was given a name that the vault needs for itself.
    #[error("the key cannot be `{key_file}`, which the vault uses itself")]
    KeyMisplaced { key_file: PathBuf },
    /// The vault is not what was written.
    #[error("`{path}` is damaged: {why}")]
    Damaged { path: PathBuf, why: &'static str },
    /// A newer `ax` wrote the vault.
    #[error("`{path}` has version {found}, and this `ax` knows {supported}")]
    Newer { path: PathBuf, found: u64, supported: u64 },
    /// One secret more than there may be.
    #[error("`{path}` holds {count_max} secrets already")]
    TooMany { path: PathBuf, count_max: usize },
    /// The vault would become larger than it may be.
    #[error("`{path}` would grow beyond {bytes_max} bytes")]
    Full { path: PathBuf, bytes_max: u64 },
    /// The text is no name of a token.
    #[error("{} is not the name of a token: {why}", Quoted(text))]
    TokenName { text: String, why: &'static str },
    /// There is a token of that name.
    #[error("there is a token `{name}` already")]
    TokenExists { name: TokenName },
    /// One token more than there may be.
    #[error("there are {count_max} tokens already")]
    TooManyTokens { count_max: usize },
    /// The system gives no random bytes.
    #[error("the system gives no random numbers")]
    Random(#[source] std::io::Error),
    /// The vault could not be encrypted.
    #[error("cannot encrypt `{path}`")]
    Seal { path: PathBuf },
}

impl SecretError {
    /// Whether trying again later can succeed without anyone's help: never, since each is about
    /// what was given or what a file says.
    pub fn is_transient(&self) -> bool {
        false
    }

    /// Answers whether a name or a value that was given is wrong, rather than what is kept.
    #[must_use]
    pub fn is_of_input(&self) -> bool {
        match self {
            Self::Name { .. }
            | Self::ValueLength { .. }
            | Self::ValueCharacter { .. }
            | Self::TokenName { .. } => true,
            Self::File { .. }
            | Self::NotAFile { .. }
            | Self::Exposed { .. }
            | Self::NotOurs { .. }
            | Self::TooLarge { .. }
            | Self::KeyMissing { .. }
            | Self::KeyInvalid { .. }
            | Self::KeyMismatch { .. }
            | Self::KeyMisplaced { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::TooMany { .. }
            | Self::Full { .. }
            | Self::TokenExists { .. }
            | Self::TooManyTokens { .. }
            | Self::Random(_)
            | Self::Seal { .. } => false,
        }
    }

    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("a secret is named like `github-token`".to_owned()),
            Self::ValueLength { bytes: 0..8 } => {
                Some("use a longer one: one so short would be found in innocent text".to_owned())
            }
            Self::ValueLength { .. } => {
                Some("give the token alone, not what is around it".to_owned())
            }
            Self::ValueCharacter { .. } => Some(
                "encode it as the server expects it in a header, without line breaks".to_owned(),
            ),
            Self::File { path, .. } => {
                Some(format!("check who owns `{}` and its folder", path.display()))
            }
            Self::NotAFile { path } => Some(format!("move `{}` away", path.display())),
            Self::Exposed { path, .. } => Some(format!(
                "chmod 600 {}, and replace the secrets if someone may have read it",
                shell_word(path)
            )),
            Self::NotOurs { path, .. } => {
                Some(format!("run `ax` as the owner of `{}`", path.display()))
            }
            Self::KeyMissing { key_file, vault } => Some(format!(
                "restore `{}` from a backup, or begin anew: {}",
                key_file.display(),
                set_aside(vault)
            )),
            Self::KeyInvalid { path, .. } => Some(format!(
                "restore `{}` from a backup; it holds a line `AGE-SECRET-KEY-1…`",
                path.display()
            )),
            Self::KeyMismatch { key_file, vault } => Some(format!(
                "restore the key that belongs to it as `{}`, or begin anew: {}",
                key_file.display(),
                set_aside(vault)
            )),
            Self::KeyMisplaced { key_file } => Some(format!(
                "name another file, like `{}`",
                key_file.with_file_name("secrets.key").display()
            )),
            Self::TooLarge { path, .. } | Self::Damaged { path, .. } => {
                Some(format!("restore a backup, or begin anew: {}", set_aside(path)))
            }
            Self::Newer { .. } => Some("use the newer `ax` that wrote it".to_owned()),
            Self::TooMany { .. } | Self::Full { .. } => {
                Some("remove one that is not needed: `ax secret remove NAME`".to_owned())
            }
            Self::TokenName { .. } => Some("a token is named like `my-laptop`".to_owned()),
            Self::TokenExists { name } => {
                Some(format!("choose another name, or end it first: `ax mcp token remove {name}`"))
            }
            Self::TooManyTokens { .. } => {
                Some("end one that is not needed: `ax mcp token remove NAME`".to_owned())
            }
            Self::Seal { .. } | Self::Random(_) => None,
        }
    }
}

/// The command that sets a file aside without losing it.
fn set_aside(path: &Path) -> String {
    format!("mv -n {} {}", shell_word(path), shell_word(&path.with_added_extension("old")))
}

/// Writes a path as one word of a shell, since hints are pasted.
fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
