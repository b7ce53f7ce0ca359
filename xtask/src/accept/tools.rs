//! The tools of others, each at a pinned version, installed below `<target>/accept`.
//!
//! Invariant: nothing is installed outside of the target folder, and nothing twice.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use crate::checkout::Checkout;
use crate::checkout::write_if_changed;
use crate::once::once;
use crate::process;

/// Makes components of JavaScript and TypeScript (npm `@bytecodealliance/jco`).
const JCO: &str = "1.35.0";
/// A dependency of jco. 0.26.1 gives no default preopens any more, and jco 1.35.0 needs them.
const PREVIEW2_SHIM: &str = "0.26.0";
/// Makes components of Python (PyPI `componentize-py`).
const COMPONENTIZE_PY: &str = "0.25.1";
/// An independent runtime with components (PyPI `wasmtime`).
const WASMTIME_PY: &str = "50.0.1";
// Rust components need no tool beside cargo; tests/accept/languages/rust-plain pins wit-bindgen.

/// Installs jco; gives its program.
pub(super) fn jco(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.scratch("accept/npm");
    let program = folder.join("node_modules/.bin/jco");
    let package = json!({
        "private": true,
        "dependencies": { "@bytecodealliance/jco": JCO },
        "overrides": { "@bytecodealliance/preview2-shim": PREVIEW2_SHIM },
    });
    once(&folder, &program, &package.to_string(), || {
        write_if_changed(&folder.join("package.json"), package.to_string().as_bytes())?;
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        process::run_quietly(&mut npm)
    })?;
    Ok(program)
}

/// Installs componentize-py into an environment of its own; gives its program.
pub(super) fn componentize_py(checkout: &Checkout) -> Result<PathBuf> {
    let pin = format!("componentize-py=={COMPONENTIZE_PY}");
    python_package(checkout, "accept/pip", "bin/componentize-py", &pin)
}

/// Installs wasmtime for Python into an environment of its own; gives the Python that has it.
pub(super) fn wasmtime_py(checkout: &Checkout) -> Result<PathBuf> {
    let pin = format!("wasmtime=={WASMTIME_PY}");
    python_package(checkout, "accept/wasmtime-py", "bin/python", &pin)
}

/// Installs a package into an environment of its own; gives a program in it.
fn python_package(checkout: &Checkout, folder: &str, program: &str, pin: &str) -> Result<PathBuf> {
    let folder = checkout.scratch(folder);
    let program = folder.join(program);
    once(&folder, &program, pin, || {
        process::run_quietly(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", pin]);
        process::run_quietly(&mut pip)
    })?;
    Ok(program)
}
