use proptest::collection::vec;
use proptest::prelude::{Strategy, proptest};
use proptest::sample::select;

use super::{
    ENTRIES_MAX, GrantVerdict, LimitMaxima, MISTAKES_MAX, Outcome, POLICY_BYTES_MAX, Policy,
    PolicyCounts, PolicyErrorKind, TrustMin, Verdict,
};
use crate::name::PluginName;
use crate::permission::{Method, Permission, RequestUrl};

const FULL: &str = r#"
version = 1

[plugins]
allow = ["ax:*", "acme:*"]
deny = ["acme:evil"]
trust-min = "none"

[permissions]
deny = ["fs:*:write", "net:http://*"]
ask = ["net:*", "agents:*"]

[limits]
fuel-max = 10_000_000_000
deadline-max = "30 s"
memory-max = "256 MiB"
input-max = "1 MiB"
result-max = "1 MiB"
log-lines-max = 100
log-bytes-max = "64 KiB"
concurrency-max = 4
hostcall-bytes-max = "16 MiB"

[[test]]
name = "no writes"
plugin = "acme:notes"
permission = "fs:out:write"
expect = "deny"

[[test]]
name = "reading is free"
plugin = "acme:notes"
permission = "fs:*:read"
expect = "allow"

[[test]]
name = "the network is asked for"
plugin = "ax:fetch"
permission = "net:https://*:*"
expect = "ask"
"#;

pub(super) fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Makes a policy of two lists of rules.
pub(super) fn rules(deny: &[&str], ask: &[&str]) -> Policy {
    policy(&format!("[permissions]\ndeny = {deny:?}\nask = {ask:?}"))
}

pub(super) fn notes() -> PluginName {
    "acme:notes".parse().expect("a name")
}

