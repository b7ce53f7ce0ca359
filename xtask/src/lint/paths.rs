//! Finds paths of a developer's machine in files that others get.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;

use crate::checkout::Checkout;
use crate::process;

/// Files that name packages and digests, where such text is no path.
const SKIPPED: &[&str] = &["Cargo.lock"];

/// Lists places (`file:line: text`) that name this checkout or a home folder; `None` when git is
/// not there to say which files count.
pub(super) fn machine_paths(checkout: &Checkout) -> Result<Option<Vec<String>>> {
    let mut git = Command::new("git");
    git.current_dir(checkout.root());
    // Files that are about to be added count too.
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = match process::capture(&mut git) {
        Ok(listed) if listed.status.success() => listed.text,
        Ok(_) | Err(_) => return Ok(None),
    };
    let needles = needles(checkout.root());
    let mut found = Vec::new();
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        let path = checkout.root().join(name);
        let is_skipped = path.file_name().is_some_and(|file| SKIPPED.iter().any(|it| file == *it));
        if is_skipped || !path.is_file() {
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("cannot read `{name}`"))?;
        found.extend(search(name, &String::from_utf8_lossy(&bytes), &needles));
    }
    Ok(Some(found))
}

/// The texts to look for. A checkout in a folder such as `/src` says nothing about its machine.
fn needles(root: &Path) -> Vec<String> {
    // In two parts, or this file would be found.
    let mut needles = vec![["/ro", "ot/"].concat()];
    if root.components().count() > 2 {
        needles.push(root.display().to_string());
    }
    let home = env::var("HOME").unwrap_or_default();
    if Path::new(&home).components().count() > 2 {
        needles.push(format!("{home}/"));
    }
    needles
}

fn search(name: &str, text: &str, needles: &[String]) -> Vec<String> {
    let lines = text.lines().enumerate();
    let hits = lines.filter(|(_, line)| needles.iter().any(|needle| line.contains(needle)));
    hits.map(|(index, line)| format!("{name}:{}: {}", index + 1, line.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machines_path_is_found_with_file_and_line() {
        let needles = needles(Path::new("/srv/ada/ax"));
        let text = format!("fine\n  see {}{} here\n/srv/ada/ax/plugins\n", "/ro", "ot/ax");
        let found = search("docs/a.md", &text, &needles);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("docs/a.md:2: see "));
        assert!(found[1].starts_with("docs/a.md:3: "));
    }

    #[test]
    fn a_checkout_at_the_top_is_not_looked_for() {
        assert!(!needles(Path::new("/ax")).iter().any(|needle| needle == "/ax"));
    }
}
