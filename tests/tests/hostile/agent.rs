//! Agents in tasks: what they ask depends on what they were told and on nothing else, and what they do to
//! themselves ends them and nothing more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::time::Duration;

use ax_host::chat::Finish;
use ax_host::chat::Message;
use ax_host::chat::Request;
use ax_host::chat::RequestId;
use ax_host::chat::Response;
use ax_host::chat::Role;
use ax_host::chat::Usage;
use ax_host::plugin::CallError;
use ax_host::plugin::Limit;
use ax_host::plugin::Plugin;
use ax_host::plugin::agent::AgentEnd;
use ax_host::plugin::agent::AgentRun;
use ax_host::plugin::agent::Companion;
use ax_host::plugin::agent::Completed;
use ax_host::plugin::agent::Import;
use ax_host::plugin::agent::Question;
use ax_host::plugin::agent::Remaining;
use ax_host::plugin::agent::Told;
use ax_host::plugin::agent::answer_of;
use ax_host::plugin::agent::no_delegation;
use ax_host::workflow::Failure;
use ax_host::workflow::FailureKind;
use ax_host::workflow::TaskId;
use ax_host::workflow::Text;
use ax_manifest::LimitMaxima;
use ax_manifest::describe_agents;
use ax_manifest::inspect;
use ax_tests::program;
use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;

use crate::arena::Arena;
use crate::arena::Guest;

/// What the agents of the guest may do.
const GRANTED: [&str; 3] = ["tools:ax:text.count", "models:default", "agents:reviewer"];

static GUEST: LazyLock<Guest> = LazyLock::new(|| {
    let bytes = program::guest("agent");
    let facts = inspect(&bytes).expect("a component");
    let name = "test:agent".parse().expect("a name");
    let described =
        Arena::shared().host.describe_agents(&name, &facts, &bytes, &LimitMaxima::default());
    let mut guest = Guest::unchecked(bytes, Vec::new()).granted(&GRANTED);
    guest.release.agents = describe_agents(described.expect("agents")).expect("they are right");
    guest
});

/// Answers by a function of the number of the question, and keeps what was asked.
struct Script<F> {
    answer: F,
    asked: Mutex<Vec<Question>>,
    /// So many answers are on record.
    recorded: usize,
}

impl<F: Fn(usize, &Question) -> Told + Send + Sync + 'static> Script<F> {
    fn new(answer: F) -> Arc<Self> {
        Self::replaying(0, answer)
    }

    fn replaying(recorded: usize, answer: F) -> Arc<Self> {
        Arc::new(Self { answer, asked: Mutex::default(), recorded })
    }

    fn asked(&self) -> Vec<Question> {
        self.asked.lock().expect("nothing panics").clone()
    }

    /// What was asked, without what it took.
    fn transcript(&self) -> Vec<(Import, String)> {
        self.asked().into_iter().map(|it| (it.import, it.arguments)).collect()
    }
}

impl<F: Fn(usize, &Question) -> Told + Send + Sync + 'static> Companion for Script<F> {
    fn ask(
        &self,
        questions: Vec<Question>,
    ) -> Pin<Box<dyn Future<Output = Vec<Told>> + Send + '_>> {
        let mut asked = self.asked.lock().expect("nothing panics");
        let answer = |question: Question| {
            let told = (self.answer)(asked.len(), &question);
            asked.push(question);
            told
        };
        let told = questions.into_iter().map(answer).collect();
        Box::pin(std::future::ready(told))
    }

    fn now_ms(&self) -> u64 {
        1_700_000_000_000 + 1_000 * self.asked.lock().expect("nothing panics").len() as u64
    }

    fn seed(&self) -> u64 {
        7
    }

    fn is_replaying(&self) -> bool {
        self.asked.lock().expect("nothing panics").len() < self.recorded
    }
}

pub(crate) fn told(value: &Value) -> Told {
    Told::Answer(Ok(Text::new(value.to_string())))
}

/// Answers whatever is asked, somehow, or as the gate says.
fn whatever(_: usize, question: &Question) -> Told {
    if let Some(refused) = &question.refused {
        return Told::Answer(Err(refused.clone()));
    }
    match question.import {
        Import::ToolsCall => told(&json!({ "content": [], "structured": { "words": 3 } })),
        _ => told(&Value::Null),
    }
}

