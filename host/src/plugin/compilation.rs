//! Telling whoever waits that a component is being compiled.
//!
//! Most take a fraction of a second; one made from Python takes many. Not here: compiling
//! (`cache`, `jail`), and what is shown (`cli`).

use std::time::Duration;

use ax_manifest::PluginName;

/// A component that is being compiled.
#[derive(Debug, Clone)]
pub struct Compilation<'a> {
    /// Whose it is.
    pub plugin: &'a PluginName,
    /// Its size.
    pub component_bytes: u64,
}

/// Hears of compilations, on the thread that waits for them.
pub trait CompileWatch: Send + Sync {
    /// One begins.
    fn began(&self, compilation: &Compilation<'_>);

    /// It ended, with machine code or without.
    fn ended(&self, compilation: &Compilation<'_>, took: Duration);
}
