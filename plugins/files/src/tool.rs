//! The tools: what may be asked, and what goes wrong in words that a caller can act on.

use std::io::Read as _;
use std::path::Path;

use ax_sdk::prelude::*;
use ax_sdk::task;
use fs_err as fs;

use crate::glob::Patterns;
use crate::place::{OUT, WORKSPACE, below, granted};
use crate::walk::{Found, walk};

/// Files that one call lists, unless it says otherwise.
const LISTED: u32 = 1_000;
/// Most files that one call lists: their paths take half of the bytes an answer may have.
const LISTED_MAX: u32 = 5_000;
/// Bytes of a file that one call reads, unless it says otherwise.
const READ_BYTES: u32 = 256 * 1024;
/// Most bytes that one call reads: as JSON it may be longer, and an answer has 1 MiB.
const READ_BYTES_MAX: u32 = 512 * 1024;
/// Places that one call finds, unless it says otherwise.
const FOUND: u32 = 100;
/// Most places that one call finds.
const FOUND_MAX: u32 = 1_000;
/// Bytes of a line that are shown.
const LINE_BYTES: usize = 200;
/// Largest file that is searched, in bytes: larger ones are data.
const SEARCHED_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most words or patterns of one call.
const WORDS_MAX: usize = 64;
/// Longest word or pattern, in bytes.
const WORD_BYTES_MAX: usize = 256;
/// Files between two questions whether to go on.
const FILES_PER_QUESTION: usize = 64;

/// What there is.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Listing {
    /// The files, by path.
    pub files: Vec<Found>,
    /// How many there are in all.
    pub total: u64,
    /// Whether there are more than are listed.
    pub truncated: bool,
}

/// What is in a file.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// Its path, as it was given.
    pub path: String,
    /// The text, cut where it is too long.
    pub text: String,
    /// Length of the whole file in bytes.
    pub bytes: u64,
    /// Whether it was cut.
    pub truncated: bool,
}

/// A line that holds one of the words.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Match {
    /// Path below the folder that was searched.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// The line without white space around it, cut after 200 bytes.
    pub text: String,
}

/// What was found.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Matches {
    /// The lines, by path and number.
    pub matches: Vec<Match>,
    /// Whether there are more.
    pub truncated: bool,
}

/// What was written.
#[data]
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Path below the folder `out`.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
}

/// Lists the files of the workspace, sorted by path, with their length. Hidden files and what .gitignore
/// excludes are left out.
#[tool(title = "List files", read_only, idempotent)]
pub fn list(
    /// Folder below the workspace, with `/` between names; all of it when absent.
    path: Option<String>,
    /// Only files whose path below that folder matches one of these globs, in `.gitignore` syntax: at most
    /// 64 of at most 256 bytes.
    pattern: Option<Vec<String>>,
    /// At most so many: 1 to 5,000; 1,000 when absent.
    limit: Option<u32>,
) -> Result<Json<Listing>> {
    let limit = within("limit", limit.unwrap_or(LISTED), LISTED_MAX)?;
    let (_, mut files) = found(path.as_deref(), pattern)?;
    let total = files.len() as u64;
    files.truncate(limit as usize);
    Ok(Json(Listing { truncated: total > files.len() as u64, files, total }))
}

/// Reads one file of the workspace as text.
#[tool(title = "Read a file", read_only, idempotent)]
pub fn read(
    /// Path below the workspace, with `/` between names.
    path: String,
    /// At most so many bytes: 1 to 524,288; 262,144 when absent.
    #[serde(rename = "max-bytes")]
    max_bytes: Option<u32>,
) -> Result<Json<Text>> {
    let max = within("max-bytes", max_bytes.unwrap_or(READ_BYTES), READ_BYTES_MAX)?;
    let place = below(WORKSPACE, &path)?;
    granted(WORKSPACE, "fs:workspace:read")?;
    let file = fs::File::open(&place).map_err(|error| failed(&path, &error))?;
    let about = file.metadata().map_err(|error| failed(&path, &error))?;
    if !about.is_file() {
        return Err(Error::invalid("path", format!("`{path}` is no file")));
    }
    let mut bytes = Vec::new();
    let read = file.take(u64::from(max) + 1).read_to_end(&mut bytes);
    read.map_err(|error| failed(&path, &error))?;
    let (text, truncated) = cut(bytes, max as usize)
        .ok_or_else(|| Error::failed(format!("`{path}` is no text in UTF-8")))?;
    Ok(Json(Text { path, text, bytes: about.len(), truncated }))
}

