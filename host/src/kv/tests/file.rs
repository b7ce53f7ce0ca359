//! The file: when it appears, what is refused untouched, and what a crash leaves.

use std::error::Error as _;
use std::os::unix::fs::PermissionsExt as _;

use fs_err as fs;
use rusqlite::Connection;
use semver::Version;

use crate::kv::Draft;
use crate::kv::Kept;
use crate::kv::KvError;
use crate::kv::Space;
use crate::kv::Usage;
use crate::kv::Writer;
use crate::kv::schema::APPLICATION_ID;
use crate::kv::schema::SCHEMA_VERSION;
use crate::kv::tests::AMPLE;
use crate::kv::tests::Home;
use crate::kv::tests::OWNER;
use crate::kv::tests::begin;
use crate::kv::tests::keys;
use crate::kv::tests::outcome;
use crate::kv::tests::put;
use crate::kv::tests::scan_all;
use crate::kv::tests::value;

fn mode(home: &Home, name: &str) -> u32 {
    fs::metadata(home.path().join(name)).unwrap().permissions().mode() & 0o777
}

/// A home whose database is in one file, with something in it.
fn closed() -> Home {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1"), put("b", vec![7; 5_000])]).unwrap();
    drop(kv);
    assert_eq!(home.files(), ["plugins.db"]);
    home
}

#[test]
fn nothing_is_made_before_the_first_use_and_then_for_the_owner_alone() {
    let home = Home::new();
    let inner = home.path().join("deeper/home");
    let kv = crate::kv::Kv::at(&inner);
    assert!(!inner.exists());
    let copy = kv.clone();
    let space = begin(&kv, OWNER);
    copy.write(&space, &[put("a", "1")]).unwrap();
    assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
    for name in ["plugins.db", "plugins.db-wal", "plugins.db-shm"] {
        assert_eq!(mode(&home, &format!("deeper/home/{name}")), 0o600, "{name}");
    }
    assert_eq!(fs::read_dir(&inner).unwrap().count(), 3, "nothing else is left");
}

