//! Reading, scanning and writing, with every bound.

use crate::kv::CHANGES_MAX;
use crate::kv::Condition;
use crate::kv::KEY_BYTES_MAX;
use crate::kv::KvError;
use crate::kv::PAGE_BYTES_MAX;
use crate::kv::PAGE_ENTRIES_MAX;
use crate::kv::Quota;
use crate::kv::Space;
use crate::kv::Usage;
use crate::kv::VALUE_BYTES_MAX;
use crate::kv::rows;
use crate::kv::tests::Home;
use crate::kv::tests::begin;
use crate::kv::tests::keys;
use crate::kv::tests::put;
use crate::kv::tests::put_when;
use crate::kv::tests::refusal;
use crate::kv::tests::remove;
use crate::kv::tests::remove_when;
use crate::kv::tests::scan_all;
use crate::kv::tests::value;
use crate::kv::tests::version;

#[test]
fn what_is_put_is_found_until_it_is_removed() {
    let home = Home::new();
    let (kv, space) = home.begun();
    assert_eq!(kv.get(&space, "a").unwrap(), None);
    assert_eq!(kv.write(&space, &[put("a", [0, 255]), put("b", "")]).unwrap(), 1);
    assert_eq!(value(&kv, &space, "a").unwrap(), [0, 255]);
    assert_eq!(value(&kv, &space, "b").unwrap(), b"", "an empty value is one");
    assert_eq!(kv.write(&space, &[put("a", "new"), remove("b"), remove("c")]).unwrap(), 2);
    assert_eq!(value(&kv, &space, "a").unwrap(), b"new");
    assert_eq!(value(&kv, &space, "b"), None);
    assert_eq!(kv.usage(&space).unwrap(), Usage { keys: 1, bytes: 4 });
    home.assert_sums(&kv);
}

#[test]
fn a_key_is_found_by_its_bytes_alone() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("ab", "1"), put("\u{e9}", "1")]).unwrap();
    for other in ["AB", "a", "ab ", "a%", "a_", "a*", "e\u{301}", "\u{c9}"] {
        assert_eq!(kv.get(&space, other).unwrap(), None, "{other}");
        kv.write(&space, &[put_when(other, "2", Condition::Absent)]).expect(other);
    }
    assert_eq!(value(&kv, &space, "ab").unwrap(), b"1");
}

#[test]
fn no_owner_sees_keys_of_another() {
    let home = Home::new();
    let (kv, ours) = home.begun();
    let theirs = begin(&kv, "ax:notes from elsewhere.example");
    kv.write(&ours, &[put("a", "ours")]).unwrap();
    kv.write(&theirs, &[put("a", "theirs"), put("b", "")]).unwrap();
    assert_eq!(value(&kv, &ours, "a").unwrap(), b"ours");
    assert_eq!(keys(&scan_all(&kv, &ours, "", 10)), ["a"]);
    kv.write(&theirs, &[remove("a")]).unwrap();
    assert_eq!(value(&kv, &ours, "a").unwrap(), b"ours");
}

#[test]
fn versions_grow_past_what_was_removed() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let first = kv.write(&space, &[put("a", "1")]).unwrap();
    let removed = kv.write(&space, &[remove("a")]).unwrap();
    let second = kv.write(&space, &[put("a", "1"), put("b", "1")]).unwrap();
    assert_eq!((first, removed, second), (1, 2, 3));
    assert_eq!((version(&kv, &space, "a"), version(&kv, &space, "b")), (Some(3), Some(3)));
    assert_eq!(kv.revision(&space.owner, space.state).unwrap(), 3);
}

