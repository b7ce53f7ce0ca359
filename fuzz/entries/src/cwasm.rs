//! Records of compiled code: what is mapped into the process must be what the jail wrote.

use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use ax_host::clock::SystemClock;
use ax_host::plugin::Allocation;
use ax_host::plugin::Cache;
use ax_host::plugin::Compiler;
use ax_host::plugin::Engine;
use ax_host::plugin::Jail;
use ax_host::plugin::LoadError;
use ax_host::plugin::engine;
use ax_host::plugin::fuzzing;
use ax_manifest::Digest;
use fs_err as fs;

use crate::INPUT_BYTES_MAX;
use crate::choices::Choices;
use crate::package::COMPONENT;

/// Changes of one record: damage is one, and a few tell whether one hides another.
const EDITS_MAX: usize = 4;

static RECORD: LazyLock<Record> = LazyLock::new(Record::new);

/// What the jail would have left.
struct Record {
    engine: Engine,
    code: Vec<u8>,
    sum: Vec<u8>,
}

impl Record {
    fn new() -> Self {
        let engine = Engine::new(Allocation::OnDemand).expect("an engine");
        let (digest, code) = engine::compile_here(COMPONENT).expect("the seed can be compiled");
        assert_eq!(digest, engine.digest(), "both engines are of one kind");
        let sum = format!("{}\nengine {digest}\n", Digest::of(&code)).into_bytes();
        Self { engine, code, sum }
    }
}

/// What loading asks for when it does not take what is there.
enum Refused {
    /// To compile anew.
    Bytes,
    /// Nothing; it failed.
    Load(LoadError),
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

/// Checks that a record is mapped if it is as it was written, and made anew if a byte of it is not.
pub fn cwasm(data: &[u8]) {
    if data.len() > INPUT_BYTES_MAX {
        return;
    }
    let mut choices = Choices::new(data);
    let (mut code, mut sum) = (RECORD.code.clone(), RECORD.sum.clone());
    for _ in 0..EDITS_MAX {
        if choices.is_empty() {
            break;
        }
        let edited = if choices.below(2) == 0 { &mut code } else { &mut sum };
        edit(edited, &mut choices);
    }
    let home = tempfile::Builder::new().prefix("ax-fuzz-").tempdir().expect("a temporary folder");
    let cache = Cache::open(home.path()).expect("a cache");
    let component = Digest::of(COMPONENT);
    let path = fuzzing::cached_file(home.path(), &RECORD.engine, &component);
    fs::write(&path, &code).expect("the record is written");
    fs::write(sum_of(&path), &sum).expect("its digest is written");
    let jail = Jail::new(PathBuf::from("/nonexistent/compiler"), 1);
    let clock = SystemClock::new();
    let compiler = Compiler { engine: &RECORD.engine, jail: &jail, clock: &clock, watch: None };
    let plugin = "test:fuzzed".parse().expect("a name");
    let bytes = || Err::<Vec<u8>, _>(Refused::Bytes);
    let loaded = cache.component(&compiler, &plugin, &component, bytes);
    let is_whole = code == RECORD.code;
    match loaded {
        Ok(_) => assert!(is_whole, "damaged code was mapped, under the sum {sum:?}"),
        Err(Refused::Bytes) => {
            assert!(!is_whole || sum != RECORD.sum, "a whole record was not taken");
        }
        Err(Refused::Load(error)) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

fn sum_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// Damages one file: a flipped bit, a cut, something in between, or all of it another.
fn edit(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) {
    let kind = choices.below(5);
    let at = choices.below(bytes.len() + 1);
    match kind {
        0 => {
            let bit = 1 << choices.below(8);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bit;
            }
        }
        1 => bytes.truncate(at),
        2 => {
            let count = choices.below(64);
            bytes.splice(at..at, choices.take(count).iter().copied());
        }
        3 => {
            let end = (at + 1 + choices.below(512)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        _ => {
            let count = choices.below(1 << 16);
            *bytes = choices.take(count).to_vec();
        }
    }
}
