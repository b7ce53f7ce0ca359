//! What a caller of the ledger can see: what is on record, what a crash leaves, and what it adds up to.

mod crash;
mod file;
mod log;
mod record;
mod sums;

use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::chat::Class;
use crate::chat::Error;
use crate::chat::Message;
use crate::chat::Model as _;
use crate::chat::Request as Question;
use crate::chat::RequestId;
use crate::chat::Role;
use crate::chat::Usage;
use crate::clock::SimClock;
use crate::ledger::Ledger;
use crate::ledger::Settings;
use crate::ledger::entry::Ended;
use crate::ledger::entry::Intended;
use crate::ledger::read::Filter;
use crate::ledger::read::Reader;
use crate::ledger::read::Request;
use crate::provider::scripted::Scripted;
use crate::router::Anything;
use crate::router::Caller;
use crate::router::Options;
use crate::router::Parts;
use crate::router::Router;
use crate::router::Target;
use crate::router::backoff::Policy;
use crate::router::backoff::Random;
use crate::router::candidates::Degradation;
use crate::router::catalogue::Basis;
use crate::router::catalogue::Catalogue;
use crate::router::keeper::Keeper;
use crate::router::observer::Nobody;
use crate::router::trail::Step;
use crate::router::verdict::Cause;

/// 2026-11-22, some time in the morning.
const NOW_MS: u64 = 1_795_333_000_000;

/// An `AX_HOME` and its time.
struct Home {
    dir: TempDir,
    clock: Arc<SimClock>,
}

impl Home {
    fn new() -> Self {
        let clock = Arc::new(SimClock::at_ms(NOW_MS));
        Self { dir: tempfile::tempdir().unwrap(), clock }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn open(&self, settings: Settings) -> Ledger {
        Ledger::open(self.path(), self.clock.clone(), settings).unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::open(self.path(), NOW_MS).unwrap().expect("there is a ledger")
    }

    fn list(&self) -> Vec<Request> {
        self.reader().list(&Filter::default(), 1_000).unwrap()
    }

    fn list_all(&self) -> Vec<Request> {
        let rows = self.reader().list(&Filter::default(), usize::MAX).unwrap();
        assert_eq!(rows.len() as i64, self.count("SELECT count(*) FROM requests"));
        rows
    }

    fn sql(&self) -> Connection {
        Connection::open(self.path().join("router.db")).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        self.sql().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// A router of scripted providers, each of a model whose price is known.
fn router(keeper: Arc<dyn Keeper>, providers: Vec<Scripted>) -> Router {
    let target = |(at, it): (usize, Scripted)| Target {
        provider: ["one", "two"][at].to_owned(),
        key: "main".to_owned(),
        model: "claude-opus-5".to_owned(),
        priority: u8::try_from(at + 1).unwrap(),
        asked: Arc::new(it),
    };
    let policy = Policy { retries_max: 0, ..Policy::default() };
    let parts = Parts {
        targets: providers.into_iter().enumerate().map(target).collect(),
        options: Options { policy, ..Options::default() },
        catalogue: Catalogue::built_in(),
        clock: Arc::new(SimClock::at_ms(NOW_MS)),
        random: Random::seeded(1),
        observer: Arc::new(Nobody),
        keeper,
        ranker: None,
        caller: Caller { trigger: "test".to_owned(), governor: Arc::new(Anything) },
    };
    Router::new(parts).unwrap()
}

fn name(number: u128) -> RequestId {
    RequestId(uuid::Uuid::from_u128(number))
}

fn question(number: u128) -> Question {
    let messages = vec![Message::text(Role::User, "my secret plan")];
    Question { stream: true, max_tokens: Some(100), ..Question::new(name(number), messages) }
}

/// Asks, and reads the answer to its end; false if there was none.
async fn ask(router: &Router, question: Question) -> bool {
    let Ok(mut answer) = router.ask(Arc::new(question)).await else { return false };
    while let Some(chunk) = answer.chunks.next().await {
        if chunk.is_err() {
            return false;
        }
    }
    true
}

/// An intent of the request of that number.
pub(super) fn intended(number: u128, attempt: u32) -> Intended {
    Intended {
        id: name(number).to_string(),
        caller: "test".to_owned(),
        attempt,
        provider: format!("provider-{attempt}"),
        key: "k".to_owned(),
        model: "m\n\"\u{e4}".to_owned(),
        began_ms: 1,
        bound_micro_usd: Some(7),
    }
}

/// The end of the request of that number, which failed.
pub(super) fn ended(number: u128, intents: u32) -> Ended {
    let step = Step {
        provider: "one".to_owned(),
        key: "k".to_owned(),
        model: "m".to_owned(),
        degradations: vec![Degradation::Sampling],
        class: Some(Class::Transient),
        status: Some(529),
        code: Some("down".to_owned()),
        blame: Some(Cause::Outage),
        took_ms: 3,
    };
    Ended {
        id: name(number).to_string(),
        caller: "test".to_owned(),
        intents,
        is_completed: false,
        began_ms: 1,
        at_ms: 2,
        duration_ms: 1,
        attempts: intents,
        steps: vec![step],
        finish: None,
        error: Some(Error { status: Some(529), ..Error::new(Class::Transient, "down", "x") }),
        usage: Usage { input: u64::MAX, output: 1, ..Usage::default() },
        cost_micro_usd: Some(5),
        reported_micro_usd: 2,
        basis: Basis::Estimated,
        is_unpriced: true,
        body: None,
    }
}
