//! Measures single files, each by itself.
//!
//! Not here: what may be asked (`tool`); a whole tree with its sums and repetitions (`report`).

use std::path::Path;

use ax_sdk::data;

use crate::function::functions;
use crate::language::Language;
use crate::report::Place;
use crate::report::SkippedFile;
use crate::report::read;
use crate::scan::LineCount;
use crate::scan::scan;
use crate::syntax::syntax_of;
use crate::token::Dialect;

/// The figures of one file.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCount {
    /// Its path, as it was given.
    pub path: String,
    /// Its language, as `Rust`.
    pub language: String,
    /// Its lines, embedded languages included.
    pub lines: LineCount,
    /// Functions with a body, methods included.
    pub functions: u32,
    /// Cyclomatic complexity of all of them together: branches + 1 each.
    pub complexity: u32,
    /// The largest complexity of one function; 0 without functions.
    pub complexity_maximum: u32,
    /// The function that has it, the first among equals.
    pub most_complex: Option<Place>,
}

/// What was found.
#[data]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// One entry for each file that was measured, in the order they were given.
    pub files: Vec<FileCount>,
    /// Those that were not, and why: of no known language, not there, too large, no text.
    pub skipped: Vec<SkippedFile>,
}

/// Measures files below `root`. `watch` answers whether to go on; none then.
pub fn count(
    root: &Path,
    paths: &[String],
    watch: &mut dyn FnMut(usize) -> bool,
) -> Option<FileCounts> {
    let mut counts = FileCounts::default();
    for (done, path) in paths.iter().enumerate() {
        if !watch(done) {
            return None;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let measured = match Language::of_file(name) {
            Some(language) => read(&root.join(path)).map(|text| figures(path, language, &text)),
            None => Err("of no language that is measured".to_owned()),
        };
        match measured {
            Ok(figures) => counts.files.push(figures),
            Err(reason) => counts.skipped.push(SkippedFile { path: path.clone(), reason }),
        }
    }
    Some(counts)
}

fn figures(path: &str, language: Language, text: &str) -> FileCount {
    let mut count = FileCount {
        path: path.to_owned(),
        language: language.name().to_owned(),
        lines: scan(syntax_of(language), text).total,
        functions: 0,
        complexity: 0,
        complexity_maximum: 0,
        most_complex: None,
    };
    let Some(dialect) = Dialect::of(language) else { return count };
    functions(dialect, text, &mut |function| {
        count.functions += 1;
        count.complexity = count.complexity.saturating_add(function.complexity);
        let is_earlier = |at: &Place| function.line < at.line;
        let most = count.complexity_maximum;
        let is_most = function.complexity > most
            || (function.complexity == most && count.most_complex.as_ref().is_some_and(is_earlier));
        if is_most {
            count.complexity_maximum = function.complexity;
            count.most_complex =
                Some(Place { path: path.to_owned(), line: function.line, name: function.name });
        }
    });
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[test]
    fn each_file_is_measured_by_itself_and_what_is_not_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let code = "fn a() {}\n\n// b\nfn b(c: bool) {\n    if c {}\n}\n";
        fs::write(folder.path().join("a.rs"), code).expect("a file");
        fs::write(folder.path().join("b.bin"), [255]).expect("a file");
        let paths = ["a.rs", "b.bin", "c.rs"].map(str::to_owned);
        let counts = count(folder.path(), &paths, &mut |_| true).expect("nobody stops it");
        let file = &counts.files[0];
        assert_eq!((file.language.as_str(), file.lines.code, file.lines.comment), ("Rust", 4, 1));
        assert_eq!((file.functions, file.complexity, file.complexity_maximum), (2, 3, 2));
        let at = file.most_complex.as_ref().expect("there is one");
        assert_eq!((at.name.as_str(), at.line), ("b", 4));
        let skipped: Vec<&str> = counts.skipped.iter().map(|it| it.path.as_str()).collect();
        assert_eq!((counts.files.len(), skipped), (1, vec!["b.bin", "c.rs"]));
        assert_eq!(count(folder.path(), &paths, &mut |done| done < 1), None);
    }
}
