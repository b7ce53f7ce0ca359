//! Homes in the states that tests start from.

use std::path::PathBuf;

use ax_manifest::Manifest;
use ax_manifest::derive_tools;
use ax_manifest::inspect;
use ax_registry::Package;
use ax_registry::PluginConfig;
use ax_registry::pack;
use ax_tests::components;
use ax_tests::home::Home;

/// The variable that `test:env` counts, set.
pub(crate) const LANG: (&str, &str) = ("LANG", "C");

/// A home with `test:calc`, which asks for nothing.
pub(crate) fn with_calc() -> Home {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.ax(&["plugin", "add", "calc"]).ok();
    home
}

/// A home with `test:env`, which asks for `env:LANG` and was granted nothing.
pub(crate) fn with_env() -> Home {
    let home = Home::new();
    write_env(&home);
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    home
}

/// Writes the folder of `test:env`, not installed.
pub(crate) fn write_env(home: &Home) -> PathBuf {
    home.write_plugin("env", components::ENV_MANIFEST, &components::env())
}

/// Makes a package of a manifest and a component whose tools come from its types.
pub(crate) fn package(manifest: &str, component: Vec<u8>) -> Vec<u8> {
    let manifest = Manifest::parse(manifest).expect("a manifest");
    let facts = inspect(&component).expect("a component");
    let tools = derive_tools(&facts, Some(&manifest)).expect("tools");
    let config = PluginConfig::new(manifest, tools, &facts);
    let package = Package { config, component, wit: None, docs: Default::default() };
    pack(&package).expect("a package")
}

/// Gives the digest of the card that `ax plugin add` shows for a path.
pub(crate) fn card_digest(home: &Home, path: &str) -> String {
    let fault = home.ax(&["plugin", "add", path, "--json"]).exits(2).json();
    fault["details"]["digest"].as_str().expect("a digest").to_owned()
}
