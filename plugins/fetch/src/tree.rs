//! Follows which elements are open, so that what a person would not see is left out.
//!
//! Invariant: the work for a tag is bounded (`SCAN_MAX`), nothing recurses, and an element that
//! hides its content does so until it ends.
//!
//! Not here: a browser's repair of wrong nesting (adoption agency, foster parents): an end tag that
//! fits nothing is passed over.

use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;

use crate::element::Kind;
use crate::head::Head;
use crate::inline::Form;
use crate::inline::Marks;
use crate::links::Links;
use crate::outline::OUTPUT_BYTES_MAX;
use crate::style;
use crate::tag::Attribute;
use crate::tag::Tag;
use crate::url;
use crate::url::Base;
use crate::writer::Writer;

/// Most elements inside one another. Browsers stop at 512; nothing here depends on the depth but
/// memory, and a page that is deeper is made to hurt.
pub const DEPTH_MAX: usize = 100_000;
/// How many open elements a tag looks through for the one it ends, so that a page of end tags that fit
/// nothing takes time in proportion to its length: 4 MiB of them take 4 G fuel.
const SCAN_MAX: usize = 48;
/// Bytes of links, with what they are relative to, that are resolved; later links are text. More than
/// is written could not be read, and each byte takes some 400 fuel.
const LINK_BYTES_MAX: usize = OUTPUT_BYTES_MAX;
/// Most columns that a cell spans.
const SPAN_MAX: usize = 32;

/// Which part of a page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What stands in `<main>`, without noise.
    Main,
    /// Everything but noise: navigation, margins, forms.
    Noiseless,
    /// Everything that can be seen.
    All,
}

/// An element that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    name: u64,
    kind: Kind,
    /// The writer was told of it.
    is_shown: bool,
    is_foreign: bool,
    is_main: bool,
    /// A link to a place in this very page.
    is_here: bool,
}

/// The page so far.
#[derive(Debug)]
pub struct Tree {
    scope: Scope,
    own_url: String,
    base: Option<Base>,
    has_base: bool,
    link_bytes: usize,
    /// What the page says about itself.
    pub head: Head,
    /// Its links.
    pub links: Links,
    /// Its text.
    pub writer: Writer,
    /// Elements that their attributes hide.
    pub hidden: usize,
    open: Vec<Open>,
    /// The outermost open element that hides what is inside.
    hidden_from: Option<usize>,
    marks: [u32; 4],
    foreign: u32,
    mains: u32,
    sections: u32,
    margins: u32,
    is_too_deep: bool,
}

impl Tree {
    /// Begins at the start of the page at `url`.
    pub fn new(url: &str, form: Form, scope: Scope) -> Self {
        Self {
            scope,
            own_url: url::without_fragment(url).to_owned(),
            base: Base::parse(url),
            has_base: false,
            link_bytes: 0,
            head: Head::default(),
            links: Links::default(),
            writer: Writer::new(form),
            hidden: 0,
            open: Vec::new(),
            hidden_from: None,
            marks: [0; 4],
            foreign: 0,
            mains: 0,
            sections: 0,
            margins: 0,
            is_too_deep: false,
        }
    }

    /// Answers whether the rest of the page is left out.
    pub fn is_cut(&self) -> bool {
        self.is_too_deep || self.writer.is_full()
    }

    /// Takes text.
    pub fn text(&mut self, text: &str) {
        if self.open.last().is_some_and(|open| open.kind == Kind::Title) && self.foreign == 0 {
            self.head.read_title(text);
        } else if self.is_shown() && !self.is_anchor(text) {
            self.writer.text(text);
            self.links.text(text);
        }
    }

    /// Takes a start tag.
    pub fn start(&mut self, tag: &Tag) {
        let kind = Kind::of(&tag.name);
        self.end_implied(kind);
        self.read_head(kind, tag);
        if matches!(kind, Kind::Document | Kind::Head) {
            // Their ends are optional and say nothing; a style on them is undone by scripts.
            return;
        }
        let is_foreign = matches!(tag.name.as_slice(), b"svg" | b"math");
        let hides = self.hides(kind, tag);
        if kind.is_void() || (tag.is_self_closing && (is_foreign || self.foreign > 0)) {
            if !hides && self.is_shown() {
                self.show_void(kind, tag);
            }
            return;
        }
        if self.open.len() == DEPTH_MAX {
            self.is_too_deep = true;
            return;
        }
        let is_main = kind == Kind::Main || tag.get(Attribute::Role) == Some("main");
        self.foreign += u32::from(is_foreign);
        self.mains += u32::from(is_main);
        self.sections += u32::from(matches!(kind, Kind::Main | Kind::Section));
        self.margins += u32::from(kind == Kind::Margin);
        if hides && self.hidden_from.is_none() {
            self.hidden_from = Some(self.open.len());
        }
        let is_shown = self.is_shown();
        let name = identity(&tag.name);
        let is_here = tag.get(Attribute::Href).is_some_and(|href| href.trim().starts_with('#'));
        self.open.push(Open { name, kind, is_shown, is_foreign, is_main, is_here });
        if is_shown {
            self.enter(kind, tag);
        }
    }

