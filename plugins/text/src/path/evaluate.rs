//! Goes through a document as a query says.
//!
//! Segment after segment is followed from one node before the next node is looked at; that gives
//! the order of the RFC without ever holding a list of nodes. Recursion goes down the document,
//! whose nesting is bounded, once for each filter around.

use std::borrow::Cow;

use serde_json::Value;

use super::compare;
use super::function::Patterns;
use super::query::Call;
use super::query::Comparison;
use super::query::Logic;
use super::query::Operand;
use super::query::Query;
use super::query::Segment;
use super::query::Selector;
use crate::refusal::Refusal;

/// Steps of one evaluation: nodes visited, values compared, bytes matched. `$..*` of a document of
/// 1 MiB takes a tenth.
pub(super) const STEPS_MAX: u64 = 5_000_000;
/// Steps between two questions whether to go on: a few milliseconds.
const STEPS_PER_QUESTION: u64 = 100_000;
/// Bytes that are compared in one step.
const BYTES_PER_STEP: usize = 32;

/// Why an evaluation ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// Who asked has enough.
    Enough,
    /// Something is wrong.
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// One step from the root toward a node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

/// The steps that are left.
pub(super) struct Budget<'w> {
    left: u64,
    until_question: u64,
    go_on: &'w mut dyn FnMut() -> bool,
}

impl Budget<'_> {
    /// Takes steps.
    pub(super) fn charge(&mut self, steps: u64) -> Result<(), Stop> {
        self.left = self.left.checked_sub(steps).ok_or(Refusal::Steps { max: STEPS_MAX })?;
        if steps < self.until_question {
            self.until_question -= steps;
            return Ok(());
        }
        self.until_question = STEPS_PER_QUESTION;
        if (self.go_on)() { Ok(()) } else { Err(Refusal::Cancelled.into()) }
    }

    /// Takes the steps for comparing that many bytes.
    pub(super) fn charge_bytes(&mut self, bytes: usize) -> Result<(), Stop> {
        self.charge((bytes / BYTES_PER_STEP) as u64)
    }
}

/// What is told of each node; returns whether to go on.
type Visit<'v, 'a> = &'v mut dyn FnMut(&'a Value, &[Step<'a>]) -> Result<bool, Refusal>;

struct Evaluation<'a, 'w> {
    root: &'a Value,
    budget: Budget<'w>,
    patterns: Patterns,
}

/// Tells `visit` of each node that the query selects, until it returns false.
///
/// # Errors
///
/// Those of `visit`, [`Refusal::Steps`], [`Refusal::Cancelled`].
pub(super) fn evaluate<'a>(
    query: &'a Query,
    root: &'a Value,
    go_on: &mut dyn FnMut() -> bool,
    visit: Visit<'_, 'a>,
) -> Result<(), Refusal> {
    let budget = Budget { left: STEPS_MAX, until_question: STEPS_PER_QUESTION, go_on };
    let mut evaluation = Evaluation { root, budget, patterns: Patterns::default() };
    match evaluation.follow(&query.segments, root, &mut Vec::new(), visit) {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Refused(refusal)) => Err(refusal),
    }
}

