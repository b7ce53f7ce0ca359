//! What a caller of the audit log can see: promises kept, tampering found, refusals.

use std::io::BufRead as _;
use std::io::Write as _;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::task::Context;
use std::task::Waker;
use std::time::Duration;

use ax_manifest::Digest;
use fs_err as fs;
use rusqlite::Connection;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;
use tempfile::TempDir;

use super::Audit;
use super::encode::GENESIS;
use super::encode::row_hash;
use super::entry::Action;
use super::entry::Call;
use super::entry::Change;
use super::entry::Decision;
use super::entry::Effect;
use super::entry::Entry;
use super::entry::Outcome;
use super::entry::Record;
use super::entry::Usage;
use super::error::AuditError;
use super::key::PublicKey;
use super::queue::Pace;
use super::read::Filter;
use super::read::Reader;
use super::read::Row;
use super::schema::SCHEMA;
use super::schema::StoredRow;
use super::verify::FINDINGS_MAX;
use super::verify::VerifyReport;
use super::verify::verify;
use super::verify::verify_with_key;
use crate::clock::SimClock;

/// When tests begin: 2026-01-01 UTC.
const START_MS: u64 = 1_767_225_600_000;

/// Signs only when asked, so that what is signed does not depend on real time.
const QUIET: Pace =
    Pace { linger: Duration::ZERO, unsigned_max: Duration::from_secs(3_600), ..Pace::NORMAL };

/// An `AX_HOME` with a clock.
struct Home {
    dir: TempDir,
    clock: Arc<SimClock>,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self { dir, clock: Arc::new(SimClock::at_ms(START_MS)) }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn try_open(&self, pace: Pace) -> Result<Audit, AuditError> {
        Audit::open_at(self.path(), self.clock.clone(), pace)
    }

    fn open(&self) -> Audit {
        self.try_open(QUIET).expect("the log opens")
    }

    fn sql(&self) -> Connection {
        Connection::open(self.path().join("audit.db")).expect("the database opens")
    }

    fn count(&self, table: &str) -> i64 {
        let count = format!("SELECT count(*) FROM {table}");
        self.sql().query_row(&count, [], |row| row.get(0)).expect("the table is there")
    }

    /// The state a power cut or `kill -9` leaves now: every file but the shared-memory index.
    fn crashed(&self) -> Self {
        let copy = Self::new();
        for file in fs::read_dir(self.path()).expect("the folder is there") {
            let name = file.expect("the folder can be read").file_name();
            if name != "audit.db-shm" {
                fs::copy(self.path().join(&name), copy.path().join(&name)).expect("a copy");
            }
        }
        copy
    }

    fn verify(&self) -> VerifyReport {
        verify(self.path()).expect("the log can be verified")
    }

    fn findings(&self) -> Vec<String> {
        self.verify().findings.iter().map(ToString::to_string).collect()
    }

    fn assert_intact(&self, rows: u64) {
        assert_eq!(self.findings(), Vec::<String>::new());
        assert_eq!(self.verify().rows, rows);
    }

    /// Runs `sql` with the triggers out of the way and puts them back.
    fn tamper(&self, sql: &str) {
        let connection = self.sql();
        let triggers = || SCHEMA.iter().filter(|(_, sql)| sql.starts_with("CREATE TRIGGER"));
        for (name, _) in triggers() {
            connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("it was there");
        }
        connection.execute_batch(sql).expect(sql);
        for (_, create) in triggers() {
            connection.execute_batch(create).expect("it is back");
        }
    }
}

fn call(number: usize) -> Entry {
    Entry {
        who: "user:501".into(),
        plugin: if number.is_multiple_of(2) { "ax:echo" } else { "ax:metrics" }.into(),
        component: Some(Digest::of(b"component")),
        decision: if number.is_multiple_of(5) { Decision::Denied } else { Decision::Allowed },
        rule: "fs:*:read".into(),
        is_rehearsal: false,
        record: Record::Call(Call {
            call_id: format!("call-{number}").into(),
            tool: "measure".into(),
            input: Digest::of(b"{}"),
            outcome: Outcome::Ok,
            trace_parent: None,
            usage: Usage { fuel: 1_000, duration_us: 20, ..Usage::default() },
            effects: Vec::new(),
        }),
    }
}

fn change(action: Action) -> Entry {
    let subject = "ax:echo".into();
    Entry {
        record: Record::Change(Change { action, subject, detail: json!({"version": "0.1.0"}) }),
        ..call(2)
    }
}

