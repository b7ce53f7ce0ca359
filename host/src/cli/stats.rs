//! `ax tool stats`: what calls cost, version by version.
//!
//! Not here: where the numbers come from (`app`).

use ax_manifest::{PluginName, ToolId};
use clap::Args;

use super::fault::CliError;
use super::output::Output;
use super::render::{date, size, table};
use super::trace::ms;
use crate::app::{App, Stats, ToolStats};
use crate::audit::read::PAGE_ROWS_MAX;

/// Characters of a component's digest that are shown.
const DIGEST: std::ops::Range<usize> = 7..15;

/// What `ax tool stats` is told.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// A plugin or a tool, also of a project [default: all]
    #[arg(value_name = "PLUGIN[.TOOL]")]
    of: Option<String>,
}

pub(super) fn run(app: &App, output: Output, arguments: &StatsArgs) -> Result<(), CliError> {
    let (plugin, tool) = match &arguments.of {
        Some(text) => named(app, text).map(|(plugin, tool)| (Some(plugin), tool))?,
        None => (None, None),
    };
    let Stats { tools, is_cut } = app.stats(plugin.as_ref(), tool.as_deref())?;
    output.data(&tools, || match tools.is_empty() {
        true => "no calls are on record\n".to_owned(),
        false => table(tools.iter().map(cells)),
    });
    if is_cut {
        output.note(&format!("only the last {PAGE_ROWS_MAX} calls were counted"));
    }
    Ok(())
}

/// Reads `plugin`, `plugin.tool`, and both with a namespace. What is short is a project's or installed.
fn named(app: &App, text: &str) -> Result<(PluginName, Option<String>), CliError> {
    let wrong = |error: ax_manifest::NameError| CliError::Usage {
        what: error.to_string(),
        hint: "ax tool stats ax:metrics.measure".to_owned(),
    };
    let (plugin, tool) = match text.split_once('.') {
        Some((plugin, tool)) => (plugin, Some(tool)),
        None => (text, None),
    };
    let plugin = match plugin.contains(':') {
        true => plugin.parse().map_err(wrong)?,
        false => match app.project_here(plugin)? {
            Some((_, name)) => name,
            None => app.named_in_short(plugin)?,
        },
    };
    if let Some(tool) = tool {
        let id = format!("{plugin}.{tool}").parse::<ToolId>().map_err(wrong)?;
        return Ok((id.plugin, Some(id.tool)));
    }
    Ok((plugin, None))
}

fn cells(stats: &ToolStats) -> [(&'static str, String); 11] {
    let changed = |percent: Option<f64>| match percent {
        Some(percent) if percent >= 0.05 => format!(" (+{percent}%)"),
        Some(percent) if percent <= -0.05 => format!(" ({percent}%)"),
        _ => String::new(),
    };
    let component = stats.component.get(DIGEST).unwrap_or_default();
    let ToolStats { fuel, memory_bytes, duration_us, .. } = stats;
    [
        ("TOOL", format!("{}.{}", stats.plugin, stats.tool)),
        ("VERSION", stats.version.clone().unwrap_or_else(|| "project".to_owned())),
        ("COMPONENT", component.to_owned()),
        ("SINCE", date(stats.first_at_ms)),
        ("CALLS", stats.calls.to_string()),
        ("FAILED", stats.failures.to_string()),
        ("FUEL P50", format!("{}{}", fuel.p50, changed(stats.fuel_change_percent))),
        ("P95", fuel.p95.to_string()),
        (
            "MEMORY P50",
            format!("{}{}", size(memory_bytes.p50), changed(stats.memory_change_percent)),
        ),
        ("MAX", size(memory_bytes.max)),
        ("MS P50/P95", format!("{}/{}", ms(duration_us.p50), ms(duration_us.p95))),
    ]
}
