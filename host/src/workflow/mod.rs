//! DECIDE: what a task is, what may happen to it, and what has to be done next.
//!
//! ```text
//! journal ──→ Event ──→ step(Run, &Event) ──→ (Run, Commands) ──→ runtime performs them
//!                ▲                                                      │
//!                └────────────── what came of it, as facts ─────────────┘
//! ```
//!
//! | file       | answers                                                   |
//! |------------|-----------------------------------------------------------|
//! | `id`       | what is a task called, and what the key of an effect?     |
//! | `state`    | in which states can a task be, and what may follow?       |
//! | `event`    | which facts does a journal hold?                          |
//! | `command`  | which orders can a step give?                             |
//! | `run`      | what is known of a task once its facts are folded?        |
//! | `step`     | what does one fact change?                                |
//! | `plan`     | which steps of a spec may begin now?                      |
//! | `budget`   | what may still be used?                                   |
//! | `replay`   | what did an agent ask before, and what was it answered?   |
//! | `spec`     | what does a workflow file say, and is it right?           |
//! | `expression` | what does `{{ … }}` in it come to?                      |
//!
//! Invariant: nothing here reads a clock, draws a number, waits, or touches anything outside. The same
//! events give the same run, the same commands and the same hash, on every machine.
//! Not here: where events are kept (`journal`), who carries out commands (`runtime`).

mod budget;
mod command;
mod event;
pub mod expression;
mod failure;
mod id;
mod plan;
mod replay;
mod run;
pub mod spec;
mod state;
mod step;
mod text;

#[cfg(test)]
mod tests;

pub use budget::{Account, Budget, Dimension, Spent};
pub use command::{Call, Command, Commands, Effect, Ending, Inquiry, Order};
pub use event::{
    Answer, Ask, Asked, Event, Fact, Gate, Intended, Line, Noted, Origin, Parent, Planned, Program,
    Returned, Started, Timer, Verdict, Work,
};
pub use failure::{CLOSED, Failure, FailureKind};
pub use id::{EffectKey, TaskId};
pub use plan::{Item, Node, OUTPUT_BYTES_MAX, Plan, Progress};
pub use replay::{Divergence, Fed, Feed, Outcome, Recorded};
pub use run::{AGENT_CALLS_MAX, CONTEXT_BYTES_MAX, OPEN_MAX, Open, Run};
pub use state::{Reason, Resting, Signal, State, Why};
pub use step::{IllegalEvent, step};
pub use text::{KEPT_FROM, Text};
