//! JSON Schemas of inputs and answers, derived from Rust types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Derives the schema of a type: JSON Schema 2020-12, with the types it uses under `$defs`.
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        // The dialect is the only one there is, and each tool would repeat it.
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(members) = schema.as_object_mut() {
        // The name of a Rust type says nothing to a model.
        members.remove("title");
    }
    schema
}
