//! What a task does, with all it depends on pinned.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use ax_manifest::{Digest, ToolId};
use serde_json::Value;

use super::{Doing, TaskError};
use crate::app::App;
use crate::workflow::spec::{SPEC_BYTES_MAX, Spec, StepKind};
use crate::workflow::{Budget, Program, Started, Text, Work};

/// Files that one workflow may be made of, itself among them.
const FILES_MAX: usize = 32;

/// What a task does.
pub(super) struct Pinned {
    pub(super) work: Work,
    pub(super) title: String,
    pub(super) name: String,
    /// What it may use when nobody says so.
    pub(super) budget: Budget,
}

impl App {
    /// Pins what a task is to do, and checks its input. Answers too whether it fails at its limit when nobody
    /// says so.
    pub(super) fn pinned(&self, doing: &Doing, input: &Value) -> Result<(Pinned, bool), TaskError> {
        match doing {
            Doing::Workflow(path) => {
                let text = read(path)?;
                let spec = parse(path, &text)?;
                let refusals = spec.refusals(input);
                if !refusals.is_empty() {
                    return Err(TaskError::Input { name: spec.name, refusals });
                }
                let mut nested = BTreeMap::new();
                gather(path, &spec, &mut nested)?;
                let fails_at_limit = spec.fails_at_limit;
                Ok((of_spec(&spec, &text, nested), fails_at_limit))
            }
            Doing::Call { tool, caller } => {
                let text = call_spec(tool, caller);
                let spec = parse(Path::new("call"), &text)?;
                Ok((of_spec(&spec, &text, BTreeMap::new()), true))
            }
            Doing::Agent { agent, goal } => {
                let pinned = self.agent_work(agent, goal)?;
                self.check_agent_input(agent, input)?;
                Ok((pinned, false))
            }
        }
    }

    /// Pins the work of an agent: its code and its settings.
    pub(super) fn agent_work(&self, agent: &ToolId, goal: &str) -> Result<Pinned, TaskError> {
        let installed = self.installed_agent(agent)?;
        let settings = self.config().plugins.get(&agent.plugin).map(|set| &set.value);
        let settings = settings
            .map_or_else(|| "{}".to_owned(), |set| serde_json::to_string(set).unwrap_or_default());
        let program = Program {
            plugin: agent.plugin.clone(),
            agent: agent.tool.clone(),
            component: installed.locked.component,
            settings: Text::new(settings),
            goal: goal.to_owned(),
        };
        let title = match goal.is_empty() {
            true => agent.to_string(),
            false => goal.to_owned(),
        };
        let (work, name) = (Work::Agent(program), agent.to_string());
        Ok(Pinned { work, title, name, budget: Budget::default() })
    }
}

/// Finds the work of a step that does the steps of another file: its text was pinned with the task.
pub(super) fn nested(parent: &Started, file: &str) -> Result<Pinned, TaskError> {
    let path = PathBuf::from(file);
    let Work::Workflow { nested, .. } = &parent.work else {
        return Err(TaskError::NotPinned { file: file.to_owned() });
    };
    let text = nested.get(file).and_then(Text::here);
    let text = text.and_then(|json| serde_json::from_str::<String>(json).ok());
    let text = text.ok_or_else(|| TaskError::NotPinned { file: file.to_owned() })?;
    let spec = parse(&path, &text)?;
    // Its own files are among those of the whole, named from the same folder.
    let inner = nested
        .iter()
        .filter_map(|(name, text)| {
            let folder = Path::new(file).parent().unwrap_or(Path::new(""));
            let rest = Path::new(name).strip_prefix(folder).ok()?;
            Some((rest.to_str()?.to_owned(), text.clone()))
        })
        .collect();
    Ok(of_spec(&spec, &text, inner))
}

/// Writes the workflow that calls a tool once a person has allowed it.
fn call_spec(tool: &ToolId, caller: &str) -> String {
    // Neither has a quote, a line's end or a brace: names are kebab-case.
    let title = format!("{tool} called by {caller}");
    format!(
        "name = \"call\"\ntitle = \"{title}\"\ninput = {{ type = \"object\" }}\n\
         output = \"{{{{ steps.call }}}}\"\n\n\
         [[step]]\nid = \"allow\"\napprove = \"{title}\"\ndetails = \"{{{{ input }}}}\"\n\n\
         [[step]]\nid = \"call\"\nneeds = [\"allow\"]\ntool = \"{tool}\"\nwith = \"{{{{ input }}}}\"\n"
    )
}

fn of_spec(spec: &Spec, text: &str, nested: BTreeMap<String, Text>) -> Pinned {
    let work = Work::Workflow {
        spec: Text::new(Value::from(text).to_string()),
        digest: Digest::of(text.as_bytes()),
        nested,
    };
    let title = spec.title.clone().unwrap_or_else(|| spec.name.clone());
    Pinned { work, title, name: spec.name.clone(), budget: spec.budget }
}

/// Reads the files that a workflow names as steps, and those that they name.
fn gather(path: &Path, spec: &Spec, nested: &mut BTreeMap<String, Text>) -> Result<(), TaskError> {
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut waiting: Vec<String> = named(spec, Path::new("")).collect();
    while let Some(name) = waiting.pop() {
        if nested.contains_key(&name) {
            continue;
        }
        if nested.len() + 1 >= FILES_MAX {
            return Err(TaskError::TooManyFiles { max: FILES_MAX });
        }
        let file = root.join(&name);
        let text = read(&file)?;
        let spec = parse(&file, &text)?;
        let folder = Path::new(&name).parent().unwrap_or(Path::new("")).to_owned();
        waiting.extend(named(&spec, &folder));
        nested.insert(name, Text::new(Value::from(text).to_string()));
    }
    Ok(())
}

/// Lists the files that a workflow names, from the folder of the first.
fn named<'s>(spec: &'s Spec, folder: &'s Path) -> impl Iterator<Item = String> + 's {
    spec.steps.iter().filter_map(move |step| match &step.kind {
        StepKind::Workflow { file, .. } => {
            let joined = folder.join(file);
            let parts = joined.components().filter(|part| *part != Component::CurDir);
            parts.collect::<PathBuf>().to_str().map(str::to_owned)
        }
        _ => None,
    })
}

fn read(path: &Path) -> Result<String, TaskError> {
    let failed = |source| TaskError::Read { path: path.to_owned(), source };
    let bytes = fs_err::metadata(path).map_err(failed)?.len();
    if bytes > SPEC_BYTES_MAX as u64 {
        return Err(TaskError::TooLong { path: path.to_owned(), bytes });
    }
    fs_err::read_to_string(path).map_err(failed)
}

fn parse(path: &Path, text: &str) -> Result<Spec, TaskError> {
    Spec::parse(text).map_err(|errors| TaskError::Spec { path: path.to_owned(), errors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_allowed_before_it_is_made_and_gets_its_arguments_as_they_are() {
        let tool = "ax:files.write".parse().unwrap();
        let spec = Spec::parse(&call_spec(&tool, "mcp:http:my-laptop")).unwrap();
        assert_eq!(spec.title.as_deref(), Some("ax:files.write called by mcp:http:my-laptop"));
        assert!(spec.refusals(&serde_json::json!({ "any": 1 })).is_empty());
        assert!(matches!(spec.steps[0].kind, StepKind::Approve { .. }));
        assert_eq!(spec.steps[1].needs, [0]);
    }
}
