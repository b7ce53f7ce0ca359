//! Makes tools of exported functions, from their types and what the manifest adds.
//!
//! Which functions: all of them, except methods, the strays that toolchains export, and functions
//! that only the host calls. A component that exports any `ax:guest` interface has said what it is,
//! so of its other functions only those named in `[tools]` are taken.
//! Not here: tools that a guest describes itself (`describe`).

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Annotations;
use super::DERIVED_DEPTH_MAX;
use super::DESCRIPTION_BYTES_MAX;
use super::Entry;
use super::TOOLS_MAX;
use super::Tool;
use super::ToolError;
use super::annotate;
use super::check_depth;
use super::check_schema;
use super::check_tools;
use crate::inspect::ComponentFacts;
use crate::inspect::ExportedFunction;
use crate::manifest::Manifest;
use crate::manifest::ToolNotes;
use crate::name::TOOL_NAME_CHARS_MAX;
use crate::name::check_kebab;
use crate::nearest::nearest;
use crate::schema::input_schema;
use crate::schema::output_schema;
use crate::wit::Signature;

/// The package whose exported interfaces the host calls by itself.
const GUEST_PACKAGE: &str = "ax:guest/";

/// The interface through which a guest describes tools of its own.
const GUEST_TOOLS: &str = "ax:guest/tools@";

/// The interface through which a guest brings its data to a newer form.
const GUEST_LIFECYCLE: &str = "ax:guest/lifecycle@";

/// An instance that Python toolchains export besides the world.
const STRAY_INTERFACE: &str = "exports";

/// A function that JavaScript toolchains export besides the world.
const STRAY_FUNCTION: &str = "init";
/// The shapes that function has: nothing at all, and what jco 1.35 makes to start its engine, which
/// takes a script to run. An author's own `init` of another shape is a tool like any other.
const STRAY_SHAPES: &[&str] = &[
    "()",
    "(shim: string, script: string, entry-path: option<string>, disable-gc: bool) -> \
     result<_, string>",
];

/// A function that may become a tool.
struct Candidate<'a> {
    /// The tool's name.
    name: String,
    function: &'a ExportedFunction,
}

/// Makes the tools that a component offers by the types of its functions.
///
/// A function that cannot be a tool (a resource among its types, say) is left out; its reason is
/// in the facts. Tools a guest describes itself are added by [`super::describe_tools`].
///
/// # Errors
///
/// [`ToolError`] when `[tools.x]` names no function or one that cannot be a tool, when two
/// functions make one name, when a text of the manifest cannot be shown, or when no function of a
/// component without `ax:guest` can be a tool.
pub fn derive_tools(
    facts: &ComponentFacts,
    manifest: Option<&Manifest>,
) -> Result<Vec<Tool>, ToolError> {
    let none = BTreeMap::new();
    let notes = manifest.map_or(&none, |manifest| &manifest.tools);
    let candidates = candidates(facts, notes);
    // `lifecycle` offers nothing to callers, so a component that has it keeps its typed tools.
    let guest = facts.guest_interfaces.iter().any(|name| !name.starts_with(GUEST_LIFECYCLE));
    if !facts.guest_interfaces.iter().any(|name| name.starts_with(GUEST_TOOLS)) {
        check_notes(notes, &candidates.iter().map(|candidate| candidate.name.as_str()).collect())?;
    }
    let mut tools: Vec<Tool> = Vec::new();
    let mut unusable = None;
    let mut taken: BTreeMap<&str, &Candidate<'_>> = BTreeMap::new();
    for candidate in &candidates {
        let notes = notes.get(&candidate.name);
        if guest && notes.is_none() {
            continue;
        }
        match tool(candidate, notes) {
            Err(error) if notes.is_some() => return Err(error),
            Err(error) => {
                unusable.get_or_insert(error);
                continue;
            }
            Ok(tool) if tools.len() < TOOLS_MAX => tools.push(tool),
            // Counting stops, since each tool holds a schema.
            Ok(_) => return Err(ToolError::TooMany { count: TOOLS_MAX + 1, max: TOOLS_MAX }),
        }
        if let Some(first) = taken.insert(&candidate.name, candidate) {
            return Err(ToolError::Clash {
                name: candidate.name.clone(),
                first: path(first.function),
                second: path(candidate.function),
            });
        }
    }
    match unusable {
        Some(error) if tools.is_empty() && !guest => return Err(error),
        _ => check_tools(&tools)?,
    }
    Ok(tools)
}

