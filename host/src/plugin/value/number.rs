//! Numbers between JSON, which has one kind of them, and WIT, which has ten.
//!
//! Invariant: no number changes on its way without being refused, but for the rounding that floats
//! are for.
//! Not here: all other types (`lower`, `lift`).

use ax_manifest::WitType;
use serde_json::Number;
use serde_json::Value;

use super::error::Flaw;
use super::error::ValueError;
use super::hint;
use super::lower;
use super::place::Place;

/// Largest integer that every JSON reader keeps exactly: 2^53 − 1.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;
/// The NaN of the canonical ABI.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;
/// The same with 32 bits.
const NAN_BITS_SINGLE: u32 = 0x7fc0_0000;

/// Reads a whole number that `T` reaches to.
pub(super) fn integer<T: TryFrom<i128>>(
    json: &Value,
    ty: &WitType,
    at: &Place<'_>,
) -> Result<T, ValueError> {
    let number = match json {
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => i128::from(number),
            (None, Some(number), _) => i128::from(number),
            (None, None, Some(float)) => whole(float, json, ty, at)?,
            (None, None, None) => return Err(lower::other_kind(json, ty, at)),
        },
        Value::String(text) if is_wide(ty) => decimal(text).ok_or_else(|| {
            let hint = "write digits, with `-` before them if it is negative".to_owned();
            at.fail(Flaw::Spelling, ty, json).with_hint(Some(hint))
        })?,
        _ => return Err(lower::other_kind(json, ty, at)),
    };
    T::try_from(number).map_err(|_| at.fail(Flaw::Range, ty, json).with_hint(hint::range(ty)))
}

/// Reads a float; NaN is always the one with these bits, so that it tells no two hosts apart.
pub(super) fn double(json: &Value, ty: &WitType, at: &Place<'_>) -> Result<f64, ValueError> {
    match json {
        Value::Number(number) => number.as_f64().ok_or_else(|| lower::other_kind(json, ty, at)),
        Value::String(text) => match text.as_str() {
            "NaN" => Ok(f64::from_bits(NAN_BITS)),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            _ => Err(lower::other_kind(json, ty, at)),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(lower::other_kind(json, ty, at))
        }
    }
}

/// Reads a float and rounds it to 32 bits, unless that makes it infinite.
pub(super) fn single(json: &Value, ty: &WitType, at: &Place<'_>) -> Result<f32, ValueError> {
    let double = double(json, ty, at)?;
    if double.is_nan() {
        return Ok(f32::from_bits(NAN_BITS_SINGLE));
    }
    let single = double as f32;
    if single.is_infinite() && double.is_finite() {
        let hint = "f32 ends at 3.4028235e38; \"Infinity\" is what lies beyond".to_owned();
        return Err(at.fail(Flaw::Range, ty, json).with_hint(Some(hint)));
    }
    Ok(single)
}

/// Writes a number where every reader keeps it exactly, else a decimal string.
pub(super) fn from_wide(number: i128) -> Value {
    match i64::try_from(number) {
        Ok(small) if small.unsigned_abs() <= SAFE_INTEGER_MAX.unsigned_abs() => Value::from(small),
        _ => Value::from(number.to_string()),
    }
}

/// Writes a number, or the name of what is none.
pub(super) fn from_float(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(finite) => Value::Number(finite),
        None if number.is_nan() => Value::from("NaN"),
        None if number > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// Reads a float as the whole number it is. Beyond 2^53 a float may be another number than the
/// one that was written, so there it is refused.
fn whole(float: f64, json: &Value, ty: &WitType, at: &Place<'_>) -> Result<i128, ValueError> {
    if float.fract() != 0.0 {
        return Err(at.fail(Flaw::Fraction, ty, json));
    }
    if float.abs() > SAFE_INTEGER_MAX as f64 {
        let reached = is_wide(ty) && float.abs() <= u64::MAX as f64;
        let hint = if reached {
            Some("write it as a decimal string, as \"9007199254740993\"".to_owned())
        } else {
            hint::range(ty)
        };
        return Err(at.fail(Flaw::Range, ty, json).with_hint(hint));
    }
    Ok(float as i128)
}

/// Answers whether a type has integers that JSON numbers cannot carry everywhere.
fn is_wide(ty: &WitType) -> bool {
    matches!(ty, WitType::S64 | WitType::U64)
}

/// Reads decimal digits with at most a minus before them: no plus, no leading zero, no space.
fn decimal(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // What 128 bits do not hold is out of range too, whichever number stands for it.
    canonical.then(|| text.parse().unwrap_or(i128::MAX))
}
