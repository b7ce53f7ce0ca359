//! Error codes: each is used where errors become codes, and documented.

use ax_tests::program;

/// The files that turn errors into codes: those of commands, the few that are none, and those of models.
const USERS: [&str; 4] = [
    "host/src/cli/verdict.rs",
    "host/src/cli/verdict/tasks.rs",
    "host/src/cli/fault.rs",
    "host/src/cli/unanswered.rs",
];

/// The page of the documentation that lists them.
const PAGE: &str = "docs/errors.md";

/// Lists name and text of each code: `DENIED`, `AX-P012`.
fn codes() -> Vec<(String, String)> {
    let text = read("host/src/cli/codes.rs").expect("the table of codes is there");
    let code = |line: &str| {
        let (name, rest) = line.trim().split_once(" = \"AX-")?;
        let digits = rest.split('"').next()?;
        Some((name.to_owned(), format!("AX-{digits}")))
    };
    text.lines().filter_map(code).collect()
}

fn read(path: &str) -> Option<String> {
    fs_err::read_to_string(program::repository().join(path)).ok()
}

#[test]
fn the_table_of_codes_is_found() {
    let codes = codes();
    assert!(codes.len() > 20, "{codes:?}");
    assert!(codes.contains(&("DENIED".to_owned(), "AX-P012".to_owned())), "{codes:?}");
}

#[test]
fn every_code_is_given_by_some_error() {
    let user: String = USERS.iter().filter_map(|path| read(path)).collect();
    let unused: Vec<_> =
        codes().into_iter().filter(|(name, _)| !user.contains(&format!("codes::{name}"))).collect();
    assert_eq!(unused, Vec::new(), "{USERS:?} give them to no error");
}

#[test]
fn every_code_is_documented() {
    let page = read(PAGE).unwrap_or_default();
    let missing: Vec<_> = codes().into_iter().filter(|(_, text)| !page.contains(text)).collect();
    assert_eq!(missing, Vec::new(), "{PAGE} does not explain them");
}
