//! What holds for journals wherever they are.

use super::*;

/// Makes a test of each for each kind of journal.
macro_rules! conformance {
    ($($name:ident)*) => {
        mod memory {
            $(#[test] fn $name() { super::$name(&super::InMemory::new()); })*
        }
        mod sqlite {
            $(#[test] fn $name() { super::$name(&super::OnDisk::new()); })*
        }
    };
}

conformance! {
    what_is_appended_is_read_as_it_was
    entries_are_read_a_page_at_a_time
    a_task_is_made_once
    what_was_never_made_is_empty
    the_row_says_what_the_last_batch_said
    a_task_that_is_held_is_nobody_elses
    a_lease_that_ran_out_may_be_taken_and_its_owner_appends_nothing_more
    a_released_task_is_anybodys_and_its_owners_no_more
    who_is_gone_holds_nothing
    batches_are_handed_over_one_after_the_other_without_waiting
    a_batch_that_is_refused_leaves_nothing
    what_is_too_long_is_refused_and_the_lease_stays
    tasks_are_listed_newest_first_by_what_is_asked
    a_task_is_found_by_the_beginning_or_end_of_its_name
    a_conversation_is_kept_once_however_often_it_is_named
    what_is_not_kept_cannot_be_named
    a_question_is_answered_once_for_what_was_looked_at_in_time
    a_task_that_is_over_asks_nothing
    a_letter_is_gone_when_what_came_of_it_is_on_record
    more_letters_than_may_wait_are_refused
    what_is_over_is_deleted_with_its_parts_and_says_so
    old_tasks_go_and_the_newest_stay
}

fn what_is_appended_is_read_as_it_was(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let long = text(1, 5_000);
    let batch = [
        intended(None, long.clone()),
        returned(2, Text::new("1")),
        asked("may it?"),
        event(Fact::Answered { question: 4, answer: Answer::Yes, by: "me".to_owned() }),
        event(Fact::Failed {
            reason: Reason::Error,
            failure: Failure { data: Some(long), ..Failure::new(FailureKind::Failed, "no") },
        }),
    ];
    append(&*store, &mut lease, &batch).unwrap();
    assert_eq!(lease.head_seq(), 6);
    let entries = ground.owner().entries(task(1), 1).unwrap();
    assert_eq!(entries.iter().map(|it| it.event.clone()).collect::<Vec<_>>(), batch);
    let correlations: Vec<_> = entries.iter().map(|it| (it.seq, it.correlation)).collect();
    assert_eq!(correlations, [(2, None), (3, Some(2)), (4, None), (5, Some(4)), (6, None)]);
    assert!(entries.iter().all(|it| it.epoch == 1));
    assert_eq!(verify(&*store, task(1)).unwrap(), 6);
    assert!(store.entries(task(1), 6).unwrap().is_empty());
    assert!(store.entries(task(1), 600).unwrap().is_empty());
}

fn entries_are_read_a_page_at_a_time(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let many: Vec<_> = (0..PAGE_ENTRIES_MAX).map(|it| logged(&it.to_string())).collect();
    append(&*store, &mut lease, &many).unwrap();
    let page = store.entries(task(1), 0).unwrap();
    assert_eq!((page.len(), page[999].seq), (1_000, 1_000));
    assert_eq!(store.entries(task(1), 1_000).unwrap().len(), 1);
    assert_eq!(verify(&*store, task(1)).unwrap(), 1_001);
    let large = text(1, PAGE_BYTES_MAX);
    append(&*store, &mut lease, &[intended(None, large), logged("after")]).unwrap();
    assert_eq!(store.entries(task(1), 1_001).unwrap().len(), 1, "large ones come alone");
    assert_eq!(verify(&*store, task(1)).unwrap(), 1_003);
}

fn a_task_is_made_once(ground: &dyn Ground) {
    let store = ground.owner();
    let lease = create(&*store, task(1));
    let begun = started(task(1), None);
    let new = NewRun {
        about: About::of(&begun, "other", NOW_MS),
        status: status(),
        events: &[],
        until_ms: UNTIL_MS,
    };
    let refused = ground.owner().create(&new).wait();
    assert!(matches!(refused, Err(JournalError::Exists { run }) if run == task(1)));
    assert_eq!(store.row(task(1)).unwrap().unwrap().about.name, "review");
    assert_eq!((lease.epoch(), lease.head_seq()), (1, 1));
}

fn what_was_never_made_is_empty(ground: &dyn Ground) {
    let store = ground.owner();
    assert_eq!(store.row(task(1)).unwrap(), None);
    assert!(store.list(&Filter::default()).unwrap().is_empty());
    assert!(store.questions(None).unwrap().is_empty());
    assert!(store.letters(None).unwrap().is_empty());
    let unknown = |error| matches!(error, JournalError::Unknown { .. });
    assert!(unknown(store.entries(task(1), 0).unwrap_err()));
    assert!(unknown(find(&*store, "ab").unwrap_err()));
    assert!(unknown(find(&*store, &task(1).to_string()).unwrap_err()));
    assert!(unknown(store.claim(task(1), NOW_MS, UNTIL_MS).wait().unwrap_err()));
    assert!(unknown(store.send(task(1), &Request::Pause, "me", NOW_MS).wait().unwrap_err()));
    assert!(unknown(store.delete(task(1)).wait().unwrap_err()));
    assert_eq!(store.prune(u64::MAX, 0).wait().unwrap(), 0);
}

fn the_row_says_what_the_last_batch_said(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let states = [
        State::Paused { resume_to: Resting::Planning, why: Why::InDoubt },
        State::Paused { resume_to: Resting::Executing, why: Why::Budget },
        State::Failed { reason: Reason::Nondeterminism },
        State::Idle,
        State::Completed,
    ];
    for state in states {
        let status = Status {
            state,
            component: Some(Digest::of(b"component")),
            engine: Some(Digest::of(b"engine")),
            spent: Spent { tokens: 7, ..Spent::default() },
            limit: Budget::NONE,
            deadline_ms: Some(u64::MAX / 2),
            wake_at_ms: Some(9),
            done: 3,
            total: 4,
            told_seq: 1,
            updated_at_ms: NOW_MS + 5,
        };
        let batch = Batch::new(&[], status.clone());
        store.append(&mut lease, batch, Barrier::Durable).unwrap().wait().unwrap();
        let row = ground.owner().row(task(1)).unwrap().unwrap();
        assert_eq!(row.status, status);
        assert_eq!(row.about, About::of(&started(task(1), None), "review", NOW_MS));
        assert_eq!((row.head_seq, row.head_hash), (1, lease.head_hash()));
    }
}

fn a_task_that_is_held_is_nobody_elses(ground: &dyn Ground) {
    let (one, two) = (ground.owner(), ground.owner());
    let mut lease = create(&*one, task(1));
    for store in [&one, &two] {
        let refused = store.claim(task(1), UNTIL_MS - 1, UNTIL_MS).wait();
        assert!(
            matches!(refused, Err(JournalError::Held { until_ms: UNTIL_MS, .. })),
            "{refused:?}"
        );
    }
    one.renew(&mut lease, UNTIL_MS + 9).wait().unwrap();
    let refused = two.claim(task(1), UNTIL_MS + 8, u64::MAX).wait().unwrap_err();
    assert!(refused.is_transient() && refused.to_string().contains("is held by process"));
    append(&*one, &mut lease, &[logged("still here")]).unwrap();
}

fn a_lease_that_ran_out_may_be_taken_and_its_owner_appends_nothing_more(ground: &dyn Ground) {
    let (one, two) = (ground.owner(), ground.owner());
    let mut old = create(&*one, task(1));
    append(&*one, &mut old, &[logged("late, and nobody minded")]).unwrap();
    let mut new = two.claim(task(1), UNTIL_MS, UNTIL_MS + 60_000).wait().unwrap();
    assert_eq!((new.epoch(), new.head_seq(), new.head_hash()), (2, 2, old.head_hash()));
    let refused = append(&*one, &mut old.clone(), &[logged("too late")]).unwrap_err();
    let (epoch, held_epoch) = (1, 2);
    assert!(
        matches!(refused, JournalError::Stale { epoch: it, held_epoch: held, .. } if (it, held) == (epoch, held_epoch)),
        "{refused:?}"
    );
    let stale = |told: Result<(), JournalError>| matches!(told, Err(JournalError::Stale { .. }));
    assert!(stale(one.renew(&mut old, u64::MAX).wait()));
    assert!(stale(one.release(old.clone()).wait()));
    append(&*two, &mut new, &[logged("mine")]).unwrap();
    assert!(stale(append(&*one, &mut old, &[logged("too late")])));
    let epochs: Vec<_> =
        one.entries(task(1), 0).unwrap().into_iter().map(|it| (it.seq, it.epoch)).collect();
    assert_eq!(epochs, [(1, 1), (2, 1), (3, 2)]);
}

fn a_released_task_is_anybodys_and_its_owners_no_more(ground: &dyn Ground) {
    let (one, two) = (ground.owner(), ground.owner());
    let mut lease = create(&*one, task(1));
    one.release(lease.clone()).wait().unwrap();
    assert_eq!(one.row(task(1)).unwrap().unwrap().owner, None);
    let refused = append(&*one, &mut lease, &[logged("after all")]);
    assert!(matches!(refused, Err(JournalError::Stale { .. })), "{refused:?}");
    assert_eq!(two.claim(task(1), NOW_MS, UNTIL_MS).wait().unwrap().epoch(), 2);
}

fn who_is_gone_holds_nothing(ground: &dyn Ground) {
    let (one, two) = (ground.owner(), ground.owner());
    let lease = create(&*one, task(1));
    drop(one);
    let taken = two.claim(task(1), NOW_MS, UNTIL_MS).wait().unwrap();
    assert_eq!((taken.epoch(), taken.head_hash()), (2, lease.head_hash()));
}

fn batches_are_handed_over_one_after_the_other_without_waiting(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let receipts: Vec<_> = (0..300)
        .map(|number| {
            let events = [logged(&number.to_string())];
            let batch = Batch::new(&events, status());
            let barrier = if number % 7 == 0 { Barrier::Durable } else { Barrier::Ordinary };
            store.append(&mut lease, batch, barrier).unwrap()
        })
        .collect();
    receipts.into_iter().for_each(|it| it.wait().unwrap());
    assert_eq!(verify(&*store, task(1)).unwrap(), 301);
}

fn a_batch_that_is_refused_leaves_nothing(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let known = lease.clone();
    append(&*store, &mut lease, &[logged("first")]).unwrap();
    // It does not know the entry before.
    let mut stale = known;
    let batch = [intended(None, text(9, 3_000)), asked("really?")];
    let refused = append(&*store, &mut stale, &batch).unwrap_err();
    assert!(matches!(refused, JournalError::Stale { head_seq: 1, held_seq: 2, .. }), "{refused:?}");
    // Nor does what was handed over after it.
    assert!(append(&*store, &mut stale, &[logged("second")]).is_err());
    assert_eq!(verify(&*store, task(1)).unwrap(), 2);
    assert!(store.questions(None).unwrap().is_empty());
    append(&*store, &mut lease, &[logged("second")]).unwrap();
}

fn what_is_too_long_is_refused_and_the_lease_stays(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let before = lease.clone();
    let at_most = text(1, TEXT_BYTES_MAX);
    let refused = append(&*store, &mut lease, &[intended(None, text(1, TEXT_BYTES_MAX + 1))]);
    assert!(matches!(refused, Err(JournalError::TooLong { what: "a text", .. })));
    let refused = append(&*store, &mut lease, &[logged(&"x".repeat(BODY_BYTES_MAX))]);
    assert!(matches!(refused, Err(JournalError::TooLong { what: "an entry", .. })));
    let context = vec![Message::after(None, vec![0; TEXT_BYTES_MAX + 1])];
    let batch = Batch { context, ..Batch::new(&[], status()) };
    let refused = store.append(&mut lease, batch, Barrier::Ordinary);
    assert!(matches!(refused, Err(JournalError::TooLong { what: "a message", .. })));
    assert_eq!(lease, before);
    append(&*store, &mut lease, &[intended(None, at_most)]).unwrap();
    assert_eq!(verify(&*store, task(1)).unwrap(), 2);
}

fn tasks_are_listed_newest_first_by_what_is_asked(ground: &dyn Ground) {
    let store = ground.owner();
    for number in 1..=4 {
        let mut lease = create(&*store, task(number));
        let wake_at_ms = (number == 3).then_some(NOW_MS + 50);
        let state = if number == 2 { State::Completed } else { State::Executing };
        let status = Status { wake_at_ms, state, ..status() };
        let batch = Batch::new(&[], status);
        store.append(&mut lease, batch, Barrier::Ordinary).unwrap().wait().unwrap();
    }
    let parent = Parent { task: task(1), root: task(1), depth: 1 };
    create_below(&*store, task(5), Some(parent));
    let listed = |filter: Filter| -> Vec<TaskId> {
        store.list(&filter).unwrap().into_iter().map(|it| it.about.run).collect()
    };
    let all = Filter::default;
    let label = |value: &str| Some(("team".to_owned(), value.to_owned()));
    let tasks = |numbers: &[u16]| numbers.iter().copied().map(task).collect::<Vec<_>>();
    assert_eq!(listed(all()), tasks(&[5, 4, 3, 2, 1]));
    assert_eq!(listed(Filter { limit: 2, ..all() }), tasks(&[5, 4]));
    assert_eq!(listed(Filter { before: Some(task(3)), ..all() }), tasks(&[2, 1]));
    assert_eq!(listed(Filter { roots: true, ..all() }), tasks(&[4, 3, 2, 1]));
    assert_eq!(listed(Filter { parent: Some(task(1)), ..all() }), tasks(&[5]));
    assert_eq!(listed(Filter { by: Some("nobody".to_owned()), ..all() }), tasks(&[]));
    assert_eq!(listed(Filter { label: label("blue"), limit: 1, ..all() }), tasks(&[5]));
    assert_eq!(listed(Filter { label: label("red"), ..all() }), tasks(&[]));
    assert_eq!(listed(Filter { wakes_by_ms: Some(NOW_MS + 50), ..all() }), tasks(&[3]));
    assert_eq!(listed(Filter { wakes_by_ms: Some(NOW_MS + 49), ..all() }), tasks(&[]));
    let states = vec![Phase::Completed, Phase::Planning];
    assert_eq!(listed(Filter { states: states.clone(), ..all() }), tasks(&[5, 2]));
    let both = Filter { states, label: label("blue"), before: Some(task(5)), ..all() };
    assert_eq!(listed(both), tasks(&[2]));
    let row = store.row(task(5)).unwrap().unwrap();
    assert_eq!((row.about.parent, row.about.root()), (Some(parent), task(1)));
}

fn a_task_is_found_by_the_beginning_or_end_of_its_name(ground: &dyn Ground) {
    let store = ground.owner();
    create(&*store, task(0x1ab));
    create(&*store, task(0x2cd));
    let name = task(0x1ab).to_string();
    let found = |name: &str| find(&*store, name).map(|it| it.about.run);
    for part in [name.as_str(), &name[30..], "1AB", "01ab", &name[..13]] {
        assert_eq!(found(part).unwrap(), task(0x1ab), "{part}");
    }
    let refused = found(&name[..4]).unwrap_err();
    assert!(matches!(refused, JournalError::Ambiguous { .. }), "{refused:?}");
    let hint = format!("write more of it: `ax task show {}`", task(0x2cd));
    assert_eq!(refused.hint(), Some(hint));
    for none in ["", "--", "zz", "%", "_", "1ab%", "é", &format!("{name}0")] {
        assert!(matches!(found(none), Err(JournalError::Unknown { .. })), "{none}");
    }
}

fn a_conversation_is_kept_once_however_often_it_is_named(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let bodies = |count: u32| (0..count).map(|it| it.to_be_bytes().to_vec());
    for length in 1..=20 {
        // All of it, as one does who does not know what is kept.
        let context = Message::list(None, bodies(length));
        let head = context.last().unwrap().node;
        let events = [intended(Some(head), Text::new("{}"))];
        let batch = Batch { context, ..Batch::new(&events, status()) };
        store.append(&mut lease, batch, Barrier::Ordinary).unwrap().wait().unwrap();
        assert_eq!(store.messages(head).unwrap(), bodies(length).collect::<Vec<_>>());
    }
    // Two that go on from one, one of them twice.
    let kept = Message::list(None, bodies(20)).pop().unwrap().node;
    let mut context = Message::list(Some(kept), [b"left".to_vec(), b"more".to_vec()]);
    context.extend(Message::list(Some(kept), [b"right".to_vec()]));
    context.push(context[1].clone());
    let events = [
        intended(Some(context[1].node), Text::new("{}")),
        intended(Some(context[2].node), Text::new("{}")),
    ];
    let (left, right) = (context[1].node, context[2].node);
    let batch = Batch { context, ..Batch::new(&events, status()) };
    store.append(&mut lease, batch, Barrier::Ordinary).unwrap().wait().unwrap();
    assert_eq!(store.messages(left).unwrap()[20..], [b"left".to_vec(), b"more".to_vec()]);
    assert_eq!(store.messages(right).unwrap()[20..], [b"right".to_vec()]);
    assert_eq!(verify(&*store, task(1)).unwrap(), 23);
}

fn what_is_not_kept_cannot_be_named(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let nothing = Digest::of(b"nothing");
    let refused = |events: &[Event], context: Vec<Message>| {
        let batch = Batch { context, ..Batch::new(events, status()) };
        let told = store.append(&mut lease.clone(), batch, Barrier::Ordinary).unwrap().wait();
        assert!(
            matches!(told, Err(JournalError::NotKept { digest, .. }) if digest == nothing),
            "{told:?}"
        );
    };
    refused(&[logged("a"), intended(None, Text::Kept(nothing))], Vec::new());
    refused(&[logged("a"), intended(Some(nothing), Text::new("{}"))], Vec::new());
    refused(&[], Message::list(Some(nothing), [b"x".to_vec(), b"y".to_vec()]));
    assert_eq!(verify(&*store, task(1)).unwrap(), 1);
    // What another entry has, may be named.
    let long = text(3, 2_000);
    let named = intended(None, Text::Kept(long.digest()));
    append(&*store, &mut lease, &[returned(1, long.clone()), named]).unwrap();
    assert_eq!(events(&*store, task(1))[2], intended(None, long));
}

fn a_question_is_answered_once_for_what_was_looked_at_in_time(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    append(&*store, &mut lease, &[asked("may it?"), asked("and that?")]).unwrap();
    let open = store.questions(Some(task(1))).unwrap();
    let asked = |it: &Question| (it.seq, it.text.clone(), it.expires_at_ms, it.is_form);
    assert_eq!(
        open.iter().map(asked).collect::<Vec<_>>(),
        [
            (2, "may it?".to_owned(), NOW_MS + 1_000, false),
            (3, "and that?".to_owned(), NOW_MS + 1_000, false),
        ]
    );
    let answer = |question, bound_to, answer, by: &str, at_ms| {
        let request = Request::Answer { question, bound_to, answer };
        ground.owner().send(task(1), &request, by, at_ms).wait()
    };
    let bound_to = open[0].bound_to;
    let told = answer(9, bound_to, Answer::Yes, "me", NOW_MS);
    assert!(matches!(told, Err(JournalError::NotAsked { question: 9, .. })), "{told:?}");
    let told = answer(2, Digest::of(b"other"), Answer::Yes, "me", NOW_MS);
    assert!(matches!(told, Err(JournalError::Changed { question: 2, .. })), "{told:?}");
    let told = answer(2, bound_to, Answer::Yes, "me", NOW_MS + 1_000);
    assert!(matches!(told, Err(JournalError::Expired { question: 2, .. })), "{told:?}");
    answer(2, bound_to, Answer::No, "me", NOW_MS + 999).unwrap();
    let told = answer(2, bound_to, Answer::Yes, "you", NOW_MS).unwrap_err().to_string();
    assert!(told.ends_with("was answered before: no by `me`"), "{told}");
    assert_eq!(store.questions(None).unwrap().len(), 1, "it is answered before it is dealt with");
    assert_eq!(store.letters(None).unwrap().len(), 1);
    // The owner answers itself, when the time is over.
    let over = Fact::Answered { question: 3, answer: Answer::TimedOut, by: "time".to_owned() };
    append(&*store, &mut lease, &[event(over)]).unwrap();
    assert!(store.questions(None).unwrap().is_empty());
    let told = answer(3, open[1].bound_to, Answer::Yes, "you", NOW_MS).unwrap_err().to_string();
    assert!(told.ends_with("was answered before: timed-out by `time`"), "{told}");
}

fn a_task_that_is_over_asks_nothing(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    append(&*store, &mut lease, &[asked("may it?")]).unwrap();
    let events = [event(Fact::Cancelled { by: "me".to_owned() })];
    let cancelled = Batch::new(&events, over());
    store.append(&mut lease, cancelled, Barrier::Durable).unwrap().wait().unwrap();
    assert!(store.questions(None).unwrap().is_empty());
}

fn a_letter_is_gone_when_what_came_of_it_is_on_record(ground: &dyn Ground) {
    let (store, other) = (ground.owner(), ground.owner());
    let mut lease = create(&*store, task(1));
    create(&*store, task(2));
    let signal = Request::Signal { name: "go".to_owned(), data: text(1, 3_000) };
    let raise = Request::Raise { budget: Budget::NONE, deadline_ms: Some(3) };
    for (run, request) in [(1, &signal), (2, &Request::Pause), (1, &raise)] {
        other.send(task(run), request, "me", NOW_MS).wait().unwrap();
    }
    let letters = store.letters(Some(task(1))).unwrap();
    let wanted: Vec<_> = letters.iter().map(|it| (&it.request, it.by.as_str(), it.at_ms)).collect();
    assert_eq!(wanted, [(&signal, "me", NOW_MS), (&raise, "me", NOW_MS)]);
    assert!(letters[0].id < letters[1].id);
    let all = store.letters(None).unwrap();
    assert_eq!(all.len(), 3);
    // A letter to another task is none of its business.
    let dealt_with = vec![letters[0].id, all[1].id];
    let stale = Batch { letters: dealt_with.clone(), ..Batch::new(&[], status()) };
    let mut wrong = lease.clone();
    append(&*store, &mut lease, &[logged("on")]).unwrap();
    store.append(&mut wrong, stale, Barrier::Ordinary).unwrap().wait().unwrap_err();
    assert_eq!(store.letters(None).unwrap().len(), 3);
    let batch = Batch { letters: dealt_with, ..Batch::new(&[], status()) };
    store.append(&mut lease, batch, Barrier::Ordinary).unwrap().wait().unwrap();
    let left: Vec<_> = store.letters(None).unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(left, [all[1].id, letters[1].id]);
}

fn more_letters_than_may_wait_are_refused(ground: &dyn Ground) {
    let store = ground.owner();
    create(&*store, task(1));
    let sent: Vec<_> = (0..=LETTERS_MAX)
        .map(|_| store.send(task(1), &Request::Pause, "me", NOW_MS))
        .map(Receipt::wait)
        .collect();
    assert!(sent[..LETTERS_MAX].iter().all(Result::is_ok));
    assert!(matches!(sent[LETTERS_MAX], Err(JournalError::Full { what: "the task", .. })));
}

fn what_is_over_is_deleted_with_its_parts_and_says_so(ground: &dyn Ground) {
    let store = ground.owner();
    let mut lease = create(&*store, task(1));
    let parent = Parent { task: task(1), root: task(1), depth: 1 };
    let mut child = create_below(&*store, task(2), Some(parent));
    let finish = |lease: &mut Lease| {
        store.append(lease, Batch::new(&[], over()), Barrier::Ordinary).unwrap().wait().unwrap();
    };
    let told = store.delete(task(1)).wait();
    assert!(matches!(told, Err(JournalError::NotOver { run }) if run == task(1)), "{told:?}");
    finish(&mut lease);
    let told = store.delete(task(1)).wait();
    assert!(matches!(told, Err(JournalError::NotOver { run }) if run == task(2)), "{told:?}");
    finish(&mut child);
    store.send(task(1), &Request::Pause, "me", NOW_MS).wait().unwrap();
    assert_eq!(store.delete(task(1)).wait().unwrap(), 2);
    let row = store.row(task(1)).unwrap().unwrap();
    assert!(row.is_deleted && row.about.title.is_empty() && row.about.labels.is_empty());
    assert_eq!(row.status.state, State::Completed);
    assert!(store.list(&Filter::default()).unwrap().is_empty());
    assert_eq!(store.list(&Filter { deleted: true, ..Filter::default() }).unwrap().len(), 2);
    assert!(store.letters(None).unwrap().is_empty());
    let deleted = |error| matches!(error, JournalError::Deleted { .. });
    assert!(deleted(store.entries(task(1), 0).unwrap_err()));
    assert!(deleted(store.delete(task(1)).wait().unwrap_err()));
    assert!(deleted(store.claim(task(1), u64::MAX, u64::MAX).wait().unwrap_err()));
    assert!(deleted(store.send(task(1), &Request::Pause, "me", NOW_MS).wait().unwrap_err()));
    assert!(deleted(append(&*store, &mut lease, &[logged("still")]).unwrap_err()));
}

fn old_tasks_go_and_the_newest_stay(ground: &dyn Ground) {
    let store = ground.owner();
    for number in 1..=40 {
        let mut lease = create(&*store, task(number));
        if number == 3 {
            continue;
        }
        let updated_at_ms = NOW_MS + u64::from(number);
        let batch = Batch::new(&[], Status { updated_at_ms, ..over() });
        store.append(&mut lease, batch, Barrier::Ordinary).unwrap().wait().unwrap();
        if number == 5 {
            // Something of it goes on.
            let parent = Parent { task: task(5), root: task(5), depth: 1 };
            create_below(&*store, task(105), Some(parent));
        }
    }
    let prune = |before_ms, newest_kept| {
        let mut pruned = 0;
        loop {
            match store.prune(before_ms, newest_kept).wait().unwrap() {
                0 => return pruned,
                some => pruned += some,
            }
        }
    };
    let left = || -> Vec<u16> {
        let rows = store.list(&Filter { roots: true, ..Filter::default() }).unwrap();
        let number = |row: &Row| (1..=40).find(|it| task(*it) == row.about.run).unwrap();
        rows.iter().rev().map(number).collect()
    };
    assert_eq!(prune(NOW_MS + 31, 0), 28);
    assert_eq!(left(), [vec![3, 5], (31..=40).collect()].concat());
    assert_eq!(prune(u64::MAX, 4), 6);
    assert_eq!(left(), [3, 5, 37, 38, 39, 40]);
    assert_eq!(prune(u64::MAX, 0), 4);
    assert_eq!(left(), [3, 5]);
}
