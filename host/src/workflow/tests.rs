//! The machine as a whole: every cell of states and signals, and what tasks do fact by fact.

use std::collections::BTreeMap;

use ax_manifest::{Digest, EffectClass};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const WHY: [Why; 5] = Why::ALL;

/// Every public state.
fn states() -> Vec<State> {
    let paused = |resume_to| WHY.map(|why| State::Paused { resume_to, why });
    let failed = Reason::ALL.map(|reason| State::Failed { reason });
    [State::Idle, State::Planning, State::Executing, State::Completed]
        .into_iter()
        .chain(paused(Resting::Planning))
        .chain(paused(Resting::Executing))
        .chain(failed)
        .collect()
}

/// Every signal.
fn signals() -> Vec<Signal> {
    use Signal as E;
    let plain = [E::Start, E::Plan, E::Execute, E::Resume, E::Complete, E::Cancel, E::Retry];
    plain
        .into_iter()
        .chain(WHY.map(E::Pause))
        .chain(Reason::ALL.map(E::Fail))
        .chain([E::Act, E::Learn])
        .collect()
}

/// The same table as [`State::after`], written another way: by rules instead of cells.
fn expected(state: State, signal: Signal) -> Option<State> {
    use {Signal as E, State as S};
    let is_over = matches!(state, S::Completed | S::Failed { .. });
    let is_active = matches!(state, S::Planning | S::Executing);
    match signal {
        E::Start => (state == S::Idle).then_some(S::Planning),
        E::Plan => (state == S::Planning).then_some(S::Planning),
        E::Execute => (state == S::Planning).then_some(S::Executing),
        E::Pause(why) => match state {
            S::Planning => Some(S::Paused { resume_to: Resting::Planning, why }),
            S::Executing => Some(S::Paused { resume_to: Resting::Executing, why }),
            S::Paused { resume_to, .. } => Some(S::Paused { resume_to, why }),
            _ => None,
        },
        E::Resume => match state {
            S::Paused { resume_to: Resting::Planning, .. } => Some(S::Planning),
            S::Paused { resume_to: Resting::Executing, .. } => Some(S::Executing),
            _ => None,
        },
        E::Complete => (state == S::Executing).then_some(S::Completed),
        E::Fail(reason) => (!is_over).then_some(S::Failed { reason }),
        E::Cancel => (!is_over).then_some(S::Failed { reason: Reason::Cancelled }),
        E::Retry => matches!(state, S::Failed { .. }).then_some(S::Planning),
        E::Act => (is_active && state == S::Executing).then_some(state),
        E::Learn => {
            let rests = matches!(state, S::Paused { resume_to: Resting::Executing, .. });
            (state == S::Executing || rests).then_some(state)
        }
    }
}

#[test]
fn every_cell_of_states_and_signals_is_as_the_rules_say() {
    let mut cells = 0;
    for state in states() {
        for signal in signals() {
            assert_eq!(state.after(signal), expected(state, signal), "{state:?} {signal:?}");
            cells += 1;
        }
    }
    assert_eq!(cells, states().len() * signals().len());
}

#[test]
fn nothing_but_a_retry_follows_an_end() {
    for state in states().into_iter().filter(|state| state.is_terminal()) {
        let follows = signals().into_iter().filter(|signal| state.after(*signal).is_some());
        let follows: Vec<Signal> = follows.collect();
        match state {
            State::Completed => assert_eq!(follows, []),
            _ => assert_eq!(follows, [Signal::Retry]),
        }
    }
}

fn started(work: Work, input: Value) -> Fact {
    Fact::Started(Box::new(Started {
        task: TaskId::new(1_000, [7; 10]),
        title: "a task".to_owned(),
        work,
        input: Text::new(input.to_string()),
        seed: 42,
        budget: Budget::default(),
        fails_at_limit: false,
        deadline_ms: None,
        parent: None,
        labels: BTreeMap::new(),
        by: "person".to_owned(),
    }))
}

fn workflow(spec: &str, input: Value) -> Fact {
    let work = Work::Workflow {
        spec: Text::new(Value::from(spec).to_string()),
        digest: Digest::of(spec.as_bytes()),
        nested: BTreeMap::new(),
    };
    started(work, input)
}

fn agent() -> Fact {
    started(
        Work::Agent(Program {
            plugin: "ax:repo-report".parse().unwrap(),
            agent: "repo-report".to_owned(),
            component: Digest::of(b"code"),
            settings: Text::new("{}"),
            goal: String::new(),
        }),
        json!({}),
    )
}

