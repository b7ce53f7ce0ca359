//! Compares what a tool gives to programs with the output schema it declared: clients refuse an answer
//! that breaks it, and cannot say where. Says of an input everything that is wrong with it.
//!
//! Invariant: the work is bounded, whatever the schema and the value are. Only what is surely wrong is
//! refused: keywords that need regular expressions or other documents, those that are not known, and
//! what there were no steps left for, hold nothing against a value, and nothing for it where one schema
//! of several must not fit.
//! Not here: whether an input may be called with, which a plugin that describes its tools decides itself.

mod misfit;
mod number;
mod part;
mod reference;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use misfit::{Place, shown};

/// Steps of one comparison: a keyword, a value that is compared with another, or [`STEP_BYTES`] of a
/// text. So many take 15 to 50 ms, which nobody is charged for.
const STEPS_MAX: usize = 2_000_000;
/// Bytes that are read in about the time of another step.
const STEP_BYTES: usize = 64;
/// Schemas within schemas that one value is compared with; more is one that leads back to itself.
const SAME_VALUE_MAX: usize = 64;
/// Schemas within schemas altogether, for the stack: four for each level of a value's nesting.
const DEPTH_MAX: usize = 512;
/// Steps for telling one misfit, besides those for its place.
const TELLING_STEPS: usize = 32;

/// Compares an answer with its schema; says what does not fit first, and where.
pub(super) fn check(schema: &Value, answer: &Value) -> Result<(), String> {
    violations(schema, answer, 1).pop().map_or(Ok(()), Err)
}

/// Lists what does not fit in a value, and where, up to `most`; of a part that may be of several kinds
/// and is none, that alone.
pub(crate) fn violations(schema: &Value, value: &Value, most: usize) -> Vec<String> {
    let mut comparison = Comparison::new(schema, most);
    if most > 0 {
        comparison.fits(schema, value, &Place::Whole);
    }
    comparison.told
}

/// Whether a value fits. Of two verdicts that must both hold the greater one holds, of two of which one
/// suffices the lesser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Fits,
    Unsure,
    Misfits,
}

/// What is not known is not sure.
impl From<Option<bool>> for Verdict {
    fn from(fits: Option<bool>) -> Self {
        match fits {
            Some(true) => Self::Fits,
            Some(false) => Self::Misfits,
            None => Self::Unsure,
        }
    }
}

/// One comparison, and how much of it there may still be.
struct Comparison<'a> {
    root: &'a Value,
    steps_left: usize,
    depth: usize,
    /// Of the depth, the schemas since the last step into a value.
    same_value: usize,
    /// Whether references start from another document than the root.
    is_foreign: bool,
    /// Whether another schema may fit if this one does not, so that nobody is told.
    is_quiet: bool,
    most: usize,
    told: Vec<String>,
}

impl<'a> Comparison<'a> {
    fn new(root: &'a Value, most: usize) -> Self {
        Self {
            root,
            steps_left: STEPS_MAX,
            depth: 0,
            same_value: 0,
            is_foreign: false,
            is_quiet: false,
            most,
            told: Vec::new(),
        }
    }

    fn fits(&mut self, schema: &'a Value, value: &Value, at: &Place<'_>) -> Verdict {
        if !self.step(1) {
            return Verdict::Unsure;
        }
        let rules = match schema {
            Value::Object(rules) => rules,
            Value::Bool(true) => return Verdict::Fits,
            Value::Bool(false) => return self.misfit(at, || "is not known there".to_owned()),
            _ => return Verdict::Unsure,
        };
        if self.depth == DEPTH_MAX || self.same_value == SAME_VALUE_MAX {
            return Verdict::Unsure;
        }
        let was_foreign = self.is_foreign;
        self.is_foreign |= !std::ptr::eq(schema, self.root) && reference::is_document(schema);
        self.depth += 1;
        self.same_value += 1;
        let verdict = self.judge(rules, value, at);
        self.same_value -= 1;
        self.depth -= 1;
        self.is_foreign = was_foreign;
        verdict
    }

    /// As [`Comparison::fits`], of a value within the one that was compared last.
    fn part_fits(&mut self, schema: &'a Value, part: &Value, at: &Place<'_>) -> Verdict {
        let same_value = std::mem::take(&mut self.same_value);
        let verdict = self.fits(schema, part, at);
        self.same_value = same_value;
        verdict
    }