pub(super) fn permission(text: &str) -> Permission {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Writes a verdict as one line.
fn decided(policy: &Policy, wanted: &str) -> String {
    match policy.decide(&notes(), &permission(wanted)) {
        Verdict::Allow => "allow".to_owned(),
        Verdict::Ask { rule } => format!("ask: {rule}"),
        Verdict::Deny { rule } => format!("deny: {rule}"),
    }
}

fn judged(policy: &Policy, wanted: &str) -> String {
    match policy.judge_grant(&notes(), &permission(wanted)) {
        GrantVerdict::Allowed => "allowed".to_owned(),
        GrantVerdict::Asked(rule) => format!("asked: {rule}"),
        GrantVerdict::NarrowedBy(rules) => format!("narrowed: {}", rules.join(" | ")),
        GrantVerdict::Denied(rule) => format!("denied: {rule}"),
    }
}

/// Returns the error and its hint.
fn refused(text: &str) -> String {
    let error = Policy::parse(text).expect_err(text);
    format!("{error}\n    hint: {}", error.hint().unwrap_or_else(|| "-".to_owned()))
}

#[test]
fn no_file_takes_nothing_away() {
    for policy in [Policy::default(), policy(""), policy("[plugins]\n[permissions]\n[limits]")] {
        assert_eq!(policy, Policy::default());
        assert_eq!(policy.admits(&notes()), Ok(()));
        assert_eq!(decided(&policy, "net:*"), "allow");
        assert_eq!(judged(&policy, "fs:*:write"), "allowed");
        assert_eq!(policy.limits(), &LimitMaxima::default());
        assert_eq!(policy.trust_min(), TrustMin::None);
        assert!(policy.run_tests().is_empty());
    }
}

#[test]
fn the_page_of_the_design_is_read_whole() {
    let policy = policy(FULL);
    assert_eq!(policy.limits().fuel, Some(10_000_000_000));
    assert_eq!(policy.limits().deadline.map(|span| span.to_string()).as_deref(), Some("30 s"));
    assert_eq!(policy.limits().concurrency, Some(4));
    assert_eq!(policy.limits().log_lines, Some(100));
    let limits = policy.limits();
    let sizes =
        [limits.memory, limits.input, limits.result, limits.log_bytes, limits.hostcall_bytes];
    assert_eq!(
        sizes.map(|size| size.expect("a size").to_string()),
        ["256 MiB", "1 MiB", "1 MiB", "64 KiB", "16 MiB"]
    );
    assert_eq!(policy.run_tests().len(), 3);
    assert!(policy.run_tests().iter().all(super::TestResult::passed));
}

#[test]
fn plugins_are_kept_out_by_the_rule_that_is_named() {
    let admits = |text: &str, name: &str| match policy(text).admits(&name.parse().expect(name)) {
        Ok(()) => "in".to_owned(),
        Err(rule) => rule.to_owned(),
    };
    assert_eq!(admits(FULL, "ax:fetch"), "in");
    assert_eq!(admits(FULL, "axe:fetch"), "plugins.allow ax:*, acme:*");
    assert_eq!(admits(FULL, "acme:evil"), "plugins.deny acme:evil");
    assert_eq!(
        admits("plugins.deny = [\"*\"]\nplugins.allow = [\"ax:a\"]", "ax:a"),
        "plugins.deny *"
    );
    assert_eq!(admits("plugins.allow = [\"ax:a\"]", "ax:ab"), "plugins.allow ax:a");
    assert_eq!(admits("plugins.allow = [\"*\"]", "ax:ab"), "in");
    assert_eq!(admits("plugins.allow = []", "ax:a"), "plugins.allow (which is empty)");
    let many: Vec<String> = (0..9).map(|n| format!("a:p{n}")).collect();
    assert_eq!(
        admits(&format!("plugins.allow = {many:?}"), "ax:a"),
        "plugins.allow a:p0, a:p1, a:p2, a:p3, a:p4, a:p5, a:p6, a:p7, …"
    );
    assert_eq!(
        admits("plugins.trust-min = \"signed\"", "ax:a"),
        "plugins.trust-min signed (this host cannot check signatures yet)"
    );
}

#[test]
fn a_plugin_that_is_kept_out_may_do_nothing() {
    let policy = policy("plugins.deny = [\"acme:*\"]\npermissions.ask = [\"kv\"]");
    assert_eq!(decided(&policy, "kv"), "deny: plugins.deny acme:*");
    assert_eq!(judged(&policy, "kv"), "denied: plugins.deny acme:*");
}

#[test]
fn deny_beats_ask_and_ask_beats_silence() {
    let policy = rules(&["net:http://*", "agents:root"], &["net:*", "agents:*"]);
    assert_eq!(decided(&policy, "net:http://h:GET:/"), "deny: permissions.deny net:http://*");
    assert_eq!(decided(&policy, "net:https://h:GET:/"), "ask: permissions.ask net:*");
    assert_eq!(decided(&policy, "agents:root"), "deny: permissions.deny agents:root");
    assert_eq!(decided(&policy, "agents:reviewer"), "ask: permissions.ask agents:*");
    assert_eq!(decided(&policy, "kv"), "allow");
}

#[test]
fn a_rule_without_methods_means_every_method() {
    let policy = rules(
        &[
            "net:http://*",
            "net:https://a:/x/**",
            "net:https://[::1]:8443",
            "net:https://b:GET,HEAD",
        ],
        &[],
    );
    for method in Method::ALL.map(Method::word) {
        assert!(decided(&policy, &format!("net:http://h:{method}:/")).starts_with("deny"));
        assert!(decided(&policy, &format!("net:https://a:{method}:/x/y")).starts_with("deny"));
        assert!(
            decided(&policy, &format!("net:https://[::1]:8443:{method}:/")).starts_with("deny")
        );
    }
    assert_eq!(decided(&policy, "net:https://a:POST:/y"), "allow");
    assert!(decided(&policy, "net:https://b:HEAD:/").starts_with("deny"));
    assert_eq!(decided(&policy, "net:https://b:POST:/"), "allow");
}

#[test]
fn a_denied_write_leaves_reading_and_a_denied_read_leaves_nothing() {
    let policy = rules(&["fs:*:write", "fs:secret:read"], &[]);
    assert_eq!(decided(&policy, "fs:out:read"), "allow");
    assert_eq!(decided(&policy, "fs:out:write"), "deny: permissions.deny fs:*:write");
    assert_eq!(decided(&policy, "fs:secret:read"), "deny: permissions.deny fs:secret:read");
    assert_eq!(decided(&policy, "fs:secret:write"), "deny: permissions.deny fs:*:write");
    assert_eq!(judged(&policy, "fs:out:write"), "denied: permissions.deny fs:*:write");
    assert_eq!(judged(&policy, "fs:*:read"), "narrowed: permissions.deny fs:secret:read");
    let policy = rules(&["fs:secret:read"], &["fs:out:write"]);
    assert_eq!(decided(&policy, "fs:secret:write"), "deny: permissions.deny fs:secret:read");
    assert_eq!(decided(&policy, "fs:out:read"), "allow");
    assert_eq!(decided(&policy, "fs:out:write"), "ask: permissions.ask fs:out:write");
}

#[test]
fn a_grant_wider_than_a_denial_is_narrowed() {
    let policy = rules(&["net:http://*", "net:https://*.evil.org:POST"], &["net:https://pay.org"]);
    for (wanted, verdict) in [
        ("kv", "allowed"),
        ("net:https://good.org", "allowed"),
        ("net:https://a.evil.org", "allowed"),
        ("net:https://a.evil.org:POST", "denied: permissions.deny net:https://*.evil.org:POST"),
        ("net:http://good.org:*", "denied: permissions.deny net:http://*"),
        ("net:https://pay.org", "asked: permissions.ask net:https://pay.org"),
        ("net:https://*", "narrowed: permissions.ask net:https://pay.org"),
        (
            "net:*",
            "narrowed: permissions.deny net:http://* | permissions.deny \
             net:https://*.evil.org:POST | permissions.ask net:https://pay.org",
        ),
    ] {
        assert_eq!(judged(&policy, wanted), verdict, "{wanted}");
    }
    // Half of it is denied, so it is not merely asked for.
    let policy = rules(&["net:http://*"], &["net:*"]);
    assert_eq!(
        judged(&policy, "net:*"),
        "narrowed: permissions.deny net:http://* | permissions.ask net:*"
    );
}

#[test]
fn what_names_more_than_one_effect_is_decided_by_the_worst() {
    let policy = rules(&["net:http://*"], &["net:https://pay.org"]);
    assert!(decided(&policy, "net:*").starts_with("deny"));
    assert!(decided(&policy, "net:https://*").starts_with("ask"));
}

#[test]
fn a_url_is_decided_by_what_is_sent() {
    let policy = rules(&["net:https://h:*:/admin/**", "net:https://h:GET:/%2A"], &[]);
    let decide = |url: &str| {
        let url: RequestUrl = url.parse().expect(url);
        policy.decide(&notes(), &url.permission(Method::Get))
    };
    assert!(matches!(decide("https://h/%61dmin/x"), Verdict::Deny { .. }));
    assert!(matches!(decide("https://H:443/admin/?x#y"), Verdict::Deny { .. }));
    assert!(matches!(decide("https://h/*"), Verdict::Deny { .. }));
    assert_eq!(decide("https://h/a"), Verdict::Allow);
    assert_eq!(decide("https://h/*/a"), Verdict::Allow);
}

#[test]
fn a_failing_test_makes_the_policy_unusable() {
    let text = FULL.replace("expect = \"allow\"", "expect = \"deny\"");
    insta::assert_snapshot!(refused(&text), @"
    policy.toml:34:10: the test `reading is free` expects `deny` and finds `allow`
        hint: no rule takes it away; add one, or change what the test expects
    ");
    let text = FULL.replace("expect = \"ask\"", "expect = \"allow\"");
    insta::assert_snapshot!(refused(&text), @"
    policy.toml:40:10: the test `the network is asked for` expects `allow` and finds `ask`
        hint: `permissions.ask net:*` decides this; change that rule, or what the test expects
    ");
    let results = Policy::test(&text).expect("a policy whose tests can be run");
    let shown: Vec<_> = results.iter().map(|result| (result.passed(), result.found)).collect();
    assert_eq!(shown, [(true, Outcome::Deny), (true, Outcome::Allow), (false, Outcome::Ask)]);
}

#[test]
fn a_test_about_many_things_does_not_hold_for_a_part() {
    let text = r#"
permissions.deny = ["net:http://*"]
[[test]]
name = "no network"
plugin = "acme:notes"
permission = "net:*"
expect = "deny"
"#;
    insta::assert_snapshot!(refused(text), @"
    policy.toml:7:10: the test `no network` expects `deny` and finds `mixed`
        hint: `permissions.deny net:http://*` decides this; change that rule, or what the test expects
    ");
}

#[test]
fn every_refusal_says_where_what_and_what_to_type() {
    let test = |change: &str| {
        let (key, _) = change.split_once(' ').expect("a line");
        let lines =
            ["name = \"x\"", "plugin = \"a:b\"", "permission = \"kv\"", "expect = \"allow\""];
        let lines = lines.map(|line| if line.starts_with(key) { change } else { line });
        format!("[[test]]\n{}", lines.join("\n"))
    };
    let refusals = [
        "version = 2".to_owned(),
        "version = 0".to_owned(),
        "version = \"1\"".to_owned(),
        "x".to_owned(),
        "a = 1\na = 2".to_owned(),
        "permission = 1".to_owned(),
        "colour = 1".to_owned(),
        "plugins = 1".to_owned(),
        "limits = []".to_owned(),
        "test = 1".to_owned(),
        "test = [1]".to_owned(),
        "[permissions]\nalow = []".to_owned(),
        "[permissions]\nallow = []".to_owned(),
        "[permissions]\ndeny = \"kv\"".to_owned(),
        "[permissions]\ndeny = [\"kv\", 1]".to_owned(),
        "[permissions]\ndeny = [\"kv\",\n  \"nett:*\"]".to_owned(),
        "[permissions]\nask = [\"sockets:*\"]".to_owned(),
        "[permissions]\nask = [\"net:h\"]".to_owned(),
        "[permissions]\nask = [\"net:https://u:hunter2@h\"]".to_owned(),
        "[permissions]\nask = [\"fs:*\"]".to_owned(),
        "[plugins]\nallow = \"ax:*\"".to_owned(),
        "[plugins]\ndeny = [1]".to_owned(),
        "[plugins]\nallow = [\"ax\"]".to_owned(),
        "[plugins]\nallow = [\"*:notes\"]".to_owned(),
        "[plugins]\nallow = [\"ax:n*\"]".to_owned(),
        "[plugins]\nallow = [\"AX:*\"]".to_owned(),
        "[plugins]\nallow = [\"\u{202e}:*\"]".to_owned(),
        "[plugins]\ntrust-min = \"sined\"".to_owned(),
        "[plugins]\ntrust-min = \"pinned\"".to_owned(),
        "[plugins]\ntrust-min = 1".to_owned(),
        "[plugins]\nmin-age = \"3 d\"".to_owned(),
        "[plugins]\nmax-age = \"3 d\"".to_owned(),
        "[limits]\ntask-cost-max-usd = 5".to_owned(),
        "[limits]\nmemory = \"1 MiB\"".to_owned(),
        "[limits]\nmemory-max = 1".to_owned(),
        "[limits]\nmemory-max = \"1 MB\"".to_owned(),
        "[limits]\nmemory-max = \"1 B\"".to_owned(),
        "[limits]\nresult-max = \"2 TiB\"".to_owned(),
        "[limits]\ninput-max = 7".to_owned(),
        "[limits]\nfuel-max = \"7\"".to_owned(),
        "[limits]\nfuel-max = 0".to_owned(),
        "[limits]\nconcurrency-max = 1_000_001".to_owned(),
        "[limits]\ndeadline-max = \"25 h\"".to_owned(),
        "[[test]]\nname = \"x\"".to_owned(),
        "[[test]]\nplugin = \"a:b\"".to_owned(),
        "[[test]]\nexpected = \"deny\"".to_owned(),
        test("name = \"\""),
        test("name = \"a\\nb\""),
        test("plugin = \"a:*\""),
        test("permission = \"kv:x\""),
        test("expect = \"denied\""),
        test("expect = \"mixed\""),
        format!("x = {}1{}", "[".repeat(70), "]".repeat(70)),
    ]
    .map(|text| refused(&text));
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    policy.toml:1:11: version 2 of policies is unknown to this host
        hint: update `ax`, or write the policy for `version = 1`
    policy.toml:1:11: version 0 of policies is unknown to this host
        hint: write `version = 1`, or delete the line
    policy.toml:1:11: `version` is a string; it must be a whole number
        hint: write it like `version = 1`
    policy.toml:1:2: not TOML: key with no value, expected `=`
        hint: strings stand in quotes, lists in `[ ]`; see https://toml.io
    policy.toml:2:1: not TOML: duplicate key
        hint: delete one of the two lines
    policy.toml:1:1: unknown key `permission` in the policy
        hint: did you mean `permissions`?
    policy.toml:1:1: unknown key `colour` in the policy
        hint: the keys here are version, plugins, permissions, limits, approvals, test
    policy.toml:1:11: `plugins` is an integer; it must be a table
        hint: write `[plugins]` on a line of its own and the keys below it
    policy.toml:1:10: `limits` is a list; it must be a table
        hint: write `[limits]` on a line of its own and the keys below it
    policy.toml:1:8: `test` is an integer; it must be a list
        hint: write `[[test]]` on a line of its own and the keys below it
    policy.toml:1:9: `test[0]` is an integer; it must be a table
        hint: write `[[test]]` on a line of its own and the keys below it
    policy.toml:2:1: unknown key `alow` in `[permissions]`
        hint: the keys here are deny, ask
    policy.toml:2:1: unknown key `allow` in `[permissions]`
        hint: the keys here are deny, ask
    policy.toml:2:8: `permissions.deny` is a string; it must be a list
        hint: write it like `deny = ["fs:*:write"]`
    policy.toml:2:15: `permissions.deny[1]` is an integer; it must be a string
        hint: write it like `deny = ["fs:*:write"]`
    policy.toml:3:3: unknown permission kind `nett`
        hint: did you mean `net`, as in `net:https://api.github.com:GET,HEAD:/repos/**`?
    policy.toml:2:8: unknown permission kind `sockets`
        hint: sockets are never granted; ask for hosts, like `net:https://api.github.com`
    policy.toml:2:8: `net:h` is not a permission: `h` does not start with `https://` or `http://`
        hint: write `https://h`
    policy.toml:2:8: `net:https://…@h` is not a permission: `https://…@h` holds a user name before the host
        hint: leave it out; a secret is added with `secret:<name>@https://<host>`
    policy.toml:2:8: `fs:*` is not a permission: `*` lacks the access, `read` or `write`
        hint: write it like `fs:workspace:read`
    policy.toml:2:9: `plugins.allow` is a string; it must be a list
        hint: write it like `allow = ["ax:*"]`
    policy.toml:2:9: `plugins.deny[0]` is an integer; it must be a string
        hint: write it like `deny = ["evil:*"]`
    policy.toml:2:10: `ax` is not a pattern of names: it has no namespace before a colon
        hint: write `acme:notes`, `acme:*` or `*`
    policy.toml:2:10: `*:notes` is not a pattern of names: only a-z, 0-9 and single hyphens are allowed
        hint: write `acme:notes`, `acme:*` or `*`
    policy.toml:2:10: `ax:n*` is not a pattern of names: only a-z, 0-9 and single hyphens are allowed
        hint: write `acme:notes`, `acme:*` or `*`
    policy.toml:2:10: `AX:*` is not a pattern of names: only a-z, 0-9 and single hyphens are allowed
        hint: write `acme:notes`, `acme:*` or `*`
    policy.toml:2:10: `\u{202e}:*` is not a pattern of names: only a-z, 0-9 and single hyphens are allowed
        hint: write `acme:notes`, `acme:*` or `*`
    policy.toml:2:13: `plugins.trust-min` is `sined`, which is not one of none, signed
        hint: did you mean `signed`?
    policy.toml:2:13: `plugins.trust-min` is `pinned`, which is not one of none, signed
        hint: did you mean `signed`?
    policy.toml:2:13: `plugins.trust-min` is an integer; it must be a string
        hint: write it like `trust-min = "none"`
    policy.toml:2:11: `plugins.min-age` cannot be enforced by this host yet
        hint: delete the line; a limit that is written and not kept would be a lie
    policy.toml:2:1: unknown key `max-age` in `[plugins]`
        hint: the keys here are allow, deny, trust-min
    policy.toml:2:21: `limits.task-cost-max-usd` cannot be enforced by this host yet
        hint: delete the line; a limit that is written and not kept would be a lie
    policy.toml:2:1: unknown key `memory` in `[limits]`
        hint: did you mean `memory-max`?
    policy.toml:2:14: `limits.memory-max` is an integer; it must be a size like `"64 MiB"`
        hint: write it like `memory-max = "32 MiB"`
    policy.toml:2:14: `1 MB` is not a size: its unit is unknown
        hint: did you mean `1 MiB`?
    policy.toml:2:14: `limits.memory-max` is 1 B, outside 64 KiB to 1 TiB
        hint: write an amount from 64 KiB to 1 TiB after `memory-max =`
    policy.toml:2:14: `limits.result-max` is 2 TiB, outside 1 B to 1 TiB
        hint: write an amount from 1 B to 1 TiB after `result-max =`
    policy.toml:2:13: `limits.input-max` is an integer; it must be a size like `"64 MiB"`
        hint: write it like `input-max = "32 MiB"`
    policy.toml:2:12: `limits.fuel-max` is a string; it must be a whole number
        hint: write it like `fuel-max = 10_000_000_000`
    policy.toml:2:12: `limits.fuel-max` is 0, outside 1 to 1000000000000000
        hint: write an amount from 1 to 1000000000000000 after `fuel-max =`
    policy.toml:2:19: `limits.concurrency-max` is 1000001, outside 1 to 1000000
        hint: write an amount from 1 to 1000000 after `concurrency-max =`
    policy.toml:2:16: `limits.deadline-max` is 25 h, outside 1 ms to 1 d
        hint: write an amount from 1 ms to 1 d after `deadline-max =`
    policy.toml:1:1: `test[0]` has no `plugin`
        hint: add `plugin = "acme:notes"`
    policy.toml:1:1: `test[0]` has no `name`
        hint: add `name = "no writes"`
    policy.toml:2:1: unknown key `expected` in `test[0]`
        hint: did you mean `expect`?
    policy.toml:2:8: `test[0].name` is empty
        hint: write a sentence after `name =`, or delete the line
    policy.toml:2:8: `test[0].name` holds the hidden character U+000A
        hint: type the text anew, on one line; copied text often brings such characters
    policy.toml:3:10: `a:*` is not a name: only a-z, 0-9 and single hyphens are allowed
        hint: a plugin is written `namespace:name`, like `ax:metrics`
    policy.toml:4:14: `kv:x` is not a permission: `:x` is too much
        hint: write it like `kv`
    policy.toml:5:10: `test[0].expect` is `denied`, which is not one of allow, ask, deny
        hint: write `allow` or `ask` or `deny`
    policy.toml:5:10: `test[0].expect` is `mixed`, which is not one of allow, ask, deny
        hint: write `allow` or `ask` or `deny`
    policy.toml:1:69: values are nested more than 64 deep
        hint: a policy has tables with lists of strings, nothing deeper
    "#);
}

#[test]
fn a_password_is_not_repeated() {
    let text = "permissions.deny = [\"net:https://u:hunter2@h\"]";
    let error = Policy::parse(text).expect_err(text);
    assert!(!format!("{error:?} {error} {:?}", error.hint()).contains("hunter2"));
}

#[test]
fn a_policy_has_at_most_65536_bytes() {
    let fits = format!("#{}", "x".repeat(POLICY_BYTES_MAX - 1));
    assert_eq!(policy(&fits), Policy::default());
    let error = Policy::parse(&format!("{fits}x")).expect_err("a byte too much");
    let kind = PolicyErrorKind::TooLarge { bytes: POLICY_BYTES_MAX + 1, max: POLICY_BYTES_MAX };
    assert_eq!((error.line, error.column, error.kind), (1, 1, kind));
}

#[test]
fn a_list_has_at_most_256_entries_and_a_file_256_tests() {
    let list = |count: usize, entry: &str| format!("[{}]", vec![entry; count].join(","));
    for (key, entry) in [
        ("permissions.deny", "\"env:A\""),
        ("permissions.ask", "\"env:A\""),
        ("plugins.allow", "\"*\""),
        ("plugins.deny", "\"a:b\""),
        ("test", "{name=\"x\",plugin=\"a:b\",permission=\"kv\",expect=\"allow\"}"),
    ] {
        policy(&format!("{key} = {}", list(ENTRIES_MAX, entry)));
        let text = format!("{key} = {}", list(ENTRIES_MAX + 1, entry));
        let error = Policy::parse(&text).expect_err(key);
        let (what, count, max) = (key.to_owned(), ENTRIES_MAX + 1, ENTRIES_MAX);
        assert_eq!(error.kind, PolicyErrorKind::TooMany { what, count, max });
    }
}

#[test]
fn limits_reach_to_their_bounds_and_not_beyond() {
    for (key, least, most, below, above) in [
        ("memory-max", "\"64 KiB\"", "\"1 TiB\"", "\"65535 B\"", "\"1099511627777 B\""),
        ("input-max", "\"1 B\"", "\"1 TiB\"", "\"0 B\"", "\"1099511627777 B\""),
        ("deadline-max", "\"1 ms\"", "\"1 d\"", "\"999 us\"", "\"86401 s\""),
        ("fuel-max", "1", "1_000_000_000_000_000", "0", "1_000_000_000_000_001"),
        ("log-lines-max", "1", "1_000_000", "0", "1_000_001"),
    ] {
        for amount in [least, most] {
            policy(&format!("limits.{key} = {amount}"));
        }
        for amount in [below, above] {
            let error = Policy::parse(&format!("limits.{key} = {amount}")).expect_err(key);
            assert!(matches!(error.kind, PolicyErrorKind::Shape(_)), "{error}");
        }
    }
}

#[test]
fn errors_in_the_last_line_have_their_place() {
    let error = Policy::parse("[plugins]\r\n# é\r\nallow = [\"é\", 1]").expect_err("no name");
    assert_eq!((error.line, error.column), (3, 10));
}

/// Single effects, no patterns.
pub(super) const EFFECTS: [&str; 16] = [
    "kv",
    "net:https://a.b:GET:/x",
    "net:https://a.b:POST:/x/y",
    "net:http://c.a.b:GET:/",
    "net:http://10.0.0.1:8080:DELETE:/x",
    "secret:s@https://a.b",
    "models:fast",
    "tools:ax:fetch.get",
    "services:ax:notes/search",
    "events:publish:a.b",
    "memory:private",
    "memory:shared:team",
    "agents:reviewer",
    "fs:out:read",
    "fs:out:write",
    "env:LANG",
];

/// Rules and grants over the same words.
pub(super) const PATTERNS: [&str; 26] = [
    "net:*",
    "net:http://*",
    "net:https://*:*",
    "net:https://*.b:POST,GET",
    "net:https://a.b",
    "net:https://a.b:*:/x/**,/z",
    "net:https://a.b:/x",
    "net:http://10.0.0.1:8080",
    "secret:*@https://*",
    "secret:s@https://*.b",
    "models:*",
    "tools:*",
    "tools:ax:fetch.*",
    "services:ax:notes/*",
    "events:publish:*",
    "events:publish:a.*",
    "memory:shared:*",
    "agents:*",
    "fs:*:write",
    "fs:*:read",
    "fs:out:read",
    "fs:out:write",
    "fs:in:write",
    "env:*",
    "kv",
    "memory:private",
];

pub(super) fn any_policy() -> impl Strategy<Value = (Vec<&'static str>, Vec<&'static str>)> {
    let list = || vec(select(&PATTERNS[..]), 0..5);
    (list(), list())
}

/// Tells whether a rule is about an effect, in other words than the code has.
fn is_about(rule: &str, effect: &str) -> bool {
    let as_grant = match rule {
        "net:http://*" => "net:http://*:*",
        "net:https://a.b" => "net:https://a.b:*",
        "net:https://a.b:/x" => "net:https://a.b:*:/x",
        "net:http://10.0.0.1:8080" => "net:http://10.0.0.1:8080:*",
        // Who may not read may not write either; who may not write may read.
        "fs:*:read" | "fs:out:read" => return effect.starts_with("fs:out:"),
        "fs:*:write" | "fs:out:write" => return effect == "fs:out:write",
        other => other,
    };
    permission(as_grant).covers(&permission(effect))
}

/// Returns each mistake of a text on one line.
fn mistakes(text: &str) -> Vec<String> {
    Policy::mistakes(text).iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_is_told_in_the_order_of_the_file() {
    let text = r#"
color = "red"
[plugins]
allow = ["ax:*", "a:b:c", 3]
min-age = "3 d"
[permissions]
deny = ["fs:*:write", "net", "kv:x"]
deyn = []
[limits]
memory-max = 1
fuel-max = 0
[[test]]
name = "one"
[[test]]
name = "two"
plugin = "a:b"
permission = "kv"
expect = "no"
"#;
    insta::assert_snapshot!(mistakes(text).join("\n"), @r#"
    policy.toml:2:1: unknown key `color` in the policy
    policy.toml:4:18: `a:b:c` is not a pattern of names: it has more than one colon
    policy.toml:4:27: `plugins.allow[2]` is an integer; it must be a string
    policy.toml:5:11: `plugins.min-age` cannot be enforced by this host yet
    policy.toml:7:23: `net` is not a permission: `net` lacks what follows the colon
    policy.toml:7:30: `kv:x` is not a permission: `:x` is too much
    policy.toml:8:1: unknown key `deyn` in `[permissions]`
    policy.toml:10:14: `limits.memory-max` is an integer; it must be a size like `"64 MiB"`
    policy.toml:11:12: `limits.fuel-max` is 0, outside 1 to 1000000000000000
    policy.toml:12:1: `test[0]` has no `plugin`
    policy.toml:18:10: `test[1].expect` is `no`, which is not one of allow, ask, deny
    "#);
    let first = Policy::parse(text).expect_err("mistakes").to_string();
    assert_eq!(Some(&first), mistakes(text).first());
}

#[test]
fn every_test_that_fails_is_told_once_the_file_has_no_other_mistake() {
    let test = |expect: &str| {
        format!(
            "[[test]]\nname = \"x\"\nplugin = \"a:b\"\npermission = \"kv\"\nexpect = \"{expect}\"\n"
        )
    };
    let text = [test("deny"), test("allow"), test("ask")].concat();
    assert_eq!(
        mistakes(&text),
        [
            "policy.toml:5:10: the test `x` expects `deny` and finds `allow`",
            "policy.toml:15:10: the test `x` expects `ask` and finds `allow`",
        ]
    );
    assert_eq!(mistakes(&format!("x = 1\n{text}")).len(), 1);
    assert_eq!(mistakes(""), Vec::<String>::new());
}

#[test]
fn a_hundred_mistakes_are_enough() {
    let keys: String = (0..1_000).map(|n| format!("k{n} = 1\n")).collect();
    assert_eq!(Policy::mistakes(&keys).len(), MISTAKES_MAX);
}

#[test]
fn what_a_policy_says_is_counted() {
    let PolicyCounts { rules, limits, tests } = policy(FULL).counts();
    assert_eq!((rules, limits, tests), (6, 9, 3));
    assert_eq!(policy("plugins.trust-min = \"signed\"").counts().rules, 1);
}

proptest! {
    #[test]
    fn an_effect_is_decided_by_the_rules_about_it((deny, ask) in any_policy()) {
        let policy = rules(&deny, &ask);
        for effect in EFFECTS {
            let about = |list: &[&str]| list.iter().any(|rule| is_about(rule, effect));
            let wanted = permission(effect);
            match policy.decide(&notes(), &wanted) {
                Verdict::Deny { .. } => assert!(about(&deny), "{effect}"),
                Verdict::Ask { .. } => assert!(!about(&deny) && about(&ask), "{effect}"),
                Verdict::Allow => assert!(!about(&deny) && !about(&ask), "{effect}"),
            }
            let alike = match policy.judge_grant(&notes(), &wanted) {
                GrantVerdict::Allowed => Verdict::Allow,
                GrantVerdict::Asked(rule) => Verdict::Ask { rule },
                GrantVerdict::Denied(rule) => Verdict::Deny { rule },
                GrantVerdict::NarrowedBy(rules) => panic!("one effect in two parts: {rules:?}"),
            };
            assert_eq!(policy.decide(&notes(), &wanted), alike, "{effect}");
        }
    }

    #[test]
    fn the_verdict_on_a_grant_holds_for_each_effect_it_allows((deny, ask) in any_policy()) {
        let policy = rules(&deny, &ask);
        for grant in PATTERNS.map(permission) {
            let verdict = policy.judge_grant(&notes(), &grant);
            // A write grant is about writing here; that it lets read too is another effect.
            let is_write = grant.to_string().ends_with(":write");
            let effects = EFFECTS.map(permission).into_iter().filter(|effect| {
                grant.covers(effect) && !(is_write && effect.to_string().ends_with(":read"))
            });
            for effect in effects {
                let decided = policy.decide(&notes(), &effect);
                match &verdict {
                    GrantVerdict::Allowed => assert_eq!(decided, Verdict::Allow, "{grant} {effect}"),
                    GrantVerdict::Asked(_) => {
                        assert!(matches!(decided, Verdict::Ask { .. }), "{grant} {effect}");
                    }
                    GrantVerdict::Denied(_) => {
                        assert!(matches!(decided, Verdict::Deny { .. }), "{grant} {effect}");
                    }
                    GrantVerdict::NarrowedBy(rules) => assert!(!rules.is_empty()),
                }
            }
        }
    }

    #[test]
    fn another_rule_never_allows_more((deny, ask) in any_policy(), more in select(&PATTERNS[..])) {
        let strictness = |verdict| match verdict {
            Verdict::Allow => 0,
            Verdict::Ask { .. } => 1,
            Verdict::Deny { .. } => 2,
        };
        let policy = rules(&deny, &ask);
        let denied = rules(&[&deny[..], &[more]].concat(), &ask);
        let asked = rules(&deny, &[&ask[..], &[more]].concat());
        for effect in EFFECTS.map(permission) {
            let before = strictness(policy.decide(&notes(), &effect));
            assert!(strictness(denied.decide(&notes(), &effect)) >= before, "{effect}");
            assert!(strictness(asked.decide(&notes(), &effect)) >= before, "{effect}");
        }
    }

    #[test]
    fn any_text_is_a_policy_or_refused(
        text in "((\\[\\[?)?(plugins|permissions|limits|test|version)\\]?\\]?\n?|(allow|deny|ask|name|memory-max) = |[\\[\\]\",\n=1é]|\"(fs:\\*:write|net:\\*|ax:\\*|1 MiB)\"){0,12}"
    ) {
        let parsed = Policy::parse(&text);
        assert_eq!(parsed.as_ref().err(), Policy::mistakes(&text).first());
        if let Err(error) = parsed {
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(error.hint().is_some_and(|hint| !hint.is_empty()));
            assert!(error.line >= 1 && error.column >= 1);
        }
    }
}
