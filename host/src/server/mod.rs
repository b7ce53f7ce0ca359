//! EXPOSE: protocols by which other programs reach what is installed here.
//!
//! Invariant: nothing that is served changes a permission, a secret, a setting or what is installed.

pub mod mcp;
