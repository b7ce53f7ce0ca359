//! Calls into a guest: typed exports by their signature, described tools through `ax:guest/tools`.
//!
//! Version adapters of exports end here: whatever track a component was built against, callers
//! see [`Output`]. Not here: limits and deadlines around the call (`call`); the pieces of an answer
//! (`content`).

use std::sync::Arc;

use ax_manifest::{Entry, Signature, Tool};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, ComponentType, Instance, Lift};

use super::content;
use super::error::{CallError, ErrorKind, LoadError};
use super::guest::Guest;
use super::imports::bindings::ax::types::types as wit;
use super::json;
use super::limits::{self, Limits};
use super::text;
use super::value::{self, Lifted};

/// The interface of described tools, in the version this host calls.
const GUEST_TOOLS: &str = "ax:guest/tools@0.1.0";

/// The interface of plugins that bring their data to new forms.
const GUEST_LIFECYCLE: &str = "ax:guest/lifecycle@0.1.1";

/// The interface of plugins that choose which model is asked.
const GUEST_ROUTING: &str = "ax:guest/routing@0.1.2";

/// The interface of agents.
const GUEST_AGENT: &str = "ax:guest/agent@0.1.3";

/// What a tool answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// A typed export: its value.
    Value(Value),
    /// A described tool: something to read, something to compute with, or both.
    Content {
        /// Pieces in reading order.
        content: Vec<Content>,
        /// The answer for programs.
        #[serde(rename = "structuredContent", skip_serializing_if = "Option::is_none")]
        structured: Option<Value>,
    },
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Content {
    /// Text, scrubbed.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image(Media),
    /// A sound.
    Audio(Media),
    /// Other bytes.
    File(Media),
    /// A pointer.
    Link {
        /// An absolute URI.
        uri: String,
        /// What to call it.
        name: String,
        /// What kind of thing is behind it.
        #[serde(rename = "mimeType", skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
        /// What is behind it.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    /// A kind this host does not know.
    Other {
        /// The object as it came.
        value: Value,
    },
}

/// Bytes of a media type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// As `image/png`.
    #[serde(rename = "mimeType")]
    pub media_type: String,
    /// The bytes as base64.
    pub data: String,
}

/// An agent as a component describes it.
#[derive(Debug, ComponentType, Lift)]
#[component(record)]
pub(super) struct AgentDescription {
    pub(super) name: String,
    pub(super) summary: String,
    #[component(name = "input-schema")]
    pub(super) input_schema: String,
    #[component(name = "output-schema")]
    pub(super) output_schema: Option<String>,
    #[expect(dead_code, reason = "members of later versions, which this host does not know")]
    extra: Option<String>,
}

/// Where in a component a tool is found; looked up once per release.
#[derive(Clone)]
pub(super) struct Target {
    index: ComponentExportIndex,
    /// The signature of a typed export; none for a described tool.
    signature: Option<Signature>,
    /// What a described tool says its answer for programs is.
    answer_schema: Option<Arc<Value>>,
}

impl Target {
    /// Finds the export behind a tool.
    pub(super) fn find(component: &Component, tool: &Tool) -> Result<Self, LoadError> {
        let missing = || LoadError::MissingExport { tool: tool.name.clone() };
        let look = |interface: Option<&str>, name: &str| {
            let within = match interface {
                Some(interface) => Some(component.get_export_index(None, interface)?),
                None => None,
            };
            component.get_export_index(within.as_ref(), name)
        };
        match &tool.entry {
            Entry::Typed { interface, function, signature } => Ok(Self {
                index: look(interface.as_deref(), function).ok_or_else(missing)?,
                signature: Some(signature.clone()),
                // Its values are of its types, from which the schema was made.
                answer_schema: None,
            }),
            Entry::Described => Ok(Self {
                index: look(Some(GUEST_TOOLS), "call").ok_or_else(missing)?,
                signature: None,
                answer_schema: tool.output_schema.clone().map(Arc::new),
            }),
        }
    }
}

/// An input that fits its tool, ready to be passed.
pub(super) enum Arguments {
    Typed(Vec<wasmtime::component::Val>),
    Described { name: String, input: String },
}

