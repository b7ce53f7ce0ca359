//! `docs`: builds the documentation as a book to look through and search.
//!
//! Not here: what must hold of the pages, which tests check (`tests/tests/cli/pages.rs`,
//! `tests/tests/architecture/links.rs`).

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;

use crate::checkout::Checkout;
use crate::once::once;
use crate::process;
use crate::refuse;

/// Where the pages and `book.toml` are.
const PAGES: &str = "docs";
/// Where the book is put, below the target folder.
const BOOK: &str = "book";
/// Makes the book (crates.io `mdbook`).
const MDBOOK: &str = "0.5.4";

/// Runs the task.
pub(crate) fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    refuse("docs", arguments)?;
    let mdbook = mdbook(checkout)?;
    let book = checkout.scratch(BOOK);
    let mut build = Command::new(mdbook);
    build.arg("build").arg(checkout.root().join(PAGES)).arg("--dest-dir").arg(&book);
    process::run_quietly(&mut build)?;
    println!("the book is {}", checkout.short(&book.join("index.html")));
    Ok(ExitCode::SUCCESS)
}

/// Installs mdBook, without the parts that watch and serve; gives its program.
fn mdbook(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.scratch("tools/mdbook");
    let program = folder.join("bin/mdbook");
    once(&folder, &program, MDBOOK, || {
        println!("installing mdBook {MDBOOK} into {}, once", checkout.short(&folder));
        install(checkout, &folder)
    })?;
    Ok(program)
}

fn install(checkout: &Checkout, folder: &Path) -> Result<()> {
    let mut cargo = process::cargo(checkout);
    cargo.args(["install", "mdbook", "--version", MDBOOK, "--locked", "--force", "--quiet"]);
    cargo.args(["--no-default-features", "--features", "search", "--root"]).arg(folder);
    process::run_quietly(&mut cargo)
}
