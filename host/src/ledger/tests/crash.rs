//! `kill -9` under load, then the account.

use std::collections::BTreeSet;
use std::io::BufRead as _;
use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::*;
use crate::ledger::account::By;
use crate::provider::scripted::Act;
use crate::provider::scripted::answer;
use crate::router::keeper::Ending;
use crate::router::keeper::Intent;

/// Says on standard output what is on record, once it is.
struct Telling(Ledger);

fn tell(what: &'static str, id: RequestId, kept: &Result<(), Error>) {
    if kept.is_ok() {
        // Nobody listens any more once enough was told.
        writeln!(std::io::stdout(), "{what} {id}").ok();
    }
}

impl Keeper for Telling {
    fn intend(&self, intent: &Intent<'_>) -> BoxFuture<'static, Result<(), Error>> {
        let id = intent.id;
        self.0.intend(intent).inspect(move |kept| tell("intended", id, kept)).boxed()
    }

    fn end(&self, ending: &Ending<'_>) -> BoxFuture<'static, Result<(), Error>> {
        let id = ending.life.context().request.id;
        self.0.end(ending).inspect(move |kept| tell("ended", id, kept)).boxed()
    }
}

/// Answers at once, late, in the middle not at all, or never.
fn whatever() -> Scripted {
    let late = |ms| Act::Wait(Duration::from_millis(ms));
    let down = || Act::Fail(Error::new(Class::Transient, "down", "x"));
    let said = || Act::Say(crate::chat::Chunk::Text("half".to_owned()));
    let scripts = [
        answer("yes"),
        [vec![late(2)], answer("yes")].concat(),
        vec![said(), late(3), down()],
        vec![down()],
        [vec![said(), late(5)], answer("yes")].concat(),
    ];
    let all = scripts.into_iter().cycle().take(20_000).chain([vec![Act::Hang]]);
    Scripted::new("one", all.collect())
}

/// The child of [`after_a_kill_every_request_is_accounted_for`]; alone it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by `after_a_kill_every_request_is_accounted_for`"]
#[expect(clippy::disallowed_methods, reason = "how a child learns its home and its turn")]
async fn asks_until_killed() {
    let Ok(dir) = std::env::var("AX_TEST_LEDGER_HOME") else { return };
    let turn: u128 = std::env::var("AX_TEST_LEDGER_TURN").unwrap().parse().unwrap();
    let clock = Arc::new(SimClock::at_ms(NOW_MS));
    let ledger = Ledger::open(Path::new(&dir), clock, Settings::default()).unwrap();
    let router = router(Arc::new(Telling(ledger)), vec![whatever(), whatever()]);
    let tasks = (0..32_u128).map(|task| {
        let router = router.clone();
        async move {
            for number in 0_u128.. {
                ask(&router, question((turn << 96) | (task << 64) | number)).await;
            }
        }
    });
    futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
}

/// Runs a child until it told `lines` times, and kills it. Returns what it told.
fn run_and_kill(home: &Home, turn: usize, lines: usize) -> Vec<String> {
    let test = module_path!().split_once("::").expect("a module of a crate").1;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&format!("{test}::asks_until_killed"), "--exact", "--ignored", "--nocapture"])
        .env("AX_TEST_LEDGER_HOME", home.path())
        .env("AX_TEST_LEDGER_TURN", turn.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    while told.len() < lines {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it goes on until it is killed");
        told.push(line);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it wrote before counts, but for half a line.
    let rest = output.lines().map_while(Result::ok).map(|line| line + "\n");
    told.extend(rest);
    told
}

/// Finds the names of what was told.
fn named<'a>(told: &'a [String], what: &str) -> Vec<&'a str> {
    let name = |line: &'a String| {
        let id = line.strip_prefix(what)?.strip_prefix(' ')?.trim_end();
        (id.len() == 36).then_some(id)
    };
    told.iter().filter_map(name).collect()
}

#[test]
fn after_a_kill_every_request_is_accounted_for() {
    let home = Home::new();
    let mut told = Vec::new();
    for turn in 1..=3 {
        told.extend(run_and_kill(&home, turn, 500 * turn));
    }
    let logs = std::fs::read_dir(home.path().join("router.live")).unwrap();
    let bytes: u64 = logs.map(|it| it.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes > 0, "something was told and not in the database");
    let alive = home.open(Settings::default());
    let rows = home.list_all();
    let logs = std::fs::read_dir(home.path().join("router.live")).unwrap().count();
    assert_eq!(logs, 2, "of those that are gone nothing is left: `making`, and of one that lives");
    assert!(home.reader().damaged().is_empty());
    let of: std::collections::BTreeMap<_, _> = rows.iter().map(|it| (it.id.as_str(), it)).collect();
    assert_eq!(of.len(), rows.len(), "none twice");
    let intended: BTreeSet<_> = named(&told, "intended").into_iter().collect();
    let ended = named(&told, "ended");
    assert!(intended.len() >= 500, "{}", intended.len());
    for id in &intended {
        let row = of.get(id).unwrap_or_else(|| panic!("`{id}` is missing"));
        match row.state.as_str() {
            "completed" | "failed" => assert!(row.cost_micro_usd.is_some(), "{row:?}"),
            "orphaned" => assert!(row.bound_micro_usd.is_some_and(|it| it > 0), "{row:?}"),
            other => panic!("`{id}` is {other}"),
        }
    }
    for id in &ended {
        assert_ne!(of[id].state, "orphaned", "what was told to be over is");
    }
    assert_eq!(ended.iter().collect::<BTreeSet<_>>().len(), ended.len(), "each ends once");
    let orphaned = rows.iter().filter(|it| it.state == "orphaned").count();
    assert!(orphaned > 0, "it was killed under load");
    let account = home.reader().account(NOW_MS).unwrap();
    assert_eq!((account.requesting, account.ended.unbounded), (0, 0));
    assert_eq!(account.ended.requests, rows.len() as u64);
    let daily = home.reader().usage(By::Trigger, None).unwrap();
    let name = "test".to_owned();
    assert_eq!(daily, [crate::ledger::account::Usage { name, ..account.ended }]);
    assert_eq!(
        home.count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
        1
    );
    drop(alive);
}

#[tokio::test]
async fn the_requests_of_a_living_process_are_nobody_elses() {
    let home = Home::new();
    let one = home.open(Settings::default());
    let router = router(Arc::new(one.clone()), vec![Scripted::new("one", vec![vec![Act::Hang]])]);
    let mut asked = router.ask(Arc::new(question(1)));
    while !home.path().join("router.db-wal").exists() || home.list().is_empty() {
        assert!(futures_util::poll!(&mut asked).is_pending());
        tokio::task::yield_now().await;
    }
    let two = home.open(Settings::default());
    two.close();
    assert_eq!(home.reader().account(NOW_MS).unwrap().requesting, 1);
    assert!(home.list()[0].bound_micro_usd.is_some());
    drop(asked);
    one.flush().await;
    assert_eq!(home.list()[0].state, "failed");
}
