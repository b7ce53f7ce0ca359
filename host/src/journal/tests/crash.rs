//! `kill -9` in the middle, and several processes at once.

use std::io::{BufRead as _, Write as _};
use std::process::{Child, Command, Stdio};

use super::*;

/// The child of the tests below; alone it does nothing.
///
/// It makes tasks, or goes on with those there are, and says what is on record once it is.
#[test]
#[ignore = "run by the others"]
#[expect(clippy::disallowed_methods, reason = "how a child learns its home and its tasks")]
fn appends_until_killed() {
    let Ok(home) = std::env::var("AX_TEST_JOURNAL_HOME") else { return };
    let first: u16 = std::env::var("AX_TEST_JOURNAL_FIRST").unwrap().parse().unwrap();
    let store = SqliteJournal::at(Path::new(&home));
    let mut leases: Vec<_> = (first..first + 8)
        .map(|number| match store.row(task(number)).unwrap() {
            None => create(&store, task(number)),
            // Nobody waits for the lease of one that is gone.
            Some(_) => store.claim(task(number), NOW_MS, UNTIL_MS).wait().unwrap(),
        })
        .collect();
    for turn in 0_u64.. {
        let mut receipts = Vec::new();
        for lease in &mut leases {
            let long = text(usize::try_from(turn % 50).unwrap(), 1_500);
            let events = [intended(None, long), logged("x")];
            let batch = Batch::new(&events, Status { done: 1, ..status() });
            let barrier = if turn % 3 == 0 { Barrier::Durable } else { Barrier::Ordinary };
            let receipt = store.append(lease, batch, barrier).unwrap();
            receipts.push((lease.run(), lease.head_seq(), lease.head_hash(), receipt));
        }
        for (run, seq, hash, receipt) in receipts {
            receipt.wait().unwrap();
            // Nobody listens any more once enough was told.
            writeln!(std::io::stdout(), "kept {run} {seq} {hash}").ok();
        }
    }
}

fn child(ground: &OnDisk, first: u16) -> Child {
    let test = module_path!().split_once("::").expect("a module of a crate").1;
    Command::new(std::env::current_exe().unwrap())
        .args([&format!("{test}::appends_until_killed"), "--exact", "--ignored", "--nocapture"])
        .env("AX_TEST_JOURNAL_HOME", ground.home())
        .env("AX_TEST_JOURNAL_FIRST", first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads what a child told until it told enough, kills it, and reads the rest.
fn kill(mut child: Child, lines: usize) -> Vec<String> {
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut told = Vec::new();
    while told.len() < lines {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it goes on until it is killed");
        told.push(line);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    told.extend(output.lines().map_while(Result::ok).map(|line| line + "\n"));
    told
}

/// Looks whether all that was told is there.
fn check(ground: &OnDisk, told: &[String]) {
    let store = ground.open();
    let mut checked = 0;
    let mut last = BTreeMap::new();
    for line in told {
        let words: Vec<_> = line.strip_suffix('\n').unwrap_or_default().split(' ').collect();
        if let ["kept", run, seq, hash] = words[..]
            && hash.len() == 71
        {
            last.insert(
                run.parse::<TaskId>().unwrap(),
                (seq.parse::<u64>().unwrap(), hash.to_owned()),
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
    for (run, (seq, hash)) in last {
        let there = verify(&store, run).unwrap();
        assert!(there >= seq, "`{run}` has {there} entries, and {seq} were told");
        // The hash of what was told last is that of the same entries.
        let next = format!(
            "SELECT count(*) FROM journal WHERE seq = {} AND lower(hex(before_hash)) = '{}'",
            seq + 1,
            &hash[7..]
        );
        let head = store.row(run).unwrap().unwrap().head_hash;
        assert!(head.to_string() == hash || ground.count(&next) == 1, "`{run}` {seq}");
    }
}

#[test]
fn after_a_kill_all_that_was_told_is_there_and_another_goes_on_at_once() {
    let ground = OnDisk::new();
    let mut told = Vec::new();
    for turn in 1..=4_u64 {
        told.extend(kill(child(&ground, 1), 300));
        let row = ground.open().row(task(3)).unwrap().unwrap();
        assert_eq!((row.epoch, row.owner.is_some()), (turn, true), "it had no time to say goodbye");
        assert_eq!(row.status.done, 1);
    }
    check(&ground, &told);
    assert_eq!(
        ground.count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
        1
    );
    let names = std::fs::read_dir(ground.home().join("journal.live")).unwrap().count();
    assert_eq!(names, 1, "of those that are gone before the last, nothing is left");
}

#[test]
fn two_processes_write_side_by_side_and_neither_takes_the_others_tasks() {
    let ground = OnDisk::new();
    let (one, two) = (child(&ground, 1), child(&ground, 101));
    let (told, more) = std::thread::scope(|scope| {
        let one = scope.spawn(|| kill(one, 300));
        let two = kill(two, 300);
        (one.join().unwrap(), two)
    });
    check(&ground, &told);
    check(&ground, &more);
    let rows = ground.open().list(&Filter::default()).unwrap();
    let owners: std::collections::BTreeSet<_> = rows.iter().map(|it| it.owner.clone()).collect();
    assert_eq!((rows.len(), owners.len()), (16, 2));
    assert!(rows.iter().all(|it| it.epoch == 1));
}
