//! One line per hostile guest: what it must get and what it got.

use std::io::Write;

use ax_host::plugin::CallError;
use ax_host::plugin::JailError;
use ax_host::plugin::LoadError;
use ax_host::plugin::Report;

/// Asks for the table; `cargo xtask hostile` sets it.
const TABLE_VARIABLE: &str = "AX_HOSTILE_TABLE";

/// Prints the guest's line and insists on what was expected.
///
/// Call it last in a test, with what the other checks of the test found: a line that says PASS
/// before the bound was looked at would be a lie.
#[track_caller]
pub(crate) fn settle(guest: &str, expected: &str, got: &str) {
    let passed = expected == got;
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, not of the product")]
    let wanted = std::env::var_os(TABLE_VARIABLE).is_some();
    if wanted {
        let verdict = if passed { "PASS" } else { "FAIL" };
        // Straight to the stream: the test harness keeps what `println!` says.
        let line = format!("{guest:<36} {expected:<28} {got:<28} {verdict}\n");
        std::io::stdout().lock().write_all(line.as_bytes()).ok();
    }
    assert_eq!(got, expected, "{guest}");
}

/// Says in a word how a call ended.
pub(crate) fn of_call(report: &Report) -> String {
    match &report.result {
        Ok(_) => "ok".to_owned(),
        Err(error) => of_error(error),
    }
}

/// Says in a word what kind of failure it is.
pub(crate) fn of_error(error: &CallError) -> String {
    match error {
        CallError::NoSuchTool { .. } => "no-such-tool".to_owned(),
        CallError::NoSuchAgent { .. } => "no-such-agent".to_owned(),
        CallError::AgentInput { .. } => "agent-input".to_owned(),
        CallError::Json(_) => "json".to_owned(),
        CallError::Input(_) => "input".to_owned(),
        CallError::Exhausted { limit, .. } => format!("exhausted({})", limit.word()),
        CallError::Trapped { .. } => "trapped".to_owned(),
        CallError::Exited { code } => format!("exited({code})"),
        CallError::Tool { kind, .. } => format!("tool({})", kind.word()),
        CallError::Answer { .. } => "answer".to_owned(),
        CallError::Start { .. } => "start".to_owned(),
        CallError::Cancelled => "cancelled".to_owned(),
        CallError::Leak { secret } => format!("leak({secret})"),
        CallError::Secrets(_) => "secrets".to_owned(),
        CallError::Audit(_) => "audit".to_owned(),
        CallError::Conflict { key } => format!("conflict({key})"),
        CallError::KeyUsed => "key-used".to_owned(),
        CallError::Keep(_) => "keep".to_owned(),
        CallError::Lost => "lost".to_owned(),
    }
}

/// Says in a word why something cannot be loaded.
pub(crate) fn of_load<T>(loaded: &Result<T, LoadError>) -> String {
    match loaded {
        Ok(_) => "loaded".to_owned(),
        Err(LoadError::Compile { source, .. }) => match source {
            JailError::Refused { .. } => "refused-by-compiler".to_owned(),
            JailError::TooExpensive { .. } => "too-expensive".to_owned(),
            JailError::Process { .. } => "no-compiler".to_owned(),
        },
        Err(LoadError::Map { .. }) => "map".to_owned(),
        Err(LoadError::Link { .. }) => "link".to_owned(),
        Err(LoadError::TooMany { what, .. }) => format!("too-many({what})"),
        Err(LoadError::MissingExport { .. }) => "missing-export".to_owned(),
        Err(LoadError::Cache(_)) => "cache".to_owned(),
    }
}

/// Says a typed error by the name of its variant.
pub(crate) fn of_variant<T, E: std::fmt::Debug>(result: &Result<T, E>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => {
            let shown = format!("{error:?}");
            let name = shown.split([' ', '(', '{']).next().unwrap_or_default();
            name.to_owned()
        }
    }
}
