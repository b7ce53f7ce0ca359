//! A small package to start from.

use std::collections::BTreeMap;

use ax_manifest::Manifest;
use ax_manifest::derive_tools;
use ax_manifest::inspect;
use ax_registry::Package;
use ax_registry::PluginConfig;

/// A component with a function or two; it was made from the text beside it.
pub(crate) const COMPONENT: &[u8] = include_bytes!("../../corpus/inspection/adder.wasm");

/// What its author says about it.
const MANIFEST: &str = include_str!("../../corpus/manifest/adder.toml");

/// Makes the package that packages to check are made from; seeds hold it packed.
///
/// # Panics
///
/// If the seeds are not what they are named after.
#[must_use]
pub fn sample_package() -> Package {
    let facts = inspect(COMPONENT).expect("the seed is a component");
    let manifest = Manifest::parse(MANIFEST).expect("the seed is a manifest");
    let tools = derive_tools(&facts, Some(&manifest)).expect("the manifest is about the component");
    Package {
        config: PluginConfig::new(manifest, tools, &facts),
        component: COMPONENT.to_vec(),
        wit: Some(b"package acme:adder;\n".to_vec()),
        docs: BTreeMap::from([("README.md".to_owned(), b"# Adder\n".to_vec())]),
    }
}
