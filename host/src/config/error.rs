//! Why there is no configuration: what is wrong, where, and what to type.
//!
//! Invariant: every error names the flag, the variable or the place in a file, and repeats no
//! character that would not show.
//! Not here: codes and exit statuses (`cli`).

use std::io;
use std::path::Path;
use std::path::PathBuf;

use ax_manifest::NameError;
use ax_manifest::PluginName;

use crate::config::folders::FolderNameFlaw;
use crate::config::path::PathFlaw;
use crate::config::providers::ProviderFlaw;
use crate::config::routing::RoutingFlaw;
use crate::config::shown::Shown;
use crate::config::shown::shell_word;
use crate::config::shown::shown_path;
use crate::config::source::Source;
use crate::config::switches::VERBOSE_MAX;
use crate::egress::NetworkError;
use ax_manifest::Quoted;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing says where data is kept.
    #[error("there is no place for data: neither AX_HOME nor HOME is set")]
    NoHome,
    /// A variable holds what it cannot mean.
    #[error("variable {name} is {}: {flaw}", Quoted(.value))]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What is wrong with it.
        flaw: VariableFlaw,
    },
    /// A flag was given what it cannot mean.
    #[error("flag {flag} was given {}: {flaw}", Quoted(.value))]
    Flag {
        /// The flag as it is typed.
        flag: &'static str,
        /// What it was given.
        value: String,
        /// What is wrong with it.
        flaw: FlagFlaw,
    },
    /// A folder that was named cannot be opened.
    #[error("cannot open the folder `{}` of {named_by}", shown_path(.path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Who named it.
        named_by: Source,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that was named is not there.
    #[error("there is no file `{}`, named by {named_by}", shown_path(.path))]
    Missing {
        /// The file.
        path: PathBuf,
        /// Who named it.
        named_by: Source,
    },
    /// Something is there and cannot be read.
    #[error("cannot read `{}`", shown_path(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something else is where a file should be.
    #[error("`{}` is {found}, not a file", shown_path(.path))]
    NotAFile {
        /// Where the file should be.
        path: PathBuf,
        /// What is there, with its article.
        found: &'static str,
    },
    /// A file is larger than any configuration.
    #[error("`{}` is larger than {bytes_max} bytes", shown_path(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes it may have.
        bytes_max: u64,
    },
    /// A file says something wrong.
    #[error("{}:{line}:{column}: {flaw}", shown_path(.path))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// What is wrong.
        flaw: Box<FileFlaw>,
    },
}

impl ConfigError {
    /// Whether trying again later can succeed without anyone's help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreadable { source, .. } | Self::Folder { source, .. } => {
                matches!(source.kind(), io::ErrorKind::Interrupted | io::ErrorKind::TimedOut)
            }
            Self::NoHome
            | Self::Variable { .. }
            | Self::Flag { .. }
            | Self::Missing { .. }
            | Self::NotAFile { .. }
            | Self::TooLarge { .. }
            | Self::Wrong { .. } => false,
        }
    }

    /// Says what the user can do; printed after the error as `hint: …`.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoHome => "export AX_HOME=/some/folder".to_owned(),
            Self::Variable { name, value, flaw } => match flaw {
                VariableFlaw::NotText => format!("unset {name}, or give it UTF-8 text"),
                VariableFlaw::NotABoolean => format!("export {name}=1, or {name}=0"),
                VariableFlaw::NotAColor => format!("export {name}=auto"),
                VariableFlaw::NotVerbosity => format!("export {name}=1"),
                VariableFlaw::Path(_) if *name == "HOME" => "export HOME=/home/you".to_owned(),
                VariableFlaw::Path(PathFlaw::Relative) => {
                    format!("export {name}=\"$PWD\"/{}", shell_word(Path::new(value)))
                }
                VariableFlaw::Path(flaw) => format!("set {name} to {}", flaw.advice()),
            },
            Self::Flag { flag, flaw, .. } => match flaw {
                FlagFlaw::Path(flaw) => format!("write after {flag} {}", flaw.advice()),
                FlagFlaw::FolderName(flaw) => flaw.hint().to_owned(),
                FlagFlaw::GivenTwice => "leave one of them out".to_owned(),
                FlagFlaw::TooMany { max } => format!("name at most {max} folders"),
            },
            Self::Folder { path, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                format!("create it, `mkdir -p {}`, or name another", shell_word(path))
            }
            Self::Folder { path, .. } => {
                format!("look what is there, `ls -ld {}`, or name another", shell_word(path))
            }
            Self::Missing { path, .. } => {
                format!("create it, `touch {}`, or name another", shell_word(path))
            }
            Self::Unreadable { path, .. } => {
                format!("look who may read it: `ls -l {}`", shell_word(path))
            }
            Self::NotAFile { path, .. } => {
                let away = path.with_added_extension("old");
                format!("move it away: `mv {} {}`", shell_word(path), shell_word(&away))
            }
            Self::TooLarge { .. } => {
                "put large data into a file in a folder that the plugin may read".to_owned()
            }
            Self::Wrong { flaw, .. } => flaw.hint(),
        }
    }
}

