//! Python: `componentize-py`, with the SDK that this program carries.
//!
//! ```text
//! pyproject.toml ──→ dependencies ──→ .ax/vendor ─┐
//! tools.py ──→ ax._check: is it a plugin at all? ─┴→ componentize-py ──→ the component
//! ```
//!
//! Making a component takes seconds. So mistakes are looked for first, which takes none; and what was
//! made of the same files is not made again (`inputs`), which is also why a plugin packed twice is the
//! same twice: the component holds an interpreter that has run, and no two runs are alike.
//!
//! Invariant: `tools.py` is run by the Python of the toolchain and by that of the sandbox while it is
//! built, and by nothing outside of the sandbox afterwards.
//! Not here: what a tool is (`sdk/python`).

mod dependencies;
mod inputs;
mod install;
mod report;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fs_err as fs;

use super::build::BuildError;
use super::toolchain::Toolchains;
use super::world::without_unused;
use super::{BuildFolder, sdk};
use crate::folder::OpenFolder;
use report::Report;

/// The author's module.
const MODULE: &str = "tools";

/// What the SDK makes the component of.
const ENTRY: &str = "ax._guest";

/// What is typed, more or less.
const COMMAND: &str = "componentize-py componentize";

/// Where the world lies that the component is made for, in the build folder.
const WIT: &str = "wit";

/// Where the packages lie that a plugin depends on.
const VENDOR: &str = ".ax/vendor";

/// The Python that componentize-py puts into components.
const GUEST: (u8, u8) = (3, 14);

/// Makes the component.
pub(super) fn build(
    project: &OpenFolder,
    kept: &BuildFolder,
    toolchains: &Toolchains<'_>,
) -> Result<PathBuf, BuildError> {
    let folder = project.path();
    let sources = [format!("{MODULE}.py"), format!("{MODULE}/__init__.py")];
    if !sources.iter().any(|file| folder.join(file).is_file()) {
        return Err(BuildError::Source {
            place: sources[0].clone(),
            message: "there is no such file, and that is where the tools are".to_owned(),
            help: format!("write {}, or go to the folder that has it", sources[0]),
        });
    }
    if folder.as_os_str().as_bytes().contains(&b':') {
        return Err(BuildError::Source {
            place: folder.display().to_string(),
            message: "a colon parts the folders where Python looks for modules".to_owned(),
            help: "move the project into a folder that has none in its path".to_owned(),
        });
    }
    let toolchain = toolchains.folder_of(&install::COMPONENTIZE_PY)?;
    dependencies::install(project, kept, &toolchain, toolchains.note)?;
    let said = checked(folder, &toolchain, toolchains)?;
    if let Some(report) = Report::among(&said).filter(|report| report.is_certain) {
        return Err(told(report, toolchains));
    }
    let mut world = fs::read_to_string(folder.join(sdk::WORLD))?;
    if let Some(used) = report::used(&said) {
        world = without_unused(&world, &used);
    }
    sdk::write_wit(&kept.file(WIT), &world)?;
    let inputs = inputs::of(folder, install::COMPONENTIZE_PY.pins)? + "\n" + &world;
    kept.made_of(&inputs, || {
        let note = "making the component takes some ten seconds, whenever the sources changed";
        (toolchains.note)(note);
        componentize(folder, kept, &toolchain, toolchains)
    })
}

/// Looks for mistakes with the Python of the toolchain; returns what it said.
fn checked(
    folder: &Path,
    toolchain: &Path,
    toolchains: &Toolchains<'_>,
) -> Result<Vec<u8>, BuildError> {
    let path = [folder.join(sdk::FOLDER), folder.join(VENDOR)];
    let path = std::env::join_paths(&path).map_err(std::io::Error::other)?;
    let mut python = toolchains.command(install::python(toolchain), Stdio::null());
    // `-B`: no byte code beside the author's sources. `-s`: nothing that this person has installed.
    python.args(["-B", "-s", "-m", "ax._check"]).arg(folder).arg(MODULE);
    python.current_dir(folder.join(sdk::FOLDER)).env("PYTHONPATH", path).env_remove("PYTHONHOME");
    let output = install::run(&mut python)?;
    Ok(output.stderr)
}

/// Runs componentize-py.
fn componentize(
    folder: &Path,
    kept: &BuildFolder,
    toolchain: &Path,
    toolchains: &Toolchains<'_>,
) -> Result<(), BuildError> {
    // It would otherwise take along what is installed around it.
    let nothing = kept.file("nothing");
    fs::create_dir_all(nothing.join("lib/site-packages"))?;
    let mut tool = toolchains.command(toolchain.join("bin/componentize-py"), kept.as_input()?);
    tool.current_dir(folder).env("VIRTUAL_ENV", &nothing).env("RUST_BACKTRACE", "0");
    tool.arg("--quiet").arg("--wit-path").arg(kept.file(WIT));
    tool.args(["--world", "plugin", "componentize"]);
    // In this order: `ax._guest` knows them as /0, /1 and /2.
    for path in [Path::new("."), Path::new(sdk::FOLDER), Path::new(VENDOR)] {
        tool.arg("--python-path").arg(path);
    }
    tool.arg("--output").arg(kept.component()).arg(ENTRY);
    let output = install::run(&mut tool)?;
    if output.status.success() {
        return Ok(());
    }
    if let Some(report) = Report::among(&output.stderr) {
        return Err(told(report, toolchains));
    }
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        (toolchains.note)(line);
    }
    Err(BuildError::Failed { command: COMMAND.to_owned(), status: output.status })
}

/// Shows how a mistake came about, and makes an error of it.
fn told(report: Report, toolchains: &Toolchains<'_>) -> BuildError {
    for line in &report.traceback {
        (toolchains.note)(line);
    }
    let Report { place, message, help, .. } = report;
    let place = if place.is_empty() { format!("{MODULE}.py") } else { place };
    BuildError::Source { place, message, help }
}
