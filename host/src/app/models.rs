//! Models: the router and the clients of providers, built from settings, secrets and the table of prices.
//!
//! ```text
//! Config: providers, router ─→ ProviderConfig ─→ Upstream ─┐
//! vault: keys by name ───────────────────────────────────→ Client ─→ Target ─→ Router
//! prices: built in, the user's file over it ─────────────────────────────────────┘
//! ```
//!
//! Invariant: a key goes from the vault into a client and nowhere else; it is never in a name, an error or
//! a record.
//! Not here: who is asked (`router`), how (`provider`), what is said (`chat`).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ax_manifest::nearest;
use ax_registry::{HomeLock, HomeLockError};

use super::roots::{RootsError, extra_roots};
use super::{App, AppError};
use crate::chat::{Model, RequestId};
use crate::config::{AppendError, Route, RouterSettings, add_provider};
use crate::folder;
use crate::provider::{self, Client, Key, ProviderConfig, Settings, Upstream};
use crate::router::backoff::Random;
use crate::router::breaker;
use crate::router::catalogue::{self, Catalogue, CatalogueError};
use crate::router::keeper::Forgetful;
use crate::router::limit::Rate;
use crate::router::observer::Nobody;
use crate::router::{
    Anything, Caller, NOT_CONFIGURED, Options, Parts, Router, RouterError, Target,
};
use crate::secret::error::SecretError;
use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;

/// What a provider without keys is asked with, where a name is wanted.
const NO_KEY: &str = "none";

/// Who asks where nobody else is named.
const PERSON: &str = "person";

/// Why no model can be asked.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The settings name no provider that is switched on.
    #[error("no provider of models is configured")]
    None,
    /// There is no such provider.
    #[error("there is no provider `{name}`")]
    Unknown {
        /// The name that was given.
        name: String,
        /// One that looks like it.
        nearest: Option<String>,
    },
    /// It is switched off.
    #[error("the provider `{name}` is switched off")]
    Disabled {
        /// Its name.
        name: String,
    },
    /// Nothing says which of its models to ask.
    #[error("nothing says which model of `{provider}` is asked")]
    NoModel {
        /// The provider.
        provider: String,
    },
    /// A route of the settings leads nowhere.
    #[error("`{key}` names `{route}`, and {why}")]
    Route {
        /// The setting.
        key: String,
        /// What it names.
        route: String,
        /// What is wrong with that.
        why: &'static str,
    },
    /// The keys cannot be read.
    #[error("the keys of providers cannot be read")]
    Secrets(#[from] SecretError),
    /// The operator's certificates cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The user's table of prices cannot be read.
    #[error("cannot read `{path}`, which `router.prices` names", path = .path.display())]
    PricesFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The user's table of prices is wrong.
    #[error("`{path}`, which `router.prices` names, cannot be used", path = .path.display())]
    Prices {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: CatalogueError,
    },
    /// A provider cannot be meant.
    #[error(transparent)]
    Provider(#[from] provider::ConfigError),
    /// The providers together are no list that can be asked.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] io::Error),
}

impl ModelsError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None => "ax provider add claude --kind claude --key anthropic-key \
                           --model claude-sonnet-5-5; `ax provider add --help` shows others"
                .to_owned(),
            Self::Unknown { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::Unknown { nearest: None, .. } => "ax provider list".to_owned(),
            Self::Disabled { name } => {
                format!("write `enabled = true` below `[providers.{name}]` in config.toml")
            }
            Self::NoModel { provider } => format!(
                "name one with --model {provider}/MODEL, or as `default-model` below \
                 `[providers.{provider}]`; `ax model list --provider {provider}` asks it for all"
            ),
            Self::Route { .. } => "ax config show --sources; `ax model list` shows what can be \
                                   named"
                .to_owned(),
            Self::Secrets(error) => return error.hint(),
            Self::Roots(error) => return error.hint(),
            Self::PricesFile { .. } => "name a file that you may read, or delete `prices` from \
                                        `[router]`"
                .to_owned(),
            Self::Prices { source, .. } => return source.hint(),
            Self::Provider(error) => return error.hint(),
            Self::Router(error) => return error.hint(),
            Self::Random(_) => "ax doctor".to_owned(),
        })
    }
}

