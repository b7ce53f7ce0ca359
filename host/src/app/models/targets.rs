//! Who may be asked, and how the router goes about it, as the settings say.
//!
//! Not here: making clients of providers (`sources`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Provider;
use crate::chat::Model;
use crate::config::{Route, RouterSettings};
use crate::provider::ProviderConfig;
use crate::router::limit::Rate;
use crate::router::{Options, Target, breaker};

/// Lists who may be asked: each model of each provider, with each of its keys.
pub(super) fn targets(
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
pub(super) fn routes(settings: &RouterSettings) -> impl Iterator<Item = (String, &Route)> {
    let primary = settings.primary.iter().map(|it| ("router.primary".to_owned(), &it.value));
    let fallbacks = settings.fallbacks.value.iter().map(|it| ("router.fallbacks".to_owned(), it));
    let tiers = settings.tiers.iter().flat_map(|(name, routes)| {
        routes.value.iter().map(move |it| (format!("router.tiers.{name}"), it))
    });
    primary.chain(fallbacks).chain(tiers)
}

pub(super) fn options(
    settings: &RouterSettings,
    providers: &BTreeMap<String, Provider>,
) -> Options {
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
