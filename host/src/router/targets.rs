//! Whom a router may ask, and in which order.
//!
//! A provider that a request names is the only one that is asked: whoever names one may have reasons that
//! a failure does not end. A tier stands for the routes that its operator wrote, in their order, and for
//! nobody else, and a provider and a model that are named together are asked alone, with each of its keys.
//! A model that is named goes first, and so does the route whose state the
//! conversation carries; then priority, then the order in which they are written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Options;
use super::candidates::Needs;
use super::observer::Named;
use super::observer::Reason;
use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Model;
use crate::chat::Request;

/// Targets of one router: each is looked at for each request.
pub(super) const TARGETS_MAX: usize = 256;

/// Somebody who can be asked.
#[derive(Clone)]
pub struct Target {
    /// The name of the provider.
    pub provider: String,
    /// The name of the key; never the key itself.
    pub key: String,
    /// The model, as the provider calls it.
    pub model: String,
    /// 1 to 10; 1 is asked first.
    pub priority: u8,
    /// Who answers.
    pub asked: Arc<dyn Model>,
}

/// Why there is no router.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouterError {
    /// There is nobody to ask.
    #[error("the router has nobody to ask")]
    Empty,
    /// There are too many.
    #[error("the router has {found} targets, and {TARGETS_MAX} are allowed")]
    Many {
        /// How many.
        found: usize,
    },
    /// One is there twice.
    #[error("the model `{model}` of `{provider}` is there twice for the key `{key}`")]
    Twice {
        /// Its provider.
        provider: String,
        /// Its key.
        key: String,
        /// Its model.
        model: String,
    },
    /// A priority is out of its bounds.
    #[error("the priority of `{provider}` is {found}, and 1 to 10 are allowed")]
    Priority {
        /// Whose.
        provider: String,
        /// Which.
        found: u8,
    },
}

impl RouterError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty => Some("enable a provider with a key and a model".to_owned()),
            Self::Many { .. } => Some("disable what is not asked".to_owned()),
            Self::Twice { model, .. } => Some(format!("name `{model}` once")),
            Self::Priority { .. } => Some("write 1 for the one that is asked first".to_owned()),
        }
    }
}

/// The targets, numbered.
pub(super) struct Targets {
    all: Vec<Target>,
    /// `provider/model` of each.
    owners: Vec<String>,
    /// The number of the key of each; keys of one name at two providers are two.
    keys: Vec<usize>,
    /// The number of the provider of each.
    provider_of: Vec<usize>,
    providers: Vec<String>,
}

impl Targets {
    pub(super) fn new(all: Vec<Target>) -> Result<Self, RouterError> {
        if all.is_empty() {
            return Err(RouterError::Empty);
        }
        if all.len() > TARGETS_MAX {
            return Err(RouterError::Many { found: all.len() });
        }
        let (mut keys, mut known) = (Vec::new(), Vec::<(&str, &str)>::new());
        let (mut provider_of, mut providers, mut seen) =
            (Vec::new(), Vec::<String>::new(), BTreeSet::new());
        for target in &all {
            let Target { provider, key, model, priority, .. } = target;
            if !(1..=10).contains(priority) {
                let provider = provider.clone();
                return Err(RouterError::Priority { provider, found: *priority });
            }
            if !seen.insert((provider, key, model)) {
                let (provider, key) = (provider.clone(), key.clone());
                return Err(RouterError::Twice { provider, key, model: model.clone() });
            }
            keys.push(number(&mut known, (provider.as_str(), key.as_str())));
            provider_of.push(number(&mut providers, provider.clone()));
        }
        let owners = all.iter().map(|it| format!("{}/{}", it.provider, it.model)).collect();
        Ok(Self { owners, keys, provider_of, providers, all })
    }

