//! Compares what a tool gives to programs with the output schema it declared: clients refuse an answer
//! that breaks it, and cannot say where.
//!
//! Invariant: the work is bounded, whatever the schema and the answer are. Only what is surely wrong is
//! refused: keywords that need regular expressions or other documents, and those that are not known,
//! hold nothing against an answer.
//! Not here: whether an input fits, which a plugin that describes its tools checks itself.

use std::fmt;

use serde_json::{Map, Value};

use super::text;

/// Comparisons for one answer: eight for each item of a list of 1 MiB, which takes about 0.2 s.
const STEPS_MAX: usize = 4_000_000;
/// Schemas within schemas that are compared; more is a schema that leads back to itself.
const DEPTH_MAX: usize = 256;
/// Bytes of a place that are shown.
const PLACE_BYTES: usize = 256;
/// Characters of a text that are shown.
const SHOWN_CHARS: usize = 32;

/// Compares an answer with its schema; says what does not fit, and where.
pub(super) fn check(schema: &Value, answer: &Value) -> Result<(), String> {
    let mut comparison = Comparison { root: schema, steps_left: STEPS_MAX, depth: 0, quiet: false };
    comparison.fits(schema, answer, &Place::Whole).map_err(|misfit| match misfit {
        Misfit::Told(why) => why,
        Misfit::Untold => "it does not fit".to_owned(),
        Misfit::TooLong => format!("comparing them takes more than {STEPS_MAX} steps"),
        Misfit::TooDeep => format!("the schema goes more than {DEPTH_MAX} levels deep"),
    })
}

/// Where a value stands.
enum Place<'a> {
    Whole,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Member(Self::Whole, name) => f.write_str(name),
            Self::Member(above, name) => write!(f, "{above}.{name}"),
            Self::Item(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

/// Why a value does not fit.
enum Misfit {
    Told(String),
    /// One of several that were tried, of which nobody is told.
    Untold,
    TooLong,
    TooDeep,
}

impl Misfit {
    /// Answers whether another schema may fit.
    fn is_final(&self) -> bool {
        matches!(self, Self::TooLong | Self::TooDeep)
    }
}

/// One comparison, and how much of it there may still be.
struct Comparison<'a> {
    root: &'a Value,
    steps_left: usize,
    depth: usize,
    /// Whether another schema is tried if this one does not fit.
    quiet: bool,
}

impl<'a> Comparison<'a> {
    fn fits(&mut self, schema: &'a Value, value: &Value, at: &Place<'_>) -> Result<(), Misfit> {
        self.step(1)?;
        let rules = match schema {
            Value::Object(rules) => rules,
            Value::Bool(false) => return Err(self.misfit(at, || "is not known there".to_owned())),
            _ => return Ok(()),
        };
        if self.depth == DEPTH_MAX {
            return Err(Misfit::TooDeep);
        }
        self.depth += 1;
        let fits = self.judge(rules, value, at);
        self.depth -= 1;
        fits
    }

    fn judge(
        &mut self,
        rules: &'a Map<String, Value>,
        value: &Value,
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        self.kind(rules, value, at)?;
        self.choice(rules, value, at)?;
        match value {
            Value::Object(members) => self.members(rules, members, at)?,
            Value::Array(items) => self.items(rules, items, at)?,
            Value::String(text) if has(rules, ["minLength", "maxLength"]) => {
                let characters = text.chars().count();
                self.step(characters / 64)?;
                self.count(rules, ("minLength", "maxLength", "characters"), characters, at)?;
            }
            Value::Number(number) => self.bounds(rules, number.as_f64(), at)?,
            Value::String(_) | Value::Null | Value::Bool(_) => {}
        }
        self.others(rules, value, at)
    }

