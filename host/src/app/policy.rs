//! The policies in force: which files they are, read once by a command and anew by a server when they
//! change, and what they say about a plugin.
//!
//! ```text
//! /etc/ax/policy.toml     the machine's
//! <AX_HOME>/policy.toml   the person's own
//! $AX_POLICY              one more, which has to be there
//!          └──────────→ all must allow
//! ```
//!
//! Invariant: what is there and cannot be used stops installations, grants and calls. Nothing goes
//! on as if there were no policy, and none is taken from a file that others may write.
//! Not here: what a policy says (`ax-manifest`), asking it for each effect (`plugin::rights`).

use std::fmt;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ax_manifest::{
    Cited, GrantVerdict, Outcome, Permission, PluginName, Policies, Policy, PolicyCounts,
    PolicyError,
};
use serde::{Serialize, Serializer};

use super::{App, AppError};
use crate::folder;
use crate::plugin::scrub;

/// Where the policy of the machine is.
const MACHINE_FILE: &str = "/etc/ax/policy.toml";

/// The name of a person's own policy in their home.
const HOME_FILE: &str = "policy.toml";

/// Bytes of a file that are read at all; far more than a policy may have, so that who wrote too
/// large a one is told its size.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Bytes of a path that is shown.
const SHOWN_BYTES: usize = 4 << 10;

/// Rules named on one line; the others are counted.
const RULES_SHOWN: usize = 4;

/// Permission bits that let others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// Why a policy that is there cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// It was named and is not there. Going on would leave out what it takes away.
    #[error("there is no policy `{file}`, named by variable AX_POLICY")]
    Missing {
        /// The file.
        file: String,
    },
    /// Something is there and cannot be read; a link to nothing is something.
    #[error("cannot read the policy `{file}`")]
    Unreadable {
        /// The file.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something else is where the file should be.
    #[error("the policy `{file}` is {found}, not a file")]
    NotAFile {
        /// Where it should be.
        file: String,
        /// What is there, with its article.
        found: &'static str,
    },
    /// Somebody else owns it and could write anything into it.
    #[error("`{file}` belongs to user {owner}, neither to root nor to this user")]
    Foreign {
        /// The file, or the folder of the machine's.
        file: String,
        /// Whose it is.
        owner: u32,
    },
    /// Others may write it.
    #[error("`{file}` can be written by others (mode {mode:03o})")]
    Shared {
        /// The file, or the folder of the machine's.
        file: String,
        /// Its permission bits.
        mode: u32,
    },
    /// It is larger than anything that is read.
    #[error("the policy `{file}` is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// It is no text.
    #[error("the policy `{file}` is not UTF-8 text")]
    NotText {
        /// The file.
        file: String,
    },
    /// It says something wrong.
    #[error("cannot use the policy {file}:{line}:{column}: {kind}", line = .mistake.line,
        column = .mistake.column, kind = .mistake.kind)]
    Wrong {
        /// The file.
        file: String,
        /// The first mistake.
        mistake: Box<PolicyError>,
        /// How many there are after it.
        more: usize,
    },
}

impl PolicyFileError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { file } => format!("write {file}, or unset AX_POLICY"),
            Self::Unreadable { file, .. } | Self::Foreign { file, .. } => {
                format!("look whose it is: ls -l {file}")
            }
            Self::NotAFile { file, .. } => format!("move it away: mv {file} {file}.old"),
            Self::Shared { file, .. } => format!("chmod go-w {file}"),
            Self::TooLarge { .. } | Self::NotText { .. } => {
                "a policy is TOML of at most 64 KiB; ax policy check".to_owned()
            }
            Self::Wrong { mistake, more: 0, .. } => mistake.kind.hint(),
            Self::Wrong { mistake, more, .. } => {
                format!("{}; `ax policy check` shows {more} more", mistake.kind.hint())
            }
        })
    }
}

