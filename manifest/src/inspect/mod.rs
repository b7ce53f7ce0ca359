//! Component bytes → what they import, what they export, and how big they are.
//!
//! ```text
//! size, magic, framing ──► scan (counts, bounds) ──► validate ──► surface (imports, exports)
//!      a few bytes           linear, no types        wasmparser       bounded type trees
//! ```
//!
//! Invariant: each step refuses what the next one could not afford. A component of 600 bytes can
//! ask for a billion instances, so instances are multiplied, never expanded, before the validator
//! or a compiler sees the bytes. Every text in [`ComponentFacts`] is printable ASCII.
//! Not here: whether the imports are allowed (`capability`), tools (`tool`), compiling (the host).

mod error;
mod features;
mod framing;
mod scan;
mod shape;
mod surface;

use serde::Serialize;
use wasmparser::Validator;

use crate::digest::Digest;
use crate::wit::Signature;

pub use error::InspectError;

/// Longest component, in bytes: 64 MiB. The largest honest one seen (Python with its libraries)
/// has 18 MB, and the compiler's memory grows with the file.
pub const COMPONENT_BYTES_MAX: u64 = 64 << 20;

/// Component and core instances together after multiplying through nesting.
const INSTANCES_MAX: u64 = 100;

/// Core instances after multiplying through nesting: what the host gives an instance. A stubbed
/// Python component makes 38.
const CORE_INSTANCES_MAX: u64 = 64;

/// Functions, adapters between components included. 50,000 compile in about two seconds and
/// 300 MiB; CPython has under half as many.
const FUNCTIONS_MAX: u64 = 50_000;

/// Data segments: 90,000 of them cost a compiler 46 s and 2.6 GiB, honest linkers write a few.
const DATA_SEGMENTS_MAX: u64 = 10_000;

/// Exports, of core modules and components together. Shared libraries export every symbol.
const EXPORTS_MAX: u64 = 20_000;

/// Imports of components: interfaces, types and functions. The largest world has about 40.
const IMPORTS_MAX: u64 = 1_000;

/// Imports of core modules, which shared libraries have by the thousand: as many as exports,
/// since what one imports another exports.
const CORE_IMPORTS_MAX: u64 = 20_000;

/// Components inside components, the outermost counted as 1. Toolchains write 2 or 3.
const NESTING_MAX: u64 = 100;

/// Sections, nested ones included: 64 MiB of empty ones take seconds to walk. Composed components
/// interleave theirs and have some hundreds.
const SECTIONS_MAX: u64 = 100_000;

/// Nodes (types, members, cases, names) in the type tree of one function. Types in the binary are
/// shared, so a tree can be exponentially larger than the file.
const TYPE_NODES_MAX: usize = 10_000;

/// Levels in the type tree of one function: deep enough for any interface made by people.
const TYPE_DEPTH_MAX: usize = 64;

/// Nodes in the type trees of all exported functions together, since every function may repeat
/// one large shared type: about 20 MiB of memory.
const TYPE_NODES_TOTAL_MAX: u64 = 200_000;

/// Longest name that is shown or stored, in bytes: twice what any registry allows.
const NAME_BYTES_MAX: usize = 256;

/// What the bytes of a component say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComponentFacts {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// Length in bytes.
    pub size: u64,
    /// What it imports, in the order of the file.
    pub imports: Vec<ImportedInterface>,
    /// The functions it exports, directly and in interfaces, in the order of the file.
    pub exports: Vec<ExportedFunction>,
    /// Exported interfaces of `ax:guest`, with their version: `ax:guest/tools@0.1.0`.
    pub guest_interfaces: Vec<String>,
    /// How much of everything there is.
    pub counts: Counts,
}

/// One import of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportedInterface {
    /// `wasi:io/streams@0.2.6`, or the bare name of a function or type.
    pub name: String,
    /// The functions the component may call. Methods, constructors and the dropping of a resource
    /// count. Empty when the import is there only for its types.
    pub functions: Vec<String>,
}

/// One exported function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedFunction {
    /// The exported interface it is in; `None` for a function of the world itself.
    pub interface: Option<String>,
    /// Its WIT name; methods look like `[method]blob.size`.
    pub name: String,
    /// Its types, or why it cannot be a tool.
    pub shape: Result<Signature, String>,
}

/// How much of everything a component has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Component instances, the component itself included, multiplied through nesting.
    pub component_instances: u64,
    /// Instances of core modules, multiplied through nesting.
    pub core_instances: u64,
    /// Functions of core modules, and adapters multiplied through nesting.
    pub functions: u64,
    /// Data segments.
    pub data_segments: u64,
    /// Exports of core modules and components.
    pub exports: u64,
    /// Imports of components.
    pub imports: u64,
    /// Imports of core modules.
    pub core_imports: u64,
    /// Levels of components, at least 1.
    pub nesting: u64,
}

/// Reads a component without running or compiling anything.
///
/// # Errors
///
/// [`InspectError`] when the bytes are not a component, are cut off, exceed a bound of this
/// module, use a feature the engine has switched off, or are invalid.
pub fn inspect(bytes: &[u8]) -> Result<ComponentFacts, InspectError> {
    framing::check(bytes)?;
    let scan = scan::scan(bytes)?;
    let types = Validator::new_with_features(features::ENGINE_FEATURES)
        .validate_all(bytes)
        .map_err(|error| features::explain(&error))?;
    let surface = surface::read(&scan, types.as_ref())?;
    Ok(ComponentFacts {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        imports: surface.imports,
        exports: surface.exports,
        guest_interfaces: surface.guest_interfaces,
        counts: scan.counts,
    })
}

#[cfg(test)]
mod tests;
