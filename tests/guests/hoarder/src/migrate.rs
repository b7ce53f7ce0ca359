//! Brings data to a new form as the text under the key `how` says.

use std::hint::black_box;

use crate::Hoarder;
use crate::bindings::ax::kv::store;
use crate::bindings::ax::kv::store::Change;
use crate::bindings::ax::kv::store::Condition;
use crate::bindings::ax::kv::store::Remove;
use crate::bindings::ax::log::log;
use crate::bindings::ax::types::types::Error;
use crate::bindings::ax::types::types::ErrorKind;
use crate::bindings::exports::ax::guest::lifecycle as wit;
use crate::held;
use crate::keys::put;
use crate::keys::said;

/// Where it is said how.
const HOW: &str = "how";

impl wit::Guest for Hoarder {
    fn migrate(from: String, to: String) -> Result<(), Error> {
        let how = store::get(HOW)?.map(|entry| entry.value).unwrap_or_default();
        // Whatever follows, something was changed before.
        store::write(&[put("migrated".to_owned(), format!("{from} {to}").into_bytes())])?;
        match str::from_utf8(&how).unwrap_or_default() {
            "trap" => core::arch::wasm32::unreachable(),
            "spin" => spin(),
            "sleep" => std::thread::sleep(std::time::Duration::from_secs(3_600)),
            "leave" => std::process::exit(3),
            "fail" => return Err(failure("as it was told to")),
            "fill" => fill()?,
            "flood" => loop {
                store::write(&[put("flood".to_owned(), vec![0; 1 << 10])])?;
            },
            "empty" => empty()?,
            "look" => look()?,
            _ => {}
        }
        Ok(())
    }
}

/// Never ends.
pub(crate) fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Writes until there is no room.
fn fill() -> Result<(), Error> {
    for number in 0_u64.. {
        store::write(&[put(format!("fill-{number}"), vec![0; 1 << 20])])?;
    }
    Ok(())
}

/// Removes everything.
fn empty() -> Result<(), Error> {
    let page = store::scan("", 1_000, None)?;
    let remove = |key| Change::Remove(Remove { key, when: Condition::Always });
    let changes: Vec<Change> = page.entries.into_iter().map(|entry| remove(entry.key)).collect();
    store::write(&changes).map(drop)
}

/// Writes down what there is to be seen.
fn look() -> Result<(), Error> {
    log::write(log::Level::Info, "migrating", &[]);
    println!("migrating");
    let variables = std::env::vars().count();
    let folders = held::folder().is_ok();
    let file = std::fs::read_to_string("/workspace/file").is_ok();
    let network = std::net::TcpStream::connect("127.0.0.1:1").is_ok();
    let quota = store::usage().map(|used| used.bytes_max.to_string()).unwrap_or_else(said);
    let text = format!("{variables} {folders} {file} {network} {quota}");
    store::write(&[put("seen".to_owned(), text.into_bytes())]).map(drop)
}

fn failure(message: &str) -> Error {
    Error {
        kind: ErrorKind::Failed,
        message: message.to_owned(),
        code: String::new(),
        retry_after_ms: None,
        data: None,
    }
}
