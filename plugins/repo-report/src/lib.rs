//! Reads a repository through the tools of other plugins and writes a report of it; asks no model.
//!
//! ```text
//! ax:files.list ──→ ax:metrics.count, in batches side by side ──→ ax:files.search ──→ report
//!                                                                          ax:files.write, if it is asked to
//! ```
//!
//! The steps are here, the figures in `figures`, the words in `report`. Given the same answers of the
//! tools the report is the same, so a run that was interrupted ends as if it had not been.

pub mod figures;
pub mod report;

use ax_sdk::prelude::*;
use ax_sdk::{task, tools};
use serde::Deserialize;
use serde_json::json;

use figures::{Counted, Figures};

/// Files that are listed at most: what one call of `ax:files.list` gives.
const FILES_MAX: usize = 5_000;
/// Files of one call of `ax:metrics.count`. All of them take 25 calls; a task may make 50.
const BATCH: usize = 200;
/// Calls side by side: a batch takes the sandbox of one guest.
const AT_ONCE: usize = 4;
/// Lines of work left to do that are listed.
const LEFT_MAX: usize = 50;
/// Words that mark work left to do.
const MARKS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// What is read.
#[derive(Deserialize)]
pub struct Listing {
    /// The files.
    pub files: Vec<Listed>,
    /// How many there are in all.
    pub total: u64,
}

/// One file.
#[derive(Deserialize)]
pub struct Listed {
    /// Its path.
    pub path: String,
    /// Its length.
    pub bytes: u64,
}

/// Lines that were found.
#[derive(Deserialize)]
pub struct Matches {
    /// Them.
    pub matches: Vec<Match>,
    /// Whether there are more.
    pub truncated: bool,
}

/// One line.
#[derive(Deserialize)]
pub struct Match {
    /// Its file.
    pub path: String,
    /// Its number.
    pub line: u32,
    /// Its text.
    pub text: String,
}

/// What came of it.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The report, in Markdown.
    pub report: String,
    /// Files that were looked at.
    pub files: u64,
    /// Lines of those that could be measured.
    pub lines: u64,
    /// Lines of code among these.
    pub code: u64,
    /// Lines that mark work left to do, as far as they are listed.
    pub left: u64,
    /// Where it was written below the folder `out`, if it was to be.
    pub written: Option<String>,
}

/// Reads a repository and writes a report of it in Markdown: languages, files, lines, complexity, the largest
/// files, and what is marked as left to do.
#[agent]
pub fn repo_report(
    /// What to say about it first.
    goal: String,
    /// Folder below the workspace; all of it when absent.
    path: Option<String>,
    /// File below the folder `out` that the report is written into; none when absent.
    out: Option<String>,
) -> Result<Json<Outcome>> {
    let folder = path.unwrap_or_default();
    let folder = folder.trim_end_matches('/');
    task::emit("listing the files");
    let input = json!({ "path": folder, "limit": FILES_MAX });
    let listing: Listing = tools::call("ax:files.list", &input)?;
    let mut figures = Figures::new(&listing);
    measure(folder, &listing, &mut figures)?;
    task::emit("looking for what is left to do");
    let input = json!({ "path": folder, "words": MARKS, "limit": LEFT_MAX });
    let mut left: Matches = tools::call("ax:files.search", &input)?;
    for it in &mut left.matches {
        it.path = below(folder, &it.path);
    }
    let report = report::write(&goal, folder, &figures, &left);
    if let Some(out) = &out {
        let input = json!({ "path": out, "text": report });
        tools::call::<serde_json::Value>("ax:files.write", &input)?;
    }
    Ok(Json(Outcome {
        files: listing.files.len() as u64,
        lines: figures.lines(),
        code: figures.code(),
        left: left.matches.len() as u64,
        written: out,
        report,
    }))
}

