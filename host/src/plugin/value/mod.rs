//! Converts between JSON and the values of WIT types, with the type in hand.
//!
//! | WIT | JSON |
//! |---|---|
//! | `bool`, integers up to 32 bits, `string` | boolean, number, string |
//! | `s64`, `u64` | number within ±(2^53 − 1), else decimal string; both are read |
//! | `f32`, `f64` | number, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `char` | string of one scalar value |
//! | `list<u8>` | base64 string, standard alphabet, padded; an array of numbers is read too |
//! | `list`, `tuple` | array |
//! | `record` | object with WIT names; an option member may be missing |
//! | `variant` | `{"tag": case}` or `{"tag": case, "val": payload}` |
//! | `enum`, `flags` | string, array of strings |
//! | `option` | value or `null`; an option in an option is `{"some": value}` or `null` |
//! | `result` | `{"ok": payload}` or `{"err": payload}`, `null` without payload |
//!
//! Invariant: whatever JSON, value and type meet, the answer is a value or a [`ValueError`] that
//! names the place, the type wanted and what was found. Recursion ends with the JSON's nesting,
//! memory with the input's size: see [`lower::ABSENT_BYTES`] for what has no counterpart in it.
//! Not here: reading JSON text (`json`), its schema (`ax_manifest`), calling functions (`exports`).

mod error;
mod hint;
mod lift;
mod lower;
mod number;
mod place;

#[cfg(test)]
mod tests;

use ax_manifest::Field;
use ax_manifest::Signature;
use ax_manifest::WitType;
use wasmtime::component::Val;

use error::Flaw;
use lower::Lowering;
use place::Place;

pub use error::ValueError;

/// What a function answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lifted {
    /// The value, or the ok side of a result; `null` when there is none.
    Value(serde_json::Value),
    /// The err side of a result: a tool error with this as its data; `null` when there is none.
    Failed(serde_json::Value),
}

/// Converts a tool's input into arguments. One record parameter is the whole input, else the
/// input is an object of parameters, of which options may be missing.
///
/// # Errors
///
/// [`ValueError`] at the first place that does not fit, in the order of the declaration.
pub(crate) fn lower_input(
    input: &serde_json::Value,
    signature: &Signature,
) -> Result<Vec<Val>, ValueError> {
    let mut lowering = Lowering::new();
    let whole = Place::whole();
    match signature.params.as_slice() {
        [Field { ty: ty @ WitType::Record(_), .. }] => Ok(vec![lowering.value(input, ty, &whole)?]),
        params => lowering.parameters(input, params, &whole),
    }
}

/// Converts what a function returned. A `result` is taken apart here, and only here.
///
/// # Errors
///
/// [`ValueError`] if the values are not what the signature says, or nest too deep for JSON.
pub(crate) fn lift_output(results: &[Val], signature: &Signature) -> Result<Lifted, ValueError> {
    let whole = Place::whole();
    let side = |ty: &Option<Box<WitType>>, payload: &Option<Box<Val>>| match (ty, payload) {
        (None, None) => Ok(serde_json::Value::Null),
        (Some(ty), Some(payload)) => lift::value(payload, ty, &whole),
        (Some(ty), None) => Err(whole.fail(Flaw::Missing, ty, &"nothing")),
        (None, Some(found)) => Err(whole.fail(Flaw::Kind, &"nothing", &lift::Found(found))),
    };
    match (&signature.result, results) {
        (None, []) => Ok(Lifted::Value(serde_json::Value::Null)),
        (Some(WitType::Result { ok, .. }), [Val::Result(Ok(payload))]) => {
            side(ok, payload).map(Lifted::Value)
        }
        (Some(WitType::Result { err, .. }), [Val::Result(Err(payload))]) => {
            side(err, payload).map(Lifted::Failed)
        }
        (Some(ty), [value]) => lift::value(value, ty, &whole).map(Lifted::Value),
        (None, many) => {
            Err(whole.fail(Flaw::Count, &"nothing", &format_args!("{} values", many.len())))
        }
        (Some(ty), many) => {
            Err(whole.fail(Flaw::Count, ty, &format_args!("{} values", many.len())))
        }
    }
}

/// Returns what a call overwrites with its results: as many values as the function returns.
pub(crate) fn placeholders(signature: &Signature) -> Vec<Val> {
    vec![Val::Bool(false); usize::from(signature.result.is_some())]
}
