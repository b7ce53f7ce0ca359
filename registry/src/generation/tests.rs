//! Commits, and deaths in the middle of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use ax_manifest::Grant;
use ax_manifest::GrantScope;
use ax_manifest::Identity;
use ax_manifest::Permission;
use fs_err as fs;
use tempfile::TempDir;

use super::*;
use crate::disk::Step;
use crate::lock::LockError;
use crate::lock::sample;

struct Home {
    folder: TempDir,
    lock: HomeLock,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lock = HomeLock::acquire(folder.path(), "test", Duration::ZERO).unwrap();
        Self { folder, lock }
    }

    /// Makes a home with the same generations in it.
    fn copy(&self) -> Self {
        let copy = Self::new();
        copy_folder(&self.path("gen"), &copy.path("gen"));
        fs::copy(self.path("current"), copy.path("current")).unwrap();
        copy
    }

    fn generations(&self) -> Generations {
        Generations::open(self.folder.path())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn commit(&self, seed: u64) -> u64 {
        self.generations().commit(&self.lock, &sample::lock(seed), &grants(seed), now()).unwrap()
    }

    /// Commits as many generations, each with its number as its seed.
    fn commit_up_to(&self, number: u64) {
        for seed in 1..=number {
            assert_eq!(self.commit(seed), seed);
        }
    }

    /// Checks that the current generation is the one of a seed, whole.
    fn assert_current(&self, number: u64, seed: u64) {
        assert_eq!(self.generations().current().unwrap(), generation(number, seed));
    }

    /// Does what an error says; the generation it names is current then, and others follow it.
    fn go_back(&self, refused: &GenerationError, number: u64) {
        let current = self.path("current");
        let typed = format!("echo {number:06} > {}", current.display());
        assert!(refused.hint().unwrap().ends_with(&typed), "{:?}", refused.hint());
        fs::write(current, format!("{number:06}\n")).unwrap();
        self.assert_current(number, number);
        assert_eq!(self.commit(number + 1), number + 1);
        self.assert_current(number + 1, number + 1);
    }

    fn names(&self, folder: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, path) in read::entries(from).unwrap() {
        if path.is_dir() {
            copy_folder(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// Damages the generation in a folder.
type Damaging = fn(&Path);

fn grants(seed: u64) -> Grants {
    let mut grants = Grants::default();
    let name = "ax:metrics".parse().unwrap();
    let source = ax_manifest::Source::Folder("/home/me/metrics".into());
    grants.add(
        Identity { name, source },
        Grant {
            permission: Permission::Kv,
            scope: GrantScope::Always,
            expires_at_ms: None,
            granted_at_ms: seed,
        },
    );
    grants
}

fn generation(number: u64, seed: u64) -> Generation {
    match seed {
        0 => Generation { number, lock: Lockfile::empty(), grants: Grants::default() },
        _ => Generation { number, lock: sample::lock(seed), grants: grants(seed) },
    }
}

#[test]
fn a_new_home_has_an_empty_generation_and_reading_makes_nothing() {
    let home = Home::new();
    home.assert_current(0, 0);
    assert_eq!(home.generations().list().unwrap(), Vec::<u64>::new());
    assert_eq!(home.names("."), BTreeSet::from(["lock".to_owned()]));
    assert!(matches!(home.generations().read(0), Err(GenerationError::Unknown { number: 0 })));
}

#[test]
fn what_was_committed_is_current_and_earlier_ones_stay_readable() {
    let home = Home::new();
    home.commit_up_to(3);
    home.assert_current(3, 3);
    assert_eq!(fs::read_to_string(home.path("current")).unwrap(), "000003\n");
    assert_eq!(home.generations().current_number().unwrap(), 3);
    assert_eq!(home.generations().list().unwrap(), [1, 2, 3]);
    assert_eq!(home.generations().read(2).unwrap(), generation(2, 2));
    assert!(matches!(home.generations().read(4), Err(GenerationError::Unknown { number: 4 })));
    assert_eq!(home.names("gen/000003"), ["grants.toml", "plugins.lock"].map(str::to_owned).into());
}

#[test]
fn the_last_generations_are_kept_and_older_ones_removed() {
    let home = Home::new();
    home.commit_up_to(EARLIER_KEPT + 1);
    assert_eq!(home.generations().list().unwrap(), (1..=EARLIER_KEPT + 1).collect::<Vec<_>>());
    home.commit(99);
    assert_eq!(home.generations().list().unwrap(), (2..=EARLIER_KEPT + 2).collect::<Vec<_>>());
    assert!(matches!(home.generations().read(1), Err(GenerationError::Unknown { number: 1 })));
    assert_eq!(home.names("gen").len() as u64, EARLIER_KEPT + 1);
}

#[test]
fn nothing_is_switched_to_before_it_is_forced_out() {
    let home = Home::new();
    home.commit(1);
    let steps = Arc::new(Mutex::new(Vec::new()));
    let (seen, base) = (Arc::clone(&steps), home.folder.path().to_owned());
    let disk = Disk::watched(move |step| {
        let text = format!("{step:?}").replace(&format!("{}/", base.display()), "");
        let text = text.replace(&base.display().to_string(), ".");
        let text = match text.split_once(".tmp-current-") {
            Some((head, tail)) => format!("{head}.tmp-current-…{}", &tail[6..]),
            None => text,
        };
        seen.lock().unwrap().push(text);
        Ok(())
    });
    Generations::on(disk, home.folder.path())
        .commit(&home.lock, &sample::lock(2), &grants(2), now())
        .unwrap();
    insta::assert_snapshot!(steps.lock().unwrap().join("\n"), @r#"
    MakeFolder("gen/.tmp-000002")
    Write("gen/.tmp-000002/plugins.lock")
    SyncFile("gen/.tmp-000002/plugins.lock")
    Write("gen/.tmp-000002/grants.toml")
    SyncFile("gen/.tmp-000002/grants.toml")
    SyncFolder("gen/.tmp-000002")
    Rename("gen/.tmp-000002", "gen/000002")
    SyncFolder("gen")
    Write(".tmp-current-…")
    SyncFile(".tmp-current-…")
    Rename(".tmp-current-…", "current")
    SyncFolder(".")
    "#);
}

/// A disk that dies before its step number `deadly`, and then loses half of every file that was not
/// forced out, as a power cut does.
fn mortal_disk(deadly: usize) -> (Disk, Arc<Mutex<Mortal>>) {
    let state = Arc::new(Mutex::new(Mortal { left: deadly, ..Mortal::default() }));
    let shared = Arc::clone(&state);
    let disk = Disk::watched(move |step| shared.lock().unwrap().step(step));
    (disk, state)
}

#[derive(Default)]
struct Mortal {
    left: usize,
    dead: bool,
    /// Files written and not forced out.
    unsure: BTreeSet<PathBuf>,
    /// The file that the step before forced out, if it was that step.
    forced: Option<PathBuf>,
}

impl Mortal {
    fn step(&mut self, step: &Step<'_>) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("dead"));
        }
        if let Some(path) = self.forced.take() {
            self.unsure.remove(&path);
        }
        if self.left == 0 {
            self.dead = true;
            for path in &self.unsure {
                if let Ok(file) = fs::OpenOptions::new().write(true).open(path) {
                    let length = file.metadata().unwrap().len();
                    file.set_len(length / 2).unwrap();
                }
            }
            return Err(io::Error::other("dead"));
        }
        self.left -= 1;
        match step {
            Step::Write(path) => drop(self.unsure.insert((*path).to_owned())),
            Step::SyncFile(path) => self.forced = Some((*path).to_owned()),
            _ => {}
        }
        Ok(())
    }
}

/// Kills a commit before each of its steps in turn; gives how many steps it has.
fn kill_everywhere(earlier: u64, prepare: impl Fn(&Home)) -> usize {
    let original = Home::new();
    original.commit_up_to(earlier);
    for deadly in 0.. {
        let home = if earlier == 0 { Home::new() } else { original.copy() };
        prepare(&home);
        let (disk, state) = mortal_disk(deadly);
        let outcome = Generations::on(disk, home.folder.path()).commit(
            &home.lock,
            &sample::lock(77),
            &grants(77),
            now(),
        );
        let died = state.lock().unwrap().dead;
        assert_eq!(outcome.is_err(), died, "{deadly}: {outcome:?}");

        let found = home.generations().current().unwrap();
        let (old, new) = (generation(earlier, earlier), generation(earlier + 1, 77));
        assert!(found == new || (died && found == old), "{deadly}: {found:?}");
        for number in home.generations().list().unwrap() {
            home.generations().read(number).unwrap();
        }
        // The next commit succeeds and leaves nothing of the dead one behind.
        let next = home.commit(88);
        assert_eq!(next, found.number + 1);
        home.assert_current(next, 88);
        assert!(home.names("gen").iter().all(|name| !name.starts_with(UNFINISHED)));
        assert_eq!(home.names("."), ["current", "gen", "lock"].map(str::to_owned).into());
        let listed = home.generations().list().unwrap();
        assert_eq!(listed.len(), home.names("gen").len());
        if !died {
            return deadly;
        }
    }
    unreachable!("a commit has an end")
}

#[test]
fn a_death_in_the_first_commit_leaves_nothing_or_all_of_it() {
    assert_eq!(kill_everywhere(0, |_| {}), 18);
}

#[test]
fn a_death_in_a_later_commit_leaves_the_old_or_the_new() {
    assert_eq!(kill_everywhere(2, |_| {}), 12);
}

#[test]
fn a_death_while_old_generations_are_removed_harms_no_other() {
    kill_everywhere(EARLIER_KEPT + 1, |home| {
        fs::create_dir(home.path("gen/000099")).unwrap();
        fs::create_dir(home.path("gen/.tmp-removed-0")).unwrap();
        fs::write(home.path("gen/.tmp-removed-0/plugins.lock"), "half").unwrap();
        fs::write(home.path(".tmp-current-abcdef"), "half").unwrap();
    });
}

#[test]
fn what_a_dead_commit_left_is_not_listed_and_not_read() {
    let home = Home::new();
    home.commit_up_to(2);
    fs::rename(home.path("gen/000002"), home.path("gen/000003")).unwrap();
    fs::write(home.path("current"), "000001\n").unwrap();
    assert_eq!(home.generations().list().unwrap(), [1]);
    assert!(matches!(home.generations().read(3), Err(GenerationError::Unknown { number: 3 })));
    assert_eq!(home.commit(5), 2);
    assert_eq!(home.generations().list().unwrap(), [1, 2]);
}

#[test]
fn a_damaged_generation_is_told_with_the_newest_that_is_whole() {
    let damages: [(&str, Damaging); 6] = [
        ("is missing", |path| fs::remove_file(path.join(LOCK)).unwrap()),
        ("is missing", |path| fs::remove_dir_all(path).unwrap()),
        ("is not a lock file", |path| fs::write(path.join(LOCK), "version = 1\nx = 1").unwrap()),
        ("is not text", |path| fs::write(path.join(LOCK), [0xff]).unwrap()),
        ("does not hold grants: line 1, column 1", |path| {
            fs::write(path.join(GRANTS), "grants = 1").unwrap();
        }),
        ("has more than", |path| {
            let file = fs::OpenOptions::new().write(true).open(path.join(GRANTS)).unwrap();
            file.set_len(GRANTS_BYTES_MAX + 1).unwrap();
        }),
    ];
    for (wanted, damage) in damages {
        let home = Home::new();
        home.commit_up_to(4);
        damage(&home.path("gen/000004"));
        fs::write(home.path("gen/000003/grants.toml"), "[").unwrap();
        let refused = home.generations().current().unwrap_err();
        let GenerationError::Damaged { number: 4, intact: Some(2), source } = &refused else {
            panic!("{refused:?}")
        };
        assert!(source.to_string().contains(wanted), "{source}");
        home.go_back(&refused, 2);
    }
}

#[test]
fn a_lock_of_a_newer_ax_is_left_alone() {
    let home = Home::new();
    home.commit(1);
    let path = home.path("gen/000001/plugins.lock");
    fs::write(&path, "version = 3\n").unwrap();
    let refused = home.generations().current().unwrap_err();
    assert_eq!(refused.hint(), LockError::Newer { found: 2 }.hint());
    assert_eq!(fs::read_to_string(&path).unwrap(), "version = 3\n");
}

#[test]
fn a_current_that_names_nothing_is_told_with_the_newest_that_is_whole() {
    let texts = [
        "",
        "1",
        "000002",
        "000002\n\n",
        "2\n",
        "0000002\n",
        "-00002\n",
        "\u{1b}[2J\n",
        "+00002\n",
    ];
    let mut contents: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    contents.extend([vec![0xff], vec![b'1'; 1000], b"1000000000000\n".to_vec()]);
    for content in contents {
        let home = Home::new();
        home.commit_up_to(2);
        fs::write(home.path("current"), &content).unwrap();
        let refused = home.generations().current().unwrap_err();
        assert!(matches!(refused, GenerationError::Current { intact: Some(2), .. }), "{content:?}");
        assert!(!refused.to_string().contains('\u{1b}'));
        let commit = home.generations().commit(&home.lock, &sample::lock(3), &grants(3), now());
        assert!(matches!(commit, Err(GenerationError::Current { .. })));
        home.go_back(&refused, 2);
    }
}

#[test]
fn a_missing_current_is_damage_once_there_are_generations() {
    let home = Home::new();
    home.commit(1);
    fs::remove_file(home.path("current")).unwrap();
    let refused = home.generations().current().unwrap_err();
    assert!(matches!(refused, GenerationError::Current { intact: Some(1), .. }));
    fs::remove_file(home.path("gen/000001/grants.toml")).unwrap();
    let refused = home.generations().current().unwrap_err();
    assert!(matches!(refused, GenerationError::Current { intact: None, .. }));
    let path = home.path("").display().to_string();
    let home_path = path.trim_end_matches('/');
    let begin_anew = format!("mv {home_path}/gen {home_path}/gen.old && rm -f {home_path}/current");
    assert!(refused.hint().unwrap().ends_with(&begin_anew), "{:?}", refused.hint());
}

#[test]
fn a_current_that_names_a_removed_generation_is_damage() {
    let home = Home::new();
    home.commit_up_to(2);
    fs::write(home.path("current"), "000009\n").unwrap();
    let refused = home.generations().current().unwrap_err();
    assert!(matches!(refused, GenerationError::Damaged { number: 9, intact: Some(2), .. }));
}

#[test]
fn a_commit_needs_the_lock_of_this_home() {
    let (home, other) = (Home::new(), Home::new());
    let refused = home.generations().commit(&other.lock, &sample::lock(1), &grants(1), now());
    assert!(matches!(refused, Err(GenerationError::WrongLock { .. })));
    home.commit(1);
    let refused = home.generations().commit(&other.lock, &sample::lock(2), &grants(2), now());
    assert!(matches!(refused, Err(GenerationError::WrongLock { .. })));
    home.assert_current(1, 1);
}

#[test]
fn a_lock_that_cannot_be_written_changes_nothing() {
    let home = Home::new();
    home.commit(1);
    let newer = Lockfile { version: 3, ..Lockfile::empty() };
    let refused = home.generations().commit(&home.lock, &newer, &grants(1), now());
    assert!(matches!(refused, Err(GenerationError::Unwritable { number: 2, .. })));
    let refused = home.generations().commit(&home.lock, &sample::lock(2), &grants(u64::MAX), now());
    assert!(matches!(refused, Err(GenerationError::UnwritableGrants { number: 2, .. })));
    home.assert_current(1, 1);
    assert_eq!(home.generations().list().unwrap(), [1]);
}

#[test]
fn numbers_have_an_end_and_say_so() {
    let home = Home::new();
    home.commit(1);
    let last = NUMBER_END - 1;
    fs::rename(home.path("gen/000001"), home.path(&format!("gen/{last}"))).unwrap();
    fs::write(home.path("current"), format!("{last}\n")).unwrap();
    home.assert_current(last, 1);
    let refused = home.generations().commit(&home.lock, &sample::lock(2), &grants(2), now());
    assert!(matches!(refused, Err(GenerationError::Current { .. })));
    home.assert_current(last, 1);
}

#[test]
#[cfg(unix)]
fn what_is_written_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.commit(1);
    let mode = |name| fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    for folder in ["gen", "gen/000001"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["current", "gen/000001/plugins.lock", "gen/000001/grants.toml"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

/// A lock of plugins by name with the number of their data; 0 for one that keeps none.
fn keeping<const N: usize>(plugins: [(&str, u64); N]) -> Lockfile {
    sample::of(plugins.map(|(name, state)| {
        let plugin = sample::plugin(state, &["kv"]);
        (name, crate::lock::LockedPlugin { state, ..plugin })
    }))
}

fn commit_keeping<const N: usize>(home: &Home, plugins: [(&str, u64); N]) -> u64 {
    home.generations().commit(&home.lock, &keeping(plugins), &Grants::default(), now()).unwrap()
}

/// Makes a generation look committed some hours before [`now`].
fn made_hours_ago(home: &Home, number: u64, hours: u64) {
    let folder = fs::File::open(home.path(&format!("gen/{number:06}"))).unwrap();
    folder.file().set_modified(now() - Duration::from_secs(hours * 3_600)).unwrap();
}

fn now() -> std::time::SystemTime {
    std::time::UNIX_EPOCH + Duration::from_secs(2_000_000_000)
}

/// Sorts with generations taken to be in use for an hour longer; shows what becomes of each.
fn fates(home: &Home, last: u64, data: bool) -> String {
    let in_use_since = now() - Duration::from_secs(3_600);
    let sorted = home.generations().sorted(&Retention { last, in_use_since, data }).unwrap();
    let mut fates: Vec<(u64, String)> = sorted
        .kept
        .iter()
        .map(|(generation, kept_for)| {
            let why = match kept_for {
                KeptFor::Current => "current".to_owned(),
                KeptFor::Last => "last".to_owned(),
                KeptFor::Recent => "recent".to_owned(),
                KeptFor::Data(identity) => format!("data of {}", identity.name),
            };
            (generation.number, why)
        })
        .collect();
    fates.extend(sorted.outlived.iter().map(|number| (*number, "goes".to_owned())));
    fates.extend(sorted.damaged.iter().map(|(number, _)| (*number, "damaged".to_owned())));
    fates.sort();
    fates.iter().map(|(number, fate)| format!("{number}: {fate}\n")).collect()
}

#[test]
fn the_current_the_last_and_the_recent_stay() {
    let home = Home::new();
    home.commit_up_to(6);
    for (number, hours) in [(1, 50), (2, 40), (3, 30), (4, 1), (5, 0), (6, 0)] {
        made_hours_ago(&home, number, hours);
    }
    // Generation 3 was current until 4 was made, an hour ago to the second.
    insta::assert_snapshot!(fates(&home, 2, true), @r"
    1: goes
    2: goes
    3: recent
    4: recent
    5: last
    6: current
    ");
    for number in 4..=6 {
        made_hours_ago(&home, number, 2);
    }
    for last in [0, 1] {
        assert_eq!(fates(&home, last, true).matches("goes").count(), 5, "the current one stays");
    }
    assert_eq!(fates(&home, 6, true).matches("goes").count(), 0);
    assert_eq!(fates(&home, u64::MAX, true).matches("goes").count(), 0);
}

#[test]
fn what_was_committed_in_the_future_counts_as_recent() {
    let home = Home::new();
    home.commit_up_to(2);
    let folder = fs::File::open(home.path("gen/000002")).unwrap();
    folder.file().set_modified(now() + Duration::from_secs(1_000_000)).unwrap();
    assert_eq!(fates(&home, 1, true), "1: recent\n2: current\n");
}

#[test]
fn the_last_one_that_names_a_plugins_data_stays_unless_data_go_too() {
    let home = Home::new();
    commit_keeping(&home, [("ax:gone", 1), ("ax:here", 1)]);
    commit_keeping(&home, [("ax:gone", 2), ("ax:here", 1)]);
    commit_keeping(&home, [("ax:here", 2), ("ax:none", 0)]);
    commit_keeping(&home, [("ax:here", 2)]);
    for number in 1..=4 {
        made_hours_ago(&home, number, 10);
    }
    assert_eq!(fates(&home, 1, true), "1: goes\n2: data of ax:gone\n3: goes\n4: current\n");
    assert_eq!(fates(&home, 1, false), "1: goes\n2: goes\n3: goes\n4: current\n");
}

#[test]
fn what_cannot_be_read_does_not_go_and_names_nothing() {
    let home = Home::new();
    commit_keeping(&home, [("ax:gone", 1)]);
    commit_keeping(&home, [("ax:gone", 2)]);
    commit_keeping(&home, []);
    fs::write(home.path("gen/000002/plugins.lock"), "version = ").unwrap();
    for number in 1..=3 {
        made_hours_ago(&home, number, 10);
    }
    // The damaged one may have been the last that names the data; the one before stays in its place.
    assert_eq!(fates(&home, 1, true), "1: data of ax:gone\n2: damaged\n3: current\n");
    fs::write(home.path("gen/000003/plugins.lock"), "version = ").unwrap();
    let retention = Retention { last: 1, in_use_since: now(), data: true };
    let refused = home.generations().sorted(&retention);
    assert!(matches!(refused, Err(GenerationError::Damaged { number: 3, .. })));
}

#[test]
fn nothing_is_sorted_where_nothing_was_committed() {
    let home = Home::new();
    assert_eq!(fates(&home, 1, true), "");
    assert_eq!(home.names("."), BTreeSet::from(["lock".to_owned()]));
}

#[test]
fn commits_keep_the_last_generation_that_names_a_state_of_a_plugins_data() {
    let home = Home::new();
    commit_keeping(&home, [("ax:gone", 1), ("ax:here", 1)]);
    commit_keeping(&home, [("ax:gone", 2), ("ax:here", 1)]);
    commit_keeping(&home, [("ax:gone", 2), ("ax:here", 1)]);
    for _ in 0..2 * EARLIER_KEPT {
        commit_keeping(&home, [("ax:here", 1)]);
    }
    let listed = home.generations().list().unwrap();
    assert_eq!(listed[..3], [1, 3, EARLIER_KEPT + 3], "{listed:?}");
    assert_eq!(listed.len() as u64, EARLIER_KEPT + 3);
    // Installed again, it is named again.
    commit_keeping(&home, [("ax:gone", 2), ("ax:here", 1)]);
    assert_eq!(home.generations().list().unwrap()[..2], [1, EARLIER_KEPT + 4]);
}

#[test]
fn commits_keep_what_was_current_a_moment_ago_however_many_follow() {
    let home = Home::new();
    home.commit_up_to(EARLIER_KEPT + 5);
    for number in 6..=EARLIER_KEPT + 5 {
        made_hours_ago(&home, number, if number < 8 { 2 } else { 0 });
    }
    let hour_ago = now() - Duration::from_secs(3_600);
    let commit = |seed| {
        let (lock, grants) = (sample::lock(seed), grants(seed));
        home.generations().commit(&home.lock, &lock, &grants, hour_ago).unwrap()
    };
    for seed in 1..=3 {
        let number = commit(seed);
        made_hours_ago(&home, number, 0);
    }
    // Generation 7 was current until 8 was made, within the hour.
    let listed = home.generations().list().unwrap();
    assert_eq!(listed, (7..=EARLIER_KEPT + 8).collect::<Vec<_>>());
}

#[test]
fn commits_without_end_do_not_keep_all_of_the_last_hour() {
    let home = Home::new();
    home.commit(1);
    let current = RECENT_KEPT + 5;
    fs::rename(home.path("gen/000001"), home.path(&format!("gen/{current:06}"))).unwrap();
    for number in 4..8 {
        copy_folder(
            &home.path(&format!("gen/{current:06}")),
            &home.path(&format!("gen/{number:06}")),
        );
    }
    fs::write(home.path("current"), format!("{current:06}\n")).unwrap();
    let long_ago = std::time::UNIX_EPOCH;
    let (lock, grants) = (sample::lock(2), grants(2));
    home.generations().commit(&home.lock, &lock, &grants, long_ago).unwrap();
    assert_eq!(home.generations().list().unwrap(), [6, 7, current, current + 1]);
}

#[test]
fn commits_leave_an_old_generation_that_cannot_be_read() {
    let home = Home::new();
    home.commit_up_to(EARLIER_KEPT);
    fs::write(home.path("gen/000001/plugins.lock"), "version = ").unwrap();
    for _ in 0..3 {
        home.commit(7);
    }
    let listed = home.generations().list().unwrap();
    assert_eq!(listed[..2], [1, 3]);
}
