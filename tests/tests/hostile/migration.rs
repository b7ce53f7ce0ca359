//! Components that bring their data to a new form badly: each time the host says why, gives up the
//! instance, and has changed nothing but the copy.

use std::sync::Arc;
use std::time::Duration;

use ax_host::kv::Change;
use ax_host::kv::Condition;
use ax_host::kv::Quota;
use ax_host::kv::Space;
use ax_host::plugin::Limits;
use ax_host::plugin::MigrateError;
use ax_manifest::Policies;
use ax_manifest::Policy;
use semver::Version;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::verdict::of_error;
use crate::verdict::settle;

/// A guest with one key that says how it is to migrate, and a copy of that.
struct Update {
    arena: Arena,
    guest: Guest,
    old: Space,
    copy: Space,
}

impl Update {
    fn new(how: &str) -> Self {
        let arena = Arena::with(config());
        let mut guest = arena.hoarder("test:migrant");
        guest.release.version = Version::new(2, 0, 0);
        let owner = guest.release.identity.to_string();
        let kv = Arena::kv();
        let quota = Quota { keys_max: 10_000, bytes_max: 10 << 20 };
        let space = |state| Space { owner: owner.as_str().into(), state, quota };
        let old = space(kv.fork(&owner, None).expect("a state").state);
        let put = Change::Put {
            key: "how".to_owned(),
            value: how.as_bytes().to_vec(),
            when: Condition::Always,
        };
        kv.write(&old, &[put]).expect("it is written");
        let copy = space(kv.fork(&owner, Some(old.state)).expect("a copy").state);
        guest.release.state = copy.state;
        Self { arena, guest, old, copy }
    }

    fn run(&self, change: impl FnOnce(&mut Limits)) -> String {
        let guest = self.guest.clone().limited(change);
        let from = Version::new(1, 0, 0);
        let ran = self.arena.host.migrate(&guest.release, &guest.bytes, &from);
        let meter = self.arena.host.meter();
        assert_eq!((meter.instances(), meter.memory_bytes()), (0, 0));
        let kept = Arena::kv().scan(&self.old, "", 10, None).expect("the old state").entries;
        let keys: Vec<_> = kept.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["how"], "what the old version has is as it was");
        match ran {
            Ok(()) => "ok".to_owned(),
            Err(MigrateError::Call { source, .. }) => of_error(&source),
            Err(error @ MigrateError::Load(_)) => format!("{error:?}"),
        }
    }

    fn kept(&self, key: &str) -> Option<String> {
        let found = Arena::kv().get(&self.copy, key).expect("the copy")?;
        Some(String::from_utf8(found.value).expect("text"))
    }
}

#[test]
fn a_migration_changes_its_copy_alone() {
    let update = Update::new("well");
    let got = update.run(|_| ());
    assert_eq!(update.kept("migrated").as_deref(), Some("1.0.0 2.0.0"));
    settle("migrate-well", "ok", &got);
}

#[test]
fn a_migration_that_crashes_is_told_apart() {
    settle("migrate-trap", "trapped", &Update::new("trap").run(|_| ()));
    settle("migrate-exit", "trapped", &Update::new("leave").run(|_| ()));
    settle("migrate-error", "tool(failed)", &Update::new("fail").run(|_| ()));
}

#[test]
fn a_migration_that_does_not_end_is_ended() {
    let got = Update::new("spin").run(|limits| limits.fuel = 20_000_000);
    settle("migrate-spin", "exhausted(fuel)", &got);
    let soon = |limits: &mut Limits| limits.deadline = Duration::from_millis(60);
    settle("migrate-sleep", "exhausted(time)", &Update::new("sleep").run(soon));
    let endless = Update::new("spin").run(|limits| {
        limits.fuel = u64::MAX >> 1;
        soon(limits);
    });
    settle("migrate-spin-for-long", "exhausted(time)", &endless);
    settle("migrate-write-for-ever", "exhausted(time)", &Update::new("flood").run(soon));
}

#[test]
fn a_migration_keeps_within_the_quota() {
    let update = Update::new("fill");
    let got = update.run(|limits| limits.kv_bytes = 3 << 20);
    assert_eq!(update.kept("fill-2"), None);
    settle("migrate-fill", "tool(exhausted)", &got);
}

#[test]
fn a_migration_may_empty_its_copy() {
    let update = Update::new("empty");
    let got = update.run(|_| ());
    assert_eq!(update.kept("how"), None);
    settle("migrate-empty", "ok", &got);
}

#[test]
fn a_migration_against_a_policy_gets_nothing() {
    let mut update = Update::new("well");
    let policy = Policy::parse("permissions.deny = [\"kv\"]").expect("a policy");
    let policies = Policies::new([("/policy.toml".to_owned(), policy)]);
    update.guest.release.policy = Some(Arc::new(policies));
    let got = update.run(|_| ());
    assert_eq!(update.kept("migrated"), None);
    settle("migrate-against-policy", "tool(denied)", &got);
}

#[test]
fn a_migration_gets_data_and_nothing_else() {
    let mut update = Update::new("look");
    // Whatever is granted to calls.
    update.guest = update.guest.granted(&["fs:workspace:write", "env:GRANTED", "kv"]);
    let got = update.run(|_| ());
    // No variable, no folder, no file, no network; the quota.
    assert_eq!(update.kept("seen").as_deref(), Some("0 false false false 10485760"));
    settle("migrate-look-around", "ok", &got);
}
