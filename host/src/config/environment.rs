//! The variables that count, read through a function so that tests need no process.
//!
//! Invariant: an empty variable is the same as none; a wrong one is an error, never ignored. The
//! variables of others are the exception (`CI`, `NO_COLOR`, `CLICOLOR_FORCE`, `XDG_*`): what their
//! conventions call invalid is ignored.
//! Not here: which source wins (`load`).

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::path::PathBuf;

use crate::config::error::ConfigError;
use crate::config::error::VariableFlaw;
use crate::config::path::Bases;
use crate::config::path::resolve;
use crate::config::switches::Color;
use crate::config::switches::VERBOSE_MAX;

/// Stands where a variable holds bytes that are no text.
const NO_TEXT: char = '\u{fffd}';

/// Returns a variable of the process, with U+FFFD in place of bytes that are not UTF-8.
///
/// The only place that reads the environment; give it to [`load()`](crate::config::load()).
#[must_use]
pub fn environment_variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(std::env::VarError::NotPresent) => None,
        Err(std::env::VarError::NotUnicode(value)) => Some(value.to_string_lossy().into_owned()),
    }
}

/// Arms the place that `AX_FAILPOINT` names, for tests.
#[cfg(feature = "failpoints")]
pub fn arm_failpoint() {
    let named = environment_variable("AX_FAILPOINT");
    if let Some(place) = named.as_deref().and_then(crate::failpoint::Failpoint::parse) {
        crate::failpoint::arm(place);
    }
}

/// Variables that compilers, package installers and the systems they run on read.
const OF_TOOLCHAINS: [&str; 31] = [
    "NIX_PATH",
    "NIX_SSL_CERT_FILE",
    "AR",
    "CC",
    "CFLAGS",
    "CXX",
    "CXXFLAGS",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NO_COLOR",
    "PATH",
    "PKG_CONFIG_PATH",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "SHELL",
    "SOURCE_DATE_EPOCH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "COLORTERM",
];

/// How such variables begin.
const OF_TOOLCHAINS_BEGIN: [&str; 5] = ["CARGO_", "CLICOLOR", "LC_", "RUSTUP_", "XDG_"];

/// What is in the names of those that hold secrets: `CARGO_REGISTRY_TOKEN`.
const SECRET_WORDS: [&str; 5] = ["TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "_KEY"];

/// Returns the variables of the process that a program may see which runs the code of a project: those
/// that toolchains need, and none that holds a secret.
pub fn toolchain_environment() -> impl Iterator<Item = (OsString, OsString)> {
    #[expect(clippy::disallowed_methods, reason = "toolchains run in part of this environment")]
    let all = std::env::vars_os();
    all.filter(|(name, value)| {
        let is_meant = |name: &str| is_of_toolchains(name) && !names_a_password(name, value);
        name.to_str().is_some_and(is_meant)
    })
}

fn is_of_toolchains(name: &str) -> bool {
    // Proxies are written in lower case as well.
    let name = name.to_ascii_uppercase();
    let is_meant = OF_TOOLCHAINS.contains(&name.as_str())
        || OF_TOOLCHAINS_BEGIN.iter().any(|begin| name.starts_with(begin));
    is_meant && !SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Answers whether a value is an address with a password in it. That of a proxy is needed, or nothing is
/// reached.
fn names_a_password(name: &str, value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    let before_path = |it: &str| it.split('/').next().is_some_and(|host| host.contains('@'));
    !name.to_ascii_uppercase().ends_with("_PROXY") && value.split("://").skip(1).any(before_path)
}

/// Reads variables as what they stand for.
pub(super) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup }
    }

    /// Returns what a variable holds, unless it is empty.
    fn raw(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// Converts what a variable holds, unless it is empty.
    fn parsed<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, VariableFlaw>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let parsed =
            if value.contains(NO_TEXT) { Err(VariableFlaw::NotText) } else { parse(&value) };
        parsed.map(Some).map_err(|flaw| ConfigError::Variable { name, value, flaw })
    }

    /// Returns an absolute path; `~` stands for `home`.
    pub(super) fn path(
        &self,
        name: &'static str,
        home: Option<&Path>,
    ) -> Result<Option<PathBuf>, ConfigError> {
        let bases = Bases { directory: None, home };
        self.parsed(name, |value| resolve(Path::new(value), bases).map_err(VariableFlaw::Path))
    }

    /// Returns an XDG folder. Its convention is to ignore a relative one.
    pub(super) fn xdg(&self, name: &'static str) -> Option<PathBuf> {
        self.raw(name)
            .filter(|value| !value.contains(NO_TEXT))
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    /// Returns a truth, written as people write it.
    pub(super) fn boolean(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        self.parsed(name, |value| boolean(value).ok_or(VariableFlaw::NotABoolean))
    }

    /// Returns how much to say, from 0 to [`VERBOSE_MAX`].
    pub(super) fn verbose(&self, name: &'static str) -> Result<Option<u8>, ConfigError> {
        self.parsed(name, |value| {
            let number = value.parse().ok().filter(|number| *number <= VERBOSE_MAX);
            number.ok_or(VariableFlaw::NotVerbosity)
        })
    }

    /// Returns when to colour.
    pub(super) fn color(&self, name: &'static str) -> Result<Option<Color>, ConfigError> {
        self.parsed(name, |value| value.parse().map_err(|_| VariableFlaw::NotAColor))
    }

    /// Answers whether a variable is set to anything, as `NO_COLOR` counts.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// Answers whether a variable is set to anything but a no, as `CI` and `CLICOLOR_FORCE` count.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| boolean(&value) != Some(false))
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{environment_variable, is_of_toolchains, names_a_password};

    #[test]
    fn toolchains_see_what_they_need_and_no_secret() {
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_TOOLCHAIN", "https_proxy", "LC_ALL"] {
            assert!(is_of_toolchains(name), "{name}");
        }
        for name in [
            "AWS_SECRET_ACCESS_KEY",
            "OPENAI_API_KEY",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_MINE_TOKEN",
            "XDG_PASSWORD",
            "AX_HOME",
            "PYTHONPATH",
            "NODE_OPTIONS",
            "LD_PRELOAD",
        ] {
            assert!(!is_of_toolchains(name), "{name}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_seen_by_nobody_but_of_a_proxy() {
        let names = |name: &str, value: &str| names_a_password(name, value.as_ref());
        assert!(names("CARGO_REGISTRIES_MINE_INDEX", "sparse+https://me:pw@example.org/index/"));
        assert!(!names("CARGO_REGISTRIES_MINE_INDEX", "https://example.org/@scope/"));
        assert!(!names("https_proxy", "http://me:pw@example.org:8080"));
    }

    #[test]
    fn a_variable_of_the_process_is_found_and_another_is_not() {
        assert!(environment_variable("PATH").is_some_and(|value| !value.is_empty()));
        assert_eq!(environment_variable("AX_NO_SUCH_VARIABLE"), None);
    }
}