fn denied_effect() -> Entry {
    Entry {
        decision: Decision::Denied,
        record: Record::Effect(Effect {
            call_id: "call-1".into(),
            tool: "measure".into(),
            permission: "env:HOME".into(),
            target: "HOME".into(),
            input: None,
            outcome: Outcome::error("denied"),
            usage: Usage::default(),
        }),
        ..call(1)
    }
}

fn record(audit: &Audit, numbers: std::ops::RangeInclusive<usize>) {
    for number in numbers {
        audit.record_blocking(call(number)).expect("it is queued");
    }
}

/// 25 rows, signed at 0, 10 and 20; rows 21 to 25 are on disk and not signed.
fn sample() -> Home {
    let home = Home::new();
    let audit = home.open();
    record(&audit, 1..=10);
    audit.flush_blocking().expect("rows 1 to 10 are signed");
    record(&audit, 11..=20);
    audit.flush_blocking().expect("rows 11 to 20 are signed");
    record(&audit, 21..=24);
    audit.record_durable_blocking(call(25)).expect("rows 21 to 25 are on disk");
    home.crashed()
}

#[test]
fn an_untouched_log_is_intact() {
    let home = sample();
    home.assert_intact(25);
    let report = home.verify();
    assert_eq!((report.last_seq, report.signed_seq, report.checkpoints), (25, 20, 3));
}

#[test]
fn every_tampering_with_rows_is_found() {
    let changed = |seq| format!("row {seq} was changed, or does not follow the row before it");
    let whole_swap = "UPDATE audit SET seq = -5 WHERE seq = 5; \
                      UPDATE audit SET seq = 5 WHERE seq = 6; \
                      UPDATE audit SET seq = 6 WHERE seq = -5";
    let body_swap = "CREATE TEMP TABLE swap AS SELECT 11 - seq AS seq, body FROM audit; \
                     UPDATE audit SET body = (SELECT body FROM swap WHERE swap.seq = audit.seq) \
                     WHERE seq IN (5, 6)";
    let copy = |to: i64| {
        format!(
            "INSERT INTO audit SELECT {to}, at_ms, kind, plugin, decision, body, hash \
             FROM audit WHERE seq = 5"
        )
    };
    let cases: [(&str, Vec<String>); 17] = [
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE seq = 5", vec![changed(5)]),
        ("UPDATE audit SET kind = 'effect' WHERE seq = 5", vec![changed(5)]),
        ("UPDATE audit SET plugin = 'ax:echo' WHERE seq = 5", vec![changed(5)]),
        ("UPDATE audit SET decision = 'allowed' WHERE seq = 5", vec![changed(5)]),
        ("UPDATE audit SET body = replace(body, '501', '502') WHERE seq = 5", vec![changed(5)]),
        ("UPDATE audit SET body = body || ' ' WHERE seq = 25", vec![changed(25)]),
        ("UPDATE audit SET hash = zeroblob(32) WHERE seq = 5", vec![changed(5), changed(6)]),
        (
            "UPDATE audit SET hash = zeroblob(31) WHERE seq = 5",
            vec!["row 5 has a malformed `hash`".to_owned()],
        ),
        (
            "UPDATE audit SET hash = zeroblob(32) WHERE seq = 10",
            vec![changed(10), "row 10 is not the one that was signed".to_owned(), changed(11)],
        ),
        ("DELETE FROM audit WHERE seq = 5", vec!["row 5 is missing".to_owned()]),
        ("DELETE FROM audit WHERE seq <= 3", vec!["rows 1 to 3 are missing".to_owned()]),
        (
            "DELETE FROM audit WHERE seq > 18",
            vec!["rows 19 to 20 were signed and are missing at the end".to_owned()],
        ),
        (
            "DELETE FROM audit WHERE seq > 15; DELETE FROM checkpoint WHERE seq > 15",
            vec!["rows 16 to 20 were signed and are missing at the end".to_owned()],
        ),
        (whole_swap, vec![changed(5), changed(6), changed(7)]),
        (body_swap, vec![changed(5), changed(6)]),
        (&copy(0), vec!["row 0 was inserted".to_owned()]),
        (&copy(26), vec![changed(26)]),
    ];
    let sample = sample();
    for (sql, expected) in cases {
        let home = sample.crashed();
        home.tamper(sql);
        assert_eq!(home.findings(), expected, "{sql}");
    }
}

