//! What models are made ready from: settings, secrets and the table of prices.
//!
//! Invariant: a key goes from the vault into a client and nowhere else. All that ask in one program ask the
//! same router, so that what one learns of a provider holds for all.
//! Not here: which of them are asked (`targets`, `router`).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use ax_manifest::nearest;

use super::policy::{LoadedPolicy, PolicyError};
use super::targets::{options, routes, targets};
use super::{ModelsError, Provider, ReadyModels};
use crate::app::roots::extra_roots;
use crate::clock::Clock;
use crate::config::{Config, Route, RouterSettings};
use crate::folder;
use crate::ledger::error::LedgerError;
use crate::ledger::{self, Ledger};
use crate::provider::{self, Key, ProviderConfig, Settings, Upstream};
use crate::router::backoff::Random;
use crate::router::catalogue::{self, Catalogue};
use crate::router::keeper::Keeper;
use crate::router::observer::Nobody;
use crate::router::ranking::Ranker;
use crate::router::{Anything, Caller, Parts, Router};
use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;
use crate::secret::vault::Vault;

/// What a provider without keys is asked with, where a name is wanted.
const NO_KEY: &str = "none";

/// Who asks where nobody else is named.
const PERSON: &str = "person";

/// What models are made ready from; all clones share one router.
#[derive(Clone)]
pub(in crate::app) struct Sources {
    config: Arc<Config>,
    vault: Vault,
    clock: Arc<dyn Clock>,
    ready: Arc<OnceLock<Arc<ReadyModels>>>,
    policy: LoadedPolicy,
}

impl Sources {
    pub(in crate::app) fn new(config: &Config, vault: &Vault, clock: &Arc<dyn Clock>) -> Self {
        let (config, vault) = (Arc::new(config.clone()), vault.clone());
        let (ready, policy) = (Arc::default(), LoadedPolicy::default());
        Self { config, vault, clock: Arc::clone(clock), ready, policy }
    }

    /// Makes the models ready the first time, and `wanted` among them, where its provider names none.
    pub(in crate::app) fn ready(
        &self,
        wanted: Option<&Route>,
    ) -> Result<Arc<ReadyModels>, ModelsError> {
        if let Some(ready) = self.ready.get() {
            return Ok(Arc::clone(ready));
        }
        let made = self.make(wanted, || Ok(Arc::new(self.ledger()?)))?;
        let made = Arc::new(made);
        Ok(Arc::clone(self.ready.get_or_init(|| made)))
    }

    /// Returns what the settings say of routes.
    pub(super) fn routes(&self) -> &RouterSettings {
        &self.config.router
    }

    /// Returns the place of the plugin that orders those who could answer.
    pub(super) fn policy(&self) -> &LoadedPolicy {
        &self.policy
    }

    /// Returns what orders those who could answer, if the settings name something.
    fn ranker(&self) -> Result<Option<Arc<dyn Ranker>>, ModelsError> {
        let Some(named) = &self.config.router.policy else { return Ok(None) };
        match self.policy.get() {
            Some(found) => Ok(Some(found?)),
            None => {
                let name = named.value.clone();
                Err(Arc::new(PolicyError::NotLoaded { name }).into())
            }
        }
    }

    /// Opens the ledger for requests that are about to be asked.
    pub(in crate::app) fn ledger(&self) -> Result<Ledger, LedgerError> {
        let router = &self.config.router;
        let settings = ledger::Settings {
            keep: router.keep.value,
            keep_days: router.keep_days.value,
            ..ledger::Settings::default()
        };
        Ledger::open(&self.config.home.value, Arc::clone(&self.clock), settings)
    }

    /// Makes the models ready; what is asked of them is put on record by `keeper`.
    pub(super) fn make(
        &self,
        wanted: Option<&Route>,
        keeper: impl FnOnce() -> Result<Arc<dyn Keeper>, ModelsError>,
    ) -> Result<ReadyModels, ModelsError> {
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
            keeper: keeper()?,
            ranker: self.ranker()?,
            caller: Caller { trigger: PERSON.to_owned(), governor: Arc::new(Anything) },
        })?;
        Ok(ReadyModels { router, prices, providers })
    }

    pub(super) fn provider(&self, name: &str) -> Result<Provider, ModelsError> {
        let config = self.configured(name)?;
        let mut ready = self.ready_providers(std::iter::once(config))?;
        Ok(ready.remove(name).expect("it was asked for"))
    }

    pub(super) fn prices(&self) -> Result<Catalogue, ModelsError> {
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
    pub(super) fn ready_providers<'a>(
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
