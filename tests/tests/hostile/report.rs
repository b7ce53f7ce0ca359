//! `ax:repo-report` with the tools of our other plugins, in the sandbox: no program and no journal around it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;

use ax_host::plugin::Call;
use ax_host::plugin::Plugin;
use ax_host::plugin::agent::AgentEnd;
use ax_host::plugin::agent::Companion;
use ax_host::plugin::agent::Import;
use ax_host::plugin::agent::Question;
use ax_host::plugin::agent::Told;
use ax_host::plugin::agent::answer_of;
use ax_host::plugin::agent::failure_of;
use ax_manifest::LimitMaxima;
use ax_manifest::describe_agents;
use ax_manifest::describe_tools;
use ax_manifest::inspect;
use ax_tests::program;
use serde_json::Value;
use serde_json::json;

use crate::agent::done;
use crate::agent::run;
use crate::agent::told;
use crate::arena::Arena;
use crate::arena::Guest;

/// Calls the tools of our own plugins, as a task would.
struct Ours {
    plugins: Vec<(&'static str, Arc<Plugin>)>,
    calls: Mutex<Vec<String>>,
}

impl Ours {
    fn new() -> Arc<Self> {
        let load = |folder: &'static str| {
            let bytes =
                fs_err::read(program::plugin(folder).join("plugin.wasm")).expect("a component");
            let facts = inspect(&bytes).expect("a component");
            let arena = Arena::shared();
            let name = format!("ax:{folder}").parse().expect("a name");
            let described =
                arena.host.describe(&name, &facts, &bytes, &LimitMaxima::default()).expect("tools");
            let tools = describe_tools(described, Vec::new(), None).expect("they are right");
            let mut guest = Guest::unchecked(bytes, tools).granted(&["fs:workspace:read"]);
            guest.release.identity.name = name;
            (folder, arena.load(&guest).expect("it loads"))
        };
        Arc::new(Self { plugins: vec![load("files"), load("metrics")], calls: Mutex::default() })
    }

    async fn answer(&self, question: Question) -> Told {
        if question.import != Import::ToolsCall {
            return told(&Value::Null);
        }
        if let Some(refused) = question.refused {
            return Told::Answer(Err(refused));
        }
        let arguments: Value = serde_json::from_str(&question.arguments).expect("JSON");
        let name = arguments["name"].as_str().expect("a name");
        self.calls.lock().expect("nothing panics").push(name.to_owned());
        let (plugin, tool) = name.trim_start_matches("ax:").split_once('.').expect("a tool");
        let (_, plugin) = self.plugins.iter().find(|(it, _)| *it == plugin).expect("a plugin");
        let call = Call::new(tool, &arguments["input"].to_string());
        let report = Arena::shared().host.call(plugin, call).await;
        Told::Answer(match report.result {
            Ok(output) => Ok(answer_of(&output)),
            Err(error) => Err(failure_of(&error)),
        })
    }
}

impl Companion for Ours {
    fn ask(
        &self,
        questions: Vec<Question>,
    ) -> Pin<Box<dyn Future<Output = Vec<Told>> + Send + '_>> {
        Box::pin(async move {
            let mut all = Vec::new();
            for question in questions {
                all.push(self.answer(question).await);
            }
            all
        })
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn seed(&self) -> u64 {
        0
    }

    fn is_replaying(&self) -> bool {
        false
    }
}

#[test]
fn our_agent_writes_its_report_through_the_tools_of_others() {
    let bytes =
        fs_err::read(program::plugin("repo-report").join("plugin.wasm")).expect("a component");
    let facts = inspect(&bytes).expect("a component");
    let name = "ax:repo-report".parse().expect("a name");
    let host = &Arena::shared().host;
    let described = host.describe_agents(&name, &facts, &bytes, &LimitMaxima::default());
    let asked = ["tools:ax:files.list", "tools:ax:files.search", "tools:ax:metrics.count"];
    let mut guest = Guest::unchecked(bytes, Vec::new()).granted(&asked);
    guest.release.agents = describe_agents(described.expect("agents")).expect("they are right");
    let ours = Ours::new();
    let outcome = done(run(&guest, "repo-report", &json!({}), ours.clone()));
    let report = outcome["report"].as_str().expect("a report");
    assert!(report.starts_with("# Report on the workspace\n\nthe goal\n"), "{report}");
    assert!(outcome["files"].as_u64().is_some_and(|files| files >= 2), "{outcome}");
    let calls = ours.calls.lock().expect("nothing panics").join(" ");
    assert_eq!(calls, "ax:files.list ax:metrics.count ax:files.search");
    // It may not write, since nobody granted it.
    let written = run(&guest, "repo-report", &json!({ "out": "report.md" }), ours);
    let AgentEnd::Done { result: Err(failure), .. } = written else { panic!("{written:?}") };
    assert_eq!(failure.code, "tools:ax:files.write");
}
