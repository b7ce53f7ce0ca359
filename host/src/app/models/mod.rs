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

mod plugins;
mod policy;
mod sources;
mod targets;

pub(super) use plugins::PluginModels;
pub use policy::PolicyError;
pub(super) use sources::Sources;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ax_registry::{HomeLock, HomeLockError};

use super::roots::RootsError;
use super::{App, AppError};
use crate::chat::RequestId;
use crate::config::{AppendError, Route, add_provider};
use crate::ledger::error::LedgerError;
use crate::provider::{self, Client, ProviderConfig};
use crate::router::catalogue::{Catalogue, CatalogueError};
use crate::router::keeper::{Forgetful, UNKEPT};
use crate::router::{NOT_CONFIGURED, Router, RouterError};
use crate::secret::error::SecretError;

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
    /// The plugin that orders those who could answer is not there.
    #[error(transparent)]
    Policy(#[from] Arc<PolicyError>),
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
    /// The record of requests cannot be kept, so that nothing may be asked.
    #[error("what is asked of models cannot be recorded")]
    Ledger(#[from] LedgerError),
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
            Self::Policy(error) => return error.hint(),
            Self::Secrets(error) => return error.hint(),
            Self::Roots(error) => return error.hint(),
            Self::PricesFile { .. } => "name a file that you may read, or delete `prices` from \
                                        `[router]`"
                .to_owned(),
            Self::Prices { source, .. } => return source.hint(),
            Self::Provider(error) => return error.hint(),
            Self::Router(error) => return error.hint(),
            Self::Ledger(error) => return error.hint(),
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
pub struct ReadyModels {
    /// Who is asked for a request.
    pub router: Router,
    /// What is known of models.
    pub prices: Catalogue,
    /// The providers that are switched on, by name.
    pub providers: BTreeMap<String, Provider>,
}

impl ReadyModels {
    /// Says what an operator can type about an error of a request; nothing where waiting is all there is.
    #[must_use]
    pub fn hint(&self, error: &crate::chat::Error) -> Option<String> {
        match &error.provider {
            Some(name) => provider::hint(error, &self.providers.get(name)?.config),
            None if error.code == UNKEPT => Some(
                "another ax may be writing into router.db; try again: ax request list".to_owned(),
            ),
            None if error.code == NOT_CONFIGURED => {
                Some("ax model list shows what can be named".to_owned())
            }
            None => None,
        }
    }
}

impl App {
    /// Makes the models ready that the settings name, and `wanted` besides, where its provider names none,
    /// to be looked at: nothing is sent, and nothing would be on record.
    ///
    /// # Errors
    ///
    /// [`ModelsError`].
    pub fn models(&self, wanted: Option<&Route>) -> Result<ReadyModels, ModelsError> {
        self.load_policy();
        self.sources.make(wanted, || Ok(Arc::new(Forgetful)))
    }

    /// Makes the same ready to be asked: every request is on record before it is sent. What was made ready
    /// stays so for as long as the program runs.
    ///
    /// # Errors
    ///
    /// [`ModelsError`].
    pub fn models_on_record(
        &self,
        wanted: Option<&Route>,
    ) -> Result<Arc<ReadyModels>, ModelsError> {
        self.load_policy();
        self.sources.ready(wanted)
    }

    /// Makes one provider ready, whether it is switched on or not.
    ///
    /// # Errors
    ///
    /// [`ModelsError`].
    pub fn provider(&self, name: &str) -> Result<Provider, ModelsError> {
        self.sources.provider(name)
    }

    /// Makes every provider ready that is switched on.
    ///
    /// # Errors
    ///
    /// [`ModelsError`], when there is none, too.
    pub fn providers(&self) -> Result<Vec<Provider>, ModelsError> {
        let config = &self.config.providers;
        let on = config.values().map(|it| &it.value).filter(|it| it.enabled);
        let ready = self.sources.ready_providers(on)?;
        match ready.is_empty() {
            true => Err(ModelsError::None),
            false => Ok(ready.into_values().collect()),
        }
    }

    /// Reads what is known of models: what comes with the program, and the user's file over it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is wrong.
    pub fn prices(&self) -> Result<Catalogue, ModelsError> {
        self.sources.prices()
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
}
