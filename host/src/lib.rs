//! AutomatosX: runs plugins for agents, each in a sandbox of its own.
//!
//! Modules in reading order; each uses only those below it (`tests/architecture.rs` checks it):
//!
//! ```text
//! cli      TALK       commands and what they print
//! server   EXPOSE     protocols for other programs: MCP
//! app      BUILD      everything from Config; install, consent, generations
//! config   READ       settings and where each came from
//! runtime  PERFORM    carries tasks: whatever is done on behalf of one
//! ledger   REMEMBER   what was asked of models, and what it cost
//! router   ROUTE      who is asked, and what is done when that fails
//! plugin   CONTAIN    the sandbox
//! provider REACH      one provider of models, asked in its own words
//! journal  REMEMBER what happened to tasks, entry by entry
//! audit    REMEMBER   what happened, unchangeable
//! egress   REACH      one HTTP exchange with an address that was checked
//! kv       REMEMBER   what plugins keep
//! project  MAKE       a plugin's source folder, made and built
//! secret   REMEMBER   what operators entrust, encrypted
//! workflow DECIDE     what a task is and what follows from each fact; pure
//! chat     WORDS      what is said to a model and what comes back
//! clock               the only source of time
//! failpoint           where a test lets the program die
//! folder              files, read and replaced without following links below a folder
//! ```

pub mod app;
pub mod audit;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod egress;
pub mod failpoint;
pub mod folder;
pub mod journal;
pub mod kv;
pub mod ledger;
pub mod plugin;
pub mod project;
pub mod provider;
pub mod router;
pub mod runtime;
pub mod secret;
pub mod server;
pub mod workflow;
