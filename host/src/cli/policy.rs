//! `ax policy`: check, explain, test.

use ax_manifest::{Outcome, Permission, PluginName, Policy, PolicyCounts, TestResult};
use serde_json::{Value, json};

use super::args::PolicyCommand;
use super::cause::unbound;
use super::fault::CliError;
use super::output::Output;
use super::render::counted;
use super::{permission, read_named};
use crate::app::{App, Explained, ExplainedPlugin, PolicyFileError, PolicyFound};
use crate::plugin::{DenialReason, scrub};

/// Bytes of a file that is read; a policy may have far fewer, and is told how many it has.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Bytes of one printed line, which may repeat what a stranger wrote.
const LINE_BYTES: usize = 4 << 10;

pub(super) fn run(app: &App, output: Output, command: PolicyCommand) -> Result<(), CliError> {
    match command {
        PolicyCommand::Check { file } => check(app, output, file.as_deref()),
        PolicyCommand::Explain { plugin, permission } => explain(app, output, &plugin, &permission),
        PolicyCommand::Test { file } => test(app, output, file.as_deref()),
    }
}

/// One thing that is wrong with a file.
struct Mistake {
    /// Line and column, if it is in the text.
    place: Option<(usize, usize)>,
    what: String,
    hint: Option<String>,
}

/// One file that was looked at.
struct Checked {
    file: String,
    found: Result<Option<PolicyCounts>, Vec<Mistake>>,
}

impl Checked {
    fn new(file: String, found: PolicyFound) -> Self {
        let found = match found {
            PolicyFound::Absent => Ok(None),
            PolicyFound::Usable(counts) => Ok(Some(counts)),
            PolicyFound::Wrong(mistakes) => Err(mistakes
                .iter()
                .map(|mistake| Mistake {
                    place: Some((mistake.line, mistake.column)),
                    what: mistake.kind.to_string(),
                    hint: mistake.hint(),
                })
                .collect()),
            PolicyFound::Unusable(error) => {
                Err(vec![Mistake { place: None, what: error.to_string(), hint: error.hint() }])
            }
        };
        Self { file, found }
    }

    fn mistakes(&self) -> &[Mistake] {
        self.found.as_ref().err().map_or(&[], Vec::as_slice)
    }

    fn json(&self) -> Value {
        let state = match &self.found {
            Ok(None) => "absent",
            Ok(Some(_)) => "ok",
            Err(_) => "wrong",
        };
        let mut row = json!({ "file": self.file, "state": state });
        if let Ok(Some(counts)) = &self.found {
            row["rules"] = json!(counts.rules);
            row["limits"] = json!(counts.limits);
            row["tests"] = json!(counts.tests);
        }
        let mistakes = self.mistakes().iter().map(|mistake| {
            let (line, column) = mistake.place.unzip();
            json!({ "line": line, "column": column, "what": mistake.what, "hint": mistake.hint })
        });
        row["mistakes"] = mistakes.collect();
        row
    }

    fn text(&self) -> String {
        let file = &self.file;
        let mistakes = match &self.found {
            Ok(None) => return format!("none  {file}\n"),
            Ok(Some(counts)) => {
                return format!(
                    "ok    {file}  {}, {}, {}\n",
                    counted(counts.rules as u64, "rule"),
                    counted(counts.limits as u64, "limit"),
                    counted(counts.tests as u64, "test"),
                );
            }
            Err(mistakes) => mistakes,
        };
        let mut text = format!("FAIL  {file}\n");
        for mistake in mistakes {
            let place = match mistake.place {
                Some((line, column)) => format!("{file}:{line}:{column}: "),
                None => String::new(),
            };
            let what = scrub(&format!("{place}{}", mistake.what), LINE_BYTES);
            text.push_str(&format!("  {what}\n"));
            if let Some(hint) = &mistake.hint {
                text.push_str(&format!("      {}\n", scrub(hint, LINE_BYTES)));
            }
        }
        text
    }
}

/// Reads a file that need not be in force. Who may write it matters only where it is.
fn read(file: &str) -> Result<String, CliError> {
    read_named(file, FILE_BYTES_MAX)
}

fn shown(file: &str) -> String {
    scrub(if file == "-" { "(standard input)" } else { file }, LINE_BYTES)
}

fn check(app: &App, output: Output, file: Option<&str>) -> Result<(), CliError> {
    let checked: Vec<Checked> = match file {
        Some(file) => vec![Checked::new(shown(file), PolicyFound::of(&read(file)?))],
        None => {
            let places = app.policy_places();
            places.iter().map(|place| Checked::new(place.file(), place.check())).collect()
        }
    };
    let values: Vec<Value> = checked.iter().map(Checked::json).collect();
    output.data(&values, || checked.iter().map(Checked::text).collect());
    match checked.iter().map(|checked| checked.mistakes().len()).sum() {
        0 => Ok(()),
        count => Err(CliError::PolicyFindings { count }),
    }
}

