//! The values of a manifest before anybody asked what they mean.
//!
//! Invariant: keys are unique in their table, depth is bounded, and each value knows where it
//! starts in the text, in bytes (zero when it does not come from a text).
//! Not here: which keys there are (`section` and its callers).

use std::collections::BTreeSet;
use std::fmt;

use serde::de::Error as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::manifest::error::{Located, ManifestErrorKind};
use crate::text::hidden_character;

/// Tables and lists inside each other. A JSON Schema under `[config]` is the deepest thing there is.
const DEPTH_MAX: usize = 64;

/// A value and where it starts.
#[derive(Debug)]
pub struct Node {
    /// Byte offset in the text.
    pub at: usize,
    /// The value.
    pub value: Value,
}

/// A value as TOML has them.
#[derive(Debug)]
pub enum Value {
    /// Text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Yes or no.
    Boolean(bool),
    /// A date, a time or both, of which nothing is kept.
    Datetime,
    /// Values in their order.
    List(Vec<Node>),
    /// Values with their keys, in the order of the text.
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Byte offset of the key in the text.
    pub key_at: usize,
    /// The value.
    pub node: Node,
}

/// Parses TOML text.
///
/// # Errors
///
/// [`Located`], if the text is not TOML or nested deeper than a screen can show.
pub fn parse(text: &str) -> Result<Node, Located> {
    let root = DeTable::parse(text).map_err(|error| Located {
        at: error.span().map_or(0, |span| span.start),
        kind: ManifestErrorKind::Syntax { message: one_line(error.message()) },
    })?;
    let at = root.span().start;
    Ok(Node { at, value: Value::Table(table(root.into_inner(), DEPTH_MAX)?) })
}

/// Makes the parser's words fit one line, whatever it repeats of the text.
fn one_line(message: &str) -> String {
    let shown = |part: &str| hidden_character(part).is_none();
    message.chars().map(|c| if shown(c.encode_utf8(&mut [0; 4])) { c } else { ' ' }).collect()
}

fn table(table: DeTable<'_>, depth_left: usize) -> Result<Vec<Entry>, Located> {
    let entry = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, Spanned<DeValue<'_>>)| {
        let key_at = key.span().start;
        let node = node(value, depth_left)?;
        Ok(Entry { key: key.into_inner().into_owned(), key_at, node })
    };
    table.into_iter().map(entry).collect()
}

fn node(value: Spanned<DeValue<'_>>, depth_left: usize) -> Result<Node, Located> {
    let at = value.span().start;
    let depth_left = depth_left
        .checked_sub(1)
        .ok_or(Located { at, kind: ManifestErrorKind::TooDeep { max: DEPTH_MAX } })?;
    let value = match value.into_inner() {
        DeValue::String(text) => Value::String(text.into_owned()),
        DeValue::Integer(integer) => {
            let parsed = i64::from_str_radix(integer.as_str(), integer.radix());
            let text = integer.to_string();
            Value::Integer(
                parsed.map_err(|_| Located { at, kind: ManifestErrorKind::Number { text } })?,
            )
        }
        DeValue::Float(float) => {
            let text = float.as_str().to_owned();
            let parsed = text.parse::<f64>();
            Value::Float(
                parsed.map_err(|_| Located { at, kind: ManifestErrorKind::Number { text } })?,
            )
        }
        DeValue::Boolean(boolean) => Value::Boolean(boolean),
        DeValue::Datetime(_) => Value::Datetime,
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| node(item, depth_left));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(entries) => Value::Table(table(entries, depth_left)?),
    };
    Ok(Node { at, value })
}

impl Node {
    /// Makes an error that points at this value.
    pub fn wrong(&self, kind: ManifestErrorKind) -> Located {
        Located { at: self.at, kind }
    }

    /// Makes the error for a value of another type than `wanted`, which comes with its article.
    pub fn wrong_type(&self, key: &str, wanted: &'static str) -> Located {
        let (key, found) = (key.to_owned(), self.value.type_name());
        self.wrong(ManifestErrorKind::WrongType { key, wanted, found })
    }

    /// Returns the text, if this is one.
    pub fn text(&self, key: &str) -> Result<&str, Located> {
        match &self.value {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong_type(key, "a string")),
        }
    }

    /// Returns the items, if this is a list.
    pub fn items(&self, key: &str) -> Result<&[Self], Located> {
        match &self.value {
            Value::List(items) => Ok(items),
            _ => Err(self.wrong_type(key, "a list")),
        }
    }

    /// Returns the entries, if this is a table.
    pub fn entries(&self, key: &str) -> Result<&[Entry], Located> {
        match &self.value {
            Value::Table(entries) => Ok(entries),
            _ => Err(self.wrong_type(key, "a table")),
        }
    }

    /// Converts into JSON, which has no dates and no infinite numbers.
    pub fn to_json(&self) -> Result<serde_json::Value, Located> {
        Ok(match &self.value {
            Value::String(text) => text.as_str().into(),
            Value::Integer(integer) => (*integer).into(),
            Value::Float(float) => serde_json::Number::from_f64(*float)
                .ok_or_else(|| {
                    self.wrong(ManifestErrorKind::NotJson { found: "a number without end" })
                })?
                .into(),
            Value::Boolean(boolean) => (*boolean).into(),
            Value::Datetime => {
                return Err(
                    self.wrong(ManifestErrorKind::NotJson { found: self.value.type_name() })
                );
            }
            Value::List(items) => {
                let items = items.iter().map(|item| item.to_json());
                serde_json::Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Table(entries) => {
                let member = |entry: &Entry| Ok((entry.key.clone(), entry.node.to_json()?));
                serde_json::Value::Object(entries.iter().map(member).collect::<Result<_, _>>()?)
            }
        })
    }
}

impl Value {
    /// Names the type, with its article.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl<'de> serde::Deserialize<'de> for Node {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::DeserializeSeed::deserialize(Builder { depth_left: DEPTH_MAX + 1 }, deserializer)
    }
}

/// Builds a [`Node`] from any self-describing format.
#[derive(Clone, Copy)]
struct Builder {
    depth_left: usize,
}

impl Builder {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1);
        let depth_left =
            depth_left.ok_or_else(|| E::custom(ManifestErrorKind::TooDeep { max: DEPTH_MAX }))?;
        Ok(Self { depth_left })
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for Builder {
    type Value = Node;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let value = deserializer.deserialize_any(self.inner()?)?;
        Ok(Node { at: 0, value })
    }
}

impl<'de> serde::de::Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that TOML has")
    }

    fn visit_bool<E: serde::de::Error>(self, boolean: bool) -> Result<Value, E> {
        Ok(Value::Boolean(boolean))
    }

    fn visit_i64<E: serde::de::Error>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }

    fn visit_u64<E: serde::de::Error>(self, integer: u64) -> Result<Value, E> {
        let text = integer.to_string();
        i64::try_from(integer)
            .map(Value::Integer)
            .map_err(|_| E::custom(ManifestErrorKind::Number { text }))
    }

    fn visit_f64<E: serde::de::Error>(self, float: f64) -> Result<Value, E> {
        Ok(Value::Float(float))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (mut entries, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(ManifestErrorKind::Syntax {
                    message: one_line(&format!("the key `{key}` stands twice")),
                }));
            }
            entries.push(Entry { key, key_at: 0, node: map.next_value_seed(self)? });
        }
        Ok(Value::Table(entries))
    }
}
