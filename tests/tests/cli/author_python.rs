//! Plugins in Python: from nothing to a tool that answers, and what an author is told on the way.
//!
//! Making a component takes some ten seconds, and compiling it as many; so the tests that do are three,
//! and each looks at all that can be seen of one component. What is found before takes no time.
//!
//! Not here: what annotations become (`sdk/python/tests`), which is run from here.

use std::process::Command;

use ax_tests::home::Home;
use ax_tests::program;

/// Adds a permission to the manifest of a project.
fn ask(home: &Home, project: &str, permission: &str) {
    let path = format!("{project}/plugin.toml");
    let manifest = fs_err::read_to_string(home.work().join(&path)).expect("its manifest");
    home.write(&path, format!("{manifest}\n[permissions]\n{permission}\n"));
}

/// Builds a plugin of this source, and gives what its author is told.
fn refused(home: &Home, source: &str) -> String {
    home.write("hello/tools.py", source);
    let run = home.author(&["build", "hello"]);
    assert_eq!(run.code, 1, "{run:?}");
    // Said by whichever test comes first.
    let is_news = |line: &&str| {
        !line.starts_with("installing componentize-py ")
            && !line.starts_with("waiting for componentize-py ")
    };
    home.tell(&run).lines().filter(is_news).map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_new_project_builds_and_its_tool_answers() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["new", "hello", "--lang", "py"]), @r"
    exit 0
    --- stdout
    made my:hello in hello: plugin.toml, tools.py, tests/test_tools.py, tests/cases.toml, README.md, tests/__init__.py, pyproject.toml, .gitignore
    --- stderr
    try: cd hello && ax test && ax tool call hello.greet --arg name=Ada
    ");
    let tested = home.author(&["test", "hello", "--json"]).ok().json();
    assert_eq!((&tested["passed"], &tested["failed"]), (&2.into(), &0.into()), "{tested}");
    let call = |arguments: &[&str]| {
        home.ax(&[&["-C", "hello", "tool", "call", "hello.greet", "--arg"], arguments].concat())
    };
    assert_eq!(call(&["name=Ada"]).ok().stdout, "Hello, Ada!\n");
    insta::assert_snapshot!(home.tell(&call(&["name="])), @r"
    exit 1
    --- stderr
    error[AX-T005]: nobody is greeted without a name
    ");
    insta::assert_snapshot!(home.tell(&call(&["nam=Ada"])), @r"
    exit 1
    --- stderr
    error[AX-T005]: `nam` is not known here; known are `name`
    ");
    // Packed twice it is the same file, since nothing is made again of what did not change.
    let pack = |file: &str| home.author(&["pack", "hello", "-o", file, "--json"]).ok().json();
    let (once, twice) = (pack("one.axp"), pack("two.axp"));
    assert_eq!(once["digest"], twice["digest"]);
    let read = |file: &str| fs_err::read(home.work().join(file)).expect("the package");
    assert!(read("one.axp") == read("two.axp"));
    insta::assert_snapshot!(home.told(&["check", "hello"]), @r"
    exit 0
    --- stdout
    ok    my:hello can be installed
    ");
    home.ax(&["plugin", "add", "two.axp"]).ok();
    let listed = home.ax(&["tool", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["description"], "Greets somebody by name.");
    assert_eq!(listed[0]["inputSchema"]["properties"]["name"]["description"], "Who is greeted.");
    let greeted = home.ax(&["tool", "call", "hello.greet", "--arg", "name=Eve"]).ok();
    assert_eq!(greeted.stdout, "Hello, Eve!\n");
}

#[test]
fn a_project_of_each_kind_holds_what_its_tests_say() {
    let home = Home::new();
    for kind in ["tools", "state", "http"] {
        home.ax(&["new", kind, "--lang", "python", "--kind", kind]).ok();
        let run = python(&home, kind, &["-m", "unittest"]);
        assert_eq!(run.code, Some(0), "{}", run.said);
    }
    let tested = home.author(&["test", "state", "--json"]).ok().json();
    assert_eq!(tested["failed"], 0, "{tested}");
    let checked = home.ax(&["check", "state"]).ok();
    assert_eq!(checked.stdout, "ok    my:state can be installed\n");
}

/// A plugin with all that a test wants to see of the sandbox.
const EVERYTHING: &str = r#"
import random
from dataclasses import dataclass
from ax import Content, kv, log, migrate, task, tool


@dataclass
class Counted:
    """How often."""

    times: int


@tool
def count(key: str = "n") -> tuple[str, Counted]:
    """Counts."""
    times = kv.update(key, lambda held: held + 1, 0)
    return f"{times} times", Counted(times)


@tool(read_only=True)
def first_line(path: str) -> str:
    """Reads a file."""
    with open(path, encoding="utf-8") as file:
        return file.readline()


@tool
def draw() -> str:
    """Draws a number."""
    return str(random.random())


@tool
def shown() -> list[Content]:
    """Shows two pieces."""
    log.warn("odd", count=2)
    print("printed")
    return [Content.text("a"), Content.text(str(task.current().attempt))]


def inner(names: dict[str, str], name: str) -> str:
    return names[name]


@tool
def fails(name: str) -> str:
    """Fails as programs do."""
    return inner({}, name)


@tool
def late() -> str:
    """Imports where nothing is left to import."""
    import colorsys

    return colorsys.__name__


@tool
def hungry(bytes: int) -> str:
    """Takes memory."""
    return str(len(bytearray(bytes)))


@migrate
def upgrade(from_version: str, to_version: str) -> None:
    pass
"#;

#[test]
fn a_component_does_in_the_sandbox_what_python_does() {
    let home = Home::new();
    home.ax(&["new", "all", "--lang", "python"]).ok();
    ask(
        &home,
        "all",
        "kv = { bytes = \"1 MiB\", reason = \"r\" }\n\
         fs = [{ path = \"workspace\", access = \"read\", reason = \"r\" }]",
    );
    home.write("all/tools.py", EVERYTHING);
    home.author(&["build", "all"]).ok();
    home.write("note.txt", "first\nsecond\n");
    let call = |tool: &str, input: &str, more: &[&str]| {
        let id = format!("all.{tool}");
        home.ax(&[&["-C", "all", "tool", "call", &id, input], more].concat())
    };
    let counted = |_| call("count", "{}", &["--allow", "kv", "--json"]).ok().json();
    let both = [1, 2].map(counted);
    assert_eq!(
        both[1]["output"]["structuredContent"],
        serde_json::json!({ "times": 2 }),
        "{both:?}"
    );
    let workspace = home.work().to_string_lossy().into_owned();
    let fs = ["--allow", "fs:workspace:read", "--workspace", &workspace];
    let read = call("first-line", r#"{"path": "/workspace/note.txt"}"#, &fs).ok();
    assert_eq!(read.stdout, "first\n\n");
    assert_ne!(call("draw", "{}", &[]).ok().stdout, call("draw", "{}", &[]).ok().stdout);
    insta::assert_snapshot!(home.tell(&call("shown", "{}", &[])), @r"
    exit 0
    --- stdout
    a
    1
    --- stderr
     warn | odd count=2
    ");
    insta::assert_snapshot!(home.tell(&call("fails", r#"{"name": "x"}"#, &[])), @r"
    exit 1
    --- stderr
    error |   tools.py:49 in fails
    error |     return inner({}, name)
    error |   tools.py:43 in inner
    error |     return names[name]
    error | KeyError: 'x'
    error[AX-T005]: KeyError: 'x'
    ");
    insta::assert_snapshot!(home.tell(&call("late", "{}", &[])), @r"
    exit 1
    --- stderr
    error |   tools.py:55 in late
    error |     import colorsys
    error | ModuleNotFoundError: No module named 'colorsys'
    error | help: write `import colorsys` at the top of the file: what is not imported
    error |       while the plugin is built is not in the component
    error[AX-T005]: ModuleNotFoundError: No module named 'colorsys'
    ");
    insta::assert_snapshot!(home.tell(&call("hungry", r#"{"bytes": 90000000}"#, &[])), @r#"
    exit 1
    --- stderr
    error |   tools.py:63 in hungry
    error |     return str(len(bytearray(bytes)))
    error | MemoryError
    error[AX-T003]: the call used up its limit on memory: 32 MiB

    hint: ask for more in its plugin.toml: [limits] memory = "128 MiB"
    "#);
}

#[test]
fn a_mistake_is_told_before_anything_is_made() {
    let home = Home::new();
    home.ax(&["new", "hello", "--lang", "python"]).ok();
    let early = "from ax import config\n\nNAME = config.get(\"name\")\n";
    insta::assert_snapshot!(refused(&home, early), @r"
    exit 1
    --- stderr
    error[AX-B003]: tools.py:3: `ax.config` is used while the plugin is built, where there is no host

    hint: use it in a tool
    ");
    let head = "from ax import tool\n\n\n";
    let twice = "@tool\ndef a() -> None:\n    \"\"\"A.\"\"\"\n\n\n".repeat(2);
    insta::assert_snapshot!(refused(&home, &format!("{head}{twice}")), @r#"
    exit 1
    --- stderr
    error[AX-B003]: tools.py:10: there are two tools `a`; the other is in line 5

    hint: rename one, or write @tool(name="…")
    "#);
    insta::assert_snapshot!(refused(&home, &format!("{head}@tool\ndef a() -> None:\n    pass\n")), @r#"
    exit 1
    --- stderr
    error[AX-B003]: tools.py:5: the tool `a` has no docstring

    hint: write """What `a` does.""" below `def a(…)`
    "#);
    let typed = "@tool\ndef a(\n    b: set[str],\n) -> None:\n    \"\"\"A.\"\"\"\n";
    insta::assert_snapshot!(refused(&home, &format!("{head}{typed}")), @r"
    exit 1
    --- stderr
    error[AX-B003]: tools.py:6: the parameter `b`: `set[str]` has no form in JSON

    hint: write str, int, float, bool, list[…], dict[str, …], X | None, Literal, an Enum, a dataclass or a TypedDict
    ");
    insta::assert_snapshot!(refused(&home, "from ax import kv\n"), @r#"
    exit 1
    --- stderr
    error[AX-B003]: tools.py:1: `ax.kv` is imported, and plugin.toml does not ask for it

    hint: add to [permissions]: kv = { bytes = "1 MiB", reason = "…" }
    "#);
    insta::assert_snapshot!(refused(&home, "def a():\n    return {}['x']\n\n\na()\n"), @r"
    exit 1
    --- stderr
      tools.py:5 in <module>
        a()
      tools.py:2 in a
        return {}['x']
    KeyError: 'x'
    error[AX-B003]: tools.py:2: KeyError: 'x'
    ");
    insta::assert_snapshot!(refused(&home, "import nowhere_to_be_found\n"), @r"
    exit 1
    --- stderr
      tools.py:1 in <module>
        import nowhere_to_be_found
    ModuleNotFoundError: No module named 'nowhere_to_be_found'
    error[AX-B003]: tools.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'

    hint: add what has `nowhere_to_be_found` to [project] dependencies of pyproject.toml, or write nowhere_to_be_found.py
    ");
}

#[test]
fn what_is_no_project_or_no_python_is_told_at_once() {
    let home = Home::new();
    home.ax(&["new", "hello", "--lang", "python"]).ok();
    home.write("hello/plugin.wasm", "\0asm as it was");
    // Whether something is said of versions depends on the Python of this machine.
    let broken = refused(&home, "def a(\n");
    assert!(
        broken.contains("error[AX-B003]: tools.py:1: SyntaxError: '(' was never closed"),
        "{broken}"
    );
    let held = fs_err::read_to_string(home.work().join("hello/plugin.wasm"));
    assert_eq!(held.expect("it is there"), "\0asm as it was");
    home.write("hello/pyproject.toml", "[project]\ndependencies = \"one\"\n");
    insta::assert_snapshot!(refused(&home, "import ax\n"), @r#"
    exit 1
    --- stderr
    error[AX-B003]: pyproject.toml: `dependencies` of [project] is no list of texts

    hint: write: [project] dependencies = ["NAME==1.2.3"]
    "#);
    fs_err::remove_file(home.work().join("hello/tools.py")).expect("it is there");
    insta::assert_snapshot!(home.tell(&home.author(&["build", "hello"])), @r"
    exit 1
    --- stderr
    error[AX-B003]: tools.py: there is no such file, and that is where the tools are

    hint: write tools.py, or go to the folder that has it
    ");
}

#[test]
fn who_has_no_python_is_told_what_to_install() {
    let home = Home::new();
    home.ax(&["new", "hello", "--lang", "python"]).ok();
    let build = |path: &str| {
        let mut command = home.command(&["build", "hello"]);
        command.env("PATH", home.work().join(path)).env("AX_TOOLCHAINS", home.work().join("none"));
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        home.tell_text(&String::from_utf8_lossy(&output.stderr))
    };
    insta::assert_snapshot!(build("nothing"), @r"
    installing componentize-py 0.25.1 (40 MB) into WORK/none, once for all projects
    error[AX-B002]: `python3` cannot be started
    caused by: No such file or directory (os error 2)

    hint: install Python 3.10 or later: apt install python3-venv, brew install python, or https://www.python.org/downloads/
    ");
    program_of(&home, "old/python3", "#!/bin/sh\necho 3 8 1 True\n");
    insta::assert_snapshot!(build("old"), @r"
    installing componentize-py 0.25.1 (40 MB) into WORK/none, once for all projects
    error[AX-B002]: `python3` is 3.8.1, and 3.10 or later is needed

    hint: install Python 3.10 or later: apt install python3-venv, brew install python, or https://www.python.org/downloads/
    ");
    program_of(&home, "bare/python3", "#!/bin/sh\necho 3 12 1 False\n");
    insta::assert_snapshot!(build("bare"), @r"
    installing componentize-py 0.25.1 (40 MB) into WORK/none, once for all projects
    error[AX-B002]: `python3` has no module `venv`

    hint: apt install python3-venv
    ");
}

/// Writes a program.
fn program_of(home: &Home, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = home.write(name, text);
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("the owner may");
}

#[test]
fn the_sdk_holds_what_its_tests_say() {
    let home = Home::new();
    let folder = program::repository().join("sdk/python");
    let tests = ["-B", "-m", "unittest", "discover", "-s", "tests", "-t", "."];
    let run = python(&home, &folder.to_string_lossy(), &tests);
    assert_eq!(run.code, Some(0), "{}", run.said);
}

/// What a Python program left behind.
struct Ran {
    code: Option<i32>,
    said: String,
}

/// Runs Python in a folder.
fn python(home: &Home, folder: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new("python3");
    let output = command.args(arguments).current_dir(home.work().join(folder)).output();
    let output = output.expect("python3, which components of Python are made with, is there");
    Ran { code: output.status.code(), said: String::from_utf8_lossy(&output.stderr).into_owned() }
}
