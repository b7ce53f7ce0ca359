//! A plugin's source folder: made from a template, built by the toolchain of its language.
//!
//! ```text
//! template ──→ create ──→ folder: plugin.toml, sources, .ax/sdk ──→ build ──→ the component's bytes
//!                sdk, lock ┘                        .ax/wit ◀── world ◀── manifest
//! ```
//!
//! Everything under `.ax/` is this program's and made anew by each build; the rest is the author's and
//! never touched.
//!
//! Invariant: nothing here runs a guest, and nothing is written outside the folder.
//! Not here: what a component may do (`plugin`), reading a manifest (`ax_manifest`).

mod build;
mod create;
mod lines;
mod lock;
mod python;
mod rust;
mod sdk;
mod template;
mod toolchain;
mod typescript;
mod watch;
mod world;

/// Where the plugin of a project keeps its data while it is being written.
pub const DATA_FOLDER: &str = ".ax/data";

pub use build::{BuildError, Built, build, language_of};
pub use create::{CreateError, Created, create};
pub use lines::{Place, keep as keep_debug_info, kept as debug_info, places};
pub use template::{Kind, Language, NAMESPACE, NewPlugin};
pub use toolchain::Toolchains;
pub use watch::Snapshot;