#[test]
fn a_row_inserted_in_the_middle_is_found() {
    let home = sample();
    home.tamper(
        "UPDATE audit SET seq = -seq WHERE seq > 12; \
         INSERT INTO audit SELECT 13, at_ms, kind, plugin, decision, body, hash \
         FROM audit WHERE seq = 3; \
         UPDATE audit SET seq = 1 - seq WHERE seq < 0",
    );
    let findings = home.findings();
    assert!(findings[0].starts_with("row 13 was changed"), "{findings:?}");
    assert!(findings.contains(&"row 20 is not the one that was signed".to_owned()));
}

#[test]
fn recomputing_all_hashes_after_a_change_does_not_hide_it() {
    let home = sample();
    home.tamper("UPDATE audit SET decision = 'allowed' WHERE seq = 5");
    let connection = home.sql();
    let mut rehash = Vec::new();
    let mut previous = GENESIS;
    let select = "SELECT seq, at_ms, kind, plugin, decision, body, hash FROM audit ORDER BY seq";
    let mut statement = connection.prepare(select).expect("the table is there");
    let mut rows = statement.query([]).expect("the table is there");
    while let Some(row) = rows.next().expect("rows can be read") {
        let fields = StoredRow::read(row).expect("rows are well-formed").fields;
        previous = row_hash(&previous, &fields);
        let hash = Digest::from_bytes(previous).hex();
        rehash.push(format!("UPDATE audit SET hash = x'{hash}' WHERE seq = {};", fields.seq));
    }
    home.tamper(&rehash.concat());
    assert_eq!(
        home.findings(),
        [
            "row 10 is not the one that was signed",
            "row 20 is not the one that was signed",
            "row 20 is not the one that was signed",
        ]
    );
}

#[test]
fn every_tampering_with_checkpoints_is_found() {
    let forged = |seq| format!("the checkpoint at row {seq} is forged");
    let cases = [
        ("UPDATE checkpoint SET signature = '00' WHERE seq = 10", vec![forged(10)]),
        ("UPDATE checkpoint SET at_ms = at_ms + 1 WHERE seq = 10", vec![forged(10)]),
        ("UPDATE checkpoint SET hash = zeroblob(32) WHERE seq = 10", vec![forged(10)]),
        ("UPDATE checkpoint SET hash = x'00' WHERE seq = 10", vec![forged(10)]),
        ("UPDATE checkpoint SET key_id = 'mine' WHERE seq = 0", vec![forged(0)]),
        ("UPDATE checkpoint SET seq = 11 WHERE seq = 10", vec![forged(11)]),
        ("UPDATE checkpoint SET seq = 90 WHERE seq = 10", vec![forged(90)]),
        (
            "DELETE FROM checkpoint WHERE seq = 20",
            vec!["the checkpoint at row 20 is missing".to_owned()],
        ),
        ("DELETE FROM checkpoint", vec!["the checkpoint at row 20 is missing".to_owned()]),
    ];
    let sample = sample();
    for (sql, expected) in cases {
        let home = sample.crashed();
        home.tamper(sql);
        assert_eq!(home.findings(), expected, "{sql}");
    }
}

#[test]
fn a_missing_or_forged_head_is_found() {
    let home = sample();
    let head = home.path().join("audit.head");
    let text = fs::read_to_string(&head).expect("the head is there");
    fs::write(&head, text.replace("\"seq\":20", "\"seq\":10")).expect("the head is forged");
    assert_eq!(home.findings(), ["`audit.head` is forged"]);
    fs::remove_file(&head).expect("it was there");
    assert_eq!(home.findings(), ["`audit.head` is missing"]);
}

#[test]
fn a_removed_database_is_found() {
    let home = sample();
    fs::remove_file(home.path().join("audit.db")).expect("it was there");
    fs::remove_file(home.path().join("audit.db-wal")).expect("it was there");
    let expected = ["rows 1 to 20 were signed and are missing at the end"];
    assert_eq!(home.findings(), expected);
    let refused = home.try_open(QUIET).expect_err("a new chain would hide it");
    assert!(matches!(refused, AuditError::TailMissing { signed: 20, .. }), "{refused}");
}

#[test]
fn a_changed_schema_is_found() {
    let home = sample();
    home.sql().execute_batch("DROP TRIGGER audit_no_delete").expect("it was there");
    assert_eq!(home.findings(), ["`audit_no_delete` in the schema was changed"]);
    home.sql().execute_batch("CREATE VIEW extra AS SELECT 1").expect("a view is made");
    assert_eq!(
        home.findings(),
        ["`extra` in the schema was changed", "`audit_no_delete` in the schema was changed"]
    );
}

