//! Guests and servers that use requests against the operator: to reach what is closed, to get at
//! secrets, to take more than there is, to outlive their call.
//!
//! The guest is `tests/guests/caller`; servers are on loopback (`ax_tests::server`). Networks that
//! stand for the internet are 127.1.0.0/16, which the host of these tests has opened; 127.0.0.1 and
//! all else is what no plugin may reach unless a rule names it.
//!
//! Not here: what `egress` alone can show (its own tests): every range of addresses, every way to
//! break HTTP.

mod address;
mod audit;
mod bounds;
mod broken;
mod ending;
mod failure;
mod ground;
mod leak;
mod once;
mod permission;
mod redirect;
mod secret;
mod smuggled;
mod wasi;