/// Why a provider cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The file of settings refuses.
    #[error(transparent)]
    File(#[from] AppendError),
    /// Another process is changing the installation.
    #[error(transparent)]
    Lock(#[from] HomeLockError),
    /// The home is not this user's alone.
    #[error(transparent)]
    App(#[from] AppError),
}

impl AddError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::App(error) => error.hint(),
        }
    }
}

/// A provider as it stands in the settings, with a client for each key that is set.
pub struct Provider {
    /// What the operator says of it.
    pub config: ProviderConfig,
    /// The names of its keys that no secret has.
    pub missing_keys: Vec<String>,
    /// One for each key; one without a key if none is set or wanted.
    pub clients: Vec<(String, Client)>,
}

/// Everything that answers, ready to be asked.
pub struct Models {
    /// Who is asked for a request.
    pub router: Router,
    /// What is known of models.
    pub prices: Catalogue,
    /// The providers that are switched on, by name.
    pub providers: BTreeMap<String, Provider>,
}

impl Models {
    /// Says what an operator can type about an error of a request; nothing where waiting is all there is.
    #[must_use]
    pub fn hint(&self, error: &crate::chat::Error) -> Option<String> {
        match &error.provider {
            Some(name) => provider::hint(error, &self.providers.get(name)?.config),
            None if error.code == NOT_CONFIGURED => {
                Some("ax model list shows what can be named".to_owned())
            }
            None => None,
        }
    }
}

impl App {
    /// Makes the models ready that the settings name, and `wanted` besides, where its provider names none.
    /// Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ModelsError`].
    pub fn models(&self, wanted: Option<&Route>) -> Result<Models, ModelsError> {
        let settings = &self.config.router;
        let prices = self.prices()?;
        if let Some(route) = wanted {
            self.provider_named(&route.provider)?;
        }
        let on = self.config.providers.values().map(|it| &it.value).filter(|it| it.enabled);
        let providers = self.ready_providers(on)?;
        if providers.is_empty() {
            return Err(ModelsError::None);
        }
        self.check_routes()?;
        let targets = targets(settings, &providers, wanted);
        if targets.is_empty() {
            let provider = providers.keys().next().cloned().unwrap_or_default();
            return Err(ModelsError::NoModel { provider });
        }
        let router = Router::new(Parts {
            targets,
            options: options(settings, &providers),
            catalogue: prices.clone(),
            clock: Arc::clone(&self.clock),
            random: Random::seeded(seed()?),
            observer: Arc::new(Nobody),
            keeper: Arc::new(Forgetful),
            caller: Caller { trigger: PERSON.to_owned(), governor: Arc::new(Anything) },
        })?;
        Ok(Models { router, prices, providers })
    }

    /// Makes one provider ready, whether it is switched on or not.
    ///
    /// # Errors
    ///
    /// [`ModelsError`].
    pub fn provider(&self, name: &str) -> Result<Provider, ModelsError> {
        let config = self.configured(name)?;
        let mut ready = self.ready_providers(std::iter::once(config))?;
        Ok(ready.remove(name).expect("it was asked for"))
    }

    /// Makes every provider ready that is switched on.
    ///
    /// # Errors
    ///
    /// [`ModelsError`], when there is none, too.
    pub fn providers(&self) -> Result<Vec<Provider>, ModelsError> {
        let on = self.config.providers.values().map(|it| &it.value).filter(|it| it.enabled);
        let ready = self.ready_providers(on)?;
        match ready.is_empty() {
            true => Err(ModelsError::None),
            false => Ok(ready.into_values().collect()),
        }
    }

    /// Writes a provider into the user's file.
    ///
    /// # Errors
    ///
    /// [`AddError`]; the file is then as it was.
    pub fn add_provider(&self, added: &ProviderConfig) -> Result<(), AddError> {
        self.private_home()?;
        let home = &self.config.home.value;
        let what = format!("ax provider add {}", added.name);
        let _home_lock = HomeLock::acquire(home, &what, super::LOCK_WAIT)?;
        Ok(add_provider(&self.config.user_file.value, added)?)
    }