    /// Compares with `type`.
    fn kind(
        &mut self,
        rules: &Map<String, Value>,
        value: &Value,
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        let kinds: &[Value] = match rules.get("type") {
            Some(Value::Array(kinds)) => kinds,
            Some(kind) => std::slice::from_ref(kind),
            None => return Ok(()),
        };
        self.step(kinds.len())?;
        if kinds.iter().filter_map(Value::as_str).any(|kind| is_a(kind, value)) {
            return Ok(());
        }
        Err(self.misfit(at, || {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).map(called).collect();
            format!("expected {}, got {}", kinds.join(" or "), shown(value))
        }))
    }

    /// Compares with `enum` and `const`.
    fn choice(
        &mut self,
        rules: &Map<String, Value>,
        value: &Value,
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        let several = rules.get("enum").and_then(Value::as_array).map(Vec::as_slice);
        for choices in [several, rules.get("const").map(std::slice::from_ref)].into_iter().flatten()
        {
            self.step(choices.len())?;
            if !choices.iter().any(|choice| is_same(choice, value)) {
                return Err(self.misfit(at, || {
                    let choices: Vec<String> = choices.iter().map(shown).collect();
                    format!("expected one of {}, got {}", choices.join(", "), shown(value))
                }));
            }
        }
        Ok(())
    }

    fn members(
        &mut self,
        rules: &'a Map<String, Value>,
        members: &Map<String, Value>,
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        if let Some(Value::Array(required)) = rules.get("required") {
            self.step(required.len())?;
            let names = required.iter().filter_map(Value::as_str);
            if let Some(name) = names.into_iter().find(|name| !members.contains_key(*name)) {
                return Err(self.misfit(&Place::Member(at, name), || "is missing".to_owned()));
            }
        }
        self.count(rules, ("minProperties", "maxProperties", "members"), members.len(), at)?;
        let known = rules.get("properties").and_then(Value::as_object);
        // Names that a pattern knows cannot be told from those that are not known.
        let others =
            rules.get("additionalProperties").filter(|_| !has(rules, ["patternProperties"]));
        if known.is_none() && others.is_none() {
            return Ok(());
        }
        for (name, member) in members {
            if let Some(schema) = known.and_then(|known| known.get(name)).or(others) {
                self.fits(schema, member, &Place::Member(at, name))?;
            }
        }
        Ok(())
    }

    fn items(
        &mut self,
        rules: &'a Map<String, Value>,
        items: &[Value],
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        self.count(rules, ("minItems", "maxItems", "items"), items.len(), at)?;
        let first =
            rules.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let rest = rules.get("items");
        for (index, item) in items.iter().enumerate() {
            match first.get(index).or(rest) {
                Some(schema) => self.fits(schema, item, &Place::Item(at, index))?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Compares a number of things with the least and the most there may be.
    fn count(
        &self,
        rules: &Map<String, Value>,
        (least, most, things): (&str, &str, &str),
        found: usize,
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        let bound = |name: &str| rules.get(name).and_then(Value::as_u64);
        let found = found as u64;
        if let Some(least) = bound(least).filter(|least| found < *least) {
            return Err(
                self.misfit(at, || format!("has {found} {things}, at least {least} are expected"))
            );
        }
        if let Some(most) = bound(most).filter(|most| found > *most) {
            return Err(
                self.misfit(at, || format!("has {found} {things}, at most {most} are expected"))
            );
        }
        Ok(())
    }

    /// Compares with the bounds of a number.
    fn bounds(
        &self,
        rules: &Map<String, Value>,
        number: Option<f64>,
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        type Holds = fn(f64, f64) -> bool;
        let Some(number) = number else { return Ok(()) };
        let rows: [(&str, &str, Holds); 4] = [
            ("minimum", "at least", |number, bound| number >= bound),
            ("maximum", "at most", |number, bound| number <= bound),
            ("exclusiveMinimum", "more than", |number, bound| number > bound),
            ("exclusiveMaximum", "less than", |number, bound| number < bound),
        ];
        for (rule, words, holds) in rows {
            let Some(bound) = rules.get(rule).and_then(Value::as_f64) else { continue };
            if !holds(number, bound) {
                return Err(self.misfit(at, || format!("expected {words} {bound}, got {number}")));
            }
        }
        Ok(())
    }

    /// Compares with the schemas that a schema is made of.
    fn others(
        &mut self,
        rules: &'a Map<String, Value>,
        value: &Value,
        at: &Place<'_>,
    ) -> Result<(), Misfit> {
        let several = |name: &str| rules.get(name).and_then(Value::as_array);
        if let Some(Value::String(reference)) = rules.get("$ref") {
            self.step(reference.len() / 64)?;
            let here = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            if let Some(schema) = here {
                self.fits(schema, value, at)?;
            }
        }
        for schema in several("allOf").into_iter().flatten() {
            self.fits(schema, value, at)?;
        }
        if let Some(schemas) = several("anyOf")
            && self.fitting(schemas, value, at)? == 0
        {
            return Err(self.none_of(value, at));
        }
        if let Some(schemas) = several("oneOf") {
            match self.fitting(schemas, value, at)? {
                1 => {}
                0 => return Err(self.none_of(value, at)),
                _ => {
                    return Err(self.misfit(at, || "fits more than one kind of `oneOf`".to_owned()));
                }
            }
        }
        if let Some(schema) = rules.get("not")
            && self.fitting(std::slice::from_ref(schema), value, at)? > 0
        {
            return Err(self.misfit(at, || "is what the schema says it is not".to_owned()));
        }
        Ok(())
    }

    /// Counts the schemas that fit.
    fn fitting(
        &mut self,
        schemas: &'a [Value],
        value: &Value,
        at: &Place<'_>,
    ) -> Result<usize, Misfit> {
        let quiet = std::mem::replace(&mut self.quiet, true);
        let mut fitting = 0;
        for schema in schemas {
            match self.fits(schema, value, at) {
                Ok(()) => fitting += 1,
                Err(misfit) if misfit.is_final() => return Err(misfit),
                Err(_) => {}
            }
        }
        self.quiet = quiet;
        Ok(fitting)
    }

    fn none_of(&self, value: &Value, at: &Place<'_>) -> Misfit {
        self.misfit(at, || format!("expected one of the kinds it may be, got {}", shown(value)))
    }

    fn step(&mut self, steps: usize) -> Result<(), Misfit> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(Misfit::TooLong)?;
        Ok(())
    }

    fn misfit(&self, at: &Place<'_>, why: impl FnOnce() -> String) -> Misfit {
        if self.quiet {
            return Misfit::Untold;
        }
        let why = why();
        let is_expected = why.starts_with("expected ");
        Misfit::Told(match at {
            Place::Whole if is_expected => why,
            Place::Whole => format!("it {why}"),
            _ => {
                let place = text::line(&at.to_string(), PLACE_BYTES);
                format!("`{place}`{} {why}", if is_expected { ":" } else { "" })
            }
        })
    }
}

fn has<const N: usize>(rules: &Map<String, Value>, names: [&str; N]) -> bool {
    names.iter().any(|name| rules.contains_key(*name))
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => match value.as_f64() {
            Some(real) if value.is_f64() => real.fract() == 0.0,
            number => number.is_some(),
        },
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

/// Compares as JSON Schema does, for which 1 and 1.0 are one number.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() != other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        _ => one == other,
    }
}

