//! Packages: as they come, and made anew so that every digest in them is right.
//!
//! ```text
//! input ──┬─→ unpack
//!         ├─→ checksums of its headers set right ──→ unpack
//!         └─→ one part of the sample replaced ──→ sizes and digests set right ──→ unpack
//! ```
//!
//! Without the last two no mutation would get past the first checksum or digest, and what lies
//! behind would never be tried.

use std::sync::LazyLock;

use ax_manifest::Digest;
use ax_manifest::inspect;
use ax_registry::DOCUMENTS;
use ax_registry::Package;
use ax_registry::blobs_named_by;
use ax_registry::digest_of;
use ax_registry::pack;
use ax_registry::unpack;

use crate::INPUT_BYTES_MAX;
use crate::choices::Choices;
use crate::package::sample_package;
use crate::shown;

/// Bytes of a tar block.
const BLOCK: usize = 512;

/// Where a ustar header has its checksum.
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Where a ustar header has the size of the content, in octal.
const SIZE: std::ops::Range<usize> = 124..135;

static SAMPLE: LazyLock<Vec<Entry>> =
    LazyLock::new(|| entries(&pack(&sample_package()).expect("the sample can be packed")));

/// A file of an archive.
#[derive(Clone)]
struct Entry {
    name: String,
    content: Vec<u8>,
}

/// Checks that what is accepted packs to a package of the same identity, and that nothing of it
/// has a name of its own choice.
pub fn axp(data: &[u8]) {
    if data.len() > INPUT_BYTES_MAX {
        return;
    }
    package(data);
    package(&with_checksums(data.to_vec()));
    package(&replaced(data));
}

fn package(axp: &[u8]) {
    let read = match unpack(axp) {
        Ok(read) => read,
        Err(error) => return shown::refusal(&error, error.hint()),
    };
    let identity = digest_of(axp).expect("what can be unpacked has an identity");
    let again = pack(&read).unwrap_or_else(|error| panic!("cannot be packed again: {error}"));
    assert_eq!(digest_of(&again).expect("a package of ours"), identity, "one identity");
    assert_eq!(unpack(&again).expect("a package of ours"), read, "unpacking twice gives the same");
    kept(&read, identity);
}

/// Checks what a store would get to keep.
fn kept(package: &Package, identity: Digest) {
    assert!(package.docs.keys().all(|name| DOCUMENTS.contains(&name.as_str())), "{package:?}");
    let blobs = package.blobs().expect("it was a package");
    assert_eq!((blobs.package, blobs.component), (identity, Digest::of(&package.component)));
    assert!(blobs.all.iter().all(|(digest, bytes)| *digest == Digest::of(bytes)));
    let manifest = blobs.all.iter().find(|(digest, _)| *digest == blobs.package);
    let named = blobs_named_by(&manifest.expect("the manifest is a blob").1).expect("one of ours");
    assert!(named.iter().all(|digest| blobs.all.iter().any(|(has, _)| has == digest)));
    if let Ok(facts) = inspect(&package.component)
        && let Err(error) = package.config.check(&facts)
    {
        shown::refusal(&error, error.hint());
    }
}

/// Sets the checksum of every header right, as far as sizes lead from one to the next.
fn with_checksums(mut archive: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(header) = archive.get_mut(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        header[CHECKSUM].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        at += BLOCK + size(header).next_multiple_of(BLOCK);
    }
    archive
}

/// Reads the size in a header; zero where there is none that fits an input.
fn size(header: &[u8]) -> usize {
    let digits = str::from_utf8(&header[SIZE]).unwrap_or_default();
    let size = usize::from_str_radix(digits.trim_matches(['\0', ' ']), 8).unwrap_or(0);
    size.min(INPUT_BYTES_MAX)
}

/// Lists the files of an archive of ours.
fn entries(archive: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while archive.get(at).is_some_and(|first| *first != 0) {
        let (header, content) = archive[at..].split_at(BLOCK);
        let name = header.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let size = size(header);
        entries.push(Entry { name, content: content[..size].to_vec() });
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
    entries
}

/// Puts the input into a part of the sample and sets right whatever names that part.
///
/// The first byte decides which part, the second and third where in it, the fourth how much of it
/// goes.
fn replaced(data: &[u8]) -> Vec<u8> {
    let mut choices = Choices::new(data);
    let mut entries = SAMPLE.clone();
    let at = choices.below(entries.len());
    let content = &mut entries[at].content;
    let from = choices.below(content.len() + 1);
    let gone = choices.below(256).min(content.len() - from);
    content.splice(from..from + gone, choices.rest().iter().copied());
    // A blob is named by the manifest, and the manifest by the index: two rounds are enough.
    for _ in 0..2 {
        for at in 0..entries.len() {
            rename(&mut entries, at);
        }
    }
    archive(&entries)
}

/// Gives a blob the name of its content, here and in every file that names it.
fn rename(entries: &mut [Entry], at: usize) {
    let Some(old) = entries[at].name.strip_prefix("blobs/sha256/").map(str::to_owned) else {
        return;
    };
    let new = Digest::of(&entries[at].content).hex();
    let size = entries[at].content.len();
    entries[at].name = format!("blobs/sha256/{new}");
    for entry in entries.iter_mut() {
        let Ok(text) = str::from_utf8(&entry.content) else { continue };
        let Some((before, behind)) = text.split_once(&format!("sha256:{old}\"")) else { continue };
        let behind = match behind.strip_prefix(",\"size\":") {
            Some(sized) => {
                format!(
                    ",\"size\":{size}{}",
                    sized.trim_start_matches(|c: char| c.is_ascii_digit())
                )
            }
            None => behind.to_owned(),
        };
        entry.content = format!("{before}sha256:{new}\"{behind}").into_bytes();
    }
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        let mut header = vec![0; BLOCK];
        header[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[108..116].copy_from_slice(b"0000000\0");
        header[116..124].copy_from_slice(b"0000000\0");
        header[SIZE].copy_from_slice(format!("{:011o}", entry.content.len()).as_bytes());
        header[136..147].copy_from_slice(b"00000000000");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[329..337].copy_from_slice(b"0000000\0");
        header[337..345].copy_from_slice(b"0000000\0");
        archive.extend(header);
        archive.extend_from_slice(&entry.content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    with_checksums(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_taken_apart_and_put_together_the_same() {
        let ours = unpack(&archive(&SAMPLE)).expect("it is a package");
        assert_eq!(ours, sample_package());
    }

    #[test]
    fn a_document_that_was_replaced_is_accepted_with_its_new_digest() {
        let at =
            SAMPLE.iter().position(|entry| entry.content == b"# Adder\n").expect("it is there");
        let input = [&[u8::try_from(at).expect("few entries"), 2, 5][..], b"Else"].concat();
        let read = unpack(&replaced(&input)).expect("every digest was set right");
        assert_eq!(read.docs["README.md"], b"# Else\n");
    }
}
