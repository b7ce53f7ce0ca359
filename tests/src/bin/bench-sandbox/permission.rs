//! The permission check alone: time and allocations.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ax_host::plugin::{Bounds, Rights, Ruling};
use ax_manifest::Permission;

use crate::Effort;
use ax_tests::row::{Bar, Row};

/// Counts the allocations of each thread, at the cost of one addition: a counter that threads share
/// would be part of what is measured.
pub(crate) struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts one; a thread that is ending counts no more.
fn count() {
    ALLOCATIONS.try_with(|count| count.set(count.get() + 1)).ok();
}

// SAFETY: every call is passed to the system's allocator unchanged; counting does not allocate.
#[expect(unsafe_code, reason = "an allocator is an unsafe trait")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

pub(crate) fn run(effort: Effort) -> Vec<Row> {
    let permission = |text: &str| text.parse::<Permission>().expect("a permission");
    // Twenty of each kind around the one that is asked for: more than any manifest has.
    let declared: Vec<Permission> = (0..20)
        .flat_map(|n| {
            [
                permission(&format!("net:https://host{n}.example.com:GET,POST:/v{n}/**")),
                permission(&format!("fs:folder{n}:read")),
                permission(&format!("env:NAME_{n}")),
            ]
        })
        .collect();
    let bounds = Bounds { declared: declared.iter().cloned().collect(), policy: None };
    let rights = Rights::new(bounds, &[], &declared, None, 0);
    let wanted = permission("net:https://host19.example.com:GET:/v19/a/b");
    let rounds = effort.rounds(1_000_000);
    let before = ALLOCATIONS.get();
    let began = Instant::now();
    for _ in 0..rounds {
        let ruling = black_box(&rights).decide(black_box(&wanted));
        assert!(matches!(black_box(ruling), Ruling::Allowed(_)));
    }
    let each = began.elapsed() / u32::try_from(rounds).unwrap_or(u32::MAX);
    let allocations = ALLOCATIONS.get() - before;
    let mut row =
        Row::time("permission check, 60 rules", each, None, Bar::AtMost(Duration::from_micros(1)));
    row.also = allocations == 0;
    let count = Row {
        name: "permission check, allocations".to_owned(),
        ours: allocations as f64,
        raw: None,
        unit: "",
        bar: Bar::None,
        also: true,
    };
    vec![row, count]
}
