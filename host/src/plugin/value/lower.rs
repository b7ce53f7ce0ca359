//! JSON → values of WIT types.
//!
//! Reading is lenient where nothing can be lost (`3.0` is an integer, small 64-bit integers may be
//! strings, bytes may be an array) and strict everywhere else: what is not known is refused.

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
use super::hint;
use super::number;
use super::place::Place;

/// Bytes of memory that option members missing in one input may take once they are filled in.
/// Everything else is paid for by the input's own length, but a list of `{}` with a thousand
/// options each would turn 1 MiB of JSON into 30 GiB. Nearly a million members fit.
pub(super) const ABSENT_BYTES: usize = 64 << 20;

/// The conversion of one input.
pub(super) struct Lowering {
    absent_bytes_left: usize,
}

impl Lowering {
    pub(super) fn new() -> Self {
        Self { absent_bytes_left: ABSENT_BYTES }
    }

    /// Converts an object of parameters, in the order of the declaration.
    pub(super) fn parameters(
        &mut self,
        json: &Value,
        params: &[Field],
        at: &Place<'_>,
    ) -> Result<Vec<Val>, ValueError> {
        let record = Members(params);
        let Value::Object(members) = json else {
            return Err(at.fail(Flaw::Kind, &record, json).with_hint(Some(
                "the input is an object with one member for each parameter".to_owned(),
            )));
        };
        let named = self.members(members, params, &record, at)?;
        Ok(named.into_iter().map(|(_, value)| value).collect())
    }

    /// Converts one value.
    pub(super) fn value(
        &mut self,
        json: &Value,
        ty: &WitType,
        at: &Place<'_>,
    ) -> Result<Val, ValueError> {
        Ok(match ty {
            WitType::Bool => Val::Bool(json.as_bool().ok_or_else(|| other_kind(json, ty, at))?),
            WitType::S8 => Val::S8(number::integer(json, ty, at)?),
            WitType::U8 => Val::U8(number::integer(json, ty, at)?),
            WitType::S16 => Val::S16(number::integer(json, ty, at)?),
            WitType::U16 => Val::U16(number::integer(json, ty, at)?),
            WitType::S32 => Val::S32(number::integer(json, ty, at)?),
            WitType::U32 => Val::U32(number::integer(json, ty, at)?),
            WitType::S64 => Val::S64(number::integer(json, ty, at)?),
            WitType::U64 => Val::U64(number::integer(json, ty, at)?),
            WitType::F32 => Val::Float32(number::single(json, ty, at)?),
            WitType::F64 => Val::Float64(number::double(json, ty, at)?),
            WitType::Char => Val::Char(character(json, ty, at)?),
            WitType::String => Val::String(string(json, ty, at)?.to_owned()),
            WitType::List(item) => match json {
                Value::String(text) if ty.is_bytes() => bytes(text, json, ty, at)?,
                _ => self.list(json, item, ty, at)?,
            },
            WitType::Record(fields) => {
                Val::Record(self.members(object(json, ty, at)?, fields, ty, at)?)
            }
            WitType::Tuple(types) => self.tuple(json, types, ty, at)?,
            WitType::Variant(cases) => self.variant(json, cases, ty, at)?,
            WitType::Enum(names) => Val::Enum(known(json, names, ty, at)?.clone()),
            WitType::Option(inner) => self.option(json, inner, ty, at)?,
            WitType::Result { ok, err } => {
                self.result(json, [ok.as_deref(), err.as_deref()], ty, at)?
            }
            WitType::Flags(names) => flags(json, names, ty, at)?,
        })
    }

    fn list(
        &mut self,
        json: &Value,
        item: &WitType,
        ty: &WitType,
        at: &Place<'_>,
    ) -> Result<Val, ValueError> {
        let items = array(json, ty, at)?.iter().enumerate();
        let values = items.map(|(index, json)| self.value(json, item, &at.item(index)));
        Ok(Val::List(values.collect::<Result<_, _>>()?))
    }

    fn tuple(
        &mut self,
        json: &Value,
        types: &[WitType],
        ty: &WitType,
        at: &Place<'_>,
    ) -> Result<Val, ValueError> {
        let items = array(json, ty, at)?;
        if items.len() != types.len() {
            let hint = format!("write {} items, not {}", types.len(), items.len());
            return Err(at.fail(Flaw::Count, ty, json).with_hint(Some(hint)));
        }
        let pairs = items.iter().zip(types).enumerate();
        let values = pairs.map(|(index, (json, ty))| self.value(json, ty, &at.item(index)));
        Ok(Val::Tuple(values.collect::<Result<_, _>>()?))
    }