/// Converts a tool's JSON input.
pub(super) fn arguments(
    target: &Target,
    tool: &str,
    input: &str,
    limits: &Limits,
) -> Result<Arguments, CallError> {
    let parsed = json::parse(input, limits.input_bytes)?;
    match &target.signature {
        Some(signature) => {
            value::lower_input(&parsed, signature).map(Arguments::Typed).map_err(CallError::Input)
        }
        None => Ok(Arguments::Described { name: tool.to_owned(), input: parsed.to_string() }),
    }
}

/// What came out of the engine, or why nothing did.
pub(super) enum Raw {
    Typed(Vec<wasmtime::component::Val>),
    Described(Result<wit::Output, wit::Error>),
}

/// Calls the export. Errors are the engine's; `call` says what they mean.
pub(super) async fn invoke(
    store: &mut Store<Guest>,
    instance: &Instance,
    target: &Target,
    arguments: Arguments,
) -> wasmtime::Result<Raw> {
    match arguments {
        Arguments::Typed(values) => {
            let function = instance
                .get_func(&mut *store, target.index)
                .ok_or_else(|| wasmtime::Error::msg("the export is not a function"))?;
            let mut results = match &target.signature {
                Some(signature) => value::placeholders(signature),
                None => Vec::new(),
            };
            function.call_async(&mut *store, &values, &mut results).await?;
            Ok(Raw::Typed(results))
        }
        Arguments::Described { name, input } => {
            let function = instance
                .get_typed_func::<(String, String), (Result<wit::Output, wit::Error>,)>(
                    &mut *store,
                    target.index,
                )?;
            let (answer,) = function.call_async(&mut *store, (name, input)).await?;
            Ok(Raw::Described(answer))
        }
    }
}

/// Asks a component what tools it has.
pub(super) async fn describe(
    store: &mut Store<Guest>,
    instance: &Instance,
    component: &Component,
) -> wasmtime::Result<Vec<wit::Tool>> {
    let index = component
        .get_export_index(None, GUEST_TOOLS)
        .and_then(|interface| component.get_export_index(Some(&interface), "describe"))
        .ok_or_else(|| wasmtime::Error::msg("`describe` is not exported"))?;
    let function = instance.get_typed_func::<(), (Vec<wit::Tool>,)>(&mut *store, index)?;
    let (tools,) = function.call_async(&mut *store, ()).await?;
    Ok(tools)
}

/// Asks a component to bring its data from one version to another.
pub(super) async fn migrate(
    store: &mut Store<Guest>,
    instance: &Instance,
    component: &Component,
    versions: (String, String),
) -> wasmtime::Result<Result<(), CallError>> {
    let index = component
        .get_export_index(None, GUEST_LIFECYCLE)
        .and_then(|interface| component.get_export_index(Some(&interface), "migrate"))
        .ok_or_else(|| wasmtime::Error::msg("`migrate` is not exported"))?;
    let function = instance
        .get_typed_func::<(String, String), (Result<(), wit::Error>,)>(&mut *store, index)?;
    let (answer,) = function.call_async(&mut *store, versions).await?;
    Ok(answer.map_err(|error| described_failure(error, &Limits::default())))
}

/// Answers whether a component chooses which model is asked.
pub(super) fn ranks(component: &Component) -> bool {
    rank_of(component).is_some()
}

fn rank_of(component: &Component) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, GUEST_ROUTING)?;
    component.get_export_index(Some(&interface), "rank")
}

/// Asks a component in which order models are asked; both texts are JSON.
pub(super) async fn rank(
    store: &mut Store<Guest>,
    instance: &Instance,
    component: &Component,
    told: (String, String),
) -> wasmtime::Result<Vec<u32>> {
    let index = rank_of(component).ok_or_else(|| wasmtime::Error::msg("`rank` is not exported"))?;
    let function = instance.get_typed_func::<(String, String), (Vec<u32>,)>(&mut *store, index)?;
    let (ranked,) = function.call_async(&mut *store, told).await?;
    Ok(ranked)
}

fn of_agent(component: &Component, function: &str) -> wasmtime::Result<ComponentExportIndex> {
    let interface = component.get_export_index(None, GUEST_AGENT);
    interface
        .and_then(|interface| component.get_export_index(Some(&interface), function))
        .ok_or_else(|| wasmtime::Error::msg("no agent is exported"))
}

