//! Compares the members of an object and the items of a list with what a schema says of them.

use serde_json::{Map, Value};

use super::misfit::Place;
use super::{Comparison, Verdict, listed};

impl<'a> Comparison<'a> {
    /// Compares with `required`.
    pub(super) fn required(
        &mut self,
        names: &[Value],
        members: &Map<String, Value>,
        at: &Place<'_>,
    ) -> Verdict {
        self.all(names, |this, name| match name.as_str().filter(|name| this.read(name)) {
            Some(name) if !members.contains_key(name) => {
                this.misfit(&Place::Member(at, name), || "is missing".to_owned())
            }
            Some(_) => Verdict::Fits,
            None => Verdict::Unsure,
        })
    }

    /// Compares with `properties`.
    pub(super) fn known(
        &mut self,
        rule: &'a Value,
        members: &Map<String, Value>,
        at: &Place<'_>,
    ) -> Verdict {
        let Some(known) = rule.as_object() else { return Verdict::Unsure };
        self.all(members, |this, (name, member)| match known.get(name) {
            _ if !this.read(name) => Verdict::Unsure,
            Some(schema) => this.part_fits(schema, member, &Place::Member(at, name)),
            None => Verdict::Fits,
        })
    }

    /// Compares with `additionalProperties`.
    pub(super) fn unknown(
        &mut self,
        rule: &'a Value,
        rules: &Map<String, Value>,
        members: &Map<String, Value>,
        at: &Place<'_>,
    ) -> Verdict {
        let known = rules.get("properties").and_then(Value::as_object);
        // Names that a pattern knows cannot be told from those that are not known.
        let has_patterns = rules.contains_key("patternProperties");
        self.all(members, |this, (name, member)| {
            if !this.read(name) {
                return Verdict::Unsure;
            }
            match known.is_some_and(|known| known.contains_key(name)) {
                true => Verdict::Fits,
                false if has_patterns => Verdict::Unsure,
                false => this.part_fits(rule, member, &Place::Member(at, name)),
            }
        })
    }

    /// Compares with `prefixItems`.
    pub(super) fn first_items(
        &mut self,
        schemas: &'a [Value],
        items: &[Value],
        at: &Place<'_>,
    ) -> Verdict {
        self.all(schemas.iter().zip(items).enumerate(), |this, (index, (schema, item))| {
            this.part_fits(schema, item, &Place::Item(at, index))
        })
    }

    /// Compares with `items`.
    pub(super) fn other_items(
        &mut self,
        rule: &'a Value,
        rules: &Map<String, Value>,
        items: &[Value],
        at: &Place<'_>,
    ) -> Verdict {
        let first = rules.get("prefixItems").map_or(0, |rule| listed(rule).len());
        self.all(items.iter().enumerate().skip(first), |this, (index, item)| {
            this.part_fits(rule, item, &Place::Item(at, index))
        })
    }
}
