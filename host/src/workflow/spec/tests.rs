use std::collections::BTreeMap;

use ax_manifest::{EffectClass, Permission};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::workflow::expression::ITEMS_MAX;

/// The workflow of the documentation.
const REVIEW: &str = r#"
name = "review"
input = { type = "object", required = ["path"], properties = { path = { type = "string" } } }
output = "{{ steps.judge }}"
budget = { usd = 0.25, calls = 100, minutes = 5, at-limit = "fail" }

[[step]]
id = "files"
tool = "ax:files.list"
with = { path = "{{ input.path }}" }

[[step]]
id = "metrics"
tool = "ax:metrics.count"
for-each = "{{ steps.files }}"
max-parallel = 4
with = { path = "{{ item.path }}" }

[[step]]
id = "judge"
agent = "reviewer"
needs = ["metrics"]
with = { metrics = "{{ steps.metrics }}" }
retry = { max = 3, backoff = "2 s" }
timeout = "2 m"
on-error = "continue"

[[step]]
id = "confirm"
approve = "Post the review of {{ input.path }}"
when = "{{ steps.judge.findings > 0 }}"

[[step]]
id = "post"
tool = "ax:notes.add"
needs = ["confirm"]
with = { text = "{{ steps.judge.text }}" }
happened = { tool = "ax:files.list", with = { path = "x" } }
"#;

fn tool(input: Value, output: Option<Value>, class: EffectClass) -> KnownTool {
    KnownTool { input, output, class, not_granted: Vec::new(), asked: Vec::new() }
}

/// What is there in these tests.
fn known() -> Known {
    let path = json!({
        "type": "object", "required": ["path"], "additionalProperties": false,
        "properties": { "path": { "type": "string" }, "depth": { "type": "integer" } }
    });
    let file = json!({
        "type": "object", "additionalProperties": false, "required": ["path"],
        "properties": { "path": { "type": "string" }, "bytes": { "type": "integer" } }
    });
    let text = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
    let files = json!({ "type": "array", "items": file });
    let tools = BTreeMap::from([
        ("ax:files.list".to_owned(), tool(path.clone(), Some(files), EffectClass::Pure)),
        (
            "ax:metrics.count".to_owned(),
            tool(path, Some(json!({ "type": "integer" })), EffectClass::Pure),
        ),
        ("ax:notes.add".to_owned(), tool(text, None, EffectClass::Unsafe)),
    ]);
    Known {
        tools: Some(tools),
        agents: Some(BTreeMap::from([("reviewer".to_owned(), KnownAgent::default())])),
        models: Some(vec!["fast".to_owned()]),
        files: BTreeMap::new(),
    }
}

/// A workflow of these steps alone.
fn with_steps(steps: &str) -> String {
    format!("name = \"it\"\n{steps}")
}

/// Lists all that is wrong, a line for each mistake and one for its hint.
fn mistakes(text: &str, known: &Known) -> String {
    let lines = check(text, known).mistakes.into_iter().map(|mistake| {
        let hint = mistake.hint().map(|hint| format!("\n    {hint}")).unwrap_or_default();
        format!("{mistake}{hint}\n")
    });
    lines.collect()
}

fn parsed(text: &str) -> Spec {
    Spec::parse(text).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Says the first thing that is wrong with a text.
fn wrong(text: &str) -> String {
    Spec::parse(text).expect_err(text).remove(0).to_string()
}

#[test]
fn a_workflow_is_read_as_it_is_written() {
    let spec = parsed(REVIEW);
    assert_eq!(mistakes(REVIEW, &known()), "");
    assert_eq!(spec.digest, Digest::of(REVIEW.as_bytes()));
    let ids: Vec<&str> = spec.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["files", "metrics", "judge", "confirm", "post"]);
    let needs: Vec<&[usize]> = spec.steps.iter().map(|step| step.needs.as_slice()).collect();
    assert_eq!(needs, [&[][..], &[0], &[1], &[2], &[2, 3]]);
    assert_eq!(spec.last().collect::<Vec<_>>(), [4]);
    let judge = &spec.steps[2];
    assert_eq!(judge.retry, Retry { max: 3, backoff_ms: 2_000 });
    assert_eq!((judge.timeout_ms, judge.on_error), (Some(120_000), OnError::Continue));
    assert_eq!((spec.steps[1].max_parallel, judge.max_parallel), (4, PARALLEL_DEFAULT));
    let budget = Budget {
        cost_micro_usd: Some(250_000),
        calls: Some(100),
        ms: Some(300_000),
        ..Budget::default()
    };
    assert_eq!((spec.budget, spec.fails_at_limit), (budget, true));
    assert_eq!(spec.refusals(&json!({ "path": "src" })), Vec::<String>::new());
    assert_eq!(
        spec.refusals(&json!({ "path": 1 })),
        ["`input.path` is a whole number; a text is wanted"]
    );
    assert_eq!(spec.refusals(&json!({})), ["`input` needs `path`"]);
}