#[test]
fn findings_are_bounded_and_the_rest_is_counted() {
    let home = Home::new();
    let audit = home.open();
    record(&audit, 1..=2 * FINDINGS_MAX + 10);
    audit.close().expect("the log closes");
    home.tamper("DELETE FROM audit WHERE seq % 2 = 1");
    let report = home.verify();
    assert_eq!((report.findings.len(), report.findings_omitted), (FINDINGS_MAX, 5));
    assert!(!report.is_intact());
}

#[test]
fn a_key_kept_elsewhere_finds_a_log_signed_with_another() {
    let home = sample();
    let text = fs::read_to_string(home.path().join("audit.pub")).expect("the key is there");
    let kept: PublicKey = text.trim().parse().expect("it is a key");
    assert!(verify_with_key(home.path(), &kept).expect("it can be verified").is_intact());
    // A whole log by someone else, put in the place of the first.
    let replaced = sample();
    replaced.assert_intact(25);
    let report = verify_with_key(replaced.path(), &kept).expect("it can be verified");
    let forged = report.findings.iter().filter(|found| found.to_string().contains("forged"));
    assert_eq!(forged.count(), 4, "{:?}", report.findings);
    assert_eq!(report.signed_seq, 0);
}

#[test]
fn a_damaged_page_is_a_finding() {
    let home = Home::new();
    let audit = home.open();
    record(&audit, 1..=200);
    audit.close().expect("the log closes");
    let path = home.path().join("audit.db");
    let mut bytes = fs::read(&path).expect("the database is there");
    let last_pages = bytes.len() - 3 * 4_096;
    bytes[last_pages..].fill(0xff);
    fs::write(&path, bytes).expect("the pages are damaged");
    let report = home.verify();
    assert!(!report.is_intact());
    assert!(report.rows < 200, "{report:?}");
}

#[test]
fn the_database_refuses_update_delete_replace_and_gaps() {
    let home = sample();
    let values = "SELECT {seq}, at_ms, kind, plugin, decision, body, hash FROM audit WHERE seq = 5";
    for sql in [
        "UPDATE audit SET decision = 'allowed'",
        "DELETE FROM audit",
        "UPDATE checkpoint SET at_ms = 0",
        "DELETE FROM checkpoint",
        &format!("INSERT OR REPLACE INTO audit {}", values.replace("{seq}", "5")),
        &format!("INSERT INTO audit {}", values.replace("{seq}", "27")),
    ] {
        let refused = home.sql().execute(sql, []).expect_err(sql);
        assert!(refused.to_string().contains("append-only") || refused.to_string().contains("end"));
    }
    home.assert_intact(25);
}

#[test]
fn opening_refuses_a_log_that_lacks_what_was_signed() {
    let sample = sample();
    let refusal = |sql: &str| {
        let home = sample.crashed();
        home.tamper(sql);
        let refused = home.try_open(QUIET).expect_err(sql);
        assert!(refused.hint().is_some_and(|hint| hint.contains("ax audit verify")), "{refused}");
        refused
    };
    let cut = refusal("DELETE FROM audit WHERE seq > 15; DELETE FROM checkpoint WHERE seq > 15");
    assert!(matches!(cut, AuditError::TailMissing { signed: 20, .. }), "{cut}");
    let emptied = refusal("DELETE FROM audit; DELETE FROM checkpoint WHERE seq > 0");
    assert!(matches!(emptied, AuditError::TailMissing { signed: 20, .. }), "{emptied}");
    let changed = refusal("UPDATE audit SET hash = zeroblob(32) WHERE seq = 20");
    assert!(matches!(changed, AuditError::SignedRowChanged { seq: 20, .. }), "{changed}");

    let home = sample.crashed();
    fs::remove_file(home.path().join("audit.head")).expect("it was there");
    let headless = home.try_open(QUIET).expect_err("the head is missing");
    assert!(matches!(headless, AuditError::HeadMissing { .. }), "{headless}");

    let home = sample.crashed();
    fs::remove_file(home.path().join("audit.key")).expect("it was there");
    let keyless = home.try_open(QUIET).expect_err("the key is missing");
    assert!(matches!(keyless, AuditError::KeyMissing { .. }), "{keyless}");
    assert!(!home.path().join("audit.key").exists(), "no key is made in its place");
}