/// Asks a component what agents it has.
pub(super) async fn describe_agents(
    store: &mut Store<Guest>,
    instance: &Instance,
    component: &Component,
) -> wasmtime::Result<Vec<AgentDescription>> {
    let index = of_agent(component, "describe")?;
    let function = instance.get_typed_func::<(), (Vec<AgentDescription>,)>(&mut *store, index)?;
    let (agents,) = function.call_async(&mut *store, ()).await?;
    Ok(agents)
}

/// Runs an agent: its name, its goal and its input.
pub(super) async fn run_agent(
    store: &mut Store<Guest>,
    instance: &Instance,
    component: &Component,
    told: (String, String, String),
) -> wasmtime::Result<Result<String, CallError>> {
    let index = of_agent(component, "run")?;
    let function = instance
        .get_typed_func::<(String, String, String), (Result<String, wit::Error>,)>(
            &mut *store,
            index,
        )?;
    let (answer,) = function.call_async(&mut *store, told).await?;
    Ok(answer.map_err(|error| described_failure(error, &Limits::default())))
}

/// Turns what came out into an answer within bounds.
pub(super) fn answer(raw: Raw, target: &Target, limits: &Limits) -> Result<Output, CallError> {
    match (raw, &target.signature) {
        (Raw::Typed(results), Some(signature)) => {
            let lifted = value::lift_output(&results, signature)
                .map_err(|error| CallError::Answer { why: error.to_string() })?;
            match lifted {
                Lifted::Value(value) => {
                    within(json::bytes_of(&value), limits)?;
                    Ok(Output::Value(value))
                }
                Lifted::Failed(value) => Err(typed_failure(value, limits)),
            }
        }
        (Raw::Described(Ok(output)), _) => {
            content::output(output, target.answer_schema.as_deref(), limits)
        }
        (Raw::Described(Err(error)), _) => Err(described_failure(error, limits)),
        (Raw::Typed(_), None) => Err(CallError::Answer { why: "it has no type".to_owned() }),
    }
}

/// Refuses an answer that is longer than it may be.
pub(super) fn within(bytes: u64, limits: &Limits) -> Result<(), CallError> {
    if bytes > limits.result_bytes {
        return Err(CallError::too_long(bytes, limits));
    }
    Ok(())
}

/// A typed export failed: the value it gave is data. A text, or a member `message`, is the message;
/// a record like `ax:types.error` also says the kind and the code.
fn typed_failure(value: Value, limits: &Limits) -> CallError {
    if let Err(error) = within(json::bytes_of(&value), limits) {
        return error;
    }
    let message = match &value {
        Value::String(message) => message.clone(),
        Value::Object(members) => match members.get("message") {
            Some(Value::String(message)) => message.clone(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    };
    let word = |name: &str| value.get(name).and_then(Value::as_str);
    CallError::Tool {
        kind: word("kind").and_then(ErrorKind::parse).unwrap_or(ErrorKind::Failed),
        code: text::scrub(word("code").unwrap_or_default(), CODE_BYTES),
        message: told(&message),
        data: Some(value),
    }
}

fn described_failure(error: wit::Error, limits: &Limits) -> CallError {
    let kind = match error.kind {
        wit::ErrorKind::Invalid => ErrorKind::Invalid,
        wit::ErrorKind::Denied => ErrorKind::Denied,
        wit::ErrorKind::Exhausted => ErrorKind::Exhausted,
        wit::ErrorKind::NotFound => ErrorKind::NotFound,
        wit::ErrorKind::Conflict => ErrorKind::Conflict,
        wit::ErrorKind::Unavailable => ErrorKind::Unavailable,
        wit::ErrorKind::Failed => ErrorKind::Failed,
        wit::ErrorKind::InDoubt => ErrorKind::InDoubt,
        wit::ErrorKind::Cancelled => ErrorKind::Cancelled,
        wit::ErrorKind::Other => ErrorKind::Other,
    };
    // Data that is no JSON within bounds is left out: the message still says what happened.
    let data = error.data.and_then(|data| json::parse(&data, limits.result_bytes).ok());
    CallError::Tool {
        kind,
        code: text::scrub(&error.code, CODE_BYTES),
        message: told(&error.message),
        data,
    }
}

/// Makes what a tool says of its failure fit to be shown.
fn told(message: &str) -> String {
    match message.trim() {
        "" => "the tool gave no message".to_owned(),
        message => text::scrub(message, limits::ERROR_TEXT_BYTES),
    }
}

/// Bytes of an error's code, as `ax:types` promises.
const CODE_BYTES: usize = 256;
