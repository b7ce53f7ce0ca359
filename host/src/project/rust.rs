//! Rust: cargo and the target `wasm32-wasip2`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use super::build::BuildError;
use super::{BuildFolder, Toolchains};

/// What is typed.
const COMMAND: &str = "cargo build --release --target wasm32-wasip2";

/// Where Rust comes from.
const INSTALL: &str = "install Rust from https://rustup.rs";

/// Compiles the component.
pub(super) fn build(
    folder: &Path,
    kept: &BuildFolder,
    toolchains: &Toolchains<'_>,
) -> Result<PathBuf, BuildError> {
    let mut words = COMMAND.split(' ');
    let program = words.next().unwrap_or_default();
    let mut cargo = toolchains.command(program, kept.as_input()?);
    cargo.args(words).arg("--message-format=json-render-diagnostics");
    cargo.current_dir(folder).stdout(Stdio::piped());
    let missing = |source| BuildError::Program { program: "cargo", install: INSTALL, source };
    let mut child = cargo.spawn().map_err(missing)?;
    let mut component = None;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            component = artifact(&line?).or(component);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(match has_target(toolchains) {
            Some(false) => BuildError::NoTarget,
            Some(true) | None => BuildError::Failed { command: COMMAND.to_owned(), status },
        });
    }
    component.ok_or(BuildError::Nothing { command: COMMAND.to_owned() })
}

/// Reads a message of cargo: the component of a library, if that is what it is about.
fn artifact(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_library = message["target"]["kind"].as_array()?.iter().any(|kind| kind == "cdylib");
    let files = message["filenames"].as_array().filter(|_| is_library)?;
    let files = files.iter().filter_map(Value::as_str);
    files.map(PathBuf::from).find(|path| path.extension().is_some_and(|kind| kind == "wasm"))
}

/// Answers whether the compiler has what the target needs; none if it cannot be asked.
fn has_target(toolchains: &Toolchains<'_>) -> Option<bool> {
    let rustc = toolchains
        .command("rustc", Stdio::null())
        .args(["--print", "target-libdir", "--target", "wasm32-wasip2"])
        .output();
    let said = rustc.ok().filter(|output| output.status.success())?;
    let folder = String::from_utf8(said.stdout).ok()?;
    Some(Path::new(folder.trim()).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_of_the_library_is_found_among_messages() {
        let library = r#"{"reason": "compiler-artifact", "target": {"kind": ["cdylib", "rlib"]},
            "filenames": ["/t/libhello.rlib", "/t/hello.wasm"]}"#;
        assert_eq!(artifact(library), Some(PathBuf::from("/t/hello.wasm")));
        for other in [
            "not JSON",
            r#"{"reason": "build-finished", "success": true}"#,
            r#"{"target": {"kind": ["lib"]}, "filenames": ["/t/libserde.rlib"]}"#,
        ] {
            assert_eq!(artifact(other), None, "{other}");
        }
    }
}
