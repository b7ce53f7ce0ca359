//! Where things are: the folder a command acts in, data, the user's file, the workspace, folders.
//!
//! ```text
//! home        --home       > AX_HOME      > XDG_DATA_HOME/ax               > ~/.local/share/ax
//! user file   --config     > AX_CONFIG    > in a home that was named       > XDG_CONFIG_HOME/ax
//!                                                                          > ~/.config/ax
//! toolchains                 AX_TOOLCHAINS > XDG_CACHE_HOME/ax/toolchains > ~/.cache/ax/toolchains
//! workspace   --workspace  > AX_WORKSPACE > nearest folder with `ax.toml`
//! folders     --folder     > user file
//! policy      AX_POLICY, beside those of the machine and of the home (`app`)
//! ```
//!
//! Not here: reading what is there (`load`).

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::config::Overrides;
use crate::config::environment::Variables;
use crate::config::error::ConfigError;
use crate::config::error::FlagFlaw;
use crate::config::folders::FOLDERS_MAX;
use crate::config::folders::check_name;
use crate::config::path::Bases;
use crate::config::path::PathFlaw;
use crate::config::path::resolve;
use crate::config::source::Setting;
use crate::config::source::Source;
use crate::config::workspace;

/// The name of the user's file.
pub const USER_FILE: &str = "config.toml";

/// The folder of toolchains in ours.
const TOOLCHAINS: &str = "toolchains";

/// Our folder in the folders of XDG.
const XDG_FOLDER: &str = "ax";

/// Where things are, by flags, variables and one search upward.
#[derive(Debug)]
pub(super) struct Places {
    /// The person's home folder, for `~`.
    pub(super) person: Option<PathBuf>,
    /// Where other programs keep their settings.
    pub(super) others: Option<PathBuf>,
    pub(super) directory: Setting<PathBuf>,
    pub(super) home: Setting<PathBuf>,
    pub(super) user_file: Setting<PathBuf>,
    pub(super) toolchains: Setting<PathBuf>,
    pub(super) policy_file: Option<Setting<PathBuf>>,
    pub(super) workspace: Option<Setting<PathBuf>>,
    /// Folders that flags named.
    pub(super) folders: BTreeMap<String, Setting<PathBuf>>,
}

impl Places {
    /// Finds every place. Only the workspace and the folder of `-C` have to be there.
    pub(super) fn find(
        overrides: &Overrides,
        variables: &Variables<'_>,
        current_dir: &Path,
    ) -> Result<Self, ConfigError> {
        let person = variables.path("HOME", None)?;
        let directory = directory(overrides, person.as_deref(), current_dir)?;
        let flags = Bases { directory: Some(&directory.value), home: person.as_deref() };
        let choose = |flag, given: &Option<PathBuf>, name| {
            let variable = variables.path(name, person.as_deref())?;
            let flag = Setting::of_flag(flag, of_flag(flag, given.as_deref(), flags)?);
            Ok::<_, ConfigError>(flag.or_else(|| Setting::of_variable(name, variable)))
        };
        let named_home = choose("--home", &overrides.home, "AX_HOME")?;
        let named_file = choose("--config", &overrides.config_file, "AX_CONFIG")?;
        let named_workspace = choose("--workspace", &overrides.workspace, "AX_WORKSPACE")?;
        let policy_file = variables.path("AX_POLICY", person.as_deref())?;
        let toolchains = variables.path("AX_TOOLCHAINS", person.as_deref())?;
        let folders = folders(&overrides.folders, flags)?;
        let user_file = named_file
            .or_else(|| named_home.as_ref().map(file_in))
            .or_else(|| xdg(variables, "XDG_CONFIG_HOME", USER_FILE))
            .or_else(|| in_person(person.as_deref(), ".config", USER_FILE));
        let home = named_home
            .or_else(|| xdg(variables, "XDG_DATA_HOME", ""))
            .or_else(|| in_person(person.as_deref(), ".local/share", ""))
            .ok_or(ConfigError::NoHome)?;
        Ok(Self {
            user_file: user_file.unwrap_or_else(|| file_in(&home)),
            // Nobody's data: what is lost there is installed again.
            toolchains: Setting::of_variable("AX_TOOLCHAINS", toolchains)
                .or_else(|| xdg(variables, "XDG_CACHE_HOME", TOOLCHAINS))
                .or_else(|| in_person(person.as_deref(), ".cache", TOOLCHAINS))
                .unwrap_or_else(|| Setting::default_of(home.value.join(TOOLCHAINS))),
            policy_file: Setting::of_variable("AX_POLICY", policy_file),
            workspace: workspace(named_workspace, &directory.value)?,
            others: variables
                .xdg("XDG_CONFIG_HOME")
                .or_else(|| person.as_ref().map(|person| person.join(".config"))),
            person,
            directory,
            home,
            folders,
        })
    }
}