#[test]
fn a_file_that_is_not_an_audit_log_is_refused_untouched() {
    let database = |sql: &str| {
        let home = Home::new();
        home.sql().execute_batch(sql).expect(sql);
        home
    };
    let text = Home::new();
    fs::write(text.path().join("audit.db"), "a diary, not a database\n".repeat(100))
        .expect("the file is written");
    type IsExpected = fn(&AuditError) -> bool;
    let cases: [(Home, IsExpected); 4] = [
        (text, |error| matches!(error, AuditError::NotADatabase { .. })),
        (database("CREATE TABLE other (x)"), |error| matches!(error, AuditError::Foreign { .. })),
        (database("PRAGMA application_id = 7; PRAGMA user_version = 1"), |error| {
            matches!(error, AuditError::Foreign { application_id: 7, .. })
        }),
        (database("PRAGMA application_id = 0x41584155; PRAGMA user_version = 2"), |error| {
            matches!(error, AuditError::Newer { found: 2, supported: 1, .. })
        }),
    ];
    for (home, is_expected) in cases {
        let path = home.path().join("audit.db");
        let before = fs::read(&path).expect("the file is there");
        let refused = home.try_open(QUIET).expect_err("it is not ours");
        assert!(is_expected(&refused) && refused.hint().is_some(), "{refused:?}");
        let unread = Reader::open(home.path()).expect_err("it is not ours");
        assert!(is_expected(&unread), "{unread:?}");
        assert_eq!(fs::read(&path).expect("the file is there"), before);
        assert!(!home.path().join("audit.key").exists(), "nothing is made beside it");
    }
}

#[test]
fn without_a_log_there_is_nothing_to_read_or_verify() {
    let home = Home::new();
    assert!(matches!(verify(home.path()), Err(AuditError::Absent { .. })));
    assert!(matches!(Reader::open(home.path()), Err(AuditError::Absent { .. })));
    assert_eq!(fs::read_dir(home.path()).expect("the folder is there").count(), 0);
}

