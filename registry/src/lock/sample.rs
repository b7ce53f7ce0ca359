//! Locks for tests.

use ax_manifest::Digest;
use ax_manifest::LimitRequests;
use ax_manifest::Permission;
use ax_manifest::PluginName;
use ax_manifest::Source;

use super::LockedPlugin;
use super::Lockfile;

/// Gives a plugin that differs by a seed in its digests and its time.
pub(crate) fn plugin(seed: u64, permissions: &[&str]) -> LockedPlugin {
    let digest = |what: &str| Digest::of(format!("{what} {seed}").as_bytes());
    let permissions = permissions.iter().map(|text| text.parse::<Permission>().expect(text));
    LockedPlugin {
        version: semver::Version::new(0, 3, seed),
        source: Source::Folder("/home/me/metrics".into()),
        package: digest("package"),
        component: digest("component"),
        interface: digest("interface"),
        config: digest("config"),
        card: digest("card"),
        installed_at_ms: seed,
        enabled: true,
        permissions: permissions.collect(),
        limits: LimitRequests::default(),
        kv_bytes: None,
        models_raised: false,
        state: 0,
    }
}

/// Gives a lock of one plugin.
pub(crate) fn lock(seed: u64) -> Lockfile {
    of([("ax:metrics", plugin(seed, &["fs:workspace:read"]))])
}

/// Gives a lock of some plugins.
pub(crate) fn of<const N: usize>(plugins: [(&str, LockedPlugin); N]) -> Lockfile {
    let name = |name: &str| name.parse::<PluginName>().expect(name);
    let plugins = plugins.map(|(text, plugin)| (name(text), plugin)).into();
    Lockfile { plugins, ..Lockfile::empty() }
}
