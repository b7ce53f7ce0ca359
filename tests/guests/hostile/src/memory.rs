//! Takes memory, and looks for what others left in it.

use core::arch::wasm32::memory_grow;
use std::hint::black_box;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// What `memory.grow` answers when it fails.
const REFUSED: usize = usize::MAX;
/// A growth that no 32-bit memory can make: each page asked for costs fuel, so no more than that.
const IMPOSSIBLE_PAGES: usize = 65_536;
const MIB: usize = 1 << 20;

static CALLS: AtomicU32 = AtomicU32::new(0);

pub(crate) fn grow(pages: u32, times: u32) -> u32 {
    let taken = (0..times).take_while(|_| memory_grow(0, pages as usize) != REFUSED).count();
    taken as u32 * pages
}

pub(crate) fn grow_around(pages: u32, times: u32) -> u32 {
    let mut taken = 0;
    for _ in 0..times {
        if memory_grow(0, pages as usize) != REFUSED {
            taken += pages;
        }
        black_box(memory_grow(0, IMPOSSIBLE_PAGES));
    }
    taken
}

pub(crate) fn hoard() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; MIB]));
    }
}

pub(crate) fn mark(mib: u32, byte: u8) -> u64 {
    let memory = black_box(vec![byte; mib as usize * MIB]);
    memory.iter().filter(|found| **found == byte).count() as u64
}

/// Looks at pages the allocator has not touched: they come from the engine as they are.
#[expect(unsafe_code, reason = "new memory is looked at as it is")]
pub(crate) fn look(mib: u32) -> u64 {
    let pages = mib as usize * 16;
    let before = memory_grow(0, pages);
    if before == REFUSED {
        return u64::MAX;
    }
    let start = (before << 16) as *const u64;
    // SAFETY: the pages were just added and belong to nobody else in this instance.
    let words = unsafe { core::slice::from_raw_parts(start, pages << 13) };
    words.iter().map(|word| u64::from(*word != 0)).sum()
}

pub(crate) fn count() -> u32 {
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}
