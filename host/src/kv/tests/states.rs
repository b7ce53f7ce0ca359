//! Copies for updates, accounts, and what is pruned.

use semver::Version;

use crate::kv::FileUsage;
use crate::kv::Forked;
use crate::kv::Kept;
use crate::kv::Kv;
use crate::kv::Lineage;
use crate::kv::Pruned;
use crate::kv::Space;
use crate::kv::Usage;
use crate::kv::Writer;
use crate::kv::tests::Home;
use crate::kv::tests::OWNER;
use crate::kv::tests::begin;
use crate::kv::tests::keys;
use crate::kv::tests::put;
use crate::kv::tests::refusal;
use crate::kv::tests::remove;
use crate::kv::tests::scan_all;
use crate::kv::tests::value;
use crate::kv::tests::version;

#[test]
fn a_copy_holds_what_was_there_and_goes_its_own_way() {
    let home = Home::new();
    let (kv, old) = home.begun();
    kv.write(&old, &[put("a", "1"), put("b", "1")]).unwrap();
    kv.write(&old, &[put("b", "2"), put("c", "")]).unwrap();
    let forked = kv.fork(OWNER, Some(old.state)).unwrap();
    assert_eq!(forked, Forked { state: 2, revision: 2 });
    let new = Space { state: forked.state, ..old.clone() };
    assert_eq!(scan_all(&kv, &new, "", 10), scan_all(&kv, &old, "", 10));
    assert_eq!(kv.usage(&new).unwrap(), kv.usage(&old).unwrap());

    assert_eq!(kv.write(&new, &[put("a", "migrated"), remove("b")]).unwrap(), 3);
    assert_eq!(version(&kv, &new, "a"), Some(3), "higher than all that was copied");
    assert_eq!(value(&kv, &old, "a").unwrap(), b"1");
    assert_eq!(keys(&scan_all(&kv, &old, "", 10)), ["a", "b", "c"]);
    home.assert_sums(&kv);
}

#[test]
fn the_revision_tells_whether_the_original_was_written_meanwhile() {
    let home = Home::new();
    let (kv, old) = home.begun();
    kv.write(&old, &[put("a", "1")]).unwrap();
    let forked = kv.fork(OWNER, Some(old.state)).unwrap();
    assert_eq!(kv.revision(OWNER, old.state).unwrap(), forked.revision);
    kv.write(&old, &[remove("none")]).unwrap();
    assert_ne!(kv.revision(OWNER, old.state).unwrap(), forked.revision);
}

#[test]
fn no_number_is_given_twice() {
    let home = Home::new();
    let kv = home.kv();
    assert_eq!(kv.fork(OWNER, None).unwrap(), Forked { state: 1, revision: 0 });
    assert_eq!(kv.fork(OWNER, None).unwrap().state, 2);
    assert_eq!(kv.fork("ax:other", None).unwrap().state, 1, "each owner counts alone");
    kv.drop_state(OWNER, 2).unwrap();
    assert_eq!(kv.fork(OWNER, Some(1)).unwrap().state, 3);
    for state in [1, 3] {
        kv.drop_state(OWNER, state).unwrap();
    }
    drop(kv);
    assert_eq!(home.kv().fork(OWNER, None).unwrap().state, 4);
}

/// What the database says of a state.
fn lineage(kv: &Kv) -> Lineage {
    kv.lineages().unwrap().remove(OWNER).unwrap_or_default()
}

#[test]
fn a_state_is_nobodys_until_it_is_settled_and_its_versions_from_then_on() {
    let home = Home::new();
    let (kv, old) = home.begun();
    let version = |text: &str| Version::parse(text).unwrap();
    let writer = |text: &str| Writer::Release(version(text));
    assert_eq!(lineage(&kv).0[&1].writer, Writer::Unfinished);
    kv.settle(OWNER, 1, &version("0.1.0")).unwrap();
    kv.write(&old, &[put("a", "1")]).unwrap();
    let copy = Space { state: kv.fork(OWNER, Some(1)).unwrap().state, ..old.clone() };
    kv.write(&copy, &[put("a", "migrated")]).unwrap();
    kv.settle(OWNER, 2, &version("0.2.0")).unwrap();
    kv.write(&copy, &[put("b", "1")]).unwrap();
    let kept =
        |text, revision, begun, origin| Kept { writer: writer(text), revision, begun, origin };
    let states = lineage(&kv);
    assert_eq!(states.0[&1], kept("0.1.0", 1, 0, None));
    assert_eq!(states.0[&2], kept("0.2.0", 3, 2, Some((1, 1))));
    assert_eq!((states.missing(1, Some(2)), states.missing(2, Some(1))), (0, 1));
}

#[test]
fn what_a_dropped_state_passed_on_is_not_forgotten() {
    let home = Home::new();
    let (kv, first) = home.begun();
    kv.write(&first, &[put("a", "1")]).unwrap();
    for from in [1, 2] {
        kv.fork(OWNER, Some(from)).unwrap();
    }
    kv.write(&first, &[put("a", "2")]).unwrap();
    kv.drop_state(OWNER, 2).unwrap();
    let states = lineage(&kv);
    assert_eq!(states.0[&3].origin, Some((1, 1)));
    assert_eq!(states.missing(1, Some(3)), 1, "the second change came after the copy");
    kv.drop_state(OWNER, 1).unwrap();
    assert_eq!(lineage(&kv).0[&3].origin, None);
}

