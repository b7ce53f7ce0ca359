//! WORDS: what is said to a model and what comes back, whoever the provider is.
//!
//! ```text
//! Request ──→ Model::ask ──→ Answer: Chunk, Chunk, … Done
//!   │ limits                    │ Assembly
//!   └──→ Error                  └──→ Response
//! ```
//!
//! Invariant: pure words; nothing here waits, sends or reads a clock.
//! Not here: how a provider says it (`provider`), who is asked (`router`).

mod chunk;
mod error;
mod limits;
mod message;
mod model;
mod request;
mod response;

pub use chunk::{Assembly, Chunk, Done};
pub use error::{Class, Error};
pub use limits::{LIMITS, Limits};
pub use message::{Media, Message, Opaque, Part, PartKind, Role, ToolCall, ToolResult};
pub use model::{Answer, Model, ModelInfo};
pub use request::{Request, RequestId, Thinking, ToolChoice, ToolDef};
pub use response::{Finish, Response, Usage};
