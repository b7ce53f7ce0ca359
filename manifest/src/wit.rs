//! The types of a function a component exports, as a tree that outlives the component's bytes.
//!
//! A tree, not the graph of the binary format: shared types are written out at each use, so that
//! a reader needs no table. `inspect` bounds the tree before it is built, and only types whose
//! values can be written as JSON exist here; resources, streams and futures do not.
//!
//! Invariant: names are WIT names (kebab-case ASCII) when the tree comes from `inspect`. A tree
//! read back from a package is data like any other and may hold any text.
//! Not here: the JSON Schema of a type (`schema`), values (the host).

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// A WIT value type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WitType {
    /// `bool`.
    Bool,
    /// `s8`.
    S8,
    /// `u8`.
    U8,
    /// `s16`.
    S16,
    /// `u16`.
    U16,
    /// `s32`.
    S32,
    /// `u32`.
    U32,
    /// `s64`.
    S64,
    /// `u64`.
    U64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `char`: one Unicode scalar value.
    Char,
    /// `string`: UTF-8 text.
    String,
    /// `list<T>`.
    List(Box<WitType>),
    /// `record { … }`: named members in the order of the declaration.
    Record(Vec<Field>),
    /// `tuple<…>`.
    Tuple(Vec<WitType>),
    /// `variant { … }`: one of several cases, some with a payload.
    Variant(Vec<Case>),
    /// `enum { … }`: one of several names.
    Enum(Vec<String>),
    /// `option<T>`.
    Option(Box<WitType>),
    /// `result<T, E>`, either side of which may be absent.
    Result {
        /// The payload of success.
        ok: Option<Box<WitType>>,
        /// The payload of failure.
        err: Option<Box<WitType>>,
    },
    /// `flags { … }`: any of several names.
    Flags(Vec<String>),
}

/// A named member of a record, or a parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The WIT name.
    pub name: String,
    /// What it holds.
    pub ty: WitType,
}

/// One case of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The WIT name.
    pub name: String,
    /// The payload, if the case has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ty: Option<WitType>,
}

/// Parameters and result of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Parameters in the order of the declaration.
    pub params: Vec<Field>,
    /// What the function returns, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<WitType>,
}

impl WitType {
    /// Answers whether this is `list<u8>`, which JSON carries as base64 text.
    pub fn is_bytes(&self) -> bool {
        matches!(self, Self::List(item) if **item == Self::U8)
    }
}

impl fmt::Display for WitType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::S8 => f.write_str("s8"),
            Self::U8 => f.write_str("u8"),
            Self::S16 => f.write_str("s16"),
            Self::U16 => f.write_str("u16"),
            Self::S32 => f.write_str("s32"),
            Self::U32 => f.write_str("u32"),
            Self::S64 => f.write_str("s64"),
            Self::U64 => f.write_str("u64"),
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::Char => f.write_str("char"),
            Self::String => f.write_str("string"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Record(fields) => braced(f, "record", fields),
            Self::Tuple(items) => {
                f.write_str("tuple<")?;
                separated(f, items)?;
                f.write_str(">")
            }
            Self::Variant(cases) => braced(f, "variant", cases),
            Self::Enum(names) => braced(f, "enum", names),
            Self::Option(inner) => write!(f, "option<{inner}>"),
            Self::Result { ok, err } => match (ok, err) {
                (None, None) => f.write_str("result"),
                (Some(ok), None) => write!(f, "result<{ok}>"),
                (None, Some(err)) => write!(f, "result<_, {err}>"),
                (Some(ok), Some(err)) => write!(f, "result<{ok}, {err}>"),
            },
            Self::Flags(names) => braced(f, "flags", names),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.ty)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ty {
            None => f.write_str(&self.name),
            Some(ty) => write!(f, "{}({ty})", self.name),
        }
    }
}

/// Writes the signature as WIT would, on one line: `(folder: string) -> list<u32>`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        separated(f, &self.params)?;
        f.write_str(")")?;
        match &self.result {
            None => Ok(()),
            Some(ty) => write!(f, " -> {ty}"),
        }
    }
}

/// Writes `word { a, b }`.
fn braced<T: fmt::Display>(f: &mut fmt::Formatter<'_>, word: &str, items: &[T]) -> fmt::Result {
    write!(f, "{word} {{ ")?;
    separated(f, items)?;
    f.write_str(" }")
}

/// Writes the items with a comma and a space between them.
fn separated<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, ty: WitType) -> Field {
        Field { name: name.to_owned(), ty }
    }

    fn every_shape() -> Signature {
        let names = || vec!["left".to_owned(), "right".to_owned()];
        let text = || Box::new(WitType::String);
        Signature {
            params: vec![
                field("folder", WitType::String),
                field("bytes", WitType::List(Box::new(WitType::U8))),
                field(
                    "shape",
                    WitType::Variant(vec![
                        Case { name: "point".to_owned(), ty: None },
                        Case { name: "circle".to_owned(), ty: Some(WitType::F64) },
                    ]),
                ),
                field("side", WitType::Enum(names())),
                field("sides", WitType::Flags(names())),
                field("pair", WitType::Tuple(vec![WitType::Char, WitType::Bool])),
                field("done", WitType::Result { ok: None, err: None }),
                field("half", WitType::Result { ok: Some(text()), err: None }),
                field("other", WitType::Result { ok: None, err: Some(text()) }),
            ],
            result: Some(WitType::Result {
                ok: Some(Box::new(WitType::Record(vec![field(
                    "n",
                    WitType::Option(Box::new(WitType::U64)),
                )]))),
                err: Some(text()),
            }),
        }
    }

    #[test]
    fn a_signature_reads_like_wit() {
        insta::assert_snapshot!(every_shape(), @"(folder: string, bytes: list<u8>, shape: variant { point, circle(f64) }, side: enum { left, right }, sides: flags { left, right }, pair: tuple<char, bool>, done: result, half: result<string>, other: result<_, string>) -> result<record { n: option<u64> }, string>");
        insta::assert_snapshot!(Signature::default(), @"()");
    }

    #[test]
    fn a_signature_survives_json() {
        let text = serde_json::to_string(&every_shape()).expect("trees serialise");
        let back: Signature = serde_json::from_str(&text).expect("and come back");
        assert_eq!(back, every_shape());
    }

    #[test]
    fn json_names_types_as_wit_does() {
        let ty = WitType::List(Box::new(WitType::Option(Box::new(WitType::U64))));
        let text = serde_json::to_string(&ty).expect("trees serialise");
        assert_eq!(text, r#"{"list":{"option":"u64"}}"#);
    }

    #[test]
    fn only_a_list_of_u8_is_bytes() {
        assert!(WitType::List(Box::new(WitType::U8)).is_bytes());
        assert!(!WitType::List(Box::new(WitType::S8)).is_bytes());
        assert!(!WitType::U8.is_bytes());
    }
}
