use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use proptest::sample::select;

use super::{PLACE_BYTES_MAX, RequestUrl, URL_BYTES_MAX, UrlError};
use crate::permission::{Method, Permission};

fn url(text: &str) -> RequestUrl {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> UrlError {
    text.parse::<RequestUrl>().expect_err(text)
}

fn covers(rule: &str, method: Method, text: &str) -> bool {
    rule.parse::<Permission>().expect(rule).covers(&url(text).permission(method))
}

fn joined(base: &str, location: &str) -> String {
    match url(base).join(location) {
        Ok(url) => url.with_query(),
        Err(error) => format!("refused: {error}"),
    }
}

#[test]
fn one_url_has_one_form() {
    for (given, sent) in [
        ("https://api.github.com", "https://api.github.com/"),
        ("HTTPS://API.GitHub.com:443/", "https://api.github.com/"),
        ("http://localhost:08080/a", "http://localhost:8080/a"),
        ("https://[0:0:0:0:0:0:0:1]:443/", "https://[::1]/"),
        ("https://h?q", "https://h/?q"),
        ("https://h/?", "https://h/?"),
        ("https://h/a/", "https://h/a/"),
        ("https://h/a#b", "https://h/a"),
        ("https://h/a?b=1#c?d", "https://h/a?b=1"),
        ("https://h#/../é", "https://h/"),
        ("https://h/%7euser/%41", "https://h/~user/A"),
        ("https://h/a,b/*/**", "https://h/a%2Cb/%2A/%2A%2A"),
        ("https://h/a%2cb/%2a", "https://h/a%2Cb/%2A"),
        ("https://h/%c3%a9", "https://h/%C3%A9"),
        ("https://h/a:b@c;v=1", "https://h/a:b@c;v=1"),
        ("https://h/compare/a...b", "https://h/compare/a...b"),
        ("https://h/100%25", "https://h/100%25"),
        ("https://h/a%2520b", "https://h/a%2520b"),
        ("https://h/?a=%2e%2e/%2F%0a&c=d,e*", "https://h/?a=%2e%2e/%2F%0a&c=d,e*"),
        ("https://h/?//../?:@", "https://h/?//../?:@"),
        ("https://h/?a[]=\"{x}|y^`<z>", "https://h/?a%5B%5D=%22%7Bx%7D%7Cy%5E%60%3Cz%3E"),
    ] {
        assert_eq!(url(given).with_query(), sent);
        assert_eq!(url(sent), url(given));
    }
}

#[test]
fn the_parts_are_what_is_sent() {
    let url = url("https://h:8443/a,b?c=d#e");
    assert_eq!(url.origin().to_string(), "https://h:8443");
    assert_eq!(url.origin().port(), Some(8443));
    assert_eq!(url.path().as_str(), "/a%2Cb");
    assert_eq!(url.query(), Some("c=d"));
    assert_eq!(url.path_and_query(), "/a%2Cb?c=d");
}

#[test]
fn every_refusal_says_what_why_and_what_to_type() {
    let refusals = [
        "",
        "/a",
        "h/a",
        "https:h",
        "https:/h",
        "https:///h",
        "ftp://h/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://h/ ",
        " https://h/",
        "https://h/a b",
        "https://h/\t",
        "https://h/\r\nHost: x",
        "https://h/\u{2028}",
        "https://h/#\u{0}",
        "https://h\\@evil/",
        "https:\\\\h",
        "https://h/a\\b",
        "https://bücher.example/",
        "https://h。com/",
        "https://h./",
        "https://*/",
        "https://*.h/",
        "https://h:/",
        "https://h:0/",
        "https://h:65536/",
        "https://h:+80/",
        "https://127.1/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://2130706433/",
        "https://127.0.0.1./",
        "https://%31.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://h//a",
        "https://h/a//",
        "https://h/.",
        "https://h/a/../b",
        "https://h/..",
        "https://h/...",
        "https://h/%2e%2E/a",
        "https://h/.%2e/a",
        "https://h/..;x/a",
        "https://h/..%3Bx/a",
        "https://h/..%20/a",
        "https://h/..%23",
        "https://h/;x/a",
        "https://h/%3b/a",
        "https://h/a%2fb",
        "https://h/a%5Cb",
        "https://h/%252e%252e/a",
        "https://h/%25%32%65./a",
        "https://h/%252%2565./a",
        "https://h/a%252Fb",
        "https://h/a%25255cb",
        "https://h/%2525252525252e",
        "https://h/%25252525252541",
        "https://h/a%00",
        "https://h/a%2500",
        "https://h/%c0%ae%c0%ae/a",
        "https://h/%e0%80%af",
        "https://h/%f0%80%80%af",
        "https://h/%u002e/a",
        "https://h/%",
        "https://h/%4",
        "https://h/a|b",
        "https://h/é",
        "https://h/?%",
        "https://h/?%4",
        "https://h/?a\\b",
        "https://h/?é",
    ]
    .map(|text| {
        let error = refused(text);
        let hint = error.hint().unwrap_or_else(|| "-".to_owned());
        format!("{error}\n    hint: {hint}")
    });
    insta::assert_snapshot!(refusals.join("\n"), @r"
    `` does not start with `https://` or `http://`
        hint: write the whole URL, like `https://api.github.com/repos`
    `/a` does not start with `https://` or `http://`
        hint: write the whole URL, like `https://api.github.com/repos`
    `h/a` does not start with `https://` or `http://`
        hint: write the whole URL, like `https://api.github.com/repos`
    `https:h` does not start with `https://` or `http://`
        hint: write the whole URL, like `https://api.github.com/repos`
    `https:/h` does not start with `https://` or `http://`
        hint: write the whole URL, like `https://api.github.com/repos`
    `` is not a host: a label of it is empty
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `ftp` is not a scheme that can be granted
        hint: only `https` and `http` can be requested
    `file` is not a scheme that can be granted
        hint: only `https` and `http` can be requested
    `javascript:alert(1)` does not start with `https://` or `http://`
        hint: write the whole URL, like `https://api.github.com/repos`
    `https://h/ ` is not a URL: it holds the character U+0020
        hint: write a blank as `%20`
    ` https://h/` is not a URL: it holds the character U+0020
        hint: write a blank as `%20`
    `https://h/a b` is not a URL: it holds the character U+0020
        hint: write a blank as `%20`
    `https://h/\u{9}` is not a URL: it holds the character U+0009
        hint: leave it out, or escape it with `%`
    `https://h/\u{d}\u{a}Host: x` is not a URL: it holds the character U+000D
        hint: leave it out, or escape it with `%`
    `https://h/\u{2028}` is not a URL: it holds the character U+2028
        hint: leave it out, or escape it with `%`
    `https://h/` is not a URL: it holds the character U+0000
        hint: leave it out, or escape it with `%`
    `https://…@evil/` is not a URL: it holds a backslash
        hint: write `/` between segments, `%5C` in a query
    `https:\\h` is not a URL: it holds a backslash
        hint: write `/` between segments, `%5C` in a query
    `https://h/a\b` is not a URL: it holds a backslash
        hint: write `/` between segments, `%5C` in a query
    `bücher.example` is not a host in ASCII
        hint: write the punycode form, like `xn--bcher-kva.example` for `bücher.example`
    `h。com` is not a host in ASCII
        hint: write the punycode form, like `xn--bcher-kva.example` for `bücher.example`
    `h.` is not a host: a label of it is empty
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `*` is a pattern of hosts, not a host
        hint: name the one host that is to answer
    `*.h` is a pattern of hosts, not a host
        hint: name the one host that is to answer
    `:` does not belong to an origin
        hint: a port is a number from 1 to 65535, like `https://example.org:8443`
    `0` is not a port
        hint: a port is a number from 1 to 65535
    `65536` is not a port
        hint: a port is a number from 1 to 65535
    `:+80` does not belong to an origin
        hint: a port is a number from 1 to 65535, like `https://example.org:8443`
    `127.1` is not a host: an address is four plain numbers from 0 to 255
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `0x7f.1` is not a host: an address is four plain numbers from 0 to 255
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `017700000001` is not a host: an address is four plain numbers from 0 to 255
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `2130706433` is not a host: an address is four plain numbers from 0 to 255
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `127.0.0.1.` is not a host: a label of it is empty
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `%31.0.0.1` is not a host: a host has only letters, digits, hyphens and full stops
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `[::ffff:127.0.0.1]` is not a host: it is an IPv4 address in disguise; write that one
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `[fe80::1%25eth0]` is not a host: what is in brackets is no IPv6 address
        hint: write one host, like `api.github.com`, `10.0.0.1` or `[::1]`
    `//a` is not a path: it holds `//`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a//` is not a path: it holds `//`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/.` is not a path: it holds a `.` or `..` segment
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a/../b` is not a path: it holds a `.` or `..` segment
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/..` is not a path: it holds a `.` or `..` segment
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/...` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%2e%2E/a` is not a path: it hides `.`, `/` or a backslash behind a `%` escape
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/.%2e/a` is not a path: it hides `.`, `/` or a backslash behind a `%` escape
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/..;x/a` is not a path: it holds a `.` or `..` segment
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/..%3Bx/a` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/..%20/a` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/..%23` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/;x/a` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%3b/a` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a%2fb` is not a path: it hides `.`, `/` or a backslash behind a `%` escape
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a%5Cb` is not a path: it hides `.`, `/` or a backslash behind a `%` escape
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%252e%252e/a` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%25%32%65./a` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%252%2565./a` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a%252Fb` is not a path: it hides `/` or a backslash behind `%` escapes
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a%25255cb` is not a path: it hides `/` or a backslash behind `%` escapes
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%2525252525252e` is not a path: it is escaped more than four times over
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%25252525252541` is not a path: it is escaped more than four times over
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a%00` is not a path: it holds an escaped control character
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a%2500` is not a path: it hides a control character behind `%` escapes
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%c0%ae%c0%ae/a` is not a path: it hides a character behind overlong UTF-8
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%e0%80%af` is not a path: it hides a character behind overlong UTF-8
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%f0%80%80%af` is not a path: it hides a character behind overlong UTF-8
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%u002e/a` is not a path: a `%` is not followed by two hex digits
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%` is not a path: a `%` is not followed by two hex digits
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/%4` is not a path: a `%` is not followed by two hex digits
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/a|b` is not a path: it holds a character that needs a `%` escape
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    `/é` is not a path: it holds a character that needs a `%` escape
        hint: write the path that the server is to read, with `%` escapes only for characters that need them
    the query of `https://h/` is wrong: a `%` is not followed by two hex digits
        hint: escape each byte of the character with `%`, like `%25` for `%`
    the query of `https://h/` is wrong: a `%` is not followed by two hex digits
        hint: escape each byte of the character with `%`, like `%25` for `%`
    the query of `https://h/` is wrong: it holds a backslash
        hint: escape each byte of the character with `%`, like `%25` for `%`
    the query of `https://h/` is wrong: it holds a character that is not ASCII
        hint: escape each byte of the character with `%`, like `%25` for `%`
    ");
}

#[test]
fn a_password_or_query_is_never_repeated() {
    for text in [
        "https://me:hunter2@h/",
        "https://me:hunter2@h\\/",
        "me:hunter2@h/",
        "ftp://me:hunter2@h/",
        "https://me:hunter2@h/ ",
        "https://h/a b?hunter2",
        "https://h/?hunter2\\",
        "https://h/?hunter2%",
        "https://*/?hunter2",
        "https://h/..?hunter2",
        "h?to=https://hunter2",
        "https://h/?hunter2é",
    ] {
        let error = refused(text);
        assert!(!format!("{error:?} {error} {:?}", error.hint()).contains("hunter2"), "{error:?}");
    }
    let url = url("https://h/a?key=hunter2");
    assert_eq!(format!("{url} {url:?}"), "https://h/a https://h/a?…");
}

#[test]
fn a_url_has_at_most_8192_bytes() {
    let long = |chars: usize| format!("https://h/?{}", "a".repeat(chars));
    let fits = long(URL_BYTES_MAX - long(0).len());
    assert_eq!(url(&fits).with_query().len(), URL_BYTES_MAX);
    assert_eq!(
        refused(&format!("{fits}a")),
        UrlError::TooLong { bytes: URL_BYTES_MAX + 1, max: URL_BYTES_MAX }
    );
    // What is sent is longer than what was given.
    let grows = fits.replacen("aaa", "aa|", 1);
    assert_eq!(refused(&grows), UrlError::TooLong { bytes: URL_BYTES_MAX + 2, max: URL_BYTES_MAX });
    let wide = url(&fits).join(&"x".repeat(URL_BYTES_MAX + 1));
    assert!(matches!(wide, Err(UrlError::TooLong { .. })));
}

#[test]
fn the_permission_of_the_longest_path_can_be_written_down() {
    let long = |chars: usize| format!("https://h/{}", "a".repeat(chars));
    let fits = long(PLACE_BYTES_MAX - long(0).len());
    for method in Method::ALL {
        let permission = url(&format!("{fits}?query")).permission(method);
        assert_eq!(permission.to_string().parse(), Ok(permission));
    }
    assert_eq!(
        refused(&format!("{fits}a")),
        UrlError::PathTooLong { bytes: PLACE_BYTES_MAX + 1, max: PLACE_BYTES_MAX }
    );
}

#[test]
fn a_url_is_covered_by_the_rules_that_mean_it() {
    let get = Method::Get;
    assert!(covers("net:*", Method::Delete, "http://h/"));
    assert!(covers("net:https://h", get, "https://h:443/a?b"));
    assert!(!covers("net:https://h", Method::Post, "https://h/a"));
    assert!(!covers("net:https://h", get, "http://h/a"));
    assert!(!covers("net:https://h", get, "https://h:8443/a"));
    assert!(covers("net:https://*.h:GET:/a/*", get, "https://b.h/a/c"));
    assert!(covers("net:https://h:GET:/", get, "https://h"));
    assert!(!covers("net:https://h:GET:/a", get, "https://h/a/"));
    assert!(covers("net:https://h:GET:/a%2Cb", get, "https://h/a,b"));
    assert!(covers("net:https://h:GET:/a,/b", get, "https://h/b"));
    assert!(!covers("net:https://h:GET:/a,/b", get, "https://h/a,/b"));
}

#[test]
fn a_star_in_a_url_is_a_character() {
    let get = Method::Get;
    assert!(covers("net:https://h:GET:/a/*", get, "https://h/a/*"));
    assert!(covers("net:https://h:GET:/a/*", get, "https://h/a/**"));
    assert!(covers("net:https://h:GET:/a/**", get, "https://h/a/**"));
    assert!(covers("net:https://h:GET:/a/%2A", get, "https://h/a/*"));
    assert!(!covers("net:https://h:GET:/a/%2A", get, "https://h/a/b"));
    assert!(!covers("net:https://h:GET:/a/b", get, "https://h/a/*"));
    assert!(!covers("net:https://h:GET:/a/*", get, "https://h/a/*/b"));
    let everything: Permission = "net:https://h:GET:/**".parse().expect("a rule");
    assert_ne!(url("https://h/**").permission(get), everything);
    assert!(!url("https://h/**").permission(get).covers(&url("https://h/a").permission(get)));
}

#[test]
fn a_location_is_read_as_browsers_do() {
    let base = "https://h:8443/a/b?c=d";
    for (location, wanted) in [
        ("http://i/x?y#z", "http://i/x?y"),
        ("HTTP://I", "http://i/"),
        ("//i/x", "https://i/x"),
        ("//i?x", "https://i/?x"),
        ("/x", "https://h:8443/x"),
        ("/x?//y", "https://h:8443/x?//y"),
        ("/", "https://h:8443/"),
        ("x", "https://h:8443/a/x"),
        ("x/y/", "https://h:8443/a/x/y/"),
        ("x?y=http://z", "https://h:8443/a/x?y=http://z"),
        ("@i/x", "https://h:8443/a/@i/x"),
        ("?x", "https://h:8443/a/b?x"),
        ("?", "https://h:8443/a/b?"),
        ("", "https://h:8443/a/b?c=d"),
        ("#x", "https://h:8443/a/b?c=d"),
        ("*", "https://h:8443/a/%2A"),
    ] {
        assert_eq!(joined(base, location), wanted, "{location}");
    }
    assert_eq!(joined("http://h", "x"), "http://h/x");
    assert_eq!(joined("http://h", "//i"), "http://i/");
}

#[test]
fn a_location_escapes_no_check() {
    let lines = [
        "../x",
        "./x",
        "..",
        "/../x",
        "/%2e%2e/x",
        "x/%252e%252e",
        "///i",
        "////i",
        "/\\i",
        "\\\\i",
        "//u:p@i/",
        "//i:0/",
        "//*/",
        "//127.1/",
        "/a//b",
        " /x",
        "/x\n",
        "a:b",
        "ftp://i",
        "https:x",
        "https:/x",
        "javascript://h/%0aalert(1)",
        "?a\\b",
    ]
    .map(|location| format!("{location:?} {}", joined("https://h:8443/a/b?c=d", location)));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    "../x" refused: `/a/../x` is not a path: it holds a `.` or `..` segment
    "./x" refused: `/a/./x` is not a path: it holds a `.` or `..` segment
    ".." refused: `/a/..` is not a path: it holds a `.` or `..` segment
    "/../x" refused: `/../x` is not a path: it holds a `.` or `..` segment
    "/%2e%2e/x" refused: `/%2e%2e/x` is not a path: it hides `.`, `/` or a backslash behind a `%` escape
    "x/%252e%252e" refused: `/a/x/%252e%252e` is not a path: a segment of it is nothing but full stops or blanks, or empty before `;`
    "///i" refused: `` is not a host: a label of it is empty
    "////i" refused: `` is not a host: a label of it is empty
    "/\\i" refused: `https://h:8443/\i` is not a URL: it holds a backslash
    "\\\\i" refused: `https://h:8443/a/\\i` is not a URL: it holds a backslash
    "//u:p@i/" refused: `https://…@i` holds a user name before the host
    "//i:0/" refused: `0` is not a port
    "//*/" refused: `*` is a pattern of hosts, not a host
    "//127.1/" refused: `127.1` is not a host: an address is four plain numbers from 0 to 255
    "/a//b" refused: `/a//b` is not a path: it holds `//`
    " /x" refused: `https://h:8443/a/ /x` is not a URL: it holds the character U+0020
    "/x\n" refused: `https://h:8443/x\u{a}` is not a URL: it holds the character U+000A
    "a:b" refused: `a:b` does not start with `https://` or `http://`
    "ftp://i" refused: `ftp` is not a scheme that can be granted
    "https:x" refused: `https:x` does not start with `https://` or `http://`
    "https:/x" refused: `https:/x` does not start with `https://` or `http://`
    "javascript://h/%0aalert(1)" refused: `javascript` is not a scheme that can be granted
    "?a\\b" refused: the query of `https://h:8443/a/b` is wrong: it holds a backslash
    "#);
}

/// Texts that are nearly URLs, and often ones.
fn any_text() -> impl Strategy<Value = String> {
    let scheme = select(vec!["https://", "http://", "HTTP://", "ftp://", "//", "https:/", ""]);
    let host = select(vec![
        "h",
        "a.b",
        "H.",
        "*",
        "*.h",
        "127.0.0.1",
        "127.1",
        "[::1]",
        "[::1",
        "u@h",
        "é",
        "h\\",
        "",
    ]);
    let port = select(vec!["", ":80", ":443", ":0", ":", ":8443", ":99999"]);
    let path = "(/|[a-z.%2efF5cC0;,*~:@ ?#]|%2[eEfF]|%25|%5c|%3b|%20|\\.\\.|/\\.\\.?){0,12}";
    let query = "(\\?[a-z%2eF/\\[\\]|\"<>{}^`é&=#]{0,8})?";
    (scheme, host, port, path, query).prop_map(|(scheme, host, port, path, query)| {
        let slash = if path.is_empty() { "" } else { "/" };
        format!("{scheme}{host}{port}{slash}{path}{query}")
    })
}

/// Decodes as a careless server does: what is no escape stays.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let value = pair.filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match value.map(|pair| u8::from_str_radix(pair, 16).expect("two hex digits")) {
            Some(value) if bytes[at] == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// Checks all that holds of a URL, however it was made.
fn check(url: &RequestUrl) {
    assert!(url.origin().is_exact() && url.origin().port().is_some_and(|port| port > 0));
    let sent = url.with_query();
    assert_eq!(sent.parse::<RequestUrl>().as_ref(), Ok(url), "{sent}");
    assert_eq!(sent, format!("{}{}", url.origin(), url.path_and_query()));
    assert!(sent.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\#\"<>^`{|}".contains(&byte)));
    let shown = url.to_string();
    assert_eq!(shown.parse::<RequestUrl>().expect("a URL").to_string(), shown);
    for method in Method::ALL {
        let permission = url.permission(method);
        assert_eq!(permission.to_string().parse(), Ok(permission));
    }
    let mut path = url.path().as_str().as_bytes().to_vec();
    let slashes = path.iter().filter(|&&byte| byte == b'/').count();
    for _ in 0..8 {
        let segments: Vec<&[u8]> = path.split(|&byte| byte == b'/').skip(1).collect();
        assert_eq!(segments.len(), slashes, "{sent}");
        for (index, segment) in segments.iter().enumerate() {
            let stem = segment.split(|byte| b";?#".contains(byte)).next().unwrap_or_default();
            let stem = stem.trim_ascii();
            assert!(stem != b"." && stem != b"..", "{sent}");
            assert!(!segment.is_empty() || index + 1 == slashes, "{sent}");
        }
        assert!(!path.contains(&b'\\') && !path.iter().any(u8::is_ascii_control), "{sent}");
        path = decoded(&path);
    }
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(1000))]

    #[test]
    fn any_text_is_a_url_that_holds_or_refused(text in prop_oneof![any_text(), any::<String>()]) {
        match text.parse::<RequestUrl>() {
            Ok(url) => check(&url),
            Err(error) => assert!(!error.to_string().contains('\n')),
        }
    }

    #[test]
    fn any_location_is_a_url_that_holds_or_refused(base in any_text(), location in any_text()) {
        if let Ok(base) = base.parse::<RequestUrl>() {
            match base.join(&location) {
                Ok(url) => check(&url),
                Err(error) => assert!(!error.to_string().contains('\n')),
            }
        }
    }

    #[test]
    fn what_is_sent_joins_to_itself(base in any_text(), other in any_text()) {
        if let (Ok(base), Ok(other)) = (base.parse::<RequestUrl>(), other.parse::<RequestUrl>()) {
            assert_eq!(base.join(&other.with_query()), Ok(other.clone()));
            let near = base.join(&other.path_and_query()).expect("a path that was accepted");
            assert_eq!((near.origin(), near.path(), near.query()),
                (base.origin(), other.path(), other.query()));
        }
    }
}