fn run_with(plugin: &Arc<Plugin>, run: AgentRun) -> AgentEnd {
    let host = &Arena::shared().host;
    host.block_on(host.run_agent(plugin, run))
}

fn agent_run(agent: &str, input: &Value, companion: Arc<dyn Companion>) -> AgentRun {
    AgentRun {
        task: TaskId::from_bytes([7; 16]),
        agent: agent.to_owned(),
        goal: "the goal".to_owned(),
        input: input.to_string(),
        settings: json!({ "greeting": "hello" }),
        companion,
        cancel: watch::channel(false).1,
    }
}

pub(crate) fn run(
    guest: &Guest,
    agent: &str,
    input: &Value,
    companion: Arc<dyn Companion>,
) -> AgentEnd {
    let plugin = Arena::shared().load(guest).expect("it loads");
    run_with(&plugin, agent_run(agent, input, companion))
}

#[track_caller]
pub(crate) fn done(end: AgentEnd) -> Value {
    let AgentEnd::Done { result, .. } = end else { panic!("it is not done: {end:?}") };
    let text = result.expect("a result");
    serde_json::from_str(text.here().expect("it is here")).expect("JSON")
}

#[track_caller]
fn failed(end: AgentEnd) -> CallError {
    let AgentEnd::Failed { error, .. } = end else { panic!("it did not fail: {end:?}") };
    error
}

#[track_caller]
fn exhausted(end: AgentEnd) -> Limit {
    match failed(end) {
        CallError::Exhausted { limit, .. } => limit,
        error => panic!("{error:?}"),
    }
}

#[test]
fn two_runs_with_the_same_answers_ask_the_same_and_use_the_same() {
    let [one, other] = [0, 0].map(|_| Script::new(whatever));
    for script in [&one, &other] {
        assert_eq!(done(run(&GUEST, "mix", &json!({}), script.clone())), json!("done"));
    }
    let all = |script: &Script<_>| {
        script.asked().into_iter().map(|it| (it.arguments, it.fuel)).collect::<Vec<_>>()
    };
    assert_eq!(all(&one), all(&other));
    let first: Value = serde_json::from_str(&one.asked()[0].arguments).expect("JSON");
    let input = &first["input"];
    // A minute was slept through, and it is the task's time.
    assert_eq!(input["now"], 1_700_000_060_000_u64);
    assert_eq!(input["since"], 60_000_000_000_u64);
    assert_eq!((&input["goal"], &input["setting"]), (&json!("the goal"), &json!("hello")));
    assert_eq!((&input["variables"], &input["folders"]), (&json!(0), &json!(false)));
    let task = TaskId::from_bytes([7; 16]).to_string();
    assert!(input["call"].as_str().is_some_and(|it| it.matches(&task).count() == 2), "{input}");
    // Random numbers go on from question to question.
    let second: Value = serde_json::from_str(&one.asked()[1].arguments).expect("JSON");
    assert_ne!(input["order"], second["input"]["order"]);
    Arena::shared().still_serves();
}

#[test]
fn what_is_parked_comes_to_the_same_when_it_is_run_again() {
    let whole = Script::new(whatever);
    done(run(&GUEST, "mix", &json!({}), whole.clone()));
    let parked = Script::new(|number, question: &Question| match number {
        1 => Told::Park,
        _ => whatever(number, question),
    });
    let end = run(&GUEST, "mix", &json!({}), parked.clone());
    assert!(matches!(end, AgentEnd::Parked), "{end:?}");
    assert_eq!(parked.transcript(), whole.transcript()[..2]);
    let again = Script::replaying(1, whatever);
    done(run(&GUEST, "mix", &json!({}), again.clone()));
    assert_eq!(again.transcript(), whole.transcript());
    let stopped = Script::new(|_, _: &Question| Told::Stop);
    let end = run(&GUEST, "mix", &json!({}), stopped);
    assert!(matches!(end, AgentEnd::Stopped), "{end:?}");
}

#[test]
fn a_tool_that_is_not_granted_is_a_question_that_is_refused() {
    let guest = GUEST.clone().declaring(&GRANTED);
    let guest = Guest {
        release: ax_host::plugin::Release { grants: Vec::new(), ..guest.release },
        ..guest
    };
    let script = Script::new(whatever);
    let end = run(&guest, "mix", &json!({}), script.clone());
    let AgentEnd::Done { result: Err(failure), .. } = end else { panic!("{end:?}") };
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Denied, GRANTED[0]));
    assert_eq!(script.asked()[0].refused.as_ref(), Some(&failure));
    // What was answered while it was granted is answered so still.
    let record = Script::replaying(3, |number, question: &Question| {
        assert!(question.refused.is_some());
        whatever(number, &Question { refused: None, ..question.clone() })
    });
    assert_eq!(done(run(&guest, "mix", &json!({}), record)), json!("done"));
}

