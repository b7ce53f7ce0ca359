//! Components that are too expensive to compile, and compiled code that is not what it seems.

use fs_err as fs;
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use ax_host::clock::Clock;
use ax_host::clock::SystemClock;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Jail;
use ax_host::plugin::JailError;
use ax_host::plugin::LoadError;
use ax_manifest::Digest;
use ax_manifest::inspect;
use ax_tests::components;
use ax_tests::program;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::malformed::nested_instances;
use crate::verdict::of_call;
use crate::verdict::of_load;
use crate::verdict::settle;
use crate::wat;

/// Compiles in the jail, past everything that would refuse it before.
fn jailed(component: &[u8]) -> Result<(), JailError> {
    let output = tempfile::tempfile().expect("a file");
    Jail::new(program::ax(), 2).compile(component, &output)
}

#[track_caller]
fn is_too_expensive(name: &str, component: &[u8]) {
    let clock = SystemClock::new();
    let compiled = jailed(component);
    let took = clock.monotonic();
    assert!(took < Duration::from_secs(30), "{took:?}");
    let got = of_load(
        &compiled.map_err(|source| LoadError::Compile { component: String::new(), source }),
    );
    Arena::shared().still_serves();
    settle(name, "too-expensive", &got);
}

#[test]
fn nested_instances_end_the_child_not_the_host() {
    is_too_expensive("nested-instances-jailed", &nested_instances());
}

/// Thousands of variables that change in the innermost of many loops: each loop gets a copy of each.
#[test]
fn a_function_that_explodes_passes_inspection_and_ends_the_child() {
    const LOOPS: usize = 5_000;
    const VARIABLES: usize = 12_000;
    let mut body = "loop ".repeat(LOOPS);
    for variable in 0..VARIABLES {
        write!(body, "local.get {variable} i32.const 1 i32.add local.set {variable} ")
            .expect("strings grow");
    }
    body.push_str(&"local.get 0 br_if 0 end ".repeat(LOOPS));
    let locals = "i32 ".repeat(VARIABLES);
    let component =
        wat::assemble(&format!("(component (core module (func (local {locals}) {body})))"));
    assert!(component.len() < 200_000, "{}", component.len());
    assert!(inspect(&component).is_ok(), "no count is out of the ordinary");
    is_too_expensive("exploding-function", &component);
}

#[test]
fn data_segments_are_counted_before_the_compiler_sees_them() {
    let segments = "(data \"x\")".repeat(90_000);
    let component = wat::assemble(&format!("(component (core module {segments}))"));
    settle("data-segment-bomb", "TooMany", &crate::verdict::of_variant(&inspect(&component)));
}

#[test]
fn what_the_compiler_says_is_one_clean_line() {
    let Err(error) = jailed(b"\0asm\x0d\0\x01\0\xff\x1b[31m") else { panic!("it compiled") };
    let shown = error.to_string();
    assert!(!shown.chars().any(char::is_control) && shown.len() < 5_000, "{shown:?}");
    settle("compiler-message", "refused", "refused");
}

/// A home with one small component compiled in it.
struct Compiled {
    home: tempfile::TempDir,
    guest: Guest,
    code: PathBuf,
    sum: PathBuf,
}

impl Compiled {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let guest = Guest::new(components::calc());
        let made = Self { code: PathBuf::new(), sum: PathBuf::new(), home, guest };
        assert_eq!(made.use_it(), ("ok".to_owned(), true));
        let cache = made.home.path().join("cache");
        let entries: Vec<PathBuf> =
            fs::read_dir(cache).expect("the cache").map(|e| e.expect("an entry").path()).collect();
        let find = |ends: &str| {
            entries.iter().find(|path| path.to_string_lossy().ends_with(ends)).expect(ends).clone()
        };
        assert_eq!(entries.len(), 2, "nothing else is left behind");
        Self { code: find(".cwasm"), sum: find(".sha256"), ..made }
    }

    /// Loads and calls the component on a host of its own; says whether it had to be compiled.
    fn use_it(&self) -> (String, bool) {
        let home = self.home.path().to_owned();
        let arena = Arena::with(HostConfig { home, ..config() });
        let mut compiled = false;
        let loaded = arena.host.load(self.guest.release.clone(), || {
            compiled = true;
            Ok::<_, LoadError>(self.guest.bytes.clone())
        });
        let got = match loaded {
            Err(refused) => of_load(&Err::<(), _>(refused)),
            Ok(plugin) => {
                let input = json!({ "a": 40, "b": 2 }).to_string();
                let report = arena.run(&plugin, ax_host::plugin::Call::new("add", &input));
                if let Ok(output) = &report.result {
                    assert_eq!(output, &ax_host::plugin::Output::Value(json!(42)));
                }
                of_call(&report)
            }
        };
        Arena::shared().still_serves();
        (got, compiled)
    }

    /// Replaces the compiled code.
    fn plant(&self, bytes: &[u8]) {
        replace(&self.code, bytes);
    }

    /// Replaces the compiled code and the digest that is recorded for it.
    fn plant_with_sum(&self, bytes: &[u8]) {
        self.plant(bytes);
        replace(&self.sum, Digest::of(bytes).to_string().as_bytes());
    }
}

