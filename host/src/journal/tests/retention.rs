//! What a task that is kept names is never removed.

use proptest::prelude::*;

use super::*;

/// What is done to a journal.
#[derive(Debug, Clone)]
enum Act {
    /// A task names texts by their number, and a conversation that goes on from another.
    Write {
        run: u16,
        texts: Vec<usize>,
        from: usize,
        says: Vec<u8>,
    },
    Delete {
        run: u16,
    },
    Prune {
        newest_kept: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let texts = prop::collection::vec(0..6_usize, 0..4);
    let says = prop::collection::vec(0..3_u8, 0..4);
    let write = (1..6_u16, texts, 0..8_usize, says)
        .prop_map(|(run, texts, from, says)| Act::Write { run, texts, from, says });
    prop_oneof![
        6 => write,
        2 => (1..6_u16).prop_map(|run| Act::Delete { run }),
        1 => (0..4_usize).prop_map(|newest_kept| Act::Prune { newest_kept }),
    ]
}

/// Does it all, and looks after each whether the tasks that are left are whole.
fn play(ground: &dyn Ground, acts: &[Act]) -> Result<Vec<TaskId>, TestCaseError> {
    let store = ground.owner();
    let mut leases: BTreeMap<u16, Lease> = BTreeMap::new();
    let mut said: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
    let mut names: Vec<u16> = (0..6).collect();
    for act in acts {
        match act {
            Act::Write { run, texts, from, says } => {
                // One that was deleted comes back under another name.
                let name = names[usize::from(*run)];
                let lease = leases.entry(*run).or_insert_with(|| create(&*store, task(name)));
                let mut bodies = said[from % said.len()].clone();
                bodies.extend(says.iter().map(|it| vec![*it; 40]));
                let context = Message::list(None, bodies.clone());
                said.push(bodies);
                let head = context.last().map(|it| it.node);
                let mut events: Vec<_> =
                    texts.iter().map(|it| returned(1, text(*it, 1_500))).collect();
                events.extend(head.map(|head| intended(Some(head), text(7, 1_100))));
                let batch = Batch { context, ..Batch::new(&events, over()) };
                let told = store.append(lease, batch, Barrier::Ordinary).unwrap().wait();
                prop_assert!(told.is_ok(), "{told:?}");
            }
            Act::Delete { run } => {
                if leases.contains_key(run) {
                    store.delete(task(names[usize::from(*run)])).wait().unwrap();
                }
            }
            Act::Prune { newest_kept } => {
                store.prune(u64::MAX, *newest_kept).wait().unwrap();
            }
        }
        let is_there = |run: &u16| {
            let row = store.row(task(names[usize::from(*run)])).unwrap();
            row.is_some_and(|row| !row.is_deleted)
        };
        let gone: Vec<u16> = leases.keys().copied().filter(|run| !is_there(run)).collect();
        for run in gone {
            leases.remove(&run);
            names[usize::from(run)] += 10;
        }
        for lease in leases.values() {
            let told = verify(&*store, lease.run());
            prop_assert_eq!(told.ok(), Some(lease.head_seq()), "{:?}", act);
        }
    }
    for lease in leases.values() {
        store.delete(lease.run()).wait().unwrap();
    }
    Ok(Vec::new())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_is_whole_and_nothing_else_is_left(acts in prop::collection::vec(act(), 1..24)) {
        play(&InMemory::new(), &acts)?;
        let ground = OnDisk::new();
        play(&ground, &acts)?;
        for table in ["journal", "blob", "context", "gate", "inbox", "label"] {
            let left = format!("SELECT count(*) FROM {table}");
            if ground.home().join("journal.db").exists() {
                prop_assert_eq!(ground.count(&left), 0, "{}", table);
            }
        }
    }
}

#[test]
fn what_a_damaged_entry_named_stays() {
    let ground = OnDisk::new();
    let store = ground.open();
    let mut lease = create(&store, task(1));
    let batch = Batch::new(&[], over());
    append(&store, &mut lease, &[returned(1, text(1, 2_000))]).unwrap();
    store.append(&mut lease, batch, Barrier::Ordinary).unwrap().wait().unwrap();
    ground.harm("UPDATE journal SET body = x'00' WHERE seq = 2");
    assert_eq!(store.delete(task(1)).wait().unwrap(), 1);
    assert_eq!(ground.count("SELECT count(*) FROM blob"), 1, "that of the other entry is gone");
}
