//! Drafts: what a call sees of its own, what others see of it, and when it is a conflict.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::kv::Committed;
use crate::kv::Condition;
use crate::kv::DRAFT_BYTES_MAX;
use crate::kv::Draft;
use crate::kv::Kv;
use crate::kv::KvError;
use crate::kv::OUTCOME_KEPT_MS;
use crate::kv::Outcome;
use crate::kv::PAGE_BYTES_MAX;
use crate::kv::Quota;
use crate::kv::Space;
use crate::kv::VALUE_BYTES_MAX;
use crate::kv::seen::NOTES_MAX;
use crate::kv::tests::AMPLE;
use crate::kv::tests::Home;
use crate::kv::tests::OWNER;
use crate::kv::tests::begin;
use crate::kv::tests::model::KEYS;
use crate::kv::tests::model::Step;
use crate::kv::tests::model::step;
use crate::kv::tests::outcome;
use crate::kv::tests::put;
use crate::kv::tests::put_when;
use crate::kv::tests::refusal;
use crate::kv::tests::remove;
use crate::kv::tests::value;
use crate::kv::tests::version;

fn draft(kv: &Kv, space: &Space) -> Draft {
    Draft::new(kv.clone(), space.clone())
}

fn conflict(draft: &Draft) -> String {
    match draft.commit(&outcome("k", "")) {
        Err(KvError::Conflict { key }) => key,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_else_sees_a_draft_before_it_is_committed() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1"), put("b", "1")]).unwrap();
    let mut draft = draft(&kv, &space);
    let version = draft.write(&[put("a", "2"), remove("b"), put("c", "2")]).unwrap();
    assert_eq!(draft.get("a").unwrap().unwrap().value, b"2");
    assert_eq!(draft.get("b").unwrap(), None);
    assert_eq!(draft.usage().unwrap().keys, 2);
    assert_eq!(value(&kv, &space, "a").unwrap(), b"1");
    assert_eq!(value(&kv, &space, "c"), None);
    assert_eq!(draft.commit(&outcome("k", "done")).unwrap(), Committed::Now);
    let entry = kv.get(&space, "c").unwrap().unwrap();
    assert_eq!((entry.value.as_slice(), entry.version), (&b"2"[..], version), "as it was told");
    assert_eq!(value(&kv, &space, "b"), None);
    assert_eq!(kv.outcome(OWNER, "k").unwrap().unwrap().answer, b"done");
    home.assert_sums(&kv);
}

#[test]
fn a_draft_that_is_dropped_has_written_nothing_and_its_numbers_are_not_used_again() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let told = draft(&kv, &space).write(&[put("a", "1")]).unwrap();
    assert_eq!(value(&kv, &space, "a"), None);
    assert_eq!(kv.revision(OWNER, space.state).unwrap(), 0, "nothing was written");
    assert!(kv.write(&space, &[put("a", "2")]).unwrap() > told);
    assert!(draft(&kv, &space).write(&[put("b", "1")]).unwrap() > told);
}

#[test]
fn a_key_is_answered_from_its_first_commit() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let mut first = draft(&kv, &space);
    first.write(&[put("a", "1")]).unwrap();
    first.commit(&outcome("k", "first")).unwrap();
    let revision = kv.revision(OWNER, space.state).unwrap();
    // A second call with the key that began before the first had ended.
    let mut second = draft(&kv, &space);
    second.write(&[put("a", "2")]).unwrap();
    let Committed::Before(known) = second.commit(&outcome("k", "second")).unwrap() else {
        panic!("it was committed twice");
    };
    assert_eq!(known, outcome("k", "first"));
    assert_eq!(value(&kv, &space, "a").unwrap(), b"1");
    assert_eq!(kv.revision(OWNER, space.state).unwrap(), revision);
    // Keys of another owner are other keys.
    let other = begin(&kv, "ax:other");
    let mut third = draft(&kv, &other);
    third.write(&[put("a", "3")]).unwrap();
    assert_eq!(third.commit(&outcome("k", "third")).unwrap(), Committed::Now);
}

#[test]
fn a_crash_at_the_commit_leaves_both_the_changes_and_the_outcome_or_neither() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let mut draft = draft(&kv, &space);
    draft.write(&[put("a", "1")]).unwrap();
    let before = home.crashed();
    draft.commit(&outcome("k", "done")).unwrap();
    let after = home.crashed();
    let seen = |home: &Home| {
        let kv = home.kv();
        (value(&kv, &space, "a").is_some(), kv.outcome(OWNER, "k").unwrap().is_some())
    };
    assert_eq!((seen(&before), seen(&after)), ((false, false), (true, true)));
}

