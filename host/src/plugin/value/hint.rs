//! What to write instead of a value that does not fit.
//!
//! Models and people make the same few slips: another spelling of a name, quotes around a number,
//! an object as its text, a variant as its bare case. Each has a sentence here.
//! Not here: finding the slip (`lower`).

use ax_manifest::Case;
use ax_manifest::WitType;
use ax_manifest::nearest;
use serde_json::Value;

use super::error::Excerpt;

/// Characters of a name that is compared with others; bounds the work for an input's long names.
const NAME_CHARS_MAX: usize = 64;
/// Characters of the names that are listed when none is close.
const LIST_CHARS: usize = 200;

/// Says what to write for a value of another kind than `ty`.
pub(super) fn kind(ty: &WitType, found: &Value) -> Option<String> {
    use WitType as T;
    let plain = match (ty, found) {
        (T::Record(_) | T::List(_) | T::Tuple(_) | T::Flags(_), Value::String(text))
        | (T::Variant(_) | T::Result { .. }, Value::String(text))
            if text.trim_start().starts_with(['{', '[']) =>
        {
            "give the value itself, not a string that holds its JSON text"
        }
        (T::Variant(cases), _) => return variant(cases, found),
        (T::Bool, Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            "write it without quotes"
        }
        (T::String | T::Char, Value::Number(_) | Value::Bool(_)) => "write it in quotes",
        (T::S8 | T::U8 | T::S16 | T::U16 | T::S32 | T::U32, Value::String(text))
            if text.parse::<i64>().is_ok() =>
        {
            "write it without quotes"
        }
        (T::F32 | T::F64, Value::String(text)) => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => "write it without quotes",
            _ => r#"numbers, "NaN", "Infinity" and "-Infinity" are floats"#,
        },
        (T::F32 | T::F64, Value::Null) => r#"a float that is no number is "NaN""#,
        (T::Option(_), _) => r#"an option in an option is null or {"some": …}"#,
        (T::Result { .. }, _) => r#"write {"ok": …} or {"err": …}, with null for no payload"#,
        _ if ty.is_bytes() => "bytes are a base64 string, or an array of numbers",
        (T::Flags(_), Value::String(_) | Value::Object(_)) => {
            "write an array of the flags that are set"
        }
        _ => return None,
    };
    Some(plain.to_owned())
}

/// Says how a variant is written, with the case that the value seems to mean.
pub(super) fn variant(cases: &[Case], found: &Value) -> Option<String> {
    let meant = match found {
        Value::String(name) => Some(name),
        Value::Object(members) if members.len() == 1 => members.keys().next(),
        _ => None,
    };
    let meant = meant.and_then(|name| cases.iter().find(|case| case.name == *name));
    let case = meant.or(cases.first())?;
    let name = shown(&case.name);
    Some(match case.ty {
        None => format!(r#"write {{"tag": "{name}"}}"#),
        Some(_) => format!(r#"write {{"tag": "{name}", "val": …}}"#),
    })
}

/// Says which whole numbers `ty` reaches to.
pub(super) fn range(ty: &WitType) -> Option<String> {
    let range = match ty {
        WitType::S8 => "-128 to 127",
        WitType::U8 => "0 to 255",
        WitType::S16 => "-32768 to 32767",
        WitType::U16 => "0 to 65535",
        WitType::S32 => "-2147483648 to 2147483647",
        WitType::U32 => "0 to 4294967295",
        WitType::S64 => "-9223372036854775808 to 9223372036854775807",
        WitType::U64 => "0 to 18446744073709551615",
        _ => return None,
    };
    Some(format!("{ty} is {range}"))
}

/// Names the known name that was meant, else the known names.
pub(super) fn name<'a>(
    wrong: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(close) = closest(wrong, known.clone()) {
        return Some(format!("did you mean `{}`?", shown(close)));
    }
    let mut list = String::new();
    for name in known {
        if list.len() > LIST_CHARS {
            break;
        }
        let comma = if list.is_empty() { "" } else { ", " };
        list.push_str(&format!("{comma}`{}`", shown(name)));
    }
    (!list.is_empty()).then(|| format!("known: {}", Excerpt::of(&list, LIST_CHARS)))
}

/// Finds the name that was meant once case, `-` and `_` are left aside: the commonest slip is
/// another way to join words.
fn closest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded: Vec<(String, &str)> = known.map(|name| (letters(name), name)).collect();
    let meant = nearest(&letters(wrong), folded.iter().map(|(letters, _)| letters.as_str()))?;
    folded.iter().find(|(letters, _)| letters == meant).map(|(_, name)| *name)
}

/// Reduces a name to what a slip keeps; what is too long to be one is cut.
fn letters(name: &str) -> String {
    name.chars()
        .filter(|character| !matches!(character, '-' | '_' | ' '))
        .take(NAME_CHARS_MAX)
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

fn shown(name: &str) -> String {
    Excerpt::of(&name, NAME_CHARS_MAX)
}
