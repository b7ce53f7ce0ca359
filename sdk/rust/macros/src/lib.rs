//! The macros of `ax-sdk`; use them from there, where their examples are too.
//!
//! Invariant: what they write names everything by its full path, and refuses at compile time, with what
//! to write instead, whatever the host would refuse.

mod agent;
mod data;
mod options;
mod tool;

use proc_macro::TokenStream;

/// Makes a type one that tools take and give: read from JSON, written as JSON, with a schema.
///
/// It derives `Serialize`, `Deserialize` and `JsonSchema`; their attributes, as `#[serde(default)]`, work
/// as usual, and doc comments become descriptions. Members that are not known are refused, unless it is
/// `#[data(open)]`.
#[proc_macro_attribute]
pub fn data(options: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(options.into(), item.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes a tool of a function.
///
/// - The name is the function's, with `-` for `_`; `name = "…"` sets another one.
/// - The doc comment is the description, and must be there; those of the parameters describe the
///   members of the input. `title = "…"` adds a few words for people.
/// - Each parameter is a member: its type implements `Deserialize` and `JsonSchema`, and `Option`
///   makes it optional; `#[serde(rename = "max-chars")]` on one renames it. A single parameter called
///   `input` is the whole input instead. Members that are not known are refused.
/// - What is given back implements `Answer`.
/// - `read_only`, `destructive`, `idempotent` and `open_world` are promises to whoever calls.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, function: TokenStream) -> TokenStream {
    tool::expand(options.into(), function.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes an agent of a function: work of many steps, which a durable task carries through crashes.
///
/// - The name is the function's, with `-` for `_`; `#[agent(name = "…")]` sets another one.
/// - The doc comment is the summary, and must be there; parameters are the members of the input, as those
///   of a tool, but for `goal: String`, which is what is wanted in a sentence.
/// - What is given back implements `Answer`: `Result<Json<T>>` is a result with a schema.
/// - It may be ended anywhere and run again from its beginning; what it asked of `tools`, `task` and `model`
///   before is answered from the record then. So it keeps nothing in statics, and decides by nothing but its
///   input and those answers.
#[proc_macro_attribute]
pub fn agent(options: TokenStream, function: TokenStream) -> TokenStream {
    agent::expand(options.into(), function.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
