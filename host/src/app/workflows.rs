//! `ax workflow check`: a workflow file against what is installed and granted.
//!
//! Files that it does the steps of are looked at too, each once; a file that contains itself is a mistake
//! of whichever names it last.
//!
//! Invariant: nothing is run, changed or recorded.
//! Not here: what is right and wrong (`workflow::spec`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use ax_manifest::{DEFAULT_MODEL, Grant, Identity, Permission, Policies, ToolId};
use ax_registry::Generation;

use super::App;
use super::change::ChangeError;
use super::installed::InstalledPlugin;
use super::tasks::class_of_call;
use crate::plugin::{Bounds, DenialReason, Rights, Ruling};
use crate::workflow::spec::{
    Checked, Known, KnownAgent, KnownFile, KnownTool, SPEC_BYTES_MAX, check,
};

/// Files inside each other, the first included. A task inside of tasks is refused at the same depth.
const FILE_DEPTH_MAX: usize = 5;

/// Files that are looked at for one check.
const FILES_MAX: usize = 64;

/// One file that was looked at.
#[derive(Debug)]
pub struct CheckedFile {
    /// The way to it, as far as it is known.
    pub file: String,
    /// What came of it.
    pub checked: Checked,
}

/// A workflow file and those it does the steps of.
#[derive(Debug)]
pub struct CheckedWorkflow {
    /// The files, the first one first.
    pub files: Vec<CheckedFile>,
    /// What they were compared with.
    pub known: Known,
}

impl App {
    /// Compares the text of a workflow file, and the files it names, with what is installed and granted.
    /// `file` is the way to it; its folder is where others are looked for.
    ///
    /// # Errors
    ///
    /// When a policy cannot be used or what is installed cannot be read.
    pub fn check_workflow(&self, file: &Path, text: &str) -> Result<CheckedWorkflow, ChangeError> {
        let known = self.known_to_workflows()?;
        let mut walk = Walk { known, files: Vec::new(), seen: BTreeMap::new(), way: Vec::new() };
        walk.look(file, text);
        walk.files.sort_by_key(|(order, _)| *order);
        let files = walk.files.into_iter().map(|(_, file)| file).collect();
        Ok(CheckedWorkflow { files, known: walk.known })
    }

    /// Collects what workflows are compared with: tools, what they may change, what they lack.
    ///
    /// # Errors
    ///
    /// When a policy cannot be used or what is installed cannot be read.
    pub fn known_to_workflows(&self) -> Result<Known, ChangeError> {
        let policies = self.policies().map_err(ChangeError::from)?;
        let generation = self.current()?;
        let (mut tools, mut agents) = (BTreeMap::new(), BTreeMap::new());
        for plugin in self.offering(&generation, policies).whole {
            let held = self.held(&generation, policies, &plugin);
            let declared = &plugin.locked.permissions;
            for tool in &plugin.config.tools {
                let id = ToolId { plugin: plugin.identity.name.clone(), tool: tool.name.clone() };
                let known = KnownTool {
                    input: tool.input_schema.clone(),
                    output: tool.output_schema.clone(),
                    class: class_of_call(declared, held.granted.iter(), tool.annotations.read_only),
                    not_granted: held.lacking.clone(),
                    asked: held.asked.clone(),
                };
                tools.insert(id.to_string(), known);
            }
            for agent in &plugin.config.agents {
                let (input, output) =
                    (Some(agent.input_schema.clone()), agent.output_schema.clone());
                let name = format!("{}.{}", plugin.identity.name, agent.name);
                agents.insert(name, KnownAgent { input, output });
            }
        }
        let (tools, agents, models) = (Some(tools), Some(agents), Some(self.model_names()));
        Ok(Known { tools, agents, models, ..Known::default() })
    }

