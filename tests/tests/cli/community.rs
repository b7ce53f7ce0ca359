//! The plugins of `plugins/community`, as their authors build and test them.
//!
//! Each is a project of its own and no member of our workspace, so that nothing here helps it. One test
//! builds each, since projects of one name would write one file in what tests share.

use ax_tests::home::Home;
use ax_tests::program;

/// What a project has that its author did not write.
const MADE: &[&str] = &[".ax", "node_modules", "target", "plugin.wasm"];

/// Copies a project, without what was built.
fn copied(plugin: &str) -> Home {
    let home = Home::new();
    let project = program::repository().join("plugins/community").join(plugin);
    let mut folders = vec![project.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(&project).expect("it lies below").to_owned();
            if MADE.iter().any(|made| below.starts_with(made)) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs_err::read(&path).expect("a file");
                home.write(&format!("{plugin}/{}", below.display()), text);
            }
        }
    }
    home
}

#[test]
fn csv_builds_holds_what_its_tests_say_and_answers() {
    let home = copied("csv");
    let built = home.author(&["build", "csv", "--json"]).ok().json();
    assert_eq!(built["tools"], serde_json::json!(["describe-columns", "query", "to-json"]));
    let tested = home.author(&["test", "csv", "--json", "--no-build"]).ok().json();
    assert_eq!(tested["failed"], 0, "{tested}");
    let checked = home.ax(&["check", "csv"]).ok();
    assert_eq!(checked.stdout, "ok    community:csv can be installed\n");
    let _ = home.cargo("csv", &["test", "--quiet", "--locked", "--lib"]).ok();
    let _ = home.cargo("csv", &["fmt", "--check"]).ok();
    // Installed, it answers questions about a file.
    home.ax(&["plugin", "add", "csv", "--allow", "fs:workspace:read"]).ok();
    home.write("work/ax.toml", "");
    home.write("work/sales.csv", "team,price\nred,1\nblue,5\nred,2\n");
    let input =
        r#"{"file": "sales.csv", "where": [{"column": "price", "is": "less", "value": 5}]}"#;
    let query = ["tool", "call", "community:csv.query", input, "--workspace", "work"];
    assert_eq!(home.ax(&query).ok().stdout.trim_end(), "team,price\nred,1\nred,2");
    let wrong = r#"{"file": "sales.csv", "select": ["prise"]}"#;
    let refused = home.ax(&["tool", "call", "community:csv.query", wrong, "--workspace", "work"]);
    insta::assert_snapshot!(home.tell(&refused), @r"
    exit 1
    --- stderr
    error[AX-T005]: there is no column `prise`; there are `team`, `price`
    ");
}

#[test]
fn slug_builds_holds_what_its_tests_say_and_answers() {
    let home = copied("slug");
    let built = home.author(&["build", "slug", "--json"]).ok().json();
    assert_eq!(built["tools"], serde_json::json!(["make", "make-all"]));
    let tested = home.author(&["test", "slug", "--json", "--no-build"]).ok().json();
    assert_eq!(tested["failed"], 0, "{tested}");
    let checked = home.ax(&["check", "slug"]).ok();
    assert_eq!(checked.stdout, "ok    community:slug can be installed\n");
    home.ax(&["plugin", "add", "slug", "--grant-nothing"]).ok();
    let make = ["tool", "call", "community:slug.make", "--arg", "text=Łódź, in Köln"];
    assert_eq!(home.ax(&make).ok().stdout, "lodz-in-koln\n");
    home.in_project("npm", "slug", &["test"]).ok();
}