    /// Reads what is known of models: what comes with the program, and the user's file over it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is wrong.
    pub fn prices(&self) -> Result<Catalogue, ModelsError> {
        let mut prices = Catalogue::built_in();
        if let Some(file) = &self.config.router.prices {
            let path = &file.value;
            let text = read(path)
                .map_err(|source| ModelsError::PricesFile { path: path.clone(), source })?;
            prices
                .add(&text)
                .map_err(|source| ModelsError::Prices { path: path.clone(), source })?;
        }
        Ok(prices)
    }

    /// Names a request: a UUID of version 7, so that names sort by time.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub fn request_id(&self) -> Result<RequestId, ModelsError> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|error| ModelsError::Random(error.into()))?;
        let now_ms = self.clock.now_ms();
        Ok(RequestId(uuid::Builder::from_unix_timestamp_millis(now_ms, &random).into_uuid()))
    }

    fn configured(&self, name: &str) -> Result<&ProviderConfig, ModelsError> {
        let providers = &self.config.providers;
        providers.get(name).map(|it| &it.value).ok_or_else(|| {
            let nearest = nearest(name, providers.keys().map(String::as_str)).map(str::to_owned);
            ModelsError::Unknown { name: name.to_owned(), nearest }
        })
    }

    /// Insists that every route of the settings leads to a provider and to a model that it may be asked
    /// for. One that is switched off is passed over later: that is what switching off is for.
    fn check_routes(&self) -> Result<(), ModelsError> {
        for (key, route) in routes(&self.config.router) {
            let why = match self.config.providers.get(&route.provider).map(|it| &it.value.models) {
                None => "there is no such provider",
                Some(models) if !models.is_empty() && !models.contains(&route.model) => {
                    "the `models` of that provider do not have it"
                }
                Some(_) => continue,
            };
            return Err(ModelsError::Route { key, route: route.to_string(), why });
        }
        Ok(())
    }

    fn provider_named(&self, name: &str) -> Result<(), ModelsError> {
        match self.configured(name)?.enabled {
            true => Ok(()),
            false => Err(ModelsError::Disabled { name: name.to_owned() }),
        }
    }

    /// Reads the keys of providers, once for all of them, and makes a client for each.
    fn ready_providers<'a>(
        &self,
        configs: impl Iterator<Item = &'a ProviderConfig>,
    ) -> Result<BTreeMap<String, Provider>, ModelsError> {
        let configs: Vec<_> = configs.cloned().collect();
        let names = configs.iter().flat_map(|it| &it.keys);
        // The settings hold names of secrets alone.
        let names: Vec<SecretName> = names.filter_map(|it| it.parse().ok()).collect();
        let keys = self.vault.get(&names)?;
        let file = self.config.network.ca_file.as_ref();
        let roots = file.map(|file| extra_roots(&file.value)).transpose()?.unwrap_or_default();
        let ready = configs.into_iter().map(|config| {
            let settings = Settings { roots: roots.clone(), ..Settings::of(&config) };
            let dialect = provider::dialect(config.kind);
            let upstream =
                Upstream::new(config.clone(), dialect, settings, Arc::clone(&self.clock))?;
            Ok((config.name.clone(), with_keys(config, &upstream, &keys)))
        });
        ready.collect()
    }
}

/// Makes the clients of a provider.
fn with_keys(
    config: ProviderConfig,
    upstream: &Arc<Upstream>,
    keys: &BTreeMap<SecretName, SecretValue>,
) -> Provider {
    let (mut clients, mut missing_keys) = (Vec::new(), Vec::new());
    for name in &config.keys {
        match name.parse::<SecretName>().ok().and_then(|it| keys.get(&it)) {
            Some(value) => {
                let key = Key { name: name.clone(), value: value.clone() };
                clients.push((name.clone(), upstream.client(Some(key))));
            }
            None => missing_keys.push(name.clone()),
        }
    }
    if clients.is_empty() {
        // Asked, it says which key is missing.
        let name = config.keys.first().cloned().unwrap_or_else(|| NO_KEY.to_owned());
        clients.push((name, upstream.client(None)));
    }
    Provider { config, missing_keys, clients }
}