#[cfg(unix)]
#[test]
fn all_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let audit = home.open();
    audit.record_durable_blocking(call(1)).expect("it is on disk");
    for name in ["audit.db", "audit.db-wal", "audit.key", "audit.head"] {
        let metadata = fs::metadata(home.path().join(name)).expect(name);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn closing_writes_and_signs_everything() {
    let home = Home::new();
    let audit = home.open();
    record(&audit, 1..=100);
    audit.close().expect("the log closes");
    home.assert_intact(100);
    assert_eq!(home.verify().signed_seq, 100);
    let refused = audit.record_blocking(call(1)).expect_err("the log is closed");
    assert!(matches!(refused, AuditError::Closed), "{refused}");
    audit.close().expect("closing twice is no failure");
}

#[test]
fn dropping_the_last_handle_writes_and_signs_everything() {
    let home = Home::new();
    let audit = home.open();
    let clone = audit.clone();
    record(&audit, 1..=50);
    drop(audit);
    record(&clone, 51..=60);
    drop(clone);
    home.assert_intact(60);
    assert_eq!(home.verify().signed_seq, 60);
}

#[test]
fn opening_and_closing_without_records_adds_nothing() {
    let home = Home::new();
    for _ in 0..3 {
        home.open().close().expect("the log closes");
    }
    home.assert_intact(0);
    assert_eq!(home.count("checkpoint"), 1);
}

#[test]
fn a_durable_record_survives_a_crash() {
    let home = Home::new();
    let audit = home.open();
    record(&audit, 1..=9);
    audit.record_durable_blocking(denied_effect()).expect("it is on disk");
    let crashed = home.crashed();
    crashed.assert_intact(10);
    let again = crashed.open();
    record(&again, 11..=12);
    again.close().expect("the log closes");
    crashed.assert_intact(12);
}

#[test]
fn a_checkpoint_comes_with_every_so_many_rows() {
    let home = Home::new();
    let pace = Pace { checkpoint_rows: 10, queue_entries_max: 4, ..QUIET };
    let audit = home.try_open(pace).expect("the log opens");
    record(&audit, 1..=99);
    audit.record_durable_blocking(call(100)).expect("it is on disk");
    // Batches hold at most the queue, so one is due at latest every 10 + 4 rows.
    let signed = home.crashed().verify();
    assert!(signed.signed_seq > 100 - 14, "{signed:?}");
    assert!(signed.checkpoints > 100 / 14, "{signed:?}");
}

#[test]
fn rows_do_not_stay_unsigned_while_others_trickle_in() {
    let home = Home::new();
    let audit = home.open();
    audit.record_durable_blocking(call(1)).expect("it is on disk");
    assert_eq!(home.verify().signed_seq, 0);
    home.clock.advance(QUIET.unsigned_max);
    audit.record_durable_blocking(call(2)).expect("it is on disk");
    assert_eq!(home.verify().signed_seq, 2);
}

#[test]
fn rows_carry_the_time_they_were_handed_over() {
    let home = Home::new();
    let audit = home.open();
    record(&audit, 1..=1);
    home.clock.advance(Duration::from_millis(1_500));
    record(&audit, 2..=2);
    home.clock.jump_to_ms(u64::MAX);
    record(&audit, 3..=3);
    audit.close().expect("the log closes");
    let times: Vec<i64> = tail(&home, &Filter::default(), 10).iter().map(|row| row.at_ms).collect();
    let start = i64::try_from(START_MS).expect("it fits");
    assert_eq!(times, [start, start + 1_500, i64::MAX]);
    home.assert_intact(3);
}

#[test]
fn two_writers_extend_one_chain() {
    let home = Home::new();
    let pace = Pace { checkpoint_rows: 50, queue_entries_max: 16, ..QUIET };
    let writers = [(); 2].map(|()| home.try_open(pace).expect("the log opens"));
    std::thread::scope(|scope| {
        for audit in &writers {
            scope.spawn(|| {
                for number in 1..=500 {
                    audit.record_blocking(call(number)).expect("it is queued");
                    if number.is_multiple_of(100) {
                        audit.record_durable_blocking(denied_effect()).expect("it is on disk");
                        audit.flush_blocking().expect("it is signed");
                    }
                }
                audit.close().expect("the log closes");
            });
        }
    });
    home.assert_intact(1_010);
    assert_eq!(home.verify().signed_seq, 1_010);
}

#[test]
fn many_openers_at_once_make_one_log() {
    let home = Home::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let home = &home;
            scope.spawn(move || {
                let audit = home.open();
                audit.record_blocking(call(number)).expect("it is queued");
                audit.close().expect("the log closes");
            });
        }
    });
    home.assert_intact(8);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait_and_drops_nothing() {
    let home = Home::new();
    let queue_entries_max = 8;
    let audit = home.try_open(Pace { queue_entries_max, ..QUIET }).expect("the log opens");
    let other = home.sql();
    other.execute_batch("BEGIN IMMEDIATE").expect("the database is free");
    // The writer takes at most one queue with it and then waits for the other connection.
    let mut recorded = 0;
    loop {
        let mut next = pin!(audit.record(call(recorded)));
        if next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            other.execute_batch("COMMIT").expect("the database is ours");
            next.await.expect("there is room again");
            recorded += 1;
            break;
        }
        recorded += 1;
        assert!(recorded <= 2 * queue_entries_max, "the queue is not bounded");
    }
    audit.flush().await.expect("all is written");
    home.assert_intact(u64::try_from(recorded).expect("it fits"));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the test awaits what it spawns")]
async fn durable_records_of_many_tasks_are_all_kept() {
    let home = Home::new();
    let audit = home.open();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let audit = audit.clone();
            tokio::spawn(async move { audit.record_durable(call(number)).await })
        })
        .collect();
    for task in tasks {
        task.await.expect("the task ends").expect("it is on disk");
    }
    home.crashed().assert_intact(200);
}

#[tokio::test]
async fn after_a_failed_write_everything_is_refused() {
    let home = Home::new();
    let audit = home.open();
    audit.record_durable(call(1)).await.expect("it is on disk");
    home.sql().execute_batch("DROP TABLE audit").expect("it was there");
    let failed = audit.record_durable(call(2)).await.expect_err("there is no table");
    let AuditError::Stopped { source } = &failed else { panic!("{failed:?}") };
    assert!(matches!(**source, AuditError::Sql { .. }), "{source:?}");
    assert!(failed.hint().is_some() && !failed.is_transient());
    for refused in [
        audit.record(call(3)).await,
        audit.record_durable(call(3)).await,
        audit.record_blocking(call(3)),
        audit.record_durable_blocking(call(3)),
        audit.flush().await,
        audit.close(),
    ] {
        assert!(matches!(refused, Err(AuditError::Stopped { .. })), "{refused:?}");
    }
}

#[test]
fn a_forged_head_stops_the_writer() {
    let home = Home::new();
    let audit = home.open();
    fs::write(home.path().join("audit.head"), "{}").expect("the head is forged");
    record(&audit, 1..=1);
    let failed = audit.flush_blocking().expect_err("the head is not ours");
    let AuditError::Stopped { source } = &failed else { panic!("{failed:?}") };
    assert!(matches!(**source, AuditError::HeadInvalid { .. }), "{source:?}");
}

