//! The fuzz targets without a fuzzer: every seed, and seeds a little damaged, on stable Rust.
//!
//! Invariant: every target has seeds, and every seed belongs to a target.
//! Not here: what must hold (`fuzz/entries/src`); looking for new paths (`cargo xtask fuzz`).

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use ax_fuzz::TARGETS;
use ax_fuzz::Target;
use fs_err as fs;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::sample::Index;
use proptest::test_runner::Config;
use proptest::test_runner::TestRunner;

/// Damaged seeds tried for each target in one run: some seconds for all of them.
const CASES: u32 = 96;

/// Changes of one seed.
const EDITS_MAX: usize = 4;

/// Bytes of all seeds, which everyone downloads.
const CORPUS_BYTES_MAX: usize = 200 << 10;

/// One change of a seed.
#[derive(Debug, Clone)]
enum Edit {
    Flip {
        at: Index,
        bit: u8,
    },
    Set {
        at: Index,
        byte: u8,
    },
    Cut {
        at: Index,
    },
    Remove {
        at: Index,
        count: usize,
    },
    Repeat {
        at: Index,
        count: usize,
    },
    /// The front of this seed, and the end of another one.
    Splice {
        at: Index,
        other: Index,
        from: Index,
    },
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    proptest::prop_oneof![
        (at(), 0..8u8).prop_map(|(at, bit)| Edit::Flip { at, bit }),
        (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set { at, byte }),
        at().prop_map(|at| Edit::Cut { at }),
        (at(), 1..64usize).prop_map(|(at, count)| Edit::Remove { at, count }),
        (at(), 1..64usize).prop_map(|(at, count)| Edit::Repeat { at, count }),
        (at(), at(), at()).prop_map(|(at, other, from)| Edit::Splice { at, other, from }),
    ]
}

fn edited(seeds: &[Vec<u8>], first: &Index, edits: &[Edit]) -> Vec<u8> {
    let mut bytes = first.get(seeds).clone();
    for edit in edits {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match edit {
            Edit::Flip { at, bit } => {
                let at = place(at);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
            }
            Edit::Set { at, byte } => {
                let at = place(at);
                bytes.get_mut(at).into_iter().for_each(|old| *old = *byte);
            }
            Edit::Cut { at } => bytes.truncate(place(at)),
            Edit::Remove { at, count } => {
                let at = place(at);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Edit::Repeat { at, count } => {
                let at = place(at);
                let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            Edit::Splice { at, other, from } => {
                bytes.truncate(place(at));
                let other = other.get(seeds);
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
    bytes
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let read = |path: PathBuf| fs::read(path).expect("a seed");
    files(&corpus().join(target)).into_iter().map(read).collect()
}

/// Tries every seed of a target, then damaged ones.
fn holds(name: &str) {
    let Target { check, .. } = TARGETS.iter().find(|target| target.name == name).expect(name);
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| check(seed));
    let damaged = (any::<Index>(), proptest::collection::vec(edit(), 1..=EDITS_MAX)).prop_map({
        let seeds = seeds.clone();
        move |(first, edits)| edited(&seeds, &first, &edits)
    });
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    let result = TestRunner::new(config).run(&damaged, |data| {
        check(&data);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

macro_rules! each_target {
    ($($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                holds(stringify!($name));
            }
        )+

        #[test]
        fn every_target_has_a_test() {
            let tested = [$(stringify!($name)),+];
            assert!(TARGETS.iter().map(|target| target.name).eq(tested));
        }
    };
}

each_target! {
    address axp cwasm inspection json_values leak_scan lock manifest model_stream permission policy
    url workflow
}

#[test]
fn every_target_has_its_program_and_its_seeds() {
    let name =
        |path: &PathBuf| path.file_stem().expect("a name").to_str().expect("it is text").to_owned();
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let folders: BTreeSet<String> = files(&corpus()).iter().map(name).collect();
    let programs: BTreeSet<String> =
        files(&corpus().join("../fuzz_targets")).iter().map(name).collect();
    assert_eq!(folders, targets);
    assert_eq!(programs, targets);
    let bytes: usize = targets.iter().flat_map(|target| seeds(target)).map(|seed| seed.len()).sum();
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes of seeds");
}

/// A seed that is refused at once leads nowhere; the rest are refused on purpose.
#[test]
fn seeds_of_documents_are_accepted() {
    for seed in seeds("inspection") {
        ax_manifest::inspect(&seed).expect("a component");
    }
    for (target, is_accepted) in [
        ("manifest", (|text| ax_manifest::Manifest::parse(text).is_ok()) as fn(&str) -> bool),
        ("policy", |text| ax_manifest::Policy::parse(text).is_ok()),
        ("workflow", |text| ax_host::workflow::spec::Spec::parse(text).is_ok()),
        ("lock", |text| ax_registry::Lockfile::parse(text).is_ok()),
        ("permission", |text| {
            text.split('\n').all(|line| line.parse::<ax_manifest::Permission>().is_ok())
        }),
    ] {
        for seed in seeds(target) {
            let text = str::from_utf8(&seed).expect("it is text");
            assert!(is_accepted(text), "{target}: {text}");
        }
    }
}

#[test]
fn binary_seeds_are_what_their_texts_say() {
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")) {
        let name = path.with_extension("wasm");
        let made = wat::parse_file(&path).expect("a component");
        is_made(&format!("inspection/{}", name.file_name().expect("a name").display()), &made);
    }
    let packed = ax_registry::pack(&ax_fuzz::sample_package()).expect("it can be packed");
    is_made("axp/adder.axp", &packed);
}

/// Compares a seed with how it is made; one that is not there is written, to be committed.
fn is_made(seed: &str, made: &[u8]) {
    let path = corpus().join(seed);
    if !path.exists() {
        fs::write(&path, made).expect("the seed is written");
        panic!("`{seed}` was not there; it is now");
    }
    assert!(fs::read(&path).expect("a seed") == made, "remove `{seed}` and test again");
}
