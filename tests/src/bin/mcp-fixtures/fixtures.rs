//! All tools of the suite, under its names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ax_host::server::mcp::{Errand, Installed, Offering, ToolCall};
use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, DetailedTask, Tool};

use crate::native::{self, Native};
use crate::states::States;

/// What the wire names of the plugin's tools begin with.
const PREFIX: &str = "test_conformance_";

/// The one name that has no other with hyphens, since each word of ours begins with a letter.
const NUMBERED: [&str; 2] = ["json-schema-tool", "json_schema_2020_12_tool"];

/// The tools of the plugin, and those of this program.
pub(crate) struct Fixtures {
    installed: Installed,
    native: BTreeMap<&'static str, Native>,
    states: States,
    /// How often a client asked for other tools.
    changes: AtomicU64,
}

impl Fixtures {
    pub(crate) fn new(installed: Installed) -> Self {
        let native = native::all();
        Self { installed, native, states: States::default(), changes: AtomicU64::default() }
    }
}

impl Offering for Fixtures {
    fn edition(&self) -> u64 {
        self.installed.edition() + self.changes.load(Ordering::Relaxed)
    }

    fn tools(&self) -> Arc<BTreeMap<String, Tool>> {
        let installed = self.installed.tools();
        let installed = installed.iter().filter_map(|(name, tool)| {
            let name = suite_name(name)?;
            let mut tool = tool.clone();
            tool.name = name.clone().into();
            Some((name, tool))
        });
        let native = self.native.iter().map(|(name, it)| ((*name).to_owned(), it.tool.clone()));
        Arc::new(installed.chain(native).collect())
    }

    async fn call(&self, mut call: ToolCall) -> Result<CallToolResponse, ErrorData> {
        match self.native.get(call.name.as_str()) {
            Some(native) => native.call(&call, &self.states, &self.changes).await,
            None => {
                call.name = wire_name(&call.name);
                self.installed.call(call).await
            }
        }
    }

    async fn task(&self, errand: Errand) -> Result<DetailedTask, ErrorData> {
        self.installed.task(errand).await
    }

    async fn close(&self) {
        self.installed.close().await;
    }
}

fn suite_name(wire: &str) -> Option<String> {
    let name = wire.strip_prefix(PREFIX)?;
    let [ours, theirs] = NUMBERED;
    Some(if name == ours { theirs.to_owned() } else { name.replace('-', "_") })
}

fn wire_name(of_suite: &str) -> String {
    let [ours, theirs] = NUMBERED;
    let name = if of_suite == theirs { ours.to_owned() } else { of_suite.replace('_', "-") };
    format!("{PREFIX}{name}")
}
