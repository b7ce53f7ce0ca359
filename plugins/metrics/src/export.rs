//! The plugin's face: WIT types in, WIT types out. Only in the component.
//!
//! Not here: any measuring (`report`).

use std::io::ErrorKind as IoErrorKind;
use std::path::Path;

use bindings::ax::log::log;
use bindings::ax::task::call;
use bindings::ax::types::types::Error;
use bindings::ax::types::types::ErrorKind;
use bindings::exports::ax::metrics::metrics as wit;

use crate::glob::Patterns;
use crate::report;
use crate::report::MeasureError;
use crate::scan::LineCount;
use crate::walk::Filter;
use crate::walk::WalkError;

/// What `wit-bindgen` writes for the world `plugin`.
mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Metrics;
    wit_bindgen::generate!({
        world: "ax:metrics/plugin",
        path: ["../../wit", "wit"],
        generate_all,
    });
    export!(Metrics with_types_in self);
}

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
/// Files between two progress reports: a report is a host call, and people see ten a second.
const FILES_PER_REPORT: usize = 64;

struct Metrics;

impl wit::Guest for Metrics {
    fn measure(request: wit::Request) -> Result<wit::Report, Error> {
        let folder = request.folder.as_deref().unwrap_or(".");
        check_folder(folder)?;
        let lines_min = request.duplicate_lines_min.unwrap_or(DUPLICATE_LINES_MIN);
        if !DUPLICATE_LINES.contains(&lines_min) {
            let message = format!("`duplicate-lines-min` is {lines_min}; it may be 2 to 100");
            return Err(error(ErrorKind::Invalid, message, "duplicate-lines-min"));
        }
        let filter = Filter {
            include: patterns(request.include, "include")?,
            exclude: patterns(request.exclude, "exclude")?,
        };
        if std::fs::read_dir(WORKSPACE).is_err() {
            let message = "the folder `workspace` is not granted to this plugin".to_owned();
            return Err(error(ErrorKind::Denied, message, PERMISSION));
        }
        let mut watch = |done: usize, all: usize| {
            if done.is_multiple_of(FILES_PER_REPORT) {
                call::progress(done as u64, Some(all as u64), "files measured");
                return !call::cancelled();
            }
            true
        };
        let root = Path::new(WORKSPACE).join(folder);
        let report = report::measure(&root, &filter, lines_min as usize, &mut watch)
            .map_err(|cause| refusal(&cause, folder))?;
        let fields = [
            ("files".to_owned(), report.totals.files.to_string()),
            ("lines".to_owned(), report.totals.lines.lines().to_string()),
            ("skipped".to_owned(), report.skipped_count.to_string()),
        ];
        log::write(log::Level::Info, "measured a tree", &fields);
        Ok(answer(report))
    }
}

fn check_folder(folder: &str) -> Result<(), Error> {
    let why = if folder.len() > FOLDER_BYTES_MAX {
        "it is longer than 4,096 bytes"
    } else if folder.starts_with('/') {
        "it is absolute; write it as seen from the folder `workspace`"
    } else if folder.split('/').any(|part| part == "..") {
        "it leaves the folder with `..`"
    } else {
        return Ok(());
    };
    Err(error(ErrorKind::Invalid, format!("`folder` is refused: {why}"), "folder"))
}

fn patterns(lines: Option<Vec<String>>, member: &str) -> Result<Patterns, Error> {
    let lines = lines.unwrap_or_default();
    if lines.len() > PATTERNS_MAX || lines.iter().any(|line| line.len() > PATTERN_BYTES_MAX) {
        let message = format!("`{member}` may have {PATTERNS_MAX} patterns of 1 KiB each");
        return Err(error(ErrorKind::Invalid, message, member));
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
            return error(kind, message, folder);
        }
        MeasureError::TooManyLines
        | MeasureError::Walk(WalkError::TooManyFiles | WalkError::TooDeep { .. }) => {
            ErrorKind::Exhausted
        }
    };
    error(kind, cause.to_string(), "")
}

fn error(kind: ErrorKind, message: String, code: &str) -> Error {
    Error { kind, message, code: code.to_owned(), retry_after_ms: None, data: None }
}

fn answer(report: report::Report) -> wit::Report {
    let languages = report.languages.into_iter().map(|(language, figures)| wit::LanguageReport {
        name: language.name().to_owned(),
        embedded: figures
            .embedded
            .iter()
            .map(|(name, lines)| wit::EmbeddedCount {
                name: (*name).to_owned(),
                lines: line_count(lines),
            })
            .collect(),
        tokei_uncounted: line_count(&figures.uncounted),
        complexity: figures.most_complex.as_ref().map(|(maximum, at)| wit::Complexity {
            mean: figures.complexity_mean_hundredths() as f64 / 100.0,
            maximum: *maximum,
            at: place(at.clone()),
        }),
        longest_function: figures.longest.map(|(lines, at)| wit::Longest { lines, at: place(at) }),
        count: count(&figures.count),
    });
    let skipped = report.skipped.into_iter();
    wit::Report {
        languages: languages.collect(),
        totals: count(&report.totals),
        skipped: skipped
            .map(|file| wit::SkippedFile { path: file.path, reason: file.reason })
            .collect(),
        skipped_count: report.skipped_count,
    }
}

fn count(count: &report::Count) -> wit::Count {
    wit::Count {
        files: count.files,
        lines: line_count(&count.lines),
        functions: count.functions,
        duplicated: count.duplicated,
    }
}

fn line_count(lines: &LineCount) -> wit::LineCount {
    wit::LineCount {
        lines: lines.lines(),
        code: lines.code,
        comment: lines.comment,
        blank: lines.blank,
    }
}

fn place(place: report::Place) -> wit::Place {
    wit::Place { path: place.path, line: place.line, name: place.name }
}
