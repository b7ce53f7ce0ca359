//! Measures a tree: one file at a time, sums by language.
//!
//! Not here: what may be asked (`tool`).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use ax_sdk::data;

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
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path below `folder`, with `/` between names.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// Name of the function; `<anonymous>` where it has none. At most 128 bytes.
    pub name: String,
}

/// What one language, or all of them together, amounts to.
#[data]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Count {
    /// Files.
    pub files: u32,
    /// Lines of these files, embedded languages included.
    pub lines: LineCount,
    /// Functions with a body, methods included. Embedded code is not searched for functions.
    pub functions: u32,
    /// Lines that are part of a run that occurs at least twice in the language, every occurrence
    /// counted. White space, blank lines and comments make no difference.
    pub duplicated: u64,
}

/// The longest function; the first by path and line among equals.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Longest {
    /// Lines from its first to its last, both included.
    pub lines: u32,
    /// Where it begins.
    pub at: Place,
}

/// Cyclomatic complexity over the functions: branches + 1 each.
#[data]
#[derive(Debug, Clone, PartialEq)]
pub struct Complexity {
    /// The mean, rounded to hundredths.
    pub mean: f64,
    /// The largest.
    pub maximum: u32,
    /// The function that has the largest; the first by path and line among equals.
    pub at: Place,
}

/// The part of the lines that is in another language, as the Markdown in Rust's doc comments.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedCount {
    /// Name of that language.
    pub name: String,
    /// Its lines, code blocks inside it included.
    pub lines: LineCount,
}

/// The figures of one language.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, PartialEq)]
pub struct LanguageReport {
    /// Its name, as `Rust`.
    pub name: String,
    /// The sums.
    pub count: Count,
    /// Complexity; absent when there is no function.
    pub complexity: Option<Complexity>,
    /// The longest function; absent when there is none.
    pub longest_function: Option<Longest>,
    /// Which part of `count.lines` tokei 15 loses, so that `count.lines` less this is what it prints:
    /// see the README for where that happens.
    pub tokei_uncounted: LineCount,
    /// Which part of `count.lines` is in other languages, by name.
    pub embedded: Vec<EmbeddedCount>,
}

/// A file that was not measured.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// Path below `folder`, with `/` between names.
    pub path: String,
    /// Why, in a few words: `larger than 4 MiB`, `not UTF-8`, `cannot be read: …`.
    pub reason: String,
}

/// What was found.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// One entry per language that has files, by name.
    pub languages: Vec<LanguageReport>,
    /// The sums over all languages.
    pub totals: Count,
    /// Files of a known language that were not measured, by path: the first 100.
    pub skipped: Vec<SkippedFile>,
    /// How many files were skipped in all.
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
    languages: BTreeMap<Language, Figures>,
    skipped: Vec<SkippedFile>,
    skipped_count: u32,
}

/// The figures of one language, so far.
#[derive(Default)]
struct Figures {
    count: Count,
    embedded: BTreeMap<&'static str, LineCount>,
    uncounted: LineCount,
    longest: Option<(u32, Place)>,
    most_complex: Option<(u32, Place)>,
    complexity_sum: u64,
    /// The lines that may be duplicated.
    lines: Lines,
}

impl Tree {
    fn add(&mut self, file: &Found, text: &str) -> Result<(), MeasureError> {
        let figures = self.languages.entry(file.language).or_default();
        let scan = scan(syntax_of(file.language), text);
        figures.add_lines(&scan);
        if let Some(dialect) = Dialect::of(file.language) {
            functions(dialect, text, &mut |function| figures.add_function(&file.path, function));
        }
        let is_prose = syntax_of(file.language).prose;
        for (line, kind) in text.lines().zip(scan.kinds) {
            if kind == Kind::Code || is_prose {
                figures.lines.push(line);
            }
        }
        figures.lines.end_file();
        let all: usize = self.languages.values().map(|figures| figures.lines.len()).sum();
        if all > LINES_MAX { Err(MeasureError::TooManyLines) } else { Ok(()) }
    }

    fn skip(&mut self, path: &str, reason: String) {
        self.skipped_count += 1;
        if self.skipped.len() < SKIPPED_MAX {
            self.skipped.push(SkippedFile { path: path.to_owned(), reason });
        }
    }

    fn finish(self, duplicate_lines: usize) -> Report {
        let mut totals = Count::default();
        let mut languages = Vec::new();
        for (language, figures) in self.languages {
            let report = figures.finish(language, duplicate_lines);
            totals.files += report.count.files;
            totals.lines.add(&report.count.lines);
            totals.functions += report.count.functions;
            totals.duplicated += report.count.duplicated;
            languages.push(report);
        }
        Report { languages, totals, skipped: self.skipped, skipped_count: self.skipped_count }
    }
}

impl Figures {
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

    /// Complexity of the mean function, rounded to hundredths; 0 without functions.
    fn complexity_mean(&self) -> f64 {
        let functions = u64::from(self.count.functions);
        let sum = self.complexity_sum * 100 + functions / 2;
        sum.checked_div(functions).unwrap_or(0) as f64 / 100.0
    }

    fn finish(self, language: Language, duplicate_lines: usize) -> LanguageReport {
        let mean = self.complexity_mean();
        let embedded = self.embedded.into_iter();
        LanguageReport {
            name: language.name().to_owned(),
            count: Count { duplicated: self.lines.duplicated(duplicate_lines), ..self.count },
            complexity: self.most_complex.map(|(maximum, at)| Complexity { mean, maximum, at }),
            longest_function: self.longest.map(|(lines, at)| Longest { lines, at }),
            tokei_uncounted: self.uncounted,
            embedded: embedded
                .map(|(name, lines)| EmbeddedCount { name: name.to_owned(), lines })
                .collect(),
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

/// Reads a file, or says why it is skipped.
pub(crate) fn read(path: &Path) -> Result<String, String> {
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

    use super::Complexity;
    use super::FILE_BYTES_MAX;
    use super::Longest;
    use super::MeasureError;
    use super::Report;
    use super::SKIPPED_MAX;
    use super::measure;
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
        let rust = &report.languages[0];
        assert_eq!((rust.name.as_str(), rust.count.files), ("Rust", 2));
        assert_eq!(
            (rust.count.lines.code, rust.count.lines.comment, rust.count.lines.blank),
            (11, 1, 2)
        );
        assert_eq!(rust.count.functions, 3);
        assert_eq!(rust.count.duplicated, 6);
        let Longest { lines, at } = rust.longest_function.clone().expect("a function");
        assert_eq!((lines, at.path.as_str(), at.line, at.name.as_str()), (4, "a.rs", 1, "a"));
        let Complexity { mean, maximum, at } = rust.complexity.clone().expect("a function");
        assert_eq!((mean, maximum), (1.33, 2));
        assert_eq!((at.path.as_str(), at.line, at.name.as_str()), ("b.rs", 3, "e"));
        assert_eq!((report.totals.files, report.totals.lines.lines), (3, 15));
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
        let names: Vec<_> =
            report.languages.iter().map(|language| language.name.as_str()).collect();
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
