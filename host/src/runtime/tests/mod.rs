//! Tasks carried in virtual time, with a journal in memory and tools that play scripts.
//!
//! The clock is tokio's, paused: it jumps to the next timer when nothing else is to be done. Agents are
//! tested with real guests (`tests/tests`).

mod crash;
mod doubt;
mod letters;
mod limits;
mod steps;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ax_manifest::{Digest, EffectClass};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::*;
use crate::journal::{Archive as _, MemoryJournal};
use crate::plugin::Listed;
use crate::plugin::agent::Offered;
use crate::workflow::{
    Budget, EffectKey, Failure, FailureKind, Order, Planned, Program, Spent, State, Text, Work,
};

/// Time as tokio's timers see it, from a moment that is not zero.
struct TokioClock(tokio::time::Instant);

const BEGAN_MS: u64 = 1_000_000;

impl Clock for TokioClock {
    fn now_ms(&self) -> u64 {
        BEGAN_MS + u64::try_from(self.monotonic().as_millis()).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What a tool does when it is called.
#[derive(Debug, Clone)]
struct Act {
    after_ms: u64,
    outcome: Result<Value, Failure>,
    changed_outside: bool,
}

/// What crossed to the outside: who, with which key and input.
#[derive(Debug, Clone, PartialEq)]
struct Crossed {
    tool: String,
    key: EffectKey,
    input: String,
}

/// Tools that play scripts; one without a script gives its input back.
struct Stage {
    journal: MemoryJournal,
    classes: BTreeMap<&'static str, EffectClass>,
    acts: Mutex<BTreeMap<&'static str, VecDeque<Act>>>,
    crossed: Mutex<Vec<Crossed>>,
    at_work: Mutex<(usize, usize)>,
    /// Of what the code of all tools is made.
    code: Mutex<Digest>,
}

impl Stage {
    fn act(&self, tool: &'static str, act: Act) {
        self.acts.lock().unwrap().entry(tool).or_default().push_back(act);
    }

    fn crossed(&self) -> Vec<String> {
        let crossed = self.crossed.lock().unwrap();
        crossed.iter().map(|it| format!("{} {}", it.tool, it.input)).collect()
    }

    fn next(&self, tool: &str, input: &str) -> Act {
        let mut acts = self.acts.lock().unwrap();
        let scripted = acts.get_mut(tool).and_then(VecDeque::pop_front);
        scripted.unwrap_or_else(|| Act {
            after_ms: 1,
            outcome: Ok(serde_json::from_str(input).unwrap()),
            changed_outside: false,
        })
    }
}

fn refused(what: &str) -> Failure {
    Failure::new(FailureKind::NotFound, what)
}

impl Performer for Stage {
    fn plan(&self, _run: &Run) -> Result<Planned, Failure> {
        let engine = Digest::of(b"engine");
        let components = [("ax:t".parse().unwrap(), *self.code.lock().unwrap())];
        Ok(Planned { engine, components: components.into() })
    }

    fn prepare<'a>(&'a self, order: &'a Order) -> BoxFuture<'a, Result<Prepared, Failure>> {
        let Order::Tool(call) = order else {
            return Box::pin(std::future::ready(Err(refused("no such thing"))));
        };
        let tool = call.tool.to_string();
        let class = self.classes.get(tool.as_str()).copied().unwrap_or(EffectClass::Pure);
        let reserved = Spent { calls: 1, ..Spent::default() };
        let component = Some(*self.code.lock().unwrap());
        let prepared = match tool.as_str() {
            "ax:no.tool" => Err(refused("there is no tool `ax:no.tool`")),
            _ => Ok(Prepared { class, component, reserved }),
        };
        Box::pin(std::future::ready(prepared))
    }

    fn perform(&self, it: Performance) -> BoxFuture<'_, Done> {
        Box::pin(async move {
            let Order::Tool(call) = &it.order else { panic!("{:?}", it.order) };
            let (tool, input) = (call.tool.to_string(), call.input.here().unwrap().to_string());
            // No effect without its intent on record.
            let entries = self.journal.entries(it.task, 0).unwrap();
            assert!(entries.iter().any(|entry| entry.seq == it.intent));
            {
                let mut at_work = self.at_work.lock().unwrap();
                at_work.0 += 1;
                at_work.1 = at_work.1.max(at_work.0);
            }
            let act = self.next(&tool, &input);
            self.crossed.lock().unwrap().push(Crossed { tool, key: it.key, input });
            let mut cancel = it.cancel.clone();
            let outcome = tokio::select! {
                biased;
                () = tokio::time::sleep(Duration::from_millis(act.after_ms)) => act.outcome,
                Ok(_) = cancel.wait_for(|asked| *asked) => {
                    Err(Failure::new(FailureKind::Cancelled, "stopped"))
                }
            };
            self.at_work.lock().unwrap().0 -= 1;
            let answer =
                |value: Value| Text::new(json!({ "content": [], "structured": value }).to_string());
            let spent = Spent { calls: 1, ..Spent::default() };
            Done { outcome: outcome.map(answer), spent, changed_outside: act.changed_outside }
        })
    }

    fn guest(&self, _program: &Program) -> Result<Guest, Failure> {
        Err(refused("there is no agent here"))
    }

    fn offered(&self) -> (Vec<Offered>, Vec<Listed>) {
        (Vec::new(), Vec::new())
    }

    fn count(&self, _request: String) -> BoxFuture<'_, Result<Text, Failure>> {
        Box::pin(std::future::ready(Err(refused("nobody counts"))))
    }

