//! What was measured, added up.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Listing;

/// Largest files and most complex functions that are kept.
pub const TOP: usize = 10;

/// What `ax:metrics.count` answers.
#[derive(Debug, Deserialize)]
pub struct Counted {
    /// One entry for each file.
    pub files: Vec<File>,
}

/// The figures of one file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct File {
    /// Its path.
    pub path: String,
    /// Its language.
    pub language: String,
    /// Its lines.
    pub lines: Lines,
    /// Its functions.
    pub functions: u64,
    /// Their complexity together.
    pub complexity: u64,
    /// The largest of one.
    pub complexity_maximum: u64,
    /// Which one that is.
    pub most_complex: Option<Place>,
}

/// Lines by kind.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Lines {
    /// All.
    pub lines: u64,
    /// Code.
    pub code: u64,
    /// Comment.
    pub comment: u64,
    /// Blank.
    pub blank: u64,
}

/// A place in a file.
#[derive(Debug, Clone, Deserialize)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The line.
    pub line: u32,
    /// The function.
    pub name: String,
}

/// One language.
#[derive(Debug, Default)]
pub struct Language {
    /// Files.
    pub files: u64,
    /// Lines.
    pub lines: Lines,
    /// Functions.
    pub functions: u64,
    /// Their complexity together.
    pub complexity: u64,
}

/// Everything together.
#[derive(Debug, Default)]
pub struct Figures {
    /// Files that were listed.
    pub listed: u64,
    /// Files there are.
    pub total: u64,
    /// Bytes of those that were listed.
    pub bytes: u64,
    /// Files that were measured.
    pub measured: u64,
    /// By name.
    pub languages: BTreeMap<String, Language>,
    /// Files with the most lines.
    pub largest: Vec<(u64, String)>,
    /// Functions with the most branches.
    pub most_complex: Vec<(u64, Place)>,
}

impl Figures {
    /// Begins with what was listed.
    pub fn new(listing: &Listing) -> Self {
        let bytes = listing.files.iter().map(|file| file.bytes).sum();
        let listed = listing.files.len() as u64;
        Self { listed, total: listing.total, bytes, ..Self::default() }
    }

    /// Adds what was counted.
    pub fn add(&mut self, counted: Counted) {
        for file in counted.files {
            self.measured += 1;
            let language = self.languages.entry(file.language).or_default();
            language.files += 1;
            language.lines.lines += file.lines.lines;
            language.lines.code += file.lines.code;
            language.lines.comment += file.lines.comment;
            language.lines.blank += file.lines.blank;
            language.functions += file.functions;
            language.complexity += file.complexity;
            self.largest.push((file.lines.lines, file.path));
            if let Some(place) = file.most_complex {
                self.most_complex.push((file.complexity_maximum, place));
            }
        }
        // Equals by path, so that the report does not depend on the order of batches.
        self.largest.sort_by(|one, other| (other.0, &one.1).cmp(&(one.0, &other.1)));
        self.largest.truncate(TOP);
        self.most_complex.sort_by(|one, other| {
            (other.0, &one.1.path, one.1.line).cmp(&(one.0, &other.1.path, other.1.line))
        });
        self.most_complex.truncate(TOP);
    }

    /// Lines in all.
    pub fn lines(&self) -> u64 {
        self.languages.values().map(|language| language.lines.lines).sum()
    }

    /// Lines of code in all.
    pub fn code(&self) -> u64 {
        self.languages.values().map(|language| language.lines.code).sum()
    }
}
