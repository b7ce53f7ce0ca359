//! Makes what a command said the same in every run.

use std::path::Path;

/// Hexadecimal digits from which on a run of them is a digest: twelve are its short form.
const DIGEST_DIGITS_MIN: usize = 12;

/// Replaces paths by their names and digests by `DIGEST`.
#[must_use]
pub fn redacted(text: &str, paths: &[(&Path, &str)]) -> String {
    let mut text = text.to_owned();
    for (path, name) in paths {
        text = text.replace(&*path.to_string_lossy(), name);
    }
    without_digests(&text)
}

fn without_digests(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for character in text.chars().map(Some).chain([None]) {
        match character {
            Some(digit) if matches!(digit, '0'..='9' | 'a'..='f') => digits.push(digit),
            other => {
                let is_digest = digits.len() >= DIGEST_DIGITS_MIN;
                out.push_str(if is_digest { "DIGEST" } else { &digits });
                digits.clear();
                out.extend(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::redacted;

    #[test]
    fn paths_and_digests_are_replaced_and_words_stay() {
        let text = "at /tmp/x/work/a: sha256:0123456789abcdef, deadbeef, a fade 12";
        let paths = [(Path::new("/tmp/x/work"), "WORK")];
        assert_eq!(redacted(text, &paths), "at WORK/a: sha256:DIGEST, deadbeef, a fade 12");
    }
}
