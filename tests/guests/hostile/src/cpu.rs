//! Burns time: in instructions, in host calls, in bulk instructions, on the stack, asleep.

use std::hint::black_box;
use std::time::Duration;

use crate::bindings::ax::task::call;

/// Bytes of one bulk instruction.
const FILL_BYTES: usize = 1 << 20;

pub(crate) fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

pub(crate) fn ask_host(times: u64) -> u64 {
    (0..times).filter(|_| !call::cancelled()).count() as u64
}

pub(crate) fn fill(times: u64) {
    let mut memory = vec![0_u8; FILL_BYTES];
    for turn in 0..times {
        memory.fill(black_box(turn as u8));
        black_box(&memory);
    }
}

#[inline(never)]
fn down(depth: u64) -> u64 {
    if black_box(depth) == 0 { 0 } else { 1 + black_box(down(black_box(depth - 1))) }
}

pub(crate) fn recurse(depth: u64) -> u64 {
    down(depth)
}

pub(crate) fn sleep(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
