//! Random writes and scans against a map in memory.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::kv::Change;
use crate::kv::Condition;
use crate::kv::Entry;
use crate::kv::Kv;
use crate::kv::Quota;
use crate::kv::Space;
use crate::kv::Usage;
use crate::kv::tests::Home;
use crate::kv::tests::scan_all;

/// Few keys, so that they meet; some are the beginning of others, or sort by bytes alone.
pub(super) const KEYS: [&str; 9] = ["a", "a/", "a/b", "a/b/c", "aé", "b", "b😀", "b\u{ffff}", "é"];

#[derive(Debug, Clone)]
pub(super) enum Step {
    Write(Vec<Change>),
    Scan {
        prefix: &'static str,
        limit: u32,
    },
    Quota(Quota),
    /// Goes on in a copy.
    Fork,
}

fn key() -> impl Strategy<Value = String> {
    proptest::sample::select(&KEYS[..]).prop_map(str::to_owned)
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        4 => Just(Condition::Always),
        1 => Just(Condition::Absent),
        // Low ones, which are the versions there are.
        2 => (0_u64..12).prop_map(Condition::AtVersion),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (key(), vec(any::<u8>(), 0..12), condition())
            .prop_map(|(key, value, when)| Change::Put { key, value, when }),
        1 => (key(), condition()).prop_map(|(key, when)| Change::Remove { key, when }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let prefix = proptest::sample::select(vec!["", "a", "a/", "aé", "b", "z"]);
    let quota = (0_u32..8, 0_u64..80)
        .prop_map(|(keys_max, bytes_max)| Step::Quota(Quota { keys_max, bytes_max }));
    prop_oneof![
        8 => vec(change(), 1..5).prop_map(Step::Write),
        3 => (prefix, 1_u32..6).prop_map(|(prefix, limit)| Step::Scan { prefix, limit }),
        1 => quota,
        1 => Just(Step::Fork),
    ]
}

/// What should be there.
#[derive(Debug, Clone)]
struct Model {
    entries: BTreeMap<String, (Vec<u8>, u64)>,
    revision: u64,
    quota: Quota,
}

impl Model {
    fn usage(&self) -> Usage {
        let bytes: usize = self.entries.iter().map(|(key, entry)| key.len() + entry.0.len()).sum();
        Usage { keys: self.entries.len().try_into().unwrap(), bytes: bytes as u64 }
    }

    fn write(&mut self, changes: &[Change]) -> Result<u64, String> {
        let mut keys = HashSet::new();
        if let Some(twice) = changes.iter().find(|change| !keys.insert(change.key())) {
            return Err(format!("the write changes `{}` twice", twice.key()));
        }
        let mut next = Self { revision: self.revision + 1, ..self.clone() };
        for change in changes {
            let (Change::Put { key, when, .. } | Change::Remove { key, when }) = change;
            let version = self.entries.get(key).map(|(_, version)| *version);
            let holds = match when {
                Condition::Always => true,
                Condition::Absent => version.is_none(),
                Condition::AtVersion(wanted) => version == Some(*wanted),
            };
            if !holds {
                return Err(format!("`{key}` is not as the change expects"));
            }
            match change {
                Change::Put { value, .. } => {
                    next.entries.insert(key.clone(), (value.clone(), next.revision));
                }
                Change::Remove { .. } => {
                    next.entries.remove(key);
                }
            }
        }
        let (before, after, quota) = (self.usage(), next.usage(), self.quota);
        let full = |max: u64, what| {
            Err(format!("the plugin may keep {max} {what}, and this would be more"))
        };
        if after.keys > quota.keys_max && after.keys > before.keys {
            return full(quota.keys_max.into(), "keys");
        }
        if after.bytes > quota.bytes_max && after.bytes > before.bytes {
            return full(quota.bytes_max, "bytes");
        }
        *self = next;
        Ok(self.revision)
    }

    fn scan(&self, prefix: &str) -> Vec<Entry> {
        let all = self.entries.iter().filter(|(key, _)| key.starts_with(prefix));
        all.map(|(key, (value, version))| Entry {
            key: key.clone(),
            value: value.clone(),
            version: *version,
        })
        .collect()
    }
}

/// Runs `steps` in a new state of `kv`, comparing everything that can be seen after each.
fn check(kv: &Kv, owner: &Arc<str>, steps: Vec<Step>) {
    let state = kv.fork(owner, None).unwrap().state;
    let quota = Quota { keys_max: 7, bytes_max: 70 };
    let mut space = Space { owner: Arc::clone(owner), state, quota };
    let mut model = Model { entries: BTreeMap::new(), revision: 0, quota };
    for step in steps {
        match step {
            Step::Write(changes) => {
                let made = kv.write(&space, &changes).map_err(|error| error.to_string());
                assert_eq!(made, model.write(&changes));
            }
            Step::Scan { prefix, limit } => {
                let expected = model.scan(prefix);
                assert_eq!(scan_all(kv, &space, prefix, limit), expected);
                let page = kv.scan(&space, prefix, limit, None).unwrap();
                let shown = expected.len().min(limit as usize);
                assert_eq!(page.entries, expected[..shown]);
                assert_eq!(page.next.is_some(), shown < expected.len());
            }
            Step::Quota(quota) => (space.quota, model.quota) = (quota, quota),
            Step::Fork => {
                let forked = kv.fork(owner, Some(space.state)).unwrap();
                assert_eq!(forked.revision, model.revision);
                assert!(forked.state > space.state);
                space.state = forked.state;
            }
        }
        assert_eq!(kv.usage(&space).unwrap(), model.usage());
        assert_eq!(kv.revision(owner, space.state).unwrap(), model.revision);
    }
    for key in KEYS {
        let expected = model.scan(key).into_iter().find(|entry| entry.key == key);
        assert_eq!(kv.get(&space, key).unwrap(), expected);
    }
}

#[test]
fn any_steps_leave_what_a_map_would_hold() {
    let home = Home::new();
    let kv = home.kv();
    let owner: Arc<str> = "ax:model".into();
    proptest!(ProptestConfig::with_cases(96), |(steps in vec(step(), 1..40))| {
        check(&kv, &owner, steps);
    });
    home.assert_sums(&kv);
}
