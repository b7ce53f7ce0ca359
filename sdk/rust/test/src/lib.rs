//! Calls a plugin's tools in the sandbox of `ax`, from Rust tests.
//!
//! ```no_run
//! use ax_sdk_test::Sandbox;
//!
//! let sandbox = Sandbox::here();
//! let greeted = sandbox.case("greet").arg("name", "Ada").run();
//! assert_eq!(greeted.text(), "Hello, Ada!");
//! ```
//!
//! [`Sandbox::here`] builds the component and starts `ax test --stdio`; each case goes to it as a line
//! of JSON and comes back as one. A case has data, files, secrets, a clock and answers of servers of
//! its own, and may do what it is allowed: what the `[[case]]` tables of `tests/*.toml` have, this has.
//!
//! Functions panic where a test has to fail: without `ax`, without a project, for a case that is wrong.

#![warn(missing_docs)]

mod answer;
mod case;
mod process;

pub use answer::{Failure, Played};
pub use case::{Case, Exchange};

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use process::Process;

/// The sandbox with a plugin in it; ends with it. Tests may share one.
pub struct Sandbox {
    process: Mutex<Process>,
}

impl Sandbox {
    /// Builds the plugin of the package that is tested.
    ///
    /// # Panics
    ///
    /// When there is no such plugin, it does not build, or `ax` is not there. `AX` names the program
    /// if it is not in `PATH`.
    #[must_use]
    pub fn here() -> Self {
        #[allow(clippy::disallowed_methods, reason = "a test is told by cargo and by its author")]
        let folder =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| ".".into(), PathBuf::from);
        Self::of(&folder)
    }

    /// Builds the plugin of a project.
    ///
    /// # Panics
    ///
    /// As [`Sandbox::here`].
    #[must_use]
    pub fn of(project: &Path) -> Self {
        Self { process: Mutex::new(Process::start(project)) }
    }

    /// Begins a case: a call of this tool in a world of its own.
    pub fn case(&self, tool: &str) -> Case<'_> {
        Case::new(self, tool)
    }

    /// Plays a case.
    fn play(&self, case: &serde_json::Value) -> Played {
        // A test that failed while it held the lock has said so.
        let mut process = self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Played::read(&process.ask(&case.to_string()))
    }
}
