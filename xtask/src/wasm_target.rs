//! The Rust target that plugins are compiled for.

use std::env;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::checkout::Checkout;
use crate::failure::Failure;
use crate::process;

/// The target of plugins.
pub(crate) const WASM_TARGET: &str = "wasm32-wasip2";

/// Installs the target with rustup if it is missing, and says so.
///
/// # Errors
///
/// When it is missing and rustup is not there or cannot install it.
pub(crate) fn ensure(checkout: &Checkout) -> Result<()> {
    // Asking the compiler, not rustup: a distribution's Rust has no rustup and may have the target.
    if is_installed(checkout)? {
        return Ok(());
    }
    eprintln!("installing the Rust target {WASM_TARGET}");
    let hint = format!(
        "with network: rustup target add {WASM_TARGET}; without rustup: https://rustup.rs, or your \
         distribution's package of the target"
    );
    let mut rustup = Command::new("rustup");
    // In the checkout, where rust-toolchain.toml says which toolchain gets it.
    rustup.current_dir(checkout.root()).args(["target", "add", WASM_TARGET]);
    process::run(&mut rustup).context(Failure::context(
        format!("cannot install the Rust target {WASM_TARGET}"),
        &hint,
    ))?;
    match is_installed(checkout)? {
        true => Ok(()),
        false => Err(Failure::new(
            format!("rustup installed {WASM_TARGET}, but not for the compiler that cargo uses"),
            "rustup which rustc, and look for another rustc on PATH",
        )),
    }
}

/// Answers whether the compiler has the target's standard library.
fn is_installed(checkout: &Checkout) -> Result<bool> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(checkout.root());
    rustc.args(["--print", "target-libdir", "--target", WASM_TARGET]);
    let printed = process::capture(&mut rustc)?;
    // A compiler too old to know the target fails here; rustup says what it can do about it.
    let folder = printed.text.trim();
    Ok(printed.status.success() && std::path::Path::new(folder).is_dir())
}