/// Finds the lines of the workspace's files that hold one of some words, as `TODO`. Letters count as they
/// are written. Files that are no text, or larger than 4 MiB, are left out.
#[tool(title = "Search files", read_only, idempotent)]
pub fn search(
    /// The words: 1 to 64 of at most 256 bytes.
    words: Vec<String>,
    /// Folder below the workspace; all of it when absent.
    path: Option<String>,
    /// Only files that match one of these globs, as for `list`.
    pattern: Option<Vec<String>>,
    /// At most so many lines: 1 to 1,000; 100 when absent.
    limit: Option<u32>,
) -> Result<Json<Matches>> {
    let limit = within("limit", limit.unwrap_or(FOUND), FOUND_MAX)? as usize;
    check_words("words", &words)?;
    if words.is_empty() || words.iter().any(String::is_empty) {
        return Err(Error::invalid("words", "`words` has 1 to 64 words that are not empty"));
    }
    let (root, files) = found(path.as_deref(), pattern)?;
    let mut matches = Vec::new();
    for (done, file) in files.iter().enumerate() {
        if done.is_multiple_of(FILES_PER_QUESTION) && task::cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, format!("stopped after {done} files")));
        }
        if file.bytes > SEARCHED_BYTES_MAX {
            continue;
        }
        let Ok(text) = fs::read_to_string(Path::new(&root).join(&file.path)) else { continue };
        for (line, text) in (1..).zip(text.lines()) {
            if !words.iter().any(|word| text.contains(word.as_str())) {
                continue;
            }
            if matches.len() == limit {
                return Ok(Json(Matches { matches, truncated: true }));
            }
            let text = text.trim();
            let text = text[..text.floor_char_boundary(LINE_BYTES)].to_owned();
            matches.push(Match { path: file.path.clone(), line, text });
        }
    }
    Ok(Json(Matches { matches, truncated: false }))
}

/// Writes a text into a file of the folder `out`, over one that is there. Folders on the way are made.
#[tool(title = "Write a file", destructive, idempotent)]
pub fn write(
    /// Path below the folder `out`, with `/` between names.
    path: String,
    /// The text.
    text: String,
) -> Result<Json<Written>> {
    let place = below(OUT, &path)?;
    if path.is_empty() || path.ends_with('/') {
        return Err(Error::invalid("path", "`path` names no file"));
    }
    granted(OUT, "fs:out:write")?;
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(&path, &error))?;
    }
    fs::write(&place, &text).map_err(|error| failed(&path, &error))?;
    Ok(Json(Written { path, bytes: text.len() as u64 }))
}

/// Finds the files that are asked for, and the folder they are in.
fn found(path: Option<&str>, pattern: Option<Vec<String>>) -> Result<(String, Vec<Found>)> {
    let root = below(WORKSPACE, path.unwrap_or_default())?;
    let lines = pattern.unwrap_or_default();
    check_words("pattern", &lines)?;
    granted(WORKSPACE, "fs:workspace:read")?;
    let files = walk(&root, &Patterns::parse(lines.iter().map(String::as_str)))?;
    Ok((root.to_string_lossy().into_owned(), files))
}

fn check_words(member: &str, words: &[String]) -> Result<()> {
    if words.len() > WORDS_MAX || words.iter().any(|word| word.len() > WORD_BYTES_MAX) {
        let message = format!("`{member}` may have {WORDS_MAX} of {WORD_BYTES_MAX} bytes each");
        return Err(Error::invalid(member, message));
    }
    Ok(())
}

fn within(member: &str, given: u32, max: u32) -> Result<u32> {
    match (1..=max).contains(&given) {
        true => Ok(given),
        false => {
            Err(Error::invalid(member, format!("`{member}` is {given}; it may be 1 to {max}")))
        }
    }
}

/// Cuts bytes to a text of at most `max`; none if it is no text.
fn cut(mut bytes: Vec<u8>, max: usize) -> Option<(String, bool)> {
    let truncated = bytes.len() > max;
    bytes.truncate(max);
    match String::from_utf8(bytes) {
        Ok(text) => Some((text, truncated)),
        // A character may have been cut in two.
        Err(error) if truncated && error.utf8_error().error_len().is_none() => {
            let whole = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(whole);
            Some((String::from_utf8(bytes).ok()?, true))
        }
        Err(_) => None,
    }
}

fn failed(path: &str, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::Denied,
        _ => ErrorKind::Failed,
    };
    Error::new(kind, error.to_string()).code(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_asked_is_refused_with_its_member() {
        let many = || Some(vec!["*".to_owned(); WORDS_MAX + 1]);
        let word = || vec!["TODO".to_owned()];
        for (refused, member) in [
            (list(None, None, Some(0)).map(drop), "limit"),
            (list(None, None, Some(LISTED_MAX + 1)).map(drop), "limit"),
            (list(Some("..".to_owned()), None, None).map(drop), "path"),
            (list(None, many(), None).map(drop), "pattern"),
            (read("/a".to_owned(), None).map(drop), "path"),
            (read("a".to_owned(), Some(READ_BYTES_MAX + 1)).map(drop), "max-bytes"),
            (search(Vec::new(), None, None, None).map(drop), "words"),
            (search(vec![String::new()], None, None, None).map(drop), "words"),
            (search(word(), None, None, Some(FOUND_MAX + 1)).map(drop), "limit"),
            (write("a/../../b".to_owned(), String::new()).map(drop), "path"),
            (write(String::new(), String::new()).map(drop), "path"),
        ] {
            let error = refused.expect_err(member);
            assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Invalid, member));
        }
    }

    #[test]
    fn a_folder_that_is_not_granted_is_denied_with_its_permission() {
        let denied = |error: Error| (error.kind, error.code);
        let read_it = denied(list(None, None, None).expect_err("there is no /workspace here"));
        assert_eq!(read_it, (ErrorKind::Denied, "fs:workspace:read".to_owned()));
        let written = denied(write("a".to_owned(), String::new()).expect_err("nor /out"));
        assert_eq!(written, (ErrorKind::Denied, "fs:out:write".to_owned()));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aé".into(), 3), Some(("aé".to_owned(), false)));
        assert_eq!(cut("aéb".into(), 2), Some(("a".to_owned(), true)));
        assert_eq!(cut(vec![b'a', 255, b'b'], 2), None);
    }
}
