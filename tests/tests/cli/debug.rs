//! What an author sees of a call: its host calls, where it crashed, where its time went, what it cost
//! before.

use ax_tests::components;
use ax_tests::home::Home;
use ax_tests::home::Run;
use ax_tests::program;
use ax_tests::server::Server;
use serde_json::Value;

use crate::fetch;
use crate::secret;
use crate::setup;

/// What was asked of the gate in a traced call: permission, rule, whether it was allowed.
fn checks(printed: &Value) -> Vec<(String, String, bool)> {
    let steps = printed["trace"]["steps"].as_array().expect("steps").iter();
    let checks = steps.filter_map(|step| step["checks"].as_array()).flatten();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let read = |check: &Value| {
        let is_allowed = check["isAllowed"].as_bool().expect("a bool");
        (text(&check["permission"]), text(&check["rule"]), is_allowed)
    };
    checks.map(read).collect()
}

/// Insists that the audit's account of the last call and its trace are the same.
#[track_caller]
fn compare_with_audit(home: &Home, printed: &Value) {
    let told = home.ax(&["audit", "tail", "-n", "100", "--json"]).ok().stdout;
    let rows: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let call = rows.iter().rfind(|row| row["kind"] == "call").expect("a call");
    let mut traced = checks(printed);
    let effects = rows
        .iter()
        .filter(|row| row["kind"] == "effect" && row["body"]["call"] == call["body"]["call"]);
    for row in effects {
        let body = &row["body"];
        let is_allowed = row["decision"] == "allowed";
        let count = traced.len();
        let permission = body["permission"].as_str().expect("a permission");
        traced.retain(|(wanted, rule, allowed)| {
            !(wanted == permission && *allowed == is_allowed && body["rule"] == rule.as_str())
        });
        assert!(traced.len() < count, "{row} is not among {traced:?}");
    }
    for effect in call["body"]["effects"].as_array().into_iter().flatten() {
        let count = traced.len();
        traced.retain(|(_, rule, allowed)| !(*allowed && effect["rule"] == rule.as_str()));
        assert_eq!(effect["count"], count - traced.len(), "{effect} is not among {traced:?}");
    }
    assert_eq!(traced, [], "it is in the trace and not in the audit");
}

fn traced(home: &Home, arguments: &[&str]) -> Value {
    let call = [&["tool", "call", "--trace", "--json"], arguments].concat();
    home.ax_with(setup::LANG, &call).json()
}

#[test]
fn every_effect_in_the_audit_is_in_the_trace_and_no_other() {
    let env = setup::with_env();
    compare_with_audit(&env, &traced(&env, &["test:env.count"]));
    compare_with_audit(&env, &traced(&env, &["test:env.count", "--allow", "env:LANG"]));

    let home = Home::new();
    for (plugin, allow) in [("metrics", "fs:workspace:read"), ("notes", "kv")] {
        let folder = program::plugin(plugin);
        home.ax(&["plugin", "add", folder.to_str().expect("text"), "--allow", allow]).ok();
    }
    home.write("src/main.rs", "fn main() {}\n");
    let measured = traced(&home, &["ax:metrics.measure", "--workspace", "."]);
    assert!(checks(&measured).len() > 3, "{measured}");
    compare_with_audit(&home, &measured);
    compare_with_audit(&home, &traced(&home, &["ax:notes.add", "--arg", "title=a"]));

    let server = Server::new(fetch::page);
    let home = fetch::granted(&server);
    for path in ["/page", "/moved", "/away"] {
        let url = format!("url={}", server.url(path));
        compare_with_audit(&home, &traced(&home, &["ax:fetch.get", "--arg", &url]));
    }
}

#[test]
fn a_trace_says_what_was_asked_what_decided_and_what_came_of_it() {
    let server = Server::new(fetch::page);
    let home = fetch::granted(&server);
    let url = format!("url={}", server.url("/moved"));
    let called = home.ax(&["tool", "call", "ax:fetch.get", "--arg", &url, "--trace"]).ok();
    let origin = server.origin();
    let lines: Vec<&str> = called.stderr.lines().collect();
    let of = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(of("ax:http/client#send"), 1, "{}", called.stderr);
    assert_eq!(of(&format!("  GET {origin}/moved: 301, 0 B out, ")), 1, "{}", called.stderr);
    assert_eq!(of(&format!("  GET {origin}/page: 200, 0 B out, ")), 1, "{}", called.stderr);
    assert_eq!(of(&format!("  and granted: net:{origin}")), 1, "{}", called.stderr);
    assert_eq!(of(" host call"), 1, "{}", called.stderr);
    assert!(called.stdout.contains("# Hello"), "{}", called.stdout);
}

