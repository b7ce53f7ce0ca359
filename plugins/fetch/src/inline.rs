//! Gathers the text of one paragraph with its marks, and writes it as one piece.
//!
//! Invariant: white space is single and marks never touch it from inside, as `** a**` would be text.
//! Not here: where paragraphs begin and end (`writer`), escapes at the start of lines (`writer`).

use crate::escape;

/// How a piece of text is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Struck through.
    pub struck: bool,
    /// Code.
    pub code: bool,
    /// A picture; the text is what stands in for it.
    pub image: bool,
    /// The link or picture it belongs to, as [`Inline::add_target`] gave it; 0 is none.
    pub link: u32,
}

/// Text up to `end` that is marked alike.
#[derive(Debug, Clone, Copy)]
struct Run {
    end: usize,
    marks: Marks,
}

/// How the text is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With marks.
    Markdown,
    /// Without.
    Text,
}

/// The text of a paragraph so far.
#[derive(Debug, Default)]
pub struct Inline {
    text: String,
    runs: Vec<Run>,
    targets: Vec<String>,
    target_bytes: usize,
}

impl Inline {
    /// Answers whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Bytes that are held, targets of links included.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.target_bytes + self.runs.len() * size_of::<Run>()
    }

    /// Registers where a link goes; the result is for [`Marks::link`].
    pub fn add_target(&mut self, url: &str) -> u32 {
        if self.targets.last().is_none_or(|last| last != url) {
            self.targets.push(url.to_owned());
            self.target_bytes += url.len() + size_of::<String>();
        }
        u32::try_from(self.targets.len()).unwrap_or(0)
    }

    /// Appends a visible character; white space is collapsed.
    pub fn push(&mut self, c: char, marks: Marks) {
        if c.is_whitespace() {
            if self.text.is_empty() || self.text.ends_with([' ', '\n']) {
                return;
            }
            self.text.push(' ');
        } else {
            self.text.push(c);
        }
        self.extend_run(marks);
    }

    /// Appends a line break; false when there is one already, so that this is the end of a paragraph.
    pub fn break_line(&mut self) -> bool {
        if self.text.ends_with('\n') {
            return false;
        }
        if self.text.ends_with(' ') {
            self.text.pop();
            self.clip_runs();
        }
        if !self.text.is_empty() {
            self.text.push('\n');
            self.extend_run(Marks::default());
        }
        true
    }

    /// Takes the text as it is to be written, line breaks as `\n`; the paragraph is empty afterwards.
    pub fn take(&mut self, form: Form) -> String {
        let kept = self.text.trim_end().len();
        self.text.truncate(kept);
        self.clip_runs();
        let mut out = String::with_capacity(kept + kept / 8);
        match form {
            Form::Text => out.push_str(&self.text),
            Form::Markdown => self.write(&mut out),
        }
        *self = Self::default();
        out
    }

    fn extend_run(&mut self, marks: Marks) {
        let end = self.text.len();
        match self.runs.last_mut() {
            Some(last) if last.marks == marks => last.end = end,
            _ => self.runs.push(Run { end, marks }),
        }
    }

    /// Brings the runs back inside the text after something was taken off its end.
    fn clip_runs(&mut self) {
        let end = self.text.len();
        while let Some(last) = self.runs.pop() {
            let start = self.runs.last().map_or(0, |run| run.end);
            if start < end {
                self.runs.push(Run { end: last.end.min(end), ..last });
                return;
            }
        }
    }

    fn write(&self, out: &mut String) {
        let mut start = 0;
        let mut rest = self.runs.as_slice();
        while let Some(first) = rest.first() {
            let is_alike = |run: &&Run| {
                (run.marks.link, run.marks.image) == (first.marks.link, first.marks.image)
            };
            let count = rest.iter().take_while(is_alike).count();
            let (group, after) = rest.split_at(count);
            self.write_group(start, group, out);
            start = group.last().map_or(start, |run| run.end);
            rest = after;
        }
    }

    /// Writes runs that belong to one link, or to none.
    fn write_group(&self, start: usize, group: &[Run], out: &mut String) {
        let Marks { link, image, .. } = group[0].marks;
        let end = group[group.len() - 1].end;
        let target = usize::try_from(link).ok().and_then(|link| link.checked_sub(1));
        let target = target.and_then(|index| self.targets.get(index));
        let (before, inner, after) = split_space(&self.text[start..end]);
        let Some(target) = target.filter(|_| !inner.is_empty()) else {
            return self.write_runs(start, group, out);
        };
        out.push_str(before);
        if image {
            out.push('!');
        } else if out.ends_with('!') {
            // Else the `!` before would make the link a picture.
            out.insert(out.len() - 1, '\\');
        }
        out.push('[');
        self.write_runs_within(
            start + before.len(),
            start + before.len() + inner.len(),
            group,
            out,
        );
        out.push_str("](");
        push_target(target, out);
        out.push(')');
        out.push_str(after);
    }

    fn write_runs(&self, start: usize, runs: &[Run], out: &mut String) {
        let end = runs.last().map_or(start, |run| run.end);
        self.write_runs_within(start, end, runs, out);
    }

    fn write_runs_within(&self, start: usize, end: usize, runs: &[Run], out: &mut String) {
        let mut at = start;
        for run in runs {
            let to = run.end.min(end);
            if at < to {
                write_run(&self.text[at..to], run.marks, out);
                at = to;
            }
        }
    }
}

