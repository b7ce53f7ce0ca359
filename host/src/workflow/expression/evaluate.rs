//! What an expression comes to.

use std::borrow::Cow;
use std::cmp::Ordering;

use ax_manifest::Quoted;
use serde_json::{Number, Value};

use super::error::{EvaluationError, EvaluationFlaw};
use super::syntax::{Accessor, Expression, Function, Operator, Path, Root, Term};

/// The values that an expression can name.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// What the workflow was given.
    pub input: &'a Value,
    /// What a step gave, by its name: null if it was skipped or failed and that does not matter, none if
    /// it has not ended.
    pub steps: &'a dyn Fn(&str) -> Option<&'a Value>,
    /// What the step is done for, in a step with `for-each`.
    pub item: Option<&'a Value>,
    /// The place of that in its list, from 0.
    pub index: Option<usize>,
}

impl Expression {
    /// Evaluates it.
    ///
    /// # Errors
    ///
    /// [`EvaluationError`], if a value is not there or is none that can be used so.
    pub fn evaluate<'v, 'a: 'v>(
        &'v self,
        scope: &Scope<'a>,
    ) -> Result<Cow<'v, Value>, EvaluationError> {
        self.term().value(scope).map_err(|flaw| self.failed(flaw))
    }

    pub(super) fn failed(&self, flaw: EvaluationFlaw) -> EvaluationError {
        EvaluationError { text: format!("{{{{ {} }}}}", self.text()), flaw }
    }
}

impl Term {
    fn value<'v, 'a: 'v>(&'v self, scope: &Scope<'a>) -> Result<Cow<'v, Value>, EvaluationFlaw> {
        Ok(match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Path(path) => path.value(scope)?,
            Self::Compared(it) => {
                let (left, right) = (it.left.value(scope)?, it.right.value(scope)?);
                Cow::Owned(Value::Bool(holds(it.operator, &left, &right)?))
            }
            Self::And(terms) => Cow::Owned(Value::Bool(all(terms, true, scope)?)),
            Self::Or(terms) => Cow::Owned(Value::Bool(!all(terms, false, scope)?)),
            Self::Not(term) => Cow::Owned(Value::Bool(!term.truth(scope)?)),
            Self::Call(function, term) => Cow::Owned(function.of(term.value(scope)?.as_ref())?),
        })
    }

    fn truth(&self, scope: &Scope<'_>) -> Result<bool, EvaluationFlaw> {
        truth(self.value(scope)?.as_ref())
    }
}

/// Answers whether every term has this truth; looks at no more than it must.
fn all(terms: &[Term], wanted: bool, scope: &Scope<'_>) -> Result<bool, EvaluationFlaw> {
    for term in terms {
        if term.truth(scope)? != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes a value as a condition.
pub(super) fn truth(value: &Value) -> Result<bool, EvaluationFlaw> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::Null => Ok(false),
        other => Err(wrong_type("a condition", other, "true or false")),
    }
}

impl Path {
    fn value<'v, 'a: 'v>(&'v self, scope: &Scope<'a>) -> Result<Cow<'v, Value>, EvaluationFlaw> {
        let mut value = match &self.root {
            Root::Input => scope.input,
            Root::Step(step) => {
                let value = (scope.steps)(step);
                value.ok_or_else(|| EvaluationFlaw::Step { step: step.clone() })?
            }
            Root::Item => scope.item.ok_or(EvaluationFlaw::NoItem { word: "item" })?,
            Root::Index => {
                let index = scope.index.ok_or(EvaluationFlaw::NoItem { word: "index" })?;
                if self.accessors.is_empty() {
                    return Ok(Cow::Owned(Value::from(index)));
                }
                return Err(wrong_type("`index`", &Value::from(index), "an object or a list"));
            }
        };
        for (turns, accessor) in self.accessors.iter().enumerate() {
            value = match (value, accessor) {
                (Value::Null, _) => return Ok(Cow::Borrowed(&Value::Null)),
                (Value::Object(members), Accessor::Member(name)) => {
                    members.get(name).ok_or_else(|| {
                        let names = members.keys().map(String::as_str);
                        EvaluationFlaw::member(self.up_to(turns), name, names)
                    })?
                }
                (Value::Array(items), Accessor::Item(index)) => {
                    items.get(*index).ok_or_else(|| EvaluationFlaw::Item {
                        path: self.up_to(turns),
                        index: *index,
                        length: items.len(),
                    })?
                }
                (other, Accessor::Member(_)) => {
                    return Err(wrong_type(
                        &Quoted(&self.up_to(turns)).to_string(),
                        other,
                        "an object",
                    ));
                }
                (other, Accessor::Item(_)) => {
                    return Err(wrong_type(
                        &Quoted(&self.up_to(turns)).to_string(),
                        other,
                        "a list",
                    ));
                }
            };
        }
        Ok(Cow::Borrowed(value))
    }
}

impl Function {
    fn of(self, value: &Value) -> Result<Value, EvaluationFlaw> {
        match (self, value) {
            (Self::Length, Value::Null) => Ok(Value::from(0)),
            (Self::Length, Value::Array(items)) => Ok(Value::from(items.len())),
            (Self::Length, Value::Object(members)) => Ok(Value::from(members.len())),
            (Self::Length, Value::String(text)) => Ok(Value::from(text.chars().count())),
            (Self::Length, other) => {
                Err(wrong_type("what length(…) is given", other, "a list, an object or a text"))
            }
            (Self::Keys, Value::Null) => Ok(Value::Array(Vec::new())),
            (Self::Keys, Value::Object(members)) => {
                Ok(Value::Array(members.keys().map(|name| Value::from(name.as_str())).collect()))
            }
            (Self::Keys, other) => Err(wrong_type("what keys(…) is given", other, "an object")),
        }
    }
}

/// Compares two values. Null equals itself alone and has no place in an order.
fn holds(operator: Operator, left: &Value, right: &Value) -> Result<bool, EvaluationFlaw> {
    match operator {
        Operator::Equal => return Ok(are_equal(left, right)),
        Operator::Unequal => return Ok(!are_equal(left, right)),
        Operator::Less | Operator::AtMost | Operator::More | Operator::AtLeast => {}
    }
    let order = match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Ok(false),
        (Value::Number(left), Value::Number(right)) => order(left, right),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (left, right) => {
            return Err(EvaluationFlaw::Order { left: named(left), right: named(right) });
        }
    };
    Ok(order.is_some_and(|order| match operator {
        Operator::Less => order.is_lt(),
        Operator::AtMost => order.is_le(),
        Operator::More => order.is_gt(),
        Operator::AtLeast => order.is_ge(),
        Operator::Equal | Operator::Unequal => false,
    }))
}

/// Compares for equality. `1` and `1.0` are one number; inside of lists and objects they are as written.
fn are_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order(left, right) == Some(Ordering::Equal),
        (left, right) => left == right,
    }
}

fn order(left: &Number, right: &Number) -> Option<Ordering> {
    let whole =
        |number: &Number| number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn wrong_type(what: &str, found: &Value, wanted: &'static str) -> EvaluationFlaw {
    EvaluationFlaw::Type { what: what.to_owned(), found: named(found), wanted }
}

/// Names the type of a value, with its article.
pub(super) fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
