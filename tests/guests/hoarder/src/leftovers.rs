//! Leaves things in memory for the next call, and ends in every way there is.

use std::cell::RefCell;
use std::hint::black_box;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Hoarder;
use crate::bindings::ax::log::log;
use crate::bindings::ax::task::call;
use crate::bindings::exports::test::hoarder::leftovers as wit;
use crate::held;

const MIB: usize = 1 << 20;

static CALLS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static TEXT: RefCell<Option<String>> = const { RefCell::new(None) };
    static MEMORY: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

impl wit::Guest for Hoarder {
    fn count() -> u32 {
        CALLS.fetch_add(1, Ordering::Relaxed) + 1
    }
    fn remember(text: String) {
        TEXT.set(Some(text));
    }
    fn recall() -> Option<String> {
        TEXT.with_borrow(Clone::clone)
    }
    fn hold(name: String, writes: bool) -> Result<(), String> {
        held::hold(&name, writes)
    }
    fn use_(how: String) -> Result<u64, String> {
        held::use_held(&how)
    }
    fn hold_streams(times: u32) -> u32 {
        held::hold_streams(times)
    }
    fn take_memory(mib: u32) -> u32 {
        MEMORY.with_borrow_mut(|memory| {
            memory.push(black_box(vec![1; mib as usize * MIB]));
            memory.len() as u32
        })
    }
    fn print(text: String) {
        let mut out = std::io::stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
    }
    fn log_lines(lines: u32) {
        (0..lines).for_each(|_| log::write(log::Level::Info, "line", &[]));
    }
    fn tell_progress(done: u64) {
        call::progress(done, None, "");
    }
    fn is_cancelled() -> bool {
        call::cancelled()
    }
    fn work(turns: u64) {
        for turn in 0..turns {
            black_box(turn);
        }
    }
    fn fail() -> Result<(), String> {
        Err("as it was told to".to_owned())
    }
    fn trap() {
        core::arch::wasm32::unreachable();
    }
    fn spin() {
        crate::migrate::spin();
    }
    fn sleep(ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
    fn leave(code: u8) {
        std::process::exit(i32::from(code));
    }
    fn connect() -> bool {
        TcpStream::connect("127.0.0.1:1").is_ok()
    }
    fn long_text(bytes: u32) -> String {
        "x".repeat(bytes as usize)
    }
    fn environment() -> Vec<(String, String)> {
        std::env::vars().collect()
    }
}
