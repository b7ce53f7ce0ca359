//! The files of a database, and who may see them.

use std::os::unix::fs::PermissionsExt as _;

use fs_err as fs;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nothing_is_made_by_reading_and_what_is_made_is_the_owners_alone() {
    let ground = OnDisk::new();
    let store = SqliteJournal::at(&ground.home().join("home"));
    store.list(&Filter::default()).unwrap();
    assert!(!ground.home().join("home").exists());
    create(&store, task(1));
    let home = ground.home().join("home");
    assert_eq!(mode(&home), 0o700);
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        assert_eq!(mode(&home.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&home.join("journal.live")), 0o700);
    let live = fs::read_dir(home.join("journal.live")).unwrap().next().unwrap().unwrap();
    assert_eq!(mode(&live.path()), 0o600);
    fs::set_permissions(home.join("journal.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(store);
    assert_eq!(fs::read_dir(home.join("journal.live")).unwrap().count(), 0);
    SqliteJournal::at(&home).list(&Filter::default()).unwrap();
    assert_eq!(mode(&home.join("journal.db")), 0o600);
    let left: Vec<_> = fs::read_dir(&home).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.iter().all(|it| !it.to_string_lossy().starts_with(".tmp")), "{left:?}");
}

#[test]
fn what_is_newer_or_not_ours_stays_as_it_is() {
    let newer = "PRAGMA user_version = 9";
    let foreign = "PRAGMA application_id = 9";
    for harm in [newer, foreign] {
        let ground = OnDisk::new();
        create(&ground.open(), task(1));
        ground.harm(harm);
        ground.harm("PRAGMA wal_checkpoint(TRUNCATE)");
        let path = ground.home().join("journal.db");
        let before = fs::read(&path).unwrap();
        let store = ground.open();
        let told = store.list(&Filter::default()).unwrap_err();
        assert_eq!(matches!(told, JournalError::Newer { found: 9, known: 1, .. }), harm == newer);
        assert_eq!(matches!(told, JournalError::Foreign { .. }), harm == foreign);
        assert!(told.hint().is_some());
        store.claim(task(1), NOW_MS, UNTIL_MS).wait().unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    for content in [&b""[..], b"not a database, and longer than the first hundred bytes of one"] {
        let ground = OnDisk::new();
        let path = ground.home().join("journal.db");
        fs::write(&path, content.repeat(20)).unwrap();
        let told = ground.open().list(&Filter::default()).unwrap_err();
        assert!(matches!(told, JournalError::Foreign { .. }), "{told:?}");
        assert_eq!(fs::read(&path).unwrap(), content.repeat(20));
    }
}

#[test]
fn a_file_that_is_taken_away_is_noticed_before_anybody_is_told() {
    for file in ["journal.db-wal", "journal.db"] {
        let ground = OnDisk::new();
        let store = ground.open();
        let mut lease = create(&store, task(1));
        append(&store, &mut lease, &[logged("two")]).unwrap();
        fs::rename(ground.home().join(file), ground.home().join("away")).unwrap();
        let told = append(&store, &mut lease, &[logged("three")]).unwrap_err();
        assert!(matches!(told, JournalError::Gone { .. }), "{told:?}");
        let told = append(&store, &mut lease, &[logged("four")]).unwrap_err();
        assert!(matches!(told, JournalError::Stopped { .. }), "{told:?}");
        fs::rename(ground.home().join("away"), ground.home().join(file)).unwrap();
    }
}

#[test]
fn many_that_make_it_at_once_make_one() {
    let ground = OnDisk::new();
    std::thread::scope(|scope| {
        for number in 1..=8 {
            let ground = &ground;
            scope.spawn(move || create(&ground.open(), task(number)));
        }
    });
    assert_eq!(ground.open().list(&Filter::default()).unwrap().len(), 8);
}

#[test]
fn a_text_is_kept_once_and_the_log_is_folded() {
    let ground = OnDisk::new();
    let store = ground.open();
    let mut lease = create(&store, task(1));
    let one = [intended(None, text(1, 2_000)), intended(None, text(1, 2_000))];
    for _ in 0..5 {
        append(&store, &mut lease, &one).unwrap();
    }
    assert_eq!(
        ground.count("SELECT uses FROM blob WHERE length(data) = 2000 AND data LIKE '\"001%'"),
        10
    );
    assert_eq!(ground.count("SELECT count(*) FROM blob"), 2);
    // Enough that it is folded in between.
    for number in 2..12 {
        append(&store, &mut lease, &[intended(None, text(number, 4 << 20))]).unwrap();
    }
    drop(store);
    assert_eq!(verify(&ground.open(), task(1)).unwrap(), 21);
    assert!(!ground.home().join("journal.db-wal").exists(), "the last one folds all of it");
}
