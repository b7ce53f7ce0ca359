//! What a caller of [`load`] sees, in a folder of its own and an environment made of a map.

mod bounds;
mod models;
mod precedence;
mod refusals;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Config;
use super::ConfigError;
use super::Overrides;
use super::load;

/// Cores of the machine the tests pretend to run on.
const CORES: u32 = 6;

/// A machine: `/…/me` is the person's home, `/…/work/deep` the current folder.
struct World {
    top: PathBuf,
    variables: BTreeMap<&'static str, String>,
    overrides: Overrides,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let top = fs_err::canonicalize(folder.path()).expect("real");
        fs_err::create_dir_all(top.join("work/deep")).expect("made");
        fs_err::create_dir_all(top.join("me/.config/ax")).expect("made");
        let home = top.join("me").display().to_string();
        let variables = BTreeMap::from([("HOME", home)]);
        Self { top, variables, overrides: Overrides::default(), _folder: folder }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.top.join(path)
    }

    fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.at(path);
        fs_err::create_dir_all(path.parent().expect("below top")).expect("made");
        fs_err::write(path, text).expect("written");
        self
    }

    fn user(self, text: impl AsRef<[u8]>) -> Self {
        self.file("me/.config/ax/config.toml", text)
    }

    fn project(self, text: impl AsRef<[u8]>) -> Self {
        self.file("work/ax.toml", text)
    }

    /// Sets a variable; `@` stands for the top folder.
    fn variable(mut self, name: &'static str, value: &str) -> Self {
        let value = value.replace('@', &self.top.display().to_string());
        self.variables.insert(name, value);
        self
    }

    fn flag(mut self, set: impl FnOnce(&mut Overrides)) -> Self {
        set(&mut self.overrides);
        self
    }

    fn try_load(&self) -> Result<Config, ConfigError> {
        let environment = |name: &str| self.variables.get(name).cloned();
        load(&self.overrides, environment, &self.at("work/deep"), CORES)
    }

    fn load(&self) -> Config {
        self.try_load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Shows a text with the top folder as `@`.
    fn short(&self, text: &str) -> String {
        text.replace(&self.top.display().to_string(), "@")
    }

    /// Loads, and returns the value and source of one row.
    fn row(&self, key: &str) -> String {
        let rows = self.load().rows();
        let row = rows.iter().find(|row| row.key == key).unwrap_or_else(|| panic!("{key}"));
        self.short(&format!("{} ({})", row.value, row.source))
    }

    /// Fails to load, and returns the error and what to type.
    fn refusal(&self) -> String {
        let error = self.try_load().expect_err("a refusal");
        self.short(&format!("{error}\nhint: {}", error.hint()))
    }
}
