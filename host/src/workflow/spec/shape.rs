//! What can be told of a value before it is there: a JSON Schema, with all left out that is not looked at.
//!
//! Invariant: a shape takes every value that its schema takes, so whatever does not fit the shape does not
//! fit the schema. It may take more: `$ref`, `allOf`, patterns and bounds are not looked at.

use std::borrow::Cow;

use ax_manifest::{Quoted, nearest};
use serde_json::Value;

use super::error::SpecFlaw;
use crate::workflow::expression::{Accessor, Path, Root};

/// Schemas inside each other that are looked at; a value deeper than this is taken as it is.
const DEPTH_MAX: usize = 24;

/// Members that an error lists.
const LISTED_MAX: usize = 8;

/// Types of JSON, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const NULL: Self = Self(1);
    pub(super) const TRUTH: Self = Self(2);
    const WHOLE: Self = Self(4);
    const FRACTION: Self = Self(8);
    pub(super) const NUMBER: Self = Self(4 | 8);
    pub(super) const TEXT: Self = Self(16);
    pub(super) const LIST: Self = Self(32);
    pub(super) const OBJECT: Self = Self(64);
    pub(super) const ANY: Self = Self(127);
    pub(super) const ANY_BUT_NULL: Self = Self(126);

    /// The words for each, as people read them.
    const WORDS: [(Self, &'static str); 8] = [
        (Self::NUMBER, "a number"),
        (Self::WHOLE, "a whole number"),
        (Self::FRACTION, "a number with a fraction"),
        (Self::TEXT, "a text"),
        (Self::TRUTH, "true or false"),
        (Self::LIST, "a list"),
        (Self::OBJECT, "an object"),
        (Self::NULL, "null"),
    ];

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.and(other) != Self::NONE
    }

    /// Answers whether a value of one of these can be one of those. Null is what a skipped step gives, so
    /// it says nothing against a value that may be more.
    pub(super) fn can_be(self, wanted: Self) -> bool {
        self.and(wanted).has(Self::ANY_BUT_NULL) || self == Self::NULL && wanted.has(Self::NULL)
    }

    /// Names them.
    pub(super) fn words(self) -> String {
        let (mut left, mut words) = (self, Vec::new());
        for (kinds, word) in Self::WORDS {
            if left.and(kinds) == kinds {
                words.push(word);
                left = Self(left.0 & !kinds.0);
            }
        }
        words.join(" or ")
    }

    fn named(name: &str) -> Self {
        match name {
            "null" => Self::NULL,
            "boolean" => Self::TRUTH,
            "integer" => Self::WHOLE,
            "number" => Self::NUMBER,
            "string" => Self::TEXT,
            "array" => Self::LIST,
            "object" => Self::OBJECT,
            _ => Self::ANY,
        }
    }

    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::TRUTH,
            // A number without a fraction is whole to a schema, however it is written.
            Value::Number(number) if number.as_f64().is_some_and(|it| it.fract() != 0.0) => {
                Self::FRACTION
            }
            Value::Number(_) => Self::WHOLE,
            Value::String(_) => Self::TEXT,
            Value::Array(_) => Self::LIST,
            Value::Object(_) => Self::OBJECT,
        }
    }
}

/// What can be told of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) kinds: Kinds,
    members: Option<Members>,
    items: Option<Box<Shape>>,
    choices: Vec<Value>,
}

/// Members of an object.
#[derive(Debug, Clone, PartialEq)]
struct Members {
    known: Vec<(String, Shape)>,
    required: Vec<String>,
    others: Others,
}

/// What is said of members that are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// There are none.
    None,
    /// Nothing.
    Unsaid,
    /// There may be some.
    Some,
}

impl Shape {
    /// Nothing is known.
    pub(super) const ANY: Self = Self::kinds(Kinds::ANY);

    /// Only the types are known.
    pub(super) const fn kinds(kinds: Kinds) -> Self {
        Self { kinds, members: None, items: None, choices: Vec::new() }
    }

    /// A list of values.
    pub(super) fn list(of: Self) -> Self {
        Self { items: Some(Box::new(of)), ..Self::kinds(Kinds::LIST) }
    }

    /// An object of exactly these members.
    pub(super) fn object(known: Vec<(String, Self)>) -> Self {
        let members = Members { known, required: Vec::new(), others: Others::None };
        Self { members: Some(members), ..Self::kinds(Kinds::OBJECT) }
    }

