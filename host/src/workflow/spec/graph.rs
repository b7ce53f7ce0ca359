//! How the steps of a workflow hang together, drawn.
//!
//! ```text
//! 1  files    tool ax:files.list
//! 2  metrics  tool ax:metrics.count  for each of {{ steps.files }}, 8 at once
//! 3  judge    agent reviewer         after metrics
//! ```
//!
//! A step's level is one more than the highest of those it needs: what shares a level may be done at once.
//!
//! Not here: how wide a terminal is; making a stranger's text safe to print (`cli`).

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{OnError, Retry, Spec, Step, StepKind, Wait, order};

/// Characters of a text that is shown beside a step.
const SHOWN_CHARS_MAX: usize = 60;

/// The steps of a workflow with their levels.
#[derive(Debug, Clone)]
pub struct Graph {
    name: String,
    nodes: Vec<Node>,
}

/// One step.
#[derive(Debug, Clone)]
struct Node {
    id: String,
    /// From 1.
    level: usize,
    kind: &'static str,
    /// What it calls, asks or waits for.
    what: String,
    /// The steps it needs, by their names.
    needs: Vec<String>,
    /// What else is to be known of it.
    notes: Vec<String>,
    is_for_each: bool,
    is_conditional: bool,
}

impl Graph {
    /// Draws a workflow.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        let needs: Vec<&[usize]> = spec.steps.iter().map(|step| step.needs.as_slice()).collect();
        let mut levels = vec![1; needs.len()];
        for place in order::sequence(&needs) {
            let highest = needs[place].iter().map(|need| levels[*need]).max();
            levels[place] = highest.unwrap_or(0) + 1;
        }
        let mut nodes: Vec<Node> = spec
            .steps
            .iter()
            .zip(levels)
            .map(|(step, level)| Node {
                id: step.id.clone(),
                level,
                kind: step.kind.word(),
                what: what(&step.kind),
                needs: step.needs.iter().map(|need| spec.steps[*need].id.clone()).collect(),
                notes: notes(step),
                is_for_each: step.for_each.is_some(),
                is_conditional: step.when.is_some(),
            })
            .collect();
        nodes.sort_by_key(|node| node.level);
        Self { name: spec.name.clone(), nodes }
    }

    /// Draws it for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let rows: Vec<[String; 4]> = self.nodes.iter().map(Node::row).collect();
        let mut widths = [0; 3];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let [level, id, what] = widths;
        let mut text = format!("{}\n", self.name);
        for [number, name, does, notes] in &rows {
            let line = format!("{number:>level$}  {name:id$}  {does:what$}  {notes}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Draws it for Mermaid, which many pages show as a picture.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (place, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.kind {
                "approve" => ("{{", "}}"),
                _ if node.is_for_each => ("[[", "]]"),
                _ => ("[", "]"),
            };
            let label = format!("{}<br/>{} {}", node.id, node.kind, entities(&node.what));
            push(&mut text, &format!("    s{place}{open}\"{label}\"{close}"));
        }
        self.edges(|from, to, node| {
            let arrow = if node.is_conditional { "-.->" } else { "-->" };
            push(&mut text, &format!("    s{from} {arrow} s{to}"));
        });
        text
    }

    /// Draws it for Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n    rankdir=TB;\n", quoted(&self.name));
        for (place, node) in self.nodes.iter().enumerate() {
            let shape = match node.kind {
                "approve" => "hexagon",
                _ if node.is_for_each => "box3d",
                _ => "box",
            };
            let label = quoted(&format!("{}\n{} {}", node.id, node.kind, node.what));
            push(&mut text, &format!("    s{place} [shape={shape}, label={label}];"));
        }
        self.edges(|from, to, node| {
            let style = if node.is_conditional { " [style=dashed]" } else { "" };
            push(&mut text, &format!("    s{from} -> s{to}{style};"));
        });
        text.push_str("}\n");
        text
    }

    /// Describes it for programs.
    #[must_use]
    pub fn json(&self) -> Json {
        let steps = self.nodes.iter().map(|node| {
            json!({
                "id": node.id,
                "level": node.level,
                "kind": node.kind,
                "what": node.what,
                "needs": node.needs,
                "forEach": node.is_for_each,
                "conditional": node.is_conditional,
                "notes": node.notes,
            })
        });
        json!({ "name": self.name, "steps": steps.collect::<Vec<_>>() })
    }

    /// Shows every need: the place it comes from, the place of the step, the step.
    fn edges(&self, mut see: impl FnMut(usize, usize, &Node)) {
        let places: BTreeMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(place, node)| (node.id.as_str(), place)).collect();
        for (to, node) in self.nodes.iter().enumerate() {
            for need in &node.needs {
                if let Some(from) = places.get(need.as_str()) {
                    see(*from, to, node);
                }
            }
        }
    }
}

