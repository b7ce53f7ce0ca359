//! Files and streams through the interfaces themselves: the C library keeps streams as it likes.

use std::cell::RefCell;

use crate::bindings::wasi::filesystem::preopens;
use crate::bindings::wasi::filesystem::types::Descriptor;
use crate::bindings::wasi::filesystem::types::DescriptorFlags;
use crate::bindings::wasi::filesystem::types::ErrorCode;
use crate::bindings::wasi::filesystem::types::OpenFlags;
use crate::bindings::wasi::filesystem::types::PathFlags;
use crate::bindings::wasi::filesystem::types::filesystem_error_code;
use crate::bindings::wasi::io::streams::InputStream;
use crate::bindings::wasi::io::streams::OutputStream;
use crate::bindings::wasi::io::streams::StreamError;

/// Bytes the interface takes at a time.
pub(crate) const PIECE_BYTES: usize = 4_096;

/// What is left for the next call. Streams come before what they are made of.
#[derive(Default)]
struct Held {
    reading: Option<InputStream>,
    writing: Option<OutputStream>,
    more: Vec<InputStream>,
    file: Option<Descriptor>,
    folder: Option<Descriptor>,
}

thread_local! {
    static HELD: RefCell<Held> = RefCell::default();
}

/// Opens the first folder.
pub(crate) fn folder() -> Result<Descriptor, String> {
    let folders = preopens::get_directories();
    folders.into_iter().next().map(|(folder, _)| folder).ok_or_else(|| "no folder".to_owned())
}

/// Opens a file of a folder.
pub(crate) fn open(folder: &Descriptor, name: &str, writes: bool) -> Result<Descriptor, String> {
    let (how, flags) = if writes {
        (OpenFlags::CREATE, DescriptorFlags::READ | DescriptorFlags::WRITE)
    } else {
        (OpenFlags::empty(), DescriptorFlags::READ)
    };
    folder.open_at(PathFlags::empty(), name, how, flags).map_err(word)
}

pub(crate) fn hold(name: &str, writes: bool) -> Result<(), String> {
    let folder = folder()?;
    let file = open(&folder, name, writes)?;
    let reading = file.read_via_stream(0).map_err(word)?;
    let writing = writes.then(|| file.write_via_stream(0)).transpose().map_err(word)?;
    let (more, file, folder) = (Vec::new(), Some(file), Some(folder));
    HELD.set(Held { reading: Some(reading), writing, more, file, folder });
    Ok(())
}

pub(crate) fn use_held(how: &str) -> Result<u64, String> {
    HELD.with_borrow_mut(|held| {
        let file = held.file.as_ref().ok_or("nothing is held")?;
        match how {
            "read" => file.read(1, 0).map(|(bytes, _)| bytes.len() as u64).map_err(word),
            "write" => file.write(b"w", 0).map_err(word),
            "grow" => file.set_size(1).map(|()| 1).map_err(word),
            "read-stream" => read(held.reading.as_ref().ok_or("no stream")?),
            "write-stream" => write(held.writing.as_ref().ok_or("no stream")?, b"s"),
            "new-read-stream" => read(&file.read_via_stream(0).map_err(word)?),
            "new-write-stream" => write(&file.write_via_stream(0).map_err(word)?, b"n"),
            "open" => {
                let folder = held.folder.as_ref().ok_or("no folder")?;
                open(folder, "file", false).map(|_| 1)
            }
            "folders" => Ok(preopens::get_directories().len() as u64),
            _ => Err("how?".to_owned()),
        }
    })
}

pub(crate) fn hold_streams(times: u32) -> u32 {
    HELD.with_borrow_mut(|held| {
        let Some(file) = held.file.as_ref() else { return 0 };
        for made in 0..times {
            let Ok(stream) = file.read_via_stream(0) else { return made };
            held.more.push(stream);
        }
        times
    })
}

pub(crate) fn read(stream: &InputStream) -> Result<u64, String> {
    stream.blocking_read(1).map(|bytes| bytes.len() as u64).map_err(stream_word)
}

pub(crate) fn write(stream: &OutputStream, bytes: &[u8]) -> Result<u64, String> {
    for piece in bytes.chunks(PIECE_BYTES) {
        stream.blocking_write_and_flush(piece).map_err(stream_word)?;
    }
    Ok(bytes.len() as u64)
}

pub(crate) fn word(error: ErrorCode) -> String {
    match error {
        ErrorCode::NotPermitted => "not-permitted".to_owned(),
        ErrorCode::Quota => "quota".to_owned(),
        ErrorCode::InsufficientMemory => "insufficient-memory".to_owned(),
        other => format!("{other:?}"),
    }
}

pub(crate) fn stream_word(error: StreamError) -> String {
    match error {
        StreamError::LastOperationFailed(error) => match filesystem_error_code(&error) {
            Some(ErrorCode::Quota) => "stream-quota".to_owned(),
            _ => "stream-failed".to_owned(),
        },
        StreamError::Closed => "stream-closed".to_owned(),
    }
}
