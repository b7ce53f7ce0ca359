//! The tool: what may be asked, and what goes wrong in words that a caller can act on.
//!
//! Not here: any measuring (`report`).

use std::io::ErrorKind as IoErrorKind;
use std::path::Path;

use ax_sdk::log::{self, Level};
use ax_sdk::prelude::*;
use ax_sdk::task;

use crate::glob::Patterns;
use crate::report::{self, MeasureError, Report};
use crate::single::{self, FileCounts};
use crate::walk::{Filter, WalkError};

/// Where the host mounts the granted folder `workspace`.
const WORKSPACE: &str = "/workspace";
/// The permission it takes, for `error.code`.
const PERMISSION: &str = "fs:workspace:read";
/// Lines that must repeat before they count as duplicated, unless the request says otherwise.
const DUPLICATE_LINES_MIN: u32 = 6;
/// What `duplicate-lines-min` may be: one line is no run, and each comparison looks at that many.
const DUPLICATE_LINES: std::ops::RangeInclusive<u32> = 2..=100;
/// Longest `folder`, in bytes: the longest path that common systems take.
const FOLDER_BYTES_MAX: usize = 4096;
/// Most patterns in one list: each is tried on each path.
const PATTERNS_MAX: usize = 256;
/// Longest pattern, in bytes: matching takes pattern × path steps.
const PATTERN_BYTES_MAX: usize = 1024;
/// Most files of one count: their figures take at most half of the bytes an answer may have.
const FILES_MAX: usize = 500;
/// Files between two progress reports: a report is a host call, and people see ten a second.
const FILES_PER_REPORT: usize = 64;

/// Measures the source code below a folder of the workspace, per language: files, lines of code,
/// comment and blank, functions, the longest function, cyclomatic complexity (mean and maximum) and
/// duplicated lines. Reads only. Hidden files and what .gitignore excludes are left out.
#[tool(title = "Measure source code", read_only, idempotent)]
pub fn measure(
    /// Path below the granted folder `workspace`, with `/` between names, at most 4,096 bytes; all of
    /// it when absent. `..` and absolute paths are refused.
    folder: Option<String>,
    /// Only files whose path below `folder` matches one of these globs, in `.gitignore` syntax: at
    /// most 256 of at most 1 KiB. All files when absent or empty.
    include: Option<Vec<String>>,
    /// Not the files and folders whose path matches one of these, as `include`; they win over it.
    exclude: Option<Vec<String>>,
    /// Lines, normalised, that must repeat before they count as duplicated: 2 to 100; 6 when absent.
    #[serde(rename = "duplicate-lines-min")]
    duplicate_lines_min: Option<u32>,
) -> Result<Json<Report>> {
    let folder = folder.as_deref().unwrap_or(".");
    check_folder(folder)?;
    let lines_min = duplicate_lines_min.unwrap_or(DUPLICATE_LINES_MIN);
    if !DUPLICATE_LINES.contains(&lines_min) {
        let message = format!("`duplicate-lines-min` is {lines_min}; it may be 2 to 100");
        return Err(Error::invalid("duplicate-lines-min", message));
    }
    let filter =
        Filter { include: patterns(include, "include")?, exclude: patterns(exclude, "exclude")? };
    if std::fs::read_dir(WORKSPACE).is_err() {
        let message = "the folder `workspace` is not granted to this plugin";
        return Err(Error::new(ErrorKind::Denied, message).code(PERMISSION));
    }
    let mut watch = |done: usize, all: usize| {
        if done.is_multiple_of(FILES_PER_REPORT) {
            task::progress(done as u64, Some(all as u64), "files measured");
            return !task::cancelled();
        }
        true
    };
    let root = Path::new(WORKSPACE).join(folder);
    let report = report::measure(&root, &filter, lines_min as usize, &mut watch)
        .map_err(|cause| refusal(&cause, folder))?;
    let fields = [
        ("files", &*report.totals.files.to_string()),
        ("lines", &*report.totals.lines.lines.to_string()),
        ("skipped", &*report.skipped_count.to_string()),
    ];
    log::write(Level::Info, "measured a tree", &fields);
    Ok(Json(report))
}

