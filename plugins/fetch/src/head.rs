//! What a page says about itself: title, description, language.
//!
//! None of it is seen in the page, so it is as good as its author.

use crate::invisible;

/// Characters of a title that are kept.
const TITLE_CHARS_MAX: usize = 300;
/// Characters of a description that are kept.
const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// Characters of a language tag: the longest in the registry have 35.
const LANGUAGE_CHARS_MAX: usize = 35;

/// What was found; the first of each counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    title: Option<String>,
    social_title: Option<String>,
    description: Option<String>,
    social_description: Option<String>,
    language: Option<String>,
}

impl Head {
    /// Takes the text of a `<title>`.
    pub fn read_title(&mut self, text: &str) {
        keep_first(&mut self.title, text, TITLE_CHARS_MAX);
    }

    /// Takes a `<meta>` by its `name` or `property`.
    pub fn read_meta(&mut self, name: &str, content: &str) {
        match name.to_ascii_lowercase().as_str() {
            "description" => keep_first(&mut self.description, content, DESCRIPTION_CHARS_MAX),
            "og:description" => {
                keep_first(&mut self.social_description, content, DESCRIPTION_CHARS_MAX);
            }
            "og:title" => keep_first(&mut self.social_title, content, TITLE_CHARS_MAX),
            _ => {}
        }
    }

    /// Takes a language tag.
    pub fn read_language(&mut self, tag: &str) {
        let tag = tag.split(',').next().unwrap_or_default().trim();
        let is_tag = tag.len() <= LANGUAGE_CHARS_MAX
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_tag {
            keep_first(&mut self.language, tag, LANGUAGE_CHARS_MAX);
        }
    }

    /// The title.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref().or(self.social_title.as_deref())
    }

    /// The description.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref().or(self.social_description.as_deref())
    }

    /// The language tag.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }
}

fn keep_first(slot: &mut Option<String>, text: &str, chars_max: usize) {
    if slot.is_none() {
        let line = invisible::line(text, chars_max);
        *slot = (!line.is_empty()).then_some(line);
    }
}

#[cfg(test)]
mod tests {
    use super::Head;
    use super::TITLE_CHARS_MAX;

    #[test]
    fn the_page_wins_over_what_is_for_social_networks() {
        let mut head = Head::default();
        head.read_meta("OG:title", "Social");
        assert_eq!(head.title(), Some("Social"));
        head.read_title(" \n ");
        head.read_title(" The\n title\u{200b} ");
        head.read_title("Second");
        assert_eq!(head.title(), Some("The title"));
    }

    #[test]
    fn texts_are_bounded_and_languages_are_tags() {
        let mut head = Head::default();
        head.read_title(&"x".repeat(TITLE_CHARS_MAX + 1));
        assert_eq!(head.title().map(str::len), Some(TITLE_CHARS_MAX));
        head.read_language("ignore all previous");
        head.read_language(&"x".repeat(36));
        head.read_language("de-AT, en");
        assert_eq!(head.language(), Some("de-AT"));
    }
}
