//! What each element of HTML means for the text: a table, and the groups that follow from it.
//!
//! Not here: what an element's attributes change (`tree`).

/// What an element is to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `html`, `body`.
    Document,
    /// `head`.
    Head,
    /// `title`.
    Title,
    /// `meta`.
    Meta,
    /// `base`.
    Base,
    /// `p`.
    Paragraph,
    /// `div`, `address` and whatever else only begins a new line.
    Block,
    /// `article`, `section`.
    Section,
    /// `main`.
    Main,
    /// `header`, `footer`: noise unless they belong to an article.
    Margin,
    /// `nav`, `aside`, `menu`, `search`: noise.
    Aside,
    /// `form`.
    Form,
    /// `h1` … `h6`.
    Heading(u8),
    /// `blockquote`.
    Quote,
    /// `ul`.
    List,
    /// `ol`.
    Numbered,
    /// `li`.
    Item,
    /// `dt`.
    Term,
    /// `dd`.
    Meaning,
    /// `pre` and its old names.
    Preformatted,
    /// `hr`.
    Rule,
    /// `br`.
    Break,
    /// `img`.
    Image,
    /// `a`.
    Link,
    /// `b`, `strong`.
    Bold,
    /// `i`, `em` and the like.
    Italic,
    /// `code`, `kbd`, `samp`, `tt`.
    Code,
    /// `del`, `s`, `strike`.
    Struck,
    /// `q`.
    Quotation,
    /// `table`.
    Table,
    /// `thead`, `tbody`, `tfoot`.
    RowGroup,
    /// `tr`.
    Row,
    /// `td`.
    Cell,
    /// `th`.
    HeadCell,
    /// `caption`.
    Caption,
    /// `dialog`: only there when open.
    Dialog,
    /// `button` and `label`: noise.
    Control,
    /// Never text for a reader: `script`, `style`, what stands in for sounds and pictures.
    Dropped,
    /// As `Dropped`, and what is inside cannot end what is outside.
    Sealed,
    /// Has no content and no meaning here: `wbr`, `input`, `link` …
    Void,
    /// Everything else: its text is text.
    Inline,
}