/// What is wrong with the value of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VariableFlaw {
    /// It holds bytes that are no text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It is neither a yes nor a no.
    #[error("it is neither a yes nor a no")]
    NotABoolean,
    /// It is not when to colour.
    #[error("it is not one of auto, always, never")]
    NotAColor,
    /// It is not how much to say.
    #[error("it is not a number from 0 to {VERBOSE_MAX}")]
    NotVerbosity,
    /// It is not the path of something.
    #[error(transparent)]
    Path(PathFlaw),
}

/// What is wrong with the value of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlagFlaw {
    /// It is not the path of something.
    #[error(transparent)]
    Path(PathFlaw),
    /// It cannot name a folder.
    #[error(transparent)]
    FolderName(FolderNameFlaw),
    /// The same name has two folders.
    #[error("the name has a folder already")]
    GivenTwice,
    /// More folders than there can be.
    #[error("there are more than {max} folders")]
    TooMany {
        /// Folders there may be.
        max: usize,
    },
}

/// What is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileFlaw {
    /// The bytes are no text.
    #[error("the file is not UTF-8 text")]
    NotText,
    /// The text is not TOML.
    #[error("{message}")]
    Syntax {
        /// The parser's words, on one line.
        message: String,
    },
    /// Lists and tables in each other, too many.
    #[error("more than {max} lists or tables are inside each other")]
    TooDeep {
        /// Levels there may be.
        max: usize,
    },
    /// No such setting.
    #[error("unknown key {}", Quoted(.key))]
    UnknownKey {
        /// The whole key.
        key: String,
        /// The key that was probably meant.
        nearest: Option<&'static str>,
        /// The keys there are.
        known: &'static [&'static str],
    },
    /// A setting that no file makes.
    #[error("{} is not set in a file", Quoted(.key))]
    Elsewhere {
        /// The whole key.
        key: String,
        /// Where it is set.
        instead: &'static str,
    },
    /// A setting that a project may not make.
    #[error(
        "a project file may not set {}: it can come from a stranger, so it cannot relax anything",
        Quoted(.key)
    )]
    NotInProject {
        /// The key.
        key: String,
        /// The user's file.
        user_file: PathBuf,
        /// Where it is set, when in no file at all.
        instead: Option<&'static str>,
        /// Whether there is such a setting.
        is_known: bool,
    },
    /// A value of another type.
    #[error("{} is {found}, not {wanted}", Quoted(.key))]
    WrongType {
        /// The whole key.
        key: String,
        /// The type it should have, with its article.
        wanted: &'static str,
        /// The type it has, with its article.
        found: &'static str,
    },
    /// A number outside of its range.
    #[error("{} is {}, outside of {min} to {max}", Quoted(.key), Shown(.found))]
    Range {
        /// The whole key.
        key: String,
        /// The number, as it was written.
        found: String,
        /// The smallest there may be.
        min: u32,
        /// The largest there may be.
        max: u32,
    },
    /// Not when to colour.
    #[error("`color` is {}, which is not one of auto, always, never", Quoted(.found))]
    NotAColor {
        /// What was written.
        found: String,
    },
    /// Not the path of something.
    #[error("{} is {}: {flaw}", Quoted(.key), Quoted(.path))]
    Path {
        /// The whole key.
        key: String,
        /// What was written.
        path: String,
        /// What is wrong with it.
        flaw: PathFlaw,
    },
    /// Not a name for a folder.
    #[error("{} cannot name a folder: {flaw}", Quoted(.name))]
    FolderName {
        /// What was written.
        name: String,
        /// What is wrong with it.
        flaw: FolderNameFlaw,
    },
    /// More folders than there can be.
    #[error("there are more than {max} folders")]
    TooManyFolders {
        /// Folders there may be.
        max: usize,
    },
    /// Not a range of addresses.
    #[error(transparent)]
    Network(NetworkError),
    /// More networks than there can be.
    #[error("`network.open` has more than {max} networks")]
    TooManyNetworks {
        /// Networks there may be.
        max: usize,
    },
    /// A provider of models that cannot be meant.
    #[error(transparent)]
    Provider(ProviderFlaw),
    /// A route to models that cannot be meant.
    #[error(transparent)]
    Routing(RoutingFlaw),
    /// Not the name of a plugin.
    #[error(transparent)]
    Plugin(NameError),
    /// A value that cannot be told in JSON.
    #[error("{} holds {what}, which JSON does not have", Quoted(.key))]
    NotInJson {
        /// The whole key.
        key: String,
        /// The value, with its article.
        what: &'static str,
    },
    /// A key that plugins cannot ask for.
    #[error("a key of `{plugin}` is longer than {bytes_max} bytes")]
    LongKey {
        /// The plugin.
        plugin: PluginName,
        /// Bytes it may have.
        bytes_max: usize,
    },
    /// More than a plugin can be told.
    #[error(
        "the settings of `{plugin}` are {bytes} bytes of JSON, at most {bytes_max} are allowed"
    )]
    SettingsTooLarge {
        /// The plugin.
        plugin: PluginName,
        /// Bytes there are.
        bytes: usize,
        /// Bytes there may be.
        bytes_max: usize,
    },
    /// A project's name that cannot be shown.
    #[error("`project.name` is not one line of 1 to {chars_max} visible characters")]
    ProjectName {
        /// Characters it may have.
        chars_max: usize,
    },
}

