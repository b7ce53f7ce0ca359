//! Which WebAssembly features the engine allows, and what to say about the others.
//!
//! Invariant: [`ENGINE_FEATURES`] lists every feature by name, so that neither a new version of
//! the parser nor a feature flag somewhere in the workspace can add one. The host configures its
//! engine to the same set.
//! Not here: the engine (`ax-host`).

use wasmparser::Error;
use wasmparser::WasmFeatures;

use super::error::InspectError;
use crate::text::hidden_character;

/// Everything a component may use.
pub(super) const ENGINE_FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Characters of a validator's message that are kept: one line on a wide screen.
const MESSAGE_CHARS_MAX: usize = 240;

/// The features that are off, in words. The order decides when an error names several.
const SWITCHED_OFF: &[(WasmFeatures, &str)] = &[
    (WasmFeatures::MEMORY64, "64-bit memories (memory64)"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::THREADS, "threads and shared memory"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exception handling"),
    (WasmFeatures::EXCEPTIONS, "exception handling"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
    (WasmFeatures::CUSTOM_DESCRIPTORS, "custom descriptors"),
    (WasmFeatures::CM_GC, "garbage-collected component values"),
    (WasmFeatures::GC, "garbage-collected types (GC)"),
    (WasmFeatures::GC_TYPES, "garbage-collected types (GC)"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
    (WasmFeatures::MEMORY_CONTROL, "memory control"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (WasmFeatures::COMPACT_IMPORTS, "compact imports"),
    (WasmFeatures::CM_VALUES, "component values"),
    (WasmFeatures::CM_NESTED_NAMES, "nested component names"),
    (WasmFeatures::CM_FIXED_LENGTH_LISTS, "lists of a fixed length"),
    (WasmFeatures::CM_MAP, "component maps"),
    (WasmFeatures::CM64, "64-bit components"),
    (WasmFeatures::CM_IMPLEMENTS, "`implements` names"),
    (WasmFeatures::CM_CANON_NAMES, "version suffixes in names"),
];

/// The features that together are called component-model async.
const ASYNC: WasmFeatures = WasmFeatures::CM_ASYNC
    .union(WasmFeatures::CM_ASYNC_STACKFUL)
    .union(WasmFeatures::CM_MORE_ASYNC_BUILTINS)
    .union(WasmFeatures::CM_THREADING)
    .union(WasmFeatures::CM_ERROR_CONTEXT);

/// Turns an error of the parser or validator into ours, naming the feature when one is missing.
pub(super) fn explain(error: &Error) -> InspectError {
    let offset = error.offset() as u64;
    let message = clean(error.message());
    let Some(missing) = error.missing_wasm_feature() else {
        return InspectError::Invalid { offset, message };
    };
    if missing.intersects(ASYNC) {
        return InspectError::NeedsAsync { offset, message };
    }
    match SWITCHED_OFF.iter().find(|(flag, _)| missing.intersects(*flag)) {
        Some((_, feature)) => InspectError::NeedsFeature { feature, offset, message },
        None => InspectError::Invalid { offset, message },
    }
}

/// Makes a message safe to show: it may quote names from the file.
fn clean(message: &str) -> String {
    let mut out = String::new();
    for (index, character) in message.chars().enumerate() {
        if index == MESSAGE_CHARS_MAX {
            out.push('…');
            break;
        }
        if character == '\n' {
            out.push_str("; ");
        } else if hidden_character(character.encode_utf8(&mut [0; 4])).is_some() {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use wasmparser::WasmFeatures;

    use super::ASYNC;
    use super::ENGINE_FEATURES;
    use super::MESSAGE_CHARS_MAX;
    use super::SWITCHED_OFF;
    use super::clean;

    #[test]
    fn every_feature_is_either_allowed_or_has_words() {
        let mut spoken = ENGINE_FEATURES | ASYNC;
        for (flag, _) in SWITCHED_OFF {
            assert!(!ENGINE_FEATURES.intersects(*flag), "{flag:?} is both on and off");
            spoken |= *flag;
        }
        assert_eq!(WasmFeatures::all().difference(spoken), WasmFeatures::empty());
    }

    #[test]
    fn messages_are_one_short_printable_line() {
        assert_eq!(clean("a\nb\u{1b}[2J"), "a; b\\u{1b}[2J");
        let long = "x".repeat(MESSAGE_CHARS_MAX + 1);
        assert_eq!(clean(&long), format!("{}…", "x".repeat(MESSAGE_CHARS_MAX)));
    }
}
