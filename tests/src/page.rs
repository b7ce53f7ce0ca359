//! Pages of the documentation, as text with blocks, headings and links.
//!
//! Invariant: whatever stands in a fence is no prose: it holds no heading, no link and no code span.
//! Not here: what must hold of them (`cli/pages`, `architecture/links`, `architecture/reference`).

use std::path::Path;

use crate::program;

/// Marks the info string of a block that says which file it is.
const FILE: &str = "file=";

/// A page of Markdown.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its path from the repository's root, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// A fenced block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// The line it begins in, from 1: the one after the fence.
    pub line: usize,
    /// The first word after the fence, as `console`; empty when there is none.
    pub language: String,
    /// Which file it is, if it says so: `toml,file=plugin.toml`.
    pub file: Option<String>,
    /// What else stands behind the language, between commas.
    pub marks: Vec<String>,
    /// What is in it, line by line.
    pub lines: Vec<String>,
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// How many `#` it has.
    pub level: usize,
    /// Its words, without marks.
    pub words: String,
}

impl Block {
    /// Answers whether it is marked with this word.
    #[must_use]
    pub fn is_marked(&self, mark: &str) -> bool {
        self.marks.iter().any(|held| held == mark)
    }

    /// Returns what is in it as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn open(info: &str, line: usize) -> Self {
        let mut words = info.split(',').map(|word| word.trim().to_owned());
        let language = words.next().unwrap_or_default();
        let (files, marks): (Vec<String>, Vec<String>) = words.partition(|it| it.starts_with(FILE));
        let file = files.first().map(|word| word[FILE.len()..].to_owned());
        Self { line, language, file, marks, lines: Vec::new() }
    }
}

impl Page {
    /// Reads a page.
    ///
    /// # Panics
    ///
    /// When it is not there.
    #[must_use]
    pub fn read(path: &str) -> Self {
        let text = fs_err::read_to_string(program::repository().join(path)).expect("a page");
        Self { path: path.to_owned(), text }
    }

    /// Reads `README.md` and every page below `docs`, by path.
    ///
    /// # Panics
    ///
    /// When a folder cannot be listed.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut paths = vec!["README.md".to_owned()];
        collect(&program::repository(), "docs", &mut paths);
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// Returns its fenced blocks.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut is_open = false;
        for (line, number) in self.text.lines().zip(1..) {
            match (line.strip_prefix("```"), is_open) {
                (Some(info), false) => blocks.push(Block::open(info, number + 1)),
                (None, true) => blocks.last_mut().expect("it is open").lines.push(line.to_owned()),
                (Some(_), true) => {}
                (None, false) => continue,
            }
            is_open ^= line.starts_with("```");
        }
        blocks
    }

    /// Returns the lines outside of blocks, each with its number.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_open = false;
        (1..).zip(self.text.lines()).filter(move |(_, line)| {
            let is_fence = line.starts_with("```");
            is_open ^= is_fence;
            !is_open && !is_fence
        })
    }

    /// Returns its headings.
    #[must_use]
    pub fn headings(&self) -> Vec<Heading> {
        let heading = |(_, line): (usize, &str)| {
            let level = level_of(line);
            let words = line.get(level + 1..).unwrap_or_default().replace(['`', '*'], "");
            (level > 0).then_some(Heading { level, words })
        };
        self.prose().filter_map(heading).collect()
    }

    /// Returns the names by which its headings can be linked to.
    #[must_use]
    pub fn anchors(&self) -> Vec<String> {
        self.headings().iter().map(|heading| anchor(&heading.words)).collect()
    }

    /// Returns what stands between a heading and the next one of its level or above, blocks included.
    #[must_use]
    pub fn section(&self, words: &str) -> Option<String> {
        let prose: Vec<(usize, &str)> = self.prose().filter(|(_, it)| level_of(it) > 0).collect();
        let at = self.headings().iter().position(|heading| heading.words == words)?;
        let (from, heading) = prose[at];
        let ends = |(_, line): &&(usize, &str)| level_of(line) <= level_of(heading);
        let to = prose[at + 1..].iter().find(ends).map_or(usize::MAX, |(number, _)| *number);
        let inside =
            (1..).zip(self.text.lines()).filter(|(number, _)| (from + 1..to).contains(number));
        Some(inside.map(|(_, line)| format!("{line}\n")).collect())
    }

    /// Returns where its links lead, each with its line.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (number, line) in self.prose() {
            // What is in a code span is no link.
            let outside: String = line.split('`').step_by(2).collect();
            for (at, _) in outside.match_indices("](") {
                let rest = &outside[at + 2..];
                let target = rest.split(')').next().unwrap_or_default();
                links.push((number, target.to_owned()));
            }
        }
        links
    }

    /// Returns its code spans.
    #[must_use]
    pub fn spans(&self) -> Vec<String> {
        let text: String = self.prose().map(|(_, line)| format!("{line}\n")).collect();
        text.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
    }
}