/// Lists who may be asked: each model of each provider, with each of its keys.
fn targets(
    settings: &RouterSettings,
    providers: &BTreeMap<String, Provider>,
    wanted: Option<&Route>,
) -> Vec<Target> {
    let mut targets = Vec::new();
    for (name, provider) in providers {
        let ProviderConfig { models, default_model, priority, .. } = &provider.config;
        let mut offered: Vec<&String> = default_model.iter().chain(models).collect();
        if models.is_empty() {
            let routes = routes(settings).map(|(_, route)| route).chain(wanted);
            offered.extend(routes.filter(|it| it.provider == *name).map(|it| &it.model));
        }
        let mut seen: Vec<&String> = Vec::new();
        for model in offered {
            if seen.contains(&model) {
                continue;
            }
            seen.push(model);
            targets.extend(provider.clients.iter().map(|(key, client)| Target {
                provider: name.clone(),
                key: key.clone(),
                model: model.clone(),
                priority: *priority,
                asked: Arc::new(client.clone()) as Arc<dyn Model>,
            }));
        }
    }
    targets
}

/// Lists the routes that the settings name, each with its key.
fn routes(settings: &RouterSettings) -> impl Iterator<Item = (String, &Route)> {
    let primary = settings.primary.iter().map(|it| ("router.primary".to_owned(), &it.value));
    let fallbacks = settings.fallbacks.value.iter().map(|it| ("router.fallbacks".to_owned(), it));
    let tiers = settings.tiers.iter().flat_map(|(name, routes)| {
        routes.value.iter().map(move |it| (format!("router.tiers.{name}"), it))
    });
    primary.chain(fallbacks).chain(tiers)
}

fn options(settings: &RouterSettings, providers: &BTreeMap<String, Provider>) -> Options {
    let ms = |it: u32| Duration::from_millis(it.into());
    let names = |routes: &[Route]| routes.iter().map(ToString::to_string).collect::<Vec<_>>();
    let rate = |provider: &Provider| {
        let ProviderConfig { name, requests_per_minute, tokens_per_minute, .. } = &provider.config;
        let requests_per_min = requests_per_minute.map(u64::from);
        let rate = Rate { requests_per_min, tokens_per_min: *tokens_per_minute };
        let is_bound = requests_per_min.is_some() || tokens_per_minute.is_some();
        is_bound.then(|| (name.clone(), rate))
    };
    let primary = settings.primary.iter().map(|it| &it.value);
    let preferred: Vec<Route> = primary.chain(&settings.fallbacks.value).cloned().collect();
    Options {
        fallback: settings.fallback.value,
        breaker: breaker::Settings {
            enabled: settings.breaker.value,
            threshold: settings.breaker_threshold.value,
            cooldown: ms(settings.breaker_cooldown_ms.value),
        },
        deadline: ms(settings.deadline_ms.value),
        hold: ms(settings.hold_ms.value),
        retries: providers
            .values()
            .map(|it| (it.config.name.clone(), it.config.max_retries))
            .collect(),
        rates: providers.values().filter_map(rate).collect(),
        preferred: names(&preferred),
        tiers: settings.tiers.iter().map(|(name, it)| (name.clone(), names(&it.value))).collect(),
        ..Options::default()
    }
}

/// Reads the user's table of prices.
fn read(path: &Path) -> io::Result<String> {
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "it is no table of prices");
    let file = folder::open(path)?;
    let bytes = folder::read(file, catalogue::FILE_BYTES_MAX as u64)?.ok_or_else(too_large)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Returns a number that nobody can foresee.
fn seed() -> Result<u64, ModelsError> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| ModelsError::Random(error.into()))?;
    Ok(u64::from_le_bytes(seed))
}