fn test(app: &App, output: Output, file: Option<&str>) -> Result<(), CliError> {
    let mut texts = Vec::new();
    match file {
        Some(file) => texts.push((shown(file), read(file)?)),
        None => {
            for place in app.policy_places() {
                texts.extend(place.read()?.map(|text| (place.file(), text)));
            }
        }
    }
    let mut files = Vec::new();
    for (file, text) in texts {
        let results = Policy::test(&text).map_err(|mistake| PolicyFileError::Wrong {
            file: file.clone(),
            mistake: Box::new(mistake),
            more: Policy::mistakes(&text).len().saturating_sub(1),
        })?;
        files.push((file, results));
    }
    let values: Vec<Value> = files
        .iter()
        .flat_map(|(file, results)| results.iter().map(move |result| result_json(file, result)))
        .collect();
    output.data(&values, || {
        if values.is_empty() {
            return "no tests; a policy carries them as [[test]] tables\n".to_owned();
        }
        let lines = files.iter().flat_map(|(file, results)| {
            std::iter::once(format!("{file}\n")).chain(results.iter().map(result_text))
        });
        lines.collect()
    });
    let failed = |(_, results): &(String, Vec<TestResult>)| {
        results.iter().filter(|result| !result.passed()).count()
    };
    match files.iter().map(failed).sum() {
        0 => Ok(()),
        count => Err(CliError::PolicyTests { count }),
    }
}

fn result_json(file: &str, result: &TestResult) -> Value {
    json!({
        "file": file,
        "name": result.name,
        "expected": result.expected.word(),
        "found": result.found.word(),
        "rule": result.rule,
        "passed": result.passed(),
    })
}

fn result_text(result: &TestResult) -> String {
    if result.passed() {
        return format!("  ok      {}\n", result.name);
    }
    let why = match &result.rule {
        Some(rule) => format!("`{rule}` decides it"),
        None => "no rule takes it away".to_owned(),
    };
    format!(
        "  FAILED  {}: expects {}, finds {}; {why}\n",
        result.name,
        result.expected.word(),
        result.found.word()
    )
}

fn explain(
    app: &App,
    output: Output,
    plugin: &PluginName,
    wanted: &Permission,
) -> Result<(), CliError> {
    let explained = app.explain(plugin, wanted)?;
    let so = conclusion(&explained, wanted);
    let held = explained.plugin.as_ref();
    let value = json!({
        "plugin": plugin.to_string(),
        "permission": wanted.to_string(),
        "words": wanted.plain_words(),
        "verdict": explained.note.outcome.word(),
        "rules": explained.note.rules,
        "installed": held.is_some(),
        "declared": held.and_then(|held| held.declared.as_ref()).map(ToString::to_string),
        "grants": held.map(|held| permission::grants_json(&held.grants)),
        "allowed": held.is_some_and(|held| {
            held.is_enabled && held.ruling.is_ok() && held.unbound.is_none()
        }),
        "so": so,
    });
    let now_ms = app.clock().now_ms();
    output.data(&value, || {
        let note = &explained.note;
        let mut text = format!("{plugin} {wanted}  {}\n", wanted.plain_words());
        text.push_str(&format!("  policy    {}\n", note.outcome.word()));
        for rule in &note.rules {
            text.push_str(&format!("            `{}` ({}:{})\n", rule.rule, rule.file, rule.line));
        }
        if let Some(held) = held {
            text.push_str(&holdings(held, now_ms));
        }
        text.push_str(&format!("  so        {so}\n"));
        text
    });
    Ok(())
}

/// Writes what a plugin asks for and holds.
fn holdings(held: &ExplainedPlugin, now_ms: u64) -> String {
    let declared = match &held.declared {
        Some(declared) => format!("in the manifest, as {declared}"),
        None => "not in the manifest".to_owned(),
    };
    let mut text = format!("  declared  {declared}\n");
    if held.grants.is_empty() {
        text.push_str("  granted   not\n");
    }
    for grant in &held.grants {
        text.push_str(&format!("  granted   {}\n", permission::state(grant, now_ms)));
    }
    text
}

/// Says in a sentence what would become of it in a call here and now.
fn conclusion(explained: &Explained, wanted: &Permission) -> String {
    let forbidden = || "nobody can allow it; whoever wrote the policy can change it".to_owned();
    let Some(held) = &explained.plugin else {
        return match explained.note.outcome {
            Outcome::Deny => forbidden(),
            Outcome::Allow | Outcome::Ask | Outcome::Mixed => {
                "the plugin is not installed; a call would need a grant".to_owned()
            }
        };
    };
    match (&held.ruling, explained.note.outcome) {
        (_, Outcome::Deny) => forbidden(),
        (Err(DenialReason::NotDeclared), _) => {
            "a call may not: nobody can grant what the manifest does not ask for".to_owned()
        }
        (_, Outcome::Mixed) => {
            "it depends: a part is taken away; ask about one request, file or name".to_owned()
        }
        _ if !held.is_enabled => "the plugin is switched off".to_owned(),
        (Ok(rule), _) => match &held.unbound {
            None => format!("a call may do it ({rule})"),
            Some(folder) => format!("a call may not here: {}", unbound(folder)),
        },
        (Err(DenialReason::PolicyAsks), _) => {
            format!(
                "a call may do it with --allow '{wanted}' each time; a standing grant is not enough"
            )
        }
        (Err(reason), Outcome::Ask) => {
            format!("{}; a call may do it with --allow '{wanted}' each time", reason.word())
        }
        (Err(reason), Outcome::Allow) => format!("a call may not: {}", reason.word()),
    }
}
