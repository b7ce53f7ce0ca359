//! Where the built program and the built plugins are.
//!
//! Not here: building them. `cargo xtask test` does; a test says what to type when one is missing.

use std::path::Path;
use std::path::PathBuf;

/// Finds the program `ax`, which is built beside the running test.
///
/// # Panics
///
/// When it is not there.
#[must_use]
pub fn ax() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    // target/<profile>/deps/<test>, or a program of ours beside it → target/<profile>/ax
    let folder = test.parent().expect("a test lies in a folder");
    let folder = match folder.ends_with("deps") {
        true => folder.parent().expect("a test lies two folders deep"),
        false => folder,
    };
    let path = folder.join(format!("ax{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "`{}` is not there: cargo build -p ax-host", path.display());
    path
}

/// Finds the folder of one of our plugins, built.
///
/// # Panics
///
/// When its component is not there.
#[must_use]
pub fn plugin(name: &str) -> PathBuf {
    let folder = repository().join("plugins").join(name);
    let component = folder.join("plugin.wasm");
    assert!(component.is_file(), "`{}` is not there: cargo xtask plugins", component.display());
    folder
}

/// Reads a guest of tests, built.
///
/// # Panics
///
/// When it is not there.
#[must_use]
pub fn guest(name: &str) -> Vec<u8> {
    let ax = ax();
    // target/<profile>/ax → target/guests/tests/<name>.wasm
    let target = ax.parent().and_then(Path::parent).expect("the program lies two folders deep");
    let path = target.join("guests/tests").join(format!("{name}.wasm"));
    fs_err::read(&path)
        .unwrap_or_else(|error| panic!("`{}`: {error}: cargo xtask plugins", path.display()))
}

/// Finds the root of the repository.
///
/// # Panics
///
/// When the repository was moved after this was compiled.
#[must_use]
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().and_then(|root| root.canonicalize().ok()).expect("the repository is there")
}
