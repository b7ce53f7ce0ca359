//! Paths that are asked for: below a granted folder, and nowhere else.
//!
//! The host would not let it out anyway; here it is told which member is wrong.

use std::path::{Path, PathBuf};

use ax_sdk::prelude::*;

/// Where the host mounts the project.
pub const WORKSPACE: &str = "/workspace";
/// Where the host mounts the folder that is written into.
pub const OUT: &str = "/out";
/// Longest path, in bytes: the longest that common systems take.
pub const PATH_BYTES_MAX: usize = 4096;

/// Finds the place of a path below a folder.
///
/// # Errors
///
/// `invalid` with `path`.
pub fn below(folder: &str, path: &str) -> Result<PathBuf> {
    let why = if path.len() > PATH_BYTES_MAX {
        "it is longer than 4,096 bytes"
    } else if path.starts_with('/') || path.contains('\\') {
        "it is absolute or holds a `\\`; write it as seen from the folder, with `/`"
    } else if path.split('/').any(|part| part == "..") {
        "it leaves the folder with `..`"
    } else if path.contains('\0') {
        "it holds a zero byte"
    } else {
        return Ok(Path::new(folder).join(path));
    };
    Err(Error::invalid("path", format!("`path` is refused: {why}")))
}

/// Says that a folder is not granted, if that is so.
///
/// # Errors
///
/// `denied` with the permission.
pub fn granted(folder: &str, permission: &str) -> Result<()> {
    match Path::new(folder).is_dir() {
        true => Ok(()),
        false => {
            let name = folder.trim_start_matches('/');
            let message = format!("the folder `{name}` is not granted to this plugin");
            Err(Error::new(ErrorKind::Denied, message).code(permission))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_folder_is_refused() {
        for path in ["/etc/passwd", "..", "a/../../b", "a\\b", "a\0b", &"a".repeat(4097)] {
            assert_eq!(below(OUT, path).expect_err(path).code, "path");
        }
        for path in ["", ".", "a/b.md", "..a/b..", &"a".repeat(4096)] {
            assert!(below(OUT, path).is_ok_and(|it| it.starts_with(OUT)), "{path}");
        }
    }
}
