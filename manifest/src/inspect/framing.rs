//! The outermost layer of a file: size, magic, version, and whether it is all there.
//!
//! ```text
//! \0asm  0d 00  01 00   (id, length, bytes …)*
//! magic  version layer   sections
//! ```
//!
//! Checked apart from the parser, whose words for all of these are "unexpected end-of-file".
//! Not here: what the sections hold (`scan`).

use super::COMPONENT_BYTES_MAX;
use super::error::InspectError;

/// The first four bytes of every WebAssembly file.
const MAGIC: &[u8; 4] = b"\0asm";

/// Bytes of magic, version and layer.
const HEADER_BYTES: usize = 8;

/// Version and layer of a core module.
const MODULE: (u16, u16) = (1, 0);

/// Version and layer of a component.
const COMPONENT: (u16, u16) = (13, 1);

/// Checks size, magic and version, and that no section reaches beyond the end.
pub(super) fn check(bytes: &[u8]) -> Result<(), InspectError> {
    let size = bytes.len() as u64;
    if bytes.is_empty() {
        return Err(InspectError::Empty);
    }
    if size > COMPONENT_BYTES_MAX {
        return Err(InspectError::TooLarge { size, max: COMPONENT_BYTES_MAX });
    }
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(InspectError::NotWasm);
    }
    let Some((header, mut rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(InspectError::Truncated { size, needed: HEADER_BYTES as u64 });
    };
    let version = u16::from_le_bytes([header[4], header[5]]);
    let layer = u16::from_le_bytes([header[6], header[7]]);
    match (version, layer) {
        COMPONENT => {}
        MODULE => return Err(InspectError::CoreModule),
        (version, layer) => return Err(InspectError::UnknownVersion { version, layer }),
    }
    while let Some((_id, after)) = rest.split_first() {
        let Some((length, after)) = section_length(after) else {
            // An overlong number, which the parser will name.
            return Ok(());
        };
        let Some(length) = length else {
            return Err(InspectError::Truncated { size, needed: size + 1 });
        };
        let here = size - after.len() as u64;
        let Some((_, next)) = after.split_at_checked(length as usize) else {
            return Err(InspectError::Truncated { size, needed: here + u64::from(length) });
        };
        rest = next;
    }
    Ok(())
}

/// Reads a LEB128 number of at most 32 bits. `None` when it is malformed, an inner `None` when the
/// bytes end inside it.
fn section_length(bytes: &[u8]) -> Option<(Option<u32>, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((Some(value), &bytes[index + 1..]));
        }
    }
    (bytes.len() < 5).then_some((None, bytes))
}
