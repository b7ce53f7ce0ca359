//! `config.toml`, which the user wrote: the only file that may name folders and models, change
//! the sandbox or open networks.
//!
//! ```toml
//! color = "auto"
//!
//! [folders]
//! data = "/srv/data"
//!
//! [sandbox]
//! memory-percent = 25
//! instances = 1_000
//! threads = 2
//!
//! [network]
//! open = ["10.1.0.0/16"]
//! ca-file = "/etc/ssl/company.pem"
//!
//! [plugins."ax:metrics"]
//! depth = 3
//!
//! [providers.claude]
//! kind = "claude"
//! keys = ["anthropic-key"]
//!
//! [router]
//! primary = "claude/claude-sonnet-5-5"
//! ```
//!
//! Not here: what a project may set (`project`), which source wins (`load`).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::path::PathBuf;

use ax_manifest::PluginName;

use crate::config::document;
use crate::config::document::Entry;
use crate::config::document::Located;
use crate::config::document::entries;
use crate::config::error::FileFlaw;
use crate::config::folders::FOLDERS_MAX;
use crate::config::folders::check_name;
use crate::config::network;
use crate::config::network::NetworkSection;
use crate::config::path::Bases;
use crate::config::path::resolve;
use crate::config::plugins;
use crate::config::plugins::Section;
use crate::config::providers;
use crate::config::routing;
use crate::config::routing::RouterSection;
use crate::config::switches::Color;
use crate::provider::ProviderConfig;

/// `sandbox.memory-percent`: all guests together, in percent of the machine's memory. The rest is
/// for the host and its compiler; above 90 the machine swaps before a guest is refused.
pub const MEMORY_PERCENT_RANGE: RangeInclusive<u32> = 1..=90;
/// A quarter leaves a laptop usable while an agent works.
pub const MEMORY_PERCENT_DEFAULT: u8 = 25;

/// `sandbox.instances`: live instances of all plugins. Each reserves address space, and 10,000 are
/// what the pool is measured with.
pub const INSTANCES_RANGE: RangeInclusive<u32> = 1..=10_000;
/// More than one person's agents start at once.
pub const INSTANCES_DEFAULT: u32 = 1_000;

/// `sandbox.threads`: threads that run guests, by default one for each core. More than 256 only
/// switch between each other.
pub const THREADS_RANGE: RangeInclusive<u32> = 1..=256;

/// The keys at the top of the file.
pub(super) const KEYS: &[&str] =
    &["color", "folders", "network", "plugins", "providers", "router", "sandbox"];

/// The keys of `[sandbox]`.
const SANDBOX_KEYS: &[&str] = &["instances", "memory-percent", "threads"];

/// Settings that are not made in a file, and where instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("home", "use `--home DIR` or set AX_HOME"),
    ("workspace", "use `--workspace DIR` or set AX_WORKSPACE"),
    ("output", "use `--json` or set AX_JSON=1"),
    ("json", "use `--json` or set AX_JSON=1"),
    ("quiet", "use `--quiet` or set AX_QUIET=1"),
    ("verbose", "use `-v` or set AX_VERBOSE=1"),
    ("no-input", "use `--no-input` or set AX_NO_INPUT=1"),
    ("yes", "use `--yes` or set AX_YES=1"),
    ("project", "write it into the `ax.toml` of the project"),
];

/// What the user's file says.
#[derive(Debug, Default)]
pub(super) struct UserFile {
    pub(super) color: Option<Color>,
    pub(super) folders: BTreeMap<String, PathBuf>,
    pub(super) memory_percent: Option<u8>,
    pub(super) instances: Option<u32>,
    pub(super) threads: Option<u32>,
    pub(super) network: NetworkSection,
    pub(super) plugins: BTreeMap<PluginName, Section>,
    pub(super) providers: BTreeMap<String, ProviderConfig>,
    pub(super) router: RouterSection,
}

/// Returns where a setting is made that no file makes.
pub(super) fn elsewhere(key: &str) -> Option<&'static str> {
    ELSEWHERE.iter().find(|(known, _)| *known == key).map(|(_, instead)| *instead)
}

/// Reads the text of the file; `~` in it stands for `home`.
///
/// # Errors
///
/// The first thing that is wrong, and where.
pub(super) fn parse(text: &str, home: Option<&Path>) -> Result<UserFile, Located> {
    let mut file = UserFile::default();
    let root = document::parse(text)?;
    for (name, entry) in entries(&root, "") {
        match name {
            "color" => file.color = Some(color(&entry)?),
            "folders" => file.folders = folders(&entry, home)?,
            "sandbox" => sandbox(&entry, &mut file)?,
            "network" => file.network = network::parse(&entry, home)?,
            "plugins" => file.plugins = plugins::parse(&entry)?,
            "providers" => file.providers = providers::parse(&entry)?,
            "router" => file.router = routing::parse(&entry, home)?,
            other => {
                return Err(match elsewhere(other) {
                    Some(instead) => {
                        entry.wrong_key(FileFlaw::Elsewhere { key: other.to_owned(), instead })
                    }
                    None => entry.unknown(other, KEYS),
                });
            }
        }
    }
    Ok(file)
}

fn color(entry: &Entry<'_>) -> Result<Color, Located> {
    let text = entry.text()?;
    text.parse().map_err(|_| entry.wrong(FileFlaw::NotAColor { found: text.to_owned() }))
}

fn folders(section: &Entry<'_>, home: Option<&Path>) -> Result<BTreeMap<String, PathBuf>, Located> {
    let mut folders = BTreeMap::new();
    for (name, entry) in entries(section.table()?, "folders") {
        check_name(name).map_err(|flaw| {
            entry.wrong_key(FileFlaw::FolderName { name: name.to_owned(), flaw })
        })?;
        if folders.len() == FOLDERS_MAX {
            return Err(entry.wrong_key(FileFlaw::TooManyFolders { max: FOLDERS_MAX }));
        }
        let text = entry.text()?;
        let path = resolve(Path::new(text), Bases { directory: None, home }).map_err(|flaw| {
            entry.wrong(FileFlaw::Path { key: entry.key.clone(), path: text.to_owned(), flaw })
        })?;
        folders.insert(name.to_owned(), path);
    }
    Ok(folders)
}

fn sandbox(section: &Entry<'_>, file: &mut UserFile) -> Result<(), Located> {
    for (name, entry) in entries(section.table()?, "sandbox") {
        match name {
            "memory-percent" => {
                let percent = entry.number(&MEMORY_PERCENT_RANGE)?;
                file.memory_percent = u8::try_from(percent).ok();
            }
            "instances" => file.instances = Some(entry.number(&INSTANCES_RANGE)?),
            "threads" => file.threads = Some(entry.number(&THREADS_RANGE)?),
            other => return Err(entry.unknown(other, SANDBOX_KEYS)),
        }
    }
    Ok(())
}
