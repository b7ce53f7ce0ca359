//! A plugin that keeps what it can from call to call, takes more than it may, and brings its data to
//! a new form as badly as it is told to.
//!
//! Not here: ways to misbehave within one call (`tests/guests/hostile`), and what each must lead to
//! (`tests/tests`).

#![expect(
    clippy::disallowed_methods,
    reason = "the host's own rules are not for a guest that breaks them"
)]

mod growth;
mod held;
mod keys;
mod leftovers;
mod migrate;

mod bindings {
    #![expect(unsafe_code, reason = "the canonical ABI passes memory as addresses")]
    use super::Hoarder;
    wit_bindgen::generate!({
        world: "test:hoarder/hoarder",
        path: ["../../../wit", "wit"],
        generate_all,
    });
    export!(Hoarder with_types_in self);
}

struct Hoarder;