#[test]
fn what_a_draft_stood_on_must_not_have_changed() {
    // What the call does, what somebody else then writes, and the key of the conflict.
    type Case = (fn(&mut Draft), fn(&Kv, &Space), Option<&'static str>);
    let cases: [Case; 11] = [
        (|it| drop(it.get("a").unwrap()), |kv, at| write(kv, at, "a"), Some("a")),
        (|it| drop(it.get("a").unwrap()), |kv, at| write(kv, at, "b"), None),
        (|it| drop(it.get("x").unwrap()), |kv, at| write(kv, at, "x"), Some("x")),
        (|it| condition(it, "x", Condition::Absent), |kv, at| write(kv, at, "x"), Some("x")),
        (|it| condition(it, "a", Condition::AtVersion(1)), |kv, at| write(kv, at, "a"), Some("a")),
        (|it| drop(it.scan("", 10, None).unwrap()), |kv, at| write(kv, at, "x"), Some("")),
        (|it| drop(it.scan("n", 10, None).unwrap()), |kv, at| write(kv, at, "x"), None),
        (|it| drop(it.scan("a", 10, None).unwrap()), |kv, at| erase(kv, at, "ab"), Some("a")),
        // The page ends before what was written.
        (|it| drop(it.scan("", 1, None).unwrap()), |kv, at| write(kv, at, "b"), None),
        (|it| drop(it.scan("", 1, None).unwrap()), |kv, at| write(kv, at, "a"), Some("")),
        // Both wrote the same key without looking: what has the higher number was first.
        (|it| drop(it.write(&[put("b", "mine")])), |kv, at| write(kv, at, "b"), Some("b")),
    ];
    for (number, (act, meddle, expected)) in cases.into_iter().enumerate() {
        let home = Home::new();
        let (kv, space) = home.begun();
        kv.write(&space, &[put("a", "1"), put("ab", "1"), put("b", "1")]).unwrap();
        let mut draft = draft(&kv, &space);
        act(&mut draft);
        draft.write(&[put("result", "x")]).unwrap();
        meddle(&kv, &space);
        match expected {
            Some(key) => {
                assert_eq!(conflict(&draft), key, "case {number}");
                assert_eq!(value(&kv, &space, "result"), None, "case {number}");
                assert_eq!(kv.outcome(OWNER, "k").unwrap(), None, "case {number}");
            }
            None => assert_eq!(draft.commit(&outcome("k", "")).unwrap(), Committed::Now),
        }
        home.assert_sums(&kv);
    }
}

fn write(kv: &Kv, space: &Space, key: &str) {
    kv.write(space, &[put(key, "theirs")]).unwrap();
}

fn erase(kv: &Kv, space: &Space, key: &str) {
    kv.write(space, &[remove(key)]).unwrap();
}

fn condition(draft: &mut Draft, key: &str, when: Condition) {
    draft.write(&[put_when(key, "mine", when)]).unwrap();
}

#[test]
fn a_call_that_looked_again_goes_on_from_what_it_saw_last() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1")]).unwrap();
    let mut draft = draft(&kv, &space);
    let first = draft.get("a").unwrap().unwrap().version;
    draft.write(&[put("b", "1")]).unwrap();
    let theirs = kv.write(&space, &[put("a", "2")]).unwrap();
    let stale = draft.write(&[put_when("a", "3", Condition::AtVersion(first))]);
    assert!(matches!(stale, Err(KvError::Conflict { .. })), "{stale:?}");
    assert_eq!(draft.get("a").unwrap().unwrap().version, theirs);
    let mine = draft.write(&[put_when("a", "3", Condition::AtVersion(theirs))]).unwrap();
    assert!(mine > theirs, "numbers grow past what was seen");
    draft.commit(&outcome("k", "")).unwrap();
    assert_eq!(version(&kv, &space, "a"), Some(mine));
}

#[test]
fn two_drafts_that_touch_different_keys_are_both_committed_and_of_one_key_only_one() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("n", "0")]).unwrap();
    let (mut one, mut two) = (draft(&kv, &space), draft(&kv, &space));
    let numbers = [one.write(&[put("one", "")]), two.write(&[put("two", "")])].map(Result::unwrap);
    assert_ne!(numbers[0], numbers[1]);
    two.commit(&outcome("2", "")).unwrap();
    one.commit(&outcome("1", "")).unwrap();
    assert_eq!(version(&kv, &space, "one"), Some(numbers[0]));

    let add = |name: &str| {
        let mut draft = draft(&kv, &space);
        let n: u32 =
            String::from_utf8(draft.get("n").unwrap().unwrap().value).unwrap().parse().unwrap();
        draft.write(&[put("n", (n + 1).to_string())]).unwrap();
        (draft, outcome(name, ""))
    };
    let ((first, of_first), (second, of_second)) = (add("3"), add("4"));
    first.commit(&of_first).unwrap();
    assert!(matches!(second.commit(&of_second), Err(KvError::Conflict { .. })));
    let (again, of_second) = add("4");
    again.commit(&of_second).unwrap();
    assert_eq!(value(&kv, &space, "n").unwrap(), b"2", "no addition is lost");
    home.assert_sums(&kv);
}

