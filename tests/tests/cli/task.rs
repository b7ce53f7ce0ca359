//! Tasks through the real program: agents and workflows, killed and gone on with, asked and answered.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use ax_tests::home::Home;
use ax_tests::program;
use serde_json::{Value, json};

/// A home with the plugins that read and write files, and an agent; a folder `out` to write into.
fn home() -> Home {
    let home = Home::new();
    let add = |plugin: &str, allowed: &[&str]| {
        let folder = program::plugin(plugin);
        let mut words = vec!["plugin", "add", folder.to_str().expect("text")];
        words.extend(allowed.iter().flat_map(|permission| ["--allow", permission]));
        home.ax(&words).ok();
    };
    add("files", &["fs:workspace:read", "fs:out:write"]);
    add("metrics", &["fs:workspace:read"]);
    let tools = ["tools:ax:files.list", "tools:ax:files.search", "tools:ax:metrics.count"];
    add("repo-report", &tools);
    home.write("out/.keep", "");
    for (name, text) in [("a.rs", "fn a() {}\n"), ("b.rs", "// TODO later\nfn b() {}\n")] {
        home.write(&format!("src/{name}"), text);
    }
    home
}

/// Words before those of a command: where the files are.
fn at<'a>(folders: &'a [String; 2], rest: &[&'a str]) -> Vec<&'a str> {
    let [workspace, out] = folders;
    let mut words = vec!["--workspace", workspace.as_str(), "--folder", out.as_str()];
    words.extend(rest);
    words
}

fn folders(home: &Home) -> [String; 2] {
    let work = home.work().display().to_string();
    [format!("{work}/src"), format!("out={work}/out")]
}

/// The last document of an answer of several.
fn last(stdout: &str) -> Value {
    serde_json::from_str(stdout.lines().last().expect("a line")).expect("JSON")
}

const REVIEW: &str = r#"
name = "review"
output = "{{ steps.write.path }}"

[[step]]
id = "files"
tool = "ax:files.list"
with = { path = "." }

[[step]]
id = "count"
tool = "ax:metrics.count"
for-each = "{{ steps.files.files }}"
with = { paths = ["{{ item.path }}"] }

[[step]]
id = "confirm"
approve = "Write what was counted of {{ length(steps.count) }} files"
details = "{{ steps.files }}"

[[step]]
id = "write"
tool = "ax:files.write"
needs = ["confirm"]
with = { path = "review.txt", text = "counted: {{ steps.count }}" }
"#;

#[test]
fn an_agent_reads_writes_its_report_and_is_replayed() {
    let home = home();
    let folders = folders(&home);
    let listed = home.ax(&["agent", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["name"], "ax:repo-report.repo-report");
    let run = home.ax(&at(&folders, &["agent", "run", "ax:repo-report", "--json"])).ok();
    let done = last(&run.stdout);
    assert_eq!(done["state"], "completed");
    let report = done["output"]["report"].as_str().expect("a report");
    assert!(report.contains("2 files"), "{report}");
    assert!(report.contains("`b.rs:1`") || report.contains("b.rs"), "{report}");
    let events: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events[0]["event"], "task-started");
    assert!(events.iter().any(|event| event["event"] == "execution-attempt"));
    assert!(events.iter().any(|event| event["event"] == "task-completed"));

    let replayed = home.ax(&["task", "replay", "last", "--json"]).ok().json();
    assert_eq!(replayed["identical"], true);
    assert_eq!(replayed["recorded"], replayed["replayed"]);
    let shown = home.ax(&["task", "show", "last"]).ok().stdout;
    assert!(shown.contains("  state     completed\n"), "{shown}");
    assert!(shown.contains("ax:files.list …"), "{shown}");
    let logs = home.ax(&["task", "logs", "last"]).ok().stdout;
    assert!(logs.contains("listing the files"), "{logs}");
    // One that is over is neither resumed nor cancelled, and is deleted when somebody says so.
    for verb in ["resume", "cancel", "pause", "retry"] {
        home.ax(&["task", verb, "last"]).exits(1);
    }
    home.ax(&["task", "delete", "last"]).ok();
    home.ax(&["task", "show", "last"]).exits(3);
    home.ax(&at(&folders, &["agent", "run", "ax:repo-report"])).ok();
    assert_eq!(
        home.ax(&["task", "delete", "--older-than", "1 h", "--json"]).ok().json()["deleted"],
        0
    );
    assert_eq!(
        home.ax(&["task", "delete", "--older-than", "0 s", "--json"]).ok().json()["deleted"],
        1
    );
}

#[test]
fn what_an_agent_was_not_granted_it_does_not_call() {
    let home = home();
    let folders = folders(&home);
    home.ax(&["permission", "revoke", "ax:repo-report", "tools:ax:metrics.count"]).ok();
    let run = home.ax(&at(&folders, &["agent", "run", "ax:repo-report"])).exits(1);
    assert!(run.stderr.contains("tools:ax:metrics.count"), "{}", run.stderr);
    let shown = home.ax(&["task", "show", "last", "--json"]).ok().json();
    assert_eq!(shown["phase"], "failed");
}

#[test]
fn an_agent_that_is_killed_goes_on_where_it_was() {
    let home = home();
    let folders = folders(&home);
    for number in 0..40 {
        home.write(&format!("src/more/f{number}.rs"), "fn f() {}\n".repeat(200));
    }
    let mut command = home.command(&at(&folders, &["agent", "run", "ax:repo-report"]));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("ax");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    for line in lines {
        if line.expect("text").contains("ax:metrics.count …") {
            child.kill().expect("it is killed");
        }
    }
    let status = child.wait().expect("it ended");
    assert!(!status.success());
    let listed = home.ax(&["task", "list", "--json"]).ok().json();
    assert_eq!(listed[0]["state"], "executing, interrupted");
    let run = home.ax(&at(&folders, &["task", "resume", "last"])).ok();
    assert!(run.stderr.contains("taken over from a program that is gone"), "{}", run.stderr);
    assert!(run.stderr.contains("performed again, with the same key"), "{}", run.stderr);
    assert!(run.stdout.contains("# Report on"), "{}", run.stdout);
    home.ax(&["task", "replay", "last"]).ok();
}

#[test]
fn a_workflow_asks_before_it_writes_and_goes_on_after_the_answer() {
    let home = home();
    let folders = folders(&home);
    let file = home.write("review.toml", REVIEW);
    let file = file.to_str().expect("text");
    let run = home.ax(&at(&folders, &["workflow", "run", file])).exits(2);
    assert!(run.stderr.contains("error[AX-D002]"), "{}", run.stderr);
    assert!(run.stderr.ends_with("hint: ax approve list\n"), "{}", run.stderr);
    assert!(!home.work().join("out/review.txt").exists());

    let asked = home.ax(&["approve", "list", "--json"]).ok().json();
    assert_eq!(asked[0]["text"], "Write what was counted of 2 files");
    let question = asked[0]["question"].as_str().expect("a name").to_owned();
    let shown = home.ax(&["approve", "show", &question, "--json"]).ok().json();
    assert_eq!(shown["details"]["files"][0]["path"], "a.rs");
    home.ax(&["approve", "yes", &question, "--form", "{}"]).exits(2);
    home.ax(&["approve", "yes", &question]).ok();
    home.ax(&["approve", "yes", &question]).exits(3);
    let run = home.ax(&at(&folders, &["task", "resume", "last", "--json"])).ok();
    assert_eq!(last(&run.stdout)["output"], "review.txt");
    assert!(home.work().join("out/review.txt").exists());
    home.ax(&["task", "replay", "last"]).ok();

    // A no ends it, and nothing is written.
    fs_err::remove_file(home.work().join("out/review.txt")).expect("it is there");
    home.ax(&at(&folders, &["workflow", "run", file])).exits(2);
    home.ax(&["approve", "no", "last"]).ok();
    let run = home.ax(&at(&folders, &["task", "resume", "last"])).exits(1);
    assert!(run.stderr.contains("a person refused it"), "{}", run.stderr);
    assert!(!home.work().join("out/review.txt").exists());
}

#[test]
fn an_approval_is_void_once_what_it_was_about_has_changed() {
    let home = home();
    let folders = folders(&home);
    let file = home.write("review.toml", REVIEW);
    home.ax(&at(&folders, &["workflow", "run", file.to_str().expect("text")])).exits(2);
    // Another grant is other ground: what may be done with the yes is not what was looked at.
    home.write("policy.toml", "[limits]\nmemory-max = \"64 MiB\"\n");
    let policy = home.work().join("policy.toml");
    let policies = home.path().join("policy.toml");
    fs_err::copy(policy, policies).expect("the policy");
    home.ax(&["approve", "yes", "last"]).ok();
    let run = home.ax(&at(&folders, &["task", "resume", "last"])).exits(1);
    assert!(run.stderr.contains("what was to be approved has changed"), "{}", run.stderr);
    assert!(!home.work().join("out/review.txt").exists());
}

#[test]
fn a_budget_that_is_used_up_rests_the_task_until_there_is_more() {
    let home = home();
    let folders = folders(&home);
    let words = ["agent", "run", "ax:repo-report", "--calls", "1"];
    let run = home.ax(&at(&folders, &words)).exits(1);
    assert!(run.stderr.contains("its budget is used up"), "{}", run.stderr);
    let run = home.ax(&at(&folders, &["task", "resume", "last", "--calls", "20"])).ok();
    assert!(run.stdout.contains("# Report on"), "{}", run.stdout);
    let words = ["agent", "run", "ax:repo-report", "--calls", "1", "--fail-at-limit"];
    let run = home.ax(&at(&folders, &words)).exits(1);
    assert!(run.stderr.contains("used up its tool calls"), "{}", run.stderr);
    let run = home.ax(&at(&folders, &["task", "retry", "last", "--calls", "20"])).ok();
    assert!(run.stdout.contains("# Report on"), "{}", run.stdout);
}

#[test]
fn what_is_wrong_with_how_a_task_begins_is_said_before_anything_runs() {
    let home = home();
    let folders = folders(&home);
    for (words, exit) in [
        (&["agent", "run", "ax:nobody.nothing"][..], 3),
        (&["agent", "run", "ax:repo-report", "--input", "[]"][..], 2),
        (&["agent", "run", "ax:repo-report", "--input", "{"][..], 2),
        (&["agent", "run", "ax:repo-report", "--set", "path=7"][..], 2),
        (&["agent", "run", "ax:repo-report", "--usd", "much"][..], 2),
        (&["workflow", "run", "missing.toml"][..], 3),
        (&["task", "show", "nothing"][..], 3),
        (&["task", "list", "--state", "odd"][..], 2),
        (&["approve", "yes", "nothing"][..], 3),
    ] {
        let run = home.ax(&at(&folders, words)).exits(exit);
        assert!(run.stderr.contains("error[AX-"), "{words:?}: {}", run.stderr);
    }
    assert_eq!(home.ax(&["task", "list", "--json"]).ok().json(), json!([]));
}

#[test]
fn a_damaged_journal_is_located_and_left_as_it_is() {
    let home = home();
    let folders = folders(&home);
    home.ax(&at(&folders, &["agent", "run", "ax:repo-report"])).ok();
    let path = home.path().join("journal.db");
    let database = rusqlite::Connection::open(&path).expect("the journal");
    let changed = database
        .execute("UPDATE journal SET body = CAST(replace(CAST(body AS TEXT), 'listing', 'lasting') AS BLOB) \
             WHERE seq = 4",
            [],
        )
        .expect("an entry is changed");
    assert_eq!(changed, 1);
    drop(database);
    let run = home.ax(&["task", "show", "last"]).exits(1);
    assert!(run.stderr.contains("error[AX-D006]"), "{}", run.stderr);
    assert!(run.stderr.contains("entry 4") || run.stderr.contains("`4`"), "{}", run.stderr);
    home.ax(&["task", "replay", "last"]).exits(1);
    // Others are not touched by it.
    home.ax(&at(&folders, &["agent", "run", "ax:repo-report"])).ok();
}
