//! What must hold whenever no process is running, and the state that tests look at.

use ax_tests::components;
use ax_tests::home::Home;
use serde_json::Value;

/// What is installed and granted, as far as these tests change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Names of the installed plugins.
    pub(crate) installed: Vec<String>,
    /// What `test:env` was granted; nothing when it is not installed.
    pub(crate) granted: Vec<String>,
}

/// A home with `test:calc` and `test:env` installed, nothing granted.
pub(crate) fn home() -> Home {
    let home = Home::new();
    home.write_plugin("calc", components::CALC_MANIFEST, &components::calc());
    home.write_plugin("env", components::ENV_MANIFEST, &components::env());
    home.ax(&["plugin", "add", "calc"]).ok();
    home.ax(&["plugin", "add", "env", "--grant-nothing"]).ok();
    home
}

/// Reads the state, and insists that everything can be read and is whole.
#[track_caller]
pub(crate) fn read(home: &Home) -> State {
    let installed = home.installed();
    let has_env = installed.iter().any(|name| name == "test:env");
    let granted = if has_env { home.granted("test:env") } else { Vec::new() };
    home.ax(&["plugin", "verify"]).ok();
    State { installed, granted }
}

/// Insists that the audit is unbroken; returns its rows.
///
/// A home in which nothing happened yet has none.
#[track_caller]
pub(crate) fn audited(home: &Home) -> Vec<Value> {
    let verified = home.ax(&["audit", "verify"]);
    if verified.code == 1 && verified.stderr.contains("there is no audit log") {
        return Vec::new();
    }
    verified.ok();
    let told = home.ax(&["audit", "tail", "-n", "10000", "--json"]).ok().stdout;
    told.lines().map(|line| serde_json::from_str(line).expect("a row of JSON")).collect()
}

/// Counts the rows that record a change of this kind.
pub(crate) fn changes(rows: &[Value], action: &str) -> usize {
    rows.iter().filter(|row| row["body"]["action"] == action).count()
}
