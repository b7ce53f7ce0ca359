//! Files that are no component, or one that would blow up whoever reads it.

use std::fmt::Write as _;
use std::fs::File;

use ax_manifest::InspectError;
use ax_manifest::inspect;
use ax_tests::home::Home;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::verdict::of_load;
use crate::verdict::of_variant;
use crate::verdict::settle;
use crate::wat;

/// Inspects bytes that must be refused, and sees that the engine refuses them too when it is
/// handed them past the inspection.
#[track_caller]
fn is_refused(name: &str, bytes: &[u8], variant: &str, loaded: &str) {
    let inspected = inspect(bytes);
    if let Err(error) = &inspected {
        let shown = format!("{error} {:?}", error.hint());
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
    let arena = Arena::shared();
    let got = of_load(&arena.load(&Guest::unchecked(bytes.to_vec(), Vec::new())));
    arena.still_serves();
    assert_eq!(got, loaded, "{name}, loaded past the inspection");
    settle(name, variant, &of_variant(&inspected));
}

const COMPILER: &str = "refused-by-compiler";

#[test]
fn a_core_module_is_no_component() {
    let module = wat::assemble("(module (func (export \"run\")))");
    is_refused("core-module", &module, "CoreModule", COMPILER);
}

#[test]
fn what_is_no_webassembly_is_refused() {
    is_refused("empty-file", b"", "Empty", COMPILER);
    is_refused("text-file", b"(component)", "NotWasm", COMPILER);
    is_refused("elf-file", &[b"\x7fELF".as_slice(), &[0; 64]].concat(), "NotWasm", COMPILER);
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_ends() {
    let whole = Arena::shared().hostile().bytes;
    for tenth in 1..10 {
        let cut = &whole[..whole.len() * tenth / 10];
        assert!(inspect(cut).is_err(), "{tenth} tenths");
    }
    let cut = &whole[..whole.len() - 1];
    is_refused("truncated-file", cut, "Truncated", COMPILER);
}

#[test]
fn a_damaged_file_never_panics_a_reader() {
    let whole = wat::whole("memories");
    for at in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            if let Ok(facts) = inspect(&damaged) {
                assert!(facts.counts.core_instances <= 100);
            }
        }
    }
    settle("damaged-file", "ok", "ok");
}

/// `ax plugin add` of a file of 200 MiB that takes no room on the disk.
#[test]
fn a_file_of_200_mib_is_refused_unread() {
    let home = Home::new();
    for (name, start) in [("huge-file", b"\0asm\x0d\0\x01\0".as_slice()), ("huge-text", b"text")] {
        let path = home.write(&format!("{name}.wasm"), start);
        let file = File::options().write(true).open(&path).expect("the file");
        file.set_len(200 << 20).expect("a sparse file");
        let path = path.to_string_lossy().into_owned();
        let run = home.ax(&["plugin", "add", &path, "--name", "test:huge"]);
        assert!(run.code != 0 && run.code < 100, "{run:?}");
        assert!(run.stderr.contains("has more than"), "{run:?}");
        assert!(home.installed().is_empty());
        settle(name, "refused", "refused");
    }
}

/// 10 × 10 × … instances: nine levels of nesting in some 600 bytes.
pub(crate) fn nested_instances() -> Vec<u8> {
    const LEVELS: usize = 9;
    let mut text = "(core module $m) ".to_owned() + &"(core instance (instantiate $m))".repeat(10);
    for _ in 0..LEVELS {
        let instances = "(instance (instantiate $c))".repeat(10);
        text = format!("(component $c {text}) {instances}");
    }
    wat::assemble(&format!("(component {text})"))
}

#[test]
fn nested_instances_are_multiplied_not_expanded() {
    let bomb = nested_instances();
    assert!(bomb.len() < 1_200, "{}", bomb.len());
    let inspected = inspect(&bomb);
    assert!(matches!(inspected, Err(InspectError::TooMany { count, .. }) if count > 1_000_000));
    settle("nested-instances-bomb", "TooMany", &of_variant(&inspected));
}

#[test]
fn a_hundred_thousand_exports_are_refused() {
    let mut exports = String::new();
    for number in 0..100_000 {
        write!(exports, "(export \"e{number}\" (func $f))").expect("strings grow");
    }
    let core = wat::assemble(&format!("(component (core module (func $f) {exports}))"));
    settle("hundred-thousand-exports", "TooMany", &of_variant(&inspect(&core)));
}

#[test]
fn deep_nesting_of_components_is_refused() {
    // The text format allows fewer levels, so the bytes are put together here.
    let nested = |levels: usize| {
        let header = b"\0asm\x0d\0\x01\0";
        (1..levels).fold(header.to_vec(), |inner, _| {
            let mut length = inner.len();
            let mut outer = [header.as_slice(), &[4]].concat();
            while length > 0x7f {
                outer.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            outer.push(length as u8);
            [outer, inner].concat()
        })
    };
    assert!(inspect(&nested(100)).is_ok());
    assert_eq!(of_variant(&inspect(&nested(50_000))), "TooMany");
    is_refused("deep-nesting", &nested(101), "TooMany", "loaded");
}

/// A component that holds one core module.
fn holding(module: &str) -> Vec<u8> {
    wat::assemble(&format!("(component (core module {module}))"))
}

#[test]
fn features_that_are_switched_off_are_refused() {
    for (name, module) in [
        ("memory64", "(memory i64 1)"),
        ("shared-memory", "(memory 1 1 shared)"),
        ("atomics", "(memory 1) (func (drop (i32.atomic.load (i32.const 0))))"),
        ("exceptions", "(tag $t) (func (throw $t))"),
        ("garbage-collection", "(type (struct (field i32)))"),
        ("custom-page-size", "(memory 1 (pagesize 1))"),
    ] {
        is_refused(name, &holding(module), "NeedsFeature", COMPILER);
    }
}

#[test]
fn a_terminal_escape_in_a_name_is_refused() {
    let mut named = wat::assemble(
        r#"(component
          (core module $m (func (export "run")))
          (core instance $i (instantiate $m))
          (func (export "danger") (canon lift (core func $i "run"))))"#,
    );
    let at = named.windows(6).position(|bytes| bytes == b"danger").expect("the name");
    named[at..at + 6].copy_from_slice(b"\x1b[31mx");
    is_refused("escape-in-export-name", &named, "Invalid", COMPILER);
}

#[test]
fn a_type_that_doubles_with_each_level_is_refused() {
    let mut text = String::from("(component (type $t0 (tuple u8 u8))");
    for level in 1..40 {
        let below = level - 1;
        write!(text, "(type $t{level} (tuple $t{below} $t{below}))").expect("strings grow");
    }
    is_refused("doubling-type", &wat::assemble(&(text + ")")), "Invalid", COMPILER);
}
