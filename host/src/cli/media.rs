//! Files that are sent along with a question.
//!
//! Not here: how a provider wants them (`provider`).

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fault::CliError;
use super::read_secretly;
use crate::chat::{Media, Part, PartKind};

/// Bytes of one file: the most that a provider takes of a request.
const FILE_BYTES_MAX: usize = 32 << 20;

/// What files begin with that are no text, and what they are.
const KINDS: [(&[u8], &str); 5] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"%PDF-", "application/pdf"),
];

/// Reads files as parts of a message.
pub(super) fn parts(files: &[PathBuf]) -> Result<Vec<Part>, CliError> {
    files.iter().map(|path| Ok(part(path, read(path)?)?.into())).collect()
}

fn part(path: &Path, bytes: Vec<u8>) -> Result<PartKind, CliError> {
    let is_other_riff = bytes.starts_with(b"RIFF") && bytes.get(8..12) != Some(b"WEBP");
    let kind = KINDS.into_iter().find(|(start, _)| bytes.starts_with(start) && !is_other_riff);
    if let Some((_, kind)) = kind {
        let media = Media { media_type: kind.to_owned(), data: STANDARD.encode(&bytes) };
        return Ok(match kind {
            "application/pdf" => PartKind::File(media),
            _ => PartKind::Image(media),
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| CliError::Usage {
        what: format!("`{}` is neither text nor a picture nor a PDF", path.display()),
        hint: "send PNG, JPEG, GIF, WebP, PDF or UTF-8 text".to_owned(),
    })?;
    Ok(PartKind::Text(format!("{}:\n{text}\n", path.display())))
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let named = path.display().to_string();
    let failed = |source| CliError::File { path: named.clone(), source };
    let bytes = if named == "-" {
        read_secretly(FILE_BYTES_MAX).map_err(failed)?.to_vec()
    } else {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        bytes
    };
    if bytes.len() > FILE_BYTES_MAX {
        return Err(CliError::Usage {
            what: format!("`{named}` is longer than {FILE_BYTES_MAX} bytes"),
            hint: "send a part of it".to_owned(),
        });
    }
    Ok(bytes)
}
