//! Whatever happens in whatever order, a request ends once and the days are the sum of requests.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ledger::account::By;
use crate::ledger::alive::Alive;
use crate::ledger::database::Database;
use crate::ledger::entry::Ended;
use crate::ledger::entry::Intended;
use crate::ledger::queue::Job;
use crate::ledger::store::Store;
use crate::router::catalogue::Basis;

/// Something that a process says of a request.
#[derive(Debug, Clone)]
enum Fact {
    Intend {
        attempt: u32,
        bound: Option<i64>,
        day: i64,
    },
    End {
        intents: u32,
        is_completed: bool,
        input: u64,
        cost: Option<i64>,
        reported: i64,
    },
    /// The process is gone, and another is there.
    Crash,
    /// Somebody looks.
    Look,
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let bound = proptest::option::of(0_i64..1_000);
    let intend = (1_u32..4, bound, 0_i64..3).prop_map(|(attempt, bound, day)| Fact::Intend {
        attempt,
        bound,
        day,
    });
    let cost = proptest::option::of(0_i64..1_000);
    let end = (0_u32..2, any::<bool>(), any::<u64>(), cost, 0_i64..1_000).prop_map(
        |(intents, is_completed, input, cost, reported)| {
            let reported = reported.min(cost.unwrap_or(0));
            Fact::End { intents, is_completed, input, cost, reported }
        },
    );
    prop_oneof![5 => intend, 4 => end, 1 => Just(Fact::Crash), 1 => Just(Fact::Look)]
}

struct Process {
    store: Store,
    _alive: Alive,
}

impl Process {
    fn new(home: &Home) -> Self {
        let database = Database::at(home.path());
        let alive = Alive::new(home.path()).unwrap();
        let store = Store::new(database.open_or_make().unwrap(), database, alive.name().clone());
        Self { store, _alive: alive }
    }

    /// Says something; answers whether it was taken.
    fn say(&mut self, job: Job) -> bool {
        self.store.write(|store| store.take(&job)).unwrap().is_ok()
    }
}

fn intended(id: String, attempt: u32, bound_micro_usd: Option<i64>, day: i64) -> Job {
    let provider = format!("provider-{attempt}");
    let (key, model, caller) = ("k".to_owned(), "m".to_owned(), "test".to_owned());
    let began_ms = day * 86_400_000;
    let it = Intended { id, caller, attempt, provider, key, model, began_ms, bound_micro_usd };
    Job::Intend(it, None)
}

fn ended(id: String, fact: &Fact) -> Job {
    let Fact::End { intents, is_completed, input, cost, reported } = fact else {
        unreachable!("it is an end")
    };
    let it = Ended {
        id,
        caller: "test".to_owned(),
        intents: *intents,
        is_completed: *is_completed,
        began_ms: 0,
        at_ms: 1,
        duration_ms: 1,
        attempts: *intents,
        steps: Vec::new(),
        finish: None,
        error: None,
        usage: Usage { input: *input, output: 1, ..Usage::default() },
        cost_micro_usd: *cost,
        reported_micro_usd: *reported,
        basis: Basis::Estimated,
        is_unpriced: false,
        body: None,
    };
    Job::End(Box::new(it), None)
}

/// Where a request stands by what was said: whose it is while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Open { process: usize, attempt: u32 },
    Over(&'static str),
}

fn whatever(facts: &[(usize, u128, Fact)]) {
    let home = Home::new();
    let mut processes = [Process::new(&home), Process::new(&home)];
    let mut known = BTreeMap::<u128, Stands>::new();
    for (process, number, fact) in facts {
        let (process, id) = (*process, name(*number).to_string());
        let before = known.get(number).copied();
        match fact {
            Fact::Intend { attempt, bound, day } => {
                let may = match before {
                    None => *attempt == 1,
                    Some(Stands::Open { process: of, attempt: last }) => {
                        of == process && *attempt > last
                    }
                    Some(Stands::Over(_)) => false,
                };
                assert_eq!(processes[process].say(intended(id, *attempt, *bound, *day)), may);
                if may {
                    known.insert(*number, Stands::Open { process, attempt: *attempt });
                }
            }
            Fact::End { intents, is_completed, .. } => {
                let over = Stands::Over(if *is_completed { "completed" } else { "failed" });
                let is_own =
                    matches!(before, Some(Stands::Open { process: of, .. }) if of == process);
                let was_taken = processes[process].say(ended(id, fact));
                assert_eq!(was_taken, *intents == 0 || is_own);
                if (*intents == 0 && before.is_none()) || (*intents > 0 && is_own) {
                    known.insert(*number, over);
                }
            }
            Fact::Crash => {
                processes[process] = Process::new(&home);
                // Found now or later, it is the same.
                for stands in known.values_mut() {
                    if matches!(stands, Stands::Open { process: of, .. } if *of == process) {
                        *stands = Stands::Over("orphaned");
                    }
                }
            }
            Fact::Look => drop(home.reader()),
        }
    }
    drop(processes);
    let rows: BTreeMap<_, _> = home.list().into_iter().map(|it| (it.id, it.state)).collect();
    let expected = known.iter().map(|(number, stands)| {
        let state = match stands {
            Stands::Over(state) => *state,
            Stands::Open { .. } => "orphaned",
        };
        (name(*number).to_string(), state.to_owned())
    });
    assert_eq!(rows, expected.collect::<BTreeMap<_, _>>());
    let account = home.reader().account(NOW_MS).unwrap();
    assert_eq!((account.requesting, account.ended.requests), (0, rows.len() as u64));
    for by in [By::Day, By::Model, By::Provider, By::Trigger] {
        let mut sum = crate::ledger::account::Usage::default();
        for row in home.reader().usage(by, None).unwrap() {
            sum.requests += row.requests;
            sum.completed += row.completed;
            sum.failed += row.failed;
            sum.orphaned += row.orphaned;
            sum.attempts += row.attempts;
            sum.tokens = std::array::from_fn(|at| sum.tokens[at] + row.tokens[at]);
            sum.reported_micro_usd += row.reported_micro_usd;
            sum.estimated_micro_usd += row.estimated_micro_usd;
            sum.unpriced += row.unpriced;
            sum.bound_micro_usd += row.bound_micro_usd;
            sum.unbounded += row.unbounded;
        }
        assert_eq!(sum, account.ended, "{by:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_request_ends_once_and_days_are_the_sum_of_requests(
        facts in proptest::collection::vec((0_usize..2, 1_u128..6, any_fact()), 0..40),
    ) {
        whatever(&facts);
    }
}

#[test]
fn a_row_that_ended_does_not_change() {
    let home = Home::new();
    let mut process = Process::new(&home);
    assert!(process.say(intended(name(1).to_string(), 1, None, 0)));
    let end = Fact::End { intents: 1, is_completed: true, input: 1, cost: None, reported: 0 };
    assert!(process.say(ended(name(1).to_string(), &end)));
    let refused = home.sql().execute("UPDATE requests SET cost_micro_usd = 1", []).unwrap_err();
    assert!(refused.to_string().contains("a request that ended does not change"));
    assert_eq!(home.reader().account(NOW_MS).unwrap().ended.unpriced, 1);
}