/// Compiled code is read-only, so it is replaced, not written.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).expect("it is there");
    fs::write(path, bytes).expect("a file");
}

#[test]
fn damaged_code_is_made_again_and_never_run() {
    let compiled = Compiled::new();
    let whole = fs::read(&compiled.code).expect("the code");
    assert_eq!(compiled.use_it(), ("ok".to_owned(), false), "whole code is used as it is");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (name, bytes) in [
        ("code-one-bit-flipped", flipped.as_slice()),
        ("code-cut-off", &whole[..middle]),
        ("code-empty", b""),
        ("code-of-text", b"not code at all"),
    ] {
        compiled.plant(bytes);
        let (got, again) = compiled.use_it();
        assert!(again, "{name} is compiled again");
        assert_eq!(fs::read(&compiled.code).expect("the code"), whole);
        settle(name, "ok", &got);
    }
}

#[test]
fn code_without_its_digest_is_made_again() {
    let compiled = Compiled::new();
    fs::remove_file(&compiled.sum).expect("it is there");
    let (got, again) = compiled.use_it();
    assert!(again);
    settle("code-without-digest", "ok", &got);
    for (name, sum) in [
        ("digest-of-nonsense", b"sha256:nonsense".as_slice()),
        ("digest-of-bytes", b"\xff\xfe\0"),
        ("digest-empty", b""),
    ] {
        replace(&compiled.sum, sum);
        settle(name, "ok", &compiled.use_it().0);
    }
}

/// Whoever can write the cache is this very user, who could as well replace `ax`: the threat model
/// leaves that out. What happens is still an answer and not a crash.
#[test]
fn code_of_another_engine_is_refused_or_made_again() {
    let compiled = Compiled::new();
    let mut other = wasmtime::Config::new();
    other.consume_fuel(false).wasm_simd(true);
    let engine = wasmtime::Engine::new(&other).expect("an engine");
    let foreign = engine.precompile_component(&compiled.guest.bytes).expect("code");
    compiled.plant_with_sum(&foreign);
    let (got, _) = compiled.use_it();
    settle("code-of-other-engine", "map", &got);
}

#[test]
fn what_is_no_code_is_refused_even_with_its_digest() {
    let compiled = Compiled::new();
    let whole = fs::read(&compiled.code).expect("the code");
    for (name, bytes) in [
        ("text-with-digest", b"not code at all".as_slice()),
        ("empty-with-digest", b""),
        ("cut-code-with-digest", &whole[..64]),
    ] {
        compiled.plant_with_sum(bytes);
        let (got, _) = compiled.use_it();
        settle(name, "map", &got);
    }
}

#[test]
fn code_is_for_this_user_alone() {
    use std::os::unix::fs::MetadataExt;
    let compiled = Compiled::new();
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!(mode(&compiled.code), 0o400);
    assert_eq!(mode(&compiled.home.path().join("cache")), 0o700);
    settle("code-permissions", "ok", "ok");
}

#[test]
fn a_missing_compiler_is_an_error_not_a_crash() {
    let output: File = tempfile::tempfile().expect("a file");
    let error = Jail::new(PathBuf::from("/nowhere/ax"), 2).compile(b"", &output);
    let got =
        of_load(&error.map_err(|source| LoadError::Compile { component: String::new(), source }));
    settle("no-compiler", "no-compiler", &got);
}