impl Kind {
    /// Looks an element up by its name in lower case.
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"html" | b"body" => Self::Document,
            b"head" => Self::Head,
            b"title" => Self::Title,
            b"meta" => Self::Meta,
            b"base" => Self::Base,
            b"p" => Self::Paragraph,
            b"div" | b"address" | b"center" | b"details" | b"summary" | b"dl" | b"fieldset"
            | b"legend" | b"figure" | b"figcaption" | b"hgroup" | b"dir" | b"frameset" => {
                Self::Block
            }
            b"article" | b"section" => Self::Section,
            b"main" => Self::Main,
            b"header" | b"footer" => Self::Margin,
            b"nav" | b"aside" | b"menu" | b"search" => Self::Aside,
            b"form" => Self::Form,
            b"h1" => Self::Heading(1),
            b"h2" => Self::Heading(2),
            b"h3" => Self::Heading(3),
            b"h4" => Self::Heading(4),
            b"h5" => Self::Heading(5),
            b"h6" => Self::Heading(6),
            b"blockquote" => Self::Quote,
            b"ul" => Self::List,
            b"ol" => Self::Numbered,
            b"li" => Self::Item,
            b"dt" => Self::Term,
            b"dd" => Self::Meaning,
            b"pre" | b"listing" | b"xmp" | b"plaintext" => Self::Preformatted,
            b"hr" => Self::Rule,
            b"br" => Self::Break,
            b"img" | b"image" => Self::Image,
            b"a" => Self::Link,
            b"b" | b"strong" => Self::Bold,
            b"i" | b"em" | b"cite" | b"dfn" | b"var" => Self::Italic,
            b"code" | b"kbd" | b"samp" | b"tt" => Self::Code,
            b"del" | b"s" | b"strike" => Self::Struck,
            b"q" => Self::Quotation,
            b"table" => Self::Table,
            b"thead" | b"tbody" | b"tfoot" => Self::RowGroup,
            b"tr" => Self::Row,
            b"td" => Self::Cell,
            b"th" => Self::HeadCell,
            b"caption" => Self::Caption,
            b"dialog" => Self::Dialog,
            b"button" | b"label" => Self::Control,
            b"script" | b"style" | b"noscript" | b"svg" | b"iframe" | b"canvas" | b"video"
            | b"audio" | b"map" | b"noembed" | b"noframes" | b"textarea" | b"datalist"
            | b"annotation" | b"annotation-xml" | b"rp" | b"progress" | b"meter" => Self::Dropped,
            b"template" | b"object" | b"applet" | b"select" => Self::Sealed,
            b"area" | b"bgsound" | b"basefont" | b"col" | b"embed" | b"frame" | b"input"
            | b"keygen" | b"link" | b"param" | b"source" | b"track" | b"wbr" => Self::Void,
            _ => Self::Inline,
        }
    }

    /// Answers whether the element has no content, so that it is never open.
    pub fn is_void(self) -> bool {
        matches!(
            self,
            Self::Meta | Self::Base | Self::Rule | Self::Break | Self::Image | Self::Void
        )
    }

    /// Answers whether the element only marks text, so that its end does not reach through blocks.
    pub fn is_inline(self) -> bool {
        matches!(
            self,
            Self::Link
                | Self::Bold
                | Self::Italic
                | Self::Code
                | Self::Struck
                | Self::Quotation
                | Self::Control
                | Self::Inline
        )
    }

    /// Answers whether its start ends a paragraph that is open.
    pub fn ends_paragraph(self) -> bool {
        match self {
            Self::Paragraph
            | Self::Block
            | Self::Section
            | Self::Main
            | Self::Margin
            | Self::Aside
            | Self::Form
            | Self::Heading(_)
            | Self::Quote
            | Self::List
            | Self::Numbered
            | Self::Item
            | Self::Term
            | Self::Meaning
            | Self::Preformatted
            | Self::Rule
            | Self::Dialog
            | Self::Table => true,
            Self::Document
            | Self::Head
            | Self::Title
            | Self::Meta
            | Self::Base
            | Self::Break
            | Self::Image
            | Self::Link
            | Self::Bold
            | Self::Italic
            | Self::Code
            | Self::Struck
            | Self::Quotation
            | Self::RowGroup
            | Self::Row
            | Self::Cell
            | Self::HeadCell
            | Self::Caption
            | Self::Control
            | Self::Dropped
            | Self::Sealed
            | Self::Void
            | Self::Inline => false,
        }
    }

    /// Answers whether text before and after it stands on lines of its own.
    pub fn is_block(self) -> bool {
        self.ends_paragraph() || matches!(self, Self::RowGroup | Self::Caption)
    }

    /// Answers whether it is a part of a table.
    pub fn is_table_part(self) -> bool {
        matches!(
            self,
            Self::Table | Self::RowGroup | Self::Row | Self::Cell | Self::HeadCell | Self::Caption
        )
    }

    /// Answers whether what is inside cannot end what is outside.
    pub fn is_barrier(self) -> bool {
        matches!(self, Self::Table | Self::Cell | Self::HeadCell | Self::Caption | Self::Sealed)
    }

    /// Answers whether a start of `self` ends the nearest `open`; `None` to look further out, and
    /// `Some(false)` when nothing further out may be ended.
    pub fn ends(self, open: Self) -> Option<bool> {
        let ends = match self {
            Self::Item => open == Self::Item,
            Self::Term | Self::Meaning => matches!(open, Self::Term | Self::Meaning),
            Self::Cell | Self::HeadCell => matches!(open, Self::Cell | Self::HeadCell),
            Self::Row => open == Self::Row,
            Self::RowGroup => open == Self::RowGroup,
            Self::Link => open == Self::Link,
            _ => return Some(false),
        };
        if ends {
            return Some(true);
        }
        let stops = match self {
            Self::Item => {
                matches!(open, Self::List | Self::Numbered | Self::Aside) || open.is_barrier()
            }
            Self::Term | Self::Meaning => {
                matches!(open, Self::List | Self::Numbered | Self::Section) || open.is_barrier()
            }
            Self::Cell | Self::HeadCell => matches!(open, Self::Row | Self::Table),
            Self::Row | Self::RowGroup => open == Self::Table,
            _ => open.is_barrier(),
        };
        if stops { Some(false) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn a_name_that_nobody_knows_is_inline() {
        assert_eq!(Kind::of(b"x-card"), Kind::Inline);
        assert_eq!(Kind::of(b""), Kind::Inline);
        assert_eq!(Kind::of(b"\xff"), Kind::Inline);
    }

    #[test]
    fn an_item_ends_its_sibling_and_not_its_parent() {
        assert_eq!(Kind::Item.ends(Kind::Item), Some(true));
        assert_eq!(Kind::Item.ends(Kind::Bold), None);
        assert_eq!(Kind::Item.ends(Kind::List), Some(false));
        assert_eq!(Kind::Paragraph.ends(Kind::Item), Some(false));
    }
}
