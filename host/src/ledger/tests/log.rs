//! The log of a process: what is read of it after any end, and what becomes of it in the database.

use std::fs::File;

use proptest::prelude::*;

use super::*;
use crate::ledger::account::By;
use crate::ledger::alive::Alive;
use crate::ledger::alive::Grave;
use crate::ledger::database::Database;
use crate::ledger::error::LedgerError;
use crate::ledger::log;
use crate::ledger::log::Damage;
use crate::ledger::log::Log;
use crate::ledger::log::Record;
use crate::ledger::log::Written;
use crate::ledger::queue::Job;
use crate::ledger::store::Store;

/// What is appended, and read.
type Said = Record<Intended, Box<Ended>>;

fn intend(number: u128, attempt: u32) -> Said {
    Record::Intend(intended(number, attempt))
}

fn end(number: u128) -> Said {
    Record::End(Box::new(ended(number, 1)))
}

fn line(said: &Said) -> Vec<u8> {
    let record = match said {
        Record::Intend(it) => Record::Intend(it),
        Record::End(it) => Record::End(&**it),
    };
    log::line(&record).unwrap()
}

fn lines(said: &[Said]) -> Vec<u8> {
    said.iter().flat_map(line).collect()
}

fn read(bytes: &[u8]) -> Vec<Result<Written, Damage>> {
    log::read(bytes).collect()
}

/// A process that told something, wrote none of it to the database, and was killed.
fn killed_after(home: &Home, bytes: &[u8]) -> String {
    let database = Database::at(home.path());
    database.open_or_make().unwrap();
    let alive = Alive::new(home.path()).unwrap();
    alive.log().unwrap().append(bytes).unwrap();
    alive.name().to_string()
}

/// Each request with how it stands, by its number.
fn stands(home: &Home) -> Vec<String> {
    let line = |it: Request| {
        let number: uuid::Uuid = it.id.parse().unwrap();
        format!("{} {} x{} {}", number.as_u128(), it.state, it.attempts, it.provider)
    };
    let mut lines: Vec<_> = home.list().into_iter().map(line).collect();
    lines.sort();
    lines
}

fn left(home: &Home) -> Vec<String> {
    let entries = std::fs::read_dir(home.path().join("router.live")).unwrap();
    let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
    names.filter(|it| it != "making").collect()
}

fn any_said() -> impl Strategy<Value = Said> {
    let text = proptest::string::string_regex("(?s).{0,20}").unwrap();
    (any::<bool>(), 1_u128..9, 1_u32..4, text).prop_map(|(is_intent, number, attempt, text)| {
        if is_intent {
            Record::Intend(Intended { model: text, ..intended(number, attempt) })
        } else {
            let error = Some(Error::new(Class::Transient, "x", &text));
            Record::End(Box::new(Ended { error, ..ended(number, attempt) }))
        }
    })
}