#[test]
fn fuel_and_lines_are_told_for_each_segment_and_fuel_is_bounded_for_each() {
    let script = Script::new(whatever);
    let input = json!({ "rounds": 1_000_000 });
    let end = run(&GUEST, "compute", &input, script.clone());
    let AgentEnd::Done { fuel: last, log, .. } = end else { panic!("{end:?}") };
    let asked = script.asked();
    let fuel: Vec<u64> = asked.iter().map(|it| it.fuel).chain([last]).collect();
    let (least, most) = (fuel[1].min(last), fuel[0].max(last));
    assert!(fuel.len() == 3 && least > 1_000_000 && most < least + least / 2, "{fuel:?}");
    let lines = asked.iter().map(|it| it.log.len()).collect::<Vec<_>>();
    assert_eq!((lines, log.len()), (vec![1, 1], 0));
    // Enough for each segment, and not for two.
    let limited = GUEST.clone().limited(|limits| limits.fuel = most + most / 4);
    let replayed = Script::replaying(1, whatever);
    let end = run(&limited, "compute", &input, replayed.clone());
    assert!(matches!(end, AgentEnd::Done { fuel, .. } if fuel == last), "{end:?}");
    assert_eq!(replayed.asked().iter().map(|it| it.log.len()).collect::<Vec<_>>(), [0, 1]);
    let short = GUEST.clone().limited(|limits| limits.fuel = least / 2);
    assert_eq!(exhausted(run(&short, "compute", &input, Script::new(whatever))), Limit::Fuel);
}

#[test]
fn a_guest_that_spins_is_ended_and_one_that_crashes_is_told_of() {
    let spin = |guest: &Guest| exhausted(run(guest, "spin", &json!({}), Script::new(whatever)));
    assert_eq!(spin(&GUEST), Limit::Fuel);
    let slow = GUEST.clone().limited(|limits| {
        limits.fuel = u64::MAX / 2;
        limits.deadline = Duration::from_millis(50);
    });
    assert_eq!(spin(&slow), Limit::Time);
    let end = run(&GUEST, "crash", &json!({}), Script::new(whatever));
    let AgentEnd::Failed { error: CallError::Trapped { .. }, log, backtrace, .. } = end else {
        panic!("{end:?}")
    };
    assert!(log.iter().any(|line| line.message.contains("on purpose")), "{log:?}");
    assert!(!backtrace.is_empty());
    Arena::shared().still_serves();
}

#[test]
fn a_guest_is_dropped_when_nobody_wants_it() {
    let (cancel, cancelled) = watch::channel(false);
    let script = Script::new(move |number, question: &Question| {
        cancel.send(true).expect("somebody listens");
        whatever(number, question)
    });
    let slow = GUEST.clone().limited(|limits| limits.fuel = u64::MAX / 2);
    let plugin = Arena::shared().load(&slow).expect("it loads");
    let run = AgentRun { cancel: cancelled, ..agent_run("spin", &json!({}), script) };
    let end = run_with(&plugin, run);
    assert!(matches!(end, AgentEnd::Stopped), "{end:?}");
    Arena::shared().still_serves();
}

#[test]
fn questions_are_bounded() {
    let script = Script::new(whatever);
    assert_eq!(exhausted(run(&GUEST, "flood", &json!({}), script.clone())), Limit::Questions);
    assert_eq!(script.asked().len(), 10_000);
    Arena::shared().still_serves();
}

