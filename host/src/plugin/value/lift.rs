//! Values of WIT types → JSON, each value in exactly one way.
//!
//! The engine checks a component's values against the component's types, so a value that does not
//! fit means that the signature belongs to another component: an error, never a panic.

use std::fmt;

use ax_manifest::Case;
use ax_manifest::Field;
use ax_manifest::WitType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value;
use wasmtime::component::Val;

use super::error::Flaw;
use super::error::ValueError;
use super::number;
use super::place::Place;

/// Converts one value.
pub(super) fn value(found: &Val, ty: &WitType, at: &Place<'_>) -> Result<Value, ValueError> {
    Ok(match (ty, found) {
        (WitType::Bool, Val::Bool(found)) => Value::Bool(*found),
        (WitType::S8, Val::S8(found)) => Value::from(*found),
        (WitType::U8, Val::U8(found)) => Value::from(*found),
        (WitType::S16, Val::S16(found)) => Value::from(*found),
        (WitType::U16, Val::U16(found)) => Value::from(*found),
        (WitType::S32, Val::S32(found)) => Value::from(*found),
        (WitType::U32, Val::U32(found)) => Value::from(*found),
        (WitType::S64, Val::S64(found)) => number::from_wide(i128::from(*found)),
        (WitType::U64, Val::U64(found)) => number::from_wide(i128::from(*found)),
        // Widening is exact, so 0.1 comes out as 0.10000000149011612: that is the value it has.
        (WitType::F32, Val::Float32(found)) => number::from_float(f64::from(*found)),
        (WitType::F64, Val::Float64(found)) => number::from_float(*found),
        (WitType::Char, Val::Char(found)) => Value::from(found.to_string()),
        (WitType::String, Val::String(found)) => Value::from(found.as_str()),
        (WitType::List(item), Val::List(items)) if **item == WitType::U8 => bytes(items, at)?,
        (WitType::List(item), Val::List(items)) => {
            at.open(ty, &Found(found))?;
            let items = items.iter().enumerate();
            let values = items.map(|(index, found)| value(found, item, &at.item(index)));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        (WitType::Record(fields), Val::Record(members)) => {
            at.open(ty, &Found(found))?;
            record(members, fields, found, ty, at)?
        }
        (WitType::Tuple(types), Val::Tuple(items)) => {
            at.open(ty, &Found(found))?;
            if items.len() != types.len() {
                return Err(at.fail(Flaw::Count, ty, &Found(found)));
            }
            let pairs = items.iter().zip(types).enumerate();
            let values = pairs.map(|(index, (found, ty))| value(found, ty, &at.item(index)));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        (WitType::Variant(cases), Val::Variant(tag, payload)) => {
            at.open(ty, &Found(found))?;
            variant(tag, payload.as_deref(), cases, ty, at)?
        }
        (WitType::Enum(names), Val::Enum(name)) => known(name, names, ty, at)?,
        (WitType::Option(_), Val::Option(None)) => Value::Null,
        (WitType::Option(inner), Val::Option(Some(some))) => match **inner {
            WitType::Option(_) => {
                at.open(ty, &Found(found))?;
                one("some", value(some, inner, &at.member("some"))?)
            }
            _ => value(some, inner, at)?,
        },
        (WitType::Result { ok, err }, Val::Result(result)) => {
            at.open(ty, &Found(found))?;
            match result {
                Ok(found) => one("ok", side(found.as_deref(), ok.as_deref(), &at.member("ok"))?),
                Err(found) => {
                    one("err", side(found.as_deref(), err.as_deref(), &at.member("err"))?)
                }
            }
        }
        (WitType::Flags(names), Val::Flags(set)) => {
            at.open(ty, &Found(found))?;
            flags(set, names, ty, at)?
        }
        (_, found) => return Err(at.fail(Flaw::Kind, ty, &Found(found))),
    })
}

/// Converts one side of a result; a side without payload is `null`.
fn side(found: Option<&Val>, ty: Option<&WitType>, at: &Place<'_>) -> Result<Value, ValueError> {
    match (ty, found) {
        (None, None) => Ok(Value::Null),
        (Some(ty), Some(found)) => value(found, ty, at),
        (Some(ty), None) => Err(at.fail(Flaw::Missing, ty, &"nothing")),
        (None, Some(found)) => Err(at.fail(Flaw::Kind, &"nothing", &Found(found))),
    }
}

/// Keeps the order of the declaration, in which the engine gives the members.
fn record(
    members: &[(String, Val)],
    fields: &[Field],
    found: &Val,
    ty: &WitType,
    at: &Place<'_>,
) -> Result<Value, ValueError> {
    if members.len() != fields.len() {
        return Err(at.fail(Flaw::Count, ty, &Found(found)));
    }
    let mut object = Map::with_capacity(fields.len());
    for ((name, found), field) in members.iter().zip(fields) {
        let place = at.member(name);
        if *name != field.name {
            return Err(place.fail(Flaw::Unknown, field, &Found(found)));
        }
        object.insert(name.clone(), value(found, &field.ty, &place)?);
    }
    Ok(Value::Object(object))
}

fn variant(
    tag: &str,
    payload: Option<&Val>,
    cases: &[Case],
    ty: &WitType,
    at: &Place<'_>,
) -> Result<Value, ValueError> {
    let Some(case) = cases.iter().find(|case| case.name == tag) else {
        return Err(at.member("tag").fail(Flaw::Unknown, ty, &format_args!("{tag:?}")));
    };
    let mut object = one("tag", Value::from(tag));
    if case.ty.is_some() || payload.is_some() {
        object["val"] = side(payload, case.ty.as_ref(), &at.member("val"))?;
    }
    Ok(object)
}

fn flags(
    set: &[String],
    names: &[String],
    ty: &WitType,
    at: &Place<'_>,
) -> Result<Value, ValueError> {
    let mut items: Vec<Value> = Vec::with_capacity(set.len().min(names.len()));
    for (index, name) in set.iter().enumerate() {
        let place = at.item(index);
        let item = known(name, names, ty, &place)?;
        if items.contains(&item) {
            return Err(place.fail(Flaw::Repeated, ty, &format_args!("{name:?}")));
        }
        items.push(item);
    }
    Ok(Value::Array(items))
}

fn known(
    name: &String,
    names: &[String],
    ty: &WitType,
    at: &Place<'_>,
) -> Result<Value, ValueError> {
    if !names.contains(name) {
        return Err(at.fail(Flaw::Unknown, ty, &format_args!("{name:?}")));
    }
    Ok(Value::from(name.as_str()))
}

fn bytes(items: &[Val], at: &Place<'_>) -> Result<Value, ValueError> {
    let mut bytes = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item {
            Val::U8(byte) => bytes.push(*byte),
            other => {
                return Err(at.item(index).fail(Flaw::Kind, &WitType::U8, &Found(other)));
            }
        }
    }
    Ok(Value::String(STANDARD.encode(bytes)))
}

/// Makes an object of one member.
fn one(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

/// A value in words: its kind, and what it holds if that is one thing. The engine's own text for
/// resources and the like would show the host's addresses.
pub(super) struct Found<'a>(pub(super) &'a Val);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Val::Bool(found) => write!(f, "bool {found}"),
            Val::S8(found) => write!(f, "s8 {found}"),
            Val::U8(found) => write!(f, "u8 {found}"),
            Val::S16(found) => write!(f, "s16 {found}"),
            Val::U16(found) => write!(f, "u16 {found}"),
            Val::S32(found) => write!(f, "s32 {found}"),
            Val::U32(found) => write!(f, "u32 {found}"),
            Val::S64(found) => write!(f, "s64 {found}"),
            Val::U64(found) => write!(f, "u64 {found}"),
            Val::Float32(found) => write!(f, "f32 {found}"),
            Val::Float64(found) => write!(f, "f64 {found}"),
            Val::Char(found) => write!(f, "char {found:?}"),
            Val::String(found) => write!(f, "string {found:?}"),
            Val::List(items) => write!(f, "list of {}", items.len()),
            Val::FixedLengthList(items) => write!(f, "list of always {}", items.len()),
            Val::Map(entries) => write!(f, "map of {}", entries.len()),
            Val::Record(members) => write!(f, "record of {}", members.len()),
            Val::Tuple(items) => write!(f, "tuple of {}", items.len()),
            Val::Variant(tag, _) => write!(f, "variant {tag:?}"),
            Val::Enum(name) => write!(f, "enum {name:?}"),
            Val::Option(None) => f.write_str("none"),
            Val::Option(Some(_)) => f.write_str("some"),
            Val::Result(Ok(_)) => f.write_str("ok"),
            Val::Result(Err(_)) => f.write_str("err"),
            Val::Flags(set) => write!(f, "flags, {} set", set.len()),
            Val::Resource(_) => f.write_str("a resource"),
            Val::Future(_) => f.write_str("a future"),
            Val::Stream(_) => f.write_str("a stream"),
            Val::ErrorContext(_) => f.write_str("an error context"),
        }
    }
}
