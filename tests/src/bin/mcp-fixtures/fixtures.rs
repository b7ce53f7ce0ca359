//! All tools of the suite, under its names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ax_host::server::mcp::{Errand, Installed, Offering, ToolCall};
use rmcp::ErrorData;
use rmcp::model::{CallToolResponse, DetailedTask, Tool};

use crate::jobs;
use crate::native::{self, Native};
use crate::states::States;

/// What the wire names of the plugins' tools and agents begin with, and those of workflows.
const PREFIXES: [&str; 3] = ["test_conformance_", "test_jobs_", "workflow_"];

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
        let jobs = jobs::tools().into_iter().map(|tool| (tool.name.clone().into_owned(), tool));
        Arc::new(installed.chain(native).chain(jobs).collect())
    }

    async fn call(&self, mut call: ToolCall) -> Result<CallToolResponse, ErrorData> {
        match self.native.get(call.name.as_str()) {
            Some(native) => native.call(&call, &self.states, &self.changes).await,
            None => {
                jobs::needs_tasks(&call)?;
                match call.name.as_str() {
                    jobs::BROKEN => return Ok(jobs::begun().into()),
                    jobs::ASKING => {
                        if let Some(question) = jobs::asked(&mut call, &self.states)? {
                            return Ok(question);
                        }
                    }
                    _ => {}
                }
                let tools = self.installed.tools();
                let wire = tools.keys().find(|wire| suite_name(wire).as_ref() == Some(&call.name));
                call.name = wire.cloned().unwrap_or(call.name);
                self.installed.call(call).await
            }
        }
    }

    async fn task(&self, errand: Errand) -> Result<DetailedTask, ErrorData> {
        match errand.task() == jobs::BROKEN {
            true => Ok(jobs::broken()),
            false => self.installed.task(errand).await,
        }
    }

    async fn close(&self) {
        self.installed.close().await;
    }
}

fn suite_name(wire: &str) -> Option<String> {
    let name = PREFIXES.iter().find_map(|prefix| wire.strip_prefix(prefix))?;
    let [ours, theirs] = NUMBERED;
    Some(if name == ours { theirs.to_owned() } else { name.replace('-', "_") })
}