fn planned() -> Fact {
    Fact::Planned(Planned { engine: Digest::of(b"engine"), components: BTreeMap::new() })
}

/// A task that is driven by hand.
struct Bench {
    run: Run,
    events: Vec<Event>,
    commands: Commands,
    at_ms: u64,
}

impl Bench {
    fn new(first: Fact) -> Self {
        let mut bench =
            Self { run: Run::default(), events: Vec::new(), commands: Commands::new(), at_ms: 0 };
        bench.put(first);
        bench.put(planned());
        bench.put(Fact::Executing);
        bench
    }

    fn try_put(&mut self, fact: Fact) -> Result<&Commands, IllegalEvent> {
        self.at_ms += 10;
        let event = Event { at_ms: self.at_ms, fact };
        self.commands = self.run.apply(&event)?;
        self.events.push(event);
        Ok(&self.commands)
    }

    fn put(&mut self, fact: Fact) -> Commands {
        self.try_put(fact).unwrap();
        self.commands.clone()
    }

    /// Puts the intent of every effect that was ordered on record; returns the entries.
    fn intend(&mut self, class: EffectClass) -> Vec<u64> {
        let works: Vec<Effect> = self
            .commands
            .clone()
            .into_iter()
            .filter_map(|it| match it {
                Command::Perform(work) => Some(*work),
                _ => None,
            })
            .collect();
        works.into_iter().map(|work| self.intend_one(&work, class)).collect()
    }

    fn intend_one(&mut self, work: &Effect, class: EffectClass) -> u64 {
        let Order::Tool(call) = &work.order else { panic!("{:?}", work.order) };
        let ask = Ask::Tool { tool: call.tool.clone(), input: call.input.clone() };
        self.put(Fact::Intended(Box::new(Intended {
            origin: work.origin,
            ask,
            arguments: call.input.digest(),
            class,
            component: None,
            reserved: Spent { calls: 1, ..Spent::default() },
            fuel: 0,
        })));
        self.run.head()
    }

    fn give(&mut self, intent: u64, value: Value) -> Commands {
        let answer = json!({ "content": [], "structured": value });
        self.end(intent, Ok(Text::new(answer.to_string())))
    }

    fn end(&mut self, intent: u64, outcome: Result<Text, Failure>) -> Commands {
        let spent = Spent { calls: 1, ..Spent::default() };
        self.put(Fact::Returned(Box::new(Returned {
            intent,
            outcome,
            spent,
            changed_outside: false,
        })))
    }

    /// Folds the facts anew and compares; what is outstanding then is what was ordered and is not on record.
    fn check_fold(&self) {
        let mut again = Run::default();
        for event in &self.events {
            again.apply(event).unwrap();
        }
        assert_eq!(again.fingerprint(), self.run.fingerprint());
    }
}

fn kinds(commands: &Commands) -> String {
    let kind = |command: &Command| match command {
        Command::Plan => "plan".to_owned(),
        Command::Execute => "execute".to_owned(),
        Command::RunAgent => "run-agent".to_owned(),
        Command::Perform(work) => match (&work.order, work.origin) {
            (Order::Tool(call), Origin::Step { step, item, attempt }) => {
                let item = item.map(|item| format!("[{item}]")).unwrap_or_default();
                let input = call.input.here().map_or("", |text| text);
                format!("{step}{item} try {attempt} {} {input}", call.tool)
            }
            other => format!("{other:?}"),
        },
        Command::Resend { intent } => format!("resend {intent}"),
        Command::Ask(asked) => format!("ask {}", asked.text),
        Command::Wake { at_ms, .. } => format!("wake at {at_ms}"),
        Command::Pause(why) => format!("pause {}", why.word()),
        Command::Resume => "resume".to_owned(),
        Command::Stop => "stop".to_owned(),
        Command::Finish(Ending::Completed { output }) => {
            format!("completed {}", output.here().unwrap())
        }
        Command::Finish(Ending::Failed { failure, .. }) => format!("failed: {failure}"),
    };
    commands.iter().map(kind).collect::<Vec<_>>().join("\n")
}

const REVIEW: &str = r#"
name = "review"
[[step]]
id = "files"
tool = "ax:files.list"
with = { path = "{{ input.path }}" }
[[step]]
id = "count"
tool = "ax:metrics.count"
for-each = "{{ steps.files }}"
max-parallel = 2
with = { path = "{{ item }}" }
[[step]]
id = "confirm"
approve = "Write {{ length(steps.count) }} lines"
[[step]]
id = "write"
tool = "ax:files.write"
needs = ["confirm"]
with = { text = "{{ steps.count }}" }
"#;