#[test]
fn a_copy_that_was_made_before_a_commit_is_known_to_lack_it() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1")]).unwrap();
    let mut draft = draft(&kv, &space);
    draft.write(&[put("b", "1")]).unwrap();
    write(&kv, &space, "c");
    let copy = kv.fork(OWNER, Some(space.state)).unwrap();
    draft.commit(&outcome("k", "")).unwrap();
    assert!(kv.revision(OWNER, space.state).unwrap() > copy.revision);
    let copied = Space { state: copy.state, ..space };
    assert!(kv.write(&copied, &[put("a", "2")]).unwrap() > copy.revision);
}

#[test]
fn the_quota_holds_within_a_draft_at_its_last_key_and_byte() {
    let home = Home::new();
    let (kv, mut space) = home.begun();
    kv.write(&space, &[put("a", "12")]).unwrap();
    space.quota = Quota { keys_max: 2, bytes_max: 6 };
    let mut draft = draft(&kv, &space);
    draft.write(&[put("b", "12")]).unwrap();
    let full = "the plugin may keep 2 keys, and this would be more";
    assert_eq!(refusal(draft.write(&[put("c", "")])), full);
    let full = "the plugin may keep 6 bytes, and this would be more";
    assert_eq!(refusal(draft.write(&[put("b", "123")])), full);
    draft.write(&[remove("a"), put("c", "12")]).unwrap();
    assert_eq!(draft.usage().unwrap().bytes, 6);
    draft.commit(&outcome("k", "")).unwrap();
    home.assert_sums(&kv);
}

#[test]
fn room_that_others_took_meanwhile_is_a_conflict() {
    let home = Home::new();
    let (kv, mut space) = home.begun();
    space.quota = Quota { keys_max: 1, ..AMPLE };
    let mut draft = draft(&kv, &space);
    draft.write(&[put("a", "")]).unwrap();
    kv.write(&space, &[put("b", "")]).unwrap();
    assert_eq!(conflict(&draft), "a");
}

#[test]
fn a_draft_holds_so_many_bytes_and_no_byte_more() {
    let home = Home::new();
    let (kv, mut space) = home.begun();
    space.quota = Quota { bytes_max: 2 * DRAFT_BYTES_MAX, ..AMPLE };
    let mut draft = draft(&kv, &space);
    let value = vec![0; VALUE_BYTES_MAX - 2];
    for n in 0..DRAFT_BYTES_MAX / VALUE_BYTES_MAX as u64 {
        draft.write(&[put(&format!("{n:02}"), &value)]).unwrap();
    }
    let refused = draft.write(&[put("x", "")]);
    assert!(matches!(refused, Err(KvError::DraftFull { .. })), "{refused:?}");
    draft.write(&[put("00", ""), put("x", "")]).unwrap();
}

#[test]
fn beyond_what_is_noted_one_by_one_nothing_may_have_changed() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for (looks, meddles, is_conflict) in
        [(NOTES_MAX, true, false), (NOTES_MAX + 1, true, true), (NOTES_MAX + 1, false, false)]
    {
        let mut draft = draft(&kv, &space);
        for n in 0..looks {
            draft.get(&format!("absent/{n}")).unwrap();
        }
        draft.write(&[put("a", "")]).unwrap();
        if meddles {
            write(&kv, &space, "elsewhere");
        }
        let came = draft.commit(&outcome(&format!("{looks} {meddles}"), ""));
        assert_eq!(came.is_err(), is_conflict, "{looks} {meddles}");
    }
}

#[test]
fn a_long_answer_is_kept_whole() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for bytes in [0, 1, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1, 3 * VALUE_BYTES_MAX] {
        let answer: String = (0..bytes).map(|at| char::from(b'a' + (at % 23) as u8)).collect();
        let outcome = outcome(&bytes.to_string(), &answer);
        let mut draft = draft(&kv, &space);
        draft.write(&[put("a", "")]).unwrap();
        draft.commit(&outcome).unwrap();
        assert_eq!(kv.outcome(OWNER, &outcome.key).unwrap().unwrap(), outcome);
    }
}

