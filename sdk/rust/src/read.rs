//! Reads a JSON value into a type as JSON Schema judges it: an object is no list of its members, and 3.0
//! is a whole number.
//!
//! Invariant: what does not fit is told with its place, as `items[3].id`. Kinds that are tried one after
//! the other (`untagged`) are told as one, at the place of them all.

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer as _,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value};

use crate::misfit::{Misfit, Place, shown};

/// -2^63: whole numbers from this one up to [`WHOLE_END`] fit a type of 64 bits.
const WHOLE_START: f64 = -9_223_372_036_854_775_808.0;
/// 2^64.
const WHOLE_END: f64 = 18_446_744_073_709_551_616.0;

/// Reads a value of this name; of an input, which has none, the places are its members'.
pub(crate) fn read<T: DeserializeOwned>(value: Value, name: &str) -> Result<T, Misfit> {
    T::deserialize(Reader { value, place: &Place::Start(name) })
}

/// A value that is to be read.
struct Reader<'a> {
    value: Value,
    place: &'a Place<'a>,
}

impl<'a> Reader<'a> {
    fn misfit<T>(self, wanted: &str) -> Result<T, Misfit> {
        Err(Misfit::expected(wanted, &shown(&self.value)).at(self.place))
    }

    fn whole<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Number(number) = &self.value else { return self.misfit("a whole number") };
        match number.as_f64().filter(|_| number.is_f64()) {
            Some(real) if real.fract() != 0.0 => self.misfit("a whole number"),
            Some(real) if !(WHOLE_START..WHOLE_END).contains(&real) => {
                self.misfit("a whole number of at most 64 bits")
            }
            _ => visit_number(number, visitor).map_err(|misfit| misfit.at(self.place)),
        }
    }

    fn real<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value.as_f64() {
            Some(real) => visitor.visit_f64(real).map_err(|misfit: Misfit| misfit.at(self.place)),
            None => self.misfit("a number"),
        }
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Array(items) = self.value else { return self.misfit("a list") };
        let whole = items.len();
        let mut items = Items { left: items.into_iter(), next: 0, place: self.place };
        let read = visitor.visit_seq(&mut items).and_then(|read| match items.left.len() {
            0 => Ok(read),
            _ => Err(Misfit::expected(
                &format!("a list of {} items", items.next),
                &format!("{whole} items"),
            )),
        });
        read.map_err(|misfit| misfit.at(self.place))
    }

    fn object<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let Value::Object(members) = self.value else { return self.misfit("an object") };
        let members = Members { left: members.into_iter(), value: None, place: self.place };
        visitor.visit_map(members).map_err(|misfit| misfit.at(self.place))
    }
}

/// Hands over a number: as a whole one if it is one of at most 64 bits, since what is kept until its kind
/// is known (`flatten`, `tag`, `untagged`) is not read as another one then.
fn visit_number<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Misfit> {
    match (number.as_u64(), number.as_i64(), number.as_f64().unwrap_or(f64::NAN)) {
        (Some(whole), _, _) => visitor.visit_u64(whole),
        (None, Some(whole), _) => visitor.visit_i64(whole),
        (None, None, real) if real.fract() != 0.0 => visitor.visit_f64(real),
        (None, None, real) if (0.0..WHOLE_END).contains(&real) => visitor.visit_u64(real as u64),
        (None, None, real) if (WHOLE_START..0.0).contains(&real) => visitor.visit_i64(real as i64),
        (None, None, real) => visitor.visit_f64(real),
    }
}

/// Writes methods that all read the same.
macro_rules! read_as {
    ($read:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.$read(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let place = self.place;
        let read = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::String(text) => visitor.visit_string(text),
            Value::Number(number) => visit_number(&number, visitor),
            Value::Array(_) => return self.list(visitor),
            Value::Object(_) => return self.object(visitor),
        };
        read.map_err(|misfit: Misfit| misfit.at(place))
    }

    read_as!(whole: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);
    read_as!(real: deserialize_f32 deserialize_f64);
    read_as!(list: deserialize_seq);
    read_as!(object: deserialize_map);

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Bool(_) => self.deserialize_any(visitor),
            _ => self.misfit("true or false"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::String(_) => self.deserialize_any(visitor),
            _ => self.misfit("text"),
        }
    }

    read_as!(deserialize_string: deserialize_str deserialize_char deserialize_identifier);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            _ => self.misfit("null"),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let place = self.place;
        visitor.visit_newtype_struct(self).map_err(|misfit| misfit.at(place))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _items: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _items: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.list(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.object(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let variant = match self.value {
            Value::String(name) => Variant { name, value: None, place: self.place },
            Value::Object(members) if members.len() == 1 => variant_of(members, self.place)?,
            _ => return self.misfit("a text, or an object of one member"),
        };
        visitor.visit_enum(variant).map_err(|misfit| misfit.at(self.place))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any!(bytes byte_buf);
}

/// The items of a list that are still to be read.
struct Items<'a> {
    left: std::vec::IntoIter<Value>,
    next: usize,
    place: &'a Place<'a>,
}