impl Node {
    /// Returns its cells in a table: level, name, what it does, what else is to be known.
    fn row(&self) -> [String; 4] {
        let after = (!self.needs.is_empty()).then(|| format!("after {}", self.needs.join(", ")));
        let notes: Vec<String> = after.into_iter().chain(self.notes.iter().cloned()).collect();
        let what = format!("{} {}", self.kind, self.what);
        [self.level.to_string(), self.id.clone(), what, notes.join("; ")]
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// Says what a step calls, asks or waits for.
fn what(kind: &StepKind) -> String {
    match kind {
        StepKind::Tool { call, .. } => call.tool.to_string(),
        StepKind::Agent { agent, .. } => agent.to_string(),
        StepKind::Model { model, .. } => model.clone(),
        StepKind::Approve { text, .. } => format!("\"{}\"", cut(&text.to_string())),
        StepKind::Wait(Wait::Time { ms }) => time(*ms),
        StepKind::Wait(Wait::Until(until)) => cut(&until.to_string()),
        StepKind::Wait(Wait::Signal { name }) => name.clone(),
        StepKind::Workflow { file, .. } => file.clone(),
        StepKind::Set { value } => cut(&value.to_string()),
    }
}

fn notes(step: &Step) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(when) = &step.when {
        notes.push(format!("when {}", cut(&when.to_string())));
    }
    if let Some(for_each) = &step.for_each {
        let items = cut(&for_each.to_string());
        notes.push(format!("for each of {items}, {} at once", step.max_parallel));
    }
    if step.retry != Retry::NONE {
        let Retry { max, backoff_ms } = step.retry;
        notes.push(format!("tried again {max} times after {}", time(backoff_ms)));
    }
    if let Some(ms) = step.timeout_ms {
        notes.push(format!("at most {}", time(ms)));
    }
    match step.on_error {
        OnError::Fail => {}
        OnError::Continue => notes.push("goes on if it fails".to_owned()),
        OnError::Skip => notes.push("skips what needs it if it fails".to_owned()),
    }
    match &step.kind {
        StepKind::Tool { happened: Some(mend), .. } => {
            notes.push(format!("{} knows whether it happened", mend.tool));
        }
        StepKind::Tool { undo: Some(mend), .. } => notes.push(format!("undone by {}", mend.tool)),
        StepKind::Approve { expires_in_ms, .. } => {
            notes.push(format!("refused after {}", time(*expires_in_ms)));
        }
        _ => {}
    }
    notes
}

/// Shows a number of milliseconds with the largest unit that divides it.
fn time(ms: u64) -> String {
    ax_manifest::Span(std::time::Duration::from_millis(ms)).to_string()
}

/// Cuts a text to one line.
fn cut(text: &str) -> String {
    let line: String =
        text.chars().take(SHOWN_CHARS_MAX).map(|c| if c == '\n' { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() { format!("{line}…") } else { line }
}

/// Writes a text so that Mermaid takes none of it for its own.
fn entities(text: &str) -> String {
    let entity = |c: char| match c {
        '"' | '#' | '<' | '>' | '&' | '{' | '}' | '[' | ']' | ';' | '`' | '\\' => {
            format!("#{};", u32::from(c))
        }
        other if ax_manifest::is_hidden(other) => "#65533;".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(entity).collect()
}

/// Writes a text in the quotes of Graphviz.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            other if ax_manifest::is_hidden(other) => quoted.push('\u{fffd}'),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