    /// Returns the numbers of those who are asked for a request, the first first.
    pub(super) fn order(
        &self,
        request: &Request,
        needs: &Needs,
        options: &Options,
    ) -> Result<Vec<usize>, Error> {
        let is_named = |at: &usize| {
            request.provider.as_ref().is_none_or(|name| self.all[*at].provider == *name)
        };
        let mut order: Vec<usize> = (0..self.all.len()).filter(is_named).collect();
        if let Some(routes) = routes(request, options) {
            order = self.among(&order, routes, request)?;
            order.sort_by_key(|at| !self.owns(*at, needs));
            return Ok(self.allowed(order, options));
        }
        if let (true, Some(name)) = (order.is_empty(), &request.provider) {
            return Err(unknown(&format!("`provider` is `{name}`, which is not configured")));
        }
        let is_of_model =
            |at: &usize| request.model.as_ref().is_some_and(|it| self.all[*at].model == *it);
        if let (false, Some(name)) = (order.iter().any(is_of_model), &request.model) {
            return Err(unknown(&format!("`model` is `{name}`, which is not configured")));
        }
        if request.provider.is_some() && request.model.is_some() {
            order.retain(is_of_model);
        }
        order.sort_by_key(|at| (!is_of_model(at), !self.owns(*at, needs), self.all[*at].priority));
        Ok(self.allowed(order, options))
    }

    /// Returns who is asked of those that routes name, in the order of the routes.
    fn among(
        &self,
        of: &[usize],
        routes: &[String],
        request: &Request,
    ) -> Result<Vec<usize>, Error> {
        let of_route = |route: &String| -> Vec<usize> {
            of.iter().copied().filter(|at| self.owners[*at] == *route).collect()
        };
        let order: Vec<usize> = routes.iter().flat_map(of_route).collect();
        if order.is_empty() {
            let name = request.model.as_deref().unwrap_or("default");
            let why = format!("`model` is `{name}`, and nobody who answers to that can be asked");
            return Err(unknown(&why));
        }
        Ok(order)
    }

    /// Leaves the first route alone where nobody else is to be asked.
    fn allowed(&self, mut order: Vec<usize>, options: &Options) -> Vec<usize> {
        if let (false, Some(first)) = (options.fallback, order.first().copied()) {
            order.retain(|at| self.owners[*at] == self.owners[first]);
        }
        order
    }

    /// Says why a target stands where it stands in that order.
    pub(super) fn reason(
        &self,
        target: usize,
        request: &Request,
        needs: &Needs,
        options: &Options,
    ) -> Reason {
        let Target { model, priority, .. } = &self.all[target];
        if self.owns(target, needs) && request.model.as_ref() != Some(model) {
            Reason::OwnsState
        } else if routes(request, options).is_some() {
            Reason::Route
        } else if request.model.as_ref() == Some(model) {
            Reason::NamedModel
        } else {
            Reason::Priority(*priority)
        }
    }

    fn owns(&self, target: usize, needs: &Needs) -> bool {
        needs.last_owner.as_ref() == Some(&self.owners[target])
    }

    pub(super) fn get(&self, target: usize) -> &Target {
        &self.all[target]
    }

    /// Returns `provider/model`.
    pub(super) fn owner(&self, target: usize) -> &str {
        &self.owners[target]
    }

    pub(super) fn named(&self, target: usize) -> Named {
        let Target { provider, key, model, .. } = &self.all[target];
        Named { provider: provider.clone(), key: key.clone(), model: model.clone() }
    }

    pub(super) fn keys(&self) -> &[usize] {
        &self.keys
    }

    pub(super) fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(String::as_str)
    }

    pub(super) fn provider_of(&self, target: usize) -> usize {
        self.provider_of[target]
    }

    pub(super) fn of_provider(&self, provider: usize) -> impl Iterator<Item = usize> {
        (0..self.all.len()).filter(move |at| self.provider_of[*at] == provider)
    }

    pub(super) fn all(&self) -> &[Target] {
        &self.all
    }
}

/// The code of a request that names what is not configured.
pub const NOT_CONFIGURED: &str = "not-configured";

fn unknown(why: &str) -> Error {
    Error::new(Class::CallerFault, NOT_CONFIGURED, why)
}

/// Returns the routes that an operator wrote for a request: those of its tier, or the preferred ones where
/// it names nobody.
fn routes<'a>(request: &Request, options: &'a Options) -> Option<&'a [String]> {
    match &request.model {
        Some(name) => options.tiers.get(name).map(Vec::as_slice),
        None if request.provider.is_none() && !options.preferred.is_empty() => {
            Some(&options.preferred)
        }
        None => None,
    }
}

/// Finds a thing among those known, or adds it.
fn number<T: PartialEq>(known: &mut Vec<T>, it: T) -> usize {
    known.iter().position(|other| *other == it).unwrap_or_else(|| {
        known.push(it);
        known.len() - 1
    })
}
