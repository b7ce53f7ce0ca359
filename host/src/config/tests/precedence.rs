//! Who wins, for every setting.

use std::path::PathBuf;

use super::World;
use crate::config::Color;
use crate::config::Config;
use crate::config::Source;

const USER: &str = "user file @/me/.config/ax/config.toml";
const PROJECT: &str = "project file @/work/ax.toml";

/// Changes a world.
type Change = fn(World) -> World;

/// Adds the sources to a world one by one, the weakest first, and checks the row after each.
fn check(key: &str, default: &str, steps: &[(Change, &str)]) {
    let mut world = World::new();
    assert_eq!(world.row(key), default, "{key}");
    for (add, expected) in steps {
        world = add(world);
        assert_eq!(world.row(key), world.short(expected), "{key}");
    }
}

#[test]
fn home_is_flag_then_variable_then_xdg_then_the_persons() {
    check(
        "home",
        "@/me/.local/share/ax (default)",
        &[
            (|w| w.variable("XDG_DATA_HOME", "@/xdg"), "@/xdg/ax (variable XDG_DATA_HOME)"),
            (|w| w.variable("AX_HOME", "@/ours"), "@/ours (variable AX_HOME)"),
            (
                |w| w.flag(|flags| flags.home = Some("../mine".into())),
                "@/work/deep/../mine (flag --home)",
            ),
        ],
    );
}

#[test]
fn the_user_file_is_flag_then_variable_then_in_a_named_home_then_xdg_then_the_persons() {
    check(
        "user-file",
        "@/me/.config/ax/config.toml (default)",
        &[
            (
                |w| w.variable("XDG_CONFIG_HOME", "@/xdg"),
                "@/xdg/ax/config.toml (variable XDG_CONFIG_HOME)",
            ),
            (|w| w.variable("AX_HOME", "@/ours"), "@/ours/config.toml (variable AX_HOME)"),
            (
                |w| w.flag(|flags| flags.home = Some("/mine".into())),
                "/mine/config.toml (flag --home)",
            ),
            (
                |w| w.file("c.toml", "").variable("AX_CONFIG", "@/c.toml"),
                "@/c.toml (variable AX_CONFIG)",
            ),
            (
                |w| {
                    let file = w.at("work/deep/d.toml");
                    w.file("work/deep/d.toml", "").flag(|flags| {
                        assert!(file.is_absolute());
                        flags.config_file = Some("d.toml".into());
                    })
                },
                "@/work/deep/d.toml (flag --config)",
            ),
        ],
    );
}

#[test]
fn the_workspace_is_flag_then_variable_then_the_nearest_project() {
    check(
        "workspace",
        "none (default)",
        &[
            (|w| w.file("ax.toml", ""), "@ (project file @/ax.toml)"),
            (|w| w.project(""), "@/work (project file @/work/ax.toml)"),
            (|w| w.variable("AX_WORKSPACE", "~"), "@/me (variable AX_WORKSPACE)"),
            (
                |w| w.flag(|flags| flags.workspace = Some(".".into())),
                "@/work/deep (flag --workspace)",
            ),
        ],
    );
}

#[test]
fn one_more_policy_is_named_by_a_variable_alone() {
    check(
        "policy-file",
        "none (default)",
        &[
            (|w| w.project("").user(""), "none (default)"),
            (|w| w.variable("AX_POLICY", "~/p.toml"), "@/me/p.toml (variable AX_POLICY)"),
        ],
    );
}

#[test]
fn the_project_file_is_the_one_of_the_workspace() {
    check(
        "project-file",
        "none (default)",
        &[
            (|w| w.project(""), "@/work/ax.toml (project file @/work/ax.toml)"),
            (
                |w| w.file("other/ax.toml", "").variable("AX_WORKSPACE", "@/other"),
                "@/other/ax.toml (project file @/other/ax.toml)",
            ),
            (|w| w.flag(|flags| flags.workspace = Some(".".into())), "none (default)"),
        ],
    );
    let named = |w: World| w.project("[project]\nname = 'shop'");
    check("project.name", "none (default)", &[(named, &format!("shop ({PROJECT})"))]);
}

#[test]
fn the_directory_is_the_flag_then_the_current_folder() {
    check(
        "directory",
        "@/work/deep (default)",
        &[(|w| w.flag(|flags| flags.directory = Some("..".into())), "@/work (flag -C)")],
    );
}

#[test]
fn other_paths_of_flags_and_the_search_start_at_the_flag_c() {
    let world = World::new().file("other/ax.toml", "").flag(|flags| {
        flags.directory = Some("../../other".into());
        flags.home = Some("data".into());
        flags.folders = vec![("input".to_owned(), "in".into())];
    });
    assert_eq!(world.row("workspace"), "@/other (project file @/other/ax.toml)");
    assert_eq!(world.row("home"), "@/other/data (flag --home)");
    assert_eq!(world.row("folders.input"), "@/other/in (flag --folder)");
}

