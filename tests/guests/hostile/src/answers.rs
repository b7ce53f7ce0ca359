//! Answers that are too long, and numbers that are none.

pub(crate) fn text(bytes: u32) -> String {
    "x".repeat(bytes as usize)
}

pub(crate) fn bytes(bytes: u32) -> Vec<u8> {
    vec![b'x'; bytes as usize]
}

pub(crate) fn list(items: u32) -> Vec<u32> {
    vec![1; items as usize]
}

/// Quiet, signalling and negative NaNs with payloads, and infinities.
pub(crate) fn nans() -> Vec<f64> {
    let patterns = [0x7ff8_0000_0000_0000, 0x7ff0_0000_dead_beef, 0xfff8_1234_5678_9abc_u64];
    let nans = patterns.into_iter().map(f64::from_bits);
    nans.chain([f64::INFINITY, f64::NEG_INFINITY, -0.0]).collect()
}
