//! What can be told of the values that expressions name and come to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::check::may_be_null;
use super::error::SpecFlaw;
use super::order;
use super::shape::{Kinds, Shape};
use super::{Draft, Known, Step, StepKind, Wait};
use crate::workflow::expression::{Form, Function, Operator, Part, Path, Root, Template, Term};

/// What is known of the values of one file.
#[derive(Debug)]
pub(super) struct Types {
    input: Shape,
    /// What each step gives, by its name.
    steps: BTreeMap<String, Shape>,
    /// What each step is done for, by its place.
    items: BTreeMap<usize, Shape>,
}

impl Types {
    pub(super) fn of(draft: &Draft, known: &Known) -> Self {
        let steps = &draft.spec.steps;
        let needs: Vec<&[usize]> = steps.iter().map(|step| step.needs.as_slice()).collect();
        let mut types = Self {
            input: draft.spec.input.as_ref().map(Shape::of).unwrap_or_default(),
            steps: BTreeMap::new(),
            items: BTreeMap::new(),
        };
        // Those of circles are left out, and what they give is taken to be anything.
        for place in order::sequence(&needs) {
            let step = &steps[place];
            if let Some(for_each) = &step.for_each {
                let item = types.of_template(for_each, None).item();
                types.items.insert(place, item);
            }
            let given = match draft.unread.contains(&place) {
                true => Shape::ANY,
                false => types.of_step(step, place, known),
            };
            let given = if step.for_each.is_some() { Shape::list(given) } else { given };
            let given = if may_be_null(step) { given.or_null() } else { given };
            types.steps.insert(step.id.clone(), given);
        }
        types
    }

    fn of_step(&self, step: &Step, place: usize, known: &Known) -> Shape {
        let of = |schema: Option<&serde_json::Value>| schema.map(Shape::of).unwrap_or_default();
        match &step.kind {
            StepKind::Tool { call, .. } => {
                let tool = known.tools.as_ref().and_then(|it| it.get(&call.tool.to_string()));
                of(tool.and_then(|tool| tool.output.as_ref()))
            }
            StepKind::Agent { agent, .. } => {
                let agent = known.agents.as_ref().and_then(|it| it.get(&agent.to_string()));
                of(agent.and_then(|agent| agent.output.as_ref()))
            }
            StepKind::Model { schema: None, .. } => Shape::kinds(Kinds::TEXT),
            StepKind::Model { schema, .. } => of(schema.as_ref()),
            StepKind::Approve { .. } => Shape::kinds(Kinds::TRUTH),
            StepKind::Wait(Wait::Time { .. } | Wait::Until(_)) => Shape::kinds(Kinds::NULL),
            StepKind::Wait(Wait::Signal { .. }) | StepKind::Workflow { .. } => Shape::ANY,
            StepKind::Set { value } => self.of_template(value, Some(place)),
        }
    }

