//! The packages that a plugin depends on, `[project] dependencies` of `pyproject.toml`, put into the
//! project's `.ax/vendor`.
//!
//! Only packages of pure Python, by name from an index: no other code runs in the sandbox, and of theirs
//! none runs when it is installed. A path or an address would be built, which runs it.
//!
//! Invariant: what lies there is what pip has put there for this list, or it is installed anew; it may have
//! come with the project, or be half of it.

use std::path::Path;

use fs_err as fs;
use toml::Table;

use super::super::build::BuildError;
use super::super::{BuildFolder, toolchain};
use super::{GUEST, VENDOR, inputs, install};
use crate::folder::OpenFolder;

/// The file of the build folder that says what was asked for, and what came of it.
const NOTE: &str = "vendor";

/// Installs what is asked for, unless that was done.
pub(super) fn install(
    project: &OpenFolder,
    kept: &BuildFolder,
    made: &Path,
    note: &dyn Fn(&str),
) -> Result<(), BuildError> {
    let folder = project.path();
    let wanted = wanted(&fs::read_to_string(folder.join("pyproject.toml"))?)?;
    let held = fs::read_to_string(kept.file(NOTE)).unwrap_or_default();
    if !wanted.is_empty() && held == installed(folder, &wanted)? {
        return Ok(());
    }
    project.remove(Path::new(VENDOR))?;
    if wanted.is_empty() {
        return Ok(());
    }
    note(&format!("installing into {VENDOR}: {}", wanted.join(", ")));
    project.make(Path::new(VENDOR))?;
    let vendor = folder.join(VENDOR);
    let mut pip = toolchain::installer(install::python(made), kept.as_input()?);
    pip.args([install::ALONE, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.arg("--target");
    pip.arg(&vendor).args(["--only-binary", ":all:", "--implementation", "py", "--abi", "none"]);
    let (major, minor) = GUEST;
    pip.args(["--platform", "any", "--python-version", &format!("{major}.{minor}"), "--"]);
    pip.args(&wanted);
    // Nothing that lies here could be meant by a name.
    let nowhere = kept.file("nowhere");
    fs::create_dir_all(&nowhere)?;
    pip.current_dir(nowhere);
    toolchain::run(&mut pip, "pip", "").map_err(|error| match error {
        BuildError::Install { said, .. } => BuildError::Dependencies { said },
        other => other,
    })?;
    Ok(fs::write(kept.file(NOTE), installed(folder, &wanted)?)?)
}

/// Lists what is asked for and what lies there.
fn installed(folder: &Path, wanted: &[String]) -> std::io::Result<String> {
    Ok(format!("{}\n\n{}", wanted.join("\n"), inputs::below(folder, VENDOR)?.join("\n")))
}

/// Reads what a project depends on.
fn wanted(text: &str) -> Result<Vec<String>, BuildError> {
    let wrong = |message: String| BuildError::Source {
        place: "pyproject.toml".to_owned(),
        message,
        help: "write: [project] dependencies = [\"NAME==1.2.3\"]".to_owned(),
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        wrong(error.to_string().lines().last().unwrap_or_default().to_owned())
    })?;
    let Some(listed) = table.get("project").and_then(|project| project.get("dependencies")) else {
        return Ok(Vec::new());
    };
    let texts = listed.as_array().and_then(|all| {
        all.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    });
    let texts =
        texts.ok_or_else(|| wrong("`dependencies` of [project] is no list of texts".to_owned()))?;
    match texts.iter().find(|text| !is_named(text)) {
        Some(text) => Err(wrong(format!("`{text}` is no name of a package with its version"))),
        None => Ok(texts),
    }
}

/// Answers whether a requirement is a name, perhaps with extras and versions: no path, no address, no
/// option.
fn is_named(requirement: &str) -> bool {
    let plain = |it: char| it.is_ascii_alphanumeric() || "._-[],<>=!~*+ ".contains(it);
    let before_marker = requirement.split(';').next().unwrap_or_default();
    let is_file = [".whl", ".zip", ".gz", ".bz2", ".xz", ".tar", ".tgz"];
    requirement.starts_with(|it: char| it.is_ascii_alphanumeric())
        && before_marker.chars().all(plain)
        && !is_file.iter().any(|end| before_marker.trim_end().to_ascii_lowercase().ends_with(end))
        && !requirement.contains(['@', '/', '\\', '\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_a_list_of_texts() {
        let read = |text: &str| wanted(text).map_err(|error| error.to_string());
        assert_eq!(read("[project]\nname = \"x\"\n"), Ok(Vec::new()));
        assert_eq!(read("[project]\ndependencies = [\"a==1\"]\n"), Ok(vec!["a==1".to_owned()]));
        for text in ["[project]\ndependencies = 1\n", "[project]\ndependencies = [1]\n"] {
            assert!(read(text).unwrap_err().contains("no list of texts"), "{text}");
        }
        assert!(read("[project").is_err());
        for named in ["a", "a-b[c,d]>=1.2,<2", "a==1; python_version < '3.15'"] {
            assert!(read(&format!("[project]\ndependencies = [\"{named}\"]\n")).is_ok(), "{named}");
        }
        for other in
            ["./evil", "evil @ file:///evil", "-r x", "../a", "evil.whl", "https://x/y", "a\\b"]
        {
            let text = format!("[project]\ndependencies = ['{other}']\n");
            assert!(read(&text).unwrap_err().contains("is no name of a package"), "{other}");
        }
    }
}
