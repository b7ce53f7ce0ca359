//! Where the CSV comes from: the request itself, or a file of the workspace.
//!
//! Not here: reading it as CSV (`table`).

use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read as _};
use std::path::Path;

use ax_sdk::prelude::*;

/// Where the host mounts the granted folder `workspace`.
pub(crate) const WORKSPACE: &str = "/workspace";
/// The permission that takes, for the code of an error.
const PERMISSION: &str = "fs:workspace:read";
/// Bytes of a file: with its cells beside it, it takes a quarter of the memory.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// Bytes of a path: the longest that common systems take.
const PATH_BYTES_MAX: usize = 4096;

/// Returns the text to read: `text`, or what is in `file` below `root`. One of them is given.
pub(crate) fn read(root: &Path, text: Option<String>, file: Option<String>) -> Result<String> {
    match (text, file) {
        (Some(text), None) => Ok(text),
        (None, Some(file)) => read_file(root, &file),
        (None, None) => Err(Error::invalid("text", "give `text`, or a `file`")),
        (Some(_), Some(_)) => Err(Error::invalid("file", "give `text` or a `file`, not both")),
    }
}

fn read_file(root: &Path, file: &str) -> Result<String> {
    let wrong = |why: &str| Err(Error::invalid("file", format!("`file` {why}")));
    if file.is_empty() || file.len() > PATH_BYTES_MAX {
        return wrong("is a path of 1 to 4,096 bytes");
    }
    if file.starts_with('/') {
        return wrong("is absolute; write it as seen from the folder `workspace`");
    }
    if file.split('/').any(|part| part == "..") {
        return wrong("leaves the folder with `..`");
    }
    if std::fs::read_dir(root).is_err() {
        let message = "the folder `workspace` is not granted to this plugin";
        return Err(Error::new(ErrorKind::Denied, message).code(PERMISSION));
    }
    let failed = |error: std::io::Error| match error.kind() {
        IoErrorKind::NotFound => Error::not_found(file, format!("there is no file `{file}`")),
        _ => Error::failed(format!("`{file}` cannot be read: {error}")).code(file),
    };
    let mut bytes = Vec::new();
    let opened = File::open(root.join(file)).map_err(failed)?;
    let mut limited = opened.take(FILE_BYTES_MAX + 1);
    limited.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("`{file}` is larger than 8 MiB; split it");
        return Err(Error::new(ErrorKind::Exhausted, message).code("file"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..valid]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        Error::invalid("file", format!("`{file}` is not UTF-8 on line {line}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: Option<&str>, file: Option<&str>) -> (ErrorKind, String) {
        let folder = std::env::temp_dir();
        let refused = read(&folder, text.map(str::to_owned), file.map(str::to_owned));
        let error = refused.unwrap_err();
        (error.kind, error.code)
    }

    #[test]
    fn one_source_is_given() {
        assert_eq!(code(None, None), (ErrorKind::Invalid, "text".to_owned()));
        assert_eq!(code(Some("a"), Some("b")).0, ErrorKind::Invalid);
        let text = read(Path::new("/nowhere"), Some("a,b\n".to_owned()), None);
        assert_eq!(text.unwrap(), "a,b\n");
    }

    #[test]
    fn a_path_stays_below_the_workspace() {
        let long = "a".repeat(PATH_BYTES_MAX + 1);
        for file in ["", "/etc/passwd", "..", "a/../../b", long.as_str()] {
            assert_eq!(
                code(None, Some(file)),
                (ErrorKind::Invalid, "file".to_owned()),
                "{file}"
            );
        }
        assert_eq!(code(None, Some("no such file.csv")).0, ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_that_is_not_granted_is_denied() {
        let denied = read(Path::new("/no/such/folder"), None, Some("a.csv".to_owned()));
        assert_eq!(denied.unwrap_err().code, PERMISSION);
    }
}
