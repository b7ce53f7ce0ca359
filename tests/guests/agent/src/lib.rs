//! Agents for tests of tasks: one does a thing, and the test looks at what it asked.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant, SystemTime};

use ax_sdk::prelude::*;
use ax_sdk::serde_json::{Value, json};
use ax_sdk::{config, log, model, task, tools};

/// Tells a tool all that could differ from one run to the next, several times.
#[agent]
fn mix(goal: String) -> Result<String> {
    let began = Instant::now();
    for round in 0..3 {
        let mut words: HashSet<String> = HashSet::new();
        words.extend((0..40).map(|n| format!("w{n}")));
        let order: Vec<String> = words.into_iter().collect();
        std::thread::sleep(Duration::from_secs(60));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let address = Box::new(0u8);
        let input = json!({
            "round": round,
            "goal": goal,
            "order": order,
            "now": now.as_millis() as u64,
            "since": began.elapsed().as_nanos() as u64,
            "random": RandomState::new().hash_one(1).to_string(),
            "place": format!("{:p}", &*address),
            "call": format!("{:?}", task::current()),
            "cancelled": task::cancelled(),
            "variables": std::env::vars().count(),
            "folders": std::fs::read_dir("/workspace").is_ok(),
            "setting": config::get::<Value>("greeting").ok().flatten(),
        });
        tools::call::<Value>("ax:text.count", &input)?;
    }
    Ok("done".to_owned())
}

/// Asks a tool twice and computes so much before, between and after.
#[agent]
fn compute(rounds: u64) -> Result<String> {
    let mut sum = work(rounds, 1);
    for _ in 0..2 {
        log::info(&format!("sum {sum}"));
        task::emit("on");
        sum = work(rounds, sum);
    }
    Ok((sum != 0).to_string())
}

fn work(rounds: u64, start: u64) -> u64 {
    let step = |sum: u64, n| sum.rotate_left(5) ^ std::hint::black_box(n);
    (0..rounds).fold(start, step)
}

/// Never ends.
#[agent]
fn spin() -> Result<String> {
    task::emit("spinning");
    loop {
        std::hint::black_box(0);
    }
}

/// Crashes.
#[agent]
fn crash() -> Result<String> {
    task::emit("crashing");
    panic!("on purpose")
}

/// Asks for ever.
#[agent]
fn flood() -> Result<String> {
    loop {
        task::get::<Value>("key").ok();
    }
}

/// Takes every step a task has.
#[agent]
fn steps() -> Result<Json<Steps>> {
    let many = (0..3).map(|n| ("ax:text.count", json!({ "n": n })));
    let counted = tools::call_all::<Value, _>(many)?;
    let approved = task::approve("write the file", &json!({ "path": "a" }))?;
    let Form { name } = task::ask::<Form>("who are you?")?;
    task::sleep(Duration::from_secs(3600))?;
    task::set("state", &json!({ "at": 1 }))?;
    let state = task::get::<Value>("state")?;
    let budget = task::budget();
    let delegated = task::delegate("reviewer", "look", &json!({}));
    Ok(Json(Steps {
        counted: counted.into_iter().filter_map(Result::ok).collect(),
        approved,
        name,
        state,
        calls_left: budget.calls,
        tools: tools::available().into_iter().map(|tool| tool.name).collect(),
        agents: task::agents(),
        delegated: delegated.err().map(|error| error.code),
    }))
}

/// What came of the steps.
#[data]
struct Steps {
    counted: Vec<Value>,
    approved: bool,
    name: String,
    state: Option<Value>,
    calls_left: Option<u64>,
    tools: Vec<String>,
    agents: Vec<String>,
    delegated: Option<String>,
}

/// Who fills it in.
#[data]
struct Form {
    name: String,
}

/// Asks for what is longer than it may be, and tells what was said.
#[agent]
fn wrong() -> Result<Json<HashMap<String, String>>> {
    let mut said = HashMap::new();
    let mut tell = |name: &str, error: Option<Error>| {
        let error = error.map_or_else(String::new, |it| format!("{:?} {}", it.kind, it.code));
        said.insert(name.to_owned(), error);
    };
    let long = "a".repeat(1 << 20);
    tell("input", tools::call::<Value>("ax:text.count", &long).err());
    tell("name", tools::call::<Value>("ax:text.*", &1).err());
    tell("action", task::approve("a\nb", &1).err());
    tell("details", task::approve("a", &"a".repeat(64 << 10)).err());
    tell("key", task::set("", &1).err());
    tell("value", task::set("a", &"a".repeat(64 << 10)).err());
    tell("ms", task::sleep(Duration::from_millis(31_536_000_001)).err());
    tell("agent", task::delegate("A b", "", &1).err());
    let many = (0..65).map(|n| ("ax:text.count", n));
    tell("calls", tools::call_all::<Value, _>(many)?.pop().and_then(Result::err));
    Ok(Json(said))
}

/// Asks a model twice, once as the answer comes.
#[agent]
fn talk() -> Result<String> {
    let whole = model::Request::new("hello").complete()?.text();
    let mut pieces = Vec::new();
    for piece in model::Request::new("again").stream()? {
        pieces.push(format!("{:?}", piece?));
    }
    Ok(format!("{whole} {}", pieces.len()))
}

/// Gives up.
#[agent]
fn fail() -> Result<String> {
    Err(Error::not_found("thing", "there is no thing"))
}

ax_sdk::agents!(agents: [mix, compute, spin, crash, flood, steps, wrong, talk, fail]);