    /// Takes an end tag.
    pub fn end(&mut self, name: &[u8]) {
        let kind = Kind::of(name);
        if kind == Kind::Break && self.is_shown() {
            return self.writer.break_line();
        }
        let wanted = identity(name);
        let is_heading = |kind| matches!(kind, Kind::Heading(_));
        for index in (0..self.open.len()).rev().take(SCAN_MAX) {
            let open = self.open[index];
            if open.name == wanted || (is_heading(kind) && is_heading(open.kind)) {
                return self.close_down_to(index);
            }
            let is_stopped = if kind.is_inline() {
                !open.kind.is_inline()
            } else if kind.is_table_part() {
                matches!(open.kind, Kind::Table | Kind::Sealed)
            } else {
                open.kind.is_barrier()
            };
            if is_stopped {
                return;
            }
        }
    }

    /// Ends the page.
    pub fn finish(&mut self) {
        self.close_down_to(0);
    }

    fn is_shown(&self) -> bool {
        self.hidden_from.is_none() && (self.scope != Scope::Main || self.mains > 0)
    }

    /// Answers whether this is the sign beside a heading that only links to it.
    fn is_anchor(&self, text: &str) -> bool {
        self.scope != Scope::All
            && matches!(text.trim(), "#" | "§" | "¶" | "🔗")
            && self.open.last().is_some_and(|open| open.kind == Kind::Link && open.is_here)
    }

    /// Ends what a start tag ends without saying so.
    fn end_implied(&mut self, kind: Kind) {
        if kind.ends_paragraph() {
            let mut nearest = self.open.iter().enumerate().rev().take(SCAN_MAX);
            let found = nearest.find(|(_, open)| {
                open.kind == Kind::Paragraph || open.kind.is_barrier() || open.kind == Kind::Control
            });
            if let Some((index, Open { kind: Kind::Paragraph, .. })) = found {
                self.close_down_to(index);
            }
        }
        if matches!(kind, Kind::Heading(_))
            && matches!(self.open.last(), Some(Open { kind: Kind::Heading(_), .. }))
        {
            self.close_down_to(self.open.len() - 1);
        }
        let mut nearest = self.open.iter().enumerate().rev().take(SCAN_MAX);
        let found = nearest.find_map(|(index, open)| Some((index, kind.ends(open.kind)?)));
        if let Some((index, true)) = found {
            self.close_down_to(index);
        }
    }

    fn read_head(&mut self, kind: Kind, tag: &Tag) {
        match kind {
            Kind::Document => {
                if let Some(language) = tag.get(Attribute::Lang) {
                    self.head.read_language(language);
                }
            }
            Kind::Meta => {
                let name = tag.get(Attribute::Name).or(tag.get(Attribute::Property));
                if let (Some(name), Some(content)) = (name, tag.get(Attribute::Content)) {
                    self.head.read_meta(name, content);
                }
            }
            Kind::Base => {
                // Only the first one counts, as in browsers.
                if let Some(href) = tag.get(Attribute::Href)
                    && !self.has_base
                {
                    self.has_base = true;
                    let joined = self.base.as_ref().and_then(|base| base.join(href));
                    self.base = joined.and_then(|url| Base::parse(&url)).or(self.base.take());
                }
            }
            _ => {}
        }
    }

    /// Answers whether an element hides what is inside.
    fn hides(&mut self, kind: Kind, tag: &Tag) -> bool {
        let is_dropped = match kind {
            Kind::Dropped | Kind::Sealed => true,
            Kind::Title => self.foreign > 0,
            Kind::Dialog => tag.get(Attribute::Open).is_none(),
            _ => false,
        };
        if is_dropped {
            return true;
        }
        if tag.get(Attribute::Hidden).is_some()
            || tag.get(Attribute::Style).is_some_and(style::hides)
        {
            self.hidden += usize::from(self.is_shown());
            return true;
        }
        self.scope != Scope::All && self.is_noise(kind, tag)
    }

    fn is_noise(&self, kind: Kind, tag: &Tag) -> bool {
        let by_kind = match kind {
            Kind::Aside | Kind::Control => true,
            // Inside an article they are its own, but for lists of other places to go to.
            Kind::Margin => self.sections == 0,
            Kind::List | Kind::Numbered => self.margins > 0,
            // One around the whole page is how some servers make pages.
            Kind::Form => !self.open.is_empty(),
            _ => false,
        };
        let by_role = tag.get(Attribute::Role).is_some_and(|role| {
            matches!(
                role.trim(),
                "navigation"
                    | "banner"
                    | "contentinfo"
                    | "search"
                    | "complementary"
                    | "menu"
                    | "menubar"
                    | "toolbar"
                    | "dialog"
                    | "alertdialog"
                    | "tooltip"
            )
        });
        by_kind || by_role || tag.get(Attribute::AriaHidden) == Some("true")
    }

