//! `ax new --lang ts` and `ax build`: what an author of TypeScript meets, mistakes included.
//!
//! Not here: what every language has in common (`author`).

use std::os::unix::fs::PermissionsExt as _;

use ax_tests::home::Home;
use ax_tests::program;

fn made(name: &str, kind: &str) -> Home {
    let home = Home::new();
    home.ax(&["new", name, "--lang", "ts", "--kind", kind]).ok();
    home
}

/// Makes a plugin of one file, which begins with the import of everything.
fn written(name: &str, source: &str) -> Home {
    let home = made(name, "tools");
    fs_err::remove_dir_all(home.work().join(name).join("tests")).expect("its tests");
    write_source(&home, name, source);
    home
}

fn write_source(home: &Home, name: &str, source: &str) {
    let all = format!("import {{ config, plugin, t, tool }} from \"ax\";\n{source}");
    home.write(&format!("{name}/src/plugin.ts"), all);
}

#[test]
fn a_new_project_builds_and_its_tool_answers() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["new", "hello", "--lang", "ts"]), @r"
    exit 0
    --- stdout
    made my:hello in hello: plugin.toml, src/plugin.ts, tests/plugin.test.ts, tests/cases.toml, README.md, .gitignore, package.json, tsconfig.json
    --- stderr
    try: cd hello && ax test && ax tool call hello.greet --arg name=Ada
    ");
    let tested = home.author(&["test", "hello", "--json"]).ok().json();
    assert_eq!((&tested["passed"], &tested["failed"]), (&2.into(), &0.into()), "{tested}");
    home.in_project("npm", "hello", &["test"]).ok();
    let greeted =
        home.ax(&["-C", "hello", "tool", "call", "hello.greet", "--arg", "name=Ada"]).ok();
    assert_eq!(greeted.stdout, "Hello, Ada!\n");
    let wrong = home.ax(&["-C", "hello", "tool", "call", "hello.greet", "{\"nam\": 1}"]);
    insta::assert_snapshot!(home.tell(&wrong), @r"
    exit 1
    --- stderr
    error[AX-T005]: `name` is missing
    ");
    insta::assert_snapshot!(home.told(&["check", "hello"]), @r"
    exit 0
    --- stdout
    ok    my:hello can be installed
    ");
    let pack = |file: &str| home.author(&["pack", "hello", "-o", file, "--json"]).ok().json();
    assert_eq!(pack("one.axp")["digest"], pack("two.axp")["digest"]);
    home.ax(&["plugin", "add", "two.axp"]).ok();
    let greeted = home.ax(&["tool", "call", "hello.greet", "--arg", "name=Eve"]).ok();
    assert_eq!(greeted.stdout, "Hello, Eve!\n");
    let listed = home.ax(&["tool", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["description"], "Greets somebody by name.");
    assert_eq!(listed[0]["inputSchema"]["properties"]["name"]["description"], "Who is greeted.");
}

#[test]
fn a_project_of_each_kind_holds_what_its_tests_say() {
    for (kind, tools) in
        [("state", &["remember", "recall", "forget", "list"][..]), ("http", &["latest-release"])]
    {
        let home = made(kind, kind);
        let built = home.author(&["build", kind, "--json"]).ok().json();
        assert_eq!(built["tools"], serde_json::json!(tools));
        let tested = home.author(&["test", kind, "--json", "--no-build"]).ok().json();
        assert_eq!(tested["failed"], 0, "{tested}");
        let checked = home.ax(&["check", kind]).ok();
        assert_eq!(checked.stdout, format!("ok    my:{kind} can be installed\n"));
        home.in_project("npm", kind, &["test"]).ok();
    }
}

#[test]
fn what_is_thrown_reaches_the_author_with_its_place() {
    let home = written(
        "broken",
        r#"import { double } from "small";
interface Point { x: number }

function depth(point: Point | undefined): number {
  return point!.x;
}

const fail = tool({ name: "fail", description: "Fails." }, () => String([1].map(() => depth(undefined))));
const say = tool({ name: "say", description: "Says." }, () => {
  console.log("half of", { all: double(2) });
  return new TextDecoder().decode(PARTY);
});
const dice = tool({ name: "dice", description: "Differs." }, () => String(Math.random()));
const PARTY = new TextEncoder().encode("é🎉");
export default plugin({ tools: [fail, say, dice] });
"#,
    );
    // What an author installed with npm is bundled.
    home.write("broken/node_modules/small/package.json", r#"{"name": "small", "main": "a.js"}"#);
    home.write("broken/node_modules/small/a.js", "exports.double = (value) => value * 2;\n");
    home.write(
        "broken/node_modules/small/a.d.ts",
        "export function double(value: number): number;\n",
    );
    home.author(&["build", "broken"]).ok();
    let call = |tool: &str| home.ax(&["-C", "broken", "tool", "call", &format!("broken.{tool}")]);
    insta::assert_snapshot!(home.tell(&call("fail")), @r"
    exit 1
    --- stderr
    error | TypeError: cannot read property 'x' of undefined
        at depth (src/plugin.ts:6)
        at <anonymous> (src/plugin.ts:9)
        at <anonymous> (src/plugin.ts:9)
    error[AX-T005]: TypeError: cannot read property 'x' of undefined
    ");
    let said = home.ax(&["-C", "broken", "-v", "tool", "call", "broken.say"]).ok();
    assert_eq!(said.stdout, "é🎉\n");
    assert!(said.stderr.contains(r#"half of {"all":4}"#), "{said:?}");
    // Numbers that were drawn when the component was made would be the same each time.
    assert_ne!(call("dice").ok().stdout, call("dice").ok().stdout);
}

#[test]
fn a_mistake_is_said_with_its_place_and_the_component_stays() {
    let home = written("wrong", "");
    home.write("wrong/plugin.wasm", "\0asm as it was");
    for (source, expected) in [
        (
            "const a = tool({ name: \"a\", description: \"A.\" }, () => 1);\nexport default plugin({ tools: [a] });",
            "src/plugin.ts:2:56: error TS2322: Type 'number' is not assignable to type 'Readable'.",
        ),
        (
            "const a = [1\nexport default plugin({ tools: [] });",
            "src/plugin.ts:3:1: error TS1005: ",
        ),
        (
            "import * as kv from \"ax/kv\";\nexport default plugin({ tools: [] });\nkv.keys();",
            "src/plugin.ts:2: error: `ax/kv` needs a permission that plugin.toml does not ask for; \
             add to it:\n\n    [permissions]\n    kv = { bytes = \"1 MiB\", reason = \"…\" }\n",
        ),
        (
            "import \"node:fs\";\nexport default plugin({ tools: [] });",
            "src/plugin.ts:2: error: there is no `node:fs` in the sandbox\n",
        ),
        (
            "// @ts-ignore\nimport \"left-pad\";\nexport default plugin({ tools: [] });",
            "src/plugin.ts:3: error: there is no package `left-pad` here; type: npm install left-pad\n",
        ),
        (
            "export const a = 1;",
            "src/plugin.ts: error: it has no `export default plugin({ tools: [ … ] })`\n",
        ),
        (
            "const a = tool({ name: \"a\", description: \"A.\" }, () => \"\");\n\
             const b = tool({ name: \"a\", description: \"B.\" }, () => \"\");\n\
             export default plugin({ tools: [a, b] });",
            "src/plugin.ts:3: error: two tools are called `a`\n",
        ),
        (
            "const a = tool({ name: \"a\", description: \"\" }, () => \"\");\nexport default plugin({ tools: [a] });",
            "src/plugin.ts:2: error: the tool `a` has no description, which is what models read\n",
        ),
        (
            "export default plugin({ tools: [] });\nconfig.all();",
            "error: `ax:config/config` is called while the plugin is loaded, where there is no host",
        ),
    ] {
        write_source(&home, "wrong", source);
        let failed = home.author(&["build", "wrong"]).exits(1);
        assert!(failed.stderr.contains(expected), "{expected}\n---\n{}", failed.stderr);
        let end = "error[AX-B003]: `node .ax/sdk/build/main.mjs` failed: exit status: 1\n";
        assert!(failed.stderr.contains(end), "{}", failed.stderr);
    }
    let held = fs_err::read_to_string(home.work().join("wrong/plugin.wasm"));
    assert_eq!(held.expect("it is there"), "\0asm as it was");
}

/// The SDK's own tests, in a project whose types are checked as strictly as can be.
#[test]
fn the_sdk_does_what_it_says() {
    let home = made("sdk", "state");
    let config = r#"{ "extends": "./.ax/sdk/tsconfig.json", "include": ["src", "tests", ".ax/sdk/src"],
        "compilerOptions": { "exactOptionalPropertyTypes": true, "noUncheckedIndexedAccess": true,
        "noUnusedLocals": true, "noUnusedParameters": true, "noImplicitOverride": true,
        "noImplicitReturns": true, "noPropertyAccessFromIndexSignature": true } }"#;
    home.write("sdk/tsconfig.json", config);
    let tests = program::repository().join("sdk/js/tests");
    for entry in fs_err::read_dir(tests).expect("tests") {
        let entry = entry.expect("an entry");
        let text = fs_err::read(entry.path()).expect("a test");
        home.write(&format!("sdk/tests/{}", entry.file_name().to_string_lossy()), text);
    }
    home.author(&["build", "sdk"]).ok();
    home.in_project("npm", "sdk", &["test"]).ok();
}

/// Puts a program in place of another.
fn played(home: &Home, name: &str, script: &str) {
    let path = home.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn a_toolchain_that_is_not_there_is_said_with_what_to_do() {
    let home = made("hello", "tools");
    let bin = home.work().join("bin");
    let path = ("PATH", bin.to_str().expect("text"));
    let built = || home.tell(&home.ax_with(path, &["build", "hello"]));
    insta::assert_snapshot!(built(), @r"
    exit 1
    --- stderr
    error[AX-B002]: `node` cannot be started
    caused by: No such file or directory (os error 2)

    hint: install Node.js from https://nodejs.org
    ");
    played(&home, "node", "echo v18.20.0");
    insta::assert_snapshot!(built(), @r"
    exit 1
    --- stderr
    error[AX-B002]: `node` is v18.20.0, and 20.19 or later is needed

    hint: install Node.js from https://nodejs.org
    ");
    played(&home, "node", "echo v22.12.0");
    played(&home, "npm", "echo 'npm error network is unreachable' >&2; exit 1");
    insta::assert_snapshot!(built(), @r"
    exit 1
    --- stderr
    installing typescript 7.0.2 (32 MB) into HOME/toolchains, once for all projects
    error[AX-B002]: `npm` could not install what this language needs: npm error network is unreachable

    hint: it is downloaded once; check the network, then type this again
    ");
}