#[test]
fn steps_are_ordered_as_their_needs_and_permits_allow() {
    let mut bench = Bench::new(workflow(REVIEW, json!({ "path": "src" })));
    assert_eq!(kinds(&bench.commands), r#"0 try 1 ax:files.list {"path":"src"}"#);
    let files = bench.intend(EffectClass::Pure);
    let ordered = bench.give(files[0], json!(["a", "b", "c"]));
    insta::assert_snapshot!(kinds(&ordered), @r#"
    1[0] try 1 ax:metrics.count {"path":"a"}
    1[1] try 1 ax:metrics.count {"path":"b"}
    "#);
    let counts = bench.intend(EffectClass::Pure);
    let ordered = bench.give(counts[1], json!(2));
    assert_eq!(kinds(&ordered), r#"1[2] try 1 ax:metrics.count {"path":"c"}"#);
    let last = bench.intend(EffectClass::Pure);
    assert_eq!(kinds(&bench.give(last[0], json!(3))), "");
    let ordered = bench.give(counts[0], json!(1));
    assert_eq!(kinds(&ordered), "ask Write 3 lines");
    bench.check_fold();

    let asked = asked_of(&ordered);
    let commands = bench.put(Fact::Asked(Box::new(asked)));
    assert_eq!(kinds(&commands), "pause approval");
    let question = bench.run.head();
    bench.put(Fact::Paused { why: Why::Approval });
    let by = "person".to_owned();
    let commands = bench.put(Fact::Answered { question, answer: Answer::Yes, by: by.clone() });
    assert_eq!(kinds(&commands), "resume");
    let commands = bench.put(Fact::Resumed { by });
    assert_eq!(kinds(&commands), r#"3 try 1 ax:files.write {"text":[1,2,3]}"#);
    let write = bench.intend(EffectClass::Unsafe);
    let ordered = bench.give(write[0], json!(7));
    assert_eq!(kinds(&ordered), r#"completed {"write":7}"#);
    bench.check_fold();
}

fn asked_of(commands: &Commands) -> Asked {
    let Some(Command::Ask(asked)) = commands.iter().find(|it| matches!(it, Command::Ask(_))) else {
        panic!("{commands:?}");
    };
    Asked {
        origin: asked.origin,
        gate: asked.gate.clone(),
        arguments: Digest::of(b"asked"),
        bound_to: Digest::of(b"bound"),
        text: asked.text.clone(),
        details: asked.details.clone(),
        expires_at_ms: 1_000_000,
        fuel: 0,
    }
}

#[test]
fn a_refused_approval_fails_the_step_and_so_the_task() {
    for (answer, why) in [
        (Answer::No, "a person refused it"),
        (Answer::TimedOut, "nobody approved it in time"),
        (Answer::Void, "what was to be approved has changed"),
    ] {
        let spec = "name = \"a\"\n[[step]]\nid = \"ok\"\napprove = \"May it\"\n";
        let mut bench = Bench::new(workflow(spec, json!({})));
        let asked = asked_of(&bench.commands);
        bench.put(Fact::Asked(Box::new(asked)));
        let question = bench.run.head();
        let answered = bench.put(Fact::Answered { question, answer, by: "x".to_owned() });
        assert_eq!(kinds(&answered), format!("failed: step `ok`: {why}"));
    }
}

const RETRIED: &str = r#"
name = "retried"
[[step]]
id = "one"
tool = "ax:fetch.get"
retry = { max = 2, backoff = "2 s" }
with = {}
"#;

#[test]
fn a_failed_try_is_repeated_with_a_pause_that_is_on_record() {
    let mut bench = Bench::new(workflow(RETRIED, json!({})));
    let failure = || Err(Failure::new(FailureKind::Unavailable, "busy"));
    let mut pauses = Vec::new();
    for attempt in 1..=2 {
        let intents = bench.intend(EffectClass::Pure);
        let commands = bench.end(intents[0], failure());
        let [Command::Wake { timer, at_ms }] = commands[..] else { panic!("{commands:?}") };
        pauses.push(at_ms - bench.at_ms);
        let commands = bench.put(Fact::TimerFired { timer });
        assert_eq!(kinds(&commands), format!("0 try {} ax:fetch.get {{}}", attempt + 1));
    }
    assert!((1_000..=2_000).contains(&pauses[0]), "{pauses:?}");
    assert!((2_000..=4_000).contains(&pauses[1]), "{pauses:?}");
    let intents = bench.intend(EffectClass::Pure);
    let commands = bench.end(intents[0], failure());
    assert_eq!(kinds(&commands), "failed: step `one`: busy");
    bench.check_fold();
}

#[test]
fn what_changed_something_and_then_failed_is_not_repeated() {
    let mut bench = Bench::new(workflow(RETRIED, json!({})));
    let intents = bench.intend(EffectClass::Unsafe);
    let outcome = Err(Failure::new(FailureKind::Unavailable, "cut"));
    let spent = Spent::default();
    let commands = bench.put(Fact::Returned(Box::new(Returned {
        intent: intents[0],
        outcome,
        spent,
        changed_outside: true,
    })));
    assert_eq!(kinds(&commands), "failed: step `one`: cut");
}

#[test]
fn an_unknown_outcome_is_in_doubt_until_a_person_says_what_happened() {
    let doubt = || Err(Failure::new(FailureKind::InDoubt, "killed"));
    let settle = |verdict: Verdict| {
        let mut bench = Bench::new(workflow(RETRIED, json!({})));
        let intents = bench.intend(EffectClass::Unsafe);
        let commands = bench.end(intents[0], doubt());
        assert_eq!(kinds(&commands), "pause in-doubt");
        bench.put(Fact::Paused { why: Why::InDoubt });
        assert!(bench.run.is_in_doubt());
        let by = "person".to_owned();
        let mut told = kinds(&bench.put(Fact::Settled { intent: intents[0], verdict, by }));
        let resumed = kinds(&bench.put(Fact::Resumed { by: "person".to_owned() }));
        told.push_str(" / ");
        told.push_str(&resumed);
        bench.check_fold();
        told
    };
    let answer = Text::new(r#"{"content":[],"structured":5}"#);
    assert_eq!(settle(Verdict::Happened(answer)), r#"resume / completed {"one":5}"#);
    assert_eq!(settle(Verdict::Again), "resume / resend 4");
    let failed = "resume / failed: step `one`: a person said that it counts as failed";
    assert_eq!(settle(Verdict::Failed), failed);

    // Of one that may simply be performed again the same answer is a failure like any other.
    let mut bench = Bench::new(workflow(RETRIED, json!({})));
    let intents = bench.intend(EffectClass::Pure);
    let commands = bench.end(intents[0], doubt());
    assert_eq!(kinds(&commands), "failed: step `one`: killed");
}

#[test]
fn an_end_waits_for_what_is_being_performed() {
    let spec = r#"
name = "two"
[[step]]
id = "a"
tool = "ax:a.a"
with = {}
[[step]]
id = "b"
tool = "ax:b.b"
with = {}
"#;
    let mut bench = Bench::new(workflow(spec, json!({})));
    let intents = bench.intend(EffectClass::Pure);
    let failed = bench.end(intents[0], Err(Failure::new(FailureKind::Failed, "broken")));
    assert_eq!(kinds(&failed), "stop");
    let ended = bench.give(intents[1], json!(1));
    assert_eq!(kinds(&ended), "failed: step `a`: broken");
}

#[test]
fn an_agents_calls_come_in_their_order_and_are_bounded() {
    let mut bench = Bench::new(agent());
    assert_eq!(kinds(&bench.commands), "run-agent");
    let note = |call: u64| {
        Fact::Noted(Box::new(Noted {
            call,
            import: "task.budget".to_owned(),
            arguments: Digest::of(b"{}"),
            said: None,
            answer: Ok(Text::default()),
            fuel: 3,
        }))
    };
    assert_eq!(bench.try_put(note(1)).unwrap_err().why, "it is not the agent's next call");
    for call in 0..AGENT_CALLS_MAX {
        bench.put(note(call));
    }
    let refused = bench.try_put(note(AGENT_CALLS_MAX)).unwrap_err();
    assert_eq!(refused.why, "an agent may not call more");
    assert_eq!(bench.run.account().spent.fuel, 3 * AGENT_CALLS_MAX);
}

fn set(call: u64, key: &str, value: &Value) -> Fact {
    Fact::Noted(Box::new(Noted {
        call,
        import: "task.set".to_owned(),
        arguments: Digest::of(b"{}"),
        said: Some(Text::new(json!({ "key": key, "value": value }).to_string())),
        answer: Ok(Text::default()),
        fuel: 0,
    }))
}

#[test]
fn a_tasks_record_holds_so_much_and_no_more() {
    let mut bench = Bench::new(agent());
    let fits = json!("x".repeat(CONTEXT_BYTES_MAX - 3));
    bench.put(set(0, "k", &fits));
    assert_eq!(bench.try_put(set(1, "l", &json!(1))).unwrap_err().why, "the task's record is full");
    bench.put(set(1, "k", &json!(null)));
    assert!(bench.run.context().is_empty());
    bench.put(set(2, "l", &json!(1)));
    assert_eq!(bench.run.context()["l"], Text::new("1"));
}

#[test]
fn only_time_at_work_is_counted() {
    let mut bench = Bench::new(agent());
    let before = bench.run.account().spent.ms;
    bench.put(Fact::Paused { why: Why::Person });
    bench.at_ms += 1_000_000;
    bench.put(Fact::Resumed { by: "person".to_owned() });
    bench.at_ms += 500_000;
    bench.put(Fact::TakenOver);
    bench.at_ms += 90;
    bench.put(Fact::Logged { lines: Vec::new() });
    assert_eq!(bench.run.account().spent.ms - before, 10 + 100);
}

#[test]
fn what_was_reserved_for_a_lost_attempt_is_spent() {
    let mut bench = Bench::new(workflow(RETRIED, json!({})));
    let intents = bench.intend(EffectClass::Keyed);
    bench.put(Fact::Resent { intent: intents[0] });
    let account = bench.run.account();
    assert_eq!((account.spent.calls, account.reserved.calls), (1, 1));
    bench.give(intents[0], json!(1));
    let account = bench.run.account();
    assert_eq!((account.spent.calls, account.reserved.calls), (2, 0));
}

#[test]
fn an_attempt_that_a_person_allowed_is_spent_too_when_it_is_lost() {
    let mut bench = Bench::new(workflow(RETRIED, json!({})));
    let intent = bench.intend(EffectClass::Unsafe)[0];
    let doubt = || Err(Failure::new(FailureKind::InDoubt, "killed"));
    for attempt in 1..=3 {
        bench.end(intent, doubt());
        let account = bench.run.account();
        assert_eq!((account.spent.calls, account.reserved.calls), (attempt, 0));
        let (verdict, by) = (Verdict::Again, "person".to_owned());
        bench.put(Fact::Settled { intent, verdict, by });
        bench.put(Fact::Resent { intent });
        let account = bench.run.account();
        assert_eq!((account.spent.calls, account.reserved.calls), (attempt, 1));
    }
}

#[test]
fn a_retry_keeps_what_is_done_and_repeats_what_failed() {
    let spec = r#"
name = "two"
[[step]]
id = "a"
tool = "ax:a.a"
with = {}
[[step]]
id = "b"
tool = "ax:b.b"
with = { from = "{{ steps.a }}" }
"#;
    let mut bench = Bench::new(workflow(spec, json!({})));
    let intents = bench.intend(EffectClass::Pure);
    bench.give(intents[0], json!(1));
    let intents = bench.intend(EffectClass::Pure);
    bench.end(intents[0], Err(Failure::new(FailureKind::Failed, "broken")));
    let failure = Failure::new(FailureKind::Failed, "broken");
    bench.put(Fact::Failed { reason: Reason::Error, failure });
    bench.put(Fact::Retried { by: "person".to_owned(), anew: false });
    bench.put(planned());
    let commands = bench.put(Fact::Executing);
    assert_eq!(kinds(&commands), r#"1 try 1 ax:b.b {"from":1}"#);
    assert_eq!(bench.run.attempt(), 2);
    bench.check_fold();
}

#[test]
fn a_record_that_differs_is_told_with_both_sides() {
    let mut feed = Feed::default();
    let tool = "ax:a.b".parse().unwrap();
    let intended = Intended {
        origin: Origin::Agent { call: 0 },
        ask: Ask::Tool { tool, input: Text::new("{\"n\":1}") },
        arguments: Digest::of(b"one"),
        class: EffectClass::Pure,
        component: None,
        reserved: Spent::default(),
        fuel: 0,
    };
    let fact = Fact::Intended(Box::new(intended));
    feed.push(4, &Event { at_ms: 50, fact });
    let said = Text::new(r#"{"name":"ax:a.b","input":{"n":2}}"#);
    let differs = feed.next("tools.call", Digest::of(b"two"), &said).unwrap_err();
    insta::assert_snapshot!(differs, @r#"call 0 differs: entry 4 has `tools.call` {"name":"ax:a.b","input":{"n":1}}, now it is `tools.call` {"name":"ax:a.b","input":{"n":2}}"#);
    let ended = feed.finish().unwrap_err();
    insta::assert_snapshot!(ended, @r#"call 0 differs: entry 4 has `tools.call` {"name":"ax:a.b","input":{"n":1}}, now the agent ended"#);
    assert_eq!(feed.next("tools.call", Digest::of(b"one"), &said).unwrap(), Fed::Pending(4));
    assert_eq!(feed.next("tools.call", Digest::of(b"one"), &said).unwrap(), Fed::New);
    assert!(feed.finish().is_ok());
}

/// Builds a workflow of so many steps, each needing some of those before.
fn graph(needs: &[Vec<usize>]) -> String {
    let mut spec = "name = \"graph\"\nmax-parallel = 5\n".to_owned();
    for (step, needs) in needs.iter().enumerate() {
        let needs: Vec<String> = needs.iter().map(|need| format!("\"s{need}\"")).collect();
        spec.push_str(&format!(
            "[[step]]\nid = \"s{step}\"\ntool = \"ax:t.t\"\nwith = {{}}\nneeds = [{}]\non-error = \"{}\"\n",
            needs.join(", "),
            ["fail", "continue", "skip"][step % 3],
        ));
    }
    spec
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn each_step_of_any_graph_is_done_once_after_its_needs(
        shape in proptest::collection::vec(proptest::collection::vec(0usize..200, 0..3), 1..60),
        fates in proptest::collection::vec(0u8..10, 60),
        picks in proptest::collection::vec(0usize..5, 400),
    ) {
        let needs: Vec<Vec<usize>> = shape
            .iter()
            .enumerate()
            .map(|(step, needs)| match step {
                0 => Vec::new(),
                _ => needs.iter().map(|need| need % step).collect(),
            })
            .collect();
        let spec = graph(&needs);
        let mut bench = Bench::new(workflow(&spec, json!({})));
        let mut open: Vec<(u64, usize)> = Vec::new();
        let mut begun = vec![0; needs.len()];
        let mut over = vec![false; needs.len()];
        let mut picks = picks.into_iter();
        loop {
            let works: Vec<Effect> = bench.commands.clone().into_iter().filter_map(|it| match it {
                Command::Perform(work) => Some(*work),
                _ => None,
            }).collect();
            for work in works {
                let Origin::Step { step, .. } = work.origin else { panic!("{work:?}") };
                let step = step as usize;
                prop_assert!(needs[step].iter().all(|need| over[*need] || begun[*need] == 0));
                begun[step] += 1;
                open.push((bench.intend_one(&work, EffectClass::Pure), step));
            }
            prop_assert!(open.len() <= 5);
            if open.is_empty() {
                break;
            }
            let (intent, step) = open.remove(picks.next().unwrap_or(0) % open.len());
            over[step] = true;
            let outcome = match fates[step % fates.len()] {
                0 => Err(Failure::new(FailureKind::Failed, "broken")),
                _ => Ok(Text::new(r#"{"content":[],"structured":1}"#)),
            };
            bench.end(intent, outcome);
        }
        prop_assert!(begun.iter().all(|times| *times <= 1));
        let is_over = matches!(bench.commands.last(), Some(Command::Finish(_)));
        prop_assert!(is_over, "{:?}", bench.commands);
        bench.check_fold();
    }

    #[test]
    fn whoever_takes_a_task_on_orders_what_was_ordered(
        cut in 0usize..12,
    ) {
        let mut bench = Bench::new(workflow(REVIEW, json!({ "path": "src" })));
        let files = bench.intend(EffectClass::Pure);
        bench.give(files[0], json!(["a", "b", "c"]));
        let counts = bench.intend(EffectClass::Pure);
        bench.give(counts[1], json!(2));
        let events = &bench.events[..cut.min(bench.events.len())];
        let mut run = Run::default();
        let mut ordered: Vec<Command> = Vec::new();
        for event in events {
            let last = run.apply(event).unwrap();
            // What is on record is ordered no more.
            if let Fact::Intended(it) = &event.fact {
                ordered.retain(|command| !matches!(command, Command::Perform(work) if work.origin == it.origin));
            } else {
                ordered.retain(|command| matches!(command, Command::Perform(_)));
            }
            ordered.extend(last);
        }
        prop_assert_eq!(run.outstanding(), ordered);
    }
}
