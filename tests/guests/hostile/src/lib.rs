//! A plugin that misbehaves on request, one export for each way.
//!
//! Not here: what a compiler would not emit (`tests/guests/wat`), and what each misbehaviour must
//! lead to (`tests/tests/hostile`).

#![expect(
    clippy::disallowed_methods,
    reason = "the host's own rules are not for a guest that breaks them"
)]

mod answers;
mod cpu;
mod files;
mod log;
mod memory;
mod network;
mod surroundings;

mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Hostile;
    wit_bindgen::generate!({
        world: "test:hostile/hostile",
        path: ["../../../wit", "wit"],
        generate_all,
    });
    export!(Hostile with_types_in self);
}

struct Hostile;

impl bindings::exports::test::hostile::acts::Guest for Hostile {
    fn good(text: String) -> String {
        text
    }

    fn spin() {
        cpu::spin();
    }
    fn ask_host(times: u64) -> u64 {
        cpu::ask_host(times)
    }
    fn fill(times: u64) {
        cpu::fill(times);
    }
    fn recurse(depth: u64) -> u64 {
        cpu::recurse(depth)
    }
    fn sleep(ms: u64) {
        cpu::sleep(ms);
    }

    fn grow(pages: u32, times: u32) -> u32 {
        memory::grow(pages, times)
    }
    fn grow_around(pages: u32, times: u32) -> u32 {
        memory::grow_around(pages, times)
    }
    fn hoard() {
        memory::hoard();
    }
    fn mark(mib: u32, byte: u8) -> u64 {
        memory::mark(mib, byte)
    }
    fn look(mib: u32) -> u64 {
        memory::look(mib)
    }
    fn count() -> u32 {
        memory::count()
    }

    fn long_text(bytes: u32) -> String {
        answers::text(bytes)
    }
    fn long_bytes(bytes: u32) -> Vec<u8> {
        answers::bytes(bytes)
    }
    fn long_list(items: u32) -> Vec<u32> {
        answers::list(items)
    }
    fn fail(text: String, times: u32) -> Result<(), String> {
        Err(text.repeat(times as usize))
    }
    fn nans() -> Vec<f64> {
        answers::nans()
    }
    fn die(text: String) {
        panic!("{text}");
    }
    fn trap() {
        core::arch::wasm32::unreachable();
    }
    fn leave(code: u8) {
        std::process::exit(i32::from(code));
    }

    fn log_lines(lines: u32, bytes: u32) {
        log::lines(lines, bytes);
    }
    fn log_fields(fields: u32) {
        log::fields(fields);
    }
    fn log_text(text: String) {
        log::text(&text);
    }
    fn print(text: String, times: u32) {
        log::print(&text, times);
    }
    fn print_bytes(bytes: Vec<u8>) {
        log::print_bytes(&bytes);
    }
    fn complain(text: String, times: u32) {
        log::complain(&text, times);
    }

    fn read(path: String) -> Result<String, String> {
        files::read(&path)
    }
    fn names(path: String) -> Result<Vec<String>, String> {
        files::names(&path)
    }
    fn kind(path: String) -> Result<String, String> {
        files::kind(&path)
    }
    fn link_target(path: String) -> Result<String, String> {
        files::link_target(&path)
    }
    fn change(folder: String) -> Vec<String> {
        files::change(&folder)
    }
    fn hold(path: String, times: u32) -> u32 {
        files::hold(&path, times)
    }
    fn hold_listings(path: String, times: u32) -> u32 {
        files::hold_listings(&path, times)
    }

    fn environment() -> Vec<(String, String)> {
        std::env::vars().collect()
    }
    fn arguments() -> Vec<String> {
        std::env::args().collect()
    }
    fn directory() -> Option<String> {
        surroundings::directory()
    }
    fn input() -> Vec<u8> {
        surroundings::input()
    }
    fn connect(address: String) -> Result<(), String> {
        network::connect(&address)
    }
    fn listen(address: String) -> Result<(), String> {
        network::listen(&address)
    }
    fn send(address: String) -> Result<(), String> {
        network::send(&address)
    }
    fn look_up(name: String) -> Result<Vec<String>, String> {
        network::look_up(&name)
    }
}
