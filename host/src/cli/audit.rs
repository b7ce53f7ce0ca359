//! `ax audit`: tail, verify, export.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ax_manifest::PluginName;
use clap::Subcommand;
use serde_json::{Value, json};

use super::fault::CliError;
use super::output::Output;
use super::render::{counted, date, table};
use crate::app::App;
use crate::audit::entry::Decision;
use crate::audit::error::AuditError;
use crate::audit::read::{Filter, Reader, Row};
use crate::audit::verify::verify;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the latest rows; with -v also the `traceparent` that a client gave
    Tail {
        /// How many
        #[arg(short = 'n', long, default_value_t = 20)]
        lines: usize,
        /// Only rows about this plugin
        #[arg(long)]
        plugin: Option<PluginName>,
        /// Only rows of this kind
        #[arg(long, value_parser = ["call", "effect", "change"])]
        kind: Option<String>,
        /// Only rows with this decision
        #[arg(long, value_parser = ["allowed", "denied", "stopped"])]
        decision: Option<String>,
    },
    /// Check that no row was changed, removed, added or moved
    Verify,
    /// Write all rows as JSON lines, with what is needed to check them elsewhere
    Export {
        /// Write to this file instead of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

pub(super) fn run(app: &App, output: Output, command: AuditCommand) -> Result<(), CliError> {
    let home = &app.config().home.value;
    match command {
        AuditCommand::Tail { lines, plugin, kind, decision } => {
            show(home, output, lines, plugin.as_ref(), kind, decision)
        }
        AuditCommand::Verify => check(home, output),
        AuditCommand::Export { output: file } => write(home, output, file),
    }
}

fn show(
    home: &Path,
    output: Output,
    lines: usize,
    plugin: Option<&PluginName>,
    kind: Option<String>,
    decision: Option<String>,
) -> Result<(), CliError> {
    let filter = Filter {
        plugin: plugin.map(ToString::to_string),
        kind,
        decision: decision
            .and_then(|word| Decision::ALL.into_iter().find(|known| known.word() == word)),
        ..Filter::default()
    };
    let rows = Reader::open(home)?.tail(&filter, lines)?.rows;
    if output.is_json() {
        for row in &rows {
            output.json_line(&value(row));
        }
        return Ok(());
    }
    if rows.is_empty() {
        output.text("no rows\n");
        return Ok(());
    }
    let shown = rows.iter().map(|row| {
        let trace = output.is_verbose().then(|| ("TRACE", trace(row)));
        cells(row).into_iter().chain(trace)
    });
    output.text(&table(shown));
    Ok(())
}

fn body(row: &Row) -> Value {
    row.body_json()
}

fn value(row: &Row) -> Value {
    json!({
        "seq": row.seq,
        "atMs": row.at_ms,
        "kind": row.kind,
        "plugin": row.plugin,
        "decision": row.decision,
        "body": body(row),
        "hash": row.hash,
    })
}

/// What the call of a row used.
pub(super) fn used(body: &Value) -> String {
    let number = |name: &str| body[name].as_u64().unwrap_or(0);
    format!(
        "{} fuel, {} KiB, {} ms",
        number("fuel"),
        number("memory_peak_bytes") / 1024,
        number("duration_us") / 1000
    )
}

/// One line a row: what, by whom, how it was decided, what it used.
fn cells(row: &Row) -> [(&'static str, String); 7] {
    let body = body(row);
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let what = match row.kind.as_str() {
        "change" => format!("{} {}", text("action"), text("subject")),
        "effect" => text("permission"),
        _ => text("tool"),
    };
    let how = match (row.decision.as_str(), text("rule")) {
        (decision, rule) if rule.is_empty() => decision.to_owned(),
        (decision, rule) => format!("{decision}: {rule}"),
    };
    let outcome = match row.kind.as_str() {
        "call" => text("outcome"),
        _ => String::new(),
    };
    let used = match row.kind.as_str() {
        "call" => used(&body),
        _ => String::new(),
    };
    let what = if row.is_rehearsal() { format!("{what} (rehearsed)") } else { what };
    let at_ms = u64::try_from(row.at_ms).unwrap_or(0);
    [
        ("TIME", date(at_ms)),
        ("KIND", row.kind.clone()),
        ("PLUGIN", row.plugin.clone()),
        ("WHAT", what),
        ("DECISION", how),
        ("OUTCOME", outcome),
        ("USED", used),
    ]
}

/// Which call of whoever called it was a part of, if they said so.
fn trace(row: &Row) -> String {
    row.body_json()["traceparent"].as_str().unwrap_or_default().to_owned()
}

fn check(home: &Path, output: Output) -> Result<(), CliError> {
    let report = verify(home)?;
    let count = report.findings.len() as u64 + report.findings_omitted;
    output.data(&report, || {
        let findings = report.findings.iter().map(|finding| format!("{finding}\n"));
        let summary = format!(
            "{}, {}, signed up to row {}; {}\n",
            counted(report.rows, "row"),
            counted(report.checkpoints, "checkpoint"),
            report.signed_seq,
            if count == 0 { "unbroken".to_owned() } else { counted(count, "finding") }
        );
        findings.chain([summary]).collect()
    });
    if count > 0 { Err(CliError::AuditFindings { count }) } else { Ok(()) }
}

fn write(home: &Path, output: Output, file: Option<PathBuf>) -> Result<(), CliError> {
    let Some(path) = file else {
        let mut bytes = std::io::BufWriter::new(std::io::stdout().lock());
        return match Reader::open(home)?.export(&mut bytes) {
            // A reader that went away is not an error, as everywhere.
            Err(AuditError::Output { source }) if source.kind() == ErrorKind::BrokenPipe => Ok(()),
            exported => Ok(exported.map(drop)?),
        };
    };
    let name = path.display().to_string();
    let failed = |source| CliError::File { path: name.clone(), source };
    // An export that died must not be taken for one that is complete.
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    // Asked first, since the error below would name a file that nobody asked for.
    folder.map_or(Ok(()), |folder| folder.metadata().map(drop)).map_err(failed)?;
    let mut made = tempfile::Builder::new()
        .prefix(".ax-export-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(failed)?;
    let exported = Reader::open(home)?.export(&mut made)?;
    made.as_file().sync_all().map_err(failed)?;
    made.persist(&path).map_err(|error| failed(error.error))?;
    output.note(&format!("wrote {} rows to {name}", exported.rows));
    Ok(())
}
