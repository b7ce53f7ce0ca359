//! Writes plugins for `ax`: a tool is a function.
//!
//! ```
//! use ax_sdk::prelude::*;
//!
//! /// Greets somebody by name.
//! #[tool(read_only, idempotent)]
//! fn greet(
//!     /// Who is greeted.
//!     name: String,
//! ) -> Result<String> {
//!     Ok(format!("Hello, {name}!"))
//! }
//!
//! ax_sdk::plugin!(tools: [greet]);
//! # fn main() {}
//! ```
//!
//! Doc comments are the descriptions that models and people read; parameters are the members of the
//! input, `Option` makes one optional, and the JSON Schema of both is derived. Input is read as that schema
//! says: an object is no list of its members, and 3.0 is a whole number. What goes wrong is an
//! [`Error`] with a kind that says what to do about it; `?` turns any other error into one.
//!
//! | To … | use | the manifest asks for |
//! |---|---|---|
//! | write a line for the operator | [`log`] | nothing |
//! | read what the operator has set | [`config`] | nothing |
//! | say how far a call is, or that it was cancelled | [`task`] | nothing |
//! | keep data between calls | [`kv`] | `kv` |
//! | send requests | [`http`] | `net` |
//! | ask models | [`model`] | `models` |
//! | know whether a secret is set | [`secrets`] | `secrets` |
//! | call tools of other plugins, from an [`agent`] | [`tools`] | `tools` |
//! | wait, ask a person, keep a record, from an [`agent`] | [`task`] | nothing |
//! | read and write files | `std::fs`, below `/workspace` | `fs` |
//!
//! Outside of a sandbox, as under `cargo test`, all of these are fakes that a test fills and looks
//! into: `fake`. Files are those of the machine then.
//!
//! What a call may use unless the manifest asks for less and the operator says otherwise: 10 G units of
//! fuel, 30 s, 64 MiB of memory, 1 MiB of input and 1 MiB of answer.

#![warn(missing_docs)]

mod agent;
mod answer;
mod call;
mod durable;
mod error;
mod misfit;
mod read;
mod schema;
mod tool;

pub mod config;
pub mod http;
pub mod kv;
pub mod log;
pub mod model;
pub mod secrets;
pub mod task;
pub mod tools;

#[cfg(not(target_arch = "wasm32"))]
pub mod fake;

#[cfg(target_arch = "wasm32")]
mod guest;

/// What `wit-bindgen` wrote for the interfaces of the host.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[allow(
    missing_docs,
    unsafe_code,
    unused_imports,
    unreachable_pub,
    clippy::all,
    reason = "it is generated"
)]
pub mod bindings;