    /// Lists the tiers and models that the settings name, whether their keys are there or not.
    fn model_names(&self) -> Vec<String> {
        let settings = &self.config.router;
        let tiers = settings.tiers.keys().map(String::as_str);
        let of_tiers = settings.tiers.values().flat_map(|routes| &routes.value);
        let routes = settings.primary.iter().map(|it| &it.value).chain(&settings.fallbacks.value);
        let routes = routes.chain(of_tiers).map(|route| route.model.as_str());
        let providers = self.config.providers.values().map(|it| &it.value);
        let models = providers.flat_map(|it| it.default_model.iter().chain(&it.models));
        let names: BTreeSet<&str> = std::iter::once(DEFAULT_MODEL)
            .chain(tiers)
            .chain(routes)
            .chain(models.map(String::as_str))
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Compares what a plugin asks for with what it is granted now.
    fn held(
        &self,
        generation: &Generation,
        policies: &std::sync::Arc<Policies>,
        plugin: &InstalledPlugin,
    ) -> Held {
        let name = &plugin.identity.name;
        let identity = Identity { name: name.clone(), source: plugin.identity.source.clone() };
        let workspace = self.real_workspace();
        let now_ms = self.clock.now_ms();
        let grants = generation.grants.get(&identity);
        let is_live = |grant: &&Grant| grant.is_live(now_ms, workspace.as_deref());
        let granted: Vec<Permission> =
            grants.iter().filter(is_live).map(|grant| grant.permission.clone()).collect();
        let bounds = Bounds {
            declared: plugin.locked.permissions.clone(),
            policy: Some((policies.clone(), name.clone())),
        };
        let rights = Rights::new(bounds, grants, &[], workspace.as_deref(), now_ms);
        let asks = &plugin.config.manifest.permissions;
        let asked: Vec<Permission> = asks.iter().map(|ask| ask.permission.clone()).collect();
        let lacks = |asked: &&Permission| {
            // A narrower grant is what somebody wanted it to be.
            let is_narrowed = granted.iter().any(|granted| asked.covers(granted));
            rights.decide(asked) == Ruling::Denied(DenialReason::NotGranted) && !is_narrowed
        };
        let lacking = asked.iter().filter(lacks).cloned().collect();
        Held { granted, asked, lacking }
    }
}

/// What one plugin asks for and holds.
struct Held {
    granted: Vec<Permission>,
    asked: Vec<Permission>,
    lacking: Vec<Permission>,
}

/// A walk through files that name each other.
struct Walk {
    known: Known,
    /// The files that were looked at, with the order in which they were met.
    files: Vec<(usize, CheckedFile)>,
    /// What came of each, by the way to it.
    seen: BTreeMap<PathBuf, KnownFile>,
    /// The files that are being looked at, each named by the one before.
    way: Vec<PathBuf>,
}

impl Walk {
    /// Looks at a file after those it names.
    fn look(&mut self, file: &Path, text: &str) -> KnownFile {
        let order = self.seen.len() + self.way.len();
        self.way.push(file.to_owned());
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let named = check(text, &Known::default()).spec;
        let named: BTreeSet<String> =
            named.iter().flat_map(|spec| spec.files()).map(str::to_owned).collect();
        let files = named.into_iter().map(|name| {
            let found = self.named(&folder.join(&name));
            (name, found)
        });
        let files: BTreeMap<String, KnownFile> = files.collect();
        self.way.pop();
        self.known.files = files;
        let checked = check(text, &self.known);
        self.known.files = BTreeMap::new();
        let found = match (&checked.spec, checked.mistakes.len()) {
            (Some(spec), 0) => KnownFile::Usable { input: spec.input.clone() },
            (_, count) => KnownFile::Unusable { why: format!("it has mistakes: {count}") },
        };
        self.seen.insert(file.to_owned(), found.clone());
        let file = file.display().to_string();
        self.files.push((order, CheckedFile { file, checked }));
        found
    }