#[test]
fn a_database_opened_to_others_is_closed_again() {
    let home = closed();
    fs::set_permissions(home.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    home.kv().states().unwrap();
    assert_eq!(mode(&home, "plugins.db"), 0o600);
}

#[test]
fn what_is_kept_is_there_after_a_restart() {
    let home = closed();
    let kv = home.kv();
    let (owner, state, usage) = kv.states().unwrap().remove(0);
    assert_eq!((owner.as_str(), state, usage), (OWNER, 1, Usage { keys: 2, bytes: 5_003 }));
    home.assert_sums(&kv);
}

/// Checks that every use is refused in the same way and changes no byte.
fn assert_refused(home: &Home, expected: &str) -> KvError {
    let before = fs::read(home.file()).unwrap();
    let kv = home.kv();
    let space = Space { owner: OWNER.into(), state: 1, quota: crate::kv::tests::AMPLE };
    let shown = |error: KvError| error.to_string().replace(home.file().to_str().unwrap(), "DB");
    assert_eq!(shown(kv.get(&space, "a").unwrap_err()), expected);
    assert_eq!(shown(kv.write(&space, &[put("a", "")]).unwrap_err()), expected);
    assert_eq!(shown(kv.prune(&|_, _| false, &|_| false).unwrap_err()), expected);
    let error = kv.fork(OWNER, None).unwrap_err();
    assert_eq!(fs::read(home.file()).unwrap(), before, "it is as it was");
    assert!(error.hint().is_some(), "{error}");
    assert!(!error.is_transient(), "{error}");
    error
}

#[test]
fn a_newer_database_is_refused_untouched() {
    let home = closed();
    home.run(&format!("PRAGMA user_version = {}", SCHEMA_VERSION + 1));
    let error = assert_refused(&home, "`DB` has schema version 4, and this host knows 3");
    assert!(matches!(error, KvError::Newer { found: 4, known: 3, .. }));
}

/// Makes a database what version 2 of the schema was.
const TO_2: &str = "DROP TABLE outcome; ALTER TABLE state DROP COLUMN reserved; \
     PRAGMA user_version = 2";

/// Makes a database what version 1 of the schema was.
const TO_1: &str = "DROP TABLE outcome; ALTER TABLE state DROP COLUMN reserved; \
     ALTER TABLE state DROP COLUMN writer; ALTER TABLE state DROP COLUMN begun; \
     ALTER TABLE state DROP COLUMN origin; ALTER TABLE state DROP COLUMN held; \
     PRAGMA user_version = 1";

#[test]
fn an_older_database_becomes_ours_with_all_that_is_in_it() {
    let home = closed();
    home.run(TO_1);
    // Two at once, for reading and for writing: one of them does it.
    let (kv, other) = (home.kv(), home.kv());
    assert_eq!(kv.usage(&Space { owner: OWNER.into(), state: 1, quota: AMPLE }).unwrap().keys, 2);
    assert_eq!(other.fork(OWNER, Some(1)).unwrap().state, 2);
    let states = kv.lineages().unwrap().remove(OWNER).unwrap();
    let unknown = Kept { writer: Writer::Unknown, revision: 1, begun: 0, origin: None };
    assert_eq!(states.0[&1], unknown);
    assert_eq!(states.missing(1, None), 1, "who wrote it is not known, so all of it counts");
    let version = |text: &str| Version::parse(text).unwrap();
    kv.attribute(OWNER, 1, &version("0.1.0")).unwrap();
    kv.attribute(OWNER, 1, &version("0.2.0")).unwrap();
    let states = kv.lineages().unwrap().remove(OWNER).unwrap();
    let writer = Writer::Release(version("0.1.0"));
    assert_eq!(states.0[&1], Kept { writer, ..unknown }, "what is known stays");
    home.assert_sums(&kv);
}

#[test]
fn a_database_of_version_2_takes_drafts_after_one_step() {
    let home = closed();
    home.run(TO_2);
    let kv = home.kv();
    let space = Space { owner: OWNER.into(), state: 1, quota: AMPLE };
    let mut draft = Draft::new(kv.clone(), space.clone());
    draft.write(&[put("new", "x")]).unwrap();
    draft.commit(&outcome("k", "answer")).unwrap();
    assert_eq!(value(&kv, &space, "new").unwrap(), b"x");
    assert_eq!(value(&kv, &space, "b").unwrap(), [7; 5_000]);
    assert_eq!(kv.outcome(OWNER, "k").unwrap().unwrap().answer, b"answer");
    home.assert_sums(&kv);
}

#[test]
fn an_ax_that_made_the_older_database_goes_on_with_it() {
    let home = closed();
    home.run(TO_1);
    let older = home.sql();
    home.kv().states().unwrap();
    older
        .execute_batch(
            "INSERT INTO state (owner, number, revision, keys, bytes) VALUES (1, 7, 0, 0, 0)",
        )
        .unwrap();
    let states = home.kv().lineages().unwrap().remove(OWNER).unwrap();
    assert_eq!(states.0[&7].writer, Writer::Unknown);
}

#[test]
fn a_foreign_file_is_refused_untouched() {
    let expected = "`DB` does not hold what plugins keep";
    let other = closed();
    other.run(&format!("PRAGMA application_id = {}", APPLICATION_ID + 1));
    let older = closed();
    older.run("PRAGMA user_version = 0");
    let plain = Home::new();
    Connection::open(plain.file()).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let (text, empty) = (Home::new(), Home::new());
    fs::write(text.file(), "this is no database, and long enough to be taken for one".repeat(20))
        .unwrap();
    fs::write(empty.file(), "").unwrap();
    for home in [other, older, plain, text, empty] {
        let error = assert_refused(&home, expected);
        assert!(matches!(error, KvError::Foreign { .. }));
    }
}

#[test]
fn a_folder_in_its_place_is_an_io_error() {
    let home = Home::new();
    fs::create_dir(home.file()).unwrap();
    let error = home.kv().states().unwrap_err();
    assert!(matches!(error, KvError::Io { .. }), "{error:?}");
    assert!(error.source().is_some());
}

#[test]
fn damage_is_told_and_never_panics() {
    let tampered = [
        "DROP TABLE entry",
        "DROP TABLE owner",
        "DROP INDEX entry_by_key; ALTER TABLE entry RENAME COLUMN value TO worth",
        "UPDATE state SET keys = -1",
        "UPDATE state SET bytes = 0, keys = 0",
        "UPDATE state SET revision = -1",
        "UPDATE state SET writer = 'no version'",
        "UPDATE state SET begun = -1",
        "UPDATE state SET origin = -1, held = -1",
        "UPDATE state SET revision = 9223372036854775807",
        "UPDATE entry SET version = -1",
        "UPDATE owner SET newest_state = 9223372036854775807",
        "UPDATE owner SET newest_state = 0",
        "UPDATE entry SET key = CAST(x'ff' AS TEXT)",
        "UPDATE entry SET value = zeroblob(3000000)",
        "DROP INDEX entry_by_key; CREATE TRIGGER t BEFORE DELETE ON entry BEGIN \
         SELECT raise(ABORT, 'no'); END",
    ];
    for sql in tampered {
        let home = Home::new();
        let (kv, space) = home.begun();
        kv.write(&space, &[put("a", "1")]).unwrap();
        drop(kv);
        home.run(sql);
        let kv = home.kv();
        let results = [
            kv.get(&space, "a").map(drop),
            kv.scan(&space, "", 10, None).map(drop),
            kv.write(&space, &[put("a", "22")]).map(drop),
            kv.write(&space, &[crate::kv::tests::remove("a")]).map(drop),
            kv.fork(OWNER, Some(1)).map(drop),
            kv.lineages().map(drop),
            kv.drop_state(OWNER, 1),
        ];
        let errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        assert!(!errors.is_empty(), "{sql}");
        for error in &errors {
            assert!(
                matches!(error, KvError::Damaged { .. } | KvError::NoState { .. }),
                "{sql}: {error:?}"
            );
        }
        assert!(errors.iter().any(|error| matches!(error, KvError::Damaged { .. })), "{sql}");
    }
}

#[test]
fn a_forged_value_beyond_every_bound_is_not_read_into_memory() {
    let home = closed();
    home.run("UPDATE entry SET value = zeroblob(3000000) WHERE key = 'a'");
    let kv = home.kv();
    let space = Space { owner: OWNER.into(), state: 1, quota: crate::kv::tests::AMPLE };
    assert!(matches!(kv.get(&space, "a"), Err(KvError::Damaged { .. })));
    assert!(matches!(kv.scan(&space, "", 10, None), Err(KvError::Damaged { .. })));
    assert_eq!(value(&kv, &space, "b").unwrap(), [7; 5_000], "the others can be read");
}

#[test]
fn overwritten_pages_never_panic() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for n in 0..200 {
        kv.write(&space, &[put(&format!("key {n}"), vec![7; 300])]).unwrap();
    }
    drop(kv);
    let whole = fs::read(home.file()).unwrap();
    let mut refused = 0;
    for page in 1..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xa5);
        fs::write(home.file(), bytes).unwrap();
        let kv = home.kv();
        let results = [
            kv.get(&space, "key 77").map(drop),
            kv.scan(&space, "", 1_000, None).map(drop),
            kv.write(&space, &[put("key 77", "x"), put("new", "x")]).map(drop),
            kv.drop_state(OWNER, 1),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            assert!(matches!(error, KvError::Damaged { .. }), "page {page}: {error:?}");
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn a_crash_in_the_middle_of_a_transaction_leaves_nothing_of_it() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1")]).unwrap();
    let other = home.sql();
    // Few pages of cache, so that some of the transaction is in the log before it is committed.
    other.execute_batch("PRAGMA cache_size = 2; BEGIN IMMEDIATE").unwrap();
    for n in 0..200 {
        let sql =
            "INSERT INTO entry (state, key, version, value) VALUES (1, ?1, 9, zeroblob(4000))";
        other.execute(sql, [n.to_string()]).unwrap();
    }
    other.execute_batch("UPDATE state SET keys = 201, revision = 9").unwrap();
    let crashed = home.crashed();
    let log = fs::metadata(home.path().join("plugins.db-wal")).unwrap().len();
    assert!(log > 100_000, "half of it is on disk: {log}");
    drop(other);
    for home in [&home, &crashed] {
        let kv = home.kv();
        assert_eq!(keys(&scan_all(&kv, &space, "", 1_000)), ["a"]);
        assert_eq!(kv.usage(&space).unwrap(), Usage { keys: 1, bytes: 2 });
        home.assert_sums(&kv);
    }
}

