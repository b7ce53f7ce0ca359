//! Guests that look for variables, arguments, input and the network.

use ax_host::plugin::DenialReason;
use ax_host::plugin::Output;
use ax_host::plugin::Report;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::verdict::of_call;
use crate::verdict::settle;

fn call(guest: Guest, tool: &str, input: &Value) -> Report {
    let arena = Arena::shared();
    let report = arena.call(&guest, tool, input);
    arena.still_serves();
    report
}

fn answer(report: &Report) -> &Value {
    match report.result.as_ref().expect("an answer") {
        Output::Value(value) => value,
        other @ Output::Content { .. } => panic!("{other:?}"),
    }
}

/// Lists permissions that were denied, and why.
fn denials(report: &Report) -> Vec<(&str, DenialReason)> {
    report.denials.iter().map(|denial| (denial.permission.as_str(), denial.reason)).collect()
}

#[test]
fn no_variable_is_seen_without_a_grant() {
    let undeclared = call(Arena::shared().hostile(), "environment", &json!({}));
    assert_eq!((answer(&undeclared), denials(&undeclared)), (&json!([]), Vec::new()));
    let declared = Arena::shared().hostile().declaring(&["env:GRANTED"]);
    let report = call(declared, "environment", &json!({}));
    assert_eq!(answer(&report), &json!([]));
    assert_eq!(denials(&report), [("env:GRANTED", DenialReason::NotGranted)]);
    settle("env-not-granted", "ok", &of_call(&report));
}

#[test]
fn only_the_granted_variable_is_seen() {
    let guest = Arena::shared().hostile().granted(&["env:GRANTED"]);
    let report = call(guest, "environment", &json!({}));
    assert_eq!(answer(&report), &json!([["GRANTED", "granted"]]));
    // A grant that the manifest does not declare opens nothing.
    let mut guest = Arena::shared().hostile().granted(&["env:OTHER"]);
    guest.release.declared = std::iter::empty().collect();
    assert_eq!(answer(&call(guest, "environment", &json!({}))), &json!([]));
    settle("env-granted-by-name", "ok", &of_call(&report));
}

#[test]
fn there_are_no_arguments_no_input_and_no_folder_of_the_host() {
    let hostile = || Arena::shared().hostile();
    assert_eq!(answer(&call(hostile(), "arguments", &json!({}))), &json!([]));
    assert_eq!(answer(&call(hostile(), "input", &json!({}))), &json!(""));
    let folder = call(hostile(), "directory", &json!({}));
    assert!(matches!(answer(&folder).as_str(), None | Some("/")), "{folder:?}");
    settle("arguments-and-input", "ok", "ok");
}

/// Tries to reach the network and insists that it was denied and recorded.
#[track_caller]
fn is_closed(name: &str, tool: &str, input: &Value, interface: &str) {
    let report = call(Arena::shared().hostile(), tool, input);
    assert_eq!(denials(&report), [(interface, DenialReason::NeverGrantable)], "{report:?}");
    settle(name, "tool(failed)", &of_call(&report));
}

#[test]
fn no_connection_is_opened() {
    for (name, address) in [("tcp-connect", "127.0.0.1:80"), ("tcp-connect-v6", "[::1]:80")] {
        let input = json!({ "address": address });
        is_closed(name, "connect", &input, "wasi:sockets/tcp-create-socket");
    }
}

#[test]
fn no_port_is_opened() {
    let input = json!({ "address": "0.0.0.0:0" });
    is_closed("tcp-listen", "listen", &input, "wasi:sockets/tcp-create-socket");
}

#[test]
fn no_packet_is_sent() {
    let input = json!({ "address": "127.0.0.1:53" });
    is_closed("udp-send", "send", &input, "wasi:sockets/udp-create-socket");
}

#[test]
fn no_name_is_looked_up() {
    let input = json!({ "name": "localhost" });
    is_closed("name-lookup", "look-up", &input, "wasi:sockets/ip-name-lookup");
}