fn called(kind: &str) -> &str {
    match kind {
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "text",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

/// Says what a value is, and which one, if it is short.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().nth(SHOWN_CHARS).is_some() => "text".to_owned(),
        Value::String(_) => text::line(&value.to_string(), PLACE_BYTES),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "town": { "type": "string", "minLength": 1, "maxLength": 3 },
                "items": { "type": "array", "items": { "$ref": "#/$defs/Item" }, "maxItems": 2 },
                "size": { "enum": ["s", 1] },
                "way": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/Item" }] },
                "one": { "oneOf": [{ "type": "integer" }, { "minimum": 5 }] },
                "never": { "not": { "const": 3 } },
                "pair": { "prefixItems": [{ "type": "string" }], "items": { "type": "boolean" } },
            },
            "required": ["town"],
            "additionalProperties": false,
            "$defs": { "Item": {
                "type": "object",
                "properties": { "price": { "type": ["number", "null"], "exclusiveMinimum": 0 } },
                "required": ["price"],
            } },
        })
    }

    #[test]
    fn what_fits_is_let_through() {
        for answer in [
            json!({ "town": "Ulm" }),
            json!({ "town": "ÄÖÜ", "items": [{ "price": 1.5, "more": 1 }, { "price": null }] }),
            json!({ "town": "a", "size": 1.0, "way": null, "one": 5.5, "never": 4 }),
            json!({ "town": "a", "way": { "price": 1 }, "one": 4.0, "pair": ["a", true, false] }),
        ] {
            assert_eq!(check(&schema(), &answer), Ok(()), "{answer}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let with = |name: &str, member: Value| {
            let mut answer = json!({ "town": "Ulm" });
            answer[name] = member;
            answer
        };
        for (answer, why) in [
            (json!([]), "expected an object, got a list"),
            (json!({}), "`town` is missing"),
            (with("town", json!("")), "`town` has 0 characters, at least 1 are expected"),
            (with("town", json!("abcd")), "`town` has 4 characters, at most 3 are expected"),
            (with("far", json!(1)), "`far` is not known there"),
            (with("items", json!([1])), "`items[0]`: expected an object, got 1"),
            (
                with("items", json!([{ "price": 1 }, { "price": "a\nb" }])),
                "`items[1].price`: expected a number or null, got \"a\\nb\"",
            ),
            (
                with("items", json!([{ "price": 0 }])),
                "`items[0].price`: expected more than 0, got 0",
            ),
            (with("items", json!([1, 2, 3])), "`items` has 3 items, at most 2 are expected"),
            (with("size", json!("m")), "`size`: expected one of \"s\", 1, got \"m\""),
            (with("way", json!({})), "`way`: expected one of the kinds it may be, got an object"),
            (with("one", json!(6)), "`one` fits more than one kind of `oneOf`"),
            (with("never", json!(3.0)), "`never` is what the schema says it is not"),
            (with("pair", json!(["a", 1])), "`pair[1]`: expected true or false, got 1"),
        ] {
            assert_eq!(check(&schema(), &answer).expect_err(why), why);
        }
    }

    #[test]
    fn a_schema_that_leads_back_to_itself_ends() {
        let own = json!({ "$ref": "#" });
        assert!(check(&own, &json!({})).expect_err("no end").contains("levels deep"));
        let twice = json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] });
        assert!(check(&twice, &json!({})).is_err());
        let many = json!({ "items": { "enum": (0..10_000).collect::<Vec<u32>>() } });
        let items = json!(vec![-1; 1]);
        assert!(check(&many, &items).is_err());
        let long = json!(vec![9_999; 500]);
        assert!(check(&many, &long).expect_err("too long").contains("steps"));
    }

    #[test]
    fn what_is_not_known_holds_nothing_against_an_answer() {
        for schema in [
            json!({ "$ref": "https://example.org/schema.json" }),
            json!({ "$ref": "#/$defs/none" }),
            json!({ "type": "thing", "pattern": "(", "format": "date", "unevaluatedItems": false }),
            json!({ "patternProperties": { "^a": {} }, "additionalProperties": false }),
            json!(true),
        ] {
            assert_eq!(check(&schema, &json!({ "a": 1 })), Ok(()), "{schema}");
        }
    }
}
