//! A plugin's source folder: made from a template, built by the toolchain of its language.
//!
//! ```text
//! template ──→ create ──→ folder: plugin.toml, sources, .ax/sdk ──→ build ──→ the component's bytes
//!                sdk, lock ┘                        .ax/wit ◀── world ◀── manifest
//! ```
//!
//! Everything under `.ax/` is this program's and made anew by each build, but for the plugin's data; the
//! rest is the author's and never touched. What builds leave for the next one lies outside, where no
//! stranger's project can have brought it.
//!
//! Invariant: nothing here runs a guest; of the project only its folder is written, and never through a
//! link.
//! Not here: what a component may do (`plugin`), reading a manifest (`ax_manifest`).

mod build;
mod build_folder;
mod create;
mod hold;
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
pub use build_folder::{BuildFolder, debug_info};
pub use create::{CreateError, Created, create};
pub use lines::{Place, places};
pub use template::{Kind, Language, NAMESPACE, NewPlugin};
pub use toolchain::Toolchains;
pub use watch::Snapshot;
