//! Models for plugins: the same router as for everybody, under a plugin's name and with its purse.
//!
//! Invariant: nothing is read or made ready before a plugin asks; where no model is set up, the guest is told
//! so and a person the line to type.
//! Not here: the permission and the budgets (`plugin`), who is asked (`router`).

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::{ReadyModels, Sources};
use crate::chat::{Answer, Class, Error, Model, ModelInfo, Request, RequestId};
use crate::config::RouterSettings;
use crate::plugin::{Asker, Bill, Listed, Models, Purse};
use crate::router::catalogue::Basis;
use crate::router::{Caller, Governor, Spent, Target};

/// What a request is called that names no model.
const DEFAULT: &str = "default";

/// The code of a host where no model can be asked.
const NO_MODELS: &str = "no-models";

/// Models for the plugins of this host.
pub(in crate::app) struct PluginModels(pub(in crate::app) Sources);

impl Models for PluginModels {
    fn of(&self, asker: Asker, purse: Arc<Purse>) -> Arc<dyn Model> {
        match self.0.ready(None) {
            Ok(ready) => {
                let trigger = format!("plugin:{}", asker.plugin);
                Arc::new(ready.router.of(Caller { trigger, governor: Arc::new(Treasurer(purse)) }))
            }
            Err(error) => {
                let hint = error.hint().map(|hint| format!("; a person can type: {hint}"));
                let why = format!("{error}{}", hint.unwrap_or_default());
                Arc::new(Nobody(Error::new(Class::ModelGone, NO_MODELS, &why)))
            }
        }
    }

    fn list(&self) -> Vec<Listed> {
        let Ok(ready) = self.0.ready(None) else { return Vec::new() };
        let settings = self.0.routes();
        let mut listed = vec![of_tier(&ready, DEFAULT, &preferred(&ready, settings))];
        for (name, routes) in &settings.tiers {
            let routes: Vec<_> = routes.value.iter().map(|it| it.model.clone()).collect();
            listed.push(of_tier(&ready, name, &routes));
        }
        let models = ready.router.targets().iter().map(|target| target.model.clone());
        let mut models: Vec<String> = models.collect();
        models.sort();
        models.dedup();
        listed.extend(models.into_iter().map(|model| of_model(&ready, settings, model)));
        listed
    }
}

/// Lists the models that answer where none is named.
fn preferred(ready: &ReadyModels, settings: &RouterSettings) -> Vec<String> {
    match &settings.primary {
        Some(primary) => {
            let fallbacks = settings.fallbacks.value.iter();
            std::iter::once(&primary.value).chain(fallbacks).map(|it| it.model.clone()).collect()
        }
        None => ready.router.targets().iter().map(|it| it.model.clone()).collect(),
    }
}

/// Says what every model of a tier does; whichever answers does it.
fn of_tier(ready: &ReadyModels, name: &str, models: &[String]) -> Listed {
    let known: Vec<_> = models.iter().map(|it| ready.prices.abilities(it)).collect();
    let least = |of: &dyn Fn(&crate::router::catalogue::Abilities) -> Option<u64>| {
        known.iter().map(of).min().flatten()
    };
    Listed {
        name: name.to_owned(),
        tier: None,
        context_tokens: least(&|it| it.context_tokens),
        output_tokens: least(&|it| it.output_tokens),
        // What is not known is not refused.
        vision: known.iter().all(|it| it.images != Some(false)),
        tools: known.iter().all(|it| it.tools != Some(false)),
    }
}

fn of_model(ready: &ReadyModels, settings: &RouterSettings, model: String) -> Listed {
    let mut tiers = settings.tiers.iter();
    let tier = tiers.find(|(_, routes)| routes.value.iter().any(|it| it.model == model));
    let listed = of_tier(ready, &model, std::slice::from_ref(&model));
    Listed { tier: tier.map(|(name, _)| name.clone()), ..listed }
}

/// Pays out of the purse of one call.
struct Treasurer(Arc<Purse>);

impl Governor for Treasurer {
    fn admit(&self, request: &Request, _: &Target, micro_usd: Option<u64>) -> Result<(), Error> {
        self.0.reserve(request.id, micro_usd)
    }

    fn settled(&self, id: RequestId, spent: &Spent) {
        let is_free = spent.usage.total() == 0 && !spent.is_unpriced;
        let cost = spent.cost.map(|cost| cost.micro_usd).or(is_free.then_some(0));
        let is_estimated = spent.basis == Basis::Estimated;
        self.0.reconcile(id, Bill { usage: Some(spent.usage), is_estimated, micro_usd: cost });
    }
}

/// Answers nothing, and says why.
struct Nobody(Error);

impl Model for Nobody {
    fn ask(&self, _: Arc<Request>) -> BoxFuture<'static, Result<Answer, Error>> {
        ready(Err(self.0.clone())).boxed()
    }

    fn count_tokens(&self, _: Arc<Request>) -> BoxFuture<'static, Result<u64, Error>> {
        ready(Err(self.0.clone())).boxed()
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, Error>> {
        ready(Err(self.0.clone())).boxed()
    }
}
