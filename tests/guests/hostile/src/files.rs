//! Reads what it may not, changes what it may only read, and keeps everything open.

#![expect(unsafe_code, reason = "links are not in std for this target; the C library has them")]

use std::ffi::CString;
use std::ffi::c_char;
use std::ffi::c_int;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

unsafe extern "C" {
    fn symlink(target: *const c_char, path: *const c_char) -> c_int;
}

pub(crate) fn read(path: &str) -> Result<String, String> {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(said)
}

pub(crate) fn names(path: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(said)? {
        names.push(entry.map_err(said)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

pub(crate) fn kind(path: &str) -> Result<String, String> {
    let kind = fs::metadata(path).map_err(said)?.file_type();
    Ok(if kind.is_dir() { "folder" } else { "file" }.to_owned())
}

pub(crate) fn link_target(path: &str) -> Result<String, String> {
    fs::read_link(path).map(|path| path.to_string_lossy().into_owned()).map_err(said)
}

pub(crate) fn change(folder: &str) -> Vec<String> {
    let at = |name: &str| Path::new(folder).join(name);
    let text = |name: &str| at(name).to_string_lossy().into_owned();
    let write = |options: &mut OpenOptions, name: &str| {
        options.open(at(name)).and_then(|mut file| file.write_all(b"changed")).is_ok()
    };
    let opened = || File::open(at("file"));
    let attempts = [
        ("create", write(OpenOptions::new().write(true).create(true), "new")),
        ("create-new", write(OpenOptions::new().write(true).create_new(true), "new2")),
        ("overwrite", write(OpenOptions::new().write(true), "file")),
        ("read-write", write(OpenOptions::new().read(true).write(true), "file")),
        ("append", write(OpenOptions::new().append(true), "file")),
        ("truncate", OpenOptions::new().write(true).truncate(true).open(at("file")).is_ok()),
        ("write-read-only", opened().and_then(|mut file| file.write_all(b"changed")).is_ok()),
        ("set-length", opened().and_then(|file| file.set_len(1 << 40)).is_ok()),
        ("set-times", opened().and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH)).is_ok()),
        ("create-folder", fs::create_dir(at("new-folder")).is_ok()),
        ("remove-folder", fs::remove_dir(at("sub")).is_ok()),
        ("remove-file", fs::remove_file(at("file")).is_ok()),
        ("rename", fs::rename(at("file"), at("renamed")).is_ok()),
        ("rename-out", fs::rename(at("file"), at("../renamed")).is_ok()),
        ("hard-link", fs::hard_link(at("file"), at("linked")).is_ok()),
        ("hard-link-out", fs::hard_link(at("file"), at("../linked")).is_ok()),
        ("copy", fs::copy(at("file"), at("copied")).is_ok()),
        ("symlink", make_symlink("file", &text("pointer"))),
        ("symlink-out", make_symlink("/etc/passwd", &text("pointer-out"))),
    ];
    let worked = attempts.into_iter().filter(|(_, worked)| *worked);
    worked.map(|(name, _)| name.to_owned()).collect()
}

fn make_symlink(target: &str, path: &str) -> bool {
    let (Ok(target), Ok(path)) = (CString::new(target), CString::new(path)) else { return false };
    // SAFETY: both are C strings that outlive the call.
    unsafe { symlink(target.as_ptr(), path.as_ptr()) == 0 }
}

pub(crate) fn hold(path: &str, times: u32) -> u32 {
    let opened: Vec<File> = (0..times).map_while(|_| File::open(path).ok()).collect();
    opened.len() as u32
}

pub(crate) fn hold_listings(path: &str, times: u32) -> u32 {
    let mut listings = Vec::new();
    for _ in 0..times {
        let Ok(mut listing) = fs::read_dir(path) else { break };
        // The C library asks the host with the first entry.
        if listing.next().is_some_and(|entry| entry.is_err()) {
            break;
        }
        listings.push(listing);
    }
    listings.len() as u32
}

fn said(error: std::io::Error) -> String {
    error.to_string()
}
