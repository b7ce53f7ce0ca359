//! The file: whose it is, how it is made, and what is left alone.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::ledger::error::LedgerError;
use crate::ledger::schema::SCHEMA_VERSION;

fn refusal(home: &Home) -> LedgerError {
    let read = Reader::open(home.path(), NOW_MS).unwrap_err();
    let written = Ledger::open(home.path(), home.clock.clone(), Settings::default()).unwrap_err();
    assert_eq!(read.to_string(), written.to_string());
    written
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_is() {
    let home = Home::new();
    home.open(Settings::default()).close();
    home.sql().pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    let path = home.path().join("router.db");
    let before = fs_err::read(&path).unwrap();
    assert!(matches!(refusal(&home), LedgerError::Newer { found: 2, known: 1, .. }));
    assert_eq!(fs_err::read(&path).unwrap(), before);
}

#[test]
fn what_is_not_ours_is_refused_and_left_as_it_is() {
    for text in ["what a person wrote", "SQLite format 3\0 and no more"] {
        let home = Home::new();
        let path = home.path().join("router.db");
        fs_err::write(&path, text).unwrap();
        assert!(matches!(refusal(&home), LedgerError::Foreign { .. }), "{text}");
        assert_eq!(fs_err::read(&path).unwrap(), text.as_bytes());
    }
    let home = Home::new();
    home.sql().execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
    assert!(matches!(refusal(&home), LedgerError::Foreign { .. }));
    assert_eq!(home.count("SELECT count(*) FROM theirs"), 0);
}

#[test]
fn it_is_its_owners_alone() {
    let home = Home::new();
    let ledger = home.open(Settings::default());
    let mode = |name: &str| {
        std::fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!([mode("router.db"), mode("router.db-wal"), mode("router.db-shm")], [0o600; 3]);
    assert_eq!(mode("router.live"), 0o700);
    drop(ledger);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(home.path().join("router.db"), open).unwrap();
    home.open(Settings::default()).close();
    assert_eq!(mode("router.db"), 0o600);
}

#[test]
fn many_make_it_at_once_and_one_file_a_process_is_left_of_none() {
    let home = Home::new();
    let start = std::sync::Barrier::new(8);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                start.wait();
                home.open(Settings::default()).close();
            });
        }
    });
    assert_eq!(home.count("SELECT count(*) FROM requests"), 0);
    let left = std::fs::read_dir(home.path().join("router.live")).unwrap();
    let left: Vec<_> = left.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["making"]);
}

#[test]
fn an_empty_file_is_a_ledger_that_was_begun() {
    let home = Home::new();
    fs_err::write(home.path().join("router.db"), "").unwrap();
    home.open(Settings::default()).close();
    assert_eq!(home.count("SELECT count(*) FROM requests"), 0);
}

#[tokio::test]
async fn a_database_that_cannot_be_written_holds_nobody_up_and_gets_everything_later() {
    let home = Home::new();
    let ledger = home.open(Settings::default());
    let router = router(Arc::new(ledger.clone()), vec![Scripted::saying("one", "yes")]);
    let mut answer = router.ask(Arc::new(question(1))).await.unwrap();
    home.sql().execute_batch("ALTER TABLE requests RENAME TO gone").unwrap();
    let mut last = None;
    while let Some(chunk) = answer.chunks.next().await {
        last = Some(chunk.unwrap());
    }
    assert!(matches!(last, Some(crate::chat::Chunk::Done(_))));
    assert!(ask(&router, question(2)).await);
    ledger.flush().await;
    home.sql().execute_batch("ALTER TABLE gone RENAME TO requests").unwrap();
    assert!(ask(&router, question(3)).await);
    ledger.flush().await;
    let states = || home.list().into_iter().map(|it| it.state).collect::<Vec<_>>();
    assert_eq!(states(), ["completed"; 3]);
    home.sql().execute_batch("ALTER TABLE requests RENAME TO gone").unwrap();
    assert!(ask(&router, question(4)).await);
    ledger.close();
    drop((ledger, router, answer));
    home.sql().execute_batch("ALTER TABLE gone RENAME TO requests").unwrap();
    assert_eq!(states(), ["completed"; 4], "it was left in the log");
}

#[tokio::test]
async fn a_ledger_that_is_closed_lets_nothing_be_sent_and_no_answer_be_lost() {
    let home = Home::new();
    let ledger = home.open(Settings::default());
    let router = router(Arc::new(ledger.clone()), vec![Scripted::saying("one", "yes")]);
    let mut answer = router.ask(Arc::new(question(1))).await.unwrap();
    ledger.close();
    let mut last = None;
    while let Some(chunk) = answer.chunks.next().await {
        last = Some(chunk.unwrap());
    }
    assert!(matches!(last, Some(crate::chat::Chunk::Done(_))));
    let refused = router.ask(Arc::new(question(2))).await.err().unwrap();
    assert_eq!((refused.code.as_str(), refused.provider), ("ledger", None));
    assert_eq!(home.list()[0].state, "orphaned", "nobody can end it any more");
}
