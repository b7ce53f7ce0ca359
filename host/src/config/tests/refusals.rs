//! What is refused, where, why, and what to type.

use std::path::PathBuf;

use super::World;
use crate::config::ConfigError;
use crate::config::FileFlaw;

/// Joins the refusals of several files, each by what was written.
fn refusals(texts: &[&str], world: fn(World, &str) -> World) -> String {
    let refusal = |text: &&str| world(World::new(), text).refusal();
    texts.iter().map(refusal).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn a_project_cannot_relax_anything() {
    let texts = [
        "folders.data = '/'",
        "[sandbox]\nthreads = 1",
        "[network]\nopen = ['10.0.0.0/8']",
        "color = 'never'",
        "home = '/tmp'",
        "workspace = '/'",
        "yes = true",
        "[providers]",
        "[router]\nprimary = 'evil/model'",
        "[permissions]",
    ];
    insta::assert_snapshot!(refusals(&texts, |world, text| world.project(text)), @r#"
    @/work/ax.toml:1:1: a project file may not set `folders`: it can come from a stranger, so it cannot relax anything
    hint: move it into the user file `@/me/.config/ax/config.toml`

    @/work/ax.toml:1:2: a project file may not set `sandbox`: it can come from a stranger, so it cannot relax anything
    hint: move it into the user file `@/me/.config/ax/config.toml`

    @/work/ax.toml:1:2: a project file may not set `network`: it can come from a stranger, so it cannot relax anything
    hint: move it into the user file `@/me/.config/ax/config.toml`

    @/work/ax.toml:1:1: a project file may not set `color`: it can come from a stranger, so it cannot relax anything
    hint: move it into the user file `@/me/.config/ax/config.toml`

    @/work/ax.toml:1:1: a project file may not set `home`: it can come from a stranger, so it cannot relax anything
    hint: delete it here; use `--home DIR` or set AX_HOME

    @/work/ax.toml:1:1: a project file may not set `workspace`: it can come from a stranger, so it cannot relax anything
    hint: delete it here; use `--workspace DIR` or set AX_WORKSPACE

    @/work/ax.toml:1:1: a project file may not set `yes`: it can come from a stranger, so it cannot relax anything
    hint: delete it here; use `--yes` or set AX_YES=1

    @/work/ax.toml:1:2: a project file may not set `providers`: it can come from a stranger, so it cannot relax anything
    hint: move it into the user file `@/me/.config/ax/config.toml`

    @/work/ax.toml:1:2: a project file may not set `router`: it can come from a stranger, so it cannot relax anything
    hint: move it into the user file `@/me/.config/ax/config.toml`

    @/work/ax.toml:1:2: a project file may not set `permissions`: it can come from a stranger, so it cannot relax anything
    hint: a project has `[project]` and `[plugins."…"]`; settings of the host are in the user file `@/me/.config/ax/config.toml`
    "#);
}

#[test]
fn a_slip_in_a_project_finds_the_key_that_was_meant() {
    let texts = [
        "[plugin.'ax:metrics']",
        "\n\n  [project]\n  nme = 'x'",
        "[project]\nname = \"\"",
        "[project]\nname = \"a\\u202eb\"",
        "project = 1",
    ];
    insta::assert_snapshot!(refusals(&texts, |world, text| world.project(text)), @r#"
    @/work/ax.toml:1:2: unknown key `plugin`
    hint: did you mean `plugins`?

    @/work/ax.toml:4:3: unknown key `project.nme`
    hint: did you mean `name`?

    @/work/ax.toml:2:8: `project.name` is not one line of 1 to 64 visible characters
    hint: write it like `name = "shop"`

    @/work/ax.toml:2:8: `project.name` is not one line of 1 to 64 visible characters
    hint: write it like `name = "shop"`

    @/work/ax.toml:1:11: `project` is a whole number, not a table
    hint: write `[project]` on a line of its own and the keys below it
    "#);
}

#[test]
fn a_user_file_says_where_it_is_wrong() {
    let texts = [
        "colour = 'auto'",
        "color = 'red'",
        "color = true",
        "shape = 1",
        "workspace = '/srv'",
        "folders = '/srv'",
        "[folders]\ndata = 'data'",
        "[folders]\ndata = ''",
        "[folders]\ndata = '~me/data'",
        "[folders]\ndata = 7",
        "[folders]\nData = '/srv'",
        "[folders]\nworkspace = '/srv'",
        "[folders]\n'*' = '/srv'",
        "[sandbox]\nmemory_percent = 25",
        "[sandbox]\nmemory-percent = 0",
        "[sandbox]\nmemory-percent = '25 %'",
        "[sandbox]\ninstances = -1",
        "[sandbox]\nthreads = 1.5",
        "[sandbox]\nthreads = 99999999999999999999999",
    ];
    insta::assert_snapshot!(refusals(&texts, |world, text| world.user(text)), @r#"
    @/me/.config/ax/config.toml:1:1: unknown key `colour`
    hint: did you mean `color`?

    @/me/.config/ax/config.toml:1:9: `color` is `red`, which is not one of auto, always, never
    hint: write `color = "auto"`

    @/me/.config/ax/config.toml:1:9: `color` is a boolean, not a string
    hint: write `color = "auto"`

    @/me/.config/ax/config.toml:1:1: unknown key `shape`
    hint: the keys here are color, folders, network, plugins, providers, router, sandbox

    @/me/.config/ax/config.toml:1:1: `workspace` is not set in a file
    hint: use `--workspace DIR` or set AX_WORKSPACE

    @/me/.config/ax/config.toml:1:11: `folders` is a string, not a table
    hint: write `[folders]` on a line of its own and the keys below it

    @/me/.config/ax/config.toml:2:8: `folders.data` is `data`: it is not absolute
    hint: write the whole path, like `/srv/data` or `~/data`

    @/me/.config/ax/config.toml:2:8: `folders.data` is ``: it is empty
    hint: write a path, like `/srv/data` or `~/data`

    @/me/.config/ax/config.toml:2:8: `folders.data` is `~me/data`: it is not absolute
    hint: write the whole path, like `/srv/data` or `~/data`

    @/me/.config/ax/config.toml:2:8: `folders.data` is a whole number, not a string
    hint: write it like `data = "/srv/data"`

    @/me/.config/ax/config.toml:2:1: `Data` cannot name a folder: a name has a-z, 0-9 and single hyphens, starts with a letter, at most 64 characters
    hint: choose a name like `data` or `test-data`

    @/me/.config/ax/config.toml:2:1: `workspace` cannot name a folder: `workspace` is the folder that holds `ax.toml`, or the one of `--workspace`
    hint: use `--workspace DIR` or set AX_WORKSPACE

    @/me/.config/ax/config.toml:2:1: `*` cannot name a folder: a name has a-z, 0-9 and single hyphens, starts with a letter, at most 64 characters
    hint: choose a name like `data` or `test-data`

    @/me/.config/ax/config.toml:2:1: unknown key `sandbox.memory_percent`
    hint: did you mean `memory-percent`?

    @/me/.config/ax/config.toml:2:18: `sandbox.memory-percent` is 0, outside of 1 to 90
    hint: write a number from 1 to 90

    @/me/.config/ax/config.toml:2:18: `sandbox.memory-percent` is a string, not a whole number
    hint: write it like `memory-percent = 2`, without quotes

    @/me/.config/ax/config.toml:2:13: `sandbox.instances` is -1, outside of 1 to 10000
    hint: write a number from 1 to 10000

    @/me/.config/ax/config.toml:2:11: `sandbox.threads` is a fraction, not a whole number
    hint: write it like `threads = 2`, without quotes

    @/me/.config/ax/config.toml:2:11: `sandbox.threads` is 99999999999999999999999, outside of 1 to 256
    hint: write a number from 1 to 256
    "#);
}

#[test]
fn a_network_that_is_none_is_refused_where_it_stands() {
    let texts = [
        "network = 1",
        "[network]\nopne = []",
        "[network]\nopen = '10.0.0.0/8'",
        "[network]\nopen = ['10.0.0.0/8', 7]",
        "[network]\nopen = [\n  '10.0.0.0/8',\n  '10.0.0.1/8',\n]",
        "[network]\nopen = ['10.0.0.0/40']",
        "[network]\nopen = ['intranet']",
        "[network]\nopen = ['::ffff:10.0.0.0/104']",
        "[network]\nopen = [\"\\u202e\"]",
        "[network]\nca-file = 'ca.pem'",
        "[network]\nca-file = ['/ca.pem']",
    ];
    insta::assert_snapshot!(refusals(&texts, |world, text| world.user(text)), @r#"
    @/me/.config/ax/config.toml:1:11: `network` is a whole number, not a table
    hint: write `[network]` on a line of its own and the keys below it

    @/me/.config/ax/config.toml:2:1: unknown key `network.opne`
    hint: did you mean `open`?

    @/me/.config/ax/config.toml:2:8: `network.open` is a string, not a list
    hint: write it like `open = ["10.1.0.0/16"]`

    @/me/.config/ax/config.toml:2:23: `network.open` is a whole number, not a string
    hint: write it like `open = ["10.1.0.0/16"]`

    @/me/.config/ax/config.toml:4:3: `10.0.0.1/8` does not start at its first address
    hint: write `10.0.0.0/8`

    @/me/.config/ax/config.toml:2:9: `10.0.0.0/40` is not a network: its prefix is not a number from 0 to 32
    hint: write it like `10.1.0.0/16` or `fd00::/8`

    @/me/.config/ax/config.toml:2:9: `intranet` is not a network: its address cannot be read
    hint: write it like `10.1.0.0/16` or `fd00::/8`

    @/me/.config/ax/config.toml:2:9: `::ffff:10.0.0.0/104` is an IPv4 network in disguise
    hint: write the IPv4 form, `10.0.0.0`

    @/me/.config/ax/config.toml:2:9: `\u{202e}` is not a network: its address cannot be read
    hint: write it like `10.1.0.0/16` or `fd00::/8`

    @/me/.config/ax/config.toml:2:11: `network.ca-file` is `ca.pem`: it is not absolute
    hint: write the whole path, like `/srv/data` or `~/data`

    @/me/.config/ax/config.toml:2:11: `network.ca-file` is a list, not a string
    hint: write it like `ca-file = "/etc/ssl/company.pem"`
    "#);
}

#[test]
fn what_a_plugin_cannot_be_told_is_refused() {
    let texts = [
        "plugins = 1",
        "[plugins.ax:metrics]",
        "[plugins.metrics]",
        "[plugins.'ax:metrics']\nsince = 2026-01-01",
        "[plugins.'ax:metrics']\nrate = [1.5, inf]",
        "[plugins.'ax:metrics']\nn = 9223372036854775808",
        "plugins.'ax:metrics' = 3",
        "[plugins.'ax:metrics']\na = 1\na = 2",
        "[plugins.'ax:metrics']\na = \u{202e}1",
    ];
    insta::assert_snapshot!(refusals(&texts, |world, text| world.project(text)), @r#"
    @/work/ax.toml:1:11: `plugins` is a whole number, not a table
    hint: write it like `[plugins."ax:metrics"]` and the keys below it

    @/work/ax.toml:1:12: invalid unquoted key, expected letters, numbers, `-`, `_`
    hint: strings and names with a colon stand in quotes, like `[plugins."ax:metrics"]`; see https://toml.io

    @/work/ax.toml:1:10: `metrics` is not a name: it has no namespace before a colon
    hint: a plugin is written `namespace:name`, like `ax:metrics`, in quotes

    @/work/ax.toml:2:9: `plugins."ax:metrics".since` holds a date, which JSON does not have
    hint: write it in quotes, as a string

    @/work/ax.toml:2:14: `plugins."ax:metrics".rate` holds infinity or NaN, which JSON does not have
    hint: write it in quotes, as a string

    @/work/ax.toml:2:5: `plugins."ax:metrics".n` holds a number beyond 64 bits, which JSON does not have
    hint: write it in quotes, as a string

    @/work/ax.toml:1:24: `plugins."ax:metrics"` is a whole number, not a table
    hint: write `[plugins."ax:metrics"]` on a line of its own and the keys below it

    @/work/ax.toml:3:1: duplicate key
    hint: delete one of the two

    @/work/ax.toml:2:5: string values must be quoted, expected literal string
    hint: strings and names with a colon stand in quotes, like `[plugins."ax:metrics"]`; see https://toml.io
    "#);
}

#[test]
fn a_variable_says_what_it_may_hold() {
    let variables = [
        ("AX_HOME", "data"),
        ("AX_HOME", "a\u{fffd}b"),
        ("AX_CONFIG", "config.toml"),
        ("AX_CONFIG", "/no/such/file"),
        ("AX_WORKSPACE", "."),
        ("AX_WORKSPACE", "/no/such/folder"),
        ("AX_COLOR", "Always"),
        ("AX_JSON", "maybe"),
        ("AX_QUIET", "2"),
        ("AX_VERBOSE", "4"),
        ("AX_VERBOSE", "-1"),
        ("AX_NO_INPUT", "\u{1b}[2J"),
        ("AX_YES", "y"),
        ("HOME", "me"),
    ];
    let refusals = variables.map(|(name, value)| World::new().variable(name, value).refusal());
    insta::assert_snapshot!(refusals.join("\n\n"), @r#"
    variable AX_HOME is `data`: it is not absolute
    hint: export AX_HOME="$PWD"/data

    variable AX_HOME is `a�b`: it is not UTF-8 text
    hint: unset AX_HOME, or give it UTF-8 text

    variable AX_CONFIG is `config.toml`: it is not absolute
    hint: export AX_CONFIG="$PWD"/config.toml

    there is no file `/no/such/file`, named by variable AX_CONFIG
    hint: create it, `touch /no/such/file`, or name another

    variable AX_WORKSPACE is `.`: it is not absolute
    hint: export AX_WORKSPACE="$PWD"/.

    cannot open the folder `/no/such/folder` of variable AX_WORKSPACE
    hint: create it, `mkdir -p /no/such/folder`, or name another

    variable AX_COLOR is `Always`: it is not one of auto, always, never
    hint: export AX_COLOR=auto

    variable AX_JSON is `maybe`: it is neither a yes nor a no
    hint: export AX_JSON=1, or AX_JSON=0

    variable AX_QUIET is `2`: it is neither a yes nor a no
    hint: export AX_QUIET=1, or AX_QUIET=0

    variable AX_VERBOSE is `4`: it is not a number from 0 to 3
    hint: export AX_VERBOSE=1

    variable AX_VERBOSE is `-1`: it is not a number from 0 to 3
    hint: export AX_VERBOSE=1

    variable AX_NO_INPUT is `\u{1b}[2J`: it is neither a yes nor a no
    hint: export AX_NO_INPUT=1, or AX_NO_INPUT=0

    variable AX_YES is `y`: it is neither a yes nor a no
    hint: export AX_YES=1, or AX_YES=0

    variable HOME is `me`: it is not absolute
    hint: export HOME=/home/you
    "#);
}

#[test]
fn a_wrong_variable_is_refused_even_where_a_flag_wins() {
    let world = World::new().variable("AX_YES", "sure").flag(|flags| flags.yes = true);
    assert!(matches!(world.try_load(), Err(ConfigError::Variable { name: "AX_YES", .. })));
    let world = World::new().variable("AX_HOME", "x").flag(|flags| flags.home = Some("/x".into()));
    assert!(matches!(world.try_load(), Err(ConfigError::Variable { name: "AX_HOME", .. })));
}

#[test]
fn a_flag_says_what_it_may_be_given() {
    let folder = |name: &str, path: &str| vec![(name.to_owned(), PathBuf::from(path))];
    let refusals = [
        World::new().flag(|flags| flags.workspace = Some("".into())),
        World::new().flag(|flags| flags.workspace = Some("none".into())),
        World::new().flag(|flags| flags.home = Some("".into())),
        World::new().flag(|flags| flags.config_file = Some("none.toml".into())),
        World::new().flag(|flags| flags.directory = Some("none".into())),
        World::new().flag(|flags| flags.directory = Some("".into())),
        World::new().flag(|flags| flags.folders = folder("workspace", "/srv")),
        World::new().flag(|flags| flags.folders = folder("A", "/srv")),
        World::new().flag(|flags| flags.folders = folder("data", "")),
        World::new().flag(|flags| flags.folders = [folder("a", "/a"), folder("a", "/a")].concat()),
    ]
    .map(|world| world.refusal());
    insta::assert_snapshot!(refusals.join("\n\n"), @r#"
    flag --workspace was given ``: it is empty
    hint: write after --workspace a path, like `/srv/data` or `~/data`

    cannot open the folder `@/work/deep/none` of flag --workspace
    hint: create it, `mkdir -p @/work/deep/none`, or name another

    flag --home was given ``: it is empty
    hint: write after --home a path, like `/srv/data` or `~/data`

    there is no file `@/work/deep/none.toml`, named by flag --config
    hint: create it, `touch @/work/deep/none.toml`, or name another

    cannot open the folder `@/work/deep/none` of flag -C
    hint: create it, `mkdir -p @/work/deep/none`, or name another

    flag -C was given ``: it is empty
    hint: write after -C a path, like `/srv/data` or `~/data`

    flag --folder was given `workspace`: `workspace` is the folder that holds `ax.toml`, or the one of `--workspace`
    hint: use `--workspace DIR` or set AX_WORKSPACE

    flag --folder was given `A`: a name has a-z, 0-9 and single hyphens, starts with a letter, at most 64 characters
    hint: choose a name like `data` or `test-data`

    flag --folder was given ``: it is empty
    hint: write after --folder a path, like `/srv/data` or `~/data`

    flag --folder was given `a`: the name has a folder already
    hint: leave one of them out
    "#);
}

#[test]
fn without_any_home_there_is_no_configuration() {
    let mut world = World::new();
    world.variables.clear();
    insta::assert_snapshot!(world.refusal(), @r#"
    there is no place for data: neither AX_HOME nor HOME is set
    hint: export AX_HOME=/some/folder
    "#);
}

#[test]
fn what_is_there_and_no_file_is_refused() {
    let world = World::new();
    fs_err::create_dir(world.at("work/ax.toml")).expect("made");
    insta::assert_snapshot!(world.refusal(), @r#"
    `@/work/ax.toml` is a folder, not a file
    hint: move it away: `mv @/work/ax.toml @/work/ax.toml.old`
    "#);
    let world = World::new();
    let link = world.at("work/ax.toml");
    fs_err::os::unix::fs::symlink("ax.toml", &link).expect("a link");
    assert!(matches!(world.try_load(), Err(ConfigError::Unreadable { path, .. }) if path == link));
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let world = World::new().user(b"color = 'auto'\n# \xff");
    insta::assert_snapshot!(world.refusal(), @r#"
    @/me/.config/ax/config.toml:2:3: the file is not UTF-8 text
    hint: save the file as UTF-8
    "#);
}

#[test]
fn errors_show_no_hidden_character_of_a_file() {
    for text in [
        "\"a\\u202e\\u001b[2J\" = 1",
        "[plugins.\"ax:\\u202e\"]",
        "[plugins.'ax:echo']\n\"\\u001b\" = inf",
        "[project]\n\"\\u0007\" = 1",
        "a\u{1b} = 1",
        "a = \"\u{202e}\u{7}\"",
    ] {
        let refusal = World::new().project(text).refusal();
        let shown = refusal.replace('\n', "");
        assert!(!shown.chars().any(ax_manifest::is_hidden), "{}", shown.escape_debug());
    }
}

#[test]
fn nothing_is_worth_trying_again() {
    let error = World::new().user("x = 1").try_load().expect_err("unknown");
    assert!(!error.is_transient());
    assert!(matches!(
        error,
        ConfigError::Wrong { line: 1, column: 1, flaw, .. }
            if matches!(*flaw, FileFlaw::UnknownKey { .. })
    ));
}