pub use agent::Agent;
pub use answer::{Answer, Content, Json, Link, Media, Output};
/// ```
/// use ax_sdk::prelude::*;
/// use ax_sdk::{task, tools};
///
/// /// What came of it.
/// #[data]
/// struct Digest {
///     words: u64,
/// }
///
/// /// Counts the words of a page, if somebody agrees.
/// #[agent]
/// fn digest(
///     /// Which page.
///     url: String,
/// ) -> Result<Json<Digest>> {
///     let page: String = tools::call("ax:fetch.get", &serde_json::json!({ "url": url }))?;
///     if !task::approve("count the words", &url)? {
///         return Err(Error::new(ErrorKind::Cancelled, "nobody agreed"));
///     }
///     task::emit("counting");
///     Ok(Json(Digest { words: page.split_whitespace().count() as u64 }))
/// }
///
/// ax_sdk::agents!(agents: [digest]);
/// # fn main() {
/// ax_sdk::fake::tool("ax:fetch.get", |_| Ok("a b c".into()));
/// assert_eq!(digest("https://example.org/".to_owned()).unwrap().0.words, 3);
/// # }
/// ```
#[doc(inline)]
pub use ax_sdk_macros::agent;
/// ```
/// use ax_sdk::prelude::*;
///
/// /// What to look for.
/// #[data]
/// struct Question {
///     /// Words that all have to be there.
///     words: Vec<String>,
///     /// At most so many; 10 when absent.
///     #[serde(default = "ten")]
///     limit: u32,
/// }
///
/// fn ten() -> u32 {
///     10
/// }
///
/// /// Where it was found.
/// #[data]
/// #[serde(rename_all = "kebab-case")]
/// #[derive(Debug, PartialEq)]
/// enum Place {
///     /// In the title.
///     Title,
///     /// In the text, on this line.
///     Line(u32),
/// }
/// # let place: Place = ax_sdk::serde_json::from_str(r#"{"line": 3}"#).unwrap();
/// # assert_eq!(place, Place::Line(3));
/// ```
#[doc(inline)]
pub use ax_sdk_macros::data;
/// ```
/// use ax_sdk::prelude::*;
///
/// /// Counts the words of a text.
/// #[tool(title = "Count words", read_only, idempotent)]
/// fn count_words(
///     /// What is counted.
///     text: String,
///     /// Counts each word once.
///     distinct: Option<bool>,
/// ) -> Result<String> {
///     let mut words: Vec<&str> = text.split_whitespace().collect();
///     if distinct == Some(true) {
///         words.sort_unstable();
///         words.dedup();
///     }
///     Ok(words.len().to_string())
/// }
///
/// # fn main() {
/// // It is a function still, …
/// assert_eq!(count_words("a b a".to_owned(), Some(true)).unwrap(), "2");
/// // … and a tool beside it.
/// assert_eq!(count_words::tool().name, "count-words");
/// # }
/// ```
#[doc(inline)]
pub use ax_sdk_macros::tool;
pub use error::{Error, ErrorKind, Result};
pub use schemars;
pub use serde;
/// What [`Json`] and [`Error::data`](Error#method.data) are made of, so that a plugin needs no such
/// dependency of its own.
#[doc(no_inline)]
pub use serde_json;
pub use tool::{Annotations, Tool};

/// What most plugins need: `use ax_sdk::prelude::*`.
pub mod prelude {
    pub use crate::{
        Answer, Content, Error, ErrorKind, Json, Link, Media, Output, Result, agent, data, tool,
    };
}

/// What the macros of this crate write calls to.
#[doc(hidden)]
pub mod private {
    pub use crate::agent::run;
    pub use crate::call::{Call, call, parse};
    #[cfg(target_arch = "wasm32")]
    pub use crate::guest::{answered, described, described_agents, migrated, ran};
    pub use crate::schema::{Given, given, of as schema_of};
}

/// Makes a plugin of functions: once, in the crate's root.
///
/// ```
/// # use ax_sdk::prelude::*;
/// # /// Counts.
/// # #[tool]
/// # fn count(text: String) -> Result<String> { Ok(text.len().to_string()) }
/// # fn upgrade(from: &str, to: &str) -> Result<()> { Ok(()) }
/// ax_sdk::plugin!(tools: [count], migrate: upgrade);
/// # fn main() {}
/// ```
///
/// `migrate` brings what [`kv`] keeps from the form of one version to that of another; it may be left
/// out. Outside of a sandbox the macro makes `tools()`, which tests can call.
#[macro_export]
macro_rules! plugin {
    (tools: [$($($tool:ident)::+),* $(,)?] $(, migrate: $migrate:path)? $(,)?) => {
        /// The tools of this plugin, in the order they are shown.
        pub fn tools() -> ::std::vec::Vec<$crate::Tool> {
            ::std::vec![$($($tool)::+::tool()),*]
        }

        #[doc(hidden)]
        pub const __AX_CALLS: &[$crate::private::Call] = &[$($($tool)::+::CALL),*];

        // Checked outside of a sandbox too, where nothing calls it.
        $(const _: fn(&str, &str) -> $crate::Result<()> = $migrate;)?

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Plugin;

            impl $crate::bindings::tools::exports::ax::guest::tools::Guest for Plugin {
                fn describe() -> ::std::vec::Vec<$crate::bindings::ax::types::types::Tool> {
                    $crate::private::described(&tools())
                }

                fn call(
                    name: ::std::string::String,
                    input: ::std::string::String,
                ) -> ::std::result::Result<
                    $crate::bindings::ax::types::types::Output,
                    $crate::bindings::ax::types::types::Error,
                > {
                    $crate::private::answered(__AX_CALLS, &name, &input)
                }
            }

            $crate::bindings::tools::export_tools!(Plugin with_types_in $crate::bindings::tools);

            $(
                impl $crate::bindings::lifecycle::exports::ax::guest::lifecycle::Guest for Plugin {
                    fn migrate(
                        from_version: ::std::string::String,
                        to_version: ::std::string::String,
                    ) -> ::std::result::Result<(), $crate::bindings::ax::types::types::Error> {
                        $crate::private::migrated($migrate(&from_version, &to_version))
                    }
                }

                $crate::bindings::lifecycle::export_lifecycle!(
                    Plugin with_types_in $crate::bindings::lifecycle
                );
            )?
        };
    };
}