/// What a policy does not let anybody do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Forbidden {
    /// The plugin is kept out.
    #[error("the policy keeps `{plugin}` out: {rule}")]
    Plugin {
        /// Which plugin.
        plugin: PluginName,
        /// The rule with its place.
        rule: String,
    },
    /// The permission is not to be granted to it.
    #[error("the policy forbids `{permission}` for `{plugin}`: {rule}")]
    Permission {
        /// Which plugin.
        plugin: PluginName,
        /// What was to be granted.
        permission: Permission,
        /// The rule with its place.
        rule: String,
    },
}

impl Forbidden {
    /// Returns the rule with its place.
    pub(super) fn rule(&self) -> &str {
        match self {
            Self::Plugin { rule, .. } | Self::Permission { rule, .. } => rule,
        }
    }

    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Plugin { .. } => "whoever wrote the policy can change it".to_owned(),
            Self::Permission { plugin, permission, .. } => {
                format!("ax policy explain {plugin} '{permission}'")
            }
        })
    }
}

/// A rule and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulePlace {
    /// The rule, as text to show.
    pub rule: String,
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
}

impl From<Cited<'_>> for RulePlace {
    fn from(cited: Cited<'_>) -> Self {
        Self { rule: cited.rule.to_owned(), file: cited.file.to_owned(), line: cited.line }
    }
}

/// What the policies make of one permission of one plugin. Shown as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyNote {
    /// What they decide; mixed if that differs within the permission.
    #[serde(rename = "verdict", serialize_with = "as_word")]
    pub outcome: Outcome,
    /// The rules that decide, the denying ones first.
    pub rules: Vec<RulePlace>,
}

impl PolicyNote {
    /// Asks the policies about a permission that is or would be granted.
    #[must_use]
    pub fn on(policies: &Policies, plugin: &PluginName, permission: &Permission) -> Self {
        let (outcome, rules) = match policies.judge_grant(plugin, permission) {
            GrantVerdict::Allowed => (Outcome::Allow, Vec::new()),
            GrantVerdict::Asked(rule) => (Outcome::Ask, vec![rule]),
            GrantVerdict::NarrowedBy(rules) => (Outcome::Mixed, rules),
            GrantVerdict::Denied(rule) => (Outcome::Deny, vec![rule]),
        };
        let rules = rules.into_iter().map(RulePlace::from).collect();
        Self { outcome, rules }
    }

    /// As [`PolicyNote::on`], unless nothing is taken away.
    #[must_use]
    pub fn unless_allowed(
        policies: &Policies,
        plugin: &PluginName,
        permission: &Permission,
    ) -> Option<Self> {
        Some(Self::on(policies, plugin, permission)).filter(|note| !note.rules.is_empty())
    }
}

impl fmt::Display for PolicyNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.outcome {
            Outcome::Deny => "forbidden by policy: ",
            Outcome::Ask => "asked each call by policy: ",
            Outcome::Mixed => "narrowed by policy: ",
            Outcome::Allow => "left alone by policy",
        })?;
        for (at, rule) in self.rules.iter().take(RULES_SHOWN).enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}`{}` ({}:{})", rule.rule, rule.file, rule.line)?;
        }
        match self.rules.len().saturating_sub(RULES_SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn as_word<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.word())
}

/// A file that is a policy, if it is there.
#[derive(Debug, Clone)]
pub struct PolicyPlace {
    path: PathBuf,
    /// Whether it was named, so that it has to be there.
    is_named: bool,
    /// Whether its folder is no home, which is looked after elsewhere: who may write there could
    /// take the file away.
    is_machine: bool,
}

/// What is at the place of a policy.
#[derive(Debug)]
pub enum PolicyFound {
    /// Nothing.
    Absent,
    /// A policy.
    Usable(PolicyCounts),
    /// A text that is no policy, or whose tests do not hold.
    Wrong(Vec<PolicyError>),
    /// Something that is not to be trusted or cannot be read.
    Unusable(PolicyFileError),
}

impl PolicyPlace {
    /// Returns the file, as text to show.
    #[must_use]
    pub fn file(&self) -> String {
        scrub(&self.path.display().to_string(), SHOWN_BYTES)
    }

