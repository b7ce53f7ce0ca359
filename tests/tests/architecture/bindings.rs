//! What `ax-sdk` calls the host by is what `wit-bindgen` writes for the packages of `wit/`.
//!
//! It is kept rather than made by each build: an author's first build would compile the generator.
//! To write it anew: `AX_WRITE_BINDINGS=1 cargo test --workspace --test architecture bindings`.

use ax_tests::program;
use wit_bindgen_core::Files;
use wit_bindgen_core::WorldGenerator as _;
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::wit_parser::UnresolvedPackageGroup;
use wit_bindgen_rust::Opts;
use wit_bindgen_rust::WithOption;

/// The variable that makes the test write the files instead of comparing them.
const WRITE: &str = "AX_WRITE_BINDINGS";

/// The worlds of `sdk/rust/worlds.wit`; each makes one file.
const WORLDS: [&str; 5] = ["imports", "tools", "lifecycle", "routing", "agent"];

fn options(world: &str) -> Opts {
    let usual = Opts { generate_all: true, ..Opts::default() };
    if world == "imports" {
        return usual;
    }
    // Exports share the types of the imports, and are made by a macro where the plugin is.
    let types = "crate::bindings::ax::types::types".to_owned();
    Opts {
        with: vec![("ax:types/types@0.1.0".to_owned(), WithOption::Path(types))],
        pub_export_macro: true,
        export_macro_name: Some(format!("export_{world}")),
        ..usual
    }
}

fn generated(world: &str) -> String {
    let mut resolve = Resolve::default();
    let (served, _) = resolve.push_path(program::repository().join("wit")).expect("WIT");
    let path = program::repository().join("sdk/rust/worlds.wit");
    let text = fs_err::read_to_string(&path).expect("the worlds");
    let group = UnresolvedPackageGroup::parse(&path, &text).expect("WIT");
    let worlds = resolve.push_group(group).expect("packages it names are there");
    let world_id = resolve.select_world(&[served, worlds], Some(&format!("ax:sdk/{world}")));
    let mut files = Files::default();
    let mut generator = options(world).build();
    generator.generate(&mut resolve, world_id.expect("the world"), &mut files).expect("bindings");
    let (_, text) = files.iter().next().expect("one file");
    String::from_utf8(text.to_vec()).expect("Rust is text")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person says so to the test, not to the program")]
fn the_sdk_calls_the_host_by_the_packages_that_are_served() {
    let is_written = std::env::var(WRITE).is_ok_and(|set| set == "1");
    for world in WORLDS {
        let path = program::repository().join(format!("sdk/rust/src/bindings/{world}.rs"));
        let expected = generated(world);
        if is_written {
            fs_err::write(&path, &expected).expect("the bindings are written");
            continue;
        }
        let held = fs_err::read_to_string(&path).unwrap_or_default();
        assert!(held == expected, "`{}` is not what `wit/` says; {WRITE}=1", path.display());
    }
}
