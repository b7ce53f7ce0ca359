//! A home in which the tasks of every class can run.
//!
//! One component is installed under several names, each with one method of HTTP toward the ledger: what a
//! plugin may do decides what is known of an interrupted call.

use std::sync::Arc;

use super::class::Class;
use super::ledger::Ledger;
use crate::home::Home;
use crate::program;

/// Where trials run.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) home: Home,
    pub(super) ledger: Arc<Ledger>,
}

/// Plugins of the component `effects`, each with its one method.
const OVER_HTTP: [(&str, &str); 4] =
    [("pure", "GET"), ("keyed", "PUT"), ("post", "POST"), ("undo", "DELETE")];

impl Ground {
    /// Makes one.
    ///
    /// # Panics
    ///
    /// When a plugin cannot be installed, or was not built.
    pub(super) fn new() -> Self {
        let ground = Self { home: Home::new(), ledger: Arc::new(Ledger::new()) };
        let origin = ground.ledger.origin();
        let effects = program::guest("effects");
        for (name, method) in OVER_HTTP {
            let asked = format!(
                "net = [{{ to = \"{origin}\", methods = [\"{method}\"], reason = \"To reach it\" }}]"
            );
            let grant = format!("net:{origin}:{method}");
            ground.install(name, &asked, &effects, &grant);
        }
        let asked = "kv = { bytes = \"1 MiB\", reason = \"To keep what it is given\" }";
        ground.install("keep", asked, &program::guest("keeper"), "kv");
        let asked = "tools = [{ name = \"test:post.send\", reason = \"To have effects\" }]";
        ground.install("looper", asked, &program::guest("looper"), "tools:test:post.send");
        let url = format!("{origin}/v1");
        let provider = ["provider", "add", "local", "--kind", "compatible", "--url", &url];
        drop(ground.home.ax(&[&provider[..], &["--model", "m-1"]].concat()).ok());
        for (name, text) in Class::ALL.into_iter().chain([Class::Waiting]).flat_map(Class::files) {
            ground.home.write(&name, text);
        }
        ground
    }

    /// Makes another with the same content, toward the same ledger.
    pub(super) fn copied(&self) -> Self {
        Self { home: self.home.copied(), ledger: Arc::clone(&self.ledger) }
    }

    fn install(&self, name: &str, asked: &str, component: &[u8], grant: &str) {
        let manifest = format!(
            "[plugin]\nname = \"test:{name}\"\nversion = \"1.0.0\"\ndescription = \"Has effects\"\n\
             host = \"^0.2\"\ncomponent = \"plugin.wasm\"\n\n[permissions]\n{asked}\n"
        );
        self.home.write_plugin(name, &manifest, component);
        drop(self.home.ax(&["plugin", "add", name, "--grant-nothing"]).ok());
        drop(self.home.ax(&["permission", "grant", &format!("test:{name}"), grant]).ok());
    }
}
