//! Writes blocks inside quotes and lists: prefixes, markers, the space between.
//!
//! Invariant: the text never grows beyond [`OUTPUT_BYTES_MAX`]; what comes after is left out and
//! [`Outline::is_full`] says so.
//! Not here: what a block says (`writer`).

/// Most bytes of converted text: 20 pages of the largest size, and with the page itself and its text
/// well inside the 64 MiB of a guest.
pub const OUTPUT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most quotes and items inside one another that are shown. Each adds its prefix to every line, and
/// nobody reads deeper lists.
pub const CONTAINERS_MAX: usize = 12;

/// A quote or an item that is open.
#[derive(Debug)]
enum Container {
    Quote,
    Item {
        marker: String,
        /// Nothing stands in it yet, so that the marker is still to be written.
        is_fresh: bool,
    },
}

/// The text so far.
#[derive(Debug, Default)]
pub struct Outline {
    out: String,
    containers: Vec<Container>,
    /// How many containers, from outside, hold the last block too.
    shared: usize,
    /// The last block stands in an item that is closed, and its list goes on.
    follows_item: bool,
    /// Bytes of blocks without prefixes.
    text_bytes: usize,
    is_full: bool,
}

impl Outline {
    /// Answers whether text was left out since the bound is reached.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Answers whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Bytes of the blocks, prefixes and the space between not counted.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Returns the text.
    pub fn into_text(self) -> String {
        self.out
    }

    /// Begins a quote; false when it is too deep to be shown, then it must not be closed.
    pub fn open_quote(&mut self) -> bool {
        self.open(Container::Quote)
    }

    /// Begins an item, as [`Outline::open_quote`].
    pub fn open_item(&mut self, marker: String) -> bool {
        self.open(Container::Item { marker, is_fresh: true })
    }

    /// Ends the innermost quote or item.
    pub fn close(&mut self) {
        let closed = self.containers.pop();
        if self.containers.len() < self.shared {
            self.shared = self.containers.len();
            self.follows_item = matches!(closed, Some(Container::Item { .. }));
        }
    }

    /// Says that a list ended, so that the next item begins another one.
    pub fn end_list(&mut self) {
        if self.containers.len() == self.shared {
            self.follows_item = false;
        }
    }

    /// Writes a block of lines.
    pub fn block<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        if self.is_full {
            return;
        }
        self.separate();
        for (index, line) in lines.into_iter().enumerate() {
            if index > 0 {
                self.push("\n");
            }
            let mut prefix = self.prefix(self.containers.len(), true);
            if line.is_empty() {
                prefix.truncate(prefix.trim_end().len());
            }
            self.push(&prefix);
            self.push(line);
            self.text_bytes += line.len();
            if self.is_full {
                break;
            }
        }
        self.shared = self.containers.len();
        self.follows_item = false;
    }

    fn open(&mut self, container: Container) -> bool {
        let is_shown = self.containers.len() < CONTAINERS_MAX;
        if is_shown {
            self.containers.push(container);
        }
        is_shown
    }

    /// Writes what stands between the last block and the next one.
    fn separate(&mut self) {
        if self.out.is_empty() {
            return;
        }
        self.push("\n");
        let next = self.containers.get(self.shared);
        let begins_item = matches!(next, Some(Container::Item { is_fresh: true, .. }));
        let is_inside = self.shared.checked_sub(1).and_then(|index| self.containers.get(index));
        let is_nested = matches!(is_inside, Some(Container::Item { .. }));
        if begins_item && (self.follows_item || is_nested) {
            return;
        }
        let prefix = self.prefix(self.shared, false);
        self.push(prefix.trim_end());
        self.push("\n");
    }

    /// Returns what stands before a line in the first `depth` containers. A marker that is `written`
    /// is so once; then its width is indent.
    fn prefix(&mut self, depth: usize, written: bool) -> String {
        let mut prefix = String::new();
        for container in self.containers.iter_mut().take(depth) {
            match container {
                Container::Quote => prefix.push_str("> "),
                Container::Item { marker, is_fresh } if *is_fresh && written => {
                    prefix.push_str(marker);
                    *is_fresh = false;
                }
                Container::Item { marker, .. } => {
                    prefix.extend(std::iter::repeat_n(' ', marker.len()));
                }
            }
        }
        prefix
    }

    fn push(&mut self, text: &str) {
        if self.is_full {
            return;
        }
        let room = OUTPUT_BYTES_MAX - self.out.len();
        if text.len() <= room {
            return self.out.push_str(text);
        }
        self.out.push_str(&text[..text.floor_char_boundary(room)]);
        self.is_full = true;
    }
}

#[cfg(test)]
mod tests {
    use super::CONTAINERS_MAX;
    use super::OUTPUT_BYTES_MAX;
    use super::Outline;

    #[test]
    fn a_quote_in_a_list_keeps_its_prefixes() {
        let mut outline = Outline::default();
        outline.block(["before"]);
        outline.open_item("10. ".to_owned());
        outline.block(["a"]);
        outline.open_quote();
        outline.block(["b", "", "c"]);
        outline.close();
        outline.close();
        outline.open_item("11. ".to_owned());
        outline.block(["d"]);
        outline.block(["e"]);
        outline.close();
        outline.end_list();
        outline.open_item("- ".to_owned());
        outline.block(["f"]);
        let text = "before\n\n10. a\n\n    > b\n    >\n    > c\n11. d\n\n    e\n\n- f";
        assert_eq!(outline.into_text(), text);
    }

    #[test]
    fn containers_are_shown_up_to_the_bound() {
        let mut outline = Outline::default();
        for depth in 0..CONTAINERS_MAX {
            assert!(outline.open_quote(), "{depth}");
        }
        assert!(!outline.open_quote());
        assert!(!outline.open_item("- ".to_owned()));
    }

    #[test]
    fn the_text_is_cut_at_the_bound_and_not_in_a_character() {
        let mut outline = Outline::default();
        outline.block([format!("x{}", "ü".repeat(OUTPUT_BYTES_MAX / 2 - 1)).as_str()]);
        assert!(!outline.is_full());
        outline.block(["y"]);
        assert!(outline.is_full());
        let mut outline = Outline::default();
        outline.block([format!("x{}", "ü".repeat(OUTPUT_BYTES_MAX / 2)).as_str()]);
        assert!(outline.is_full());
        assert_eq!(outline.into_text().len(), OUTPUT_BYTES_MAX - 1);
    }
}