proptest! {
    #[test]
    fn any_cut_of_a_log_is_read_as_its_first_records(
        said in proptest::collection::vec(any_said(), 0..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        let bytes = lines(&said);
        let cut = cut.index(bytes.len() + 1);
        let whole = bytes[..cut].iter().filter(|it| **it == b'\n').count();
        let expected: Vec<_> = said.into_iter().take(whole).map(Ok).collect();
        prop_assert_eq!(read(&bytes[..cut]), expected);
    }

    #[test]
    fn after_any_change_of_a_byte_nothing_is_read_that_was_not_written(
        said in proptest::collection::vec(any_said(), 1..6),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = lines(&said);
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let sound = read(&bytes);
        let sound: Vec<_> = sound.into_iter().map_while(Result::ok).collect();
        prop_assert!(sound.len() < said.len());
        prop_assert_eq!(&sound[..], &said[..sound.len()]);
    }

    #[test]
    fn any_bytes_can_be_read(bytes in any::<Vec<u8>>()) {
        read(&bytes);
    }
}

#[test]
fn a_record_is_as_long_as_it_may_be_and_no_longer() {
    let of = |bytes: usize| {
        let short =
            line(&Record::Intend(Intended { model: String::new(), ..intended(1, 1) })).len();
        let model = "x".repeat(bytes - short);
        log::line(&Record::Intend(&Intended { model, ..intended(1, 1) }))
    };
    let longest = of(1 << 20).unwrap();
    assert!(matches!(read(&longest)[..], [Ok(_)]));
    assert_eq!(of((1 << 20) + 1), None);
    assert_eq!(read(&vec![b'x'; 2 << 20]), [Err(Damage)], "no line is read that is longer");
}

#[test]
fn what_was_told_is_written_by_whoever_looks_next() {
    let home = Home::new();
    let said = [intend(1, 1), intend(2, 1), intend(2, 2), end(2), intend(3, 1)];
    killed_after(&home, &lines(&said));
    let expected =
        ["1 orphaned x1 provider-1", "2 failed x1 provider-2", "3 orphaned x1 provider-1"];
    assert_eq!(stands(&home), expected);
    assert!(left(&home).is_empty());
    assert_eq!(home.reader().account(NOW_MS).unwrap().ended.bound_micro_usd, 14);
    assert_eq!(home.count("SELECT count(*) FROM health"), 1, "what the end tells of a provider");
}

#[test]
fn half_a_record_is_the_end_of_a_log() {
    let home = Home::new();
    let bytes = lines(&[intend(1, 1), end(1)]);
    killed_after(&home, &bytes[..bytes.len() - 1]);
    assert_eq!(stands(&home), ["1 orphaned x1 provider-1"]);
    assert!(home.reader().damaged().is_empty() && left(&home).is_empty());
}

#[test]
fn after_damage_nothing_is_believed_and_it_is_told_and_kept() {
    let home = Home::new();
    let mut bytes = lines(&[intend(1, 1), intend(2, 1), end(1)]);
    let middle = line(&intend(1, 1)).len() + 20;
    bytes[middle] ^= 1;
    let owner = killed_after(&home, &bytes);
    assert_eq!(stands(&home), ["1 orphaned x1 provider-1"]);
    let told = home.reader().damaged();
    let path = home.path().join("router.live").join(format!("{owner}.damaged"));
    assert!(matches!(&told[..], [LedgerError::Log { path: of }] if *of == path), "{told:?}");
    assert_eq!(fs_err::read(&path).unwrap(), bytes);
    fs_err::remove_file(path).unwrap();
    assert!(home.reader().damaged().is_empty());
}

#[test]
fn a_log_that_is_read_twice_doubles_nothing() {
    let home = Home::new();
    let bytes = lines(&[intend(1, 1), intend(1, 2), intend(2, 1), end(1), intend(3, 1), end(3)]);
    let owner = killed_after(&home, &bytes);
    let first = Grave::of(home.path(), &owner).unwrap();
    let before = stands(&home);
    drop(first);
    let usage = home.reader().usage(By::Trigger, None).unwrap();
    fs_err::write(home.path().join("router.live").join(&owner), &bytes).unwrap();
    assert_eq!(stands(&home), before);
    assert_eq!(home.reader().usage(By::Trigger, None).unwrap(), usage);
    assert_eq!((usage[0].requests, usage[0].orphaned), (3, 1));
    assert_eq!(home.count("SELECT count(*) FROM health"), 2);
}

#[test]
fn nothing_is_doubled_after_a_kill_between_the_commit_and_the_emptying_of_the_log() {
    let home = Home::new();
    let database = Database::at(home.path());
    let alive = Alive::new(home.path()).unwrap();
    let connection = database.open_or_make().unwrap();
    let mut store = Store::new(connection, database, alive.name().clone());
    let said = [intend(1, 1), end(1), intend(2, 1)];
    alive.log().unwrap().append(&lines(&said)).unwrap();
    store
        .write(|store| {
            for said in said {
                let job = match said {
                    Record::Intend(it) => Job::Intend(it, None),
                    Record::End(it) => Job::End(it, None),
                };
                assert!(store.take(&job)?.is_ok());
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(stands(&home), ["1 failed x1 provider-1", "2 requesting x1 provider-1"]);
    drop((store, alive));
    assert_eq!(stands(&home), ["1 failed x1 provider-1", "2 orphaned x1 provider-1"]);
    let usage = home.reader().usage(By::Trigger, None).unwrap();
    assert_eq!((usage[0].requests, usage[0].estimated_micro_usd), (2, 3));
    assert_eq!(home.count("SELECT count(*) FROM health"), 1);
    assert!(left(&home).is_empty());
}

#[test]
fn a_log_that_was_emptied_is_appended_to_from_its_beginning() {
    let home = Home::new();
    let alive = Alive::new(home.path()).unwrap();
    let path = home.path().join("router.live").join(&**alive.name());
    let mut log = alive.log().unwrap();
    log.append(&line(&intend(1, 1))).unwrap();
    log.empty();
    assert_eq!(fs_err::read(&path).unwrap(), b"");
    let said = [intend(2, 1), end(2)];
    said.iter().for_each(|it| log.append(&line(it)).unwrap());
    assert_eq!(fs_err::read(&path).unwrap(), lines(&said), "no hole before it");
}

#[test]
fn a_log_that_cannot_be_written_refuses() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut log = Log::new(File::open(file.path()).unwrap());
    for _ in 0..2 {
        assert!(log.append(b"x\n").is_err());
    }
    log.empty();
    assert!(!log.is_full());
}