#[test]
fn a_change_is_made_only_if_its_condition_holds() {
    use Condition as C;
    let cases = [
        (put_when("there", "new", C::Always), true),
        (put_when("there", "new", C::Absent), false),
        (put_when("there", "new", C::AtVersion(1)), true),
        (put_when("there", "new", C::AtVersion(2)), false),
        (put_when("there", "new", C::AtVersion(u64::MAX)), false),
        (put_when("gone", "new", C::Absent), true),
        (put_when("gone", "new", C::AtVersion(1)), false),
        (put_when("gone", "new", C::AtVersion(0)), false),
        (remove_when("there", C::AtVersion(1)), true),
        (remove_when("there", C::Absent), false),
        (remove_when("gone", C::Absent), true),
        (remove_when("gone", C::AtVersion(1)), false),
    ];
    let home = Home::new();
    let kv = home.kv();
    for (change, is_made) in cases {
        let space = begin(&kv, "ax:cases");
        kv.write(&space, &[put("there", "old")]).unwrap();
        match kv.write(&space, std::slice::from_ref(&change)) {
            Ok(_) => assert!(is_made, "{change:?}"),
            Err(KvError::Conflict { key }) => {
                assert!(!is_made, "{change:?}");
                assert_eq!(key, change.key());
                assert_eq!(value(&kv, &space, "there").unwrap(), b"old");
                assert_eq!(kv.revision(&space.owner, space.state).unwrap(), 1);
            }
            Err(other) => panic!("{change:?}: {other}"),
        }
    }
}

#[test]
fn one_failed_condition_stops_the_whole_write_and_the_first_is_named() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1"), put("b", "1")]).unwrap();
    let changes = [
        put("new", "2"),
        remove("a"),
        put_when("b", "2", Condition::Absent),
        put_when("c", "2", Condition::AtVersion(1)),
    ];
    assert_eq!(refusal(kv.write(&space, &changes)), "`b` is not as the change expects");
    assert_eq!(keys(&scan_all(&kv, &space, "", 10)), ["a", "b"]);
    assert_eq!(kv.usage(&space).unwrap(), Usage { keys: 2, bytes: 4 });
}

#[test]
fn a_conflict_is_told_before_a_full_quota() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let tiny = Space { quota: Quota { keys_max: 0, bytes_max: 0 }, ..space };
    let change = put_when("a", "1", Condition::AtVersion(7));
    assert!(matches!(kv.write(&tiny, &[change]), Err(KvError::Conflict { .. })));
}

#[test]
fn the_quota_holds_at_its_last_key_and_byte() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let two = Space { quota: Quota { keys_max: 2, bytes_max: 10 }, ..space };
    kv.write(&two, &[put("ab", "123"), put("cd", "123")]).unwrap();
    assert_eq!(kv.usage(&two).unwrap(), Usage { keys: 2, bytes: 10 }, "exactly the limit");
    assert_eq!(
        refusal(kv.write(&two, &[put("e", "")])),
        "the plugin may keep 2 keys, and this would be more"
    );
    assert_eq!(
        refusal(kv.write(&two, &[put("ab", "1234")])),
        "the plugin may keep 10 bytes, and this would be more"
    );
    kv.write(&two, &[put("ef", "123"), remove("ab")]).expect("one goes as one comes");
    kv.write(&two, &[put("cd", "12"), put("ef", "1234")]).expect("one shrinks as one grows");
    home.assert_sums(&kv);
}

#[test]
fn a_quota_lowered_later_still_lets_a_plugin_shrink() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "12345"), put("b", "12345"), put("c", "12345")]).unwrap();
    let lowered = Space { quota: Quota { keys_max: 1, bytes_max: 4 }, ..space };
    kv.write(&lowered, &[put("a", "54321")]).expect("as much as before");
    kv.write(&lowered, &[put("a", "1234")]).expect("less, if still too much");
    kv.write(&lowered, &[remove("b")]).expect("fewer, if still too many");
    assert!(matches!(kv.write(&lowered, &[put("a", "12345")]), Err(KvError::Full { .. })));
    assert!(matches!(kv.write(&lowered, &[put("d", "")]), Err(KvError::Full { .. })));
    kv.write(&lowered, &[remove("a"), put("c", "123")]).unwrap();
    assert_eq!(kv.usage(&lowered).unwrap(), Usage { keys: 1, bytes: 4 });
}