/// Measures single files of the workspace, each by itself: lines of code, comment and blank, functions
/// and cyclomatic complexity. Reads only. For the sums of a whole tree there is `measure`.
#[tool(title = "Count the lines of files", read_only, idempotent)]
pub fn count(
    /// Paths below the granted folder `workspace`, with `/` between names: 1 to 500. `..` and absolute
    /// paths are refused.
    paths: Vec<String>,
) -> Result<Json<FileCounts>> {
    if !(1..=FILES_MAX).contains(&paths.len()) {
        let message = format!("`paths` has {} paths; it may have 1 to {FILES_MAX}", paths.len());
        return Err(Error::invalid("paths", message));
    }
    for path in &paths {
        check_folder(path).map_err(|error| {
            let why = error.message.trim_start_matches("`folder` is refused: ");
            Error::invalid("paths", format!("a path is refused: {why}"))
        })?;
    }
    if std::fs::read_dir(WORKSPACE).is_err() {
        let message = "the folder `workspace` is not granted to this plugin";
        return Err(Error::new(ErrorKind::Denied, message).code(PERMISSION));
    }
    let mut watch = |done: usize| !done.is_multiple_of(FILES_PER_REPORT) || !task::cancelled();
    let counts = single::count(Path::new(WORKSPACE), &paths, &mut watch);
    counts.map(Json).ok_or_else(|| Error::new(ErrorKind::Cancelled, "stopped before its end"))
}

fn check_folder(folder: &str) -> Result<()> {
    let why = if folder.len() > FOLDER_BYTES_MAX {
        "it is longer than 4,096 bytes"
    } else if folder.starts_with('/') {
        "it is absolute; write it as seen from the folder `workspace`"
    } else if folder.split('/').any(|part| part == "..") {
        "it leaves the folder with `..`"
    } else {
        return Ok(());
    };
    Err(Error::invalid("folder", format!("`folder` is refused: {why}")))
}

fn patterns(lines: Option<Vec<String>>, member: &str) -> Result<Patterns> {
    let lines = lines.unwrap_or_default();
    if lines.len() > PATTERNS_MAX || lines.iter().any(|line| line.len() > PATTERN_BYTES_MAX) {
        let message = format!("`{member}` may have {PATTERNS_MAX} patterns of 1 KiB each");
        return Err(Error::invalid(member, message));
    }
    Ok(Patterns::parse(lines.iter().map(String::as_str)))
}

fn refusal(cause: &MeasureError, folder: &str) -> Error {
    let kind = match cause {
        MeasureError::Cancelled { .. } => ErrorKind::Cancelled,
        MeasureError::Walk(WalkError::Root { source, .. }) => {
            let kind = match source.kind() {
                IoErrorKind::NotFound | IoErrorKind::NotADirectory => ErrorKind::NotFound,
                _ => ErrorKind::Failed,
            };
            let message = format!("cannot open the folder `{folder}` of `workspace`: {source}");
            return Error::new(kind, message).code(folder);
        }
        MeasureError::TooManyLines
        | MeasureError::Walk(WalkError::TooManyFiles | WalkError::TooDeep { .. }) => {
            ErrorKind::Exhausted
        }
    };
    Error::new(kind, cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_asked_is_refused_with_its_member() {
        let many = || Some(vec!["*.rs".to_owned(); PATTERNS_MAX + 1]);
        let long = || Some(vec!["a".repeat(PATTERN_BYTES_MAX + 1)]);
        for (refused, member) in [
            (measure(Some("/etc".to_owned()), None, None, None), "folder"),
            (measure(Some("a/../..".to_owned()), None, None, None), "folder"),
            (measure(Some("a".repeat(FOLDER_BYTES_MAX + 1)), None, None, None), "folder"),
            (measure(None, many(), None, None), "include"),
            (measure(None, None, long(), None), "exclude"),
            (measure(None, None, None, Some(1)), "duplicate-lines-min"),
            (measure(None, None, None, Some(101)), "duplicate-lines-min"),
        ] {
            let error = refused.expect_err(member);
            assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, member));
        }
    }

    #[test]
    fn files_are_counted_so_many_at_once_and_below_the_workspace() {
        let many = |count| vec!["a.rs".to_owned(); count];
        for refused in
            [many(0), many(FILES_MAX + 1), vec!["../a".to_owned()], vec!["/a".to_owned()]]
        {
            let error = super::count(refused).expect_err("it is refused");
            assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, "paths"));
        }
        let error = super::count(many(FILES_MAX)).expect_err("there is no /workspace here");
        assert_eq!(error.code, PERMISSION);
    }

    #[test]
    fn a_folder_that_is_not_granted_is_denied_with_its_permission() {
        let error = measure(None, None, None, None).expect_err("there is no /workspace here");
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, PERMISSION));
    }
}