/// Refuses `[tools.x]` for which there is no tool.
pub(super) fn check_notes(
    notes: &BTreeMap<String, ToolNotes>,
    names: &BTreeSet<&str>,
) -> Result<(), ToolError> {
    let Some(key) = notes.keys().find(|key| !names.contains(key.as_str())) else { return Ok(()) };
    // A clash of two functions puts the interface before the name.
    let longer = || names.iter().copied().find(|name| name.ends_with(&format!("-{key}")));
    let nearest = nearest(key, names.iter().copied()).or_else(longer).map(str::to_owned);
    Err(ToolError::NoSuchTool { name: key.clone(), nearest })
}

/// Lists the functions that may become tools, under the names they would have.
fn candidates<'a>(
    facts: &'a ComponentFacts,
    notes: &BTreeMap<String, ToolNotes>,
) -> Vec<Candidate<'a>> {
    let callable = || {
        facts.exports.iter().filter(|function| {
            let interface = function.interface.as_deref().unwrap_or_default();
            !function.name.starts_with('[') && !interface.starts_with(GUEST_PACKAGE)
        })
    };
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for function in callable().filter(|function| !is_stray(function)) {
        *uses.entry(plain_name(function)).or_default() += 1;
    }
    let mut candidates = Vec::new();
    for function in callable() {
        let plain = plain_name(function);
        // A stray is meant only by a note that can mean nothing else.
        let shared = uses.get(&plain).copied().unwrap_or(0);
        if is_stray(function) && (shared > 0 || !notes.contains_key(&plain)) {
            continue;
        }
        let name = match interface_word(function) {
            Some(interface) if shared > 1 => format!("{interface}-{plain}"),
            _ => plain,
        };
        candidates.push(Candidate { name, function });
    }
    candidates
}

/// Answers whether a toolchain exported this by itself.
fn is_stray(function: &ExportedFunction) -> bool {
    match &function.interface {
        Some(interface) => interface == STRAY_INTERFACE,
        None => {
            let shape = function.shape.as_ref().map(ToString::to_string);
            function.name == STRAY_FUNCTION
                && shape.is_ok_and(|shape| STRAY_SHAPES.contains(&shape.as_str()))
        }
    }
}

/// Returns the function's name in lower case; WIT keeps names apart regardless of case.
fn plain_name(function: &ExportedFunction) -> String {
    function.name.to_ascii_lowercase()
}

/// Returns the last word of the interface: `api` of `acme:db/api@1.0.0`.
fn interface_word(function: &ExportedFunction) -> Option<String> {
    let interface = function.interface.as_deref()?;
    let unversioned = interface.split_once('@').map_or(interface, |(name, _)| name);
    let word = unversioned.rsplit_once('/').map_or(unversioned, |(_, word)| word);
    Some(word.to_ascii_lowercase())
}

/// Names a function and its interface.
fn path(function: &ExportedFunction) -> String {
    match &function.interface {
        None => function.name.clone(),
        Some(interface) => format!("{interface}#{}", function.name),
    }
}

/// Makes one tool.
fn tool(candidate: &Candidate<'_>, notes: Option<&ToolNotes>) -> Result<Tool, ToolError> {
    let function = candidate.function;
    let unusable = |why: String| ToolError::Unusable { function: path(function), why };
    let signature = function.shape.as_ref().map_err(|why| unusable(why.clone()))?;
    check_kebab(&candidate.name, TOOL_NAME_CHARS_MAX).map_err(|why| unusable(why.to_owned()))?;
    let input_schema = input_schema(signature);
    let output_schema = output_schema(signature);
    for schema in [Some(&input_schema), output_schema.as_ref()].into_iter().flatten() {
        check_schema(schema, DERIVED_DEPTH_MAX)
            .map_err(|why| unusable(format!("the JSON Schema of its types {why}")))?;
    }
    let stored = serde_json::to_value(signature).map_err(|error| unusable(error.to_string()))?;
    check_depth(&stored, DERIVED_DEPTH_MAX)
        .map_err(|why| unusable(format!("its signature {why}")))?;
    let mut tool = Tool {
        name: candidate.name.clone(),
        title: None,
        description: signature_text(&function.name, signature),
        input_schema,
        output_schema,
        annotations: Annotations::default(),
        entry: Entry::Typed {
            interface: function.interface.clone(),
            function: function.name.clone(),
            signature: signature.clone(),
        },
    };
    if let Some(notes) = notes {
        annotate(&mut tool, notes);
    }
    Ok(tool)
}

/// Writes the signature as a description: all there is without words of the author.
fn signature_text(name: &str, signature: &Signature) -> String {
    const CUT: &str = " …";
    let mut text = format!("{name}{signature}");
    if text.len() > DESCRIPTION_BYTES_MAX {
        text.truncate(text.floor_char_boundary(DESCRIPTION_BYTES_MAX - CUT.len()));
        text.push_str(CUT);
    }
    text
}
