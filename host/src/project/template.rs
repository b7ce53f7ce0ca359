//! What a new project begins with.

use std::path::PathBuf;

use ax_manifest::PluginName;

use super::lock;

/// The language a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `cargo build --target wasm32-wasip2`.
    Rust,
}

/// What is to be made.
#[derive(Debug, Clone)]
pub struct NewPlugin {
    /// Its name.
    pub name: PluginName,
    /// What it is written in.
    pub language: Language,
}

/// The files of a template: where, and the text with `{name}` and the like in braces of two.
const RUST: &[(&str, &str)] = &[
    ("plugin.toml", include_str!("templates/plugin.toml")),
    (".gitignore", include_str!("templates/gitignore")),
    ("README.md", include_str!("templates/rust/README.md")),
    ("Cargo.toml", include_str!("templates/rust/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("templates/rust/lib.rs.txt")),
    ("tests/greet.toml", include_str!("templates/rust/cases.toml")),
];

impl NewPlugin {
    /// Returns every file of the project but those under `.ax/`.
    pub(super) fn files(&self) -> Vec<(PathBuf, String)> {
        let plugin = self.name.name();
        let fill = |text: &str| {
            text.replace("{{name}}", &self.name.to_string())
                .replace("{{plugin}}", plugin)
                .replace("{{host}}", HOST_API)
        };
        let mut files: Vec<(PathBuf, String)> =
            RUST.iter().map(|(path, text)| (PathBuf::from(path), fill(text))).collect();
        match self.language {
            Language::Rust => files.push(("Cargo.lock".into(), lock::for_project(plugin))),
        }
        files
    }
}

/// The host API that a new plugin asks for: this host's.
const HOST_API: &str = "0.2";
