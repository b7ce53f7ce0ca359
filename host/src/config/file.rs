//! Reads one configuration file, whatever is at its path.
//!
//! Invariant: never waits and never reads more than [`FILE_BYTES_MAX`]: only regular files are
//! opened, since a pipe could block for ever and a device never end.
//! Not here: what the text means (`user`, `project`).

use std::io;
use std::io::Read;
use std::path::Path;

use crate::config::document::Located;
use crate::config::document::place_of;
use crate::config::error::ConfigError;
use crate::config::error::FileFlaw;

/// Bytes of one configuration file: thousands of settings, yet nothing to wait for.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads the file at `path`; nothing when there is none. `/dev/null` is an empty file.
///
/// # Errors
///
/// When something is there that is no regular file, is larger than [`FILE_BYTES_MAX`], is not
/// UTF-8 or cannot be read; a link to nothing is something.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    if path == Path::new("/dev/null") {
        return Ok(Some(String::new()));
    }
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    match fs_err::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(metadata) => {
            let found = if metadata.is_dir() { "a folder" } else { "a pipe, socket or device" };
            return Err(ConfigError::NotAFile { path: path.to_owned(), found });
        }
        Err(error) if is_absence(&error) && fs_err::symlink_metadata(path).is_err() => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(error)),
    }
    let mut bytes = Vec::new();
    let file = fs_err::File::open(path).map_err(unreadable)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(ConfigError::TooLarge { path: path.to_owned(), bytes_max: FILE_BYTES_MAX });
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let valid_bytes = error.utf8_error().valid_up_to();
        let valid = String::from_utf8_lossy(&error.as_bytes()[..valid_bytes]);
        located(path, &valid, Located { at: valid_bytes, flaw: FileFlaw::NotText })
    })
}

/// Answers whether an error says that nothing is at a path.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

/// Converts the byte offset of an error into line and column.
pub(super) fn located(path: &Path, text: &str, error: Located) -> ConfigError {
    let (line, column) = place_of(text, error.at);
    ConfigError::Wrong { path: path.to_owned(), line, column, flaw: Box::new(error.flaw) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::FILE_BYTES_MAX;
    use super::read;
    use crate::config::error::ConfigError;

    #[test]
    fn what_is_no_regular_file_is_refused_without_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = read(folder.path()).expect_err("a folder");
        assert!(error.to_string().ends_with("is a folder, not a file"), "{error}");
        let error = read(Path::new("/dev/zero")).expect_err("a device");
        assert!(matches!(error, ConfigError::NotAFile { .. }), "{error}");
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        assert!(matches!(read(&socket), Err(ConfigError::NotAFile { .. })));
    }

    #[test]
    fn links_that_end_nowhere_or_in_themselves_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("config.toml");
        fs_err::os::unix::fs::symlink("nowhere", &link).expect("a link");
        assert!(matches!(read(&link), Err(ConfigError::Unreadable { .. })));
        fs_err::remove_file(&link).expect("removed");
        fs_err::os::unix::fs::symlink("config.toml", &link).expect("a link");
        assert!(matches!(read(&link), Err(ConfigError::Unreadable { .. })));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_with_their_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        fs_err::write(&path, b"a = 1\nb = '\xff'").expect("written");
        let error = read(&path).expect_err("not UTF-8").to_string();
        assert!(error.ends_with("config.toml:2:6: the file is not UTF-8 text"), "{error}");
    }

    #[test]
    fn a_file_may_have_one_mebibyte_and_not_a_byte_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        let bytes_max = usize::try_from(FILE_BYTES_MAX).expect("small");
        fs_err::write(&path, "#".repeat(bytes_max)).expect("written");
        assert_eq!(read(&path).expect("read").map(|text| text.len()), Some(bytes_max));
        fs_err::write(&path, "#".repeat(bytes_max + 1)).expect("written");
        assert!(matches!(read(&path), Err(ConfigError::TooLarge { .. })));
    }

    #[test]
    fn nothing_there_is_no_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs_err::write(&file, "").expect("written");
        assert_eq!(read(&folder.path().join("config.toml")).expect("absent"), None);
        assert_eq!(read(&file.join("config.toml")).expect("absent"), None);
        assert_eq!(read(Path::new("/dev/null")).expect("empty"), Some(String::new()));
        assert_eq!(read(&file).expect("empty"), Some(String::new()));
    }
}
