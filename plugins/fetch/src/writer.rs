//! Writes what is read, piece by piece, as Markdown or as text.
//!
//! Invariant: what is held before it is written is bounded, but for one preformatted block, which is
//! no longer than the page.
//! Not here: what is shown at all (`tree`), prefixes and the space between blocks (`outline`).

use crate::escape;
use crate::inline;
use crate::inline::Form;
use crate::inline::Inline;
use crate::inline::Marks;
use crate::invisible;
use crate::outline::Outline;
use crate::table::Table;

/// Bytes of a paragraph after which it is written and a new one begun: more is no paragraph, and
/// targets of links are held with it.
pub const PARAGRAPH_BYTES_MAX: usize = 256 * 1024;
/// Bytes of text that are taken at once, so that a paragraph is not much longer than its bound.
const PART_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a cell after which its table counts as layout.
const CELL_BYTES_MAX: usize = 4 * 1024;
/// Blocks in a cell after which its table counts as layout.
const CELL_BLOCKS_MAX: usize = 16;
/// Characters of a code block's language.
const LANGUAGE_CHARS_MAX: usize = 20;

/// A preformatted block that is open.
#[derive(Debug, Default)]
struct Code {
    text: String,
    language: String,
    /// Blocks like it inside, which are part of it.
    depth: usize,
}

/// The text so far.
#[derive(Debug)]
pub struct Writer {
    form: Form,
    outline: Outline,
    inline: Inline,
    filter: invisible::Filter,
    /// How text is marked that comes now.
    marks: Marks,
    /// Where text that comes now links to.
    link: Option<String>,
    /// Level of the heading that is open; 0 is none.
    heading: u8,
    /// Lists that are open: the number of the next item of a numbered one.
    lists: Vec<Option<u32>>,
    /// Quotes and items that are open: whether the outline knows them.
    opened: Vec<bool>,
    code: Option<Code>,
    /// Tables that are open; none stands for layout.
    tables: Vec<Option<Table>>,
}

