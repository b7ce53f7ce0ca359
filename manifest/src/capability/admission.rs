//! Decides from imports and declared permissions whether a component may be installed.
//!
//! Invariant: whatever is admitted can be linked, and every function it may call either needs no
//! permission, is judged at each call (the baseline), or was declared.
//! Not here: consent to what is declared, and each single call (the host).

use std::fmt;

use super::Capability;
use super::Row;
use super::Served;
use super::TABLE;
use super::row_of;
use crate::inspect::ComponentFacts;
use crate::inspect::ExportedFunction;
use crate::inspect::ImportedInterface;
use crate::name::PluginName;
use crate::nearest::nearest;
use crate::permission::Permission;
use crate::permission::PermissionKind;
use crate::permission::PermissionSet;
use crate::text::Quoted;

/// The interface of agents, whatever its version.
const GUEST_AGENT: &str = "ax:guest/agent@";

/// Something odd that does not stop an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A permission is declared, but the component imports nothing that could use it.
    Unused {
        /// The declared permission.
        permission: Permission,
    },
    /// A plugin is named in `[dependencies]`, which nothing acts on yet.
    Dependency {
        /// The plugin.
        on: PluginName,
    },
}

/// Why a component may not be installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// It calls an interface whose permission its manifest does not ask for.
    #[error("the component imports `{interface}`, but its manifest asks for no `{}`", kind.word())]
    Undeclared {
        /// The import without its version.
        interface: &'static str,
        /// The kind of permission the manifest would have to ask for.
        kind: PermissionKind,
        /// The first host version that offers the interface, if this one does not.
        from: Option<&'static str>,
    },
    /// No package offers the interface.
    #[error("the component imports {}, which this host does not know", Quoted(import))]
    Unknown {
        /// The import as written.
        import: String,
        /// A known interface that looks like it.
        nearest: Option<&'static str>,
    },
    /// The interface is known in other versions.
    #[error("the component imports {}; this host knows version {track}", Quoted(import))]
    OtherVersion {
        /// The import as written.
        import: String,
        /// The versions that are known, as `major.minor`.
        track: &'static str,
    },
    /// A later host will offer the interface.
    #[error("the component imports `{interface}`, which comes with host version {from}")]
    NotServedYet {
        /// The import without its version.
        interface: &'static str,
        /// The first host version that offers it.
        from: &'static str,
    },
    /// An agent would have effects of its own, which nobody could play back.
    #[error("the component is an agent and imports `{interface}`, which no agent may")]
    NotInAgent {
        /// The import without its version.
        interface: &'static str,
    },
    /// An agent asks for what only other plugins can use.
    #[error(
        "the component is an agent, and its manifest asks for `{permission}`, which no agent can use"
    )]
    NotForAgent {
        /// The permission.
        permission: Permission,
    },
    /// An agent offers something else too.
    #[error("the component exports {} beside `ax:guest/agent`", Quoted(export))]
    AgentAndMore {
        /// The exported interface or function.
        export: String,
    },
    /// The interface is known and will not be offered.
    #[error("the component imports `{interface}`, which this host does not offer")]
    NeverServed {
        /// The import without its version.
        interface: &'static str,
    },
}

impl AdmissionError {
    /// Says what the author can type; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Undeclared { kind, from, .. } => {
                let add = format!("add to [permissions] of plugin.toml: {}", example(*kind));
                Some(match from {
                    None => add,
                    Some(from) => format!("{add}; host version {from} will offer it"),
                })
            }
            Self::Unknown { nearest: Some(interface), .. } => {
                Some(format!("did you mean `{interface}`?"))
            }
            Self::Unknown { nearest: None, .. } => {
                Some("compose the component that offers it into this one: `wac plug`".to_owned())
            }
            Self::OtherVersion { track, .. } => {
                Some(format!("build against version {track} of the interface"))
            }
            Self::NotServedYet { from, .. } => {
                Some(format!("upgrade the host to {from}, or build without the import"))
            }
            Self::NotInAgent { interface } => Some(in_agent(interface)),
            Self::NotForAgent { permission } => Some(format!(
                "remove it from [permissions], and ask for a tool of another plugin that may: {}",
                tool_for(permission.kind())
            )),
            Self::AgentAndMore { .. } => Some(
                "put the agent into a plugin of its own, which may call these as tools".to_owned(),
            ),
            Self::NeverServed { .. } => Some("build without the import".to_owned()),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unused { permission } => write!(
                f,
                "the manifest asks for `{permission}`, but the component imports nothing that \
                 could use it"
            ),
            Self::Dependency { on } => {
                write!(f, "the manifest depends on `{on}`, which is not installed with it")
            }
        }
    }
}

