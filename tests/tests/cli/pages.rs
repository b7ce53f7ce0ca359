//! The pages of the documentation: every command on them is typed, and says what the page says.
//!
//! A page has a home and a folder of its own, and a shell that goes through it from top to bottom, as
//! a reader does:
//!
//! ````text
//! ```toml,file=plugin.toml     this block is that file of the current folder: it is written there
//!
//! ```console                   these lines are typed, in one session for the page
//! $ cd hello                   nothing below it: whatever it prints, it succeeds
//! $ ax tool call hello.greet   # a comment
//! Hello, Ada!                  below it: what it prints, on either stream, and nothing else
//! …                            any lines
//! used … fuel                  any text
//! $ ax build                   # a comment that says how it ends: exit code 1
//! $ ax plugin add hello \
//! > --grant-nothing            goes on with the line above
//! ````
//!
//! - A command fails if, and only if, its comment ends in `exit code N`.
//! - The page's folder is shown as `/home/ada`, `AX_HOME` as `/home/ada/.local/share/ax`.
//! - ```` ```console,figures ````: numbers are examples. Each stands for any number, and blanks for any
//!   blanks.
//! - ```` ```console,shown ```` is not typed. Each such block is in [`SHOWN`], with the reason.
//!
//! Not here: links and references (`architecture`), files of other languages that nobody saves.

use std::path::{Path, PathBuf};

use ax_tests::home::Home;
use ax_tests::page::{Block, Page};
use ax_tests::program;

/// The language of blocks with commands.
const CONSOLE: &str = "console";

/// The mark of those that are not typed.
const MARK: &str = "shown";

/// The mark of those whose numbers are examples.
const FIGURES: &str = "figures";

/// What stands for any lines, or any text.
const ANY: &str = "…";

/// Blocks that are not typed: the page, the first line, and why.
const SHOWN: &[(&str, &str, &str)] = &[(
    "docs/testing.md",
    "$ cargo xtask fuzz permission url",
    "it takes two minutes of both cores",
)];

/// Runs the pages side by side, a test each.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        const PAGES: &[&str] = &[$($path),*];

        $(#[test]
        fn $name() {
            read_along($path);
        })*
    };
}

pages! {
    readme: "README.md",
    debugging: "docs/debugging.md",
    first_plugin: "docs/first-plugin.md",
    first_plugin_in_python: "docs/first-plugin-python.md",
    first_plugin_in_typescript: "docs/first-plugin-ts.md",
    permissions: "docs/permissions.md",
    policy: "docs/policy.md",
    tasks: "docs/tasks.md",
    testing_plugins: "docs/testing-plugins.md",
}

/// One command of a page.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    line: usize,
    command: String,
    code: i32,
    /// What it prints; nothing is compared when there is nothing.
    prints: Vec<String>,
    /// Whether its numbers are examples.
    is_rough: bool,
}

/// Types what is on a page and writes its files, from top to bottom.
fn read_along(path: &str) {
    let page = Page::read(path);
    let home = Home::new();
    link_plugins(home.work());
    let mut folder = home.work().to_owned();
    for block in page.blocks() {
        if let Some(file) = &block.file {
            write(&folder.join(file), &block.text());
        } else if block.language == CONSOLE && !block.is_marked(MARK) {
            for step in steps(path, &block) {
                folder = take(&home, path, &folder, &step);
            }
        }
    }
}

/// Types one command; gives the folder it leads into.
fn take(home: &Home, path: &str, folder: &Path, step: &Step) -> PathBuf {
    let Step { line, command, code, prints, is_rough } = step;
    let (run, folder) = home.shell(folder, command);
    let printed = told(home, &run.stdout);
    assert_eq!(run.code, *code, "{path}:{line}: {command}\n{printed}");
    let read = |line: &str| if *is_rough { roughly(line) } else { line.trim_end().to_owned() };
    let got: Vec<String> = printed.trim_end().lines().map(read).collect();
    let wanted: Vec<String> = prints.iter().map(|line| read(line)).collect();
    assert!(
        wanted.is_empty() || are_like(&wanted, &got),
        "{path}:{line}: {command}\n--- the page says\n{}\n--- it is\n{}\n",
        wanted.join("\n"),
        got.join("\n")
    );
    folder
}

/// Shows the folders of the test as those of somebody.
fn told(home: &Home, printed: &str) -> String {
    let folders = [(home.path(), "/home/ada/.local/share/ax"), (home.work(), "/home/ada")];
    folders
        .iter()
        .fold(printed.to_owned(), |text, (path, name)| text.replace(&*path.to_string_lossy(), name))
}

/// Pages that begin in a checkout find the plugins of this repository, built, beside them.
fn link_plugins(work: &Path) {
    let built = program::plugin("metrics");
    let plugins = built.parent().expect("it lies among the others");
    std::os::unix::fs::symlink(plugins, work.join("plugins")).expect("an empty folder");
}

fn write(path: &Path, text: &str) {
    fs_err::create_dir_all(path.parent().expect("it lies in a folder")).expect("its folder");
    fs_err::write(path, text).expect("the file");
}

