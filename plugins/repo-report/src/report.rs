//! Writes what was found, in Markdown.
//!
//! Names and lines of a repository are anybody's text: each stands in backticks, without line breaks and
//! without backticks of its own, so that none becomes a link, a heading or a cell.

use std::fmt::Write as _;

use crate::Matches;
use crate::figures::Figures;

/// Writes the report.
pub fn write(goal: &str, folder: &str, figures: &Figures, left: &Matches) -> String {
    let mut out = String::new();
    let title = match folder {
        "" => "the workspace".to_owned(),
        folder => quoted(folder),
    };
    line(&mut out, format_args!("# Report on {title}\n"));
    if !goal.trim().is_empty() {
        line(&mut out, format_args!("{}\n", goal.trim()));
    }
    summary(&mut out, figures);
    languages(&mut out, figures);
    tops(&mut out, figures);
    remaining(&mut out, left);
    out
}

fn summary(out: &mut String, figures: &Figures) {
    let Figures { listed, total, bytes, measured, .. } = figures;
    let (lines, code) = (figures.lines(), figures.code());
    if listed < total {
        line(out, format_args!("{total} files, of which the first {listed} were looked at.\n"));
    }
    line(
        out,
        format_args!(
            "{listed} files, {bytes} bytes. {measured} were measured: {lines} lines, {code} of them \
             code.\n"
        ),
    );
}

fn languages(out: &mut String, figures: &Figures) {
    if figures.languages.is_empty() {
        return;
    }
    line(out, format_args!("## Languages\n"));
    let head =
        "| Language | Files | Lines | Code | Comment | Blank | Functions | Mean complexity |";
    line(out, format_args!("{head}\n|---|---:|---:|---:|---:|---:|---:|---:|"));
    for (name, it) in &figures.languages {
        let mean = match it.functions {
            0 => "–".to_owned(),
            functions => {
                // Tenths, in whole numbers: the same everywhere.
                let tenths = (it.complexity * 10 + functions / 2) / functions;
                format!("{}.{}", tenths / 10, tenths % 10)
            }
        };
        let (files, lines, functions) = (it.files, it.lines, it.functions);
        line(
            out,
            format_args!(
                "| {name} | {files} | {} | {} | {} | {} | {functions} | {mean} |",
                lines.lines, lines.code, lines.comment, lines.blank
            ),
        );
    }
    out.push('\n');
}

fn tops(out: &mut String, figures: &Figures) {
    if !figures.largest.is_empty() {
        line(out, format_args!("## Largest files\n\n| File | Lines |\n|---|---:|"));
        for (lines, path) in &figures.largest {
            line(out, format_args!("| {} | {lines} |", cell(path)));
        }
        out.push('\n');
    }
    if !figures.most_complex.is_empty() {
        let head = "| Function | Complexity | Where |\n|---|---:|---|";
        line(out, format_args!("## Most complex functions\n\n{head}"));
        for (complexity, at) in &figures.most_complex {
            let place = cell(&format!("{}:{}", at.path, at.line));
            line(out, format_args!("| {} | {complexity} | {place} |", cell(&at.name)));
        }
        out.push('\n');
    }
}

fn remaining(out: &mut String, left: &Matches) {
    line(out, format_args!("## Left to do\n"));
    let count = left.matches.len();
    let at_least = if left.truncated { "At least " } else { "" };
    match count {
        0 => line(out, format_args!("No line says so.")),
        1 => line(out, format_args!("{at_least}1 line says so.\n")),
        count => line(out, format_args!("{at_least}{count} lines say so.\n")),
    }
    for it in &left.matches {
        let place = quoted(&format!("{}:{}", it.path, it.line));
        line(out, format_args!("- {place} {}", quoted(&it.text)));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A text takes whatever is written.
    writeln!(out, "{text}").ok();
}

/// Puts text of others into backticks.
fn quoted(text: &str) -> String {
    let plain = |letter: char| if letter == '`' || letter.is_control() { '\'' } else { letter };
    format!("`{}`", text.chars().map(plain).collect::<String>())
}

/// The same for a cell of a table, which `|` would end.
fn cell(text: &str) -> String {
    quoted(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_text() {
        assert_eq!(quoted("a`b\nc"), "`a'b'c`");
        assert_eq!(cell("a|b"), "`a\\|b`");
    }
}