/// The child of [`a_killed_writer_loses_nothing_it_acknowledged`]; alone it does nothing.
#[test]
#[ignore = "run by `a_killed_writer_loses_nothing_it_acknowledged`"]
#[expect(clippy::disallowed_methods, reason = "how a child learns its home")]
fn writes_until_killed() {
    let Ok(dir) = std::env::var("AX_TEST_AUDIT_HOME") else { return };
    let pace = Pace { checkpoint_rows: 20, ..QUIET };
    let clock = Arc::new(SimClock::at_ms(START_MS));
    let audit = Audit::open_at(Path::new(&dir), clock, pace).expect("the log opens");
    for number in 1.. {
        record(&audit, 1..=3);
        audit.record_durable_blocking(call(number)).expect("it is on disk");
        writeln!(std::io::stdout(), "durable").expect("the parent listens");
    }
}

#[test]
fn a_killed_writer_loses_nothing_it_acknowledged() {
    let home = Home::new();
    let name = module_path!().split_once("::").expect("a module of a crate").1;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().expect("this test has a path"))
            .args([&format!("{name}::writes_until_killed"), "--exact", "--ignored", "--nocapture"])
            .env("AX_TEST_AUDIT_HOME", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let output = child.stdout.take().expect("it is piped");
        let lines = std::io::BufReader::new(output).lines().map(|line| line.expect("text"));
        let acknowledged = lines.filter(|line| line.contains("durable")).take(40).count();
        child.kill().expect("the child is alive");
        child.wait().expect("the child ends");
        assert_eq!(acknowledged, 40);
        assert_eq!(home.findings(), Vec::<String>::new());
        assert!(home.verify().rows >= round * 40 * 4);
    }
    let before = home.verify().rows;
    let audit = home.open();
    record(&audit, 1..=1);
    audit.close().expect("the log closes");
    home.assert_intact(before + 1);
}

fn tail(home: &Home, filter: &Filter, limit: usize) -> Vec<Row> {
    let reader = Reader::open(home.path()).expect("the log opens");
    reader.tail(filter, limit).expect("it can be read").rows
}

#[test]
fn tail_shows_the_newest_matching_rows_oldest_first() {
    let home = sample();
    let seqs = |filter: &Filter, limit| -> Vec<i64> {
        tail(&home, filter, limit).iter().map(|row| row.seq).collect()
    };
    assert_eq!(seqs(&Filter::default(), 3), [23, 24, 25]);
    let echo = Filter { plugin: Some("ax:echo".to_owned()), ..Filter::default() };
    assert_eq!(seqs(&echo, 2), [22, 24]);
    let denied = Filter { decision: Some(Decision::Denied), ..echo.clone() };
    assert_eq!(seqs(&denied, 10), [10, 20]);
    let later = Filter { since_ms: Some(START_MS + 1), ..Filter::default() };
    assert_eq!(seqs(&later, 10), Vec::<i64>::new());
    let changes = Filter { kind: Some("change".to_owned()), ..Filter::default() };
    assert_eq!(seqs(&changes, 10), Vec::<i64>::new());
    assert_eq!(seqs(&Filter::default(), 0), Vec::<i64>::new());
    // A filter is data, not SQL.
    let hostile = Filter { plugin: Some("' OR 1=1 --".to_owned()), ..Filter::default() };
    assert_eq!(seqs(&hostile, 10), Vec::<i64>::new());
}

#[test]
fn following_shows_each_row_once() {
    let home = Home::new();
    let audit = home.open();
    audit.record_durable_blocking(change(Action::PluginAdd)).expect("it is on disk");
    let reader = Reader::open(home.path()).expect("the log opens");
    let all = Filter::default();
    let first = reader.rows_after(0, &all, 10).expect("it can be read");
    assert_eq!((first.rows.len(), first.next_after), (1, 1));
    record(&audit, 1..=4);
    audit.flush_blocking().expect("it is signed");
    let second = reader.rows_after(first.next_after, &all, 3).expect("it can be read");
    assert_eq!((second.rows.len(), second.next_after), (3, 4));
    let third = reader.rows_after(second.next_after, &all, 3).expect("it can be read");
    assert_eq!((third.rows.len(), third.next_after), (1, 5));
    let nothing = reader.rows_after(third.next_after, &all, 3).expect("it can be read");
    assert_eq!((nothing.rows.len(), nothing.next_after), (0, 5));
    // Rows that do not match are not looked at again.
    let changes = Filter { kind: Some("change".to_owned()), ..all };
    let skipped = reader.rows_after(1, &changes, 3).expect("it can be read");
    assert_eq!((skipped.rows.len(), skipped.next_after), (0, 5));
}

