//! `ax doctor`: checks that what is needed is there and works, by using it.

use std::os::unix::fs::PermissionsExt;

use serde::Serialize;

use super::fault::CliError;
use super::mcp::config::folders_of;
use super::output::Output;
use super::render::counted;
use crate::app::{App, ListedSecret};
use crate::audit::verify::verify;
use crate::config::Config;
use crate::plugin::engine::slots_that_fit;
use crate::plugin::{Allocation, Engine, Jail, jail, limits};
use crate::server::mcp::client::{Ground, look};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Works, and could be better.
    Note,
    Failed,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), hint: None }
    }

    fn note(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, state: State::Note, found: found.into(), hint: Some(hint.into()) }
    }

    fn failed(name: &'static str, found: impl Into<String>, hint: Option<String>) -> Self {
        Self { name, state: State::Failed, found: found.into(), hint }
    }
}

pub(super) fn run(app: &App, output: Output) -> Result<(), CliError> {
    let mut checks = vec![
        home(app.config()),
        workspace(app.config()),
        policies(app),
        generation(app),
        plugins(app),
        data(app),
        secrets(app),
        audit(app.config()),
        engine(),
        compiler(),
        maps(),
    ];
    checks.extend(clients(app));
    output.data(&checks, || checks.iter().map(line).collect());
    match checks.iter().filter(|check| check.state == State::Failed).count() {
        0 => Ok(()),
        count => Err(CliError::DoctorFindings { count }),
    }
}

fn line(check: &Check) -> String {
    let mark = match check.state {
        State::Ok => "ok  ",
        State::Note => "note",
        State::Failed => "FAIL",
    };
    let hint = check.hint.as_ref().map_or_else(String::new, |hint| format!("      {hint}\n"));
    format!("{mark}  {:<10} {}\n{hint}", check.name, check.found)
}

fn home(config: &Config) -> Check {
    const NAME: &str = "home";
    let home = &config.home.value;
    let path = home.display();
    if !home.exists() {
        return Check::ok(NAME, format!("{path} (made at the first installation)"));
    }
    if let Err(error) = tempfile::Builder::new().prefix(".doctor-").tempfile_in(home) {
        let hint = Some("make it writable, or set AX_HOME to another folder".to_owned());
        return Check::failed(NAME, format!("{path} cannot be written: {error}"), hint);
    }
    let mode = home.metadata().map_or(0, |data| data.permissions().mode());
    if mode & 0o077 != 0 {
        return Check::note(NAME, format!("{path} is open to others"), format!("chmod 700 {path}"));
    }
    Check::ok(NAME, path.to_string())
}

fn workspace(config: &Config) -> Check {
    const NAME: &str = "workspace";
    match &config.workspace {
        Some(set) => Check::ok(NAME, format!("{} ({})", set.value.display(), set.source)),
        None => Check::note(NAME, "no folder is bound to it", Config::workspace_hint()),
    }
}

fn policies(app: &App) -> Check {
    const NAME: &str = "policy";
    match app.policies() {
        Ok(policies) if policies.is_empty() => Check::ok(NAME, "none"),
        Ok(policies) => {
            let files: Vec<&str> = policies.iter().map(|(file, _)| file).collect();
            Check::ok(NAME, files.join(", "))
        }
        Err(error) => Check::failed(NAME, error.to_string(), error.hint()),
    }
}

fn generation(app: &App) -> Check {
    const NAME: &str = "state";
    match app.current() {
        Ok(current) => Check::ok(
            NAME,
            format!(
                "generation {}, {}",
                current.number,
                counted(current.lock.plugins.len() as u64, "plugin")
            ),
        ),
        Err(error) => Check::failed(NAME, error.to_string(), error.hint()),
    }
}

fn plugins(app: &App) -> Check {
    const NAME: &str = "plugins";
    let Ok(current) = app.current() else {
        return Check::note(NAME, "not checked", "the state cannot be read, see above");
    };
    match app.verify(&current, None).as_slice() {
        [] => Check::ok(NAME, "all as installed"),
        findings => Check::failed(
            NAME,
            counted(findings.len() as u64, "finding"),
            Some("ax plugin verify".to_owned()),
        ),
    }
}

/// What plugins keep from call to call.
fn data(app: &App) -> Check {
    const NAME: &str = "data";
    let Ok(current) = app.current() else {
        return Check::note(NAME, "not checked", "the state cannot be read, see above");
    };
    match app.kept(&current) {
        Ok(0) => Check::ok(NAME, "no plugin keeps any"),
        Ok(count) => Check::ok(NAME, format!("of {}", counted(count, "plugin"))),
        Err(error) => Check::failed(NAME, error.to_string(), error.hint()),
    }
}