#[test]
fn what_is_not_there_is_neither_copied_nor_dropped() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for (owner, state) in [(OWNER, 2), (OWNER, 0), (OWNER, u64::MAX), ("ax:other", 1)] {
        let expected = format!("`{owner}` has no state {state}");
        assert_eq!(refusal(kv.fork(owner, Some(state))), expected);
        assert_eq!(refusal(kv.drop_state(owner, state)), expected);
    }
    assert_eq!(kv.states().unwrap(), [(OWNER.to_owned(), space.state, Usage::default())]);
    assert_eq!(kv.fork(OWNER, None).unwrap().state, 2, "a refused copy takes no number");
}

#[test]
fn a_dropped_state_takes_its_entries_along() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1")]).unwrap();
    kv.drop_state(OWNER, space.state).unwrap();
    assert_eq!(refusal(kv.write(&space, &[put("a", "1")])), format!("`{OWNER}` has no state 1"));
    let next = begin(&kv, OWNER);
    assert_eq!(kv.get(&next, "a").unwrap(), None);
    home.assert_sums(&kv);
}

#[test]
fn an_account_adds_up_and_stops_at_both_ends() {
    let home = Home::new();
    let kv = home.kv();
    let usage = |bytes, files| FileUsage { bytes, files };
    assert_eq!(kv.file_usage("g1").unwrap(), usage(0, 0));
    assert_eq!(kv.add_file_usage("g1", 100, 2).unwrap(), usage(100, 2));
    assert_eq!(kv.add_file_usage("g1", -30, -1).unwrap(), usage(70, 1));
    assert_eq!(kv.add_file_usage("g1", -71, 1).unwrap(), usage(0, 2), "each by itself");
    assert_eq!(kv.add_file_usage("g1", i64::MIN, i64::MIN).unwrap(), usage(0, 0));
    assert_eq!(kv.add_file_usage("g1", i64::MAX, 1).unwrap().bytes, i64::MAX as u64);
    assert_eq!(kv.add_file_usage("g1", 1, 1).unwrap(), usage(i64::MAX as u64, 2));
    assert_eq!(kv.file_usage("g1").unwrap(), usage(i64::MAX as u64, 2));
    assert_eq!(kv.file_usage("g2").unwrap(), usage(0, 0));
}

#[test]
fn only_what_is_named_survives_pruning() {
    let home = Home::new();
    let (kv, first) = home.begun();
    let other = begin(&kv, "ax:other");
    kv.write(&first, &[put("a", "12345")]).unwrap();
    kv.write(&other, &[put("a", "1")]).unwrap();
    let second = kv.fork(OWNER, Some(first.state)).unwrap().state;
    kv.add_file_usage("kept", 5, 1).unwrap();
    kv.add_file_usage("gone", 5, 1).unwrap();

    let keep = |owner: &str, state| owner == OWNER && state == second;
    let pruned = kv.prune(&keep, &|account| account == "kept").unwrap();
    assert_eq!(pruned, Pruned { states: 2, bytes: 8, accounts: 1 });
    assert_eq!(kv.states().unwrap(), [(OWNER.to_owned(), second, Usage { keys: 1, bytes: 6 })]);
    assert_eq!(kv.file_usage("kept").unwrap().bytes, 5);
    assert_eq!(kv.file_usage("gone").unwrap(), FileUsage::default());
    assert_eq!(kv.prune(&keep, &|account| account == "kept").unwrap(), Pruned::default());
    assert_eq!(kv.fork("ax:other", None).unwrap().state, 2, "its number was taken");
    home.assert_sums(&kv);
}

#[test]
fn what_decides_on_pruning_may_use_the_database() {
    let home = Home::new();
    let (kv, _) = home.begun();
    kv.add_file_usage("a", 1, 1).unwrap();
    let keep = |owner: &str, state| {
        // Another has dropped it meanwhile.
        kv.drop_state(owner, state).unwrap();
        false
    };
    let pruned = kv.prune(&keep, &|account| kv.file_usage(account).unwrap().files > 0).unwrap();
    assert_eq!(pruned, Pruned::default());
    assert_eq!(kv.states().unwrap(), []);
}

#[test]
fn pruned_room_is_given_back_to_the_disk() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for n in 0..8 {
        kv.write(&space, &[put(&n.to_string(), vec![7; 1_000_000])]).unwrap();
    }
    let pages = || home.sql().query_row("PRAGMA page_count", [], |row| row.get::<_, u32>(0));
    assert!(pages().unwrap() > 1_900);
    assert_eq!(kv.prune(&|_, _| false, &|_| false).unwrap().bytes, 8_000_008);
    assert!(pages().unwrap() < 20, "{:?}", pages());
}
