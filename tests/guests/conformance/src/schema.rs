//! A schema with keywords that no type derives, which have to reach the client as they are.

use std::borrow::Cow;

use ax_sdk::prelude::*;
use ax_sdk::schemars::generate::SchemaGenerator;
use ax_sdk::schemars::{JsonSchema, Schema};
use ax_sdk::serde::Deserialize;
use ax_sdk::serde_json::{Value, json};

/// How to reach somebody, as the suite wants it described.
#[derive(Deserialize)]
#[serde(crate = "ax_sdk::serde", transparent)]
pub(crate) struct Contact(Value);

impl JsonSchema for Contact {
    fn schema_name() -> Cow<'static, str> {
        "Contact".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::try_from(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {
                "address": {
                    "$anchor": "addressDef",
                    "type": "object",
                    "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
                },
            },
            "properties": {
                "name": { "type": "string" },
                "address": { "$ref": "#/$defs/address" },
                "contactMethod": { "type": "string", "enum": ["phone", "email"] },
                "phone": { "type": "string" },
                "email": { "type": "string" },
            },
            "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
            "if": {
                "properties": { "contactMethod": { "const": "phone" } },
                "required": ["contactMethod"],
            },
            "then": { "required": ["phone"] },
            "else": { "required": ["email"] },
            "additionalProperties": false,
        }))
        .expect("it is an object")
    }
}

/// Says back how to reach somebody. The suite's name has numbers where our names have none.
#[tool(name = "json-schema-tool", read_only, idempotent)]
pub(crate) fn contact(input: Contact) -> Result<String> {
    Ok(input.0.to_string())
}
