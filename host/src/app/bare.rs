//! A bare component: a `.wasm` file without a manifest, which a person gives a name.
//!
//! Invariant: it asks for nothing.
//! Not here: reading it (`source`).

use std::collections::BTreeMap;
use std::path::Path;

use ax_manifest::{LimitRequests, Manifest, PluginName, PluginSection, Reuse};
use semver::{Version, VersionReq};

use crate::plugin::scrub;

/// Bytes of the description made up for a bare component; a manifest's own is 200 characters.
const DESCRIPTION_BYTES: usize = 180;

/// Name and version for a bare component, which carries neither.
#[derive(Debug, Clone)]
pub struct Named {
    /// What to call it.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
}

/// The manifest of a component that brings none: no permissions, default limits.
pub(super) fn manifest(path: &Path, named: &Named) -> Manifest {
    let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
    Manifest {
        plugin: PluginSection {
            name: named.name.clone(),
            version: named.version.clone(),
            description: scrub(&format!("The component {file}"), DESCRIPTION_BYTES),
            license: None,
            homepage: None,
            host: VersionReq::STAR,
            component: "plugin.wasm".to_owned(),
            reuse: Reuse::default(),
        },
        dependencies: BTreeMap::new(),
        permissions: Vec::new(),
        limits: LimitRequests::default(),
        tools: BTreeMap::new(),
        config: None,
    }
}
