//! The tar layer of a package: named byte strings, one after the other.
//!
//! Written with every header field but name and size fixed, so that packing twice gives the same
//! bytes. Read by hand over a slice, since everything that makes tar dangerous is refused anyway:
//! links, devices, GNU and PAX extensions, base-256 sizes, prefixes, padding with content. An
//! entry is a part of the input; nothing is allocated because a header says so, and nothing is
//! written to a disk.
//!
//! Invariant: [`read`] answers at most [`ENTRIES_MAX`] files, each name once, and accounts for
//! every byte of the input.
//! Not here: what the names mean (`layout`), what the files contain (`unpack`).

use std::collections::BTreeMap;
use std::io;

use super::error::PackageError;
use super::layout::ENTRIES_MAX;
use super::layout::NAME_BYTES_MAX;
use crate::printable::printable;

/// Bytes of a tar block: headers, and the multiple that contents are padded to.
const BLOCK: usize = 512;

/// The zero blocks that end an archive, in bytes.
const END_BYTES: usize = 2 * BLOCK;

/// Permission bits of every entry; a package is data, so nobody's umask shows in its digest.
const ENTRY_MODE: u32 = 0o644;

/// Writes entries in the order given.
///
/// # Errors
///
/// [`PackageError::UnsafeName`] when a name does not fit a ustar header.
pub(super) fn write(entries: &[(String, &[u8])]) -> Result<Vec<u8>, PackageError> {
    let mut archive = Vec::new();
    for (name, content) in entries {
        let header = header(name, content.len()).map_err(|_| PackageError::UnsafeName {
            name: printable(name),
            why: "it does not fit a tar header",
        })?;
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + END_BYTES, 0);
    Ok(archive)
}

/// Makes the header of one file; only the name, the size and the checksum vary.
fn header(name: &str, size: usize) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(u64::try_from(size).map_err(io::Error::other)?);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(ENTRY_MODE);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_device_major(0)?;
    header.set_device_minor(0)?;
    header.set_cksum();
    Ok(header)
}

/// Reads the files of an archive of untrusted bytes, by name.
///
/// The folders of the layout may be listed and are dropped; `is_folder` says which names those are.
///
/// # Errors
///
/// Each refusal listed in the module's description is its own [`PackageError`].
pub(super) fn read(
    bytes: &[u8],
    is_folder: impl Fn(&str) -> bool,
) -> Result<BTreeMap<&str, &[u8]>, PackageError> {
    let mut files = BTreeMap::new();
    let mut folders = Vec::new();
    let mut rest = Cursor { bytes, offset: 0 };
    loop {
        let offset = rest.offset;
        let block = rest.take(BLOCK, "a header")?;
        if block.iter().all(|byte| *byte == 0) {
            rest.end()?;
            return Ok(files);
        }
        let entry = Header { block, offset }.parse()?;
        if files.len() + folders.len() == ENTRIES_MAX {
            return Err(PackageError::TooManyEntries { max: ENTRIES_MAX });
        }
        let content = rest.take(entry.size, "the content of an entry")?;
        let padding = rest.take(entry.size.next_multiple_of(BLOCK) - entry.size, "padding")?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(PackageError::BadHeader { offset, why: "its padding is not empty" });
        }
        let seen = if entry.folder {
            if !is_folder(entry.name) {
                return Err(PackageError::UnexpectedEntry { name: printable(entry.name) });
            }
            let seen = folders.contains(&entry.name);
            folders.push(entry.name);
            seen
        } else {
            files.insert(entry.name, content).is_some()
        };
        if seen {
            return Err(PackageError::DuplicateEntry { name: printable(entry.name) });
        }
    }
}

/// What is left of the input.
struct Cursor<'a> {
    bytes: &'a [u8],
    /// Bytes already taken.
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// Takes the next `count` bytes.
    fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], PackageError> {
        let truncated = PackageError::Truncated { offset: self.bytes.len(), what };
        let Some(end) = self.offset.checked_add(count) else { return Err(truncated) };
        let Some(taken) = self.bytes.get(self.offset..end) else { return Err(truncated) };
        self.offset = end;
        Ok(taken)
    }

    /// Checks that after the first zero block only whole zero blocks follow, one at least.
    fn end(&mut self) -> Result<(), PackageError> {
        let start = self.offset;
        self.take(BLOCK, "the end of the archive")?;
        let tail = self.bytes.get(start..).unwrap_or_default();
        if let Some(at) = tail.iter().position(|byte| *byte != 0) {
            return Err(PackageError::TrailingBytes { offset: start + at });
        }
        if !tail.len().is_multiple_of(BLOCK) {
            return Err(PackageError::TrailingBytes { offset: self.bytes.len() });
        }
        Ok(())
    }
}

