//! Guests that try to break out, each with the typed answer it must get, the host alive afterwards
//! and the bound held.
//!
//! `cargo xtask hostile` prints one line each. A guest is an export of `tests/guests/hostile` (one
//! call) or `tests/guests/hoarder` (what is left from call to call), a text of `tests/guests/wat`, or
//! bytes made by a test.
//!
//! Not here: parts not built yet (events, services), which bring guests of their own.

mod arena;
mod verdict;
mod wat;

mod agent;
mod answers;
mod compiler;
mod cpu;
mod crowd;
mod describe;
mod doors;
mod files;
mod growth;
mod handles;
mod held;
mod keys;
mod leftovers;
mod log;
mod malformed;
mod memory;
mod migration;
mod network;
mod once;
mod ranking;
mod report;
mod surroundings;
mod trail;
mod turns;