impl<'a> Evaluation<'a, '_> {
    fn follow(
        &mut self,
        segments: &'a [Segment],
        node: &'a Value,
        trail: &mut Vec<Step<'a>>,
        visit: Visit<'_, 'a>,
    ) -> Result<(), Stop> {
        self.budget.charge(1)?;
        let Some((segment, rest)) = segments.split_first() else {
            return if visit(node, trail)? { Ok(()) } else { Err(Stop::Enough) };
        };
        for selector in &segment.selectors {
            self.select(selector, rest, node, trail, visit)?;
        }
        if segment.descendant {
            self.each_child(node, trail, &mut |evaluation, child, trail| {
                evaluation.follow(segments, child, trail, visit)
            })?;
        }
        Ok(())
    }

    fn select(
        &mut self,
        selector: &'a Selector,
        rest: &'a [Segment],
        node: &'a Value,
        trail: &mut Vec<Step<'a>>,
        visit: Visit<'_, 'a>,
    ) -> Result<(), Stop> {
        self.budget.charge(1)?;
        match selector {
            Selector::Name(name) => {
                let Some(child) = node.get(name) else { return Ok(()) };
                trail.push(Step::Name(name));
                self.follow(rest, child, trail, visit)?;
                trail.pop();
            }
            Selector::Index(index) => {
                let Some((index, child)) = item(node, *index) else { return Ok(()) };
                trail.push(Step::Index(index));
                self.follow(rest, child, trail, visit)?;
                trail.pop();
            }
            Selector::Slice { start, end, step } => {
                let Value::Array(items) = node else { return Ok(()) };
                for index in slice(items.len(), *start, *end, *step) {
                    trail.push(Step::Index(index));
                    self.follow(rest, &items[index], trail, visit)?;
                    trail.pop();
                }
            }
            Selector::Wildcard => {
                self.each_child(node, trail, &mut |evaluation, child, trail| {
                    evaluation.follow(rest, child, trail, visit)
                })?;
            }
            Selector::Filter(logic) => {
                self.each_child(node, trail, &mut |evaluation, child, trail| {
                    if evaluation.holds(logic, child)? {
                        evaluation.follow(rest, child, trail, visit)?;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    #[expect(clippy::type_complexity, reason = "a closure that recurses says what it needs")]
    fn each_child(
        &mut self,
        node: &'a Value,
        trail: &mut Vec<Step<'a>>,
        then: &mut dyn FnMut(&mut Self, &'a Value, &mut Vec<Step<'a>>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match node {
            Value::Array(items) => {
                for (index, child) in items.iter().enumerate() {
                    trail.push(Step::Index(index));
                    then(self, child, trail)?;
                    trail.pop();
                }
            }
            Value::Object(members) => {
                for (name, child) in members {
                    trail.push(Step::Name(name));
                    then(self, child, trail)?;
                    trail.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(())
    }

    fn holds(&mut self, logic: &'a Logic, node: &'a Value) -> Result<bool, Stop> {
        self.budget.charge(1)?;
        match logic {
            Logic::Or(parts) => {
                for part in parts {
                    if self.holds(part, node)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Logic::And(parts) => {
                for part in parts {
                    if !self.holds(part, node)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Logic::Not(part) => Ok(!self.holds(part, node)?),
            Logic::Exists(query) => Ok(self.nodes(query, node, 1)?.0 > 0),
            Logic::Matches(call) => {
                Ok(self.call(call, node)?.is_some_and(|value| *value == Value::Bool(true)))
            }
            Logic::Compare { left, comparison, right } => {
                let (left, right) = (self.operand(left, node)?, self.operand(right, node)?);
                self.compare(left.as_deref(), *comparison, right.as_deref())
            }
        }
    }

    fn compare(
        &mut self,
        left: Option<&Value>,
        comparison: Comparison,
        right: Option<&Value>,
    ) -> Result<bool, Stop> {
        let budget = &mut self.budget;
        let (Some(left), Some(right)) = (left, right) else {
            let both = left.is_none() && right.is_none();
            return Ok(match comparison {
                Comparison::Equal | Comparison::LessOrEqual | Comparison::GreaterOrEqual => both,
                Comparison::NotEqual => !both,
                Comparison::Less | Comparison::Greater => false,
            });
        };
        match comparison {
            Comparison::Equal => compare::equal(left, right, budget),
            Comparison::NotEqual => Ok(!compare::equal(left, right, budget)?),
            Comparison::Less => compare::less(left, right, budget),
            Comparison::Greater => compare::less(right, left, budget),
            Comparison::LessOrEqual => {
                Ok(compare::less(left, right, budget)? || compare::equal(left, right, budget)?)
            }
            Comparison::GreaterOrEqual => {
                Ok(compare::less(right, left, budget)? || compare::equal(left, right, budget)?)
            }
        }
    }

    fn operand(
        &mut self,
        operand: &'a Operand,
        node: &'a Value,
    ) -> Result<Option<Cow<'a, Value>>, Stop> {
        match operand {
            Operand::Literal(value) => Ok(Some(Cow::Borrowed(value))),
            Operand::Query(query) => Ok(self.nodes(query, node, 1)?.1.map(Cow::Borrowed)),
            Operand::Call(call) => self.call(call, node),
        }
    }

    fn call(&mut self, call: &'a Call, node: &'a Value) -> Result<Option<Cow<'a, Value>>, Stop> {
        let value = match call {
            Call::Length(operand) => match self.operand(operand, node)?.as_deref() {
                Some(Value::String(text)) => {
                    self.budget.charge_bytes(text.len())?;
                    Value::from(text.chars().count())
                }
                Some(Value::Array(items)) => Value::from(items.len()),
                Some(Value::Object(members)) => Value::from(members.len()),
                _ => return Ok(None),
            },
            Call::Count(query) => Value::from(self.nodes(query, node, u64::MAX)?.0),
            Call::Value(query) => {
                let (count, first) = self.nodes(query, node, 2)?;
                return Ok(first.filter(|_| count == 1).map(Cow::Borrowed));
            }
            Call::Match { whole, text, pattern } => {
                let (text, pattern) = (self.operand(text, node)?, self.operand(pattern, node)?);
                let texts = (text.as_deref(), pattern.as_deref());
                let (Some(Value::String(text)), Some(Value::String(pattern))) = texts else {
                    return Ok(Some(Cow::Owned(Value::Bool(false))));
                };
                let found = self.patterns.is_match(text, pattern, *whole, &mut self.budget)?;
                Value::Bool(found)
            }
        };
        Ok(Some(Cow::Owned(value)))
    }

    /// Counts the nodes of a query within a filter, up to `enough`, and gives the first.
    fn nodes(
        &mut self,
        query: &'a Query,
        node: &'a Value,
        enough: u64,
    ) -> Result<(u64, Option<&'a Value>), Stop> {
        let from = if query.absolute { self.root } else { node };
        let (mut count, mut first) = (0, None);
        let mut visit = |node: &'a Value, _: &[Step<'a>]| {
            count += 1;
            first.get_or_insert(node);
            Ok(count < enough)
        };
        match self.follow(&query.segments, from, &mut Vec::new(), &mut visit) {
            Ok(()) | Err(Stop::Enough) => Ok((count, first)),
            Err(refused) => Err(refused),
        }
    }
}

/// Finds an item, counted from the end when negative.
fn item(node: &Value, index: i64) -> Option<(usize, &Value)> {
    let Value::Array(items) = node else { return None };
    let index = if index < 0 { i64::try_from(items.len()).ok()? + index } else { index };
    let index = usize::try_from(index).ok()?;
    items.get(index).map(|item| (index, item))
}

/// Lists the indices of a slice (RFC 9535, section 2.3.4.2.2).
fn slice(
    length: usize,
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let normal = |index: i64| if index < 0 { length + index } else { index };
    let (from, to) = if step >= 0 {
        let bound = |index: i64| normal(index).clamp(0, length);
        (bound(start.unwrap_or(0)), bound(end.unwrap_or(length)))
    } else {
        let bound = |index: i64| normal(index).clamp(-1, length - 1);
        (start.map_or(length - 1, bound), end.map_or(-1, bound))
    };
    let goes = move |index: &i64| match step {
        0 => false,
        1.. => *index < to,
        _ => *index > to,
    };
    let next = move |index: &i64| index.checked_add(step);
    std::iter::successors(Some(from), next)
        .take_while(goes)
        .map(|index| usize::try_from(index).expect("a slice stays within its list"))
}