/// One header block, and where it stands.
struct Header<'a> {
    block: &'a [u8],
    offset: usize,
}

/// What a header says, checked.
struct Entry<'a> {
    name: &'a str,
    size: usize,
    folder: bool,
}

impl<'a> Header<'a> {
    /// Checks every field that could change the meaning of the entry.
    fn parse(&self) -> Result<Entry<'a>, PackageError> {
        if self.field(257, 8) != b"ustar\x0000" {
            return self.bad("it is not a ustar header");
        }
        if self.octal(148, 8)? != self.checksum() {
            return self.bad("its checksum is wrong");
        }
        let name = self.name()?;
        let folder = match self.field(156, 1) {
            // Zero is how a file was marked before ustar, which still allows it.
            b"0" | b"\0" => false,
            b"5" => true,
            other => {
                let kind = kind(other.first().copied().unwrap_or_default());
                return Err(PackageError::ForbiddenEntry { name: printable(name), kind });
            }
        };
        if self.field(157, 100).iter().any(|byte| *byte != 0) {
            return self.bad("it names a link target");
        }
        if self.field(345, 167).iter().any(|byte| *byte != 0) {
            return self.bad("it carries a name prefix");
        }
        let Ok(size) = usize::try_from(self.octal(124, 12)?) else {
            return self.bad("its size is out of range");
        };
        if folder && size != 0 {
            return self.bad("it is a folder with content");
        }
        Ok(Entry { name, size, folder })
    }

    /// Reads the name and refuses whatever could step out of a folder or confuse a reader.
    fn name(&self) -> Result<&'a str, PackageError> {
        let field = self.field(0, NAME_BYTES_MAX);
        let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        let (text, filler) = field.split_at(length);
        if filler.iter().any(|byte| *byte != 0) {
            return self.bad("its name goes on after its end");
        }
        let Ok(name) = std::str::from_utf8(text) else {
            return self.bad("its name is not UTF-8");
        };
        let unsafe_name = |why| Err(PackageError::UnsafeName { name: printable(name), why });
        if name.is_empty() {
            return unsafe_name("it is empty");
        }
        if name.starts_with('/') {
            return unsafe_name("it is absolute");
        }
        if name.contains('\\') || name.contains(':') || name.chars().any(char::is_control) {
            return unsafe_name("it holds a character that no name in a package has");
        }
        if name.trim_end_matches('/').split('/').any(|part| matches!(part, "" | "." | "..")) {
            return unsafe_name("it holds `..`, `.` or nothing between slashes");
        }
        Ok(name)
    }

    /// Reads a number as ustar writes it: octal digits, filled with zeros, ended by NUL or space.
    fn octal(&self, start: usize, length: usize) -> Result<u64, PackageError> {
        let field = self.field(start, length);
        let digits = field.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(field.len());
        let (digits, end) = field.split_at(digits);
        if digits.is_empty() || end.iter().any(|byte| !matches!(byte, 0 | b' ')) {
            return self.bad("a number in it is not octal");
        }
        // At most 12 digits of 3 bits: it cannot overflow.
        digits.iter().try_fold(0_u64, |sum, digit| match digit {
            b'0'..=b'7' => Ok(sum * 8 + u64::from(digit - b'0')),
            _ => self.bad("a number in it is not octal"),
        })
    }

    /// Adds up the block with its checksum field read as spaces.
    fn checksum(&self) -> u64 {
        let field = 148..156;
        let value = |(at, byte): (usize, &u8)| if field.contains(&at) { b' ' } else { *byte };
        self.block.iter().enumerate().map(value).map(u64::from).sum()
    }

    fn field(&self, start: usize, length: usize) -> &'a [u8] {
        self.block.get(start..start + length).unwrap_or_default()
    }

    fn bad<T>(&self, why: &'static str) -> Result<T, PackageError> {
        Err(PackageError::BadHeader { offset: self.offset, why })
    }
}