/// Reads the commands of a block.
fn steps(path: &str, block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (text, line) in block.lines.iter().zip(block.line..) {
        if let Some(command) = text.strip_prefix("$ ") {
            let (command, code) = (command.to_owned(), code_of(command));
            let is_rough = block.is_marked(FIGURES);
            steps.push(Step { line, command, code, prints: Vec::new(), is_rough });
            continue;
        }
        let Some(step) = steps.last_mut() else {
            panic!("{path}:{line}: a block of commands begins with `$ `")
        };
        match text.strip_prefix("> ") {
            Some(more) if step.prints.is_empty() => {
                step.command = format!("{}\n{more}", step.command);
                step.code = code_of(more);
            }
            _ => step.prints.push(text.clone()),
        }
    }
    for step in &mut steps {
        while step.prints.last().is_some_and(String::is_empty) {
            step.prints.pop();
        }
    }
    steps
}

/// Reads from a command's comment how it ends.
fn code_of(command: &str) -> i32 {
    let said = command.rsplit_once("exit code ").filter(|(before, _)| before.contains('#'));
    said.and_then(|(_, code)| code.parse().ok()).unwrap_or(0)
}

/// Puts `0` in the place of each number, and one blank in that of several.
fn roughly(line: &str) -> String {
    let mut text = String::new();
    let mut before = ' ';
    for character in line.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        let is_more = before.is_ascii_digit() && (character.is_ascii_digit() || character == '.');
        match character {
            _ if is_more => continue,
            digit if digit.is_ascii_digit() => text.push('0'),
            other => text.push(other),
        }
        before = character;
    }
    text
}

/// Answers whether lines are those that are wanted.
fn are_like(wanted: &[String], got: &[String]) -> bool {
    match (wanted, got) {
        ([], []) => true,
        ([any, rest @ ..], _) if any == ANY => {
            (0..=got.len()).any(|from| are_like(rest, &got[from..]))
        }
        ([first, wanted @ ..], [line, got @ ..]) => is_like(first, line) && are_like(wanted, got),
        _ => false,
    }
}

/// Answers whether a line is the one that is wanted.
fn is_like(wanted: &str, line: &str) -> bool {
    match wanted.split_once(ANY) {
        None => wanted == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| is_like(after, &rest[at..]))
        }),
    }
}

#[test]
fn every_command_on_a_page_is_typed_or_says_why_not() {
    let mut typed = Vec::new();
    let mut shown = Vec::new();
    for page in Page::all() {
        let blocks = page.blocks();
        let consoles = blocks.iter().filter(|block| block.language == CONSOLE);
        let (marked, run): (Vec<&Block>, Vec<&Block>) = consoles.partition(|it| it.is_marked(MARK));
        let first = |block: &&Block| (page.path.clone(), block.lines[0].clone());
        shown.extend(marked.iter().map(first));
        let steps = run.iter().flat_map(|block| steps(&page.path, block)).count();
        if steps > 0 {
            typed.push(page.path.clone());
        }
    }
    let mut known: Vec<String> = PAGES.iter().map(|path| (*path).to_owned()).collect();
    known.sort();
    assert_eq!(typed, known, "pages with commands, and pages that are run");
    let reasons: Vec<(String, String)> =
        SHOWN.iter().map(|(page, line, _)| ((*page).to_owned(), (*line).to_owned())).collect();
    assert_eq!(shown, reasons, "blocks that are marked `{MARK}`, and the table of reasons");
}

#[test]
fn a_block_is_read_as_it_is_typed() {
    let lines = ["$ a  # fails: exit code 5", "out", "", "$ b \\", "> c", "", "$ d  # exit code"];
    let block = Block {
        line: 7,
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        ..Block::default()
    };
    let steps = steps("docs/x.md", &block);
    assert_eq!(
        (steps[0].code, steps[0].line, steps[0].prints.as_slice()),
        (5, 7, &["out".to_owned()][..])
    );
    assert_eq!((steps[1].command.as_str(), steps[1].code, steps[1].line), ("b \\\nc", 0, 10));
    assert_eq!((steps[2].code, steps[2].prints.len()), (0, 0));
}

#[test]
fn dots_stand_for_text_and_lines() {
    for (wanted, got, fits) in [
        ("a", "a", true),
        ("a", "a\nb", false),
        ("…", "", true),
        ("a\n…", "a", true),
        ("…\nc\n…", "a\nb\nc", true),
        ("…\nc", "a\nc\nb", false),
        ("used … fuel, … ms", "used 12 fuel, 3 ms", true),
        ("used … fuel", "used 12 fuels", false),
        ("é…", "éa", true),
    ] {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(are_like(&lines(wanted), &lines(got)), fits, "{wanted:?} {got:?}");
    }
}

#[test]
fn figures_stand_for_others() {
    assert_eq!(roughly("4.02    157     16  x3   -"), roughly("11.5  1570  2  x12  -"));
    assert_eq!(roughly("11 calls, 29 B; 1.0 MiB"), "0 calls, 0 B; 0 MiB");
    assert_ne!(roughly("1 call"), roughly("one call"));
}
