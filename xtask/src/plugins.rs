//! `plugins`: compiles plugins, and the guests that tests use, to WebAssembly.
//!
//! ```text
//! plugins/<name>/                 → plugins/<name>/plugin.wasm      what `ax plugin add` reads
//! tests/guests/<name>/            → <target>/guests/tests/<name>.wasm
//! ```
//!
//! Invariant: the output depends on the sources and the compiler alone, not on where the checkout
//! lies, who built it, or flags meant for the host. A file is written only when it changes.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Context as _;
use anyhow::Result;

use crate::checkout::Checkout;
use crate::checkout::make_folder;
use crate::checkout::read_text;
use crate::checkout::write_if_changed;
use crate::failure::Failure;
use crate::process;
use crate::refuse;
use crate::wasm_target;
use crate::wasm_target::WASM_TARGET;

/// Where the plugins are.
const PLUGINS: &str = "plugins";
/// Where the guests of tests are; the folder may be missing.
const TEST_GUESTS: &str = "tests/guests";

/// The release profile of guests, as cargo reads it from the environment. The workspace's own is
/// for the host: its line tables make a guest twenty times as large.
const PROFILE: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "none"),
    ("CARGO_PROFILE_RELEASE_LTO", "fat"),
    ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
];

/// Runs the task.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    refuse("plugins", arguments)?;
    wasm_target::ensure(checkout)?;
    let mut guests = build(checkout)?;
    guests.extend(build_test_guests(checkout)?);
    for guest in guests {
        let kib = guest.bytes.div_ceil(1024);
        let state = if guest.changed { "written" } else { "unchanged" };
        println!("{:<40} {kib:>6} KiB  {state}", checkout.short(&guest.path).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// A compiled guest.
pub(crate) struct Guest {
    path: PathBuf,
    bytes: u64,
    changed: bool,
}

/// Compiles the plugins. Needs the target (`wasm_target::ensure`).
///
/// # Errors
///
/// When one does not compile or cannot be written.
pub(crate) fn build(checkout: &Checkout) -> Result<Vec<Guest>> {
    let folders = checkout.crates_in(PLUGINS)?;
    let names = folders.iter().map(|folder| package_name(folder)).collect::<Result<Vec<_>>>()?;
    let mut build = guest_build(checkout);
    for name in &names {
        build.args(["--package", name]);
    }
    process::run(&mut build)?;
    let place = |(folder, name): (&PathBuf, &String)| {
        place(&built(checkout, name), &folder.join("plugin.wasm"))
    };
    folders.iter().zip(&names).map(place).collect()
}

/// Compiles the guests of tests. They are members of one workspace, or workspaces of their own; either way each
/// folder gives one component.
///
/// # Errors
///
/// When one does not compile or cannot be written.
pub(crate) fn build_test_guests(checkout: &Checkout) -> Result<Vec<Guest>> {
    let folders = checkout.crates_in(TEST_GUESTS)?;
    let whole = checkout.root().join(TEST_GUESTS).join("Cargo.toml");
    let mut manifests = Vec::new();
    let has_whole = whole.is_file();
    for folder in &folders {
        let manifest = folder.join("Cargo.toml");
        // A folder with a workspace of its own is no member of the one around it.
        if !has_whole || is_workspace(&read_text(&manifest)?) {
            manifests.push(manifest);
        }
    }
    if has_whole {
        manifests.push(whole);
    }
    for manifest in &manifests {
        process::run(guest_build(checkout).arg("--manifest-path").arg(manifest))?;
    }
    let output = checkout.guests().join("tests");
    if !folders.is_empty() {
        make_folder(&output)?;
    }
    let mut guests = Vec::new();
    for folder in &folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let wasm = built(checkout, &package_name(folder)?);
        guests.push(place(&wasm, &output.join(format!("{name}.wasm")))?);
    }
    Ok(guests)
}

/// Copies what cargo built to where it is used.
fn place(built: &Path, to: &Path) -> Result<Guest> {
    let bytes = fs::read(built).context(Failure::context(
        format!("the build made no `{}`", built.display()),
        "the package needs `[lib]` with `crate-type = [\"cdylib\"]`, no other name for it, and a \
         place in `members` of its workspace",
    ))?;
    let changed = write_if_changed(to, &bytes)?;
    Ok(Guest { path: to.to_owned(), bytes: bytes.len() as u64, changed })
}

/// Makes the command that compiles guests.
fn guest_build(checkout: &Checkout) -> Command {
    let mut cargo = process::cargo(checkout);
    cargo.args(["build", "--release", "--target", WASM_TARGET, "--target-dir"]);
    cargo.arg(checkout.guests());
    cargo.envs(PROFILE.iter().copied());
    // Flags of the host's build (a linker, a CPU) are wrong for a guest; ours replace them.
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", rust_flags(checkout));
    cargo
}

/// Keeps this machine's paths out of panic messages.
fn rust_flags(checkout: &Checkout) -> String {
    let mut flags = vec![format!("--remap-path-prefix={}=/ax", checkout.root().display())];
    let home = |name: &str| env::var_os(name).map(PathBuf::from);
    let cargo_home = home("CARGO_HOME").or_else(|| home("HOME").map(|home| home.join(".cargo")));
    if let Some(cargo_home) = cargo_home {
        flags.push(format!("--remap-path-prefix={}=/cargo", cargo_home.display()));
    }
    // The separator that cargo splits at: a path may hold a space.
    flags.join("\u{1f}")
}

/// Where cargo puts the component of a package.
fn built(checkout: &Checkout, package: &str) -> PathBuf {
    let file = format!("{}.wasm", package.replace('-', "_"));
    checkout.guests().join(WASM_TARGET).join("release").join(file)
}

/// Reads the name of the package in a folder.
fn package_name(folder: &Path) -> Result<String> {
    let manifest = folder.join("Cargo.toml");
    name_in(&read_text(&manifest)?).ok_or_else(|| {
        Failure::new(
            format!("`{}` names no package", manifest.display()),
            "add `name = \"…\"` below `[package]`",
        )
    })
}

/// Answers whether a manifest begins a workspace.
fn is_workspace(manifest: &str) -> bool {
    manifest.lines().any(|line| line.trim() == "[workspace]")
}

/// Finds `name = "…"` below `[package]`. Reads what we write ourselves, so it need not know all of
/// TOML.
fn name_in(manifest: &str) -> Option<String> {
    let mut lines = manifest.lines().map(str::trim);
    lines.find(|line| *line == "[package]")?;
    let mut lines = lines.take_while(|line| !line.starts_with('['));
    let value = lines.find_map(|line| line.strip_prefix("name")?.trim_start().strip_prefix('='))?;
    Some(value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_packages_own() {
        let manifest = "# a\n[package]\nname = \"ax-plugin-echo\"\n[lib]\nname = \"other\"\n";
        assert_eq!(name_in(manifest).as_deref(), Some("ax-plugin-echo"));
        assert_eq!(name_in("[lib]\nname = \"other\"\n"), None);
        assert_eq!(name_in("[package]\n[lib]\nname = \"other\"\n"), None);
    }
}
