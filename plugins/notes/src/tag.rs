//! Tags: how they are written.
//!
//! Not here: which notes have one (`block`, `listing`).

use crate::error::NotesError;
use crate::error::invalid;

/// Tags of one note: more are words, and words are searched anyway.
pub const TAGS_MAX: usize = 16;
/// Bytes of one tag: a few words.
pub const TAG_BYTES_MAX: usize = 64;
/// What a tag may hold beside letters and digits: marks that people put into tags, and nothing that
/// a list of tags might be separated by.
const MARKS: &str = "-_./+#@:";

/// Brings the tags of a request to the form they are kept in: lower case, sorted, each once.
///
/// # Errors
///
/// [`NotesError::Invalid`] for one that can be no tag, and for too many.
pub fn tags(given: &[String]) -> Result<Vec<String>, NotesError> {
    if given.len() > TAGS_MAX {
        return Err(invalid("tags", format!("has {} tags; {TAGS_MAX} are allowed", given.len())));
    }
    let mut tags = given.iter().map(|text| tag("tags", text)).collect::<Result<Vec<_>, _>>()?;
    tags.sort();
    tags.dedup();
    Ok(tags)
}

/// Brings one tag to the form it is kept in. `member` is where it stands in the request.
///
/// # Errors
///
/// [`NotesError::Invalid`] if it can be no tag.
pub fn tag(member: &'static str, given: &str) -> Result<String, NotesError> {
    // Some letters grow when they turn to lower case, none is more than half as long again.
    if given.len() > TAG_BYTES_MAX {
        let why = format!("has a tag of {} bytes; {TAG_BYTES_MAX} are allowed", given.len());
        return Err(invalid(member, why));
    }
    let tag: String = given.chars().flat_map(char::to_lowercase).collect();
    let begins = tag.chars().next().is_some_and(char::is_alphanumeric);
    // The second dot of a capital `İ` in lower case is no letter by itself.
    let is_allowed = |c: char| c.is_alphanumeric() || c == '\u{307}' || MARKS.contains(c);
    if !begins || !tag.chars().all(is_allowed) {
        let why = format!(
            "has a tag that may not be; tags are letters, digits and `{MARKS}`, beginning with a \
             letter or a digit"
        );
        return Err(invalid(member, why));
    }
    if tag.len() > TAG_BYTES_MAX {
        let why =
            format!("has a tag of {} bytes in lower case; {TAG_BYTES_MAX} are allowed", tag.len());
        return Err(invalid(member, why));
    }
    Ok(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn tags_are_kept_in_lower_case_sorted_and_once() {
        let kept = tags(&given(&["Work", "c++", "work", "2025/Q1", "Größe"])).unwrap();
        assert_eq!(kept, ["2025/q1", "c++", "größe", "work"]);
    }

    #[test]
    fn what_can_be_no_tag_is_refused() {
        for text in ["", " ", "a b", "a,b", "-a", "a\n", "a\u{200b}", "\"", "a\u{1b}[1m", "…"] {
            let error = tag("tag", text).unwrap_err();
            assert!(matches!(error, NotesError::Invalid { member: "tag", .. }), "{text:?}");
        }
    }

    #[test]
    fn a_tag_has_64_bytes_and_a_note_16_tags() {
        assert!(tag("tag", &"a".repeat(64)).is_ok());
        assert!(tag("tag", &"a".repeat(65)).is_err());
        assert!(tag("tag", &"Ⱥ".repeat(21)).is_ok());
        assert!(tag("tag", &"Ⱥ".repeat(32)).is_err(), "it is 96 bytes in lower case");
        let sixteen: Vec<String> = (0..16).map(|number| format!("t{number}")).collect();
        assert_eq!(tags(&sixteen).unwrap().len(), 16);
        assert!(tags(&[sixteen, given(&["x"])].concat()).is_err());
    }

    #[test]
    fn a_kept_tag_is_a_tag() {
        for text in ["İstanbul", "ẞ", "ΣΑΣ", "ŉ1"] {
            let kept = tag("tag", text).unwrap();
            assert_eq!(tag("tag", &kept).unwrap(), kept);
        }
    }
}
