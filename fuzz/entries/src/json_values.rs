//! JSON to the values a guest is given, and back.
//!
//! An input is the choices that make a type, a line break, and a JSON text; without a line break it
//! is all JSON, tried with a few types.

use ax_host::plugin::fuzzing;
use ax_manifest::Field;
use ax_manifest::Signature;
use ax_manifest::WitType;
use serde_json::Value;

use crate::INPUT_BYTES_MAX;
use crate::choices::Choices;
use crate::shown;
use crate::wit_type::wit_type;

/// Checks that a value that was accepted goes to JSON and back unchanged, and its JSON too.
pub fn json_values(data: &[u8]) {
    if data.len() > INPUT_BYTES_MAX {
        return;
    }
    let (types, text) = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, data),
    };
    let Ok(text) = str::from_utf8(text) else { return };
    let json = match fuzzing::parse_json(text, INPUT_BYTES_MAX as u64) {
        Ok(json) => json,
        Err(error) => return shown::refusal(&error, error.hint()),
    };
    let written = json.to_string();
    let read = fuzzing::parse_json(&written, u64::MAX).expect("what is written is JSON");
    assert_eq!(read, json, "through {written}");
    let ty = wit_type(&mut Choices::new(types));
    converted(&json, &ty);
    converted(&json, &WitType::List(Box::new(ty)));
}

fn converted(json: &Value, ty: &WitType) {
    // In a tuple, so that neither a record nor a result is the whole and treated apart.
    let wrapped = WitType::Tuple(vec![ty.clone()]);
    let input = serde_json::json!({ "it": [json] });
    let signature = Signature {
        params: vec![Field { name: "it".to_owned(), ty: wrapped.clone() }],
        result: Some(wrapped),
    };
    let trip = match fuzzing::there_and_back(&input, &signature) {
        Ok(trip) => trip,
        Err(error) => return shown::refusal(&error, error.hint()),
    };
    let input = serde_json::json!({ "it": trip.json });
    let again = fuzzing::there_and_back(&input, &signature)
        .unwrap_or_else(|error| panic!("{ty}: {} is not read back: {error}", trip.json));
    assert_eq!(again.json, trip.json, "{ty}: its JSON is one of its kind");
    assert!(again.value == trip.value, "{ty}: {json} became another value");
}
