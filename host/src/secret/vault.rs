//! The vault: all secrets of one home folder, in one encrypted file.
//!
//! ```text
//! age -d -i ~/.ax/secrets.key ~/.ax/secrets.age      shows what is in it, without `ax`
//! ```
//!
//! | `secrets.age` | key     |                                                                |
//! |---------------|---------|----------------------------------------------------------------|
//! | absent        | absent  | no secrets; the first `set` makes the key, then the file       |
//! | absent        | present | no secrets; `set` uses that key                                |
//! | present       | present | opened, or refused: other key, damaged, newer, exposed         |
//! | present       | absent  | refused; a fresh key would make the secrets unreadable forever |
//!
//! Invariant: a change is read, made and written whole, so a file that cannot be opened is never
//! written. The key is on disk before anything is encrypted to it.
//!
//! Not here: the home lock, which the caller holds while writing; who may use a secret (grants).

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::secret::document::Document;
use crate::secret::document::DocumentFlaw;
use crate::secret::document::Row;
use crate::secret::document::SECRETS_MAX;
use crate::secret::document::VERSION;
use crate::secret::error::SecretError;
use crate::secret::files;
use crate::secret::files::Links;
use crate::secret::key::Key;
use crate::secret::key::OpenFlaw;
use crate::secret::key::SEAL_BYTES_MAX;
use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;

/// The encrypted file's name below the home folder.
pub const VAULT_FILE: &str = "secrets.age";

/// The key's name below the home folder, where the configuration names no other.
pub const KEY_FILE: &str = "secrets.key";

/// Bytes of the encrypted file: 256 secrets of the longest length, seldom escaped.
pub const VAULT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where the secrets and their key are. Holds nothing of them.
#[derive(Debug, Clone)]
pub struct Vault {
    path: PathBuf,
    key_file: PathBuf,
}

/// What may be told of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretInfo {
    /// Its name.
    pub name: SecretName,
    /// When it was set, in milliseconds since 1970 UTC.
    pub set_at_ms: u64,
    /// How many bytes its value has.
    pub bytes: usize,
}

/// What a [`Vault::set`] did besides setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretSet {
    /// There was a secret of this name before.
    pub was_replaced: bool,
    /// The key file was made: say where it is, since without it the secrets are lost.
    pub key_was_made: bool,
}

impl Vault {
    /// Names the vault below `home`, which is `AX_HOME`, and its key. Touches neither.
    #[must_use]
    pub fn open(home: &Path, key_file: &Path) -> Self {
        Self { path: home.join(VAULT_FILE), key_file: key_file.to_owned() }
    }

    /// Returns where the encrypted file is, or will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the key is, or will be.
    #[must_use]
    pub fn key_file(&self) -> &Path {
        &self.key_file
    }

    /// Lists the secrets by name, without their values.
    ///
    /// # Errors
    ///
    /// When the vault is there and cannot be opened.
    pub fn list(&self) -> Result<Vec<SecretInfo>, SecretError> {
        let Some((document, _)) = self.load()? else { return Ok(Vec::new()) };
        let info = |(name, row): (SecretName, Row)| SecretInfo {
            name,
            set_at_ms: row.set_at_ms,
            bytes: row.value.expose().len(),
        };
        Ok(document.secrets.into_iter().map(info).collect())
    }

