//! `ax plugin verify`: everything the lock file names, read again and compared.

use ax_manifest::{PluginName, inspect};
use ax_registry::{Generation, PluginConfig, blobs_named_by};
use serde::Serialize;

use super::App;

/// Something that is not as it was installed.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The plugin it concerns.
    pub plugin: PluginName,
    /// What is wrong.
    pub what: String,
    /// What to type.
    pub hint: String,
}

impl App {
    /// Checks every blob of the installed plugins by its digest, and what each package says against
    /// its component's bytes. Reads everything; changes nothing.
    #[must_use]
    pub fn verify(&self, generation: &Generation, only: Option<&PluginName>) -> Vec<Finding> {
        let plugins = generation.lock.plugins.keys();
        plugins
            .filter(|name| only.is_none_or(|only| only == *name))
            .flat_map(|name| self.verify_one(generation, name))
            .collect()
    }

    fn verify_one(&self, generation: &Generation, name: &PluginName) -> Vec<Finding> {
        let Some(locked) = generation.lock.plugins.get(name) else { return Vec::new() };
        let mut findings = Vec::new();
        let mut find = |what: String| {
            let again = format!("install it again from where it came: {}", locked.source);
            findings.push(Finding { plugin: name.clone(), what, hint: again });
        };
        let manifest = match self.store.get(&locked.package) {
            Ok(manifest) => manifest,
            Err(error) => {
                find(error.to_string());
                return findings;
            }
        };
        match blobs_named_by(&manifest) {
            Ok(blobs) => {
                for error in blobs.iter().filter_map(|blob| self.store.verify(blob).err()) {
                    find(error.to_string());
                }
            }
            Err(error) => find(error.to_string()),
        }
        let component = self.store.get(&locked.component).map_err(|error| error.to_string());
        let facts = component.and_then(|bytes| inspect(&bytes).map_err(|error| error.to_string()));
        let config = self
            .store
            .get(&locked.config)
            .map_err(|error| error.to_string())
            .and_then(|json| PluginConfig::parse(&json).map_err(|error| error.to_string()));
        match (facts, config) {
            (Ok(facts), Ok(config)) => {
                if let Err(error) = config.check(&facts) {
                    find(error.to_string());
                }
                if config.manifest.asked() != locked.permissions {
                    find("the lock file lists other permissions than its package".to_owned());
                }
            }
            (facts, config) => {
                for what in [facts.err(), config.err()].into_iter().flatten() {
                    find(what);
                }
            }
        }
        findings.dedup_by(|a, b| a.what == b.what);
        findings
    }
}