/// Makes the name by which a heading is linked to, as GitHub and mdBook do.
#[must_use]
pub fn anchor(words: &str) -> String {
    let kept = words.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.flat_map(char::to_lowercase).map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// Counts the `#` of a heading; 0 for what is none.
fn level_of(line: &str) -> usize {
    let words = line.trim_start_matches('#');
    if words.starts_with(' ') { line.len() - words.len() } else { 0 }
}

fn collect(root: &Path, folder: &str, paths: &mut Vec<String>) {
    for entry in fs_err::read_dir(root.join(folder)).expect("a folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if root.join(&path).is_dir() {
            collect(root, &path, paths);
        } else if name.ends_with(".md") {
            paths.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Page, anchor};

    const TEXT: &str = "# A `page`\n\nA [link](b.md#c), `no [link](d)`, [two](e) [links](f).\n\n\
        ```console\n$ ls   # [x](y)\n# no heading\n```\n\n## Its part (one)\n\nx\n\n### Below\n\n\
        ```toml,file=plugin.toml,shown\na = 1\n```\n\n## Next\n\nSee `kv`.\n";

    fn page() -> Page {
        Page { path: "docs/a.md".to_owned(), text: TEXT.to_owned() }
    }

    #[test]
    fn blocks_have_a_language_a_file_marks_and_a_line() {
        let blocks = page().blocks();
        let console = Block {
            line: 6,
            language: "console".to_owned(),
            lines: vec!["$ ls   # [x](y)".to_owned(), "# no heading".to_owned()],
            ..Block::default()
        };
        assert_eq!(blocks[0], console);
        assert_eq!((blocks[1].language.as_str(), blocks[1].text()), ("toml", "a = 1\n".to_owned()));
        assert_eq!(blocks[1].file.as_deref(), Some("plugin.toml"));
        assert!(blocks[1].is_marked("shown") && !blocks[0].is_marked("shown"));
    }

    #[test]
    fn headings_links_and_spans_are_those_of_the_prose() {
        let page = page();
        assert_eq!(page.anchors(), ["a-page", "its-part-one", "below", "next"]);
        let links = page.links();
        let targets: Vec<&str> = links.iter().map(|(_, target)| target.as_str()).collect();
        assert_eq!((links[0].0, targets), (3, vec!["b.md#c", "e", "f"]));
        assert_eq!(page.spans(), ["page", "no [link](d)", "kv"]);
        assert_eq!(anchor("AX-P012: It may not"), "ax-p012-it-may-not");
    }

    #[test]
    fn a_section_ends_with_the_next_one_of_its_level() {
        let section = page().section("Its part (one)").expect("it is there");
        assert!(section.starts_with("\nx\n") && section.ends_with("```\n\n"), "{section}");
        assert!(section.contains("### Below"));
        assert_eq!(page().section("Next").as_deref(), Some("\nSee `kv`.\n"));
        assert_eq!(page().section("None"), None);
    }
}
