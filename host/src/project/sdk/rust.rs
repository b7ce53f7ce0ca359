//! The SDK for Rust, `sdk/rust`: a crate and its macros.

use super::File;

/// Its files.
pub(super) const FILES: &[File] = &[
    ("Cargo.toml", include_str!("../../../../sdk/rust/Cargo.toml")),
    ("macros/Cargo.toml", include_str!("../../../../sdk/rust/macros/Cargo.toml")),
    ("macros/src/data.rs", include_str!("../../../../sdk/rust/macros/src/data.rs")),
    ("macros/src/lib.rs", include_str!("../../../../sdk/rust/macros/src/lib.rs")),
    ("macros/src/options.rs", include_str!("../../../../sdk/rust/macros/src/options.rs")),
    ("macros/src/tool.rs", include_str!("../../../../sdk/rust/macros/src/tool.rs")),
    ("src/answer.rs", include_str!("../../../../sdk/rust/src/answer.rs")),
    ("src/bindings.rs", include_str!("../../../../sdk/rust/src/bindings.rs")),
    ("src/bindings/imports.rs", include_str!("../../../../sdk/rust/src/bindings/imports.rs")),
    ("src/bindings/lifecycle.rs", include_str!("../../../../sdk/rust/src/bindings/lifecycle.rs")),
    ("src/bindings/tools.rs", include_str!("../../../../sdk/rust/src/bindings/tools.rs")),
    ("src/call.rs", include_str!("../../../../sdk/rust/src/call.rs")),
    ("src/config.rs", include_str!("../../../../sdk/rust/src/config.rs")),
    ("src/error.rs", include_str!("../../../../sdk/rust/src/error.rs")),
    ("src/fake.rs", include_str!("../../../../sdk/rust/src/fake.rs")),
    ("src/fake/kv.rs", include_str!("../../../../sdk/rust/src/fake/kv.rs")),
    ("src/guest.rs", include_str!("../../../../sdk/rust/src/guest.rs")),
    ("src/http.rs", include_str!("../../../../sdk/rust/src/http.rs")),
    ("src/kv.rs", include_str!("../../../../sdk/rust/src/kv.rs")),
    ("src/lib.rs", include_str!("../../../../sdk/rust/src/lib.rs")),
    ("src/log.rs", include_str!("../../../../sdk/rust/src/log.rs")),
    ("src/misfit.rs", include_str!("../../../../sdk/rust/src/misfit.rs")),
    ("src/read.rs", include_str!("../../../../sdk/rust/src/read.rs")),
    ("src/schema.rs", include_str!("../../../../sdk/rust/src/schema.rs")),
    ("src/secrets.rs", include_str!("../../../../sdk/rust/src/secrets.rs")),
    ("src/task.rs", include_str!("../../../../sdk/rust/src/task.rs")),
    ("src/tool.rs", include_str!("../../../../sdk/rust/src/tool.rs")),
    ("test/Cargo.toml", include_str!("../../../../sdk/rust/test/Cargo.toml")),
    ("test/src/answer.rs", include_str!("../../../../sdk/rust/test/src/answer.rs")),
    ("test/src/case.rs", include_str!("../../../../sdk/rust/test/src/case.rs")),
    ("test/src/lib.rs", include_str!("../../../../sdk/rust/test/src/lib.rs")),
    ("test/src/process.rs", include_str!("../../../../sdk/rust/test/src/process.rs")),
];