/// Names what an entry of another type is.
fn kind(flag: u8) -> &'static str {
    match flag {
        b'1' => "hard link",
        b'2' => "symbolic link",
        b'3' | b'4' => "device",
        b'6' => "pipe",
        b'g' | b'x' | b'X' => "PAX extension",
        b'A'..=b'Z' => "GNU extension",
        _ => "entry of unknown type",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    /// One entry as any tool might write it, changed and sealed with a right checksum.
    fn entry(name: &str, content: &[u8], change: impl FnOnce(&mut [u8; BLOCK])) -> Vec<u8> {
        let mut header = header("x", content.len()).unwrap();
        let block = header.as_mut_bytes();
        block[..NAME_BYTES_MAX].fill(0);
        block[..name.len()].copy_from_slice(name.as_bytes());
        change(block);
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn plain(name: &str, content: &[u8]) -> Vec<u8> {
        entry(name, content, |_| {})
    }

    fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = entries.concat();
        bytes.resize(bytes.len() + END_BYTES, 0);
        bytes
    }

    fn refusal(bytes: &[u8]) -> PackageError {
        read(bytes, |name| name == "blobs/").unwrap_err()
    }

    #[test]
    fn another_reader_sees_the_same_files_with_nothing_of_this_machine() {
        let bytes = write(&[("a".to_owned(), b"one"), ("b/c".to_owned(), &[7; 600])]).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert!(header.as_ustar().is_some());
            assert_eq!(header.mode().unwrap(), ENTRY_MODE);
            let owner = (header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap());
            assert_eq!(owner, (0, 0, 0));
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            seen.push((entry.path().unwrap().display().to_string(), content));
        }
        assert_eq!(seen, [("a".to_owned(), b"one".to_vec()), ("b/c".to_owned(), vec![7; 600])]);
        let files = read(&bytes, |_| false).unwrap();
        assert_eq!(files["a"], b"one");
        assert_eq!(files["b/c"], [7; 600]);
    }

    #[test]
    fn folders_of_the_layout_are_passed_over_and_others_refused() {
        let folder = |name| entry(name, b"", |block| block[156] = b'5');
        assert!(read(&archive(&[folder("blobs/")]), |name| name == "blobs/").unwrap().is_empty());
        let twice = archive(&[folder("blobs/"), folder("blobs/")]);
        assert!(matches!(refusal(&twice), PackageError::DuplicateEntry { .. }));
        let strange = archive(&[folder("etc/")]);
        assert!(matches!(refusal(&strange), PackageError::UnexpectedEntry { .. }));
        let filled = archive(&[entry("blobs/", b"x", |block| block[156] = b'5')]);
        assert!(matches!(refusal(&filled), PackageError::BadHeader { .. }));
    }

    #[test]
    fn everything_but_a_file_is_refused_by_its_kind() {
        let kinds = [
            (b'1', "hard link"),
            (b'2', "symbolic link"),
            (b'3', "device"),
            (b'4', "device"),
            (b'6', "pipe"),
            (b'x', "PAX extension"),
            (b'g', "PAX extension"),
            (b'L', "GNU extension"),
            (b'K', "GNU extension"),
            (b'S', "GNU extension"),
            (b'7', "entry of unknown type"),
        ];
        for (flag, wanted) in kinds {
            let refused = refusal(&archive(&[entry("a", b"", |block| block[156] = flag)]));
            let PackageError::ForbiddenEntry { kind, .. } = &refused else { panic!("{refused}") };
            assert_eq!(*kind, wanted);
            assert!(refused.hint().is_some());
        }
    }

    #[test]
    fn names_that_step_out_or_confuse_are_refused() {
        let names = [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a//b",
            "a/.",
            "a\\b",
            "C:a",
            "a\nb",
            "a\u{1b}b",
        ];
        for name in names {
            let refused = refusal(&archive(&[plain(name, b"")]));
            assert!(matches!(refused, PackageError::UnsafeName { .. }), "{name:?}: {refused}");
            assert!(!refused.to_string().contains(char::is_control), "{name:?}");
        }
        let not_text = refusal(&archive(&[entry("a", b"", |block| block[0] = 0xff)]));
        assert!(matches!(not_text, PackageError::BadHeader { .. }));
        let hidden = refusal(&archive(&[entry("a", b"", |block| block[50] = b'b')]));
        assert!(matches!(hidden, PackageError::BadHeader { .. }));
    }

    #[test]
    fn a_name_may_fill_its_field_and_not_go_on_in_the_prefix() {
        let longest = "n".repeat(NAME_BYTES_MAX);
        let bytes = archive(&[plain(&longest, b"x")]);
        assert_eq!(read(&bytes, |_| false).unwrap()[longest.as_str()], b"x");
        let longer = archive(&[entry(&longest, b"x", |block| block[345] = b'p')]);
        assert!(matches!(refusal(&longer), PackageError::BadHeader { .. }));
        let written = write(&[("n".repeat(NAME_BYTES_MAX + 1), b"".as_slice())]);
        assert!(matches!(written, Err(PackageError::UnsafeName { .. })));
    }

    #[test]
    fn one_entry_too_many_is_refused() {
        let entries: Vec<Vec<u8>> =
            (0..=ENTRIES_MAX).map(|number| plain(&format!("f{number}"), b"")).collect();
        let allowed = archive(&entries[..ENTRIES_MAX]);
        assert_eq!(read(&allowed, |_| false).unwrap().len(), ENTRIES_MAX);
        let refused = refusal(&archive(&entries));
        assert!(matches!(refused, PackageError::TooManyEntries { max: ENTRIES_MAX }));
    }

    #[test]
    fn a_second_entry_of_a_name_is_refused() {
        let refused = refusal(&archive(&[plain("a", b"1"), plain("a", b"1")]));
        assert!(matches!(refused, PackageError::DuplicateEntry { .. }));
    }

    #[test]
    fn a_size_that_lies_takes_nothing_that_is_not_there() {
        let octal = |digits: &'static [u8; 12]| {
            archive(&[entry("a", b"", move |block| block[124..136].copy_from_slice(digits))])
        };
        for digits in [b"777777777777", b"00000004000\0", b"77777777777\0"] {
            let refused = refusal(&octal(digits));
            assert!(matches!(refused, PackageError::Truncated { .. }), "{refused}");
        }
        for digits in [b"\x80\0\0\0\0\0\0\0\0\0\0\x01", b"-0000000001\0", b"0000000000a\0"] {
            assert!(matches!(refusal(&octal(digits)), PackageError::BadHeader { .. }));
        }
        for digits in [b"00000000008\0", b"           \0", b"\0\0\0\0\0\0\0\0\0\0\0\0"] {
            assert!(matches!(refusal(&octal(digits)), PackageError::BadHeader { .. }));
        }
    }

    #[test]
    fn headers_of_other_formats_and_wrong_checksums_are_refused() {
        let gnu = |block: &mut [u8; BLOCK]| block[257..265].copy_from_slice(b"ustar  \0");
        let link = |block: &mut [u8; BLOCK]| block[157] = b't';
        let tail = |block: &mut [u8; BLOCK]| block[511] = 1;
        for bytes in [entry("a", b"", gnu), entry("a", b"", link), entry("a", b"", tail)] {
            assert!(matches!(refusal(&archive(&[bytes])), PackageError::BadHeader { .. }));
        }
        let mut bytes = archive(&[plain("a", b"")]);
        bytes[0] = b'b';
        assert!(matches!(refusal(&bytes), PackageError::BadHeader { offset: 0, .. }));
    }

    #[test]
    fn nothing_hides_in_padding_or_after_the_end() {
        let good = archive(&[plain("a", b"x")]);
        let mut padded = good.clone();
        padded[BLOCK + 1] = 1;
        assert!(matches!(refusal(&padded), PackageError::BadHeader { offset: 0, .. }));
        let end = good.len();
        let mut ended = good.clone();
        ended[end - BLOCK] = 1;
        let with = |tail: &[u8]| [good.as_slice(), tail].concat();
        let far = with(&[&[0; BLOCK], [9].as_slice()].concat());
        for (bytes, offset) in
            [(ended, end - BLOCK), (with(&[1]), end), (with(&[0]), end + 1), (far, end + BLOCK)]
        {
            let refused = refusal(&bytes);
            let PackageError::TrailingBytes { offset: found } = refused else {
                panic!("{refused}")
            };
            assert_eq!(found, offset);
        }
        // Other tools fill their last record with zero blocks.
        read(&[good, vec![0; 18 * BLOCK]].concat(), |_| false).unwrap();
    }

    #[test]
    fn an_archive_cut_off_anywhere_is_refused() {
        let good = archive(&[plain("a", b"x"), plain("b", &[1; 700])]);
        for length in 0..good.len() {
            let refused = refusal(&good[..length]);
            assert!(matches!(refused, PackageError::Truncated { .. }), "{length}: {refused}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let _refused_or_not = read(&bytes, |_| true);
        }

        #[test]
        fn random_fields_under_a_right_checksum_never_panic(
            start in 0_usize..BLOCK,
            field in proptest::collection::vec(any::<u8>(), 1..100),
            content in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let bytes = archive(&[entry("a", &content, |block| {
                let end = (start + field.len()).min(BLOCK);
                block[start..end].copy_from_slice(&field[..end - start]);
            })]);
            if let Ok(files) = read(&bytes, |_| true) {
                prop_assert!(files.values().all(|file| file.len() <= bytes.len()));
            }
        }

        #[test]
        fn what_was_written_is_read(
            files in proptest::collection::btree_map("[a-z]{1,20}", proptest::collection::vec(any::<u8>(), 0..1200), 0..8),
        ) {
            let entries: Vec<(String, &[u8])> =
                files.iter().map(|(name, content)| (name.clone(), content.as_slice())).collect();
            let bytes = write(&entries).unwrap();
            let read = read(&bytes, |_| false).unwrap();
            prop_assert_eq!(read.len(), files.len());
            prop_assert!(files.iter().all(|(name, content)| read[name.as_str()] == content.as_slice()));
        }
    }
}
