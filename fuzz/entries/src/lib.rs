//! What holds of every parser whatever it is given: one function for each, which panics where it
//! does not hold.
//!
//! ```text
//! fuzz/fuzz_targets/*.rs    libFuzzer, which looks for new paths ─┐
//!                                                                 ├─→ manifest(data), axp(data), …
//! tests/fuzz.rs             seeds, and seeds a little damaged  ───┘
//! ```
//!
//! | target | what is read | what must hold, besides no panic |
//! |---|---|---|
//! | [`address`] | networks, addresses | one text; no road of IPv6 to what is not public |
//! | [`axp`] | packages | `pack(unpack(p))` has the identity of `p` |
//! | [`cwasm`] | records of compiled code | a damaged one is never mapped |
//! | [`inspection`] | components | facts can be shown; tools made of them pass their own check |
//! | [`json_values`] | JSON, with a type | JSON → value → JSON → value ends where it was |
//! | [`leak_scan`] | answers with a secret in them | found in any encoding, in any pieces |
//! | [`lock`] | `plugins.lock` | reading what was written gives the same |
//! | [`manifest`] | `plugin.toml`, its JSON | as JSON and as TOML it is read back the same |
//! | [`model_stream`] | what models answer | the same wherever it is cut; one end, and nothing after it |
//! | [`permission`] | permissions | canonical text; `covers` is an order, and agrees with `overlaps` |
//! | [`policy`] | `policy.toml` | its tests hold; a grant left whole is never denied |
//! | [`url`] | URLs and where they lead | where the standard's parser would go is what is shown |
//! | [`workflow`] | workflow files | an order without circles; templates come to an end within bounds |
//!
//! Invariant: a function is pure of its input but for a folder of its own below the system's
//! temporary one; longer inputs than [`INPUT_BYTES_MAX`] are left alone.
//! Not here: how inputs are made (libFuzzer, `tests/fuzz.rs`); how targets are run (`xtask`).

mod address;
mod axp;
mod choices;
mod cwasm;
mod inspection;
mod json_values;
mod leak_scan;
mod lock;
mod manifest;
mod model_stream;
mod package;
mod permission;
mod policy;
mod shown;
mod url;
mod wit_type;
mod workflow;

pub use address::address;
pub use axp::axp;
pub use cwasm::cwasm;
pub use inspection::inspection;
pub use json_values::json_values;
pub use leak_scan::leak_scan;
pub use lock::lock;
pub use manifest::manifest;
pub use model_stream::model_stream;
pub use package::sample_package;
pub use permission::permission;
pub use policy::policy;
pub use url::url;
pub use workflow::workflow;

/// Longest input, in bytes: 64 KiB hold every shape these parsers know; what is longer only costs
/// time, and the bounds above it have tests of their own.
pub const INPUT_BYTES_MAX: usize = 64 << 10;

/// One thing to fuzz.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the function, of the program in `fuzz_targets/` and of the folder of seeds.
    pub name: &'static str,
    /// Checks everything that is to hold for one input.
    pub check: fn(&[u8]),
}

/// Every target, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "address", check: address },
    Target { name: "axp", check: axp },
    Target { name: "cwasm", check: cwasm },
    Target { name: "inspection", check: inspection },
    Target { name: "json_values", check: json_values },
    Target { name: "leak_scan", check: leak_scan },
    Target { name: "lock", check: lock },
    Target { name: "manifest", check: manifest },
    Target { name: "model_stream", check: model_stream },
    Target { name: "permission", check: permission },
    Target { name: "policy", check: policy },
    Target { name: "url", check: url },
    Target { name: "workflow", check: workflow },
];

/// Reads an input as text, if it is some and not too long.
fn text(data: &[u8]) -> Option<&str> {
    let is_short = data.len() <= INPUT_BYTES_MAX;
    str::from_utf8(data).ok().filter(|_| is_short)
}
