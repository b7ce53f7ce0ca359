//! The host, the guest and the words that tests of the network share.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use ax_host::egress::EgressConfig;
use ax_host::egress::Resolve;
use ax_host::plugin::HostConfig;
use ax_host::plugin::Injection;
use ax_host::plugin::Limits;
use ax_host::plugin::Output;
use ax_host::plugin::Report;
use ax_host::secret::value::SecretValue;
use ax_manifest::Ask;
use ax_manifest::Quota;
use ax_tests::authority::Authority;
use ax_tests::program;
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::config;
use crate::arena::permission;

/// An address that stands for one on the internet.
pub(crate) const PUBLIC: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);

/// The value of the secret `token`: with characters that every encoding writes differently.
pub(crate) const TOKEN: &str = "s3cr+t/T0k?n=Z9";
/// The value of the secret `other`.
pub(crate) const OTHER: &str = "an0ther-value-of-plain-letters";

static NAMES: LazyLock<Arc<Names>> = LazyLock::new(Arc::default);
static CALLER: LazyLock<Vec<u8>> = LazyLock::new(|| program::guest("caller"));
static ARENA: LazyLock<Arena> = LazyLock::new(|| Arena::with(wired()));

/// Names that tests made up, and how often each was looked up.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<BTreeMap<String, Name>>);

#[derive(Debug)]
struct Name {
    /// What is answered in turn, then the last one.
    answers: Vec<Vec<IpAddr>>,
    lookups: usize,
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _: &'a str, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = names.get_mut(host).map(|name| {
            name.lookups += 1;
            let answer = name.answers.get(name.lookups - 1).or(name.answers.last());
            answer.cloned().unwrap_or_default()
        });
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// Gives a name its addresses: those of the first lookup, of the second, and so on.
pub(crate) fn name(name: &str, answers: &[&[&str]]) {
    let parse =
        |answer: &&[&str]| answer.iter().map(|it| it.parse().expect("an address")).collect();
    let name_is = Name { answers: answers.iter().map(parse).collect(), lookups: 0 };
    let mut names = NAMES.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(names.insert(name.to_owned(), name_is).is_none(), "`{name}` is another test's");
}

/// Counts how often a name was looked up.
pub(crate) fn lookups(name: &str) -> usize {
    let names = NAMES.0.lock().unwrap_or_else(PoisonError::into_inner);
    names.get(name).map_or(0, |name| name.lookups)
}

/// The host of these tests.
pub(crate) fn arena() -> &'static Arena {
    &ARENA
}

/// A configuration in which the vault has secrets, and requests find these tests' names.
fn wired() -> HostConfig {
    let usual = config();
    for (name, value) in [("token", TOKEN), ("other", OTHER)] {
        let value = SecretValue::new(value.as_bytes()).expect("a value");
        usual.vault.set(&name.parse().expect("a name"), &value, 0).expect("it is kept");
    }
    let network = |text: &str| text.parse().expect("a network");
    let network = EgressConfig {
        resolver: NAMES.clone(),
        extra_roots: vec![Authority::trusted().root()],
        opened: vec![network("127.1.0.0/16"), network("169.254.0.0/16")],
        script: None,
    };
    HostConfig { network, ..usual }
}

/// The guest that sends what it is told, with these permissions declared and granted.
pub(crate) fn caller(granted: &[&str]) -> Guest {
    let guest = Guest::new(CALLER.clone());
    guest.limited(|limits| *limits = Limits::default()).granted(granted)
}

/// As [`caller`], and asks to have secrets put in, as the permissions among `granted` say.
pub(crate) fn holder(granted: &[&str]) -> Guest {
    asking(caller(granted), granted)
}

/// Asks to have secrets put in, without a grant.
pub(crate) fn asking(mut guest: Guest, permissions: &[&str]) -> Guest {
    let ask = |text: &&str| Ask {
        permission: permission(text),
        reason: None,
        quota: Quota::default(),
        header: None,
    };
    guest.release.injections =
        permissions.iter().map(ask).filter_map(|it| Injection::of(&it)).collect();
    guest
}

/// A GET that follows no redirect, waits for the call's end and takes 1 MiB.
pub(crate) fn get(url: &str) -> Value {
    json!({
        "method": "GET", "url": url, "headers": [], "filler": 0, "redirects": 0,
        "body-bytes-max": 1 << 20,
    })
}

/// A POST of a short body.
pub(crate) fn post(url: &str) -> Value {
    with(get(url), &json!({ "method": "POST", "body": "hello" }))
}

/// A GET over `wasi:http` of a URL that has a path.
pub(crate) fn wasi_get(url: &str) -> Value {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (authority, path) = rest.split_once('/').expect("a path");
    json!({
        "method": "GET", "scheme": scheme, "authority": authority, "path": format!("/{path}"),
        "headers": [], "filler": 0,
    })
}

/// Changes members of a request.
pub(crate) fn with(mut request: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("members") {
        request[name] = value.clone();
    }
    request
}

/// Sends one request and lets the host show that it still works.
#[track_caller]
pub(crate) fn send(guest: &Guest, request: Value) -> (Report, Value) {
    let report = arena().call(guest, "in-turn", &json!({ "requests": [request] }));
    let outcome = outcomes(&report)[0].clone();
    arena().still_serves();
    (report, outcome)
}

/// As [`send`], over `wasi:http`.
#[track_caller]
pub(crate) fn send_wasi(guest: &Guest, request: Value) -> (Report, Value) {
    let report = arena().call(guest, "wasi", &json!({ "requests": [request] }));
    let outcome = outcomes(&report)[0].clone();
    arena().still_serves();
    (report, outcome)
}

/// Returns what the guest answered.
#[track_caller]
pub(crate) fn value(report: &Report) -> &Value {
    match report.result.as_ref().unwrap_or_else(|error| panic!("{error:?}: {report:?}")) {
        Output::Value(value) => value,
        other @ Output::Content { .. } => panic!("{other:?}"),
    }
}

/// Returns what came of each request of a call.
#[track_caller]
pub(crate) fn outcomes(report: &Report) -> &[Value] {
    value(report).as_array().expect("a list")
}

/// Says an outcome in a word: `200`, `denied(net:…)`, `unavailable`.
pub(crate) fn word(outcome: &Value) -> String {
    let text = |member: &str| outcome["err"][member].as_str().unwrap_or("?").to_owned();
    match outcome["ok"]["status"].as_u64() {
        Some(status) => status.to_string(),
        None if text("code").is_empty() => text("kind"),
        None => format!("{}({})", text("kind"), text("code")),
    }
}

/// Sends one request and says in a word what came of it.
#[track_caller]
pub(crate) fn word_of(guest: &Guest, request: Value) -> String {
    word(&send(guest, request).1)
}

/// Lists what was denied: permission and reason.
pub(crate) fn denials(report: &Report) -> Vec<String> {
    let one = |denial: &ax_host::plugin::Denial| {
        format!("{}: {}", denial.permission, denial.reason.word())
    };
    report.denials.iter().map(one).collect()
}
