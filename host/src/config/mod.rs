//! Settings, and where each of them came from.
//!
//! ```text
//! flags > variables > project `ax.toml` > user `config.toml` > defaults
//!                     └ only what plugins are told: it may come from a stranger
//! ```
//!
//! [`load()`] reads it all once; everything else in the host takes what it needs from [`Config`].
//!
//! Invariant: this module alone reads the environment of the process, and each value in force has
//! one [`Source`]. A wrong value is an error, never replaced by a default.
//! Not here: building anything from the settings (`app`), printing them (`cli`), secrets and grants,
//! which are no settings.

mod append;
mod document;
mod environment;
mod error;
mod file;
mod folders;
mod load;
mod network;
mod path;
mod places;
mod plugins;
mod project;
mod providers;
mod routing;
mod rows;
mod shown;
mod source;
mod switches;
mod user;
mod workspace;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ax_manifest::PluginName;

use crate::provider::ProviderConfig;

pub use append::{AppendError, add_provider};
#[cfg(feature = "failpoints")]
pub use environment::arm_failpoint;
pub use environment::{environment_variable, toolchain_environment};
pub use error::{ConfigError, FileFlaw, FlagFlaw, VariableFlaw};
pub use file::FILE_BYTES_MAX;
pub use folders::{FOLDERS_MAX, FolderNameFlaw};
pub use load::load;
pub use network::{NETWORKS_MAX, NetworkSettings};
pub use path::PathFlaw;
pub use places::USER_FILE;
pub use plugins::{SETTINGS_BYTES_MAX, SETTINGS_KEY_BYTES_MAX, Settings};
pub use project::PROJECT_NAME_CHARS_MAX;
pub use providers::{PROVIDERS_MAX, ProviderFlaw};
pub use routing::{NotARoute, ROUTES_MAX, Route, RouterSettings, RoutingFlaw, TIERS_MAX};
pub use rows::Row;
pub use source::{Setting, Source};
pub use switches::{Color, ColorError, Mode, VERBOSE_MAX};
pub use user::{
    INSTANCES_DEFAULT, INSTANCES_RANGE, MEMORY_PERCENT_DEFAULT, MEMORY_PERCENT_RANGE, THREADS_RANGE,
};
pub use workspace::PROJECT_FILE;

/// What the command line said; it wins over everything.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `-C`: where to act as if started there; other paths of flags are relative to it.
    pub directory: Option<PathBuf>,
    /// `--home`.
    pub home: Option<PathBuf>,
    /// `--config`: the user's file, which then has to be there.
    pub config_file: Option<PathBuf>,
    /// `--workspace`.
    pub workspace: Option<PathBuf>,
    /// `--folder NAME=DIR`, each one.
    pub folders: Vec<(String, PathBuf)>,
    /// `--color`.
    pub color: Option<Color>,
    /// `--json`.
    pub json: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// How often `-v` stands there; more than [`VERBOSE_MAX`] counts as that.
    pub verbose: u8,
    /// `--no-input`.
    pub no_input: bool,
    /// `--yes`.
    pub yes: bool,
}

/// Every setting in force. Paths are absolute.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the command acts: the current folder, or the one of `-C`, without links.
    pub directory: Setting<PathBuf>,
    /// Where data is kept; it may not be there yet.
    pub home: Setting<PathBuf>,
    /// The person's home folder, where other programs keep files; nothing without `HOME`.
    pub person: Option<PathBuf>,
    /// Where other programs keep their settings; nothing without `HOME` and `XDG_CONFIG_HOME`.
    pub others: Option<PathBuf>,
    /// The user's file; it may not be there.
    pub user_file: Setting<PathBuf>,
    /// Where the toolchains of authors are; it may not be there yet.
    pub toolchains: Setting<PathBuf>,
    /// One more policy, which narrows what the others leave; it has to be there.
    pub policy_file: Option<Setting<PathBuf>>,
    /// The workspace's `ax.toml`, when there is one.
    pub project_file: Option<PathBuf>,
    /// What the project calls itself.
    pub project_name: Option<Setting<String>>,
    /// The folder plugins know as `workspace`, without links; nothing when nobody named one and no
    /// folder upward holds `ax.toml` (see [`Config::workspace_hint`]).
    pub workspace: Option<Setting<PathBuf>>,
    /// Folders plugins know by other names, at most [`FOLDERS_MAX`]; they may not be there.
    pub folders: BTreeMap<String, Setting<PathBuf>>,
    /// When to colour what is printed.
    pub color: Setting<Color>,
    /// What stdout holds.
    pub output: Setting<Mode>,
    /// Whether to say nothing but results and errors.
    pub quiet: Setting<bool>,
    /// How much to say, from 0 to [`VERBOSE_MAX`].
    pub verbose: Setting<u8>,
    /// Whether never to ask.
    pub no_input: Setting<bool>,
    /// Whether questions are answered with yes, those about permissions excepted.
    pub yes: Setting<bool>,
    /// What all guests of this process share.
    pub sandbox: Sandbox,
    /// What the operator opened and trusts beyond the machine's own settings.
    pub network: NetworkSettings,
    /// Which models may be asked, by the names of their providers.
    pub providers: BTreeMap<String, Setting<ProviderConfig>>,
    /// Who is asked first, and what is done when that fails.
    pub router: RouterSettings,
    /// What plugins are told; the source is the project's file as soon as one key is from there.
    pub plugins: BTreeMap<PluginName, Setting<Settings>>,
    /// The source of each top-level key of `plugins`.
    plugin_keys: BTreeMap<PluginName, BTreeMap<String, Source>>,
}

/// What all guests of this process share.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// Memory of all guests, in percent of the machine's ([`MEMORY_PERCENT_RANGE`]).
    pub memory_percent: Setting<u8>,
    /// Live instances of all plugins ([`INSTANCES_RANGE`]).
    pub instances: Setting<u32>,
    /// Threads that run guests ([`THREADS_RANGE`]).
    pub threads: Setting<u32>,
}

impl Config {
    /// Says what to type when a command needs a workspace and there is none.
    #[must_use]
    pub fn workspace_hint() -> String {
        format!(
            "name the folder with `--workspace DIR`, or make the current one a project with \
             `touch {PROJECT_FILE}`"
        )
    }

    /// Lists every setting with its value and source, sorted by key, each safe to print.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        rows::of(self)
    }
}