#[test]
fn a_folder_is_flag_then_user_file() {
    let world = World::new().user("[folders]\ndata = '/srv/data'\ncache = '~/cache'");
    assert_eq!(world.row("folders.data"), format!("/srv/data ({USER})"));
    assert_eq!(world.row("folders.cache"), format!("@/me/cache ({USER})"));
    let world =
        world.flag(|flags| flags.folders = vec![("data".to_owned(), PathBuf::from("here"))]);
    assert_eq!(world.row("folders.data"), "@/work/deep/here (flag --folder)");
    assert_eq!(world.row("folders.cache"), format!("@/me/cache ({USER})"));
}

#[test]
fn color_is_flag_then_ours_then_everybodys_variables_then_user_file() {
    check(
        "color",
        "auto (default)",
        &[
            (|w| w.user("color = 'never'"), &format!("never ({USER})")),
            (|w| w.variable("CLICOLOR_FORCE", "0"), &format!("never ({USER})")),
            (|w| w.variable("CLICOLOR_FORCE", "1"), "always (variable CLICOLOR_FORCE)"),
            (|w| w.variable("NO_COLOR", ""), "always (variable CLICOLOR_FORCE)"),
            (|w| w.variable("NO_COLOR", "0"), "never (variable NO_COLOR)"),
            (|w| w.variable("AX_COLOR", "auto"), "auto (variable AX_COLOR)"),
            (|w| w.flag(|flags| flags.color = Some(Color::Always)), "always (flag --color)"),
        ],
    );
}

#[test]
fn a_switch_is_flag_then_variable() {
    let flags: [(&str, &str, Change, &str); 4] = [
        ("quiet", "AX_QUIET", |w| w.flag(|flags| flags.quiet = true), "flag --quiet"),
        ("yes", "AX_YES", |w| w.flag(|flags| flags.yes = true), "flag --yes"),
        ("no-input", "AX_NO_INPUT", |w| w.flag(|flags| flags.no_input = true), "flag --no-input"),
        ("output", "AX_JSON", |w| w.flag(|flags| flags.json = true), "flag --json"),
    ];
    for (key, name, set, flag) in flags {
        let (on, off) = if key == "output" { ("json", "text") } else { ("true", "false") };
        let world = World::new();
        assert_eq!(world.row(key), format!("{off} (default)"));
        for (text, value) in [("1", on), ("TRUE", on), ("yes", on), ("off", off), ("0", off)] {
            let world = World::new().variable(name, text);
            assert_eq!(world.row(key), format!("{value} (variable {name})"), "{text}");
        }
        assert_eq!(World::new().variable(name, "").row(key), format!("{off} (default)"));
        assert_eq!(set(world.variable(name, "0")).row(key), format!("{on} ({flag})"));
    }
}

#[test]
fn ci_counts_as_no_input_unless_we_are_told_otherwise() {
    check(
        "no-input",
        "false (default)",
        &[
            (|w| w.variable("CI", "false"), "false (default)"),
            (|w| w.variable("CI", "woodpecker"), "true (variable CI)"),
            (|w| w.variable("AX_NO_INPUT", "no"), "false (variable AX_NO_INPUT)"),
            (|w| w.flag(|flags| flags.no_input = true), "true (flag --no-input)"),
        ],
    );
}

#[test]
fn verbose_is_flag_then_variable() {
    check(
        "verbose",
        "0 (default)",
        &[
            (|w| w.variable("AX_VERBOSE", "2"), "2 (variable AX_VERBOSE)"),
            (|w| w.flag(|flags| flags.verbose = 1), "1 (flag -v)"),
            (|w| w.flag(|flags| flags.verbose = 200), "3 (flag -v)"),
        ],
    );
}

#[test]
fn the_sandbox_is_the_user_file_then_defaults() {
    let user = |w: World| w.user("[sandbox]\nmemory-percent = 50\ninstances = 0x10\nthreads = 2");
    check("sandbox.memory-percent", "25 (default)", &[(user, &format!("50 ({USER})"))]);
    check("sandbox.instances", "1000 (default)", &[(user, &format!("16 ({USER})"))]);
    check("sandbox.threads", "6 (default)", &[(user, &format!("2 ({USER})"))]);
}

#[test]
fn the_network_is_the_user_file_then_nothing() {
    let user = |w: World| {
        w.user("[network]\nopen = ['10.1.0.0/16', 'fd00:1::/32', '::1']\nca-file = '~/ca.pem'")
    };
    let open = format!("10.1.0.0/16, fd00:1::/32, ::1 ({USER})");
    check("network.open", "none (default)", &[(user, &open)]);
    check("network.ca-file", "none (default)", &[(user, &format!("@/me/ca.pem ({USER})"))]);
    let emptied = World::new().user("[network]\nopen = []").load();
    assert!(matches!(emptied.network.open.source, Source::User(_)));
}

