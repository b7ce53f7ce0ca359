// Written by a test from `wit/` and `worlds.wit` (`tests/tests/architecture/bindings.rs`), and compared
// by it.
include!("bindings/imports.rs");

pub mod tools {
    include!("bindings/tools.rs");
}

pub mod lifecycle {
    include!("bindings/lifecycle.rs");
}

pub mod agent {
    include!("bindings/agent.rs");
}

pub mod routing {
    include!("bindings/routing.rs");
}