#[test]
fn a_log_cut_off_anywhere_holds_whole_writes() {
    let home = Home::new();
    let (kv, space) = home.begun();
    for n in 1..=6 {
        let values = ["a", "b", "c"].map(|key| put(key, [n; 3_000]));
        assert_eq!(kv.write(&space, &values).unwrap(), u64::from(n));
    }
    let log = fs::read(home.path().join("plugins.db-wal")).unwrap();
    let mut seen = Vec::new();
    for end in (0..=log.len()).step_by(1_111).chain([log.len()]) {
        let crashed = home.crashed();
        fs::write(crashed.path().join("plugins.db-wal"), &log[..end]).unwrap();
        let kv = crashed.kv();
        let Ok(revision) = kv.revision(OWNER, space.state) else {
            assert_eq!(kv.states().unwrap(), [], "not even the state was made");
            continue;
        };
        let all = scan_all(&kv, &space, "", 10);
        let expected = if revision == 0 { 0 } else { 3 };
        assert_eq!(all.len(), expected);
        for entry in all {
            assert_eq!(entry.version, revision);
            assert_eq!(entry.value, [u8::try_from(revision).unwrap(); 3_000]);
        }
        crashed.assert_sums(&kv);
        seen.push(revision);
    }
    seen.dedup();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_write_that_fails_half_way_leaves_nothing_of_it() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1")]).unwrap();
    home.run(
        "CREATE TRIGGER t BEFORE INSERT ON entry WHEN NEW.key = 'c' \
         BEGIN SELECT raise(ABORT, 'the third one fails'); END",
    );
    assert!(kv.write(&space, &[put("a", "2"), put("b", "2"), put("c", "2")]).is_err());
    assert_eq!(keys(&scan_all(&kv, &space, "", 10)), ["a"]);
    assert_eq!(value(&kv, &space, "a").unwrap(), b"1");
    home.run("DROP TRIGGER t");
    assert_eq!(kv.write(&space, &[put("c", "2")]).unwrap(), 2);
    home.assert_sums(&kv);
}

#[test]
fn a_panic_in_the_middle_undoes_the_transaction_and_spoils_nothing() {
    let home = Home::new();
    let (kv, space) = home.begun();
    kv.write(&space, &[put("a", "1")]).unwrap();
    let panicked = std::thread::scope(|scope| {
        let inside = || {
            kv.database.write(|transaction| -> Result<(), _> {
                transaction.execute("DELETE FROM entry", [])?;
                panic!("in the middle of a transaction");
            })
        };
        scope.spawn(inside).join().is_err()
    });
    assert!(panicked);
    assert_eq!(value(&kv, &space, "a").unwrap(), b"1");
    assert_eq!(kv.write(&space, &[put("b", "1")]).unwrap(), 2);
    home.assert_sums(&kv);
}

#[test]
fn a_database_that_could_not_be_opened_is_tried_again() {
    let home = Home::new();
    fs::write(home.file(), "").unwrap();
    let kv = home.kv();
    assert!(matches!(kv.states(), Err(KvError::Foreign { .. })));
    fs::remove_file(home.file()).unwrap();
    assert_eq!(kv.states().unwrap(), []);
}
