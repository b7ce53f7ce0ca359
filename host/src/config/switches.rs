//! How a command talks: colour, JSON, how much, and whether it asks.
//!
//! Not here: the talking (`cli`).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::config::Overrides;
use crate::config::environment::Variables;
use crate::config::error::ConfigError;
use crate::config::source::Setting;

/// Largest level of `-v`: 1 says what is done, 2 why, 3 everything.
pub const VERBOSE_MAX: u8 = 3;

/// When to colour what is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal only.
    #[default]
    Auto,
    /// Even into a file or a pipe.
    Always,
    /// Not at all.
    Never,
}

/// Why a text does not say when to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not one of auto, always, never")]
pub struct ColorError;

impl FromStr for Color {
    type Err = ColorError;

    /// # Errors
    ///
    /// [`ColorError`] for anything but `auto`, `always` and `never`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(ColorError),
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

/// What stdout holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Text for people.
    #[default]
    Text,
    /// JSON and nothing else.
    Json,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// The switches that flags and variables set; colour is open until the user's file is read.
#[derive(Debug)]
pub(super) struct Switches {
    pub(super) color: Option<Setting<Color>>,
    pub(super) output: Setting<Mode>,
    pub(super) quiet: Setting<bool>,
    pub(super) verbose: Setting<u8>,
    pub(super) no_input: Setting<bool>,
    pub(super) yes: Setting<bool>,
}

impl Switches {
    /// Reads flags and variables. A wrong variable is an error even where a flag wins.
    pub(super) fn read(
        overrides: &Overrides,
        variables: &Variables<'_>,
    ) -> Result<Self, ConfigError> {
        let json = switch(("--json", overrides.json), "AX_JSON", variables)?;
        let mode = |json| if json { Mode::Json } else { Mode::Text };
        let json = json.unwrap_or_else(|| Setting::default_of(false));
        let no_input = switch(("--no-input", overrides.no_input), "AX_NO_INPUT", variables)?
            .or_else(|| Setting::of_variable("CI", variables.is_on("CI").then_some(true)));
        let quiet = switch(("--quiet", overrides.quiet), "AX_QUIET", variables)?;
        let yes = switch(("--yes", overrides.yes), "AX_YES", variables)?;
        Ok(Self {
            color: color(overrides, variables)?,
            output: Setting { value: mode(json.value), source: json.source },
            quiet: quiet.unwrap_or_else(|| Setting::default_of(false)),
            verbose: verbose(overrides, variables)?,
            no_input: no_input.unwrap_or_else(|| Setting::default_of(false)),
            yes: yes.unwrap_or_else(|| Setting::default_of(false)),
        })
    }

    /// Returns when to colour, asking the user's file last.
    pub(super) fn color(&self, user_file: &Path, user: Option<Color>) -> Setting<Color> {
        self.color
            .clone()
            .or_else(|| Setting::of_user(user_file, user))
            .unwrap_or_else(|| Setting::default_of(Color::default()))
    }
}

/// Reads a flag that can only be on, and the variable that can be either.
fn switch(
    (flag, is_on): (&'static str, bool),
    name: &'static str,
    variables: &Variables<'_>,
) -> Result<Option<Setting<bool>>, ConfigError> {
    let variable = variables.boolean(name)?;
    let flag = Setting::of_flag(flag, is_on.then_some(true));
    Ok(flag.or_else(|| Setting::of_variable(name, variable)))
}

fn verbose(overrides: &Overrides, variables: &Variables<'_>) -> Result<Setting<u8>, ConfigError> {
    let variable = variables.verbose("AX_VERBOSE")?;
    let level = overrides.verbose.min(VERBOSE_MAX);
    Ok(Setting::of_flag("-v", (level > 0).then_some(level))
        .or_else(|| Setting::of_variable("AX_VERBOSE", variable))
        .unwrap_or_else(|| Setting::default_of(0)))
}

/// Reads when to colour. Our own variable wins over those that speak to every program, and no
/// colour over forced colour, since what is missing does less harm.
fn color(
    overrides: &Overrides,
    variables: &Variables<'_>,
) -> Result<Option<Setting<Color>>, ConfigError> {
    let variable = variables.color("AX_COLOR")?;
    let never = variables.is_set("NO_COLOR").then_some(Color::Never);
    let always = variables.is_on("CLICOLOR_FORCE").then_some(Color::Always);
    Ok(Setting::of_flag("--color", overrides.color)
        .or_else(|| Setting::of_variable("AX_COLOR", variable))
        .or_else(|| Setting::of_variable("NO_COLOR", never))
        .or_else(|| Setting::of_variable("CLICOLOR_FORCE", always)))
}
