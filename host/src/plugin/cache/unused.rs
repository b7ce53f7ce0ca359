//! Compiled code that nobody will map again, and what compilations that died left behind.
//!
//! Code of another engine is of no use to this one; an `ax` that still has it makes it again. A
//! process that runs code from a file keeps the file open, so taking its name away does no harm.
//!
//! Invariant: nothing whose name is not one of ours is listed. Not here: removing it (`app`).

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ax_manifest::Digest;
use fs_err as fs;

use super::{CacheError, FOLDER, RECORD_SUFFIX, UNFINISHED};

/// Compiled code that may go.
#[derive(Debug, Default)]
pub struct UnusedCode {
    /// Each file with its bytes: machine code and the records beside it.
    pub code: Vec<(PathBuf, u64)>,
    /// What compilations that died left behind.
    pub unfinished: Vec<(PathBuf, u64)>,
    /// How many files nobody needs and are too young to go.
    pub young: usize,
}

/// Which compiled code stays.
#[derive(Debug)]
pub struct CodeInUse<'a> {
    /// The engine of this program.
    pub engine: Digest,
    /// The components whose code stays; with none at all every component's does.
    pub components: Option<&'a BTreeSet<Digest>>,
    /// Whatever was changed at this time or since stays.
    pub since: SystemTime,
}

/// Lists what may go from the cache of a home folder. Changes nothing, and makes no cache.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn unused_code(home: &Path, in_use: &CodeInUse<'_>) -> Result<UnusedCode, CacheError> {
    let mut unused = UnusedCode::default();
    let listing = match fs::read_dir(home.join(FOLDER)) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(unused),
        Err(source) => return Err(CacheError { source }),
    };
    for entry in listing {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_unfinished = UNFINISHED.iter().any(|prefix| name.starts_with(prefix));
        if !is_unfinished && !is_unneeded(&name, in_use) {
            continue;
        }
        let found = match entry.metadata() {
            Ok(found) => found,
            // Finished, or removed by another process, meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(CacheError { source }),
        };
        let list = if is_unfinished { &mut unused.unfinished } else { &mut unused.code };
        match found.modified()? < in_use.since {
            true => list.push((entry.path(), found.len())),
            false => unused.young += 1,
        }
    }
    unused.code.sort();
    unused.unfinished.sort();
    Ok(unused)
}

/// Answers whether a name is that of code which is not in use.
fn is_unneeded(name: &str, in_use: &CodeInUse<'_>) -> bool {
    let name = name.strip_suffix(RECORD_SUFFIX).unwrap_or(name);
    let parts = name.strip_suffix(".cwasm").and_then(|stem| stem.split_once('-'));
    let Some((component, engine)) = parts else { return false };
    let Ok(component) = format!("sha256:{component}").parse::<Digest>() else { return false };
    engine != in_use.engine.short()
        || in_use.components.is_some_and(|kept| !kept.contains(&component))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::jail::file_name;
    use super::*;

    fn names(list: &[(PathBuf, u64)]) -> Vec<String> {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        list.iter().map(|(path, _)| name(path)).collect()
    }

    #[test]
    fn code_of_other_components_and_engines_is_listed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        let [kept, gone] = [b"kept", b"gone"].map(|bytes| Digest::of(bytes));
        let [here, other] = [b"here", b"more"].map(|bytes| Digest::of(bytes));
        let code = [file_name(&kept, &here), file_name(&kept, &other), file_name(&gone, &here)];
        let strangers = ["notes.txt", "x-y.cwasm", ".hidden", "engine.cwasm"];
        let left = [".compiling-abc", ".sum-abc"];
        for name in code.iter().map(String::as_str).chain(strangers).chain(left) {
            fs::write(folder.join(name), "12345").unwrap();
        }
        for name in &code {
            fs::write(folder.join(format!("{name}{RECORD_SUFFIX}")), "123").unwrap();
        }
        let components = BTreeSet::from([kept]);
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(100_000_000_000);
        let mut in_use = CodeInUse { engine: here, components: Some(&components), since: later };
        let unused = unused_code(home.path(), &in_use).unwrap();
        let mut expected: Vec<String> =
            code[1..].iter().flat_map(|n| [n.clone(), format!("{n}{RECORD_SUFFIX}")]).collect();
        expected.sort();
        assert_eq!(names(&unused.code), expected);
        assert_eq!(unused.code.iter().map(|(_, bytes)| bytes).sum::<u64>(), 16);
        assert_eq!(names(&unused.unfinished), left);
        assert_eq!(unused.young, 0);

        // Not knowing what is needed, only what this engine cannot use.
        in_use.components = None;
        let unused = unused_code(home.path(), &in_use).unwrap();
        assert_eq!(names(&unused.code), [code[1].clone(), format!("{}{RECORD_SUFFIX}", code[1])]);

        in_use.since = SystemTime::UNIX_EPOCH;
        let unused = unused_code(home.path(), &in_use).unwrap();
        assert_eq!((unused.code.len(), unused.unfinished.len(), unused.young), (0, 0, 4));
    }

    #[test]
    fn where_nothing_was_compiled_nothing_is_listed_or_made() {
        let home = tempfile::tempdir().unwrap();
        let since = SystemTime::UNIX_EPOCH;
        let in_use = CodeInUse { engine: Digest::of(b""), components: None, since };
        let unused = unused_code(home.path(), &in_use).unwrap();
        assert!(unused.code.is_empty() && unused.unfinished.is_empty());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
