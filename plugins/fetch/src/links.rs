//! The links of a page, each once, in the order they appear.

use ax_sdk::data;

use crate::invisible;

/// Most links that are listed: more is a site map, and each costs a model some 30 tokens.
pub const LINKS_MAX: usize = 200;
/// Most bytes of all of them, so that long URLs leave room for the text in the result.
pub const LINKS_BYTES_MAX: usize = 128 * 1024;
/// Characters of a link's text that are kept.
const TEXT_CHARS_MAX: usize = 120;
/// Bytes of a link's text that are looked at for that.
const TEXT_BYTES_MAX: usize = 1_024;

/// A link in the text.
#[data]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it leads: absolute, `http` or `https`, ASCII, at most 2,048 bytes.
    pub url: String,
    /// What it says, on one line of at most 120 characters; empty when it says nothing.
    pub text: String,
}

/// The links so far.
#[derive(Debug, Default)]
pub struct Links {
    list: Vec<Link>,
    bytes: usize,
    open: Option<usize>,
    is_cut: bool,
}

impl Links {
    /// Begins a link; its text follows.
    pub fn open(&mut self, url: &str) {
        // At most 200 are compared.
        self.open = self.list.iter().position(|link| link.url == url);
        if self.open.is_some() {
            // Only a link without text takes the text of a later one.
            self.open = self.open.filter(|index| self.list[*index].text.is_empty());
            return;
        }
        let bytes = self.bytes + url.len() + TEXT_CHARS_MAX;
        if self.list.len() == LINKS_MAX || bytes > LINKS_BYTES_MAX {
            self.is_cut = true;
            return;
        }
        self.bytes = bytes;
        self.open = Some(self.list.len());
        self.list.push(Link { url: url.to_owned(), text: String::new() });
    }

    /// Takes text; only what is inside a link counts.
    pub fn text(&mut self, text: &str) {
        let Some(link) = self.open.and_then(|index| self.list.get_mut(index)) else { return };
        let room = TEXT_BYTES_MAX.saturating_sub(link.text.len());
        link.text.push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// Ends a link.
    pub fn close(&mut self) {
        let open = self.open.take();
        if let Some(link) = open.and_then(|index| self.list.get_mut(index)) {
            link.text = invisible::line(&link.text, TEXT_CHARS_MAX);
        }
    }

    /// Returns the links, and whether some were left out.
    pub fn finish(mut self) -> (Vec<Link>, bool) {
        self.close();
        (self.list, self.is_cut)
    }
}

#[cfg(test)]
mod tests {
    use super::LINKS_BYTES_MAX;
    use super::LINKS_MAX;
    use super::Links;

    #[test]
    fn each_stands_once_with_the_first_text() {
        let mut links = Links::default();
        for (url, text) in [("a", ""), ("b", " x\n y "), ("a", "late"), ("b", "other")] {
            links.open(url);
            links.text(text);
            links.close();
            links.text("outside");
        }
        let (list, is_cut) = links.finish();
        let shown: Vec<_> =
            list.iter().map(|link| (link.url.as_str(), link.text.as_str())).collect();
        assert_eq!((shown, is_cut), (vec![("a", "late"), ("b", "x y")], false));
    }

    #[test]
    fn their_number_and_their_bytes_are_bounded() {
        let mut links = Links::default();
        (0..LINKS_MAX).for_each(|index| links.open(&index.to_string()));
        links.open("0");
        assert!(!links.is_cut);
        links.open("one more");
        assert!(links.is_cut);
        assert_eq!(links.finish().0.len(), LINKS_MAX);
        let mut links = Links::default();
        (0..LINKS_MAX).for_each(|index| links.open(&format!("{index}{}", "x".repeat(2_000))));
        let (list, is_cut) = links.finish();
        let bytes: usize = list.iter().map(|link| link.url.len()).sum();
        assert!(is_cut && bytes < LINKS_BYTES_MAX && list.len() > 50);
    }
}
