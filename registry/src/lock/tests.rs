//! The text of locks, and what differs between two.

use ax_manifest::ByteSize;
use ax_manifest::Source;
use proptest::collection::btree_map;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::sample;
use super::*;

const PERMISSIONS: [&str; 6] = [
    "kv",
    "fs:workspace:read",
    "fs:out:write",
    "env:LANG",
    "net:https://api.github.com:GET,HEAD:/repos/**",
    "tools:ax:fetch.*",
];

fn malformed(text: &str) -> String {
    match Lockfile::parse(text) {
        Err(error @ LockError::Malformed { .. }) => {
            assert!(error.hint().is_some());
            error.to_string()
        }
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_lock_reads_like_this() {
    let mut plugin = sample::plugin(1, &["kv", "fs:workspace:read"]);
    plugin.limits.memory = Some(ByteSize(128 * 1024 * 1024));
    let lock = sample::of([("ax:metrics", plugin)]);
    insta::assert_snapshot!(lock.to_text().unwrap(), @r#"
    # Written by `ax`; not edited by hand. `ax plugin list` shows it.
    version = 2

    [plugins."ax:metrics"]
    version = "0.3.1"
    source = "folder:/home/me/metrics"
    package = "sha256:a33c689cfa399003b853ec27f49a48fdf736a0e30d6a0e5feceb0e7772196b11"
    component = "sha256:19adb2f1c7176c2b52a5ab9bd78b886c9529cb3c73b1467bf40879690f621a19"
    interface = "sha256:9206fd2519df16fc8cd489384af9bb572d2808d6911641f6ce1a85be8fb5b43a"
    config = "sha256:b601cf217866eddffdb465fad6f48ce6d8f2a4e99d95a04b0c9a6fe405222f2b"
    card = "sha256:b6595b641b90d8f0d5cd00ab859e8d0803d8728e8b043fa1e73a2c1f9b4b5592"
    installed-at = 1
    enabled = true
    permissions = ["kv", "fs:workspace:read"]

    [plugins."ax:metrics".limits]
    memory = "128 MiB"
    "#);
}

#[test]
fn an_empty_lock_is_a_lock() {
    let text = Lockfile::empty().to_text().unwrap();
    assert_eq!(Lockfile::parse(&text).unwrap(), Lockfile::empty());
    assert_eq!(Lockfile::parse("version = 2").unwrap(), Lockfile::default());
    assert_eq!(Lockfile::parse("version = 1").unwrap(), Lockfile::default(), "the form before");
}

#[test]
fn plugins_stand_in_order_of_their_names() {
    let plugin = || sample::plugin(1, &[]);
    let text = sample::of([("b:a", plugin()), ("a:b", plugin())]).to_text().unwrap();
    assert!(text.find("\"a:b\"").unwrap() < text.find("\"b:a\"").unwrap());
}

#[test]
fn a_newer_lock_is_recognised_whatever_it_holds() {
    for text in
        ["version = 3", "version = 4294967295\n[worlds.x]\ny = 1", "plugins = 3\nversion = 3"]
    {
        let refused = Lockfile::parse(text).unwrap_err();
        assert!(matches!(refused, LockError::Newer { .. }), "{text}");
        assert!(refused.hint().unwrap().contains("upgrade `ax`"));
    }
    let refused = Lockfile::parse("version = 0").unwrap_err();
    assert_eq!(refused, LockError::UnknownVersion { found: 0 });
}

#[test]
fn unknown_keys_are_refused_with_their_place() {
    let text = sample::lock(1).to_text().unwrap();
    assert_eq!(
        malformed(&text.replace("enabled = true", "enabled = true\nenable = true")),
        "plugins.lock:14:1: unknown field `enable`, expected one of `version`, `source`, `package`, \
         `component`, `interface`, `config`, `card`, `installed-at`, `enabled`, `permissions`, \
         `limits`, `kv-bytes`, `models-raised`, `state`"
    );
    assert!(malformed(&format!("extra = 1\n{text}")).contains("unknown field `extra`"));
}

#[test]
fn wrong_values_are_refused() {
    let text = sample::lock(1).to_text().unwrap();
    for (from, to) in [
        ("\"ax:metrics\"", "\"metrics\""),
        ("sha256:", "md5:"),
        ("fs:workspace:read", "fs:workspace"),
        ("0.3.1", "0.3"),
        ("folder:/home", "folder:home"),
        ("enabled = true", "enabled = 1"),
        ("installed-at = 1", "installed-at = -1"),
        ("installed-at = 1", "installed-at = 1\ninstalled-at = 1"),
        ("version = 2", "version = \"2\""),
    ] {
        assert!(text.contains(from), "{from}");
        malformed(&text.replacen(from, to, 1));
    }
    malformed("");
    malformed("version = 2\n[[plugins]]\n");
    malformed(&format!("version = 2\nplugins = {}", "[".repeat(100_000)));
    assert!(!malformed("version = 2\n\"\\u001B[2J\" = 1").contains('\u{1b}'));
}

#[test]
fn a_lock_may_fill_its_bound_and_not_pass_it() {
    let max = usize::try_from(LOCK_BYTES_MAX).unwrap();
    let comment = |bytes: usize| {
        let text = "version = 2\n#";
        format!("{text}{}", "x".repeat(bytes - text.len()))
    };
    Lockfile::parse(&comment(max)).unwrap();
    let refused = Lockfile::parse(&comment(max + 1)).unwrap_err();
    assert_eq!(refused, LockError::TooLarge { bytes: LOCK_BYTES_MAX + 1, max: LOCK_BYTES_MAX });
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let newer = Lockfile { version: 3, ..Lockfile::empty() };
    assert_eq!(newer.to_text(), Err(LockError::Newer { found: 3 }));
    let mut plugin = sample::plugin(1, &[]);
    plugin.source = Source::Folder("/home/\u{1b}[2J".into());
    let refused = sample::of([("ax:a", plugin)]).to_text();
    assert!(matches!(refused, Err(LockError::Unwritable { .. })), "{refused:?}");
}

#[test]
fn equal_locks_differ_in_nothing() {
    assert!(sample::lock(1).difference(&sample::lock(1)).is_empty());
}

#[test]
fn each_plugin_that_differs_is_named_once_with_its_permissions() {
    let older = sample::of([
        ("ax:gone", sample::plugin(1, &[])),
        ("ax:kept", sample::plugin(1, &["kv"])),
        ("ax:wider", sample::plugin(1, &["fs:out:read", "kv"])),
    ]);
    let newer = sample::of([
        ("ax:kept", sample::plugin(1, &["kv"])),
        ("ax:new", sample::plugin(1, &[])),
        ("ax:wider", sample::plugin(2, &["fs:out:write"])),
    ]);
    let difference = older.difference(&newer);
    let names = |names: &[PluginName]| names.iter().map(PluginName::to_string).collect::<Vec<_>>();
    assert_eq!(names(&difference.added), ["ax:new"]);
    assert_eq!(names(&difference.removed), ["ax:gone"]);
    let [change] = difference.changed.as_slice() else { panic!("{difference:?}") };
    assert_eq!(change.name.to_string(), "ax:wider");
    assert!(!change.is_another_identity());
    let texts =
        |list: &[ax_manifest::Permission]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&change.permissions.added), ["fs:out:write"]);
    assert_eq!(texts(&change.permissions.removed), ["kv"]);
}

#[test]
fn from_another_source_every_permission_is_new() {
    let older = sample::lock(1);
    let mut plugin = sample::plugin(1, &["fs:workspace:read"]);
    plugin.source = Source::Folder("/tmp/other".into());
    let difference = older.difference(&sample::of([("ax:metrics", plugin)]));
    let [change] = difference.changed.as_slice() else { panic!("{difference:?}") };
    assert!(change.is_another_identity());
    assert_eq!(change.permissions.added.len(), 1);
    assert_eq!(change.permissions.removed.len(), 1);
}

prop_compose! {
    fn plugins()(
        seed in 0..=u64::try_from(i64::MAX).unwrap(),
        permissions in vec(select(&PERMISSIONS[..]), 0..4),
        enabled in any::<bool>(),
        folder in "/home/[ -.0-~é漢]{1,20}x",
        memory in proptest::option::of(1_u64 << 16..=1 << 32),
    ) -> LockedPlugin {
        let mut plugin = sample::plugin(seed, &permissions);
        plugin.enabled = enabled;
        plugin.source = Source::Folder(folder.into());
        plugin.limits.memory = memory.map(ByteSize);
        plugin
    }
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same_lock(
        plugins in btree_map("[a-z]{1,8}:[a-z]{1,8}", plugins(), 0..6),
    ) {
        let plugins = plugins.into_iter().map(|(name, plugin)| (name.parse().unwrap(), plugin));
        let lock = Lockfile { plugins: plugins.collect(), ..Lockfile::empty() };
        let text = lock.to_text().unwrap();
        let read = Lockfile::parse(&text).unwrap();
        prop_assert_eq!(&read, &lock);
        prop_assert_eq!(read.to_text().unwrap(), text);
    }

    #[test]
    fn random_text_never_panics(text in "(version = 2\n)?[\\[\\]{}\",.=a-z:0-9\n\\\\ é-]{0,200}") {
        let _refused_or_not = Lockfile::parse(&text);
    }
}
