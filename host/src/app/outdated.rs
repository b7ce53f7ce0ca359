//! Tells that a component was built before its sources were saved last.
//!
//! Invariant: this is a guess from the times of files, and so a note and never a refusal.
//! Not here: which files are sources (`project`).

use std::path::Path;

use fs_err as fs;

use super::source;
use crate::project::{Snapshot, language_of};

/// Says that what was built in `folder` is older than one of its sources, if it is.
#[must_use]
pub fn outdated(folder: &Path) -> Option<String> {
    language_of(folder)?;
    let component = source::manifest_of(folder).ok()?.plugin.component;
    let built_at = fs::metadata(folder.join(&component)).ok()?.modified().ok()?;
    let files = Snapshot::of(folder, Path::new(&component)).ok()?;
    let saved = files.source_after(built_at)?;
    let saved = saved.strip_prefix(folder).unwrap_or(saved).display();
    Some(format!("`{component}` is older than `{saved}`"))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use super::*;

    const MANIFEST: &str = "[plugin]\nname = \"my:x\"\nversion = \"0.1.0\"\ndescription = \"X\"\n\
                            host = \"^0.2\"\ncomponent = \"lib/x.component\"\n";

    #[test]
    fn what_was_built_before_a_source_was_saved_is_told() {
        let project = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, at: u64| {
            let path = project.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
            File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
        };
        write("plugin.toml", MANIFEST, 9);
        write("src/lib.rs", "", 3);
        assert_eq!(outdated(project.path()), None, "it is no project of a known language");
        write("Cargo.toml", "", 1);
        assert_eq!(outdated(project.path()), None, "it was not built");
        write("lib/x.component", "", 3);
        assert_eq!(outdated(project.path()), None);
        write("src/lib.rs", "", 4);
        let told = outdated(project.path());
        assert_eq!(told.as_deref(), Some("`lib/x.component` is older than `src/lib.rs`"));
    }
}
