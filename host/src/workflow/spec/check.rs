//! Whether a workflow file fits what there is.
//!
//! Invariant: a file is checked as far as it can be read, whatever else is wrong with it, so that all
//! mistakes are told at once.

use std::collections::BTreeSet;

use ax_manifest::EffectClass;
use serde_json::Value;

use super::error::{SpecFlaw, Wrong, in_text};
use super::shape::{Kinds, Shape};
use super::types::Types;
use super::{
    Draft, Known, KnownFile, KnownTool, MISTAKES_MAX, OnError, Spec, SpecError, Step, StepKind,
    ToolCall, read,
};
use crate::workflow::expression::{Form, Scope, Template};

/// What came of looking at a file.
#[derive(Debug)]
pub struct Checked {
    /// The spec, if its text is right in itself.
    pub spec: Option<Spec>,
    /// All that is wrong with it, in the order of the text, at most [`super::MISTAKES_MAX`].
    pub mistakes: Vec<SpecError>,
}

/// Reads a workflow file and compares it with what there is.
#[must_use]
pub fn check(text: &str, known: &Known) -> Checked {
    let (draft, mut wrongs) = read(text);
    let is_right = wrongs.is_empty();
    if let Some(draft) = &draft {
        let types = Types::of(draft, known);
        let mut checker = Checker { known, types, wrongs: Vec::new() };
        checker.spec(draft);
        wrongs.append(&mut checker.wrongs);
    }
    let spec = draft.filter(|_| is_right).map(|draft| draft.spec);
    Checked { spec, mistakes: in_text(wrongs, text) }
}

struct Checker<'c> {
    known: &'c Known,
    types: Types,
    wrongs: Vec<Wrong>,
}

