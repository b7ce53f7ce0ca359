//! What `plugin.toml` may say, what is refused, and that nothing is lost on the way to JSON.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, proptest};
use proptest::sample::{Index, select};
use semver::VersionReq;

use crate::manifest::{HOST_API, HOST_REQUIREMENT, MANIFEST_BYTES_MAX, Manifest};

/// The example of the design, with every section and kind.
const WHOLE: &str = r#"
[plugin]
name = "ax:metrics"            # namespace:name
version = "0.3.1"
description = "Counts lines, complexity and duplication"
license = "MIT"
homepage = "https://example.org/metrics"
host = "^0.1"
component = "build/metrics.wasm"
[dependencies]
"ax:text" = "^1.2"
[permissions]
fs       = [{ path = "workspace", access = "read", reason = "to count its lines" }]
net      = [{ to = "https://api.github.com", methods = ["GET"], paths = ["/repos/**"] }]
secrets  = [{ name = "github-token", to = "https://api.github.com", header = "Authorization: Bearer {}" }]
models   = [{ tier = "fast", calls = 20, tokens = 50_000, cost-usd = 0.25 }]
tools    = ["ax:fetch.get"]
services = ["ax:notes/search"]
events   = { publish = ["review.*"], subscribe = ["task.completed"] }
kv       = { bytes = "10 MiB" }
memory   = ["private", "shared:team"]
agents   = [{ name = "reviewer", reason = "for a second opinion" }]
env      = ["LANG", { name = "TZ", reason = "to show local times" }]
[limits]
memory = "32 MiB"
deadline = "10 s"
fuel = 5_000_000_000
log-lines = 10
[tools.count]
title = "Count"
description = """Counts lines.
Blank ones too."""
read-only = true
[config]
type = "object"
[config.properties.threshold]
type = "number"
default = 1.5
"#;

const SMALL: &str = r#"[plugin]
name = "ax:echo"
version = "0.1.0"
description = "Says it again"
host = "^0.1"
"#;

fn parsed(text: &str) -> Manifest {
    Manifest::parse(text).unwrap_or_else(|error| panic!("{error}\nhint: {}\n{text}", error.hint()))
}

/// Parses `text`, which is wrong, and returns the error and its hint.
fn refused(text: &str) -> String {
    let error = Manifest::parse(text).expect_err(text);
    format!("{error}\n    hint: {}", error.hint())
}

/// Parses the smallest manifest with `more` after it, from line 6.
fn refused_after_small(more: &str) -> String {
    refused(&format!("{SMALL}{more}"))
}

/// Parses the smallest manifest with one line replaced.
fn refused_with(line: usize, replacement: &str) -> String {
    let mut lines: Vec<&str> = SMALL.lines().collect();
    lines[line - 1] = replacement;
    refused(&lines.join("\n"))
}

fn report<const N: usize>(lines: [String; N]) -> String {
    lines.join("\n")
}