fn write_run(text: &str, marks: Marks, out: &mut String) {
    let (before, inner, after) = split_space(text);
    out.push_str(before);
    if inner.is_empty() {
        return;
    }
    let mut open = String::new();
    for (is_on, mark) in [(marks.struck, "~~"), (marks.bold, "**"), (marks.italic, "*")] {
        if is_on && !marks.image {
            open.push_str(mark);
        }
    }
    out.push_str(&open);
    if marks.code && !marks.image {
        push_code(inner, out);
    } else {
        escape::push_inline(inner, out);
    }
    out.extend(open.chars().rev());
    out.push_str(after);
}

/// Appends inline code: the fence is longer than any run of backticks inside.
fn push_code(text: &str, out: &mut String) {
    let fence = "`".repeat(backticks(text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    out.push_str(&fence);
    out.push_str(pad);
    out.extend(text.chars().map(|c| if c == '\n' { ' ' } else { c }));
    out.push_str(pad);
    out.push_str(&fence);
}

/// Appends the target of a link. Parentheses that do not match would end it too soon.
fn push_target(url: &str, out: &mut String) {
    let mut depth = 0i32;
    let is_balanced = url.bytes().all(|byte| {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        depth >= 0
    });
    if is_balanced && depth == 0 {
        out.push_str(url);
        return;
    }
    for c in url.chars() {
        match c {
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            c => out.push(c),
        }
    }
}

/// Length of the longest run of backticks.
pub fn backticks(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for byte in text.bytes() {
        run = if byte == b'`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Splits white space off both ends.
fn split_space(text: &str) -> (&str, &str, &str) {
    let inner = text.trim_start();
    let before = &text[..text.len() - inner.len()];
    let kept = inner.trim_end();
    (before, kept, &inner[kept.len()..])
}

#[cfg(test)]
mod tests {
    use super::Form;
    use super::Inline;
    use super::Marks;

    const PLAIN: Marks =
        Marks { bold: false, italic: false, struck: false, code: false, image: false, link: 0 };
    const BOLD: Marks = Marks { bold: true, ..PLAIN };
    const CODE: Marks = Marks { code: true, ..PLAIN };

    fn push(inline: &mut Inline, text: &str, marks: Marks) {
        text.chars().for_each(|c| inline.push(c, marks));
    }

    #[test]
    fn marks_stay_off_white_space() {
        let mut inline = Inline::default();
        push(&mut inline, "a", PLAIN);
        push(&mut inline, " b  ", BOLD);
        push(&mut inline, " c ", PLAIN);
        assert_eq!(inline.take(Form::Markdown), "a **b** c");
        assert!(inline.is_empty());
    }

    #[test]
    fn a_link_holds_its_marks() {
        let mut inline = Inline::default();
        push(&mut inline, "see! ", PLAIN);
        let link = inline.add_target("https://a/(x");
        push(&mut inline, "the ", Marks { link, ..PLAIN });
        push(&mut inline, "page", Marks { link, ..BOLD });
        push(&mut inline, " now", PLAIN);
        assert_eq!(inline.take(Form::Markdown), "see! [the **page**](https://a/%28x) now");
    }

    #[test]
    fn a_mark_before_a_link_does_not_make_it_a_picture() {
        let mut inline = Inline::default();
        push(&mut inline, "wow!", PLAIN);
        let link = inline.add_target("https://a/");
        push(&mut inline, "x", Marks { link, ..PLAIN });
        assert_eq!(inline.take(Form::Markdown), r"wow\![x](https://a/)");
    }

    #[test]
    fn code_keeps_its_marks_as_they_are() {
        let mut inline = Inline::default();
        push(&mut inline, "a*b`c", CODE);
        push(&mut inline, " *x*", PLAIN);
        assert_eq!(inline.take(Form::Markdown), r"``a*b`c`` \*x\*");
    }

    #[test]
    fn text_has_no_marks() {
        let mut inline = Inline::default();
        push(&mut inline, "a*", BOLD);
        assert!(inline.break_line());
        assert!(!inline.break_line());
        push(&mut inline, " b", CODE);
        assert_eq!(inline.take(Form::Text), "a*\nb");
    }
}