#[test]
fn what_a_plugin_is_told_is_project_then_user_file_key_by_key() {
    let world = World::new()
        .user(
            "[plugins.'ax:metrics']\ndepth = 3\nskip = { dirs = ['a'], files = ['b'] }\n\
             [plugins.'ax:echo']\nloud = true",
        )
        .project("[plugins.'ax:metrics']\nskip = { dirs = ['c'] }\n'new key' = 1.5");
    let metrics = |key: &str| world.row(&format!("plugins.\"ax:metrics\".{key}"));
    assert_eq!(metrics("depth"), format!("3 ({USER})"));
    assert_eq!(metrics("skip"), format!("{{\"dirs\":[\"c\"]}} ({PROJECT})"));
    assert_eq!(metrics("\"new key\""), format!("1.5 ({PROJECT})"));
    assert_eq!(world.row("plugins.\"ax:echo\".loud"), format!("true ({USER})"));

    let config = world.load();
    let told = |name: &str| &config.plugins[&name.parse().expect("a name")];
    assert!(matches!(told("ax:metrics").source, Source::Project(_)));
    assert!(matches!(told("ax:echo").source, Source::User(_)));
    let keys: Vec<_> = told("ax:metrics").value.keys().collect();
    assert_eq!(keys, ["depth", "skip", "new key"]);
}

#[test]
fn an_empty_section_of_a_project_changes_nothing() {
    let world =
        World::new().user("[plugins.'ax:echo']\nloud = true").project("[plugins.'ax:echo']");
    assert_eq!(world.row("plugins.\"ax:echo\".loud"), format!("true ({USER})"));
    let config = world.load();
    assert!(
        matches!(config.plugins.values().next(), Some(it) if matches!(it.source, Source::User(_)))
    );
}

#[test]
fn relative_xdg_folders_are_ignored_as_their_convention_says() {
    let world = World::new().variable("XDG_DATA_HOME", "data").variable("XDG_CONFIG_HOME", ".");
    assert_eq!(world.row("home"), "@/me/.local/share/ax (default)");
    assert_eq!(world.row("user-file"), "@/me/.config/ax/config.toml (default)");
}

#[test]
fn without_a_home_folder_a_named_home_is_enough() {
    let mut world = World::new().variable("AX_HOME", "@/ours");
    world.variables.remove("HOME");
    assert_eq!(world.row("home"), "@/ours (variable AX_HOME)");
    let mut world = World::new().variable("XDG_DATA_HOME", "@/xdg");
    world.variables.remove("HOME");
    assert_eq!(world.row("user-file"), "@/xdg/ax/config.toml (variable XDG_DATA_HOME)");
}

#[test]
fn a_current_folder_that_is_gone_stops_no_command() {
    let world = World::new();
    fs_err::remove_dir(world.at("work/deep")).expect("removed");
    assert!(world.load().workspace.is_none());
}

#[test]
fn the_current_folder_is_never_the_workspace_by_itself() {
    let world = World::new();
    assert!(world.load().workspace.is_none());
    insta::assert_snapshot!(Config::workspace_hint(), @r#"
    name the folder with `--workspace DIR`, or make the current one a project with `touch ax.toml`
    "#);
}

#[test]
fn the_listing_is_complete_and_sorted() {
    let world = World::new()
        .user("[folders]\ndata = '/srv'\n[plugins.'ax:echo']")
        .project("[project]\nname = 'shop'\n[plugins.'ax:metrics']\n'a.b' = \"\\u202e\\u001b\"");
    let rows = world.load().rows();
    assert!(rows.is_sorted());
    let lines: Vec<_> =
        rows.iter().map(|row| format!("{} = {} ({})", row.key, row.value, row.source)).collect();
    insta::assert_snapshot!(world.short(&lines.join("\n")), @r#"
    color = auto (default)
    directory = @/work/deep (default)
    folders.data = /srv (user file @/me/.config/ax/config.toml)
    home = @/me/.local/share/ax (default)
    network.ca-file = none (default)
    network.open = none (default)
    no-input = false (default)
    output = text (default)
    plugins."ax:echo" = {} (user file @/me/.config/ax/config.toml)
    plugins."ax:metrics"."a.b" = "\u202e\u001b" (project file @/work/ax.toml)
    policy-file = none (default)
    project-file = @/work/ax.toml (project file @/work/ax.toml)
    project.name = shop (project file @/work/ax.toml)
    quiet = false (default)
    router.breaker = true (default)
    router.breaker-cooldown-ms = 60000 (default)
    router.breaker-threshold = 5 (default)
    router.deadline-ms = 600000 (default)
    router.fallback = true (default)
    router.fallbacks = none (default)
    router.hold-ms = 10000 (default)
    router.keep = nothing (default)
    router.keep-days = 90 (default)
    router.policy = none (default)
    router.prices = none (default)
    router.primary = none (default)
    sandbox.instances = 1000 (default)
    sandbox.memory-percent = 25 (default)
    sandbox.threads = 6 (default)
    toolchains = @/me/.cache/ax/toolchains (default)
    user-file = @/me/.config/ax/config.toml (default)
    verbose = 0 (default)
    workspace = @/work (project file @/work/ax.toml)
    yes = false (default)
    "#);
}
