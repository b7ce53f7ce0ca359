//! `ax new` and `ax build`: from nothing to a tool that answers.

use ax_tests::home::Home;

fn hello() -> Home {
    let home = Home::new();
    home.ax(&["new", "hello"]).ok();
    home
}

#[test]
fn a_new_project_builds_and_its_tool_answers() {
    let home = Home::new();
    insta::assert_snapshot!(home.told(&["new", "hello"]), @r"
    exit 0
    --- stdout
    made my:hello in hello: plugin.toml, src/lib.rs, tests/cases.toml, README.md, .gitignore, Cargo.toml, Cargo.lock
    --- stderr
    try: cd hello && ax test && ax tool call hello.greet --arg name=Ada
    ");
    let built = home.author(&["build", "hello", "--json"]).ok().json();
    assert_eq!(built["plugin"], "my:hello");
    assert_eq!(built["tools"], serde_json::json!(["greet"]));
    assert!(built["bytes"].as_u64().is_some_and(|bytes| bytes < 400 << 10), "{built}");
    let tested = home.author(&["test", "hello", "--json"]).ok().json();
    assert_eq!((&tested["passed"], &tested["failed"]), (&2.into(), &0.into()), "{tested}");
    // Called where it was made, …
    let greeted =
        home.ax(&["-C", "hello", "tool", "call", "hello.greet", "--arg", "name=Ada"]).ok();
    assert_eq!(greeted.stdout, "Hello, Ada!\n");
    let wrong = home.ax(&["-C", "hello", "tool", "call", "hello.greet", "--arg", "name="]);
    insta::assert_snapshot!(home.tell(&wrong), @r"
    exit 1
    --- stderr
    error[AX-T005]: nobody is greeted without a name
    ");
    let missing = home.ax(&["tool", "call", "hello.greet"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    // … packed into a file that is the same each time, …
    let pack = |file: &str| home.author(&["pack", "hello", "-o", file, "--json"]).ok().json();
    let (once, twice) = (pack("one.axp"), pack("two.axp"));
    assert_eq!(
        (&once["digest"], &once["tools"]),
        (&twice["digest"], &serde_json::json!(["greet"]))
    );
    let read = |file: &str| fs_err::read(home.work().join(file)).expect("the package");
    assert!(read("one.axp") == read("two.axp"));
    insta::assert_snapshot!(home.told(&["check", "hello"]), @r"
    exit 0
    --- stdout
    ok    my:hello can be installed
    ");
    // … and everywhere, once it is installed.
    home.ax(&["plugin", "add", "two.axp"]).ok();
    let greeted = home.ax(&["tool", "call", "hello.greet", "--arg", "name=Eve"]).ok();
    assert_eq!(greeted.stdout, "Hello, Eve!\n");
    let listed = home.ax(&["tool", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["description"], "Greets somebody by name.");
    assert_eq!(listed[0]["inputSchema"]["properties"]["name"]["description"], "Who is greeted.");
}

#[test]
fn a_project_of_each_kind_holds_what_its_tests_say() {
    let home = Home::new();
    for (kind, tools) in [
        ("tools", &["greet"][..]),
        ("state", &["remember", "recall", "forget", "list"]),
        ("http", &["latest-release"]),
    ] {
        let name = format!("kind-{kind}");
        home.ax(&["new", &name, "--kind", kind]).ok();
        let built = home.author(&["build", &name, "--json"]).ok().json();
        assert_eq!(built["tools"], serde_json::json!(tools));
        let tested = home.author(&["test", &name, "--json", "--no-build"]).ok().json();
        assert_eq!(tested["failed"], 0, "{tested}");
        let checked = home.ax(&["check", &name]).ok();
        assert_eq!(checked.stdout, format!("ok    my:{name} can be installed\n"));
        let _ = home.cargo(&name, &["test", "--quiet", "--locked", "--lib"]).ok();
        // Formatted as whoever has no opinion about it formats.
        let _ = home.cargo(&name, &["fmt", "--check"]).ok();
    }
}

#[test]
fn tests_in_rust_call_the_sandbox() {
    let home = Home::new();
    home.ax(&["new", "driven", "--kind", "state"]).ok();
    home.write(
        "driven/tests/sandbox.rs",
        r#"
        use ax_sdk_test::Sandbox;

        #[test]
        fn what_is_remembered_is_recalled() {
            let sandbox = Sandbox::here();
            let input = [("key", "milk"), ("text", "2 litres")];
            let input: ax_sdk::serde_json::Map<String, ax_sdk::serde_json::Value> =
                input.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
            let recall = || sandbox.case("recall").arg("key", "milk").allow("kv");
            let recalled = recall().before("remember", input).fuel_max(2_000_000).run();
            assert_eq!(recalled.text(), "2 litres");
            assert!(recalled.fuel() > 1_000 && recalled.memory_peak_bytes() > 0);
            // Each case has data of its own.
            assert_eq!(recall().run().failure().kind, "not-found");
            let denied = sandbox.case("recall").arg("key", "milk").run();
            assert_eq!((denied.failure().code.as_str(), denied.denied()), ("kv", vec!["kv"]));
        }

        #[test]
        #[should_panic(expected = "fuel, at most 1 was expected")]
        fn what_does_not_hold_fails_the_test() {
            let _ = Sandbox::here().case("recall").arg("key", "milk").allow("kv").fuel_max(1).run();
        }
        "#,
    );
    // Cargo has nothing to change in the lock file that comes with it.
    let ran = home.cargo("driven", &["test", "--quiet", "--locked", "--test", "sandbox"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn what_is_remembered_where_a_project_lies_stays_there() {
    let home = Home::new();
    home.ax(&["new", "notebook", "--kind", "state"]).ok();
    home.author(&["build", "notebook"]).ok();
    let call = |tool: &str, arguments: &[&str]| {
        let tool = format!("notebook.{tool}");
        home.ax(&[&["-C", "notebook", "tool", "call", &tool], arguments].concat())
    };
    let milk = ["--arg", "key=milk", "--allow", "kv"];
    let kept = call("remember", &[&milk[..], &["--arg", "text=2 litres"]].concat()).ok();
    assert_eq!(kept.stdout, "Remembered milk.\n");
    assert_eq!(call("recall", &milk).ok().stdout, "2 litres\n");
    let denied = call("recall", &milk[..2]);
    insta::assert_snapshot!(home.tell(&denied), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `my:notebook` may not keep data of its own between calls
    caused by: `kv` is declared, but not granted
    caused by: the tool then failed: `kv` is not permitted: declared, but not granted

    hint: allow it for this call: --allow kv
    ");
}

#[test]
fn a_project_that_does_not_build_leaves_what_was_built() {
    let home = Home::new();
    // Of another name: projects share what the tests compile.
    home.ax(&["new", "broken"]).ok();
    home.write("broken/plugin.wasm", "\0asm as it was");
    home.write("broken/src/lib.rs", "fn broken(");
    let failed = home.author(&["build", "broken"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.stderr.contains("unclosed delimiter"), "{}", failed.stderr);
    assert!(failed.stderr.contains("error[AX-B003]: `cargo build"), "{}", failed.stderr);
    let held = fs_err::read_to_string(home.work().join("broken/plugin.wasm"));
    assert_eq!(held.expect("it is there"), "\0asm as it was");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_compiled() {
    let home = hello();
    home.write("hello/plugin.toml", "[plugin]\nnam = 1\n");
    let refused = home.ax(&["build", "hello"]);
    assert!(refused.stderr.starts_with("error[AX-P004]: "), "{refused:?}");
    insta::assert_snapshot!(home.told(&["build"]), @r"
    exit 3
    --- stderr
    error[AX-B001]: `WORK` is no project of a language that is known here

    hint: type it in a folder that `ax new NAME` made, or name one
    ");
    home.write("other/plugin.toml", ax_tests::components::CALC_MANIFEST);
    insta::assert_snapshot!(home.told(&["build", "other"]), @r"
    exit 3
    --- stderr
    error[AX-B001]: `WORK/other` is no project of a language that is known here

    hint: type it in a folder that `ax new NAME` made, or name one
    ");
}

#[test]
fn a_project_is_made_where_nothing_is() {
    let home = hello();
    insta::assert_snapshot!(home.told(&["new", "hello"]), @r"
    exit 2
    --- stderr
    error[AX-B001]: `hello` is there already and not empty

    hint: name another folder: ax new NAME DIR
    ");
    let named = home.ax(&["new", "acme:tool", "deep/down", "--json"]).ok().json();
    assert_eq!((&named["plugin"], &named["folder"]), (&"acme:tool".into(), &"deep/down".into()));
    assert_eq!(home.ax(&["new", "Not_A_Name"]).code, 2);
    let refused = home.ax(&["new", "../x"]).exits(2);
    assert_eq!(refused.hint(), "ax new hello, or `ax new hello DIR` to say where to put it");
    fs_err::create_dir(home.work().join("empty")).expect("made");
    home.ax(&["-C", "empty", "new", "hello", "."]).ok();
    assert!(home.work().join("empty/plugin.toml").is_file());
    let missing = home.ax(&["plugin", "add", "empty"]).exits(1);
    assert_eq!(home.tell_text(missing.hint()), "ax build WORK/empty");
}

#[test]
fn a_check_says_everything_in_one_go() {
    let home = Home::new();
    let manifest =
        ax_tests::components::CALC_MANIFEST.to_owned() + "[permissions]\nenv = [\"LANG\"]\n";
    home.write_plugin("calc", &manifest, &ax_tests::components::calc());
    insta::assert_snapshot!(home.told(&["check", "calc"]), @r#"
    exit 0
    --- stdout
    note  plugin.toml:7: it asks for `env:LANG` and imports nothing that could use it
          take it out of [permissions]: people grant less gladly what has no use
    note  plugin.toml:7: it does not say why it asks for `env:LANG`
          add `reason = "…"`, which is shown to whoever is asked to grant it
    note  it has no license
          add `license = "MIT"`, or another, to [plugin]
    note  it has no README.md
          write one: who installs it reads it first
    "#);
    home.write("calc/plugin.wasm", "no component");
    let refused = home.ax(&["check", "calc", "--json"]).exits(6).json();
    assert_eq!(refused["findings"][0]["severity"], "error");
    home.write("calc/plugin.toml", "[plugin]\n");
    let refused = home.ax(&["check", "calc"]).exits(6);
    assert!(refused.stdout.starts_with("FAIL  "), "{refused:?}");
}

#[test]
fn a_denial_in_a_project_names_what_allows_it_there() {
    let home = Home::new();
    home.write_plugin("env", ax_tests::components::ENV_MANIFEST, &ax_tests::components::env());
    let denied = home.ax(&["-C", "env", "tool", "call", "env.count"]);
    insta::assert_snapshot!(home.tell(&denied), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `test:env` may not see the environment variable `LANG`
    caused by: `env:LANG` is declared, but not granted
    caused by: the tool then failed: no variable is set

    hint: allow it for this call: --allow env:LANG
    ");
    let stray = home.ax(&["-C", "env", "tool", "call", "env.count", "--allow", "kv"]);
    assert_eq!(stray.code, 2, "{stray:?}");
}

#[test]
fn a_case_that_does_not_hold_says_what_it_got() {
    let home = Home::new();
    home.write_plugin("calc", ax_tests::components::CALC_MANIFEST, &ax_tests::components::calc());
    home.write(
        "calc/tests/add.toml",
        "[[case]]\nname = \"two and two\"\ntool = \"add\"\ninput = { a = 2, b = 2 }\nstructured = 5\n\
         [[case]]\ntool = \"add\"\ninput = { a = 1 }\nerror = \"invalid\"\n\
         [[case]]\ntool = \"add\"\ninput = { a = 1, b = 1 }\nstructured = 2\nfuel-max = 1\n",
    );
    let failed = home.ax(&["test", "calc", "--json"]).exits(1).json();
    let failures =
        |case: usize| failed["cases"][case]["failures"].as_array().expect("a list").clone();
    assert_eq!(failures(0), ["expected 5, got 4"]);
    assert_eq!(failures(1), [""; 0]);
    let costly = failures(2)[0].as_str().expect("text").to_owned();
    assert!(costly.ends_with(" fuel, at most 1 was expected"), "{costly}");
    home.write("calc/tests/add.toml", "[[case]]\ntool = \"add\"\n");
    insta::assert_snapshot!(home.told(&["test", "calc"]), @r"
    exit 2
    --- stderr
    error[AX-B005]: `calc/tests/add.toml` is not a file of cases
    caused by: case 1 expects nothing; add text, structured, golden or error

    hint: a case is a table: [[case]] with tool, input, and text, structured, golden or error
    ");
}

#[test]
fn a_case_may_do_what_it_names_and_no_other_learns_of_it() {
    let home = Home::new();
    home.write_plugin("env", ax_tests::components::ENV_MANIFEST, &ax_tests::components::env());
    home.write(
        "env/tests/count.toml",
        "[[case]]\ntool = \"count\"\nallow = [\"env:LANG\"]\nerror = \"failed\"\ndenied = []\n\
         [[case]]\ntool = \"count\"\nerror = \"failed\"\ndenied = [\"env:LANG\"]\n",
    );
    let ran = home.ax_with(("LANG", "en"), &["test", "env", "--json"]).ok().json();
    assert_eq!(ran["passed"], 2, "{ran}");
}

#[test]
fn a_planted_project_does_not_answer_for_what_is_installed() {
    let home = Home::new();
    let (manifest, calc) = (ax_tests::components::CALC_MANIFEST, ax_tests::components::calc());
    home.write_plugin("honest", manifest, &calc);
    home.ax(&["plugin", "add", "honest"]).ok();
    let name = manifest.lines().find(|line| line.starts_with("name")).expect("a name");
    home.write_plugin("planted", &manifest.replace(name, "name = \"evil:calc\""), &calc);
    let call = ["-C", "planted", "tool", "call", "calc.add", r#"{ "a": 1, "b": 2 }"#];
    let refused = home.ax(&call).exits(2);
    assert!(refused.stderr.contains("`evil:calc` of the project"), "{}", refused.stderr);
}

#[test]
fn a_project_whose_manifest_is_broken_leaves_nothing_to_guess() {
    let home = hello();
    home.write("hello/plugin.toml", "[plugin\n");
    let called = home.ax(&["-C", "hello", "tool", "call", "hello.greet"]).exits(1);
    assert!(called.stderr.contains("error[AX-P004]: "), "{}", called.stderr);
    // The whole name is of an installed one, whatever lies around.
    let named = home.ax(&["-C", "hello", "tool", "call", "my:hello.greet"]).exits(3);
    assert!(!named.stderr.contains("AX-P004"), "{}", named.stderr);
}

#[test]
fn nothing_is_written_where_a_link_of_a_project_leads() {
    let home = hello();
    home.write("elsewhere/sdk/src/lib.rs", "mine");
    let link = |to: &str, name: &str| {
        fs_err::os::unix::fs::symlink(home.work().join(to), home.work().join(name))
            .expect("a link");
    };
    fs_err::remove_dir_all(home.work().join("hello/.ax")).expect("it goes");
    link("elsewhere", "hello/.ax");
    let refused = home.author(&["build", "hello"]).exits(1);
    assert!(refused.stderr.contains("`.ax` is a link"), "{}", refused.stderr);
    fs_err::remove_file(home.work().join("hello/.ax")).expect("it goes");
    // The way to the component is as good.
    let manifest = home.work().join("hello/plugin.toml");
    let text = fs_err::read_to_string(&manifest).expect("a manifest");
    home.write("hello/plugin.toml", text.replace("\"plugin.wasm\"", "\"out/plugin.wasm\""));
    link("elsewhere/sdk", "hello/out");
    let refused = home.author(&["build", "hello"]).exits(1);
    assert!(refused.stderr.contains("`out` is a link"), "{}", refused.stderr);
    fs_err::remove_file(home.work().join("hello/out")).expect("it goes");
    home.author(&["build", "hello"]).ok();
    // Nor are data kept where one leads.
    link("elsewhere", "hello/.ax/data");
    let call = ["-C", "hello", "tool", "call", "hello.greet", "--arg", "name=Ada"];
    let refused = home.ax(&call).exits(1);
    assert!(refused.stderr.contains("cannot write"), "{}", refused.stderr);
    let left = fs_err::read_to_string(home.work().join("elsewhere/sdk/src/lib.rs"));
    assert_eq!(left.expect("a file"), "mine");
    assert_eq!(fs_err::read_dir(home.work().join("elsewhere")).expect("a folder").count(), 1);
    assert_eq!(fs_err::read_dir(home.work().join("elsewhere/sdk")).expect("a folder").count(), 1);
}

#[test]
fn two_projects_of_one_name_do_not_get_each_others_component() {
    let home = Home::new();
    for folder in ["a", "b"] {
        home.ax(&["new", "twin", &format!("{folder}/twin")]).ok();
        let path = format!("{folder}/twin/src/lib.rs");
        let text = fs_err::read_to_string(home.work().join(&path)).expect("the source");
        let greets = format!("\"{folder} greets ");
        home.write(&path, text.replace("\"Hello, ", &greets));
    }
    // They share a target folder, and cargo thinks at the third build that all is as it should be.
    for folder in ["a", "b", "a"] {
        let project = format!("{folder}/twin");
        home.author(&["build", &project]).ok();
        let greeted = home.ax(&["-C", &project, "tool", "call", "twin.greet", "--arg", "name=Ada"]);
        assert_eq!(greeted.ok().stdout, format!("{folder} greets Ada!\n"));
    }
}

#[test]
fn a_source_is_never_taken_for_the_old_component() {
    let home = hello();
    let manifest = home.work().join("hello/plugin.toml");
    let text = fs_err::read_to_string(&manifest).expect("a manifest");
    home.write("hello/plugin.toml", text.replace("\"plugin.wasm\"", "\"src/lib.rs\""));
    let refused = home.author(&["build", "hello"]).exits(1);
    assert!(refused.stderr.contains("no component"), "{}", refused.stderr);
    let source = fs_err::read_to_string(home.work().join("hello/src/lib.rs"));
    assert!(source.expect("it is there").contains("fn greet"));
}