impl FileFlaw {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotText => "save the file as UTF-8".to_owned(),
            Self::Syntax { message } if message.starts_with("duplicate key") => {
                "delete one of the two".to_owned()
            }
            Self::Syntax { .. } => {
                "strings and names with a colon stand in quotes, like `[plugins.\"ax:metrics\"]`; \
                 see https://toml.io"
                    .to_owned()
            }
            Self::TooDeep { .. } => "make the value flatter".to_owned(),
            Self::UnknownKey { nearest: Some(key), .. } => format!("did you mean `{key}`?"),
            Self::UnknownKey { nearest: None, known, .. } => {
                format!("the keys here are {}", known.join(", "))
            }
            Self::Elsewhere { instead, .. } => (*instead).to_owned(),
            Self::NotInProject { instead: Some(instead), .. } => {
                format!("delete it here; {instead}")
            }
            Self::NotInProject { is_known: true, user_file, .. } => {
                format!("move it into the user file `{}`", shown_path(user_file))
            }
            Self::NotInProject { user_file, .. } => format!(
                "a project has `[project]` and `[plugins.\"…\"]`; settings of the host are in the \
                 user file `{}`",
                shown_path(user_file)
            ),
            Self::WrongType { key, wanted, .. } => type_hint(key, wanted),
            Self::Range { min, max, .. } => format!("write a number from {min} to {max}"),
            Self::NotAColor { .. } => "write `color = \"auto\"`".to_owned(),
            Self::Path { flaw, .. } => format!("write {}", flaw.advice()),
            Self::FolderName { flaw, .. } => flaw.hint().to_owned(),
            Self::TooManyFolders { max } => {
                format!("keep at most {max}; one folder may hold others")
            }
            Self::Network(error) => error
                .hint()
                .unwrap_or_else(|| "write it like `10.1.0.0/16` or `fd00::/8`".to_owned()),
            Self::TooManyNetworks { max } => {
                format!("keep at most {max}; a shorter prefix holds more addresses")
            }
            Self::Provider(flaw) => flaw.hint(),
            Self::Routing(flaw) => flaw.hint(),
            Self::Plugin(error) => format!("{}, in quotes", error.hint()),
            Self::NotInJson { .. } => "write it in quotes, as a string".to_owned(),
            Self::LongKey { bytes_max, .. } => format!("shorten it to {bytes_max} bytes"),
            Self::SettingsTooLarge { .. } => {
                "put large data into a file in a folder that the plugin may read".to_owned()
            }
            Self::ProjectName { .. } => "write it like `name = \"shop\"`".to_owned(),
        }
    }
}

/// Says the line to type for a value of the wrong type.
fn type_hint(key: &str, wanted: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    match (key, wanted) {
        ("plugins", _) => {
            "write it like `[plugins.\"ax:metrics\"]` and the keys below it".to_owned()
        }
        (_, "a table") => {
            format!("write `[{}]` on a line of its own and the keys below it", Shown(key))
        }
        ("color", _) => "write `color = \"auto\"`".to_owned(),
        (_, "true or false") => format!("write `{} = true`, without quotes", Shown(last)),
        ("network.open", _) => "write it like `open = [\"10.1.0.0/16\"]`".to_owned(),
        (_, "a list") => format!("write it like `{} = [\"…\"]`", Shown(last)),
        (_, "a whole number") => format!("write it like `{} = 2`, without quotes", Shown(last)),
        ("network.ca-file", _) => "write it like `ca-file = \"/etc/ssl/company.pem\"`".to_owned(),
        (_, _) if key.starts_with("folders.") => {
            format!("write it like `{} = \"/srv/data\"`", Shown(last))
        }
        (_, _) => format!("write it like `{} = \"…\"`", Shown(last)),
    }
}