#[test]
fn a_row_says_who_did_what_and_which_rule_decided() {
    let home = Home::new();
    let audit = home.open();
    audit.record_blocking(denied_effect()).expect("it is queued");
    audit.record_blocking(change(Action::PermissionGrant)).expect("it is queued");
    audit.close().expect("the log closes");
    let rows = tail(&home, &Filter::default(), 10);
    assert_eq!((rows[0].kind.as_str(), rows[0].decision.as_str()), ("effect", "denied"));
    let effect = rows[0].body_json();
    assert_eq!(effect["who"], "user:501");
    assert_eq!(effect["permission"], "env:HOME");
    assert_eq!(effect["rule"], "fs:*:read");
    assert_eq!(effect["outcome"], "error:denied");
    assert_eq!(effect["component"], Digest::of(b"component").to_string());
    let change = rows[1].body_json();
    assert_eq!((rows[1].kind.as_str(), &change["action"]), ("change", &json!("permission.grant")));
    assert_eq!(change["detail"], json!({"version": "0.1.0"}));
}

#[test]
fn an_export_can_be_checked_by_a_third_party() {
    let home = sample();
    let mut bytes = Vec::new();
    let reader = Reader::open(home.path()).expect("the log opens");
    let exported = reader.export(&mut bytes).expect("memory takes everything");
    assert_eq!((exported.rows, exported.checkpoints), (25, 3));
    let text = String::from_utf8(bytes).expect("JSON is text");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(lines.len(), 1 + 25 + 3);
    // Written from the documentation of the module, not from its code.
    let mut previous = vec![0; 32];
    for row in lines.iter().filter(|line| line["type"] == "row") {
        let mut message = b"ax.audit.row.v1\0".to_vec();
        message.extend(&previous);
        for number in ["seq", "at_ms"] {
            message.extend(row[number].as_u64().expect(number).to_be_bytes());
        }
        for name in ["kind", "plugin", "decision", "body"] {
            let text = row[name].as_str().expect(name);
            message.extend(u32::try_from(text.len()).expect("it fits").to_be_bytes());
            message.extend(text.as_bytes());
        }
        previous = Sha256::digest(&message).to_vec();
        let hex: String = previous.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(row["hash"], format!("sha256:{hex}"));
    }
    let last = lines.last().expect("there are lines");
    assert_eq!((&last["type"], &last["seq"]), (&json!("checkpoint"), &json!(20)));
}

#[test]
fn a_closed_destination_fails_the_export() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let home = sample();
    let reader = Reader::open(home.path()).expect("the log opens");
    assert!(matches!(reader.export(&mut Closed), Err(AuditError::Output { .. })));
}

#[test]
fn a_malformed_row_is_named_when_read() {
    let home = sample();
    home.tamper("UPDATE audit SET hash = x'00' WHERE seq = 5");
    let reader = Reader::open(home.path()).expect("the log opens");
    let refused = reader.export(&mut Vec::new()).expect_err("row 5 has no hash");
    assert!(matches!(refused, AuditError::RowMalformed { seq: 5, column: "hash", .. }));
}

#[test]
fn what_was_rehearsed_can_be_left_out() {
    let home = Home::new();
    let audit = home.open();
    let rule = "\"rehearsal\":true".into();
    let entries = [
        Entry { is_rehearsal: true, ..call(1) },
        // Who only says so in a text was not rehearsed.
        Entry { rule, ..call(2) },
        Entry { is_rehearsal: true, ..denied_effect() },
    ];
    for entry in entries {
        audit.record_blocking(entry).expect("it is queued");
    }
    audit.close().expect("the log closes");
    let seqs = |without_rehearsals| -> Vec<i64> {
        let filter = Filter { without_rehearsals, ..Filter::default() };
        tail(&home, &filter, 10).iter().map(|row| row.seq).collect()
    };
    assert_eq!(seqs(false), [1, 2, 3]);
    assert_eq!(seqs(true), [2]);
    let marked = tail(&home, &Filter::default(), 10);
    assert_eq!(marked.iter().map(Row::is_rehearsal).collect::<Vec<_>>(), [true, false, true]);
}