#[test]
fn every_step_of_a_task_is_a_question_in_its_own_words() {
    let script = Script::new(|number, question: &Question| match question.import {
        Import::ToolsCall => {
            let value = ax_host::plugin::Output::Value(json!({ "n": number }));
            Told::Answer(Ok(answer_of(&value)))
        }
        Import::TaskApprove => told(&json!(true)),
        Import::TaskAsk => told(&json!({ "name": "Ada" })),
        Import::TaskGet => told(&json!({ "at": 1 })),
        Import::TaskBudget => {
            let left = Remaining { calls: Some(3), ..Remaining::default() };
            told(&serde_json::to_value(left).expect("JSON"))
        }
        Import::TaskDelegate => Told::Answer(Err(no_delegation())),
        Import::TaskAgents => told(&json!([])),
        Import::ToolsAvailable => told(&json!([{
            "name": "ax:text.count", "description": "d", "inputSchema": {}, "readOnly": true,
            "destructive": false, "idempotent": true, "openWorld": false,
        }])),
        _ => told(&Value::Null),
    });
    let result = done(run(&GUEST, "steps", &json!({}), script.clone()));
    insta::assert_snapshot!(result, @r#"{"agents":[],"approved":true,"calls_left":3,"counted":[{"n":0},{"n":1},{"n":2}],"delegated":"delegate","name":"Ada","state":{"at":1},"tools":["ax:text.count"]}"#);
    let transcript = script.transcript();
    let lines = transcript.iter().filter(|(import, _)| *import != Import::TaskAsk);
    let lines: Vec<String> =
        lines.map(|(import, arguments)| format!("{} {arguments}", import.word())).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    tools.call {"name":"ax:text.count","input":{"n":0}}
    tools.call {"name":"ax:text.count","input":{"n":1}}
    tools.call {"name":"ax:text.count","input":{"n":2}}
    task.approve {"action":"write the file","details":{"path":"a"}}
    task.sleep {"ms":3600000}
    task.set {"key":"state","value":{"at":1}}
    task.get {"key":"state"}
    task.budget {}
    task.delegate {"agent":"reviewer","goal":"look","input":{}}
    tools.available {}
    task.agents {}
    "#);
    assert_eq!(script.asked()[1].fuel, 0, "of several together the first has all");
}

#[test]
fn what_is_wrong_whatever_was_recorded_is_no_question() {
    let script = Script::new(whatever);
    let result = done(run(&GUEST, "wrong", &json!({}), script.clone()));
    let mut lines: Vec<String> = result
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, said)| format!("{name}: {}", said.as_str().unwrap_or_default()))
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r"
    action: Invalid action
    agent: Invalid agent
    calls: Exhausted calls
    details: Invalid details
    input: Invalid input
    key: Invalid key
    ms: Invalid ms
    name: Invalid name
    value: Invalid value
    ");
    assert_eq!(script.asked().len(), 64, "those of the batch that fit");
}

#[test]
fn a_model_is_asked_through_the_task_and_its_answer_is_there_at_once() {
    let script = Script::new(|_, question: &Question| {
        let request: Request = serde_json::from_str(&question.arguments).expect("a request");
        assert!(question.refused.is_none() && request.validate().is_ok());
        let completed = Completed {
            id: RequestId(uuid::Uuid::nil()),
            response: Response {
                provider: "p".to_owned(),
                model: "m".to_owned(),
                message: Message::text(Role::Assistant, request.messages[0].joined_text()),
                finish: Finish::Stop,
                usage: None,
                provider_request_id: None,
            },
            usage: Usage::default(),
            is_estimated: true,
            cost_micro_usd: None,
        };
        told(&serde_json::to_value(completed).expect("JSON"))
    });
    assert_eq!(done(run(&GUEST, "talk", &json!({}), script.clone())), json!("hello 2"));
    let imports: Vec<Import> = script.asked().iter().map(|it| it.import).collect();
    assert_eq!(imports, [Import::ModelComplete, Import::ModelComplete]);
}

#[test]
fn an_agent_that_is_not_there_or_is_told_something_else_does_not_run() {
    let nobody = || Script::new(|_, _: &Question| panic!("nothing is asked"));
    let error = failed(run(&GUEST, "computes", &json!({}), nobody()));
    assert_eq!(error.to_string(), "`test:hostile` has no agent `computes`");
    assert_eq!(error.hint().as_deref(), Some("ax agent run test:hostile.compute"));
    let error = failed(run(&GUEST, "compute", &json!({ "rounds": "x" }), nobody()));
    assert!(error.to_string().starts_with("the input does not fit the agent: "), "{error}");
    let end = run(&GUEST, "fail", &json!({}), nobody());
    let AgentEnd::Done { result: Err(Failure { kind, code, .. }), .. } = end else {
        panic!("{end:?}")
    };
    assert_eq!((kind, code.as_str()), (FailureKind::NotFound, "thing"));
}