impl Writer {
    /// Begins without text.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            outline: Outline::default(),
            inline: Inline::default(),
            filter: invisible::Filter::default(),
            marks: Marks::default(),
            link: None,
            heading: 0,
            lists: Vec::new(),
            opened: Vec::new(),
            code: None,
            tables: Vec::new(),
        }
    }

    /// Answers whether no more text fits.
    pub fn is_full(&self) -> bool {
        self.outline.is_full()
    }

    /// Ends everything that is open and returns the text and how many bytes of it are not layout.
    pub fn finish(mut self) -> (String, usize) {
        self.write_code();
        while !self.tables.is_empty() {
            self.close_table();
        }
        self.end_block();
        let bytes = self.outline.text_bytes();
        (self.outline.into_text(), bytes)
    }

    /// Marks the text that comes now. `marks.link` and `marks.image` are set elsewhere.
    pub fn mark(&mut self, marks: Marks) {
        self.marks = marks;
    }

    /// Links the text that comes now.
    pub fn link(&mut self, url: Option<String>) {
        self.link = url;
    }

    /// Takes text.
    pub fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.text.extend(text.chars().filter_map(|c| self.filter.pass(c)));
            return;
        }
        let mut rest = text;
        while !rest.is_empty() && !self.is_full() {
            let (part, after) = rest.split_at(rest.floor_char_boundary(PART_BYTES_MAX));
            let marks = self.current_marks();
            self.push(part, marks);
            rest = after;
        }
    }

    /// Takes a picture.
    pub fn image(&mut self, alt: &str, url: Option<&str>) {
        let mut marks = self.current_marks();
        if let Some(url) = url
            && marks.link == 0
            && self.code.is_none()
            && self.form == Form::Markdown
        {
            marks.image = true;
            marks.link = self.inline.add_target(url);
            return self.push(alt, marks);
        }
        self.text(alt);
    }

    /// Takes a line break.
    pub fn break_line(&mut self) {
        match &mut self.code {
            Some(code) => code.text.push('\n'),
            None if !self.inline.break_line() => self.end_block(),
            None => {}
        }
    }

    /// Ends a paragraph, if one is open.
    pub fn end_block(&mut self) {
        if let Some(code) = &mut self.code {
            if !code.text.is_empty() && !code.text.ends_with('\n') {
                code.text.push('\n');
            }
            return;
        }
        if self.inline.is_empty() {
            return;
        }
        if self.cell().is_some() {
            let is_first = self.inline.break_line();
            if let Some(table) = self.cell() {
                table.breaks += usize::from(is_first);
                if table.breaks <= CELL_BLOCKS_MAX {
                    return;
                }
            }
            self.give_up_table();
        }
        let text = self.inline.take(self.form);
        self.write_paragraph(&text);
    }

    /// Begins a heading.
    pub fn open_heading(&mut self, level: u8) {
        self.begin_structure();
        self.heading = level;
    }

    /// Ends a heading.
    pub fn close_heading(&mut self) {
        self.end_block();
        self.heading = 0;
    }

    /// Writes a line across.
    pub fn rule(&mut self) {
        self.end_block();
        let is_shown = self.code.is_none() && self.cell().is_none() && self.form == Form::Markdown;
        if is_shown && !self.outline.is_empty() {
            self.outline.block(["---"]);
        }
    }

    /// Begins a quote.
    pub fn open_quote(&mut self) {
        self.begin_structure();
        let is_shown = self.code.is_none() && self.outline.open_quote();
        self.opened.push(is_shown);
    }

    /// Begins a list; `first` is the number of the first item of a numbered one.
    pub fn open_list(&mut self, first: Option<u32>) {
        self.end_block();
        self.lists.push(first);
    }

    /// Ends a list.
    pub fn close_list(&mut self) {
        self.end_block();
        self.lists.pop();
        self.outline.end_list();
    }

    /// Begins an item of a list.
    pub fn open_item(&mut self) {
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            Some(None) | None => "- ".to_owned(),
        };
        self.open_marked(marker);
    }

    /// Begins the meaning of a term.
    pub fn open_meaning(&mut self) {
        self.open_marked(": ".to_owned());
    }

    /// Ends a quote, an item or a meaning.
    pub fn close_container(&mut self) {
        self.end_block();
        if self.opened.pop() == Some(true) {
            self.outline.close();
        }
    }

    /// Begins a preformatted block.
    pub fn open_code(&mut self) {
        if let Some(code) = &mut self.code {
            code.depth += 1;
            return;
        }
        self.begin_structure();
        self.code = Some(Code::default());
    }

    /// Says in which language the open preformatted block is.
    pub fn code_language(&mut self, language: &str) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "+#-._".contains(c);
        if let Some(code) = &mut self.code
            && code.language.is_empty()
        {
            code.language =
                language.chars().filter(|c| is_name(*c)).take(LANGUAGE_CHARS_MAX).collect();
        }
    }

    /// Ends a preformatted block.
    pub fn close_code(&mut self) {
        match &mut self.code {
            Some(code) if code.depth > 0 => code.depth -= 1,
            _ => self.write_code(),
        }
    }

    /// Begins a table, which may be known to be layout.
    pub fn open_table(&mut self, is_layout: bool) {
        self.begin_structure();
        let is_layout = is_layout || self.code.is_some() || self.heading > 0;
        self.tables.push((!is_layout).then(Table::default));
    }

    /// Ends a table.
    pub fn close_table(&mut self) {
        self.end_row();
        if let Some(Some(table)) = self.tables.pop() {
            self.write_table(table);
        }
    }

    /// Ends the row and begins another.
    pub fn end_row(&mut self) {
        self.end_cell();
        if let Some(Some(table)) = self.tables.last_mut()
            && !table.end_row()
        {
            let table = std::mem::take(table);
            self.write_table(table);
        }
    }

    /// Begins a cell; `span` more columns than one belong to it.
    pub fn open_cell(&mut self, span: usize) {
        self.end_cell();
        if let Some(Some(table)) = self.tables.last_mut() {
            table.is_in_cell = true;
            table.span = span;
        }
    }

    /// Ends the cell that is open.
    pub fn end_cell(&mut self) {
        if self.cell().is_none() {
            return self.end_block();
        }
        let mut text = self.inline.take(self.form).replace('\n', " ");
        if self.form == Form::Markdown && text.contains('|') {
            text = text.replace('|', "\\|");
        }
        if let Some(Some(table)) = self.tables.last_mut()
            && !table.end_cell(text)
        {
            self.give_up_table();
        }
    }

    /// Returns the table whose cell is open.
    fn cell(&mut self) -> Option<&mut Table> {
        self.tables.last_mut()?.as_mut().filter(|table| table.is_in_cell)
    }

    /// Makes room for what cannot stand in a cell.
    fn begin_structure(&mut self) {
        if matches!(self.tables.last(), Some(Some(_))) {
            self.give_up_table();
        }
        self.end_block();
    }

    /// Writes the innermost table so far; what follows in it is layout.
    fn give_up_table(&mut self) {
        let Some(table) = self.tables.last_mut().and_then(Option::take) else { return };
        let text = std::mem::take(&mut self.inline);
        self.write_table(table);
        self.inline = text;
    }

    fn open_marked(&mut self, marker: String) {
        if self.cell().is_some() {
            self.inline.break_line();
            self.push("• ", Marks::default());
            self.opened.push(false);
            return;
        }
        self.end_block();
        let is_shown = self.code.is_none() && self.heading == 0 && self.outline.open_item(marker);
        self.opened.push(is_shown);
    }

    /// Returns the marks of text that comes now.
    fn current_marks(&mut self) -> Marks {
        let mut marks = Marks { link: 0, image: false, ..self.marks };
        // A heading is bold already.
        marks.bold &= self.heading == 0;
        if let Some(url) = &self.link {
            marks.link = self.inline.add_target(url);
        }
        marks
    }

    fn push(&mut self, text: &str, marks: Marks) {
        for c in text.chars() {
            let Some(c) = self.filter.pass(c) else { continue };
            self.inline.push(c, marks);
        }
        let bytes = self.inline.bytes();
        if bytes > CELL_BYTES_MAX && self.cell().is_some() {
            self.give_up_table();
        }
        if bytes > PARAGRAPH_BYTES_MAX {
            self.end_block();
        }
    }

    fn write_paragraph(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.form == Form::Text {
            return self.outline.block(text.split('\n'));
        }
        if self.heading > 0 {
            let marks = "#".repeat(usize::from(self.heading));
            let line = format!("{marks} {}", text.replace('\n', " "));
            return self.outline.block([line.as_str()]);
        }
        let mut lines: Vec<String> = text.split('\n').map(guarded).collect();
        let last = lines.len() - 1;
        lines[..last].iter_mut().for_each(|line| line.push_str("  "));
        self.outline.block(lines.iter().map(String::as_str));
    }

    fn write_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let text = code.text.strip_prefix('\n').unwrap_or(&code.text).trim_end();
        if text.trim().is_empty() {
            return;
        }
        if self.form == Form::Text {
            return self.outline.block(text.split('\n'));
        }
        let fence = "`".repeat((inline::backticks(text) + 1).max(3));
        let open = format!("{fence}{}", code.language);
        let lines = std::iter::once(open.as_str()).chain(text.split('\n'));
        self.outline.block(lines.chain([fence.as_str()]));
    }

    fn write_table(&mut self, table: Table) {
        let lines = match self.form {
            Form::Markdown => table.lines(),
            Form::Text => table.plain_lines(),
        };
        let rest: Vec<String> = match lines {
            Some(lines) => {
                self.outline.block(lines.iter().map(String::as_str));
                table.into_open_row()
            }
            None => table.into_cells(),
        };
        rest.iter().for_each(|cell| self.write_paragraph(cell));
    }
}