impl<'de> SeqAccess<'de> for &mut Items<'_> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Misfit> {
        let Some(value) = self.left.next() else { return Ok(None) };
        let place = Place::Item(self.place, self.next);
        self.next += 1;
        seed.deserialize(Reader { value, place: &place }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// The members of an object that are still to be read.
struct Members<'a> {
    left: serde_json::map::IntoIter,
    /// The one whose name was read last.
    value: Option<(String, Value)>,
    place: &'a Place<'a>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Misfit;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Misfit> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        let read = seed.deserialize(Name(name.clone()));
        let read = read.map_err(|misfit| misfit.at_name(self.place, &name))?;
        self.value = Some((name, value));
        Ok(Some(read))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let Some((name, value)) = self.value.take() else {
            return Err(Misfit::custom("its value was read before its name"));
        };
        seed.deserialize(Reader { value, place: &Place::Member(self.place, &name) })
    }
}

/// The name of a member; of one that is a number, in digits, and of a truth value, `true` or `false`.
struct Name(String);

impl Name {
    fn whole<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match (self.0.parse::<u64>(), self.0.parse::<i64>()) {
            (Ok(whole), _) => visitor.visit_u64(whole),
            (Err(_), Ok(whole)) => visitor.visit_i64(whole),
            (Err(_), Err(_)) => Err(Misfit::expected("a whole number as its name", "another")),
        }
    }
}

impl<'de> Deserializer<'de> for Name {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_string(self.0)
    }

    read_as!(whole: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128);

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.parse::<bool>() {
            Ok(truth) => visitor.visit_bool(truth),
            Err(_) => Err(Misfit::expected("true or false as its name", "another")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let text: StringDeserializer<Misfit> = self.0.into_deserializer();
        visitor.visit_enum(text)
    }

    forward_to_deserialize_any!(f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any);
}

/// A variant: its name, and what it holds.
struct Variant<'a> {
    name: String,
    value: Option<Value>,
    place: &'a Place<'a>,
}

fn variant_of<'a>(
    members: Map<String, Value>,
    place: &'a Place<'a>,
) -> Result<Variant<'a>, Misfit> {
    let Some((name, value)) = members.into_iter().next() else {
        return Err(Misfit::custom("it has no member").at(place));
    };
    Ok(Variant { name, value: Some(value), place })
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Misfit> {
        let text: StringDeserializer<Misfit> = self.name.clone().into_deserializer();
        let read = seed.deserialize(text).map_err(|misfit| misfit.at(self.place))?;
        Ok((read, self))
    }
}

