//! Makes a folder grow, in the ways that an account could miss.

#![expect(unsafe_code, reason = "links are not in std for this target; the C library has them")]

use std::ffi::CString;
use std::ffi::c_char;
use std::ffi::c_int;
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::mem;
use std::path::Path;

use crate::Hoarder;
use crate::bindings::exports::test::hoarder::growth as wit;
use crate::held;

/// Bytes written at a time.
const PIECE: [u8; 1 << 16] = [b'x'; 1 << 16];

unsafe extern "C" {
    fn symlink(target: *const c_char, path: *const c_char) -> c_int;
}

impl wit::Guest for Hoarder {
    fn make(path: String, bytes: u64) -> Result<(), String> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(path).map_err(said)?;
        fill(file, bytes).map_err(said)
    }
    fn append(path: String, bytes: u64) -> Result<(), String> {
        let file = OpenOptions::new().append(true).open(path).map_err(said)?;
        fill(file, bytes).map_err(said)
    }
    fn patch(path: String, at: u64, bytes: u64) -> Result<(), String> {
        let mut file = OpenOptions::new().write(true).open(path).map_err(said)?;
        file.seek(SeekFrom::Start(at)).map_err(said)?;
        fill(file, bytes).map_err(said)
    }
    fn resize(path: String, bytes: u64) -> Result<(), String> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path).map_err(said)?;
        file.set_len(bytes).map_err(said)
    }
    fn cut(path: String) -> Result<(), String> {
        OpenOptions::new().write(true).truncate(true).open(path).map(drop).map_err(said)
    }
    fn rename(from: String, to: String) -> Result<(), String> {
        fs::rename(from, to).map_err(said)
    }
    fn link(from: String, to: String) -> Result<(), String> {
        fs::hard_link(from, to).map_err(said)
    }
    fn symlink(target: String, path: String) -> Result<(), String> {
        make_symlink(&target, &path).map_err(said)
    }
    fn remove(path: String) -> Result<(), String> {
        fs::remove_file(path).map_err(said)
    }
    fn make_folder(path: String) -> Result<(), String> {
        fs::create_dir(path).map_err(said)
    }
    fn remove_folder(path: String) -> Result<(), String> {
        fs::remove_dir(path).map_err(said)
    }
    fn make_many(folder: String, count: u32) -> u32 {
        let make = |n: &u32| OpenOptions::new().write(true).create_new(true).open(at(&folder, *n));
        (0..count).take_while(|n| make(n).is_ok()).count() as u32
    }
    fn make_through_links(folder: String, count: u32) -> u32 {
        let link = format!("{folder}/link");
        let make = |n: &u32| {
            make_symlink(&n.to_string(), &link)?;
            let made = OpenOptions::new().write(true).create(true).truncate(false).open(&link);
            fs::remove_file(&link)?;
            made.map(drop)
        };
        (0..count).take_while(|n| make(n).is_ok() && Path::new(&at(&folder, *n)).exists()).count()
            as u32
    }
    fn fill_behind(name: String, bytes: u64) -> Result<(), String> {
        let folder = held::folder()?;
        let file = held::open(&folder, &name, true)?;
        file.set_size(bytes).map_err(held::word)?;
        let stream = file.write_via_stream(0).map_err(held::word)?;
        file.set_size(0).map_err(held::word)?;
        let mut left = bytes;
        while left > 0 {
            let piece = left.min(held::PIECE_BYTES as u64);
            held::write(&stream, &PIECE[..piece as usize])?;
            left -= piece;
        }
        Ok(())
    }
    fn keep_removed(folder: String, bytes: u64, times: u32) -> u32 {
        let mut kept = Vec::new();
        for n in 0..times {
            let path = at(&folder, n);
            let Ok(file) = OpenOptions::new().write(true).create_new(true).open(&path) else { break };
            if file.set_len(bytes).is_err() || fs::remove_file(&path).is_err() {
                break;
            }
            kept.push(file);
        }
        kept.len() as u32
    }
    fn race(name: String, bytes: u64, rounds: u32) -> Result<u64, String> {
        let folder = held::folder()?;
        let file = held::open(&folder, &name, true)?;
        let piece = &PIECE[..bytes as usize];
        let mut length = 0;
        for _ in 0..rounds {
            file.set_size(bytes).map_err(held::word)?;
            let stream = file.write_via_stream(0).map_err(held::word)?;
            stream.check_write().map_err(held::stream_word)?;
            stream.write(piece).map_err(held::stream_word)?;
            file.set_size(0).map_err(held::word)?;
            // Waits for the write.
            drop(stream);
            length = file.read(bytes, 0).map_err(held::word)?.0.len() as u64;
            if length > 0 {
                break;
            }
        }
        Ok(length)
    }
    fn leave_writing(name: String, streams: u32) -> Result<u32, String> {
        let folder = held::folder()?;
        let file = held::open(&folder, &name, true)?;
        let other = held::open(&folder, &format!("{name}-too"), true)?;
        for n in 0..streams {
            let at = u64::from(n) * PIECE.len() as u64;
            let stream = file.write_via_stream(at).map_err(held::word)?;
            stream.check_write().map_err(held::stream_word)?;
            stream.write(&PIECE).map_err(held::stream_word)?;
            // To let go of it would wait for the write.
            mem::forget(stream);
        }
        other.write(b"w", 0).map_err(held::word)?;
        mem::forget((folder, file, other));
        Ok(streams)
    }
    fn make_and_remove(path: String, bytes: u64, rounds: u32) {
        for _ in 0..rounds {
            let made = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
            made.and_then(|file| file.set_len(bytes)).ok();
            fs::remove_file(&path).ok();
        }
    }
    fn make_and_cut(path: String, bytes: u64, rounds: u32) {
        for _ in 0..rounds {
            let made = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
            made.and_then(|file| file.set_len(bytes)).ok();
        }
    }
    fn link_many(from: String, to: String, rounds: u32) -> u32 {
        let link = |n: &u32| fs::hard_link(&from, format!("{to}{n}")).is_ok();
        (0..rounds).filter(link).count() as u32
    }
}

fn fill(mut file: fs::File, bytes: u64) -> io::Result<()> {
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(PIECE.len() as u64);
        file.write_all(&PIECE[..piece as usize])?;
        left -= piece;
    }
    Ok(())
}

fn make_symlink(target: &str, path: &str) -> io::Result<()> {
    let (target, path) = (CString::new(target)?, CString::new(path)?);
    // SAFETY: both are C strings that outlive the call.
    match unsafe { symlink(target.as_ptr(), path.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn at(folder: &str, number: u32) -> String {
    format!("{folder}/{number}")
}

fn said(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::QuotaExceeded => "quota".to_owned(),
        io::ErrorKind::NotFound => "not-found".to_owned(),
        io::ErrorKind::PermissionDenied => "not-permitted".to_owned(),
        _ => error.to_string(),
    }
}