#[test]
fn keys_have_bounds_and_one_line() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let longest = "é".repeat(KEY_BYTES_MAX / 2);
    for key in ["a", " ", "a/b c.d", "🦀", "a\u{202e}b", "%_*'\"", longest.as_str()] {
        kv.write(&space, &[put(key, key)]).unwrap();
        assert_eq!(value(&kv, &space, key).unwrap(), key.as_bytes());
    }
    home.assert_sums(&kv);
    let too_long = format!("{longest}a");
    let refused = [
        ("", "not a key: it is empty"),
        (too_long.as_str(), "not a key: it is longer than 512 bytes"),
        ("a\nb", "not a key: it holds a control character"),
        ("a\0", "not a key: it holds a control character"),
        ("\u{7f}", "not a key: it holds a control character"),
        ("\u{85}", "not a key: it holds a control character"),
    ];
    for (key, why) in refused {
        assert_eq!(refusal(kv.get(&space, key)), why);
        assert_eq!(refusal(kv.write(&space, &[put("fine", ""), put(key, "")])), why);
        assert_eq!(refusal(kv.write(&space, &[remove(key)])), why);
        if !key.is_empty() {
            assert_eq!(refusal(kv.scan(&space, key, 1, None)), why);
        }
    }
    assert_eq!(value(&kv, &space, "fine"), None);
}

#[test]
fn a_value_holds_a_mebibyte_and_no_byte_more() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let longest = vec![7; VALUE_BYTES_MAX];
    kv.write(&space, &[put("a", &longest)]).unwrap();
    assert_eq!(value(&kv, &space, "a").unwrap(), longest);
    assert_eq!(
        refusal(kv.write(&space, &[put("b", vec![7; VALUE_BYTES_MAX + 1])])),
        "the value has 1048577 bytes, and 1048576 are the most"
    );
}

#[test]
fn a_write_has_at_least_one_change_and_at_most_a_thousand() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let many: Vec<_> = (0..=CHANGES_MAX).map(|n| put(&n.to_string(), "")).collect();
    assert_eq!(kv.write(&space, &many[..CHANGES_MAX]).unwrap(), 1);
    assert_eq!(kv.usage(&space).unwrap().keys, 1_000);
    assert_eq!(
        refusal(kv.write(&space, &many)),
        "the write has 1001 changes; 1 to 1000 are possible"
    );
    assert_eq!(refusal(kv.write(&space, &[])), "the write has 0 changes; 1 to 1000 are possible");
}

#[test]
fn a_key_is_changed_once_in_a_write() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for second in [put("a", "2"), remove("a")] {
        let changes = [put("a", "1"), put("b", "1"), second];
        assert_eq!(refusal(kv.write(&space, &changes)), "the write changes `a` twice");
    }
    assert_eq!(kv.usage(&space).unwrap(), Usage::default());
}

#[test]
fn a_scan_goes_by_the_bytes_of_the_keys_within_its_prefix() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let mut all = ["a", "a/", "a/1", "a/10", "a/2", "aé", "a😀", "a\u{ffff}", "b", "A", "é", "%"];
    kv.write(&space, &all.map(|key| put(key, key))).unwrap();
    all.sort_unstable_by_key(|key| key.as_bytes());
    for limit in [1, 2, 3, 11, 12, 13, PAGE_ENTRIES_MAX] {
        for prefix in ["", "a", "a/", "a/1", "a/10", "aé", "a😀", "é", "z", "%", "_"] {
            let expected: Vec<_> =
                all.iter().copied().filter(|key| key.starts_with(prefix)).collect();
            assert_eq!(keys(&scan_all(&kv, &space, prefix, limit)), expected, "`{prefix}` {limit}");
        }
    }
}

#[test]
fn a_page_holds_what_was_asked_for_and_says_whether_there_is_more() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", ""), put("b", ""), put("c", "")]).unwrap();
    let page = kv.scan(&space, "", 2, None).unwrap();
    assert_eq!(keys(&page.entries), ["a", "b"]);
    assert!(page.next.is_some());
    let page = kv.scan(&space, "", 3, None).unwrap();
    assert_eq!((page.entries.len(), page.next), (3, None), "exactly the limit");
    let page = kv.scan(&space, "x", 3, None).unwrap();
    assert_eq!((page.entries.len(), page.next), (0, None));
    for limit in [0, PAGE_ENTRIES_MAX + 1, u32::MAX] {
        assert_eq!(
            refusal(kv.scan(&space, "", limit, None)),
            format!("a page of {limit} entries was asked for; 1 to 1000 are possible")
        );
    }
}