    /// Looks at a file that another one names.
    fn named(&mut self, file: &Path) -> KnownFile {
        if let Some(at) = self.way.iter().position(|it| it == file) {
            let way = self.way[at..].iter().map(PathBuf::as_path).chain([file]);
            return KnownFile::Circle { files: way.map(|it| it.display().to_string()).collect() };
        }
        if let Some(found) = self.seen.get(file) {
            return found.clone();
        }
        if self.way.len() >= FILE_DEPTH_MAX || self.seen.len() >= FILES_MAX {
            let why = format!(
                "more than {FILE_DEPTH_MAX} files are inside each other, or more than {FILES_MAX} in all"
            );
            return KnownFile::Unusable { why };
        }
        match read(file) {
            Ok(text) => self.look(file, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => KnownFile::Missing,
            Err(error) => KnownFile::Unusable { why: error.to_string() },
        }
    }
}

/// Reads a workflow file, one byte more than it may have, so that who checks sees that it is too long.
fn read(file: &Path) -> std::io::Result<String> {
    // Opening a pipe would wait for somebody to write into it.
    if !fs_err::metadata(file)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut text = String::new();
    let bytes_max = SPEC_BYTES_MAX as u64 + 1;
    fs_err::File::open(file)?.take(bytes_max).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(files: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        }
        let mut walk = Walk {
            known: Known::default(),
            files: Vec::new(),
            seen: BTreeMap::new(),
            way: Vec::new(),
        };
        let first = folder.path().join(files[0].0);
        walk.look(&first, files[0].1);
        walk.files.sort_by_key(|(order, _)| *order);
        let root = format!("{}/", folder.path().display());
        let told = walk.files.into_iter().map(|(_, file)| {
            let mistakes = file.checked.mistakes.iter().map(|it| it.to_string().replace(&root, ""));
            (file.file.replace(&root, ""), mistakes.collect())
        });
        told.collect()
    }

    fn calls(file: &str) -> String {
        format!("name = \"it\"\n[[step]]\nid = \"a\"\nworkflow = \"{file}\"\nwith = {{ x = 1 }}\n")
    }

    fn told(file: &str, mistakes: &[&str]) -> (String, Vec<String>) {
        (file.to_owned(), mistakes.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn files_that_a_workflow_names_are_checked_with_it() {
        let inner = "name = \"inner\"\ninput = { type = \"object\", properties = { x = { type = \"string\" } } }\n\
                     [[step]]\nid = \"b\"\nset = 1\n";
        assert_eq!(
            walk(&[("a.toml", &calls("sub/b.toml")), ("sub/b.toml", inner)]),
            [
                told("a.toml", &["5:14: `sub/b.toml.x` is a whole number; a text is wanted"]),
                told("sub/b.toml", &[]),
            ]
        );
        let wrong = walk(&[("a.toml", &calls("b.toml")), ("b.toml", "name = 1\n")]);
        assert_eq!(wrong[0].1, ["4:12: the workflow `b.toml` cannot be used: it has mistakes: 2"]);
        assert_eq!(wrong[1].1.len(), 2);
        let gone = walk(&[("a.toml", &calls("b.toml"))]);
        assert_eq!(gone[0].1, ["4:12: there is no file `b.toml`"]);
    }

    #[test]
    fn a_circle_of_files_is_a_mistake() {
        let told = walk(&[("a.toml", &calls("b.toml")), ("b.toml", &calls("a.toml"))]);
        assert_eq!(told[1].1, ["4:12: workflows contain each other: `a.toml -> b.toml -> a.toml`"]);
        let own = walk(&[("a.toml", &calls("a.toml"))]);
        assert_eq!(own[0].1, ["4:12: workflows contain each other: `a.toml -> a.toml`"]);
    }

    #[test]
    fn files_are_inside_each_other_so_deep_and_no_deeper() {
        let last = "name = \"it\"\n[[step]]\nid = \"a\"\nset = 1\n".to_owned();
        let chain = |depth: usize| {
            let texts: Vec<(String, String)> = (0..depth)
                .map(|at| {
                    let text = calls(&format!("{}.toml", at + 1)).replace("with = { x = 1 }\n", "");
                    (format!("{at}.toml"), if at + 1 == depth { last.clone() } else { text })
                })
                .collect();
            let files: Vec<(&str, &str)> =
                texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            walk(&files).iter().map(|(_, mistakes)| mistakes.len()).sum::<usize>()
        };
        assert_eq!(chain(FILE_DEPTH_MAX), 0);
        assert!(chain(FILE_DEPTH_MAX + 1) > 0);
    }
}
