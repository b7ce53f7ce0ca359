//! What is wrong with a value that does not fit its type: where it stands, what was expected, what is
//! there. The words are those of the SDKs for TypeScript and Python.
//!
//! Not here: reading values (`read`).

use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde_json::Value;

/// Characters of a text that are shown.
const SHOWN_CHARS_MAX: usize = 32;

/// Where a value stands in the document that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The document itself, by its name; empty for an input.
    Start(&'a str),
    /// A member of what stands there.
    Member(&'a Place<'a>, &'a str),
    /// An item of what stands there, from 0.
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(name) | Self::Member(Self::Start(""), name) => f.write_str(name),
            Self::Member(above, name) => write!(f, "{above}.{name}"),
            Self::Item(above, index) => write!(f, "{above}[{index}]"),
        }
    }
}

/// Why a value does not fit.
#[derive(Debug)]
pub(crate) struct Misfit {
    at: Option<String>,
    /// The member that is missing or not known, while it is not said of what.
    member: Option<String>,
    /// What follows the place in a sentence.
    why: String,
}

impl Misfit {
    /// Something else was expected.
    pub(crate) fn expected(wanted: &str, got: &str) -> Self {
        Self::because(format!(": expected {wanted}, got {got}"))
    }

    fn because(why: String) -> Self {
        Self { at: None, member: None, why }
    }

    /// Says where it is, unless that is known more closely.
    #[must_use]
    pub(crate) fn at(mut self, place: &Place<'_>) -> Self {
        if self.at.is_none() {
            self.at = Some(match self.member.take() {
                Some(member) => Place::Member(place, &member).to_string(),
                None => place.to_string(),
            });
        }
        self
    }

    /// As [`Misfit::at`], of something that is wrong with the name of a member.
    #[must_use]
    pub(crate) fn at_name(self, place: &Place<'_>, name: &str) -> Self {
        match self.member {
            Some(_) => self.at(place),
            None => self.at(&Place::Member(place, name)),
        }
    }

    /// Returns where it is, as `items[3].id`; empty for the whole.
    pub(crate) fn place(&self) -> &str {
        self.at.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            "" => write!(f, "the input{}", self.why),
            place => write!(f, "`{place}`{}", self.why),
        }
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::because(format!(": {message}"))
    }

    fn invalid_type(got: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::expected(&called(&wanted.to_string()), &told(got))
    }

    fn invalid_value(got: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::expected(&called(&wanted.to_string()), &told(got))
    }

    fn invalid_length(items: usize, wanted: &dyn Expected) -> Self {
        Self::expected(&called(&wanted.to_string()), &format!("{items} items"))
    }

    fn missing_field(name: &'static str) -> Self {
        let member = Some(name.to_owned());
        Self { member, ..Self::because(" is missing".to_owned()) }
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        let mut why = " is not known here".to_owned();
        if !known.is_empty() {
            let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            why.push_str(&format!("; known are {}", known.join(", ")));
        }
        Self { member: Some(name.to_owned()), ..Self::because(why) }
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        let known: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
        Self::expected(&format!("one of {}", known.join(", ")), &quoted(name))
    }
}

/// Says what a value is, and which one, if it is short.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    match text.chars().nth(SHOWN_CHARS_MAX) {
        None => Value::from(text).to_string(),
        Some(_) => "text".to_owned(),
    }
}

fn told(got: Unexpected<'_>) -> String {
    match got {
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Str(text) => quoted(text),
        Unexpected::Unit => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// Says what is expected: the names that `serde` gives are those of Rust.
fn called(wanted: &str) -> String {
    let whole = |least: i128, most: u128| format!("a whole number from {least} to {most}");
    let items = || wanted.strip_prefix("a tuple of size ");
    match wanted {
        "i8" => whole(i8::MIN.into(), i8::MAX as u128),
        "i16" => whole(i16::MIN.into(), i16::MAX as u128),
        "i32" => whole(i32::MIN.into(), i32::MAX as u128),
        "i64" | "isize" => whole(i64::MIN.into(), i64::MAX as u128),
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "usize" => whole(0, usize::MAX as u128),
        "u64" => whole(0, u64::MAX.into()),
        "f32" | "f64" => "a number".to_owned(),
        "a string" => "text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "unit" => "null".to_owned(),
        _ if wanted.starts_with("struct ") => "an object".to_owned(),
        _ => match items().or_else(|| wanted.strip_prefix("an array of length ")) {
            Some(items) => format!("a list of {items} items"),
            None => wanted.to_owned(),
        },
    }
}
