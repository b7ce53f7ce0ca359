//! Guests that try to break out, each with the typed answer it must get, the host alive afterwards
//! and the bound held.
//!
//! `cargo xtask hostile` prints one line each. A guest is an export of `tests/guests/hostile`, a
//! text of `tests/guests/wat`, or bytes made by a test.
//!
//! Not here: parts not built yet (events, services), which bring guests of their own.

mod arena;
mod verdict;
mod wat;

mod answers;
mod compiler;
mod cpu;
mod crowd;
mod describe;
mod doors;
mod files;
mod handles;
mod log;
mod malformed;
mod memory;
mod network;
mod surroundings;
mod trail;