/// Returns a line of text that does not begin a block.
fn guarded(line: &str) -> String {
    if escape::starts_block(line) {
        return format!("\\{line}");
    }
    match escape::number_mark(line) {
        Some(at) => format!("{}\\{}", &line[..at], &line[at..]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::PARAGRAPH_BYTES_MAX;
    use super::Writer;
    use crate::inline::Form;

    #[test]
    fn text_cannot_begin_a_block() {
        let mut writer = Writer::new(Form::Markdown);
        for line in ["# no heading", "- no item", "1. no number", "> no quote", "---"] {
            writer.text(line);
            writer.break_line();
        }
        let text = "\\# no heading  \n\\- no item  \n1\\. no number  \n\\> no quote  \n\\---";
        assert_eq!(writer.finish().0, text);
    }

    #[test]
    fn a_paragraph_of_any_length_is_written_in_parts() {
        let mut writer = Writer::new(Form::Text);
        for _ in 0..3 {
            writer.text(&"x".repeat(PARAGRAPH_BYTES_MAX));
        }
        let (text, bytes) = writer.finish();
        assert_eq!(bytes, 3 * PARAGRAPH_BYTES_MAX);
        assert!(text.contains("\n\n"));
    }

    #[test]
    fn a_fence_is_longer_than_what_is_inside() {
        let mut writer = Writer::new(Form::Markdown);
        writer.open_code();
        writer.code_language("ru st`\n");
        writer.text("\na\n```\nb\n");
        writer.close_code();
        assert_eq!(writer.finish().0, "````rust\na\n```\nb\n````");
    }
}
