//! The log of a process: what it told to be on record and what is not in the database yet.
//!
//! ```text
//! 7c9be5a1 {"intend":{"id":"0199c1f4-…","provider":"claude",…}}
//! 5d02c3f7 {"end":{"id":"0199c1f4-…","isCompleted":true,…}}
//! ```
//!
//! A record is a line: the CRC-32 of its JSON, then the JSON. One write appends it, so that it survives
//! the process once the write returned. A file that ends in the middle of a line is one whose last write
//! was cut, which nobody was told of; a line that is not what its sum says is damage.
//!
//! Invariant: what is read is what was written, in its order, and a first part of it; after damage nothing
//! is believed.
//! Not here: whose file it is (`alive`), when it is emptied (`queue`), what is done with what is read
//! (`orphans`).

use std::fs::File;
use std::io::BufRead;
use std::io::Read as _;
use std::io::Write as _;

use serde::Deserialize;
use serde::Serialize;

use crate::ledger::entry::Ended;
use crate::ledger::entry::Intended;

/// Bytes in the file beyond which intents wait for the database: about 60,000 records, which a disk that
/// works takes over in a second or two.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Bytes of one record. A usual one has half a KiB; a provider's words for an error make it longer.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// Bytes before the JSON: the sum in hexadecimal digits, and a space.
const SUM_BYTES: usize = 9;

/// Something that is on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record<I, E> {
    /// Somebody is about to be asked.
    Intend(I),
    /// A request is over.
    End(E),
}

/// A record as it is read.
pub(super) type Written = Record<Intended, Box<Ended>>;

/// A line that nobody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage;

/// Writes a record down as a line; nothing if it is too long for one.
pub(super) fn line(record: &Record<&Intended, &Ended>) -> Option<Vec<u8>> {
    let mut line = b"00000000 ".to_vec();
    serde_json::to_writer(&mut line, record).ok()?;
    let sum = format!("{:08x}", crc32fast::hash(&line[SUM_BYTES..]));
    line[..SUM_BYTES - 1].copy_from_slice(sum.as_bytes());
    line.push(b'\n');
    (line.len() <= RECORD_BYTES_MAX).then_some(line)
}

/// Reads records until the end, the middle of a line, or damage, which is the last that is told.
pub(super) fn read(mut from: impl BufRead) -> impl Iterator<Item = Result<Written, Damage>> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let next = next(&mut from);
        is_over = !matches!(next, Some(Ok(_)));
        next
    })
}

fn next(from: &mut impl BufRead) -> Option<Result<Written, Damage>> {
    let mut line = Vec::new();
    // A file that cannot be read to its end is as good as one that says something else there.
    if from.take(RECORD_BYTES_MAX as u64).read_until(b'\n', &mut line).is_err() {
        return Some(Err(Damage));
    }
    let Some(line) = line.strip_suffix(b"\n") else {
        return (line.len() == RECORD_BYTES_MAX).then_some(Err(Damage));
    };
    Some(parse(line).ok_or(Damage))
}

fn parse(line: &[u8]) -> Option<Written> {
    let (sum, json) = line.split_at_checked(SUM_BYTES)?;
    let is_sound = sum == format!("{:08x} ", crc32fast::hash(json)).as_bytes();
    is_sound.then(|| serde_json::from_slice(json).ok()).flatten()
}

/// The file of this process, as it is written.
#[derive(Debug)]
pub(super) struct Log {
    /// Opened to append.
    file: File,
    bytes: u64,
    bytes_max: u64,
    /// Half a record may be at its end.
    is_torn: bool,
}

impl Log {
    /// Writes to a file that is empty and opened to append.
    pub(super) fn new(file: File) -> Self {
        Self { file, bytes: 0, bytes_max: FILE_BYTES_MAX, is_torn: false }
    }

    /// Answers whether intents wait for the database.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }

    /// Appends a line. It is there when this returns, or nothing of it is ever read.
    pub(super) fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.is_torn {
            self.cut(self.bytes)?;
        }
        match self.file.write_all(line) {
            Ok(()) => {
                self.bytes += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.is_torn = true;
                // If this fails, too, the next who appends tries it again.
                self.cut(self.bytes).ok();
                Err(error)
            }
        }
    }

    /// Empties it: all of it is in the database.
    pub(super) fn empty(&mut self) {
        // What stays is in the database, too, and is found there by whoever reads it.
        if self.bytes > 0 || self.is_torn {
            self.cut(0).ok();
        }
    }

    fn cut(&mut self, bytes: u64) -> std::io::Result<()> {
        self.file.set_len(bytes)?;
        (self.bytes, self.is_torn) = (bytes, false);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn with_room(file: File, bytes_max: u64) -> Self {
        Self { bytes_max, ..Self::new(file) }
    }
}