impl Warning {
    /// Says what the author can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unused { .. } => Some("remove it from `[permissions]` in plugin.toml".to_owned()),
            Self::Dependency { .. } => Some("say in README.md what else to install".to_owned()),
        }
    }
}

/// Compares what a component imports with what its manifest asks for.
///
/// # Errors
///
/// [`AdmissionError`] about the first import, in the order of the file, that is undeclared,
/// unknown or not served. An import that is there only for its types is always admitted.
pub fn admit(
    facts: &ComponentFacts,
    asked: &PermissionSet,
) -> Result<Vec<Warning>, AdmissionError> {
    let is_agent = facts.guest_interfaces.iter().any(|it| it.starts_with(GUEST_AGENT));
    if is_agent {
        agent_alone(facts)?;
    }
    let mut usable = Vec::new();
    for import in facts.imports.iter().filter(|import| !import.functions.is_empty()) {
        let row = row_of(&import.name).ok_or_else(|| stranger(&import.name))?;
        if is_agent && !may_agents_import(row) {
            return Err(AdmissionError::NotInAgent { interface: row.interface });
        }
        if let Some(kind) = gated_kind(row, import) {
            if !row.baseline && !asked.iter().any(|permission| permission.kind() == kind) {
                let from = match row.served {
                    Served::From(from) => Some(from),
                    Served::Now | Served::Never => None,
                };
                return Err(AdmissionError::Undeclared { interface: row.interface, kind, from });
            }
            usable.push(kind);
        }
        served(row)?;
    }
    if let Some(permission) = asked.iter().find(|it| is_agent && !may_agents_use(it.kind())) {
        return Err(AdmissionError::NotForAgent { permission: permission.clone() });
    }
    let unused =
        asked.iter().filter(|permission| !usable.iter().any(|&kind| uses(kind, permission)));
    Ok(unused.map(|permission| Warning::Unused { permission: permission.clone() }).collect())
}

/// Refuses an agent that offers something else than agents. Its tools could not be run as its agents are,
/// whose every effect is one of their task.
fn agent_alone(facts: &ComponentFacts) -> Result<(), AdmissionError> {
    let beside =
        |name: &String| !name.starts_with(GUEST_AGENT) && !name.starts_with("ax:guest/lifecycle@");
    let function = |it: &ExportedFunction| it.interface.clone().unwrap_or_else(|| it.name.clone());
    let mut all = facts.guest_interfaces.iter().cloned().chain(facts.exports.iter().map(function));
    match all.find(beside) {
        Some(export) => Err(AdmissionError::AgentAndMore { export }),
        None => Ok(()),
    }
}

/// Answers whether an agent may import this: what has no effect, and what is answered from the record when
/// its task is played back.
fn may_agents_import(row: &Row) -> bool {
    use Capability as C;
    row.baseline
        || matches!(
            row.capability,
            C::AxTypes
                | C::AxLog
                | C::AxConfig
                | C::AxTaskCall
                | C::AxTask
                | C::AxTools
                | C::AxModelChat
                | C::AxMemory
        )
}

/// Answers whether an agent can use a permission of this kind.
fn may_agents_use(kind: PermissionKind) -> bool {
    use PermissionKind as P;
    match kind {
        P::Models | P::Tools | P::Memory | P::Agents => true,
        P::Kv | P::Net | P::Secret | P::Services | P::Events | P::Fs | P::Env => false,
    }
}

