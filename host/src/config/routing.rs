//! `[router]` of the user's file: who is asked first, and what is done when that fails.
//!
//! ```toml
//! [router]
//! primary = "claude/claude-sonnet-5-5"
//! fallbacks = ["openai/gpt-6-sol"]
//! prices = "/etc/ax/models.toml"
//! policy = "ax:cheapest"
//!
//! [router.tiers]
//! fast = ["gemini/gemini-3.5-flash", "claude/claude-haiku-5"]
//! ```
//!
//! A tier is a name that a request, and a plugin above all, may use in place of a model: it does not have to
//! know who is paid here.
//!
//! Not here: whether a route names a provider that there is (`app`), what the router does (`router`).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::config::document::{Entry, Located, entries};
use crate::config::error::FileFlaw;
use crate::config::path::{Bases, resolve};
use crate::config::source::Setting;
use crate::ledger::Keep;
use ax_manifest::{PluginName, Quoted};

/// Tiers there can be: each is a name that people have to remember.
pub const TIERS_MAX: usize = 32;

/// Routes of one tier, and fallbacks: a request tries eight times in all.
pub const ROUTES_MAX: usize = 16;

/// Characters of a tier's name.
const TIER_CHARS_MAX: usize = 64;

/// The keys of `[router]`.
const KEYS: &[&str] = &[
    "breaker",
    "breaker-cooldown-ms",
    "breaker-threshold",
    "deadline-ms",
    "fallback",
    "fallbacks",
    "hold-ms",
    "keep",
    "keep-days",
    "policy",
    "prices",
    "primary",
    "tiers",
];

/// Failures in a row that open a circuit.
const THRESHOLD_RANGE: RangeInclusive<u32> = 1..=1_000;
const THRESHOLD_DEFAULT: u32 = 5;

/// How long a circuit is open before a probe, in milliseconds: to an hour.
const COOLDOWN_RANGE: RangeInclusive<u32> = 1..=3_600_000;
const COOLDOWN_DEFAULT: u32 = 60_000;

/// Time for everything that is tried for one request, in milliseconds: to a day. The default is what SDKs
/// give a request.
const DEADLINE_RANGE: RangeInclusive<u32> = 1..=86_400_000;
const DEADLINE_DEFAULT: u32 = 600_000;

/// How long an answer is held for its first content, in milliseconds: beyond a minute clients give up.
const HOLD_RANGE: RangeInclusive<u32> = 0..=60_000;
const HOLD_DEFAULT: u32 = 10_000;

/// Days that requests are kept: to ten years.
const KEEP_DAYS_RANGE: RangeInclusive<u32> = 1..=3_660;
const KEEP_DAYS_DEFAULT: u32 = 90;

/// A provider and one of its models, as `claude/claude-sonnet-5-5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The provider's name.
    pub provider: String,
    /// The model, as the provider calls it; it may have slashes of its own.
    pub model: String,
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

impl std::str::FromStr for Route {
    type Err = NotARoute;

    fn from_str(text: &str) -> Result<Self, NotARoute> {
        match text.split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self { provider: provider.to_owned(), model: model.to_owned() })
            }
            _ => Err(NotARoute),
        }
    }
}

/// It does not name a provider and a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a provider and a model with a slash between them")]
pub struct NotARoute;

/// What is wrong in the section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoutingFlaw {
    /// Not a provider and a model.
    #[error("{} is {}: {NotARoute}", Quoted(.key), Quoted(.found))]
    NotARoute {
        /// The whole key.
        key: String,
        /// What was written.
        found: String,
    },
    /// The same provider and model in one list twice.
    #[error("{} is there twice", Quoted(.route))]
    RouteTwice {
        /// The provider and the model.
        route: String,
    },
    /// More routes than there can be.
    #[error("{} has more than {max} routes", Quoted(.key))]
    TooManyRoutes {
        /// The whole key.
        key: String,
        /// Routes there may be.
        max: usize,
    },
    /// Fallbacks of nobody.
    #[error("`router.fallbacks` is there without `router.primary`")]
    NoPrimary,
    /// Not a name for a tier.
    #[error("{} cannot name a tier", Quoted(.name))]
    TierName {
        /// What was written.
        name: String,
    },
    /// More tiers than there can be.
    #[error("there are more than {max} tiers")]
    TooManyTiers {
        /// Tiers there may be.
        max: usize,
    },
    /// A tier that nobody answers.
    #[error("the tier {} names nobody", Quoted(.name))]
    EmptyTier {
        /// Its name.
        name: String,
    },
    /// Not what can be kept.
    #[error("`router.keep` is {}, which is not one of nothing, responses, chunks", Quoted(.found))]
    NotKept {
        /// What was written.
        found: String,
    },
}