#[test]
fn a_page_holds_a_mebibyte_of_values_and_one_value_at_least() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let half = vec![0; PAGE_BYTES_MAX / 2];
    kv.write(&space, &[put("a", &half), put("b", &half), put("c", "1")]).unwrap();
    let page = kv.scan(&space, "", 10, None).unwrap();
    assert_eq!(keys(&page.entries), ["a", "b"], "exactly the limit");
    let rest = kv.scan(&space, "", 10, page.next.as_deref()).unwrap();
    assert_eq!((keys(&rest.entries), rest.next), (vec!["c"], None));
    kv.write(&space, &[put("b", vec![0; VALUE_BYTES_MAX])]).unwrap();
    assert_eq!(keys(&kv.scan(&space, "", 10, None).unwrap().entries), ["a"]);
    assert_eq!(keys(&scan_all(&kv, &space, "", 10)), ["a", "b", "c"]);
}

#[test]
fn what_is_written_between_two_pages_neither_repeats_nor_hides_others() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &["b", "d", "f", "h"].map(|key| put(key, ""))).unwrap();
    let page = kv.scan(&space, "", 2, None).unwrap();
    assert_eq!(keys(&page.entries), ["b", "d"]);
    // The last one of the page goes, one comes before it and one after it.
    kv.write(&space, &[remove("d"), put("a", ""), put("e", ""), remove("h")]).unwrap();
    let page = kv.scan(&space, "", 2, page.next.as_deref()).unwrap();
    assert_eq!((keys(&page.entries), page.next), (vec!["e", "f"], None));
}

#[test]
fn a_cursor_of_another_scan_is_refused() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a/1", ""), put("a/2", ""), put("b", "")]).unwrap();
    let next = kv.scan(&space, "a/", 1, None).unwrap().next.unwrap();
    for (prefix, cursor) in [("", next.as_str()), ("a", &next), ("b", &next), ("a/", "a/1")] {
        assert_eq!(
            refusal(kv.scan(&space, prefix, 1, Some(cursor))),
            "the cursor is not from a scan of this prefix"
        );
    }
}

#[test]
fn nothing_is_kept_for_a_state_that_was_never_made() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let others = [
        Space { state: 2, ..space.clone() },
        Space { state: 0, ..space.clone() },
        Space { state: u64::MAX, ..space.clone() },
        Space { owner: "ax:other".into(), ..space },
    ];
    for other in others {
        let expected = format!("`{}` has no state {}", other.owner, other.state);
        assert_eq!(refusal(kv.get(&other, "a")), expected);
        assert_eq!(refusal(kv.scan(&other, "", 1, None)), expected);
        assert_eq!(refusal(kv.write(&other, &[put("a", "")])), expected);
        assert_eq!(refusal(kv.usage(&other)), expected);
        assert_eq!(refusal(kv.revision(&other.owner, other.state)), expected);
    }
}

#[test]
fn values_are_not_shown_by_debug() {
    let home = Home::new();
    let (kv, space) = home.begun();
    let change = put("a", "hunter2");
    kv.write(&space, std::slice::from_ref(&change)).unwrap();
    let shown = format!("{change:?} {:?} {kv:?}", kv.scan(&space, "", 1, None).unwrap());
    assert!(shown.contains("value_bytes: 7"), "{shown}");
    let bytes = format!("{:?}", b"hunter2".to_vec());
    assert!(!shown.contains("hunter2") && !shown.contains(&bytes), "{shown}");
}

#[test]
fn a_scan_reads_along_the_index_and_sorts_nothing() {
    let home = Home::new();
    home.begun();
    for sql in [rows::SCAN_FROM, rows::SCAN_AFTER] {
        let connection = home.sql();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = plan.query_map(("", 1, "", 1), |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        let is_by_key = |step: &String| step.contains("entry USING INDEX entry_by_key");
        assert!(steps.iter().any(is_by_key), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