    /// The same, or null.
    pub(super) fn or_null(mut self) -> Self {
        self.kinds = self.kinds.or(Kinds::NULL);
        self
    }

    /// Reads a schema.
    pub(super) fn of(schema: &Value) -> Self {
        Self::read(schema, DEPTH_MAX)
    }

    /// Describes a value that is there.
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Array(items) => match items.first().map(Self::of_value) {
                Some(first) if items.iter().all(|item| Kinds::of(item) == first.kinds) => {
                    Self::list(Self::kinds(first.kinds))
                }
                _ => Self::kinds(Kinds::LIST),
            },
            other => Self::kinds(Kinds::of(other)),
        }
    }

    fn read(schema: &Value, depth_left: usize) -> Self {
        let (Some(depth_left), Value::Object(keys)) = (depth_left.checked_sub(1), schema) else {
            return Self::ANY;
        };
        let mut shape = Self::ANY;
        shape.kinds = match keys.get("type") {
            Some(Value::String(name)) => Kinds::named(name),
            Some(Value::Array(names)) => names
                .iter()
                .map(|name| name.as_str().map_or(Kinds::ANY, Kinds::named))
                .fold(Kinds::NONE, Kinds::or),
            _ => Kinds::ANY,
        };
        if let Some(choices) = keys.get("enum").and_then(Value::as_array) {
            shape.choices.clone_from(choices);
        }
        shape.choices.extend(keys.get("const").cloned());
        if !shape.choices.is_empty() {
            let kinds = shape.choices.iter().map(Kinds::of).fold(Kinds::NONE, Kinds::or);
            shape.kinds = shape.kinds.and(kinds);
        }
        shape.members = Members::read(keys, depth_left);
        shape.items = keys.get("items").map(|items| Box::new(Self::read(items, depth_left)));
        for word in ["anyOf", "oneOf"] {
            if let Some(Value::Array(cases)) = keys.get(word) {
                shape.narrow(cases.iter().map(|case| Self::read(case, depth_left)).collect());
            }
        }
        shape
    }

    /// Takes away what none of the cases allows.
    fn narrow(&mut self, mut cases: Vec<Self>) {
        let kinds = cases.iter().map(|case| case.kinds).fold(Kinds::NONE, Kinds::or);
        self.kinds = self.kinds.and(kinds);
        // Of which case an object or a list is, is known only if there is one.
        let mut alone = |kind: Kinds| {
            let mut of_kind = cases.iter_mut().filter(|case| case.kinds.has(kind));
            of_kind.next().filter(|_| of_kind.next().is_none()).map(std::mem::take)
        };
        if self.members.is_none() {
            self.members = alone(Kinds::OBJECT).and_then(|case| case.members);
        }
        if self.items.is_none() {
            self.items = alone(Kinds::LIST).and_then(|case| case.items);
        }
    }

    /// Returns the shape of its items.
    pub(super) fn item(&self) -> Self {
        self.items.as_deref().cloned().unwrap_or(Self::ANY)
    }

    /// Follows a path from here; says what is wrong with it.
    pub(super) fn at(&self, path: &Path) -> Result<Cow<'_, Self>, SpecFlaw> {
        let mut shape = self;
        for (turns, accessor) in path.accessors.iter().enumerate() {
            let wanted = match accessor {
                Accessor::Member(_) => Kinds::OBJECT,
                Accessor::Item(_) => Kinds::LIST,
            };
            if !shape.kinds.can_be(wanted) && shape.kinds != Kinds::NULL {
                let (what, found) = (path.up_to(turns), shape.kinds.words());
                return Err(SpecFlaw::Mismatch { what, found, wanted: wanted.words() });
            }
            let next = match accessor {
                Accessor::Item(_) => shape.items.as_deref(),
                Accessor::Member(name) => {
                    let is_own = path.root == Root::Input;
                    match &shape.members {
                        Some(members) => members.named(name, is_own, || path.up_to(turns))?,
                        None => None,
                    }
                }
            };
            match next {
                Some(next) => shape = next,
                None => return Ok(Cow::Owned(Self::ANY)),
            }
        }
        Ok(Cow::Borrowed(shape))
    }

    /// Lists what speaks against a value.
    pub(super) fn refusals(&self, what: &str, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        self.judge(what, value, &mut |flaw| found.push(flaw.to_string()));
        found
    }

    /// Tells what speaks against a value.
    pub(super) fn judge(&self, what: &str, value: &Value, note: &mut dyn FnMut(SpecFlaw)) {
        let kinds = Kinds::of(value);
        if !self.kinds.has(kinds) {
            let what = what.to_owned();
            let (found, wanted) = (kinds.words(), self.kinds.words());
            return note(SpecFlaw::Mismatch { what, found, wanted });
        }
        if !self.choices.is_empty() && !self.choices.contains(value) {
            return note(self.no_choice(what, value));
        }
        match value {
            Value::Array(items) => {
                let Some(shape) = &self.items else { return };
                for (index, item) in items.iter().enumerate() {
                    shape.judge(&format!("{what}[{index}]"), item, note);
                }
            }
            Value::Object(members) => {
                self.judge_names(what, members.keys().map(String::as_str), &mut |_, flaw| {
                    note(flaw);
                });
                for (name, member) in members {
                    if let Some(shape) = self.member(name) {
                        shape.judge(&format!("{what}.{name}"), member, note);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn no_choice(&self, what: &str, value: &Value) -> SpecFlaw {
        let shown = |value: &Value| Quoted(&value.to_string()).to_string();
        let choices = self.choices.iter().take(LISTED_MAX).map(shown);
        let wanted = format!("one of {}", choices.collect::<Vec<_>>().join(", "));
        let found = shown(value);
        SpecFlaw::Mismatch { what: what.to_owned(), found, wanted }
    }

    /// Tells which names of members are unknown or missing; the unknown with their place among `names`.
    pub(super) fn judge_names<'n>(
        &self,
        what: &str,
        names: impl Iterator<Item = &'n str> + Clone,
        note: &mut dyn FnMut(Option<usize>, SpecFlaw),
    ) {
        let Some(members) = &self.members else { return };
        for (place, name) in names.clone().enumerate() {
            if members.others == Others::None && self.member(name).is_none() {
                let known = || members.known.iter().map(|(name, _)| name.as_str());
                let flaw = SpecFlaw::Stray {
                    whose: what.to_owned(),
                    name: name.to_owned(),
                    nearest: nearest(name, known()).map(str::to_owned),
                    members: known().take(LISTED_MAX).map(str::to_owned).collect(),
                };
                note(Some(place), flaw);
            }
        }
        for name in &members.required {
            if !names.clone().any(|given| given == name) {
                let flaw = SpecFlaw::Lacking { whose: what.to_owned(), name: name.clone() };
                note(None, flaw);
            }
        }
    }

    /// Returns the shape of a member, if one is known.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let known = &self.members.as_ref()?.known;
        known.iter().find(|(known, _)| known == name).map(|(_, shape)| shape)
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self::ANY
    }
}

impl Members {
    fn read(keys: &serde_json::Map<String, Value>, depth_left: usize) -> Option<Self> {
        let properties = keys.get("properties").and_then(Value::as_object);
        let required = keys.get("required").and_then(Value::as_array);
        let others = match keys.get("additionalProperties") {
            _ if keys.contains_key("patternProperties") => Others::Some,
            Some(Value::Bool(false)) => Others::None,
            Some(_) => Others::Some,
            None => Others::Unsaid,
        };
        if properties.is_none() && required.is_none() && others != Others::None {
            return None;
        }
        let known = properties.into_iter().flatten();
        let known = known.map(|(name, schema)| (name.clone(), Shape::read(schema, depth_left)));
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            known: known.collect(),
            required: required.map(str::to_owned).collect(),
            others,
        })
    }

    /// Returns the shape of a member, none if nothing is known of it. Of what somebody describes in the
    /// same file (`is_own`) a member that is not described is a slip.
    fn named(
        &self,
        name: &str,
        is_own: bool,
        path: impl Fn() -> String,
    ) -> Result<Option<&Shape>, SpecFlaw> {
        if let Some((_, shape)) = self.known.iter().find(|(known, _)| known == name) {
            return Ok(Some(shape));
        }
        match self.others {
            Others::Some => return Ok(None),
            Others::Unsaid if !is_own || self.known.is_empty() => return Ok(None),
            Others::None | Others::Unsaid => {}
        }
        let known = || self.known.iter().map(|(name, _)| name.as_str());
        Err(SpecFlaw::UnknownMember {
            path: path(),
            name: name.to_owned(),
            nearest: nearest(name, known()).map(str::to_owned),
            members: known().take(LISTED_MAX).map(str::to_owned).collect(),
        })
    }
}
