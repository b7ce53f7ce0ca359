//! Lays the sources over each other, the strongest first.
//!
//! Not here: what a text means (`places`, `switches`, `user`, `project`).

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::config::Config;
use crate::config::Overrides;
use crate::config::Sandbox;
use crate::config::environment::Variables;
use crate::config::error::ConfigError;
use crate::config::error::FlagFlaw;
use crate::config::file;
use crate::config::folders::FOLDERS_MAX;
use crate::config::network::NetworkSettings;
use crate::config::places::Places;
use crate::config::plugins::Told;
use crate::config::project;
use crate::config::routing::RouterSettings;
use crate::config::source::Setting;
use crate::config::source::Source;
use crate::config::switches::Switches;
use crate::config::user;
use crate::config::user::UserFile;
use crate::config::workspace::PROJECT_FILE;

/// Reads the configuration of one command.
///
/// `environment` looks up one variable: give it
/// [`environment_variable`](crate::config::environment_variable). `current_dir` is absolute;
/// `cores` is how many the machine has, which becomes the number of threads that run guests.
///
/// # Errors
///
/// The first thing that is wrong in flags and variables, then in the user's file, then in the
/// project's. A file that is not there is an error only if it was named.
pub fn load(
    overrides: &Overrides,
    environment: impl Fn(&str) -> Option<String>,
    current_dir: &Path,
    cores: u32,
) -> Result<Config, ConfigError> {
    let variables = Variables::new(&environment);
    let switches = Switches::read(overrides, &variables)?;
    let places = Places::find(overrides, &variables, current_dir)?;
    let user_file = places.user_file.value.as_path();

    let mut told = Told::default();
    let mut user = read_user(&places, &mut told)?;
    let (project_file, project_name) = read_project(&places, &mut told)?.unzip();
    let project_name = project_file.clone().zip(project_name.flatten());

    let provider = |(name, config)| Some((name, Setting::of_user(user_file, Some(config))?));
    let folders = lay_folders(std::mem::take(&mut user.folders), &places)?;
    Ok(Config {
        color: switches.color(user_file, user.color),
        output: switches.output,
        quiet: switches.quiet,
        verbose: switches.verbose,
        no_input: switches.no_input,
        yes: switches.yes,
        sandbox: sandbox(&user, user_file, cores),
        network: NetworkSettings::of_user(user_file, user.network),
        providers: user.providers.into_iter().filter_map(provider).collect(),
        router: RouterSettings::of_user(user_file, user.router),
        folders,
        plugins: told.plugins,
        plugin_keys: told.keys,
        project_name: project_name
            .map(|(path, value)| Setting { value, source: Source::Project(path) }),
        project_file,
        directory: places.directory,
        person: places.person,
        others: places.others,
        home: places.home,
        user_file: places.user_file,
        toolchains: places.toolchains,
        policy_file: places.policy_file,
        workspace: places.workspace,
    })
}

/// Reads the user's file, which has to be there if a flag or a variable of its own named it.
fn read_user(places: &Places, told: &mut Told) -> Result<UserFile, ConfigError> {
    let Setting { value: path, source } = &places.user_file;
    let Some(text) = file::read(path)? else {
        return match source {
            Source::Flag("--config") | Source::Environment("AX_CONFIG") => {
                Err(ConfigError::Missing { path: path.clone(), named_by: source.clone() })
            }
            _ => Ok(UserFile::default()),
        };
    };
    let parsed = user::parse(&text, places.person.as_deref()).and_then(|mut user| {
        told.overlay(std::mem::take(&mut user.plugins), &Source::User(path.clone()))?;
        Ok(user)
    });
    parsed.map_err(|error| file::located(path, &text, error))
}

/// Reads the workspace's `ax.toml`; returns its path and the name in it, if there is a file.
fn read_project(
    places: &Places,
    told: &mut Told,
) -> Result<Option<(PathBuf, Option<String>)>, ConfigError> {
    let Some(workspace) = &places.workspace else { return Ok(None) };
    let path = workspace.value.join(PROJECT_FILE);
    let Some(text) = file::read(&path)? else { return Ok(None) };
    let parsed = project::parse(&text, &places.user_file.value).and_then(|project| {
        told.overlay(project.plugins, &Source::Project(path.clone()))?;
        Ok(project.name)
    });
    let name = parsed.map_err(|error| file::located(&path, &text, error))?;
    Ok(Some((path, name)))
}

/// Lays the folders of flags over those of the user's file.
fn lay_folders(
    user: BTreeMap<String, PathBuf>,
    places: &Places,
) -> Result<BTreeMap<String, Setting<PathBuf>>, ConfigError> {
    let source = Source::User(places.user_file.value.clone());
    let of_user = |(name, value)| (name, Setting { value, source: source.clone() });
    let mut folders: BTreeMap<_, _> = user.into_iter().map(of_user).collect();
    folders.extend(places.folders.clone());
    if folders.len() > FOLDERS_MAX {
        // Neither had too many alone, so a flag was given.
        let value = places.folders.keys().next_back().cloned().unwrap_or_default();
        let flaw = FlagFlaw::TooMany { max: FOLDERS_MAX };
        return Err(ConfigError::Flag { flag: "--folder", value, flaw });
    }
    Ok(folders)
}

fn sandbox(user: &UserFile, user_file: &Path, cores: u32) -> Sandbox {
    let threads = cores.clamp(*user::THREADS_RANGE.start(), *user::THREADS_RANGE.end());
    Sandbox {
        memory_percent: Setting::of_user(user_file, user.memory_percent)
            .unwrap_or_else(|| Setting::default_of(user::MEMORY_PERCENT_DEFAULT)),
        instances: Setting::of_user(user_file, user.instances)
            .unwrap_or_else(|| Setting::default_of(user::INSTANCES_DEFAULT)),
        threads: Setting::of_user(user_file, user.threads)
            .unwrap_or_else(|| Setting::default_of(threads)),
    }
}