#[test]
fn every_kind_of_step_is_read() {
    let steps = r#"
        [[step]]
        id = "a"
        model = "fast"
        prompt = "Hello {{ input.name }}"
        schema = { type = "object" }
        max-tokens = 10
        [[step]]
        id = "b"
        wait = "10 m"
        [[step]]
        id = "c"
        wait-until = "2030-01-31T08:00:00Z"
        [[step]]
        id = "d"
        wait-until = "{{ steps.a.at }}"
        [[step]]
        id = "e"
        wait-for = "deployed"
        timeout = "1 h"
        [[step]]
        id = "f"
        workflow = "parts/other.toml"
        [[step]]
        id = "g"
        set = ["{{ steps.e }}", 1]
        when = true
        [[step]]
        id = "h"
        agent = "ax:repo-report.repo-report"
        goal = "Report on {{ input.name }}"
        with = "{{ steps.a }}"
        [[step]]
        id = "i"
        approve = "Go on?"
        details = { of = "{{ steps.g }}" }
        expires-in = "1 h"
        for-each = ["x", "y"]
    "#;
    let spec = parsed(&with_steps(steps));
    let words: Vec<&str> = spec.steps.iter().map(|step| step.kind.word()).collect();
    assert_eq!(
        words,
        [
            "model",
            "wait",
            "wait-until",
            "wait-until",
            "wait-for",
            "workflow",
            "set",
            "agent",
            "approve"
        ]
    );
    assert_eq!(spec.files().into_iter().collect::<Vec<_>>(), ["parts/other.toml"]);
    assert_eq!(instant_ms(&json!("1970-01-01T00:00:01.5Z")), Some(1_500));
}

