//! The permission card: what a person reads before they agree.

use ax_tests::components;
use ax_tests::home::Home;

use crate::setup;

#[test]
fn a_plugin_that_asks_for_nothing_is_installed_without_a_question() {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    insta::assert_snapshot!(home.told(&["plugin", "add", "calc"]), @r"
    exit 0
    --- stderr
    test:calc 1.0.0  Adds numbers
      from       folder:WORK/calc
      publisher  none: it is not signed
      component  DIGEST (144 B)
      tools      add
      asks for   nothing
      network    none, by any path
    installed test:calc 1.0.0
    try: ax tool call test:calc.add --arg a=… --arg b=…
    ");
}

#[test]
fn the_card_says_what_for_and_where_in_plain_words() {
    let home = Home::new();
    setup::write_env(&home);
    insta::assert_snapshot!(home.told(&["plugin", "add", "env", "--allow", "env:LANG"]), @r"
    exit 0
    --- stderr
    test:env 1.0.0  Counts the variables it is given
      from       folder:WORK/env
      publisher  none: it is not signed
      component  DIGEST (592 B)
      tools      count
      asks to
        - see the environment variable `LANG`
            env:LANG
            because: To speak your language
      network    none, by any path
    installed test:env 1.0.0
    try: ax tool call test:env.count
    ");
}

#[test]
fn the_card_prints_the_absolute_path_of_a_folder() {
    let home = Home::new();
    home.write("project/ax.toml", "");
    let manifest = components::CALC_MANIFEST.to_owned()
        + "[permissions]\nfs = [{ path = \"workspace\", access = \"read\" }, { path = \"data\", \
           access = \"read\" }]\n";
    home.write_plugin("calc", &manifest, &components::calc());
    let arguments = ["plugin", "add", "calc", "--grant-nothing", "--workspace", "project"];
    insta::assert_snapshot!(home.told(&arguments), @r"
    exit 0
    --- stderr
    warning: `test:calc` asks for `fs:data:read` and imports nothing that could use it
    warning: `test:calc` asks for `fs:workspace:read` and imports nothing that could use it
    test:calc 1.0.0  Adds numbers
      from       folder:WORK/calc
      publisher  none: it is not signed
      component  DIGEST (144 B)
      tools      add
      asks to
        - read files in the folder `data` (not bound to a folder here)
            fs:data:read
        - read files in the folder `workspace` (WORK/project)
            fs:workspace:read
      network    none, by any path
    installed test:calc 1.0.0
    not granted: fs:data:read
    not granted: fs:workspace:read
    try: ax tool call test:calc.add --arg a=… --arg b=…
    ");
}

#[test]
fn the_card_shows_the_header_that_carries_a_secret() {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.to_owned()
        + "[permissions]\nsecrets = [{ name = \"token\", to = \"https://api.example.org\", \
           header = \"X-Api-Key: {}\", reason = \"To sign in\" }]\n";
    home.write_plugin("calc", &manifest, &components::calc());
    insta::assert_snapshot!(home.told(&["plugin", "add", "calc", "--grant-nothing"]), @r"
    exit 0
    --- stderr
    warning: `test:calc` asks for `secret:token@https://api.example.org` and imports nothing that could use it
    test:calc 1.0.0  Adds numbers
      from       folder:WORK/calc
      publisher  none: it is not signed
      component  DIGEST (144 B)
      tools      add
      asks to
        - have the secret `token` added to its requests to https://api.example.org, without seeing the value
            secret:token@https://api.example.org
            as the header `X-Api-Key: {}`
            because: To sign in
      network    none, by any path
    installed test:calc 1.0.0
    not granted: secret:token@https://api.example.org
    try: ax tool call test:calc.add --arg a=… --arg b=…
    ");
}

#[test]
fn the_card_shows_limits_that_are_raised() {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.to_owned()
        + "[limits]\nmemory = \"128 MiB\"\ndeadline = \"2 min\"\nfuel = 1_000_000\n";
    home.write_plugin("calc", &manifest, &components::calc());
    insta::assert_snapshot!(home.told(&["plugin", "add", "calc"]), @r"
    exit 2
    --- stderr
    test:calc 1.0.0  Adds numbers
      from       folder:WORK/calc
      publisher  none: it is not signed
      component  DIGEST (144 B)
      tools      add
      asks for   nothing
        - use more deadline: 2 min instead of 30 s
        - use more memory: 128 MiB instead of 64 MiB
      network    none, by any path
    error[AX-U002]: `test:calc` asks for permissions, and nobody was asked

    hint: agree with `--accept-card sha256:DIGEST`, or permission by permission with --allow, or install it empty-handed with --grant-nothing
    ");
}

#[test]
fn raised_limits_hold_only_after_consent_to_the_whole_card() {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.to_owned()
        + "[limits]\nmemory = \"128 MiB\"\ndeadline = \"5 s\"\n";
    home.write_plugin("calc", &manifest, &components::calc());
    let memory = |home: &Home| {
        let shown = home.ax(&["plugin", "show", "test:calc"]).ok().stdout;
        let line = shown.lines().find(|line| line.contains("memory")).map(str::to_owned);
        line.expect("the memory is shown")
    };
    let digest = setup::card_digest(&home, "calc");
    home.ax(&["plugin", "add", "calc", "--grant-nothing"]).ok();
    assert!(memory(&home).ends_with(" 64 MiB"), "{}", memory(&home));
    home.ax(&["plugin", "add", "calc", "--accept-card", &digest]).ok();
    assert!(memory(&home).ends_with(" 128 MiB"), "{}", memory(&home));
}

#[test]
fn the_card_says_what_changes_against_the_release_it_replaces() {
    let home = setup::with_env();
    let manifest = components::ENV_MANIFEST.replace("LANG", "TZ").replace("1.0.0", "2.0.0");
    home.write_plugin("env", &manifest, &components::env());
    insta::assert_snapshot!(home.told(&["plugin", "add", "env", "--allow", "env:TZ"]), @r"
    exit 0
    --- stderr
    test:env 2.0.0  Counts the variables it is given
      from       folder:WORK/env
      publisher  none: it is not signed
      component  DIGEST (592 B)
      tools      count
      asks to
        - see the environment variable `TZ`
            env:TZ
            because: To speak your language
      network    none, by any path
      replaces   1.0.0
        + env:TZ
        - env:LANG
    installed test:env 2.0.0
    try: ax tool call test:env.count
    ");
}

#[test]
fn the_card_follows_tools_into_the_plugins_that_offer_them() {
    let home = setup::with_env();
    let manifest = components::CALC_MANIFEST.to_owned()
        + "[permissions]\ntools = [\"test:env.count\"]\nmodels = [{ tier = \"fast\" }]\n";
    home.write_plugin("calc", &manifest, &components::calc());
    insta::assert_snapshot!(home.told(&["plugin", "add", "calc", "--grant-nothing"]), @r"
    exit 0
    --- stderr
    warning: `test:calc` asks for `models:fast` and imports nothing that could use it
    warning: `test:calc` asks for `tools:test:env.count` and imports nothing that could use it
    test:calc 1.0.0  Adds numbers
      from       folder:WORK/calc
      publisher  none: it is not signed
      component  DIGEST (144 B)
      tools      add
      asks to
        - ask the model or tier `fast`, which sends what it knows to the provider
            models:fast
            at most 32 requests, 200000 tokens and 0.5 USD a call
        - call the tool `test:env.count`
            tools:test:env.count
        through test:env: env:LANG
      network    yes, as listed
    installed test:calc 1.0.0
    not granted: models:fast
    not granted: tools:test:env.count
    try: ax tool call test:calc.add --arg a=… --arg b=…
    ");
}

#[test]
fn a_permission_that_nothing_could_use_is_warned_about() {
    let home = Home::new();
    let manifest = components::CALC_MANIFEST.to_owned() + "[permissions]\nenv = [\"LANG\"]\n";
    home.write_plugin("calc", &manifest, &components::calc());
    let told = home.ax(&["plugin", "add", "calc", "--grant-nothing"]).ok().stderr;
    let warning = "warning: `test:calc` asks for `env:LANG` and imports nothing that could use it";
    assert!(told.contains(warning), "{told}");
}
