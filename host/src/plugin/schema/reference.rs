//! Finds what a `$ref` names.
//!
//! Not here: other documents, anchors and dynamic references, which name nothing that is sure.

use serde_json::Value;

/// Answers whether a schema below the root is a document of its own, which its references start from.
pub(super) fn is_document(schema: &Value) -> bool {
    schema.get("$id").is_some_and(Value::is_string)
}

/// Finds the schema that a reference of the root names by its place, if it is surely that one.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let pointer = reference.strip_prefix('#').filter(|pointer| !pointer.contains('%'))?;
    if pointer.is_empty() {
        return Some(root);
    }
    let mut schema = root;
    for token in pointer.strip_prefix('/')?.split('/') {
        if !std::ptr::eq(schema, root) && is_document(schema) {
            return None;
        }
        schema = schema.pointer(&format!("/{token}"))?;
    }
    Some(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_places_of_the_same_document_are_found() {
        let root = json!({
            "$id": "https://example.org/root",
            "$defs": {
                "a/b": 1, "": 2, "c d": 3, "c%20d": 4,
                "own": { "$id": "own", "items": { "x": 5 } },
                "list": [6, 7],
            },
        });
        for (reference, wanted) in [
            ("#/$defs/a~1b", Some(json!(1))),
            ("#/$defs/", Some(json!(2))),
            ("#/$defs/list/1", Some(json!(7))),
            ("#", Some(root.clone())),
            ("#/$defs/own", Some(root["$defs"]["own"].clone())),
            ("#/$defs/own/items", None),
            ("#/$defs/c%20d", None),
            ("#/$defs/none", None),
            ("#$defs", None),
            ("#a/$defs", None),
            ("other#/$defs", None),
            ("", None),
        ] {
            assert_eq!(target(&root, reference).cloned(), wanted, "{reference}");
        }
    }
}
