//! What the tests of the whole have in common: where the program is, a home of its own for each
//! test, tiny components, servers on loopback, texts that compare, pages of the documentation,
//! the lines of a bench, answers of models, an upstream that fails, and tasks that are killed.
//!
//! The tests are in `tests/`: `architecture` (the code's own order), `cli` (one promise to a user
//! each, through the program), `processes` (several at once, and killed ones), `hostile…` (guests
//! that try to break out), `chaos` (providers that fail in every way).

pub mod answer;
pub mod authority;
pub mod chaos;
pub mod components;
pub mod home;
pub mod page;
pub mod program;
pub mod row;
pub mod server;
pub mod told;
pub mod torture;
