//! Workflows: what is wrong with a file, what it would need, and its picture.

use crate::setup;

const RIGHT: &str = r#"name = "count"

[[step]]
id = "one"
tool = "test:env.count"

[[step]]
id = "two"
set = { variables = "{{ steps.one }}" }

[[step]]
id = "go-on"
approve = "Go on with {{ steps.two.variables }}?"
"#;

const WRONG: &str = r#"name = "count"
colour = 1

[[step]]
id = "one"
tool = "test:env.cuont"

[[step]]
id = "two"
set = "{{ steps.oen }}"
"#;

#[test]
fn a_workflow_is_checked_against_what_is_installed_and_granted() {
    let home = setup::with_env();
    let right = home.write("count.toml", RIGHT);
    let right = right.to_str().expect("text");
    let run = home.ax(&["workflow", "check", right]).exits(6);
    assert!(run.stdout.contains("count.toml:5:8: error[AX-W007]: "), "{}", run.stdout);
    assert!(run.stdout.contains("hint: ax permission grant test:env 'env:LANG'"), "{}", run.stdout);
    assert!(run.stderr.contains("error[AX-W001]: the workflow is not right: 1 mistake"));
    home.ax(&["permission", "grant", "test:env", "env:LANG"]).ok();
    let run = home.ax(&["workflow", "check", right]).ok();
    assert!(run.stdout.contains("count.toml  count, 3 steps\n"), "{}", run.stdout);
    for line in [
        "tool        test:env.count  pure\n",
        "permission  test:env env:LANG  granted\n",
        "budget      0.5 USD, 200000 tokens, 50 calls of tools, 30 min; then it asks\n",
    ] {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let files = home.ax(&["workflow", "check", right, "--json"]).ok().json();
    assert_eq!(files[0]["needs"]["tools"][0]["id"], "test:env.count");
}

#[test]
fn every_mistake_of_a_workflow_is_told_with_its_place_and_its_code() {
    let home = setup::with_env();
    let wrong = home.write("wrong.toml", WRONG);
    let wrong = wrong.to_str().expect("text");
    let files = home.ax(&["workflow", "check", wrong, "--json"]).exits(6).json();
    let mistakes = files[0]["mistakes"].as_array().expect("mistakes");
    let told: Vec<String> = mistakes
        .iter()
        .map(|it| format!("{}:{} {} {}", it["line"], it["column"], it["code"], it["hint"]))
        .collect();
    assert_eq!(
        told,
        [
            "2:1 \"AX-W001\" \"the keys here are name, title, summary, input, output, budget, \
             max-parallel, step\"",
            "6:8 \"AX-W002\" \"did you mean `test:env.count`?\"",
            "10:11 \"AX-W002\" \"did you mean `one`?\"",
        ]
    );
    // What is drawn needs nothing that is installed, but a file that is right in itself.
    home.ax(&["workflow", "graph", wrong]).exits(6);
    home.ax(&["workflow", "graph", "missing.toml"]).exits(3);
}

#[test]
fn a_workflow_is_drawn_in_the_form_that_is_asked_for() {
    let home = setup::with_env();
    let file = home.write("count.toml", RIGHT);
    let file = file.to_str().expect("text");
    let draw = |format: &str| home.ax(&["workflow", "graph", file, "--format", format]).ok();
    let text = draw("text").stdout;
    assert!(text.starts_with("count\n1  one    tool test:env.count"), "{text}");
    assert!(text.contains("\n2  two    set "), "{text}");
    assert!(draw("mermaid").stdout.starts_with("flowchart TD\n"));
    assert!(draw("dot").stdout.starts_with("digraph \"count\" {\n"));
    assert_eq!(draw("json").json()["steps"][2]["needs"][0], "two");
}