fn secrets(app: &App) -> Check {
    const NAME: &str = "secrets";
    let listed = match app.secrets() {
        Ok(listed) => listed,
        Err(error) => return Check::failed(NAME, error.to_string(), error.hint()),
    };
    let is_granted = |secret: &&ListedSecret| secret.uses.iter().any(|it| !it.grants.is_empty());
    let missing = listed.iter().filter(|secret| secret.set_at_ms.is_none()).find(is_granted);
    match missing {
        Some(ListedSecret { name, .. }) => Check::note(
            NAME,
            format!("`{name}` is granted and not set"),
            format!("ax secret set {name}"),
        ),
        None => {
            let set = listed.iter().filter(|secret| secret.set_at_ms.is_some()).count();
            Check::ok(NAME, format!("{} set", counted(set as u64, "secret")))
        }
    }
}

fn audit(config: &Config) -> Check {
    const NAME: &str = "audit";
    use crate::audit::error::AuditError;
    match verify(&config.home.value) {
        Ok(report) if report.is_intact() => {
            Check::ok(NAME, format!("{}, unbroken", counted(report.rows, "row")))
        }
        Ok(_) => Check::failed(NAME, "rows were changed", Some("ax audit verify".to_owned())),
        Err(AuditError::Absent { .. }) => Check::ok(NAME, "nothing recorded yet"),
        Err(error) => Check::failed(NAME, error.to_string(), error.hint()),
    }
}

fn engine() -> Check {
    const NAME: &str = "engine";
    match Engine::new(Allocation::OnDemand) {
        Ok(engine) => Check::ok(NAME, format!("ready, {}", engine.digest().short())),
        Err(error) => Check::failed(NAME, format!("{error:#}"), None),
    }
}

/// Compiles the smallest component there is, in the jail.
fn compiler() -> Check {
    const NAME: &str = "compiler";
    /// `(component)` in its binary form.
    const EMPTY: &[u8] = &[0, b'a', b's', b'm', 13, 0, 1, 0];
    let made = jail::own_program().map_err(|error| error.to_string()).and_then(|program| {
        let output = tempfile::tempfile().map_err(|error| error.to_string())?;
        Jail::new(program, 1).compile(EMPTY, &output).map_err(|error| error.to_string())
    });
    match made {
        Ok(()) => Check::ok(NAME, "compiles in a process of its own"),
        Err(error) => Check::failed(
            NAME,
            error,
            Some("allow this user to start processes with rlimits".to_owned()),
        ),
    }
}

/// A server keeps many instances ready, each of which needs memory maps.
fn maps() -> Check {
    const NAME: &str = "maps";
    let Ok(text) = fs_err::read_to_string("/proc/sys/vm/max_map_count") else {
        return Check::ok(NAME, "not limited on this system");
    };
    let count: u32 = text.trim().parse().unwrap_or(0);
    let slots = slots_that_fit(count);
    if slots < limits::LIVE_INSTANCES {
        return Check::note(
            NAME,
            format!("room for {slots} instances at once"),
            "sysctl vm.max_map_count=65530",
        );
    }
    Check::ok(NAME, format!("room for {slots} instances at once"))
}

/// What stands about this program in the settings of those that start it.
fn clients(app: &App) -> Vec<Check> {
    const NAME: &str = "clients";
    let program = std::env::current_exe().and_then(|program| program.canonicalize());
    let Ok(program) = program else {
        return vec![Check::note(NAME, "not checked", "this program is not where it was started")];
    };
    let catalogue = app.catalogue().ok();
    let names = catalogue.iter().flat_map(|it| it.tools().keys());
    let longest_tool = names.max_by_key(|name| name.len()).map(String::as_str);
    let folders = folders_of(app.config());
    let found = look(&Ground { folders, program: &program, longest_tool });
    let findings = found.findings.iter();
    let mut checks: Vec<Check> =
        findings.map(|it| Check::note(NAME, it.to_string(), it.hint())).collect();
    if found.omitted > 0 {
        let more = format!("{} more", counted(found.omitted as u64, "finding"));
        checks.push(Check::note(NAME, more, "mend these first"));
    }
    match (checks.is_empty(), found.clients.as_slice()) {
        (false, _) => {}
        (true, []) => checks.push(Check::ok(NAME, "none has this `ax`, see `ax mcp config`")),
        (true, known) => checks.push(Check::ok(NAME, known.join(", "))),
    }
    checks
}