#[test]
fn a_denial_in_a_trace_names_what_decided() {
    let home = setup::with_env();
    let denied = home.ax(&["tool", "call", "test:env.count", "--trace"]).exits(5);
    let step = |run: &Run| {
        let line = run.stderr.lines().find(|line| line.contains("#get-environment"));
        let words = line.unwrap_or_else(|| panic!("{}", run.stderr)).split_whitespace();
        words.skip(4).collect::<Vec<_>>().join(" ")
    };
    let call = "wasi:cli/environment#get-environment";
    assert_eq!(step(&denied), format!("{call} DENIED env:LANG: declared, but not granted"));
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let once = ["tool", "call", "test:env.count", "--trace"];
    let allowed = home.ax_with(setup::LANG, &once).ok();
    assert_eq!(step(&allowed), format!("{call} granted: env:LANG"));
    home.write("../home/policy.toml", "permissions.deny = [\"env:LANG\"]\n");
    let forbidden = home.tell_text(&step(&home.ax(&once).exits(5)));
    assert_eq!(
        forbidden,
        format!(
            "{call} DENIED env:LANG: forbidden by the managed policy: `permissions.deny env:LANG` \
             (HOME/policy.toml:1)"
        )
    );
}

#[test]
fn a_trace_never_holds_a_secret() {
    let server = Server::new(fetch::page);
    let origin = server.origin();
    let home = Home::new();
    let folder = program::plugin("fetch");
    let manifest = fs_err::read_to_string(folder.join("plugin.toml")).expect("its manifest");
    let asked = format!(
        "[permissions]\nsecrets = [{{ name = \"token\", to = \"{origin}\", header = \
         \"Authorization: Bearer {{}}\" }}]\n"
    );
    let manifest = manifest.replace("https://*", &origin).replace("[permissions]\n", &asked);
    let component = fs_err::read(folder.join("plugin.wasm")).expect("its component");
    home.write_plugin("fetch", &manifest, &component);
    home.ax(&["plugin", "add", "fetch", "--grant-nothing"]).ok();
    for permission in [format!("net:{origin}"), format!("secret:token@{origin}")] {
        home.ax(&["permission", "grant", "ax:fetch", &permission]).ok();
    }
    secret::set(&home, "token", secret::VALUE).ok();
    for path in ["/page?token=", "/page/"] {
        let url = format!("url={}{}", server.url(path), secret::VALUE);
        for flags in [&["--json"][..], &[]] {
            let call = [&["tool", "call", "ax:fetch.get", "--arg", &url, "--trace"], flags];
            let run = home.ax(&call.concat());
            let said = run.stdout + &run.stderr;
            assert!(said.contains(&format!("secret:token@{origin}")), "{said}");
            assert!(!said.contains(secret::VALUE), "{said}");
        }
    }
    let heard = server.heard();
    assert!(heard.iter().any(|heard| heard.target.contains(secret::VALUE)), "it was sent");
}

#[test]
fn a_migration_that_panics_is_told_as_a_call_is() {
    let home = Home::new();
    home.ax(&["new", "diary", "--kind", "state"]).ok();
    home.author(&["build", "diary"]).ok();
    home.ax(&["plugin", "add", "diary", "--allow", "kv"]).ok();
    let input = r#"{"key": "milk", "text": "2 litres"}"#;
    home.ax(&["tool", "call", "my:diary.remember", input]).ok();
    let edit = |name: &str, from: &str, to: &str| {
        let path = home.work().join("diary").join(name);
        let text = fs_err::read_to_string(&path).expect("text");
        assert!(text.contains(from), "{text}");
        fs_err::write(path, text.replacen(from, to, 1)).expect("written");
    };
    edit("plugin.toml", "version = \"0.1.0\"", "version = \"0.2.0\"");
    edit("src/lib.rs", "list]);", "list], migrate: upgrade);");
    let upgrade =
        "\nfn upgrade(_from: &str, _to: &str) -> Result<()> {\n    panic!(\"no way\")\n}\n";
    edit("src/lib.rs", "\n/// What is in the notebook.", &format!("{upgrade}\n/// What is in it."));
    let stale = home.ax(&["check", "diary"]).ok();
    assert!(stale.stdout.contains("`plugin.wasm` is older than `src/lib.rs`"), "{}", stale.stdout);
    home.author(&["build", "diary"]).ok();
    let failed = home.author(&["plugin", "add", "diary", "--allow", "kv"]).exits(1);
    let said = &failed.stderr;
    assert!(said.contains("panicked at src/lib.rs:7:5:"), "{said}");
    assert!(said.contains("error | no way"), "{said}");
    assert!(said.contains("where it was, the innermost first:"), "{said}");
    assert!(said.contains("src/lib.rs:7:5\n"), "{said}");
    // What is there and no ordinary file is not written over by a profile.
    let place = home.work().join("link.json");
    std::os::unix::fs::symlink("nowhere", &place).expect("made");
    let call = ["tool", "profile", "my:diary.list", "-o", "link.json"];
    let refused = home.ax(&call).exits(2);
    assert!(refused.stderr.contains("not an ordinary file"), "{}", refused.stderr);
}