/// Says what an agent imports instead.
fn in_agent(interface: &str) -> String {
    let instead = match interface {
        "ax:kv/store" => "keep it in the task: `ax:task/task.set`",
        "ax:http/client" | "wasi:http/types" | "wasi:http/outgoing-handler" => {
            "call a tool that does: `ax:tools/tools.call` of `ax:fetch.get`"
        }
        _ => "call a tool of another plugin that does: `ax:tools/tools.call`",
    };
    format!("{instead}; an agent is run again after a crash, and must not do things twice")
}

/// Names a tool that does what needs permissions of this kind.
fn tool_for(kind: PermissionKind) -> &'static str {
    match kind {
        PermissionKind::Fs => r#"tools = ["ax:files.list", "ax:files.read"]"#,
        _ => r#"tools = ["ax:fetch.get"]"#,
    }
}

/// Finds the kind of permission that this import needs, given the functions it has.
fn gated_kind(row: &Row, import: &ImportedInterface) -> Option<PermissionKind> {
    let gated = |function: &String| row.gated.contains(&function.as_str());
    let needed = row.gated.is_empty() || import.functions.iter().any(gated);
    row.kind.filter(|_| needed)
}

/// Refuses an interface that is not linked.
fn served(row: &Row) -> Result<(), AdmissionError> {
    let interface = row.interface;
    match row.served {
        Served::Now => Ok(()),
        Served::From(from) => Err(AdmissionError::NotServedYet { interface, from }),
        Served::Never => Err(AdmissionError::NeverServed { interface }),
    }
}

/// Answers whether an import of `kind` makes use of `permission`.
fn uses(kind: PermissionKind, permission: &Permission) -> bool {
    // Secrets are put into requests, so whoever can send a request can use one.
    kind == permission.kind()
        || (kind == PermissionKind::Net && permission.kind() == PermissionKind::Secret)
}

/// Explains an import without a row.
fn stranger(import: &str) -> AdmissionError {
    let interface = import.split_once('@').map_or(import, |(interface, _)| interface);
    let import = import.to_owned();
    match TABLE.iter().find(|row| row.interface == interface) {
        Some(row) => AdmissionError::OtherVersion { import, track: row.track },
        None => {
            let nearest = nearest(interface, TABLE.iter().map(|row| row.interface));
            AdmissionError::Unknown { import, nearest }
        }
    }
}

/// Shows how a permission of this kind is declared.
fn example(kind: PermissionKind) -> &'static str {
    match kind {
        PermissionKind::Kv => r#"kv = { bytes = "10 MiB", reason = "…" }"#,
        PermissionKind::Net => r#"net = [{ to = "https://api.example.com", reason = "…" }]"#,
        PermissionKind::Secret => {
            r#"secrets = [{ name = "api-token", to = "https://api.example.com", reason = "…" }]"#
        }
        PermissionKind::Models => r#"models = [{ tier = "fast", calls = 20 }]"#,
        PermissionKind::Tools => r#"tools = ["ax:fetch.get"]"#,
        PermissionKind::Services => r#"services = ["ax:notes/search"]"#,
        PermissionKind::Events => r#"events = { publish = ["review.*"] }"#,
        PermissionKind::Memory => r#"memory = ["private"]"#,
        PermissionKind::Agents => r#"agents = ["reviewer"]"#,
        PermissionKind::Fs => r#"fs = [{ path = "workspace", access = "read" }]"#,
        PermissionKind::Env => r#"env = ["LANG"]"#,
    }
}

#[cfg(test)]
mod tests {
    use super::AdmissionError;
    use super::Warning;
    use super::admit;
    use super::example;
    use crate::capability::Capability;
    use crate::capability::Served;
    use crate::digest::Digest;
    use crate::inspect::ComponentFacts;
    use crate::inspect::Counts;
    use crate::inspect::ImportedInterface;
    use crate::manifest::Manifest;
    use crate::permission::Permission;
    use crate::permission::PermissionSet;

