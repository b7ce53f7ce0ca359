//! The pages about manifests and permissions against the parser, which knows best.
//!
//! Keys and bounds are not listed here: the parser is asked for them, by what it refuses.

use std::collections::BTreeMap;

use ax_host::plugin::Limits;
use ax_manifest::{ByteSize, Manifest, ManifestErrorKind, Permission, PermissionKind, Span};
use ax_tests::page::Page;

/// The page about manifests.
const PAGE: &str = "docs/manifest.md";

/// The table that every manifest has.
const PLUGIN: &str = "[plugin]\nname = \"my:page\"\nversion = \"0.1.0\"\ndescription = \"x\"\n\
                      host = \"^0.2\"\n";

/// Says what is wrong with a manifest that has these lines too.
fn refusal(lines: &str) -> ManifestErrorKind {
    Manifest::parse(&format!("{PLUGIN}{lines}\n")).expect_err(lines).kind
}

/// Asks for the keys of the table in which `lines` put a key that nobody knows.
fn keys(lines: &str) -> &'static [&'static str] {
    match refusal(lines) {
        ManifestErrorKind::UnknownKey { known, .. } => known,
        other => panic!("{lines}: {other}"),
    }
}

/// Returns the key under `[permissions]` for a kind.
fn key_of(kind: PermissionKind) -> String {
    let word = kind.word();
    let plural = format!("{word}s");
    let is_key = |key: &String| {
        let lines = format!("[permissions]\n{key} = 1");
        !matches!(refusal(&lines), ManifestErrorKind::UnknownPermission { .. })
    };
    [word.to_owned(), plural].into_iter().find(is_key).expect("one of them is its key")
}

/// Reads the rows of the first table in a section: the key, then the other columns.
fn rows(page: &Page, heading: &str) -> BTreeMap<String, Vec<String>> {
    let section = page.section(heading).unwrap_or_else(|| panic!("{PAGE} has no `{heading}`"));
    let row = |line: &str| {
        let (key, rest) = line.strip_prefix("| `")?.split_once("` |")?;
        let cells = rest.split('|').map(|cell| cell.trim().to_owned()).collect();
        Some((key.to_owned(), cells))
    };
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    lines.take_while(|line| line.starts_with('|')).filter_map(row).collect()
}

#[test]
fn every_key_of_a_manifest_is_explained_and_no_other() {
    let page = Page::read(PAGE);
    let tables = [
        ("[plugin]", keys("stray = 1")),
        ("[limits]", keys("[limits]\nstray = 1")),
        ("[tools.<name>]", keys("[tools.count]\nstray = 1")),
        ("permissions.kv", keys("[permissions]\nkv = { stray = 1 }")),
        ("permissions.net", keys("[permissions]\nnet = [{ stray = 1 }]")),
        ("permissions.secrets", keys("[permissions]\nsecrets = [{ stray = 1 }]")),
        ("permissions.fs", keys("[permissions]\nfs = [{ stray = 1 }]")),
        ("permissions.models", keys("[permissions]\nmodels = [{ stray = 1 }]")),
        ("permissions.events", keys("[permissions]\nevents = { stray = [] }")),
    ];
    for (heading, known) in tables {
        let mut known: Vec<&str> = known.to_vec();
        known.sort_unstable();
        let rows = rows(&page, heading);
        assert_eq!(rows.keys().collect::<Vec<_>>(), known, "{heading}");
    }
    let kinds = rows(&page, "[permissions]");
    let known: std::collections::BTreeSet<String> =
        PermissionKind::ALL.into_iter().map(key_of).collect();
    assert!(kinds.keys().eq(&known), "{kinds:?}");
    let headings: Vec<String> = page.headings().into_iter().map(|it| it.words).collect();
    for table in keys_of_the_root() {
        let is_there = headings.iter().any(|words| words.starts_with(&format!("[{table}")));
        assert!(is_there, "{PAGE} has no heading for `[{table}]`");
    }
}

/// Asks for the tables of a manifest.
fn keys_of_the_root() -> &'static [&'static str] {
    match Manifest::parse("[stray]\n").expect_err("no manifest").kind {
        ManifestErrorKind::UnknownKey { known, .. } => known,
        other => panic!("{other}"),
    }
}

#[test]
fn every_default_and_bound_of_a_limit_is_the_parsers() {
    let base = Limits::default();
    let size = |bytes: u64| ByteSize(bytes).to_string();
    let defaults = BTreeMap::from([
        ("concurrency", base.concurrency.to_string()),
        ("deadline", Span(base.deadline).to_string()),
        ("fuel", base.fuel.to_string()),
        ("hostcall-bytes", size(base.host_call_bytes)),
        ("input", size(base.input_bytes)),
        ("log-bytes", size(base.log_bytes)),
        ("log-lines", base.log_lines.to_string()),
        ("memory", size(base.memory_bytes)),
        ("result", size(base.result_bytes)),
    ]);
    let rows = rows(&Page::read(PAGE), "[limits]");
    assert!(rows.keys().eq(defaults.keys()), "{rows:?}");
    for (key, default) in defaults {
        // Whatever type it has, one of these is outside of it.
        let none =
            ["0", "\"0 B\"", "\"0 s\""].map(|value| refusal(&format!("[limits]\n{key} = {value}")));
        let bounds = none.into_iter().find_map(|kind| match kind {
            ManifestErrorKind::Range { min, max, .. } => Some(format!("{min} – {max}")),
            _ => None,
        });
        let told = [default, bounds.expect("it has bounds")];
        assert_eq!(rows[key][1..3], told, "{key}");
    }
}

#[test]
fn every_manifest_on_the_page_parses() {
    let blocks = Page::read(PAGE).blocks();
    let examples: Vec<_> = blocks.iter().filter(|block| block.language == "toml").collect();
    assert!(examples.len() > 10, "{}", examples.len());
    for block in examples {
        let text = block.text();
        let whole = if text.contains("[plugin]") { text } else { format!("{PLUGIN}{text}") };
        if let Err(error) = Manifest::parse(&whole) {
            panic!("{PAGE}:{}: {error}\n{whole}", block.line);
        }
    }
}

/// Answers whether a code span is meant to be a permission.
fn is_permission(span: &str) -> bool {
    let kind = span.split(':').next().unwrap_or_default();
    let is_kind = PermissionKind::ALL.iter().any(|known| known.word() == kind);
    is_kind
        && (span.contains(':') || span == PermissionKind::Kv.word())
        && !span.contains(['…', '<'])
}

#[test]
fn every_permission_on_a_page_parses() {
    for page in Page::all() {
        for span in page.spans().iter().filter(|span| is_permission(span)) {
            if let Err(error) = span.parse::<Permission>() {
                panic!("{}: {error}", page.path);
            }
        }
    }
}

#[test]
fn the_page_about_permissions_shows_every_kind() {
    let spans = Page::read("docs/permissions.md").spans();
    let shown = spans.iter().filter(|span| is_permission(span));
    let shown: Vec<Permission> = shown.map(|span| span.parse().expect("it parses")).collect();
    for kind in PermissionKind::ALL {
        assert!(shown.iter().any(|it| it.kind() == kind), "no example of `{}`", kind.word());
    }
}
