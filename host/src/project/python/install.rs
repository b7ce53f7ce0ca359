//! componentize-py, in an environment of its own.
//!
//! Invariant: nothing is installed into the author's Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fs_err as fs;

use super::super::build::BuildError;
use super::super::hold::Hold;
use super::super::toolchain::{self, Toolchain, installer};

/// What makes the components. The pins of everything that Python plugins are built with.
pub(super) const COMPONENTIZE_PY: Toolchain = Toolchain {
    name: "componentize-py",
    version: "0.25.1",
    pins: include_str!("../toolchains/componentize-py.txt"),
    size: "40 MB",
    install,
};

/// The oldest Python that the SDK can be read by.
const NEEDED: (u8, u8) = (3, 10);

/// Where Python comes from.
const GET: &str = "install Python 3.10 or later: apt install python3-venv, brew install python, or \
                   https://www.python.org/downloads/";

/// Where its part comes from that some systems leave out.
const GET_VENV: &str = "apt install python3-venv";

/// What a Python is asked: its version, and whether it can make environments.
///
/// In words that any Python reads, or the oldest would only fail.
const ASK: &str = "import sys; v = sys.version_info; m = 'True'
try: import ensurepip, venv
except ImportError: m = 'False'
sys.stdout.write('%d %d %d %s' % (v[0], v[1], v[2], m))";

/// Lets Python see neither the current folder nor its variables: what lies in a project is no part of
/// a toolchain that all projects share.
pub(super) const ALONE: &str = "-I";

/// The Python of an installation.
pub(super) fn python(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

/// Runs a program of the toolchain to its end.
pub(super) fn run(program: &mut Command) -> Result<Output, BuildError> {
    let missing = |source| BuildError::Program { program: "python3", install: GET, source };
    program.output().map_err(missing)
}

fn install(folder: &Path, hold: &Hold) -> Result<(), BuildError> {
    let asked = run(installer("python3", Stdio::null()).args([ALONE, "-c", ASK]))?;
    fitting(&String::from_utf8_lossy(&asked.stdout))?;
    let mut venv = installer("python3", hold.as_input()?);
    toolchain::run(venv.args([ALONE, "-m", "venv"]).arg(folder), "python3", GET)?;
    let mut pip = installer(python(folder), hold.as_input()?);
    pip.args([ALONE, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    // What is downloaded is what these digests name, and nothing of it runs when it is installed.
    let pins = folder.join("requirements.txt");
    fs::write(&pins, COMPONENTIZE_PY.pins)?;
    pip.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]).arg(pins);
    toolchain::run(&mut pip, "pip", GET)
}

/// Judges what a Python says of itself, as `3 11 7 True`.
fn fitting(said: &str) -> Result<(), BuildError> {
    let words: Vec<&str> = said.split_whitespace().collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u8>().ok());
    let version = number(0).zip(number(1)).unwrap_or_default();
    if version < NEEDED {
        return Err(BuildError::TooOld {
            program: "python3",
            found: words.iter().take(3).copied().collect::<Vec<_>>().join("."),
            needed: format!("{}.{}", NEEDED.0, NEEDED.1),
            install: GET,
        });
    }
    match words.last() {
        Some(&"True") => Ok(()),
        _ => Err(BuildError::Part { program: "python3", part: "module `venv`", install: GET_VENV }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_pinned() {
        let pinned = format!("componentize-py=={} ", COMPONENTIZE_PY.version);
        assert!(COMPONENTIZE_PY.pins.starts_with(&pinned), "{}", COMPONENTIZE_PY.pins);
    }

    #[test]
    fn a_python_that_does_not_do_is_told_what_is_missing() {
        let told = |said: &str| fitting(said).map_err(|error| error.to_string());
        assert_eq!(told("3 11 7 True\n"), Ok(()));
        let refused = [
            ("3 9 2 True\n", "`python3` is 3.9.2, and 3.10 or later is needed"),
            ("2 7 18 False\n", "`python3` is 2.7.18, and 3.10 or later is needed"),
            ("3 11 2 False\n", "`python3` has no module `venv`"),
        ];
        for (said, wanted) in refused {
            assert_eq!(told(said), Err(wanted.to_owned()));
        }
    }
}
