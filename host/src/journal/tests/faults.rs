//! What happens when the disk does not do what it should.

use std::sync::{Arc, Mutex};

use rusqlite::ffi;

use super::*;

/// Where writes fail, and with which code; none while they do not.
type Failure = Arc<Mutex<Option<(Point, i32)>>>;

/// A journal of which the writes fail with a code once it is set, at a point.
fn failing(ground: &OnDisk) -> (SqliteJournal, Failure) {
    let failure = Arc::new(Mutex::new(None));
    let armed = Arc::clone(&failure);
    let fault: Fault = Arc::new(move |at| match *armed.lock().unwrap() {
        Some((point, code)) if point == at => {
            Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
        }
        _ => Ok(()),
    });
    (ground.open().failing(fault), failure)
}

#[test]
fn a_full_or_read_only_disk_fails_all_that_wait_and_nothing_else() {
    for code in [ffi::SQLITE_FULL, ffi::SQLITE_READONLY, ffi::SQLITE_BUSY] {
        for point in [Point::Begin, Point::Work, Point::Commit] {
            let ground = OnDisk::new();
            let (store, failure) = failing(&ground);
            let (mut one, mut two) = (create(&store, task(1)), create(&store, task(2)));
            let known = one.clone();
            *failure.lock().unwrap() = Some((point, code));
            let hand = |lease: &mut Lease| {
                let events = [logged("lost"), asked("lost?")];
                store.append(lease, Batch::new(&events, status()), Barrier::Durable).unwrap()
            };
            for receipt in [hand(&mut one), hand(&mut two)] {
                let told = receipt.wait().unwrap_err();
                let is_busy = matches!(told, JournalError::Busy { .. });
                assert_eq!(is_busy, code == ffi::SQLITE_BUSY, "{told:?}");
                assert!(is_busy || matches!(told, JournalError::Io { .. }), "{told:?}");
                assert!(told.hint().is_some());
            }
            *failure.lock().unwrap() = None;
            // Whoever thinks that it is there, appends nothing.
            let told = append(&store, &mut one, &[logged("after")]);
            assert!(matches!(told, Err(JournalError::Stale { held_seq: 1, .. })), "{told:?}");
            let mut one = known;
            append(&store, &mut one, &[logged("again")]).unwrap();
            assert_eq!(verify(&store, task(1)).unwrap(), 2);
            assert!(store.questions(None).unwrap().is_empty());
        }
    }
}

#[test]
fn nothing_is_written_once_nobody_knows_what_is_on_disk() {
    for point in [Point::Commit, Point::Committed] {
        let ground = OnDisk::new();
        let (store, failure) = failing(&ground);
        let mut lease = create(&store, task(1));
        *failure.lock().unwrap() = Some((point, ffi::SQLITE_IOERR_FSYNC));
        let told = append(&store, &mut lease, &[logged("perhaps")]).unwrap_err();
        assert!(matches!(told, JournalError::Io { .. }), "{told:?}");
        *failure.lock().unwrap() = None;
        let told = append(&store, &mut lease, &[logged("after")]).unwrap_err();
        assert!(matches!(told, JournalError::Stopped { .. }), "{told:?}");
        assert!(told.hint().unwrap().contains("ax task resume"));
        assert!(matches!(
            store.claim(task(1), UNTIL_MS, UNTIL_MS).wait(),
            Err(JournalError::Stopped { .. })
        ));
        drop(store);
        // Another process finds what there is, all of it or nothing.
        let there = verify(&ground.open(), task(1)).unwrap();
        assert_eq!(there, if point == Point::Commit { 1 } else { 2 });
    }
}

#[test]
fn one_that_is_refused_does_not_fail_the_others() {
    let ground = OnDisk::new();
    // Held up, so that all come into one commit.
    let (gate, turn) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(0)));
    let (held, counted) = (Arc::clone(&gate), Arc::clone(&turn));
    let fault: Fault = Arc::new(move |point| {
        if point == Point::Begin {
            *counted.lock().unwrap() += 1;
            drop(held.lock().unwrap());
        }
        Ok(())
    });
    let store = ground.open().failing(fault);
    let mut leases: Vec<_> = (1..=20).map(|number| create(&store, task(number))).collect();
    let mut stale = leases[3].clone();
    append(&store, &mut leases[3], &[logged("two")]).unwrap();
    let begun = *turn.lock().unwrap();
    let closed = gate.lock().unwrap();
    let events = [logged("three")];
    let mut hand = |lease: &mut Lease| {
        store.append(lease, Batch::new(&events, status()), Barrier::Ordinary).unwrap()
    };
    let first: Vec<_> = leases.iter_mut().map(&mut hand).collect();
    let refused = [hand(&mut stale), hand(&mut stale)];
    let lost = [intended(None, Text::Kept(Digest::of(b"nothing")))];
    let mut unkept = leases[5].clone();
    let unkept = store.append(&mut unkept, Batch::new(&lost, status()), Barrier::Ordinary).unwrap();
    let second: Vec<_> = leases.iter_mut().map(&mut hand).collect();
    drop(closed);
    for receipt in first.into_iter().chain(second) {
        receipt.wait().unwrap();
    }
    for receipt in refused {
        assert!(matches!(receipt.wait(), Err(JournalError::Stale { .. })));
    }
    assert!(matches!(unkept.wait(), Err(JournalError::NotKept { .. })));
    assert!(*turn.lock().unwrap() - begun <= 6, "they were written together");
    assert_eq!(verify(&store, task(4)).unwrap(), 4);
    assert_eq!(verify(&store, task(6)).unwrap(), 3);
}

#[test]
fn more_than_may_wait_is_refused_at_once_and_the_lease_stays() {
    let ground = OnDisk::new();
    let gate = Arc::new(Mutex::new(()));
    let held = Arc::clone(&gate);
    let fault: Fault = Arc::new(move |_| {
        drop(held.lock().unwrap());
        Ok(())
    });
    let store = ground.open().failing(fault);
    let mut lease = create(&store, task(1));
    let closed = gate.lock().unwrap();
    let mut receipts = Vec::new();
    let refused = loop {
        let before = lease.clone();
        match store.append(&mut lease, Batch::new(&[], status()), Barrier::Ordinary) {
            Ok(receipt) => receipts.push(receipt),
            Err(error) => {
                assert_eq!(lease, before);
                break error;
            }
        }
    };
    assert!(matches!(refused, JournalError::Full { .. }) && refused.is_transient());
    drop(closed);
    receipts.into_iter().for_each(|it| it.wait().unwrap());
    append(&store, &mut lease, &[logged("now")]).unwrap();
}

#[test]
fn what_waits_is_written_before_the_end() {
    let ground = OnDisk::new();
    let store = ground.open();
    let mut lease = create(&store, task(1));
    for number in 0..100 {
        let events = [logged(&number.to_string())];
        let batch = Batch::new(&events, status());
        drop(store.append(&mut lease, batch, Barrier::Ordinary).unwrap());
    }
    drop(store);
    assert_eq!(verify(&ground.open(), task(1)).unwrap(), 101);
}