    /// Converts the members of a record or of the whole input, in the order of the declaration.
    fn members(
        &mut self,
        members: &Map<String, Value>,
        fields: &[Field],
        ty: &dyn std::fmt::Display,
        at: &Place<'_>,
    ) -> Result<Vec<(String, Val)>, ValueError> {
        let names = fields.iter().map(|field| field.name.as_str());
        let mut values = Vec::with_capacity(members.len().min(fields.len()));
        let mut present = 0;
        for Field { name, ty: wanted } in fields {
            let place = at.member(name);
            let value = match members.get(name) {
                Some(json) => {
                    present += 1;
                    self.value(json, wanted, &place)?
                }
                None if matches!(wanted, WitType::Option(_)) => {
                    self.charge_absent(name, wanted, &place)?;
                    Val::Option(None)
                }
                None => {
                    // A misspelled name leaves its member missing: the spelling is what to mend.
                    only(members, names, ty, at)?;
                    return Err(place.fail(Flaw::Missing, wanted, &"nothing"));
                }
            };
            values.push((name.clone(), value));
        }
        if present != members.len() {
            only(members, names, ty, at)?;
        }
        Ok(values)
    }

    /// Takes what a missing member will occupy from what is left for all of them.
    fn charge_absent(
        &mut self,
        name: &str,
        wanted: &WitType,
        at: &Place<'_>,
    ) -> Result<(), ValueError> {
        let bytes = size_of::<(String, Val)>() + name.len();
        self.absent_bytes_left = self
            .absent_bytes_left
            .checked_sub(bytes)
            .ok_or_else(|| at.fail(Flaw::Absent, wanted, &"nothing"))?;
        Ok(())
    }

    fn variant(
        &mut self,
        json: &Value,
        cases: &[Case],
        ty: &WitType,
        at: &Place<'_>,
    ) -> Result<Val, ValueError> {
        let members = object(json, ty, at)?;
        let place = at.member("tag");
        let Some(tag) = members.get("tag") else {
            return Err(place.fail(Flaw::Missing, ty, json).with_hint(hint::variant(cases, json)));
        };
        let name = string(tag, ty, &place)?;
        let Some(case) = cases.iter().find(|case| case.name == name) else {
            let names = cases.iter().map(|case| case.name.as_str());
            return Err(place.fail(Flaw::Unknown, ty, tag).with_hint(hint::name(name, names)));
        };
        only(members, ["tag", "val"].into_iter(), ty, at)?;
        let place = at.member("val");
        let payload = match (&case.ty, members.get("val")) {
            (None, None) => None,
            (Some(ty), Some(json)) => Some(Box::new(self.value(json, ty, &place)?)),
            (Some(ty), None) => return Err(place.fail(Flaw::Missing, ty, &"nothing")),
            (None, Some(json)) => {
                let hint = "leave `val` out, this case has no payload".to_owned();
                return Err(place.fail(Flaw::Unknown, &"nothing", json).with_hint(Some(hint)));
            }
        };
        Ok(Val::Variant(case.name.clone(), payload))
    }

    fn option(
        &mut self,
        json: &Value,
        inner: &WitType,
        ty: &WitType,
        at: &Place<'_>,
    ) -> Result<Val, ValueError> {
        if json.is_null() {
            return Ok(Val::Option(None));
        }
        let some = if matches!(inner, WitType::Option(_)) {
            let members = object(json, ty, at)?;
            only(members, ["some"].into_iter(), ty, at)
                .map_err(|error| error.with_hint(hint::kind(ty, json)))?;
            let place = at.member("some");
            let json = members.get("some").ok_or_else(|| {
                place.fail(Flaw::Missing, inner, &"nothing").with_hint(hint::kind(ty, json))
            })?;
            self.value(json, inner, &place)?
        } else {
            self.value(json, inner, at)?
        };
        Ok(Val::Option(Some(Box::new(some))))
    }

    /// Converts a result that is not a function's; `sides` are the payloads of ok and err.
    fn result(
        &mut self,
        json: &Value,
        sides: [Option<&WitType>; 2],
        ty: &WitType,
        at: &Place<'_>,
    ) -> Result<Val, ValueError> {
        let members = object(json, ty, at)?;
        only(members, ["ok", "err"].into_iter(), ty, at)
            .map_err(|error| error.with_hint(hint::kind(ty, json)))?;
        let [ok, err] = sides;
        match (members.get("ok"), members.get("err")) {
            (Some(json), None) => Ok(Val::Result(Ok(self.payload(json, ok, &at.member("ok"))?))),
            (None, Some(json)) => {
                Ok(Val::Result(Err(self.payload(json, err, &at.member("err"))?)))
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(at.fail(Flaw::Kind, ty, json).with_hint(hint::kind(ty, json)))
            }
        }
    }