    /// As [`Comparison::fits`], of one schema of which nobody is told.
    fn fits_quietly(&mut self, schema: &'a Value, value: &Value, at: &Place<'_>) -> Verdict {
        let was_quiet = std::mem::replace(&mut self.is_quiet, true);
        let verdict = self.fits(schema, value, at);
        self.is_quiet = was_quiet;
        verdict
    }

    /// Compares with everything that a schema says; of a value of another type nothing else is told.
    fn judge(&mut self, rules: &'a Map<String, Value>, value: &Value, at: &Place<'_>) -> Verdict {
        let mut verdict =
            rules.get("type").map_or(Verdict::Fits, |rule| self.kind(rule, value, at));
        if verdict == Verdict::Misfits {
            return verdict;
        }
        for (keyword, rule) in rules {
            if !self.step(1) {
                return verdict.max(Verdict::Unsure);
            }
            verdict = verdict.max(self.keyword((keyword, rule), rules, value, at));
            if !self.goes_on(verdict) {
                break;
            }
        }
        verdict
    }

    /// Compares with one member of a schema.
    fn keyword(
        &mut self,
        (keyword, rule): (&str, &'a Value),
        rules: &'a Map<String, Value>,
        value: &Value,
        at: &Place<'_>,
    ) -> Verdict {
        match (keyword, value) {
            ("enum" | "required" | "prefixItems" | "allOf" | "anyOf" | "oneOf", _)
                if !rule.is_array() =>
            {
                Verdict::Unsure
            }
            ("enum", _) => self.choice(listed(rule), value, at),
            ("const", _) => self.choice(std::slice::from_ref(rule), value, at),
            ("minLength" | "maxLength", Value::String(text)) => match self.read(text) {
                true => self.count((keyword, rule), text.chars().count(), "characters", at),
                false => Verdict::Unsure,
            },
            ("minItems" | "maxItems", Value::Array(items)) => {
                self.count((keyword, rule), items.len(), "items", at)
            }
            ("minProperties" | "maxProperties", Value::Object(members)) => {
                self.count((keyword, rule), members.len(), "members", at)
            }
            (
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum",
                Value::Number(number),
            ) => self.bound((keyword, rule), number, at),
            ("required", Value::Object(members)) => self.required(listed(rule), members, at),
            ("properties", Value::Object(members)) => self.known(rule, members, at),
            ("additionalProperties", Value::Object(members)) => {
                self.unknown(rule, rules, members, at)
            }
            ("prefixItems", Value::Array(items)) => self.first_items(listed(rule), items, at),
            ("items", Value::Array(items)) => self.other_items(rule, rules, items, at),
            ("$ref", _) => self.reference(rule, value, at),
            ("allOf", _) => self.all_of(listed(rule), value, at),
            ("anyOf", _) => self.any_of(listed(rule), value, at),
            ("oneOf", _) => self.one_of(listed(rule), value, at),
            ("not", _) => match self.fits_quietly(rule, value, at) {
                Verdict::Fits => self.misfit(at, || "is what the schema says it is not".to_owned()),
                Verdict::Unsure => Verdict::Unsure,
                Verdict::Misfits => Verdict::Fits,
            },
            ("if", _) => {
                let branch = match self.fits_quietly(rule, value, at) {
                    Verdict::Fits => "then",
                    Verdict::Unsure => return Verdict::Unsure,
                    Verdict::Misfits => "else",
                };
                rules.get(branch).map_or(Verdict::Fits, |schema| self.fits(schema, value, at))
            }
            _ if allows_anything_else(keyword) => Verdict::Fits,
            _ => Verdict::Unsure,
        }
    }

    /// Compares with `type`.
    fn kind(&mut self, rule: &Value, value: &Value, at: &Place<'_>) -> Verdict {
        let kinds = match rule {
            Value::Array(kinds) => kinds.as_slice(),
            kind => std::slice::from_ref(kind),
        };
        if kinds.is_empty() || !self.step(kinds.len()) {
            return Verdict::Unsure;
        }
        let verdicts = kinds.iter().map(|kind| kind.as_str().and_then(|kind| is_a(kind, value)));
        match verdicts.map(Verdict::from).min() {
            Some(Verdict::Misfits) => self
                .misfit(at, || format!("expected {}, got {}", misfit::kinds(kinds), shown(value))),
            verdict => verdict.unwrap_or(Verdict::Unsure),
        }
    }

    /// Compares with `enum` or `const`.
    fn choice(&mut self, choices: &'a [Value], value: &Value, at: &Place<'_>) -> Verdict {
        // One part that differs is enough.
        let was_quiet = std::mem::replace(&mut self.is_quiet, true);
        let verdict = self.any(choices, |this, choice| this.same(choice, value));
        self.is_quiet = was_quiet;
        match verdict {
            Verdict::Misfits => self.misfit(at, || {
                format!("expected one of {}, got {}", misfit::choices(choices), shown(value))
            }),
            verdict => verdict,
        }
    }

    /// Compares two values as JSON Schema does.
    fn same(&mut self, one: &Value, other: &Value) -> Verdict {
        if !self.step(1) {
            return Verdict::Unsure;
        }
        match (one, other) {
            (Value::Number(one), Value::Number(other)) => {
                number::order(one, other).map(Ordering::is_eq).into()
            }
            (Value::String(one), Value::String(other)) if one.len() == other.len() => {
                Some(one).filter(|one| self.read(one)).map(|one| one == other).into()
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                self.all(one.iter().zip(other), |this, (one, other)| this.same(one, other))
            }
            (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
                self.all(one, |this, (name, one)| match other.get(name) {
                    _ if !this.read(name) => Verdict::Unsure,
                    Some(other) => this.same(one, other),
                    None => Verdict::Misfits,
                })
            }
            _ => Some(one == other).into(),
        }
    }

    /// Compares a number of things with the least or the most there may be.
    fn count(
        &mut self,
        (keyword, rule): (&str, &Value),
        found: usize,
        things: &str,
        at: &Place<'_>,
    ) -> Verdict {
        let Some(bound) = rule.as_u64() else { return Verdict::Unsure };
        let (holds, words) = match keyword.starts_with("min") {
            true => (found as u64 >= bound, "at least"),
            false => (found as u64 <= bound, "at most"),
        };
        if holds {
            return Verdict::Fits;
        }
        self.misfit(at, || format!("has {found} {things}, {words} {bound} are expected"))
    }

    /// Compares with a bound of a number.
    fn bound(
        &mut self,
        (keyword, rule): (&str, &Value),
        number: &Number,
        at: &Place<'_>,
    ) -> Verdict {
        let Value::Number(bound) = rule else { return Verdict::Unsure };
        let Some(order) = number::order(number, bound) else { return Verdict::Unsure };
        let (holds, words) = match keyword {
            "minimum" => (order.is_ge(), "at least"),
            "maximum" => (order.is_le(), "at most"),
            "exclusiveMinimum" => (order.is_gt(), "more than"),
            _ => (order.is_lt(), "less than"),
        };
        if holds {
            return Verdict::Fits;
        }
        self.misfit(at, || format!("expected {words} {bound}, got {number}"))
    }

    fn reference(&mut self, rule: &Value, value: &Value, at: &Place<'_>) -> Verdict {
        let Some(reference) = rule.as_str().filter(|_| !self.is_foreign) else {
            return Verdict::Unsure;
        };
        // Each of its parts, which may be a single byte, is looked up.
        if !self.step(2 * reference.len()) {
            return Verdict::Unsure;
        }
        match reference::target(self.root, reference) {
            Some(schema) => self.fits(schema, value, at),
            None => Verdict::Unsure,
        }
    }

    fn all_of(&mut self, schemas: &'a [Value], value: &Value, at: &Place<'_>) -> Verdict {
        self.all(schemas, |this, schema| this.fits(schema, value, at))
    }

    fn any_of(&mut self, schemas: &'a [Value], value: &Value, at: &Place<'_>) -> Verdict {
        match self.any(schemas, |this, schema| this.fits_quietly(schema, value, at)) {
            Verdict::Misfits => self.none_of(value, at),
            verdict => verdict,
        }
    }

    fn one_of(&mut self, schemas: &'a [Value], value: &Value, at: &Place<'_>) -> Verdict {
        let (mut fitting, mut unsure) = (0, usize::from(schemas.is_empty()));
        for schema in schemas {
            match self.fits_quietly(schema, value, at) {
                Verdict::Fits => fitting += 1,
                Verdict::Unsure => unsure += 1,
                Verdict::Misfits => {}
            }
            if fitting > 1 {
                return self.misfit(at, || "fits more than one kind of `oneOf`".to_owned());
            }
        }
        match (fitting, unsure) {
            (1, 0) => Verdict::Fits,
            (0, 0) => self.none_of(value, at),
            _ => Verdict::Unsure,
        }
    }

    fn none_of(&mut self, value: &Value, at: &Place<'_>) -> Verdict {
        self.misfit(at, || format!("expected one of the kinds it may be, got {}", shown(value)))
    }

    /// Compares all of several, as far as it matters.
    fn all<T>(
        &mut self,
        several: impl IntoIterator<Item = T>,
        mut fits: impl FnMut(&mut Self, T) -> Verdict,
    ) -> Verdict {
        let mut verdict = Verdict::Fits;
        for one in several {
            if !self.step(1) {
                return verdict.max(Verdict::Unsure);
            }
            verdict = verdict.max(fits(self, one));
            if !self.goes_on(verdict) {
                break;
            }
        }
        verdict
    }

    /// Compares with several of which one suffices; of none nothing is sure.
    fn any(
        &mut self,
        several: &'a [Value],
        mut fits: impl FnMut(&mut Self, &'a Value) -> Verdict,
    ) -> Verdict {
        if several.is_empty() {
            return Verdict::Unsure;
        }
        let mut verdict = Verdict::Misfits;
        for one in several {
            verdict = verdict.min(fits(self, one));
            if verdict == Verdict::Fits {
                break;
            }
        }
        verdict
    }

    /// Answers whether there is more to say about what has this verdict.
    fn goes_on(&self, verdict: Verdict) -> bool {
        verdict != Verdict::Misfits || !self.is_quiet && self.told.len() < self.most
    }

    /// Takes steps, if there are as many left.
    fn step(&mut self, steps: usize) -> bool {
        let left = self.steps_left.checked_sub(steps);
        self.steps_left = left.unwrap_or(0);
        left.is_some()
    }

    /// Takes the steps for reading a text, if there are as many left.
    fn read(&mut self, text: &str) -> bool {
        self.step(text.len() / STEP_BYTES)
    }

    fn misfit(&mut self, at: &Place<'_>, why: impl FnOnce() -> String) -> Verdict {
        let is_told = !self.is_quiet && self.told.len() < self.most;
        let steps = TELLING_STEPS + at.bytes() / 8;
        if is_told && (self.told.is_empty() || self.step(steps)) {
            let told = misfit::told(at, &why());
            // Schemas may say the same twice.
            if !self.told.contains(&told) {
                self.told.push(told);
            }
        }
        Verdict::Misfits
    }
}

/// Returns the items of what should be a list.
fn listed(rule: &Value) -> &[Value] {
    rule.as_array().map_or(&[], Vec::as_slice)
}

/// Answers whether a keyword that was not compared with holds nothing against a value: it was looked at
/// elsewhere, is about values of other types, or only describes.
fn allows_anything_else(keyword: &str) -> bool {
    matches!(
        keyword,
        "type"
            | "then"
            | "else"
            | "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems"
            | "minProperties"
            | "maxProperties"
            | "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
            | "required"
            | "properties"
            | "additionalProperties"
            | "prefixItems"
            | "items"
            | "$schema"
            | "$id"
            | "$anchor"
            | "$dynamicAnchor"
            | "$comment"
            | "$defs"
            | "definitions"
            | "title"
            | "description"
            | "default"
            | "examples"
            | "deprecated"
            | "readOnly"
            | "writeOnly"
    )
}

/// Answers whether a value is of a type, if that is sure.
fn is_a(kind: &str, value: &Value) -> Option<bool> {
    Some(match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => match value {
            Value::Number(number) => return number::is_whole(number),
            _ => false,
        },
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => return None,
    })
}
