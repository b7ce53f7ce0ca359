//! A plugin that sends what a test tells it to and says what it saw.
//!
//! Not here: what must come of it (`tests/tests/hostile/network*`, `tests/tests/cli/network.rs`).

mod plain;
mod smuggler;
mod wasi;

mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Caller;
    wit_bindgen::generate!({
        world: "test:caller/caller",
        path: ["../../../wit", "wit"],
        generate_all,
    });
    export!(Caller with_types_in self);
}

use bindings::exports::test::caller::acts;

/// Bytes of a body that are given back.
const SHOWN_BYTES: usize = 64 << 10;

struct Caller;

/// What is given back of a body.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES)]).into_owned()
}

/// The body of a request: its text, and filler behind it.
fn body(text: Option<&String>, filler: u32) -> Option<Vec<u8>> {
    if text.is_none() && filler == 0 {
        return None;
    }
    let mut body = text.map(|text| text.clone().into_bytes()).unwrap_or_default();
    body.resize(body.len() + filler as usize, b'x');
    Some(body)
}

impl acts::Guest for Caller {
    fn good(text: String) -> String {
        text
    }

    fn in_turn(requests: Vec<acts::Request>) -> Vec<Result<acts::Answer, acts::Failure>> {
        plain::in_turn(requests)
    }
    fn together(requests: Vec<acts::Request>) -> Vec<Result<acts::Answer, acts::Failure>> {
        plain::together(requests)
    }
    fn many(request: acts::Request, times: u32, together: bool) -> Vec<String> {
        plain::many(&request, times, together)
    }
    fn smuggle(requests: Vec<acts::Request>, by: String) -> Result<String, String> {
        smuggler::pass_on(requests, &by)
    }
    fn is_set(name: String) -> bool {
        bindings::ax::secrets::secrets::is_set(&name)
    }

    fn wasi(requests: Vec<acts::WasiRequest>) -> Vec<Result<acts::Answer, acts::Failure>> {
        wasi::all(&requests)
    }
    fn wasi_leave(requests: Vec<acts::WasiRequest>, how: String) -> Vec<String> {
        wasi::leave(&requests, &how)
    }
}