#[test]
fn a_panic_is_told_with_its_message_and_its_line() {
    let home = Home::new();
    home.ax(&["new", "panics"]).ok();
    home.write(
        "panics/src/lib.rs",
        "use ax_sdk::prelude::*;\n\n\
         #[inline(never)]\nfn third(list: &[u32]) -> u32 {\n    list[2]\n}\n\n\
         /// Panics.\n#[tool]\npub fn crash(count: u32) -> Result<String> {\n    \
         let list: Vec<u32> = (0..count).collect();\n    \
         Ok(third(&list).to_string())\n}\n\nax_sdk::plugin!(tools: [crash]);\n",
    );
    home.author(&["build", "panics"]).ok();
    let call = ["-C", "panics", "tool", "call", "panics.crash", "--arg", "count=2"];
    let crashed = home.author(&call).exits(1);
    insta::assert_snapshot!(home.tell(&crashed), @r"
    exit 1
    --- stderr
    error | panicked at src/lib.rs:5:5:
    error | index out of bounds: the len is 2 but the index is 2
    where it was, the innermost first:
      panics::third  src/lib.rs:5:5
      crash          src/lib.rs:12:8
      call           src/lib.rs:9:1
      and 17 more, of libraries and of what calls it: -v
    error[AX-T004]: the plugin crashed: wasm trap: wasm `unreachable` instruction executed

    hint: what it wrote before is shown above; run it again with -v
    ");
    let details = home.author(&[&call[..], &["--json"]].concat()).exits(1).json();
    let first = &details["details"]["backtrace"][0];
    assert_eq!((&first["file"], &first["line"]), (&"src/lib.rs".into(), &5.into()), "{details}");
    // All there is, with -v, …
    let all = home.author(&[&call[..], &["-v"]].concat()).exits(1);
    assert!(all.stderr.contains("core::panicking::panic_fmt"), "{}", all.stderr);
    // … also in a case that fails, …
    home.write(
        "panics/tests/cases.toml",
        "[[case]]\ntool = \"crash\"\ninput = { count = 2 }\ntext = \"\"\n",
    );
    let tested = home.author(&["test", "--no-build", "panics"]).exits(1);
    assert!(
        tested.stdout.contains("\n      at panics::third src/lib.rs:5:5\n"),
        "{}",
        tested.stdout
    );
    // … names alone where it is installed and its project is elsewhere …
    home.write_plugin(
        "away",
        &fs_err::read_to_string(home.work().join("panics/plugin.toml")).expect("a manifest"),
        &fs_err::read(home.work().join("panics/plugin.wasm")).expect("a component"),
    );
    home.ax(&["plugin", "add", "away"]).ok();
    let installed = home.ax(&["tool", "call", "my:panics.crash", "--arg", "count=2"]).exits(1);
    assert!(installed.stderr.contains("\n  panics::third\n"), "{}", installed.stderr);
    // … and lines again in the project it came from.
    let call = ["-C", "panics", "tool", "call", "my:panics.crash", "--arg", "count=2"];
    let at_home = home.author(&call);
    assert!(at_home.stderr.contains("src/lib.rs:5:"), "{}", at_home.stderr);
}

#[test]
fn a_name_in_a_backtrace_moves_no_cursor() {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.replace("calc", "evil");
    let evil = components::component(
        r#"(component
            (core module $m
                (func (@name "a\1b[2Jb\e2\80\aec") unreachable)
                (func (export "crash") (call 0)))
            (core instance $i (instantiate $m))
            (func (export "crash") (canon lift (core func $i "crash"))))"#,
    );
    home.write_plugin("evil", &manifest, &evil);
    home.ax(&["plugin", "add", "evil"]).ok();
    let crashed = home.ax(&["tool", "call", "test:evil.crash"]).exits(1);
    insta::assert_snapshot!(home.tell(&crashed), @r"
    exit 1
    --- stderr
    where it was, the innermost first:
      a�[2Jb�c
      and 1 more, of libraries and of what calls it: -v
    error[AX-T004]: the plugin crashed: wasm trap: wasm `unreachable` instruction executed

    hint: what it wrote before is shown above; run it again with -v
    ");
}

#[test]
fn a_profile_names_the_functions_of_the_author() {
    let home = Home::new();
    home.ax(&["new", "works"]).ok();
    home.write(
        "works/src/lib.rs",
        "use ax_sdk::prelude::*;\n\n\
         #[inline(never)]\nfn is_prime(n: u64) -> bool {\n    \
         (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0)\n}\n\n\
         /// Counts primes.\n#[tool(read_only)]\npub fn count(below: u64) -> Result<String> {\n    \
         Ok((2..below).filter(|n| is_prime(*n)).count().to_string())\n}\n\n\
         ax_sdk::plugin!(tools: [count]);\n",
    );
    home.author(&["build", "works"]).ok();
    let profile = ["-C", "works", "tool", "profile", "works.count", "--arg", "below=200000"];
    let told = home.author(&[&profile[..], &["--json"]].concat()).ok().json();
    let functions = told["functions"].as_array().expect("functions");
    let is_prime = |time: &&Value| time["function"].as_str().is_some_and(|it| it == "is_prime");
    let time = functions.iter().find(is_prime).unwrap_or_else(|| panic!("{told}"));
    assert_eq!((&time["file"], &time["isOwn"]), (&"src/lib.rs".into(), &true.into()), "{told}");
    let samples = told["samples"].as_u64().expect("samples");
    assert!(samples > 10 && time["selfSamples"].as_u64() > Some(samples / 2), "{told}");
    let written = fs_err::read_to_string(home.work().join("works/count.profile.json"));
    let written: Value = serde_json::from_str(&written.expect("the file")).expect("JSON");
    let thread = &written["threads"][0];
    assert_eq!(thread["samples"]["length"], samples);
    let names = thread["stringArray"].as_array().expect("strings");
    assert!(
        names.contains(&"is_prime".into()) && names.contains(&"src/lib.rs".into()),
        "{names:?}"
    );
    // A call that runs into a limit is worth a profile too, and is told as ever.
    let spent = ["-C", "works", "tool", "profile", "works.count", "--arg"];
    let spent = home.ax(&[&spent[..], &["below=1000000000", "-o", "spent.json"]].concat()).exits(1);
    assert!(spent.stderr.contains("error[AX-T003]: "), "{}", spent.stderr);
    assert!(home.work().join("works/spent.json").is_file());
}

#[test]
fn a_tool_that_may_change_something_is_profiled_once_unless_told() {
    let home = setup::with_calc();
    let call = ["tool", "profile", "test:calc.add", "--arg", "a=1", "--arg", "b=2", "--json"];
    let calls = |flags: &[&str]| home.ax(&[&call[..], flags].concat()).ok().json()["calls"].clone();
    assert_eq!((calls(&[]), calls(&["--iterations", "3"])), (1.into(), 3.into()));
    home.ax(&[&call[..], &["--iterations", "0"]].concat()).exits(2);
    home.ax(&[&call[..], &["-o", "nowhere/add.json"]].concat()).exits(3);
    let recorded = home.ax(&["audit", "tail", "--kind", "call", "--json"]).ok().stdout;
    assert_eq!(recorded.lines().count(), 4, "what cannot be written is not called for");
}

#[test]
fn stats_sum_up_what_calls_cost_by_version() {
    let home = setup::with_calc();
    insta::assert_snapshot!(home.told(&["tool", "stats"]), @r"
    exit 0
    --- stdout
    no calls are on record
    ");
    let call = ["tool", "call", "test:calc.add", "--arg", "a=1", "--arg", "b=2"];
    (0..3).for_each(|_| drop(home.ax(&call).ok()));
    home.ax(&call[..5]).exits(2);
    let manifest = components::CALC_MANIFEST.replace("1.0.0", "1.1.0");
    home.write_plugin("calc", &manifest, &components::calc_rebuilt());
    home.ax(&["plugin", "add", "calc"]).ok();
    home.ax(&call).ok();
    let stats = home.ax(&["tool", "stats", "test:calc.add", "--json"]).ok().json();
    let seen = |at: usize| ["version", "calls", "failures"].map(|name| stats[at][name].clone());
    assert_eq!(seen(0), [Value::from("1.1.0"), 1.into(), 0.into()]);
    assert_eq!(seen(1), [Value::from("1.0.0"), 4.into(), 1.into()]);
    assert_eq!(stats[0]["fuelChangePercent"], 0.0);
    assert!(stats[1]["fuel"]["p50"].as_u64() > Some(0), "{stats}");
    assert_eq!(
        home.ax(&["tool", "stats", "test:none", "--json"]).ok().json(),
        serde_json::json!([])
    );
    home.ax(&["tool", "stats", "nobody"]).exits(3);
    home.ax(&["tool", "stats", "Not:A-Name"]).exits(2);
}
