//! Measures a tree: one file at a time, sums by language.
//!
//! Not here: the WIT types of the answer (`export`).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::duplicate::LINES_MAX;
use crate::duplicate::Lines;
use crate::function::Function;
use crate::function::functions;
use crate::language::Language;
use crate::scan::Kind;
use crate::scan::LineCount;
use crate::scan::Scan;
use crate::scan::scan;
use crate::syntax::syntax_of;
use crate::token::Dialect;
use crate::walk::Filter;
use crate::walk::Found;
use crate::walk::WalkError;
use crate::walk::walk;

/// Largest file that is read, in bytes: larger ones are data or generated, and the guest has 64 MiB.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most skipped files that are listed; the others are counted.
pub const SKIPPED_MAX: usize = 100;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path below the root.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// Name of the function.
    pub name: String,
}

/// What one language, or all of them together, amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// Files.
    pub files: u32,
    /// Their lines, embedded languages included.
    pub lines: LineCount,
    /// Functions with a body.
    pub functions: u32,
    /// Lines in repeated runs.
    pub duplicated: u64,
}

/// The figures of one language.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LanguageReport {
    /// The sums.
    pub count: Count,
    /// Lines in other languages, by their name.
    pub embedded: BTreeMap<&'static str, LineCount>,
    /// The part of `count.lines` that tokei 15 loses.
    pub uncounted: LineCount,
    /// The longest function: lines, where. The first by path and line among equals.
    pub longest: Option<(u32, Place)>,
    /// The function with the most branches: complexity, where. The first among equals.
    pub most_complex: Option<(u32, Place)>,
    /// Complexity of all functions together.
    pub complexity_sum: u64,
}

impl LanguageReport {
    /// Complexity of the mean function, in hundredths, rounded to the nearest; 0 without functions.
    pub fn complexity_mean_hundredths(&self) -> u64 {
        let functions = u64::from(self.count.functions);
        (self.complexity_sum * 100 + functions / 2).checked_div(functions).unwrap_or(0)
    }

    /// Adds the lines of one file.
    fn add_lines(&mut self, scan: &Scan) {
        self.count.files += 1;
        self.count.lines.add(&scan.total);
        self.uncounted.add(&scan.uncounted);
        for (name, lines) in &scan.embedded {
            self.embedded.entry(name).or_default().add(lines);
        }
    }

    /// Adds a function of the file at `path`. Files come in the order of their paths.
    fn add_function(&mut self, path: &str, function: Function) {
        self.count.functions += 1;
        self.complexity_sum += u64::from(function.complexity);
        let (lines, complexity) = (function.lines(), function.complexity);
        let place = Place { path: path.to_owned(), line: function.line, name: function.name };
        if is_more(lines, &place, self.longest.as_ref()) {
            self.longest = Some((lines, place.clone()));
        }
        if is_more(complexity, &place, self.most_complex.as_ref()) {
            self.most_complex = Some((complexity, place));
        }
    }
}

/// Whether a figure takes the place of the largest so far: it is larger, or as large and in the same
/// file on an earlier line, since functions come in the order in which they end.
fn is_more(figure: u32, place: &Place, largest: Option<&(u32, Place)>) -> bool {
    largest.is_none_or(|(most, at)| {
        figure > *most || (figure == *most && place.path == at.path && place.line < at.line)
    })
}

/// A file that was not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Path below the root.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// By language.
    pub languages: BTreeMap<Language, LanguageReport>,
    /// The sums.
    pub totals: Count,
    /// The first [`SKIPPED_MAX`] files that were not measured.
    pub skipped: Vec<Skipped>,
    /// How many there were.
    pub skipped_count: u32,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The tree cannot be walked.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// More than [`LINES_MAX`].
    #[error("the tree has more than {LINES_MAX} lines of code; measure its folders one by one")]
    TooManyLines,
    /// The caller asked to stop.
    #[error("stopped after {files} files")]
    Cancelled {
        /// Files measured before.
        files: usize,
    },
}

