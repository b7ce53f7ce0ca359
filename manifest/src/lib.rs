//! The words of AX: names, digests, permissions, manifests, and what a component's bytes say.
//!
//! Read the modules in this order: [`PluginName`] and [`Digest`] identify things; a [`Permission`]
//! says what one of them may do and a [`Grant`] that a person agreed; a [`Manifest`] is what an
//! author declares; [`inspect`] says what the bytes really need.
//!
//! Invariant: everything here is a pure function of its input. Whatever the input holds, it never
//! panics, never recurses without a bound and never allocates more than a small multiple of it.
//! Not here: files, clocks, processes, the engine (`ax-host`); packages and locks (`ax-registry`).

mod agent;
mod money;
mod nearest;
mod text;

mod digest;
mod name;
mod quantity;

mod permission;

mod grant;

mod manifest;

mod policy;

mod wit;

mod inspect;

mod debug_info;

mod schema;

mod tool;

mod capability;

/// TOML whose values know their places, for whoever reads another file than a manifest in the same way:
/// unknown keys are mistakes, and every mistake is told.
pub mod reading {
    pub use crate::manifest::error::{Located, place};
    pub use crate::manifest::section::{Section, shown_line, shown_lines};
    pub use crate::manifest::tree::{Entry, Node, Value, parse};
    pub use crate::name::check_kebab;
}

pub use agent::{Agent, AgentError, DescribedAgent, check_agents, describe_agents};
pub use capability::{
    AdmissionError, Capability, EffectClass, Grantable, Row, Served, TABLE, Warning, admit, row_of,
};
pub use debug_info::{CoreModule, core_modules, without_debug_info};
pub use digest::{Digest, DigestError, DigestHasher};
pub use grant::{Grant, GrantScope, Grants, GrantsError, Identity, Source, SourceError};
pub use inspect::{
    COMPONENT_BYTES_MAX, ComponentFacts, Counts, ExportedFunction, ImportedInterface, InspectError,
    inspect,
};
pub use manifest::{
    Ask, HOST_API, HOST_REQUIREMENT, LimitRequests, MANIFEST_BYTES_MAX, Manifest, ManifestError,
    ManifestErrorKind, PluginSection, Quota, Reuse, ToolNotes,
};
pub use money::{micro_usd, usd};
pub use name::{
    NAME_PART_CHARS_MAX, NameError, PluginName, TOOL_NAME_CHARS_MAX, ToolId, WIRE_NAME_CHARS_MAX,
};
pub use nearest::nearest;
pub use permission::{
    Access, DEFAULT_MODEL, EventDirection, Flaw, HostPattern, MemoryScope, Method, NetRule, Origin,
    PERMISSION_BYTES_MAX, PathPattern, Permission, PermissionDifference, PermissionError,
    PermissionKind, PermissionSet, RequestUrl, Scheme, ToolPattern, URL_BYTES_MAX, UrlError,
};
pub use policy::{
    Cited, GrantVerdict, LimitMaxima, McpApproval, Outcome, POLICY_BYTES_MAX, Policies, Policy,
    PolicyCounts, PolicyError, PolicyErrorKind, TestResult, TrustMin, Verdict,
};
pub use quantity::{ByteSize, QuantityError, Span};
pub use schema::{input_schema, output_schema};
pub use text::{Quoted, is_hidden};
pub use tool::{
    Annotations, Described, Entry, Tool, ToolError, check_tools, derive_tools, describe_tools,
};
pub use wit::{Case, Field, Signature, WitType};