#[test]
fn a_spec_with_ten_mistakes_reports_ten() {
    let text = r#"name = "review"
colour = "red"

[[step]]
id = "files"
tool = "ax:fles.list"
with = { path = "{{ inptu.path }}" }

[[step]]
id = "metrics"
tool = "ax:metrics.count"
for-each = "{{ steps.flies }}"
with = { path = 3 }
timeout = 5

[[step]]
id = "judge"
agent = "reviwer"
on-error = "contine"

[[step]]
id = "files"
approve = "again"
wait = "1 min"
"#;
    assert_eq!(check(text, &known()).mistakes.len(), 10);
    insta::assert_snapshot!(mistakes(text, &known()), @r#"
    2:1: unknown key `colour` in the workflow
        the keys here are name, title, summary, input, output, budget, max-parallel, step
    6:8: there is no tool `ax:fles.list`
        did you mean `ax:files.list`?
    7:21: `inptu` names nothing in an expression
        did you mean `input`?
    12:16: there is no step `flies`
        did you mean `files`?
    13:17: `ax:metrics.count.path` is a whole number; a text is wanted
    14:11: `step.metrics.timeout` is an integer; it must be a time like "2 min"
        write it like `timeout = "2 min"`
    18:9: there is no agent `reviwer`
        did you mean `reviewer`?
    19:12: `step.judge.on-error` is `contine`, which is not one of fail, continue, skip
        did you mean `continue`?
    22:6: a step `files` is there already, in line 4
        give one of the two another `id`
    24:8: this step has both `approve` and `wait`
        make a step of its own for `wait`, and let it need this one
    "#);
}

#[test]
fn circles_are_shown_as_the_way_round() {
    let text = with_steps(
        "[[step]]\nid = \"a\"\nset = \"{{ steps.c }}\"\n[[step]]\nid = \"b\"\nset = \"{{ steps.a }}\"\n\
         [[step]]\nid = \"c\"\nneeds = [\"b\"]\nwait = \"1 s\"\n[[step]]\nid = \"d\"\nneeds = [\"d\", \"a\"]\nwait = \"1 s\"\n",
    );
    insta::assert_snapshot!(mistakes(&text, &Known::default()), @r#"
    2:1: steps need each other: `a -> c -> b -> a`
        let `a` no longer need or mention `c`
    12:1: steps need each other: `d -> d`
        let `d` no longer need or mention `d`
    "#);
}

#[test]
fn values_that_do_not_fit_are_found_before_anything_runs() {
    let steps = r#"
[[step]]
id = "files"
tool = "ax:files.list"
with = { path = ["x"], depth = "{{ 'deep' }}" }
[[step]]
id = "each"
tool = "ax:files.list"
for-each = "{{ steps.files[0] }}"
with = { path = "{{ item }}", depth = 1.5 }
[[step]]
id = "count"
tool = "ax:metrics.count"
for-each = "{{ steps.files }}"
with = { path = "{{ item.pth }}", depth = "{{ steps.files }}" }
[[step]]
id = "note"
tool = "ax:notes.add"
when = "{{ steps.count }}"
with = { text = "{{ steps.files[0].bytes < 'x' }}" }
[[step]]
id = "late"
set = "{{ length(steps.note) > 1 and steps.files }}"
[[step]]
id = "told"
set = { a = "{{ steps.files.path }}", b = "{{ steps.made.other }}" }
[[step]]
id = "made"
set = { one = 1 }
"#;
    insta::assert_snapshot!(mistakes(&with_steps(steps), &known()), @r#"
    6:17: `ax:files.list.path` is a list; a text is wanted
    6:32: `{{ 'deep' }}` is a text; a whole number is wanted
    10:12: `{{ steps.files[0] }}` is an object; a list is wanted
    11:39: `ax:files.list.depth` is a number with a fraction; a whole number is wanted
    16:21: `item` has no member `pth`
        did you mean `path`?
    16:43: `{{ steps.files }}` is a list; a whole number is wanted
    20:8: `{{ steps.count }}` is a list; true or false is wanted
    21:17: `{{ steps.files[0].bytes < 'x' }}` is true or false; a text is wanted
    21:21: `steps.files[0].bytes` is a whole number beside a text; a pair of numbers or of texts is wanted
    24:38: `steps.files` is a list; true or false is wanted
    27:17: `steps.files` is a list; an object is wanted
    27:47: `steps.made` has no member `other`
        the members here are one
    "#);
}

#[test]
fn what_is_never_done_lacks_a_permission_or_mends_nothing_is_found() {
    let steps = r#"
[[step]]
id = "off"
tool = "ax:files.list"
with = { path = "x" }
when = "{{ 1 > 2 }}"
[[step]]
id = "after"
set = "{{ steps.off }}"
[[step]]
id = "note"
tool = "ax:notes.add"
undo = { tool = "ax:notes.add" }
happened = { tool = "ax:notes.add" }
[[step]]
id = "read"
tool = "ax:files.list"
with = { path = "y" }
undo = { tool = "ax:notes.add" }
[[step]]
id = "other"
workflow = "gone.toml"
[[step]]
id = "round"
workflow = "round.toml"
[[step]]
id = "asked"
model = "fats"
prompt = "x"
"#;
    let mut known = known();
    let permission: Permission = "fs:workspace:read".parse().unwrap();
    let files = known.tools.as_mut().unwrap().get_mut("ax:files.list").unwrap();
    files.not_granted = vec![permission];
    known.files.insert("gone.toml".to_owned(), KnownFile::Missing);
    let files = vec!["it.toml".to_owned(), "round.toml".to_owned(), "it.toml".to_owned()];
    known.files.insert("round.toml".to_owned(), KnownFile::Circle { files });
    insta::assert_snapshot!(mistakes(&with_steps(steps), &known), @r#"
    5:8: `ax:files` has no grant of `fs:workspace:read`
        ax permission grant ax:files 'fs:workspace:read'
    7:8: step `off` is never done: its condition is always false
        delete the step, or change the condition
    14:8: this step has both `happened` and `undo`, and only one of them would be used
        delete it
    15:21: `ax:notes.add` may change something, so it cannot be asked whether something happened
        name a tool that only reads
    20:17: `undo` is not used: after a crash `ax:files.list` is called again, since it changes nothing
        delete it
    23:12: there is no file `gone.toml`
        the way begins in the folder of this file
    26:12: workflows contain each other: `it.toml -> round.toml -> it.toml`
        a workflow that repeats needs a `for-each`
    29:9: there is no model `fats`
        did you mean `fast`?
    "#);
}

#[test]
fn what_is_written_wrong_says_what_to_type() {
    let of = |lines: &str| {
        mistakes(&with_steps(&format!("[[step]]\nid = \"x\"\n{lines}\n")), &Known::default())
    };
    let all: String = [
        "",
        "tool = \"files\"",
        "tool = \"ax:f.g\"\nprompt = \"x\"",
        "wait = \"31 d\"",
        "wait = \"soon\"",
        "wait-until = \"tomorrow\"",
        "wait-until = 2030-01-31T08:00:00Z",
        "workflow = \"../x.toml\"",
        "set = 1\nmax-parallel = 2",
        "set = 1\nretry = { max = 0 }",
        "set = 1\nwhen = \"yes\"",
        "set = 1\nfor-each = \"yes\"",
        "set = \"{{ item }}\"",
        "model = \"fast\"",
        "approve = \" \"",
        "tool = \"ax:f.g\"\nwith = 3",
        "set = 1\nneeds = \"y\"",
        "set = 1\nstep = 1",
    ]
    .map(of)
    .concat();
    insta::assert_snapshot!(all, @r#"
    2:1: this step does nothing
        add one of tool, agent, model, approve, wait, wait-until, wait-for, workflow, set
    4:8: `files` is not a name: it has no `.` before the tool's name
        it is written `namespace:plugin.name`, like `ax:metrics.measure`
    5:10: `prompt` has no meaning in a step with `tool`
        delete it; `prompt` belongs to steps with `model`
    4:8: `step.x.wait` is 31 d, outside of 1 ms to 30 d
        write it like `wait = "2 min"`
    4:8: `soon` is not a length of time: it does not start with a whole number
        write a whole number and ms, s, min, h or d, like `30 s`
    4:14: this is no point of time
        write it like `2030-01-31T08:00:00Z`
    4:14: `step.x.wait-until` is a date; it must be a time in quotes
        write it like `wait-until = "2030-01-31T08:00:00Z"`
    4:12: `../x.toml` is no workflow file beside this one: a part of it is empty, `.` or `..`
        write it like `workflow = "parts/count.toml"`
    5:16: `max-parallel` has no meaning without `for-each`
        add `for-each = "{{ steps.files }}"`
    5:9: `retry` has no meaning in a step with `set`
        delete it; `retry` belongs to steps with `tool`, `agent`, `model`, `workflow`
    5:17: `step.x.retry.max` is 0, outside 1 to 20
        write an amount from 1 to 20 after `max =`
    5:8: `step.x.when` is a string; it must be `true`, `false` or an expression
        write it like `when = "{{ steps.judge.findings > 0 }}"`
    5:12: `step.x.for-each` is a string; it must be a list, or an expression that comes to one
        write it like `for-each = "{{ steps.files }}"`
    4:11: there is no `item` here
        `item` and `index` are what a step with `for-each` is done for
    2:1: step `x` has no `prompt`
        add `prompt = "Sum this up: {{ steps.files }}"`
    4:11: `step.x.approve` is empty
        write it like `approve = "Posts the review"`
    5:8: `step.x.with` is an integer; it must be a table
        write it like `with = { path = "{{ input.path }}" }`
    5:9: `step.x.needs` is a string; it must be a list
        write it like `needs = ["files"]`
    5:1: unknown key `step` in step `x`
        the keys here are id, tool, agent, model, approve, wait, wait-until, wait-for, workflow, set, with, happened, undo, goal, system, prompt, schema, max-tokens, details, expires-in, needs, when, for-each, max-parallel, retry, timeout, on-error
    "#);
}

#[test]
fn the_place_of_an_expression_is_found_behind_escapes_and_in_long_texts() {
    for (value, column) in [
        ("\"{{ x }}\"", 11),
        ("\"\\\"ä\\u00e4 {{ x }}\"", 21),
        ("'{{ x }}'", 11),
        ("\"\"\"{{ x }}\"\"\"", 13),
    ] {
        let text = with_steps(&format!("[[step]]\nid = \"a\"\nset = {value}\n"));
        let error = Spec::parse(&text).unwrap_err().remove(0);
        assert_eq!((error.line, error.column), (4, column), "{value}");
    }
    let text = with_steps("[[step]]\nid = \"a\"\nset = \"\"\"\nfirst\n  {{ x }}\"\"\"\n");
    let error = Spec::parse(&text).unwrap_err().remove(0);
    assert_eq!((error.line, error.column), (6, 6));
}

#[test]
fn bounds_hold_at_the_most_and_refuse_one_more() {
    let steps = |count: usize| {
        let step = |place| format!("[[step]]\nid = \"s{place}\"\nset = 1\n");
        with_steps(&(0..count).map(step).collect::<String>())
    };
    assert_eq!(parsed(&steps(STEPS_MAX)).steps.len(), STEPS_MAX);
    assert!(wrong(&steps(STEPS_MAX + 1)).contains("201 steps are too many"));
    let bytes = |count: usize| {
        let text = steps(1);
        format!("{text}#{}", "x".repeat(count - text.len() - 1))
    };
    parsed(&bytes(SPEC_BYTES_MAX));
    assert!(wrong(&bytes(SPEC_BYTES_MAX + 1)).contains("too large"));
    let line = |line: &str| {
        with_steps(&format!("[[step]]\nid = \"a\"\nfor-each = [1]\ntool = \"a:b.c\"\n{line}\n"))
    };
    parsed(&line("max-parallel = 64"));
    assert!(wrong(&line("max-parallel = 65")).contains("outside 1 to 64"));
    parsed(&line("retry = { max = 20, backoff = \"30 d\" }"));
    assert!(wrong(&line("retry = { max = 21 }")).contains("outside 1 to 20"));
    assert!(
        wrong(&line("retry = { max = 1, backoff = \"721 h\" }"))
            .contains("outside of 1 ms to 30 d")
    );
    parsed(&line("timeout = \"1 ms\""));
    assert!(wrong(&line("timeout = \"0 ms\"")).contains("outside of"));
    let items = |count: usize| {
        let items = vec!["1"; count].join(",");
        with_steps(&format!("[[step]]\nid = \"a\"\nfor-each = [{items}]\nset = 1\n"))
    };
    parsed(&items(ITEMS_MAX));
    assert!(wrong(&items(ITEMS_MAX + 1)).contains("1001 items are too many"));
    let many = "x = 1\n".replace('x', "colour")
        + &(0..200).map(|n| format!("c{n} = 1\n")).collect::<String>();
    assert_eq!(Spec::parse(&many).unwrap_err().len(), MISTAKES_MAX);
}

#[test]
fn a_file_of_mistakes_is_read_in_time_that_grows_with_its_length() {
    let each = "{{ steps.nowhere }}{{ input.nowhere }}";
    let text = each.repeat(SPEC_BYTES_MAX / each.len() - 20);
    let input = "input = { type = \"object\", properties = { path = {} } }\n";
    let text = format!("name = \"it\"\n{input}[[step]]\nid = \"a\"\nset = \"{text}\"\n");
    assert_eq!(check(&text, &Known::default()).mistakes.len(), MISTAKES_MAX);
}

#[test]
fn a_graph_is_drawn_for_people_and_programs() {
    let graph = Graph::of(&parsed(REVIEW));
    insta::assert_snapshot!(graph.text(), @r#"
    review
    1  files    tool ax:files.list
    2  metrics  tool ax:metrics.count                          after files; for each of {{ steps.files }}, 4 at once
    3  judge    agent reviewer                                 after metrics; tried again 3 times after 2 s; at most 2 min; goes on if it fails
    4  confirm  approve "Post the review of {{ input.path }}"  after judge; when {{ steps.judge.findings > 0 }}; refused after 1 d
    5  post     tool ax:notes.add                              after judge, confirm; ax:files.list knows whether it happened
    "#);
    insta::assert_snapshot!(graph.mermaid(), @r#"
    flowchart TD
        s0["files<br/>tool ax:files.list"]
        s1[["metrics<br/>tool ax:metrics.count"]]
        s2["judge<br/>agent reviewer"]
        s3{{"confirm<br/>approve #34;Post the review of #123;#123; input.path #125;#125;#34;"}}
        s4["post<br/>tool ax:notes.add"]
        s0 --> s1
        s1 --> s2
        s2 -.-> s3
        s2 --> s4
        s3 --> s4
    "#);
    insta::assert_snapshot!(graph.dot(), @r#"
    digraph "review" {
        rankdir=TB;
        s0 [shape=box, label="files\ntool ax:files.list"];
        s1 [shape=box3d, label="metrics\ntool ax:metrics.count"];
        s2 [shape=box, label="judge\nagent reviewer"];
        s3 [shape=hexagon, label="confirm\napprove \"Post the review of {{ input.path }}\""];
        s4 [shape=box, label="post\ntool ax:notes.add"];
        s0 -> s1;
        s1 -> s2;
        s2 -> s3 [style=dashed];
        s2 -> s4;
        s3 -> s4;
    }
    "#);
    assert_eq!(graph.json()["steps"][1]["needs"], json!(["files"]));
}

/// Finds a circle in the plainest way: what can be reached from where.
fn has_circle(needs: &[Vec<usize>]) -> bool {
    (0..needs.len()).any(|first| {
        let (mut seen, mut open) = (vec![false; needs.len()], needs[first].clone());
        while let Some(place) = open.pop() {
            if !std::mem::replace(&mut seen[place], true) {
                open.extend(&needs[place]);
            }
        }
        seen[first]
    })
}

fn any_graph() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1..=STEPS_MAX, any::<bool>()).prop_flat_map(|(count, points_back)| {
        prop::collection::vec(prop::collection::btree_set(0..count, 0..3), count).prop_map(
            move |needs| {
                let back = |(place, needs): (usize, std::collections::BTreeSet<usize>)| {
                    needs.into_iter().filter(|need| !points_back || *need < place).collect()
                };
                needs.into_iter().enumerate().map(back).collect()
            },
        )
    })
}

proptest! {
    #[test]
    fn a_circle_is_found_if_and_only_if_there_is_one(needs in any_graph()) {
        let step = |(place, needs): (usize, &Vec<usize>)| {
            let needs: Vec<String> = needs.iter().map(|need| format!("\"s{need}\"")).collect();
            format!("[[step]]\nid = \"s{place}\"\nset = 1\nneeds = [{}]\n", needs.join(","))
        };
        let text = with_steps(&needs.iter().enumerate().map(step).collect::<String>());
        let read = Spec::parse(&text);
        prop_assert_eq!(read.is_err(), has_circle(&needs));
        for circle in order::circles(&needs) {
            let next = circle.iter().skip(1).chain(&circle[..1]);
            prop_assert!(circle.iter().zip(next).all(|(place, next)| needs[*place].contains(next)));
        }
        if let Ok(spec) = read {
            let mut sequence = order::sequence(&needs);
            for (place, step) in spec.steps.iter().enumerate() {
                prop_assert_eq!(&step.needs, &needs[place]);
                let at = |wanted| sequence.iter().position(|it| *it == wanted);
                prop_assert!(step.needs.iter().all(|need| at(*need) < at(place)));
            }
            sequence.sort_unstable();
            prop_assert_eq!(sequence, (0..needs.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_damaged_file_is_refused_without_a_panic(
        at in 0..REVIEW.len(), taken in 0..20_usize, put in "[a-z{}\\[\\]=\"'\\\\ \n.0-9ä]{0,6}",
    ) {
        let mut text = REVIEW.to_owned();
        let end = (at + taken).min(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(end) {
            text.replace_range(at..end, &put);
        }
        let checked = check(&text, &known());
        prop_assert_eq!(checked.spec.is_some(), Spec::parse(&text).is_ok());
        for mistake in &checked.mistakes {
            prop_assert!(mistake.line <= text.lines().count() + 1, "{}", mistake);
            prop_assert!(!mistake.to_string().contains('\n'), "{}", mistake);
        }
        if let Some(spec) = checked.spec {
            let graph = Graph::of(&spec);
            prop_assert!(!(graph.text() + &graph.mermaid() + &graph.dot()).is_empty());
        }
    }
}