/// Makes a policy of a function: a plugin that chooses which model is asked. Once, in the crate's root.
///
/// ```
/// fn rank(request: &str, candidates: &str) -> Vec<u32> { vec![] }
/// ax_sdk::policy!(rank: rank);
/// # fn main() {}
/// ```
///
/// Both are JSON texts; `ax:guest/routing` says what is in them and what the answer means. A policy has no
/// permissions while it chooses; [`log`] and [`config`] work. A plugin may be a policy and have tools.
#[macro_export]
macro_rules! policy {
    (rank: $rank:path $(,)?) => {
        // Checked outside of a sandbox too, where nothing calls it.
        const _: fn(&str, &str) -> ::std::vec::Vec<u32> = $rank;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Policy;

            impl $crate::bindings::routing::exports::ax::guest::routing::Guest for Policy {
                fn rank(
                    request: ::std::string::String,
                    candidates: ::std::string::String,
                ) -> ::std::vec::Vec<u32> {
                    $rank(&request, &candidates)
                }
            }

            $crate::bindings::routing::export_routing!(
                Policy with_types_in $crate::bindings::routing
            );
        };
    };
}

/// Makes a plugin of agents: once, in the crate's root. Such a plugin has no tools of its own.
///
/// ```
/// # use ax_sdk::prelude::*;
/// # /// Says hello.
/// # #[agent]
/// # fn hello(goal: String) -> Result<String> { Ok(format!("Hello, {goal}!")) }
/// ax_sdk::agents!(agents: [hello]);
/// # fn main() {}
/// ```
///
/// Outside of a sandbox the macro makes `agents()`, which tests can run.
#[macro_export]
macro_rules! agents {
    (agents: [$($($agent:ident)::+),* $(,)?] $(,)?) => {
        /// The agents of this plugin, in the order they are shown.
        pub fn agents() -> ::std::vec::Vec<$crate::Agent> {
            ::std::vec![$($($agent)::+::agent()),*]
        }

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Plugin;

            impl $crate::bindings::agent::exports::ax::guest::agent::Guest for Plugin {
                fn describe() -> ::std::vec::Vec<
                    $crate::bindings::agent::exports::ax::guest::agent::Description,
                > {
                    $crate::private::described_agents(&agents())
                }

                fn run(
                    name: ::std::string::String,
                    goal: ::std::string::String,
                    input: ::std::string::String,
                ) -> ::std::result::Result<
                    ::std::string::String,
                    $crate::bindings::ax::types::types::Error,
                > {
                    $crate::private::ran(&agents(), &name, &goal, &input)
                }
            }

            $crate::bindings::agent::export_agent!(Plugin with_types_in $crate::bindings::agent);
        };
    };
}
