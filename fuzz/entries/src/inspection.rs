//! The bytes of a component, and the tools that are made of them.

use ax_manifest::ComponentFacts;
use ax_manifest::Digest;
use ax_manifest::PermissionSet;
use ax_manifest::admit;
use ax_manifest::check_tools;
use ax_manifest::derive_tools;
use ax_manifest::inspect;

use crate::INPUT_BYTES_MAX;
use crate::shown;

/// Bytes of facts for each byte of a component, at most. Types are shared in the binary and trees
/// here, but bounded as a whole: 64 KiB of component may spell out some megabytes.
const FACTS_BYTES_MAX: usize = 64 << 20;

/// What stands before every component.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// Checks that facts can be shown, and that tools made of them pass the check of tools that come
/// from strangers.
pub fn inspection(data: &[u8]) {
    if data.len() > INPUT_BYTES_MAX {
        return;
    }
    component(data);
    if !data.starts_with(PREAMBLE) {
        component(&[PREAMBLE, data].concat());
    }
}

fn component(bytes: &[u8]) {
    match inspect(bytes) {
        Ok(facts) => read(&facts, bytes),
        Err(error) => shown::refusal(&error, error.hint()),
    }
}

fn read(facts: &ComponentFacts, bytes: &[u8]) {
    assert_eq!((facts.digest, facts.size), (Digest::of(bytes), bytes.len() as u64));
    let text = serde_json::to_string(facts).expect("facts are JSON");
    assert!(text.len() <= FACTS_BYTES_MAX, "{} bytes of facts", text.len());
    let is_printable = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    assert!(is_printable, "facts are printable ASCII: {text:?}");
    if let Err(error) = admit(facts, &PermissionSet::new()) {
        shown::refusal(&error, error.hint());
    }
    match derive_tools(facts, None) {
        Ok(tools) => {
            check_tools(&tools).unwrap_or_else(|error| panic!("our own tools: {error}"));
            for tool in &tools {
                assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
            }
        }
        Err(error) => shown::refusal(&error, error.hint()),
    }
}
