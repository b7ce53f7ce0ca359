//! JSON Schemas of inputs and answers, derived from Rust types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A type that a tool takes.
#[diagnostic::on_unimplemented(
    message = "a tool cannot take `{Self}`: it has no form in JSON",
    label = "this type",
    note = "write `#[data]` above the type if it is yours; else take a `String`, a number, a `bool`, or \
            a `Vec` or `Option` of one, and turn it into `{Self}` in the tool"
)]
pub trait Given {}

// Or the compiler would tell of traits that no author has heard of.
#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema> Given for T {}

/// Insists on it, where the macro knows the place of the type.
pub const fn given<T: Given>() {}

/// Derives the schema of a type that is read: JSON Schema 2020-12, with the types it uses under `$defs`.
pub fn of<T: JsonSchema>() -> Value {
    derived::<T>(SchemaSettings::draft2020_12())
}

/// Derives the schema of a type that is written, whose members may be others than those that are read.
pub(crate) fn of_answer<T: JsonSchema>() -> Value {
    derived::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn derived<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
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