    fn work_of(
        &self,
        parent: &Started,
        order: &Order,
    ) -> Result<(Work, String, String, Text), Failure> {
        let Order::Workflow { file, input } = order else { return Err(refused("no agent")) };
        let Work::Workflow { nested, .. } = &parent.work else { return Err(refused("no file")) };
        let spec = nested.get(file).cloned().ok_or_else(|| refused("no such file"))?;
        let work = Work::Workflow { digest: spec.digest(), spec, nested: BTreeMap::new() };
        Ok((work, file.clone(), file.clone(), input.clone()))
    }

    fn ground(&self, _run: &Run) -> Digest {
        *self.code.lock().unwrap()
    }
}

/// A runtime with its journal and its stage.
struct World {
    runtime: Runtime,
    journal: MemoryJournal,
    stage: Arc<Stage>,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(classes: &[(&'static str, EffectClass)]) -> Self {
        Self::on(MemoryJournal::new(), classes)
    }

    fn on(journal: MemoryJournal, classes: &[(&'static str, EffectClass)]) -> Self {
        let stage = Arc::new(Stage {
            journal: journal.other(),
            classes: classes.iter().copied().collect(),
            acts: Mutex::default(),
            crossed: Mutex::default(),
            at_work: Mutex::default(),
            code: Mutex::new(Digest::of(b"code")),
        });
        let runtime = Runtime {
            journal: Arc::new(journal.other()),
            performer: Arc::clone(&stage) as Arc<dyn Performer>,
            watcher: Arc::new(Nobody),
            clock: Arc::new(TokioClock(tokio::time::Instant::now())),
        };
        Self { runtime, journal, stage }
    }

    async fn begin(&self, spec: &str) -> Ended {
        self.begin_with(started(spec, Budget::default())).await
    }

    async fn begin_with(&self, started: Started) -> Ended {
        let (_keep, stop) = watch::channel(false);
        self.runtime.begin(started, "test", Patience::Never, stop).await.unwrap()
    }

    async fn take_on(&self) -> Ended {
        let (_keep, stop) = watch::channel(false);
        self.runtime.take_on(task(), Patience::Never, stop).await.unwrap()
    }

    fn kinds(&self) -> Vec<&'static str> {
        let entries = self.journal.entries(task(), 0).unwrap();
        entries.iter().map(|entry| entry.event.fact.kind()).collect()
    }

    fn send(&self, request: crate::journal::Request) {
        use crate::journal::Inbox as _;
        let at_ms = self.runtime.clock.now_ms();
        let mut sent = Box::pin(self.journal.send(task(), &request, "person", at_ms));
        let waker = futures_util::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        match sent.as_mut().poll(&mut context) {
            std::task::Poll::Ready(sent) => drop(sent.unwrap()),
            std::task::Poll::Pending => panic!("a journal in memory answers at once"),
        }
    }
}

fn task() -> TaskId {
    TaskId::new(BEGAN_MS, [1; 10])
}

fn started(spec: &str, budget: Budget) -> Started {
    Started {
        task: task(),
        title: "a test".to_owned(),
        work: Work::Workflow {
            spec: Text::new(Value::from(spec).to_string()),
            digest: Digest::of(spec.as_bytes()),
            nested: BTreeMap::new(),
        },
        input: Text::new(r#"{"n":3}"#),
        seed: 7,
        budget,
        fails_at_limit: false,
        deadline_ms: None,
        parent: None,
        labels: BTreeMap::new(),
        by: "person".to_owned(),
    }
}

/// Returns what a task gave.
fn output(ended: &Ended) -> Value {
    match &ended.outcome {
        Some(Ok(text)) => serde_json::from_str(text.here().unwrap()).unwrap(),
        other => panic!("{:?} {other:?}", ended.state),
    }
}

/// Returns why a task failed.
fn failure(ended: &Ended) -> String {
    match &ended.outcome {
        Some(Err(failure)) => failure.message.clone(),
        other => panic!("{:?} {other:?}", ended.state),
    }
}

const CHAIN: &str = r#"
name = "chain"
[[step]]
id = "a"
tool = "ax:t.a"
with = { n = "{{ input.n }}" }
[[step]]
id = "b"
tool = "ax:t.b"
with = { from = "{{ steps.a.n }}" }
"#;
