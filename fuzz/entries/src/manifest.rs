//! `plugin.toml`, and the same in JSON as packages carry it.

use ax_manifest::Manifest;

use crate::shown;
use crate::text;

/// Checks that a manifest that was accepted is read back the same from JSON and from TOML.
pub fn manifest(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Manifest::parse(text) {
        Ok(manifest) => written(&manifest),
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1, "{error}");
            assert!(error.line <= text.split('\n').count(), "line {} of {text:?}", error.line);
            shown::refusal(&error, Some(error.hint()));
        }
    }
    // The way of a package: no lines, and numbers that TOML cannot write.
    match serde_json::from_str::<Manifest>(text) {
        Ok(manifest) => written(&manifest),
        Err(error) => shown::line(&error.to_string()),
    }
}

fn written(manifest: &Manifest) {
    let json = serde_json::to_string(manifest).expect("a manifest is JSON");
    let read: Manifest = serde_json::from_str(&json)
        .unwrap_or_else(|error| panic!("JSON is not read back: {error}\n{json}"));
    assert_eq!(read, *manifest, "through {json}");
    let toml = toml::to_string(manifest).unwrap_or_else(|error| panic!("no TOML: {error}\n{json}"));
    let read =
        Manifest::parse(&toml).unwrap_or_else(|error| panic!("TOML: {error}\n{toml}\n{json}"));
    assert_eq!(read, *manifest, "through {toml}");
    for ask in &manifest.permissions {
        shown::line(&ask.permission.to_string());
        assert!(manifest.asked().covering(&ask.permission).is_some(), "it asks what it asks");
    }
}
