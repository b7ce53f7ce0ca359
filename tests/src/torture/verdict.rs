//! What became of the effects of a task: what is on record against what the ledger has.

use std::collections::BTreeMap;

use ax_host::journal::{Entry, Phase, Row};
use ax_host::workflow::{Ask, Fact, FailureKind, Origin, Run, Text, Verdict as Settled};
use serde_json::Value;

use super::class::Class;
use super::ledger::Ledger;
use super::trial::{Ended, step_of};

/// What became of the effects of a task, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Each once, with the value that is on record. One that only asks may have been asked more than once.
    Once,
    /// A person was asked, and with what they found it was each once.
    InDoubt,
    /// It did not come to its end.
    Stuck,
    /// One is on record, and the ledger has none.
    Lost,
    /// One is there twice.
    Doubled,
    /// One is there with two values, or with another one than is on record.
    Diverged,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Once, Self::InDoubt, Self::Stuck, Self::Lost, Self::Doubled, Self::Diverged];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Once => "ONCE",
            Self::InDoubt => "IN_DOUBT",
            Self::Stuck => "STUCK",
            Self::Lost => "LOST",
            Self::Doubled => "DOUBLED",
            Self::Diverged => "DIVERGED",
        }
    }

    /// Answers whether the contract forbids it.
    #[must_use]
    pub fn is_wrong(self) -> bool {
        !matches!(self, Self::Once | Self::InDoubt)
    }
}

/// Judges a trial.
pub(super) fn judge(class: Class, name: &str, ended: &Ended, ledger: &Ledger) -> Verdict {
    let is_done = |(row, _): &(Row, Vec<Entry>)| Phase::of(row.status.state) == Phase::Completed;
    if ended.wrong.is_some() || ended.tasks.is_empty() || !ended.tasks.iter().all(is_done) {
        return Verdict::Stuck;
    }
    let entries: Vec<&Entry> = ended.tasks.iter().flat_map(|(_, entries)| entries).collect();
    if ended.tasks.iter().any(|(row, entries)| !folds(row, entries)) {
        return Verdict::Stuck;
    }
    let mut recorded = BTreeMap::new();
    for (_, entries) in &ended.tasks {
        recorded.extend(values(entries));
    }
    let of_step = |step: &&str| {
        let Some(value) = recorded.get(*step) else { return Verdict::Stuck };
        match class {
            Class::Pure | Class::Model => asked(value, &ledger.told(name, step)),
            Class::KeyedKv => {
                let kept = recorded.get(&format!("kept {step}")).map(String::as_str);
                let kept: Vec<String> =
                    kept.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
                happened(value, &kept)
            }
            _ => happened(value, &ledger.effects(name, step)),
        }
    };
    let worst = class.steps().iter().map(of_step).max().unwrap_or(Verdict::Stuck);
    let was_doubted = entries.iter().any(|entry| is_doubt(&entry.event.fact));
    match worst {
        Verdict::Once if was_doubted => Verdict::InDoubt,
        worst => worst,
    }
}

/// Judges what only asks: what is on record is one of the answers.
fn asked(recorded: &str, told: &[String]) -> Verdict {
    match (told.is_empty(), told.iter().any(|it| it == recorded)) {
        (true, _) => Verdict::Lost,
        (false, true) => Verdict::Once,
        (false, false) => Verdict::Diverged,
    }
}

/// Judges what changes something: it is there once, as it is on record.
fn happened(recorded: &str, there: &[String]) -> Verdict {
    match there {
        [] => Verdict::Lost,
        [one] if one == recorded => Verdict::Once,
        [_] => Verdict::Diverged,
        [first, rest @ ..] if rest.iter().all(|it| it == first) => Verdict::Doubled,
        _ => Verdict::Diverged,
    }
}

fn is_doubt(fact: &Fact) -> bool {
    match fact {
        Fact::Returned(it) => matches!(&it.outcome, Err(why) if why.kind == FailureKind::InDoubt),
        _ => false,
    }
}

/// Answers whether a task's entries come to what its row says.
pub(super) fn folds(row: &Row, entries: &[Entry]) -> bool {
    let mut run = Run::default();
    let is_whole = entries.iter().all(|entry| run.apply(&entry.event).is_ok());
    // A call of a tool that was begun is paid for, also one that nobody saw the end of.
    let is_begun = |fact: &Fact| match fact {
        Fact::Intended(it) => matches!(it.ask, Ask::Tool { .. }),
        Fact::Resent { .. } => true,
        _ => false,
    };
    let begun = entries.iter().filter(|entry| is_begun(&entry.event.fact)).count() as u64;
    let has_calls = !entries.iter().any(|entry| is_model(&entry.event.fact));
    is_whole
        && (!has_calls || run.account().spent.calls >= begun)
        && run.state() == row.status.state
        && run.head() == row.head_seq
        && run.account().spent == row.status.spent
}

fn is_model(fact: &Fact) -> bool {
    matches!(fact, Fact::Intended(it) if !matches!(it.ask, Ask::Tool { .. }))
}

/// Reads what each step came to, the last time.
fn values(entries: &[Entry]) -> BTreeMap<String, String> {
    let (mut steps, mut values) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        match &entry.event.fact {
            Fact::Intended(it) if !matches!(it.origin, Origin::Mend { .. }) => {
                let step = match &it.ask {
                    Ask::Tool { tool, input } => {
                        let step =
                            input.here().and_then(|input| step_of(input)).unwrap_or_default();
                        match tool.tool.as_str() {
                            "kept" => format!("kept {step}"),
                            _ => step,
                        }
                    }
                    Ask::Model { .. } => "s1".to_owned(),
                    Ask::Child { .. } => continue,
                };
                steps.insert(entry.seq, step);
            }
            Fact::Returned(it) => {
                if let (Some(step), Ok(text)) = (steps.get(&it.intent), &it.outcome) {
                    values.insert(step.clone(), value(text));
                }
            }
            Fact::Settled { intent, verdict: Settled::Happened(text), .. } => {
                if let Some(step) = steps.get(intent) {
                    values.insert(step.clone(), value(text));
                }
            }
            _ => {}
        }
    }
    values
}

/// Reads the value of an answer: of a tool, of a model, or what is kept, with blanks between.
fn value(text: &Text) -> String {
    let text = text.here().map_or("null", |text| text);
    let read: Value = serde_json::from_str(text).unwrap_or_default();
    let structured = &read["structured"];
    if let Some(value) = structured["value"].as_str() {
        return value.to_owned();
    }
    if let Some(values) = structured["values"].as_array() {
        let words: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        return words.join(" ");
    }
    // A model says it somewhere in its content.
    let said = text.split("told-").nth(1).unwrap_or_default();
    format!("told-{}", said.chars().take_while(char::is_ascii_digit).collect::<String>())
}