    /// Reads the text; nothing if there is no file.
    ///
    /// # Errors
    ///
    /// [`PolicyFileError`], never for what the text says.
    pub fn read(&self) -> Result<Option<String>, PolicyFileError> {
        if self.is_machine
            && let Some(folder) = self.path.parent()
        {
            match folder.metadata() {
                Ok(data) => guarded(folder, &data)?,
                Err(error) if is_absence(&error) => {}
                Err(source) => {
                    return Err(PolicyFileError::Unreadable { file: self.file(), source });
                }
            }
        }
        match (read_file(&self.path)?, self.is_named) {
            (None, true) => Err(PolicyFileError::Missing { file: self.file() }),
            (text, _) => Ok(text),
        }
    }

    /// Reads the policy; nothing if there is no file.
    fn policy(&self) -> Result<Option<Policy>, PolicyFileError> {
        let Some(text) = self.read()? else { return Ok(None) };
        let policy = Policy::parse(&text).map_err(|mistake| PolicyFileError::Wrong {
            file: self.file(),
            mistake: Box::new(mistake),
            more: Policy::mistakes(&text).len().saturating_sub(1),
        });
        policy.map(Some)
    }

    /// Tells all that is wrong with it.
    #[must_use]
    pub fn check(&self) -> PolicyFound {
        match self.read() {
            Ok(None) => PolicyFound::Absent,
            Ok(Some(text)) => PolicyFound::of(&text),
            Err(error) => PolicyFound::Unusable(error),
        }
    }
}

impl PolicyFound {
    /// Looks at the text of a policy.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match Policy::parse(text) {
            Ok(policy) => Self::Usable(policy.counts()),
            Err(_) => Self::Wrong(Policy::mistakes(text)),
        }
    }
}

/// What the files of policies look like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyStamp(Vec<Option<Seen>>);

/// One file or folder: where its bytes are, how many, whose, and when any of this changed. Nobody but the
/// system sets the time of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    file: (u64, u64),
    bytes: u64,
    owner_and_mode: (u32, u32),
    written: (i64, i64),
    changed: (i64, i64),
}