#[test]
fn the_design_page_parses() {
    let manifest = parsed(WHOLE);
    assert_eq!(manifest.plugin.component, "build/metrics.wasm");
    assert_eq!(manifest.dependencies.len(), 1);
    assert_eq!(manifest.tools["count"].read_only, Some(true));
    assert_eq!(manifest.limits.fuel, Some(5_000_000_000));
    let asked: Vec<String> = manifest.asked().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(asked.join("\n"), @"
    kv
    net:https://api.github.com:GET:/repos/**
    secret:github-token@https://api.github.com
    models:fast
    tools:ax:fetch.get
    services:ax:notes/search
    events:publish:review.*
    events:subscribe:task.completed
    memory:private
    memory:shared:team
    agents:reviewer
    fs:workspace:read
    env:LANG
    env:TZ
    ");
    insta::assert_snapshot!(manifest.config.expect("a schema"), @r#"{"type":"object","properties":{"threshold":{"type":"number","default":1.5}}}"#);
}

#[test]
fn the_smallest_manifest_asks_nothing() {
    let manifest = parsed(SMALL);
    assert!(manifest.asked().is_empty());
    assert_eq!(manifest.plugin.component, "plugin.wasm");
    assert_eq!(manifest.limits, super::LimitRequests::default());
    assert_eq!(manifest.config, None);
}

#[test]
fn json_has_the_shape_of_the_text() {
    let manifest = parsed(WHOLE);
    let json = serde_json::to_string_pretty(&manifest).expect("JSON");
    insta::assert_snapshot!(json, @r#"
    {
      "plugin": {
        "name": "ax:metrics",
        "version": "0.3.1",
        "description": "Counts lines, complexity and duplication",
        "license": "MIT",
        "homepage": "https://example.org/metrics",
        "host": "^0.1",
        "component": "build/metrics.wasm"
      },
      "dependencies": {
        "ax:text": "^1.2"
      },
      "permissions": {
        "kv": {
          "bytes": "10 MiB"
        },
        "net": [
          {
            "to": "https://api.github.com",
            "methods": [
              "GET"
            ],
            "paths": [
              "/repos/**"
            ]
          }
        ],
        "secrets": [
          {
            "name": "github-token",
            "to": "https://api.github.com",
            "header": "Authorization: Bearer {}"
          }
        ],
        "models": [
          {
            "tier": "fast",
            "calls": 20,
            "tokens": 50000,
            "cost-usd": 0.25
          }
        ],
        "tools": [
          "ax:fetch.get"
        ],
        "services": [
          "ax:notes/search"
        ],
        "events": {
          "publish": [
            "review.*"
          ],
          "subscribe": [
            "task.completed"
          ]
        },
        "memory": [
          "private",
          "shared:team"
        ],
        "agents": [
          {
            "name": "reviewer",
            "reason": "for a second opinion"
          }
        ],
        "fs": [
          {
            "path": "workspace",
            "access": "read",
            "reason": "to count its lines"
          }
        ],
        "env": [
          "LANG",
          {
            "name": "TZ",
            "reason": "to show local times"
          }
        ]
      },
      "limits": {
        "fuel": 5000000000,
        "deadline": "10 s",
        "memory": "32 MiB",
        "log-lines": 10
      },
      "tools": {
        "count": {
          "title": "Count",
          "description": "Counts lines.\nBlank ones too.",
          "read-only": true
        }
      },
      "config": {
        "type": "object",
        "properties": {
          "threshold": {
            "type": "number",
            "default": 1.5
          }
        }
      }
    }
    "#);
    assert_eq!(serde_json::from_str::<Manifest>(&json).expect("a manifest"), manifest);
    assert_eq!(parsed(&toml::to_string(&manifest).expect("TOML")), manifest);
}

#[test]
fn json_is_as_strict_as_the_text() {
    let json = serde_json::to_string(&parsed(SMALL)).expect("JSON");
    let refused = |from: &str, to: &str| {
        let changed = json.replace(from, to);
        assert_ne!(changed, json);
        serde_json::from_str::<Manifest>(&changed).expect_err(&changed).to_string()
    };
    insta::assert_snapshot!(report([
        refused("ax:echo", "echo"),
        refused("0.1.0", "0.1.0+build"),
        refused("plugin.wasm", "../plugin.wasm"),
        refused("again", "again\\u202e"),
        refused("\"version\"", "\"name\":\"ax:b\",\"version\""),
        refused("\"version\"", "\"license\":null,\"version\""),
        refused("{\"plugin\"", "{\"extra\":1,\"plugin\""),
        refused("{\"plugin\"", "{\"config\":{\"x\":18446744073709551615},\"plugin\""),
        refused("{\"plugin\"", "{\"permissions\":{\"env\":[\"*\"]},\"plugin\""),
        refused("{\"plugin\"", "{\"limits\":{\"fuel\":0},\"plugin\""),
    ]), @"
    `echo` is not a name: it has no namespace before a colon
    `0.1.0+build` is not a version: a build part (`+…`) is not allowed
    `../plugin.wasm` is not a path inside the plugin's folder: a part of it is empty, `.` or `..`
    `plugin.description` holds the hidden character U+202E
    not TOML: the key `name` stands twice at line 1 column 34
    invalid type: null, expected a value that TOML has at line 1 column 42
    unknown key `extra` in the manifest
    the number `18446744073709551615` is too large at line 1 column 35
    `env:*` is too wide for a plugin to ask
    `limits.fuel` is 0, outside 1 to 1000000000000000
    ");
}

#[test]
fn the_plugin_section_is_checked() {
    let long = format!("description = \"{}\"", "é".repeat(201));
    insta::assert_snapshot!(report([
        refused(""),
        refused("plugin = 1"),
        refused_with(1, "[plugn]"),
        refused_with(2, "# no name"),
        refused_with(2, "name = \"echo\""),
        refused_with(2, "nmae = \"ax:echo\""),
        refused_with(2, "name = 7"),
        refused_with(3, "version = \"1.0\""),
        refused_with(3, "version = \"1.0.0+b\""),
        refused_with(4, "colour = \"red\""),
        refused_with(4, "description = \"\""),
        refused_with(4, "description = \"a\\nb\""),
        refused_with(4, "description = \"a\\u001b[31mb\""),
        refused_with(4, "description = \"a\u{202e}b\""),
        refused_with(4, &long),
        refused_with(5, "# no host"),
        refused_with(5, "host = \"new\""),
        refused_after_small("license = []"),
        refused_after_small("homepage = \"javascript:alert(1)\""),
        refused_after_small("component = \"/etc/passwd\""),
        refused_after_small("component = \"../plugin.wasm\""),
        refused_after_small("component = \"a\\\\b\""),
        refused_after_small("name = \"ax:two\""),
        refused_after_small("[tools"),
        refused_after_small("x = 99999999999999999999"),
    ]), @r#"
    plugin.toml:1:1: the manifest has no `plugin`
        hint: start the file with `[plugin]`, then `name`, `version`, `description`, `host`
    plugin.toml:1:10: `plugin` is an integer; it must be a table
        hint: write `[plugin]` on a line of its own and the keys below it
    plugin.toml:1:2: unknown key `plugn` in the manifest
        hint: did you mean `plugin`?
    plugin.toml:1:1: `[plugin]` has no `name`
        hint: add `name = "ax:metrics"`
    plugin.toml:2:8: `echo` is not a name: it has no namespace before a colon
        hint: a plugin is written `namespace:name`, like `ax:metrics`
    plugin.toml:2:1: unknown key `nmae` in `[plugin]`
        hint: did you mean `name`?
    plugin.toml:2:8: `plugin.name` is an integer; it must be a string
        hint: write it like `name = "…"`
    plugin.toml:3:11: `1.0` is not a version: unexpected end of input while parsing minor version number
        hint: write three numbers, like `version = "0.3.1"`
    plugin.toml:3:11: `1.0.0+b` is not a version: a build part (`+…`) is not allowed
        hint: write three numbers, like `version = "0.3.1"`
    plugin.toml:4:1: unknown key `colour` in `[plugin]`
        hint: the keys here are name, version, description, license, homepage, host, component, reuse
    plugin.toml:4:15: `plugin.description` is empty
        hint: write a sentence after `description =`, or delete the line
    plugin.toml:4:15: `plugin.description` holds the hidden character U+000A
        hint: type the text anew, on one line; copied text often brings such characters
    plugin.toml:4:15: `plugin.description` holds the hidden character U+001B
        hint: type the text anew, on one line; copied text often brings such characters
    plugin.toml:4:15: `plugin.description` holds the hidden character U+202E
        hint: type the text anew, on one line; copied text often brings such characters
    plugin.toml:4:15: `plugin.description` has 201 characters; 200 is the most
        hint: shorten it to 200 characters
    plugin.toml:1:1: `[plugin]` has no `host`
        hint: add `host = "^0.2"`
    plugin.toml:5:8: `new` is not a version requirement: unexpected character 'n' while parsing major version number
        hint: write it like `host = "^0.2"`
    plugin.toml:6:11: `plugin.license` is a list; it must be a string
        hint: write it like `license = "…"`
    plugin.toml:6:12: `javascript:alert(1)` is not a home page: it does not start with `https://` or `http://`
        hint: write it like `homepage = "https://example.org/metrics"`
    plugin.toml:6:13: `/etc/passwd` is not a path inside the plugin's folder: it is absolute
        hint: write it like `component = "build/plugin.wasm"`
    plugin.toml:6:13: `../plugin.wasm` is not a path inside the plugin's folder: a part of it is empty, `.` or `..`
        hint: write it like `component = "build/plugin.wasm"`
    plugin.toml:6:13: `a\b` is not a path inside the plugin's folder: it holds a backslash or a colon
        hint: write it like `component = "build/plugin.wasm"`
    plugin.toml:6:1: not TOML: duplicate key
        hint: delete one of the two lines
    plugin.toml:6:7: not TOML: unclosed table, expected `]`
        hint: strings stand in quotes, lists in `[ ]`; see https://toml.io
    plugin.toml:6:5: the number `99999999999999999999` is too large
        hint: write a number below 9223372036854775807
    "#);
}

#[test]
fn a_description_has_at_most_200_characters() {
    let with = |chars: usize| SMALL.replace("Says it again", &"é".repeat(chars));
    assert!(Manifest::parse(&with(200)).is_ok());
    assert!(Manifest::parse(&with(201)).is_err());
}

#[test]
fn permissions_are_checked() {
    let wrong = |line: &str| refused_after_small(&format!("[permissions]\n{line}"));
    insta::assert_snapshot!(report([
        wrong("nett = []"),
        wrong("sockets = []"),
        wrong("fs = [\"workspace:read\"]"),
        wrong("fs = { path = \"workspace\", access = \"read\" }"),
        wrong("fs = [{ path = \"workspace\" }]"),
        wrong("fs = [{ path = \"/etc\", access = \"read\" }]"),
        wrong("fs = [{ path = \"workspace\", access = \"execute\" }]"),
        wrong("fs = [{ path = \"workspace\", acess = \"read\" }]"),
        wrong("fs = [{ path = \"*\", access = \"read\" }]"),
        wrong("net = [{ to = \"api.github.com\" }]"),
        wrong("net = [{ to = \"*\" }]"),
        wrong("net = [{ to = \"https://u:p@h\" }]"),
        wrong("net = [{ to = \"https://h/repos\" }]"),
        wrong("net = [{ to = \"https://bücher.example\" }]"),
        wrong("net = [{ to = \"https://h\", methods = [] }]"),
        wrong("net = [{ to = \"https://h\", methods = [\"GET\", \"post\"] }]"),
        wrong("net = [{ to = \"https://h\", paths = [\"/a/../b\"] }]"),
        wrong("net = [{ to = \"https://h:GET:/a\" }]"),
        wrong("secrets = [{ name = \"Token\", to = \"https://h\" }]"),
        wrong("secrets = [{ name = \"token\", to = \"https://*\" }]"),
        wrong("secrets = [{ name = \"token\", to = \"https://h\", header = \"X: y\" }]"),
        wrong("secrets = [{ name = \"token\", to = \"https://h\", header = \"X: {}\\r\\nY: z\" }]"),
        wrong("models = [{ tier = \"fast\", calls = 0 }]"),
        wrong("models = [{ tier = \"fast\", calls = \"many\" }]"),
        wrong("models = [{ tier = \"fast\", cost-usd = 0 }]"),
        wrong("models = [{ tier = \"fast\", cost-usd = 10_000.000001 }]"),
        wrong("models = [{ tier = \"fast\", cost-usd = 0.0000001 }]"),
        wrong("models = [{ tier = \"fast\", cost-usd = nan }]"),
        wrong("models = [{ tier = \"fast\", cost-usd = \"1\" }]"),
        wrong("tools = [\"tools:ax:fetch.get\"]"),
        wrong("tools = [\"*\"]"),
        wrong("services = [\"ax:notes\"]"),
        wrong("events = [\"review.*\"]"),
        wrong("events = { publsh = [\"review.*\"] }"),
        wrong("events = { publish = [\"*\"] }"),
        wrong("kv = true"),
        wrong("kv = { bytes = 10 }"),
        wrong("kv = { bytes = \"10 MB\" }"),
        wrong("kv = { bytes = \"2 GiB\" }"),
        wrong("memory = [\"public\"]"),
        wrong("agents = [\"*\"]"),
        wrong("env = [\"*\"]"),
        wrong("env = [\"A=B\"]"),
        wrong("env = [{ name = \"LANG\", why = \"x\" }]"),
        wrong("env = [{ name = \"LANG\", reason = \"a\u{200b}b\" }]"),
        wrong("env = [\"LANG\",\n  \"TZ\",\n  \"LANG\"]"),
        wrong("env = [1]"),
    ]), @r#"
    plugin.toml:7:1: unknown permission kind `nett`
        hint: did you mean `net`?
    plugin.toml:7:1: unknown permission kind `sockets`
        hint: sockets are never granted; write `net = [{ to = "https://api.github.com", methods = ["GET"], paths = ["/repos/**"] }]`
    plugin.toml:7:7: `permissions.fs[0]` is a string; it must be a table
        hint: write it like `fs = [{ path = "workspace", access = "read" }]`
    plugin.toml:7:6: `permissions.fs` is a table; it must be a list
        hint: write it like `fs = [{ path = "workspace", access = "read" }]`
    plugin.toml:7:7: `permissions.fs[0]` has no `access`
        hint: write it like `fs = [{ path = "workspace", access = "read" }]`
    plugin.toml:7:16: `/etc` is not a folder's name: only a-z, 0-9 and single hyphens are allowed
        hint: write it like `fs = [{ path = "workspace", access = "read" }]`
    plugin.toml:7:38: `execute` is not one of `read`, `write`
        hint: write it like `fs = [{ path = "workspace", access = "read" }]`
    plugin.toml:7:29: unknown key `acess` in `permissions.fs[0]`
        hint: did you mean `access`?
    plugin.toml:7:7: `fs:*:read` is too wide for a plugin to ask
        hint: name each one, like `fs = [{ path = "workspace", access = "read" }]`
    plugin.toml:7:15: `api.github.com` does not start with `https://` or `http://`
        hint: write `https://api.github.com`
    plugin.toml:7:15: `*` does not start with `https://` or `http://`
        hint: write `https://*`
    plugin.toml:7:15: `https://…@h` holds a user name before the host
        hint: leave it out; to add a secret write `secrets = [{ name = "github-token", to = "https://api.github.com" }]`
    plugin.toml:7:15: `/repos` does not belong to an origin
        hint: write it like `net = [{ to = "https://api.github.com", methods = ["GET"], paths = ["/repos/**"] }]`
    plugin.toml:7:15: `bücher.example` is not a host in ASCII
        hint: write the punycode form, like `xn--bcher-kva.example` for `bücher.example`
    plugin.toml:7:38: `permissions.net[0].methods` is an empty list
        hint: delete `methods = []`, or name at least one
    plugin.toml:7:46: `post` is not a method that can be granted
        hint: write `POST`
    plugin.toml:7:37: `/a/../b` is not a path pattern: it holds a `.` or `..` segment
        hint: a path looks like `/repos/**` (any depth) or `/users/*/keys` (one segment)
    plugin.toml:7:15: `:GET:/a` does not belong to an origin
        hint: write it like `net = [{ to = "https://api.github.com", methods = ["GET"], paths = ["/repos/**"] }]`
    plugin.toml:7:21: `Token` is not a secret's name: only a-z, 0-9 and single hyphens are allowed
        hint: write it like `secrets = [{ name = "github-token", to = "https://api.github.com" }]`
    plugin.toml:7:12: `secret:token@https://*` is too wide for a plugin to ask
        hint: name each one, like `secrets = [{ name = "github-token", to = "https://api.github.com" }]`
    plugin.toml:7:57: `X: y` is not a header for a secret: its value does not hold `{}` once, for the secret
        hint: write it like `header = "Authorization: Bearer {}"`
    plugin.toml:7:57: `X: {}\u{d}\u{a}Y: z` is not a header for a secret: its value holds a character that is not printable ASCII
        hint: write it like `header = "Authorization: Bearer {}"`
    plugin.toml:7:36: `permissions.models[0].calls` is 0, outside 1 to 1000000
        hint: write an amount from 1 to 1000000 after `calls =`
    plugin.toml:7:36: `permissions.models[0].calls` is a string; it must be a whole number
        hint: write it like `models = [{ tier = "fast", calls = 20 }]`
    plugin.toml:7:39: `permissions.models[0].cost-usd` is 0, outside 0.000001 to 10000
        hint: write an amount from 0.000001 to 10000 after `cost-usd =`
    plugin.toml:7:39: `permissions.models[0].cost-usd` is 10000.000001, outside 0.000001 to 10000
        hint: write an amount from 0.000001 to 10000 after `cost-usd =`
    plugin.toml:7:39: `permissions.models[0].cost-usd` is a float; it must be a number of at most six decimal places, like `0.25`
        hint: write it like `models = [{ tier = "fast", calls = 20 }]`
    plugin.toml:7:39: `permissions.models[0].cost-usd` is a float; it must be a number of at most six decimal places, like `0.25`
        hint: write it like `models = [{ tier = "fast", calls = 20 }]`
    plugin.toml:7:39: `permissions.models[0].cost-usd` is a string; it must be a number like `0.25`
        hint: write it like `models = [{ tier = "fast", calls = 20 }]`
    plugin.toml:7:10: `tools:ax:fetch.get` is not a tool: it has more than one colon
        hint: write it like `tools = ["ax:fetch.get"]`
    plugin.toml:7:10: `tools:*` is too wide for a plugin to ask
        hint: name each one, like `tools = ["ax:fetch.get"]`
    plugin.toml:7:13: `ax:notes` lacks the service after `/`
        hint: write it like `services = ["ax:notes/search"]`
    plugin.toml:7:10: `permissions.events` is a list; it must be a table
        hint: write it like `events = { publish = ["review.*"], subscribe = ["task.completed"] }`
    plugin.toml:7:12: unknown key `publsh` in `[permissions.events]`
        hint: did you mean `publish`?
    plugin.toml:7:23: `events:publish:*` is too wide for a plugin to ask
        hint: name each one, like `events = { publish = ["review.*"], subscribe = ["task.completed"] }`
    plugin.toml:7:6: `permissions.kv` is a boolean; it must be a table
        hint: write it like `kv = { bytes = "10 MiB" }`
    plugin.toml:7:16: `permissions.kv.bytes` is an integer; it must be a size like `"10 MiB"`
        hint: write it like `kv = { bytes = "10 MiB" }`
    plugin.toml:7:16: `10 MB` is not a size: its unit is unknown
        hint: did you mean `10 MiB`?
    plugin.toml:7:16: `permissions.kv.bytes` is 2 GiB, outside 1 B to 1 GiB
        hint: write an amount from 1 B to 1 GiB after `bytes =`
    plugin.toml:7:11: `public` is not one of `private`, `shared:<name>`
        hint: write it like `memory = ["private"]`
    plugin.toml:7:11: `agents:*` is too wide for a plugin to ask
        hint: name each one, like `agents = ["reviewer"]`
    plugin.toml:7:8: `env:*` is too wide for a plugin to ask
        hint: name each one, like `env = ["LANG"]`
    plugin.toml:7:8: `A=B` is not an environment variable: only letters, digits and `_` are allowed
        hint: write it like `env = ["LANG"]`
    plugin.toml:7:25: unknown key `why` in `permissions.env[0]`
        hint: the keys here are name, reason
    plugin.toml:7:34: `permissions.env[0].reason` holds the hidden character U+200B
        hint: type the text anew, on one line; copied text often brings such characters
    plugin.toml:9:3: `env:LANG` is asked twice
        hint: delete one of the two
    plugin.toml:7:8: `permissions.env[0]` is an integer; it must be a string or a table with `name` and `reason`
        hint: write it like `env = ["LANG"]`
    "#);
}

#[test]
fn two_spellings_of_one_permission_are_a_duplicate() {
    let net = "[permissions]\nnet = [{ to = \"https://H:443\" }, \
               { to = \"https://h\", methods = [\"HEAD\", \"GET\"] }]";
    insta::assert_snapshot!(refused_after_small(net), @"
    plugin.toml:7:34: `net:https://h` is asked twice
        hint: delete one of the two
    ");
}

#[test]
fn that_a_key_is_honoured_is_said_beside_the_methods() {
    let net = |line: &str| format!("[permissions]\nnet = [{{ to = \"https://h\", {line} }}]");
    let asked =
        |line: &str| parsed(&format!("{SMALL}{}", net(line))).permissions[0].permission.to_string();
    let marked = "net:https://h:POST,idempotency-key:/orders/**";
    let post = "methods = [\"POST\"], paths = [\"/orders/**\"]";
    assert_eq!(asked(&format!("{post}, idempotency-key = true")), marked);
    assert_eq!(asked(&format!("{post}, idempotency-key = false")), "net:https://h:POST:/orders/**");
    let wrong = |line: &str| refused_after_small(&net(line));
    insta::assert_snapshot!(report([
        wrong("idempotency-key = true"),
        wrong("methods = [\"PUT\"], idempotency-key = true"),
        wrong("methods = [\"POST\"], idempotency-key = \"yes\""),
        wrong("methods = [\"POST\", \"idempotency-key\"]"),
    ]), @r#"
    plugin.toml:7:46: `idempotency-key` is for POST and PATCH, and neither stands beside it
        hint: leave it out; GET, HEAD, OPTIONS, PUT and DELETE may be sent again without it
    plugin.toml:7:65: `idempotency-key` is for POST and PATCH, and neither stands beside it
        hint: leave it out; GET, HEAD, OPTIONS, PUT and DELETE may be sent again without it
    plugin.toml:7:66: `permissions.net[0].idempotency-key` is a string; it must be `true` or `false`
        hint: write it like `net = [{ to = "https://api.github.com", methods = ["GET"], paths = ["/repos/**"] }]`
    plugin.toml:7:47: `idempotency-key` is not a method that can be granted
        hint: the methods are GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE, or `*`
    "#);
}

#[test]
fn a_hundred_and_twenty_eight_permissions_are_the_most() {
    let asking = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("\"V{n}\"")).collect();
        format!("{SMALL}[permissions]\nenv = [{}]", names.join(","))
    };
    assert_eq!(parsed(&asking(128)).permissions.len(), 128);
    assert!(refused(&asking(129)).contains("129 permissions are too many"));
}

#[test]
fn a_rule_with_too_many_paths_is_refused() {
    let with = |count: usize| {
        let paths: Vec<String> = (0..count).map(|n| format!("\"/{n}\"")).collect();
        refused_after_small(&format!(
            "[permissions]\nnet = [{{ to = \"https://h\", paths = [{}] }}]",
            paths.join(",")
        ))
    };
    insta::assert_snapshot!(report([with(1024), with(1025), with(20_000)]), @"
    plugin.toml:7:8: a permission of 5056 bytes is too long; 2048 is the most
        hint: split it into several permissions
    plugin.toml:7:36: 1025 methods or paths are too many; 1024 is the most
        hint: keep at most 1024 methods or paths
    plugin.toml:7:36: 20000 methods or paths are too many; 1024 is the most
        hint: keep at most 1024 methods or paths
    ");
}

#[test]
fn limits_are_checked() {
    let wrong = |line: &str| refused_after_small(&format!("[limits]\n{line}"));
    insta::assert_snapshot!(report([
        wrong("memroy = \"1 MiB\""),
        wrong("memory = 64"),
        wrong("memory = \"64 MB\""),
        wrong("memory = \"0 B\""),
        wrong("fuel = 0"),
        wrong("fuel = -1"),
        wrong("fuel = 1e9"),
        wrong("fuel = 1_000_000_000_000_001"),
        wrong("deadline = \"0 s\""),
        wrong("deadline = \"999 us\""),
        wrong("deadline = \"61 min\""),
        wrong("log-lines = 1_000_001"),
        wrong("concurrency = 1_001"),
        wrong("input = \"65 MiB\""),
    ]), @r#"
    plugin.toml:7:1: unknown key `memroy` in `[limits]`
        hint: did you mean `memory`?
    plugin.toml:7:10: `limits.memory` is an integer; it must be a size like `"64 MiB"`
        hint: write it like `memory = "32 MiB"`
    plugin.toml:7:10: `64 MB` is not a size: its unit is unknown
        hint: did you mean `64 MiB`?
    plugin.toml:7:10: `limits.memory` is 0 B, outside 64 KiB to 4 GiB
        hint: write an amount from 64 KiB to 4 GiB after `memory =`
    plugin.toml:7:8: `limits.fuel` is 0, outside 1 to 1000000000000000
        hint: write an amount from 1 to 1000000000000000 after `fuel =`
    plugin.toml:7:8: `limits.fuel` is -1, outside 1 to 1000000000000000
        hint: write an amount from 1 to 1000000000000000 after `fuel =`
    plugin.toml:7:8: `limits.fuel` is a float; it must be a whole number
        hint: write it like `fuel = 10_000_000_000`
    plugin.toml:7:8: `limits.fuel` is 1000000000000001, outside 1 to 1000000000000000
        hint: write an amount from 1 to 1000000000000000 after `fuel =`
    plugin.toml:7:12: `limits.deadline` is 0 s, outside 1 ms to 1 h
        hint: write an amount from 1 ms to 1 h after `deadline =`
    plugin.toml:7:12: `limits.deadline` is 999 us, outside 1 ms to 1 h
        hint: write an amount from 1 ms to 1 h after `deadline =`
    plugin.toml:7:12: `limits.deadline` is 61 min, outside 1 ms to 1 h
        hint: write an amount from 1 ms to 1 h after `deadline =`
    plugin.toml:7:13: `limits.log-lines` is 1000001, outside 1 to 1000000
        hint: write an amount from 1 to 1000000 after `log-lines =`
    plugin.toml:7:15: `limits.concurrency` is 1001, outside 1 to 1000
        hint: write an amount from 1 to 1000 after `concurrency =`
    plugin.toml:7:9: `limits.input` is 65 MiB, outside 1 B to 64 MiB
        hint: write an amount from 1 B to 64 MiB after `input =`
    "#);
}

#[test]
fn the_largest_and_smallest_limits_are_accepted() {
    for line in [
        "fuel = 1",
        "fuel = 1_000_000_000_000_000",
        "deadline = \"1 ms\"",
        "deadline = \"1 h\"",
        "memory = \"64 KiB\"",
        "memory = \"4 GiB\"",
        "input = \"1 B\"",
        "result = \"64 MiB\"",
        "log-lines = 1_000_000",
        "log-bytes = \"256 MiB\"",
        "concurrency = 1_000",
        "hostcall-bytes = \"1 GiB\"",
    ] {
        parsed(&format!("{SMALL}[limits]\n{line}"));
    }
    for line in [
        "memory = \"65535 B\"",
        "memory = \"4294967297 B\"",
        "deadline = \"3600001 ms\"",
        "result = \"67108865 B\"",
        "log-bytes = \"257 MiB\"",
        "hostcall-bytes = \"1025 MiB\"",
    ] {
        assert!(refused_after_small(&format!("[limits]\n{line}")).contains("outside"), "{line}");
    }
}

#[test]
fn what_nobody_sees_in_the_schema_of_settings_is_refused_with_its_place() {
    let hint = "hint: type the text anew, on one line; copied text often brings such characters";
    for (lines, place) in [
        ("properties.a.description = \"x\\u202Ey\"", "config.properties.a.description"),
        ("properties.\"a\\u200Bb\".type = \"string\"", r"config.properties.a\u{200b}b"),
        ("properties.a = { enum = [\"b\", \"\\u2066c\"] }", "config.properties.a.enum[]"),
    ] {
        let told = refused_after_small(&format!("[config]\n{lines}"));
        assert!(told.contains(&format!("`{place}` holds the hidden character U+2")), "{told}");
        assert!(told.contains(hint), "{told}");
    }
}

#[test]
fn tools_dependencies_and_config_are_checked() {
    insta::assert_snapshot!(report([
        refused_after_small("[tools.Count]\nread-only = true"),
        refused_after_small("[tools.count]\nreadonly = true"),
        refused_after_small("[tools.count]\nread-only = \"yes\""),
        refused_after_small("[tools.count]\nread-only = true\ndestructive = true"),
        refused_after_small("[tools.count]\ntitle = \"a\\nb\""),
        refused_after_small("[tools.count]\ndescription = \"a\\u2066b\""),
        refused_after_small("[dependencies]\ntext = \"1\""),
        refused_after_small("[dependencies]\n\"ax:text\" = \"latest\""),
        refused_after_small("[dependencies]\n\"ax:text\" = { version = \"1\" }"),
        refused_after_small("[dependencies]\n\"ax:echo\" = \"1\""),
        refused(&format!("config = \"x\"\n{SMALL}")),
        refused_after_small("[config]\ndefault = nan"),
        refused_after_small("[config]\ndefault = 2026-01-01"),
        refused_after_small("[config]\ntype = 5"),
        refused_after_small("[config]\ntype = \"string\""),
        refused_after_small("[config]\nlanguage = \"de\""),
        refused_after_small("[config]\nproperties = [\"language\"]"),
        refused_after_small("[config]\nproperties.language = \"de\""),
        refused_after_small("[config]\nproperties.language.type = \"text\""),
        refused_after_small("[config]\nrequired = [1]"),
    ]), @r#"
    plugin.toml:6:8: `Count` is not a name: only a-z, 0-9 and single hyphens are allowed
        hint: write it like `[tools.count-lines]`
    plugin.toml:7:1: unknown key `readonly` in `[tools.count]`
        hint: did you mean `read-only`?
    plugin.toml:7:13: `tools.count.read-only` is a string; it must be `true` or `false`
        hint: write it like `read-only = true` or `description = "…"`
    plugin.toml:6:8: the tool `count` is both read-only and destructive
        hint: delete one of the two lines under `[tools.count]`
    plugin.toml:7:9: `tools.count.title` holds the hidden character U+000A
        hint: type the text anew, on one line; copied text often brings such characters
    plugin.toml:7:15: `tools.count.description` holds the hidden character U+2066
        hint: type the text anew, on one line; copied text often brings such characters
    plugin.toml:7:1: `text` is not a name: it has no namespace before a colon
        hint: a plugin is written `namespace:name`, like `ax:metrics`
    plugin.toml:7:13: `latest` is not a version requirement: unexpected character 'l' while parsing major version number
        hint: write it like `"ax:text" = "^0.1"`
    plugin.toml:7:13: `dependencies."ax:text"` is a table; it must be a string
        hint: write it like `"ax:text" = "…"`
    plugin.toml:7:1: `ax:echo` depends on itself
        hint: delete the line
    plugin.toml:1:10: `config` is a string; it must be a table
        hint: write a JSON Schema, like `[config]` and `type = "object"`
    plugin.toml:7:11: a number without end has no form in JSON
        hint: write it as a string, or delete it
    plugin.toml:7:11: a date has no form in JSON
        hint: write it as a string, or delete it
    plugin.toml:7:8: `config.type` is an integer; it must be a string
        hint: write a JSON Schema, like `[config]` and `type = "object"`
    plugin.toml:7:8: `config` is no JSON Schema of settings: settings are a table, so its type is `object`
        hint: write it like `[config]`, `type = "object"` and `properties.strict = { type = "boolean" }`
    plugin.toml:6:1: `config` is no JSON Schema of settings: it holds settings, and not what settings there are
        hint: write it like `[config]`, `type = "object"` and `properties.strict = { type = "boolean" }`
    plugin.toml:7:14: `config.properties` is a list; it must be a table
        hint: write a JSON Schema, like `[config]` and `type = "object"`
    plugin.toml:7:23: `config.properties.language` is a string; it must be a table
        hint: write a JSON Schema, like `[config]` and `type = "object"`
    plugin.toml:7:28: `config` is no JSON Schema of settings: that is no type of JSON
        hint: write it like `[config]`, `type = "object"` and `properties.strict = { type = "boolean" }`
    plugin.toml:7:13: `config.required[]` is an integer; it must be a string
        hint: write a JSON Schema, like `[config]` and `type = "object"`
    "#);
}

#[test]
fn what_a_manifest_is_told_to_ask_for_is_what_this_host_offers() {
    assert_eq!(HOST_REQUIREMENT, format!("^{}.{}", HOST_API.major, HOST_API.minor));
    assert!(VersionReq::parse(HOST_REQUIREMENT).is_ok_and(|wanted| wanted.matches(&HOST_API)));
    for schema in [
        "[config]",
        "[config]\ntype = \"object\"\nx-order = 1",
        "[config]\nproperties.a = true\nproperties.b.type = [\"string\", \"null\"]",
    ] {
        parsed(&format!("{SMALL}{schema}\n"));
    }
}

#[test]
fn columns_count_characters_and_not_bytes() {
    let error = Manifest::parse(&SMALL.replace(
        "host = \"^0.1\"",
        "host = \"^0.1\"\n[permissions]\nenv = [{ reason = \"größer\", name = \"*\" }, 7]",
    ))
    .expect_err("7 is no name");
    assert_eq!((error.line, error.column), (7, 43));
}

#[test]
fn a_huge_or_deep_manifest_is_refused() {
    let padded = |bytes: usize| format!("{SMALL}#{}", "x".repeat(bytes - SMALL.len() - 1));
    assert!(Manifest::parse(&padded(MANIFEST_BYTES_MAX)).is_ok());
    assert!(refused(&padded(MANIFEST_BYTES_MAX + 1)).contains("262145 bytes is too large"));
    let list = |depth: usize| {
        format!("{SMALL}[config]\ndefault = {}{}", "[".repeat(depth), "]".repeat(depth))
    };
    assert!(Manifest::parse(&list(63)).is_ok());
    assert!(refused(&list(64)).contains("nested more than 64 deep"));
    for depth in [100, 1_000, 100_000] {
        assert!(Manifest::parse(&list(depth)).is_err());
        let tables = format!("{SMALL}[config.{}]\n", vec!["a"; depth].join("."));
        assert!(Manifest::parse(&tables).is_err());
    }
}

#[test]
fn deep_json_is_refused_like_deep_text() {
    let json = serde_json::to_string(&parsed(SMALL)).expect("JSON");
    let list = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        json.replace(
            "{\"plugin\"",
            &format!("{{\"config\":{{\"default\":{open}{close}}},\"plugin\""),
        )
    };
    assert!(serde_json::from_str::<Manifest>(&list(63)).is_ok());
    let error = serde_json::from_str::<Manifest>(&list(64)).expect_err("too deep").to_string();
    assert!(error.contains("nested more than 64 deep"), "{error}");
}

/// Manifests from parts, so that many are right.
fn any_manifest() -> impl Strategy<Value = String> {
    let permissions = vec(
        select(vec![
            "fs = [{ path = \"a\", access = \"read\" }, { path = \"a\", access = \"write\" }]",
            "net = [{ to = \"https://*\" }, { to = \"http://[::1]:80\", methods = [\"PUT\"] }]",
            "net = [{ to = \"https://h\", methods = [\"PATCH\"], idempotency-key = true }]",
            "secrets = [{ name = \"a\", to = \"https://h\" }]",
            "models = [{ tier = \"a\", tokens = 1, reason = \"r\" }]",
            "models = [{ tier = \"a\", cost-usd = 9999.999999 }, { tier = \"b\", cost-usd = 3 }]",
            "tools = [\"a:b.*\", { name = \"a:b.c\", reason = \"r\" }]",
            "services = [\"a:b/c\"]",
            "events = { subscribe = [\"a.*\", { name = \"a\", reason = \"r\" }] }",
            "kv = {}",
            "kv = { bytes = \"1 KiB\", reason = \"r\" }",
            "memory = [\"private\"]",
            "agents = [\"a\"]",
            "env = [\"A\", \"B\"]",
        ]),
        0..6,
    );
    let limits = vec(
        select(vec!["fuel = 7", "memory = \"1 MiB\"", "concurrency = 2", "input = \"3 B\""]),
        0..3,
    );
    let tools = option::of(select(vec!["read-only = true", "description = \"\"\"a\nb\"\"\""]));
    (permissions, limits, tools).prop_map(|(permissions, limits, tools)| {
        let tool = tools.map_or(String::new(), |line| format!("[tools.a]\n{line}\n"));
        let (permissions, limits) = (permissions.join("\n"), limits.join("\n"));
        format!("{SMALL}[permissions]\n{permissions}\n[limits]\n{limits}\n{tool}")
    })
}

#[test]
fn a_permission_is_found_where_it_is_asked() {
    let text = format!(
        "{SMALL}[permissions]\nkv = {{ bytes = \"1 MiB\" }}\nenv = [\n  \"LANG\",\n  \"TZ\",\n]\n"
    );
    let first = SMALL.lines().count() + 1;
    let line = |permission: &str| Manifest::line_of(&text, permission.parse().ok().as_ref());
    assert_eq!(Manifest::line_of(&text, None), Some(first));
    assert_eq!((line("kv"), line("env:TZ")), (Some(first + 1), Some(first + 4)));
    assert_eq!(line("env:HOME"), None);
    assert_eq!(Manifest::line_of("not [toml", None), None);
}

proptest! {
    #[test]
    fn a_manifest_survives_json_and_toml(text in any_manifest()) {
        // A key drawn twice is a TOML error.
        if let Ok(manifest) = Manifest::parse(&text) {
            let json = serde_json::to_string(&manifest).expect("JSON");
            assert_eq!(serde_json::from_str::<Manifest>(&json).expect(&json), manifest);
            let toml = toml::to_string(&manifest).expect("TOML");
            assert_eq!(parsed(&toml), manifest);
        }
    }

    #[test]
    fn a_damaged_manifest_is_parsed_or_refused(at: Index, cut: Index, with in "\\PC{0,3}") {
        let mut chars: Vec<char> = WHOLE.chars().collect();
        let at = at.index(chars.len());
        let end = (at + cut.index(4)).min(chars.len());
        chars.splice(at..end, with.chars());
        let text: String = chars.into_iter().collect();
        if let Err(error) = Manifest::parse(&text) {
            assert!(error.line >= 1 && error.line <= text.lines().count() + 1, "{error}");
            assert!(error.column >= 1 && !error.hint().is_empty(), "{error}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