    /// Facts about a component with these imports: an interface and the functions it uses.
    fn facts(imports: &[(&str, &[&str])]) -> ComponentFacts {
        let imports = imports.iter().map(|(name, functions)| ImportedInterface {
            name: (*name).to_owned(),
            functions: functions.iter().map(|&function| function.to_owned()).collect(),
        });
        ComponentFacts {
            digest: Digest::of(b""),
            size: 0,
            imports: imports.collect(),
            exports: Vec::new(),
            guest_interfaces: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn set(permissions: &[&str]) -> PermissionSet {
        permissions
            .iter()
            .map(|text| text.parse::<Permission>().unwrap_or_else(|error| panic!("{error}")))
            .collect()
    }

    /// Tries one import that calls `call`.
    fn import(name: &str, asked: &[&str]) -> Result<Vec<Warning>, AdmissionError> {
        admit(&facts(&[(name, &["call"])]), &set(asked))
    }

    #[test]
    fn the_baseline_and_what_needs_no_permission_are_admitted_undeclared() {
        for &capability in Capability::ALL {
            let row = capability.row();
            let name = format!("{}@{}.0", row.interface, row.track);
            // `call` is none of the functions that need it, where only some do.
            let is_free = row.kind.is_none() || !row.gated.is_empty();
            if row.baseline || (is_free && row.served == Served::Now) {
                assert_eq!(import(&name, &[]), Ok(Vec::new()), "{name}");
            } else {
                assert!(import(&name, &[]).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn an_undeclared_import_is_refused_with_the_line_to_type() {
        let error =
            import("ax:kv/store@0.1.0", &["fs:workspace:read"]).expect_err("kv is not asked");
        insta::assert_snapshot!(error, @"the component imports `ax:kv/store`, but its manifest asks for no `kv`");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @r#"add to [permissions] of plugin.toml: kv = { bytes = "10 MiB", reason = "…" }"#);
    }

    #[test]
    fn what_a_later_host_offers_is_refused_with_its_version() {
        let error = import("ax:memory/memory@0.1.0", &["memory:private"]).expect_err("later");
        insta::assert_snapshot!(error, @"the component imports `ax:memory/memory`, which comes with host version 0.3");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"upgrade the host to 0.3, or build without the import");
    }

    #[test]
    fn an_unknown_interface_is_refused_with_the_nearest_name() {
        let error = import("ax:lgo/log@0.1.0", &[]).expect_err("a slip");
        insta::assert_snapshot!(error, @"the component imports `ax:lgo/log@0.1.0`, which this host does not know");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"did you mean `ax:log/log`?");
        let error = import("acme:db/query@1.0.0", &[]).expect_err("a stranger");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"compose the component that offers it into this one: `wac plug`");
        assert!(matches!(import("now", &[]), Err(AdmissionError::Unknown { .. })));
    }

    #[test]
    fn a_known_interface_of_another_version_is_refused_with_ours() {
        let error = import("wasi:io/streams@0.3.0", &[]).expect_err("another track");
        insta::assert_snapshot!(error, @"the component imports `wasi:io/streams@0.3.0`; this host knows version 0.2");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"build against version 0.2 of the interface");
    }

    #[test]
    fn an_import_for_its_types_alone_is_admitted() {
        let types: &[&str] = &[];
        for name in ["ax:tools/tools@0.1.0", "acme:words/types@9.0.0", "some-type"] {
            assert_eq!(admit(&facts(&[(name, types)]), &set(&[])), Ok(Vec::new()), "{name}");
        }
    }

    #[test]
    fn waiting_in_a_task_needs_no_permission_but_delegating_does() {
        let task = |function| admit(&facts(&[("ax:task/task@0.1.0", &[function])]), &set(&[]));
        assert_eq!(task("sleep"), Ok(Vec::new()));
        assert!(matches!(task("delegate"), Err(AdmissionError::Undeclared { .. })));
    }

    fn agent(imports: &[(&str, &[&str])]) -> ComponentFacts {
        let guest_interfaces = vec!["ax:guest/agent@0.1.3".to_owned()];
        ComponentFacts { guest_interfaces, ..facts(imports) }
    }

    #[test]
    fn an_agent_imports_what_is_played_back_and_nothing_else_of_ours() {
        let call: &[&str] = &["call"];
        for name in ["ax:log/log", "ax:config/config", "ax:task/task", "ax:task/call"] {
            assert_eq!(admit(&agent(&[(&format!("{name}@0.1.0"), call)]), &set(&[])), Ok(vec![]));
        }
        let tools = [("ax:tools/tools@0.1.0", call), ("wasi:clocks/wall-clock@0.2.6", call)];
        assert_eq!(admit(&agent(&tools), &set(&["tools:ax:fetch.get"])), Ok(Vec::new()));
        let models = [("ax:model/chat@0.1.0", call)];
        assert_eq!(admit(&agent(&models), &set(&["models:fast"])), Ok(Vec::new()));
        let refused = |import: &str, asked: &[&str]| {
            let error = admit(&agent(&[(import, call)]), &set(asked)).expect_err("it is refused");
            format!("{error}\n  {}", error.hint().unwrap_or_default())
        };
        let all = [
            refused("ax:kv/store@0.1.0", &["kv"]),
            refused("wasi:http/outgoing-handler@0.2.6", &["net:https://a.example"]),
            refused("ax:secrets/secrets@0.1.0", &["secret:a@https://a.example"]),
            refused("ax:log/log@0.1.0", &["fs:workspace:read"]),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        the component is an agent and imports `ax:kv/store`, which no agent may
          keep it in the task: `ax:task/task.set`; an agent is run again after a crash, and must not do things twice
        the component is an agent and imports `wasi:http/outgoing-handler`, which no agent may
          call a tool that does: `ax:tools/tools.call` of `ax:fetch.get`; an agent is run again after a crash, and must not do things twice
        the component is an agent and imports `ax:secrets/secrets`, which no agent may
          call a tool of another plugin that does: `ax:tools/tools.call`; an agent is run again after a crash, and must not do things twice
        the component is an agent, and its manifest asks for `fs:workspace:read`, which no agent can use
          remove it from [permissions], and ask for a tool of another plugin that may: tools = ["ax:files.list", "ax:files.read"]
        "#);
    }

    #[test]
    fn an_agent_offers_nothing_else() {
        let mut facts = agent(&[]);
        facts.guest_interfaces.push("ax:guest/lifecycle@0.1.3".to_owned());
        assert_eq!(admit(&facts, &set(&[])), Ok(Vec::new()));
        facts.guest_interfaces.push("ax:guest/tools@0.1.3".to_owned());
        let error = admit(&facts, &set(&[])).expect_err("it is refused");
        insta::assert_snapshot!(error, @"the component exports `ax:guest/tools@0.1.3` beside `ax:guest/agent`");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"put the agent into a plugin of its own, which may call these as tools");
    }

    #[test]
    fn what_nothing_can_use_is_warned_of() {
        let files: &[(&str, &[&str])] =
            &[("wasi:filesystem/types@0.2.6", &["[method]descriptor.read"])];
        assert_eq!(admit(&facts(files), &set(&["fs:workspace:read"])), Ok(Vec::new()));
        let asked = set(&["fs:workspace:read", "env:LANG"]);
        let warnings = admit(&facts(files), &asked).expect("it is only odd");
        let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(texts.join("\n"), @"the manifest asks for `env:LANG`, but the component imports nothing that could use it");
        assert!(warnings[0].hint().is_some());
    }

    #[test]
    fn every_line_to_type_is_right() {
        for &capability in Capability::ALL {
            let Some(kind) = capability.row().kind else { continue };
            let text = format!(
                "[plugin]\nname = \"acme:x\"\nversion = \"1.0.0\"\ndescription = \"X\"\n\
                 host = \"^0.1\"\n[permissions]\n{}\n",
                example(kind)
            );
            let manifest = Manifest::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert!(manifest.asked().iter().any(|permission| permission.kind() == kind), "{text}");
        }
    }

    #[test]
    fn only_the_first_wrong_import_is_named() {
        let call: &[&str] = &["call"];
        let facts =
            facts(&[("ax:log/log@0.1.0", call), ("x:a/a@1.0.0", call), ("x:b/b@1.0.0", call)]);
        let Err(AdmissionError::Unknown { import, .. }) = admit(&facts, &set(&[])) else {
            panic!()
        };
        assert_eq!(import, "x:a/a@1.0.0");
    }
}