/// Says where a path below a folder is, seen from the workspace.
fn below(folder: &str, path: &str) -> String {
    match folder {
        "" => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

/// Measures the files, several batches at once.
fn measure(folder: &str, listing: &Listing, figures: &mut Figures) -> Result<()> {
    let paths: Vec<String> = listing.files.iter().map(|file| below(folder, &file.path)).collect();
    let mut done = 0;
    for some in paths.chunks(BATCH * AT_ONCE) {
        let calls = some.chunks(BATCH).map(|paths| ("ax:metrics.count", json!({ "paths": paths })));
        for counted in tools::call_all::<Counted, _>(calls)? {
            figures.add(counted?);
        }
        done += some.len();
        task::set("measured", &json!({ "files": done, "of": paths.len() }))?;
        task::emit(&format!("measured {done} of {} files", paths.len()));
    }
    Ok(())
}

ax_sdk::agents!(agents: [repo_report]);

#[cfg(test)]
mod tests {
    use super::*;
    use ax_sdk::fake;
    use serde_json::Value;

    /// Plays the tools for a repository of so many files.
    fn repository(files: usize) {
        fake::reset();
        fake::tool("ax:files.list", move |input| {
            assert_eq!(input["limit"], FILES_MAX);
            let file = |n| json!({ "path": format!("src/f{n}.rs"), "bytes": 10 * n });
            let all: Vec<Value> = (0..files).map(file).collect();
            Ok(json!({ "files": all, "total": files, "truncated": false }))
        });
        fake::tool("ax:metrics.count", |input| {
            let paths = input["paths"].as_array().expect("paths");
            assert!((1..=BATCH).contains(&paths.len()));
            let file = |path: &Value| {
                json!({
                    "path": path, "language": "Rust", "functions": 2, "complexity": 5,
                    "complexity-maximum": 4,
                    "most-complex": { "path": path, "line": 3, "name": "f" },
                    "lines": { "lines": 10, "code": 7, "comment": 2, "blank": 1 },
                })
            };
            let files: Vec<Value> = paths.iter().map(file).collect();
            Ok(json!({ "files": files, "skipped": [] }))
        });
        fake::tool("ax:files.search", |_| {
            let one = json!({ "path": "src/f1.rs", "line": 4, "text": "// TODO: mend | this" });
            Ok(json!({ "matches": [one], "truncated": true }))
        });
    }

    #[test]
    fn a_repository_is_listed_measured_and_told_of() {
        repository(2);
        let Json(outcome) = repo_report("For the board.".to_owned(), Some("a/".to_owned()), None)
            .expect("a report");
        assert_eq!((outcome.files, outcome.lines, outcome.code, outcome.left), (2, 20, 14, 1));
        assert_eq!(fake::emitted().len(), 3);
        insta::assert_snapshot!(outcome.report, @r"
        # Report on `a`

        For the board.

        2 files, 10 bytes. 2 were measured: 20 lines, 14 of them code.

        ## Languages

        | Language | Files | Lines | Code | Comment | Blank | Functions | Mean complexity |
        |---|---:|---:|---:|---:|---:|---:|---:|
        | Rust | 2 | 20 | 14 | 4 | 2 | 4 | 2.5 |

        ## Largest files

        | File | Lines |
        |---|---:|
        | `a/src/f0.rs` | 10 |
        | `a/src/f1.rs` | 10 |

        ## Most complex functions

        | Function | Complexity | Where |
        |---|---:|---|
        | `f` | 4 | `a/src/f0.rs:3` |
        | `f` | 4 | `a/src/f1.rs:3` |

        ## Left to do

        At least 1 line says so.

        - `a/src/f1.rs:4` `// TODO: mend | this`
        ");
    }

    #[test]
    fn many_files_take_few_calls_and_the_report_is_written_where_it_is_asked_for() {
        repository(FILES_MAX);
        fake::tool("ax:files.write", |input| {
            assert!(input["text"].as_str().is_some_and(|text| text.starts_with("# Report")));
            Ok(json!({ "path": input["path"], "bytes": 1 }))
        });
        let out = Some("report.md".to_owned());
        let Json(outcome) = repo_report(String::new(), None, out.clone()).expect("a report");
        assert_eq!((outcome.files, outcome.written), (FILES_MAX as u64, out));
        assert_eq!(task::get::<Value>("measured").expect("JSON").expect("set")["files"], FILES_MAX);
        // Listing, searching and writing come on top.
        assert!(FILES_MAX.div_ceil(BATCH) + 3 <= 50);
    }

    #[test]
    fn what_a_tool_says_ends_it() {
        fake::reset();
        let error = repo_report(String::new(), None, None).expect_err("there are no tools");
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
}