/// Measures the tree at `root`. `duplicate_lines` is the length of the shortest run of lines that
/// counts as repeated, at least 1. `watch` is called with the files done and the files in all, and
/// answers whether to go on.
///
/// # Errors
///
/// [`MeasureError`]. A file that cannot be read is listed as skipped.
pub fn measure(
    root: &Path,
    filter: &Filter,
    duplicate_lines: usize,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Report, MeasureError> {
    let found = walk(root, filter)?;
    let mut tree = Tree::default();
    for (done, file) in found.iter().enumerate() {
        if !watch(done, found.len()) {
            return Err(MeasureError::Cancelled { files: done });
        }
        match read(&root.join(&file.path)) {
            Ok(text) => tree.add(file, &text)?,
            Err(reason) => tree.skip(&file.path, reason),
        }
    }
    Ok(tree.finish(duplicate_lines))
}

/// A tree that is being measured.
#[derive(Default)]
struct Tree {
    report: Report,
    /// The lines that may be duplicated, by language.
    lines: BTreeMap<Language, Lines>,
}

impl Tree {
    fn add(&mut self, file: &Found, text: &str) -> Result<(), MeasureError> {
        let figures = self.report.languages.entry(file.language).or_default();
        let scan = scan(syntax_of(file.language), text);
        figures.add_lines(&scan);
        if let Some(dialect) = Dialect::of(file.language) {
            functions(dialect, text, &mut |function| figures.add_function(&file.path, function));
        }
        let lines = self.lines.entry(file.language).or_default();
        let is_prose = syntax_of(file.language).prose;
        for (line, kind) in text.lines().zip(scan.kinds) {
            if kind == Kind::Code || is_prose {
                lines.push(line);
            }
        }
        lines.end_file();
        let all: usize = self.lines.values().map(Lines::len).sum();
        if all > LINES_MAX { Err(MeasureError::TooManyLines) } else { Ok(()) }
    }

    fn skip(&mut self, path: &str, reason: String) {
        self.report.skipped_count += 1;
        if self.report.skipped.len() < SKIPPED_MAX {
            self.report.skipped.push(Skipped { path: path.to_owned(), reason });
        }
    }

    fn finish(mut self, duplicate_lines: usize) -> Report {
        for (language, lines) in self.lines {
            if let Some(figures) = self.report.languages.get_mut(&language) {
                figures.count.duplicated = lines.duplicated(duplicate_lines);
            }
        }
        let totals = &mut self.report.totals;
        for figures in self.report.languages.values() {
            totals.files += figures.count.files;
            totals.lines.add(&figures.count.lines);
            totals.functions += figures.count.functions;
            totals.duplicated += figures.count.duplicated;
        }
        self.report
    }
}

/// Reads a file, or says why it is skipped.
fn read(path: &Path) -> Result<String, String> {
    let unreadable = |cause: std::io::Error| format!("cannot be read: {cause}");
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err("larger than 4 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {

    use fs_err as fs;

    use super::FILE_BYTES_MAX;
    use super::MeasureError;
    use super::Report;
    use super::SKIPPED_MAX;
    use super::measure;
    use crate::language::Language;
    use crate::walk::Filter;

    fn measured(files: &[(&str, &[u8])]) -> Report {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        measure(folder.path(), &Filter::default(), 3, &mut |_, _| true).expect("a report")
    }

    #[test]
    fn figures_are_sums_over_the_files_of_a_language() {
        let report = measured(&[
            ("a.rs", b"fn a() {\n    b();\n    c();\n}\n"),
            (
                "b.rs",
                b"// d\n\nfn e(x: u8) {\n    if x > 0 {}\n}\n\nfn f() {\n    b();\n    c();\n}\n",
            ),
            ("c.toml", b"a = 1\n"),
        ]);
        let rust = &report.languages[&Language::Rust];
        assert_eq!(rust.count.files, 2);
        assert_eq!(
            (rust.count.lines.code, rust.count.lines.comment, rust.count.lines.blank),
            (11, 1, 2)
        );
        assert_eq!(rust.count.functions, 3);
        assert_eq!(rust.complexity_mean_hundredths(), 133);
        assert_eq!(rust.count.duplicated, 6);
        let (lines, at) = rust.longest.clone().expect("a function");
        assert_eq!((lines, at.path.as_str(), at.line, at.name.as_str()), (4, "a.rs", 1, "a"));
        let (complexity, at) = rust.most_complex.clone().expect("a function");
        assert_eq!((complexity, at.path.as_str(), at.line, at.name.as_str()), (2, "b.rs", 3, "e"));
        assert_eq!((report.totals.files, report.totals.lines.lines()), (3, 15));
    }

    #[test]
    fn languages_come_by_name() {
        let report = measured(&[
            ("a.ts", b""),
            ("b.c", b""),
            ("c.md", b""),
            ("d.tsx", b""),
            ("e.h", b""),
            ("f.jsx", b""),
            ("g.js", b""),
        ]);
        let names: Vec<_> = report.languages.keys().map(|language| language.name()).collect();
        assert_eq!(names, ["C", "C Header", "JSX", "JavaScript", "Markdown", "TSX", "TypeScript"]);
        assert!(names.is_sorted());
    }

    #[test]
    fn a_file_may_be_as_large_as_the_limit_and_no_larger() {
        let limit = usize::try_from(FILE_BYTES_MAX).expect("a size");
        let report = measured(&[("a.py", &vec![b'\n'; limit]), ("b.py", &vec![b'\n'; limit + 1])]);
        assert_eq!(report.totals.lines.blank, FILE_BYTES_MAX);
        assert_eq!((report.skipped_count, report.skipped[0].path.as_str()), (1, "b.py"));
        assert_eq!(report.skipped[0].reason, "larger than 4 MiB");
    }

    #[test]
    fn a_file_that_is_no_text_is_skipped_and_said() {
        let report = measured(&[("a.c", b"\xff\xfe"), ("b.c", b"int a;\n")]);
        assert_eq!((report.totals.files, report.skipped_count), (1, 1));
        assert_eq!(report.skipped[0].reason, "not UTF-8");
    }

    #[test]
    fn skipped_files_beyond_the_limit_are_only_counted() {
        let names: Vec<String> = (0..=SKIPPED_MAX).map(|number| format!("{number:03}.c")).collect();
        let files: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), &b"\xff"[..])).collect();
        let report = measured(&files);
        assert_eq!(
            (report.skipped.len(), report.skipped_count as usize),
            (SKIPPED_MAX, SKIPPED_MAX + 1)
        );
        assert_eq!(report.skipped[SKIPPED_MAX - 1].path, "099.c");
    }

    #[test]
    fn who_watches_can_stop_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("a.c"), "").expect("a file");
        let result = measure(folder.path(), &Filter::default(), 6, &mut |_, _| false);
        assert!(matches!(result, Err(MeasureError::Cancelled { files: 0 })), "{result:?}");
    }

    #[test]
    fn an_empty_tree_is_no_error() {
        assert_eq!(measured(&[]), Report::default());
    }
}
