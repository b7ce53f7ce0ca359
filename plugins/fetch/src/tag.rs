//! A start tag, as far as it matters.
//!
//! Not here: what it means (`element`, `tree`).

/// The attributes that matter, each called as in HTML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    Alt,
    AriaHidden,
    Class,
    Colspan,
    Content,
    Hidden,
    Href,
    Lang,
    Name,
    Open,
    Property,
    Role,
    Src,
    Start,
    Style,
}

impl Attribute {
    /// How many there are.
    pub const COUNT: usize = Self::Style as usize + 1;

    /// Looks one up by its name in lower case.
    pub fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"alt" => Self::Alt,
            b"aria-hidden" => Self::AriaHidden,
            b"class" => Self::Class,
            b"colspan" => Self::Colspan,
            b"content" => Self::Content,
            b"hidden" => Self::Hidden,
            b"href" => Self::Href,
            b"lang" => Self::Lang,
            b"name" => Self::Name,
            b"open" => Self::Open,
            b"property" => Self::Property,
            b"role" => Self::Role,
            b"src" => Self::Src,
            b"start" => Self::Start,
            b"style" => Self::Style,
            _ => return None,
        })
    }
}

/// A start tag.
#[derive(Debug, Default)]
pub struct Tag {
    /// Its name in lower case.
    pub name: Vec<u8>,
    /// Its attributes, by [`Attribute`].
    pub attributes: [Option<String>; Attribute::COUNT],
    /// It ends with `/>`.
    pub is_self_closing: bool,
}

impl Tag {
    /// Returns the value of an attribute; an empty one when it has none.
    pub fn get(&self, attribute: Attribute) -> Option<&str> {
        self.attributes[attribute as usize].as_deref()
    }
}
