//! What is damaged is found, named and not handed out.

use super::*;

/// Harms a journal of six entries, of which the fourth has a long text, and reads it.
fn found(harm: &str) -> JournalError {
    let ground = OnDisk::new();
    let store = ground.open();
    let mut lease = create(&store, task(1));
    let head = Message::list(None, [b"a".to_vec(), b"b".to_vec()]);
    let batch = [
        logged("two"),
        logged("three"),
        intended(None, text(4, 4_000)),
        intended(Some(head[1].node), Text::new("{}")),
        logged("six"),
    ];
    let batch = Batch { context: head, ..Batch::new(&batch, status()) };
    store.append(&mut lease, batch, Barrier::Ordinary).unwrap().wait().unwrap();
    assert_eq!(verify(&store, task(1)).unwrap(), 6);
    ground.harm(harm);
    let before = ground.count("SELECT count(*) FROM journal");
    let error = verify(&store, task(1)).unwrap_err();
    assert_eq!(verify(&ground.open(), task(1)).unwrap_err().to_string(), error.to_string());
    assert_eq!(ground.count("SELECT count(*) FROM journal"), before, "nothing is repaired");
    error
}

fn damage(harm: &str) -> (u64, Damage) {
    match found(harm) {
        JournalError::Damaged { run, seq, what } if run == task(1) => (seq, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_changed_byte_is_found_in_every_column_of_every_entry() {
    let columns = [
        "at_ms = at_ms + 1",
        "epoch = epoch + 1",
        "kind = 'asked'",
        "correlation = 1",
        // The same length, and still JSON.
        "body = CAST(replace(CAST(body AS TEXT), 'e', 'f') AS BLOB)",
        "body = x'00'",
    ];
    for column in columns {
        for seq in 2..=6 {
            let harm = format!("UPDATE journal SET {column} WHERE seq = {seq}");
            assert_eq!(damage(&harm), (seq, Damage::Altered), "{harm}");
        }
    }
    let before = |seq| format!("UPDATE journal SET before_hash = zeroblob(32) WHERE seq = {seq}");
    assert_eq!(damage(&before(3)), (2, Damage::Altered));
    let first = "UPDATE journal SET before_hash = randomblob(32) WHERE seq = 1";
    assert_eq!(damage(first), (1, Damage::Altered));
}

#[test]
fn what_is_missing_or_too_much_is_found_where_it_is() {
    for seq in 1..=6 {
        let harm = format!("DELETE FROM journal WHERE seq = {seq}");
        assert_eq!(damage(&harm), (seq, Damage::Missing));
        let harm = format!("DELETE FROM journal WHERE seq >= {seq}");
        assert_eq!(damage(&harm), (seq, Damage::Missing));
    }
    let swap = "UPDATE journal SET seq = seq + 10 WHERE seq IN (3, 4); \
                UPDATE journal SET seq = 27 - seq - 10 WHERE seq IN (13, 14)";
    assert_eq!(damage(swap), (2, Damage::Altered));
    let more = "INSERT INTO journal SELECT run, seq + 1, epoch, at_ms, kind, correlation, \
                before_hash, body FROM journal WHERE seq = 6";
    assert_eq!(damage(more), (7, Damage::Beyond));
}

#[test]
fn a_row_that_contradicts_its_entries_is_found() {
    assert_eq!(damage("UPDATE run SET head_hash = zeroblob(32)"), (6, Damage::Altered));
    assert_eq!(damage("UPDATE run SET head_seq = 5"), (5, Damage::Altered));
    assert_eq!(damage("UPDATE run SET head_seq = 7"), (7, Damage::Missing));
    // A head that was taken back whole leaves entries that nobody vouches for.
    let back = "UPDATE run SET head_seq = 5, head_hash = \
                (SELECT before_hash FROM journal WHERE seq = 6)";
    assert_eq!(damage(back), (6, Damage::Beyond));
}

#[test]
fn texts_and_messages_are_what_they_are_named_for() {
    assert_eq!(damage("DELETE FROM blob WHERE length(data) = 4000"), (4, Damage::TextMissing));
    let altered = "UPDATE blob SET data = zeroblob(4000) WHERE length(data) = 4000";
    assert_eq!(damage(altered), (4, Damage::TextAltered));
    let message = |harm| match found(harm) {
        JournalError::Context { what, .. } => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(message("UPDATE context SET message = x'63'"), Damage::Altered);
    assert_eq!(message("UPDATE context SET parent = NULL"), Damage::Altered);
    assert_eq!(message("UPDATE context SET parent = node"), Damage::Altered);
    assert_eq!(message("DELETE FROM context WHERE message = x'61'"), Damage::Missing);
}

#[test]
fn values_that_are_none_are_damage_and_not_panics() {
    for harm in [
        "UPDATE run SET state = 'tired'",
        "UPDATE run SET state = 'paused'",
        "UPDATE run SET state = 'failed', why = 'moody'",
        "UPDATE run SET work = 'play'",
        "UPDATE run SET parent = x'00'",
        "UPDATE run SET spent = '{'",
        "UPDATE run SET budget = '{\"x\":1}'",
        "UPDATE run SET parent = id, depth = 256",
        "UPDATE run SET done = -1",
        "UPDATE run SET head_hash = x'0102'",
        "UPDATE run SET labels = '[]'",
    ] {
        let ground = OnDisk::new();
        let store = ground.open();
        create(&store, task(1));
        ground.harm(harm);
        let told = store.list(&Filter::default());
        assert!(matches!(told, Err(JournalError::Corrupt { .. })), "{harm}: {told:?}");
        assert!(told.unwrap_err().hint().is_some());
    }
    assert!(matches!(found("UPDATE blob SET codec = 9"), JournalError::Corrupt { .. }));
}

#[test]
fn nothing_is_appended_on_what_should_not_be_there() {
    let ground = OnDisk::new();
    let store = ground.open();
    let mut lease = create(&store, task(1));
    let mut other = create(&store, task(2));
    ground.harm("INSERT INTO journal SELECT run, 2, 1, 1, 'x', 0, before_hash, body FROM journal");
    let told = append(&store, &mut lease, &[logged("two")]);
    assert!(
        matches!(told, Err(JournalError::Damaged { seq: 2, what: Damage::Beyond, .. })),
        "{told:?}"
    );
    ground.harm("DELETE FROM journal WHERE seq = 2");
    append(&store, &mut other, &[logged("two")]).unwrap();
}

#[test]
fn what_it_says_is_written_down_for_people() {
    let told = found("DELETE FROM journal WHERE seq = 5");
    let run = task(1);
    assert_eq!(
        told.to_string(),
        format!("the journal of task `{run}` is damaged at entry 5: it is missing")
    );
    assert!(told.hint().unwrap().contains("restore"));
}