impl RoutingFlaw {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotARoute { .. } | Self::EmptyTier { .. } => {
                "write it like `claude/claude-sonnet-5-5`; `ax model list` shows all".to_owned()
            }
            Self::RouteTwice { .. } => "delete one of the two".to_owned(),
            Self::TooManyRoutes { max, .. } => format!("keep the first {max}"),
            Self::NoPrimary => "write who is asked first as `primary`".to_owned(),
            Self::TierName { .. } => "write up to 64 small letters, digits and `-`, like `fast`; \
                                      `default` is `router.primary`"
                .to_owned(),
            Self::TooManyTiers { max } => format!("keep the {max} that are used"),
            Self::NotKept { .. } => "write `keep = \"nothing\"`".to_owned(),
        }
    }
}

/// Who is asked first, and what is done when that fails.
#[derive(Debug, Clone)]
pub struct RouterSettings {
    /// Who answers a request that names nobody; by priority if left out.
    pub primary: Option<Setting<Route>>,
    /// Who answers instead, in this order; only beside `primary`.
    pub fallbacks: Setting<Vec<Route>>,
    /// Whether anybody is asked instead at all.
    pub fallback: Setting<bool>,
    /// Whether who fails again and again is left alone for a while.
    pub breaker: Setting<bool>,
    /// Failures in a row that are again and again.
    pub breaker_threshold: Setting<u32>,
    /// How long a while is, in milliseconds.
    pub breaker_cooldown_ms: Setting<u32>,
    /// Time for all that is tried for one request, in milliseconds.
    pub deadline_ms: Setting<u32>,
    /// How long an answer is held for its first content, in milliseconds.
    pub hold_ms: Setting<u32>,
    /// The plugin that orders those who could answer.
    pub policy: Option<Setting<PluginName>>,
    /// A file of prices and abilities over those that come with the program.
    pub prices: Option<Setting<PathBuf>>,
    /// What is kept of answers.
    pub keep: Setting<Keep>,
    /// Days that requests are kept.
    pub keep_days: Setting<u32>,
    /// Who answers under a name.
    pub tiers: BTreeMap<String, Setting<Vec<Route>>>,
}

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct RouterSection {
    primary: Option<Route>,
    fallbacks: Option<Vec<Route>>,
    fallback: Option<bool>,
    breaker: Option<bool>,
    breaker_threshold: Option<u32>,
    breaker_cooldown_ms: Option<u32>,
    deadline_ms: Option<u32>,
    hold_ms: Option<u32>,
    policy: Option<PluginName>,
    prices: Option<PathBuf>,
    keep: Option<Keep>,
    keep_days: Option<u32>,
    tiers: BTreeMap<String, Vec<Route>>,
}

impl RouterSettings {
    /// Lays what the user's file says over the defaults.
    pub(super) fn of_user(path: &Path, section: RouterSection) -> Self {
        fn or<T>(path: &Path, said: Option<T>, default: T) -> Setting<T> {
            Setting::of_user(path, said).unwrap_or_else(|| Setting::default_of(default))
        }
        let tier = |(name, routes)| Some((name, Setting::of_user(path, Some(routes))?));
        Self {
            primary: Setting::of_user(path, section.primary),
            fallbacks: or(path, section.fallbacks, Vec::new()),
            fallback: or(path, section.fallback, true),
            breaker: or(path, section.breaker, true),
            breaker_threshold: or(path, section.breaker_threshold, THRESHOLD_DEFAULT),
            breaker_cooldown_ms: or(path, section.breaker_cooldown_ms, COOLDOWN_DEFAULT),
            deadline_ms: or(path, section.deadline_ms, DEADLINE_DEFAULT),
            hold_ms: or(path, section.hold_ms, HOLD_DEFAULT),
            policy: Setting::of_user(path, section.policy),
            prices: Setting::of_user(path, section.prices),
            keep: or(path, section.keep, Keep::Nothing),
            keep_days: or(path, section.keep_days, KEEP_DAYS_DEFAULT),
            tiers: section.tiers.into_iter().filter_map(tier).collect(),
        }
    }
}

