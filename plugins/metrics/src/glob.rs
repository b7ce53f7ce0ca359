//! Patterns in `.gitignore` syntax, for ignore files and for a request's `include` and `exclude`.
//!
//! Invariant: matching takes at most pattern length × path length steps for any pattern.
//! Not here: which files the patterns come from (`walk`).

/// One pattern.
#[derive(Debug)]
pub struct Pattern {
    negated: bool,
    folders_only: bool,
    anchored: bool,
    segments: Vec<Vec<u8>>,
}

/// Patterns of one file or request; the last that matches decides.
#[derive(Debug, Default)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Reads the lines of an ignore file. Empty lines and comments are left out.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self(lines.into_iter().filter_map(Pattern::parse).collect())
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says whether `path`, relative to where the patterns apply, is matched (`true`), matched by a
    /// negated pattern (`false`), or not mentioned.
    pub fn decide(&self, path: &str, is_folder: bool) -> Option<bool> {
        let segments: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
        let hit = self.0.iter().rev().find(|pattern| pattern.matches(&segments, is_folder));
        hit.map(|pattern| !pattern.negated)
    }
}

impl Pattern {
    /// Reads one line; nothing for an empty line or a comment.
    fn parse(line: &str) -> Option<Self> {
        let mut text = line.trim_end_matches('\r');
        // A trailing space counts only when a backslash protects it.
        while text.ends_with(' ') && !text.ends_with("\\ ") {
            text = &text[..text.len() - 1];
        }
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let negated = text.starts_with('!');
        text = text.strip_prefix('!').unwrap_or(text);
        let folders_only = text.ends_with('/');
        text = text.strip_suffix('/').unwrap_or(text);
        let anchored = text.contains('/');
        text = text.strip_prefix('/').unwrap_or(text);
        let mut segments: Vec<Vec<u8>> =
            text.split('/').map(|part| part.as_bytes().to_vec()).collect();
        // `**` twice in a row means what it means once.
        segments.dedup_by(|a, b| a == b"**" && b == b"**");
        (!text.is_empty()).then_some(Self { negated, folders_only, anchored, segments })
    }

    fn matches(&self, path: &[&[u8]], is_folder: bool) -> bool {
        if self.folders_only && !is_folder {
            return false;
        }
        if self.anchored {
            return segments_match(&self.segments, path);
        }
        path.last().is_some_and(|name| segment_matches(&self.segments[0], name))
    }
}

/// Matches whole paths; `**` stands for any number of segments, at the end for at least one.
fn segments_match(pattern: &[Vec<u8>], path: &[&[u8]]) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let last = p + 1 == pattern.len();
        if p < pattern.len() && pattern[p] == b"**" {
            if last {
                return s < path.len();
            }
            retry = Some((p + 1, s));
            p += 1;
        } else if p < pattern.len() && s < path.len() && segment_matches(&pattern[p], path[s]) {
            p += 1;
            s += 1;
        } else if p == pattern.len() && s == path.len() {
            return true;
        } else {
            match retry {
                Some((next, from)) if from < path.len() => {
                    retry = Some((next, from + 1));
                    (p, s) = (next, from + 1);
                }
                Some(_) | None => return false,
            }
        }
    }
}

/// Matches one name: `*` any bytes, `?` any byte, `[…]` one of a set, a backslash the next byte.
fn segment_matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while s < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            retry = Some((p + 1, s));
            p += 1;
        } else if let Some(length) = byte_matches(&pattern[p..], name[s]) {
            p += length;
            s += 1;
        } else if let Some((next, from)) = retry {
            retry = Some((next, from + 1));
            (p, s) = (next, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Matches one byte and returns how much of the pattern that took.
fn byte_matches(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] | [b'*', ..] => None,
        [b'?', ..] => Some(1),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [b'[', ..] => class_matches(pattern, byte),
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// Matches `[abc]`, `[a-z]`, `[!a]`; an unclosed bracket matches nothing.
fn class_matches(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let first = if negated { 2 } else { 1 };
    let mut at = first;
    let mut hit = false;
    loop {
        let low = *pattern.get(at)?;
        if low == b']' && at > first {
            return (hit != negated).then_some(at + 1);
        }
        match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                hit |= (low..=*high).contains(&byte);
                at += 3;
            }
            _ => {
                hit |= low == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Patterns;

    fn decide(patterns: &str, path: &str) -> Option<bool> {
        let (path, is_folder) = match path.strip_suffix('/') {
            Some(path) => (path, true),
            None => (path, false),
        };
        Patterns::parse(patterns.lines()).decide(path, is_folder)
    }

    #[test]
    fn patterns_match_as_in_git() {
        let cases = [
            ("a", "a", true),
            ("a", "x/a", true),
            ("a", "ab", false),
            ("*.rs", "x/y.rs", true),
            ("*.rs", "x.rs/y", false),
            ("/a", "a", true),
            ("/a", "x/a", false),
            ("a/b", "a/b", true),
            ("a/b", "x/a/b", false),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("**/a", "a", true),
            ("**/a", "x/y/a", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "ab", false),
            ("a/", "a/", true),
            ("a/", "a", false),
            ("?.rs", "a.rs", true),
            ("?.rs", "ab.rs", false),
            ("[ab].rs", "b.rs", true),
            ("[!ab].rs", "b.rs", false),
            ("[a-c]x", "bx", true),
            ("[a", "[a", false),
            ("\\!a", "!a", true),
            ("\\#a", "#a", true),
            ("#a", "#a", false),
            ("a ", "a", true),
            ("a\r", "a", true),
            ("", "", false),
            ("/", "a", false),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(decide(pattern, path) == Some(true), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        assert_eq!(decide("*.rs\n!a.rs", "a.rs"), Some(false));
        assert_eq!(decide("!a.rs\n*.rs", "a.rs"), Some(true));
        assert_eq!(decide("*.rs", "a.md"), None);
    }

    #[test]
    fn a_pattern_of_stars_takes_no_exponential_time() {
        let pattern = format!("{}b", "*a".repeat(500));
        assert_eq!(decide(&pattern, &"a".repeat(4_000)), None);
        let pattern = format!("{}b", "**/a/".repeat(100));
        assert_eq!(decide(&pattern, &"a/".repeat(1_000)), None);
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_is_too_strange(pattern in "[*?\\[\\]!^/\\\\a-c é-]{0,20}", path in "[a-cé/]{0,20}") {
            decide(&pattern, &path);
        }
    }
}