impl Checker<'_> {
    fn note(&mut self, at: usize, flaw: SpecFlaw) {
        self.wrongs.push(Wrong { at, offset: None, flaw });
    }

    fn spec(&mut self, draft: &Draft) {
        for (place, step) in draft.spec.steps.iter().enumerate() {
            if let Some(when) = &step.when {
                self.expressions(when, None);
                self.can_be(when, None, "when", Kinds::TRUTH.or(Kinds::NULL));
            }
            if let Some(for_each) = &step.for_each {
                self.expressions(for_each, None);
                self.can_be(for_each, None, "for-each", Kinds::LIST.or(Kinds::NULL));
            }
            if !draft.unread.contains(&place) {
                self.kind(step, place);
            }
        }
        if let Some(output) = &draft.spec.output {
            self.expressions(output, None);
        }
        self.unreachable(&draft.spec);
        self.permissions(&draft.spec);
    }

    fn kind(&mut self, step: &Step, place: usize) {
        for template in step.kind.templates() {
            self.expressions(template, Some(place));
        }
        match &step.kind {
            StepKind::Tool { call, happened, undo } => {
                self.call(call, place);
                happened.iter().chain(undo).for_each(|mend| self.call(mend, place));
                self.mends(call, happened.as_ref(), undo.as_ref());
            }
            StepKind::Agent { agent, with, .. } => {
                let Some(agents) = &self.known.agents else { return };
                let name = agent.to_string();
                match agents.get(&name) {
                    None => {
                        let names = agents.keys().map(String::as_str);
                        let flaw = SpecFlaw::unknown("agent", &name, names, "ax agent list");
                        self.note(step.kind_at, flaw);
                    }
                    Some(agent) => {
                        let input = agent.input.as_ref().map(Shape::of);
                        self.fits(with, &input.unwrap_or_default(), &name, place);
                    }
                }
            }
            StepKind::Model { model, .. } => {
                let Some(models) = &self.known.models else { return };
                if !models.contains(model) {
                    let names = models.iter().map(String::as_str);
                    let flaw = SpecFlaw::unknown("model", model, names, "ax model list");
                    self.note(step.kind_at, flaw);
                }
            }
            StepKind::Workflow { file, with } => self.file(file, with, step.kind_at, place),
            StepKind::Approve { .. } | StepKind::Wait(_) | StepKind::Set { .. } => {}
        }
    }

    fn file(&mut self, file: &str, with: &Template, at: usize, place: usize) {
        match self.known.files.get(file) {
            None => {}
            Some(KnownFile::Missing) => {
                let list = "the way begins in the folder of this file";
                self.note(at, SpecFlaw::unknown("file", file, [], list));
            }
            Some(KnownFile::Unusable { why }) => {
                let flaw = SpecFlaw::Unusable { file: file.to_owned(), why: why.clone() };
                self.note(at, flaw);
            }
            Some(KnownFile::Circle { files }) => {
                self.note(at, SpecFlaw::Files { files: files.clone() });
            }
            Some(KnownFile::Usable { input }) => {
                let input = input.as_ref().map(Shape::of);
                self.fits(with, &input.unwrap_or_default(), file, place);
            }
        }
    }

    fn tool(&self, call: &ToolCall) -> Option<&KnownTool> {
        self.known.tools.as_ref()?.get(&call.tool.to_string())
    }

    fn call(&mut self, call: &ToolCall, place: usize) {
        let name = call.tool.to_string();
        match (&self.known.tools, self.tool(call)) {
            (Some(tools), None) => {
                let names = tools.keys().map(String::as_str);
                self.note(call.at, SpecFlaw::unknown("tool", &name, names, "ax tool list"));
            }
            (_, Some(tool)) => self.fits(&call.with, &Shape::of(&tool.input), &name, place),
            (None, None) => {}
        }
    }

    /// Looks at how the effect of a call is found out about or undone.
    fn mends(&mut self, call: &ToolCall, happened: Option<&ToolCall>, undo: Option<&ToolCall>) {
        let instead = self.tool(call).and_then(|tool| match tool.class {
            EffectClass::Pure => Some("called again, since it changes nothing"),
            EffectClass::Keyed => Some("called again with the same key, which has one effect"),
            EffectClass::Readable | EffectClass::Compensable | EffectClass::Unsafe => None,
        });
        for (key, mend) in [("happened", happened), ("undo", undo)] {
            if let (Some(mend), Some(instead)) = (mend, instead) {
                let tool = call.tool.to_string();
                self.note(mend.at, SpecFlaw::NeedlessMend { key, tool, instead });
            }
        }
        if let Some(question) = happened
            && self.tool(question).is_some_and(|tool| tool.class != EffectClass::Pure)
        {
            let tool = question.tool.to_string();
            self.note(question.at, SpecFlaw::ImpureQuestion { tool });
        }
    }

    /// Looks at what every expression names and compares.
    fn expressions(&mut self, template: &Template, place: Option<usize>) {
        let mut wrongs = Vec::new();
        template.each_expression(&mut |value_at, at, expression| {
            if self.wrongs.len() + wrongs.len() >= MISTAKES_MAX {
                return;
            }
            self.types.judge(expression.term(), place, &mut |offset, flaw| {
                wrongs.push(Wrong { at: value_at, offset: Some(at + offset), flaw });
            });
        });
        self.wrongs.append(&mut wrongs);
    }

    fn can_be(&mut self, template: &Template, place: Option<usize>, key: &str, wanted: Kinds) {
        let found = self.types.of_template(template, place).kinds;
        if !found.can_be(wanted) {
            let (what, found) = (shown(template, key), found.words());
            let wanted = wanted.and(Kinds::ANY_BUT_NULL).words();
            self.note(template.at, SpecFlaw::Mismatch { what, found, wanted });
        }
    }

    /// Compares what is given with what is taken.
    fn fits(&mut self, given: &Template, taken: &Shape, what: &str, place: usize) {
        match &given.form {
            Form::Value(value) => {
                let mut flaws = Vec::new();
                taken.judge(what, value, &mut |flaw| flaws.push(flaw));
                flaws.into_iter().for_each(|flaw| self.note(given.at, flaw));
            }
            Form::Unread => {}
            Form::Whole(_) | Form::Text(_) => {
                let found = self.types.of_template(given, Some(place)).kinds;
                if !found.can_be(taken.kinds) {
                    let (what, found) = (shown(given, what), found.words());
                    let wanted = taken.kinds.words();
                    self.note(given.at, SpecFlaw::Mismatch { what, found, wanted });
                }
            }
            Form::List(items) => {
                if !taken.kinds.has(Kinds::LIST) {
                    return self.wrong_kind(given, Kinds::LIST, taken, what);
                }
                let item_shape = taken.item();
                for (index, item) in items.iter().enumerate() {
                    self.fits(item, &item_shape, &format!("{what}[{index}]"), place);
                }
            }
            Form::Table(members) => {
                if !taken.kinds.has(Kinds::OBJECT) {
                    return self.wrong_kind(given, Kinds::OBJECT, taken, what);
                }
                let names = members.iter().map(|(name, _)| name.as_str());
                let mut flaws = Vec::new();
                taken.judge_names(what, names, &mut |at, flaw| flaws.push((at, flaw)));
                for (at, flaw) in flaws {
                    let at = at.and_then(|at| members.get(at)).map_or(given.at, |(_, it)| it.at);
                    self.note(at, flaw);
                }
                for (name, member) in members {
                    if let Some(shape) = taken.member(name) {
                        self.fits(member, shape, &format!("{what}.{name}"), place);
                    }
                }
            }
        }
    }

    fn wrong_kind(&mut self, given: &Template, kinds: Kinds, taken: &Shape, what: &str) {
        let (what, found, wanted) = (what.to_owned(), kinds.words(), taken.kinds.words());
        self.note(given.at, SpecFlaw::Mismatch { what, found, wanted });
    }

    /// Finds steps that are never done. What needs such a step is done all the same, and is given null.
    fn unreachable(&mut self, spec: &Spec) {
        for step in &spec.steps {
            if let Some(when) = step.when.as_ref().filter(|when| is_false(when)) {
                self.note(when.at, SpecFlaw::Unreachable { step: step.id.clone() });
            }
        }
    }

    /// Finds permissions that the plugins of its tools ask for and do not hold, each once.
    fn permissions(&mut self, spec: &Spec) {
        let mut seen = BTreeSet::new();
        for call in spec.calls() {
            if !seen.insert(call.tool.plugin.clone()) {
                continue;
            }
            let missing = self.tool(call).map(|tool| tool.not_granted.clone()).unwrap_or_default();
            for permission in missing {
                let (plugin, permission) = (call.tool.plugin.clone(), Box::new(permission));
                self.note(call.at, SpecFlaw::NotGranted { plugin, permission });
            }
        }
    }
}

/// Answers whether a condition is false whatever happens.
fn is_false(when: &Template) -> bool {
    let is_settled = when.references().is_empty();
    let scope = Scope { input: &Value::Null, steps: &|_| None, item: None, index: None };
    is_settled && when.holds(&scope) == Ok(false)
}

/// Shows an expression as it is written, and anything else by the way to it.
fn shown(template: &Template, what: &str) -> String {
    let mut text = None;
    if let Form::Whole(_) = template.form {
        template.each_expression(&mut |_, _, expression| {
            text = Some(format!("{{{{ {} }}}}", expression.text()));
        });
    }
    text.unwrap_or_else(|| what.to_owned())
}

/// Answers whether what a step gives may be null though its kind says otherwise.
pub(super) fn may_be_null(step: &Step) -> bool {
    let is_always_done =
        step.when.as_ref().is_none_or(|when| when.literal() == Some(&Value::Bool(true)));
    !is_always_done || step.on_error != OnError::Fail
}
