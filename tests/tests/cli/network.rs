//! Requests of a plugin through the program: granted, denied with the line to type, recorded.

use ax_tests::home::Home;
use ax_tests::program;
use ax_tests::server::Server;
use ax_tests::server::ok;
use serde_json::json;

/// A home with `test:caller`, whose manifest asks for requests to `to`; nothing is granted.
fn with_caller(to: &str) -> Home {
    let home = Home::new();
    let manifest = format!(
        r#"[plugin]
name = "test:caller"
version = "1.0.0"
description = "Sends requests"
host = "^0.2"

[permissions]
net = [{{ to = "{to}", methods = ["GET", "POST"] }}]
secrets = [{{ name = "token", to = "https://api.example.org" }}]
"#
    );
    home.write_plugin("caller", &manifest, &program::guest("caller"));
    home.ax(&["plugin", "add", "caller", "--grant-nothing"]).ok();
    home
}

/// The tool that answers with what a URL holds, or fails as the request did.
fn fetching(url: &str) -> [String; 4] {
    let request = json!({
        "method": "GET", "url": url, "headers": [], "filler": 0, "redirects": 3,
        "body-bytes-max": 1_000,
    });
    let input = json!({ "requests": [request], "by": "result" }).to_string();
    ["tool".to_owned(), "call".to_owned(), "test:caller.smuggle".to_owned(), input]
}

fn fetch(home: &Home, url: &str, flags: &[&str]) -> ax_tests::home::Run {
    let words = fetching(url);
    let words: Vec<&str> = words.iter().map(String::as_str).chain(flags.iter().copied()).collect();
    home.ax(&words)
}

/// What a command said, with the server's port as `PORT`.
fn told(home: &Home, run: &ax_tests::home::Run, server: &Server) -> String {
    home.tell(run).replace(&server.port().to_string(), "PORT")
}

/// Types the line of a hint.
fn type_hint(home: &Home, run: &ax_tests::home::Run) {
    let line = run.hint().replace('\'', "");
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    home.ax(&words).ok();
}

#[test]
fn a_request_that_is_not_granted_gives_the_line_that_opens_it() {
    let server = Server::new(|heard| ok(&heard.target));
    let home = with_caller(&server.origin());
    let denied = fetch(&home, &server.url("/a?q=1"), &[]).exits(5);
    insta::assert_snapshot!(told(&home, &denied, &server), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `test:caller` may not send GET requests to http://127.0.0.1:PORT, only `/a`
    caused by: `net:http://127.0.0.1:PORT:GET:/a` is declared, but not granted
    caused by: the tool then failed: `net:http://127.0.0.1:PORT:GET:/a` is not permitted: declared, but not granted

    hint: ax permission grant test:caller net:http://127.0.0.1:PORT:GET:/a
    ");
    assert_eq!(server.connections(), 0);
    type_hint(&home, &denied);
    assert_eq!(fetch(&home, &server.url("/a?q=1"), &[]).ok().stdout, "/a?q=1\n");
    // The line opened what was asked for, and no more.
    fetch(&home, &server.url("/b"), &[]).exits(5);
}

#[test]
fn a_permission_for_one_call_opens_requests_too() {
    let server = Server::new(|_| ok("ok"));
    let home = with_caller(&server.origin());
    let allowed = format!("net:{}", server.origin());
    fetch(&home, &server.url("/"), &["--allow", &allowed]).ok();
    fetch(&home, &server.url("/"), &[]).exits(5);
}

#[test]
fn what_is_granted_as_a_pattern_opens_no_address_of_this_machine() {
    let server = Server::new(|_| ok("inside"));
    let home = with_caller("http://*");
    home.ax(&["permission", "grant", "test:caller", "net:http://*"]).ok();
    let denied = fetch(&home, &server.url("/"), &[]).exits(5);
    insta::assert_snapshot!(told(&home, &denied, &server), @r"
    exit 5
    --- stderr
    error[AX-P012]: plugin `test:caller` may not send GET requests to http://127.0.0.1:PORT, only `/`
    caused by: `net:http://127.0.0.1:PORT:GET:/` was granted, but the host leads to an address that no rule names: `127.0.0.1`
    caused by: the tool then failed: the host leads to an address that no rule names: `127.0.0.1` is at `127.0.0.1`, a loopback address, which no rule names

    hint: if it is meant, name `127.0.0.1` itself in the URL, the manifest of `test:caller` and a grant
    ");
    // A grant that names the address does not help while the manifest names none.
    let exact = format!("net:{}", server.origin());
    home.ax(&["permission", "grant", "test:caller", &exact]).ok();
    fetch(&home, &server.url("/"), &[]).exits(5);
    assert_eq!(server.connections(), 0);
}

#[test]
fn every_request_is_in_the_audit_without_its_query() {
    let server = Server::new(|_| ok("hello"));
    let home = with_caller(&server.origin());
    let rule = format!("net:{}", server.origin());
    home.ax(&["permission", "grant", "test:caller", &rule]).ok();
    fetch(&home, &server.url("/a?token=x"), &[]).ok();
    let shown = home.ax(&["audit", "tail", "--kind", "effect"]).ok().stdout;
    assert!(shown.contains(&format!("{rule}:GET:/a")), "{shown}");
    let row = home.ax(&["audit", "tail", "--kind", "effect", "--json"]).ok().json();
    assert_eq!(row["decision"], "allowed");
    assert_eq!(row["body"]["target"], format!("GET {}", server.url("/a")));
    assert_eq!(
        (&row["body"]["bytes_in"], &row["body"]["outcome"]),
        (&json!(5), &json!("ok")),
        "{row}"
    );
    let all = home.ax(&["audit", "tail", "--json"]).ok().stdout;
    assert!(!all.contains("token=x"), "{all}");
    home.ax(&["audit", "verify"]).ok();
}

#[test]
fn a_server_that_is_not_there_is_told_with_whether_to_try_again() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nobody.local_addr().expect("it has one");
    drop(nobody);
    let home = with_caller(&format!("http://{address}"));
    home.ax(&["permission", "grant", "test:caller", &format!("net:http://{address}")]).ok();
    let failed = fetch(&home, &format!("http://{address}/"), &[]).exits(1);
    assert!(failed.stderr.contains("cannot connect to `127.0.0.1`"), "{}", failed.stderr);
}