    fn show_void(&mut self, kind: Kind, tag: &Tag) {
        match kind {
            Kind::Break => self.writer.break_line(),
            Kind::Rule => self.writer.rule(),
            Kind::Image => {
                let alt = tag.get(Attribute::Alt).unwrap_or_default();
                if !alt.trim().is_empty() {
                    let source = tag.get(Attribute::Src).and_then(|source| self.target(source));
                    self.writer.image(alt, source.as_deref());
                    self.links.text(alt);
                }
            }
            _ => {}
        }
    }

    /// Resolves a link; none when it does not lead to another page.
    fn target(&mut self, href: &str) -> Option<String> {
        let base = self.base.as_ref()?;
        self.link_bytes += base.bytes() + href.len();
        if self.link_bytes > LINK_BYTES_MAX {
            return None;
        }
        let url = base.join(href)?;
        let is_here = url.contains('#') && url::without_fragment(&url) == self.own_url;
        (!is_here).then_some(url)
    }

    /// Tells the writer of an element that begins.
    fn enter(&mut self, kind: Kind, tag: &Tag) {
        match kind {
            Kind::Heading(level) => self.writer.open_heading(level),
            Kind::Quote => self.writer.open_quote(),
            Kind::List => self.writer.open_list(None),
            Kind::Numbered => {
                let first = tag.get(Attribute::Start).and_then(|start| start.trim().parse().ok());
                self.writer.open_list(Some(first.unwrap_or(1)));
            }
            Kind::Item => self.writer.open_item(),
            Kind::Meaning => self.writer.open_meaning(),
            Kind::Term => {
                self.writer.end_block();
                self.set_mark(0, true);
            }
            Kind::Preformatted => {
                self.writer.open_code();
                self.name_language(tag);
            }
            Kind::Table => {
                let role = tag.get(Attribute::Role);
                self.writer.open_table(matches!(role, Some("presentation" | "none")));
            }
            Kind::Row => self.writer.end_row(),
            Kind::Cell | Kind::HeadCell => {
                let span = tag.get(Attribute::Colspan).and_then(|span| span.trim().parse().ok());
                self.writer.open_cell(span.unwrap_or(1usize).clamp(1, SPAN_MAX) - 1);
            }
            Kind::Link => {
                let url = tag.get(Attribute::Href).and_then(|href| self.target(href));
                if let Some(url) = &url {
                    self.links.open(url);
                }
                self.writer.link(url);
            }
            Kind::Bold => self.set_mark(0, true),
            Kind::Italic => self.set_mark(1, true),
            Kind::Struck => self.set_mark(2, true),
            Kind::Code => {
                self.set_mark(3, true);
                self.name_language(tag);
            }
            Kind::Quotation => self.writer.text("“"),
            _ if kind.is_block() => self.writer.end_block(),
            _ => {}
        }
    }

    /// Tells the writer of an element that ends.
    fn leave(&mut self, kind: Kind) {
        match kind {
            Kind::Heading(_) => self.writer.close_heading(),
            Kind::List | Kind::Numbered => self.writer.close_list(),
            Kind::Quote | Kind::Item | Kind::Meaning => self.writer.close_container(),
            Kind::Term => {
                self.writer.end_block();
                self.set_mark(0, false);
            }
            Kind::Preformatted => self.writer.close_code(),
            Kind::Table => self.writer.close_table(),
            Kind::Row => self.writer.end_row(),
            Kind::Cell | Kind::HeadCell => self.writer.end_cell(),
            Kind::Link => {
                self.links.close();
                self.writer.link(None);
            }
            Kind::Bold => self.set_mark(0, false),
            Kind::Italic => self.set_mark(1, false),
            Kind::Struck => self.set_mark(2, false),
            Kind::Code => self.set_mark(3, false),
            Kind::Quotation => self.writer.text("”"),
            _ if kind.is_block() => self.writer.end_block(),
            _ => {}
        }
    }

    fn close_down_to(&mut self, index: usize) {
        while self.open.len() > index
            && let Some(open) = self.open.pop()
        {
            if open.is_shown {
                self.leave(open.kind);
            }
            self.foreign -= u32::from(open.is_foreign);
            self.mains -= u32::from(open.is_main);
            self.sections -= u32::from(matches!(open.kind, Kind::Main | Kind::Section));
            self.margins -= u32::from(open.kind == Kind::Margin);
            if self.hidden_from == Some(self.open.len()) {
                self.hidden_from = None;
            }
        }
    }

    fn set_mark(&mut self, index: usize, is_on: bool) {
        let count = &mut self.marks[index];
        *count = if is_on { *count + 1 } else { count.saturating_sub(1) };
        let [bold, italic, struck, code] = self.marks.map(|count| count > 0);
        self.writer.mark(Marks { bold, italic, struck, code, ..Marks::default() });
    }

    /// Reads the language of code from a class like `language-rust`.
    fn name_language(&mut self, tag: &Tag) {
        let classes = tag.get(Attribute::Class).unwrap_or_default().split_ascii_whitespace();
        let mut languages = classes.filter_map(|class| {
            class.strip_prefix("language-").or_else(|| class.strip_prefix("lang-"))
        });
        if let Some(language) = languages.next() {
            self.writer.code_language(language);
        }
    }
}

/// Stands for the name of an element, of any length.
fn identity(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
