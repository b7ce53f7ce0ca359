//! Several handles on one file: as several processes of `ax`, and as its threads.

use std::sync::Barrier;

use crate::kv::Condition;
use crate::kv::FileUsage;
use crate::kv::Kv;
use crate::kv::KvError;
use crate::kv::tests::Home;
use crate::kv::tests::OWNER;
use crate::kv::tests::put;
use crate::kv::tests::put_when;
use crate::kv::tests::value;

/// Runs `work` with the number of each handle, all at the same time.
fn race<T: Send>(handles: &[Kv], work: impl Fn(usize, &Kv) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(handles.len());
    std::thread::scope(|scope| {
        let (work, start) = (&work, &start);
        let threads: Vec<_> = handles
            .iter()
            .enumerate()
            .map(|(number, kv)| {
                scope.spawn(move || {
                    start.wait();
                    work(number, kv)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Two handles that share a connection, and two that have their own.
fn handles(home: &Home) -> Vec<Kv> {
    let kv = home.kv();
    vec![kv.clone(), kv, home.kv(), home.kv()]
}

#[test]
fn exactly_one_of_those_that_expect_the_same_version_wins() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let handles = handles(&home);
    let mut current = kv.write(&space, &[put("a", "start")]).unwrap();
    for _ in 0..20 {
        let results = race(&handles, |number, kv| {
            let change = put_when("a", number.to_string(), Condition::AtVersion(current));
            (number, kv.write(&space, &[change]))
        });
        let mut winners = Vec::new();
        for (number, result) in results {
            match result {
                Ok(version) => winners.push((number, version)),
                Err(KvError::Conflict { key }) => assert_eq!(key, "a"),
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        let (number, version) = winners[0];
        assert_eq!(value(&kv, &space, "a").unwrap(), number.to_string().as_bytes());
        assert_eq!(version, current + 1, "refused writes take no version");
        current = version;
    }
}

#[test]
fn exactly_one_of_those_that_expect_nothing_wins() {
    let home = Home::new();
    let (_, space) = home.begun();
    let handles = handles(&home);
    for round in 0..20 {
        let results = race(&handles, |_, kv| {
            kv.write(&space, &[put_when(&round.to_string(), "", Condition::Absent)]).is_ok()
        });
        assert_eq!(results.iter().filter(|is_ok| **is_ok).count(), 1);
    }
}

#[test]
fn a_counter_loses_no_step() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("n", "0")]).unwrap();
    let step = |kv: &Kv| {
        let entry = kv.get(&space, "n").unwrap().unwrap();
        let count: u32 = String::from_utf8(entry.value).unwrap().parse().unwrap();
        let when = Condition::AtVersion(entry.version);
        kv.write(&space, &[put_when("n", (count + 1).to_string(), when)]).is_ok()
    };
    race(&handles(&home), |_, kv| {
        let mut made = 0;
        while made < 10 {
            made += u32::from(step(kv));
        }
    });
    assert_eq!(value(&kv, &space, "n").unwrap(), b"40");
}

#[test]
fn many_that_make_the_database_at_once_share_one() {
    for _ in 0..10 {
        let home = Home::new();
        let handles: Vec<_> = (0..4).map(|_| home.kv()).collect();
        let mut states = race(&handles, |_, kv| kv.fork(OWNER, None).unwrap().state);
        states.sort_unstable();
        assert_eq!(states, [1, 2, 3, 4]);
        drop(handles);
        assert_eq!(home.files(), ["plugins.db"], "nothing is left of those that were slower");
    }
}

#[test]
fn accounts_lose_nothing() {
    let home = Home::new();
    let handles = handles(&home);
    race(&handles, |_, kv| {
        for _ in 0..10 {
            kv.add_file_usage("g", 3, 1).unwrap();
        }
    });
    assert_eq!(home.kv().file_usage("g").unwrap(), FileUsage { bytes: 120, files: 40 });
}

#[test]
fn a_database_locked_for_too_long_is_busy_to_writers_alone() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1")]).unwrap();
    let impatient = home.impatient();
    assert_eq!(value(&impatient, &space, "a").unwrap(), b"1");
    let other = home.sql();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM entry").unwrap();
    let error = impatient.write(&space, &[put("a", "2")]).unwrap_err();
    assert!(matches!(error, KvError::Busy { .. }), "{error:?}");
    assert!(error.is_transient() && error.hint().is_some());
    assert_eq!(value(&impatient, &space, "a").unwrap(), b"1", "readers wait for nobody");
    assert_eq!(value(&home.impatient(), &space, "a").unwrap(), b"1", "nor do those who open it");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(impatient.write(&space, &[put("a", "2")]).unwrap(), 2);
}

#[test]
fn handles_and_errors_go_from_thread_to_thread() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Kv>();
    check::<KvError>();
}