/// Reads the section; `~` in it stands for `home`.
pub(super) fn parse(section: &Entry<'_>, home: Option<&Path>) -> Result<RouterSection, Located> {
    let mut read = RouterSection::default();
    let mut fallbacks_at = None;
    for (name, entry) in entries(section.table()?, "router") {
        match name {
            "primary" => read.primary = Some(route(&entry)?),
            "fallbacks" => {
                read.fallbacks = Some(routes(&entry)?);
                fallbacks_at = Some(entry);
            }
            "fallback" => read.fallback = Some(entry.truth()?),
            "breaker" => read.breaker = Some(entry.truth()?),
            "breaker-threshold" => {
                read.breaker_threshold = Some(entry.number(&THRESHOLD_RANGE)?);
            }
            "breaker-cooldown-ms" => {
                read.breaker_cooldown_ms = Some(entry.number(&COOLDOWN_RANGE)?);
            }
            "deadline-ms" => read.deadline_ms = Some(entry.number(&DEADLINE_RANGE)?),
            "hold-ms" => read.hold_ms = Some(entry.number(&HOLD_RANGE)?),
            "policy" => read.policy = Some(plugin(&entry)?),
            "prices" => read.prices = Some(path(&entry, home)?),
            "keep" => read.keep = Some(keep(&entry)?),
            "keep-days" => read.keep_days = Some(entry.number(&KEEP_DAYS_RANGE)?),
            "tiers" => read.tiers = tiers(&entry)?,
            other => return Err(entry.unknown(other, KEYS)),
        }
    }
    match (fallbacks_at, &read.primary) {
        (Some(entry), None) => Err(entry.wrong_key(FileFlaw::Routing(RoutingFlaw::NoPrimary))),
        _ => Ok(read),
    }
}

fn tiers(section: &Entry<'_>) -> Result<BTreeMap<String, Vec<Route>>, Located> {
    let mut tiers = BTreeMap::new();
    for (name, entry) in entries(section.table()?, "router.tiers") {
        let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        let is_name = (1..=TIER_CHARS_MAX).contains(&name.len()) && name.chars().all(is_plain);
        if !is_name || name == DEFAULT_TIER {
            return Err(
                entry.wrong_key(FileFlaw::Routing(RoutingFlaw::TierName { name: name.to_owned() }))
            );
        }
        if tiers.len() == TIERS_MAX {
            return Err(
                entry.wrong_key(FileFlaw::Routing(RoutingFlaw::TooManyTiers { max: TIERS_MAX }))
            );
        }
        let routes = routes(&entry)?;
        if routes.is_empty() {
            return Err(
                entry.wrong(FileFlaw::Routing(RoutingFlaw::EmptyTier { name: name.to_owned() }))
            );
        }
        tiers.insert(name.to_owned(), routes);
    }
    Ok(tiers)
}

/// What a request that names nobody is called in permissions; `primary` and `fallbacks` are behind it.
const DEFAULT_TIER: &str = "default";

fn routes(list: &Entry<'_>) -> Result<Vec<Route>, Located> {
    let mut routes = Vec::new();
    for item in list.list()? {
        if routes.len() == ROUTES_MAX {
            let key = item.key.clone();
            return Err(
                item.wrong(FileFlaw::Routing(RoutingFlaw::TooManyRoutes { key, max: ROUTES_MAX }))
            );
        }
        let route = route(&item)?;
        if routes.contains(&route) {
            return Err(
                item.wrong(FileFlaw::Routing(RoutingFlaw::RouteTwice { route: route.to_string() }))
            );
        }
        routes.push(route);
    }
    Ok(routes)
}

fn route(entry: &Entry<'_>) -> Result<Route, Located> {
    let text = entry.text()?;
    text.parse().map_err(|_| {
        let (key, found) = (entry.key.clone(), text.to_owned());
        entry.wrong(FileFlaw::Routing(RoutingFlaw::NotARoute { key, found }))
    })
}

fn path(entry: &Entry<'_>, home: Option<&Path>) -> Result<PathBuf, Located> {
    let text = entry.text()?;
    resolve(Path::new(text), Bases { directory: None, home }).map_err(|flaw| {
        let (key, path) = (entry.key.clone(), text.to_owned());
        entry.wrong(FileFlaw::Path { key, path, flaw })
    })
}

fn plugin(entry: &Entry<'_>) -> Result<PluginName, Located> {
    entry.text()?.parse().map_err(|error| entry.wrong(FileFlaw::Plugin(error)))
}

fn keep(entry: &Entry<'_>) -> Result<Keep, Located> {
    let text = entry.text()?;
    let found = || entry.wrong(FileFlaw::Routing(RoutingFlaw::NotKept { found: text.to_owned() }));
    Keep::ALL.into_iter().find(|keep| keep.word() == text).ok_or_else(found)
}
