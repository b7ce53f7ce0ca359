//! The SDK that this program carries, written into projects.

use std::path::Path;

use fs_err as fs;

/// Every file of `sdk/` that a project needs; a test compares with the folder.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../sdk/Cargo.toml")),
    ("macros/Cargo.toml", include_str!("../../../sdk/macros/Cargo.toml")),
    ("macros/src/data.rs", include_str!("../../../sdk/macros/src/data.rs")),
    ("macros/src/lib.rs", include_str!("../../../sdk/macros/src/lib.rs")),
    ("macros/src/options.rs", include_str!("../../../sdk/macros/src/options.rs")),
    ("macros/src/tool.rs", include_str!("../../../sdk/macros/src/tool.rs")),
    ("src/answer.rs", include_str!("../../../sdk/src/answer.rs")),
    ("src/bindings.rs", include_str!("../../../sdk/src/bindings.rs")),
    ("src/bindings/imports.rs", include_str!("../../../sdk/src/bindings/imports.rs")),
    ("src/bindings/lifecycle.rs", include_str!("../../../sdk/src/bindings/lifecycle.rs")),
    ("src/bindings/tools.rs", include_str!("../../../sdk/src/bindings/tools.rs")),
    ("src/call.rs", include_str!("../../../sdk/src/call.rs")),
    ("src/config.rs", include_str!("../../../sdk/src/config.rs")),
    ("src/error.rs", include_str!("../../../sdk/src/error.rs")),
    ("src/fake.rs", include_str!("../../../sdk/src/fake.rs")),
    ("src/guest.rs", include_str!("../../../sdk/src/guest.rs")),
    ("src/http.rs", include_str!("../../../sdk/src/http.rs")),
    ("src/kv.rs", include_str!("../../../sdk/src/kv.rs")),
    ("src/lib.rs", include_str!("../../../sdk/src/lib.rs")),
    ("src/log.rs", include_str!("../../../sdk/src/log.rs")),
    ("src/schema.rs", include_str!("../../../sdk/src/schema.rs")),
    ("src/secrets.rs", include_str!("../../../sdk/src/secrets.rs")),
    ("src/task.rs", include_str!("../../../sdk/src/task.rs")),
    ("src/tool.rs", include_str!("../../../sdk/src/tool.rs")),
];

/// Where it lies in a project.
const FOLDER: &str = ".ax/sdk";

/// Writes the SDK into a project. What is there and as it should be is left, so that nothing is
/// compiled again for it.
///
/// # Errors
///
/// What the operating system says.
pub(super) fn write(project: &Path) -> std::io::Result<()> {
    for (name, text) in FILES {
        let path = project.join(FOLDER).join(name);
        if fs::read_to_string(&path).is_ok_and(|held| held == *text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            match entry.file_type().unwrap().is_dir() {
                true => files(&entry.path(), &format!("{name}/"), found),
                false => drop(found.insert(name)),
            }
        }
    }

    #[test]
    fn every_file_of_the_sdk_is_carried() {
        let mut found = BTreeSet::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk"), "", &mut found);
        // What the bindings are generated from and the SDK's own tests are of no use to authors.
        found.retain(|name| name != "worlds.wit" && !name.starts_with("tests/"));
        let carried: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(carried, found);
    }

    #[test]
    fn what_is_as_it_should_be_is_not_touched() {
        let project = tempfile::tempdir().unwrap();
        write(project.path()).unwrap();
        let path = project.path().join(FOLDER).join("src/lib.rs");
        let times = || fs::metadata(&path).unwrap().modified().unwrap();
        let before = times();
        write(project.path()).unwrap();
        assert_eq!(times(), before);
        fs::write(&path, "changed").unwrap();
        write(project.path()).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), "changed");
    }
}