impl Variant<'_> {
    /// Reads what it holds; one that should hold something and does not holds null.
    fn held<T>(self, read: impl FnOnce(Reader<'_>) -> Result<T, Misfit>) -> Result<T, Misfit> {
        let place = Place::Member(self.place, &self.name);
        read(Reader { value: self.value.unwrap_or_default(), place: &place })
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        self.held(|reader| match reader.value {
            Value::Null => Ok(()),
            _ => reader.misfit("null"),
        })
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Misfit> {
        self.held(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _items: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.held(|reader| reader.list(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _members: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.held(|reader| reader.object(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        items: Vec<Item>,
        note: Option<String>,
        #[serde(default)]
        by_day: BTreeMap<u8, bool>,
        #[serde(default)]
        at: Option<(f64, f32)>,
        #[serde(default)]
        way: Option<Way>,
        #[serde(default)]
        rest: Value,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Item {
        price: f64,
        #[serde(default)]
        count: u8,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Way {
        Post,
        Line(u32),
        Street { name: String },
    }

    fn refused(value: Value) -> (String, String) {
        let misfit = read::<Order>(value, "").expect_err("it is refused");
        (misfit.place().to_owned(), misfit.to_string())
    }

    fn fits<T: DeserializeOwned + PartialEq + Debug>(value: Value, wanted: T) {
        assert_eq!(read::<T>(value, "").expect("it fits"), wanted);
    }

    #[test]
    fn what_fits_is_read() {
        fits(json!({ "price": 1, "count": 3.0 }), Item { price: 1.0, count: 3 });
        fits(
            json!(["post", { "line": 2 }, { "post": null }]),
            vec![Way::Post, Way::Line(2), Way::Post],
        );
        fits(json!({ "street": { "name": "a" } }), Way::Street { name: "a".to_owned() });
        fits(json!(-3.0), -3_i64);
        fits(json!(18_446_744_073_709_551_615_u64), u64::MAX);
        fits(json!({ "7": [null, "x"] }), BTreeMap::from([(7_i16, (None::<u8>, 'x'))]));
        let order = json!({ "items": [], "rest": { "a": [1, -1, 0.5, null, true, "x"] } });
        let read: Order = read(order.clone(), "").expect("it fits");
        assert_eq!((read.rest, read.note), (order["rest"].clone(), None));
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        for (value, place, message) in [
            (json!([[], null]), "", "the input: expected an object, got a list"),
            (json!({}), "items", "`items` is missing"),
            (json!({ "items": {} }), "items", "`items`: expected a list, got an object"),
            (
                json!({ "items": [[1, 2]] }),
                "items[0]",
                "`items[0]`: expected an object, got a list",
            ),
            (
                json!({ "items": [{ "price": 1 }, { "price": "1" }] }),
                "items[1].price",
                "`items[1].price`: expected a number, got \"1\"",
            ),
            (json!({ "items": [{}] }), "items[0].price", "`items[0].price` is missing"),
            (
                json!({ "items": [{ "price": 1, "count": 256 }] }),
                "items[0].count",
                "`items[0].count`: expected a whole number from 0 to 255, got 256",
            ),
            (
                json!({ "items": [{ "price": 1, "count": 1.5 }] }),
                "items[0].count",
                "`items[0].count`: expected a whole number, got 1.5",
            ),
            (json!({ "items": [], "note": 5 }), "note", "`note`: expected text, got 5"),
            (
                json!({ "items": [], "dais": 5 }),
                "dais",
                "`dais` is not known here; known are `items`, `note`, `by_day`, `at`, `way`, `rest`",
            ),
            (
                json!({ "items": [], "by_day": { "x": true } }),
                "by_day.x",
                "`by_day.x`: expected a whole number as its name, got another",
            ),
            (
                json!({ "items": [], "at": [1, 2, 3] }),
                "at",
                "`at`: expected a list of 2 items, got 3 items",
            ),
            (
                json!({ "items": [], "at": [1] }),
                "at",
                "`at`: expected a list of 2 items, got 1 items",
            ),
            (
                json!({ "items": [], "way": "sea" }),
                "way",
                "`way`: expected one of \"post\", \"line\", \"street\", got \"sea\"",
            ),
            (
                json!({ "items": [], "way": { "street": ["a"] } }),
                "way.street",
                "`way.street`: expected an object, got a list",
            ),
            (
                json!({ "items": [], "way": { "street": {} } }),
                "way.street.name",
                "`way.street.name` is missing",
            ),
        ] {
            assert_eq!(refused(value), (place.to_owned(), message.to_owned()));
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Page {
        #[serde(flatten)]
        range: Range,
        #[serde(flatten)]
        order: By,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Range {
        first: u8,
        last: i64,
        share: f64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "by", rename_all = "kebab-case")]
    enum By {
        Age { years: u8 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Amount {
        Whole(i32),
        Real(f64),
    }

    #[test]
    fn what_is_kept_until_its_kind_is_known_is_read_the_same() {
        fits(
            json!({ "first": 3.0, "last": -4.0, "share": 5.0, "by": "age", "years": 6.0 }),
            Page { range: Range { first: 3, last: -4, share: 5.0 }, order: By::Age { years: 6 } },
        );
        fits(
            json!([3.0, 3.5, 1e300, 1e10]),
            vec![Amount::Whole(3), Amount::Real(3.5), Amount::Real(1e300), Amount::Real(1e10)],
        );
        assert!(read::<Amount>(json!("3"), "").is_err());
        let misfit = read::<By>(json!({ "by": "age", "years": 6.5 }), "").expect_err("no whole");
        assert!(misfit.to_string().contains("6.5"), "{misfit}");
    }

    #[test]
    fn names_of_members_are_read_as_what_they_stand_for() {
        fits(json!({ "true": 1, "false": 2 }), BTreeMap::from([(true, 1_u8), (false, 2)]));
        let misfit = read::<BTreeMap<bool, u8>>(json!({ "yes": 1 }), "").expect_err("no truth");
        assert_eq!(misfit.to_string(), "`yes`: expected true or false as its name, got another");
    }

    #[test]
    fn whole_numbers_end_at_64_bits() {
        let misfit = read::<u64>(json!(18_446_744_073_709_551_616.0), "big").expect_err("too big");
        let expected =
            "`big`: expected a whole number of at most 64 bits, got 1.8446744073709552e+19";
        assert_eq!(misfit.to_string(), expected);
        assert!(read::<i64>(json!(-9_223_372_036_854_775_808.0), "").is_ok());
        assert!(read::<i64>(json!(9_223_372_036_854_775_808_u64), "").is_err());
    }
}