#[test]
fn outcomes_are_forgotten_when_they_are_old_and_with_the_last_state() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let keep = |key: &str, at_ms| {
        let mut draft = draft(&kv, &space);
        draft.write(&[put("a", "")]).unwrap();
        let answer = vec![b'x'; VALUE_BYTES_MAX + 1];
        draft.commit(&Outcome { at_ms, answer, ..outcome(key, "") }).unwrap();
    };
    keep("old", 5);
    keep("young", OUTCOME_KEPT_MS + 5);
    assert!(kv.outcome(OWNER, "old").unwrap().is_some(), "exactly as old as it may be");
    keep("younger", OUTCOME_KEPT_MS + 6);
    assert_eq!(kv.outcome(OWNER, "old").unwrap(), None);
    assert!(kv.outcome(OWNER, "young").unwrap().is_some());
    let copy = kv.fork(OWNER, Some(space.state)).unwrap().state;
    kv.drop_state(OWNER, space.state).unwrap();
    assert!(kv.outcome(OWNER, "young").unwrap().is_some(), "its data are there still");
    kv.drop_state(OWNER, copy).unwrap();
    assert_eq!(kv.outcome(OWNER, "young").unwrap(), None);
    let parts: i64 =
        home.sql().query_row("SELECT count(*) FROM outcome", [], |row| row.get(0)).unwrap();
    assert_eq!(parts, 0);
}

#[test]
fn a_page_over_a_draft_holds_a_mebibyte_and_goes_past_what_was_removed() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for n in 0..20 {
        kv.write(&space, &[put(&format!("{n:02}"), "")]).unwrap();
    }
    let mut draft = draft(&kv, &space);
    let gone: Vec<_> = (1..20).map(|n| remove(&format!("{n:02}"))).collect();
    draft.write(&gone).unwrap();
    let page = draft.scan("", 1, None).unwrap();
    assert_eq!((page.entries.len(), page.next), (1, None), "nothing follows");
    draft.write(&[put("30", vec![0; PAGE_BYTES_MAX]), put("31", "x")]).unwrap();
    let first = draft.scan("3", 10, None).unwrap();
    assert_eq!(first.entries.len(), 1);
    let second = draft.scan("3", 10, first.next.as_deref()).unwrap();
    assert_eq!((second.entries[0].key.as_str(), second.next), ("31", None));
}

/// Does some steps to one state, the rest to a draft over it and, in a twin, at once.
fn check(kv: &Kv, owner: &Arc<str>, before: Vec<Step>, within: Vec<Step>) {
    let quota = Quota { keys_max: 7, bytes_max: 70 };
    let made = || kv.fork(owner, None).unwrap().state;
    let mut space = Space { owner: Arc::clone(owner), state: made(), quota };
    let mut twin = Space { state: made(), ..space.clone() };
    for step in before {
        if let Step::Write(changes) = step {
            let told = |made: Result<u64, KvError>| made.map_err(|error| error.to_string());
            assert_eq!(told(kv.write(&space, &changes)), told(kv.write(&twin, &changes)));
        }
    }
    let mut draft = draft(kv, &space);
    for step in within {
        match step {
            Step::Write(changes) => {
                let told = |made: Result<u64, KvError>| made.map_err(|error| error.to_string());
                assert_eq!(told(draft.write(&changes)), told(kv.write(&twin, &changes)));
            }
            Step::Scan { prefix, limit } => {
                let mut cursor: Option<String> = None;
                loop {
                    let page = draft.scan(prefix, limit, cursor.as_deref()).unwrap();
                    assert_eq!(page, kv.scan(&twin, prefix, limit, cursor.as_deref()).unwrap());
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
            }
            Step::Quota(quota) => {
                (space.quota, twin.quota) = (quota, quota);
                draft.space.quota = quota;
            }
            Step::Fork => {}
        }
        assert_eq!(draft.usage().unwrap(), kv.usage(&twin).unwrap());
        for key in KEYS {
            assert_eq!(draft.get(key).unwrap(), kv.get(&twin, key).unwrap());
        }
    }
    let key = space.state.to_string();
    match draft.commit(&outcome(&key, "")) {
        Ok(came) => {
            assert_eq!(came, Committed::Now);
            let all = |space| kv.scan(space, "", 100, None).unwrap();
            assert_eq!(all(&space), all(&twin));
            assert_eq!(kv.usage(&space).unwrap(), kv.usage(&twin).unwrap());
        }
        // The whole is judged by the quota of the end.
        Err(KvError::Conflict { .. }) => assert_ne!(space.quota, quota),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_committed_draft_is_what_its_writes_would_have_been() {
    let home = Home::new();
    let kv = home.kv();
    let owner: Arc<str> = "ax:twins".into();
    let steps = || (vec(step(), 0..8), vec(step(), 1..25));
    proptest!(ProptestConfig::with_cases(128), |((before, within) in steps())| {
        check(&kv, &owner, before, within);
    });
    home.assert_sums(&kv);
}
