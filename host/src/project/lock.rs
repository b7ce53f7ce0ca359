//! The `Cargo.lock` of a new project: the versions that this program's own workspace has.
//!
//! With a lock file cargo asks nobody which versions there are, so a project builds offline as soon as
//! its crates were fetched once.
//!
//! To make the template anew when the SDK's dependencies change: make a project, let cargo mend its
//! lock file, take the project's own package out.

/// What cargo makes for the SDK and `ax-sdk-test`, without the package that uses them.
const TEMPLATE: &str = include_str!("templates/rust/Cargo.lock.txt");

/// What stands before each package.
const MARK: &str = "[[package]]\n";

/// Makes the lock file of a package that depends on the SDK, as cargo itself would write it.
pub(super) fn for_project(package: &str) -> String {
    let mut parts = TEMPLATE.split(MARK);
    let head = parts.next().unwrap_or_default();
    let own = format!(
        "name = \"{package}\"\nversion = \"0.1.0\"\ndependencies = [\n \"ax-sdk\",\n \"ax-sdk-test\",\n]\n"
    );
    let mut packages: Vec<&str> = parts.map(str::trim_end).chain([own.trim_end()]).collect();
    packages.sort_by_key(|text| name_of(text));
    let packages: Vec<String> = packages.iter().map(|text| format!("{MARK}{text}\n")).collect();
    format!("{head}{}", packages.join("\n"))
}

/// Answers whether a package that every project uses has this name, so that cargo could not tell them
/// apart.
pub(super) fn holds(package: &str) -> bool {
    TEMPLATE.split(MARK).skip(1).any(|text| name_of(text) == package)
}

/// Reads a package's name; packages of one name stay in their order.
fn name_of(package: &str) -> &str {
    package.split('"').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use toml::{Table, Value};

    use super::*;

    /// The lock file of this workspace.
    const OURS: &str = include_str!("../../../Cargo.lock");

    fn packages(lock: &str) -> Vec<Table> {
        let lock: Table = lock.parse().unwrap();
        lock["package"].as_array().unwrap().iter().filter_map(Value::as_table).cloned().collect()
    }

    fn identity(package: &Table) -> (String, String) {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        (text("name"), text("version"))
    }

    #[test]
    fn a_project_has_the_versions_of_this_workspace_and_nothing_of_the_host() {
        let ours: BTreeSet<_> = packages(OURS).iter().map(identity).collect();
        let held: BTreeSet<_> = packages(&for_project("hello")).iter().map(identity).collect();
        let own = ("hello".to_owned(), "0.1.0".to_owned());
        let strangers: Vec<_> = held.difference(&ours).filter(|it| **it != own).collect();
        assert_eq!(strangers, Vec::<&(String, String)>::new());
        assert!(held.contains(&own) && held.iter().any(|(name, _)| name == "ax-sdk-test"));
        assert!(!held.iter().any(|(name, _)| name == "wasmtime" || name == "ax-host"));
    }

    #[test]
    fn no_project_is_called_like_a_package_that_it_uses() {
        use super::super::template::{Kind, Language, NewPlugin};
        for name in ["ax-sdk", "serde", "fn", "std", "hello"] {
            let name = format!("my:{name}").parse().unwrap();
            let new = NewPlugin { name, language: Language::Rust, kind: Kind::Tools };
            let files = new.files();
            let lock = files.iter().find(|(path, _)| path.ends_with("Cargo.lock")).unwrap();
            let names: Vec<_> = packages(&lock.1).iter().map(identity).collect();
            let own = names.iter().filter(|(name, _)| {
                name == &format!("my-{}", new.name.name()) || name == new.name.name()
            });
            let wanted = if holds(new.name.name()) { 2 } else { 1 };
            assert_eq!(own.count(), wanted, "{}", new.name);
            assert!(!names.iter().any(|(name, _)| name == "fn" || name == "std"));
        }
    }

    #[test]
    fn packages_are_sorted_wherever_the_project_stands() {
        for name in ["aardvark", "hello", "zebra"] {
            let names: Vec<_> = packages(&for_project(name)).iter().map(identity).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
    }
}
