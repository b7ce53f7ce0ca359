//! What the tools of a plugin cost, version by version, from the audit.
//!
//! The audit has a row for each call with its fuel, memory and time; nothing else is kept for this. A
//! version is told by its component: a project that is built anew is a version too.
//!
//! Not here: how it is shown (`cli`).

use std::collections::HashMap;

use ax_manifest::PluginName;
use serde::Serialize;

use super::App;
use crate::audit::error::AuditError;
use crate::audit::read::{Filter, PAGE_ROWS_MAX, Reader, Row};

/// Changes of a plugin that are looked at for the numbers of its versions.
const CHANGES_READ: usize = 1_000;

/// What the calls of one tool cost, of one version.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolStats {
    /// The plugin.
    pub plugin: String,
    /// The tool.
    pub tool: String,
    /// The digest of the component.
    pub component: String,
    /// The version it was installed as; none for what was never installed here.
    pub version: Option<String>,
    /// When it was called first and last, in milliseconds since 1970.
    pub first_at_ms: u64,
    /// The same of the last call.
    pub last_at_ms: u64,
    /// Calls.
    pub calls: usize,
    /// Calls that gave no answer.
    pub failures: usize,
    /// Fuel.
    pub fuel: Spread,
    /// Most memory at one time, in bytes.
    pub memory_bytes: Spread,
    /// Microseconds.
    pub duration_us: Spread,
    /// By how many percent the usual call costs more fuel than in the version before.
    pub fuel_change_percent: Option<f64>,
    /// The same for memory.
    pub memory_change_percent: Option<f64>,
}

/// How a number is spread over calls that gave an answer; over all if none did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spread {
    /// Half of the calls have at most this.
    pub p50: u64,
    /// 95 of a hundred have at most this.
    pub p95: u64,
    /// The highest.
    pub max: u64,
}

/// What there is to say of calls.
#[derive(Debug)]
pub struct Stats {
    /// By tool and version: the tool called last comes first, its newest version first.
    pub tools: Vec<ToolStats>,
    /// Whether there may be older calls than were looked at.
    pub is_cut: bool,
}

/// The calls of one tool of one version.
#[derive(Default)]
struct Calls {
    at_ms: Vec<u64>,
    answered: Vec<[u64; 3]>,
    failed: Vec<[u64; 3]>,
}

impl Calls {
    fn spread(&self, which: usize) -> Spread {
        let counted = if self.answered.is_empty() { &self.failed } else { &self.answered };
        Spread::of(counted.iter().map(|call| call[which]).collect())
    }
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).max(1) - 1;
            values.get(rank).copied().unwrap_or(0)
        };
        Self { p50: at(50), p95: at(95), max: at(100) }
    }
}

impl App {
    /// Sums up the last calls of all tools, or of one plugin's, or of one tool.
    ///
    /// # Errors
    ///
    /// When the audit cannot be read.
    pub fn stats(
        &self,
        plugin: Option<&PluginName>,
        tool: Option<&str>,
    ) -> Result<Stats, AuditError> {
        let reader = match Reader::open(&self.config().home.value) {
            Ok(reader) => reader,
            // Nothing was ever called.
            Err(AuditError::Absent { .. }) => {
                return Ok(Stats { tools: Vec::new(), is_cut: false });
            }
            Err(error) => return Err(error),
        };
        let read = |kind: &str, rows| {
            let plugin = plugin.map(ToString::to_string);
            let kind = Some(kind.to_owned());
            // What a call costs with answers that were made up says nothing of what it costs.
            let filter = Filter { plugin, kind, without_rehearsals: true, ..Filter::default() };
            reader.tail(&filter, rows).map(|page| page.rows)
        };
        let versions = versions(&read("change", CHANGES_READ)?);
        let rows = read("call", PAGE_ROWS_MAX)?;
        let is_cut = rows.len() >= PAGE_ROWS_MAX;
        Ok(Stats { tools: sum_up(&rows, tool, &versions), is_cut })
    }
}

/// Reads which component was installed as which version.
fn versions(changes: &[Row]) -> HashMap<(String, String), String> {
    let installed = changes.iter().filter_map(|row| {
        let body = row.body_json();
        let component = body["component"].as_str()?.to_owned();
        let version = body["detail"]["version"].as_str()?.to_owned();
        Some(((row.plugin.clone(), component), version))
    });
    installed.collect()
}