    /// Returns the values of those `names` that are there; decrypts once, and not at all for none.
    ///
    /// # Errors
    ///
    /// When the vault is there and cannot be opened.
    pub fn get(
        &self,
        names: &[SecretName],
    ) -> Result<BTreeMap<SecretName, SecretValue>, SecretError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let Some((document, _)) = self.load()? else { return Ok(BTreeMap::new()) };
        let found = |name: &SecretName| {
            document.secrets.get(name).map(|row| (name.clone(), row.value.clone()))
        };
        Ok(names.iter().filter_map(found).collect())
    }

    /// Sets a secret; makes the key if neither key nor vault is there. `now_ms` is wall time. The
    /// caller holds the home lock.
    ///
    /// # Errors
    ///
    /// When the vault is there and cannot be opened, would hold too much, or cannot be written; it
    /// is then as it was before.
    pub fn set(
        &self,
        name: &SecretName,
        value: &SecretValue,
        now_ms: u64,
    ) -> Result<SecretSet, SecretError> {
        let (mut document, key, key_was_made) = match self.load()? {
            Some((document, key)) => (document, key, false),
            None => match Key::load(&self.key_file)? {
                Some(key) => (Document::empty(), key, false),
                None => (Document::empty(), Key::make(&self.key_file)?, true),
            },
        };
        let row = Row { value: value.clone(), set_at_ms: now_ms };
        let was_replaced = document.secrets.insert(name.clone(), row).is_some();
        if document.secrets.len() > SECRETS_MAX {
            return Err(SecretError::TooMany { path: self.path.clone(), count_max: SECRETS_MAX });
        }
        self.store(&document, &key)?;
        Ok(SecretSet { was_replaced, key_was_made })
    }

    /// Removes a secret and says whether it was there. The caller holds the home lock.
    ///
    /// # Errors
    ///
    /// When the vault is there and cannot be opened or written; it is then as it was before.
    pub fn remove(&self, name: &SecretName) -> Result<bool, SecretError> {
        let Some((mut document, key)) = self.load()? else { return Ok(false) };
        if document.secrets.remove(name).is_none() {
            return Ok(false);
        }
        self.store(&document, &key)?;
        Ok(true)
    }

    fn load(&self) -> Result<Option<(Document, Key)>, SecretError> {
        // A key made there would be overwritten by the secrets it is to open.
        if self.key_file == self.path || self.key_file == files::temporary_of(&self.path) {
            return Err(SecretError::KeyMisplaced { key_file: self.key_file.clone() });
        }
        let Some(sealed) = files::read(&self.path, VAULT_BYTES_MAX, Links::Refuse)? else {
            return Ok(None);
        };
        let missing = || SecretError::KeyMissing {
            key_file: self.key_file.clone(),
            vault: self.path.clone(),
        };
        let key = Key::load(&self.key_file)?.ok_or_else(missing)?;
        let plain = key.open(&sealed).map_err(|flaw| match flaw {
            OpenFlaw::OtherKey => SecretError::KeyMismatch {
                key_file: self.key_file.clone(),
                vault: self.path.clone(),
            },
            OpenFlaw::Damaged(why) => SecretError::Damaged { path: self.path.clone(), why },
        })?;
        let document = Document::parse(&plain).map_err(|flaw| match flaw {
            DocumentFlaw::Newer(found) => {
                SecretError::Newer { path: self.path.clone(), found, supported: VERSION }
            }
            DocumentFlaw::Malformed => SecretError::Damaged {
                path: self.path.clone(),
                why: "what was encrypted is no list of secrets",
            },
        })?;
        Ok(Some((document, key)))
    }

    fn store(&self, document: &Document, key: &Key) -> Result<(), SecretError> {
        let plain = document.to_bytes();
        // What could be written and not be read again would be lost.
        if plain.len() as u64 > VAULT_BYTES_MAX - SEAL_BYTES_MAX {
            let path = self.path.clone();
            return Err(SecretError::Full { path, bytes_max: VAULT_BYTES_MAX });
        }
        let sealed =
            key.seal(&plain).ok_or_else(|| SecretError::Seal { path: self.path.clone() })?;
        files::replace(&self.path, &sealed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::fs::symlink;

    use fs_err as fs;
    use tempfile::TempDir;

    use super::*;

    const NOW_MS: u64 = 1_767_225_600_000;

    struct Home {
        folder: TempDir,
        vault: Vault,
    }

    /// A home folder without secrets.
    fn home() -> Home {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let vault = Vault::open(folder.path(), &folder.path().join(KEY_FILE));
        Home { folder, vault }
    }

    /// A home folder with one secret, `token`.
    fn home_with_secret() -> Home {
        let home = home();
        home.vault.set(&name("token"), &value("password"), NOW_MS).expect("it is set");
        home
    }

    fn name(text: &str) -> SecretName {
        text.parse().expect("a name")
    }

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text.as_bytes()).expect("a value")
    }

    impl Home {
        fn get(&self, text: &str) -> Option<String> {
            let mut found = self.vault.get(&[name(text)]).expect("the vault opens");
            found.remove(text).map(|value| String::from_utf8_lossy(value.expose()).into_owned())
        }

        /// What every file below the home folder holds.
        fn files(&self) -> BTreeMap<String, Vec<u8>> {
            let entries = fs::read_dir(self.folder.path()).expect("the folder is there");
            entries
                .map(|entry| entry.expect("an entry").path())
                .map(|path| {
                    let file = path.file_name().expect("a name").to_string_lossy().into_owned();
                    (file, fs::read(&path).unwrap_or_default())
                })
                .collect()
        }

        fn set_mode(&self, path: &Path, mode: u32) {
            fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        }

        /// Writes a vault that says `plain`.
        fn seal(&self, plain: &[u8]) {
            let key = Key::load(&self.vault.key_file).expect("a key").expect("it is there");
            files::replace(&self.vault.path, &key.seal(plain).expect("sealed")).expect("written");
        }

        /// Calls everything that opens the vault; all must refuse with the same error and leave
        /// each file as it is.
        fn refusal(&self) -> SecretError {
            let before = self.files();
            let token = name("token");
            let error = self.vault.list().expect_err("it lists");
            let text = error.to_string();
            let others = [
                self.vault.get(std::slice::from_ref(&token)).map(drop),
                self.vault.set(&token, &value("password"), NOW_MS).map(drop),
                self.vault.set(&name("other"), &value("password"), NOW_MS).map(drop),
                self.vault.remove(&token).map(drop),
            ];
            for other in others {
                assert_eq!(other.expect_err("it is refused").to_string(), text);
            }
            assert_eq!(self.files(), before, "{text}");
            error
        }
    }

    #[test]
    fn a_secret_is_set_read_listed_replaced_and_removed() {
        let home = home();
        let vault = &home.vault;
        assert_eq!(vault.list().expect("no vault"), []);
        assert_eq!(home.get("token"), None);
        assert!(!vault.remove(&name("token")).expect("no vault"));
        assert!(home.files().is_empty(), "looking makes nothing");

        let first = vault.set(&name("token"), &value("first-value"), NOW_MS).expect("it is set");
        assert_eq!(first, SecretSet { was_replaced: false, key_was_made: true });
        let second = vault.set(&name("token"), &value("the second"), NOW_MS + 5).expect("again");
        assert_eq!(second, SecretSet { was_replaced: true, key_was_made: false });
        let third = vault.set(&name("a"), &value("third-value"), NOW_MS).expect("another");
        assert_eq!(third, SecretSet { was_replaced: false, key_was_made: false });

        assert_eq!(home.get("token").as_deref(), Some("the second"));
        let info = |text, set_at_ms, bytes| SecretInfo { name: name(text), set_at_ms, bytes };
        let listed = vault.list().expect("it opens");
        assert_eq!(listed, [info("a", NOW_MS, 11), info("token", NOW_MS + 5, 10)]);
        let both = vault.get(&[name("token"), name("none"), name("a")]).expect("it opens");
        assert_eq!(both.keys().map(SecretName::as_str).collect::<Vec<_>>(), ["a", "token"]);

        assert!(vault.remove(&name("token")).expect("it opens"));
        assert!(!vault.remove(&name("token")).expect("it opens"));
        assert!(vault.remove(&name("a")).expect("it opens"));
        assert_eq!(vault.list().expect("it opens"), []);
    }

    #[test]
    fn both_files_are_private_and_nothing_else_is_left() {
        let home = home_with_secret();
        let found = home.files();
        assert_eq!(found.keys().collect::<Vec<_>>(), [VAULT_FILE, KEY_FILE]);
        for file in found.keys() {
            let path = home.folder.path().join(file);
            let mode = fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{file}");
        }
        assert!(found[VAULT_FILE].starts_with(b"age-encryption.org/v1\n"));
        assert!(found[KEY_FILE].windows(17).any(|text| text == b"\nAGE-SECRET-KEY-1"));
        assert!(!found[VAULT_FILE].windows(8).any(|text| text == b"password"));
    }

    #[test]
    fn a_key_that_is_there_is_used_and_never_written() {
        let home = home();
        Key::make(&home.vault.key_file).expect("a key");
        let before = fs::read(&home.vault.key_file).expect("it is there");
        assert!(Key::make(&home.vault.key_file).is_err(), "a key is made once");
        let set = home.vault.set(&name("token"), &value("password"), NOW_MS).expect("it is set");
        assert!(!set.key_was_made);
        assert_eq!(fs::read(&home.vault.key_file).expect("it is there"), before);
        assert_eq!(home.get("token").as_deref(), Some("password"));
    }

    #[test]
    fn a_missing_key_is_named_and_not_made_anew() {
        let home = home_with_secret();
        let away = home.folder.path().join("away");
        fs::rename(&home.vault.key_file, &away).expect("the key goes");
        let error = home.refusal();
        assert!(matches!(error, SecretError::KeyMissing { .. }), "{error}");
        for path in [home.vault.path(), home.vault.key_file()] {
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        fs::rename(&away, &home.vault.key_file).expect("the key is back");
        assert_eq!(home.get("token").as_deref(), Some("password"));
    }

    #[test]
    fn a_link_to_a_missing_key_is_no_absent_key() {
        let home = home();
        symlink("/nonexistent/secrets.key", &home.vault.key_file).expect("a link");
        let refused = home.vault.set(&name("token"), &value("password"), NOW_MS);
        assert!(matches!(refused, Err(SecretError::File { doing: "follow", .. })), "{refused:?}");
        assert!(!home.vault.path.exists());
    }

    #[test]
    fn a_key_cannot_have_a_name_that_the_vault_needs() {
        for file in [VAULT_FILE, "secrets.tmp"] {
            let mut home = home();
            home.vault.key_file = home.folder.path().join(file);
            assert!(matches!(home.refusal(), SecretError::KeyMisplaced { .. }), "{file}");
            assert!(home.files().is_empty(), "{file}");
        }
    }

    #[test]
    fn a_key_may_be_a_link_and_the_vault_may_not() {
        let home = home_with_secret();
        let away = home.folder.path().join("away");
        fs::rename(&home.vault.key_file, &away).expect("the key goes");
        symlink(&away, &home.vault.key_file).expect("a link");
        assert_eq!(home.get("token").as_deref(), Some("password"));
        let away = home.folder.path().join("away.age");
        fs::rename(&home.vault.path, &away).expect("the vault goes");
        symlink(&away, &home.vault.path).expect("a link");
        assert!(matches!(home.refusal(), SecretError::NotAFile { .. }));
    }

    #[test]
    fn another_key_and_a_file_that_is_no_key_are_refused() {
        let home = home_with_secret();
        fs::remove_file(&home.vault.key_file).expect("it was there");
        Key::make(&home.vault.key_file).expect("another key");
        assert!(matches!(home.refusal(), SecretError::KeyMismatch { .. }));
        fs::write(&home.vault.key_file, "no key\n").expect("it is ours");
        assert!(matches!(home.refusal(), SecretError::KeyInvalid { .. }));
        fs::write(&home.vault.key_file, "#\n".repeat(40_000)).expect("it is ours");
        assert!(matches!(home.refusal(), SecretError::TooLarge { bytes_max: 65_536, .. }));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let home = home_with_secret();
            for path in [home.vault.path.clone(), home.vault.key_file.clone()] {
                home.set_mode(&path, mode);
                let error = home.refusal();
                assert!(
                    matches!(&error, SecretError::Exposed { mode: found, .. } if *found == mode)
                );
                assert!(error.hint().is_some_and(|hint| hint.starts_with("chmod 600 ")), "{error}");
                home.set_mode(&path, 0o600);
            }
            home.set_mode(&home.vault.key_file, 0o400);
            assert_eq!(home.get("token").as_deref(), Some("password"));
        }
    }

    #[test]
    fn what_is_no_ordinary_file_is_refused_without_waiting() {
        let home = home_with_secret();
        fs::remove_file(&home.vault.path).expect("it was there");
        fs::create_dir(&home.vault.path).expect("a folder");
        assert!(matches!(home.refusal(), SecretError::NotAFile { .. }));
        fs::remove_dir(&home.vault.path).expect("it was there");
        let socket = std::os::unix::net::UnixListener::bind(&home.vault.path).expect("a socket");
        assert!(home.vault.list().is_err());
        drop(socket);
    }

    #[test]
    fn a_damaged_vault_is_refused_and_kept() {
        let home = home_with_secret();
        let whole = fs::read(&home.vault.path).expect("it is there");
        for at in [0, 30, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&home.vault.path, &damaged).expect("it is ours");
            let error = home.refusal();
            // Damage to the part that wraps the file's key cannot be told from another key.
            let is_told =
                matches!(error, SecretError::Damaged { .. } | SecretError::KeyMismatch { .. });
            assert!(is_told, "{error}");
        }
        for bytes in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&home.vault.path, &whole[..bytes]).expect("it is ours");
            assert!(matches!(home.refusal(), SecretError::Damaged { .. }), "{bytes}");
        }
        home.seal(b"{\"version\":1}");
        assert!(matches!(home.refusal(), SecretError::Damaged { .. }));
    }

    #[test]
    fn a_newer_vault_is_refused_and_kept() {
        let home = home_with_secret();
        home.seal(b"{\"version\":2,\"sealed\":true}");
        let error = home.refusal();
        assert!(matches!(error, SecretError::Newer { found: 2, supported: 1, .. }), "{error}");
    }

    #[test]
    fn a_vault_is_read_up_to_16_mib_and_no_further() {
        let home = home_with_secret();
        let file = fs::OpenOptions::new().write(true).open(&home.vault.path).expect("it is ours");
        file.set_len(VAULT_BYTES_MAX).expect("a sparse file");
        assert!(matches!(home.refusal(), SecretError::Damaged { .. }));
        file.set_len(VAULT_BYTES_MAX + 1).expect("a sparse file");
        assert!(matches!(home.refusal(), SecretError::TooLarge { .. }));
    }

    #[test]
    fn a_vault_may_hold_256_secrets_and_not_257() {
        let home = home_with_secret();
        let rows = |count: usize| {
            let row = |at| format!("\"a{at}\":{{\"value\":\"password\",\"setAtMs\":1}}");
            (0..count).map(row).collect::<Vec<_>>().join(",")
        };
        home.seal(format!("{{\"version\":1,\"secrets\":{{{}}}}}", rows(255)).as_bytes());
        home.vault.set(&name("last"), &value("password"), NOW_MS).expect("the 256th");
        let before = home.files();
        let error = home.vault.set(&name("more"), &value("password"), NOW_MS).expect_err("257");
        assert!(matches!(error, SecretError::TooMany { count_max: 256, .. }), "{error}");
        assert_eq!(home.files(), before);
        assert!(
            home.vault.set(&name("last"), &value("replaced"), NOW_MS).expect("256").was_replaced
        );
    }

    #[test]
    fn a_vault_that_would_grow_too_large_is_not_written() {
        let home = home_with_secret();
        let key = Key::load(&home.vault.key_file).expect("a key").expect("it is there");
        // Quotes are escaped, so that 128 of the longest values fill 16 MiB.
        let quotes = SecretValue::new(&[b'"'; 65_536]).expect("a value");
        let mut document = Document::empty();
        for at in 0..128 {
            let row = Row { value: quotes.clone(), set_at_ms: 0 };
            document.secrets.insert(name(&format!("a{at}")), row);
        }
        let before = home.files();
        let error = home.vault.store(&document, &key).expect_err("too large");
        assert!(matches!(error, SecretError::Full { bytes_max: VAULT_BYTES_MAX, .. }), "{error}");
        assert_eq!(home.files(), before);
    }

    #[test]
    fn what_a_crash_left_is_cleared_away() {
        let home = home_with_secret();
        fs::write(home.vault.path.with_extension("tmp"), "half").expect("it is ours");
        home.vault.set(&name("other"), &value("password"), NOW_MS).expect("it is set");
        assert_eq!(home.files().len(), 2);
        assert_eq!(home.get("token").as_deref(), Some("password"));
    }

    #[test]
    fn a_folder_that_cannot_be_written_leaves_the_vault_as_it_was() {
        let home = home_with_secret();
        // A folder in the place of the temporary file fails for every user, root included.
        fs::create_dir(home.vault.path.with_extension("tmp")).expect("a folder");
        let error =
            home.vault.set(&name("token"), &value("replaced"), NOW_MS).expect_err("no room");
        assert!(matches!(error, SecretError::File { .. }), "{error}");
        assert_eq!(home.get("token").as_deref(), Some("password"));
    }

    #[test]
    fn every_refusal_is_one_line_that_says_what_to_do() {
        let home = home_with_secret();
        home.set_mode(&home.vault.key_file, 0o644);
        let error = home.vault.list().expect_err("exposed");
        let place = home.folder.path().display().to_string();
        let text = format!("{error}\nhint: {}", error.hint().unwrap_or_default());
        insta::assert_snapshot!(text.replace(&place, "HOME"), @r"
        `HOME/secrets.key` is open to other users (mode 644)
        hint: chmod 600 HOME/secrets.key, and replace the secrets if someone may have read it
        ");
        fs::remove_file(&home.vault.key_file).expect("it was there");
        let error = home.vault.list().expect_err("no key");
        let text = format!("{error}\nhint: {}", error.hint().unwrap_or_default());
        insta::assert_snapshot!(text.replace(&place, "HOME"), @r"
        the key `HOME/secrets.key` that opens `HOME/secrets.age` is missing
        hint: restore `HOME/secrets.key` from a backup, or begin anew: mv -n HOME/secrets.age HOME/secrets.age.old
        ");
    }
}
