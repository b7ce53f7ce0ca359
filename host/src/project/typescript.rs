//! TypeScript: Node.js, and what it runs: the compiler's types, a bundler, and QuickJS as a component.
//!
//! What is done with them is told in `sdk/js/build`, which lies in each project. jco, which wraps the
//! same maker of components, is four times as large and tells an author's mistakes as its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fs_err as fs;

use super::BuildFolder;
use super::build::BuildError;
use super::hold::Hold;
use super::toolchain::{self, Toolchain, Toolchains};
use crate::folder::OpenFolder;

/// What is run, as seen from the project; two arguments follow.
const SCRIPT: &str = ".ax/sdk/build/main.mjs";

/// The file that tells unit tests where the toolchain is.
const NOTE: &str = ".ax/toolchain";

/// Where Node.js and npm come from.
const GET_NODE: &str = "install Node.js from https://nodejs.org";

/// The Node.js that the bundler needs.
const NODE_MIN: (u32, u32) = (20, 19);

/// How long types, bundle and component may take; two seconds are usual.
const BUILD_MAX: Duration = Duration::from_secs(120);

/// The packages, as npm reads them.
const PACKAGES: &str = include_str!("toolchains/typescript/package.json");

/// All that they bring along, each at one version and with the digest of its file; for systems that are
/// not listed npm takes the version alone.
const PINS: &str = include_str!("toolchains/typescript/package-lock.json");

const TOOLCHAIN: Toolchain =
    Toolchain { name: "typescript", version: "7.0.2", pins: PINS, size: "32 MB", install };

/// Makes the component.
pub(super) fn build(
    project: &OpenFolder,
    kept: &BuildFolder,
    toolchains: &Toolchains<'_>,
) -> Result<PathBuf, BuildError> {
    has_node(toolchains)?;
    let installed = toolchains.folder_of(&TOOLCHAIN)?;
    let note = installed.as_os_str().as_encoded_bytes();
    project.replace(Path::new(NOTE), note)?;
    let component = kept.component();
    let mut node = toolchains.command("node", kept.as_input()?);
    // What it says is for people; `ax` alone writes to standard output.
    node.arg(SCRIPT)
        .arg(&installed)
        .arg(&component)
        .current_dir(project.path())
        .stdout(Stdio::null());
    let status = toolchain::status_within(&mut node, BUILD_MAX).map_err(no_node)?;
    let command = || format!("node {SCRIPT}");
    let Some(status) = status else {
        return Err(BuildError::Late { command: command(), after: BUILD_MAX });
    };
    if !status.success() {
        return Err(BuildError::Failed { command: command(), status });
    }
    match component.is_file() {
        true => Ok(component),
        false => Err(BuildError::Nothing { command: command() }),
    }
}

fn install(folder: &Path, hold: &Hold) -> Result<(), BuildError> {
    fs::write(folder.join("package.json"), PACKAGES)?;
    fs::write(folder.join("package-lock.json"), PINS)?;
    let mut npm = toolchain::installer("npm", hold.as_input()?);
    npm.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
    // None of these packages has anything to run when it is installed, nor has it any business to.
    npm.arg("--ignore-scripts");
    toolchain::run(&mut npm, "npm", GET_NODE)
}

fn no_node(source: std::io::Error) -> BuildError {
    BuildError::Program { program: "node", install: GET_NODE, source }
}

/// Checks that there is a Node.js that is new enough.
fn has_node(toolchains: &Toolchains<'_>) -> Result<(), BuildError> {
    let output =
        toolchains.command("node", Stdio::null()).arg("--version").output().map_err(no_node)?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match version_of(&found) {
        Some(version) if version < NODE_MIN => {
            let needed = format!("{}.{}", NODE_MIN.0, NODE_MIN.1);
            Err(BuildError::TooOld { program: "node", found, needed, install: GET_NODE })
        }
        // Of a version that cannot be read nothing is known but that it runs.
        Some(_) | None => Ok(()),
    }
}

/// Reads what `node --version` prints.
fn version_of(printed: &str) -> Option<(u32, u32)> {
    let mut parts = printed.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_told_apart() {
        assert!(version_of("v20.18.3").is_some_and(|version| version < NODE_MIN));
        assert!(version_of("v20.19.0").is_some_and(|version| version >= NODE_MIN));
        assert!(version_of("v22.1.0").is_some_and(|version| version >= NODE_MIN));
        assert_eq!(version_of("node 20"), None);
    }

    #[test]
    fn the_toolchain_is_named_by_the_compiler_that_is_pinned() {
        let pins: serde_json::Value = serde_json::from_str(PINS).unwrap();
        let packages = &pins["packages"];
        assert_eq!(packages["node_modules/typescript"]["version"], TOOLCHAIN.version);
        let wanted: serde_json::Value = serde_json::from_str(PACKAGES).unwrap();
        assert_eq!(packages[""]["dependencies"], wanted["dependencies"]);
        let mut brought = packages.as_object().unwrap().iter().filter(|(name, _)| !name.is_empty());
        assert!(brought.all(|(_, it)| it["integrity"].is_string() && it["resolved"].is_null()));
    }
}