impl Seen {
    /// Looks at a path; nothing if there is nothing, or nobody may look.
    fn at(path: &Path) -> Option<Self> {
        let data = path.metadata().ok()?;
        Some(Self {
            file: (data.dev(), data.ino()),
            bytes: data.len(),
            owner_and_mode: (data.uid(), data.mode()),
            written: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }
}

impl App {
    /// Lists where policies are, whether there are any or not.
    #[must_use]
    pub fn policy_places(&self) -> Vec<PolicyPlace> {
        let place =
            |path: &Path| PolicyPlace { path: path.to_owned(), is_named: false, is_machine: false };
        let machine = PolicyPlace { is_machine: true, ..place(Path::new(MACHINE_FILE)) };
        let own = place(&self.config.home.value.join(HOME_FILE));
        let named = self.config.policy_file.as_ref();
        let named = named.map(|set| PolicyPlace { is_named: true, ..place(&set.value) });
        [machine, own].into_iter().chain(named).collect()
    }

    /// Returns the policies in force, reading them the first time.
    ///
    /// # Errors
    ///
    /// When one that is there cannot be used.
    pub fn policies(&self) -> Result<&Arc<Policies>, AppError> {
        if let Some(policies) = self.policies.get() {
            return Ok(policies);
        }
        let read = self.read_policies()?;
        Ok(self.policies.get_or_init(|| read))
    }

    /// Reads the policies as they are now, for what goes on for longer than a command.
    pub(super) fn read_policies(&self) -> Result<Arc<Policies>, AppError> {
        let mut members = Vec::new();
        for place in self.policy_places() {
            members.extend(place.policy()?.map(|policy| (place.file(), policy)));
        }
        Ok(Arc::new(Policies::new(members)))
    }

    /// Returns what is another as soon as a policy is written, added or removed. Cheap: nothing is read.
    #[must_use]
    pub fn policy_stamp(&self) -> PolicyStamp {
        let places = self.policy_places();
        let folders = places.iter().filter(|place| place.is_machine);
        let folders = folders.filter_map(|place| place.path.parent());
        let files = places.iter().map(|place| place.path.as_path());
        PolicyStamp(files.chain(folders).map(Seen::at).collect())
    }
}

/// Refuses a plugin that a policy keeps out.
pub(super) fn admit(policies: &Policies, plugin: &PluginName) -> Result<(), Forbidden> {
    policies
        .admits(plugin)
        .map_err(|rule| Forbidden::Plugin { plugin: plugin.clone(), rule: rule.to_string() })
}

/// Refuses a grant of which a policy leaves nothing.
pub(super) fn admit_grant(
    policies: &Policies,
    plugin: &PluginName,
    permission: &Permission,
) -> Result<(), Forbidden> {
    match policies.judge_grant(plugin, permission) {
        GrantVerdict::Denied(rule) => Err(Forbidden::Permission {
            plugin: plugin.clone(),
            permission: permission.clone(),
            rule: rule.to_string(),
        }),
        GrantVerdict::Allowed | GrantVerdict::Asked(_) | GrantVerdict::NarrowedBy(_) => Ok(()),
    }
}

/// Reads a file that only root and this user can have written; nothing if there is none.
fn read_file(path: &Path) -> Result<Option<String>, PolicyFileError> {
    let file = || scrub(&path.display().to_string(), SHOWN_BYTES);
    let unreadable = |source| PolicyFileError::Unreadable { file: file(), source };
    let opened = match folder::open(path) {
        Ok(opened) => opened,
        Err(error) if is_absence(&error) && path.symlink_metadata().is_err() => return Ok(None),
        Err(source) => return Err(unreadable(source)),
    };
    // Asked of what was opened, which nobody can put something else in place of.
    let data = opened.metadata().map_err(unreadable)?;
    if !data.is_file() {
        let found = if data.is_dir() { "a folder" } else { "a pipe, socket or device" };
        return Err(PolicyFileError::NotAFile { file: file(), found });
    }
    guarded(path, &data)?;
    let bytes = folder::read(opened, FILE_BYTES_MAX).map_err(unreadable)?;
    let text = String::from_utf8(bytes.ok_or_else(|| PolicyFileError::TooLarge { file: file() })?);
    text.map(Some).map_err(|_| PolicyFileError::NotText { file: file() })
}

/// Refuses what others than root and this user own or may write.
fn guarded(path: &Path, data: &Metadata) -> Result<(), PolicyFileError> {
    let file = || scrub(&path.display().to_string(), SHOWN_BYTES);
    let (owner, mode) = (data.uid(), data.mode() & 0o777);
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(PolicyFileError::Foreign { file: file(), owner });
    }
    match mode & OTHERS_WRITE {
        0 => Ok(()),
        _ => Err(PolicyFileError::Shared { file: file(), mode }),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn place(path: &Path) -> PolicyPlace {
        PolicyPlace { path: path.to_owned(), is_named: false, is_machine: false }
    }

    fn write(path: &Path, content: impl AsRef<[u8]>) {
        fs_err::write(path, content).unwrap();
        set_mode(path, 0o644);
    }

    fn set_mode(path: &Path, mode: u32) {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        (folder, path)
    }

    #[test]
    fn nothing_there_is_no_policy_unless_it_was_named() {
        let (folder, path) = folder();
        assert!(place(&path).policy().unwrap().is_none());
        assert!(place(&path.join("below-nothing")).policy().unwrap().is_none());
        write(&path, "");
        assert!(place(&path.join("below-a-file")).policy().unwrap().is_none());
        let named = PolicyPlace { is_named: true, ..place(&folder.path().join("none")) };
        assert!(matches!(named.policy(), Err(PolicyFileError::Missing { .. })));
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let (folder, path) = folder();
        assert!(matches!(place(folder.path()).policy(), Err(PolicyFileError::NotAFile { .. })));
        assert!(matches!(
            place(Path::new("/dev/null")).policy(),
            Err(PolicyFileError::NotAFile { .. })
        ));
        let _listening = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(matches!(place(&path).policy(), Err(PolicyFileError::Unreadable { .. })));
        let pipe = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        assert!(matches!(place(&pipe).policy(), Err(PolicyFileError::NotAFile { .. })));
    }

    #[test]
    fn a_link_to_nothing_or_to_itself_is_refused_and_one_to_a_policy_is_followed() {
        let (folder, path) = folder();
        fs_err::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert!(matches!(place(&path).policy(), Err(PolicyFileError::Unreadable { .. })));
        write(&folder.path().join("nowhere"), "");
        assert!(place(&path).policy().unwrap().is_some());
        let own = folder.path().join("own");
        fs_err::os::unix::fs::symlink("own", &own).unwrap();
        assert!(matches!(place(&own).policy(), Err(PolicyFileError::Unreadable { .. })));
    }

    #[test]
    fn what_others_may_write_is_refused() {
        let (folder, path) = folder();
        write(&path, "");
        for (mode, is_safe) in [(0o600, true), (0o644, true), (0o664, false), (0o646, false)] {
            set_mode(&path, mode);
            match place(&path).policy() {
                Ok(_) => assert!(is_safe, "{mode:o}"),
                Err(PolicyFileError::Shared { mode: found, .. }) => {
                    assert_eq!((found, is_safe), (mode, false));
                }
                Err(error) => panic!("{error}"),
            }
        }
        set_mode(&path, 0o600);
        let machine = PolicyPlace { is_machine: true, ..place(&path) };
        assert!(machine.policy().unwrap().is_some());
        set_mode(folder.path(), 0o777);
        assert!(matches!(machine.policy(), Err(PolicyFileError::Shared { .. })));
        // Whoever may write the folder may have taken the file away.
        fs_err::remove_file(&path).unwrap();
        assert!(matches!(machine.policy(), Err(PolicyFileError::Shared { .. })));
        assert!(place(&path).policy().unwrap().is_none());
    }

    #[test]
    fn what_is_no_policy_is_refused_with_its_place() {
        let (_folder, path) = folder();
        write(&path, b"\xff");
        assert!(matches!(place(&path).policy(), Err(PolicyFileError::NotText { .. })));
        write(&path, "#".repeat(1 << 20));
        let error = place(&path).policy().unwrap_err().to_string();
        assert!(error.contains("a policy of 1048576 bytes is too large"), "{error}");
        write(&path, "#".repeat((1 << 20) + 1));
        assert!(matches!(place(&path).policy(), Err(PolicyFileError::TooLarge { .. })));
        write(&path, "[plugins]\nmin-age = \"3 d\"\ncolor = 1");
        let error = place(&path).policy().unwrap_err();
        let told = error.to_string();
        assert!(
            told.ends_with(
                "policy.toml:2:11: `plugins.min-age` cannot be enforced by this host yet"
            )
        );
        assert!(error.hint().unwrap().ends_with("; `ax policy check` shows 1 more"));
        assert!(matches!(place(&path).check(), PolicyFound::Wrong(all) if all.len() == 2));
    }

    #[test]
    fn many_rules_fit_one_line() {
        let text = "permissions.ask = [\"env:A\", \"env:B\", \"env:C\", \"env:D\", \"env:E\"]";
        let policies = Policies::new([("/p".to_owned(), Policy::parse(text).unwrap())]);
        let (plugin, permission) = ("a:b".parse().unwrap(), "env:*".parse().unwrap());
        let note = PolicyNote::on(&policies, &plugin, &permission);
        assert!(
            note.to_string().starts_with("narrowed by policy: `permissions.ask env:A` (/p:1), ")
        );
        assert!(note.to_string().ends_with(" and 1 more"), "{note}");
    }
}