    /// Tells what a template comes to in the step at `place`.
    pub(super) fn of_template(&self, template: &Template, place: Option<usize>) -> Shape {
        match &template.form {
            Form::Value(value) => Shape::of_value(value),
            Form::Whole(Part::Expression { expression, .. }) => {
                self.of_term(expression.term(), place).into_owned()
            }
            Form::Whole(Part::Text(_)) | Form::Text(_) => Shape::kinds(Kinds::TEXT),
            Form::Unread => Shape::ANY,
            Form::List(_) => Shape::kinds(Kinds::LIST),
            Form::Table(members) => Shape::object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), self.of_template(member, place)))
                    .collect(),
            ),
        }
    }

    fn of_path(&self, path: &Path, place: Option<usize>) -> Result<Cow<'_, Shape>, SpecFlaw> {
        let root = match &path.root {
            Root::Input => Some(&self.input),
            Root::Step(name) => self.steps.get(name),
            Root::Item => place.and_then(|place| self.items.get(&place)),
            Root::Index => return Ok(Cow::Owned(Shape::kinds(Kinds::NUMBER))),
        };
        match root {
            Some(root) => root.at(path),
            None => Ok(Cow::Owned(Shape::ANY)),
        }
    }

    fn of_term(&self, term: &Term, place: Option<usize>) -> Cow<'_, Shape> {
        match term {
            Term::Literal(value) => Cow::Owned(Shape::of_value(value)),
            Term::Path(path) => self.of_path(path, place).unwrap_or(Cow::Owned(Shape::ANY)),
            Term::Compared(_) | Term::And(_) | Term::Or(_) | Term::Not(_) => {
                Cow::Owned(Shape::kinds(Kinds::TRUTH))
            }
            Term::Call(Function::Length, _) => Cow::Owned(Shape::kinds(Kinds::NUMBER)),
            Term::Call(Function::Keys, _) => Cow::Owned(Shape::list(Shape::kinds(Kinds::TEXT))),
        }
    }

    /// Tells what is wrong with a term, with the byte offset in its expression.
    pub(super) fn judge(
        &self,
        term: &Term,
        place: Option<usize>,
        note: &mut dyn FnMut(usize, SpecFlaw),
    ) {
        let truth = (Kinds::TRUTH.or(Kinds::NULL), Kinds::TRUTH);
        match term {
            Term::Literal(_) => {}
            Term::Path(path) => {
                if let Err(flaw) = self.of_path(path, place) {
                    note(path.at, flaw);
                }
            }
            Term::Compared(it) => {
                self.judge(&it.left, place, note);
                self.judge(&it.right, place, note);
                let is_order = !matches!(it.operator, Operator::Equal | Operator::Unequal);
                let (left, right) =
                    (self.of_term(&it.left, place).kinds, self.of_term(&it.right, place).kinds);
                let both = |kind: Kinds| left.has(kind) && right.has(kind);
                let is_null = left == Kinds::NULL || right == Kinds::NULL;
                if is_order && !is_null && !both(Kinds::NUMBER) && !both(Kinds::TEXT) {
                    let found = format!("{} beside {}", left.words(), right.words());
                    let what = place_of(&it.left)
                        .map_or("the comparison".to_owned(), |path| path.up_to(usize::MAX));
                    let wanted = "a pair of numbers or of texts".to_owned();
                    let at = place_of(&it.left).or(place_of(&it.right)).map_or(0, |path| path.at);
                    note(at, SpecFlaw::Mismatch { what, found, wanted });
                }
            }
            Term::And(terms) | Term::Or(terms) => {
                for term in terms {
                    self.judge(term, place, note);
                    self.wanted(term, place, truth, note);
                }
            }
            Term::Not(term) => {
                self.judge(term, place, note);
                self.wanted(term, place, truth, note);
            }
            Term::Call(function, term) => {
                self.judge(term, place, note);
                let kinds = match function {
                    Function::Length => Kinds::LIST.or(Kinds::OBJECT).or(Kinds::TEXT),
                    Function::Keys => Kinds::OBJECT,
                };
                self.wanted(term, place, (kinds.or(Kinds::NULL), kinds), note);
            }
        }
    }

    /// Tells if a term cannot be one of the first kinds; the second are shown.
    fn wanted(
        &self,
        term: &Term,
        place: Option<usize>,
        (wanted, shown): (Kinds, Kinds),
        note: &mut dyn FnMut(usize, SpecFlaw),
    ) {
        let found = self.of_term(term, place).kinds;
        if found.has(wanted) {
            return;
        }
        let path = place_of(term);
        let what = path.map_or("a part of it".to_owned(), |path| path.up_to(usize::MAX));
        let (found, wanted) = (found.words(), shown.words());
        note(path.map_or(0, |path| path.at), SpecFlaw::Mismatch { what, found, wanted });
    }
}

/// Returns the path that a term is.
fn place_of(term: &Term) -> Option<&Path> {
    match term {
        Term::Path(path) => Some(path),
        _ => None,
    }
}