    /// Converts one side of a result; a side without payload is `null`.
    fn payload(
        &mut self,
        json: &Value,
        ty: Option<&WitType>,
        at: &Place<'_>,
    ) -> Result<Option<Box<Val>>, ValueError> {
        match ty {
            Some(ty) => Ok(Some(Box::new(self.value(json, ty, at)?))),
            None if json.is_null() => Ok(None),
            None => {
                let hint = "write null, this side has no payload".to_owned();
                Err(at.fail(Flaw::Kind, &"nothing", json).with_hint(Some(hint)))
            }
        }
    }
}

/// Parameters as the record that the input has to be.
struct Members<'a>(&'a [Field]);

impl std::fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("parameters (")?;
        for (index, field) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{field}")?;
        }
        f.write_str(")")
    }
}

/// Says that a value is of another kind than `ty`.
pub(super) fn other_kind(json: &Value, ty: &WitType, at: &Place<'_>) -> ValueError {
    at.fail(Flaw::Kind, ty, json).with_hint(hint::kind(ty, json))
}

fn string<'v>(json: &'v Value, ty: &WitType, at: &Place<'_>) -> Result<&'v str, ValueError> {
    json.as_str().ok_or_else(|| other_kind(json, ty, at))
}

fn array<'v>(json: &'v Value, ty: &WitType, at: &Place<'_>) -> Result<&'v [Value], ValueError> {
    let items = json.as_array().ok_or_else(|| other_kind(json, ty, at))?;
    at.open(ty, json)?;
    Ok(items)
}

fn object<'v>(
    json: &'v Value,
    ty: &WitType,
    at: &Place<'_>,
) -> Result<&'v Map<String, Value>, ValueError> {
    let members = json.as_object().ok_or_else(|| other_kind(json, ty, at))?;
    at.open(ty, json)?;
    Ok(members)
}

/// Refuses the first member whose name is not known.
fn only<'a>(
    members: &Map<String, Value>,
    names: impl Iterator<Item = &'a str> + Clone,
    ty: &dyn std::fmt::Display,
    at: &Place<'_>,
) -> Result<(), ValueError> {
    match members.iter().find(|(member, _)| !names.clone().any(|name| name == *member)) {
        None => Ok(()),
        Some((member, json)) => Err(at
            .member(member)
            .fail(Flaw::Unknown, &format_args!("a member of {ty}"), json)
            .with_hint(hint::name(member, names))),
    }
}

/// Finds the one of `names` that a string spells.
fn known<'t>(
    json: &Value,
    names: &'t [String],
    ty: &WitType,
    at: &Place<'_>,
) -> Result<&'t String, ValueError> {
    let wrong = string(json, ty, at)?;
    names.iter().find(|name| *name == wrong).ok_or_else(|| {
        let names = names.iter().map(String::as_str);
        at.fail(Flaw::Unknown, ty, json).with_hint(hint::name(wrong, names))
    })
}

/// Converts names to flags. The bits have no order, so the order given is kept.
fn flags(json: &Value, names: &[String], ty: &WitType, at: &Place<'_>) -> Result<Val, ValueError> {
    let items = array(json, ty, at)?;
    let mut set: Vec<String> = Vec::with_capacity(items.len().min(names.len()));
    for (index, json) in items.iter().enumerate() {
        let place = at.item(index);
        let name = known(json, names, ty, &place)?;
        if set.contains(name) {
            return Err(place.fail(Flaw::Repeated, ty, json));
        }
        set.push(name.clone());
    }
    Ok(Val::Flags(set))
}

fn bytes(text: &str, json: &Value, ty: &WitType, at: &Place<'_>) -> Result<Val, ValueError> {
    let decoded = STANDARD.decode(text).map_err(|_| {
        let hint = "bytes are standard base64 (with `+`, `/` and padding), or an array of numbers";
        at.fail(Flaw::Spelling, ty, json).with_hint(Some(hint.to_owned()))
    })?;
    Ok(Val::List(decoded.into_iter().map(Val::U8).collect()))
}

fn character(json: &Value, ty: &WitType, at: &Place<'_>) -> Result<char, ValueError> {
    let mut characters = string(json, ty, at)?.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Ok(only),
        _ => {
            let hint = "write a string of exactly one Unicode scalar value".to_owned();
            Err(at.fail(Flaw::Spelling, ty, json).with_hint(Some(hint)))
        }
    }
}