/// Finds the folder a command acts in.
fn directory(
    overrides: &Overrides,
    person: Option<&Path>,
    current_dir: &Path,
) -> Result<Setting<PathBuf>, ConfigError> {
    let bases = Bases { directory: Some(current_dir), home: person };
    match of_flag("-C", overrides.directory.as_deref(), bases)? {
        Some(path) => {
            let source = Source::Flag("-C");
            Ok(Setting { value: workspace::real_folder(path, &source)?, source })
        }
        // A command that needs no folder works in one that was removed, too.
        None => Ok(Setting::default_of(
            fs_err::canonicalize(current_dir).unwrap_or_else(|_| current_dir.to_owned()),
        )),
    }
}

/// Converts the path that a flag was given, if it was.
fn of_flag(
    flag: &'static str,
    given: Option<&Path>,
    bases: Bases<'_>,
) -> Result<Option<PathBuf>, ConfigError> {
    given.map(|path| resolve(path, bases).map_err(|flaw| wrong_path(flag, path, flaw))).transpose()
}

fn wrong_path(flag: &'static str, path: &Path, flaw: PathFlaw) -> ConfigError {
    let value = path.to_string_lossy().into_owned();
    ConfigError::Flag { flag, value, flaw: FlagFlaw::Path(flaw) }
}

/// Returns the user's file in a home that was named.
fn file_in(home: &Setting<PathBuf>) -> Setting<PathBuf> {
    Setting { value: home.value.join(USER_FILE), source: home.source.clone() }
}

fn xdg(variables: &Variables<'_>, name: &'static str, file: &str) -> Option<Setting<PathBuf>> {
    Setting::of_variable(name, variables.xdg(name).map(|base| ours(&base, file)))
}

fn in_person(person: Option<&Path>, folder: &str, file: &str) -> Option<Setting<PathBuf>> {
    person.map(|person| Setting::default_of(ours(&person.join(folder), file)))
}

/// Returns our folder in `base`, or a file in it.
fn ours(base: &Path, file: &str) -> PathBuf {
    base.join(XDG_FOLDER).join(file).components().collect()
}

fn workspace(
    named: Option<Setting<PathBuf>>,
    directory: &Path,
) -> Result<Option<Setting<PathBuf>>, ConfigError> {
    if let Some(Setting { value, source }) = named {
        return Ok(Some(Setting { value: workspace::real_folder(value, &source)?, source }));
    }
    let found = workspace::find(directory)?;
    Ok(found.map(|value| {
        let source = Source::Project(value.join(workspace::PROJECT_FILE));
        Setting { value, source }
    }))
}

/// Checks the folders that flags named.
fn folders(
    given: &[(String, PathBuf)],
    bases: Bases<'_>,
) -> Result<BTreeMap<String, Setting<PathBuf>>, ConfigError> {
    const FLAG: &str = "--folder";
    let mut folders = BTreeMap::new();
    for (name, path) in given {
        let wrong = |flaw| ConfigError::Flag { flag: FLAG, value: name.clone(), flaw };
        check_name(name).map_err(|flaw| wrong(FlagFlaw::FolderName(flaw)))?;
        if folders.len() == FOLDERS_MAX {
            return Err(wrong(FlagFlaw::TooMany { max: FOLDERS_MAX }));
        }
        let value = resolve(path, bases).map_err(|flaw| wrong_path(FLAG, path, flaw))?;
        let folder = Setting { value, source: Source::Flag(FLAG) };
        if folders.insert(name.clone(), folder).is_some() {
            return Err(wrong(FlagFlaw::GivenTwice));
        }
    }
    Ok(folders)
}
