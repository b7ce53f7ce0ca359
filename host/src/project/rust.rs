//! Rust: cargo and the target `wasm32-wasip2`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ax_manifest::Digest;
use fs_err as fs;
use serde_json::Value;

use super::build::BuildError;
use super::hold::Hold;
use super::{BuildFolder, Toolchains};

/// What is typed.
const COMMAND: &str = "cargo build --release --target wasm32-wasip2";

/// The variable that gives several projects one folder.
const SHARED: &str = "CARGO_TARGET_DIR";

/// What is held then, among the toolchains.
const LOCK: &str = "cargo.lock";

/// Where Rust comes from.
const INSTALL: &str = "install Rust from https://rustup.rs";

/// What cargo made.
#[derive(Debug, PartialEq, Eq)]
struct Artifact {
    /// Where it lies.
    path: PathBuf,
    /// Whether it was there already and cargo took it to be of these sources.
    is_fresh: bool,
}

/// Compiles the component, and takes it out of the folder that cargo may share with other projects.
pub(super) fn build(
    folder: &Path,
    kept: &BuildFolder,
    toolchains: &Toolchains<'_>,
) -> Result<PathBuf, BuildError> {
    let is_shared = toolchains.environment.iter().any(|(name, _)| name == SHARED);
    let waiting = || (toolchains.note)("waiting for a build that shares the target folder");
    let lock = toolchains.folder.join(LOCK);
    let _hold = if is_shared { Some(Hold::of(&lock, waiting)?) } else { None };
    let mut made = compile(folder, kept, toolchains)?;
    let mut inputs = Digest::of(&fs::read(&made.path)?).to_string();
    // Components are named after their packages alone: another project's may be in its place.
    if made.is_fresh && !kept.has_made(&inputs) {
        let name = made.path.file_name().unwrap_or_default();
        let twin = made.path.with_file_name("deps").join(name);
        [&made.path, &twin].into_iter().for_each(|path| drop(fs::remove_file(path)));
        made = compile(folder, kept, toolchains)?;
        inputs = Digest::of(&fs::read(&made.path)?).to_string();
    }
    kept.made_of(&inputs, || Ok(fs::copy(&made.path, kept.component()).map(drop)?))
}

fn compile(
    folder: &Path,
    kept: &BuildFolder,
    toolchains: &Toolchains<'_>,
) -> Result<Artifact, BuildError> {
    let mut words = COMMAND.split(' ');
    let program = words.next().unwrap_or_default();
    let mut cargo = toolchains.command(program, kept.as_input()?);
    cargo.args(words).arg("--message-format=json-render-diagnostics");
    cargo.current_dir(folder).stdout(Stdio::piped());
    let missing = |source| BuildError::Program { program: "cargo", install: INSTALL, source };
    let mut child = cargo.spawn().map_err(missing)?;
    let mut made = None;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            made = artifact(&line?).or(made);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(match has_target(toolchains) {
            Some(false) => BuildError::NoTarget,
            Some(true) | None => BuildError::Failed { command: COMMAND.to_owned(), status },
        });
    }
    made.ok_or(BuildError::Nothing { command: COMMAND.to_owned() })
}

/// Reads a message of cargo: the component of a library, if that is what it is about.
fn artifact(message: &str) -> Option<Artifact> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_library = message["target"]["kind"].as_array()?.iter().any(|kind| kind == "cdylib");
    let files = message["filenames"].as_array().filter(|_| is_library)?;
    let files = files.iter().filter_map(Value::as_str).map(PathBuf::from);
    let is_component = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "wasm");
    let path = files.into_iter().find(is_component)?;
    Some(Artifact { path, is_fresh: message["fresh"].as_bool().unwrap_or(true) })
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
            "filenames": ["/t/libhello.rlib", "/t/hello.wasm"], "fresh": false}"#;
        let path = PathBuf::from("/t/hello.wasm");
        assert_eq!(artifact(library), Some(Artifact { path, is_fresh: false }));
        for other in [
            "not JSON",
            r#"{"reason": "build-finished", "success": true}"#,
            r#"{"target": {"kind": ["lib"]}, "filenames": ["/t/libserde.rlib"]}"#,
        ] {
            assert_eq!(artifact(other), None, "{other}");
        }
    }
}