fn sum_up(
    rows: &[Row],
    only: Option<&str>,
    versions: &HashMap<(String, String), String>,
) -> Vec<ToolStats> {
    let mut found: HashMap<[String; 3], Calls> = HashMap::new();
    for row in rows {
        let body = row.body_json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (tool, component) = (text("tool"), text("component"));
        // What the host does with a plugin itself has a dot in its name, and is no tool.
        if tool.contains('.') || component.is_empty() || only.is_some_and(|only| only != tool) {
            continue;
        }
        let calls = found.entry([row.plugin.clone(), tool, component]).or_default();
        calls.at_ms.push(u64::try_from(row.at_ms).unwrap_or(0));
        let number = |name: &str| body[name].as_u64().unwrap_or(0);
        let used = [number("fuel"), number("memory_peak_bytes"), number("duration_us")];
        match body["outcome"].as_str() == Some("ok") {
            true => calls.answered.push(used),
            false => calls.failed.push(used),
        }
    }
    let mut stats: Vec<ToolStats> =
        found.into_iter().map(|(key, calls)| stats_of(key, &calls, versions)).collect();
    order(&mut stats);
    compare(&mut stats);
    stats
}

fn stats_of(
    [plugin, tool, component]: [String; 3],
    calls: &Calls,
    versions: &HashMap<(String, String), String>,
) -> ToolStats {
    ToolStats {
        version: versions.get(&(plugin.clone(), component.clone())).cloned(),
        first_at_ms: calls.at_ms.iter().copied().min().unwrap_or(0),
        last_at_ms: calls.at_ms.iter().copied().max().unwrap_or(0),
        calls: calls.at_ms.len(),
        failures: calls.failed.len(),
        fuel: calls.spread(0),
        memory_bytes: calls.spread(1),
        duration_us: calls.spread(2),
        fuel_change_percent: None,
        memory_change_percent: None,
        plugin,
        tool,
        component,
    }
}

/// Puts the tool that was called last first, and of each tool the version that is newest.
fn order(stats: &mut [ToolStats]) {
    let mut last: HashMap<(String, String), u64> = HashMap::new();
    for it in stats.iter() {
        let at = last.entry((it.plugin.clone(), it.tool.clone())).or_default();
        *at = it.last_at_ms.max(*at);
    }
    stats.sort_by_cached_key(|it| {
        let id = (it.plugin.clone(), it.tool.clone());
        let called = std::cmp::Reverse(last[&id]);
        (called, id, std::cmp::Reverse((it.first_at_ms, it.component.clone())))
    });
}

/// Says of each version how it differs from the one before, which comes after it.
fn compare(stats: &mut [ToolStats]) {
    for at in 1..stats.len() {
        let (newer, older) = stats.split_at_mut(at);
        let (Some(newer), Some(older)) = (newer.last_mut(), older.first()) else { continue };
        if (&newer.plugin, &newer.tool) == (&older.plugin, &older.tool) {
            newer.fuel_change_percent = change(newer.fuel.p50, older.fuel.p50);
            newer.memory_change_percent = change(newer.memory_bytes.p50, older.memory_bytes.p50);
        }
    }
}

/// Returns by how many percent `now` is more than `before`, to one decimal.
fn change(now: u64, before: u64) -> Option<f64> {
    let percent = (now as f64 / before as f64 - 1.0) * 100.0;
    (before > 0).then(|| (percent * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ax_manifest::Digest;
    use serde_json::json;

    fn row(at_ms: i64, component: &str, fuel: u64, outcome: &str) -> Row {
        let body = json!({
            "component": component, "tool": "t", "outcome": outcome, "fuel": fuel,
            "memory_peak_bytes": 2 * fuel, "duration_us": 5,
        });
        Row {
            seq: at_ms,
            at_ms,
            kind: "call".to_owned(),
            plugin: "a:b".to_owned(),
            decision: "allowed".to_owned(),
            body: body.to_string(),
            hash: Digest::of(b""),
        }
    }

    #[test]
    fn a_version_is_compared_with_the_one_before() {
        let rows = [
            row(1, "old", 100, "ok"),
            row(2, "old", 300, "ok"),
            row(3, "old", 9_000, "error:failed"),
            row(4, "new", 110, "ok"),
        ];
        let versions = HashMap::from([(("a:b".to_owned(), "old".to_owned()), "1.0.0".to_owned())]);
        let stats = sum_up(&rows, None, &versions);
        let seen: Vec<_> =
            stats.iter().map(|it| (it.component.as_str(), it.calls, it.failures)).collect();
        assert_eq!(seen, [("new", 1, 0), ("old", 3, 1)]);
        assert_eq!(
            (stats[0].fuel_change_percent, stats[1].fuel_change_percent),
            (Some(10.0), None)
        );
        assert_eq!(stats[1].fuel, Spread { p50: 100, p95: 300, max: 300 });
        assert_eq!(stats[1].version.as_deref(), Some("1.0.0"));
        assert_eq!(sum_up(&rows, Some("other"), &versions), []);
    }

    #[test]
    fn who_never_answered_is_measured_by_how_it_failed() {
        let stats = sum_up(&[row(1, "c", 7, "error:failed")], None, &HashMap::new());
        assert_eq!((stats[0].failures, stats[0].fuel.max), (1, 7));
    }
}
