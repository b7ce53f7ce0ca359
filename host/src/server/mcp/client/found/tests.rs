use std::path::Path;

use serde_json::{Value, json};

use super::super::SERVER_NAME;
use super::*;

/// A person's home, and a program in it.
struct Person {
    folder: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("ax"), "").unwrap();
        Self { folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn program(&self) -> String {
        self.path().join("ax").display().to_string()
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    fn look_with(&self, longest_tool: Option<&str>) -> Found {
        let home = self.path();
        let (settings, project) = (home.join(".config"), home.join("project"));
        let folders = Folders { person: Some(&home), settings: Some(&settings), project: &project };
        look(&Ground { folders, program: &home.join("ax"), longest_tool })
    }

    fn look(&self) -> Found {
        self.look_with(None)
    }

    /// Looks at one server that Cursor has.
    fn cursor(&self, server: Value) -> Found {
        self.write(".cursor/mcp.json", json!({ "mcpServers": { "ax": server } }).to_string());
        self.look()
    }
}

fn serving(program: &str) -> Value {
    json!({ "command": program, "args": ["mcp", "serve", "--stdio"] })
}

fn problems(found: Found) -> Vec<Problem> {
    found.findings.into_iter().map(|finding| finding.problem).collect()
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let found = Person::new().look();
    assert!(found.clients.is_empty() && found.findings.is_empty());
}

#[test]
fn the_lines_that_are_printed_are_found_to_be_right() {
    let person = Person::new();
    let started = super::super::Started {
        program: person.program(),
        arguments: ["mcp", "serve", "--stdio"].map(str::to_owned).to_vec(),
        environment: Default::default(),
    };
    for client in &CLIENTS {
        let path = client.files[0].path(&Folders {
            person: Some(Path::new("")),
            settings: Some(Path::new(".config")),
            project: Path::new("project"),
        });
        let config = client.starting(&started).config;
        person.write(path.unwrap().to_str().unwrap(), format!("// mine\n{config}"));
    }
    let found = person.look();
    assert_eq!(found.clients, ["claude-code", "claude-desktop", "cursor", "vscode", "zed"]);
    assert_eq!(problems(found), []);
}

#[test]
fn a_program_that_is_not_this_one_is_told() {
    let person = Person::new();
    let of = |command: &str| problems(person.cursor(serving(command)));
    let (name, text) = (SERVER_NAME.to_owned(), str::to_owned);
    assert_eq!(of("ax"), [Problem::Relative { name: name.clone(), command: text("ax") }]);
    assert_eq!(
        of("/no/where/ax"),
        [Problem::Gone { name: name.clone(), command: text("/no/where/ax") }]
    );
    assert_eq!(of("/bin/sh"), [Problem::Other { name, command: text("/bin/sh") }]);
    // A link to this one is this one.
    let link = person.path().join("link");
    fs_err::os::unix::fs::symlink(person.program(), &link).unwrap();
    assert_eq!(of(link.to_str().unwrap()), []);
}

#[test]
fn a_home_that_is_a_project_is_looked_at_once() {
    let person = Person::new();
    person.cursor(serving("/gone/ax"));
    let home = person.path();
    let folders = Folders { person: Some(&home), settings: None, project: &home };
    let found = look(&Ground { folders, program: &home.join("ax"), longest_tool: None });
    assert_eq!(found.findings.len(), 1);
}

#[test]
fn servers_of_others_are_nobodys_business() {
    let person = Person::new();
    let others = json!({ "mcpServers": {
        "files": { "command": "npx", "args": ["-y", "files", "mcp"] },
        "far": { "url": "https://example.org/mcp", "headers": { "Authorization": "Bearer abc" } },
        "odd": [], "odder": { "command": 1, "args": "mcp serve" },
    } });
    person.write(".cursor/mcp.json", others.to_string());
    let found = person.look();
    assert!(found.clients.is_empty() && found.findings.is_empty());
}

#[test]
fn an_ax_that_does_not_serve_is_told() {
    let person = Person::new();
    let found = person.cursor(json!({ "command": person.program(), "args": ["mcp"] }));
    assert_eq!(problems(found), [Problem::Silent { name: SERVER_NAME.to_owned() }]);
}

#[test]
fn a_token_in_the_file_is_told_and_not_repeated() {
    let person = Person::new();
    let of = |header: &str, value: &str| {
        let url = "http://127.0.0.1:7420/mcp";
        person.cursor(json!({ "url": url, "headers": { header: value } }))
    };
    let found = of("authorization", "bearer ax-secret-1");
    let told = format!("{} {}", found.findings[0], found.findings[0].hint());
    assert!(told.contains("a token of `ax`") && !told.contains("ax-secret"), "{told}");
    for value in ["Bearer ${env:AX_MCP_TOKEN}", "Bearer ", "Basic abc", ""] {
        assert_eq!(problems(of("Authorization", value)), [], "{value}");
    }
}

#[test]
fn a_token_of_ours_is_told_wherever_it_stands() {
    let person = Person::new();
    let bridge = |header: &str| {
        let args = ["mcp-remote", "http://localhost:7420/mcp", "--header", header];
        problems(person.cursor(json!({ "command": "npx", "args": args })))
    };
    let told = [Problem::Token { name: SERVER_NAME.to_owned() }];
    assert_eq!(bridge("Authorization: Bearer axmcp_abc"), told);
    assert_eq!(bridge("Authorization: Bearer ${AX_MCP_TOKEN}"), []);
    let mut server = serving(&person.program());
    server["env"] = json!({ "AX_MCP_TOKEN": "axmcp_abc" });
    assert_eq!(problems(person.cursor(server)), told);
}

#[test]
fn a_name_may_be_as_long_as_the_client_takes_and_not_longer() {
    let person = Person::new();
    for (file, max, joint) in [(".cursor/mcp.json", 60, 0), (".claude.json", 64, 7)] {
        let person = Person::new();
        let servers = json!({ "mcpServers": { "ax": serving(&person.program()) } });
        person.write(file, servers.to_string());
        let at_most = "t".repeat(max - joint - SERVER_NAME.len());
        assert_eq!(problems(person.look_with(Some(&at_most))), [], "{file}");
        let longer = format!("{at_most}t");
        let told = problems(person.look_with(Some(&longer)));
        let (name, chars) = (SERVER_NAME.to_owned(), max + 1);
        assert_eq!(told, [Problem::LongName { name, tool: longer, chars, max }], "{file}");
    }
    drop(person);
}

#[test]
fn a_sandbox_that_approves_is_told() {
    let person = Person::new();
    let mut server = serving(&person.program());
    server["sandboxEnabled"] = json!(true);
    let servers = json!({ "servers": { "ax": server } });
    person.write("project/.vscode/mcp.json", servers.to_string());
    assert_eq!(problems(person.look()), [Problem::Approved { name: SERVER_NAME.to_owned() }]);
}

#[test]
fn the_same_server_twice_in_one_client_is_told() {
    let person = Person::new();
    let server = serving(&person.program());
    let mut other = server.clone();
    other["env"] = json!({ "AX_HOME": "/other" });
    let list = json!({ "a": server, "b": server, "c": other });
    person.write(".cursor/mcp.json", json!({ "mcpServers": list }).to_string());
    let twice = Problem::Twice { first: "a".to_owned(), second: "b".to_owned() };
    assert_eq!(problems(person.look()), [twice]);
    // A project's list comes on top of the person's; there the same name takes the other's place.
    for (name, is_twice) in [("a", false), ("b", true)] {
        let list = |name: &str| json!({ "mcpServers": { name: server } }).to_string();
        person.write(".cursor/mcp.json", list("a"));
        person.write("project/.cursor/mcp.json", list(name));
        assert_eq!(problems(person.look()).len(), usize::from(is_twice), "{name}");
    }
    person.write("project/.cursor/mcp.json", "");
    // Of each project, Claude Code has a list of its own.
    person.write(".cursor/mcp.json", "");
    let project = json!({ "mcpServers": { "ax": server } });
    let all = json!({ "projects": { "/a": project, "/b": project }, "mcpServers": {} });
    person.write(".claude.json", all.to_string());
    let found = person.look();
    assert_eq!(found.clients, ["claude-code"]);
    assert_eq!(problems(found), []);
}

#[test]
fn what_cannot_be_read_is_told_and_never_waited_for() {
    let person = Person::new();
    let file = person.path().join(".cursor/mcp.json");
    let why = |found: Found| match problems(found).as_slice() {
        [Problem::Unreadable { why }] => why.clone(),
        other => panic!("{other:?}"),
    };
    person.write(".cursor/mcp.json", "{\n  \"mcpServers\": {");
    assert_eq!(why(person.look()), "it is not JSON at 2:17");
    person.write(".cursor/mcp.json", b"\xff");
    assert_eq!(why(person.look()), "it is not UTF-8");
    person.write(".cursor/mcp.json", "[".repeat(100_000));
    assert!(why(person.look()).starts_with("it is not JSON"));
    let max = usize::try_from(FILE_BYTES_MAX).unwrap();
    person.write(".cursor/mcp.json", " ".repeat(max));
    assert!(person.look().findings.is_empty());
    person.write(".cursor/mcp.json", " ".repeat(max + 1));
    assert_eq!(why(person.look()), "it has more than 4194304 bytes");
    fs_err::remove_file(&file).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(why(person.look()), "it is no file");
}

#[test]
fn much_that_is_wrong_is_told_in_part() {
    let person = Person::new();
    for (count, omitted) in [(FINDINGS_MAX, 0), (FINDINGS_MAX + 1, 1)] {
        let each = |number| (format!("ax-{number}"), serving(&format!("/gone/{number}/ax")));
        let servers: serde_json::Map<_, _> = (0..count).map(each).collect();
        person.write(".cursor/mcp.json", json!({ "mcpServers": servers }).to_string());
        let found = person.look();
        assert_eq!((found.findings.len(), found.omitted), (FINDINGS_MAX, omitted));
    }
}

#[test]
fn what_a_stranger_wrote_fits_a_line() {
    let person = Person::new();
    let servers = json!({ "mcpServers": { "a\u{202e}\n\u{1b}[2J": serving("/x\ny\u{1b}/ax") } });
    person.write("project/.mcp.json", servers.to_string());
    let found = person.look();
    let told = format!("{}{}", found.findings[0], found.findings[0].hint());
    assert!(!told.chars().any(ax_manifest::is_hidden), "{told:?}");
}
