//! Limits at their last value and one beyond, and any bytes at all.

use proptest::prelude::any;
use proptest::prelude::proptest;
use proptest::test_runner::Config as Runs;

use super::World;
use crate::config::ConfigError;
use crate::config::FOLDERS_MAX;
use crate::config::FileFlaw;
use crate::config::NETWORKS_MAX;
use crate::config::SETTINGS_BYTES_MAX;
use crate::config::SETTINGS_KEY_BYTES_MAX;
use crate::config::document::place_of;
use crate::config::project;
use crate::config::user;

fn flaw(world: &World) -> Option<FileFlaw> {
    match world.try_load() {
        Ok(_) => None,
        Err(ConfigError::Wrong { flaw, .. }) => Some(*flaw),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_sandbox_stays_within_its_ranges() {
    for (key, min, max) in
        [("memory-percent", 1, 90), ("instances", 1, 10_000), ("threads", 1, 256)]
    {
        let of = |number: i64| flaw(&World::new().user(format!("[sandbox]\n{key} = {number}")));
        assert_eq!((of(min), of(max)), (None, None), "{key}");
        for beyond in [min - 1, max + 1, i64::MIN, i64::MAX] {
            assert!(matches!(of(beyond), Some(FileFlaw::Range { .. })), "{key} {beyond}");
        }
    }
}

#[test]
fn the_default_of_threads_is_the_cores_within_its_range() {
    let world = World::new();
    for (cores, threads) in [(0, 1), (1, 1), (256, 256), (u32::MAX, 256)] {
        let environment = |name: &str| world.variables.get(name).cloned();
        let config = crate::config::load(&world.overrides, environment, &world.top, cores);
        assert_eq!(config.expect("loaded").sandbox.threads.value, threads);
    }
}

#[test]
fn a_plugin_is_told_at_most_64_kib() {
    // `{"a":"…"}` is 8 bytes around the text.
    let of = |bytes: usize| format!("[plugins.'ax:echo']\na = '{}'", "x".repeat(bytes - 8));
    assert_eq!(flaw(&World::new().user(of(SETTINGS_BYTES_MAX))), None);
    let Some(FileFlaw::SettingsTooLarge { bytes, .. }) =
        flaw(&World::new().user(of(SETTINGS_BYTES_MAX + 1)))
    else {
        panic!("too large");
    };
    assert_eq!(bytes, SETTINGS_BYTES_MAX + 1);
}

#[test]
fn two_files_together_tell_a_plugin_at_most_64_kib() {
    // `{"a":"…","b":"…"}` is 15 bytes around the texts.
    let of =
        |key: &str, bytes: usize| format!("[plugins.'ax:echo']\n{key} = '{}'", "x".repeat(bytes));
    let half = (SETTINGS_BYTES_MAX - 15) / 2;
    let rest = SETTINGS_BYTES_MAX - 15 - half;
    let world = World::new().user(of("a", half)).project(of("b", rest));
    assert_eq!(flaw(&world), None);
    let world = world.project(of("b", rest + 1));
    let error = world.try_load().expect_err("too large").to_string();
    assert!(world.short(&error).starts_with("@/work/ax.toml:1:10: "), "{error}");
    // A key that replaces another does not count twice.
    let world = World::new().user(of("a", half)).project(of("a", SETTINGS_BYTES_MAX - 8));
    assert_eq!(flaw(&world), None);
}

#[test]
fn a_key_has_at_most_128_bytes() {
    let of = |bytes: usize| {
        flaw(&World::new().user(format!("[plugins.'ax:echo']\n{} = 1", "k".repeat(bytes))))
    };
    assert_eq!(of(SETTINGS_KEY_BYTES_MAX), None);
    assert!(matches!(of(SETTINGS_KEY_BYTES_MAX + 1), Some(FileFlaw::LongKey { .. })));
}

#[test]
fn at_most_64_folders_have_names() {
    let user = |count: usize| {
        let lines = (0..count).map(|n| format!("f{n} = '/srv/{n}'\n"));
        World::new().user(format!("[folders]\n{}", lines.collect::<String>()))
    };
    assert_eq!(user(FOLDERS_MAX).load().folders.len(), FOLDERS_MAX);
    let flaw_of_65 = flaw(&user(FOLDERS_MAX + 1));
    assert!(matches!(flaw_of_65, Some(FileFlaw::TooManyFolders { max: FOLDERS_MAX })));
    let with_flag = |name: &str| {
        let flag = (name.to_owned(), "/srv".into());
        user(FOLDERS_MAX).flag(|flags| flags.folders = vec![flag]).try_load()
    };
    assert!(with_flag("f0").is_ok());
    assert!(matches!(with_flag("other"), Err(ConfigError::Flag { flag: "--folder", .. })));
    let many = (0..=FOLDERS_MAX).map(|n| (format!("f{n}"), "/srv".into())).collect();
    let error = World::new().flag(|flags| flags.folders = many).try_load();
    assert!(matches!(error, Err(ConfigError::Flag { flag: "--folder", .. })));
}

#[test]
fn at_most_64_networks_are_opened() {
    let user = |count: usize| {
        let items = (0..count).map(|n| format!("'10.{n}.0.0/16', ")).collect::<String>();
        World::new().user(format!("[network]\nopen = [{items}]"))
    };
    assert_eq!(user(NETWORKS_MAX).load().network.open.value.len(), NETWORKS_MAX);
    let beyond = flaw(&user(NETWORKS_MAX + 1));
    assert_eq!(beyond, Some(FileFlaw::TooManyNetworks { max: NETWORKS_MAX }));
}

#[test]
fn a_projects_name_has_at_most_64_characters() {
    let of = |chars: usize| {
        flaw(&World::new().project(format!("[project]\nname = '{}'", "é".repeat(chars))))
    };
    assert_eq!(of(64), None);
    assert!(matches!(of(65), Some(FileFlaw::ProjectName { .. })));
}

#[test]
fn nesting_of_mixed_kinds_is_refused_and_given_back() {
    let keys = "a.".repeat(70);
    let mut text = format!("[plugins.'ax:echo'.{keys}a]\n{keys}a = ");
    text.push_str(&format!("{{{keys}a = ").repeat(70));
    text.push_str(&"[".repeat(70));
    let flaw_of_open = flaw(&World::new().project(&text));
    assert!(matches!(flaw_of_open, Some(FileFlaw::Syntax { .. })), "{flaw_of_open:?}");

    let mut text = format!("[plugins.'ax:echo']\n{keys}a = ");
    text.push_str(&format!("{{{keys}a = ").repeat(70));
    text.push('1');
    text.push_str(&"}".repeat(70));
    assert!(matches!(flaw(&World::new().project(&text)), Some(FileFlaw::TooDeep { .. })));
}

#[test]
fn values_are_64_levels_deep_and_not_65() {
    let of = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        flaw(&World::new().user(format!("[plugins.'ax:echo']\na = {open}1{close}")))
    };
    assert_eq!(of(64), None);
    assert!(matches!(of(65), Some(FileFlaw::TooDeep { max: 64 })));
}

/// Parses a text as either file and asks for everything an error can say.
fn read_both(text: &str) {
    let here = std::path::Path::new("/here");
    let errors = [user::parse(text, Some(here)).err(), project::parse(text, here).err()];
    for error in errors.into_iter().flatten() {
        let (line, column) = place_of(text, error.at);
        assert!(line >= 1 && column >= 1);
        drop((error.flaw.to_string(), error.flaw.hint()));
    }
}

proptest! {
    #![proptest_config(Runs::with_cases(64))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let world = World::new().user(&bytes).project(&bytes);
        drop(world.try_load().map_err(|error| (error.to_string(), error.hint())));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        read_both(&text);
    }

    #[test]
    fn any_table_is_read_or_refused(
        lines in proptest::collection::vec(
            "(\\[(folders|sandbox|network|plugins\\.\"ax:[a-z]{1,3}\"|project)\\]\
              |(color|data|threads|open|ca-file|name|[a-z.\"]{0,5}) ?= ?('[~/a-z]{0,4}'|-?[0-9]{0,22}|\\[\\]|\\{\\}|true|nan|1e9))",
            0..6,
        )
    ) {
        read_both(&lines.join("\n"));
    }

    #[test]
    fn any_variable_is_read_or_refused(value in "\\PC{0,20}", which in 0_usize..12) {
        let names = ["AX_HOME", "AX_CONFIG", "AX_WORKSPACE", "AX_COLOR", "AX_JSON", "AX_QUIET",
            "AX_VERBOSE", "AX_NO_INPUT", "AX_YES", "CI", "NO_COLOR", "XDG_DATA_HOME"];
        let lookup = |name: &str| match name {
            "HOME" => Some("/nobody/at/all".to_owned()),
            name => (name == names[which]).then(|| value.clone()),
        };
        let here = std::path::Path::new("/nobody/at/all");
        let loaded = crate::config::load(&crate::config::Overrides::default(), lookup, here, 1);
        drop(loaded.map(|config| config.rows()).map_err(|error| (error.to_string(), error.hint())));
    }
}
