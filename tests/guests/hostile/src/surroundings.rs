//! Looks around.

use std::io::Read;

pub(crate) fn directory() -> Option<String> {
    Some(std::env::current_dir().ok()?.to_string_lossy().into_owned())
}

pub(crate) fn input() -> Vec<u8> {
    let mut bytes = Vec::new();
    // An error is as empty as no input.
    std::io::stdin().read_to_end(&mut bytes).ok();
    bytes
}
